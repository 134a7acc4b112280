/*
** send_feed.c -- rows of a send become queued messages, a slice at a time.
**
** Owns:   bulk_send.fed_row, the place up to which rows are fed.
** Needs:  outbox_feed(); the rows as the import left them: the file itself is never read again (spec §9.1-5).
** Never:  has a transaction open while it reads rows.
** Holds:  (1) the place moves in the transaction that feeds, and only from where it was read: of two who feed
**         the same send one loses and stops, and a cut between two slices repeats nothing; (2) what is
**         paused, cancelled or over is not fed, nor who was forgotten a moment ago; (3) memory does not grow
**         with the send.
*/
#include "sends/bulk_inner.h"

#include <string.h>

#define FEED_BYTES_MAX (1024 * 1024) /* variables of one slice: a short write whatever the rows carry */
/* A row never expires by itself: paused for months, it leaves with those behind it that are not fed yet, or
** is called off with them. Tries of one mail are counted by the engine. */
#define EXPIRES_MS    (INT64_C(3650) * DAY_MS)
#define VARIABLES_MAX ((size_t)256 * 1024)

/* Fed between two looks whether the outbox waits to settle its answers: a third of a millisecond */
#define FEED_STEP 32

struct slice {
	struct feed_row rows[FEED_ROWS_MAX];
	int64_t numbers[FEED_ROWS_MAX]; /* row_number of each */
	size_t count;
	int64_t from; /* fed_row before */
	bool is_last;
};

const char *send_variables(struct cx *cx, const char *variables_json, const char *address)
{
	struct value *v = NULL;
	struct sb sb;

	if (json_parse(cx->arena, &v, NULL, variables_json, strlen(variables_json)) != RC_OK ||
	    v->type != VALUE_MAP)
		v = value_map(cx->arena);
	if (value_get(v, "email") != NULL) return variables_json;
	value_set_text(cx->arena, v, "email", address);
	sb_init_arena(&sb, cx->arena, VARIABLES_MAX);
	json_write(&sb, v);
	return sb_text_of(&sb);
}

static enum rc read_slice(struct cx *cx, const struct send_feeder *f, struct slice *s)
{
	struct query *q = NULL;
	size_t bytes = 0, max = f->slice_rows > 0 ? f->slice_rows : FEED_ROWS_MAX;
	bool is_more = true;
	enum rc rc = db_get_int(cx, &s->from, "SELECT fed_row FROM bulk_send WHERE id = :id",
				PARAMS(P_INT(":id", f->bulk_id)));

	s->count = 0;
	if (rc == RC_OK)
		rc = db_query(
			cx, &q,
			"SELECT id, row_number, coalesce(normalized, recipient), name, coalesce(payload_json, '{}')"
			" FROM bulk_recipient WHERE bulk_id = :id AND import_version = :version AND row_number > :from"
			" AND error_code = '' ORDER BY row_number LIMIT :max",
			PARAMS(P_INT(":id", f->bulk_id), P_INT(":version", f->import_version),
			       P_INT(":from", s->from), P_INT(":max", (int64_t)max)));
	while (rc == RC_OK && s->count < max && bytes < FEED_BYTES_MAX && (is_more = query_next(q))) {
		struct feed_row *row = &s->rows[s->count++];

		*row = (struct feed_row){ .id = query_int(q, 0),
					  .address = query_copy(cx, q, 2),
					  .name = query_copy(cx, q, 3),
					  .variables_json = query_copy(cx, q, 4) };
		if (f->adds_email)
			row->variables_json = send_variables(cx, row->variables_json, row->address);
		bytes += strlen(row->variables_json);
		s->numbers[s->count - 1] = query_int(q, 1);
	}
	s->is_last = !is_more;
	return query_end(q, rc);
}

