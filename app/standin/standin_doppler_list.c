/*
** standin_doppler_list.c -- deliveries and statistics of the stand-in's Doppler Relay, out of what it took
** (contracts/doppler-relay.md §7).
**
** Owns:   nothing.
** Needs:  the lock held by its caller.
** Holds:  a mail is in the range that holds the instant it was taken; `to` is not in it (contract §1).
*/
#include "standin/standin_doppler.h"

#include <string.h>
#include <strings.h>

#define ANSWER_MAX   ((size_t)2 * 1024 * 1024)
#define PAGE_USUAL   20
#define PAGE_LEAST   5
#define PAGE_MOST    200
#define FILTER_LEAST 3
#define PERIODS_MAX  200 /* of statistics: one page */

struct range {
	instant from, until;
};

static bool read_range(struct doppler_rq *q, struct range *r)
{
	const char *from = request_query(q->rq, "from"), *to = request_query(q->rq, "to");

	if (from != NULL && to != NULL && instant_parse(&r->from, from) == RC_OK &&
	    instant_parse(&r->until, to) == RC_OK && r->from < r->until)
		return true;
	doppler_problem_say(q, 400, 2, "invalid-date-interval", "Invalid date interval", NULL);
	return false;
}

static bool holds(const char *p, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++)
		if (strncasecmp(p + i, word, n) == 0) return true;
	return false;
}

static bool is_wanted(const struct sent_view *v, const struct range *r, const char *filter)
{
	if (v->at < r->from || v->at >= r->until) return false;
	return filter == NULL || holds(v->address, v->address_len, filter) ||
	       holds(v->letter->subject, strlen(v->letter->subject), filter) ||
	       holds(v->letter->from, strlen(v->letter->from), filter);
}

static void put(struct sb *b, const char *name, const char *p, size_t len)
{
	sb_text(b, name);
	sb_json(b, p, len);
}

static void put_delivery(struct sb *b, const struct sent_view *v)
{
	char at[RFC3339_SIZE];

	instant_text(at, v->at);
	put(b, "{\"subject\":", v->letter->subject, strlen(v->letter->subject));
	put(b, ",\"senderAddress\":", v->letter->from, strlen(v->letter->from));
	put(b, ",\"recipientAddress\":", v->address, v->address_len);
	put(b, ",\"date\":", at, strlen(at));
	put(b, ",\"status\":", v->status, strlen(v->status));
	if (v->bounce[0] != '\0') put(b, ",\"bounceType\":", v->bounce, strlen(v->bounce));
	sb_printf(b, ",\"opens\":%d,\"clicks\":%d}", v->opens, v->clicks);
}

static void put_end(struct doppler_rq *q, struct sb *b, int64_t total, int64_t page, int64_t per_page)
{
	int64_t pages = (total + per_page - 1) / per_page;
	const char *raw = request_query_raw(q->rq);

	sb_printf(
		b,
		"],\"pageSize\":%lld,\"itemsCount\":%lld,\"currentPage\":%lld,\"pagesCount\":%lld,\"_links\":[",
		(long long)per_page, (long long)total, (long long)page, (long long)pages);
	if (page < pages) {
		/* The same question again; of two pages the first one counts. */
		const char *href = arena_printf(q->arena, "/accounts/%.40s/deliveries?page=%lld&%s",
						q->account, (long long)page + 1, raw);

		put(b, "{\"href\":", href, strlen(href));
		sb_lit(b, ",\"rel\":\"next\"}");
	}
	sb_lit(b, "]}");
}

static void deliveries(struct doppler_rq *q)
{
	const char *filter = request_query(q->rq, "filter");
	int64_t page, per_page, total = 0;
	instant now = clock_now(q->s->clock);
	struct range r;
	struct sb b;

	if (!doppler_query_int(q, "page", 1, 1, 1000000, &page) ||
	    !doppler_query_int(q, "per_page", PAGE_USUAL, PAGE_LEAST, PAGE_MOST, &per_page) ||
	    !read_range(q, &r))
		return;
	if (filter != NULL && *filter == '\0') filter = NULL;
	if (filter != NULL && strlen(filter) < FILTER_LEAST) {
		doppler_problem_say(q, 400, 1, "validation-error", "Validation error", NULL);
		return;
	}
	sb_init_arena(&b, q->arena, ANSWER_MAX);
	sb_lit(&b, "{\"items\":[");
	for (int64_t i = sent_memory_first(q->d->sent); i < sent_memory_end(q->d->sent); i++) {
		struct sent_view v;

		sent_memory_at(q->d, &v, i, now);
		if (!is_wanted(&v, &r, filter)) continue;
		total++;
		if (total <= (page - 1) * per_page || total > page * per_page) continue;
		if (total > (page - 1) * per_page + 1) sb_lit(&b, ",");
		put_delivery(&b, &v);
	}
	put_end(q, &b, total, page, per_page);
	doppler_say(q, 200, sb_text_of(&b));
}

