/*
** conversion.c -- how many notices were followed by a renewal (spec §12: conversion per stage, renewals on
** the expiry day).
**
** Needs:  data with the notices counted by stage, and by month and stage (statistics.c).
** Holds:  (1) read from the renewals, of which there are far fewer than notices; (2) a notice counts once,
**         however often its subscription was renewed; (3) an undone renewal counts for nothing.
*/
#include "renewals/statistics.h"
#include <string.h>

static const char renewed_sql[] =
	"SELECT substr(n.local_on, 1, 7) AS month, n.stage AS stage, count(DISTINCT n.id) AS renewed"
	" FROM subscription_period p INDEXED BY subscription_period_renewed"
	" CROSS JOIN notice n INDEXED BY notice_subscription ON n.subscription_id = p.subscription_id"
	" JOIN message m ON m.id = " NOTICE_MESSAGE
	" WHERE p.created_at >= :since AND p.created_at < :until + :within AND p.previous_json <> '' AND p.undone_at IS NULL"
	" AND n.created_at BETWEEN p.created_at - :within AND p.created_at AND n.local_on BETWEEN :from AND :to"
	" AND n.type = 'expiration_warning' AND " HAS_LEFT " AND " SEEN_OF("n.") " GROUP BY 1, 2";

static struct value *month_of(const struct value *months, const char *month)
{
	for (struct value *m = months->first; m != NULL; m = m->next)
		if (strcmp(text_in(m, "month"), month) == 0) return m;
	return NULL;
}

static void add_renewed(struct cx *cx, struct value *row, int64_t n)
{
	if (row != NULL) value_set_int(cx->arena, row, "renewed", int_in(row, "renewed") + n);
}

static void set_percents(struct cx *cx, const struct value *stages)
{
	for (struct value *s = stages->first; s != NULL; s = s->next)
		value_set_int(cx->arena, s, "percent", percent_of(int_in(s, "renewed"), int_in(s, "sent")));
}

/* Was it renewed on its last day? Then the new period begins that day, and so did the old one end. */
static const char renewals_sql[] =
	"SELECT p.created_at, p.starts_on, instr(p.previous_json, '\"ends_on\":\"' || p.starts_on || '\"') > 0"
	" FROM subscription_period p INDEXED BY subscription_period_renewed WHERE p.created_at >= :since"
	" AND p.created_at < :until AND p.previous_json <> '' AND p.undone_at IS NULL"
	" AND (:all OR p.subscription_id IN (SELECT id FROM subscription WHERE client_id IN " OWN_CLIENTS
	"))";

static enum rc count_renewals(struct cx *cx, struct value *kpi, instant since, instant until)
{
	int64_t count = 0, last_day = 0;
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q, renewals_sql,
			      PARAMS(P_INT(":since", since), P_INT(":until", until), P_SEEN(cx)));

	while (rc == RC_OK && query_next(q)) {
		char local[DATE_SIZE];

		count++;
		day_text(local, zone_day(cx->env->zone, query_int(q, 0)));
		if (query_int(q, 2) != 0 && strcmp(local, query_text(q, 1)) == 0) last_day++;
	}
	rc = query_end(q, rc);
	value_set_int(cx->arena, kpi, "renewals", count);
	value_set_int(cx->arena, kpi, "renewals_last_day", last_day);
	return rc;
}

enum rc conversion_fill(struct cx *cx, struct value *data, day from, day to)
{
	instant since = zone_midnight(cx->env->zone, from), until = zone_midnight(cx->env->zone, to + 1);
	const struct value *stages = value_get(data, "stages"), *months = value_get(data, "months");
	char first[DATE_SIZE], last[DATE_SIZE];
	struct value *rows = NULL;
	enum rc rc;

	day_text(first, from);
	day_text(last, to);
	rc = db_rows(cx, &rows, 1000, renewed_sql,
		     PARAMS(P_INT(":since", since), P_INT(":until", until), P_INT(":within", CONVERT_MS),
			    P_TEXT(":from", first), P_TEXT(":to", last), P_SEEN(cx)));
	if (rc != RC_OK) return rc;
	for (const struct value *r = rows->first; r != NULL; r = r->next) {
		const struct value *month = month_of(months, text_in(r, "month"));

		add_renewed(cx, row_by_int(stages, "stage", int_in(r, "stage")), int_in(r, "renewed"));
		add_renewed(cx, row_by_int(value_get(month, "stages"), "stage", int_in(r, "stage")),
			    int_in(r, "renewed"));
	}
	set_percents(cx, stages);
	for (const struct value *m = months->first; m != NULL; m = m->next)
		set_percents(cx, value_get(m, "stages"));
	return count_renewals(cx, list_in(data, "kpi"), since, until);
}
