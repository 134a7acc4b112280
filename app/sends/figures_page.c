/*
** figures_page.c -- the figures of a send.
*/
#include "sends/reports.h"

const struct route figure_routes[] = { { .method = NULL } };
