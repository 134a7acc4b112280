/*
** template_text.c -- the words of an HTML mail, for readers without HTML.
**
** Never:  reads Mustache: tags of it are text and stay where they are.
** Holds:  total over any bytes; the result is never longer than twice the HTML.
*/
#include "sends/template_inner.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX   ((size_t)512 * 1024) /* twice the largest template */
#define HREF_MAX   500                  /* a longer address is not read by people */
#define ENTITY_MAX 10                   /* "&thetasym;" */

struct writer {
	struct sb out;
	int lines;     /* newlines owed before the next word: 1 a line, 2 a paragraph */
	bool is_blank; /* a blank is owed */
	char href[HREF_MAX];
	size_t href_at; /* where the link's words begin in out */
	bool has_href;
};

static void put(struct writer *w, const char *p, size_t len)
{
	if (w->out.len > 0) {
		for (int i = 0; i < w->lines; i++)
			sb_char(&w->out, '\n');
		if (w->lines == 0 && w->is_blank) sb_char(&w->out, ' ');
	}
	w->lines = 0;
	w->is_blank = false;
	sb_bytes(&w->out, p, len);
}

static void owe(struct writer *w, int lines)
{
	if (w->lines < lines) w->lines = lines;
}

/* Does the tag at p (behind "<" or "</") have this name? */
static bool is_tag(const char *p, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(p, name, n) == 0 && (p[n] == '\0' || strchr(" \t\r\n/>", p[n]) != NULL);
}

static bool is_one_of(const char *p, const char *const *names)
{
	for (; *names != NULL; names++)
		if (is_tag(p, *names)) return true;
	return false;
}

/* Behind the ">" of the tag that begins at p; quotes are skipped over. */
static const char *tag_end(const char *p)
{
	char quote = 0;

	for (; *p != '\0'; p++) {
		if (quote != 0)
			quote = *p == quote ? 0 : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '>')
			return p + 1;
	}
	return p;
}

/* The address of <a href="…"> between p and end; none when it leads to no page. */
static void read_href(struct writer *w, const char *p, const char *end)
{
	const char *stop;
	size_t n;
	char quote;

	w->has_href = false;
	while (end - p > 6 && !(strchr(" \t\r\n", *p) != NULL && strncasecmp(p + 1, "href=", 5) == 0))
		p++;
	if (end - p <= 6) return;
	p += 6;
	quote = *p == '"' || *p == '\'' ? *p++ : 0;
	for (stop = p; stop < end && (quote != 0 ? *stop != quote : strchr(" \t\r\n>", *stop) == NULL);)
		stop++;
	n = (size_t)(stop - p);
	if (stop == end || n == 0 || n >= sizeof w->href || *p == '#') return;
	memcpy(w->href, p, n);
	w->href[n] = '\0';
	w->href_at = w->out.len;
	w->has_href = true;
}

/* The link's address behind its words, unless they are it. */
static void end_link(struct writer *w)
{
	const char *words = sb_text_of(&w->out) + (w->href_at < w->out.len ? w->href_at : w->out.len);

	while (*words == ' ' || *words == '\n')
		words++;
	if (w->has_href && strcmp(words, w->href) != 0) {
		w->is_blank = w->out.len > 0;
		put(w, "(", 1);
		put(w, w->href, strlen(w->href));
		put(w, ")", 1);
	}
	w->has_href = false;
}

static const struct {
	const char *name, *text;
} entities[] = {
	{ "amp;", "&" },    { "lt;", "<" },     { "gt;", ">" },     { "quot;", "\"" },  { "apos;", "'" },
	{ "nbsp;", " " },   { "aacute;", "á" }, { "eacute;", "é" }, { "iacute;", "í" }, { "oacute;", "ó" },
	{ "uacute;", "ú" }, { "ntilde;", "ñ" }, { "Aacute;", "Á" }, { "Eacute;", "É" }, { "Iacute;", "Í" },
	{ "Oacute;", "Ó" }, { "Uacute;", "Ú" }, { "Ntilde;", "Ñ" }, { "uuml;", "ü" },   { "iexcl;", "¡" },
	{ "iquest;", "¿" }, { "copy;", "©" },   { "reg;", "®" },    { "euro;", "€" },   { "hellip;", "…" },
	{ "ndash;", "–" },  { "mdash;", "—" },  { "laquo;", "«" },  { "raquo;", "»" },  { "bull;", "•" },
};

