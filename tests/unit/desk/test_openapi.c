/*
** test_openapi.c -- the API as it tells itself to programs, over the made-up office of office.h.
*/
#include "office.h"
#include "desk/openapi.h"

static struct shop shop;

static const struct fact pay_takes[] = {
	{ .name = "amount", .type = FACT_MONEY, .is_needed = true },
	{ .name = "times", .type = FACT_INT, .min = 1, .max = 12 },
	{ .name = "mode", .type = FACT_TEXT, .choices = "now|later" },
	{ .name = "lines", .type = FACT_MAPS },
	{ .name = NULL },
};
static const struct fact pay_gives[] = {
	{ .name = "paid_on", .type = FACT_DATE, .is_needed = true },
	{ .name = NULL },
};

static enum rc nothing(struct cx *cx, struct call *call)
{
	(void)cx, (void)call;
	return RC_OK;
}

static const struct route more[] = {
	{ .method = "POST",
	  .path = "/people/:id/pay/:line",
	  .realm = REALM_STAFF,
	  .right = "people.edit",
	  .handle = nothing,
	  .is_idempotent = true,
	  .help = "Pay",
	  .takes = pay_takes,
	  .gives = pay_gives },
	{ .method = "GET", .path = "/receipt", .realm = REALM_STAFF, .handle = nothing, .no_api = true },
	{ .method = "GET", .path = "/login", .realm = REALM_OPEN, .handle = nothing },
	{ .method = "POST", .path = "/hook", .realm = REALM_HOOK, .handle = nothing },
	{ .method = NULL },
};
static const struct route *routes[] = { NULL, more, desk_api_routes, NULL };
static const struct value *document;

static int setup(void **state)
{
	struct value *made = NULL;

	(void)state;
	shop_open(&shop);
	shop_as(&shop, "owner", 1);
	routes[0] = desk_made_routes();
	web_setup(&(struct web_options){ .routes = routes });
	if (openapi_document(&shop.state.cx, &made) != RC_OK) return -1;
	document = made;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	shop_close(&shop);
	return 0;
}

/* Like value_path, but the names may have dots, slashes and braces in them. */
static const struct value *at(const char *const *names)
{
	const struct value *v = document;

	for (; *names != NULL; names++)
		v = value_get(v, *names);
	return v;
}
#define AT(...)   at((const char *const[]){ __VA_ARGS__, NULL })
#define TEXT(...) value_text_of(AT(__VA_ARGS__), "")

static const char *as_text(const struct value *v)
{
	struct sb sb;

	sb_init_arena(&sb, shop.state.cx.arena, 4 * 1024 * 1024);
	json_write(&sb, v);
	assert_int_equal(sb_result(&sb), RC_OK);
	return sb_text_of(&sb);
}

static void the_same_tables_give_the_same_bytes(void **state)
{
	struct value *again = NULL;

	(void)state;
	assert_int_equal(openapi_document(&shop.state.cx, &again), RC_OK);
	assert_string_equal(as_text(document), as_text(again));
	assert_string_equal(TEXT("openapi"), "3.1.0");
}

static void every_row_of_the_api_is_told_and_nothing_else(void **state)
{
	static const char *const methods[] = { "get", "post", "put", "patch", "delete" };
	const struct route *row;
	size_t rows = 0, told = 0;

	(void)state;
	for (size_t i = 0; (row = web_route_at(i)) != NULL; i++)
		rows += row->realm == REALM_STAFF && !row->no_api;
	for (const struct value *path = AT("paths")->first; path != NULL; path = path->next)
		for (size_t i = 0; i < 5; i++)
			told += value_get(path, methods[i]) != NULL;
	assert_int_equal(told, rows);
	assert_true(told > 20);
	assert_non_null(AT("paths", "/people/{id}", "patch"));
	assert_null(AT("paths", "/people/new"));
	assert_null(AT("paths", "/people/{id}/edit"));
	assert_null(AT("paths", "/people/{id}/archive"));
	assert_null(AT("paths", "/receipt"));
	assert_null(AT("paths", "/login"));
	assert_null(AT("paths", "/hook"));
	assert_string_equal(TEXT("paths", "/people/{id}", "get", "x-right"), "people.view");
	assert_string_equal(TEXT("paths", "/people", "get", "operationId"), "people_list");
}

