/*
** test_s3_sign.c -- the storage's server must come to the same signature: the contract sheet's vectors.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "link/s3_sign.h"

#define HOST "cubeta.nyc3.digitaloceanspaces.com"
#define KEY  "/facturas/2026/ñandú (1).pdf"

static const struct s3_key key = { "TESTKEYID", "testsecret", "us-east-1" };

static instant at(void)
{
	instant t = 0;

	assert_int_equal(instant_parse(&t, "2026-01-02T03:04:05Z"), RC_OK);
	return t;
}

static void an_upload_is_signed_as_the_sheet_says(void **state)
{
	struct arena *a = arena_new(1024 * 1024);
	struct s3_signed s;
	char sum[SHA256_HEX_SIZE];
	const struct s3_pair headers[] = { { "x-amz-acl", "private" },
					   { "content-type", "application/pdf" },
					   { NULL, NULL } };

	(void)state;
	sha256_hex(sum, "hola\n", 5);
	assert_int_equal(s3_sign(&s, a, &key,
				 &(struct s3_call){ .method = "PUT",
						    .host = HOST,
						    .path = KEY,
						    .headers = headers,
						    .payload_sha256 = sum,
						    .at = at() }),
			 RC_OK);
	assert_string_equal(s.target, "/facturas/2026/%C3%B1and%C3%BA%20%281%29.pdf");
	assert_string_equal(s.request_hash,
			    "6998a43e340e15cff3652980ce795b4d61e6348d76b39a5e624088fa58ba7fa7");
	assert_string_equal(s.signature, "a89b5bfcd73de5d40ae086a7daa564dff52db745443b3c180c44d3ca84d824a7");
	assert_string_equal(s.date, "20260102T030405Z");
	assert_string_equal(s.authorization,
			    "AWS4-HMAC-SHA256 Credential=TESTKEYID/20260102/us-east-1/s3/aws4_request,"
			    " SignedHeaders=content-type;host;x-amz-acl;x-amz-content-sha256;x-amz-date,"
			    " Signature=a89b5bfcd73de5d40ae086a7daa564dff52db745443b3c180c44d3ca84d824a7");
	arena_free(a);
}

static void a_list_is_signed_with_its_query_in_order(void **state)
{
	struct arena *a = arena_new(1024 * 1024);
	struct s3_signed s;
	char sum[SHA256_HEX_SIZE];
	const struct s3_pair query[] = { { "prefix", "a b/" },
					 { "max-keys", "2" },
					 { "list-type", "2" },
					 { "delimiter", "/" },
					 { NULL, NULL } };

	(void)state;
	sha256_hex(sum, "", 0);
	assert_int_equal(s3_sign(&s, a, &key,
				 &(struct s3_call){ .method = "GET",
						    .host = "127.0.0.1:9000",
						    .path = "/cubeta",
						    .query = query,
						    .payload_sha256 = sum,
						    .at = at() }),
			 RC_OK);
	assert_string_equal(s.target, "/cubeta?delimiter=%2F&list-type=2&max-keys=2&prefix=a%20b%2F");
	assert_string_equal(s.request_hash,
			    "89e4050796f08cbaef79f8648c5895307f9c036dc5929015597ba112b3c139a0");
	assert_string_equal(s.signature, "252990a9841249f5da2795e40095788c15e154122e38ae59d9440ff559093e84");
	arena_free(a);
}

static void an_address_that_opens_for_an_hour_is_presigned(void **state)
{
	struct arena *a = arena_new(1024 * 1024);
	struct s3_signed s;
	const char *target = "";
	const struct s3_pair query[] = {
		{ "response-content-disposition", "attachment; filename=\"factura.pdf\"" }, { NULL, NULL }
	};
	const struct s3_call call = { .host = HOST, .path = KEY, .query = query, .at = at() };

	(void)state;
	assert_int_equal(s3_presign(&target, &s, a, &key, &call, 3600), RC_OK);
	assert_string_equal(s.request_hash,
			    "4c8d9c3404b5ba02301d3304e9346eb7e35b12770c30e1c0849c0afced9d6ade");
	assert_string_equal(s.signature, "4365d333fcc29977b615a8e49ac5586b5af7cda06c9a8ac72d69fcd6d0a0ea1c");
	assert_non_null(strstr(target, "&X-Amz-Signature=4365d333"));
	assert_int_equal(s3_presign(&target, &s, a, &key, &call, 0), RC_BAD_INPUT);
	assert_int_equal(s3_presign(&target, &s, a, &key, &call, S3_PRESIGN_MAX_S), RC_OK);
	assert_int_equal(s3_presign(&target, &s, a, &key, &call, S3_PRESIGN_MAX_S + 1), RC_BAD_INPUT);
	arena_free(a);
}

static void too_many_pairs_or_a_line_break_are_refused(void **state)
{
	struct arena *a = arena_new(1024 * 1024);
	struct s3_signed s;
	struct s3_pair query[S3_PARAMS_MAX + 2] = { 0 };
	const struct s3_pair broken[] = { { "x-amz-meta-a", "1\r\nx: 2" }, { NULL, NULL } };
	struct s3_call call = {
		.method = "GET", .host = HOST, .path = "/", .payload_sha256 = S3_UNSIGNED, .at = at()
	};

	(void)state;
	for (size_t i = 0; i < S3_PARAMS_MAX; i++)
		query[i] = (struct s3_pair){ "a", "b" };
	call.query = query;
	assert_int_equal(s3_sign(&s, a, &key, &call), RC_OK);
	query[S3_PARAMS_MAX] = (struct s3_pair){ "a", "b" };
	assert_int_equal(s3_sign(&s, a, &key, &call), RC_BAD_INPUT);
	call.query = NULL;
	call.headers = broken;
	assert_int_equal(s3_sign(&s, a, &key, &call), RC_BAD_INPUT);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_upload_is_signed_as_the_sheet_says),
		cmocka_unit_test(a_list_is_signed_with_its_query_in_order),
		cmocka_unit_test(an_address_that_opens_for_an_hour_is_presigned),
		cmocka_unit_test(too_many_pairs_or_a_line_break_are_refused),
	};

	if (seal_start() != RC_OK) return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
