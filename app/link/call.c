/*
** call.c -- one call, waiting: for commands and checks, never for a request handler or the outbox.
**
** Owns:   a link for the length of one call.
** Needs:  a cx whose arena takes the answer's body.
** Never:  waits longer than the call's own time limit; puts an address or a header into the sentence.
** Holds:  RC_OK says that there is an answer to look at, however it ended; other codes mean that nothing was
**         tried.
*/
#include "link/http.h"

#define ROUND_MS 500 /* how late a stop of the process is noticed */

struct result {
	struct cx *cx;
	struct http_answer *answer;
	bool is_done;
};

static void keep(void *arg, const struct http_answer *answer)
{
	struct result *r = arg;

	*r->answer = *answer;
	r->answer->body.p = arena_bytes(r->cx->arena, answer->body.p, answer->body.len);
	r->is_done = true;
}

enum rc link_call(struct cx *cx, struct http_answer *answer, const struct http_request *request)
{
	struct result r = { .cx = cx, .answer = answer };
	struct link *l = NULL;
	enum rc rc = link_new(&l, cx->env, 1);

	if (rc == RC_OK) rc = link_start(l, request, keep, &r);
	while (rc == RC_OK && !r.is_done) {
		if (cx->env->is_stopping)
			rc = RC_TRY_LATER;
		else
			rc = link_poll(l, ROUND_MS, -1);
	}
	if (rc == RC_OK && arena_failed(cx->arena)) rc = RC_NO_MEMORY;
	link_free(l);
	if (rc == RC_OK) return RC_OK;
	return cx_fail(cx, rc, "%s", _("The call could not be made; try again."));
}
