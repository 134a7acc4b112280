/*
** save.c -- writes one row of a resource: checked, with its search text, stamps and history.
**
** Needs:  a write transaction of the caller (desk_save) or none (row_archive opens its own).
** Never:  deletes; writes a column that the table does not have or the resource does not declare or a
**         hook did not set.
** Holds:  (1) all wrong fields are told at once and nothing is written then; (2) an actor bound by the
**         row rule can neither refer to a foreign row nor leave behind a row that he cannot see; (3)
**         history has what changed and nothing secret; (4) an update that changes nothing writes
**         nothing.
*/
#include "desk/inner.h"

#include "base/phone.h"
#include "base/text.h"
#include <string.h>

#define SAVE_COLUMNS_MAX (DESK_COLUMNS_MAX * 2) /* declared ones and what hooks and stamps add */

static bool is_stored(const struct column *c)
{
	return c->sql == NULL;
}

/* May input set it now? */
static bool is_writable(const struct column *c, bool is_new)
{
	return is_stored(c) && (c->flags & COL_READONLY) == 0 && ((c->flags & COL_CREATE) == 0 || is_new);
}

/* Every column of the table, so that what a hook sets is compared with what is there. */
enum rc row_stored(struct cx *cx, const struct office *o, int64_t id, struct value **out)
{
	const struct table_facts *facts = NULL;
	struct statement_text s;
	const char *sql = "", *between = "SELECT ";
	enum rc rc = office_facts(cx, o, &facts);

	if (rc != RC_OK) return rc;
	statement_begin(cx, &s);
	for (size_t i = 0; i < facts->count; i++) {
		sb_text(&s.sql, between);
		sb_lit(&s.sql, "t.\"");
		sb_text(&s.sql, facts->at[i].name);
		sb_char(&s.sql, '"');
		between = ", ";
	}
	sb_lit(&s.sql, " FROM ");
	sb_text(&s.sql, o->r->table);
	sb_lit(&s.sql, " t WHERE t.id = :id");
	statement_param(&s, (struct param)P_INT(":id", id));
	rc = statement_ready(&s, &sql);
	return rc == RC_OK ? db_row(cx, out, sql, s.param) : rc;
}

static bool same_value(const struct value *a, const struct value *b)
{
	bool no_a = a == NULL || a->type == VALUE_NULL, no_b = b == NULL || b->type == VALUE_NULL;

	if (no_a || no_b) return no_a && no_b;
	if (a->type != b->type) return false;
	if (a->type == VALUE_INT) return a->integer == b->integer;
	return a->type == VALUE_TEXT && strcmp(a->text, b->text) == 0;
}

static void copy_value(struct cx *cx, struct value *map, const char *key, const struct value *v)
{
	if (v == NULL || v->type == VALUE_NULL)
		value_set_null(cx->arena, map, key);
	else if (v->type == VALUE_INT)
		value_set_int(cx->arena, map, key, v->integer);
	else
		value_set_text(cx->arena, map, key, value_text_of(v, ""));
}

/* What was given for a column under its name or one of its aliases; NULL when it was not mentioned. */
static const struct value *given_for(struct cx *cx, const struct column *c, const struct value *input)
{
	const struct value *v = value_get(input, c->name);
	char *p;

	if (v != NULL || c->aliases == NULL) return v;
	p = arena_text(cx->arena, c->aliases);
	while (v == NULL && *p != '\0') {
		size_t len = strcspn(p, "|");
		bool is_last = p[len] == '\0';

		p[len] = '\0';
		v = value_get(input, p);
		p += is_last ? len : len + 1;
	}
	return v;
}

/* An empty field: NULL where the table takes it, "" for texts that cannot be NULL, else the table's own default. */
static void set_empty(struct cx *cx, const struct column *c, const struct table_column *fact, bool is_new,
		      struct value *values)
{
	bool is_text = c->type != COLUMN_INT && c->type != COLUMN_BOOL && c->type != COLUMN_CENTS &&
		       c->type != COLUMN_INSTANT && c->type != COLUMN_REF;

	if (!fact->is_notnull)
		value_set_null(cx->arena, values, c->name);
	else if (is_new && fact->has_default)
		return;
	else if (is_text)
		value_set_text(cx->arena, values, c->name, "");
	else
		value_set_int(cx->arena, values, c->name, 0);
	/* A hook may want to know that a 0 was an empty field: "_empty_price_cents". */
	value_set_bool(cx->arena, values, arena_printf(cx->arena, "_empty_%s", c->name), true);
}

