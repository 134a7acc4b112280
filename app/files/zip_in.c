/*
** zip_in.c -- parts of a ZIP archive that lies in memory (PKWARE APPNOTE 6.3, as far as OPC uses it).
**
** Needs:  zlib for what is deflated.
** Never:  follows a name to a file; looks at what is outside the bytes handed in.
** Holds:  (1) nothing is inflated beyond what the directory says and ZIP_IN_TOTAL_MAX in all; (2) a part
**         whose length or checksum is wrong never ends well; (3) only stored and deflated parts, never
**         encrypted ones.
*/
#include "files/zip_in.h"

#include "base/mem.h"
#include <string.h>
#include <zlib.h>

#define METHOD_STORED  0
#define METHOD_DEFLATE 8
#define FLAG_ENCRYPTED 1u

#define END_SIG      0x06054b50u /* end of central directory (4.3.16) */
#define END_SIZE     22
#define COMMENT_MAX  65535
#define END64_SIG    0x06064b50u /* zip64 (4.3.14), found by its locator (4.3.15) */
#define END64_SIZE   56
#define LOCATOR_SIG  0x07064b50u
#define LOCATOR_SIZE 20
#define ENTRY_SIG    0x02014b50u /* central directory header (4.3.12) */
#define ENTRY_SIZE   46
#define LOCAL_SIG    0x04034b50u /* local file header (4.3.7) */
#define LOCAL_SIZE   30
#define ZIP64_EXTRA  1 /* 4.5.3 */

struct part {
	const char *name;
	size_t name_len;
	unsigned flags, method;
	uint32_t crc;
	uint64_t packed, size, local; /* bytes, bytes, offset of its local header */
};

struct zip_in {
	struct bytes file;
	uint64_t directory, directory_end;
	int64_t inflated; /* of all parts */
	/* the part that is open */
	bool is_open, is_deflated;
	struct part part;
	z_stream stream;
	uint64_t given;
	uint32_t crc;
};

static uint32_t u16(const struct zip_in *z, uint64_t at)
{
	const unsigned char *p = (const unsigned char *)z->file.p + at;

	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const struct zip_in *z, uint64_t at)
{
	return u16(z, at) | u16(z, at + 2) << 16;
}

static uint64_t u64(const struct zip_in *z, uint64_t at)
{
	return (uint64_t)u32(z, at) | (uint64_t)u32(z, at + 4) << 32;
}

/* len bytes from at lie inside the file. */
static bool has(const struct zip_in *z, uint64_t at, uint64_t len)
{
	return at <= z->file.len && len <= z->file.len - at;
}

enum rc zip_in_damaged(struct cx *cx)
{
	return cx_fail(cx, RC_BAD_INPUT,
		       _("The workbook is damaged. Open it in Excel, save it again and retry."));
}

static enum rc too_large(struct cx *cx)
{
	return cx_fail(cx, RC_TOO_LARGE,
		       _("The workbook unpacks to far more than its size. Copy the rows to a new workbook and"
			 " save that, or save them as CSV."));
}

/* The directory */

/* The last end record whose comment reaches exactly to the end of the file. */
static bool find_end(const struct zip_in *z, uint64_t *at)
{
	uint64_t len = z->file.len, back = END_SIZE;

	for (; back <= len && back <= END_SIZE + COMMENT_MAX; back++)
		if (u32(z, len - back) == END_SIG && u16(z, len - back + 20) == back - END_SIZE) {
			*at = len - back;
			return true;
		}
	return false;
}

/* Where the directory lies and how many entries it has. */
static bool find_directory(struct zip_in *z)
{
	uint64_t end = 0, count, size, at;

	if (!find_end(z, &end)) return false;
	count = u16(z, end + 10);
	size = u32(z, end + 12);
	at = u32(z, end + 16);
	if ((count == UINT16_MAX || size == UINT32_MAX || at == UINT32_MAX) && end >= LOCATOR_SIZE &&
	    u32(z, end - LOCATOR_SIZE) == LOCATOR_SIG) {
		uint64_t end64 = u64(z, end - LOCATOR_SIZE + 8);

		if (!has(z, end64, END64_SIZE) || u32(z, end64) != END64_SIG) return false;
		count = u64(z, end64 + 32);
		size = u64(z, end64 + 40);
		at = u64(z, end64 + 48);
	}
	if (!has(z, at, size) || count > ZIP_IN_PARTS_MAX) return false;
	z->directory = at;
	z->directory_end = at + size;
	return true;
}

