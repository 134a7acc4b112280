/*
** unsure.c -- the messages of which it is not certain that they left, one after the other, with the evidence;
** a person decides.
**
** Owns:   the address /unsure.
** Needs:  outbox_decide() for every decision.
** Never:  decides by itself; repeats a message.
** Holds:  (1) two persons who decide the same one: the first counts, the second is told who it was; (2) many
**         are decided together only when they have the same evidence: the same batch and channel, broken in
**         the same way in the same minute; and only as many as the question named.
*/
#include "desk/outbox_pages.h"

#include "base/text.h"
#include "outbox/channel.h"
#include "web/people.h"
#include <string.h>

#define AROUND_MS      (10 * MINUTE_MS) /* what else the channel did then                              */
#define AROUND_IDS     300              /* messages before and after that are looked at for it         */
#define PERSON_SHOWN   5                /* other messages to the same person                           */
#define ANSWERS_SHOWN  3                /* of what the person wrote since                               */
#define TEXT_SHOWN     300              /* code points of an answer                                    */
#define MANY_MAX       200              /* decided together at once: what one page of a list can tick  */
#define DATA_MAX       20               /* of one answer to a program: each carries its whole evidence */
#define HISTORY_SHOWN  50
#define HISTORY_LOOKED 5000 /* entries of the audit log that are looked through            */
#define COUNT_SHOWN    1000 /* more is "1000+"                                              */

/* A seller sees what left by his own hand, as in the outbox. */
#define SEEN "(:all OR created_by IN " NAMES_OF_ACTOR ")"
#define P_SEEN_BY(cx) \
	P_INT(":all", actor_may(&(cx)->actor, "outbox.all")), P_INT(":actor", (cx)->actor.user_id)

int64_t unsure_count(struct cx *cx, int64_t max)
{
	const char *before = cx->message;
	int64_t n = 0;

	if (db_get_int(
		    cx, &n,
		    "SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_unusual WHERE state = 'unsure' AND " SEEN
		    " LIMIT :max)",
		    PARAMS(P_SEEN_BY(cx), P_INT(":max", max))) != RC_OK)
		cx->message = before;
	return n;
}

/* Evidence */

static const struct {
	const char *gateway, *msgid, *setting;
} hints[] = {
	{ "wasender",
	  N_("Look into the chat on the phone, or at the log of the session in the panel of WaSender: is there a message to"
	     " this number at that time?"),
	  "whatsapp.base_url" },
	{ "smtp",
	  N_("Look at the log of the mail server, or into the folder of sent mail: is there one to this address at that"
	     " time?"),
	  NULL },
	{ "slack", N_("Look into the channel: is the message there?"), NULL },
	{ "discord", N_("Look into the channel: is the message there?"), NULL },
	{ "telegram", N_("Look into the channel: is the message there?"), NULL },
};

static void fill_hint(struct cx *cx, const struct message_row *m, struct value *out)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		const char *href;

		if (strcmp(hints[i].gateway, m->gateway) != 0) continue;
		value_set_text(cx->arena, out, "hint", words_get(cx->lang, hints[i].msgid));
		if (hints[i].setting == NULL) return;
		href = setting_text(cx->env->settings, hints[i].setting);
		if (strncmp(href, "https://", 8) == 0) value_set_text(cx->arena, out, "hint_href", href);
		return;
	}
}

static enum rc fill_answers(struct cx *cx, struct call *call, const struct message_row *m, struct value *out)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, out, "answers");
	enum rc rc = db_rows(
		cx, &rows, ANSWERS_SHOWN,
		"SELECT body, received_at FROM inbound_message WHERE contact_id = :contact AND received_at >= :since"
		" ORDER BY id LIMIT :max",
		PARAMS(P_INT(":contact", m->contact_id), P_INT(":since", m->claimed_at),
		       P_INT(":max", ANSWERS_SHOWN)));

	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, list);
		const char *text = value_text_of(value_get(v, "body"), "");

		set_moment(cx, call, one, "at", value_int_of(value_get(v, "received_at"), 0));
		value_set_text(cx->arena, one, "text",
			       arena_bytes(cx->arena, text, text_prefix(text, TEXT_SHOWN)));
	}
	value_set_bool(cx->arena, out, "has_answers", list->count > 0);
	return rc;
}

