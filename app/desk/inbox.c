/*
** inbox.c -- what people wrote to us: contacts, one thread each, reading, answering, no more notices.
**
** Needs:  outbox.h to answer and to note an opt-out.
** Never:  sends by itself; changes a message.
** Holds:  (1) an answer leaves once however often the button is pressed: its occasion carries the
**         form's own number; (2) reading and answering never hold a transaction while the page is made.
*/
#include "desk/inner.h"

#include "base/phone.h"
#include "base/text.h"
#include <string.h>

#define CONTACTS_SHOWN   50           /* of one page of the inbox                                  */
#define THREAD_SHOWN     100          /* of each direction, newest first                            */
#define REPLY_MAX        4000         /* code points: the gateway's limit of 4,096 with some room   */
#define REPLY_EXPIRES_MS (2 * DAY_MS) /* an answer two days late confuses more than it helps */
#define REPLIES          "desk.replies"
#define UNREAD_MAX       100 /* the badge says "99+" */

int64_t inbox_unread(struct cx *cx)
{
	int64_t n = 0;

	if (db_get_int(cx, &n,
		       "SELECT count(*) FROM (SELECT 1 FROM inbound_message WHERE is_unread = 1 LIMIT :max)",
		       PARAMS(P_INT(":max", UNREAD_MAX))) != RC_OK)
		return 0;
	return n;
}

/* Contacts */

static const char *address_shown(struct cx *cx, const char *address)
{
	char shown[32];

	if (address[0] != '+') return address;
	phone_text(shown, address);
	return arena_text(cx->arena, shown);
}

static void set_instant(struct cx *cx, struct call *call, struct value *out, const char *key, int64_t at)
{
	char text[RFC3339_SIZE];

	if (at == 0) return;
	if (call_shape(call) == SHAPE_JSON)
		instant_text(text, at);
	else
		instant_text_local(text, at, cx->env->zone);
	value_set_text(cx->arena, out, key, text);
}

/* Who it is: as one of the house's lists knows the number, else as the person calls himself. */
static const char *contact_name(struct cx *cx, const char *address, const char *own)
{
	const char *name = office_contact_name(cx, address);

	return name[0] != '\0' ? name : own;
}

static int64_t query_number(struct call *call, const char *name)
{
	const char *text = call_query(call, name);
	struct value v = { .type = VALUE_TEXT, .text = text, .len = text != NULL ? strlen(text) : 0 };

	return text != NULL ? value_int_of(&v, 0) : 0;
}

static enum rc contacts_read(struct cx *cx, struct call *call, struct value **out)
{
	int64_t before = query_number(call, "before"), after = query_number(call, "after");

	/* Newest first, ids rising within one instant: the order of the index. */
	return db_rows(
		cx, out, CONTACTS_SHOWN + 1,
		"SELECT c.id AS id, c.public_id AS public_id, c.address AS address, c.unread AS unread,"
		" c.last_text AS last_text, c.last_inbound_at AS last_inbound_at,"
		" (SELECT m.name FROM inbound_message m WHERE m.contact_id = c.id ORDER BY m.id DESC LIMIT 1) AS name"
		" FROM contact c WHERE c.last_inbound_at IS NOT NULL AND c.last_inbound_at <= :before"
		" AND (c.last_inbound_at < :before OR c.id > :after)"
		" ORDER BY c.last_inbound_at DESC, c.id LIMIT :max",
		PARAMS(P_INT(":before", before > 0 ? before : INT64_MAX), P_INT(":after", after),
		       P_INT(":max", CONTACTS_SHOWN + 1)));
}

