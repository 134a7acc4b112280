/*
** recipients_nest.c -- variables whose names have points are objects: "cliente.nombre" stands in {"cliente":
** {"nombre": …}}, as Mustache looks for it (spec §5).
**
** Owns:   the shape of a payload: order of its keys, its braces.
** Needs:  the variables as recipients_read.c found them.
** Never:  looks at a row.
** Holds:  (1) keys are sorted at each level, so that a payload is canonical; (2) no name is both a value and
**         an object: such a file is refused, and both names are said; (3) a name with an empty part ("Nro.")
**         or too many is no path: it stays as it is, and no template reaches it.
*/
#include "sends/recipients_inner.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX  16 /* levels of one name; JSON_DEPTH_MAX would allow 64, nobody writes five         */
#define BEFORE_MAX ((size_t)8 * 1024) /* a name of HEADER_MAX letters, each escaped, and its braces    */

/* Parts of a name between its points; 1: it is no path. */
static size_t parts_of(const char *name)
{
	size_t parts = 1;

	for (const char *p = name;; p++) {
		if (*p != '.' && *p != '\0') continue;
		if (p == name || p[-1] == '.') return 1;
		if (*p == '\0') break;
		parts++;
	}
	return parts <= PARTS_MAX ? parts : 1;
}

bool variable_is_reachable(const char *name)
{
	return strchr(name, '.') == NULL || parts_of(name) > 1;
}

/* Part by part: the point sorts before every letter. Who is no path comes last, between no two of an
** object. */
static int by_part(const void *a, const void *b)
{
	const char *left = ((const struct variable *)a)->key, *right = ((const struct variable *)b)->key;
	const unsigned char *x = (const unsigned char *)left, *y = (const unsigned char *)right;
	bool is_odd = !variable_is_reachable(left);

	if (is_odd != !variable_is_reachable(right)) return is_odd ? 1 : -1;
	while (*x != '\0' && *x == *y)
		x++, y++;
	if (*x == '\0' || *y == '\0' || (*x != '.' && *y != '.')) return (*x > *y) - (*x < *y);
	return *x == '.' ? -1 : 1;
}

/* Length of what two paths share at their beginning: whole parts, the point behind them too. */
static size_t shared(const char *a, const char *b)
{
	size_t same = 0;

	for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++)
		if (a[i] == '.') same = i + 1;
	return same;
}

static size_t points_in(const char *p, const char *end)
{
	size_t n = 0;

	for (; p < end; p++)
		n += *p == '.';
	return n;
}

static const struct variable *find(const struct recipients_file *f, const char *name, size_t len)
{
	for (size_t i = 0; i < f->variable_count; i++)
		if (strncmp(f->variables[i].key, name, len) == 0 && f->variables[i].key[len] == '\0')
			return &f->variables[i];
	return NULL;
}

/* A path that begins with another variable's whole name: it cannot be both a text and an object. */
static enum rc refuse_both(struct cx *cx, const struct recipients_file *f)
{
	for (size_t i = 0; i < f->variable_count; i++) {
		const char *key = f->variables[i].key;

		for (const char *dot = strchr(key, '.'); dot != NULL && parts_of(key) > 1;
		     dot = strchr(dot + 1, '.')) {
			const struct variable *whole = find(f, key, (size_t)(dot - key));

			if (whole != NULL)
				return recipients_refuse(cx, "variable_name_conflict",
							 arena_printf(cx->arena, "%s, %s", whole->key, key));
		}
	}
	return RC_OK;
}

/* The braces that close and open since the path before, and the key. */
static enum rc write_before(struct variable *v, struct arena *a, const char *before, size_t *open)
{
	bool is_path = parts_of(v->key) > 1;
	size_t same = is_path ? shared(before, v->key) : 0, stays = points_in(v->key, v->key + same);
	const char *part = v->key + same;
	struct sb sb;

	sb_init_arena(&sb, a, BEFORE_MAX);
	for (; *open > stays; --*open)
		sb_char(&sb, '}');
	sb_char(&sb, ',');
	for (; is_path && strchr(part, '.') != NULL; part = strchr(part, '.') + 1, ++*open) {
		sb_json(&sb, part, strcspn(part, "."));
		sb_lit(&sb, ":{");
	}
	sb_json(&sb, part, strlen(part));
	sb_char(&sb, ':');
	v->json = (struct bytes){ sb.p, sb.len };
	return sb_result(&sb);
}

enum rc variables_nest(struct cx *cx, struct recipients_file *f, struct arena *a)
{
	const char *before = "";
	enum rc rc = refuse_both(cx, f);

	qsort(f->variables, f->variable_count, sizeof(f->variables[0]), by_part);
	f->open = 0;
	for (size_t i = 0; rc == RC_OK && i < f->variable_count; i++) {
		rc = write_before(&f->variables[i], a, before, &f->open);
		before = f->open > 0 ? f->variables[i].key : "";
	}
	return rc;
}
