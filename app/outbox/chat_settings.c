/*
** chat_settings.c -- [slack], [discord], [telegram]: where notices to the owner's own chats go.
**
** In all three the address, or the token in it, is the secret: whoever has it can write there.
**
** Owns:   the rows.
** Never:  reads a setting: the channels do.
*/
#include "outbox/channels/chat.h"
#include "outbox/outbox.h"

const struct setting chat_settings[] = {
	{ .name = "slack.webhook_url",
	  .title = N_("Address of the webhook"),
	  .section = N_("Slack"),
	  .type = SET_URL,
	  .def = "",
	  .max = 500,
	  .is_secret = true,
	  .old = "SLACK_WEBHOOK_URL",
	  .refuse = slack_refuse,
	  .help = N_("Address of an incoming webhook of Slack, for notices to you; empty: none go there.") },
	{ .name = "discord.webhook_url",
	  .title = N_("Address of the webhook"),
	  .section = N_("Discord"),
	  .type = SET_URL,
	  .def = "",
	  .max = 500,
	  .is_secret = true,
	  .old = "DISCORD_WEBHOOK_URL",
	  .refuse = discord_refuse,
	  .help = N_("Address of a webhook of Discord, for notices to you; empty: none go there.") },
	{ .name = "telegram.bot_token",
	  .title = N_("Token of the bot"),
	  .section = N_("Telegram"),
	  .type = SET_TEXT,
	  .def = "",
	  .max = 100,
	  .is_secret = true,
	  .help = N_("Token of your Telegram bot, as BotFather shows it; empty: no notices go there.") },
	{ .name = "telegram.chat_id",
	  .title = N_("Chat"),
	  .type = SET_TEXT,
	  .def = "",
	  .max = 70,
	  .refuse = telegram_refuse_chat,
	  .help = N_(
		  "Number of the chat with the bot, of a group, or the @name of a channel. Write to the bot first.") },
	{ .name = "telegram.base_url",
	  .title = N_("Address of Telegram"),
	  .type = SET_URL,
	  .def = "https://api.telegram.org",
	  .max = 300,
	  .refuse = telegram_refuse_base,
	  .help = N_("Only for a Bot API server of your own; else leave it as it is.") },
	{ .name = NULL },
};
