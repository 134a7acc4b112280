/*
** report_cast.c -- what headings and cells of a report mean: column names, types, times.
**
** Holds:  total: any bytes give a value or "cannot be read", never a wrong one.
*/
#include "sends/report_csv.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 60 /* of a column's name: PostgreSQL would allow 63 */

/* Names */

const char *report_column(struct arena *a, struct bytes heading)
{
	const char *folded = text_fold(a, arena_bytes(a, heading.p, heading.len));
	char name[NAME_MAX_BYTES + 3];
	size_t n = 0;

	if (folded[0] >= '0' && folded[0] <= '9') {
		name[n++] = 'c';
		name[n++] = '_';
	}
	for (const char *p = folded; *p != '\0' && n < NAME_MAX_BYTES; p++) {
		bool is_word = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');

		if (((unsigned char)*p & 0xc0) == 0x80) continue; /* one mark for one letter */
		name[n++] = is_word ? *p : '_';
	}
	if (n == 0) {
		name[n++] = 'c';
		name[n++] = '_';
	}
	name[n] = '\0';
	return arena_text(a, name);
}

static bool is_taken(const char *name, const char *const *before, size_t count)
{
	static const char *const own[] = { "id",        "rowid", "oid", "_rowid_", "generated_report_id",
					   "created_at" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(own[i], name) == 0) return true;
	for (size_t i = 0; i < count; i++)
		if (strcmp(before[i], name) == 0) return true;
	return false;
}

void report_columns(struct arena *a, const char **out, const struct bytes *headings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = report_column(a, headings[i]), *tried = name;

		for (int n = 2; is_taken(tried, out, i) && n < LOAD_COLUMNS_MAX + 8; n++)
			tried = arena_printf(a, "%s_%d", name, n);
		out[i] = tried;
	}
}

/* Cells */

bool cell_is_null(struct bytes cell)
{
	static const char *const words[] = { "null", "none", "n/a", "na", "-", "\xe2\x80\x93" };

	if (cell.len == 0) return true;
	if (cell.len > 4) return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == cell.len && strncasecmp(words[i], cell.p, cell.len) == 0) return true;
	return false;
}

static bool is_figure(char c)
{
	return c >= '0' && c <= '9';
}

bool cell_integer(int64_t *out, struct bytes cell)
{
	size_t i = cell.len > 0 && (cell.p[0] == '-' || cell.p[0] == '+') ? 1 : 0, from = i;
	int64_t n = 0;

	for (; i < cell.len && is_figure(cell.p[i]); i++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, cell.p[i] - '0', &n))
			return false;
	if (i == from) return false;
	/* "3.0", as a spreadsheet writes it: the original's cast goes through a float */
	if (i < cell.len && cell.p[i] == '.') {
		for (i++; i < cell.len && is_figure(cell.p[i]); i++)
			;
	}
	if (i != cell.len) return false;
	*out = cell.p[0] == '-' ? -n : n;
	return true;
}

bool cell_is_real(struct bytes cell)
{
	size_t i = cell.len > 0 && (cell.p[0] == '-' || cell.p[0] == '+') ? 1 : 0, figures = 0;

	if (cell.len > 40) return false;
	for (; i < cell.len && is_figure(cell.p[i]); i++)
		figures++;
	if (i < cell.len && cell.p[i] == '.')
		for (i++; i < cell.len && is_figure(cell.p[i]); i++)
			figures++;
	if (figures > 0 && i < cell.len && (cell.p[i] == 'e' || cell.p[i] == 'E')) {
		i++;
		if (i < cell.len && (cell.p[i] == '-' || cell.p[i] == '+')) i++;
		if (i == cell.len) return false;
		while (i < cell.len && is_figure(cell.p[i]))
			i++;
	}
	return figures > 0 && i == cell.len;
}

bool cell_bool(int64_t *out, struct bytes cell)
{
	static const struct {
		const char *word;
		int64_t value;
	} words[] = { { "true", 1 }, { "false", 0 }, { "1", 1 }, { "0", 0 }, { "yes", 1 }, { "no", 0 } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == cell.len && strncasecmp(words[i].word, cell.p, cell.len) == 0) {
			*out = words[i].value;
			return true;
		}
	return false;
}

