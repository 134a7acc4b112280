/* sends/import.c, recipients_keep.c: all rows are there or none is seen, and they are forgotten when they
** must. */
#include "state.h"

#include "db/faults.c"
#include "files/files.h"
#include "sends/import_inner.h"
#include "work/inner.h"
#include <sys/mman.h>

/* far more than an import of some rows has of anything: the loop must end by itself */
#define FAULTS_MOST 4000

static struct state s;
static struct work *w;

static void house_open(void)
{
	static const struct job_kind *const kinds[] = { recipients_jobs, NULL };
	static const struct setting *const tables[] = { sends_settings, NULL };
	const char *why = "";

	state_open(&s, 1700000000000);
	assert_int_equal(settings_load(&s.env.settings, tables, NULL, s.forever, LANG_EN, &why), RC_OK);
	assert_int_equal(work_open(&w, &s.env, kinds, NULL), RC_OK);
}

static void house_close(void)
{
	work_free(w);
	settings_free(s.env.settings);
	state_close(&s);
}

static int64_t a_file(const char *text)
{
	int fd = memfd_create("rows", MFD_CLOEXEC);
	int64_t id = 0;

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), RC_OK);
	assert_int_equal(file_store(&s.cx, &id, fd,
				    &(struct file_new){ .name = "rows.csv",
							.media_type = "text/csv",
							.owner_table = "bulk_send",
							.max = RECIPIENTS_BYTES_MAX }),
			 RC_OK);
	close(fd);
	return id;
}

static int64_t a_send(const char *text, const char *variables, const char *dedupe)
{
	static int n;
	int64_t file = a_file(text), id;
	char public_id[32];
	enum rc rc = tx_begin(&s.cx);

	snprintf(public_id, sizeof(public_id), "b%d", ++n);
	if (rc == RC_OK)
		rc = db_run(
			&s.cx,
			"INSERT INTO bulk_send (public_id, channel, template_id, variables_json, dedupe, file_id,"
			" created_at, updated_at) VALUES (:public, 'email', 't', :variables, :dedupe, :file, 0, 0)",
			PARAMS(P_TEXT(":public", public_id), P_TEXT(":variables", variables),
			       P_TEXT(":dedupe", dedupe), P_INT(":file", file)));
	id = db_last_id(&s.cx);
	if (rc == RC_OK) rc = recipients_import(&s.cx, id);
	assert_int_equal(tx_end(&s.cx, rc), RC_OK);
	return id;
}

static void run_jobs(void)
{
	for (int i = 0; i < 20 && work_run_due(&s.cx, w) > 0; i++)
		continue;
	cx_reset(&s.cx);
}

static int64_t number(const char *sql, int64_t id)
{
	int64_t n = -999;

	assert_int_equal(db_get_int(&s.cx, &n, sql, PARAMS(P_INT(":id", id))), RC_OK);
	return n;
}

static const char *text(const char *sql, int64_t id)
{
	const char *out = "";

	assert_int_equal(db_get_text(&s.cx, &out, sql, PARAMS(P_INT(":id", id))), RC_OK);
	return out;
}

#define ALL_ROWS "SELECT count(*) FROM bulk_recipient WHERE bulk_id = :id"
#define STATUS   "SELECT status || ' ' || import_status || ' ' || import_error FROM bulk_send WHERE id = :id"

static void a_file_becomes_rows(void **unused)
{
	int64_t id;

	(void)unused;
	house_open();
	id = a_send("email;Nombres;Valor\n Ana@EXAMPLE.com ;Ana;1\nana@Example.com;Ana;1\nnobody;N;2\n"
		    "eva@example.com;;\n",
		    "{}", "exact");
	assert_string_equal(text(STATUS, id), "pending importing ");
	run_jobs();
	assert_string_equal(text(STATUS, id), "pending ready_with_errors ");
	assert_int_equal(number("SELECT import_version FROM bulk_send WHERE id = :id", id), 1);
	assert_int_equal(
		number("SELECT imported_rows * 100 + valid_rows * 10 + invalid_rows FROM bulk_send WHERE id = :id",
		       id),
		431);
	assert_string_equal(
		text("SELECT group_concat(row_number || '|' || recipient || '|' || coalesce(normalized, '-') || '|' || name ||"
		     " '|' || coalesce(payload_json, '-') || '|' || error_code, char(10)) FROM (SELECT * FROM bulk_recipient"
		     " WHERE bulk_id = :id AND import_version = 1 ORDER BY row_number)",
		     id),
		"1| Ana@EXAMPLE.com |Ana@example.com|Ana|{\"Nombres\":\"Ana\",\"Valor\":\"1\"}|\n"
		"2|ana@Example.com|ana@example.com|Ana|{\"Nombres\":\"Ana\",\"Valor\":\"1\"}|\n"
		"3|nobody|-|N|-|recipient_invalid\n"
		"4|eva@example.com|-||{\"Nombres\":\"\",\"Valor\":\"\"}|");
	assert_string_equal(
		text("SELECT import_json FROM bulk_send WHERE id = :id", id),
		"{\"encoding\":\"utf-8\",\"delimiter\":\";\",\"headers\":[\"email\",\"Nombres\",\"Valor\"],"
		"\"email_column\":\"email\",\"name_column\":\"Nombres\",\"columns\":[{\"name\":\"Nombres\",\"empty\":1},"
		"{\"name\":\"Valor\",\"empty\":1}],\"duplicates\":0,\"same_address\":0,\"suppressed\":0,\"typos\":0,"
		"\"errors\":{\"recipient_invalid\":1}}");
	house_close();
}

