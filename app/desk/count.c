/*
** count.c -- how many rows a list has: exactly when they are few, else estimated and said so.
**
** Counting a big list exactly would cost more than the page it stands on. Up to DESK_COUNT_MAX it is tried
** for a few milliseconds; what is beyond is estimated from a sample: ids spread evenly over the whole table
** are looked up and asked whether the list means them. The same list gives the same estimate as long as the
** table stays the same. What took long is kept for a while, so that counting never takes more than a small
** part of a processor however often people look; who asks for the number itself gets it counted anew.
**
** Owns:   the kept counts, for the life of the process.
** Never:  passes an estimate off as a count.
** Holds:  (1) below DESK_COUNT_MAX an exact count stays exact; (2) the key of what is kept has the whole
**         question in it, with the row rule and its person; (3) the lock is never held while counting.
*/
#include "desk/inner.h"

#include <pthread.h>
#include <string.h>

/* ids looked up: half of all rows is told to within 5 %, in less than a millisecond */
#define PROBES       512
#define PROBE_HITS   10    /* fewer say nothing but "few": no number is better than a wrong one           */
#define KEPT_MAX     128   /* lists that people look at at the same time                                  */
#define KEPT_FROM_US 300   /* quicker than this is not worth remembering                                  */
#define KEPT_TIMES   400   /* so long as it took, times this …                                            */
#define KEPT_MOST_MS 30000 /* … but no number is older than this                                          */

struct kept_count {
	uint64_t key;
	int64_t until; /* clock_ticks(); 0 = free */
	struct list_count count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept_count kept[KEPT_MAX];

/* FNV-1a, as elsewhere. */
static uint64_t hash_bytes(uint64_t h, const void *p, size_t len)
{
	const unsigned char *c = p;

	for (size_t i = 0; i < len; i++)
		h = (h ^ c[i]) * UINT64_C(1099511628211);
	return (h ^ 0xffu) * UINT64_C(1099511628211);
}

/* The question with its values, but for the clock: a list of this minute is as long as that of the last. */
static uint64_t key_of(const struct cx *cx, const char *sql, const struct statement_text *s, int64_t ms)
{
	uint64_t h = hash_bytes(UINT64_C(14695981039346656037), sql, strlen(sql));

	h = hash_bytes(h, &cx->env->store, sizeof(cx->env->store));
	h = hash_bytes(h, &ms, sizeof(ms));
	for (size_t i = 0; i < s->count; i++) {
		const struct param *p = &s->param[i];

		if (strcmp(p->name, ":now") == 0) continue;
		if (p->type == PARAM_INT)
			h = hash_bytes(h, &p->integer, sizeof(p->integer));
		else if (p->text != NULL)
			h = hash_bytes(h, p->text, strlen(p->text));
	}
	return h;
}

static bool recall(uint64_t key, struct list_count *out)
{
	struct kept_count *k = &kept[key % KEPT_MAX];
	bool is_there;

	pthread_mutex_lock(&lock);
	is_there = k->until != 0 && k->key == key && k->until > clock_ticks();
	if (is_there) *out = k->count;
	pthread_mutex_unlock(&lock);
	return is_there;
}

static void keep(uint64_t key, const struct list_count *count, int64_t took_us)
{
	int64_t ms = took_us * KEPT_TIMES / 1000;
	struct kept_count k = { .key = key, .count = *count };

	k.until = clock_ticks() + (ms < KEPT_MOST_MS ? ms : KEPT_MOST_MS);
	pthread_mutex_lock(&lock);
	kept[key % KEPT_MAX] = k;
	pthread_mutex_unlock(&lock);
}

/* Of a sample two figures are known, of a whole table three. */
static int64_t rounded(int64_t n, bool is_sample)
{
	int64_t most = is_sample ? 100 : 1000, unit = 1;

	while (n / unit >= most)
		unit *= 10;
	return (n + unit / 2) / unit * unit;
}

static enum rc estimate(struct cx *cx, const struct ask *ask, bool is_many, struct list_count *out)
{
	struct statement_text s;
	const char *sql = "";
	int64_t top = 0, hits = 0, n;
	enum rc rc = office_last_id(cx, ask->o, &top);

