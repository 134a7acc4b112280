/*
** command.h -- what a row of the command line is. Rows live in ops and the modules.
*/
#ifndef RECADO_BASE_COMMAND_H
#define RECADO_BASE_COMMAND_H

#include "base/cx.h"
#include <stdio.h>

enum command_needs {
	COMMAND_NOTHING,  /* no state folder                                        */
	COMMAND_SETTINGS, /* the INI file only: env is settled, no database open     */
	COMMAND_STATE,    /* settings and a database connection; may run beside the server */
	COMMAND_HOLDER,   /* plans, imports or sends: runs in the process that holds the lock,
			     over its socket if another does, else takes the lock          */
	COMMAND_LENIENT, /* settings if they can be read, else env->settings is NULL and cx->message says why;
			     opens by itself what it needs                                   */
	COMMAND_ANYWHERE /* over the holder's socket if one answers; else here, with a database
			     if one can be opened (cx->db may be NULL)                     */
};

struct command_call {
	int argc; /* words after the command's name */
	const char *const *argv;
	FILE *in, *out, *err; /* of the caller, also over the socket; a file argument of a row with
				 reads_file is already open as `in`                     */
	bool is_json;
	const char *name, *usage; /* of the row that runs; NULL where no row does */
	const char *typed; /* the word it was called by: an old name has options of its own; NULL = name */
	/* Set by the row: an exit of its own instead of the code's (an old name's); 0 = the code's. */
	int own_exit;
};

struct command {
	const char *name;  /* "renewals run": one or two words                       */
	const char *usage; /* "[--date YYYY-MM-DD] [--stages LIST] [--dry-run] [--wait]" */
	const char *help;  /* N_() one line                                          */
	enum command_needs needs;
	bool reads_file;            /* a plain argument is a file that the caller opens…        */
	int file_word;              /* …this one of them, from 0                                */
	const char *const *aliases; /* old manage.py names, NULL-terminated, or NULL  */
	/*
	** Returns a code whose row gives the exit code; prints its own results; on failure the caller prints
	** cx_sentence().
	*/
	enum rc (*run)(struct cx *cx, struct command_call *call);
};

/* The value of --name (or --name=value), NULL if absent, "" if a bare flag. Total. */
const char *command_option(const struct command_call *call, const char *name);
bool command_flag(const struct command_call *call, const char *name);
/*
** The i-th plain word (not an option nor an option's value). takes_value: NULL-terminated names of options
** with a value.
*/
const char *command_word(const struct command_call *call, size_t i, const char *const *takes_value);
/* The same by what usage says of its options ("--at INSTANT" has a value, "[--hold]" none): for who only has the row. */
const char *command_word_by_usage(const struct command_call *call, size_t i, const char *usage);
/*
** RC_BAD_INPUT with a sentence naming the first option that is in neither list, or the first plain word that
** the usage has no place for: `outbox pasue whatsapp` must not pass as `outbox`.
*/
enum rc command_check(struct cx *cx, const struct command_call *call, const char *const *flags,
		      const char *const *takes_value) MUST_CHECK;

#endif
