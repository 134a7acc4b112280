/*
** office.c -- the made-up resources of office.h.
*/
#include "office.h"

static const char *const table_sql[] = {
	"CREATE TABLE person (id INTEGER PRIMARY KEY, public_id TEXT NOT NULL UNIQUE, given_names TEXT NOT NULL,"
	" surnames TEXT NOT NULL DEFAULT '', email TEXT, phone TEXT, phone_original TEXT NOT NULL DEFAULT '',"
	" phone_kind TEXT NOT NULL DEFAULT '', born_on TEXT, size TEXT NOT NULL DEFAULT 'small', visits INTEGER NOT NULL"
	" DEFAULT 0, debt_cents INTEGER NOT NULL DEFAULT 0, is_member INTEGER NOT NULL DEFAULT 0, notes TEXT NOT NULL DEFAULT '',"
	" website TEXT NOT NULL DEFAULT '', pin TEXT NOT NULL DEFAULT '', owner_id INTEGER, sort_name TEXT NOT NULL DEFAULT '',"
	" created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, archived_at INTEGER, generation INTEGER NOT NULL DEFAULT 0,"
	" search TEXT NOT NULL DEFAULT '') STRICT",
	"CREATE INDEX person_list ON person (sort_name, id, search, size, owner_id, generation) WHERE archived_at IS NULL",
	"CREATE INDEX person_created ON person (created_at, id, search, size, owner_id, generation) WHERE archived_at IS NULL",
	"CREATE INDEX person_size ON person (size, sort_name, id) WHERE archived_at IS NULL",
	"CREATE UNIQUE INDEX person_email ON person (email) WHERE archived_at IS NULL",
	"CREATE TABLE pet (id INTEGER PRIMARY KEY, public_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, person_id INTEGER NOT NULL"
	" REFERENCES person (id), met_at INTEGER, created_at INTEGER NOT NULL, archived_at INTEGER, search TEXT NOT NULL DEFAULT"
	" '') STRICT",
	"CREATE INDEX pet_person ON pet (person_id, name, id) WHERE archived_at IS NULL",
	"CREATE INDEX pet_list ON pet (name, id, search, person_id) WHERE archived_at IS NULL",
	"CREATE INDEX person_archived ON person (archived_at, id) WHERE archived_at IS NOT NULL",
	"CREATE INDEX pet_archived ON pet (archived_at, id) WHERE archived_at IS NOT NULL",
};

static const struct column person_columns[] = {
	{ .name = "given_names",
	  .title = "Given names",
	  .type = COLUMN_TEXT,
	  .flags = COL_REQUIRED | COL_LIST | COL_SEARCH,
	  .max = 20,
	  .aliases = "nombres|nombre" },
	{ .name = "surnames",
	  .title = "Surnames",
	  .type = COLUMN_TEXT,
	  .flags = COL_LIST | COL_SEARCH,
	  .max = 20 },
	{ .name = "email", .title = "E-mail", .type = COLUMN_EMAIL, .flags = COL_LIST | COL_SEARCH },
	{ .name = "phone", .title = "Phone", .type = COLUMN_PHONE, .flags = COL_LIST | COL_SEARCH },
	{ .name = "born_on", .title = "Born", .type = COLUMN_DATE },
	{ .name = "size",
	  .title = "Size",
	  .type = COLUMN_CHOICE,
	  .flags = COL_LIST,
	  .choices = "small=Small one|large=Large one",
	  .def = "small" },
	{ .name = "visits", .title = "Visits", .type = COLUMN_INT, .min = 0, .max = 99, .def = "0" },
	{ .name = "debt_cents", .title = "Debt", .type = COLUMN_CENTS, .flags = COL_LIST },
	{ .name = "is_member", .title = "Member", .type = COLUMN_BOOL },
	{ .name = "notes", .title = "Notes", .type = COLUMN_LONG_TEXT },
	{ .name = "website", .title = "Website", .type = COLUMN_URL },
	{ .name = "pin", .title = "PIN", .type = COLUMN_TEXT, .flags = COL_SECRET },
	{ .name = "owner_id", .title = "Owner", .type = COLUMN_INT, .flags = COL_READONLY | COL_HIDDEN },
	{ .name = "created_at", .title = "Made", .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "updated_at",
	  .title = "Changed",
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_HIDDEN },
	{ .name = "pets",
	  .title = "Pets",
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "(SELECT count(*) FROM pet x WHERE x.person_id = t.id AND x.archived_at IS NULL)" },
	{ .name = NULL },
};

static const struct sort person_sorts[] = {
	{ .name = "name", .title = "Name", .sql = "t.sort_name" },
	{ .name = "created_at", .title = "Made", .sql = "t.created_at", .is_down = true },
	{ .name = NULL },
};

