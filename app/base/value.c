/*
** value.c -- the tree of data on its way: building and reading. JSON is in json.c.
**
** Owns:   the inert value that stands for "no memory".
** Needs:  an arena for every new value.
** Never:  returns NULL from a builder; changes the inert value.
** Holds:  (1) a map has each key once: setting again replaces; (2) count is the
**         number of children reachable from first by next; (3) last is the last of them.
*/
#include "base/value.h"
#include <string.h>

/* Handed out when the arena is full; nothing is ever added to it because it is neither list nor map. */
static struct value inert = { .type = VALUE_NULL, .text = "" };

static struct value *value_new(struct arena *a, enum value_type type)
{
	struct value *v = arena_alloc(a, sizeof *v);

	if (v == NULL) return &inert;
	v->type = type;
	v->text = "";
	return v;
}

struct value *value_map(struct arena *a)
{
	return value_new(a, VALUE_MAP);
}

struct value *value_list(struct arena *a)
{
	return value_new(a, VALUE_LIST);
}

struct value *value_text(struct arena *a, const char *text)
{
	struct value *v;
	char *copy;

	if (text == NULL) return value_new(a, VALUE_NULL);
	v = value_new(a, VALUE_TEXT);
	if (v == &inert) return v;
	v->len = strlen(text);
	copy = arena_bytes(a, text, v->len);
	v->len = copy[0] == '\0' ? 0 : v->len; /* "" when the arena is full */
	v->text = copy;
	return v;
}

static void link_last(struct value *parent, struct value *child)
{
	child->next = NULL;
	if (parent->last == NULL)
		parent->first = child;
	else
		parent->last->next = child;
	parent->last = child;
	parent->count++;
}

void value_append(struct value *list, struct value *child)
{
	if (list->type != VALUE_LIST || child == &inert || child == NULL) return;
	child->key = NULL;
	link_last(list, child);
}

/* In a loop of its own: pages ask a million times a second, mostly for a name that differs in a letter. */
static inline bool is_key(const struct value *v, const char *key)
{
	const char *own = v->key;

	if (own == key) return true;
	while (*own == *key && *own != '\0') {
		own++;
		key++;
	}
	return *own == *key;
}

void value_set(struct value *map, const char *key, struct value *child)
{
	struct value **at;

	if (map->type != VALUE_MAP || child == &inert || child == NULL) return;
	child->key = key;
	for (at = &map->first; *at != NULL; at = &(*at)->next) {
		if (!is_key(*at, key)) continue;
		child->next = (*at)->next;
		*at = child;
		if (child->next == NULL) map->last = child;
		return;
	}
	link_last(map, child);
}

struct value *value_add_map(struct arena *a, struct value *list)
{
	struct value *v = value_map(a);

	value_append(list, v);
	return v;
}

struct value *value_add_text(struct arena *a, struct value *list, const char *text)
{
	struct value *v = value_text(a, text);

	value_append(list, v);
	return v;
}

struct value *value_set_map(struct arena *a, struct value *map, const char *key)
{
	struct value *v = value_map(a);

	value_set(map, key, v);
	return v;
}

struct value *value_set_list(struct arena *a, struct value *map, const char *key)
{
	struct value *v = value_list(a);

	value_set(map, key, v);
	return v;
}

void value_set_text(struct arena *a, struct value *map, const char *key, const char *text)
{
	value_set(map, key, value_text(a, text));
}

void value_set_lent(struct arena *a, struct value *map, const char *key, const char *text)
{
	struct value *v = value_new(a, text != NULL ? VALUE_TEXT : VALUE_NULL);

	if (v != &inert && text != NULL) {
		v->text = text;
		v->len = strlen(text);
	}
	value_set(map, key, v);
}

void value_set_int(struct arena *a, struct value *map, const char *key, int64_t n)
{
	struct value *v = value_new(a, VALUE_INT);

	if (v != &inert) v->integer = n;
	value_set(map, key, v);
}

void value_set_bool(struct arena *a, struct value *map, const char *key, bool b)
{
	struct value *v = value_new(a, VALUE_BOOL);

	if (v != &inert) v->boolean = b;
	value_set(map, key, v);
}

void value_set_null(struct arena *a, struct value *map, const char *key)
{
	value_set(map, key, value_new(a, VALUE_NULL));
}

const struct value *value_get(const struct value *map, const char *key)
{
	const struct value *v;

	if (map == NULL || map->type != VALUE_MAP) return NULL;
	for (v = map->first; v != NULL; v = v->next) {
		if (is_key(v, key)) return v;
	}
	return NULL;
}

/* The child a step of a path names: a key of a map or a place in a list. */
static const struct value *value_step(const struct value *v, const char *name, size_t len)
{
	size_t place = 0, i;

	if (v->type == VALUE_MAP) {
		for (v = v->first; v != NULL; v = v->next) {
			if (strncmp(v->key, name, len) == 0 && v->key[len] == '\0') return v;
		}
		return NULL;
	}
	if (v->type != VALUE_LIST || len == 0) return NULL;
	for (i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9' || place > v->count) return NULL;
		place = place * 10 + (size_t)(name[i] - '0');
	}
	for (v = v->first; v != NULL && place > 0; v = v->next)
		place--;
	return v;
}

const struct value *value_path(const struct value *v, const char *path)
{
	while (v != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");

		v = value_step(v, path, len);
		path += len;
		if (*path == '.') path++;
	}
	return v;
}

const char *value_text_of(const struct value *v, const char *otherwise)
{
	return v != NULL && v->type == VALUE_TEXT ? v->text : otherwise;
}

static bool int_of_digits(int64_t *out, const char *p, size_t len)
{
	bool is_negative = len > 0 && p[0] == '-';
	size_t i = is_negative ? 1 : 0;
	int64_t n = 0;

	if (i == len) return false;
	for (; i < len; i++) {
		if (p[i] < '0' || p[i] > '9') return false;
		/* Gathered below zero, because the lowest number has no positive twin. */
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, p[i] - '0', &n))
			return false;
	}
	if (!is_negative && n == INT64_MIN) return false;
	*out = is_negative ? n : -n;
	return true;
}

int64_t value_int_of(const struct value *v, int64_t otherwise)
{
	int64_t n;

	if (v == NULL) return otherwise;
	if (v->type == VALUE_INT) return v->integer;
	if (v->type == VALUE_TEXT && int_of_digits(&n, v->text, v->len)) return n;
	return otherwise;
}

bool value_bool_of(const struct value *v, bool otherwise)
{
	return v != NULL && v->type == VALUE_BOOL ? v->boolean : otherwise;
}

bool value_is_true(const struct value *v)
{
	if (v == NULL) return false;
	switch (v->type) {
	case VALUE_BOOL: return v->boolean;
	case VALUE_INT: return v->integer != 0;
	case VALUE_REAL: return v->real < 0 || v->real > 0;
	case VALUE_TEXT: return v->len > 0;
	case VALUE_LIST: return v->count > 0;
	case VALUE_MAP: return true;
	case VALUE_NULL:
	default: return false;
	}
}
