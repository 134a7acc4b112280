/*
** tables.c -- what the outbox declares to the rooms above: settings, rights, jobs, schedules, checks.
**
** Owns:   the rows.
** Never:  reads a setting: who uses one asks for it by name.
*/
#include "outbox/account.h"
#include "outbox/channels/smtp.h"
#include "outbox/inbound.h"
#include "outbox/ledger.h"
#include "outbox/retention.h"

#include <string.h>

const struct setting outbox_settings[] = {
	{ .name = "whatsapp.gateway",
	  .title = N_("Gateway"),
	  .section = N_("WhatsApp"),
	  .type = SET_ONE,
	  .def = "wasender",
	  .choices = "wasender",
	  .help = N_("Which gateway sends WhatsApp messages.") },
	{ .name = "whatsapp.api_key",
	  .title = N_("API key"),
	  .type = SET_TEXT,
	  .def = "",
	  .is_secret = true,
	  .old = "WASENDER_API_KEY",
	  .help = N_("API key of the gateway's session (of one linked number).") },
	{ .name = "whatsapp.base_url",
	  .title = N_("Address of the gateway"),
	  .type = SET_URL,
	  .def = "https://wasenderapi.com",
	  .old = "WASENDER_API_URL",
	  .help = N_("Address of the gateway; a trailing /api is dropped.") },
	{ .name = "whatsapp.webhook_secret",
	  .title = N_("Secret of the gateway’s events"),
	  .type = SET_TEXT,
	  .def = "",
	  .is_secret = true,
	  .old = "WASENDER_WEBHOOK_SECRET",
	  .help = N_(
		  "Secret that proves the gateway's events. Without it they are refused and deliveries are asked for.") },
	{ .name = "whatsapp.pause_s",
	  .title = N_("Pause between messages (seconds)"),
	  .type = SET_INT,
	  .def = "5",
	  .min = 0,
	  .max = 3600,
	  .old = "SEND_PAUSE_SECONDS",
	  .help = N_(
		  "Seconds between two messages, plus up to three tenths at random; then one is under way at a time. 0: no pause, as many at a time as outbox.slots.") },
	{ .name = "whatsapp.timeout_s",
	  .title = N_("Wait for an answer (seconds)"),
	  .type = SET_INT,
	  .def = "30",
	  .min = 1,
	  .max = 300,
	  .old = "SEND_TIMEOUT",
	  .help = N_("Seconds to wait for an answer of the gateway.") },
	{ .name = "whatsapp.check_after_s",
	  .title = N_("Ask how it went after (seconds)"),
	  .type = SET_INT,
	  .def = "10",
	  .min = 1,
	  .max = 3600,
	  .help = N_("Seconds after acceptance until the gateway is asked how the message is.") },
	{ .name = "whatsapp.alert_left_percent",
	  .title = N_("Warn when few messages are left (%)"),
	  .type = SET_INT,
	  .def = "10",
	  .min = 0,
	  .max = 100,
	  .old = "GATEWAY_ALERT_LEFT_PERCENT",
	  .help = N_("Warn when less than this share of the day's messages is left.") },
	{ .name = "whatsapp.per_hour",
	  .title = N_("At most in an hour"),
	  .type = SET_INT,
	  .def = "0",
	  .min = 0,
	  .max = 1000000,
	  .help = N_(
		  "Messages that may leave on WhatsApp in an hour; 0: any number. The rest follows in the next hour.") },
	{ .name = "whatsapp.per_day",
	  .title = N_("At most in a day"),
	  .type = SET_INT,
	  .def = "0",
	  .min = 0,
	  .max = 1000000,
	  .help = N_(
		  "Messages that may leave on WhatsApp in a day; 0: any number. The rest follows the next day.") },
	{ .name = "whatsapp.per_month",
	  .title = N_("At most in a month"),
	  .type = SET_INT,
	  .def = "0",
	  .min = 0,
	  .max = 10000000,
	  .help = N_(
		  "Messages that may leave on WhatsApp in a month; 0: any number. The rest follows the next month.") },
	{ .name = "outbox.slots",
	  .title = N_("Messages at a time"),
	  .section = N_("Sending of messages"),
	  .type = SET_INT,
	  .def = "8",
	  .min = 1,
	  .max = SLOTS_MAX,
	  .help = N_(
		  "Messages under way at a time when there is no pause; so many can be unsure after a power cut.") },
	{ .name = "outbox.window_from",
	  .title = N_("Send from"),
	  .type = SET_HHMM,
	  .def = "08:00",
	  .old = "SEND_WINDOW",
	  .help = N_("No message leaves before this hour, except answers to somebody who just wrote.") },
	{ .name = "outbox.window_to",
	  .title = N_("Send until"),
	  .type = SET_HHMM,
	  .def = "20:00",
	  .old = "SEND_WINDOW",
	  .help = N_("No message leaves from this hour on. The same as outbox.window_from: at any hour.") },
	{ .name = "outbox.retry_max",
	  .title = N_("Attempts in all"),
	  .type = SET_INT,
	  .def = "5",
	  .min = 1,
	  .max = 20,
	  .old = "RETRY_MAX",
	  .help = N_("How often a message that was provably not accepted is tried altogether.") },
	{ .name = "outbox.retry_minutes",
	  .title = N_("Minutes between attempts"),
	  .type = SET_LIST_INT,
	  .def = "5,30,120",
	  .min = 0,
	  .max = 1440,
	  .help = N_("Minutes until the second, third… try; the last one repeats.") },
	{ .name = "outbox.per_person_day",
	  .title = N_("At most to one person in a day"),
	  .type = SET_INT,
	  .def = "0",
	  .min = 0,
	  .max = 50,
	  .help = N_(
		  "Messages that one number or address gets in a day, answers to somebody who just wrote apart; 0: any number. The rest follows the next day.") },
	{ .name = "outbox.acknowledge",
	  .title = N_("Automatic answer"),
	  .type = SET_TEXT,
	  .def = "",
	  .help = N_("Automatic answer to somebody who writes, at most once a day each; empty: none.") },
	{ .name = "outbox.keep_days",
	  .title = N_("Keep texts of messages (days)"),
	  .type = SET_INT,
	  .def = "365",
	  .min = 30,
	  .max = 3650,
	  .help = N_("Days until the texts of messages are emptied; states and dates stay.") },
	{ .name = "outbox.keep_raw_days",
	  .title = N_("Keep the gateway’s events (days)"),
	  .type = SET_INT,
	  .def = "30",
	  .min = 1,
	  .max = 3650,
	  .help = N_("Days until the gateway's events, as they came, are emptied.") },
	{ .name = NULL },
};

