/*
** send_job.c -- the work of one send: gate, letter, feeding the outbox, waiting for it, the end.
**
** Owns:   the steps queued → sending → done | error | paused of bulk_send, and its times.
** Needs:  send_begin.c (gate, letter), send_look.c (may it go on?), send_feed.c (the next slice), the outbox,
**         which sends.
** Never:  sends by itself; has a transaction open while it waits or asks the provider.
** Holds:  (1) running it twice, or two of it at once, is harmless: each step names the state it leaves, each
**         slice the place it begins at; (2) what holds a send is its state, with the reason: a short wait is
**         waited for here, a long one gives the worker back; (3) progress is what the outbox settled, so bar,
**         rate and end are those of mails, not of rows in a queue; (4) it is over when nothing is queued or
**         under way any more, however it was cut in between.
*/
#include "sends/bulk_inner.h"

#include "base/sentence.h"
#include <poll.h>
#include <string.h>

/* one slice: its variables once as read and once as written */
#define SCRATCH_MAX  ((size_t)16 * 1024 * 1024)
#define COUNT_MS     SECOND_MS /* between two countings into result_json, at least … */
#define COUNT_SHARE  20        /* … and so often what the last one took              */
#define LOOK_MS      200       /* between two looks at what may hold it            */
#define WAIT_HERE_MS MINUTE_MS /* a longer wait gives the worker back              */
/* looked at again at least so often, whatever else wakes it */
#define WAIT_MOST_MS (10 * MINUTE_MS)
/* At full speed a slice leaves in 10 to 20 ms and seven are queued; each look counts the queue */
#define NAP_LEAST_MS  8
#define NAP_MOST_MS   100
#define LATE_LOOK_MS  200 /* behind the hour at which the channel opens */
#define FIRST_CLAIMED 64  /* the first mail is among the first so many, whatever their order         */

struct send {
	struct cx *cx;
	struct job *job;
	struct arena *own, *scratch;
	int64_t id, valid_rows, replaced;
	const char *channel; /* in the job's arena */
	struct send_feeder feeder;
	int64_t counted_ticks, looked_ticks, kept_ticks;
	int64_t count_every_ms;
	int64_t kept; /* mails settled by then */
	int nap_ms;
};

static void scratch_on(struct send *s)
{
	arena_reset(s->scratch);
	s->cx->arena = s->scratch;
}

static void scratch_off(struct send *s)
{
	s->cx->arena = s->own;
}

/* Edges, each in a transaction of its own; RC_CONFLICT: it is not in that state any more. */

static enum rc move(struct cx *cx, int64_t id, const struct bulk_edge *e)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = bulk_move(cx, id, e);
	return tx_end(cx, rc);
}

static enum rc counts_keep(struct cx *cx, int64_t id)
{
	struct value *counts = NULL;

	return bulk_counts(cx, &counts, id, true);
}

/* Counting */

static enum rc count_first_mail(struct send *s)
{
	struct cx *cx = s->cx;
	int64_t first = 0;
	enum rc rc = db_get_int(
		cx, &first,
		"SELECT coalesce(min(claimed_at), 0) FROM (SELECT claimed_at FROM message WHERE batch_id = :batch"
		" ORDER BY id LIMIT :max)",
		PARAMS(P_INT(":batch", s->feeder.feed.batch_id), P_INT(":max", FIRST_CLAIMED)));

	if (rc != RC_OK || first == 0) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE bulk_send SET sent_started_at = :at WHERE id = :id AND sent_started_at IS NULL",
			PARAMS(P_INT(":at", first), P_INT(":id", s->id)));
	return tx_end(cx, rc);
}

static enum rc count_now(struct send *s)
{
	struct bulk b = { .id = s->id,
			  .batch_id = s->feeder.feed.batch_id,
			  .valid_rows = s->valid_rows,
			  .channel = s->channel };
	struct value *counts = NULL;
	enum rc rc = db_get_int(s->cx, &b.invalid_rows, "SELECT invalid_rows FROM bulk_send WHERE id = :id",
				PARAMS(P_INT(":id", s->id)));

	if (rc == RC_OK) rc = count_first_mail(s);
	if (rc == RC_OK) rc = bulk_count(s->cx, &counts, &b, s->feeder.fed);
	return rc == RC_OK ? bulk_result_keep(s->cx, &b, counts) : rc;
}

