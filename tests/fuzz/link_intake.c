/*
** link_intake.c -- answers over HTTP/1.1: whole or in pieces of the first byte's size they say the same.
*/
#include "base_fuzz.h"

#include "link/intake.h"

#include <string.h>

struct told {
	uint64_t lines, bytes, sum;
};

static void take_header(void *arg, const char *line, size_t len)
{
	struct told *t = arg;

	must(len > 0 && line[len - 1] == '\n');
	t->lines++;
}

static bool take_body(void *arg, const char *p, size_t len)
{
	struct told *t = arg;

	t->bytes += len;
	for (size_t i = 0; i < len; i++)
		t->sum = t->sum * 31 + (unsigned char)p[i];
	return t->bytes < 4096;
}

static void run(struct intake *in, struct told *t, const uint8_t *p, size_t n, size_t piece)
{
	intake_init(in);
	in->take_header = take_header;
	in->take_body = take_body;
	in->arg = t;
	intake_begin(in);
	for (size_t at = 0; at < n; at += piece)
		intake_take(in, (const char *)p + at, n - at < piece ? n - at : piece);
	intake_end(in);
	must(in->at != INTAKE_WHOLE || (in->status >= 200 && in->status <= 999));
	must(!in->may_keep || in->at != INTAKE_WHOLE || in->has_length || in->is_chunked ||
	     in->status == 204 || in->status == 304);
	intake_free(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct intake whole, pieces;
	struct told a = { 0, 0, 0 }, b = { 0, 0, 0 };

	if (n < 2) return 0;
	run(&whole, &a, p + 1, n - 1, n);
	run(&pieces, &b, p + 1, n - 1, (size_t)(p[0] % 16) + 1);
	must(whole.at == pieces.at && (whole.at != INTAKE_WRONG || whole.wrong == pieces.wrong));
	must(whole.status == pieces.status);
	if (whole.at != INTAKE_WRONG) must(a.lines == b.lines && a.bytes == b.bytes && a.sum == b.sum);
	return 0;
}
