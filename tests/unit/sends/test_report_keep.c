/* sends/report_keep.c, target_leave.c, load.c: rows leave when their days are over or a person asks for it;
** loads and copies that happen at once do each other no harm. */
#include "report_house.h"

#include "base/clock.h"
#include "base/gentle.h"
#include <pthread.h>

#define ONE_DAY                                                               \
	HEADING "Hola,a@b.ec,A,ana@x.ec,Sent,2025-11-20 10:00:00,2,1\r\n"     \
		"Hola,a@b.ec,A,eva@x.ec,Rejected,2025-11-20 11:00:00,0,0\r\n" \
		"Tu saldo Ana,a@b.ec,A,ANA@x.ec,Sent,2025-11-20 12:00:00,1,0\r\n"
#define ALL_ROWS                                                                                       \
	"SELECT (SELECT count(*) FROM reports_deliveries) || ' ' || (SELECT count(*) FROM"             \
	" reports_deliveries_rows) || ' ' || (SELECT count(*) FROM analytics_reports_deliveries_rows)" \
	" || ' ' || (SELECT count(*) FROM report_load)"

static int64_t number(const char *sql)
{
	return state_int(&s, sql);
}

static void rows_and_files_go_a_day_after_their_days_and_can_be_asked_for_again(void **unused)
{
	int64_t id, young, rows = 0;

	(void)unused;
	house_open("yes");
	id = a_report("deliveries", "2025-11-20", "2025-11-20", a_file(ONE_DAY));
	assert_int_equal(load(id, "default", false, &rows), RC_OK);
	assert_int_equal(load(id, "analytics", false, &rows), RC_OK);
	assert_int_equal(
		state_run(&s,
			  "UPDATE generated_report SET asked_at = 1763800000000, created_at = 1763800000000"),
		RC_OK);
	clock_shift(s.env.clock, 730 * DAY_MS - HOUR_MS);
	young = a_report("deliveries", "2027-11-20", "2027-11-20",
			 a_file(HEADING "Hola,a,A,leo@x.ec,Sent,2027-11-20,0,0\n"));
	assert_int_equal(
		state_run(&s,
			  "UPDATE generated_report SET asked_at = 1826000000000, created_at = 1826000000000"
			  " WHERE asked_at IS NULL"),
		RC_OK);
	assert_int_equal(load(young, "default", false, &rows), RC_OK);
	assert_int_equal(reports_retention(&s.cx, NULL), RC_OK);
	assert_string_equal(told("default", ALL_ROWS), "4 4 3 3"); /* an hour too early */
	clock_shift(s.env.clock, 2 * HOUR_MS);
	assert_int_equal(reports_retention(&s.cx, NULL), RC_OK);
	assert_string_equal(told("default", ALL_ROWS), "1 1 0 1");
	assert_int_equal(number("SELECT count(*) FROM generated_report WHERE loaded_in <> ''"), 1);
	assert_int_equal(number("SELECT count(*) FROM file WHERE archived_at IS NULL"), 1);
	/* Its line stays, and says what to do for its rows. */
	assert_int_equal(
		number("SELECT count(*) FROM generated_report WHERE state = 'READY' AND file_id > 0"), 2);
	assert_int_equal(load(id, "default", false, &rows), RC_NOT_FOUND);
	assert_string_equal(s.cx.error_code, "report_file_missing");
	/* The next load takes a number of its own. */
	assert_int_equal(load(young, "default", true, &rows), RC_OK);
	assert_string_equal(told("default", ALL_ROWS), "1 1 0 1");
	house_close();
}

static void a_load_under_way_is_not_cleaned_from_under_its_feet(void **unused)
{
	int64_t rows = 0, files = 0;

	(void)unused;
	house_open("");
	assert_true(report_task_begin(TASK_LOAD));
	assert_int_equal(reports_retention(&s.cx, NULL), RC_TRY_LATER);
	assert_int_equal(reports_forget_person(&s.cx, "ana@x.ec", &rows, &files), RC_TRY_LATER);
	assert_string_equal(s.cx.error_code, LOAD_BUSY);
	report_task_end(TASK_LOAD);
	house_close();
}

