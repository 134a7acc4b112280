/*
** json.c -- JSON text to values and back.
**
** Owns:   nothing.
** Needs:  yyjson for the grammar, numbers and UTF-8; an arena for the tree.
** Never:  keeps a pointer into the caller's bytes or into yyjson's tree.
** Holds:  (1) what json_parse accepts is a tree of at most JSON_DEPTH_MAX levels in which
**         every map has each key once and no text has a NUL inside; (2) what json_write
**         writes is valid JSON that json_parse accepts.
**
** yyjson reads a copy of the bytes that lies in the arena, in place: texts and keys of
** the tree point into that copy, and an offset is a difference of pointers.
*/
#include "base/mem.h"
#include "base/value.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#define EXACT_MAX (INT64_C(1) << 53) /* beyond it JavaScript's numbers lose digits */
#define FEW_KEYS  12                 /* up to here comparing all pairs beats sorting */

struct reader {
	struct arena *arena;
	const char *text; /* the copy */
	size_t at;        /* where a refusal is */
	enum rc rc;
};

static void *alc_malloc(void *ctx, size_t size)
{
	(void)ctx;
	return mem_alloc(size);
}

static void *alc_realloc(void *ctx, void *p, size_t old, size_t size)
{
	(void)ctx;
	(void)old;
	return mem_realloc(p, size);
}

static void alc_free(void *ctx, void *p)
{
	(void)ctx;
	mem_free(p);
}

/* True when no place of the text is nested too deep; else *at is the bracket that is one too many. */
static bool is_shallow(const char *p, size_t len, size_t *at)
{
	size_t depth = 0, i;
	bool is_text = false;

	for (i = 0; i < len; i++) {
		if (is_text) {
			if (p[i] == '\\')
				i++;
			else if (p[i] == '"')
				is_text = false;
		} else if (p[i] == '"') {
			is_text = true;
		} else if (p[i] == '[' || p[i] == '{') {
			if (++depth > JSON_DEPTH_MAX) {
				*at = i;
				return false;
			}
		} else if ((p[i] == ']' || p[i] == '}') && depth > 0) {
			depth--;
		}
	}
	return true;
}

static enum rc refuse(struct reader *r, const char *where)
{
	r->at = (size_t)(where - r->text);
	r->rc = RC_BAD_INPUT;
	return r->rc;
}

static struct value *read_value(struct reader *r, yyjson_val *from);

static int by_key(const void *a, const void *b)
{
	return strcmp((*(const struct value *const *)a)->key, (*(const struct value *const *)b)->key);
}

/* Of two equal keys the one that comes later is refused. */
static enum rc refuse_twin(struct reader *r, const struct value *a, const struct value *b)
{
	return refuse(r, a->key > b->key ? a->key : b->key);
}

static enum rc check_keys(struct reader *r, const struct value *map)
{
	const struct value **keys, *v, *w;
	size_t n = 0, i;

	if (map->count <= FEW_KEYS) {
		for (v = map->first; v != NULL; v = v->next) {
			for (w = map->first; w != v; w = w->next) {
				if (v->key[0] == w->key[0] && strcmp(v->key, w->key) == 0)
					return refuse_twin(r, v, w);
			}
		}
		return RC_OK;
	}
	keys = mem_alloc(map->count * sizeof *keys);
	if (keys == NULL) return r->rc = RC_NO_MEMORY;
	for (v = map->first; v != NULL; v = v->next)
		keys[n++] = v;
	qsort(keys, n, sizeof *keys, by_key);
	for (i = 1; i < n && r->rc == RC_OK; i++) {
		if (strcmp(keys[i - 1]->key, keys[i]->key) == 0) (void)refuse_twin(r, keys[i - 1], keys[i]);
	}
	mem_free(keys);
	return r->rc;
}

static void add_child(struct value *parent, struct value *child)
{
	if (parent->last == NULL)
		parent->first = child;
	else
		parent->last->next = child;
	parent->last = child;
	parent->count++;
}

