/*
** bulk_pages_rows.c -- what became of each row of a send: page by page, as a file, and those nobody knows
** about.
**
** Needs:  bulk.h for the rows, bulk_inner.h for the evidence.
** Never:  decides an unsure row: its form posts to api.c.
** Holds:  (1) page and files have the same rows (spec §9.7), and programs by /recipients; (2) a file of
**         250,000 rows never is in memory as a whole; (3) nothing is told of a row here that its message does
**         not say.
*/
#include "sends/bulk_inner.h"
#include "sends/bulk_pages.h"
#include "files/files.h"
#include "files/sheet.h"
#include <string.h>
#include <unistd.h>

#define SLICE        1000 /* rows read at once for a file: about 1 MB */
#define SLICE_ARENA  (16u << 20)
#define UNSURE_SHOWN 20

static const struct {
	const char *name, *title;
	enum sheet_type type;
} columns[] = {
	{ "row", N_("Row"), SHEET_INT },
	{ "email", N_("E-mail"), SHEET_TEXT },
	{ "status", N_("Result of the file"), SHEET_TEXT },
	{ "send_status", N_("State of the send"), SHEET_TEXT },
	{ "error_code", N_("Code"), SHEET_TEXT },
	{ "error_message", N_("Reason"), SHEET_LONG_TEXT },
	{ "message_id", N_("Provider's number"), SHEET_TEXT },
	{ "sent_at", N_("Sent at"), SHEET_INSTANT },
	{ "delivery_status", N_("Reported by the provider"), SHEET_TEXT },
	{ "opens", N_("Opens"), SHEET_INT },
	{ "clicks", N_("Clicks"), SHEET_INT },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const char *const filters[] = {
	"",       "sent",    "delivered",   "failed",    "unsure",  "invalid",
	"queued", "sending", "not_started", "cancelled", "skipped", "expired"
};

static const char *state_asked(struct call *call)
{
	const char *state = call_query(call, "state");

	for (size_t i = 0; state != NULL && i < sizeof(filters) / sizeof(filters[0]); i++)
		if (strcmp(filters[i], state) == 0) return filters[i];
	return "";
}

static int64_t number_asked(struct call *call, const char *name)
{
	const char *text = call_query(call, name);
	struct value given = { .type = VALUE_TEXT, .text = text, .len = text != NULL ? strlen(text) : 0 };
	int64_t n = text != NULL ? value_int_of(&given, 0) : 0;

	return n > 0 ? n : 0;
}

/* As a file, a slice at a time in memory of its own */

static void put_row(struct sheet *s, const struct value *row)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		const struct value *v = value_get(row, columns[i].name);

		if (v == NULL || v->type == VALUE_NULL)
			sheet_empty(s);
		else if (columns[i].type == SHEET_INSTANT && v->type == VALUE_INT && v->integer != 0)
			sheet_instant(s, v->integer);
		else if (v->type == VALUE_INT)
			sheet_int(s, v->integer);
		else
			sheet_text(s, value_text_of(v, ""));
	}
}

static enum rc put_slice(struct cx *cx, struct sheet *s, int64_t id, const char *state, int64_t *after,
			 bool *is_over)
{
	struct arena *mine = arena_new(SLICE_ARENA), *theirs = cx->arena;
	struct value *rows = NULL;
	enum rc rc;

	if (mine == NULL) return RC_NO_MEMORY;
	cx->arena = mine;
	rc = bulk_rows(cx, &rows, id, state, *after, SLICE);
	*is_over = rc != RC_OK || rows->count == 0;
	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL && rc == RC_OK;
	     v = v->next) {
		put_row(s, v);
		*after = int_at(v, "row");
		rc = sheet_row(s);
	}
	cx->arena = theirs;
	if (rc != RC_OK && cx->message[0] != '\0') cx->message = arena_text(theirs, cx->message);
	arena_free(mine);
	return rc;
}

static enum rc answer_file(struct cx *cx, struct call *call, int64_t id, const char *state)
{
	struct sheet_column head[COLUMNS];
	bool is_csv = call_shape(call) == SHAPE_CSV, is_over = false;
	const char *separator = call_query(call, "separator");
	enum sheet_kind kind = !is_csv                                                    ? SHEET_XLSX
			       : separator != NULL && strcmp(separator, "semicolon") == 0 ? SHEET_CSV_LOCAL
											  : SHEET_CSV;
	struct sheet *s = NULL;
	int64_t after = 0;
	int fd = -1;
	enum rc rc;

