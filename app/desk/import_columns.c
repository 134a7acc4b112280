/*
** import_columns.c -- column by column: a row of a file as the form would take it.
**
** Needs:  save.c for the writing, import_values.c for the cells.
** Holds:  (1) a cell passes the checks of its column in form and API, a row the resource's hooks; (2) an
**         empty cell means the default in a new row and leaves a known row as it is, unless the sender wants
**         it cleared; what must be there is never cleared; (3) what a cell says in
**         other words than what is stored, and means the same, changes nothing; (4) a row is known by its id,
**         else by the resource's import_key among the rows that the sender may see.
*/
#include "desk/import_values.h"

#include "base/text.h"
#include <string.h>

#define FIELD_ID 0 /* then one field a column */

struct facts {
	int64_t id;
	struct value *stored, *values;
};

static bool is_taken(const struct column *c)
{
	return c->sql == NULL && (c->flags & (COL_READONLY | COL_HIDDEN | COL_SECRET)) == 0;
}

static const char *sample_of(struct cx *cx, const struct office *o, size_t i)
{
	const struct column *c = &o->r->columns[i];

	switch (c->type) {
	case COLUMN_TEXT: return (c->flags & COL_REQUIRED) != 0 ? words_get(cx->lang, c->title) : NULL;
	case COLUMN_BOOL: return _("Yes");
	case COLUMN_DATE: return "2026-12-31";
	case COLUMN_CENTS: return "12.99";
	case COLUMN_INT: return c->def;
	case COLUMN_EMAIL: return "ana@example.com";
	case COLUMN_PHONE: return "099 000 0000";
	case COLUMN_CHOICE:
		return o->column_choices[i] != NULL && o->column_choices[i]->count > 0
			       ? words_get(cx->lang, o->column_choices[i]->at[0].title)
			       : NULL;
	default: return NULL;
	}
}

static size_t columns_fields(struct cx *cx, const struct resource *r, struct import_field *out)
{
	const struct office *o = office_find(r->name);

	out[FIELD_ID] = (struct import_field){ .name = "id",
					       .title = N_("id"),
					       .aliases = "public_id",
					       .help = N_("Of an export: names the row to change."),
					       .is_id = true };
	for (size_t i = 0; i < o->columns; i++) {
		const struct column *c = &r->columns[i];

		out[i + 1] = (struct import_field){ .name = c->name,
						    .title = c->title,
						    .aliases = c->aliases,
						    .help = c->help,
						    .sample = sample_of(cx, o, i),
						    .is_required = is_taken(c) && c->def == NULL &&
								   (c->flags & COL_REQUIRED) != 0,
						    .is_ignored = !is_taken(c) };
	}
	return o->columns + 1;
}

static enum rc columns_open(struct cx *cx, const struct import_open *open, void **state)
{
	struct columns *s = arena_alloc(open->arena, sizeof(*s));
	enum rc rc;

	if (s == NULL) return RC_NO_MEMORY;
	s->open = *open;
	s->o = office_find(open->resource->name);
	s->seen = import_keys_new();
	s->known = import_keys_new();
	rc = s->seen != NULL && s->known != NULL ? office_facts(cx, s->o, &s->facts) : RC_NO_MEMORY;
	for (size_t i = 0; i < s->o->columns && rc == RC_OK; i++)
		if (is_taken(&s->o->r->columns[i])) s->is_taken[i] = true;
	if (rc == RC_OK) rc = values_open(cx, s);
	if (rc == RC_OK)
		rc = db_get_int(
			cx, &s->unique_indexes,
			"SELECT count(*) FROM pragma_index_list(:table) l WHERE l.\"unique\" = 1 AND NOT EXISTS"
			" (SELECT 1 FROM pragma_index_info(l.name) i WHERE i.name = 'public_id')",
			PARAMS(P_TEXT(":table", s->o->r->table)));
	if (rc == RC_OK)
		*state = s;
	else {
		import_keys_free(s->seen);
		import_keys_free(s->known);
	}
	return rc;
}

static void columns_close(void *state)
{
	struct columns *s = state;

	if (s == NULL) return;
	import_keys_free(s->seen);
	import_keys_free(s->known);
}

