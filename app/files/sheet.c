/*
** sheet.c -- the front of a sheet: what is the same for every kind of file.
**
** Needs:  sheet_csv.c and sheet_xlsx.c, one writer each.
** Never:  keeps a row; reads a setting but the language and the zone.
** Holds:  (1) after the first failure nothing is written any more; (2) a row has as many cells as there are
**         columns, or it is our bug; (3) a file that failed is gone.
*/
#include "files/sheet_inside.h"

#include "base/mem.h"
#include "base/money.h"
#include <string.h>

#define TEXT_INT_FROM (INT64_C(1) << 53) /* a spreadsheet's numbers are doubles: whole up to here */

const char *sheet_media_type(enum sheet_kind kind)
{
	return kind == SHEET_XLSX ? "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
				  : "text/csv; charset=utf-8";
}

const char *sheet_suffix(enum sheet_kind kind)
{
	return kind == SHEET_XLSX ? "xlsx" : "csv";
}

enum rc sheet_disk_full(struct sheet *s)
{
	struct cx *cx = s->cx;

	return cx_fail(cx, RC_IO,
		       _("The file could not be written: is the disk full? Make room and try again."));
}

static enum rc put_heading(struct sheet *s)
{
	for (size_t i = 0; i < s->count; i++)
		sheet_text(s, s->columns[i].title);
	return sheet_row(s);
}

enum rc sheet_open(struct cx *cx, struct sheet **out, enum sheet_kind kind, const char *title,
		   const struct sheet_column *columns, size_t count)
{
	struct sheet *s;
	enum rc rc;

	if (count == 0 || count > SHEET_COLUMNS_MAX) return RC_BUG;
	s = mem_zeroed(sizeof(*s));
	if (s == NULL) return RC_NO_MEMORY;
	*s = (struct sheet){ .cx = cx, .columns = columns, .count = count };
	rc = kind == SHEET_XLSX ? sheet_xlsx_start(s, title) : sheet_csv_start(s, kind == SHEET_CSV_LOCAL);
	if (rc == RC_OK) rc = put_heading(s);
	if (rc == RC_OK)
		*out = s;
	else
		rc = sheet_close(s, rc, NULL);
	return rc;
}

static void told(struct sheet *s, enum rc rc)
{
	s->at++;
	if (rc != RC_OK) s->rc = rc;
}

static bool is_sound(struct sheet *s)
{
	if (s->rc == RC_OK && s->at >= s->count) s->rc = RC_BUG;
	return s->rc == RC_OK;
}

void sheet_empty(struct sheet *s)
{
	if (is_sound(s)) told(s, s->w->empty(s));
}

void sheet_text(struct sheet *s, const char *text)
{
	if (is_sound(s)) told(s, text[0] == '\0' ? s->w->empty(s) : s->w->text(s, text, true));
}

void sheet_code(struct sheet *s, const char *text)
{
	if (is_sound(s)) told(s, text[0] == '\0' ? s->w->empty(s) : s->w->text(s, text, false));
}

size_t sheet_digits(char out[32], int64_t n, int decimals)
{
	char reversed[32];
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	size_t len = 0, at = 0;

	for (int i = 0; left > 0 || i <= decimals; i++, left /= 10) {
		if (i == decimals && decimals > 0) reversed[len++] = '.';
		reversed[len++] = (char)('0' + left % 10);
	}
	if (n < 0) out[at++] = '-';
	while (len > 0)
		out[at++] = reversed[--len];
	out[at] = '\0';
	return at;
}

static void two(char *to, int n)
{
	to[0] = (char)('0' + n / 10 % 10);
	to[1] = (char)('0' + n % 10);
}

void sheet_instant_text(char out[SHEET_INSTANT_SIZE], const struct civil *c)
{
	memcpy(out, "0000-00-00 00:00:00", SHEET_INSTANT_SIZE);
	day_text(out, c->day);
	out[DATE_SIZE - 1] = ' ';
	two(out + 11, c->hour);
	two(out + 14, c->minute);
	two(out + 17, c->second);
}

static void put_number(struct sheet *s, int64_t n, int decimals, bool is_money)
{
	char text[32];

	if (!is_sound(s)) return;
	if (n > -TEXT_INT_FROM && n < TEXT_INT_FROM) {
		told(s, s->w->number(s, n, decimals, is_money));
		return;
	}
	sheet_digits(text, n, decimals);
	told(s, s->w->text(s, text, false));
}

void sheet_int(struct sheet *s, int64_t n)
{
	put_number(s, n, 0, false);
}

void sheet_money(struct sheet *s, int64_t units, const char *currency)
{
	if (strncmp(s->currency, currency, sizeof(s->currency)) != 0) {
		memset(s->currency, 0, sizeof(s->currency));
		memcpy(s->currency, currency, strnlen(currency, sizeof(s->currency) - 1));
		s->exponent = money_exponent(currency);
	}
	put_number(s, units, s->exponent, true);
}

void sheet_scaled(struct sheet *s, int64_t n, int decimals)
{
	if (decimals < 0 || decimals > SHEET_SCALE_MAX)
		s->rc = RC_BUG;
	else
		put_number(s, n, decimals, false);
}

void sheet_date(struct sheet *s, const char *date)
{
	day d = 0;

	if (!is_sound(s)) return;
	if (strlen(date) == DATE_SIZE - 1 && day_parse(&d, date) == RC_OK)
		told(s, s->w->date(s, d, date));
	else
		sheet_text(s, date);
}

void sheet_instant(struct sheet *s, instant at)
{
	struct civil c;

	if (!is_sound(s)) return;
	c = zone_civil(s->cx->env->zone, at);
	told(s, s->w->instant(s, &c));
}

void sheet_truth(struct sheet *s, bool is_true)
{
	struct cx *cx = s->cx;

	if (is_sound(s)) told(s, s->w->text(s, is_true ? _("Yes") : _("No"), false));
}

enum rc sheet_row(struct sheet *s)
{
	struct cx *cx = s->cx;

	if (s->rc == RC_OK && s->at != s->count) s->rc = RC_BUG;
	if (s->rc == RC_OK && s->row > SHEET_ROWS_MAX)
		s->rc = cx_fail(cx, RC_TOO_LARGE, _("More than %lld rows: narrow the list with a filter."),
				(long long)SHEET_ROWS_MAX);
	if (s->rc == RC_OK) s->rc = s->w->row(s);
	s->at = 0;
	s->row++;
	return s->rc;
}

enum rc sheet_close(struct sheet *s, enum rc rc, int *fd)
{
	if (s == NULL) return rc;
	if (rc == RC_OK) rc = s->rc;
	if (rc == RC_OK && s->at != 0) rc = RC_BUG;
	if (rc == RC_OK) rc = s->w->finish(s, fd);
	if (s->w != NULL) s->w->drop(s);
	mem_free(s);
	return rc;
}
