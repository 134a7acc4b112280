/* sends/load.c, target_sqlite.c, report_csv.c, report_cast.c, match.c: a report becomes rows once, whole or
** not at all, and its rows find those of the send. */
#include "report_house.h"

#include "db/faults.c"
#include "sends/report_csv.h"
#include <fcntl.h>

#define FAULTS_MOST 4000

#define DAY_FILE                                                                             \
	HEADING "Hola,a@b.ec,A,ana@x.ec,Sent,2025-11-20 10:00:00,2,1\r\n"                    \
		"Hola,a@b.ec,A,eva@x.ec,Rejected,2025-11-20T23:30:00Z,0,0\r\n"               \
		"\"Hola, \"\"tú\"\"\",a@b.ec,A,leo@y.ec,Invalid,2025-11-21 02:00:00,,x\r\n" \
		"Hola,a@b.ec,A,sin@y.ec,Sent,ayer,1.0,0\r\n"

static void a_day_is_loaded_with_its_types(void **unused)
{
	int64_t file, id, other, rows = 0;

	(void)unused;
	house_open("");
	file = a_file("\xef\xbb\xbf" DAY_FILE);
	id = a_report("deliveries", "2025-11-20", "2025-11-20", file);
	other = a_report("opens", "2025-11-20", "2025-11-20", file);
	assert_int_equal(load(other, "default", false, &rows), RC_OK);
	assert_int_equal(rows, 4);
	assert_string_equal(
		told("default",
		     "SELECT group_concat(email || ' ' || status || ' ' || coalesce(date, '-') || ' ' ||"
		     " coalesce(date_local, '-') || ' ' || coalesce(opens, '-') || ' ' || coalesce(clicks, '-')"
		     " || ' ' || subject, char(10)) FROM (SELECT * FROM reports_deliveries ORDER BY id)"),
		"ana@x.ec Sent 2025-11-20 10:00:00 2025-11-20 05:00:00 2 1 Hola\n"
		"eva@x.ec Rejected 2025-11-20 23:30:00 2025-11-20 18:30:00 0 0 Hola\n"
		"leo@y.ec Invalid 2025-11-21 02:00:00 2025-11-20 21:00:00 - - Hola, \"tú\"\n"
		"sin@y.ec Sent - - 1 0 Hola");
	assert_string_equal(
		told("default",
		     "SELECT group_concat(type || ' ' || rows_inserted, ', ') FROM (SELECT * FROM report_load ORDER BY type)"),
		"deliveries 4, opens 2");
	assert_string_equal(told("default", "SELECT DISTINCT generated_report_id FROM reports_deliveries"),
			    arena_printf(s.cx.arena, "%lld", (long long)id));
	assert_string_equal(told("default", "SELECT bad_dates FROM report_generation"), "1");
	house_close();
}

static void a_report_is_loaded_once_per_place(void **unused)
{
	int64_t id, rows = 0;

	(void)unused;
	house_open("yes");
	id = a_report("deliveries", "2025-11-20", "2025-11-20", a_file(DAY_FILE));
	assert_int_equal(load(id, "default", false, &rows), RC_OK);
	assert_int_equal(load(id, "analytics", false, &rows), RC_OK);
	assert_int_equal(load(id, "default", false, &rows), RC_CONFLICT);
	assert_string_equal(s.cx.error_code, "already_loaded");
	assert_int_equal(load(id, "analytics", false, &rows), RC_CONFLICT);
	assert_int_equal(load(id, "default", true, &rows), RC_OK);
	assert_string_equal(
		told("default",
		     "SELECT (SELECT count(*) FROM reports_deliveries) || ' ' || (SELECT count(*) FROM"
		     " reports_deliveries_rows) || ' ' || (SELECT count(*) FROM analytics_reports_deliveries)"),
		"4 4 4");
	assert_int_equal(load(id, "elsewhere", false, &rows), RC_NOT_FOUND);
	house_close();
}

static void a_second_file_takes_rows_of_its_own(void **unused)
{
	int64_t id, rows = 0;
	char path[600];

	(void)unused;
	house_open("");
	snprintf(path, sizeof(path), "%s/other.db", s.dir);
	house_close();
	snprintf(path, sizeof(path), "/tmp/recado-test-other-%ld.db", (long)getpid());
	house_open(path);
	id = a_report("deliveries", "2025-11-20", "2025-11-20", a_file(DAY_FILE));
	assert_int_equal(load(id, "analytics", false, &rows), RC_OK);
	assert_string_equal(told("analytics", "SELECT count(*) FROM reports_deliveries"), "4");
	assert_string_equal(told("default", "SELECT count(*) FROM reports_deliveries"), "0");
	house_close();
	unlink(path);
}

