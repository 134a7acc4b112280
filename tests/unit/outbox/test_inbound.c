/*
** test_inbound.c -- what people write back, and what the gateway tells later.
*/
#include "house.h"
#include "outbox/channels/wasender.h"
#include "outbox/inbound.h"
#include "outbox/retention.h"

static int asked;
static const char *asked_text;

static enum rc renew(struct cx *cx, int64_t contact_id, int64_t inbound_message_id, const char *text,
		     const char **ack)
{
	assert_true(contact_id > 0 && inbound_message_id > 0);
	asked++;
	asked_text = strstr(text, "no") != NULL ? "no" : "yes";
	if (strstr(text, "tarde") != NULL) return RC_NOT_FOUND;
	if (strstr(text, "roto") != NULL) return cx_fail(cx, RC_BAD_INPUT, "broken");
	*ack = "Ya le escribimos";
	return RC_OK;
}

static const struct reply_word words[] = { { "renovar|si", renew }, { NULL, NULL } };
static const struct reply_word *const replies[] = { words, NULL };

static void open_inbox(struct house *h)
{
	house_open(h, 0);
	inbound_set_replies(replies);
	asked = 0;
}

static void arrive(struct house *h, const char *key, const char *body)
{
	assert_int_equal(tx_begin(&h->s.cx), RC_OK);
	assert_int_equal(
		db_run(&h->s.cx,
		       "INSERT INTO inbound (provider, provider_id, body, received_at) VALUES"
		       " ('wasender', :key, :body, :now)",
		       PARAMS(P_TEXT(":key", key), P_TEXT(":body", body), P_INT(":now", cx_now(&h->s.cx)))),
		RC_OK);
	assert_int_equal(tx_end(&h->s.cx, RC_OK), RC_OK);
	assert_int_equal(inbound_run(&h->s.cx, NULL), RC_OK);
}

static void write_from(struct house *h, const char *id, const char *digits, const char *text)
{
	char body[1000];

	snprintf(
		body, sizeof(body),
		"{\"event\":\"messages.received\",\"timestamp\":1633456789,\"data\":{\"messages\":{\"key\":{\"id\":\"%s\","
		"\"fromMe\":false,\"remoteJid\":\"5555@lid\",\"cleanedSenderPn\":\"%s\"},\"pushName\":\"Ana\","
		"\"messageBody\":\"%s\"}}}",
		id, digits, text);
	arrive(h, id, body);
}

static int64_t outs(struct house *h)
{
	return state_int(&h->s, "SELECT count(*) FROM opt_out");
}

static void baja_is_heard_confirmed_once_and_alta_takes_it_back(void **state)
{
	struct house h;

	(void)state;
	open_inbox(&h);
	write_from(&h, "A1", "593990000001",
		   "\xC2\xA1"
		   "Baja, por favor!");
	assert_int_equal(outs(&h), 2);
	assert_int_equal(
		state_int(&h.s,
			  "SELECT count(*) FROM message WHERE topic = 'service' AND ignores_window = 1"),
		1);
	assert_int_equal(
		state_int(&h.s,
			  "SELECT count(*) FROM inbound_message WHERE handled_as = 'baja' AND is_unread = 0"),
		1);
	write_from(&h, "A2", "593990000001", "STOP");
	assert_int_equal(outs(&h), 2);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message"), 1); /* one confirmation */
	write_from(&h, "A3", "593990000001", "Cancelar  Avisos");
	assert_int_equal(outs(&h), 2);
	write_from(&h, "A4", "593990000001", "alta");
	assert_int_equal(outs(&h), 0);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message"), 2);
	house_close(&h);
}

static void a_complaint_that_begins_like_a_farewell_is_none(void **state)
{
	struct house h;

	(void)state;
	open_inbox(&h);
	write_from(&h, "A1", "593990000001", "baja calidad de imagen");
	write_from(&h, "A2", "593990000001", "bajar");
	assert_int_equal(outs(&h), 0);
	assert_int_equal(state_int(&h.s, "SELECT unread FROM contact"), 2);
	assert_int_equal(state_int(&h.s, "SELECT last_text = 'bajar' AND last_inbound_at > 0 FROM contact"),
			 1);
	house_close(&h);
}

static void a_modules_word_is_handed_to_it_and_answered(void **state)
{
	struct house h;

	(void)state;
	open_inbox(&h);
	write_from(&h, "A1", "593990000001", "S\xC3\xAD, quiero");
	assert_int_equal(asked, 1);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message WHERE body = 'Ya le escribimos'"), 1);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound_message WHERE handled_as = 'renovar'"),
			 1);
	/* Not the module's after all: a person reads it. */
	write_from(&h, "A2", "593990000001", "renovar mas tarde");
	assert_int_equal(asked, 2);
	assert_int_equal(state_int(&h.s, "SELECT unread FROM contact"), 1);
	house_close(&h);
}

