/*
** test_control.c -- tests can set the stage and look behind it; strangers cannot.
*/
#include "scene.h"
#include "standin/ledger.h"
#include "standin/magic.h"

#include <stdio.h>

static const struct standin_options quiet = { .delivered_ms = -1, .read_ms = -1 };

static void a_wish_with_one_wrong_member_changes_nothing(void **state)
{
	static const char *const wrong[] = { "",
					     "[]",
					     "{\"status\":5}",
					     "{\"status\":\"a\\\"b\"}",
					     "{\"status\":\"need_scan\",\"rate\":\"fast\"}",
					     "{\"status\":\"need_scan\",\"read_ms\":-2}",
					     "{\"status\":\"need_scan\",\"read_ms\":86400001}",
					     "{\"status\":\"need_scan\",\"daily_remaining\":-1}",
					     "{\"status\":\"need_scan\",\"reset\":\"never\"}",
					     "{\"status\":\"need_scan\",\"success_in_429\":1}",
					     "{\"status\":\"need_scan\",\"magic\":{\"+5939\":\"777\"}}",
					     "{\"status\":\"need_scan\",\"colour\":\"red\"}" };
	struct scene s;

	(void)state;
	scene_begin(&s, &quiet, false);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(value_get(ask_json(&s, 422, "/_standin/set", wrong[i]), "error"));
	assert_string_equal(
		value_text_of(value_get(ask_json(&s, 200, "/_standin/state", NULL), "status"), ""),
		"connected");
	(void)ask_json(&s, 200, "/_standin/set", "{\"read_ms\":86400000,\"delivered_ms\":-1}");
	scene_end(&s);
}

static void any_number_can_be_made_magic_and_back(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, &quiet, false);
	(void)ask_json(&s, 200, "/_standin/set",
		       "{\"magic\":{\"+593990000001\":\"500\",\"+593995550401\":null}}");
	assert_int_equal(send_to(&s, "+593990000001", "x")->status, 500);
	assert_int_equal(send_to(&s, "+593995550401", "x")->status, 200);
	(void)ask_json(&s, 200, "/_standin/set", "{\"magic\":{}}");
	assert_int_equal(send_to(&s, "+593990000001", "x")->status, 200);
	assert_int_equal(send_to(&s, "+593995550401", "x")->status, 401);
	scene_end(&s);
}

static void reset_forgets_everything_but_ids_go_on(void **state)
{
	struct scene s;
	int64_t before, after;

	(void)state;
	scene_begin(&s, &quiet, false);
	before = value_int_of(value_path(ask_json(&s, 200, "/api/send-message",
						  "{\"to\":\"+593990000000\",\"text\":\"x\"}"),
					 "data.msgId"),
			      0);
	(void)ask_json(&s, 200, "/_standin/set",
		       "{\"status\":\"expired\",\"rate\":\"trial\",\"api_key\":\"other\"}");
	(void)ask_json(&s, 200, "/_standin/reset", "");
	assert_int_equal(count_of(&s, "count"), 0);
	assert_int_equal(row_count(&s), 0);
	after = value_int_of(value_path(ask_json(&s, 200, "/api/send-message",
						 "{\"to\":\"+593990000000\",\"text\":\"x\"}"),
					"data.msgId"),
			     0);
	assert_true(after > before);
	assert_int_equal(count_of(&s, "duplicates"), 0);
	(void)ask_json(&s, 404, arena_printf(s.arena, "/api/messages/%lld/info", (long long)before), NULL);
	scene_end(&s);
}

static void rows_can_be_asked_for_by_recipient_and_from_where_one_stopped(void **state)
{
	struct scene s;
	const struct value *v;

	(void)state;
	scene_begin(&s, &quiet, false);
	for (int i = 0; i < 5; i++)
		(void)send_to(&s, i % 2 ? "+593990000001" : "+593990000000", "x");
	v = ask_json(&s, 200, "/_standin/received?to=%2B593990000001", NULL);
	assert_int_equal(v->count, 2);
	v = ask_json(&s, 200, "/_standin/received?since=3", NULL);
	assert_int_equal(v->count, 2);
	assert_int_equal(value_int_of(value_get(v->first, "seq"), 0), 4);
	assert_int_equal(ask_json(&s, 200, "/_standin/received?since=5", NULL)->count, 0);
	assert_int_equal(ask_json(&s, 200, "/_standin/received?count=0", NULL)->count, 5);
	scene_end(&s);
}

static void inbound_needs_a_webhook_and_a_sender(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, &quiet, false);
	(void)ask_json(&s, 422, "/_standin/inbound", "{\"from\":\"593990000000\",\"text\":\"x\"}");
	(void)ask_json(&s, 422, "/_standin/event", "{}");
	(void)ask_json(&s, 200, "/_standin/set", "{\"webhook\":\"http://127.0.0.1:1/\",\"secret\":\"x\"}");
	(void)ask_json(&s, 422, "/_standin/inbound", "{\"text\":\"x\"}");
	scene_end(&s);
}

/* The ledger by itself */

static void add(struct ledger *l, const char *to, const char *body, enum fate fate)
{
	ledger_add(l, &(struct arrival){ .provider = "p",
					 .fate = fate,
					 .outcome = "o",
					 .to = to,
					 .body = body,
					 .body_len = strlen(body) });
}

