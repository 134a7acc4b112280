/*
** control.c -- /_standin/…: what tests and curious people ask of the stand-in, and how they change it.
**
** Owns:   nothing.
** Needs:  the lock held by its caller; the caller decided that this client may.
** Never:  changes anything when one member of a request is wrong.
** Holds:  every answer is JSON; a refusal is 422 with one English sentence in "error".
*/
#include "standin/inside.h"
#include "standin/smtp_magic.h"
#include "standin/standin_smtp.h"

#include <stdio.h>
#include <string.h>

#define JSON_TYPE    "application/json"
#define ANSWER_MAX   ((size_t)64 * 1024 * 1024) /* all rows with escapes stay below half of it     */
#define SMALL_ANSWER ((size_t)64 * 1024)
#define EVENT_ANSWER ((size_t)60 * 1024)
#define DELAY_MS_MAX INT64_C(86400000) /* a day */

static void refuse(struct reply *rp, struct arena *a, int status, const char *sentence)
{
	struct sb out;

	sb_init_arena(&out, a, SMALL_ANSWER);
	sb_lit(&out, "{\"error\":");
	sb_json(&out, sentence, strlen(sentence));
	sb_lit(&out, "}");
	reply_status(rp, status);
	reply_body(rp, JSON_TYPE, sb_text_of(&out), out.len);
}

static void done(struct reply *rp, int status)
{
	static const char text[] = "{\"ok\":true}";

	reply_status(rp, status);
	reply_static(rp, JSON_TYPE, text, sizeof(text) - 1);
}

/* GET */

static int64_t number_of(const char *text)
{
	int64_t n = 0;

	for (; text != NULL && *text >= '0' && *text <= '9' && n < INT64_C(1000000000000000); text++)
		n = n * 10 + (*text - '0');
	return n;
}

static void put_events(const struct standin *s, struct sb *out)
{
	sb_lit(out, "\"events_posted\":");
	sb_int(out, s->events_posted);
	sb_lit(out, ",\"events_failed\":");
	sb_int(out, s->events_failed);
	sb_lit(out, ",\"events_dropped\":");
	sb_int(out, s->events_dropped);
	sb_lit(out, ",\"events_waiting\":");
	sb_int(out, (int64_t)s->posts_count);
	sb_lit(out, ",\"last_event_status\":");
	sb_int(out, s->last_event_status);
}

static void show_received(struct standin *s, struct request *rq, struct reply *rp)
{
	const char *count = request_query(rq, "count");
	struct sb out;

	sb_init(&out, ANSWER_MAX);
	if (count != NULL && strcmp(count, "0") != 0) {
		sb_lit(&out, "{");
		ledger_write_counts(s->ledger, &out);
		sb_lit(&out, ",");
		put_events(s, &out);
		sb_lit(&out, "}");
	} else {
		ledger_write_rows(s->ledger, &out, request_query(rq, "to"),
				  number_of(request_query(rq, "since")));
	}
	if (sb_result(&out) == RC_OK)
		reply_body(rp, JSON_TYPE, sb_text_of(&out), out.len);
	else
		refuse(rp, s->arena, 503, "there is not enough memory for this list");
	sb_free(&out);
}

static void show_mails(struct standin *s, struct request *rq, struct reply *rp)
{
	struct sb out;

	sb_init(&out, ANSWER_MAX);
	smtp_stand_write(s->smtp, &out, request_query(rq, "to"));
	if (sb_result(&out) == RC_OK)
		reply_body(rp, JSON_TYPE, sb_text_of(&out), out.len);
	else
		refuse(rp, s->arena, 503, "there is not enough memory for this list");
	sb_free(&out);
}

static void show_numbers(struct standin *s, struct reply *rp)
{
	const struct smtp_magic *g;
	const struct magic *m;
	struct sb out;

	sb_init_arena(&out, s->arena, SMALL_ANSWER);
	sb_lit(&out, "[");
	for (size_t i = 0; (m = magic_at(i)) != NULL; i++) {
		if (i > 0) sb_lit(&out, ",\n");
		sb_lit(&out, "{\"ending\":\"" MAGIC_PREFIX);
		sb_text(&out, m->code);
		sb_lit(&out, "\",\"does\":");
		sb_json(&out, m->help, strlen(m->help));
		sb_lit(&out, "}");
	}
	for (size_t i = 0; (g = smtp_magic_at(i)) != NULL; i++) {
		sb_lit(&out, ",\n{\"mail\":\"");
		sb_text(&out, g->local);
		sb_lit(&out, "\",\"does\":");
		sb_json(&out, g->help, strlen(g->help));
		sb_lit(&out, "}");
	}
	sb_lit(&out, "]");
	reply_body(rp, JSON_TYPE, sb_text_of(&out), out.len);
}

