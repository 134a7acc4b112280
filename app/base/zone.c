/*
** zone.c -- time zones out of the embedded zone files.
**
** Owns:   struct zone and the cache of zones.
** Needs:  embed_find("zone/NAME"), TZif of version 2 or later (RFC 8536).
** Never:  reads TZ, /etc/localtime or any file; changes a zone once it is in the cache.
** Holds:  (1) a zone's instants rise strictly, its type indexes are in range, its offsets within ±26 h;
**         (2) the cache only grows, at its head, so readers walk it without a lock;
**         (3) NULL counts as UTC everywhere.
*/
#include "base/zone.h"
#include "base/embed.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define HEADER_SIZE 44
#define CHANGES_MAX 4000           /* the longest file of 2026 has 244 (fat, to 2037)                     */
#define TYPES_MAX   256            /* an index is one byte (RFC 8536 §3.2)                                */
#define CHARS_MAX   1024           /* abbreviations; real files have under 60                             */
#define FOOTER_MAX  100            /* the longest of 2026 has 31 characters                               */
#define OFFSET_MIN  (-89999)       /* RFC 8536 §3.2: more than -25 h …                                 */
#define OFFSET_MAX  93599          /* … and less than 26 h                                             */
#define WINDOW_MS   (27 * HOUR_MS) /* wider than any offset: where a civil time can lie in UTC    */
#define INSTANT_MAX (INT64_C(100000000) * DAY_MS) /* ± 270,000 years: days fit int32_t          */

struct zone {
	struct zone *next; /* in the cache */
	char name[ZONE_NAME_MAX + 1];
	int32_t first_offset_s; /* before the first change */
	bool has_rule;
	struct zone_rule rule; /* after the last change    */
	size_t count;
	int64_t *at_s;     /* changes, rising                */
	int32_t *offset_s; /* from that change on; in the same block as at_s */
};

static _Atomic(struct zone *) zones;
static pthread_mutex_t zones_lock = PTHREAD_MUTEX_INITIALIZER;

/* Reading TZif */

struct counts {
	uint32_t isut, isstd, leap, time, type, chars;
};

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const unsigned char *p)
{
	uint64_t high = be32(p), low = be32(p + 4);

	return (int64_t)(high << 32 | low);
}

static bool read_header(const unsigned char *p, size_t len, struct counts *c)
{
	if (len < HEADER_SIZE || memcmp(p, "TZif", 4) != 0 || p[4] < '2') return false;
	c->isut = be32(p + 20);
	c->isstd = be32(p + 24);
	c->leap = be32(p + 28);
	c->time = be32(p + 32);
	c->type = be32(p + 36);
	c->chars = be32(p + 40);
	return c->isut <= TYPES_MAX && c->isstd <= TYPES_MAX && c->leap <= CHANGES_MAX &&
	       c->time <= CHANGES_MAX && c->type <= TYPES_MAX && c->chars <= CHARS_MAX;
}

static size_t block_size(const struct counts *c, size_t time_size)
{
	return c->time * time_size + c->time + c->type * 6u + c->chars + c->leap * (time_size + 4) +
	       c->isstd + c->isut;
}

static bool read_offset(const unsigned char *types, size_t i, int32_t *out)
{
	uint32_t u = be32(types + i * 6);
	int32_t n;

	memcpy(&n, &u, sizeof(n));
	if (n < OFFSET_MIN || n > OFFSET_MAX) return false;
	*out = n;
	return true;
}

static enum rc read_changes(struct zone *z, const unsigned char *p, const struct counts *c)
{
	const unsigned char *index = p + c->time * 8u, *types = index + c->time;
	size_t i;

	if (!read_offset(types, 0, &z->first_offset_s)) return RC_BAD_INPUT;
	if (c->time == 0) return RC_OK;
	if (!(z->at_s = mem_alloc(c->time * (sizeof(*z->at_s) + sizeof(*z->offset_s))))) return RC_NO_MEMORY;
	z->offset_s = (int32_t *)(void *)(z->at_s + c->time);
	for (i = 0; i < c->time; i++) {
		z->at_s[i] = be64(p + i * 8);
		if (index[i] >= c->type || (i > 0 && z->at_s[i] <= z->at_s[i - 1]) ||
		    !read_offset(types, index[i], &z->offset_s[i]))
			return RC_BAD_INPUT;
	}
	z->count = c->time;
	return RC_OK;
}

/* "\n<TZ string>\n"; an empty one says that the last type holds for ever. */
static enum rc read_footer(struct zone *z, const unsigned char *p, size_t len)
{
	const unsigned char *end;

	if (len < 2 || p[0] != '\n' || !(end = memchr(p + 1, '\n', len - 1)) || end - (p + 1) > FOOTER_MAX)
		return RC_BAD_INPUT;
	if (end == p + 1) return RC_OK;
	z->has_rule = true;
	return zone_rule_parse(&z->rule, (const char *)p + 1, (size_t)(end - (p + 1)));
}

enum rc zone_parse(struct zone **out, const char *name, const void *data, size_t len)
{
	const unsigned char *p = data;
	struct counts old, c;
	struct zone *z = NULL;
	enum rc rc = RC_BAD_INPUT;
	size_t skip;

