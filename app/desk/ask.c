/*
** ask.c -- what a list request asks for, read from names and values and checked; and back into an
** address.
**
** Never:  touches SQL; query.c makes it from what stands here.
** Holds:  (1) after RC_OK every set filter has one of its choices, a visible row or a value; (2) a
**         cursor belongs to the sort and direction of the ask; (3) the address of an ask, read again,
**         gives the same ask; (4) archived rows come in the order in which they were archived.
*/
#include "desk/inner.h"

#include "base/text.h"
#include <string.h>

static bool is_set(const char *value)
{
	return value != NULL && value[0] != '\0';
}

/* The sentence for the page, and the parameter it belongs to for a program. */
static enum rc refuse(struct cx *cx, const char *name, const char *sentence)
{
	(void)cx_fail_field(cx, name, "%s", sentence);
	return cx_fail(cx, RC_BAD_INPUT, "%s", sentence);
}

static enum rc read_sort(struct cx *cx, struct ask *ask, const char *name, const char *dir)
{
	const struct resource *r = ask->o->r;

	ask->sort = ask->is_archived ? &archived_sort : &r->sorts[0];
	if (is_set(name) && !ask->is_archived) { /* what is archived has one order */
		const struct sort *s = r->sorts;

		while (s->name != NULL && strcmp(s->name, name) != 0)
			s++;
		if (s->name == NULL)
			return refuse(
				cx, "sort",
				arena_printf(cx->arena, _("This list cannot be sorted by “%s”."), name));
		ask->sort = s;
	}
	ask->is_down = ask->sort->is_down;
	if (is_set(dir)) {
		if (strcmp(dir, "up") != 0 && strcmp(dir, "down") != 0)
			return refuse(cx, "dir", _("The direction is “up” or “down”."));
		ask->is_down = strcmp(dir, "down") == 0;
	}
	return RC_OK;
}

static enum rc read_cursor(struct cx *cx, struct ask *ask, const char *text)
{
	if (!is_set(text)) return RC_OK;
	if (cursor_parse(cx->arena, &ask->cursor, text) == RC_OK &&
	    strcmp(ask->cursor.sort, ask->sort->name) == 0 && ask->cursor.is_down == ask->is_down)
		return RC_OK;
	ask->cursor = (struct cursor){ .is_set = false };
	return refuse(cx, "cursor",
		      _("This place in the list is not known. Start again from the first page."));
}

/* A filter that wants a date says so by :f_name_ms or by a name ending in _on, _from or _to. */
bool filter_wants_date(const struct filter *f)
{
	size_t n = strlen(f->name);

	return f->choices == NULL && f->ref == NULL &&
	       (strstr(f->sql[0], "_ms") != NULL || (n > 3 && strcmp(f->name + n - 3, "_on") == 0) ||
		(n > 5 && strcmp(f->name + n - 5, "_from") == 0) ||
		(n > 3 && strcmp(f->name + n - 3, "_to") == 0) || strcmp(f->name, "from") == 0 ||
		strcmp(f->name, "to") == 0);
}

/* For who may not open the list of what is referred to: an id picks among the rows that he sees anyway, and
** one that does not exist picks none. Neither answer tells whether there is such a row, or how it is called.
** */
static enum rc read_unseen_ref(struct cx *cx, struct ask *ask, size_t i, const char *value)
{
	const struct office *ref = ask->o->filter_ref[i];
	enum rc rc = RC_NOT_FOUND;

