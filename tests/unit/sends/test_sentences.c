/*
** test_sentences.c -- whatever the lists of the specification name has its sentence, in both languages: codes
** of files and rows (bulk-sends §4), of mails (§9.3), of reports and operations (§21), and every answer of
** Doppler Relay's contract sheet (§3).
*/
#include "../state.h"
#include "outbox/channels/doppler.h"
#include "sends/bulk_inner.h"
#include "sends/recipients.h"
#include "sends/report_inner.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct state s;
static const struct setting *const tables[] = {
	outbox_settings, mail_settings, chat_settings, bulk_mail_settings, sends_settings, web_settings, NULL
};

static int open_state(void **unused)
{
	const char *why = "";

	(void)unused;
	state_open(&s, 0);
	if (words_load() != RC_OK) return 1;
	return settings_load(&s.env.settings, tables, NULL, s.forever, LANG_EN, &why) != RC_OK;
}

static int close_state(void **unused)
{
	(void)unused;
	settings_free(s.env.settings);
	state_close(&s);
	return 0;
}

/* Two sentences, not one twice, and neither is the bare code. */
static void speaks(const char *code, const char *english, const char *spanish)
{
	if (english == NULL || spanish == NULL || strlen(english) < 15 || strlen(spanish) < 15 ||
	    strcmp(english, code) == 0 || strcmp(english, spanish) == 0)
		fail_msg("%s: “%s” / “%s”", code, english != NULL ? english : "",
			 spanish != NULL ? spanish : "");
}

static void every_code_of_a_file_and_its_rows_speaks(void **unused)
{
	static const char *const of_rows[] = { "row_structure_invalid", "recipient_empty",
					       "recipient_invalid",     "required_value_missing",
					       "duplicate_row",         "suppressed" };
	static const char *const of_files[] = {
		"duplicate_header",
		"duplicate_variable_mapping_key",
		"file_too_large",
		"file_unreadable",
		"file_empty",
		"header_missing",
		"email_column_missing",
		"encoding_invalid",
		"row_limit_exceeded",
		"import_already_started",
		"import_version_exists",
		"internal_import_error",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(of_rows) + COUNT(of_files); i++) {
		bool is_row = i < COUNT(of_rows), is_file = is_row;
		const char *code = is_row ? of_rows[i] : of_files[i - COUNT(of_rows)], *known = "";

		speaks(code, recipients_words(LANG_EN, code), recipients_words(LANG_ES, code));
		for (size_t k = 0; strcmp(known, code) != 0; k++)
			assert_non_null(known = recipients_code_at(k, &is_file));
		assert_int_equal(is_file, !is_row);
	}
}

/* Contract §3: status and errorCode; -1: a page or nothing instead of a problem document. */
static const struct {
	int status, code;
} answers[] = {
	{ 400, 1 },  { 400, 2 }, { 400, 4 }, { 400, 12 }, { 400, 13 }, { 400, 14 }, { 401, 0 },  { 401, 1 },
	{ 401, 2 },  { 401, 3 }, { 402, 1 }, { 402, 0 },  { 403, 0 },  { 403, 1 },  { 403, 2 },  { 403, 3 },
	{ 403, 4 },  { 403, 5 }, { 403, 6 }, { 403, 7 },  { 404, 0 },  { 404, 1 },  { 408, -1 }, { 413, -1 },
	{ 418, -1 }, { 429, 1 }, { 500, 0 }, { 501, 0 },  { 502, -1 }, { 503, -1 }, { 302, -1 }, { 201, -1 },
};

static void every_answer_of_the_provider_speaks_of_its_mail_and_of_what_it_stops(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(answers); i++) {
		const char *body =
			answers[i].code < 0
				? "<html>Bad Gateway</html>"
				: arena_printf(
					  s.arena,
					  "{\"title\":\"T\",\"detail\":\"D\",\"status\":%d,\"errorCode\":%d}",
					  answers[i].status, answers[i].code);
		struct http_answer answer = { .end = HTTP_DONE,
					      .status = answers[i].status,
					      .body = { body, strlen(body) } };
		const struct channel_reason *r = doppler_reasons;
		const char *words;
		struct verdict v;

		doppler_read_send(&v, s.arena, &answer, cx_now(&s.cx));
		words = channel_code_words(v.why);
		if (words == NULL)
			fail_msg("%d.%d: %s has no sentence", answers[i].status, answers[i].code, v.why);
		speaks(v.why, words_get(LANG_EN, words), words_get(LANG_ES, words));
		if (v.outcome != OUTCOME_STOP && v.outcome != OUTCOME_HOLD && v.hold_rows == 0) continue;
		while (r->why != NULL && strcmp(r->why, v.why) != 0)
			r++;
		if (r->why == NULL) fail_msg("%s stops the channel and does not say so there", v.why);
		speaks(v.why, words_get(LANG_EN, r->msgid), words_get(LANG_ES, r->msgid));
	}
}