static enum rc in_flight(struct send *s, int64_t *out)
{
	return db_get_int(s->cx, out,
			  "SELECT count(*) FROM message WHERE state = 'sending' AND +batch_id = :batch",
			  PARAMS(P_INT(":batch", s->feeder.feed.batch_id)));
}

/* However often a send is interrupted, it goes on as long as mails leave in between: work gives up only what
** stands still. */
static enum rc keep_place(struct send *s, int64_t done)
{
	struct value *place = value_map(s->cx->arena);
	enum rc rc;

	value_set_int(s->cx->arena, place, "settled", done);
	rc = tx_begin(s->cx);
	if (rc == RC_OK) rc = job_save_place(s->cx, s->job, place);
	return tx_end(s->cx, rc);
}

static enum rc tell_progress(struct send *s, int64_t queued)
{
	int64_t sending = 0, done, now = clock_ticks();
	enum rc rc = in_flight(s, &sending);

	if (rc != RC_OK) return rc;
	done = s->feeder.fed - s->replaced - queued - sending;
	if (done < 0) done = 0;
	rc = job_progress(s->cx, s->job, done < s->valid_rows ? done : s->valid_rows, s->valid_rows);
	if (rc == RC_OK && done > s->kept && now - s->kept_ticks >= COUNT_MS) {
		s->kept_ticks = now;
		s->kept = done;
		rc = keep_place(s, done);
	}
	if (rc == RC_OK && now - s->counted_ticks >= s->count_every_ms) {
		rc = count_now(s);
		s->counted_ticks = clock_ticks();
		s->count_every_ms = COUNT_SHARE * (s->counted_ticks - now);
		if (s->count_every_ms < COUNT_MS) s->count_every_ms = COUNT_MS;
	}
	return rc;
}

/* The end */

static enum rc read_times(struct cx *cx, int64_t batch, int64_t *first, int64_t *last)
{
	struct query *q = NULL;
	enum rc rc =
		db_query(cx, &q,
			 "SELECT min(claimed_at), max(max(claimed_at, coalesce(sent_at, 0))) FROM message"
			 " WHERE batch_id = :batch AND claimed_at IS NOT NULL",
			 PARAMS(P_INT(":batch", batch)));

	if (rc == RC_OK && query_next(q)) {
		*first = query_int(q, 0);
		*last = query_int(q, 1);
	}
	return query_end(q, rc);
}

static int64_t count_of(const struct value *counts, const char *name)
{
	return value_int_of(value_get(counts, name), 0);
}

static enum rc end(struct cx *cx, const struct bulk *b, struct value *counts, int64_t first, int64_t last)
{
	int64_t sent = count_of(counts, "sent") + count_of(counts, "delivered") + count_of(counts, "read") +
		       count_of(counts, "failed_late");
	enum rc rc = RC_OK;

	if (bulk_is(b, "sending"))
		rc = bulk_move(cx, b->id,
			       &(struct bulk_edge){ .from = "sending",
						    .to = sent > 0 ? "done" : "error",
						    .why = sent > 0 ? "" : WHY_NONE_SENT });
	else if (bulk_is(b, "error") && sent > 0) /* an unsure one that left after all, or left again */
		rc = bulk_move(cx, b->id, &(struct bulk_edge){ .from = "error", .to = "done" });
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE bulk_send SET sent_started_at = :first, sent_finished_at = :last, updated_at = :now WHERE id = :id",
			PARAMS(P_REF(":first", first), P_REF(":last", last), P_INT(":now", cx_now(cx)),
			       P_INT(":id", b->id)));
	return rc == RC_OK ? bulk_result_keep(cx, b, counts) : rc;
}

static enum rc finish(struct send *s)
{
	struct cx *cx = s->cx;
	struct value *counts = NULL;
	struct bulk b;
	int64_t first = 0, last = 0;
	enum rc rc = bulk_read(cx, &b, s->id);