static enum rc fill_around(struct cx *cx, const struct message_row *m, struct value *out)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, out, "around");
	enum rc rc = db_rows(
		cx, &rows, 12,
		"SELECT state, count(*) AS n FROM message WHERE id BETWEEN :id - :ids AND :id + :ids AND id <> :id"
		" AND +channel_account_id = :account AND claimed_at BETWEEN :at - :around AND :at + :around GROUP BY state"
		" ORDER BY 2 DESC",
		PARAMS(P_INT(":id", m->id), P_INT(":ids", AROUND_IDS), P_INT(":account", m->account_id),
		       P_INT(":at", m->claimed_at), P_INT(":around", AROUND_MS)));

	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, list);
		const char *state = value_text_of(value_get(v, "state"), "");

		value_set_text(cx->arena, one, "state", state);
		value_set_text(cx->arena, one, "mark", mark_of(state));
		value_set_text(cx->arena, one, "state_title", message_state_words(cx, state, false));
		value_set_int(cx->arena, one, "count", value_int_of(value_get(v, "n"), 0));
	}
	value_set_bool(cx->arena, out, "has_around", list->count > 0);
	return rc;
}

static enum rc fill_person(struct cx *cx, struct call *call, const struct message_row *m, struct value *out)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, out, "to_same");
	enum rc rc = db_rows(
		cx, &rows, PERSON_SHOWN,
		"SELECT public_id, state, is_late_failure, coalesce(sent_at, created_at) AS at FROM message"
		" WHERE contact_id = :contact AND id <> :id AND id > :from ORDER BY id DESC LIMIT :max",
		PARAMS(P_INT(":contact", m->contact_id), P_INT(":id", m->id), P_INT(":from", 0),
		       P_INT(":max", PERSON_SHOWN)));

	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, list);
		const char *state = value_text_of(value_get(v, "state"), "");
		const char *id = value_text_of(value_get(v, "public_id"), "");

		value_set_text(cx->arena, one, "id", id);
		set_moment(cx, call, one, "at", value_int_of(value_get(v, "at"), 0));
		value_set_text(cx->arena, one, "state", state);
		value_set_text(cx->arena, one, "mark", mark_of(state));
		value_set_text(cx->arena, one, "state_title",
			       message_state_words(cx, state,
						   value_int_of(value_get(v, "is_late_failure"), 0) != 0));
		value_set_text(cx->arena, one, "href", arena_printf(cx->arena, "/outbox/%s", id));
	}
	value_set_bool(cx->arena, out, "has_same", list->count > 0);
	return rc;
}

/* Those with the same evidence, this one among them. */
#define SAME_EVIDENCE                                                                                     \
	" FROM message INDEXED BY message_batch_unusual WHERE batch_id = :batch AND state = 'unsure' AND" \
	" channel_account_id = :account AND state_why = :why AND claimed_at / 60000 = :minute AND " SEEN
#define P_SAME(cx, m)                                                                                 \
	P_INT(":batch", (m)->batch_id), P_INT(":account", (m)->account_id), P_TEXT(":why", (m)->why), \
		P_INT(":minute", (m)->claimed_at / MINUTE_MS), P_SEEN_BY(cx)

static enum rc same_count(struct cx *cx, const struct message_row *m, int64_t *out)
{
	return db_get_int(cx, out, "SELECT count(*)" SAME_EVIDENCE, PARAMS(P_SAME(cx, m)));
}

static enum rc fill_evidence(struct cx *cx, struct call *call, const struct message_row *m, struct value *out)
{
	const char *href, *name;
	int64_t same = 0;
	enum rc rc;

