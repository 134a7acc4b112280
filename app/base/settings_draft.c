/*
** settings_draft.c -- the text of an INI file against the tables of rows.
**
** Owns:   nothing; the result lies in the caller's arena.
** Needs:  inih, compiled with line numbers (the Makefile's INIH has the same defines as the library).
** Never:  reads a file (settings_file.c) or keeps a value (settings.c).
** Holds:  (1) each row gets exactly one value: of its line, or its default; (2) all faults of a file are told
**         at once, up to FAULTS_MAX, each with its line.
*/
#include "base/settings_inside.h"
#include "base/log.h"
#include "base/text.h"

#include <ini.h>
#include <string.h>

#if !INI_HANDLER_LINENO || !INI_CALL_HANDLER_ON_NEW_SECTION
#error "inih must be built with line numbers and section calls"
#endif

#define LINE_BYTES_MAX 4000 /* inih reads lines of 4,095 bytes                          */
#define FAULTS_MAX     20   /* a person mends a few at a time; more is the wrong file    */

struct draft {
	struct draft_value *out;
	const struct setting *const *rows;
	size_t count;
	const char *path, *folder;
	struct arena *a;
	enum lang lang;
	struct sb why;
	size_t faults;
	enum rc rc; /* RC_NO_MEMORY once it happened */
};

const struct setting **settings_rows(const struct setting *const *tables, struct arena *a, size_t *count)
{
	const struct setting **rows;
	size_t t, i, n = 0;

	for (t = 0; tables[t]; t++)
		for (i = 0; tables[t][i].name; i++)
			n++;
	*count = n;
	if (!(rows = arena_array(a, n + 1, sizeof(*rows)))) return NULL;
	for (n = 0, t = 0; tables[t]; t++)
		for (i = 0; tables[t][i].name; i++)
			rows[n++] = &tables[t][i];
	return rows;
}

/* One more sentence "FILE, line N: what". */
static void fault(struct draft *d, int line, const char *what)
{
	if (d->faults++ >= FAULTS_MAX) return;
	if (d->faults > 1) sb_char(&d->why, '\n');
	if (line > 0)
		sb_printf(&d->why, words_get(d->lang, N_("%s, line %d: %s")), d->path, line, what);
	else
		sb_printf(&d->why, "%s: %s", d->path, what);
}

/* Unknown names */

/* All sections once, or all full names, as text_nearest wants them. NULL: no memory. */
static const char **candidates(const struct setting *const *rows, size_t count, bool are_sections,
			       struct arena *a)
{
	const char **list = arena_array(a, count + 1, sizeof(*list));
	size_t i, k, n = 0;

	for (i = 0; list && i < count; i++) {
		const char *name = rows[i]->name;

		if (are_sections) name = arena_bytes(a, name, strcspn(name, "."));
		for (k = 0; k < n && strcmp(list[k], name) != 0; k++) {
		}
		if (k == n) list[n++] = name;
	}
	return list;
}

const char *settings_unknown(const struct setting *const *rows, size_t count, const char *name,
			     struct arena *a, enum lang lang)
{
	const char **known = candidates(rows, count, false, a),
		   *near = known ? text_nearest(name, known) : NULL;

	if (!near) return arena_printf(a, words_get(lang, N_("there is no setting “%.80s”.")), name);
	return arena_printf(a, words_get(lang, N_("there is no setting “%.80s”. Did you mean “%s”?")), name,
			    near);
}

static bool has_section(const struct draft *d, const char *section)
{
	size_t len = strlen(section), i;

	for (i = 0; i < d->count; i++)
		if (strncmp(d->rows[i]->name, section, len) == 0 && d->rows[i]->name[len] == '.') return true;
	return false;
}

static void unknown_section(struct draft *d, const char *section, int line)
{
	const char **known = candidates(d->rows, d->count, true, d->a);
	const char *near = known ? text_nearest(section, known) : NULL;

	if (near)
		fault(d, line,
		      arena_printf(d->a,
				   words_get(d->lang, N_("there is no section [%.60s]. Did you mean [%s]?")),
				   section, near));
	else
		fault(d, line,
		      arena_printf(d->a, words_get(d->lang, N_("there is no section [%.60s].")), section));
}

/* Names that an earlier version wrote into files: they are passed over, or an upgrade would not start. */
static bool is_retired(const char *name)
{
	static const char *const retired[] = { "backup.keep" };

	for (size_t i = 0; i < sizeof(retired) / sizeof(retired[0]); i++)
		if (strcmp(retired[i], name) == 0) return true;
	return false;
}

