/*
** changes.h -- one entry of the history as people read it, for the page of an object and for the audit list.
*/
#ifndef RECADO_DESK_CHANGES_H
#define RECADO_DESK_CHANGES_H

#include "desk/inner.h"

/* Words for the codes that stand in audit; the code itself when there are none. */
const char *change_action(struct cx *cx, const char *action);
const char *change_door(struct cx *cx, const char *door);
/* Who did it: a user, the command line, or the house itself. */
const char *change_actor(struct cx *cx, const char *actor);
const char *change_table(struct cx *cx, const char *table);
/* "create=created|…", "client=Customers|…" for filters. */
const char *change_actions_choices(struct arena *a);
const char *change_tables_choices(struct arena *a, const struct resource *const *resources);
/* Of a raw row of audit: {at, actor, action, door, address} and {changes [{name, title, before, after}],
** has_changes}. o: the resource of its table, may be NULL. */
void change_head(struct cx *cx, const struct office *o, const struct value *entry, bool as_json,
		 struct value *out);
void change_fill(struct cx *cx, const struct office *o, const struct value *entry, struct value *out);

#endif