	contact_of_list(cx, m->address, &href, &name);
	value_set_text(cx->arena, out, "id", m->public_id);
	value_set_text(cx->arena, out, "name", name != NULL ? name : "");
	value_set_text(cx->arena, out, "person_href", href);
	value_set_text(cx->arena, out, "address",
		       call_shape(call) == SHAPE_PAGE ? address_words(cx, m->address) : m->address);
	value_set_text(cx->arena, out, "channel", channel_words(cx, m->channel));
	value_set_text(cx->arena, out, "text", message_text(cx, m));
	value_set_text(cx->arena, out, "subject", m->subject);
	value_set_text(cx->arena, out, "how", message_why_words(cx, m->state, m->why));
	value_set_text(cx->arena, out, "batch", batch_words(cx, m->batch_title, m->batch_kind));
	value_set_text(cx->arena, out, "batch_href",
		       arena_printf(cx->arena, "/batches/%s", m->batch_public_id));
	set_moment(cx, call, out, "handed_over_at", m->claimed_at);
	fill_hint(cx, m, out);
	rc = message_story(cx, call, m, value_set_list(cx->arena, out, "story"));
	if (rc == RC_OK) rc = fill_answers(cx, call, m, out);
	if (rc == RC_OK) rc = fill_around(cx, m, out);
	if (rc == RC_OK) rc = fill_person(cx, call, m, out);
	if (rc == RC_OK) rc = same_count(cx, m, &same);
	value_set_int(cx->arena, out, "same", same);
	return rc;
}

/* Which one */

static enum rc find_by_id(struct cx *cx, int64_t *id, const char *public_id)
{
	return office_row_id(cx, id, office_find("outbox"), public_id, false);
}

/* The first unsure one after this place, or from the start again. */
static enum rc find_next(struct cx *cx, int64_t *id, int64_t after)
{
	enum rc rc = db_get_int(
		cx, id,
		"SELECT id FROM message INDEXED BY message_unusual WHERE state = 'unsure' AND id > :after AND " SEEN
		" ORDER BY id LIMIT 1",
		PARAMS(P_INT(":after", after), P_SEEN_BY(cx)));

	return rc == RC_NOT_FOUND && after > 0 ? find_next(cx, id, 0) : rc;
}

/* Page */

static const char *count_words(struct cx *cx, int64_t n)
{
	return n >= COUNT_SHOWN ? arena_printf(cx->arena, "%d+", COUNT_SHOWN)
				: arena_printf(cx->arena, "%lld", (long long)n);
}

static enum rc desk_page(struct cx *cx, struct call *call, int64_t id, const char *failure)
{
	struct value *page = value_map(cx->arena);
	struct message_row m;
	int64_t n = unsure_count(cx, COUNT_SHOWN), same;
	enum rc rc;

	value_set_text(cx->arena, page, "failure", failure);
	value_set_bool(cx->arena, page, "has_one", id != 0);
	value_set_text(cx->arena, page, "count", count_words(cx, n));
	value_set_bool(cx->arena, page, "may_decide", actor_may(&cx->actor, "outbox.edit"));
	if (id != 0) {
		rc = message_read(cx, &m, id);
		if (rc == RC_OK) rc = fill_evidence(cx, call, &m, page);
		if (rc != RC_OK) return rc;
		value_set_bool(cx->arena, page, "is_decided", strcmp(m.state, "unsure") != 0);
		same = value_int_of(value_get(page, "same"), 0);
		if (same > 1 && same <= MANY_MAX) value_set_int(cx->arena, page, "many", same);
	}
	page_answer(cx, call, "desk/unsure", _("Unsure messages"), page);
	if (failure != NULL) reply_status(call_reply(call), rc_row(RC_CONFLICT)->http);
	return RC_OK;
}

static enum rc answer_data(struct cx *cx, struct call *call)
{
	struct value *out = value_map(cx->arena), *list = value_set_list(cx->arena, out, "data"),
		     *rows = NULL;
	enum rc rc =
		db_rows(cx, &rows, DATA_MAX,
			"SELECT id FROM message INDEXED BY message_unusual WHERE state = 'unsure' AND " SEEN
			" ORDER BY id LIMIT :max",
			PARAMS(P_SEEN_BY(cx), P_INT(":max", DATA_MAX)));

	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL && rc == RC_OK;
	     v = v->next) {
		struct message_row m;

		rc = message_read(cx, &m, value_int_of(value_get(v, "id"), 0));
		if (rc == RC_OK) rc = fill_evidence(cx, call, &m, value_add_map(cx->arena, list));
	}
	if (rc != RC_OK) return rc;
	value_set_int(cx->arena, out, "count", unsure_count(cx, COUNT_SHOWN));
	answer_json(cx, call, 200, out);
	return RC_OK;
}

