/*
** web.h -- the door in: routes, who may, forms, replies in four shapes.
**
** Routes are rows. The router finds the row, the actor (session, token or nobody),
** checks right and CSRF token, opens the worker's cx, calls the handler and turns a
** failure into a page or a JSON error. Handlers wait for SQLite, never for the network.
*/
#ifndef RECADO_WEB_WEB_H
#define RECADO_WEB_WEB_H

#include "base/check.h"
#include "db/db.h"
#include "web/server.h"

enum realm {
	REALM_STAFF, /* a user's session or an API token                             */
	REALM_GUEST, /* later: people of a booking                                   */
	REALM_OPEN,  /* anybody: log-in, assets, health                              */
	REALM_HOOK   /* a provider: the handler proves it by signature or secret     */
};
enum route_class { ROUTE_MEMORY, ROUTE_DB, ROUTE_SPOOL };

#define LANG_COOKIE   "recado_lang" /* the language that somebody chose */
#define MENU_UNPLACED 1000 /* order of what has no menu_order: behind everything that has           */

struct call; /* request, reply and route parameters of one call */

/* One thing that a program sends with a call or reads in its answer: checked before the handler runs, and
** told in openapi.json. Rows end with one without name. */
enum fact_type {
	FACT_TEXT, /* max = length in code points                                */
	FACT_INT,  /* min…max                                                    */
	FACT_BOOL,
	FACT_DATE,    /* YYYY-MM-DD                                                 */
	FACT_INSTANT, /* RFC 3339                                                   */
	FACT_MONEY,   /* smallest unit as a number, or text like "12.99"            */
	FACT_TEXTS,   /* a list of texts                                            */
	FACT_MAP,     /* an object                                                  */
	FACT_MAPS     /* a list of objects                                          */
};
struct fact {
	const char *name;
	enum fact_type type;
	bool is_needed; /* must be sent; in an answer: is always there          */
	int64_t min, max;
	const char *choices; /* "now|at_end": codes only                             */
	const char *help;    /* N_()                                                 */
};

struct route {
	const char *method; /* "GET", "POST"; GET serves HEAD too; "*" = the handler answers every method */
	/* "/clients/:id/renew"; a trailing slash is as good as none. A staff row also answers as /api/v1/clients/…
	** (JSON), and as /clients.csv and /clients.xlsx, unless another row is declared with that path. */
	const char *path;
	enum realm realm;
	const char *right; /* needed right, NULL = any logged-in user (staff realm)  */
	enum route_class class;
	size_t body_max; /* 0 = default                                            */
	bool has_token;  /* POST of the staff realm by session: CSRF token checked by the router; false only
			    where realm is open or hook */
	bool is_idempotent; /* honours Idempotency-Key (API)                          */
	const char *menu;   /* N_() title in the menu, NULL = not there                */
	int menu_order;     /* smaller first, as a resource's; 0 = behind the module's lists */
	const char *help;   /* N_() one line: manual, OpenAPI                          */
	enum rc (*handle)(struct cx *cx, struct call *call);
	const void *arg;  /* for the handler: desk puts its resource here            */
	bool no_api;      /* a page, a form or a file only: /api/v1 does not have it       */
	bool is_api_only; /* /api/v1 alone has it: the page at this path is another row's   */
	/* A failure is {"ok":false,"error":sentence,"error_code"}, as an old system's callers read it. */
	bool has_flat_errors;
	/* Body of a write, query of a GET, when called as /api/v1: anything else is refused with its
	** field. NULL: the handler looks for itself. */
	const struct fact *takes;
	const struct fact *gives; /* members of the JSON answer; NULL = not told       */
};

struct right {
	const char *name;  /* "clients.edit"                                            */
	const char *title; /* N_()                                                      */
	const char *roles; /* built-in roles that have it: "owner seller reader"         */
	/* … "-reader": had it in an older version and must not; taken away once, and an owner who gives it to that role
	** again knows what he does */
};

