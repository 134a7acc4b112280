/*
** settings.h -- the INI file, checked against tables of rows.
**
** A row makes the check, the help line in etc/recado.ini, `recado config`, the
** masking and, later, the form. An unknown key, a wrong type or a value out of
** bounds stops the start with file, line, what was expected and the nearest name.
*/
#ifndef RECADO_BASE_SETTINGS_H
#define RECADO_BASE_SETTINGS_H

#include "base/arena.h"
#include "base/sb.h"
#include "base/words.h"

enum setting_type { SET_TEXT, SET_INT, SET_BOOL, SET_ONE, SET_HHMM, SET_ZONE, SET_URL, SET_LIST_INT };

struct setting {
	const char *name;  /* "whatsapp.api_key": section and key                    */
	enum setting_type type;
	const char *def;   /* default, as written                                     */
	int64_t min, max;  /* of an int; length of a text (0 = 1000)                   */
	const char *choices; /* SET_ONE: "es|en"                                     */
	bool is_secret;    /* masked everywhere; may be file:PATH or env:NAME           */
	const char *old;   /* the old system's variable, "WASENDER_API_KEY"             */
	const char *help;  /* N_() one line                                           */
};

struct settings;
/* tables: NULL-terminated list of row arrays, each ended by a row without name. path may be absent (defaults).
** On failure *why (arena) holds the sentence(s) in lang. file:PATH and env:NAME values are resolved here. */
enum rc settings_load(struct settings **out, const struct setting *const *tables, const char *path,
		      struct arena *a, enum lang lang, const char **why) MUST_CHECK;
void settings_free(struct settings *s);
/* Read again from the same file; on failure everything stays as it was. Readers keep old text valid for ever. */
enum rc settings_reload(struct settings *s, struct arena *a, enum lang lang, const char **why) MUST_CHECK;

/* Typed reading by full name; asking for a name that no table has is our bug (logged, default "" or 0). */
const char *setting_text(const struct settings *s, const char *name);
int64_t setting_int(const struct settings *s, const char *name); /* HHMM: minutes after midnight */
bool setting_bool(const struct settings *s, const char *name);
size_t setting_ints(const struct settings *s, const char *name, int64_t *out, size_t max);

/* Walking: rows in table order, their value as written (secrets masked) and origin ("default", "file:12", "env"). */
const struct setting *settings_row(const struct settings *s, size_t i); /* NULL past the end */
const char *settings_shown(const struct settings *s, const char *name);
const char *settings_origin(const struct settings *s, const char *name);

/* Check one value as the loader would; then rewrite the file in place: comments, order, owner and mode kept, written
** aside, synced and renamed. value NULL removes the line (back to default). *why as above. */
enum rc settings_set(const struct settings *s, const char *name, const char *value, struct arena *a, enum lang lang,
		     const char **why) MUST_CHECK;
/* The complete sample file, every key commented with its default and help: etc/recado.ini is this, and `recado init` writes it. */
void settings_sample(struct sb *sb, const struct setting *const *tables, enum lang lang);

#endif
