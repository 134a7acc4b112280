/*
** import_values.c -- a cell of a file into what is stored: through the column's own check, but what repeats
** is looked up once.
**
** Holds:  (1) choices and yes/no are understood in every language of the house; (2) a reference is a public
**         id or the whole name of one row; (3) an instant written without its milliseconds is the stored one.
*/
#include "desk/import_values.h"

#include "base/text.h"
#include <string.h>

static struct value *int_value(struct cx *cx, int64_t n)
{
	struct value *v = arena_alloc(cx->arena, sizeof(*v));

	if (v != NULL) *v = (struct value){ .type = VALUE_INT, .integer = n };
	return v;
}

/* Composed letters, as a form gets them: combining marks are U+0300…U+036F, 0xCC or 0xCD first. */
static const char *composed(struct cx *cx, const char *text)
{
	return strpbrk(text, "\xCC\xCD") != NULL ? text_nfc(cx->arena, text) : text;
}

static enum rc check(struct cx *cx, struct columns *s, size_t i, const char *text, const struct value *stored,
		     const char *currency, struct value **out)
{
	struct value given = { .type = VALUE_TEXT, .text = text, .len = strlen(text) };

	return input_check(cx, s->o, i, &given, stored, currency, out);
}

/* Choices and yes/no */

static const struct choice *choice_of(struct cx *cx, const struct choices *choices, const char *text)
{
	const char *folded = text_fold(cx->arena, text);

	for (size_t i = 0; choices != NULL && i < choices->count; i++) {
		if (strcmp(choices->at[i].value, text) == 0) return &choices->at[i];
		for (int lang = 0; lang < LANG__MAX; lang++)
			if (strcmp(text_fold(cx->arena, words_get((enum lang)lang, choices->at[i].title)),
				   folded) == 0)
				return &choices->at[i];
	}
	return NULL;
}

static enum rc check_choice(struct cx *cx, struct columns *s, size_t i, const char *text, struct value **out)
{
	const struct choices *choices = s->o->column_choices[i];
	const char *key = arena_printf(cx->arena, "c%zu:%s", i, text);
	int64_t at = import_keys_get(s->known, key);
	const struct choice *c;

	if (at < 0) {
		c = choice_of(cx, choices, text);
		if (c == NULL) return check(cx, s, i, text, NULL, s->currency, out);
		at = c - choices->at;
		if (import_keys_put(s->known, key, at) == RC_NO_MEMORY) return RC_NO_MEMORY;
	}
	*out = value_text(cx->arena, choices->at[at].value);
	return RC_OK;
}

static enum rc check_bool(struct cx *cx, struct columns *s, size_t i, const char *text, struct value **out)
{
	const char *folded = text_fold(cx->arena, text);

	/* As a spreadsheet in Spanish writes a truth, and "SÍ". */
	if (strcmp(folded, "verdadero") == 0 || strcmp(folded, "si") == 0) text = "1";
	if (strcmp(folded, "falso") == 0) text = "0";
	return check(cx, s, i, text, NULL, s->currency, out);
}

/* References */

/* The name of a row must be written whole: half of it may be unique today and mean another row tomorrow. */
static enum rc is_whole_name(struct cx *cx, const struct office *ref, int64_t id, const char *text,
			     bool *is_it)
{
	struct value *row = NULL;
	enum rc rc = row_of(cx, ref, id, SELECT_NAME, true, &row);

	if (rc != RC_OK) return rc;
	*is_it = strcmp(row_public_id(cx, ref, row), text) == 0 ||
		 strcmp(text_fold(cx->arena, row_name(cx, ref, row)), text_fold(cx->arena, text)) == 0;
	return RC_OK;
}

static enum rc check_ref(struct cx *cx, struct columns *s, size_t i, const char *text,
			 const struct value *stored, struct value **out)
{
	const struct column *c = &s->o->r->columns[i];
	const struct office *ref = s->o->column_ref[i];
	const char *key =
		arena_printf(cx->arena, "r%zu:%lld:%s", i, (long long)value_int_of(stored, 0), text);
	int64_t id = import_keys_get(s->known, key);
	bool is_whole = true;
	enum rc rc;

	if (id >= 0) {
		*out = int_value(cx, id);
		return *out != NULL ? RC_OK : RC_NO_MEMORY;
	}
	rc = check(cx, s, i, text, stored, s->currency, out);
	if (rc != RC_OK || ref == NULL || *out == NULL) return rc;
	rc = is_whole_name(cx, ref, (*out)->integer, text, &is_whole);
	if (rc != RC_OK) return rc;
	if (!is_whole)
		return cx_fail_field(cx, c->name, _("“%s” was not found among: %s."), text,
				     words_get(cx->lang, ref->r->title));
	return import_keys_put(s->known, key, (*out)->integer) == RC_NO_MEMORY ? RC_NO_MEMORY : RC_OK;
}