static void a_file_without_a_fault_is_ready(void **unused)
{
	int64_t id;

	(void)unused;
	house_open();
	id = a_send("correo\nana@example.com\n", "{}", "all");
	run_jobs();
	assert_string_equal(text(STATUS, id), "pending ready ");
	/* The job once more does nothing. */
	assert_int_equal(state_run(&s, "UPDATE job SET state = 'queued', run_at = 0"), RC_OK);
	run_jobs();
	assert_int_equal(number(ALL_ROWS, id), 1);
	house_close();
}

static void a_file_that_cannot_be_leaves_no_row_and_says_why(void **unused)
{
	int64_t id;

	(void)unused;
	house_open();
	id = a_send("email;x\nana@example.com;1\neva@example.com;\"2\n", "{}", "exact");
	run_jobs();
	assert_string_equal(text(STATUS, id), "error error file_unreadable");
	assert_non_null(strstr(text("SELECT status_detail FROM bulk_send WHERE id = :id", id), "3"));
	assert_int_equal(number(ALL_ROWS, id), 0);
	id = a_send("nombre\nAna\n", "{}", "exact");
	run_jobs();
	assert_string_equal(text(STATUS, id), "error error email_column_missing");
	assert_string_equal(text("SELECT state FROM job WHERE args_json LIKE '%:' || :id || '}'", id),
			    "failed");
	house_close();
}

static void a_send_is_read_once_at_a_time_and_never_after_it_started(void **unused)
{
	int64_t id;
	enum rc rc;

	(void)unused;
	house_open();
	id = a_send("email\nana@example.com\n", "{}", "exact");
	rc = tx_begin(&s.cx);
	if (rc == RC_OK) rc = recipients_import(&s.cx, id);
	assert_int_equal(tx_end(&s.cx, rc), RC_CONFLICT);
	assert_string_equal(s.cx.error_code, "import_already_started");
	run_jobs();
	/* Another file for it: the next version replaces the first. */
	rc = tx_begin(&s.cx);
	if (rc == RC_OK) rc = recipients_import(&s.cx, id);
	assert_int_equal(tx_end(&s.cx, rc), RC_OK);
	run_jobs();
	assert_int_equal(number("SELECT import_version FROM bulk_send WHERE id = :id", id), 2);
	assert_int_equal(number(ALL_ROWS, id), 1);
	assert_int_equal(state_run(&s, "UPDATE bulk_send SET status = 'queued'"), RC_OK);
	rc = tx_begin(&s.cx);
	if (rc == RC_OK) rc = recipients_import(&s.cx, id);
	assert_int_equal(tx_end(&s.cx, rc), RC_CONFLICT);
	assert_string_equal(s.cx.error_code, "import_version_exists");
	house_close();
}

static void what_a_cut_import_left_is_gone_after_the_next(void **unused)
{
	int64_t id;

	(void)unused;
	house_open();
	id = a_send("email\nana@example.com\neva@example.com\n", "{}", "exact");
	assert_int_equal(
		state_run(&s, "INSERT INTO bulk_recipient (bulk_id, import_version, row_number, recipient)"
			      " SELECT id, 1, 7, 'half' FROM bulk_send"),
		RC_OK);
	run_jobs();
	assert_int_equal(number(ALL_ROWS, id), 2);
	house_close();
}

static void a_send_that_was_cancelled_meanwhile_gets_no_rows(void **unused)
{
	int64_t id;

	(void)unused;
	house_open();
	id = a_send("email\nana@example.com\n", "{}", "exact");
	assert_int_equal(state_run(&s, "UPDATE bulk_send SET status = 'cancelled'"), RC_OK);
	run_jobs();
	assert_int_equal(number(ALL_ROWS, id), 0);
	assert_string_equal(text(STATUS, id), "cancelled importing ");
	house_close();
}

/* Faults */

static char many[64 * 1024];

