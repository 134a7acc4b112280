/*
** figures.c -- the numbers of a send: sums by domain, totals, rates.
**
** Owns:   the table bulk_figure.
** Needs:  bulk_result as match.c left it; bulk_counts.c for what our own ledger knows.
** Never:  asks a provider; shows a zero for what nobody knows.
** Holds:  (1) rates are of what was accepted for delivery ("sent" of our own ledger), in basis points; (2)
**         what a road does not tell (opens over SMTP) is null: who complains or leaves Doppler Relay's
**         reports never say, SendGrid's events do, and our own page of leaving does where mails could carry
**         its link.
*/
#include "sends/figures.h"
#include "base/text.h"
#include "sends/bulk.h"
#include <string.h>

#define WHOLE_BP INT64_C(10000)

/* Counting */

static enum rc count_largest(struct cx *cx, int64_t bulk_id)
{
	return db_run(
		cx,
		"INSERT INTO bulk_figure (bulk_id, domain, found, sent, bounced, hard, soft, dropped, waiting, opens, openers,"
		" clicks, clickers) SELECT :id, domain, count(*), sum(delivery_status = 'Sent'),"
		" sum(delivery_status = 'Rejected' OR delivery_status = 'Invalid'), sum(bounce_type = 'hard'),"
		" sum(bounce_type = 'soft'), sum(delivery_status = 'Dropped'),"
		" sum(delivery_status = 'Queued' OR delivery_status = 'Retrying'), sum(opens), sum(opens > 0), sum(clicks),"
		" sum(clicks > 0) FROM bulk_result WHERE bulk_id = :id AND domain <> '' GROUP BY domain"
		" ORDER BY count(*) DESC, domain LIMIT :max",
		PARAMS(P_INT(":id", bulk_id), P_INT(":max", FIGURE_DOMAINS_MAX)));
}

static enum rc count_rest(struct cx *cx, int64_t bulk_id)
{
	return db_run(
		cx,
		"INSERT INTO bulk_figure (bulk_id, domain, found, sent, bounced, hard, soft, dropped, waiting, opens, openers,"
		" clicks, clickers) SELECT :id, '', count(*), sum(delivery_status = 'Sent'),"
		" sum(delivery_status = 'Rejected' OR delivery_status = 'Invalid'), sum(bounce_type = 'hard'),"
		" sum(bounce_type = 'soft'), sum(delivery_status = 'Dropped'),"
		" sum(delivery_status = 'Queued' OR delivery_status = 'Retrying'), sum(opens), sum(opens > 0), sum(clicks),"
		" sum(clicks > 0) FROM bulk_result r WHERE r.bulk_id = :id AND NOT EXISTS (SELECT 1 FROM bulk_figure f"
		" WHERE f.bulk_id = :id AND f.domain = r.domain) HAVING count(*) > 0",
		PARAMS(P_INT(":id", bulk_id)));
}

enum rc figures_count(struct cx *cx, int64_t bulk_id)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_run(cx, "DELETE FROM bulk_figure WHERE bulk_id = :id", PARAMS(P_INT(":id", bulk_id)));
	if (rc == RC_OK) rc = count_largest(cx, bulk_id);
	if (rc == RC_OK) rc = count_rest(cx, bulk_id);
	return tx_end(cx, rc);
}

/* Reading */

#define FIGURE_SEND                                                                                                  \
	"SELECT s.id AS bulk_id, s.public_id AS id, s.template_name, s.template_id, s.subject, s.channel, s.status," \
	" s.sent_started_at, s.sent_finished_at, s.post_reports_status, s.post_reports_loaded_at"
#define FIGURE_SUMS                                                                                                    \
	" coalesce(sum(f.found), 0) AS found, coalesce(sum(f.sent), 0) AS delivered,"                                  \
	" coalesce(sum(f.bounced), 0) AS bounced, coalesce(sum(f.hard), 0) AS hard, coalesce(sum(f.soft), 0) AS soft," \
	" coalesce(sum(f.dropped), 0) AS dropped, coalesce(sum(f.waiting), 0) AS waiting,"                             \
	" coalesce(sum(f.opens), 0) AS opens, coalesce(sum(f.openers), 0) AS openers,"                                 \
	" coalesce(sum(f.clicks), 0) AS clicks, coalesce(sum(f.clickers), 0) AS clickers"

static int64_t number(const struct value *map, const char *key)
{
	return value_int_of(value_get(map, key), 0);
}

static void set_rate(struct cx *cx, struct value *send, const char *key, int64_t part, int64_t whole,
		     bool is_known)
{
	if (is_known && whole > 0)
		value_set_int(cx->arena, send, key, (part * WHOLE_BP + whole / 2) / whole);
	else
		value_set_null(cx->arena, send, key);
}

