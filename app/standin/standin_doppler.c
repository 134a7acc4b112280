/*
** standin_doppler.c -- plays Doppler Relay by contracts/doppler-relay.md §11: doors, log-in, sends, limits.
**
** Any key and any account are taken until POST /_standin/doppler says otherwise; a field that the sheet does
** not know is refused (400.1). What goes wrong on purpose: standin_doppler_fault.c; what becomes of a mail
** later: standin_doppler_sent.c. In the ledger (provider "doppler") a send's body is JSON {template, from,
** from_name, subject, reply_to, attachments [{filename, type, bytes}], model} or, of a plain one, {…, html,
** text} instead of template and model: the same twice to the same address is a duplicate.
**
**   GET  /_standin/doppler   {accepted, posts, remembered, limits, templates [{id, name, does}], words
**   [{word,
**                            does}]}
**   POST /_standin/doppler   any of: api_key, account, scheme ("Bearer", "token", "" = both), strict (true),
**   subject
**                            ("applied", "ignored"), limits (null or {monthly, daily, hourly}: what is left;
**                            at 0 a send is 402.1), needs_dkim, forgets_reset_date, skew_s (its Date header),
**                            faults [{answer, call, to, from_send, times}], sent_ms, open_ms, click_ms (-1
**                            never), extra_templates (more in the list, without bodies worth reading),
**                            bare_list, report {polls (-1 never), mode (usual, no_file, html, direct, empty),
**                            lines (made up; -1 what was sent), bom, cp1252, elsewhere (file on "localhost"),
**                            id_in
**                            (createdResourceId, reportRequestId, id, link, location)}
**
** Owns:   struct doppler_stand.
** Needs:  the lock held by its caller.
** Never:  reads a mail: standin_doppler_send.c does.
*/
#include "standin/standin_doppler.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define JSON_TYPE "application/json; charset=utf-8; profile=/schemas/answer.json"
#define BODY_MAX  ((size_t)24 * 1024 * 1024) /* attachments at their most, encoded                      */

/* Answers */

void doppler_say(struct doppler_rq *q, int status, const char *body)
{
	reply_status(q->rp, status);
	reply_body(q->rp, JSON_TYPE, body, strlen(body));
}

void doppler_problem_say(struct doppler_rq *q, int status, int code, const char *slug, const char *title,
			 const char *errors)
{
	if (status == 401) reply_header(q->rp, "WWW-Authenticate", "Bearer");
	doppler_say(
		q, status,
		arena_printf(
			q->arena,
			"{\"type\":\"/docs/errors/%d.%d-%s\",\"title\":\"%s\",\"detail\":\"%s.\",\"status\":%d,"
			"\"errorCode\":%d%s%s,\"_links\":[]}",
			status, code, slug, title, title, status, code, errors != NULL ? ",\"errors\":" : "",
			errors != NULL ? errors : ""));
}

void doppler_invalid(struct doppler_rq *q, const char *key, const char *detail)
{
	doppler_problem_say(q, 400, 1, "validation-error", "Validation error",
			    arena_printf(q->arena, "[{\"key\":\"%s\",\"detail\":\"%s\"}]", key, detail));
}

bool doppler_query_int(struct doppler_rq *q, const char *name, int64_t otherwise, int64_t least, int64_t most,
		       int64_t *out)
{
	const char *text = request_query(q->rq, name);
	char *end = NULL;

	*out = otherwise;
	if (text == NULL) return true;
	*out = strtoll(text, &end, 10);
	if (*text != '\0' && *end == '\0' && *out >= least && *out <= most) return true;
	doppler_invalid(q, name, "out of range");
	return false;
}

/* Log-in */

bool doppler_has_login(struct doppler_rq *q)
{
	static const char *const schemes[] = { "Bearer", "token" };
	const char *auth = request_header(q->rq, "Authorization");

	if (auth == NULL) {
		doppler_problem_say(q, 401, 0, "no-credentials", "Authentication required", NULL);
		return false;
	}
	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(schemes[i]);

		if (strncmp(auth, schemes[i], n) != 0 || auth[n] != ' ' || auth[n + 1] == '\0') continue;
		if (q->d->scheme[0] != '\0' && strcmp(q->d->scheme, schemes[i]) != 0) continue;
		if (q->d->key[0] != '\0' && strcmp(q->d->key, auth + n + 1) != 0) continue;
		return true;
	}
	doppler_problem_say(q, 401, 1, "invalid-token", "Invalid token", NULL);
	return false;
}

bool doppler_has_account(struct doppler_rq *q)
{
	if (q->d->account[0] == '\0' || strcmp(q->d->account, q->account) == 0) return true;
	doppler_problem_say(q, 403, 1, "wrong-account", "Wrong account", NULL);
	return false;
}

/* Account */

static void handle_account(struct doppler_rq *q)
{
	doppler_say(
		q, 200,
		arena_printf(
			q->arena,
			"{\"id\":5,\"name\":\"%.40s\",\"_links\":[{\"href\":\"/accounts/%.40s/templates\","
			"\"rel\":\"/docs/rels/get-templates\"}]}",
			"recado", q->account));
}

