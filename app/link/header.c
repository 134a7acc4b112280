/*
** header.c -- one line of an answer's head into the answer.
**
** Owns:   nothing.
** Never:  keeps more than the answer has room for.
** Holds:  names and values end in NUL, have no line end and no blanks around them.
*/
#include "link/transfer.h"

#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void keep(char *to, size_t room, const char *p, size_t len)
{
	if (len >= room) len = room - 1;
	memcpy(to, p, len);
	to[len] = '\0';
}

void answer_take_header(struct http_answer *a, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len), *value;
	size_t name_len, value_len;

	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		a->header_count = 0;
		return;
	}
	if (colon == NULL || a->header_count == sizeof(a->headers) / sizeof(a->headers[0])) return;
	name_len = (size_t)(colon - line);
	if (name_len == 0 || name_len >= sizeof(a->headers[0].name) || memchr(line, '\0', len) != NULL)
		return;
	value = colon + 1;
	value_len = len - name_len - 1;
	while (value_len > 0 && is_blank(*value))
		value++, value_len--;
	while (value_len > 0 && is_blank(value[value_len - 1]))
		value_len--;
	keep(a->headers[a->header_count].name, sizeof(a->headers[0].name), line, name_len);
	keep(a->headers[a->header_count].value, sizeof(a->headers[0].value), value, value_len);
	a->header_count++;
}

const char *http_header(const struct http_answer *a, const char *name)
{
	for (size_t i = 0; i < a->header_count; i++)
		if (strcasecmp(a->headers[i].name, name) == 0) return a->headers[i].value;
	return NULL;
}
