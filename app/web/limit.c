/*
** limit.c -- a bucket of calls for each token, user or address, kept as one number.
**
** Owns:   the table: SETS sets of WAYS buckets.
** Never:  takes memory after limit_new(); looks at a clock.
** Holds:  (1) a bucket is the instant at which it will be full again (the generic cell rate algorithm, ITU-T
**         I.371 annex A: a leaky bucket without a timer), so one that is full says nothing and may be
**         forgotten; (2) a call that is refused costs nothing; (3) the time of one call does not depend on
**         how many ask.
*/
#include "web/limit.h"
#include "base/mem.h"
#include <pthread.h>
#include <string.h>

#define SETS      1024 /* with the ways: 8,192 who ask within the same minute, 128 KiB */
#define WAYS      8
#define MINUTE_US INT64_C(60000000)
#define SECOND_US INT64_C(1000000)

struct bucket {
	uint64_t who; /* 0: nobody */
	int64_t full_at;
};

struct limit {
	pthread_mutex_t lock;
	struct bucket buckets[SETS][WAYS];
};

struct limit *limit_new(void)
{
	struct limit *l = mem_zeroed(sizeof *l);

	if (l != NULL) pthread_mutex_init(&l->lock, NULL);
	return l;
}

void limit_free(struct limit *l)
{
	if (l == NULL) return;
	pthread_mutex_destroy(&l->lock);
	mem_free(l);
}

static uint64_t hash_of(const char *who)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *who != '\0'; who++)
		h = (h ^ (unsigned char)*who) * UINT64_C(1099511628211);
	h ^= h >> 29; /* the low bits choose the set */
	return h != 0 ? h : 1;
}

/* The bucket of who, or the one to give up for him: an empty place, else the nearest to full. */
static struct bucket *bucket_of(struct limit *l, uint64_t who)
{
	struct bucket *set = l->buckets[who % SETS], *least = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].who == who) return &set[i];
		if (set[i].full_at < least->full_at) least = &set[i];
	}
	*least = (struct bucket){ .who = who };
	return least;
}

static int64_t seconds_up(int64_t us)
{
	return us <= 0 ? 0 : (us + SECOND_US - 1) / SECOND_US;
}

bool limit_take(struct limit *l, const char *who, struct limit_rate rate, int64_t now_us,
		struct limit_left *left)
{
	int64_t burst = rate.burst > 0 ? rate.burst : 1, one, full_at, wait;
	struct bucket *b;

	*left = (struct limit_left){ .remaining = burst };
	if (rate.per_minute <= 0) return true;
	one = MINUTE_US / rate.per_minute; /* how long one call takes to come back */
	if (one == 0) one = 1;
	pthread_mutex_lock(&l->lock);
	b = bucket_of(l, hash_of(who));
	full_at = b->full_at > now_us ? b->full_at : now_us;
	wait = full_at + one - (now_us + burst * one);
	if (wait <= 0) b->full_at = full_at += one;
	pthread_mutex_unlock(&l->lock);
	left->remaining = (now_us + burst * one - full_at) / one;
	left->reset_s = seconds_up(full_at - now_us);
	left->retry_s = seconds_up(wait);
	return wait <= 0;
}
