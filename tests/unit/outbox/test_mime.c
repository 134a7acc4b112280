/*
** test_mime.c -- what a mail looks like on the wire, byte by byte where a rule says so.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "outbox/mime.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define AT       INT64_C(1767341045000) /* 2026-01-02 03:04:05 in Bogotá */

static struct sb out;

static int set_up(void **state)
{
	(void)state;
	sb_init(&out, MAIL_SIZE_MAX);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sb_free(&out);
	return 0;
}

static struct mime_mail simple(void)
{
	return (struct mime_mail){ .from = "ventas@example.com",
				   .to = "ana@example.org",
				   .subject = "Hola",
				   .text = "Hola, Ana.\n",
				   .public_id = "abc123",
				   .at = AT,
				   .zone = zone_find("America/Bogota") };
}

static const char *written(const struct mime_mail *m)
{
	sb_clear(&out);
	assert_int_equal(mime_write(&out, m, NULL), RC_OK);
	return sb_text_of(&out);
}

/* Every line ends with CRLF, none is longer than the law, nothing but ASCII travels. */
static void check_wire(void)
{
	size_t column = 0;

	assert_true(out.len >= 2 && memcmp(out.p + out.len - 2, "\r\n", 2) == 0);
	for (size_t i = 0; i < out.len; i++) {
		assert_true((unsigned char)out.p[i] < 0x7f);
		if (out.p[i] == '\r') assert_int_equal(out.p[i + 1], '\n');
		if (out.p[i] == '\n') {
			assert_int_equal(out.p[i - 1], '\r');
			column = 0;
		} else {
			assert_true(++column <= 99);
		}
	}
}

static void a_plain_notice_has_exactly_these_lines(void **state)
{
	struct mime_mail m = simple();

	(void)state;
	m.from_name = "Cine en Casa";
	m.is_automatic = true;
	assert_string_equal(written(&m), "Date: Fri, 02 Jan 2026 03:04:05 -0500\r\n"
					 "From: Cine en Casa <ventas@example.com>\r\n"
					 "To: ana@example.org\r\n"
					 "Subject: Hola\r\n"
					 "Message-ID: <abc123@example.com>\r\n"
					 "Auto-Submitted: auto-generated\r\n"
					 "MIME-Version: 1.0\r\n"
					 "Content-Type: text/plain; charset=utf-8\r\n"
					 "Content-Transfer-Encoding: quoted-printable\r\n"
					 "\r\n"
					 "Hola, Ana.\r\n"
					 "\r\n");
}

static void bulk_mail_can_be_left_with_one_click(void **state)
{
	struct mime_mail m = simple();
	const char *text;

	(void)state;
	m.unsubscribe_url = "https://example.com/u/TOKEN";
	m.unsubscribe_mail = "baja@example.com?subject=TOKEN";
	m.list_id = "Clientes <lista.example.com>";
	text = written(&m);
	assert_non_null(strstr(text, "List-Unsubscribe: <https://example.com/u/TOKEN>,\r\n "
				     "<mailto:baja@example.com?subject=TOKEN>\r\n"
				     "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
				     "List-Id: Clientes <lista.example.com>\r\n"));
	/* One click is for https only. */
	m.unsubscribe_url = "http://example.com/u/TOKEN";
	assert_null(strstr(written(&m), "List-Unsubscribe-Post"));
}