/* The guard stands in the statement: the place as it was read, the states that may be fed. */
static enum rc move_place(struct cx *cx, const struct send_feeder *f, int64_t from, int64_t to, bool *is_lost)
{
	enum rc rc = db_run(
		cx,
		"UPDATE bulk_send SET fed_row = :to WHERE id = :id AND fed_row = :from AND status = 'sending'"
		" AND batch_id = :batch AND (SELECT state FROM batch WHERE id = :batch) = 'open'",
		PARAMS(P_INT(":to", to), P_INT(":from", from), P_INT(":id", f->bulk_id),
		       P_INT(":batch", f->feed.batch_id)));

	*is_lost = rc == RC_OK && db_changes(cx) != 1;
	return rc;
}

/* Who was forgotten since the rows were read (recipients_keep.c) gets nothing any more: they are read
** again. */
static enum rc is_still_told(struct cx *cx, const struct send_feeder *f, const struct slice *s, bool *is_lost)
{
	struct query *q = NULL;
	size_t i = 0;
	enum rc rc = db_query(
		cx, &q,
		"SELECT row_number FROM bulk_recipient INDEXED BY bulk_recipient_invalid WHERE bulk_id = :id"
		" AND import_version = :version AND row_number > :from AND row_number <= :to AND error_code <> ''"
		" ORDER BY row_number",
		PARAMS(P_INT(":id", f->bulk_id), P_INT(":version", f->import_version),
		       P_INT(":from", s->from), P_INT(":to", s->numbers[s->count - 1])));

	while (rc == RC_OK && !*is_lost && query_next(q)) {
		while (i < s->count && s->numbers[i] < query_int(q, 0))
			i++;
		*is_lost = i < s->count && s->numbers[i] == query_int(q, 0);
	}
	return query_end(q, rc);
}

/* Until all are fed, or somebody waits for the lane: with each answer that is not settled yet a place to send
** from stands empty. */
static enum rc feed_steps(struct cx *cx, struct send_feeder *f, struct slice *s, int64_t *known)
{
	size_t done = 0;
	enum rc rc = RC_OK;

	f->feed.expires_at = cx_now(cx) + EXPIRES_MS;
	while (rc == RC_OK && done < s->count && (done == 0 || !tx_is_wanted(cx))) {
		size_t n = s->count - done < FEED_STEP ? s->count - done : FEED_STEP;
		int64_t some = 0;

		rc = outbox_feed(cx, &f->feed, s->rows + done, n, &some);
		*known += some;
		done += n;
	}
	/* What is not fed now is read again: so no more is read than was fed this time, and twice that when
	** nobody waited. */
	f->slice_rows = done < s->count ? done : 2 * s->count;
	if (f->slice_rows > FEED_ROWS_MAX) f->slice_rows = FEED_ROWS_MAX;
	if (f->slice_rows < FEED_STEP) f->slice_rows = FEED_STEP;
	s->is_last = s->is_last && done == s->count;
	s->count = done;
	return rc;
}

static enum rc write_slice(struct cx *cx, struct send_feeder *f, struct slice *s, bool *is_lost,
			   int64_t *known)
{
	enum rc rc = move_place(cx, f, s->from, s->from, is_lost);

	if (rc == RC_OK && !*is_lost && s->count > 0) rc = is_still_told(cx, f, s, is_lost);
	if (rc != RC_OK || *is_lost) return rc;
	if (s->count > 0) {
		rc = feed_steps(cx, f, s, known);
		if (rc == RC_OK) rc = move_place(cx, f, s->from, s->numbers[s->count - 1], is_lost);
	}
	return rc == RC_OK && s->is_last ? batch_planned(cx, f->feed.batch_id) : rc;
}

enum rc send_feed_slice(struct cx *cx, struct send_feeder *f, bool *is_lost)
{
	struct slice *s = arena_alloc(cx->arena, sizeof(*s));
	int64_t known = 0;
	enum rc rc;

	*is_lost = false;
	if (s == NULL) return RC_NO_MEMORY;
	rc = read_slice(cx, f, s);
	if (rc != RC_OK) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = write_slice(cx, f, s, is_lost, &known);
	rc = tx_end(cx, rc);
	if (rc != RC_OK || *is_lost) return rc;
	f->fed += (int64_t)s->count - known;
	f->is_planned = s->is_last;
	return RC_OK;
}
