/*
** import.c -- the recipients enter the database.
*/
#include "sends/recipients.h"

const struct job_kind recipients_jobs[] = { { .name = NULL } };

enum rc recipients_import(struct cx *cx, int64_t bulk_id)
{
	(void)cx, (void)bulk_id;
	return RC_BUG;
}