/* Which row it is: by id, else by key. The key's columns are checked on the way. */
static enum rc identify(struct cx *cx, struct columns *s, const struct cells *cells, struct value **checked,
			int64_t *id, const char **key)
{
	const char *text = import_cell(s->open.heading, cells, FIELD_ID);
	enum rc rc = RC_OK;

	*id = 0;
	*key = NULL;
	if (text[0] != '\0') {
		rc = office_row_id(cx, id, s->o, text, false);
		*key = arena_printf(cx->arena, "i%lld", (long long)*id);
		if (rc == RC_NOT_FOUND) {
			cx->message = "";
			rc = cx_fail_field(cx, "id",
					   _("There is no row “%s”; leave the cell empty for a new one."),
					   text);
		}
		return rc;
	}
	return s->key_count > 0 ? values_find(cx, s, cells, checked, id, key) : RC_OK;
}

static bool is_same(const struct value *a, const struct value *b)
{
	if (a == NULL || b == NULL || a->type != b->type) return false;
	return a->type == VALUE_INT ? a->integer == b->integer
				    : a->type == VALUE_TEXT && strcmp(a->text, b->text) == 0;
}

static bool is_empty(const struct value *v)
{
	return v == NULL || v->type == VALUE_NULL || (v->type == VALUE_TEXT && v->text[0] == '\0');
}

/* Does an empty cell of this column empty the field? Only where empty is a thing the field can be: what must
** be there, the key, a number, a yes or no and a choice of which one always holds stay as they are. */
static bool is_cleared(const struct columns *s, size_t i)
{
	const struct column *c = &s->o->r->columns[i];
	const struct table_column *fact = facts_find(s->facts, c->name);
	bool is_words = c->type == COLUMN_TEXT || c->type == COLUMN_LONG_TEXT || c->type == COLUMN_EMAIL ||
			c->type == COLUMN_PHONE || c->type == COLUMN_URL || c->type == COLUMN_DATE;

	if (!s->open.clears_empty || s->open.heading->at[i + 1] < 0 || fact == NULL) return false;
	if ((c->flags & (COL_REQUIRED | COL_CREATE)) != 0 || (fact->is_notnull && !is_words)) return false;
	for (size_t k = 0; k < s->key_count; k++)
		if (s->key_column[k] == i) return false;
	return true;
}

/* One column of the row into values. */
static enum rc take(struct cx *cx, struct columns *s, size_t i, const char *cell, struct value *checked,
		    struct facts *f)
{
	const struct column *c = &s->o->r->columns[i];
	const struct value *stored = value_get(f->stored, c->name);
	bool is_new = f->stored == NULL;
	enum rc rc = RC_OK;

	if (!is_new && (c->flags & COL_CREATE) != 0) return RC_OK;
	if (!is_new && cell[0] == '\0') {
		/* An empty cell where nothing stands is no news, and no hook is to think so. */
		if (is_cleared(s, i) && !is_empty(stored))
			row_put(cx, s->facts, c, "", NULL, false, f->values);
		return RC_OK;
	}
	if (cell[0] == '\0') {
		checked = values_default(cx, s, i);
		if (checked == NULL && (c->flags & COL_REQUIRED) != 0)
			return cx_fail_field(cx, c->name, _("This is needed."));
	} else if (checked == NULL) {
		rc = values_check(cx, s, i, cell, f->stored, f->values, &checked);
	}
	if (rc != RC_OK || (!is_new && is_same(checked, stored))) return rc;
	row_put(cx, s->facts, c, cell[0] != '\0' ? cell : value_text_of(checked, ""), checked, is_new,
		f->values);
	return RC_OK;
}

static enum rc take_all(struct cx *cx, struct columns *s, const struct cells *cells, struct value **checked,
			struct facts *f)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < s->o->columns && (rc == RC_OK || rc == RC_BAD_INPUT); i++) {
		if (!s->is_taken[i] || s->is_refused[i]) continue;
		rc = take(cx, s, i, import_cell(s->open.heading, cells, i + 1), checked[i], f);
	}
	return rc == RC_BAD_INPUT ? RC_OK : rc; /* what is wrong stands in cx's fields */
}

