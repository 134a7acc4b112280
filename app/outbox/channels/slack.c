/*
** slack.c -- Slack's incoming webhook: requests out, answers into verdicts.
**
** Owns:   nothing; pure functions over bytes (contracts/chat-webhooks.md §1).
** Never:  puts the address, which is the secret, anywhere but into the request.
** Holds:  (1) SENT only with 2xx and the text "ok"; (2) the code in the body decides before the status, whose
**         numbers Slack does not promise; (3) no formatting: what a text says is shown as it is, and nobody
**         is called by "<!channel>".
*/
#include "outbox/channels/chat.h"

#include <stdio.h>
#include <string.h>

#define TEXT_UNITS_MAX 4000 /* contract §1: cut by Slack above 40,000, "keep at most 4,000"           */
#define TOTAL_MS       20000
#define RATE_WAIT_MS   (30 * SECOND_MS) /* 429 without a number */
#define STANDIN_PATH   "/services/T00000000/B00000000/offline"

static const char *const hosts[] = { "hooks.slack.com", "hooks.slack-gov.com", NULL };

/* Workflow triggers (/triggers/…) take other fields and would lose the text. */
static bool is_hook(const char *url)
{
	const char *path = strstr(url, "/services/");

	return chat_is_at(url, hosts) && path != NULL && strchr(url + sizeof("https://"), '/') == path &&
	       path[sizeof("/services/") - 1] != '\0';
}

const char *slack_refuse(const char *value, struct arena *a, enum lang lang)
{
	(void)a;
	if (*value == '\0' || is_hook(value) || chat_is_loopback(value)) return NULL;
	return words_get(
		lang,
		N_("should be the address that Slack shows for an incoming webhook: https://hooks.slack.com/services/…"));
}

static void configure(struct channel_config *out, const char **why, const struct env *env)
{
	const char *url = setting_text(env->settings, "slack.webhook_url");

	out->key = *url != '\0' || !env->is_offline ? url : "offline";
	chat_base(out->base_url, url, is_hook(url), env, STANDIN_PATH);
	out->timeout_ms = TOTAL_MS;
	*why = out->key[0] == '\0' ? "no_key" : out->base_url[0] == '\0' ? "no_base" : NULL;
}

static const struct {
	const char *code;
	enum outcome outcome;
	const char *why;
} codes[] = {
	{ "invalid_payload", OUTCOME_REFUSED, "refused" },
	{ "no_text", OUTCOME_REFUSED, "refused" },
	{ "invalid_blocks", OUTCOME_REFUSED, "refused" },
	{ "too_many_attachments", OUTCOME_REFUSED, "refused" },
	{ "user_not_found", OUTCOME_REFUSED, "refused" },
	{ "posting_to_general_channel_denied", OUTCOME_REFUSED, "refused" },
	{ "action_prohibited", OUTCOME_STOP, "unauthorized" },
	{ "invalid_token", OUTCOME_STOP, "unauthorized" },
	{ "team_disabled", OUTCOME_STOP, "unauthorized" },
	{ "channel_not_found", OUTCOME_STOP, "not_found" },
	{ "no_service", OUTCOME_STOP, "not_found" },
	{ "no_service_id", OUTCOME_STOP, "not_found" },
	{ "no_team", OUTCOME_STOP, "not_found" },
	{ "no_active_hooks", OUTCOME_STOP, "not_found" },
	{ "channel_is_archived", OUTCOME_STOP, "archived" },
	{ "rate_limited", OUTCOME_NOT_YET, "rate" },
	/* Slack's own word that nothing was posted, and that it may be asked again. */
	{ "rollup_error", OUTCOME_NOT_YET, "busy" },
};

static void read_rate(struct verdict *v, const struct http_answer *answer)
{
	int64_t ms = chat_ms_of(http_header(answer, "Retry-After"));

	chat_wait(v, "rate", ms == LIMIT_UNKNOWN ? RATE_WAIT_MS : ms);
}

static bool read_code(struct verdict *v, const char *code, const struct http_answer *answer)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (strcmp(codes[i].code, code) == 0) {
			chat_put(v, codes[i].outcome, codes[i].why);
			if (strcmp(codes[i].why, "rate") == 0) read_rate(v, answer);
			return true;
		}
	return false;
}

static void read_status(struct verdict *v, const struct http_answer *answer)
{
	int status = answer->status;

	if (status == 429)
		read_rate(v, answer);
	else if (status == 401 || status == 403)
		chat_put(v, OUTCOME_STOP, "unauthorized");
	else if (status == 404 || status == 410 || (status >= 300 && status < 400))
		chat_put(v, OUTCOME_STOP, "not_found");
	else if (status == 408)
		chat_put(v, OUTCOME_UNSURE, "timeout");
	else if (status >= 400 && status < 500)
		chat_put(v, OUTCOME_REFUSED, "refused");
	else if (status >= 500)
		chat_server_error(v, answer);
	else
		chat_put(v, OUTCOME_UNSURE, "odd_answer");
}

