/* desk/import*.c: which column is which, what a cell means, and that an import is whole or not at all. */
#include "office.h"
#include "db/faults.c"
#include "desk/import_run.h"
#include "work/inner.h"
#include <sys/mman.h>

#define FAULTS_MOST 4000 /* far more than three rows have of anything: the loop below must end by itself */

/* Headings */

static const struct import_field fields[] = {
	{ .name = "id", .title = "id", .aliases = "public_id", .is_id = true },
	{ .name = "display_name", .title = "Name", .is_required = true },
	{ .name = "name", .title = "Internal name", .aliases = "nombre|name_of_it" },
	{ .name = "phone", .title = "Phone", .aliases = "telefono" },
	{ .name = "sum", .title = "Total", .is_ignored = true },
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static enum rc read_heading(struct shop *s, struct import_heading *h, const char *const *cells)
{
	struct cells c = { .cell = cells, .line = 1 };

	while (cells[c.count] != NULL)
		c.count++;
	shop_next(s);
	return import_heading_read(&s->state.cx, h, fields, FIELDS, &c);
}
#define HEADING(s, h, ...) read_heading((s), (h), (const char *const[]){ __VA_ARGS__, NULL })

static void columns_are_found_by_title_name_or_alias_in_any_order(void **unused)
{
	struct shop s;
	struct import_heading h;

	(void)unused;
	shop_open(&s);
	assert_int_equal(HEADING(&s, &h, "TELÉFONO", "Colour", "Name-of it", "Nombre", "total"), RC_OK);
	assert_int_equal(h.at[0], -1);
	assert_int_equal(h.at[1], 3);
	assert_int_equal(h.at[2], 2);
	assert_int_equal(h.at[3], 0);
	assert_string_equal(h.unknown, "Colour");
	assert_string_equal(h.ignored, "total");
	assert_int_equal(HEADING(&s, &h, "Name", "name", "Internal name"), RC_BAD_INPUT);
	/* A title as an export writes it is that column, though another one is called so. */
	assert_int_equal(HEADING(&s, &h, "Name", "name"), RC_OK);
	assert_int_equal(h.at[1], 0);
	assert_int_equal(h.at[2], 1);
	shop_close(&s);
}

static void a_heading_that_cannot_serve_is_refused_in_one_sentence(void **unused)
{
	struct shop s;
	struct import_heading h;

	(void)unused;
	shop_open(&s);
	assert_int_equal(HEADING(&s, &h, "phone", "name_of_it"), RC_BAD_INPUT);
	assert_string_equal(s.state.cx.message,
			    "Row 1: the column “Name” is missing; found: phone, name_of_it.");
	assert_int_equal(HEADING(&s, &h, "Name", "Phone", "telefono"), RC_BAD_INPUT);
	assert_string_equal(s.state.cx.message, "Row 1: the column “telefono” is there twice.");
	assert_int_equal(HEADING(&s, &h, "Name", "Total", "Total"), RC_OK); /* nobody reads it anyway */
	assert_int_equal(HEADING(&s, &h, "a/b"), RC_BAD_INPUT);
	assert_non_null(strstr(s.state.cx.message, "comma or a semicolon"));
	assert_int_equal(HEADING(&s, &h, "id", "Phone"), RC_OK); /* changes of known rows need nothing else */
	shop_close(&s);
}

static void the_first_of_a_key_is_remembered_up_to_the_limit(void **unused)
{
	struct import_keys *k = import_keys_new();
	char key[32];
	enum rc rc = RC_OK;
	int n = 0;

	(void)unused;
	assert_non_null(k);
	assert_int_equal(import_keys_get(k, "a"), -1);
	assert_int_equal(import_keys_put(k, "a", 7), RC_OK);
	assert_int_equal(import_keys_put(k, "a", 8), RC_OK);
	assert_int_equal(import_keys_get(k, "a"), 7);
	for (; n < 2 * IMPORT_ROWS_MAX - 1 && rc == RC_OK; n++) {
		snprintf(key, sizeof(key), "%d", n);
		rc = import_keys_put(k, key, n);
	}
	assert_int_equal(rc, RC_OK);
	assert_int_equal(import_keys_put(k, "one too many", 1), RC_TOO_LARGE);
	for (int i = 0; i < n; i += 997) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(import_keys_get(k, key), i);
	}
	import_keys_free(k);
}

/* Whole imports */

static struct work *open_work(struct shop *s)
{
	static const struct job_kind *const kinds[] = { import_jobs, NULL };
	struct work *w = NULL;

	assert_int_equal(work_open(&w, &s->state.env, kinds, NULL), RC_OK);
	return w;
}

static int64_t start(struct shop *s, const char *resource, const char *text)
{
	int fd = memfd_create("rows", MFD_CLOEXEC);
	struct import_new n = { .resource = desk_resource(resource), .file_name = "rows.csv", .fd = fd };
	int64_t id = 0, job = 0;

	/* Who sends a file is somebody. */
	assert_int_equal(
		state_run(&s->state,
			  "INSERT OR IGNORE INTO role (id, name, title) VALUES (1, 'owner', 'Owner')"),
		RC_OK);
	assert_int_equal(
		state_run(
			&s->state,
			"INSERT OR IGNORE INTO user (id, public_id, name, name_folded, password_hash, role_id,"
			" created_at, updated_at) VALUES (1, 'u1', 'owner', 'owner', '', 1, 0, 0)"),
		RC_OK);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(import_start(&s->state.cx, &id, &job, &n), RC_OK);
	close(fd);
	return id;
}

