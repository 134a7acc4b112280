/*
** telegram.c -- a Telegram bot: requests out, answers into verdicts.
**
** Owns:   nothing; pure functions over bytes (contracts/chat-webhooks.md §3).
** Never:  puts the token anywhere but into the address, where Telegram wants it; uses parse_mode: a text is
**         shown as it is.
** Holds:  (1) SENT only with "ok": true; (2) a refusal is believed from its JSON ("ok": false) whatever the
**         status; an error without it after the first byte is UNSURE from 500 on; (3) a group that became
**         another chat refuses the message and names the new chat: who asked for it sends it there once.
*/
#include "outbox/channels/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_UNITS_MAX  4096
#define TOTAL_MS        20000
#define RATE_WAIT_MS    (30 * SECOND_MS)         /* 429 without a number                              */
#define CHAT_ID_MAX     ((INT64_C(1) << 52) - 1) /* contract §3: up to 52 bits                       */
#define NAME_MAX_LENGTH 64                       /* "@" and 5 to 32 characters, and room to spare     */
#define PROVIDER        "https://api.telegram.org"
#define MOVED           "the group is now chat "

/* Addresses */

static bool is_number(const char *text)
{
	const char *digits = *text == '-' ? text + 1 : text;
	size_t n = strspn(digits, "0123456789");

	return n > 0 && n <= 16 && digits[n] == '\0' && digits[0] != '0' &&
	       strtoll(digits, NULL, 10) <= CHAT_ID_MAX;
}

bool telegram_is_chat(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	size_t n = strlen(text);

	if (text[0] == '@') return n > 1 && n <= NAME_MAX_LENGTH && strspn(text + 1, letters) == n - 1;
	return is_number(text);
}

const char *telegram_refuse_chat(const char *value, struct arena *a, enum lang lang)
{
	(void)a;
	if (*value == '\0' || telegram_is_chat(value)) return NULL;
	return words_get(lang,
			 N_("should be a chat's number, such as -1001234567890, or the @name of a channel"));
}

static bool is_base(const char *url)
{
	return strncasecmp(url, "https://", 8) == 0 && strpbrk(url + 8, "?#@") == NULL;
}

const char *telegram_refuse_base(const char *value, struct arena *a, enum lang lang)
{
	(void)a;
	if (*value == '\0' || is_base(value) || chat_is_loopback(value)) return NULL;
	return words_get(lang, N_("should begin with https://"));
}

/* A token goes into an address: only what a token is made of. */
static bool is_token(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t n = strspn(text, "0123456789");

	return n > 0 && text[n] == ':' && text[n + 1] != '\0' &&
	       strspn(text + n + 1, letters) == strlen(text + n + 1);
}

static void configure(struct channel_config *out, const char **why, const struct env *env)
{
	const char *base = setting_text(env->settings, "telegram.base_url");
	size_t n;

	out->key = setting_text(env->settings, "telegram.bot_token");
	if (out->key[0] == '\0' && env->is_offline) out->key = "1:offline";
	chat_base(out->base_url, *base != '\0' ? base : PROVIDER, *base == '\0' || is_base(base), env, "");
	for (n = strlen(out->base_url); n > 0 && out->base_url[n - 1] == '/'; n--)
		out->base_url[n - 1] = '\0';
	out->timeout_ms = TOTAL_MS;
	*why = out->key[0] == '\0'        ? "no_key"
	       : !is_token(out->key)      ? "bad_key"
	       : out->base_url[0] == '\0' ? "no_base"
					  : NULL;
}

/* Answers */

static bool has(const char *text, const char *word)
{
	return strcasestr(text, word) != NULL;
}

static void read_moved(struct verdict *v, int64_t chat_id)
{
	chat_put(v, OUTCOME_REFUSED, "moved");
	snprintf(v->detail, sizeof(v->detail), MOVED "%lld", (long long)chat_id);
}

bool telegram_moved_to(int64_t *chat_id, const char *detail)
{
	size_t n = sizeof(MOVED) - 1;

	if (strncmp(detail, MOVED, n) != 0 || !is_number(detail + n)) return false;
	*chat_id = strtoll(detail + n, NULL, 10);
	return true;
}

static void read_accepted(struct verdict *v, const struct value *json)
{
	chat_put(v, OUTCOME_SENT, "accepted");
	snprintf(v->provider_id, sizeof(v->provider_id), "%lld",
		 (long long)value_int_of(value_path(json, "result.message_id"), 0));
	if (strcmp(v->provider_id, "0") == 0) v->provider_id[0] = '\0';
	v->detail[0] = '\0';
}

static void read_dead(struct verdict *v, const char *why)
{
	chat_put(v, OUTCOME_REFUSED, why);
	v->dead = why;
}

/* The provider's own word, {"ok": false, "error_code", "description", "parameters"}. */
static void read_refused(struct verdict *v, const struct value *json, const char *text)
{
	int64_t code = value_int_of(value_get(json, "error_code"), v->http);
	int64_t wait = chat_ms_of_value(value_path(json, "parameters.retry_after"));
	int64_t moved = value_int_of(value_path(json, "parameters.migrate_to_chat_id"), 0);

	if (code == 429)
		chat_wait(v, "rate", wait == LIMIT_UNKNOWN ? RATE_WAIT_MS : wait);
	else if (code == 401)
		chat_put(v, OUTCOME_STOP, "unauthorized");
	else if (code == 404)
		chat_put(v, OUTCOME_STOP, "not_found");
	else if (code == 409)
		chat_put(v, OUTCOME_STOP, "conflict");
	else if (code == 403)
		read_dead(v, "blocked");
	else if (code == 400 && moved != 0)
		read_moved(v, moved);
	else if (code == 400 && has(text, "chat not found"))
		read_dead(v, "no_chat");
	else if (code >= 400 && code < 500)
		chat_put(v, OUTCOME_REFUSED, "refused");
	else
		/* It says itself that nothing was done. */
		chat_put(v, OUTCOME_NOT_YET, "busy");
}

