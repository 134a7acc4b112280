/*
** test_chart.c -- pictures of figures: round axes, nothing overflows, picture and table say the same.
*/
#include "state.h"
#include "web/chart.h"

#include <stdlib.h>

static int setup(void **state)
{
	struct state *s = calloc(1, sizeof *s);

	state_make(s, INT64_C(1795366800000));
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	state_close(*state);
	free(*state);
	return 0;
}

static bool is_round(int64_t step)
{
	while (step % 10 == 0)
		step /= 10;
	return step == 1 || step == 2 || step == 5;
}

static void an_axis_has_round_steps_and_holds_every_value(void **state)
{
	static const int64_t ranges[][2] = {
		{ 0, 0 },
		{ 0, 1 },
		{ 0, 7 },
		{ 0, 99 },
		{ 0, 101 },
		{ -3, 4 },
		{ -1, 0 },
		{ 12, 17 },
		{ -17, -12 },
		{ 0, 123456789 },
		{ -1, 1000000000 },
		{ 0, CHART_VALUE_MAX },
		{ -CHART_VALUE_MAX * CHART_SERIES_MAX, CHART_VALUE_MAX * CHART_SERIES_MAX },
		{ INT64_MIN, INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		int64_t lo = ranges[i][0], hi = ranges[i][1];
		struct chart_scale s = chart_scale_of(lo, hi, 5);

		assert_true(is_round(s.step));
		assert_true(s.from <= 0 && s.to >= 0 && s.to > s.from);
		assert_true(s.from % s.step == 0 && s.to % s.step == 0);
		assert_true((s.to - s.from) / s.step <= 5);
		if (lo > -CHART_VALUE_MAX && hi < CHART_VALUE_MAX) assert_true(s.from <= lo && s.to >= hi);
	}
	assert_int_equal(chart_scale_of(0, 0, 5).to, 1);
	assert_int_equal(chart_scale_of(0, 7, 5).step, 2);
	assert_int_equal(chart_scale_of(0, 100, 5).step, 20);
	assert_int_equal(chart_scale_of(0, 1299, 5).to, 1500);
}

static struct chart one_series(const int64_t *values, const char *const *labels, size_t points)
{
	return (struct chart){ .id = "test",
			       .title = "Sent",
			       .column = "Day",
			       .points = points,
			       .series = 1,
			       .labels = labels,
			       .of = { { .title = "Sent", .values = values } } };
}

static double place(const struct value *map, const char *key)
{
	return strtod(value_text_of(value_get(map, key), "nan"), NULL);
}

static const struct value *nth(const struct value *list, size_t n)
{
	const struct value *v = list->first;

	while (n-- > 0)
		v = v->next;
	return v;
}

static const char *const days[] = { "mon", "tue", "wed", "thu" };

static void bars_are_as_tall_as_what_they_stand_for(void **state)
{
	struct cx *cx = &((struct state *)*state)->cx;
	static const int64_t values[] = { 10, 5, 0, 20 };
	struct chart c = one_series(values, days, 4);
	struct value *out = chart_bars(cx, &c);
	const struct value *points = value_get(out, "points_shown"), *rows = value_get(out, "rows");
	double ten = place(value_get(nth(points, 0), "bars")->first, "height");

	assert_int_equal(points->count, 4);
	assert_true(ten > 10);
	assert_float_equal(place(value_get(nth(points, 1), "bars")->first, "height"), ten / 2, 0.11);
	assert_float_equal(place(value_get(nth(points, 3), "bars")->first, "height"), ten * 2, 0.11);
	assert_int_equal(value_get(nth(points, 2), "bars")->count, 0);
	assert_string_equal(value_text_of(value_get(nth(points, 3), "hint"), ""), "thu: 20");
	/* the table says the same, in the same order */
	assert_int_equal(rows->count, 4);
	assert_string_equal(value_text_of(value_get(nth(rows, 1), "label"), ""), "tue");
	assert_string_equal(value_text_of(value_get(value_get(nth(rows, 1), "cells")->first, "text"), ""),
			    "5");
}

static void one_thing_among_thousands_is_still_seen(void **state)
{
	struct cx *cx = &((struct state *)*state)->cx;
	static const int64_t values[] = { 1, 100000 };
	struct chart c = one_series(values, days, 2);
	struct value *out = chart_bars(cx, &c);

	assert_true(place(value_get(value_get(out, "points_shown")->first, "bars")->first, "height") >= 1);
}

static void stacked_bars_stand_on_each_other_and_losses_hang_below(void **state)
{
	struct cx *cx = &((struct state *)*state)->cx;
	static const int64_t sent[] = { 10 }, failed[] = { 5 }, back[] = { -5 };
	struct chart c = one_series(sent, days, 1);
	const struct value *bars;
	double bottom;

	c.series = 3;
	c.of[1] = (struct chart_series){ .title = "Failed", .values = failed, .color = 4 };
	c.of[2] = (struct chart_series){ .title = "Back", .values = back };
	bars = value_get(value_get(chart_bars(cx, &c), "points_shown")->first, "bars");
	assert_int_equal(bars->count, 3);
	bottom = place(nth(bars, 0), "y") + place(nth(bars, 0), "height");
	assert_float_equal(place(nth(bars, 1), "y") + place(nth(bars, 1), "height"), place(nth(bars, 0), "y"),
			   0.11);
	assert_float_equal(place(nth(bars, 2), "y"), bottom, 0.11);
	assert_int_equal(value_int_of(value_get(nth(bars, 1), "color"), 0), 4);
	assert_int_equal(value_int_of(value_get(nth(bars, 2), "color"), 0), 3);
	c.is_grouped = true;
	bars = value_get(value_get(chart_bars(cx, &c), "points_shown")->first, "bars");
	bottom = place(nth(bars, 0), "y") + place(nth(bars, 0), "height");
	assert_float_equal(place(nth(bars, 1), "y") + place(nth(bars, 1), "height"), bottom, 0.11);
	assert_true(place(nth(bars, 1), "x") >=
		    place(nth(bars, 0), "x") + place(nth(bars, 0), "width") - 0.11);
}

static void nothing_at_all_is_a_sentence_not_an_empty_frame(void **state)
{
	struct cx *cx = &((struct state *)*state)->cx;
	static const int64_t none[] = { 0, 0 };
	struct chart c = one_series(none, days, 2);
	struct value *out;

	assert_false(value_bool_of(value_get(chart_bars(cx, &c), "is_empty"), true));
	c.empty = "None yet.";
	assert_true(value_bool_of(value_get(chart_bars(cx, &c), "is_empty"), false));
	c.points = 0;
	out = chart_line(cx, &c);
	assert_true(value_bool_of(value_get(out, "is_empty"), false));
	assert_int_equal(value_get(out, "rows")->count, 0);
}

static void a_line_of_one_point_is_a_dot_inside_the_drawing(void **state)
{
	struct cx *cx = &((struct state *)*state)->cx;
	static const int64_t values[] = { 3 };
	struct chart c = one_series(values, days, 1);
	const struct value *line = value_get(chart_line(cx, &c), "lines")->first;
	const struct value *dot = value_get(line, "dots")->first;

	assert_true(place(dot, "x") > 0 && place(dot, "x") < CHART_WIDTH);
	assert_true(place(dot, "y") >= 0 && place(dot, "y") < CHART_HEIGHT);
	assert_null(strchr(value_text_of(value_get(line, "way"), " "), ' '));
}

static void huge_and_negative_amounts_stay_inside_the_drawing(void **state)
{
	struct cx *cx = &((struct state *)*state)->cx;
	static const int64_t values[] = { INT64_MAX, INT64_MIN, -1, 1 };
	struct chart c = one_series(values, days, 4);

	for (int way = 0; way < 3; way++) {
		struct value *out;

		c.is_grouped = way == 1;
		out = way == 2 ? chart_line(cx, &c) : chart_bars(cx, &c);
		assert_true(place(out, "left") < CHART_WIDTH);
		for (const struct value *p = value_get(out, "points_shown")->first; p != NULL; p = p->next)
			for (const struct value *b = value_get(p, "bars") ? value_get(p, "bars")->first
									  : NULL;
			     b != NULL; b = b->next) {
				assert_true(place(b, "y") >= 0);
				assert_true(place(b, "y") + place(b, "height") <= CHART_HEIGHT);
			}
		/* said in full, although drawn shorter */
		assert_non_null(
			strstr(value_text_of(value_get(value_get(out, "points_shown")->first, "hint"), ""),
			       "9,223,372,036,854,775,807"));
	}
}

static void money_is_said_with_its_decimals_and_the_axis_without(void **state)
{
	struct cx *cx = &((struct state *)*state)->cx;
	static const int64_t values[] = { 129900, 5 };
	struct chart c = one_series(values, days, 2);
	struct value *out;

	c.currency = "USD";
	out = chart_bars(cx, &c);
	assert_string_equal(value_text_of(value_get(value_get(out, "points_shown")->first, "hint"), ""),
			    "mon: $1,299.00");
	assert_string_equal(value_text_of(value_get(value_get(out, "ticks")->last, "text"), ""), "$1,500");
	c.currency = "PYG"; /* has no cents to leave out */
	out = chart_bars(cx, &c);
	assert_non_null(strstr(value_text_of(value_get(value_get(out, "ticks")->last, "text"), ""), "150"));
}

static void more_points_than_fit_keep_the_newest(void **state)
{
	struct cx *cx = &((struct state *)*state)->cx;
	static int64_t values[CHART_POINTS_MAX + 1];
	static const char *labels[CHART_POINTS_MAX + 1];
	struct chart c;
	struct value *out;

	for (size_t i = 0; i <= CHART_POINTS_MAX; i++) {
		values[i] = (int64_t)i;
		labels[i] = i == 0 ? "oldest" : "later";
	}
	c = one_series(values, labels, CHART_POINTS_MAX + 1);
	out = chart_line(cx, &c);
	assert_int_equal(value_get(out, "rows")->count, CHART_POINTS_MAX);
	assert_string_equal(value_text_of(value_get(value_get(out, "rows")->first, "label"), ""), "later");
	assert_true(value_get(out, "labels")->count < 30); /* no word upon another */
}

static void a_month_starts_under_its_weekday_and_links_its_days(void **state)
{
	struct cx *cx = &((struct state *)*state)->cx;
	static int64_t counts[31];
	static const char *hrefs[31];
	struct chart_month m = {
		.id = "m", .title = "November", .column = "Ends", .counts = counts, .hrefs = hrefs
	};
	struct value *out;
	const struct value *days_shown;

	assert_int_equal(day_parse(&m.first, "2026-11-22"), RC_OK); /* any day of it */
	m.today = m.first;
	counts[21] = 12;
	hrefs[21] = "/subscriptions?ends_from=2026-11-22";
	hrefs[0] = "/nothing";
	out = chart_calendar(cx, &m);
	days_shown = value_get(out, "days");
	assert_int_equal(days_shown->count, 30);
	/* 1 November 2026 is a Sunday: last column of the first row; the 2nd begins the next */
	assert_int_equal(value_int_of(value_get(nth(days_shown, 0), "x"), 0), 6 * 48 + 1);
	assert_int_equal(value_int_of(value_get(nth(days_shown, 1), "x"), 0), 1);
	assert_true(value_int_of(value_get(nth(days_shown, 1), "y"), 0) >
		    value_int_of(value_get(nth(days_shown, 0), "y"), 0));
	assert_string_equal(value_text_of(value_get(nth(days_shown, 21), "day_href"), ""), hrefs[21]);
	assert_string_equal(value_text_of(value_get(nth(days_shown, 21), "hint"), ""), "22/11/2026: 12");
	assert_true(value_bool_of(value_get(nth(days_shown, 21), "is_today"), false));
	/* a day without any leads nowhere, and does not look like one that has some */
	assert_int_equal(value_get(nth(days_shown, 0), "day_href")->type, VALUE_NULL);
	assert_int_equal(value_int_of(value_get(nth(days_shown, 0), "level"), 9), 0);
	assert_true(value_int_of(value_get(nth(days_shown, 21), "level"), 0) > 0);
	assert_int_equal(value_get(out, "rows")->count, 1);
}

static void the_busiest_hour_is_the_darkest_and_a_single_message_is_seen(void **state)
{
	struct cx *cx = &((struct state *)*state)->cx;
	struct chart_week w = { .id = "w", .title = "Hours", .empty = "None." };
	struct value *out = chart_heat(cx, &w);
	const struct value *squares;

	assert_true(value_bool_of(value_get(out, "is_empty"), false));
	w.counts[0][9] = 1000;
	w.counts[6][23] = 1;
	out = chart_heat(cx, &w);
	squares = value_get(out, "squares");
	assert_int_equal(squares->count, 7 * 24);
	assert_int_equal(value_int_of(value_get(nth(squares, 9), "level"), 0), 4);
	assert_int_equal(value_int_of(value_get(nth(squares, 6 * 24 + 23), "level"), 0), 1);
	assert_int_equal(value_int_of(value_get(nth(squares, 0), "level"), 9), 0);
	assert_string_equal(value_text_of(value_get(nth(squares, 9), "hint"), ""),
			    "Monday 09:00–10:00: 1,000");
	assert_int_equal(value_get(out, "rows")->count, 2); /* the hours in which something happened */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_axis_has_round_steps_and_holds_every_value),
		cmocka_unit_test_setup_teardown(bars_are_as_tall_as_what_they_stand_for, setup, teardown),
		cmocka_unit_test_setup_teardown(one_thing_among_thousands_is_still_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(stacked_bars_stand_on_each_other_and_losses_hang_below, setup,
						teardown),
		cmocka_unit_test_setup_teardown(nothing_at_all_is_a_sentence_not_an_empty_frame, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_line_of_one_point_is_a_dot_inside_the_drawing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(huge_and_negative_amounts_stay_inside_the_drawing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(money_is_said_with_its_decimals_and_the_axis_without, setup,
						teardown),
		cmocka_unit_test_setup_teardown(more_points_than_fit_keep_the_newest, setup, teardown),
		cmocka_unit_test_setup_teardown(a_month_starts_under_its_weekday_and_links_its_days, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_busiest_hour_is_the_darkest_and_a_single_message_is_seen,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
