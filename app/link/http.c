/*
** http.c -- the loop of a link: starts transfers, waits for the network, hands answers back.
**
**   link_start --> waiting --(room among connections_max)--> running --(curl is done)--> done() --> resting
**                                                               '--link_free: dropped, done() is not called
**
** Owns:   one curl multi handle, its epoll set, the list of transfers.
** Needs:  transfer.h for what one request is; line.c for messages, which ride lines of their own; outcome.c
**         says how it ended.
** Never:  sends anything twice; runs a callback outside link_poll(); blocks on a resolver that does not
**         answer.
** Holds:  (1) a transfer is in exactly one of the lists resting, waiting, running, or in finish(); (2) its
**         time limits count from the moment it runs; (3) only link_wake() is called from other threads.
*/
#include "link/http.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/line.h"
#include "link/smtp.h"
#include "link/transfer.h"

#include <errno.h>
#include <psa/crypto.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CONNECTIONS_MOST 256 /* a buffer of 16 kB each way: 8 MB of the 48 we may use        */
#define WAITING_MAX      256 /* who starts more than this without polling has lost count     */
#define EVENTS_AT_ONCE   64  /* a round of the outbox has 32 slots; more wait a turn         */
#define RESTING_MAX      64  /* transfers kept for reuse, about 20 kB with their easy handle */

struct list {
	struct transfer *first, *last;
	size_t count;
};

struct link {
	struct env *env;
	CURLM *multi;
	int epoll_fd, wake_fd, extra_fd;
	int64_t timer_at; /* clock_ticks when curl wants to be called; -1 = not          */
	size_t connections_max;
	struct list resting, waiting, running;
	struct watches watches;
	struct post *post;   /* from the first mail on */
	struct lines *lines; /* from the first message on */
};

/* ---- lists *
** -------------------------------------------------------------------------------------------------------- */

static void list_append(struct list *l, struct transfer *t)
{
	t->prev = l->last;
	t->next = NULL;
	if (l->last != NULL)
		l->last->next = t;
	else
		l->first = t;
	l->last = t;
	l->count++;
}

static void list_remove(struct list *l, struct transfer *t)
{
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		l->first = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	else
		l->last = t->prev;
	t->prev = t->next = NULL;
	l->count--;
}

static struct transfer *list_take(struct list *l)
{
	struct transfer *t = l->first;

	if (t != NULL) list_remove(l, t);
	return t;
}

/* What curl wants watched */

#define IN_SET (WATCH_IN | WATCH_OUT)

/* Without memory for it a descriptor is only not ours: one more system call each time. */
void watches_opened(struct watches *w, int fd)
{
	size_t n = (size_t)fd, size = w->size == 0 ? 64 : w->size;

	while (size <= n)
		size *= 2;
	if (size > w->size) {
		unsigned char *bigger = mem_realloc(w->of, size);

		if (bigger == NULL) return;
		memset(bigger + w->size, 0, size - w->size);
		w->of = bigger;
		w->size = size;
	}
	w->of[n] = WATCH_OURS;
}

/* The kernel takes it out of the epoll set by itself. */
void watches_closed(struct watches *w, int fd)
{
	if ((size_t)fd < w->size) w->of[fd] = 0;
}

static void watch(struct link *l, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u64 = (uint64_t)fd };

	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, fd, &ev) == 0 || errno != ENOENT) return;
	(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

/* Of a descriptor that link opened, an epoll entry is kept when curl lets go of it: the next request on
** that connection wants the same again. If something happens to it meanwhile, take_event() puts it out. */
static void watch_ours(struct link *l, int fd, unsigned char *bits, unsigned wanted)
{
	unsigned present = *bits & IN_SET;

	if (wanted == 0) {
		if (present != 0) *bits |= WATCH_IDLE;
		return;
	}
	*bits = (unsigned char)(WATCH_OURS | wanted);
	if (present != wanted)
		watch(l, fd, (wanted & WATCH_IN ? EPOLLIN : 0u) | (wanted & WATCH_OUT ? EPOLLOUT : 0u));
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct link *l = arg;
	unsigned wanted = 0;

	(void)easy, (void)known;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) wanted |= WATCH_IN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) wanted |= WATCH_OUT;
	if ((size_t)fd < l->watches.size && (l->watches.of[fd] & WATCH_OURS))
		watch_ours(l, fd, &l->watches.of[fd], wanted);
	else if (wanted != 0)
		watch(l, fd, (wanted & WATCH_IN ? EPOLLIN : 0u) | (wanted & WATCH_OUT ? EPOLLOUT : 0u));
	else
		(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* may be closed already */
	return 0;
}

static int timer_wanted(CURLM *multi, long ms, void *arg)
{
	struct link *l = arg;

	(void)multi;
	l->timer_at = ms < 0 ? -1 : clock_ticks() + ms;
	return 0;
}

/* Life */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_ready;