static void days_that_overlap_count_once(void **unused)
{
	int64_t one, two, rows = 0;

	(void)unused;
	house_open("");
	one = a_report("deliveries", "2025-11-20", "2025-11-20", a_file(DAY_FILE));
	two = a_report("deliveries", "2025-11-19", "2025-11-20",
		       a_file(HEADING "Hola,a@b.ec,A,uno@x.ec,Sent,2025-11-19 12:00:00,0,0\n"
				      "Hola,a@b.ec,A,dos@x.ec,Sent,2025-11-20 12:00:00,0,0\n"));
	assert_int_equal(load(one, "default", false, &rows), RC_OK);
	assert_int_equal(load(two, "default", false, &rows), RC_OK);
	assert_string_equal(
		told("default",
		     "SELECT group_concat(report_on || ' ' || email, ', ') FROM (SELECT * FROM reports_deliveries ORDER BY id)"),
		"2025-11-19 uno@x.ec, 2025-11-20 dos@x.ec");
	assert_int_equal(load(one, "default", true, &rows), RC_OK);
	assert_string_equal(
		told("default", "SELECT count(*) || ' ' || sum(email = 'dos@x.ec') FROM reports_deliveries"),
		"5 0");
	house_close();
}

static void other_headings_get_typed_columns(void **unused)
{
	int64_t id, rows = 0;

	(void)unused;
	house_open("");
	id = a_report("clicks", "2025-11-20", "2025-11-20",
		      a_file("Correo;Fecha;N\xba;URL clicada;2nd;N\xba\n"
			     "ana@x.ec;2025-11-20 10:00:00;3;http://x/\xe1;1.5;si\n"
			     "n/a;null;7;;2;no\n"));
	assert_int_equal(load(id, "default", false, &rows), RC_OK);
	assert_int_equal(rows, 2);
	assert_string_equal(
		told("default",
		     "SELECT group_concat(name || ' ' || type, ', ') FROM pragma_table_info('reports_clicks_rows')"),
		"id INTEGER, correo TEXT, fecha TEXT, no INTEGER, url_clicada TEXT, c_2nd REAL, no_2 TEXT");
	assert_string_equal(
		told("default",
		     "SELECT correo || ' ' || fecha || ' ' || no || ' ' || url_clicada || ' ' || c_2nd FROM reports_clicks"
		     " WHERE correo IS NOT NULL"),
		"ana@x.ec 2025-11-20 10:00:00 3 http://x/\xc3\xa1 1.5");
	/* The next file has a new column and a text where numbers were. */
	id = a_report("clicks", "2025-11-21", "2025-11-21", a_file("Correo;N\xba;Otra\neva@x.ec;muchos;z\n"));
	assert_int_equal(load(id, "default", false, &rows), RC_OK);
	assert_string_equal(
		told("default",
		     "SELECT group_concat(coalesce(correo, '-') || ' ' || coalesce(no, '-') || ' ' ||"
		     " coalesce(otra, '-'), ', ') FROM (SELECT * FROM reports_clicks ORDER BY id)"),
		"ana@x.ec 3 -, - 7 -, eva@x.ec - z");
	house_close();
}

static void unknown_columns_of_a_summary_stay_beside_it(void **unused)
{
	int64_t id, rows = 0;

	(void)unused;
	house_open("");
	id = a_report("deliveries", "2025-11-20", "2025-11-20",
		      a_file("Email,Campaign,Subject,Sender,SenderName,Status,Date,Opens,Clicks\n"
			     "ana@x.ec,\"Nov \"\"1\"\"\",Hola,a@b.ec,A,Sent,2025-11-20,0,0\n"));
	assert_int_equal(load(id, "default", false, &rows), RC_OK);
	assert_string_equal(
		told("default", "SELECT email || ' ' || date || ' ' || extra FROM reports_deliveries"),
		"ana@x.ec 2025-11-20 00:00:00 {\"Campaign\":\"Nov \\\"1\\\"\"}");
	house_close();
}

