/*
** router.c -- finds the row of a request.
**
** Owns:   an index over the rows: number of segments and first segment.
** Never:  looks at headers, people or bodies.
** Holds:  (1) of two rows that fit, the one with a literal at the first difference wins; (2) HEAD finds GET's
** row;
**         (3) a row without a fitting method still names the methods there are.
*/
#include "web/router.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sb.h"
#include <stdlib.h>
#include <string.h>

#define BUCKETS    512 /* more than first segments times depths: a look-up is one or two comparisons */
#define API_PREFIX "/api/v1"

struct segment {
	const char *p;
	size_t len;
};

struct entry {
	const struct route *route;
	struct entry *next; /* of the bucket */
	size_t count;
	struct segment segments[ROUTE_SEGMENTS_MAX];
};

struct router {
	size_t count;
	struct entry *buckets[BUCKETS];
	struct entry entries[];
};

static size_t split(struct segment out[ROUTE_SEGMENTS_MAX], const char *path, size_t len)
{
	const char *end = path + len;
	size_t n = 0;

	while (path < end) {
		const char *stop;

		path++; /* the slash */
		if (path == end) break;
		stop = memchr(path, '/', (size_t)(end - path));
		if (stop == NULL) stop = end;
		if (n == ROUTE_SEGMENTS_MAX) return ROUTE_SEGMENTS_MAX + 1;
		out[n++] = (struct segment){ path, (size_t)(stop - path) };
		path = stop;
	}
	return n;
}

static size_t bucket_of(const struct segment *first, size_t count)
{
	uint32_t h = 2166136261u + (uint32_t)count; /* FNV-1a */

	for (size_t i = 0; i < first->len; i++)
		h = (h ^ (unsigned char)first->p[i]) * 16777619u;
	return h % BUCKETS;
}

static const struct segment any_first = { ":", 1 };

static size_t bucket_of_entry(const struct entry *e)
{
	const struct segment *first = e->count > 0 ? &e->segments[0] : &any_first;

	return bucket_of(first->len > 0 && first->p[0] == ':' ? &any_first : first, e->count);
}

enum rc router_new(struct router **out, const struct route *const *lists)
{
	struct router *r;
	size_t n = 0;

	for (const struct route *const *l = lists; *l != NULL; l++)
		for (const struct route *row = *l; row->method != NULL; row++)
			n++;
	r = n > ROUTES_MAX ? NULL : mem_zeroed(sizeof *r + n * sizeof *r->entries);
	if (r == NULL) return n > ROUTES_MAX ? RC_BUG : RC_NO_MEMORY;
	for (const struct route *const *l = lists; *l != NULL; l++)
		for (const struct route *row = *l; row->method != NULL; row++) {
			struct entry *e = &r->entries[r->count++];
			struct entry **at;

			e->route = row;
			e->count = split(e->segments, row->path, strlen(row->path));
			if (row->path[0] != '/' || e->count > ROUTE_SEGMENTS_MAX || row->handle == NULL) {
				log_event(LOG_ERROR, "app", "web.bug", "what=route path=%s", row->path);
				router_free(r);
				return RC_BUG;
			}
			for (at = &r->buckets[bucket_of_entry(e)]; *at != NULL; at = &(*at)->next)
				continue;
			*at = e; /* in the order of the tables */
		}
	*out = r;
	return RC_OK;
}

void router_free(struct router *r)
{
	mem_free(r);
}

const struct route *router_at(const struct router *r, size_t i)
{
	return i < r->count ? r->entries[i].route : NULL;
}

static bool segments_fit(const struct entry *e, const struct segment *path, size_t count)
{
	if (e->count != count) return false;
	for (size_t i = 0; i < count; i++) {
		const struct segment *s = &e->segments[i];

		if (s->p[0] == ':' ? path[i].len == 0
				   : s->len != path[i].len || memcmp(s->p, path[i].p, s->len) != 0)
			return false;
	}
	return true;
}

