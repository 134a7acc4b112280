/*
** template_render.c -- run a compiled template over data.
**
** Owns:   the stack of contexts while it runs, on the C stack.
** Needs:  template_ops.h from template.c.
** Never:  allocates, but through the buffer; changes template or data.
** Holds:  (1) the work is bounded by STEPS_MAX, whatever template and data say; (2) a
**         buffer that failed ends the run; (3) a value is escaped exactly once.
*/
#include "base/template_ops.h"
#include <stdio.h>
#include <string.h>

/* Operations of one rendering. A page takes a thousand, a report of 100,000 rows some millions; a section
** over a list inside itself, thirty times, would take for ever. About half a second. */
#define STEPS_MAX 20000000

struct scope {
	const struct value *value;
	const struct scope *outer;
};

struct indent {
	const char *text;
	size_t len;
	const struct indent *outer;
};

struct run {
	struct sb *sb;
	enum template_mode mode;
	int depth; /* partials in partials */
	long steps;
};

/* A name in a map, or a place in a list ("facts.0": true when there is a first one). */
static const struct value *inside(const struct value *v, const char *part)
{
	size_t place = 0;

	if (v->type != VALUE_LIST) return value_get(v, part);
	if (*part == '\0') return NULL;
	for (; *part >= '0' && *part <= '9' && place < v->count; part++)
		place = place * 10 + (size_t)(*part - '0');
	if (*part != '\0' || place >= v->count) return NULL;
	for (v = v->first; place > 0; place--)
		v = v->next;
	return v;
}

/* The first part is looked for outwards; the others must be right inside what was found. */
static const struct value *look_up(const struct scope *scope, const struct op *op)
{
	const struct value *v = NULL;
	const char *part = op->p;
	unsigned i;

	if (op->parts == 0) return scope->value;
	for (; v == NULL && scope != NULL; scope = scope->outer)
		v = value_get(scope->value, part);
	for (i = 1; v != NULL && i < op->parts; i++) {
		part += strlen(part) + 1;
		v = inside(v, part);
	}
	return v;
}

static void put_one_line(struct sb *sb, const char *p, size_t len)
{
	const char *end = p + len;
	size_t run;

	for (; p < end; p += run + 1) {
		for (run = 0; p + run < end && p[run] != '\r' && p[run] != '\n';)
			run++;
		sb_bytes(sb, p, run);
	}
}

static void put_text(struct run *r, const char *p, size_t len, bool is_raw)
{
	if (r->mode == TEMPLATE_SUBJECT)
		put_one_line(r->sb, p, len);
	else if (is_raw || r->mode == TEMPLATE_TEXT)
		sb_bytes(r->sb, p, len);
	else if (r->mode == TEMPLATE_URL)
		sb_url(r->sb, p, len);
	else
		sb_html(r->sb, p, len);
}

static void put_value(struct run *r, const struct value *v, bool is_raw)
{
	char digits[32];

	if (v == NULL) return;
	switch (v->type) {
	case VALUE_TEXT: put_text(r, v->text, v->len, is_raw); break;
	case VALUE_INT: sb_int(r->sb, v->integer); break;
	case VALUE_REAL:
		snprintf(digits, sizeof digits, "%.15g", v->real);
		put_text(r, digits, strlen(digits), is_raw);
		break;
	case VALUE_BOOL: sb_text(r->sb, v->boolean ? "true" : "false"); break;
	case VALUE_NULL:
	case VALUE_LIST:
	case VALUE_MAP:
	default: break;
	}
}

static void put_indent(struct sb *sb, const struct indent *indent)
{
	if (indent == NULL) return;
	put_indent(sb, indent->outer);
	sb_bytes(sb, indent->text, indent->len);
}

static void fail(struct run *r)
{
	if (r->sb->rc == RC_OK) r->sb->rc = RC_TOO_LARGE;
}

static void run_program(struct run *r, const struct program *program, const struct scope *scope,
			const struct indent *indent);

static void run_partial(struct run *r, const struct op *op, const struct scope *scope,
			const struct indent *indent)
{
	struct indent inner = { op->p, op->n, indent };

	if (r->depth == TEMPLATE_NESTING_MAX) {
		fail(r);
		return;
	}
	r->depth++;
	/* A tag within a line starts without blanks of its own or of its surroundings. */
	run_program(r, op->program, scope, op->p == NULL ? NULL : &inner);
	r->depth--;
}

static void run_program(struct run *r, const struct program *program, const struct scope *scope,
			const struct indent *indent)
{
	struct {
		struct scope scope;
		const struct value *rest; /* items still to come */
	} open[TEMPLATE_NESTING_MAX];
	size_t depth = 0;
	uint32_t i = 0;

	while (i < program->count && r->sb->rc == RC_OK) {
		const struct op *op = &program->ops[i++];
		const struct value *v;

		if (++r->steps > STEPS_MAX) fail(r);
		switch ((enum op_kind)op->kind) {
		case OP_TEXT: sb_bytes(r->sb, op->p, op->n); break;
		case OP_VALUE:
		case OP_RAW: put_value(r, look_up(scope, op), op->kind == OP_RAW); break;
		case OP_SECTION:
			v = look_up(scope, op);
			if (!value_is_true(v)) {
				i = op->n;
				break;
			}
			open[depth].scope.outer = scope;
			open[depth].scope.value = v->type == VALUE_LIST ? v->first : v;
			open[depth].rest = v->type == VALUE_LIST ? v->first->next : NULL;
			scope = &open[depth++].scope;
			break;
		case OP_END:
			if (open[depth - 1].rest != NULL) {
				open[depth - 1].scope.value = open[depth - 1].rest;
				open[depth - 1].rest = open[depth - 1].rest->next;
				i = op->n;
			} else {
				scope = open[--depth].scope.outer;
			}
			break;
		case OP_INVERTED:
			if (value_is_true(look_up(scope, op))) i = op->n;
			break;
		case OP_PARTIAL: run_partial(r, op, scope, indent); break;
		case OP_INDENT: put_indent(r->sb, indent); break;
		}
	}
}

void template_render(struct sb *sb, const struct template *t, const struct value *context)
{
	struct run r = { .sb = sb, .mode = t->mode };
	struct scope scope = { context, NULL };

	run_program(&r, t->main, &scope, NULL);
}
