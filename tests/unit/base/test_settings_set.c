/*
** test_settings_set.c -- several changes of the INI file in one save: all of them or none, whatever breaks.
*/
#include "base/mem.h"
#include "base/seal.h"
#include "base/settings_inside.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const char *no_fridays(const char *value, struct arena *a, enum lang lang)
{
	(void)lang;
	return strcmp(value, "friday") == 0 ? arena_printf(a, "cannot be %s", value) : NULL;
}

static const struct setting rows[] = {
	{ .name = "business.name", .type = SET_TEXT, .def = "Shop", .max = 20, .help = "Name" },
	{ .name = "business.day", .type = SET_TEXT, .def = "", .refuse = no_fridays, .help = "Day" },
	{ .name = "outbox.slots", .type = SET_INT, .def = "8", .min = 1, .max = 64, .help = "Slots" },
	{ .name = "whatsapp.api_key", .type = SET_TEXT, .def = "", .is_secret = true, .help = "Key" },
	{ .name = "web.listen", .type = SET_TEXT, .def = "a", .needs_restart = true, .help = "Where" },
	{ .name = "quiet.from", .type = SET_HHMM, .def = "21:00", .help = "From" },
	{ .name = NULL },
};
static const struct setting *const tables[] = { rows, NULL };

static const char before[] = "; mine\n[business]\nname = Old  ; not a comment\n\n[outbox]\n;slots = 8\n";
static const char after[] =
	"; mine\n[business]\nname = New\nday = monday\n\n[outbox]\n;slots = 8\nslots = 9\n";

static char folder[64], path[96];
static struct arena *arena;
static struct settings *s;
static const char *why;

static void write_ini(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static const char *read_ini(void)
{
	static char text[300 * 1024];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static void load(const char *text)
{
	settings_free(s);
	s = NULL;
	write_ini(text);
	assert_int_equal(settings_load(&s, tables, path, arena, LANG_EN, &why), RC_OK);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/recado-set-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/recado.ini", folder);
	arena = arena_new(64 * 1024 * 1024);
	s = NULL;
	if (!arena || seal_start() != RC_OK || words_load() != RC_OK) return -1;
	load(before);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	settings_fail(0);
	settings_free(s);
	unlink(path);
	assert_int_equal(rmdir(folder), 0); /* nothing else was left in it */
	arena_free(arena);
	return 0;
}

#define SET(list) settings_set_many(s, (list), sizeof(list) / sizeof((list)[0]), NULL, arena, LANG_EN, &why)

static void several_values_are_saved_in_one_rewrite(void **state)
{
	struct setting_change all[] = { { .name = "business.name", .value = "  New " },
					{ .name = "business.day", .value = "monday" },
					{ .name = "outbox.slots", .value = "9" } };

	(void)state;
	assert_int_equal(SET(all), RC_OK);
	assert_string_equal(read_ini(), after);
	/* not read again yet */
	assert_string_equal(setting_text(s, "business.name"), "Old  ; not a comment");
	assert_int_equal(settings_reload(s, arena, LANG_EN, &why), RC_OK);
	assert_string_equal(setting_text(s, "business.name"), "New");
	assert_int_equal(setting_int(s, "outbox.slots"), 9);
}

static void all_that_is_wrong_is_told_and_nothing_is_written(void **state)
{
	struct setting_change all[] = { { .name = "business.name", .value = "New" },
					{ .name = "outbox.slots", .value = "65" },
					{ .name = "business.day", .value = "friday" },
					{ .name = "quiet.from", .value = "25:00" },
					{ .name = "outbox.slotz", .value = "1" } };

	(void)state;
	assert_int_equal(SET(all), RC_BAD_INPUT);
	assert_null(all[0].why);
	assert_string_equal(all[1].why, "should be a whole number from 1 to 64, not “65”");
	assert_string_equal(all[2].why, "cannot be friday");
	assert_string_equal(all[3].why, "should be a time from 00:00 to 23:59, not “25:00”");
	assert_string_equal(all[4].why, "is no setting");
	assert_string_equal(why, "“outbox.slots” should be a whole number from 1 to 64, not “65”.");
	assert_string_equal(read_ini(), before);
}

static void a_line_feed_in_a_value_is_no_second_setting(void **state)
{
	static const char *const hostile[] = { "x\nslots = 1", "x\r[outbox]", "x\x01y", "\xff\xfe", "x\x7f" };

	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct setting_change all[] = { { .name = "business.name", .value = hostile[i] } };

		assert_int_equal(SET(all), RC_BAD_INPUT);
		assert_string_equal(read_ini(), before);
	}
}

static void signs_of_comments_blanks_and_foreign_letters_come_back_as_they_were(void **state)
{
	static const struct {
		const char *given, *kept;
	} values[] = { { "a ; b # c", "a ; b # c" },
		       { "; a", "; a" },
		       { "# a = b", "# a = b" },
		       { "[a]", "[a]" },
		       { "= a : b", "= a : b" },
		       { " \t a  b \t ", "a  b" },
		       { "\"a\"", "\"a\"" },
		       { "Ñandú 北京 🙂", "Ñandú 北京 🙂" },
		       { "a\tb", "a\tb" } };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct setting_change all[] = { { .name = "business.name", .value = values[i].given } };

		if (SET(all) != RC_OK) fail_msg("%s: %s", values[i].given, why);
		assert_int_equal(settings_reload(s, arena, LANG_EN, &why), RC_OK);
		assert_string_equal(setting_text(s, "business.name"), values[i].kept);
	}
}

