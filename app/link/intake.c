/*
** intake.c -- reads an answer over HTTP/1.1 as its bytes come in, in any pieces (RFC 9112).
**
** Owns:   the line that has begun and not ended.
** Needs:  whoever takes headers and body; header.c for what a header is.
** Never:  keeps the body; waits; reads a length or a chunk's size it does not understand as something else:
**         two readings of where an answer ends are two answers.
** Holds:  (1) at most HEAD_MAX bytes are head, sizes and trailers; (2) INTAKE_WHOLE and INTAKE_WRONG are
**         final; (3) a 1xx is passed over; (4) may_keep only when the end was said by a length, the last
**         chunk or the status, by no two of them differently, nobody said close, and nothing came behind
**         it; (5) what libcurl takes for no answer is none here (tests/unit/link/test_line.c compares).
** Source: RFC 9112 §2.2 (bare LF is a line end), §4 (status line), §5.1 (no blank before the colon of a
**         header that frames), §5.2 (a folded line: passed over, but not where framing hangs on it), §6.1
**         to §6.3 (framing), §7.1 (chunks, extensions and trailers passed over), §9.3 (close wins).
*/
#include "link/intake.h"

#include <string.h>
#include <strings.h>

#define HEAD_MAX ((size_t)300 * 1024) /* as libcurl's own limit: more is no answer                     */
#define INTERIM  1                    /* hundreds of a status that only says that the answer will come */

void intake_init(struct intake *in)
{
	memset(in, 0, sizeof(*in));
	sb_init(&in->line, HEAD_MAX);
}

void intake_free(struct intake *in)
{
	sb_free(&in->line);
}

static void begin_head(struct intake *in)
{
	in->at = INTAKE_STATUS;
	in->status = 0;
	in->may_keep = in->is_chunked = in->has_length = in->is_old = in->is_closing = false;
	in->is_framing = true; /* nothing to go on with yet */
	in->left = 0;
}

void intake_begin(struct intake *in)
{
	begin_head(in);
	in->head_size = 0;
	sb_clear(&in->line);
}

static void wrong(struct intake *in, enum intake_wrong why)
{
	in->at = INTAKE_WRONG;
	in->wrong = why;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "HTTP/1.1 200 OK". Also of a line that has only begun: may it still become one? */
static bool may_be_status(const char *p, size_t len)
{
	static const char begin[] = "HTTP/1.";
	size_t n = sizeof(begin) - 1;

	return memcmp(p, begin, len < n ? len : n) == 0;
}

static void take_status(struct intake *in, const char *p, size_t len)
{
	if (len < 13 || !may_be_status(p, len) || !is_digit(p[7]) || p[8] != ' ' || p[9] < '1' ||
	    p[9] > '9' || !is_digit(p[10]) || !is_digit(p[11]) || !is_blank(p[12]) ||
	    memchr(p, '\0', len) != NULL) {
		wrong(in, INTAKE_NOT_HTTP);
		return;
	}
	in->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + p[11] - '0';
	in->is_old = p[7] == '0';
	in->may_keep = !in->is_old;
	in->at = INTAKE_HEAD;
}

struct text {
	const char *p;
	size_t len;
};

/* The value of a header with that name, without blanks around it; p NULL: it is another. */
static struct text value_of(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);

	if (len <= n || strncasecmp(line, name, n) != 0 || (line[n] != ':' && !is_blank(line[n])))
		return (struct text){ NULL, 0 };
	line += n;
	len -= n;
	while (len > 0 && *line != ':')
		line++, len--;
	if (len > 0) line++, len--;
	while (len > 0 && is_blank(*line))
		line++, len--;
	while (len > 0 && is_blank(line[len - 1]))
		len--;
	return (struct text){ line, len };
}

static bool is_word(struct text t, const char *word)
{
	return t.len == strlen(word) && strncasecmp(t.p, word, t.len) == 0;
}

