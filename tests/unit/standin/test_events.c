/*
** test_events.c -- the panel is told what became of messages, in both spellings the provider uses.
*/
#include "scene.h"

static const struct standin_options at_once = { .delivered_ms = 0, .read_ms = 0 };

static const char *text_at(const struct value *v, const char *path)
{
	return value_text_of(value_path(v, path), "(none)");
}

static int64_t int_at(const struct value *v, const char *path)
{
	return value_int_of(value_path(v, path), -1);
}

/* Events may overtake one another, as the provider's do. */
static const struct value *find_event(struct scene *s, int count, const char *name, int64_t status)
{
	for (int i = 0; i < count; i++) {
		const struct value *e = event_at(s, i);
		const struct value *d = value_get(e, "data");

		if (strcmp(text_at(e, "event"), name) != 0) continue;
		if (d->type == VALUE_LIST) d = d->first;
		if (status < 0 || int_at(d, "update.status") == status) return e;
	}
	fail_msg("no %s %lld", name, (long long)status);
	return NULL;
}

static void a_message_is_told_sent_delivered_and_read(void **state)
{
	struct scene s;
	const struct value *e, *info;
	const char *key;
	int64_t id;

	(void)state;
	scene_begin(&s, &at_once, true);
	s.key = "the-key";
	(void)ask_json(&s, 200, "/_standin/set", "{\"api_key\":\"the-key\"}");
	id = int_at(ask_json(&s, 200, "/api/send-message", "{\"to\":\"+593990000000\",\"text\":\"Hola\"}"),
		    "data.msgId");
	info = ask_json(&s, 200, arena_printf(s.arena, "/api/messages/%lld/info", (long long)id), NULL);
	key = text_at(info, "data.key.id");
	e = find_event(&s, 3, "message.sent", -1);
	assert_string_equal(text_at(e, "data.key.id"), key);
	assert_string_equal(text_at(e, "data.key.remoteJid"), "+593990000000");
	assert_string_equal(text_at(e, "data.message.conversation"), "Hola");
	assert_true(value_bool_of(value_path(e, "data.success"), false));
	e = find_event(&s, 3, "messages.update", 3);
	assert_string_equal(text_at(e, "sessionId"), "the-key");
	assert_string_equal(text_at(e, "data.key.id"), key); /* an object, and milliseconds */
	assert_true(int_at(e, "timestamp") > INT64_C(100000000000));
	e = find_event(&s, 3, "messages.update", 4);
	assert_string_equal(text_at(e, "data.key.remoteJid"), "593990000000@s.whatsapp.net");
	for (int i = 0; i < 3; i++)
		assert_string_equal(signature_at(&s, i), "s3cret");
	/* The second message comes in the other spelling: an array, and seconds. */
	(void)send_to(&s, "+593990000001", "Hola");
	(void)event_at(&s, 5);
	e = NULL;
	for (int i = 3; i < 6; i++)
		if (int_at(event_at(&s, i), "data.0.update.status") == 3) e = event_at(&s, i);
	assert_non_null(e);
	assert_true(int_at(e, "timestamp") < INT64_C(100000000000));
	scene_end(&s);
}

static void a_number_fails_late(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, &at_once, true);
	assert_int_equal(send_to(&s, "+593995550490", "x")->status, 200);
	assert_int_equal(int_at(find_event(&s, 2, "messages.update", 0), "data.update.status"), 0);
	assert_int_equal(send_to(&s, "+593995550493", "x")->status, 200);
	assert_string_equal(text_at(event_at(&s, 2), "event"), "message.sent");
	assert_false(value_bool_of(value_path(event_at(&s, 2), "data.success"), true));
	/* Nothing else follows: the next message's events are the next ones. */
	(void)send_to(&s, "+593990000000", "next");
	(void)event_at(&s, 5);
	assert_int_equal(count_of(&s, "events_dropped"), 0);
	scene_end(&s);
}

/* The client's time ran out, the message did not: what a sender must not repeat. */
static void a_slow_answer_comes_too_late_but_the_message_is_delivered(void **state)
{
	static const char body[] = "{\"to\":\"+593995550409\",\"text\":\"x\"}";
	struct http_request r = { .purpose = "test",
				  .method = "POST",
				  .body = { body, sizeof(body) - 1 },
				  .headers = { "Authorization: Bearer k" },
				  .total_ms = 300,
				  .is_configured = true };
	struct scene s;

	(void)state;
	scene_begin(&s, &at_once, true);
	r.url = arena_printf(s.arena, "http://127.0.0.1:%d/api/send-message", standin_port(s.standin));
	assert_int_equal(link_call(&s.cx, &s.answer, &r), RC_OK);
	assert_int_equal(s.answer.end, HTTP_CUT);
	assert_int_equal(count_of(&s, "unknown"), 1);
	assert_int_equal(int_at(find_event(&s, 3, "messages.update", 4), "data.update.status"), 4);
	(void)send_to(&s, "+593990000000", "x");
	assert_int_equal(count_of(&s, "duplicates"), 0);
	scene_end(&s);
}

