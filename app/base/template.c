/*
** template.c -- compile Mustache text into a flat list of operations.
**
** Owns:   the grammar: tags, delimiters, lines that only hold a tag, partials.
** Needs:  template_ops.h; the caller's functions for partials and translations, called
**         while compiling only.
** Never:  looks at data; renders (template_render.c does).
** Holds:  (1) every section has its end, so that rendering needs no checks; (2) a
**         compiled template has no pointer into the source or the options; (3) where
**         a text is refused, err says line, reason and subject.
**
** Source: the Mustache specification 1.4 (interpolation, sections, inverted, comments,
** delimiters, partials; no lambdas, inheritance or dynamic names).
*/
#include "base/mem.h"
#include "base/template_ops.h"
#include "base/text.h"
#include "base/words.h"
#include <stdio.h>
#include <string.h>

#define NAME_SIZE_MAX  200 /* a longer name is a tag that somebody forgot to close */
#define DELIMITER_SIZE 16  /* of a changed delimiter, with NUL: {{=<% %>=}} has two bytes */
#define ARENA_MAX      ((size_t)16 * 1024 * 1024) /* all partials of a template, compiled */

struct compiler {
	struct template *t;
	const struct template_options *options;
	struct template_error *err;
	enum rc rc;
	int depth; /* of partials in partials */
};

struct section {
	const char *name, *tag;
	size_t name_len;
	uint32_t op;
};

/* One source text: the template's or a partial's. */
struct parser {
	struct compiler *c;
	const char *text, *end;
	const char *p;  /* what comes next; behind the last tag */
	struct op *ops; /* heap; moves to the arena when done   */
	size_t count, room;
	struct section open[TEMPLATE_NESTING_MAX];
	size_t depth;
	char left[DELIMITER_SIZE], right[DELIMITER_SIZE];
	size_t left_len, right_len;
	bool is_indented;
	bool is_line_start; /* nothing of the current line has been put yet */
};

/* One tag as it stands in the text. */
struct tag {
	char kind;               /* # ^ / > ! = & or { ; 0 for a plain name */
	const char *begin, *end; /* with delimiters */
	const char *name;        /* content without blanks around */
	size_t name_len;
};

static void refuse(struct parser *ps, const char *at, const char *msgid, const char *subject, size_t len,
		   const char *suggestion)
{
	struct template_error *err = ps->c->err;
	const char *p;

	if (ps->c->rc != RC_OK) return;
	ps->c->rc = RC_BAD_INPUT;
	err->line = 1;
	for (p = ps->text; p < at; p++)
		err->line += *p == '\n';
	err->msgid = msgid;
	if (len >= sizeof err->subject) len = sizeof err->subject - 1;
	while (len > 0 && ((unsigned char)subject[len] & 0xC0) == 0x80)
		len--; /* cut between letters: the text is UTF-8 and ends in NUL */
	memcpy(err->subject, subject, len);
	err->subject[len] = '\0';
	err->suggestion = suggestion;
}

static void no_memory(struct parser *ps)
{
	if (ps->c->rc == RC_OK) ps->c->rc = RC_NO_MEMORY;
}

static struct op *put_op(struct parser *ps, enum op_kind kind)
{
	struct op *op;

	if (ps->count == ps->room) {
		size_t room = ps->room == 0 ? 64 : 2 * ps->room;
		struct op *ops = mem_realloc(ps->ops, room * sizeof *ops);

		if (ops == NULL) {
			no_memory(ps);
			return NULL;
		}
		ps->ops = ops;
		ps->room = room;
	}
	op = &ps->ops[ps->count++];
	*op = (struct op){ .kind = (uint16_t)kind };
	return op;
}

/* The first thing of a line: the place for the blanks of a partial that stood alone. */
static void put_indent(struct parser *ps)
{
	if (ps->is_indented && ps->is_line_start) (void)put_op(ps, OP_INDENT);
	ps->is_line_start = false;
}

static void put_bytes(struct parser *ps, const char *p, size_t len)
{
	struct op *op = len == 0 ? NULL : put_op(ps, OP_TEXT);

	if (op == NULL) return;
	op->p = p;
	op->n = (uint32_t)len;
}