/* One of the words of a list with commas. */
static bool has_word(struct text t, const char *word)
{
	while (t.len > 0) {
		const char *comma = memchr(t.p, ',', t.len);
		size_t n = comma != NULL ? (size_t)(comma - t.p) : t.len, more = comma != NULL ? n + 1 : n;
		struct text one = { t.p, n };

		while (one.len > 0 && is_blank(*one.p))
			one.p++, one.len--;
		while (one.len > 0 && is_blank(one.p[one.len - 1]))
			one.len--;
		if (is_word(one, word)) return true;
		t.p += more;
		t.len -= more;
	}
	return false;
}

static void take_length(struct intake *in, struct text t)
{
	int64_t n = 0;

	if (t.len == 0 || t.len > 18) {
		wrong(in, INTAKE_BROKEN);
		return;
	}
	for (size_t i = 0; i < t.len; i++) {
		if (!is_digit(t.p[i])) {
			wrong(in, INTAKE_BROKEN);
			return;
		}
		n = n * 10 + (t.p[i] - '0');
	}
	if (in->has_length && in->left != n) {
		wrong(in, INTAKE_BROKEN);
		return;
	}
	in->has_length = true;
	in->left = n;
}

static void take_coding(struct intake *in, struct text t)
{
	/* Nothing else was asked for. */
	if (is_word(t, "chunked") && !in->is_chunked)
		in->is_chunked = true;
	else
		wrong(in, INTAKE_BROKEN);
}

static void take_connection(struct intake *in, struct text t)
{
	if (has_word(t, "close"))
		in->is_closing = true;
	else if (in->is_old && has_word(t, "keep-alive"))
		in->may_keep = true;
}

/* What a header says of where the answer ends. */
static void take_framing(struct intake *in, const char *p, size_t len)
{
	static const struct {
		const char *name;
		void (*take)(struct intake *in, struct text t);
	} rows[] = {
		{ "Content-Length", take_length },
		{ "Transfer-Encoding", take_coding },
		{ "Connection", take_connection },
	};

	in->is_framing = false;
	if ((p[0] | 0x20) != 'c' && (p[0] | 0x20) != 't') return;
	for (size_t i = 0; !in->is_framing && i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text t = value_of(p, len, rows[i].name);

		if (t.p == NULL) continue;
		in->is_framing = true;
		if (p[strlen(rows[i].name)] == ':')
			rows[i].take(in, t);
		else
			wrong(in, INTAKE_BROKEN);
	}
}

static void take_field(struct intake *in, const char *p, size_t len)
{
	bool is_folded = p[0] == ' ' || p[0] == '\t';

	if (memchr(p, '\0', len) != NULL || (is_folded ? in->is_framing : memchr(p, ':', len) == NULL)) {
		wrong(in, INTAKE_BROKEN);
		return;
	}
	if (is_folded) return;
	in->take_header(in->arg, p, len);
	take_framing(in, p, len);
}

static void end_head(struct intake *in)
{
	if (in->status / 100 == INTERIM) {
		if (in->status == 101) /* nobody asked to change the protocol */
			wrong(in, INTAKE_BROKEN);
		else
			begin_head(in);
		return;
	}
	/* Said in two ways: somebody between us is confused (RFC 9112 §6.1, §6.3). */
	if (in->is_closing || (in->is_chunked && (in->has_length || in->is_old))) in->may_keep = false;
	if (in->status == 204 || in->status == 304) {
		if (in->is_chunked || in->left > 0) in->may_keep = false;
		in->at = INTAKE_WHOLE;
	} else if (in->is_chunked) {
		in->at = INTAKE_SIZE;
	} else if (in->has_length) {
		in->at = in->left > 0 ? INTAKE_LENGTH : INTAKE_WHOLE;
	} else {
		in->may_keep = false;
		in->at = INTAKE_REST;
	}
}