static const char *read_text(struct reader *r, yyjson_val *from)
{
	const char *text = yyjson_get_str(from);

	if (memchr(text, '\0', yyjson_get_len(from)) != NULL) (void)refuse(r, text);
	return text;
}

static void read_map(struct reader *r, struct value *map, yyjson_val *from)
{
	yyjson_obj_iter it = yyjson_obj_iter_with(from);
	yyjson_val *key;

	while (r->rc == RC_OK && (key = yyjson_obj_iter_next(&it)) != NULL) {
		const char *name = read_text(r, key);
		struct value *child = r->rc == RC_OK ? read_value(r, yyjson_obj_iter_get_val(key)) : NULL;

		if (child == NULL) return;
		child->key = name;
		add_child(map, child);
	}
	if (r->rc == RC_OK) (void)check_keys(r, map);
}

static void read_list(struct reader *r, struct value *list, yyjson_val *from)
{
	yyjson_arr_iter it = yyjson_arr_iter_with(from);
	yyjson_val *item;

	while (r->rc == RC_OK && (item = yyjson_arr_iter_next(&it)) != NULL) {
		struct value *child = read_value(r, item);

		if (child != NULL) add_child(list, child);
	}
}

static void read_number(struct reader *r, struct value *v, yyjson_val *from)
{
	if (yyjson_is_real(from)) {
		v->type = VALUE_REAL;
		v->real = yyjson_get_real(from);
	} else if (yyjson_is_uint(from) && yyjson_get_uint(from) > INT64_MAX) {
		v->type = VALUE_TEXT;
		v->text = arena_printf(r->arena, "%llu", (unsigned long long)yyjson_get_uint(from));
		v->len = strlen(v->text);
	} else {
		v->type = VALUE_INT;
		v->integer = yyjson_get_sint(from);
	}
}

/* The value and what hangs below it; depth is bounded by is_shallow(). NULL and r->rc on failure. */
static struct value *read_value(struct reader *r, yyjson_val *from)
{
	struct value *v = arena_alloc(r->arena, sizeof *v);

	if (v == NULL) {
		r->rc = RC_NO_MEMORY;
		return NULL;
	}
	v->text = "";
	switch (yyjson_get_type(from)) {
	case YYJSON_TYPE_BOOL:
		v->type = VALUE_BOOL;
		v->boolean = yyjson_get_bool(from);
		break;
	case YYJSON_TYPE_NUM: read_number(r, v, from); break;
	case YYJSON_TYPE_RAW: /* a number that fits nowhere; not terminated */
		v->type = VALUE_TEXT;
		v->len = yyjson_get_len(from);
		v->text = arena_bytes(r->arena, yyjson_get_raw(from), v->len);
		break;
	case YYJSON_TYPE_STR:
		v->type = VALUE_TEXT;
		v->text = read_text(r, from);
		v->len = yyjson_get_len(from);
		break;
	case YYJSON_TYPE_ARR:
		v->type = VALUE_LIST;
		read_list(r, v, from);
		break;
	case YYJSON_TYPE_OBJ:
		v->type = VALUE_MAP;
		read_map(r, v, from);
		break;
	default: v->type = VALUE_NULL; break;
	}
	if (arena_failed(r->arena) && r->rc == RC_OK) r->rc = RC_NO_MEMORY;
	return r->rc == RC_OK ? v : NULL;
}

enum rc json_parse(struct arena *a, struct value **out, size_t *at, const char *p, size_t len)
{
	const yyjson_alc alc = { .malloc = alc_malloc, .realloc = alc_realloc, .free = alc_free };
	struct reader r = { .arena = a, .rc = RC_OK };
	yyjson_doc *doc = NULL;
	yyjson_read_err err = { 0 };
	struct value *root;
	char *copy;

