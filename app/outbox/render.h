/*
** render.h -- compiled templates of versions, kept for the engine. One user at a time.
*/
#ifndef RECADO_OUTBOX_RENDER_H
#define RECADO_OUTBOX_RENDER_H

#include "outbox/outbox.h"

#define RENDER_KEPT 32 /* versions in use at once: a few modules times a few stages         */
/* A text of 4096 code points is at most 16 kB; refused later if longer */
#define RENDERED_MAX ((size_t)64 * 1024)

struct render_cache;
struct render_cache *render_cache_new(void);    /* NULL: no memory */
void render_cache_free(struct render_cache *c); /* NULL is fine */
/* The text of a version with variables (JSON text of a map, NULL = none) into the arena. RC_BAD_INPUT: the
** template or the variables cannot be read. Versions are immutable, so a compiled one is good for ever. */
enum rc render_cached(struct cx *cx, struct render_cache *c, const char **out, int64_t version_id,
		      const char *variables_json) MUST_CHECK;

#endif
