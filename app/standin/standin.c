/*
** standin.c -- the life of the stand-in, and which file answers what.
**
** Owns:   the server, the ring of accepted messages, the lock over all of struct standin.
** Needs:  web/server.h for the door in; events.c uses link for the webhook.
** Never:  opens a file, touches the database; grows past the limits of inside.h.
** Holds:  (1) message ids only grow, also over a reset; (2) the ring has the newest messages and at most
**         MESSAGES_MAX; (3) every request is answered under the lock, so counters and rows agree.
*/
#include "standin/inside.h"
#include "standin/standin_doppler.h"
#include "standin/standin_smtp.h"

#include "base/mem.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

#define MESSAGES_FIRST   256u
#define REQUEST_ARENA    ((size_t)4 * 1024 * 1024) /* the largest body as a tree, and room to spare       */
#define HANG_UP          444  /* no status of HTTP: the line is cut, the request not read */
#define CLIENTS_MAX      1024 /* a bench with 50 connections, and many that hang      */
#define REQUEST_LIMIT_S  600
#define CONTROL_BODY_MAX ((size_t)128 * 1024)

static const char control_prefix[] = "/_standin/";

/* Messages */

struct sent_message *standin_message(struct standin *s, int64_t id)
{
	int64_t index = id - s->message_base;

	if (index < 0 || index >= s->message_count) return NULL;
	if (s->message_count - index > (int64_t)s->messages_size) return NULL;
	return &s->messages[(size_t)index % s->messages_size];
}

/* Only while nothing has been overwritten, so indexes below the old size keep their place. */
static bool messages_grow(struct standin *s)
{
	size_t size = s->messages_size == 0 ? MESSAGES_FIRST : s->messages_size * 2;
	struct sent_message *bigger;

	if (size > MESSAGES_MAX) return false;
	bigger = mem_realloc(s->messages, size * sizeof(*bigger));
	if (bigger == NULL) return false;
	s->messages = bigger;
	s->messages_size = size;
	return true;
}

/* Bytes of the longest start of text that fits and ends with a whole character. */
static size_t start_of(const char *text, size_t max)
{
	size_t len = strlen(text), at = 0, n;

	while (at < len && (n = text_sequence(text + at, len - at)) > 0 && at + n <= max)
		at += n;
	return at;
}

int64_t standin_accept(struct standin *s, const char *to, const char *text, enum magic_what what)
{
	struct sent_message *m;

	if ((size_t)s->message_count == s->messages_size && !messages_grow(s) && s->messages_size == 0)
		return 0;
	m = &s->messages[(size_t)s->message_count % s->messages_size];
	*m = (struct sent_message){ .ticks = clock_ticks(), .what = what };
	memcpy(m->to, to, strnlen(to, sizeof(m->to) - 1));
	memcpy(m->text, text, start_of(text, sizeof(m->text) - 1));
	s->message_count++;
	events_accepted(s);
	return s->message_base + s->message_count - 1;
}

/* The server's questions */

static bool hangs_up(struct standin *s, struct request *rq)
{
	bool is_so;

	if (strcmp(request_method(rq), "POST") != 0) return false;
	pthread_mutex_lock(&s->lock);
	is_so = doppler_hangs_up(s->doppler, request_path(rq));
	pthread_mutex_unlock(&s->lock);
	return is_so;
}

static void refuse(void *arg, struct request *rq, int status, struct reply *rp)
{
	(void)arg, (void)rq;
	if (status == HANG_UP) reply_cut(rp);
}

static struct server_plan plan(void *arg, struct request *rq)
{
	const char *path = request_path(rq);

	if (strncmp(path, control_prefix, sizeof(control_prefix) - 1) == 0)
		return (struct server_plan){ .body_max = CONTROL_BODY_MAX };
	if (s3_is_call(rq)) return (struct server_plan){ .body_max = s3_body_max() };
	if (chat_is_call(rq)) return (struct server_plan){ .body_max = chat_body_max() };
	if (sendgrid_is_call(rq)) return (struct server_plan){ .body_max = sendgrid_body_max() };
	if (doppler_is_call(rq))
		return (struct server_plan){ .body_max = doppler_body_max(),
					     .refuse = hangs_up(arg, rq) ? HANG_UP : 0 };
	return (struct server_plan){ .body_max = wasender_body_max(path) };
}

