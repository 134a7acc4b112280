/*
** template_list.c -- /templates: the provider's and the panel's in one list, and the button that asks again.
**
** Never:  waits for the network: a look is a job, and who pressed the button is parked until it has ended.
** Holds:  a provider that does not answer takes nothing away: the list as it was stays, with the reason above
** it.
*/
#include "sends/template_inner.h"
#include "base/text.h"
#include "desk/inner.h"

#include <string.h>

static const char *text_at(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

int64_t template_waited_ms(struct call *call)
{
	return clock_ticks() - request_started_ticks(call_request(call));
}

/* The newest job of a slot; RC_NOT_FOUND. */
enum rc template_newest_job(struct cx *cx, int64_t *id, const char *slot)
{
	return db_get_int(cx, id,
			  "SELECT id FROM job WHERE slot = :slot AND slot >= 'sends.' AND slot < 'sends/'"
			  " ORDER BY id DESC LIMIT 1",
			  PARAMS(P_TEXT(":slot", slot)));
}

/* The list */

static enum rc rows_panel(struct cx *cx, struct value **out, const char *like)
{
	return db_rows(
		cx, out, TEMPLATE_LIST_MAX,
		"SELECT public_id AS id, name, subject, from_email, from_name, updated_at FROM mail_template WHERE"
		" archived_at IS NULL AND (:like = '' OR search LIKE :like ESCAPE '\\')"
		" ORDER BY name COLLATE NOCASE, id LIMIT :max",
		PARAMS(P_TEXT(":like", like), P_INT(":max", TEMPLATE_LIST_MAX)));
}

static enum rc rows_provider(struct cx *cx, struct value **out, const char *like)
{
	return db_rows(
		cx, out, TEMPLATE_LIST_MAX,
		"SELECT provider_id AS id, name, subject, from_email, from_name, listed_at AS updated_at FROM"
		" provider_template WHERE channel = 'doppler' AND is_listed = 1 AND (:like = '' OR search LIKE :like"
		" ESCAPE '\\') ORDER BY name COLLATE NOCASE, id LIMIT :max",
		PARAMS(P_TEXT(":like", like), P_INT(":max", TEMPLATE_LIST_MAX)));
}

static void add_rows(struct cx *cx, struct call *call, struct value *list, const struct value *rows,
		     const char *source)
{
	bool is_page = call_shape(call) == SHAPE_PAGE;

	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, list);
		const char *email = text_at(v, "from_email"), *name = text_at(v, "from_name");
		char at[RFC3339_SIZE];

		value_set_text(cx->arena, one, "id", text_at(v, "id"));
		value_set_text(cx->arena, one, "name", text_at(v, "name"));
		value_set_text(cx->arena, one, "subject", text_at(v, "subject"));
		value_set_text(cx->arena, one, "from_email", email);
		value_set_text(cx->arena, one, "from_name", name);
		value_set_text(cx->arena, one, "source", source);
		if (!is_page) {
			instant_text(at, value_int_of(value_get(v, "updated_at"), 0));
			value_set_text(cx->arena, one, "updated_at", at);
			continue;
		}
		value_set_text(cx->arena, one, "href",
			       arena_printf(cx->arena, "/templates/%s", text_at(v, "id")));
		value_set_text(cx->arena, one, "kind",
			       strcmp(source, "panel") == 0 ? _("Of the panel") : "Doppler Relay");
		value_set_text(cx->arena, one, "sender",
			       name[0] != '\0' ? arena_printf(cx->arena, "%s <%s>", name, email) : email);
		instant_text_local(at, value_int_of(value_get(v, "updated_at"), 0), cx->env->zone);
		at[16] = '\0'; /* to the minute */
		value_set_text(cx->arena, one, "at", at);
	}
}

/* Starts a look when the list is old, and says why it is. */
static enum rc add_state(struct cx *cx, struct value *page, bool is_page)
{
	struct value *none = NULL;
	struct template_list list;
	const char *why = "";
	bool is_stale = false;
	char at[RFC3339_SIZE];
	enum rc rc = mail_template_choices(cx, &none, TEMPLATE_DOPPLER, &is_stale, &why);