static void every_other_end_of_a_mail_speaks(void **unused)
{
	/* spec §9.3, but for what answers say */
	static const char *const codes[] = { "connect_failed",     "timeout",
					     "connection_error",   "response_unparseable",
					     "dispatch_exception", "doppler_quota_exceeded" };

	(void)unused;
	for (size_t i = 0; i < COUNT(codes); i++) {
		const char *words = channel_code_words(codes[i]);

		assert_non_null(words);
		speaks(codes[i], words_get(LANG_EN, words), words_get(LANG_ES, words));
	}
	for (const struct channel_reason *r = doppler_reasons; r->why != NULL; r++)
		speaks(r->why, words_get(LANG_EN, r->msgid), words_get(LANG_ES, r->msgid));
	for (const struct channel_code *c = doppler_codes; c->why != NULL; c++)
		speaks(c->why, words_get(LANG_EN, c->msgid), words_get(LANG_ES, c->msgid));
}

static void every_error_of_a_report_speaks(void **unused)
{
	/* spec §21: polling timeout, no report in the file, file gone, unreadable CSV, load failure … */
	static const char *const codes[] = { "timeout",           "report_not_csv",   "report_file_missing",
					     "report_unreadable", "load_failed",      "report_too_large",
					     "report_gone",       "no_answer",        "disk_failed",
					     "report_without_id", "report_host",      "response_unparseable",
					     "doppler_http_401",  "doppler_http_404", "doppler_http_429" };
	size_t n = 0;

	(void)unused;
	while (report_error_code_at(n) != NULL)
		n++;
	assert_int_equal(n, COUNT(codes));
	for (size_t i = 0; i < COUNT(codes); i++)
		speaks(codes[i], report_error_words(LANG_EN, codes[i]),
		       report_error_words(LANG_ES, codes[i]));
}

static void every_reason_of_a_send_speaks(void **unused)
{
	static const struct {
		const char *status, *why, *detail;
	} rows[] = {
		{ "paused", WHY_BY_PERSON, "" },   { "cancelled", WHY_BY_PERSON, "" },
		{ "paused", WHY_SWITCH, "" },      { "paused", WHY_HALTED, "" },
		{ "paused", WHY_UNSURE, "" },      { "paused", WHY_BATCH, "" },
		{ "paused", WHY_NO_JOB, "" },      { "paused", WHY_CHANNEL, "" },
		{ "pending", WHY_LATE, "" },       { "error", WHY_NO_TEXT, "x" },
		{ "error", WHY_MISSING, "Valor" }, { "error", WHY_NOBODY, "" },
		{ "error", WHY_NONE_SENT, "" },    { "error", "email_column_missing", "" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct value *row = value_map(s.arena);
		const char *words[2];

		value_set_text(s.arena, row, "status", rows[i].status);
		value_set_text(s.arena, row, "status_why", rows[i].why);
		value_set_text(s.arena, row, "status_detail", rows[i].detail);
		value_set_text(s.arena, row, "channel", "doppler");
		s.cx.lang = LANG_EN;
		words[0] = bulk_why_words(&s.cx, row);
		s.cx.lang = LANG_ES;
		words[1] = bulk_why_words(&s.cx, row);
		speaks(rows[i].why, words[0], words[1]);
		if (strcmp(rows[i].why, WHY_MISSING) == 0) assert_non_null(strstr(words[1], "Valor"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_of_a_file_and_its_rows_speaks),
		cmocka_unit_test(every_answer_of_the_provider_speaks_of_its_mail_and_of_what_it_stops),
		cmocka_unit_test(every_other_end_of_a_mail_speaks),
		cmocka_unit_test(every_error_of_a_report_speaks),
		cmocka_unit_test(every_reason_of_a_send_speaks),
	};

	return cmocka_run_group_tests(tests, open_state, close_state);
}
