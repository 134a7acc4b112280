/*
** base_date.c -- any text as a date or an instant: what is taken is written back as the same.
*/
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char text[64], again[RFC3339_SIZE], date[DATE_SIZE];
	instant at, back;
	day d, e;

	if (n >= sizeof(text)) return 0;
	memcpy(text, p, n);
	text[n] = '\0';
	if (day_parse(&d, text) == RC_OK) {
		day_text(date, d);
		if (strcmp(date, text) != 0) abort();
	}
	if (day_parse_any(&d, text) == RC_OK) {
		day_text_local(date, d);
		if (day_parse_any(&e, date) != RC_OK || e != d) abort();
	}
	if (instant_parse(&at, text) == RC_OK) {
		instant_text(again, at);
		/* An offset may carry it over the edge of the calendar we read. */
		if (instant_parse(&back, again) == RC_OK ? back != at
							 : at > -INT64_C(2208902400000) && at < 7258000000000)
			abort();
	}
	return 0;
}
