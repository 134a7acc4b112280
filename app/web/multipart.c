/*
** multipart.c -- reads multipart/form-data.
**
** Owns:   nothing; parts point into the caller's bytes, names live in the arena.
** Never:  decodes a transfer encoding: RFC 7578 §4.7 knows none, what browsers send is bytes.
** Holds:  (1) total and linear; (2) a part lies wholly inside the body; (3) a file name has no folder.
*/
#include "web/multipart.h"
#include "base/text.h"
#include <string.h>

/* The value of ;name=value or ;name="value" in a header's parameters, NULL if absent. */
static const char *parameter(struct arena *a, const char *header, const char *end, const char *name)
{
	size_t len = strlen(name);
	const char *p = header;

	while ((p = memchr(p, ';', (size_t)(end - p))) != NULL) {
		const char *value, *stop;

		p++;
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if ((size_t)(end - p) <= len || strncasecmp(p, name, len) != 0 || p[len] != '=') continue;
		value = p + len + 1;
		if (value < end && *value == '"') {
			stop = ++value;
			while (stop < end && *stop != '"')
				stop += *stop == '\\' && stop + 1 < end && (stop[1] == '"' || stop[1] == '\\')
						? 2
						: 1;
			if (stop >= end) return NULL;
			char *out = arena_bytes(a, value, (size_t)(stop - value)), *to = out;

			/* Browsers write %22, CR and LF percent-encoded (WHATWG); a backslash only before
			** a quote. */
			for (const char *from = out; *from != '\0'; from++) {
				if (*from == '\\' && (from[1] == '"' || from[1] == '\\')) from++;
				*to++ = *from;
			}
			*to = '\0';
			return out;
		}
		stop = value;
		while (stop < end && *stop != ';' && *stop != ' ' && *stop != '\t')
			stop++;
		return arena_bytes(a, value, (size_t)(stop - value));
	}
	return NULL;
}

enum rc multipart_boundary(struct arena *a, const char **out, const char *content_type)
{
	const char *text = parameter(a, content_type, content_type + strlen(content_type), "boundary");

	if (text == NULL || text[0] == '\0' || strlen(text) > MULTIPART_BOUNDARY_MAX) return RC_BAD_INPUT;
	*out = text;
	return RC_OK;
}

/* Some browsers once sent whole paths: only what follows the last separator is a name. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *back = strrchr(path, '\\');

	if (slash != NULL && (back == NULL || slash > back)) return slash + 1;
	return back != NULL ? back + 1 : path;
}

/* One header line of a part. */
static void take_header(struct arena *a, struct part *part, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len), *end = line + len;
	size_t name_len;

	if (colon == NULL) return;
	name_len = (size_t)(colon - line);
	if (name_len == 19 && strncasecmp(line, "Content-Disposition", 19) == 0) {
		const char *file = parameter(a, colon + 1, end, "filename");

		part->name = parameter(a, colon + 1, end, "name");
		part->file_name = file != NULL ? base_name(file) : NULL;
	} else if (name_len == 12 && strncasecmp(line, "Content-Type", 12) == 0) {
		const char *value = colon + 1;

		while (value < end && *value == ' ')
			value++;
		part->media_type = arena_bytes(a, value, (size_t)(end - value));
	}
}

/* The headers of a part end at an empty line; *p moves behind it. */
static enum rc take_headers(struct arena *a, struct part *part, const char **p, const char *end)
{
	const char *start = *p;

	for (;;) {
		const char *eol = memmem(*p, (size_t)(end - *p), "\r\n", 2);

		if (eol == NULL) return RC_BAD_INPUT;
		if (eol - start > MULTIPART_HEADERS_MAX) return RC_TOO_LARGE;
		if (eol == *p) {
			*p = eol + 2;
			break;
		}
		take_header(a, part, *p, (size_t)(eol - *p));
		*p = eol + 2;
	}
	if (part->name == NULL || !text_is_utf8(part->name, strlen(part->name))) return RC_BAD_INPUT;
	if (part->file_name != NULL && !text_is_utf8(part->file_name, strlen(part->file_name)))
		return RC_BAD_INPUT;
	return RC_OK;
}

enum rc multipart_parse(struct arena *a, struct part **out, const char *boundary, struct bytes body)
{
	char mark[4 + MULTIPART_BOUNDARY_MAX + 1] = "\r\n--";
	size_t mark_len = 4 + strlen(boundary), count = 0;
	const char *p = body.p, *end = body.p + body.len;
	struct part *first = NULL, **last = &first;

	if (mark_len >= sizeof mark) return RC_BAD_INPUT;
	memcpy(mark + 4, boundary, mark_len - 4);
	/* The first delimiter has no line break before it. */
	if (body.len < mark_len - 2 || memcmp(p, mark + 2, mark_len - 2) != 0) return RC_BAD_INPUT;
	p += mark_len - 2;
	for (;;) {
		struct part *part;
		const char *stop;
		enum rc rc;

		if (end - p >= 2 && p[0] == '-' && p[1] == '-') break;
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if (end - p < 2 || p[0] != '\r' || p[1] != '\n') return RC_BAD_INPUT;
		p += 2;
		if (++count > MULTIPART_PARTS_MAX) return RC_TOO_LARGE;
		part = arena_alloc(a, sizeof *part);
		if (part == NULL) return RC_NO_MEMORY;
		part->media_type = "text/plain";
		rc = take_headers(a, part, &p, end);
		if (rc != RC_OK) return rc;
		/* An empty part's delimiter begins with the line break that ended its headers. */
		stop = memmem(p - 2, (size_t)(end - p) + 2, mark, mark_len);
		if (stop == NULL) return RC_BAD_INPUT;
		part->bytes = (struct bytes){ p, stop < p ? 0 : (size_t)(stop - p) };
		p = stop + mark_len;
		*last = part;
		last = &part->next;
	}
	if (arena_failed(a)) return RC_NO_MEMORY;
	*out = first;
	return RC_OK;
}
