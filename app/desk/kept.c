/*
** kept.c -- figures that take long to count are counted rarely.
**
** A card of the home page or above a list may have to look at every row of a table: a few milliseconds in a
** small house, a quarter of a second with a hundred thousand customers. What was slow is kept as JSON for a
** hundred times as long as it took, so that counting never takes more than a hundredth of a processor,
** however often people look. What is quick is counted anew each time: in a small house a figure is always the
** present one.
**
** Owns:   the kept figures, for the life of the process.
** Never:  shows one person what was counted for another: the key has who asked and what they may.
** Holds:  (1) at most KEPT_MAX figures of at most KEPT_BYTES_MAX bytes; (2) the lock is never held while
** counting.
*/
#include "desk/inner.h"

#include "base/mem.h"
#include <pthread.h>
#include <string.h>

#define KEPT_MAX       64          /* ten figures for each of half a dozen people at the same time          */
#define KEPT_BYTES_MAX (64 * 1024) /* a card is a few hundred bytes, with a short table a few thousand      */
#define KEPT_FROM_US   5000        /* quicker than this is not worth remembering                            */
#define KEPT_TIMES     100   /* so long as it took, times this …                                      */
#define KEPT_MOST_MS   60000 /* … but no figure is older than a minute                                */

struct kept {
	uint64_t key;
	int64_t until; /* clock_ticks; 0 = free */
	char *json;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept kept[KEPT_MAX];

/* FNV-1a, as elsewhere. Two of sixty-four keys that collide: once in 10^16 houses. */
static uint64_t hash_text(uint64_t h, const char *text)
{
	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return (h ^ 0xffu) * UINT64_C(1099511628211);
}

static uint64_t key_of(const struct cx *cx, const char *name)
{
	const struct actor *a = &cx->actor;
	uint64_t h = hash_text(UINT64_C(14695981039346656037), name);

	h = hash_text(hash_text(h, a->rights), a->name);
	h = (h ^ (uint64_t)a->user_id) * UINT64_C(1099511628211);
	return (h ^ (uint64_t)cx->lang) * UINT64_C(1099511628211);
}

static struct kept *find(uint64_t key)
{
	for (size_t i = 0; i < KEPT_MAX; i++)
		if (kept[i].until != 0 && kept[i].key == key) return &kept[i];
	return NULL;
}

/* A copy of what is kept under this key, NULL when there is nothing fresh. */
static const char *recall(struct cx *cx, uint64_t key)
{
	const struct kept *k;
	const char *json = NULL;

	pthread_mutex_lock(&lock);
	k = find(key);
	if (k != NULL && k->until > clock_ticks()) json = arena_text(cx->arena, k->json);
	pthread_mutex_unlock(&lock);
	return json;
}

static void keep(struct cx *cx, uint64_t key, const struct value *data, int64_t took_us)
{
	int64_t ms = took_us * KEPT_TIMES / 1000;
	struct kept *k;
	struct sb sb;
	char *json;

	sb_init_arena(&sb, cx->arena, KEPT_BYTES_MAX);
	json_write(&sb, data);
	json = sb_result(&sb) == RC_OK ? mem_text(sb_text_of(&sb)) : NULL;
	if (json == NULL) return;
	pthread_mutex_lock(&lock);
	k = find(key);
	for (size_t i = 0; i < KEPT_MAX && k == NULL; i++)
		if (kept[i].until == 0) k = &kept[i];
	if (k == NULL) { /* full: the oldest makes room */
		k = &kept[0];
		for (size_t i = 1; i < KEPT_MAX; i++)
			if (kept[i].until < k->until) k = &kept[i];
	}
	mem_free(k->json);
	*k = (struct kept){ .key = key,
			    .until = clock_ticks() + (ms < KEPT_MOST_MS ? ms : KEPT_MOST_MS),
			    .json = json };
	pthread_mutex_unlock(&lock);
}

static void take_all(struct value *into, struct value *from)
{
	struct value *next;

	for (struct value *v = from->first; v != NULL; v = next) {
		next = v->next;
		v->next = NULL;
		value_set(into, v->key, v);
	}
}

void desk_kept_with(struct cx *cx, struct value *out, const char *name, kept_fill_fn *fill, const void *arg)
{
	uint64_t key = key_of(cx, name);
	const char *json = recall(cx, key);
	struct value *data = NULL;
	int64_t from;

	if (json != NULL && json_parse(cx->arena, &data, NULL, json, strlen(json)) == RC_OK &&
	    data->type == VALUE_MAP) {
		take_all(out, data);
		return;
	}
	data = value_map(cx->arena);
	from = clock_ticks_us();
	fill(cx, data, arg);
	from = clock_ticks_us() - from;
	if (from >= KEPT_FROM_US && !arena_failed(cx->arena)) keep(cx, key, data, from);
	take_all(out, data);
}

struct plain {
	figure_fill_fn *fill;
};

static void fill_plain(struct cx *cx, struct value *out, const void *arg)
{
	((const struct plain *)arg)->fill(cx, out);
}

void desk_kept(struct cx *cx, struct value *out, const char *name, figure_fill_fn *fill)
{
	desk_kept_with(cx, out, name, fill_plain, &(struct plain){ .fill = fill });
}
