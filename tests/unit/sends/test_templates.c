/* Mail templates without a provider: their variables, previews, plain texts, and what is remembered of a
** list. */
#include "../state.h"
#include "base/text.h"
#include "sends/template_inner.h"

static struct mail_template panel(const char *subject, const char *html, const char *text)
{
	return (struct mail_template){ .channel = "email",
				       .id = "x",
				       .name = "x",
				       .subject = subject,
				       .html = html,
				       .text = text,
				       .has_body = true };
}

/* "name name? name*": ? optional, * in the subject. */
static const char *names_of(struct cx *cx, const struct mail_template *t)
{
	struct value *list = NULL;
	struct sb sb;

	if (template_variables(cx, &list, t) != RC_OK) return cx->message;
	sb_init_arena(&sb, cx->arena, 4000);
	for (const struct value *v = list->first; v != NULL; v = v->next) {
		sb_text(&sb, value_text_of(value_get(v, "name"), ""));
		if (value_bool_of(value_get(v, "is_optional"), false)) sb_lit(&sb, "?");
		if (value_bool_of(value_get(v, "is_in_subject"), false)) sb_lit(&sb, "*");
		if (v->next != NULL) sb_lit(&sb, " ");
	}
	return sb_text_of(&sb);
}

static void a_template_names_the_columns_it_needs(void **unused)
{
	static const struct {
		const char *subject, *html, *wanted;
	} rows[] = {
		{ "", "Hola {{nombre}}", "nombre" },
		{ "", "{{x}}{{ x }}{{{y}}}{{&z}}", "x y z" },
		{ "{{Valor}}", "{{valor}}", "Valor* valor" },
		{ "Para {{nombre}}", "{{nombre}}", "nombre*" },
		{ "", "{{email}} {{baja}}", "" },
		{ "", "{{Email}}", "Email" },
		{ "", "{{! nota }}{{a}}", "a" },
		{ "", "{{#deudas}}{{monto}}{{/deudas}}{{^deudas}}{{nada}}{{/deudas}}",
		  "deudas? monto? nada?" },
		{ "", "{{#s}}{{a}}{{/s}}{{a}}", "s? a" },
		{ "", "{{cliente.nombre}}", "cliente.nombre" },
		{ "", "{{=<% %>=}}<%a%> {{b}}", "a" },
		{ "", "100 % { } } {", "" },
		{ "", "{{ñandú}}", "ñandú" },
	};
	struct state s;

	(void)unused;
	state_make(&s, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mail_template t = panel(rows[i].subject, rows[i].html, "");

		assert_string_equal(names_of(&s.cx, &t), rows[i].wanted);
	}
	state_close(&s);
}

static void a_mistake_is_named_with_its_part_line_and_tag(void **unused)
{
	static const struct {
		const char *subject, *html, *wanted;
	} rows[] = {
		{ "", "a\n{{#s}}\nb", "HTML, line 2: The section s is never closed." },
		{ "{{x", "", "Subject, line 1: The tag {{x is never closed." },
		{ "", "a\n\n{{}}", "HTML, line 3: The tag {{}} has no name." },
		{ "", "{{#if a}}x{{/if}}",
		  "HTML, line 1: if closes a section while another one inside it is still open." },
		{ "", "{{> pie}}", "HTML, line 1: pie is not a variable of this text." },
		{ "", "{{=<%=}}", "HTML, line 1: {{=<%=}} does not name two delimiters." },
	};
	struct state s;

	(void)unused;
	state_make(&s, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct mail_template t = panel(rows[i].subject, rows[i].html, "");
		struct value *list = NULL;

		cx_reset(&s.cx);
		assert_int_equal(template_variables(&s.cx, &list, &t), RC_BAD_INPUT);
		assert_string_equal(s.cx.message, rows[i].wanted);
	}
	state_close(&s);
}

static void five_hundred_variables_are_enough(void **unused)
{
	struct state s;

	(void)unused;
	state_make(&s, 0);
	for (int n = TEMPLATE_NAMES_MAX; n <= TEMPLATE_NAMES_MAX + 1; n++) {
		struct mail_template t;
		struct value *list = NULL;
		struct sb sb;

		cx_reset(&s.cx);
		sb_init_arena(&sb, s.arena, 100000);
		for (int i = 0; i < n; i++)
			sb_printf(&sb, "{{v%d}}", i);
		t = panel("", sb_text_of(&sb), "");
		assert_int_equal(template_required(&s.cx, &list, &t),
				 n == TEMPLATE_NAMES_MAX ? RC_OK : RC_TOO_LARGE);
	}
	state_close(&s);
}

static void the_address_is_asked_for_only_where_it_is_used(void **unused)
{
	struct state s;
	struct mail_template with = panel("", "{{#a}}{{email}}{{/a}}", ""),
			     without = panel("", "{{Email}}", ""), broken = panel("", "{{#a}}", "");

	(void)unused;
	state_make(&s, 0);
	assert_true(template_uses_email(&s.cx, &with));
	assert_false(template_uses_email(&s.cx, &without));
	assert_false(template_uses_email(&s.cx, &broken));
	assert_string_equal(s.cx.message, "");
	state_close(&s);
}

#define MARK(name) "<mark style=\"background:#b3261e;color:#fff;padding:0 3px\">" name "</mark>"

static const char *previewed(struct cx *cx, const char *channel, const char *html, const char *json)
{
	struct mail_template t = panel("", html, "");
	struct value *variables = NULL;
	const char *out = "", *text = "", *subject = "";

	t.channel = channel;
	assert_int_equal(json_parse(cx->arena, &variables, NULL, json, strlen(json)), RC_OK);
	assert_int_equal(template_preview(cx, &out, &text, &subject, &t, variables), RC_OK);
	return out;
}

