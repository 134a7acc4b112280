/*
** test_sendgrid.c -- mail over SendGrid: what is asked for, what each answer means, what its events do.
*/
#include "house.h"
#include "outbox/channels/sendgrid.h"
#include "outbox/hooks.h"
#include "outbox/inbound.h"
#include "outbox/suppression.h"

#define NOW      INT64_C(1790000000000)
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* Answers */

static const struct {
	int status;
	const char *body, *header, *value;
	enum outcome outcome;
	const char *why;
	int64_t delay_ms;
} answers[] = {
	{ 202, "", "X-Message-Id", "14c5d75ce93.dfd.64b469", OUTCOME_SENT, "accepted", 0 },
	{ 202, "", NULL, NULL, OUTCOME_SENT, "accepted", 0 },
	/* the sandbox: valid, nothing sent */
	{ 200, "", NULL, NULL, OUTCOME_UNSURE, "odd_answer", 0 },
	{ 301, "", NULL, NULL, OUTCOME_STOP, "not_found", 0 },
	{ 400, "{\"errors\":[{\"message\":\"Bad subject\",\"field\":\"subject\",\"help\":null}]}", NULL, NULL,
	  OUTCOME_REFUSED, "refused", 0 },
	{ 401, "{\"errors\":[{\"message\":\"The provided authorization grant is invalid\",\"field\":null}]}",
	  NULL, NULL, OUTCOME_STOP, "unauthorized", 0 },
	{ 401, "{\"errors\":[{\"message\":\"Maximum credits exceeded\",\"field\":null,\"help\":null}]}", NULL,
	  NULL, OUTCOME_STOP, "payment", 0 },
	{ 403,
	  "{\"errors\":[{\"message\":\"The from address does not match a verified Sender Identity.\",\"field\":\"from\"}]}",
	  NULL, NULL, OUTCOME_STOP, "sender", 0 },
	{ 403, "{\"errors\":[{\"message\":\"access forbidden\"}]}", NULL, NULL, OUTCOME_STOP, "forbidden",
	  0 },
	{ 404, "not found", NULL, NULL, OUTCOME_STOP, "not_found", 0 },
	{ 405, "", NULL, NULL, OUTCOME_STOP, "not_found", 0 },
	{ 408, "", NULL, NULL, OUTCOME_UNSURE, "timeout", 0 },
	{ 413, "", NULL, NULL, OUTCOME_REFUSED, "too_large", 0 },
	{ 422, "{}", NULL, NULL, OUTCOME_REFUSED, "refused", 0 },
	{ 429, "{\"errors\":[{\"field\":null,\"message\":\"too many requests\"}]}", "X-RateLimit-Reset",
	  "1790000007", OUTCOME_NOT_YET, "rate", 7000 },
	/* past already: a second at least */
	{ 429, "", "X-RateLimit-Reset", "1789999990", OUTCOME_NOT_YET, "rate", 1000 },
	{ 429, "", "Retry-After", "3", OUTCOME_NOT_YET, "rate", 3000 },
	{ 429, "<html>", NULL, NULL, OUTCOME_NOT_YET, "rate", 60000 },
	{ 429, "", "X-RateLimit-Reset", "99999999999", OUTCOME_NOT_YET, "rate", 60000 },
	{ 500, "", "Retry-After", "3", OUTCOME_UNSURE, "server_error", 0 },
	{ 502, "<html>Bad Gateway</html>", NULL, NULL, OUTCOME_UNSURE, "server_error", 0 },
	{ 503, "", NULL, NULL, OUTCOME_UNSURE, "server_error", 0 },
	{ 503, "", "Retry-After", "4", OUTCOME_NOT_YET, "busy", 4000 },
	{ 503, "", "Retry-After", "0", OUTCOME_NOT_YET, "busy", 1000 },
	{ 503, "", "Retry-After", "soon", OUTCOME_UNSURE, "server_error", 0 },
	{ 504, "", NULL, NULL, OUTCOME_UNSURE, "server_error", 0 },
};