static void prepare_libraries(void)
{
	is_ready = psa_crypto_init() == PSA_SUCCESS && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static bool set_up(struct link *l)
{
	struct epoll_event ev = { .events = EPOLLIN };

	l->multi = curl_multi_init();
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->multi == NULL || l->epoll_fd < 0 || l->wake_fd < 0) return false;
	ev.data.u64 = (uint64_t)l->wake_fd;
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &ev) != 0) return false;
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, (long)l->connections_max);
#if LIBCURL_VERSION_NUM >= 0x081400
	curl_multi_setopt(l->multi, CURLMOPT_QUICK_EXIT,
			  1L); /* a dead name server may not hold link_free() */
#endif
	return true;
}

enum rc link_new(struct link **out, struct env *env, int connections_max)
{
	struct link *l;

	pthread_once(&once, prepare_libraries);
	if (!is_ready) return RC_IO;
	l = mem_zeroed(sizeof(*l));
	if (l == NULL) return RC_NO_MEMORY;
	l->env = env;
	l->epoll_fd = l->wake_fd = l->extra_fd = -1;
	l->timer_at = -1;
	l->connections_max = connections_max < 1                  ? 1
			     : connections_max > CONNECTIONS_MOST ? CONNECTIONS_MOST
								  : (size_t)connections_max;
	if (!set_up(l)) {
		link_free(l);
		return RC_NO_MEMORY;
	}
	*out = l;
	return RC_OK;
}

void link_free(struct link *l)
{
	struct transfer *t;

	if (l == NULL) return;
	post_free(l->post);
	lines_free(l->lines);
	while ((t = list_take(&l->running)) != NULL) {
		if (!t->is_on_line) curl_multi_remove_handle(l->multi, t->easy);
		transfer_free(t);
	}
	while ((t = list_take(&l->waiting)) != NULL)
		transfer_free(t);
	while ((t = list_take(&l->resting)) != NULL)
		transfer_free(t);
	if (l->multi != NULL) curl_multi_cleanup(l->multi);
	mem_free(l->watches.of);
	if (l->epoll_fd >= 0) close(l->epoll_fd);
	if (l->wake_fd >= 0) close(l->wake_fd);
	mem_free(l);
}

/* Calls */

static void rest(struct link *l, struct transfer *t)
{
	transfer_clear(t);
	if (l->resting.count < RESTING_MAX)
		list_append(&l->resting, t);
	else
		transfer_free(t);
}

static enum rc run(struct link *l, struct transfer *t)
{
	enum rc rc;

	if (lines_suit(t)) {
		if (l->lines == NULL)
			l->lines = lines_new(l->multi, l->epoll_fd, &l->watches, l->connections_max);
		if (l->lines == NULL) return RC_NO_MEMORY;
		transfer_prepare_line(t);
		rc = lines_start(l->lines, t);
		if (rc == RC_OK) list_append(&l->running, t);
		if (rc != RC_BAD_INPUT) return rc;
	}
	rc = transfer_prepare(t);
	if (rc == RC_OK && curl_multi_add_handle(l->multi, t->easy) != CURLM_OK) rc = RC_NO_MEMORY;
	if (rc == RC_OK) list_append(&l->running, t);
	return rc;
}

static void wake(void *arg)
{
	link_wake(arg);
}

static enum rc start_mail(struct link *l, const struct http_request *request, http_done_fn *done, void *arg)
{
	if (l->post == NULL) l->post = post_new(l->env->dir, (int)l->connections_max, wake, l);
	return l->post != NULL ? post_start(l->post, request, done, arg) : RC_NO_MEMORY;
}

enum rc link_start(struct link *l, const struct http_request *request, http_done_fn *done, void *arg)
{
	struct transfer *t;
	enum rc rc;

	if (request->mail != NULL) return start_mail(l, request, done, arg);
	if (l->waiting.count >= WAITING_MAX) return RC_TRY_LATER;
	t = list_take(&l->resting);
	if (t == NULL) t = transfer_new(&l->watches);
	if (t == NULL) return RC_NO_MEMORY;
	rc = transfer_take(t, request);
	t->done = done;
	t->arg = arg;
	/* Behind those that wait already, also from within a callback. */
	if (rc == RC_OK && (l->running.count >= l->connections_max || l->waiting.count > 0)) {
		list_append(&l->waiting, t);
		return RC_OK;
	}
	if (rc == RC_OK) rc = run(l, t);
	if (rc != RC_OK) rest(l, t);
	return rc;
}

size_t link_open_count(const struct link *l)
{
	return l->running.count + l->waiting.count + post_open_count(l->post);
}

