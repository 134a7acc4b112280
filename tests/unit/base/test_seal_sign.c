/*
** test_seal_sign.c -- whose signature it is: another key, a changed letter or a lost line end is found out.
*/
#include "base/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static int set_up(void **state)
{
	(void)state;
	return seal_start() == RC_OK ? 0 : -1;
}

static struct bytes of(const char *text)
{
	return (struct bytes){ text, strlen(text) };
}

#define OPENSSL_KEY                                                    \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6VS2EufIGWc3dU6dLfYop8gg" \
	"qQEqqR1djuhu7N9kqZK9t+0Gk5ChEwKpiqTVOhWJCTLQu1VZcs0OuQ/4jJqPNA=="
#define OPENSSL_SIGNATURE                                              \
	"MEUCIEc5dIUXORwyESI4PwHD60FR/pkXi6Pha8SP15Q8wqu0AiEA5E9vhgas" \
	"r6Lp9irvnDtP4eD/e3FezC4S1RtCWUlFh38="
#define STAMP of("1790000000")
#define BODY  of("[{\"event\":\"delivered\"}]\r\n")

static void what_was_signed_is_believed_and_nothing_else(void **state)
{
	struct sign_key *ours = sign_key_new(), *other = sign_key_new();
	char public[SIGN_PUBLIC_SIZE], strange[SIGN_PUBLIC_SIZE], signature[SIGN_TEXT_SIZE];
	char armoured[SIGN_PUBLIC_SIZE + 100];

	(void)state;
	sign_key_public(ours, public);
	sign_key_public(other, strange);
	sign_make(ours, signature, STAMP, BODY);
	assert_int_equal(sign_check(public, signature, STAMP, BODY), RC_OK);
	snprintf(armoured, sizeof(armoured),
		 "-----BEGIN PUBLIC KEY-----\n%.64s\n%s\n-----END PUBLIC KEY-----\n", public, public + 64);
	assert_int_equal(sign_check(armoured, signature, STAMP, BODY), RC_OK);
	assert_int_equal(sign_check(strange, signature, STAMP, BODY), RC_DENIED);
	assert_int_equal(sign_check(public, signature, of("1790000001"), BODY), RC_DENIED);
	/* trimmed, as some servers do with the last line end */
	assert_int_equal(sign_check(public, signature, STAMP, of("[{\"event\":\"delivered\"}]")), RC_DENIED);
	assert_int_equal(sign_check(public, signature, STAMP, of("[{\"event\":\"Delivered\"}]\r\n")),
			 RC_DENIED);
	sign_key_free(ours);
	sign_key_free(other);
}

static void what_is_no_key_or_no_signature_proves_nothing(void **state)
{
	static const char *const wrong[] = { "", " \n", "nonsense", "!!!!", "-----BEGIN", "AAAA" };
	char public[SIGN_PUBLIC_SIZE], signature[SIGN_TEXT_SIZE], *long_one = malloc(5001);
	struct sign_key *k = sign_key_new();

	(void)state;
	sign_key_public(k, public);
	sign_make(k, signature, STAMP, BODY);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(sign_check(wrong[i], signature, STAMP, BODY), RC_BAD_INPUT);
		assert_int_equal(sign_check(public, wrong[i], STAMP, BODY), RC_DENIED);
	}
	memset(long_one, 'A', 5000);
	long_one[5000] = '\0';
	assert_int_equal(sign_check(long_one, signature, STAMP, BODY), RC_BAD_INPUT);
	assert_int_equal(sign_check(public, long_one, STAMP, BODY), RC_DENIED);
	free(long_one);
	sign_key_free(k);
}

/* Made once with another program (openssl): the form that the provider shows is the one that is read. */
static void a_key_and_signature_of_another_program_are_read(void **state)
{
	(void)state;
	assert_int_equal(sign_check(OPENSSL_KEY, OPENSSL_SIGNATURE, STAMP, BODY), RC_OK);
}

static void base64_has_no_line_breaks_whatever_the_length(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" },
	};
	char *big = calloc(1, 10000);
	struct sb sb;

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		sb_init(&sb, 100);
		sb_base64(&sb, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(sb_text_of(&sb), pairs[i][1]);
		sb_free(&sb);
	}
	sb_init(&sb, 20000);
	sb_base64(&sb, big, 10000);
	assert_int_equal(sb.len, 13336);
	assert_null(strchr(sb_text_of(&sb), '\n'));
	assert_int_equal(strspn(sb_text_of(&sb), "A"), 13334);
	sb_free(&sb);
	free(big);
}

static void a_proof_belongs_to_one_house_one_purpose_and_one_text(void **state)
{
	char folder[] = "/tmp/recado-proof-XXXXXX", one[80], two[80];
	unsigned char a[SHA256_SIZE], b[SHA256_SIZE];
	struct seal_key *k = NULL, *other = NULL;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(one, sizeof(one), "%s/one", folder);
	snprintf(two, sizeof(two), "%s/two", folder);
	assert_int_equal(seal_key_create(one), RC_OK);
	assert_int_equal(seal_key_create(two), RC_OK);
	assert_int_equal(seal_key_load(&k, one), RC_OK);
	assert_int_equal(seal_key_load(&other, two), RC_OK);
	seal_proof(a, k, "unsubscribe", "ana", 3);
	seal_proof(b, k, "unsubscribe", "ana", 3);
	assert_memory_equal(a, b, SHA256_SIZE);
	seal_proof(b, k, "unsubscribe", "anb", 3);
	assert_memory_not_equal(a, b, SHA256_SIZE);
	seal_proof(b, k, "else", "ana", 3);
	assert_memory_not_equal(a, b, SHA256_SIZE);
	seal_proof(b, other, "unsubscribe", "ana", 3);
	assert_memory_not_equal(a, b, SHA256_SIZE);
	seal_key_free(k);
	seal_key_free(other);
	unlink(one);
	unlink(two);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_signed_is_believed_and_nothing_else),
		cmocka_unit_test(what_is_no_key_or_no_signature_proves_nothing),
		cmocka_unit_test(a_key_and_signature_of_another_program_are_read),
		cmocka_unit_test(base64_has_no_line_breaks_whatever_the_length),
		cmocka_unit_test(a_proof_belongs_to_one_house_one_purpose_and_one_text),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
