/*
** mime.c -- puts a mail together: headers, then text, HTML, pictures and files in their nested parts.
**
**   mixed { alternative { text; related { HTML; pictures } }; files }      each wrapper only where needed
**
** Owns:   the order of parts and headers.
** Needs:  mime_text.c for encodings.
** Never:  lets a line break of somebody's text into a header; opens a file but those named.
** Holds:  (1) a boundary begins with "=_", which no encoded part can contain, and is random besides; (2) the
**         Message-ID and the date depend on the message alone: the same at each try; (3) nothing partial is
**         ever handed out as success.
*/
#include "outbox/mime.h"

#include "base/seal.h"
#include "base/words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define BOUNDARY_SIZE  32
#define BOUNDARIES_MAX 3
#define FILE_PIECE     (57 * 512)           /* whole lines of base64 */
#define SPILL_FROM     ((size_t)256 * 1024) /* what most mails are */
#define TYPE_MAX       127                  /* of each half: RFC 6838 §4.2 */
#define BARE_MAX       900 /* with its header's name below the 998 of a line (RFC 5322 §2.1.1) */

struct writer {
	struct sb *out;
	const struct mime_mail *m;
	const char *why;
	char boundaries[BOUNDARIES_MAX][BOUNDARY_SIZE];
	int depth;
	int fd; /* -1: all stays in out */
	size_t spilled;
};

/* What is in out goes to the file. */
static enum rc spill(struct writer *w)
{
	size_t done = 0;
	enum rc rc = sb_result(w->out);

	while (rc == RC_OK && done < w->out->len) {
		ssize_t n = write(w->fd, w->out->p + done, w->out->len - done);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return RC_IO;
		done += (size_t)n;
	}
	if (rc != RC_OK) return rc;
	w->spilled += done;
	sb_clear(w->out);
	return w->spilled > MAIL_SIZE_MAX ? RC_TOO_LARGE : RC_OK;
}

/* Headers */

static bool is_one_line(const char *text)
{
	if (text == NULL) return true;
	for (; *text != '\0'; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f) return false;
	return true;
}

/* What stands inside <…> or after a blank as it is: no blanks, no brackets, ASCII. */
static bool is_bare(const char *text)
{
	if (strlen(text) > BARE_MAX) return false;
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text >= 0x7f || *text == '<' || *text == '>' || *text == ',')
			return false;
	return true;
}

/* "Name <list.example.com>" in ASCII. */
static bool is_bare_list(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (*p < ' ' || *p >= 0x7f) return false;
	return strlen(text) <= BARE_MAX;
}

static bool are_headers_clean(const struct mime_mail *m)
{
	const char *bare[] = {
		m->from, m->to, m->reply_to, m->public_id, m->unsubscribe_url, m->unsubscribe_mail
	};

	for (size_t i = 0; i < sizeof(bare) / sizeof(*bare); i++)
		if (bare[i] != NULL && !is_bare(bare[i])) return false;
	for (size_t i = 0; i < m->file_count; i++)
		if (!is_one_line(m->files[i].name) || !is_one_line(m->files[i].media_type) ||
		    (m->files[i].content_id != NULL && !is_bare(m->files[i].content_id)))
			return false;
	return is_one_line(m->subject) && is_one_line(m->from_name) && is_one_line(m->to_name) &&
	       is_one_line(m->list_id) && (m->list_id == NULL || is_bare_list(m->list_id));
}

static void put_date(struct sb *out, instant at, const struct zone *zone)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct civil c = zone_civil(zone, at);
	int offset = zone_offset_s(zone, at) / 60, year = 1970, month = 1, dom = 1;

	day_split(c.day, &year, &month, &dom);
	sb_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d %c%02d%02d\r\n", days[day_weekday(c.day)], dom,
		  months[month - 1], year, c.hour, c.minute, c.second, offset < 0 ? '-' : '+',
		  (offset < 0 ? -offset : offset) / 60, (offset < 0 ? -offset : offset) % 60);
}

static void put_mailbox(struct sb *out, const char *header, const char *name, const char *address)
{
	size_t column = strlen(header) + 2, before = out->len;

	sb_text(out, header);
	sb_lit(out, ": ");
	if (name != NULL && name[0] != '\0') {
		mime_phrase(out, name, column);
		/* On a line of its own when both might not fit. */
		sb_text(out, out->len - before + strlen(address) > 72 ? "\r\n <" : " <");
		sb_text(out, address);
		sb_lit(out, ">\r\n");
	} else {
		sb_text(out, address);
		sb_lit(out, "\r\n");
	}
}

