/*
** tar.c -- writes and reads the plain subset of ustar that a backup is made of.
**
** Needs:  open descriptors. Never: follows names to the disk; the caller opens files.
** Holds:  a header is accepted only if its checksum, name and type are ones that tar_add writes.
*/
#include "ops/tar.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK      512
#define COPY_BYTES (64 * 1024)

static enum rc write_all(int fd, const void *p, size_t len)
{
	const char *at = p;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return RC_IO;
		at += n;
		len -= (size_t)n;
	}
	return RC_OK;
}

static enum rc read_all(int fd, void *p, size_t len)
{
	char *at = p;

	while (len > 0) {
		ssize_t n = read(fd, at, len);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return RC_IO;
		at += n;
		len -= (size_t)n;
	}
	return RC_OK;
}

static unsigned checksum(const unsigned char block[BLOCK])
{
	unsigned sum = 0;

	for (int i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : block[i];
	return sum;
}

enum rc tar_add(int archive, const char *name, int fd, int64_t size, instant modified)
{
	static const char padding[BLOCK];
	unsigned char block[BLOCK] = { 0 };
	char buffer[COPY_BYTES];
	char field[16];
	int64_t left = size;
	enum rc rc;

	if (strlen(name) > TAR_NAME_MAX || size < 0 || size > INT64_C(077777777777)) return RC_TOO_LARGE;
	memcpy(block, name, strlen(name));
	memcpy(block + 100, "0000600", 7);
	memcpy(block + 108, "0000000", 7);
	memcpy(block + 116, "0000000", 7);
	snprintf(field, sizeof(field), "%011llo", (unsigned long long)size);
	memcpy(block + 124, field, 11);
	snprintf(field, sizeof(field), "%011llo",
		 (unsigned long long)(modified / SECOND_MS) & 077777777777ULL);
	memcpy(block + 136, field, 11);
	block[156] = '0';
	memcpy(block + 257, "ustar\00000", 8);
	snprintf(field, sizeof(field), "%06o", checksum(block));
	memcpy(block + 148, field, 7);
	block[155] = ' ';
	if (lseek(fd, 0, SEEK_SET) < 0) return RC_IO;
	rc = write_all(archive, block, BLOCK);
	while (rc == RC_OK && left > 0) {
		size_t part = left < (int64_t)sizeof(buffer) ? (size_t)left : sizeof(buffer);

		rc = read_all(fd, buffer, part);
		if (rc == RC_OK) rc = write_all(archive, buffer, part);
		left -= (int64_t)part;
	}
	if (rc == RC_OK && size % BLOCK != 0)
		rc = write_all(archive, padding, (size_t)(BLOCK - size % BLOCK));
	return rc;
}

enum rc tar_end(int archive)
{
	static const char empty[2 * BLOCK];

	return write_all(archive, empty, sizeof(empty));
}

static bool octal(const unsigned char *p, size_t len, int64_t *out)
{
	int64_t n = 0;
	size_t i = 0;

	while (i < len && p[i] >= '0' && p[i] <= '7')
		n = n * 8 + (p[i++] - '0');
	*out = n;
	return i > 0 && (i == len || p[i] == '\0' || p[i] == ' ');
}

/* Relative, no empty, "." or ".." part, only characters our own names have. */
static bool is_safe_name(const char *name)
{
	const char *part = name;

	if (*name == '\0') return false;
	for (const char *c = name;; c++) {
		bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				(*c >= '0' && *c <= '9') || *c == '.' || *c == '_' || *c == '-';

		if (is_plain) continue;
		if (*c != '/' && *c != '\0') return false;
		if (c == part || (c - part == 1 && part[0] == '.') ||
		    (c - part == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		if (*c == '\0') return true;
		part = c + 1;
	}
}

enum rc tar_header(struct tar_entry *out, const unsigned char block[BLOCK])
{
	struct tar_entry entry = { 0 };
	bool is_empty = true;
	int64_t sum;

	for (int i = 0; i < BLOCK && is_empty; i++)
		is_empty = block[i] == 0;
	if (is_empty) return RC_NOT_FOUND;
	if (!octal(block + 148, 8, &sum) || sum != (int64_t)checksum(block) ||
	    !octal(block + 124, 12, &entry.size))
		return RC_BAD_INPUT;
	if (block[156] != '0' || memcmp(block + 257, "ustar", 5) != 0 || block[TAR_NAME_MAX] != 0 ||
	    block[345] != 0)
		return RC_BAD_INPUT;
	memcpy(entry.name, block, TAR_NAME_MAX);
	if (!is_safe_name(entry.name)) return RC_BAD_INPUT;
	*out = entry;
	return RC_OK;
}

enum rc tar_next(int archive, struct tar_entry *out)
{
	unsigned char block[BLOCK];
	enum rc rc = read_all(archive, block, BLOCK);

	return rc == RC_OK ? tar_header(out, block) : RC_BAD_INPUT;
}

enum rc tar_copy(int archive, int64_t size, int to_fd)
{
	char buffer[COPY_BYTES];
	int64_t left = (size + BLOCK - 1) / BLOCK * BLOCK;
	int64_t wanted = size;
	enum rc rc = RC_OK;

	while (rc == RC_OK && left > 0) {
		size_t part = left < (int64_t)sizeof(buffer) ? (size_t)left : sizeof(buffer);
		size_t keep;

		rc = read_all(archive, buffer, part);
		keep = wanted < (int64_t)part ? (size_t)wanted : part;
		if (rc == RC_OK && keep > 0) rc = write_all(to_fd, buffer, keep);
		left -= (int64_t)part;
		wanted -= (int64_t)keep;
	}
	return rc;
}
