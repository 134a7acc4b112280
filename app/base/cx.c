/*
** cx.c -- the context of one request, job run or command.
**
** Owns:   the sentence and the field errors of a cx; the default sentence of each code.
** Needs:  an env that outlives the cx; an arena that only this cx uses.
** Never:  talks to the database or the network.
** Holds:  (1) the first sentence stays; (2) what a run of a user or token said or was allowed is gone after
**         cx_reset(); (3) cx_sentence() is never empty.
*/
#include "base/cx.h"

#include "base/sentence.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

static const struct actor system_actor = {
	.kind = ACTOR_SYSTEM, .name = "system", .role = "", .rights = "*", .address = ""
};
static const struct actor nobody = {
	.kind = ACTOR_USER, .name = "", .role = "", .rights = "", .address = ""
};

void cx_init(struct cx *cx, struct env *env, struct arena *arena, struct db *db)
{
	memset(cx, 0, sizeof(*cx));
	cx->env = env;
	cx->arena = arena;
	cx->db = db;
	cx->lang = env->lang;
	cx->actor = system_actor;
	cx->message = "";
	cx->request_id = "";
}

/*
** An actor read from a session or a token lives in the arena and goes with it; a forgotten one must not be
** allowed anything. Those of commands and of the system are constant and stay.
*/
void cx_reset(struct cx *cx)
{
	if (cx->actor.kind == ACTOR_USER || cx->actor.kind == ACTOR_TOKEN) cx->actor = nobody;
	cx->message = "";
	cx->error_code = NULL;
	cx->field_count = 0;
	cx->request_id = "";
	cx->keeps_sentence = false;
	cx->kept = cx->kept_of = NULL;
	arena_reset(cx->arena);
}

instant cx_now(const struct cx *cx)
{
	return clock_now(cx->env->clock);
}

day cx_today(const struct cx *cx)
{
	return zone_day(cx->env->zone, cx_now(cx));
}

enum rc cx_fail(struct cx *cx, enum rc rc, const char *fmt, ...)
{
	va_list ap;

	if (cx->message && *cx->message) return rc;
	va_start(ap, fmt);
	cx->message = arena_vprintf(cx->arena, fmt, ap);
	va_end(ap);
	if (!cx->keeps_sentence) return rc;
	va_start(ap, fmt);
	cx->kept = sentence_vkeep(cx->arena, cx->lang, fmt, ap);
	va_end(ap);
	cx->kept_of = cx->message;
	return rc;
}

enum rc cx_fail_field(struct cx *cx, const char *field, const char *fmt, ...)
{
	struct field_error *e;
	va_list ap;

	if (cx->field_count == CX_FIELD_ERRORS_MAX) return RC_BAD_INPUT;
	e = &cx->fields[cx->field_count++];
	e->field = arena_text(cx->arena, field);
	va_start(ap, fmt);
	e->message = arena_vprintf(cx->arena, fmt, ap);
	va_end(ap);
	return RC_BAD_INPUT;
}

static const char *const sentences[RC__MAX] = {
	[RC_OK] = N_("Done."),
	[RC_BAD_INPUT] = N_("Something in what was entered is not right. Check it and try again."),
	[RC_NO_LOGIN] = N_("Log in first."),
	[RC_DENIED] = N_("You do not have permission to do this."),
	[RC_NOT_FOUND] = N_("This was not found. It may have been removed."),
	[RC_CONFLICT] = N_("This changed in the meantime. Look at it again before going on."),
	[RC_TOO_LARGE] = N_("This is larger than what is accepted."),
	[RC_TOO_MANY] = N_("Too many attempts. Wait a little and try again."),
	[RC_TRY_LATER] = N_("This cannot be done right now. Try again in a moment."),
	[RC_PARTLY] = N_("Done in part: some of it failed."),
	[RC_NO_MEMORY] = N_("There is not enough memory for this. Try again later or with less at once."),
	[RC_IO] = N_("The disk or the system refused. The person who runs this server should look at it."),
	[RC_BUG] = N_("Something went wrong on our side. It was noted in the log."),
};

