/*
** test_settings.c -- the INI file: what it may say, what it says back, and how it is changed.
*/
#include "base/mem.h"
#include "base/seal.h"
#include "base/settings.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const struct setting business[] = {
	{ "business.name", SET_TEXT, "", 0, 20, NULL, false, NULL, .help = "Name" },
	{ "business.zone", SET_ZONE, "America/Guayaquil", 0, 0, NULL, false, "TIME_ZONE", .help = "Zone" },
	{ "business.language", SET_ONE, "es", 0, 0, "es|en", false, NULL, .help = "Language" },
	{ "web.listen", SET_TEXT, "127.0.0.1:8080", 3, 0, NULL, false, NULL,
	  .help = "Where the panel listens" },
	{ NULL }
};
static const struct setting others[] = {
	{ "outbox.slots", SET_INT, "32", 1, 256, NULL, false, NULL, .help = "How many at once" },
	{ "outbox.balance", SET_INT, "0", 0, 0, NULL, false, NULL, .help = "Any number" },
	{ "mode.offline", SET_BOOL, "no", 0, 0, NULL, false, NULL, .help = "Offline" },
	{ "whatsapp.api_key", SET_TEXT, "", 0, 100, NULL, true, "WASENDER_API_KEY", .help = "Key" },
	{ "whatsapp.base_url", SET_URL, "https://example.com/api", 0, 0, NULL, false, NULL,
	  .help = "Address" },
	{ "quiet.from", SET_HHMM, "21:00", 0, 0, NULL, false, NULL, .help = "Quiet from" },
	{ "quiet.to", SET_HHMM, "", 0, 0, NULL, false, NULL, .help = "Quiet to" },
	{ "renewals.stages", SET_LIST_INT, "7,3,1,0", 0, 90, NULL, false, NULL, .help = "Stages" },
	{ "mail.from.name", SET_TEXT, NULL, 0, 0, NULL, false, NULL, .help = "Sender" },
	{ "web.workers", SET_INT, "3", 1, 16, NULL, false, NULL, .help = "Threads" },
	{ NULL }
};
static const struct setting *const tables[] = { business, others, NULL };

static char folder[64], path[96];
static struct arena *arena;
static struct settings *s;
static const char *why;

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/recado-ini-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/recado.ini", folder);
	arena = arena_new(8 * 1024 * 1024);
	s = NULL;
	return arena && seal_start() == RC_OK && words_load() == RC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "recado.ini", "recado.ini.new", "secret", "real.ini" };
	char name[128];
	size_t i;

	(void)state;
	settings_free(s);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(name, sizeof(name), "%s/%s", folder, names[i]);
		unlink(name);
	}
	assert_int_equal(rmdir(folder), 0);
	arena_free(arena);
	return 0;
}

