/*
** bulk_rows.c -- the recipients of a send with what became of each: pages, exports, single rows.
**
** Needs:  bulk_recipient for what the file said, message for how it went, bulk_result for what reports told.
** Never:  changes anything.
** Holds:  (1) a row's state is that of the message that speaks for it: of a row that was sent again, the last
** one;
**         (2) a page costs the same wherever in the send it lies: rows are walked from a row number, or the
**         batch's messages in the order in which they were fed, which is the rows' order.
*/
#include "sends/bulk_inner.h"

#include "desk/outbox_pages.h"
#include "sends/recipients.h"
#include <string.h>

/* Of an occasion "bulk_recipient:12:again": the number behind the name. */
#define RECIPIENT_OF "CAST(substr(m.occasion, 16) AS INTEGER)"

#define COLUMNS                                                                                              \
	"r.id AS recipient_id, r.row_number, r.recipient, r.name, r.error_code AS row_code, r.error_detail," \
	" m.id AS message_id, m.public_id AS message_public_id, m.state, m.state_why, m.error, m.sent_at,"   \
	" m.attempts, m.provider_id, t.delivery_status, t.bounce_type, t.opens, t.clicks"
#define RESULT " LEFT JOIN bulk_result t ON t.bulk_id = :id AND t.recipient_id = r.id"
#define BY_ROW                                                                                        \
	"SELECT " COLUMNS                                                                             \
	" FROM bulk_recipient r LEFT JOIN message m ON m.occasion = 'bulk_recipient:' || r.id" RESULT \
	" WHERE r.bulk_id = :id AND r.import_version = :version AND r.row_number > :after"
/* What speaks for its row: not what was sent again since. First the messages in the rows' order … */
#define BY_MESSAGE(state_)                                                                                 \
	"SELECT " COLUMNS " FROM message m CROSS JOIN bulk_recipient r ON r.id = " RECIPIENT_OF RESULT     \
	" WHERE m.batch_id = :batch AND m.state = '" state_ "' AND m.id > :from AND m.replaces_id IS NULL" \
	" AND m.state_why <> 'replaced' ORDER BY m.id LIMIT :max"
/* … then those that somebody had sent again: few in the whole house. */
#define BY_RESEND                                                                                               \
	"SELECT " COLUMNS " FROM message m CROSS JOIN bulk_recipient r ON r.id = " RECIPIENT_OF RESULT          \
	" WHERE m.replaces_id > 0 AND +m.batch_id = :batch AND +m.state = :state AND m.state_why <> 'replaced'" \
	" AND r.row_number > :after ORDER BY r.row_number LIMIT :max"

static const struct {
	const char *state, *sql;
} by_state[] = {
	{ "queued", BY_MESSAGE("queued") },   { "sending", BY_MESSAGE("sending") },
	{ "sent", BY_MESSAGE("sent") },       { "delivered", BY_MESSAGE("delivered") },
	{ "read", BY_MESSAGE("read") },       { "failed", BY_MESSAGE("failed") },
	{ "unsure", BY_MESSAGE("unsure") },   { "cancelled", BY_MESSAGE("cancelled") },
	{ "skipped", BY_MESSAGE("skipped") }, { "expired", BY_MESSAGE("expired") },
};

bool bulk_rows_state_is_known(const char *state)
{
	if (state[0] == '\0' || strcmp(state, "invalid") == 0 || strcmp(state, "not_started") == 0)
		return true;
	for (size_t i = 0; i < sizeof(by_state) / sizeof(*by_state); i++)
		if (strcmp(by_state[i].state, state) == 0) return true;
	return false;
}

bool bulk_rows_plan_at(size_t i, const char **what, const char **sql)
{
	static const char *const others[][2] = {
		{ "all", BY_ROW " ORDER BY r.row_number LIMIT :max" },
		{ "invalid", BY_ROW " AND r.error_code <> '' ORDER BY r.row_number LIMIT :max" },
		{ "not_started", BY_ROW " AND r.error_code = '' ORDER BY r.row_number LIMIT :max" },
	};
	const size_t n = sizeof(others) / sizeof(*others);

	if (i >= n + sizeof(by_state) / sizeof(*by_state)) return false;
	*what = i < n ? others[i][0] : by_state[i - n].state;
	*sql = i < n ? others[i][1] : by_state[i - n].sql;
	return true;
}

/* The message that speaks for a row */

enum rc bulk_row_message(struct cx *cx, int64_t *message_id, int64_t recipient_id)
{
	int64_t id = 0, next = 0;
	enum rc rc = db_get_int(cx, &id, "SELECT id FROM message WHERE occasion = 'bulk_recipient:' || :id",
				PARAMS(P_INT(":id", recipient_id)));