static void run_jobs(struct shop *s, struct work *w)
{
	struct actor actor = s->state.cx.actor;

	for (int i = 0; i < 20 && work_run_due(&s->state.cx, w) > 0; i++)
		continue;
	s->state.cx.actor = actor;
	shop_next(s);
}

static const char *import_text(struct shop *s, int64_t id, const char *column)
{
	const char *out = "",
		   *sql = arena_printf(s->state.cx.arena, "SELECT %s FROM import WHERE id = :id", column);

	assert_int_equal(db_get_text(&s->state.cx, &out, sql, PARAMS(P_INT(":id", id))), RC_OK);
	return out;
}

static const char *wrong_of(struct shop *s, int64_t id)
{
	const char *out = "";

	assert_int_equal(
		db_get_text(&s->state.cx, &out,
			    "SELECT coalesce(group_concat(line || ' ' || reason, '|'), '') FROM import_row"
			    " WHERE import_id = :id AND outcome IN ('wrong', 'skip')",
			    PARAMS(P_INT(":id", id))),
		RC_OK);
	return out;
}

static void cells_mean_what_a_form_would_take(void **unused)
{
	struct shop s;
	struct work *w;
	int64_t id, job = 0;

	(void)unused;
	shop_open(&s);
	w = open_work(&s);
	id = start(&s, "people",
		   "nombre;E-mail;Size;Member;Born;Debt;Visits\r\n"
		   "Ana;ANA@Example.com;Large one;VERDADERO;29/02/2004;1.234,50;7\r\n"
		   "Beto;;large;SÍ;2004-02-29;12;\r\n"
		   "Carla;;;;;;\r\n");
	run_jobs(&s, w);
	assert_string_equal(wrong_of(&s, id), "");
	assert_string_equal(import_text(&s, id, "state"), "preview");
	assert_int_equal(state_int(&s.state, "SELECT count(*) FROM person"), 0);
	assert_int_equal(import_confirm(&s.state.cx, id, "skip", false, &job), RC_OK);
	run_jobs(&s, w);
	assert_string_equal(import_text(&s, id, "state"), "done");
	assert_int_equal(
		state_int(
			&s.state,
			"SELECT count(*) FROM person WHERE given_names = 'Ana' AND email = 'ana@example.com' AND size = 'large'"
			" AND is_member = 1 AND born_on = '2004-02-29' AND debt_cents = 123450 AND visits = 7"
			" AND search = 'ana ana@example.com' AND generation > 0 AND owner_id = 1"),
		1);
	assert_int_equal(
		state_int(
			&s.state,
			"SELECT count(*) FROM person WHERE given_names = 'Beto' AND size = 'large' AND is_member = 1"),
		1);
	/* An empty cell is the usual value of a new row. */
	assert_int_equal(
		state_int(
			&s.state,
			"SELECT count(*) FROM person WHERE given_names = 'Carla' AND size = 'small' AND visits = 0"
			" AND email IS NULL"),
		1);
	assert_int_equal(
		state_int(&s.state,
			  "SELECT count(*) FROM audit WHERE table_name = 'person' AND action = 'import'"),
		3);
	work_free(w);
	shop_close(&s);
}

static void wrong_cells_hooks_and_unique_columns_are_told_by_row(void **unused)
{
	struct shop s;
	struct work *w;
	int64_t id;

	(void)unused;
	shop_open(&s);
	w = open_work(&s);
	id = start(&s, "people",
		   "nombre,email,visits,size\n"
		   "Ana,no,100,huge\n"
		   "Forbidden,,,\n"
		   "Beto,beto@example.com,,\n"
		   "Otro,beto@example.com,,\n");
	run_jobs(&s, w);
	assert_string_equal(
		wrong_of(&s, id),
		"2 E-mail: “no” is not an e-mail address. Size: “huge” is not one of the choices. Visits: A number from 0 to 99."
		"|3 Given names: Not this name.|5 E-mail: Another one has this already; it must be unique.");
	work_free(w);
	shop_close(&s);
}

static void references_are_whole_names_or_ids(void **unused)
{
	struct shop s;
	struct work *w;
	int64_t id, ana = 0, job = 0;

	(void)unused;
	shop_open(&s);
	w = open_work(&s);
	assert_int_equal(SAVE(&s, "people", &ana, { "given_names", "Ana" }, { "surnames", "Ríos" }), RC_OK);
	id = start(&s, "pets",
		   "Name,Person\n"
		   "Tom,ana rios\n"
		   "Rex,Ana\n"
		   "Leo,Nobody\n");
	run_jobs(&s, w);
	assert_string_equal(wrong_of(&s, id), "3 Person: “Ana” was not found among: People."
					      "|4 Person: “Nobody” was not found among: People.");
	assert_int_equal(import_confirm(&s.state.cx, id, "skip", false, &job), RC_BAD_INPUT);
	assert_string_equal(import_text(&s, id, "state"), "preview");
	shop_next(&s);
	assert_int_equal(import_confirm(&s.state.cx, id, "skip", true, &job), RC_OK);
	run_jobs(&s, w);
	assert_int_equal(state_int(&s.state, "SELECT count(*) FROM pet WHERE name = 'Tom'"), 1);
	assert_int_equal(state_int(&s.state, "SELECT count(*) FROM pet"), 1);
	work_free(w);
	shop_close(&s);
}

