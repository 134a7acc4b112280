/*
** archive.h -- the bytes of a backup: tar, compressed by gzip, under a passphrase if there is one.
**
**     tar (ustar, tar.h)  →  gzip (RFC 1952, level 1)  →  sealed chunks (base/seal_stream.h)  →  the file
**
** Behind the compressed tar stands a second, empty gzip member whose extra field "RS" is SHA-256 of all bytes
** before it: gzip's own checksum covers what is unpacked, and some bits of its form stand for nothing.
**
** Read back, each layer is recognised by its first bytes, so that a plain tar of an older version and an
** archive that somebody decompressed are read too. `gzip -dc FILE | tar t` lists one that is not sealed.
** What the members are, and which must be there, is manifest.h's.
*/
#ifndef RECADO_OPS_ARCHIVE_H
#define RECADO_OPS_ARCHIVE_H

#include "base/gentle.h"
#include "base/seal.h"
#include "ops/tar.h"

/* 10 bytes of head, the extra field, an empty block, checksum and length of nothing */
#define ARCHIVE_TAIL 58
/* The second member for that sum. */
void archive_tail(unsigned char out[ARCHIVE_TAIL], const char sum[SHA256_HEX_SIZE]);

/* Writing */

struct archive;
/* To fd, which stays the caller's. passphrase "" or NULL: not sealed. */
enum rc archive_new(struct archive **out, int fd, const char *passphrase, struct gentle *g) MUST_CHECK;
/* One member from an open file, size bytes from its start. sum (may be NULL): of its bytes. RC_IO: either
** side; RC_TRY_LATER: g said stop; RC_TOO_LARGE: past TAR_SIZE_MAX. */
enum rc archive_add(struct archive *a, const char *name, int fd, int64_t size, instant modified,
		    char sum[SHA256_HEX_SIZE]) MUST_CHECK;
enum rc archive_add_text(struct archive *a, const char *name, const char *text, size_t len, instant modified,
			 char sum[SHA256_HEX_SIZE]) MUST_CHECK;
/* The end of tar and of all layers. The file is complete, not synced. */
enum rc archive_end(struct archive *a) MUST_CHECK;
/* Of the whole file, once, after archive_end. */
void archive_sum(struct archive *a, char sum[SHA256_HEX_SIZE], int64_t *size);
void archive_free(struct archive *a); /* NULL is fine */

/* Reading */

struct archive_in;
/* Sealed by a passphrase? Looks at the first bytes of fd and goes back to its start. */
bool archive_is_sealed(int fd);
/* From the start of fd. RC_BAD_INPUT: *why is N_() half a sentence; RC_DENIED: sealed, and this passphrase
** (NULL: none) does not open it; RC_IO. */
enum rc archive_open(struct archive_in **out, int fd, const char *passphrase, struct gentle *g,
		     const char **why) MUST_CHECK;
/* The next member. RC_NOT_FOUND: the proper end, and nothing behind it in any layer; RC_BAD_INPUT: anything
** else than what archive_add() writes, archive_why() tells; RC_IO. The content must be read whole before. */
enum rc archive_next(struct archive_in *in, struct tar_entry *out) MUST_CHECK;
/* All of the member's content into a file (to_fd ≥ 0) or the arena (*text, NUL added; max bytes at most). */
enum rc archive_take(struct archive_in *in, int to_fd, char sum[SHA256_HEX_SIZE]) MUST_CHECK;
enum rc archive_take_text(struct archive_in *in, struct arena *a, char **text, size_t max,
			  char sum[SHA256_HEX_SIZE]) MUST_CHECK;
/* N_() half a sentence for the last RC_BAD_INPUT: "it ends too early". */
const char *archive_why(const struct archive_in *in);
/* The last RC_IO was on the side of to_fd. */
bool archive_target_failed(const struct archive_in *in);
int64_t archive_bytes_read(const struct archive_in *in); /* of the file, for progress */
void archive_close(struct archive_in *in);               /* NULL is fine; fd stays open */

#endif