	if (rc == RC_OK) rc = bulk_count(cx, &counts, &b, -1);
	if (rc == RC_OK) rc = read_times(cx, b.batch_id, &first, &last);
	if (rc != RC_OK) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = end(cx, &b, counts, first, last);
	rc = tx_end(cx, rc);
	if (rc == RC_CONFLICT) return RC_OK; /* another one was first */
	if (rc != RC_OK) return rc;
	rc = job_progress(cx, s->job, s->valid_rows, s->valid_rows);
	if (rc != RC_OK) return rc;
	job_note(cx, s->job, _("Sent: %lld, failed: %lld, unsure: %lld, not sendable: %lld."),
		 (long long)(count_of(counts, "sent") + count_of(counts, "delivered") +
			     count_of(counts, "read")),
		 (long long)count_of(counts, "failed"), (long long)count_of(counts, "unsure"),
		 (long long)count_of(counts, "invalid"));
	return RC_OK;
}

/* Its batch was cancelled on the page of batches. */
static enum rc follow_cancelled(struct send *s)
{
	enum rc rc = move(s->cx, s->id,
			  &(struct bulk_edge){ .from = "sending", .to = "cancelled", .why = WHY_BY_PERSON });

	if (rc == RC_CONFLICT) rc = RC_OK;
	return rc == RC_OK ? counts_keep(s->cx, s->id) : rc;
}

/* Holding */

static enum rc set_hold(struct cx *cx, int64_t id, const struct send_look *l)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK && strcmp(l->status, "paused") != 0)
		rc = bulk_move(cx, id,
			       &(struct bulk_edge){ .from = l->status,
						    .to = "paused",
						    .why = l->hold,
						    .detail = l->detail,
						    .until = l->until });
	else if (rc == RC_OK && (strcmp(l->why, l->hold) != 0 || l->until > l->kept_until + SECOND_MS ||
				 l->until < l->kept_until - SECOND_MS))
		rc = db_run(
			cx,
			"UPDATE bulk_send SET status_why = :why, status_detail = :detail, paused_until_at = :until"
			" WHERE id = :id AND status = 'paused' AND status_why = :old",
			PARAMS(P_TEXT(":why", l->hold), P_TEXT(":detail", l->detail),
			       P_REF(":until", l->until), P_INT(":id", id), P_TEXT(":old", l->why)));
	return tx_end(cx, rc);
}

/* What must not leave although it is queued: the channel's own waiting needs no batch that waits. */
static bool holds_batch(const char *why)
{
	return strcmp(why, WHY_SWITCH) == 0 || strcmp(why, WHY_UNSURE) == 0;
}

/* *is_over: the job gives its place back; what to return then. */
static enum rc hold(struct send *s, const struct send_look *l, bool *is_over)
{
	struct cx *cx = s->cx;
	instant now = cx_now(cx), again;
	bool is_new = strcmp(l->status, "paused") != 0 || strcmp(l->why, l->hold) != 0;
	int64_t batch = s->feeder.feed.batch_id;
	/* Send and batch at once: what is queued must not go on leaving because of a cut in between. */
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = set_hold(cx, s->id, l);
	if (rc == RC_OK && is_new && batch != 0 && holds_batch(l->hold))
		rc = batch_set_state(cx, batch, "paused");
	rc = tx_end(cx, rc);
	if (rc == RC_CONFLICT) { /* a person was quicker: looked at anew */
		cx->message = "";
		return RC_OK;
	}
	if (rc == RC_OK && is_new && batch != 0) rc = count_now(s);
	if (rc != RC_OK) return rc;
	/* For the gateway nothing is in memory that would be worth staying for. */
	if (l->until > 0 && l->until - now <= WAIT_HERE_MS && strcmp(l->hold, WHY_GATEWAY) != 0) return RC_OK;
	again = l->until > 0 ? l->until + LATE_LOOK_MS : now + WAIT_MOST_MS;
	job_later(s->job, again);
	job_note(cx, s->job, _("Waits; the send's page says for what."));
	*is_over = true;
	return RC_TRY_LATER;
}

/* Is it still as it was looked at? A pause for one reason may have become a person's meanwhile. */
static enum rc is_unchanged(struct cx *cx, int64_t id, const struct send_look *l)
{
	int64_t one = 0;
	enum rc rc = db_get_int(
		cx, &one, "SELECT 1 FROM bulk_send WHERE id = :id AND status = :status AND status_why = :why",
		PARAMS(P_INT(":id", id), P_TEXT(":status", l->status), P_TEXT(":why", l->why)));

