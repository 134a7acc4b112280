/*
** chart.h -- pictures of figures, for people who would rather look than read.
**
** C computes coordinates into a value map; the templates web/chart_bars, chart_line, chart_calendar and
** chart_heat draw it as SVG and put the same figures behind it as a table: `{{#name}}{{> web/chart_bars}}
** {{/name}}`. Colours are classes (recado.css, “pictures”), so the strict CSP stands and dark mode and
** print work.
**
** Units: the drawing's own, CHART_WIDTH wide; the page scales it. Texts are lent for the life of cx->arena
** and escaped by the template.
*/
#ifndef RECADO_WEB_CHART_H
#define RECADO_WEB_CHART_H

#include "base/cx.h"
#include "base/value.h"

#define CHART_SERIES_MAX 4   /* more colours than this nobody tells apart                       */
#define CHART_POINTS_MAX 400 /* a year and a bit of days; the rest is cut, newest kept          */
#define CHART_WIDTH      480
#define CHART_HEIGHT     220
/* Amounts beyond are drawn as this and said in full: far past any business, far from overflowing. */
#define CHART_VALUE_MAX INT64_C(200000000000000000)

/* An axis with round steps: from ≤ lo, hi ≤ to, both multiples of step, 0 on it; step is 1, 2 or 5 times a
** power of ten, and there are at most `steps` of them (≥ 2). All zero: 0…1. */
struct chart_scale {
	int64_t from, to, step;
};
struct chart_scale chart_scale_of(int64_t lo, int64_t hi, int steps);

struct chart_series {
	const char *title;     /* of the legend and the table's column                                */
	const int64_t *values; /* one a point                                                         */
	int color;             /* 1…CHART_SERIES_MAX: class chart-N; 0 = its place; 4 warns            */
};

struct chart {
	const char *id;     /* unique in the page, letters and hyphens                            */
	const char *title;  /* what it shows: heading for readers of screens, caption of the table   */
	const char *text;   /* one sentence more, "" if none                                    */
	const char *column; /* heading of the table's first column: "Month"                      */
	const char *empty;  /* sentence in place of the picture when every value is 0; NULL = draw it  */
	size_t points, series;
	const char *const *labels; /* one a point, in full                                       */
	const char *const *shorts; /* under the axis; NULL = labels                              */
	const char *const *hrefs;  /* list behind a point, linked in the table; NULL = none      */
	struct chart_series of[CHART_SERIES_MAX];
	const char *currency; /* values are amounts in its smallest unit; NULL = counts           */
	bool is_grouped;      /* bars beside each other instead of upon each other                  */
};
struct value *chart_bars(struct cx *cx, const struct chart *c); /* web/chart_bars */
struct value *chart_line(struct cx *cx, const struct chart *c); /* web/chart_line */

/* A month as a calendar sheet with a number in each day, weeks from Monday. */
struct chart_month {
	const char *id, *title, *text;
	const char *column;       /* heading of the numbers in the table: "Ends"                */
	day first;                /* any day of the month                                   */
	day today;                /* marked                                                  */
	const int64_t *counts;    /* [0] = the 1st … 31 of them                              */
	const char *const *hrefs; /* 31 lists behind the days, NULL where none; NULL = no links */
};
struct value *chart_calendar(struct cx *cx, const struct chart_month *m); /* web/chart_calendar */

/* Weekday × hour: the more, the darker. */
struct chart_week {
	const char *id, *title, *text, *empty;
	int64_t counts[7][24]; /* [0] = Monday */
};
struct value *chart_heat(struct cx *cx, const struct chart_week *w); /* web/chart_heat */

/* "Monday", "Mon"; 0 = Monday. "November", 1 = January. "November 2026" as the language says it. */
const char *chart_weekday(enum lang lang, int weekday);
const char *chart_weekday_short(enum lang lang, int weekday);
const char *chart_month_title(struct cx *cx, day any);
/* A number for people, thousands grouped as the language does. In cx's arena. */
const char *chart_count(struct cx *cx, int64_t n);

#endif
