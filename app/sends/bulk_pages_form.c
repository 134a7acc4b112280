/*
** bulk_pages_form.c -- the form of a new send, as it comes in.
*/
#include "sends/bulk.h"

enum rc bulk_form_read(struct cx *cx, struct call *call, struct bulk_new *out)
{
	(void)cx, (void)call, (void)out;
	return RC_BUG;
}

enum rc bulk_form_again(struct cx *cx, struct call *call)
{
	(void)cx, (void)call;
	return RC_BUG;
}