static void handle(void *arg, int worker, struct request *rq, struct reply *rp)
{
	static const char nothing[] = "{\"success\":false,\"message\":\"Not found\"}";
	struct standin *s = arg;
	bool is_answered;

	(void)worker;
	pthread_mutex_lock(&s->lock);
	arena_reset(s->arena);
	is_answered = strncmp(request_path(rq), control_prefix, sizeof(control_prefix) - 1) == 0
			      ? control_handle(s, rq, rp)
		      : s3_is_call(rq)       ? s3_handle(s, rq, rp)
		      : chat_is_call(rq)     ? chat_handle(s, rq, rp)
		      : sendgrid_is_call(rq) ? sendgrid_handle(s, rq, rp)
		      : doppler_is_call(rq)  ? doppler_handle(s, rq, rp)
					     : wasender_handle(s, rq, rp);
	pthread_mutex_unlock(&s->lock);
	if (is_answered) return;
	reply_status(rp, 404);
	reply_static(rp, "application/json", nothing, sizeof(nothing) - 1);
}

/* A browser page elsewhere, or a client that came through a proxy, is no loopback client. */
static bool is_local(struct request *rq)
{
	const char *peer = request_peer(rq);

	if (strcmp(peer, "127.0.0.1") != 0 && strcmp(peer, "::1") != 0 &&
	    strcmp(peer, "::ffff:127.0.0.1") != 0)
		return false;
	return request_header(rq, "X-Forwarded-For") == NULL && request_header(rq, "Forwarded") == NULL &&
	       request_header(rq, "X-Real-IP") == NULL && request_header(rq, "Origin") == NULL;
}

bool standin_control(void *standin, struct request *rq, struct reply *rp)
{
	if (standin == NULL || strncmp(request_path(rq), control_prefix, sizeof(control_prefix) - 1) != 0)
		return false;
	if (!is_local(rq)) return false;
	handle(standin, -1, rq, rp);
	return true;
}

/* Life */

enum rc standin_text(char **member, const char *text)
{
	char *copy = mem_text(text);

	if (copy == NULL) return RC_NO_MEMORY;
	mem_free(*member);
	*member = copy;
	return RC_OK;
}

/* Settings first: on a lack of memory the old ones stay, which a test would notice at once. */
void standin_reset(struct standin *s)
{
	if (standin_text(&s->webhook, s->initial.webhook_url) != RC_OK ||
	    standin_text(&s->secret, s->initial.webhook_secret) != RC_OK ||
	    standin_text(&s->api_key, s->initial.api_key) != RC_OK)
		log_event(LOG_ERROR, "errors", "standin.reset", "why=no_memory");
	memcpy(s->status, "connected", sizeof("connected"));
	s->rate = RATE_OFF;
	s->daily_remaining = -1;
	s->reset_is_epoch = s->success_in_429 = false;
	s->stage_ms[STAGE_SENT] = 0;
	s->stage_ms[STAGE_DELIVERED] = s->initial.delivered_ms;
	s->stage_ms[STAGE_READ] = s->initial.read_ms;
	s->set_magic_count = s->once_count = 0;
	s->window_from = s->last_send = 0;
	s->window_count = 0;
	s->message_base += s->message_count;
	s->message_count = 0;
	chat_reset(s);
	events_reset(s);
	ledger_reset(s->ledger);
	smtp_stand_reset(s->smtp);
	doppler_stand_reset(s->doppler);
	sendgrid_stand_reset(s->sendgrid, s->initial.delivered_ms);
}

static void initial_free(struct standin_options *o)
{
	mem_free((char *)(uintptr_t)o->webhook_url);
	mem_free((char *)(uintptr_t)o->webhook_secret);
	mem_free((char *)(uintptr_t)o->api_key);
}

