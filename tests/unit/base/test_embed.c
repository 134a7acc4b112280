/*
** test_embed.c -- what travels inside the binary can be found by name.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/embed.h"

static void every_file_is_found_by_its_own_name(void **state)
{
	(void)state;
	assert_true(embed_count() > 100);
	for (size_t i = 0; i < embed_count(); i++)
		assert_ptr_equal(embed_find(embed_at(i)->name), embed_at(i));
}

static void names_are_sorted_and_each_is_there_once(void **state)
{
	(void)state;
	for (size_t i = 1; i < embed_count(); i++)
		assert_true(strcmp(embed_at(i - 1)->name, embed_at(i)->name) < 0);
}

static void a_text_file_ends_in_a_nul_beyond_its_length(void **state)
{
	const struct embedded *po = embed_find("etc/po/es.po");

	(void)state;
	assert_non_null(po);
	assert_true(po->len > 0);
	assert_int_equal(po->data[po->len], 0);
	assert_int_equal(strlen((const char *)po->data), po->len);
}

static void the_zones_of_the_region_are_inside(void **state)
{
	static const char *const zones[] = { "zone/America/Guayaquil", "zone/America/Lima",
					     "zone/America/Bogota",    "zone/America/Santiago",
					     "zone/Europe/Madrid",     "zone/Etc/UTC" };

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		const struct embedded *z = embed_find(zones[i]);

		assert_non_null(z);
		assert_true(z->len > 44);
		assert_memory_equal(z->data, "TZif", 4);
	}
}

static void a_name_that_is_not_there_is_not_found(void **state)
{
	(void)state;
	assert_null(embed_find(""));
	assert_null(embed_find("zone/America/Guayaqui"));
	assert_null(embed_find("zone/America/Guayaquil/"));
	assert_null(embed_find("\xff"));
	assert_null(embed_at(embed_count()));
	assert_null(embed_at(SIZE_MAX));
}

static void walking_from_a_prefix_meets_all_its_files(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = embed_first("zone/America/Argentina/"); embed_at(i) != NULL; i++) {
		if (strncmp(embed_at(i)->name, "zone/America/Argentina/", 23) != 0) break;
		n++;
	}
	assert_true(n >= 10);
	assert_int_equal(embed_first("\xff"), embed_count());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_is_found_by_its_own_name),
		cmocka_unit_test(names_are_sorted_and_each_is_there_once),
		cmocka_unit_test(a_text_file_ends_in_a_nul_beyond_its_length),
		cmocka_unit_test(the_zones_of_the_region_are_inside),
		cmocka_unit_test(a_name_that_is_not_there_is_not_found),
		cmocka_unit_test(walking_from_a_prefix_meets_all_its_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
