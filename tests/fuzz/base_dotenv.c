/*
** base_dotenv.c -- any bytes as a .env file: the reader ends, goes on after each bad line, and what it finds
** is text within the bounds.
*/
#include "base/dotenv.h"
#include "base/text.h"

#include "base_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct bytes in = { (const char *)p, len };
	struct arena *a = fuzz_arena();
	struct dotenv_pair pair;
	int line = 1, at = 0;

	if (len > DOTENV_FILE_MAX) return 0;
	for (;;) {
		size_t before = in.len;
		enum rc rc = dotenv_next(&pair, &in, &line, &at, a);

		must(rc == RC_OK || rc == RC_BAD_INPUT || rc == RC_NOT_FOUND || rc == RC_NO_MEMORY);
		if (rc == RC_NOT_FOUND || rc == RC_NO_MEMORY) break;
		must(in.len < before && at >= 1 && at <= line);
		if (rc == RC_BAD_INPUT) continue;
		must(pair.line == at && pair.name[0] != '\0' && strlen(pair.name) <= DOTENV_NAME_MAX);
		must(strlen(pair.value) < DOTENV_VALUE_MAX && text_is_utf8(pair.value, strlen(pair.value)));
	}
	return 0;
}