/* A copy without CR and LF: a subject is one line, whatever its template says. */
static void put_one_line(struct parser *ps, const char *p, size_t len)
{
	char *copy = arena_alloc(ps->c->t->arena, len);
	size_t n = 0, i;

	if (copy == NULL) {
		no_memory(ps);
		return;
	}
	for (i = 0; i < len; i++) {
		if (p[i] != '\r' && p[i] != '\n') copy[n++] = p[i];
	}
	put_bytes(ps, copy, n);
}

static const char *find_known(const struct template_options *o, const char *name, size_t len)
{
	const char *const *known;

	for (known = o->known; known != NULL && *known != NULL; known++) {
		if (strlen(*known) == len && memcmp(*known, name, len) == 0) return *known;
	}
	return NULL;
}

/* {cliente} in a user's text is surely meant as {{cliente}}. */
static void refuse_single_braces(struct parser *ps, const char *p, const char *end)
{
	const char *close, *known;

	for (; (p = memchr(p, '{', (size_t)(end - p))) != NULL; p++) {
		close = memchr(p, '}', (size_t)(end - p));
		if (close == NULL) return;
		known = find_known(ps->c->options, p + 1, (size_t)(close - p) - 1);
		if (known == NULL) continue;
		refuse(ps, p, N_("%s has one brace on each side; a variable has two."), p,
		       (size_t)(close + 1 - p), known);
		return;
	}
}

static void put_text(struct parser *ps, const char *p, const char *end)
{
	const char *stop;

	if (ps->c->options->is_users) refuse_single_braces(ps, p, end);
	if (ps->c->t->mode == TEMPLATE_SUBJECT) {
		if (p < end) put_one_line(ps, p, (size_t)(end - p));
		return;
	}
	if (!ps->is_indented) {
		put_bytes(ps, p, (size_t)(end - p));
		return;
	}
	for (; p < end; p = stop) {
		stop = memchr(p, '\n', (size_t)(end - p));
		stop = stop == NULL ? end : stop + 1;
		if (*p != '\n' && !(*p == '\r' && stop - p == 2)) put_indent(ps);
		put_bytes(ps, p, (size_t)(stop - p));
		ps->is_line_start = stop[-1] == '\n';
	}
}