enum rc handle_inbox(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *rows = NULL, *list;
	enum rc rc = contacts_read(cx, call, &rows);
	size_t n = 0;

	if (rc != RC_OK) return rc;
	list = value_set_list(cx->arena, page, call_shape(call) == SHAPE_JSON ? "data" : "contacts");
	for (const struct value *v = rows->first; v != NULL && n < CONTACTS_SHOWN; v = v->next, n++) {
		struct value *out = value_add_map(cx->arena, list);
		const char *id = value_text_of(value_get(v, "public_id"), "");
		const char *address = value_text_of(value_get(v, "address"), "");

		value_set_text(cx->arena, out, "id", id);
		value_set_text(cx->arena, out, "href", arena_printf(cx->arena, "/inbox/%s", id));
		value_set_text(cx->arena, out, "address",
			       call_shape(call) == SHAPE_JSON ? address : address_shown(cx, address));
		value_set_text(cx->arena, out, "name",
			       contact_name(cx, address, value_text_of(value_get(v, "name"), "")));
		value_set_text(cx->arena, out, "last_text", value_text_of(value_get(v, "last_text"), ""));
		value_set_int(cx->arena, out, "unread", value_int_of(value_get(v, "unread"), 0));
		set_instant(cx, call, out, "last_inbound_at",
			    value_int_of(value_get(v, "last_inbound_at"), 0));
		if (n + 1 == CONTACTS_SHOWN && v->next != NULL)
			value_set_text(
				cx->arena, page, "next",
				arena_printf(cx->arena, "/inbox?before=%lld&after=%lld",
					     (long long)value_int_of(value_get(v, "last_inbound_at"), 0),
					     (long long)value_int_of(value_get(v, "id"), 0)));
	}
	if (call_shape(call) == SHAPE_JSON) {
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	value_set_bool(cx->arena, page, "is_empty", list->count == 0);
	page_answer(cx, call, "desk/inbox", _("Inbox"), page);
	return RC_OK;
}

/* One thread */

static enum rc contact_row(struct cx *cx, struct call *call, struct value **out)
{
	return db_row(
		cx, out,
		"SELECT c.id AS id, c.public_id AS public_id, c.kind AS kind, c.address AS address,"
		" c.dead_reason AS dead_reason, c.unread AS unread,"
		" EXISTS (SELECT 1 FROM opt_out o WHERE o.contact_id = c.id AND o.topic = 'notice') AS is_out,"
		" (SELECT m.name FROM inbound_message m WHERE m.contact_id = c.id ORDER BY m.id DESC LIMIT 1) AS name"
		" FROM contact c WHERE c.public_id = :id",
		PARAMS(P_TEXT(":id", call_param(call, "id"))));
}

static const char *state_words(struct cx *cx, const char *state, bool is_late)
{
	static const struct {
		const char *state, *title;
	} words[] = {
		{ "queued", N_("pending") },  { "sending", N_("sending") },
		{ "sent", N_("sent") },       { "delivered", N_("delivered") },
		{ "read", N_("read") },       { "failed", N_("failed") },
		{ "unsure", N_("unsure") },   { "cancelled", N_("cancelled") },
		{ "expired", N_("expired") }, { "skipped", N_("skipped") },
	};

	if (is_late && strcmp(state, "failed") == 0) return _("failed afterwards");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].state, state) == 0) return words_get(cx->lang, words[i].title);
	return state;
}

/* The words of an outgoing message: stored, or rendered from its template. */
static const char *outgoing_body(struct cx *cx, const struct value *v)
{
	const char *body = value_text_of(value_get(v, "body"), ""), *rendered = "";
	const char *json = value_text_of(value_get(v, "variables_json"), "{}");
	int64_t version = value_int_of(value_get(v, "version"), 0);
	struct value *variables = NULL;

	if (body[0] != '\0' || version == 0) return body;
	if (json_parse(cx->arena, &variables, NULL, json, strlen(json)) != RC_OK) return body;
	return template_render_version(cx, &rendered, version, variables) == RC_OK ? rendered : body;
}

