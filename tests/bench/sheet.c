/*
** sheet.c -- the peer of an export to Excel: a bare loop over libxlsxwriter that writes the same cells.
**
**   sheet CSV TYPES FOLDER
**
** CSV is what the appliance exported; TYPES has a letter a column: t text, n number, d date, i date and time.
** Rows are read and their numbers worked out in blocks, with the clock stopped; what is measured is the
** library's own calls, in constant-memory mode, with one format a type, and the closing of the workbook in
** FOLDER. Prints {"cells", "cpu_s", "seconds", "bytes"}.
**
** Never: asks a database, looks at a text, checks what was written.
*/
#include "base/clock.h"
#include "base/csv.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xlsxwriter.h>

#define BLOCK       1000
#define EXCEL_EPOCH 25569 /* days from 1899-12-30 to 1970-01-01 */

struct one {
	const char *text; /* NULL: empty */
	double number;
};

static double cpu, wall;

static double now(clockid_t which)
{
	struct timespec ts;

	clock_gettime(which, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void clock_turn(double sign)
{
	cpu += sign * now(CLOCK_PROCESS_CPUTIME_ID);
	wall += sign * now(CLOCK_MONOTONIC);
}

static void die(const char *what)
{
	fprintf(stderr, "sheet: %s\n", what);
	exit(1);
}

/* "2026-11-22 09:00:00" or its first half as Excel counts. */
static double serial(const char *text)
{
	char date[DATE_SIZE] = "";
	day d = 0;
	int h = 0, m = 0, s = 0;

	memcpy(date, text, strnlen(text, DATE_SIZE - 1));
	if (day_parse(&d, date) != RC_OK) die("a date that is none");
	if (strlen(text) > DATE_SIZE) (void)sscanf(text + DATE_SIZE, "%d:%d:%d", &h, &m, &s);
	return d + EXCEL_EPOCH + (h * 3600 + m * 60 + s) / 86400.0;
}

static struct one cell_of(char type, const char *text)
{
	struct one one = { .text = text[0] != '\0' ? text : NULL };

	if (one.text != NULL && type == 'n') one.number = strtod(text, NULL);
	if (one.text != NULL && (type == 'd' || type == 'i')) one.number = serial(text);
	return one;
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new((size_t)256 << 20);
	lxw_workbook_options options = { .constant_memory = LXW_TRUE, .tmpdir = argc > 3 ? argv[3] : NULL };
	struct csv csv;
	struct stat st;
	lxw_workbook *book;
	lxw_worksheet *page;
	lxw_format *format[128] = { NULL };
	char path[4096];
	size_t columns = argc > 2 ? strlen(argv[2]) : 0, row = 0, n;
	long cells = 0;
	int fd = argc > 3 ? open(argv[1], O_RDONLY) : -1;
	void *p;

	if (fd < 0 || a == NULL || fstat(fd, &st) != 0 || columns == 0) die("sheet CSV TYPES FOLDER");
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED || csv_open(&csv, p, (size_t)st.st_size) != RC_OK) die("no such CSV");
	snprintf(path, sizeof(path), "%s/peer.xlsx", argv[3]);
	clock_turn(-1);
	book = workbook_new_opt(path, &options);
	page = workbook_add_worksheet(book, NULL);
	format['t'] = workbook_add_format(book);
	format['n'] = workbook_add_format(book);
	format['d'] = workbook_add_format(book);
	format['i'] = workbook_add_format(book);
	format_set_num_format(format['t'], "@");
	format_set_num_format(format['n'], "0.00");
	format_set_num_format_index(format['d'], 14);
	format_set_num_format_index(format['i'], 22);
	clock_turn(1);
	do {
		static struct one block[BLOCK][64];

		arena_reset(a);
		for (n = 0; n < BLOCK && csv_next(&csv, a) == RC_OK; n++)
			for (size_t i = 0; i < columns && i < csv.count && i < 64; i++)
				block[n][i] = cell_of(row + n == 0 ? 't' : argv[2][i], csv.cell[i]);
		clock_turn(-1);
		for (size_t r = 0; r < n; r++, row++)
			for (size_t i = 0; i < columns; i++) {
				int type = argv[2][i];

				if (block[r][i].text == NULL) continue;
				if (row == 0 || type == 't')
					worksheet_write_string(page, (lxw_row_t)row, (lxw_col_t)i,
							       block[r][i].text, format['t']);
				else
					worksheet_write_number(page, (lxw_row_t)row, (lxw_col_t)i,
							       block[r][i].number, format[type]);
			}
		clock_turn(1);
		cells += (long)(n * columns);
	} while (n == BLOCK);
	clock_turn(-1);
	if (workbook_close(book) != LXW_NO_ERROR) die("the workbook could not be written");
	clock_turn(1);
	if (stat(path, &st) != 0) die("no workbook");
	printf("{\"cells\": %ld, \"cpu_s\": %.6f, \"seconds\": %.6f, \"bytes\": %lld}\n", cells, cpu, wall,
	       (long long)st.st_size);
	return 0;
}
