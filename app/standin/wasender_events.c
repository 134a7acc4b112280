/*
** wasender_events.c -- the bodies of WaSenderAPI's webhook calls (contracts/wasender.md §7).
**
** Owns:   nothing.
** Needs:  the lock held by its caller.
** Holds:  both documented spellings appear in turn: messages with an even number tell `data` as an object
**         and the time in milliseconds, odd ones as an array and in seconds.
*/
#include "standin/inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LID_OF(phone) ((phone)*7 + 13) /* any number that is not the phone's */

static void put_key(struct sb *out, const char *to, int64_t id, const char *suffix)
{
	char key[24], jid[MESSAGE_TO_SIZE + 20];

	wasender_key(key, id);
	snprintf(jid, sizeof(jid), "%s%s", to, strchr(to, '@') == NULL ? suffix : "");
	sb_printf(out, "\"key\":{\"id\":\"%s\",\"fromMe\":true,\"remoteJid\":", key);
	sb_json(out, jid, strlen(jid));
	sb_lit(out, "}");
}

/* message.sent: the key as the provider writes it there, a phone with its plus. */
static void sent_event(const struct sent_message *m, struct sb *out, int64_t id, int64_t timestamp)
{
	sb_printf(out, "{\"event\":\"message.sent\",\"timestamp\":%" PRId64 ",\"data\":{", timestamp);
	put_key(out, m->to, id, "");
	if (m->what == MAGIC_NOT_SENT) {
		sb_lit(out, ",\"success\":false}}");
		return;
	}
	sb_lit(out, ",\"message\":{\"conversation\":");
	sb_json(out, m->text, strlen(m->text));
	sb_lit(out, "},\"success\":true}}");
}

void wasender_event(const struct standin *s, struct sb *out, int64_t index, enum stage stage)
{
	int64_t id = s->message_base + index, now = clock_now(s->clock);
	const struct sent_message *m = &s->messages[(size_t)index % s->messages_size];
	bool is_array = index % 2 == 1;
	int status = stage == STAGE_READ ? 4 : m->what == MAGIC_LATE_FAIL ? 0 : 3;

	if (stage == STAGE_SENT) {
		sent_event(m, out, id, is_array ? now / SECOND_MS : now);
		return;
	}
	sb_lit(out, "{\"event\":\"messages.update\",\"sessionId\":");
	sb_json(out, s->api_key, strlen(s->api_key));
	sb_printf(out, ",\"timestamp\":%" PRId64 ",\"data\":%s{\"update\":{\"status\":%d},",
		  is_array ? now / SECOND_MS : now, is_array ? "[" : "", status);
	put_key(out, m->to[0] == '+' ? m->to + 1 : m->to, id, "@s.whatsapp.net");
	sb_text(out, is_array ? "}]}" : "}}");
}

void wasender_session_event(const struct standin *s, struct sb *out)
{
	sb_lit(out, "{\"event\":\"session.status\",\"sessionId\":");
	sb_json(out, s->api_key, strlen(s->api_key));
	sb_lit(out, ",\"data\":{\"status\":");
	sb_json(out, s->status, strlen(s->status));
	sb_lit(out, "}}");
}

static void put_sender(struct sb *out, const char *phone, bool is_lid)
{
	int64_t digits = 0;

	for (const char *p = phone; *p >= '0' && *p <= '9'; p++)
		digits = (digits * 10 + (*p - '0')) % INT64_C(10000000000000000);
	if (!is_lid) {
		sb_printf(out,
			  "\"remoteJid\":\"%" PRId64 "@s.whatsapp.net\",\"senderPn\":\"%" PRId64
			  "@s.whatsapp.net\",\"cleanedSenderPn\":\"%" PRId64 "\"",
			  digits, digits, digits);
		return;
	}
	/* Only the internal identity: whoever reads this must not take it for a phone. */
	sb_printf(out,
		  "\"remoteJid\":\"%" PRId64 "@lid\",\"addressingMode\":\"lid\",\"senderLid\":\"%" PRId64
		  "@lid\"",
		  LID_OF(digits), LID_OF(digits));
}

void wasender_inbound(struct standin *s, struct sb *out, const struct value *what)
{
	const char *from = value_text_of(value_get(what, "from"), "");
	const char *text = value_text_of(value_get(what, "text"), "");
	const char *name = value_text_of(value_get(what, "name"), "");
	const char *id = value_text_of(value_get(what, "id"), NULL);
	bool is_array = value_bool_of(value_get(what, "array"), false);
	int64_t now = clock_now(s->clock);
	char key[24];

	/* Without an id each call is a message of its own: the time and the number of the day's call make
	** one. */
	wasender_key(key, now * 1000 + (int64_t)(s->inbound_count++ % 1000));
	if (id == NULL) id = key;
	if (from[0] == '+') from++;
	sb_printf(out,
		  "{\"event\":\"messages.received\",\"timestamp\":%" PRId64
		  ",\"data\":{\"messages\":%s{\"key\":{",
		  now / SECOND_MS, is_array ? "[" : "");
	sb_lit(out, "\"id\":");
	sb_json(out, id, strlen(id));
	sb_printf(out, ",\"fromMe\":%s,",
		  value_bool_of(value_get(what, "from_me"), false) ? "true" : "false");
	put_sender(out, from, value_bool_of(value_get(what, "lid"), false));
	sb_lit(out, "},\"pushName\":");
	sb_json(out, name, strlen(name));
	sb_printf(out, ",\"messageTimestamp\":%" PRId64 ",\"messageBody\":", now / SECOND_MS);
	sb_json(out, text, strlen(text));
	sb_lit(out, ",\"message\":{\"conversation\":");
	sb_json(out, text, strlen(text));
	sb_text(out, is_array ? "}}]}}" : "}}}}");
}