static void what_is_no_report_is_refused(void **unused)
{
	int64_t id, rows = 0;

	(void)unused;
	house_open("");
	id = a_report("deliveries", "2025-11-20", "2025-11-20", a_file("  <html><body>Sorry</body></html>"));
	assert_int_equal(load(id, "default", false, &rows), RC_BAD_INPUT);
	assert_true(strlen(s.cx.message) > 0);
	id = a_report("deliveries", "2025-11-21", "2025-11-21", a_file(HEADING "\"Hola,a@b.ec"));
	assert_int_equal(load(id, "default", false, &rows), RC_BAD_INPUT);
	assert_non_null(strstr(s.cx.message, "Line 2"));
	id = a_report("deliveries", "2025-11-22", "2025-11-22", 0);
	assert_int_equal(load(id, "default", false, &rows), RC_OK);
	assert_int_equal(rows, 0);
	assert_string_equal(told("default", "SELECT count(*) FROM report_load"), "1");
	assert_string_equal(told("default", "SELECT count(*) FROM reports_deliveries_rows"), "0");
	house_close();
}

/* Cut at the n-th write: what was visible before stays, or all of the new rows are there; the next load
** doubles nothing. */
static void a_cut_load_leaves_what_was_before(void **unused)
{
	int64_t before, id, rows = 0;
	int fires = 0;

	(void)unused;
	house_open("");
	before = a_report("deliveries", "2025-11-20", "2025-11-20",
			  a_file(HEADING "Hola,a@b.ec,A,viejo@x.ec,Sent,2025-11-20 10:00:00,0,0\n"));
	assert_int_equal(load(before, "default", false, &rows), RC_OK);
	id = a_report("deliveries", "2025-11-20", "2025-11-20", a_file(DAY_FILE));
	for (long n = 1; n < FAULTS_MOST; n++) {
		enum rc rc;
		const char *seen;
		bool has_fired;

		fault_at(FAULT_WRITE, n, true);
		rc = load(id, "default", true, &rows);
		has_fired = fault_fired();
		fault_at(FAULT_NONE, 0, false);
		fires += has_fired;
		/* A failed file may leave the connection's log in doubt: begin as a restarted house does. */
		store_close(s.env.reports);
		s.env.reports = NULL;
		seen = told(
			"default",
			"SELECT count(*) || ' ' || (SELECT count(*) FROM report_load) FROM reports_deliveries");
		if (rc == RC_OK) assert_string_equal(seen, "4 2");
		if (strcmp(seen, "1 1") != 0) assert_string_equal(seen, "4 2");
		if (!has_fired) break;
		/* All was there, only the note in recado.db was cut. */
		if (strcmp(seen, "4 2") == 0) break;
	}
	assert_true(fires > 3);
	assert_int_equal(load(id, "default", true, &rows), RC_OK);
	assert_string_equal(
		told("default",
		     "SELECT (SELECT count(*) FROM reports_deliveries) || ' ' || count(*) FROM reports_deliveries_rows"),
		"4 4");
	house_close();
}

static void a_damaged_reports_file_is_told_and_the_house_works_on(void **unused)
{
	int64_t id, rows = 0;
	char path[600];
	FILE *f;

	(void)unused;
	house_open("");
	snprintf(path, sizeof(path), "%s/reports.db", s.dir);
	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < 500; i++)
		fputs("this is not a database at all\n", f);
	fclose(f);
	id = a_report("deliveries", "2025-11-20", "2025-11-20", a_file(DAY_FILE));
	assert_int_equal(load(id, "default", false, &rows), RC_IO);
	assert_non_null(strstr(s.cx.message, "reports.db"));
	assert_null(s.env.reports);
	house_close();
}

static void cells_are_read_for_what_they_are(void **unused)
{
	static const struct {
		const char *cell;
		instant at;
	} times[] = { { "1970-01-02", DAY_MS },
		      { "1970-01-01 00:01:02", 62000 },
		      { "1970-01-01T00:01:02.999Z", 62000 },
		      { "1970-01-01 01:00:00+01:00", 0 },
		      { "1970-01-01 00:00", 0 } };
	static const char *const wrong[] = {
		"",           "1970-13-01",         "1970-01-01 24:00:00", "1970-01-01 00:00:00 x",
		"01/02/1970", "1970-01-01 00:00:0", "1970-02-30"
	};
	int64_t n = 0;
	instant at = 0;

	(void)unused;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		assert_true(cell_time(&at, (struct bytes){ times[i].cell, strlen(times[i].cell) }, NULL));
		assert_int_equal(at, times[i].at);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(cell_time(&at, (struct bytes){ wrong[i], strlen(wrong[i]) }, NULL));
	assert_true(
		cell_time(&at, (struct bytes){ "2025-11-20 10:00:00", 19 }, zone_find("America/Guayaquil")));
	assert_int_equal(at, INT64_C(1763650800000));
	assert_true(cell_integer(&n, (struct bytes){ "-12.00", 6 }));
	assert_int_equal(n, -12);
	assert_false(cell_integer(&n, (struct bytes){ "99999999999999999999", 20 }));
	assert_false(cell_integer(&n, (struct bytes){ "", 0 }));
	assert_true(cell_is_null((struct bytes){ "N/A", 3 }));
	assert_true(cell_is_null((struct bytes){ "\xe2\x80\x93", 3 }));
	assert_true(cell_is_email((struct bytes){ "a@b.ec", 6 }));
	assert_false(cell_is_email((struct bytes){ "a@b", 3 }));
}

