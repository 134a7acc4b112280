/*
** test_forecast.c -- what the planner foretells, share by share, is what the same days then plan.
*/
#include "shop.h"

#define EIGHT     "2025-09-08T08:00:00-05:00"
#define DAYS      9
#define CUSTOMERS 1700 /* of whom some 1,500 can matter: two boundaries between shares of 700 */
#define LINES_MAX 8000

struct line {
	day on;
	int64_t subject;
	int days;
	char kind[24], skip[16];
};

struct lines {
	struct line row[LINES_MAX];
	size_t count;
	day on;
};

static void put(struct lines *l, day on, int64_t subject, int days, const char *kind, const char *skip)
{
	struct line *row = &l->row[l->count];

	assert_true(l->count < LINES_MAX && strlen(kind) < sizeof(row->kind) &&
		    strlen(skip) < sizeof(row->skip));
	memset(row, 0, sizeof(*row));
	row->on = on;
	row->subject = subject;
	row->days = days;
	memcpy(row->kind, kind, strlen(kind));
	memcpy(row->skip, skip, strlen(skip));
	l->count++;
}

static enum rc take(void *arg, const struct planned *line)
{
	struct lines *l = arg;

	put(l, l->on, line->subject_id, line->days, line->kind, line->skip);
	if (line->skip[0] == '\0') assert_true(line->version_id > 0);
	return RC_OK;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct line));
}

/* Ends on all days of the window and after it; some without a number, some who want no notices, some who are
** left out already today, half of them not paid. */
static void many(struct shop *shop)
{
	assert_int_equal(
		state_run(
			&shop->s,
			"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1700)"
			" INSERT INTO client (id, public_id, given_names, phone, phone_kind, created_at, updated_at)"
			" SELECT i, 'c' || i, 'Ana', CASE WHEN i % 9 <> 4 THEN printf('+59399%07d', i) END, 'mobile', 0, 0"
			" FROM n"),
		RC_OK);
	assert_int_equal(
		state_run(
			&shop->s,
			"INSERT INTO subscription (id, public_id, client_id, service_id, price_cents, currency, starts_on,"
			" ends_on, payment_status, auto_notices, created_at, updated_at) SELECT id, 'u' || id, id, 1, 1299,"
			" 'USD', date('2025-09-08', printf('%+d days', id * 7 % 23 - 31)),"
			" date('2025-09-08', printf('%+d days', id * 7 % 23 - 1)),"
			" CASE id % 2 WHEN 0 THEN 'paid' ELSE 'pending' END, id % 11 <> 6, 0, 0 FROM client"),
		RC_OK);
}

static int foretell(struct shop *shop, struct lines *out)
{
	const struct planner *p = &renewals_planners[0];
	struct planner_share share = { 0 };
	struct arena *arena = arena_new(64 * 1024 * 1024);
	struct db *db = NULL;
	struct cx cx;
	int shares = 0;

	assert_non_null(arena);
	assert_int_equal(db_open_forecast(&db, shop->s.env.store), RC_OK);
	cx_init(&cx, &shop->s.env, arena, db);
	assert_int_equal(tx_begin(&cx), RC_OK);
	share.from = cx_today(&cx);
	share.until = share.from + DAYS - 1;
	for (; !share.is_last; shares++) {
		shop_walk_to(shop, EIGHT);
		assert_int_equal(outbox_stand_ins(&cx), RC_OK);
		assert_int_equal(p->prepare(&cx, &share), RC_OK);
		for (int i = 0; i < DAYS; i++) {
			out->on = cx_today(&cx);
			assert_int_equal(p->plan(&cx, out->on, take, out), RC_OK);
			assert_int_equal(p->tell(&cx, &share.told, take, out), RC_OK);
			assert_int_equal(outbox_stand_ins_empty(&cx), RC_OK);
			clock_shift(shop->s.env.clock, DAY_MS);
		}
	}
	assert_int_equal(tx_end(&cx, RC_CONFLICT), RC_CONFLICT);
	db_close(db);
	arena_free(arena);
	return shares;
}

/* The house's own days, planned for all at once. */
static void live_through(struct shop *shop, struct lines *out)
{
	struct query *q = NULL;
	enum rc rc;

	shop_walk_to(shop, EIGHT);
	for (int i = 0; i < DAYS; i++) {
		(void)shop_run(shop);
		cx_reset(&shop->s.cx);
		clock_shift(shop->s.env.clock, DAY_MS);
	}
	rc = db_query(&shop->s.cx, &q,
		      "SELECT local_on, subscription_id, days_left, type, skip_reason FROM notice",
		      NO_PARAMS);
	while (rc == RC_OK && query_next(q)) {
		day on = 0;

		assert_int_equal(day_parse(&on, query_text(q, 0)), RC_OK);
		put(out, on, query_int(q, 1), (int)query_int(q, 2), query_text(q, 3), query_text(q, 4));
	}
	assert_int_equal(query_end(q, rc), RC_OK);
}

static void who_comes_in_which_share_changes_nothing(void **state)
{
	static struct lines told, lived;
	struct shop shop;
	size_t reminders = 0, skipped = 0;

	(void)state;
	told.count = lived.count = 0;
	shop_open(&shop, EIGHT);
	shop_set(&shop, "renewals.payment_reminder_days", "12");
	many(&shop);
	assert_int_equal(foretell(&shop, &told), 3);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM notice"), 0);
	assert_int_equal(state_int(&shop.s, "SELECT count(*) FROM message"), 0);
	live_through(&shop, &lived);
	qsort(told.row, told.count, sizeof(told.row[0]), by_bytes);
	qsort(lived.row, lived.count, sizeof(lived.row[0]), by_bytes);
	assert_int_equal(told.count, lived.count);
	for (size_t i = 0; i < told.count; i++) {
		assert_memory_equal(&told.row[i], &lived.row[i], sizeof(told.row[i]));
		reminders += strcmp(told.row[i].kind, "payment_reminder") == 0;
		skipped += told.row[i].skip[0] != '\0';
	}
	assert_true(told.count > CUSTOMERS && reminders > 100 && skipped > 100);
	shop_close(&shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_comes_in_which_share_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
