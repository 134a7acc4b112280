/*
** standin_doppler_control.c -- /_standin/doppler: what tests ask of the Doppler Relay of the stand-in, and
** how they change it. The members are listed at the top of standin_doppler.c.
**
** Needs:  the lock held by its caller.
** Never:  changes anything when one member of a request is wrong.
*/
#include "standin/standin_doppler.h"

#include <stdio.h>
#include <string.h>

#define JSON_TYPE    "application/json"
#define SMALL_ANSWER ((size_t)64 * 1024)
#define MS_MAX       INT64_C(864000000) /* ten days */
#define COUNT_MAX    INT64_C(1000000000)
#define LINES_MAX    2000000
#define EXTRA_MAX    1000
#define SKEW_MAX     INT64_C(864000)

static const char *const call_names[CALL__MAX] = {
	[CALL_SEND] = "send",       [CALL_TEMPLATES] = "templates",  [CALL_LIMITS] = "limits",
	[CALL_ACCOUNT] = "account", [CALL_REPORT] = "report",        [CALL_POLL] = "poll",
	[CALL_FILE] = "file",       [CALL_DELIVERIES] = "deliveries"
};
static const char *const limit_names[LIMITS] = { "hourly", "daily", "monthly" };
static const char *const mode_names[] = { [REPORT_USUAL] = "usual",
					  [REPORT_NO_FILE] = "no_file",
					  [REPORT_HTML] = "html",
					  [REPORT_DIRECT] = "direct",
					  [REPORT_EMPTY] = "empty" };
static const char *const id_places[] = { "createdResourceId", "reportRequestId", "id", "link", "location" };

static void put_words(struct sb *b)
{
	const struct doppler_fault *f;

	sb_lit(b, "],\"words\":[");
	for (size_t i = 0; (f = doppler_fault_at(i)) != NULL; i++) {
		sb_text(b, i > 0 ? ",\n{\"word\":" : "\n{\"word\":");
		sb_json(b, f->word, strlen(f->word));
		sb_lit(b, ",\"does\":");
		sb_json(b, f->help, strlen(f->help));
		sb_lit(b, "}");
	}
	sb_lit(b, "]}");
}

static void show(struct standin *s, struct reply *rp)
{
	struct doppler_stand *d = s->doppler;
	struct sb b;

	(void)doppler_template_find(d, clock_now(s->clock), "", 0); /* they are made when first wanted */
	sb_init_arena(&b, s->arena, SMALL_ANSWER);
	sb_printf(&b, "{\"accepted\":%lld,\"posts\":%lld,\"remembered\":%lld,\"limits\":{",
		  (long long)d->accepted, (long long)d->posts,
		  (long long)(sent_memory_end(d->sent) - sent_memory_first(d->sent)));
	for (int i = 0; i < LIMITS; i++)
		sb_printf(&b, "%s\"%s\":%lld", i > 0 ? "," : "", limit_names[i], (long long)d->remaining[i]);
	sb_lit(&b, "},\"templates\":[");
	for (size_t i = 0; i < d->template_count; i++) {
		const struct doppler_template_row *t = &d->templates[i];

		sb_text(&b, i > 0 ? ",\n{\"id\":" : "\n{\"id\":");
		sb_json(&b, t->id, strlen(t->id));
		sb_lit(&b, ",\"name\":");
		sb_json(&b, t->name, strlen(t->name));
		sb_printf(&b, ",\"kind\":\"%s\",\"is_inline\":%s,\"is_body_broken\":%s}", t->kind,
			  t->is_inline ? "true" : "false", t->is_body_broken ? "true" : "false");
	}
	put_words(&b);
	reply_body(rp, JSON_TYPE, sb_text_of(&b), b.len);
}

/* Changes: a copy of the settings is changed, and taken when all went well. */

static const char *set_text(char *out, size_t size, const struct value *v)
{
	const char *text = value_text_of(v, NULL);

	if (text == NULL || strlen(text) >= size) return "a text was expected, or it is too long";
	snprintf(out, size, "%s", text);
	return NULL;
}

static const char *set_bool(bool *out, const struct value *v)
{
	if (v->type != VALUE_BOOL) return "true or false was expected";
	*out = v->boolean;
	return NULL;
}