static size_t utf8(char out[4], unsigned long c)
{
	if (c < 0x80) return out[0] = (char)c, 1;
	if (c < 0x800) return out[0] = (char)(0xC0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
	if (c < 0x10000) {
		out[0] = (char)(0xE0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		return out[2] = (char)(0x80 | (c & 63)), 3;
	}
	out[0] = (char)(0xF0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	return out[3] = (char)(0x80 | (c & 63)), 4;
}

/* The entity at p ("&…"): how many bytes it takes; as it stands when it is none we know. */
static size_t put_entity(struct writer *w, const char *p)
{
	char *end = NULL, letter[4];
	unsigned long c;

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		size_t n = strlen(entities[i].name);

		if (strncmp(p + 1, entities[i].name, n) != 0) continue;
		if (strcmp(entities[i].text, " ") == 0)
			w->is_blank = true;
		else
			put(w, entities[i].text, strlen(entities[i].text));
		return n + 1;
	}
	if (p[1] == '#' && (p[2] == 'x' || p[2] == 'X' || (p[2] >= '0' && p[2] <= '9'))) {
		bool is_hex = p[2] == 'x' || p[2] == 'X';

		c = strtoul(p + (is_hex ? 3 : 2), &end, is_hex ? 16 : 10);
		if (*end == ';' && end - p < ENTITY_MAX && c >= 0x20 && c != 0x7f && c <= 0x10FFFF &&
		    (c < 0xD800 || c > 0xDFFF)) {
			put(w, letter, utf8(letter, c));
			return (size_t)(end - p) + 1;
		}
	}
	put(w, "&", 1);
	return 1;
}

/* What the tag at p does to the text; behind it. */
static const char *tag(struct writer *w, const char *p)
{
	static const char *const silent[] = { "style", "script", "head", "title", NULL };
	static const char *const paragraphs[] = { "p",  "h1", "h2", "h3",    "h4",         "h5",  "h6",
						  "ul", "ol", "hr", "table", "blockquote", "pre", NULL };
	static const char *const lines[] = { "br",     "div",    "tr",      "li", "section",
					     "header", "footer", "article", NULL };
	bool is_end = p[1] == '/';
	const char *name = p + 1 + is_end, *end = tag_end(p), *close;

	if (strncmp(p, "<!--", 4) == 0) {
		close = strstr(p + 4, "-->");
		return close != NULL ? close + 3 : p + strlen(p);
	}
	for (size_t i = 0; !is_end && silent[i] != NULL; i++) {
		if (!is_tag(name, silent[i])) continue;
		for (close = end; (close = strstr(close, "</")) != NULL; close += 2)
			if (is_tag(close + 2, silent[i])) return tag_end(close);
		return end + strlen(end);
	}
	if (is_one_of(name, paragraphs)) owe(w, 2);
	if (is_one_of(name, lines)) owe(w, 1);
	if (is_tag(name, "li") && !is_end) put(w, "- ", 2);
	if (is_tag(name, "td") || is_tag(name, "th")) w->is_blank = true;
	if (is_tag(name, "a")) {
		if (is_end)
			end_link(w);
		else
			read_href(w, name, end);
	}
	return end;
}

static bool begins_tag(const char *p)
{
	return p[1] == '/' || p[1] == '!' || (p[1] >= 'a' && p[1] <= 'z') || (p[1] >= 'A' && p[1] <= 'Z');
}

const char *template_text_of_html(struct arena *a, const char *html)
{
	struct writer w = { .lines = 0 };
	const char *out;

	sb_init(&w.out, TEXT_MAX);
	for (const char *p = html; *p != '\0' && w.out.rc == RC_OK;) {
		const char *stop;

		if (*p == '<' && begins_tag(p)) {
			p = tag(&w, p);
		} else if (*p == '&') {
			p += put_entity(&w, p);
		} else if (strchr(" \t\r\n", *p) != NULL) {
			w.is_blank = true;
			p++;
		} else {
			stop = p + 1 + strcspn(p + 1, "<& \t\r\n");
			put(&w, p, (size_t)(stop - p));
			p = stop;
		}
	}
	if (w.out.len > 0) sb_char(&w.out, '\n');
	out = arena_text(a, sb_text_of(&w.out));
	sb_free(&w.out);
	return out;
}
