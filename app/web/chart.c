/*
** chart.c -- bars and lines: where everything lies in the drawing, and the table behind it.
**
** Never:  writes markup; what it makes are numbers and texts for the templates.
** Holds:  (1) the axis has 0 on it, so that no picture exaggerates; (2) a value that is not 0 is at least one
**         unit tall; (3) nothing overflows, whatever the values; (4) picture and table come from the same
**         values.
*/
#include "web/chart.h"

#include "base/money.h"
#include <stdio.h>
#include <string.h>

#define TOP          12 /* room for half a word above the highest tick           */
#define FOOT         24 /* room for the names of the points                      */
#define RIGHT        6
#define STEPS        5              /* as many lines as the eye counts at once                  */
#define LETTER       6              /* width of a letter at the desk …                          */
#define LETTER_WIDE  9              /* … and on a phone, where words are drawn larger               */
#define GAP_BP       2500           /* of a point's place that stays free between bars, in 1/10000 */
#define BAR_MOST     120.0          /* a single bar is a bar, not a wall                            */
#define NARROW_SPACE "\xe2\x80\xaf" /* U+202F: between thousands, as the RAE wants it */
#define MARKS_MAX    31             /* points of a line get a dot when there are at most a month's  */

/* The axis */

static int64_t times_ten(int64_t n)
{
	return n > INT64_MAX / 10 ? INT64_MAX : n * 10;
}

/* The smallest of 1, 2, 5, 10, 20, 50… that is at least n (n ≤ CHART_VALUE_MAX × 20). */
static int64_t nice_at_least(int64_t n)
{
	for (int64_t base = 1;; base = times_ten(base)) {
		if (base >= n) return base;
		if (base * 2 >= n) return base * 2;
		if (base * 5 >= n) return base * 5;
	}
}

static int64_t clamp(int64_t n)
{
	if (n > CHART_VALUE_MAX) return CHART_VALUE_MAX;
	return n < -CHART_VALUE_MAX ? -CHART_VALUE_MAX : n;
}

static int64_t down_to(int64_t n, int64_t step)
{
	return n >= 0 ? n / step * step : -((-n + step - 1) / step * step);
}

struct chart_scale chart_scale_of(int64_t lo, int64_t hi, int steps)
{
	const int64_t most = CHART_VALUE_MAX * CHART_SERIES_MAX;
	struct chart_scale s;

	if (lo > 0) lo = 0;
	if (hi < 0) hi = 0;
	if (lo < -most) lo = -most;
	if (hi > most) hi = most;
	if (steps < 2) steps = 2;
	if (lo == 0 && hi == 0) hi = 1;
	s.step = nice_at_least((hi - lo + steps - 1) / steps);
	for (;; s.step = nice_at_least(s.step + 1)) {
		s.from = down_to(lo, s.step);
		s.to = -down_to(-hi, s.step);
		if ((s.to - s.from) / s.step <= steps) return s;
	}
}

/* Numbers */

const char *chart_count(struct cx *cx, int64_t n)
{
	char digits[24];
	struct sb sb;
	size_t len;

	snprintf(digits, sizeof(digits), "%lld", (long long)n);
	len = strlen(digits);
	sb_init_arena(&sb, cx->arena, 64);
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && digits[i - 1] != '-' && (len - i) % 3 == 0)
			sb_text(&sb, cx->lang == LANG_EN ? "," : NARROW_SPACE);
		sb_char(&sb, digits[i]);
	}
	return sb_text_of(&sb);
}

static const char *shown(struct cx *cx, const struct chart *c, int64_t n)
{
	char text[MONEY_SIZE];

	if (c->currency == NULL) return chart_count(cx, n);
	money_text(text, n, c->currency, cx->lang);
	return arena_text(cx->arena, text);
}

