/*
** feed.c -- rows of a mailing become queued messages, a slice at a time.
*/
#include "outbox/outbox.h"

enum rc outbox_feed(struct cx *cx, const struct feed *feed, const struct feed_row *rows, size_t count,
		    int64_t *known)
{
	(void)cx, (void)feed, (void)rows, (void)count, (void)known;
	return RC_BUG;
}

enum rc batch_queued(struct cx *cx, int64_t *out, int64_t batch_id)
{
	(void)cx, (void)out, (void)batch_id;
	return RC_BUG;
}
