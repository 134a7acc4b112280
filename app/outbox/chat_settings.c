/*
** chat_settings.c -- [slack], [discord], [telegram]: where notices to the owner's own chats go.
**
** Owns:   the rows.
** Never:  reads a setting: the channels do.
*/
#include "outbox/outbox.h"

const struct setting chat_settings[] = {
	{ .name = NULL },
};
