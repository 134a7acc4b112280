/*
** standin_doppler_report.c -- reports of the stand-in's Doppler Relay and their files
** (contracts/doppler-relay.md §8).
**
** A report has the mails that were taken within its range, as they stand when its file is fetched; or, by
** POST /_standin/doppler {"report": {…}}, something else on purpose.
**
** Owns:   the newest DOPPLER_REPORTS_MAX requests.
** Needs:  the lock held by its caller.
** Never:  keeps a file: it is written into a nameless one for each call, on disk where there is room for one.
** Holds:  a file is fetched without a key, as the provider has it.
*/
#include "standin/standin_doppler.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAD       "Subject,Sender,SenderName,Email,Status,Date,Opens,Clicks\r\n"
#define ANSWER_MAX ((size_t)64 * 1024)
#define PIECE      ((size_t)48 * 1024)
#define PIECE_MAX  ((size_t)64 * 1024)
#define PAGE       "<!DOCTYPE html><html><body>Sign in</body></html>\n"

/* Requests */

static struct doppler_report *find(struct doppler_stand *d, int64_t id)
{
	struct doppler_report *r = &d->reports[(size_t)id % DOPPLER_REPORTS_MAX];

	return id > 0 && r->id == id ? r : NULL;
}

static const char *unknown_field(const struct value *v)
{
	static const char *const known[] = { "start_date", "end_date", "resource", "accountId", NULL };

	for (const struct value *m = v->first; m != NULL; m = m->next) {
		const char *const *w = known;

		while (*w != NULL && strcmp(*w, m->key) != 0)
			w++;
		if (*w == NULL) return m->key;
	}
	return NULL;
}

static bool is_resource(const struct value *v)
{
	static const char *const words[] = { "deliveries", "bounces",      "opens", "clicks",
					     "spam",       "unsubscribed", "sent" };

	if (v == NULL) return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i], value_text_of(v, "")) == 0) return true;
	return false;
}

static void say_created(struct doppler_rq *q, int64_t id)
{
	const char *where = q->d->report_id_in;
	const char *href =
		arena_printf(q->arena, "/reports/reportrequest?reportRequestId=%lld", (long long)id);

	if (strcmp(where, "location") == 0) {
		reply_header(q->rp, "Location", href);
		doppler_say(q, 202, "{\"message\":\"Report requested.\"}");
	} else if (strcmp(where, "link") == 0) {
		doppler_say(
			q, 200,
			arena_printf(
				q->arena,
				"{\"message\":\"Report requested.\",\"_links\":[{\"href\":\"/\",\"rel\":\"home\"},"
				"{\"href\":\"%s\",\"rel\":\"/docs/rels/get-report-request\"}]}",
				href));
	} else {
		doppler_say(q, 201,
			    arena_printf(q->arena,
					 "{\"%s\":%lld,\"message\":\"Report requested.\",\"_links\":[]}",
					 where, (long long)id));
	}
}

static void create(struct doppler_rq *q)
{
	struct doppler_stand *d = q->d;
	struct bytes b = request_body(q->rq);
	struct value *v = NULL;
	struct doppler_report r = { .ready_after = d->report_polls };

	if (json_parse(q->arena, &v, NULL, b.p, b.len) != RC_OK || v->type != VALUE_MAP ||
	    (d->is_strict && unknown_field(v) != NULL) || !is_resource(value_get(v, "resource"))) {
		doppler_problem_say(q, 400, 1, "validation-error", "Validation error",
				    "[{\"key\":\"\",\"detail\":\"unknown field or resource\"}]");
		return;
	}
	if (instant_parse(&r.from, value_text_of(value_get(v, "start_date"), "")) != RC_OK ||
	    instant_parse(&r.until, value_text_of(value_get(v, "end_date"), "")) != RC_OK ||
	    r.from >= r.until || r.until > clock_now(q->s->clock) + MINUTE_MS) {
		doppler_problem_say(q, 400, 2, "invalid-date-interval", "Invalid date interval", NULL);
		return;
	}
	r.id = ++d->report_count;
	d->reports[(size_t)r.id % DOPPLER_REPORTS_MAX] = r;
	say_created(q, r.id);
}

static bool is_ready(const struct doppler_report *r)
{
	return r->ready_after >= 0 && r->polls >= r->ready_after;
}

/* The address under which this client reaches us; elsewhere: by another name of the same machine. */
static const char *host_of(struct doppler_rq *q)
{
	const char *host = request_header(q->rq, "Host"), *colon;

	if (host == NULL) return "127.0.0.1";
	colon = strrchr(host, ':');
	return q->d->report_elsewhere ? arena_join(q->arena, "localhost", colon != NULL ? colon : "", NULL)
				      : host;
}