	/* The heading is the spec's own: whoever reads such files by program knows it. */
	for (size_t i = 0; i < COLUMNS; i++)
		head[i] = (struct sheet_column){ columns[i].name, columns[i].type };
	db_limit_ms(cx->db, 60000);
	rc = sheet_open(cx, &s, kind, "rows", head, COLUMNS);
	while (rc == RC_OK && !is_over)
		rc = put_slice(cx, s, id, state, &after, &is_over);
	rc = sheet_close(s, rc, &fd);
	if (rc == RC_OK)
		answer_download(
			cx, call, fd, sheet_media_type(kind),
			arena_printf(cx->arena, "bulk_%lld_rows.%s", (long long)id, sheet_suffix(kind)));
	return rc;
}

/* As a page */

static void fill_row(struct cx *cx, struct value *v)
{
	const char *state = text_at(v, "state"), *message = text_at(v, "message_public_id");

	value_set_text(cx->arena, v, "state_title", row_state_words(cx, state));
	value_set_text(cx->arena, v, "mark", row_state_mark(state));
	value_set_text(cx->arena, v, "sent", bulk_moment(cx, int_at(v, "sent_at")));
	value_set_text(cx->arena, v, "message_href",
		       message[0] != '\0' && actor_may(&cx->actor, "outbox.view")
			       ? arena_printf(cx->arena, "/outbox/%s", message)
			       : NULL);
}

static void fill_filters(struct cx *cx, struct value *page, const char *path, const char *chosen)
{
	struct value *list = value_set_list(cx->arena, page, "filters");

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "title",
			       i == 0 ? _("All of them") : row_state_words(cx, filters[i]));
		value_set_text(cx->arena, one, "href",
			       i == 0 ? path : arena_printf(cx->arena, "%s?state=%s", path, filters[i]));
		value_set_bool(cx->arena, one, "is_current", strcmp(filters[i], chosen) == 0);
	}
}

static const char *name_of(struct cx *cx, int64_t id)
{
	const char *name = "";

	return db_get_text(
		       cx, &name,
		       "SELECT coalesce(nullif(template_name, ''), template_id) FROM bulk_send WHERE id = :id",
		       PARAMS(P_INT(":id", id))) == RC_OK
		       ? name
		       : "";
}

static const char *channel_of(struct cx *cx, int64_t id)
{
	const char *channel = "";

	return db_get_text(cx, &channel, "SELECT channel FROM bulk_send WHERE id = :id",
			   PARAMS(P_INT(":id", id))) == RC_OK
		       ? channel
		       : "";
}

enum rc handle_send_rows(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *rows = NULL;
	const char *state = state_asked(call), *path, *public_id = call_param(call, "id");
	int64_t id = 0, after = number_asked(call, "after"), last = 0;
	enum rc rc = bulk_of_call(cx, call, &id);

	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_CSV || call_shape(call) == SHAPE_XLSX)
		return answer_file(cx, call, id, state);
	rc = bulk_rows(cx, &rows, id, state, after, BULK_ROWS_SHOWN + 1);
	if (rc != RC_OK) return rc;
	path = arena_printf(cx->arena, "/sends/%s/rows", public_id);
	value_set_bool(cx->arena, page, "has_next", rows->count > BULK_ROWS_SHOWN);
	if (rows->count > BULK_ROWS_SHOWN) { /* the one too many only says that there are more */
		struct value *v = rows->first;

		for (size_t i = 1; i < BULK_ROWS_SHOWN; i++)
			v = v->next;
		v->next = NULL;
		rows->last = v;
		rows->count = BULK_ROWS_SHOWN;
	}
	for (struct value *v = rows->first; v != NULL; v = v->next)
		last = int_at(v, "row");
	for (struct value *v = rows->first; v != NULL; v = v->next)
		fill_row(cx, v);
	value_set_bool(cx->arena, page, "has_rows", rows->count > 0);
	value_set(page, "rows", rows);
	fill_filters(cx, page, path, state);
	if (value_bool_of(value_get(page, "has_next"), false))
		value_set_text(
			cx->arena, page, "next_href",
			arena_printf(cx->arena, "%s?state=%s&after=%lld", path, state, (long long)last));
	if (after > 0)
		value_set_text(cx->arena, page, "first_href",
			       arena_printf(cx->arena, "%s?state=%s", path, state));
	value_set_text(cx->arena, page, "csv", arena_printf(cx->arena, "%s.csv?state=%s", path, state));
	value_set_text(cx->arena, page, "xlsx", arena_printf(cx->arena, "%s.xlsx?state=%s", path, state));
	bulk_trail(cx, page, id, public_id);
	value_set_text(cx->arena, page, "heading",
		       arena_printf(cx->arena, _("Rows of the send %lld"), (long long)id));
	value_set_text(cx->arena, page, "about_send", name_of(cx, id));
	/* Only Doppler Relay tells of each mail; elsewhere these columns would stay empty for ever. */
	value_set_bool(cx->arena, page, "is_measured", strcmp(channel_of(cx, id), "doppler") == 0);
	answer_page(cx, call, "sends/bulk_rows", text_at(page, "heading"), page);
	return RC_OK;
}

