/*
** multipart.h -- reads multipart/form-data (RFC 7578). Pure, total, bounded; parts point into the bytes
** handed in.
*/
#ifndef RECADO_WEB_MULTIPART_H
#define RECADO_WEB_MULTIPART_H

#include "base/arena.h"

#define MULTIPART_PARTS_MAX    2000 /* as many as a form may have fields     */
#define MULTIPART_BOUNDARY_MAX 70   /* RFC 2046 §5.1.1                       */
#define MULTIPART_HEADERS_MAX  4096 /* of one part: a long file name, twice  */

struct part {
	struct part *next;
	const char *name;       /* of the field, arena                              */
	const char *file_name;  /* NULL: a plain field. Without folders             */
	const char *media_type; /* "text/plain" if none is given                    */
	struct bytes bytes;
};

/* The boundary of a Content-Type header; RC_BAD_INPUT if there is none or it is too long. */
enum rc multipart_boundary(struct arena *a, const char **out, const char *content_type) MUST_CHECK;
/* All parts in order. RC_BAD_INPUT when the end is missing or a part is not well formed; RC_TOO_LARGE past
** the limits. */
enum rc multipart_parse(struct arena *a, struct part **out, const char *boundary,
			struct bytes body) MUST_CHECK;

#endif
