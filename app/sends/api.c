/*
** api.c -- calls for programs.
*/
#include "sends/bulk.h"

const struct route bulk_api_routes[] = { { .method = NULL } };
