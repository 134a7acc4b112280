/*
** test_ledger.c -- a message's way through the ledger: claimed in order, settled once, held back for a
** reason.
*/
#include "house.h"

static void messages_leave_by_priority_then_in_order(void **state)
{
	struct house h;
	struct claimed got[8];
	int64_t late, bulk, notice, answer, mailing;

	(void)state;
	house_open(&h, 0);
	bulk = house_add(&h, &(struct message_new){ .contact_id = house_contact(&h, 1), .priority = 9 });
	mailing = house_add(&h, &(struct message_new){ .contact_id = house_contact(&h, 5),
						       .priority = 9,
						       .ignores_window = true });
	notice = house_add(&h, &(struct message_new){ .contact_id = house_contact(&h, 2), .priority = 1 });
	late = house_add(&h, &(struct message_new){ .contact_id = house_contact(&h, 3), .priority = 1 });
	answer = house_add(&h, &(struct message_new){ .contact_id = house_contact(&h, 4),
						      .priority = 0,
						      .ignores_window = true });
	assert_int_equal(house_claim(&h, got, 3), 3);
	assert_int_equal(got[0].id, answer);
	assert_int_equal(got[1].id, notice);
	assert_int_equal(got[2].id, late);
	assert_int_equal(house_claim(&h, got, 3), 2);
	assert_int_equal(got[0].id, bulk);
	assert_int_equal(got[1].id, mailing);
	assert_string_equal(got[0].text, "Hola");
	assert_string_equal(got[0].address, "+593990000001");
	house_close(&h);
}

/* Two halves of one index are merged: with 100,000 rows queued nothing may be sorted or read for nothing. */
static void the_queue_is_read_in_its_order_and_never_sorted(void **state)
{
	static const struct claim kinds[] = { { .contact_kind = "phone", .is_window_open = true },
					      { .contact_kind = "email", .is_window_open = true },
					      { .contact_kind = "email" },
					      { .contact_kind = "email", .is_own_only = true } };
	struct house h;
	struct query *q = NULL;

	(void)state;
	house_open(&h, 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		int merges = 0;

		assert_int_equal(db_query(&h.s.cx, &q,
					  arena_printf(h.s.cx.arena, "EXPLAIN QUERY PLAN %s",
						       ledger_claim_sql(&kinds[i])),
					  PARAMS(P_INT(":account", 1), P_INT(":max", 1))),
				 RC_OK);
		while (query_next(q)) {
			const char *step = query_text(q, 3);

			merges += strstr(step, "MERGE (UNION ALL)") != NULL;
			if (strstr(step, "TEMP B-TREE") != NULL || strncmp(step, "SCAN", 4) == 0)
				fail_msg("%s", step);
		}
		assert_int_equal(query_end(q, RC_OK), RC_OK);
		assert_int_equal(merges, kinds[i].is_window_open);
	}
	house_close(&h);
}

static void a_paused_mailing_of_two_thousand_holds_up_nobody(void **state)
{
	static struct feed_row rows[FEED_ROWS_MAX];
	static char addresses[FEED_ROWS_MAX][32];
	struct house h;
	struct claimed got[8];
	struct feed f;
	int64_t known = 0, queued = 0, mailing = 0, notice;
	int rounds = 0;

	(void)state;
	house_open(&h, 0);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(batch_open(&h.s.cx, &mailing, &(struct batch_new){ .kind = "test" }), RC_OK);
	f = (struct feed){ .batch_id = mailing,
			   .channel = "whatsapp",
			   .topic = "campaign",
			   .table = "row",
			   .expires_at = cx_now(&h.s.cx) + DAY_MS,
			   .priority = 9 };
	for (int i = 0; i < FEED_QUEUED_MAX; i += FEED_ROWS_MAX) {
		size_t left = (size_t)(FEED_QUEUED_MAX - i), n = left < FEED_ROWS_MAX ? left : FEED_ROWS_MAX;

		for (size_t k = 0; k < n; k++) {
			snprintf(addresses[k], sizeof(addresses[k]), "+59399%07d", i + (int)k);
			rows[k] = (struct feed_row){ i + (int64_t)k + 1, addresses[k], "", "{}" };
		}
		assert_int_equal(outbox_feed(&h.s.cx, &f, rows, n, &known), RC_OK);
		assert_int_equal(known, 0);
	}
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_int_equal(batch_set_state(&h.s.cx, mailing, "paused"), RC_OK);
	notice = house_message(&h, 1);
	assert_int_equal(house_claim(&h, got, 8), 1);
	assert_int_equal(got[0].id, notice);
	/* The rows leave the queue's index a few at a time: short writes, and an end. */
	while (state_int(&h.s, "SELECT count(*) FROM message WHERE turn = 1 AND state = 'queued'") > 0) {
		assert_int_equal(house_claim(&h, got, 8), 0);
		assert_true(++rounds < FEED_QUEUED_MAX / 8);
	}
	assert_int_equal(batch_queued(&h.s.cx, &queued, mailing), RC_OK);
	assert_int_equal(queued, FEED_QUEUED_MAX);
	assert_int_equal(batch_set_state(&h.s.cx, mailing, "open"), RC_OK);
	assert_int_equal(house_claim(&h, got, 8), 8);
	assert_int_equal(batch_set_state(&h.s.cx, mailing, "cancelled"), RC_OK);
	assert_int_equal(batch_queued(&h.s.cx, &queued, mailing), RC_OK);
	assert_int_equal(queued, 0);
	house_close(&h);
}

