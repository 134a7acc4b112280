/*
** forecast_rows.c -- the lines of a forecast as JSON, CSV and workbook.
**
** Holds:  memory does not grow with the lines of a file: names are read line by line into memory that each
**         line gives back.
*/
#include "base/text.h"
#include "ops/forecast.h"
#include <string.h>

#define ROW_ARENA_MAX ((size_t)1024 * 1024) /* names and a rendered text: a few kilobytes */

static const char *skip_words_of(struct cx *cx, const struct forecast_run *run, const char *code)
{
	const struct planner_word *w = forecast_planner((size_t)run->place)->skips;

	for (; w->code != NULL; w++)
		if (strcmp(w->code, code) == 0) return words_get(cx->lang, w->words);
	return "";
}

static void add_row(struct cx *cx, struct value *row, const struct forecast_run *run,
		    const struct forecast_line *line, const struct planned_shown *shown, bool is_masked)
{
	const struct planner *p = forecast_planner((size_t)run->place);
	const char *skip = forecast_skip_code(run, line);
	char date[DATE_SIZE];

	day_text(date, run->on);
	value_set_int(cx->arena, row, "at", run->at);
	value_set_text(cx->arena, row, "planned_on", date);
	value_set_text(cx->arena, row, "planner", p->name[0] != '\0' ? p->name : "waiting");
	value_set_text(cx->arena, row, "kind", shown->kind);
	value_set_int(cx->arena, row, "days", line->days);
	value_set_text(cx->arena, row, "who", shown->who);
	value_set_text(cx->arena, row, "what", shown->what);
	value_set_text(cx->arena, row, "address",
		       is_masked && shown->address[0] != '\0' ? text_mask(cx->arena, shown->address)
							      : shown->address);
	value_set_text(cx->arena, row, "path", shown->href != NULL ? shown->href : "");
	value_set_bool(cx->arena, row, "is_skipped", skip[0] != '\0');
	value_set_text(cx->arena, row, "skip_reason", skip);
	value_set_text(cx->arena, row, "skip_words", skip_words_of(cx, run, skip));
	value_set_text(cx->arena, row, "kind_words", forecast_kind_words(cx, run, line));
	if (shown->wants_text) value_set_text(cx->arena, row, "text", shown->text);
}

/* "at" is an instant, but only names that end in _at are known as such. */
static void rename_at(struct value *row)
{
	for (struct value *v = row->first; v != NULL; v = v->next)
		if (strcmp(v->key, "at") == 0) v->key = "leaves_at";
}

enum rc forecast_rows(struct cx *cx, struct value *list, struct forecast_view *v, int64_t *place, size_t max,
		      bool wants_text, bool is_masked)
{
	const struct forecast_run *run;
	const struct forecast_line *line;
	enum rc rc = RC_OK;

	for (size_t n = 0; n < max && rc == RC_OK && forecast_next(v, place, &run, &line); n++) {
		struct planned_shown shown;
		struct value *row = value_add_map(cx->arena, list);

		rc = forecast_shown(cx, run, line, wants_text, &shown);
		if (rc == RC_OK) add_row(cx, row, run, line, &shown, is_masked);
		rename_at(row);
	}
	return rc;
}

void forecast_frame(struct cx *cx, struct value *out, const struct forecast *f, const struct forecast_view *v)
{
	struct forecast_count_of total = forecast_total(v);
	const struct forecast_count_of *days = forecast_by_day(v);
	struct value *list;
	char date[DATE_SIZE];

	value_set_int(cx->arena, out, "as_of_at", f->head->as_of_at);
	day_text(date, f->head->from_on);
	value_set_text(cx->arena, out, "from_on", date);
	day_text(date, f->head->from_on + f->head->days - 1);
	value_set_text(cx->arena, out, "until_on", date);
	value_set_int(cx->arena, out, "took_ms", f->head->took_ms);
	value_set_bool(cx->arena, out, "is_cut", f->head->is_cut != 0);
	value_set_int(cx->arena, out, "leaving", total.leaving);
	value_set_int(cx->arena, out, "skipped", total.skipped);
	list = value_set_list(cx->arena, out, "days");
	for (int32_t i = 0; i < f->head->days; i++) {
		struct value *row;

		if (days[i].leaving + days[i].skipped == 0) continue;
		row = value_add_map(cx->arena, list);
		day_text(date, f->head->from_on + i);
		value_set_text(cx->arena, row, "planned_on", date);
		value_set_int(cx->arena, row, "leaving", days[i].leaving);
		value_set_int(cx->arena, row, "skipped", days[i].skipped);
	}
}

/* "+593…" of digits is a number to a spreadsheet, not a formula. */
static void put_address(struct sheet *s, const char *text)
{
	if (text[0] == '+' && text[1 + strspn(text + 1, "0123456789")] == '\0')
		sheet_code(s, text);
	else
		sheet_text(s, text);
}

static enum rc put_line(struct cx *cx, struct sheet *s, const struct forecast_run *run,
			const struct forecast_line *line, bool wants_text)
{
	struct planned_shown shown;
	enum rc rc = forecast_shown(cx, run, line, wants_text, &shown);

	if (rc != RC_OK) return rc;
	sheet_instant(s, run->at);
	sheet_text(s, shown.who);
	sheet_text(s, shown.what);
	sheet_text(s, forecast_kind_words(cx, run, line));
	sheet_int(s, line->days);
	put_address(s, shown.address);
	sheet_text(s, line->skip == 0 ? _("Leaves") : _("Left out"));
	sheet_text(s, skip_words_of(cx, run, forecast_skip_code(run, line)));
	if (wants_text) sheet_text(s, shown.text);
	return sheet_row(s);
}

enum rc forecast_sheet(struct cx *cx, int *fd, struct forecast_view *v, enum sheet_kind kind, bool wants_text)
{
	const struct sheet_column columns[] = {
		{ _("Planned"), SHEET_INSTANT }, { _("Customer"), SHEET_TEXT },
		{ _("Service"), SHEET_TEXT },    { _("Kind"), SHEET_TEXT },
		{ _("Days before"), SHEET_INT }, { _("Number"), SHEET_TEXT },
		{ _("State"), SHEET_TEXT },      { _("Reason"), SHEET_TEXT },
		{ _("Text"), SHEET_LONG_TEXT },
	};
	const struct forecast_run *run;
	const struct forecast_line *line;
	struct sheet *s = NULL;
	struct cx row_cx = *cx;
	int64_t place = 0;
	enum rc rc;

	row_cx.arena = arena_new(ROW_ARENA_MAX);
	if (row_cx.arena == NULL) return RC_NO_MEMORY;
	rc = sheet_open(cx, &s, kind, _("Forecast"), columns,
			sizeof(columns) / sizeof(columns[0]) - (wants_text ? 0 : 1));
	while (rc == RC_OK && forecast_next(v, &place, &run, &line)) {
		arena_reset(row_cx.arena);
		rc = put_line(&row_cx, s, run, line, wants_text);
	}
	arena_free(row_cx.arena);
	return sheet_close(s, rc, fd);
}
