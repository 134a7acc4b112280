/*
** base_csv.c -- any bytes as a customer list; what was read is written and read again.
*/
#include "base_fuzz.h"
#include "base/csv.h"
#include "base/sb.h"
#include "base/text.h"

static void check_round(struct arena *a, const struct csv *csv)
{
	struct sb sb;
	struct csv again;
	size_t i;

	sb_init_arena(&sb, a, (size_t)16 << 20);
	for (i = 0; i < csv->count; i++) {
		if (i > 0) sb_char(&sb, csv->delimiter);
		sb_csv(&sb, csv->cell[i], strlen(csv->cell[i]), csv->delimiter, true);
	}
	if (sb_result(&sb) != RC_OK || csv_open(&again, sb.p, sb.len) != RC_OK) return;
	again.delimiter = csv->delimiter;
	again.p = sb.p;
	if (csv_next(&again, a) != RC_OK) return;
	must(again.count == csv->count);
	for (i = 0; i < csv->count; i++)
		must(strcmp(again.cell[i], csv->cell[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct arena *a = fuzz_arena();
	const char *before;
	struct csv csv;
	size_t records = 0, line = 0, i;
	enum rc rc = csv_open(&csv, (const char *)p, len);

	while (rc == RC_OK) {
		before = csv.p;
		rc = csv_next(&csv, a);
		must(rc != RC_OK || csv.p > before);
		must(rc != RC_BAD_INPUT || csv.why != NULL);
		if (rc != RC_OK) break;
		must(csv.line > line && csv.record == ++records && csv.count > 0 &&
		     csv.count <= CSV_COLUMNS_MAX);
		line = csv.line;
		for (i = 0; i < csv.count; i++)
			must(text_is_utf8(csv.cell[i], strlen(csv.cell[i])));
		if (records <= 20) check_round(a, &csv);
	}
	return 0;
}
