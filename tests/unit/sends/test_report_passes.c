/* sends/after_send.c, report_poll.c, report_request.c: a person asks for figures anew, and whatever goes
** wrong meanwhile, somebody still fetches them. */
#include "state.h"

#include "outbox/outbox.h"
#include "sends/doppler_inside.h"
#include "sends/report_inner.h"
#include "standin/standin.h"
#include "work/inner.h"

#define NOW   INT64_C(1763800000000) /* 2025-11-22 08:26 UTC */
#define TODAY "2025-11-22"

static struct state s;
static struct work *w;
static struct standin *standin;
static const struct report_days today = { TODAY, TODAY };

static void set(const char *name, const char *value)
{
	assert_int_equal(settings_override(s.env.settings, name, value), RC_OK);
}

static void house_open(void)
{
	static const struct setting *const tables[] = { sends_settings, bulk_mail_settings, NULL };
	static const struct job_kind *const kinds[] = { report_jobs, NULL };
	struct standin_options o = { .listen = "127.0.0.1:0", .delivered_ms = -1, .read_ms = -1 };
	const char *why = "";

	state_open(&s, NOW);
	assert_int_equal(settings_load(&s.env.settings, tables, NULL, s.forever, LANG_EN, &why), RC_OK);
	assert_int_equal(work_open(&w, &s.env, kinds, NULL), RC_OK);
	assert_int_equal(standin_start(&standin, &s.env, &o, s.forever, &why), RC_OK);
	set("doppler.base_url", arena_printf(s.forever, "http://127.0.0.1:%d", standin_port(standin)));
	set("doppler.api_key", "k");
	set("doppler.account_id", "5");
}

static void house_close(void)
{
	standin_stop(standin);
	work_free(w);
	store_close(s.env.reports);
	s.env.reports = NULL;
	settings_free(s.env.settings);
	state_close(&s);
}

static void script(const char *body)
{
	struct http_answer a;
	struct http_request r = { .purpose = "test",
				  .method = "POST",
				  .url = arena_printf(s.arena, "http://127.0.0.1:%d/_standin/doppler",
						      standin_port(standin)),
				  .headers = { "Content-Type: application/json" },
				  .body = { body, strlen(body) },
				  .is_configured = true };

	assert_int_equal(link_call(&s.cx, &a, &r), RC_OK);
	assert_int_equal(a.status, 200);
}

static int64_t number(const char *sql)
{
	int64_t n = -1;

	assert_int_equal(db_get_int(&s.cx, &n, sql, NO_PARAMS), RC_OK);
	return n;
}

static void a_send_that_ended(int64_t minutes_ago)
{
	enum rc rc = tx_begin(&s.cx);

	if (rc == RC_OK)
		rc = db_run(
			&s.cx,
			"INSERT INTO bulk_send (id, public_id, channel, template_id, status, sent_started_at, sent_finished_at,"
			" created_at, updated_at) VALUES (1, 's', 'doppler', 't', 'done', :at, :at, 0, 0)",
			PARAMS(P_INT(":at", NOW - minutes_ago * MINUTE_MS)));
	assert_int_equal(tx_end(&s.cx, rc), RC_OK);
}

static enum rc refresh(void)
{
	cx_reset(&s.cx);
	return report_refresh(&s.cx, 1);
}

/* What a reader of that language is told of the reports that failed. */
static const char *error_in(enum lang lang)
{
	struct value *row = NULL;
	const char *out;

	assert_int_equal(
		db_row(&s.cx, &row, "SELECT error, error_detail FROM generated_report LIMIT 1", NO_PARAMS),
		RC_OK);
	s.cx.lang = lang;
	out = report_error_shown(&s.cx, value_text_of(value_get(row, "error"), ""),
				 value_text_of(value_get(row, "error_detail"), ""));
	s.cx.lang = LANG_EN;
	return out;
}

static void figures_can_be_asked_for_from_the_thirtieth_minute_on(void **unused)
{
	struct value *shown = NULL;

	(void)unused;
	for (int64_t age = 29; age <= 30; age++) {
		house_open();
		a_send_that_ended(age);
		assert_int_equal(report_of_bulk(&s.cx, &shown, 1), RC_OK);
		assert_int_equal(value_int_of(value_get(shown, "refresh_remaining_minutes"), -1), 30 - age);
		assert_int_equal(value_bool_of(value_get(shown, "refresh_available"), false), age == 30);
		assert_int_equal(refresh(), age == 30 ? RC_OK : RC_CONFLICT);
		if (age < 30) assert_non_null(strstr(s.cx.message, "1 minutes"));
		house_close();
	}
}

