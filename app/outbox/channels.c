/*
** channels.c -- the channels of the house, the plug-ins that serve them and the words they share.
**
** Owns:   the tables of channels and of channel kinds.
** Never:  speaks to a provider.
** Holds:  a channel's name is the name of its account: there is one account a channel.
*/
#include "outbox/channel.h"

#include <string.h>
#include <unistd.h>

/* of a slot between two messages; a mail may have a thousand times that */
#define SECRET_LEAST     16 /* of an address's part: "sendMessage" and "webhooks" are shorter, tokens longer */
#define SECRET_END_LEAST 4
#define BODY_KEPT        ((size_t)64 * 1024)

static const struct channel_kind *const kinds[] = { &wasender_channel, &smtp_channel,     &slack_channel,
						    &discord_channel,  &telegram_channel, &doppler_channel,
						    &sendgrid_channel };

const struct channel_kind *channel_kind_find(const char *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i]->kind, kind) == 0) return kinds[i];
	return NULL;
}

static bool is_code(const char *row, const char *why)
{
	size_t n = strcspn(row, "*");

	return strncmp(row, why, n) == 0 && (row[n] == '*' || why[n] == '\0');
}

const char *channel_code_words(const char *why)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		for (const struct channel_code *c = kinds[i]->codes; c != NULL && c->why != NULL; c++)
			if (is_code(c->why, why)) return c->msgid;
	return NULL;
}

bool channel_code_is_batchs(const char *why)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i]->batchs_code != NULL && strcmp(kinds[i]->batchs_code, why) == 0) return true;
	return false;
}

/*
** A mail server takes several lines at once; four are quicker than anybody waits for, and few can be unsure.
** The chats take one message a second (Slack), about thirty a minute (Discord) and twenty a minute in a group
** (Telegram): contracts/chat-webhooks.md.
*/
static const struct channel channels[] = {
	{ .name = "whatsapp",
	  .title = N_("WhatsApp"),
	  .kind_setting = "whatsapp.gateway",
	  .settings = "whatsapp",
	  .is_for_people = true,
	  .is_main = true,
	  .pause_ms = -1 },
	{ .name = "email",
	  .title = N_("E-mail"),
	  .kind = "smtp",
	  .settings = "smtp",
	  .is_for_people = true,
	  .slots = 4,
	  .slots_setting = "sends.parallel",
	  .pace_setting = "sends.pace_ms",
	  .unsure_row_max = 10 },
	{ .name = "doppler",
	  .title = N_("Doppler Relay"),
	  .kind = "doppler",
	  .settings = "doppler",
	  .is_for_people = true,
	  .slots_setting = "sends.parallel",
	  .pace_setting = "sends.pace_ms",
	  .has_utc_periods = true,
	  .unsure_row_max = 10 },
	{ .name = "sendgrid",
	  .title = N_("SendGrid"),
	  .kind = "sendgrid",
	  .settings = "sendgrid",
	  .is_for_people = true,
	  .slots_setting = "sends.parallel",
	  .pace_setting = "sends.pace_ms",
	  .unsure_row_max = 10 },
	{ .name = "slack",
	  .title = N_("Slack"),
	  .kind = "slack",
	  .settings = "slack",
	  .slots = 1,
	  .pause_ms = 1000 },
	{ .name = "discord",
	  .title = N_("Discord"),
	  .kind = "discord",
	  .settings = "discord",
	  .slots = 1,
	  .pause_ms = 2000 },
	{ .name = "telegram",
	  .title = N_("Telegram"),
	  .kind = "telegram",
	  .settings = "telegram",
	  .slots = 1,
	  .pause_ms = 3000 },
};

const struct channel *channel_at(size_t i)
{
	return i < sizeof(channels) / sizeof(*channels) ? &channels[i] : NULL;
}

const struct channel *channel_find(const char *name)
{
	for (size_t i = 0; i < sizeof(channels) / sizeof(*channels); i++)
		if (strcmp(channels[i].name, name) == 0) return &channels[i];
	return NULL;
}

const struct channel_kind *channel_kind_of(const struct channel *c, const struct env *env)
{
	return channel_kind_find(c->kind_setting != NULL ? setting_text(env->settings, c->kind_setting)
							 : c->kind);
}

void channel_request_rest(struct channel_request *rq)
{
	if (rq->body.cap > BODY_KEPT) sb_free(&rq->body);
	if (rq->mail.has_file) close(rq->mail.file);
	rq->mail.has_file = false;
}

static void mask_part(char *text, const char *part, size_t len)
{
	for (; *text != '\0'; text++) {
		size_t n = 0;

		while (n < len && text[n] == part[n])
			n++;
		if (n == len || (n >= SECRET_END_LEAST && text[n] == '\0')) memset(text, '*', n);
	}
}

void channel_request_mask(const struct channel_request *rq, char *text)
{
	const char *part = strstr(rq->url, "://");

	if (rq->http.mail != NULL) return; /* what stands there is our own name */
	part = part != NULL ? part + 3 : rq->url;
	part += strcspn(part, "/");
	while (*part == '/') {
		size_t len = strcspn(++part, "/?#");

		if (len >= SECRET_LEAST) mask_part(text, part, len);
		/* Of Telegram the token may be quoted without the word before it. */
		if (len >= SECRET_LEAST + 3 && strncmp(part, "bot", 3) == 0)
			mask_part(text, part + 3, len - 3);
		part += len;
	}
}

const char *outcome_name(enum outcome o)
{
	static const char *const names[OUTCOME__MAX] = {
		[OUTCOME_SENT] = "sent", [OUTCOME_NOT_YET] = "not_yet", [OUTCOME_REFUSED] = "refused",
		[OUTCOME_HOLD] = "hold", [OUTCOME_STOP] = "stop",       [OUTCOME_UNSURE] = "unsure",
	};

	return o < OUTCOME__MAX ? names[o] : "unsure";
}

bool session_is_open(const char *session)
{
	return strcmp(session, "connected") == 0;
}

bool session_needs_person(const char *session)
{
	static const char *const words[] = { "need_scan", "need_passkey", "logged_out", "expired" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(session, words[i]) == 0) return true;
	return false;
}

static bool is_mark(const char *p, size_t *len)
{
	return p[0] == '<' && (*len = strcspn(p, ">")) > 0;
}

const char *channel_plain_words(struct arena *a, const char *body, size_t max)
{
	struct sb sb;
	size_t len;

	sb_init_arena(&sb, a, 2 * max);
	for (const char *p = body; *p != '\0' && sb.len < max; p++) {
		if (is_mark(p, &len)) {
			p += len;
			if (*p == '\0') break;
			if (sb.len > 0 && sb.p[sb.len - 1] != ' ') sb_char(&sb, ' ');
		} else if ((unsigned char)*p > ' ') {
			sb_char(&sb, *p);
		} else if (sb.len > 0 && sb.p[sb.len - 1] != ' ') {
			sb_char(&sb, ' ');
		}
	}
	return sb_text_of(&sb);
}
