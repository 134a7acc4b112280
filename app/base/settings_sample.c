/*
** settings_sample.c -- the settings file that explains itself: every key, its help, what it takes, its
** default.
**
** Owns:   nothing. Needs: the tables. Never: reads values in force.
** Holds:  the text loads as it is and then every setting has its default: all keys stand behind a ";".
*/
#include "base/settings_inside.h"

#include <string.h>

#define ARENA_MAX (256 * 1024) /* half sentences of some hundred rows */

static size_t section_len(const struct setting *row)
{
	return strcspn(row->name, ".");
}

static bool same_section(const struct setting *a, const struct setting *b)
{
	return section_len(a) == section_len(b) && strncmp(a->name, b->name, section_len(a)) == 0;
}

static void write_row(struct sb *sb, const struct setting *row, struct arena *a, enum lang lang)
{
	const char *key = row->name + section_len(row);

	sb_printf(sb, "; %s\n", words_get(lang, row->help ? row->help : ""));
	sb_printf(sb, words_get(lang, N_("; Takes %s.")), setting_expected(row, a, lang));
	if (row->is_secret)
		sb_printf(sb, " %s", words_get(lang, N_("Secret: file:PATH and env:NAME work too.")));
	sb_printf(sb, "\n;%s =%s%s\n\n", *key == '.' ? key + 1 : key, *setting_default(row) ? " " : "",
		  setting_default(row));
}

void settings_sample(struct sb *sb, const struct setting *const *tables, enum lang lang)
{
	struct arena *a = arena_new(ARENA_MAX);
	const struct setting **rows;
	size_t count, i, k;

	if (!a || !(rows = settings_rows(tables, a, &count))) {
		sb->rc = RC_NO_MEMORY;
		arena_free(a);
		return;
	}
	sb_text(sb,
		words_get(lang, N_("; Recado: settings. Every key is here with its default; take away the ; "
				   "in front of a key to change it.\n"
				   "; After a change: recado check, then systemctl reload recado "
				   "(or restart it).\n\n")));
	for (i = 0; i < count; i++) {
		for (k = 0; k < i && !same_section(rows[k], rows[i]); k++) {
		}
		if (k < i) continue; /* its section was written already */
		sb_printf(sb, "[%.*s]\n\n", (int)section_len(rows[i]), rows[i]->name);
		for (k = i; k < count; k++)
			if (same_section(rows[k], rows[i])) write_row(sb, rows[k], a, lang);
	}
	arena_free(a);
}
