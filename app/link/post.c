/*
** post.c -- mails wait for a thread: a queue, and threads that each drive one libcurl handle.
**
**   post_start --> waiting --(a thread takes it)--> carried --> finished --(post_reap)--> done()
**                                                     '--post_free: dropped, done() is not called
**
** Owns:   the threads.
** Needs:  smtp.c for what one mail is.
** Holds:  (1) a mail is in exactly one of: waiting, a thread's hands, finished; (2) a thread without work for
**         MAIL_IDLE_S ends, and its connections with it, so none older is reused; (3) only post_reap() runs
**         callbacks.
*/
#include "link/smtp.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>

#define THREADS_MOST 16  /* relays allow 10 to 20 connections of a client                         */
#define WAITING_MAX  256 /* as in http.c                                                        */

struct list {
	struct mail *first, **end;
	size_t count;
};

struct carrier {
	struct post *post;
	pthread_t thread;
	bool is_there, is_over; /* joinable; and has ended. Under the lock. */
	struct courier courier; /* the thread's own                         */
};

struct post {
	const char *dir; /* of the state */
	void (*wake)(void *);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct list waiting, finished;
	size_t open, idle, threads_max; /* open: started and not reaped */
	atomic_bool is_stopping;
	struct carrier carriers[THREADS_MOST];
};

/* Lists */

static void list_clear(struct list *l)
{
	*l = (struct list){ .end = &l->first };
}

static void list_add(struct list *l, struct mail *m)
{
	m->next = NULL;
	*l->end = m;
	l->end = &m->next;
	l->count++;
}

static struct mail *list_take(struct list *l)
{
	struct mail *m = l->first;

	if (m == NULL) return NULL;
	l->first = m->next;
	if (l->first == NULL) l->end = &l->first;
	l->count--;
	return m;
}

/* The threads */

static struct mail *wait_for_mail(struct post *p)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += MAIL_IDLE_S;
	p->idle++;
	while (p->waiting.first == NULL && !atomic_load(&p->is_stopping))
		if (pthread_cond_timedwait(&p->news, &p->lock, &until) == ETIMEDOUT) break;
	p->idle--;
	return atomic_load(&p->is_stopping) ? NULL : list_take(&p->waiting);
}

/* Work for this thread. Before it ends it says good-bye to its servers, which may take a second; who came
** meanwhile is still served by it. Under the lock. */
static struct mail *next_mail(struct carrier *c)
{
	struct post *p = c->post;
	struct mail *m = wait_for_mail(p);

	if (m != NULL) return m;
	pthread_mutex_unlock(&p->lock);
	courier_rest(&c->courier);
	pthread_mutex_lock(&p->lock);
	return atomic_load(&p->is_stopping) ? NULL : list_take(&p->waiting);
}

static void *run(void *arg)
{
	struct carrier *c = arg;
	struct post *p = c->post;
	struct mail *m;

	pthread_mutex_lock(&p->lock);
	while ((m = next_mail(c)) != NULL) {
		pthread_mutex_unlock(&p->lock);
		courier_carry(&c->courier, m);
		pthread_mutex_lock(&p->lock);
		list_add(&p->finished, m);
		p->wake(p->arg);
	}
	c->is_over = true; /* nothing but the return is left */
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Under the lock. One more thread, where there is room for it. */
static bool hire(struct post *p)
{
	for (size_t i = 0; i < p->threads_max; i++) {
		struct carrier *c = &p->carriers[i];

		if (c->is_there && !c->is_over) continue;
		if (c->is_there) pthread_join(c->thread, NULL);
		c->is_over = false;
		c->post = p;
		c->is_there = pthread_create(&c->thread, NULL, run, c) == 0;
		return c->is_there;
	}
	return false;
}

static bool has_threads(const struct post *p)
{
	for (size_t i = 0; i < p->threads_max; i++)
		if (p->carriers[i].is_there && !p->carriers[i].is_over) return true;
	return false;
}

/* Life */

struct post *post_new(const char *dir, int threads_max, void (*wake)(void *), void *arg)
{
	struct post *p = mem_zeroed(sizeof(*p));
	pthread_condattr_t attributes;

	if (p == NULL) return NULL;
	p->dir = dir;
	p->wake = wake;
	p->arg = arg;
	p->threads_max = threads_max < 1                      ? 1
			 : (size_t)threads_max > THREADS_MOST ? THREADS_MOST
							      : (size_t)threads_max;
	list_clear(&p->waiting);
	list_clear(&p->finished);
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&p->news, &attributes);
	pthread_condattr_destroy(&attributes);
	return p;
}

void post_hurry(struct post *p)
{
	struct mail *m;

	if (p == NULL) return;
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->is_stopping, true);
	while ((m = list_take(&p->waiting)) != NULL) {
		m->answer.end = HTTP_NOT_SENT;
		m->answer.fault = MAIL_FAULT_HURRY;
		list_add(&p->finished, m);
	}
	pthread_cond_broadcast(&p->news);
	pthread_mutex_unlock(&p->lock);
}

void post_free(struct post *p)
{
	struct mail *m;

	if (p == NULL) return;
	post_hurry(p);
	for (size_t i = 0; i < p->threads_max; i++)
		if (p->carriers[i].is_there) pthread_join(p->carriers[i].thread, NULL);
	while ((m = list_take(&p->waiting)) != NULL)
		mail_free(m);
	while ((m = list_take(&p->finished)) != NULL)
		mail_free(m);
	pthread_cond_destroy(&p->news);
	pthread_mutex_destroy(&p->lock);
	mem_free(p);
}

size_t post_open_count(const struct post *p)
{
	return p == NULL ? 0 : p->open; /* changed by the link's own thread only */
}

enum rc post_start(struct post *p, const struct http_request *request, http_done_fn *done, void *arg)
{
	struct mail *m = NULL;
	enum rc rc = mail_take(&m, request, p->dir);

	if (rc != RC_OK) return rc;
	m->done = done;
	m->arg = arg;
	m->is_stopping = &p->is_stopping;
	pthread_mutex_lock(&p->lock);
	if (p->waiting.count >= WAITING_MAX || atomic_load(&p->is_stopping))
		rc = RC_TRY_LATER;
	else if (p->idle <= p->waiting.count && !hire(p) && !has_threads(p))
		rc = RC_NO_MEMORY;
	if (rc == RC_OK) {
		list_add(&p->waiting, m);
		p->open++;
		pthread_cond_signal(&p->news);
	}
	pthread_mutex_unlock(&p->lock);
	if (rc != RC_OK) mail_free(m);
	return rc;
}

size_t post_reap(struct post *p)
{
	struct mail *m;
	size_t count = 0;

	if (p == NULL || p->open == 0) return 0;
	for (;;) {
		pthread_mutex_lock(&p->lock);
		m = list_take(&p->finished);
		if (m != NULL) p->open--;
		pthread_mutex_unlock(&p->lock);
		if (m == NULL) return count;
		if (m->done != NULL) m->done(m->arg, &m->answer);
		mail_free(m);
		count++;
	}
}
