/*
** settings_check.c -- is this text a value of that row?
**
** Owns:   what each type of setting accepts, and how it is described to people.
** Needs:  an arena; for ZONE the embedded zones; for file: and env: the file and the environment.
** Never:  repeats a secret in a sentence.
** Holds:  an accepted value is UTF-8 without control characters, trimmed, and within the row's bounds.
*/
#include "base/settings_inside.h"
#include "base/clock.h"
#include "base/embed.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX        1000        /* a row without a bound: a sentence, a key, a list of hosts */
#define SECRET_FILE_MAX (64 * 1024) /* a service account's JSON is 3 kB */
#define HOST_MAX        260         /* 253 of a DNS name (RFC 1035), a colon and a port */
#define SHOWN_MAX       60          /* characters of a wrong value that a message repeats */

const char *setting_default(const struct setting *row)
{
	return row->def ? row->def : "";
}

/* Describing */

/* The names of "a|b|c" as "a, b, c". */
static const char *choices_text(const char *choices, struct arena *a)
{
	struct sb sb;

	sb_init_arena(&sb, a, 4096);
	for (; *choices; choices++) {
		if (*choices == '|')
			sb_lit(&sb, ", ");
		else
			sb_char(&sb, *choices);
	}
	return sb_text_of(&sb);
}

static long long text_max(const struct setting *row)
{
	return row->max > 0 ? row->max : TEXT_MAX;
}

static bool is_bounded(const struct setting *row)
{
	return row->min != 0 || row->max != 0;
}

const char *setting_expected(const struct setting *row, struct arena *a, enum lang lang)
{
	long long min = row->min, max = row->max;

	switch (row->type) {
	case SET_TEXT:
		if (min > 0)
			return arena_printf(a, words_get(lang, N_("a text of %lld to %lld characters")), min,
					    text_max(row));
		return arena_printf(a, words_get(lang, N_("a text of at most %lld characters")),
				    text_max(row));
	case SET_INT:
		if (!is_bounded(row)) return words_get(lang, N_("a whole number"));
		return arena_printf(a, words_get(lang, N_("a whole number from %lld to %lld")), min, max);
	case SET_BOOL: return words_get(lang, N_("yes or no"));
	case SET_ONE:
		return arena_printf(a, words_get(lang, N_("one of these: %s")),
				    choices_text(row->choices ? row->choices : "", a));
	case SET_HHMM: return words_get(lang, N_("a time from 00:00 to 23:59"));
	case SET_ZONE: return words_get(lang, N_("a time zone such as America/Guayaquil"));
	case SET_URL: return words_get(lang, N_("an address such as https://example.com"));
	case SET_LIST_INT:
		if (!is_bounded(row)) return words_get(lang, N_("whole numbers separated by commas"));
		return arena_printf(
			a, words_get(lang, N_("whole numbers from %lld to %lld, separated by commas")), min,
			max);
	}
	return "";
}

static enum rc refuse(const struct setting *row, const char *written, struct arena *a, enum lang lang,
		      const char **why)
{
	const char *expected = setting_expected(row, a, lang);
	size_t len = strlen(written),
	       shown = text_is_utf8(written, len) ? text_prefix(written, SHOWN_MAX) : 0;

	if (row->is_secret || shown == 0)
		*why = arena_printf(a, words_get(lang, N_("should be %s")), expected);
	else
		*why = arena_printf(a, words_get(lang, N_("should be %s, not “%.*s”")), expected, (int)shown,
				    written);
	return RC_BAD_INPUT;
}

/* Reading */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* One integer at *p; moves past it. */
static bool take_int(const char **p, const struct setting *row, int64_t *out)
{
	const int64_t largest =
		INT64_C(1000000000000000); /* no setting of ours comes near; keeps the sum safe */
	bool is_negative = **p == '-';
	const char *start;
	int64_t n = 0;

	if (is_negative) (*p)++;
	for (start = *p; **p >= '0' && **p <= '9'; (*p)++)
		if ((n = n * 10 + (**p - '0')) > largest) return false;
	if (*p == start) return false;
	*out = is_negative ? -n : n;
	return !is_bounded(row) || (*out >= row->min && *out <= row->max);
}

