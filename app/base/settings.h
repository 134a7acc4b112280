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

#define SETTINGS_FILE_MAX (256 * 1024) /* every key ten times over, with comments; more is another file */
#define SETTING_INTS_MAX  32           /* longest list; four notice stages are usual                    */

/*
** How a value is written. An empty value is allowed where the default is empty and means "not set": it reads
** as "" or 0. BOOL: yes no true false on off 1 0, and sí. HHMM: 00:00 to 23:59. ZONE: an IANA name. URL:
** http:// or https:// (or the schemes in choices, "http|https|smtp"), a host, no user. LIST_INT: 7,3,1,0,
** each within min…max.
*/
enum setting_type { SET_TEXT, SET_INT, SET_BOOL, SET_ONE, SET_HHMM, SET_ZONE, SET_URL, SET_LIST_INT };

struct setting {
	const char *name; /* "whatsapp.api_key": section and key                    */
	enum setting_type type;
	const char *def;     /* default, as written; NULL counts as ""                  */
	int64_t min, max;    /* of an int (both 0: any); length of a text (max 0 = 1000) */
	const char *choices; /* SET_ONE: "es|en"                                     */
	bool is_secret;      /* masked everywhere; may be file:PATH or env:NAME           */
	const char *old;     /* the old systems' variables: "WASENDER_API_KEY|WASENDER_KEY"  */
	const char *help;    /* N_() one line                                           */
	const char *title;   /* N_() its name for people; NULL: the key                  */
	const char *section; /* N_() title of the section, in its first row; NULL: its name */
	/* Read at the start only: setting_text() and the others tell that value until the next start. */
	bool needs_restart;
	/* Half a sentence (lang, arena) that follows the name: why a value of the right type cannot be.
	** NULL: it can. Asked when somebody sets it, never at a start: what is right today may be absent
	** tomorrow. */
	const char *(*refuse)(const char *value, struct arena *a, enum lang lang);
};

struct settings;
/*
** tables: NULL-terminated list of row arrays, each ended by a row without name. path may be absent
** (defaults). On failure *why (arena) holds the sentence(s) in lang. file:PATH and env:NAME values are
** resolved here.
*/
enum rc settings_load(struct settings **out, const struct setting *const *tables, const char *path,
		      struct arena *a, enum lang lang, const char **why) MUST_CHECK;
void settings_free(struct settings *s);
/*
** Read again from the same file; on failure everything stays as it was. Readers keep old text valid for ever.
*/
enum rc settings_reload(struct settings *s, struct arena *a, enum lang lang, const char **why) MUST_CHECK;

/* Typed reading by full name; asking for a name that no table has is our bug (logged, default "" or 0). */
const char *setting_text(const struct settings *s, const char *name);
int64_t setting_int(const struct settings *s, const char *name); /* HHMM: minutes after midnight */
bool setting_bool(const struct settings *s, const char *name);
size_t setting_ints(const struct settings *s, const char *name, int64_t *out, size_t max);

/*
** A value from the command line or a test, as the file would have it; wins over the file, also after a
** reload. RC_NOT_FOUND: no such name; RC_BAD_INPUT: not such a value.
*/
enum rc settings_override(struct settings *s, const char *name, const char *value) MUST_CHECK;

/* Walking: rows in table order, their value as written (secrets masked) and origin ("default",
** "file:12" with the line, "env" for env:NAME, "override"). Both lent for ever; "" for an unknown name. */
const struct setting *settings_row(const struct settings *s, size_t i);          /* NULL past the end */
const struct setting *settings_find(const struct settings *s, const char *name); /* NULL: no such     */
const char *settings_shown(const struct settings *s, const char *name);
const char *settings_origin(const struct settings *s, const char *name);

/* The file says something else than what is in force: it waits for the next start (needs_restart). */
bool settings_waits(const struct settings *s, const char *name);
/* "yes or no", "a whole number from 1 to 32": for forms and messages. Arena. */
const char *setting_expected(const struct setting *row, struct arena *a, enum lang lang);

#define SETTINGS_SEEN_SIZE 33 /* 128 bits of a SHA-256 in hex, and NUL */
/*
** What the file is now, to be handed to settings_set_many() later: another text means that somebody changed
** it meanwhile. "" without a file.
*/
void settings_seen(const struct settings *s, char out[SETTINGS_SEEN_SIZE]);
/* The file was changed since it was last read: what is in force is not what it says. */
bool settings_are_stale(const struct settings *s);

/* One of the changes of a save. */
struct setting_change {
	const char *name;
	const char *value; /* as written; NULL removes the line (back to default)                     */
	const char *why;   /* out: half a sentence, as settings_check() says; NULL: nothing wrong          */
};
/*
** Check all as the loader would, and by the rows' refuse: RC_BAD_INPUT when one is wrong. Each wrong one has
** its why: half a sentence that follows the name ("should be yes or no, not “x”").
*/
enum rc settings_check(const struct settings *s, struct setting_change *changes, size_t count,
		       struct arena *a, enum lang lang) MUST_CHECK;
/*
** The same, then rewrite the file once: comments, order, owner and mode kept, written aside, synced, renamed:
** all changes or none. seen: of settings_seen() when the person looked, NULL = whatever it is now;
** RC_CONFLICT when it is another. Nothing is read again: settings_reload(). *why: the sentence of the first
** failure.
*/
enum rc settings_set_many(const struct settings *s, struct setting_change *changes, size_t count,
			  const char *seen, struct arena *a, enum lang lang, const char **why) MUST_CHECK;
/* The same for one. */
enum rc settings_set(const struct settings *s, const char *name, const char *value, struct arena *a,
		     enum lang lang, const char **why) MUST_CHECK;
/*
** The complete sample file, every key commented with its default and help: etc/recado.ini is this, and
** `recado init` writes it.
*/
void settings_sample(struct sb *sb, const struct setting *const *tables, enum lang lang);

#endif
