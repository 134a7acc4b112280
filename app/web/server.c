/*
** server.c -- the HTTP server, the only file that sees libmicrohttpd.
**
** Owns:   the listening socket, the wire thread (libmicrohttpd's), the workers and the clock thread.
** Needs:  what to do, as functions in server_options.
** Never:  knows a route, a person or a table.
** Holds:  (1) a connection is suspended before it is queued, so that nobody resumes it too early;
**         (2) libmicrohttpd is stopped only when nothing is suspended (it aborts the process otherwise);
**         (3) one request at a time a connection; phase says who may touch it: the wire thread in LINE,
**             BODY, DRAIN and REPLY, a worker in CHECK and RUN, the clock thread in WAIT;
**         (4) lock guards queue, waiting list, connection list and is_stopping; it is never held while
**             calling out.
** Why a limit of our own in wall-clock time: libmicrohttpd's counts inactivity only, a client that
** sends one byte every few seconds would never end.
*/
#include "web/exchange.h"
#include "base/log.h"
#include "base/mem.h"
#include "web/listen.h"
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* 16 KiB of headers, the answer's, and a read buffer; mapped, not touched */
#define CONNECTION_MEMORY ((size_t)64 * 1024)
#define IDLE_S            30u              /* a silent connection is closed                                */
#define REPLY_LIMIT_MS    (10 * MINUTE_MS) /* sending an export over a slow phone                          */
/* A refused body is read and dropped, so that the client sees the answer */
#define DRAIN_MAX     (64u * 1024 * 1024)
#define STOP_WAIT_MS  3000 /* answers on their way out when we stop                        */
#define CLOCK_TICK_MS 1000 /* how late a wall-clock limit may strike                       */

/* clang-format off */
enum phase {
	PHASE_IDLE, PHASE_LINE, PHASE_CHECK, PHASE_CHECKED, PHASE_BODY, PHASE_DRAIN, PHASE_RUN, PHASE_WAIT, PHASE_REPLY
};
/* clang-format on */

struct conn {
	struct conn *next, *prev; /* all connections         */
	struct conn *queued;      /* queue or waiting list   */
	struct server *server;
	struct MHD_Connection *mhd;
	int fd;
	enum phase phase;
	bool is_checking, is_suspended, is_parked, is_last;
	bool is_active; /* whole and not yet answered: worth waiting for at the stop */
	unsigned seen;  /* count of server_unpark calls when the handler began */
	int64_t due;    /* WAIT: ticks                                         */
	_Atomic int64_t deadline;
	struct server_plan plan;
	struct request rq;
	struct reply rp;
	struct arena *arena;
	char peer[PEER_TEXT_SIZE];
	char *target; /* raw, in the arena */
};

struct worker {
	struct server *server;
	int index;
	pthread_t thread;
};

struct server {
	struct server_options o;
	struct listening listening;
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock;
	pthread_cond_t work, tick;
	struct conn *first_conn, *queue_first, **queue_last, *waiting;
	int queue_len;
	_Atomic bool is_stopping;
	bool workers_may_end;
	unsigned unparks;
	struct worker *workers;
	int workers_started;
	pthread_t clock;
	bool has_clock;
	_Atomic int64_t requests, refused, open, active;
};

/* Queue and waiting list: the caller holds the lock */

static void queue_push(struct server *s, struct conn *c)
{
	c->queued = NULL;
	*s->queue_last = c;
	s->queue_last = &c->queued;
	s->queue_len++;
	pthread_cond_signal(&s->work);
}

static struct conn *queue_pop(struct server *s)
{
	struct conn *c = s->queue_first;

	s->queue_first = c->queued;
	if (s->queue_first == NULL) s->queue_last = &s->queue_first;
	s->queue_len--;
	return c;
}

static void wait_add(struct server *s, struct conn *c, int ms)
{
	c->phase = PHASE_WAIT;
	c->due = clock_ticks() + ms;
	c->queued = s->waiting;
	s->waiting = c;
	pthread_cond_signal(&s->tick);
}

/* From here on the wire thread has the connection again. */
static void hand_back(struct conn *c, enum phase phase)
{
	c->phase = phase;
	c->is_suspended = false;
	MHD_resume_connection(c->mhd);
}

static void suspend(struct conn *c)
{
	if (!c->is_suspended) {
		c->is_suspended = true;
		MHD_suspend_connection(c->mhd);
	}
}

/* Replies */

