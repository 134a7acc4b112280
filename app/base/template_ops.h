/*
** template_ops.h -- what template.c (compiling) hands to template_render.c: flat lists of operations.
** Only these two and template_names.c include it.
*/
#ifndef RECADO_BASE_TEMPLATE_OPS_H
#define RECADO_BASE_TEMPLATE_OPS_H

#include "base/template.h"

/* No page and no message is longer; bounds what a form may send */
#define TEMPLATE_SIZE_MAX    ((size_t)256 * 1024)
#define TEMPLATE_NESTING_MAX 32 /* sections in sections, partials in partials: one stack each */

enum op_kind {
	OP_TEXT,     /* p, n bytes as they are                                   */
	OP_VALUE,    /* p: name; escaped as the mode says                         */
	OP_RAW,      /* p: name; as it is                                         */
	OP_SECTION,  /* p: name; n: the op behind its OP_END, where a false one goes */
	OP_INVERTED, /* p: name; n: the op behind it, where a true one goes; has no OP_END */
	OP_END,      /* n: the first op of the section, where the next item goes  */
	OP_PARTIAL,  /* program; p: blanks before a tag that stood alone, NULL if it did not */
	OP_INDENT    /* the blanks that the partial's line begins with            */
};

/* A name is its parts one after the other, each ended by NUL; no parts: the item itself ("."). */
struct op {
	uint16_t kind;
	uint16_t parts;
	uint32_t n;
	const char *p;
	const struct program *program;
};

/* The template itself or one partial. A partial that somewhere stands alone behind blanks exists a second
** time, with OP_INDENT at its lines. */
struct program {
	const struct op *ops;
	uint32_t count;
	bool is_indented;
	const char *name; /* "" for the template itself */
	struct program *next;
};

struct template
{
	struct arena *arena;
	enum template_mode mode;
	struct program *programs; /* the last one in the list is the template itself */
	const struct program *main;
};

#endif
