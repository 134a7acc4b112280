/*
** test_mailings.c -- a mailing in the running outbox: as many at a time as its setting says, each sender with
** its pause, no further when answer after answer says nothing.
*/
#include "house.h"
#include "gateway.h"
#include "outbox/last_seen.h"
#include "outbox/rate.h"

#include <poll.h>
#include <sys/eventfd.h>

#define PATIENCE_MS 60000 /* far beyond what anything here takes */

/* What the module sends says; the rows themselves are its own. */
static const struct setting pace_settings[] = {
	{ .name = "sends.parallel", .section = "Sends", .type = SET_INT, .def = "1", .min = 1, .max = 64 },
	{ .name = "sends.pace_ms", .type = SET_INT, .def = "0", .min = 0, .max = 60000 },
	{ .name = NULL },
};
static const struct setting *const tables[] = { outbox_settings,    mail_settings, chat_settings,
						bulk_mail_settings, pace_settings, NULL };

struct scene {
	struct house h;
	struct gateway *g;
	struct outbox *o;
};

static void open_scene(struct scene *s)
{
	const char *why = "";
	char url[80];

	s->g = gateway_start();
	house_open(&s->h, 0);
	settings_free(s->h.s.env.settings);
	assert_int_equal(settings_load(&s->h.s.env.settings, tables, NULL, s->h.s.forever, LANG_EN, &why),
			 RC_OK);
	house_set(&s->h, "outbox.window_from", "00:00");
	house_set(&s->h, "outbox.window_to", "00:00");
	s->h.s.env.zone = zone_find("America/Guayaquil");
	s->h.s.env.wake_fd[WAKE_OUTBOX] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", gateway_port(s->g));
	house_set(&s->h, "doppler.base_url", url);
	house_set(&s->h, "doppler.api_key", "key");
	house_set(&s->h, "doppler.account_id", "7");
	house_set(&s->h, "doppler.from_email", "ventas@tienda.example");
	assert_int_equal(last_seen_write(s->h.s.dir, &(struct last_seen){ .is_there = true }), RC_OK);
	assert_int_equal(outbox_start(&s->o, &s->h.s.env, NULL), RC_OK);
}

static void close_scene(struct scene *s)
{
	outbox_stop(s->o);
	gateway_stop(s->g);
	close(s->h.s.env.wake_fd[WAKE_OUTBOX]);
	house_close(&s->h);
}

static void until(struct scene *s, const char *sql)
{
	int64_t end = clock_ticks() + PATIENCE_MS;

	while (state_int(&s->h.s, sql) == 0) {
		cx_reset(&s->h.s.cx);
		if (clock_ticks() > end) fail_msg("never became true: %s", sql);
		(void)poll(NULL, 0, 5);
	}
}

/* A letter and so many rows to NAME00001@example.com … */
static void mailing(struct scene *s, const char *name, int count)
{
	struct cx *cx = &s->h.s.cx;
	struct letter_new l = { .from_email = "ventas@tienda.example",
				.subject = "Hola {{nombre}}",
				.text = "Hola {{nombre}}, {{email}}" };
	struct feed f = { .channel = "doppler",
			  .topic = "campaign",
			  .table = name,
			  .expires_at = cx_now(cx) + DAY_MS,
			  .priority = 9 };

	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(batch_open(cx, &f.batch_id, &(struct batch_new){ .kind = "test" }), RC_OK);
	assert_int_equal(letter_add(cx, f.batch_id, &l), RC_OK);
	for (int i = 1; i <= count; i++) {
		char address[60];
		struct feed_row row = { i, address, "Ana", "{\"nombre\":\"Ana\"}" };

		snprintf(address, sizeof(address), "%s%05d@example.com", name, i);
		assert_int_equal(outbox_feed(cx, &f, &row, 1, NULL), RC_OK);
	}
	assert_int_equal(tx_end(cx, RC_OK), RC_OK);
	env_wake(&s->h.s.env, WAKE_OUTBOX);
}

#define NOTHING_WAITS "SELECT NOT EXISTS (SELECT 1 FROM message WHERE state IN ('queued', 'sending'))"

