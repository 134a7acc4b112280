/*
** smtp_outcome.c -- was a mail accepted, refused, or may it have been? And what the server said.
**
** Owns:   nothing; pure functions.
** Never:  says HTTP_NOT_SENT when the end of the mail may have reached the server.
** Holds:  (1) HTTP_DONE with 2xx needs the reply to the content; (2) a refusal counts only as the answer to
**         the last thing said: one to EHLO is no answer to the HELO that followed and was cut;
**         (3) without its last line a mail may not be delivered (RFC 5321 §4.1.1.4), and libcurl makes the
**         terminating dot only after it was given the last byte: so a cut before that is provably no
**         delivery. Afterwards the dot may wait in any buffer on the way: unsure.
*/
#include "link/smtp.h"

#include <string.h>

static bool is_class(int status, int first_digit)
{
	return status / 100 == first_digit;
}

static enum mail_fault fault_of(const struct mail_evidence *e)
{
	switch (e->code) {
	case CURLE_USE_SSL_FAILED: return MAIL_FAULT_NO_TLS;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CACERT_BADFILE: return MAIL_FAULT_UNTRUSTED;
	case CURLE_LOGIN_DENIED: return MAIL_FAULT_LOGIN;
	default: return MAIL_FAULT_NONE;
	}
}

enum http_end mail_outcome(const struct mail_evidence *e, enum mail_fault *fault)
{
	bool is_answered = e->is_answered, has_content = e->at == MAIL_AT_CONTENT;

	*fault = MAIL_FAULT_NONE;
	if (e->code == CURLE_OK) return is_class(e->status, 2) ? HTTP_DONE : HTTP_CUT;
	if (is_answered && (is_class(e->status, 4) || is_class(e->status, 5))) return HTTP_DONE;
	/* libcurl takes 250 only; every 2xx accepts. */
	if (has_content && e->is_given && is_answered && is_class(e->status, 2)) return HTTP_DONE;
	if (has_content && e->is_given) return HTTP_CUT;
	*fault = fault_of(e);
	return HTTP_NOT_SENT;
}

/* The server's words */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of an enhanced code such as 5.7.1 and the blank after it (RFC 3463), 0 if there is none. */
static size_t enhanced_len(const char *p, size_t len)
{
	size_t n = 0;

	for (int part = 0; part < 3; part++) {
		size_t from = n;

		while (n < len && is_digit(p[n]))
			n++;
		if (n == from || n >= len || p[n] != (part < 2 ? '.' : ' ')) return 0;
		n++;
	}
	return n;
}

static void add(struct mail_reply *r, const char *p, size_t len)
{
	for (size_t i = 0; i < len && r->len + 1 < sizeof(r->text); i++)
		r->text[r->len++] = (unsigned char)p[i] < ' ' || p[i] == 0x7f ? ' ' : p[i];
	r->text[r->len] = '\0';
}

void mail_reply_line(struct mail_reply *r, const char *line, size_t len)
{
	size_t skip;

	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	if (len < 3 || !is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2])) return;
	if (len > 3 && line[3] != ' ' && line[3] != '-') return;
	if (r->is_whole || r->len == 0) {
		r->len = 0;
		r->text[0] = '\0';
	}
	r->is_whole = len == 3 || line[3] == ' ';
	r->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	line += len > 3 ? 4 : 3;
	len -= len > 3 ? 4 : 3;
	/* Each line of a reply repeats the enhanced code. */
	skip = r->len > 0 ? enhanced_len(line, len) : 0;
	if (r->len > 0) add(r, " ", 1);
	add(r, line + skip, len - skip);
}