	return rc == RC_NOT_FOUND ? RC_CONFLICT : rc;
}

/* Nothing holds it any more. Send and batch at once: a batch that is opened behind a pause would leave. */
enum rc send_go_on(struct cx *cx, int64_t id, int64_t batch, const struct send_look *l)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = is_unchanged(cx, id, l);
	if (rc == RC_OK) rc = bulk_move(cx, id, &(struct bulk_edge){ .from = l->status, .to = "sending" });
	if (rc == RC_OK && batch != 0 && strcmp(l->batch_state, "paused") == 0)
		rc = batch_set_state(cx, batch, "open");
	rc = tx_end(cx, rc);
	if (rc != RC_CONFLICT) return rc;
	cx->message = ""; /* a person was quicker: looked at anew */
	return RC_OK;
}

/* The loop */

/* One round. *is_over: return. */
static enum rc feed_round(struct send *s, bool *is_over)
{
	struct cx *cx = s->cx;
	int64_t queued = 0, before = s->feeder.fed;
	bool is_lost = false, is_finished = false, is_full;
	enum rc rc = batch_queued(cx, &queued, s->feeder.feed.batch_id);

	is_full = queued > FEED_QUEUED_MAX - FEED_ROWS_MAX;
	if (rc == RC_OK && !s->feeder.is_planned && !is_full) {
		rc = send_feed_slice(cx, &s->feeder, &is_lost);
		s->nap_ms = 0;
		if (is_lost) s->looked_ticks = 0;
		/* What was just fed is queued, not settled. */
		return rc == RC_OK ? tell_progress(s, queued + s->feeder.fed - before) : rc;
	}
	/* Twice as long each time nothing is to be done: a paced send is looked at ten times a second. */
	s->nap_ms = s->nap_ms < NAP_LEAST_MS ? NAP_LEAST_MS : 2 * s->nap_ms;
	if (s->nap_ms > NAP_MOST_MS) s->nap_ms = NAP_MOST_MS;
	if (rc == RC_OK && s->feeder.is_planned && queued == 0)
		rc = batch_is_finished(cx, &is_finished, s->feeder.feed.batch_id);
	if (rc == RC_OK) rc = tell_progress(s, queued);
	if (rc != RC_OK || !is_finished) return rc;
	*is_over = true;
	return finish(s);
}

/* Paused by a person, cancelled, over: what is under way is waited for, so that the figures are the last
** ones. */
static enum rc leave(struct send *s, bool *is_over)
{
	int64_t sending = 0;
	enum rc rc = in_flight(s, &sending);

	s->nap_ms = NAP_MOST_MS;
	if (rc != RC_OK || sending > 0) return rc;
	*is_over = true;
	return counts_keep(s->cx, s->id);
}

/* What the state asks for. *is_over: return; *feeds: go on with the rows. */
static enum rc look_round(struct send *s, bool *is_over, bool *feeds)
{
	struct cx *cx = s->cx;
	struct send_look l;
	enum rc rc = send_look_read(cx, &l, s->id);
	bool is_mine, is_held;

	*feeds = false;
	if (rc != RC_OK) return rc;
	is_held = strcmp(l.status, "paused") == 0;
	is_mine = strcmp(l.status, "queued") == 0 || strcmp(l.status, "sending") == 0 ||
		  (is_held && bulk_pause_is_own(l.why));
	if (!is_mine) return leave(s, is_over);
	if (strcmp(l.batch_state, "cancelled") == 0) {
		*is_over = true;
		if (strcmp(l.status, "sending") != 0) rc = send_go_on(cx, s->id, s->feeder.feed.batch_id, &l);
		return rc == RC_OK ? follow_cancelled(s) : rc;
	}
	if (l.hold != NULL) {
		s->nap_ms = NAP_MOST_MS;
		return hold(s, &l, is_over);
	}
	/* It stays as it is until the gateway has answered: a state that comes and goes tells nobody
	** anything. */
	if (is_held && strcmp(l.why, WHY_GATEWAY) == 0 && s->feeder.feed.batch_id == 0) {
		*feeds = true;
		return RC_OK;
	}
	if (strcmp(l.status, "sending") != 0) return send_go_on(cx, s->id, s->feeder.feed.batch_id, &l);
	*feeds = true;
	return RC_OK;
}

