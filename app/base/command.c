/*
** command.c -- the words after a command's name: options and plain words.
**
** Owns:   nothing; everything returned is lent from argv.
** Needs:  nothing. Never: changes or prints argv. Total.
** Holds:  "--" ends the options; an option's value may stand behind "=" or in the next word.
*/
#include "base/command.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] == '-' && word[2] != '\0';
}

/* Is word "--name" or "--name=…"? name may be given with or without its dashes. */
static bool names(const char *word, const char *name)
{
	size_t n;

	if (name[0] == '-' && name[1] == '-') name += 2;
	n = strlen(name);
	return is_option(word) && strncmp(word + 2, name, n) == 0 &&
	       (word[2 + n] == '\0' || word[2 + n] == '=');
}

static bool is_listed(const char *word, const char *const *list)
{
	for (; list && *list; list++)
		if (names(word, *list)) return true;
	return false;
}

/* The next word is the value unless it is an option itself; "--" is none. */
static const char *next_value(const struct command_call *call, int i)
{
	if (i + 1 >= call->argc || is_option(call->argv[i + 1]) || strcmp(call->argv[i + 1], "--") == 0)
		return "";
	return call->argv[i + 1];
}

const char *command_option(const struct command_call *call, const char *name)
{
	int i;

	for (i = 0; i < call->argc && strcmp(call->argv[i], "--") != 0; i++)
		if (names(call->argv[i], name)) {
			const char *equals = strchr(call->argv[i], '=');

			return equals ? equals + 1 : next_value(call, i);
		}
	return NULL;
}

bool command_flag(const struct command_call *call, const char *name)
{
	int i;

	for (i = 0; i < call->argc && strcmp(call->argv[i], "--") != 0; i++)
		if (names(call->argv[i], name)) return true;
	return false;
}

/* "--at INSTANT" in the usage; "--hold]", "--hold|…" and "--commit [--x Y]" take none. */
static bool usage_gives_value(const char *usage, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = usage; (p = strstr(p, word)) != NULL; p += n)
		if (p[n] == ' ' && p[n + 1] != '[' && p[n + 1] != '-' && p[n + 1] != '\0' &&
		    (p == usage || strchr(" [|", p[-1]) != NULL))
			return true;
	return false;
}

static const char *find_word(const struct command_call *call, size_t i, const char *const *takes_value,
			     const char *usage)
{
	bool is_plain = false; /* behind "--" */
	int k;

	for (k = 0; k < call->argc; k++) {
		const char *word = call->argv[k];

		if (!is_plain && strcmp(word, "--") == 0) {
			is_plain = true;
		} else if (!is_plain && is_option(word)) {
			bool has_value =
				usage != NULL ? usage_gives_value(usage, word) : is_listed(word, takes_value);

			if (!strchr(word, '=') && has_value && *next_value(call, k)) k++;
		} else if (i-- == 0) {
			return word;
		}
	}
	return NULL;
}

const char *command_word(const struct command_call *call, size_t i, const char *const *takes_value)
{
	return find_word(call, i, takes_value, NULL);
}

const char *command_word_by_usage(const struct command_call *call, size_t i, const char *usage)
{
	return find_word(call, i, NULL, usage);
}

/* How many plain words the usage has a place for: what is neither an option nor an option's value. */
static size_t places_for_words(const char *usage, const char *const *takes_value)
{
	size_t places = 0;
	bool is_value = false;

	if (strstr(usage, "…") != NULL) return SIZE_MAX;
	for (const char *p = usage; *p != '\0'; p += strcspn(p, " ")) {
		p += strspn(p, " ");
		p += strspn(p, "[");
		if (*p == '\0') break;
		if (*p == '|') continue;
		if (p[0] == '-') {
			char option[64];
			size_t n = strcspn(p, " ]");

			snprintf(option, sizeof(option), "%.*s", (int)n, p);
			is_value = is_listed(option, takes_value);
			continue;
		}
		if (!is_value) places++;
		is_value = false;
	}
	return places;
}

enum rc command_check(struct cx *cx, const struct command_call *call, const char *const *flags,
		      const char *const *takes_value)
{
	int i;

	for (i = 0; i < call->argc && strcmp(call->argv[i], "--") != 0; i++) {
		const char *word = call->argv[i];
		bool has_value = is_option(word) && strchr(word, '=') != NULL;

		if (!is_option(word)) continue;
		if (is_listed(word, takes_value)) {
			if (!has_value && i + 1 < call->argc && *next_value(call, i))
				i++;
			else if (!has_value)
				return cx_fail(cx, RC_BAD_INPUT, _("The option %.60s needs a value."), word);
		} else if (!is_listed(word, flags)) {
			return cx_fail(cx, RC_BAD_INPUT, _("There is no option %.60s here."), word);
		} else if (has_value) {
			return cx_fail(cx, RC_BAD_INPUT, _("The option %.60s takes no value."), word);
		}
	}
	if (call->usage != NULL) {
		size_t places = places_for_words(call->usage, takes_value);
		const char *more = places < SIZE_MAX ? command_word(call, places, takes_value) : NULL;

		if (more != NULL)
			return cx_fail(cx, RC_BAD_INPUT, _("“%.60s” has no place here: recado %s %s"), more,
				       call->name, call->usage);
	}
	return RC_OK;
}
