/*
** guide.h -- the administrator's guide and the rescue page, as tables: one text for the panel, the terminal and
** the test that runs its commands.
*/
#ifndef RECADO_OPS_GUIDE_H
#define RECADO_OPS_GUIDE_H

#include "ops/ops.h"

struct guide_item {
	const char *text; /* N_() one or two sentences; NULL ends a list                          */
	const char
		*command; /* as typed on the machine, NULL = none. NAME, FILE… in capitals are the reader's */
	const char *
		example; /* the same with words that stand for NAME and FILE, for the test; NULL = as it is */
};

struct guide_section {
	const char *id, *title; /* id: anchor; NULL ends the list; title N_() */
	const char *intro;      /* N_(), NULL = none                          */
	const struct guide_item *items;
	bool is_numbered; /* steps or a checklist, not loose advice */
};

extern const struct guide_section guide_sections[];  /* guide_text.c  */
extern const struct guide_section rescue_sections[]; /* rescue_text.c */

#endif
