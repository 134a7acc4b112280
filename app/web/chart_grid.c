/*
** chart_grid.c -- pictures of squares: a month as a calendar sheet, a week by hours as a heat map.
**
** Never:  writes markup; what it makes are numbers and texts for the templates.
** Holds:  (1) weeks begin on Monday; (2) a square that is not 0 never looks like one that is; (3) picture and
**         table come from the same values.
*/
#include "web/chart.h"

#include <stdio.h>
#include <string.h>

#define DAY_WIDTH  48 /* seven of them on a phone: each still a finger wide */
#define DAY_HEIGHT 42
#define DAYS_HEAD  22 /* names of the weekdays                    */
#define HEAT_LEFT  34 /* names of the weekdays                  */
#define HEAT_HEAD  20 /* the hours                              */
#define HEAT_CELL  18
#define HEAT_ROW   20
#define LEVELS     4 /* shades the eye tells apart               */

static const char *const weekdays[] = { N_("Monday"), N_("Tuesday"),  N_("Wednesday"), N_("Thursday"),
					N_("Friday"), N_("Saturday"), N_("Sunday") };
static const char *const weekdays_short[] = { N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"),
					      N_("Fri"), N_("Sat"), N_("Sun") };
static const char *const months[] = { N_("January"),   N_("February"), N_("March"),    N_("April"),
				      N_("May"),       N_("June"),     N_("July"),     N_("August"),
				      N_("September"), N_("October"),  N_("November"), N_("December") };

const char *chart_weekday(enum lang lang, int weekday)
{
	return words_get(lang, weekdays[(weekday % 7 + 7) % 7]);
}

const char *chart_weekday_short(enum lang lang, int weekday)
{
	return words_get(lang, weekdays_short[(weekday % 7 + 7) % 7]);
}

const char *chart_month_title(struct cx *cx, day any)
{
	int year, month, dom;

	day_split(any, &year, &month, &dom);
	/* TRANSLATORS: a month and its year */
	return arena_printf(cx->arena, _("%s %d"), words_get(cx->lang, months[month - 1]), year);
}

/* 0 for nothing, else 1…LEVELS by how close it comes to the most. */
static int level_of(int64_t n, int64_t most)
{
	if (n <= 0) return 0;
	return 1 + (int)((double)(n - 1) * LEVELS / (double)most);
}

static void add_heading(struct cx *cx, struct value *columns, const char *text)
{
	value_set_text(cx->arena, value_add_map(cx->arena, columns), "heading", text);
}

static void add_cell(struct cx *cx, struct value *cells, int64_t n, const char *heading)
{
	struct value *cell = value_add_map(cx->arena, cells);

	value_set_text(cx->arena, cell, "text", chart_count(cx, n));
	value_set_text(cx->arena, cell, "heading", heading);
}

static struct value *begin(struct cx *cx, const char *id, const char *title, const char *text)
{
	struct value *out = value_map(cx->arena);

	value_set_text(cx->arena, out, "id", id);
	value_set_text(cx->arena, out, "caption", title);
	value_set_text(cx->arena, out, "text", text != NULL ? text : "");
	return out;
}

/* The calendar */

static void add_day(struct cx *cx, const struct chart_month *m, struct value *days, day d, int dom, int row,
		    int64_t most)
{
	int column = (day_weekday(d) + 6) % 7, x = column * DAY_WIDTH, y = DAYS_HEAD + row * DAY_HEIGHT;
	int64_t n = m->counts[dom - 1];
	struct value *one = value_add_map(cx->arena, days);
	char date[DATE_SIZE];

	day_text_local(date, d);
	value_set_int(cx->arena, one, "x", x + 1);
	value_set_int(cx->arena, one, "y", y + 1);
	value_set_int(cx->arena, one, "width", DAY_WIDTH - 2);
	value_set_int(cx->arena, one, "height", DAY_HEIGHT - 2);
	value_set_int(cx->arena, one, "dom_x", x + 5);
	value_set_int(cx->arena, one, "dom_y", y + 14);
	value_set_int(cx->arena, one, "count_x", x + DAY_WIDTH / 2);
	value_set_int(cx->arena, one, "count_y", y + 33);
	value_set_text(cx->arena, one, "dom", arena_printf(cx->arena, "%d", dom));
	value_set_text(cx->arena, one, "count_shown", n != 0 ? chart_count(cx, n) : "");
	value_set_text(cx->arena, one, "hint", arena_printf(cx->arena, "%s: %s", date, chart_count(cx, n)));
	value_set_text(cx->arena, one, "day_href", m->hrefs != NULL && n != 0 ? m->hrefs[dom - 1] : NULL);
	value_set_int(cx->arena, one, "level", level_of(n, most));
	value_set_bool(cx->arena, one, "is_today", d == m->today);
}

static void calendar_table(struct cx *cx, const struct chart_month *m, struct value *rows, day d, int dom)
{
	struct value *row;
	char date[DATE_SIZE];

	if (m->counts[dom - 1] == 0) return;
	row = value_add_map(cx->arena, rows);
	day_text_local(date, d);
	value_set_text(cx->arena, row, "label",
		       arena_printf(cx->arena, "%s %s",
				    chart_weekday_short(cx->lang, (day_weekday(d) + 6) % 7), date));
	value_set_text(cx->arena, row, "row_href", m->hrefs != NULL ? m->hrefs[dom - 1] : NULL);
	add_cell(cx, value_set_list(cx->arena, row, "cells"), m->counts[dom - 1], m->column);
}

