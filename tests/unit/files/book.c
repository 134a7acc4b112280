/* A ZIP writer and a reader of rows, as small as the tests allow. */
#include "book.h"

#include <zlib.h>

static void le16(struct sb *sb, unsigned n)
{
	sb_char(sb, (char)(n & 0xFF));
	sb_char(sb, (char)(n >> 8 & 0xFF));
}

static void le32(struct sb *sb, size_t n)
{
	le16(sb, (unsigned)(n & 0xFFFF));
	le16(sb, (unsigned)(n >> 16 & 0xFFFF));
}

struct packed {
	const char *p;
	size_t len, size, at;
	unsigned crc;
};

static struct packed pack(struct state *s, const struct part_of_book *part)
{
	size_t size = strlen(part->xml);
	uLong room = compressBound(size);
	struct packed out = { .p = part->xml, .len = size, .size = size };
	z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)part->xml, .avail_in = (uInt)size };
	char *to;

	out.crc = (unsigned)crc32(0, (const Bytef *)part->xml, (uInt)size);
	if (!part->is_deflated) return out;
	to = arena_alloc(s->arena, room);
	assert_non_null(to);
	z.next_out = (Bytef *)to;
	z.avail_out = (uInt)room;
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.p = to;
	out.len = z.total_out;
	deflateEnd(&z);
	return out;
}

static void header(struct sb *sb, const struct part_of_book *part, const struct packed *data)
{
	le16(sb, 20);
	le16(sb, 0);
	le16(sb, part->is_deflated ? 8 : 0);
	le32(sb, 0);
	le32(sb, data->crc);
	le32(sb, data->len);
	le32(sb, data->size);
	le16(sb, (unsigned)strlen(part->name));
	le16(sb, 0);
}

struct bytes book_of(struct state *s, const struct part_of_book *parts)
{
	struct packed data[16];
	struct sb sb;
	size_t n = 0, directory, end;

	sb_init_arena(&sb, s->arena, 12 << 20);
	for (; parts[n].name != NULL; n++) {
		assert_true(n < 16);
		data[n] = pack(s, &parts[n]);
		data[n].at = sb.len;
		le32(&sb, 0x04034b50);
		header(&sb, &parts[n], &data[n]);
		sb_text(&sb, parts[n].name);
		sb_bytes(&sb, data[n].p, data[n].len);
	}
	directory = sb.len;
	for (size_t i = 0; i < n; i++) {
		le32(&sb, 0x02014b50);
		le16(&sb, 20);
		header(&sb, &parts[i], &data[i]);
		le16(&sb, 0); /* comment */
		le16(&sb, 0); /* disk */
		le16(&sb, 0);
		le32(&sb, 0);
		le32(&sb, data[i].at);
		sb_text(&sb, parts[i].name);
	}
	end = sb.len;
	le32(&sb, 0x06054b50);
	le32(&sb, 0);
	le16(&sb, (unsigned)n);
	le16(&sb, (unsigned)n);
	le32(&sb, end - directory);
	le32(&sb, directory);
	le16(&sb, 0);
	assert_int_equal(sb_result(&sb), RC_OK);
	return (struct bytes){ sb.p, sb.len };
}

struct bytes book_with(struct state *s, const char *rows, const char *styles, const char *strings)
{
	char *sheet = arena_printf(s->arena, "<worksheet><sheetData>%s</sheetData></worksheet>", rows);
	const struct part_of_book parts[] = {
		{ "xl/workbook.xml", "<workbook><sheets><sheet name='a' r:id='r1'/></sheets></workbook>",
		  false },
		{ "xl/_rels/workbook.xml.rels",
		  "<Relationships><Relationship Id='r1' Type='x/worksheet' Target='worksheets/a.xml'/>"
		  "<Relationship Id='r2' Type='x/styles' Target='styles.xml'/>"
		  "<Relationship Id='r3' Type='x/sharedStrings' Target='/xl/strings.xml'/></Relationships>",
		  false },
		{ "xl/worksheets/a.xml", sheet, true },
		{ styles != NULL ? "xl/styles.xml" : "unused1", styles != NULL ? styles : "", false },
		{ strings != NULL ? "xl/strings.xml" : "unused2", strings != NULL ? strings : "", true },
		{ NULL, NULL, false },
	};

	return book_of(s, parts);
}

const char *rows_of_file(struct state *s, struct bytes file)
{
	struct arena *a = arena_new(STATE_ARENA_MAX);
	struct rows_in *in = NULL;
	struct cells row;
	struct sb sb;
	size_t line = 0;
	enum rc rc;

	assert_non_null(a);
	cx_init(&s->cx, &s->env, s->arena, s->cx.db);
	s->cx.lang = LANG_EN;
	sb_init_arena(&sb, s->arena, 4 << 20);
	rc = rows_in_open(&s->cx, &in, file);
	while (rc == RC_OK && (rc = rows_in_next(&s->cx, in, a, &row)) == RC_OK) {
		assert_true(row.line > line && row.count > 0 && row.count <= ROWS_IN_CELLS_MAX);
		line = row.line;
		sb_printf(&sb, "%zu:", row.line);
		for (size_t i = 0; i < row.count; i++) {
			if (i > 0) sb_char(&sb, '|');
			sb_text(&sb, row.cell[i]);
		}
		sb_char(&sb, '\n');
		arena_reset(a);
	}
	rows_in_close(in);
	arena_free(a);
	if (rc != RC_NOT_FOUND) sb_printf(&sb, "!%s %s", rc_row(rc)->name, cx_sentence(&s->cx, rc));
	assert_int_equal(sb_result(&sb), RC_OK);
	return sb_text_of(&sb);
}
