/*
** sendgrid.c -- the channel of bulk mail over sendgrid.
*/
#include "outbox/channel.h"

#include <string.h>

static void configure(struct channel_config *out, const char **why, const struct env *env)
{
	(void)env;
	memset(out, 0, sizeof(*out));
	*why = "no_key";
}

static enum rc build_send(struct channel_request *rq, const struct channel_config *cf,
			  const struct outgoing *m)
{
	(void)rq, (void)cf, (void)m;
	return RC_BAD_INPUT;
}

static void read_send(struct verdict *out, struct arena *a, const struct http_answer *answer, instant now)
{
	(void)a, (void)answer, (void)now;
	memset(out, 0, sizeof(*out));
	out->outcome = OUTCOME_UNSURE;
	out->why = "odd";
}

const struct channel_kind sendgrid_channel = {
	.kind = "sendgrid",
	.channel = "sendgrid",
	.contact = "email",
	.text_max = 1000000,
	.configure = configure,
	.build_send = build_send,
	.read_send = read_send,
};
