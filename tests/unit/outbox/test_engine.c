/*
** test_engine.c -- the running outbox against a gateway that answers, refuses, hangs and cuts: once, or
** unsure.
*/
#include "house.h"
#include "gateway.h"
#include "outbox/last_seen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define PATIENCE_MS 60000 /* far beyond what anything here takes, so that a slow machine does not fail */

struct scene {
	struct house h;
	struct gateway *g;
	struct outbox *o;
};

static void start(struct scene *s)
{
	assert_int_equal(outbox_start(&s->o, &s->h.s.env, NULL), RC_OK);
}

static void open_scene(struct scene *s)
{
	char url[64];

	s->g = gateway_start();
	house_open(&s->h, 0);
	s->h.s.env.wake_fd[WAKE_OUTBOX] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/api", gateway_port(s->g));
	house_set(&s->h, "whatsapp.base_url", url);
	house_set(&s->h, "whatsapp.pause_s", "0");
	house_set(&s->h, "whatsapp.check_after_s", "1");
	assert_int_equal(last_seen_write(s->h.s.dir, &(struct last_seen){ .is_there = true }), RC_OK);
}

static void close_scene(struct scene *s)
{
	outbox_stop(s->o);
	gateway_stop(s->g);
	close(s->h.s.env.wake_fd[WAKE_OUTBOX]);
	house_close(&s->h);
}

static bool is_so(struct scene *s, const char *sql)
{
	bool so = state_int(&s->h.s, sql) != 0;

	cx_reset(&s->h.s.cx);
	return so;
}

/* Wait until the question is answered with something else than 0. */
static void until(struct scene *s, const char *sql)
{
	int64_t end = clock_ticks() + PATIENCE_MS;

	while (!is_so(s, sql)) {
		if (clock_ticks() > end) fail_msg("never became true: %s", sql);
		(void)poll(NULL, 0, 5);
	}
}

#define NOTHING_WAITS "SELECT NOT EXISTS (SELECT 1 FROM message WHERE state IN ('queued', 'sending'))"

static void every_message_leaves_once_and_is_later_known_as_read(void **state)
{
	struct scene s = { .o = NULL };

	(void)state;
	open_scene(&s);
	for (int i = 0; i < 300; i++)
		(void)house_message(&s.h, i);
	start(&s);
	until(&s, NOTHING_WAITS);
	assert_int_equal(gateway_received(s.g, ""), 300);
	for (int i = 0; i < 300; i++) {
		char digits[16];

		snprintf(digits, sizeof(digits), "%05d", i);
		assert_int_equal(gateway_received(s.g, digits), 1);
	}
	assert_int_equal(
		state_int(&s.h.s, "SELECT count(*) FROM attempt WHERE kind = 'send' AND outcome = 'sent'"),
		300);
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE slot IS NOT NULL"), 0);
	assert_true(gateway_most_open(s.g) <= 8);
	until(&s, "SELECT count(*) > 0 FROM message WHERE state = 'read' AND provider_key LIKE 'KEY%'");
	close_scene(&s);
}

