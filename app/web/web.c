/*
** web.c -- the running room: routes of the house itself, workers, and the way of one call.
**
** Owns:   the server, the workers' contexts and connections.
** Needs:  an env with settings (and a store for pages that ask it); the tables handed down in web_options.
** Never:  waits for the network in a handler.
** Holds:  (1) the order of one call: host, row, address, who, right, token of the form, idempotency, handler;
**         (2) a worker's cx has no open transaction after a call (db_at_rest); (3) every failure is a page or
**         a JSON error in the person's language.
*/
#include "web/inside.h"
#include "base/mem.h"
#include "base/text.h"
#include "web/doors.h"
#include "web/gate.h"
#include "web/limit.h"
#include "web/incident.h"
#include "web/tally.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define WORKERS         3   /* design §4 */
#define QUEUE_MAX       256 /* about a second of work: past it, waiting longer helps nobody         */
#define CLIENTS_MAX     1000
#define REQUEST_LIMIT_S 120 /* a 50 MiB upload from a slow office; forms are done in one             */

struct place {
	struct cx cx;
	struct db *db;
	struct arena *arena;
};

struct web {
	struct env *env;
	struct web_options o;
	struct server *server;
	struct place places[WORKERS + 1]; /* [0] is the wire thread's, without a database */
	struct gate *gate;
	struct limit *limit;
	char address[160];
	_Atomic uint32_t request_number;
	uint32_t request_base;
};

struct web_state web_state;
static _Thread_local int here = -1; /* worker of this thread, -1: the wire thread */

/* Routes of the house itself */

static enum rc live_show(struct cx *cx, struct call *call)
{
	(void)cx;
	call->has_answer = true;
	reply_status(call->rp, 200);
	reply_header(call->rp, "Cache-Control", "no-store");
	reply_static(call->rp, "text/plain; charset=utf-8", "ok\n", 3);
	return RC_OK;
}

/* Addresses of the old panels, as people have them in their bookmarks: bulk sends were under /app/ (spec
** bulk-sends §1). All else, or without that module: home. */
static enum rc old_address(struct cx *cx, struct call *call)
{
	const char *path = call_path(call), *to = "/";
	const struct route *row;

	for (size_t i = 0; strncmp(path, "/app", 4) == 0 && (row = web_route_at(i)) != NULL; i++)
		if (strcmp(row->path, "/sends") == 0) to = "/sends";
	answer_redirect(cx, call, to);
	return RC_OK;
}

#define OPEN_MEMORY .realm = REALM_OPEN, .class = ROUTE_MEMORY
#define OPEN_DB     .realm = REALM_OPEN, .class = ROUTE_DB

const struct route web_routes[] = {
	{ .method = "GET", .path = "/login", OPEN_DB, .handle = login_show, .help = N_("Log-in page") },
	{ .method = "POST",
	  .path = "/login",
	  OPEN_DB,
	  .handle = login_post,
	  .help = N_("Log in with name and password") },
	{ .method = "GET",
	  .path = "/login/code",
	  OPEN_DB,
	  .handle = login_code_show,
	  .help = N_("The log-in's second page: the code from the phone") },
	{ .method = "POST",
	  .path = "/login/code",
	  OPEN_DB,
	  .handle = login_code_post,
	  .help = N_("The log-in's second page: the code from the phone") },
	{ .method = "GET",
	  .path = "/reset",
	  OPEN_DB,
	  .handle = reset_show,
	  .help = N_("A new password, with the link of `recado user reset`") },
	{ .method = "POST",
	  .path = "/reset",
	  OPEN_DB,
	  .handle = reset_post,
	  .help = N_("A new password, with the link of `recado user reset`") },
	{ .method = "POST",
	  .path = "/logout",
	  .realm = REALM_STAFF,
	  .class = ROUTE_DB,
	  .has_token = true,
	  .handle = logout_post,
	  .help = N_("Log out") },
	{ .method = "GET",
	  .path = "/setup",
	  OPEN_DB,
	  .handle = setup_show,
	  .help = N_("Make the first user, with the one-time code") },
	{ .method = "POST",
	  .path = "/setup",
	  OPEN_DB,
	  .handle = setup_post,
	  .help = N_("Make the first user, with the one-time code") },
	{ .method = "GET",
	  .path = "/assets/:version/:name",
	  OPEN_MEMORY,
	  .handle = asset_show,
	  .help = N_("Style, script and pictures") },
	{ .method = "GET",
	  .path = "/favicon.ico",
	  OPEN_MEMORY,
	  .handle = asset_show,
	  .arg = "icon.svg",
	  .help = N_("Style, script and pictures") },
	{ .method = "GET",
	  .path = "/robots.txt",
	  OPEN_MEMORY,
	  .handle = asset_show,
	  .arg = "robots.txt",
	  .help = N_("Search engines stay outside") },
	{ .method = "GET",
	  .path = "/health/live",
	  OPEN_MEMORY,
	  .handle = live_show,
	  .help = N_("Answers as long as the process lives") },
	{ .method = "GET",
	  .path = "/admin",
	  OPEN_MEMORY,
	  .handle = old_address,
	  .help = N_("Old address of the panel") },
	{ .method = "GET",
	  .path = "/app",
	  OPEN_MEMORY,
	  .handle = old_address,
	  .help = N_("Old address of the panel") },
	{ .method = NULL },
};

