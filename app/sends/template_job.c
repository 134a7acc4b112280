/*
** template_job.c -- what asks the provider for templates.
*/
#include "sends/mail_template.h"

const struct job_kind template_jobs[] = { { .name = NULL } };
