/*
** archive_in.c -- reads a backup's bytes back, and believes none of them.
**
** Owns:   struct archive_in.
** Needs:  an open descriptor. Never: opens or names a file; takes memory by what the bytes say.
** Holds:  (1) a member is handed out only behind a head that we would write; (2) each layer ends exactly
**         where it says: what is cut, changed, moved or put behind is RC_BAD_INPUT; (3) the caller bounds
**         what is unpacked: a content is as long as its head says and never longer.
*/
#include "ops/archive.h"
#include "base/mem.h"
#include "base/seal_stream.h"
#include "base/words.h"
#include "files/files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define COPY_BYTES  (64 * 1024)
#define RAW_BYTES   (SEAL_CHUNK + SEAL_TAG)
#define GZIP_WINDOW (15 + 16)
#define GZIP_HEAD   10

/* RFC 1952 §2.3 as zlib writes it at level 1: no name, no time, "fastest", Unix. The checksum of gzip does
** not cover its head, so that any other byte here is a change. */
static const unsigned char gzip_head[GZIP_HEAD] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 3 };

struct archive_in {
	int fd;
	struct gentle *g;
	struct seal_stream *seal;
	const char *why;
	bool target_failed;
	/* of the file: one byte more than a chunk, to know which is the last */
	unsigned char raw[RAW_BYTES + 1];
	size_t raw_len;
	bool raw_ended;
	int64_t bytes;
	/* below gzip */
	unsigned char chunk[SEAL_CHUNK + SEAL_TAG + 1];
	size_t chunk_len, chunk_at;
	bool chunk_last;
	/* below tar */
	bool is_gzip, gzip_ended, has_stream;
	struct sha256_stream *gzip_sum; /* of what is compressed; NULL once it was compared */
	z_stream z;
	/* tar */
	int64_t left;
	size_t padding;
	unsigned char copy[COPY_BYTES];
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

static enum rc bad(struct archive_in *in, const char *why)
{
	in->why = why;
	return RC_BAD_INPUT;
}

static enum rc too_short(struct archive_in *in)
{
	return bad(in, N_("it ends too early: part of it is missing"));
}

static enum rc changed(struct archive_in *in)
{
	return bad(in, N_("it was changed or damaged after it was made"));
}

/* The file */

static enum rc fill_raw(struct archive_in *in)
{
	while (!in->raw_ended && in->raw_len < sizeof(in->raw)) {
		ssize_t n =
			pread(in->fd, in->raw + in->raw_len, sizeof(in->raw) - in->raw_len, (off_t)in->bytes);

		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return RC_IO;
		if (n == 0) in->raw_ended = true;
		in->raw_len += (size_t)n;
		in->bytes += n;
	}
	return gentle_rest(in->g) ? RC_OK : RC_TRY_LATER;
}

/* The next piece of what is below gzip, whole; chunk_len 0 at its end. */
static enum rc next_chunk(struct archive_in *in)
{
	size_t len;
	enum rc rc;