/* Instants */

/* An export writes seconds, a spreadsheet minutes: what is stored more finely has not changed. */
static enum rc check_instant(struct cx *cx, struct columns *s, size_t i, const char *text,
			     const struct value *stored, struct value **out)
{
	const char *colon = strchr(text, ':');
	int64_t step = colon == NULL ? 1 : strchr(colon + 1, ':') != NULL ? SECOND_MS : MINUTE_MS;
	enum rc rc = check(cx, s, i, text, stored, s->currency, out);

	if (rc == RC_OK && *out != NULL && stored != NULL && stored->type == VALUE_INT &&
	    stored->integer / step == (*out)->integer / step)
		(*out)->integer = stored->integer;
	return rc;
}

enum rc values_check(struct cx *cx, struct columns *s, size_t i, const char *cell, const struct value *stored,
		     const struct value *values, struct value **out)
{
	const struct column *c = &s->o->r->columns[i];
	const struct value *was = value_get(stored, c->name);
	const char *text = composed(cx, cell), *currency = s->currency;

	*out = NULL;
	switch (c->type) {
	case COLUMN_CHOICE: return check_choice(cx, s, i, text, out);
	case COLUMN_BOOL: return check_bool(cx, s, i, text, out);
	case COLUMN_REF: return check_ref(cx, s, i, text, was, out);
	case COLUMN_INSTANT: return check_instant(cx, s, i, text, was, out);
	case COLUMN_CENTS:
		if (c->choices != NULL) {
			const char *own = value_text_of(value_get(values, c->choices), "");

			if (own[0] != '\0') currency = own;
		}
		break;
	default: break;
	}
	return check(cx, s, i, text, was, currency, out);
}

/* Defaults */

static struct value *copy_of(struct arena *a, const struct value *v)
{
	struct value *copy = v != NULL ? arena_alloc(a, sizeof(*copy)) : NULL;

	if (copy == NULL) return NULL;
	*copy = (struct value){ .type = v->type, .integer = v->integer, .text = v->text, .len = v->len };
	if (v->type == VALUE_TEXT) copy->text = arena_text(a, v->text);
	return copy;
}

struct value *values_default(struct cx *cx, const struct columns *s, size_t i)
{
	struct value *v = s->def[i] != NULL ? arena_alloc(cx->arena, sizeof(*v)) : NULL;

	if (v != NULL) *v = *s->def[i]; /* its text lives as long as the run */
	return v;
}

/* The key */

static size_t column_named(const struct office *o, const char *name, size_t len)
{
	for (size_t i = 0; i < o->columns; i++)
		if (strlen(o->r->columns[i].name) == len && memcmp(o->r->columns[i].name, name, len) == 0)
			return i;
	return o->columns;
}

static enum rc cut_key(struct columns *s, const char *key)
{
	while (*key != '\0') {
		size_t len = strcspn(key, "|"), i = column_named(s->o, key, len);
		char folded[96];

		if (i == s->o->columns || s->key_count == IMPORT_KEY_MAX || len + 8 > sizeof(folded))
			return RC_BUG;
		memcpy(folded, key, len);
		memcpy(folded + len, "_folded", 8);
		s->key_is_folded[s->key_count] = facts_find(s->facts, folded) != NULL;
		s->key_column[s->key_count++] = i;
		key += len + (key[len] == '|');
	}
	return RC_OK;
}

/* At most two: a key that fits several names none. */
static enum rc say_question(struct cx *cx, struct columns *s)
{
	static const char *const names[IMPORT_KEY_MAX] = { ":k0", ":k1", ":k2", ":k3" };
	const struct resource *r = s->o->r;
	struct statement_text t;
	const char *sql = "";
	enum rc rc;