static const char *const rate_names[] = {
	[RATE_OFF] = "off", [RATE_PROTECTION] = "protection", [RATE_PAID] = "paid", [RATE_TRIAL] = "trial"
};

static void show_state(struct standin *s, struct reply *rp)
{
	struct sb out;

	sb_init_arena(&out, s->arena, SMALL_ANSWER);
	sb_lit(&out, "{\"status\":");
	sb_json(&out, s->status, strlen(s->status));
	sb_lit(&out, ",\"rate\":");
	sb_json(&out, rate_names[s->rate], strlen(rate_names[s->rate]));
	sb_lit(&out, ",\"daily_remaining\":");
	if (s->daily_remaining < 0)
		sb_lit(&out, "null");
	else
		sb_int(&out, s->daily_remaining);
	sb_printf(&out, ",\"sent_ms\":%d,\"delivered_ms\":%d,\"read_ms\":%d,\"has_api_key\":%s,\"webhook\":",
		  s->stage_ms[STAGE_SENT], s->stage_ms[STAGE_DELIVERED], s->stage_ms[STAGE_READ],
		  s->api_key[0] != '\0' ? "true" : "false");
	sb_json(&out, s->webhook, strlen(s->webhook));
	sb_lit(&out, ",");
	put_events(s, &out);
	sb_lit(&out, "}");
	reply_body(rp, JSON_TYPE, sb_text_of(&out), out.len);
}

/* POST /_standin/set: everything is read and checked first, then put in place */

struct wish {
	const char *status, *api_key, *webhook, *secret; /* NULL: stays */
	int rate;                                        /* -1: stays   */
	int64_t daily_remaining;                         /* -2: stays   */
	int reset_is_epoch, success_in_429;              /* -1: stays   */
	int stage_ms[STAGE__MAX];                        /* -2: stays   */
	const struct value *magic;
};

/* NULL: fine, else the sentence. */
static const char *wish_text(const char **out, const struct value *v, size_t max)
{
	const char *text = value_text_of(v, NULL);

	if (text == NULL || strlen(text) > max) return "a text was expected, or it is too long";
	*out = text;
	return NULL;
}

static const char *wish_ms(int *out, const struct value *v)
{
	int64_t ms = value_int_of(v, -2);

	if (ms < -1 || ms > DELAY_MS_MAX)
		return "milliseconds from 0 to 86400000 were expected, or -1 for never";
	*out = (int)ms;
	return NULL;
}

static const char *wish_rate(struct wish *w, const struct value *v)
{
	const char *name = value_text_of(v, "");

	for (int i = 0; i < (int)(sizeof(rate_names) / sizeof(rate_names[0])); i++)
		if (strcmp(rate_names[i], name) == 0) w->rate = i;
	return w->rate < 0 ? "rate is off, protection, paid or trial" : NULL;
}

static const char *wish_magic(struct wish *w, const struct value *v)
{
	if (v->type != VALUE_MAP || v->count > SET_MAGIC_MAX)
		return "magic is an object of at most 64 numbers";
	for (const struct value *m = v->first; m != NULL; m = m->next) {
		if (strlen(m->key) >= MESSAGE_TO_SIZE) return "a number in magic is too long";
		if (m->type != VALUE_NULL && magic_code(value_text_of(m, "")) == NULL)
			return "magic takes the codes that /_standin/numbers lists without the leading 5550";
	}
	w->magic = v;
	return NULL;
}

