/*
** alarm_text.c -- in which words the owner is told: what it is, since when, the one next step, where to look.
**
** Never:  sends; puts anything into a text that is not in the alert's row or the settings.
** Holds:  a text is understood without the panel and without knowing this program: first line what, last line
** where.
*/
#include "base/text.h"
#include "ops/alarm.h"

#include <string.h>

#define TEXT_MAX    4000
#define SUBJECT_MAX 160 /* longer ones are cut by mail programs anyway */
#define SUMMARY_MAX 12000

const char *alarm_severity_words(enum lang lang, const char *severity)
{
	if (strcmp(severity, "urgent") == 0) return words_get(lang, N_("Urgent"));
	return strcmp(severity, "warning") == 0 ? words_get(lang, N_("Warning"))
						: words_get(lang, N_("Notice"));
}

bool alarm_remedy_is_command(const char *remedy)
{
	return remedy[0] >= 'a' && remedy[0] <= 'z';
}

/* "Urgent", "Reminder"…: what kind of word this is. */
static const char *opening(enum lang lang, const struct alarm_said *a, const char *word)
{
	if (strcmp(word, "test") == 0) return words_get(lang, N_("Test only"));
	if (strcmp(word, "solved") == 0) return words_get(lang, N_("Solved"));
	if (strncmp(word, "reminder", 8) == 0) return words_get(lang, N_("Still open"));
	return alarm_severity_words(lang, a->severity);
}

static const char *first_line(struct cx *cx, const struct alarm_said *a, const char *word)
{
	enum lang lang = cx->env->lang;

	return arena_printf(cx->arena, "%s: %s", opening(lang, a, word),
			    alert_sentence(cx->arena, lang, a->msgid, a->subject));
}

const char *alarm_subject(struct cx *cx, const struct alarm_said *a, const char *word)
{
	const char *line = first_line(cx, a, word);
	size_t n = text_prefix(line, SUBJECT_MAX);

	if (line[n] == '\0') return line;
	return arena_printf(cx->arena, "%.*s…", (int)text_prefix(line, SUBJECT_MAX - 1), line);
}

const char *alarm_summary_subject(struct cx *cx, size_t count)
{
	return arena_printf(
		cx->arena,
		words_plural(cx->env->lang, (int64_t)count, N_("%lld more alert"), N_("%lld more alerts")),
		(long long)count);
}

static const char *local(struct cx *cx, instant at)
{
	char text[RFC3339_SIZE];

	instant_text_local(text, at, cx->env->zone);
	return arena_text(cx->arena, text);
}

/* Where: the panel's address if it is known from outside. */
static void put_foot(struct cx *cx, struct sb *sb, const char *link)
{
	const char *url = setting_text(cx->env->settings, "web.public_url");
	size_t n = strlen(url);

	while (n > 0 && url[n - 1] == '/')
		n--;
	sb_lit(sb, "\n");
	if (n > 0) sb_printf(sb, "%.*s%s\n", (int)n, url, link);
	sb_printf(sb, "%s\n", setting_text(cx->env->settings, "business.name"));
}

static void put_when(struct cx *cx, struct sb *sb, const struct alarm_said *a, const char *word)
{
	enum lang lang = cx->env->lang;

	if (strcmp(word, "solved") == 0)
		sb_printf(sb, words_get(lang, N_("From %s to %s.")), local(cx, a->created_at),
			  local(cx, a->resolved_at));
	else
		sb_printf(sb, words_get(lang, N_("Since %s.")), local(cx, a->created_at));
	sb_lit(sb, "\n");
}

const char *alarm_text(struct cx *cx, const struct alarm_said *a, const char *word)
{
	enum lang lang = cx->env->lang;
	const char *link = a->link[0] == '/' ? a->link : "/alerts";
	struct sb sb;

	sb_init_arena(&sb, cx->arena, TEXT_MAX);
	sb_printf(&sb, "%s\n", first_line(cx, a, word));
	put_when(cx, &sb, a, word);
	if (strcmp(word, "test") == 0)
		sb_printf(&sb, "%s\n",
			  words_get(lang, N_("Nothing is wrong: somebody tried whether notices arrive.")));
	if (strcmp(word, "solved") != 0 && a->remedy[0] != '\0') {
		sb_printf(&sb, words_get(lang, N_("What to do: %s")), words_get(lang, a->remedy));
		sb_lit(&sb, "\n");
	}
	put_foot(cx, &sb, link);
	return sb_text_of(&sb);
}

const char *alarm_summary(struct cx *cx, const struct alarm_said *all, const char *const *words, size_t count)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, SUMMARY_MAX);
	sb_printf(&sb, "%s\n\n",
		  words_get(cx->env->lang,
			    N_("So much happened within an hour that the rest stands in one mail:")));
	for (size_t i = 0; i < count && sb.len < SUMMARY_MAX - TEXT_MAX; i++)
		sb_printf(&sb, "- %s (%s)\n", first_line(cx, &all[i], words[i]),
			  local(cx, all[i].created_at));
	put_foot(cx, &sb, "/alerts");
	return sb_text_of(&sb);
}
