/*
** modules.c -- the list of modules, nothing else.
**
** Adding a module is its folder and one line here.
*/
#include "module.h"
#include "renewals/renewals.h"
#include "sends/sends.h"

const struct module *const modules[] = {
	&renewals,
	&sends,
	NULL,
};
