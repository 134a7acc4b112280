/*
** office.h -- two made-up resources in a database of their own, for the tests of desk: people with
** owners, and their pets. Everything a module can declare is declared once.
*/
#ifndef RECADO_TESTS_DESK_OFFICE_H
#define RECADO_TESTS_DESK_OFFICE_H

#include "state.h"
#include "desk/inner.h"

#define NOON INT64_C(1795366800000) /* 2026-11-22 12:00 in Guayaquil */

extern const struct resource office_resources[];

struct shop {
	struct state state;
	struct arena *forever;
};

/* The action "greet" counts a visit, refuses ids that end in 7, and fails as a full disk would after so many
** rows (-1: never). */
extern int greet_fails_after;
/* Another resource for the next shop_open(), with the SQL of its table; NULL = none. */
extern const struct resource *shop_more;
extern const char *const *shop_more_sql;

void shop_open(struct shop *s);
void shop_close(struct shop *s);
/* The actor of what follows: an owner sees all, a seller his own, a reader writes nothing. */
void shop_as(struct shop *s, const char *role, int64_t user_id);

struct pair {
	const char *name, *value;
};
/* Save a person from name/value pairs ended by a NULL name; *id 0 = new. */
enum rc shop_save(struct shop *s, const char *resource, int64_t *id, const struct pair *pairs);
#define SAVE(s, resource, id, ...) \
	shop_save((s), (resource), (id), (const struct pair[]){ __VA_ARGS__, { NULL, NULL } })
/* The sentence at a field after a refusal, "" if none. Forgets nothing. */
const char *shop_error(struct shop *s, const char *field);
/* Forget sentences and arena between two steps. */
void shop_next(struct shop *s);
/* Names of the rows of a list request, "Ana Ríos|Beto Paz"; page of `limit`; next and previous may be
** NULL. */
const char *shop_list(struct shop *s, const char *resource, const struct pair *query, const char **next,
		      const char **previous);
#define LIST(s, resource, ...)                                                                            \
	shop_list((s), (resource), (const struct pair[]){ { "-", NULL }, ##__VA_ARGS__, { NULL, NULL } }, \
		  NULL, NULL)

#endif
