/* sends/recipients_*.c, preview.c: what a file of recipients says, and what is wrong with it. */
#include "state.h"

#include "base/mem.h"
#include "sends/recipients_inner.h"

static struct state s;

static int open_state(void **unused)
{
	(void)unused;
	state_open(&s, 0);
	return 0;
}

static int close_state(void **unused)
{
	(void)unused;
	state_close(&s);
	return 0;
}

static struct value *look_with(const char *text, size_t len, const struct preview_options *options)
{
	struct value *out = NULL;
	enum rc rc;

	cx_reset(&s.cx);
	rc = recipients_preview(&s.cx, &out, (struct bytes){ text, len }, options);
	if (rc == RC_OK) return out;
	assert_int_equal(rc, RC_BAD_INPUT);
	assert_non_null(s.cx.error_code);
	assert_string_not_equal(s.cx.message, "");
	return NULL;
}

static struct value *look(const char *text)
{
	return look_with(text, strlen(text), &(struct preview_options){ .dedupe = "exact" });
}

static const char *text_at(const struct value *v, const char *path)
{
	return value_text_of(value_path(v, path), "(none)");
}

static int64_t int_at(const struct value *v, const char *path)
{
	return value_int_of(value_path(v, path), -1);
}

static int64_t errors_of(const struct value *v, const char *code)
{
	const struct value *list = value_get(v, "errors");

	for (const struct value *e = list->first; e != NULL; e = e->next)
		if (strcmp(text_at(e, "code"), code) == 0) return int_at(e, "count");
	return 0;
}

static void assert_refused(const char *text, const char *code)
{
	assert_null(look(text));
	assert_string_equal(s.cx.error_code, code);
}

/* Addresses */

static void an_address_is_one_address_or_none(void **unused)
{
	static const struct {
		const char *typed, *code, *address;
	} rows[] = {
		{ "ana@example.com", "", "ana@example.com" },
		{ "  Ana.Paz+1@Example.COM\t", "", "Ana.Paz+1@example.com" },
		{ "a_b%c-d@sub.example-1.co", "", "a_b%c-d@sub.example-1.co" },
		{ "", "recipient_empty", "" },
		{ " \xC2\xA0 ", "recipient_empty", "" },
		{ "ana", "recipient_invalid", NULL },
		{ "ana@example", "recipient_invalid", NULL },
		{ "ana@example.c", "recipient_invalid", NULL },
		{ "ana@example.c0m", "recipient_invalid", NULL },
		{ "ana@exam ple.com", "recipient_invalid", NULL },
		{ ".ana@example.com", "recipient_invalid", NULL },
		{ "ana.@example.com", "recipient_invalid", NULL },
		{ "an..a@example.com", "recipient_invalid", NULL },
		{ "ana@.example.com", "recipient_invalid", NULL },
		{ "ana@example..com", "recipient_invalid", NULL },
		{ "ana@example.com.", "recipient_invalid", NULL },
		{ "ana@@example.com", "recipient_invalid", NULL },
		{ "@example.com", "recipient_invalid", NULL },
		{ "ana@example.com,eva@example.com", "recipient_invalid", NULL },
		{ "ana@example.com;eva@example.com", "recipient_invalid", NULL },
		{ "ana@example.com\r\nBcc: eva@example.com", "recipient_invalid", NULL },
		{ "Ana <ana@example.com>", "recipient_invalid", NULL },
		{ "a\xC3\xB1"
		  "a@example.com",
		  "recipient_invalid", NULL },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *out = NULL;

		assert_string_equal(recipient_check(s.arena, &out, rows[i].typed), rows[i].code);
		if (rows[i].address != NULL) assert_string_equal(out, rows[i].address);
	}
}