enum rc handle_unsure(struct cx *cx, struct call *call)
{
	const char *wanted = call_query(call, "id"), *after_text = call_query(call, "after");
	int64_t id = 0, after = 0;
	enum rc rc;

	if (call_shape(call) != SHAPE_PAGE) return answer_data(cx, call);
	if (wanted != NULL) {
		rc = find_by_id(cx, &id, wanted);
		return rc == RC_OK ? desk_page(cx, call, id, NULL) : rc;
	}
	if (after_text != NULL && find_by_id(cx, &after, after_text) != RC_OK) after = 0;
	cx->message = "";
	rc = find_next(cx, &id, after);
	return rc == RC_OK || rc == RC_NOT_FOUND ? desk_page(cx, call, rc == RC_OK ? id : 0, NULL) : rc;
}

/* Deciding */

static enum rc read_decision(struct cx *cx, const char *text, bool *arrived)
{
	if (text != NULL && strcmp(text, "arrived") == 0)
		*arrived = true;
	else if (text != NULL && strcmp(text, "again") == 0)
		*arrived = false;
	else
		return cx_fail_field(cx, "decision", _("Say “arrived” or “again”."));
	return RC_OK;
}

/* Somebody was quicker: who, when and how. */
const char *unsure_told_by(struct cx *cx, int64_t id)
{
	struct value *row = NULL;
	const char *json;

	cx->message = "";
	if (db_row(cx, &row,
		   "SELECT at, actor, after_json FROM audit WHERE table_name = 'message' AND row_id = :id AND action = 'decide'"
		   " ORDER BY id DESC LIMIT 1",
		   PARAMS(P_INT(":id", id))) != RC_OK)
		return _("The provider told in the meantime what became of it: nothing is left to decide.");
	json = value_text_of(value_get(row, "after_json"), "");
	return arena_printf(
		cx->arena,
		strstr(json, "arrived") != NULL
			? _("%s decided this one already, on %s: it arrived. Your decision changed nothing.")
			: _("%s decided this one already, on %s: send it again. Your decision changed nothing."),
		value_text_of(value_get(row, "actor"), ""),
		moment_shown(cx, value_int_of(value_get(row, "at"), 0)));
}

enum rc unsure_decide(struct cx *cx, int64_t id, bool arrived)
{
	enum rc rc = tx_begin(cx);

	return rc == RC_OK ? tx_end(cx, outbox_decide(cx, id, arrived)) : rc;
}

static void answer_decided(struct cx *cx, struct call *call, const char *after, const char *sentence,
			   int64_t n)
{
	struct value *out;

	if (call_shape(call) == SHAPE_PAGE) {
		answer_flash(cx, call, arena_printf(cx->arena, "/unsure?after=%s", after), sentence);
		return;
	}
	out = value_map(cx->arena);
	value_set_text(cx->arena, out, "message", sentence);
	value_set_int(cx->arena, out, "decided", n);
	value_set_int(cx->arena, out, "left", unsure_count(cx, COUNT_SHOWN));
	answer_json(cx, call, 200, out);
}

enum rc handle_unsure_decide(struct cx *cx, struct call *call)
{
	bool arrived = false;
	int64_t id = 0, next = 0;
	enum rc rc = find_by_id(cx, &id, call_param(call, "id"));

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc == RC_OK) rc = read_decision(cx, form_text(call, "decision"), &arrived);
	if (rc == RC_OK) rc = unsure_decide(cx, id, arrived);
	if (rc == RC_CONFLICT) {
		const char *sentence = unsure_told_by(cx, id);

		if (call_shape(call) != SHAPE_PAGE) return cx_fail(cx, RC_CONFLICT, "%s", sentence);
		rc = find_next(cx, &next, id);
		return rc == RC_OK || rc == RC_NOT_FOUND ? desk_page(cx, call, next, sentence) : rc;
	}
	if (rc != RC_OK) return rc;
	answer_decided(cx, call, call_param(call, "id"),
		       arrived ? _("Noted as arrived.") : _("It will be sent again, as a new message."), 1);
	return RC_OK;
}

