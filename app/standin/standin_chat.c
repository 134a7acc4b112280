/*
** standin_chat.c -- plays Slack's and Discord's webhooks and a Telegram bot by contracts/chat-webhooks.md.
**
** How it answers is decided, first match wins, by (1) what POST /_standin/chat scripted for the next calls:
** {"provider": "slack", "answer": "rate_limited", "times": 2}; (2) the last word of a webhook's address, or a
** bot token that ends in ":WORD": https://hooks.slack.com/services/T0/B0/no_service. Words: the table below;
** GET /_standin/chat lists them. Without any it accepts.
**
** Owns:   the scripted answers in struct standin.
** Needs:  the lock held by its caller.
** Holds:  (1) every message that was read ends up in the ledger, refused ones too; its `to` is "slack",
**         "discord" or "telegram:CHAT"; (2) what the provider would refuse by its form is refused here; (3)
**         ids only grow.
*/
#include "standin/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE        "application/json"
#define TEXT_TYPE        "text/plain; charset=utf-8"
#define HTML_TYPE        "text/html; charset=UTF-8"
#define HANG_MS          (10 * 60 * 1000)
#define BODY_MAX         ((size_t)256 * 1024)
#define DISCORD_UNITS    2000
#define TELEGRAM_UNITS   4096
#define SCRIPT_TIMES_MAX 1000
#define MOVED_TO         "-1009990000001" /* where a chat that migrates goes; it accepts */
#define ANSWER_MAX       ((size_t)16 * 1024)

#define EDGE \
	"<html><head><title>429 Too Many Requests</title></head><body>You are being blocked.</body></html>"

enum act { ACT_ANSWER, ACT_HANG, ACT_CUT };

struct answer {
	const char *provider, *word;
	enum act act;
	int status;
	const char *type, *body, *retry_after;
	enum fate fate;
};

#define SLACK(status_, code_)                                                             \
	{                                                                                 \
		"slack", code_, ACT_ANSWER, status_, TEXT_TYPE, code_, NULL, FATE_REFUSED \
	}
#define DISCORD(word_, status_, body_)                                                      \
	{                                                                                   \
		"discord", word_, ACT_ANSWER, status_, JSON_TYPE, body_, NULL, FATE_REFUSED \
	}
#define TELEGRAM(word_, status_, text_)                                                                   \
	{                                                                                                 \
		"telegram", word_, ACT_ANSWER, status_, JSON_TYPE,                                        \
			"{\"ok\":false,\"error_code\":" #status_ ",\"description\":\"" text_ "\"}", NULL, \
			FATE_REFUSED                                                                      \
	}

static const struct answer answers[] = {
	SLACK(400, "invalid_payload"),
	SLACK(400, "no_text"),
	SLACK(400, "invalid_blocks"),
	SLACK(400, "too_many_attachments"),
	SLACK(400, "user_not_found"),
	SLACK(400, "posting_to_general_channel_denied"),
	SLACK(403, "action_prohibited"),
	SLACK(403, "invalid_token"),
	SLACK(403, "team_disabled"),
	SLACK(404, "channel_not_found"),
	SLACK(404, "no_service"),
	SLACK(404, "no_service_id"),
	SLACK(404, "no_team"),
	SLACK(404, "no_active_hooks"),
	SLACK(410, "channel_is_archived"),
	{ "slack", "rate_limited", ACT_ANSWER, 429, TEXT_TYPE, "rate_limited", "1", FATE_REFUSED },
	{ "slack", "rollup_error", ACT_ANSWER, 500, TEXT_TYPE, "rollup_error", NULL, FATE_REFUSED },
	DISCORD("unknown_webhook", 404, "{\"message\":\"Unknown Webhook\",\"code\":10015}"),
	DISCORD("invalid_token", 401, "{\"message\":\"Invalid Webhook Token\",\"code\":50027}"),
	DISCORD("missing_access", 403, "{\"message\":\"Missing Access\",\"code\":50001}"),
	DISCORD("invalid_form", 400, "{\"code\":50035,\"message\":\"Invalid Form Body\",\"errors\":{}}"),
	DISCORD("too_large", 413, "{\"message\":\"Request entity too large\",\"code\":40005}"),
	/* Header and body disagree: the body's 1.4 s is the longer one. */
	{ "discord", "rate_limited", ACT_ANSWER, 429, JSON_TYPE,
	  "{\"message\":\"You are being rate limited.\",\"retry_after\":1.4,\"global\":false}", "1",
	  FATE_REFUSED },
	{ "discord", "empty", ACT_ANSWER, 204, JSON_TYPE, "", NULL, FATE_ACCEPTED },
	TELEGRAM("unauthorized", 401, "Unauthorized"),
	TELEGRAM("wrong_token", 404, "Not Found"),
	TELEGRAM("chat_not_found", 400, "Bad Request: chat not found"),
	TELEGRAM("blocked", 403, "Forbidden: bot was blocked by the user"),
	TELEGRAM("kicked", 403, "Forbidden: bot was kicked from the group chat"),
	TELEGRAM("conflict", 409, "Conflict: terminated by other getUpdates request"),
	TELEGRAM("busy", 500, "Internal Server Error"),
	{ "telegram", "rate_limited", ACT_ANSWER, 429, JSON_TYPE,
	  "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 1\","
	  "\"parameters\":{\"retry_after\":1}}",
	  NULL, FATE_REFUSED },
	{ "telegram", "migrate", ACT_ANSWER, 400, JSON_TYPE,
	  "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group chat was upgraded to a supergroup chat\","
	  "\"parameters\":{\"migrate_to_chat_id\":" MOVED_TO "}}",
	  NULL, FATE_REFUSED },
	/* Of all three */
	{ NULL, "edge", ACT_ANSWER, 429, HTML_TYPE, EDGE, NULL, FATE_REFUSED },
	{ NULL, "broken", ACT_ANSWER, 502, HTML_TYPE, "<html><body>Bad Gateway</body></html>", NULL,
	  FATE_UNKNOWN },
	{ NULL, "hang", ACT_HANG, 0, NULL, NULL, NULL, FATE_UNKNOWN },
	{ NULL, "cut", ACT_CUT, 0, NULL, NULL, NULL, FATE_UNKNOWN },
};