static void an_address_has_at_most_64_letters_before_the_at_and_254_in_all(void **unused)
{
	char typed[400];
	const char *out;

	(void)unused;
	snprintf(typed, sizeof(typed), "%.*s@example.com", 64,
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_string_equal(recipient_check(s.arena, &out, typed), "");
	snprintf(typed, sizeof(typed), "%.*s@example.com", 65,
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_string_equal(recipient_check(s.arena, &out, typed), "recipient_invalid");
	snprintf(typed, sizeof(typed), "a@%0*d.com", 254 - 6, 0);
	assert_int_equal(strlen(typed), 254);
	assert_string_equal(recipient_check(s.arena, &out, typed), "");
	snprintf(typed, sizeof(typed), "a@%0*d.com", 255 - 6, 0);
	assert_string_equal(recipient_check(s.arena, &out, typed), "recipient_invalid");
}

static void a_mistyped_provider_is_seen(void **unused)
{
	(void)unused;
	assert_string_equal(recipient_typo("ana@gmial.com"), "gmail.com");
	assert_string_equal(recipient_typo("ana@HOTMIAL.com"), "hotmail.com");
	assert_null(recipient_typo("ana@gmail.com"));
	assert_null(recipient_typo("ana@hotmail.es"));
	assert_null(recipient_typo("ana"));
	assert_int_equal(int_at(look("email\nana@gmial.com\neva@gmail.com\nbad@@gmial.com\n"), "typos"), 1);
}

/* The file */

static void encoding_and_delimiter_are_told(void **unused)
{
	const struct value *v;

	(void)unused;
	v = look("\xEF\xBB\xBF"
		 "Email;Nombres;Valor\r\nana@example.com;Jos\xC3\xA9;1,5\r\n");
	assert_string_equal(text_at(v, "encoding"), "utf-8-sig");
	assert_string_equal(text_at(v, "delimiter"), ";");
	assert_string_equal(text_at(v, "headers.0"), "Email");
	assert_string_equal(text_at(v, "email_column"), "Email");
	assert_string_equal(text_at(v, "name_column"), "Nombres");
	assert_string_equal(text_at(v, "rows.0.2"), "1,5");
	v = look("correo,valor\nana@example.com,\"1;2\"\n");
	assert_string_equal(text_at(v, "encoding"), "utf-8");
	assert_string_equal(text_at(v, "delimiter"), ",");
	assert_string_equal(text_at(v, "rows.0.1"), "1;2");
	v = look("valor\tE-Mail \tname\n1,2;3\tana@example.com\tAna\n");
	assert_string_equal(text_at(v, "delimiter"), "\t");
	assert_string_equal(text_at(v, "email_column"), "E-Mail");
	assert_string_equal(text_at(v, "name_column"), "name");
	/* Windows writes this; the cell shows right. */
	v = look("email;a\xF1o\nana@example.com;Jos\xE9 \x80\n");
	assert_string_equal(text_at(v, "encoding"), "cp1252");
	assert_string_equal(text_at(v, "headers.1"), "a\xC3\xB1o");
	assert_string_equal(text_at(v, "rows.0.1"), "Jos\xC3\xA9 \xE2\x82\xAC");
}

static void only_the_heading_decides_on_the_delimiter(void **unused)
{
	const struct value *v;

	(void)unused;
	/* More commas than semicolons, but only these show an e-mail column. */
	v = look("apellido, nombre, otros;email\nPaz, Ana, x;ana@example.com\n");
	assert_string_equal(text_at(v, "delimiter"), ";");
	assert_string_equal(text_at(v, "rows.0.0"), "Paz, Ana, x");
	v = look("email\nana@example.com;1;2;3\n");
	assert_int_equal(int_at(v, "valid"), 0);
	assert_int_equal(errors_of(v, "row_structure_invalid"), 1);
}

static void each_of_the_six_names_is_the_address(void **unused)
{
	static const char *const names[] = { "email",  "CORREO",        "E-mail",
					     " Mail ", "email_address", "Correo_Electronico" };

	(void)unused;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[100];

		snprintf(text, sizeof(text), "x;%s\n1;ana@example.com\n", names[i]);
		assert_int_equal(int_at(look(text), "valid"), 1);
	}
}

static void quoted_line_breaks_and_blank_lines_are_no_rows(void **unused)
{
	const struct value *v =
		look("email;nota\r\n\r\nana@example.com;\"Av. 1\r\n\"\"Casa\"\"\"\n\n  \neva@example.com;x");

	(void)unused;
	assert_int_equal(int_at(v, "total"), 2);
	assert_int_equal(int_at(v, "valid"), 2);
	assert_string_equal(text_at(v, "rows.0.1"), "Av. 1\r\n\"Casa\"");
}

static void a_file_that_cannot_serve_is_refused_with_its_code(void **unused)
{
	(void)unused;
	assert_refused("", "file_empty");
	assert_refused("\xEF\xBB\xBF \r\n", "file_empty");
	assert_refused("email;x\n", "file_empty");
	assert_refused("ana@example.com;Ana\neva@example.com;Eva\n", "header_missing");
	assert_refused("email;Valor; VALOR\nana@example.com;1;2\n", "duplicate_header");
	assert_refused("email;A\xC3\x91O;an\xCC\x83o\nana@example.com;1;2\n", "duplicate_header");
	assert_refused("PK\x03\x04 email\n", "file_unreadable");
	assert_refused("\xFF\xFE"
		       "e\n",
		       "encoding_invalid");
	assert_refused("email;x\nana@example.com;\x81\xE9\n", "encoding_invalid");
	assert_refused("email;x\nana@example.com;\"open\n", "file_unreadable");
	assert_non_null(strstr(s.cx.message, "2"));
	assert_null(
		look_with("email;x\nana@example.com;\0\n", 27, &(struct preview_options){ .dedupe = "all" }));
	assert_string_equal(s.cx.error_code, "file_unreadable");
	/* marks are letters: these are two columns */
	assert_non_null(look("email;ano;a\xC3\xB1o\nana@example.com;1;2\n"));
}

static void a_file_without_addresses_is_shown_all_the_same(void **unused)
{
	const struct value *v = look("nombre;valor\nAna;1\n");

	(void)unused;
	assert_non_null(v);
	assert_string_equal(text_at(v, "email_column"), "");
	assert_string_equal(text_at(v, "error.code"), "email_column_missing");
	assert_int_equal(int_at(v, "valid"), 0);
	assert_string_equal(text_at(v, "rows.0.0"), "Ana");
}

/* Rows */

static void a_bad_row_is_counted_and_stops_no_other(void **unused)
{
	const struct value *v = look("email;valor\nana@example.com;1\n;2\nnobody;3\neva@example.com;4;5\n"
				     "leo@example.com\nida@example.com; \n");

	(void)unused;
	assert_int_equal(int_at(v, "total"), 6);
	assert_int_equal(int_at(v, "valid"), 3);
	assert_int_equal(errors_of(v, "recipient_empty"), 1);
	assert_int_equal(errors_of(v, "recipient_invalid"), 1);
	assert_int_equal(errors_of(v, "row_structure_invalid"), 1);
	assert_string_equal(text_at(v, "columns.0.name"), "valor");
	assert_int_equal(int_at(v, "columns.0.empty"), 2);
}

static void duplicates_follow_the_choice(void **unused)
{
	static const char text[] = "email;valor\nana@example.com;1\nana@EXAMPLE.com;1\nana@example.com;2\n"
				   "ANA@example.com;1\n";
	static const struct {
		const char *dedupe;
		int64_t valid;
	} rows[] = { { "all", 4 }, { "exact", 3 }, { "address", 2 }, { NULL, 3 } };

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct value *v =
			look_with(text, strlen(text), &(struct preview_options){ .dedupe = rows[i].dedupe });

		assert_int_equal(int_at(v, "valid"), rows[i].valid);
		assert_int_equal(errors_of(v, "duplicate_row"), 4 - rows[i].valid);
		assert_int_equal(int_at(v, "duplicates"), 1);
		assert_int_equal(int_at(v, "same_address"), 2);
	}
}

