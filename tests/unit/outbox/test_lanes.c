/*
** test_lanes.c -- several channels in one running outbox: each goes its own way, all stop at one word, none
** sends more than its owner allowed.
*/
#include "house.h"
#include "files/files.h"
#include "gateway.h"
#include "outbox/alert.h"
#include "outbox/last_seen.h"
#include "outbox/rate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define PATIENCE_MS 60000 /* far beyond what anything here takes */
#define MORNING \
	INT64_C(1790000100000) /* 2026-09-21T14:15:00Z: 09:15 in Guayaquil, 15 minutes into the hour */

struct scene {
	struct house h;
	struct gateway *g;
	struct outbox *o;
};

static void start(struct scene *s)
{
	assert_int_equal(outbox_start(&s->o, &s->h.s.env, NULL), RC_OK);
}

static void stop(struct scene *s)
{
	outbox_stop(s->o);
	s->o = NULL;
}

static void open_scene(struct scene *s, instant at)
{
	char url[80];

	s->g = gateway_start();
	house_open(&s->h, at);
	s->h.s.env.zone = zone_find("America/Guayaquil");
	s->h.s.env.wake_fd[WAKE_OUTBOX] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/api", gateway_port(s->g));
	house_set(&s->h, "whatsapp.base_url", url);
	house_set(&s->h, "whatsapp.pause_s", "0");
	house_set(&s->h, "whatsapp.check_after_s", "3600");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/services/T/B/secret", gateway_port(s->g));
	house_set(&s->h, "slack.webhook_url", url);
	assert_int_equal(last_seen_write(s->h.s.dir, &(struct last_seen){ .is_there = true }), RC_OK);
}

