/*
** smtp_magic.c -- the table of recipients of mail that make the stand-in misbehave (contracts/email.md §1.3).
**
** Owns:   the table.
** Never:  decides anything by itself: standin_smtp.c carries it out.
*/
#include "standin/smtp_magic.h"

#include <string.h>
#include <strings.h>

static const struct smtp_magic table[] = {
	{ "code550", SMTP_AT_TO, SMTP_SAY, "550 5.1.1 No such user here", "refused",
	  "550 5.1.1: no such mailbox" },
	{ "code551", SMTP_AT_TO, SMTP_SAY, "551 User not local", "refused", "551: no such mailbox" },
	{ "code553", SMTP_AT_TO, SMTP_SAY, "553 5.1.3 Bad address syntax", "refused",
	  "553 5.1.3: bad address" },
	{ "code554", SMTP_AT_TO, SMTP_SAY, "554 5.7.1 Refused by policy", "refused", "554 5.7.1: policy" },
	{ "code552", SMTP_AT_TO, SMTP_SAY, "552 5.2.2 Mailbox full", "refused", "552 5.2.2: mailbox full" },
	{ "code450", SMTP_AT_TO, SMTP_SAY, "450 4.2.1 Mailbox busy", "refused", "450 4.2.1: mailbox busy" },
	{ "code451", SMTP_AT_TO, SMTP_SAY, "451 4.3.0 Try again later", "refused", "451 4.3.0: later" },
	{ "code452", SMTP_AT_TO, SMTP_SAY, "452 4.2.2 Mailbox full", "refused", "452 4.2.2: full for now" },
	{ "code421", SMTP_AT_TO, SMTP_SAY, "421 4.7.0 Slow down", "refused", "421: slow down" },
	{ "code530", SMTP_AT_TO, SMTP_SAY, "530 5.7.0 Log in first", "refused", "530 5.7.0: log in first" },
	{ "code5726", SMTP_AT_TO, SMTP_SAY, "550 5.7.26 Unauthenticated sender", "refused",
	  "550 5.7.26: SPF and DKIM are missing" },
	{ "greylist", SMTP_AT_TO, SMTP_ONCE, "451 4.7.1 Greylisted, come again", "refused",
	  "451 4.7.1 the first time, then accepted" },
	{ "data451", SMTP_AT_END, SMTP_SAY, "451 4.3.0 Try again later", "refused", "451 after the content" },
	{ "data552", SMTP_AT_END, SMTP_SAY, "552 5.3.4 Message too large", "refused",
	  "552 5.3.4 after the content" },
	{ "data554", SMTP_AT_END, SMTP_SAY, "554 5.7.1 Looks like spam", "refused",
	  "554 5.7.1 after the content" },
	{ "cut-at-rcpt", SMTP_AT_TO, SMTP_CUT, NULL, "cut_before",
	  "the line is cut when the recipient is named" },
	{ "cut-at-data", SMTP_AT_DATA, SMTP_CUT, NULL, "cut_before", "the line is cut before the content" },
	{ "cut-in-data", SMTP_IN_CONTENT, SMTP_CUT, NULL, "cut_before",
	  "the line is cut within the content" },
	{ "cut-after-data", SMTP_AT_END, SMTP_CUT, NULL, "cut",
	  "accepted, and the line is cut before the answer" },
	{ "stall-at-rcpt", SMTP_AT_TO, SMTP_STALL, NULL, "stall_before",
	  "nothing more is said to the recipient" },
	{ "stall", SMTP_AT_END, SMTP_STALL, NULL, "stall", "accepted, never answered" },
	{ "slow", SMTP_AT_END, SMTP_SLOW, NULL, "accepted", "accepted, answered after three seconds" },
};

const struct smtp_magic *smtp_magic_at(size_t i)
{
	return i < sizeof(table) / sizeof(table[0]) ? &table[i] : NULL;
}

const struct smtp_magic *smtp_magic_of(const char *address)
{
	size_t len = strcspn(address, "@+");

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strlen(table[i].local) == len && strncasecmp(table[i].local, address, len) == 0)
			return &table[i];
	return NULL;
}