/* Give a phone its companions where the table has them. */
static void set_phone_facts(struct cx *cx, const struct table_facts *facts, const struct column *c,
			    const char *typed, struct value *values)
{
	static const char *const kinds[] = { "mobile", "landline", "other" };
	const char *original = arena_printf(cx->arena, "%s_original", c->name);
	const char *kind = arena_printf(cx->arena, "%s_kind", c->name), *why = "";
	struct phone phone;
	bool has_phone =
		typed[0] != '\0' &&
		phone_parse(&phone, &why, typed, setting_text(cx->env->settings, "business.region")) == RC_OK;

	if (facts_find(facts, original) != NULL) value_set_text(cx->arena, values, original, typed);
	if (facts_find(facts, kind) != NULL)
		value_set_text(cx->arena, values, kind, has_phone ? kinds[phone.kind] : "");
}

static const char *currency_for(struct cx *cx, const struct resource *r, const struct column *c,
				const struct value *values)
{
	const char *own = c->choices != NULL ? value_text_of(value_get(values, c->choices), "") : "";

	if (own[0] == '\0' && c->choices != NULL && r->currency_of != NULL) own = r->currency_of(cx, values);
	return own[0] != '\0' ? own : setting_text(cx->env->settings, "business.currency");
}

void row_put(struct cx *cx, const struct table_facts *facts, const struct column *c, const char *typed,
	     struct value *checked, bool is_new, struct value *values)
{
	if (checked != NULL)
		value_set(values, c->name, checked);
	else
		set_empty(cx, c, facts_find(facts, c->name), is_new, values);
	if (c->type == COLUMN_PHONE) set_phone_facts(cx, facts, c, checked != NULL ? typed : "", values);
}

/* All writable columns of input into values; every wrong one adds its sentence. */
static enum rc take_input(struct cx *cx, const struct office *o, const struct table_facts *facts,
			  const struct value *stored, const struct value *input, struct value *values)
{
	enum rc rc = RC_OK, worst = RC_OK;

	for (size_t i = 0; i < o->columns && (rc == RC_OK || rc == RC_BAD_INPUT); i++) {
		const struct column *c = &o->r->columns[i];
		const struct table_column *fact = facts_find(facts, c->name);
		const struct value *given;
		struct value *checked = NULL,
			     missing = { .type = VALUE_TEXT, .text = c->def != NULL ? c->def : "" };

		if (!is_writable(c, stored == NULL)) continue;
		if (fact == NULL) return RC_BUG;
		given = given_for(cx, c, input);
		if (given == NULL && stored != NULL) continue;
		if (given == NULL) given = &missing;
		rc = input_check(cx, o, i, given, value_get(stored, c->name),
				 currency_for(cx, o->r, c, values), &checked);
		if (rc == RC_BAD_INPUT) worst = rc;
		if (rc != RC_OK) continue;
		row_put(cx, facts, c, value_text_of(given, value_text_of(checked, "")), checked,
			stored == NULL, values);
	}
	return rc != RC_OK ? rc : worst;
}

/* The folded text that lists search in, from the values as they will be. */
static void set_search(struct cx *cx, const struct office *o, struct value *values)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, DESK_SQL_MAX);
	for (size_t i = 0; i < o->columns; i++) {
		const struct column *c = &o->r->columns[i];
		const struct value *v = value_get(values, c->name);

		if ((c->flags & COL_SEARCH) == 0 || v == NULL || v->type != VALUE_TEXT || v->text[0] == '\0')
			continue;
		if (sb.len > 0) sb_char(&sb, ' ');
		sb_text(&sb, v->text);
	}
	value_set_text(cx->arena, values, "search", text_fold(cx->arena, sb_text_of(&sb)));
}

static void set_stamps(struct cx *cx, const struct office *o, const struct table_facts *facts, bool is_new,
		       struct value *values)
{
	char public_id[PUBLIC_ID_SIZE];

