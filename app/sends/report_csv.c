/*
** report_csv.c -- reads the file of a report record by record.
**
** Owns:   a buffer of REPORT_BUFFER bytes, and one for converted text.
** Holds:  (1) total: any bytes give records or RC_BAD_INPUT; (2) a record is parsed only when it lies in the
**         buffer as a whole, since quotes are taken off in place.
*/
#include "sends/report_csv.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

static enum rc wrong(struct report_csv *r, const char *why)
{
	r->is_wrong = true;
	r->why = why;
	return RC_BAD_INPUT;
}

/* Read on until the buffer is full or the file ends. */
static enum rc fill(struct report_csv *r)
{
	if (r->is_end || r->len - r->at >= REPORT_RECORD_MAX) return RC_OK;
	memmove(r->buf, r->buf + r->at, r->len - r->at);
	r->len -= r->at;
	r->at = 0;
	while (r->len < r->cap) {
		ssize_t n = pread(r->fd, r->buf + r->len, r->cap - r->len, r->read);

		if (n < 0) return RC_IO;
		if (n == 0) {
			r->is_end = true;
			break;
		}
		if (memchr(r->buf + r->len, '\0', (size_t)n) != NULL)
			return wrong(r, N_("The file is not a report: it is not text."));
		r->read += n;
		r->len += (size_t)n;
	}
	return RC_OK;
}

/* Encoding */

static bool is_plain(const char *p, size_t len)
{
	uint64_t word;
	size_t i = 0;

	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		if ((word & UINT64_C(0x8080808080808080)) != 0) return false;
	}
	for (; i < len; i++)
		if ((unsigned char)p[i] >= 0x80) return false;
	return true;
}

/* Well-formed UTF-8 from p on; a sequence cut by the end of a piece is left for the next (*left). */
static bool piece_is_utf8(const char *p, size_t len, bool is_last, size_t *left)
{
	*left = 0;
	if (is_plain(p, len)) return true;
	for (size_t i = 0; i < len;) {
		size_t n;

		if ((unsigned char)p[i] < 0x80) {
			i++;
			continue;
		}
		n = text_sequence(p + i, len - i);
		if (n == 0 && !is_last && len - i < 4) {
			*left = len - i;
			return true;
		}
		if (n == 0) return false;
		i += n;
	}
	return true;
}

static enum rc look_at_encoding(struct report_csv *r)
{
	int64_t at = 0;
	size_t left = 0;

	for (;;) {
		ssize_t n = pread(r->fd, r->buf, r->cap, at);
		size_t len = n > 0 ? (size_t)n : 0;

		if (n < 0) return RC_IO;
		if (len == 0) return RC_OK;
		if (!piece_is_utf8(r->buf, len, len < r->cap, &left)) {
			r->is_cp1252 = true;
			return RC_OK;
		}
		at += (int64_t)(len - left);
		if (len < r->cap) return RC_OK;
	}
}

static enum rc convert(struct report_csv *r, struct bytes *cell, size_t *used)
{
	struct arena *a;
	char *text;
	size_t len;

	if (!r->is_cp1252 || is_plain(cell->p, cell->len)) return RC_OK;
	a = arena_new(cell->len * 4 + 4096);
	if (a == NULL) return RC_NO_MEMORY;
	text = text_from_cp1252(a, cell->p, cell->len);
	len = strlen(text);
	if (arena_failed(a) || *used + len > REPORT_RECORD_MAX * 3) {
		arena_free(a);
		return RC_NO_MEMORY;
	}
	memcpy(r->wide + *used, text, len);
	*cell = (struct bytes){ r->wide + *used, len };
	*used += len;
	arena_free(a);
	return RC_OK;
}

/* Records */

static struct bytes trimmed(char *p, size_t len)
{
	while (len > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		len--;
	}
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t' || p[len - 1] == '\r'))
		len--;
	return (struct bytes){ p, len };
}

/* A quoted cell whose quote is at *at: the quotes go, in place. False: no closing quote in the buffer. */
static bool quoted(struct report_csv *r, size_t *at, struct bytes *cell)
{
	char *start = r->buf + *at + 1, *to = start, *end = r->buf + r->len;

	for (char *from = start;;) {
		char *quote = memchr(from, '"', (size_t)(end - from));
		size_t n;

		if (quote == NULL) return false;
		n = (size_t)(quote - from);
		if (to != from && n > 0) memmove(to, from, n);
		to += n;
		if (quote + 1 < end && quote[1] == '"') {
			*to++ = '"';
			from = quote + 2;
			continue;
		}
		*at = (size_t)(quote + 1 - r->buf);
		*cell = (struct bytes){ start, (size_t)(to - start) };
		return true;
	}
}

