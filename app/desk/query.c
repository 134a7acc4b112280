/*
** query.c -- SQL put together from declared names: the page of a list, its count, one row.
**
** Owns:   the shape of every statement over a resource.
** Never:  puts a value into SQL: values are parameters, names were checked by setup.c.
** Holds:  (1) the text of a statement depends only on resource, sort, direction, which filters and
**         choices are set and the number of words searched for, so the statement cache finds it again;
**         (2) a page's ids come from the index of its sort, its rows by id: a page costs the same with
**         a hundred thousand rows; (3) paging is by (key, id), so nothing is skipped or shown twice
**         when rows come and go; (4) the row rule is in every statement of an actor who does not see
**         all.
*/
#include "desk/inner.h"

#include "base/text.h"
#include <string.h>

void statement_begin(struct cx *cx, struct statement_text *s)
{
	sb_init_arena(&s->sql, cx->arena, DESK_SQL_MAX);
	s->count = 0;
	s->is_full = false;
	s->param[0] = (struct param){ .name = NULL };
}

void statement_param(struct statement_text *s, struct param p)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->param[i].name, p.name) == 0) return; /* the same value under the same name */
	if (s->count == STATEMENT_PARAMS_MAX) {
		s->is_full = true;
		return;
	}
	s->param[s->count++] = p;
	s->param[s->count] = (struct param){ .name = NULL };
}

enum rc statement_ready(struct statement_text *s, const char **sql)
{
	enum rc rc = s->is_full ? RC_BUG : sb_result(&s->sql);

	if (rc == RC_OK) *sql = sb_text_of(&s->sql);
	return rc;
}

static bool is_name(const char *p, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(p, name, len) == 0;
}

static size_t name_length(const char *p)
{
	return strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_");
}

const char *statement_name(const char *p)
{
	for (bool is_quoted = false; *p != '\0'; p++) {
		if (*p == '\'') is_quoted = !is_quoted;
		if (*p == ':' && !is_quoted && name_length(p + 1) > 0) return p;
	}
	return NULL;
}

static instant month_began_at(struct cx *cx)
{
	int year, month, dom;
	day today = cx_today(cx);

	day_split(today, &year, &month, &dom);
	return zone_midnight(cx->env->zone, today - (day)(dom - 1));
}

void statement_declared(struct cx *cx, struct statement_text *s, const char *sql)
{
	char today[DATE_SIZE];

	sb_text(&s->sql, sql);
	for (const char *p = statement_name(sql); p != NULL; p = statement_name(p)) {
		size_t len = name_length(++p);

		if (is_name(p, len, "actor")) {
			statement_param(s, (struct param)P_INT(":actor", cx->actor.user_id));
		} else if (is_name(p, len, "now")) {
			statement_param(s, (struct param)P_INT(":now", cx_now(cx)));
		} else if (is_name(p, len, "today")) {
			day_text(today, cx_today(cx));
			statement_param(s, (struct param)P_TEXT(":today", arena_text(cx->arena, today)));
		} else if (is_name(p, len, "month")) {
			statement_param(s, (struct param)P_INT(":month", month_began_at(cx)));
		}
		p += len;
	}
}

/* Which rows */

/* Is alias (len bytes) one of the tables that `from` joins: a word of its own in it? */
static bool is_joined(const char *from, const char *alias, size_t len)
{
	for (const char *p = from; *p != '\0'; p++)
		if (p != from && p[-1] == ' ' && strncmp(p, alias, len) == 0 && p[len] == ' ') return true;
	return false;
}

/* True when the SQL needs none of the joins: then the ids are chosen from the resource's own table alone. */
static bool is_local(const char *from, const char *sql)
{
	bool is_quoted = false;

	for (const char *p = sql; p != NULL && *p != '\0'; p++) {
		const char *name = p;

		if (*p == '\'') is_quoted = !is_quoted;
		if (*p != '.' || is_quoted) continue;
		while (name > sql && (name[-1] == '_' || (name[-1] >= 'a' && name[-1] <= 'z') ||
				      (name[-1] >= '0' && name[-1] <= '9')))
			name--;
		if (p > name && is_joined(from, name, (size_t)(p - name))) return false;
	}
	return true;
}

struct where {
	struct statement_text *s;
	bool has_any;
};

