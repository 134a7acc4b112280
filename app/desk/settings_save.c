/*
** settings_save.c -- one save of settings, whoever asks for it: checked, written, read again, told in the
** history.
**
** Owns:   meta keys setting.at.NAME; audit rows of the table name "setting" (row 0).
** Needs:  settings.h of base for the file.
** Never:  puts a secret into the database or a sentence.
** Holds:  (1) the file changes once or not at all; (2) each save that changed something has one audit row, in
**         the order of the saves; (3) what is told as saved is in force, or waits for the next start.
*/
#include "desk/settings.h"
#include "base/seal.h"
#include "base/text.h"
#include "desk/inner.h"
#include "web/doors.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define AUDIT_TABLE "setting"
#define MASKED      "********"
#define CHANGED     "changed" /* in the history, for a secret */
#define MARK_SIZE   64        /* "1795366800000 0123456789abcdef 0123456789abcdef" */

/* Words */

const char *setting_title(struct cx *cx, const struct setting *row)
{
	const char *dot = strchr(row->name, '.');

	if (row->title != NULL) return words_get(cx->lang, row->title);
	return dot != NULL ? dot + 1 : row->name;
}

bool setting_is_in(const struct setting *row, const char *section)
{
	size_t len = strlen(section);

	return strncmp(row->name, section, len) == 0 && row->name[len] == '.';
}

const char *setting_section_title(struct cx *cx, const char *section)
{
	const struct setting *row;

	for (size_t i = 0; (row = settings_row(cx->env->settings, i)) != NULL; i++)
		if (row->section != NULL && setting_is_in(row, section))
			return words_get(cx->lang, row->section);
	return section;
}

const char *setting_sentence(struct cx *cx, const char *half)
{
	char *out = arena_printf(cx->arena, "%s.", half);

	if (out[0] >= 'a' && out[0] <= 'z') out[0] = (char)(out[0] - 'a' + 'A');
	return out;
}

/* Secrets' age */

/* A salted sum tells later whether it is still the same value; neither it nor the database can be turned back
** into the secret. */
static void secret_sum(struct cx *cx, char out[17], const char *salt, const char *name)
{
	const char *text = arena_printf(cx->arena, "%s %s", salt, setting_text(cx->env->settings, name));
	char sum[SHA256_HEX_SIZE];

	sha256_hex(sum, text, strlen(text));
	snprintf(out, 17, "%.16s", sum);
}

static const char *secret_key(struct cx *cx, const char *name)
{
	return arena_printf(cx->arena, "setting.at.%s", name);
}

static enum rc secret_note(struct cx *cx, const char *name)
{
	unsigned char raw[8];
	char salt[17], sum[17];

	random_bytes(raw, sizeof raw);
	for (size_t i = 0; i < sizeof raw; i++)
		snprintf(salt + 2 * i, 3, "%02x", raw[i]);
	secret_sum(cx, sum, salt, name);
	return meta_set(cx, secret_key(cx, name),
			arena_printf(cx->arena, "%lld %s %s", (long long)cx_now(cx), salt, sum));
}

instant settings_secret_at(struct cx *cx, const struct setting *row)
{
	const char *kept = "", *before = cx->message;
	char salt[17], sum[17], now[17];
	long long at = 0;

	if (cx->db == NULL || meta_get(cx, &kept, secret_key(cx, row->name)) != RC_OK) {
		cx->message = before; /* an age that cannot be told is no failure of the page */
		return 0;
	}
	if (sscanf(kept, "%lld %16s %16s", &at, salt, sum) != 3) return 0;
	secret_sum(cx, now, salt, row->name);
	return strcmp(sum, now) == 0 ? at : 0;
}

/* What must not happen by accident */

static const char *given(const struct setting_change *changes, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(changes[i].name, name) != 0) continue;
		return changes[i].value != NULL ? changes[i].value : "";
	}
	return NULL;
}

