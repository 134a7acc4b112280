/*
** house.c -- a state folder with settings, a channel and a few people, for the outbox's tests.
*/
#include "house.h"

static const struct setting *const tables[] = { outbox_settings,    mail_settings, chat_settings,
						bulk_mail_settings, web_settings,  NULL };

void house_set(struct house *h, const char *name, const char *value)
{
	assert_int_equal(settings_override(h->s.env.settings, name, value), RC_OK);
}

void house_open(struct house *h, instant start)
{
	const char *why = "";

	memset(h, 0, sizeof(*h));
	state_open(&h->s, start);
	assert_int_equal(settings_load(&h->s.env.settings, tables, NULL, h->s.forever, LANG_EN, &why), RC_OK);
	house_set(h, "outbox.window_from", "00:00");
	house_set(h, "outbox.window_to", "00:00");
	house_set(h, "whatsapp.api_key", "key");
	assert_int_equal(tx_begin(&h->s.cx), RC_OK);
	assert_int_equal(account_ensure(&h->s.cx, &h->account, CHANNEL_WHATSAPP), RC_OK);
	assert_int_equal(batch_open(&h->s.cx, &h->batch, &(struct batch_new){ .kind = "test" }), RC_OK);
	assert_int_equal(tx_end(&h->s.cx, RC_OK), RC_OK);
}

void house_close(struct house *h)
{
	settings_free(h->s.env.settings);
	state_close(&h->s);
}

int64_t house_contact(struct house *h, int i)
{
	char number[32];
	int64_t id = 0;

	snprintf(number, sizeof(number), "+5939900%05d", i);
	assert_int_equal(tx_begin(&h->s.cx), RC_OK);
	assert_int_equal(contact_ensure(&h->s.cx, &id, "phone", number), RC_OK);
	assert_int_equal(tx_end(&h->s.cx, RC_OK), RC_OK);
	return id;
}

int64_t house_add(struct house *h, const struct message_new *given)
{
	static int occasion;
	struct message_new m = *given;
	char name[40];
	int64_t id = 0;

	snprintf(name, sizeof(name), "test:%d", ++occasion);
	if (m.batch_id == 0) m.batch_id = h->batch;
	if (m.channel == NULL) m.channel = CHANNEL_WHATSAPP;
	if (m.topic == NULL) m.topic = "notice";
	if (m.occasion == NULL) m.occasion = name;
	if (m.text == NULL && m.template_version_id == 0) m.text = "Hola";
	if (m.expires_at == 0) m.expires_at = cx_now(&h->s.cx) + DAY_MS;
	assert_int_equal(tx_begin(&h->s.cx), RC_OK);
	assert_int_equal(outbox_add(&h->s.cx, &id, &m), RC_OK);
	assert_int_equal(tx_end(&h->s.cx, RC_OK), RC_OK);
	return id;
}

int64_t house_message(struct house *h, int i)
{
	return house_add(h, &(struct message_new){ .contact_id = house_contact(h, i) });
}

const char *house_state(struct house *h, int64_t message)
{
	const char *state = "";

	assert_int_equal(db_get_text(&h->s.cx, &state, "SELECT state FROM message WHERE id = :id",
				     PARAMS(P_INT(":id", message))),
			 RC_OK);
	return state;
}

int house_claim(struct house *h, struct claimed *out, int n)
{
	int slots[SLOTS_MAX];
	int64_t busy[SLOTS_MAX];
	struct query *q = NULL;
	struct claim c = { .account = h->account,
			   .contact_kind = "phone",
			   .now = cx_now(&h->s.cx),
			   .is_window_open = true,
			   .slots = slots,
			   .busy = busy,
			   .out = out };
	bool taken[SLOTS_MAX] = { false };

	assert_int_equal(db_query(&h->s.cx, &q,
				  "SELECT slot, contact_id FROM message WHERE state = 'sending'", NO_PARAMS),
			 RC_OK);
	while (query_next(q)) {
		taken[query_int(q, 0)] = true;
		busy[c.busy_count++] = query_int(q, 1);
	}
	assert_int_equal(query_end(q, RC_OK), RC_OK);
	for (int i = 0; i < SLOTS_MAX && c.slot_count < n; i++)
		if (!taken[i]) slots[c.slot_count++] = i;
	assert_int_equal(tx_begin(&h->s.cx), RC_OK);
	assert_int_equal(ledger_claim(&h->s.cx, &c), RC_OK);
	assert_int_equal(tx_end(&h->s.cx, RC_OK), RC_OK);
	return c.count;
}

void house_settle(struct house *h, const struct claimed *m, enum outcome outcome, const char *why)
{
	struct settle_rules r = { .now = cx_now(&h->s.cx),
				  .retry_max = 5,
				  .delays_ms = { 300000 },
				  .delay_count = 1,
				  .check_ms = 10000 };
	struct verdict v = { .outcome = outcome, .why = why, .provider_id = "77" };

	assert_int_equal(tx_begin(&h->s.cx), RC_OK);
	assert_int_equal(ledger_settle(&h->s.cx, m, &v, &r), RC_OK);
	assert_int_equal(tx_end(&h->s.cx, RC_OK), RC_OK);
}