static void where_and(struct where *w)
{
	if (w->has_any)
		sb_lit(&w->s->sql, " AND ");
	else
		sb_lit(&w->s->sql, " WHERE ");
	w->has_any = true;
}

static void where_say(struct cx *cx, struct where *w, const char *sql)
{
	if (sql == NULL) return;
	where_and(w);
	sb_char(&w->s->sql, '(');
	statement_declared(cx, w->s, sql);
	sb_char(&w->s->sql, ')');
}

/* What every statement over a resource says: listed rows, no pending import, the actor's own. */
enum seen { SEEN_LISTED, SEEN_WITH_ARCHIVED, SEEN_ARCHIVED };

static void where_visible(struct cx *cx, struct where *w, const struct office *o, enum seen seen)
{
	const struct resource *r = o->r;

	if (seen == SEEN_ARCHIVED) {
		where_say(cx, w, o->where_archived);
	} else if (seen == SEEN_WITH_ARCHIVED && r->can_archive && r->where != NULL) {
		where_and(w);
		sb_lit(&w->s->sql, "(t.archived_at IS NOT NULL OR (");
		statement_declared(cx, w->s, r->where);
		sb_lit(&w->s->sql, "))");
	} else {
		where_say(cx, w, r->where);
	}
	if (r->has_generation) where_say(cx, w, "t.generation NOT IN (SELECT id FROM pending_generation)");
	if (!office_may_all(cx, r)) where_say(cx, w, r->row_rule);
}

/* One predicate for each choice, or one for all of them. */
static const char *filter_sql(const struct ask *ask, size_t i)
{
	const char *const *sql = ask->o->r->filters[i].sql;

	return sql[ask->o->filter_choices[i] != NULL && sql[1] != NULL ? ask->filter_choice[i] : 0];
}

/* Bind what the predicate of filter i wants: :f_name, :f_name_ms, :f_name_end_ms. */
static void filter_params(struct cx *cx, const struct ask *ask, size_t i, struct statement_text *s)
{
	const struct filter *f = &ask->o->r->filters[i];
	const char *sql = filter_sql(ask, i);
	size_t base = strlen(f->name) + 2;

	for (const char *p = statement_name(sql); p != NULL; p = statement_name(p)) {
		size_t len = name_length(++p);
		char *name = arena_printf(cx->arena, ":%.*s", (int)len, p);
		day d = 0;

		if (len >= base && memcmp(p, "f_", 2) == 0 && memcmp(p + 2, f->name, base - 2) == 0) {
			if (len == base && ask->o->filter_ref[i] != NULL) {
				statement_param(s, (struct param)P_INT(name, ask->filter_id[i]));
			} else if (len == base) {
				statement_param(s, (struct param)P_TEXT(name, ask->filter[i]));
			} else {
				if (day_parse_any(&d, ask->filter[i]) != RC_OK) d = cx_today(cx);
				if (is_name(p + base, len - base, "_end_ms")) d++;
				statement_param(s,
						(struct param)P_INT(name, zone_midnight(cx->env->zone, d)));
			}
		}
		p += len;
	}
}

static const char *const search_names[DESK_SEARCH_WORDS_MAX] = { ":q0", ":q1", ":q2", ":q3" };

/* People type 0990000000 where +593990000000 is stored: a long number loses its leading zeros and plus. */
static char *search_word(struct cx *cx, const char *p, size_t len)
{
	char *word = arena_bytes(cx->arena, p, len);

	if (len >= 7 && word[strspn(word, "+0123456789")] == '\0') word += strspn(word, "+0");
	return text_like(cx->arena, word);
}

/* Whose rows are called by their number: a number that one of them has means that one. */
static bool where_number(struct cx *cx, struct where *w, const struct resource *r, const char *q)
{
	struct value given = { .type = VALUE_TEXT, .text = q, .len = strlen(q) };

	if (!r->finds_number || q[0] == '\0' || q[strspn(q, "0123456789")] != '\0') return false;
	where_and(w);
	sb_lit(&w->s->sql, "(t.id = :q_id OR (NOT EXISTS (SELECT 1 FROM ");
	sb_text(&w->s->sql, r->table);
	sb_lit(&w->s->sql, " WHERE id = :q_id) AND t.search LIKE :q0 ESCAPE '\\'))");
	statement_param(w->s, (struct param)P_INT(":q_id", value_int_of(&given, 0)));
	statement_param(w->s, (struct param)P_TEXT(":q0", search_word(cx, q, strlen(q))));
	return true;
}