	statement_begin(cx, &t);
	sb_lit(&t.sql, "SELECT t.id FROM ");
	sb_text(&t.sql, r->table);
	sb_lit(&t.sql, " t ");
	sb_text(&t.sql, s->o->from);
	sb_lit(&t.sql, " WHERE 1");
	if (r->where != NULL) {
		sb_lit(&t.sql, " AND (");
		statement_declared(cx, &t, r->where);
		sb_char(&t.sql, ')');
	}
	if (r->has_generation) sb_lit(&t.sql, " AND t.generation NOT IN (SELECT id FROM pending_generation)");
	if (!office_may_all(cx, r)) {
		sb_lit(&t.sql, " AND (");
		statement_declared(cx, &t, r->row_rule);
		sb_char(&t.sql, ')');
	}
	s->find_key_at = t.count;
	for (size_t k = 0; k < s->key_count; k++) {
		sb_printf(&t.sql, " AND t.\"%s%s\" = %s", r->columns[s->key_column[k]].name,
			  s->key_is_folded[k] ? "_folded" : "", names[k]);
		statement_param(&t, (struct param)P_NULL(names[k]));
	}
	sb_lit(&t.sql, " ORDER BY t.id LIMIT 2");
	rc = statement_ready(&t, &sql);
	if (rc != RC_OK) return rc;
	s->find_sql = arena_text(s->open.arena, sql);
	s->find_params = arena_array(s->open.arena, t.count + 1, sizeof(*s->find_params));
	if (s->find_params == NULL) return RC_NO_MEMORY;
	memcpy(s->find_params, t.param, (t.count + 1) * sizeof(*s->find_params));
	return RC_OK;
}

enum rc values_open(struct cx *cx, struct columns *s)
{
	enum rc rc = RC_OK;

	s->currency = setting_text(cx->env->settings, "business.currency");
	for (size_t i = 0; i < s->o->columns && rc == RC_OK; i++) {
		const struct column *c = &s->o->r->columns[i];
		struct value *v = NULL;

		if (!s->is_taken[i] || c->def == NULL || c->def[0] == '\0') continue;
		rc = check(cx, s, i, c->def, NULL, s->currency, &v);
		s->def[i] = copy_of(s->open.arena, v);
	}
	if (rc == RC_OK && s->o->r->import_key != NULL) rc = cut_key(s, s->o->r->import_key);
	return rc == RC_OK && s->key_count > 0 ? say_question(cx, s) : rc;
}

static enum rc ask(struct cx *cx, struct columns *s, int64_t *id, bool *is_several)
{
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q, s->find_sql, s->find_params);

	if (rc == RC_OK && query_next(q)) *id = query_int(q, 0);
	if (rc == RC_OK && *id != 0) *is_several = query_next(q);
	return query_end(q, rc);
}

enum rc values_find(struct cx *cx, struct columns *s, const struct cells *cells, struct value **checked,
		    int64_t *id, const char **key)
{
	struct sb sb;
	bool is_several = false;
	enum rc rc = RC_OK, worst = RC_OK;

	sb_init_arena(&sb, cx->arena, DESK_SQL_MAX);
	sb_char(&sb, 'k');
	for (size_t k = 0; k < s->key_count; k++) {
		size_t i = s->key_column[k];
		const char *cell = import_cell(s->open.heading, cells, i + 1);
		struct param *p = &s->find_params[s->find_key_at + k];
		struct value *v = NULL;

		if (cell[0] == '\0') return worst; /* without its whole key a row is new */
		rc = values_check(cx, s, i, cell, NULL, NULL, &v);
		if (rc == RC_BAD_INPUT) {
			s->is_refused[i] = true;
			worst = rc;
			continue;
		}
		if (rc != RC_OK) return rc;
		if (v == NULL) return worst;
		checked[i] = v;
		if (v->type == VALUE_INT) {
			*p = (struct param)P_INT(p->name, v->integer);
			sb_printf(&sb, "\x1f%lld", (long long)v->integer);
		} else {
			const char *text = s->key_is_folded[k] ? text_fold(cx->arena, v->text) : v->text;

			*p = (struct param)P_TEXT(p->name, text);
			sb_char(&sb, '\x1f');
			sb_text(&sb, text);
		}
	}
	if (worst != RC_OK) return worst;
	rc = sb_result(&sb);
	if (rc == RC_OK) rc = ask(cx, s, id, &is_several);
	if (rc != RC_OK) return rc;
	if (is_several) {
		s->is_refused[s->key_column[0]] = true;
		return cx_fail_field(
			cx, s->o->r->columns[s->key_column[0]].name,
			_("Several have this; say which one in a column “id”, as an export has it."));
	}
	*key = sb_text_of(&sb);
	return RC_OK;
}
