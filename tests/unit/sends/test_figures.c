/* sends/figures.c: sums by domain, rates of what was accepted, and nothing where nobody told. */
#include "state.h"

#include "sends/figures.h"

static struct state s;

static void run(const char *sql)
{
	assert_int_equal(tx_begin(&s.cx), RC_OK);
	assert_int_equal(tx_end(&s.cx, db_run(&s.cx, sql, NO_PARAMS)), RC_OK);
}

/* Sends 1 (Doppler Relay), 2 (SendGrid) and 3 (e-mail), each of so many rows, all sent. */
static void open_with(const char *rows)
{
	static const struct setting *const tables[] = { sends_settings, web_settings, NULL };
	const char *why = "";

	state_open(&s, INT64_C(1763800000000));
	assert_int_equal(settings_load(&s.env.settings, tables, NULL, s.forever, LANG_EN, &why), RC_OK);
	run("INSERT INTO batch (id, public_id, kind, created_at) VALUES (1, 'b1', 'bulk_send', 1), (2, 'b2', 'bulk_send', 1),"
	    " (3, 'b3', 'bulk_send', 1)");
	run("INSERT INTO channel_account (id, kind, name, created_at) VALUES (1, 'doppler', 'doppler', 1),"
	    " (2, 'sendgrid', 'sendgrid', 1), (3, 'smtp', 'email', 1)");
	run(arena_printf(
		s.arena,
		"INSERT INTO bulk_send (id, public_id, channel, template_id, template_name, subject, status, batch_id, import_version,"
		" import_status, imported_rows, valid_rows, sent_started_at, sent_finished_at, created_at, updated_at, search,"
		" result_json) SELECT value, 'p' || value, CASE value WHEN 1 THEN 'doppler' WHEN 2 THEN 'sendgrid' ELSE 'email' END,"
		" 't', 'T' || value, 'S', 'done', value, 1, 'ready', %s, %s, 1000 + value, 2000 + value, 1, 1, 't' || value, '{}'"
		" FROM json_each('[1,2,3]')",
		rows, rows));
}

static void close_all(void)
{
	settings_free(s.env.settings);
	state_close(&s);
}

static void add_messages(int send, int count, const char *state)
{
	run(arena_printf(
		s.arena,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO contact (kind, address,"
		" public_id, created_at) SELECT 'email', '%s' || i || '@m%d.ec', '%s-%d-' || i, 1 FROM n",
		count, state, send, state, send));
	run(arena_printf(
		s.arena,
		"INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion, state, is_late_failure,"
		" not_before_at, expires_at, sent_at, created_at) SELECT 'm' || c.public_id, %d, %d, c.id, 'campaign', 'x:' || c.public_id,"
		" '%s', '%s' = 'failed', 1, 2, 1, 1 FROM contact c WHERE c.public_id LIKE '%s-%d-%%'",
		send, send, state, state, state, send));
}

/* A result of send 1 for a new row. */
static void add_result(const char *domain, const char *status, int opens, int clicks)
{
	run(arena_printf(
		s.arena,
		"INSERT INTO bulk_recipient (bulk_id, import_version, row_number, recipient) SELECT 1, 1,"
		" coalesce(max(row_number), 0) + 1, 'x' FROM bulk_recipient"));
	run(arena_printf(
		s.arena,
		"INSERT INTO bulk_result (bulk_id, recipient_id, delivery_status, opens, clicks, domain, matched_at) SELECT 1, max(id),"
		" '%s', %d, %d, '%s', 1 FROM bulk_recipient",
		status, opens, clicks, domain));
}

static int64_t at(const struct value *v, const char *path)
{
	const struct value *found = value_path(v, path);

	return found != NULL && found->type == VALUE_INT ? found->integer : -1; /* null and none alike */
}

static void domains_are_summed_and_the_smallest_are_one_line(void **state)
{
	struct value *f = NULL;

	(void)state;
	open_with("600");
	add_messages(1, 4, "sent");
	add_result("uno.ec", "Sent", 3, 1);
	add_result("uno.ec", "Rejected", 0, 0);
	add_result("dos.ec", "Invalid", 0, 0);
	add_result("", "Sent", 1, 0); /* an address without a domain is among the others */
	assert_int_equal(figures_count(&s.cx, 1), RC_OK);
	assert_int_equal(figures_count(&s.cx, 1), RC_OK); /* anew, not once more */
	assert_int_equal(figures_read(&s.cx, &f, 1, FIGURE_DOMAINS_MAX + 1), RC_OK);
	assert_int_equal(at(f, "found"), 4);
	assert_int_equal(at(f, "delivered"), 2);
	assert_int_equal(at(f, "bounced"), 2);
	assert_int_equal(at(f, "opens"), 4);
	assert_int_equal(at(f, "openers"), 2);
	assert_int_equal(at(f, "sent"), 4);
	assert_int_equal(at(f, "delivery_bp"), 5000);
	assert_int_equal(at(f, "open_bp"), 5000);
	assert_int_equal(at(f, "click_bp"), 2500);
	assert_string_equal(value_text_of(value_path(f, "domains.0.domain"), "?"), "uno.ec");
	assert_string_equal(value_text_of(value_path(f, "domains.1.domain"), "?"), "");
	close_all();
}

static void at_most_500_domains_stand_by_name(void **state)
{
	struct value *f = NULL;
	int64_t lines = 0;

	(void)state;
	open_with("600");
	run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 501) INSERT INTO bulk_recipient (id, bulk_id,"
	    " import_version, row_number, recipient) SELECT i, 1, 1, i, 'x' FROM n");
	run("INSERT INTO bulk_result (bulk_id, recipient_id, delivery_status, opens, domain, matched_at) SELECT 1, id, 'Sent', 1,"
	    " printf('d%04d.ec', id), 1 FROM bulk_recipient WHERE id <= 500");
	assert_int_equal(figures_count(&s.cx, 1), RC_OK);
	assert_int_equal(
		db_get_int(&s.cx, &lines, "SELECT count(*) FROM bulk_figure WHERE domain <> ''", NO_PARAMS),
		RC_OK);
	assert_int_equal(lines, FIGURE_DOMAINS_MAX);
	run("INSERT INTO bulk_result (bulk_id, recipient_id, delivery_status, opens, domain, matched_at) VALUES (1, 501, 'Sent',"
	    " 1, 'd9999.ec', 1)");
	assert_int_equal(figures_count(&s.cx, 1), RC_OK);
	assert_int_equal(
		db_get_int(&s.cx, &lines, "SELECT found FROM bulk_figure WHERE domain = ''", NO_PARAMS),
		RC_OK);
	assert_int_equal(lines, 1);
	assert_int_equal(figures_read(&s.cx, &f, 1, 20), RC_OK);
	assert_int_equal(at(f, "found"), 501);
	assert_int_equal(value_get(f, "domains")->count, 20);
	close_all();
}

