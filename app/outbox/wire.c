/*
** wire.c -- the thread that holds the outbox's link.
**
** Owns:   one link and one thread; the calls between put and take.
** Needs:  nothing of messages or the database.
** Never:  repeats a call; looks into one beyond its read().
** Holds:  (1) a call put is taken exactly once, unless the wire is stopped before; (2) the lock is held for
**         list moves only, never during a call's read(); (3) the eventfd is written once a poll, not once a
**         call.
*/
#include "outbox/wire.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WIRE_POLL_MS 1000 /* link_wake ends it earlier; this is only how often stopping is looked at */
#define WIRE_ARENA   ((size_t)512 * 1024) /* one parsed answer of at most 64 kB */

struct list {
	struct wire_call *first, **end;
};

struct wire {
	struct env *env;
	struct link *link;
	struct arena *arena;
	pthread_t thread;
	pthread_mutex_t lock; /* of the two lists below */
	struct list in, done;
	struct list answered; /* the wire's own: finished during this poll */
	int fd;
	atomic_bool is_stopping, is_hurried;
};

static void list_clear(struct list *l)
{
	l->first = NULL;
	l->end = &l->first;
}

static void list_add(struct list *to, struct wire_call *first)
{
	*to->end = first;
	while (*to->end != NULL)
		to->end = &(*to->end)->next;
}

static struct wire_call *list_all(struct list *l)
{
	struct wire_call *first = l->first;

	list_clear(l);
	return first;
}

static void finish(struct wire *w, struct wire_call *call, const struct http_answer *answer)
{
	call->read(call, w->arena, answer);
	arena_reset(w->arena);
	call->next = NULL;
	list_add(&w->answered, call);
}

static void answered(void *arg, const struct http_answer *answer)
{
	struct wire_call *call = arg;

	finish(call->wire, call, answer);
}

static void start(struct wire *w, struct wire_call *call)
{
	struct http_answer none;

	call->wire = w;
	if (link_start(w->link, &call->request, answered, call) == RC_OK) {
		if (call->started != NULL) call->started(call);
		return;
	}
	/* The link took nothing, so nothing left. */
	memset(&none, 0, sizeof(none));
	none.end = HTTP_NOT_SENT;
	memcpy(none.error, "no room for another call", sizeof("no room for another call"));
	finish(w, call, &none);
}

static void hand_back(struct wire *w)
{
	struct wire_call *first = list_all(&w->answered);
	uint64_t one = 1;

	if (first == NULL) return;
	pthread_mutex_lock(&w->lock);
	list_add(&w->done, first);
	pthread_mutex_unlock(&w->lock);
	while (write(w->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

static void *run(void *arg)
{
	struct wire *w = arg;

	while (!atomic_load(&w->is_stopping)) {
		struct wire_call *call, *next;

		pthread_mutex_lock(&w->lock);
		call = list_all(&w->in);
		pthread_mutex_unlock(&w->lock);
		for (; call != NULL; call = next) {
			next = call->next;
			start(w, call);
		}
		if (atomic_load(&w->is_hurried)) link_hurry(w->link);
		if (w->answered.first == NULL && link_poll(w->link, WIRE_POLL_MS, -1) != RC_OK)
			log_event(LOG_ERROR, "outbox", "wire.poll", "what=\"the link cannot wait\"");
		hand_back(w);
	}
	return NULL;
}

enum rc wire_start(struct wire **out, struct env *env, int connections)
{
	struct wire *w = mem_zeroed(sizeof(*w));
	enum rc rc;

	if (w == NULL) return RC_NO_MEMORY;
	w->env = env;
	list_clear(&w->in);
	list_clear(&w->done);
	list_clear(&w->answered);
	pthread_mutex_init(&w->lock, NULL);
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->arena = arena_new(WIRE_ARENA);
	rc = w->fd < 0 || w->arena == NULL ? RC_NO_MEMORY : link_new(&w->link, env, connections);
	if (rc == RC_OK && pthread_create(&w->thread, NULL, run, w) != 0) rc = RC_NO_MEMORY;
	if (rc == RC_OK) {
		*out = w;
		return RC_OK;
	}
	link_free(w->link);
	arena_free(w->arena);
	if (w->fd >= 0) close(w->fd);
	pthread_mutex_destroy(&w->lock);
	mem_free(w);
	return rc;
}

void wire_put(struct wire *w, struct wire_call *list)
{
	if (list == NULL) return;
	pthread_mutex_lock(&w->lock);
	list_add(&w->in, list);
	pthread_mutex_unlock(&w->lock);
	link_wake(w->link);
}

struct wire_call *wire_take(struct wire *w)
{
	struct wire_call *first;

	pthread_mutex_lock(&w->lock);
	first = list_all(&w->done);
	pthread_mutex_unlock(&w->lock);
	return first;
}

int wire_fd(const struct wire *w)
{
	return w->fd;
}

void wire_hurry(struct wire *w)
{
	atomic_store(&w->is_hurried, true);
	link_wake(w->link);
}

void wire_stop(struct wire *w)
{
	if (w == NULL) return;
	atomic_store(&w->is_stopping, true);
	link_wake(w->link);
	pthread_join(w->thread, NULL);
	link_free(w->link);
	arena_free(w->arena);
	close(w->fd);
	pthread_mutex_destroy(&w->lock);
	mem_free(w);
}