static void where_search(struct cx *cx, struct where *w, const char *q)
{
	const char *p = text_fold(cx->arena, q);

	for (size_t n = 0; n < DESK_SEARCH_WORDS_MAX && *p != '\0'; n++) {
		size_t len = n + 1 < DESK_SEARCH_WORDS_MAX ? strcspn(p, " ") : strlen(p);

		where_and(w);
		sb_lit(&w->s->sql, "t.search LIKE ");
		sb_text(&w->s->sql, search_names[n]);
		sb_lit(&w->s->sql, " ESCAPE '\\'");
		statement_param(w->s, (struct param)P_TEXT(search_names[n], search_word(cx, p, len)));
		p += len;
		p += strspn(p, " ");
	}
}

/* The ids of a page */

static bool needs_joins(struct cx *cx, const struct ask *ask)
{
	const struct resource *r = ask->o->r;
	const char *from = ask->o->from;

	if (from[0] == '\0') return false;
	if (!is_local(from, ask->sort->sql) || !is_local(from, r->where)) return true;
	if (!office_may_all(cx, r) && !is_local(from, r->row_rule)) return true;
	for (size_t i = 0; i < ask->o->filters; i++)
		if (ask->filter[i] != NULL && !is_local(from, filter_sql(ask, i))) return true;
	return false;
}

static bool is_sorted_by_id(const struct ask *ask)
{
	return strcmp(ask->sort->sql, "t.id") == 0;
}

static void say_from(struct statement_text *s, const struct ask *ask, bool with_joins)
{
	sb_lit(&s->sql, " FROM ");
	sb_text(&s->sql, ask->o->r->table);
	sb_lit(&s->sql, " t ");
	if (with_joins) sb_text(&s->sql, ask->o->from);
}

static void say_meant(struct cx *cx, struct where *w, const struct ask *ask)
{
	struct statement_text *s = w->s;

	where_visible(cx, w, ask->o, ask->is_archived ? SEEN_ARCHIVED : SEEN_LISTED);
	for (size_t i = 0; i < ask->o->filters; i++)
		if (ask->filter[i] != NULL) {
			where_say(cx, w, filter_sql(ask, i));
			filter_params(cx, ask, i, s);
		}
	if (ask->o->has_search && ask->q[0] != '\0' && !where_number(cx, w, ask->o->r, ask->q))
		where_search(cx, w, ask->q);
}

static void say_where(struct cx *cx, struct statement_text *s, const struct ask *ask)
{
	struct where w = { .s = s };

	say_meant(cx, &w, ask);
	if (!ask->cursor.is_set) return;
	where_and(&w);
	if (!is_sorted_by_id(ask)) {
		sb_char(&s->sql, '(');
		sb_text(&s->sql, ask->sort->sql);
		sb_lit(&s->sql, ", t.id)");
	} else {
		sb_lit(&s->sql, "t.id");
	}
	sb_text(&s->sql, ask->is_down != ask->cursor.is_back ? " < " : " > ");
	sb_text(&s->sql, is_sorted_by_id(ask) ? ":after_id" : "(:after_key, :after_id)");
	statement_param(s, (struct param)P_INT(":after_id", ask->cursor.id));
	if (is_sorted_by_id(ask)) return;
	if (ask->cursor.key_is_int)
		statement_param(s, (struct param)P_INT(":after_key", ask->cursor.key_int));
	else
		statement_param(s, (struct param)P_TEXT(":after_key", ask->cursor.key_text));
}

static void say_page(struct cx *cx, struct statement_text *s, const struct ask *ask, int64_t limit)
{
	const char *direction = ask->is_down != (ask->cursor.is_set && ask->cursor.is_back) ? " DESC" : "";

	sb_lit(&s->sql, "SELECT t.id AS _id, ");
	sb_text(&s->sql, ask->sort->sql);
	sb_lit(&s->sql, " AS _key");
	say_from(s, ask, needs_joins(cx, ask));
	say_where(cx, s, ask);
	sb_lit(&s->sql, " ORDER BY ");
	if (!is_sorted_by_id(ask)) {
		sb_text(&s->sql, ask->sort->sql);
		sb_text(&s->sql, direction);
		sb_lit(&s->sql, ", ");
	}
	sb_lit(&s->sql, "t.id");
	sb_text(&s->sql, direction);
	sb_lit(&s->sql, " LIMIT :limit");
	statement_param(s, (struct param)P_INT(":limit", limit));
}