static void put_bulk(struct sb *out, const struct mime_mail *m)
{
	if (m->unsubscribe_url != NULL || m->unsubscribe_mail != NULL) {
		sb_lit(out, "List-Unsubscribe: ");
		if (m->unsubscribe_url != NULL) {
			sb_lit(out, "<");
			sb_text(out, m->unsubscribe_url);
			sb_lit(out, ">");
		}
		if (m->unsubscribe_url != NULL && m->unsubscribe_mail != NULL) sb_lit(out, ",\r\n ");
		if (m->unsubscribe_mail != NULL) {
			sb_lit(out, "<mailto:");
			sb_text(out, m->unsubscribe_mail);
			sb_lit(out, ">");
		}
		sb_lit(out, "\r\n");
	}
	/* One click works over https only (RFC 8058 §3.1). */
	if (m->unsubscribe_url != NULL && strncmp(m->unsubscribe_url, "https://", 8) == 0)
		sb_lit(out, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
	if (m->list_id != NULL) {
		sb_lit(out, "List-Id: ");
		sb_text(out, m->list_id);
		sb_lit(out, "\r\n");
	}
}

static void put_headers(struct sb *out, const struct mime_mail *m)
{
	const char *domain = strrchr(m->from, '@');

	put_date(out, m->at, m->zone);
	put_mailbox(out, "From", m->from_name, m->from);
	put_mailbox(out, "To", m->to_name, m->to);
	if (m->reply_to != NULL) put_mailbox(out, "Reply-To", NULL, m->reply_to);
	sb_lit(out, "Subject: ");
	mime_unstructured(out, m->subject != NULL ? m->subject : "", 9);
	sb_lit(out, "\r\nMessage-ID: <");
	sb_text(out, m->public_id);
	sb_text(out, domain != NULL ? domain : "@localhost");
	sb_lit(out, ">\r\n");
	if (m->is_automatic) sb_lit(out, "Auto-Submitted: auto-generated\r\n");
	put_bulk(out, m);
	sb_lit(out, "MIME-Version: 1.0\r\n");
}

/* Parts */

static const char *open_parts(struct writer *w, const char *kind, const char *more)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	char *b = w->boundaries[w->depth++];
	unsigned char random[BOUNDARY_SIZE - 3];

	random_bytes(random, sizeof(random));
	b[0] = '=', b[1] = '_';
	for (size_t i = 0; i < sizeof(random); i++)
		b[2 + i] = digits[random[i] % (sizeof(digits) - 1)];
	b[BOUNDARY_SIZE - 1] = '\0';
	sb_printf(w->out, "Content-Type: multipart/%s;%s\r\n boundary=\"%s\"\r\n\r\n", kind, more, b);
	return b;
}

static void begin_part(struct writer *w, const char *boundary)
{
	sb_lit(w->out, "--");
	sb_text(w->out, boundary);
	sb_lit(w->out, "\r\n");
}

static void close_parts(struct writer *w, const char *boundary)
{
	sb_lit(w->out, "--");
	sb_text(w->out, boundary);
	sb_lit(w->out, "--\r\n");
	w->depth--;
}

static void put_text(struct writer *w, const char *kind, const char *text)
{
	sb_printf(
		w->out,
		"Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
		kind);
	mime_quoted_printable(w->out, text, strlen(text));
	sb_lit(w->out, "\r\n");
}

/* The stem of a media type, or the one that says nothing. */
static void put_media_type(struct sb *out, const char *type)
{
	size_t len = type != NULL ? strcspn(type, ";") : 0, slashes = len > TYPE_MAX ? 2 : 0;

	while (len > 0 && type[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < len; i++) {
		bool is_token = (type[i] >= 'a' && type[i] <= 'z') || (type[i] >= 'A' && type[i] <= 'Z') ||
				(type[i] >= '0' && type[i] <= '9') || strchr("!#$&-^_.+", type[i]) != NULL;

		slashes += type[i] == '/';
		if (!is_token && type[i] != '/') slashes = 2;
	}
	/* A multipart or a message in base64 is forbidden (RFC 2045 §6.4). */
	if (slashes != 1 || type[0] == '/' || type[len - 1] == '/' ||
	    strncasecmp(type, "multipart", 9) == 0 || strncasecmp(type, "message", 7) == 0)
		sb_lit(out, "application/octet-stream");
	else
		sb_bytes(out, type, len);
	if (slashes == 1 && strncasecmp(type, "text/", 5) == 0) sb_lit(out, "; charset=utf-8");
}

static enum rc put_content(struct writer *w, const struct mime_file *f)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	char piece[FILE_PIECE];
	size_t have = 0;
	ssize_t n = 1;
	enum rc rc = RC_OK;

	if (fd < 0) return RC_NOT_FOUND;
	while (n > 0 && rc == RC_OK && w->out->rc == RC_OK) {
		n = read(fd, piece + have, sizeof(piece) - have);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			have += (size_t)n;
		/* Only whole lines, but for the last one. */
		if (have == sizeof(piece) || n <= 0) {
			mime_base64(w->out, piece, have);
			have = 0;
		}
		if (w->fd >= 0 && w->out->len >= SPILL_FROM) rc = spill(w);
	}
	close(fd);
	return n < 0 ? RC_NOT_FOUND : rc;
}

