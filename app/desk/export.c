/*
** export.c -- the rows of a list as delimited text, written at full speed into a file.
**
** Needs:  an ask without cursor; a file descriptor open for writing.
** Never:  waits for the one who downloads: the read ends before the first byte leaves.
** Holds:  (1) one statement, so the file is one moment's truth; (2) memory stays at one buffer; (3) a
**         text that a spreadsheet would run as a formula is guarded; what is too long for a spreadsheet
**         is refused, not cut.
*/
#include "desk/inner.h"

#include "base/money.h"
#include "files/files.h"
#include <stdio.h>
#include <string.h>

#define EXPORT_FLUSH  (64 * 1024)   /* one write(2) a thousand rows or so            */
#define EXPORT_BUFFER (1024 * 1024) /* a row has at most 40 cells of 10,000 letters  */

struct writer {
	struct sb sb;
	char delimiter;
	int fd;
	bool has_cell;
};

static void put(struct writer *w, const char *text, bool guard)
{
	if (w->has_cell) sb_char(&w->sb, w->delimiter);
	w->has_cell = true;
	sb_csv(&w->sb, text, strlen(text), w->delimiter, guard);
}

static enum rc put_end(struct writer *w, bool flush)
{
	enum rc rc = RC_OK;

	if (w->has_cell) sb_lit(&w->sb, "\r\n");
	w->has_cell = false;
	if (sb_result(&w->sb) != RC_OK) return sb_result(&w->sb);
	if (w->sb.len > 0 && (flush || w->sb.len >= EXPORT_FLUSH)) {
		rc = fd_write_all(w->fd, w->sb.p, w->sb.len);
		sb_clear(&w->sb);
	}
	return rc;
}

static void put_head(struct cx *cx, struct writer *w, const struct office *o)
{
	put(w, "id", false);
	for (size_t i = 0; i < o->columns; i++)
		if (column_is_in(&o->r->columns[i], SELECT_CSV))
			put(w, words_get(cx->lang, o->r->columns[i].title), true);
}

/* Which result column holds what, found once by name. */
struct places {
	int id, cell[DESK_COLUMNS_MAX], name[DESK_COLUMNS_MAX], currency[DESK_COLUMNS_MAX];
};

static int place_of(const struct query *q, const char *name, const char *tail)
{
	size_t len = strlen(name);

	for (int i = 0; i < query_count(q); i++) {
		const char *have = query_name(q, i);

		if (strncmp(have, name, len) == 0 && strcmp(have + len, tail) == 0) return i;
	}
	return -1;
}

static void find_places(const struct office *o, const struct query *q, struct places *out)
{
	out->id = place_of(q, o->r->has_public_id ? "_pid" : "_id", "");
	for (size_t i = 0; i < o->columns; i++) {
		out->cell[i] = place_of(q, o->r->columns[i].name, "");
		out->name[i] = place_of(q, o->r->columns[i].name, "__name");
		out->currency[i] = place_of(q, o->r->columns[i].name, "__cur");
	}
}

/* Dates as YYYY-MM-DD and instants as the business's clock showed them: spreadsheets read both, and so
** does import. */
static void put_instant(struct cx *cx, struct writer *w, instant at)
{
	struct civil c = zone_civil(cx->env->zone, at);
	char date[DATE_SIZE], text[DATE_SIZE + 16];

	day_text(date, c.day);
	snprintf(text, sizeof(text), "%s %02d:%02d:%02d", date, c.hour, c.minute, c.second);
	put(w, text, false);
}

static void put_cell(struct cx *cx, struct writer *w, const struct office *o, size_t i, const struct query *q,
		     const struct places *p)
{
	const struct column *c = &o->r->columns[i];
	int at = p->cell[i];
	char money[MONEY_SIZE];

	if (at < 0 || query_is_null(q, at)) {
		put(w, "", false);
		return;
	}
	switch (c->type) {
	case COLUMN_BOOL: put(w, query_int(q, at) != 0 ? _("Yes") : _("No"), false); return;
	case COLUMN_INSTANT: put_instant(cx, w, query_int(q, at)); return;
	case COLUMN_CENTS: {
		const char *currency = p->currency[i] >= 0 ? query_text(q, p->currency[i]) : "";

		if (currency[0] == '\0') currency = setting_text(cx->env->settings, "business.currency");
		money_plain(money, query_int(q, at), currency);
		put(w, money, false);
		return;
	}
	case COLUMN_CHOICE: {
		const struct choice *choice = choice_find(o->column_choices[i], query_text(q, at));

		put(w, choice != NULL ? words_get(cx->lang, choice->title) : query_text(q, at), true);
		return;
	}
	case COLUMN_REF: {
		const char *name = query_text(q, p->name[i] >= 0 ? p->name[i] : at);
		bool is_words = o->column_ref[i] != NULL && o->column_ref[i]->r->names_are_words;

		put(w, is_words ? words_get(cx->lang, name) : name, true);
		return;
	}
	case COLUMN_INT:
	case COLUMN_DATE: put(w, query_text(q, at), false); return;
	case COLUMN_PHONE: {
		const char *text = query_text(q, at);

		/* "+593…" of digits is a number to a spreadsheet, not a formula: it stays as it is dialled.
		 */
		put(w, text, text[0] != '+' || text[1 + strspn(text + 1, "0123456789")] != '\0');
		return;
	}
	default:
		put(w,
		    (c->flags & COL_WORDS) != 0 ? words_get(cx->lang, query_text(q, at)) : query_text(q, at),
		    true);
		return;
	}
}

static enum rc put_rows(struct cx *cx, struct writer *w, const struct ask *ask, struct query *q)
{
	const struct office *o = ask->o;
	struct places places;
	enum rc rc = RC_OK;

	find_places(o, q, &places);
	for (int64_t n = 0; rc == RC_OK && query_next(q); n++) {
		if (n == ask->limit)
			return cx_fail(cx, RC_TOO_LARGE,
				       _("More than %lld rows: narrow the list with a filter."),
				       (long long)ask->limit);
		put(w, places.id >= 0 ? query_text(q, places.id) : "", false);
		for (size_t i = 0; i < o->columns; i++)
			if (column_is_in(&o->r->columns[i], SELECT_CSV)) put_cell(cx, w, o, i, q, &places);
		rc = put_end(w, false);
	}
	return rc;
}

enum rc export_csv(struct cx *cx, const struct ask *ask, int fd, char delimiter, bool with_bom)
{
	struct writer w = { .delimiter = delimiter, .fd = fd };
	struct statement_text s;
	struct query *q = NULL;
	const char *sql = "";
	enum rc rc = rows_statement(cx, ask, SELECT_CSV, ask->limit + 1, &s, &sql);

	sb_init(&w.sb, EXPORT_BUFFER);
	if (with_bom) sb_lit(&w.sb, "\xef\xbb\xbf");
	put_head(cx, &w, ask->o);
	if (rc == RC_OK) rc = put_end(&w, false);
	db_limit_ms(cx->db, DESK_EXPORT_MS);
	if (rc == RC_OK) rc = db_query(cx, &q, sql, s.param);
	if (rc == RC_OK) rc = put_rows(cx, &w, ask, q);
	rc = query_end(q, rc);
	db_limit_ms(cx->db, DESK_PAGE_MS);
	if (rc == RC_OK) rc = put_end(&w, true);
	sb_free(&w.sb);
	return rc;
}
