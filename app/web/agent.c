/*
** agent.c -- what a browser calls itself, in words for the list of sessions.
**
** Never:  decides anything by it: a User-Agent says what it likes.
** Holds:  total; the order of the tables matters, since every browser claims to be the others too.
*/
#include "web/people.h"
#include <string.h>

struct mark {
	const char *part, *name;
};

static const struct mark browsers[] = {
	{ "Edg", "Edge" },         { "OPR/", "Opera" },     { "SamsungBrowser", "Samsung Internet" },
	{ "Firefox/", "Firefox" }, { "FxiOS", "Firefox" },  { "CriOS", "Chrome" },
	{ "Chrome/", "Chrome" },   { "Safari/", "Safari" }, { "curl/", "curl" },
	{ "python", "Python" },
};
static const struct mark systems[] = {
	{ "Android", "Android" }, { "iPhone", "iPhone" }, { "iPad", "iPad" },   { "Windows", "Windows" },
	{ "Mac OS X", "macOS" },  { "CrOS", "ChromeOS" }, { "Linux", "Linux" },
};

static const char *find(const struct mark *marks, size_t n, const char *agent)
{
	for (size_t i = 0; i < n; i++)
		if (strcasestr(agent, marks[i].part) != NULL) return marks[i].name;
	return NULL;
}

const char *agent_words(struct cx *cx, const char *agent)
{
	const char *browser = find(browsers, sizeof browsers / sizeof *browsers, agent);
	const char *system = find(systems, sizeof systems / sizeof *systems, agent);

	if (browser != NULL && system != NULL) return arena_printf(cx->arena, _("%s on %s"), browser, system);
	if (browser != NULL) return browser;
	return system != NULL ? system : "";
}
