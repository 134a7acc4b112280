/* sends/doppler*.c against the stand-in: every call, and every way in which an answer can be wrong. */
#include "state.h"

#include "outbox/outbox.h"
#include "sends/bulk_inner.h"
#include "sends/doppler_inside.h"
#include "work/inner.h"
#include "standin/standin.h"

#include <sys/mman.h>

#define NOW INT64_C(1763800000000) /* 2025-11-22 08:26 UTC */
#define T1  "11111111-1111-4111-8111-111111111111"
#define T2  "22222222-2222-4222-8222-222222222222"
#define T3  "33333333-3333-4333-8333-333333333333"

static struct state s;
static struct standin *standin;
static char base[64];

static void set(const char *name, const char *value)
{
	assert_int_equal(settings_override(s.env.settings, name, value), RC_OK);
}

static void house_open(void)
{
	static const struct setting *const tables[] = { sends_settings, bulk_mail_settings, NULL };
	struct standin_options o = { .listen = "127.0.0.1:0", .delivered_ms = -1, .read_ms = -1 };
	const char *why = "";

	state_open(&s, NOW);
	assert_int_equal(settings_load(&s.env.settings, tables, NULL, s.forever, LANG_EN, &why), RC_OK);
	assert_int_equal(standin_start(&standin, &s.env, &o, s.forever, &why), RC_OK);
	snprintf(base, sizeof(base), "http://127.0.0.1:%d", standin_port(standin));
	set("doppler.base_url", base);
	set("doppler.api_key", "k");
	set("doppler.account_id", "5");
}

static void house_close(void)
{
	standin_stop(standin);
	settings_free(s.env.settings);
	state_close(&s);
}

static int post(const char *path, const char *body)
{
	struct http_answer a;
	struct http_request r = { .purpose = "test",
				  .method = "POST",
				  .url = arena_join(s.arena, base, path, NULL),
				  .headers = { "Content-Type: application/json", "Authorization: Bearer k" },
				  .body = { body, strlen(body) },
				  .is_configured = true };

	assert_int_equal(link_call(&s.cx, &a, &r), RC_OK);
	return a.status;
}

static void script(const char *body)
{
	assert_int_equal(post("/_standin/doppler", body), 200);
}

static void mail(const char *to)
{
	const char *body = arena_join(
		s.arena,
		"{\"from_name\":\"Uno\",\"from_email\":\"avisos@example.com\",\"recipients\":[{\"email\":\"",
		to, "\",\"type\":\"to\"}],\"model\":{}}", NULL);

	assert_int_equal(post("/accounts/5/templates/" T1 "/message", body), 201);
}

static void forget(void)
{
	s.cx.message = "";
	s.cx.error_code = NULL;
}

/* Settings */

static void what_is_not_set_is_named_without_a_call(void **state)
{
	(void)state;
	house_open();
	assert_int_equal(doppler_is_set(&s.cx), RC_OK);
	set("doppler.account_id", "0");
	assert_int_equal(doppler_is_set(&s.cx), RC_BAD_INPUT);
	assert_non_null(strstr(s.cx.message, "doppler.account_id"));
	forget();
	set("doppler.api_key", "");
	assert_int_equal(doppler_is_set(&s.cx), RC_BAD_INPUT);
	assert_non_null(strstr(s.cx.message, "doppler.api_key"));
	forget();
	set("doppler.api_key", "k");
	set("doppler.account_id", "5");
	set("doppler.base_url", "http://api.example.com/");
	assert_int_equal(doppler_is_set(&s.cx), RC_BAD_INPUT);
	assert_non_null(strstr(s.cx.message, "https://"));
	house_close();
}

/* Templates */

struct seen {
	int count, stop_at;
	char last[64];
};

static enum rc see(struct cx *cx, void *arg, const struct doppler_template *t)
{
	struct seen *seen = arg;