/* Unsure rows (spec §9.6) */

static void fill_tries(struct cx *cx, const struct value *attempts, struct value *v)
{
	struct value *list = value_set_list(cx->arena, v, "tries");

	for (const struct value *a = attempts != NULL ? attempts->first : NULL; a != NULL; a = a->next) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "at", bulk_moment(cx, int_at(a, "attempted_at")));
		value_set_text(cx->arena, one, "seen",
			       int_at(a, "http") != 0
				       ? arena_printf(cx->arena, "HTTP %lld", (long long)int_at(a, "http"))
				       : row_state_words(cx, text_at(a, "outcome")));
		value_set_text(cx->arena, one, "words", words_get(cx->lang, text_at(a, "detail")));
	}
}

/* What the provider's own list has for that address around that time (spec §9.6). */
static void fill_deliveries(struct cx *cx, const struct value *evidence, struct value *v)
{
	const struct value *found = value_get(evidence, "deliveries");
	const char *state = text_at(evidence, "job_state");
	struct value *list = value_set_list(cx->arena, v, "deliveries");

	value_set_bool(cx->arena, v, "is_looking",
		       strcmp(state, "queued") == 0 || strcmp(state, "running") == 0);
	value_set_text(cx->arena, v, "look_error",
		       strcmp(state, "failed") == 0 || strcmp(state, "dead") == 0
			       ? text_at(evidence, "job_error")
			       : NULL);
	for (const struct value *d = found != NULL ? found->first : NULL; d != NULL; d = d->next) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "at", bulk_moment(cx, int_at(d, "delivered_at")));
		value_set_text(cx->arena, one, "seen", text_at(d, "delivery_status"));
		value_set_text(cx->arena, one, "words", text_at(d, "subject"));
	}
	value_set_bool(cx->arena, v, "has_none", found != NULL && found->count == 0);
}

static void fill_evidence(struct cx *cx, int64_t id, struct value *v)
{
	struct value *evidence = NULL;

	if (bulk_evidence(cx, &evidence, id, int_at(v, "row")) != RC_OK) {
		cx->message = "";
		return;
	}
	value_set_text(cx->arena, v, "handed_over", bulk_moment(cx, int_at(evidence, "handed_over_at")));
	fill_tries(cx, value_get(evidence, "attempts"), v);
	fill_deliveries(cx, evidence, v);
}

enum rc handle_send_unsure(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *rows = NULL;
	const char *public_id = call_param(call, "id");
	int64_t id = 0, after = number_asked(call, "after"), last = 0;
	enum rc rc = bulk_of_call(cx, call, &id);

	if (rc == RC_OK) rc = bulk_rows(cx, &rows, id, "unsure", after, UNSURE_SHOWN);
	if (rc != RC_OK) return rc;
	for (struct value *v = rows->first; v != NULL; v = v->next) {
		fill_row(cx, v);
		fill_evidence(cx, id, v);
		last = int_at(v, "row");
	}
	if (rows->count == UNSURE_SHOWN)
		value_set_text(
			cx->arena, page, "next_href",
			arena_printf(cx->arena, "/sends/%s/unsure?after=%lld", public_id, (long long)last));
	value_set_bool(cx->arena, page, "has_rows", rows->count > 0);
	value_set(page, "rows", rows);
	value_set_bool(cx->arena, page, "may_resolve", actor_may(&cx->actor, RIGHT_RESOLVE));
	value_set_text(cx->arena, page, "look", arena_printf(cx->arena, "/sends/%s/evidence", public_id));
	value_set_text(cx->arena, page, "here", arena_printf(cx->arena, "/sends/%s/unsure", public_id));
	value_set_bool(cx->arena, page, "may_look",
		       actor_may(&cx->actor, RIGHT_RESOLVE) && strcmp(channel_of(cx, id), "doppler") == 0);
	value_set_text(cx->arena, page, "resolve", arena_printf(cx->arena, "/sends/%s/resolve", public_id));
	bulk_trail(cx, page, id, public_id);
	value_set_text(cx->arena, page, "heading",
		       arena_printf(cx->arena, _("Unsure rows of the send %lld"), (long long)id));
	answer_page(cx, call, "sends/bulk_unsure", text_at(page, "heading"), page);
	return RC_OK;
}
