/*
** outbox_hook.c -- any bytes a webhook may bring: read, redacted, named and taken apart without a fault.
*/
#include "outbox/channels/wasender.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* No key of the session's may be left at any depth. */
static void has_no_key(const struct value *v)
{
	if (v->type != VALUE_MAP && v->type != VALUE_LIST) return;
	for (const struct value *c = v->first; c != NULL; c = c->next) {
		if (c->key != NULL && (strcmp(c->key, "sessionId") == 0 || strcmp(c->key, "session_id") == 0))
			abort();
		has_no_key(c);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new((size_t)64 * 1024 * 1024);
	struct wasender_event *events = NULL;
	struct value *body = NULL, *again = NULL;
	size_t count = 0;
	struct sb sb;

	if (a != NULL && json_parse(a, &body, NULL, (const char *)p, n) == RC_OK) {
		wasender_redact(body);
		has_no_key(body);
		sb_init_arena(&sb, a, (size_t)4 * 1024 * 1024);
		json_write(&sb, body);
		/* What is stored must be readable by the job. */
		if (sb_result(&sb) == RC_OK && json_parse(a, &again, NULL, sb.p, sb.len) != RC_OK) abort();
		if (wasender_dedupe_key(a, body, 0)[0] == '\0' && !arena_failed(a)) abort();
		if (wasender_events(a, &events, &count, body) == RC_OK)
			for (size_t i = 0; i < count; i++) {
				const struct wasender_event *e = &events[i];

				if (e->kind == EVENT_MESSAGE &&
				    (*e->text == '\0' || (*e->phone == '\0' && *e->lid == '\0')))
					abort();
				if (*e->phone != '\0' && (e->phone[0] != '+' || strlen(e->phone) > 16))
					abort();
				if (e->kind == EVENT_STATUS && *e->key_id == '\0') abort();
			}
	}
	arena_free(a);
	return 0;
}