static void parts_are_nested_only_where_needed(void **state)
{
	char path[] = "/tmp/recado-mime-XXXXXX";
	int fd = mkstemp(path);
	struct mime_file files[] = { { "logo.png", "image/png", path, "logo" },
				     { "Año nuevo (1).pdf", "application/pdf", path, NULL } };
	struct mime_mail m = simple();
	const char *text, *mixed, *alternative, *plain, *related, *html, *image, *pdf;

	(void)state;
	assert_true(write(fd, "\x00\x01\xff", 3) == 3);
	close(fd);
	m.html = "<p>Hola</p>";
	text = written(&m);
	check_wire();
	assert_non_null(strstr(text, "multipart/alternative"));
	assert_null(strstr(text, "multipart/mixed"));
	assert_null(strstr(text, "multipart/related"));
	m.files = files;
	m.file_count = 2;
	text = written(&m);
	check_wire();
	mixed = strstr(text, "multipart/mixed");
	alternative = strstr(text, "multipart/alternative");
	plain = strstr(text, "text/plain");
	related = strstr(text, "multipart/related");
	html = strstr(text, "Content-Type: text/html");
	image = strstr(text, "image/png");
	pdf = strstr(text, "application/pdf");
	assert_true(mixed && mixed < alternative && alternative < plain && plain < related &&
		    related < html && html < image && image < pdf);
	assert_non_null(strstr(text, "Content-ID: <logo>\r\nContent-Disposition: inline"));
	assert_non_null(strstr(text,
			       "filename*=UTF-8''A%C3%B1o%20nuevo%20%281%29.pdf;\r\n filename=\"A_o nuevo "
			       "(1).pdf\"\r\n"));
	assert_non_null(strstr(text, "\r\n\r\nAAH/\r\n"));
	/* Without HTML a picture is an attachment like others. */
	m.html = NULL;
	text = written(&m);
	assert_non_null(strstr(text, "multipart/mixed"));
	assert_null(strstr(text, "inline"));
	unlink(path);
	assert_int_equal(mime_write(&out, &m, NULL), RC_NOT_FOUND);
}

static void a_header_takes_no_line_break_from_anybody(void **state)
{
	static const char *const bad[] = { "Hola\r\nBcc: x@example.com", "Hola\nX: y", "Hola\rX", "a\x01" };
	struct mime_mail m;
	const char *why = NULL;

	(void)state;
	sb_clear(&out);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct mime_file file = { bad[i], "text/plain", "/dev/null", NULL };

		m = simple();
		m.subject = bad[i];
		assert_int_equal(mime_write(&out, &m, &why), RC_BAD_INPUT);
		assert_true(why[0] != '\0');
		m = simple();
		m.from_name = bad[i];
		assert_int_equal(mime_write(&out, &m, NULL), RC_BAD_INPUT);
		m = simple();
		m.to_name = bad[i];
		assert_int_equal(mime_write(&out, &m, NULL), RC_BAD_INPUT);
		m = simple();
		m.list_id = bad[i];
		assert_int_equal(mime_write(&out, &m, NULL), RC_BAD_INPUT);
		m = simple();
		m.unsubscribe_url = bad[i];
		assert_int_equal(mime_write(&out, &m, NULL), RC_BAD_INPUT);
		m = simple();
		m.public_id = bad[i];
		assert_int_equal(mime_write(&out, &m, NULL), RC_BAD_INPUT);
		m = simple();
		m.files = &file;
		m.file_count = 1;
		assert_int_equal(mime_write(&out, &m, NULL), RC_BAD_INPUT);
		assert_int_equal(out.len, 0);
	}
}

static void twenty_megabytes_leave_and_one_byte_more_does_not(void **state)
{
	char path[] = "/tmp/recado-mime-XXXXXX";
	int fd = mkstemp(path);
	struct mime_file file = { "a.bin", NULL, path, NULL };
	struct mime_mail m = simple();
	const char *why = NULL;
	size_t frame, lines, room;

	(void)state;
	m.files = &file;
	m.file_count = 1;
	(void)written(&m);
	frame = out.len;
	/* Lines of 57 bytes take 78 each; the last may be shorter by steps of 3 bytes for 4. */
	room = MAIL_SIZE_MAX - frame;
	lines = room / 78;
	assert_int_equal(ftruncate(fd, (off_t)(lines * 57)), 0);
	(void)written(&m);
	assert_true(out.len <= MAIL_SIZE_MAX && out.len > MAIL_SIZE_MAX - 78);
	assert_int_equal(ftruncate(fd, (off_t)(lines * 57 + 57)), 0);
	sb_clear(&out);
	assert_int_equal(mime_write(&out, &m, &why), RC_TOO_LARGE);
	assert_true(why[0] != '\0');
	close(fd);
	unlink(path);
}

/* The random boundaries apart. */
static void mask(char *mail)
{
	static const char word[] = "boundary=\"";
	char *at = strstr(mail, word), boundary[40] = "";

	assert_non_null(at);
	snprintf(boundary, sizeof(boundary), "%.*s", (int)strcspn(at + sizeof(word) - 1, "\""),
		 at + sizeof(word) - 1);
	for (at = mail; (at = strstr(at, boundary)) != NULL; at++)
		memset(at, '#', strlen(boundary));
}