	*message_id = 0;
	while (rc == RC_OK) {
		*message_id = id;
		rc = db_get_int(cx, &next, "SELECT id FROM message WHERE replaces_id = :id",
				PARAMS(P_INT(":id", id)));
		id = next;
	}
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* One row for people and programs */

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

/* The words of the old systems, which their files and programs still say (spec §3.7). */
static const char *old_state(const char *state, int64_t attempts)
{
	static const char *const words[][2] = { { "delivered", "sent" },
						{ "read", "sent" },
						{ "failed", "send_failed" },
						{ "unsure", "ambiguous" } };

	if (strcmp(state, "queued") == 0) return attempts > 0 ? "deferred" : "not_started";
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i][0], state) == 0) return words[i][1];
	return state;
}

static void set_error(struct cx *cx, struct value *out, const struct value *row, const char *state)
{
	const char *code = text_of(row, "row_code"), *detail = text_of(row, "error_detail"), *words;
	bool is_over = strcmp(state, "failed") == 0 || strcmp(state, "unsure") == 0 ||
		       strcmp(state, "skipped") == 0 || strcmp(state, "expired") == 0 ||
		       strcmp(state, "cancelled") == 0 || strcmp(state, "queued") == 0;

	if (code[0] != '\0') {
		words = recipients_words(cx->lang, code);
		value_set_text(cx->arena, out, "error_code", code);
		value_set_text(cx->arena, out, "error_message",
			       detail[0] != '\0' ? arena_printf(cx->arena, "%s (%s)", words, detail) : words);
		return;
	}
	code = is_over ? text_of(row, "state_why") : "";
	detail = words_get(cx->lang, text_of(row, "error")); /* of the provider, or our own words for it */
	value_set_text(cx->arena, out, "error_code", code);
	words = code[0] != '\0' ? message_why_words(cx, state, code) : "";
	value_set_text(cx->arena, out, "error_message",
		       !is_over || detail[0] == '\0' ? words
		       : words[0] != '\0'            ? arena_printf(cx->arena, "%s — %s", words, detail)
						     : detail);
}

static void set_number(struct cx *cx, struct value *out, const char *name, const struct value *row)
{
	const struct value *v = value_get(row, name);

	if (v == NULL || v->type != VALUE_INT)
		value_set_null(cx->arena, out, name);
	else
		value_set_int(cx->arena, out, name, v->integer);
}

static void shape(struct cx *cx, struct value *out, const struct value *row)
{
	bool is_invalid = text_of(row, "row_code")[0] != '\0';
	const char *state = text_of(row, "state");

	if (state[0] == '\0') state = is_invalid ? "invalid" : "not_started";
	value_set_int(cx->arena, out, "row", int_of(row, "row_number"));
	value_set_int(cx->arena, out, "recipient_id", int_of(row, "recipient_id"));
	value_set_text(cx->arena, out, "email", text_of(row, "recipient"));
	value_set_text(cx->arena, out, "name", text_of(row, "name"));
	value_set_text(cx->arena, out, "status", is_invalid ? "invalid" : "pending");
	value_set_text(cx->arena, out, "state", state);
	value_set_text(cx->arena, out, "send_status",
		       is_invalid ? "not_started" : old_state(state, int_of(row, "attempts")));
	set_error(cx, out, row, state);
	value_set_text(cx->arena, out, "message_id", text_of(row, "provider_id"));
	value_set_text(cx->arena, out, "message_public_id", text_of(row, "message_public_id"));
	set_number(cx, out, "sent_at", row);
	value_set_text(cx->arena, out, "delivery_status", text_of(row, "delivery_status"));
	set_number(cx, out, "opens", row);
	set_number(cx, out, "clicks", row);
}

/* What was sent again: the last one speaks. */
static enum rc follow(struct cx *cx, struct value **row)
{
	struct value *last = NULL;
	int64_t message = 0;
	enum rc rc;

	if (strcmp(text_of(*row, "state_why"), "replaced") != 0) return RC_OK;
	rc = bulk_row_message(cx, &message, int_of(*row, "recipient_id"));
	if (rc == RC_OK)
		rc = db_row(
			cx, &last,
			"SELECT id AS message_id, public_id AS message_public_id, state, state_why, error, sent_at, attempts,"
			" provider_id FROM message WHERE id = :id",
			PARAMS(P_INT(":id", message)));
	if (rc != RC_OK) return rc;
	for (const struct value *v = (*row)->first; v != NULL; v = v->next) {
		if (value_get(last, v->key) != NULL) continue;
		if (v->type == VALUE_INT)
			value_set_int(cx->arena, last, v->key, v->integer);
		else
			value_set_text(cx->arena, last, v->key, value_text_of(v, NULL));
	}
	*row = last;
	return RC_OK;
}