/* "+": the index of the size alone has no order of the other sort; the sort's index has the size too. */
static const struct filter person_filters[] = {
	{ .name = "size",
	  .title = "Size",
	  .choices = "small=Small one|large=Large one",
	  .sql = (const char *const[]){ "+t.size = 'small'", "+t.size = 'large'", NULL } },
	{ .name = "made_from",
	  .title = "Made from",
	  .sql = (const char *const[]){ "t.created_at >= :f_made_from_ms", NULL } },
	{ .name = NULL },
};

static enum rc person_before_save(struct cx *cx, int64_t id, struct value *values)
{
	const char *given = value_text_of(value_get(values, "given_names"), "");
	const char *surnames = value_text_of(value_get(values, "surnames"), "");

	if (id == 0) value_set_int(cx->arena, values, "owner_id", cx->actor.user_id);
	value_set_text(cx->arena, values, "sort_name", arena_printf(cx->arena, "%s %s", surnames, given));
	if (strcmp(given, "Forbidden") == 0) return cx_fail_field(cx, "given_names", "Not this name.");
	return RC_OK;
}

static enum rc person_before_archive(struct cx *cx, int64_t id)
{
	int64_t pets = 0;
	enum rc rc = db_get_int(cx, &pets,
				"SELECT count(*) FROM pet WHERE person_id = :id AND archived_at IS NULL",
				PARAMS(P_INT(":id", id)));

	if (rc == RC_OK && pets > 0) return cx_fail(cx, RC_CONFLICT, "There are %d pets.", (int)pets);
	return rc;
}

static enum rc grow_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = tx_begin(cx);

	(void)call;
	if (rc == RC_OK)
		rc = tx_end(cx, db_run(cx, "UPDATE person SET size = 'large' WHERE id = :id",
				       PARAMS(P_INT(":id", id))));
	*done = "Grown.";
	return rc;
}

int greet_fails_after = -1;

/* Not to be repeated: who was greeted twice would notice. */
static enum rc greet_run(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	enum rc rc = tx_begin(cx);

	(void)call;
	if (rc == RC_OK && id % 10 == 7) rc = cx_fail(cx, RC_CONFLICT, "Does not want to be greeted.");
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE person SET visits = visits + 1 WHERE id = :id",
			    PARAMS(P_INT(":id", id)));
	if (rc == RC_OK && greet_fails_after >= 0 && greet_fails_after-- == 0) rc = RC_TRY_LATER;
	*done = "Greeted.";
	return tx_end(cx, rc);
}

static const struct action person_actions[] = {
	{ .name = "greet", .title = "Greet", .right = "people.edit", .is_bulk = true, .run = greet_run },
	{ .name = "grow",
	  .title = "Grow",
	  .right = "people.edit",
	  .is_bulk = true,
	  .when = "t.size = 'small'",
	  .run = grow_run },
	{ .name = NULL },
};

static const struct column pet_columns[] = {
	{ .name = "name",
	  .title = "Name",
	  .type = COLUMN_TEXT,
	  .flags = COL_REQUIRED | COL_LIST | COL_SEARCH },
	{ .name = "person_id",
	  .title = "Person",
	  .type = COLUMN_REF,
	  .ref = "people",
	  .flags = COL_REQUIRED | COL_LIST,
	  .aliases = "person" },
	{ .name = "met_at", .title = "Met", .type = COLUMN_INSTANT, .flags = COL_LIST },
	{ .name = NULL },
};

static const struct sort pet_sorts[] = {
	{ .name = "name", .title = "Name", .sql = "t.name" },
	{ .name = "id", .title = "Newest", .sql = "t.id", .is_down = true },
	{ .name = NULL },
};

static const struct filter pet_filters[] = {
	{ .name = "person",
	  .title = "Person",
	  .ref = "people",
	  .sql = (const char *const[]){ "+t.person_id = :f_person", NULL } },
	{ .name = NULL },
};

static const struct dependent person_dependents[] = {
	{ "Pets", "SELECT count(*) FROM pet WHERE person_id = :id AND archived_at IS NULL" },
	{ .title = NULL },
};

const struct resource office_resources[] = {
	{ .name = "people",
	  .title = "People",
	  .title_one = "Person",
	  .table = "person",
	  .row_name = "trim(t.given_names || ' ' || t.surnames)",
	  .columns = person_columns,
	  .sorts = person_sorts,
	  .filters = person_filters,
	  .actions = person_actions,
	  .where = "t.archived_at IS NULL",
	  .row_rule = "t.owner_id = :actor",
	  .right_all = "people.all",
	  .right_view = "people.view",
	  .right_edit = "people.edit",
	  .has_public_id = true,
	  .has_generation = true,
	  .can_create = true,
	  .can_archive = true,
	  .menu = "People",
	  .empty = "Nobody yet.",
	  .before_save = person_before_save,
	  .before_archive = person_before_archive,
	  .dependents = person_dependents },
	{ .name = "pets",
	  .title = "Pets",
	  .title_one = "Pet",
	  .table = "pet",
	  .from = "JOIN person p1 ON p1.id = t.person_id",
	  .row_name = "t.name || ' of ' || p1.given_names",
	  .columns = pet_columns,
	  .sorts = pet_sorts,
	  .filters = pet_filters,
	  .where = "t.archived_at IS NULL",
	  .row_rule = "p1.owner_id = :actor",
	  .right_all = "people.all",
	  .right_view = "people.view",
	  .right_edit = "people.edit",
	  .has_public_id = true,
	  .can_create = true,
	  .can_archive = true,
	  .empty = "No pets." },
	{ .name = NULL },
};

