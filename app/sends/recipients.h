/*
** recipients.h -- the file of recipients: what it says, row by row, and how it becomes bulk_recipient.
**
** Every code of spec §4 has its sentence in recipients_words(): of the file (the import fails, nothing is
** kept) and of a row (kept as invalid, never sent).
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

/* Can a template reach a variable of this name? Not with an empty part between points ("Nro."). Pure. */
bool variable_is_reachable(const char *name);

/* One address by the rules of spec §4; code "" = fine, else recipient_empty, recipient_invalid. out:
** normalized, arena. Pure. */
const char *recipient_check(struct arena *a, const char **out, const char *typed);
/* "gmial.com" → "gmail.com": NULL = no typo known. */
const char *recipient_typo(const char *address);

/*
** Look at a file without keeping anything: {encoding (utf-8-sig, utf-8, cp1252), delimiter, headers:[…],
** email_column, name_column, total, valid, errors:[{code, words, count}], duplicates, same_address,
** suppressed, typos, columns:[{name, empty}] (variables; empty in so many valid rows), rows:[[…]] (the first
** 10), missing:[names]}. duplicates and same_address count whatever dedupe says. required: names a template
** needs, NULL = unknown; one that no column gives is in missing and makes no row invalid (the gate refuses
** the whole send). RC_BAD_INPUT with the sentence and cx->error_code: a code of the file. Only a file without
** an e-mail column is shown all the same: email_column "", no row valid, and error:{code, words}.
*/
struct preview_options {
	const char *variables_json, *may_be_empty, *dedupe;
	bool sends_suppressed;
	const struct value *required; /* list of texts, NULL = none known */
};
enum rc recipients_preview(struct cx *cx, struct value **out, struct bytes file,
			   const struct preview_options *options) MUST_CHECK;
/* Variables of one valid row of a file that is not imported, 0-based, and its address as "email" if no
** variable is called so; RC_NOT_FOUND past the end. */
enum rc recipients_row(struct cx *cx, struct value **out, struct bytes file, int64_t i,
		       const char *variables_json) MUST_CHECK;

/* The import's job (kind sends.import), in the caller's transaction; makes status pending and import_status
** importing. It ends with import_status ready, ready_with_errors or error; then bulk_imported(). All rows are
** there or none is seen. RC_CONFLICT with import_already_started, or import_version_exists once the send has
** a batch. */
enum rc recipients_import(struct cx *cx, int64_t bulk_id) MUST_CHECK;

/* A person asks to be forgotten: rows with the address say "***", their variables, names and messages'
** variables are emptied, the uploads they came from go. *rows: so many. RC_CONFLICT: mail to it is under way.
** Transactions of its own; commands and jobs. */
enum rc recipients_forget(struct cx *cx, const char *address, int64_t *rows) MUST_CHECK;
enum rc recipients_forget_command(struct cx *cx, struct command_call *call) MUST_CHECK; /* ADDRESS */

#endif
