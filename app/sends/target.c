/*
** target.c -- which place an alias is, and the connection to reports.db.
**
** Owns:   env->reports: opened with the first use, closed with the house.
** Never:  lets trouble with one place reach the other: each is opened by itself.
*/
#include "sends/target.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

#define OUTSIDE "postgresql:"

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER; /* two threads that ask first at once */

struct db *cx_swap_db(struct cx *cx, struct db *db)
{
	struct db *before = cx->db;

	cx->db = db;
	return before;
}

static const char *analytics_of(struct cx *cx)
{
	return cx->env->settings != NULL ? setting_text(cx->env->settings, "reports.analytics") : "";
}

static bool is_yes(const char *text)
{
	static const char *const words[] = { "yes", "on", "true", "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i]) == 0) return true;
	return false;
}

static bool is_no(const char *text)
{
	return text[0] == '\0' || strcmp(text, "no") == 0;
}

bool target_is_possible(struct cx *cx, const char *analytics, const char **why)
{
	if (is_no(analytics) || is_yes(analytics)) return true;
	if (strncmp(analytics, OUTSIDE, strlen(OUTSIDE)) == 0 || strstr(analytics, "://") != NULL) {
		*why = _("reports.analytics names an outside database server, which this version cannot load "
			 "into. Leave it empty, or write yes or the path of a SQLite file.");
		return false;
	}
	if (analytics[0] != '/') {
		*why = _("reports.analytics must be empty, yes, or a path that begins with /.");
		return false;
	}
	return true;
}

bool report_alias_is_set(struct cx *cx, const char *alias)
{
	const char *analytics = analytics_of(cx), *why = "";

	if (strcmp(alias, ALIAS_DEFAULT) == 0) return true;
	return strcmp(alias, ALIAS_ANALYTICS) == 0 && !is_no(analytics) &&
	       target_is_possible(cx, analytics, &why);
}

static enum rc open_store(struct cx *cx)
{
	struct side_file side = reports_side;
	struct store *made = NULL;
	const char *why = "";
	enum rc rc = RC_OK;

	pthread_mutex_lock(&opening);
	if (cx->env->reports == NULL) {
		side.path = arena_printf(cx->arena, "%s/" REPORTS_FILE, cx->env->dir);
		rc = store_open_side(&made, cx->env, cx->arena, &why, &side);
		if (rc == RC_OK) cx->env->reports = made;
	}
	pthread_mutex_unlock(&opening);
	return rc == RC_OK ? rc : cx_fail(cx, rc, "%s", why);
}

/* Whoever removes or replaces the file under us would have half of our connections in one file and half in
** another. */
static enum rc is_still_there(struct cx *cx)
{
	if (store_is_in_place(cx->env->reports)) return RC_OK;
	cx->error_code = "reports_file_gone";
	return cx_fail(
		cx, RC_IO, "%s",
		_("reports.db was removed or replaced while Recado was running. Restart Recado; reports can be loaded again."));
}

enum rc reports_db_open(struct cx *cx, struct db **out)
{
	enum rc rc = open_store(cx);

	if (rc == RC_OK) rc = is_still_there(cx);
	if (rc == RC_OK) rc = db_open(out, cx->env->reports);
	return rc;
}

enum rc target_open(struct cx *cx, struct target *t, const char *alias)
{
	const char *analytics = analytics_of(cx);

	*t = (struct target){ .alias = ALIAS_DEFAULT, .prefix = "", .path = "", .engine = &target_sqlite };
	if (!report_alias_is_set(cx, alias)) {
		cx->error_code = "unknown_alias";
		return cx_fail(
			cx, RC_NOT_FOUND,
			_("There is no place “%s” for reports here; see the setting reports.analytics."),
			alias);
	}
	if (strcmp(alias, ALIAS_ANALYTICS) == 0) {
		t->alias = ALIAS_ANALYTICS;
		if (is_yes(analytics))
			t->prefix = "analytics_";
		else
			t->path = arena_text(cx->arena, analytics);
	}
	return t->engine->open(cx, t);
}

void target_close(struct target *t)
{
	if (t->engine != NULL) t->engine->close(t);
	*t = (struct target){ .engine = NULL };
}