/* What a handler asks */
const void *call_arg(const struct call *call);
const char *call_method(const struct call *call);
const char *call_path(const struct call *call);
const char *call_param(const struct call *call, const char *name); /* ":id" of the path; "" if none        */
const char *call_query(struct call *call, const char *name);       /* NULL if absent                      */
const char *call_header(const struct call *call, const char *name);
const char *call_address(const struct call *call); /* the client's, through configured proxies only */
struct bytes call_body(const struct call *call);   /* raw, for hooks                       */
struct request *call_request(struct call *call);
struct reply *call_reply(struct call *call);
/* This address with one query parameter changed (value NULL: removed). */
const char *call_url(struct cx *cx, struct call *call, const char *set, const char *value);
enum shape { SHAPE_PAGE, SHAPE_JSON, SHAPE_CSV, SHAPE_XLSX };
/* By /api/v1 prefix or .csv suffix (already cut from call_path). */
enum shape call_shape(const struct call *call);

/* One form reader for URL-encoded, multipart and JSON bodies: flat fields by name (of JSON the scalars, lists
** of scalars as repeated fields; true is "1", false "0", null ""). Parsed on first use; a broken body is
** RC_BAD_INPUT with its sentence and no field. Values are valid UTF-8 without NUL, NFC, trimmed. */
enum rc form_read(struct cx *cx, struct call *call) MUST_CHECK;
const char *form_text(struct call *call, const char *name); /* NULL if absent                      */
size_t form_count(struct call *call, const char *name);     /* name repeated (check boxes, lines)  */
const char *form_text_at(struct call *call, const char *name, size_t i);
const struct value *form_json(struct call *call); /* the whole JSON body, NULL if it was a form */
struct upload {
	const char *name, *media_type; /* the file's name without folders                     */
	struct bytes bytes;            /* mapped when the body was spooled                    */
	int fd; /* the same bytes as a nameless file, closed after the call; -1: no room */
};
/* False: no such file field, or it was left empty. */
bool form_upload(struct call *call, const char *name, struct upload *out);

/* What a handler answers */

/* A page: template (embedded, app/ROOM/pages/NAME.mustache given as "ROOM/NAME") inside the house's layout,
** which gets title, menu, user, csrf, language, banners and flash by itself (layout.c). data may be NULL; the
** page also sees `csrf`, `lang`, `path`. Called as /api/v1/… it is the data as JSON. Another status than 200:
** reply_status() of call_reply() afterwards. */
void answer_page(struct cx *cx, struct call *call, const char *template, const char *title,
		 struct value *data);
/* The same for somebody who is no user and came by a link of ours: a page in the business's name without menu,
** banners or links into the panel (web/alone). */
void answer_alone(struct cx *cx, struct call *call, const char *template, const char *title,
		  struct value *data);
/* A form that makes something carries a number made with it (field "_once"), so that pressing twice makes it
** once. Both in the transaction that makes it: *path is where the first press led, "" when this is the first;
** the other notes where it led. */
enum rc form_once(struct cx *cx, const char *key, const char **path) MUST_CHECK;
enum rc form_once_done(struct cx *cx, const char *key, const char *path) MUST_CHECK;
/* 303. Called as API: {"path"}. */
void answer_redirect(struct cx *cx, struct call *call, const char *path);
/* 303; the sentence is shown once on the next page. Called as API: {"message","path"}. */
void answer_flash(struct cx *cx, struct call *call, const char *path, const char *sentence);
void answer_json(struct cx *cx, struct call *call, int status, const struct value *data);
void answer_text(struct cx *cx, struct call *call, int status, const char *media_type, const char *text);
/* A whole foreign page (a mail) for a frame of ours: no scripts, no forms, an origin of its own; only our
** pages may frame it. */
void answer_frame(struct cx *cx, struct call *call, const char *html);
/* Closes fd. */
void answer_download(struct cx *cx, struct call *call, int fd, const char *media_type, const char *file_name);
void answer_header(struct call *call, const char *name, const char *value);
/* Park until web_wake() (at most ms), then the handler runs again with call_is_again() true. */
void answer_later(struct call *call, int ms);
bool call_is_again(const struct call *call);
/* Failure page or {"error":{code,message,fields}}; the router calls it for a handler that returns a
** failure. */
void answer_failure(struct cx *cx, struct call *call, enum rc rc);
/* The same page on purpose, so that somebody can see it: neither logged nor counted as a failure. */
void answer_staged(struct cx *cx, struct call *call, enum rc rc);

