/*
** outbox_sendgrid.c -- any bytes SendGrid's webhook may bring, and any answer of its API: taken apart without a fault.
*/
#include "outbox/channels/sendgrid.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void as_answer(struct arena *a, const uint8_t *p, size_t n)
{
	static const int statuses[] = { 200, 202, 400, 401, 403, 413, 429, 500, 503 };
	char *text = arena_bytes(a, (const char *)p, n);
	struct verdict v;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		struct http_answer got = { .end = HTTP_DONE, .status = statuses[i], .body = { text, n } };

		sendgrid_read_send(&v, a, &got, INT64_C(1790000000000));
		if (v.outcome >= OUTCOME__MAX || v.why == NULL) abort();
		/* SENT by the status alone, whatever the body says. */
		if ((v.outcome == OUTCOME_SENT) != (statuses[i] == 202)) abort();
		if (memchr(v.detail, '\0', sizeof(v.detail)) == NULL) abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new((size_t)64 * 1024 * 1024);
	struct sendgrid_event *events = NULL;
	struct value *body = NULL;
	size_t count = 0;

	if (a == NULL) return 0;
	if (json_parse(a, &body, NULL, (const char *)p, n) == RC_OK &&
	    sendgrid_events(a, &events, &count, body) == RC_OK) {
		if (count > body->count) abort();
		for (size_t i = 0; i < count; i++) {
			const struct sendgrid_event *e = &events[i];

			if (e->id == NULL || e->message == NULL || e->email == NULL || e->reason == NULL)
				abort();
			if (e->at < 0) abort();
		}
	}
	as_answer(a, p, n);
	arena_free(a);
	return 0;
}
