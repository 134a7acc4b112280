/*
** test_archive.c -- a backup's bytes: what goes in comes out, and no changed bit, cut or addition is let through.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ops/archive.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_MAX (1024 * 1024)

static unsigned char bytes[FILE_MAX];
static struct gentle g;

static int memory_file(const void *content, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, len), (ssize_t)len);
	return fd;
}

/* An archive of a short text and `size` bytes that do not compress; its length. */
static size_t make(const char *passphrase, size_t size)
{
	int out = memory_file("", 0), big;
	struct archive *a = NULL;
	char sum[SHA256_HEX_SIZE], whole[SHA256_HEX_SIZE];
	unsigned char *noise = malloc(size + 1);
	int64_t len = 0;
	ssize_t n;

	srand(7);
	for (size_t i = 0; i < size; i++)
		noise[i] = (unsigned char)(rand() >> 7);
	big = memory_file(noise, size);
	assert_int_equal(archive_new(&a, out, passphrase, &g), RC_OK);
	assert_int_equal(archive_add_text(a, "backup.json", "{}", 2, 1763800000000, sum), RC_OK);
	assert_int_equal(archive_add(a, "recado.db", big, (int64_t)size, 1763800000000, sum), RC_OK);
	assert_int_equal(archive_end(a), RC_OK);
	archive_sum(a, whole, &len);
	archive_free(a);
	n = pread(out, bytes, sizeof(bytes), 0);
	assert_int_equal(n, len);
	sha256_hex(sum, bytes, (size_t)n);
	assert_string_equal(sum, whole);
	close(out);
	close(big);
	free(noise);
	return (size_t)n;
}

/* Read to the end: RC_OK, or what stopped it. */
static enum rc read_all(const void *p, size_t len, const char *passphrase, int *members)
{
	int fd = memory_file(p, len);
	struct archive_in *in = NULL;
	char sum[SHA256_HEX_SIZE];
	struct tar_entry e;
	const char *why = "";
	enum rc rc = archive_open(&in, fd, passphrase, &g, &why);

	*members = 0;
	while (rc == RC_OK && (rc = archive_next(in, &e)) == RC_OK) {
		(*members)++;
		rc = archive_take(in, -1, sum);
	}
	archive_close(in);
	close(fd);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static void what_goes_in_comes_out_plain_and_sealed_small_and_beyond_a_chunk(void **state)
{
	static const size_t sizes[] = { 0, 1, 512, 65536, 300000 };
	int members = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(read_all(bytes, make(NULL, sizes[i]), NULL, &members), RC_OK);
		assert_int_equal(members, 2);
	}
	assert_int_equal(read_all(bytes, make("una frase", 300000), "una frase", &members), RC_OK);
	assert_int_equal(members, 2);
}

static void no_changed_bit_of_a_compressed_archive_is_let_through(void **state)
{
	size_t len = make(NULL, 40);
	int members;

	(void)state;
	for (size_t bit = 0; bit < len * 8; bit++) {
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_not_equal(read_all(bytes, len, NULL, &members), RC_OK);
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	assert_int_equal(read_all(bytes, len, NULL, &members), RC_OK);
}

static void no_cut_and_no_byte_behind_is_let_through(void **state)
{
	size_t len = make(NULL, 40);
	int members;

	(void)state;
	for (size_t cut = 0; cut < len; cut++)
		assert_int_not_equal(read_all(bytes, cut, NULL, &members), RC_OK);
	bytes[len] = 0;
	assert_int_equal(read_all(bytes, len + 1, NULL, &members), RC_BAD_INPUT);
}

static void a_sealed_archive_notices_what_was_changed_cut_moved_or_put_behind(void **state)
{
	static const size_t chunk = 65536 + 16, head = 56;
	size_t len = make("una frase", 200000);
	unsigned char kept[65536 + 16];
	int members;

	(void)state;
	assert_true(len > head + 3 * chunk);
	assert_int_equal(read_all(bytes, len, NULL, &members), RC_DENIED);
	assert_int_equal(read_all(bytes, len, "otra frase", &members), RC_DENIED);
	for (size_t at = 0; at < len; at += 9001) {
		bytes[at] ^= 4;
		assert_int_not_equal(read_all(bytes, len, "una frase", &members), RC_OK);
		bytes[at] ^= 4;
	}
	for (size_t n = 0; n <= 3; n++) /* cut between two chunks */
		assert_int_not_equal(read_all(bytes, head + n * chunk, "una frase", &members), RC_OK);
	memcpy(kept, bytes + head, chunk);
	memcpy(bytes + head, bytes + head + chunk, chunk);
	memcpy(bytes + head + chunk, kept, chunk);
	assert_int_not_equal(read_all(bytes, len, "una frase", &members), RC_OK);
	memcpy(bytes + head + chunk, bytes + head, chunk);
	memcpy(bytes + head, kept, chunk);
	assert_int_equal(read_all(bytes, len, "una frase", &members), RC_OK);
	bytes[len] = 'x';
	assert_int_not_equal(read_all(bytes, len + 1, "una frase", &members), RC_OK);
}

static int set_up(void **state)
{
	(void)state;
	gentle_init(&g, NULL);
	g.is_hurried = true;
	return seal_start() == RC_OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out_plain_and_sealed_small_and_beyond_a_chunk),
		cmocka_unit_test(no_changed_bit_of_a_compressed_archive_is_let_through),
		cmocka_unit_test(no_cut_and_no_byte_behind_is_let_through),
		cmocka_unit_test(a_sealed_archive_notices_what_was_changed_cut_moved_or_put_behind),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
