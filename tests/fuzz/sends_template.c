/*
** sends_template.c -- any HTML as a mail template: its variables, its preview over a row, its plain text.
*/
#include "base_fuzz.h"
#include "base/text.h"
#include "sends/template_inner.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const char json[] =
		"{\"a\":\"<&>\\r\\n\",\"b\":[{\"a\":1}],\"c.d\":\"x\",\"c\":{\"e\":1},\"z\":\"\"}";
	static struct env env;
	struct arena *a = fuzz_arena();
	char *html = arena_bytes(a, (const char *)p, len);
	struct value *row = NULL;
	struct cx cx;

	cx_init(&cx, &env, a, NULL);
	must(json_parse(a, &row, NULL, json, strlen(json)) == RC_OK);
	for (int road = 0; road < 2; road++) {
		struct mail_template t = { .channel = road == 0 ? "doppler" : "email",
					   .id = "x",
					   .name = "x",
					   .subject = html,
					   .html = html,
					   .text = "" };
		struct value *all = NULL, *needed = NULL;
		const char *out = NULL, *text = NULL, *subject = NULL;
		enum rc rc = template_variables(&cx, &all, &t);

		if (rc == RC_BAD_INPUT) must(cx.message != NULL && cx.message[0] != '\0');
		must(template_required(&cx, &needed, &t) == rc);
		if (rc != RC_OK) continue;
		must(needed->count <= all->count && all->count <= TEMPLATE_NAMES_MAX);
		rc = template_preview(&cx, &out, &text, &subject, &t, row);
		if (rc == RC_OK) must(strpbrk(subject, "\r\n") == NULL && text_is_utf8(out, strlen(out)));
	}
	must(strlen(template_text_of_html(a, html)) <= 2 * strlen(html) + 1);
	return 0;
}
