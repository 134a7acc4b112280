/*
** pace.c -- how often who may call the API: limit.c's buckets with the settings' size, and what a program is
** told.
**
** Needs:  who calls (session.c), or that nobody does.
** Never:  counts pages, files, hooks or health.
** Holds:  (1) who has a valid token is never kept out by a neighbour who guesses; (2) an answer tells how
**         much is left, a refusal how long to wait.
*/
#include "web/inside.h"
#include "web/limit.h"

static void tell(struct cx *cx, struct call *call, const char *name, int64_t n)
{
	answer_header(call, name, arena_printf(cx->arena, "%lld", (long long)n));
}

static enum rc pace(struct limit *l, struct cx *cx, struct call *call, const char *who)
{
	struct limit_rate rate = { setting_int(cx->env->settings, "web.api_per_minute"),
				   setting_int(cx->env->settings, "web.api_burst") };
	struct limit_left left;
	bool may;

	if (rate.per_minute == 0 || call->match->shape != SHAPE_JSON || call_is_again(call)) return RC_OK;
	may = limit_take(l, who, rate, clock_ticks_us(), &left);
	tell(cx, call, "RateLimit-Limit", rate.burst);
	tell(cx, call, "RateLimit-Remaining", left.remaining);
	tell(cx, call, "RateLimit-Reset", left.reset_s);
	if (may) return RC_OK;
	tell(cx, call, "Retry-After", left.retry_s);
	return cx_fail(cx, RC_TOO_MANY, _("Too many calls. Wait %lld s and go on more slowly."),
		       (long long)left.retry_s);
}

enum rc pace_of_actor(struct limit *l, struct cx *cx, struct call *call)
{
	return pace(l, cx, call,
		    cx->actor.kind == ACTOR_TOKEN
			    ? arena_printf(cx->arena, "token:%lld", (long long)cx->actor.token_id)
			    : arena_printf(cx->arena, "user:%lld", (long long)cx->actor.user_id));
}

enum rc pace_of_guess(struct limit *l, struct cx *cx, struct call *call)
{
	const char *sentence = cx->message;

	cx->message = "";
	if (pace(l, cx, call, arena_printf(cx->arena, "address:%s", call->address)) != RC_OK)
		return RC_TOO_MANY;
	cx->message = sentence;
	return RC_NO_LOGIN;
}
