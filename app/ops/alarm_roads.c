/*
** alarm_roads.c -- the ways to the owner: which there are, and their addresses as the settings have them.
**
** Owns:   the table of roads.
** Never:  sends.
** Holds:  a road without a complete setting has no address, so nothing is made for it.
*/
#include "base/text.h"
#include "ops/alarm.h"
#include "outbox/channels/chat.h"

#include <string.h>

const struct alarm_road alarm_roads[] = {
	{ "email", N_("E-mail"), "alerts.email_from" },
	{ "slack", N_("Slack"), "alerts.slack_from" },
	{ "discord", N_("Discord"), "alerts.discord_from" },
	{ "telegram", N_("Telegram"), "alerts.telegram_from" },
	{ NULL, NULL, NULL },
};

const struct alarm_road *alarm_road_find(const char *name)
{
	for (const struct alarm_road *r = alarm_roads; r->name != NULL; r++)
		if (strcmp(r->name, name) == 0) return r;
	return NULL;
}

static bool is_between(char c)
{
	return c == ',' || c == ';' || c == ' ' || c == '\t';
}

/* One @, something before it, a dot behind it, no blanks or quotes: what a mail server decides about the
** rest. */
static bool is_address(const char *p, size_t n)
{
	const char *at = memchr(p, '@', n);

	if (at == NULL || at == p || n > 254) return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] <= ' ' || strchr("<>()[]\\,;:\"", p[i]) != NULL ||
		    (unsigned char)p[i] >= 0x7f)
			return false;
	at++;
	return memchr(at, '@', n - (size_t)(at - p)) == NULL &&
	       memchr(at, '.', n - (size_t)(at - p)) != NULL && *at != '.' && p[n - 1] != '.';
}

/* Addresses of a list, lower case; *is_fine false when one of them is none or there are too many. */
static size_t split(struct arena *a, const char *list, const char *out[ALARM_PLACES_MAX], bool *is_fine)
{
	size_t count = 0;

	*is_fine = true;
	while (*list != '\0') {
		size_t n = 0;

		while (is_between(*list))
			list++;
		while (list[n] != '\0' && !is_between(list[n]))
			n++;
		if (n == 0) break;
		if (!is_address(list, n) || count == ALARM_PLACES_MAX)
			*is_fine = false;
		else
			out[count++] = text_lower_ascii(a, arena_bytes(a, list, n));
		list += n;
	}
	return count;
}

const char *alarm_email_refuse(const char *value, struct arena *a, enum lang lang)
{
	const char *out[ALARM_PLACES_MAX];
	bool is_fine;

	(void)split(a, value, out, &is_fine);
	return is_fine ? NULL
		       : words_get(
				 lang,
				 N_("should be at most ten mail addresses with commas between, such as ana@example.com"));
}

/* Where the group went, if it became another chat. */
static const char *telegram_place(struct cx *cx, const char *chat)
{
	const char *moved = "";

	if (meta_get(cx, &moved, arena_printf(cx->arena, ALARM_MOVED_KEY "%s", chat)) != RC_OK) moved = "";
	return arena_printf(cx->arena, TELEGRAM_ADDRESS "%s", moved[0] != '\0' ? moved : chat);
}

size_t alarm_places(struct cx *cx, const struct alarm_road *road, const char *out[ALARM_PLACES_MAX])
{
	const struct settings *s = cx->env->settings;
	bool is_fine;

	if (strcmp(road->name, "email") == 0) {
		if (!cx->env->is_offline && setting_text(s, "smtp.host")[0] == '\0') return 0;
		return split(cx->arena, setting_text(s, "alerts.email"), out, &is_fine);
	}
	if (strcmp(road->name, "telegram") == 0) {
		if (setting_text(s, "telegram.bot_token")[0] == '\0' ||
		    setting_text(s, "telegram.chat_id")[0] == '\0')
			return 0;
		out[0] = telegram_place(cx, setting_text(s, "telegram.chat_id"));
		return 1;
	}
	if (setting_text(s, strcmp(road->name, "slack") == 0 ? "slack.webhook_url"
							     : "discord.webhook_url")[0] == '\0')
		return 0;
	out[0] = road->name;
	return 1;
}