bool cell_is_email(struct bytes cell)
{
	const char *at = cell.len > 0 ? memchr(cell.p, '@', cell.len) : NULL, *end = cell.p + cell.len;

	if (at == NULL || at == cell.p || at + 1 == end) return false;
	if (memchr(at + 1, '@', (size_t)(end - at - 1)) != NULL) return false;
	return memchr(cell.p, ' ', cell.len) == NULL && memchr(at, '.', (size_t)(end - at)) != NULL;
}

/* Exactly n figures. */
static bool figures(int *out, const char *p, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_figure(p[i])) return false;
		value = value * 10 + (p[i] - '0');
	}
	*out = value;
	return true;
}

/* What follows the seconds: nothing, Z or an offset in minutes. */
static bool offset_of(const char *p, size_t len, bool *has, int *minutes)
{
	int hours = 0, rest = 0;

	*has = false;
	*minutes = 0;
	if (len > 0 && *p == '.') {
		p++;
		len--;
		while (len > 0 && is_figure(*p)) {
			p++;
			len--;
		}
	}
	if (len == 0) return true;
	*has = true;
	if (len == 1) return *p == 'Z' || *p == 'z';
	if (len < 5 || len > 6 || (*p != '+' && *p != '-')) return false;
	if (!figures(&hours, p + 1, 2) || !figures(&rest, p + len - 2, 2) || (len == 6 && p[3] != ':'))
		return false;
	if (hours > 14 || rest > 59) return false;
	*minutes = (hours * 60 + rest) * (*p == '-' ? -1 : 1);
	return true;
}

bool cell_time(instant *out, struct bytes cell, const struct zone *zone)
{
	struct civil c = { .day = 0 };
	int year = 0, month = 0, dom = 0, minutes = 0;
	const char *p = cell.p;
	bool has_offset = false;

	if (cell.len < 10 || p[4] != '-' || p[7] != '-') return false;
	if (!figures(&year, p, 4) || !figures(&month, p + 5, 2) || !figures(&dom, p + 8, 2)) return false;
	if (year < 1900 || year > 2199 || !day_make(&c.day, year, month, dom)) return false;
	if (cell.len > 10) {
		if (cell.len < 16 || (p[10] != ' ' && p[10] != 'T') || p[13] != ':') return false;
		if (!figures(&c.hour, p + 11, 2) || !figures(&c.minute, p + 14, 2)) return false;
		if (cell.len >= 19 && p[16] == ':') {
			if (!figures(&c.second, p + 17, 2) ||
			    !offset_of(p + 19, cell.len - 19, &has_offset, &minutes))
				return false;
		} else if (cell.len != 16) {
			return false;
		}
		if (c.hour > 23 || c.minute > 59 || c.second > 59) return false;
	}
	if (has_offset || zone == NULL)
		*out = (int64_t)c.day * DAY_MS + (c.hour * 60 + c.minute - minutes) * MINUTE_MS +
		       c.second * SECOND_MS;
	else
		*out = zone_instant(zone, c);
	return true;
}

/* Types */

void column_guess(struct column_guess *g, struct bytes cell)
{
	int64_t n;
	instant at;

	if (cell_is_null(cell)) return;
	g->seen++;
	if (!cell_is_email(cell)) g->not_email = true;
	if (!cell_integer(&n, cell) || memchr(cell.p, '.', cell.len) != NULL) g->not_integer = true;
	if (!cell_is_real(cell)) g->not_real = true;
	if (!cell_bool(&n, cell)) g->not_bool = true;
	if (!cell_time(&at, cell, NULL)) g->not_time = true;
}

enum load_type column_guessed(const struct column_guess *g)
{
	if (g->seen == 0) return LOAD_TEXT;
	if (!g->not_email) return LOAD_EMAIL;
	if (!g->not_integer) return LOAD_INTEGER;
	if (!g->not_real) return LOAD_REAL;
	if (!g->not_bool) return LOAD_BOOL;
	return g->not_time ? LOAD_TEXT : LOAD_TIME;
}
