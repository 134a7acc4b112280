/*
** send_limits.c -- what the provider still takes, asked before a send and again while it sends.
**
** Contract sheet §5: before each bulk send and every 500 rows; shown and warned of, never in the way.
**
** Owns:   result_json.limits of bulk_send; the work "sends.limits", one for each send by Doppler Relay.
** Needs:  the counts that the sending itself keeps in result_json about every second.
** Never:  holds up the sending: it is work of its own, in the queue of those that fetch; has a transaction
**         open while it asks; fails because the provider does not say.
** Holds:  (1) of the senders' domains the provider tells no more than two flags of the account (its list of
**         domains has no documented shape), and these are said once; (2) it ends with its send.
*/
#include "sends/bulk_inner.h"

#include "sends/doppler.h"
#include <string.h>

#define ROWS_BETWEEN  500              /* contract sheet §5 */
#define LOOK_AGAIN_MS (20 * SECOND_MS) /* at 50 ms a mail 500 rows take 25 s */
#define HELD_AGAIN_MS (10 * MINUTE_MS)
#define AFTER_FAIL_MS (5 * MINUTE_MS) /* who does not answer now is not asked at each 500 rows */

static void set_left(struct cx *cx, struct value *map, const char *name, int64_t n)
{
	if (n >= 0) value_set_int(cx->arena, map, name, n);
}

static int64_t least_of(const struct doppler_limits *l)
{
	const int64_t left[] = { l->monthly_remaining, l->daily_remaining, l->hourly_remaining };
	int64_t least = -1;

	for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++)
		if (left[i] >= 0 && (least < 0 || left[i] < least)) least = left[i];
	return least;
}

static void say(struct cx *cx, struct job *job, const struct doppler_limits *l, int64_t rows, bool is_first)
{
	int64_t least = least_of(l);

	if (is_first && (l->needs_dkim || l->needs_domain))
		job_say(cx, job, SAY_WARNING, "%s",
			_("Doppler Relay says that the senders' domain is not verified (DKIM): mails may be refused or land in junk. Set the domain up in its panel."));
	if (least >= 0 && rows > least)
		job_say(cx, job, SAY_WARNING,
			_("The provider takes %lld more mails at the moment, the send has %lld: it will wait for the rest."),
			(long long)least, (long long)rows);
	else if (least >= 0 && is_first)
		job_say(cx, job, SAY_INFO, _("The provider takes %lld more mails at the moment."),
			(long long)least);
}

static enum rc keep(struct cx *cx, const struct bulk *b, const struct doppler_limits *l)
{
	struct value *result = value_map(cx->arena), *map = value_set_map(cx->arena, result, "limits");

	set_left(cx, map, "monthly_remaining", l->monthly_remaining);
	set_left(cx, map, "daily_remaining", l->daily_remaining);
	set_left(cx, map, "hourly_remaining", l->hourly_remaining);
	if (l->needs_dkim) value_set_bool(cx->arena, map, "needs_dkim", true);
	if (l->needs_domain) value_set_bool(cx->arena, map, "needs_domain", true);
	value_set_int(cx->arena, map, "asked_at", cx_now(cx));
	return bulk_result_keep(cx, b, result);
}

/* *is_told false: the provider did not say. */
static enum rc ask(struct cx *cx, struct job *job, const struct bulk *b, int64_t rows, bool is_first,
		   bool *is_told)
{
	struct doppler_limits l;
	enum rc rc = doppler_limits(cx, &l);

	*is_told = rc == RC_OK;
	if (rc != RC_OK && is_first)
		job_say(cx, job, SAY_WARNING, _("The provider's limits could not be read: %s"),
			cx_sentence_kept(cx, rc));
	cx->message = "";
	cx->error_code = NULL;
	if (rc == RC_OK) say(cx, job, &l, l.is_unlimited ? -1 : rows, is_first);
	if (rc == RC_OK && (!l.is_unlimited || l.needs_dkim || l.needs_domain)) return keep(cx, b, &l);
	return RC_OK;
}

void send_limits_tell(struct cx *cx, struct job *job, const struct bulk *b)
{
	bool is_told;

	if (strcmp(b->channel, "doppler") == 0) (void)!ask(cx, job, b, b->valid_rows, true, &is_told);
	cx->message = "";
	cx->error_code = NULL;
}

enum rc send_limits_watch(struct cx *cx, const struct bulk *b)
{
	struct value *args = value_map(cx->arena);
	int64_t job = 0;
	enum rc rc;

	if (strcmp(b->channel, "doppler") != 0 || b->valid_rows <= ROWS_BETWEEN) return RC_OK;
	value_set_int(cx->arena, args, "bulk_id", b->id);
	rc = job_add(cx, &job,
		     &(struct job_new){ .kind = LIMITS_JOB,
					.slot = bulk_slot(cx, "limits", b->id),
					.args = args,
					.run_at = cx_now(cx) + LOOK_AGAIN_MS });
	return rc == RC_CONFLICT ? RC_OK : rc;
}

/* The work */

static int64_t settled_of(const struct value *result)
{
	static const char *const names[] = { "sent", "delivered", "read", "failed", "unsure", "skipped" };
	int64_t n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		n += value_int_of(value_get(result, names[i]), 0);
	return n;
}

static enum rc keep_place(struct cx *cx, struct job *job, int64_t settled)
{
	struct value *place = value_map(cx->arena);
	enum rc rc;

	value_set_int(cx->arena, place, "settled", settled);
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = job_save_place(cx, job, place);
	return tx_end(cx, rc);
}

enum rc send_limits_run(struct cx *cx, struct job *job)
{
	int64_t id = value_int_of(value_get(job_args(job), "bulk_id"), 0);
	int64_t before = value_int_of(value_get(job_place(job), "settled"), 0), settled;
	struct value *result = NULL;
	bool is_told = true;
	struct bulk b;
	enum rc rc = bulk_read(cx, &b, id);

	if (rc == RC_NOT_FOUND) return RC_OK;
	if (rc != RC_OK) return rc;
	if (bulk_is(&b, "paused") || bulk_is(&b, "queued")) {
		job_later(job, cx_now(cx) + HELD_AGAIN_MS);
		return RC_TRY_LATER;
	}
	if (!bulk_is(&b, "sending")) return RC_OK;
	if (json_parse(cx->arena, &result, NULL, b.result_json, strlen(b.result_json)) != RC_OK)
		result = value_map(cx->arena);
	settled = settled_of(result);
	if (settled - before >= ROWS_BETWEEN && b.valid_rows > settled) {
		rc = ask(cx, job, &b, b.valid_rows - settled, false, &is_told);
		if (rc == RC_OK) rc = keep_place(cx, job, settled);
	}
	if (rc != RC_OK) return rc;
	job_later(job, cx_now(cx) + (is_told ? LOOK_AGAIN_MS : AFTER_FAIL_MS));
	return RC_TRY_LATER;
}