static void a_large_mail_is_written_to_the_disk_byte_for_byte_as_in_memory(void **state)
{
	char path[] = "/tmp/recado-mime-XXXXXX", mail_path[] = "/tmp/recado-mime-XXXXXX";
	int fd = mkstemp(path), mail = mkstemp(mail_path);
	struct mime_file files[] = { { "a.bin", NULL, path, NULL }, { "b.bin", NULL, path, NULL } };
	struct mime_mail m = simple();
	struct sb small;
	size_t len = 1;
	char *on_disk;

	(void)state;
	sb_init(&small, MAIL_SIZE_MAX);
	m.files = files;
	m.file_count = COUNT(files);
	assert_int_equal(pwrite(fd, "end", 3, 3000000), 3);
	assert_int_equal(mime_write_to(&small, mail, &len, &m, NULL), RC_OK);
	assert_true(small.len == 0 && small.cap < 1024 * 1024); /* a piece of it at a time */
	(void)written(&m);
	assert_int_equal(len, out.len);
	on_disk = mem_zeroed(len + 1);
	assert_int_equal(pread(mail, on_disk, len, 0), (ssize_t)len);
	mask(on_disk);
	mask(out.p);
	assert_memory_equal(on_disk, out.p, len);
	mem_free(on_disk);
	/* Too much is too much there, too; and what is small stays in memory. */
	assert_int_equal(ftruncate(fd, (off_t)MAIL_SIZE_MAX / 2), 0);
	assert_int_equal(mime_write_to(&small, mail, &len, &m, NULL), RC_TOO_LARGE);
	assert_int_equal(ftruncate(fd, 1000), 0);
	sb_clear(&small);
	assert_int_equal(mime_write_to(&small, mail, &len, &m, NULL), RC_OK);
	assert_true(len == 0 && small.len > 2000);
	sb_free(&small);
	close(fd), close(mail);
	unlink(path), unlink(mail_path);
}

static const char *encoded(void (*with)(struct sb *, const char *, size_t), const char *text, size_t column)
{
	sb_clear(&out);
	with(&out, text, column);
	return sb_text_of(&out);
}

static void quoted_printable_keeps_its_lines_and_blanks(void **state)
{
	static const struct {
		const char *in, *expected;
	} rows[] = {
		{ "", "" },
		{ "ñ = 1", "=C3=B1 =3D 1" },
		{ "a \nb\t\nc ", "a=20\r\nb=09\r\nc=20" },
		{ "1\r\n2\r3\n\n4", "1\r\n2\r\n3\r\n\r\n4" },
		{ ".\n..\n.a", ".\r\n..\r\n.a" },
		{ "From here\nto From", "=46rom here\r\nto From" },
		{ "\x01\x7f", "=01=7F" },
	};
	char line[80], expected[100];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		sb_clear(&out);
		mime_quoted_printable(&out, rows[i].in, strlen(rows[i].in));
		assert_string_equal(sb_text_of(&out), rows[i].expected);
	}
	/* 76 fit, the 77th opens a new line. */
	memset(line, 'x', 77);
	sb_clear(&out);
	mime_quoted_printable(&out, line, 76);
	assert_int_equal(out.len, 76);
	sb_clear(&out);
	mime_quoted_printable(&out, line, 77);
	snprintf(expected, sizeof(expected), "%.75s=\r\nxx", line);
	assert_string_equal(sb_text_of(&out), expected);
	/* A blank that would stand before a soft break may: the break's "=" follows it. */
	line[74] = ' ';
	sb_clear(&out);
	mime_quoted_printable(&out, line, 77);
	assert_non_null(strstr(sb_text_of(&out), " =\r\nxx"));
}

