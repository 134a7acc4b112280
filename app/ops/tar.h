/*
** tar.h -- POSIX ustar headers (IEEE 1003.1, pax archive base format): just what a backup needs, so that any
** tar can list and unpack it.
*/
#ifndef RECADO_OPS_TAR_H
#define RECADO_OPS_TAR_H

#include "base/clock.h"

#define TAR_BLOCK    512
#define TAR_NAME_MAX 99 /* our names are files/aa/<64 hex>: no need for the prefix field */
/* Eleven octal digits: 8 GiB less one byte, what the format's size field holds */
#define TAR_SIZE_MAX INT64_C(077777777777)

struct tar_entry {
	char name[TAR_NAME_MAX + 1];
	int64_t size;
	instant modified; /* whole seconds */
};

/* The header of one regular file, 0600, of nobody. RC_TOO_LARGE: name or size does not fit. */
enum rc tar_make(unsigned char block[TAR_BLOCK], const char *name, int64_t size, instant modified) MUST_CHECK;
/* Is this block a header that tar_make() writes, to the last byte, with a name that stays inside a folder?
** Everything else (links, absolute names, "..", other sizes, spare bytes in use) is RC_BAD_INPUT; a block of
** zeros RC_NOT_FOUND. Pure: fuzzed. */
enum rc tar_header(struct tar_entry *out, const unsigned char block[TAR_BLOCK]) MUST_CHECK;
/* Zeros behind a content of that size, up to the next block. */
size_t tar_padding(int64_t size);

#endif
