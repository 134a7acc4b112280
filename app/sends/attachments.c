/*
** attachments.c -- files that go along with a send.
*/
#include "sends/sends.h"

const struct resource attachment_resources[] = { { .name = NULL } };
const struct route attachment_routes[] = { { .method = NULL } };