	if (facts_find(facts, "updated_at") != NULL)
		value_set_int(cx->arena, values, "updated_at", cx_now(cx));
	if (!is_new) return;
	if (facts_find(facts, "created_at") != NULL)
		value_set_int(cx->arena, values, "created_at", cx_now(cx));
	if (facts_find(facts, "created_by") != NULL && value_get(values, "created_by") == NULL)
		value_set_text(cx->arena, values, "created_by", cx->actor.name);
	if (o->r->has_public_id && value_get(values, "public_id") == NULL) {
		public_id_new(public_id);
		value_set_text(cx->arena, values, "public_id", public_id);
	}
	for (const struct column *c = o->r->columns; c->name != NULL; c++)
		if (c->type == COLUMN_CENTS && c->choices != NULL && facts_find(facts, c->choices) != NULL &&
		    value_get(values, c->choices) == NULL)
			value_set_text(cx->arena, values, c->choices,
				       setting_text(cx->env->settings, "business.currency"));
}

static void bind_value(struct cx *cx, struct statement_text *s, const struct value *v)
{
	const char *name = arena_printf(cx->arena, ":v_%s", v->key);

	sb_text(&s->sql, name);
	if (v->type == VALUE_INT)
		statement_param(s, (struct param)P_INT(name, v->integer));
	else if (v->type == VALUE_BOOL)
		statement_param(s, (struct param)P_INT(name, v->boolean ? 1 : 0));
	else if (v->type == VALUE_TEXT)
		statement_param(s, (struct param)P_TEXT(name, v->text));
	else
		statement_param(s, (struct param)P_NULL(name));
}

/* Only what the table has: a hook may keep notes of its own in values. */
static bool goes_in(const struct table_facts *facts, const struct value *v)
{
	return strcmp(v->key, "id") != 0 && facts_find(facts, v->key) != NULL;
}

static void say_name(struct statement_text *s, const char *name)
{
	sb_char(&s->sql, '"');
	sb_text(&s->sql, name);
	sb_char(&s->sql, '"');
}

static enum rc write_new(struct cx *cx, const struct office *o, const struct table_facts *facts,
			 const struct value *values, int64_t *id)
{
	struct statement_text s;
	const char *sql = "", *between = " (";
	enum rc rc;

	statement_begin(cx, &s);
	sb_lit(&s.sql, "INSERT INTO ");
	sb_text(&s.sql, o->r->table);
	for (const struct value *v = values->first; v != NULL; v = v->next)
		if (goes_in(facts, v)) {
			sb_text(&s.sql, between);
			say_name(&s, v->key);
			between = ", ";
		}
	sb_lit(&s.sql, ") VALUES (");
	between = "";
	for (const struct value *v = values->first; v != NULL; v = v->next)
		if (goes_in(facts, v)) {
			sb_text(&s.sql, between);
			bind_value(cx, &s, v);
			between = ", ";
		}
	sb_char(&s.sql, ')');
	rc = statement_ready(&s, &sql);
	if (rc == RC_OK) rc = db_run(cx, sql, s.param);
	if (rc == RC_OK) *id = db_last_id(cx);
	return rc;
}

static enum rc write_changes(struct cx *cx, const struct office *o, const struct table_facts *facts,
			     const struct value *stored, const struct value *values, int64_t id)
{
	struct statement_text s;
	const char *sql = "", *between = " SET ";
	enum rc rc;

	statement_begin(cx, &s);
	sb_lit(&s.sql, "UPDATE ");
	sb_text(&s.sql, o->r->table);
	for (const struct value *v = values->first; v != NULL; v = v->next)
		if (goes_in(facts, v) && !same_value(v, value_get(stored, v->key))) {
			sb_text(&s.sql, between);
			say_name(&s, v->key);
			sb_lit(&s.sql, " = ");
			bind_value(cx, &s, v);
			between = ", ";
		}
	sb_lit(&s.sql, " WHERE id = :id");
	statement_param(&s, (struct param)P_INT(":id", id));
	rc = statement_ready(&s, &sql);
	return rc == RC_OK ? db_run(cx, sql, s.param) : rc;
}

/* Which field broke a UNIQUE */

/* The declared column an index column stands for: itself, or the one it folds. */
static const char *field_of(const struct office *o, const char *index_column)
{
	size_t len = strlen(index_column);

	for (size_t i = 0; i < o->columns; i++) {
		const char *name = o->r->columns[i].name;
		size_t n = strlen(name);

		if (strcmp(name, index_column) == 0) return name;
		if (len == n + 7 && memcmp(name, index_column, n) == 0 &&
		    strcmp(index_column + n, "_folded") == 0)
			return name;
	}
	return NULL;
}

