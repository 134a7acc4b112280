/*
** match.c -- rows of a report find the rows of a send: what became of each mail (spec §13.7).
**
** A report has no message id, so a delivery is a row's when address and subject are the same and it came
** after the row left: nearest in time first, one to one. Deliveries are read once from reports.db and matched
** in memory; what was found is written in slices. Rows of other sends with the same subject and the same
** people stand beside ours meanwhile, so that nobody takes a delivery that is theirs.
**
** Owns:   the table bulk_result.
** Holds:  (1) memory: some 70 bytes a row of the send, whatever the report's size; (2) a delivery goes to at
**         most one row and a row has at most one, also of two sends; (3) a cut leaves some rows told anew and
**         others as before: matching again ends the same; (4) a row found once is never lost by a later
**         report that does not have it; (5) however many rows one address has, a delivery looks at LOOKS_MAX
**         of them.
*/
#include "base/mem.h"
#include "outbox/ledger.h"
#include "sends/bulk.h"
#include "sends/figures.h"
#include "sends/report_inner.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* the provider's clock may be behind ours: spec §9.6 looks as far back */
#define EARLY_MS (5 * MINUTE_MS)
/* rows of one address a delivery looks at, nearest first: a test send to oneself ends in seconds too */
#define LOOKS_MAX  4096
#define OTHERS_MAX 100 /* sends with this subject around these days */
/* rows a transaction, each with its message: some tens of milliseconds */
#define SLICE       400
#define SLICE_MS    50 /* or fewer where the disk is slow: half of what a transaction may last */
#define STATUS_MAX  24 /* kinds of status kept by name; the provider has six                  */
#define STATUS_SIZE 40
#define SLICE_ARENA (4 * 1024 * 1024)

struct entry {
	uint64_t hash;
	int64_t recipient_id; /* 0: a row of another send                                      */
	int64_t message_id, left_at;
	int64_t row, at; /* the delivery: its row of reports.db, when; row 0 = none found */
	uint32_t opens, clicks;
	uint8_t status;
	bool is_sent; /* the message's state was `sent` */
};

struct matching {
	struct cx *cx;
	int64_t bulk_id;
	struct entry *entries; /* by hash, left_at while deliveries come                 */
	uint64_t *known;       /* a bit for what a hash of ours may end in: most are not */
	size_t count, room, mask, own;
	char status[STATUS_MAX][STATUS_SIZE];
	size_t statuses;
	const char *subject; /* "" = any: it has variables alone or nobody knows it */
	instant from, until;
};

/* The send's rows */

static uint64_t hash_of(const char *p, size_t len)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)tolower((unsigned char)p[i])) * UINT64_C(1099511628211);
	return h ^ h >> 31;
}

static bool may_be_known(const struct matching *m, uint64_t hash)
{
	return (m->known[(hash & m->mask) / 64] >> (hash & 63) & 1) != 0;
}

static enum rc keep_entry(struct matching *m, const struct query *q, bool is_own)
{
	struct bytes address = query_bytes(q, 1);
	uint64_t hash = hash_of(address.p, address.len);

	if (!is_own && !may_be_known(m, hash)) return RC_OK;
	if (m->count == m->room) {
		size_t room = m->room == 0 ? 4096 : m->room * 2;
		struct entry *grown = mem_realloc(m->entries, room * sizeof(*grown));

		if (grown == NULL) return RC_NO_MEMORY;
		m->entries = grown;
		m->room = room;
	}
	m->entries[m->count++] = (struct entry){ .hash = hash,
						 .recipient_id = is_own ? query_int(q, 0) : 0,
						 .message_id = query_int(q, 2),
						 .left_at = query_int(q, 3),
						 .is_sent = query_int(q, 4) != 0 };
	return RC_OK;
}

static enum rc read_entries(struct matching *m, int64_t bulk_id, bool is_own)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		m->cx, &q,
		"SELECT r.id, coalesce(r.normalized, r.recipient), coalesce(n.id, m.id),"
		" coalesce(m.sent_at, m.claimed_at), coalesce(n.state, m.state) = 'sent'"
		" FROM bulk_recipient r CROSS JOIN message m ON m.occasion = 'bulk_recipient:' || r.id"
		" LEFT JOIN message n ON n.occasion = 'bulk_recipient:' || r.id || ':again'"
		" WHERE r.bulk_id = :bulk AND r.import_version = (SELECT import_version FROM bulk_send WHERE id = :bulk)"
		" AND r.error_code = '' AND coalesce(m.sent_at, m.claimed_at) IS NOT NULL",
		PARAMS(P_INT(":bulk", bulk_id)));

	while (rc == RC_OK && query_next(q))
		rc = keep_entry(m, q, is_own);
	return query_end(q, rc);
}

