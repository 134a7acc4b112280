/*
** report_list.c -- the list of reports.
*/
#include "sends/reports.h"

const struct resource report_resources[] = { { .name = NULL } };
