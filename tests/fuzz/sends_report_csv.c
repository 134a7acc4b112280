/*
** sends_report_csv.c -- fuzz: sends/report_csv.h. Any bytes give records or a failure with its words; cells
** lie in valid text, and what they are taken for can be read again.
*/
#include "base/text.h"
#include "base_fuzz.h"
#include "sends/report_csv.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct column_guess guess = { .seen = 0 };
	struct report_csv r;
	enum rc rc = report_csv_open_bytes(&r, (struct bytes){ (const char *)data, size });

	for (int64_t last = 0; rc == RC_OK && last < 100000; last++) {
		rc = report_csv_next(&r);
		must(rc != RC_BAD_INPUT || r.why[0] != '\0');
		for (size_t i = 0; rc == RC_OK && i < r.count; i++) {
			struct bytes cell = r.cell[i];
			int64_t n = 0;
			instant at = 0;

			must(text_is_utf8(cell.p, cell.len));
			column_guess(&guess, cell);
			if (cell_time(&at, cell, NULL))
				must(at > -INT64_C(10000000000000) && at < INT64_C(10000000000000));
			if (cell_integer(&n, cell)) must(!cell_is_null(cell));
		}
	}
	(void)column_guessed(&guess);
	report_csv_close(&r);
	return 0;
}
