/*
** doors.h -- settings of the panel's own doors: what they may be, and whether a change would lock somebody
** out.
*/
#ifndef RECADO_WEB_DOORS_H
#define RECADO_WEB_DOORS_H

#include "web/web.h"

/* The doors as they would become; NULL: as they are. */
struct doors {
	const char *hosts, *public_url, *proxies, *panel_allow;
};
/* Would this very call still come in? RC_BAD_INPUT: no, with the sentence at the field that shuts it out
** ("web.hosts", "web.panel_allow"). Whoever comes over the command line always comes in. */
enum rc doors_check(struct cx *cx, struct call *call, const struct doors *doors) MUST_CHECK;

/* For the rows' refuse (settings.h). */
const char *doors_listen_refuse(const char *value, struct arena *a, enum lang lang);
const char *doors_hosts_refuse(const char *value, struct arena *a, enum lang lang);
const char *doors_addresses_refuse(const char *value, struct arena *a, enum lang lang);

#endif
