/*
** tar.c -- makes and knows the plain headers of ustar that a backup is made of.
**
** Never:  reads or writes a file; the caller moves the bytes.
** Holds:  a header is accepted only if it is, byte for byte, what tar_make() writes for what it says: a
**         changed bit anywhere in it is noticed.
*/
#include "ops/tar.h"
#include <stdio.h>
#include <string.h>

#define AT_SIZE     124
#define AT_MODIFIED 136
#define AT_SUM      148
#define AT_TYPE     156
#define AT_MAGIC    257

static unsigned checksum(const unsigned char block[TAR_BLOCK])
{
	unsigned sum = 0;

	for (int i = 0; i < TAR_BLOCK; i++)
		sum += i >= AT_SUM && i < AT_TYPE ? ' ' : block[i];
	return sum;
}

enum rc tar_make(unsigned char block[TAR_BLOCK], const char *name, int64_t size, instant modified)
{
	int64_t seconds = modified / SECOND_MS;
	char field[16];

	if (strlen(name) > TAR_NAME_MAX || size < 0 || size > TAR_SIZE_MAX) return RC_TOO_LARGE;
	if (seconds < 0 || seconds > TAR_SIZE_MAX) seconds = 0;
	memset(block, 0, TAR_BLOCK);
	memcpy(block, name, strlen(name));
	memcpy(block + 100, "0000600", 7);
	memcpy(block + 108, "0000000", 7);
	memcpy(block + 116, "0000000", 7);
	snprintf(field, sizeof(field), "%011llo", (unsigned long long)size);
	memcpy(block + AT_SIZE, field, 11);
	snprintf(field, sizeof(field), "%011llo", (unsigned long long)seconds);
	memcpy(block + AT_MODIFIED, field, 11);
	block[AT_TYPE] = '0';
	memcpy(block + AT_MAGIC, "ustar\00000", 8);
	snprintf(field, sizeof(field), "%06o", checksum(block));
	memcpy(block + AT_SUM, field, 7);
	block[AT_TYPE - 1] = ' ';
	return RC_OK;
}

/* Eleven octal digits. */
static bool octal(int64_t *out, const unsigned char *p)
{
	int64_t n = 0;

	for (int i = 0; i < 11; i++) {
		if (p[i] < '0' || p[i] > '7') return false;
		n = n * 8 + (p[i] - '0');
	}
	*out = n;
	return true;
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

enum rc tar_header(struct tar_entry *out, const unsigned char block[TAR_BLOCK])
{
	unsigned char again[TAR_BLOCK];
	struct tar_entry entry = { .size = 0 };
	int64_t seconds = 0;
	bool is_empty = true;

	for (int i = 0; i < TAR_BLOCK && is_empty; i++)
		is_empty = block[i] == 0;
	if (is_empty) return RC_NOT_FOUND;
	memcpy(entry.name, block, TAR_NAME_MAX);
	if (!octal(&entry.size, block + AT_SIZE) || !octal(&seconds, block + AT_MODIFIED) ||
	    !is_safe_name(entry.name))
		return RC_BAD_INPUT;
	entry.modified = seconds * SECOND_MS;
	if (tar_make(again, entry.name, entry.size, entry.modified) != RC_OK ||
	    memcmp(again, block, TAR_BLOCK) != 0)
		return RC_BAD_INPUT;
	*out = entry;
	return RC_OK;
}

size_t tar_padding(int64_t size)
{
	return (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}