static void who_wants_no_mailings_is_left_out_unless_told_otherwise(void **unused)
{
	static const char text[] = "email\nZoe@example.com\neva@example.com\n";
	struct preview_options options = { .dedupe = "exact" };
	int64_t id = 0;
	enum rc rc;

	(void)unused;
	cx_reset(&s.cx);
	rc = tx_begin(&s.cx);
	if (rc == RC_OK) rc = contact_ensure(&s.cx, &id, "email", "zoe@example.com");
	if (rc == RC_OK) rc = contact_opt_out(&s.cx, id, "campaign", "test", true);
	assert_int_equal(tx_end(&s.cx, rc), RC_OK);
	assert_int_equal(int_at(look_with(text, strlen(text), &options), "suppressed"), 1);
	assert_int_equal(int_at(look_with(text, strlen(text), &options), "valid"), 1);
	options.sends_suppressed = true;
	assert_int_equal(int_at(look_with(text, strlen(text), &options), "valid"), 2);
	/* where nothing arrives, nothing is sent, whoever asks for it */
	assert_int_equal(state_run(&s, "UPDATE contact SET dead_reason = 'no_mailbox'"), RC_OK);
	assert_int_equal(int_at(look_with(text, strlen(text), &options), "valid"), 1);
	assert_int_equal(int_at(look_with(text, strlen(text), &options), "suppressed"), 1);
}

