/*
** backup_ini.c -- takes the secrets out of a settings file, and puts a machine's own back in.
**
** Never:  writes a file; changes a line that it was not asked about.
** Holds:  (1) no value of a secret or of a name we do not know is in what ini_without_secrets() gives, nor of
**             a secret in a line that somebody made a comment;
**         (2) what ini_put_back() gives has only names that this version knows;
**         (3) of what belongs to a machine it says what this one says, or nothing.
*/
#include "ops/backup_ini.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define MARK        "; left out of the backup: "
#define UNKNOWN     "; not known to this version: "
#define OTHERS      "; of the machine of the backup: "
#define NAME_MAX_   120
#define TEXT_MAX    ((size_t)4 * SETTINGS_FILE_MAX) /* each line with a mark before it */
#define BLANKS      " \t\v\f\r"
#define IS_BLANK(c) ((c) != '\0' && strchr(BLANKS, (c)) != NULL)

enum line_kind { LINE_OTHER, LINE_VALUE, LINE_MARK };

struct line {
	const char *p;
	size_t len; /* without the line feed */
	enum line_kind kind;
	char section[NAME_MAX_]; /* stays from line to line */
	char name[2 * NAME_MAX_];
	const char *value;
	size_t value_len;
};

static struct bytes trimmed(const char *p, size_t len)
{
	while (len > 0 && IS_BLANK(*p)) {
		p++;
		len--;
	}
	while (len > 0 && IS_BLANK(p[len - 1]))
		len--;
	return (struct bytes){ .p = p, .len = len };
}

static void set_name(struct line *l, struct bytes key)
{
	snprintf(l->name, sizeof(l->name), "%s.%.*s", l->section,
		 (int)(key.len < NAME_MAX_ ? key.len : NAME_MAX_ - 1), key.p);
}

/* The next line as inih would see it; false at the end. */
static bool next_line(struct line *l, const char **at, const char *end)
{
	const char *feed;
	struct bytes t;
	size_t cut;

	if (*at >= end) return false;
	feed = memchr(*at, '\n', (size_t)(end - *at));
	l->p = *at;
	l->len = (size_t)((feed != NULL ? feed : end) - *at);
	*at = feed != NULL ? feed + 1 : end;
	l->kind = LINE_OTHER;
	t = trimmed(l->p, l->len);
	if (t.len > strlen(MARK) && memcmp(t.p, MARK, strlen(MARK)) == 0) {
		set_name(l, trimmed(t.p + strlen(MARK), t.len - strlen(MARK)));
		l->kind = LINE_MARK;
	} else if (t.len > 1 && t.p[0] == '[') {
		const char *close = memchr(t.p, ']', t.len);
		struct bytes s = trimmed(t.p + 1, close != NULL ? (size_t)(close - t.p - 1) : 0);

		snprintf(l->section, sizeof(l->section), "%.*s",
			 (int)(s.len < NAME_MAX_ ? s.len : NAME_MAX_ - 1), s.p);
	} else if (t.len > 0 && t.p[0] != ';' && t.p[0] != '#') {
		for (cut = 0; cut < t.len && t.p[cut] != '=' && t.p[cut] != ':'; cut++)
			continue;
		if (cut == t.len) return true;
		set_name(l, trimmed(t.p, cut));
		t = trimmed(t.p + cut + 1, t.len - cut - 1);
		l->value = t.p;
		l->value_len = t.len;
		l->kind = LINE_VALUE;
	}
	return true;
}

static const char *key_of(const struct line *l)
{
	return strchr(l->name, '.') + 1;
}

static bool begins(const struct line *l, const char *with)
{
	return l->value_len >= strlen(with) && memcmp(l->value, with, strlen(with)) == 0;
}

/* Bytes of a comment that may be shown: "; password = old" up to its sign, when the key is a secret of the
** section, or one that an older version made a comment of; else all of it. */
static size_t shown_of_comment(const struct line *l, const struct settings *s)
{
	struct bytes t = trimmed(l->p, l->len), key;
	bool is_unknown = t.len > strlen(UNKNOWN) && memcmp(t.p, UNKNOWN, strlen(UNKNOWN)) == 0;
	struct line as = *l;
	const struct setting *row;
	size_t cut = 0;

	if (t.len == 0 || (t.p[0] != ';' && t.p[0] != '#')) return l->len;
	if (is_unknown) t = (struct bytes){ t.p + strlen(UNKNOWN), t.len - strlen(UNKNOWN) };
	while (t.len > 0 && (IS_BLANK(*t.p) || *t.p == ';' || *t.p == '#'))
		t = (struct bytes){ t.p + 1, t.len - 1 };
	while (cut < t.len && t.p[cut] != '=' && t.p[cut] != ':')
		cut++;
	key = trimmed(t.p, cut);
	if (cut == t.len || key.len == 0) return l->len;
	set_name(&as, key);
	row = settings_find(s, as.name);
	return is_unknown || (row != NULL && row->is_secret) ? (size_t)(t.p + cut + 1 - l->p) : l->len;
}

