/*
** takes.c -- what a program sends with a call, held against what the route says it takes.
**
** Needs:  a row with `takes`; the handler then finds only what is told in openapi.json.
** Never:  looks at forms of people: their handlers say what is wrong beside each field.
** Holds:  every wrong, missing or unknown name is told at once, each with its field.
*/
#include "web/inside.h"
#include "base/money.h"
#include "base/text.h"
#include <string.h>

#define FACTS_MAX 60 /* of one route: more than any form of the house has fields */

static const struct fact *fact_of(const struct fact *facts, const char *name)
{
	for (; facts->name != NULL; facts++)
		if (strcmp(facts->name, name) == 0) return facts;
	return NULL;
}

static bool is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	for (const char *p = choices; *p != '\0';) {
		size_t n = strcspn(p, "|");

		if (n == len && memcmp(p, text, n) == 0) return true;
		p += n;
		p += *p == '|';
	}
	return false;
}

static void check_int(struct cx *cx, const struct fact *f, int64_t n)
{
	if (n < f->min || (f->max != 0 && n > f->max)) {
		if (f->max == 0)
			(void)cx_fail_field(cx, f->name, _("At least %lld."), (long long)f->min);
		else
			(void)cx_fail_field(cx, f->name, _("A number from %lld to %lld."), (long long)f->min,
					    (long long)f->max);
	}
}

static void check_text(struct cx *cx, const struct fact *f, const char *text)
{
	day d;
	instant at;

	if (f->choices != NULL && !is_choice(f->choices, text))
		(void)cx_fail_field(cx, f->name, _("“%s” is not one of the choices."), text);
	else if (f->type == FACT_DATE && day_parse_any(&d, text) != RC_OK)
		(void)cx_fail_field(cx, f->name, _("“%s” is not a date; write it like 22/11/2026."), text);
	else if (f->type == FACT_INSTANT && instant_parse(&at, text) != RC_OK)
		(void)cx_fail_field(cx, f->name,
				    _("“%s” is not a date with hour; write it like 22/11/2026 09:00."), text);
	else if (f->type == FACT_TEXT && f->max > 0 && text_length(text) > (size_t)f->max)
		(void)cx_fail_field(cx, f->name, _("At most %d characters."), (int)f->max);
}

static void check_list(struct cx *cx, const struct fact *f, const struct value *v)
{
	enum value_type want = f->type == FACT_TEXTS ? VALUE_TEXT : VALUE_MAP;

	if (v->type != VALUE_LIST) {
		(void)cx_fail_field(cx, f->name, _("A list is wanted here."));
		return;
	}
	for (const struct value *i = v->first; i != NULL; i = i->next)
		if (i->type != want && !(want == VALUE_TEXT && i->type == VALUE_INT)) {
			(void)cx_fail_field(cx, f->name,
					    want == VALUE_TEXT ? _("A list of texts is wanted here.")
							       : _("A list of objects is wanted here."));
			return;
		}
}

static void check_value(struct cx *cx, const struct fact *f, const struct value *v)
{
	switch (f->type) {
	case FACT_INT:
		if (v->type == VALUE_INT)
			check_int(cx, f, v->integer);
		else
			(void)cx_fail_field(cx, f->name, _("A whole number is wanted here, without quotes."));
		return;
	case FACT_BOOL:
		if (v->type != VALUE_BOOL)
			(void)cx_fail_field(cx, f->name, _("true or false is wanted here, without quotes."));
		return;
	case FACT_MONEY:
		if (v->type != VALUE_INT && v->type != VALUE_TEXT)
			(void)cx_fail_field(cx, f->name,
					    _("Send money in its smallest unit, or as text like \"12.99\"."));
		else if (v->type == VALUE_INT && (v->integer < 0 || v->integer > MONEY_MAX))
			(void)cx_fail_field(cx, f->name, _("A number from %lld to %lld."), 0LL,
					    (long long)MONEY_MAX);
		return;
	case FACT_TEXTS:
	case FACT_MAPS: check_list(cx, f, v); return;
	case FACT_MAP:
		if (v->type != VALUE_MAP) (void)cx_fail_field(cx, f->name, _("An object is wanted here."));
		return;
	case FACT_TEXT:
	case FACT_DATE:
	case FACT_INSTANT: break;
	}
	if (v->type != VALUE_TEXT)
		(void)cx_fail_field(cx, f->name, _("A text is wanted here, in quotes."));
	else
		check_text(cx, f, v->text);
}

