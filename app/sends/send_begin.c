/*
** send_begin.c -- before the first mail: the gate, the provider's limits, the files, the batch and its
** letter.
**
** Owns:   the steps sending → error of a send that was refused; bulk_send.batch_id.
** Needs:  gate.c for the question; the network, through the template's read and the limits.
** Never:  has a transaction open while it asks the provider.
** Holds:  (1) the gate comes before the batch: a send that was refused has handed nothing over; (2) limits
**         are shown and warned of, never in the way; (3) batch, letter and the send's word of them are one
**         transaction.
*/
#include "sends/bulk_inner.h"

#include "base/sentence.h"
#include "sends/attachments.h"
#include <string.h>

struct begin {
	struct cx *cx;
	struct job *job;
	struct bulk *bulk;
};

enum rc send_is_unbegun(struct cx *cx, int64_t id)
{
	int64_t one = 0;
	enum rc rc = db_get_int(cx, &one, "SELECT 1 FROM bulk_send WHERE id = :id AND batch_id IS NULL",
				PARAMS(P_INT(":id", id)));

	return rc == RC_NOT_FOUND ? RC_CONFLICT : rc;
}

static enum rc end_refused(struct cx *cx, int64_t id, const char *why, const char *detail)
{
	struct value *counts = NULL;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = send_is_unbegun(cx, id);
	if (rc == RC_OK)
		rc = bulk_move(cx, id,
			       &(struct bulk_edge){
				       .from = "sending", .to = "error", .why = why, .detail = detail });
	if (rc == RC_OK) rc = bulk_counts(cx, &counts, id, true);
	return tx_end(cx, rc);
}

/* Nothing was handed over: the send ends, the job says why and is one that a person mends. */
static enum rc refuse(struct begin *s, const char *why, const char *detail, bool is_failure)
{
	struct cx *cx = s->cx;
	struct value *row = NULL;
	const char *kept;
	enum rc rc = end_refused(cx, s->bulk->id, why, detail);

	if (rc == RC_CONFLICT) return RC_OK; /* cancelled, or begun, meanwhile */
	if (rc == RC_OK)
		rc = db_row(
			cx, &row,
			"SELECT channel, status, status_why, status_detail, paused_until_at FROM bulk_send WHERE id = :id",
			PARAMS(P_INT(":id", s->bulk->id)));
	if (rc != RC_OK) return rc;
	cx->message = "";
	kept = bulk_why_kept(cx, row);
	job_say(cx, s->job, SAY_ERROR, "%s", kept);
	if (!is_failure) {
		job_note(cx, s->job, "%s", kept);
		return RC_OK;
	}
	cx->error_code = why;
	rc = cx_fail(cx, RC_BAD_INPUT, "%s", sentence_words(cx->arena, cx->lang, kept));
	cx->kept = kept;
	return rc;
}

/* Gate, limits, letter */

static const char *names_of(struct cx *cx, const struct value *list)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 4096);
	for (const struct value *v = list->first; v != NULL; v = v->next) {
		if (sb.len > 0) sb_lit(&sb, ", ");
		sb_text(&sb, value_text_of(v, ""));
	}
	return sb_text_of(&sb);
}

/* The gateway answered: what waited for it is under way. */
static enum rc wait_is_over(struct begin *s, enum begun *begun)
{
	struct cx *cx = s->cx;
	enum rc rc;

	if (!bulk_is(s->bulk, "paused")) return RC_OK;
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = bulk_move(cx, s->bulk->id, &(struct bulk_edge){ .from = "paused", .to = "sending" });
	rc = tx_end(cx, rc);
	if (rc == RC_OK) s->bulk->status = "sending";
	if (rc == RC_CONFLICT) *begun = BEGIN_WAITS; /* a person was quicker: looked at anew */
	return rc;
}

/* *begun READY: it passes. */
static enum rc gate(struct begin *s, const struct bulk *b, struct mail_template *t, enum begun *begun)
{
	struct cx *cx = s->cx;
	struct value *missing = NULL;
	enum rc rc = gate_template(cx, t, b, true), moved;

	*begun = BEGIN_OVER;
	if (rc == RC_NO_MEMORY || rc == RC_BUG) return rc;
	if (send_wait_is_worth(cx, rc)) {
		*begun = BEGIN_WAITS;
		rc = send_wait_for_gateway(cx, s->job, b, cx_sentence_kept(cx, rc));
		cx->message = "";
		cx->error_code = NULL;
		return rc;
	}
	moved = wait_is_over(s, begun);
	if (moved != RC_OK) return moved == RC_CONFLICT ? RC_OK : moved;
	if (rc == RC_OK && t->has_body) rc = gate_missing(cx, &missing, b, t);
	if (rc != RC_OK || !t->has_body)
		return refuse(s, WHY_NO_TEXT, rc != RC_OK ? cx_sentence_kept(cx, rc) : "", true);
	if (missing->first != NULL) return refuse(s, WHY_MISSING, names_of(cx, missing), true);
	*begun = BEGIN_READY;
	return RC_OK;
}

