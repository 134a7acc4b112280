/*
** why.c -- why somebody got no mail.
*/
#include "sends/sends.h"

const struct reason_source sends_reasons[] = { { .name = NULL } };