	(void)cx;
	seen->count++;
	snprintf(seen->last, sizeof(seen->last), "%s", t->name);
	return seen->count == seen->stop_at ? RC_CONFLICT : RC_OK;
}

static void all_pages_are_read_and_a_bare_list_too(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	house_open();
	script("{\"extra_templates\":500}"); /* 504: three pages of 200 */
	assert_int_equal(doppler_templates(&s.cx, see, &seen), RC_OK);
	assert_int_equal(seen.count, 504);
	assert_string_equal(seen.last, "Plantilla 0500");
	seen = (struct seen){ .stop_at = 3 };
	assert_int_equal(doppler_templates(&s.cx, see, &seen), RC_CONFLICT);
	assert_int_equal(seen.count, 3);
	script("{\"bare_list\":true,\"extra_templates\":2}");
	seen = (struct seen){ 0 };
	assert_int_equal(doppler_templates(&s.cx, see, &seen), RC_OK);
	assert_int_equal(seen.count, 6);
	house_close();
}

static void a_body_is_found_inside_or_by_its_own_call(void **state)
{
	struct doppler_template t;

	(void)state;
	house_open();
	assert_int_equal(doppler_template_get(&s.cx, &t, T1), RC_OK);
	assert_string_equal(t.id, T1);
	assert_string_equal(t.subject, "Tu saldo, {{nombre}}");
	assert_non_null(strstr(t.body, "{{Valor}}"));
	assert_int_equal(doppler_template_get(&s.cx, &t, T2), RC_OK);
	assert_non_null(strstr(t.body, "{{nombre}}"));
	assert_int_equal(doppler_template_get(&s.cx, &t, T3), RC_TRY_LATER);
	assert_string_equal(s.cx.error_code, "doppler_http_500");
	forget();
	assert_int_equal(doppler_template_get(&s.cx, &t, "nothere"), RC_NOT_FOUND);
	forget();
	assert_int_equal(doppler_template_get(&s.cx, &t, "../../5"), RC_NOT_FOUND);
	house_close();
}

static void a_template_is_made_changed_and_dropped_once(void **state)
{
	struct doppler_template t = { .name = "Nueva",
				      .subject = "Hola \"tú\"",
				      .from_email = "a@example.com",
				      .from_name = "A",
				      .body = "<p>{{x}} ñ</p>" };
	struct doppler_template back;
	const char *id = NULL, *again = NULL;

	(void)state;
	house_open();
	assert_int_equal(doppler_template_save(&s.cx, &id, &t), RC_OK);
	assert_int_equal(doppler_template_get(&s.cx, &back, id), RC_OK);
	assert_string_equal(back.subject, t.subject);
	assert_string_equal(back.body, t.body);
	t.id = id;
	t.body = "<p>Otro</p>";
	assert_int_equal(doppler_template_save(&s.cx, &again, &t), RC_OK);
	assert_string_equal(again, id);
	assert_int_equal(doppler_template_get(&s.cx, &back, id), RC_OK);
	assert_string_equal(back.body, "<p>Otro</p>");
	assert_int_equal(doppler_template_delete(&s.cx, id), RC_OK);
	assert_int_equal(doppler_template_delete(&s.cx, id), RC_OK);
	assert_string_equal(s.cx.message, "");
	assert_int_equal(doppler_template_get(&s.cx, &back, id), RC_NOT_FOUND);
	house_close();
}

/* Answers that are wrong */

