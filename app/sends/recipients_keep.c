/*
** recipients_keep.c -- forgets what files said about people: when its days are over, or because one asks for
** it.
**
** Owns:   the emptying of rows of bulk_recipient, of the variables of their messages and of the uploaded
** files. Never:  removes a row, a message or a suppression: who got what, and who wants nothing, stays known.
** Holds:  (1) an old send is emptied once (bulk_send.emptied_at); (2) a transaction is a slice.
*/
#include "sends/import_inner.h"
#include "sends/recipients.h"
#include "sends/reports.h"

#include "base/text.h"
#include <string.h>

#define EMPTIED_ONCE  2000  /* rows written in one transaction: some 20 ms      */
#define SEARCHED_ONCE 20000 /* rows looked through for an address, one read    */
#define FOUND_MAX     500   /* rows of one person changed in one transaction   */

/* A send whose days are over; RC_NOT_FOUND: none. */
static enum rc find_old(struct cx *cx, int64_t *id, instant before)
{
	return db_get_int(
		cx, id,
		"SELECT id FROM bulk_send WHERE status IN ('done', 'error', 'cancelled') AND emptied_at IS NULL"
		" AND coalesce(sent_finished_at, updated_at) < :before LIMIT 1",
		PARAMS(P_INT(":before", before)));
}

/* The upload is nobody's any more: the sweep of files removes its bytes. */
static enum rc drop_file(struct cx *cx, int64_t bulk_id)
{
	enum rc rc = db_run(cx,
			    "UPDATE file SET archived_at = :now WHERE archived_at IS NULL AND id ="
			    " (SELECT file_id FROM bulk_send WHERE id = :id)",
			    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", bulk_id)));

	if (rc != RC_OK) return rc;
	return db_run(cx, "UPDATE bulk_send SET file_id = NULL WHERE id = :id",
		      PARAMS(P_INT(":id", bulk_id)));
}

static enum rc empty_send(struct cx *cx, struct job *job, int64_t bulk_id)
{
	int64_t last = 0, from = 0;
	enum rc rc = import_remove_hidden(cx, job, bulk_id);

	if (rc == RC_OK)
		rc = db_get_int(cx, &last, "SELECT imported_rows FROM bulk_send WHERE id = :id",
				PARAMS(P_INT(":id", bulk_id)));
	for (; rc == RC_OK && from < last; from += EMPTIED_ONCE) {
		rc = tx_begin(cx);
		if (rc == RC_OK)
			rc = db_run(
				cx,
				"UPDATE bulk_recipient SET payload_json = NULL, name = '' WHERE bulk_id = :id AND"
				" import_version = (SELECT import_version FROM bulk_send WHERE id = :id) AND"
				" row_number > :from AND row_number <= :to AND (payload_json IS NOT NULL OR name <> '')",
				PARAMS(P_INT(":id", bulk_id), P_INT(":from", from),
				       P_INT(":to", from + EMPTIED_ONCE)));
		rc = tx_end(cx, rc);
		if (rc == RC_OK && job != NULL && job_should_stop(job)) rc = RC_TRY_LATER;
	}
	if (rc == RC_OK)
		rc = tx_begin(cx);
	else
		return rc;
	if (rc == RC_OK) rc = drop_file(cx, bulk_id);
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE bulk_send SET emptied_at = :now WHERE id = :id",
			    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", bulk_id)));
	return tx_end(cx, rc);
}

enum rc recipients_retention(struct cx *cx, struct job *job)
{
	instant before = cx_now(cx) - setting_int(cx->env->settings, "sends.keep_days") * DAY_MS;
	int64_t id = 0;
	enum rc rc = RC_OK;

	while (rc == RC_OK) {
		rc = find_old(cx, &id, before);
		if (rc == RC_OK) rc = empty_send(cx, job, id);
	}
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* One person */

static enum rc is_under_way(struct cx *cx, const char *address)
{
	int64_t count = 0;
	enum rc rc = db_get_int(
		cx, &count,
		"SELECT count(*) FROM message WHERE contact_id IN (SELECT id FROM contact WHERE kind = 'email'"
		" AND address IN (:typed, :lower)) AND state IN ('queued', 'sending', 'unsure')",
		PARAMS(P_TEXT(":typed", address), P_TEXT(":lower", text_lower_ascii(cx->arena, address))));

	if (rc != RC_OK || count == 0) return rc;
	return cx_fail(
		cx, RC_CONFLICT,
		_("Mail to this address is still under way or unsure. Cancel or decide it first, then ask again."));
}

/* Ids of the person's rows in (from, to]. */
static enum rc find_rows(struct cx *cx, int64_t *ids, size_t *count, const char *address, int64_t from,
			 int64_t to)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT id FROM bulk_recipient WHERE id > :from AND id <= :to AND"
		" (recipient = :address COLLATE NOCASE OR normalized = :address COLLATE NOCASE) LIMIT :most",
		PARAMS(P_INT(":from", from), P_INT(":to", to), P_TEXT(":address", address),
		       P_INT(":most", FOUND_MAX)));

