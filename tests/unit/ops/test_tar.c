/*
** test_tar.c -- a backup's archive: what goes in comes out, and nothing else is let in.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ops/tar.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int memory_file(const char *content, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, len), (ssize_t)len);
	return fd;
}

static void what_is_put_in_comes_out_the_same(void **state)
{
	char big[1300], back[1300];
	int archive = memory_file("", 0), a = memory_file("hola", 4), b, out = memory_file("", 0);
	struct tar_entry entry;

	(void)state;
	memset(big, 'x', sizeof(big));
	b = memory_file(big, sizeof(big));
	assert_int_equal(tar_add(archive, "recado.ini", a, 4, 0), RC_OK);
	assert_int_equal(tar_add(archive, "files/ab/abcd", b, sizeof(big), 0), RC_OK);
	assert_int_equal(tar_end(archive), RC_OK);
	assert_int_equal(lseek(archive, 0, SEEK_END) % 512, 0);
	lseek(archive, 0, SEEK_SET);
	assert_int_equal(tar_next(archive, &entry), RC_OK);
	assert_string_equal(entry.name, "recado.ini");
	assert_int_equal(entry.size, 4);
	assert_int_equal(tar_copy(archive, entry.size, out), RC_OK);
	assert_int_equal(pread(out, back, sizeof(back), 0), 4);
	assert_memory_equal(back, "hola", 4);
	assert_int_equal(tar_next(archive, &entry), RC_OK);
	assert_string_equal(entry.name, "files/ab/abcd");
	assert_int_equal(ftruncate(out, 0), 0);
	lseek(out, 0, SEEK_SET);
	assert_int_equal(tar_copy(archive, entry.size, out), RC_OK);
	assert_int_equal(pread(out, back, sizeof(back), 0), sizeof(big));
	assert_memory_equal(back, big, sizeof(big));
	assert_int_equal(tar_next(archive, &entry), RC_NOT_FOUND);
	close(archive);
	close(a);
	close(b);
	close(out);
}

static void an_archive_that_ends_early_is_noticed(void **state)
{
	int archive = memory_file("", 0), a = memory_file("hola", 4), out = memory_file("", 0);
	struct tar_entry entry;

	(void)state;
	assert_int_equal(tar_add(archive, "recado.db", a, 4, 0), RC_OK);
	assert_int_equal(ftruncate(archive, 700), 0);
	lseek(archive, 0, SEEK_SET);
	assert_int_equal(tar_next(archive, &entry), RC_OK);
	assert_int_equal(tar_copy(archive, entry.size, out), RC_IO);
	assert_int_equal(ftruncate(archive, 100), 0);
	lseek(archive, 0, SEEK_SET);
	assert_int_equal(tar_next(archive, &entry), RC_BAD_INPUT);
	close(archive);
	close(a);
	close(out);
}

/* Write an entry with that name and look at its header as restoring would. */
static enum rc header_with_name(const char *name)
{
	int archive = memory_file("", 0), a = memory_file("x", 1);
	struct tar_entry entry;
	unsigned char block[512];
	enum rc rc = tar_add(archive, name, a, 1, 0);

	if (rc == RC_OK) {
		assert_int_equal(pread(archive, block, sizeof(block), 0), sizeof(block));
		rc = tar_header(&entry, block);
	}
	close(archive);
	close(a);
	return rc;
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

static void a_changed_header_is_refused(void **state)
{
	int archive = memory_file("", 0), a = memory_file("x", 1);
	struct tar_entry entry;
	unsigned char block[512];

	(void)state;
	assert_int_equal(tar_add(archive, "recado.db", a, 1, 0), RC_OK);
	assert_int_equal(pread(archive, block, sizeof(block), 0), sizeof(block));
	assert_int_equal(tar_header(&entry, block), RC_OK);
	for (int i = 0; i < 148; i++) {
		block[i] ^= 1;
		assert_int_not_equal(tar_header(&entry, block), RC_OK);
		block[i] ^= 1;
	}
	close(archive);
	close(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_in_comes_out_the_same),
		cmocka_unit_test(an_archive_that_ends_early_is_noticed),
		cmocka_unit_test(names_that_would_leave_the_folder_are_refused),
		cmocka_unit_test(a_changed_header_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
