/*
** test_backup_ini.c -- a settings file put back on another machine: the business comes along, the machine
** stays.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ops/backup_ini.h"
#include "ops/ops.h"
#include "web/web.h"

static struct arena *arena;
static struct settings *settings;

static int set_up(void **state)
{
	static const struct setting *const tables[] = { web_settings, ops_settings, backup_settings,
							storage_settings, NULL };
	const char *why = "";

	(void)state;
	arena = arena_new((size_t)4 * 1024 * 1024);
	return settings_load(&settings, tables, NULL, arena, LANG_EN, &why) == RC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	settings_free(settings);
	arena_free(arena);
	return 0;
}

static struct ini_back back;

static const char *put_back(const char *text, const char *now)
{
	back = (struct ini_back){ value_list(arena), value_list(arena) };
	return ini_put_back(arena, settings, text, now, &back);
}

static const char *kept(size_t i, const char *what)
{
	const struct value *v = back.kept->first;

	while (v != NULL && i-- > 0)
		v = v->next;
	return v != NULL ? value_text_of(value_get(v, what), "?") : "none";
}

static void what_belongs_to_a_machine_is_known_to_the_tables(void **state)
{
	(void)state;
	for (size_t i = 0; ini_of_machine[i] != NULL; i++)
		assert_non_null(settings_find(settings, ini_of_machine[i]));
}

static void the_machine_keeps_its_own_and_the_business_comes_along(void **state)
{
	const char *text = "[web]\nlisten = 0.0.0.0:80\n[business]\nname = Ana\n[s3]\nprefix = tienda\n";

	(void)state;
	assert_string_equal(put_back(text, "[web]\nlisten = 127.0.0.1:9000\n[business]\nname = Bea\n"),
			    "[web]\nlisten = 127.0.0.1:9000\n[business]\nname = Ana\n[s3]\n"
			    "; of the machine of the backup: prefix = tienda\n");
	assert_int_equal(back.kept->count, 2);
	assert_string_equal(kept(0, "name"), "web.listen");
	assert_string_equal(kept(0, "here"), "127.0.0.1:9000");
	assert_string_equal(kept(0, "there"), "0.0.0.0:80");
	assert_string_equal(kept(1, "name"), "s3.prefix");
	assert_string_equal(kept(1, "here"), "recado");
	assert_string_equal(kept(1, "there"), "tienda");
}

static void a_backup_of_somebody_else_writes_nothing_odd_to_the_screen(void **state)
{
	(void)state;
	(void)put_back("[web]\nlisten = a\033]0;b\177\n[s3]\nprefix = \xff\n", "");
	assert_int_equal(back.kept->count, 2);
	assert_string_equal(kept(0, "there"), "a?]0;b?");
	assert_string_equal(kept(1, "there"), "?");
}

static void what_only_this_machine_says_is_added(void **state)
{
	(void)state;
	assert_string_equal(put_back("[business]\nname = Ana\n", "[backup]\nfolder = /mnt/disk\ndaily = 3\n"),
			    "[business]\nname = Ana\n[backup]\nfolder = /mnt/disk\n");
	assert_int_equal(back.kept->count, 1);
	assert_string_equal(kept(0, "there"), "");
}

static void the_same_on_both_is_not_worth_a_word(void **state)
{
	const char *text = "[web]\nlisten = 127.0.0.1:9000\n[s3]\nprefix = recado\n";

	(void)state;
	(void)put_back(text, "[web]\nlisten = 127.0.0.1:9000\n");
	assert_int_equal(back.kept->count, 0);
	assert_string_equal(put_back(text, text), text);
	assert_int_equal(back.kept->count, 0);
}

static void a_secret_comes_from_here_or_has_to_be_entered(void **state)
{
	const char *text = "[s3]\n; left out of the backup: secret\n";

	(void)state;
	assert_string_equal(put_back(text, "[s3]\nsecret = abc\n"), "[s3]\nsecret = abc\n");
	assert_int_equal(back.to_enter->count, 0);
	assert_string_equal(put_back(text, ""), text);
	assert_string_equal(value_text_of(back.to_enter->first, ""), "s3.secret");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_belongs_to_a_machine_is_known_to_the_tables),
		cmocka_unit_test(the_machine_keeps_its_own_and_the_business_comes_along),
		cmocka_unit_test(a_backup_of_somebody_else_writes_nothing_odd_to_the_screen),
		cmocka_unit_test(what_only_this_machine_says_is_added),
		cmocka_unit_test(the_same_on_both_is_not_worth_a_word),
		cmocka_unit_test(a_secret_comes_from_here_or_has_to_be_entered),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