const struct right outbox_rights[] = {
	{ .name = "outbox.view",
	  .title = N_("See messages, batches and the gateway"),
	  .roles = "owner seller reader" },
	{ .name = "outbox.edit", .title = N_("Cancel, decide and pause messages"), .roles = "owner" },
	{ .name = NULL },
};

const struct job_kind outbox_jobs[] = {
	{ .name = INBOUND_JOB,
	  .title = N_("Read what came in"),
	  .queue = "inbound",
	  .attempts_max = 5,
	  .time_limit_s = 300,
	  .delay_s = 5,
	  .run = inbound_run },
	{ .name = RETENTION_JOB,
	  .title = N_("Empty old texts"),
	  .queue = "house",
	  .attempts_max = 3,
	  .time_limit_s = 1800,
	  .delay_s = 300,
	  .run = retention_run },
	{ .name = NULL },
};

const struct schedule_default outbox_schedules[] = {
	{ .name = RETENTION_JOB,
	  .job_kind = RETENTION_JOB,
	  .rule = "40 3 * * *",
	  .late_rule = "run",
	  .late_limit_s = 86400 },
	{ .name = NULL },
};

/* Checks */

static void check_gateway(struct cx *cx, struct check_result *out)
{
	/* runs as printed: it asks for what only the owner knows */
	static const char ask_for_key[] = "read -r KEY && recado config set whatsapp.api_key \"$KEY\"";
	struct value *card = NULL;
	const char *state, *text;

	out->state = CHECK_FAIL;
	out->detail = _("The state of the gateway cannot be read.");
	out->remedy = "";
	if (channel_show(cx, &card, CHANNEL_WHATSAPP) != RC_OK) return;
	state = value_text_of(value_get(card, "state"), "");
	text = value_text_of(value_get(card, "why_text"), "");
	out->state = strcmp(state, "stopped") == 0 ? CHECK_WARN : CHECK_OK;
	out->detail = *text != '\0' ? text : _("Messages leave.");
	if (strcmp(state, "open") != 0 || value_bool_of(value_get(card, "key_is_set"), false) ||
	    cx->env->is_offline) {
		if (strcmp(value_text_of(value_get(card, "why"), ""), "no_key") == 0)
			out->remedy = ask_for_key;
		return;
	}
	out->state = CHECK_WARN;
	out->detail = account_why(
		cx, &(struct account){ .state = ACCOUNT_STOPPED,
				       .kind = setting_text(cx->env->settings, "whatsapp.gateway"),
				       .name = CHANNEL_WHATSAPP,
				       .why = "no_key",
				       .detail = "" });
	out->remedy = ask_for_key;
}

