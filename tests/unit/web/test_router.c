/*
** test_router.c -- which row an address finds.
*/
#include "web/inside.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static enum rc nothing(struct cx *cx, struct call *call)
{
	(void)cx, (void)call;
	return RC_OK;
}

#define ROW(m, p, r)                                                        \
	{                                                                   \
		.method = (m), .path = (p), .realm = (r), .handle = nothing \
	}
static const struct route first[] = {
	ROW("GET", "/", REALM_STAFF),
	ROW("GET", "/clients", REALM_STAFF),
	ROW("POST", "/clients", REALM_STAFF),
	ROW("GET", "/clients/:id", REALM_STAFF),
	ROW("GET", "/clients/new", REALM_STAFF),
	ROW("POST", "/clients/:id/renew", REALM_STAFF),
	ROW("GET", "/bookings/:id/payments/:payment", REALM_STAFF),
	{ .method = "GET", .path = "/clients/form", .realm = REALM_STAFF, .no_api = true, .handle = nothing },
	{ .method = "POST", .path = "/receipt", .realm = REALM_STAFF, .no_api = true, .handle = nothing },
	{ .method = NULL },
};
static const struct route second[] = {
	ROW("GET", "/login", REALM_OPEN),
	ROW("GET", "/feeds/:token.ics", REALM_OPEN),
	ROW("GET", "/cron/notifications/", REALM_HOOK),
	ROW("*", "/webhook/wasender/", REALM_HOOK),
	ROW("GET", "/reports.csv", REALM_STAFF),
	ROW("GET", "/api/v1/openapi.json", REALM_STAFF),
	ROW("GET", "/:page", REALM_OPEN),
	{ .method = NULL },
};
static const struct route *const lists[] = { first, second, NULL };

static struct router *router;
static struct arena *arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(1024 * 1024);
	return router_new(&router, lists) == RC_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	router_free(router);
	arena_free(arena);
	return 0;
}

static const char *found(struct match *m, const char *method, const char *path)
{
	router_match(router, m, arena, method, path);
	return m->route != NULL ? m->route->path : "";
}