static const struct setting settings[] = {
	{ .name = "business.currency", .type = SET_TEXT, .def = "USD" },
	{ .name = "business.region", .type = SET_TEXT, .def = "EC" },
	{ .name = "business.zone", .type = SET_ZONE, .def = "America/Guayaquil" },
	{ .name = "business.language", .type = SET_ONE, .def = "en", .choices = "es|en" },
	{ .name = NULL },
};

const struct resource *shop_more;
const char *const *shop_more_sql;

static void write_ini(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs("[web]\nlisten = 127.0.0.1:0\n", f) >= 0);
	fclose(f);
}

void shop_open(struct shop *s)
{
	const struct setting *const tables[] = { settings, web_settings, outbox_settings, NULL };
	const struct resource *const resources[] = { office_resources, desk_resources, shop_more, NULL };
	const char *why = "", *path;

	state_open(&s->state, NOON);
	s->forever = arena_new(STATE_ARENA_MAX);
	assert_non_null(s->forever);
	path = arena_printf(s->forever, "%s/recado.ini", s->state.dir);
	write_ini(path);
	assert_int_equal(words_load(), RC_OK);
	assert_int_equal(settings_load(&s->state.env.settings, tables, path, s->forever, LANG_EN, &why),
			 RC_OK);
	for (size_t i = 0; i < sizeof(table_sql) / sizeof(table_sql[0]); i++)
		assert_int_equal(state_run(&s->state, table_sql[i]), RC_OK);
	for (size_t i = 0; shop_more_sql != NULL && shop_more_sql[i] != NULL; i++)
		assert_int_equal(state_run(&s->state, shop_more_sql[i]), RC_OK);
	assert_int_equal(desk_setup(resources, NULL, s->forever), RC_OK);
	shop_as(s, "owner", 1);
}

void shop_close(struct shop *s)
{
	settings_free(s->state.env.settings);
	arena_free(s->forever);
	state_close(&s->state);
}

void shop_as(struct shop *s, const char *role, int64_t user_id)
{
	struct actor *a = &s->state.cx.actor;

	*a = (struct actor){
		.kind = ACTOR_USER, .user_id = user_id, .name = role, .role = role, .address = ""
	};
	a->rights = strcmp(role, "owner") == 0    ? "people.view people.edit people.all"
		    : strcmp(role, "seller") == 0 ? "people.view people.edit"
						  : "people.view people.all";
}

void shop_next(struct shop *s)
{
	struct actor actor = s->state.cx.actor;

	cx_reset(&s->state.cx);
	s->state.cx.actor = actor;
}

enum rc shop_save(struct shop *s, const char *resource, int64_t *id, const struct pair *pairs)
{
	struct cx *cx = &s->state.cx;
	struct value *input = value_map(cx->arena);
	enum rc rc = tx_begin(cx);

	cx->message = "";
	cx->field_count = 0;
	for (; pairs->name != NULL; pairs++)
		value_set_text(cx->arena, input, pairs->name, pairs->value);
	assert_int_equal(rc, RC_OK);
	rc = desk_save(cx, desk_resource(resource), id, input);
	return tx_end(cx, rc);
}

const char *shop_error(struct shop *s, const char *field)
{
	for (size_t i = 0; i < s->state.cx.field_count; i++)
		if (strcmp(s->state.cx.fields[i].field, field) == 0) return s->state.cx.fields[i].message;
	return "";
}

static const char *get_pair(void *arg, const char *name)
{
	for (const struct pair *p = arg; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0) return p->value;
	return NULL;
}

const char *shop_list(struct shop *s, const char *resource, const struct pair *query, const char **next,
		      const char **previous)
{
	struct cx *cx = &s->state.cx;
	struct sb names;
	struct ask ask;
	struct rows rows;
	enum rc rc;

	cx->message = "";
	rc = ask_read(cx, &ask, office_find(resource), get_pair, (void *)(uintptr_t)query, DESK_PAGE_ROWS,
		      DESK_API_ROWS_MAX);
	if (rc == RC_OK) rc = rows_of(cx, &ask, SELECT_LIST, &rows);
	if (rc != RC_OK) return arena_printf(cx->arena, "!%s %s", rc_row(rc)->name, cx->message);
	sb_init_arena(&names, cx->arena, 100000);
	for (const struct value *v = rows.list->first; v != NULL; v = v->next) {
		if (v != rows.list->first) sb_char(&names, '|');
		sb_text(&names, value_text_of(value_get(v, "_name"), "?"));
	}
	if (next != NULL) *next = rows.next;
	if (previous != NULL) *previous = rows.previous;
	return sb_text_of(&names);
}
