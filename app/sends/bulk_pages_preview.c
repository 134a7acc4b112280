/*
** bulk_pages_preview.c -- "Vista previa": what a file of recipients says, and the mails it makes, row by row.
**
** Needs:  recipients.h for the file, mail_template.h for the mail.
** Never:  makes a send, writes a recipient, asks the provider.
** Holds:  (1) the file of a preview is kept for its person and a day; the form that follows names it; (2) a
**         mail is only ever shown through answer_frame().
*/
#include "sends/bulk_pages.h"
#include "files/files.h"
#include "sends/template_inner.h"
#include <string.h>

#define COLUMNS_SHOWN 8 /* spec §4: five rows of eight columns */
#define ROWS_SHOWN    5
#define KEPT_FOR_MS   DAY_MS

/* Files of this person's older previews that no send came from. */
static enum rc forget_old(struct cx *cx)
{
	int64_t found = 0;
	enum rc rc = db_get_int(
		cx, &found,
		"SELECT count(*) FROM file f WHERE f.owner_table = :owner AND f.owner_id = :user AND f.archived_at IS NULL"
		" AND f.created_at < :before AND NOT EXISTS (SELECT 1 FROM bulk_send b WHERE b.file_id = f.id)",
		PARAMS(P_TEXT(":owner", BULK_KEPT_OWNER), P_INT(":user", cx->actor.user_id),
		       P_INT(":before", cx_now(cx) - KEPT_FOR_MS)));

	if (rc != RC_OK || found == 0) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE file SET archived_at = :now WHERE owner_table = :owner AND owner_id = :user AND archived_at"
			" IS NULL AND created_at < :before AND NOT EXISTS (SELECT 1 FROM bulk_send b WHERE b.file_id = file.id)",
			PARAMS(P_INT(":now", cx_now(cx)), P_TEXT(":owner", BULK_KEPT_OWNER),
			       P_INT(":user", cx->actor.user_id),
			       P_INT(":before", cx_now(cx) - KEPT_FOR_MS)));
	return tx_end(cx, rc);
}

/* What the file says */

static const char *delimiter_words(struct cx *cx, const char *delimiter)
{
	if (strcmp(delimiter, "\t") == 0) return "TAB";
	return arena_printf(cx->arena, "“%s”", delimiter);
}

static void add_count(struct cx *cx, struct value *list, const char *title, int64_t n, const char *mark)
{
	struct value *one = value_add_map(cx->arena, list);

	value_set_text(cx->arena, one, "title", title);
	value_set_text(cx->arena, one, "value", bulk_number(cx, n));
	value_set_text(cx->arena, one, "mark", n > 0 ? mark : NULL);
	value_set_null(cx->arena, one, "href");
	value_set_null(cx->arena, one, "note");
}

static void copy_texts(struct cx *cx, const struct value *from, struct value *out, const char *name,
		       size_t max)
{
	struct value *list = value_set_list(cx->arena, out, name);

	for (const struct value *v = from != NULL ? from->first : NULL; v != NULL && list->count < max;
	     v = v->next)
		value_set_text(cx->arena, value_add_map(cx->arena, list), "text", value_text_of(v, ""));
}

