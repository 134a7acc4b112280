/*
** sheet_csv.c -- a sheet as delimited text (RFC 4180).
**
** Holds:  (1) memory stays at one row and the buffer; (2) a text that a spreadsheet would run as a formula is
**         guarded; (3) dates as YYYY-MM-DD, times as YYYY-MM-DD HH:MM:SS: spreadsheets and import read both.
*/
#include "files/sheet_inside.h"

#include "base/mem.h"
#include <string.h>
#include <unistd.h>

#define FLUSH  (64 * 1024)       /* one write(2) a thousand rows or so                    */
#define BUFFER (8 * 1024 * 1024) /* the longest row: 64 columns of 32,767 letters of four bytes */

struct csv_sheet {
	struct sb sb;
	char delimiter;
	int fd;
};

static struct csv_sheet *own(struct sheet *s)
{
	return s->own;
}

static struct sb *begin_cell(struct sheet *s)
{
	struct csv_sheet *c = own(s);

	if (s->at > 0) sb_char(&c->sb, c->delimiter);
	return &c->sb;
}

static enum rc put_text(struct sheet *s, const char *text, bool guard)
{
	sb_csv(begin_cell(s), text, strlen(text), own(s)->delimiter, guard);
	return RC_OK;
}

static enum rc put_number(struct sheet *s, int64_t n, int decimals, bool is_money)
{
	char text[32];
	size_t len = sheet_digits(text, n, decimals);

	(void)is_money;
	sb_bytes(begin_cell(s), text, len);
	return RC_OK;
}

static enum rc put_date(struct sheet *s, day d, const char *text)
{
	(void)d;
	sb_bytes(begin_cell(s), text, DATE_SIZE - 1);
	return RC_OK;
}

static enum rc put_instant(struct sheet *s, const struct civil *c)
{
	char text[SHEET_INSTANT_SIZE];

	sheet_instant_text(text, c);
	sb_bytes(begin_cell(s), text, SHEET_INSTANT_SIZE - 1);
	return RC_OK;
}

static enum rc put_empty(struct sheet *s)
{
	begin_cell(s);
	return RC_OK;
}

static enum rc flush(struct sheet *s)
{
	struct csv_sheet *o = own(s);
	enum rc rc = fd_write_all(o->fd, o->sb.p, o->sb.len);

	sb_clear(&o->sb);
	return rc == RC_OK ? rc : sheet_disk_full(s);
}

static enum rc put_row(struct sheet *s)
{
	struct csv_sheet *o = own(s);

	sb_lit(&o->sb, "\r\n");
	if (sb_result(&o->sb) != RC_OK) return sb_result(&o->sb);
	return o->sb.len >= FLUSH ? flush(s) : RC_OK;
}

static enum rc finish(struct sheet *s, int *fd)
{
	struct csv_sheet *o = own(s);
	enum rc rc = o->sb.len > 0 ? flush(s) : RC_OK;

	if (rc != RC_OK) return rc;
	*fd = o->fd;
	o->fd = -1;
	return RC_OK;
}

static void drop(struct sheet *s)
{
	if (s->own == NULL) return;
	sb_free(&own(s)->sb);
	if (own(s)->fd >= 0) close(own(s)->fd);
	mem_free(s->own);
	s->own = NULL;
}

static const struct sheet_writer csv_writer = {
	.text = put_text,
	.number = put_number,
	.date = put_date,
	.instant = put_instant,
	.empty = put_empty,
	.row = put_row,
	.finish = finish,
	.drop = drop,
};

enum rc sheet_csv_start(struct sheet *s, bool is_local)
{
	struct csv_sheet *o = mem_zeroed(sizeof(*o));

	s->w = &csv_writer;
	s->own = o;
	if (o == NULL) return RC_NO_MEMORY;
	o->delimiter = is_local ? ';' : ',';
	o->fd = -1;
	sb_init(&o->sb, BUFFER);
	if (is_local) sb_lit(&o->sb, "\xef\xbb\xbf");
	return spool_open(&o->fd, s->cx->env->dir) == RC_OK ? RC_OK : sheet_disk_full(s);
}
