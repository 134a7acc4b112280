/*
** alarm_look.h -- inside of one look: what its rules may ask. For alarm_rules.c and alarms.c.
*/
#ifndef RECADO_OPS_ALARM_LOOK_H
#define RECADO_OPS_ALARM_LOOK_H

#include "ops/alarm.h"

/* What must last before it is told: five minutes. */
#define ALARM_LASTS_MS (5 * MINUTE_MS)
enum alarm_lasting { ALARM_LASTS_MEMORY, ALARM_LASTS_MEMORY_URGENT, ALARM_LASTS_OWN, ALARM_LASTS__MAX };
/* is: true now; the answer: for long enough without a break. */
bool alarm_lasts(struct alarm_look *l, enum alarm_lasting what, bool is);

const struct alarm_host *alarm_look_host(const struct alarm_look *l);
const struct alarm_window *alarm_look_window(const struct alarm_look *l);
int64_t alarm_look_silent_ms(const struct alarm_look *l); /* of the scheduler */

#endif
