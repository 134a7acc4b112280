/*
** test_template.c -- what we add to Mustache: escape modes, users' templates, translation, limits, refusals.
*/
#include "base_test.h"
#include "base/template.h"
#include "base/template_ops.h"
#include <stdlib.h>

static struct template *compiled(const char *text, const struct template_options *options)
{
	struct template_error err;
	struct template *t = NULL;

	if (template_compile(&t, &err, text, options) != RC_OK)
		fail_msg("line %zu: %s (%s)", err.line, err.msgid, err.subject);
	return t;
}

static const char *render_with(struct arena *a, const char *text, const char *json,
			       const struct template_options *options)
{
	struct template *t = compiled(text, options);
	struct value *data = NULL;
	struct sb sb;

	assert_int_equal(json_parse(a, &data, NULL, json, strlen(json)), RC_OK);
	sb_init_arena(&sb, a, (size_t)4 << 20);
	template_render(&sb, t, data);
	template_free(t);
	return sb_result(&sb) == RC_OK ? sb_text_of(&sb) : rc_row(sb.rc)->name;
}

static const char *rendered(struct arena *a, enum template_mode mode, const char *text, const char *json)
{
	struct template_options options = { .mode = mode };

	return render_with(a, text, json, &options);
}

static void a_message_shows_what_the_customer_is_called_not_entities(void **state)
{
	static const char json[] =
		"{\"n\":\"Ana & \\\"Luz\\\"\\r\\n<b>\",\"i\":-5,\"b\":true,\"r\":12.5,\"m\":{},\"l\":[]}";

	assert_string_equal(rendered(*state, TEMPLATE_TEXT, "{{n}}|{{{n}}}|{{&n}}", json),
			    "Ana & \"Luz\"\r\n<b>|Ana & \"Luz\"\r\n<b>|Ana & \"Luz\"\r\n<b>");
	assert_string_equal(rendered(*state, TEMPLATE_HTML, "{{n}}|{{{n}}}", json),
			    "Ana &amp; &quot;Luz&quot;\r\n&lt;b&gt;|Ana & \"Luz\"\r\n<b>");
	assert_string_equal(rendered(*state, TEMPLATE_SUBJECT, "To\r\n{{n}}\nEnd{{{n}}}\n", json),
			    "ToAna & \"Luz\"<b>EndAna & \"Luz\"<b>");
	assert_string_equal(rendered(*state, TEMPLATE_URL, "/q?n={{n}}", json),
			    "/q?n=Ana%20%26%20%22Luz%22%0D%0A%3Cb%3E");
	assert_string_equal(rendered(*state, TEMPLATE_HTML, "{{i}} {{b}} {{r}} [{{m}}] [{{l}}] {{.}}", json),
			    "-5 true 12.5 [] [] ");
}

static void what_counts_as_yes_in_a_section(void **state)
{
	assert_string_equal(rendered(*state, TEMPLATE_TEXT, "{{#t}}t{{/t}}{{^t}}f{{/t}}", "{\"t\":\"\"}"),
			    "f");
	assert_string_equal(rendered(*state, TEMPLATE_TEXT, "{{#t}}t{{/t}}{{^t}}f{{/t}}", "{\"t\":0}"), "f");
	assert_string_equal(rendered(*state, TEMPLATE_TEXT, "{{#t}}t{{/t}}{{^t}}f{{/t}}", "{\"t\":\"0\"}"),
			    "t");
	assert_string_equal(rendered(*state, TEMPLATE_TEXT, "{{#t}}t{{/t}}{{^t}}f{{/t}}", "{\"t\":{}}"), "t");
	assert_string_equal(
		rendered(*state, TEMPLATE_TEXT, "{{#l}}{{#a}}{{b}}{{/a}};{{/l}}",
			 "{\"b\":\"out\",\"l\":[{\"a\":[{\"b\":1},{\"b\":2}]},{\"a\":[{}]},{\"a\":[]}]}"),
		"12;out;;");
	/* One value of a map is not a list, even though others follow it. */
	assert_string_equal(
		rendered(*state, TEMPLATE_TEXT, "{{#a}}{{x}}{{/a}}", "{\"a\":{\"x\":1},\"b\":{\"x\":2}}"),
		"1");
}