/* Variables */

static const char *payload_of(const char *text, const char *variables)
{
	struct recipients_file *f = arena_alloc(s.arena, sizeof(*f));
	struct recipient_row row;
	struct sb sb;

	cx_reset(&s.cx);
	f = arena_alloc(s.arena, sizeof(*f));
	assert_non_null(f);
	if (recipients_open(&s.cx, f, s.arena, (struct bytes){ text, strlen(text) }, variables) != RC_OK)
		return s.cx.error_code;
	assert_int_equal(recipients_next(&s.cx, f, s.arena), RC_OK);
	sb_init_arena(&sb, s.arena, PAYLOAD_MAX);
	recipients_read_row(f, s.arena, &row, &sb);
	return row.code == ROW_VALID ? sb_text_of(&sb) : row_code_name(row.code);
}

static void a_payload_is_canonical(void **unused)
{
	(void)unused;
	assert_string_equal(payload_of("valor;email;Valor2;__x;a\xC3\xB1o\n 1 ;ana@example.com;;9;\"Jos"
				       "e\xCC\x81 \"\"x\"\"\n\"\n",
				       ""),
			    "{\"Valor2\":\"\",\"a\xC3\xB1o\":\"Jos\xC3\xA9 \\\"x\\\"\",\"valor\":\"1\"}");
	assert_string_equal(payload_of("email\nana@example.com\n", "{}"), "{}");
	assert_string_equal(payload_of("email;a;;\nana@example.com;1;2;3\n", ""), "{\"a\":\"1\"}");
}

static void a_name_with_points_is_an_object_in_the_payload(void **unused)
{
	(void)unused;
	assert_string_equal(payload_of("email;cliente.nombre;zona;cliente.pais.iso;cliente-x;cliente.edad\n"
				       "ana@example.com;Ana;1;EC;2;30\n",
				       ""),
			    "{\"cliente\":{\"edad\":\"30\",\"nombre\":\"Ana\",\"pais\":{\"iso\":\"EC\"}},"
			    "\"cliente-x\":\"2\",\"zona\":\"1\"}");
	assert_string_equal(payload_of("email;a.b.c;a.d.c\nana@example.com;1;2\n", ""),
			    "{\"a\":{\"b\":{\"c\":\"1\"},\"d\":{\"c\":\"2\"}}}");
	assert_string_equal(payload_of("email;No. de factura\nana@example.com;7\n", ""),
			    "{\"No\":{\" de factura\":\"7\"}}");
	assert_string_equal(
		payload_of("email;Nombre\nana@example.com;Ana\n", "{\"cliente.nombre\":\"nombre\"}"),
		"{\"cliente\":{\"nombre\":\"Ana\"}}");
	/* With an empty part, or more parts than a name has, it is no path. */
	assert_string_equal(payload_of("email;a.z;a..c;a.a;.x;Nro.\nana@example.com;1;2;3;4;5\n", ""),
			    "{\"a\":{\"a\":\"3\",\"z\":\"1\"},\".x\":\"4\",\"Nro.\":\"5\",\"a..c\":\"2\"}");
	assert_true(variable_is_reachable("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p"));
	assert_false(variable_is_reachable("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q"));
	assert_false(variable_is_reachable("Nro."));
}

