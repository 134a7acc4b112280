/*
** mail_template.c -- one template by its road and id, and the lists forms choose from.
**
** Owns:   the table provider_template (with template_job.c), reading of mail_template.
** Needs:  doppler.h for a fresh look, in jobs and commands only.
** Never:  waits for the network unless it may ask.
** Holds:  (1) with may_ask, what is read is what the provider has now, or a failure: nothing old is sent by
** mistake;
**         (2) a panel's template without a text has one made of its HTML.
*/
#include "sends/template_inner.h"
#include "base/text.h"
#include "sends/doppler.h"

#include <string.h>

static const char *column(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static enum rc not_there(struct cx *cx, const char *id)
{
	return cx_fail(cx, RC_NOT_FOUND, _("There is no template %s."), id);
}

/* The panel's */

static enum rc read_panel(struct cx *cx, struct mail_template *out, const char *channel, const char *id)
{
	struct value *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT name, subject, html, text, from_email, from_name FROM mail_template WHERE public_id = :id"
		" AND archived_at IS NULL",
		PARAMS(P_TEXT(":id", id)));

	if (rc == RC_NOT_FOUND) return not_there(cx, id);
	if (rc != RC_OK) return rc;
	*out = (struct mail_template){
		.channel = channel,
		.id = arena_text(cx->arena, id),
		.name = column(row, "name"),
		.subject = column(row, "subject"),
		.html = column(row, "html"),
		.text = column(row, "text"),
		.from_email = column(row, "from_email"),
		.from_name = column(row, "from_name"),
		.body_type = "",
		.source = "panel",
		.has_body = true,
	};
	if (out->text[0] == '\0' && out->html[0] != '\0')
		out->text = template_text_of_html(cx->arena, out->html);
	return arena_failed(cx->arena) ? RC_NO_MEMORY : RC_OK;
}

/* The provider's */

static enum rc read_cache(struct cx *cx, struct mail_template *out, const char *id)
{
	struct value *row = NULL;
	enum rc rc = db_row(cx, &row,
			    "SELECT name, subject, from_email, from_name, body_type, body, is_listed FROM"
			    " provider_template WHERE channel = :channel AND provider_id = :id",
			    PARAMS(P_TEXT(":channel", TEMPLATE_DOPPLER), P_TEXT(":id", id)));
	const struct value *body;

	if (rc == RC_NOT_FOUND || (rc == RC_OK && value_int_of(value_get(row, "is_listed"), 0) == 0))
		return not_there(cx, id);
	if (rc != RC_OK) return rc;
	body = value_get(row, "body");
	*out = (struct mail_template){
		.channel = TEMPLATE_DOPPLER,
		.id = arena_text(cx->arena, id),
		.name = column(row, "name"),
		.subject = column(row, "subject"),
		.html = value_text_of(body, ""),
		.text = "",
		.from_email = column(row, "from_email"),
		.from_name = column(row, "from_name"),
		.body_type = column(row, "body_type"),
		.has_body = body != NULL && body->type == VALUE_TEXT,
	};
	out->source = out->has_body ? "cache" : "empty";
	return RC_OK;
}

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* What the provider just told, into the cache; in the caller's transaction. */
static enum rc keep(struct cx *cx, const struct doppler_template *t, bool has_body)
{
	enum rc rc = db_run(
		cx,
		"INSERT INTO provider_template (channel, provider_id, name, subject, from_email, from_name, body_type,"
		" listed_at, search) VALUES (:channel, :id, :name, :subject, :email, :from, :type, :now, :search)"
		" ON CONFLICT (channel, provider_id) DO UPDATE SET name = excluded.name, subject = excluded.subject,"
		" from_email = excluded.from_email, from_name = excluded.from_name, body_type = CASE WHEN"
		" excluded.body_type = '' THEN body_type ELSE excluded.body_type END, listed_at = excluded.listed_at,"
		" is_listed = 1, search = excluded.search",
		PARAMS(P_TEXT(":channel", TEMPLATE_DOPPLER), P_TEXT(":id", t->id),
		       P_TEXT(":name", or_empty(t->name)), P_TEXT(":subject", or_empty(t->subject)),
		       P_TEXT(":email", or_empty(t->from_email)), P_TEXT(":from", or_empty(t->from_name)),
		       P_TEXT(":type", or_empty(t->body_type)), P_INT(":now", cx_now(cx)),
		       P_TEXT(":search",
			      text_fold(cx->arena, arena_printf(cx->arena, "%s %s %s", or_empty(t->name),
								or_empty(t->subject), t->id)))));

	if (rc == RC_OK && has_body)
		rc = db_run(
			cx,
			"UPDATE provider_template SET body = :body, body_at = :now WHERE channel = :channel"
			" AND provider_id = :id",
			PARAMS(P_TEXT(":body", or_empty(t->body)), P_INT(":now", cx_now(cx)),
			       P_TEXT(":channel", TEMPLATE_DOPPLER), P_TEXT(":id", t->id)));
	return rc;
}