static void encoded_words_never_split_a_letter(void **state)
{
	char text[400] = "";
	const char *at;

	(void)state;
	for (int i = 0; i < 60; i++)
		strncat(text, i % 3 == 0 ? "😀" : i % 3 == 1 ? "ñ" : "a", sizeof(text) - strlen(text) - 1);
	at = encoded(mime_unstructured, text, 9);
	for (size_t column = 9; *at != '\0';) {
		const char *end = strstr(at, "\r\n");
		size_t len = end != NULL ? (size_t)(end - at) : strlen(at);

		assert_true(column + len <= 76);
		assert_true(strncmp(column == 9 ? at : at + 1, "=?UTF-8?B?", 10) == 0);
		at += len;
		if (*at == '\0') break;
		at += 2;
		column = 0;
		assert_int_equal(*at, ' ');
	}
	assert_string_equal(encoded(mime_unstructured, "Año", 9), "=?UTF-8?B?QcOxbw==?=");
	assert_string_equal(encoded(mime_unstructured, "a =?b", 9), "=?UTF-8?B?YSA9P2I=?=");
	assert_string_equal(encoded(mime_unstructured, " a", 9), "=?UTF-8?B?IGE=?=");
	assert_string_equal(encoded(mime_unstructured, "\xff", 9), "=?UTF-8?B?77+9?=");
}

static void a_name_is_an_atom_quoted_or_encoded(void **state)
{
	static const struct {
		const char *in, *expected;
	} rows[] = {
		{ "Cine en Casa", "Cine en Casa" },
		{ "Casa, S.A.", "\"Casa, S.A.\"" },
		{ "a \"b\" \\", "\"a \\\"b\\\" \\\\\"" },
		{ "José", "=?UTF-8?B?Sm9zw6k=?=" },
		{ "a  b", "\"a  b\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(encoded(mime_phrase, rows[i].in, 6), rows[i].expected);
}

/* RFC 3492 §7.1 as far as its cases are labels without capitals, and the names people have. */
static void punycode_gives_the_vectors_of_its_standard(void **state)
{
	static const struct {
		const char *in, *expected;
	} rows[] = {
		{ "他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye" },
		{ "他們爲什麽不說中文", "xn--ihqwctvzc91f659drss3x8bo0yb" },
		{ "למההםפשוטלאמדבריםעברית", "xn--4dbcagdahymbxekheh6e0a7fei0b" },
		{ "почемужеонинеговорятпорусски", "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l" },
		{ "なぜみんな日本語を話してくれないのか", "xn--n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa" },
		{ "세계의모든사람들이한국어를이해한다면얼마나좋을까",
		  "xn--989aomsvi5e83db1d2a355cv1e0vak1dwrv93d5xbh15a0dt30a5jpsd879ccm6fea98c" },
		{ "3年b組金八先生", "xn--3b-ww4c5e180e575a65lsy2b" },
		{ "ひとつ屋根の下2", "xn--2-u9tlzr9756bt3uc0v" },
		{ "bücher", "xn--bcher-kva" },
		{ "MÜNCHEN", "xn--mnchen-3ya" },
		{ "españa", "xn--espaa-rta" },
		{ "plain", "plain" },
	};
	char label[64];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum rc rc = mime_punycode(label, rows[i].in, strlen(rows[i].in));

		/* The standard's Korean example is longer than a label may be. */
		if (strlen(rows[i].expected) > 63) {
			assert_int_equal(rc, RC_BAD_INPUT);
			continue;
		}
		assert_int_equal(rc, RC_OK);
		assert_string_equal(label, rows[i].expected);
	}
	assert_int_equal(mime_punycode(label, "\xc3", 1), RC_BAD_INPUT);
	assert_int_equal(mime_punycode(label, "", 0), RC_BAD_INPUT);
}

static void an_address_is_one_or_it_is_refused(void **state)
{
	static const struct {
		const char *in, *expected; /* NULL: refused */
	} rows[] = {
		{ "ana@example.com", "ana@example.com" },
		{ "Ana.B+x@Example.COM", "Ana.B+x@example.com" },
		{ "ana@españa.example", "ana@xn--espaa-rta.example" },
		{ "ana@localhost", "ana@localhost" },
		{ "o'neill@example.com", "o'neill@example.com" },
		{ "josé@example.com", NULL },
		{ "ana", NULL },
		{ "@example.com", NULL },
		{ "ana@", NULL },
		{ "ana@.com", NULL },
		{ "ana@a..b", NULL },
		{ "ana@-a.com", NULL },
		{ ".ana@example.com", NULL },
		{ "a..b@example.com", NULL },
		{ "a b@example.com", NULL },
		{ "a@b@example.com", NULL },
		{ "a@exa mple.com", NULL },
		{ "<a@example.com>", NULL },
		{ "a@example.com\r\nRCPT TO:<b@example.com>", NULL },
		{ "a\n@example.com", NULL },
		{ "a@example.com,b@example.com", NULL },
		{ "\"a b\"@example.com", NULL },
	};
	char address[MAIL_ADDRESS_SIZE], name[MAIL_NAME_SIZE], long_one[330];
	const char *why = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(mime_address(address, rows[i].in, &why),
				 rows[i].expected != NULL ? RC_OK : RC_BAD_INPUT);
		assert_string_equal(address, rows[i].expected != NULL ? rows[i].expected : "");
	}
	(void)!mime_address(address, "josé@example.com", &why);
	assert_non_null(strstr(why, "without accents"));
	/* 64 before the @ and no more; 254 in all and no more. */
	memset(long_one, 'a', sizeof(long_one));
	memcpy(long_one + 64, "@example.com", 13);
	assert_int_equal(mime_address(address, long_one, NULL), RC_OK);
	memset(long_one, 'a', sizeof(long_one));
	memcpy(long_one + 65, "@example.com", 13);
	assert_int_equal(mime_address(address, long_one, NULL), RC_BAD_INPUT);
	for (int last = 61; last <= 62; last++) {
		snprintf(long_one, sizeof(long_one), "%.*s@%.*s.%.*s.%.*s", 64,
			 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 63,
			 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", 63,
			 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", last,
			 "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd");
		assert_int_equal(mime_address(address, long_one, NULL), last == 61 ? RC_OK : RC_BAD_INPUT);
	}
	assert_int_equal(mime_mailbox(name, address, "Cine en Casa <ventas@example.com>", NULL), RC_OK);
	assert_string_equal(name, "Cine en Casa");
	assert_string_equal(address, "ventas@example.com");
	assert_int_equal(mime_mailbox(name, address, " \"Casa, \\\"la\\\"\" <v@example.com> ", NULL), RC_OK);
	assert_string_equal(name, "Casa, \"la\"");
	assert_int_equal(mime_mailbox(name, address, "v@example.com", NULL), RC_OK);
	assert_string_equal(name, "");
	assert_int_equal(mime_mailbox(name, address, "Casa <v@example.com", NULL), RC_BAD_INPUT);
	assert_int_equal(mime_mailbox(name, address, "Ca\nsa <v@example.com>", NULL), RC_BAD_INPUT);
	assert_int_equal(mime_mailbox(name, address, "", NULL), RC_BAD_INPUT);
}