static void put_record(struct doppler_rq *q, struct sb *b, const struct doppler_report *r, bool is_done)
{
	char from[RFC3339_SIZE], until[RFC3339_SIZE];

	instant_text(from, r->from);
	instant_text(until, r->until);
	sb_printf(
		b,
		"{\"id\":%lld,\"name\":\"report-%lld\",\"start_date\":\"%s\",\"end_date\":\"%s\",\"processed\":%s",
		(long long)r->id, (long long)r->id, from, until, is_done ? "true" : "false");
	if (is_done && q->d->report_mode != REPORT_NO_FILE)
		sb_printf(b, ",\"file_path\":\"http://%s/doppler-files/%lld.csv\"", host_of(q),
			  (long long)r->id);
	sb_lit(b, "}");
}

static void all(struct doppler_rq *q)
{
	struct sb b;
	bool is_any = false;

	sb_init_arena(&b, q->arena, ANSWER_MAX);
	sb_lit(&b, "{\"items\":[");
	for (int64_t id = q->d->report_count; id > 0 && id > q->d->report_count - DOPPLER_REPORTS_MAX; id--) {
		const struct doppler_report *r = find(q->d, id);

		if (r == NULL) continue;
		if (is_any) sb_lit(&b, ",");
		put_record(q, &b, r, is_ready(r));
		is_any = true;
	}
	sb_lit(&b, "],\"_links\":[]}");
	doppler_say(q, 200, sb_text_of(&b));
}

/* Files */

struct out {
	struct sb b;
	int fd;
	int64_t size;
	bool is_cp1252, has_failed;
};

/* Where the disk has a place without a name; else memory, for as long as the answer takes. */
static int spare_file(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : memfd_create("report", MFD_CLOEXEC);
}

/* UTF-8 of Latin letters as Windows-1252, the rest as question marks. In place. */
static size_t to_cp1252(char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)p[i], d = i + 1 < len ? (unsigned char)p[i + 1] : 0;

		if (c < 0x80) {
			p[n++] = (char)c;
		} else if (c == 0xc2 || c == 0xc3) {
			p[n++] = (char)((c & 3) << 6 | (d & 0x3f));
			i++;
		} else if (c >= 0xc0) {
			p[n++] = '?';
		}
	}
	return n;
}

static void flush(struct out *o)
{
	size_t len = o->is_cp1252 && o->b.p != NULL ? to_cp1252(o->b.p, o->b.len) : o->b.len;

	for (size_t at = 0; at < len;) {
		ssize_t n = write(o->fd, o->b.p + at, len - at);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) {
			o->has_failed = true;
			break;
		}
		at += (size_t)n;
		o->size += n;
	}
	sb_clear(&o->b);
}

static void put_field(struct out *o, const char *p, size_t len, char end)
{
	sb_csv(&o->b, p, len, ',', false);
	sb_char(&o->b, end);
}

static void put_line(struct out *o, const struct sent_view *v)
{
	char at[RFC3339_SIZE], status[16];

	instant_text(at, v->at); /* 2026-11-22T09:00:00… */
	at[10] = ' ';
	snprintf(status, sizeof(status), "%s", v->status);
	if (status[0] >= 'a' && status[0] <= 'z') status[0] = (char)(status[0] - 'a' + 'A');
	put_field(o, v->letter->subject, strlen(v->letter->subject), ',');
	put_field(o, v->letter->from, strlen(v->letter->from), ',');
	put_field(o, v->letter->from_name, strlen(v->letter->from_name), ',');
	put_field(o, v->address, v->address_len, ',');
	put_field(o, status, strlen(status), ',');
	put_field(o, at, 19, ',');
	sb_int(&o->b, v->opens);
	sb_char(&o->b, ',');
	sb_int(&o->b, v->clicks);
	sb_lit(&o->b, "\r\n");
	if (o->b.len > PIECE) flush(o);
}