/* Sizes and offset beyond 32 bits stand in an extra field, in this order, each only if it is missing
** above. */
static bool read_zip64(const struct zip_in *z, uint64_t at, uint64_t end, struct part *p)
{
	while (at + 4 <= end) {
		uint64_t id = u16(z, at), stop = at + 4 + u16(z, at + 2);

		if (stop > end) return false;
		at += 4;
		if (id == ZIP64_EXTRA) {
			uint64_t *const wanted[] = { &p->size, &p->packed, &p->local };

			for (size_t i = 0; i < 3; i++) {
				if (*wanted[i] != UINT32_MAX) continue;
				if (at + 8 > stop) return false;
				*wanted[i] = u64(z, at);
				at += 8;
			}
			return true;
		}
		at = stop;
	}
	return true;
}

/* The entry at *at, which moves behind it. false: no further whole entry. */
static bool next_entry(const struct zip_in *z, uint64_t *at, struct part *out)
{
	uint64_t names, extras, end;

	if (z->directory_end - *at < ENTRY_SIZE || u32(z, *at) != ENTRY_SIG) return false;
	names = *at + ENTRY_SIZE;
	extras = names + u16(z, *at + 28);
	end = extras + u16(z, *at + 30) + u16(z, *at + 32);
	if (end > z->directory_end) return false;
	*out = (struct part){ .name = z->file.p + names,
			      .name_len = (size_t)(extras - names),
			      .flags = u16(z, *at + 8),
			      .method = u16(z, *at + 10),
			      .crc = u32(z, *at + 16),
			      .packed = u32(z, *at + 20),
			      .size = u32(z, *at + 24),
			      .local = u32(z, *at + 42) };
	if (!read_zip64(z, extras, extras + u16(z, *at + 30), out)) return false;
	*at = end;
	return true;
}

static bool find_part(const struct zip_in *z, const char *name, struct part *out)
{
	uint64_t at = z->directory;
	size_t len = strlen(name);

	for (size_t n = 0; n < ZIP_IN_PARTS_MAX && next_entry(z, &at, out); n++)
		if (out->name_len == len && strncasecmp(out->name, name, len) == 0) return true;
	return false;
}

enum rc zip_in_open(struct cx *cx, struct zip_in **out, struct bytes file)
{
	struct zip_in *z = mem_zeroed(sizeof(*z));

	if (z == NULL) return RC_NO_MEMORY;
	z->file = file;
	if (find_directory(z)) {
		*out = z;
		return RC_OK;
	}
	zip_in_close(z);
	return zip_in_damaged(cx);
}

bool zip_in_has(struct zip_in *z, const char *name)
{
	struct part part;

	return find_part(z, name, &part);
}

int64_t zip_in_size(struct zip_in *z, const char *name)
{
	struct part part;

	return find_part(z, name, &part) && part.size <= INT64_MAX ? (int64_t)part.size : -1;
}

/* One part */

static void *zlib_alloc(void *opaque, unsigned count, unsigned size)
{
	(void)opaque;
	return mem_alloc((size_t)count * size);
}

static void zlib_free(void *opaque, void *p)
{
	(void)opaque;
	mem_free(p);
}

static void part_close(struct zip_in *z)
{
	if (z->is_open && z->is_deflated) inflateEnd(&z->stream);
	z->is_open = false;
}

void zip_in_close(struct zip_in *z)
{
	if (z == NULL) return;
	part_close(z);
	mem_free(z);
}

static enum rc check_part(struct cx *cx, const struct zip_in *z)
{
	const struct part *p = &z->part;

