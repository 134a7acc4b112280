/*
** test_unsubscribe.c -- a person's own link: nobody makes another one's; and who gets no mailings.
*/
#include "house.h"
#include "outbox/suppression.h"

static struct seal_key *key;

static void open_with_key(struct house *h)
{
	char path[300];

	assert_int_equal(seal_start(), RC_OK);
	house_open(h, 0);
	snprintf(path, sizeof(path), "%s/key", h->s.dir);
	assert_int_equal(seal_key_create(path), RC_OK);
	assert_int_equal(seal_key_load(&key, path), RC_OK);
	h->s.env.key = key;
	house_set(h, "web.public_url", "https://tienda.example/");
}

static void close_with_key(struct house *h)
{
	h->s.env.key = NULL;
	seal_key_free(key);
	house_close(h);
}

#define ANA  "abcdefghijklmnopqrstuvwxyz"
#define LUIS "abcdefghijklmnopqrstuvwxy2"

static void a_link_is_the_same_each_time_and_another_for_each_person(void **state)
{
	const char *ana, *luis, *token;
	struct house h;

	(void)state;
	open_with_key(&h);
	ana = unsubscribe_url(&h.s.cx, 1, ANA);
	luis = unsubscribe_url(&h.s.cx, 2, LUIS);
	assert_string_equal(ana, unsubscribe_url(&h.s.cx, 1, ANA));
	assert_int_equal(strncmp(ana, "https://tienda.example/u/" ANA, 25 + 26), 0);
	token = ana + 25;
	assert_int_equal(strlen(token), 52);
	assert_true(unsubscribe_is_ours(&h.s.cx, token));
	assert_true(unsubscribe_is_ours(&h.s.cx, luis + 25));
	/* no link without an address to lead to */
	house_set(&h, "web.public_url", "");
	assert_string_equal(unsubscribe_url(&h.s.cx, 1, ANA), "");
	close_with_key(&h);
}

static void a_forged_cut_or_swapped_link_is_nobodys(void **state)
{
	char token[80], other[80];
	struct house h;

	(void)state;
	open_with_key(&h);
	snprintf(token, sizeof(token), "%s", unsubscribe_url(&h.s.cx, 1, ANA) + 25);
	snprintf(other, sizeof(other), "%s", unsubscribe_url(&h.s.cx, 2, LUIS) + 25);
	for (size_t i = 0; i < 52; i++) {
		char changed[80];

		snprintf(changed, sizeof(changed), "%s", token);
		changed[i] = changed[i] == 'a' ? 'b' : 'a';
		assert_false(unsubscribe_is_ours(&h.s.cx, changed));
	}
	memcpy(other + 26, token + 26, 26); /* the proof of another */
	assert_false(unsubscribe_is_ours(&h.s.cx, other));
	assert_false(unsubscribe_is_ours(&h.s.cx, ""));
	assert_false(unsubscribe_is_ours(&h.s.cx, ANA));
	token[52] = 'a';
	token[53] = '\0';
	assert_false(unsubscribe_is_ours(&h.s.cx, token));
	token[51] = '\0';
	assert_false(unsubscribe_is_ours(&h.s.cx, token));
	snprintf(token, sizeof(token), "%s", unsubscribe_url(&h.s.cx, 1, ANA) + 25);
	token[0] = 'A';
	assert_false(unsubscribe_is_ours(&h.s.cx, token));
	close_with_key(&h);
}

struct seen {
	int count;
	char last[80];
	enum rc rc;
};

static enum rc see(void *arg, const char *address)
{
	struct seen *s = arg;

	s->count++;
	snprintf(s->last, sizeof(s->last), "%s", address);
	return s->rc;
}

static int64_t person(struct house *h, const char *kind, const char *address)
{
	int64_t id = 0;

	assert_int_equal(tx_begin(&h->s.cx), RC_OK);
	assert_int_equal(contact_ensure(&h->s.cx, &id, kind, address), RC_OK);
	assert_int_equal(tx_end(&h->s.cx, RC_OK), RC_OK);
	return id;
}

static void opt(struct house *h, int64_t id, const char *topic, const char *origin, bool out)
{
	assert_int_equal(tx_begin(&h->s.cx), RC_OK);
	assert_int_equal(tx_end(&h->s.cx, contact_opt_out(&h->s.cx, id, topic, origin, out)), RC_OK);
}

static void die(struct house *h, int64_t id, const char *why)
{
	assert_int_equal(tx_begin(&h->s.cx), RC_OK);
	assert_int_equal(tx_end(&h->s.cx, contact_is_dead(&h->s.cx, id, why)), RC_OK);
}

static void an_import_is_told_every_address_in_lower_case(void **state)
{
	struct seen s = { .rc = RC_OK };
	bool is_out = false;
	struct house h;
	int64_t ana;

	(void)state;
	open_with_key(&h);
	assert_int_equal(suppressed_each(&h.s.cx, "campaign", see, &s), RC_OK);
	assert_int_equal(s.count, 0);
	ana = person(&h, "email", "Ana@Example.com");
	opt(&h, ana, "notice", ORIGIN_PANEL, true); /* another topic */
	opt(&h, person(&h, "phone", "+593991111111"), "campaign", "reply", true);
	assert_int_equal(suppressed_each(&h.s.cx, "campaign", see, &s), RC_OK);
	assert_int_equal(s.count, 0);
	opt(&h, ana, "campaign", ORIGIN_LINK, true);
	assert_int_equal(suppressed_each(&h.s.cx, "campaign", see, &s), RC_OK);
	assert_int_equal(s.count, 1);
	assert_string_equal(s.last, "ana@example.com");
	die(&h, person(&h, "email", "luis@example.com"), "no_mailbox");
	s.count = 0;
	assert_int_equal(suppressed_each(&h.s.cx, "campaign", see, &s), RC_OK);
	assert_int_equal(s.count, 2);
	s = (struct seen){ .rc = RC_TOO_LARGE };
	assert_int_equal(suppressed_each(&h.s.cx, "campaign", see, &s), RC_TOO_LARGE);
	assert_int_equal(s.count, 1);
	assert_int_equal(address_is_suppressed(&h.s.cx, &is_out, "ANA@example.com", "campaign"), RC_OK);
	assert_true(is_out);
	assert_int_equal(address_is_suppressed(&h.s.cx, &is_out, "eva@example.com", "campaign"), RC_OK);
	assert_false(is_out);
	close_with_key(&h);
}