static void every_answer_of_the_sheet_has_its_meaning(void **state)
{
	struct arena *a = arena_new((size_t)1024 * 1024);

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct http_answer got = { .end = HTTP_DONE,
					   .status = answers[i].status,
					   .body = { answers[i].body, strlen(answers[i].body) } };
		struct verdict v;

		if (answers[i].header != NULL) {
			snprintf(got.headers[0].name, sizeof(got.headers[0].name), "%s", answers[i].header);
			snprintf(got.headers[0].value, sizeof(got.headers[0].value), "%s", answers[i].value);
			got.header_count = 1;
		}
		print_message("row %zu: %d %s\n", i, answers[i].status, answers[i].body);
		sendgrid_read_send(&v, a, &got, NOW);
		assert_string_equal(outcome_name(v.outcome), outcome_name(answers[i].outcome));
		assert_string_equal(v.why, answers[i].why);
		assert_int_equal(v.delay_ms, answers[i].delay_ms);
		assert_int_equal(v.http, answers[i].status);
		/* a stopped channel opens again by a setting alone when the word begins so */
		assert_int_not_equal(strncmp(v.why, "no_", 3), 0);
	}
	arena_free(a);
}

static void the_words_and_the_id_of_an_answer_are_kept(void **state)
{
	static const char bad[] = "{\"errors\":[{\"message\":\"Does not contain a valid address.\","
				  "\"field\":\"personalizations.0.to.0.email\",\"help\":{\"x\":1}}]}";
	struct arena *a = arena_new((size_t)1024 * 1024);
	struct http_answer got = { .end = HTTP_DONE, .status = 400, .body = { bad, sizeof(bad) - 1 } };
	struct verdict v;

	(void)state;
	sendgrid_read_send(&v, a, &got, NOW);
	assert_string_equal(v.detail, "Does not contain a valid address. (personalizations.0.to.0.email)");
	got = (struct http_answer){ .end = HTTP_DONE, .status = 202, .header_count = 1 };
	snprintf(got.headers[0].name, sizeof(got.headers[0].name), "x-message-id");
	snprintf(got.headers[0].value, sizeof(got.headers[0].value), "14c5d75ce93.dfd.64b469");
	sendgrid_read_send(&v, a, &got, NOW);
	assert_string_equal(v.provider_id, "14c5d75ce93.dfd.64b469");
	/* what was cut: nothing left before the body; anything after it */
	got = (struct http_answer){ .end = HTTP_NOT_SENT, .error = "refused" };
	sendgrid_read_send(&v, a, &got, NOW);
	assert_int_equal(v.outcome, OUTCOME_NOT_YET);
	assert_true(v.hold_ms > 0);
	got.end = HTTP_CUT;
	sendgrid_read_send(&v, a, &got, NOW);
	assert_int_equal(v.outcome, OUTCOME_UNSURE);
	got.end = HTTP_ODD;
	sendgrid_read_send(&v, a, &got, NOW);
	assert_int_equal(v.outcome, OUTCOME_UNSURE);
	arena_free(a);
}

/* Requests */

struct built {
	struct channel_request rq;
	struct arena *a;
	struct value *json;
	enum rc rc;
};

static const struct channel_config config = { .base_url = "https://api.sendgrid.com",
					      .key = "SG.key",
					      .timeout_ms = 1 };

static void build(struct built *b, const struct outgoing *m)
{
	memset(b, 0, sizeof(*b));
	b->a = arena_new((size_t)4 * 1024 * 1024);
	b->rc = sendgrid_channel.build_send(&b->rq, &config, m);
	if (b->rc == RC_OK)
		assert_int_equal(json_parse(b->a, &b->json, NULL, b->rq.http.body.p, b->rq.http.body.len),
				 RC_OK);
}

static void built_end(struct built *b)
{
	sb_free(&b->rq.body);
	arena_free(b->a);
}