static const struct answer *answer_of(const char *provider, const char *word)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		const struct answer *a = &answers[i];

		if ((a->provider == NULL || strcmp(a->provider, provider) == 0) && strcmp(a->word, word) == 0)
			return a;
	}
	return NULL;
}

/* One message on its way. */
struct posted {
	struct standin *s;
	struct reply *rp;
	const char *provider, *to, *text;
	int64_t id;
};

static void note(const struct posted *p, int status, enum fate fate, const char *outcome)
{
	struct arrival a = { .provider = p->provider,
			     .at = clock_now(p->s->clock),
			     .id = p->id,
			     .status = status,
			     .fate = fate,
			     .outcome = outcome,
			     .to = p->to,
			     .body = p->text,
			     .body_len = strlen(p->text) };

	ledger_add(p->s->ledger, &a);
}

static void say(struct reply *rp, int status, const char *type, const char *body)
{
	reply_status(rp, status);
	reply_body(rp, type, body, strlen(body));
}

static void refuse(const struct posted *p, int status, const char *type, const char *body)
{
	say(p->rp, status, type, body);
	note(p, status, FATE_REFUSED, "refused");
}

static void play(const struct posted *p, const struct answer *a)
{
	switch (a->act) {
	case ACT_HANG:
		reply_delay(p->rp, HANG_MS);
		reply_status(p->rp, 504);
		break;
	case ACT_CUT: reply_cut(p->rp); break;
	default:
		if (a->retry_after != NULL) reply_header(p->rp, "Retry-After", a->retry_after);
		say(p->rp, a->status, a->type, a->body);
		break;
	}
	note(p, a->status, a->fate,
	     a->fate == FATE_ACCEPTED  ? "accepted"
	     : a->fate == FATE_REFUSED ? "refused"
				       : a->word);
}

/* What was scripted for this provider, used up by this call; NULL: nothing. */
static const struct answer *scripted(struct standin *s, const char *provider)
{
	for (size_t i = 0; i < CHATS; i++) {
		struct chat_script *c = &s->chat_scripts[i];

		if (c->left == 0 || strcmp(c->provider, provider) != 0) continue;
		c->left--;
		return answer_of(provider, c->word);
	}
	return NULL;
}

/* UTF-16 units, as the providers count. */
static size_t units(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		if (((unsigned char)*text & 0xc0) != 0x80) n += (unsigned char)*text >= 0xf0 ? 2 : 1;
	return n;
}

static struct value *body_of(struct standin *s, struct request *rq)
{
	struct bytes b = request_body(rq);
	struct value *v = NULL;

