/*
** wizard.h -- the first steps of a new house: business, WhatsApp, customers, backups, what comes next.
*/
#ifndef RECADO_DESK_WIZARD_H
#define RECADO_DESK_WIZARD_H

#include "web/web.h"

/* The steps in their order. The name is the address: /start/business. */
enum wizard_step { STEP_BUSINESS, STEP_WHATSAPP, STEP_CUSTOMERS, STEP_BACKUP, STEP_DONE, STEP__MAX };

/* Where the owner left off; STEP__MAX: finished or put away. */
enum rc wizard_left_at(struct cx *cx, enum wizard_step *out) MUST_CHECK;
/* Own transaction. STEP__MAX puts it away. Never goes back: who looks at an earlier step again goes on
** later. */
enum rc wizard_reached(struct cx *cx, enum wizard_step step) MUST_CHECK;
/* Title, progress ("2 of 5") and list of steps for a step's page. */
void wizard_head(struct cx *cx, enum wizard_step step, struct value *page);
const char *wizard_path(struct cx *cx, enum wizard_step step);
/* On the owner's home page until finished or put away: an alert that leads on. */
void wizard_hint(struct cx *cx, struct value *layout);
/* What is still missing: list of {text, href, is_done}. */
void wizard_checklist(struct cx *cx, struct value *page);

/* Wizard_test.c: "send me a test" */

/* Queue a test message to a number as typed; *public_id (arena) to ask about it. RC_BAD_INPUT with the field
** "phone". Twice within a minute is the same message. Own transaction. */
enum rc wizard_test_send(struct cx *cx, const char *typed, const char **public_id) MUST_CHECK;
/* How the test went: is_testing, or test_sentence, test_is_well, test_next {text, href}. */
void wizard_test_show(struct cx *cx, struct call *call, const char *public_id, struct value *page);
/* Did a test ever reach the gateway? */
bool wizard_test_was_sent(struct cx *cx);

extern const struct route desk_wizard_routes[];

#endif