static void a_page_asks_whether_a_list_has_a_first_row(void **state)
{
	static const char text[] = "{{#l.0}}has{{/l.0}}{{^l.0}}none{{/l.0}} {{l.1.n}}";

	assert_string_equal(rendered(*state, TEMPLATE_TEXT, text, "{\"l\":[{\"n\":1},{\"n\":2}]}"), "has 2");
	assert_string_equal(rendered(*state, TEMPLATE_TEXT, text, "{\"l\":[{\"n\":1}]}"), "has ");
	assert_string_equal(rendered(*state, TEMPLATE_TEXT, text, "{\"l\":[]}"), "none ");
	assert_string_equal(rendered(*state, TEMPLATE_TEXT, "[{{l.x}}{{l.}}{{l.99999999999999999999}}]",
				     "{\"l\":[\"a\"]}"),
			    "[]");
}

static void odd_names_give_nothing(void **state)
{
	assert_string_equal(
		rendered(*state, TEMPLATE_TEXT, "[{{a..b}}{{.a}}{{a.}}{{..}}{{a b}}]", "{\"a\":{\"b\":1}}"),
		"[]");
	assert_string_equal(rendered(*state, TEMPLATE_TEXT, "{{a}}", "[]"), "");
	assert_string_equal(rendered(*state, TEMPLATE_TEXT, "", "{}"), "");
}

static const char *shout(void *arg, const char *msgid)
{
	(void)arg;
	return strcmp(msgid, "Hi & bye") == 0 ? "¡Hola & \"chao\"!\n" : msgid;
}

static void pages_are_translated_when_they_are_loaded(void **state)
{
	struct template_options o = { .mode = TEMPLATE_HTML, .translate = shout };

	assert_string_equal(render_with(*state, "<p>{{#_}} Hi & bye\n{{/_}}</p>{{x}}", "{\"x\":1}", &o),
			    "<p>¡Hola &amp; &quot;chao&quot;!\n</p>1");
	assert_string_equal(render_with(*state, "  {{#_}}Save{{/_}}\n", "{\"_\":[1,2]}", &o), "  Save\n");
	o.mode = TEMPLATE_TEXT;
	assert_string_equal(render_with(*state, "{{#_}}Hi & bye{{/_}}", "{}", &o), "¡Hola & \"chao\"!\n");
	o.mode = TEMPLATE_SUBJECT;
	assert_string_equal(render_with(*state, "{{#_}}Hi & bye{{/_}}", "{}", &o), "¡Hola & \"chao\"!");
	o.mode = TEMPLATE_URL;
	assert_string_equal(render_with(*state, "{{#_}}Hi & bye{{/_}}", "{}", &o),
			    "%C2%A1Hola%20%26%20%22chao%22%21%0A");
	o.translate = NULL;
	assert_string_equal(render_with(*state, "{{#_}}Hi{{/_}}{{#_}}{{/_}}", "{}", &o), "Hi");
}

static void a_users_template_is_checked_when_it_is_saved(void **state)
{
	static const char *const known[] = { "cliente", "servicio", "dias", "cuenta", NULL };
	struct template_options o = { .mode = TEMPLATE_HTML, .is_users = true, .known = known };
	static const struct {
		const char *text, *why, *subject, *suggestion;
		size_t line;
	} rows[] = {
		{ "Hola\n{{client}}", "not a variable", "client", "cliente", 2 },
		{ "{{{client}}}", "not a variable", "client", "cliente", 1 },
		{ "{{#x}}{{/x}}", "not a variable", "x", NULL, 1 },
		{ "{{^x}}{{/x}}", "not a variable", "x", NULL, 1 },
		{ "{{>cliente}}", "not a variable", "cliente", NULL, 1 },
		{ "{{#_}}x{{/_}}", "not a variable", "_", NULL, 1 },
		{ "\n\nHola {cliente}, {{dias}}", "one brace", "{cliente}", "cliente", 3 },
		{ "{{dias}} {x} {dias}", "one brace", "{dias}", "dias", 1 },
	};
	struct template_error err;
	struct template *t = NULL;
	size_t i;

	assert_string_equal(
		render_with(
			*state,
			"{{cliente}} {{{cliente}}} {{&cliente}} {{cuenta.saldo}} {x} {{#dias}}{{.}}{{/dias}}",
			"{\"cliente\":\"<a>\",\"cuenta\":{\"saldo\":3},\"dias\":3}", &o),
		"&lt;a&gt; &lt;a&gt; &lt;a&gt; 3 {x} 3");
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(template_compile(&t, &err, rows[i].text, &o), RC_BAD_INPUT);
		assert_null(t);
		if (strstr(err.msgid, rows[i].why) == NULL) fail_msg("%s: %s", rows[i].text, err.msgid);
		assert_string_equal(err.subject, rows[i].subject);
		assert_int_equal(err.line, rows[i].line);
		if (rows[i].suggestion == NULL)
			assert_null(err.suggestion);
		else
			assert_string_equal(err.suggestion, rows[i].suggestion);
	}
}

