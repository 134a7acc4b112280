/*
** doppler.c -- one call to Doppler Relay: log-in, tries, and what a failure means for a person.
**
** Owns:   the word before the key that turned out to work (contract §2), for the life of the process.
** Needs:  link_call; a job's or a command's cx.
** Never:  repeats a POST; puts a key, a header or a body into a sentence or the log.
** Holds:  (1) GET, PUT and DELETE are tried at most TRIES times, and only when the network, a 429, 502, 503
**         or 504 stood between; (2) nothing follows a redirect by itself.
*/
#include "sends/doppler_inside.h"

#include "base/text.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRIES        3    /* contract §10.2 … */
#define FIRST_MS     1600 /* … 1.6 s, then 3.2 s */
#define STEP_MS      100  /* how late a stop of the process is noticed */
#define CONNECT_MS   10000
#define FILE_MS      120000          /* contract §1 */
#define SKEW_MS      (2 * MINUTE_MS) /* contract §10.7 */
#define SKEW_TELL_MS (10 * MINUTE_MS)
#define HEADER_SIZE  1100

/* 0 as set; 1 Bearer, 2 token: found by a 401 and a second try */
static _Atomic int found_scheme;
static _Atomic int64_t skew_told_ticks;

enum rc doppler_is_set(struct cx *cx)
{
	char origin[CHANNEL_URL_SIZE];

	cx->error_code = "doppler_not_set";
	if (doppler_key(cx->env)[0] == '\0')
		return cx_fail(cx, RC_BAD_INPUT,
			       _("Doppler Relay has no API key: set doppler.api_key in the settings."));
	if (doppler_account(cx->env) == 0)
		return cx_fail(
			cx, RC_BAD_INPUT,
			_("Doppler Relay has no account number: set doppler.account_id in the settings."));
	doppler_origin(origin, cx->env);
	if (origin[0] == '\0')
		return cx_fail(
			cx, RC_BAD_INPUT,
			_("The address of Doppler Relay must begin with https://: correct doppler.base_url."));
	cx->error_code = NULL;
	return RC_OK;
}

static const char *scheme_of(const struct cx *cx)
{
	int found = atomic_load(&found_scheme);

	return found == 1   ? "Bearer"
	       : found == 2 ? "token"
			    : setting_text(cx->env->settings, "doppler.auth_scheme");
}

/* The clock */

static int two(const char *p)
{
	return p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9' ? (p[0] - '0') * 10 + p[1] - '0' : -1;
}

bool doppler_date(instant *out, const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *month;
	char name[4] = "";
	int d, h, m, s, century, year;
	day date;

	if (strlen(text) != 29 || strcmp(text + 25, " GMT") != 0) return false;
	memcpy(name, text + 8, 3);
	month = strstr(months, name);
	d = two(text + 5), century = two(text + 12), year = two(text + 14);
	h = two(text + 17), m = two(text + 20), s = two(text + 23);
	if (month == NULL || (month - months) % 3 != 0 || d < 0 || century < 0 || year < 0 || h < 0 ||
	    m < 0 || s < 0)
		return false;
	if (!day_make(&date, century * 100 + year, (int)(month - months) / 3 + 1, d)) return false;
	*out = (instant)date * DAY_MS + h * HOUR_MS + m * MINUTE_MS + s * SECOND_MS;
	return true;
}

/* Our windows of the quota are counted by our clock: a wrong one must not stay unseen. */
static void mind_clock(struct cx *cx, const struct http_answer *answer)
{
	const char *text = http_header(answer, "Date");
	int64_t last = atomic_load(&skew_told_ticks), now = clock_ticks();
	instant there = 0, skew;

	if (text == NULL || cx->env->is_frozen_clock || !doppler_date(&there, text)) return;
	skew = there - cx_now(cx);
	if ((skew <= SKEW_MS && skew >= -SKEW_MS) || (last != 0 && now - last < SKEW_TELL_MS)) return;
	atomic_store(&skew_told_ticks, now);
	log_event(LOG_WARN, "app", "doppler.clock", "ahead_s=%lld", (long long)(skew / SECOND_MS));
}

/* One try */

