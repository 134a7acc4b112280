/*
** rule_pick.c -- the form of a schedule: its rule picked among a few, or written; the next times of what
** stands in it, before it is saved.
**
** Needs:  work/rule.h for what a rule is; rule_next() for the times.
** Never:  saves.
** Holds:  (1) a rule that was picked, read again, is the same pick; one that is none of them stays as it is
**         written; (2) it all works as a plain form.
*/
#include "base/text.h"
#include "desk/inner.h"
#include "desk/work_pages.h"
#include "work/rule.h"

#include <stdlib.h>
#include <string.h>

#define NEXT_SHOWN   5 /* as on the schedule's own page */
#define USUAL_AT     "09:00"
#define USUAL_EVERY  30
#define EVERY_MINUTE (24 * 60) /* a day: what comes less often is a line of cron */

/* "9:05", "09:05" → minutes after midnight, -1 = none. Total. */
static int minutes_of(const char *text)
{
	int hour, minute;
	size_t n = strspn(text, "0123456789");

	if (n < 1 || n > 2 || text[n] != ':' || strspn(text + n + 1, "0123456789") != 2 ||
	    text[n + 3] != '\0')
		return -1;
	hour = atoi(text);
	minute = atoi(text + n + 1);
	return hour > 23 || minute > 59 ? -1 : hour * 60 + minute;
}

void rule_pick_of(struct rule_pick *out, const char *rule)
{
	const char *why = "";
	struct rule r;
	int hour, minute;

	*out = (struct rule_pick){ .kind = PICK_WRITTEN,
				   .at_min = minutes_of(USUAL_AT),
				   .every_min = USUAL_EVERY };
	if (rule_parse(&r, &why, rule) != RC_OK) return;
	if (r.is_interval) {
		if (r.after_min == 0) {
			out->kind = PICK_EVERY;
			out->every_min = r.every_min;
		}
		return;
	}
	if (__builtin_popcountll(r.minutes) != 1 || __builtin_popcount(r.hours) != 1) return;
	minute = __builtin_ctzll(r.minutes);
	hour = __builtin_ctz(r.hours);
	out->at_min = hour * 60 + minute;
	if (__builtin_popcount(r.months) != 12 || !r.any_dom) return;
	if (r.any_dow)
		out->kind = PICK_DAILY;
	else if ((r.dows & 0x7f) == 0x3e)
		out->kind = PICK_WEEKDAYS;
}

const char *rule_of_pick(struct arena *a, const struct rule_pick *p)
{
	if (p->kind == PICK_EVERY) return arena_printf(a, "every %d min", p->every_min);
	return arena_printf(a, "%d %d * * %s", p->at_min % 60, p->at_min / 60,
			    p->kind == PICK_WEEKDAYS ? "1-5" : "*");
}

/* What was sent */

static const char *sent(struct call *call, const char *name)
{
	const char *text = form_text(call, name);

	return text != NULL ? text : "";
}

enum rc schedule_form_take(struct cx *cx, struct call *call, struct value *input)
{
	const char *kind = sent(call, "pick");
	struct rule_pick p = { .kind = PICK_WRITTEN };

	if (strcmp(kind, "every") == 0) {
		const char *text = sent(call, "every_min");

		p.kind = PICK_EVERY;
		p.every_min =
			strspn(text, "0123456789") == strlen(text) && strlen(text) <= 4 ? atoi(text) : 0;
		if (p.every_min < 1 || p.every_min > EVERY_MINUTE)
			return cx_fail_field(cx, "rule", _("The minutes are a number from 1 to %d."),
					     EVERY_MINUTE);
	} else if (strcmp(kind, "daily") == 0 || strcmp(kind, "weekdays") == 0) {
		p.kind = kind[0] == 'd' ? PICK_DAILY : PICK_WEEKDAYS;
		p.at_min = minutes_of(sent(call, kind[0] == 'd' ? "daily_at" : "weekdays_at"));
		if (p.at_min < 0) return cx_fail_field(cx, "rule", _("Write the hour like 09:30."));
	}
	if (p.kind != PICK_WRITTEN) value_set_text(cx->arena, input, "rule", rule_of_pick(cx->arena, &p));
	return RC_OK;
}

/* What is shown */