/* Of an axis in whole units of the currency the decimals are left out: they are all zero. */
static const char *tick_shown(struct cx *cx, const struct chart *c, int64_t n, int64_t step)
{
	char text[MONEY_SIZE];
	int exponent = c->currency != NULL ? money_exponent(c->currency) : 0;
	int64_t unit = 1;

	if (c->currency == NULL) return chart_count(cx, n);
	for (int i = 0; i < exponent; i++)
		unit *= 10;
	money_text(text, n, c->currency, cx->lang);
	if (exponent > 0 && step % unit == 0 && strlen(text) > (size_t)exponent + 1)
		text[strlen(text) - (size_t)exponent - 1] = '\0';
	return arena_text(cx->arena, text);
}

/* Letters, not bytes: close enough to how wide a text is. */
static int letters(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void set_place(struct cx *cx, struct value *map, const char *key, double at)
{
	value_set_text(cx->arena, map, key, arena_printf(cx->arena, "%.1f", at));
}

/* The frame: what all points share */

struct frame {
	const struct chart *c;
	struct chart_scale scale;
	size_t skip; /* points cut off at the front */
	size_t points;
	double left, slot; /* where the first point's place begins, how wide each is */
};

static const char *label_of(const struct frame *f, size_t i)
{
	return f->c->labels[f->skip + i];
}

static int64_t value_of(const struct frame *f, size_t series, size_t i)
{
	return f->c->of[series].values[f->skip + i];
}

static double y_of(const struct frame *f, int64_t n)
{
	return TOP + (double)(f->scale.to - n) * (CHART_HEIGHT - TOP - FOOT) /
			     (double)(f->scale.to - f->scale.from);
}

static int color_of(const struct chart *c, size_t series)
{
	return c->of[series].color != 0 ? c->of[series].color : (int)series + 1;
}

static void find_scale(struct frame *f, bool is_stacked)
{
	int64_t lo = 0, hi = 0;

	for (size_t i = 0; i < f->points; i++) {
		int64_t up = 0, down = 0;

		for (size_t s = 0; s < f->c->series; s++) {
			int64_t n = clamp(value_of(f, s, i));

			if (!is_stacked) up = down = 0;
			if (n > 0) up += n;
			if (n < 0) down += n;
			if (up > hi) hi = up;
			if (down < lo) lo = down;
		}
	}
	f->scale = chart_scale_of(lo, hi, STEPS);
}

static void fill_ticks(struct cx *cx, struct frame *f, struct value *out)
{
	struct value *ticks = value_set_list(cx->arena, out, "ticks");
	int widest = 1;

	for (int64_t n = f->scale.from; n <= f->scale.to; n += f->scale.step) {
		struct value *tick = value_add_map(cx->arena, ticks);
		const char *text = tick_shown(cx, f->c, n, f->scale.step);

		set_place(cx, tick, "y", y_of(f, n));
		value_set_text(cx->arena, tick, "text", text);
		value_set_bool(cx->arena, tick, "is_zero", n == 0);
		if (letters(text) > widest) widest = letters(text);
	}
	f->left = widest * LETTER_WIDE + 8;
	f->slot = (CHART_WIDTH - RIGHT - f->left) / (double)(f->points > 0 ? f->points : 1);
	set_place(cx, out, "left", f->left);
	set_place(cx, out, "tick_x", f->left - 6);
	value_set_int(cx->arena, out, "right", CHART_WIDTH - RIGHT);
}

/* Every how many points a name fits under the axis. The last point, mostly today, always has one. */
static size_t stride(const struct frame *f, int widest, int letter, size_t multiple_of)
{
	size_t n = multiple_of;

	while (n < f->points && (double)n * f->slot < (double)(widest * letter + letter))
		n += multiple_of;
	return n;
}

static void fill_labels(struct cx *cx, const struct frame *f, struct value *out)
{
	const char *const *texts = f->c->shorts != NULL ? f->c->shorts : f->c->labels;
	struct value *labels = value_set_list(cx->arena, out, "labels");
	size_t each, phone;
	int widest = 1;

	for (size_t i = 0; i < f->points; i++)
		if (letters(texts[f->skip + i]) > widest) widest = letters(texts[f->skip + i]);
	each = stride(f, widest, LETTER, 1);
	phone = stride(f, widest, LETTER_WIDE, each);
	for (size_t i = 0; i < f->points; i++) {
		size_t back = f->points - 1 - i;
		double x = f->left + f->slot * ((double)i + 0.5), half = widest * LETTER_WIDE / 2.0;
		struct value *label;

		if (back % each != 0) continue;
		label = value_add_map(cx->arena, labels);
		/* the words of the outermost points stay inside the drawing */
		set_place(cx, label, "x", x + half > CHART_WIDTH && f->points > 1 ? CHART_WIDTH - half : x);
		value_set_text(cx->arena, label, "text", texts[f->skip + i]);
		value_set_bool(cx->arena, label, "is_wide", back % phone != 0);
	}
	value_set_int(cx->arena, out, "label_y", CHART_HEIGHT - 7);
}

/* What a point says when the pointer rests on it: "08/2025: Sent 12 · Failed 1". */
static const char *point_text(struct cx *cx, const struct frame *f, size_t i)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 2048);
	sb_text(&sb, label_of(f, i));
	sb_lit(&sb, ": ");
	for (size_t s = 0; s < f->c->series; s++) {
		if (s > 0) sb_lit(&sb, " · ");
		if (f->c->series > 1) {
			sb_text(&sb, f->c->of[s].title);
			sb_char(&sb, ' ');
		}
		sb_text(&sb, shown(cx, f->c, value_of(f, s, i)));
	}
	return sb_text_of(&sb);
}