/* Doors */

bool doppler_is_call(struct request *rq)
{
	const char *path = request_path(rq);

	return strncmp(path, "/accounts/", 10) == 0 || strncmp(path, "/reports/", 9) == 0 ||
	       strncmp(path, "/doppler-files/", 15) == 0;
}

size_t doppler_body_max(void)
{
	return BODY_MAX;
}

/* Splits "/accounts/5/templates" into account and rest. */
static void split(struct doppler_rq *q, const char *path)
{
	const char *from = path + sizeof("/accounts/") - 1;
	size_t n = strcspn(from, "/");

	q->account = arena_bytes(q->arena, from, n);
	q->rest = from + n;
}

static bool account_door(struct doppler_rq *q)
{
	q->call = strcmp(q->rest, "/status/limits") == 0            ? CALL_LIMITS
		  : strncmp(q->rest, "/templates", 10) == 0         ? CALL_TEMPLATES
		  : q->rest[0] == '\0' || strcmp(q->rest, "/") == 0 ? CALL_ACCOUNT
								    : CALL_DELIVERIES;
	return true;
}

static const struct doppler_fault *fault_of_call(struct doppler_rq *q)
{
	const char *path = request_path(q->rq);

	if (strncmp(path, "/accounts/", 10) == 0)
		(void)account_door(q);
	else if (strncmp(path, "/doppler-files/", 15) == 0)
		q->call = CALL_FILE;
	else
		q->call = q->is_post ? CALL_REPORT : CALL_POLL;
	return doppler_fault_now(q->d, q->call, "", 0);
}

static void route(struct doppler_rq *q)
{
	bool is_known = true;

	if (q->call == CALL_FILE)
		doppler_file_handle(q);
	else if (q->call == CALL_REPORT || q->call == CALL_POLL)
		is_known = doppler_reports_handle(q);
	else if (q->call == CALL_TEMPLATES)
		is_known = doppler_templates_handle(q);
	else if (!q->is_get)
		is_known = false;
	else if (q->call == CALL_LIMITS)
		doppler_limits_handle(q);
	else if (q->call == CALL_ACCOUNT)
		handle_account(q);
	else
		is_known = doppler_lists_handle(q);
	if (!is_known) doppler_problem_say(q, 404, 0, "route-not-found", "Route not found", NULL);
}

/* IMF-fixdate (RFC 9110 §5.6.7) of a clock that is wrong. */
static void put_date(struct doppler_rq *q)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	instant at = clock_now(q->s->clock) + q->d->skew_s * SECOND_MS;
	day d = (day)(at / DAY_MS);
	int64_t s = at % DAY_MS / SECOND_MS;
	int year, month, dom;

	if (q->d->skew_s == 0) return;
	day_split(d, &year, &month, &dom);
	reply_header(q->rp, "Date",
		     arena_printf(q->arena, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
				  days + 3 * day_weekday(d), dom, months + 3 * (month - 1), year,
				  (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60)));
}

bool doppler_handle(struct standin *s, struct request *rq, struct reply *rp)
{
	const char *path = request_path(rq), *method = request_method(rq);
	struct doppler_rq q = { .s = s,
				.d = s->doppler,
				.rq = rq,
				.rp = rp,
				.arena = s->arena,
				.account = "",
				.rest = "",
				.is_post = strcmp(method, "POST") == 0,
				.is_get = strcmp(method, "GET") == 0 };
	const struct doppler_fault *f;

	if (strncmp(path, "/accounts/", 10) == 0) split(&q, path);
	put_date(&q);
	if (q.is_post && doppler_by_template(&q)) return true;
	if (q.is_post && strcmp(q.rest, "/messages") == 0) {
		doppler_send_handle(&q, NULL);
		return true;
	}
	f = fault_of_call(&q);
	if (f != NULL) {
		doppler_play(&q, f, "{}");
		return true;
	}
	if (q.call == CALL_FILE ||
	    (doppler_has_login(&q) && (q.account[0] == '\0' || doppler_has_account(&q))))
		route(&q);
	return true;
}

/* Life */

void doppler_stand_reset(struct doppler_stand *d)
{
	struct sent_memory *sent = d->sent;

	sent_memory_reset(sent);
	doppler_templates_reset(d);
	*d = (struct doppler_stand){ .sent = sent,
				     .is_strict = true,
				     .remaining = { -1, -1, -1 },
				     .sent_ms = 0,
				     .open_ms = 60 * 1000,
				     .click_ms = 120 * 1000,
				     .report_polls = 1,
				     .report_lines = -1,
				     .report_id_in = "createdResourceId" };
}

struct doppler_stand *doppler_stand_new(void)
{
	struct doppler_stand *d = mem_zeroed(sizeof(*d));

	if (d == NULL) return NULL;
	d->sent = sent_memory_new();
	if (d->sent == NULL) {
		mem_free(d);
		return NULL;
	}
	return d;
}

void doppler_stand_free(struct doppler_stand *d)
{
	if (d == NULL) return;
	doppler_templates_reset(d);
	sent_memory_free(d->sent);
	mem_free(d);
}