enum rc template_keep_listed(struct cx *cx, const struct doppler_template *t)
{
	return keep(cx, t, t->body != NULL && t->body[0] != '\0');
}

enum rc template_forget(struct cx *cx, const char *id)
{
	return db_run(
		cx,
		"UPDATE provider_template SET is_listed = 0 WHERE channel = :channel AND provider_id = :id",
		PARAMS(P_TEXT(":channel", TEMPLATE_DOPPLER), P_TEXT(":id", id)));
}

static enum rc read_provider(struct cx *cx, struct mail_template *out, const char *id)
{
	struct doppler_template t = { .id = NULL };
	enum rc rc = doppler_template_get(cx, &t, id), kept = RC_OK;

	if (rc == RC_OK || rc == RC_NOT_FOUND) {
		kept = tx_begin(cx);
		if (kept == RC_OK) {
			t.id = id;
			kept = tx_end(cx, rc == RC_OK ? keep(cx, &t, true) : template_forget(cx, id));
		}
	}
	if (rc == RC_NOT_FOUND) return not_there(cx, id);
	/* No key is the person's to mend; anything else may be over in a moment. */
	if (rc != RC_OK) return rc == RC_BAD_INPUT || rc == RC_NO_MEMORY || rc == RC_BUG ? rc : RC_TRY_LATER;
	if (kept != RC_OK) return kept;
	*out = (struct mail_template){
		.channel = TEMPLATE_DOPPLER,
		.id = arena_text(cx->arena, id),
		.name = or_empty(t.name),
		.subject = or_empty(t.subject),
		.html = or_empty(t.body),
		.text = "",
		.from_email = or_empty(t.from_email),
		.from_name = or_empty(t.from_name),
		.body_type = or_empty(t.body_type),
		.source = "api",
		.has_body = t.body != NULL && t.body[0] != '\0',
	};
	return RC_OK;
}

enum rc mail_template_read(struct cx *cx, struct mail_template *out, const char *channel, const char *id,
			   bool may_ask)
{
	if (id == NULL || id[0] == '\0') return cx_fail(cx, RC_NOT_FOUND, "%s", _("No template is chosen."));
	if (strcmp(channel, TEMPLATE_DOPPLER) != 0) return read_panel(cx, out, channel, id);
	return may_ask ? read_provider(cx, out, id) : read_cache(cx, out, id);
}

/* Lists */

static enum rc choices_of(struct cx *cx, struct value **out, const char *channel)
{
	static const char *const panel =
		"SELECT public_id AS id, name, subject FROM mail_template WHERE archived_at IS NULL"
		" ORDER BY name COLLATE NOCASE, id LIMIT :max";
	static const char *const provider =
		"SELECT provider_id AS id, name, subject FROM provider_template WHERE channel = 'doppler'"
		" AND is_listed = 1 ORDER BY name COLLATE NOCASE, id LIMIT :max";
	struct value *rows = NULL;
	enum rc rc = db_rows(cx, &rows, TEMPLATE_CHOICES,
			     strcmp(channel, TEMPLATE_DOPPLER) == 0 ? provider : panel,
			     PARAMS(P_INT(":max", TEMPLATE_CHOICES)));

	for (struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL; v = v->next)
		value_set_text(cx->arena, v, "label",
			       arena_printf(cx->arena, "%s (id=%s)", column(v, "name"), column(v, "id")));
	if (rc == RC_OK) *out = rows;
	return rc;
}

enum rc mail_template_choices(struct cx *cx, struct value **out, const char *channel, bool *is_stale,
			      const char **why)
{
	struct template_list list;
	const char *before = cx->message;
	int64_t job = 0;
	enum rc rc = choices_of(cx, out, channel);

	*is_stale = false;
	*why = "";
	if (rc != RC_OK || strcmp(channel, TEMPLATE_DOPPLER) != 0) return rc;
	if (doppler_is_set(cx) != RC_OK) {
		*why = cx->message;
		cx->error_code = NULL;
		cx->message = before; /* what is there already can be chosen all the same */
		return RC_OK;
	}
	rc = template_list_read(cx, &list);
	if (rc != RC_OK) return rc;
	*is_stale = cx_now(cx) - list.listed_at > TEMPLATE_FRESH_MS;
	if (list.failed_at != 0) *why = list.why;
	for (struct value *v = (*out)->first; v != NULL; v = v->next)
		value_set_bool(cx->arena, v, "is_stale", *is_stale);
	if (*is_stale && !tx_is_open(cx) && template_pause_until(&list, cx_now(cx)) == 0 &&
	    cx_now(cx) - list.failed_at > TEMPLATE_AGAIN_MS) {
		rc = mail_templates_refresh(cx, &job);
		if (rc == RC_CONFLICT || rc == RC_TRY_LATER || rc == RC_BAD_INPUT) rc = RC_OK;
		cx->message = before; /* the list as it is will do */
		cx->error_code = NULL;
	}
	return rc;
}