/* A row for GET serves HEAD too. */
static bool method_fits(const struct route *row, const char *method)
{
	return strcmp(row->method, "*") == 0 || strcmp(row->method, method) == 0 ||
	       (strcmp(row->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* Both fit the path: is a's first literal before b's? */
static bool is_nearer(const struct entry *a, const struct entry *b)
{
	for (size_t i = 0; i < a->count; i++) {
		bool a_literal = a->segments[i].p[0] != ':', b_literal = b->segments[i].p[0] != ':';

		if (a_literal != b_literal) return a_literal;
	}
	return false;
}

struct search {
	const struct segment *path;
	size_t count;
	const char *method;
	bool is_staff_only, is_api;
	const struct entry *best; /* fits path and method */
	struct sb *allow;
	bool has_path;
};

static void look(struct search *s, const struct entry *e)
{
	for (; e != NULL; e = e->next) {
		if (!segments_fit(e, s->path, s->count) ||
		    (s->is_staff_only && e->route->realm != REALM_STAFF) ||
		    (s->is_api ? e->route->no_api : e->route->is_api_only))
			continue;
		s->has_path = true;
		if (method_fits(e->route, s->method)) {
			if (s->best == NULL || is_nearer(e, s->best)) s->best = e;
			continue;
		}
		if (strstr(sb_text_of(s->allow), e->route->method) != NULL)
			continue; /* two rows fit the path */
		if (s->allow->len > 0) sb_lit(s->allow, ", ");
		sb_text(s->allow, e->route->method);
		if (strcmp(e->route->method, "GET") == 0) sb_lit(s->allow, ", HEAD");
	}
}

/* One way of reading the path. True when the path exists (whether or not by this method). */
static bool match_as(const struct router *r, struct match *out, struct arena *a, const char *method,
		     const char *path, size_t len, enum shape shape, bool is_staff_only)
{
	struct segment segments[ROUTE_SEGMENTS_MAX];
	struct sb allow;
	struct search s = {
		.path = segments, .method = method, .is_staff_only = is_staff_only, .allow = &allow
	};

	s.is_api = shape == SHAPE_JSON;
	sb_init_arena(&allow, a, 256);
	while (len > 1 && path[len - 1] == '/')
		len--;
	s.count = split(segments, path, len);
	if (s.count > ROUTE_SEGMENTS_MAX) return false;
	look(&s, r->buckets[bucket_of(s.count > 0 ? &segments[0] : &any_first, s.count)]);
	if (s.count > 0) look(&s, r->buckets[bucket_of(&any_first, s.count)]);
	if (!s.has_path) return false;
	*out = (struct match){ .shape = shape,
			       .path = arena_bytes(a, path, len),
			       .allow = sb_text_of(&allow) };
	if (out->path[0] == '\0') out->path = "/";
	if (s.best == NULL) return true;
	out->route = s.best->route;
	for (size_t i = 0; i < s.count && out->param_count < ROUTE_PARAMS_MAX; i++) {
		const struct segment *name = &s.best->segments[i];

		if (name->p[0] != ':') continue;
		out->params[out->param_count].name = arena_bytes(a, name->p + 1, name->len - 1);
		out->params[out->param_count++].value = arena_bytes(a, segments[i].p, segments[i].len);
	}
	return true;
}

static bool ends_with(const char *path, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && memcmp(path + len - n, suffix, n) == 0;
}

void router_match(const struct router *r, struct match *out, struct arena *a, const char *method,
		  const char *path)
{
	size_t len = strlen(path), prefix = strlen(API_PREFIX);
	bool is_api = strncmp(path, API_PREFIX, prefix) == 0 && (path[prefix] == '/' || path[prefix] == '\0');

	if (match_as(r, out, a, method, path, len, is_api ? SHAPE_JSON : SHAPE_PAGE, false)) return;
	if (is_api && match_as(r, out, a, method, path + prefix, len - prefix, SHAPE_JSON, true)) return;
	if (ends_with(path, len, ".csv") && match_as(r, out, a, method, path, len - 4, SHAPE_CSV, true))
		return;
	if (ends_with(path, len, ".xlsx") && match_as(r, out, a, method, path, len - 5, SHAPE_XLSX, true))
		return;
	*out = (struct match){ .shape = is_api ? SHAPE_JSON : SHAPE_PAGE,
			       .path = arena_text(a, path),
			       .allow = "" };
}