static const char *hour_text(struct cx *cx, int at_min)
{
	return arena_printf(cx->arena, "%02d:%02d", at_min / 60, at_min % 60);
}

static void put_pick(struct cx *cx, struct value *page, const char *rule)
{
	struct rule_pick p;

	rule_pick_of(&p, rule);
	value_set_bool(cx->arena, page, "is_daily", p.kind == PICK_DAILY);
	value_set_bool(cx->arena, page, "is_weekdays", p.kind == PICK_WEEKDAYS);
	value_set_bool(cx->arena, page, "is_every", p.kind == PICK_EVERY);
	value_set_bool(cx->arena, page, "is_written", p.kind == PICK_WRITTEN);
	value_set_text(cx->arena, page, "daily_at", hour_text(cx, p.at_min));
	value_set_text(cx->arena, page, "weekdays_at", hour_text(cx, p.at_min));
	value_set_int(cx->arena, page, "every_min", p.every_min);
	value_set_text(cx->arena, page, "rule", rule);
}

/* After a look or a refusal: every field shows what was typed. */
static void put_typed(struct cx *cx, struct call *call, struct value *page)
{
	static const char *const names[] = { "daily_at", "weekdays_at", "every_min", "rule" };
	static const char *const kinds[] = { "daily", "weekdays", "every", "written" };
	const char *kind = form_text(call, "pick");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (form_text(call, names[i]) != NULL)
			value_set_text(cx->arena, page, names[i], form_text(call, names[i]));
	for (size_t i = 0; kind != NULL && i < sizeof(kinds) / sizeof(*kinds); i++)
		value_set_bool(cx->arena, page, arena_printf(cx->arena, "is_%s", kinds[i]),
			       strcmp(kind, kinds[i]) == 0);
}

static void put_times(struct cx *cx, struct value *page, const char *rule, const char *zone_text)
{
	const struct zone *zone = zone_text[0] == '\0' ? cx->env->zone : zone_find(zone_text);
	struct value *list = value_set_list(cx->arena, page, "times");
	const char *why = "";
	char at[RFC3339_SIZE];
	instant next = cx_now(cx);

	for (int i = 0; zone != NULL && i < NEXT_SHOWN; i++) {
		if (rule_next(&next, &why, rule, zone, next) != RC_OK) break;
		instant_text_local(at, next, zone);
		value_set_text(cx->arena, value_add_map(cx->arena, list), "at", at);
	}
	value_set_bool(cx->arena, page, "has_times", list->count > 0);
	if (zone != NULL) value_set_text(cx->arena, page, "zone_shown", zone_name(zone));
}

/* The field that the choices stand for. */
static void take_out(struct cx *cx, struct value *page, const char *name)
{
	struct value *list = (struct value *)(uintptr_t)value_get(page, "fields");
	struct value *others = value_set_list(cx->arena, page, "fields");

	for (struct value *v = list->first, *next; v != NULL; v = next) {
		next = v->next;
		v->next = NULL;
		if (strcmp(value_text_of(value_get(v, "name"), ""), name) != 0)
			value_append(others, v);
		else if (value_get(v, "error") != NULL)
			value_set_text(cx->arena, page, "rule_error",
				       value_text_of(value_get(v, "error"), ""));
	}
}

void schedule_form_show(struct cx *cx, struct call *call, const struct value *stored, struct value *page)
{
	bool was_sent = strcmp(call_method(call), "GET") != 0;
	const char *rule = value_text_of(value_get(stored, "rule"), "");
	const char *zone = value_text_of(value_get(stored, "zone"), "");
	const char *setting = value_text_of(value_get(stored, "rule_setting"), "");
	struct value *taken = value_map(cx->arena);
	size_t errors = cx->field_count;

	take_out(cx, page, "rule");
	put_pick(cx, page, rule);
	if (was_sent && setting[0] == '\0') {
		put_typed(cx, call, page);
		rule = sent(call, "rule");
		if (errors == 0 && schedule_form_take(cx, call, taken) == RC_OK)
			rule = value_text_of(value_get(taken, "rule"), rule);
	}
	if (was_sent) zone = sent(call, "zone");
	value_set_text(cx->arena, page, "rule_setting", setting);
	if (errors == 0) put_times(cx, page, rule, zone);
}