/* Many at once */

static enum rc read_group(struct cx *cx, struct call *call, const char *decision, struct message_row *m,
			  bool *arrived, int64_t *count)
{
	int64_t id = 0;
	enum rc rc = find_by_id(cx, &id, call_param(call, "id"));

	if (rc == RC_OK) rc = read_decision(cx, decision, arrived);
	if (rc == RC_OK) rc = message_read(cx, m, id);
	if (rc == RC_OK && strcmp(m->state, "unsure") != 0)
		return cx_fail(cx, RC_CONFLICT, "%s", unsure_told_by(cx, id));
	if (rc == RC_OK) rc = same_count(cx, m, count);
	if (rc == RC_OK && *count > MANY_MAX)
		rc = cx_fail(cx, RC_TOO_LARGE, _("At most %d are decided together."), MANY_MAX);
	return rc;
}

static void ask_many(struct cx *cx, struct call *call, const struct message_row *m, bool arrived,
		     int64_t count)
{
	struct value *page = value_map(cx->arena), *fields = value_set_list(cx->arena, page, "fields"), *one;
	struct value *details = value_set_list(cx->arena, page, "details");

	value_set_text(
		cx->arena, page, "question",
		arena_printf(cx->arena,
			     arrived ? words_plural(cx->lang, count, N_("Note %lld message as arrived?"),
						    N_("Note %lld messages as arrived?"))
				     : words_plural(cx->lang, count, N_("Send %lld message again?"),
						    N_("Send %lld messages again?")),
			     (long long)count));
	value_set_text(
		cx->arena, value_add_map(cx->arena, details), "text",
		arena_printf(cx->arena,
			     _("They were handed over in the same minute, %s, and broke in the same way: %s"),
			     instant_minutes(cx, m->claimed_at), message_why_words(cx, m->state, m->why)));
	value_set_text(
		cx->arena, value_add_map(cx->arena, details), "text",
		arrived ? _("They are noted as sent; nothing leaves again.")
			: _("A new message leaves for each. Whoever got the first one gets it twice."));
	value_set_text(cx->arena, page, "action", arena_printf(cx->arena, "/unsure/%s/many", m->public_id));
	one = value_add_map(cx->arena, fields);
	value_set_text(cx->arena, one, "name", "decision");
	value_set_text(cx->arena, one, "value", arrived ? "arrived" : "again");
	one = value_add_map(cx->arena, fields);
	value_set_text(cx->arena, one, "name", "count");
	value_set_text(cx->arena, one, "value", arena_printf(cx->arena, "%lld", (long long)count));
	value_set_text(cx->arena, page, "button",
		       arrived ? arena_printf(cx->arena, _("Yes, all %lld arrived"), (long long)count)
			       : arena_printf(cx->arena, _("Yes, send all %lld again"), (long long)count));
	value_set_bool(cx->arena, page, "is_dangerous", !arrived);
	value_set_text(cx->arena, page, "back", arena_printf(cx->arena, "/unsure?id=%s", m->public_id));
	answer_page(cx, call, "web/confirm", _("Unsure messages"), page);
}

enum rc handle_unsure_many_ask(struct cx *cx, struct call *call)
{
	struct message_row m;
	const char *decision = call_query(call, "decision");
	bool arrived = false;
	int64_t count = 0;
	enum rc rc;

	if (decision == NULL) { /* nothing was chosen yet: that is done where the evidence stands */
		answer_redirect(cx, call, arena_printf(cx->arena, "/unsure?id=%s", call_param(call, "id")));
		return RC_OK;
	}
	rc = read_group(cx, call, decision, &m, &arrived, &count);
	if (rc == RC_OK) ask_many(cx, call, &m, arrived, count);
	return rc;
}

