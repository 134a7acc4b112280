/*
** test_alarm_host.c -- a machine that runs short, raised for real: its /proc is a folder, its minutes are
** counted.
*/
#include "state.h"

#include "ops/alarm.h"
#include "ops/ops.h"
#include "web/web.h"

static struct state s;
static int64_t now_ticks;

static int64_t ticks(void)
{
	return now_ticks;
}

static void put(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", s.dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* What the machine says: percent of its memory in use, megabytes of ours, and what the processor did so
** far. */
static void machine(int memory, int64_t own_mb, int64_t busy, int64_t idle)
{
	char text[256];

	snprintf(text, sizeof(text), "MemTotal: 100 kB\nMemAvailable: %d kB\n", 100 - memory);
	put("proc/meminfo", text);
	snprintf(text, sizeof(text), "%lld %lld 1 1 0 1 0\n", (long long)1,
		 (long long)own_mb * 1024 * 1024 / sysconf(_SC_PAGESIZE));
	put("proc/self/statm", text);
	snprintf(text, sizeof(text), "cpu  %lld 0 0 %lld 0 0 0 0\n", (long long)busy, (long long)idle);
	put("proc/stat", text);
}

/* One look, a minute later. */
static void minute(int64_t silent_ms)
{
	now_ticks += MINUTE_MS;
	alarms_tick(&s.cx, silent_ms);
	cx_reset(&s.cx);
}

static int64_t is_open(const char *key, const char *severity)
{
	int64_t n = 0;

	assert_int_equal(db_get_int(&s.cx, &n,
				    "SELECT count(*) FROM alert WHERE key = :key AND severity = :severity"
				    " AND resolved_at IS NULL",
				    PARAMS(P_TEXT(":key", key), P_TEXT(":severity", severity))),
			 RC_OK);
	return n;
}

static void a_machine_that_runs_short_is_told_after_five_minutes_and_so_is_its_end(void **state)
{
	int64_t busy = 1000, idle = 1000;

	(void)state;
	machine(85, 300, busy, idle);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(is_open("memory.low:machine", "warning"), 0);
		assert_int_equal(is_open("memory.low:own", "warning"), 0);
		assert_int_equal(is_open("processor.busy", "warning"), 0);
		machine(85, 300, busy += 45, idle += 15);
		minute(0);
	}
	/* The first look was after two minutes; five later it is told. */
	machine(85, 300, busy += 45, idle += 15);
	minute(0);
	assert_int_equal(is_open("memory.low:machine", "warning"), 1);
	assert_int_equal(is_open("memory.low:own", "warning"), 1);
	assert_int_equal(is_open("processor.busy", "warning"), 1);
	for (int i = 0; i < 6; i++) {
		machine(95, 300, busy += 60, idle);
		minute(0);
	}
	assert_int_equal(is_open("memory.low:machine", "urgent"), 1);
	assert_int_equal(is_open("memory.low:machine", "warning"), 0);
	assert_int_equal(is_open("processor.busy", "urgent"), 1);
	for (int i = 0; i < 6; i++) {
		machine(20, 20, busy, idle += 60);
		minute(0);
	}
	assert_int_equal(state_int(&s, "SELECT count(*) FROM alert WHERE resolved_at IS NULL"), 0);
	assert_true(state_int(&s, "SELECT count(*) FROM alert") >= 5);
}

static void a_scheduler_that_is_silent_for_three_minutes_is_told_and_its_next_look_is_the_end(void **state)
{
	(void)state;
	minute(3 * MINUTE_MS);
	assert_int_equal(is_open("work.silent", "urgent"), 0);
	minute(3 * MINUTE_MS + 1);
	assert_int_equal(is_open("work.silent", "urgent"), 1);
	minute(20 * SECOND_MS);
	assert_int_equal(is_open("work.silent", "urgent"), 0);
}

int main(void)
{
	static const struct setting *const tables[] = { alarm_settings, ops_settings,     backup_settings,
							web_settings,   storage_settings, NULL };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_that_runs_short_is_told_after_five_minutes_and_so_is_its_end),
		cmocka_unit_test(
			a_scheduler_that_is_silent_for_three_minutes_is_told_and_its_next_look_is_the_end),
	};
	const char *why = "";
	char path[512];
	int failed;

	state_open(&s, 0);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", s.dir, i == 0 ? "proc" : "proc/self");
		if (mkdir(path, 0700) != 0) return 1;
	}
	if (settings_load(&s.env.settings, tables, NULL, s.forever, LANG_EN, &why) != RC_OK) return 1;
	/* A disk that is full here is no matter of this test. */
	if (settings_override(s.env.settings, "alerts.disk_warn_percent", "100") != RC_OK ||
	    settings_override(s.env.settings, "alerts.disk_urgent_percent", "100") != RC_OK)
		return 1;
	now_ticks = 1;
	alarm_machine(s.dir, ticks);
	machine(10, 20, 0, 0);
	alarms_tick(&s.cx, 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	settings_free(s.env.settings);
	state_close(&s);
	return failed;
}
