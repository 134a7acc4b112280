/*
** test_templates.c -- the texts people edit, and alerts: what is stored was checked, what is wrong has its
** sentence.
*/
#include "house.h"
#include "outbox/render.h"

static const char *const known[] = { "cliente", "servicio", "dias", "negocio", NULL };
static const struct template_default defaults[] = {
	{ .name = "t.seven",
	  .title = "Seven",
	  .body = "Hola, *{{cliente}}*: {{servicio}}{{#negocio}} de {{negocio}}{{/negocio}}" },
	{ .name = NULL },
};

static struct value *variables(struct cx *cx)
{
	struct value *v = value_map(cx->arena);

	value_set_text(cx->arena, v, "cliente", "Ana & \"Luz\"");
	value_set_text(cx->arena, v, "servicio", "TV");
	value_set_text(cx->arena, v, "negocio", "");
	return v;
}

static void a_default_is_made_refreshed_and_left_alone_once_edited(void **state)
{
	struct house h;
	struct cx *cx;
	struct template_default newer[] = {
		{ .name = "t.seven", .title = "Seven", .body = "Otra {{cliente}}" }, { .name = NULL }
	};
	int64_t v1 = 0, v2 = 0, v3 = 0;
	const char *body = "";

	(void)state;
	house_open(&h, 0);
	cx = &h.s.cx;
	assert_int_equal(templates_ensure(cx, "t", defaults), RC_OK);
	assert_int_equal(templates_ensure(cx, "t", defaults), RC_OK);
	assert_int_equal(template_current(cx, &v1, &body, "t.seven"), RC_OK);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM template_version"), 1);
	assert_int_equal(templates_ensure(cx, "t", newer), RC_OK);
	assert_int_equal(template_current(cx, &v2, &body, "t.seven"), RC_OK);
	assert_true(v2 > v1);
	assert_int_equal(template_save(cx, "t.seven", "Mío {cliente}", known), RC_OK);
	assert_int_equal(template_current(cx, &v3, &body, "t.seven"), RC_OK);
	assert_string_equal(body, "Mío {{cliente}}");
	assert_int_equal(templates_ensure(cx, "t", defaults), RC_OK);
	assert_int_equal(template_current(cx, &v2, &body, "t.seven"), RC_OK);
	assert_int_equal(v2, v3);
	assert_int_equal(template_current(cx, &v2, &body, "t.none"), RC_NOT_FOUND);
	house_close(&h);
}

static void one_brace_is_as_good_as_two_and_a_wrong_name_is_told(void **state)
{
	static const struct {
		const char *body, *part; /* NULL = fine */
	} rows[] = {
		{ "Hola {cliente}", NULL },
		{ "Hola {{cliente}}", NULL },
		{ "Hola {{{cliente}}}", NULL },
		{ "Un { y un } sueltos, y {dos palabras}", NULL },
		{ "Hola {client}", "{{cliente}}" },
		{ "Hola {{client}}", "cliente" },
		{ "Hola {nadie_conoce_esto}", "nadie_conoce_esto" },
		{ "Hola {{#cliente}}", "" },
		{ "", "" },
	};
	struct house h;

	(void)state;
	house_open(&h, 0);
	assert_int_equal(templates_ensure(&h.s.cx, "t", defaults), RC_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum rc rc = template_save(&h.s.cx, "t.seven", rows[i].body, known);

		print_message("row %zu: %s\n", i, h.s.cx.message);
		assert_int_equal(rc, rows[i].part == NULL ? RC_OK : RC_BAD_INPUT);
		if (rows[i].part != NULL) {
			assert_true(h.s.cx.message[0] != '\0');
			assert_non_null(strstr(h.s.cx.message, rows[i].part));
		}
		cx_reset(&h.s.cx);
	}
	house_close(&h);
}

