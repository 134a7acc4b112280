/*
** import_heading.c -- which column of a file is which field of an importer.
**
** Never:  asks the database; looks at anything but the first row.
** Holds:  (1) a title as an export writes it wins over a name, a name over an alias: a file of ours finds
**         every column again; (2) two columns of the same title go to two fields of that title, in order; (3)
**         a field that is taken from the file stands in it once.
*/
#include "desk/import.h"

#include "base/text.h"
#include <string.h>

#define SHOWN_MAX 200 /* letters of what was found, in a sentence */

/* "Teléfono_móvil " → "telefono movil" */
static const char *plain(struct cx *cx, const char *text)
{
	char *copy = arena_text(cx->arena, text);

	for (char *c = copy; *c != '\0'; c++)
		if (*c == '_' || *c == '-') *c = ' ';
	return text_fold(cx->arena, copy);
}

/* How well a heading names a field: 0 not at all, 5 exactly its title. */
static int fit(struct cx *cx, const struct import_field *f, const char *cell, const char *folded)
{
	int best = 0;
	char *p;

	for (int lang = 0; lang < LANG__MAX; lang++) {
		const char *title = words_get((enum lang)lang, f->title);

		if (strcmp(title, cell) == 0) return 5;
		if (best < 3 && strcmp(plain(cx, title), folded) == 0) best = 3;
	}
	if (strcmp(f->name, cell) == 0) return 4;
	if (best == 0 && strcmp(plain(cx, f->name), folded) == 0) best = 2;
	p = best == 0 && f->aliases != NULL ? arena_text(cx->arena, f->aliases) : NULL;
	while (best == 0 && p != NULL && *p != '\0') {
		size_t len = strcspn(p, "|");
		bool is_last = p[len] == '\0';

		p[len] = '\0';
		if (strcmp(plain(cx, p), folded) == 0) best = 1;
		p += is_last ? len : len + 1;
	}
	return best;
}

static const char *join(struct cx *cx, const char *list, const char *one)
{
	return list[0] == '\0' ? one : arena_printf(cx->arena, "%s, %s", list, one);
}

static const char *shown(struct cx *cx, const char *list)
{
	if (text_length(list) <= SHOWN_MAX) return list;
	return arena_printf(cx->arena, "%.*s…", (int)text_prefix(list, SHOWN_MAX), list);
}

/* Put cell k where it belongs. */
static enum rc place(struct cx *cx, struct import_heading *out, const struct import_field *fields,
		     size_t count, size_t k)
{
	const char *cell = out->cell[k], *folded = plain(cx, cell);
	size_t best_at = count, taken_at = count;
	int best = 0, taken = 0;

	if (folded[0] == '\0') return RC_OK;
	for (size_t i = 0; i < count; i++) {
		int how = fit(cx, &fields[i], cell, folded);

		if (how > best && out->at[i] < 0) {
			best = how;
			best_at = i;
		}
		if (how > taken && out->at[i] >= 0) {
			taken = how;
			taken_at = i;
		}
	}
	/* What fits a taken field better than any free one is that field once more. */
	if (taken > best) {
		if (fields[taken_at].is_ignored) return RC_OK;
		return cx_fail(cx, RC_BAD_INPUT, _("Row 1: the column “%s” is there twice."), cell);
	}
	if (best_at == count) {
		out->unknown = join(cx, out->unknown, cell);
		return RC_OK;
	}
	out->at[best_at] = (int)k;
	if (fields[best_at].is_ignored) out->ignored = join(cx, out->ignored, cell);
	return RC_OK;
}

enum rc import_heading_read(struct cx *cx, struct import_heading *out, const struct import_field *fields,
			    size_t count, const struct cells *cells)
{
	const char *found = "";
	size_t taken = 0;
	bool has_id = false;
	enum rc rc = RC_OK;

	*out = (struct import_heading){
		.cell = cells->cell, .count = cells->count, .unknown = "", .ignored = ""
	};
	for (size_t i = 0; i < IMPORT_FIELDS_MAX; i++)
		out->at[i] = -1;
	for (size_t k = 0; k < cells->count && rc == RC_OK; k++) {
		found = join(cx, found, cells->cell[k]);
		rc = place(cx, out, fields, count, k);
	}
	if (rc != RC_OK) return rc;
	found = shown(cx, found);
	out->unknown = shown(cx, out->unknown);
	out->ignored = shown(cx, out->ignored);
	for (size_t i = 0; i < count; i++)
		if (out->at[i] >= 0 && !fields[i].is_ignored) taken++;
	if (taken == 0 && cells->count == 1)
		return cx_fail(
			cx, RC_BAD_INPUT,
			_("Row 1: only one column was found (%s); separate the columns with a comma or a semicolon."),
			found);
	for (size_t i = 0; i < count; i++)
		if (fields[i].is_id && out->at[i] >= 0) has_id = true;
	for (size_t i = 0; i < count; i++)
		if (fields[i].is_required && out->at[i] < 0 && !has_id)
			return cx_fail(cx, RC_BAD_INPUT, _("Row 1: the column “%s” is missing; found: %s."),
				       words_get(cx->lang, fields[i].title), found);
	if (taken == 0)
		return cx_fail(cx, RC_BAD_INPUT, _("Row 1: none of the columns is known here; found: %s."),
			       found);
	return RC_OK;
}

const char *import_cell(const struct import_heading *h, const struct cells *cells, size_t field)
{
	int at = h->at[field];

	return at >= 0 && (size_t)at < cells->count ? cells->cell[at] : "";
}

static const char *title_of(const struct cx *cx, const struct resource *r, const char *field)
{
	for (const struct column *c = r->columns; c->name != NULL; c++)
		if (strcmp(c->name, field) == 0) return words_get(cx->lang, c->title);
	return field;
}

const char *import_why(struct cx *cx, const struct resource *r, enum rc rc)
{
	const char *why = "";

	for (size_t i = 0; i < cx->field_count; i++) {
		size_t len = strlen(why);
		const char *between = len == 0 ? "" : why[len - 1] == '.' ? " " : "; ";

		why = arena_printf(cx->arena, "%s%s%s: %s", why, between,
				   title_of(cx, r, cx->fields[i].field), cx->fields[i].message);
	}
	if (why[0] == '\0') why = cx_sentence(cx, rc);
	cx->field_count = 0;
	cx->message = "";
	cx->error_code = NULL;
	return why;
}