static void sentence_of(struct conn *c, int status)
{
	struct server *s = c->server;

	reply_end(&c->rp);
	reply_begin(&c->rp, c->arena);
	c->rp.status = status;
	if (s->o.refuse != NULL) s->o.refuse(s->o.arg, &c->rq, status, &c->rp);
	if (c->rp.kind == REPLY_EMPTY && !c->rp.is_cut)
		reply_static(&c->rp, "text/plain; charset=utf-8", "refused\n", 8);
	if (status == 503 && pairs_header(&c->rp.headers, "Retry-After") == NULL)
		reply_header(&c->rp, "Retry-After", "1");
	atomic_fetch_add(&s->refused, 1);
}

static void active_begin(struct conn *c)
{
	if (!c->is_active) atomic_fetch_add(&c->server->active, 1);
	c->is_active = true;
}

static struct MHD_Response *response_of(struct reply *rp)
{
	struct MHD_Response *r;

	switch (rp->kind) {
	case REPLY_COPY:
		r = rp->is_drip
			    ? MHD_create_response_from_callback(rp->len, 1, reply_drop, rp->copy, mem_free)
			    : MHD_create_response_from_buffer_with_free_callback(rp->len, rp->copy, mem_free);
		if (r != NULL) rp->copy = NULL;
		break;
	case REPLY_STATIC: r = MHD_create_response_from_buffer_static(rp->len, rp->constant); break;
	case REPLY_FILE:
		r = MHD_create_response_from_fd64((uint64_t)rp->len, rp->fd);
		if (r != NULL) rp->fd = -1;
		break;
	default: r = MHD_create_response_from_buffer_static(0, ""); break;
	}
	return r;
}

static enum MHD_Result send_reply(struct conn *c)
{
	struct reply *rp = &c->rp;
	struct MHD_Response *r;
	enum MHD_Result ok = MHD_YES;

	active_begin(c);
	if (rp->is_cut) return MHD_NO;
	r = response_of(rp);
	if (r == NULL) return MHD_NO;
	if (rp->media_type != NULL) ok = MHD_add_response_header(r, "Content-Type", rp->media_type);
	for (const struct pair *h = rp->headers.first; h != NULL && ok == MHD_YES; h = h->next)
		ok = MHD_add_response_header(r, h->name, h->value);
	if (ok == MHD_YES && (c->is_last || c->server->is_stopping))
		ok = MHD_add_response_header(r, "Connection", "close");
	c->deadline = clock_ticks() + REPLY_LIMIT_MS;
	if (ok == MHD_YES) ok = MHD_queue_response(c->mhd, rp->status == 0 ? 200u : (unsigned)rp->status, r);
	MHD_destroy_response(r);
	return ok;
}

/* Running */

static void run_handler(struct conn *c, int worker)
{
	struct server *s = c->server;

	c->rq.was_parked = c->is_parked;
	c->is_parked = false;
	pthread_mutex_lock(&s->lock);
	c->seen = s->unparks;
	pthread_mutex_unlock(&s->lock);
	c->rp.park_ms = 0;
	s->o.handle(s->o.arg, worker, &c->rq, &c->rp);
}

/* After a handler: true when the connection has to wait (parked or delayed); it is suspended then. */
static bool has_to_wait(struct conn *c)
{
	struct server *s = c->server;
	int ms = c->rp.park_ms > 0 ? c->rp.park_ms : c->rp.delay_ms;
	bool waits = false;

	if (ms <= 0) return false;
	suspend(c);
	pthread_mutex_lock(&s->lock);
	if (!s->is_stopping) {
		c->is_parked = c->rp.park_ms > 0;
		wait_add(s, c, c->is_parked && c->seen != s->unparks ? 0 : ms);
		waits = true;
	}
	pthread_mutex_unlock(&s->lock);
	if (!waits && c->rp.park_ms > 0) sentence_of(c, 503);
	return waits;
}

