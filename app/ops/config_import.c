/*
** config_import.c -- `recado config import FILE.env`: the settings of an old installation.
**
** Needs:  the rows' .old names; base/dotenv.h to read the file.
** Never:  prints a secret; takes over what a check refuses.
** Holds:  (1) every pair of the file is told as taken, already so, fallen away or not readable; (2) all that
**         is taken is written in one save, or nothing is; (3) --dry-run tells the same and writes nothing.
*/
#include "base/dotenv.h"
#include "base/text.h"
#include "desk/settings.h"
#include "ops/check.h"
#include "ops/cmd.h"

#include <stdio.h>
#include <string.h>

#define PAIRS_MAX 500 /* the largest old .env had 60 */

enum fate { TAKEN, SAME, GONE, WRONG, FATES };

struct line {
	enum fate fate;
	int line;
	const char *old, *name, *value, *why; /* name: of the setting, "" without; value masked */
	const char *said;                     /* the value as the setting would have it, never shown */
};

struct import {
	struct line lines[PAIRS_MAX];
	size_t count;
	struct setting_change changes[PAIRS_MAX];
	size_t changed;
};

/* What has no place here, and why: people look for it. The rest that no row knows is told as unknown. */
static const struct {
	const char *old, *why;
} gone[] = {
	{ "SECRET_KEY", N_("the key file takes its place") },
	{ "DEBUG", N_("there is no debug mode") },
	{ "DATABASE_URL", N_("the database is recado.db in the state folder") },
	{ "DB_NAME", N_("the database is recado.db in the state folder") },
	{ "DB_HOST", N_("the database is recado.db in the state folder") },
	{ "DB_USER", N_("the database is recado.db in the state folder") },
	{ "DB_PASSWORD", N_("the database is recado.db in the state folder") },
	{ "REDIS_URL", N_("nothing beside this program is needed for work in the background") },
	{ "CELERY_BROKER_URL", N_("nothing beside this program is needed for work in the background") },
	{ "DJANGO_SETTINGS_MODULE", N_("it belonged to the old program") },
	{ "EMAIL_BACKEND", N_("mails leave through the server of smtp.host") },
	{ "WASENDER_SESSION_ID", N_("the API key says which number it is") },
	{ "WASENDER_WEBHOOK_URL", N_("the address follows from web.public_url") },
	{ "DOPPLER_RELAY_DEBUG", N_("there is no debug mode") },
	{ "DOPPLER_QUOTA_OVERAGE_ENABLED", N_("the quota guard never lets more through than its limits") },
	{ "REPORTS_TIMER_LOCK_PATH", N_("one process holds the folder, nothing runs twice") },
	{ "ANALYTICS_DB_HOST",
	  N_("reports go to reports.db; reports.analytics = yes gives them tables of their own") },
	{ "ANALYTICS_DB_PORT",
	  N_("reports go to reports.db; reports.analytics = yes gives them tables of their own") },
	{ "ANALYTICS_DB_NAME",
	  N_("reports go to reports.db; reports.analytics = yes gives them tables of their own") },
	{ "ANALYTICS_DB_USER",
	  N_("reports go to reports.db; reports.analytics = yes gives them tables of their own") },
	{ "ANALYTICS_DB_SSLMODE",
	  N_("reports go to reports.db; reports.analytics = yes gives them tables of their own") },
	{ "SECOND_PASS_HOUR", N_("one run a day catches up by itself") },
};

/* Is name one of "A|B|C"? */
static bool is_one_of(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (list != NULL && *list != '\0') {
		size_t n = strcspn(list, "|");

		if (n == len && memcmp(list, name, n) == 0) return true;
		list += n + (list[n] == '|');
	}
	return false;
}

/* The n-th row (from 0) that had this name; NULL past the last. */
static const struct setting *row_of(const struct settings *s, const char *old, size_t n)
{
	const struct setting *row;

	for (size_t i = 0; (row = settings_row(s, i)) != NULL; i++)
		if (is_one_of(row->old, old) && n-- == 0) return row;
	return NULL;
}

/* One old value for two rows is a range, "8-20": the first row gets its begin, the second its end. */
static const char *part_of(struct arena *a, const char *text, size_t n)
{
	size_t left = strcspn(text, "-\xe2"); /* a hyphen, or the first byte of a dash */
	const char *right = text + left + strspn(text + left, "-\xe2\x80\x93\x94");

	return n == 0 ? text_trim(a, arena_bytes(a, text, left)) : text_trim(a, right);
}

