/*
** outbox_answer.c -- any answer of the gateway: first byte the status, then headers up to a blank line, then
** the body.
**
** Whatever comes, "sent" needs a 2xx, a refusal a 4xx or a 2xx, and everything else is unsure or later.
*/
#include "outbox/channels/wasender.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const int statuses[] = { 200, 201, 204, 301, 400, 401, 402, 403, 404, 408,
				410, 422, 429, 500, 502, 503, 504, 100, 0,   999 };

static void read_headers(struct http_answer *a, const char **text, size_t *len)
{
	static const char *const names[] = { "Retry-After",
					     "X-RateLimit-Limit",
					     "X-RateLimit-Remaining",
					     "X-RateLimit-Reset",
					     "X-RateLimit-Daily-Limit",
					     "X-RateLimit-Daily-Remaining",
					     "X-RateLimit-Daily-Reset" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *end = memchr(*text, '\n', *len);
		size_t size = end != NULL ? (size_t)(end - *text) : 0;

		if (end == NULL || size == 0) return;
		memcpy(a->headers[a->header_count].name, names[i], strlen(names[i]) + 1);
		memcpy(a->headers[a->header_count].value, *text, size < 200 ? size : 200);
		a->header_count++;
		*text += size + 1;
		*len -= size + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *arena = arena_new((size_t)4 * 1024 * 1024);
	struct http_answer *a = calloc(1, sizeof(*a));
	char *body = NULL;
	struct verdict v;
	struct check_verdict c;
	struct session_verdict s;
	const char *text;
	size_t len;

	if (n < 2 || arena == NULL || a == NULL) goto out;
	text = (const char *)p + 1;
	len = n - 1;
	a->status = statuses[p[0] % (sizeof(statuses) / sizeof(*statuses))];
	a->end = p[0] >= 240 ? (enum http_end)(p[0] % 4) : HTTP_DONE;
	read_headers(a, &text, &len);
	body = malloc(len + 1);
	if (body == NULL) goto out;
	memcpy(body, text, len);
	body[len] = '\0'; /* as the link hands it over */
	a->body = (struct bytes){ body, len };
	wasender_read_send(&v, arena, a, INT64_C(1790000000000));
	if (v.outcome >= OUTCOME__MAX || v.why == NULL) abort();
	if (v.outcome == OUTCOME_SENT && (a->end != HTTP_DONE || a->status < 200 || a->status > 299)) abort();
	if (v.outcome == OUTCOME_REFUSED && (a->end != HTTP_DONE || a->status < 200 || a->status > 499))
		abort();
	if ((a->end == HTTP_CUT || a->end == HTTP_ODD) && v.outcome != OUTCOME_UNSURE) abort();
	if (v.delay_ms < 0 || v.delay_ms > DAY_MS || v.hold_ms < 0 || v.hold_ms > DAY_MS) abort();
	wasender_read_check(&c, arena, a);
	if (c.status < STATUS_UNKNOWN || c.status > STATUS_PLAYED || c.delay_ms < 0) abort();
	wasender_read_session(&s, arena, a);
	if (s.session == NULL) abort();
out:
	free(body);
	free(a);
	arena_free(arena);
	return 0;
}
