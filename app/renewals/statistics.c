/*
** statistics.c -- what the notices did, day by day, and what came of them (spec §12).
**
** Owns:   the figures of a range: days {local_on, found, sent, delivered, read, failed, unsure, skipped,
**         stage_7 … stage_0, success_percent}, stages and months {stage | month, found, sent, renewed,
**         percent}, sums (all days together), errors {error, n}, hours (168 numbers, Monday's first hour
**         first), kpi {answered, answer_percent, answer_minutes, renewals, renewals_last_day, without_phone}.
** Needs:  conversion.c for what was renewed; desk_kept_with(), since a large house counts for a while.
** Holds:  (1) a notice is what warns of an end: confirmations and payment reminders are no such; (2) its day
**         is the business's local date; (3) sent means that it left, whether it arrived or was read later or
**         not;
**         (4) a range that took too long is told as such, never shown in part.
*/
#include "renewals/statistics.h"
#include <string.h>

#define ERRORS_SHOWN    8   /* most frequent ones                                   */
#define STATES_MAX      10  /* of a message                                       */
#define STAGES_SEEN_MAX 130 /* stages, and reminders by hand on other days, past ends too */

int64_t percent_of(int64_t part, int64_t whole)
{
	return whole > 0 ? (part * 200 + whole) / (whole * 2) : 0;
}

struct value *row_by_int(const struct value *rows, const char *column, int64_t n)
{
	for (struct value *r = rows != NULL ? rows->first : NULL; r != NULL; r = r->next)
		if (int_in(r, column) == n) return r;
	return NULL;
}

/* Days and stages: one pass over the index of the days */

static const char days_sql[] =
	"SELECT n.local_on AS local_on, n.stage AS stage, coalesce(m.state, 'skipped') AS state, count(*) AS found"
	" FROM notice n INDEXED BY notice_day LEFT JOIN message m ON m.id = " NOTICE_MESSAGE
	" WHERE n.local_on BETWEEN :from AND :to AND n.type = 'expiration_warning' AND " SEEN_OF(
		"n.") " GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2 DESC";

/* How many of a state's notices count under which heading: what was read had arrived, and left before
** that. */
static const struct {
	const char *state, *sums[3];
} headings[] = {
	{ "sent", { "sent" } },
	{ "delivered", { "sent", "delivered" } },
	{ "read", { "sent", "delivered", "read" } },
	{ "failed", { "failed" } },
	{ "unsure", { "unsure" } },
	{ "queued", { "waiting" } },
	{ "sending", { "waiting" } },
	{ "skipped", { "skipped" } },
	{ "expired", { "skipped" } },
	{ "cancelled", { "skipped" } },
};

static const char *const sums[] = { "found",  "sent",   "delivered", "read",
				    "failed", "unsure", "waiting",   "skipped" };
#define SUMS (sizeof(sums) / sizeof(sums[0]))

static void add_to(struct cx *cx, struct value *row, const char *name, int64_t n)
{
	struct value *have = (struct value *)(uintptr_t)value_get(row, name);

	if (have != NULL && have->type == VALUE_INT)
		have->integer += n;
	else
		value_set_int(cx->arena, row, name, n);
}

/* A row of days_sql into the row of its day, stage, month or of all. */
static void add_counts(struct cx *cx, struct value *into, const struct value *row)
{
	add_to(cx, into, "found", int_in(row, "found"));
	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++) {
		if (strcmp(headings[i].state, text_in(row, "state")) != 0) continue;
		for (size_t k = 0; k < 3 && headings[i].sums[k] != NULL; k++)
			add_to(cx, into, headings[i].sums[k], int_in(row, "found"));
	}
}

/* The stages that have a column of their own. */
static const char *stage_column(int64_t stage)
{
	switch (stage) {
	case 7: return "stage_7";
	case 3: return "stage_3";
	case 1: return "stage_1";
	case 0: return "stage_0";
	default: return NULL;
	}
}

/* A row in which nothing was counted yet. */
static void set_zeros(struct cx *cx, struct value *row)
{
	static const int64_t stages[] = { 7, 3, 1, 0 };

	for (size_t i = 0; i < SUMS; i++)
		value_set_int(cx->arena, row, sums[i], 0);
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		value_set_int(cx->arena, row, stage_column(stages[i]), 0);
}

static struct value *day_row(struct cx *cx, struct value *days, const char *local_on)
{
	struct value *row = days->last;

	if (row != NULL && strcmp(text_in(row, "local_on"), local_on) == 0) return row;
	row = value_add_map(cx->arena, days);
	value_set_text(cx->arena, row, "local_on", local_on);
	set_zeros(cx, row);
	return row;
}

static struct value *stage_row(struct cx *cx, struct value *stages, int64_t stage)
{
	struct value *row = row_by_int(stages, "stage", stage);

	if (row != NULL) return row;
	row = value_add_map(cx->arena, stages);
	value_set_int(cx->arena, row, "stage", stage);
	value_set_int(cx->arena, row, "found", 0);
	value_set_int(cx->arena, row, "sent", 0);
	value_set_int(cx->arena, row, "renewed", 0);
	return row;
}

