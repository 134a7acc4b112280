/* desk/message_row.c: what a message in line is told to wait for. */
#include "desk/outbox_pages.h"
#include "office.h"

#define MESSAGE_SQL(id, contact, priority, window)                                                       \
	"INSERT INTO message (id, public_id, batch_id, channel_account_id, contact_id, topic, occasion," \
	" body, turn, ignores_window, priority, not_before_at, expires_at, created_at) VALUES (" #id     \
	", 'm" #id "', 1, 1, " #contact ", 'campaign', 'o:" #id "', 'Hola', 1, " #window ", " #priority  \
	", 1, 9999999999999, 1)"

/* Three of a mailing, older, and behind them an answer to a person and a reminder. */
static void line_up(struct shop *s)
{
	static const char *const sql[] = {
		"INSERT INTO channel_account (id, kind, name, created_at) VALUES (1, 'doppler', 'doppler', 1)",
		"INSERT INTO batch (id, public_id, kind, created_at) VALUES (1, 'b', 'test', 1)",
		"INSERT INTO contact (id, kind, address, public_id, created_at) VALUES (1, 'email', 'a@x.com', 'c1', 1),"
		" (2, 'email', 'b@x.com', 'c2', 1), (3, 'email', 'c@x.com', 'c3', 1), (4, 'email', 'd@x.com', 'c4', 1),"
		" (5, 'email', 'e@x.com', 'c5', 1)",
		MESSAGE_SQL(1, 1, 500, 1),
		MESSAGE_SQL(2, 2, 500, 1),
		MESSAGE_SQL(3, 3, 500, 1),
		MESSAGE_SQL(4, 4, 0, 1),
		MESSAGE_SQL(5, 5, 100, 0),
		MESSAGE_SQL(6, 1, 0, 1),
	};

	for (size_t i = 0; i < sizeof(sql) / sizeof(*sql); i++)
		if (state_run(&s->state, sql[i]) != RC_OK) fail_msg("not run: %s", sql[i]);
}

static struct waiting waits_of(struct shop *s, int64_t id)
{
	struct message_row m;
	struct waiting w;

	assert_int_equal(message_read(&s->state.cx, &m, id), RC_OK);
	assert_int_equal(message_waits(&s->state.cx, &w, &m), RC_OK);
	return w;
}

static void an_answer_is_told_to_be_before_a_mailing_that_is_older(void **unused)
{
	static const struct {
		int64_t id;
		const char *words;
	} rows[] = {
		{ 4, "It is the next one to leave." },      { 6, "1 message is in line before it." },
		{ 5, "2 messages are in line before it." }, { 2, "4 messages are in line before it." },
		{ 3, "5 messages are in line before it." },
	};
	struct shop s;

	(void)unused;
	shop_open(&s);
	line_up(&s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(waits_of(&s, rows[i].id).words, rows[i].words);
	/* The same person's: the mailing's one waits for the answer, though it is older. */
	assert_string_equal(waits_of(&s, 1).rule, "behind");
	assert_string_equal(waits_of(&s, 1).href, "/outbox/m6");
	shop_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_told_to_be_before_a_mailing_that_is_older),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
