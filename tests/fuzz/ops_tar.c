/*
** ops_tar.c -- any 512 bytes as an archive's header: what is accepted has a safe name and a size.
*/
#include "ops/tar.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	unsigned char block[512] = { 0 };
	struct tar_entry entry;

	memcpy(block, p, len < sizeof(block) ? len : sizeof(block));
	if (tar_header(&entry, block) == RC_OK &&
	    (entry.name[0] == '\0' || entry.name[0] == '/' || entry.size < 0 ||
	     strstr(entry.name, "..") == entry.name || strstr(entry.name, "/../") != NULL ||
	     strlen(entry.name) > TAR_NAME_MAX))
		abort();
	return 0;
}