/* A status is written into JSON as it is: letters and underscores only. */
static const char *wish_status(struct wish *w, const struct value *v)
{
	const char *wrong = wish_text(&w->status, v, sizeof(((struct standin *)0)->status) - 1);

	if (wrong != NULL) return wrong;
	if (strspn(w->status, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") != strlen(w->status))
		return "a status has only letters and underscores";
	return NULL;
}

static const char *wish_daily(struct wish *w, const struct value *v)
{
	int64_t n = value_int_of(v, -1);

	if (v->type != VALUE_NULL && n < 0) return "daily_remaining is a number or null";
	w->daily_remaining = v->type == VALUE_NULL ? -1 : n;
	return NULL;
}

static const char *wish_bool(int *out, const struct value *v)
{
	if (v->type != VALUE_BOOL) return "true or false was expected";
	*out = v->boolean;
	return NULL;
}

static const char *wish_reset(struct wish *w, const struct value *v)
{
	const char *text = value_text_of(v, "");

	w->reset_is_epoch = strcmp(text, "epoch") == 0 ? 1 : strcmp(text, "seconds") == 0 ? 0 : -1;
	return w->reset_is_epoch < 0 ? "reset is seconds or epoch" : NULL;
}

static const char *wish_member(struct wish *w, const struct value *v)
{
	const char *k = v->key;

	if (strcmp(k, "status") == 0) return wish_status(w, v);
	if (strcmp(k, "api_key") == 0) return wish_text(&w->api_key, v, 200);
	if (strcmp(k, "webhook") == 0) return wish_text(&w->webhook, v, 900);
	if (strcmp(k, "secret") == 0) return wish_text(&w->secret, v, 200);
	if (strcmp(k, "rate") == 0) return wish_rate(w, v);
	if (strcmp(k, "daily_remaining") == 0) return wish_daily(w, v);
	if (strcmp(k, "reset") == 0) return wish_reset(w, v);
	if (strcmp(k, "success_in_429") == 0) return wish_bool(&w->success_in_429, v);
	if (strcmp(k, "sent_ms") == 0) return wish_ms(&w->stage_ms[STAGE_SENT], v);
	if (strcmp(k, "delivered_ms") == 0) return wish_ms(&w->stage_ms[STAGE_DELIVERED], v);
	if (strcmp(k, "read_ms") == 0) return wish_ms(&w->stage_ms[STAGE_READ], v);
	if (strcmp(k, "magic") == 0) return wish_magic(w, v);
	return "there is no such setting";
}

static void set_magic(struct standin *s, const struct value *map)
{
	s->set_magic_count = 0;
	for (const struct value *m = map->first; m != NULL; m = m->next) {
		struct set_magic *to = &s->set_magic[s->set_magic_count++];

		snprintf(to->to, sizeof(to->to), "%s", m->key);
		to->magic = m->type == VALUE_NULL ? NULL : magic_code(m->text);
	}
}

static enum rc set_texts(struct standin *s, const struct wish *w)
{
	enum rc rc = RC_OK;

	if (w->api_key != NULL) rc = standin_text(&s->api_key, w->api_key);
	if (rc == RC_OK && w->secret != NULL) rc = standin_text(&s->secret, w->secret);
	if (rc == RC_OK && w->webhook != NULL) {
		if (s->webhook[0] == '\0') events_skip(s);
		rc = standin_text(&s->webhook, w->webhook);
	}
	return rc;
}

/* The provider tells a change of its session by itself. */
static void set_status(struct standin *s, const char *status)
{
	struct sb out;

	if (strcmp(s->status, status) == 0) return;
	snprintf(s->status, sizeof(s->status), "%s", status);
	if (s->webhook[0] == '\0') return;
	sb_init_arena(&out, s->arena, SMALL_ANSWER);
	wasender_session_event(s, &out);
	(void)events_post(s, sb_text_of(&out), out.len, SIGN_RIGHT);
}

static void set(struct standin *s, const struct value *body, struct reply *rp)
{
	struct wish w = { .rate = -1,
			  .daily_remaining = -2,
			  .reset_is_epoch = -1,
			  .success_in_429 = -1,
			  .stage_ms = { -2, -2, -2 } };

	for (const struct value *m = body->first; m != NULL; m = m->next) {
		const char *wrong = wish_member(&w, m);

		if (wrong == NULL) continue;
		refuse(rp, s->arena, 422, arena_printf(s->arena, "%s: %s", m->key, wrong));
		return;
	}
	if (set_texts(s, &w) != RC_OK) {
		refuse(rp, s->arena, 503, "there is not enough memory");
		return;
	}
	if (w.rate >= 0) {
		s->rate = (enum rate)w.rate;
		s->window_from = s->last_send = 0;
		s->window_count = 0;
	}
	if (w.daily_remaining > -2) s->daily_remaining = w.daily_remaining;
	if (w.reset_is_epoch >= 0) s->reset_is_epoch = w.reset_is_epoch > 0;
	if (w.success_in_429 >= 0) s->success_in_429 = w.success_in_429 > 0;
	for (int i = 0; i < STAGE__MAX; i++)
		if (w.stage_ms[i] > -2) s->stage_ms[i] = w.stage_ms[i];
	if (w.magic != NULL) set_magic(s, w.magic);
	if (w.status != NULL) set_status(s, w.status);
	events_wake(s);
	done(rp, 200);
}

/* Other POSTs */

static void inbound(struct standin *s, const struct value *body, struct reply *rp)
{
	const char *word = value_text_of(value_get(body, "signature"), "right");
	enum signature signature = strcmp(word, "wrong") == 0     ? SIGN_WRONG
				   : strcmp(word, "missing") == 0 ? SIGN_MISSING
								  : SIGN_RIGHT;
	struct sb out;

	if (s->webhook[0] == '\0') {
		refuse(rp, s->arena, 422, "no webhook is set");
		return;
	}
	if (value_text_of(value_get(body, "from"), "")[0] == '\0') {
		refuse(rp, s->arena, 422, "from is missing");
		return;
	}
	sb_init_arena(&out, s->arena, EVENT_ANSWER);
	wasender_inbound(s, &out, body);
	if (sb_result(&out) != RC_OK || !events_post(s, sb_text_of(&out), out.len, signature))
		refuse(rp, s->arena, 503, "too much is waiting to be posted");
	else
		done(rp, 202);
}

static void event(struct standin *s, struct bytes body, struct reply *rp)
{
	if (s->webhook[0] == '\0')
		refuse(rp, s->arena, 422, "no webhook is set");
	else if (!events_post(s, body.p, body.len, SIGN_RIGHT))
		refuse(rp, s->arena, 503, "too much is waiting to be posted, or it is too long");
	else
		done(rp, 202);
}

static bool handle_get(struct standin *s, const char *what, struct request *rq, struct reply *rp)
{
	if (strcmp(what, "received") == 0)
		show_received(s, rq, rp);
	else if (strcmp(what, "mails") == 0)
		show_mails(s, rq, rp);
	else if (strcmp(what, "numbers") == 0)
		show_numbers(s, rp);
	else if (strcmp(what, "state") == 0)
		show_state(s, rp);
	else
		return false;
	return true;
}

bool control_handle(struct standin *s, struct request *rq, struct reply *rp)
{
	const char *what = request_path(rq) + sizeof("/_standin/") - 1, *method = request_method(rq);
	struct bytes body = request_body(rq);
	struct value *v = NULL;

	if (strcmp(what, "chat") == 0) return chat_control(s, rq, rp);
	if (strcmp(what, "doppler") == 0) return doppler_control(s, rq, rp);
	if (strcmp(what, "sendgrid") == 0 || strcmp(what, "sendgrid/event") == 0)
		return sendgrid_control(s, what, rq, rp);
	if (strncmp(what, "s3/", 3) == 0) return s3_control(s, what, rq, rp);
	if (strcmp(method, "GET") == 0) return handle_get(s, what, rq, rp);
	if (strcmp(method, "POST") != 0) return false;
	if (strcmp(what, "reset") == 0) {
		standin_reset(s);
		done(rp, 200);
		return true;
	}
	if (strcmp(what, "event") == 0) {
		event(s, body, rp);
		return true;
	}
	if (strcmp(what, "set") != 0 && strcmp(what, "inbound") != 0) return false;
	if (json_parse(s->arena, &v, NULL, body.p, body.len) != RC_OK || v->type != VALUE_MAP)
		refuse(rp, s->arena, 422, "the body is not a JSON object");
	else if (strcmp(what, "set") == 0)
		set(s, v, rp);
	else
		inbound(s, v, rp);
	return true;
}