struct files {
	int64_t ids[MESSAGE_FILES_MAX];
	size_t count;
};

static enum rc read_files(struct cx *cx, int64_t bulk_id, struct files *f)
{
	int64_t ids[MESSAGE_FILES_MAX];
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT attachment_id FROM bulk_send_attachment WHERE bulk_id = :id ORDER BY attachment_id LIMIT :max",
		PARAMS(P_INT(":id", bulk_id), P_INT(":max", MESSAGE_FILES_MAX)));

	f->count = 0;
	while (rc == RC_OK && f->count < MESSAGE_FILES_MAX && query_next(q))
		ids[f->count++] = query_int(q, 0);
	rc = query_end(q, rc);
	if (rc != RC_OK || f->count == 0) return rc;
	rc = attachments_check(cx, ids, f->count);
	return rc == RC_OK ? attachments_files(cx, f->ids, ids, f->count) : rc;
}

static const char *or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? text : NULL;
}

static enum rc write_letter(struct cx *cx, int64_t batch, const struct bulk *b, const struct mail_template *t,
			    const struct files *f)
{
	bool is_provider = strcmp(b->channel, "doppler") == 0;
	const char *own = b->is_own_subject && setting_bool(cx->env->settings, "doppler.send_subject")
				  ? b->subject
				  : NULL;

	return letter_add(cx, batch,
			  &(struct letter_new){ .from_email = b->from_email,
						.from_name = b->from_name,
						.reply_to = b->reply_to,
						.provider_template = is_provider ? b->template_id : "",
						.subject = is_provider ? own : t->subject,
						.html = is_provider ? NULL : or_null(t->html),
						.text = is_provider ? NULL : or_null(t->text),
						.list_name = setting_text(cx->env->settings, "business.name"),
						.has_unsubscribe = !is_provider,
						.files = f->ids,
						.file_count = f->count });
}

static enum rc write_batch(struct cx *cx, const struct bulk *b, const struct mail_template *t,
			   const struct files *f, int64_t *batch)
{
	char today[DATE_SIZE];
	enum rc rc;

	day_text(today, cx_today(cx));
	rc = batch_open(cx, batch,
			&(struct batch_new){ .kind = BULK_BATCH,
					     .title = b->subject[0] != '\0' ? b->subject : b->template_name,
					     .origin = b->scheduled_at != 0 ? "auto" : "manual",
					     .local_on = today });
	if (rc == RC_OK) rc = write_letter(cx, *batch, b, t, f);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE bulk_send SET batch_id = :batch, updated_at = :now WHERE id = :id AND status = 'sending'"
			" AND batch_id IS NULL",
			PARAMS(P_INT(":batch", *batch), P_INT(":now", cx_now(cx)), P_INT(":id", b->id)));
	/* paused, cancelled, or another one was first */
	if (rc == RC_OK && db_changes(cx) != 1) rc = RC_CONFLICT;
	return rc == RC_OK ? send_limits_watch(cx, b) : rc;
}

enum rc send_begin(struct cx *cx, struct job *job, struct bulk *b, bool *uses_email, enum begun *begun)
{
	struct begin s = { .cx = cx, .job = job, .bulk = b };
	struct mail_template t = { .subject = "" };
	struct files f;
	int64_t batch = 0;
	enum rc rc;

	*begun = BEGIN_OVER;
	if (b->valid_rows == 0) return refuse(&s, WHY_NOBODY, "", false);
	rc = gate(&s, b, &t, begun);
	if (rc != RC_OK || *begun != BEGIN_READY) return rc;
	*begun = BEGIN_OVER;
	send_limits_tell(cx, job, b);
	rc = read_files(cx, b->id, &f);
	if (rc == RC_BAD_INPUT || rc == RC_NOT_FOUND || rc == RC_TOO_LARGE || rc == RC_IO)
		return refuse(&s, WHY_FILES, cx_sentence_kept(cx, rc), true);
	if (rc != RC_OK) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = write_batch(cx, b, &t, &f, &batch);
	rc = tx_end(cx, rc);
	if (rc == RC_CONFLICT) return RC_OK;
	if (rc != RC_OK) return rc;
	b->batch_id = batch;
	*uses_email = template_uses_email(cx, &t);
	*begun = BEGIN_READY;
	return RC_OK;
}