/* Shapes: rows with typed column names (design §3) */

/* For JSON: *_at → RFC 3339 UTC, is_/has_ → bool, *_cents stay integers beside currency, *_json spliced
** without the suffix, public_id → id (the inner id is left out). In place, lists and maps inside too. */
void shape_json(struct cx *cx, struct value *rows_or_row);
/* For pages: beside x_at, x_on, x_cents (currency or currency column) a text `x` for people:
** "22/11/2026 09:00", "22/11/2026", "$12.99". A name that is there already stays. */
void shape_page(struct cx *cx, struct value *rows_or_row);

/* People (auth.c) */

#define SESSION_IDLE_MS     (12 * HOUR_MS) /* a working day                                          */
#define SESSION_ABSOLUTE_MS (14 * DAY_MS)  /* then log in again                                      */

/* Make the built-in roles; give each declared right to its roles once, when it is first seen (what an owner
** takes away later stays away). The owner's role has "*". In a transaction. */
enum rc auth_roles_ensure(struct cx *cx, const struct right *const *rights) MUST_CHECK;
/* In a transaction of its own: hashing the password takes longer than a transaction may. */
enum rc user_add(struct cx *cx, int64_t *id, const char *name, const char *role,
		 const char *password) MUST_CHECK;
/* The same; ends the user's sessions. */
enum rc user_set_password(struct cx *cx, const char *name, const char *password) MUST_CHECK;
/* rights: comma or blank separated names, checked against the declared ones ("*" = all) and against what the
** actor has himself. The token is returned once. Own transaction. */
enum rc token_add(struct cx *cx, char out[TOKEN_SIZE + 8], const char *name, const char *rights) MUST_CHECK;
/* One-time code for the first user; made at first start, "" once a user exists. */
enum rc setup_code(struct cx *cx, const char **out) MUST_CHECK;
bool right_is_known(const char *name);
const struct right *right_at(size_t i); /* NULL past the end */

/* The running room */

struct web_options {
	/* NULL-terminated lists of row arrays, each ended by a row without method or name. */
	const struct route *const *routes;
	const struct right *const *rights;
	/* Who declared each of these arrays: msgids in the same order, NULL-terminated. May be NULL. */
	const char *const *right_titles;
	/* Given the actor, what upper rooms put on every page: alerts, unread counts, more menu (layout.c
	** says how). May be NULL. */
	void (*decorate)(struct cx *cx, struct value *layout);
	/* Beyond the routes, before log-in, for clients on loopback only, on the wire thread (stand-in
	** paths in offline mode). Returns true if it answered. May be NULL. */
	bool (*before)(void *arg, struct request *rq, struct reply *rp);
	void *before_arg;
};
struct web;
/* The tables alone, for commands that need rights or routes without serving; web_start() does it too. */
void web_setup(const struct web_options *o);
enum rc web_start(struct web **out, struct env *env, const struct web_options *o, struct arena *a,
		  const char **why) MUST_CHECK;
void web_stop(struct web *w);
const char *web_address(const struct web *w); /* "http://127.0.0.1:8080" */
struct server *web_server(struct web *w);
void web_wake(struct web *w); /* who waits (answer_later) looks again now; any thread */
/* Walk all routes, for tests and manual. NULL past the end. */
const struct route *web_route_at(size_t i);
/* Does a link of the panel ("/unsure?order=old#top") lead anywhere for this actor: a page that exists and
** whose right he has? What a page shows of one row is its own to judge. */
bool web_may_open(const struct cx *cx, const char *href);
/* Walk embedded templates of all rooms and compile them (a test and `recado check`). */
enum rc web_templates_check(struct arena *a, const char **why) MUST_CHECK;

extern const struct setting web_settings[];
extern const struct route web_routes[]; /* log-in, log-out, set-up, assets, health/live */
extern const struct right web_rights[];

#endif
