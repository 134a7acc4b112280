/*
** check_app.c -- the settings and the program itself (spec/stays.md §12, items 1 to 5, 12 to 15).
**
** Never:  prints a value.
*/
#include "base/text.h"
#include "ops/check.h"
#include "web/web.h"
#include <string.h>
#include <sys/stat.h>

#define KEY_BYTES 32 /* AES-256 */

static void check_settings(struct cx *cx, struct check_result *out)
{
	const char *path = cx->env->config_path;
	struct stat st;

	if (stat(path, &st) != 0) {
		out->state = CHECK_WARN;
		out->detail = arena_printf(
			cx->arena, _("There is no settings file %s; everything has its default."), path);
		out->remedy = "recado check --fix";
	} else if ((st.st_mode & 0077) != 0) {
		out->state = CHECK_FAIL;
		out->detail =
			arena_printf(cx->arena, _("%s can be read by other users of this machine."), path);
		out->remedy = arena_printf(cx->arena, "chmod 600 %s", check_quoted(cx, path));
	} else
		out->detail = _("The settings file is read, and closed to others.");
}

static void check_key(struct cx *cx, struct check_result *out)
{
	const char *path = arena_printf(cx->arena, "%s/key", cx->env->dir);
	struct stat st;

	if (stat(path, &st) != 0 || st.st_size != KEY_BYTES) {
		out->state = CHECK_FAIL;
		out->detail = _("The key file is missing or not whole: nothing sealed can be read.");
		out->remedy = "recado check --fix";
	} else if ((st.st_mode & 0077) != 0) {
		out->state = CHECK_FAIL;
		out->detail =
			arena_printf(cx->arena, _("%s can be read by other users of this machine."), path);
		out->remedy = arena_printf(cx->arena, "chmod 600 %s", check_quoted(cx, path));
	} else
		out->detail = _("The key has 256 random bits of its own.");
}

static void check_debug(struct cx *cx, struct check_result *out)
{
	const struct settings *s = cx->env->settings;

	out->detail = _("Nothing is logged that is for programmers only.");
	if (strcmp(setting_text(s, "log.level"), "debug") != 0 &&
	    strstr(setting_text(s, "log.levels"), "debug") == NULL)
		return;
	out->state = CHECK_WARN;
	out->detail = _("The log writes everything (debug): it grows fast and tells more than needed.");
	out->remedy = "recado config set log.level info log.levels ''";
}

/* "https://panel.example.com:8443/x" → "panel.example.com" */
static const char *host_of(struct cx *cx, const char *url)
{
	const char *p = strstr(url, "://");

	p = p != NULL ? p + 3 : url;
	if (*p == '[') return arena_bytes(cx->arena, p + 1, strcspn(p + 1, "]"));
	return arena_bytes(cx->arena, p, strcspn(p, "/:?#"));
}

static bool is_local_name(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static void check_hosts(struct cx *cx, struct check_result *out)
{
	const char *url = setting_text(cx->env->settings, "web.public_url");

	if (strchr(setting_text(cx->env->settings, "web.hosts"), '*') != NULL) {
		out->state = CHECK_FAIL;
		out->detail =
			_("web.hosts lets any name in (*): write the names under which the panel is opened.");
		out->remedy = "recado config reset web.hosts";
	} else if (url[0] == '\0') {
		out->is_info = true;
		out->detail = _(
			"web.public_url is not set: there are no links and no webhooks; deliveries are asked for.");
		out->remedy = "read -r URL && recado config set web.public_url \"$URL\"";
	} else if (is_local_name(host_of(cx, url))) {
		out->state = CHECK_WARN;
		out->detail =
			_("web.public_url names this machine itself: nobody outside can follow its links.");
		out->remedy = "recado config reset web.public_url";
	} else
		out->detail = _("The panel answers to its own names only.");
}

static bool is_loopback_listen(const char *listen)
{
	return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "localhost", 9) == 0 ||
	       strncmp(listen, "[::1]", 5) == 0 || strncmp(listen, "unix:", 5) == 0;
}

/* HSTS, nosniff and CSP are on every page (tests/e2e/test_doors.py); what can be wrong is how the panel is
** reached. */
static void check_tls(struct cx *cx, struct check_result *out)
{
	const struct settings *s = cx->env->settings;
	const char *listen = setting_text(s, "web.listen"), *url = setting_text(s, "web.public_url");
	bool is_https = strncmp(url, "https://", 8) == 0,
	     has_proxy = setting_text(s, "web.proxies")[0] != '\0';

	if (!is_loopback_listen(listen) && !has_proxy) {
		out->state = CHECK_FAIL;
		out->detail = _(
			"The panel listens to the whole network without encryption: passwords can be read on the way.");
		out->remedy = "recado config set web.listen 127.0.0.1:8080";
	} else if (url[0] != '\0' && !is_https && !is_local_name(host_of(cx, url))) {
		out->state = CHECK_FAIL;
		out->detail =
			_("web.public_url begins with http://: cookies and passwords travel unencrypted.");
		out->remedy = arena_printf(cx->arena, "recado config set web.public_url %s",
					   check_quoted(cx, arena_printf(cx->arena, "https://%s", url + 7)));
	} else if (is_https && !has_proxy && strncmp(listen, "unix:", 5) != 0) {
		out->state = CHECK_FAIL;
		out->detail = _(
			"No proxy is declared: what it says about HTTPS is not believed, and cookies go without protection.");
		out->remedy = "recado config set web.proxies 127.0.0.1";
	} else
		out->detail = is_https
				      ? _("HTTPS at a declared proxy; cookies, HSTS, nosniff and CSP are on.")
				      : _("Only this machine reaches the panel; nosniff and CSP are on.");
}

