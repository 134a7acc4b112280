/*
** sends_recipients.c -- any bytes as a file of recipients: what is counted adds up, payloads are JSON.
** The bytes before the first NUL are a mapping of variables when they begin with a brace, the rest is the
** file.
*/
#include "base_fuzz.h"
#include "base/text.h"
#include "sends/recipients_inner.h"

static void check_row(struct recipients_file *f, struct judge *j, struct arena *a,
		      const struct recipient_row *row)
{
	struct value *payload = NULL;
	const char *again;

	must(row->code < ROW__MAX);
	must(text_is_utf8(row->typed, strlen(row->typed)) && strlen(row->typed) <= RECIPIENT_KEPT_MAX);
	must(text_is_utf8(row->name, strlen(row->name)) && text_length(row->name) <= NAME_KEPT_MAX);
	if (row->code != ROW_VALID) return;
	must(*recipient_check(a, &again, row->address) == '\0' && strcmp(again, row->address) == 0);
	must(json_parse(a, &payload, NULL, j->payload.p, j->payload.len) == RC_OK);
	must(payload->count <= f->variable_count); /* names with points become objects */
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct arena *a = fuzz_arena();
	struct recipients_file *f = arena_alloc(a, sizeof(*f));
	struct cx cx = { .arena = a, .lang = LANG_EN, .message = "" };
	const uint8_t *nul = len > 0 && p[0] == '{' ? memchr(p, '\0', len) : NULL;
	const char *mapping = nul != NULL ? (const char *)p : "";
	const uint8_t *from = nul != NULL ? nul + 1 : p;
	struct judge j;
	int64_t sum = 0;
	enum rc rc;

	must(f != NULL);
	judge_begin(&j, len % 2 ? "exact" : "address");
	rc = recipients_open(&cx, f, a, (struct bytes){ (const char *)from, len - (size_t)(from - p) },
			     mapping);
	while (rc == RC_OK) {
		struct recipient_row row;

		rc = recipients_next(&cx, f, a);
		if (rc == RC_OK) rc = judge_row(&j, f, a, &row);
		if (rc == RC_OK && !arena_failed(a)) check_row(f, &j, a, &row);
	}
	must(rc != RC_BAD_INPUT || (cx.error_code != NULL && *cx.message != '\0'));
	for (int code = 0; code < ROW__MAX; code++)
		sum += j.counts[code];
	must(rc != RC_NOT_FOUND || sum == f->rows);
	judge_close(&j);
	return 0;
}