static const char *set_number(int64_t *out, const struct value *v, int64_t least, int64_t most)
{
	int64_t n = value_int_of(v, INT64_MIN);

	if (n < least || n > most) return "the number is missing or out of range";
	*out = n;
	return NULL;
}

static const char *set_ms(int *out, const struct value *v)
{
	int64_t n = 0;
	const char *wrong = set_number(&n, v, -1, MS_MAX);

	if (wrong == NULL) *out = (int)n;
	return wrong;
}

static int index_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0) return (int)i;
	return -1;
}

static const char *set_limits(struct doppler_stand *d, const struct value *v)
{
	for (int i = 0; i < LIMITS; i++)
		d->remaining[i] = d->limit[i] = -1;
	if (v->type == VALUE_NULL) return NULL;
	if (v->type != VALUE_MAP) return "limits is null or an object of monthly, daily, hourly";
	for (const struct value *m = v->first; m != NULL; m = m->next) {
		int i = index_of(limit_names, LIMITS, m->key);

		if (i < 0) return "limits has monthly, daily, hourly";
		if (set_number(&d->remaining[i], m, 0, COUNT_MAX) != NULL)
			return "a limit is a number from 0 on";
		d->limit[i] = d->remaining[i];
	}
	return NULL;
}

static const char *read_rule(struct doppler_rule *r, const struct value *v)
{
	const char *answer = value_text_of(value_get(v, "answer"), "");
	int call = index_of(call_names, CALL__MAX, value_text_of(value_get(v, "call"), "send"));

	*r = (struct doppler_rule){ .fault = doppler_fault_of(answer, strlen(answer)),
				    .left = value_int_of(value_get(v, "times"), -1),
				    .from_send = value_int_of(value_get(v, "from_send"), 0) };
	if (r->fault == NULL) return "answer is one of the words that GET /_standin/doppler lists";
	if (call < 0) return "call is send, templates, limits, account, report, poll, file or deliveries";
	if (r->left < -1 || r->left > COUNT_MAX) return "times is a number, -1 for ever";
	r->call = (enum doppler_call)call;
	return value_get(v, "to") != NULL ? set_text(r->to, sizeof(r->to), value_get(v, "to")) : NULL;
}

static const char *set_faults(struct doppler_stand *d, const struct value *v)
{
	const char *wrong = NULL;

	if (v->type != VALUE_LIST || v->count > DOPPLER_RULES_MAX)
		return "faults is a list of at most 64 objects";
	d->rule_count = 0;
	for (const struct value *m = v->first; m != NULL && wrong == NULL; m = m->next)
		wrong = read_rule(&d->rules[d->rule_count++], m);
	return wrong;
}

static const char *set_report_member(struct doppler_stand *d, const struct value *m)
{
	int i;

	if (strcmp(m->key, "polls") == 0) return set_number(&d->report_polls, m, -1, 1000);
	if (strcmp(m->key, "lines") == 0) return set_number(&d->report_lines, m, -1, LINES_MAX);
	if (strcmp(m->key, "bom") == 0) return set_bool(&d->report_bom, m);
	if (strcmp(m->key, "cp1252") == 0) return set_bool(&d->report_cp1252, m);
	if (strcmp(m->key, "elsewhere") == 0) return set_bool(&d->report_elsewhere, m);
	if (strcmp(m->key, "mode") == 0) {
		i = index_of(mode_names, sizeof(mode_names) / sizeof(*mode_names), value_text_of(m, ""));
		if (i >= 0) d->report_mode = (enum report_mode)i;
		return i < 0 ? "mode is usual, no_file, html, direct or empty" : NULL;
	}
	if (strcmp(m->key, "id_in") == 0) {
		i = index_of(id_places, sizeof(id_places) / sizeof(*id_places), value_text_of(m, ""));
		if (i >= 0) d->report_id_in = id_places[i];
		return i < 0 ? "id_in is createdResourceId, reportRequestId, id, link or location" : NULL;
	}
	return "report has polls, mode, lines, bom, cp1252, elsewhere, id_in";
}

static const char *set_report(struct doppler_stand *d, const struct value *v)
{
	const char *wrong = v->type == VALUE_MAP ? NULL : "report is an object";

	for (const struct value *m = v->first; m != NULL && wrong == NULL; m = m->next)
		wrong = set_report_member(d, m);
	return wrong;
}