/* As settings_check() reads it: yes true on 1 sí si, in any case. */
static bool is_yes(const char *value)
{
	static const char *const words[] = { "yes", "true", "on", "1", "s\xc3\xad", "si" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (text_equal_fold(words[i], value)) return true;
	return false;
}

static enum rc check_offline(struct cx *cx, const char *value, bool is_sure)
{
	bool is_now = is_yes(settings_shown(cx->env->settings, "mode.offline"));
	int64_t waiting = 0;
	enum rc rc;

	if (value == NULL || is_yes(value) == is_now || is_sure) return RC_OK;
	rc = db_get_int(cx, &waiting, "SELECT count(*) FROM message WHERE state = 'queued'", NO_PARAMS);
	if (rc != RC_OK) return rc;
	if (is_now)
		return cx_fail_field(
			cx, "mode.offline",
			_("From the next start messages go to real people; %lld wait now. If you mean it, tick the box and save again."),
			(long long)waiting);
	return cx_fail_field(
		cx, "mode.offline",
		_("From the next start nothing reaches anybody: a stand-in takes the messages (%lld wait now) and they count as sent. If you mean it, tick the box and save again."),
		(long long)waiting);
}

/* Over the network nobody says which file of this machine is read: its first line would go to the
** provider. */
static enum rc check_references(struct cx *cx, const struct setting_change *changes, size_t count)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < count; i++) {
		const struct setting *row = settings_find(cx->env->settings, changes[i].name);
		const char *value = changes[i].value;

		if (row == NULL || !row->is_secret || value == NULL) continue;
		if (strncmp(value, "file:", 5) == 0 || strncmp(value, "env:", 4) == 0)
			rc = cx_fail_field(
				cx, row->name,
				_("Write the key itself here. That it stands in a file is said on the server: "
				  "recado config set %s %s"),
				row->name, value);
	}
	return rc;
}

static enum rc check_danger(struct cx *cx, struct call *call, const struct setting_change *changes,
			    size_t count, bool is_sure)
{
	struct doors doors = { .hosts = given(changes, count, "web.hosts"),
			       .public_url = given(changes, count, "web.public_url"),
			       .proxies = given(changes, count, "web.proxies"),
			       .panel_allow = given(changes, count, "web.panel_allow") };
	bool has_doors = doors.hosts != NULL || doors.public_url != NULL || doors.proxies != NULL ||
			 doors.panel_allow != NULL;
	enum rc rc = check_offline(cx, given(changes, count, "mode.offline"), is_sure), doors_rc = RC_OK;

	if (has_doors) doors_rc = doors_check(cx, call, &doors);
	return rc != RC_OK ? rc : doors_rc;
}

/* One save */

/* What the file says now is what is asked for. */
static bool is_so(const struct settings *s, const struct setting_change *c)
{
	const char *origin, *shown;

	if (settings_find(s, c->name) == NULL) return false;
	origin = settings_origin(s, c->name);
	shown = settings_shown(s, c->name);
	if (strcmp(origin, "override") == 0) return false;
	if (c->value == NULL) return strcmp(origin, "default") == 0;
	return strcmp(shown, MASKED) != 0 && strcmp(shown, c->value) == 0;
}

static void drop_what_is_so(struct cx *cx, struct setting_change *changes, size_t *count)
{
	size_t n = 0;

	for (size_t i = 0; i < *count; i++) {
		if (changes[i].value != NULL) changes[i].value = text_trim(cx->arena, changes[i].value);
		if (!is_so(cx->env->settings, &changes[i])) changes[n++] = changes[i];
	}
	*count = n;
}

/* Every wrong one at its field, with all that are wrong. */
static enum rc check_all(struct cx *cx, struct setting_change *changes, size_t count)
{
	enum rc rc = settings_check(cx->env->settings, changes, count, cx->arena, cx->lang), told;

	for (size_t i = 0; rc == RC_BAD_INPUT && i < count; i++) {
		if (changes[i].why == NULL) continue;
		told = cx_fail_field(cx, changes[i].name, "%s", setting_sentence(cx, changes[i].why));
		(void)told; /* all of them are told; rc says the same */
	}
	return rc;
}

/* What every row shows; the texts live for ever, so that they can be compared after a reload. */
static const char **shown_of_all(struct cx *cx)
{
	const struct settings *s = cx->env->settings;
	const char **shown;
	size_t n = 0;

	while (settings_row(s, n) != NULL)
		n++;
	if ((shown = arena_array(cx->arena, n + 1, sizeof *shown)) == NULL) return NULL;
	for (size_t i = 0; i < n; i++)
		shown[i] = settings_shown(s, settings_row(s, i)->name);
	return shown;
}

