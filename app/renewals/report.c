/*
** report.c -- what a run did: as a map, and as the text of spec §8.
**
** Holds: no names and no numbers of customers in any of them; found and skipped are what the plan
** counted, sent and failed are counted from the messages at the moment of asking.
*/
#include "renewals/renewals.h"
#include <string.h>

struct stage_counts {
	int64_t days, found, skipped, sent, failed, queued, unsure;
};

static enum rc count_messages(struct cx *cx, struct stage_counts *rows, size_t count, int64_t batch_id)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT n.stage, m.state, count(*) FROM notice n JOIN message m ON m.id = n.message_id"
		" WHERE n.batch_id = :batch AND n.origin <> 'catchup' GROUP BY n.stage, m.state",
		PARAMS(P_INT(":batch", batch_id)));

	while (rc == RC_OK && query_next(q)) {
		const char *state = query_text(q, 1);
		int64_t n = query_int(q, 2);

		for (size_t i = 0; i < count; i++) {
			if (rows[i].days != query_int(q, 0)) continue;
			if (strcmp(state, "sent") == 0 || strcmp(state, "delivered") == 0 ||
			    strcmp(state, "read") == 0)
				rows[i].sent += n;
			else if (strcmp(state, "queued") == 0 || strcmp(state, "sending") == 0)
				rows[i].queued += n;
			else if (strcmp(state, "unsure") == 0)
				rows[i].unsure += n;
			else if (strcmp(state, "failed") == 0)
				rows[i].failed += n;
			else /* skipped, expired or cancelled after queueing */
				rows[i].skipped += n;
		}
	}
	return query_end(q, rc);
}

/* A count's line, only when it is not 0. A macro, so that the compiler sees the translated format. */
#define WRITE_COUNT(sb, lang, msgid, n)                                              \
	do {                                                                         \
		if ((n) != 0) {                                                      \
			sb_lit((sb), "   - ");                                       \
			sb_printf((sb), words_get((lang), (msgid)), (long long)(n)); \
			sb_char((sb), '\n');                                         \
		}                                                                    \
	} while (0)

/* The three lines of a stage (spec §8), more only for what is not 0. */
static void stage_text(struct sb *sb, const struct stage_counts *s, enum lang lang)
{
	if (s->days == 0)
		sb_text(sb, words_get(lang, N_("🚨 Looking for subscriptions that end TODAY...")));
	else
		sb_printf(sb,
			  words_plural(lang, s->days,
				       N_("✅ Looking for subscriptions that end in %lld day..."),
				       N_("✅ Looking for subscriptions that end in %lld days...")),
			  (long long)s->days);
	sb_lit(sb, "\n   - ");
	sb_printf(
		sb,
		words_plural(lang, s->found, N_("Found: %lld subscription"), N_("Found: %lld subscriptions")),
		(long long)s->found);
	sb_lit(sb, "\n   - ");
	if (s->days == 0)
		sb_printf(sb, words_get(lang, N_("Sent: %lld URGENT WhatsApp")), (long long)s->sent);
	else
		sb_printf(sb, words_get(lang, N_("Sent: %lld WhatsApp")), (long long)s->sent);
	sb_char(sb, '\n');
	WRITE_COUNT(sb, lang, N_("Queued: %lld"), s->queued);
	WRITE_COUNT(sb, lang, N_("Skipped: %lld"), s->skipped);
	WRITE_COUNT(sb, lang, N_("Failed: %lld"), s->failed);
	WRITE_COUNT(sb, lang, N_("Unsure: %lld"), s->unsure);
}