const char *ini_without_secrets(struct arena *a, const struct settings *s, const char *text, size_t len,
				struct value *left_out)
{
	struct line l = { .section = "" };
	const char *at = text;
	struct sb out;

	sb_init_arena(&out, a, TEXT_MAX);
	while (next_line(&l, &at, text + len)) {
		const struct setting *row = l.kind == LINE_VALUE ? settings_find(s, l.name) : NULL;
		bool is_kept =
			l.kind != LINE_VALUE || l.value_len == 0 ||
			(row != NULL && (!row->is_secret || begins(&l, "file:") || begins(&l, "env:")));

		if (is_kept)
			sb_bytes(&out, l.p, l.kind == LINE_OTHER ? shown_of_comment(&l, s) : l.len);
		else {
			sb_printf(&out, MARK "%s", key_of(&l));
			value_add_text(a, left_out, l.name);
		}
		sb_char(&out, '\n');
	}
	return sb_text_of(&out);
}

/* The value of a name in a text; p NULL when it has none. */
static struct bytes value_in(const char *text, const char *name)
{
	struct line l = { .section = "" };
	const char *at = text, *end = text + strlen(text);

	while (next_line(&l, &at, end))
		if (l.kind == LINE_VALUE && strcmp(l.name, name) == 0 && l.value_len > 0)
			return (struct bytes){ .p = l.value, .len = l.value_len };
	return (struct bytes){ .p = NULL };
}

/* Where the panel listens, a folder that may be another disk, the folder of the storage that this machine
** writes to: of another machine they are wrong here, or take what is that one's. */
const char *const ini_of_machine[] = { "web.listen", "backup.folder", "s3.prefix", NULL };

static bool is_of_machine(const char *name)
{
	for (size_t i = 0; ini_of_machine[i] != NULL; i++)
		if (strcmp(ini_of_machine[i], name) == 0) return true;
	return false;
}

/* For a person's screen: a backup that somebody else made must not write to the terminal what it likes. */
static const char *shown(struct arena *a, struct bytes b)
{
	char *text = b.p != NULL && text_is_utf8(b.p, b.len) ? arena_bytes(a, b.p, b.len) : NULL;

	for (char *p = text; p != NULL && *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = '?';
	return text != NULL ? text : "?";
}

static const char *text_or_default(struct arena *a, const struct settings *s, const char *name,
				   struct bytes b)
{
	const struct setting *row = settings_find(s, name);

	if (b.p != NULL) return shown(a, b);
	return row != NULL && row->def != NULL ? row->def : "";
}

/* What stays as it is here, and is not so in the backup. */
static void tell_kept(struct arena *a, const struct settings *s, const char *text, const char *now,
		      struct value *kept)
{
	for (size_t i = 0; ini_of_machine[i] != NULL; i++) {
		const char *name = ini_of_machine[i];
		const char *here = text_or_default(a, s, name, value_in(now, name));
		const char *there = text_or_default(a, s, name, value_in(text, name));
		struct value *row = strcmp(here, there) != 0 ? value_add_map(a, kept) : NULL;

		if (row == NULL) continue;
		value_set_text(a, row, "name", name);
		value_set_text(a, row, "here", here);
		value_set_text(a, row, "there", there);
	}
}

/* At the end, where the file has no such line: a section may be there twice. */
static void add_own(struct sb *out, const char *text, const char *now)
{
	for (size_t i = 0; ini_of_machine[i] != NULL; i++) {
		const char *name = ini_of_machine[i];
		struct bytes own = value_in(now, name);

		if (own.p == NULL || value_in(text, name).p != NULL) continue;
		sb_printf(out, "[%.*s]\n%s = %.*s\n", (int)strcspn(name, "."), name, strchr(name, '.') + 1,
			  (int)own.len, own.p);
	}
}

const char *ini_put_back(struct arena *a, const struct settings *s, const char *text, const char *now,
			 const struct ini_back *back)
{
	struct line l = { .section = "" };
	const char *at = text, *end = text + strlen(text);
	struct sb out;

	sb_init_arena(&out, a, TEXT_MAX);
	while (next_line(&l, &at, end)) {
		bool is_known = l.kind == LINE_OTHER || settings_find(s, l.name) != NULL;
		bool is_own = l.kind == LINE_VALUE && l.value_len > 0 && is_of_machine(l.name);

		if (is_known && (l.kind == LINE_MARK || is_own)) {
			struct bytes own = value_in(now, l.name);

			if (own.p != NULL)
				sb_printf(&out, "%s = %.*s", key_of(&l), (int)own.len, own.p);
			else {
				if (is_own)
					sb_lit(&out, OTHERS);
				else
					value_add_text(a, back->to_enter, l.name);
				sb_bytes(&out, l.p, l.len);
			}
		} else {
			if (!is_known && l.kind == LINE_VALUE) sb_lit(&out, UNKNOWN);
			sb_bytes(&out, l.p, l.len);
		}
		sb_char(&out, '\n');
	}
	add_own(&out, text, now);
	tell_kept(a, s, text, now, back->kept);
	return sb_text_of(&out);
}