static enum rc know_entries(struct matching *m)
{
	m->own = m->count;
	for (m->mask = 64; m->mask < m->count * 8;)
		m->mask *= 2;
	m->known = mem_zeroed(m->mask / 8);
	if (m->known == NULL) return RC_NO_MEMORY;
	m->mask--;
	for (size_t i = 0; i < m->count; i++)
		m->known[(m->entries[i].hash & m->mask) / 64] |= UINT64_C(1) << (m->entries[i].hash & 63);
	return RC_OK;
}

static int by_hash(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
	return x->left_at < y->left_at ? -1 : x->left_at > y->left_at;
}

static int by_recipient(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->recipient_id < y->recipient_id ? -1 : x->recipient_id > y->recipient_id;
}

/* Subjects */

/* The end of a tag; of a section's, that of the last one: whether its words are there the row's values
** say. */
static const char *end_of_tag(const char *tag)
{
	const char *last = tag;

	if (tag[2] == '#' || tag[2] == '^')
		for (const char *at = strstr(tag, "{{/"); at != NULL; at = strstr(at + 3, "{{/"))
			last = at;
	return strstr(last, "}}");
}

/* The template's literal parts must stand in the subject in their order; {{…}} is anything. */
static bool subject_fits(const char *pattern, const char *p, size_t len)
{
	const char *end = p + len;
	bool is_first = true;

	if (pattern[0] == '\0') return true;
	while (*pattern != '\0') {
		const char *tag = strstr(pattern, "{{"), *close = tag != NULL ? end_of_tag(tag) : NULL;
		size_t part = close != NULL ? (size_t)(tag - pattern) : strlen(pattern);
		const char *found = part == 0 ? p : memmem(p, (size_t)(end - p), pattern, part);

		if (found == NULL || (is_first && found != p)) return false;
		if (close == NULL) {
			/* What follows the last tag ends the subject. */
			if ((size_t)(end - p) < part) return false;
			return memcmp(end - part, pattern, part) == 0 &&
			       (!is_first || (size_t)(end - p) == part);
		}
		p = found + part;
		pattern = close + (close[2] == '}' ? 3 : 2);
		is_first = false;
	}
	return true;
}

/* Deliveries */

/* By the provider's own letters, so that whoever counts need not fold case. */
static const char *known_status(const char *text)
{
	static const char *const known[] = { "Sent", "Rejected", "Invalid", "Dropped", "Queued", "Retrying" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(known[i], text) == 0) return known[i];
	return text;
}

static uint8_t status_of(struct matching *m, const char *text)
{
	text = known_status(text);
	for (size_t i = 0; i < m->statuses; i++)
		if (strcmp(m->status[i], text) == 0) return (uint8_t)i;
	if (m->statuses == STATUS_MAX) return STATUS_MAX - 1;
	snprintf(m->status[m->statuses], STATUS_SIZE, "%s", text);
	return (uint8_t)m->statuses++;
}

static int64_t away(const struct entry *e, int64_t at)
{
	return at > e->left_at ? at - e->left_at : e->left_at - at;
}

static uint32_t small(int64_t n)
{
	return n < 0 ? 0 : n > INT32_MAX ? INT32_MAX : (uint32_t)n;
}