	ask->filter_id[i] = 0;
	if (!office_is_id(ref, value)) return rc;
	rc = office_row_id(cx, &ask->filter_id[i], ref, value, true);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc read_ref(struct cx *cx, struct ask *ask, size_t i, const char *value)
{
	const struct office *ref = ask->o->filter_ref[i];
	bool may_see = office_may_see(cx, ref->r);
	struct value *row = NULL;
	enum rc rc = may_see ? ref_resolve(cx, &ask->filter_id[i], ref, value)
			     : read_unseen_ref(cx, ask, i, value);

	if (rc == RC_OK && !may_see) return rc;
	if (rc == RC_OK) rc = row_of(cx, ref, ask->filter_id[i], SELECT_NAME, true, &row);
	if (rc == RC_OK) {
		ask->filter_shown[i] = value_text_of(value_get(row, "_name"), value);
		ask->filter[i] = row_public_id(cx, ref, row);
	}
	if (rc != RC_NOT_FOUND && rc != RC_CONFLICT) return rc;
	cx->message = "";
	return refuse(cx, ask->o->r->filters[i].name,
		      arena_printf(cx->arena,
				   rc == RC_CONFLICT ? _("%s: “%s” fits several. Choose one, or write more.")
						     : _("%s: “%s” was not found."),
				   words_get(cx->lang, ask->o->r->filters[i].title), value));
}

/* A filter that understands more than it compares with. */
static enum rc read_typed(struct cx *cx, struct ask *ask, size_t i, const char *value)
{
	const struct filter *f = &ask->o->r->filters[i];
	enum rc rc = f->read(cx, ask->filter[i], &ask->filter[i], &ask->filter_shown[i]);

	if (rc != RC_NOT_FOUND && rc != RC_CONFLICT) return rc;
	cx->message = "";
	return refuse(cx, f->name,
		      arena_printf(cx->arena,
				   rc == RC_CONFLICT ? _("%s: “%s” fits several. Choose one, or write more.")
						     : _("%s: “%s” was not found."),
				   words_get(cx->lang, f->title), value));
}

static enum rc read_filter(struct cx *cx, struct ask *ask, size_t i, const char *value)
{
	const struct filter *f = &ask->o->r->filters[i];
	const struct choices *choices = ask->o->filter_choices[i];
	char date[DATE_SIZE];
	day d;

	if (!is_set(value) && f->def != NULL && !ask->no_defaults) {
		value = f->def;
		ask->filter_is_default[i] = true;
	}
	if (!is_set(value)) return RC_OK;
	ask->filter[i] = arena_text(cx->arena, value);
	ask->filter_shown[i] = ask->filter[i];
	if (choices != NULL) {
		const struct choice *c = choice_find(choices, value);

		if (c == NULL)
			return refuse(cx, f->name,
				      arena_printf(cx->arena, _("%s: “%s” is not one of the choices."),
						   words_get(cx->lang, f->title), value));
		ask->filter_choice[i] = (size_t)(c - choices->at);
		return RC_OK;
	}
	if (f->ref != NULL) return read_ref(cx, ask, i, value);
	if (f->read != NULL) return read_typed(cx, ask, i, value);
	if (filter_wants_date(f)) {
		if (day_parse_any(&d, value) != RC_OK)
			return refuse(cx, f->name,
				      arena_printf(cx->arena,
						   _("%s: “%s” is not a date; write it like 22/11/2026."),
						   words_get(cx->lang, f->title), value));
		day_text(date, d);
		ask->filter[i] = arena_text(cx->arena, date);
		ask->filter_shown[i] = ask->filter[i];
	}
	return RC_OK;
}

/* Which columns, and their order: names between commas. What is not there for this one is told by name. */
static enum rc read_columns(struct cx *cx, struct ask *ask, const char *text)
{
	const char *known[DESK_COLUMNS_MAX + 1] = { NULL };
	const struct office *o = ask->o;
	size_t n = 0;

	for (size_t i = 0; i < o->columns; i++)
		if (column_is_in(&o->r->columns[i], SELECT_SHOW) ||
		    column_is_in(&o->r->columns[i], SELECT_API))
			known[n++] = o->r->columns[i].name;
	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, ","), at = 0;
		char *name = text_trim(cx->arena, arena_bytes(cx->arena, text, len));
		bool is_there = name[0] == '\0';
		const char *near;

