/*
** ops_tar.c -- any 512 bytes as an archive's header: what is accepted has a safe name and a size, and is what
** we write ourselves.
*/
#include "ops/tar.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	unsigned char block[TAR_BLOCK] = { 0 }, again[TAR_BLOCK];
	struct tar_entry entry;

	memcpy(block, p, len < sizeof(block) ? len : sizeof(block));
	if (tar_header(&entry, block) != RC_OK) return 0;
	if (entry.name[0] == '\0' || entry.name[0] == '/' || entry.size < 0 ||
	    strstr(entry.name, "..") == entry.name || strstr(entry.name, "/../") != NULL ||
	    strlen(entry.name) > TAR_NAME_MAX)
		abort();
	if (tar_make(again, entry.name, entry.size, entry.modified) != RC_OK ||
	    memcmp(again, block, sizeof(block)) != 0)
		abort();
	return 0;
}