void web_setup(const struct web_options *o)
{
	web_state.routes = o->routes;
	web_state.rights = o->rights;
	web_state.right_titles = o->right_titles;
	web_state.decorate = o->decorate;
}

const struct route *web_route_at(size_t i)
{
	if (web_state.router != NULL) return router_at(web_state.router, i);
	for (const struct route *const *l = web_state.routes; l != NULL && *l != NULL; l++)
		for (const struct route *row = *l; row->method != NULL; row++)
			if (i-- == 0) return row;
	return NULL;
}

bool web_may_open(const struct cx *cx, const char *href)
{
	struct match m = { .route = NULL };

	if (href == NULL || href[0] != '/' || web_state.router == NULL) return false;
	router_match(web_state.router, &m, cx->arena, "GET",
		     arena_bytes(cx->arena, href, strcspn(href, "?#")));
	if (m.route == NULL) return false;
	return m.route->realm != REALM_STAFF || m.route->right == NULL ||
	       actor_may(&cx->actor, m.route->right);
}

/* The wire thread's part */

static struct plan_note *note_of(struct web *w, struct request *rq)
{
	struct plan_note *note = arena_alloc(request_arena(rq), sizeof *note);
	const char *proxies = setting_text(w->env->settings, "web.proxies");
	const char *peer = request_peer(rq), *proto = request_header(rq, "X-Forwarded-Proto");
	bool is_proxy = strcmp(peer, "unix") == 0 || address_is_in(peer, proxies);

	if (note == NULL) return NULL;
	note->address =
		address_of_client(request_arena(rq), peer, request_header(rq, "X-Forwarded-For"), proxies);
	note->is_https = is_proxy && proto != NULL && text_equal_fold(proto, "https");
	note->match = (struct match){ .path = request_path(rq), .allow = "" };
	return note;
}

static bool has_credentials(struct request *rq, bool is_https)
{
	return request_header(rq, "Authorization") != NULL ||
	       request_cookie(rq, is_https ? SESSION_COOKIE_HTTPS : SESSION_COOKIE) != NULL;
}

/* A page nobody has, asked for with a session. */
static bool is_lost_person(struct request *rq, bool is_https)
{
	const char *method = request_method(rq);

	return request_cookie(rq, is_https ? SESSION_COOKIE_HTTPS : SESSION_COOKIE) != NULL &&
	       request_header(rq, "Authorization") == NULL &&
	       (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) &&
	       strncmp(request_path(rq), "/api/", 5) != 0;
}

/* Work for a worker is limited for each address. */
static struct server_plan plan_counted(struct web *w, struct request *rq, const struct plan_note *note,
				       struct server_plan plan)
{
	if (address_is_loopback(note->address)) return plan;
	if (gate_enter(w->gate, note->address))
		rq->is_counted = true;
	else
		plan.refuse = 429;
	return plan;
}

static struct server_plan web_plan(void *arg, struct request *rq)
{
	struct web *w = arg;
	struct server_plan plan = { .body_max = REQUEST_BODY_DEFAULT };
	struct plan_note *note = note_of(w, rq);
	const struct route *row;

