/*
** shape.c -- rows with typed column names for programs (JSON) and for people (pages). Design §3.
**
** Never:  asks the database; changes a column whose name promises nothing.
** Holds:  (1) shape_json loses nothing: an instant keeps its milliseconds, money stays an integer beside its
**         currency; (2) shape_page only adds; what is there already under the short name stays.
*/
#include "web/inside.h"
#include "base/money.h"
#include <string.h>

static bool ends_with(const char *key, const char *suffix, size_t *stem)
{
	size_t len = strlen(key), n = strlen(suffix);

	*stem = len > n ? len - n : 0;
	return len > n && strcmp(key + len - n, suffix) == 0;
}

static bool is_flag(const char *key)
{
	return strncmp(key, "is_", 3) == 0 || strncmp(key, "has_", 4) == 0;
}

static void text_instead(struct value *v, const char *text)
{
	v->type = VALUE_TEXT;
	v->text = text;
	v->len = strlen(text);
}

static void instant_for_json(struct cx *cx, struct value *v)
{
	char text[RFC3339_SIZE];

	instant_text(text, v->integer);
	text_instead(v, arena_text(cx->arena, text));
}

/* Parse the text of a _json column and put the value in its place; text that is no JSON stays text. */
static void splice(struct cx *cx, struct value *v, size_t stem)
{
	struct value *inner = NULL;

	if (v->type != VALUE_TEXT || json_parse(cx->arena, &inner, NULL, v->text, v->len) != RC_OK) return;
	struct value *next = v->next;

	*v = *inner;
	v->next = next;
	v->key = NULL; /* set by the caller */
	(void)stem;
}

static void map_for_json(struct cx *cx, struct value *map)
{
	bool has_public = value_get(map, "public_id") != NULL;
	struct value **at = &map->first, *last = NULL;
	size_t stem;

	while (*at != NULL) {
		struct value *v = *at;
		const char *key = v->key;

		if (has_public && strcmp(key, "id") == 0) { /* the inner id is nobody's business */
			*at = v->next;
			map->count--;
			continue;
		}
		if (strcmp(key, "public_id") == 0) {
			v->key = "id";
		} else if (v->type == VALUE_INT && ends_with(key, "_at", &stem)) {
			instant_for_json(cx, v);
		} else if (v->type == VALUE_INT && is_flag(key)) {
			v->type = VALUE_BOOL;
			v->boolean = v->integer != 0;
		} else if (ends_with(key, "_json", &stem)) {
			splice(cx, v, stem);
			v->key = arena_bytes(cx->arena, key, stem);
		} else {
			shape_json(cx, v);
		}
		last = v;
		at = &v->next;
	}
	map->last = last;
}

void shape_json(struct cx *cx, struct value *v)
{
	if (v == NULL) return;
	if (v->type == VALUE_MAP)
		map_for_json(cx, v);
	else if (v->type == VALUE_LIST)
		for (struct value *i = v->first; i != NULL; i = i->next)
			shape_json(cx, i);
}

static const char *currency_of(struct cx *cx, const struct value *map, const char *stem)
{
	const char *own = value_text_of(value_get(map, arena_printf(cx->arena, "%s_currency", stem)), "");

	if (own[0] == '\0') own = value_text_of(value_get(map, "currency"), "");
	if (own[0] == '\0' && cx->env->settings != NULL)
		own = setting_text(cx->env->settings, "business.currency");
	return own;
}

static const char *for_people(struct cx *cx, const struct value *map, const struct value *v, size_t *stem)
{
	char text[RFC3339_SIZE + MONEY_SIZE];
	day d;

	if (ends_with(v->key, "_at", stem)) {
		if (v->type != VALUE_INT) return v->type == VALUE_NULL ? "" : NULL;
		instant_text_local(text, v->integer, cx->env->zone);
		return arena_text(cx->arena, text);
	}
	if (ends_with(v->key, "_on", stem)) {
		if (v->type != VALUE_TEXT || day_parse(&d, v->text) != RC_OK) return "";
		day_text_local(text, d);
		return arena_text(cx->arena, text);
	}
	if (ends_with(v->key, "_cents", stem)) {
		if (v->type != VALUE_INT) return "";
		money_text(text, v->integer, currency_of(cx, map, arena_bytes(cx->arena, v->key, *stem)),
			   cx->lang);
		return arena_text(cx->arena, text);
	}
	return NULL;
}

void shape_page(struct cx *cx, struct value *v)
{
	struct value *end;

	if (v == NULL || (v->type != VALUE_MAP && v->type != VALUE_LIST)) return;
	end = v->last; /* what is added goes behind */
	for (struct value *i = v->first; i != NULL; i = i->next) {
		size_t stem;
		const char *text = v->type == VALUE_MAP ? for_people(cx, v, i, &stem) : NULL;

		if (text != NULL) {
			const char *name = arena_bytes(cx->arena, i->key, stem);

			if (value_get(v, name) == NULL) value_set_text(cx->arena, v, name, text);
		} else {
			shape_page(cx, i);
		}
		if (i == end) break;
	}
}