static void fill_looked(struct cx *cx, const struct value *seen, struct value *out)
{
	struct value *figures = value_set_list(cx->arena, out, "figures");
	struct value *errors = value_set_list(cx->arena, out, "problems");
	struct value *rows = value_set_list(cx->arena, out, "rows");
	const struct value *list = value_get(seen, "errors");
	const char *email = text_at(seen, "email_column");

	add_count(cx, figures, _("Rows in the file"), int_at(seen, "total"), NULL);
	/* A file that does not give the template everything sends nothing at all. */
	list = value_get(seen, "missing");
	add_count(cx, figures, _("Would be sent"),
		  list != NULL && list->count > 0 ? 0 : int_at(seen, "valid"), "ok");
	list = value_get(seen, "errors");
	add_count(cx, figures, _("Left out"), int_at(seen, "total") - int_at(seen, "valid"), "warn");
	add_count(cx, figures, _("Repeated rows"), int_at(seen, "duplicates"), "warn");
	add_count(cx, figures, _("Asked for no more"), int_at(seen, "suppressed"), "warn");
	value_set_text(cx->arena, out, "encoding", text_at(seen, "encoding"));
	value_set_text(cx->arena, out, "delimiter", delimiter_words(cx, text_at(seen, "delimiter")));
	value_set_text(cx->arena, out, "email_column", email[0] != '\0' ? email : _("Not detected"));
	if (email[0] == '\0')
		value_set_text(cx->arena, out, "no_column",
			       recipients_words(cx->lang, "email_column_missing"));
	value_set_text(cx->arena, out, "name_column", text_at(seen, "name_column"));
	for (const struct value *v = list != NULL ? list->first : NULL; v != NULL; v = v->next) {
		struct value *one;

		if (strcmp(text_at(v, "code"), "email_column_missing") == 0) continue; /* told above */
		one = value_add_map(cx->arena, errors);
		value_set_text(cx->arena, one, "text", text_at(v, "words"));
		value_set_text(cx->arena, one, "count", bulk_number(cx, int_at(v, "count")));
	}
	value_set_bool(cx->arena, out, "has_problems", errors->count > 0);
	if (int_at(seen, "typos") > 0)
		value_set_text(
			cx->arena, out, "typos",
			arena_printf(
				cx->arena,
				words_plural(
					cx->lang, int_at(seen, "typos"),
					N_("%s address looks misspelt (gmial.com…): it is sent all the same."),
					N_("%s addresses look misspelt (gmial.com…): they are sent all the same.")),
				bulk_number(cx, int_at(seen, "typos"))));
	list = value_get(seen, "missing");
	copy_texts(cx, list, out, "missing", 50);
	value_set_bool(cx->arena, out, "has_missing", list != NULL && list->count > 0);
	copy_texts(cx, value_get(seen, "headers"), out, "headers", COLUMNS_SHOWN);
	list = value_get(seen, "rows");
	for (const struct value *v = list != NULL ? list->first : NULL; v != NULL && rows->count < ROWS_SHOWN;
	     v = v->next)
		copy_texts(cx, v, value_add_map(cx->arena, rows), "cells", COLUMNS_SHOWN);
}

/* The mail of one row */

static const char *url_of(struct cx *cx, const char *text)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 64 * 1024);
	sb_url(&sb, text, strlen(text));
	return sb_text_of(&sb);
}

static int64_t row_asked(struct call *call)
{
	const char *text = form_text(call, "preview_row");
	struct value given = { .type = VALUE_TEXT, .text = text, .len = text != NULL ? strlen(text) : 0 };
	int64_t n = text != NULL ? value_int_of(&given, 0) : 0;

	return n > 0 && n < RECIPIENTS_ROWS_MAX ? n : 0;
}

static void fill_mail(struct cx *cx, struct call *call, const struct bulk_new *bulk, struct bytes file,
		      const struct mail_template *t, struct value *page, struct value *out)
{
	struct value *variables = NULL;
	int64_t row = row_asked(call);
	const char *html = "", *text = "", *subject = "";
	struct mail_template with = *t;
	enum rc rc = recipients_row(cx, &variables, file, row, bulk->variables_json);

	if (rc == RC_NOT_FOUND && row > 0)
		rc = recipients_row(cx, &variables, file, row = 0, bulk->variables_json);
	if (rc != RC_OK) return;
	if (bulk->subject[0] != '\0') with.subject = bulk->subject;
	if (template_preview(cx, &html, &text, &subject, &with, variables) != RC_OK) {
		value_set_text(cx->arena, out, "mail_error", cx->message);
		return;
	}
	value_set_bool(cx->arena, out, "has_mail", true);
	value_set_text(cx->arena, out, "subject", subject);
	value_set_text(cx->arena, out, "source",
		       strcmp(t->source, "cache") == 0 ? _("with the copy kept of the provider's template")
		       : strcmp(t->source, "api") == 0 ? _("with the template as the provider has it now")
						       : _("with the template written in the panel"));
	value_set_text(cx->arena, out, "row_shown", bulk_number(cx, row + 1));
	value_set_text(cx->arena, out, "before",
		       row > 0 ? arena_printf(cx->arena, "%lld", (long long)(row - 1)) : NULL);
	value_set_text(cx->arena, out, "after", arena_printf(cx->arena, "%lld", (long long)(row + 1)));
	value_set_text(cx->arena, out, "frame",
		       arena_printf(cx->arena,
				    "/sends/preview/frame?file=%s&row=%lld&channel=%s&template=%s&map=%s",
				    text_at(page, "kept_file"), (long long)row, bulk->channel,
				    url_of(cx, bulk->template_id), url_of(cx, bulk->variables_json)));
}

static enum rc look(struct cx *cx, struct call *call, const struct bulk_new *bulk, struct bytes file,
		    struct value *page)
{
	struct value *seen = NULL, *required = NULL, *out = value_map(cx->arena);
	struct mail_template t;
	bool has_template = bulk->template_id[0] != '\0' &&
			    mail_template_read(cx, &t, bulk->channel, bulk->template_id, false) == RC_OK &&
			    t.has_body && template_required(cx, &required, &t) == RC_OK;
	const char *unread = cx->message;
	struct preview_options options = { .variables_json = bulk->variables_json,
					   .may_be_empty = bulk->may_be_empty,
					   .dedupe = bulk->dedupe,
					   .sends_suppressed = bulk->sends_suppressed,
					   .required = has_template ? required : NULL };
	enum rc rc;