struct value *chart_calendar(struct cx *cx, const struct chart_month *m)
{
	struct value *out = begin(cx, m->id, m->title, m->text),
		     *heads = value_set_list(cx->arena, out, "heads"),
		     *days = value_set_list(cx->arena, out, "days"),
		     *rows = value_set_list(cx->arena, out, "rows");
	int year, month, dom, row = 0;
	int64_t most = 1, sum = 0;
	day first, d;

	day_split(m->first, &year, &month, &dom);
	first = m->first - (day)(dom - 1);
	for (int i = 0; i < 7; i++) {
		struct value *head = value_add_map(cx->arena, heads);

		value_set_int(cx->arena, head, "x", i * DAY_WIDTH + DAY_WIDTH / 2);
		value_set_text(cx->arena, head, "text", chart_weekday_short(cx->lang, i));
	}
	for (dom = 1, d = first; d < day_add_months(first, 1); dom++, d++)
		if (m->counts[dom - 1] > most) most = m->counts[dom - 1];
	for (dom = 1, d = first; d < day_add_months(first, 1); dom++, d++) {
		if (dom > 1 && day_weekday(d) == 1) row++;
		add_day(cx, m, days, d, dom, row, most);
		calendar_table(cx, m, rows, d, dom);
		sum += m->counts[dom - 1];
	}
	add_heading(cx, value_set_list(cx->arena, out, "columns"), m->column);
	value_set_text(cx->arena, out, "column", _("Day"));
	value_set_bool(cx->arena, out, "has_links", m->hrefs != NULL);
	value_set_bool(cx->arena, out, "has_rows", sum != 0);
	value_set_int(cx->arena, out, "width", 7 * DAY_WIDTH);
	value_set_int(cx->arena, out, "height", DAYS_HEAD + (row + 1) * DAY_HEIGHT);
	return out;
}

/* The week by hours */

static int64_t most_of(const struct chart_week *w)
{
	int64_t most = 0;

	for (int d = 0; d < 7; d++)
		for (int h = 0; h < 24; h++)
			if (w->counts[d][h] > most) most = w->counts[d][h];
	return most;
}

static void add_square(struct cx *cx, const struct chart_week *w, struct value *cells, int d, int h,
		       int64_t most)
{
	struct value *one = value_add_map(cx->arena, cells);

	value_set_int(cx->arena, one, "x", HEAT_LEFT + h * HEAT_CELL + 1);
	value_set_int(cx->arena, one, "y", HEAT_HEAD + d * HEAT_ROW + 1);
	value_set_int(cx->arena, one, "level", level_of(w->counts[d][h], most));
	value_set_text(cx->arena, one, "hint",
		       arena_printf(cx->arena, "%s %02d:00–%02d:00: %s", chart_weekday(cx->lang, d), h,
				    (h + 1) % 24, chart_count(cx, w->counts[d][h])));
}

/* Hours in which nothing ever happened are left out of the table. */
static void heat_table(struct cx *cx, const struct chart_week *w, struct value *out)
{
	struct value *columns = value_set_list(cx->arena, out, "columns"),
		     *rows = value_set_list(cx->arena, out, "rows");

	value_set_text(cx->arena, out, "column", _("Hour"));
	for (int d = 0; d < 7; d++)
		add_heading(cx, columns, chart_weekday_short(cx->lang, d));
	for (int h = 0; h < 24; h++) {
		struct value *row, *cells;
		int64_t sum = 0;

		for (int d = 0; d < 7; d++)
			sum += w->counts[d][h];
		if (sum == 0) continue;
		row = value_add_map(cx->arena, rows);
		value_set_text(cx->arena, row, "label", arena_printf(cx->arena, "%02d:00", h));
		value_set_null(cx->arena, row, "row_href");
		cells = value_set_list(cx->arena, row, "cells");
		for (int d = 0; d < 7; d++)
			add_cell(cx, cells, w->counts[d][h], chart_weekday_short(cx->lang, d));
	}
}

struct value *chart_heat(struct cx *cx, const struct chart_week *w)
{
	struct value *out = begin(cx, w->id, w->title, w->text),
		     *heads = value_set_list(cx->arena, out, "heads"),
		     *names = value_set_list(cx->arena, out, "names"),
		     *cells = value_set_list(cx->arena, out, "squares");
	int64_t most = most_of(w);

	for (int h = 0; h < 24; h += 3) {
		struct value *head = value_add_map(cx->arena, heads);

		value_set_int(cx->arena, head, "x", HEAT_LEFT + h * HEAT_CELL);
		value_set_text(cx->arena, head, "text", arena_printf(cx->arena, "%02d", h));
		value_set_bool(cx->arena, head, "is_wide", h % 6 != 0);
	}
	for (int d = 0; d < 7; d++) {
		struct value *name = value_add_map(cx->arena, names);

		value_set_int(cx->arena, name, "y", HEAT_HEAD + d * HEAT_ROW + 14);
		value_set_text(cx->arena, name, "text", chart_weekday_short(cx->lang, d));
		for (int h = 0; h < 24; h++)
			add_square(cx, w, cells, d, h, most);
	}
	heat_table(cx, w, out);
	value_set_text(cx->arena, out, "empty", w->empty);
	value_set_bool(cx->arena, out, "is_empty", most == 0 && w->empty != NULL);
	value_set_int(cx->arena, out, "width", HEAT_LEFT + 24 * HEAT_CELL);
	value_set_int(cx->arena, out, "height", HEAT_HEAD + 7 * HEAT_ROW);
	value_set_int(cx->arena, out, "cell_width", HEAT_CELL - 2);
	value_set_int(cx->arena, out, "cell_height", HEAT_ROW - 2);
	return out;
}