static void a_person_who_asks_for_it_is_in_no_place_and_no_file_any_more(void **unused)
{
	int64_t id, other, rows = 0, files = 0;
	char path[128];

	(void)unused;
	snprintf(path, sizeof(path), "/tmp/recado-test-person-%ld.db", (long)getpid());
	house_open(path);
	id = a_report("deliveries", "2025-11-20", "2025-11-20", a_file(ONE_DAY));
	other = a_report("clicks", "2025-11-21", "2025-11-21",
			 a_file("Correo;Nombre;Veces\nAna@X.ec;Ana Paz;3\neva@x.ec;Eva;1\n"));
	(void)a_report("deliveries", "2025-11-22", "2025-11-22",
		       a_file(HEADING "Hola,a,A,susana@x.ec,Sent,2025-11-22,0,0\n"));
	assert_int_equal(load(id, "default", false, &rows), RC_OK);
	assert_int_equal(load(id, "analytics", false, &rows), RC_OK);
	assert_int_equal(load(other, "default", false, &rows), RC_OK);
	assert_int_equal(reports_forget_person(&s.cx, " ana@x.ec", &rows, &files), RC_OK);
	assert_int_equal(rows, 5);
	assert_int_equal(files, 2);
	for (int i = 0; i < 2; i++)
		assert_string_equal(
			told(i == 0 ? "default" : "analytics",
			     "SELECT group_concat(coalesce(subject, '-') || ' ' || email || ' ' || status || ' ' || opens, ', ')"
			     " FROM (SELECT * FROM reports_deliveries ORDER BY id)"),
			"- *** Sent 2, Hola eva@x.ec Rejected 0, - *** Sent 1");
	assert_string_equal(
		told("default",
		     "SELECT group_concat(correo || ' ' || coalesce(nombre, '-') || ' ' || veces, ', ') FROM (SELECT * FROM"
		     " reports_clicks ORDER BY id)"),
		"*** - 3, eva@x.ec Eva 1");
	/* Whose file is gone cannot come back by loading it again. */
	assert_int_equal(load(id, "default", true, &rows), RC_NOT_FOUND);
	assert_int_equal(number("SELECT count(*) FROM file WHERE archived_at IS NULL"), 1);
	assert_int_equal(reports_forget_person(&s.cx, "ana@x.ec", &rows, &files), RC_OK);
	assert_int_equal(rows + files, 0);
	house_close();
	unlink(path);
}

static void an_address_is_found_alone_and_not_within_another(void **unused)
{
	static const struct {
		const char *file;
		bool is_there;
	} cases[] = {
		{ "ana@x.ec", true },
		{ "a,\"ANA@X.EC\",b", true },
		{ "x;ana@x.ec.", true },
		{ "susana@x.ec", false },
		{ "ana@x.ec.uno", false },
		{ "ana@x.ecu", false },
		{ "b.ana@x.ec", false },
		{ "ana@x.e", false },
		{ "@x.ec", false },
		{ "ana@@x.ec, ana@x.ec", true },
		{ "", false },
		{ "ana@x.ec-1", false },
		{ "\xf1"
		  "ana@x.ec",
		  true },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* of just this length: a byte behind it is nobody's */
		size_t n = strlen(cases[i].file);
		char *exact = malloc(n > 0 ? n : 1);

		assert_non_null(exact);
		memcpy(exact, cases[i].file, n);
		assert_int_equal(report_names_person((struct bytes){ exact, n }, "ana@x.ec"),
				 cases[i].is_there);
		free(exact);
	}
}

/* At once */

struct loader {
	pthread_t thread;
	int64_t id, rows;
	const char *alias;
	enum rc rc;
	_Atomic bool *is_over; /* of who copies meanwhile */
	int copies;
};

static void begin_thread(struct cx *cx, struct arena **arena)
{
	struct db *db = NULL;

	*arena = arena_new(STATE_ARENA_MAX);
	assert_non_null(*arena);
	assert_int_equal(db_open(&db, s.env.store), RC_OK);
	cx_init(cx, &s.env, *arena, db);
}

static void end_thread(struct cx *cx, struct arena *arena)
{
	db_close(cx->db);
	arena_free(arena);
}

static void *load_on_own_thread(void *arg)
{
	struct loader *l = arg;
	struct arena *arena;
	struct cx cx;

	begin_thread(&cx, &arena);
	do {
		cx_reset(&cx);
		l->rc = report_load(&cx, NULL, &l->rows, l->id, l->alias, false);
		if (l->rc == RC_TRY_LATER) usleep(1000);
	} while (l->rc == RC_TRY_LATER);
	end_thread(&cx, arena);
	return NULL;
}

