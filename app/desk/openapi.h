/*
** openapi.h -- what the API tells about itself, and how a JSON body is held against it. Inside desk only.
*/
#ifndef RECADO_DESK_OPENAPI_H
#define RECADO_DESK_OPENAPI_H

#include "desk/inner.h"

/* Api_input.c */
/* May input set this column (of a new row)? */
bool column_is_writable(const struct column *c, bool is_new);
/* Names and JSON types of a body; answered: the row as it is now (row_json), NULL for a new one. All wrong fields
** at once. */
enum rc api_input_check(struct cx *cx, const struct office *o, const struct value *json,
			const struct value *answered) MUST_CHECK;

#endif
