/*
** rule_words.c -- a schedule's rule as people say it: "every day at 03:30" for 30 3 * * *.
**
** Needs:  the parsed rule (work/rule.h).
** Never:  computes a time.
** Holds:  a rule that has no short sentence is shown as it is written; nothing is rounded away.
*/
#include "base/text.h"
#include "desk/work_pages.h"
#include "web/chart.h"
#include "work/rule.h"

#include <stdlib.h>
#include <string.h>

#define EVERY_HOUR  0xffffffu
#define EVERY_MONTH 0x1ffeu
#define DAYS_TEXT   200 /* seven names of days */

/* The place of the only bit, -1 when there are none or several. */
static int only_bit(uint64_t bits)
{
	if (bits == 0 || (bits & (bits - 1)) != 0) return -1;
	return __builtin_ctzll(bits);
}

/* "Monday, Wednesday"; from Monday on, as weeks are read. */
static const char *days_of(struct cx *cx, uint8_t dows)
{
	struct sb sb;

	if ((dows & 0x7f) == 0x3e) return _("Monday to Friday");
	sb_init_arena(&sb, cx->arena, DAYS_TEXT);
	for (int i = 0; i < 7; i++)
		if ((dows >> (i + 1) % 7 & 1) != 0) {
			if (sb_text_of(&sb)[0] != '\0') sb_lit(&sb, ", ");
			sb_text(&sb, chart_weekday(cx->lang, i));
		}
	return sb_text_of(&sb);
}

const char *rule_shown(struct cx *cx, const char *stored)
{
	struct rule r;
	const char *why = "", *at;
	int minute, hour, dom;

	if (rule_parse(&r, &why, stored) != RC_OK) return stored;
	if (r.is_interval && r.after_min == 0) return arena_printf(cx->arena, _("every %d min"), r.every_min);
	if (r.is_interval)
		return arena_printf(cx->arena, _("every %d min, the first %d min after midnight"),
				    r.every_min, r.after_min);
	minute = only_bit(r.minutes);
	hour = only_bit(r.hours);
	dom = only_bit(r.doms);
	if (minute < 0 || (r.months & EVERY_MONTH) != EVERY_MONTH) return stored;
	if ((r.hours & EVERY_HOUR) == EVERY_HOUR && r.any_dom && r.any_dow)
		return arena_printf(cx->arena, _("every hour at minute %d"), minute);
	if (hour < 0) return stored;
	at = arena_printf(cx->arena, "%02d:%02d", hour, minute);
	if (r.any_dom && r.any_dow) return arena_printf(cx->arena, _("every day at %s"), at);
	if (r.any_dom) return arena_printf(cx->arena, _("%s at %s"), days_of(cx, r.dows), at);
	if (r.any_dow && dom > 0) return arena_printf(cx->arena, _("on day %d of each month at %s"), dom, at);
	return stored;
}

const char *seconds_shown(struct cx *cx, const char *stored)
{
	long long s = atoll(stored);

	if (s > 0 && s % 3600 == 0) return arena_printf(cx->arena, "%lld h", s / 3600);
	if (s > 0 && s % 60 == 0) return arena_printf(cx->arena, "%lld min", s / 60);
	return arena_printf(cx->arena, "%lld s", s);
}