static const char *at(const struct built *b, const char *path)
{
	return value_text_of(value_path(b->json, path), "");
}

static struct letter the_letter = { .from_email = "ventas@tienda.example",
				    .from_name = "Tienda Ñandú",
				    .reply_to = "",
				    .provider_template = "",
				    .list_name = "Mayo",
				    .has_unsubscribe = true };

static struct outgoing the_mail(void)
{
	return (struct outgoing){ .to = "ana@Example.com",
				  .to_name = "Pérez, Ana; gerente",
				  .text = "Hola \"Ana\"",
				  .html = "<p>Hola</p>",
				  .subject = "Tu factura ñ",
				  .public_id = "abcdefghijklmnopqrstuvwxyz",
				  .letter = &the_letter,
				  .unsubscribe_url = "https://tienda.example/u/abc" };
}

static void one_person_one_request_and_nothing_is_tracked(void **state)
{
	struct outgoing m = the_mail();
	struct built b;

	(void)state;
	build(&b, &m);
	assert_int_equal(b.rc, RC_OK);
	assert_string_equal(b.rq.http.url, "https://api.sendgrid.com/v3/mail/send");
	assert_string_equal(b.rq.http.method, "POST");
	assert_string_equal(b.rq.http.headers[0], "Authorization: Bearer SG.key");
	assert_false(b.rq.http.may_repeat);
	assert_int_equal(value_get(b.json, "personalizations")->count, 1);
	assert_int_equal(value_path(b.json, "personalizations.0.to")->count, 1);
	assert_string_equal(at(&b, "personalizations.0.to.0.email"), "ana@example.com");
	/* ; and , are refused in a name */
	assert_string_equal(at(&b, "personalizations.0.to.0.name"), "Pérez Ana gerente");
	assert_string_equal(at(&b, "personalizations.0.custom_args.m"), "abcdefghijklmnopqrstuvwxyz");
	assert_string_equal(at(&b, "from.email"), "ventas@tienda.example");
	assert_string_equal(at(&b, "from.name"), "Tienda Ñandú");
	assert_string_equal(at(&b, "subject"), "Tu factura ñ");
	assert_string_equal(at(&b, "content.0.type"), "text/plain");
	assert_string_equal(at(&b, "content.0.value"), "Hola \"Ana\"");
	assert_string_equal(at(&b, "content.1.type"), "text/html");
	assert_string_equal(at(&b, "headers.List-Unsubscribe"), "<https://tienda.example/u/abc>");
	assert_string_equal(at(&b, "headers.List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
	assert_string_equal(at(&b, "headers.List-Id"), "<mayo.tienda.example>");
	assert_false(value_bool_of(value_path(b.json, "tracking_settings.click_tracking.enable"), true));
	assert_false(value_bool_of(value_path(b.json, "tracking_settings.open_tracking.enable"), true));
	/* empty things are refused: they are not there */
	assert_null(value_get(b.json, "reply_to"));
	assert_null(value_get(b.json, "attachments"));
	assert_null(value_get(b.json, "categories"));
	assert_null(value_path(b.json, "personalizations.0.cc"));
	built_end(&b);
}

static void what_is_empty_is_left_out_or_not_sent_at_all(void **state)
{
	struct letter bare = { .from_email = "ventas@tienda.example",
			       .from_name = "",
			       .reply_to = "r@tienda.example",
			       .provider_template = "",
			       .list_name = "" };
	struct outgoing m = the_mail();
	struct built b;

	(void)state;
	m.letter = &bare;
	m.text = "";
	m.to_name = ";,";
	m.unsubscribe_url = NULL;
	build(&b, &m);
	assert_int_equal(b.rc, RC_OK);
	assert_int_equal(value_get(b.json, "content")->count, 1);
	assert_string_equal(at(&b, "content.0.type"), "text/html");
	assert_null(value_path(b.json, "personalizations.0.to.0.name"));
	assert_null(value_path(b.json, "from.name"));
	assert_null(value_get(b.json, "headers"));
	assert_string_equal(at(&b, "reply_to.email"), "r@tienda.example");
	built_end(&b);
	/* without https there is no one click (RFC 8058) */
	m.unsubscribe_url = "http://127.0.0.1/u/abc";
	build(&b, &m);
	assert_non_null(value_path(b.json, "headers.List-Unsubscribe"));
	assert_null(value_path(b.json, "headers.List-Unsubscribe-Post"));
	built_end(&b);
	m.subject = "";
	build(&b, &m);
	assert_int_equal(b.rc, RC_BAD_INPUT);
	assert_non_null(b.rq.refusal);
	built_end(&b);
	m = the_mail();
	m.text = m.html = NULL;
	build(&b, &m);
	assert_int_equal(b.rc, RC_BAD_INPUT);
	built_end(&b);
	m = the_mail();
	m.letter = NULL;
	build(&b, &m);
	assert_int_equal(b.rc, RC_BAD_INPUT);
	built_end(&b);
	m = the_mail();
	m.to = "no address";
	build(&b, &m);
	assert_int_equal(b.rc, RC_BAD_INPUT);
	built_end(&b);
}

static void a_file_of_the_letter_is_encoded_once_for_all(void **state)
{
	char path[] = "/tmp/recado-sendgrid-XXXXXX";
	struct outgoing_file files[2];
	struct letter l = the_letter;
	struct outgoing m = the_mail();
	struct sb prepared;
	struct built b;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, "hola", 4), 4);
	close(fd);
	files[0] = (struct outgoing_file){ .name = "Año nuevo (1).pdf",
					   .media_type = "application/pdf",
					   .path = path };
	files[1] = (struct outgoing_file){ .name = "logo.png", .media_type = "image/png", .path = path };
	l.files = files;
	l.file_count = 2;
	sb_init(&prepared, 10000);
	assert_int_equal(sendgrid_channel.prepare_letter(&prepared, &config, &l), RC_OK);
	l.prepared = prepared.p;
	l.prepared_len = prepared.len;
	m.letter = &l;
	m.files = files;
	m.file_count = 2;
	build(&b, &m);
	assert_int_equal(b.rc, RC_OK);
	assert_int_equal(value_get(b.json, "attachments")->count, 2);
	assert_string_equal(at(&b, "attachments.0.content"), "aG9sYQ==");
	assert_string_equal(at(&b, "attachments.0.filename"), "Año nuevo (1).pdf");
	assert_string_equal(at(&b, "attachments.0.type"), "application/pdf");
	assert_null(value_path(b.json, "attachments.0.content_id"));
	assert_string_equal(at(&b, "attachments.1.content_id"), "logo.png");
	built_end(&b);
	files[0].path = "/nowhere/at/all";
	sb_clear(&prepared);
	assert_int_equal(sendgrid_channel.prepare_letter(&prepared, &config, &l), RC_NOT_FOUND);
	sb_free(&prepared);
	unlink(path);
}