static void what_nobody_told_is_no_zero(void **state)
{
	static const char *const told_by_reports[] = { "found",   "opens",   "openers", "clicks",  "clickers",
						       "dropped", "waiting", "open_bp", "click_bp" };
	struct value *f = NULL;

	(void)state;
	open_with("3");
	add_messages(2, 2, "delivered");
	add_messages(2, 1, "failed");
	add_messages(3, 3, "sent");
	assert_int_equal(figures_read(&s.cx, &f, 2, 20), RC_OK);
	assert_int_equal(at(f, "sent"), 3);
	assert_int_equal(at(f, "delivered"), 2);
	assert_int_equal(at(f, "bounced"), 1);
	assert_int_equal(at(f, "delivery_bp"), 6667);
	assert_int_equal(at(f, "bounce_bp"), 3333);
	for (size_t i = 0; i < sizeof(told_by_reports) / sizeof(told_by_reports[0]); i++)
		assert_int_equal(value_path(f, told_by_reports[i])->type, VALUE_NULL);
	/* A mail server tells nothing afterwards. */
	assert_int_equal(figures_read(&s.cx, &f, 3, 20), RC_OK);
	assert_int_equal(at(f, "sent"), 3);
	assert_int_equal(value_path(f, "delivered")->type, VALUE_NULL);
	assert_int_equal(value_path(f, "delivery_bp")->type, VALUE_NULL);
	assert_int_equal(figures_read(&s.cx, &f, 4, 20), RC_NOT_FOUND);
	/* SendGrid's events say that nobody complained; a mail server never says it. */
	assert_int_equal(figures_read(&s.cx, &f, 2, 20), RC_OK);
	assert_int_equal(at(f, "spam"), 0);
	assert_int_equal(at(f, "unsubscribed"), 0);
	assert_int_equal(figures_read(&s.cx, &f, 3, 20), RC_OK);
	assert_int_equal(value_path(f, "spam")->type, VALUE_NULL);
	assert_int_equal(value_path(f, "unsubscribed")->type, VALUE_NULL);
	/* Where mails can carry a link to leave, nobody left. */
	assert_int_equal(settings_override(s.env.settings, "web.public_url", "https://x.example"), RC_OK);
	assert_int_equal(figures_read(&s.cx, &f, 3, 20), RC_OK);
	assert_int_equal(at(f, "unsubscribed"), 0);
	assert_int_equal(value_path(f, "spam")->type, VALUE_NULL);
	assert_int_equal(figures_read(&s.cx, &f, 1, 20), RC_OK);
	assert_int_equal(value_path(f, "unsubscribed")->type, VALUE_NULL);
	close_all();
}

static void leaves(const char *address, const char *reason, int64_t at)
{
	run(arena_printf(
		s.arena,
		"INSERT OR IGNORE INTO contact (kind, address, public_id, created_at) VALUES ('email', '%s', 'k%s', 1)",
		address, address));
	run(arena_printf(
		s.arena,
		"INSERT INTO suppression (public_id, contact_id, address, reason, created_at, updated_at) SELECT 's' || id, id,"
		" address, '%s', %lld, 1 FROM contact WHERE address = '%s'",
		reason, (long long)at, address));
}

