/*
** top_help.c -- what `recado --help` says: every command with one line, by subject.
**
** Needs:  the tables of commands (house_commands).
** Holds:  each command stands under exactly one subject; one that no subject names stands under the last.
*/
#include "house.h"
#include "module.h"

#include <string.h>

#define NAME_ROOM 20 /* columns of the longest name, "schedules resume" and a little more */

/* First words of commands, each between bars. */
static const struct {
	const char *title, *words;
} subjects[] = {
	{ N_("First steps"), "|serve|init|demo|version|" },
	{ N_("Messages"), "|outbox|why|forecast|" },
	{ N_("Night watch"), "|check|alerts|schedules|jobs|queues|log|tables|" },
	{ N_("Backups"), "|backup|restore|rollback|storage|" },
	{ N_("People and programs"), "|user|role|token|api|routes|" },
	{ N_("Settings"), "|config|" },
	{ N_("Guides"), "|guide|rescue|sandbox|standin|" },
	{ N_("Business"), "" }, /* the modules' own, and import */
};

#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

static size_t subject_of(const char *name)
{
	char word[64];

	snprintf(word, sizeof(word), "|%.*s|", (int)strcspn(name, " "), name);
	for (size_t i = 0; i < SUBJECTS; i++)
		if (strstr(subjects[i].words, word) != NULL) return i;
	return SUBJECTS - 1;
}

static void print_line(FILE *out, const struct command *c, enum lang lang)
{
	fprintf(out, "  %-*s  %s\n", NAME_ROOM, c->name, words_get(lang, c->help));
}

static void print_subject(FILE *out, size_t subject, const struct command *serve, enum lang lang)
{
	fprintf(out, "%s\n", words_get(lang, subjects[subject].title));
	if (subject_of(serve->name) == subject) print_line(out, serve, lang);
	for (const struct command *const *list = house_commands(); *list != NULL; list++)
		for (const struct command *c = *list; c->name != NULL; c++)
			if (subject_of(c->name) == subject) print_line(out, c, lang);
	fputc('\n', out);
}

void top_help(FILE *out, const struct command *serve, enum lang lang)
{
	fprintf(out, "%s\n\n",
		words_get(
			lang,
			N_("recado: notices, messages and reports of a small business, from one program.")));
	print_subject(out, 0, serve, lang);
	print_subject(out, SUBJECTS - 1, serve, lang);
	for (size_t i = 1; i < SUBJECTS - 1; i++)
		print_subject(out, i, serve, lang);
	fprintf(out, "%s\n", words_get(lang, N_("The options of each: recado COMMAND --help")));
	fprintf(out, "%s\n",
		words_get(
			lang,
			N_("Everywhere: --config FILE, --json, --lang es|en, --now INSTANT (offline mode only).")));
	fprintf(out, "%s\n",
		words_get(lang, N_("Exit codes: 0 done, 1 failed, 2 usage or bad input, 3 partly.")));
}
