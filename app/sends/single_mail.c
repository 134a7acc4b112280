/*
** single_mail.c -- single mails, written by hand.
*/
#include "sends/sends.h"

const struct resource single_mail_resources[] = { { .name = NULL } };
