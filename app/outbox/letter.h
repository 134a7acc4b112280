/*
** letter.h -- letters as the engine keeps them: read and compiled once, then used for each message of their
** batch. For the room's own files and tests. One user at a time.
*/
#ifndef RECADO_OUTBOX_LETTER_H
#define RECADO_OUTBOX_LETTER_H

#include "outbox/ledger.h"

#define LETTERS_KEPT 6 /* mailings under way at once, on all channels; another one is read again    */
/* A text as it leaves: a template of 256 KiB with its variables; mail programs cut far earlier. */
#define LETTER_RENDERED_MAX ((size_t)1024 * 1024)
/* Attachments in base64: what fits into the largest mail (mime.h) */
#define LETTER_PREPARED_MAX ((size_t)20 * 1024 * 1024)

struct letter_cache;
struct letter_cache *letter_cache_new(void);    /* NULL: no memory */
void letter_cache_free(struct letter_cache *c); /* NULL is fine */

/* What a batch's letter is. All is lent until the next letter_of(). */
struct letter_kept {
	struct letter letter;
	bool is_file_gone, is_file_away; /* one of its files is no more; is not readable now */
	int64_t file_bytes;
	/* the cache's own */
	int64_t batch_id;
	uint64_t used;
	bool is_there, is_prepared;
	struct arena *arena;
	const char *subject_text;
	struct template *subject, *html, *text;
	struct sb prepared;
};
/* *out NULL: the batch has none. RC_BAD_INPUT: a text of it cannot be read. Reads only. */
enum rc letter_of(struct cx *cx, struct letter_cache *c, struct letter_kept **out,
		  int64_t batch_id) MUST_CHECK;
/* The bytes that kind makes of it once, for all its messages. Reads files. */
enum rc letter_prepare(struct letter_kept *k, const struct channel_kind *kind,
		       const struct channel_config *cf) MUST_CHECK;

/* Its texts for one message: what o has of it (to, variables_json, unsubscribe_url) goes in, subject, html
** and text come out, lent until the next call. RC_BAD_INPUT: the variables cannot be read; RC_TOO_LARGE. */
enum rc letter_render(struct letter_cache *c, const struct letter_kept *k, struct outgoing *o) MUST_CHECK;

#endif