	if (note == NULL) {
		plan.refuse = 503;
		return plan;
	}
	plan.route = note;
	router_match(web_state.router, &note->match, request_arena(rq), request_method(rq), request_path(rq));
	row = note->match.route;
	if (row == NULL || row->handle != live_show) {
		rq->why = gate_host_refusal(w->gate, request_arena(rq), request_header(rq, "Host"));
		if (rq->why != NULL) {
			plan.refuse = 400;
			return plan;
		}
	}
	if (row == NULL) {
		/* who is logged in reads that there is no such page inside the panel */
		plan.on_worker = is_lost_person(rq, note->is_https);
		return plan.on_worker ? plan_counted(w, rq, note, plan) : plan;
	}
	if (row->body_max > 0) plan.body_max = row->body_max;
	plan.body_to_file = plan.body_max > REQUEST_SPOOL_FROM;
	plan.on_worker = row->class != ROUTE_MEMORY || row->realm == REALM_STAFF;
	if (row->realm == REALM_STAFF && !has_credentials(rq, note->is_https))
		plan.on_worker = false; /* a redirect to the log-in needs no database */
	plan.check_first = plan.on_worker && row->realm == REALM_STAFF &&
			   plan.body_max > REQUEST_BODY_DEFAULT && strcmp(request_method(rq), "GET") != 0 &&
			   strcmp(request_method(rq), "HEAD") != 0;
	return plan.on_worker ? plan_counted(w, rq, note, plan) : plan;
}

static void web_done(void *arg, struct request *rq)
{
	const struct plan_note *note = request_route(rq);

	const struct web *w = arg;

	if (rq->is_counted && note != NULL) gate_leave(w->gate, note->address);
	rq->is_counted = false;
}

/* One call */

static struct cx *cx_ready(struct web *w, int worker)
{
	struct place *p = &w->places[worker + 1];

	if (p->arena == NULL) {
		p->arena = arena_new(CALL_ARENA_MAX);
		if (p->arena == NULL) return NULL;
		cx_init(&p->cx, w->env, p->arena, NULL);
	}
	cx_reset(&p->cx);
	if (worker >= 0 && p->db == NULL && w->env->store != NULL) {
		if (db_open(&p->db, w->env->store) != RC_OK) p->db = NULL;
	}
	if (p->db != NULL)
		db_limit_ms(p->db, PAGE_STATEMENT_MS); /* the call before may have asked for more */
	p->cx.db = p->db;
	p->cx.lang = w->env->lang;
	p->cx.actor =
		(struct actor){ .kind = ACTOR_USER, .name = "", .role = "", .rights = "", .address = "" };
	p->cx.request_id = arena_printf(
		p->arena, "%08x", (unsigned)(w->request_base + atomic_fetch_add(&w->request_number, 1)));
	log_context(arena_printf(p->arena, "request=%s", p->cx.request_id));
	return &p->cx;
}

/* The person's choice, then the user's own, then the business's (cx_ready). */
static void language_choose(struct cx *cx, struct call *call)
{
	const char *asked = call_query(call, "lang"), *cookie = request_cookie(call->rq, LANG_COOKIE);
	enum lang lang;

	if (asked != NULL && words_lang(&lang, asked)) {
		cx->lang = lang;
		if (call->match->shape == SHAPE_PAGE &&
		    (cookie == NULL || strcmp(cookie, words_code(lang)) != 0))
			cookie_set(call, LANG_COOKIE, words_code(lang), 365 * DAY_MS / SECOND_MS);
	} else if (cookie != NULL && words_lang(&lang, cookie)) {
		cx->lang = lang;
	} else if (call->login.language[0] != '\0' && words_lang(&lang, call->login.language)) {
		cx->lang = lang;
	}
}

static bool is_write(const struct call *call)
{
	const char *m = call_method(call);

	return strcmp(m, "GET") != 0 && strcmp(m, "HEAD") != 0 && strcmp(m, "OPTIONS") != 0;
}

/* Whoever has to set up the second factor may do just that, or leave. */
static bool is_open_without_factor(const struct route *row)
{
	return strncmp(row->path, "/me/second-factor", 17) == 0 || strcmp(row->path, "/logout") == 0;
}

static enum rc staff_check(struct web *w, struct cx *cx, struct call *call, bool has_body)
{
	const struct route *row = call->match->route;
	const char *allow = setting_text(w->env->settings, "web.panel_allow");
	enum rc rc;

