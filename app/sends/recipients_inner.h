/*
** recipients_inner.h -- what the files about recipients share: the opened file, one row of it, its judge.
** For recipients_*.c, preview.c and import.c only.
*/
#ifndef RECADO_SENDS_RECIPIENTS_INNER_H
#define RECADO_SENDS_RECIPIENTS_INNER_H

#include "base/csv.h"
#include "sends/recipients.h"

#define HEADER_MAX         255                /* letters of a column's name; longer: it is no heading       */
#define RECIPIENT_KEPT_MAX 320                /* bytes of what was typed as address: 64 + @ + 255           */
#define NAME_KEPT_MAX      255                /* letters of a recipient's name                              */
#define PAYLOAD_MAX        ((size_t)64 << 10) /* bytes of a row's variables: more is no mail              */
#define ROWS_AT_ONCE       256                /* rows between two looks at the clock and two clean-ups      */
#define ROW_ARENA_MAX      ((size_t)64 << 20) /* of ROWS_AT_ONCE rows at their longest that csv.h reads    */
#define ROW_ARENA_SOME     ((size_t)1 << 20)  /* emptied sooner when so much is in it                       */

/* Codes of a row; the first is none of them. Sentences: recipients_words.c, in this order. */
enum row_code {
	ROW_VALID,
	ROW_STRUCTURE,
	ROW_EMPTY,
	ROW_INVALID,
	ROW_VALUE_MISSING,
	ROW_SUPPRESSED,
	ROW_DUPLICATE,
	ROW__MAX
};
const char *row_code_name(enum row_code code); /* "" for ROW_VALID */

/* cx gets the code's sentence and the code; RC_BAD_INPUT. detail NULL: the sentence alone. */
enum rc recipients_refuse(struct cx *cx, const char *code, const char *detail) MUST_CHECK;

/* A template variable and where its values are. */
struct variable {
	const char *key;    /* exact letter case; "a.b" stands in the object a            */
	struct bytes json;  /* ,"key": as the payload has it, with the braces before    */
	size_t column;      /* of the file                                             */
	bool is_required;   /* and may not be empty                                    */
	int64_t empty;      /* valid rows without a value                              */
	bool is_blank;      /* in the row that was read last: told if that is valid     */
	const char *folded; /* for comparing                                           */
};

/* Trimmed and composed (NFC); the text itself when there is nothing to do. */
const char *recipients_clean(struct arena *a, const char *text);

/* A file that is being read. Everything but the cells of the last row lies in the arena of
** recipients_open. */
struct recipients_file {
	struct csv csv;
	const char *encoding; /* utf-8-sig, utf-8, cp1252 */
	const char *header[CSV_COLUMNS_MAX];
	size_t header_count;
	int email, name; /* columns; -1: there is none */
	struct variable variables[CSV_COLUMNS_MAX];
	size_t variable_count; /* in the payload's order */
	size_t open;           /* objects to close behind the last of them */
	int64_t rows;          /* returned so far */
};
/* Encoding, delimiter, heading, variables. No e-mail column is no failure here (email -1). RC_BAD_INPUT: a
** code of the file. The bytes are lent until the last recipients_next. */
enum rc recipients_open(struct cx *cx, struct recipients_file *f, struct arena *a, struct bytes file,
			const char *variables_json) MUST_CHECK;
/* Marks variables that must have a value: those of required that are not in may_be_empty (a JSON list). */
void recipients_require(struct recipients_file *f, struct arena *a, const struct value *required,
			const char *may_be_empty);
/* Puts the variables into the payload's order and writes what stands before each of them
** (recipients_nest.c). RC_BAD_INPUT: a name is a value and an object. */
enum rc variables_nest(struct cx *cx, struct recipients_file *f, struct arena *a) MUST_CHECK;
/* The next row's cells are in f->csv. RC_NOT_FOUND past the last; RC_BAD_INPUT: a code of the file. */
enum rc recipients_next(struct cx *cx, struct recipients_file *f, struct arena *a) MUST_CHECK;
/* A cell of the last row, trimmed and composed; "" past its end. */
const char *recipients_cell(const struct recipients_file *f, struct arena *a, size_t column);

/* One row, by itself. Texts lie in the arena handed in, or are the file's cells. */
struct recipient_row {
	enum row_code code;
	const char *detail; /* "" or what the sentence needs: the variable's name, "5/3" */
	const char *typed, *address, *name;
};
/* All but payload and what other rows say. Adds the payload to sb (cleared first) unless the row is
** invalid. */
void recipients_read_row(struct recipients_file *f, struct arena *a, struct recipient_row *row,
			 struct sb *payload);

/*
** SipHash-2-4 with 128 bits (Aumasson, Bernstein): a text as a key of a set, under a secret of this one run,
** so that nobody can make a file in which two different rows are taken for the same.
*/
struct sip_key {
	uint64_t k[2];
};
void sip_hash(uint64_t out[2], const struct sip_key *key, const char *p, size_t len);

/* 128-bit keys, each once: for what was seen before. */
struct key_set {
	uint64_t (*slots)[2];
	size_t room, count;
};
/* *is_new: it was not there. RC_NO_MEMORY. */
enum rc key_set_add(struct key_set *set, const uint64_t key[2], bool *is_new) MUST_CHECK;
bool key_set_has(const struct key_set *set, const uint64_t key[2]);
void key_set_free(struct key_set *set);

enum dedupe { DEDUPE_ALL, DEDUPE_EXACT, DEDUPE_ADDRESS };
enum dedupe dedupe_of(const char *text); /* NULL and anything unknown: exact */

/* What all rows so far say of the next one. */
struct judge {
	enum dedupe dedupe;
	struct sip_key key;
	struct key_set addresses, rows, suppressed;
	struct sb payload;
	int64_t counts[ROW__MAX];
	int64_t duplicates;   /* same address and same variables as an earlier row, dropped or not */
	int64_t same_address; /* same address as an earlier row, dropped or not */
	int64_t typos;        /* valid rows */
};
void judge_begin(struct judge *j, const char *dedupe); /* nobody is left out; judge_close it */
/* The same, and reads who is left out: who gets no mailings, or without skips_suppressed whose address is
** dead only. judge_close it in any case. */
enum rc judge_open(struct cx *cx, struct judge *j, const char *dedupe, bool skips_suppressed) MUST_CHECK;
/* Judges the row that recipients_next just read, and counts. */
enum rc judge_row(struct judge *j, struct recipients_file *f, struct arena *a,
		  struct recipient_row *row) MUST_CHECK;
void judge_close(struct judge *j);
/* What was counted, into map: encoding, delimiter, headers, email_column, name_column, columns, duplicates,
** same_address, suppressed, typos. */
void judge_tell(const struct judge *j, const struct recipients_file *f, struct arena *a, struct value *map);

#endif
