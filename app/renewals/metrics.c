/*
** metrics.c -- the module's lines in /metrics (spec §17).
**
** Never:  a name, a number or an address in a label.
** Holds:  what has to read whole tables is counted rarely where that takes long (desk_kept): a scrape every
**         few seconds costs nothing.
*/
#include "renewals/statistics.h"
#include <string.h>

#define KEPT_SIZE (32 * 1024) /* stages × states × one line */

static void line(struct sb *out, const char *name, int64_t n)
{
	sb_printf(out, "%s %lld\n", name, (long long)n);
}

static void family(struct sb *out, const char *name, const char *kind, const char *help)
{
	sb_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

/* Rows of (label value, count) as NAME{LABEL="value"} n. */
static void counted(struct cx *cx, struct sb *out, const char *name, const char *label, const char *help,
		    const char *sql)
{
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q, sql, NO_PARAMS);

	family(out, name, "gauge", help);
	while (rc == RC_OK && query_next(q))
		sb_printf(out, "%s{%s=\"%s\"} %lld\n", name, label, query_text(q, 0),
			  (long long)query_int(q, 1));
	(void)!query_end(q, rc);
}

static void notices_total(struct cx *cx, struct sb *out)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT coalesce(n.stage, -1), coalesce(m.state, 'left_out'), count(*) FROM notice n"
		" LEFT JOIN message m ON m.id = n.message_id WHERE n.type = 'expiration_warning' AND n.origin <> 'manual' GROUP BY 1, 2 LIMIT 500",
		NO_PARAMS);

	/* of that name in spec §17; what changes its state moves from one to another */
	family(out, "renewals_notices_total", "counter",
	       "Notices of subscriptions that end, by stage and state.");
	while (rc == RC_OK && query_next(q))
		sb_printf(out, "renewals_notices_total{stage=\"%lld\",status=\"%s\"} %lld\n",
			  (long long)query_int(q, 0), query_text(q, 1), (long long)query_int(q, 2));
	(void)!query_end(q, rc);
}

/* Whole tables, if only through an index. */
static void fill_totals(struct cx *cx, struct value *out)
{
	int64_t inbound = 0;
	struct sb text;

	sb_init_arena(&text, cx->arena, KEPT_SIZE);
	notices_total(cx, &text);
	counted(cx, &text, "renewals_subscriptions", "state", "Subscriptions, by state.",
		"SELECT state, count(*) FROM subscription INDEXED BY subscription_due WHERE state IN ('active', 'expired', 'cancelled')"
		" AND archived_at IS NULL AND " NOT_PENDING " GROUP BY state");
	if (db_get_int(cx, &inbound, "SELECT count(*) FROM inbound_message", NO_PARAMS) == RC_OK) {
		family(&text, "renewals_inbound_total", "counter", "Messages of customers that came in.");
		line(&text, "renewals_inbound_total", inbound);
	}
	/* a gauge: what was given back since is not in it */
	counted(cx, &text, "renewals_revenue", "currency", "Money that came in and stayed, smallest unit.",
		"SELECT currency, sum(amount_cents) FROM payment INDEXED BY payment_sums WHERE paid_at IS NOT NULL"
		" AND state = 'completed' AND archived_at IS NULL GROUP BY currency");
	value_set_text(cx->arena, out, "text", sb_text_of(&text));
}

static void due(struct cx *cx, struct sb *out)
{
	int64_t stages[STAGES_MAX];
	size_t count = plan_stages_default(cx, stages);

	family(out, "renewals_due", "gauge", "Active subscriptions that end in so many days.");
	for (size_t i = 0; i < count; i++) {
		char date[DATE_SIZE];
		int64_t n = 0;

		day_text(date, cx_today(cx) + (day)stages[i]);
		if (db_get_int(
			    cx, &n,
			    "SELECT count(*) FROM subscription INDEXED BY subscription_due WHERE state = 'active' AND ends_on = :date"
			    " AND archived_at IS NULL AND " NOT_PENDING,
			    PARAMS(P_TEXT(":date", date))) == RC_OK)
			sb_printf(out, "renewals_due{stage=\"%lld\"} %lld\n", (long long)stages[i],
				  (long long)n);
	}
}

static void last_run(struct cx *cx, struct sb *out)
{
	struct value *row = NULL;

	if (db_row(cx, &row,
		   "SELECT r.started_at, r.finished_at FROM job j JOIN job_run r ON r.job_id = j.id WHERE j.kind = 'renewals.plan'"
		   " AND j.state = 'done' AND r.finished_at IS NOT NULL ORDER BY j.id DESC, r.id DESC LIMIT 1",
		   NO_PARAMS) != RC_OK)
		return;
	family(out, "renewals_run_seconds", "gauge", "How long the last planning took.");
	sb_printf(out, "renewals_run_seconds %.3f\n",
		  (double)(value_int_of(value_get(row, "finished_at"), 0) -
			   value_int_of(value_get(row, "started_at"), 0)) /
			  1000.0);
	family(out, "renewals_last_success", "gauge", "When planning last succeeded, seconds since 1970.");
	line(out, "renewals_last_success", value_int_of(value_get(row, "finished_at"), 0) / SECOND_MS);
}

static void gateway(struct cx *cx, struct sb *out)
{
	struct value *channel = NULL;
	const struct value *left;

	if (channel_show(cx, &channel, "whatsapp") != RC_OK) return;
	family(out, "renewals_gateway_up", "gauge", "1 while messages may leave.");
	line(out, "renewals_gateway_up",
	     strcmp(value_text_of(value_get(channel, "state"), ""), "stopped") != 0);
	left = value_get(channel, "messages_left");
	if (left == NULL || left->type != VALUE_INT) return;
	family(out, "renewals_gateway_messages_left", "gauge", "Messages of the plan that are left today.");
	line(out, "renewals_gateway_messages_left", left->integer);
}

void renewals_metrics(struct cx *cx, struct sb *out)
{
	struct value *totals = value_map(cx->arena);

	desk_kept(cx, totals, "renewals_metrics", fill_totals);
	sb_text(out, text_in(totals, "text"));
	due(cx, out);
	last_run(cx, out);
	gateway(cx, out);
}