/* What is selected: columns inside, names of references around them. */
struct selection {
	const char *in, *out;
};

static struct selection selection_of(const struct office *o, enum select_kind kind)
{
	return (struct selection){ .in = o->select[kind], .out = o->outer[kind] };
}

/* Of chosen columns only those; the others cost nothing. */
static struct selection selection_asked(struct cx *cx, const struct ask *ask, enum select_kind kind)
{
	const struct office *o = ask->o;
	size_t columns[DESK_COLUMNS_MAX], n;
	struct sb in, out;

	if (ask->columns == 0 || kind == SELECT_NAME || kind == SELECT_OFFERS) return selection_of(o, kind);
	n = ask_columns(ask, kind, columns);
	sb_init_arena(&in, cx->arena, DESK_SQL_MAX);
	sb_init_arena(&out, cx->arena, DESK_SQL_MAX);
	sb_text(&in, o->head[kind]);
	for (size_t i = 0; i < n; i++) {
		sb_text(&in, o->piece[columns[i]]);
		sb_text(&out, o->piece_outer[columns[i]]);
	}
	sb_text(&in, o->tail[kind]);
	return (struct selection){ .in = sb_text_of(&in), .out = sb_text_of(&out) };
}

/* Around the ids: the rows, and around them the names of what they refer to. */
static void say_rows_begin(struct cx *cx, struct statement_text *s, struct selection of)
{
	if (of.out[0] != '\0') {
		sb_lit(&s->sql, "SELECT o.*");
		statement_declared(cx, s, of.out);
		sb_lit(&s->sql, " FROM (");
	}
	sb_lit(&s->sql, "SELECT ");
	statement_declared(cx, s, of.in);
	sb_lit(&s->sql, " FROM (");
}

static void say_rows_end(struct statement_text *s, const struct office *o, struct selection of)
{
	sb_lit(&s->sql, ") p CROSS JOIN ");
	sb_text(&s->sql, o->r->table);
	sb_lit(&s->sql, " t ON t.id = p._id ");
	sb_text(&s->sql, o->from);
	if (of.out[0] != '\0') sb_lit(&s->sql, ") o");
}

enum rc rows_statement(struct cx *cx, const struct ask *ask, enum select_kind kind, int64_t limit,
		       struct statement_text *s, const char **sql)
{
	struct selection of = selection_asked(cx, ask, kind);

	statement_begin(cx, s);
	say_rows_begin(cx, s, of);
	say_page(cx, s, ask, limit);
	say_rows_end(s, ask->o, of);
	return statement_ready(s, sql);
}

/* Asking */

static const char *cursor_at(struct cx *cx, const struct ask *ask, const struct value *row, bool is_back)
{
	const struct value *key = value_get(row, "_key");
	struct cursor c = {
		.is_set = true,
		.is_back = is_back,
		.is_down = ask->is_down,
		.sort = ask->sort->name,
		.id = value_int_of(value_get(row, "_id"), 0),
		.key_is_int = key != NULL && key->type == VALUE_INT,
		.key_text = value_text_of(key, ""),
	};

	if (c.key_is_int) c.key_int = key->integer;
	return cursor_text(cx->arena, &c);
}

static void reverse(struct value *list)
{
	struct value *v = list->first, *back = NULL;

	list->last = list->first;
	while (v != NULL) {
		struct value *next = v->next;

		v->next = back;
		back = v;
		v = next;
	}
	list->first = back;
}

/* The row past the page only tells that there are more; it is taken off. */
static bool take_extra(struct value *list, int64_t limit)
{
	struct value *v = list->first;

	if ((int64_t)list->count <= limit) return false;
	for (int64_t i = 1; i < limit; i++)
		v = v->next;
	v->next = NULL;
	list->last = v;
	list->count = (size_t)limit;
	return true;
}

enum rc rows_of(struct cx *cx, const struct ask *ask, enum select_kind kind, struct rows *out)
{
	struct statement_text s;
	const char *sql = "";
	bool is_back = ask->cursor.is_set && ask->cursor.is_back, has_more;
	enum rc rc = rows_statement(cx, ask, kind, ask->limit + 1, &s, &sql);

