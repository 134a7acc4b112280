/*
** send_job.c -- the job that feeds the outbox.
*/
#include "sends/bulk.h"

const struct job_kind send_jobs[] = { { .name = NULL } };