static void a_name_is_a_value_or_an_object_not_both(void **unused)
{
	static const char text[] = "email;cliente;cliente.nombre;otro\nana@example.com;1;Ana;2\n";

	(void)unused;
	assert_string_equal(payload_of(text, ""), "variable_name_conflict");
	assert_non_null(strstr(s.cx.message, "(cliente, cliente.nombre)"));
	assert_string_equal(payload_of(text, "{\"cliente.nombre\":\"cliente.nombre\"}"),
			    "{\"cliente\":{\"nombre\":\"Ana\"}}");
	assert_string_equal(payload_of("email;a.b;a.b.c.d\nana@example.com;1;2\n", ""),
			    "variable_name_conflict");
	assert_string_equal(payload_of("email;Cliente;cliente.nombre\nana@example.com;1;2\n", ""),
			    "{\"Cliente\":\"1\",\"cliente\":{\"nombre\":\"2\"}}");
}

static void a_mapping_names_what_is_sent(void **unused)
{
	static const char text[] = "email;Valor;Otro\nana@example.com;1;2\n";

	(void)unused;
	assert_string_equal(payload_of(text, "{\"total\":\"VALOR\",\"__sender\":\"7\"}"),
			    "{\"total\":\"1\"}");
	assert_string_equal(payload_of(text, "{\"correo\":\"Email\"}"), "{\"correo\":\"ana@example.com\"}");
	assert_string_equal(payload_of(text, "{\"__sender\":\"7\"}"), "{\"Otro\":\"2\",\"Valor\":\"1\"}");
	assert_string_equal(payload_of(text, "{\"a\":\"valor\",\" A \":\"otro\"}"),
			    "duplicate_variable_mapping_key");
	assert_string_equal(payload_of(text, "{\"a\":\"precio\"}"), "variable_column_missing");
	assert_non_null(strstr(s.cx.message, "precio"));
	assert_string_equal(payload_of(text, "[1]"), "variables_invalid");
	assert_string_equal(payload_of(text, "{\"a\":1}"), "variables_invalid");
}

static void a_template_name_is_its_exact_letters(void **unused)
{
	static const char text[] = "email;Valor;nota\nana@example.com;1;\neva@example.com;;x\n";
	struct value *required = value_list(s.arena);
	const struct value *v;

	(void)unused;
	cx_reset(&s.cx);
	required = value_list(s.forever);
	value_add_text(s.forever, required, "valor");
	value_add_text(s.forever, required, "Valor");
	value_add_text(s.forever, required, "nota");
	v = look_with(text, strlen(text),
		      &(struct preview_options){ .required = required, .may_be_empty = "[\"nota\"]" });
	assert_string_equal(text_at(v, "missing.0"), "valor");
	assert_null(value_path(v, "missing.1"));
	assert_int_equal(errors_of(v, "required_value_missing"), 1);
	assert_int_equal(int_at(v, "valid"), 1);
}

static void rows_can_be_stepped_through(void **unused)
{
	static const char text[] = "email;Valor\nnobody;0\nana@example.com;1\neva@example.com;2\n";
	struct value *v = NULL;

	(void)unused;
	cx_reset(&s.cx);
	assert_int_equal(recipients_row(&s.cx, &v, (struct bytes){ text, strlen(text) }, 1, ""), RC_OK);
	assert_string_equal(text_at(v, "Valor"), "2");
	assert_string_equal(text_at(v, "email"), "eva@example.com");
	assert_int_equal(recipients_row(&s.cx, &v, (struct bytes){ text, strlen(text) }, 2, ""),
			 RC_NOT_FOUND);
}

/* Limits */

