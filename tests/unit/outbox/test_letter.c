/*
** test_letter.c -- what a mailing says is written once and said to each person in their own words.
*/
#include "house.h"
#include "files/files.h"
#include "outbox/letter.h"

static const struct letter_new shop = {
	.from_email = "ventas@tienda.example",
	.from_name = "Tienda",
	.reply_to = "",
	.provider_template = "",
	.subject = "Hola {{nombre}}\n",
	.html = "<p>{{nombre}} &lt; {{{email}}}</p><a href=\"{{baja}}\">Baja</a>",
	.text = "{{nombre}}: {{unsubscribe_url}}",
	.list_name = "Mayo",
	.has_unsubscribe = true
};

static enum rc written(struct house *h, const struct letter_new *l)
{
	enum rc rc = tx_begin(&h->s.cx);

	if (rc == RC_OK) rc = letter_add(&h->s.cx, h->batch, l);
	return tx_end(&h->s.cx, rc);
}

static void each_person_reads_their_own_words(void **state)
{
	struct house h;
	struct letter_cache *c = letter_cache_new();
	struct letter_kept *k = NULL, *again = NULL;
	struct outgoing o = { .to = "ana@example.com",
			      .variables_json = "{\"nombre\":\"Ana & <Co>\"}",
			      .unsubscribe_url = "https://tienda.example/u/abc" };

	(void)state;
	house_open(&h, 0);
	assert_int_equal(written(&h, &shop), RC_OK);
	assert_int_equal(letter_of(&h.s.cx, c, &k, h.batch), RC_OK);
	assert_non_null(k);
	assert_string_equal(k->letter.from_email, "ventas@tienda.example");
	assert_string_equal(k->letter.from_name, "Tienda");
	assert_string_equal(k->letter.list_name, "Mayo");
	assert_int_equal(letter_render(c, k, &o), RC_OK);
	assert_string_equal(o.subject, "Hola Ana & <Co>");
	assert_string_equal(o.html, "<p>Ana &amp; &lt;Co&gt; &lt; ana@example.com</p>"
				    "<a href=\"https://tienda.example/u/abc\">Baja</a>");
	assert_string_equal(o.text, "Ana & <Co>: https://tienda.example/u/abc");
	assert_ptr_equal(o.letter, &k->letter);
	o = (struct outgoing){ .to = "eva@example.com",
			       .variables_json = "{\"nombre\":\"Eva\",\"email\":\"de la fila\"}" };
	assert_int_equal(letter_render(c, k, &o), RC_OK);
	assert_string_equal(o.html, "<p>Eva &lt; de la fila</p><a href=\"\">Baja</a>");
	o.variables_json = "[1]";
	assert_int_equal(letter_render(c, k, &o), RC_BAD_INPUT);
	o.variables_json = "{";
	assert_int_equal(letter_render(c, k, &o), RC_BAD_INPUT);
	/* Kept: the row is not asked for again. */
	assert_int_equal(state_run(&h.s, "UPDATE letter SET from_name = 'Otra'"), RC_OK);
	assert_int_equal(letter_of(&h.s.cx, c, &again, h.batch), RC_OK);
	assert_string_equal(again->letter.from_name, "Tienda");
	letter_cache_free(c);
	house_close(&h);
}

static void the_providers_own_template_is_left_to_the_provider(void **state)
{
	struct house h;
	struct letter_cache *c = letter_cache_new();
	struct letter_kept *k = NULL;
	struct outgoing o = { .to = "ana@example.com", .text = NULL };

	(void)state;
	house_open(&h, 0);
	assert_int_equal(written(&h, &(struct letter_new){ .from_email = "a@b.example",
							   .provider_template = "tpl-7",
							   .subject = "Solo {{esto}}" }),
			 RC_OK);
	assert_int_equal(letter_of(&h.s.cx, c, &k, h.batch), RC_OK);
	assert_int_equal(letter_render(c, k, &o), RC_OK);
	assert_string_equal(o.letter->provider_template, "tpl-7");
	assert_string_equal(o.subject, "Solo {{esto}}");
	assert_string_equal(o.text, "");
	assert_null(o.html);
	letter_cache_free(c);
	house_close(&h);
}

static void a_text_that_cannot_be_read_is_refused_before_it_waits(void **state)
{
	struct house h;
	struct letter_new l = shop;
	int64_t files[MESSAGE_FILES_MAX + 1] = { 0 };
	int64_t n = 1;

	(void)state;
	house_open(&h, 0);
	l.html = "<p>\n{{#abierto}}</p>";
	assert_int_equal(written(&h, &l), RC_BAD_INPUT);
	l = shop;
	l.from_email = "";
	assert_int_equal(written(&h, &l), RC_BUG);
	l = shop;
	l.provider_template = "7"; /* and texts of ours: one of the two */
	assert_int_equal(written(&h, &l), RC_BUG);
	l = shop;
	l.files = files;
	l.file_count = MESSAGE_FILES_MAX + 1;
	assert_int_equal(written(&h, &l), RC_BUG);
	assert_int_equal(db_get_int(&h.s.cx, &n, "SELECT count(*) FROM letter", NO_PARAMS), RC_OK);
	assert_int_equal(n, 0);
	house_close(&h);
}

static int prepared;