static void stage_value(struct cx *cx, struct value *list, const struct stage_counts *s, enum lang lang)
{
	struct value *row = value_add_map(cx->arena, list);
	struct sb text;

	sb_init_arena(&text, cx->arena, 4096);
	stage_text(&text, s, lang);
	value_set_int(cx->arena, row, "days", s->days);
	value_set_bool(cx->arena, row, "success", s->failed == 0 && s->unsure == 0);
	value_set_int(cx->arena, row, "found", s->found);
	value_set_int(cx->arena, row, "sent", s->sent);
	value_set_int(cx->arena, row, "failed", s->failed);
	value_set_int(cx->arena, row, "skipped", s->skipped);
	value_set_int(cx->arena, row, "queued", s->queued);
	value_set_int(cx->arena, row, "unsure", s->unsure);
	value_set_text(cx->arena, row, "output", sb_text_of(&text));
	value_set_text(
		cx->arena, row, "error",
		s->failed + s->unsure == 0 ? "" : words_get(lang, N_("Some notices failed; see the panel.")));
}

enum rc report_of_batch(struct cx *cx, struct value **out, int64_t batch_id, enum lang lang)
{
	struct value *batch = NULL, *facts = NULL, *root = value_map(cx->arena), *results;
	const struct value *stages;
	struct stage_counts rows[STAGES_MAX] = { 0 };
	const char *json;
	int64_t total = 0, bad = 0;
	size_t count = 0;
	enum rc rc = db_row(cx, &batch, "SELECT public_id, local_on, facts_json FROM batch WHERE id = :id",
			    PARAMS(P_INT(":id", batch_id)));

	if (rc != RC_OK) return rc;
	json = value_text_of(value_get(batch, "facts_json"), "{}");
	rc = json_parse(cx->arena, &facts, NULL, json, strlen(json));
	if (rc != RC_OK) return rc;
	stages = value_get(facts, "stages");
	for (const struct value *s = stages != NULL ? stages->first : NULL; s != NULL && count < STAGES_MAX;
	     s = s->next)
		rows[count++] = (struct stage_counts){ .days = value_int_of(value_get(s, "days"), 0),
						       .found = value_int_of(value_get(s, "found"), 0),
						       .skipped = value_int_of(value_get(s, "skipped"), 0) };
	rc = count_messages(cx, rows, count, batch_id);
	if (rc != RC_OK) return rc;
	results = value_list(cx->arena);
	for (size_t i = count; i-- > 0;) { /* shown 7, 3, 1, 0 although sent 0, 1, 3, 7 */
		stage_value(cx, results, &rows[i], lang);
		total += rows[i].sent;
		bad += rows[i].failed + rows[i].unsure;
	}
	value_set_bool(cx->arena, root, "success", bad == 0);
	value_set_text(cx->arena, root, "run_id", value_text_of(value_get(batch, "public_id"), ""));
	value_set_text(cx->arena, root, "local_date", value_text_of(value_get(batch, "local_on"), ""));
	value_set(root, "results", results);
	value_set_int(cx->arena, root, "caught_up", value_int_of(value_get(facts, "caught_up"), 0));
	value_set_int(cx->arena, root, "total_sent", total);
	*out = root;
	return RC_OK;
}

void report_text(struct sb *sb, const struct value *report, enum lang lang)
{
	const struct value *results = value_get(report, "results");
	int64_t total = value_int_of(value_get(report, "total_sent"), 0);
	int64_t caught_up = value_int_of(value_get(report, "caught_up"), 0);

	for (const struct value *r = results != NULL ? results->first : NULL; r != NULL; r = r->next) {
		sb_text(sb, value_text_of(value_get(r, "output"), ""));
		if (value_int_of(value_get(r, "days"), 0) != 0) sb_char(sb, '\n');
	}
	if (caught_up > 0) {
		sb_printf(sb,
			  words_plural(lang, caught_up, N_("📅 Made up for missed days: %lld notice"),
				       N_("📅 Made up for missed days: %lld notices")),
			  (long long)caught_up);
		sb_char(sb, '\n');
	}
	sb_printf(sb,
		  words_plural(lang, total, N_("📊 Total: %lld notification sent"),
			       N_("📊 Total: %lld notifications sent")),
		  (long long)total);
	sb_char(sb, '\n');
}