static void the_longest_value_fits_and_one_more_letter_does_not(void **state)
{
	struct setting_change fits[] = { { .name = "business.name", .value = "ññññññññññññññññññññ" } };
	struct setting_change more[] = { { .name = "business.name", .value = "ñññññññññññññññññññññ" } };

	(void)state;
	assert_int_equal(SET(fits), RC_OK);
	assert_int_equal(SET(more), RC_BAD_INPUT);
}

static void a_file_with_a_key_twice_is_told_and_stays(void **state)
{
	static const char twice[] = "[outbox]\nslots = 8\nslots = 9\n";
	struct setting_change all[] = { { .name = "business.name", .value = "New" } };

	(void)state;
	write_ini(twice);
	assert_int_equal(SET(all), RC_BAD_INPUT);
	assert_non_null(strstr(why, "line 3"));
	assert_string_equal(read_ini(), twice);
}

static void what_somebody_changed_meanwhile_is_not_written_over(void **state)
{
	struct setting_change all[] = { { .name = "business.name", .value = "New" } };
	char seen[SETTINGS_SEEN_SIZE];

	(void)state;
	settings_seen(s, seen);
	assert_false(settings_are_stale(s));
	write_ini("[business]\nname = By hand\n");
	assert_true(settings_are_stale(s));
	assert_int_equal(settings_set_many(s, all, 1, seen, arena, LANG_EN, &why), RC_CONFLICT);
	assert_non_null(strstr(why, "changed meanwhile"));
	assert_string_equal(read_ini(), "[business]\nname = By hand\n");
	settings_seen(s, seen);
	assert_int_equal(settings_set_many(s, all, 1, seen, arena, LANG_EN, &why), RC_OK);
	assert_string_equal(read_ini(), "[business]\nname = New\n");
}

static void what_is_read_at_the_start_waits_for_the_next(void **state)
{
	struct setting_change all[] = { { .name = "web.listen", .value = "b" } };

	(void)state;
	assert_int_equal(SET(all), RC_OK);
	assert_int_equal(settings_reload(s, arena, LANG_EN, &why), RC_OK);
	assert_string_equal(setting_text(s, "web.listen"), "a");
	assert_string_equal(settings_shown(s, "web.listen"), "b");
	assert_true(settings_waits(s, "web.listen"));
	assert_false(settings_waits(s, "business.name"));
	all[0].value = NULL;
	assert_int_equal(SET(all), RC_OK);
	assert_int_equal(settings_reload(s, arena, LANG_EN, &why), RC_OK);
	assert_false(settings_waits(s, "web.listen"));
	assert_int_equal(settings_override(s, "web.listen", "c"), RC_OK);
	assert_string_equal(setting_text(s, "web.listen"), "c");
}

static mode_t mode_of(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void whatever_step_of_the_rewrite_fails_the_file_is_the_old_or_the_new_one(void **state)
{
	long n;

	(void)state;
	for (n = 1;; n++) {
		struct setting_change all[] = { { .name = "business.name", .value = "New" },
						{ .name = "business.day", .value = "monday" },
						{ .name = "outbox.slots", .value = "9" } };
		const char *now;
		enum rc rc;

		write_ini(before);
		assert_int_equal(chmod(path, 0640), 0);
		settings_fail(n);
		rc = SET(all);
		now = read_ini();
		assert_true(strcmp(now, before) == 0 || strcmp(now, after) == 0);
		assert_int_equal(mode_of(), 0640);
		assert_int_not_equal(access(arena_printf(arena, "%s.new", path), F_OK), 0);
		if (!settings_fail_fired()) {
			assert_int_equal(rc, RC_OK);
			assert_string_equal(now, after);
			break;
		}
		assert_int_not_equal(rc, RC_OK);
		assert_non_null(strstr(why, path)); /* a sentence that names the file */
	}
	assert_true(n > 5); /* open, chmod, write, sync, rename, sync of the folder */
}

static void without_memory_nothing_is_written(void **state)
{
	(void)state;
	for (long n = 1;; n++) {
		struct setting_change all[] = { { .name = "business.name", .value = "New" },
						{ .name = "outbox.slots", .value = "9" } };
		struct arena *small = arena_new(4 * 1024 * 1024);
		enum rc rc;

		assert_non_null(small);
		write_ini(before);
		mem_fail(n, false);
		rc = settings_set_many(s, all, 2, NULL, small, LANG_EN, &why);
		if (!mem_fail_fired()) n = -1;
		mem_fail(0, false);
		assert_true(rc == RC_OK || strcmp(read_ini(), before) == 0);
		arena_free(small);
		if (n < 0) {
			assert_int_equal(rc, RC_OK);
			break;
		}
	}
}

static void what_a_kill_left_beside_the_file_is_gone_after_the_next_start(void **state)
{
	const char *aside;
	int fd;

	(void)state;
	aside = arena_printf(arena, "%s.new", path);
	fd = open(aside, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	load(before);
	assert_int_not_equal(access(aside, F_OK), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(several_values_are_saved_in_one_rewrite),
		TEST(all_that_is_wrong_is_told_and_nothing_is_written),
		TEST(a_line_feed_in_a_value_is_no_second_setting),
		TEST(signs_of_comments_blanks_and_foreign_letters_come_back_as_they_were),
		TEST(the_longest_value_fits_and_one_more_letter_does_not),
		TEST(a_file_with_a_key_twice_is_told_and_stays),
		TEST(what_somebody_changed_meanwhile_is_not_written_over),
		TEST(what_is_read_at_the_start_waits_for_the_next),
		TEST(whatever_step_of_the_rewrite_fails_the_file_is_the_old_or_the_new_one),
		TEST(without_memory_nothing_is_written),
		TEST(what_a_kill_left_beside_the_file_is_gone_after_the_next_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