	in->chunk_at = in->chunk_len = 0;
	if (in->chunk_last) return RC_OK;
	rc = fill_raw(in);
	if (rc != RC_OK) return rc;
	len = in->raw_len < RAW_BYTES ? in->raw_len : RAW_BYTES;
	in->chunk_last = in->raw_ended && in->raw_len == len;
	if (in->seal != NULL) {
		if (len < SEAL_TAG) return too_short(in);
		rc = unseal_chunk(in->seal, in->chunk, in->raw, len, in->chunk_last);
		if (rc == RC_DENIED) return in->chunk_last ? too_short(in) : changed(in);
		if (rc != RC_OK) return rc;
		in->chunk_len = len - SEAL_TAG;
	} else {
		memcpy(in->chunk, in->raw, len);
		in->chunk_len = len;
	}
	memmove(in->raw, in->raw + len, in->raw_len - len);
	in->raw_len -= len;
	return RC_OK;
}

/* Below gzip: at most len bytes, 0 at the end. */
static enum rc pull(struct archive_in *in, unsigned char *p, size_t len, size_t *got)
{
	*got = 0;
	while (*got < len) {
		size_t part = in->chunk_len - in->chunk_at;

		if (part == 0) {
			enum rc rc = next_chunk(in);

			if (rc != RC_OK) return rc;
			if (in->chunk_len == 0 && in->chunk_last) return RC_OK;
			continue;
		}
		if (part > len - *got) part = len - *got;
		memcpy(p + *got, in->chunk + in->chunk_at, part);
		in->chunk_at += part;
		*got += part;
	}
	return RC_OK;
}

static enum rc inflate_some(struct archive_in *in, unsigned char *p, size_t len, size_t *got)
{
	*got = 0;
	while (*got < len && !in->gzip_ended) {
		size_t before;
		int code;

		if (in->chunk_at == in->chunk_len) {
			enum rc rc = next_chunk(in);

			if (rc != RC_OK) return rc;
			if (in->chunk_len == 0 && in->chunk_last) return too_short(in);
		}
		in->z.next_in = in->chunk + in->chunk_at;
		in->z.avail_in = (unsigned)(in->chunk_len - in->chunk_at);
		in->z.next_out = p + *got;
		in->z.avail_out = (unsigned)(len - *got);
		before = in->chunk_at;
		code = inflate(&in->z, Z_NO_FLUSH);
		in->chunk_at = in->chunk_len - in->z.avail_in;
		sha256_add(in->gzip_sum, in->chunk + before, in->chunk_at - before);
		*got = len - in->z.avail_out;
		if (code == Z_STREAM_END)
			in->gzip_ended = true;
		else if (code == Z_MEM_ERROR)
			return RC_NO_MEMORY;
		else if (code != Z_OK && code != Z_BUF_ERROR)
			return changed(in);
	}
	return gentle_rest(in->g) ? RC_OK : RC_TRY_LATER;
}

/* Bytes of the tar, exactly len. */
static enum rc read_tar(struct archive_in *in, unsigned char *p, size_t len)
{
	size_t got = 0;
	enum rc rc = in->is_gzip ? inflate_some(in, p, len, &got) : pull(in, p, len, &got);

	return rc == RC_OK && got < len ? too_short(in) : rc;
}

/* The second gzip member: the sum of the first, byte for byte. */
static enum rc expect_tail(struct archive_in *in)
{
	unsigned char tail[ARCHIVE_TAIL], is[ARCHIVE_TAIL];
	char sum[SHA256_HEX_SIZE];
	size_t got = 0;
	enum rc rc = pull(in, is, sizeof(is), &got);

	sha256_close(in->gzip_sum, sum);
	in->gzip_sum = NULL;
	archive_tail(tail, sum);
	if (rc == RC_OK && got < sizeof(is)) return too_short(in);
	return rc == RC_OK && memcmp(tail, is, sizeof(is)) != 0 ? changed(in) : rc;
}

/* Nothing behind the end, in no layer. */
static enum rc expect_end(struct archive_in *in)
{
	unsigned char more[1];
	size_t got = 0;
	enum rc rc = RC_OK;

	if (in->is_gzip) rc = inflate_some(in, more, 1, &got);
	if (rc == RC_OK && got == 0 && in->is_gzip) rc = expect_tail(in);
	if (rc == RC_OK && got == 0) rc = pull(in, more, 1, &got);
	if (rc == RC_OK && got > 0) rc = bad(in, N_("there is something behind its end"));
	return rc;
}

/* Opening */

bool archive_is_sealed(int fd)
{
	unsigned char head[SEAL_HEAD];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return n == (ssize_t)sizeof(head) && seal_head_is(head, sizeof(head));
}

static enum rc open_seal(struct archive_in *in, const char *passphrase)
{
	unsigned char head[SEAL_HEAD];
	enum rc rc;

	if (pread(in->fd, head, sizeof(head), 0) != (ssize_t)sizeof(head)) return too_short(in);
	if (passphrase == NULL || passphrase[0] == '\0') return RC_DENIED;
	rc = seal_stream_open(&in->seal, head, passphrase);
	if (rc == RC_BAD_INPUT) return changed(in);
	in->bytes = SEAL_HEAD;
	return rc;
}

static enum rc open_gzip(struct archive_in *in)
{
	enum rc rc = next_chunk(in);