	if (strlen(name) > ZONE_NAME_MAX || !read_header(p, len, &old)) return RC_BAD_INPUT;
	skip = HEADER_SIZE + block_size(&old, 4); /* the block for readers of 32 bits */
	if (skip > len || !read_header(p + skip, len - skip, &c) || c.type == 0 || c.leap != 0)
		return RC_BAD_INPUT;
	p += skip + HEADER_SIZE;
	len -= skip + HEADER_SIZE;
	if (block_size(&c, 8) > len) return RC_BAD_INPUT;
	if (!(z = mem_zeroed(sizeof(*z)))) return RC_NO_MEMORY;
	memcpy(z->name, name, strlen(name) + 1);
	rc = read_changes(z, p, &c);
	if (rc == RC_OK) rc = read_footer(z, p + block_size(&c, 8), len - block_size(&c, 8));
	if (rc == RC_OK) {
		*out = z;
		z = NULL;
	}
	zone_free(z);
	return rc;
}

void zone_free(struct zone *z)
{
	if (z) mem_free(z->at_s);
	mem_free(z);
}

/* Finding */

static const struct zone *cached(const struct zone *z, const char *name)
{
	while (z && strcmp(z->name, name) != 0)
		z = z->next;
	return z;
}

const struct zone *zone_find(const char *name)
{
	const struct embedded *file;
	const struct zone *found;
	char path[ZONE_NAME_MAX + 8];
	struct zone *z;

	if (!name || !*name || strlen(name) > ZONE_NAME_MAX) return NULL;
	if ((found = cached(atomic_load_explicit(&zones, memory_order_acquire), name))) return found;
	snprintf(path, sizeof(path), "zone/%s", name);
	if (!(file = embed_find(path))) return NULL;
	pthread_mutex_lock(&zones_lock);
	found = cached(atomic_load_explicit(&zones, memory_order_relaxed), name);
	if (!found && zone_parse(&z, name, file->data, file->len) == RC_OK) {
		z->next = atomic_load_explicit(&zones, memory_order_relaxed);
		atomic_store_explicit(&zones, z, memory_order_release);
		found = z;
	}
	pthread_mutex_unlock(&zones_lock);
	return found;
}

void zone_forget(void)
{
	struct zone *z = atomic_exchange(&zones, NULL), *next;

	for (; z; z = next) {
		next = z->next;
		zone_free(z);
	}
}

const char *zone_name(const struct zone *z)
{
	return z ? z->name : "UTC";
}

/* Reckoning */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

/* The offset at a second, and the second when it next changes (INT64_MAX: never). */
static int32_t offset_at(const struct zone *z, int64_t at_s, int64_t *next_s)
{
	size_t lo = 0, hi;

	if (!z) {
		*next_s = INT64_MAX;
		return 0;
	}
	hi = z->count;
	while (lo < hi) { /* lo: the first change after at_s */
		size_t mid = lo + (hi - lo) / 2;

		if (z->at_s[mid] <= at_s)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < z->count) {
		*next_s = z->at_s[lo];
		return lo == 0 ? z->first_offset_s : z->offset_s[lo - 1];
	}
	if (z->has_rule) return zone_rule_offset(&z->rule, at_s, next_s);
	*next_s = INT64_MAX;
	return z->count == 0 ? z->first_offset_s : z->offset_s[z->count - 1];
}

static instant clamp(instant at)
{
	return at > INSTANT_MAX ? INSTANT_MAX : at < -INSTANT_MAX ? -INSTANT_MAX : at;
}

int zone_offset_s(const struct zone *z, instant at)
{
	int64_t next_s;

	return offset_at(z, floor_div(at, SECOND_MS), &next_s);
}

struct civil civil_at(instant at, int offset_s)
{
	int64_t local = clamp(at) + offset_s * SECOND_MS, d = floor_div(local, DAY_MS),
		ms = local - d * DAY_MS;

	return (struct civil){ .day = (day)d,
			       .hour = (int)(ms / HOUR_MS),
			       .minute = (int)(ms / MINUTE_MS % 60),
			       .second = (int)(ms / SECOND_MS % 60),
			       .ms = (int)(ms % SECOND_MS) };
}

struct civil zone_civil(const struct zone *z, instant at)
{
	return civil_at(at, zone_offset_s(z, clamp(at)));
}

day zone_day(const struct zone *z, instant at)
{
	return zone_civil(z, at).day;
}

/*
** The wanted instant is the first one whose civil time is not before c: in a gap that is the first instant
** after it, in a repeated hour the first of the two. So walk the stretches of constant offset around it, in
** order.
*/
instant zone_instant(const struct zone *z, struct civil c)
{
	int64_t local =
		clamp(c.day * DAY_MS + c.hour * HOUR_MS + c.minute * MINUTE_MS + c.second * SECOND_MS + c.ms);
	int64_t from_s = floor_div(local - WINDOW_MS, SECOND_MS), next_s;

	for (;;) {
		int32_t offset_s = offset_at(z, from_s, &next_s);
		int64_t at = local - offset_s * SECOND_MS;

		if (at < from_s * SECOND_MS) at = from_s * SECOND_MS;
		if (next_s > floor_div(local + WINDOW_MS, SECOND_MS) || at < next_s * SECOND_MS) return at;
		from_s = next_s;
	}
}

instant zone_midnight(const struct zone *z, day d)
{
	return zone_instant(z, (struct civil){ .day = d });
}