static void a_preview_shows_the_mail_and_marks_what_is_missing(void **unused)
{
	static const struct {
		const char *channel, *html, *json, *wanted;
	} rows[] = {
		{ "email", "Hola {{nombre}}", "{\"nombre\":\"Ana\"}", "Hola Ana" },
		{ "email", "{{Valor}}|{{valor}}", "{\"Valor\":\"1\"}", "1|" MARK("valor") },
		{ "email", "{{x}}", "{\"x\":\"<script>alert(1)</script>\"}",
		  "&lt;script&gt;alert(1)&lt;/script&gt;" },
		{ "email", "{{{x}}}", "{\"x\":\"<b>\"}", "&lt;b&gt;" },
		{ "doppler", "{{{x}}}", "{\"x\":\"<b>\"}", "<b>" },
		{ "email", "<a href=\"{{u}}\">{{u}}</a>", "{}", "<a href=\"u\">" MARK("u") "</a>" },
		{ "email", "<a title='>' href='{{u}}'>", "{}", "<a title='>' href='u'>" },
		{ "email", "{{#s}}{{a}}{{/s}}{{^s}}no{{/s}}", "{}", "no" },
		{ "email", "{{#s}}{{a}}{{/s}}", "{\"s\":\"1\"}", MARK("a") },
		{ "email", "{{cliente.nombre}} {{cliente.edad}}", "{\"cliente\":{\"nombre\":\"Ana\"}}",
		  "Ana " MARK("cliente.edad") },
		{ "email", "{{cliente.nombre}}", "{\"cliente\":{\"nombre\":\"Eva\"}}", "Eva" },
		{ "email", "{{x}}", "{\"x\":\"\"}", "" },
		{ "email", "<a href=\"{{baja}}\">", "{}", "<a href=\"#\">" },
		{ "doppler", "{{baja}}", "{}", MARK("baja") },
		{ "email", "{{x}}",
		  "{\"x\":\"\xEE\x80\x80"
		  "7\xEE\x80\x81\"}",
		  "\xEE\x80\x80"
		  "7\xEE\x80\x81" },
		{ "email", "2 < 3 {{x}}", "{}", "2 < 3 " MARK("x") },
		{ "doppler", "{{<b>}}", "{}", MARK("&lt;b&gt;") },
	};
	struct state s;

	(void)unused;
	state_make(&s, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(previewed(&s.cx, rows[i].channel, rows[i].html, rows[i].json),
				    rows[i].wanted);
	state_close(&s);
}

static void a_subject_is_one_line_and_shows_the_missing_name(void **unused)
{
	struct state s;
	struct mail_template t = panel("Hola {{a}}\r\nBcc: x {{b}}", "", "Texto {{a}} {{b}}");
	struct value *variables;
	const char *html = "", *text = "", *subject = "";

	(void)unused;
	state_make(&s, 0);
	variables = value_map(s.arena);
	value_set_text(s.arena, variables, "a", "Ana\r\nBcc: y");
	assert_int_equal(template_preview(&s.cx, &html, &text, &subject, &t, variables), RC_OK);
	assert_string_equal(subject, "Hola AnaBcc: yBcc: x {{b}}");
	assert_string_equal(text, "Texto Ana\r\nBcc: y {{b}}");
	assert_string_equal(html, "");
	state_close(&s);
}

static void a_plain_text_is_made_of_the_html(void **unused)
{
	static const struct {
		const char *html, *wanted;
	} rows[] = {
		{ "", "" },
		{ "<p>Hola {{nombre}}</p><p>Chao</p>", "Hola {{nombre}}\n\nChao\n" },
		{ "a<br>b<br/>c", "a\nb\nc\n" },
		{ "<head><title>T</title><style>p{}</style></head>x", "x\n" },
		{ "<style>p{color:red}</style>x<script>y</script>z", "xz\n" },
		{ "<a href=\"https://a.example/{{id}}\">Paga</a>.", "Paga (https://a.example/{{id}}).\n" },
		{ "<a class=b href='https://a.example'>https://a.example</a>", "https://a.example\n" },
		{ "<a href=\"#\">x</a> <a name=q>y</a>", "x y\n" },
		{ "a &amp; b &lt;c&gt; &aacute;&#233;&#x4E2D; &nada; &#0;", "a & b <c> áé中 &nada; &#0;\n" },
		{ "<ul><li>uno</li><li>dos</li></ul>", "- uno\n- dos\n" },
		{ "<!-- <p>no</p> -->si", "si\n" },
		{ "2 < 3", "2 < 3\n" },
		{ "  a \n b\t", "a b\n" },
		{ "<style>never closed", "" },
		{ "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n" },
	};
	struct state s;

	(void)unused;
	state_make(&s, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(template_text_of_html(s.arena, rows[i].html), rows[i].wanted);
	state_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_template_names_the_columns_it_needs),
		cmocka_unit_test(a_mistake_is_named_with_its_part_line_and_tag),
		cmocka_unit_test(five_hundred_variables_are_enough),
		cmocka_unit_test(the_address_is_asked_for_only_where_it_is_used),
		cmocka_unit_test(a_preview_shows_the_mail_and_marks_what_is_missing),
		cmocka_unit_test(a_subject_is_one_line_and_shows_the_missing_name),
		cmocka_unit_test(a_plain_text_is_made_of_the_html),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