static void an_event_that_cannot_be_handled_does_not_stop_the_next(void **state)
{
	struct house h;

	(void)state;
	open_inbox(&h);
	assert_int_equal(state_run(&h.s,
				   "INSERT INTO inbound (provider, provider_id, body, received_at) VALUES"
				   " ('wasender', 'bad', 'not json', 1)"),
			 RC_OK);
	write_from(&h, "A1", "593990000001", "renovar roto");
	write_from(&h, "A2", "593990000001", "hola");
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound WHERE state = 'failed'"), 2);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound_message"),
			 1); /* the broken one left nothing */
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound WHERE state = 'new'"), 0);
	house_close(&h);
}

static void a_message_told_twice_is_kept_once(void **state)
{
	struct house h;

	(void)state;
	open_inbox(&h);
	write_from(&h, "A1", "593990000001", "hola");
	arrive(&h, "again",
	       "{\"event\":\"messages.upsert\",\"data\":[{\"messages\":[{\"key\":{\"id\":\"A1\",\"fromMe\":false,"
	       "\"remoteJid\":\"593990000001@s.whatsapp.net\"},\"message\":{\"conversation\":\"hola\"}}]}]}");
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound_message"), 1);
	assert_int_equal(state_int(&h.s, "SELECT unread FROM contact"), 1);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM contact WHERE address = '+593990000001'"), 1);
	house_close(&h);
}

static void own_group_and_empty_messages_are_ignored_and_a_lid_is_no_number(void **state)
{
	static const char *const bodies[] = {
		"{\"event\":\"messages.received\",\"data\":{\"messages\":{\"key\":{\"id\":\"B1\",\"fromMe\":true,\"remoteJid\":"
		"\"593990000001@s.whatsapp.net\"},\"messageBody\":\"x\"}}}",
		"{\"event\":\"messages.upsert\",\"data\":{\"messages\":[{\"key\":{\"id\":\"B2\",\"remoteJid\":\"123@g.us\","
		"\"cleanedSenderPn\":\"593990000001\"},\"messageBody\":\"x\"}]}}",
		"{\"event\":\"messages.received\",\"data\":{\"messages\":{\"key\":{\"id\":\"B3\",\"remoteJid\":"
		"\"593990000001@s.whatsapp.net\"},\"message\":{\"imageMessage\":{}}}}}",
		"{\"event\":\"messages.upsert\",\"data\":{\"messages\":[{\"key\":{\"id\":\"B4\",\"remoteJid\":\"status@broadcast\","
		"\"cleanedSenderPn\":\"593990000001\"},\"messageBody\":\"x\"}]}}",
		"{\"event\":\"contacts.upsert\",\"data\":[{\"id\":\"1\"}]}",
	};
	struct house h;

	(void)state;
	open_inbox(&h);
	house_set(&h, "outbox.acknowledge", "Gracias");
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++)
		arrive(&h, (const char[]){ (char)('a' + i), '\0' }, bodies[i]);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound_message"), 0);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound WHERE state = 'ignored'"), 5);
	arrive(&h, "lid",
	       "{\"event\":\"messages.received\",\"data\":{\"messages\":{\"key\":{\"id\":\"B5\",\"remoteJid\":"
	       "\"555555555@lid\"},\"messageBody\":\"BAJA\"}}}");
	assert_int_equal(
		state_int(&h.s,
			  "SELECT count(*) FROM contact WHERE kind = 'chat' AND address = 'lid:555555555'"),
		1);
	assert_int_equal(outs(&h), 2);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message"), 0); /* nobody to answer by number */
	house_close(&h);
}

static void an_old_flat_body_is_understood(void **state)
{
	struct house h;

	(void)state;
	open_inbox(&h);
	arrive(&h, "plain", "{\"from\":\"+593990000001\",\"text\":\"hola\"}");
	arrive(&h, "plain2", "{\"msisdn\":\"593990000001\",\"messages\":[{\"text\":{\"body\":\"otra\"}}]}");
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound_message"), 2);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM contact"), 1);
	house_close(&h);
}

static void an_acknowledgement_goes_out_once_a_day(void **state)
{
	struct house h;

	(void)state;
	open_inbox(&h);
	house_set(&h, "outbox.acknowledge", "Gracias, le respondemos pronto");
	write_from(&h, "A1", "593990000001", "hola");
	write_from(&h, "A2", "593990000001", "hay alguien?");
	write_from(&h, "A3", "593990000002", "hola");
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message"), 2);
	clock_shift(h.s.env.clock, DAY_MS);
	write_from(&h, "A4", "593990000001", "hola");
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message"), 3);
	house_close(&h);
}

