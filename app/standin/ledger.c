/*
** ledger.c -- what arrived, bounded, and whether any of it arrived twice.
**
** Owns:   a ring of rows and a set of fingerprints.
** Needs:  its caller's lock.
** Never:  forgets to count, whatever else it had to drop.
** Holds:  (1) counters are exact since the last reset; (2) at most LEDGER_ROWS_MAX rows with together at
**         most LEDGER_BYTES_MAX bytes, the newest ones; (3) duplicates counts every arrival after the first
**         of the same (to, body), unless the earlier ones were all refused; it is exact while is_exact.
*/
#include "standin/ledger.h"

#include "base/mem.h"

#include <string.h>

#define MARKS_FIRST 4096u

struct row {
	int64_t seq, id;
	instant at;
	const char *provider, *outcome;
	uint32_t to_len, body_len;
	int status;
	bool is_duplicate;
	char text[]; /* to, NUL, body, NUL */
};

struct ledger {
	struct row **rows; /* ring of LEDGER_ROWS_MAX                                 */
	size_t first, count, bytes;
	uint64_t *marks; /* open addressing, 0 = empty                               */
	size_t marks_size, marks_count;
	bool is_full; /* no more marks                                               */
	int64_t total, duplicates, lost, by_fate[3];
};

struct ledger *ledger_new(void)
{
	struct ledger *l = mem_zeroed(sizeof(*l));

	if (l == NULL) return NULL;
	l->rows = mem_zeroed(LEDGER_ROWS_MAX * sizeof(struct row *));
	if (l->rows == NULL) {
		mem_free(l);
		return NULL;
	}
	return l;
}

static void drop_oldest(struct ledger *l)
{
	struct row *r = l->rows[l->first];

	l->bytes -= sizeof(*r) + r->to_len + r->body_len + 2;
	mem_free(r);
	l->rows[l->first] = NULL;
	l->first = (l->first + 1) % LEDGER_ROWS_MAX;
	l->count--;
}

void ledger_reset(struct ledger *l)
{
	struct row **rows = l->rows;

	while (l->count > 0)
		drop_oldest(l);
	mem_free(l->marks);
	*l = (struct ledger){ .rows = rows };
}

void ledger_free(struct ledger *l)
{
	if (l == NULL) return;
	ledger_reset(l);
	mem_free(l->rows);
	mem_free(l);
}

/* Fingerprints */

/* FNV-1a, then the finisher of MurmurHash3 so that the low bits may pick a place. A million arrivals
** collide by chance once in thirty million runs. */
uint64_t ledger_mark(const char *to, const char *body, size_t body_len)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (const char *p = to; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
	h = (h ^ 0xffu) * UINT64_C(1099511628211);
	for (size_t i = 0; i < body_len; i++)
		h = (h ^ (unsigned char)body[i]) * UINT64_C(1099511628211);
	h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	return h == 0 ? 1 : h;
}

static uint64_t *place_of(uint64_t *marks, size_t size, uint64_t mark)
{
	size_t i = (size_t)mark & (size - 1);

	while (marks[i] != 0 && marks[i] != mark)
		i = (i + 1) & (size - 1);
	return &marks[i];
}

static bool marks_grow(struct ledger *l)
{
	size_t size = l->marks_size == 0 ? MARKS_FIRST : l->marks_size * 2;
	uint64_t *marks = size > LEDGER_MARKS_MAX ? NULL : mem_zeroed(size * sizeof(*marks));

	if (marks == NULL) return false;
	for (size_t i = 0; i < l->marks_size; i++)
		if (l->marks[i] != 0) *place_of(marks, size, l->marks[i]) = l->marks[i];
	mem_free(l->marks);
	l->marks = marks;
	l->marks_size = size;
	return true;
}

/* True when it was there already. */
static bool mark_add(struct ledger *l, uint64_t mark)
{
	uint64_t *place;

	if (l->marks_count >= l->marks_size / 4 * 3 && !l->is_full && !marks_grow(l)) l->is_full = true;
	if (l->marks_size == 0) return false;
	place = place_of(l->marks, l->marks_size, mark);
	if (*place == mark) return true;
	if (l->is_full) return false;
	*place = mark;
	l->marks_count++;
	return false;
}

bool ledger_knows(const struct ledger *l, const char *to, const char *body, size_t body_len)
{
	uint64_t mark = ledger_mark(to, body, body_len);

	return l->marks_size > 0 && *place_of(l->marks, l->marks_size, mark) == mark;
}

