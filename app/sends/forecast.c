/*
** forecast.c -- what timed sends will send.
*/
#include "sends/sends.h"

const struct planner sends_planners[] = { { .name = NULL } };