/* Matching */

static void a_row(int64_t bulk, int64_t row, const char *address, instant sent_at)
{
	int64_t contact = 0, recipient;
	enum rc rc = tx_begin(&s.cx);

	if (rc == RC_OK)
		rc = db_run(
			&s.cx,
			"INSERT INTO bulk_recipient (bulk_id, import_version, row_number, recipient) VALUES (:bulk, 1, :row, :address)",
			PARAMS(P_INT(":bulk", bulk), P_INT(":row", row), P_TEXT(":address", address)));
	recipient = db_last_id(&s.cx);
	if (rc == RC_OK) rc = contact_ensure(&s.cx, &contact, "email", address);
	if (rc == RC_OK)
		rc = db_run(
			&s.cx,
			"INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion, state,"
			" not_before_at, expires_at, created_at, claimed_at, sent_at)"
			" VALUES (:occasion, 1, 1, :contact, 'campaign', :occasion, 'sent', 0, 0, 0, :at, :at)",
			PARAMS(P_TEXT(":occasion",
				      arena_printf(s.cx.arena, "bulk_recipient:%lld", (long long)recipient)),
			       P_INT(":contact", contact), P_INT(":at", sent_at)));
	assert_int_equal(tx_end(&s.cx, rc), RC_OK);
}

static void run(const char *sql)
{
	enum rc rc = tx_begin(&s.cx);

	if (rc == RC_OK) rc = db_run(&s.cx, sql, NO_PARAMS);
	assert_int_equal(tx_end(&s.cx, rc), RC_OK);
}

static void rows_find_their_deliveries_nearest_first_one_to_one(void **unused)
{
	const instant ten = INT64_C(1763650800000) - 5 * HOUR_MS; /* 10:00 UTC of the 20th */
	const char *seen = "";
	int64_t id, rows = 0, matched = 0;

	(void)unused;
	house_open("");
	run("INSERT INTO channel_account (id, kind, name, created_at) VALUES (1, 'doppler', 'doppler', 0)");
	run("INSERT INTO batch (id, public_id, kind, created_at) VALUES (1, 'b', 'sends.bulk', 0)");
	run("INSERT INTO bulk_send (id, public_id, channel, template_id, subject, status, sent_started_at, sent_finished_at,"
	    " import_version, created_at, updated_at) VALUES (1, 's', 'doppler', 't', 'Hola {{nombre}}!', 'done',"
	    " 1763632800000, 1763640000000, 1, 0, 0)");
	a_row(1, 1, "Ana@x.ec", ten);
	a_row(1, 2, "ana@x.ec", ten + HOUR_MS); /* twice to the same address: two debts */
	a_row(1, 3, "eva@y.ec", ten);
	a_row(1, 4, "leo@y.ec", ten);
	id = a_report("deliveries", "2025-11-20", "2025-11-20",
		      a_file(HEADING "Hola Ana!,a@b.ec,A,ana@x.ec,Sent,2025-11-20 11:00:09,0,0\n"
				     "Hola Ana!,a@b.ec,A,ana@x.ec,Sent,2025-11-20 10:00:07,3,1\n"
				     "Otra cosa,a@b.ec,A,eva@y.ec,Sent,2025-11-20 10:00:07,0,0\n"
				     "Hola Eva!,a@b.ec,A,EVA@y.ec,Rejected,2025-11-20 10:00:09,0,0\n"
				     "Hola Leo!,a@b.ec,A,leo@y.ec,Sent,2025-11-20 08:00:00,0,0\n"
				     "Hola Zoe!,a@b.ec,A,zoe@y.ec,Sent,2025-11-20 10:00:00,0,0\n"));
	assert_int_equal(load(id, "default", false, &rows), RC_OK);
	assert_int_equal(report_match(&s.cx, &matched, 1), RC_OK);
	assert_int_equal(matched, 3);
	assert_int_equal(
		db_get_text(
			&s.cx, &seen,
			"SELECT group_concat(r.row_number || ' ' || b.delivery_status || ' ' || b.opens || ' ' || b.clicks"
			" || ' ' || b.domain || ' ' || m.state, ', ') FROM (SELECT * FROM bulk_recipient ORDER BY row_number) r"
			" JOIN bulk_result b ON b.recipient_id = r.id JOIN message m ON m.occasion = 'bulk_recipient:' || r.id",
			NO_PARAMS),
		RC_OK);
	assert_string_equal(
		seen, "1 Sent 3 1 x.ec delivered, 2 Sent 0 0 x.ec delivered, 3 Rejected 0 0 y.ec failed");
	/* The next pass tells the same rows anew. */
	assert_int_equal(report_match(&s.cx, &matched, 1), RC_OK);
	assert_int_equal(matched, 3);
	house_close();
}