/* Made-up lines, one a second from the range's beginning: addresses customer0000001@example.org … */
static void put_made_up(struct out *o, const struct doppler_report *r, int64_t lines)
{
	static const struct doppler_letter letter = { .subject = "Boletín de \"prueba\", noviembre",
						      .from = "avisos@example.com",
						      .from_name = "Empresa Ejemplo" };
	static const char *const statuses[] = { "sent",    "sent", "sent",     "sent",
						"invalid", "sent", "rejected", "sent" };
	int64_t span = (r->until - r->from) / SECOND_MS;

	for (int64_t i = 0; i < lines && !o->has_failed; i++) {
		char address[64];
		int n = snprintf(address, sizeof(address), "customer%07lld@example.org", (long long)i);
		struct sent_view v = { .address = address,
				       .address_len = (size_t)n,
				       .letter = &letter,
				       .at = r->from + (span > 0 ? i % span : 0) * SECOND_MS,
				       .status = statuses[i % 8],
				       .bounce = "",
				       .opens = i % 3 == 0 ? 1 : 0,
				       .clicks = i % 9 == 0 ? 1 : 0 };

		put_line(o, &v);
	}
}

static void put_sent(struct doppler_rq *q, struct out *o, const struct doppler_report *r)
{
	instant now = clock_now(q->s->clock);

	for (int64_t i = sent_memory_first(q->d->sent); i < sent_memory_end(q->d->sent) && !o->has_failed;
	     i++) {
		struct sent_view v;

		sent_memory_at(q->d, &v, i, now);
		if (v.at >= r->from && v.at < r->until) put_line(o, &v);
	}
}

static void say_file(struct doppler_rq *q, const struct doppler_report *r)
{
	struct out o = { .fd = spare_file(), .is_cp1252 = q->d->report_cp1252 };

	if (o.fd < 0) {
		doppler_problem_say(q, 500, 0, "unexpected", "Unexpected error", NULL);
		return;
	}
	sb_init(&o.b, PIECE_MAX);
	if (q->d->report_bom) sb_lit(&o.b, "\xef\xbb\xbf");
	if (q->d->report_bom) flush(&o);
	sb_lit(&o.b, HEAD);
	if (q->d->report_lines >= 0)
		put_made_up(&o, r, q->d->report_lines);
	else if (q->d->report_mode != REPORT_EMPTY)
		put_sent(q, &o, r);
	flush(&o);
	sb_free(&o.b);
	if (o.has_failed) {
		close(o.fd);
		doppler_problem_say(q, 500, 0, "unexpected", "Unexpected error", NULL);
		return;
	}
	reply_file(q->rp, "text/csv", o.fd, o.size);
}

void doppler_file_handle(struct doppler_rq *q)
{
	const char *name = request_path(q->rq) + sizeof("/doppler-files/") - 1;
	char *end = NULL;
	const struct doppler_report *r = find(q->d, strtoll(name, &end, 10));

	if (request_header(q->rq, "Authorization") != NULL) {
		/* The real host of the files is somebody else's: a key must never get there. */
		doppler_problem_say(q, 400, 1, "validation-error", "The key must not be sent here", NULL);
	} else if (r == NULL || strcmp(end, ".csv") != 0 || !is_ready(r)) {
		reply_status(q->rp, 404);
		reply_body(q->rp, "text/html", PAGE, sizeof(PAGE) - 1);
	} else if (q->d->report_mode == REPORT_HTML) {
		reply_body(q->rp, "text/html", PAGE, sizeof(PAGE) - 1);
	} else {
		say_file(q, r);
	}
}

/* Looks */

static void poll(struct doppler_rq *q)
{
	const char *text = request_query(q->rq, "reportRequestId");
	const char *format = request_query(q->rq, "format");
	struct doppler_report *r = find(q->d, text != NULL ? strtoll(text, NULL, 10) : 0);
	bool is_csv = format != NULL && strcmp(format, "csv") == 0, is_done;
	struct sb b;

	if (r == NULL) {
		doppler_problem_say(q, 404, 1, "entity-not-found", "Report not found", NULL);
		return;
	}
	is_done = is_ready(r);
	if (!is_done) {
		r->polls++;
		/* Both ways of saying so: without a body, and with one. */
		if (r->polls % 2 == 1) {
			reply_status(q->rp, 202);
			return;
		}
	} else if (is_csv || q->d->report_mode == REPORT_DIRECT) {
		say_file(q, r);
		return;
	}
	sb_init_arena(&b, q->arena, ANSWER_MAX);
	put_record(q, &b, r, is_done);
	doppler_say(q, 200, sb_text_of(&b));
}

bool doppler_reports_handle(struct doppler_rq *q)
{
	const char *path = request_path(q->rq);

	if (strcmp(path, "/reports/reportrequests") == 0 && q->is_get) {
		all(q);
		return true;
	}
	if (strcmp(path, "/reports/reportrequest") != 0) return false;
	if (q->is_post)
		create(q);
	else if (q->is_get)
		poll(q);
	return q->is_post || q->is_get;
}
