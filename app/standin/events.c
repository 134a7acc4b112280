/*
** events.c -- tells the webhook what became of messages, as the provider would: sent, delivered, read.
**
** Owns:   the event thread, its link, the cursors and the list of asked-for posts.
** Needs:  the lock of the stand-in while it looks; none while it posts.
** Never:  posts an event twice or again: the provider promises no retries.
** Holds:  (1) a stage's cursor is the first message that has not had that stage; all messages wait the same
**         time, so due times grow with the cursor; (2) a message is not told delivered before sent, nor read
**         before delivered; (3) without a webhook nothing waits; (4) what fell out of the ring before its
**         turn is counted in events_dropped.
*/
#include "standin/inside.h"

#include "base/mem.h"

#include <string.h>

#define FOREVER       INT64_MAX
#define EVENT_MAX     (80 * 1024) /* the largest asked-for body, and the frame around it      */
#define POST_LIMIT_MS 15000
#define HEADER_MAX    300
#define LOOK_AGAIN_MS 60000 /* an int's worth of sleep is enough */

/* With the lock */

void events_reset(struct standin *s)
{
	while (s->posts != NULL) {
		struct post *p = s->posts;

		s->posts = p->next;
		mem_free(p);
	}
	s->posts_last = &s->posts;
	s->posts_count = 0;
	memset(s->cursor, 0, sizeof(s->cursor));
	s->events_posted = s->events_failed = s->events_dropped = 0;
	s->last_event_status = 0;
}

void events_skip(struct standin *s)
{
	for (int i = 0; i < STAGE__MAX; i++)
		s->cursor[i] = s->message_count;
}

void events_wake(struct standin *s)
{
	if (s->link != NULL) link_wake(s->link);
}

/* Waking costs a system call: only when the thread would sleep past the new event. */
void events_accepted(struct standin *s)
{
	int64_t first = FOREVER;

	if (s->webhook[0] == '\0') return;
	for (int i = 0; i < STAGE__MAX; i++)
		if (s->stage_ms[i] >= 0 && s->stage_ms[i] < first) first = s->stage_ms[i];
	if (first == FOREVER || s->sleeps_until <= clock_ticks() + first) return;
	s->sleeps_until = 0;
	events_wake(s);
}

bool events_post(struct standin *s, const char *body, size_t len, enum signature signature)
{
	struct post *p;

	if (s->posts_count >= POSTS_MAX || len > POSTS_BODY_MAX) return false;
	p = mem_alloc(sizeof(*p) + len);
	if (p == NULL) return false;
	p->next = NULL;
	p->signature = signature;
	p->len = len;
	memcpy(p->body, body, len);
	*s->posts_last = p;
	s->posts_last = &p->next;
	s->posts_count++;
	events_wake(s);
	return true;
}

/* Is there anything to tell about this message at this stage? */
static bool is_told(const struct sent_message *m, enum stage stage)
{
	if (m->what == MAGIC_NO_DATA || m->what == MAGIC_HALF) return false;
	if (m->what == MAGIC_NOT_SENT) return stage == STAGE_SENT;
	if (m->what == MAGIC_LATE_FAIL) return stage != STAGE_READ;
	return true;
}

/* The stage whose next message is due first, STAGE__MAX if there is none; *due is its time. */
static enum stage next_stage(struct standin *s, int64_t *due)
{
	enum stage best = STAGE__MAX;
	int64_t after = s->message_count;

	*due = FOREVER;
	for (enum stage i = 0; i < STAGE__MAX; i++) {
		struct sent_message *m = NULL;

		if (s->stage_ms[i] < 0) s->cursor[i] = s->message_count;
		while (s->cursor[i] < s->message_count) {
			m = standin_message(s, s->message_base + s->cursor[i]);
			if (m != NULL && is_told(m, i)) break;
			if (m == NULL) s->events_dropped++;
			s->cursor[i]++;
			m = NULL;
		}
		if (m != NULL && s->cursor[i] < after && m->ticks + s->stage_ms[i] < *due) {
			*due = m->ticks + s->stage_ms[i];
			best = i;
		}
		if (s->stage_ms[i] >= 0 && s->cursor[i] < after) after = s->cursor[i];
	}
	return best;
}

struct draft {
	struct sb body;
	char url[1000];
	char signature[HEADER_MAX], stamp[HEADER_MAX];
	bool is_signed, has_stamp;
};

