/*
** archive.c -- writes a backup's bytes: tar, gzip, sealed chunks, one pass, bounded memory.
**
** Owns:   struct archive.
** Needs:  open descriptors. Never: opens or names a file.
** Holds:  (1) the same members in the same order give the same tar; (2) what is on the disk is at most
**         gentle's piece behind; (3) after a failure every further call fails.
*/
#include "ops/archive.h"
#include "base/mem.h"
#include "base/seal_stream.h"
#include "files/files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define COPY_BYTES   (64 * 1024)
#define GZIP_LEVEL   1         /* a third of the time of the usual level for a tenth more bytes */
#define GZIP_WINDOW  (15 + 16) /* zlib: the largest window, gzip's head and tail            */
#define GZIP_MEMORY  8         /* zlib's usual: 256 kB                                       */
#define OUTPUT_BYTES SEAL_CHUNK

struct archive {
	int fd;
	struct gentle *g;
	struct seal_stream *seal;             /* NULL: not sealed */
	struct sha256_stream *sum, *gzip_sum; /* of the file; of what is compressed */
	int64_t size;
	enum rc rc; /* sticky */
	bool is_over, has_stream;
	z_stream z;
	size_t filled; /* of output */
	unsigned char output[OUTPUT_BYTES], sealed[SEAL_CHUNK + SEAL_TAG], copy[COPY_BYTES];
};

static void *zlib_alloc(void *opaque, unsigned items, unsigned size)
{
	(void)opaque;
	return size != 0 && items > SIZE_MAX / size ? NULL : mem_alloc((size_t)items * size);
}

static void zlib_free(void *opaque, void *p)
{
	(void)opaque;
	mem_free(p);
}

static void put(struct archive *a, const unsigned char *p, size_t len)
{
	if (a->rc != RC_OK || len == 0) return;
	a->rc = fd_write_all(a->fd, (const char *)p, len);
	if (a->rc != RC_OK) return;
	sha256_add(a->sum, p, len);
	a->size += (int64_t)len;
	gentle_wrote(a->g, a->fd, (int64_t)len);
	if (!gentle_rest(a->g)) a->rc = RC_TRY_LATER;
}

/* The output buffer goes out. A full one is never the last: its successor may be empty. */
static void flush(struct archive *a, bool is_last)
{
	if (a->rc != RC_OK) return;
	if (a->seal == NULL) {
		put(a, a->output, a->filled);
	} else {
		a->rc = seal_chunk(a->seal, a->sealed, a->output, a->filled, is_last);
		put(a, a->sealed, a->filled + SEAL_TAG);
	}
	a->filled = 0;
}

static unsigned hex_value(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void archive_tail(unsigned char out[ARCHIVE_TAIL], const char sum[SHA256_HEX_SIZE])
{
	/* RFC 1952 §2.3: FEXTRA, no time, Unix; XLEN 36; subfield RS of 32 bytes. Then an empty block. */
	static const unsigned char head[16] = { 0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3, 36, 0, 'R', 'S', 32, 0 };

	memset(out, 0, ARCHIVE_TAIL);
	memcpy(out, head, sizeof(head));
	for (int i = 0; i < 32; i++)
		out[16 + i] = (unsigned char)(hex_value(sum[2 * i]) << 4 | hex_value(sum[2 * i + 1]));
	out[48] = 3;
}

/* Through gzip into the output. */
static void add(struct archive *a, const void *p, size_t len, int how)
{
	int code = Z_OK;

	a->z.next_in = (unsigned char *)(uintptr_t)p;
	a->z.avail_in = (unsigned)len;
	while (a->rc == RC_OK && code != Z_STREAM_END && (a->z.avail_in > 0 || how == Z_FINISH)) {
		size_t before = a->filled;

		a->z.next_out = a->output + a->filled;
		a->z.avail_out = (unsigned)(OUTPUT_BYTES - a->filled);
		code = deflate(&a->z, how);
		a->filled = OUTPUT_BYTES - a->z.avail_out;
		sha256_add(a->gzip_sum, a->output + before, a->filled - before);
		if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) a->rc = RC_BUG;
		if (a->z.avail_out == 0) flush(a, false);
	}
}

enum rc archive_new(struct archive **out, int fd, const char *passphrase, struct gentle *g)
{
	struct archive *a = mem_zeroed(sizeof(*a));
	unsigned char head[SEAL_HEAD];
	enum rc rc = a != NULL ? RC_OK : RC_NO_MEMORY;