/* "[7, 3, 1]" and "(7,3)" as "7,3,1": the old programs read lists of Python. */
static const char *without_brackets(struct arena *a, const char *text)
{
	size_t skip = strspn(text, "[( "), len = strlen(text);

	while (len > skip && strchr("]) ,", text[len - 1]) != NULL)
		len--;
	return arena_bytes(a, text + skip, len - skip);
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

static bool is_yes(const char *value)
{
	return text_equal_fold(value, "true") || text_equal_fold(value, "yes") ||
	       text_equal_fold(value, "on") || strcmp(value, "1") == 0;
}

/* "0.15" as "15"; what is no such number stays and is refused by the check. */
static const char *ratio_percent(struct arena *a, const char *old)
{
	size_t whole = strspn(old, "0123456789"),
	       part = old[whole] == '.' ? strspn(old + whole + 1, "0123456789") : 0;
	const char *digits = old + whole + 1;
	int percent;

	if (whole == 0 || old[whole + (part > 0 ? part + 1 : 0)] != '\0') return old;
	percent = (old[whole - 1] - '0') * 100;
	if (part > 0) percent += (digits[0] - '0') * 10;
	if (part > 1) percent += digits[1] - '0';
	return whole == 1 ? arena_printf(a, "%d", percent) : old;
}

/* The old value as a row of this type has it; what does not fit stays and is refused by the check. NULL: it
** says nothing about the setting. */
static const char *converted(struct arena *a, const struct setting *row, const char *name, const char *old)
{
	size_t digits = strspn(old, "0123456789"), len = strlen(old);

	switch (row->type) {
	case SET_HHMM: /* an hour alone */
		if (digits > 0 && digits <= 2 && old[digits] == '\0')
			return arena_printf(a, "%s%s:00", digits == 1 ? "0" : "", old);
		break;
	case SET_BOOL: /* a folder of log files: they are wanted */
		if (old[0] == '/') return "yes";
		break;
	case SET_ONE: /* es-ec is es; levels were written large, with two more of them */
		if (strcmp(row->name, "log.level") == 0)
			return strcmp(old, "WARNING") == 0    ? "warn"
			       : strcmp(old, "CRITICAL") == 0 ? "error"
							      : text_lower_ascii(a, old);
		if (ends_in(name, "_USE_TLS") || ends_in(name, "_USE_SSL"))
			return is_yes(old) ? (ends_in(name, "_USE_TLS") ? "starttls" : "tls") : NULL;
		if (len == 5 && (old[2] == '-' || old[2] == '_'))
			return text_lower_ascii(a, arena_bytes(a, old, 2));
		break;
	case SET_LIST_INT: return without_brackets(a, old);
	case SET_INT: /* a ratio as percent: 0.15; and 5.0 */
		if (ends_in(name, "_RATIO")) return ratio_percent(a, old);
		if (digits > 0 && strcmp(old + digits, ".0") == 0) return arena_bytes(a, old, digits);
		break;
	default: break;
	}
	return old;
}

static void add_line(struct import *im, enum fate fate, int line, const char *old, const char *name,
		     const char *why)
{
	if (im->count < PAIRS_MAX)
		im->lines[im->count++] = (struct line){ .fate = fate,
							.line = line,
							.old = old,
							.name = name,
							.value = "",
							.why = why,
							.said = "" };
}

static void forget_change(struct import *im, const char *name)
{
	for (size_t i = 0; i < im->changed; i++) {
		if (strcmp(im->changes[i].name, name) != 0) continue;
		memmove(&im->changes[i], &im->changes[i + 1], (--im->changed - i) * sizeof im->changes[0]);
		break;
	}
}

/* The old programs had two families of names for some things. When both are there and differ, nobody here
** can know which one was in force: neither is taken. */
static bool contradicts(struct cx *cx, struct import *im, const struct dotenv_pair *pair, const char *name,
			const char *said)
{
	for (size_t i = im->count; i-- > 0;) {
		struct line *l = &im->lines[i];

		if (strcmp(l->name, name) != 0 || l->fate == GONE || strcmp(l->old, pair->name) == 0)
			continue;
		if (strcmp(l->said, said) == 0) continue;
		forget_change(im, name);
		l->fate = WRONG;
		l->why = arena_printf(cx->arena, _("says something else than %s; take one of them out"),
				      pair->name);
		add_line(im, WRONG, pair->line, pair->name, name,
			 arena_printf(cx->arena, _("says something else than %s; take one of them out"),
				      l->old));
		im->lines[im->count - 1].said = said;
		return true;
	}
	return false;
}

/* The last line of a variable counts, as it did: an earlier one falls away. */
static void forget_earlier(struct cx *cx, struct import *im, const char *name)
{
	forget_change(im, name);
	for (size_t i = 0; i < im->count; i++)
		if (strcmp(im->lines[i].name, name) == 0 && im->lines[i].fate != GONE) {
			im->lines[i].fate = GONE;
			im->lines[i].why = _("a later line says it again");
		}
}

static void take_row(struct cx *cx, struct import *im, const struct dotenv_pair *pair,
		     const struct setting *row, const char *value)
{
	const struct settings *s = cx->env->settings;
	const char *said = converted(cx->arena, row, pair->name, value);
	struct setting_change *c;
	struct line *l;
	enum rc rc;

	if (said == NULL) {
		add_line(im, GONE, pair->line, pair->name, "",
			 arena_printf(cx->arena, _("%s says how it is here"), row->name));
		return;
	}
	if (contradicts(cx, im, pair, row->name, said)) return;
	forget_earlier(cx, im, row->name);
	c = &im->changes[im->changed];
	*c = (struct setting_change){ .name = row->name, .value = said };
	rc = settings_check(s, c, 1, cx->arena, cx->lang);
	add_line(im, TAKEN, pair->line, pair->name, row->name, "");
	l = &im->lines[im->count - 1];
	l->said = said;
	l->value = row->is_secret && *c->value != '\0' ? "********" : c->value;
	if (rc != RC_OK) {
		l->fate = WRONG;
		l->why = c->why != NULL ? c->why : cx_sentence(cx, rc);
	} else if (strcmp(setting_text(s, row->name), c->value) == 0) {
		l->fate = SAME;
	} else {
		im->changed++;
	}
}

static void take_pair(struct cx *cx, struct import *im, const struct dotenv_pair *pair)
{
	const struct settings *s = cx->env->settings;
	bool is_range = row_of(s, pair->name, 1) != NULL;
	const struct setting *row;
	const char *why = N_("no setting of that name here");

	for (size_t n = 0; (row = row_of(s, pair->name, n)) != NULL && im->count < PAIRS_MAX; n++)
		take_row(cx, im, pair, row, is_range ? part_of(cx->arena, pair->value, n) : pair->value);
	if (row_of(s, pair->name, 0) != NULL) return;
	for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
		if (strcmp(gone[i].old, pair->name) == 0) why = gone[i].why;
	add_line(im, GONE, pair->line, pair->name, "", words_get(cx->lang, why));
}

static enum rc read_file(struct cx *cx, FILE *in, struct bytes *out)
{
	char *text = arena_alloc(cx->arena, DOTENV_FILE_MAX + 1);
	size_t n = text != NULL ? fread(text, 1, DOTENV_FILE_MAX + 1, in) : 0;

	if (text == NULL) return RC_NO_MEMORY;
	if (ferror(in)) return cx_fail(cx, RC_IO, _("The file cannot be read."));
	if (n > DOTENV_FILE_MAX)
		return cx_fail(cx, RC_TOO_LARGE, _("The file is larger than %d kB: that is no .env file."),
			       DOTENV_FILE_MAX / 1024);
	*out = (struct bytes){ text, n };
	return RC_OK;
}

static enum rc read_pairs(struct cx *cx, struct import *im, struct bytes in)
{
	int line = 1, at = 0;

	for (;;) {
		struct dotenv_pair pair;
		enum rc rc = dotenv_next(&pair, &in, &line, &at, cx->arena);

		if (rc == RC_NOT_FOUND) return RC_OK;
		if (rc == RC_BAD_INPUT)
			add_line(im, WRONG, at, "", "", _("is not NAME=VALUE"));
		else if (rc == RC_OK)
			take_pair(cx, im, &pair);
		else
			return rc;
		if (im->count == PAIRS_MAX)
			return cx_fail(cx, RC_TOO_LARGE, _("The file has more than %d lines with values."),
				       PAIRS_MAX - 1);
	}
}

static const char *const fate_names[FATES] = { "taken", "same", "gone", "wrong" };

static void print_json(struct cx *cx, struct command_call *call, const struct import *im, bool is_dry)
{
	struct value *root = value_map(cx->arena), *list = value_set_list(cx->arena, root, "lines");

	value_set_bool(cx->arena, root, "is_dry_run", is_dry);
	for (size_t i = 0; i < im->count; i++) {
		const struct line *l = &im->lines[i];
		struct value *v = value_add_map(cx->arena, list);

		value_set_text(cx->arena, v, "fate", fate_names[l->fate]);
		value_set_int(cx->arena, v, "line", l->line);
		value_set_text(cx->arena, v, "variable", l->old);
		value_set_text(cx->arena, v, "setting", l->name);
		value_set_text(cx->arena, v, "value", l->value);
		value_set_text(cx->arena, v, "why", l->why);
	}
	command_print(cx, call, root);
}

static void print_lines(struct cx *cx, FILE *out, const struct import *im, enum fate fate, const char *title)
{
	bool is_first = true;

	for (size_t i = 0; i < im->count; i++) {
		const struct line *l = &im->lines[i];

		if (l->fate != fate) continue;
		if (is_first) fprintf(out, "%s\n", title);
		is_first = false;
		fprintf(out, "  ");
		fprintf(out, _("line %d"), l->line);
		if (l->old[0] != '\0') fprintf(out, ": %s", l->old);
		if (l->name[0] != '\0') fprintf(out, " → %s", l->name);
		if (fate == TAKEN || fate == SAME) fprintf(out, " = %s", l->value);
		fprintf(out, "%s%s\n", l->why[0] != '\0' ? ": " : "", l->why);
	}
}

static void print_text(struct cx *cx, struct command_call *call, const struct import *im, bool is_dry)
{
	print_lines(cx, call->out, im, TAKEN, is_dry ? _("Would be taken over:") : _("Taken over:"));
	print_lines(cx, call->out, im, SAME, _("Already so:"));
	print_lines(cx, call->out, im, GONE, _("Fell away:"));
	print_lines(cx, call->out, im, WRONG, _("Could not be read, nothing of it was taken:"));
	if (im->count == 0) fprintf(call->out, "%s\n", _("The file has no values."));
	if (is_dry) fprintf(call->out, "%s\n", _("Nothing was written (--dry-run)."));
}

enum rc config_import_override(struct cx *cx, FILE *file, const char **why)
{
	struct import *im = arena_alloc(cx->arena, sizeof *im);
	struct sb wrong;
	struct bytes in;
	enum rc rc;

	if (im == NULL) return RC_NO_MEMORY;
	im->count = im->changed = 0;
	sb_init_arena(&wrong, cx->arena, 16 * 1024);
	rc = read_file(cx, file, &in);
	if (rc == RC_OK) rc = read_pairs(cx, im, in);
	for (size_t i = 0; rc == RC_OK && i < im->count; i++)
		if (im->lines[i].fate == WRONG)
			sb_printf(&wrong, "%s%s %d: %s", wrong.len > 0 ? "; " : "", _("line"),
				  im->lines[i].line, im->lines[i].old);
	for (size_t i = 0; rc == RC_OK && i < im->changed; i++)
		rc = settings_override(cx->env->settings, im->changes[i].name, im->changes[i].value);
	if (rc != RC_OK) {
		*why = arena_text(cx->arena, cx_sentence(cx, rc));
		return rc;
	}
	if (wrong.len > 0)
		*why = arena_printf(cx->arena, _("Not a value that the setting can have: %s."),
				    sb_text_of(&wrong));
	return wrong.len > 0 ? RC_PARTLY : RC_OK;
}

enum rc ops_run_config_import(struct cx *cx, struct command_call *call)
{
	const char *const flags[] = { "dry-run", NULL }, *const none[] = { NULL };
	struct import *im = arena_alloc(cx->arena, sizeof *im);
	bool is_dry = command_flag(call, "dry-run"), has_wrong = false;
	struct bytes in;
	enum rc rc = command_check(cx, call, flags, none);

	if (im == NULL) return RC_NO_MEMORY;
	if (rc == RC_OK && command_word(call, 0, none) == NULL)
		rc = cx_fail(cx, RC_BAD_INPUT, _("Say which file: recado config import FILE.env"));
	if (rc == RC_OK) rc = read_file(cx, call->in, &in);
	if (rc == RC_OK) rc = read_pairs(cx, im, in);
	if (rc == RC_OK && !is_dry && im->changed > 0)
		rc = settings_save(
			cx, &(struct settings_order){ .changes = im->changes, .count = im->changed }, NULL);
	if (rc != RC_OK) return rc;
	if (call->is_json)
		print_json(cx, call, im, is_dry);
	else
		print_text(cx, call, im, is_dry);
	for (size_t i = 0; i < im->count; i++)
		has_wrong = has_wrong || im->lines[i].fate == WRONG;
	return has_wrong ? RC_PARTLY : RC_OK;
}