static struct value *month_row(struct cx *cx, struct value *months, const char *local_on, int64_t stage)
{
	struct value *row = months->last;

	if (row == NULL || strncmp(text_in(row, "month"), local_on, 7) != 0) {
		row = value_add_map(cx->arena, months);
		value_set_text(cx->arena, row, "month", arena_printf(cx->arena, "%.7s", local_on));
		value_set_list(cx->arena, row, "stages");
	}
	return stage_row(cx, list_in(row, "stages"), stage);
}

static enum rc fill_days(struct cx *cx, struct value *data, const char *from, const char *to)
{
	struct value *days = value_set_list(cx->arena, data, "days"),
		     *stages = value_set_list(cx->arena, data, "stages"),
		     *months = value_set_list(cx->arena, data, "months"),
		     *total = value_set_map(cx->arena, data, "sums"), *rows = NULL;
	enum rc rc = db_rows(cx, &rows, (size_t)STATS_DAYS_MAX * STAGES_SEEN_MAX * STATES_MAX, days_sql,
			     PARAMS(P_TEXT(":from", from), P_TEXT(":to", to), P_SEEN(cx)));

	set_zeros(cx, total);
	if (rc != RC_OK) return rc;
	for (const struct value *r = rows->first; r != NULL; r = r->next) {
		struct value *one = day_row(cx, days, text_in(r, "local_on"));
		int64_t stage = int_in(r, "stage");

		add_counts(cx, one, r);
		add_counts(cx, total, r);
		if (stage_column(stage) != NULL) {
			add_to(cx, one, stage_column(stage), int_in(r, "found"));
			add_to(cx, total, stage_column(stage), int_in(r, "found"));
		}
		add_counts(cx, stage_row(cx, stages, stage), r);
		add_counts(cx, month_row(cx, months, text_in(r, "local_on"), stage), r);
	}
	for (struct value *d = days->first; d != NULL; d = d->next)
		value_set_int(cx->arena, d, "success_percent",
			      percent_of(int_in(d, "sent"), int_in(d, "found")));
	value_set_int(cx->arena, total, "success_percent",
		      percent_of(int_in(total, "sent"), int_in(total, "found")));
	return RC_OK;
}

/* What went wrong most */

/* From the few messages that failed, not from the many notices. */
#define NOTICES_OF(state)                                                                                          \
	"SELECT m.error AS error FROM message m INDEXED BY message_unusual"                                        \
	" CROSS JOIN notice n INDEXED BY notice_message"                                                           \
	" ON n.message_id IN (m.id, m.replaces_id) AND m.id = " NOTICE_MESSAGE " WHERE m.state = '" state          \
	"' AND m.error <> '' AND n.local_on BETWEEN :from AND :to AND n.type = 'expiration_warning' AND " SEEN_OF( \
		"n.")

static const char errors_sql[] = "SELECT error, count(*) AS n FROM (" NOTICES_OF(
	"failed") " UNION ALL " NOTICES_OF("unsure") ") GROUP BY error ORDER BY n DESC, error LIMIT :limit";

static enum rc fill_errors(struct cx *cx, struct value *data, const char *from, const char *to)
{
	struct value *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, ERRORS_SHOWN, errors_sql,
		PARAMS(P_TEXT(":from", from), P_TEXT(":to", to), P_SEEN(cx), P_INT(":limit", ERRORS_SHOWN)));

	if (rc != RC_OK) return rc;
	/* kept as a msgid where the house itself knows the error */
	for (struct value *r = rows->first; r != NULL; r = r->next)
		value_set_text(cx->arena, r, "error", words_get(cx->lang, text_in(r, "error")));
	value_set(data, "errors", rows);
	return RC_OK;
}

/* Answers: by which notice they were called forth, and at what hours people write */

#define OWN_CONTACTS                                                                             \
	"(:all OR i.contact_id IN (SELECT k.id FROM client c JOIN contact k ON k.kind = 'phone'" \
	" AND k.address = c.phone WHERE c.owner_id = :actor))"

static const char answers_sql[] =
	"SELECT min(i.received_at) - m.sent_at AS waited FROM inbound_message i INDEXED BY inbound_message_received"
	" CROSS JOIN message m ON m.id = (SELECT x.id FROM message x INDEXED BY message_contact WHERE x.contact_id = i.contact_id"
	" AND x.sent_at <= i.received_at AND x.sent_at > i.received_at - :within AND EXISTS (SELECT 1 FROM notice n"
	" INDEXED BY notice_message WHERE n.message_id = x.id AND n.type = 'expiration_warning') ORDER BY x.id DESC LIMIT 1)"
	" WHERE i.received_at >= :from AND i.received_at < :to + :within AND m.sent_at >= :from AND m.sent_at < :to AND " OWN_CONTACTS
	" GROUP BY m.id ORDER BY waited";

