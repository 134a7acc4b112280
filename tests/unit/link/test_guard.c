/*
** test_guard.c -- a URL that a stranger gave never reaches an address of the house.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "link/http.h"

static void addresses_of_the_house_are_refused(void **state)
{
	static const char *const refused[] = { "0.0.0.0",
					       "0.255.255.255",
					       "10.0.0.0",
					       "10.255.255.255",
					       "100.64.0.0",
					       "100.127.255.255",
					       "127.0.0.1",
					       "127.255.255.255",
					       "169.254.169.254",
					       "172.16.0.0",
					       "172.31.255.255",
					       "192.0.0.8",
					       "192.0.2.1",
					       "192.88.99.1",
					       "192.168.0.1",
					       "192.168.255.255",
					       "198.18.0.0",
					       "198.19.255.255",
					       "198.51.100.7",
					       "203.0.113.9",
					       "224.0.0.1",
					       "239.255.255.255",
					       "240.0.0.1",
					       "255.255.255.255",
					       "::",
					       "::1",
					       "::127.0.0.1",
					       "::ffff:127.0.0.1",
					       "::ffff:10.1.2.3",
					       "64:ff9b::10.0.0.1",
					       "64:ff9b:1::1",
					       "100::1",
					       "2001::1",
					       "2001:2::1",
					       "2001:10::1",
					       "2001:20::1",
					       "2001:1ff:ffff::1",
					       "2001:db8::1",
					       "2002:7f00:1::",
					       "2002:c0a8:1::",
					       "3fff::1",
					       "3fff:fff::1",
					       "5f00::1",
					       "fc00::1",
					       "fdff::1",
					       "fe80::1",
					       "fec0::1",
					       "ff02::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (guard_allows(refused[i])) fail_msg("%s was allowed", refused[i]);
}

static void public_addresses_next_to_them_are_allowed(void **state)
{
	static const char *const allowed[] = { "1.0.0.1",        "9.255.255.255",   "11.0.0.0",
					       "100.63.255.255", "100.128.0.0",     "126.255.255.255",
					       "128.0.0.1",      "169.253.255.255", "169.255.0.0",
					       "172.15.255.255", "172.32.0.0",      "192.0.1.1",
					       "192.0.3.1",      "192.88.98.1",     "192.167.255.255",
					       "192.169.0.0",    "198.17.255.255",  "198.20.0.0",
					       "198.51.99.1",    "203.0.112.1",     "223.255.255.255",
					       "8.8.8.8",        "::ffff:8.8.8.8",  "64:ff9b::8.8.8.8",
					       "2000::1",        "2001:200::1",     "2001:4860:4860::8888",
					       "2002:808:808::", "2606:4700::1111", "3ffe::1",
					       "3fff:1000::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (!guard_allows(allowed[i])) fail_msg("%s was refused", allowed[i]);
}

static void what_is_no_numeric_address_is_refused(void **state)
{
	static const char *const odd[] = {
		"",          "localhost", "8.8.8",        "8.8.8.8 ",          "010.8.8.8",
		"0x8080808", "134744072", "fe80::1%eth0", "2606:4700::1111%1", "[2606:4700::1111]",
		"8.8.8.8:80"
	};

	(void)state;
	assert_false(guard_allows(NULL));
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		if (guard_allows(odd[i])) fail_msg("%s was allowed", odd[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_the_house_are_refused),
		cmocka_unit_test(public_addresses_next_to_them_are_allowed),
		cmocka_unit_test(what_is_no_numeric_address_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