/* The first entry of this address that left then or later. */
static size_t lower_bound(const struct matching *m, uint64_t hash, int64_t at)
{
	size_t first = 0, count = m->count;

	while (count > 0) {
		size_t half = count / 2;
		const struct entry *e = &m->entries[first + half];

		if (e->hash < hash || (e->hash == hash && e->left_at < at)) {
			first += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return first;
}

/* The nearest row of this address that has no delivery, or one further away. */
static struct entry *nearest(const struct matching *m, const struct entry *found, int *looks)
{
	size_t right = lower_bound(m, found->hash, found->at), left = right;

	while (++*looks <= LOOKS_MAX) {
		struct entry *before = left > 0 ? &m->entries[left - 1] : NULL,
			     *after = right < m->count ? &m->entries[right] : NULL, *e;

		if (before != NULL && before->hash != found->hash) before = NULL;
		if (after != NULL && (after->hash != found->hash || found->at < after->left_at - EARLY_MS))
			after = NULL;
		if (before == NULL && after == NULL) return NULL;
		if (after == NULL || (before != NULL && away(before, found->at) <= away(after, found->at))) {
			e = before;
			left--;
		} else {
			e = after;
			right++;
		}
		if (e->row == 0 || away(e, e->at) > away(e, found->at)) return e;
	}
	return NULL;
}

/* Who is pushed out looks on. */
static void place(struct matching *m, struct entry found)
{
	int looks = 0;

	while (found.row != 0) {
		struct entry *best = nearest(m, &found, &looks), pushed;

		if (best == NULL) return;
		pushed = *best;
		best->row = found.row;
		best->at = found.at;
		best->opens = found.opens;
		best->clicks = found.clicks;
		best->status = found.status;
		found = pushed;
	}
}

static enum rc read_deliveries(struct matching *m, const char *first, const char *last)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		m->cx, &q,
		"SELECT r.id, r.email, r.date_at, r.subject, r.status, r.opens, r.clicks FROM report_day d"
		" CROSS JOIN reports_deliveries_rows r ON r.id >= d.first_id AND r.id < d.first_id + 2147483648"
		" WHERE d.report_on BETWEEN :first AND :last AND r.date_at >= :from",
		PARAMS(P_TEXT(":first", first), P_TEXT(":last", last), P_INT(":from", m->from)));

	while (rc == RC_OK && query_next(q)) {
		struct bytes email = query_bytes(q, 1), subject;
		uint64_t hash = hash_of(email.p, email.len);

		if (!may_be_known(m, hash)) continue;
		subject = query_bytes(q, 3);
		if (!subject_fits(m->subject, subject.p, subject.len)) continue;
		place(m, (struct entry){ .hash = hash,
					 .row = query_int(q, 0),
					 .at = query_int(q, 2),
					 .status = status_of(m, query_text(q, 4)),
					 .opens = small(query_int(q, 5)),
					 .clicks = small(query_int(q, 6)) });
	}
	return query_end(q, rc);
}

/* Writing */

static enum rc write_one(struct matching *m, const struct entry *e)
{
	const char *status = m->status[e->status];
	enum rc rc = db_run(
		m->cx,
		"INSERT INTO bulk_result (recipient_id, bulk_id, delivery_status, bounce_type, opens, clicks, domain,"
		" matched_at, reported_at) SELECT id, bulk_id, :status, '', :opens, :clicks,"
		" lower(substr(coalesce(normalized, recipient), instr(coalesce(normalized, recipient), '@') + 1)), :now, :at"
		" FROM bulk_recipient WHERE id = :id ON CONFLICT (bulk_id, recipient_id) DO UPDATE SET"
		" delivery_status = excluded.delivery_status, opens = excluded.opens, clicks = excluded.clicks,"
		" domain = excluded.domain, matched_at = excluded.matched_at, reported_at = excluded.reported_at",
		PARAMS(P_TEXT(":status", status), P_INT(":opens", e->opens), P_INT(":clicks", e->clicks),
		       P_INT(":now", cx_now(m->cx)), P_INT(":at", e->at), P_INT(":id", e->recipient_id)));

	if (rc != RC_OK || !e->is_sent) return rc;
	if (strcmp(status, "Sent") == 0)
		return ledger_word(m->cx, e->message_id, STATUS_DELIVERED, "check", NULL);
	if (strcmp(status, "Rejected") == 0 || strcmp(status, "Invalid") == 0)
		return ledger_word(m->cx, e->message_id, STATUS_ERROR, "check", NULL);
	return RC_OK;
}

static enum rc write_all(struct matching *m, int64_t *matched)
{
	struct cx *cx = m->cx;
	struct arena *own = cx->arena, *slice = arena_new(SLICE_ARENA);
	enum rc rc = slice != NULL ? RC_OK : RC_NO_MEMORY;
	size_t i = 0;

	*matched = 0;
	cx->arena = slice != NULL ? slice : own;
	while (rc == RC_OK && i < m->count) {
		int64_t from = clock_ticks();
		size_t written = 0;

		if (cx->env->is_stopping) {
			rc = RC_TRY_LATER;
			break;
		}
		rc = tx_begin(cx);
		for (; rc == RC_OK && i < m->count && written < SLICE && clock_ticks() - from < SLICE_MS;
		     i++) {
			if (m->entries[i].row == 0 || m->entries[i].recipient_id == 0) continue;
			rc = write_one(m, &m->entries[i]);
			written++;
		}
		rc = tx_end(cx, rc);
		*matched += (int64_t)written;
		arena_reset(slice);
	}
	cx->arena = own;
	arena_free(slice);
	return rc;
}

