/*
** panel.h -- the owner's figures, shared by the home page's cards and the page /panel.
*/
#ifndef RECADO_RENEWALS_PANEL_H
#define RECADO_RENEWALS_PANEL_H

#include "renewals/statistics.h"

#define SOON_DAYS 7  /* "por vencer": today to today + 7, both included (spec §13) */
#define RATE_DAYS 30 /* of the renewal rate                                          */

/* panel.c: numbers put at the end of card's `figures` (title, value, href, mark), made when missing; counts
** and sums also under their own name, for programs. href: the list of exactly these rows, or NULL. */
void figure_text(struct cx *cx, struct value *card, const char *title, const char *text, const char *href,
		 const char *mark);
void figure_count(struct cx *cx, struct value *card, const char *name, const char *title, int64_t n,
		  const char *href, const char *mark);
/* Rows of {currency, COLUMN}: side by side, never added; under name the sum in the house's currency. */
void figure_sum(struct cx *cx, struct value *card, const char *name, const char *title,
		const struct value *rows, const char *column, const char *href);

/* The figures of spec §13, as the actor sees them. */
void panel_business(struct cx *cx, struct value *card);
void panel_month(struct cx *cx, struct value *card);
void panel_attention(struct cx *cx, struct value *card);
/* Today's notices: rows {stage, stage_shown, stage_href, counts_shown, found, sent…} and their sums. */
void panel_notices(struct cx *cx, struct value *card);

/* "3 days before"; "stage=3&" for the address of the list, "" when its filter has no such choice. */
const char *stage_title(struct cx *cx, int64_t stage);
const char *stage_filter(struct cx *cx, int64_t stage);
/* First instant of this month. */
instant month_began(struct cx *cx);

/* panel_rows.c: tables {name, title, href, total, rows, has_rows, none} at the end of page's `tables`. */
void panel_tables(struct cx *cx, struct value *page);
void panel_upcoming(struct cx *cx, struct value *card);
void panel_latest(struct cx *cx, struct value *card);

/* page_months.c: the last twelve months, oldest first: {month, month_shown, month_short, from, to,
** new_subscriptions, renewals, received [{currency, received_cents}]}; and the currencies that occur. */
void year_fill(struct cx *cx, struct value *out);
/* chart_sold (line of new subscriptions and renewals) and charts_money (bars, one picture a currency). */
void year_charts(struct cx *cx, struct value *page, const struct value *year);

/* panel_page.c */
enum rc handle_panel(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_dashboard(struct cx *cx, struct call *call) MUST_CHECK;

#endif