static void write_named(const char *name, const char *text, size_t len)
{
	char full[128];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", folder, name);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static void write_ini(const char *text)
{
	write_named("recado.ini", text, strlen(text));
}

static const char *read_ini(void)
{
	static char text[300 * 1024];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static enum rc load_text(const char *text)
{
	settings_free(s);
	s = NULL;
	write_ini(text);
	return settings_load(&s, tables, path, arena, LANG_EN, &why);
}

/* The sentence for a file with one fault, without the path before it. */
static const char *fault_of(const char *text)
{
	assert_int_equal(load_text(text), RC_BAD_INPUT);
	assert_null(s);
	assert_int_equal(strncmp(why, path, strlen(path)), 0);
	return why + strlen(path) + 2;
}

static void without_a_file_everything_has_its_default(void **state)
{
	int64_t stages[SETTING_INTS_MAX];

	(void)state;
	assert_int_equal(settings_load(&s, tables, path, arena, LANG_ES, &why), RC_OK);
	assert_string_equal(setting_text(s, "web.listen"), "127.0.0.1:8080");
	assert_int_equal(setting_int(s, "outbox.slots"), 32);
	assert_false(setting_bool(s, "mode.offline"));
	assert_int_equal(setting_int(s, "quiet.from"), 21 * 60);
	assert_int_equal(setting_int(s, "quiet.to"), 0);
	assert_string_equal(setting_text(s, "quiet.to"), "");
	assert_int_equal(setting_ints(s, "renewals.stages", stages, SETTING_INTS_MAX), 4);
	assert_true(stages[0] == 7 && stages[1] == 3 && stages[2] == 1 && stages[3] == 0);
	assert_int_equal(setting_ints(s, "renewals.stages", stages, 2), 2);
	assert_string_equal(settings_origin(s, "web.listen"), "default");
	settings_free(s);
	assert_int_equal(settings_load(&s, tables, NULL, arena, LANG_ES, &why), RC_OK);
	assert_int_equal(setting_int(s, "web.workers"), 3);
	assert_string_equal(setting_text(s, "no.such"), ""); /* our bug: logged, and harmless */
	assert_int_equal(setting_int(s, "no.such"), 0);
	assert_string_equal(settings_shown(s, "no.such"), "");
}

static void the_file_says_what_holds(void **state)
{
	int64_t stages[SETTING_INTS_MAX];

	(void)state;
	assert_int_equal(
		load_text(
			"\xef\xbb\xbf; shop\r\n[business]\r\nname = Ñandú & Co \r\nlanguage: EN\r\n"
			"zone=America/Bogota\n\n[outbox]\nslots=256\nbalance = -12\n[mode]\noffline = Sí\n"
			"[quiet]\nto = 00:00\nfrom = 23:59\n[renewals]\nstages = 10 , 0\n[web]\nlisten = a=b;c\n"
			"[whatsapp]\nbase_url = http://127.0.0.1:9\n[outbox]\n# again the same section\n"),
		RC_OK);
	assert_string_equal(setting_text(s, "business.name"), "Ñandú & Co");
	assert_string_equal(setting_text(s, "business.language"), "en");
	assert_string_equal(settings_shown(s, "business.language"), "EN");
	assert_string_equal(setting_text(s, "business.zone"), "America/Bogota");
	assert_string_equal(setting_text(s, "web.listen"), "a=b;c");
	assert_int_equal(setting_int(s, "outbox.slots"), 256);
	assert_int_equal(setting_int(s, "outbox.balance"), -12);
	assert_true(setting_bool(s, "mode.offline"));
	assert_int_equal(setting_int(s, "quiet.to"), 0);
	assert_string_equal(setting_text(s, "quiet.to"), "00:00");
	assert_int_equal(setting_int(s, "quiet.from"), 23 * 60 + 59);
	assert_int_equal(setting_ints(s, "renewals.stages", stages, SETTING_INTS_MAX), 2);
	assert_string_equal(settings_origin(s, "business.name"), "file:3");
	assert_string_equal(settings_origin(s, "web.workers"), "default");
}

static void a_mistyped_name_is_told_with_its_line_and_the_nearest(void **state)
{
	(void)state;
	assert_string_equal(fault_of("[outbox]\n\nslot = 3\n"),
			    "line 3: there is no setting “outbox.slot”. Did you mean “outbox.slots”?");
	assert_string_equal(fault_of("[outbxo]\nslots = 3\n"),
			    "line 1: there is no section [outbxo]. Did you mean [outbox]?");
	assert_string_equal(fault_of("[zzzzzzzzz]\nslots = 3\n"), "line 1: there is no section [zzzzzzzzz].");
	assert_string_equal(fault_of("slots = 3\n"), "line 1: “slots” stands before the first [section].");
	assert_string_equal(fault_of("[outbox]\nslots = 3\nslots = 4\n"),
			    "line 3: “outbox.slots” was already set in line 2.");
	assert_string_equal(fault_of("[outbox]\nslots\n"),
			    "line 2: neither a [section] nor a “name = value”. A comment starts with ;");
	assert_string_equal(fault_of("[outbox\nslots = 3\n"),
			    "line 1: neither a [section] nor a “name = value”. A comment starts with ;");
	assert_string_equal(fault_of("[business]\nzone = America/Guayquil\n"),
			    "line 2: “business.zone” should be a time zone such as America/Guayaquil, not "
			    "“America/Guayquil” (did you mean America/Guayaquil?).");
}

static void a_wrong_value_is_told_with_what_was_expected(void **state)
{
	static const struct {
		const char *text, *expected;
	} wrong[] = {
		{ "[outbox]\nslots = many\n", "a whole number from 1 to 256, not “many”" },
		{ "[outbox]\nslots = 0\n", "a whole number from 1 to 256, not “0”" },
		{ "[outbox]\nslots = 257\n", "a whole number from 1 to 256, not “257”" },
		{ "[outbox]\nslots = 3.5\n", "a whole number from 1 to 256, not “3.5”" },
		{ "[outbox]\nslots =\n", "a whole number from 1 to 256" },
		{ "[outbox]\nbalance = 99999999999999999999\n",
		  "a whole number, not “99999999999999999999”" },
		{ "[mode]\noffline = maybe\n", "yes or no, not “maybe”" },
		{ "[business]\nlanguage = fr\n", "one of these: es, en, not “fr”" },
		{ "[business]\nname = 123456789012345678901\n",
		  "a text of at most 20 characters, not “123456789012345678901”" },
		{ "[web]\nlisten = ab\n", "a text of 3 to 1000 characters, not “ab”" },
		{ "[quiet]\nfrom = 24:00\n", "a time from 00:00 to 23:59, not “24:00”" },
		{ "[quiet]\nfrom = 9:00\n", "a time from 00:00 to 23:59, not “9:00”" },
		{ "[quiet]\nfrom = 21.00\n", "a time from 00:00 to 23:59, not “21.00”" },
		{ "[whatsapp]\nbase_url = ftp://example.com\n",
		  "an address such as https://example.com, not “ftp://example.com”" },
		{ "[whatsapp]\nbase_url = https://\n",
		  "an address such as https://example.com, not “https://”" },
		{ "[whatsapp]\nbase_url = https://u:p@example.com\n",
		  "an address such as https://example.com, not “https://u:p@example.com”" },
		{ "[whatsapp]\nbase_url = https://a.example:65536/\n",
		  "an address such as https://example.com, not “https://a.example:65536/”" },
		{ "[whatsapp]\nbase_url = https://a.example:\n",
		  "an address such as https://example.com, not “https://a.example:”" },
		{ "[whatsapp]\nbase_url = https://[::1\n",
		  "an address such as https://example.com, not “https://[::1”" },
		{ "[whatsapp]\nbase_url = https://[::1]x\n",
		  "an address such as https://example.com, not “https://[::1]x”" },
		{ "[whatsapp]\nbase_url = https://exa mple.com\n",
		  "an address such as https://example.com, not “https://exa mple.com”" },
		{ "[renewals]\nstages = 7,,1\n",
		  "whole numbers from 0 to 90, separated by commas, not “7,,1”" },
		{ "[renewals]\nstages = 91\n", "whole numbers from 0 to 90, separated by commas, not “91”" },
		{ "[renewals]\nstages = 7,\n", "whole numbers from 0 to 90, separated by commas, not “7,”" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const char *fault = fault_of(wrong[i].text), *should = strstr(fault, " should be ");

		assert_int_equal(strncmp(fault, "line 2: “", 9), 0);
		assert_non_null(should);
		assert_string_equal(should + 11, arena_printf(arena, "%s.", wrong[i].expected));
	}
	assert_int_equal(load_text("[whatsapp]\nbase_url = https://[::1]:65535/api\n"), RC_OK);
	assert_int_equal(load_text("[whatsapp]\nbase_url = http://a:1\n"), RC_OK);
	/* at the edge */
	assert_int_equal(load_text("[business]\nname = ñ2345678901234567890\n[outbox]\nslots = 1\n"), RC_OK);
}

static void a_list_has_a_longest_length(void **state)
{
	struct sb sb;
	int i;

	(void)state;
	sb_init_arena(&sb, arena, 1000);
	sb_lit(&sb, "[renewals]\nstages = 0");
	for (i = 1; i < SETTING_INTS_MAX; i++)
		sb_lit(&sb, ",1");
	assert_int_equal(load_text(sb_text_of(&sb)), RC_OK);
	sb_lit(&sb, ",1");
	assert_int_equal(load_text(sb_text_of(&sb)), RC_BAD_INPUT);
}

static void all_faults_are_told_at_once_in_the_readers_language(void **state)
{
	struct sb sb;
	int i;

	(void)state;
	write_ini("[outbox]\nslots = no\n[mode]\noffline = 2\n");
	assert_int_equal(settings_load(&s, tables, path, arena, LANG_ES, &why), RC_BAD_INPUT);
	assert_string_equal(
		why,
		arena_printf(arena,
			     "%s, línea 2: «outbox.slots» debe ser un número entero de 1 a 256, no «no».\n"
			     "%s, línea 4: «mode.offline» debe ser yes o no (sí también sirve), no «2».",
			     path, path));
	sb_init_arena(&sb, arena, 1000);
	sb_lit(&sb, "[outbox]\n");
	for (i = 0; i < 25; i++)
		sb_printf(&sb, "k%d = 1\n", i);
	assert_int_equal(load_text(sb_text_of(&sb)), RC_BAD_INPUT);
	assert_non_null(strstr(why, "line 21:"));
	assert_null(strstr(why, "line 22:"));
	assert_non_null(strstr(why, "\n… and 5 more."));
}

static void a_file_that_is_no_text_is_refused_with_the_line(void **state)
{
	char *big = arena_alloc(arena, SETTINGS_FILE_MAX + 2);

	(void)state;
	assert_string_equal(fault_of("[business]\nname = caf\xe9\n"),
			    "line 2: this is not UTF-8 text. Save the file as UTF-8.");
	write_named("recado.ini", "[business]\nname = a\0b\n", 22);
	assert_int_equal(settings_load(&s, tables, path, arena, LANG_EN, &why), RC_BAD_INPUT);
	assert_non_null(strstr(why, "line 2: this is not UTF-8"));
	assert_non_null(strstr(fault_of("[business]\nname = a\x01\n"), "characters that are not plain text"));
	memset(big, '\n', SETTINGS_FILE_MAX + 1);
	write_named("recado.ini", big, SETTINGS_FILE_MAX);
	assert_int_equal(settings_load(&s, tables, path, arena, LANG_EN, &why), RC_OK);
	settings_free(s);
	s = NULL;
	write_named("recado.ini", big, SETTINGS_FILE_MAX + 1);
	assert_int_equal(settings_load(&s, tables, path, arena, LANG_EN, &why), RC_TOO_LARGE);
	assert_non_null(strstr(why, "is larger than 256 kB"));
	assert_int_equal(settings_load(&s, tables, folder, arena, LANG_EN, &why), RC_IO);
	assert_non_null(strstr(why, "cannot be read"));
	memset(big, 'x', 5000);
	big[0] = ';';
	big[4000] = '\0';
	assert_int_equal(load_text(big), RC_OK); /* a comment of 4,000 bytes */
	big[4000] = 'x';
	big[4001] = '\0';
	assert_string_equal(fault_of(big), "line 1: the line is too long.");
}

static void a_secret_comes_from_where_it_lies_and_is_never_shown(void **state)
{
	(void)state;
	write_named("secret", "k-123\n", 6);
	assert_int_equal(load_text("[whatsapp]\napi_key = file:secret\n"), RC_OK);
	assert_string_equal(setting_text(s, "whatsapp.api_key"), "k-123");
	assert_string_equal(settings_shown(s, "whatsapp.api_key"), "file:secret");
	assert_string_equal(settings_origin(s, "whatsapp.api_key"), "file:2");
	assert_int_equal(setenv("RECADO_TEST_KEY", "k-456", 1), 0);
	assert_int_equal(load_text("[whatsapp]\napi_key = env:RECADO_TEST_KEY\n"), RC_OK);
	assert_string_equal(setting_text(s, "whatsapp.api_key"), "k-456");
	assert_string_equal(settings_origin(s, "whatsapp.api_key"), "env");
	assert_int_equal(load_text("[whatsapp]\napi_key = k-789\n"), RC_OK);
	assert_string_equal(setting_text(s, "whatsapp.api_key"), "k-789");
	assert_string_equal(settings_shown(s, "whatsapp.api_key"), "********");
	assert_int_equal(load_text("[business]\nname = env:HOME\n"),
			 RC_OK); /* not a secret: taken as it is */
	assert_string_equal(setting_text(s, "business.name"), "env:HOME");
	assert_string_equal(settings_shown(s, "whatsapp.api_key"), "");
	unsetenv("RECADO_TEST_KEY");
	assert_non_null(strstr(fault_of("[whatsapp]\napi_key = env:RECADO_TEST_KEY\n"),
			       "asks for the environment variable RECADO_TEST_KEY, which is not set."));
	assert_non_null(strstr(fault_of("[whatsapp]\napi_key = file:nowhere\n"), "which cannot be read."));
	write_named("secret", "a\0b", 3);
	assert_non_null(strstr(fault_of("[whatsapp]\napi_key = file:secret\n"), "which is not a text."));
	assert_null(strstr(fault_of("[whatsapp]\napi_key = "
				    "secretsecretsecretsecretsecretsecretsecretsecretsecretsecretsecretsecret"
				    "secretsecretsecretsecretsecretsecret\n"),
			   "secretsecret"));
}

static void a_reload_takes_all_or_nothing_and_old_texts_stay_readable(void **state)
{
	const char *before, *listen;

	(void)state;
	assert_int_equal(load_text("[business]\nname = Antes\n"), RC_OK);
	before = setting_text(s, "business.name");
	listen = setting_text(s, "web.listen");
	write_ini("[business]\nname = Roto\n[outbox]\nslots = 0\n");
	assert_int_equal(settings_reload(s, arena, LANG_EN, &why), RC_BAD_INPUT);
	assert_string_equal(setting_text(s, "business.name"), "Antes");
	write_ini("[business]\nname = Después\n[outbox]\nslots = 9\n");
	assert_int_equal(settings_reload(s, arena, LANG_EN, &why), RC_OK);
	assert_string_equal(setting_text(s, "business.name"), "Después");
	assert_int_equal(setting_int(s, "outbox.slots"), 9);
	assert_string_equal(before, "Antes");
	assert_ptr_equal(setting_text(s, "web.listen"), listen); /* unchanged: not even copied */
}

static void an_override_wins_over_the_file(void **state)
{
	(void)state;
	assert_int_equal(load_text("[whatsapp]\nbase_url = https://a.example\n"), RC_OK);
	assert_int_equal(settings_override(s, "whatsapp.base_url", "http://127.0.0.1:4444"), RC_OK);
	assert_int_equal(settings_override(s, "whatsapp.base_url", "nonsense"), RC_BAD_INPUT);
	assert_int_equal(settings_override(s, "whatsapp.base", "http://127.0.0.1:4444"), RC_NOT_FOUND);
	assert_string_equal(setting_text(s, "whatsapp.base_url"), "http://127.0.0.1:4444");
	assert_string_equal(settings_origin(s, "whatsapp.base_url"), "override");
	assert_int_equal(settings_reload(s, arena, LANG_EN, &why), RC_OK);
	assert_string_equal(setting_text(s, "whatsapp.base_url"), "http://127.0.0.1:4444");
}

static void assert_set(const char *before, const char *name, const char *value, const char *after)
{
	assert_int_equal(load_text(before), RC_OK);
	assert_int_equal(settings_set(s, name, value, arena, LANG_EN, &why), RC_OK);
	assert_string_equal(read_ini(), after);
	assert_int_equal(settings_reload(s, arena, LANG_EN, &why), RC_OK);
	if (value)
		assert_string_equal(settings_shown(s, name), value);
	else
		assert_string_equal(settings_origin(s, name), "default");
}

static void a_change_touches_its_own_line_only(void **state)
{
	(void)state;
	assert_set("; mine\n[outbox]\n  slots   =  3  \n; end\n", "outbox.slots", "4",
		   "; mine\n[outbox]\n  slots   =  4  \n; end\n");
	assert_set("[outbox]\r\nslots: 3\r\nbalance = 1", "outbox.slots", "4",
		   "[outbox]\r\nslots: 4\r\nbalance = 1");
	assert_set("[outbox]\r\nbalance = 1", "outbox.slots", "4",
		   "[outbox]\r\nbalance = 1\r\nslots = 4\r\n");
	assert_set("[outbox]\n; how many\n;slots = 32\n\n;balance = 0\n\n[mode]\n", "outbox.slots", "4",
		   "[outbox]\n; how many\n;slots = 32\nslots = 4\n\n;balance = 0\n\n[mode]\n");
	assert_set("[mode]\n;slots = 1\n[outbox]\nbalance = 1\n\n[web]\n", "outbox.slots", "4",
		   "[mode]\n;slots = 1\n[outbox]\nbalance = 1\nslots = 4\n\n[web]\n");
	assert_set("[mode]\noffline = no", "outbox.slots", "4",
		   "[mode]\noffline = no\n\n[outbox]\nslots = 4\n");
	assert_set("", "outbox.slots", "4", "[outbox]\nslots = 4\n");
	assert_set("[business]\nname =\n", "business.name", "Ñandú", "[business]\nname = Ñandú\n");
	assert_set("[business]\nname = x\n", "business.name", "", "[business]\nname = \n");
	assert_set("[outbox]\nslots = 3\nbalance = 1\n", "outbox.slots", NULL, "[outbox]\nbalance = 1\n");
	assert_set("[outbox]\nbalance = 1\n", "outbox.slots", NULL, "[outbox]\nbalance = 1\n");
	assert_set("\xef\xbb\xbf[outbox]\nslots = 3\n", "outbox.slots", "5",
		   "\xef\xbb\xbf[outbox]\nslots = 5\n");
	assert_set("[outbox]\n\fslots = 3\f\n", "outbox.slots", "5", "[outbox]\n\fslots = 5\f\n");
	assert_set("[mail.from]\n;name = x\n", "mail.from.name", "Ana",
		   "[mail.from]\n;name = x\nname = Ana\n");
	assert_set("[mail.from]\nname = x\n", "mail.from.name", "Ana", "[mail.from]\nname = Ana\n");
	assert_set("[mail]\nfrom.name = x\n", "mail.from.name", "Ana", "[mail]\nfrom.name = Ana\n");
	assert_set("", "mail.from.name", "Ana", "[mail]\nfrom.name = Ana\n");
	assert_set("[outbox]\nslots = 3\n[mode]\noffline = no\n[outbox]\nbalance = 1\n", "outbox.slots", "7",
		   "[outbox]\nslots = 7\n[mode]\noffline = no\n[outbox]\nbalance = 1\n");
}

static void a_change_keeps_owner_mode_and_link(void **state)
{
	char real[96], name[128];
	struct stat st;
	ino_t before;

	(void)state;
	assert_int_equal(load_text("[outbox]\nslots = 3\n"), RC_OK);
	assert_int_equal(chmod(path, 0604), 0);
	if (geteuid() == 0) /* only root can give files away */
		assert_int_equal(chown(path, 1234, 4321), 0);
	assert_int_equal(stat(path, &st), 0);
	before = st.st_ino;
	assert_int_equal(settings_set(s, "outbox.slots", "3", arena, LANG_EN, &why), RC_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_ino, before); /* nothing changed, nothing written */
	assert_int_equal(settings_set(s, "outbox.slots", "4", arena, LANG_EN, &why), RC_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	if (geteuid() == 0) assert_true(st.st_uid == 1234 && st.st_gid == 4321);
	snprintf(real, sizeof(real), "%s/real.ini", folder);
	assert_int_equal(rename(path, real), 0);
	assert_int_equal(symlink("real.ini", path), 0);
	assert_int_equal(settings_set(s, "outbox.slots", "5", arena, LANG_EN, &why), RC_OK);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_string_equal(read_ini(), "[outbox]\nslots = 5\n");
	snprintf(name, sizeof(name), "%s.new", real);
	assert_int_equal(access(name, F_OK), -1);
	/* A new file is private. */
	unlink(path);
	assert_int_equal(settings_set(s, "outbox.slots", "6", arena, LANG_EN, &why), RC_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_change_that_would_not_load_changes_nothing(void **state)
{
	static const char text[] = "[outbox]\nslots = 3\n";

	(void)state;
	assert_int_equal(load_text(text), RC_OK);
	assert_int_equal(settings_set(s, "outbox.slots", "900", arena, LANG_EN, &why), RC_BAD_INPUT);
	assert_string_equal(why, "“outbox.slots” should be a whole number from 1 to 256, not “900”.");
	assert_int_equal(settings_set(s, "outbox.slot", "9", arena, LANG_EN, &why), RC_BAD_INPUT);
	assert_string_equal(why, "there is no setting “outbox.slot”. Did you mean “outbox.slots”?");
	assert_int_equal(settings_set(s, "business.name", "a\n[mode]", arena, LANG_EN, &why), RC_BAD_INPUT);
	assert_int_equal(settings_set(s, "business.name", "caf\xe9", arena, LANG_EN, &why), RC_BAD_INPUT);
	assert_string_equal(read_ini(), text);
	write_ini("[outbox]\nslots = 3\nbroken\n"); /* somebody is editing it */
	assert_int_equal(settings_set(s, "business.name", "x", arena, LANG_EN, &why), RC_BAD_INPUT);
	assert_non_null(strstr(why, "line 3: neither a [section]"));
	assert_string_equal(read_ini(), "[outbox]\nslots = 3\nbroken\n");
	settings_free(s);
	assert_int_equal(settings_load(&s, tables, NULL, arena, LANG_EN, &why), RC_OK);
	assert_int_equal(settings_set(s, "business.name", "x", arena, LANG_EN, &why), RC_NOT_FOUND);
	assert_string_equal(why, "there is no settings file to write to.");
}

static void the_sample_loads_and_changes_nothing_until_a_key_is_uncommented(void **state)
{
	enum lang lang;
	size_t i, k;

	(void)state;
	for (lang = LANG_ES; lang < LANG__MAX; lang++) {
		struct sb sb;

		sb_init_arena(&sb, arena, 64 * 1024);
		settings_sample(&sb, tables, lang);
		assert_int_equal(sb_result(&sb), RC_OK);
		assert_int_equal(load_text(sb_text_of(&sb)), RC_OK);
		for (i = 0; settings_row(s, i); i++) {
			const char *name = settings_row(s, i)->name;
			char *line = arena_printf(arena, "\n;%s =", strchr(name, '.') + 1);

			assert_string_equal(settings_origin(s, name), "default");
			assert_non_null(strstr(sb_text_of(&sb), line));
		}
		assert_int_equal(i, 14);
		/* Each section once, though [web] has rows in both tables. */
		assert_null(strstr(strstr(sb_text_of(&sb), "[web]") + 1, "[web]"));
		/* With every default uncommented it still loads. */
		for (i = k = 0; i < sb.len; i++)
			if (!(sb.p[i] == ';' && i + 1 < sb.len && sb.p[i + 1] != ' ' &&
			      (i == 0 || sb.p[i - 1] == '\n')))
				sb.p[k++] = sb.p[i];
		sb.p[k] = '\0';
		assert_int_equal(load_text(sb.p), RC_OK);
		assert_int_equal(strncmp(settings_origin(s, "web.workers"), "file:", 5), 0);
	}
}

static void a_table_whose_own_default_is_wrong_does_not_pass(void **state)
{
	static const struct setting wrong[] = { { "a.b", SET_INT, "x", 1, 2, NULL, false, NULL, .help = "" },
						{ NULL } };
	static const struct setting *const list[] = { wrong, NULL };

	(void)state;
	assert_int_equal(settings_load(&s, list, NULL, arena, LANG_EN, &why), RC_BUG);
	assert_non_null(strstr(why, "“a.b” should be a whole number from 1 to 2"));
}

static void *read_often(void *arg)
{
	int i, *wrong = arg;

	for (i = 0; i < 20000; i++) {
		const char *name = setting_text(s, "business.name");

		if (strcmp(name, "uno") != 0 && strcmp(name, "dos") != 0) ++*wrong;
	}
	return NULL;
}

static void readers_see_the_old_or_the_new_value_while_it_is_reloaded(void **state)
{
	pthread_t threads[2];
	int wrong[2] = { 0 }, i;

	(void)state;
	assert_int_equal(load_text("[business]\nname = uno\n"), RC_OK);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_often, &wrong[i]), 0);
	for (i = 0; i < 20; i++) {
		write_ini(i % 2 ? "[business]\nname = uno\n" : "[business]\nname = dos\n");
		assert_int_equal(settings_reload(s, arena, LANG_EN, &why), RC_OK);
	}
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(wrong[i], 0);
	}
}

/* Fail the first allocation, then the second …, until none is left to fail: all or nothing, and nothing
** leaks. */
static void without_memory_it_fails_whole_and_leaks_nothing(void **state)
{
	bool is_reached = true;
	long n, live;

	(void)state;
	assert_int_equal(load_text("[business]\nname = Antes\n[whatsapp]\napi_key = k\n"), RC_OK);
	write_ini("[business]\nname = Después\n[renewals]\nstages = 1,2\n");
	for (n = 1; is_reached; n++) {
		struct settings *fresh = NULL;
		struct arena *a;
		enum rc rc;

		live = mem_live();
		a = arena_new(1024 * 1024);
		mem_fail(n, false);
		rc = settings_load(&fresh, tables, path, a, LANG_EN, &why);
		is_reached = mem_fail_fired();
		mem_fail(0, false);
		assert_int_equal(rc, is_reached ? RC_NO_MEMORY : RC_OK);
		assert_int_equal(fresh != NULL, !is_reached);
		settings_free(fresh);
		arena_free(a);
		assert_int_equal(mem_live(), live);
	}
	assert_true(n > 10);
	is_reached = true;
	for (n = 1; is_reached; n++) {
		struct arena *a = arena_new(1024 * 1024);
		enum rc rc;

		mem_fail(n, false);
		rc = settings_reload(s, a, LANG_EN, &why);
		is_reached = mem_fail_fired();
		mem_fail(0, false);
		assert_int_equal(rc, is_reached ? RC_NO_MEMORY : RC_OK);
		assert_string_equal(setting_text(s, "business.name"), is_reached ? "Antes" : "Después");
		arena_free(a);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(without_a_file_everything_has_its_default),
		TEST(the_file_says_what_holds),
		TEST(a_mistyped_name_is_told_with_its_line_and_the_nearest),
		TEST(a_wrong_value_is_told_with_what_was_expected),
		TEST(a_list_has_a_longest_length),
		TEST(all_faults_are_told_at_once_in_the_readers_language),
		TEST(a_file_that_is_no_text_is_refused_with_the_line),
		TEST(a_secret_comes_from_where_it_lies_and_is_never_shown),
		TEST(a_reload_takes_all_or_nothing_and_old_texts_stay_readable),
		TEST(an_override_wins_over_the_file),
		TEST(a_change_touches_its_own_line_only),
		TEST(a_change_keeps_owner_mode_and_link),
		TEST(a_change_that_would_not_load_changes_nothing),
		TEST(the_sample_loads_and_changes_nothing_until_a_key_is_uncommented),
		TEST(a_table_whose_own_default_is_wrong_does_not_pass),
		TEST(without_memory_it_fails_whole_and_leaks_nothing),
		TEST(readers_see_the_old_or_the_new_value_while_it_is_reloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
