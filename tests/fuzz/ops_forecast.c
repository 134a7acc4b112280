/*
** ops_forecast.c -- any bytes as a kept forecast: refused, or every line of every run lies inside.
*/
#include "base_fuzz.h"
#include "ops/forecast.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	/* A file is mapped at the beginning of a page; a buffer of its own finds what reads past the end. */
	char *copy = malloc(len > 0 ? len : 1);
	struct forecast f;
	int64_t leaving = 0, skipped = 0;

	if (copy == NULL) return 0;
	if (len > 0) memcpy(copy, p, len);
	if (forecast_check(&f, (struct bytes){ copy, len })) {
		for (int32_t i = 0; i < f.head->run_count; i++)
			for (int64_t k = 0; k < f.runs[i].leaving + f.runs[i].skipped; k++) {
				const struct forecast_line *line = &f.lines[f.runs[i].first + k];

				must((const char *)(line + 1) <= copy + len);
				leaving += line->skip == 0;
				skipped += line->skip != 0;
			}
		must(leaving >= 0 && skipped >= 0);
		must(f.head->days >= 1 && f.head->days <= FORECAST_DAYS_MAX);
	}
	free(copy);
	return 0;
}
