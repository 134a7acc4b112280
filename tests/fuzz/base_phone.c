/*
** base_phone.c -- any text as a phone number; what was accepted is read again as the same one.
*/
#include "base_fuzz.h"
#include "base/phone.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const char *const regions[] = { "EC", "CO", "PE", "", NULL };
	const char *text = arena_bytes(fuzz_arena(), (const char *)p, len);
	char shown[32];
	size_t i;

	for (i = 0; i < sizeof regions / sizeof regions[0]; i++) {
		struct phone phone, again;
		const char *why = NULL;

		if (phone_parse(&phone, &why, text, regions[i]) != RC_OK) {
			must(why != NULL);
			continue;
		}
		must(phone.e164[0] == '+' && phone.e164[1] != '0' && strlen(phone.e164) >= 9 &&
		     strlen(phone.e164) <= 16);
		must(phone_parse(&again, &why, phone.e164, regions[4 - i]) == RC_OK);
		must(strcmp(phone.e164, again.e164) == 0 && phone.kind == again.kind);
		phone_text(shown, phone.e164);
		must(phone_parse(&again, &why, shown, "PE") == RC_OK && strcmp(phone.e164, again.e164) == 0);
	}
	phone_text(shown, text);
	must(strlen(shown) < sizeof shown);
	return 0;
}
