/*
** discord.c -- Discord's webhook: requests out, answers into verdicts.
**
** Owns:   nothing; pure functions over bytes (contracts/chat-webhooks.md §2).
** Never:  puts the address, which is the secret, anywhere but into the request.
** Holds:  (1) always ?wait=true: without it a message that was not saved gives no error; SENT needs its id,
**         or 204; (2) a 429 counts with the longer of its two numbers, and without JSON it is the edge that
**         blocks us: ten minutes; (3) 401, 403 and 404 stop the channel for good, so that we never come near
**         the ban of 10,000 such answers in ten minutes.
*/
#include "outbox/channels/chat.h"

#include <stdio.h>
#include <string.h>

#define TEXT_UNITS_MAX 2000
#define TOTAL_MS       20000
#define RATE_WAIT_MS   (30 * SECOND_MS) /* 429 in JSON without a number                           */
#define EDGE_WAIT_MS   (10 * MINUTE_MS) /* 429 without JSON: the edge blocks this address          */
#define STANDIN_PATH   "/api/webhooks/100000000000000000/offline"

static const char *const hosts[] = { "discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com",
				     NULL };

/* /api/webhooks/… or /api/v10/webhooks/…, without the forms for Slack and GitHub, which take other fields. */
static bool is_hook(const char *url)
{
	const char *path = chat_is_at(url, hosts) ? strchr(url + sizeof("https://"), '/') : NULL;

	if (path == NULL || strncmp(path, "/api/", 5) != 0 || strpbrk(path, "?#") != NULL) return false;
	path += 5;
	if (path[0] == 'v' && path[1] >= '0' && path[1] <= '9') {
		path += 1 + strspn(path + 1, "0123456789");
		if (*path++ != '/') return false;
	}
	if (strncmp(path, "webhooks/", 9) != 0) return false;
	path += 9;
	path += strspn(path, "0123456789");
	return path[0] == '/' && path[1] != '\0' && strchr(path + 1, '/') == NULL;
}

const char *discord_refuse(const char *value, struct arena *a, enum lang lang)
{
	(void)a;
	if (*value == '\0' || is_hook(value) || chat_is_loopback(value)) return NULL;
	return words_get(
		lang,
		N_("should be the address that Discord shows for a webhook: https://discord.com/api/webhooks/…"));
}

static void configure(struct channel_config *out, const char **why, const struct env *env)
{
	const char *url = setting_text(env->settings, "discord.webhook_url");

	out->key = *url != '\0' || !env->is_offline ? url : "offline";
	chat_base(out->base_url, url, is_hook(url), env, STANDIN_PATH);
	out->timeout_ms = TOTAL_MS;
	*why = out->key[0] == '\0' ? "no_key" : out->base_url[0] == '\0' ? "no_base" : NULL;
}

static void read_limits(struct channel_limits *out, const struct http_answer *answer, instant now)
{
	int64_t ms = chat_ms_of(http_header(answer, "X-RateLimit-Reset-After"));
	const char *left = http_header(answer, "X-RateLimit-Remaining");
	const char *limit = http_header(answer, "X-RateLimit-Limit");
	int64_t left_ms = chat_ms_of(left), limit_ms = chat_ms_of(limit);

	if (left_ms != LIMIT_UNKNOWN) out->remaining = left_ms / SECOND_MS;
	if (limit_ms != LIMIT_UNKNOWN) out->limit = limit_ms / SECOND_MS;
	if (ms != LIMIT_UNKNOWN) out->reset_at = now + ms;
}

static int64_t rounded_up(int64_t ms)
{
	return (ms + SECOND_MS - 1) / SECOND_MS * SECOND_MS;
}

static void read_rate(struct verdict *v, const struct value *json, const struct http_answer *answer)
{
	int64_t header = chat_ms_of(http_header(answer, "Retry-After"));
	int64_t body = chat_ms_of_value(value_get(json, "retry_after"));
	int64_t ms = body > header ? body : header;

	if (json == NULL) {
		chat_wait(v, "rate", ms > EDGE_WAIT_MS ? ms : EDGE_WAIT_MS);
		return;
	}
	chat_wait(v, "rate", ms == LIMIT_UNKNOWN ? RATE_WAIT_MS : rounded_up(ms));
}

/* {"message","code"}, or {"content":["Must be 2000 or fewer in length."]}: the first text there is. */
static const char *message_of(struct arena *a, const struct value *json, const struct http_answer *answer)
{
	const char *text = value_text_of(value_get(json, "message"), "");
	int64_t code = value_int_of(value_get(json, "code"), 0);

	if (json == NULL) return chat_line(a, answer);
	if (*text != '\0') return code != 0 ? arena_printf(a, "%s (%lld)", text, (long long)code) : text;
	for (const struct value *m = json->first; m != NULL; m = m->next)
		if (m->type == VALUE_LIST && m->first != NULL && m->first->type == VALUE_TEXT)
			return arena_printf(a, "%s: %s", m->key, m->first->text);
	return "";
}

