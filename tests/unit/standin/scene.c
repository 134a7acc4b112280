/*
** scene.c -- the stand-in, its client and the panel that listens, in one process.
*/
#include "scene.h"

#include "base/seal.h"

#include <stdio.h>
#include <stdlib.h>

static struct server_plan plan(void *arg, struct request *rq)
{
	(void)arg, (void)rq;
	return (struct server_plan){ .body_max = 100000 };
}

static void handle(void *arg, int worker, struct request *rq, struct reply *rp)
{
	struct scene *s = arg;
	const char *signature = request_header(rq, "X-Webhook-Signature");
	struct bytes body = request_body(rq);

	(void)worker;
	pthread_mutex_lock(&s->lock);
	if (s->event_count < EVENTS_MAX) {
		s->events[s->event_count] = strndup(body.p, body.len);
		s->signatures[s->event_count++] = strdup(signature == NULL ? "" : signature);
	}
	pthread_cond_broadcast(&s->arrived);
	reply_status(rp, s->answer_status);
	pthread_mutex_unlock(&s->lock);
	reply_static(rp, "text/plain", "ok", 2);
}

void scene_begin(struct scene *s, const struct standin_options *o, bool has_panel)
{
	struct standin_options with = *o;
	struct server_options panel = { .listen = "127.0.0.1:0",
					.clients_max = 50,
					.request_limit_s = 60,
					.arg = s,
					.plan = plan,
					.handle = handle,
					.lang = LANG_EN };
	const char *why = "";

	memset(s, 0, sizeof(*s));
	s->env.lang = LANG_EN;
	s->env.dir = "";
	s->key = "k";
	s->answer_status = 200;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->arrived, NULL);
	s->arena = arena_new(64 * 1024 * 1024);
	assert_non_null(s->arena);
	assert_int_equal(seal_start(), RC_OK);
	cx_init(&s->cx, &s->env, s->arena, NULL);
	if (has_panel) {
		assert_int_equal(server_start(&s->panel, &panel, s->arena, &why), RC_OK);
		snprintf(s->webhook, sizeof(s->webhook), "http://127.0.0.1:%d/webhook/wasender/",
			 server_port(s->panel));
		with.webhook_url = s->webhook;
		with.webhook_secret = "s3cret";
	}
	with.listen = "127.0.0.1:0";
	assert_int_equal(standin_start(&s->standin, &s->env, &with, s->arena, &why), RC_OK);
}

void scene_end(struct scene *s)
{
	standin_stop(s->standin);
	server_stop(s->panel);
	for (int i = 0; i < s->event_count; i++) {
		free(s->events[i]);
		free(s->signatures[i]);
	}
	arena_free(s->arena);
	pthread_cond_destroy(&s->arrived);
	pthread_mutex_destroy(&s->lock);
}

const struct http_answer *ask(struct scene *s, const char *path, const char *body)
{
	struct http_request r = { .purpose = "test",
				  .method = body == NULL ? "GET" : "POST",
				  .url = arena_printf(s->arena, "http://127.0.0.1:%d%s",
						      standin_port(s->standin), path),
				  .headers = { "Content-Type: application/json" },
				  .body = { .p = body, .len = body == NULL ? 0 : strlen(body) },
				  .total_ms = 30000,
				  .answer_max = 32 * 1024 * 1024,
				  .is_configured = true };

	if (s->key != NULL) r.headers[1] = arena_printf(s->arena, "Authorization: Bearer %s", s->key);
	assert_int_equal(link_call(&s->cx, &s->answer, &r), RC_OK);
	return &s->answer;
}

const struct value *ask_json(struct scene *s, int status, const char *path, const char *body)
{
	const struct http_answer *a = ask(s, path, body);
	struct value *v = NULL;

	assert_int_equal(a->end, HTTP_DONE);
	if (a->status != status) fail_msg("%s: %d %s", path, a->status, a->body.p);
	assert_string_equal(http_header(a, "Content-Type"), "application/json");
	assert_int_equal(json_parse(s->arena, &v, NULL, a->body.p, a->body.len), RC_OK);
	return v;
}

const struct http_answer *send_to(struct scene *s, const char *to, const char *text)
{
	return ask(s, "/api/send-message",
		   arena_printf(s->arena, "{\"to\":\"%s\",\"text\":\"%s\"}", to, text));
}

int64_t count_of(struct scene *s, const char *name)
{
	return value_int_of(value_get(ask_json(s, 200, "/_standin/received?count=1", NULL), name), -1);
}

const struct value *row_at(struct scene *s, size_t i)
{
	const struct value *v = ask_json(s, 200, "/_standin/received", NULL)->first;

	while (i-- > 0 && v != NULL)
		v = v->next;
	assert_non_null(v);
	return v;
}

size_t row_count(struct scene *s)
{
	return ask_json(s, 200, "/_standin/received", NULL)->count;
}

static void wait_for(struct scene *s, int n)
{
	pthread_mutex_lock(&s->lock);
	while (s->event_count < n)
		pthread_cond_wait(&s->arrived, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

const struct value *event_at(struct scene *s, int i)
{
	struct value *v = NULL;

	wait_for(s, i + 1);
	assert_int_equal(json_parse(s->arena, &v, NULL, s->events[i], strlen(s->events[i])), RC_OK);
	return v;
}

const char *signature_at(struct scene *s, int i)
{
	wait_for(s, i + 1);
	return s->signatures[i];
}
