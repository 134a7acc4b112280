/*
** test_feed.c -- the rows of a mailing become messages, each once, however often they are fed.
*/
#include "house.h"

static enum rc fed(struct house *h, const struct feed_row *rows, size_t count, int64_t *known)
{
	struct feed f = { .batch_id = h->batch,
			  .channel = "email",
			  .topic = "campaign",
			  .table = "bulk_recipient",
			  .expires_at = cx_now(&h->s.cx) + DAY_MS,
			  .priority = 9 };
	enum rc rc = tx_begin(&h->s.cx);

	if (rc == RC_OK) rc = outbox_feed(&h->s.cx, &f, rows, count, known);
	return tx_end(&h->s.cx, rc);
}

static int64_t number(struct house *h, const char *sql)
{
	int64_t n = -1;

	assert_int_equal(db_get_int(&h->s.cx, &n, sql, NO_PARAMS), RC_OK);
	return n;
}

static void rows_fed_twice_are_written_to_once(void **state)
{
	const struct feed_row rows[] = {
		{ 1, "ana@example.com", "Ana", "{\"n\":1}" },
		{ 2, "eva@example.com", "", "{\"n\":2}" },
		{ 3, "ana@example.com", NULL, "{\"n\":3}" }, /* the same person once more: her second row */
	};
	struct house h;
	const char *text = "";
	int64_t known = -1, queued = 0, ana = 0;

	(void)state;
	house_open(&h, 0);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(contact_ensure(&h.s.cx, &ana, "email", "ana@example.com"), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_int_equal(fed(&h, rows, 2, &known), RC_OK);
	assert_int_equal(known, 0);
	assert_int_equal(fed(&h, rows, 3, &known), RC_OK);
	assert_int_equal(known, 2);
	assert_int_equal(number(&h, "SELECT count(*) FROM message"), 3);
	assert_int_equal(number(&h, "SELECT count(*) FROM contact WHERE kind = 'email'"), 2);
	assert_int_equal(number(&h, "SELECT contact_id FROM message WHERE occasion = 'bulk_recipient:3'"),
			 ana);
	assert_int_equal(number(&h, "SELECT count(*) FROM message WHERE priority = 9 AND ignores_window = 1"
				    " AND turn = 1 AND body IS NULL AND topic = 'campaign'"),
			 3);
	assert_int_equal(number(&h, "SELECT count(*) FROM message WHERE to_name IS NOT NULL"), 1);
	assert_int_equal(
		db_get_text(&h.s.cx, &text,
			    "SELECT to_name || variables_json FROM message WHERE to_name IS NOT NULL",
			    NO_PARAMS),
		RC_OK);
	assert_string_equal(text, "Ana{\"n\":1}");
	assert_int_equal(batch_queued(&h.s.cx, &queued, h.batch), RC_OK);
	assert_int_equal(queued, 3);
	house_close(&h);
}

static void a_slice_has_an_end(void **state)
{
	static struct feed_row rows[FEED_ROWS_MAX + 1];
	static char addresses[FEED_ROWS_MAX + 1][40];
	struct house h;
	int64_t known = -1, queued = -1;

	(void)state;
	house_open(&h, 0);
	for (int i = 0; i <= FEED_ROWS_MAX; i++) {
		snprintf(addresses[i], sizeof(addresses[i]), "p%d@example.com", i);
		rows[i] = (struct feed_row){ i + 1, addresses[i], "", "{}" };
	}
	assert_int_equal(fed(&h, rows, FEED_ROWS_MAX + 1, &known), RC_BUG);
	assert_int_equal(batch_queued(&h.s.cx, &queued, h.batch), RC_OK);
	assert_int_equal(queued, 0);
	assert_int_equal(fed(&h, rows, 0, &known), RC_OK);
	assert_int_equal(fed(&h, rows, FEED_ROWS_MAX, &known), RC_OK);
	assert_int_equal(known, 0);
	assert_int_equal(batch_queued(&h.s.cx, &queued, h.batch), RC_OK);
	assert_int_equal(queued, FEED_ROWS_MAX);
	house_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_fed_twice_are_written_to_once),
		cmocka_unit_test(a_slice_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