static void each_failure_says_who_has_to_act(void **state)
{
	static const struct {
		const char *answer;
		enum rc rc;
		const char *code, *words;
	} rows[] = {
		{ "code400", RC_BAD_INPUT, "doppler_http_400", "Validation error" },
		{ "code401", RC_DENIED, "doppler_http_401", "doppler.api_key" },
		{ "code402", RC_TOO_MANY, "doppler_http_402", "limit" },
		{ "code403", RC_DENIED, "doppler_http_403", "doppler.account_id" },
		{ "code404", RC_NOT_FOUND, "doppler_http_404", "does not know" },
		{ "code408", RC_TRY_LATER, "doppler_http_408", "408" },
		{ "code413", RC_BAD_INPUT, "doppler_http_413", "refuses" },
		{ "code500", RC_TRY_LATER, "doppler_http_500", "500" },
		{ "redirect", RC_BAD_INPUT, "dispatch_exception", "doppler.base_url" },
		{ "badjson", RC_TRY_LATER, "response_unparseable", "cannot be read" },
	};
	struct doppler_limits l;

	(void)state;
	house_open();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum rc rc;

		script(arena_join(s.arena, "{\"faults\":[{\"answer\":\"", rows[i].answer,
				  "\",\"call\":\"limits\"}]}", NULL));
		rc = doppler_limits(&s.cx, &l);
		if (rc != rows[i].rc || strcmp(s.cx.error_code, rows[i].code) != 0 ||
		    strstr(s.cx.message, rows[i].words) == NULL)
			fail_msg("%s: %d %s %s", rows[i].answer, rc, s.cx.error_code, s.cx.message);
		assert_null(strstr(s.cx.message, "ana@"));
		forget();
	}
	house_close();
}

static void a_read_is_tried_again_after_a_cut_and_a_busy_gateway(void **state)
{
	struct doppler_limits l;

	(void)state;
	house_open();
	script("{\"faults\":[{\"answer\":\"html502\",\"call\":\"limits\",\"times\":1}],\"limits\":{\"daily\":7}}");
	assert_int_equal(doppler_limits(&s.cx, &l), RC_OK);
	assert_int_equal(l.daily_remaining, 7);
	house_close();
}

static void a_request_for_a_report_is_made_once_and_its_loss_is_told(void **state)
{
	const char *id = NULL;

	(void)state;
	house_open();
	script("{\"faults\":[{\"answer\":\"reset\",\"call\":\"report\",\"times\":1}]}");
	assert_int_equal(doppler_report_request(&s.cx, &id, NOW - DAY_MS, NOW), RC_IO);
	assert_string_equal(s.cx.error_code, "connection_error");
	forget();
	script("{\"faults\":[{\"answer\":\"code500\",\"call\":\"report\",\"times\":1}]}");
	assert_int_equal(doppler_report_request(&s.cx, &id, NOW - DAY_MS, NOW), RC_IO);
	forget();
	assert_int_equal(doppler_report_request(&s.cx, &id, NOW - DAY_MS, NOW), RC_OK);
	assert_string_equal(id, "1"); /* the first that was really asked for */
	house_close();
}

static void the_other_word_before_the_key_is_tried_and_remembered(void **state)
{
	struct doppler_limits l;

	(void)state;
	house_open();
	script("{\"scheme\":\"token\"}");
	assert_int_equal(doppler_limits(&s.cx, &l), RC_OK);
	assert_int_equal(doppler_limits(&s.cx, &l), RC_OK);
	script("{\"scheme\":\"Bearer\"}");
	assert_int_equal(doppler_limits(&s.cx, &l), RC_OK);
	script("{\"api_key\":\"another\"}");
	assert_int_equal(doppler_limits(&s.cx, &l), RC_DENIED);
	house_close();
}

static void limits_are_read_and_what_is_not_told_is_not_zero(void **state)
{
	struct doppler_limits l;

	(void)state;
	house_open();
	assert_int_equal(doppler_limits(&s.cx, &l), RC_OK);
	assert_true(l.is_unlimited);
	script("{\"limits\":{\"monthly\":100,\"hourly\":0},\"needs_dkim\":true}");
	assert_int_equal(doppler_limits(&s.cx, &l), RC_OK);
	assert_false(l.is_unlimited);
	assert_true(l.needs_dkim);
	assert_int_equal(l.monthly_remaining, 100);
	assert_int_equal(l.daily_remaining, -1);
	assert_int_equal(l.hourly_remaining, 0);
	assert_true(l.hourly_reset_at > NOW && l.hourly_reset_at <= NOW + HOUR_MS);
	assert_int_equal(l.daily_reset_at, 0);
	house_close();
}

