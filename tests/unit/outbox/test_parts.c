/*
** test_parts.c -- what a mail has beyond its text comes along when it is claimed: subject, HTML, files in
** their order.
*/
#include "house.h"
#include "files/files.h"

static int64_t stored(struct house *h, const char *name, const char *text)
{
	char path[300];
	int64_t id = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/upload", h->s.dir);
	f = fopen(path, "w+");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fflush(f), 0);
	assert_int_equal(file_store(&h->s.cx, &id, fileno(f),
				    &(struct file_new){ .name = name,
							.media_type = "application/pdf",
							.owner_table = "test",
							.owner_id = 1,
							.max = 1000 }),
			 RC_OK);
	fclose(f);
	return id;
}

static int64_t mail(struct house *h, const int64_t *files, size_t count)
{
	return house_add(h, &(struct message_new){ .contact_id = house_contact(h, 1),
						   .subject = "Tu factura",
						   .html = "<p>Hola</p>",
						   .files = files,
						   .file_count = count });
}

/* As a lane of mails does. */
static int claim_mail(struct house *h, struct claimed *out)
{
	static const int slots[] = { 0 };
	struct claim c = { .account = h->account,
			   .contact_kind = "email",
			   .now = cx_now(&h->s.cx),
			   .is_window_open = true,
			   .slots = slots,
			   .slot_count = 1,
			   .out = out };

	assert_int_equal(state_run(&h->s, "UPDATE contact SET kind = 'email'"), RC_OK);
	assert_int_equal(tx_begin(&h->s.cx), RC_OK);
	assert_int_equal(ledger_claim(&h->s.cx, &c), RC_OK);
	assert_int_equal(tx_end(&h->s.cx, RC_OK), RC_OK);
	return c.count;
}

static void a_mail_takes_its_subject_and_its_files_along_in_their_order(void **state)
{
	struct house h;
	struct claimed m, taken[1];
	int64_t files[2];
	char text[4] = "";
	FILE *f;

	(void)state;
	house_open(&h, 0);
	files[0] = stored(&h, "zeta.pdf", "one");
	files[1] = stored(&h, "alfa.pdf", "two");
	m.id = mail(&h, files, 2);
	assert_int_equal(claim_mail(&h, taken), 1);
	assert_int_equal(taken[0].id, m.id);
	m = taken[0];
	assert_int_equal(ledger_files(&h.s.cx, &m), RC_OK);
	assert_string_equal(m.subject, "Tu factura");
	assert_string_equal(m.html, "<p>Hola</p>");
	assert_int_equal(strlen(m.public_id), 26);
	assert_true(m.created_at > 0);
	assert_int_equal(m.file_count, 2);
	assert_string_equal(m.files[0].name, "zeta.pdf");
	assert_string_equal(m.files[0].media_type, "application/pdf");
	f = fopen(m.files[1].path, "r");
	assert_non_null(f);
	assert_int_equal(fread(text, 1, 3, f), 3);
	assert_string_equal(text, "two");
	fclose(f);
	assert_false(m.is_file_gone || m.is_file_away);
	claimed_forget(&m);
	assert_null(m.subject);
	assert_int_equal(m.file_count, 0);
	house_close(&h);
}

static void a_text_without_any_has_none(void **state)
{
	struct house h;
	struct claimed m = { .id = 0 };

	(void)state;
	house_open(&h, 0);
	m.id = house_message(&h, 1);
	assert_int_equal(claim_mail(&h, &m), 1);
	assert_int_equal(ledger_files(&h.s.cx, &m), RC_OK);
	assert_null(m.subject);
	assert_null(m.html);
	assert_int_equal(m.file_count, 0);
	house_close(&h);
}

static void a_file_that_was_archived_or_lies_on_an_absent_disk_is_told_apart(void **state)
{
	struct house h;
	struct claimed gone = { .id = 0 }, away = { .id = 0 };
	int64_t first, second;

	(void)state;
	house_open(&h, 0);
	first = stored(&h, "a.pdf", "one");
	second = stored(&h, "b.pdf", "two");
	gone.id = mail(&h, &first, 1);
	away.id = mail(&h, &second, 1);
	assert_int_equal(state_run(&h.s, "UPDATE file SET archived_at = 1 WHERE name = 'a.pdf'"), RC_OK);
	assert_int_equal(ledger_files(&h.s.cx, &away), RC_OK);
	assert_int_equal(unlink(away.files[0].path), 0);
	assert_int_equal(ledger_files(&h.s.cx, &gone), RC_OK);
	assert_true(gone.is_file_gone);
	assert_int_equal(ledger_files(&h.s.cx, &away), RC_OK);
	assert_true(away.is_file_away);
	assert_false(away.is_file_gone);
	house_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mail_takes_its_subject_and_its_files_along_in_their_order),
		cmocka_unit_test(a_text_without_any_has_none),
		cmocka_unit_test(a_file_that_was_archived_or_lies_on_an_absent_disk_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