static void a_column_is_told_as_it_is_taken(void **state)
{
	const struct value *all = AT("components", "schemas", "people_new", "properties");

	(void)state;
	assert_string_equal(
		as_text(value_get(all, "given_names")),
		"{\"type\":\"string\",\"maxLength\":20,\"minLength\":1,\"title\":\"Given names\"}");
	assert_string_equal(as_text(value_path(all, "size.enum")), "[\"small\",\"large\",\"\",null]");
	assert_string_equal(value_text_of(value_path(all, "size.default"), ""), "small");
	assert_int_equal(value_int_of(value_path(all, "visits.maximum"), 0), 99);
	assert_string_equal(as_text(value_path(all, "debt_cents.type")), "[\"integer\",\"string\",\"null\"]");
	assert_true(value_bool_of(value_path(all, "pin.writeOnly"), false));
	assert_null(value_get(all, "created_at"));
	assert_null(value_get(all, "pets"));
	assert_null(value_get(all, "owner_id"));
	assert_string_equal(as_text(AT("components", "schemas", "people_new", "required")),
			    "[\"given_names\"]");
	assert_null(AT("components", "schemas", "people_change", "required"));
	assert_string_equal(TEXT("components", "schemas", "pets_new", "properties", "person_id", "x-ref"),
			    "people");
}

static void a_column_is_told_as_it_is_answered(void **state)
{
	const struct value *all = AT("components", "schemas", "people_part", "properties");
	const char *needed = as_text(AT("components", "schemas", "people", "allOf"));

	(void)state;
	assert_string_equal(value_text_of(value_path(all, "created_at.format"), ""), "date-time");
	assert_true(value_bool_of(value_path(all, "created_at.readOnly"), false));
	assert_true(value_bool_of(value_path(all, "id.readOnly"), false));
	assert_null(value_get(all, "pin")); /* a secret never leaves */
	assert_null(value_get(all, "owner_id"));
	assert_non_null(value_get(all, "currency"));
	assert_non_null(strstr(needed, "\"given_names\""));
	assert_null(strstr(needed, "\"currency\"")); /* only beside an amount */
	assert_non_null(AT("components", "schemas", "pets_part", "properties", "person_name"));
}

static void a_list_tells_what_it_may_be_asked(void **state)
{
	const char *parameters = as_text(AT("paths", "/people", "get", "parameters"));

	(void)state;
	assert_non_null(strstr(parameters, "{\"name\":\"size\",\"in\":\"query\""));
	assert_non_null(strstr(parameters, "\"enum\":[\"name\",\"created_at\"]"));
	assert_non_null(strstr(parameters, "\"minimum\":1,\"maximum\":200,\"default\":50"));
	assert_non_null(strstr(parameters, "\"name\":\"q\""));
	assert_non_null(strstr(parameters, "\"name\":\"cursor\""));
	assert_non_null(strstr(parameters, "\"format\":\"date\""));
}

static void a_call_of_a_module_tells_what_it_takes_and_gives(void **state)
{
	const struct value *op = AT("paths", "/people/{id}/pay/{line}", "post");
	const struct value *body = value_get(value_path(op, "requestBody.content"), "application/json");

	(void)state;
	assert_non_null(op);
	assert_string_equal(
		as_text(value_get(body, "schema")),
		"{\"type\":\"object\",\"properties\":{\"amount\":{\"type\":[\"integer\",\"string\"],\"minimum\":0,"
		"\"maximum\":99999999999},\"times\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":12},\"mode\":{\"type\":"
		"\"string\",\"enum\":[\"now\",\"later\"]},\"lines\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}},"
		"\"required\":[\"amount\"],\"additionalProperties\":false}");
	assert_non_null(strstr(as_text(op), "\"name\":\"Idempotency-Key\",\"in\":\"header\""));
	assert_non_null(strstr(as_text(op), "\"name\":\"id\",\"in\":\"path\",\"required\":true"));
	assert_non_null(strstr(as_text(op), "\"name\":\"line\",\"in\":\"path\",\"required\":true"));
	assert_non_null(strstr(as_text(value_get(op, "responses")), "\"paid_on\""));
	assert_non_null(strstr(as_text(value_get(op, "security")), "\"csrf\":[]"));
}

static void every_error_has_a_code_a_status_and_a_meaning(void **state)
{
	const char *told = as_text(AT("components", "schemas", "error"));

	(void)state;
	for (const struct api_error *e = api_errors; e->code != NULL; e++) {
		assert_true(e->status >= 400 && e->status < 600);
		assert_non_null(strstr(told, e->code));
		assert_true(e->help[0] != '\0');
		for (const struct api_error *f = api_errors; f != e; f++)
			assert_string_not_equal(f->code, e->code);
	}
	for (unsigned i = 0; i < RC__MAX; i++) { /* what a handler returns is among them */
		const struct rc_row *row = rc_row((enum rc)i);
		bool is_told = row->http < 400;

		for (const struct api_error *e = api_errors; e->code != NULL; e++)
			is_told = is_told || (strcmp(e->code, row->name) == 0 && e->status == row->http);
		assert_true(is_told);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_same_tables_give_the_same_bytes),
		T(every_row_of_the_api_is_told_and_nothing_else),
		T(a_column_is_told_as_it_is_taken),
		T(a_column_is_told_as_it_is_answered),
		T(a_list_tells_what_it_may_be_asked),
		T(a_call_of_a_module_tells_what_it_takes_and_gives),
		T(every_error_has_a_code_a_status_and_a_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