/* Reports */

static const char *fetched(int fd, int64_t size)
{
	char *text = arena_alloc(s.arena, (size_t)size + 1);

	assert_int_equal(pread(fd, text, (size_t)size, 0), size);
	return text;
}

static const char *ask_for(const char *how)
{
	const char *id = NULL;

	script(how);
	assert_int_equal(doppler_report_request(&s.cx, &id, NOW - DAY_MS, NOW + DAY_MS), RC_OK);
	return id;
}

static void a_report_is_asked_for_looked_at_and_fetched(void **state)
{
	static const char *const places[] = { "createdResourceId", "reportRequestId", "id", "link",
					      "location" };
	int fd = memfd_create("report", MFD_CLOEXEC);
	const char *id, *url = NULL;
	int64_t size = 0;
	bool is_done = true;

	(void)state;
	house_open();
	mail("clicked1@example.org");
	clock_shift(s.env.clock, MINUTE_MS);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		id = ask_for(arena_join(s.arena, "{\"report\":{\"polls\":2,\"id_in\":\"", places[i], "\"}}",
					NULL));
		assert_int_equal(doppler_report_poll(&s.cx, &is_done, &url, id), RC_OK);
		assert_false(is_done);
		assert_int_equal(doppler_report_poll(&s.cx, &is_done, &url, id), RC_OK);
		assert_false(is_done);
		assert_int_equal(doppler_report_poll(&s.cx, &is_done, &url, id), RC_OK);
		assert_true(is_done);
	}
	assert_int_equal(write(fd, "something old that is longer", 28), 28);
	assert_int_equal(doppler_report_download(&s.cx, fd, &size, url, 1024 * 1024), RC_OK);
	assert_non_null(strstr(fetched(fd, size),
			       "avisos@example.com,Uno,clicked1@example.org,Sent,2025-11-22 08:2"));
	assert_null(strstr(fetched(fd, size), "something old"));
	assert_int_equal(doppler_report_poll(&s.cx, &is_done, &url, "999"), RC_NOT_FOUND);
	forget();
	assert_int_equal(doppler_report_poll(&s.cx, &is_done, &url, "a&b=c"), RC_NOT_FOUND);
	close(fd);
	house_close();
}

static void a_report_without_a_file_has_no_rows(void **state)
{
	const char *url = NULL;
	bool is_done = false;

	(void)state;
	house_open();
	assert_int_equal(doppler_report_poll(&s.cx, &is_done, &url,
					     ask_for("{\"report\":{\"polls\":0,\"mode\":\"no_file\"}}")),
			 RC_OK);
	assert_true(is_done);
	assert_string_equal(url, "");
	house_close();
}

static void a_report_that_is_answered_directly_is_fetched_from_there(void **state)
{
	int fd = memfd_create("report", MFD_CLOEXEC);
	const char *url = NULL;
	int64_t size = 0;
	bool is_done = false;

	(void)state;
	house_open();
	/* the second one is larger than an answer may be */
	for (int i = 0; i < 2; i++) {
		const char *id =
			ask_for(i == 0 ? "{\"report\":{\"polls\":0,\"mode\":\"direct\",\"lines\":3}}"
				       : "{\"report\":{\"polls\":0,\"mode\":\"direct\",\"lines\":20000}}");

		assert_int_equal(doppler_report_poll(&s.cx, &is_done, &url, id), RC_OK);
		assert_true(is_done);
		assert_string_equal(s.cx.message, "");
		assert_int_equal(doppler_report_download(&s.cx, fd, &size, url, 64 * 1024 * 1024), RC_OK);
		assert_true(size > (i == 0 ? 100 : 1024 * 1024));
		forget();
	}
	close(fd);
	house_close();
}