static void later_states_reach_the_message_and_never_go_back(void **state)
{
	struct house h;
	struct claimed got[1];
	struct check_verdict told = { .end = CHECK_TOLD, .provider_key = "3EB0", .status = STATUS_SENT };

	(void)state;
	open_inbox(&h);
	(void)house_message(&h, 1);
	assert_int_equal(house_claim(&h, got, 1), 1);
	house_settle(&h, &got[0], OUTCOME_SENT, "accepted");
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(ledger_checked(&h.s.cx, got[0].id, &told, 0), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	arrive(&h, "u0",
	       "{\"event\":\"messages.update\",\"data\":{\"update\":{\"status\":3},\"key\":{\"id\":\"unknown\"}}}");
	assert_string_equal(house_state(&h, got[0].id), "sent");
	arrive(&h, "u1",
	       "{\"event\":\"message.sent\",\"data\":{\"key\":{\"id\":\"3EB0\"},\"success\":false}}");
	assert_string_equal(house_state(&h, got[0].id), "failed");
	arrive(&h, "u2",
	       "{\"event\":\"messages.update\",\"timestamp\":1747775431467,\"data\":[{\"update\":{\"status\":3},\"key\":{\"id\":\"3EB0\"}}]}");
	assert_string_equal(house_state(&h, got[0].id), "delivered");
	arrive(&h, "u3",
	       "{\"event\":\"messages.update\",\"data\":{\"update\":{\"status\":\"4\"},\"key\":{\"id\":\"3EB0\"}}}");
	assert_string_equal(house_state(&h, got[0].id), "read");
	arrive(&h, "u4",
	       "{\"event\":\"messages.update\",\"data\":{\"update\":{\"status\":2},\"key\":{\"id\":\"3EB0\"}}}");
	assert_string_equal(house_state(&h, got[0].id), "read");
	house_close(&h);
}

static void the_gateways_own_report_settles_an_unsure_message(void **state)
{
	static const struct template_default texts[] = {
		{ .name = "t.one", .title = "One", .body = "Hola {{cliente}}" }, { .name = NULL }
	};
	struct house h;
	struct claimed got[2];
	struct value *variables;
	int64_t version = 0, rendered;

	(void)state;
	open_inbox(&h);
	assert_int_equal(templates_ensure(&h.s.cx, "t", texts), RC_OK);
	assert_int_equal(template_current(&h.s.cx, &version, NULL, "t.one"), RC_OK);
	variables = value_map(h.s.cx.arena);
	value_set_text(h.s.cx.arena, variables, "cliente", "Ana");
	(void)house_message(&h, 1);
	rendered = house_add(&h, &(struct message_new){ .contact_id = house_contact(&h, 2),
							.template_version_id = version,
							.variables = variables });
	assert_int_equal(house_claim(&h, got, 2), 2);
	house_settle(&h, &got[0], OUTCOME_UNSURE, "cut");
	house_settle(&h, &got[1], OUTCOME_UNSURE, "cut");
	arrive(&h, "e0",
	       "{\"event\":\"message.sent\",\"data\":{\"key\":{\"id\":\"X0\",\"fromMe\":true,\"remoteJid\":"
	       "\"+593990000001\"},\"message\":{\"conversation\":\"Otra cosa\"},\"success\":true}}");
	assert_string_equal(house_state(&h, got[0].id), "unsure");
	arrive(&h, "e1",
	       "{\"event\":\"message.sent\",\"data\":{\"key\":{\"id\":\"X1\",\"fromMe\":true,\"remoteJid\":"
	       "\"+593990000001\"},\"message\":{\"conversation\":\"Hola\"},\"success\":true}}");
	assert_string_equal(house_state(&h, got[0].id), "sent");
	assert_string_equal(house_state(&h, rendered), "unsure");
	arrive(&h, "e2",
	       "{\"event\":\"message.sent\",\"data\":{\"key\":{\"id\":\"X2\",\"fromMe\":true,\"remoteJid\":"
	       "\"593990000002@s.whatsapp.net\"},\"message\":{\"conversation\":\"Hola Ana\"},\"success\":true}}");
	assert_string_equal(house_state(&h, rendered), "sent");
	/* …and its later states are heard. */
	arrive(&h, "e3",
	       "{\"event\":\"messages.update\",\"data\":{\"update\":{\"status\":4},\"key\":{\"id\":\"X2\"}}}");
	assert_string_equal(house_state(&h, rendered), "read");
	house_close(&h);
}

static void a_lost_session_holds_the_channel_and_a_found_one_opens_it(void **state)
{
	struct house h;

	(void)state;
	open_inbox(&h);
	arrive(&h, "s1", "{\"event\":\"session.status\",\"data\":{\"status\":\"NEED_SCAN\"}}");
	assert_int_equal(
		state_int(&h.s, "SELECT state = 'waiting' AND state_why = 'need_scan' FROM channel_account"),
		1);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM alert WHERE resolved_at IS NULL"), 1);
	arrive(&h, "s2", "{\"event\":\"session.status\",\"data\":{\"status\":\"connected\"}}");
	assert_int_equal(state_int(&h.s, "SELECT state = 'open' FROM channel_account"), 1);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM alert WHERE resolved_at IS NULL"), 0);
	/* A stop is a person's to end. */
	assert_int_equal(channel_stop(&h.s.cx, CHANNEL_WHATSAPP, "person"), RC_OK);
	arrive(&h, "s3", "{\"event\":\"session.status\",\"data\":{\"status\":\"connected\"}}");
	assert_int_equal(state_int(&h.s, "SELECT state = 'stopped' FROM channel_account"), 1);
	house_close(&h);
}

static void a_loss_of_a_quarter_of_an_hour_is_told(void **state)
{
	struct house h;

	(void)state;
	open_inbox(&h);
	arrive(&h, "s1", "{\"event\":\"session.status\",\"data\":{\"status\":\"disconnected\"}}");
	clock_shift(h.s.env.clock, 14 * MINUTE_MS);
	arrive(&h, "s2", "{\"event\":\"session.status\",\"data\":{\"status\":\"disconnected\"}}");
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM alert"), 0);
	clock_shift(h.s.env.clock, MINUTE_MS);
	arrive(&h, "s3", "{\"event\":\"session.status\",\"data\":{\"status\":\"disconnected\"}}");
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM alert WHERE key = 'channel.disconnected'"), 1);
	house_close(&h);
}

static void who_writes_has_whatsapp_again(void **state)
{
	struct house h;
	int64_t id;

	(void)state;
	open_inbox(&h);
	id = house_contact(&h, 1);
	assert_int_equal(state_run(&h.s, "UPDATE contact SET dead_reason = 'no_whatsapp', dead_at = 1"),
			 RC_OK);
	write_from(&h, "A1", "593990000001", "hola");
	assert_int_equal(
		state_int(&h.s, "SELECT count(*) FROM contact WHERE dead_reason = '' AND dead_at IS NULL"),
		1);
	assert_true(id > 0);
	house_close(&h);
}

static struct value *parsed(struct cx *cx, const char *text)
{
	struct value *v = NULL;

	assert_int_equal(json_parse(cx->arena, &v, NULL, text, strlen(text)), RC_OK);
	return v;
}

static void the_sessions_key_is_taken_out_wherever_it_stands(void **state)
{
	struct house h;
	struct value *v;
	struct sb sb;

	(void)state;
	open_inbox(&h);
	v = parsed(&h.s.cx,
		   "{\"sessionId\":\"SECRET\",\"event\":\"x\",\"data\":[{\"a\":1,\"session_id\":\"SECRET\"},"
		   "{\"session_id\":\"SECRET\"}],\"z\":{\"b\":{\"sessionId\":\"SECRET\"}}}");
	wasender_redact(v);
	sb_init_arena(&sb, h.s.cx.arena, 1000);
	json_write(&sb, v);
	assert_string_equal(sb_text_of(&sb), "{\"event\":\"x\",\"data\":[{\"a\":1},{}],\"z\":{\"b\":{}}}");
	house_close(&h);
}

static void a_repeated_delivery_has_the_same_key(void **state)
{
	struct house h;
	struct cx *cx;
	const char *one =
		"{\"event\":\"messages.update\",\"timestamp\":1,\"data\":{\"key\":{\"id\":\"K\"},\"update\":{\"status\":3}}}";
	const char *again =
		"{\"event\":\"messages.update\",\"timestamp\":2,\"data\":[{\"key\":{\"id\":\"K\"},\"update\":{\"status\":3}}]}";
	const char *next =
		"{\"event\":\"messages.update\",\"timestamp\":2,\"data\":{\"key\":{\"id\":\"K\"},\"update\":{\"status\":4}}}";
	const char *session = "{\"event\":\"session.status\",\"data\":{\"status\":\"need_scan\"}}";

	(void)state;
	open_inbox(&h);
	cx = &h.s.cx;
	assert_string_equal(wasender_dedupe_key(cx->arena, parsed(cx, one), 0),
			    wasender_dedupe_key(cx->arena, parsed(cx, again), DAY_MS));
	assert_string_not_equal(wasender_dedupe_key(cx->arena, parsed(cx, one), 0),
				wasender_dedupe_key(cx->arena, parsed(cx, next), 0));
	assert_string_equal(wasender_dedupe_key(cx->arena, parsed(cx, session), 1000),
			    wasender_dedupe_key(cx->arena, parsed(cx, session), 2000));
	assert_string_not_equal(wasender_dedupe_key(cx->arena, parsed(cx, session), 0),
				wasender_dedupe_key(cx->arena, parsed(cx, session), HOUR_MS));
	house_close(&h);
}

static void old_texts_are_emptied_and_the_rows_stay(void **state)
{
	struct house h;
	struct claimed got[1];
	int64_t old, waiting;

	(void)state;
	open_inbox(&h);
	old = house_message(&h, 1);
	waiting = house_add(&h, &(struct message_new){ .contact_id = house_contact(&h, 1),
						       .expires_at = INT64_C(9000000000000) });
	assert_int_equal(house_claim(&h, got, 1), 1);
	house_settle(&h, &got[0], OUTCOME_SENT, "accepted");
	write_from(&h, "A1", "593990000001", "hola");
	assert_int_equal(retention_run(&h.s.cx, NULL), RC_OK);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message WHERE body IS NOT NULL"), 2);
	clock_shift(h.s.env.clock, 31 * DAY_MS);
	assert_int_equal(retention_run(&h.s.cx, NULL), RC_OK);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound WHERE body <> ''"), 0);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound_message WHERE body = 'hola'"), 1);
	clock_shift(h.s.env.clock, 340 * DAY_MS);
	(void)house_message(&h, 2);
	assert_int_equal(retention_run(&h.s.cx, NULL), RC_OK);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message WHERE body IS NULL"), 1);
	assert_int_equal(state_int(&h.s, "SELECT id FROM message WHERE body IS NULL"), old);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound_message WHERE body = ''"), 1);
	assert_string_equal(house_state(&h, waiting), "queued");
	house_close(&h);
}