/* Is another row in this unique index's place? The index's columns, NUL between, are in names. */
static enum rc index_is_taken(struct cx *cx, const struct office *o, const struct table_facts *facts,
			      const char *index, const struct value *values, int64_t id, const char **field)
{
	struct statement_text s;
	struct query *q = NULL;
	const char *sql = "";
	int64_t other = 0;
	bool is_known = true;
	enum rc rc = db_query(cx, &q, "SELECT name FROM pragma_index_info(:index)",
			      PARAMS(P_TEXT(":index", index)));

	*field = NULL;
	statement_begin(cx, &s);
	sb_lit(&s.sql, "SELECT id FROM ");
	sb_text(&s.sql, o->r->table);
	sb_lit(&s.sql, " WHERE id <> :id");
	statement_param(&s, (struct param)P_INT(":id", id));
	while (rc == RC_OK && query_next(q)) {
		const char *name = query_copy(cx, q, 0);
		const struct value *v = value_get(values, name);

		if (v == NULL || v->type == VALUE_NULL) {
			is_known = false;
			continue;
		}
		sb_lit(&s.sql, " AND ");
		say_name(&s, name);
		sb_lit(&s.sql, " = ");
		bind_value(cx, &s, v);
		if (*field == NULL) *field = field_of(o, name);
	}
	rc = query_end(q, rc);
	if (rc != RC_OK) return rc;
	if (!is_known || *field == NULL) return RC_NOT_FOUND;
	if (facts_find(facts, "archived_at") != NULL) sb_lit(&s.sql, " AND archived_at IS NULL");
	rc = statement_ready(&s, &sql);
	return rc == RC_OK ? db_get_int(cx, &other, sql, s.param) : rc;
}

/* After RC_CONFLICT: tie it to the field whose value somebody else has. */
enum rc row_explain_conflict(struct cx *cx, const struct office *o, const struct table_facts *facts,
			     const struct value *values, int64_t id)
{
	struct value *indexes = NULL;
	const char *field = NULL;
	enum rc rc = db_rows(cx, &indexes, 20,
			     "SELECT name FROM pragma_index_list(:table) WHERE \"unique\" = 1 ORDER BY seq",
			     PARAMS(P_TEXT(":table", o->r->table)));

	if (rc != RC_OK) return rc;
	for (const struct value *v = indexes->first; v != NULL; v = v->next) {
		rc = index_is_taken(cx, o, facts, value_text_of(value_get(v, "name"), ""), values, id,
				    &field);
		if (rc == RC_OK) {
			(void)cx_fail_field(cx, field, _("Another one has this already; it must be unique."));
			cx->message = "";
			return cx_fail(cx, RC_CONFLICT,
				       _("Another one has this already; it must be unique."));
		}
		if (rc != RC_NOT_FOUND) return rc;
	}
	return cx_fail(cx, RC_CONFLICT, _("This does not fit what is stored already. Look at it again."));
}

/* History */

/* What saving itself sets; hooks get everything else of the row. */
static bool is_kept_by_save(const char *name)
{
	static const char *const names[] = { "id", "public_id", "search", "created_at", "updated_at" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0) return true;
	return false;
}

/* COL_SECRET: not at all. */
static unsigned flags_of(const struct office *o, const char *name)
{
	for (size_t i = 0; i < o->columns; i++)
		if (strcmp(o->r->columns[i].name, name) == 0) return o->r->columns[i].flags;
	return COL_SECRET;
}

static enum rc add_history(struct cx *cx, const struct office *o, const char *action, int64_t id,
			   const struct value *stored, const struct value *values)
{
	struct value *before = value_map(cx->arena), *after = value_map(cx->arena);

	for (const struct value *v = values->first; v != NULL; v = v->next) {
		const struct value *old = value_get(stored, v->key);
		unsigned flags = flags_of(o, v->key);

		if (is_kept_by_save(v->key) || (flags & COL_SECRET) != 0 || same_value(v, old)) continue;
		if (stored == NULL && v->type == VALUE_TEXT && v->text[0] == '\0') continue;
		if ((flags & COL_PRIVATE) != 0) {
			value_set_text(cx->arena, after, v->key, "***");
			continue;
		}
		copy_value(cx, after, v->key, v);
		if (stored != NULL) copy_value(cx, before, v->key, old);
	}
	if (stored != NULL && after->count == 0)
		return RC_OK; /* only what nobody reads: search text, stamps */
	if (value_get(values, VALUE_IMPORT) != NULL)
		copy_value(cx, after, "import", value_get(values, VALUE_IMPORT));
	return audit_add(cx, action, o->r->table, id, stored != NULL ? before : NULL, after);
}

