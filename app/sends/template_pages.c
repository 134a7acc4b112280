/*
** template_pages.c -- the pages of templates.
*/
#include "sends/mail_template.h"

const struct route template_routes[] = { { .method = NULL } };