struct attempt {
	struct cx *cx;
	const struct doppler_call *call;
	char auth[HEADER_SIZE];
	struct http_request rq;
};

static void prepare(struct attempt *t, const char *scheme)
{
	const struct doppler_call *c = t->call;
	struct cx *cx = t->cx;
	char origin[CHANNEL_URL_SIZE];
	int header = 0, total;

	doppler_origin(origin, cx->env);
	total = c->timeout_ms > 0 ? c->timeout_ms
		: c->has_sink     ? FILE_MS
				  : (int)setting_int(cx->env->settings, "doppler.timeout_s") * 1000;
	memset(&t->rq, 0, sizeof(t->rq));
	t->rq.purpose = c->purpose;
	t->rq.method = c->method;
	t->rq.url = c->is_foreign   ? c->path
		    : c->is_account ? arena_printf(cx->arena, "%s/accounts/%lld%s", origin,
						   (long long)doppler_account(cx->env), c->path)
				    : arena_join(cx->arena, origin, c->path, NULL);
	if (!c->is_foreign) {
		snprintf(t->auth, sizeof(t->auth), "Authorization: %s %s", scheme, doppler_key(cx->env));
		t->rq.headers[header++] = t->auth;
	}
	t->rq.headers[header++] = c->accept != NULL ? arena_join(cx->arena, "Accept: ", c->accept, NULL)
						    : "Accept: application/json";
	if (c->body.len > 0) t->rq.headers[header] = "Content-Type: application/json";
	t->rq.body = c->body;
	t->rq.connect_ms = CONNECT_MS < total ? CONNECT_MS : total;
	t->rq.total_ms = total;
	t->rq.may_repeat = strcmp(c->method, "POST") != 0;
	t->rq.no_redirects = true;
	/* A file's host is the provider's word: only our own base may be inside the house. */
	t->rq.is_configured = !c->is_foreign || strncmp(c->path, "http://", 7) == 0;
	t->rq.answer_max = c->has_sink ? c->max : DOPPLER_ANSWER_MAX;
	t->rq.has_sink = c->has_sink;
	t->rq.sink_fd = c->fd;
}

static enum rc try_once(struct attempt *t, struct http_answer *answer, const char *scheme)
{
	struct cx *cx = t->cx;
	enum rc rc;

	prepare(t, scheme);
	if (t->call->has_sink && (ftruncate(t->call->fd, 0) != 0 || lseek(t->call->fd, 0, SEEK_SET) != 0))
		return cx_fail(cx, RC_IO, "%s",
			       _("The file for the report cannot be written: is the disk full?"));
	rc = link_call(cx, answer, &t->rq);
	if (rc == RC_OK) {
		mind_clock(cx, answer);
		log_event(LOG_DEBUG, "app", "doppler.call", "purpose=%s end=%d status=%d ms=%lld",
			  t->call->purpose, (int)answer->end, answer->status, (long long)answer->ms);
	}
	return rc;
}

/* A GET that is refused may pass with the other word before the key (contract §2). */
static enum rc try_schemes(struct attempt *t, struct http_answer *answer)
{
	const char *scheme = scheme_of(t->cx);
	bool is_token = strcmp(scheme, "token") == 0;
	struct http_answer second;
	enum rc rc = try_once(t, answer, scheme);

	if (rc != RC_OK || answer->end != HTTP_DONE || answer->status != 401 || t->call->is_foreign ||
	    strcmp(t->call->method, "GET") != 0)
		return rc;
	rc = try_once(t, &second, is_token ? "Bearer" : "token");
	if (rc != RC_OK || second.end != HTTP_DONE || second.status == 401) return rc;
	atomic_store(&found_scheme, is_token ? 1 : 2);
	log_event(LOG_WARN, "app", "doppler.scheme", "works=%s setting=%s", is_token ? "Bearer" : "token",
		  setting_text(t->cx->env->settings, "doppler.auth_scheme"));
	*answer = second;
	return RC_OK;
}

static bool is_worth_another(const struct http_answer *a)
{
	if (a->end != HTTP_DONE) return a->end == HTTP_NOT_SENT || a->end == HTTP_CUT;
	return a->status == 429 || a->status == 502 || a->status == 503 || a->status == 504;
}