	if (rc != RC_OK) return rc;
	if (in->chunk_len < GZIP_HEAD || in->chunk[0] != gzip_head[0] || in->chunk[1] != gzip_head[1])
		return RC_OK; /* tar itself */
	if (memcmp(in->chunk, gzip_head, GZIP_HEAD) != 0) return changed(in);
	in->z = (z_stream){ .zalloc = zlib_alloc, .zfree = zlib_free };
	in->has_stream = inflateInit2(&in->z, GZIP_WINDOW) == Z_OK;
	in->gzip_sum = sha256_open();
	in->is_gzip = true;
	return in->has_stream && in->gzip_sum != NULL ? RC_OK : RC_NO_MEMORY;
}

enum rc archive_open(struct archive_in **out, int fd, const char *passphrase, struct gentle *g,
		     const char **why)
{
	struct archive_in *in = mem_zeroed(sizeof(*in));
	enum rc rc = in != NULL ? RC_OK : RC_NO_MEMORY;

	if (rc != RC_OK) return rc;
	in->fd = fd;
	in->g = g;
	in->why = N_("it is something else");
	if (archive_is_sealed(fd)) rc = open_seal(in, passphrase);
	if (rc == RC_OK) rc = open_gzip(in);
	*why = in->why;
	if (rc == RC_OK)
		*out = in;
	else
		archive_close(in);
	return rc;
}

/* Members */

/* The content of the last member was taken; the zeros behind it, too. */
static enum rc skip_padding(struct archive_in *in)
{
	unsigned char zeros[TAR_BLOCK];
	enum rc rc = in->padding > 0 ? read_tar(in, zeros, in->padding) : RC_OK;

	for (size_t i = 0; rc == RC_OK && i < in->padding; i++)
		if (zeros[i] != 0) rc = changed(in);
	in->padding = 0;
	return rc;
}

enum rc archive_next(struct archive_in *in, struct tar_entry *out)
{
	unsigned char block[TAR_BLOCK];
	enum rc rc;

	if (in->left > 0) return RC_BUG;
	rc = skip_padding(in);
	if (rc == RC_OK) rc = read_tar(in, block, sizeof(block));
	if (rc != RC_OK) return rc;
	rc = tar_header(out, block);
	if (rc == RC_BAD_INPUT) return changed(in);
	if (rc == RC_OK) {
		in->left = out->size;
		in->padding = tar_padding(out->size);
		return RC_OK;
	}
	rc = read_tar(in, block, sizeof(block)); /* the second empty one */
	for (size_t i = 0; rc == RC_OK && i < sizeof(block); i++)
		if (block[i] != 0) rc = changed(in);
	if (rc == RC_OK) rc = expect_end(in);
	return rc == RC_OK ? RC_NOT_FOUND : rc;
}

enum rc archive_take(struct archive_in *in, int to_fd, char sum[SHA256_HEX_SIZE])
{
	struct sha256_stream *own = sha256_open();
	enum rc rc = own != NULL ? RC_OK : RC_NO_MEMORY;

	if (to_fd >= 0) gentle_file(in->g);
	while (rc == RC_OK && in->left > 0) {
		size_t part = in->left < COPY_BYTES ? (size_t)in->left : COPY_BYTES;

		rc = read_tar(in, in->copy, part);
		if (rc != RC_OK) break;
		sha256_add(own, in->copy, part);
		in->left -= (int64_t)part;
		if (to_fd < 0) continue;
		rc = fd_write_all(to_fd, (const char *)in->copy, part);
		in->target_failed = rc != RC_OK;
		gentle_wrote(in->g, to_fd, (int64_t)part);
	}
	if (own != NULL) sha256_close(own, sum);
	return rc;
}

enum rc archive_take_text(struct archive_in *in, struct arena *a, char **text, size_t max,
			  char sum[SHA256_HEX_SIZE])
{
	size_t len = (size_t)in->left;
	char *p;
	enum rc rc;

	if (in->left > (int64_t)max) return bad(in, N_("a part of it is larger than any we make"));
	if (!(p = arena_alloc(a, len + 1))) return RC_NO_MEMORY;
	rc = read_tar(in, (unsigned char *)p, len);
	if (rc != RC_OK) return rc;
	in->left = 0;
	sha256_hex(sum, p, len);
	*text = p;
	return RC_OK;
}

const char *archive_why(const struct archive_in *in)
{
	return in->why;
}

bool archive_target_failed(const struct archive_in *in)
{
	return in->target_failed;
}

int64_t archive_bytes_read(const struct archive_in *in)
{
	return in->bytes;
}

void archive_close(struct archive_in *in)
{
	char unused[SHA256_HEX_SIZE];

	if (in == NULL) return;
	if (in->gzip_sum != NULL) sha256_close(in->gzip_sum, unused);
	if (in->has_stream) (void)inflateEnd(&in->z);
	seal_stream_free(in->seal);
	mem_free(in);
}