	*out = (struct rows){ .list = NULL };
	if (rc == RC_OK) rc = db_rows(cx, &out->list, (size_t)ask->limit + 1, sql, s.param);
	if (rc != RC_OK) return rc;
	has_more = take_extra(out->list, ask->limit);
	if (is_back) reverse(out->list);
	if (out->list->count == 0) return RC_OK;
	if (is_back || has_more) out->next = cursor_at(cx, ask, out->list->last, false);
	if (is_back ? has_more : ask->cursor.is_set)
		out->previous = cursor_at(cx, ask, out->list->first, true);
	return RC_OK;
}

enum rc rows_meant(struct cx *cx, const struct ask *ask, const char *what, const char *between,
		   const char *after, struct statement_text *s, const char **sql)
{
	struct where w = { .s = s };

	statement_begin(cx, s);
	sb_text(&s->sql, what);
	sb_lit(&s->sql, " FROM ");
	sb_text(&s->sql, between);
	sb_text(&s->sql, ask->o->r->table);
	sb_lit(&s->sql, " t ");
	if (needs_joins(cx, ask)) sb_text(&s->sql, ask->o->from);
	say_meant(cx, &w, ask);
	where_and(&w);
	sb_text(&s->sql, after);
	return statement_ready(s, sql);
}

enum rc office_last_id(struct cx *cx, const struct office *o, int64_t *out)
{
	struct statement_text s;
	const char *sql = "";
	enum rc rc;

	statement_begin(cx, &s);
	sb_lit(&s.sql, "SELECT coalesce(max(id), 0) FROM ");
	sb_text(&s.sql, o->r->table);
	rc = statement_ready(&s, &sql);
	return rc == RC_OK ? db_get_int(cx, out, sql, NO_PARAMS) : rc;
}

enum rc rows_count(struct cx *cx, const struct ask *ask, int64_t *out)
{
	return rows_count_to(cx, ask, DESK_COUNT_MAX, out);
}

enum rc rows_count_to(struct cx *cx, const struct ask *ask, int64_t max, int64_t *out)
{
	struct statement_text s;
	const char *sql = "";
	enum rc rc = rows_meant(cx, ask, "SELECT count(*) FROM (SELECT 1", "", "1 LIMIT :limit)", &s, &sql);

	statement_param(&s, (struct param)P_INT(":limit", max));
	return rc == RC_OK ? db_get_int(cx, out, sql, s.param) : rc;
}

/* One row */

static bool sees_joins(struct cx *cx, const struct office *o)
{
	return !is_local(o->from, o->r->where) ||
	       (!office_may_all(cx, o->r) && !is_local(o->from, o->r->row_rule));
}

enum rc row_of(struct cx *cx, const struct office *o, int64_t id, enum select_kind kind, bool with_archived,
	       struct value **out)
{
	struct statement_text s;
	struct where w = { .s = &s };
	const char *sql = "";
	enum rc rc;

	statement_begin(cx, &s);
	say_rows_begin(cx, &s, selection_of(o, kind));
	sb_lit(&s.sql, "SELECT t.id AS _id, 0 AS _key FROM ");
	sb_text(&s.sql, o->r->table);
	sb_lit(&s.sql, " t ");
	if (sees_joins(cx, o)) sb_text(&s.sql, o->from);
	where_say(cx, &w, "t.id = :id");
	statement_param(&s, (struct param)P_INT(":id", id));
	where_visible(cx, &w, o, with_archived ? SEEN_WITH_ARCHIVED : SEEN_LISTED);
	sb_lit(&s.sql, " LIMIT 1");
	say_rows_end(&s, o, selection_of(o, kind));
	rc = statement_ready(&s, &sql);
	return rc == RC_OK ? db_row(cx, out, sql, s.param) : rc;
}

/* The row whose contact column has this address, of a resource that the actor may see: what of it. */
static enum rc contact_row_of(struct cx *cx, const struct office *o, const char *address, const char *what,
			      struct statement_text *s, const char **sql)
{
	struct where w = { .s = s };

	statement_begin(cx, s);
	sb_lit(&s->sql, "SELECT ");
	statement_declared(cx, s, what);
	sb_lit(&s->sql, " FROM ");
	sb_text(&s->sql, o->r->table);
	sb_lit(&s->sql, " t ");
	sb_text(&s->sql, o->from);
	where_and(&w);
	sb_lit(&s->sql, "t.");
	sb_text(&s->sql, o->r->contact_column);
	sb_lit(&s->sql, " = :address");
	statement_param(s, (struct param)P_TEXT(":address", address));
	where_visible(cx, &w, o, SEEN_LISTED);
	sb_lit(&s->sql, " ORDER BY t.id LIMIT 1");
	return statement_ready(s, sql);
}

