/*
** intake.h -- inside link only: an answer over HTTP/1.1 as its bytes come in (RFC 9112).
*/
#ifndef RECADO_LINK_INTAKE_H
#define RECADO_LINK_INTAKE_H

#include "base/sb.h"

#include <stdbool.h>
#include <stdint.h>

enum intake_at {
	INTAKE_STATUS, /* before the end of the status line */
	INTAKE_HEAD,
	INTAKE_LENGTH, /* in a body whose length is known    */
	INTAKE_REST,   /* in one that ends with the line      */
	INTAKE_SIZE,   /* before the end of a chunk's size     */
	INTAKE_CHUNK,
	INTAKE_CHUNK_END, /* before the line end behind a chunk  */
	INTAKE_TRAILER,
	INTAKE_WHOLE,
	INTAKE_WRONG /* see wrong */
};

enum intake_wrong { INTAKE_NOT_HTTP, INTAKE_BROKEN, INTAKE_LONG_HEAD, INTAKE_REFUSED };

struct intake {
	enum intake_at at;
	enum intake_wrong wrong;
	int status;    /* of the answer, also of a 1xx while it comes in; 0 = none yet */
	bool may_keep; /* when it is whole: the line may carry another request         */
	bool is_chunked, has_length;
	bool is_old, is_closing; /* HTTP/1.0; it said close                               */
	bool is_framing;         /* the header before says where the answer ends           */
	int64_t left;            /* of the body or the chunk                                     */
	size_t head_size;        /* bytes of the head, and of a chunked body's sizes and trailers */
	struct sb line;          /* begun and not ended; heap                                    */
	/* A line of the head with its end; and a piece of the body, false: no more of it (INTAKE_REFUSED). */
	void (*take_header)(void *arg, const char *line, size_t len);
	bool (*take_body)(void *arg, const char *p, size_t len);
	void *arg;
};

/* Once, before the first intake_begin(). */
void intake_init(struct intake *in);
void intake_free(struct intake *in);
/* A new answer: its memory and its takers stay. */
void intake_begin(struct intake *in);
/* The next bytes, in any pieces. Total; what comes behind the end makes the line one not to keep. */
void intake_take(struct intake *in, const char *p, size_t len);
/* The other side has nothing more to say: right for a body without a length. */
void intake_end(struct intake *in);

#endif