static char *many_rows(size_t rows, size_t *len)
{
	char *text = malloc(6 + rows * 4), *p = text;

	assert_non_null(text);
	p = stpcpy(p, "email\n");
	for (size_t i = 0; i < rows; i++)
		p = mempcpy(p, "a@b\n", 4);
	*len = (size_t)(p - text);
	return text;
}

static void a_file_has_at_most_250000_rows(void **unused)
{
	size_t len = 0;
	char *text = many_rows(RECIPIENTS_ROWS_MAX, &len);
	const struct value *v = look_with(text, len, &(struct preview_options){ .dedupe = "exact" });

	(void)unused;
	assert_int_equal(int_at(v, "total"), 250000);
	free(text);
	text = many_rows(RECIPIENTS_ROWS_MAX + 1, &len);
	assert_null(look_with(text, len, &(struct preview_options){ .dedupe = "exact" }));
	assert_string_equal(s.cx.error_code, "row_limit_exceeded");
	free(text);
}

static void a_file_has_at_most_50_mebibytes(void **unused)
{
	static const char head[] = "email;x\nana@example.com;1\n";
	char *text = malloc(RECIPIENTS_BYTES_MAX + 1);

	(void)unused;
	assert_non_null(text);
	memset(text, '\n', RECIPIENTS_BYTES_MAX + 1);
	memcpy(text, head, sizeof(head) - 1);
	assert_int_equal(
		int_at(look_with(text, RECIPIENTS_BYTES_MAX, &(struct preview_options){ .dedupe = "all" }),
		       "valid"),
		1);
	assert_null(look_with(text, RECIPIENTS_BYTES_MAX + 1, &(struct preview_options){ .dedupe = "all" }));
	assert_string_equal(s.cx.error_code, "file_too_large");
	free(text);
}

static void a_row_has_at_most_64_kibibytes_of_variables(void **unused)
{
	char *text = malloc(3 * PAYLOAD_MAX);
	int len;

	(void)unused;
	assert_non_null(text);
	/* {"a":"…"} has eight bytes beside the value */
	len = snprintf(text, 3 * PAYLOAD_MAX, "email;a\nana@example.com;%0*d\n", (int)PAYLOAD_MAX - 8, 0);
	assert_true(len > 0);
	assert_int_equal(strlen(payload_of(text, "")), PAYLOAD_MAX);
	len = snprintf(text, 3 * PAYLOAD_MAX, "email;a\nana@example.com;%0*d\n", (int)PAYLOAD_MAX - 7, 0);
	assert_true(len > 0);
	assert_string_equal(payload_of(text, ""), "row_structure_invalid");
	free(text);
}

static void a_name_of_a_column_has_at_most_255_letters(void **unused)
{
	char text[400];

	(void)unused;
	snprintf(text, sizeof(text), "email;%0255d\nana@example.com;1\n", 0);
	assert_non_null(look(text));
	snprintf(text, sizeof(text), "email;%0256d\nana@example.com;1\n", 0);
	assert_refused(text, "header_missing");
}

/* Words */

static void every_code_has_its_sentence_in_both_languages(void **unused)
{
	size_t i, rows = 0;

	(void)unused;
	for (i = 0;; i++) {
		bool is_file = false;
		const char *code = recipients_code_at(i, &is_file);

		if (code == NULL) break;
		rows += !is_file;
		assert_string_not_equal(recipients_words(LANG_EN, code), code);
		assert_string_not_equal(recipients_words(LANG_ES, code), code);
		assert_string_not_equal(recipients_words(LANG_ES, code), recipients_words(LANG_EN, code));
	}
	assert_int_equal(rows, ROW__MAX - 1);
	assert_true(i >= 18);
	assert_string_equal(row_code_name(ROW_SUPPRESSED), "suppressed");
	assert_string_equal(row_code_name(ROW_DUPLICATE), "duplicate_row");
	assert_string_equal(row_code_name(ROW_VALUE_MISSING), "required_value_missing");
	assert_string_equal(recipients_words(LANG_EN, "what"), "what");
}

/* The set */