static bool knows_contacts(const struct cx *cx, const struct office *o)
{
	return o->r->contact_column != NULL && actor_may(&cx->actor, o->r->right_view);
}

const char *office_contact_name(struct cx *cx, const char *address)
{
	const char *before = cx->message, *name = "", *sql = "";
	struct statement_text s;

	for (size_t i = 0; office_at(i) != NULL; i++) {
		const struct office *o = office_at(i);

		if (!knows_contacts(cx, o)) continue;
		if (contact_row_of(cx, o, address, o->r->row_name, &s, &sql) == RC_OK &&
		    db_get_text(cx, &name, sql, s.param) == RC_OK)
			return name;
	}
	cx->message = before;
	return "";
}

enum rc office_contact_row(struct cx *cx, const struct office **out, int64_t *id, const char *address)
{
	struct statement_text s;
	const char *sql = "";
	enum rc rc = RC_NOT_FOUND;

	for (size_t i = 0; office_at(i) != NULL && rc == RC_NOT_FOUND; i++) {
		*out = office_at(i);
		if (!knows_contacts(cx, *out)) continue;
		rc = contact_row_of(cx, *out, address, "t.id", &s, &sql);
		if (rc == RC_OK) rc = db_get_int(cx, id, sql, s.param);
	}
	return rc;
}

static bool is_number(const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;

	return len > 0 && len <= 18 && text[strspn(text, "0123456789")] == '\0';
}

bool office_is_id(const struct office *o, const char *text)
{
	return is_number(text) || (o->r->has_public_id && text != NULL && strlen(text) == PUBLIC_ID_SIZE - 1);
}

/* The id as the address has it: the public id, or a plain number. */
enum rc office_row_id(struct cx *cx, int64_t *id, const struct office *o, const char *text,
		      bool with_archived)
{
	struct statement_text s;
	struct where w = { .s = &s };
	const char *sql = "";
	struct value number = { .type = VALUE_TEXT, .text = text, .len = text != NULL ? strlen(text) : 0 };
	bool is_plain = is_number(text);
	enum rc rc;

	if (!office_is_id(o, text)) return RC_NOT_FOUND;
	statement_begin(cx, &s);
	sb_lit(&s.sql, "SELECT t.id FROM ");
	sb_text(&s.sql, o->r->table);
	sb_lit(&s.sql, " t ");
	if (sees_joins(cx, o)) sb_text(&s.sql, o->from);
	if (is_plain) {
		where_say(cx, &w, "t.id = :id");
		statement_param(&s, (struct param)P_INT(":id", value_int_of(&number, 0)));
	} else {
		where_say(cx, &w, "t.public_id = :id");
		statement_param(&s, (struct param)P_TEXT(":id", text));
	}
	where_visible(cx, &w, o, with_archived ? SEEN_WITH_ARCHIVED : SEEN_LISTED);
	rc = statement_ready(&s, &sql);
	return rc == RC_OK ? db_get_int(cx, id, sql, s.param) : rc;
}

enum rc desk_find(struct cx *cx, int64_t *row_id, const struct resource *r, const char *id)
{
	const struct office *o = office_find(r->name);

	return o != NULL ? office_row_id(cx, row_id, o, id, false) : RC_BUG;
}

enum rc row_is_visible(struct cx *cx, const struct office *o, int64_t id)
{
	struct statement_text s;
	struct where w = { .s = &s };
	const char *sql = "";
	int64_t found = 0;
	enum rc rc;

	if (office_may_all(cx, o->r)) return RC_OK;
	statement_begin(cx, &s);
	sb_lit(&s.sql, "SELECT t.id FROM ");
	sb_text(&s.sql, o->r->table);
	sb_lit(&s.sql, " t ");
	sb_text(&s.sql, o->from);
	where_say(cx, &w, "t.id = :id");
	statement_param(&s, (struct param)P_INT(":id", id));
	where_say(cx, &w, o->r->row_rule);
	rc = statement_ready(&s, &sql);
	return rc == RC_OK ? db_get_int(cx, &found, sql, s.param) : rc;
}