static int hex_of(char c)
{
	if (is_digit(c)) return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void take_size(struct intake *in, const char *p, size_t len)
{
	size_t n = 0;
	int64_t size = 0;

	for (; n < len && hex_of(p[n]) >= 0; n++) {
		if (size > INT64_MAX / 32) {
			wrong(in, INTAKE_BROKEN);
			return;
		}
		size = size * 16 + hex_of(p[n]);
	}
	if (n == 0) wrong(in, INTAKE_BROKEN);
	while (n < len && is_blank(p[n]))
		n++;
	if (n < len && p[n] != ';') wrong(in, INTAKE_BROKEN);
	if (in->at == INTAKE_WRONG) return;
	in->left = size;
	in->at = size > 0 ? INTAKE_CHUNK : INTAKE_TRAILER;
}

/* A line with its end. */
static void take_line(struct intake *in, const char *p, size_t len)
{
	bool is_empty = len == 1 || (len == 2 && p[0] == '\r');

	switch (in->at) {
	case INTAKE_STATUS:
		take_status(in, p, len);
		if (in->at == INTAKE_HEAD) in->take_header(in->arg, p, len);
		break;
	case INTAKE_HEAD:
		if (is_empty) {
			end_head(in);
			break;
		}
		take_field(in, p, len);
		break;
	case INTAKE_SIZE: take_size(in, p, len); break;
	case INTAKE_CHUNK_END:
		if (is_empty)
			in->at = INTAKE_SIZE;
		else
			wrong(in, INTAKE_BROKEN);
		break;
	case INTAKE_TRAILER:
		if (is_empty) in->at = INTAKE_WHOLE;
		break;
	default: break;
	}
}

static bool is_in_body(const struct intake *in)
{
	return in->at == INTAKE_LENGTH || in->at == INTAKE_REST || in->at == INTAKE_CHUNK;
}

/* How many were used. */
static size_t take_piece(struct intake *in, const char *p, size_t len)
{
	if (in->at != INTAKE_REST && (int64_t)len > in->left) len = (size_t)in->left;
	if (!in->take_body(in->arg, p, len)) {
		wrong(in, INTAKE_REFUSED);
		return len;
	}
	if (in->at == INTAKE_REST) return len;
	in->left -= (int64_t)len;
	if (in->left == 0) in->at = in->at == INTAKE_CHUNK ? INTAKE_CHUNK_END : INTAKE_WHOLE;
	return len;
}

/* What stands of a line is looked at too: who speaks another protocol may never end one. */
static size_t take_part(struct intake *in, const char *p, size_t len)
{
	const char *end = memchr(p, '\n', len);
	size_t n = end != NULL ? (size_t)(end - p) + 1 : len;

	in->head_size += n;
	if (in->head_size > HEAD_MAX) {
		wrong(in, INTAKE_LONG_HEAD);
		return n;
	}
	if (end != NULL && in->line.len == 0) {
		take_line(in, p, n);
		return n;
	}
	sb_bytes(&in->line, p, n);
	if (sb_result(&in->line) != RC_OK)
		wrong(in, INTAKE_LONG_HEAD);
	else if (in->at == INTAKE_STATUS && !may_be_status(in->line.p, in->line.len))
		wrong(in, INTAKE_NOT_HTTP);
	else if (end != NULL)
		take_line(in, in->line.p, in->line.len);
	if (end != NULL) sb_clear(&in->line);
	return n;
}

void intake_take(struct intake *in, const char *p, size_t len)
{
	while (len > 0 && in->at != INTAKE_WHOLE && in->at != INTAKE_WRONG) {
		size_t n = is_in_body(in) ? take_piece(in, p, len) : take_part(in, p, len);

		p += n;
		len -= n;
	}
	if (len > 0) in->may_keep = false;
}

void intake_end(struct intake *in)
{
	if (in->at == INTAKE_REST) in->at = INTAKE_WHOLE;
}