static void a_set_keeps_every_key_once_and_notices_no_memory(void **unused)
{
	struct key_set set = { .slots = NULL };
	uint64_t key[2];
	bool is_new = false;

	(void)unused;
	for (uint64_t i = 1; i <= 20000; i++) {
		key[0] = i % 100; /* many begin at the same place */
		key[1] = i;
		assert_false(key_set_has(&set, key));
		assert_int_equal(key_set_add(&set, key, &is_new), RC_OK);
		assert_true(is_new);
	}
	for (uint64_t i = 1; i <= 20000; i++) {
		key[0] = i % 100;
		key[1] = i;
		assert_true(key_set_has(&set, key));
		assert_int_equal(key_set_add(&set, key, &is_new), RC_OK);
		assert_false(is_new);
	}
	assert_int_equal(set.count, 20000);
	mem_fail(1, true);
	for (uint64_t i = 1; key_set_add(&set, key, &is_new) == RC_OK; i++)
		key[1] = 20000 + i;
	mem_fail(0, false);
	assert_int_equal(set.count, 24576); /* three quarters of its slots: there was no memory for more */
	key_set_free(&set);
}

/* The first and the sixteenth of the reference's own vectors (key 00 01 … 0f, text 00 01 …). */
static void a_key_is_siphash_with_128_bits(void **unused)
{
	static const unsigned char empty[16] = { 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6,
						 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93 };
	static const unsigned char fifteen[16] = { 0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11,
						   0x7e, 0x08, 0xec, 0x0f, 0x97, 0xcf, 0xc3, 0xd9 };
	unsigned char bytes[16];
	struct sip_key key;
	uint64_t out[2];

	(void)unused;
	for (unsigned char i = 0; i < 16; i++)
		bytes[i] = i;
	memcpy(&key, bytes, sizeof(key));
	sip_hash(out, &key, "", 0);
	assert_memory_equal(out, empty, sizeof(out));
	sip_hash(out, &key, (const char *)bytes, 15);
	assert_memory_equal(out, fifteen, sizeof(out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_one_address_or_none),
		cmocka_unit_test(an_address_has_at_most_64_letters_before_the_at_and_254_in_all),
		cmocka_unit_test(a_mistyped_provider_is_seen),
		cmocka_unit_test(encoding_and_delimiter_are_told),
		cmocka_unit_test(only_the_heading_decides_on_the_delimiter),
		cmocka_unit_test(each_of_the_six_names_is_the_address),
		cmocka_unit_test(quoted_line_breaks_and_blank_lines_are_no_rows),
		cmocka_unit_test(a_file_that_cannot_serve_is_refused_with_its_code),
		cmocka_unit_test(a_file_without_addresses_is_shown_all_the_same),
		cmocka_unit_test(a_bad_row_is_counted_and_stops_no_other),
		cmocka_unit_test(duplicates_follow_the_choice),
		cmocka_unit_test(who_wants_no_mailings_is_left_out_unless_told_otherwise),
		cmocka_unit_test(a_payload_is_canonical),
		cmocka_unit_test(a_name_with_points_is_an_object_in_the_payload),
		cmocka_unit_test(a_name_is_a_value_or_an_object_not_both),
		cmocka_unit_test(a_mapping_names_what_is_sent),
		cmocka_unit_test(a_template_name_is_its_exact_letters),
		cmocka_unit_test(rows_can_be_stepped_through),
		cmocka_unit_test(a_file_has_at_most_250000_rows),
		cmocka_unit_test(a_file_has_at_most_50_mebibytes),
		cmocka_unit_test(a_row_has_at_most_64_kibibytes_of_variables),
		cmocka_unit_test(a_name_of_a_column_has_at_most_255_letters),
		cmocka_unit_test(every_code_has_its_sentence_in_both_languages),
		cmocka_unit_test(a_set_keeps_every_key_once_and_notices_no_memory),
		cmocka_unit_test(a_key_is_siphash_with_128_bits),
	};

	if (words_load() != RC_OK) return 1;
	return cmocka_run_group_tests(tests, open_state, close_state);
}