static enum rc put_file(struct writer *w, const struct mime_file *f, bool is_inline)
{
	enum rc rc;

	sb_lit(w->out, "Content-Type: ");
	put_media_type(w->out, f->media_type);
	sb_lit(w->out, ";\r\n name=\"");
	mime_old_name(w->out, f->name);
	sb_lit(w->out, "\"\r\nContent-Transfer-Encoding: base64\r\n");
	if (is_inline) {
		sb_lit(w->out, "Content-ID: <");
		sb_text(w->out, f->content_id);
		sb_lit(w->out, ">\r\n");
	}
	sb_text(w->out, is_inline ? "Content-Disposition: inline" : "Content-Disposition: attachment");
	mime_file_name(w->out, f->name);
	sb_lit(w->out, "\r\n\r\n");
	rc = put_content(w, f);
	if (rc == RC_NOT_FOUND) w->why = N_("An attachment cannot be read.");
	return rc;
}

static enum rc put_files(struct writer *w, const char *boundary, bool is_inline)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < w->m->file_count; i++) {
		const struct mime_file *f = &w->m->files[i];

		/* Without HTML nothing shows a picture: then it is an attachment. */
		if ((f->content_id != NULL && w->m->html != NULL) != is_inline) continue;
		begin_part(w, boundary);
		rc = put_file(w, f, is_inline);
	}
	return rc;
}

static size_t count_inline(const struct mime_mail *m)
{
	size_t n = 0;

	for (size_t i = 0; m->html != NULL && i < m->file_count; i++)
		n += m->files[i].content_id != NULL;
	return n;
}

static enum rc put_html(struct writer *w)
{
	const char *boundary;
	enum rc rc;

	if (count_inline(w->m) == 0) {
		put_text(w, "html", w->m->html);
		return RC_OK;
	}
	boundary = open_parts(w, "related", " type=\"text/html\";");
	begin_part(w, boundary);
	put_text(w, "html", w->m->html);
	rc = put_files(w, boundary, true);
	close_parts(w, boundary);
	return rc;
}

static enum rc put_body(struct writer *w)
{
	const char *text = w->m->text != NULL ? w->m->text : "", *boundary;
	enum rc rc;

	if (w->m->html == NULL) {
		put_text(w, "plain", text);
		return RC_OK;
	}
	if (text[0] == '\0') return put_html(w); /* an empty part would be shown by those who prefer text */
	boundary = open_parts(w, "alternative", "");
	begin_part(w, boundary);
	put_text(w, "plain", text);
	begin_part(w, boundary);
	rc = put_html(w);
	close_parts(w, boundary);
	return rc;
}

static enum rc put_mail(struct writer *w)
{
	const char *boundary;
	enum rc rc;

	put_headers(w->out, w->m);
	if (w->m->file_count == count_inline(w->m)) return put_body(w);
	boundary = open_parts(w, "mixed", "");
	begin_part(w, boundary);
	rc = put_body(w);
	if (rc == RC_OK) rc = put_files(w, boundary, false);
	close_parts(w, boundary);
	return rc;
}

enum rc mime_write(struct sb *out, const struct mime_mail *m, const char **why)
{
	size_t none;

	return mime_write_to(out, -1, &none, m, why);
}

enum rc mime_write_to(struct sb *out, int fd, size_t *len, const struct mime_mail *m, const char **why)
{
	struct writer w = { .out = out, .m = m, .why = "", .fd = fd };
	enum rc rc = RC_BAD_INPUT;

	if (are_headers_clean(m))
		rc = put_mail(&w);
	else
		w.why = N_(
			"A subject, a name or an address has a line break or another sign that cannot be in it.");
	if (rc == RC_OK) rc = w.spilled > 0 ? spill(&w) : sb_result(out);
	*len = rc == RC_OK ? w.spilled : 0;
	if (rc == RC_TOO_LARGE) w.why = N_("The mail with its attachments is larger than 20 MB.");
	if (why != NULL) *why = w.why;
	return rc;
}