const char *cx_sentence(const struct cx *cx, enum rc rc)
{
	if (cx->message && *cx->message) return cx->message;
	if (rc == RC_BAD_INPUT && cx->field_count > 0 && *cx->fields[0].message) return cx->fields[0].message;
	if ((unsigned)rc >= RC__MAX || !sentences[rc]) rc = RC_BUG;
	return words_get(cx->lang, sentences[rc]);
}

const char *cx_sentence_kept(const struct cx *cx, enum rc rc)
{
	const char *sentence = cx_sentence(cx, rc), *kept = NULL;

	if (sentence == cx->message && sentence == cx->kept_of) kept = cx->kept;
	if (sentence != cx->message && cx->keeps_sentence)
		kept = sentence_keep(cx->arena, cx->lang, "%s", sentence);
	return kept != NULL ? kept : sentence;
}

bool actor_may(const struct actor *actor, const char *right)
{
	size_t len = strlen(right);
	const char *p = actor->rights ? actor->rights : "";

	while (*p) {
		size_t word = strcspn(p, " ");

		if ((word == 1 && *p == '*') || (word == len && len > 0 && memcmp(p, right, len) == 0))
			return true;
		p += word;
		p += strspn(p, " ");
	}
	return false;
}

void env_wake(struct env *env, enum wake who)
{
	if ((unsigned)who < WAKE__MAX && env->wake_fd[who] >= 0) eventfd_write(env->wake_fd[who], 1);
}

enum rc env_settle(struct env *env)
{
	const struct zone *zone = zone_find(setting_text(env->settings, "business.zone"));
	enum lang lang = env->lang;

	if (!zone) return RC_BAD_INPUT;
	(void)words_lang(&lang, setting_text(env->settings, "business.language"));
	env->zone = zone;
	env->lang = lang;
	return RC_OK;
}

static const char *text_of_row(const struct env *env, const char *name)
{
	return settings_find(env->settings, name) != NULL ? setting_text(env->settings, name) : "";
}

bool env_log_levels(const char *text, bool apply, const char **wrong, size_t *len)
{
	*wrong = NULL;
	*len = 0;
	for (text += strspn(text, ", "); *text != '\0'; text += strspn(text, ", ")) {
		size_t n = strcspn(text, ", "), eq = strcspn(text, "=");
		char subject[32], word[16];
		enum log_level level;
		bool is_known = false;

		if (eq < n && eq < sizeof(subject) && n - eq - 1 < sizeof(word)) {
			snprintf(subject, sizeof(subject), "%.*s", (int)eq, text);
			snprintf(word, sizeof(word), "%.*s", (int)(n - eq - 1), text + eq + 1);
			for (size_t i = 0; log_subject_at(i) != NULL; i++)
				is_known = is_known || strcmp(log_subject_at(i), subject) == 0;
		}
		if (!is_known || !log_level_parse(&level, word)) {
			*wrong = text;
			*len = n;
			return false;
		}
		if (apply) log_level_set(subject, level);
		text += n;
	}
	return true;
}

void env_log_settle(const struct env *env)
{
	enum log_level level = LOG_INFO;
	const char *wrong;
	size_t len;

	(void)log_level_parse(&level, text_of_row(env, "log.level"));
	log_level_set(NULL, level);
	(void)env_log_levels(text_of_row(env, "log.levels"), true, &wrong, &len);
	log_json_set(strcmp(text_of_row(env, "log.format"), "json") == 0);
}

enum rc env_reload(struct env *env, struct arena *a, enum lang lang, const char **why)
{
	char quoted[LOG_QUOTE_SIZE];
	enum rc rc = settings_reload(env->settings, a, lang, why);

	/* whoever renamed the files and said so waits for new ones, whatever the settings say */
	log_reopen();
	if (rc == RC_OK) rc = env_settle(env);
	if (rc == RC_OK) {
		env_log_settle(env);
		log_event(LOG_INFO, "app", "settings.reloaded", "path=%s", env->config_path);
		env_wake(env, WAKE_WORK); /* times of the day and the zone */
		env_wake(env, WAKE_OUTBOX);
	} else {
		log_event(LOG_ERROR, "app", "settings.refused", "why=%s", log_quote(quoted, *why));
	}
	return rc;
}
