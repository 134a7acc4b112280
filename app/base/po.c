/*
** po.c -- msgid and msgstr pairs out of bytes.
**
** Owns:   nothing; two buffers per call, from the heap.
** Needs:  mem.h.
** Never:  reads past len; knows plurals or contexts (the code does not use them, the build refuses them).
** Holds:  a pair is handed out only when both halves were complete, in the order of the text.
*/
#include "base/po.h"
#include "base/mem.h"

#include <string.h>

enum half { HALF_NONE, HALF_ID, HALF_STR };

struct po {
	char *text[3]; /* by half; [0] unused */
	size_t len[3];
	enum half half;
	po_pair_fn *pair;
	void *arg;
};

static enum rc hand_out(struct po *po)
{
	enum rc rc = RC_OK;

	if (po->half == HALF_ID) return RC_BAD_INPUT; /* a msgid without its msgstr */
	if (po->half == HALF_STR && po->len[HALF_ID] > 0 && po->len[HALF_STR] > 0)
		rc = po->pair(po->arg, po->text[HALF_ID], po->text[HALF_STR]);
	po->half = HALF_NONE;
	return rc;
}

/* Append a quoted string with the escapes of C that gettext writes; nothing but blanks may follow it. */
static enum rc take_string(struct po *po, const char *p, const char *end)
{
	char *out = po->text[po->half];
	size_t *len = &po->len[po->half];

	if (po->half == HALF_NONE || p == end || *p++ != '"') return RC_BAD_INPUT;
	for (; p < end && *p != '"'; p++) {
		char c = *p;

		if (c == '\\') {
			if (++p == end) return RC_BAD_INPUT;
			switch (*p) {
			case 'n': c = '\n'; break;
			case 't': c = '\t'; break;
			case 'r': c = '\r'; break;
			case '"': c = '"'; break;
			case '\\': c = '\\'; break;
			default: return RC_BAD_INPUT;
			}
		}
		if (c == '\0') return RC_BAD_INPUT;
		if (*len == PO_TEXT_MAX) return RC_TOO_LARGE;
		out[(*len)++] = c;
	}
	if (p == end) return RC_BAD_INPUT;
	for (p++; p < end; p++)
		if (*p != ' ' && *p != '\t' && *p != '\r') return RC_BAD_INPUT;
	out[*len] = '\0';
	return RC_OK;
}

static bool starts(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - p) >= n && memcmp(p, word, n) == 0;
}

static enum rc take_line(struct po *po, const char *p, const char *end)
{
	enum rc rc = RC_OK;

	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	if (p == end || *p == '#') return RC_OK;
	if (starts(p, end, "msgid ")) {
		if ((rc = hand_out(po)) != RC_OK) return rc;
		po->half = HALF_ID;
		p += strlen("msgid ");
	} else if (starts(p, end, "msgstr ")) {
		if (po->half != HALF_ID) return RC_BAD_INPUT;
		po->half = HALF_STR;
		p += strlen("msgstr ");
	} else {
		return take_string(po, p, end);
	}
	po->len[po->half] = 0;
	po->text[po->half][0] = '\0';
	while (p < end && *p == ' ')
		p++;
	return take_string(po, p, end);
}

enum rc po_parse(const char *p, size_t len, po_pair_fn *pair, void *arg, size_t *line)
{
	struct po po = { .pair = pair, .arg = arg };
	const char *end = p + len;
	size_t at = 0;
	enum rc rc = RC_OK;
	char *block = mem_alloc(2 * (PO_TEXT_MAX + 1));

	if (!block) return RC_NO_MEMORY;
	po.text[HALF_ID] = block;
	po.text[HALF_STR] = block + PO_TEXT_MAX + 1;
	while (p < end && rc == RC_OK) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		if (!stop) stop = end;
		at++;
		rc = take_line(&po, p, stop);
		p = stop < end ? stop + 1 : end;
	}
	if (rc == RC_OK) rc = hand_out(&po);
	if (line) *line = at;
	mem_free(block);
	return rc;
}