static void work_on(struct conn *c, int worker)
{
	struct server *s = c->server;

	if (c->is_checking) {
		c->is_checking = false;
		s->o.check(s->o.arg, worker, &c->rq, &c->rp);
		c->is_last = c->rp.status != 0; /* its body will not be read */
		hand_back(c, c->rp.status != 0 ? PHASE_REPLY : PHASE_CHECKED);
		return;
	}
	run_handler(c, worker);
	if (!has_to_wait(c)) hand_back(c, PHASE_REPLY);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct server *s = w->server;

	if (s->o.worker_start != NULL) s->o.worker_start(s->o.arg, w->index);
	pthread_mutex_lock(&s->lock);
	for (;;) {
		struct conn *c;

		while (s->queue_first == NULL && !s->workers_may_end)
			pthread_cond_wait(&s->work, &s->lock);
		if (s->queue_first == NULL) break;
		c = queue_pop(s);
		pthread_mutex_unlock(&s->lock);
		work_on(c, w->index);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	if (s->o.worker_stop != NULL) s->o.worker_stop(s->o.arg, w->index);
	return NULL;
}

/* Suspended and queued; or, when that cannot be, false. */
static bool enqueue(struct conn *c, enum phase phase)
{
	struct server *s = c->server;
	bool fits;

	pthread_mutex_lock(&s->lock);
	fits = !s->is_stopping && s->queue_len < s->o.queue_max;
	if (fits) {
		c->phase = phase;
		suspend(c); /* first this, then the queue */
		queue_push(s, c);
	}
	pthread_mutex_unlock(&s->lock);
	return fits;
}

/* The clock thread: parks, delays, wall-clock limits */

static void waiting_due(struct server *s, int64_t now, int64_t *next)
{
	struct conn **at = &s->waiting;

	while (*at != NULL) {
		struct conn *c = *at;

		if (c->due > now && !s->is_stopping && !(c->is_parked && c->seen != s->unparks)) {
			if (c->due < *next) *next = c->due;
			at = &c->queued;
			continue;
		}
		*at = c->queued;
		if (!c->is_parked) {
			hand_back(c, PHASE_REPLY);
		} else if (s->workers_started > 0 && c->plan.on_worker) {
			c->phase = PHASE_RUN;
			queue_push(s, c); /* already counted once when it came: may pass queue_max */
		} else {
			hand_back(c, PHASE_RUN);
		}
	}
}

static void *clock_main(void *arg)
{
	struct server *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		int64_t now = clock_ticks(), next = INT64_MAX;
		struct timespec until;

		for (struct conn *c = s->first_conn; c != NULL; c = c->next) {
			int64_t deadline = c->deadline;

			if (deadline != 0 && deadline <= now) {
				c->deadline = 0;
				(void)shutdown(c->fd, SHUT_RDWR); /* the wire thread notices and closes */
			}
		}
		if (s->first_conn != NULL) next = now + CLOCK_TICK_MS;
		waiting_due(s, now, &next);
		if (s->is_stopping && s->waiting == NULL) break;
		if (next == INT64_MAX) {
			pthread_cond_wait(&s->tick, &s->lock);
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += (next - now) / 1000;
		until.tv_nsec += (next - now) % 1000 * 1000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		pthread_cond_timedwait(&s->tick, &s->lock, &until);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* What libmicrohttpd calls, all on the wire thread */

static void on_connection(void *arg, struct MHD_Connection *mhd, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct server *s = arg;
	struct conn *c = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

		c = mem_zeroed(sizeof *c);
		if (c != NULL) c->arena = arena_new(REQUEST_ARENA_MAX);
		if (c == NULL || c->arena == NULL || info == NULL) {
			mem_free(c);
			return; /* on_uri finds no connection and the request is cut */
		}
		c->server = s;
		c->mhd = mhd;
		c->fd = info->connect_fd;
		c->rq.peer = c->peer;
		c->rq.body_fd = c->rp.fd = -1;
		info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
		peer_text(c->peer, info != NULL ? info->client_addr : NULL);
		c->deadline = clock_ticks() + s->o.request_limit_s * SECOND_MS;
		*socket_context = c;
		atomic_fetch_add(&s->open, 1);
		pthread_mutex_lock(&s->lock);
		c->next = s->first_conn;
		if (c->next != NULL)
			c->next->prev = c;
		else
			pthread_cond_signal(&s->tick); /* the clock slept without end */
		s->first_conn = c;
		pthread_mutex_unlock(&s->lock);
	} else if (c != NULL) {
		pthread_mutex_lock(&s->lock);
		if (c->prev != NULL)
			c->prev->next = c->next;
		else
			s->first_conn = c->next;
		if (c->next != NULL) c->next->prev = c->prev;
		pthread_mutex_unlock(&s->lock);
		arena_free(c->arena);
		mem_free(c);
		*socket_context = NULL;
		atomic_fetch_sub(&s->open, 1);
	}
}

/* The request line is there, as it came. */
static void *on_uri(void *arg, const char *uri, struct MHD_Connection *mhd)
{
	struct server *s = arg;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct conn *c = info != NULL ? info->socket_context : NULL;

	if (c == NULL) return NULL;
	arena_reset(c->arena);
	request_begin(&c->rq, c->arena);
	reply_begin(&c->rp, c->arena);
	c->target = arena_text(c->arena, uri);
	c->phase = PHASE_LINE;
	c->is_checking = c->is_suspended = c->is_parked = c->is_last = false;
	c->plan = (struct server_plan){ .body_max = 0 };
	c->deadline = clock_ticks() + s->o.request_limit_s * SECOND_MS;
	atomic_fetch_add(&s->requests, 1);
	return c;
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **req_cls,
			 enum MHD_RequestTerminationCode why)
{
	struct server *s = arg;
	struct conn *c = *req_cls;

	(void)mhd, (void)why;
	if (c == NULL) return;
	*req_cls = NULL;
	if (s->o.done != NULL) s->o.done(s->o.arg, &c->rq);
	request_end(&c->rq);
	reply_end(&c->rp);
	c->phase = PHASE_IDLE;
	c->deadline = clock_ticks() + (s->o.request_limit_s + (int)IDLE_S) * SECOND_MS;
	if (c->is_active) atomic_fetch_sub(&s->active, 1);
	c->is_active = false;
}

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct conn *c = arg;

	(void)kind;
	return request_header_add(&c->rq, name, value) ? MHD_YES : MHD_NO;
}

/* Refused before the body: a small body is read and dropped first, because a client that is still
** sending when we close may never see the answer. */
static enum MHD_Result refuse_early(struct conn *c, int status)
{
	int64_t len = request_content_length(&c->rq);

	sentence_of(c, status);
	c->is_last = true;
	if (!c->rp.is_cut && len > 0 && len <= DRAIN_MAX && pairs_header(&c->rq.headers, "Expect") == NULL) {
		c->phase = PHASE_DRAIN;
		return MHD_YES;
	}
	c->phase = PHASE_REPLY;
	return send_reply(c);
}

static enum MHD_Result head_complete(struct conn *c, const char *method)
{
	struct server *s = c->server;
	int status;

	c->rq.method = method;
	(void)MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, on_header, c);
	status = request_head_check(&c->rq, c->target);
	if (status == 0 && s->is_stopping) status = 503;
	if (status == 0) {
		c->plan = s->o.plan(s->o.arg, &c->rq);
		c->rq.route = c->plan.route != NULL ? c->plan.route : c->rq.route;
		status = c->plan.refuse;
	}
	if (status == 0 && request_content_length(&c->rq) > (int64_t)c->plan.body_max) status = 413;
	if (status != 0) return refuse_early(c, status);
	if (c->plan.check_first && s->o.check != NULL && s->workers_started > 0) {
		c->is_checking = true;
		if (!enqueue(c, PHASE_CHECK)) return refuse_early(c, 503);
		return MHD_YES;
	}
	c->phase = PHASE_BODY;
	return MHD_YES;
}