	if (cx->db == NULL && has_credentials(call->rq, call->is_https))
		return cx_fail(cx, RC_TRY_LATER, _("The database cannot be opened right now."));
	if (allow[0] != '\0' && !address_is_in(call->address, allow))
		return cx_fail(cx, RC_DENIED, _("The panel is not open to this address (web.panel_allow)."));
	rc = cx->db != NULL ? session_find(cx, call) : RC_NO_LOGIN;
	if (rc == RC_NO_LOGIN && has_body) rc = pace_of_guess(w->limit, cx, call);
	if (rc == RC_OK && has_body) rc = pace_of_actor(w->limit, cx, call);
	if (rc != RC_OK) return rc;
	language_choose(cx, call);
	if (call->login.needs_factor && !is_open_without_factor(row)) {
		cx->error_code = "second_factor";
		return cx_fail(cx, RC_DENIED,
			       _("Set up the second factor first: /me/second-factor (web.second_factor)."));
	}
	if (row->right != NULL && !actor_may(&cx->actor, row->right)) return RC_DENIED;
	if (has_body && is_write(call) && call->login.session_id != 0 && !csrf_is_good(cx, call)) {
		if (cx->message[0] != '\0' || cx->field_count > 0)
			return call->form_rc != RC_OK ? call->form_rc : RC_DENIED;
		cx->error_code = "csrf";
		return cx_fail(
			cx, RC_DENIED,
			_("The form is out of date or came from elsewhere. Go back, load the page again and repeat."));
	}
	return RC_OK;
}

/* For the menu around a page that says no; whoever is not known gets the page without it. */
static void know_person(const struct web *w, struct cx *cx, struct call *call)
{
	const char *allow = setting_text(w->env->settings, "web.panel_allow");

	if (cx->db == NULL || (allow[0] != '\0' && !address_is_in(call->address, allow))) return;
	if (session_find(cx, call) == RC_OK && !call->login.needs_factor)
		language_choose(cx, call);
	else
		cx->actor = (struct actor){
			.kind = ACTOR_USER, .name = "", .role = "", .rights = "", .address = call->address
		};
	cx->message = "";
	cx->error_code = NULL;
}

static enum rc no_route(struct web *w, struct cx *cx, struct call *call)
{
	const char *path = call_path(call);

	/* For this machine only, and the real client's address counts, not a proxy's. */
	if (w->o.before != NULL && address_is_loopback(call->address) &&
	    w->o.before(w->o.before_arg, call->rq, call->rp)) {
		call->has_answer = true;
		return RC_OK;
	}
	if (call->match->allow[0] != '\0') {
		reply_header(call->rp, "Allow", call->match->allow);
		answer_error(cx, call, 405, "method_not_allowed",
			     arena_printf(cx->arena,
					  _("This address cannot be called with %s, only with %s."),
					  call_method(call), call->match->allow));
		return RC_OK;
	}
	if (!is_write(call) && (strncmp(path, "/admin/", 7) == 0 || strncmp(path, "/app/", 5) == 0))
		return old_address(cx, call);
	if (is_lost_person(call->rq, call->is_https)) know_person(w, cx, call);
	return cx_fail(cx, RC_NOT_FOUND, _("There is no page at this address."));
}

static enum rc serve(struct web *w, struct cx *cx, struct call *call)
{
	const struct route *row = call->match->route;
	const char *key = request_header(call->rq, "Idempotency-Key");
	bool is_done = false;
	enum rc rc = RC_OK;

	language_choose(cx, call);
	if (row == NULL) return no_route(w, cx, call);
	if (row->realm == REALM_STAFF)
		rc = staff_check(w, cx, call, true);
	else if (row->realm == REALM_GUEST)
		rc = RC_NOT_FOUND; /* nobody is a guest yet */
	else if (row->class != ROUTE_MEMORY && cx->db == NULL)
		rc = cx_fail(cx, RC_TRY_LATER, _("The database cannot be opened right now."));
	if (rc == RC_DENIED && call->login.needs_factor && !call->wants_json &&
	    !is_open_without_factor(row)) {
		answer_redirect(cx, call, "/me/second-factor");
		return RC_OK;
	}
	if (rc == RC_OK && row->takes != NULL && !call_is_again(call))
		rc = takes_check(cx, call, is_write(call));
	if (rc != RC_OK) return rc;
	if (!row->is_idempotent || key == NULL || !is_write(call) || row->realm != REALM_STAFF)
		return row->handle(cx, call);
	if (!call_is_again(call)) {
		rc = idempotency_begin(cx, call, key, &is_done);
		if (rc != RC_OK || is_done) return rc;
	}
	rc = row->handle(cx, call);
	if (rc != RC_OK) { /* the failure is the answer whose status decides whether the key is kept */
		db_at_rest(cx);
		answer_failure(cx, call, rc);
	}
	if (call->rp->park_ms == 0) idempotency_end(cx, call, key);
	return RC_OK;
}