static void nothing_is_told_when_it_is_never(void **state)
{
	struct standin_options o = { .delivered_ms = -1, .read_ms = -1 };
	struct scene s;

	(void)state;
	scene_begin(&s, &o, true);
	(void)send_to(&s, "+593990000000", "one");
	(void)send_to(&s, "+593990000000", "two");
	(void)ask_json(&s, 202, "/_standin/inbound", "{\"from\":\"+593990000000\",\"text\":\"BAJA\"}");
	(void)event_at(&s, 2);
	assert_int_equal(s.event_count, 3); /* two message.sent, one inbound */
	scene_end(&s);
}

static void an_inbound_message_is_posted_as_the_provider_would(void **state)
{
	struct scene s;
	const struct value *e;

	(void)state;
	scene_begin(&s, &at_once, true);
	(void)ask_json(
		&s, 202, "/_standin/inbound",
		"{\"from\":\"+593990000000\",\"text\":\"RENOVAR \xc3\xb1\",\"name\":\"Ana\",\"id\":\"X1\"}");
	e = event_at(&s, 0);
	assert_string_equal(text_at(e, "event"), "messages.received");
	assert_string_equal(text_at(e, "data.messages.key.id"), "X1");
	assert_string_equal(text_at(e, "data.messages.key.cleanedSenderPn"), "593990000000");
	assert_string_equal(text_at(e, "data.messages.messageBody"), "RENOVAR \xc3\xb1");
	assert_string_equal(text_at(e, "data.messages.pushName"), "Ana");
	assert_false(value_bool_of(value_path(e, "data.messages.key.fromMe"), true));
	assert_string_equal(signature_at(&s, 0), "s3cret");
	(void)ask_json(&s, 202, "/_standin/inbound",
		       "{\"from\":\"593990000000\",\"text\":\"x\",\"lid\":true,\"signature\":\"wrong\"}");
	e = event_at(&s, 1);
	assert_null(value_path(e, "data.messages.key.cleanedSenderPn"));
	assert_non_null(strstr(text_at(e, "data.messages.key.remoteJid"), "@lid"));
	assert_null(strstr(text_at(e, "data.messages.key.remoteJid"), "593990000000"));
	assert_string_not_equal(signature_at(&s, 1), "s3cret");
	assert_string_not_equal(signature_at(&s, 1), "");
	(void)ask_json(&s, 202, "/_standin/inbound",
		       "{\"from\":\"593990000000\",\"text\":\"x\",\"array\":true,\"signature\":\"missing\"}");
	assert_string_equal(text_at(event_at(&s, 2), "data.messages.0.messageBody"), "x");
	assert_string_equal(signature_at(&s, 2), "");
	assert_string_not_equal(text_at(event_at(&s, 1), "data.messages.key.id"),
				text_at(event_at(&s, 2), "data.messages.0.key.id"));
	scene_end(&s);
}

static void a_change_of_the_session_is_told(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, &at_once, true);
	(void)ask_json(&s, 200, "/_standin/set", "{\"status\":\"need_scan\"}");
	assert_string_equal(text_at(event_at(&s, 0), "event"), "session.status");
	assert_string_equal(text_at(event_at(&s, 0), "data.status"), "need_scan");
	(void)ask_json(&s, 202, "/_standin/event", "{\"event\":\"call\",\"data\":{}}");
	assert_string_equal(text_at(event_at(&s, 1), "event"), "call");
	scene_end(&s);
}

/* No retries: the provider promises none. */
static void an_event_the_panel_refuses_is_lost_and_counted(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, &at_once, true);
	s.answer_status = 500;
	(void)ask_json(&s, 202, "/_standin/inbound", "{\"from\":\"593990000000\",\"text\":\"x\"}");
	(void)event_at(&s, 0);
	while (count_of(&s, "events_failed") == 0)
		;
	assert_int_equal(count_of(&s, "events_posted"), 0);
	assert_int_equal(count_of(&s, "last_event_status"), 500);
	assert_int_equal(s.event_count, 1);
	scene_end(&s);
}

static void what_was_accepted_before_anybody_listened_is_not_told(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, &at_once, true);
	(void)ask_json(&s, 200, "/_standin/set", "{\"webhook\":\"\"}");
	(void)send_to(&s, "+593990000000", "unheard");
	standin_set_webhook(s.standin, s.webhook, "other");
	(void)send_to(&s, "+593990000001", "heard");
	for (int i = 0; i < 3; i++) {
		(void)event_at(&s, i);
		assert_null(strstr(s.events[i], "unheard"));
		assert_null(strstr(s.events[i], "593990000000"));
		assert_string_equal(signature_at(&s, i), "other");
	}
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_told_sent_delivered_and_read),
		cmocka_unit_test(a_number_fails_late),
		cmocka_unit_test(a_slow_answer_comes_too_late_but_the_message_is_delivered),
		cmocka_unit_test(nothing_is_told_when_it_is_never),
		cmocka_unit_test(an_inbound_message_is_posted_as_the_provider_would),
		cmocka_unit_test(a_change_of_the_session_is_told),
		cmocka_unit_test(an_event_the_panel_refuses_is_lost_and_counted),
		cmocka_unit_test(what_was_accepted_before_anybody_listened_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
