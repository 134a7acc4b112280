/*
** base_money.c -- any text as an amount; what was accepted is shown and read again as the same one.
*/
#include "base_fuzz.h"
#include "base/money.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const char *const currencies[] = { "USD", "CLP", "KWD", "COP", "PEN", "PYG" };
	const char *text = arena_bytes(fuzz_arena(), (const char *)p, len);
	char shown[MONEY_SIZE];
	int64_t units = 0, again = -1;
	const char *why = NULL;
	size_t i;

	for (i = 0; i < sizeof currencies / sizeof currencies[0]; i++) {
		if (money_parse(&units, &why, text, currencies[i]) == RC_OK) {
			must(units >= 0 && units <= MONEY_MAX);
			money_plain(shown, units, currencies[i]);
			must(money_parse(&again, NULL, shown, currencies[i]) == RC_OK && again == units);
		}
	}
	must(!money_is_currency(text) || money_parse(&units, &why, "1", text) == RC_OK);
	if (len >= sizeof units) memcpy(&units, p, sizeof units);
	money_text(shown, units, text, LANG_ES);
	must(strlen(shown) < sizeof shown);
	return 0;
}