static enum rc prepare_letter(struct sb *out, const struct channel_config *cf, const struct letter *l)
{
	(void)cf;
	prepared++;
	sb_text(out, l->files[0].name);
	return RC_OK;
}

static int64_t stored(struct house *h, const char *name)
{
	int64_t id = 0;
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_int_equal(fwrite(name, 1, strlen(name), f), strlen(name));
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

static void attachments_are_put_together_once_for_all(void **state)
{
	const struct channel_kind kind = { .kind = "test", .prepare_letter = prepare_letter };
	struct house h;
	struct letter_cache *c = letter_cache_new();
	struct letter_kept *k = NULL;
	struct letter_new l = shop;
	int64_t files[2];
	char path[512];

	(void)state;
	prepared = 0;
	house_open(&h, 0);
	files[0] = stored(&h, "zeta.pdf");
	files[1] = stored(&h, "alfa.pdf");
	l.files = files;
	l.file_count = 2;
	assert_int_equal(written(&h, &l), RC_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(letter_of(&h.s.cx, c, &k, h.batch), RC_OK);
		assert_int_equal(letter_prepare(k, &kind, NULL), RC_OK);
	}
	assert_int_equal(prepared, 1);
	assert_int_equal(k->letter.file_count, 2);
	assert_int_equal(k->file_bytes, 16);
	assert_string_equal(k->letter.prepared, "zeta.pdf");
	assert_int_equal(k->letter.prepared_len, 8);
	/* A disk that is away is asked again each time; an archived file is gone. */
	snprintf(path, sizeof(path), "%s", k->letter.files[1].path);
	assert_int_equal(unlink(path), 0);
	letter_cache_free(c);
	c = letter_cache_new();
	assert_int_equal(letter_of(&h.s.cx, c, &k, h.batch), RC_OK);
	assert_true(k->is_file_away && !k->is_file_gone);
	assert_int_equal(state_run(&h.s, "UPDATE file SET archived_at = 1 WHERE name = 'alfa.pdf'"), RC_OK);
	assert_int_equal(letter_of(&h.s.cx, c, &k, h.batch), RC_OK);
	assert_true(k->is_file_gone && !k->is_file_away);
	letter_cache_free(c);
	house_close(&h);
}

/* One more mailing at a time than are kept: each is still read right. */
static void more_mailings_than_are_kept_are_read_again(void **state)
{
	struct house h;
	struct letter_cache *c = letter_cache_new();
	struct letter_kept *k = NULL;
	int64_t batches[LETTERS_KEPT + 1];
	char subject[20];

	(void)state;
	house_open(&h, 0);
	assert_int_equal(letter_of(&h.s.cx, c, &k, h.batch), RC_OK);
	assert_null(k); /* an ordinary batch has none */
	for (int i = 0; i <= LETTERS_KEPT; i++) {
		struct letter_new l = shop;

		snprintf(subject, sizeof(subject), "Nr. %d", i);
		l.subject = subject;
		assert_int_equal(tx_begin(&h.s.cx), RC_OK);
		assert_int_equal(batch_open(&h.s.cx, &batches[i], &(struct batch_new){ .kind = "test" }),
				 RC_OK);
		assert_int_equal(letter_add(&h.s.cx, batches[i], &l), RC_OK);
		assert_int_equal(tx_end(&h.s.cx, RC_OK), RC_OK);
	}
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i <= LETTERS_KEPT; i++) {
			struct outgoing o = { .to = "a@b.example" };

			assert_int_equal(letter_of(&h.s.cx, c, &k, batches[i]), RC_OK);
			assert_int_equal(letter_render(c, k, &o), RC_OK);
			snprintf(subject, sizeof(subject), "Nr. %d", i);
			assert_string_equal(o.subject, subject);
		}
	}
	letter_cache_free(c);
	house_close(&h);
}

static void who_looks_at_a_message_reads_what_its_person_reads(void **state)
{
	struct house h;
	struct letter_shown shown = { "", "", "" };
	struct letter_new l = shop;
	int64_t id, other;

	(void)state;
	house_open(&h, 0);
	other = house_message(&h, 2);
	assert_int_equal(letter_show(&h.s.cx, &shown, other), RC_NOT_FOUND);
	l.has_unsubscribe = false;
	assert_int_equal(written(&h, &l), RC_OK);
	id = house_message(&h, 1);
	assert_int_equal(letter_show(&h.s.cx, &shown, id), RC_BAD_INPUT); /* no variables */
	assert_int_equal(state_run(&h.s, "UPDATE message SET variables_json = '{\"nombre\":\"Ana\"}'"),
			 RC_OK);
	assert_int_equal(letter_show(&h.s.cx, &shown, id), RC_OK);
	assert_string_equal(shown.subject, "Hola Ana");
	assert_string_equal(shown.text, "Ana: ");
	assert_int_equal(letter_show(&h.s.cx, &shown, 999), RC_NOT_FOUND);
	house_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_person_reads_their_own_words),
		cmocka_unit_test(the_providers_own_template_is_left_to_the_provider),
		cmocka_unit_test(a_text_that_cannot_be_read_is_refused_before_it_waits),
		cmocka_unit_test(attachments_are_put_together_once_for_all),
		cmocka_unit_test(more_mailings_than_are_kept_are_read_again),
		cmocka_unit_test(who_looks_at_a_message_reads_what_its_person_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