static bool set_up(struct standin *s, const struct standin_options *o)
{
	s->initial = (struct standin_options){ .webhook_url = mem_text(o->webhook_url),
					       .webhook_secret = mem_text(o->webhook_secret),
					       .api_key = mem_text(o->api_key),
					       .delivered_ms = o->delivered_ms,
					       .read_ms = o->read_ms };
	s->arena = arena_new(REQUEST_ARENA);
	s->ledger = ledger_new();
	s->s3 = s3_store_new();
	s->doppler = doppler_stand_new();
	s->sendgrid = sendgrid_stand_new();
	s->clock = s->env->clock;
	if (s->clock == NULL) s->clock = s->own_clock = clock_new(0);
	if (s->arena == NULL || s->ledger == NULL || s->s3 == NULL || s->doppler == NULL ||
	    s->sendgrid == NULL || s->clock == NULL || s->initial.webhook_url == NULL ||
	    s->initial.webhook_secret == NULL || s->initial.api_key == NULL)
		return false;
	s->message_base = MESSAGE_ID_FIRST;
	standin_reset(s);
	return s->webhook != NULL && s->secret != NULL && s->api_key != NULL;
}

static void standin_free(struct standin *s)
{
	pthread_mutex_destroy(&s->lock);
	ledger_free(s->ledger);
	s3_store_free(s->s3);
	doppler_stand_free(s->doppler);
	sendgrid_stand_free(s->sendgrid);
	arena_free(s->arena);
	clock_free(s->own_clock);
	initial_free(&s->initial);
	mem_free(s->webhook);
	mem_free(s->secret);
	mem_free(s->api_key);
	mem_free(s->messages);
	mem_free(s);
}

enum rc standin_start(struct standin **out, struct env *env, const struct standin_options *o, struct arena *a,
		      const char **why)
{
	struct standin *s = mem_zeroed(sizeof(*s));
	struct server_options server = { .listen = o->listen,
					 .clients_max = CLIENTS_MAX,
					 .request_limit_s = REQUEST_LIMIT_S,
					 .plan = plan,
					 .refuse = refuse,
					 .handle = handle,
					 .lang = env->lang };
	enum rc rc = RC_NO_MEMORY;

	*why = words_get(env->lang, N_("There is not enough memory to start the stand-in."));
	if (s == NULL) return rc;
	s->env = env;
	pthread_mutex_init(&s->lock, NULL);
	server.arg = s;
	if (set_up(s, o)) rc = events_start(s);
	if (rc == RC_OK) rc = smtp_stand_start(&s->smtp, s, o->smtp_port);
	if (rc == RC_IO)
		*why = words_get(env->lang,
				 N_("The stand-in's mail server cannot listen: is the port taken?"));
	if (rc == RC_OK) rc = server_start(&s->server, &server, a, why);
	if (rc == RC_OK) {
		*out = s;
		return RC_OK;
	}
	smtp_stand_stop(s->smtp);
	events_stop(s);
	standin_free(s);
	return rc;
}

void standin_stop(struct standin *s)
{
	if (s == NULL) return;
	server_stop(s->server);
	smtp_stand_stop(s->smtp);
	events_stop(s);
	standin_free(s);
}

int standin_port(const struct standin *s)
{
	return server_port(s->server);
}

int standin_smtp_port(const struct standin *s)
{
	return smtp_stand_port(s->smtp);
}

/* What was accepted while nobody listened is not told afterwards. */
void standin_set_webhook(struct standin *s, const char *url, const char *secret)
{
	char *new_url = mem_text(url), *new_secret = mem_text(secret);
	enum rc rc = new_url == NULL || new_secret == NULL ? RC_NO_MEMORY : RC_OK;

	pthread_mutex_lock(&s->lock);
	if (rc == RC_OK && s->webhook[0] == '\0') events_skip(s);
	if (rc == RC_OK) rc = standin_text(&s->webhook, url);
	if (rc == RC_OK) rc = standin_text(&s->secret, secret);
	if (rc == RC_OK) {
		mem_free((char *)(uintptr_t)s->initial.webhook_url);
		mem_free((char *)(uintptr_t)s->initial.webhook_secret);
		s->initial.webhook_url = new_url;
		s->initial.webhook_secret = new_secret;
		new_url = new_secret = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	mem_free(new_url);
	mem_free(new_secret);
	if (rc != RC_OK) log_event(LOG_ERROR, "errors", "standin.webhook", "why=no_memory");
	events_wake(s);
}

const char *standin_event_key(struct standin *s)
{
	const char *key;

	pthread_mutex_lock(&s->lock);
	key = sendgrid_public_key(s->sendgrid);
	pthread_mutex_unlock(&s->lock);
	return key;
}