		while (!is_there && at < o->columns && strcmp(o->r->columns[at].name, name) != 0)
			at++;
		for (size_t i = 0; i < n && !is_there; i++)
			if (strcmp(known[i], name) == 0) is_there = true;
		if (!is_there) {
			near = text_nearest(name, known);
			return refuse(cx, "columns",
				      near != NULL
					      ? arena_printf(cx->arena,
							     _("There is no column “%s”; did you mean “%s”?"),
							     name, near)
					      : arena_printf(cx->arena, _("There is no column “%s”."), name));
		}
		if (name[0] != '\0' && memchr(ask->column, (int)at, ask->columns) == NULL)
			ask->column[ask->columns++] = (unsigned char)at;
		text += len;
		text += *text == ',';
	}
	return RC_OK;
}

static enum rc read_archived(struct cx *cx, struct ask *ask, const char *text)
{
	if (!is_set(text) || strcmp(text, "0") == 0) return RC_OK;
	if (ask->o->where_archived == NULL || strcmp(text, "1") != 0)
		return refuse(cx, "archived", _("The archived ones are asked for with archived=1."));
	ask->is_archived = true;
	return RC_OK;
}

enum rc ask_read(struct cx *cx, struct ask *out, const struct office *o, ask_get_fn *get, void *arg,
		 int64_t limit_default, int64_t limit_max)
{
	struct ask ask = { .o = o, .limit = limit_default, .q = "" };
	const char *limit = get(arg, "limit"), *q = get(arg, "q");
	const char *defaults = get(arg, "defaults");
	enum rc rc = read_archived(cx, &ask, get(arg, "archived")), one;

	one = read_sort(cx, &ask, get(arg, "sort"), get(arg, "dir"));
	if (rc == RC_OK) rc = one;
	if (rc == RC_OK) rc = read_columns(cx, &ask, get(arg, "columns"));
	if (rc == RC_OK) rc = read_cursor(cx, &ask, get(arg, "cursor"));
	ask.no_defaults = defaults != NULL && strcmp(defaults, "no") == 0;
	for (size_t i = 0; i < o->filters && (rc == RC_OK || rc == RC_BAD_INPUT); i++) {
		one = read_filter(cx, &ask, i, get(arg, o->r->filters[i].name));
		if (one != RC_OK) ask.filter[i] = NULL; /* the others stand as they were chosen */
		if (rc == RC_OK || one != RC_BAD_INPUT) rc = one != RC_OK ? one : rc;
	}
	if (rc == RC_OK && is_set(limit)) {
		struct value v = { .type = VALUE_TEXT, .text = limit, .len = strlen(limit) };

		ask.limit = value_int_of(&v, 0);
		if (ask.limit < 1 || ask.limit > limit_max)
			rc = refuse(cx, "limit",
				    arena_printf(cx->arena, _("The limit is a number from 1 to %lld."),
						 (long long)limit_max));
	}
	if (is_set(q)) {
		q = text_trim(cx->arena, q);
		if (text_length(q) <= DESK_SEARCH_MAX)
			ask.q = q;
		else if (rc == RC_OK)
			rc = refuse(cx, "q",
				    arena_printf(cx->arena, _("Search for at most %d letters."),
						 DESK_SEARCH_MAX));
	}
	*out = ask;
	return rc;
}

static void say(struct sb *sb, const char *name, const char *value, char *between)
{
	if (value == NULL || value[0] == '\0') return;
	sb_char(sb, *between);
	*between = '&';
	sb_text(sb, name);
	sb_char(sb, '=');
	sb_url(sb, value, strlen(value));
}

static void say_columns(struct sb *sb, const struct ask *ask, char *between)
{
	if (ask->columns == 0) return;
	sb_char(sb, *between);
	*between = '&';
	sb_lit(sb, "columns=");
	/* names are plain words, and a comma may stand as it is */
	for (size_t i = 0; i < ask->columns; i++) {
		if (i > 0) sb_char(sb, ',');
		sb_text(sb, ask->o->r->columns[ask->column[i]].name);
	}
}

