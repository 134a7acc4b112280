/*
** why.c -- "Why did Ana not get it?": the bulk sends that had this person, by the address.
**
** Never:  decides anything; a message is told only by its id.
** Holds:  only the newest sends are looked through for rows that were left out: they are found by no index,
**         and a question about a person may not read millions of rows.
*/
#include "sends/bulk_pages.h"
#include <string.h>

#define SENDS_LOOKED_AT 20  /* newest sends whose left-out rows are read                     */
#define MESSAGES_TOLD   100 /* newest mails of bulk sends to one person                       */
#define LEFT_OUT_TOLD   50

static const char *what_of(struct cx *cx, const struct value *v)
{
	return arena_printf(cx->arena, _("Bulk send %lld: %s"), (long long)int_at(v, "number"),
			    text_at(v, "template"));
}

static enum rc tell_messages(struct cx *cx, struct why *why, const struct why_person *p)
{
	struct value *rows = NULL;
	enum rc rc = RC_OK;

	if (p->contact_id == 0) return RC_OK;
	rc = db_rows(
		cx, &rows, MESSAGES_TOLD,
		"SELECT m.id, m.created_at, s.id AS number, s.public_id, coalesce(nullif(s.template_name, ''), s.template_id)"
		" AS template FROM message m CROSS JOIN bulk_send s ON s.batch_id = m.batch_id WHERE m.contact_id = :id"
		" AND m.created_at >= :from ORDER BY m.id DESC LIMIT :max",
		PARAMS(P_INT(":id", p->contact_id), P_INT(":from", p->from), P_INT(":max", MESSAGES_TOLD)));
	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL; v = v->next)
		why_occasion(cx, why,
			     &(struct why_occasion){
				     .at = int_at(v, "created_at"),
				     .what = what_of(cx, v),
				     .message_id = int_at(v, "id"),
				     .href = arena_printf(cx->arena, "/sends/%s", text_at(v, "public_id")) });
	return rc;
}

/* Rows of files that were never sent: repeated, suppressed, wrong. */
static enum rc tell_left_out(struct cx *cx, struct why *why, const struct why_person *p)
{
	struct value *rows = NULL;
	enum rc rc;

	if (strchr(p->address, '@') == NULL) return RC_OK;
	rc = db_rows(
		cx, &rows, LEFT_OUT_TOLD,
		"SELECT r.row_number, r.error_code, s.created_at, s.id AS number, s.public_id,"
		" coalesce(nullif(s.template_name, ''), s.template_id) AS template FROM bulk_send s CROSS JOIN bulk_recipient r"
		" INDEXED BY bulk_recipient_invalid ON r.bulk_id = s.id AND r.import_version = s.import_version"
		" AND r.error_code <> '' WHERE s.id IN (SELECT id FROM bulk_send WHERE created_at >= :from"
		" ORDER BY created_at DESC LIMIT :sends) AND coalesce(r.normalized, r.recipient) = :address LIMIT :max",
		PARAMS(P_INT(":from", p->from), P_INT(":sends", SENDS_LOOKED_AT),
		       P_TEXT(":address", p->address), P_INT(":max", LEFT_OUT_TOLD)));
	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL; v = v->next)
		why_occasion(cx, why,
			     &(struct why_occasion){
				     .at = int_at(v, "created_at"),
				     .what = arena_printf(cx->arena, _("%s (row %lld)"), what_of(cx, v),
							  (long long)int_at(v, "row_number")),
				     .state = "stopped",
				     .rule = text_at(v, "error_code"),
				     .words = recipients_words(cx->lang, text_at(v, "error_code")),
				     .href = arena_printf(cx->arena, "/sends/%s/rows?state=invalid",
							  text_at(v, "public_id")) });
	return rc;
}

static enum rc tell(struct cx *cx, struct why *why, const struct why_person *person)
{
	enum rc rc;

	if (!actor_may(&cx->actor, RIGHT_VIEW)) return RC_OK;
	rc = tell_messages(cx, why, person);
	return rc == RC_OK ? tell_left_out(cx, why, person) : rc;
}

const struct reason_source sends_reasons[] = {
	{ .name = "sends", .tell = tell },
	{ .name = NULL },
};