static enum rc test_key(struct house *h, int status, const char *body, const char **sentence)
{
	struct http_answer got = { .end = HTTP_DONE, .status = status, .body = { body, strlen(body) } };

	return sendgrid_channel.read_test(&h->s.cx, sentence, &got);
}

static void the_button_test_tells_what_the_key_may_do(void **state)
{
	const char *sentence = "";
	struct house h;

	(void)state;
	house_open(&h, 0);
	assert_int_equal(test_key(&h, 200, "{\"scopes\":[\"a\",\"mail.send\"]}", &sentence), RC_OK);
	assert_int_equal(test_key(&h, 200, "{\"scopes\":[\"mail.batch.read\"]}", &sentence), RC_DENIED);
	assert_non_null(strstr(sentence, "Mail Send"));
	assert_int_equal(test_key(&h, 200, "<html>", &sentence), RC_DENIED);
	assert_int_equal(
		test_key(&h, 401, "{\"errors\":[{\"message\":\"authorization required\"}]}", &sentence),
		RC_DENIED);
	assert_non_null(strstr(sentence, "authorization required"));
	assert_int_equal(test_key(&h, 503, "", &sentence), RC_TRY_LATER);
	house_close(&h);
}

/* Events */

static int64_t mail_to(struct house *h, const char *address, const char *state)
{
	int64_t contact = 0, id = 0;

	assert_int_equal(tx_begin(&h->s.cx), RC_OK);
	assert_int_equal(contact_ensure(&h->s.cx, &contact, "email", address), RC_OK);
	assert_int_equal(tx_end(&h->s.cx, RC_OK), RC_OK);
	id = house_add(h, &(struct message_new){ .contact_id = contact, .topic = "campaign" });
	assert_int_equal(tx_begin(&h->s.cx), RC_OK);
	assert_int_equal(
		db_run(&h->s.cx,
		       "UPDATE message SET state = :state, claimed_at = 5, slot = CASE WHEN :state = 'sending'"
		       " THEN 31 END WHERE id = :id",
		       PARAMS(P_TEXT(":state", state), P_INT(":id", id))),
		RC_OK);
	assert_int_equal(tx_end(&h->s.cx, RC_OK), RC_OK);
	return id;
}