static void read_accepted(struct verdict *v, const struct value *json, const struct http_answer *answer)
{
	const char *id = value_text_of(value_get(json, "id"), "");

	if (answer->status == 204 || *id != '\0') {
		chat_put(v, OUTCOME_SENT, "accepted");
		snprintf(v->provider_id, sizeof(v->provider_id), "%s", id);
		v->detail[0] = '\0';
	} else {
		chat_put(v, OUTCOME_UNSURE, "odd_answer");
	}
}

void discord_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now)
{
	const struct value *json;
	int status;

	if (chat_no_answer(v, answer)) return;
	status = answer->status;
	json = chat_json(a, answer);
	read_limits(&v->limits, answer, now);
	chat_detail(v, message_of(a, json, answer));
	if (status >= 200 && status < 300)
		read_accepted(v, json, answer);
	else if (status == 429)
		read_rate(v, json, answer);
	else if (status == 401 || status == 403)
		chat_put(v, OUTCOME_STOP, "unauthorized");
	else if (status == 404 || status == 410 || (status >= 300 && status < 400))
		chat_put(v, OUTCOME_STOP, "not_found");
	else if (status == 408)
		chat_put(v, OUTCOME_UNSURE, "timeout");
	else if (status == 413)
		chat_put(v, OUTCOME_REFUSED, "too_large");
	else if (status >= 400 && status < 500)
		chat_put(v, OUTCOME_REFUSED, "refused");
	else
		chat_server_error(v, answer);
}

static enum rc build_send(struct channel_request *rq, const struct channel_config *cf,
			  const struct outgoing *m)
{
	enum rc rc;

	if (m->text[0] == '\0') return RC_BAD_INPUT;
	chat_begin(rq);
	sb_lit(&rq->body, "{\"content\":");
	chat_put_text(&rq->body, m->text, TEXT_UNITS_MAX);
	/* Nobody is called by what a text says; flags 4: links are not unfolded. */
	sb_lit(&rq->body, ",\"allowed_mentions\":{\"parse\":[]},\"flags\":4}");
	if ((rc = sb_result(&rq->body)) != RC_OK) return rc;
	snprintf(rq->url, sizeof(rq->url), "%s?wait=true", cf->base_url);
	chat_frame(rq, cf, "discord.send");
	return RC_OK;
}

/* Reading a webhook by its own address needs no other right and posts nothing. */
static enum rc build_test(struct channel_request *rq, const struct channel_config *cf)
{
	chat_begin(rq);
	snprintf(rq->url, sizeof(rq->url), "%s", cf->base_url);
	chat_frame(rq, cf, "discord.test");
	rq->http.method = "GET";
	rq->http.body = (struct bytes){ NULL, 0 };
	rq->http.may_repeat = true;
	return RC_OK;
}

static enum rc read_test(struct cx *cx, const char **sentence, const struct http_answer *answer)
{
	struct verdict v;

	discord_read_send(&v, cx->arena, answer, cx_now(cx));
	if (v.outcome == OUTCOME_SENT) {
		*sentence = _("Discord takes messages at this address.");
		return RC_OK;
	}
	if (v.outcome == OUTCOME_STOP) {
		*sentence = arena_printf(
			cx->arena, _("Discord refuses this address: %s. Make a new webhook."), v.detail);
		return RC_DENIED;
	}
	*sentence = arena_printf(cx->arena, _("Discord could not be asked just now: %s"),
				 v.detail[0] != '\0' ? v.detail : v.why);
	return RC_TRY_LATER;
}

static const struct channel_reason reasons[] = {
	{ "no_key", "", N_("There is no address for Discord: set discord.webhook_url.") },
	{ "no_base", "warning", N_("The address of Discord cannot be used: set discord.webhook_url anew.") },
	{ "unauthorized", "warning", N_("Discord refuses the address of the webhook: make a new one.") },
	{ "not_found", "warning", N_("Discord no longer knows the webhook: make a new one.") },
	{ NULL, NULL, NULL },
};

const struct channel_kind discord_channel = {
	.kind = "discord",
	.channel = "discord",
	.contact = "chat",
	.text_max = CHAT_TEXT_MAX,
	.configure = configure,
	.build_send = build_send,
	.read_send = discord_read_send,
	.reasons = reasons,
	.retry_minutes = chat_retry_minutes,
	.retry_max = CHAT_RETRY_MAX,
	.build_test = build_test,
	.read_test = read_test,
};
