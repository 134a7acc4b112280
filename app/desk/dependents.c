/*
** dependents.c -- what hangs on rows, told before they go.
**
** Never:  decides whether they may go (before_archive does).
** Holds:  what hangs on nothing is said too: a person who reads nothing does not know whether it was looked
** at.
*/
#include "desk/inner.h"

void dependents_fill(struct cx *cx, const struct office *o, const int64_t *ids, size_t n, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "dependents");

	if (o->r->dependents == NULL) return;
	for (const struct dependent *d = o->r->dependents; d->title != NULL; d++) {
		struct value *one;
		int64_t sum = 0;

		for (size_t i = 0; i < n; i++) {
			int64_t count = 0;

			if (db_get_int(cx, &count, d->sql, PARAMS(P_INT(":id", ids[i]))) == RC_OK)
				sum += count;
		}
		if (sum == 0) continue;
		one = value_add_map(cx->arena, list);
		value_set_text(cx->arena, one, "title", words_get(cx->lang, d->title));
		value_set_text(cx->arena, one, "count", number_text(cx, sum));
	}
	value_set_bool(cx->arena, page, "has_dependents", list->count > 0);
	value_set_bool(cx->arena, page, "hangs_nothing", list->count == 0);
}