static bool read_ints(struct setting_value *v, const struct setting *row, const char *p)
{
	v->count = 0;
	for (;;) {
		while (is_blank(*p))
			p++;
		if (v->count == SETTING_INTS_MAX || !take_int(&p, row, &v->ints[v->count++])) return false;
		while (is_blank(*p))
			p++;
		if (*p == '\0') return true;
		if (*p++ != ',') return false;
	}
}

static bool read_bool(struct setting_value *v, const char *p)
{
	static const struct {
		const char *word;
		int64_t value;
	} words[] = { { "yes", 1 }, { "no", 0 }, { "true", 1 }, { "false", 0 },     { "on", 1 },
		      { "off", 0 }, { "1", 1 },  { "0", 0 },    { "s\xc3\xad", 1 }, { "si", 1 } };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (text_equal_fold(words[i].word, p)) {
			v->number = words[i].value;
			return true;
		}
	return false;
}

/* The choice with the row's own spelling. */
static bool read_choice(struct setting_value *v, const struct setting *row, const char *p, struct arena *a)
{
	const char *c = row->choices ? row->choices : "";

	while (*c) {
		size_t n = strcspn(c, "|");
		const char *word = arena_bytes(a, c, n);

		if (text_equal_fold(word, p)) {
			v->text = word;
			return true;
		}
		c += n + (c[n] == '|');
	}
	return false;
}

static bool read_hhmm(struct setting_value *v, const char *p)
{
	int hour, minute;

	if (strlen(p) != 5 || p[2] != ':' || strspn(p, "0123456789") != 2 || strspn(p + 3, "0123456789") != 2)
		return false;
	hour = (p[0] - '0') * 10 + (p[1] - '0');
	minute = (p[3] - '0') * 10 + (p[4] - '0');
	v->number = hour * 60 + minute;
	return hour < 24 && minute < 60;
}

static bool is_scheme(const char *p, size_t len, const char *schemes)
{
	while (*schemes) {
		size_t n = strcspn(schemes, "|");

		if (n == len && memcmp(schemes, p, n) == 0) return true;
		schemes += n + (schemes[n] == '|');
	}
	return false;
}

/* host or [address], and :1…65535 or nothing. */
static bool is_host(const char *p, size_t len)
{
	const char *end = p + len, *close = *p == '[' ? memchr(p, ']', len) : NULL, *q;
	const char *colon = memchr(close ? close : p, ':', (size_t)(end - (close ? close : p)));
	int port = 0;

	if (*p == '[' && !close) return false;
	if (colon == p || (close && close == p + 1) || (close && close + 1 != end && close + 1 != colon))
		return false;
	for (q = colon ? colon + 1 : end; q < end; q++) {
		if (*q < '0' || *q > '9' || port > 65535) return false;
		port = port * 10 + (*q - '0');
	}
	return !colon || (port >= 1 && port <= 65535);
}

/*
** scheme://host[:port][/…], visible ASCII; no user and password before the host: those have rows of their
** own.
*/
static bool is_url(const struct setting *row, const char *p)
{
	const char *colon = strstr(p, "://"), *host, *c;
	size_t n;

	if (!colon || !is_scheme(p, (size_t)(colon - p), row->choices ? row->choices : "http|https"))
		return false;
	for (c = p; *c; c++)
		if (*c <= 0x20 || *c >= 0x7f || strchr("\"<>\\^`{|}", *c)) return false;
	host = colon + 3;
	n = strcspn(host, "/?#");
	return n > 0 && n <= HOST_MAX && !memchr(host, '@', n) && is_host(host, n) &&
	       (long long)strlen(p) <= text_max(row);
}

/* The zone whose name is nearest to a mistyped one, "" if none is near. */
static const char *nearest_zone(const char *name, struct arena *a)
{
	size_t first = embed_first("zone/"), n = 0, i;
	const char **names, *found;

	while (embed_at(first + n) && strncmp(embed_at(first + n)->name, "zone/", 5) == 0)
		n++;
	if (!(names = arena_array(a, n + 1, sizeof(*names)))) return "";
	for (i = 0; i < n; i++)
		names[i] = embed_at(first + i)->name + 5;
	found = text_nearest(name, names);
	return found ? found : "";
}