static void one_person_gets_one_message_at_a_time(void **state)
{
	struct house h;
	struct claimed got[8], first;
	int64_t a, b, c, n = 0;

	(void)state;
	house_open(&h, 0);
	a = house_message(&h, 1);
	b = house_message(&h, 1);
	c = house_message(&h, 1);
	assert_int_equal(house_claim(&h, got, 8), 1);
	assert_int_equal(got[0].id, a);
	first = got[0];
	assert_int_equal(house_claim(&h, got, 8), 0);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message WHERE turn = 2 AND state = 'queued'"),
			 2);
	house_settle(&h, &first, OUTCOME_SENT, "accepted");
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(ledger_release(&h.s.cx, h.account, first.contact_id, &n), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(house_claim(&h, got, 8), 1);
	assert_int_equal(got[0].id, b);
	house_settle(&h, &got[0], OUTCOME_SENT, "accepted");
	assert_string_equal(house_state(&h, c), "queued");
	house_close(&h);
}

static void a_message_before_its_time_is_not_even_looked_at(void **state)
{
	struct house h;
	struct claimed got[8];
	instant next = 0;
	int64_t id;

	(void)state;
	house_open(&h, 0);
	id = house_add(&h, &(struct message_new){ .contact_id = house_contact(&h, 1),
						  .not_before_at = cx_now(&h.s.cx) + HOUR_MS });
	assert_int_equal(house_claim(&h, got, 8), 0);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(ledger_promote(&h.s.cx, h.account, cx_now(&h.s.cx), &next), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_true(next > cx_now(&h.s.cx));
	clock_shift(h.s.env.clock, HOUR_MS + 1);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(ledger_promote(&h.s.cx, h.account, cx_now(&h.s.cx), &next), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_int_equal(next, 0);
	assert_int_equal(house_claim(&h, got, 8), 1);
	assert_int_equal(got[0].id, id);
	house_close(&h);
}

static void what_changed_after_queueing_is_seen_at_the_last_moment(void **state)
{
	struct house h;
	struct claimed got[8];
	int64_t out, dead, old, dropped, other_topic, paused, fine, batch = 0, resting = 0;

	(void)state;
	house_open(&h, 0);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(batch_open(&h.s.cx, &batch, &(struct batch_new){ .kind = "test" }), RC_OK);
	assert_int_equal(batch_open(&h.s.cx, &resting, &(struct batch_new){ .kind = "test" }), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	out = house_message(&h, 1);
	dead = house_message(&h, 2);
	old = house_add(&h, &(struct message_new){ .contact_id = house_contact(&h, 3),
						   .expires_at = cx_now(&h.s.cx) + 1000 });
	dropped =
		house_add(&h, &(struct message_new){ .contact_id = house_contact(&h, 4), .batch_id = batch });
	other_topic = house_add(
		&h, &(struct message_new){ .contact_id = house_contact(&h, 1), .topic = "service" });
	paused = house_add(&h,
			   &(struct message_new){ .contact_id = house_contact(&h, 5), .batch_id = resting });
	fine = house_message(&h, 6);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(contact_opt_out(&h.s.cx, house_contact(&h, 1), "notice", "test", true), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_int_equal(
		state_run(&h.s,
			  "UPDATE contact SET dead_reason = 'no_whatsapp' WHERE address = '+593990000002'"),
		RC_OK);
	assert_int_equal(state_run(&h.s, "UPDATE batch SET state = 'cancelled' WHERE id = 2"), RC_OK);
	assert_int_equal(batch_set_state(&h.s.cx, resting, "paused"), RC_OK);
	clock_shift(h.s.env.clock, 2000);
	assert_int_equal(house_claim(&h, got, 8), 2);
	assert_int_equal(got[0].id, other_topic);
	assert_int_equal(got[1].id, fine);
	assert_string_equal(house_state(&h, out), "skipped");
	assert_string_equal(house_state(&h, dead), "skipped");
	assert_string_equal(house_state(&h, old), "expired");
	assert_string_equal(house_state(&h, dropped), "cancelled");
	assert_string_equal(house_state(&h, paused), "queued");
	assert_int_equal(batch_set_state(&h.s.cx, resting, "open"), RC_OK);
	assert_int_equal(house_claim(&h, got, 8), 1);
	assert_int_equal(got[0].id, paused);
	house_close(&h);
}

static void at_night_only_answers_leave(void **state)
{
	struct house h;
	struct claimed got[4];
	int slots[4] = { 0, 1, 2, 3 };
	struct claim c = { .slots = slots, .slot_count = 4, .out = got, .contact_kind = "phone" };
	int64_t answer;
	bool is_waiting = true;

	(void)state;
	house_open(&h, 0);
	(void)house_message(&h, 1);
	c.account = h.account;
	c.now = cx_now(&h.s.cx);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(ledger_is_waiting(&h.s.cx, &is_waiting, h.account, false), RC_OK);
	assert_false(is_waiting);
	assert_int_equal(ledger_claim(&h.s.cx, &c), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_int_equal(c.count, 0);
	answer = house_add(
		&h, &(struct message_new){ .contact_id = house_contact(&h, 2), .ignores_window = true });
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(ledger_claim(&h.s.cx, &c), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_int_equal(c.count, 1);
	assert_int_equal(got[0].id, answer);
	house_close(&h);
}

static void who_has_no_number_is_not_written_to(void **state)
{
	struct house h;
	struct claimed got[4];
	int64_t id, contact = 0;

	(void)state;
	house_open(&h, 0);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(contact_ensure(&h.s.cx, &contact, "chat", "lid:555555555"), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	id = house_add(&h, &(struct message_new){ .contact_id = contact });
	assert_int_equal(house_claim(&h, got, 4), 0);
	assert_string_equal(house_state(&h, id), "skipped");
	house_close(&h);
}

static void wait_for(struct house *h, const char *why, instant until)
{
	struct account a;

	assert_int_equal(tx_begin(&h->s.cx), RC_OK);
	assert_int_equal(account_read(&h->s.cx, &a, h->account), RC_OK);
	assert_int_equal(account_wait(&h->s.cx, &a, why, "", until), RC_OK);
	assert_int_equal(tx_end(&h->s.cx, RC_OK), RC_OK);
}

static void the_longest_wait_and_the_gravest_reason_stay(void **state)
{
	struct house h;

	(void)state;
	house_open(&h, 0);
	wait_for(&h, "rate", 2000);
	wait_for(&h, "rate", 1000);
	assert_int_equal(state_int(&h.s, "SELECT until_at FROM channel_account"), 2000);
	wait_for(&h, "day_limit", 5000);
	assert_int_equal(
		state_int(&h.s, "SELECT state_why = 'day_limit' AND until_at = 5000 FROM channel_account"),
		1);
	wait_for(&h, "need_scan", 3000);
	wait_for(&h, "rate", 9000);
	assert_int_equal(state_int(&h.s, "SELECT state_why = 'need_scan' FROM channel_account"), 1);
	assert_int_equal(channel_stop(&h.s.cx, CHANNEL_WHATSAPP, "person"), RC_OK);
	wait_for(&h, "need_scan", 9000);
	assert_int_equal(state_int(&h.s, "SELECT state = 'stopped' FROM channel_account"), 1);
	house_close(&h);
}

static void an_occasion_is_queued_once(void **state)
{
	struct house h;
	struct message_new m = {
		.channel = CHANNEL_WHATSAPP, .topic = "notice", .occasion = "notice:1", .text = "Hola"
	};
	int64_t id = 0, again = 0;

	(void)state;
	house_open(&h, 0);
	m.batch_id = h.batch;
	m.contact_id = house_contact(&h, 1);
	m.expires_at = cx_now(&h.s.cx) + DAY_MS;
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(outbox_add(&h.s.cx, &id, &m), RC_OK);
	assert_int_equal(outbox_add(&h.s.cx, &again, &m), RC_CONFLICT);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_int_equal(id, again);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message"), 1);
	house_close(&h);
}

static void after_a_crash_what_was_on_its_way_is_unsure_and_stays_so(void **state)
{
	struct house h;
	struct claimed got[8];
	int64_t n = 0, a;

	(void)state;
	house_open(&h, 0);
	a = house_message(&h, 1);
	(void)house_message(&h, 1);
	assert_int_equal(house_claim(&h, got, 8), 1);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(ledger_start(&h.s.cx, &n), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_int_equal(n, 1);
	assert_string_equal(house_state(&h, a), "unsure");
	assert_int_equal(
		state_int(&h.s, "SELECT count(*) FROM attempt WHERE kind = 'start' AND outcome = 'unsure'"),
		1);
	/* Its slot is free and who stood behind goes on; the unsure one does not. */
	assert_int_equal(house_claim(&h, got, 8), 1);
	assert_int_not_equal(got[0].id, a);
	assert_int_equal(house_claim(&h, got, 8), 0);
	house_close(&h);
}

static void a_person_decides_an_unsure_message_once(void **state)
{
	struct house h;
	struct claimed got[8];
	int64_t a, b;

	(void)state;
	house_open(&h, 0);
	a = house_message(&h, 1);
	b = house_message(&h, 2);
	assert_int_equal(house_claim(&h, got, 8), 2);
	house_settle(&h, &got[0], OUTCOME_UNSURE, "cut");
	house_settle(&h, &got[1], OUTCOME_UNSURE, "cut");
	assert_int_equal(outbox_decide(&h.s.cx, a, true), RC_OK);
	assert_string_equal(house_state(&h, a), "sent");
	assert_int_equal(outbox_decide(&h.s.cx, a, true), RC_CONFLICT);
	cx_reset(&h.s.cx);
	assert_int_equal(outbox_decide(&h.s.cx, b, false), RC_OK);
	assert_string_equal(house_state(&h, b), "failed");
	assert_int_equal(house_claim(&h, got, 8), 1);
	assert_int_equal(state_int(&h.s, "SELECT replaces_id FROM message WHERE state = 'sending'"), b);
	assert_int_equal(outbox_decide(&h.s.cx, b, false), RC_CONFLICT);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message"), 3);
	house_close(&h);
}

static void nothing_of_a_cancelled_batch_is_sent_again_but_it_may_have_arrived(void **state)
{
	struct house h;
	struct claimed got[8];
	int64_t a;

	(void)state;
	house_open(&h, 0);
	a = house_message(&h, 1);
	assert_int_equal(house_claim(&h, got, 8), 1);
	house_settle(&h, &got[0], OUTCOME_UNSURE, "cut");
	assert_int_equal(state_run(&h.s, "UPDATE batch SET state = 'cancelled'"), RC_OK);
	assert_int_equal(outbox_decide(&h.s.cx, a, false), RC_CONFLICT);
	assert_string_equal(house_state(&h, a), "unsure");
	cx_reset(&h.s.cx);
	assert_int_equal(outbox_decide(&h.s.cx, a, true), RC_OK);
	assert_string_equal(house_state(&h, a), "sent");
	house_close(&h);
}

static void a_settled_row_cannot_be_settled_again(void **state)
{
	struct house h;
	struct claimed got[1];
	struct settle_rules r = { .retry_max = 5 };
	struct verdict v = { .outcome = OUTCOME_SENT, .why = "accepted" };

	(void)state;
	house_open(&h, 0);
	r.now = cx_now(&h.s.cx);
	(void)house_message(&h, 1);
	assert_int_equal(house_claim(&h, got, 1), 1);
	house_settle(&h, &got[0], OUTCOME_SENT, "accepted");
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(ledger_settle(&h.s.cx, &got[0], &v, &r), RC_BUG);
	assert_int_equal(tx_end(&h.s.cx, RC_BUG), RC_BUG);
	house_close(&h);
}

static void a_dead_number_is_remembered(void **state)
{
	struct house h;
	struct claimed got[1];
	struct settle_rules r = { .retry_max = 5 };
	struct verdict v = { .outcome = OUTCOME_REFUSED,
			     .why = "no_whatsapp",
			     .dead = "no_whatsapp",
			     .http = 422,
			     .detail = "does not exist" };

	(void)state;
	house_open(&h, 0);
	r.now = cx_now(&h.s.cx);
	(void)house_message(&h, 1);
	assert_int_equal(house_claim(&h, got, 1), 1);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(ledger_settle(&h.s.cx, &got[0], &v, &r), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_string_equal(house_state(&h, got[0].id), "failed");
	assert_int_equal(
		state_int(&h.s,
			  "SELECT count(*) FROM contact WHERE dead_reason = 'no_whatsapp' AND dead_at > 0"),
		1);
	assert_int_equal(state_int(&h.s, "SELECT http FROM attempt"), 422);
	house_close(&h);
}

static void delivered_and_read_win_over_a_late_failure(void **state)
{
	struct house h;
	struct claimed got[1];
	struct check_verdict told = { .end = CHECK_TOLD, .provider_key = "3EB0", .status = STATUS_SENT };
	struct due_check due[4];
	int64_t id, found = 0;
	int n = 0;

	(void)state;
	house_open(&h, 0);
	id = house_message(&h, 1);
	assert_int_equal(house_claim(&h, got, 1), 1);
	house_settle(&h, &got[0], OUTCOME_SENT, "accepted");
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(ledger_checks(&h.s.cx, h.account, cx_now(&h.s.cx), due, 4, &n), RC_OK);
	assert_int_equal(n, 0);
	assert_int_equal(ledger_checks(&h.s.cx, h.account, cx_now(&h.s.cx) + 11000, due, 4, &n), RC_OK);
	assert_int_equal(n, 1);
	assert_string_equal(due[0].provider_id, "77");
	assert_int_equal(ledger_checked(&h.s.cx, id, &told, 0), RC_OK);
	assert_int_equal(ledger_find_key(&h.s.cx, &found, h.account, "3EB0"), RC_OK);
	assert_int_equal(found, id);
	assert_int_equal(ledger_word(&h.s.cx, id, STATUS_ERROR, "event", NULL), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_string_equal(house_state(&h, id), "failed");
	assert_int_equal(state_int(&h.s, "SELECT is_late_failure FROM message"), 1);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(ledger_word(&h.s.cx, id, STATUS_READ, "event", NULL), RC_OK);
	assert_int_equal(ledger_word(&h.s.cx, id, STATUS_DELIVERED, "event", NULL), RC_OK);
	assert_int_equal(ledger_word(&h.s.cx, id, STATUS_ERROR, "event", NULL), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_string_equal(house_state(&h, id), "read");
	assert_int_equal(
		state_int(&h.s,
			  "SELECT delivered_at > 0 AND read_at > 0 AND is_late_failure = 0 FROM message"),
		1);
	house_close(&h);
}

static void a_cancelled_batch_sends_nothing_more(void **state)
{
	struct house h;
	struct claimed got[8];
	struct value *counts = NULL;
	bool is_finished = true;

	(void)state;
	house_open(&h, 0);
	for (int i = 0; i < LEDGER_SLICE + 5; i++)
		(void)house_message(&h, i);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(batch_planned(&h.s.cx, h.batch), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_int_equal(house_claim(&h, got, 1), 1);
	assert_int_equal(batch_set_state(&h.s.cx, h.batch, "cancelled"), RC_OK);
	assert_int_equal(house_claim(&h, got + 1, 4), 0);
	assert_int_equal(batch_is_finished(&h.s.cx, &is_finished, h.batch), RC_OK);
	assert_false(is_finished);
	house_settle(&h, &got[0], OUTCOME_SENT, "accepted");
	assert_int_equal(batch_is_finished(&h.s.cx, &is_finished, h.batch), RC_OK);
	assert_true(is_finished);
	assert_int_equal(batch_counts(&h.s.cx, &counts, h.batch), RC_OK);
	assert_int_equal(value_int_of(value_get(counts, "cancelled"), -1), LEDGER_SLICE + 4);
	assert_int_equal(value_int_of(value_get(counts, "sent"), -1), 1);
	assert_int_equal(value_int_of(value_get(counts, "total"), -1), LEDGER_SLICE + 5);
	assert_int_equal(batch_set_state(&h.s.cx, h.batch, "open"), RC_CONFLICT);
	house_close(&h);
}

static void messages_whose_day_is_over_expire(void **state)
{
	struct house h;
	int64_t id, after = 0, n = 0;

	(void)state;
	house_open(&h, 0);
	id = house_add(&h, &(struct message_new){ .contact_id = house_contact(&h, 1),
						  .expires_at = cx_now(&h.s.cx) + 10,
						  .not_before_at = cx_now(&h.s.cx) + 5 });
	clock_shift(h.s.env.clock, 11);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(ledger_expire(&h.s.cx, cx_now(&h.s.cx), &after, &n), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(after, 0);
	assert_string_equal(house_state(&h, id), "expired");
	house_close(&h);
}

/* Single mails have a batch each: the look goes on where it ended, and all of them are over in the end. */
static void what_lies_behind_many_batches_expires_too(void **state)
{
	static const int extra[] = { 0, 1 };
	struct house h;

	(void)state;
	for (size_t i = 0; i < sizeof(extra) / sizeof(*extra); i++) {
		int64_t n = 0, all = 0, after = 0;
		int turns = 0;

		house_open(&h, 0);
		(void)house_add(&h, &(struct message_new){ .contact_id = house_contact(&h, 1) });
		assert_int_equal(tx_begin(&h.s.cx), RC_OK);
		assert_int_equal(
			db_run(&h.s.cx,
			       "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < :most)"
			       " INSERT INTO batch (id, public_id, kind, created_at)"
			       " SELECT 1000 + i, 'b' || i, 'test', 1 FROM n",
			       PARAMS(P_INT(":most", EXPIRE_BATCHES + extra[i]))),
			RC_OK);
		assert_int_equal(
			db_run(&h.s.cx,
			       "INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion, body,"
			       " not_before_at, expires_at, created_at) SELECT b.public_id, b.id, m.channel_account_id,"
			       " m.contact_id, 'notice', b.public_id, '', 1, :over, 1 FROM batch b CROSS JOIN message m"
			       " WHERE b.id > 1000 AND m.id = 1",
			       PARAMS(P_INT(":over", cx_now(&h.s.cx)))),
			RC_OK);
		do {
			assert_int_equal(ledger_expire(&h.s.cx, cx_now(&h.s.cx), &after, &n), RC_OK);
			assert_true(n <= LEDGER_SLICE);
			all += n;
			turns++;
		} while (after != 0 || n == LEDGER_SLICE);
		assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
		assert_int_equal(all, EXPIRE_BATCHES - 1 + extra[i]);
		assert_true(turns > 1);
		assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message WHERE state = 'queued'"), 1);
		house_close(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_leave_by_priority_then_in_order),
		cmocka_unit_test(the_queue_is_read_in_its_order_and_never_sorted),
		cmocka_unit_test(a_paused_mailing_of_two_thousand_holds_up_nobody),
		cmocka_unit_test(one_person_gets_one_message_at_a_time),
		cmocka_unit_test(a_message_before_its_time_is_not_even_looked_at),
		cmocka_unit_test(what_changed_after_queueing_is_seen_at_the_last_moment),
		cmocka_unit_test(at_night_only_answers_leave),
		cmocka_unit_test(who_has_no_number_is_not_written_to),
		cmocka_unit_test(the_longest_wait_and_the_gravest_reason_stay),
		cmocka_unit_test(an_occasion_is_queued_once),
		cmocka_unit_test(after_a_crash_what_was_on_its_way_is_unsure_and_stays_so),
		cmocka_unit_test(a_person_decides_an_unsure_message_once),
		cmocka_unit_test(nothing_of_a_cancelled_batch_is_sent_again_but_it_may_have_arrived),
		cmocka_unit_test(a_settled_row_cannot_be_settled_again),
		cmocka_unit_test(a_dead_number_is_remembered),
		cmocka_unit_test(delivered_and_read_win_over_a_late_failure),
		cmocka_unit_test(a_cancelled_batch_sends_nothing_more),
		cmocka_unit_test(messages_whose_day_is_over_expire),
		cmocka_unit_test(what_lies_behind_many_batches_expires_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
