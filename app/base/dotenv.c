/*
** dotenv.c -- one line of a .env file after another.
**
** Owns:   nothing; what it finds lies in the caller's arena.
** Never:  expands a variable or reads a file.
** Holds:  each call moves *in on by at least one byte, or says RC_NOT_FOUND.
*/
#include "base/dotenv.h"
#include "base/sb.h"
#include "base/text.h"

#include <string.h>

struct reader {
	const char *p, *end;
	int line;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct reader *r)
{
	while (r->p < r->end && is_blank(*r->p))
		r->p++;
}

/* Behind the line feed of this line. */
static void skip_line(struct reader *r)
{
	while (r->p < r->end && *r->p != '\n')
		r->p++;
	if (r->p < r->end) {
		r->p++;
		r->line++;
	}
}

static bool is_name(char c, bool is_first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
	       (!is_first && ((c >= '0' && c <= '9') || c == '.'));
}

static size_t name_length(const struct reader *r)
{
	size_t n = 0;

	while (r->p + n < r->end && is_name(r->p[n], n == 0))
		n++;
	return n;
}

/* NAME =, with `export` in front or not. */
static bool take_name(struct reader *r, const char **out, struct arena *a)
{
	size_t n = name_length(r);

	if (n == 6 && memcmp(r->p, "export", 6) == 0 && r->p + 6 < r->end && is_blank(r->p[6])) {
		r->p += 6;
		skip_blanks(r);
		n = name_length(r);
	}
	if (n == 0 || n > DOTENV_NAME_MAX) return false;
	*out = arena_bytes(a, r->p, n);
	r->p += n;
	skip_blanks(r);
	if (r->p == r->end || *r->p != '=') return false;
	r->p++;
	skip_blanks(r);
	return true;
}

static void add_escaped(struct sb *sb, char c)
{
	switch (c) {
	case 'n': sb_char(sb, '\n'); break;
	case 't': sb_char(sb, '\t'); break;
	case 'r': sb_char(sb, '\r'); break;
	case '"':
	case '\\':
	case '$':
	case '\'': sb_char(sb, c); break;
	default: /* an escape of nobody stays as it was written */ sb_char(sb, '\\'); sb_char(sb, c);
	}
}

/* Up to the closing quote; false when there is none. */
static bool take_quoted(struct reader *r, struct sb *sb)
{
	char quote = *r->p++;

	for (; r->p < r->end && *r->p != quote; r->p++) {
		if (*r->p == '\n') r->line++;
		if (*r->p == '\\' && r->p + 1 < r->end && (quote == '"' || r->p[1] == '\'')) {
			r->p++;
			if (*r->p == '\n') r->line++;
			add_escaped(sb, *r->p);
		} else {
			sb_char(sb, *r->p);
		}
	}
	if (r->p == r->end) return false;
	r->p++;
	return true;
}

/* Up to a blank and #, or the end of the line, without blanks behind. */
static void take_bare(struct reader *r, struct sb *sb)
{
	const char *from = r->p, *to = r->p;

	for (; r->p < r->end && *r->p != '\n'; r->p++) {
		if (*r->p == '#' && (r->p == from || is_blank(r->p[-1]))) break;
		if (!is_blank(*r->p)) to = r->p + 1;
	}
	sb_bytes(sb, from, (size_t)(to - from));
}

/* After the value only a comment may follow. */
static bool take_rest(struct reader *r)
{
	skip_blanks(r);
	if (r->p < r->end && *r->p != '\n' && *r->p != '#') return false;
	skip_line(r);
	return true;
}

static bool take_pair(struct reader *r, struct dotenv_pair *pair, struct sb *sb, struct arena *a)
{
	if (!take_name(r, &pair->name, a)) return false;
	if (r->p < r->end && (*r->p == '"' || *r->p == '\'')) {
		if (!take_quoted(r, sb)) return false;
	} else {
		take_bare(r, sb);
	}
	pair->value = sb_text_of(sb);
	return take_rest(r) && sb_result(sb) == RC_OK && text_is_utf8(pair->value, sb->len);
}

enum rc dotenv_next(struct dotenv_pair *out, struct bytes *in, int *line, int *at, struct arena *a)
{
	struct reader r = { in->p, in->p + in->len, *line };
	struct dotenv_pair pair = { .name = "", .value = "" };
	const char *start;
	struct sb sb;
	bool is_fine;

	if (*line == 1 && in->len >= 3 && memcmp(in->p, "\xef\xbb\xbf", 3) == 0) r.p += 3;
	for (;;) {
		skip_blanks(&r);
		if (r.p < r.end && *r.p != '\n' && *r.p != '#') break;
		if (r.p == r.end) {
			*in = (struct bytes){ r.end, 0 };
			return RC_NOT_FOUND;
		}
		skip_line(&r);
	}
	start = r.p;
	pair.line = *at = r.line;
	sb_init_arena(&sb, a, DOTENV_VALUE_MAX);
	is_fine = take_pair(&r, &pair, &sb, a);
	if (!is_fine) { /* only this line is lost, also after a quote that never ends */
		r.p = start;
		r.line = *at;
		skip_line(&r);
	}
	*in = (struct bytes){ r.p, (size_t)(r.end - r.p) };
	*line = r.line;
	if (arena_failed(a)) return RC_NO_MEMORY;
	if (!is_fine) return RC_BAD_INPUT;
	*out = pair;
	return RC_OK;
}