	return json_parse(s->arena, &v, NULL, b.p, b.len) == RC_OK && v->type == VALUE_MAP ? v : NULL;
}

static int64_t next_id(struct standin *s)
{
	return ++s->chat_count;
}

/* Slack */

static void slack(struct posted *p, struct request *rq, const char *word)
{
	const struct value *body = body_of(p->s, rq);
	const struct answer *a;

	p->text = value_text_of(value_get(body, "text"), "");
	if ((a = scripted(p->s, "slack")) == NULL) a = answer_of("slack", word);
	if (a == NULL && body == NULL) a = answer_of("slack", "invalid_payload");
	if (a == NULL && p->text[0] == '\0') a = answer_of("slack", "no_text");
	if (a != NULL) {
		play(p, a);
		return;
	}
	p->id = next_id(p->s);
	say(p->rp, 200, TEXT_TYPE, "ok");
	note(p, 200, FATE_ACCEPTED, "accepted");
}

/* Discord */

static void discord(struct posted *p, struct request *rq, const char *word)
{
	const struct value *body = body_of(p->s, rq);
	const char *wait = request_query(rq, "wait");
	const struct answer *a;

	if ((a = scripted(p->s, "discord")) == NULL) a = answer_of("discord", word);
	if (strcmp(request_method(rq), "GET") == 0) {
		if (a != NULL)
			say(p->rp, a->status, a->type, a->body);
		else
			say(p->rp, 200, JSON_TYPE, "{\"id\":\"1\",\"type\":1,\"name\":\"Recado\"}");
		return;
	}
	p->text = value_text_of(value_get(body, "content"), "");
	reply_header(p->rp, "X-RateLimit-Limit", "5");
	reply_header(p->rp, "X-RateLimit-Remaining", "4");
	reply_header(p->rp, "X-RateLimit-Reset-After", "1.0");
	if (a != NULL) {
		play(p, a);
	} else if (p->text[0] == '\0') {
		refuse(p, 400, JSON_TYPE, "{\"message\":\"Cannot send an empty message\",\"code\":50006}");
	} else if (units(p->text) > DISCORD_UNITS) {
		refuse(p, 400, JSON_TYPE, "{\"content\":[\"Must be 2000 or fewer in length.\"]}");
	} else if (wait == NULL || strcmp(wait, "true") != 0) {
		reply_status(p->rp, 204);
		note(p, 204, FATE_ACCEPTED, "accepted");
	} else {
		p->id = next_id(p->s);
		say(p->rp, 200, JSON_TYPE,
		    arena_printf(p->s->arena, "{\"id\":\"%lld\",\"channel_id\":\"7\"}",
				 (long long)(INT64_C(900000000000000000) + p->id)));
		note(p, 200, FATE_ACCEPTED, "accepted");
	}
}

/* Telegram */

static const char *chat_of(struct standin *s, const struct value *v)
{
	if (v == NULL) return "";
	return v->type == VALUE_INT ? arena_printf(s->arena, "%lld", (long long)v->integer)
				    : value_text_of(v, "");
}

static void telegram(struct posted *p, struct request *rq, const char *word)
{
	const struct value *body = body_of(p->s, rq);
	const char *chat = chat_of(p->s, value_get(body, "chat_id"));
	const struct answer *a = scripted(p->s, "telegram");

	p->to = arena_printf(p->s->arena, "telegram:%s", chat);
	p->text = value_text_of(value_get(body, "text"), "");
	if (a == NULL) a = answer_of("telegram", word);
	/* It has moved already. */
	if (a != NULL && strcmp(a->word, "migrate") == 0 && strcmp(chat, MOVED_TO) == 0) a = NULL;
	if (a == NULL && chat[0] == '\0') a = answer_of("telegram", "chat_not_found");
	if (a != NULL) {
		play(p, a);
	} else if (p->text[0] == '\0' || units(p->text) > TELEGRAM_UNITS) {
		refuse(p, 400, JSON_TYPE,
		       p->text[0] == '\0'
			       ? "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: message text is empty\"}"
			       : "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: message is too long\"}");
	} else {
		p->id = next_id(p->s);
		say(p->rp, 200, JSON_TYPE,
		    arena_printf(p->s->arena, "{\"ok\":true,\"result\":{\"message_id\":%lld,\"date\":%lld}}",
				 (long long)p->id, (long long)(clock_now(p->s->clock) / SECOND_MS)));
		note(p, 200, FATE_ACCEPTED, "accepted");
	}
}

