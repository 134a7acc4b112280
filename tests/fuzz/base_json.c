/*
** base_json.c -- any bytes as JSON; what was accepted is written, read again and is the same.
*/
#include "base_fuzz.h"
#include "base/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct arena *a = fuzz_arena();
	struct value *v = NULL, *again = NULL;
	size_t at = len;
	struct sb first, second;
	enum rc rc = json_parse(a, &v, &at, (const char *)p, len);

	must(at <= len);
	if (rc != RC_OK) return 0;
	sb_init_arena(&first, a, (size_t)8 << 20);
	sb_init_arena(&second, a, (size_t)8 << 20);
	json_write(&first, v);
	if (sb_result(&first) != RC_OK) return 0;
	rc = json_parse(a, &again, NULL, first.p, first.len);
	must(rc == RC_OK || rc == RC_NO_MEMORY);
	if (rc != RC_OK) return 0;
	json_write(&second, again);
	must(sb_result(&second) != RC_OK ||
	     (second.len == first.len && memcmp(first.p, second.p, first.len) == 0));
	json_write_pretty(&second, again);
	(void)value_path(v, "a.0.b");
	(void)value_int_of(v, 0);
	return 0;
}