static void who_leaves_belongs_to_the_last_mailing_he_got_before(void **state)
{
	struct value *f = NULL;

	(void)state;
	open_with("9");
	add_messages(2, 5, "delivered"); /* delivered1@m2.ec … sent at 1 */
	add_messages(3, 1, "sent");
	/* The first of them got the third send too, at 2000. */
	run("INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion, state, not_before_at,"
	    " expires_at, sent_at, created_at) SELECT 'again', 3, 3, id, 'campaign', 'y', 'sent', 1, 2, 200000, 1 FROM contact"
	    " WHERE address = 'delivered1@m2.ec'");
	leaves("delivered1@m2.ec", "unsubscribed", 300000);
	leaves("delivered2@m2.ec", "spam", 300000);
	leaves("delivered3@m2.ec", "unsubscribed", 300000);
	leaves("delivered4@m2.ec", "hand", 300000);
	leaves("delivered5@m2.ec", "unsubscribed", 31 * DAY_MS); /* of a later mailing, if any */
	leaves("nobody@m2.ec", "unsubscribed", 300000);
	assert_int_equal(figures_read(&s.cx, &f, 2, 20), RC_OK);
	assert_int_equal(at(f, "spam"), 1);
	assert_int_equal(at(f, "unsubscribed"), 1);
	assert_int_equal(figures_read(&s.cx, &f, 3, 20), RC_OK);
	assert_int_equal(at(f, "unsubscribed"), 1);
	assert_int_equal(value_path(f, "spam")->type, VALUE_NULL);
	/* Who got it as Ana@ and left as ana@. */
	run("INSERT INTO contact (kind, address, public_id, created_at) VALUES ('email', 'Ana@m2.ec', 'A', 1)");
	run("INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion, state, not_before_at,"
	    " expires_at, sent_at, created_at) SELECT 'mA', 3, 3, id, 'campaign', 'z', 'sent', 1, 2, 5, 1 FROM contact"
	    " WHERE public_id = 'A'");
	leaves("ana@m2.ec", "spam", 300000);
	assert_int_equal(figures_read(&s.cx, &f, 3, 20), RC_OK);
	assert_int_equal(at(f, "spam"), 1);
	close_all();
}

static void why_mails_did_not_arrive_is_counted_by_reason(void **state)
{
	struct value *list = NULL;

	(void)state;
	open_with("3");
	add_messages(3, 3, "failed");
	run("UPDATE message SET state_why = CASE WHEN id % 3 = 0 THEN 'no_mailbox' ELSE 'bad_address' END");
	assert_int_equal(figures_failures(&s.cx, &list, 3, 20), RC_OK);
	assert_int_equal(list->count, 2);
	assert_string_equal(value_text_of(value_get(list->first, "code"), ""), "bad_address");
	assert_int_equal(at(list->first, "count"), 2);
	assert_int_equal(figures_failures(&s.cx, &list, 2, 20), RC_OK);
	assert_int_equal(list->count, 0);
	close_all();
}

static void sends_are_compared_newest_first_by_what_was_counted_last(void **state)
{
	struct value *list = NULL;

	(void)state;
	open_with("3");
	run("UPDATE bulk_send SET result_json = '{\"sent\":1,\"delivered\":2,\"failed\":2,\"failed_late\":1}' WHERE id = 2");
	run("UPDATE bulk_send SET sent_finished_at = NULL WHERE id = 3");
	assert_int_equal(figures_compare(&s.cx, &list, "", 24), RC_OK);
	assert_int_equal(list->count, 2);
	assert_int_equal(at(list->first, "bulk_id"), 2);
	assert_int_equal(at(list->first, "sent"), 4);
	assert_int_equal(at(list->first, "rejected"), 1);
	assert_int_equal(at(list->first, "delivery_bp"), 5000);
	assert_int_equal(figures_compare(&s.cx, &list, "", 1), RC_OK);
	assert_int_equal(list->count, 1);
	assert_int_equal(figures_compare(&s.cx, &list, "T1", 24), RC_OK);
	assert_int_equal(list->count, 1);
	assert_int_equal(figures_compare(&s.cx, &list, "100%", 24), RC_OK);
	assert_int_equal(list->count, 0);
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_are_summed_and_the_smallest_are_one_line),
		cmocka_unit_test(at_most_500_domains_stand_by_name),
		cmocka_unit_test(what_nobody_told_is_no_zero),
		cmocka_unit_test(who_leaves_belongs_to_the_last_mailing_he_got_before),
		cmocka_unit_test(why_mails_did_not_arrive_is_counted_by_reason),
		cmocka_unit_test(sends_are_compared_newest_first_by_what_was_counted_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