static void as_many_are_under_way_as_the_setting_says(void **state)
{
	struct scene s = { .o = NULL };

	(void)state;
	open_scene(&s);
	house_set(&s.h, "sends.parallel", "6");
	gateway_slow(s.g, 20);
	mailing(&s, "many", 30);
	until(&s, NOTHING_WAITS);
	assert_int_equal(gateway_received(s.g, ""), 30);
	assert_int_equal(gateway_most_open(s.g), 6);
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'sent'"), 30);
	close_scene(&s);
}

/* Two senders, five mails each: four pauses of each must have passed, whatever the machine was doing. */
static void each_sender_pauses_between_its_mails(void **state)
{
	struct scene s = { .o = NULL };
	int64_t begun = clock_ticks();

	(void)state;
	open_scene(&s);
	house_set(&s.h, "sends.parallel", "2");
	house_set(&s.h, "sends.pace_ms", "60");
	mailing(&s, "slow", 10);
	until(&s, NOTHING_WAITS);
	assert_true(clock_ticks() - begun >= 4 * 60);
	assert_true(gateway_most_open(s.g) <= 2);
	assert_int_equal(gateway_received(s.g, "slow0"), 10);
	close_scene(&s);
}

static void answers_that_say_nothing_stop_the_channel_and_a_person_opens_it(void **state)
{
	struct scene s = { .o = NULL };

	(void)state;
	open_scene(&s);
	gateway_answer(s.g, "cutof", "cut");
	mailing(&s, "cutof", 15);
	until(&s,
	      "SELECT count(*) FROM channel_account WHERE name = 'doppler' AND state = 'stopped' AND state_why ="
	      " 'unsure_row'");
	until(&s, "SELECT NOT EXISTS (SELECT 1 FROM message WHERE state = 'sending')");
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'unsure'"), 10);
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'queued'"), 5);
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM alert WHERE key = 'channel.stopped:doppler'"
					   " AND resolved_at IS NULL"),
			 1);
	gateway_answer(s.g, "cutof", "201 {\"createdResourceId\":\"1\"}");
	assert_int_equal(channel_open(&s.h.s.cx, "doppler"), RC_OK);
	until(&s, NOTHING_WAITS);
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'sent'"), 5);
	assert_int_equal(gateway_received(s.g, "cutof"), 15);
	close_scene(&s);
}

/* A second, two, four, eight, and then nobody asks any more (contracts/doppler-relay.md §3, spec
** bulk-sends §9.3). */
static void a_provider_that_asks_to_wait_again_and_again_is_left_alone(void **state)
{
	struct scene s = { .o = NULL };

	(void)state;
	open_scene(&s);
	gateway_answer(s.g, "later", "429 {}");
	mailing(&s, "later", 3);
	for (int i = 1; i < 5; i++) {
		int64_t left;

		until(&s,
		      arena_printf(
			      s.h.s.forever,
			      "SELECT count(*) FROM channel_account WHERE state = 'waiting' AND state_why ="
			      " 'doppler_http_429' AND (SELECT count(*) FROM attempt) = %d",
			      i));
		left = state_int(&s.h.s, "SELECT until_at FROM channel_account WHERE name = 'doppler'") -
		       cx_now(&s.h.s.cx);
		assert_in_range(left + 2000, 2000, 2000 + (1000 << (i - 1)));
		clock_shift(s.h.s.env.clock, left + 1);
		env_wake(&s.h.s.env, WAKE_OUTBOX);
	}
	until(&s,
	      "SELECT count(*) FROM channel_account WHERE state = 'stopped' AND state_why = 'doppler_http_429'");
	assert_int_equal(gateway_received(s.g, "later"), 5);
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'queued'"), 3);
	close_scene(&s);
}

