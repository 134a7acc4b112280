/* Who a mail is from, what goes along with it, and how the lists of both are read; when the provider is
** left alone. */
#include "../state.h"
#include "files/files.h"
#include "../plan.h"
#include "sends/attachments.h"
#include "sends/senders.h"
#include "sends/template_inner.h"

#include <fcntl.h>

struct office {
	struct state s;
};

static void set(struct office *o, const char *name, const char *value)
{
	assert_int_equal(settings_override(o->s.env.settings, name, value), RC_OK);
}

static void act(struct office *o, int64_t user_id)
{
	cx_reset(&o->s.cx);
	o->s.cx.actor = (struct actor){ .kind = ACTOR_USER,
					.user_id = user_id,
					.name = "ana",
					.role = "",
					.rights = "*",
					.address = "" };
}

static void office_open(struct office *o)
{
	static const struct setting business[] = {
		{ .name = "business.name", .title = "", .type = SET_TEXT, .def = "Cine", .help = "" },
		{ .name = "business.currency", .type = SET_ONE, .def = "USD", .choices = "USD" },
		{ .name = "business.region", .type = SET_ONE, .def = "EC", .choices = "EC|CO" },
		{ .name = NULL },
	};
	const struct setting *const tables[] = { business, mail_settings, bulk_mail_settings, sends_settings,
						 NULL };
	const struct resource *const resources[] = { sender_resources, attachment_resources,
						     single_mail_resources, desk_resources, NULL };
	const char *why = "";

	memset(o, 0, sizeof *o);
	state_open(&o->s, 0);
	assert_int_equal(settings_load(&o->s.env.settings, tables, NULL, o->s.forever, LANG_EN, &why), RC_OK);
	assert_int_equal(desk_setup(resources, NULL, o->s.forever), RC_OK);
	assert_int_equal(state_run(&o->s, "INSERT INTO role (id, name, title) VALUES (1, 'r', 'R')"), RC_OK);
	assert_int_equal(
		state_run(
			&o->s,
			"INSERT INTO user (id, public_id, name, name_folded, email, role_id, password_hash, created_at,"
			" updated_at, search) VALUES (7, 'u7', 'ana', 'ana', 'ana@shop.example', 1, '', 0, 0, 'ana'),"
			" (8, 'u8', 'beto', 'beto', NULL, 1, '', 0, 0, 'beto')"),
		RC_OK);
	act(o, 7);
}

static void office_close(struct office *o)
{
	settings_free(o->s.env.settings);
	state_close(&o->s);
}

static int64_t sender(struct office *o, const char *email, const char *user, const char *active)
{
	struct cx *cx = &o->s.cx;
	struct value *input = value_map(cx->arena);
	int64_t id = 0;
	enum rc rc = tx_begin(cx);

	value_set_text(cx->arena, input, "from_email", email);
	value_set_text(cx->arena, input, "from_name", "De");
	value_set_text(cx->arena, input, "user_id", user);
	value_set_text(cx->arena, input, "is_active", active);
	assert_int_equal(rc, RC_OK);
	rc = tx_end(cx, desk_save(cx, desk_resource("senders"), &id, input));
	if (rc != RC_OK) fail_msg("%s %s", cx->message, cx->field_count > 0 ? cx->fields[0].message : "");
	return id;
}

static const char *from(struct office *o, const char *channel, int64_t chosen, int64_t user,
			const char *email, const char *name)
{
	struct sender_ask ask = { .channel = channel,
				  .sender_id = chosen,
				  .user_id = user,
				  .from_email = email,
				  .from_name = name };
	struct sender s = { .id = 0 };

	o->s.cx.message = "";
	if (sender_resolve(&o->s.cx, &s, &ask) != RC_OK) return o->s.cx.message;
	return arena_printf(o->s.arena, "%s: %s <%s>", s.source, s.from_name, s.from_email);
}