static void finish(struct link *l, struct transfer *t)
{
	static const char *const ends[] = { "done", "not_sent", "cut", "odd" };
	char quoted[LOG_QUOTE_SIZE];

	if (t->answer.end != HTTP_DONE)
		log_event(LOG_DEBUG, "app", "link.end", "purpose=%s end=%s status=%d ms=%lld why=%s",
			  t->purpose, ends[t->answer.end], t->answer.status, (long long)t->answer.ms,
			  log_quote(quoted, t->answer.error));
	if (t->done != NULL) t->done(t->arg, &t->answer);
	rest(l, t);
}

/* What waited for room starts now. One that cannot even start ends here, unsent. */
static size_t run_waiting(struct link *l)
{
	size_t failed = 0;
	struct transfer *t;

	while (l->running.count < l->connections_max && (t = list_take(&l->waiting)) != NULL) {
		if (run(l, t) == RC_OK) continue;
		transfer_finish(t, CURLE_OUT_OF_MEMORY);
		finish(l, t);
		failed++;
	}
	return failed;
}

/* Hand back what is finished; how many. Callbacks may start new calls. */
static size_t reap(struct link *l)
{
	struct CURLMsg *m;
	struct transfer *t;
	size_t count = 0;
	int left = 0;

	while ((m = curl_multi_info_read(l->multi, &left)) != NULL) {
		CURLcode code = m->data.result;

		t = NULL;
		if (m->msg != CURLMSG_DONE) continue;
		if (l->lines != NULL && lines_dialled(l->lines, m->easy_handle, code)) continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		if (t->is_stale && code == CURLE_ABORTED_BY_CALLBACK) {
			curl_multi_remove_handle(l->multi, t->easy);
			list_remove(&l->running, t);
			if (run(l, t) == RC_OK) continue;
			list_append(&l->running, t);
		}
		transfer_finish(t, code);
		curl_multi_remove_handle(l->multi, t->easy); /* m is gone with it */
		list_remove(&l->running, t);
		finish(l, t);
		count++;
	}
	while (l->lines != NULL && (t = lines_ended(l->lines)) != NULL) {
		transfer_finish(t, t->code);
		list_remove(&l->running, t);
		finish(l, t);
		count++;
	}
	count += post_reap(l->post);
	return count + run_waiting(l);
}

static void run_timer(struct link *l)
{
	int running = 0;

	if (l->timer_at < 0 || clock_ticks() < l->timer_at) return;
	l->timer_at = -1;
	curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static void drain_wake(struct link *l)
{
	uint64_t n;

	while (read(l->wake_fd, &n, sizeof(n)) < 0 && errno == EINTR)
		;
}

static void take_event(struct link *l, const struct epoll_event *ev)
{
	int fd = (int)ev->data.u64, what = 0, running = 0;

	if (ev->data.u64 & LINE_EVENT) {
		lines_event(l->lines, ev->data.u64, ev->events);
		return;
	}
	if (fd == l->wake_fd) {
		drain_wake(l);
		return;
	}
	if (fd == l->extra_fd) return; /* the caller reads it */
	if ((size_t)fd < l->watches.size && (l->watches.of[fd] & WATCH_IDLE)) {
		l->watches.of[fd] = WATCH_OURS; /* closed by the far side, most likely; curl will see it */
		(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return;
	}
	if (ev->events & EPOLLIN) what |= CURL_CSELECT_IN;
	if (ev->events & EPOLLOUT) what |= CURL_CSELECT_OUT;
	if (ev->events & (EPOLLERR | EPOLLHUP)) what |= CURL_CSELECT_ERR;
	curl_multi_socket_action(l->multi, fd, what, &running);
}

/* The extra descriptor may have been closed and its number given away since the last time: always tell
** anew. */
static void set_extra(struct link *l, int fd)
{
	if (l->extra_fd >= 0 && l->extra_fd != fd)
		(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, l->extra_fd, NULL);
	l->extra_fd = fd;
	if (fd >= 0) watch(l, fd, EPOLLIN);
}

enum rc link_poll(struct link *l, int ms, int extra_fd)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int64_t left, until;
	int n;

	set_extra(l, extra_fd);
	run_timer(l);
	if (reap(l) > 0) return RC_OK;
	run_timer(l); /* what waited has just been started */
	until = l->lines != NULL ? lines_hurry(l->lines, clock_ticks()) : INT64_MAX;
	if (l->timer_at >= 0 && l->timer_at < until) until = l->timer_at;
	if (until < INT64_MAX) {
		left = until - clock_ticks();
		if (left < 0) left = 0;
		if (ms < 0 || left < ms) ms = (int)left;
	}
	n = epoll_wait(l->epoll_fd, events, EVENTS_AT_ONCE, ms);
	if (n < 0 && errno != EINTR) return RC_IO;
	for (int i = 0; i < n; i++)
		take_event(l, &events[i]);
	run_timer(l);
	reap(l);
	return RC_OK;
}

void link_hurry(struct link *l)
{
	post_hurry(l->post);
}

void link_wake(struct link *l)
{
	uint64_t one = 1;

	/* Full means that a wake is pending already. */
	while (write(l->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}
