/*
** report_job.c -- the work of reports.
*/
#include "sends/reports.h"

const struct job_kind report_jobs[] = { { .name = NULL } };