/* Blanks only back to the beginning of the line, as far as no other tag is in between. NULL if not. */
static const char *line_before(const struct parser *ps, const char *tag)
{
	const char *p = tag;

	while (p > ps->p && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	/* ps->p is behind the last tag; a line begins there only if that one stood alone and took it. */
	return p == ps->text || p[-1] == '\n' ? p : NULL;
}

/* Blanks only up to the end of the line: behind its end; NULL if not. */
static const char *line_after(const struct parser *ps, const char *p)
{
	while (p < ps->end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == ps->end) return p;
	if (*p == '\n') return p + 1;
	return *p == '\r' && p + 1 < ps->end && p[1] == '\n' ? p + 2 : NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Read the tag that begins at p. False when the text was refused. */
static bool read_tag(struct parser *ps, const char *p, struct tag *tag)
{
	char close[DELIMITER_SIZE + 1];
	size_t close_len = 0, len;
	const char *stop;

	*tag = (struct tag){ .begin = p };
	p += ps->left_len;
	if (p < ps->end && *p != '\0' && strchr("#^/>!=&{", *p) != NULL) tag->kind = *p++;
	if (tag->kind == '{' || tag->kind == '=') close[close_len++] = tag->kind == '{' ? '}' : '=';
	memcpy(close + close_len, ps->right, ps->right_len);
	close_len += ps->right_len;
	stop = memmem(p, (size_t)(ps->end - p), close, close_len);
	if (stop == NULL) {
		len = (size_t)(ps->end - tag->begin);
		refuse(ps, tag->begin, N_("The tag %s is never closed."), tag->begin, len < 30 ? len : 30,
		       NULL);
		return false;
	}
	tag->end = stop + close_len;
	while (p < stop && is_blank(*p))
		p++;
	while (stop > p && is_blank(stop[-1]))
		stop--;
	tag->name = p;
	tag->name_len = (size_t)(stop - p);
	if (tag->kind == '!' || tag->kind == '=') return true;
	if (tag->name_len == 0) {
		refuse(ps, tag->begin, N_("The tag %s has no name."), tag->begin,
		       (size_t)(tag->end - tag->begin), NULL);
		return false;
	}
	if (tag->name_len > NAME_SIZE_MAX) {
		refuse(ps, tag->begin, N_("The tag %s is never closed."), tag->begin, 30, NULL);
		return false;
	}
	return true;
}

/* In a user's template every name must be one the sender will fill in. */
static void check_known(struct parser *ps, const struct tag *tag)
{
	const char *dot = memchr(tag->name, '.', tag->name_len);
	char name[NAME_SIZE_MAX + 1];

	if (!ps->c->options->is_users || ps->c->options->known == NULL ||
	    (tag->name_len == 1 && *tag->name == '.'))
		return;
	if (find_known(ps->c->options, tag->name, tag->name_len) != NULL) return;
	/* "customer.name" is fine where only "customer" is announced. */
	if (dot != NULL && find_known(ps->c->options, tag->name, (size_t)(dot - tag->name)) != NULL) return;
	memcpy(name, tag->name, tag->name_len);
	name[tag->name_len] = '\0';
	refuse(ps, tag->begin, N_("%s is not a variable of this text."), tag->name, tag->name_len,
	       text_nearest(name, ps->c->options->known));
}

/* The op of a tag with a name, the name taken apart at its dots. */
static struct op *put_named(struct parser *ps, enum op_kind kind, const struct tag *tag)
{
	struct op *op;
	char *name, *p;
	uint16_t parts = 1;

	check_known(ps, tag);
	op = put_op(ps, kind);
	name = op == NULL ? NULL : arena_bytes(ps->c->t->arena, tag->name, tag->name_len);
	if (name == NULL || *name == '\0') {
		no_memory(ps);
		return NULL;
	}
	if (strcmp(name, ".") == 0) {
		op->p = name;
		return op;
	}
	for (p = name; *p != '\0'; p++) {
		if (*p == '.') {
			*p = '\0';
			parts++;
		}
	}
	op->p = name;
	op->parts = parts;
	return op;
}

static void open_section(struct parser *ps, const struct tag *tag)
{
	struct section *section;

	if (ps->depth == TEMPLATE_NESTING_MAX) {
		refuse(ps, tag->begin, N_("Sections are nested too deep at %s."), tag->name, tag->name_len,
		       NULL);
		return;
	}
	if (put_named(ps, tag->kind == '#' ? OP_SECTION : OP_INVERTED, tag) == NULL) return;
	section = &ps->open[ps->depth++];
	section->name = tag->name;
	section->name_len = tag->name_len;
	section->tag = tag->begin;
	section->op = (uint32_t)ps->count - 1;
}

static void close_section(struct parser *ps, const struct tag *tag)
{
	struct section *section = ps->depth == 0 ? NULL : &ps->open[ps->depth - 1];
	struct op *end;

	if (section == NULL) {
		refuse(ps, tag->begin, N_("%s closes a section that was never opened."), tag->name,
		       tag->name_len, NULL);
		return;
	}
	if (section->name_len != tag->name_len || memcmp(section->name, tag->name, tag->name_len) != 0) {
		refuse(ps, tag->begin, N_("%s closes a section while another one inside it is still open."),
		       tag->name, tag->name_len, NULL);
		return;
	}
	ps->depth--;
	if (ps->ops[section->op].kind == OP_SECTION) {
		end = put_op(ps, OP_END);
		if (end == NULL) return;
		end->n = section->op + 1;
	}
	ps->ops[section->op].n = (uint32_t)ps->count;
}

/* {{=<% %>=}} */
static void change_delimiters(struct parser *ps, const struct tag *tag)
{
	const char *p = tag->name, *end = tag->name + tag->name_len, *left = p, *right = end;

	while (left < end && !is_blank(*left))
		left++;
	while (right > left && !is_blank(right[-1]))
		right--;
	ps->left_len = (size_t)(left - p);
	ps->right_len = (size_t)(end - right);
	while (left < right && is_blank(*left))
		left++;
	if (left != right || ps->left_len == 0 || ps->right_len == 0 || ps->left_len >= DELIMITER_SIZE ||
	    ps->right_len >= DELIMITER_SIZE || memchr(p, '=', tag->name_len) != NULL) {
		ps->left_len = ps->right_len = 0;
		refuse(ps, tag->begin, N_("%s does not name two delimiters."), tag->begin,
		       (size_t)(tag->end - tag->begin), NULL);
		return;
	}
	memcpy(ps->left, p, ps->left_len);
	memcpy(ps->right, right, ps->right_len);
}

static const struct program *compile_program(struct compiler *c, const char *name, const char *text,
					     size_t len, bool is_indented);

static const struct program *find_partial(struct parser *ps, const struct tag *tag, bool is_indented)
{
	struct compiler *c = ps->c;
	const struct program *program;
	const char *name = arena_bytes(c->t->arena, tag->name, tag->name_len), *text;

	if (*name == '\0') {
		no_memory(ps);
		return NULL;
	}
	for (program = c->t->programs; program != NULL; program = program->next) {
		if (program->is_indented == is_indented && strcmp(program->name, name) == 0) return program;
	}
	text = c->options->partial == NULL ? NULL : c->options->partial(c->options->partial_arg, name);
	if (text == NULL) return NULL;
	if (c->depth == TEMPLATE_NESTING_MAX) {
		refuse(ps, tag->begin, N_("Partials are nested too deep at %s."), tag->name, tag->name_len,
		       NULL);
		return NULL;
	}
	return compile_program(c, name, text, strlen(text), is_indented);
}

static void put_partial(struct parser *ps, const struct tag *tag, const char *indent, size_t indent_len,
			bool is_alone)
{
	const struct program *program;
	struct op *op;

	if (ps->c->options->is_users && ps->c->options->partial == NULL) {
		refuse(ps, tag->begin, N_("%s is not a variable of this text."), tag->name, tag->name_len,
		       NULL);
		return;
	}
	program = find_partial(ps, tag, is_alone && (indent_len > 0 || ps->is_indented));
	op = program == NULL ? NULL : put_op(ps, OP_PARTIAL);
	if (op == NULL) return;
	op->program = program;
	op->p = is_alone ? arena_bytes(ps->c->t->arena, indent, indent_len) : NULL;
	op->n = (uint32_t)indent_len;
}

/* {{#_}}text{{/_}}: the translation is plain text and is escaped here, once, as the mode says. */
static void put_translation(struct parser *ps, struct tag *tag)
{
	const struct template_options *o = ps->c->options;
	const char *begin = tag->end, *end = memmem(begin, (size_t)(ps->end - begin), ps->left, ps->left_len);
	struct tag close;
	struct sb sb;
	const char *msgid, *words;

	if (end == NULL) {
		refuse(ps, tag->begin, N_("The section %s is never closed."), "_", 1, NULL);
		return;
	}
	if (!read_tag(ps, end, &close)) return;
	if (close.kind != '/' || close.name_len != 1 || *close.name != '_') {
		refuse(ps, end, N_("Only plain text can be translated, not %s."), close.begin,
		       (size_t)(close.end - close.begin), NULL);
		return;
	}
	while (begin < end && is_blank(*begin))
		begin++;
	while (end > begin && is_blank(end[-1]))
		end--;
	msgid = arena_bytes(ps->c->t->arena, begin, (size_t)(end - begin));
	words = o->translate == NULL ? msgid : o->translate(o->translate_arg, msgid);
	sb_init_arena(&sb, ps->c->t->arena, TEMPLATE_SIZE_MAX);
	if (o->mode == TEMPLATE_HTML)
		sb_html(&sb, words, strlen(words));
	else if (o->mode == TEMPLATE_URL)
		sb_url(&sb, words, strlen(words));
	else
		sb_text(&sb, words);
	if (sb_result(&sb) != RC_OK) no_memory(ps);
	put_indent(ps);
	if (o->mode == TEMPLATE_SUBJECT && sb.len > 0)
		put_one_line(ps, sb.p, sb.len);
	else
		put_bytes(ps, sb.p, sb.len);
	tag->end = close.end;
}

static bool is_translation(const struct parser *ps, const struct tag *tag)
{
	return tag->kind == '#' && tag->name_len == 1 && *tag->name == '_' &&
	       (!ps->c->options->is_users || ps->c->options->translate != NULL);
}

/* The tag, and the text before it; leaves ps->p behind both. */
static void put_tag(struct parser *ps, struct tag *tag)
{
	bool is_inline = tag->kind == 0 || tag->kind == '&' || tag->kind == '{' || is_translation(ps, tag);
	const char *before = is_inline ? NULL : line_before(ps, tag->begin);
	const char *after = before == NULL ? NULL : line_after(ps, tag->end);
	bool is_alone = after != NULL;
	bool is_raw = (tag->kind == '&' || tag->kind == '{') && !ps->c->options->is_users;

	put_text(ps, ps->p, is_alone ? before : tag->begin);
	if (is_alone)
		ps->is_line_start = true;
	else if (tag->kind != '!' && tag->kind != '=' && !is_translation(ps, tag))
		put_indent(ps);
	if (is_translation(ps, tag))
		put_translation(ps, tag);
	else if (is_inline)
		(void)put_named(ps, is_raw ? OP_RAW : OP_VALUE, tag);
	else if (tag->kind == '#' || tag->kind == '^')
		open_section(ps, tag);
	else if (tag->kind == '/')
		close_section(ps, tag);
	else if (tag->kind == '>')
		put_partial(ps, tag, before, is_alone ? (size_t)(tag->begin - before) : 0, is_alone);
	else if (tag->kind == '=')
		change_delimiters(ps, tag);
	ps->p = is_alone ? after : tag->end;
}

static void parse(struct parser *ps)
{
	struct tag tag;
	const char *p;

	while (ps->c->rc == RC_OK) {
		p = memmem(ps->p, (size_t)(ps->end - ps->p), ps->left, ps->left_len);
		if (p == NULL) break;
		if (read_tag(ps, p, &tag)) put_tag(ps, &tag);
	}
	if (ps->c->rc == RC_OK) put_text(ps, ps->p, ps->end);
	if (ps->c->rc == RC_OK && ps->depth > 0) {
		struct section *last = &ps->open[ps->depth - 1];

		refuse(ps, last->tag, N_("The section %s is never closed."), last->name, last->name_len,
		       NULL);
	}
}

static const struct program *compile_program(struct compiler *c, const char *name, const char *text,
					     size_t len, bool is_indented)
{
	struct parser ps = {
		.c = c, .is_indented = is_indented, .is_line_start = true, .left = "{{", .right = "}}"
	};
	struct program *program = arena_alloc(c->t->arena, sizeof *program);
	struct op *ops;
	char size[32];

	ps.left_len = ps.right_len = 2;
	ps.text = text;
	if (len > TEMPLATE_SIZE_MAX) {
		snprintf(size, sizeof size, "%zu KiB", (len + 1023) / 1024);
		refuse(&ps, text, N_("The text has %s; a template has at most 256 KiB."), size, strlen(size),
		       NULL);
		return NULL;
	}
	if (!text_is_utf8(text, len)) {
		snprintf(size, sizeof size, "%zu", len);
		refuse(&ps, text, N_("Among its %s bytes are some that are not UTF-8 text."), size,
		       strlen(size), NULL);
		return NULL;
	}
	/* Texts of operations stay where they are in this copy. */
	ps.text = ps.p = len == 0 ? "" : arena_bytes(c->t->arena, text, len);
	ps.end = ps.text + len;
	if (program == NULL || (len > 0 && *ps.text == '\0')) {
		no_memory(&ps);
		return NULL;
	}
	program->name = name;
	program->is_indented = is_indented;
	program->next = c->t->programs; /* known before it is parsed: it may name itself */
	c->t->programs = program;
	c->depth++;
	parse(&ps);
	c->depth--;
	if (c->rc == RC_OK && ps.count > 0) {
		ops = arena_array(c->t->arena, ps.count, sizeof *ops);
		if (ops != NULL) memcpy(ops, ps.ops, ps.count * sizeof *ops);
		program->ops = ops;
		program->count = (uint32_t)ps.count;
	}
	if (arena_failed(c->t->arena)) no_memory(&ps);
	mem_free(ps.ops);
	return c->rc == RC_OK ? program : NULL;
}

enum rc template_compile(struct template **out, struct template_error *err, const char *text,
			 const struct template_options *options)
{
	struct template *t = mem_zeroed(sizeof *t);
	struct compiler c = { .t = t, .options = options, .err = err };

	*err = (struct template_error){ .msgid = "%s" };
	if (t != NULL) t->arena = arena_new(ARENA_MAX);
	if (t == NULL || t->arena == NULL) {
		template_free(t);
		return RC_NO_MEMORY;
	}
	t->mode = options->mode;
	/* A name that no partial can have, so that none is taken for the template itself. */
	t->main = compile_program(&c, "", text, strlen(text), false);
	if (c.rc != RC_OK) {
		template_free(t);
		return c.rc;
	}
	*out = t;
	return RC_OK;
}

void template_free(struct template *t)
{
	if (t == NULL) return;
	arena_free(t->arena);
	mem_free(t);
}
