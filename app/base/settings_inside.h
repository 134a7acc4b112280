/*
** settings_inside.h -- what the files settings*.c share. Others use settings.h.
*/
#ifndef RECADO_BASE_SETTINGS_INSIDE_H
#define RECADO_BASE_SETTINGS_INSIDE_H

#include "base/mem.h"
#include "base/settings.h"

/* Settings_check.c: one value against its row */

struct setting_value {
	const char *raw;  /* as written, trimmed                                  */
	const char *text; /* resolved (file:, env:), a choice in its own spelling */
	int64_t number;   /* int, 0/1, minutes after midnight                     */
	size_t count;     /* of ints                                              */
	int64_t ints[SETTING_INTS_MAX];
	bool is_env;
};

/* Is `written` a value of the row? RC_BAD_INPUT: *why is half a sentence ("should be yes or no, not …") that
 *follows
 ** the setting's name. folder: where a relative file:PATH starts. All in the arena. */
enum rc setting_read(struct setting_value *out, const struct setting *row, const char *written,
		     const char *folder, struct arena *a, enum lang lang, const char **why) MUST_CHECK;
/* The row's default; "" if it names none. */
const char *setting_default(const struct setting *row);

/* Settings_file.c: bytes */

/* The whole file in the arena, NUL after it. RC_NOT_FOUND: none; RC_TOO_LARGE; RC_IO. */
enum rc settings_read_file(const char *path, size_t max, char **out, size_t *len, struct arena *a) MUST_CHECK;
/* The text with one line changed, added or (value NULL) removed; every other byte stays. */
enum rc settings_edit(const char **out, size_t *out_len, const char *text, size_t len, const char *name,
		      const char *value, struct arena *a) MUST_CHECK;
/* The folder part of a path, "." without one. */
const char *settings_folder(const char *path, struct arena *a);
/* Of a text; the same for the same bytes. */
void settings_mark(char out[SETTINGS_SEEN_SIZE], const char *text, size_t len);

/* Settings_set.c: publishing */

/* Remove what a rewrite that was killed left beside the file, unless somebody rewrites it right now. */
void settings_sweep(const char *path, struct arena *a);
#ifdef RECADO_FAULTS
/* The n-th step of a rewrite from now (write, sync, chown, chmod, close, rename, sync of the folder)
** fails; 0: none. */
void settings_fail(long n);
bool settings_fail_fired(void);
#endif

/* Settings_draft.c: the text of a file against the tables */

struct draft_value {
	struct setting_value value;
	int line; /* 0: default */
};

/* All rows of all tables in order; NULL: no memory. */
const struct setting **settings_rows(const struct setting *const *tables, struct arena *a, size_t *count);
/* Check text; fills out[row] for each row. RC_BAD_INPUT: *why holds a sentence a line. path is named in them.
 */
enum rc settings_check_text(struct draft_value *out, const struct setting *const *rows, size_t count,
			    const char *path, const char *text, size_t len, struct arena *a, enum lang lang,
			    const char **why) MUST_CHECK;
/* "there is no setting “x”. Did you mean “y”?" */
const char *settings_unknown(const struct setting *const *rows, size_t count, const char *name,
			     struct arena *a, enum lang lang);

/* Settings.c */

const struct setting *const *settings_all(const struct settings *s, size_t *count);
const char *settings_path(const struct settings *s);

#endif
