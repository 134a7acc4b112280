/*
** outbox_mime.c -- any text becomes a mail of CRLF lines of ASCII, at most 998 bytes long; any address is
** refused or fit for an envelope.
*/
#include "base_fuzz.h"

#include "outbox/mime.h"

#include <stdlib.h>
#include <string.h>

/* The text up to the next zero byte. */
static char *piece(const uint8_t **p, size_t *n)
{
	size_t len = strnlen((const char *)*p, *n);
	char *text = malloc(len + 1);

	if (text == NULL) abort();
	memcpy(text, *p, len);
	text[len] = '\0';
	*p += len < *n ? len + 1 : len;
	*n -= len < *n ? len + 1 : len;
	return text;
}

static void check_address(const char *text)
{
	char address[MAIL_ADDRESS_SIZE], name[MAIL_NAME_SIZE];

	if (mime_mailbox(name, address, text, NULL) != RC_OK) return;
	must(strlen(address) < MAIL_ADDRESS_SIZE && strpbrk(name, "\r\n") == NULL);
	for (const char *c = address; *c != '\0'; c++)
		must(*c > ' ' && *c < 0x7f && strchr("<>\"\\,;:()[]", *c) == NULL);
	must(strchr(address, '@') != NULL && strchr(address, '@') == strrchr(address, '@'));
}

static void check_wire(const struct sb *sb)
{
	size_t column = 0;

	for (size_t i = 0; i < sb->len; i++) {
		must((unsigned char)sb->p[i] < 0x7f);
		if (sb->p[i] == '\n') {
			must(i > 0 && sb->p[i - 1] == '\r');
			column = 0;
		} else {
			must(sb->p[i] != '\r' || sb->p[i + 1] == '\n');
			must(++column <= 999);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *subject = piece(&p, &n), *name = piece(&p, &n), *file = piece(&p, &n), *text = piece(&p, &n);
	struct mime_file files[] = { { file, name, "/dev/null", NULL } };
	struct mime_mail m = { .from_name = name,
			       .from = "a@example.com",
			       .to = "b@example.com",
			       .subject = subject,
			       .text = text,
			       .html = n > 0 ? text : NULL,
			       .public_id = "id",
			       .zone = zone_find("UTC"),
			       .files = files,
			       .file_count = file[0] != '\0' };
	struct sb sb;

	check_address(subject);
	sb_init(&sb, MAIL_SIZE_MAX);
	if (mime_write(&sb, &m, NULL) == RC_OK) check_wire(&sb);
	sb_free(&sb);
	free(subject);
	free(name);
	free(file);
	free(text);
	return 0;
}
