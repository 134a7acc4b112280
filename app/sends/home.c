/*
** home.c -- the card on the home page.
*/
#include "sends/sends.h"

const struct figure sends_figures[] = { { .name = NULL } };