static void fill_table(struct cx *cx, const struct frame *f, struct value *out)
{
	struct value *columns = value_set_list(cx->arena, out, "columns"),
		     *rows = value_set_list(cx->arena, out, "rows");

	value_set_text(cx->arena, out, "column", f->c->column);
	for (size_t s = 0; s < f->c->series; s++)
		value_set_text(cx->arena, value_add_map(cx->arena, columns), "heading", f->c->of[s].title);
	for (size_t i = 0; i < f->points; i++) {
		struct value *row = value_add_map(cx->arena, rows), *cells;

		value_set_text(cx->arena, row, "label", label_of(f, i));
		value_set_text(cx->arena, row, "row_href",
			       f->c->hrefs != NULL ? f->c->hrefs[f->skip + i] : NULL);
		cells = value_set_list(cx->arena, row, "cells");
		for (size_t s = 0; s < f->c->series; s++) {
			struct value *cell = value_add_map(cx->arena, cells);

			value_set_text(cx->arena, cell, "text", shown(cx, f->c, value_of(f, s, i)));
			value_set_text(cx->arena, cell, "heading", f->c->of[s].title);
		}
	}
}

static void fill_legend(struct cx *cx, const struct chart *c, struct value *out)
{
	struct value *legend = value_set_list(cx->arena, out, "legend");

	for (size_t s = 0; s < c->series; s++) {
		struct value *one = value_add_map(cx->arena, legend);

		value_set_text(cx->arena, one, "heading", c->of[s].title);
		value_set_int(cx->arena, one, "color", color_of(c, s));
	}
	value_set_bool(cx->arena, out, "has_legend", c->series > 1);
}

static bool has_values(const struct frame *f)
{
	for (size_t s = 0; s < f->c->series; s++)
		for (size_t i = 0; i < f->points; i++)
			if (value_of(f, s, i) != 0) return true;
	return false;
}

static struct value *begin(struct cx *cx, struct frame *f, bool is_stacked)
{
	const struct chart *c = f->c;
	struct value *out = value_map(cx->arena);

	f->skip = c->points > CHART_POINTS_MAX ? c->points - CHART_POINTS_MAX : 0;
	f->points = c->points - f->skip;
	value_set_text(cx->arena, out, "id", c->id);
	value_set_text(cx->arena, out, "caption", c->title);
	value_set_text(cx->arena, out, "text", c->text != NULL ? c->text : "");
	value_set_text(cx->arena, out, "empty", c->empty);
	value_set_bool(cx->arena, out, "is_empty", c->empty != NULL && !has_values(f));
	value_set_int(cx->arena, out, "width", CHART_WIDTH);
	value_set_int(cx->arena, out, "height", CHART_HEIGHT);
	find_scale(f, is_stacked);
	fill_ticks(cx, f, out);
	fill_labels(cx, f, out);
	fill_table(cx, f, out);
	fill_legend(cx, c, out);
	return out;
}

