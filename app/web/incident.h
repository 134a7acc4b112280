/*
** incident.h -- how often something happened at the door that the owner should hear of when it piles up.
**
** Counting is one relaxed atomic addition. The counters only grow; who looks keeps what they were.
*/
#ifndef RECADO_WEB_INCIDENT_H
#define RECADO_WEB_INCIDENT_H

#include <stdint.h>

enum incident {
	INCIDENT_FAILURE, /* an answer 500: our fault, or the disk's                    */
	INCIDENT_BLOCKED, /* an answer 429: somebody asked too often                    */
	INCIDENT_LOGIN,   /* a log-in refused: wrong name, password or code             */
	INCIDENT__MAX
};

void incident_add(enum incident what);
int64_t incident_count(enum incident what);

#endif