/* The text of file:PATH or env:NAME; its last line feeds are not part of it. */
static enum rc resolve(struct setting_value *v, const char *written, const char *folder, struct arena *a,
		       enum lang lang, const char **why)
{
	const char *name = strchr(written, ':') + 1, *path, *value;
	char *text;
	size_t len;
	enum rc rc;

	if (strncmp(written, "env:", 4) == 0) {
		v->is_env = true;
		if ((value = getenv(name))) {
			v->text = arena_text(a, value);
			return RC_OK;
		}
		*why = arena_printf(
			a, words_get(lang, N_("asks for the environment variable %s, which is not set")),
			name);
		return RC_BAD_INPUT;
	}
	path = name[0] == '/' ? name : arena_printf(a, "%s/%s", folder, name);
	rc = settings_read_file(path, SECRET_FILE_MAX, &text, &len, a);
	if (rc == RC_NO_MEMORY) return rc;
	if (rc != RC_OK) {
		*why = arena_printf(a, words_get(lang, N_("asks for the file %s, which cannot be read")),
				    path);
		return RC_BAD_INPUT;
	}
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	if (strlen(text) != len) {
		*why = arena_printf(a, words_get(lang, N_("asks for the file %s, which is not a text")),
				    path);
		return RC_BAD_INPUT;
	}
	v->text = text;
	return RC_OK;
}

/* UTF-8 without control characters. A file may hold lines (a PEM key); a line of the INI cannot. */
static bool is_clean(const char *p, bool is_file)
{
	const char *c;

	for (c = p; *c; c++)
		if (((unsigned char)*c < 0x20 && !(*c == '\t' || (is_file && (*c == '\n' || *c == '\r')))) ||
		    *c == 0x7f)
			return false;
	return text_is_utf8(p, strlen(p));
}

static bool is_reference(const struct setting *row, const char *p)
{
	return row->is_secret && (strncmp(p, "file:", 5) == 0 || strncmp(p, "env:", 4) == 0);
}

enum rc setting_read(struct setting_value *out, const struct setting *row, const char *written,
		     const char *folder, struct arena *a, enum lang lang, const char **why)
{
	struct setting_value v = { .raw = written, .text = written };
	bool is_fine = false;
	long long len;
	enum rc rc;

	if (is_reference(row, written) && (rc = resolve(&v, written, folder, a, lang, why)) != RC_OK)
		return rc;
	if (strpbrk(v.raw, "\r\n")) {
		*why = words_get(lang, N_("must stand in one line"));
		return RC_BAD_INPUT;
	}
	if (!is_clean(v.raw, false) || !is_clean(v.text, v.text != v.raw)) {
		*why = words_get(lang, N_("has characters that are not plain text (UTF-8)"));
		return RC_BAD_INPUT;
	}
	if (*v.text == '\0' && *setting_default(row) == '\0') {
		*out = v;
		return RC_OK;
	}
	switch (row->type) {
	case SET_TEXT:
		len = (long long)text_length(v.text);
		is_fine = len >= row->min && (v.text != v.raw || len <= text_max(row));
		break;
	case SET_INT: {
		const char *p = v.text;

		is_fine = take_int(&p, row, &v.number) && *p == '\0';
		break;
	}
	case SET_BOOL: is_fine = read_bool(&v, v.text); break;
	case SET_ONE: is_fine = read_choice(&v, row, v.text, a); break;
	case SET_HHMM: is_fine = read_hhmm(&v, v.text); break;
	case SET_ZONE: is_fine = zone_find(v.text) != NULL; break;
	case SET_URL: is_fine = is_url(row, v.text); break;
	case SET_LIST_INT: is_fine = read_ints(&v, row, v.text); break;
	}
	if (is_fine) {
		*out = v;
		return arena_failed(a) ? RC_NO_MEMORY : RC_OK;
	}
	rc = refuse(row, v.text, a, lang, why);
	if (row->type == SET_ZONE && !row->is_secret && *nearest_zone(v.text, a))
		*why = arena_printf(a, words_get(lang, N_("%s (did you mean %s?)")), *why,
				    nearest_zone(v.text, a));
	return rc;
}