	cx->message = "";
	rc = recipients_preview(cx, &seen, file, &options);
	if (rc == RC_BAD_INPUT) return cx_fail_field(cx, "recipients_file", "%s", cx_sentence(cx, rc));
	if (rc != RC_OK) return rc;
	fill_looked(cx, seen, out);
	if (has_template)
		fill_mail(cx, call, bulk, file, &t, page, out);
	else if (bulk->template_id[0] != '\0')
		value_set_text(cx->arena, out, "mail_error",
			       unread[0] != '\0' ? unread
						 : _("Nothing is known of this template's content yet."));
	value_set(page, "preview", out);
	return RC_OK;
}

/* Is the template's body on its way from the provider? */
static bool is_body_coming(struct cx *cx, struct call *call)
{
	const char *channel = form_text(call, "channel"), *id = bulk_form_template(call);
	struct mail_template t;
	bool waits = false;

	if (channel == NULL || id[0] == '\0' || mail_template_read(cx, &t, channel, id, false) != RC_OK ||
	    template_look_again(cx, call, &t, &waits) != RC_OK)
		waits = false;
	cx->message = "";
	cx->error_code = NULL;
	return waits;
}

enum rc handle_send_preview(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena);
	struct bytes file = { NULL, 0 };
	struct bulk_new bulk;
	const char *kept = "", *message;
	enum rc rc, seen;

	/* Before the form is read: that keeps its file, and who waits is handled again from the beginning. */
	if (is_body_coming(cx, call)) {
		answer_later(call, TEMPLATE_PARK_MS);
		return RC_OK;
	}
	rc = bulk_form_read(cx, call, &bulk);
	if (rc != RC_OK && rc != RC_BAD_INPUT) return rc;
	if (bulk.file_id != 0) {
		seen = db_get_text(cx, &kept, "SELECT public_id FROM file WHERE id = :id",
				   PARAMS(P_INT(":id", bulk.file_id)));
		value_set_text(cx->arena, page, "kept_file", kept);
		if (seen == RC_OK) seen = file_map(cx, &file, bulk.file_id);
		if (seen == RC_OK) {
			message = cx->message;
			seen = look(cx, call, &bulk, file, page);
			if (seen == RC_OK) cx->message = message;
			file_unmap(file);
		}
		if (seen != RC_OK) rc = seen;
		if (rc != RC_OK && rc != RC_BAD_INPUT) return rc;
		if (forget_old(cx) != RC_OK) cx->message = "";
	}
	bulk_form_fill(cx, call, page, true);
	return bulk_form_answer(cx, call, page, rc);
}

/* The frame */

/* A mail without HTML, as a program for mail shows it. */
static const char *as_page(struct cx *cx, const char *text)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 1024 * 1024);
	sb_lit(&sb, "<!DOCTYPE html><meta charset=\"utf-8\"><pre>");
	sb_html(&sb, text, strlen(text));
	sb_lit(&sb, "</pre>");
	return sb_text_of(&sb);
}

enum rc handle_preview_frame(struct cx *cx, struct call *call)
{
	static const char *const names[] = { "file", "row", "channel", "template", "map" };
	const char *given[5], *html = "", *text = "", *subject = "";
	struct value row = { .type = VALUE_TEXT }, *variables = NULL;
	struct bytes file = { NULL, 0 };
	struct mail_template t;
	int64_t id = 0;
	enum rc rc;

	for (size_t i = 0; i < 5; i++) {
		given[i] = call_query(call, names[i]);
		if (given[i] == NULL) given[i] = "";
	}
	rc = db_get_int(
		cx, &id,
		"SELECT id FROM file WHERE public_id = :id AND owner_table = :owner AND owner_id = :user"
		" AND archived_at IS NULL",
		PARAMS(P_TEXT(":id", given[0]), P_TEXT(":owner", BULK_KEPT_OWNER),
		       P_INT(":user", cx->actor.user_id)));
	row.text = given[1];
	row.len = strlen(given[1]);
	if (rc == RC_OK) rc = mail_template_read(cx, &t, given[2], given[3], false);
	if (rc == RC_OK) rc = file_map(cx, &file, id);
	if (rc == RC_OK) rc = recipients_row(cx, &variables, file, value_int_of(&row, 0), given[4]);
	if (rc == RC_OK) rc = template_preview(cx, &html, &text, &subject, &t, variables);
	file_unmap(file);
	if (rc == RC_OK) answer_frame(cx, call, html[0] != '\0' ? html : as_page(cx, text));
	return rc;
}