static void what_a_person_asked_for_is_still_wanted_after_a_cut(void **unused)
{
	int64_t passes = 0;

	(void)unused;
	house_open();
	a_send_that_ended(45);
	assert_int_equal(refresh(), RC_OK);
	/* The process may end here: the pass is in the database with its job. */
	assert_int_equal(number("SELECT count(*) FROM bulk_report_pass WHERE pass = 10 AND done_at IS NULL"),
			 1);
	assert_int_equal(refresh(), RC_CONFLICT);
	assert_int_equal(number("SELECT count(*) FROM job WHERE kind = 'sends.post_report'"), 1);
	assert_int_equal(reports_after_send(&s.cx, NULL, 1, false, &passes), RC_OK);
	assert_int_equal(number("SELECT count(*) FROM generated_report WHERE state = 'PROCESSING'"), 7);
	assert_int_equal(number("SELECT count(DISTINCT request_id) FROM generated_report"), 1);
	assert_int_equal(refresh(), RC_CONFLICT);
	house_close();
}

static void a_report_is_ready_at_exactly_the_fifth_look(void **unused)
{
	int64_t id = 0, moved = 0;

	(void)unused;
	house_open();
	script("{\"report\":{\"polls\":4,\"lines\":2}}");
	assert_int_equal(report_request(&s.cx, &id, "deliveries", TODAY, TODAY), RC_OK);
	assert_int_equal(reports_process(&s.cx, NULL, &moved), RC_OK);
	for (int look = 1; look <= 5; look++) {
		assert_int_equal(number("SELECT count(*) FROM generated_report WHERE state = 'PROCESSING'"),
				 1);
		assert_int_equal(report_look(&s.cx, &today), RC_OK);
	}
	assert_int_equal(
		number("SELECT count(*) FROM generated_report WHERE state = 'READY' AND file_rows = 2"), 1);
	/* Another kind of that day takes the file that is there. */
	assert_int_equal(report_request(&s.cx, &id, "opens", TODAY, TODAY), RC_OK);
	assert_int_equal(
		number("SELECT count(DISTINCT request_id || file_id) FROM generated_report WHERE state = 'READY'"),
		1);
	house_close();
}

static void all_ready(void)
{
	assert_int_equal(
		state_run(&s,
			  "UPDATE generated_report SET state = 'READY', file_id = (SELECT max(file_id) FROM"
			  " generated_report), asked_at = (SELECT max(asked_at) FROM generated_report)"),
		RC_OK);
}

/* Somebody asked to be forgotten between the provider's file and its load: the pass asks once more. */
static void a_file_that_left_before_it_was_loaded_is_fetched_again(void **unused)
{
	int64_t passes = 0, id = 0;

	(void)unused;
	house_open();
	script("{\"report\":{\"polls\":0,\"lines\":2}}");
	a_send_that_ended(45);
	assert_int_equal(refresh(), RC_OK);
	assert_int_equal(reports_after_send(&s.cx, NULL, 1, false, &passes), RC_OK);
	assert_int_equal(report_look(&s.cx, &today), RC_OK);
	assert_int_equal(number("SELECT count(*) FROM generated_report WHERE state = 'READY'"), 7);
	assert_int_equal(state_run(&s, "UPDATE file SET archived_at = 1"), RC_OK);
	assert_int_equal(state_run(&s, "DELETE FROM generated_report WHERE type = 'opens'"), RC_OK);
	/* A kind that is asked for now has no part in what is gone, and takes the others along. */
	assert_int_equal(report_request(&s.cx, &id, "opens", TODAY, TODAY), RC_OK);
	assert_int_equal(number("SELECT count(*) FROM generated_report WHERE state = 'PENDING'"), 7);
	all_ready();
	assert_int_equal(report_request(&s.cx, &id, "bounces", TODAY, TODAY), RC_OK); /* young, but gone */
	all_ready();
	assert_int_equal(reports_after_send(&s.cx, NULL, 1, false, &passes), RC_OK);
	assert_int_equal(number("SELECT count(*) FROM bulk_report_pass WHERE pass >= 10 AND done_at IS NULL"),
			 1);
	assert_int_equal(number("SELECT count(*) FROM generated_report WHERE state = 'PROCESSING'"), 7);
	assert_int_equal(report_look(&s.cx, &today), RC_OK);
	assert_int_equal(reports_after_send(&s.cx, NULL, 1, false, &passes), RC_OK);
	assert_int_equal(number("SELECT count(*) FROM bulk_report_pass WHERE outcome = 'zero_rows'"), 1);
	house_close();
}

