/*
** base_template.c -- any text as a template, in every mode, over data that has something under each short
** name.
*/
#include "base_fuzz.h"
#include "base/template.h"

static const char *text_again(void *arg, const char *name)
{
	return strlen(name) == 1 ? arg : NULL;
}

static const char *same(void *arg, const char *msgid)
{
	(void)arg;
	return msgid;
}

static void seen(void *arg, const char *name, bool is_section, int depth)
{
	(void)is_section;
	must(depth >= 0 && depth <= 32);
	must(name[0] != '\0' && strlen(name) <= 200);
	++*(int *)arg;
}

static struct value *data(struct arena *a)
{
	static const char json[] =
		"{\"a\":\"<&>\\r\\n\",\"b\":[{\"a\":1},{\"c\":[]}],\"c\":{\"d\":{\"e\":true}},\"x\":0}";
	struct value *v = NULL;

	must(json_parse(a, &v, NULL, json, strlen(json)) == RC_OK);
	return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const char *const known[] = { "a", "b", "c", "x", NULL };
	struct arena *a = fuzz_arena();
	char *text = arena_bytes(a, (const char *)p, len);
	struct template_options o = {
		.partial = text_again, .partial_arg = text, .translate = same, .known = known
	};
	unsigned mode;
	int names = 0;

	for (mode = 0; mode < 8; mode++) {
		struct template_error err;
		struct template *t = NULL;
		struct sb sb;
		enum rc rc;

		o.mode = (enum template_mode)(mode & 3);
		o.is_users = mode >= 4;
		rc = template_compile(&t, &err, text, &o);
		must((t != NULL) == (rc == RC_OK));
		if (rc == RC_BAD_INPUT)
			must(err.line > 0 && err.msgid != NULL && strlen(err.subject) < sizeof err.subject);
		if (rc != RC_OK) continue;
		sb_init_arena(&sb, a, 100000);
		template_render(&sb, t, data(a));
		if (sb_result(&sb) == RC_OK && o.mode == TEMPLATE_SUBJECT)
			must(strpbrk(sb_text_of(&sb), "\r\n") == NULL);
		template_names(t, seen, &names);
		template_free(t);
	}
	must(mem_live() >= 2); /* the fuzzer's arena and its block */
	return 0;
}
