/*
** check.h -- what `recado check` and /health ask a room or module.
*/
#ifndef RECADO_BASE_CHECK_H
#define RECADO_BASE_CHECK_H

#include "base/cx.h"

enum check_state { CHECK_OK, CHECK_WARN, CHECK_FAIL };

struct check_result {
	enum check_state state;
	const char *detail; /* one translated sentence, arena                         */
	const char *remedy; /* the one command or step that mends it, or ""            */
	bool is_info;       /* with CHECK_OK: told, but neither passed nor wrong          */
};

/* Under which heading a finding stands. */
enum check_section {
	SECTION_SERVICES,
	SECTION_APP,
	SECTION_DATABASE,
	SECTION_INTEGRATIONS,
	SECTION_DEPLOYMENT,
	SECTION__MAX
};

struct check {
	const char *name;  /* "database", "gateway"                                   */
	const char *title; /* N_()                                                   */
	bool in_health;    /* a FAIL makes /health answer 503                          */
	void (*run)(struct cx *cx, struct check_result *out);
	enum check_section section;
	bool is_slow; /* takes longer than a page may: `recado check` only                      */
};

#endif
