/*
** test_auth.c -- rights as lists, who may give what, how long a guesser waits, what a browser calls itself.
*/
#include "web/panel.h"
#include "web/people.h"

static int setup(void **state)
{
	struct panel *p = calloc(1, sizeof *p);

	panel_open(p, "", false);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	panel_close(*state);
	free(*state);
	return 0;
}

static void may(struct panel *p, const char *rights)
{
	cx_reset(&p->state.cx);
	p->state.cx.actor = (struct actor){
		.kind = ACTOR_USER, .name = "somebody", .role = "", .rights = rights, .address = "203.0.113.9"
	};
}

static void a_list_of_rights_holds_another_or_not(void **state)
{
	struct arena *a = arena_new(64 * 1024);

	(void)state;
	assert_true(rights_include("*", "a.view b.edit"));
	assert_true(rights_include("b.edit a.view", "a.view"));
	assert_true(rights_include("a.view", ""));
	assert_false(rights_include("a.view", "a.vie"));
	assert_false(rights_include("a.vie", "a.view"));
	assert_false(rights_include("a.view", "*"));
	assert_string_equal(rights_common(a, "*", "a.view"), "a.view");
	assert_string_equal(rights_common(a, "a.view b.edit", "*"), "a.view b.edit");
	assert_string_equal(rights_common(a, "a.view b.edit c.view", "c.view a.view"), "a.view c.view");
	assert_string_equal(rights_common(a, "a.view", "b.view"), "");
	arena_free(a);
}

static void nobody_gives_what_he_does_not_have(void **state)
{
	struct panel *p = *state;
	const char *out = "";

	may(p, "things.view");
	assert_int_equal(rights_read(&p->state.cx, &out, "things.view", ""), RC_OK);
	assert_int_equal(rights_read(&p->state.cx, &out, "things.edit", ""), RC_DENIED);
	HAS(p->state.cx.message, "things.edit");
	may(p, "things.view"); /* what was there before may stay */
	assert_int_equal(
		rights_read(&p->state.cx, &out, "things.edit,things.view things.view", "things.edit"), RC_OK);
	assert_string_equal(out, "things.view things.edit");
	assert_int_equal(rights_read(&p->state.cx, &out, "*", "things.edit"), RC_DENIED);
	may(p, "*");
	assert_int_equal(rights_read(&p->state.cx, &out, "things.edti", ""), RC_BAD_INPUT);
	HAS(p->state.cx.message, "things.edit");
	assert_int_equal(rights_read(&p->state.cx, &out, " , ", ""), RC_OK);
	assert_string_equal(out, "");
}

static void whoever_may_less_does_not_reach_whoever_may_more(void **state)
{
	struct panel *p = *state;
	struct cx *cx = &p->state.cx;
	int64_t maria = 0, rita = 0, reader = 0, owner = 0;

	assert_int_equal(user_find(cx, &maria, "maria"), RC_OK);
	assert_int_equal(user_find(cx, &rita, "RITA"), RC_OK);
	assert_int_equal(role_find(cx, &reader, "reader"), RC_OK);
	assert_int_equal(role_find(cx, &owner, "Owner"), RC_OK);
	may(p, "things.view");
	assert_int_equal(user_reach(cx, rita), RC_OK);
	assert_int_equal(user_reach(cx, maria), RC_DENIED);
	may(p, "things.view");
	assert_int_equal(user_password(cx, maria, "a long sentence", 0), RC_DENIED);
	may(p, "things.view");
	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(user_role_check(cx, rita, owner), RC_DENIED);
	assert_int_equal(tx_end(cx, RC_DENIED), RC_DENIED);
	may(p, "*");
	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(user_role_check(cx, rita, owner), RC_OK);
	assert_int_equal(user_role_check(cx, maria, reader), RC_CONFLICT); /* the last owner */
	assert_int_equal(tx_end(cx, RC_CONFLICT), RC_CONFLICT);
}

static void waiting_grows_to_its_ceiling(void **state)
{
	(void)state;
	assert_int_equal(throttle_delay_ms(3, 3, 900), 0);
	assert_int_equal(throttle_delay_ms(4, 3, 900), 2 * SECOND_MS);
	assert_int_equal(throttle_delay_ms(12, 3, 900), 512 * SECOND_MS);
	assert_int_equal(throttle_delay_ms(13, 3, 900), 900 * SECOND_MS);
	assert_int_equal(throttle_delay_ms(INT64_MAX / 2, 3, 900), 900 * SECOND_MS);
}