/* What must be said before the house works for people; rows that this build does not have are skipped. */
static const char *const needed[] = { "whatsapp.api_key", "stripe.secret_key", "stripe.publishable_key",
				      "stripe.webhook_secret" };

static void check_needed(struct cx *cx, struct check_result *out)
{
	const struct settings *s = cx->env->settings;
	const char *first = NULL;
	struct sb names;

	sb_init_arena(&names, cx->arena, 4096);
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed) && !cx->env->is_offline; i++) {
		if (settings_find(s, needed[i]) == NULL || setting_text(s, needed[i])[0] != '\0') continue;
		if (first == NULL) first = needed[i];
		sb_printf(&names, "%s%s", names.len > 0 ? ", " : "", needed[i]);
	}
	if (strcmp(setting_text(s, "business.name"), settings_find(s, "business.name")->def) == 0) {
		if (first == NULL) first = "business.name";
		sb_printf(&names, "%s%s", names.len > 0 ? ", " : "", "business.name");
	}
	if (first == NULL) {
		out->detail = _("Every setting that is needed has a value.");
		return;
	}
	out->state = CHECK_WARN;
	out->detail = arena_printf(cx->arena, _("Not set yet: %s."), sb_text_of(&names));
	out->remedy = arena_printf(cx->arena, "read -r VALUE && recado config set %s \"$VALUE\"", first);
}

/* What samples and guides write where a person's own value belongs: whole values, or how they begin. */
static bool is_placeholder(struct cx *cx, const char *value)
{
	static const char *const whole[] = { "changeme", "change-me", "change_me", "secret",
					     "password", "xxx",       "xxxx",      "todo",
					     "fixme",    "example",   "test",      "none" };
	static const char *const begins[] = { "your-", "your_",  "tu-",     "tu_",         "<",
					      "xxxxx", "insert", "replace", "sk_test_xxx", "sk_live_xxx" };
	const char *low = text_lower_ascii(cx->arena, value);

	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++)
		if (strcmp(low, whole[i]) == 0) return true;
	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (strncmp(low, begins[i], strlen(begins[i])) == 0) return true;
	return strstr(low, "example.com") != NULL || strstr(low, "tudominio") != NULL ||
	       strstr(low, "yourdomain") != NULL;
}

static void check_placeholders(struct cx *cx, struct check_result *out)
{
	const struct settings *s = cx->env->settings;
	const struct setting *row;
	struct sb names, words;

	sb_init_arena(&names, cx->arena, 4096);
	sb_init_arena(&words, cx->arena, 4096);
	for (size_t i = 0; (row = settings_row(s, i)) != NULL; i++) {
		if ((row->type != SET_TEXT && row->type != SET_URL) ||
		    !is_placeholder(cx, setting_text(s, row->name)) ||
		    strcmp(setting_text(s, row->name), row->def != NULL ? row->def : "") == 0)
			continue;
		sb_printf(&names, "%s%s", names.len > 0 ? ", " : "", row->name);
		sb_printf(&words, " %s", row->name);
	}
	if (names.len == 0) {
		out->detail = _("No setting has a made-up value.");
		return;
	}
	out->state = CHECK_FAIL;
	out->detail = arena_printf(cx->arena, _("These still have a value out of an example: %s."),
				   sb_text_of(&names));
	out->remedy = arena_printf(cx->arena, "recado config reset%s", sb_text_of(&words));
}

static void check_program(struct cx *cx, struct check_result *out)
{
	const char *why = "";

	if (web_templates_check(cx->arena, &why) == RC_OK) {
		out->detail = arena_printf(cx->arena, _("Recado %s; all pages are in it."), RECADO_VERSION);
		return;
	}
	out->state = CHECK_FAIL;
	out->detail = arena_printf(cx->arena, _("A page of the program is damaged: %s"), why);
	out->remedy = "./install.sh --upgrade";
}

#define APP .section = SECTION_APP
const struct check app_checks[] = {
	{ .name = "settings", .title = N_("Settings file"), APP, .run = check_settings },
	{ .name = "key", .title = N_("Key"), APP, .run = check_key },
	{ .name = "debug", .title = N_("Debugging"), APP, .run = check_debug },
	{ .name = "hosts", .title = N_("Names of the panel"), APP, .run = check_hosts },
	{ .name = "needed", .title = N_("Needed settings"), APP, .run = check_needed },
	{ .name = "placeholders", .title = N_("Made-up values"), APP, .run = check_placeholders },
	{ .name = "tls", .title = N_("Protection on the way"), APP, .run = check_tls },
	{ .name = "program", .title = N_("Program"), APP, .is_slow = true, .run = check_program },
	{ .name = NULL },
};
