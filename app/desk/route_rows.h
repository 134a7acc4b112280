/*
** route_rows.h -- short rows for the office's tables of routes: staff only, from the database, a token with every
** write. For the files that own such a table.
*/
#ifndef RECADO_DESK_ROUTE_ROWS_H
#define RECADO_DESK_ROUTE_ROWS_H

#include "web/web.h"

#define PAGE(m, p, r, h, menu_, help_)                                                       \
	{                                                                                    \
		.method = m, .path = p, .realm = REALM_STAFF, .right = r, .class = ROUTE_DB, \
		.has_token = m[0] != 'G', .menu = menu_, .help = help_, .handle = h          \
	}

/* For people: forms, and what is one person's own. */
#define PEOPLE(m, p, r, h, menu_, help_)                                                            \
	{                                                                                           \
		.method = m, .path = p, .realm = REALM_STAFF, .right = r, .class = ROUTE_DB,        \
		.has_token = m[0] != 'G', .menu = menu_, .help = help_, .handle = h, .no_api = true \
	}

/* For programs too: what goes in and what comes out is told. */
#define CALL(m, p, r, h, menu_, help_, in, out)                                                   \
	{                                                                                         \
		.method = m, .path = p, .realm = REALM_STAFF, .right = r, .class = ROUTE_DB,      \
		.has_token = m[0] != 'G', .menu = menu_, .help = help_, .handle = h, .takes = in, \
		.gives = out                                                                      \
	}

/* The handler serves several: arg says which. */
#define CALL_WITH(m, p, r, h, arg_, help_, in, out)                                                          \
	{                                                                                                    \
		.method = m, .path = p, .realm = REALM_STAFF, .right = r, .class = ROUTE_DB,                 \
		.has_token = m[0] != 'G', .help = help_, .handle = h, .takes = in, .gives = out, .arg = arg_ \
	}
#define PEOPLE_WITH(m, p, r, h, arg_, help_)                                                      \
	{                                                                                         \
		.method = m, .path = p, .realm = REALM_STAFF, .right = r, .class = ROUTE_DB,      \
		.has_token = m[0] != 'G', .help = help_, .handle = h, .no_api = true, .arg = arg_ \
	}

#endif
