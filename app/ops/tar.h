/*
** tar.h -- POSIX ustar (IEEE 1003.1, pax archive base format): just what a backup needs, so
** that any tar can list and unpack it.
*/
#ifndef RECADO_OPS_TAR_H
#define RECADO_OPS_TAR_H

#include "base/clock.h"

#define TAR_NAME_MAX 99 /* our names are files/aa/<64 hex>: no need for the prefix field */

/* Append one regular file read from fd (size bytes from its start) under name. RC_IO when either side fails.
 */
enum rc tar_add(int archive, const char *name, int fd, int64_t size, instant modified) MUST_CHECK;
/* The two empty blocks at the end. */
enum rc tar_end(int archive) MUST_CHECK;

struct tar_entry {
	char name[TAR_NAME_MAX + 1];
	int64_t size;
};
/* The next header: RC_NOT_FOUND at the end, RC_BAD_INPUT for anything that is not a plain file of ours (bad
** checksum, links, absolute names, "..", sizes that do not parse). The content follows; read it whole with
** tar_copy before the next call. */
enum rc tar_next(int archive, struct tar_entry *out) MUST_CHECK;
enum rc tar_copy(int archive, int64_t size, int to_fd) MUST_CHECK;

/* Is this 512-byte block a header we accept? Pure: fuzzed. RC_NOT_FOUND for an empty block. */
enum rc tar_header(struct tar_entry *out, const unsigned char block[512]) MUST_CHECK;

#endif