/* Rows */

static void row_add(struct ledger *l, const struct arrival *a, bool is_duplicate)
{
	size_t to_len = strlen(a->to),
	       body_len = a->body_len < LEDGER_BODY_MAX ? a->body_len : LEDGER_BODY_MAX;
	size_t size = sizeof(struct row) + to_len + body_len + 2;
	struct row *r = mem_alloc(size);

	if (r == NULL) {
		l->lost++;
		return;
	}
	*r = (struct row){ .seq = l->total,
			   .id = a->id,
			   .at = a->at,
			   .provider = a->provider,
			   .outcome = a->outcome,
			   .to_len = (uint32_t)to_len,
			   .body_len = (uint32_t)body_len,
			   .status = a->status,
			   .is_duplicate = is_duplicate };
	memcpy(r->text, a->to, to_len + 1);
	memcpy(r->text + to_len + 1, a->body, body_len);
	r->text[to_len + 1 + body_len] = '\0';
	while (l->count == LEDGER_ROWS_MAX || (l->count > 0 && l->bytes + size > LEDGER_BYTES_MAX))
		drop_oldest(l);
	l->rows[(l->first + l->count) % LEDGER_ROWS_MAX] = r;
	l->count++;
	l->bytes += size;
}

void ledger_add(struct ledger *l, const struct arrival *a)
{
	bool is_duplicate = false;

	l->total++;
	l->by_fate[a->fate]++;
	if (a->fate == FATE_REFUSED)
		is_duplicate = ledger_knows(l, a->to, a->body, a->body_len);
	else
		is_duplicate = mark_add(l, ledger_mark(a->to, a->body, a->body_len));
	if (is_duplicate) l->duplicates++;
	row_add(l, a, is_duplicate);
}

static void write_row(struct sb *out, const struct row *r)
{
	char at[RFC3339_SIZE];

	instant_text(at, r->at);
	sb_lit(out, "{\"seq\":");
	sb_int(out, r->seq);
	sb_lit(out, ",\"provider\":");
	sb_json(out, r->provider, strlen(r->provider));
	sb_lit(out, ",\"at\":");
	sb_json(out, at, strlen(at));
	sb_lit(out, ",\"id\":");
	if (r->id > 0)
		sb_int(out, r->id);
	else
		sb_lit(out, "null");
	sb_lit(out, ",\"to\":");
	sb_json(out, r->text, r->to_len);
	sb_lit(out, ",\"body\":");
	sb_json(out, r->text + r->to_len + 1, r->body_len);
	sb_lit(out, ",\"status\":");
	sb_int(out, r->status);
	sb_lit(out, ",\"outcome\":");
	sb_json(out, r->outcome, strlen(r->outcome));
	sb_text(out, r->is_duplicate ? ",\"is_duplicate\":true}" : ",\"is_duplicate\":false}");
}

void ledger_write_rows(const struct ledger *l, struct sb *out, const char *to, int64_t since)
{
	bool is_first = true;

	sb_lit(out, "[");
	for (size_t i = 0; i < l->count; i++) {
		const struct row *r = l->rows[(l->first + i) % LEDGER_ROWS_MAX];

		if (r->seq <= since || (to != NULL && strcmp(r->text, to) != 0)) continue;
		sb_text(out, is_first ? "\n" : ",\n");
		is_first = false;
		write_row(out, r);
	}
	sb_lit(out, "]");
}

static void write_count(struct sb *out, const char *name, int64_t n)
{
	sb_json(out, name, strlen(name));
	sb_lit(out, ":");
	sb_int(out, n);
	sb_lit(out, ",");
}

void ledger_write_counts(const struct ledger *l, struct sb *out)
{
	write_count(out, "count", l->total);
	write_count(out, "accepted", l->by_fate[FATE_ACCEPTED]);
	write_count(out, "refused", l->by_fate[FATE_REFUSED]);
	write_count(out, "unknown", l->by_fate[FATE_UNKNOWN]);
	write_count(out, "distinct", (int64_t)l->marks_count);
	write_count(out, "duplicates", l->duplicates);
	write_count(out, "rows", (int64_t)l->count);
	write_count(out, "lost", l->lost);
	sb_text(out, l->is_full ? "\"is_exact\":false" : "\"is_exact\":true");
}
