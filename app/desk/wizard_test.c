/*
** wizard_test.c -- "send me a test": one real message through the outbox, and what became of it.
**
** Needs:  outbox.h, which sends it; a handler never waits for the network.
** Holds:  two presses within a minute are one message (its occasion says which minute).
*/
#include "desk/wizard.h"
#include "base/phone.h"
#include "desk/inner.h"

#include <string.h>

#define BATCH_KIND  "house.test"
#define EXPIRES_MS  (10 * MINUTE_MS) /* who waits in front of the page has given up by then */
#define ASK_AGAIN_S "2"
#define ASK_SLOWLY  "15" /* after a minute something else is wrong, and is told */

static enum rc add_batch(struct cx *cx, int64_t *id)
{
	struct batch_new batch = {
		.kind = BATCH_KIND, .title = N_("Test message"), .origin = "manual", .local_on = ""
	};

	return batch_open(cx, id, &batch);
}

static enum rc queue(struct cx *cx, const char *number, int64_t *id)
{
	struct message_new message = { .channel = "whatsapp", .topic = "service", .ignores_window = true };
	enum rc rc = tx_begin(cx);

	message.occasion =
		arena_printf(cx->arena, "test:%lld:%s", (long long)(cx_now(cx) / MINUTE_MS), number);
	message.text = arena_printf(
		cx->arena,
		_("This is a test of %s. If you can read it, WhatsApp messages leave as they should."),
		setting_text(cx->env->settings, "business.name"));
	message.expires_at = cx_now(cx) + EXPIRES_MS;
	if (rc == RC_OK) rc = contact_ensure(cx, &message.contact_id, "phone", number);
	if (rc == RC_OK) rc = contact_revive(cx, message.contact_id);
	if (rc == RC_OK) rc = add_batch(cx, &message.batch_id);
	if (rc == RC_OK) rc = outbox_add(cx, id, &message);
	if (rc == RC_OK) rc = batch_planned(cx, message.batch_id);
	rc = tx_end(cx, rc);
	return rc == RC_CONFLICT && *id != 0 ? RC_OK : rc; /* the one of this minute: its answer is as good */
}

enum rc wizard_test_send(struct cx *cx, const char *typed, const char **public_id)
{
	struct phone phone;
	const char *why = "";
	int64_t id = 0;
	enum rc rc;

	if (typed == NULL || typed[0] == '\0')
		return cx_fail_field(cx, "phone", _("Which number should get the test?"));
	rc = phone_parse(&phone, &why, typed, setting_text(cx->env->settings, "business.region"));
	if (rc != RC_OK) return cx_fail_field(cx, "phone", "%s", words_get(cx->lang, why));
	rc = queue(cx, phone.e164, &id);
	if (rc == RC_OK)
		rc = db_get_text(cx, public_id, "SELECT public_id FROM message WHERE id = :id",
				 PARAMS(P_INT(":id", id)));
	return rc;
}

/* Telling */

static void set_next(struct cx *cx, struct value *page, const char *text, const char *href)
{
	struct value *next = value_set_map(cx->arena, page, "test_next");

	value_set_text(cx->arena, next, "text", text);
	value_set_text(cx->arena, next, "href", href);
}

static void end(struct cx *cx, struct value *page, bool is_well, const char *sentence)
{
	value_set_bool(cx->arena, page, "test_is_well", is_well);
	value_set_text(cx->arena, page, "test_sentence", sentence);
}

/* It waits: for its turn, or because the channel cannot send. */
static void tell_waiting(struct cx *cx, struct call *call, const struct value *row, struct value *page)
{
	struct value *channel = NULL;
	const char *before = cx->message, *why = "";
	bool is_long = cx_now(cx) - value_int_of(value_get(row, "created_at"), 0) > MINUTE_MS;

	value_set_bool(cx->arena, page, "is_testing", true);
	answer_header(call, "Refresh", is_long ? ASK_SLOWLY : ASK_AGAIN_S);
	if (channel_show(cx, &channel, "whatsapp") == RC_OK &&
	    strcmp(value_text_of(value_get(channel, "state"), ""), "open") != 0)
		why = value_text_of(value_get(channel, "why_text"), "");
	cx->message = before;
	if (why[0] == '\0') return;
	value_set_text(cx->arena, page, "test_waits", words_get(cx->lang, why));
	set_next(cx, page, _("Look at the gateway"), "/gateway");
}

static void tell_failed(struct cx *cx, const struct value *row, struct value *page, const char *state)
{
	const char *error = value_text_of(value_get(row, "error"), "");

	if (strcmp(state, "expired") == 0)
		end(cx, page, false, _("The test did not leave in ten minutes and was dropped."));
	else if (strcmp(state, "skipped") == 0)
		end(cx, page, false, _("This number asked for no more messages, so the test did not leave."));
	else if (strcmp(state, "unsure") == 0)
		end(cx, page, false,
		    _("The line was cut before the gateway answered: it is not known whether the test left. Look at the phone."));
	else
		end(cx, page, false,
		    error[0] != '\0' ? arena_printf(cx->arena, _("The gateway refused the test: %s"),
						    words_get(cx->lang, error))
				     : _("The gateway refused the test."));
	set_next(cx, page, _("Look at the gateway"), "/gateway");
}

void wizard_test_show(struct cx *cx, struct call *call, const char *public_id, struct value *page)
{
	struct value *row = NULL;
	const char *before = cx->message, *state;

	if (public_id == NULL || public_id[0] == '\0') return;
	if (db_row(cx, &row,
		   "SELECT m.state AS state, m.error AS error, m.body AS body, m.created_at AS created_at,"
		   " c.address AS address FROM message m JOIN contact c ON c.id = m.contact_id"
		   " WHERE m.public_id = :id AND m.occasion LIKE 'test:%'",
		   PARAMS(P_TEXT(":id", public_id))) != RC_OK) {
		cx->message = before; /* not ours to tell of */
		return;
	}
	state = value_text_of(value_get(row, "state"), "");
	value_set_text(cx->arena, page, "test_to", value_text_of(value_get(row, "address"), ""));
	value_set_text(cx->arena, page, "test_text", value_text_of(value_get(row, "body"), ""));
	value_set_text(cx->arena, page, "test_href", arena_printf(cx->arena, "/outbox/%s", public_id));
	if (strcmp(state, "queued") == 0 || strcmp(state, "sending") == 0)
		tell_waiting(cx, call, row, page);
	else if (strcmp(state, "sent") == 0)
		end(cx, page, true, _("The gateway took the test: look at the phone."));
	else if (strcmp(state, "delivered") == 0 || strcmp(state, "read") == 0)
		end(cx, page, true, _("The test arrived."));
	else
		tell_failed(cx, row, page, state);
}

bool wizard_test_was_sent(struct cx *cx)
{
	const char *before = cx->message;
	int64_t one = 0;
	bool was = db_get_int(cx, &one,
			      "SELECT 1 FROM message WHERE occasion >= 'test:' AND occasion < 'test;'"
			      " AND (state = 'sent' OR state = 'delivered' OR state = 'read') LIMIT 1",
			      NO_PARAMS) == RC_OK;

	cx->message = before;
	return was;
}