/* A point's whole column answers the pointer, however small what is drawn in it. */
static struct value *add_point(struct cx *cx, const struct frame *f, struct value *points, size_t i)
{
	struct value *one = value_add_map(cx->arena, points);

	value_set_text(cx->arena, one, "hint", point_text(cx, f, i));
	set_place(cx, one, "x", f->left + f->slot * (double)i);
	value_set_int(cx->arena, one, "y", TOP);
	set_place(cx, one, "width", f->slot);
	value_set_int(cx->arena, one, "height", CHART_HEIGHT - TOP - FOOT);
	return one;
}

static void add_bar(struct cx *cx, const struct frame *f, struct value *bars, double x, double width,
		    int64_t from, int64_t to, int color)
{
	double top = y_of(f, from > to ? from : to), bottom = y_of(f, from > to ? to : from);
	struct value *bar;

	if (from == to) return;
	if (bottom - top < 1) top = bottom - 1;
	bar = value_add_map(cx->arena, bars);
	set_place(cx, bar, "x", x);
	set_place(cx, bar, "y", top);
	set_place(cx, bar, "width", width);
	set_place(cx, bar, "height", bottom - top);
	value_set_int(cx->arena, bar, "color", color);
}

struct value *chart_bars(struct cx *cx, const struct chart *c)
{
	struct frame f = { .c = c };
	struct value *out = begin(cx, &f, !c->is_grouped),
		     *points = value_set_list(cx->arena, out, "points_shown");
	double bar = f.slot * (10000 - GAP_BP) / 10000, width = bar < BAR_MOST ? bar : BAR_MOST,
	       gap = f.slot - width, one = width / (double)(c->series + !c->series);

	for (size_t i = 0; i < f.points; i++) {
		struct value *point = add_point(cx, &f, points, i),
			     *bars = value_set_list(cx->arena, point, "bars");
		double x = f.left + f.slot * (double)i + gap / 2;
		int64_t up = 0, down = 0;

		for (size_t s = 0; s < c->series; s++) {
			int64_t n = clamp(value_of(&f, s, i)), *from = n < 0 ? &down : &up;

			if (c->is_grouped) {
				add_bar(cx, &f, bars, x + one * (double)s, one, 0, n, color_of(c, s));
				continue;
			}
			add_bar(cx, &f, bars, x, width, *from, *from + n, color_of(c, s));
			*from += n;
		}
	}
	return out;
}

struct value *chart_line(struct cx *cx, const struct chart *c)
{
	struct frame f = { .c = c };
	struct value *out = begin(cx, &f, false), *lines = value_set_list(cx->arena, out, "lines"),
		     *points = value_set_list(cx->arena, out, "points_shown");

	for (size_t i = 0; i < f.points; i++)
		add_point(cx, &f, points, i);
	for (size_t s = 0; s < c->series; s++) {
		struct value *line = value_add_map(cx->arena, lines),
			     *dots = value_set_list(cx->arena, line, "dots");
		struct sb way;

		sb_init_arena(&way, cx->arena, (size_t)CHART_POINTS_MAX * 32);
		for (size_t i = 0; i < f.points; i++) {
			double x = f.left + f.slot * ((double)i + 0.5),
			       y = y_of(&f, clamp(value_of(&f, s, i)));
			struct value *dot;

			sb_printf(&way, "%s%.1f,%.1f", i > 0 ? " " : "", x, y);
			if (f.points > MARKS_MAX) continue;
			dot = value_add_map(cx->arena, dots);
			set_place(cx, dot, "x", x);
			set_place(cx, dot, "y", y);
		}
		value_set_text(cx->arena, line, "way", sb_text_of(&way));
		value_set_int(cx->arena, line, "color", color_of(c, s));
	}
	return out;
}