static void the_senders_are_asked_in_their_order(void **unused)
{
	struct office o;
	int64_t chosen, off;

	(void)unused;
	office_open(&o);
	assert_string_equal(
		from(&o, "doppler", 0, 8, NULL, NULL),
		"Nobody says who the mails are from: choose a sender, or set doppler.from_email in the settings.");
	set(&o, "doppler.from_email", "bulk@shop.example");
	set(&o, "doppler.from_name", "Bulk");
	assert_string_equal(from(&o, "doppler", 0, 8, NULL, NULL), "settings: Bulk <bulk@shop.example>");
	assert_string_equal(from(&o, "email", 0, 0, NULL, NULL), "settings: Bulk <bulk@shop.example>");
	set(&o, "smtp.from", "Tienda <mail@shop.example>");
	assert_string_equal(from(&o, "email", 0, 0, NULL, NULL), "settings: Tienda <mail@shop.example>");
	assert_string_equal(from(&o, "sendgrid", 0, 0, NULL, NULL), "settings: Bulk <bulk@shop.example>");
	assert_string_equal(from(&o, "doppler", 0, 7, NULL, NULL), "account: ana <ana@shop.example>");
	(void)sender(&o, "own@shop.example", "7", "1");
	assert_string_equal(from(&o, "doppler", 0, 7, NULL, NULL), "user: De <own@shop.example>");
	chosen = sender(&o, "Chosen@shop.example", "", "1");
	assert_string_equal(from(&o, "doppler", chosen, 7, NULL, NULL), "chosen: De <chosen@shop.example>");
	assert_string_equal(from(&o, "doppler", chosen, 7, "req@shop.example", NULL),
			    "chosen: De <chosen@shop.example>");
	assert_string_equal(from(&o, "doppler", chosen, 7, "req@shop.example", "R"),
			    "request: R <req@shop.example>");
	off = sender(&o, "off@shop.example", "", "0");
	assert_string_equal(
		from(&o, "doppler", off, 7, NULL, NULL),
		"The sender off@shop.example is not active any more. Choose another one, or activate it.");
	assert_string_equal(from(&o, "doppler", 999, 7, NULL, NULL), "There is no such sender.");
	assert_non_null(strstr(from(&o, "doppler", 0, 7, "no", "N"), "cannot be the sender"));
	office_close(&o);
}

static void a_user_has_one_active_sender(void **unused)
{
	struct office o;
	int64_t id = 0;

	(void)unused;
	office_open(&o);
	(void)sender(&o, "a@shop.example", "7", "1");
	(void)sender(&o, "b@shop.example", "7", "1");
	(void)sender(&o, "c@shop.example", "8", "1");
	(void)sender(&o, "d@shop.example", "7", "0");
	assert_int_equal(state_int(&o.s, "SELECT count(*) FROM sender WHERE is_active = 1"), 2);
	assert_int_equal(state_int(&o.s, "SELECT is_active FROM sender WHERE from_email = 'b@shop.example'"),
			 1);
	/* One's own is changed in place, or made. */
	assert_int_equal(sender_save_own(&o.s.cx, &id, 7, "new@shop.example", "Ana"), RC_OK);
	assert_int_equal(state_int(&o.s, "SELECT count(*) FROM sender WHERE user_id = 7"), 3);
	assert_int_equal(state_run(&o.s, "UPDATE sender SET is_active = 0"), RC_OK);
	assert_int_equal(sender_save_own(&o.s.cx, &id, 7, "own@shop.example", ""), RC_OK);
	assert_int_equal(state_int(&o.s, "SELECT count(*) FROM sender WHERE user_id = 7 AND is_active = 1"),
			 1);
	assert_int_equal(sender_save_own(&o.s.cx, &id, 7, "nada", ""), RC_BAD_INPUT);
	assert_string_equal(o.s.cx.fields[0].field, "from_email");
	office_close(&o);
}

