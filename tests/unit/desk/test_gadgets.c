/* The measure of the office: a resource of ten columns is one table of some forty lines and no other file.
** What follows declares one, and everything an owner expects is there. */
#include "door.h"

/* clang-format off */
static const struct column gadget_columns[] = {
	{ .name = "name", .title = "Name", .type = COLUMN_TEXT, .flags = COL_REQUIRED | COL_LIST | COL_SEARCH, .max = 60 },
	{ .name = "code", .title = "Code", .type = COLUMN_TEXT, .flags = COL_LIST | COL_SEARCH, .max = 20 },
	{ .name = "kind", .title = "Kind", .type = COLUMN_CHOICE, .flags = COL_LIST, .choices = "tool=Tool|toy=Toy", .def = "tool" },
	{ .name = "price_cents", .title = "Price", .type = COLUMN_CENTS, .flags = COL_LIST },
	{ .name = "stock", .title = "In stock", .type = COLUMN_INT, .min = 0, .max = 9999, .def = "0" },
	{ .name = "bought_on", .title = "Bought", .type = COLUMN_DATE },
	{ .name = "is_spare", .title = "Spare", .type = COLUMN_BOOL },
	{ .name = "person_id", .title = "Belongs to", .type = COLUMN_REF, .ref = "people" },
	{ .name = "website", .title = "Website", .type = COLUMN_URL },
	{ .name = "notes", .title = "Notes", .type = COLUMN_LONG_TEXT },
	{ .name = NULL },
};
static const struct sort gadget_sorts[] = {
	{ .name = "name", .title = "Name", .sql = "t.name" },
	{ .name = NULL },
};
static const struct filter gadget_filters[] = {
	{ .name = "kind", .title = "Kind", .choices = "tool=Tool|toy=Toy", .sql = (const char *const[]){ "+t.kind = :f_kind", NULL } },
	{ .name = "person", .title = "Belongs to", .ref = "people", .sql = (const char *const[]){ "+t.person_id = :f_person", NULL } },
	{ .name = "bought_from", .title = "Bought from", .sql = (const char *const[]){ "+t.bought_on >= :f_bought_from", NULL } },
	{ .name = NULL },
};
static const struct resource gadgets[] = {
	{ .name = "gadgets", .title = "Gadgets", .title_one = "Gadget", .table = "gadget", .row_name = "t.name",
	  .columns = gadget_columns, .sorts = gadget_sorts, .filters = gadget_filters, .where = "t.archived_at IS NULL",
	  .right_view = "people.view", .right_edit = "people.edit", .has_public_id = true, .has_generation = true,
	  .can_create = true, .can_archive = true, .menu = "Gadgets", .menu_order = 15, .empty = "No gadgets yet." },
	{ .name = NULL },
};
/* clang-format on */

static const char *const gadget_sql[] = {
	"CREATE TABLE gadget (id INTEGER PRIMARY KEY, public_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, code TEXT NOT NULL"
	" DEFAULT '', kind TEXT NOT NULL DEFAULT 'tool', price_cents INTEGER NOT NULL DEFAULT 0, stock INTEGER NOT NULL"
	" DEFAULT 0, bought_on TEXT, is_spare INTEGER NOT NULL DEFAULT 0, person_id INTEGER REFERENCES person (id), website"
	" TEXT NOT NULL DEFAULT '', notes TEXT NOT NULL DEFAULT '', generation INTEGER NOT NULL DEFAULT 0, created_at INTEGER"
	" NOT NULL, updated_at INTEGER NOT NULL, archived_at INTEGER, search TEXT NOT NULL DEFAULT '') STRICT",
	"CREATE INDEX gadget_list ON gadget (name, id, search, kind, person_id, bought_on, generation) WHERE archived_at IS NULL",
	"CREATE INDEX gadget_archived ON gadget (archived_at, id) WHERE archived_at IS NOT NULL",
	NULL,
};

static void open_with_gadgets(struct door *d)
{
	shop_more = gadgets;
	shop_more_sql = gadget_sql;
	door_open(d);
	shop_more = NULL;
	shop_more_sql = NULL;
}

static void three_gadgets(struct visitor *v)
{
	STATUS(door_ask(v, "POST", "/people/new", "given_names=Ana"), 303);
	STATUS(door_ask(
		       v, "POST", "/gadgets/new",
		       "name=Martillo+Gr%C3%A1nde&code=M1&kind=tool&price_cents=12.50&stock=3&bought_on=22/11/2025"
		       "&person_id=1&is_spare=1"),
	       303);
	STATUS(door_ask(v, "POST", "/gadgets/new", "name=Trompo&kind=toy&stock=1"), 303);
	STATUS(door_ask(v, "POST", "/gadgets/new", "name=Alicate&kind=tool"), 303);
}