/* Never many in a row, and yet every second one: the fiftieth answer is enough. */
static void half_of_the_last_fifty_is_enough_too(void **state)
{
	struct scene s = { .o = NULL };
	struct feed f = { .channel = "doppler", .topic = "campaign", .table = "mixed", .priority = 9 };

	(void)state;
	open_scene(&s);
	gateway_answer(s.g, "oddxx", "cut");
	assert_int_equal(tx_begin(&s.h.s.cx), RC_OK);
	f.expires_at = cx_now(&s.h.s.cx) + DAY_MS;
	assert_int_equal(batch_open(&s.h.s.cx, &f.batch_id, &(struct batch_new){ .kind = "test" }), RC_OK);
	assert_int_equal(letter_add(&s.h.s.cx, f.batch_id,
				    &(struct letter_new){
					    .from_email = "a@tienda.example", .subject = "S", .text = "T" }),
			 RC_OK);
	for (int i = 1; i <= 60; i++) {
		char address[60];
		struct feed_row row = { i, address, "", "{}" };

		snprintf(address, sizeof(address), "%s%d@example.com", i % 2 == 0 ? "oddxx" : "fine", i);
		assert_int_equal(outbox_feed(&s.h.s.cx, &f, &row, 1, NULL), RC_OK);
	}
	assert_int_equal(tx_end(&s.h.s.cx, RC_OK), RC_OK);
	env_wake(&s.h.s.env, WAKE_OUTBOX);
	until(&s, "SELECT count(*) FROM channel_account WHERE name = 'doppler' AND state_why = 'unsure_row'");
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'unsure'"), 25);
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'sent'"), 25);
	close_scene(&s);
}

static void test_caps(int64_t caps[3], const struct settings *s)
{
	(void)s;
	caps[0] = 500, caps[1] = 70, caps[2] = 0;
}

static void of_two_caps_the_smaller_one_counts(void **state)
{
	const struct channel_kind kind = { .kind = "test", .caps = test_caps }, plain = { .kind = "plain" };
	struct scene s = { .o = NULL };
	struct rate_names names;
	int64_t caps[RATE__MAX];

	(void)state;
	open_scene(&s);
	rate_name(&names, "smtp");
	house_set(&s.h, "smtp.per_hour", "100");
	house_set(&s.h, "smtp.per_day", "0");
	rate_caps_of(caps, &names, &kind, s.h.s.env.settings);
	assert_int_equal(caps[RATE_HOUR], 100);
	assert_int_equal(caps[RATE_DAY], 70);
	assert_int_equal(caps[RATE_MONTH], 0);
	rate_caps_of(caps, &names, &plain, s.h.s.env.settings);
	assert_int_equal(caps[RATE_DAY], 0);
	close_scene(&s);
}

/* 2026-03-01T00:30Z is still February in Guayaquil: the provider's day and month have begun all the same. */
static void where_the_provider_counts_by_utc_so_do_we(void **state)
{
	const instant at = INT64_C(1772325000000);
	struct scene s = { .o = NULL };
	struct rate_used u;
	const struct zone *doppler, *mail;

	(void)state;
	open_scene(&s);
	doppler = rate_zone(channel_find("doppler"), &s.h.s.env);
	mail = rate_zone(channel_find("email"), &s.h.s.env);
	assert_ptr_equal(mail, s.h.s.env.zone);
	assert_int_equal(rate_read(&s.h.s.cx, &u, 1, doppler, at), RC_OK);
	assert_int_equal(u.from[RATE_DAY], at - 30 * MINUTE_MS);
	assert_int_equal(u.from[RATE_MONTH], at - 30 * MINUTE_MS);
	assert_int_equal(u.until[RATE_DAY], at - 30 * MINUTE_MS + DAY_MS);
	assert_int_equal(rate_read(&s.h.s.cx, &u, 1, mail, at), RC_OK);
	assert_int_equal(u.until[RATE_MONTH], at - 30 * MINUTE_MS + 5 * HOUR_MS);
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_are_under_way_as_the_setting_says),
		cmocka_unit_test(each_sender_pauses_between_its_mails),
		cmocka_unit_test(answers_that_say_nothing_stop_the_channel_and_a_person_opens_it),
		cmocka_unit_test(a_provider_that_asks_to_wait_again_and_again_is_left_alone),
		cmocka_unit_test(half_of_the_last_fifty_is_enough_too),
		cmocka_unit_test(of_two_caps_the_smaller_one_counts),
		cmocka_unit_test(where_the_provider_counts_by_utc_so_do_we),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