static void close_scene(struct scene *s)
{
	stop(s);
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

static void until(struct scene *s, const char *sql)
{
	int64_t end = clock_ticks() + PATIENCE_MS;

	while (!is_so(s, sql)) {
		if (clock_ticks() > end) fail_msg("never became true: %s", sql);
		(void)poll(NULL, 0, 5);
	}
}

static void wake(struct scene *s)
{
	env_wake(&s->h.s.env, WAKE_OUTBOX);
}

/* A word to the owner on Slack; the gateway tells it by its first five letters. */
static int64_t slack(struct scene *s, const char *text)
{
	int64_t contact = 0;

	assert_int_equal(tx_begin(&s->h.s.cx), RC_OK);
	assert_int_equal(contact_ensure(&s->h.s.cx, &contact, "chat", "slack"), RC_OK);
	assert_int_equal(tx_end(&s->h.s.cx, RC_OK), RC_OK);
	return house_add(
		&s->h, &(struct message_new){
			       .channel = "slack", .contact_id = contact, .topic = "service", .text = text });
}

/* An alert, as ops makes them. */
static int64_t alert_to_owner(struct scene *s, const char *text)
{
	struct cx *cx = &s->h.s.cx;
	int64_t contact = 0, batch = 0;

	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(contact_ensure(cx, &contact, "chat", "slack"), RC_OK);
	assert_int_equal(batch_open(cx, &batch, &(struct batch_new){ .kind = ALERT_BATCH }), RC_OK);
	assert_int_equal(tx_end(cx, RC_OK), RC_OK);
	return house_add(&s->h, &(struct message_new){ .batch_id = batch,
						       .channel = "slack",
						       .contact_id = contact,
						       .topic = "service",
						       .ignores_window = true,
						       .text = text });
}

static const struct value *channel_in(const struct value *list, const char *name)
{
	for (const struct value *c = list->first; c != NULL; c = c->next)
		if (strcmp(value_text_of(value_get(c, "name"), ""), name) == 0) return c;
	fail_msg("no channel %s", name);
	return NULL;
}

static const struct value *listed(struct scene *s, const char *name)
{
	struct value *list = NULL;

	assert_int_equal(channels_list(&s->h.s.cx, &list), RC_OK);
	return channel_in(list, name);
}

#define ALERTS(key) "SELECT count(*) FROM alert WHERE key = '" key "' AND resolved_at IS NULL"
#define STATE(name, state, why)                                                            \
	"SELECT count(*) FROM channel_account WHERE name = '" name "' AND state = '" state \
	"' AND state_why = '" why "'"
#define NOTHING_WAITS "SELECT NOT EXISTS (SELECT 1 FROM message WHERE state IN ('queued', 'sending'))"

static void a_channel_that_stops_leaves_the_other_alone(void **state)
{
	struct scene s = { .o = NULL };
	int64_t word;

	(void)state;
	open_scene(&s, 0);
	gateway_answer(s.g, "alarm", "404 no_service");
	start(&s);
	word = slack(&s, "alarm: the disk is full");
	for (int i = 0; i < 50; i++)
		(void)house_message(&s.h, i);
	until(&s, STATE("slack", "stopped", "not_found"));
	until(&s, "SELECT count(*) = 50 FROM message WHERE state = 'sent'");
	assert_string_equal(house_state(&s.h, word), "queued");
	assert_int_equal(gateway_received(s.g, "alarm"), 1);
	assert_true(is_so(&s, STATE("whatsapp", "open", "")));
	assert_true(is_so(&s, ALERTS("channel.stopped:slack")));
	assert_false(is_so(&s, ALERTS("channel.stopped")));
	/* A person looks at it and opens it again. */
	gateway_answer(s.g, "alarm", "200 ok");
	assert_int_equal(channel_open(&s.h.s.cx, "slack"), RC_OK);
	until(&s, NOTHING_WAITS);
	assert_string_equal(house_state(&s.h, word), "sent");
	assert_false(is_so(&s, ALERTS("channel.stopped:slack")));
	close_scene(&s);
}

/* A lane's turn is short, whatever waits behind it. */
static void a_word_to_the_owner_does_not_wait_for_a_thousand_notices(void **state)
{
	struct scene s = { .o = NULL };

	(void)state;
	open_scene(&s, 0);
	gateway_slow(s.g, 5);
	assert_int_equal(tx_begin(&s.h.s.cx), RC_OK);
	for (int i = 0; i < 1000; i++)
		(void)house_message(&s.h, i);
	(void)slack(&s, "alarm");
	assert_int_equal(tx_end(&s.h.s.cx, RC_OK), RC_OK);
	start(&s);
	until(&s, "SELECT count(*) FROM message m JOIN channel_account a ON a.id = m.channel_account_id"
		  " WHERE a.name = 'slack' AND m.state = 'sent'");
	assert_true(is_so(&s, "SELECT count(*) FROM message WHERE state = 'queued'"));
	close_scene(&s);
}

static void a_lane_that_cannot_turn_hinders_no_other(void **state)
{
	struct scene s = { .o = NULL };
	int64_t word, other;

	(void)state;
	open_scene(&s, 0);
	assert_int_equal(channel_pause(&s.h.s.cx, "slack", NULL), RC_OK);
	word = slack(&s, "alarm");
	other = slack(&s, "later");
	start(&s);
	/* A row nobody has in flight is under way to the same place: each claim is refused by the
	** database. */
	assert_int_equal(tx_begin(&s.h.s.cx), RC_OK);
	assert_int_equal(db_run(&s.h.s.cx, "UPDATE message SET state = 'sending', slot = 0 WHERE id = :id",
				PARAMS(P_INT(":id", other))),
			 RC_OK);
	assert_int_equal(tx_end(&s.h.s.cx, RC_OK), RC_OK);
	assert_int_equal(channel_open(&s.h.s.cx, "slack"), RC_OK);
	for (int i = 0; i < 20; i++)
		(void)house_message(&s.h, i);
	wake(&s);
	until(&s, "SELECT count(*) = 20 FROM message WHERE state = 'sent'");
	assert_string_equal(house_state(&s.h, word), "queued");
	assert_int_equal(
		state_run(&s.h.s, "UPDATE message SET state = 'unsure', slot = NULL WHERE state = 'sending'"),
		RC_OK);
	until(&s, "SELECT count(*) = 21 FROM message WHERE state = 'sent'");
	close_scene(&s);
}

/* A mail server that takes the line and never says a word. */
static int mute_server(int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static int64_t stored(struct scene *s, size_t size)
{
	char path[300];
	int64_t id = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/upload", s->h.s.dir);
	f = fopen(path, "w+");
	assert_non_null(f);
	assert_int_equal(ftruncate(fileno(f), (off_t)size), 0);
	assert_int_equal(file_store(&s->h.s.cx, &id, fileno(f),
				    &(struct file_new){ .name = "informe.pdf",
							.media_type = "application/pdf",
							.owner_table = "test",
							.owner_id = 1,
							.max = size }),
			 RC_OK);
	fclose(f);
	return id;
}

static void mails(struct scene *s, int count, size_t size)
{
	int64_t file = stored(s, size), contact = 0;

	for (int i = 0; i < count; i++) {
		char address[40];

		snprintf(address, sizeof(address), "p%d-%zu@example.com", i, size);
		assert_int_equal(tx_begin(&s->h.s.cx), RC_OK);
		assert_int_equal(contact_ensure(&s->h.s.cx, &contact, "email", address), RC_OK);
		assert_int_equal(tx_end(&s->h.s.cx, RC_OK), RC_OK);
		(void)house_add(&s->h, &(struct message_new){ .channel = "email",
							      .contact_id = contact,
							      .subject = "Informe",
							      .files = &file,
							      .file_count = 1 });
	}
}

static void point_mails_at(struct scene *s, int port)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", port);
	house_set(&s->h, "smtp.host", "127.0.0.1");
	house_set(&s->h, "smtp.port", text);
	house_set(&s->h, "smtp.security", "none");
	house_set(&s->h, "smtp.from", "tienda@example.com");
}

/* It has not even said who it is: nothing can have arrived, and no person need decide. */
static void a_stop_beside_a_silent_mail_server_leaves_nothing_unsure(void **state)
{
	struct scene s = { .o = NULL };
	int port = 0, fd = mute_server(&port);

	(void)state;
	open_scene(&s, 0);
	point_mails_at(&s, port);
	mails(&s, 6, 10);
	start(&s);
	until(&s, "SELECT count(*) = 4 FROM message WHERE state = 'sending'");
	stop(&s);
	assert_true(is_so(&s, "SELECT count(*) = 6 FROM message WHERE state = 'queued' AND attempts = 0"));
	assert_true(is_so(&s, STATE("email", "open", "")));
	close(fd);
	close_scene(&s);
}

static void mails_with_large_files_leave_one_after_the_other(void **state)
{
	static const struct {
		size_t size;
		int at_once;
	} rows[] = { { 1024 * 1024, 4 }, { 3 * 1024 * 1024, 1 }, { 5 * 1024 * 1024, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct scene s = { .o = NULL };
		int port = 0, fd = mute_server(&port);

		open_scene(&s, 0);
		point_mails_at(&s, port);
		mails(&s, 5, rows[i].size);
		start(&s);
		until(&s, "SELECT count(*) FROM message WHERE state = 'sending'");
		wake(&s);
		(void)poll(NULL, 0, 50);
		assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'sending'"),
				 rows[i].at_once);
		close(fd); /* the line breaks: they are answered, and the stop need not wait */
		close_scene(&s);
	}
}

static void a_chat_that_is_busy_is_written_to_when_its_time_is_over(void **state)
{
	struct scene s = { .o = NULL };
	int64_t word;

	(void)state;
	open_scene(&s, MORNING);
	gateway_answer(s.g, "alarm", "503 Retry-After: 30\n\ntry later");
	word = slack(&s, "alarm");
	start(&s);
	until(&s, STATE("slack", "waiting", "busy"));
	gateway_answer(s.g, "alarm", "200 ok");
	clock_shift(s.h.s.env.clock, 2 * MINUTE_MS);
	wake(&s);
	until(&s, NOTHING_WAITS);
	assert_string_equal(house_state(&s.h, word), "sent");
	close_scene(&s);
}

static void a_corrected_address_opens_the_channel_by_itself(void **state)
{
	struct scene s = { .o = NULL };
	char url[80];
	int64_t word;

	(void)state;
	open_scene(&s, 0);
	gateway_answer(s.g, "alarm", "403 invalid_token");
	word = slack(&s, "alarm");
	start(&s);
	until(&s, STATE("slack", "stopped", "unauthorized"));
	gateway_answer(s.g, "alarm", "200 ok");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/services/T/B/another", gateway_port(s.g));
	house_set(&s.h, "slack.webhook_url", url);
	wake(&s);
	until(&s, NOTHING_WAITS);
	assert_string_equal(house_state(&s.h, word), "sent");
	close_scene(&s);
}

static void an_address_that_an_error_page_quotes_is_told_nowhere(void **state)
{
	static const char secret[] = "x0123456789abcdefghijklmn";
	struct scene s = { .o = NULL };
	const char *sentence = "";
	char text[400];

	(void)state;
	open_scene(&s, 0);
	snprintf(text, sizeof(text), "http://127.0.0.1:%d/services/T/B/%s", gateway_port(s.g), secret);
	house_set(&s.h, "slack.webhook_url", text);
	/* Whole, and cut within by the room that a detail has. */
	snprintf(text, sizeof(text), "404 /services/T/B/%s %0194d %s", secret, 7, secret);
	gateway_answer(s.g, "alarm", text);
	(void)slack(&s, "alarm");
	start(&s);
	until(&s, STATE("slack", "stopped", "not_found"));
	assert_true(is_so(
		&s, "SELECT detail LIKE '%/services/T/B/****%' AND detail NOT LIKE '%0123%' FROM attempt"));
	assert_true(
		is_so(&s, "SELECT state_detail NOT LIKE '%0123%' FROM channel_account WHERE name = 'slack'"));
	assert_true(is_so(&s, "SELECT error NOT LIKE '%0123%' FROM message"));
	gateway_answer(s.g, "", text);
	assert_int_equal(channel_test(&s.h.s.cx, "slack", &sentence), RC_DENIED);
	assert_null(strstr(sentence, "0123"));
	close_scene(&s);
}

static void everything_stops_at_one_word_and_goes_on_at_another(void **state)
{
	struct scene s = { .o = NULL };
	struct value *how = NULL;
	bool is_halted = false;

	(void)state;
	open_scene(&s, 0);
	s.h.s.cx.actor.name = "maria";
	assert_int_equal(outbox_halt(&s.h.s.cx, true, "wrong prices"), RC_OK);
	(void)slack(&s, "alarm");
	(void)house_message(&s.h, 1);
	start(&s);
	assert_int_equal(outbox_halt(&s.h.s.cx, true, "again"), RC_OK); /* who said it first stays */
	assert_int_equal(outbox_is_halted(&s.h.s.cx, &is_halted, &how), RC_OK);
	assert_true(is_halted);
	assert_string_equal(value_text_of(value_get(how, "by"), ""), "maria");
	assert_string_equal(value_text_of(value_get(how, "why"), ""), "wrong prices");
	assert_true(value_int_of(value_get(how, "at"), 0) > 0);
	assert_true(is_so(&s, ALERTS("outbox.halted")));
	assert_true(is_so(&s, "SELECT severity = 'urgent' AND link = '/channels' FROM alert"));
	/* Two whole turns: woken, looked, nothing claimed. */
	for (int i = 0; i < 2; i++) {
		wake(&s);
		(void)poll(NULL, 0, 100);
	}
	assert_int_equal(gateway_received(s.g, ""), 0);
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'queued'"), 2);
	/* The owner hears of it all the same; what waited for other people on the same road does not
	** follow. */
	(void)alert_to_owner(&s, "halts");
	wake(&s);
	until(&s, "SELECT count(*) FROM message WHERE state = 'sent' AND body = 'halts'");
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'queued'"), 2);
	assert_int_equal(outbox_halt(&s.h.s.cx, false, NULL), RC_OK);
	until(&s, NOTHING_WAITS);
	assert_false(is_so(&s, ALERTS("outbox.halted")));
	assert_int_equal(
		state_int(&s.h.s, "SELECT count(*) FROM audit WHERE action IN ('stop_all', 'resume_all')"),
		2);
	close_scene(&s);
}

static void what_may_leave_in_an_hour_leaves_and_the_rest_in_the_next(void **state)
{
	struct scene s = { .o = NULL };

	(void)state;
	open_scene(&s, MORNING);
	house_set(&s.h, "whatsapp.per_hour", "3");
	for (int i = 0; i < 5; i++)
		(void)house_message(&s.h, i);
	start(&s);
	until(&s, STATE("whatsapp", "waiting", "hour_cap"));
	assert_int_equal(gateway_received(s.g, ""), 3);
	assert_true(is_so(&s, "SELECT until_at % 3600000 = 0 FROM channel_account")); /* at ten sharp */
	assert_false(is_so(&s, "SELECT count(*) FROM alert")); /* somebody wanted it so */
	/* Neither a new start nor a wake-up makes it forget. */
	stop(&s);
	start(&s);
	wake(&s);
	(void)poll(NULL, 0, 100);
	assert_int_equal(gateway_received(s.g, ""), 3);
	clock_shift(s.h.s.env.clock, HOUR_MS);
	wake(&s);
	until(&s, NOTHING_WAITS);
	assert_int_equal(gateway_received(s.g, ""), 5);
	assert_int_equal(state_int(&s.h.s, "SELECT sum(sent) FROM channel_hour"), 5);
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM channel_hour"), 2);
	close_scene(&s);
}

static void a_raised_cap_lets_the_rest_go_at_once(void **state)
{
	struct scene s = { .o = NULL };

	(void)state;
	open_scene(&s, MORNING);
	house_set(&s.h, "whatsapp.per_day", "1");
	house_set(&s.h, "whatsapp.per_month", "3");
	for (int i = 0; i < 4; i++)
		(void)house_message(&s.h, i);
	start(&s);
	until(&s, STATE("whatsapp", "waiting", "day_cap"));
	assert_int_equal(gateway_received(s.g, ""), 1);
	house_set(&s.h, "whatsapp.per_day", "0");
	wake(&s);
	until(&s, STATE("whatsapp", "waiting", "month_cap"));
	assert_int_equal(gateway_received(s.g, ""), 3);
	assert_int_equal(value_int_of(value_get(listed(&s, "whatsapp"), "used_month"), -1), 3);
	assert_int_equal(value_int_of(value_get(listed(&s, "whatsapp"), "per_month"), -1), 3);
	assert_int_equal(value_get(listed(&s, "whatsapp"), "per_day")->type, VALUE_NULL);
	house_set(&s.h, "whatsapp.per_month", "4");
	wake(&s);
	until(&s, NOTHING_WAITS);
	assert_int_equal(gateway_received(s.g, ""), 4);
	close_scene(&s);
}

static void nobody_gets_more_than_one_message_a_day_but_the_answer(void **state)
{
	struct scene s = { .o = NULL };
	int64_t ana, first, second, answer;

	(void)state;
	open_scene(&s, MORNING);
	house_set(&s.h, "outbox.per_person_day", "1");
	ana = house_contact(&s.h, 1);
	first = house_add(&s.h, &(struct message_new){ .contact_id = ana });
	second = house_add(&s.h, &(struct message_new){ .contact_id = ana });
	start(&s);
	until(&s, "SELECT count(*) FROM message WHERE state_why = 'person_cap'");
	answer = house_add(&s.h, &(struct message_new){ .contact_id = ana, .ignores_window = true });
	wake(&s);
	until(&s, "SELECT count(*) = 2 FROM message WHERE state = 'sent'");
	assert_string_equal(house_state(&s.h, first), "sent");
	assert_string_equal(house_state(&s.h, second), "queued");
	assert_string_equal(house_state(&s.h, answer), "sent");
	/* Midnight in Guayaquil is 5:00 UTC. */
	assert_true(is_so(
		&s, "SELECT not_before_at % 86400000 = 5 * 3600000 FROM message WHERE state = 'queued'"));
	clock_shift(s.h.s.env.clock, 15 * HOUR_MS);
	wake(&s);
	until(&s, NOTHING_WAITS);
	assert_string_equal(house_state(&s.h, second), "sent");
	close_scene(&s);
}

static void after_a_restore_every_channel_waits_for_a_person(void **state)
{
	struct scene s = { .o = NULL };
	struct last_seen seen;
	int64_t word, notice;

	(void)state;
	open_scene(&s, 0);
	notice = house_message(&s.h, 1);
	seen = (struct last_seen){
		.is_there = true, .message_id = notice + 50, .attempt_id = 50, .at = cx_now(&s.h.s.cx)
	};
	assert_int_equal(last_seen_write(s.h.s.dir, &seen), RC_OK);
	start(&s);
	assert_true(is_so(&s, STATE("whatsapp", "stopped", "restored")));
	/* Slack's account is made now, and held all the same. */
	word = slack(&s, "alarm");
	assert_true(is_so(&s, STATE("slack", "stopped", "restored")));
	wake(&s);
	assert_int_equal(channel_open(&s.h.s.cx, "whatsapp"), RC_OK);
	until(&s, "SELECT count(*) FROM message WHERE state = 'sent'");
	assert_string_equal(house_state(&s.h, notice), "sent");
	assert_string_equal(house_state(&s.h, word), "queued");
	assert_non_null(strstr(value_text_of(value_get(listed(&s, "slack"), "why_text"), ""), "older copy"));
	assert_int_equal(channel_open(&s.h.s.cx, "slack"), RC_OK);
	until(&s, NOTHING_WAITS);
	/* All is released: what is made from now on is free. */
	assert_false(is_so(&s, "SELECT count(*) FROM meta WHERE key = 'outbox.restored' AND value <> ''"));
	close_scene(&s);
}

static void a_channel_nobody_set_up_is_told_of_when_something_waits_for_it(void **state)
{
	struct scene s = { .o = NULL };
	int64_t word;

	(void)state;
	open_scene(&s, 0);
	house_set(&s.h, "slack.webhook_url", "");
	start(&s);
	assert_false(value_bool_of(value_get(listed(&s, "slack"), "is_configured"), true));
	assert_string_equal(value_text_of(value_get(listed(&s, "slack"), "state"), ""), "open");
	word = slack(&s, "alarm");
	wake(&s);
	until(&s, STATE("slack", "stopped", "no_key"));
	assert_non_null(
		strstr(value_text_of(value_get(listed(&s, "slack"), "why_text"), ""), "slack.webhook_url"));
	assert_int_equal(value_int_of(value_get(listed(&s, "slack"), "queued"), -1), 1);
	/* It is taken back: nothing waits, nothing is wrong. */
	assert_int_equal(tx_begin(&s.h.s.cx), RC_OK);
	assert_int_equal(tx_end(&s.h.s.cx, outbox_cancel(&s.h.s.cx, word, "test")), RC_OK);
	wake(&s);
	until(&s, STATE("slack", "open", ""));
	assert_false(is_so(&s, "SELECT count(*) FROM alert WHERE resolved_at IS NULL"));
	close_scene(&s);
}

static void at_night_the_owner_is_told_and_customers_sleep(void **state)
{
	struct scene s = { .o = NULL };
	int64_t notice, word;

	(void)state;
	open_scene(&s, MORNING - 7 * HOUR_MS);
	house_set(&s.h, "outbox.window_from", "08:00");
	house_set(&s.h, "outbox.window_to", "20:00");
	notice = house_message(&s.h, 1);
	word = slack(&s, "alarm");
	start(&s);
	until(&s, "SELECT count(*) FROM message WHERE state = 'sent'");
	assert_string_equal(house_state(&s.h, word), "sent");
	assert_string_equal(house_state(&s.h, notice), "queued");
	clock_shift(s.h.s.env.clock, 7 * HOUR_MS);
	wake(&s);
	until(&s, NOTHING_WAITS);
	close_scene(&s);
}

static void a_paused_channel_says_who_stopped_it_and_why(void **state)
{
	struct scene s = { .o = NULL };

	(void)state;
	open_scene(&s, 0);
	assert_int_equal(channel_pause(&s.h.s.cx, "slack", "the intern asked"), RC_OK);
	(void)slack(&s, "alarm");
	start(&s);
	assert_true(is_so(&s, STATE("slack", "stopped", "person")));
	assert_string_equal(value_text_of(value_get(listed(&s, "slack"), "detail"), ""), "the intern asked");
	assert_non_null(strstr(value_text_of(value_get(listed(&s, "slack"), "why_text"), ""), "Slack"));
	assert_int_equal(channel_pause(&s.h.s.cx, "fax", NULL), RC_NOT_FOUND);
	wake(&s);
	(void)poll(NULL, 0, 100);
	assert_int_equal(gateway_received(s.g, ""), 0);
	assert_int_equal(channel_open(&s.h.s.cx, "slack"), RC_OK);
	until(&s, NOTHING_WAITS);
	close_scene(&s);
}

static void what_a_person_stopped_stays_so_whatever_the_last_answer_was(void **state)
{
	struct scene s = { .o = NULL };
	char url[80];
	int64_t word;

	(void)state;
	open_scene(&s, 0);
	gateway_answer(s.g, "alarm", "403 invalid_token");
	gateway_slow(s.g, 300);
	word = slack(&s, "alarm");
	start(&s);
	until(&s, "SELECT count(*) FROM message WHERE state = 'sending'");
	assert_int_equal(channel_pause(&s.h.s.cx, "slack", "holidays"), RC_OK);
	until(&s, "SELECT count(*) FROM attempt WHERE outcome = 'stop'");
	assert_true(is_so(&s, STATE("slack", "stopped", "person")));
	/* A new address mends the refusal, and opens nothing. */
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/services/T/B/another", gateway_port(s.g));
	house_set(&s.h, "slack.webhook_url", url);
	wake(&s);
	(void)poll(NULL, 0, 100);
	assert_true(is_so(&s, STATE("slack", "stopped", "person")));
	assert_string_equal(house_state(&s.h, word), "queued");
	close_scene(&s);
}

/* Fifty days ahead is nothing that anybody could know to be wrong. */
static void what_waits_for_an_hour_of_a_clock_that_was_ahead_leaves_when_it_is_right(void **state)
{
	(void)state;
	for (int is_restarted = 0; is_restarted < 2; is_restarted++) {
		struct scene s = { .o = NULL };
		int64_t word, mail;

		open_scene(&s, MORNING + 50 * DAY_MS);
		gateway_answer(s.g, "alarm", "503 Retry-After: 30\n\ntry later");
		gateway_answer(s.g, "00001", "503 Retry-After: 30\n\ntry later");
		word = slack(&s, "alarm");
		mail = house_message(&s.h, 1);
		start(&s);
		until(&s, STATE("slack", "waiting", "busy"));
		until(&s, "SELECT count(*) = 2 FROM message WHERE state = 'queued' AND turn = 0");
		gateway_answer(s.g, "alarm", "200 ok");
		gateway_answer(s.g, "00001", "200 {\"success\":true,\"data\":{\"msgId\":7}}");
		if (is_restarted) stop(&s);
		clock_shift(s.h.s.env.clock, -50 * DAY_MS);
		if (is_restarted)
			start(&s);
		else
			wake(&s);
		until(&s, NOTHING_WAITS);
		assert_string_equal(house_state(&s.h, word), "sent");
		assert_string_equal(house_state(&s.h, mail), "sent");
		close_scene(&s);
	}
}

static void what_was_in_flight_when_the_machine_died_counts_as_left(void **state)
{
	struct scene s = { .o = NULL };
	struct claimed m[SLOTS_MAX];

	(void)state;
	open_scene(&s, MORNING);
	house_set(&s.h, "whatsapp.per_hour", "4");
	for (int i = 0; i < 6; i++)
		(void)house_message(&s.h, i);
	assert_int_equal(house_claim(&s.h, m, 3), 3); /* and then the power went */
	start(&s);
	until(&s, STATE("whatsapp", "waiting", "hour_cap"));
	assert_int_equal(state_int(&s.h.s, "SELECT count(*) FROM message WHERE state = 'unsure'"), 3);
	assert_int_equal(gateway_received(s.g, ""), 1);
	assert_int_equal(state_int(&s.h.s, "SELECT sent FROM channel_hour"), 4);
	close_scene(&s);
}

static void periods_are_those_of_the_business(void **state)
{
	struct scene s = { .o = NULL };
	struct rate_used u;
	int64_t account, caps[RATE__MAX] = { 0, 2, 0 };
	const char *why = "";
	instant end = 0, at = MORNING;

	(void)state;
	open_scene(&s, MORNING);
	account = s.h.account;
	assert_int_equal(rate_read(&s.h.s.cx, &u, account, s.h.s.env.zone, at), RC_OK);
	assert_int_equal(rate_room(&u, caps, &why, &end), 2);
	assert_int_equal(tx_begin(&s.h.s.cx), RC_OK);
	assert_int_equal(rate_add(&s.h.s.cx, &u, account, s.h.s.env.zone, 2), RC_OK);
	assert_int_equal(tx_end(&s.h.s.cx, RC_OK), RC_OK);
	assert_int_equal(rate_room(&u, caps, &why, &end), 0);
	assert_string_equal(why, "day_cap");
	assert_int_equal(end, MORNING - 15 * MINUTE_MS - 9 * HOUR_MS + DAY_MS); /* midnight in Guayaquil */
	/* The last millisecond of the day, and the next one. */
	assert_int_equal(rate_read(&s.h.s.cx, &u, account, s.h.s.env.zone, end - 1), RC_OK);
	assert_int_equal(u.count[RATE_HOUR], 0);
	assert_int_equal(u.count[RATE_DAY], 2);
	assert_int_equal(rate_read(&s.h.s.cx, &u, account, s.h.s.env.zone, end), RC_OK);
	assert_int_equal(u.count[RATE_DAY], 0);
	assert_int_equal(u.count[RATE_MONTH], 2);
	assert_int_equal(rate_room(&u, caps, &why, &end), 2);
	/* Another month: September is over on October 1, 5:00 UTC. */
	assert_int_equal(rate_read(&s.h.s.cx, &u, account, s.h.s.env.zone, INT64_C(1790830800000)), RC_OK);
	assert_int_equal(u.count[RATE_MONTH], 0);
	gateway_stop(s.g);
	close(s.h.s.env.wake_fd[WAKE_OUTBOX]);
	house_close(&s.h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_channel_that_stops_leaves_the_other_alone),
		cmocka_unit_test(a_word_to_the_owner_does_not_wait_for_a_thousand_notices),
		cmocka_unit_test(a_lane_that_cannot_turn_hinders_no_other),
		cmocka_unit_test(a_stop_beside_a_silent_mail_server_leaves_nothing_unsure),
		cmocka_unit_test(mails_with_large_files_leave_one_after_the_other),
		cmocka_unit_test(a_chat_that_is_busy_is_written_to_when_its_time_is_over),
		cmocka_unit_test(a_corrected_address_opens_the_channel_by_itself),
		cmocka_unit_test(an_address_that_an_error_page_quotes_is_told_nowhere),
		cmocka_unit_test(everything_stops_at_one_word_and_goes_on_at_another),
		cmocka_unit_test(what_may_leave_in_an_hour_leaves_and_the_rest_in_the_next),
		cmocka_unit_test(a_raised_cap_lets_the_rest_go_at_once),
		cmocka_unit_test(nobody_gets_more_than_one_message_a_day_but_the_answer),
		cmocka_unit_test(after_a_restore_every_channel_waits_for_a_person),
		cmocka_unit_test(a_channel_nobody_set_up_is_told_of_when_something_waits_for_it),
		cmocka_unit_test(at_night_the_owner_is_told_and_customers_sleep),
		cmocka_unit_test(a_paused_channel_says_who_stopped_it_and_why),
		cmocka_unit_test(what_a_person_stopped_stays_so_whatever_the_last_answer_was),
		cmocka_unit_test(what_waits_for_an_hour_of_a_clock_that_was_ahead_leaves_when_it_is_right),
		cmocka_unit_test(what_was_in_flight_when_the_machine_died_counts_as_left),
		cmocka_unit_test(periods_are_those_of_the_business),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