	if (rc != RC_OK) return rc;
	a->fd = fd;
	a->g = g;
	gentle_file(g);
	a->z = (z_stream){ .zalloc = zlib_alloc, .zfree = zlib_free };
	a->sum = sha256_open();
	a->gzip_sum = sha256_open();
	if (a->sum == NULL || a->gzip_sum == NULL) rc = RC_NO_MEMORY;
	if (rc == RC_OK) {
		a->has_stream = deflateInit2(&a->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
					     Z_DEFAULT_STRATEGY) == Z_OK;
		if (!a->has_stream) rc = RC_NO_MEMORY;
	}
	if (rc == RC_OK && passphrase != NULL && passphrase[0] != '\0') {
		rc = seal_stream_new(&a->seal, head, passphrase);
		if (rc == RC_OK) put(a, head, sizeof(head));
		if (rc == RC_OK) rc = a->rc;
	}
	if (rc == RC_OK)
		*out = a;
	else
		archive_free(a);
	return rc;
}

static void begin_member(struct archive *a, const char *name, int64_t size, instant modified)
{
	unsigned char block[TAR_BLOCK];

	if (a->rc == RC_OK) a->rc = tar_make(block, name, size, modified);
	add(a, block, sizeof(block), Z_NO_FLUSH);
}

static void end_member(struct archive *a, int64_t size)
{
	static const unsigned char zeros[TAR_BLOCK];

	add(a, zeros, tar_padding(size), Z_NO_FLUSH);
}

enum rc archive_add(struct archive *a, const char *name, int fd, int64_t size, instant modified,
		    char sum[SHA256_HEX_SIZE])
{
	struct sha256_stream *own = sha256_open();
	char unused[SHA256_HEX_SIZE];
	int64_t done = 0;

	if (own == NULL) a->rc = RC_NO_MEMORY;
	begin_member(a, name, size, modified);
	while (a->rc == RC_OK && done < size) {
		size_t want = size - done < COPY_BYTES ? (size_t)(size - done) : COPY_BYTES;
		ssize_t n = pread(fd, a->copy, want, (off_t)done);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) {
			a->rc = RC_IO; /* shorter than it was, or the disk */
			break;
		}
		sha256_add(own, a->copy, (size_t)n);
		add(a, a->copy, (size_t)n, Z_NO_FLUSH);
		done += n;
		if (!gentle_rest(a->g)) a->rc = RC_TRY_LATER;
	}
	end_member(a, size);
	if (own != NULL) sha256_close(own, sum != NULL ? sum : unused);
	return a->rc;
}

enum rc archive_add_text(struct archive *a, const char *name, const char *text, size_t len, instant modified,
			 char sum[SHA256_HEX_SIZE])
{
	begin_member(a, name, (int64_t)len, modified);
	add(a, text, len, Z_NO_FLUSH);
	end_member(a, (int64_t)len);
	if (sum != NULL) sha256_hex(sum, text, len);
	return a->rc;
}

enum rc archive_end(struct archive *a)
{
	static const unsigned char zeros[2 * TAR_BLOCK];
	unsigned char tail[ARCHIVE_TAIL];
	char sum[SHA256_HEX_SIZE];

	if (a->is_over) return RC_BUG;
	add(a, zeros, sizeof(zeros), Z_NO_FLUSH);
	add(a, NULL, 0, Z_FINISH);
	sha256_close(a->gzip_sum, sum);
	a->gzip_sum = NULL;
	archive_tail(tail, sum);
	for (size_t i = 0; i < sizeof(tail); i++) {
		if (a->filled == OUTPUT_BYTES) flush(a, false);
		a->output[a->filled++] = tail[i];
	}
	flush(a, true);
	a->is_over = true;
	return a->rc;
}

void archive_sum(struct archive *a, char sum[SHA256_HEX_SIZE], int64_t *size)
{
	sha256_close(a->sum, sum);
	a->sum = NULL;
	*size = a->size;
}

void archive_free(struct archive *a)
{
	char unused[SHA256_HEX_SIZE];

	if (a == NULL) return;
	if (a->has_stream) (void)deflateEnd(&a->z);
	if (a->sum != NULL) sha256_close(a->sum, unused);
	if (a->gzip_sum != NULL) sha256_close(a->gzip_sum, unused);
	seal_stream_free(a->seal);
	mem_free(a);
}