/* Faults */

/* What a list shows. */
static int64_t visible(struct shop *s, long n)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM person WHERE given_names GLOB '%ld.*' AND generation NOT IN"
		 " (SELECT id FROM pending_generation)",
		 n);
	return state_int(&s->state, sql);
}

static int64_t changed(struct shop *s, long n)
{
	char sql[100];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM person WHERE notes = '%ld'", n);
	return state_int(&s->state, sql);
}

static const char *known_row(struct shop *s)
{
	const char *out = "";

	assert_int_equal(
		db_get_text(&s->state.cx, &out, "SELECT public_id FROM person WHERE id = 1", NO_PARAMS),
		RC_OK);
	return out;
}

/* Begun again by a person until it is over. */
static void mend(struct shop *s, struct work *w, int64_t id)
{
	for (int i = 0; i < 5 && strcmp(import_text(s, id, "state"), "committing") == 0; i++) {
		assert_int_equal(state_run(&s->state, "UPDATE job SET run_at = 0 WHERE state = 'queued'"),
				 RC_OK);
		assert_int_equal(
			state_run(&s->state, "UPDATE job SET state = 'dead' WHERE state = 'running'"), RC_OK);
		if (state_int(&s->state, "SELECT count(*) FROM job WHERE state = 'queued'") == 0)
			assert_int_equal(import_again(&s->state.cx, id), RC_OK);
		run_jobs(s, w);
	}
	assert_string_equal(import_text(s, id, "state"), "done");
}

/* Two new rows and a changed one, while the n-th call of a kind fails from the yes on. An import makes
** several hundred of them: every step-th is tried, which hits each of its transactions more than once. */
static long sweep(enum fault what, long step)
{
	struct shop s;
	struct work *w;
	int64_t ana = 0;
	long n;

	shop_open(&s);
	w = open_work(&s);
	assert_int_equal(SAVE(&s, "people", &ana, { "given_names", "Ana" }), RC_OK);
	assert_int_equal(ana, 1);
	for (n = 1; n < FAULTS_MOST; n += step) {
		int64_t id, job = 0, seen;
		bool was_hit;

		shop_next(&s);
		id = start(&s, "people",
			   arena_printf(s.state.cx.arena, "id,nombre,notes\n%s,,%ld\n,%ld.a,\n,%ld.b,\n",
					known_row(&s), n, n, n));
		run_jobs(&s, w);
		assert_int_equal(import_confirm(&s.state.cx, id, "update", false, &job), RC_OK);
		fault_at(what, n, false);
		run_jobs(&s, w);
		was_hit = fault_fired();
		fault_at(FAULT_NONE, 0, false);
		assert_false(tx_is_open(&s.state.cx));
		seen = visible(&s, n);
		assert_true(seen == 0 || seen == 2);
		assert_int_equal(changed(&s, n), seen / 2);
		mend(&s, w, id);
		assert_int_equal(visible(&s, n), 2);
		assert_int_equal(changed(&s, n), 1);
		assert_int_equal(state_int(&s.state, "SELECT count(*) FROM pending_generation"), 0);
		assert_int_equal(
			state_int(
				&s.state,
				"SELECT count(*) - count(DISTINCT row_id) FROM audit WHERE table_name = 'person'"
				" AND row_id > 1"),
			0);
		if (!was_hit) break;
	}
	assert_true(n > 1 && n < FAULTS_MOST);
	work_free(w);
	shop_close(&s);
	return n;
}

static void a_write_that_fails_anywhere_leaves_all_or_nothing(void **unused)
{
	(void)unused;
	assert_true(sweep(FAULT_WRITE, 4) > 50);
}

static void a_sync_that_fails_anywhere_leaves_all_or_nothing(void **unused)
{
	(void)unused;
	assert_true(sweep(FAULT_SYNC, 2) > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_found_by_title_name_or_alias_in_any_order),
		cmocka_unit_test(a_heading_that_cannot_serve_is_refused_in_one_sentence),
		cmocka_unit_test(the_first_of_a_key_is_remembered_up_to_the_limit),
		cmocka_unit_test(cells_mean_what_a_form_would_take),
		cmocka_unit_test(wrong_cells_hooks_and_unique_columns_are_told_by_row),
		cmocka_unit_test(references_are_whole_names_or_ids),
		cmocka_unit_test(a_write_that_fails_anywhere_leaves_all_or_nothing),
		cmocka_unit_test(a_sync_that_fails_anywhere_leaves_all_or_nothing),
	};

	faults_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