static enum rc thread_fill(struct cx *cx, struct call *call, int64_t contact, struct value *page)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, page, "messages");
	enum rc rc = db_rows(
		cx, &rows, 2 * THREAD_SHOWN,
		"SELECT * FROM (SELECT 0 AS is_ours, received_at AS at, body, handled_as, '' AS state, '' AS error,"
		" 0 AS is_late, NULL AS version, NULL AS variables_json, is_unread, '' AS public_id FROM inbound_message"
		" WHERE contact_id = :contact ORDER BY id DESC LIMIT :max) UNION ALL SELECT * FROM (SELECT 1,"
		" coalesce(sent_at, created_at), coalesce(body, ''), '', state, error, is_late_failure,"
		" template_version_id, variables_json, 0, public_id FROM message WHERE contact_id = :contact"
		" ORDER BY id DESC LIMIT :max) ORDER BY 2",
		PARAMS(P_INT(":contact", contact), P_INT(":max", THREAD_SHOWN)));

	if (rc != RC_OK) return rc;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *out = value_add_map(cx->arena, list);
		const char *state = value_text_of(value_get(v, "state"), "");
		const char *id = value_text_of(value_get(v, "public_id"), "");
		bool is_ours = value_int_of(value_get(v, "is_ours"), 0) != 0;

		value_set_bool(cx->arena, out, "is_ours", is_ours);
		set_instant(cx, call, out, "at", value_int_of(value_get(v, "at"), 0));
		value_set_text(cx->arena, out, "body", outgoing_body(cx, v));
		value_set_bool(cx->arena, out, "is_unread", value_int_of(value_get(v, "is_unread"), 0) != 0);
		if (!is_ours) continue;
		value_set_text(cx->arena, out, "state", state);
		value_set_text(cx->arena, out, "mark", mark_of(state));
		value_set_text(cx->arena, out, "state_title",
			       state_words(cx, state, value_int_of(value_get(v, "is_late"), 0) != 0));
		value_set_text(cx->arena, out, "error", value_text_of(value_get(v, "error"), ""));
		value_set_text(cx->arena, out, "href", arena_printf(cx->arena, "/outbox/%s", id));
	}
	return RC_OK;
}

static enum rc thread_page(struct cx *cx, struct call *call, const char *typed)
{
	struct value *page = value_map(cx->arena), *contact = NULL;
	char nonce[PUBLIC_ID_SIZE];
	const char *name, *address, *path;
	enum rc rc = contact_row(cx, call, &contact);

	if (rc == RC_OK) rc = thread_fill(cx, call, value_int_of(value_get(contact, "id"), 0), page);
	if (rc != RC_OK) return rc;
	address = value_text_of(value_get(contact, "address"), "");
	name = contact_name(cx, value_text_of(value_get(contact, "address"), ""),
			    value_text_of(value_get(contact, "name"), ""));
	value_set_text(cx->arena, page, "id", value_text_of(value_get(contact, "public_id"), ""));
	value_set_bool(cx->arena, page, "is_out", value_int_of(value_get(contact, "is_out"), 0) != 0);
	value_set_int(cx->arena, page, "unread", value_int_of(value_get(contact, "unread"), 0));
	if (call_shape(call) == SHAPE_JSON) {
		value_set_text(cx->arena, page, "address", address);
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	public_id_new(nonce);
	path = arena_printf(cx->arena, "/inbox/%s", value_text_of(value_get(contact, "public_id"), ""));
	trail_add(cx, page, _("Inbox"), "/inbox");
	value_set_text(cx->arena, page, "path_read", arena_printf(cx->arena, "%s/read", path));
	value_set_text(cx->arena, page, "path_reply", arena_printf(cx->arena, "%s/reply", path));
	value_set_text(cx->arena, page, "path_opt_out", arena_printf(cx->arena, "%s/opt-out", path));
	value_set_text(cx->arena, page, "address", address_shown(cx, address));
	value_set_text(cx->arena, page, "name", name);
	value_set_text(cx->arena, page, "dead_reason", value_text_of(value_get(contact, "dead_reason"), ""));
	value_set_text(cx->arena, page, "nonce", nonce);
	value_set_text(cx->arena, page, "typed", typed);
	value_set_int(cx->arena, page, "max", REPLY_MAX);
	value_set_bool(cx->arena, page, "may_edit", actor_may(&cx->actor, "inbox.edit"));
	if (typed[0] != '\0') value_set_text(cx->arena, page, "failure", cx_sentence(cx, RC_BAD_INPUT));
	page_answer(cx, call, "desk/thread", name[0] != '\0' ? name : address_shown(cx, address), page);
	return RC_OK;
}

enum rc handle_thread(struct cx *cx, struct call *call)
{
	return thread_page(cx, call, "");
}

/* Back to the thread as a page, or the thread as JSON. */
static enum rc thread_again(struct cx *cx, struct call *call, const char *sentence)
{
	if (call_shape(call) != SHAPE_PAGE) return thread_page(cx, call, "");
	answer_flash(cx, call, arena_printf(cx->arena, "/inbox/%s", call_param(call, "id")), sentence);
	return RC_OK;
}

static enum rc mark_read(struct cx *cx, int64_t contact)
{
	enum rc rc = db_run(
		cx, "UPDATE inbound_message SET is_unread = 0 WHERE contact_id = :contact AND is_unread = 1",
		PARAMS(P_INT(":contact", contact)));

	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE contact SET unread = 0 WHERE id = :contact AND unread <> 0",
			    PARAMS(P_INT(":contact", contact)));
	return rc;
}