	if (rc == RC_OK) rc = template_list_read(cx, &list);
	if (rc != RC_OK) return rc;
	value_set_bool(cx->arena, page, "is_stale", is_stale);
	value_set_text(cx->arena, page, "why", why);
	if (list.listed_at == 0) return RC_OK; /* nobody has asked yet */
	if (is_page)
		instant_text_local(at, list.listed_at, cx->env->zone);
	else
		instant_text(at, list.listed_at);
	if (is_page) at[16] = '\0';
	value_set_text(cx->arena, page, "listed_at", at);
	return RC_OK;
}

static enum rc list_page(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *rows = NULL, *list;
	const char *q = call_query(call, "q"), *source = call_query(call, "source"), *like = "";
	bool is_page = call_shape(call) == SHAPE_PAGE;
	enum rc rc = RC_OK;

	if (q != NULL && text_trim(cx->arena, q)[0] != '\0') like = text_like(cx->arena, q);
	if (source == NULL) source = "";
	list = value_set_list(cx->arena, page, is_page ? "templates" : "data");
	if (strcmp(source, "doppler") != 0) rc = rows_panel(cx, &rows, like);
	if (rc == RC_OK && rows != NULL) add_rows(cx, call, list, rows, "panel");
	rows = NULL;
	if (rc == RC_OK && strcmp(source, "panel") != 0) rc = rows_provider(cx, &rows, like);
	if (rc == RC_OK && rows != NULL) add_rows(cx, call, list, rows, "doppler");
	if (rc == RC_OK) rc = add_state(cx, page, is_page);
	if (rc != RC_OK) return rc;
	if (!is_page) {
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	value_set_text(cx->arena, page, "q", q != NULL ? q : "");
	value_set_bool(cx->arena, page, "is_searched", like[0] != '\0' || source[0] != '\0');
	value_set_bool(cx->arena, page, "is_panel", strcmp(source, "panel") == 0);
	value_set_bool(cx->arena, page, "is_doppler", strcmp(source, "doppler") == 0);
	value_set_bool(cx->arena, page, "is_empty", list->count == 0);
	value_set_bool(cx->arena, page, "may_edit", actor_may(&cx->actor, RIGHT_TEMPLATES));
	page_answer(cx, call, "sends/templates", _("Mail templates"), page);
	return RC_OK;
}

/* The look has ended: the list, or for programs its failure (spec §18: 502). */
static enum rc refreshed(struct cx *cx, struct call *call, const struct template_work *work)
{
	struct value *out;

	if (call_shape(call) == SHAPE_PAGE) {
		answer_flash(cx, call, "/templates", work->sentence);
		return RC_OK;
	}
	if (work->is_well) return list_page(cx, call);
	out = value_map(cx->arena);
	value_set_text(cx->arena, out, "message", work->sentence);
	answer_json(cx, call, 502, out);
	return RC_OK;
}

static enum rc refuse_refresh(struct cx *cx, struct call *call, enum rc rc)
{
	if (call_shape(call) != SHAPE_PAGE || (rc != RC_BAD_INPUT && rc != RC_TRY_LATER)) return rc;
	answer_flash(cx, call, "/templates", cx_sentence(cx, rc));
	return RC_OK;
}

enum rc template_handle_list(struct cx *cx, struct call *call)
{
	const char *refresh = call_query(call, "refresh");
	struct template_work work;
	int64_t job = 0;
	enum rc rc;

	if (refresh == NULL || strcmp(refresh, "1") != 0) return list_page(cx, call);
	if (!call_is_again(call)) {
		rc = mail_templates_refresh(cx, &job);
		if (rc != RC_OK && rc != RC_CONFLICT) return refuse_refresh(cx, call, rc);
	}
	rc = template_newest_job(cx, &job, "sends.templates");
	if (rc == RC_OK) rc = template_work_read(cx, &work, job);
	if (rc != RC_OK) return rc;
	if (work.is_over) return refreshed(cx, call, &work);
	if (template_waited_ms(call) < TEMPLATE_LOOK_MS) {
		answer_later(call, TEMPLATE_PARK_MS);
		return RC_OK;
	}
	if (call_shape(call) != SHAPE_PAGE) return list_page(cx, call);
	answer_flash(cx, call, "/templates", _("The provider is still being asked; look again in a moment."));
	return RC_OK;
}