static void each_answer_ends_where_the_house_table_says(void **state)
{
	static const struct {
		const char *answer, *state, *why;
	} rows[] = {
		{ NULL, "sent", "" },
		{ "cut", "unsure", "cut" },
		{ "500 {\"message\":\"Server Error\"}", "unsure", "server_error" },
		{ "502 <html>Bad Gateway</html>", "unsure", "server_error" },
		{ "200 <html>hello</html>", "unsure", "odd_answer" },
		{ "200 {\"success\":true}", "sent", "" },
		{ "422 {\"message\":\"The provided JID does not exist on WhatsApp.\"}", "failed",
		  "no_whatsapp" },
		{ "422 {\"message\":\"Validation failed\",\"errors\":{\"text\":[\"required\"]}}", "failed",
		  "refused" },
		{ "hang", "unsure", "cut" },
	};
	const int count = (int)(sizeof(rows) / sizeof(*rows));
	static char digits[16][16];
	struct scene s = { .o = NULL };
	int64_t ids[16];

	(void)state;
	open_scene(&s);
	house_set(&s.h, "whatsapp.timeout_s", "1");
	house_set(&s.h, "whatsapp.check_after_s", "3600");
	for (int i = 0; i < count; i++) {
		ids[i] = house_message(&s.h, i);
		snprintf(digits[i], sizeof(digits[i]), "%05d", i);
		if (rows[i].answer != NULL) gateway_answer(s.g, digits[i], rows[i].answer);
	}
	start(&s);
	until(&s, NOTHING_WAITS);
	for (int i = 0; i < count; i++) {
		const char *why = "";

		print_message("row %d\n", i);
		assert_string_equal(house_state(&s.h, ids[i]), rows[i].state);
		assert_int_equal(db_get_text(&s.h.s.cx, &why, "SELECT state_why FROM message WHERE id = :id",
					     PARAMS(P_INT(":id", ids[i]))),
				 RC_OK);
		assert_string_equal(why, rows[i].why);
		assert_int_equal(gateway_received(s.g, digits[i]), 1); /* never a second try */
	}
	assert_true(
		is_so(&s, "SELECT count(*) FROM alert WHERE key = 'outbox.unsure' AND resolved_at IS NULL"));
	close_scene(&s);
}

static void after_a_rate_limit_the_same_message_leaves_later(void **state)
{
	struct scene s = { .o = NULL };
	int64_t id;

	(void)state;
	open_scene(&s);
	gateway_answer(s.g, "00001", "429 Retry-After: 9\n\n{\"message\":\"slow\",\"retry_after\":1}");
	id = house_message(&s.h, 1);
	start(&s);
	until(&s, "SELECT state = 'queued' AND attempts = 1 FROM message");
	assert_true(is_so(&s, "SELECT state = 'waiting' AND state_why = 'rate' FROM channel_account"));
	gateway_answer(s.g, "00001", "200 {\"success\":true,\"data\":{\"msgId\":5}}");
	until(&s, NOTHING_WAITS);
	assert_string_equal(house_state(&s.h, id), "sent");
	assert_int_equal(state_int(&s.h.s, "SELECT attempts FROM message"), 2);
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM attempt"), 2);
	assert_true(is_so(&s, "SELECT state = 'open' FROM channel_account"));
	close_scene(&s);
}

static void a_refused_key_stops_the_channel_and_a_new_one_opens_it(void **state)
{
	struct scene s = { .o = NULL };
	int64_t id;

	(void)state;
	open_scene(&s);
	gateway_answer(s.g, "00001", "401 {\"success\":false,\"message\":\"Invalid API key\"}");
	id = house_message(&s.h, 1);
	start(&s);
	until(&s, "SELECT state = 'stopped' AND state_why = 'unauthorized' FROM channel_account");
	assert_string_equal(house_state(&s.h, id), "queued");
	assert_int_equal(state_int(&s.h.s, "SELECT attempts FROM message"), 0);
	assert_true(is_so(
		&s, "SELECT count(*) FROM alert WHERE key = 'channel.stopped' AND resolved_at IS NULL"));
	gateway_answer(s.g, "00001", "200 {\"success\":true,\"data\":{\"msgId\":5}}");
	house_set(&s.h, "whatsapp.api_key", "another");
	env_wake(&s.h.s.env, WAKE_OUTBOX);
	until(&s, NOTHING_WAITS);
	assert_string_equal(house_state(&s.h, id), "sent");
	assert_false(is_so(
		&s, "SELECT count(*) FROM alert WHERE key = 'channel.stopped' AND resolved_at IS NULL"));
	close_scene(&s);
}