static const char *public_id(struct house *h, int64_t id)
{
	const char *out = "";

	assert_int_equal(db_get_text(&h->s.cx, &out, "SELECT public_id FROM message WHERE id = :id",
				     PARAMS(P_INT(":id", id))),
			 RC_OK);
	return out;
}

static int told; /* makes bodies differ */

static enum rc tell(struct house *h, const char *event, const char *id, int64_t message, const char *more)
{
	char body[2000];
	bool was_of_use = false;

	snprintf(body, sizeof(body),
		 "[{\"event\":\"%s\",\"sg_event_id\":\"%s\",\"m\":\"%s\",\"timestamp\":%d%s}]\r\n", event, id,
		 message != 0 ? public_id(h, message) : "", told++, more);
	return hook_sendgrid_take(&h->s.cx, body, &was_of_use);
}

static int64_t suppressed(struct house *h, const char *reason)
{
	int64_t n = 0;

	assert_int_equal(
		db_get_int(&h->s.cx, &n,
			   "SELECT count(*) FROM suppression WHERE is_active = 1 AND reason = :reason",
			   PARAMS(P_TEXT(":reason", reason))),
		RC_OK);
	return n;
}

static void delivered_bounced_and_complained_are_heard(void **state)
{
	struct house h;
	int64_t ana, luis, eva, rosa;
	bool is_out = false;

	(void)state;
	house_open(&h, 0);
	ana = mail_to(&h, "ana@example.com", "sent");
	luis = mail_to(&h, "luis@example.com", "sent");
	eva = mail_to(&h, "eva@example.com", "sent");
	rosa = mail_to(&h, "rosa@example.com", "sent");
	assert_int_equal(tell(&h, "delivered", "e1", ana, ""), RC_OK);
	assert_string_equal(house_state(&h, ana), "delivered");
	assert_int_equal(tell(&h, "open", "e2", ana, ""), RC_OK);
	assert_string_equal(house_state(&h, ana), "delivered");
	assert_int_equal(
		tell(&h, "bounce", "e3", luis, ",\"type\":\"bounce\",\"reason\":\"550 5.1.1 no such user\""),
		RC_OK);
	assert_string_equal(house_state(&h, luis), "failed");
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message WHERE error = '550 5.1.1 no such user'"
					 " AND is_late_failure = 1"),
			 1);
	assert_int_equal(suppressed(&h, "bounce"), 1);
	/* blocked is for the moment: the address may be fine */
	assert_int_equal(tell(&h, "bounce", "e4", rosa, ",\"type\":\"blocked\""), RC_OK);
	assert_string_equal(house_state(&h, rosa), "failed");
	assert_int_equal(suppressed(&h, "bounce"), 1);
	assert_int_equal(tell(&h, "spamreport", "e5", eva, ""), RC_OK);
	assert_string_equal(house_state(&h, eva), "sent");
	assert_int_equal(suppressed(&h, "spam"), 1);
	assert_int_equal(address_is_suppressed(&h.s.cx, &is_out, "EVA@example.com", "campaign"), RC_OK);
	assert_true(is_out);
	assert_int_equal(address_is_suppressed(&h.s.cx, &is_out, "rosa@example.com", "campaign"), RC_OK);
	assert_false(is_out);
	house_close(&h);
}