static void check_unsure(struct cx *cx, struct check_result *out)
{
	struct value *card = NULL;
	int64_t n = 0;

	out->state = CHECK_OK;
	out->remedy = "";
	out->detail = _("No message is unsure.");
	if (channel_show(cx, &card, CHANNEL_WHATSAPP) == RC_OK)
		n = value_int_of(value_get(card, "unsure"), 0);
	if (n == 0) return;
	out->state = CHECK_WARN;
	out->detail = arena_printf(
		cx->arena, _("Messages of which it is not certain that they arrived: %lld."), (long long)n);
	out->remedy = "recado outbox --state unsure";
}

/* WhatsApp has a row of its own. */
static const struct value *stopped_channel(const struct value *list)
{
	for (const struct value *c = list->first; c != NULL; c = c->next)
		if (strcmp(value_text_of(value_get(c, "name"), ""), CHANNEL_WHATSAPP) != 0 &&
		    strcmp(value_text_of(value_get(c, "state"), ""), "stopped") == 0)
			return c;
	return NULL;
}

static void check_channels(struct cx *cx, struct check_result *out)
{
	struct value *list = NULL;
	const struct value *c;
	bool is_halted = false;

	out->state = CHECK_FAIL;
	out->detail = _("The state of the channels cannot be read.");
	out->remedy = "recado check";
	if (channels_list(cx, &list) != RC_OK || outbox_is_halted(cx, &is_halted, NULL) != RC_OK) return;
	c = stopped_channel(list);
	out->state = is_halted || c != NULL ? CHECK_WARN : CHECK_OK;
	out->remedy = "";
	if (is_halted) {
		out->detail = _("Everything is stopped: no message leaves on any channel.");
		out->remedy = "recado outbox resume-all";
	} else if (c != NULL) {
		out->detail = value_text_of(value_get(c, "why_text"), "");
		out->remedy = arena_printf(cx->arena, "recado outbox resume %s",
					   value_text_of(value_get(c, "name"), ""));
	} else {
		out->detail = _("No channel is stopped.");
	}
}

const struct check outbox_checks[] = {
	{ .name = "gateway", .title = N_("WhatsApp gateway"), .in_health = false, .run = check_gateway },
	{ .name = "channels", .title = N_("E-mail and chats"), .in_health = false, .run = check_channels },
	{ .name = "mail", .title = N_("Mail server"), .section = SECTION_INTEGRATIONS, .run = smtp_check },
	{ .name = "unsure", .title = N_("Unsure messages"), .in_health = false, .run = check_unsure },
	{ .name = NULL },
};