static void a_page_is_no_report_and_a_file_has_an_end(void **state)
{
	int fd = memfd_create("report", MFD_CLOEXEC);
	const char *url = NULL, *id;
	int64_t size = 0;
	bool is_done = false;

	(void)state;
	house_open();
	id = ask_for("{\"report\":{\"polls\":0,\"mode\":\"html\"}}");
	assert_int_equal(doppler_report_poll(&s.cx, &is_done, &url, id), RC_OK);
	assert_int_equal(doppler_report_download(&s.cx, fd, &size, url, 1024), RC_BAD_INPUT);
	assert_string_equal(s.cx.error_code, "report_not_csv");
	forget();
	script("{\"report\":{\"mode\":\"usual\",\"lines\":1000}}");
	assert_int_equal(doppler_report_download(&s.cx, fd, &size, url, 1024 * 1024), RC_OK);
	assert_int_equal(doppler_report_download(&s.cx, fd, &size, url, size), RC_OK);
	assert_int_equal(doppler_report_download(&s.cx, fd, &size, url, size - 1), RC_TOO_LARGE);
	forget();
	assert_int_equal(doppler_report_download(&s.cx, fd, &size,
						 arena_join(s.arena, base, "/doppler-files/99.csv", NULL),
						 1024),
			 RC_NOT_FOUND);
	close(fd);
	house_close();
}

static void a_file_on_another_host_wants_the_setting(void **state)
{
	int fd = memfd_create("report", MFD_CLOEXEC);
	const char *url = NULL, *id;
	int64_t size = 0;
	bool is_done = false;

	(void)state;
	house_open();
	id = ask_for("{\"report\":{\"polls\":0,\"elsewhere\":true,\"lines\":2}}");
	assert_int_equal(doppler_report_poll(&s.cx, &is_done, &url, id), RC_OK);
	assert_non_null(strstr(url, "localhost"));
	assert_int_equal(doppler_report_download(&s.cx, fd, &size, url, 10000), RC_BAD_INPUT);
	assert_string_equal(s.cx.error_code, "report_host");
	forget();
	set("doppler.files_host", "localhost");
	assert_int_equal(doppler_report_download(&s.cx, fd, &size, url, 10000), RC_OK);
	assert_true(size > 0);
	close(fd);
	house_close();
}

