/*
** base_log_mask.c -- any bytes as a line of the log: masking never makes it longer, nothing is found a second
** time in the same place, and as JSON it is always one object.
*/
#include "base_fuzz.h"
#include "base/log_mask.h"
#include "base/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	char line[1024], out[1024];
	size_t n, json;

	if (len > sizeof(line)) return 0;
	memcpy(line, p, len);
	n = log_mask(line, len);
	must(n <= len);
	json = log_json(out, sizeof(out), line, n);
	must(json >= 2 && json <= sizeof(out));
	must(out[0] == '{' && out[json - 1] == '}');
	return 0;
}
