/*
** base_po.c -- any bytes as a catalogue of translations.
*/
#include "base/po.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static enum rc pair(void *arg, const char *id, const char *str)
{
	size_t *total = arg;

	if (!*id || !*str || strlen(id) > PO_TEXT_MAX || strlen(str) > PO_TEXT_MAX) abort();
	*total += strlen(id) + strlen(str) + 2;
	return RC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	size_t total = 0, line = 0;
	enum rc rc = po_parse((const char *)p, n, pair, &total, &line);

	/* words.c keeps all texts in as many bytes as the file has. */
	if (total > n || line > n + 1 || (rc != RC_OK && rc != RC_BAD_INPUT && rc != RC_TOO_LARGE)) abort();
	return 0;
}
