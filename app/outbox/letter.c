/*
** letter.c -- what all messages of a mailing share: written once, kept for the engine.
*/
#include "outbox/outbox.h"

enum rc letter_add(struct cx *cx, int64_t batch_id, const struct letter_new *letter)
{
	(void)cx, (void)batch_id, (void)letter;
	return RC_BUG;
}
