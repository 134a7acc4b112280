/*
** report_house.h -- a house with reports to load, and what its places say. Included by tests only.
*/
#ifndef RECADO_TESTS_REPORT_HOUSE_H
#define RECADO_TESTS_REPORT_HOUSE_H

#include "state.h"

#include "files/files.h"
#include "sends/report_inner.h"
#include <sys/mman.h>

#define NOW     INT64_C(1763800000000) /* 2025-11-22 08:26 UTC */
#define HEADING "Subject,Sender,SenderName,Email,Status,Date,Opens,Clicks\r\n"

static struct state s;

static inline void house_open(const char *analytics)
{
	static const struct setting *const tables[] = { sends_settings, NULL };
	const char *why = "";
	char path[512];
	FILE *ini;

	state_open(&s, NOW);
	snprintf(path, sizeof(path), "%s/recado.ini", s.dir);
	ini = fopen(path, "w");
	assert_non_null(ini);
	fprintf(ini, "[reports]\nanalytics = %s\n", analytics);
	fclose(ini);
	assert_int_equal(settings_load(&s.env.settings, tables, path, s.forever, LANG_EN, &why), RC_OK);
}

static inline void house_close(void)
{
	store_close(s.env.reports);
	s.env.reports = NULL;
	settings_free(s.env.settings);
	state_close(&s);
}

static inline int64_t a_file(const char *text)
{
	int fd = memfd_create("report", MFD_CLOEXEC);
	int64_t id = 0;

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), RC_OK);
	assert_int_equal(file_store(&s.cx, &id, fd,
				    &(struct file_new){ .name = "r.csv",
							.media_type = "text/csv",
							.owner_table = "generated_report",
							.max = REPORT_BYTES_MAX }),
			 RC_OK);
	close(fd);
	return id;
}

static inline int64_t a_report(const char *type, const char *start, const char *end, int64_t file)
{
	static int n;
	char public_id[32];
	int64_t id;
	enum rc rc = tx_begin(&s.cx);

	snprintf(public_id, sizeof(public_id), "r%d", ++n);
	if (rc == RC_OK)
		rc = db_run(
			&s.cx,
			"INSERT INTO generated_report (public_id, type, start_on, end_on, state, file_id, created_at, updated_at)"
			" VALUES (:public, :type, :start, :end, 'READY', :file, 0, 0)",
			PARAMS(P_TEXT(":public", public_id), P_TEXT(":type", type), P_TEXT(":start", start),
			       P_TEXT(":end", end), P_REF(":file", file)));
	id = db_last_id(&s.cx);
	assert_int_equal(tx_end(&s.cx, rc), RC_OK);
	return id;
}

/* The answer of a question put to an alias's own file. */
static inline const char *told(const char *alias, const char *sql)
{
	struct target t = { .engine = NULL };
	const char *out = "";
	struct db *house;

	assert_int_equal(target_open(&s.cx, &t, alias), RC_OK);
	house = cx_swap_db(&s.cx, t.db);
	assert_int_equal(db_get_text(&s.cx, &out, sql, NO_PARAMS), RC_OK);
	cx_swap_db(&s.cx, house);
	target_close(&t);
	return out;
}

static inline enum rc load(int64_t id, const char *alias, bool is_again, int64_t *rows)
{
	enum rc rc;

	cx_reset(&s.cx);
	rc = report_load(&s.cx, NULL, rows, id, alias, is_again);
	assert_false(tx_is_open(&s.cx));
	return rc;
}

#endif