static void no_credit_stops_the_channel_until_a_person_opens_it(void **state)
{
	struct scene s = { .o = NULL };
	struct value *card = NULL;

	(void)state;
	open_scene(&s);
	gateway_answer(s.g, "00001",
		       "402 {\"message\":\"Active subscription or trial is required to use the API\"}");
	(void)house_message(&s.h, 1);
	start(&s);
	until(&s, "SELECT state = 'stopped' AND state_why = 'payment' FROM channel_account");
	until(&s, "SELECT facts_json LIKE '%inactive%' FROM channel_account");
	assert_int_equal(channel_show(&s.h.s.cx, &card, CHANNEL_WHATSAPP), RC_OK);
	assert_string_equal(value_text_of(value_get(card, "state"), ""), "stopped");
	assert_int_equal(value_int_of(value_get(card, "queued"), -1), 1);
	gateway_answer(s.g, "00001", "200 {\"success\":true}");
	assert_int_equal(channel_open(&s.h.s.cx, CHANNEL_WHATSAPP), RC_OK);
	until(&s, NOTHING_WAITS);
	assert_int_equal(gateway_received(s.g, "00001"), 2);
	close_scene(&s);
}

static void without_a_key_everything_stays_queued(void **state)
{
	struct scene s = { .o = NULL };
	int64_t id;

	(void)state;
	open_scene(&s);
	house_set(&s.h, "whatsapp.api_key", "");
	id = house_message(&s.h, 1);
	start(&s);
	until(&s, "SELECT state = 'stopped' AND state_why = 'no_key' FROM channel_account");
	assert_string_equal(house_state(&s.h, id), "queued");
	assert_int_equal(gateway_received(s.g, ""), 0);
	assert_true(is_so(
		&s, "SELECT count(*) FROM alert WHERE key = 'channel.stopped' AND resolved_at IS NULL"));
	house_set(&s.h, "whatsapp.api_key", "now there");
	env_wake(&s.h.s.env, WAKE_OUTBOX);
	until(&s, NOTHING_WAITS);
	assert_string_equal(house_state(&s.h, id), "sent");
	close_scene(&s);
}

static void a_phone_that_must_be_linked_again_holds_everything(void **state)
{
	struct scene s = { .o = NULL };
	int64_t id;

	(void)state;
	open_scene(&s);
	gateway_session(s.g, "NEED_SCAN");
	id = house_message(&s.h, 1);
	start(&s);
	until(&s, "SELECT state = 'waiting' AND state_why = 'need_scan' FROM channel_account");
	assert_true(is_so(
		&s, "SELECT count(*) FROM alert WHERE key = 'channel.session' AND severity = 'urgent'"));
	assert_string_equal(house_state(&s.h, id), "queued");
	assert_int_equal(gateway_received(s.g, ""), 0);
	gateway_session(s.g, "connected");
	clock_shift(s.h.s.env.clock, 61 * SECOND_MS);
	env_wake(&s.h.s.env, WAKE_OUTBOX);
	until(&s, NOTHING_WAITS);
	assert_string_equal(house_state(&s.h, id), "sent");
	assert_false(is_so(&s, "SELECT count(*) FROM alert WHERE resolved_at IS NULL"));
	close_scene(&s);
}

/* A port that is taken and never listens: nobody can be reached there, and nobody else can take it. */
static int deaf_port(int *fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static void a_gateway_that_is_away_costs_a_try_and_half_a_minute(void **state)
{
	struct scene s = { .o = NULL };
	char url[40];
	int fd;

	(void)state;
	open_scene(&s);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", deaf_port(&fd));
	house_set(&s.h, "whatsapp.base_url", url);
	(void)house_message(&s.h, 1);
	start(&s);
	until(&s, "SELECT state = 'queued' AND attempts = 1 AND state_why = 'unreachable' FROM message");
	assert_true(is_so(&s, "SELECT state = 'waiting' AND state_why = 'unreachable' FROM channel_account"));
	assert_true(is_so(&s, "SELECT not_before_at - created_at BETWEEN 290000 AND 330000 FROM message"));
	close(fd);
	close_scene(&s);
}

static void with_a_pause_one_message_is_under_way(void **state)
{
	struct scene s = { .o = NULL };

	(void)state;
	open_scene(&s);
	house_set(&s.h, "whatsapp.pause_s", "1");
	gateway_slow(s.g, 50);
	for (int i = 0; i < 3; i++)
		(void)house_message(&s.h, i);
	start(&s);
	until(&s, NOTHING_WAITS);
	assert_int_equal(gateway_most_open(s.g), 1);
	/* Two pauses of at least a second lie between three messages. */
	assert_true(is_so(&s, "SELECT max(sent_at) - min(sent_at) >= 2000 FROM message"));
	close_scene(&s);
}

static void a_stop_settles_what_is_answered_meanwhile(void **state)
{
	struct scene s = { .o = NULL };

	(void)state;
	open_scene(&s);
	gateway_slow(s.g, 300);
	for (int i = 0; i < 20; i++)
		(void)house_message(&s.h, i);
	start(&s);
	until(&s, "SELECT count(*) = 8 FROM message WHERE state = 'sending'");
	outbox_stop(s.o);
	s.o = NULL;
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'sending'"), 0);
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'sent'"),
			 gateway_received(s.g, ""));
	start(&s);
	until(&s, NOTHING_WAITS);
	assert_int_equal(gateway_received(s.g, ""), 20);
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'unsure'"), 0);
	close_scene(&s);
}