static void take_body(struct conn *c, const char *p, size_t len)
{
	enum rc rc = request_body_add(&c->rq, p, len, c->plan.body_max,
				      c->plan.body_to_file ? c->server->o.spool_dir : NULL);

	if (rc == RC_OK) return;
	sentence_of(c, rc == RC_TOO_LARGE ? 413 : 503);
	c->is_last = true;
	c->phase = PHASE_DRAIN; /* the wall-clock limit bounds what is dropped */
}

static enum MHD_Result request_complete(struct conn *c)
{
	struct server *s = c->server;

	active_begin(c);
	c->deadline = 0; /* received; what follows has limits of its own */
	if (c->plan.on_worker && s->workers_started > 0) {
		if (enqueue(c, PHASE_RUN)) return MHD_YES;
		sentence_of(c, 503);
	} else {
		c->phase = PHASE_RUN;
		run_handler(c, -1);
		if (has_to_wait(c)) return MHD_YES;
		if (c->is_suspended) { /* it was suspended to wait, and then we stop */
			hand_back(c, PHASE_REPLY);
			return MHD_YES;
		}
	}
	c->phase = PHASE_REPLY;
	return send_reply(c);
}

static enum MHD_Result on_call(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
			       const char *version, const char *upload, size_t *upload_len, void **req_cls)
{
	struct conn *c = *req_cls;

	(void)arg, (void)mhd, (void)url, (void)version;
	if (c == NULL) return MHD_NO;
	switch (c->phase) {
	case PHASE_LINE: return head_complete(c, method);
	case PHASE_CHECKED: /* still before the body: libmicrohttpd asks once more after a suspension */
		c->phase = PHASE_BODY;
		return MHD_YES;
	case PHASE_BODY:
		if (*upload_len == 0) return request_complete(c);
		take_body(c, upload, *upload_len);
		*upload_len = 0;
		return MHD_YES;
	case PHASE_DRAIN:
		if (*upload_len != 0) {
			*upload_len = 0;
			return MHD_YES;
		}
		c->phase = PHASE_REPLY;
		return send_reply(c);
	case PHASE_RUN: return request_complete(c); /* parked without workers: look again */
	case PHASE_REPLY: return send_reply(c);
	default: return MHD_NO;
	}
}

