/*
** test_import_row.c -- one line of a customer file: read as people write it, or named cell by cell.
*/
#include "shop.h"
#include "renewals/import.h"

/* Heading and first row of a file. */
static enum rc read_two(struct shop *shop, const char *file, struct import_heading *heading,
			struct cells *row)
{
	struct cx *cx = &shop->s.cx;
	struct import_field fields[IMPORT_COLUMNS];
	struct rows_in *in = NULL;
	struct cells head;
	enum rc rc;

	assert_int_equal(rows_in_open(cx, &in, (struct bytes){ file, strlen(file) }), RC_OK);
	assert_int_equal(rows_in_next(cx, in, cx->arena, &head), RC_OK);
	assert_int_equal(import_row_fields(cx, NULL, fields), IMPORT_COLUMNS);
	rc = import_heading_read(cx, heading, fields, IMPORT_COLUMNS, &head);
	if (rc == RC_OK) assert_int_equal(rows_in_next(cx, in, cx->arena, row), RC_OK);
	rows_in_close(in);
	return rc;
}

/* Read a two-line file: heading and line. NULL: the line is good. */
static const char *read_line(struct shop *shop, struct import_facts *f, const char *file)
{
	struct import_heading heading;
	struct cells row;
	const char *why = NULL;

	assert_int_equal(read_two(shop, file, &heading, &row), RC_OK);
	import_facts_read(&shop->s.cx, f, &why, &heading, &row);
	return why;
}

static void the_columns_are_found_by_name_or_alias_in_any_order(void **state)
{
	struct shop shop;
	struct import_facts f;

	(void)state;
	shop_open(&shop, "2025-09-08T09:00:00-05:00");
	assert_null(read_line(&shop, &f,
			      "Teléfono;NOMBRE;Apellido;Servicio;Vencimiento;Precio;Estado pago\n"
			      "0990000011;Ana María;Peña;netflix;31/12/2025;12,99;Pagado\n"));
	assert_string_equal(f.phone, "+593990000011");
	assert_string_equal(f.given_names, "Ana María");
	assert_string_equal(f.surnames, "Peña");
	assert_string_equal(f.ends_on, "2025-12-31");
	assert_int_equal(f.price_cents, 1299);
	assert_string_equal(f.status, "paid");
	shop_close(&shop);
}

static void every_wrong_cell_of_a_line_is_named(void **state)
{
	struct shop shop;
	struct import_facts f;
	const char *why;

	(void)state;
	shop_open(&shop, "2025-09-08T09:00:00-05:00");
	why = read_line(&shop, &f,
			"nombres,telefono,email,fecha_vencimiento,precio,metodo_pago\n"
			",12345,ana@,31/02/2026,mucho,trueque\n");
	assert_non_null(why);
	assert_non_null(strstr(why, "nombres:"));
	assert_non_null(strstr(why, "telefono:"));
	assert_non_null(strstr(why, "email:"));
	assert_non_null(strstr(why, "fecha_vencimiento: “31/02/2026” is not a date"));
	assert_non_null(strstr(why, "precio:"));
	assert_non_null(strstr(why, "metodo_pago:"));
	shop_close(&shop);
}

static void a_service_needs_its_last_day_and_days_in_order(void **state)
{
	struct shop shop;
	struct import_facts f;

	(void)state;
	shop_open(&shop, "2025-09-08T09:00:00-05:00");
	assert_non_null(read_line(&shop, &f, "nombres,telefono,servicio\nAna,0990000011,Netflix\n"));
	assert_non_null(read_line(&shop, &f,
				  "nombres,telefono,servicio,fecha_inicio,fecha_vencimiento\n"
				  "Ana,0990000011,Netflix,2026-02-02,2026-02-01\n"));
	assert_null(read_line(&shop, &f,
			      "nombres,telefono,servicio,fecha_inicio,fecha_vencimiento\n"
			      "Ana,0990000011,Netflix,2026-02-01,2026-02-01\n"));
	shop_close(&shop);
}

static void a_name_is_at_most_a_hundred_letters(void **state)
{
	struct shop shop;
	struct import_facts f;
	char line[400] = "nombres,telefono\n";

	(void)state;
	shop_open(&shop, "2025-09-08T09:00:00-05:00");
	for (int i = 0; i < 100; i++)
		memcpy(line + 17 + i * 2, "ñ", 3);
	memcpy(line + 217, ",0990000011\n", 13);
	assert_null(read_line(&shop, &f, line));
	memcpy(line + 217, "n,0990000011\n", 14);
	assert_non_null(read_line(&shop, &f, line));
	shop_close(&shop);
}

static enum rc read_header(struct shop *shop, const char *file)
{
	struct import_heading heading;
	struct cells row;

	cx_reset(&shop->s.cx);
	return read_two(shop, file, &heading, &row);
}

static void a_heading_that_lacks_a_column_is_refused_with_what_was_found(void **state)
{
	struct shop shop;

	(void)state;
	shop_open(&shop, "2025-09-08T09:00:00-05:00");
	assert_int_equal(read_header(&shop, "nombres,correo\nAna,a@b.ec\n"), RC_BAD_INPUT);
	assert_string_equal(shop.s.cx.message,
			    "Row 1: the column “telefono” is missing; found: nombres, correo.");
	assert_int_equal(read_header(&shop, "nombres,telefono,celular\nAna,1,2\n"), RC_BAD_INPUT);
	assert_string_equal(shop.s.cx.message, "Row 1: the column “celular” is there twice.");
	assert_int_equal(read_header(&shop, "nombres/telefono\nAna/099\n"), RC_BAD_INPUT);
	assert_non_null(strstr(shop.s.cx.message, "comma or a semicolon"));
	shop_close(&shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_columns_are_found_by_name_or_alias_in_any_order),
		cmocka_unit_test(every_wrong_cell_of_a_line_is_named),
		cmocka_unit_test(a_service_needs_its_last_day_and_days_in_order),
		cmocka_unit_test(a_name_is_at_most_a_hundred_letters),
		cmocka_unit_test(a_heading_that_lacks_a_column_is_refused_with_what_was_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