static void a_broken_template_is_refused_with_its_line(void **state)
{
	struct template_options o = { .mode = TEMPLATE_TEXT };
	static const struct {
		const char *text, *why, *subject;
		size_t line;
	} rows[] = {
		{ "a\nb {{x", "never closed", "{{x", 2 },
		{ "{{{x}}", "never closed", "{{{x}}", 1 },
		{ "{{! x", "never closed", "{{! x", 1 },
		{ "{{=x y}}", "never closed", "{{=x y}}", 1 },
		{ "{{#a}}\n{{#b}}\n{{/b}}\n", "section %s is never", "a", 1 },
		{ "{{^a}}", "section %s is never", "a", 1 },
		{ "{{#_}}text", "section %s is never", "_", 1 },
		{ "\n{{/a}}", "never opened", "a", 2 },
		{ "{{#a}}{{#b}}{{/a}}{{/b}}", "another one", "a", 1 },
		{ "{{}}", "no name", "{{}}", 1 },
		{ "{{# }}", "no name", "{{# }}", 1 },
		{ "{{=x=}}", "delimiters", "{{=x=}}", 1 },
		{ "{{=x y z=}}", "delimiters", "{{=x y z=}}", 1 },
		{ "{{== ==}}", "delimiters", "{{== ==}}", 1 },
		{ "{{=0123456789abcdef |=}}", "delimiters", "{{=0123456789abcdef |=}}", 1 },
		{ "{{#_}}a {{b}}{{/_}}", "plain text", "{{b}}", 1 },
		{ "a\xFF", "UTF-8", "2", 1 },
		{ "{{ñññññññññññññññññññññññññññññññññññññññññ", "never closed", "{{ññññññññññññññ", 1 },
	};
	struct template_error err;
	struct template *t = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		if (template_compile(&t, &err, rows[i].text, &o) != RC_BAD_INPUT)
			fail_msg("%s", rows[i].text);
		assert_null(t);
		if (strstr(err.msgid, rows[i].why) == NULL) fail_msg("%s: %s", rows[i].text, err.msgid);
		assert_string_equal(err.subject, rows[i].subject);
		assert_int_equal(err.line, rows[i].line);
	}
}

static char *repeated(struct arena *a, const char *before, size_t n, const char *after)
{
	struct sb sb;
	size_t i;

	sb_init_arena(&sb, a, (size_t)4 << 20);
	for (i = 0; i < n; i++)
		sb_text(&sb, before);
	for (i = 0; i < n; i++)
		sb_text(&sb, after);
	return sb.p;
}

