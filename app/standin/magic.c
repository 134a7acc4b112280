/*
** magic.c -- the table of magic recipients.
**
** Owns:   the table.
** Never:  treats a number of another pattern as magic: sequential test data must not run into it.
** Source: contracts/wasender.md §4 for texts and shapes.
*/
#include "standin/magic.h"

#include <stdio.h>
#include <string.h>

#define JSON_TYPE "application/json"
#define HTML_TYPE "text/html; charset=UTF-8"

#define SUBSCRIPTION \
	"{\"success\":false,\"message\":\"Active subscription or trial is required to use the API\"}"
#define PROTECTION \
	"\"message\":\"You have account protection enabled. You can only send 1 message every 5 seconds.\","
#define TRIAL   "\"message\":\"You are on a free trial. You can only send 1 message every 1 minute.\","
#define GATEWAY "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\n"

static const struct magic table[] = {
	{ .code = "401",
	  .what = MAGIC_ANSWER,
	  .status = 401,
	  .outcome = "refused",
	  .body = "{\"success\":false,\"message\":\"Invalid API key\"}",
	  .help = "401 Invalid API key" },
	{ .code = "402",
	  .what = MAGIC_ANSWER,
	  .status = 402,
	  .outcome = "refused",
	  .body = SUBSCRIPTION,
	  .help = "402 subscription required" },
	{ .code = "403",
	  .what = MAGIC_ANSWER,
	  .status = 403,
	  .outcome = "refused",
	  .body = SUBSCRIPTION,
	  .help = "403 subscription required" },
	{ .code = "404",
	  .what = MAGIC_ANSWER,
	  .status = 404,
	  .outcome = "refused",
	  .body = "{\"success\":false,\"message\":\"Not found\"}",
	  .help = "404" },
	{ .code = "408", .what = MAGIC_HANG, .outcome = "hang", .help = "read, never answered" },
	{ .code = "409",
	  .what = MAGIC_SLOW,
	  .status = 200,
	  .is_unclear = true,
	  .outcome = "slow",
	  .help = "accepted, answered after 60 s; delivered and read are told" },
	{ .code = "422",
	  .what = MAGIC_ANSWER,
	  .status = 422,
	  .outcome = "refused",
	  .body = "{\"success\":false,\"message\":\"The provided JID does not exist on WhatsApp.\"}",
	  .help = "422 the number has no WhatsApp" },
	{ .code = "423",
	  .what = MAGIC_ANSWER,
	  .status = 422,
	  .outcome = "refused",
	  .body = "{\"success\":false,\"message\":\"Validation failed\","
		  "\"errors\":{\"to\":[\"The to field format is invalid.\"]}}",
	  .help = "422 validation failed" },
	{ .code = "424",
	  .what = MAGIC_ANSWER,
	  .status = 422,
	  .outcome = "refused",
	  .body = "{\"success\":false,\"message\":"
		  "\"Your Whatsapp Session is not connected please connect your session first.\"}",
	  .help = "422 session not connected" },
	{ .code = "425",
	  .what = MAGIC_ANSWER,
	  .status = 429,
	  .retry_after = 5,
	  .is_once = true,
	  .outcome = "refused",
	  .body = "{\"success\":false," PROTECTION
		  "\"retry_after\":5,\"help\":\"https://wasenderapi.com/help\"}",
	  .help = "429 once, JSON retry_after 5 without the header, then accepted" },
	{ .code = "426",
	  .what = MAGIC_ANSWER,
	  .status = 429,
	  .retry_after = 60,
	  .is_once = true,
	  .outcome = "refused",
	  .body = "{" TRIAL "\"retry_after\":60}",
	  .help = "429 once, free trial, JSON retry_after 60 without the header, then accepted" },
	{ .code = "427",
	  .what = MAGIC_ANSWER,
	  .status = 429,
	  .is_once = true,
	  .outcome = "refused",
	  .body = "{\"message\":\"Too Many Attempts.\"}",
	  .help = "429 once, without any retry_after, then accepted" },
	{ .code = "428",
	  .what = MAGIC_ANSWER,
	  .status = 429,
	  .retry_after = 3,
	  .has_header = true,
	  .outcome = "refused",
	  .body = "{" PROTECTION "\"retry_after\":3}",
	  .help = "429 always, Retry-After 3" },
	{ .code = "429",
	  .what = MAGIC_ANSWER,
	  .status = 429,
	  .retry_after = 3,
	  .has_header = true,
	  .is_once = true,
	  .outcome = "refused",
	  .body = "{" PROTECTION "\"retry_after\":3}",
	  .help = "429 once, Retry-After 3, then accepted" },
	{ .code = "490",
	  .what = MAGIC_LATE_FAIL,
	  .outcome = "accepted",
	  .help = "accepted, later messages.update with status 0 (failed)" },
	{ .code = "491",
	  .what = MAGIC_NO_DATA,
	  .outcome = "accepted",
	  .help = "accepted, answered without data (unknown id)" },
	{ .code = "492",
	  .what = MAGIC_HTML,
	  .status = 200,
	  .is_unclear = true,
	  .outcome = "html",
	  .body = "<!DOCTYPE html><html><body>Welcome</body></html>\n",
	  .media_type = HTML_TYPE,
	  .help = "200 with a page instead of JSON" },
	{ .code = "493",
	  .what = MAGIC_NOT_SENT,
	  .outcome = "accepted",
	  .help = "accepted, later message.sent with success false" },
	{ .code = "498",
	  .what = MAGIC_HALF,
	  .status = 200,
	  .is_unclear = true,
	  .outcome = "half_answer",
	  .help = "accepted, the line is cut half-way through the answer" },
	{ .code = "499",
	  .what = MAGIC_CUT,
	  .is_unclear = true,
	  .outcome = "cut",
	  .help = "the line is cut after the request was read" },
	{ .code = "500",
	  .what = MAGIC_ANSWER,
	  .status = 500,
	  .is_unclear = true,
	  .outcome = "server_error",
	  .body = "{\"success\":false,\"message\":\"Server Error\"}",
	  .help = "500 after the request was read" },
	{ .code = "502",
	  .what = MAGIC_ANSWER,
	  .status = 502,
	  .is_unclear = true,
	  .outcome = "server_error",
	  .body = GATEWAY,
	  .media_type = HTML_TYPE,
	  .help = "502 with a page of the gateway" },
	{ .code = "503",
	  .what = MAGIC_ANSWER,
	  .status = 503,
	  .retry_after = 2,
	  .has_header = true,
	  .is_once = true,
	  .outcome = "refused",
	  .body = "{\"success\":false,\"message\":\"Service Unavailable\"}",
	  .help = "503 once, Retry-After 2, then accepted" },
	{ .code = "504",
	  .what = MAGIC_ANSWER,
	  .status = 504,
	  .is_unclear = true,
	  .outcome = "server_error",
	  .body = GATEWAY,
	  .media_type = HTML_TYPE,
	  .help = "504 with a page of the gateway" },
	{ .code = "513",
	  .what = MAGIC_ANSWER,
	  .status = 503,
	  .is_unclear = true,
	  .outcome = "server_error",
	  .body = "{\"success\":false,\"message\":\"Service Unavailable\"}",
	  .help = "503 always, without Retry-After" },
};

const struct magic *magic_at(size_t i)
{
	return i < sizeof(table) / sizeof(table[0]) ? &table[i] : NULL;
}

const struct magic *magic_code(const char *code)
{
	const struct magic *m;

	for (size_t i = 0; (m = magic_at(i)) != NULL; i++)
		if (strcmp(m->code, code) == 0) return m;
	return NULL;
}

const struct magic *magic_of(const char *to)
{
	size_t len = strcspn(to, "@"), prefix = strlen(MAGIC_PREFIX);
	char code[4];

	if (len > 0 && to[0] == '+') to++, len--;
	if (len < prefix + 4 || strspn(to, "0123456789") < len) return NULL;
	if (memcmp(to + len - 3 - prefix, MAGIC_PREFIX, prefix) != 0) return NULL;
	memcpy(code, to + len - 3, 3);
	code[3] = '\0';
	return magic_code(code);
}