static enum rc fill_answers(struct cx *cx, struct value *data, instant from, instant to)
{
	struct value *kpi = list_in(data, "kpi"), *rows = value_list(cx->arena);
	int64_t count = 0, middle = 0;
	struct query *q = NULL;
	enum rc rc;

	rc = db_query(
		cx, &q, answers_sql,
		PARAMS(P_INT(":from", from), P_INT(":to", to), P_INT(":within", ANSWER_MS), P_SEEN(cx)));
	/* In order of their size: the median is passed when half of them are. */
	while (rc == RC_OK && query_next(q)) {
		value_set_int(cx->arena, value_add_map(cx->arena, rows), "ms", query_int(q, 0));
		count++;
	}
	rc = query_end(q, rc);
	if (rc != RC_OK) return rc;
	for (const struct value *r = rows->first; r != NULL && middle < (count + 1) / 2;
	     r = r->next, middle++)
		value_set_int(cx->arena, kpi, "answer_minutes", int_in(r, "ms") / MINUTE_MS);
	value_set_int(cx->arena, kpi, "answered", count);
	value_set_int(cx->arena, kpi, "answer_percent",
		      percent_of(count, int_in(value_get(data, "sums"), "sent")));
	return RC_OK;
}

static enum rc fill_hours(struct cx *cx, struct value *data, instant from, instant to)
{
	int64_t counts[7][24] = { { 0 } };
	struct value *hours = value_set_list(cx->arena, data, "hours");
	struct query *q = NULL;
	enum rc rc =
		db_query(cx, &q,
			 "SELECT i.received_at FROM inbound_message i INDEXED BY inbound_message_received"
			 " WHERE i.received_at >= :from AND i.received_at < :to AND " OWN_CONTACTS,
			 PARAMS(P_INT(":from", from), P_INT(":to", to), P_SEEN(cx)));

	while (rc == RC_OK && query_next(q)) {
		struct civil c = zone_civil(cx->env->zone, query_int(q, 0));

		counts[(day_weekday(c.day) + 6) % 7][c.hour]++;
	}
	rc = query_end(q, rc);
	for (int i = 0; rc == RC_OK && i < 7 * 24; i++)
		value_set_int(cx->arena, value_add_map(cx->arena, hours), "n", counts[i / 24][i % 24]);
	return rc;
}

static enum rc fill_without_phone(struct cx *cx, struct value *data)
{
	int64_t n = 0;
	enum rc rc = db_get_int(
		cx, &n,
		"SELECT count(*) FROM client INDEXED BY client_unreachable WHERE archived_at IS NULL AND is_active = 1"
		" AND (phone IS NULL OR phone_kind = 'landline') AND " NOT_PENDING
		" AND (:all OR owner_id = :actor)",
		PARAMS(P_SEEN(cx)));

	if (rc == RC_OK) value_set_int(cx->arena, list_in(data, "kpi"), "without_phone", n);
	return rc;
}

struct range {
	day from, to;
};

static void fill_range(struct cx *cx, struct value *data, const void *arg)
{
	const struct range *range = arg;
	instant since = zone_midnight(cx->env->zone, range->from),
		until = zone_midnight(cx->env->zone, range->to + 1);
	char from[DATE_SIZE], to[DATE_SIZE];
	enum rc rc;

	day_text(from, range->from);
	day_text(to, range->to);
	value_set_map(cx->arena, data, "kpi");
	rc = fill_days(cx, data, from, to);
	if (rc == RC_OK) rc = fill_errors(cx, data, from, to);
	if (rc == RC_OK) rc = fill_answers(cx, data, since, until);
	if (rc == RC_OK) rc = fill_hours(cx, data, since, until);
	if (rc == RC_OK) rc = conversion_fill(cx, data, range->from, range->to);
	if (rc == RC_OK) rc = fill_without_phone(cx, data);
	value_set_bool(cx->arena, data, "is_whole", rc == RC_OK);
}

enum rc statistics_read(struct cx *cx, struct value **out, day from, day to)
{
	struct range range = { .from = from, .to = to };
	struct value *data = value_map(cx->arena);

	if (to < from || to - from >= STATS_DAYS_MAX)
		return cx_fail(cx, RC_BAD_INPUT, _("Choose a range of at most %d days, the first one first."),
			       STATS_DAYS_MAX);
	desk_kept_with(cx, data, arena_printf(cx->arena, "renewals_statistics %d %d", (int)from, (int)to),
		       fill_range, &range);
	if (!value_bool_of(value_get(data, "is_whole"), false))
		return cx_fail(cx, RC_TRY_LATER,
			       _("Counting so many notices takes too long. Choose fewer days."));
	*out = data;
	return RC_OK;
}

enum rc stats_days(struct cx *cx, struct value **out, day from, day to)
{
	struct value *data = NULL;
	enum rc rc = statistics_read(cx, &data, from, to);

	if (rc == RC_OK) *out = list_in(data, "days");
	return rc;
}