static enum rc stop(struct send *s)
{
	enum rc rc;

	if (!job_is_cancelled(s->job)) return RC_TRY_LATER;
	rc = bulk_pause(s->cx, s->id, WHY_NO_JOB);
	s->cx->message = "";
	return rc == RC_OK || rc == RC_CONFLICT ? RC_TRY_LATER : rc;
}

static enum rc turn(struct send *s, bool *is_over)
{
	bool feeds = true;
	enum rc rc = RC_OK;

	if (s->looked_ticks == 0 || clock_ticks() - s->looked_ticks >= LOOK_MS || s->nap_ms == NAP_MOST_MS) {
		s->looked_ticks = clock_ticks();
		rc = look_round(s, is_over, &feeds);
	}
	if (rc != RC_OK || *is_over || !feeds) return rc;
	if (s->feeder.feed.batch_id == 0) {
		enum begun begun = BEGIN_OVER;
		struct bulk b;

		rc = bulk_read(s->cx, &b, s->id);
		if (rc != RC_OK) return rc;
		*is_over = b.batch_id != 0; /* other work of the send began it, and feeds it */
		if (*is_over) return RC_OK;
		rc = send_begin(s->cx, s->job, &b, &s->feeder.adds_email, &begun);
		s->feeder.feed.batch_id = b.batch_id;
		*is_over = rc == RC_OK && begun == BEGIN_OVER;
		s->looked_ticks = 0;
		return rc;
	}
	return feed_round(s, is_over);
}

/* A job of a send that is over: mails that somebody sent again, or decided. */
static enum rc tail(struct send *s)
{
	bool is_finished = false;
	enum rc rc = RC_OK;

	while (rc == RC_OK && !is_finished) {
		if (job_should_stop(s->job)) return RC_TRY_LATER;
		scratch_on(s);
		rc = batch_is_finished(s->cx, &is_finished, s->feeder.feed.batch_id);
		if (rc == RC_OK && is_finished) rc = finish(s);
		scratch_off(s);
		if (!is_finished) (void)poll(NULL, 0, NAP_MOST_MS);
	}
	return rc;
}

static enum rc loop(struct send *s)
{
	bool is_over = false;
	enum rc rc = RC_OK;

	while (rc == RC_OK && !is_over) {
		if (job_should_stop(s->job)) return stop(s);
		scratch_on(s);
		rc = turn(s, &is_over);
		scratch_off(s);
		if (rc != RC_OK && s->cx->message[0] != '\0')
			s->cx->message = arena_text(s->own, s->cx->message);
		else
			s->cx->message = "";
		if (rc == RC_OK && !is_over && s->nap_ms > 0) (void)poll(NULL, 0, s->nap_ms);
	}
	return rc;
}

/* Does the mailing under way ask for {{email}}? Texts of ours are the letter's, whatever became of the
** template since; of the provider's one that cannot be read now it is said rather than missing. */
static enum rc letter_uses_email(struct cx *cx, const struct bulk *b, bool *out)
{
	struct mail_template t = { .subject = "" };
	struct value *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT provider_template, coalesce(subject, '') AS subject, coalesce(html, '') AS html,"
		" coalesce(text, '') AS text FROM letter WHERE batch_id = :batch",
		PARAMS(P_INT(":batch", b->batch_id)));

	*out = false;
	if (rc == RC_NOT_FOUND) return RC_OK;
	if (rc != RC_OK) return rc;
	t.subject = value_text_of(value_get(row, "subject"), "");
	t.html = value_text_of(value_get(row, "html"), "");
	t.text = value_text_of(value_get(row, "text"), "");
	if (value_text_of(value_get(row, "provider_template"), "")[0] == '\0')
		*out = template_uses_email(cx, &t);
	else
		*out = gate_template(cx, &t, b, false) != RC_OK || !t.has_body || template_uses_email(cx, &t);
	cx->message = "";
	cx->error_code = NULL;
	return RC_OK;
}