static void a_text_of_4000_characters_is_kept_and_one_more_is_not(void **state)
{
	static char text[4002];
	struct house h;

	(void)state;
	house_open(&h, 0);
	assert_int_equal(templates_ensure(&h.s.cx, "t", defaults), RC_OK);
	memset(text, 'a', 4000);
	assert_int_equal(template_save(&h.s.cx, "t.seven", text, known), RC_OK);
	text[4000] = 'a';
	assert_int_equal(template_save(&h.s.cx, "t.seven", text, known), RC_TOO_LARGE);
	house_close(&h);
}

static void preview_and_engine_render_the_same_plain_text(void **state)
{
	struct house h;
	struct render_cache *cache = render_cache_new();
	const char *one = "", *two = "", *three = "", *body = "";
	const char *json = "{\"cliente\":\"Ana & \\\"Luz\\\"\",\"servicio\":\"TV\",\"negocio\":\"\"}";
	int64_t version = 0;

	(void)state;
	house_open(&h, 0);
	assert_int_equal(templates_ensure(&h.s.cx, "t", defaults), RC_OK);
	assert_int_equal(template_current(&h.s.cx, &version, &body, "t.seven"), RC_OK);
	assert_int_equal(template_render_version(&h.s.cx, &one, version, variables(&h.s.cx)), RC_OK);
	assert_int_equal(template_render_body(&h.s.cx, &two, body, known, variables(&h.s.cx)), RC_OK);
	assert_int_equal(render_cached(&h.s.cx, cache, &three, version, json), RC_OK);
	assert_string_equal(one, "Hola, *Ana & \"Luz\"*: TV");
	assert_string_equal(one, two);
	assert_string_equal(one, three);
	assert_int_equal(render_cached(&h.s.cx, cache, &three, version, "not json"), RC_BAD_INPUT);
	assert_int_equal(render_cached(&h.s.cx, cache, &three, 999, NULL), RC_NOT_FOUND);
	/* More versions than are kept: the oldest goes, nothing breaks. */
	for (int i = 0; i < RENDER_KEPT + 3; i++) {
		char text[40];

		snprintf(text, sizeof(text), "Texto %d de {cliente}", i);
		assert_int_equal(template_save(&h.s.cx, "t.seven", text, known), RC_OK);
		assert_int_equal(template_current(&h.s.cx, &version, &body, "t.seven"), RC_OK);
		assert_int_equal(render_cached(&h.s.cx, cache, &three, version, json), RC_OK);
		snprintf(text, sizeof(text), "Texto %d de Ana & \"Luz\"", i);
		assert_string_equal(three, text);
	}
	render_cache_free(cache);
	house_close(&h);
}

static void an_alert_is_raised_once_and_shows_its_subject_as_it_is(void **state)
{
	struct house h;
	struct value *list = NULL;

	(void)state;
	house_open(&h, 0);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(alert_raise(&h.s.cx, "a", "warning", "Only %s left", "5 %d %n", "/"), RC_OK);
	assert_int_equal(alert_raise(&h.s.cx, "a", "warning", "Only %s left", "4", "/"), RC_OK);
	assert_int_equal(alert_raise(&h.s.cx, "b", "urgent", "Stopped", "", "/"), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_int_equal(alerts_open(&h.s.cx, &list), RC_OK);
	assert_int_equal(list->count, 2);
	assert_string_equal(value_text_of(value_path(list, "0.key"), ""), "b");
	assert_string_equal(value_text_of(value_path(list, "1.text"), ""), "Only 5 %d %n left");
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(alert_resolve(&h.s.cx, "a"), RC_OK);
	assert_int_equal(alert_raise(&h.s.cx, "a", "warning", "Only %s left", "3", "/"), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM alert WHERE key = 'a'"), 2);
	house_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_default_is_made_refreshed_and_left_alone_once_edited),
		cmocka_unit_test(one_brace_is_as_good_as_two_and_a_wrong_name_is_told),
		cmocka_unit_test(a_text_of_4000_characters_is_kept_and_one_more_is_not),
		cmocka_unit_test(preview_and_engine_render_the_same_plain_text),
		cmocka_unit_test(an_alert_is_raised_once_and_shows_its_subject_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
