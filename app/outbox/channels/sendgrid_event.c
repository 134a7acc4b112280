/*
** sendgrid_event.c -- what SendGrid tells by its event webhook (contracts/email.md §3.2).
**
** Owns:   nothing; pure functions over a parsed body.
** Never:  decides what follows from it: hook_sendgrid.c does.
** Holds:  (1) a bounce is hard only when it says type "bounce": "blocked" is for the moment; (2) who opened
**         or clicked is not looked at: nothing is tracked by us.
*/
#include "outbox/channels/sendgrid.h"

#include <string.h>

static const struct {
	const char *event;
	enum sendgrid_event_kind kind;
} kinds[] = {
	{ "processed", SENDGRID_ACCEPTED },
	{ "deferred", SENDGRID_ACCEPTED },
	{ "delivered", SENDGRID_DELIVERED },
	{ "bounce", SENDGRID_BOUNCED },
	{ "dropped", SENDGRID_DROPPED },
	{ "spamreport", SENDGRID_SPAM },
	{ "unsubscribe", SENDGRID_LEFT },
	{ "group_unsubscribe", SENDGRID_LEFT },
	{ "group_resubscribe", SENDGRID_CAME_BACK },
};

static enum sendgrid_event_kind kind_of(const struct value *v)
{
	const char *event = value_text_of(value_get(v, "event"), "");
	enum sendgrid_event_kind kind = SENDGRID_IGNORED;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].event, event) == 0) kind = kinds[i].kind;
	if (kind == SENDGRID_BOUNCED && strcmp(value_text_of(value_get(v, "type"), "bounce"), "bounce") != 0)
		return SENDGRID_BLOCKED;
	return kind;
}

static void read_one(struct sendgrid_event *e, const struct value *v)
{
	int64_t at = value_int_of(value_get(v, "timestamp"), 0);

	*e = (struct sendgrid_event){ .kind = kind_of(v),
				      .id = value_text_of(value_get(v, "sg_event_id"), ""),
				      .message = value_text_of(value_get(v, SENDGRID_ARG), ""),
				      .email = value_text_of(value_get(v, "email"), ""),
				      .reason = value_text_of(value_get(v, "reason"), "") };
	if (e->reason[0] == '\0') e->reason = value_text_of(value_get(v, "response"), "");
	if (at > 0 && at < INT64_MAX / SECOND_MS) e->at = at * SECOND_MS;
}

enum rc sendgrid_events(struct arena *a, struct sendgrid_event **out, size_t *count, const struct value *body)
{
	struct sendgrid_event *list;
	size_t n = 0;

	*count = 0;
	if (body == NULL || body->type != VALUE_LIST || body->count > SENDGRID_EVENTS_MAX)
		return RC_BAD_INPUT;
	list = arena_array(a, body->count + 1, sizeof(*list));
	if (list == NULL) return RC_NO_MEMORY;
	for (const struct value *v = body->first; v != NULL; v = v->next)
		if (v->type == VALUE_MAP) read_one(&list[n++], v);
	*out = list;
	*count = n;
	return RC_OK;
}