static void a_database_from_an_older_copy_sends_nothing_by_itself(void **state)
{
	struct scene s = { .o = NULL };
	struct last_seen seen;
	struct value *card = NULL;
	int64_t id;

	(void)state;
	open_scene(&s);
	id = house_message(&s.h, 1);
	seen = (struct last_seen){
		.is_there = true, .message_id = id + 50, .attempt_id = 50, .at = cx_now(&s.h.s.cx)
	};
	assert_int_equal(last_seen_write(s.h.s.dir, &seen), RC_OK);
	start(&s);
	assert_true(is_so(&s, "SELECT state = 'stopped' AND state_why = 'restored' FROM channel_account"));
	assert_true(is_so(
		&s, "SELECT count(*) FROM alert WHERE key = 'channel.stopped' AND severity = 'urgent'"));
	outbox_stop(s.o);
	/* The note tells the truth again, but only a person opens the channel. */
	start(&s);
	assert_true(is_so(&s, "SELECT state = 'stopped' AND state_why = 'restored' FROM channel_account"));
	assert_int_equal(gateway_received(s.g, ""), 0);
	assert_int_equal(channel_show(&s.h.s.cx, &card, CHANNEL_WHATSAPP), RC_OK);
	assert_non_null(strstr(value_text_of(value_get(card, "why_text"), ""), "older copy"));
	assert_int_equal(channel_open(&s.h.s.cx, CHANNEL_WHATSAPP), RC_OK);
	until(&s, NOTHING_WAITS);
	assert_string_equal(house_state(&s.h, id), "sent");
	close_scene(&s);
}

static void a_missing_note_beside_a_used_database_stops_too(void **state)
{
	struct scene s = { .o = NULL };
	char note[300];

	(void)state;
	open_scene(&s);
	snprintf(note, sizeof(note), "%s/" LAST_SEEN_FILE, s.h.s.dir);
	assert_int_equal(unlink(note), 0);
	(void)house_message(&s.h, 1);
	start(&s);
	assert_true(is_so(&s, "SELECT state = 'stopped' AND state_why = 'restored' FROM channel_account"));
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_leaves_once_and_is_later_known_as_read),
		cmocka_unit_test(each_answer_ends_where_the_house_table_says),
		cmocka_unit_test(after_a_rate_limit_the_same_message_leaves_later),
		cmocka_unit_test(a_refused_key_stops_the_channel_and_a_new_one_opens_it),
		cmocka_unit_test(no_credit_stops_the_channel_until_a_person_opens_it),
		cmocka_unit_test(without_a_key_everything_stays_queued),
		cmocka_unit_test(a_phone_that_must_be_linked_again_holds_everything),
		cmocka_unit_test(a_gateway_that_is_away_costs_a_try_and_half_a_minute),
		cmocka_unit_test(with_a_pause_one_message_is_under_way),
		cmocka_unit_test(a_stop_settles_what_is_answered_meanwhile),
		cmocka_unit_test(a_database_from_an_older_copy_sends_nothing_by_itself),
		cmocka_unit_test(a_missing_note_beside_a_used_database_stops_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