static int64_t counted(struct ledger *l, const char *name)
{
	struct arena *a = arena_new(1024 * 1024);
	struct value *v = NULL;
	struct sb out;
	int64_t n;

	sb_init_arena(&out, a, 10000);
	sb_lit(&out, "{");
	ledger_write_counts(l, &out);
	sb_lit(&out, "}");
	assert_int_equal(json_parse(a, &v, NULL, out.p, out.len), RC_OK);
	n = value_get(v, name)->type == VALUE_BOOL ? value_bool_of(value_get(v, name), false)
						   : value_int_of(value_get(v, name), -1);
	arena_free(a);
	return n;
}

static void the_ledger_keeps_the_newest_rows_and_counts_all(void **state)
{
	struct ledger *l = ledger_new();
	char to[32];

	(void)state;
	for (int i = 0; i < LEDGER_ROWS_MAX + 1; i++) {
		snprintf(to, sizeof(to), "+%d", i);
		add(l, to, "text", FATE_ACCEPTED);
		if (i == LEDGER_ROWS_MAX - 1) assert_int_equal(counted(l, "rows"), LEDGER_ROWS_MAX);
	}
	assert_int_equal(counted(l, "rows"), LEDGER_ROWS_MAX);
	assert_int_equal(counted(l, "count"), LEDGER_ROWS_MAX + 1);
	assert_int_equal(counted(l, "duplicates"), 0);
	add(l, "+0", "text", FATE_ACCEPTED); /* its row is long gone, its mark is not */
	assert_int_equal(counted(l, "duplicates"), 1);
	ledger_free(l);
}

static void long_texts_push_old_rows_out_before_memory_grows(void **state)
{
	static char text[LEDGER_BODY_MAX + 2];
	struct ledger *l = ledger_new();
	char to[32];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < 4000; i++) {
		snprintf(to, sizeof(to), "+%d", i);
		add(l, to, text, FATE_ACCEPTED);
	}
	assert_in_range(counted(l, "rows"), 1500, LEDGER_BYTES_MAX / LEDGER_BODY_MAX);
	assert_int_equal(counted(l, "count"), 4000);
	assert_int_equal(counted(l, "duplicates"), 0);
	ledger_free(l);
}

static void marks_run_out_and_the_ledger_says_so(void **state)
{
	struct ledger *l = ledger_new();
	char to[32];

	(void)state;
	for (unsigned i = 0; i < LEDGER_MARKS_MAX / 4 * 3 + 1; i++) {
		if (i == LEDGER_MARKS_MAX / 4 * 3) assert_true(counted(l, "is_exact"));
		snprintf(to, sizeof(to), "%u", i);
		add(l, to, "", FATE_ACCEPTED);
	}
	assert_false(counted(l, "is_exact"));
	add(l, "7", "", FATE_ACCEPTED);
	assert_int_equal(counted(l, "duplicates"), 1); /* what has a mark is still found */
	ledger_free(l);
}

static void a_refusal_before_acceptance_is_no_duplicate_but_one_after_it_is(void **state)
{
	struct ledger *l = ledger_new();

	(void)state;
	add(l, "+1", "x", FATE_REFUSED);
	add(l, "+1", "x", FATE_REFUSED);
	add(l, "+1", "x", FATE_UNKNOWN);
	assert_int_equal(counted(l, "duplicates"), 0);
	add(l, "+1", "x", FATE_REFUSED);
	assert_int_equal(counted(l, "duplicates"), 1);
	add(l, "+", "1x", FATE_ACCEPTED); /* the border between the two counts */
	assert_int_equal(counted(l, "duplicates"), 1);
	ledger_free(l);
}

/* The table */

static void lists_that_count_upwards_meet_no_magic(void **state)
{
	char to[32];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		snprintf(to, sizeof(to), "+5939%08d", i);
		assert_null(magic_of(to));
	}
	assert_null(magic_of("+593990000401"));
	assert_null(magic_of("5550401")); /* too short for a phone */
	assert_null(magic_of("+593995550777"));
	assert_null(magic_of("+5939955504012"));
	assert_null(magic_of(""));
	assert_null(magic_of("@ana5550401"));
	assert_null(magic_of("+59399555x401"));
}

static void every_magic_number_is_found_in_every_spelling(void **state)
{
	const struct magic *m;
	char to[64];

	(void)state;
	for (size_t i = 0; (m = magic_at(i)) != NULL; i++) {
		snprintf(to, sizeof(to), "+59399" MAGIC_PREFIX "%s", m->code);
		assert_ptr_equal(magic_of(to), m);
		assert_ptr_equal(magic_of(to + 1), m);
		snprintf(to, sizeof(to), "1202" MAGIC_PREFIX "%s@s.whatsapp.net", m->code);
		assert_ptr_equal(magic_of(to), m);
		assert_true(m->help[0] != '\0' && m->outcome[0] != '\0');
		if (m->what == MAGIC_ANSWER || m->what == MAGIC_HTML)
			assert_true(m->status >= 200 && m->body != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wish_with_one_wrong_member_changes_nothing),
		cmocka_unit_test(any_number_can_be_made_magic_and_back),
		cmocka_unit_test(reset_forgets_everything_but_ids_go_on),
		cmocka_unit_test(rows_can_be_asked_for_by_recipient_and_from_where_one_stopped),
		cmocka_unit_test(inbound_needs_a_webhook_and_a_sender),
		cmocka_unit_test(the_ledger_keeps_the_newest_rows_and_counts_all),
		cmocka_unit_test(long_texts_push_old_rows_out_before_memory_grows),
		cmocka_unit_test(marks_run_out_and_the_ledger_says_so),
		cmocka_unit_test(a_refusal_before_acceptance_is_no_duplicate_but_one_after_it_is),
		cmocka_unit_test(lists_that_count_upwards_meet_no_magic),
		cmocka_unit_test(every_magic_number_is_found_in_every_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
