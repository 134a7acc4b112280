/*
** recipients.h -- the file of recipients: what it says, row by row, and how it becomes bulk_recipient.
**
** Every code of spec §4 has its sentence in recipients_words(): of the file (the import fails, nothing is kept)
** and of a row (kept as invalid, never sent).
*/
#ifndef RECADO_SENDS_RECIPIENTS_H
#define RECADO_SENDS_RECIPIENTS_H

#include "sends/sends.h"

#define RECIPIENTS_BYTES_MAX (50 * 1024 * 1024)
#define RECIPIENTS_ROWS_MAX  250000

/* The sentence of a code of a file or a row, translated; the code itself when it is none. */
const char *recipients_words(enum lang lang, const char *code);
/* Walks all codes: for the test that every one has words. NULL past the end. is_file: else of a row. */
const char *recipients_code_at(size_t i, bool *is_file);

/* One address by the rules of spec §4; code "" = fine, else recipient_empty, recipient_invalid. out: normalized,
** arena. Pure. */
const char *recipient_check(struct arena *a, const char **out, const char *typed);
/* "gmial.com" → "gmail.com": NULL = no typo known. */
const char *recipient_typo(const char *address);

/*
** Look at a file without keeping anything: {encoding, delimiter, headers:[…], email_column, name_column, total,
** valid, errors:[{code, words, count}], duplicates, suppressed, typos, columns:[{name, empty}], rows:[[…]] (the first
** 10), missing:[names]}. required: names a template needs, NULL = unknown. RC_BAD_INPUT with the sentence and
** cx->error_code: a code of the file.
*/
struct preview_options {
	const char *variables_json, *may_be_empty, *dedupe;
	bool sends_suppressed;
	const struct value *required; /* list of texts, NULL = none known */
};
enum rc recipients_preview(struct cx *cx, struct value **out, struct bytes file,
			   const struct preview_options *options) MUST_CHECK;
/* Variables of one valid row of a file that is not imported, 0-based; RC_NOT_FOUND past the end. */
enum rc recipients_row(struct cx *cx, struct value **out, struct bytes file, int64_t i,
		       const char *variables_json) MUST_CHECK;

/* The import's job, in the caller's transaction (status pending, import importing). It ends with import_status
** ready, ready_with_errors or error; then bulk_imported(). All rows are there or none is seen. */
enum rc recipients_import(struct cx *cx, int64_t bulk_id) MUST_CHECK;

#endif