/* Inih's calls */

static void take_value(struct draft *d, const char *name, const char *value, int line)
{
	const char *half;
	size_t i = 0;
	enum rc rc;

	while (i < d->count && strcmp(d->rows[i]->name, name) != 0)
		i++;
	if (i == d->count && is_retired(name)) return;
	if (i == d->count) {
		fault(d, line, settings_unknown(d->rows, d->count, name, d->a, d->lang));
		return;
	}
	if (d->out[i].line > 0) {
		fault(d, line,
		      arena_printf(d->a, words_get(d->lang, N_("“%s” was already set in line %d.")), name,
				   d->out[i].line));
		return;
	}
	d->out[i].line = line;
	rc = setting_read(&d->out[i].value, d->rows[i], arena_text(d->a, value), d->folder, d->a, d->lang,
			  &half);
	if (rc == RC_BAD_INPUT)
		fault(d, line, arena_printf(d->a, words_get(d->lang, N_("“%s” %s.")), name, half));
	else if (rc != RC_OK)
		d->rc = rc;
}

/* Called by inih for a section (name NULL) and for a value; 1 goes on. */
static int on_line(void *user, const char *section, const char *name, const char *value, int line)
{
	struct draft *d = user;

	if (!name) {
		if (!has_section(d, section)) unknown_section(d, section, line);
	} else if (*section == '\0') {
		fault(d, line,
		      arena_printf(d->a, words_get(d->lang, N_("“%.60s” stands before the first [section].")),
				   name));
	} else if (has_section(d, section)) {
		take_value(d, arena_printf(d->a, "%s.%s", section, name), value, line);
	}
	return d->rc == RC_OK;
}

/* The whole text */

/* The line of the first byte that is not UTF-8 text, or of a line that is too long; 0: all fine. */
static int bad_line(const char *text, size_t len, bool *is_long)
{
	const char *p = text, *end = text + len;
	int line = 1;

	for (; p < end; line++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((stop ? stop : end) - p);

		*is_long = n > LINE_BYTES_MAX;
		if (*is_long || !text_is_utf8(p, n)) return line;
		p += n + 1;
	}
	return 0;
}

static enum rc set_defaults(struct draft *d)
{
	const char *half;
	size_t i;
	enum rc rc;

	for (i = 0; i < d->count; i++) {
		if (d->out[i].line > 0) continue;
		rc = setting_read(&d->out[i].value, d->rows[i], setting_default(d->rows[i]), d->folder, d->a,
				  d->lang, &half);
		if (rc == RC_BAD_INPUT) {
			log_event(LOG_ERROR, "errors", "settings.default", "name=%s", d->rows[i]->name);
			fault(d, 0,
			      arena_printf(d->a, words_get(d->lang, N_("“%s” %s.")), d->rows[i]->name, half));
			return RC_BUG;
		}
		if (rc != RC_OK) return rc;
	}
	return RC_OK;
}

enum rc settings_check_text(struct draft_value *out, const struct setting *const *rows, size_t count,
			    const char *path, const char *text, size_t len, struct arena *a, enum lang lang,
			    const char **why)
{
	struct draft d = { .out = out, .rows = rows, .count = count, .path = path, .a = a, .lang = lang };
	bool is_long = false;
	int line = bad_line(text, len, &is_long);
	enum rc rc;

	d.folder = settings_folder(path, a);
	memset(out, 0, count * sizeof(*out));
	sb_init_arena(&d.why, a, 64 * 1024);
	if (line > 0) {
		fault(&d, line,
		      is_long ? words_get(lang, N_("the line is too long."))
			      : words_get(lang, N_("this is not UTF-8 text. Save the file as UTF-8.")));
	} else {
		line = ini_parse_string_length(text, len, on_line, &d);
		if (line > 0 && d.rc == RC_OK)
			fault(&d, line,
			      words_get(lang, N_("neither a [section] nor a “name = value”. "
						 "A comment starts with ;")));
	}
	if (d.faults > FAULTS_MAX)
		sb_printf(&d.why, words_get(lang, N_("\n… and %zu more.")), d.faults - FAULTS_MAX);
	rc = d.rc != RC_OK ? d.rc : d.faults > 0 ? RC_BAD_INPUT : set_defaults(&d);
	if (arena_failed(a)) return RC_NO_MEMORY;
	if (rc != RC_OK) *why = sb_text_of(&d.why);
	return rc;
}