static void whatever_is_told_of_an_unsure_mail_proves_that_it_was_taken(void **state)
{
	static const struct {
		const char *event, *after;
	} rows[] = {
		{ "processed", "sent" }, { "deferred", "sent" },    { "delivered", "delivered" },
		{ "bounce", "failed" },  { "spamreport", "sent" },  { "open", "unsure" },
		{ "dropped", "failed" }, { "unsubscribe", "sent" }, { "nonsense", "unsure" },
	};
	struct house h;

	(void)state;
	house_open(&h, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char address[40], id[8];
		int64_t mail;

		snprintf(address, sizeof(address), "p%zu@example.com", i);
		snprintf(id, sizeof(id), "u%zu", i);
		mail = mail_to(&h, address, "unsure");
		assert_int_equal(tell(&h, rows[i].event, id, mail, ""), RC_OK);
		print_message("%s\n", rows[i].event);
		assert_string_equal(house_state(&h, mail), rows[i].after);
	}
	house_close(&h);
}

/* A person said "again", and before that left SendGrid tells that it had taken the first one. */
static void what_was_taken_after_all_does_not_leave_a_second_time(void **state)
{
	struct house h;
	int64_t first, second;

	(void)state;
	house_open(&h, 0);
	first = mail_to(&h, "ana@example.com", "unsure");
	assert_int_equal(outbox_decide(&h.s.cx, first, false), RC_OK);
	second = state_int(&h.s, "SELECT id FROM message WHERE replaces_id IS NOT NULL");
	assert_int_equal(tell(&h, "processed", "a1", first, ""), RC_OK);
	assert_string_equal(house_state(&h, second), "sent");
	assert_int_equal(tell(&h, "delivered", "a2", first, ""), RC_OK);
	assert_string_equal(house_state(&h, second), "delivered");
	assert_string_equal(house_state(&h, first), "failed");
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message WHERE state = 'queued'"), 0);
	/* once the second one is on its way, what is told of the first is nothing of the second's */
	first = mail_to(&h, "eva@example.com", "unsure");
	assert_int_equal(outbox_decide(&h.s.cx, first, false), RC_OK);
	assert_int_equal(
		state_run(
			&h.s,
			"UPDATE message SET state = 'sending', slot = 30, claimed_at = 6 WHERE state = 'queued'"),
		RC_OK);
	assert_int_equal(tell(&h, "delivered", "a3", first, ""), RC_OK);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM message WHERE state = 'sending'"), 1);
	assert_string_equal(house_state(&h, first), "failed");
	house_close(&h);
}

static void an_event_told_again_does_not_undo_what_a_person_did(void **state)
{
	struct house h;
	int64_t ana, contact = 0;

	(void)state;
	house_open(&h, 0);
	ana = mail_to(&h, "ana@example.com", "sent");
	assert_int_equal(tell(&h, "spamreport", "s1", ana, ""), RC_OK);
	assert_int_equal(suppressed(&h, "spam"), 1);
	assert_int_equal(contact_find(&h.s.cx, &contact, "email", "ana@example.com"), RC_OK);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, suppression_lift(&h.s.cx, contact)), RC_OK);
	assert_int_equal(suppressed(&h, "spam"), 0);
	assert_int_equal(tell(&h, "spamreport", "s1", ana, ""), RC_OK);
	assert_int_equal(suppressed(&h, "spam"), 0);
	/* another complaint is another one */
	assert_int_equal(tell(&h, "spamreport", "s2", ana, ""), RC_OK);
	assert_int_equal(suppressed(&h, "spam"), 1);
	/* the list keeps both, one of them lifted */
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM suppression"), 2);
	house_close(&h);
}

