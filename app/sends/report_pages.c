/*
** report_pages.c -- the pages of reports.
*/
#include "sends/reports.h"

const struct route report_routes[] = { { .method = NULL } };
