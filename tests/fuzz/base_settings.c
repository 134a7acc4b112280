/*
** base_settings.c -- any bytes as a settings file: refused with a sentence, or every row has a value; and a
** line changed in an accepted one is accepted again.
*/
#include "base/settings_inside.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct setting rows[] = {
	{ "web.listen", SET_TEXT, "127.0.0.1:8080", 3, 40, NULL, false, NULL, .help = "" },
	{ "business.zone", SET_ZONE, "America/Guayaquil", 0, 0, NULL, false, NULL, .help = "" },
	{ "business.language", SET_ONE, "es", 0, 0, "es|en", false, NULL, .help = "" },
	{ "outbox.slots", SET_INT, "32", 1, 256, NULL, false, NULL, .help = "" },
	{ "mode.offline", SET_BOOL, "no", 0, 0, NULL, false, NULL, .help = "" },
	{ "mode.url", SET_URL, "", 0, 0, NULL, false, NULL, .help = "" },
	{ "quiet.from", SET_HHMM, "21:00", 0, 0, NULL, false, NULL, .help = "" },
	{ "renewals.stages", SET_LIST_INT, "7,3,1,0", 0, 90, NULL, false, NULL, .help = "" },
	{ NULL }
};
#define ROWS (sizeof(rows) / sizeof(*rows) - 1)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct setting *const tables[] = { rows, NULL };
	struct draft_value out[ROWS];
	const struct setting **all;
	const char *why = "", *edited;
	struct arena *a = arena_new(8 * 1024 * 1024);
	size_t count, i, len;
	char *text;
	enum rc rc;

	if (!a || n > SETTINGS_FILE_MAX || !(all = settings_rows(tables, a, &count)) ||
	    !(text = arena_bytes(a, (const char *)p, n)))
		abort();
	rc = settings_check_text(out, all, count, "recado.ini", text, n, a, LANG_EN, &why);
	if (rc == RC_BAD_INPUT ? !*why : rc != RC_OK && rc != RC_NO_MEMORY) abort();
	for (i = 0; rc == RC_OK && i < ROWS; i++)
		if (!out[i].value.text || !out[i].value.raw) abort();
	if (rc == RC_OK && n < SETTINGS_FILE_MAX - 100) {
		if (settings_edit(&edited, &len, text, n, "outbox.slots", "77", a) != RC_OK ||
		    settings_check_text(out, all, count, "recado.ini", edited, len, a, LANG_EN, &why) !=
			    RC_OK ||
		    out[3].value.number != 77)
			abort();
		if (settings_edit(&edited, &len, edited, len, "outbox.slots", NULL, a) != RC_OK ||
		    settings_check_text(out, all, count, "recado.ini", edited, len, a, LANG_EN, &why) !=
			    RC_OK ||
		    out[3].value.number != 32)
			abort();
	}
	arena_free(a);
	return 0;
}
