/*
** api.h -- the API told to programs and to those who write them.
*/
#ifndef RECADO_DESK_API_H
#define RECADO_DESK_API_H

#include "desk/desk.h"

/* The OpenAPI 3.1 document in cx's language, from the tables of this process; needs a database. Lives in cx's
** arena. */
enum rc openapi_document(struct cx *cx, struct value **out) MUST_CHECK;

extern const struct route desk_api_routes[]; /* /openapi.json and the page /api */

#endif
