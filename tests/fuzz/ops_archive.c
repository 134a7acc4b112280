/*
** ops_archive.c -- any bytes as an archive: plain, compressed, sealed. Reading ends, in bounds, whatever they
** say.
**
** With a first byte above 127 the rest goes through as a sealed chunk of a stream that is open already: else
** nothing would come past the tag.
*/
#include "base/seal_stream.h"
#include "ops/archive.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMBERS_MAX 10000

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void as_archive(const uint8_t *p, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct archive_in *in = NULL;
	char sum[SHA256_HEX_SIZE];
	struct tar_entry e;
	struct gentle g;
	const char *why;
	size_t members = 0;

	gentle_init(&g, NULL);
	g.is_hurried = true;
	if (fd < 0 || write(fd, p, len) != (ssize_t)len) exit(0);
	if (archive_open(&in, fd, NULL, &g, &why) == RC_OK)
		while (archive_next(in, &e) == RC_OK && members++ < MEMBERS_MAX)
			if (archive_take(in, -1, sum) != RC_OK) break;
	archive_close(in);
	close(fd);
}

static void as_chunk(const uint8_t *p, size_t len)
{
	static struct seal_stream *s;
	static unsigned char out[SEAL_CHUNK];
	unsigned char head[SEAL_HEAD];

	if (s == NULL && seal_stream_new(&s, head, "fuzz") != RC_OK) exit(0);
	if (unseal_chunk(s, out, p, len < SEAL_CHUNK ? len : SEAL_CHUNK, false) == RC_OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static bool is_ready;

	if (!is_ready && seal_start() != RC_OK) exit(0);
	is_ready = true;
	if (len > 1 && p[0] > 127)
		as_chunk(p + 1, len - 1);
	else if (len > 1)
		as_archive(p + 1, len - 1);
	return 0;
}
