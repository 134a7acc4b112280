/*
** wasender_event.c -- what WaSender tells by webhook: one body into plain events (contract sheet §7).
**
** Owns:   nothing; pure functions over a parsed body.
** Never:  believes a LID to be a phone number; stores; logs.
** Holds:  (1) total: any JSON gives a list, perhaps of ignored events; (2) `data` and `messages` may be an
**         object or a list; (3) a time beyond 10^11 is milliseconds; (4) own, group, newsletter and status
**         messages are ignored.
*/
#include "outbox/channels/wasender.h"
#include "base/seal.h"

#include <string.h>

#define MS_LEAST         INT64_C(100000000000) /* sheet §7: values beyond are milliseconds */
#define PHONE_DIGITS_MIN 8                     /* E.164 and the house's phone rule          */
#define PHONE_DIGITS_MAX 15

struct gather {
	struct arena *a;
	struct wasender_event *list;
	size_t count, room;
	instant at; /* of the envelope */
};

static const char *first_text(const struct value *v, const char *const *paths)
{
	for (; *paths != NULL; paths++) {
		const char *text = value_text_of(value_path(v, *paths), "");

		if (*text != '\0') return text;
	}
	return "";
}

static instant time_of(const struct value *v)
{
	int64_t n = value_int_of(v, 0);

	if (n <= 0) return 0;
	return n > MS_LEAST ? n : n * SECOND_MS;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* The digits before "@" (and before ":", which names a device), if they can be a number; else "". */
static const char *digits_before_at(struct arena *a, const char *text)
{
	size_t n;

	if (*text == '+') text++;
	n = strspn(text, "0123456789");
	if (n < PHONE_DIGITS_MIN || (text[n] != '\0' && text[n] != '@' && text[n] != ':')) return "";
	return arena_bytes(a, text, n);
}

static const char *const texts_of_message[] = { "messageBody", "message.extendedTextMessage.text",
						"message.conversation", NULL };

static const char *phone_of(struct arena *a, const struct value *key)
{
	static const char *const paths[] = { "cleanedSenderPn", "senderPn", NULL };
	const char *pn = first_text(key, paths);
	const char *jid = value_text_of(value_get(key, "remoteJid"), "");
	const char *digits;

	if (*pn == '\0' && !ends_with(jid, "@lid")) pn = jid;
	digits = digits_before_at(a, pn);
	return *digits != '\0' && strlen(digits) <= PHONE_DIGITS_MAX ? arena_printf(a, "+%s", digits) : "";
}

static const char *lid_of(struct arena *a, const struct value *key)
{
	const char *lid = value_text_of(value_get(key, "senderLid"), "");
	const char *jid = value_text_of(value_get(key, "remoteJid"), "");

	if (*lid == '\0' && ends_with(jid, "@lid")) lid = jid;
	return digits_before_at(a, lid);
}

static bool is_person(const char *jid)
{
	return !ends_with(jid, "@g.us") && !ends_with(jid, "@newsletter") && !ends_with(jid, "@broadcast");
}

static struct wasender_event *add(struct gather *g, enum wasender_event_kind kind)
{
	struct wasender_event *e;

	if (g->count == g->room) return NULL;
	e = &g->list[g->count++];
	*e = (struct wasender_event){ .kind = kind,
				      .key_id = "",
				      .phone = "",
				      .lid = "",
				      .name = "",
				      .text = "",
				      .status = STATUS_UNKNOWN,
				      .session = "unknown",
				      .at = g->at };
	return e;
}

static void add_message(struct gather *g, const struct value *m)
{
	const struct value *key = value_get(m, "key");
	struct wasender_event *e = add(g, EVENT_IGNORED);
	instant at = time_of(value_get(m, "messageTimestamp"));

	if (e == NULL) return;
	e->key_id = value_text_of(value_get(key, "id"), "");
	e->phone = phone_of(g->a, key);
	e->lid = lid_of(g->a, key);
	e->name = value_text_of(value_get(m, "pushName"), "");
	e->text = first_text(m, texts_of_message);
	if (at > 0) e->at = at;
	if (value_bool_of(value_get(key, "fromMe"), false)) return;
	if (!is_person(value_text_of(value_get(key, "remoteJid"), ""))) return;
	if (*e->text == '\0' || *e->key_id == '\0' || (*e->phone == '\0' && *e->lid == '\0')) return;
	e->kind = EVENT_MESSAGE;
}

static void add_update(struct gather *g, const struct value *u)
{
	struct wasender_event *e = add(g, EVENT_IGNORED);

	if (e == NULL) return;
	e->key_id = value_text_of(value_path(u, "key.id"), "");
	e->status = wasender_status(value_path(u, "update.status"));
	if (e->status == STATUS_UNKNOWN) e->status = wasender_status(value_get(u, "status"));
	if (*e->key_id != '\0' && e->status != STATUS_UNKNOWN) e->kind = EVENT_STATUS;
}

/* "success": false without a message says that it could not be sent (sheet §7). */
static void add_sent(struct gather *g, const struct value *s)
{
	const struct value *success = value_get(s, "success");
	struct wasender_event *e = add(g, EVENT_IGNORED);

	if (e == NULL) return;
	e->key_id = value_text_of(value_path(s, "key.id"), "");
	e->phone = phone_of(g->a, value_get(s, "key"));
	e->text = first_text(s, texts_of_message);
	e->status = success != NULL && !value_bool_of(success, true) ? STATUS_ERROR : STATUS_SENT;
	if (*e->key_id != '\0') e->kind = EVENT_STATUS;
}

/* Call f for v, or for each child if it is a list. */
static void each(struct gather *g, const struct value *v, void (*f)(struct gather *, const struct value *))
{
	if (v == NULL) return;
	if (v->type != VALUE_LIST) {
		f(g, v);
		return;
	}
	for (const struct value *c = v->first; c != NULL; c = c->next)
		f(g, c);
}

static void add_received(struct gather *g, const struct value *data)
{
	const struct value *messages = value_get(data, "messages");

	each(g, messages != NULL ? messages : data, add_message);
}

/* What old set-ups posted by themselves: flat fields, no event name (spec renewals §9). */
static void add_plain(struct gather *g, const struct value *body)
{
	static const char *const texts[] = { "text",
					     "message",
					     "body",
					     "text_body",
					     "messages.0.text.body",
					     "messages.0.text",
					     "messages.0.body",
					     NULL };
	static const char *const phones[] = { "from",  "from_number", "wa_id",           "sender",
					      "phone", "msisdn",      "messages.0.from", NULL };
	static const char *const ids[] = { "id", "message_id", "messages.0.id", NULL };
	const char *digits = digits_before_at(g->a, first_text(body, phones));
	struct wasender_event *e = add(g, EVENT_IGNORED);

	if (e == NULL) return;
	e->text = first_text(body, texts);
	e->key_id = first_text(body, ids);
	if (*digits != '\0' && strlen(digits) <= PHONE_DIGITS_MAX)
		e->phone = arena_printf(g->a, "+%s", digits);
	if (*e->text != '\0' && *e->phone != '\0') e->kind = EVENT_MESSAGE;
}

/* How many events a body can tell at most: one for each element of its lists. */
static size_t room_for(const struct value *data)
{
	size_t n = 1;

	if (data == NULL) return n;
	if (data->type != VALUE_LIST)
		return n + (value_get(data, "messages") ? value_get(data, "messages")->count : 0);
	for (const struct value *v = data->first; v != NULL; v = v->next) {
		const struct value *messages = value_get(v, "messages");

		n += 1 + (messages != NULL ? messages->count : 0);
	}
	return n;
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0) return true;
	return false;
}