static void a_long_name_of_a_file_travels_in_pieces(void **state)
{
	(void)state;
	sb_clear(&out);
	mime_file_name(&out, "ñññññññññññññññññññññ.pdf");
	assert_non_null(strstr(out.p, ";\r\n filename*0*=UTF-8''%C3%B1"));
	assert_non_null(strstr(out.p, ";\r\n filename*1*=%C3%B1"));
	assert_non_null(strstr(out.p, ";\r\n filename=\"_____________________.pdf\""));
	sb_clear(&out);
	mime_file_name(&out, "factura.pdf");
	assert_string_equal(out.p, ";\r\n filename=\"factura.pdf\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_notice_has_exactly_these_lines),
		cmocka_unit_test(bulk_mail_can_be_left_with_one_click),
		cmocka_unit_test(parts_are_nested_only_where_needed),
		cmocka_unit_test(a_header_takes_no_line_break_from_anybody),
		cmocka_unit_test(a_large_mail_is_written_to_the_disk_byte_for_byte_as_in_memory),
		cmocka_unit_test(twenty_megabytes_leave_and_one_byte_more_does_not),
		cmocka_unit_test(quoted_printable_keeps_its_lines_and_blanks),
		cmocka_unit_test(encoded_words_never_split_a_letter),
		cmocka_unit_test(a_name_is_an_atom_quoted_or_encoded),
		cmocka_unit_test(punycode_gives_the_vectors_of_its_standard),
		cmocka_unit_test(an_address_is_one_or_it_is_refused),
		cmocka_unit_test(a_long_name_of_a_file_travels_in_pieces),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
