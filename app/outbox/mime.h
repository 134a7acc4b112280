/*
** mime.h -- one mail as bytes: headers, parts, encodings (RFC 5322, 2045 to 2047, 2231; contracts/email.md
** §4).
**
** Lines end with CRLF and nothing else, have at most 76 bytes where we choose (998 in any case) and only
** ASCII. Dots at a line's begin are left alone: whoever speaks SMTP doubles them.
*/
#ifndef RECADO_OUTBOX_MIME_H
#define RECADO_OUTBOX_MIME_H

#include "base/clock.h"
#include "base/sb.h"

#define MAIL_SIZE_MAX     ((size_t)20 * 1024 * 1024) /* relays refuse from 25 MB on; base64 is in it */
#define MAIL_ADDRESS_SIZE 255                        /* 254 bytes: RFC 5321 §4.5.3.1.3, erratum 1690 */
#define MAIL_NAME_SIZE    201                        /* of a person or a business, in bytes          */

/* The address as it may stand in an envelope: the domain in ASCII (punycode, RFC 3492), no quoted local part.
** RC_BAD_INPUT: it is none, or its local part is not ASCII; *why (may be NULL) is an N_() sentence then. */
enum rc mime_address(char out[MAIL_ADDRESS_SIZE], const char *address, const char **why) MUST_CHECK;
/* "Name <address>", "\"Name, the\" <address>" or "address": both parts; name "" if there is none. The address
** is as mime_address() gives it. */
enum rc mime_mailbox(char name[MAIL_NAME_SIZE], char address[MAIL_ADDRESS_SIZE], const char *text,
		     const char **why) MUST_CHECK;
/* One label of a domain (no dot, at most 63 bytes out) as "xn--…"; ASCII stays as it is. RC_BAD_INPUT: too
** long or not UTF-8. */
enum rc mime_punycode(char out[64], const char *label, size_t len) MUST_CHECK;

/* What names a mailing list (RFC 2919): "mayo.shop.example" of "Mayo" and sales@shop.example. "" when nothing of
** the name is left in ASCII. */
#define MAIL_LIST_SIZE 320
void mime_list_id(char out[MAIL_LIST_SIZE], const char *name, const char *from);

struct mime_file {
	const char *name, *media_type, *path;
	const char *content_id; /* the HTML shows it as cid:…; NULL: an attachment */
};

struct mime_mail {
	const char *from_name, *from, *to_name, *to; /* addresses as mime_address() gives them   */
	const char *reply_to;                        /* the same, NULL = none                    */
	const char *subject;                         /* one line                                 */
	const char *text, *html;                     /* html NULL = none                         */
	const char *public_id;                       /* left of @ in the Message-ID              */
	instant at;
	const struct zone *zone;
	bool is_automatic; /* Auto-Submitted: nobody's vacation answers it (RFC 3834) */
	/* Bulk (RFC 2369, RFC 8058); NULL = none */
	const char *unsubscribe_url, *unsubscribe_mail, *list_id;
	const struct mime_file *files;
	size_t file_count;
};
/* Append the mail to out, which should have MAIL_SIZE_MAX as its ceiling. RC_BAD_INPUT: a line break in a
** header's value; RC_TOO_LARGE; RC_NOT_FOUND: a file cannot be read. *why (may be NULL) is an N_() sentence
** then. */
enum rc mime_write(struct sb *out, const struct mime_mail *mail, const char **why) MUST_CHECK;
/* The same with files that are too much for memory: the mail goes to this file then (-1: never), from its
** beginning. *len: bytes there, 0 = all is in out. RC_IO: no room on the disk. */
enum rc mime_write_to(struct sb *out, int fd, size_t *len, const struct mime_mail *mail,
		      const char **why) MUST_CHECK;

/* The encoders (mime_text.c) */

/* Bytes as base64 in lines of 76, each ended by CRLF. */
void mime_base64(struct sb *out, const char *p, size_t len);
/* A text in quoted-printable; CRLF, LF and CR are line ends. Nothing is added after its last line. */
void mime_quoted_printable(struct sb *out, const char *text, size_t len);
/* Encoded-words, the first beginning at that column of its line (RFC 2047). */
void mime_words(struct sb *out, const char *text, size_t column);
/* What a header without structure says: as it is where that is ASCII and fits, else encoded-words. */
void mime_unstructured(struct sb *out, const char *text, size_t column);
/* A name before <address>: an atom, a quoted text or encoded-words. */
void mime_phrase(struct sb *out, const char *name, size_t column);
/* The file's name as the value of the old parameter name="…", without its quotes. */
void mime_old_name(struct sb *out, const char *name);
/* Parameters of a file's name, each on a line of its own: "; filename*=UTF-8''…; filename=\"…\"". */
void mime_file_name(struct sb *out, const char *name);

#endif