static long sweep(enum fault what, long step)
{
	char *p = stpcpy(many, "email;nota\n");
	long n;

	for (int i = 0; i < 1500; i++)
		p += sprintf(p, "p%d@example.com;nota %d\n", i, i);
	house_open();
	for (n = 1; n < FAULTS_MOST; n += step) {
		int64_t id = a_send(many, "{}", "exact");
		bool was_hit;

		fault_at(what, n, false);
		run_jobs();
		was_hit = fault_fired();
		fault_at(FAULT_NONE, 0, false);
		assert_false(tx_is_open(&s.cx));
		/* Nobody reads a row before all are there. */
		if (number("SELECT import_version FROM bulk_send WHERE id = :id", id) == 1)
			assert_int_equal(number(ALL_ROWS " AND import_version = 1", id), 1500);
		for (int i = 0; i < 5 && strncmp(text(STATUS, id), "pending ready ", 14) != 0; i++) {
			assert_int_equal(
				state_run(
					&s,
					"UPDATE job SET state = 'queued', run_at = 0 WHERE state <> 'done'"),
				RC_OK);
			run_jobs();
		}
		assert_string_equal(text(STATUS, id), "pending ready ");
		assert_int_equal(number(ALL_ROWS, id), 1500);
		assert_int_equal(number(ALL_ROWS " AND import_version = 1", id), 1500);
		if (!was_hit) break;
	}
	house_close();
	assert_true(n > 1 && n < FAULTS_MOST);
	return n;
}

static void a_write_that_fails_anywhere_leaves_all_or_nothing(void **unused)
{
	(void)unused;
	assert_true(sweep(FAULT_WRITE, 3) > 20);
}

static void a_sync_that_fails_anywhere_leaves_all_or_nothing(void **unused)
{
	(void)unused;
	assert_true(sweep(FAULT_SYNC, 1) > 3);
}

/* Forgetting */

static void an_old_send_forgets_its_variables_and_its_file(void **unused)
{
	int64_t id, other;

	(void)unused;
	house_open();
	id = a_send("email;name\nana@example.com;Ana\n", "{}", "exact");
	other = a_send("email;name\neva@example.com;Eva\n", "{}", "exact");
	run_jobs();
	assert_int_equal(
		state_run(&s,
			  "UPDATE bulk_send SET status = 'done', sent_finished_at ="
			  " CASE id WHEN (SELECT min(id) FROM bulk_send)"
			  " THEN 1700000000000 - 365 * 86400000 - 1 ELSE 1700000060000 - 365 * 86400000 END"),
		RC_OK);
	assert_int_equal(recipients_retention(&s.cx, NULL), RC_OK);
	assert_int_equal(number(ALL_ROWS " AND payload_json IS NULL AND name = ''", id), 1);
	assert_int_equal(
		number("SELECT file_id IS NULL AND emptied_at IS NOT NULL FROM bulk_send WHERE id = :id", id),
		1);
	assert_int_equal(number(ALL_ROWS " AND payload_json IS NOT NULL AND name = 'Eva'", other), 1);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM file WHERE archived_at IS NULL"), 1);
	assert_string_equal(text("SELECT recipient FROM bulk_recipient WHERE bulk_id = :id", id),
			    "ana@example.com");
	house_close();
}

static void a_person_who_asks_is_forgotten(void **unused)
{
	int64_t id, rows = 0;

	(void)unused;
	house_open();
	id = a_send("email;name\nAna@Example.com;Ana\neva@example.com;Eva\n", "{}", "exact");
	run_jobs();
	assert_int_equal(recipients_forget(&s.cx, " ana@EXAMPLE.com", &rows), RC_OK);
	assert_int_equal(rows, 1);
	assert_int_equal(
		number(ALL_ROWS
		       " AND recipient = '***' AND normalized IS NULL AND name = '' AND payload_json IS NULL"
		       " AND error_code = 'suppressed'",
		       id),
		1);
	assert_int_equal(number(ALL_ROWS " AND name = 'Eva' AND error_code = ''", id), 1);
	assert_int_equal(number("SELECT file_id IS NULL FROM bulk_send WHERE id = :id", id), 1);
	assert_int_equal(recipients_forget(&s.cx, "ana@example.com", &rows), RC_OK);
	assert_int_equal(rows, 0);
	assert_int_equal(recipients_forget(&s.cx, "***", &rows), RC_BAD_INPUT);
	house_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_becomes_rows),
		cmocka_unit_test(a_file_without_a_fault_is_ready),
		cmocka_unit_test(a_file_that_cannot_be_leaves_no_row_and_says_why),
		cmocka_unit_test(a_send_is_read_once_at_a_time_and_never_after_it_started),
		cmocka_unit_test(what_a_cut_import_left_is_gone_after_the_next),
		cmocka_unit_test(a_send_that_was_cancelled_meanwhile_gets_no_rows),
		cmocka_unit_test(a_write_that_fails_anywhere_leaves_all_or_nothing),
		cmocka_unit_test(a_sync_that_fails_anywhere_leaves_all_or_nothing),
		cmocka_unit_test(an_old_send_forgets_its_variables_and_its_file),
		cmocka_unit_test(a_person_who_asks_is_forgotten),
	};

	faults_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
