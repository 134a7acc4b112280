/*
** import_values.h -- shared by import_columns.c and import_values.c: what one run over one resource knows.
*/
#ifndef RECADO_DESK_IMPORT_VALUES_H
#define RECADO_DESK_IMPORT_VALUES_H

#include "desk/import.h"
#include "desk/inner.h"

#define IMPORT_KEY_MAX 4 /* columns of an import_key */

struct columns {
	struct import_open open;
	const struct office *o;
	const struct table_facts *facts;
	bool is_taken[DESK_COLUMNS_MAX];     /* may come from a file                            */
	bool is_refused[DESK_COLUMNS_MAX];   /* of this row: told already, as part of the key   */
	struct value *def[DESK_COLUMNS_MAX]; /* what a new row has without a cell; NULL = empty */
	struct import_keys *seen;            /* rows of this file by id or key → line           */
	struct import_keys *known;           /* words that were looked up → what they stand for  */
	const char *currency;                /* the house's                                     */
	/* The key: its columns, and the question for a row that has it. */
	size_t key_count, key_column[IMPORT_KEY_MAX];
	bool key_is_folded[IMPORT_KEY_MAX]; /* compared in its _folded column */
	const char *find_sql;
	struct param *find_params; /* ended; those of the key last */
	size_t find_key_at;
	int64_t unique_indexes;
};

/* Defaults and the key's question. */
enum rc values_open(struct cx *cx, struct columns *s) MUST_CHECK;
/* A cell that is not empty against its column; the sentence goes to cx's fields. */
enum rc values_check(struct cx *cx, struct columns *s, size_t column, const char *cell,
		     const struct value *stored, const struct value *values, struct value **out) MUST_CHECK;
/* What a new row gets without a cell, NULL = empty. In cx's arena. */
struct value *values_default(struct cx *cx, const struct columns *s, size_t column);
/* The row that has the key of these cells, 0 if none does; *key names it within the file, NULL if a part of
** it is empty. Checked cells of the key go to checked. RC_BAD_INPUT: told in cx's fields. */
enum rc values_find(struct cx *cx, struct columns *s, const struct cells *cells, struct value **checked,
		    int64_t *id, const char **key) MUST_CHECK;

#endif