/* A proxy or the edge spoke, not the bot interface. */
static void read_foreign(struct verdict *v, const struct http_answer *answer)
{
	int status = answer->status;
	int64_t ms = chat_ms_of(http_header(answer, "Retry-After"));

	if (status == 429)
		chat_wait(v, "rate", ms == LIMIT_UNKNOWN ? RATE_WAIT_MS : ms);
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

void telegram_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now)
{
	const struct value *json, *ok;
	const char *text;

	(void)now;
	if (chat_no_answer(v, answer)) return;
	json = chat_json(a, answer);
	ok = value_get(json, "ok");
	text = json != NULL ? value_text_of(value_get(json, "description"), "") : chat_line(a, answer);
	chat_detail(v, text);
	if (ok == NULL || ok->type != VALUE_BOOL)
		read_foreign(v, answer);
	else if (!ok->boolean)
		read_refused(v, json, text);
	else if (answer->status >= 200 && answer->status < 300)
		read_accepted(v, json);
	else
		chat_put(v, OUTCOME_UNSURE, "odd_answer");
}

/* Requests */

static void put_url(struct channel_request *rq, const struct channel_config *cf, const char *method)
{
	snprintf(rq->url, sizeof(rq->url), "%s/bot%.100s/%s", cf->base_url, cf->key, method);
}

static enum rc build_send(struct channel_request *rq, const struct channel_config *cf,
			  const struct outgoing *m)
{
	const char *chat = m->to;
	enum rc rc;

	if (strncmp(chat, TELEGRAM_ADDRESS, sizeof(TELEGRAM_ADDRESS) - 1) != 0 || m->text[0] == '\0')
		return RC_BAD_INPUT;
	chat += sizeof(TELEGRAM_ADDRESS) - 1;
	if (!telegram_is_chat(chat)) return RC_BAD_INPUT;
	chat_begin(rq);
	sb_lit(&rq->body, "{\"chat_id\":");
	if (chat[0] == '@')
		sb_json(&rq->body, chat, strlen(chat));
	else
		sb_text(&rq->body, chat);
	sb_lit(&rq->body, ",\"text\":");
	chat_put_text(&rq->body, m->text, TEXT_UNITS_MAX);
	sb_lit(&rq->body, ",\"link_preview_options\":{\"is_disabled\":true}}");
	if ((rc = sb_result(&rq->body)) != RC_OK) return rc;
	put_url(rq, cf, "sendMessage");
	chat_frame(rq, cf, "telegram.send");
	return RC_OK;
}

static enum rc build_test(struct channel_request *rq, const struct channel_config *cf)
{
	chat_begin(rq);
	put_url(rq, cf, "getMe");
	chat_frame(rq, cf, "telegram.test");
	rq->http.method = "GET";
	rq->http.body = (struct bytes){ NULL, 0 };
	rq->http.may_repeat = true;
	return RC_OK;
}

static enum rc read_test(struct cx *cx, const char **sentence, const struct http_answer *answer)
{
	struct verdict v;

	telegram_read_send(&v, cx->arena, answer, cx_now(cx));
	if (v.outcome == OUTCOME_SENT) {
		*sentence = _("Telegram knows the bot.");
		return RC_OK;
	}
	if (v.outcome == OUTCOME_STOP) {
		*sentence = arena_printf(cx->arena, _("Telegram refuses the bot's token: %s"), v.detail);
		return RC_DENIED;
	}
	*sentence = arena_printf(cx->arena, _("Telegram could not be asked just now: %s"),
				 v.detail[0] != '\0' ? v.detail : v.why);
	return RC_TRY_LATER;
}

static const struct channel_reason reasons[] = {
	{ "no_key", "", N_("There is no bot for Telegram: set telegram.bot_token.") },
	{ "bad_key", "warning",
	  N_("The token of the Telegram bot is not one: copy it again from BotFather (telegram.bot_token).") },
	{ "no_base", "warning", N_("The address of Telegram cannot be used: look at telegram.base_url.") },
	{ "unauthorized", "warning",
	  N_("Telegram refuses the bot's token: copy it again from BotFather (telegram.bot_token).") },
	{ "not_found", "warning",
	  N_("Telegram does not know the bot: look at telegram.bot_token and telegram.base_url.") },
	{ "conflict", "warning",
	  N_("Another program uses the Telegram bot: make a bot of its own for the notices.") },
	{ NULL, NULL, NULL },
};

const struct channel_kind telegram_channel = {
	.kind = "telegram",
	.channel = "telegram",
	.contact = "chat",
	.text_max = CHAT_TEXT_MAX,
	.configure = configure,
	.build_send = build_send,
	.read_send = telegram_read_send,
	.reasons = reasons,
	.retry_minutes = chat_retry_minutes,
	.retry_max = CHAT_RETRY_MAX,
	.build_test = build_test,
	.read_test = read_test,
};
