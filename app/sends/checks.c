/*
** checks.c -- what check asks the module.
*/
#include "sends/sends.h"

const struct check sends_checks[] = { { .name = NULL } };
