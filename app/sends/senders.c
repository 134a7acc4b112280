/*
** senders.c -- who mails are from.
*/
#include "sends/sends.h"

const struct resource sender_resources[] = { { .name = NULL } };