static void only_two_hosts_may_be_asked_for_a_file(void **state)
{
	static const struct {
		const char *url;
		bool may;
	} rows[] = {
		{ "https://api.dopplerrelay.com/files/1.csv", true },
		{ "https://files.dopplerrelay.com/1.csv", true },
		{ "https://FILES.dopplerrelay.com/1.csv?x=1", true },
		{ "http://files.dopplerrelay.com/1.csv", false },
		{ "http://api.dopplerrelay.com/1.csv", false },
		{ "https://files.dopplerrelay.com.evil.example/1.csv", false },
		{ "https://evil.example/files.dopplerrelay.com/1.csv", false },
		{ "https://files.dopplerrelay.com@evil.example/1.csv", false },
		{ "https://files.dopplerrelay.com:8443/1.csv", false },
		{ "https://evil.example?files.dopplerrelay.com", false },
		{ "https://evil.example\\@files.dopplerrelay.com/", false },
		{ "https://127.0.0.1/1.csv", false },
		{ "file:///etc/passwd", false },
		{ "ftp://files.dopplerrelay.com/1.csv", false },
		{ "//files.dopplerrelay.com/1.csv", false },
		{ "https://", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (doppler_may_fetch(rows[i].url, "https://api.dopplerrelay.com",
				      "files.dopplerrelay.com") != rows[i].may)
			fail_msg("%s", rows[i].url);
	assert_false(doppler_may_fetch("https://x/1.csv", "https://api.dopplerrelay.com", ""));
}

/* Deliveries */

struct deliveries {
	int count, clicks;
	char status[16], bounce[16];
};

static enum rc see_delivery(struct cx *cx, void *arg, const struct doppler_delivery *d)
{
	struct deliveries *seen = arg;

	(void)cx;
	seen->count++;
	seen->clicks += (int)d->clicks;
	assert_in_range(d->at, NOW, NOW + HOUR_MS);
	snprintf(seen->status, sizeof(seen->status), "%s", d->status);
	snprintf(seen->bounce, sizeof(seen->bounce), "%s", d->bounce_type);
	return RC_OK;
}

static void deliveries_of_an_address_are_found_in_all_pages(void **state)
{
	struct deliveries seen = { 0 };

	(void)state;
	house_open();
	for (int i = 0; i < 205; i++)
		mail(arena_printf(s.arena, "clicked%d@example.org", i));
	mail("invalid9@example.org");
	clock_shift(s.env.clock, HOUR_MS);
	assert_int_equal(doppler_deliveries(&s.cx, NOW - HOUR_MS, NOW + HOUR_MS, "", see_delivery, &seen),
			 RC_OK);
	assert_int_equal(seen.count, 206);
	assert_int_equal(seen.clicks, 205);
	seen = (struct deliveries){ 0 };
	assert_int_equal(doppler_deliveries(&s.cx, NOW - HOUR_MS, NOW + HOUR_MS, "invalid9@example.org",
					    see_delivery, &seen),
			 RC_OK);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.status, "invalid");
	assert_string_equal(seen.bounce, "hard");
	assert_int_equal(doppler_deliveries(&s.cx, NOW - HOUR_MS, NOW + HOUR_MS, "ab", see_delivery, &seen),
			 RC_BAD_INPUT);
	house_close();
}

/* The clock */

static void a_date_of_a_header_is_read_or_refused(void **state)
{
	static const char *const wrong[] = { "",
					     "Sun, 22 Nov 2026 09:31:00",
					     "Sun, 31 Feb 2026 09:31:00 GMT",
					     "Sun, 22 nov 2026 09:31:00 GMT",
					     "Sun, 22 ovD 2026 09:31:00 GMT",
					     "Sunday, 22-Nov-26 09:31:00 GMT",
					     "Sun, xx Nov 2026 09:31:00 GMT" };
	instant at = 0;

	(void)state;
	assert_true(doppler_date(&at, "Sat, 22 Nov 2025 08:26:40 GMT"));
	assert_int_equal(at, NOW);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(doppler_date(&at, wrong[i]));
}

/* Limits while a send is under way */

static struct job *send_under_way(const char *result)
{
	struct job *job = arena_alloc(s.forever, sizeof(*job));
	struct value *args = value_map(s.forever);

	assert_non_null(job);
	value_set_int(s.forever, args, "bulk_id", 1);
	*job = (struct job){ .id = 1, .args = args, .place_arena = arena_new(1024 * 1024), .lines = -1 };
	assert_int_equal(
		state_run(&s,
			  "INSERT INTO job (id, kind, queue, run_at, created_at) VALUES (1, 'sends.limits',"
			  " 'fetch', 0, 0)"),
		RC_OK);
	assert_int_equal(
		state_run(
			&s,
			arena_printf(
				s.arena,
				"INSERT INTO bulk_send (id, public_id, channel, template_id, status, import_status,"
				" import_version, valid_rows, result_json, created_at, updated_at) VALUES (1, 'p',"
				" 'doppler', 't', 'sending', 'ready', 1, 2000, '%s', 0, 0)",
				result)),
		RC_OK);
	return job;
}

static int64_t told(const char *name)
{
	return state_int(&s, arena_printf(s.arena,
					  "SELECT coalesce(result_json ->> '$.limits.%s', -1) FROM bulk_send",
					  name));
}

static void settle(int rows)
{
	assert_int_equal(
		state_run(
			&s,
			arena_printf(s.arena,
				     "UPDATE bulk_send SET result_json = json_set(result_json, '$.sent', %d)",
				     rows)),
		RC_OK);
}

static void the_limits_are_asked_again_about_every_500_rows_and_never_in_the_way(void **state)
{
	struct job *job;

	(void)state;
	house_open();
	script("{\"limits\":{\"daily\":5000},\"needs_dkim\":true}");
	job = send_under_way("{\"sent\":499,\"failed\":0}");
	assert_int_equal(send_limits_run(&s.cx, job), RC_TRY_LATER);
	assert_true(job->later_at > cx_now(&s.cx));
	assert_int_equal(told("daily_remaining"), -1);
	settle(500);
	assert_int_equal(send_limits_run(&s.cx, job), RC_TRY_LATER);
	assert_int_equal(told("daily_remaining"), 5000);
	assert_int_equal(told("needs_dkim"), 1);
	assert_int_equal(told("asked_at") > 0, 1);
	assert_int_equal(state_int(&s, "SELECT result_json ->> '$.sent' FROM bulk_send"), 500);
	script("{\"limits\":{\"daily\":700}}");
	settle(999);
	assert_int_equal(send_limits_run(&s.cx, job), RC_TRY_LATER);
	assert_int_equal(told("daily_remaining"), 5000);
	settle(1000); /* fewer left than the send has: it is said */
	assert_int_equal(send_limits_run(&s.cx, job), RC_TRY_LATER);
	assert_int_equal(told("daily_remaining"), 700);
	assert_int_equal(
		state_int(
			&s,
			"SELECT count(*) FROM job_line WHERE level = 'warning' AND text LIKE '%more%700%1000%'"),
		1);
	/* who does not say is no hindrance: the last word stays, and the send does not fail for it */
	script("{\"faults\":[{\"answer\":\"code400\",\"call\":\"limits\",\"times\":1}]}");
	settle(1600);
	assert_int_equal(send_limits_run(&s.cx, job), RC_TRY_LATER);
	assert_string_equal(s.cx.message, "");
	assert_int_equal(told("daily_remaining"), 700);
	assert_int_equal(state_run(&s, "UPDATE bulk_send SET status = 'done'"), RC_OK);
	assert_int_equal(send_limits_run(&s.cx, job), RC_OK);
	arena_free(job->place_arena);
	house_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limits_are_asked_again_about_every_500_rows_and_never_in_the_way),
		cmocka_unit_test(what_is_not_set_is_named_without_a_call),
		cmocka_unit_test(all_pages_are_read_and_a_bare_list_too),
		cmocka_unit_test(a_body_is_found_inside_or_by_its_own_call),
		cmocka_unit_test(a_template_is_made_changed_and_dropped_once),
		cmocka_unit_test(each_failure_says_who_has_to_act),
		cmocka_unit_test(a_read_is_tried_again_after_a_cut_and_a_busy_gateway),
		cmocka_unit_test(a_request_for_a_report_is_made_once_and_its_loss_is_told),
		cmocka_unit_test(the_other_word_before_the_key_is_tried_and_remembered),
		cmocka_unit_test(limits_are_read_and_what_is_not_told_is_not_zero),
		cmocka_unit_test(a_report_is_asked_for_looked_at_and_fetched),
		cmocka_unit_test(a_report_without_a_file_has_no_rows),
		cmocka_unit_test(a_report_that_is_answered_directly_is_fetched_from_there),
		cmocka_unit_test(a_page_is_no_report_and_a_file_has_an_end),
		cmocka_unit_test(a_file_on_another_host_wants_the_setting),
		cmocka_unit_test(only_two_hosts_may_be_asked_for_a_file),
		cmocka_unit_test(deliveries_of_an_address_are_found_in_all_pages),
		cmocka_unit_test(a_date_of_a_header_is_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