static enum rc columns_judge(struct cx *cx, void *state, struct import_row *row)
{
	struct columns *s = state;
	struct facts *f = arena_alloc(cx->arena, sizeof(*f));
	struct value *checked[DESK_COLUMNS_MAX] = { NULL };
	const char *key = NULL;
	bool changes = false;
	int64_t line;
	enum rc rc;

	if (f == NULL) return RC_NO_MEMORY;
	row->facts = f;
	memset(s->is_refused, 0, sizeof(s->is_refused));
	rc = identify(cx, s, row->cells, checked, &f->id, &key);
	if (rc != RC_OK && rc != RC_BAD_INPUT) return rc;
	line = key != NULL && cx->field_count == 0 ? import_keys_get(s->seen, key) : -1;
	if (line >= 0 && line != (int64_t)row->cells->line) {
		row->verdict = IMPORT_SKIP;
		row->why = arena_printf(cx->arena, _("it is row %lld once more"), (long long)line);
		return RC_OK;
	}
	rc = f->id != 0 ? row_stored(cx, s->o, f->id, &f->stored) : RC_OK;
	if (rc != RC_OK) return rc;
	f->values = row_values(cx, f->stored);
	rc = take_all(cx, s, row->cells, checked, f);
	if (rc == RC_OK && cx->field_count > 0) rc = RC_BAD_INPUT;
	if (rc == RC_OK) rc = row_settle(cx, s->o, s->facts, f->stored, f->values, f->id, &changes);
	if (rc == RC_BAD_INPUT || rc == RC_CONFLICT || rc == RC_DENIED) {
		row->verdict = IMPORT_WRONG;
		row->why = import_why(cx, s->o->r, rc);
		return RC_OK;
	}
	if (rc != RC_OK) return rc;
	row->verdict = f->stored == NULL ? IMPORT_NEW : changes ? IMPORT_UPDATE : IMPORT_SAME;
	return key != NULL ? import_keys_put(s->seen, key, (int64_t)row->cells->line) : RC_OK;
}

static enum rc columns_write(struct cx *cx, void *state, struct import_row *row, enum import_step step,
			     int64_t made[IMPORT_COUNTS_MAX])
{
	struct columns *s = state;
	struct facts *f = row->facts;
	bool is_new = row->verdict == IMPORT_NEW;
	enum rc rc;

	if (step != IMPORT_REHEARSE && (step == IMPORT_MAKE) != is_new) return RC_OK;
	if (is_new && s->open.generation != 0)
		value_set_int(cx->arena, f->values, "generation", s->open.generation);
	value_set_text(cx->arena, f->values, VALUE_IMPORT, s->open.import_id);
	/* Hidden rows get their history all at once, when they come to light. */
	rc = row_write(cx, s->o, s->facts, f->stored, f->values, &f->id,
		       is_new && s->open.generation != 0 ? NULL : "import");
	if (rc == RC_OK) made[is_new ? 0 : 1]++;
	return rc;
}

static bool columns_rehearses(void *state)
{
	const struct columns *s = state;

	return s->unique_indexes > 0 || !s->o->r->has_generation;
}

static void columns_show(struct cx *cx, void *state, const struct import_row *row, struct value *list)
{
	const struct columns *s = state;
	const struct facts *f = row->facts;

	for (size_t i = 0; i < s->o->columns; i++) {
		const struct column *c = &s->o->r->columns[i];
		const char *cell = import_cell(s->open.heading, row->cells, i + 1);

		if (!s->is_taken[i] || s->open.heading->at[i + 1] < 0) continue;
		if (cell[0] == '\0' && !is_empty(value_get(f->stored, c->name)) &&
		    is_empty(value_get(f->values, c->name)))
			cell = _("(emptied)");
		else if (c->type != COLUMN_REF)
			cell = cell_text(cx, s->o, i, f->values);
		value_add_text(cx->arena, list, cell);
	}
}

static const char *const columns_counts[] = { N_("New rows"), N_("Changed rows"), NULL };

const struct importer import_by_columns = {
	.name = "",
	.title = N_("Column by column"),
	.counts = columns_counts,
	.fields = columns_fields,
	.open = columns_open,
	.close = columns_close,
	.judge = columns_judge,
	.write = columns_write,
	.rehearses = columns_rehearses,
	.show = columns_show,
};
