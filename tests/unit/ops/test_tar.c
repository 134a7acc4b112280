/*
** test_tar.c -- the heads of a backup's members: what we write is known again, and nothing else is let in.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ops/tar.h"
#include <string.h>

static enum rc header_with_name(const char *name)
{
	struct tar_entry entry;
	unsigned char block[TAR_BLOCK];
	enum rc rc = tar_make(block, name, 1, 0);

	return rc == RC_OK ? tar_header(&entry, block) : rc;
}

static void what_is_written_is_known_again(void **state)
{
	static const int64_t sizes[] = { 0, 1, 511, 512, 513, 1 << 20, TAR_SIZE_MAX };
	unsigned char block[TAR_BLOCK];
	struct tar_entry entry;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(tar_make(block, "files/ab/abcd", sizes[i], 1763800000000), RC_OK);
		assert_int_equal(tar_header(&entry, block), RC_OK);
		assert_string_equal(entry.name, "files/ab/abcd");
		assert_int_equal(entry.size, sizes[i]);
		assert_int_equal(entry.modified, 1763800000000);
		assert_int_equal((entry.size + (int64_t)tar_padding(entry.size)) % TAR_BLOCK, 0);
		assert_true(tar_padding(entry.size) < TAR_BLOCK);
	}
	assert_int_equal(tar_make(block, "x", TAR_SIZE_MAX + 1, 0), RC_TOO_LARGE);
	assert_int_equal(tar_make(block, "x", -1, 0), RC_TOO_LARGE);
	memset(block, 0, sizeof(block));
	assert_int_equal(tar_header(&entry, block), RC_NOT_FOUND);
}

static void names_that_would_leave_the_folder_are_refused(void **state)
{
	static const char *const bad[] = { "/etc/passwd", "../key", "files/../../key",
					   "files//x",    "./x",    "files/",
					   "a b",         "" };
	char edge[TAR_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(header_with_name(bad[i]), RC_BAD_INPUT);
	assert_int_equal(header_with_name("files/ab/0123..x"), RC_OK);
	memset(edge, 'a', sizeof(edge));
	edge[TAR_NAME_MAX] = '\0';
	assert_int_equal(header_with_name(edge), RC_OK);
	edge[TAR_NAME_MAX] = 'a';
	edge[TAR_NAME_MAX + 1] = '\0';
	assert_int_equal(header_with_name(edge), RC_TOO_LARGE);
}

static void a_head_with_any_bit_changed_is_refused(void **state)
{
	unsigned char block[TAR_BLOCK];
	struct tar_entry entry;

	(void)state;
	assert_int_equal(tar_make(block, "recado.db", 1, 1763800000000), RC_OK);
	for (int bit = 0; bit < TAR_BLOCK * 8; bit++) {
		block[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(tar_header(&entry, block), RC_BAD_INPUT);
		block[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	assert_int_equal(tar_header(&entry, block), RC_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_known_again),
		cmocka_unit_test(names_that_would_leave_the_folder_are_refused),
		cmocka_unit_test(a_head_with_any_bit_changed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
