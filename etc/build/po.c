/*
** po.c -- build tool: merges translation fragments into one sorted .po file and refuses contradictions.
**
** Usage:  po OUT.po FRAGMENT.po...
** Reads:  the plain part of the gettext format: comments, msgid and msgstr with continued strings and the
**         escapes \n \t \" \\. No plurals, no contexts, no fuzzy entries: the code does not use them.
** Holds:  (1) a msgid with two different msgstr stops the build with both places; (2) an empty msgstr or a
**         printf-style or {{name}} mismatch stops it too; (3) the output has one line a string, sorted.
** Never:  runs in the product; it may exit where it stands.
*/
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 8192 /* longest message with all its continued lines */

struct entry {
	char *id, *str; /* still escaped, as in the file */
	const char *file;
	int line;
};

static struct entry *entries;
static size_t entry_count, entry_room;
static int faults;

static void fault(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	faults++;
}

static void add(const char *id, const char *str, const char *file, int line)
{
	if (id[0] == '\0') return; /* the header entry */
	if (entry_count == entry_room) {
		entry_room = entry_room * 2 + 256;
		entries = realloc(entries, entry_room * sizeof(*entries));
		if (entries == NULL) abort();
	}
	entries[entry_count++] = (struct entry){ strdup(id), strdup(str), file, line };
}

/* Append the quoted string of a line to text. False when there is no well-formed one. */
static bool take_quoted(char *text, const char *p)
{
	const char *end = strrchr(p, '"');
	size_t have = strlen(text), n;

	if (*p != '"' || end == p || strspn(end + 1, " \t\r\n") != strlen(end + 1)) return false;
	n = (size_t)(end - p - 1);
	if (have + n >= TEXT_MAX) return false;
	for (size_t i = 1; i <= n; i++) {
		if (p[i] == '"') return false;
		if (p[i] == '\\') {
			if (i == n || strchr("nt\"\\", p[i + 1]) == NULL) return false;
			i++;
		}
	}
	memcpy(text + have, p + 1, n);
	text[have + n] = '\0';
	return true;
}

static void read_fragment(const char *file)
{
	static char line[TEXT_MAX], id[TEXT_MAX], str[TEXT_MAX];
	char *into = NULL;
	int n = 0, id_line = 0;
	FILE *f = fopen(file, "r");

	if (f == NULL) {
		fault(file, 0, "cannot be opened");
		return;
	}
	id[0] = str[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		const char *p = line + strspn(line, " \t");

		n++;
		if (*p == '#' || *p == '\n' || *p == '\r' || *p == '\0') continue;
		if (strncmp(p, "msgid", 5) == 0 && (p[5] == ' ' || p[5] == '\t' || p[5] == '"')) {
			if (into == id) fault(file, n, "msgid without msgstr");
			if (into == str) add(id, str, file, id_line);
			id[0] = str[0] = '\0';
			into = id;
			id_line = n;
			p += 5;
		} else if (strncmp(p, "msgstr", 6) == 0 && (p[6] == ' ' || p[6] == '\t' || p[6] == '"')) {
			if (into != id) fault(file, n, "msgstr without msgid");
			into = str;
			p += 6;
		} else if (*p != '"') {
			fault(file, n, "expected msgid, msgstr or a quoted string");
			continue;
		}
		p += strspn(p, " \t");
		if (into == NULL || !take_quoted(into, p)) fault(file, n, "not a well-formed quoted string");
	}
	if (into == id) fault(file, n, "msgid without msgstr");
	if (into == str) add(id, str, file, id_line);
	fclose(f);
}

/* The conversions of a format, in order ("%s%d"), so that both languages take the same arguments. */
static void conversions(const char *s, char *out, size_t room)
{
	size_t n = 0;

	for (; *s != '\0'; s++) {
		if (*s != '%') continue;
		if (s[1] == '%') {
			s++;
			continue;
		}
		if (strchr("sdiuxXlzjcfgp0123456789.-", s[1]) == NULL || s[1] == '\0') continue;
		while (s[1] != '\0' && n + 2 < room) {
			out[n++] = *++s;
			if (strchr("sdiuxXcfgp", *s) != NULL) break;
			if (strchr("lzjh0123456789.-", *s) == NULL) break;
		}
		if (n + 1 < room) out[n++] = ' ';
	}
	out[n] = '\0';
}

static int by_id(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = strcmp(x->id, y->id);

	return c != 0 ? c : strcmp(x->str, y->str);
}

static void check_entries(void)
{
	static char a[256], b[256];

	for (size_t i = 0; i < entry_count; i++) {
		const struct entry *e = &entries[i];

		if (e->str[0] == '\0') fault(e->file, e->line, "empty msgstr");
		/* A percent sign in prose ("100 % done") is not a conversion: only texts whose English has
		 * one count. */
		conversions(e->id, a, sizeof(a));
		conversions(e->str, b, sizeof(b));
		if (strcmp(a, b) != 0) fault(e->file, e->line, "msgstr takes other %-conversions than msgid");
		if (i > 0 && strcmp(e->id, e[-1].id) == 0 && strcmp(e->str, e[-1].str) != 0) {
			fault(e->file, e->line, "this msgid has another msgstr elsewhere:");
			fault(e[-1].file, e[-1].line, "here");
		}
	}
}

int main(int argc, char **argv)
{
	FILE *f;

	if (argc < 2) return 2;
	for (int i = 2; i < argc; i++)
		read_fragment(argv[i]);
	if (entry_count > 0) qsort(entries, entry_count, sizeof(*entries), by_id);
	check_entries();
	if (faults > 0) return 1;
	f = fopen(argv[1], "w");
	if (f == NULL) return 1;
	fputs("msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\\n\"\n", f);
	for (size_t i = 0; i < entry_count; i++) {
		if (i > 0 && strcmp(entries[i].id, entries[i - 1].id) == 0) continue;
		fprintf(f, "\nmsgid \"%s\"\nmsgstr \"%s\"\n", entries[i].id, entries[i].str);
	}
	return fclose(f) == 0 ? 0 : 1;
}