/* Saving */

static bool is_changed(const struct table_facts *facts, const struct value *stored,
		       const struct value *values)
{
	for (const struct value *v = values->first; v != NULL; v = v->next)
		if (goes_in(facts, v) && !same_value(v, value_get(stored, v->key))) return true;
	return false;
}

struct value *row_values(struct cx *cx, const struct value *stored)
{
	struct value *values = value_map(cx->arena);

	for (const struct value *v = stored != NULL ? stored->first : NULL; v != NULL; v = v->next)
		if (!is_kept_by_save(v->key)) copy_value(cx, values, v->key, v);
	return values;
}

enum rc row_settle(struct cx *cx, const struct office *o, const struct table_facts *facts,
		   const struct value *stored, struct value *values, int64_t id, bool *changes)
{
	enum rc rc = o->r->before_save != NULL ? o->r->before_save(cx, id, values) : RC_OK;

	if (rc == RC_OK && cx->field_count > 0) rc = RC_BAD_INPUT;
	*changes = rc == RC_OK && (stored == NULL || is_changed(facts, stored, values));
	return rc;
}

enum rc row_write(struct cx *cx, const struct office *o, const struct table_facts *facts,
		  const struct value *stored, struct value *values, int64_t *id, const char *action)
{
	const struct resource *r = o->r;
	bool is_new = stored == NULL;
	enum rc rc;

	if (o->has_search && value_get(values, "search") == NULL && facts_find(facts, "search") != NULL)
		set_search(cx, o, values);
	set_stamps(cx, o, facts, is_new, values);
	rc = is_new ? write_new(cx, o, facts, values, id) : write_changes(cx, o, facts, stored, values, *id);
	if (rc == RC_CONFLICT) return row_explain_conflict(cx, o, facts, values, *id);
	if (rc == RC_OK && r->after_save != NULL) rc = r->after_save(cx, *id, is_new, values);
	if (rc == RC_OK) rc = row_is_visible(cx, o, *id);
	if (rc == RC_NOT_FOUND)
		return cx_fail(cx, RC_DENIED,
			       _("You would not see it any more: it would belong to somebody else."));
	if (rc == RC_OK && action != NULL) rc = add_history(cx, o, action, *id, stored, values);
	return rc;
}

static enum rc save_checked(struct cx *cx, const struct office *o, const struct table_facts *facts,
			    const struct value *stored, struct value *values, int64_t *id)
{
	bool changes = false;
	enum rc rc = row_settle(cx, o, facts, stored, values, *id, &changes);

	if (rc != RC_OK || !changes) return rc;
	return row_write(cx, o, facts, stored, values, id, stored == NULL ? "create" : "update");
}

enum rc desk_save(struct cx *cx, const struct resource *r, int64_t *row_id, const struct value *input)
{
	const struct office *o = office_find(r->name);
	const struct table_facts *facts = NULL;
	struct value *stored = NULL, *values;
	int64_t id = *row_id;
	enum rc rc = o != NULL ? office_facts(cx, o, &facts) : RC_BUG;

	if (rc == RC_OK && id != 0) {
		rc = row_is_visible(cx, o, id);
		if (rc == RC_OK) rc = row_stored(cx, o, id, &stored);
	}
	values = row_values(cx, stored);
	if (rc == RC_OK) rc = take_input(cx, o, facts, stored, input, values);
	if (rc == RC_OK) rc = save_checked(cx, o, facts, stored, values, &id);
	if (rc == RC_BAD_INPUT && cx->field_count > 0)
		(void)cx_fail(cx, rc, "%s",
			      words_plural(cx->lang, (int64_t)cx->field_count,
					   N_("One field needs your attention."),
					   N_("Some fields need your attention.")));
	if (rc == RC_OK) *row_id = id;
	return rc;
}
