/*
** sheet_inside.h -- the inside of sheets: what the two ways to write a cell have in common. For sheet*.c
** only.
*/
#ifndef RECADO_FILES_SHEET_INSIDE_H
#define RECADO_FILES_SHEET_INSIDE_H

#include "base/sb.h"
#include "files/inner.h"
#include "files/sheet.h"

#define SHEET_SCALE_MAX 4 /* decimals of a scaled number or of money */

/* One way to write. Each returns what went wrong; the front keeps the first. */
struct sheet_writer {
	enum rc (*text)(struct sheet *s, const char *text, bool guard);
	enum rc (*number)(struct sheet *s, int64_t n, int decimals, bool is_money);
	enum rc (*date)(struct sheet *s, day d, const char *text);
	enum rc (*instant)(struct sheet *s, const struct civil *c);
	enum rc (*empty)(struct sheet *s);
	enum rc (*row)(struct sheet *s);
	enum rc (*finish)(struct sheet *s, int *fd);
	void (*drop)(struct sheet *s); /* also after finish */
};

struct sheet {
	const struct sheet_writer *w;
	struct cx *cx;
	const struct sheet_column *columns;
	size_t count, at;
	int64_t row;
	enum rc rc;
	/* of the last money: most rows share it */
	char currency[4];
	int exponent;
	void *own; /* of the writer */
};

enum rc sheet_csv_start(struct sheet *s, bool is_local) MUST_CHECK;
enum rc sheet_xlsx_start(struct sheet *s, const char *title) MUST_CHECK;
/* "2026-11-22 09:00:00". */
#define SHEET_INSTANT_SIZE 20
void sheet_instant_text(char out[SHEET_INSTANT_SIZE], const struct civil *c);
/* "-12.50": out takes any int64. Returns the length. */
size_t sheet_digits(char out[32], int64_t n, int decimals);
enum rc sheet_disk_full(struct sheet *s) MUST_CHECK;

#endif
