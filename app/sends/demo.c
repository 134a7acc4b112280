/*
** demo.c -- made-up sends for a trial.
*/
#include "sends/sends.h"

enum rc sends_demo(struct cx *cx)
{
	(void)cx;
	return RC_OK;
}