static void access_log(struct cx *cx, struct call *call)
{
	int status = reply_status_of(call->rp);
	bool is_news = status >= 500 || is_write(call);

	log_event(is_news ? LOG_INFO : LOG_DEBUG, "access", "request",
		  "request=%s method=%s path=%s status=%d ms=%lld", cx->request_id, call_method(call),
		  call_path(call), status, (long long)(clock_ticks() - request_started_ticks(call->rq)));
}

/* Waits for a batch: its answer is counted when it comes. */
static bool call_is_parked(const struct call *call)
{
	return call->rp->park_ms > 0;
}

static enum tally_class class_of(const struct call *call)
{
	const struct route *row = call->match->route;

	if (row != NULL && row->realm == REALM_HOOK) return TALLY_HOOK;
	if (row != NULL && row->class == ROUTE_MEMORY && row->realm == REALM_OPEN) return TALLY_MEMORY;
	if (call->match->shape == SHAPE_JSON) return TALLY_API;
	return call->match->shape == SHAPE_PAGE ? TALLY_PAGE : TALLY_FILE;
}

static void web_handle(void *arg, int worker, struct request *rq, struct reply *rp)
{
	struct web *w = arg;
	struct cx *cx = cx_ready(w, worker);
	struct call call;
	enum rc rc;

	if (cx == NULL) {
		reply_status(rp, 503);
		reply_static(rp, "text/plain", "no memory\n", 10);
		return;
	}
	call_begin(&call, cx, rq, rp);
	rc = serve(w, cx, &call);
	if (cx->db != NULL) db_at_rest(cx);
	if (rc == RC_OK && !call.has_answer) {
		log_event(LOG_ERROR, "errors", "web.bug", "request=%s what=no_answer path=%s", cx->request_id,
			  call_path(&call));
		rc = RC_BUG;
	}
	if (rc != RC_OK) answer_failure(cx, &call, rc);
	access_log(cx, &call);
	if (!call_is_parked(&call) && !call.is_staged) {
		int status = reply_status_of(rp);

		tally_add(class_of(&call), status, clock_ticks() - request_started_ticks(rq));
		if (status == 500) incident_add(INCIDENT_FAILURE);
		if (status == 429) incident_add(INCIDENT_BLOCKED);
	}
	call_end(&call);
	cx_reset(cx);
	log_context("");
}

/* Before a large body is read: who, and may they. */
static void web_check(void *arg, int worker, struct request *rq, struct reply *rp)
{
	struct web *w = arg;
	struct cx *cx = cx_ready(w, worker);
	struct call call;
	enum rc rc;

	if (cx == NULL) return;
	call_begin(&call, cx, rq, rp);
	language_choose(cx, &call);
	rc = staff_check(w, cx, &call, false);
	if (rc != RC_OK) answer_failure(cx, &call, rc);
	if (cx->db != NULL) db_at_rest(cx);
	call_end(&call);
	cx_reset(cx);
	log_context("");
}

static const struct {
	int status;
	const char *code, *sentence;
} refusals[] = {
	{ 400, "bad_request", N_("The request is not well formed.") },
	{ 413, "too_large", N_("What was sent is larger than this page accepts.") },
	{ 414, "too_large", N_("The address is too long.") },
	{ 429, "too_many", N_("Too many requests at once from this address. Wait a moment.") },
	{ 431, "too_large",
	  N_("The headers of the request are too large: delete this page's cookies and try again.") },
	{ 503, "try_later", N_("The server is busy. Try again in a moment.") },
};