static void limits_hold_at_the_edge_and_one_past_it(void **state)
{
	struct template_options o = { .mode = TEMPLATE_TEXT };
	struct template_error err;
	struct template *t = NULL;
	char *text = arena_alloc(*state, TEMPLATE_SIZE_MAX + 2);

	memset(text, 'x', TEMPLATE_SIZE_MAX);
	t = compiled(text, &o);
	template_free(t);
	text[TEMPLATE_SIZE_MAX] = 'x';
	assert_int_equal(template_compile(&t, &err, text, &o), RC_BAD_INPUT);
	assert_string_equal(err.subject, "257 KiB");
	t = compiled(repeated(*state, "{{#a}}", TEMPLATE_NESTING_MAX, "{{/a}}"), &o);
	template_free(t);
	text = repeated(*state, "{{#a}}", TEMPLATE_NESTING_MAX + 1, "{{/a}}");
	assert_int_equal(template_compile(&t, &err, text, &o), RC_BAD_INPUT);
	assert_string_equal(rendered(*state, TEMPLATE_TEXT,
				     repeated(*state, "{{#a}}x", TEMPLATE_NESTING_MAX, "{{/a}}"),
				     "{\"a\":[1]}"),
			    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

static const char *self(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return "x{{#n}}{{>self}}{{>self}}{{/n}}";
}

static const char *ladder(void *arg, const char *name)
{
	static char text[32];

	(void)arg;
	snprintf(text, sizeof text, "{{>p%d}}", atoi(name + 1) + 1);
	return text;
}

static void templates_that_never_end_are_stopped(void **state)
{
	struct template_options o = { .mode = TEMPLATE_TEXT, .partial = self };
	struct template_error err;
	struct template *t = NULL;
	struct sb sb;
	int i;

	assert_string_equal(render_with(*state, "{{>self}}", "{\"n\":true}", &o), "too_large");
	assert_string_equal(render_with(*state, "{{>self}}", "{\"n\":false}", &o), "x");
	o.partial = ladder;
	assert_int_equal(template_compile(&t, &err, "{{>p1}}", &o), RC_BAD_INPUT);
	assert_non_null(strstr(err.msgid, "too deep"));
	sb_init_arena(&sb, *state, 10000);
	sb_lit(&sb, "{\"a\":[1");
	for (i = 0; i < 200; i++)
		sb_lit(&sb, ",1");
	sb_lit(&sb, "]}");
	assert_string_equal(rendered(*state, TEMPLATE_TEXT,
				     repeated(*state, "{{#a}}", TEMPLATE_NESTING_MAX, "{{/a}}"),
				     sb_text_of(&sb)),
			    "too_large");
}

static const char *two(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "outer") == 0 ? "a\n\n  {{>inner}}\n{{#s}}\n{{x}}{{>inner}}\n{{/s}}\nz"
					  : "i\r\n\r\nj\n";
}

static void partials_in_partials_keep_all_their_indents(void **state)
{
	struct template_options o = { .mode = TEMPLATE_TEXT, .partial = two };

	assert_string_equal(render_with(*state, " {{>outer}}\nend", "{\"s\":[1,2],\"x\":\"X\"}", &o),
			    " a\n\n   i\r\n\r\n   j\n Xi\r\n\r\nj\n\n Xi\r\n\r\nj\n\n zend");
}

static void without_memory_nothing_half_compiled_remains(void **state)
{
	struct template_options o = { .mode = TEMPLATE_SUBJECT, .partial = two, .translate = shout };
	struct template_error err;
	long n;

	(void)state;
	for (n = 1;; n++) {
		struct template *t = NULL;
		enum rc rc;
		bool has_fired;

		mem_fail(n, false);
		rc = template_compile(&t, &err, "{{a.b}} {{#_}}x{{/_}}\n {{>outer}}\n{{#a}}{{{b}}}{{/a}}",
				      &o);
		has_fired = mem_fail_fired();
		mem_fail(0, false);
		assert_int_equal(rc, has_fired ? RC_NO_MEMORY : RC_OK);
		assert_true((t != NULL) == (rc == RC_OK));
		template_free(t);
		assert_int_equal(mem_live(), 0);
		if (!has_fired) break;
	}
	assert_true(n > 4);
	template_free(NULL);
}

struct asked {
	char text[400];
};

static void ask(void *arg, const char *name, bool is_section, int depth)
{
	struct asked *a = arg;
	size_t n = strlen(a->text);

	snprintf(a->text + n, sizeof a->text - n, "%s%s:%d ", is_section ? "#" : "", name, depth);
}

static void a_template_tells_which_names_it_asks_for(void **state)
{
	static const struct template_options o = { .mode = TEMPLATE_HTML };
	struct asked a = { "" };
	struct template *t = compiled("{{x}} {{{y.z}}}{{&q}}{{! no }}{{.}}{{=<% %>=}}<%v%><%={{ }}=%>"
				      "{{#s}}{{x}}{{^t}}{{u}}{{/t}}{{w}}{{/s}}{{x}}",
				      &o);

	(void)state;
	template_names(t, ask, &a);
	assert_string_equal(a.text, "x:0 y.z:0 q:0 v:0 #s:0 x:1 #t:1 u:2 w:1 x:0 ");
	template_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		arena_test(a_message_shows_what_the_customer_is_called_not_entities),
		arena_test(what_counts_as_yes_in_a_section),
		arena_test(a_page_asks_whether_a_list_has_a_first_row),
		arena_test(odd_names_give_nothing),
		arena_test(pages_are_translated_when_they_are_loaded),
		arena_test(a_users_template_is_checked_when_it_is_saved),
		arena_test(a_broken_template_is_refused_with_its_line),
		arena_test(limits_hold_at_the_edge_and_one_past_it),
		arena_test(templates_that_never_end_are_stopped),
		arena_test(partials_in_partials_keep_all_their_indents),
		cmocka_unit_test(a_template_tells_which_names_it_asks_for),
		cmocka_unit_test(without_memory_nothing_half_compiled_remains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
