/*
** files_rows_in.c -- any bytes as an uploaded spreadsheet. What begins with "S", "T", "Y" or "W" and a line
** end is the XML of a sheet, the shared strings, the styles or the workbook inside an archive whose checksums
** are right; else a changed byte would never get past them.
*/
#include "base/mem.h"
#include "base/text.h"
#include "files/xlsx_in.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

#define must(condition)                    \
	do {                               \
		if (!(condition)) abort(); \
	} while (0)

#define ROWS_MAX 2000 /* of one input: enough to see, quick enough to run often */

struct part {
	const char *name, *xml;
	size_t len;
};

static const char workbook[] = "<workbook><sheets><sheet name='a' r:id='r1'/></sheets></workbook>";
static const char relations[] =
	"<Relationships><Relationship Id='r1' Type='x/worksheet' Target='a.xml'/>"
	"<Relationship Id='r2' Type='x/styles' Target='y.xml'/>"
	"<Relationship Id='r3' Type='x/sharedStrings' Target='t.xml'/></Relationships>";
static const char sheet[] = "<worksheet><sheetData><row><c s='0'><v>46348.5</v></c><c s='1'><v>1.50</v></c>"
			    "<c t='s'><v>0</v></c><c t='s'><v>1</v></c></row></sheetData></worksheet>";

static void le(struct sb *sb, uint64_t n, int bytes)
{
	for (int i = 0; i < bytes; i++)
		sb_char(sb, i < 8 ? (char)(n >> (8 * i) & 0xFF) : '\0');
}

static void common(struct sb *sb, const struct part *part)
{
	le(sb, 20, 4); /* version, flags */
	le(sb, 0, 6);  /* stored, time, date */
	le(sb, crc32(0, (const Bytef *)part->xml, (uInt)part->len), 4);
	le(sb, part->len, 4);
	le(sb, part->len, 4);
	le(sb, strlen(part->name), 2);
	le(sb, 0, 2);
}

static struct bytes archive(struct arena *a, const struct part *parts, size_t count)
{
	size_t at[8], directory;
	struct sb sb;

	sb_init_arena(&sb, a, (size_t)4 << 20);
	for (size_t i = 0; i < count; i++) {
		at[i] = sb.len;
		le(&sb, 0x04034b50, 4);
		common(&sb, &parts[i]);
		sb_text(&sb, parts[i].name);
		sb_bytes(&sb, parts[i].xml, parts[i].len);
	}
	directory = sb.len;
	for (size_t i = 0; i < count; i++) {
		le(&sb, 0x02014b50, 4);
		le(&sb, 20, 2);
		common(&sb, &parts[i]);
		le(&sb, 0, 10);
		le(&sb, at[i], 4);
		sb_text(&sb, parts[i].name);
	}
	at[0] = sb.len - directory;
	le(&sb, 0x06054b50, 4);
	le(&sb, 0, 4);
	le(&sb, count, 2);
	le(&sb, count, 2);
	le(&sb, at[0], 4);
	le(&sb, directory, 4);
	le(&sb, 0, 2);
	return sb_result(&sb) == RC_OK ? (struct bytes){ sb.p, sb.len } : (struct bytes){ "", 0 };
}

static struct bytes file_of(struct arena *a, const char *p, size_t len)
{
	struct part parts[] = { { "xl/workbook.xml", workbook, sizeof(workbook) - 1 },
				{ "xl/_rels/workbook.xml.rels", relations, sizeof(relations) - 1 },
				{ "xl/a.xml", sheet, sizeof(sheet) - 1 },
				{ "xl/t.xml", "<sst><si><t>a</t></si><si/></sst>", 33 },
				{ "xl/y.xml", "<s><cellXfs><xf numFmtId='22'/></cellXfs></s>", 45 } };
	static const char which[] = "W?STY";
	const char *at = len > 2 && p[1] == '\n' && p[0] != '?' ? memchr(which, p[0], 5) : NULL;

	if (at == NULL) return (struct bytes){ p, len };
	parts[at - which].xml = p + 2;
	parts[at - which].len = len - 2;
	return archive(a, parts, 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static struct arena *a, *row_arena;
	static struct env env;
	struct rows_in *in = NULL;
	struct cells row;
	struct cx cx;
	int64_t done = 0, total = 0, before = 0;
	size_t line = 0;
	enum rc rc;

	if (a == NULL) a = arena_new((size_t)32 << 20);
	if (row_arena == NULL) row_arena = arena_new((size_t)32 << 20);
	must(a != NULL && row_arena != NULL);
	arena_reset(a);
	cx_init(&cx, &env, a, NULL);
	rc = rows_in_open(&cx, &in, file_of(a, (const char *)p, len));
	for (size_t n = 0; rc == RC_OK && n < ROWS_MAX; n++) {
		arena_reset(row_arena);
		rc = rows_in_next(&cx, in, row_arena, &row);
		if (rc != RC_OK) break;
		must(row.line > line && row.count > 0 && row.count <= ROWS_IN_CELLS_MAX);
		line = row.line;
		for (size_t i = 0; i < row.count; i++)
			must(text_is_utf8(row.cell[i], strlen(row.cell[i])));
		rows_in_progress(in, &done, &total);
		must(done >= before && total >= 0);
		before = done;
	}
	must(rc == RC_OK || rc == RC_NOT_FOUND || cx.message[0] != '\0' || rc == RC_NO_MEMORY);
	rows_in_close(in);
	return 0;
}