enum rc handle_unsure_many(struct cx *cx, struct call *call)
{
	struct message_row m;
	struct value *rows = NULL, given;
	bool arrived = false;
	int64_t count = 0, done = 0;
	const char *wanted;
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK) rc = read_group(cx, call, form_text(call, "decision"), &m, &arrived, &count);
	if (rc != RC_OK) return rc;
	wanted = form_text(call, "count");
	given = (struct value){ .type = VALUE_TEXT,
				.text = wanted,
				.len = wanted != NULL ? strlen(wanted) : 0 };
	if (wanted == NULL || value_int_of(&given, 0) != count) {
		/* Others were decided since, or came: the number is asked about anew. */
		if (call_shape(call) == SHAPE_PAGE) {
			ask_many(cx, call, &m, arrived, count);
			reply_status(call_reply(call), rc_row(RC_CONFLICT)->http);
			return RC_OK;
		}
		return cx_fail(cx, RC_CONFLICT, _("It would be %lld messages now: say count %lld."),
			       (long long)count, (long long)count);
	}
	rc = db_rows(cx, &rows, MANY_MAX, "SELECT id" SAME_EVIDENCE " ORDER BY id LIMIT 200",
		     PARAMS(P_SAME(cx, &m)));
	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL && rc == RC_OK;
	     v = v->next) {
		rc = unsure_decide(cx, value_int_of(value_get(v, "id"), 0), arrived);
		if (rc == RC_OK) done++;
		if (rc == RC_CONFLICT) rc = RC_OK; /* somebody else's decision stands */
		cx->message = "";
	}
	if (rc != RC_OK) return rc;
	answer_decided(
		cx, call, m.public_id,
		arena_printf(cx->arena,
			     arrived ? words_plural(cx->lang, done, N_("%lld message noted as arrived."),
						    N_("%lld messages noted as arrived."))
				     : words_plural(cx->lang, done, N_("%lld message is sent again."),
						    N_("%lld messages are sent again.")),
			     (long long)done),
		done);
	return RC_OK;
}

/* What was decided, the last one first. */
enum rc handle_unsure_history(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *rows = NULL;
	struct value *list = value_set_list(cx->arena, page, "data");
	enum rc rc = db_rows(
		cx, &rows, HISTORY_SHOWN,
		"SELECT x.at, x.actor, u.after_json, m.public_id, m.state, c.address FROM (SELECT id, at, table_name, action, row_id,"
		" actor FROM audit ORDER BY id DESC LIMIT :looked) x JOIN audit u ON u.id = x.id JOIN message m ON m.id = x.row_id"
		" JOIN contact c ON c.id = m.contact_id WHERE x.table_name = 'message' AND x.action = 'decide' AND"
		" (:all OR m.created_by IN " NAMES_OF_ACTOR ") ORDER BY x.id DESC LIMIT :max",
		PARAMS(P_INT(":looked", HISTORY_LOOKED), P_SEEN_BY(cx), P_INT(":max", HISTORY_SHOWN)));

	if (rc != RC_OK) return rc;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, list);
		const char *id = value_text_of(value_get(v, "public_id"), "");
		bool arrived = strstr(value_text_of(value_get(v, "after_json"), ""), "arrived") != NULL;

		set_moment(cx, call, one, "at", value_int_of(value_get(v, "at"), 0));
		value_set_text(cx->arena, one, "by", who_shown(cx, value_text_of(value_get(v, "actor"), "")));
		value_set_text(cx->arena, one, "decision", arrived ? "arrived" : "again");
		value_set_text(cx->arena, one, "decision_shown", arrived ? _("It arrived") : _("Send again"));
		value_set_text(cx->arena, one, "message", id);
		value_set_text(cx->arena, one, "address",
			       address_words(cx, value_text_of(value_get(v, "address"), "")));
		value_set_text(cx->arena, one, "href", arena_printf(cx->arena, "/outbox/%s", id));
	}
	if (call_shape(call) != SHAPE_PAGE) {
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	trail_add(cx, page, _("Unsure messages"), "/unsure");
	value_set_bool(cx->arena, page, "has_data", list->count > 0);
	page_answer(cx, call, "desk/unsure_history", _("What was decided"), page);
	return RC_OK;
}