static int64_t kept(struct office *o, const char *name, size_t size)
{
	char path[300];
	int64_t id = 0;
	int fd;

	snprintf(path, sizeof path, "%s/upload", o->s.dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	o->s.cx.message = "";
	o->s.cx.field_count = 0;
	if (attachment_add(&o->s.cx, &id, fd, name) != RC_OK) id = 0;
	close(fd);
	return id;
}

static void attachments_together_stay_within_what_a_send_may_carry(void **unused)
{
	struct office o;
	int64_t ids[MESSAGE_FILES_MAX + 1], file = 0;

	(void)unused;
	office_open(&o);
	set(&o, "sends.attachments_max_kb", "4"); /* 4096 bytes as they travel: 3072 of files */
	assert_true((ids[0] = kept(&o, "/tmp/a.pdf", 3072)) != 0);
	assert_int_equal(kept(&o, "b.pdf", 3073), 0);
	assert_int_equal(kept(&o, "b.pdf", 0), 0);
	assert_int_equal(kept(&o, "..", 1), 0);
	assert_true((ids[1] = kept(&o, "b.txt", 1)) != 0);
	assert_int_equal(attachments_check(&o.s.cx, ids, 1), RC_OK);
	assert_int_equal(attachments_check(&o.s.cx, ids, 2), RC_TOO_LARGE);
	for (size_t i = 0; i <= MESSAGE_FILES_MAX; i++)
		ids[i] = ids[1];
	assert_int_equal(attachments_check(&o.s.cx, ids, MESSAGE_FILES_MAX), RC_OK);
	assert_int_equal(attachments_check(&o.s.cx, ids, MESSAGE_FILES_MAX + 1), RC_BAD_INPUT);
	assert_int_equal(attachments_files(&o.s.cx, &file, ids, 1), RC_OK);
	assert_int_equal(
		state_int(&o.s, "SELECT count(*) FROM mail_attachment WHERE name = 'a.pdf' AND content_type ="
				" 'application/pdf'"),
		1);
	/* Its bytes went away. */
	assert_int_equal(state_run(&o.s, "UPDATE file SET archived_at = 1"), RC_OK);
	assert_int_equal(attachments_check(&o.s.cx, ids, 1), RC_BAD_INPUT);
	office_close(&o);
}

static void no_list_reads_a_whole_table(void **unused)
{
	struct office o;

	(void)unused;
	office_open(&o);
	assert_true(plan_walk(&o.s.cx) > 20);
	office_close(&o);
}

static void after_three_failures_in_a_minute_the_provider_has_a_minute(void **unused)
{
	static const struct {
		int64_t failures, failed_at, now, until;
	} rows[] = {
		{ 0, 0, 100000, 0 },           { 2, 100000, 100001, 0 }, { 3, 100000, 100001, 160000 },
		{ 3, 100000, 159999, 160000 }, { 3, 100000, 160000, 0 }, { 9, 100000, 130000, 160000 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct template_list list = { .failures = rows[i].failures,
					      .failed_at = rows[i].failed_at,
					      .why = "" };

		assert_int_equal(template_pause_until(&list, rows[i].now), rows[i].until);
	}
}

static void the_choices_are_those_of_the_road(void **unused)
{
	struct office o;
	struct value *list = NULL;
	const char *why = "";
	bool is_stale = false;
	struct mail_template t;

	(void)unused;
	office_open(&o);
	assert_int_equal(
		state_run(
			&o.s,
			"INSERT INTO mail_template (public_id, name, subject, html, created_at, updated_at) VALUES"
			" ('p1', 'beta', 'B', '<p>{{x}}</p>', 1, 1), ('p2', 'Alfa', 'A', '', 1, 1)"),
		RC_OK);
	assert_int_equal(state_run(&o.s, "UPDATE mail_template SET text = 'Hola' WHERE public_id = 'p2'"),
			 RC_OK);
	assert_int_equal(
		state_run(
			&o.s,
			"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 201) INSERT INTO"
			" provider_template (channel, provider_id, name) SELECT 'doppler', 'id' || i, 'T' || i FROM n"),
		RC_OK);
	assert_int_equal(mail_template_choices(&o.s.cx, &list, "email", &is_stale, &why), RC_OK);
	assert_int_equal(list->count, 2);
	assert_string_equal(value_text_of(value_get(list->first, "label"), ""), "Alfa (id=p2)");
	assert_int_equal(mail_template_choices(&o.s.cx, &list, "doppler", &is_stale, &why), RC_OK);
	assert_int_equal(list->count, TEMPLATE_CHOICES);
	assert_non_null(strstr(why, "doppler.api_key"));
	assert_string_equal(o.s.cx.message, "");
	/* One of them, from what is kept. */
	assert_int_equal(mail_template_read(&o.s.cx, &t, "email", "p1", false), RC_OK);
	assert_string_equal(t.text, "{{x}}\n");
	assert_int_equal(mail_template_read(&o.s.cx, &t, "doppler", "id7", false), RC_OK);
	assert_string_equal(t.source, "empty");
	assert_false(t.has_body);
	assert_int_equal(mail_template_read(&o.s.cx, &t, "doppler", "p1", false), RC_NOT_FOUND);
	assert_int_equal(mail_template_read(&o.s.cx, &t, "email", "", false), RC_NOT_FOUND);
	office_close(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_senders_are_asked_in_their_order),
		cmocka_unit_test(a_user_has_one_active_sender),
		cmocka_unit_test(attachments_together_stay_within_what_a_send_may_carry),
		cmocka_unit_test(no_list_reads_a_whole_table),
		cmocka_unit_test(after_three_failures_in_a_minute_the_provider_has_a_minute),
		cmocka_unit_test(the_choices_are_those_of_the_road),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