/* What the server refuses before or without a handler. */
static void web_refuse(void *arg, struct request *rq, int status, struct reply *rp)
{
	struct web *w = arg;
	struct cx *cx;
	struct call call;
	const char *code = "refused", *sentence = "";

	if (request_route(rq) == NULL) request_set_route(rq, note_of(w, rq));
	cx = request_route(rq) != NULL ? cx_ready(w, here) : NULL;
	if (cx == NULL) return; /* the server has a word of its own */
	call_begin(&call, cx, rq, rp);
	call.wants_json = call.wants_json || strncmp(request_path(rq), "/api/", 5) == 0;
	language_choose(cx, &call);
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (refusals[i].status == status) {
			code = refusals[i].code;
			sentence = refusals[i].sentence;
		}
	if (rq->why != NULL) sentence = rq->why;
	if (status == 429) reply_header(rp, "Retry-After", "1");
	answer_error(cx, &call, status, code, words_get(cx->lang, sentence));
	log_event(LOG_INFO, "access", "refused", "request=%s status=%d address=%s", cx->request_id, status,
		  call.address);
	call_end(&call);
	cx_reset(cx);
	log_context("");
}

static void web_worker_start(void *arg, int worker)
{
	(void)arg;
	here = worker;
}

static void web_worker_stop(void *arg, int worker)
{
	struct web *w = arg;
	struct place *p = &w->places[worker + 1];

	db_close(p->db);
	arena_free(p->arena);
	p->db = NULL;
	p->arena = NULL;
}

/* Start and stop */

/* A name to type into a browser on this machine, when the panel listens on all addresses. */
static const char *host_to_open(const char *host)
{
	if (strcmp(host, "[::]") == 0) return "[::1]";
	return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1" : host;
}

static enum rc start_server(struct web *w, struct arena *a, const char **why)
{
	const char *listen = setting_text(w->env->settings, "web.listen");
	struct server_options o = {
		.listen = listen,
		.workers = WORKERS,
		.queue_max = QUEUE_MAX,
		.clients_max = CLIENTS_MAX,
		.request_limit_s = REQUEST_LIMIT_S,
		.spool_dir = w->env->dir != NULL ? arena_printf(a, "%s/spool", w->env->dir) : NULL,
		.arg = w,
		.plan = web_plan,
		.handle = web_handle,
		.check = web_check,
		.refuse = web_refuse,
		.done = web_done,
		.worker_start = web_worker_start,
		.worker_stop = web_worker_stop,
		.lang = w->env->lang,
	};
	enum rc rc;

	rc = server_start(&w->server, &o, a, why);
	if (rc != RC_OK) return rc;
	if (strncmp(listen, "unix:", 5) == 0)
		snprintf(w->address, sizeof w->address, "%s", listen);
	else
		snprintf(w->address, sizeof w->address, "http://%s:%d", host_to_open(host_name(a, listen)),
			 server_port(w->server));
	return RC_OK;
}

enum rc web_start(struct web **out, struct env *env, const struct web_options *o, struct arena *a,
		  const char **why)
{
	struct web *w = mem_zeroed(sizeof *w);
	enum rc rc;

	*why = words_get(env->lang, N_("Not enough memory to start the web server."));
	if (w == NULL) return RC_NO_MEMORY;
	w->env = env;
	w->o = *o;
	w->gate = gate_new(env);
	w->limit = limit_new();
	random_bytes(&w->request_base, sizeof w->request_base);
	web_setup(o);
	router_free(web_state.router);
	web_state.router = NULL;
	rc = w->gate == NULL || w->limit == NULL ? RC_NO_MEMORY : RC_OK;
	if (rc == RC_OK) rc = router_new(&web_state.router, o->routes);
	if (rc == RC_BUG)
		*why = words_get(env->lang, N_("A route of the program is not well formed (see the log)."));
	if (rc == RC_OK) rc = assets_start();
	if (rc == RC_OK) rc = start_server(w, a, why);
	if (rc != RC_OK) {
		web_stop(w);
		return rc;
	}
	*out = w;
	return RC_OK;
}

void web_stop(struct web *w)
{
	if (w == NULL) return;
	server_stop(w->server);
	db_close(w->places[0].db);
	arena_free(w->places[0].arena);
	router_free(web_state.router);
	web_state.router = NULL;
	gate_free(w->gate);
	limit_free(w->limit);
	mem_free(w);
}

const char *web_address(const struct web *w)
{
	return w->address;
}

struct server *web_server(struct web *w)
{
	return w->server;
}

void web_wake(struct web *w)
{
	server_unpark(w->server);
}