static void dropped_says_on_which_list_of_sendgrid_it_was(void **state)
{
	struct house h;

	(void)state;
	house_open(&h, 0);
	assert_int_equal(tell(&h, "dropped", "d1", mail_to(&h, "a@example.com", "sent"),
			      ",\"reason\":\"Bounced Address\""),
			 RC_OK);
	assert_int_equal(suppressed(&h, "bounce"), 1);
	assert_int_equal(tell(&h, "dropped", "d2", mail_to(&h, "b@example.com", "sent"),
			      ",\"reason\":\"Unsubscribed Address\""),
			 RC_OK);
	assert_int_equal(suppressed(&h, "unsubscribed"), 1);
	assert_int_equal(tell(&h, "dropped", "d3", mail_to(&h, "c@example.com", "sent"),
			      ",\"reason\":\"Spam Reporting Address\""),
			 RC_OK);
	assert_int_equal(suppressed(&h, "spam"), 1);
	assert_int_equal(tell(&h, "dropped", "d4", mail_to(&h, "d@example.com", "sent"),
			      ",\"reason\":\"Spam Content\""),
			 RC_OK);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM suppression"), 3);
	house_close(&h);
}

static void a_stranger_of_the_same_account_is_suppressed_by_his_address(void **state)
{
	struct house h;
	bool is_out = false;

	(void)state;
	house_open(&h, 0);
	assert_int_equal(tell(&h, "unsubscribe", "x1", 0, ",\"email\":\"Otro@Example.com\""), RC_OK);
	assert_int_equal(address_is_suppressed(&h.s.cx, &is_out, "otro@example.com", "campaign"), RC_OK);
	assert_true(is_out);
	assert_int_equal(tell(&h, "group_resubscribe", "x2", 0, ",\"email\":\"otro@example.com\""), RC_OK);
	assert_int_equal(address_is_suppressed(&h.s.cx, &is_out, "otro@example.com", "campaign"), RC_OK);
	assert_false(is_out);
	/* not an address: nobody is made of it */
	assert_int_equal(tell(&h, "unsubscribe", "x3", 0, ",\"email\":\"nobody\""), RC_OK);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM contact WHERE address = 'nobody'"), 0);
	house_close(&h);
}

static void who_left_by_our_link_does_not_come_back_by_sendgrid(void **state)
{
	struct house h;
	int64_t contact = 0;

	(void)state;
	house_open(&h, 0);
	assert_int_equal(tx_begin(&h.s.cx), RC_OK);
	assert_int_equal(contact_ensure(&h.s.cx, &contact, "email", "ana@example.com"), RC_OK);
	assert_int_equal(tx_end(&h.s.cx, contact_opt_out(&h.s.cx, contact, "campaign", ORIGIN_LINK, true)),
			 RC_OK);
	assert_int_equal(tell(&h, "group_resubscribe", "g1", 0, ",\"email\":\"ana@example.com\""), RC_OK);
	assert_int_equal(suppressed(&h, "unsubscribed"), 1);
	house_close(&h);
}

static void an_event_that_is_faster_than_the_answer_waits(void **state)
{
	struct house h;
	int64_t ana;

	(void)state;
	house_open(&h, 0);
	ana = mail_to(&h, "ana@example.com", "sending");
	assert_int_equal(tell(&h, "delivered", "f1", ana, ""), RC_TRY_LATER);
	assert_int_equal(state_run(&h.s, "UPDATE message SET state = 'sent', slot = NULL"), RC_OK);
	assert_int_equal(tell(&h, "delivered", "f1", ana, ""), RC_OK);
	assert_string_equal(house_state(&h, ana), "delivered");
	house_close(&h);
}

