/*
** template_names.c -- which names a compiled template asks for.
**
** Never:  looks at data, or into partials: a user's text has none.
** Holds:  names come as they stand in the text, once for each time.
*/
#include "base/template_ops.h"
#include <string.h>

#define NAME_SIZE 256 /* template.c takes 200 bytes at most */

/* The parts with dots between again; false: no name, the item itself. */
static bool joined(char out[NAME_SIZE], const struct op *op)
{
	const char *part = op->p;
	size_t n = 0;

	for (uint16_t i = 0; i < op->parts; i++) {
		size_t len = strlen(part);

		if (n + len + 2 > NAME_SIZE) break;
		if (i > 0) out[n++] = '.';
		memcpy(out + n, part, len);
		n += len;
		part += len + 1;
	}
	out[n] = '\0';
	return n > 0;
}

void template_names(const struct template *t, template_name_fn *each, void *arg)
{
	uint32_t ends[TEMPLATE_NESTING_MAX];
	char name[NAME_SIZE];
	int depth = 0;

	for (uint32_t i = 0; i < t->main->count; i++) {
		const struct op *op = &t->main->ops[i];
		bool is_section = op->kind == OP_SECTION || op->kind == OP_INVERTED;

		while (depth > 0 && ends[depth - 1] <= i)
			depth--;
		if (!is_section && op->kind != OP_VALUE && op->kind != OP_RAW) continue;
		if (joined(name, op)) each(arg, name, is_section, depth);
		if (is_section && depth < TEMPLATE_NESTING_MAX) ends[depth++] = op->n;
	}
}