static void a_day_the_provider_would_not_take_is_asked_for_again_whatever_the_timers(void **unused)
{
	int64_t passes = 0, id = 0;

	(void)unused;
	house_open();
	a_send_that_ended(45);
	set("doppler.account_id", "0");
	set("reports.after_send", "no");
	set("reports.timer", "no");
	assert_int_equal(refresh(), RC_OK);
	assert_int_equal(reports_after_send(&s.cx, NULL, 1, false, &passes), RC_OK);
	assert_int_equal(number("SELECT count(*) FROM generated_report WHERE state = 'ERROR'"), 7);
	assert_non_null(strstr(error_in(LANG_ES), "Doppler Relay no tiene número de cuenta"));
	assert_non_null(strstr(error_in(LANG_EN), "Doppler Relay has no account number"));
	assert_in_range(number("SELECT run_at FROM job WHERE slot LIKE 'post_report:again:%'") - NOW -
				REPORT_RETRY_MS,
			0, MINUTE_MS);
	for (int tries = 2; tries <= 3; tries++)
		assert_int_equal(reports_after_send(&s.cx, NULL, 1, false, &passes), RC_OK);
	assert_int_equal(number("SELECT count(*) FROM bulk_report_pass WHERE pass >= 10 AND done_at IS NULL"),
			 1);
	assert_int_equal(reports_after_send(&s.cx, NULL, 1, false, &passes), RC_OK);
	assert_int_equal(number("SELECT count(*) FROM bulk_report_pass WHERE pass >= 10 AND done_at IS NULL"),
			 0);
	/* All kinds of a day that failed come along when one of them is asked for. */
	set("doppler.account_id", "5");
	assert_int_equal(report_request(&s.cx, &id, "bounces", TODAY, TODAY), RC_OK);
	assert_int_equal(reports_process(&s.cx, NULL, &passes), RC_OK);
	assert_int_equal(number("SELECT count(DISTINCT state) FROM generated_report"), 1);
	house_close();
}

static void what_the_provider_said_is_read_in_any_language_also_in_old_rows(void **unused)
{
	int64_t id = 0, moved = 0;

	(void)unused;
	house_open();
	script("{\"faults\":[{\"answer\":\"code500\",\"call\":\"report\",\"times\":1}]}");
	assert_int_equal(report_request(&s.cx, &id, "deliveries", TODAY, TODAY), RC_OK);
	assert_int_equal(reports_process(&s.cx, NULL, &moved), RC_OK);
	assert_int_equal(number("SELECT count(*) FROM generated_report WHERE state = 'ERROR'"), 1);
	assert_string_equal(error_in(LANG_EN),
			    "Doppler Relay has trouble on its side (500): try again later.");
	assert_non_null(strstr(error_in(LANG_ES), "(500)"));
	assert_null(strstr(error_in(LANG_ES), "trouble"));
	assert_int_equal(
		state_run(&s, "UPDATE generated_report SET error = 'x', error_detail = 'Dicho antes: 100%.'"),
		RC_OK);
	assert_string_equal(error_in(LANG_EN), "Dicho antes: 100%.");
	house_close();
}

static void a_send_over_another_road_has_no_passes_and_no_part_in_a_day_s_reports(void **unused)
{
	struct value *shown = NULL;
	int64_t passes = 0, id = 0;

	(void)unused;
	house_open();
	a_send_that_ended(45);
	assert_int_equal(tx_begin(&s.cx), RC_OK);
	assert_int_equal(tx_end(&s.cx, db_run(&s.cx, "UPDATE bulk_send SET channel = 'email'", NO_PARAMS)),
			 RC_OK);
	/* Doppler Relay's report of the same day is no business of its. */
	assert_int_equal(report_request(&s.cx, &id, "deliveries", TODAY, TODAY), RC_OK);
	assert_int_equal(reports_after_send(&s.cx, NULL, 0, true, &passes), RC_OK);
	assert_int_equal(number("SELECT count(*) FROM bulk_report_pass"), 0);
	assert_int_equal(report_of_bulk(&s.cx, &shown, 1), RC_OK);
	assert_string_equal(value_text_of(value_get(shown, "state"), ""), "ready");
	assert_string_equal(value_text_of(value_get(shown, "status"), "?"), "");
	assert_int_equal(value_get(shown, "reports")->count, 0);
	assert_int_equal(value_get(shown, "next_pass_at")->type, VALUE_NULL);
	assert_false(value_bool_of(value_get(shown, "refresh_available"), true));
	assert_int_equal(refresh(), RC_CONFLICT);
	for (int is_forced = 0; is_forced < 2; is_forced++) {
		cx_reset(&s.cx);
		assert_int_equal(reports_after_send(&s.cx, NULL, 1, is_forced, &passes), RC_CONFLICT);
		assert_non_null(strstr(s.cx.message, "Only Doppler Relay has reports"));
	}
	house_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_can_be_asked_for_from_the_thirtieth_minute_on),
		cmocka_unit_test(what_a_person_asked_for_is_still_wanted_after_a_cut),
		cmocka_unit_test(a_report_is_ready_at_exactly_the_fifth_look),
		cmocka_unit_test(a_file_that_left_before_it_was_loaded_is_fetched_again),
		cmocka_unit_test(a_day_the_provider_would_not_take_is_asked_for_again_whatever_the_timers),
		cmocka_unit_test(what_the_provider_said_is_read_in_any_language_also_in_old_rows),
		cmocka_unit_test(a_send_over_another_road_has_no_passes_and_no_part_in_a_day_s_reports),
	};

	if (words_load() != RC_OK) return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