#define TEN (INT64_C(1763650800000) - 5 * HOUR_MS) /* 10:00 UTC of the 20th */

static void sends_open(const char *subject, int count)
{
	house_open("");
	run("INSERT INTO channel_account (id, kind, name, created_at) VALUES (1, 'doppler', 'doppler', 0)");
	run("INSERT INTO batch (id, public_id, kind, created_at) VALUES (1, 'b', 'sends.bulk', 0)");
	for (int64_t id = 1; id <= count; id++) {
		enum rc rc = tx_begin(&s.cx);

		if (rc == RC_OK)
			rc = db_run(
				&s.cx,
				"INSERT INTO bulk_send (id, public_id, channel, template_id, subject, status, sent_started_at,"
				" sent_finished_at, import_version, created_at, updated_at)"
				" VALUES (:id, 's' || :id, 'doppler', 't', :subject, 'done', :from, :until, 1, 0, 0)",
				PARAMS(P_INT(":id", id), P_TEXT(":subject", subject),
				       P_INT(":from", TEN + (id - 1) * 5 * HOUR_MS),
				       P_INT(":until", TEN + (id - 1) * 5 * HOUR_MS + HOUR_MS)));
		assert_int_equal(tx_end(&s.cx, rc), RC_OK);
	}
}

static int64_t matched_of(int64_t bulk)
{
	int64_t matched = -1;

	cx_reset(&s.cx);
	assert_int_equal(report_match(&s.cx, &matched, bulk), RC_OK);
	return matched;
}

static void load_day_of(const char *text)
{
	int64_t rows = 0;

	assert_int_equal(load(a_report("deliveries", "2025-11-20", "2025-11-20", a_file(text)), "default",
			      false, &rows),
			 RC_OK);
}

static void a_delivery_of_the_afternoon_s_send_is_not_the_morning_s(void **unused)
{
	(void)unused;
	sends_open("Hola {{nombre}}!", 2);
	a_row(1, 1, "ana@x.ec", TEN);
	a_row(2, 1, "Ana@X.ec", TEN + 5 * HOUR_MS);
	load_day_of(HEADING "Hola Ana!,a@b.ec,A,ana@x.ec,Sent,2025-11-20 15:00:07,0,0\n");
	assert_int_equal(matched_of(1), 0);
	assert_int_equal(matched_of(2), 1);
	house_close();
}

static void words_that_only_some_read_in_the_subject_hide_no_delivery(void **unused)
{
	(void)unused;
	sends_open("Hola {{#vip}}querida {{/vip}}{{nombre}}: {{^pagado}}debes{{/pagado}}!", 1);
	a_row(1, 1, "ana@x.ec", TEN);
	a_row(1, 2, "eva@x.ec", TEN);
	load_day_of(HEADING "Hola Ana: !,a@b.ec,A,ana@x.ec,Sent,2025-11-20 10:00:07,0,0\n"
			    "Hola Eva: debes.,a@b.ec,A,eva@x.ec,Sent,2025-11-20 10:00:07,0,0\n");
	assert_int_equal(matched_of(1), 1);
	house_close();
}

/* One address is everybody's, and all of it comes half an hour late: each row still gets one. */
#define MANY 3000