/* Pages */

static enum rc walk_rows(struct cx *cx, struct value **rows, const struct bulk *b, const char *state,
			 int64_t after, int64_t max)
{
	const char *sql = BY_ROW " ORDER BY r.row_number LIMIT :max";

	if (strcmp(state, "invalid") == 0)
		sql = BY_ROW " AND r.error_code <> '' ORDER BY r.row_number LIMIT :max";
	if (strcmp(state, "not_started") == 0) {
		sql = BY_ROW " AND r.error_code = '' ORDER BY r.row_number LIMIT :max";
		if (after < b->fed_row) after = b->fed_row;
	}
	return db_rows(cx, rows, (size_t)max, sql,
		       PARAMS(P_INT(":id", b->id), P_INT(":version", b->import_version),
			      P_INT(":after", after), P_INT(":max", max)));
}

/* The message of the last row up to this one that has one: from it on in the order of ids. */
static enum rc message_of_row(struct cx *cx, int64_t *out, const struct bulk *b, int64_t after)
{
	enum rc rc;

	*out = 0;
	if (after <= 0) return RC_OK;
	rc = db_get_int(
		cx, out,
		"SELECT m.id FROM bulk_recipient r CROSS JOIN message m ON m.occasion = 'bulk_recipient:' || r.id"
		" WHERE r.bulk_id = :id AND r.import_version = :version AND r.row_number <= :after AND r.error_code = ''"
		" ORDER BY r.row_number DESC LIMIT 1",
		PARAMS(P_INT(":id", b->id), P_INT(":version", b->import_version), P_INT(":after", after)));
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static struct value *take_first(struct value *list)
{
	struct value *one = list->first;

	if (one == NULL) return NULL;
	list->first = one->next;
	if (list->first == NULL) list->last = NULL;
	list->count--;
	one->next = NULL;
	return one;
}

/* Two lists in the order of their rows become one, at most max. */
static struct value *merge(struct cx *cx, struct value *a, struct value *b, int64_t max)
{
	struct value *out = value_list(cx->arena);

	while ((int64_t)out->count < max && (a->first != NULL || b->first != NULL)) {
		bool is_a = b->first == NULL || (a->first != NULL && int_of(a->first, "row_number") <
									     int_of(b->first, "row_number"));

		value_append(out, take_first(is_a ? a : b));
	}
	return out;
}

static enum rc walk_messages(struct cx *cx, struct value **rows, const struct bulk *b, const char *state,
			     int64_t after, int64_t max)
{
	struct value *fed = NULL, *again = NULL;
	const char *sql = NULL;
	int64_t from = 0;
	enum rc rc = message_of_row(cx, &from, b, after);

	for (size_t i = 0; i < sizeof(by_state) / sizeof(*by_state); i++)
		if (strcmp(by_state[i].state, state) == 0) sql = by_state[i].sql;
	if (rc == RC_OK)
		rc = db_rows(cx, &fed, (size_t)max, sql,
			     PARAMS(P_INT(":id", b->id), P_INT(":batch", b->batch_id), P_INT(":from", from),
				    P_INT(":max", max)));
	if (rc == RC_OK)
		rc = db_rows(cx, &again, (size_t)max, BY_RESEND,
			     PARAMS(P_INT(":id", b->id), P_INT(":batch", b->batch_id),
				    P_TEXT(":state", state), P_INT(":after", after), P_INT(":max", max)));
	if (rc == RC_OK) *rows = merge(cx, fed, again, max);
	return rc;
}

enum rc bulk_rows(struct cx *cx, struct value **out, int64_t id, const char *state, int64_t after,
		  int64_t max)
{
	struct value *rows = NULL, *list = value_list(cx->arena);
	struct bulk b;
	bool is_by_row =
		state[0] == '\0' || strcmp(state, "invalid") == 0 || strcmp(state, "not_started") == 0;
	enum rc rc;

	if (!bulk_rows_state_is_known(state))
		return cx_fail_field(cx, "state", _("“%s” is not one of the choices."), state);
	rc = bulk_read(cx, &b, id);
	if (rc == RC_OK)
		rc = is_by_row ? walk_rows(cx, &rows, &b, state, after, max)
			       : walk_messages(cx, &rows, &b, state, after, max);
	while (rc == RC_OK && rows->first != NULL) {
		struct value *row = take_first(rows);

		rc = follow(cx, &row);
		if (rc == RC_OK) shape(cx, value_add_map(cx->arena, list), row);
	}
	if (rc == RC_OK) *out = list;
	return rc;
}