	if (rc == RC_OK)
		rc = rows_meant(
			cx, ask,
			"WITH RECURSIVE s (k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM s LIMIT :probes)"
			" SELECT count(*)",
			"s CROSS JOIN ", "t.id = 1 + :top * s.k / :probes + (s.k * 7919 & 15)", &s, &sql);
	statement_param(&s, (struct param)P_INT(":probes", PROBES));
	statement_param(&s, (struct param)P_INT(":top", top));
	if (rc == RC_OK) rc = db_get_int(cx, &hits, sql, s.param);
	if (rc != RC_OK) return rc;
	n = rounded(top / PROBES * hits + top % PROBES * hits / PROBES, hits < PROBES);
	if (is_many && n < DESK_COUNT_MAX - 1) n = DESK_COUNT_MAX - 1;
	*out = (struct list_count){ .n = n, .is_estimate = true, .is_known = is_many || hits >= PROBE_HITS };
	return RC_OK;
}

static enum rc count_for(struct cx *cx, const char *sql, const struct statement_text *s, int64_t ms,
			 int64_t *n)
{
	const char *before = cx->message;
	enum rc rc;

	db_limit_ms(cx->db, ms);
	rc = db_get_int(cx, n, sql, s->param);
	db_limit_ms(cx->db, DESK_PAGE_MS);
	if (rc == RC_TRY_LATER) cx->message = before; /* time ran out: no failure of the page */
	return rc;
}

enum rc rows_total(struct cx *cx, const struct ask *ask, int64_t ms, struct list_count *out)
{
	struct statement_text s;
	const char *sql = "";
	int64_t n = 0, from;
	uint64_t key;
	bool may_keep;
	enum rc rc = rows_meant(cx, ask, "SELECT count(*) FROM (SELECT 1", "", "1 LIMIT :limit)", &s, &sql);

	*out = (struct list_count){ .n = 0 };
	if (rc != RC_OK) return rc;
	statement_param(&s, (struct param)P_INT(":limit", DESK_COUNT_MAX));
	key = key_of(cx, sql, &s, ms);
	/* Who asked for a number wants the one of now, also when the machine was slow a moment ago. */
	may_keep = ms < DESK_COUNT_ASKED_MS;
	if (may_keep && recall(key, out)) return RC_OK;
	from = clock_ticks_us();
	rc = count_for(cx, sql, &s, ms, &n);
	if (rc == RC_OK && n < DESK_COUNT_MAX)
		*out = (struct list_count){ .n = n, .is_known = true };
	else if (rc == RC_OK || rc == RC_TRY_LATER)
		rc = estimate(cx, ask, rc == RC_OK, out);
	from = clock_ticks_us() - from;
	if (rc == RC_OK && may_keep && from >= KEPT_FROM_US) keep(key, out, from);
	return rc;
}

/* For people */

#define NARROW_SPACE "\xe2\x80\xaf" /* U+202F: what the RAE wants between thousands, and never a line's end */

const char *number_text(struct cx *cx, int64_t n)
{
	const char *group = cx->lang == LANG_EN ? "," : NARROW_SPACE, *text = "";

	if (n < 0) return arena_printf(cx->arena, "%lld", (long long)n);
	for (; n >= 1000; n /= 1000)
		text = arena_printf(cx->arena, "%s%03lld%s", group, (long long)(n % 1000), text);
	return arena_printf(cx->arena, "%lld%s", (long long)n, text);
}

const char *count_text(struct cx *cx, const struct list_count *count)
{
	const char *n = number_text(cx, count->n);

	return count->is_estimate ? arena_printf(cx->arena, _("about %s"), n) : n;
}