static void a_campaign_to_one_address_gets_as_many_deliveries(void **unused)
{
	struct sb sb;
	char on[RFC3339_SIZE];
	int64_t contact = 0;
	enum rc rc;

	(void)unused;
	sends_open("", 1);
	rc = tx_begin(&s.cx);
	if (rc == RC_OK)
		rc = db_run(
			&s.cx,
			"INSERT INTO bulk_recipient (bulk_id, import_version, row_number, recipient)"
			" WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many)"
			" SELECT 1, 1, i, 'yo@x.ec' FROM n",
			PARAMS(P_INT(":many", MANY)));
	if (rc == RC_OK) rc = contact_ensure(&s.cx, &contact, "email", "yo@x.ec");
	if (rc == RC_OK)
		rc = db_run(
			&s.cx,
			"INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion, state,"
			" not_before_at, expires_at, created_at, claimed_at, sent_at) SELECT 'm' || id, 1, 1, :contact, 'campaign',"
			" 'bulk_recipient:' || id, 'sent', 0, 0, 0, :at + id * 1000, :at + id * 1000 FROM bulk_recipient",
			PARAMS(P_INT(":at", TEN), P_INT(":contact", contact)));
	assert_int_equal(tx_end(&s.cx, rc), RC_OK);
	sb_init(&sb, 1024 * 1024);
	sb_text(&sb, HEADING);
	for (int64_t i = 1; i <= MANY; i++) {
		instant_text(on, TEN + 30 * MINUTE_MS + i * 1000);
		sb_printf(&sb, "Hola,a@b.ec,A,yo@x.ec,Sent,%s,0,0\n", on);
	}
	load_day_of(sb_text_of(&sb));
	sb_free(&sb);
	assert_int_equal(matched_of(1), MANY);
	house_close();
}

static void a_file_that_was_removed_meanwhile_is_told_until_the_next_start(void **unused)
{
	int64_t rows = 0, id;

	(void)unused;
	house_open("");
	id = a_report("deliveries", "2025-11-20", "2025-11-20", a_file(DAY_FILE));
	assert_int_equal(load(id, "default", false, &rows), RC_OK);
	assert_int_equal(unlink(arena_printf(s.arena, "%s/reports.db", s.dir)), 0);
	assert_int_equal(load(id, "default", true, &rows), RC_IO);
	assert_non_null(strstr(s.cx.message, "reports.db"));
	assert_non_null(strstr(s.cx.message, "removed"));
	run("INSERT INTO meta (key, value) VALUES ('works', 'on')");
	/* The next start makes a new one; the file of the report is there to be loaded again. */
	store_close(s.env.reports);
	s.env.reports = NULL;
	assert_int_equal(load(id, "default", false, &rows), RC_OK);
	assert_int_equal(rows, 4);
	house_close();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day_is_loaded_with_its_types),
		cmocka_unit_test(a_report_is_loaded_once_per_place),
		cmocka_unit_test(a_second_file_takes_rows_of_its_own),
		cmocka_unit_test(days_that_overlap_count_once),
		cmocka_unit_test(other_headings_get_typed_columns),
		cmocka_unit_test(unknown_columns_of_a_summary_stay_beside_it),
		cmocka_unit_test(what_is_no_report_is_refused),
		cmocka_unit_test(a_cut_load_leaves_what_was_before),
		cmocka_unit_test(a_damaged_reports_file_is_told_and_the_house_works_on),
		cmocka_unit_test(cells_are_read_for_what_they_are),
		cmocka_unit_test(rows_find_their_deliveries_nearest_first_one_to_one),
		cmocka_unit_test(a_delivery_of_the_afternoon_s_send_is_not_the_morning_s),
		cmocka_unit_test(words_that_only_some_read_in_the_subject_hide_no_delivery),
		cmocka_unit_test(a_campaign_to_one_address_gets_as_many_deliveries),
		cmocka_unit_test(a_file_that_was_removed_meanwhile_is_told_until_the_next_start),
	};

	if (argc == 3 && strcmp(argv[1], "--load") == 0) { /* how long one file takes, by hand */
		int64_t rows = 0, began, file;
		int fd = open(argv[2], O_RDONLY | O_CLOEXEC);

		house_open("");
		assert_int_equal(file_store(&s.cx, &file, fd,
					    &(struct file_new){ .name = "r",
								.max = REPORT_BYTES_MAX,
								.media_type = "text/csv",
								.owner_table = "generated_report" }),
				 RC_OK);
		file = a_report("deliveries", "2026-11-20", "2026-11-20", file);
		began = clock_ticks();
		assert_int_equal(load(file, "default", false, &rows), RC_OK);
		printf("%lld rows, %lld ms\n", (long long)rows, (long long)(clock_ticks() - began));
		house_close();
		return 0;
	}
	faults_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