enum rc handle_thread_read(struct cx *cx, struct call *call)
{
	struct value *contact = NULL;
	enum rc rc = contact_row(cx, call, &contact);

	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = tx_end(cx, mark_read(cx, value_int_of(value_get(contact, "id"), 0)));
	return rc == RC_OK ? thread_again(cx, call, _("Marked as read.")) : rc;
}

/* Answering */

/* Answers of a day are one batch. */
static enum rc replies_batch(struct cx *cx, int64_t *id)
{
	char today[DATE_SIZE];
	enum rc rc;

	day_text(today, cx_today(cx));
	rc = db_get_int(
		cx, id,
		"SELECT id FROM batch WHERE kind = :kind AND state = 'open' AND local_on = :today ORDER BY id DESC LIMIT 1",
		PARAMS(P_TEXT(":kind", REPLIES), P_TEXT(":today", today)));
	if (rc != RC_NOT_FOUND) return rc;
	return batch_open(
		cx, id,
		&(struct batch_new){ .kind = REPLIES, .title = "", .origin = "inbox", .local_on = today });
}

static enum rc reply_add(struct cx *cx, int64_t contact, const char *nonce, const char *text)
{
	int64_t batch = 0, message = 0;
	enum rc rc = replies_batch(cx, &batch);

	if (rc == RC_OK)
		rc = outbox_add(cx, &message,
				&(struct message_new){ .batch_id = batch,
						       .channel = "whatsapp",
						       .contact_id = contact,
						       .topic = "service",
						       .occasion = arena_printf(cx->arena, "reply:%lld:%s",
										(long long)contact, nonce),
						       .text = text,
						       .expires_at = cx_now(cx) + REPLY_EXPIRES_MS,
						       .ignores_window = true });
	if (rc == RC_CONFLICT) rc = RC_OK; /* the button was pressed twice: it is on its way */
	if (rc == RC_OK) rc = mark_read(cx, contact);
	return rc;
}

enum rc handle_thread_reply(struct cx *cx, struct call *call)
{
	struct value *contact = NULL;
	const char *text, *nonce;
	char fresh[PUBLIC_ID_SIZE];
	enum rc rc = contact_row(cx, call, &contact);

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc != RC_OK) return rc;
	text = form_text(call, "text");
	nonce = form_text(call, "nonce");
	public_id_new(fresh);
	if (nonce == NULL || strlen(nonce) != PUBLIC_ID_SIZE - 1) nonce = fresh;
	if (text == NULL || text[0] == '\0')
		rc = cx_fail_field(cx, "text", _("Write an answer first."));
	else if (text_length(text) > REPLY_MAX)
		rc = cx_fail_field(cx, "text", _("At most %d characters."), REPLY_MAX);
	if (rc == RC_BAD_INPUT && call_shape(call) == SHAPE_PAGE) {
		rc = thread_page(cx, call, text != NULL && text[0] != '\0' ? text : " ");
		reply_status(call_reply(call), 422);
		return rc;
	}
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = tx_end(cx, reply_add(cx, value_int_of(value_get(contact, "id"), 0), nonce, text));
	return rc == RC_OK ? thread_again(cx, call, _("Your answer is on its way.")) : rc;
}

enum rc handle_thread_opt_out(struct cx *cx, struct call *call)
{
	struct value *contact = NULL;
	const char *out;
	bool is_out;
	enum rc rc = contact_row(cx, call, &contact);

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc != RC_OK) return rc;
	out = form_text(call, "out");
	is_out = out != NULL && (strcmp(out, "1") == 0 || strcmp(out, "true") == 0);
	rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = tx_end(cx, contact_opt_out(cx, value_int_of(value_get(contact, "id"), 0), "notice", "panel",
					is_out));
	if (rc != RC_OK) return rc;
	return thread_again(cx, call,
			    is_out ? _("This person gets no more notices.")
				   : _("This person gets notices again."));
}
