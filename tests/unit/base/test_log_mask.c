/*
** test_log_mask.c -- what slipped into a line by mistake does not reach the disk.
*/
#include "base_test.h"
#include "base/log_mask.h"

static const char *masked(const char *text)
{
	static char line[2048];
	size_t n = strlen(text);

	memcpy(line, text, n);
	n = log_mask(line, n);
	line[n] = '\0';
	return line;
}

static void keys_and_tokens_are_hidden(void **state)
{
	(void)state;
	assert_string_equal(masked("key=sk_live_51HabcDEF end"), "key=sk_*** end");
	assert_string_equal(masked("rk_test_abcdef, whsec_abcdef"), "rk_***, whsec_***");
	assert_string_equal(masked("Authorization: Bearer abc.def-ghi/jk== x"),
			    "Authorization: Bearer *** x");
	assert_string_equal(masked("GET /reset?code=abcdef123&x=1"), "GET /reset?code=***&x=1");
	assert_string_equal(masked("why=x code=not_found"), "why=x code=not_found");
	assert_string_equal(masked("token=\"abcdefgh\""), "token=\"***\"");
	/* what a provider answered, as it came and quoted by us */
	assert_string_equal(masked("{\"token\": \"abcdef12\",\"n\":5}"), "{\"token\": \"***\",\"n\":5}");
	assert_string_equal(masked("detail=\"{\\\"password\\\":\\\"hunter22\\\"}\""),
			    "detail=\"{\\\"password\\\":\\\"***\\\"}\"");
	assert_string_equal(masked("url=https://h/c/1.ics?s=0123&x=1 ms=5"),
			    "url=https://h/c/1.ics?*** ms=5");
	/* words that only look like it */
	assert_string_equal(masked("the token: expired"), "the token: expired");
	assert_string_equal(masked("task_name=risk_report sk_"), "task_name=risk_report sk_");
	assert_string_equal(masked("sk_12345"), "sk_12345"); /* five letters are no key, six are */
	assert_string_equal(masked("sk_123456"), "sk_***");
}

static void webhook_addresses_are_hidden(void **state)
{
	(void)state;
	assert_string_equal(masked("url=https://hooks.slack.com/services/T00/B00/abc why=404"),
			    "url=https://hooks.slack.com/*** why=404");
	assert_string_equal(masked("https://discord.com/api/webhooks/12/ab-c"),
			    "https://discord.com/api/webhooks/***");
	assert_string_equal(masked("https://api.telegram.org/bot123:AAF-x/sendMessage"),
			    "https://api.telegram.org/bot***");
}

static void people_can_be_told_apart_but_not_written_to(void **state)
{
	(void)state;
	assert_string_equal(masked("to=ana.maria@example.com x"), "to=***@example.com x");
	assert_string_equal(masked("to=an@example.com"), "to=**@example.com");
	assert_string_equal(masked("593989000001@s.whatsapp.net"), "***@s.whatsapp.net");
	assert_string_equal(masked("at @ noon, x@y"), "at @ noon, x@y");
	assert_string_equal(masked("to=+593989000001 x"), "to=+***001 x");
	assert_string_equal(masked("to=\"+593 98 900 0001\""), "to=\"+***001\"");
	assert_string_equal(masked("zone=+05:30 diff=+1234567"), "zone=+05:30 diff=+1234567");
	assert_string_equal(masked("n=+12345678"), "n=+***678");
}

static void card_digits_are_hidden_and_other_numbers_are_not(void **state)
{
	(void)state;
	assert_string_equal(masked("card=4242424242424242 x"), "card=*** x");
	assert_string_equal(masked("card=\"4242 4242 4242 4242\""), "card=\"***\"");
	assert_string_equal(masked("378282246310005"), "***");               /* fifteen digits */
	assert_string_equal(masked("4242424242424241"), "4242424242424241"); /* check digit wrong */
	assert_string_equal(masked("at=1763802000000 id=17"), "at=1763802000000 id=17");
	assert_string_equal(masked("id=42424242424242424242"), "id=42424242424242424242"); /* twenty */
}

static const char *as_json(const char *text)
{
	static char out[2048];
	size_t n = log_json(out, sizeof(out) - 1, text, strlen(text));

	out[n] = '\0';
	return out;
}

static void a_line_becomes_one_object(void **state)
{
	char small[64], longest[200];
	size_t n;

	(void)state;
	assert_string_equal(
		as_json("T info outbox sent id=1 why=\"a \\\"b\\\" c\" to=*1"),
		"{\"at\":\"T\",\"level\":\"info\",\"subject\":\"outbox\",\"event\":\"sent\",\"id\":\"1\","
		"\"why\":\"a \\\"b\\\" c\",\"to\":\"*1\"}");
	assert_string_equal(as_json("T info app x"),
			    "{\"at\":\"T\",\"level\":\"info\",\"subject\":\"app\",\"event\":\"x\"}");
	/* what does not fit is left out, never cut in two */
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "T i a e k=1 long=", 17);
	n = log_json(small, sizeof(small), longest, sizeof(longest));
	assert_true(n <= sizeof(small) && small[n - 1] == '}');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_tokens_are_hidden),
		cmocka_unit_test(webhook_addresses_are_hidden),
		cmocka_unit_test(people_can_be_told_apart_but_not_written_to),
		cmocka_unit_test(card_digits_are_hidden_and_other_numbers_are_not),
		cmocka_unit_test(a_line_becomes_one_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
