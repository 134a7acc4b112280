/*
** commands.c -- recado sends …
*/
#include "sends/bulk.h"

const struct command sends_commands[] = { { .name = NULL } };