static void what_a_mail_provider_tells_says_nothing_of_the_gateways_webhooks(void **state)
{
	bool is_told = true;
	struct house h;

	(void)state;
	open_inbox(&h);
	assert_int_equal(inbound_tells(&h.s.cx, &is_told, 1000), RC_OK);
	assert_false(is_told);
	assert_int_equal(
		state_run(&h.s, "INSERT INTO inbound (provider, provider_id, body, state, received_at) VALUES"
				" ('wasender', 'a', '', 'done', 1000), ('sendgrid', 'b', '[]', 'done', 2000),"
				" ('sendgrid.event', 'c', '', 'done', 3000)"),
		RC_OK);
	assert_int_equal(inbound_tells(&h.s.cx, &is_told, 1000), RC_OK);
	assert_false(is_told);
	assert_int_equal(inbound_tells(&h.s.cx, &is_told, 999), RC_OK);
	assert_true(is_told);
	house_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(baja_is_heard_confirmed_once_and_alta_takes_it_back),
		cmocka_unit_test(a_complaint_that_begins_like_a_farewell_is_none),
		cmocka_unit_test(a_modules_word_is_handed_to_it_and_answered),
		cmocka_unit_test(an_event_that_cannot_be_handled_does_not_stop_the_next),
		cmocka_unit_test(a_message_told_twice_is_kept_once),
		cmocka_unit_test(own_group_and_empty_messages_are_ignored_and_a_lid_is_no_number),
		cmocka_unit_test(an_old_flat_body_is_understood),
		cmocka_unit_test(an_acknowledgement_goes_out_once_a_day),
		cmocka_unit_test(later_states_reach_the_message_and_never_go_back),
		cmocka_unit_test(the_gateways_own_report_settles_an_unsure_message),
		cmocka_unit_test(a_lost_session_holds_the_channel_and_a_found_one_opens_it),
		cmocka_unit_test(a_loss_of_a_quarter_of_an_hour_is_told),
		cmocka_unit_test(who_writes_has_whatsapp_again),
		cmocka_unit_test(the_sessions_key_is_taken_out_wherever_it_stands),
		cmocka_unit_test(a_repeated_delivery_has_the_same_key),
		cmocka_unit_test(old_texts_are_emptied_and_the_rows_stay),
		cmocka_unit_test(what_a_mail_provider_tells_says_nothing_of_the_gateways_webhooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
