/*
** bulk_pages.c -- the pages of a send.
*/
#include "sends/bulk.h"

const struct route bulk_routes[] = { { .method = NULL } };
