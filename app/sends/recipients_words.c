/*
** recipients_words.c -- what the codes of a recipients' file and its rows mean, for people.
**
** Owns:   the sentences, one a code (spec §4).
** Holds:  the codes of rows are in the order of enum row_code.
*/
#include "sends/recipients_inner.h"

#include <string.h>

struct code_words {
	const char *code;
	bool is_file;
	const char *words;
};

static const struct code_words codes[] = {
	{ "row_structure_invalid", false,
	  N_("The row has more cells than the heading has columns, or too much text for one mail.") },
	{ "recipient_empty", false, N_("The row has no e-mail address.") },
	{ "recipient_invalid", false, N_("What stands in the e-mail column is not one e-mail address.") },
	{ "required_value_missing", false, N_("A variable that the template needs is empty in this row.") },
	{ "suppressed", false,
	  N_("This person does not want mailings, or mail to the address does not arrive.") },
	{ "duplicate_row", false, N_("An earlier row says the same; this one is not sent.") },
	{ "file_too_large", true, N_("The file is larger than 50 MB. Split it and make two sends of it.") },
	{ "file_unreadable", true, N_("The file cannot be read as CSV. Save it as CSV and try again.") },
	{ "file_empty", true, N_("The file has no recipients: it needs a heading and at least one row.") },
	{ "header_missing", true,
	  N_("The file has no heading. Its first line must name the columns, for example: email;nombres") },
	{ "email_column_missing", true,
	  N_("No column holds the e-mail addresses. Name it email, correo, e-mail, mail, email_address or correo_electronico.") },
	{ "duplicate_header", true, N_("Two columns have the same name. Rename one of them.") },
	{ "duplicate_variable_mapping_key", true, N_("A variable is given a column twice. Take one out.") },
	{ "variable_name_conflict", true,
	  N_("A column cannot be both a value and a group of others, as cliente and cliente.nombre are. Rename one of them, or choose the variables yourself.") },
	{ "variable_column_missing", true,
	  N_("A variable is to come from a column that the file does not have.") },
	{ "variables_invalid", true,
	  N_("What variable comes from what column cannot be read: it must be a JSON map of names.") },
	{ "encoding_invalid", true,
	  N_("The file's letters cannot be read. Save it as CSV in UTF-8 and try again.") },
	{ "row_limit_exceeded", true,
	  N_("The file has more than 250,000 rows. Split it and make two sends of it.") },
	{ "import_already_started", true,
	  N_("The recipients of this send are being read already. Wait until that is done.") },
	{ "import_version_exists", true,
	  N_("The recipients of this send were read already and it has been started. Make a new send for another file.") },
	{ "internal_import_error", true,
	  N_("The recipients could not be read because of a fault in the server. Try again; if it stays, look at the server's log.") },
};

const char *recipients_words(enum lang lang, const char *code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].code, code) == 0) return words_get(lang, codes[i].words);
	return code;
}

const char *recipients_code_at(size_t i, bool *is_file)
{
	if (i >= sizeof(codes) / sizeof(codes[0])) return NULL;
	*is_file = codes[i].is_file;
	return codes[i].code;
}

const char *row_code_name(enum row_code code)
{
	return code > ROW_VALID && code < ROW__MAX ? codes[code - 1].code : "";
}

enum rc recipients_refuse(struct cx *cx, const char *code, const char *detail)
{
	const char *words = recipients_words(cx->lang, code);

	cx->error_code = code;
	if (detail == NULL || *detail == '\0') return cx_fail(cx, RC_BAD_INPUT, "%s", words);
	return cx_fail(cx, RC_BAD_INPUT, "%s (%s)", words, detail);
}
