/*
** relay.c -- the old direct send, in its old shape.
*/
#include "sends/bulk.h"

const struct route relay_routes[] = { { .method = NULL } };