static enum rc take_cell(struct report_csv *r, size_t *at, bool *is_last)
{
	char *p = r->buf + *at, *end = r->buf + r->len, *start = p;
	struct bytes cell = { p, 0 };

	if (r->count == LOAD_COLUMNS_MAX)
		return wrong(r, N_("The report has more columns than can be read."));
	if (p < end && *p == '"') {
		if (!quoted(r, at, &cell)) return wrong(r, N_("The report ends inside a quoted text."));
		p = r->buf + *at;
		while (p < end && *p != r->delimiter && *p != '\n')
			p++; /* what follows a closing quote says nothing */
	} else {
		while (p < end && *p != r->delimiter && *p != '\n')
			p++;
		cell = trimmed(start, (size_t)(p - start));
	}
	*is_last = p == end || *p == '\n';
	*at = (size_t)(p - r->buf) + (p < end ? 1 : 0);
	r->cell[r->count++] = cell;
	return RC_OK;
}

enum rc report_csv_next(struct report_csv *r)
{
	size_t used = 0;
	enum rc rc;

	if (r->is_wrong) return RC_BAD_INPUT;
	for (;;) {
		bool is_last = false;
		size_t at;

		rc = fill(r);
		if (rc != RC_OK) return rc;
		if (r->at == r->len) return RC_NOT_FOUND;
		r->count = 0;
		at = r->at;
		while (!is_last && rc == RC_OK)
			rc = take_cell(r, &at, &is_last);
		if (rc == RC_OK && at == r->len && !r->is_end)
			rc = wrong(r, N_("A line of the report is too long."));
		if (rc != RC_OK) return rc;
		r->at = at;
		if (r->count > 1 || r->cell[0].len > 0) break;
	}
	for (size_t i = 0; r->is_cp1252 && rc == RC_OK && i < r->count; i++)
		rc = convert(r, &r->cell[i], &used);
	r->record++;
	return rc;
}

/* Opening */

/* Which of the three parts the first line most often; a comma otherwise. */
static char delimiter_of(const char *p, size_t len)
{
	static const char known[] = ",;\t";
	size_t best = 0;
	char found = ',';

	for (size_t k = 0; k < sizeof(known) - 1; k++) {
		size_t n = 0;

		for (size_t i = 0; i < len && p[i] != '\n'; i++)
			n += p[i] == known[k];
		if (n > best) {
			best = n;
			found = known[k];
		}
	}
	return found;
}

static enum rc first_look(struct report_csv *r)
{
	size_t at = 0;

	if (r->len >= 3 && memcmp(r->buf, "\xef\xbb\xbf", 3) == 0) r->at = at = 3;
	while (at < r->len && (r->buf[at] == ' ' || r->buf[at] == '\r' || r->buf[at] == '\n'))
		at++;
	if (at == r->len) return RC_NOT_FOUND;
	if (r->buf[at] == '<')
		return wrong(r, N_("The file is not a report: it is a page. Ask for the report again."));
	r->delimiter = delimiter_of(r->buf + at, r->len - at);
	return RC_OK;
}

static enum rc buffers(struct report_csv *r, size_t cap)
{
	r->cap = cap;
	r->buf = mem_alloc(cap);
	r->wide = mem_alloc(REPORT_RECORD_MAX * 3);
	return r->buf != NULL && r->wide != NULL ? RC_OK : RC_NO_MEMORY;
}

enum rc report_csv_open(struct report_csv *r, int fd)
{
	enum rc rc;

	*r = (struct report_csv){ .fd = fd, .delimiter = ',', .why = "" };
	rc = buffers(r, REPORT_BUFFER);
	if (rc == RC_OK) rc = look_at_encoding(r);
	if (rc == RC_OK) rc = fill(r);
	return rc == RC_OK ? first_look(r) : rc;
}

enum rc report_csv_open_bytes(struct report_csv *r, struct bytes file)
{
	size_t left = 0;
	enum rc rc;

	*r = (struct report_csv){ .fd = -1, .delimiter = ',', .why = "", .is_end = true };
	rc = buffers(r, file.len + 1);
	if (rc != RC_OK) return rc;
	if (file.len > 0) memcpy(r->buf, file.p, file.len);
	r->len = file.len;
	if (file.len > 0 && memchr(file.p, '\0', file.len) != NULL)
		return wrong(r, N_("The file is not a report: it is not text."));
	r->is_cp1252 = !piece_is_utf8(r->buf, r->len, true, &left);
	return first_look(r);
}

void report_csv_close(struct report_csv *r)
{
	mem_free(r->buf);
	mem_free(r->wide);
	r->buf = r->wide = NULL;
}