/* False: the process stops. */
static bool rest(const struct cx *cx, int ms)
{
	struct timespec step = { .tv_nsec = STEP_MS * 1000000L };

	for (; ms > 0 && !cx->env->is_stopping; ms -= STEP_MS)
		nanosleep(&step, NULL);
	return !cx->env->is_stopping;
}

/* Failures */

static enum rc fail_silence(struct cx *cx, const struct doppler_call *call, const struct http_answer *a)
{
	bool is_lost = a->end != HTTP_NOT_SENT && strcmp(call->method, "POST") == 0;

	cx->error_code = a->end == HTTP_NOT_SENT ? "connect_failed"
			 : a->end == HTTP_ODD    ? "response_unparseable"
						 : "connection_error";
	if (a->is_too_large)
		return cx_fail(cx, RC_TOO_LARGE, "%s",
			       _("What Doppler Relay sends is larger than this program takes."));
	if (is_lost)
		return cx_fail(
			cx, RC_IO,
			_("Doppler Relay was asked, and its answer never came (%s). Look whether it was done."),
			words_get(cx->lang, a->error));
	return cx_fail(cx, RC_TRY_LATER, _("Doppler Relay cannot be reached: %s. Try again later."),
		       words_get(cx->lang, a->error));
}

static enum rc fail_status(struct cx *cx, const struct doppler_call *call, const struct http_answer *a)
{
	struct doppler_problem p;
	int status = a->status;
	bool is_post = strcmp(call->method, "POST") == 0;

	doppler_problem(&p, cx->arena, a);
	cx->error_code = doppler_http_word(status);
	log_event(LOG_WARN, "app", "doppler.refused", "purpose=%s status=%d code=%d", call->purpose, status,
		  p.error_code);
	if (status == 401)
		return cx_fail(
			cx, RC_DENIED, "%s",
			_("Doppler Relay refuses the API key: correct doppler.api_key in the settings."));
	if (status == 402) return cx_fail(cx, RC_TOO_MANY, _("Doppler Relay's limit is used up: %s"), p.line);
	if (status == 403)
		return cx_fail(
			cx, RC_DENIED,
			_("Doppler Relay does not let this account do that (%s): look at doppler.account_id and at the account."),
			p.line);
	if (status == 404)
		return cx_fail(cx, RC_NOT_FOUND, "%s",
			       call->missing != NULL ? call->missing
						     : _("Doppler Relay does not know what was asked for."));
	if (status == 429)
		return cx_fail(cx, RC_TRY_LATER, "%s",
			       _("Doppler Relay asks to wait: try again in a minute."));
	if (status >= 500 || status == 408)
		return cx_fail(cx, is_post ? RC_IO : RC_TRY_LATER,
			       _("Doppler Relay has trouble on its side (%d): try again later."), status);
	if (status < 400)
		return cx_fail(
			cx, RC_BAD_INPUT,
			_("Doppler Relay sends us elsewhere (%d): correct doppler.base_url in the settings."),
			status);
	return cx_fail(cx, RC_BAD_INPUT, _("Doppler Relay refuses it: %s"), p.line);
}

enum rc doppler_ask(struct cx *cx, struct doppler_reply *out, const struct doppler_call *call)
{
	struct attempt t = { .cx = cx, .call = call };
	int tries = strcmp(call->method, "POST") == 0 ? 1 : TRIES;
	struct value *json = NULL;
	enum rc rc = doppler_is_set(cx);

	for (int i = 1; rc == RC_OK; i++) {
		rc = try_schemes(&t, &out->http);
		if (rc != RC_OK || i >= tries || !is_worth_another(&out->http)) break;
		if (!rest(cx, FIRST_MS << (i - 1))) break;
	}
	if (rc != RC_OK) return rc;
	if (out->http.end != HTTP_DONE) return fail_silence(cx, call, &out->http);
	if (out->http.status < 200 || out->http.status >= 300) return fail_status(cx, call, &out->http);
	if (out->http.body.len > 0)
		rc = json_parse(cx->arena, &json, NULL, out->http.body.p, out->http.body.len);
	out->json = rc == RC_OK ? json : NULL;
	return rc == RC_NO_MEMORY ? rc : RC_OK;
}

