/*
** bulk_list.c -- the list of bulk sends.
*/
#include "sends/bulk.h"

const struct resource bulk_resources[] = { { .name = NULL } };