static void an_owner_finds_all_of_an_office(void **unused)
{
	struct door d;
	struct visitor v;
	const char *a;

	(void)unused;
	open_with_gadgets(&d);
	visit(&d, &v, "Olga");
	a = door_ask(&v, "GET", "/gadgets", NULL);
	HAS(a, "No gadgets yet.");
	HAS(a, "href=\"/gadgets/new\"");
	HAS(a, "href=\"/gadgets/import\"");
	three_gadgets(&v);
	HAS(door_ask(&v, "POST", "/gadgets/new", "name=&price_cents=x&stock=10000"), "This is needed.");
	HAS(door_ask(&v, "GET", "/gadgets?q=grande", NULL), "Martillo");
	a = door_ask(&v, "GET", "/gadgets?kind=tool&bought_from=2025-01-01&person=ana", NULL);
	HAS(a, "Martillo");
	HAS_NOT(a, "Alicate");
	HAS(a, "Kind: <b>Tool</b>");
	HAS(a, "Bought from: <b>01/01/2025</b>");
	HAS(a, "Belongs to: <b>Ana</b>");
	a = door_ask(&v, "GET", "/gadgets?columns=stock,name&kind=tool", NULL);
	HAS(a, "href=\"/gadgets.csv?kind=tool&amp;columns=stock,name\"");
	a = door_ask(&v, "GET", "/gadgets.csv?columns=stock,name&kind=tool", NULL);
	HAS(a, ",0,Alicate\r\n");
	HAS(a, ",3,Martillo Gránde\r\n");
	HAS(a, "id,In stock,Name\r\n");
	STATUS(door_ask(&v, "GET", "/gadgets.xlsx", NULL), 200);
	STATUS(door_ask(&v, "POST", "/gadgets/1/edit", "name=Martillo&price_cents=14"), 303);
	a = door_ask(&v, "GET", "/gadgets/1/history", NULL);
	HAS(a, ">$12.50</td>");
	HAS(a, ">$14.00</td>");
	HAS(door_ask(&v, "GET", "/audit?table=gadget", NULL), "Martillo");
	STATUS(door_ask(&v, "POST", "/gadgets/actions/archive", "ids=1&ids=2&confirmed=1"), 303);
	HAS(door_ask(&v, "GET", "/gadgets?archived=1", NULL), "Trompo");
	STATUS(door_ask(&v, "POST", "/gadgets/actions/restore", "ids=1&ids=2&confirmed=1&list=archived%3D1"),
	       303);
	HAS(door_ask(&v, "GET", "/gadgets", NULL), "3 in all");
	HAS(door_ask(&v, "GET", "/people", NULL), "href=\"/gadgets\"");
	STATUS(door_ask(&v, "GET", "/gadgets/import", NULL), 200);
	door_close(&d);
}

static void programs_and_readers_have_the_same_rows_and_rights(void **unused)
{
	struct door d;
	struct visitor v, program, rita;
	const char *a;

	(void)unused;
	open_with_gadgets(&d);
	visit(&d, &v, "Olga");
	visit(&d, &rita, "Rita");
	visit_by_token(&d, &program, "people.view people.edit");
	three_gadgets(&v);
	a = door_ask(&program, "GET", "/api/v1/gadgets?kind=tool&count=1&columns=name,price_cents", NULL);
	STATUS(a, 200);
	HAS(a, "\"name\":\"Alicate\",\"price_cents\":0,\"currency\":\"USD\"}");
	HAS(a, "\"count\":2,\"count_is_estimate\":false");
	STATUS(door_ask(&program, "POST", "/api/v1/gadgets", "{\"name\":\"Sierra\",\"kind\":\"weapon\"}"),
	       400);
	STATUS(door_ask(&program, "POST", "/api/v1/gadgets", "{\"name\":\"Sierra\",\"stock\":2}"), 201);
	STATUS(door_ask(&program, "DELETE", "/api/v1/gadgets/4", NULL), 200);
	HAS(door_ask(&program, "GET", "/api/v1/gadgets?archived=1", NULL), "Sierra");
	HAS(door_ask(&program, "GET", "/api/v1/openapi.json", NULL), "/gadgets");
	STATUS(door_ask(&rita, "GET", "/gadgets", NULL), 200);
	HAS_NOT(door_ask(&rita, "GET", "/gadgets", NULL), "/gadgets/new");
	STATUS(door_ask(&rita, "POST", "/gadgets/new", "name=x"), 403);
	STATUS(door_ask(&rita, "POST", "/gadgets/actions/archive", "ids=1&confirmed=1"), 403);
	door_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_owner_finds_all_of_an_office),
		cmocka_unit_test(programs_and_readers_have_the_same_rows_and_rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