static const char *subject_of(struct cx *cx, const struct value *bulk)
{
	const char *own = value_text_of(value_get(bulk, "subject"), "");

	if (own[0] != '\0') return own;
	own = value_text_of(value_get(bulk, "template_subject"), "");
	return arena_text(cx->arena, own);
}

#define WITH_SUBJECT                                                                           \
	"SELECT b.id, b.subject, b.sent_started_at, coalesce((SELECT p.subject FROM"           \
	" provider_template p WHERE p.channel = b.channel AND p.provider_id = b.template_id)," \
	" (SELECT l.subject FROM letter l WHERE l.batch_id = b.batch_id), '') AS template_subject FROM bulk_send b"

/* Sends of these days with the same subject: their rows to our people. */
static enum rc read_others(struct matching *m)
{
	struct value *list = NULL;
	enum rc rc =
		db_rows(m->cx, &list, OTHERS_MAX,
			WITH_SUBJECT
			" WHERE b.id <> :id AND b.sent_finished_at >= :from AND b.sent_started_at <= :until"
			" AND b.channel = 'doppler' ORDER BY b.sent_finished_at LIMIT :max",
			PARAMS(P_INT(":id", m->bulk_id), P_INT(":from", m->from - DAY_MS),
			       P_INT(":until", m->until), P_INT(":max", OTHERS_MAX)));

	for (const struct value *b = rc == RC_OK ? list->first : NULL; b != NULL && rc == RC_OK; b = b->next)
		if (strcmp(subject_of(m->cx, b), m->subject) == 0)
			rc = read_entries(m, value_int_of(value_get(b, "id"), 0), false);
	return rc;
}

static enum rc find_deliveries(struct matching *m, const struct value *days)
{
	struct db *reports = NULL, *house;
	enum rc rc = know_entries(m);
	day last = 0;

	if (rc == RC_OK) rc = day_parse(&last, days->last->text);
	m->until = zone_midnight(m->cx->env->zone, last + 1);
	if (rc == RC_OK) rc = read_others(m);
	if (rc == RC_OK) rc = reports_db_open(m->cx, &reports);
	if (rc == RC_OK) {
		qsort(m->entries, m->count, sizeof(*m->entries), by_hash);
		house = cx_swap_db(m->cx, reports);
		rc = read_deliveries(m, days->first->text, days->last->text);
		cx_swap_db(m->cx, house);
		/* Neighbours of the file are neighbours in the tables: fewer pages a slice. */
		qsort(m->entries, m->count, sizeof(*m->entries), by_recipient);
	}
	db_close(reports);
	return rc;
}

enum rc report_match(struct cx *cx, int64_t *matched, int64_t bulk_id)
{
	struct matching *m = arena_alloc(cx->arena, sizeof(*m));
	struct value *bulk = NULL, *days = NULL;
	int64_t began = clock_ticks();
	enum rc rc = m != NULL ? RC_OK : RC_NO_MEMORY;

	*matched = 0;
	if (rc == RC_OK)
		rc = db_row(cx, &bulk, WITH_SUBJECT " WHERE b.id = :id", PARAMS(P_INT(":id", bulk_id)));
	if (rc == RC_OK) rc = report_days_of_bulk(cx, &days, bulk_id);
	if (rc != RC_OK || days->first == NULL) return rc;
	*m = (struct matching){ .cx = cx, .bulk_id = bulk_id, .subject = subject_of(cx, bulk) };
	m->from = value_int_of(value_get(bulk, "sent_started_at"), 0) - EARLY_MS;
	rc = read_entries(m, bulk_id, true);
	if (rc == RC_OK && m->count > 0) rc = find_deliveries(m, days);
	if (rc == RC_OK) rc = write_all(m, matched);
	log_event(LOG_INFO, "app", "report.match", "bulk=%lld rows=%zu matched=%lld ms=%lld",
		  (long long)bulk_id, m->own, (long long)*matched, (long long)(clock_ticks() - began));
	mem_free(m->entries);
	mem_free(m->known);
	return rc == RC_OK && *matched > 0 ? figures_count(cx, bulk_id) : rc;
}
