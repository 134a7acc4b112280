/*
** test_seal.c -- secrets: what only this house can read, and what a stranger cannot guess.
*/
#include "base/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64];
static struct arena *arena;

static const char *path(const char *name)
{
	return arena_printf(arena, "%s/%s", folder, name);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/recado-seal-XXXXXX");
	assert_non_null(mkdtemp(folder));
	arena = arena_new(4 * 1024 * 1024);
	return arena && seal_start() == RC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "key", "key2", "short", "link" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(path(names[i]));
	assert_int_equal(rmdir(folder), 0);
	arena_free(arena);
	return 0;
}

static struct seal_key *key(const char *name)
{
	struct seal_key *k = NULL;

	assert_int_equal(seal_key_create(path(name)), RC_OK);
	assert_int_equal(seal_key_load(&k, path(name)), RC_OK);
	return k;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void a_sealed_text_opens_only_with_the_key_and_the_place_it_was_made_for(void **state)
{
	struct seal_key *k = key("key"), *other = key("key2");
	char *sealed, *again, *text = "untouched";

	(void)state;
	assert_int_equal(seal_text(arena, &sealed, k, "account.secret:7", "clave ñ"), RC_OK);
	assert_int_equal(seal_text(arena, &again, k, "account.secret:7", "clave ñ"), RC_OK);
	assert_int_equal(strncmp(sealed, "v1:", 3), 0);
	assert_null(strstr(sealed, "clave"));
	assert_string_not_equal(sealed, again); /* a fresh nonce each time */
	assert_int_equal(unseal_text(arena, &text, k, "account.secret:8", sealed), RC_DENIED);
	assert_int_equal(unseal_text(arena, &text, other, "account.secret:7", sealed), RC_DENIED);
	assert_string_equal(text, "untouched");
	assert_int_equal(unseal_text(arena, &text, k, "account.secret:7", sealed), RC_OK);
	assert_string_equal(text, "clave ñ");
	assert_int_equal(seal_text(arena, &sealed, k, "", ""), RC_OK);
	assert_int_equal(unseal_text(arena, &text, k, "", sealed), RC_OK);
	assert_string_equal(text, "");
	seal_key_free(k);
	seal_key_free(other);
	seal_key_free(NULL);
}

static void a_changed_sealing_is_noticed_wherever_it_was_changed(void **state)
{
	struct seal_key *k = key("key");
	char *sealed, *text = NULL;
	size_t i, len;

	(void)state;
	assert_int_equal(seal_text(arena, &sealed, k, "t.c:1", "secreto"), RC_OK);
	len = strlen(sealed);
	for (i = 0; i < len; i++) {
		char *bad = arena_text(arena, sealed);

		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		assert_int_not_equal(unseal_text(arena, &text, k, "t.c:1", bad), RC_OK);
		bad[i] = '\0';
		assert_int_not_equal(unseal_text(arena, &text, k, "t.c:1", bad), RC_OK);
	}
	assert_int_equal(unseal_text(arena, &text, k, "t.c:1", "secreto"), RC_BAD_INPUT);
	assert_int_equal(unseal_text(arena, &text, k, "t.c:1", "v1:AAAA"), RC_BAD_INPUT);
	assert_int_equal(unseal_text(arena, &text, k, "t.c:1", "v1:!"), RC_BAD_INPUT);
	assert_null(text);
	seal_key_free(k);
}

static void a_text_too_long_to_be_a_secret_is_refused(void **state)
{
	struct seal_key *k = key("key");
	char *text = arena_alloc(arena, 256 * 1024 + 2), *sealed, *back;

	(void)state;
	memset(text, 'x', 256 * 1024);
	assert_int_equal(seal_text(arena, &sealed, k, "", text), RC_OK);
	assert_int_equal(unseal_text(arena, &back, k, "", sealed), RC_OK);
	assert_string_equal(back, text);
	text[256 * 1024] = 'x';
	assert_int_equal(seal_text(arena, &sealed, k, "", text), RC_TOO_LARGE);
	seal_key_free(k);
}

static void the_key_file_is_private_and_never_replaced(void **state)
{
	struct seal_key *k = NULL;
	struct stat st;

	(void)state;
	assert_int_equal(seal_key_load(&k, path("key")), RC_NOT_FOUND);
	assert_int_equal(seal_key_create(path("key")), RC_OK);
	assert_int_equal(stat(path("key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 32);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(seal_key_create(path("key")), RC_CONFLICT);
	assert_int_equal(chmod(path("key"), 0640), 0);
	assert_int_equal(seal_key_load(&k, path("key")), RC_DENIED);
	write_file("short", "only a few bytes", 0600);
	assert_int_equal(seal_key_load(&k, path("short")), RC_BAD_INPUT);
	write_file("short", "thirty-three bytes, that is 1 more", 0600);
	assert_int_equal(seal_key_load(&k, path("short")), RC_BAD_INPUT);
	assert_int_equal(seal_key_load(&k, folder), RC_BAD_INPUT);
	assert_null(k);
	assert_int_equal(seal_key_create(path("no/such/folder")), RC_NOT_FOUND);
}

static void the_paper_brings_the_key_back(void **state)
{
	struct seal_key *k = key("key"), *back = NULL;
	char code[96], *sealed, *text, *typed;
	size_t i;

	(void)state;
	assert_int_equal(seal_text(arena, &sealed, k, "t.c:1", "secreto"), RC_OK);
	seal_key_recovery(k, code);
	assert_int_equal(strlen(code), 14 * 4 + 13);
	assert_int_equal(seal_key_restore(path("key"), code), RC_CONFLICT);
	typed = arena_text(arena, code);
	for (i = 0; typed[i]; i++) { /* small letters, blanks for dashes */
		if (typed[i] == '-')
			typed[i] = ' ';
		else if (typed[i] >= 'A')
			typed[i] = (char)(typed[i] + 32);
	}
	assert_int_equal(seal_key_restore(path("key2"), arena_printf(arena, " %s\n", typed)), RC_OK);
	assert_int_equal(seal_key_load(&back, path("key2")), RC_OK);
	assert_int_equal(unseal_text(arena, &text, back, "t.c:1", sealed), RC_OK);
	assert_string_equal(text, "secreto");
	unlink(path("key2"));
	typed[5] = typed[5] == 'a' ? 'b' : 'a';
	assert_int_equal(seal_key_restore(path("key2"), typed), RC_BAD_INPUT);
	assert_int_equal(seal_key_restore(path("key2"), ""), RC_BAD_INPUT);
	assert_int_equal(seal_key_restore(path("key2"), arena_printf(arena, "%sA", code)), RC_BAD_INPUT);
	assert_int_equal(seal_key_restore(path("key2"), "AB1D"), RC_BAD_INPUT);
	assert_int_equal(access(path("key2"), F_OK), -1);
	seal_key_free(k);
	seal_key_free(back);
}

static void hashes_are_the_published_ones(void **state)
{
	struct sha256_stream *s = sha256_open();
	char hex[SHA256_HEX_SIZE];

	(void)state;
	sha256_hex(hex, "abc", 3); /* FIPS 180-4 examples */
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_hex(hex, NULL, 0);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_non_null(s);
	sha256_add(s, "a", 1);
	sha256_add(s, "bc", 2);
	sha256_close(s, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void ids_and_tokens_do_not_repeat(void **state)
{
	char ids[200][PUBLIC_ID_SIZE], token[TOKEN_SIZE], other[TOKEN_SIZE];
	unsigned seen = 0;
	size_t i, k;

	(void)state;
	for (i = 0; i < 200; i++) {
		public_id_new(ids[i]);
		assert_int_equal(strlen(ids[i]), 26);
		assert_int_equal(strspn(ids[i], "abcdefghijklmnopqrstuvwxyz234567"), 26);
		for (k = 0; k < i; k++)
			assert_string_not_equal(ids[i], ids[k]);
		seen |= 1u << (ids[i][25] >= 'a' ? ids[i][25] - 'a' : ids[i][25] - '2' + 26);
	}
	assert_true(__builtin_popcount(seen) > 16); /* the last letter has all its five bits */
	/* An index of them grows at its end: they sort by the millisecond they were made in. */
	for (i = 1; i < 200; i++)
		assert_true(strncmp(ids[i - 1], ids[i], PUBLIC_ID_TIME) <= 0);
	token_new(token);
	token_new(other);
	assert_int_equal(strlen(token), 52);
	assert_string_not_equal(token, other);
}

static void what_people_read_out_says_nothing_of_when_it_was_made(void **state)
{
	char codes[200][6];
	unsigned first = 0;

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		random_letters(codes[i], 5);
		assert_int_equal(strspn(codes[i], "abcdefghijklmnopqrstuvwxyz234567"), 5);
		assert_int_equal(strlen(codes[i]), 5);
		first |= 1u << (codes[i][0] >= 'a' ? codes[i][0] - 'a' : codes[i][0] - '2' + 26);
	}
	assert_true(__builtin_popcount(first) > 16);
}

static void bytes_are_the_same_only_if_all_are(void **state)
{
	(void)state;
	assert_true(same_bytes("abc", 3, "abc", 3));
	assert_true(same_bytes("", 0, "", 0));
	assert_false(same_bytes("abc", 3, "abd", 3));
	assert_false(same_bytes("ab", 2, "abc", 3));
	assert_false(same_bytes("abc", 3, "ab", 2));
	assert_false(same_bytes("", 0, "a", 1));
	assert_false(same_bytes("", 0, "\0", 1));
}

static void a_password_is_checked_against_its_hash(void **state)
{
	char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE], *longest = arena_alloc(arena, 1026);

	(void)state;
	assert_int_equal(password_hash(hash, "cangrejo azul"), RC_OK);
	assert_int_equal(password_hash(again, "cangrejo azul"), RC_OK);
	assert_string_not_equal(hash, again);
	assert_int_equal(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
	assert_int_equal(password_check(hash, "cangrejo azul"), RC_OK);
	assert_int_equal(password_check(hash, "cangrejo azu"), RC_DENIED);
	assert_int_equal(password_check(hash, ""), RC_DENIED);
	assert_int_equal(password_check(NULL, "cangrejo azul"), RC_DENIED);
	assert_int_equal(password_hash(hash, ""), RC_BAD_INPUT);
	memset(longest, 'x', 1024);
	assert_int_equal(password_hash(hash, longest), RC_OK);
	assert_int_equal(password_check(hash, longest), RC_OK);
	longest[1024] = 'x';
	assert_int_equal(password_hash(hash, longest), RC_TOO_LARGE);
	assert_int_equal(password_check(hash, longest), RC_DENIED);
}

static void a_stored_hash_that_would_cost_too_much_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"x",
		"$argon2id$v=19$",
		"$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=19$m=65537,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=19$m=19456,t=11,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=19$m=19456,t=2,p=5$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=19$m=-1,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=19$m=99999999999999999999,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=19$m=19456,t=2,p=1$!$!"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(password_check(wrong[i], "cangrejo azul"), RC_BUG);
}

static pthread_barrier_t barrier;

static void *log_in(void *arg)
{
	enum rc *rc = arg;

	pthread_barrier_wait(&barrier);
	*rc = password_check(NULL, "x");
	return NULL;
}

/* Nine have a place (one runs, eight wait); of forty at once each one is served or sent away, none is stuck.
 */
static void a_storm_of_log_ins_is_served_or_sent_away(void **state)
{
	pthread_t threads[40];
	enum rc rc[40];
	size_t i, served = 0, away = 0;

	(void)state;
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 40), 0);
	for (i = 0; i < 40; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_in, &rc[i]), 0);
	for (i = 0; i < 40; i++) {
		pthread_join(threads[i], NULL);
		served += rc[i] == RC_DENIED;
		away += rc[i] == RC_TRY_LATER;
	}
	pthread_barrier_destroy(&barrier);
	assert_int_equal(served + away, 40);
	assert_true(served >= 1);
	assert_int_equal(password_check(NULL, "x"), RC_DENIED); /* and the slot is free again */
}

struct sealer {
	struct seal_key *key;
	int failures;
};

static void *seal_many(void *arg)
{
	struct sealer *s = arg;
	struct arena *a = arena_new(1024 * 1024);
	char *sealed, *text;
	int i;

	for (i = 0; i < 200; i++) {
		if (seal_text(a, &sealed, s->key, "t.c:1", "secreto") != RC_OK ||
		    unseal_text(a, &text, s->key, "t.c:1", sealed) != RC_OK || strcmp(text, "secreto") != 0)
			s->failures++;
		arena_reset(a);
	}
	arena_free(a);
	return NULL;
}

static void threads_may_seal_at_once(void **state)
{
	struct seal_key *k = key("key");
	struct sealer s[3];
	pthread_t threads[3];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		s[i] = (struct sealer){ .key = k };
		assert_int_equal(pthread_create(&threads[i], NULL, seal_many, &s[i]), 0);
	}
	for (i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(s[i].failures, 0);
	}
	seal_key_free(k);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_sealed_text_opens_only_with_the_key_and_the_place_it_was_made_for),
		TEST(a_changed_sealing_is_noticed_wherever_it_was_changed),
		TEST(a_text_too_long_to_be_a_secret_is_refused),
		TEST(the_key_file_is_private_and_never_replaced),
		TEST(the_paper_brings_the_key_back),
		TEST(hashes_are_the_published_ones),
		TEST(ids_and_tokens_do_not_repeat),
		TEST(what_people_read_out_says_nothing_of_when_it_was_made),
		TEST(bytes_are_the_same_only_if_all_are),
		TEST(a_password_is_checked_against_its_hash),
		TEST(a_stored_hash_that_would_cost_too_much_is_refused),
		TEST(a_storm_of_log_ins_is_served_or_sent_away),
		TEST(threads_may_seal_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