/* Decoding is ours (request.c): strict, and after splitting. */
static size_t leave_as_is(void *arg, struct MHD_Connection *mhd, char *text)
{
	(void)arg, (void)mhd;
	return strlen(text);
}

/* Start and stop */

static void locks_init(struct server *s)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	pthread_cond_init(&s->tick, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static bool threads_start(struct server *s)
{
	s->has_clock = pthread_create(&s->clock, NULL, clock_main, s) == 0;
	for (int i = 0; s->has_clock && i < s->o.workers; i++) {
		s->workers[i] = (struct worker){ .server = s, .index = i };
		if (pthread_create(&s->workers[i].thread, NULL, worker_main, &s->workers[i]) != 0)
			return false;
		s->workers_started++;
	}
	return s->has_clock;
}

static bool daemon_start(struct server *s)
{
	struct MHD_OptionItem options[] = {
		{ MHD_OPTION_LISTEN_SOCKET, s->listening.fd, NULL },
		{ MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1, NULL }, /* bare LF, folded lines, NUL: refused */
		{ MHD_OPTION_CONNECTION_LIMIT, s->o.clients_max, NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)CONNECTION_MEMORY, NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)IDLE_S, NULL },
		{ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, s },
		{ MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, s },
		{ MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_uri, s },
		{ MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_as_is, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};

	s->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC,
				     0, NULL, NULL, on_call, s, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	return s->daemon != NULL;
}

static void threads_end(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	s->is_stopping = true;
	pthread_cond_broadcast(&s->tick);
	pthread_mutex_unlock(&s->lock);
	if (s->has_clock)
		pthread_join(s->clock, NULL); /* nothing waits any more: what was parked is queued */
	pthread_mutex_lock(&s->lock);
	s->workers_may_end = true;
	pthread_cond_broadcast(&s->work);
	pthread_mutex_unlock(&s->lock);
	for (int i = 0; i < s->workers_started; i++)
		pthread_join(s->workers[i].thread, NULL);
}

static void server_free(struct server *s)
{
	listen_close(&s->listening);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->tick);
	pthread_mutex_destroy(&s->lock);
	mem_free(s->workers);
	mem_free(s);
}

enum rc server_start(struct server **out, const struct server_options *o, struct arena *a, const char **why)
{
	struct server *s = mem_zeroed(sizeof *s);
	enum rc rc = RC_NO_MEMORY;

	*why = words_get(o->lang, N_("Not enough memory to start the web server."));
	if (s == NULL) return rc;
	s->o = *o;
	s->queue_last = &s->queue_first;
	s->workers = mem_zeroed((size_t)(o->workers > 0 ? o->workers : 1) * sizeof *s->workers);
	if (s->workers == NULL) {
		mem_free(s);
		return rc;
	}
	locks_init(s);
	(void)signal(SIGPIPE, SIG_IGN); /* a client that left is an error code, not a signal */
	rc = listen_open(&s->listening, o->listen, o->lang, a, why);
	if (rc == RC_OK && (!threads_start(s) || !daemon_start(s))) {
		threads_end(s);
		*why = words_get(o->lang, N_("The web server could not start its threads."));
		rc = RC_IO;
	}
	if (rc != RC_OK) {
		server_free(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

int server_port(const struct server *s)
{
	return s->listening.port;
}

void server_unpark(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	s->unparks++;
	pthread_cond_signal(&s->tick);
	pthread_mutex_unlock(&s->lock);
}

void server_stop(struct server *s)
{
	int64_t until;

	if (s == NULL) return;
	(void)MHD_quiesce_daemon(s->daemon); /* no new connections; the descriptor is ours again */
	threads_end(s);
	until = clock_ticks() + STOP_WAIT_MS;
	while (s->active > 0 && clock_ticks() < until)
		usleep(5000);
	MHD_stop_daemon(s->daemon);
	server_free(s);
}

void server_figures(const struct server *s, struct server_figures *out)
{
	struct server *lockable = (struct server *)(uintptr_t)s;

	*out = (struct server_figures){ .requests = s->requests, .refused = s->refused, .open = s->open };
	pthread_mutex_lock(&lockable->lock);
	out->queued = s->queue_len;
	pthread_mutex_unlock(&lockable->lock);
}