static bool is_changed_secret(const struct setting *row, const struct setting_change *changes, size_t count)
{
	for (size_t i = 0; row->is_secret && i < count; i++)
		if (strcmp(changes[i].name, row->name) == 0) return true;
	return false;
}

/* What is in force now against what was: also what somebody wrote into the file by hand comes in force with
** this reading, and is told. */
static enum rc note(struct cx *cx, const char *const *was, const struct setting_change *changes, size_t count)
{
	const struct settings *s = cx->env->settings;
	struct value *before = value_map(cx->arena), *after = value_map(cx->arena);
	const struct setting *row;
	enum rc rc = tx_begin(cx);

	for (size_t i = 0; rc == RC_OK && (row = settings_row(s, i)) != NULL; i++) {
		const char *now = settings_shown(s, row->name);
		bool is_secret = is_changed_secret(row, changes, count);

		if (!is_secret && strcmp(was[i], now) == 0) continue;
		value_set_text(cx->arena, before, row->name, was[i]);
		value_set_text(cx->arena, after, row->name, strcmp(now, MASKED) == 0 ? CHANGED : now);
		if (is_secret) rc = secret_note(cx, row->name);
	}
	if (rc == RC_OK && after->count > 0) rc = audit_add(cx, "update", AUDIT_TABLE, 0, before, after);
	return tx_end(cx, rc);
}

/* Read the file again and tell what came in force. */
static enum rc take_over(struct cx *cx, const char *const *was, const struct setting_change *changes,
			 size_t count)
{
	const char *why = "";
	enum rc rc = env_reload(cx->env, cx->arena, cx->lang, &why);

	if (rc != RC_OK) return cx_fail(cx, rc, "%s", why);
	if (cx->db == NULL) return RC_OK;
	rc = note(cx, was, changes, count);
	if (rc != RC_OK)
		rc = cx_fail(
			cx, rc,
			_("The settings are saved and in force, but the history of changes could not be written."));
	return rc;
}

/* One after the other: what was before is compared with what is after, and two at once would each tell the
** other's changes as their own. */
static pthread_mutex_t one_save = PTHREAD_MUTEX_INITIALIZER;

static enum rc write_and_tell(struct cx *cx, const struct settings_order *order, size_t count, size_t *saved)
{
	struct setting_change *changes = order->changes;
	const char **was = shown_of_all(cx), *why = "";
	enum rc rc;

	if (was == NULL) return RC_NO_MEMORY;
	rc = settings_set_many(cx->env->settings, changes, count, order->seen, cx->arena, cx->lang, &why);
	if (rc != RC_OK) return cx_fail(cx, rc, "%s", why);
	log_event(LOG_INFO, "security", "settings.saved", "count=%zu first=%s by=%s", count, changes[0].name,
		  log_quote((char[LOG_QUOTE_SIZE]){ 0 }, cx->actor.name));
	if (saved != NULL) *saved = count;
	return take_over(cx, was, changes, count);
}

enum rc settings_save(struct cx *cx, const struct settings_order *order, size_t *saved)
{
	size_t count = order->count;
	enum rc rc;

	if (saved != NULL) *saved = 0;
	drop_what_is_so(cx, order->changes, &count);
	rc = order->call != NULL ? check_references(cx, order->changes, count) : RC_OK;
	if (rc == RC_OK) rc = check_all(cx, order->changes, count);
	if (rc == RC_OK && order->call != NULL)
		rc = check_danger(cx, order->call, order->changes, count, order->is_sure);
	if (rc != RC_OK || count == 0) return rc;
	pthread_mutex_lock(&one_save);
	rc = write_and_tell(cx, order, count, saved);
	pthread_mutex_unlock(&one_save);
	return rc;
}

enum rc settings_read_again(struct cx *cx)
{
	const char **was;
	enum rc rc;

	pthread_mutex_lock(&one_save);
	was = shown_of_all(cx);
	rc = was != NULL ? take_over(cx, was, NULL, 0) : RC_NO_MEMORY;
	pthread_mutex_unlock(&one_save);
	return rc;
}