/* Statistics */

struct tally {
	int64_t total, sent, hard, soft, dropped, opened, clicked, opens, clicks;
};

static void count(struct tally *t, const struct sent_view *v)
{
	t->total++;
	t->sent += strcmp(v->status, "sent") == 0;
	t->hard += strcmp(v->bounce, "hard") == 0;
	t->soft += strcmp(v->bounce, "soft") == 0;
	t->dropped += strcmp(v->status, "dropped") == 0;
	t->opened += v->opens > 0;
	t->clicked += v->clicks > 0;
	t->opens += v->opens;
	t->clicks += v->clicks;
}

static void put_tally(struct sb *b, const struct tally *t, instant from, instant until, bool is_events)
{
	char begin[RFC3339_SIZE], end[RFC3339_SIZE];

	instant_text(begin, from);
	instant_text(end, until);
	sb_printf(b, "{\"from\":\"%s\",\"to\":\"%s\",\"hours\":%lld", begin, end,
		  (long long)((until - from) / HOUR_MS));
	if (is_events)
		sb_printf(b, ",\"opens\":%lld,\"openings\":%lld,\"clicks\":%lld}", (long long)t->opened,
			  (long long)t->opens, (long long)t->clicks);
	else
		sb_printf(
			b,
			",\"total\":%lld,\"sent\":%lld,\"hard_bounced\":%lld,\"soft_bounced\":%lld,\"dropped\":%lld,"
			"\"opened\":%lld,\"clicked\":%lld}",
			(long long)t->total, (long long)t->sent, (long long)t->hard, (long long)t->soft,
			(long long)t->dropped, (long long)t->opened, (long long)t->clicked);
}

static void statistics(struct doppler_rq *q, bool is_events, instant step)
{
	struct tally *slots = arena_array(q->arena, PERIODS_MAX, sizeof(*slots));
	instant now = clock_now(q->s->clock), base;
	struct range r;
	struct sb b;
	bool is_any = false;

	if (!read_range(q, &r)) return;
	base = r.from / step * step;
	if (slots == NULL || (r.until - base) / step >= PERIODS_MAX) {
		doppler_problem_say(q, 400, 2, "invalid-date-interval", "Invalid date interval", NULL);
		return;
	}
	for (int64_t i = sent_memory_first(q->d->sent); i < sent_memory_end(q->d->sent); i++) {
		struct sent_view v;

		sent_memory_at(q->d, &v, i, now);
		if (is_wanted(&v, &r, NULL)) count(&slots[(v.at - base) / step], &v);
	}
	sb_init_arena(&b, q->arena, ANSWER_MAX);
	sb_lit(&b, "{\"items\":[");
	for (int64_t i = 0; base + i * step < r.until; i++) {
		if (slots[i].total == 0) continue;
		if (is_any) sb_lit(&b, ",");
		put_tally(&b, &slots[i], base + i * step, base + (i + 1) * step, is_events);
		is_any = true;
	}
	sb_lit(&b, "],\"_links\":[]}");
	doppler_say(q, 200, sb_text_of(&b));
}

bool doppler_lists_handle(struct doppler_rq *q)
{
	static const struct {
		const char *path;
		bool is_events;
		instant step;
	} rows[] = { { "/statistics/deliveries/by_hour", false, HOUR_MS },
		     { "/statistics/deliveries/by_day", false, DAY_MS },
		     { "/statistics/events/by_hour", true, HOUR_MS },
		     { "/statistics/events/by_day", true, DAY_MS } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(q->rest, rows[i].path) == 0) {
			statistics(q, rows[i].is_events, rows[i].step);
			return true;
		}
	if (strcmp(q->rest, "/domains") == 0) {
		doppler_say(
			q, 200,
			"{\"items\":[{\"name\":\"example.com\",\"dkim_ready\":true,\"spf_ready\":true}],\"_links\":[]}");
		return true;
	}
	if (strcmp(q->rest, "/deliveries") != 0) return false;
	deliveries(q);
	return true;
}