/* Our own ledger tells what left and, over the roads without reports, what came back. */
static void set_totals(struct cx *cx, struct value *send, const struct value *counts)
{
	bool has_report = number(send, "found") > 0;
	int64_t sent, late, sure;

	late = number(counts, "failed_late");
	sure = number(counts, "delivered") + number(counts, "read");
	sent = number(counts, "sent") + sure + late;
	value_set_bool(cx->arena, send, "has_report", has_report);
	value_set_int(cx->arena, send, "sent", sent);
	value_set_int(cx->arena, send, "rejected", number(counts, "failed") - late);
	value_set_int(cx->arena, send, "unsure", number(counts, "unsure"));
	if (!has_report) {
		static const char *const untold[] = { "found",   "delivered", "bounced", "hard",
						      "soft",    "dropped",   "waiting", "opens",
						      "openers", "clicks",    "clickers" };

		for (size_t i = 0; i < sizeof(untold) / sizeof(untold[0]); i++)
			value_set_null(cx->arena, send, untold[i]);
	}
	if (!has_report && sure + late > 0) {
		value_set_int(cx->arena, send, "delivered", sure);
		value_set_int(cx->arena, send, "bounced", late);
	}
	set_rate(cx, send, "delivery_bp", number(send, "delivered"), sent, has_report || sure + late > 0);
	set_rate(cx, send, "bounce_bp", number(send, "bounced"), sent, has_report || sure + late > 0);
	set_rate(cx, send, "open_bp", number(send, "openers"), sent, has_report);
	set_rate(cx, send, "click_bp", number(send, "clickers"), sent, has_report);
}

static void set_left(struct cx *cx, struct value *send, const char *key, int64_t n, bool is_told)
{
	if (n > 0 || is_told)
		value_set_int(cx->arena, send, key, n);
	else
		value_set_null(cx->arena, send, key);
}

/* SendGrid's events tell it as soon as any of them comes; our own link needs an address it leads to. */
static enum rc set_who_left(struct cx *cx, struct value *send)
{
	const char *channel = value_text_of(value_get(send, "channel"), "");
	bool has_link = strcmp(channel, "doppler") != 0 &&
			setting_text(cx->env->settings, "web.public_url")[0] != '\0',
	     has_events = strcmp(channel, "sendgrid") == 0 && value_get(send, "delivered")->type == VALUE_INT;
	struct figures_left left;
	int64_t batch = 0;
	enum rc rc = db_get_int(cx, &batch, "SELECT batch_id FROM bulk_send WHERE id = :id",
				PARAMS(P_INT(":id", number(send, "bulk_id"))));

	if (rc == RC_OK)
		rc = figures_left(cx, &left, batch, number(send, "sent_started_at"),
				  number(send, "sent_finished_at"));
	if (rc != RC_OK) return rc;
	set_left(cx, send, "spam", left.spam, has_events);
	set_left(cx, send, "unsubscribed", left.unsubscribed, has_events || has_link);
	return RC_OK;
}

/* As they were counted last: by the send's own job, by the hourly look at what came back (after_send.c). */
static const struct value *kept_counts(struct cx *cx, const struct value *send)
{
	const char *text = value_text_of(value_get(send, "counts"), "{}");
	struct value *counts = NULL;

	return json_parse(cx->arena, &counts, NULL, text, strlen(text)) == RC_OK ? counts
										 : value_map(cx->arena);
}

enum rc figures_read(struct cx *cx, struct value **out, int64_t bulk_id, int64_t domains)
{
	struct value *send = NULL, *list = NULL, *counts = NULL;
	enum rc rc = db_row(cx, &send,
			    FIGURE_SEND "," FIGURE_SUMS
					" FROM bulk_send s LEFT JOIN bulk_figure f ON f.bulk_id = s.id"
					" WHERE s.id = :id GROUP BY s.id",
			    PARAMS(P_INT(":id", bulk_id)));

	if (rc == RC_OK)
		rc = db_rows(
			cx, &list, FIGURE_DOMAINS_MAX + 1,
			"SELECT domain, found, sent, bounced, opens, openers, clicks, clickers FROM bulk_figure"
			" WHERE bulk_id = :id ORDER BY opens DESC, found DESC, domain LIMIT :max",
			PARAMS(P_INT(":id", bulk_id), P_INT(":max", domains)));
	if (rc == RC_OK) rc = bulk_counts(cx, &counts, bulk_id, false);
	if (rc != RC_OK) return rc;
	set_totals(cx, send, counts);
	rc = set_who_left(cx, send);
	value_set(send, "domains", list);
	*out = send;
	return rc;
}

enum rc figures_failures(struct cx *cx, struct value **out, int64_t bulk_id, int64_t max)
{
	return db_rows(
		cx, out, (size_t)max,
		"SELECT state_why AS code, count(*) AS count FROM message WHERE batch_id ="
		" (SELECT batch_id FROM bulk_send WHERE id = :id) AND state = 'failed' AND state_why <> 'replaced'"
		" GROUP BY state_why ORDER BY count(*) DESC, state_why LIMIT :max",
		PARAMS(P_INT(":id", bulk_id), P_INT(":max", max)));
}

enum rc figures_compare(struct cx *cx, struct value **out, const char *text, int64_t max)
{
	struct value *list = NULL;
	enum rc rc = db_rows(
		cx, &list, (size_t)max,
		FIGURE_SEND
		", s.result_json AS counts," FIGURE_SUMS
		" FROM (SELECT * FROM bulk_send WHERE sent_finished_at IS NOT NULL AND archived_at IS NULL"
		" AND (:text = '' OR search LIKE :like ESCAPE '\\') ORDER BY sent_finished_at DESC, id DESC"
		" LIMIT :max) s LEFT JOIN bulk_figure f ON f.bulk_id = s.id GROUP BY s.id"
		" ORDER BY s.sent_finished_at DESC, s.id DESC",
		PARAMS(P_TEXT(":text", text), P_TEXT(":like", text_like(cx->arena, text)),
		       P_INT(":max", max)));

	if (rc != RC_OK) return rc;
	for (struct value *s = list->first; s != NULL; s = s->next) {
		set_totals(cx, s, kept_counts(cx, s));
		value_set_null(cx->arena, s, "counts");
	}
	*out = list;
	return RC_OK;
}