	*count = 0;
	while (rc == RC_OK && *count < FOUND_MAX && query_next(q))
		ids[(*count)++] = query_int(q, 0);
	return query_end(q, rc);
}

/* What was to be sent yet is not: it counts as suppressed. */
static enum rc forget_row(struct cx *cx, int64_t id)
{
	int64_t bulk_id = 0;
	enum rc rc = db_run(cx,
			    "UPDATE message SET variables_json = NULL, to_name = NULL"
			    " WHERE occasion = 'bulk_recipient:' || :id",
			    PARAMS(P_INT(":id", id)));

	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE bulk_recipient SET recipient = '***', normalized = NULL, name = '', payload_json = NULL,"
			" error_detail = '', error_code = CASE WHEN error_code = '' AND row_number >"
			" (SELECT fed_row FROM bulk_send WHERE id = bulk_id) THEN 'suppressed' ELSE error_code END"
			" WHERE id = :id",
			PARAMS(P_INT(":id", id)));
	if (rc == RC_OK)
		rc = db_get_int(cx, &bulk_id, "SELECT bulk_id FROM bulk_recipient WHERE id = :id",
				PARAMS(P_INT(":id", id)));
	return rc == RC_OK ? drop_file(cx, bulk_id) : rc;
}

enum rc recipients_forget(struct cx *cx, const char *typed, int64_t *rows)
{
	int64_t *ids = arena_array(cx->arena, FOUND_MAX, sizeof(*ids)), last = 0, from = 0, importing = 0;
	const char *address = "";
	size_t count;
	enum rc rc;

	*rows = 0;
	if (ids == NULL) return RC_NO_MEMORY;
	if (*recipient_check(cx->arena, &address, typed) != '\0')
		return cx_fail(cx, RC_BAD_INPUT, _("This is not one e-mail address: %s"), typed);
	rc = is_under_way(cx, address);
	if (rc == RC_OK)
		rc = db_get_int(cx, &importing,
				"SELECT count(*) FROM bulk_send WHERE import_status = 'importing'",
				NO_PARAMS);
	if (rc == RC_OK && importing > 0)
		return cx_fail(
			cx, RC_CONFLICT,
			_("The recipients of a send are being read right now. Ask again in a minute."));
	if (rc == RC_OK)
		rc = db_get_int(cx, &last, "SELECT coalesce(max(id), 0) FROM bulk_recipient", NO_PARAMS);
	while (rc == RC_OK && from < last) {
		rc = find_rows(cx, ids, &count, address, from, from + SEARCHED_ONCE);
		if (rc != RC_OK) break;
		/* a full hand: look from its last row on */
		from = count == FOUND_MAX ? ids[count - 1] : from + SEARCHED_ONCE;
		if (count == 0) continue;
		rc = tx_begin(cx);
		for (size_t i = 0; i < count && rc == RC_OK; i++)
			rc = forget_row(cx, ids[i]);
		rc = tx_end(cx, rc);
		if (rc == RC_OK) *rows += (int64_t)count;
	}
	return rc;
}

enum rc recipients_forget_command(struct cx *cx, struct command_call *call)
{
	const char *address = command_word(call, 0, (const char *const[]){ NULL });
	int64_t rows = 0, told = 0, files = 0;
	enum rc rc = command_check(cx, call, (const char *const[]){ NULL }, (const char *const[]){ NULL });

	if (rc == RC_OK && address == NULL)
		rc = cx_fail(cx, RC_BAD_INPUT, "%s",
			     _("Say whose rows are to be forgotten: an e-mail address."));
	if (rc == RC_OK) rc = recipients_forget(cx, address, &rows);
	if (rc == RC_OK) rc = reports_forget_person(cx, address, &told, &files);
	if (rc != RC_OK) return rc;
	if (call->is_json) {
		fprintf(call->out, "{\"rows\":%lld,\"report_rows\":%lld,\"report_files\":%lld}\n",
			(long long)rows, (long long)told, (long long)files);
		return RC_OK;
	}
	if (rows > 0 || told + files == 0)
		fprintf(call->out, "%s\n",
			rows == 0
				? _("No file of recipients has this address.")
				: arena_printf(
					  cx->arena,
					  _("%lld rows of bulk sends forgot this person, and their files are gone."),
					  (long long)rows));
	if (told + files > 0)
		fprintf(call->out,
			_("%lld rows of reports forgot this person, and %lld files of reports that named it are gone.\n"),
			(long long)told, (long long)files);
	return RC_OK;
}