const char *ask_address(struct cx *cx, const struct ask *ask, const char *path, const struct sort *sort,
			bool is_down, const char *cursor)
{
	struct sb sb;
	char between = '?';

	sb_init_arena(&sb, cx->arena, DESK_SQL_MAX);
	sb_text(&sb, path);
	say(&sb, "q", ask->q, &between);
	for (size_t i = 0; i < ask->o->filters; i++)
		if (!ask->filter_is_default[i])
			say(&sb, ask->o->r->filters[i].name, ask->filter[i], &between);
	if (ask->no_defaults) say(&sb, "defaults", "no", &between);
	if (ask->is_archived) say(&sb, "archived", "1", &between);
	say_columns(&sb, ask, &between);
	if ((sort != &ask->o->r->sorts[0] && sort != &archived_sort) || is_down != sort->is_down) {
		say(&sb, "sort", sort->name, &between);
		if (is_down != sort->is_down) say(&sb, "dir", is_down ? "down" : "up", &between);
	}
	say(&sb, "cursor", cursor, &between);
	return sb_text_of(&sb);
}

/* What the ask shows */

bool ask_shows(const struct ask *ask, size_t column, enum select_kind kind)
{
	const struct column *c = &ask->o->r->columns[column];

	if (ask->columns == 0) return column_is_in(c, kind);
	return column_is_in(c, kind == SELECT_LIST ? SELECT_SHOW : kind) &&
	       memchr(ask->column, (int)column, ask->columns) != NULL;
}

size_t ask_columns(const struct ask *ask, enum select_kind kind, size_t out[DESK_COLUMNS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < ask->columns; i++)
		if (ask_shows(ask, ask->column[i], kind)) out[n++] = ask->column[i];
	for (size_t i = 0; i < ask->o->columns && ask->columns == 0; i++)
		if (column_is_in(&ask->o->r->columns[i], kind)) out[n++] = i;
	return n;
}

bool ask_is_filtered(const struct ask *ask)
{
	for (size_t i = 0; i < ask->o->filters; i++)
		if (ask->filter[i] != NULL && !ask->filter_is_default[i]) return true;
	return ask->q[0] != '\0' || ask->is_archived;
}

void ask_drop_defaults(struct ask *ask)
{
	for (size_t i = 0; i < ask->o->filters; i++)
		if (ask->filter_is_default[i]) {
			ask->filter[i] = NULL;
			ask->filter_is_default[i] = false;
			ask->no_defaults = true; /* so that its address, read again, is the same ask */
		}
}

/* The query of a list, kept as text: what stands in the address of the page. */
struct kept_query {
	struct cx *cx;
	const char *text;
};

static const char *get_kept(void *arg, const char *name)
{
	const struct kept_query *kept = arg;
	size_t len = strlen(name);
	const char *p = kept->text;
	char *out = NULL;

	while (*p != '\0') {
		size_t part = strcspn(p, "&");

		if (part > len && memcmp(p, name, len) == 0 && p[len] == '=' &&
		    text_url_decode(kept->cx->arena, &out, p + len + 1, part - len - 1, true) == RC_OK &&
		    text_is_utf8(out, strlen(out)))
			return out;
		p += part;
		p += *p == '&';
	}
	return NULL;
}

enum rc ask_from_query(struct cx *cx, struct ask *out, const struct office *o, const char *query)
{
	struct kept_query kept = { .cx = cx, .text = query[0] == '?' ? query + 1 : query };
	enum rc rc = ask_read(cx, out, o, get_kept, &kept, DESK_PAGE_ROWS, DESK_API_ROWS_MAX);

	if (rc == RC_OK) out->cursor = (struct cursor){ .is_set = false };
	return rc;
}