/* Lists */

const struct value *doppler_items(const struct value *json)
{
	static const char *const places[] = { "items", "templates", "data.items", "data" };

	if (json == NULL) return NULL;
	if (json->type == VALUE_LIST) return json;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const struct value *v = value_path(json, places[i]);

		if (v != NULL && v->type == VALUE_LIST) return v;
	}
	return NULL;
}

static bool ends(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);

	return n >= k && strcmp(text + n - k, end) == 0;
}

/* rel may hold several words. */
static bool rel_has(const char *rel, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = rel; (at = strstr(at, word)) != NULL; at += n) {
		char before = at == rel ? ' ' : at[-1], after = at[n];

		if ((before == ' ' || before == '/') && (after == ' ' || after == '\0')) return true;
	}
	return false;
}

const char *doppler_link(const struct value *json, const char *rel, const char *href_end)
{
	const struct value *links = value_get(json, "_links");

	for (const struct value *l = links != NULL && links->type == VALUE_LIST ? links->first : NULL;
	     l != NULL; l = l->next) {
		const char *href = value_text_of(value_get(l, "href"), "");

		if (href[0] == '\0') continue;
		if (rel != NULL && rel_has(value_text_of(value_get(l, "rel"), ""), rel)) return href;
		if (href_end != NULL && ends(href, href_end)) return href;
	}
	return NULL;
}

/* A link's address as a path behind our base: its own host is never asked. */
static const char *path_of(struct cx *cx, const char *href)
{
	char origin[CHANNEL_URL_SIZE];
	size_t n;

	doppler_origin(origin, cx->env);
	n = strlen(origin);
	if (strncmp(href, origin, n) == 0) href += n;
	return href[0] == '/' && href[1] != '/' && strpbrk(href, " \t\r\n\\") == NULL ? href : NULL;
}

const char *doppler_next_page(struct cx *cx, const struct value *json)
{
	const char *href = doppler_link(json, "next", NULL);

	return href != NULL ? path_of(cx, href) : NULL;
}

static enum rc page_items(struct cx *cx, const struct value *items, doppler_item_fn *each, void *arg)
{
	enum rc rc = RC_OK;

	for (const struct value *v = items->first; v != NULL && rc == RC_OK; v = v->next)
		rc = each(cx, arg, v);
	return rc;
}

/* A page's memory goes with the page: fifty of them would not fit. */
#define PAGE_ARENA ((size_t)16 * 1024 * 1024)

enum rc doppler_each(struct cx *cx, const char *purpose, const char *path, doppler_item_fn *each, void *arg)
{
	struct doppler_call call = { .purpose = purpose, .method = "GET", .path = path, .is_account = true };
	struct arena *arena = arena_new(PAGE_ARENA);
	enum rc rc = arena != NULL ? RC_OK : RC_NO_MEMORY;

	for (int page = 0; rc == RC_OK && page < DOPPLER_PAGES_MAX; page++) {
		struct doppler_reply reply = { .json = NULL };
		const struct value *items;
		const char *next;
		struct cx sub = *cx;

		arena_reset(arena);
		sub.arena = arena;
		rc = doppler_ask(&sub, &reply, &call);
		cx->error_code = sub.error_code;
		if (rc != RC_OK) {
			rc = cx_fail(cx, rc, "%s", cx_sentence(&sub, rc));
			if (cx->keeps_sentence) cx->kept = arena_text(cx->arena, cx_sentence_kept(&sub, rc));
			break;
		}
		items = doppler_items(reply.json);
		if (items == NULL && reply.json == NULL) {
			cx->error_code = "response_unparseable";
			rc = cx_fail(cx, RC_TRY_LATER, "%s",
				     _("Doppler Relay gave an answer that cannot be read: try again later."));
		}
		if (items == NULL || items->first == NULL) break;
		rc = page_items(cx, items, each, arg);
		next = doppler_next_page(&sub, reply.json);
		if (next == NULL) break;
		call.path = arena_text(cx->arena, next);
		call.is_account = false;
	}
	arena_free(arena);
	return rc;
}