	if ((p->flags & FLAG_ENCRYPTED) != 0)
		return cx_fail(cx, RC_BAD_INPUT,
			       _("The workbook is protected by a password. Take the password off in Excel"
				 " (File, Info, Protect Workbook), save it and try again."));
	if (p->method != METHOD_STORED && p->method != METHOD_DEFLATE) return zip_in_damaged(cx);
	if (p->size > (uint64_t)(ZIP_IN_TOTAL_MAX - z->inflated)) return too_large(cx);
	if (p->size > (uint64_t)ZIP_IN_RATIO_FROM && p->size / ZIP_IN_RATIO_MAX > p->packed)
		return too_large(cx);
	return RC_OK;
}

enum rc zip_in_part(struct cx *cx, struct zip_in *z, const char *name, int64_t *size)
{
	uint64_t data;
	enum rc rc;

	part_close(z);
	if (!find_part(z, name, &z->part)) return RC_NOT_FOUND;
	rc = check_part(cx, z);
	if (rc != RC_OK) return rc;
	if (!has(z, z->part.local, LOCAL_SIZE) || u32(z, z->part.local) != LOCAL_SIG)
		return zip_in_damaged(cx);
	data = z->part.local + LOCAL_SIZE + u16(z, z->part.local + 26) + u16(z, z->part.local + 28);
	if (!has(z, data, z->part.packed)) return zip_in_damaged(cx);
	z->is_deflated = z->part.method == METHOD_DEFLATE;
	z->stream = (z_stream){ .zalloc = zlib_alloc, .zfree = zlib_free };
	z->stream.next_in = (z_const Bytef *)(uintptr_t)(z->file.p + data);
	z->stream.avail_in = (uInt)z->part.packed; /* a file in memory: below 4 GiB, see rows_in_open */
	if (z->is_deflated && inflateInit2(&z->stream, -MAX_WBITS) != Z_OK) return RC_NO_MEMORY;
	z->is_open = true;
	z->given = 0;
	z->crc = (uint32_t)crc32(0, NULL, 0);
	*size = (int64_t)z->part.size;
	return RC_OK;
}

/* Up to room bytes of the part; *is_end when nothing can follow. */
static enum rc unpack(struct zip_in *z, void *to, size_t room, size_t *got, bool *is_end)
{
	z_stream *s = &z->stream;
	int e;

	if (!z->is_deflated) {
		*got = room < s->avail_in ? room : s->avail_in;
		if (*got > 0) memcpy(to, s->next_in, *got);
		s->next_in += *got;
		s->avail_in -= (uInt)*got;
		*is_end = s->avail_in == 0;
		return RC_OK;
	}
	s->next_out = to;
	s->avail_out = (uInt)room;
	e = inflate(s, Z_NO_FLUSH);
	*got = room - s->avail_out;
	*is_end = e == Z_STREAM_END;
	if (e == Z_MEM_ERROR) return RC_NO_MEMORY;
	if (e != Z_OK && e != Z_STREAM_END) return RC_BAD_INPUT;
	return *got > 0 || *is_end || s->avail_in > 0 ? RC_OK : RC_BAD_INPUT;
}

enum rc zip_in_read(struct cx *cx, struct zip_in *z, void *to, size_t room, size_t *got)
{
	bool is_end = false;
	enum rc rc;

	*got = 0;
	if (!z->is_open) return RC_OK;
	do
		rc = unpack(z, to, room, got, &is_end);
	while (rc == RC_OK && *got == 0 && !is_end);
	if (rc == RC_NO_MEMORY) return rc;
	z->given += *got;
	z->inflated += (int64_t)*got;
	z->crc = (uint32_t)crc32(z->crc, to, (uInt)*got);
	if (rc != RC_OK || z->given > z->part.size) return zip_in_damaged(cx);
	if (!is_end) return RC_OK;
	part_close(z);
	return z->given == z->part.size && z->crc == z->part.crc ? RC_OK : zip_in_damaged(cx);
}
