/*
** standin_call.c -- bodies of the stand-in's calls: anything gets an answer, and the counters add up.
**
** The first byte chooses the call, the rest is its body.
*/
#include "base/seal.h"
#include "standin/inside.h"
#include "web/exchange.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool holds)
{
	if (!holds) abort();
}

static struct standin *stage(void)
{
	static struct standin *s;
	static struct env env = { .lang = LANG_EN, .dir = "" };
	struct standin_options o = { .listen = "127.0.0.1:0", .delivered_ms = -1, .read_ms = -1 };
	struct arena *a;
	const char *why;

	if (s != NULL) return s;
	check(seal_start() == RC_OK);
	a = arena_new(100000);
	check(a != NULL && standin_start(&s, &env, &o, a, &why) == RC_OK);
	arena_free(a);
	return s;
}

static bool is_json(struct arena *a, const char *p, size_t len)
{
	struct value *v;

	return json_parse(a, &v, NULL, p, len) == RC_OK;
}

/* What would be posted, without a webhook to post it to. */
static void check_inbound(struct standin *s, const uint8_t *p, size_t n)
{
	struct value *v = NULL;
	struct sb out;

	if (json_parse(s->arena, &v, NULL, (const char *)p, n) != RC_OK) return;
	sb_init_arena(&out, s->arena, 200000);
	wasender_inbound(s, &out, v);
	check(sb_result(&out) == RC_OK && is_json(s->arena, sb_text_of(&out), out.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const paths[] = { "/api/send-message", "/_standin/set", "/_standin/inbound",
					     "/_standin/event", "/api/upload" };
	struct standin *s = stage();
	struct arena *a = arena_new(REQUEST_ARENA_MAX);
	struct request rq;
	struct reply rp;
	size_t which;

	check(a != NULL);
	if (n == 0 || n > 20000) {
		arena_free(a);
		return 0;
	}
	which = p[0] % (sizeof(paths) / sizeof(paths[0]));
	memset(&rq, 0, sizeof(rq));
	request_begin(&rq, a);
	reply_begin(&rp, a);
	rq.method = "POST";
	rq.path = paths[which];
	rq.peer = "127.0.0.1";
	check(request_header_add(&rq, "Authorization", "Bearer k"));
	check(request_header_add(&rq, "Content-Type", "application/json"));
	if (n > 1) check(request_body_add(&rq, (const char *)p + 1, n - 1, 20000, NULL) == RC_OK);
	pthread_mutex_lock(&s->lock);
	arena_reset(s->arena);
	check(paths[which][1] == '_' ? control_handle(s, &rq, &rp) : wasender_handle(s, &rq, &rp));
	check(rp.is_cut || rp.delay_ms > 0 || rp.kind != REPLY_EMPTY);
	if (rp.kind == REPLY_COPY) check(is_json(s->arena, rp.copy, rp.len));
	if (which == 2) check_inbound(s, p + 1, n - 1);
	if (which == 1) standin_reset(s); /* no webhook stays set, so nothing is ever posted */
	pthread_mutex_unlock(&s->lock);
	reply_end(&rp);
	request_end(&rq);
	arena_free(a);
	return 0;
}
