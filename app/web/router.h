/*
** router.h -- finds the row of a request. Pure: no I/O, no people.
*/
#ifndef RECADO_WEB_ROUTER_H
#define RECADO_WEB_ROUTER_H

#include "web/web.h"

#define ROUTE_PARAMS_MAX   4    /* "/bookings/:id/payments/:payment/refund" has two             */
#define ROUTE_SEGMENTS_MAX 10   /* deeper addresses are nobody's                                */
#define ROUTES_MAX         2000 /* 80 resources of 16 routes, and as many pages again           */

struct router;

struct match {
	const struct route *route; /* NULL: no such path, or not by this method (see allow)   */
	enum shape shape;
	const char *path;  /* without /api/v1 and suffix, no slash at the end (but "/")       */
	const char *allow; /* methods the path has, when the method is wrong: "GET, HEAD, POST" */
	size_t param_count;
	struct {
		const char *name, *value;
	} params[ROUTE_PARAMS_MAX];
};

/* lists: NULL-terminated list of row arrays, each ended by a row without method. Rows are kept by reference.
** RC_BUG when there are too many rows or a path is no path (logged). */
enum rc router_new(struct router **out, const struct route *const *lists) MUST_CHECK;
void router_free(struct router *r); /* NULL is fine */
const struct route *router_at(const struct router *r, size_t i);

/* Fill *out. The path as declared wins; else, for the staff realm, without /api/v1 (JSON; rows with no_api
** are not there), .csv or .xlsx. Literal segments win over parameters. Texts live in a. Total. */
void router_match(const struct router *r, struct match *out, struct arena *a, const char *method,
		  const char *path);

#endif
