/*
** value.h -- one small tree for data on its way: JSON in and out, template
** contexts, rows for pages. Lives in an arena; text is lent or copied there.
*/
#ifndef RECADO_BASE_VALUE_H
#define RECADO_BASE_VALUE_H

#include "base/sb.h"

enum value_type { VALUE_NULL, VALUE_BOOL, VALUE_INT, VALUE_REAL, VALUE_TEXT, VALUE_LIST, VALUE_MAP };

struct value {
	enum value_type type;
	bool boolean;
	int64_t integer;
	double real;
	const char *text; /* NUL-terminated; len for those with NUL inside JSON (refused at parse) */
	size_t len;
	const char *key; /* name in the parent map, else NULL                             */
	struct value *first, *last, *next;
	size_t count; /* children of a list or map                                     */
};

/* Builders never return NULL: when the arena is exhausted they return a shared inert value (adding to it
** does nothing) and the arena is marked. key and literal text are kept by reference, so they must live as
** long as the arena; value_set_text copies its text. */
struct value *value_map(struct arena *a);
struct value *value_list(struct arena *a);
struct value *value_add_map(struct arena *a, struct value *list); /* a new map at the end of a list */
struct value *value_add_text(struct arena *a, struct value *list, const char *text);
void value_set(struct value *map, const char *key, struct value *child);
void value_append(struct value *list, struct value *child);
struct value *value_set_map(struct arena *a, struct value *map, const char *key);
struct value *value_set_list(struct arena *a, struct value *map, const char *key);
void value_set_text(struct arena *a, struct value *map, const char *key, const char *text); /* NULL → null */
/* The same without a copy: the text lives as long as the arena, or for ever. */
void value_set_lent(struct arena *a, struct value *map, const char *key, const char *text);
void value_set_int(struct arena *a, struct value *map, const char *key, int64_t n);
void value_set_bool(struct arena *a, struct value *map, const char *key, bool b);
void value_set_null(struct arena *a, struct value *map, const char *key);
struct value *value_text(struct arena *a, const char *text);

/* Readers are total: NULL or the wrong type yields the default. */
const struct value *value_get(const struct value *map, const char *key); /* NULL if absent */
const struct value *value_path(const struct value *v, const char *path); /* "data.messages.0.key" */
const char *value_text_of(const struct value *v, const char *otherwise); /* text only */
int64_t value_int_of(const struct value *v, int64_t otherwise);          /* integers, and text of digits */
bool value_bool_of(const struct value *v, bool otherwise);
bool value_is_true(const struct value *v); /* Mustache: not null, false, "", empty list; 0 is false too */

/* No provider nests deeper than a dozen; bounds our recursion, reading and writing */
#define JSON_DEPTH_MAX 64

/* JSON (RFC 8259). Refuses (RC_BAD_INPUT) trailing bytes, bad UTF-8, NUL inside text, depth > 64, duplicate
** keys; on failure *at (may be NULL) is the byte offset. RC_NO_MEMORY when the arena is full. Integers
** beyond int64 and reals beyond double become text, digit for digit. The bytes are only read. */
enum rc json_parse(struct arena *a, struct value **out, size_t *at, const char *p, size_t len) MUST_CHECK;
/* Compact; integers beyond 2^53 as text, NULL and not-a-number as null. Deeper than JSON_DEPTH_MAX: RC_BUG
** in sb. */
void json_write(struct sb *sb, const struct value *v);
void json_write_pretty(struct sb *sb, const struct value *v);

#endif