static const char *row(struct house *h, int64_t contact)
{
	const char *out = "";
	enum rc rc = db_get_text(
		&h->s.cx, &out,
		"SELECT reason || ' ' || origin FROM suppression WHERE contact_id = :id AND is_active = 1",
		PARAMS(P_INT(":id", contact)));

	return rc == RC_NOT_FOUND ? "" : out;
}

static void the_list_follows_what_counts(void **state)
{
	struct house h;
	int64_t ana;

	(void)state;
	open_with_key(&h);
	ana = person(&h, "email", "ana@example.com");
	assert_string_equal(row(&h, ana), "");
	die(&h, ana, "no_mailbox");
	assert_string_equal(row(&h, ana), "bounce no_mailbox");
	die(&h, ana, "bounce"); /* the first reason stays */
	assert_string_equal(row(&h, ana), "bounce no_mailbox");
	opt(&h, ana, "campaign", ORIGIN_LINK, true);
	assert_string_equal(row(&h, ana), "unsubscribed unsubscribe");
	opt(&h, ana, "campaign", ORIGIN_SPAM, true); /* out already */
	assert_string_equal(row(&h, ana), "unsubscribed unsubscribe");
	opt(&h, ana, "campaign", ORIGIN_LINK, false);
	assert_string_equal(row(&h, ana), "bounce no_mailbox");
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, contact_revive(&h.s.cx, ana)), RC_OK);
	assert_string_equal(row(&h, ana), "");
	opt(&h, ana, "campaign", ORIGIN_SPAM, true);
	assert_string_equal(row(&h, ana), "spam spam");
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, suppression_lift(&h.s.cx, ana)), RC_OK);
	assert_string_equal(row(&h, ana), "");
	/* a phone is not written to by mail */
	opt(&h, person(&h, "phone", "+593991111111"), "campaign", "reply", true);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM suppression WHERE is_active = 1"), 0);
	close_with_key(&h);
}

static void what_is_known_of_a_mailbox_holds_whatever_the_case(void **state)
{
	struct claimed taken[4];
	struct house h;
	int64_t typed, other, low = 0, account, message;
	int slots[1] = { 0 };
	struct claim c = {
		.contact_kind = "email", .is_window_open = true, .slots = slots, .slot_count = 1, .out = taken
	};

	(void)state;
	open_with_key(&h);
	typed = person(&h, "email", "Jefa@x.example");
	other = person(&h, "email", "JEFA@x.example");
	opt(&h, typed, "campaign", ORIGIN_LINK, true);
	assert_int_equal(contact_find(&h.s.cx, &low, "email", "jefa@x.example"), RC_OK);
	assert_string_equal(row(&h, low), "unsubscribed unsubscribe");
	assert_string_equal(row(&h, typed), "");
	opt(&h, low, "campaign", ORIGIN_LINK, true); /* the same once more */
	opt(&h, other, "campaign", ORIGIN_SPAM, true);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM suppression"), 1);

	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(account_ensure(&h.s.cx, &account, "email"), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	c.account = account;
	for (int i = 0; i < 3; i++) {
		message = house_add(&h, &(struct message_new){ .contact_id = i == 2 ? low : other,
							       .channel = "email",
							       .topic = i == 1 ? "service" : "campaign",
							       .ignores_window = true });
		c.now = cx_now(&h.s.cx);
		c.count = 0;
		assert_int_equal(tx_begin(&h.s.cx), RC_OK);
		assert_int_equal(ledger_claim(&h.s.cx, &c), RC_OK);
		assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
		assert_string_equal(house_state(&h, message), i == 1 ? "sending" : "skipped");
		if (i == 1) house_settle(&h, &taken[0], OUTCOME_SENT, "");
	}
	/* back in by another spelling, then dead by a third */
	opt(&h, other, "campaign", ORIGIN_LINK, false);
	assert_string_equal(row(&h, low), "");
	die(&h, typed, "no_mailbox");
	assert_string_equal(row(&h, low), "bounce no_mailbox");
	message = house_add(
		&h, &(struct message_new){ .contact_id = other, .channel = "email", .ignores_window = true });
	c.count = 0;
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(ledger_claim(&h.s.cx, &c), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	assert_string_equal(house_state(&h, message), "skipped");
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message WHERE state_why = 'dead_contact'"), 1);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message WHERE state_why = 'opt_out'"), 2);
	/* what has no case keeps itself */
	low = person(&h, "phone", "+593991111111");
	assert_int_equal(contact_keeper(&h.s.cx, &low, false), RC_OK);
	assert_int_equal(low, person(&h, "phone", "+593991111111"));
	close_with_key(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_is_the_same_each_time_and_another_for_each_person),
		cmocka_unit_test(a_forged_cut_or_swapped_link_is_nobodys),
		cmocka_unit_test(an_import_is_told_every_address_in_lower_case),
		cmocka_unit_test(the_list_follows_what_counts),
		cmocka_unit_test(what_is_known_of_a_mailbox_holds_whatever_the_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