	if (len == 0 || !is_shallow(p, len, &r.at)) {
		r.rc = RC_BAD_INPUT;
		goto out;
	}
	copy = len > SIZE_MAX - YYJSON_PADDING_SIZE ? NULL : arena_alloc(a, len + YYJSON_PADDING_SIZE);
	if (copy == NULL) {
		r.rc = RC_NO_MEMORY;
		goto out;
	}
	memcpy(copy, p, len);
	r.text = copy;
	doc = yyjson_read_opts(copy, len, YYJSON_READ_INSITU | YYJSON_READ_BIGNUM_AS_RAW, &alc, &err);
	if (doc == NULL) {
		r.at = err.pos;
		r.rc = err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? RC_NO_MEMORY : RC_BAD_INPUT;
		goto out;
	}
	root = read_value(&r, yyjson_doc_get_root(doc));
	if (r.rc == RC_OK) *out = root;
out:
	yyjson_doc_free(doc);
	if (r.rc != RC_OK && at != NULL) *at = r.at;
	return r.rc;
}

/* The shortest of the two usual precisions that reads back as the same number. */
static void write_real(struct sb *sb, double real)
{
	char digits[32];

	if (!isfinite(real)) {
		sb_lit(sb, "null");
		return;
	}
	snprintf(digits, sizeof digits, "%.15g", real);
	if (memcmp(&(double){ strtod(digits, NULL) }, &real, sizeof real) != 0)
		snprintf(digits, sizeof digits, "%.17g", real);
	sb_text(sb, digits);
	/* Keep it a real for whoever reads it back. */
	if (strcspn(digits, ".en") == strlen(digits)) sb_lit(sb, ".0");
}

static void write_int(struct sb *sb, int64_t n)
{
	bool is_text = n > EXACT_MAX || n < -EXACT_MAX;

	if (is_text) sb_lit(sb, "\"");
	sb_int(sb, n);
	if (is_text) sb_lit(sb, "\"");
}

/* depth: levels above this one. indent < 0: compact. */
static void write_line(struct sb *sb, int indent)
{
	if (indent < 0) return;
	sb_lit(sb, "\n");
	while (indent-- > 0)
		sb_lit(sb, "  ");
}

static void write_value(struct sb *sb, const struct value *v, int depth, bool is_pretty)
{
	const struct value *child;
	bool is_map;

	if (v == NULL || v->type == VALUE_NULL) {
		sb_lit(sb, "null");
		return;
	}
	switch (v->type) {
	case VALUE_BOOL: sb_text(sb, v->boolean ? "true" : "false"); return;
	case VALUE_INT: write_int(sb, v->integer); return;
	case VALUE_REAL: write_real(sb, v->real); return;
	case VALUE_TEXT: sb_json(sb, v->text, v->len); return;
	case VALUE_NULL:
	case VALUE_LIST:
	case VALUE_MAP:
	default: break;
	}
	if (depth >= JSON_DEPTH_MAX) {
		if (sb->rc == RC_OK) sb->rc = RC_TOO_LARGE;
		return;
	}
	is_map = v->type == VALUE_MAP;
	sb_text(sb, is_map ? "{" : "[");
	for (child = v->first; child != NULL; child = child->next) {
		if (child != v->first) sb_lit(sb, ",");
		write_line(sb, is_pretty ? depth + 1 : -1);
		if (is_map) {
			sb_json(sb, child->key, strlen(child->key));
			sb_text(sb, is_pretty ? ": " : ":");
		}
		write_value(sb, child, depth + 1, is_pretty);
	}
	if (v->first != NULL) write_line(sb, is_pretty ? depth : -1);
	sb_text(sb, is_map ? "}" : "]");
}

void json_write(struct sb *sb, const struct value *v)
{
	write_value(sb, v, 0, false);
}

void json_write_pretty(struct sb *sb, const struct value *v)
{
	write_value(sb, v, 0, true);
	sb_lit(sb, "\n");
}
