/*
** mail_settings.c -- [smtp]: how the house sends mail (one vocabulary for all modules, spec stays §15).
**
** Owns:   the rows.
** Never:  reads a setting: channels/smtp.c does.
*/
#include "outbox/outbox.h"

const struct setting mail_settings[] = {
	{ .name = NULL },
};