enum rc wasender_events(struct arena *a, struct wasender_event **out, size_t *count, const struct value *body)
{
	static const char *const received[] = { "messages.received", "messages-personal.received",
						"message.received",  "message.personal.received",
						"messages.upsert",   NULL };
	const struct value *data = value_get(body, "data");
	const char *event = value_text_of(value_get(body, "event"), "");
	struct gather g = { .a = a, .at = time_of(value_get(body, "timestamp")) };

	g.room = room_for(data);
	g.list = arena_array(a, g.room, sizeof(*g.list));
	if (g.list == NULL) return RC_NO_MEMORY;
	if (is_one_of(event, received)) {
		each(&g, data, add_received);
	} else if (strcmp(event, "messages.update") == 0) {
		each(&g, data, add_update);
	} else if (strcmp(event, "message.sent") == 0) {
		each(&g, data, add_sent);
	} else if (strcmp(event, "session.status") == 0) {
		const struct value *v = data != NULL && data->type == VALUE_LIST ? data->first : data;
		struct wasender_event *e = add(&g, EVENT_SESSION);

		if (e != NULL) e->session = wasender_session(value_text_of(value_get(v, "status"), ""));
	} else if (*event == '\0') {
		add_plain(&g, body);
	} else {
		(void)add(&g, EVENT_IGNORED);
	}
	if (arena_failed(a)) return RC_NO_MEMORY;
	*out = g.list;
	*count = g.count;
	return RC_OK;
}

void wasender_redact(struct value *body)
{
	struct value *before = NULL, *next;

	if (body->type != VALUE_MAP && body->type != VALUE_LIST) return;
	for (struct value *v = body->first; v != NULL; v = next) {
		next = v->next;
		if (v->key != NULL &&
		    (strcmp(v->key, "sessionId") == 0 || strcmp(v->key, "session_id") == 0)) {
			if (before != NULL)
				before->next = next;
			else
				body->first = next;
			if (body->last == v) body->last = before;
			body->count--;
			continue;
		}
		wasender_redact(v); /* json_parse bounds the depth */
		before = v;
	}
}

/* What has no id of its own ("BAJA" twice, a session lost again) is another event in another minute. */
const char *wasender_dedupe_key(struct arena *a, const struct value *body, instant now)
{
	const char *event = value_text_of(value_get(body, "event"), "");
	const struct value *data = value_get(body, "data");
	const struct value *one = data;
	const char *key_id;
	char hash[SHA256_HEX_SIZE];
	struct sb sb;

	if (one != NULL && one->type == VALUE_MAP && value_get(one, "messages") != NULL)
		one = value_get(one, "messages");
	if (one != NULL && one->type == VALUE_LIST && one->count == 1) one = one->first;
	key_id = one != NULL && one->type == VALUE_MAP ? value_text_of(value_path(one, "key.id"), "") : "";
	if (*event != '\0' && *key_id != '\0' && strlen(key_id) < VERDICT_ID_SIZE)
		return arena_printf(
			a, "%.64s:%s:%lld", event, key_id,
			(long long)value_int_of(value_path(one, "update.status"), STATUS_UNKNOWN));
	sb_init_arena(&sb, a, (size_t)1024 * 1024);
	json_write(&sb, body);
	sha256_hex(hash, sb_text_of(&sb), sb.len);
	return arena_printf(a, "%.64s:%s:%lld", *event != '\0' ? event : "plain", hash,
			    (long long)(now / MINUTE_MS));
}