static void the_nearest_row_wins(void **state)
{
	struct match m;
	static const struct {
		const char *method, *path, *row;
	} rows[] = {
		{ "GET", "/", "/" },
		{ "GET", "/clients", "/clients" },
		{ "GET", "/clients/", "/clients" },
		{ "HEAD", "/clients", "/clients" },
		{ "GET", "/clients/new", "/clients/new" },
		{ "GET", "/clients/new/", "/clients/new" },
		{ "GET", "/clients/abc", "/clients/:id" },
		{ "POST", "/clients/abc/renew", "/clients/:id/renew" },
		{ "GET", "/cron/notifications", "/cron/notifications/" },
		{ "GET", "/cron/notifications/", "/cron/notifications/" },
		{ "PUT", "/webhook/wasender", "/webhook/wasender/" },
		{ "GET", "/login", "/login" },
		{ "GET", "/other", "/:page" },
		{ "GET", "/clients/abc/renew/more", "" },
		{ "GET", "/clients//renew", "" },
		{ "GET", "//", "/" },
		{ "GET", "/a/b/c/d/e/f/g/h/i/j/k/l", "" },
		{ "GET", "/CLIENTS/x", "" },
		{ "get", "/clients", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(found(&m, rows[i].method, rows[i].path), rows[i].row);
}

static void parameters_are_named(void **state)
{
	struct match m;

	(void)state;
	assert_string_equal(found(&m, "GET", "/bookings/b1/payments/p%2"), "/bookings/:id/payments/:payment");
	assert_int_equal(m.param_count, 2);
	assert_string_equal(m.params[0].name, "id");
	assert_string_equal(m.params[0].value, "b1");
	assert_string_equal(m.params[1].name, "payment");
	assert_string_equal(m.params[1].value, "p%2");
}

static void a_wrong_method_names_the_right_ones(void **state)
{
	struct match m;

	(void)state;
	assert_string_equal(found(&m, "DELETE", "/clients"), "");
	assert_string_equal(m.allow, "GET, HEAD, POST");
	assert_string_equal(found(&m, "GET", "/clients/a/renew"), "");
	assert_string_equal(m.allow, "POST");
	assert_string_equal(found(&m, "GET", "/nowhere/at/all"), "");
	assert_string_equal(m.allow, "");
}

static void the_shape_is_cut_from_staff_addresses_only(void **state)
{
	struct match m;

	(void)state;
	assert_string_equal(found(&m, "GET", "/api/v1/clients/x"), "/clients/:id");
	assert_int_equal(m.shape, SHAPE_JSON);
	assert_string_equal(m.path, "/clients/x");
	assert_string_equal(m.params[0].value, "x");
	assert_string_equal(found(&m, "GET", "/clients.csv"), "/:page"); /* the path as declared wins */
	assert_string_equal(found(&m, "GET", "/clients/x.csv"), "/clients/:id");
	assert_int_equal(m.shape, SHAPE_PAGE); /* an id may have a dot */
	assert_string_equal(found(&m, "GET", "/reports.csv"), "/reports.csv");
	assert_string_equal(found(&m, "GET", "/api/v1/openapi.json"), "/api/v1/openapi.json");
	assert_int_equal(m.shape, SHAPE_JSON);
	assert_string_equal(found(&m, "POST", "/api/v1/clients/x/renew"), "/clients/:id/renew");
	assert_string_equal(found(&m, "GET", "/api/v1/login"), "");
	assert_int_equal(m.shape, SHAPE_JSON); /* so that its 404 is JSON */
	assert_string_equal(found(&m, "GET", "/api/v1"), "/");
	assert_string_equal(found(&m, "GET", "/api/v1x"), "");
}

static void a_page_for_people_is_not_there_for_programs(void **state)
{
	struct match m;

	(void)state;
	assert_string_equal(found(&m, "GET", "/clients/form"), "/clients/form");
	assert_string_equal(found(&m, "GET", "/api/v1/clients/form"), "/clients/:id"); /* nobody's id: 404 */
	assert_string_equal(found(&m, "POST", "/receipt"), "/receipt");
	assert_string_equal(found(&m, "POST", "/api/v1/receipt"), "");
	assert_string_equal(m.allow, "");
	assert_int_equal(m.shape, SHAPE_JSON);
}

static void lists_leave_as_csv_and_excel(void **state)
{
	static const struct route rows[] = { ROW("GET", "/clients", REALM_STAFF), { .method = NULL } };
	static const struct route *const only[] = { rows, NULL };
	struct router *r;
	struct match m;

	(void)state;
	assert_int_equal(router_new(&r, only), RC_OK);
	router_match(r, &m, arena, "GET", "/clients.csv");
	assert_non_null(m.route);
	assert_int_equal(m.shape, SHAPE_CSV);
	assert_string_equal(m.path, "/clients");
	router_match(r, &m, arena, "GET", "/api/v1/clients.xlsx");
	assert_null(m.route);
	router_match(r, &m, arena, "GET", "/clients.xlsx");
	assert_int_equal(m.shape, SHAPE_XLSX);
	router_match(r, &m, arena, "GET", ".csv");
	assert_null(m.route);
	router_free(r);
}

static void a_row_that_is_no_path_stops_the_start(void **state)
{
	static const struct route rows[] = { ROW("GET", "clients", REALM_STAFF), { .method = NULL } };
	static const struct route *const only[] = { rows, NULL };
	struct router *r = NULL;

	(void)state;
	assert_int_equal(router_new(&r, only), RC_BUG);
	assert_null(r);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_nearest_row_wins),
		T(parameters_are_named),
		T(a_wrong_method_names_the_right_ones),
		T(the_shape_is_cut_from_staff_addresses_only),
		T(lists_leave_as_csv_and_excel),
		T(a_page_for_people_is_not_there_for_programs),
		T(a_row_that_is_no_path_stops_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