static const char *set_scheme(struct doppler_stand *d, const struct value *v)
{
	const char *text = value_text_of(v, "?");

	if (strcmp(text, "") != 0 && strcmp(text, "Bearer") != 0 && strcmp(text, "token") != 0)
		return "scheme is Bearer, token or empty";
	return set_text(d->scheme, sizeof(d->scheme), v);
}

static const char *set_member(struct doppler_stand *d, const struct value *v)
{
	const char *k = v->key, *wrong = NULL;
	int64_t n = 0;

	if (strcmp(k, "api_key") == 0) return set_text(d->key, sizeof(d->key), v);
	if (strcmp(k, "account") == 0) return set_text(d->account, sizeof(d->account), v);
	if (strcmp(k, "scheme") == 0) return set_scheme(d, v);
	if (strcmp(k, "strict") == 0) return set_bool(&d->is_strict, v);
	if (strcmp(k, "limits") == 0) return set_limits(d, v);
	if (strcmp(k, "needs_dkim") == 0) return set_bool(&d->needs_dkim, v);
	if (strcmp(k, "forgets_reset_date") == 0) return set_bool(&d->forgets_reset_date, v);
	if (strcmp(k, "bare_list") == 0) return set_bool(&d->is_bare_list, v);
	if (strcmp(k, "skew_s") == 0) return set_number(&d->skew_s, v, -SKEW_MAX, SKEW_MAX);
	if (strcmp(k, "faults") == 0) return set_faults(d, v);
	if (strcmp(k, "sent_ms") == 0) return set_ms(&d->sent_ms, v);
	if (strcmp(k, "open_ms") == 0) return set_ms(&d->open_ms, v);
	if (strcmp(k, "click_ms") == 0) return set_ms(&d->click_ms, v);
	if (strcmp(k, "report") == 0) return set_report(d, v);
	if (strcmp(k, "subject") == 0) {
		d->ignores_subject = strcmp(value_text_of(v, ""), "ignored") == 0;
		return d->ignores_subject || strcmp(value_text_of(v, ""), "applied") == 0
			       ? NULL
			       : "subject is applied or ignored";
	}
	if (strcmp(k, "extra_templates") == 0) {
		wrong = set_number(&n, v, 0, EXTRA_MAX);
		if (wrong == NULL) d->extra_templates = (int)n;
		return wrong;
	}
	return "there is no such setting";
}

static void refuse(struct standin *s, struct reply *rp, const char *sentence)
{
	struct sb b;

	sb_init_arena(&b, s->arena, SMALL_ANSWER);
	sb_lit(&b, "{\"error\":");
	sb_json(&b, sentence, strlen(sentence));
	sb_lit(&b, "}");
	reply_status(rp, 422);
	reply_body(rp, JSON_TYPE, sb_text_of(&b), b.len);
}

static void set(struct standin *s, const struct value *body, struct reply *rp)
{
	static const char done[] = "{\"ok\":true}";
	struct doppler_stand *copy = arena_alloc(s->arena, sizeof(*copy));

	if (copy == NULL) {
		refuse(s, rp, "there is not enough memory");
		return;
	}
	*copy = *s->doppler;
	for (const struct value *m = body->first; m != NULL; m = m->next) {
		const char *wrong = set_member(copy, m);

		if (wrong == NULL) continue;
		refuse(s, rp, arena_printf(s->arena, "%s: %s", m->key, wrong));
		return;
	}
	*s->doppler = *copy;
	reply_static(rp, JSON_TYPE, done, sizeof(done) - 1);
}

bool doppler_control(struct standin *s, struct request *rq, struct reply *rp)
{
	struct bytes body = request_body(rq);
	struct value *v = NULL;

	if (strcmp(request_method(rq), "GET") == 0) {
		show(s, rp);
		return true;
	}
	if (strcmp(request_method(rq), "POST") != 0) return false;
	if (json_parse(s->arena, &v, NULL, body.p, body.len) != RC_OK || v->type != VALUE_MAP)
		refuse(s, rp, "the body is not a JSON object");
	else
		set(s, v, rp);
	return true;
}