static enum rc arrive(struct house *h, const char *provider, const char *key, const char *body)
{
	enum rc rc = tx_begin(&h->s.cx);

	if (rc == RC_OK)
		rc = db_run(
			&h->s.cx,
			"INSERT INTO inbound (provider, provider_id, body, received_at)"
			" VALUES (:provider, :key, :body, 1)",
			PARAMS(P_TEXT(":provider", provider), P_TEXT(":key", key), P_TEXT(":body", body)));
	return tx_end(&h->s.cx, rc);
}

static void one_bad_body_does_not_stop_the_next_ones(void **state)
{
	struct house h;
	int64_t ana;
	char body[300];

	(void)state;
	house_open(&h, 0);
	ana = mail_to(&h, "ana@example.com", "sent");
	snprintf(body, sizeof(body), "[1,null,{\"event\":\"delivered\",\"m\":\"%s\"}]", public_id(&h, ana));
	assert_int_equal(arrive(&h, "sendgrid", "1", "{\"not\":\"a list\"}"), RC_OK);
	assert_int_equal(arrive(&h, "sendgrid", "2", "[{\"a\":1,\"a\":2}]"), RC_OK);
	assert_int_equal(arrive(&h, "wasender", "3", "{}"), RC_OK);
	assert_int_equal(arrive(&h, "sendgrid", "4", body), RC_OK);
	assert_int_equal(arrive(&h, "sendgrid", "5", "[]"), RC_OK);
	assert_int_equal(inbound_run(&h.s.cx, NULL), RC_OK);
	assert_string_equal(house_state(&h, ana), "delivered");
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound WHERE state = 'failed'"), 2);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound WHERE state = 'ignored'"), 2);
	assert_int_equal(state_int(&h.s, "SELECT count(*) FROM inbound WHERE state = 'new'"), 0);
	house_close(&h);
}

static void more_events_than_one_body_may_have_are_not_taken(void **state)
{
	struct arena *a = arena_new((size_t)16 * 1024 * 1024);
	struct value *list = value_list(a);
	struct sendgrid_event *events = NULL;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < SENDGRID_EVENTS_MAX; i++)
		value_append(list, value_map(a));
	assert_int_equal(sendgrid_events(a, &events, &count, list), RC_OK);
	assert_int_equal(count, SENDGRID_EVENTS_MAX);
	value_append(list, value_map(a));
	assert_int_equal(sendgrid_events(a, &events, &count, list), RC_BAD_INPUT);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_of_the_sheet_has_its_meaning),
		cmocka_unit_test(the_words_and_the_id_of_an_answer_are_kept),
		cmocka_unit_test(one_person_one_request_and_nothing_is_tracked),
		cmocka_unit_test(what_is_empty_is_left_out_or_not_sent_at_all),
		cmocka_unit_test(a_file_of_the_letter_is_encoded_once_for_all),
		cmocka_unit_test(the_button_test_tells_what_the_key_may_do),
		cmocka_unit_test(delivered_bounced_and_complained_are_heard),
		cmocka_unit_test(whatever_is_told_of_an_unsure_mail_proves_that_it_was_taken),
		cmocka_unit_test(what_was_taken_after_all_does_not_leave_a_second_time),
		cmocka_unit_test(an_event_told_again_does_not_undo_what_a_person_did),
		cmocka_unit_test(dropped_says_on_which_list_of_sendgrid_it_was),
		cmocka_unit_test(a_stranger_of_the_same_account_is_suppressed_by_his_address),
		cmocka_unit_test(who_left_by_our_link_does_not_come_back_by_sendgrid),
		cmocka_unit_test(an_event_that_is_faster_than_the_answer_waits),
		cmocka_unit_test(one_bad_body_does_not_stop_the_next_ones),
		cmocka_unit_test(more_events_than_one_body_may_have_are_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