/* What a backup does with reports.db: each copy is whole and shows whole loads. */
static void *copy_meanwhile(void *arg)
{
	struct loader *l = arg;
	struct arena *arena;
	char from[600], to[600];
	struct cx cx;

	begin_thread(&cx, &arena);
	snprintf(from, sizeof(from), "%s/" REPORTS_FILE, s.dir);
	snprintf(to, sizeof(to), "%s/copy.db", s.dir);
	for (bool is_last = false; !is_last && l->rc == RC_OK;) {
		struct gentle g;
		const char *why = "";
		struct db *copy = NULL, *house;
		int64_t torn = -1;

		is_last = *l->is_over;
		cx_reset(&cx);
		gentle_init(&g, NULL);
		l->rc = db_snapshot_of(&cx, from, to, &g);
		if (l->rc == RC_OK) l->rc = db_verify_gently(&cx, to, false, &why, &g);
		if (l->rc == RC_OK) l->rc = db_open_path(&copy, to, true);
		if (l->rc != RC_OK) break;
		house = cx_swap_db(&cx, copy);
		l->rc = db_get_int(
			&cx, &torn,
			"SELECT count(*) FROM report_generation g WHERE state = 'live' AND rows <>"
			" (SELECT count(*) FROM reports_deliveries_rows r WHERE r.id >= g.id << 40 AND r.id <"
			" (g.id + 1) << 40) + (SELECT count(*) FROM analytics_reports_deliveries_rows r"
			" WHERE r.id >= g.id << 40 AND r.id < (g.id + 1) << 40)",
			NO_PARAMS);
		cx_swap_db(&cx, house);
		db_close(copy);
		if (l->rc == RC_OK && torn != 0) l->rc = RC_BUG;
		l->copies++;
	}
	end_thread(&cx, arena);
	return NULL;
}

#define MANY 3000

static const char *many_rows(const char *on)
{
	struct sb sb;

	sb_init_arena(&sb, s.forever, 1024 * 1024);
	sb_lit(&sb, HEADING);
	for (int i = 0; i < MANY; i++)
		sb_printf(&sb, "Hola,a@b.ec,A,p%d@x.ec,Sent,%s 10:00:00,0,0\n", i, on);
	return sb_text_of(&sb);
}

static void loads_at_once_and_a_copy_meanwhile_do_each_other_no_harm(void **unused)
{
	_Atomic bool is_over = false;
	struct loader l[4] = { { .alias = "default" },
			       { .alias = "default" },
			       { .alias = "analytics" },
			       { .alias = "default" } };
	struct loader copier = { .is_over = &is_over };

	(void)unused;
	house_open("yes");
	l[0].id = l[2].id = l[3].id =
		a_report("deliveries", "2025-11-20", "2025-11-20", a_file(many_rows("2025-11-20")));
	l[1].id = a_report("deliveries", "2025-11-21", "2025-11-21", a_file(many_rows("2025-11-21")));
	assert_string_equal(told("default", ALL_ROWS), "0 0 0 0"); /* the file is there */
	assert_int_equal(pthread_create(&copier.thread, NULL, copy_meanwhile, &copier), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&l[i].thread, NULL, load_on_own_thread, &l[i]), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(l[i].thread, NULL);
	is_over = true;
	pthread_join(copier.thread, NULL);
	/* The same report twice into one place: one of them loads, the other is told so. */
	assert_true((l[0].rc == RC_OK && l[3].rc == RC_CONFLICT) ||
		    (l[0].rc == RC_CONFLICT && l[3].rc == RC_OK));
	assert_int_equal(l[1].rc, RC_OK);
	assert_int_equal(l[2].rc, RC_OK);
	assert_int_equal(copier.rc, RC_OK);
	assert_true(copier.copies > 0);
	assert_string_equal(told("default", ALL_ROWS), "6000 6000 3000 3");
	assert_int_equal(
		number("SELECT count(*) FROM generated_report WHERE loaded_in = 'default, analytics'"), 1);
	assert_int_equal(number("SELECT count(*) FROM generated_report WHERE loaded_in = 'default'"), 1);
	house_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_and_files_go_a_day_after_their_days_and_can_be_asked_for_again),
		cmocka_unit_test(a_load_under_way_is_not_cleaned_from_under_its_feet),
		cmocka_unit_test(a_person_who_asks_for_it_is_in_no_place_and_no_file_any_more),
		cmocka_unit_test(an_address_is_found_alone_and_not_within_another),
		cmocka_unit_test(loads_at_once_and_a_copy_meanwhile_do_each_other_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