static void a_right_password_is_not_counted_and_a_wrong_one_is_before_it_is_judged(void **state)
{
	struct panel *p = *state;
	struct cx *cx = &p->state.cx;
	struct attempt t;

	may(p, "");
	for (int i = 0; i < 20; i++) {
		assert_int_equal(throttle_begin(cx, &t, "password", "maria", 0), RC_OK);
		assert_int_equal(throttle_right(cx, &t), RC_OK);
	}
	assert_int_equal(state_int(&p->state, "SELECT coalesce(sum(fails), 0) FROM login_throttle"), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(throttle_begin(cx, &t, "password", "maria", 0), RC_OK);
	assert_int_equal(throttle_begin(cx, &t, "password", "MARÍA", 0), RC_TOO_MANY);
	assert_int_equal(t.wait_s, 2);
	throttle_undo(cx, &t); /* nothing was counted by the refused one */
	assert_int_equal(throttle_begin(cx, &t, "password", "maria", 0), RC_TOO_MANY);
	cx_reset(cx);
	/* another thing, another count */
	assert_int_equal(throttle_begin(cx, &t, "code", "maria", 0), RC_OK);
	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(tx_end(cx, throttle_forget(cx, "maria")), RC_OK);
	assert_int_equal(throttle_begin(cx, &t, "password", "maria", 0), RC_OK);
}

static void a_clock_that_is_set_back_keeps_nobody_out(void **state)
{
	struct panel *p = *state;
	struct cx *cx = &p->state.cx;
	struct attempt t;

	may(p, "");
	assert_int_equal(throttle_begin(cx, &t, "password", "rita", 0), RC_OK); /* wrong */
	clock_shift(p->state.env.clock, -2 * SECOND_MS);
	assert_int_equal(throttle_begin(cx, &t, "password", "rita", 0), RC_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(throttle_begin(cx, &t, "password", "rita", 0), RC_OK);
	clock_shift(p->state.env.clock, -10 * DAY_MS);
	assert_int_equal(throttle_begin(cx, &t, "password", "rita", 0), RC_TOO_MANY);
	assert_in_range(t.wait_s, 1, 900);
}

static void a_token_of_nobody_has_its_rights_and_one_of_somebody_no_more_than_his(void **state)
{
	struct panel *p = *state;
	struct cx *cx = &p->state.cx;
	char token[TOKEN_SIZE + 8], head[200];
	struct token_order order = { .name = "Caja 1 (\"principal\"): 2.º piso / ñ", .rights = "*" };

	may(p, "*");
	assert_int_equal(user_find(cx, &order.user_id, "rita"), RC_OK);
	order.expires_at = cx_now(cx) + DAY_MS;
	assert_int_equal(token_make(cx, token, &order), RC_OK);
	snprintf(head, sizeof head, "Authorization: Bearer %s\r\n", token);
	STATUS(ask(p, "GET", "/api/v1/things", head, NULL), 200);
	STATUS(ask(p, "POST", "/api/v1/things", head, "name=x"), 403); /* a reader's */
	clock_shift(p->state.env.clock, DAY_MS);
	STATUS(ask(p, "GET", "/api/v1/things", head, NULL), 401);
	order.expires_at = cx_now(cx);
	order.name = "late";
	assert_int_equal(token_make(cx, token, &order), RC_BAD_INPUT);
	cx_reset(cx);
	order.expires_at = cx_now(cx) + 11 * 366 * DAY_MS;
	assert_int_equal(token_make(cx, token, &order), RC_BAD_INPUT);
}

static void a_browser_is_told_by_its_words(void **state)
{
	struct panel *p = *state;
	static const struct {
		const char *agent, *words;
	} rows[] = {
		{ "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
		  "Firefox on Windows" },
		{ "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0",
		  "Edge on Windows" },
		{ "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
		  "Chrome on Android" },
		{ "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1 Version/17.5 Safari/604.1",
		  "Safari on iPhone" },
		{ "curl/8.5.0", "curl" },
		{ "something else", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(agent_words(&p->state.cx, rows[i].agent), rows[i].words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_of_rights_holds_another_or_not),
		cmocka_unit_test_setup_teardown(nobody_gives_what_he_does_not_have, setup, teardown),
		cmocka_unit_test_setup_teardown(whoever_may_less_does_not_reach_whoever_may_more, setup,
						teardown),
		cmocka_unit_test(waiting_grows_to_its_ceiling),
		cmocka_unit_test_setup_teardown(
			a_right_password_is_not_counted_and_a_wrong_one_is_before_it_is_judged, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_clock_that_is_set_back_keeps_nobody_out, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_token_of_nobody_has_its_rights_and_one_of_somebody_no_more_than_his, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_browser_is_told_by_its_words, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