/* Take the next event that is due. False: none is; s->sleeps_until says when to look again. */
static bool take_wasender(struct standin *s, struct draft *d)
{
	enum signature signature = SIGN_RIGHT;
	int64_t due;
	enum stage stage;

	if (s->webhook[0] == '\0') {
		s->sleeps_until = FOREVER;
		return false;
	}
	sb_clear(&d->body);
	if (s->posts != NULL) {
		struct post *p = s->posts;

		s->posts = p->next;
		if (s->posts == NULL) s->posts_last = &s->posts;
		s->posts_count--;
		sb_bytes(&d->body, p->body, p->len);
		signature = p->signature;
		mem_free(p);
	} else {
		stage = next_stage(s, &due);
		s->sleeps_until = due;
		if (stage == STAGE__MAX || due > clock_ticks()) return false;
		wasender_event(s, &d->body, s->cursor[stage], stage);
		s->cursor[stage]++;
	}
	d->is_signed = signature != SIGN_MISSING && s->secret[0] != '\0';
	snprintf(d->url, sizeof(d->url), "%s", s->webhook);
	snprintf(d->signature, sizeof(d->signature), "X-Webhook-Signature: %s%s", s->secret,
		 signature == SIGN_WRONG ? "-wrong" : "");
	return true;
}

/* Of either provider. */
static bool take_event(struct standin *s, struct draft *d)
{
	struct sendgrid_draft g = { .body = &d->body };
	int64_t due = FOREVER;

	sb_clear(&d->body);
	d->has_stamp = false;
	if (sendgrid_take(s, &g, &due)) {
		memcpy(d->url, g.url, sizeof(g.url));
		memcpy(d->signature, g.headers[0], sizeof(g.headers[0]));
		memcpy(d->stamp, g.headers[1], sizeof(g.headers[1]));
		d->is_signed = d->has_stamp = g.is_signed;
		return true;
	}
	if (take_wasender(s, d)) return true;
	if (due < s->sleeps_until) s->sleeps_until = due;
	return false;
}

/* The thread */

static void posted(void *arg, const struct http_answer *a)
{
	struct standin *s = arg;
	bool is_fine = a->end == HTTP_DONE && a->status >= 200 && a->status < 300;

	pthread_mutex_lock(&s->lock);
	s->last_event_status = a->status;
	if (is_fine)
		s->events_posted++;
	else
		s->events_failed++;
	pthread_mutex_unlock(&s->lock);
	if (!is_fine) log_event(LOG_WARN, "app", "standin.event", "status=%d end=%d", a->status, (int)a->end);
}

/* Post what is due while there is room; milliseconds until something is. */
static int post_due(struct standin *s, struct draft *d)
{
	int64_t wait;

	while (link_open_count(s->link) < EVENT_CONNECTIONS) {
		struct http_request r = { .purpose = "standin.event",
					  .method = "POST",
					  .headers = { "Content-Type: application/json", NULL },
					  .total_ms = POST_LIMIT_MS,
					  .is_configured = true };
		bool has_event;

		pthread_mutex_lock(&s->lock);
		has_event = !s->is_stopping && take_event(s, d);
		wait = s->sleeps_until;
		pthread_mutex_unlock(&s->lock);
		if (!has_event) {
			if (wait == FOREVER) return -1;
			wait -= clock_ticks();
			return wait < 0 ? 0 : wait > LOOK_AGAIN_MS ? LOOK_AGAIN_MS : (int)wait;
		}
		r.url = d->url;
		r.body = (struct bytes){ .p = sb_text_of(&d->body), .len = d->body.len };
		if (d->is_signed) r.headers[1] = d->signature;
		if (d->is_signed && d->has_stamp) r.headers[2] = d->stamp;
		if (sb_result(&d->body) != RC_OK || link_start(s->link, &r, posted, s) != RC_OK) {
			pthread_mutex_lock(&s->lock);
			s->events_failed++;
			pthread_mutex_unlock(&s->lock);
		}
	}
	return -1; /* an answer makes room */
}

static bool is_stopping(struct standin *s)
{
	bool stops;

	pthread_mutex_lock(&s->lock);
	stops = s->is_stopping;
	pthread_mutex_unlock(&s->lock);
	return stops;
}

static void *post_events(void *arg)
{
	struct standin *s = arg;
	struct draft d;

	sb_init(&d.body, EVENT_MAX);
	while (!is_stopping(s))
		if (link_poll(s->link, post_due(s, &d), -1) != RC_OK) break;
	sb_free(&d.body);
	return NULL;
}

enum rc events_start(struct standin *s)
{
	enum rc rc = link_new(&s->link, s->env, EVENT_CONNECTIONS);

	if (rc != RC_OK) return rc;
	if (pthread_create(&s->poster, NULL, post_events, s) != 0) return RC_NO_MEMORY;
	s->has_poster = true;
	return RC_OK;
}

void events_stop(struct standin *s)
{
	pthread_mutex_lock(&s->lock);
	s->is_stopping = true;
	pthread_mutex_unlock(&s->lock);
	events_wake(s);
	if (s->has_poster) pthread_join(s->poster, NULL);
	link_free(s->link);
	s->link = NULL;
	events_reset(s);
}