/* A 429 may come as JSON: its "error" is the code then. */
static const char *code_of(struct arena *a, const struct http_answer *answer)
{
	const struct value *json = chat_json(a, answer);
	const char *code = value_text_of(value_get(json, "error"), "");

	return *code != '\0' ? code : chat_line(a, answer);
}

void slack_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now)
{
	const char *code;

	(void)now;
	if (chat_no_answer(v, answer)) return;
	code = code_of(a, answer);
	if (answer->status >= 200 && answer->status < 300 && strcmp(code, "ok") == 0) {
		chat_put(v, OUTCOME_SENT, "accepted");
		return;
	}
	chat_detail(v, code);
	if (!read_code(v, code, answer)) read_status(v, answer);
}

/* Exactly three characters are escaped (contract §1). */
static void put_escaped(struct sb *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		switch (text[i]) {
		case '&': sb_lit(out, "&amp;"); break;
		case '<': sb_lit(out, "&lt;"); break;
		case '>': sb_lit(out, "&gt;"); break;
		default: sb_char(out, text[i]); break;
		}
}

static enum rc build_send(struct channel_request *rq, const struct channel_config *cf,
			  const struct outgoing *m)
{
	size_t n = chat_fit(m->text, TEXT_UNITS_MAX);
	struct sb text;
	enum rc rc;

	if (m->text[0] == '\0') return RC_BAD_INPUT;
	chat_begin(rq);
	/* Each unit is at most 3 bytes, or 5 once escaped. */
	sb_init(&text, (size_t)TEXT_UNITS_MAX * 5 + 8);
	put_escaped(&text, m->text, n);
	if (m->text[n] != '\0') sb_lit(&text, "…");
	rc = sb_result(&text);
	sb_lit(&rq->body, "{\"text\":");
	sb_json(&rq->body, sb_text_of(&text), text.len);
	sb_lit(&rq->body, ",\"mrkdwn\":false,\"unfurl_links\":false}");
	sb_free(&text);
	if (rc == RC_OK) rc = sb_result(&rq->body);
	if (rc != RC_OK) return rc;
	snprintf(rq->url, sizeof(rq->url), "%s", cf->base_url);
	chat_frame(rq, cf, "slack.send");
	return RC_OK;
}

/* A message without a text: a webhook that lives refuses it, a dead one says that it is dead. */
static enum rc build_test(struct channel_request *rq, const struct channel_config *cf)
{
	chat_begin(rq);
	sb_lit(&rq->body, "{}");
	if (sb_result(&rq->body) != RC_OK) return sb_result(&rq->body);
	snprintf(rq->url, sizeof(rq->url), "%s", cf->base_url);
	chat_frame(rq, cf, "slack.test");
	return RC_OK;
}

static enum rc read_test(struct cx *cx, const char **sentence, const struct http_answer *answer)
{
	struct verdict v;

	slack_read_send(&v, cx->arena, answer, cx_now(cx));
	if (v.outcome == OUTCOME_REFUSED || v.outcome == OUTCOME_SENT) {
		*sentence = _("Slack takes messages at this address.");
		return RC_OK;
	}
	if (v.outcome == OUTCOME_STOP) {
		*sentence = arena_printf(cx->arena,
					 _("Slack refuses this address: %s. Make a new incoming webhook."),
					 v.detail);
		return RC_DENIED;
	}
	*sentence = arena_printf(cx->arena, _("Slack could not be asked just now: %s"),
				 v.detail[0] != '\0' ? v.detail : v.why);
	return RC_TRY_LATER;
}

static const struct channel_reason reasons[] = {
	{ "no_key", "", N_("There is no address for Slack: set slack.webhook_url.") },
	{ "no_base", "warning", N_("The address of Slack cannot be used: set slack.webhook_url anew.") },
	{ "unauthorized", "warning", N_("Slack refuses the address of the webhook: make a new one.") },
	{ "not_found", "warning", N_("Slack no longer knows the webhook: make a new one.") },
	{ "archived", "warning", N_("The channel in Slack was archived: make a webhook for another one.") },
	{ NULL, NULL, NULL },
};

const struct channel_kind slack_channel = {
	.kind = "slack",
	.channel = "slack",
	.contact = "chat",
	.text_max = CHAT_TEXT_MAX,
	.configure = configure,
	.build_send = build_send,
	.read_send = slack_read_send,
	.reasons = reasons,
	.retry_minutes = chat_retry_minutes,
	.retry_max = CHAT_RETRY_MAX,
	.build_test = build_test,
	.read_test = read_test,
};