static void check_unknown(struct cx *cx, const struct fact *facts, const char *name, bool is_query)
{
	const char *known[FACTS_MAX + 1] = { NULL };
	const char *near;

	for (size_t n = 0; facts->name != NULL && n < FACTS_MAX; facts++)
		known[n++] = facts->name;
	near = text_nearest(name, known);
	cx->error_code = is_query ? "unknown_parameter" : "unknown_field";
	if (near == NULL)
		(void)cx_fail_field(
			cx, name, is_query ? _("There is no such parameter.") : _("There is no such field."));
	else if (is_query)
		(void)cx_fail_field(cx, name, _("There is no such parameter; did you mean “%s”?"), near);
	else
		(void)cx_fail_field(cx, name, _("There is no such field; did you mean “%s”?"), near);
}

static void check_body(struct cx *cx, const struct fact *facts, const struct value *body)
{
	for (const struct value *v = body->first; v != NULL; v = v->next) {
		const struct fact *f = fact_of(facts, v->key);

		if (f == NULL)
			check_unknown(cx, facts, v->key, false);
		else if (v->type != VALUE_NULL)
			check_value(cx, f, v);
	}
}

static void check_query(struct cx *cx, const struct fact *facts, const struct pairs *query)
{
	for (const struct pair *p = query->first; p != NULL; p = p->next) {
		const struct fact *f = fact_of(facts, p->name);
		struct value v = { .type = VALUE_TEXT, .text = p->value, .len = strlen(p->value) };
		int64_t n;

		if (f == NULL && strcmp(p->name, "lang") != 0) check_unknown(cx, facts, p->name, true);
		if (f == NULL || p->value[0] == '\0') continue;
		n = f->type == FACT_INT ? value_int_of(&v, INT64_MIN) : 0;
		if (f->type != FACT_INT)
			check_text(cx, f, p->value);
		else if (n == INT64_MIN)
			(void)cx_fail_field(cx, f->name, _("“%s” is not a whole number."), p->value);
		else
			check_int(cx, f, n);
	}
}

static void check_needed(struct cx *cx, const struct fact *facts, const struct value *body,
			 const struct pairs *query)
{
	for (; facts->name != NULL; facts++) {
		const struct value *v = value_get(body, facts->name);
		const char *text = query != NULL ? pairs_get(query, facts->name) : NULL;

		if (facts->is_needed && (v == NULL || v->type == VALUE_NULL) &&
		    (text == NULL || text[0] == '\0'))
			(void)cx_fail_field(cx, facts->name, _("This is needed."));
	}
}

enum rc takes_check(struct cx *cx, struct call *call, bool is_write)
{
	const struct fact *facts = call->match->route->takes;
	const struct value *body;
	enum rc rc;

	if (facts == NULL || call->match->shape != SHAPE_JSON) return RC_OK;
	if (!is_write) {
		check_query(cx, facts, &call->rq->query);
		check_needed(cx, facts, NULL, &call->rq->query);
	} else {
		rc = form_read(cx, call);
		if (rc != RC_OK) return rc;
		body = call->json;
		if (body != NULL && body->type != VALUE_MAP)
			return cx_fail(cx, RC_BAD_INPUT, _("The body must be a JSON object."));
		if (body != NULL) check_body(cx, facts, body);
		check_needed(cx, facts, body, &call->fields);
	}
	if (cx->field_count == 0) return RC_OK;
	return cx_fail(cx, RC_BAD_INPUT, "%s", cx->fields[0].message);
}