static enum rc open_feeder(struct send *s, const struct bulk *b)
{
	struct cx *cx = s->cx;
	int64_t is_planned = 0, is_to_all = 0;
	enum rc rc = db_get_int(cx, &is_to_all, "SELECT sends_suppressed FROM bulk_send WHERE id = :id",
				PARAMS(P_INT(":id", b->id)));

	s->channel = b->channel;
	s->feeder = (struct send_feeder){ .feed = { .batch_id = b->batch_id,
						    .channel = b->channel,
						    .topic = is_to_all != 0 ? BULK_TOPIC_ALL : BULK_TOPIC,
						    .table = BULK_OCCASION,
						    .priority = BULK_PRIORITY },
					  .bulk_id = b->id,
					  .import_version = b->import_version };
	if (rc == RC_OK && b->batch_id != 0)
		rc = db_get_int(cx, &s->feeder.fed, "SELECT count(*) FROM message WHERE batch_id = :batch",
				PARAMS(P_INT(":batch", b->batch_id)));
	if (rc == RC_OK && b->batch_id != 0)
		rc = db_get_int(cx, &s->replaced,
				"SELECT count(*) FROM message WHERE replaces_id > 0 AND +batch_id = :batch",
				PARAMS(P_INT(":batch", b->batch_id)));
	if (rc == RC_OK && b->batch_id != 0)
		rc = db_get_int(cx, &is_planned, "SELECT planned_at IS NOT NULL FROM batch WHERE id = :batch",
				PARAMS(P_INT(":batch", b->batch_id)));
	s->feeder.is_planned = is_planned != 0;
	if (rc == RC_OK && b->batch_id != 0) rc = letter_uses_email(cx, b, &s->feeder.adds_email);
	return rc;
}

/* A job that failed at the gate and is run again by a person: nothing was handed over. */
static enum rc take_again(struct cx *cx, const struct bulk *b)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = bulk_move(cx, b->id, &(struct bulk_edge){ .from = "error", .to = "queued" });
	return tx_end(cx, rc);
}

static enum rc send_run(struct cx *cx, struct job *job)
{
	struct send s = { .cx = cx, .job = job, .own = cx->arena };
	struct bulk b;
	enum rc rc;

	s.id = value_int_of(value_get(job_args(job), "bulk_id"), 0);
	s.kept = value_int_of(value_get(job_place(job), "settled"), 0);
	rc = bulk_read(cx, &b, s.id);
	if (rc == RC_OK && bulk_is(&b, "error") && b.batch_id == 0 &&
	    strncmp(b.import_status, "ready", 5) == 0)
		rc = take_again(cx, &b);
	if (rc != RC_OK) return rc == RC_CONFLICT ? RC_OK : rc;
	s.valid_rows = b.valid_rows;
	rc = open_feeder(&s, &b);
	if (rc != RC_OK) return rc;
	s.scratch = arena_new(SCRATCH_MAX);
	if (s.scratch == NULL) return RC_NO_MEMORY;
	rc = b.batch_id != 0 && (bulk_is(&b, "done") || bulk_is(&b, "error")) ? tail(&s) : loop(&s);
	cx->arena = s.own;
	arena_free(s.scratch);
	return rc;
}

const struct job_kind send_jobs[] = {
	{ .name = SEND_JOB,
	  .title = N_("Send a bulk send"),
	  .queue = "sends",
	  .attempts_max = 20, /* a busy disk passes; a state that is left costs nothing */
	  .delay_s = 5,
	  .run = send_run },
	{ .name = SCHEDULE_JOB,
	  .title = N_("Start timed sends"),
	  .queue = "quick",
	  .attempts_max = 3,
	  .time_limit_s = 300,
	  .delay_s = 10,
	  .run = schedule_run },
	{ .name = EVIDENCE_JOB,
	  .title = N_("Look for evidence of unsure mails"),
	  .queue = "fetch",
	  .attempts_max = 1,
	  .time_limit_s = 300,
	  .run = evidence_run },
	{ .name = LIMITS_JOB,
	  .title = N_("Ask the provider what it still takes"),
	  .queue = "fetch",
	  .attempts_max = 3,
	  .time_limit_s = 300,
	  .delay_s = 60,
	  .run = send_limits_run },
	{ .name = NULL },
};