static void get_me(struct posted *p, const char *word)
{
	const struct answer *a = answer_of("telegram", word);

	if (a != NULL)
		say(p->rp, a->status, a->type, a->body);
	else
		say(p->rp, 200, JSON_TYPE,
		    "{\"ok\":true,\"result\":{\"id\":1,\"is_bot\":true,\"first_name\":\"Recado\",\"username\":\"recado_bot\"}}");
}

/* Doors */

static const char *last_word(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? "" : slash + 1;
}

static bool is_discord(const char *path)
{
	if (strncmp(path, "/api/", 5) != 0) return false;
	path += 5;
	if (*path == 'v') path += 1 + strspn(path + 1, "0123456789/");
	return strncmp(path, "webhooks/", 9) == 0;
}

bool chat_is_call(struct request *rq)
{
	const char *path = request_path(rq);

	return strncmp(path, "/services/", 10) == 0 || strncmp(path, "/bot", 4) == 0 || is_discord(path);
}

size_t chat_body_max(void)
{
	return BODY_MAX;
}

bool chat_handle(struct standin *s, struct request *rq, struct reply *rp)
{
	const char *path = request_path(rq), *method = request_method(rq), *word = last_word(path), *token;
	struct posted p = { .s = s, .rp = rp, .text = "" };
	bool is_post = strcmp(method, "POST") == 0;

	if (strncmp(path, "/services/", 10) == 0) {
		p.provider = p.to = "slack";
		if (is_post) slack(&p, rq, word);
		return is_post;
	}
	if (is_discord(path)) {
		p.provider = p.to = "discord";
		discord(&p, rq, word);
		return true;
	}
	token = strchr(path, ':');
	if (strncmp(path, "/bot", 4) != 0 || token == NULL || token > word) return false;
	token = arena_printf(s->arena, "%.*s", (int)(word - 1 - (token + 1)), token + 1);
	p.provider = p.to = "telegram";
	if (strcmp(word, "getMe") == 0)
		get_me(&p, token);
	else if (strcmp(word, "sendMessage") == 0)
		telegram(&p, rq, token);
	else
		say(rp, 404, JSON_TYPE,
		    "{\"ok\":false,\"error_code\":404,\"description\":\"Not Found: method not found\"}");
	return true;
}

/* Control */

void chat_reset(struct standin *s)
{
	memset(s->chat_scripts, 0, sizeof(s->chat_scripts));
}

static void list_words(struct standin *s, struct reply *rp)
{
	struct sb out;

	sb_init_arena(&out, s->arena, ANSWER_MAX);
	sb_lit(&out, "[");
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		const char *provider = answers[i].provider != NULL ? answers[i].provider : "*";

		sb_printf(&out, "%s{\"provider\":\"%s\",\"answer\":\"%s\",\"status\":%d}", i > 0 ? ",\n" : "",
			  provider, answers[i].word, answers[i].status);
	}
	sb_lit(&out, "]");
	say(rp, 200, JSON_TYPE, sb_text_of(&out));
}

static bool script(struct standin *s, const struct value *body)
{
	const char *provider = value_text_of(value_get(body, "provider"), "");
	const char *word = value_text_of(value_get(body, "answer"), "");
	int64_t times = value_int_of(value_get(body, "times"), 1);
	const struct answer *a = answer_of(provider, word);
	struct chat_script *free_place = NULL;

	if ((strcmp(provider, "slack") != 0 && strcmp(provider, "discord") != 0 &&
	     strcmp(provider, "telegram") != 0) ||
	    a == NULL || times < 0 || times > SCRIPT_TIMES_MAX)
		return false;
	for (size_t i = 0; i < CHATS; i++)
		if (s->chat_scripts[i].left == 0 || strcmp(s->chat_scripts[i].provider, provider) == 0)
			free_place = &s->chat_scripts[i];
	if (free_place == NULL) return false;
	*free_place = (struct chat_script){ .word = a->word, .left = (int)times };
	snprintf(free_place->provider, sizeof(free_place->provider), "%s", provider);
	return true;
}

bool chat_control(struct standin *s, struct request *rq, struct reply *rp)
{
	if (strcmp(request_method(rq), "GET") == 0)
		list_words(s, rp);
	else if (script(s, body_of(s, rq)))
		say(rp, 200, JSON_TYPE, "{\"ok\":true}");
	else
		say(rp, 422, JSON_TYPE,
		    "{\"error\":\"provider, answer (GET /_standin/chat lists them) and times were expected\"}");
	return true;
}
