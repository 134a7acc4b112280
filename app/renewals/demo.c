/*
** demo.c -- made-up customers for trying the house without an account anywhere (`recado demo`).
**
** Needs:  offline mode (the command asks) and the office, which checks and writes every row as a form would.
** Holds:  (1) running it again adds nothing; (2) every stage has customers due today, whatever today is; (3)
**         three of the numbers make the stand-in misbehave, so that a failed, a late failed and an unsure
**         message can be looked at.
*/
#include "renewals/payment_steps.h"
#include "renewals/resources.h"
#include <string.h>

#define CLIENTS_A_TRANSACTION 4 /* a few milliseconds */

static const struct {
	const char *name, *shown, *price, *quality;
	const char *devices;
} services[] = {
	{ "netflix", "Netflix", "12.99", "4K", "4" },
	{ "hbo-max", "HBO Max", "9.99", "4K", "3" },
	{ "disney-plus", "Disney+", "7.99", "4K", "4" },
	{ "prime-video", "Amazon Prime Video", "8.99", "4K", "3" },
	{ "paramount-plus", "Paramount+", "5.99", "1080p", "2" },
};

/* Made-up people. ends: days from today; + SECOND: another service, which ends ten days later. */
#define SECOND 1000
static const struct {
	const char *given, *surnames, *phone;
	int service, ends;
	bool is_paid;
} people[] = {
	{ "María José", "Vera Loor", "0990000001", 0, 0, true },
	{ "Luis Alberto", "Cedeño Mora", "0990000002", 1, 0, true },
	{ "Ana Lucía", "Zambrano Ruiz", "0990000003", 0, 0, false },
	{ "Jorge", "Intriago Pita", "0995550422", 2, 0, true }, /* the stand-in: no WhatsApp    */
	{ "Rosa Elena", "Mendoza Cruz", "0990000005", 3, 1, true },
	{ "Carlos", "Alvarado León", "0990000006", 0, 1, true },
	{ "Gabriela", "Moreira Santos", "0990000007", 4, 1, false },
	{ "Pedro Pablo", "Guaranda Sol", "0995550490", 1, 3, true }, /* accepted, fails afterwards   */
	{ "Diana", "Quimí Torres", "0990000009", 0, 3, true },
	{ "Fernando", "Palacios Rey", "0990000010", 2, 3, true },
	{ "Karla", "Solórzano Paz", "0990000011", 3, 3 + SECOND, true },
	{ "Miguel Ángel", "Chávez Lino", "0990000012", 0, 7, true },
	{ "Verónica", "Ponce Arteaga", "0990000013", 1, 7, true },
	{ "Andrés", "Bravo Macías", "0995550499", 0, 7, true }, /* the line is cut: unsure      */
	{ "Patricia", "Delgado Vélez", "0990000015", 4, 7, false },
	{ "Roberto", "Salazar Ibarra", "0990000016", 2, 7 + SECOND, true },
	{ "Silvia", "Andrade Coello", "", 0, 7, true },       /* without a number             */
	{ "Hugo", "Ortiz Naranjo", "042000018", 1, 1, true }, /* a landline                   */
	{ "Mónica", "Reyes Castro", "0990000019", 3, 2, true },
	{ "Julio César", "Peña Haro", "0990000020", 0, 4, true },
	{ "Lorena", "Campoverde Gil", "0990000021", 2, 5, true },
	{ "Marco Antonio", "Espinoza Luna", "0990000022", 1, 6, false },
	{ "Teresa", "Villacís Mera", "0990000023", 0, 9, true },
	{ "Esteban", "Carrión Vaca", "0990000024", 4, 10, true },
	{ "Paola", "Jaramillo Ríos", "0990000025", 0, 12 + SECOND, true },
	{ "Wilson", "Tigua Anchundia", "0990000026", 3, 14, true },
	{ "Cecilia", "Barreiro Pinto", "0990000027", 2, 15, true },
	{ "Iván", "Lucas Franco", "0990000028", 0, 17, true },
	{ "Ximena", "Robles Tapia", "0990000029", 1, 18, false },
	{ "Óscar", "Figueroa Nieto", "0990000030", 0, 20, true },
	{ "Ñusta", "Quishpe Yánez", "0990000031", 2, 21, true },
	{ "Daniel", "Arias Bone", "0990000032", 4, 23, true },
	{ "Beatriz", "Montalvo Oña", "0990000033", 3, 25, true },
	{ "Ricardo", "Sánchez Vinces", "0990000034", 0, 26, true },
	{ "Natalia", "Cevallos Durán", "0990000035", 1, 28 + SECOND, true },
	{ "Gustavo", "Pinargote Mina", "0990000036", 0, 29, true },
	{ "Elvira", "Holguín Saltos", "0990000037", 2, -1, true },
	{ "Raúl", "Navarrete Cobo", "0990000038", 0, -3, false },
	{ "Sofía", "Alcívar Dueñas", "0990000039", 1, -9, true },
	{ "Héctor", "Suárez Briones", "0990000040", 3, -20, false },
};

static enum rc save(struct cx *cx, const char *resource, int64_t *id, const struct value *input)
{
	*id = 0;
	return desk_save(cx, desk_resource(resource), id, input);
}

static const char *public_id_of(struct cx *cx, const char *sql, int64_t id)
{
	const char *text = "";

	return db_get_text(cx, &text, sql, PARAMS(P_INT(":id", id))) == RC_OK ? text : "";
}

static enum rc add_services(struct cx *cx)
{
	struct value *category = value_map(cx->arena);
	int64_t id = 0;
	enum rc rc = db_get_int(
		cx, &id, "SELECT id FROM service_category WHERE name = 'Streaming' AND archived_at IS NULL",
		NO_PARAMS);

	if (rc == RC_NOT_FOUND) {
		value_set_text(cx->arena, category, "name", "Streaming");
		value_set_text(cx->arena, category, "description", "Series, películas y deportes");
		rc = save(cx, "service-categories", &id, category);
	}
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]) && rc == RC_OK; i++) {
		struct value *in = value_map(cx->arena);
		int64_t known = 0;

		rc = db_get_int(
			cx, &known,
			"SELECT count(*) FROM service WHERE name_folded = :name AND archived_at IS NULL",
			PARAMS(P_TEXT(":name", services[i].name)));
		if (rc != RC_OK || known > 0) continue;
		value_set_text(cx->arena, in, "name", services[i].name);
		value_set_text(cx->arena, in, "display_name", services[i].shown);
		value_set_text(cx->arena, in, "price_cents", services[i].price);
		value_set_text(cx->arena, in, "quality", services[i].quality);
		value_set_text(cx->arena, in, "devices_max", services[i].devices);
		value_set_text(cx->arena, in, "category_id",
			       public_id_of(cx, "SELECT public_id FROM service_category WHERE id = :id", id));
		rc = save(cx, "services", &known, in);
	}
	return rc;
}

static enum rc add_payment(struct cx *cx, int64_t subscription_id, size_t n, day start)
{
	static const char *const methods[] = { "cash", "transfer", "cash", "card", "transfer" };
	struct value *in = value_map(cx->arena);
	char date[DATE_SIZE];
	int64_t id = 0;

	if (start >= cx_today(cx)) start = cx_today(cx) - 1; /* never in the future, whatever hour it is */
	day_text(date, start);
	value_set_text(
		cx->arena, in, "subscription_id",
		public_id_of(cx, "SELECT public_id FROM subscription WHERE id = :id", subscription_id));
	value_set_text(cx->arena, in, "method", methods[n % 5]);
	value_set_text(cx->arena, in, "paid_at",
		       arena_printf(cx->arena, "%sT%02zu:%02zu", date, 9 + n % 9, n * 7 % 60));
	if (strcmp(methods[n % 5], "transfer") == 0)
		value_set_text(cx->arena, in, "reference",
			       arena_printf(cx->arena, "TR-%05zu", 1200 + n * 13));
	return save(cx, "payments", &id, in);
}

/* Somebody asked how to pay the renewal: a request that waits for its transfer. */
static enum rc add_request(struct cx *cx, int64_t subscription_id)
{
	struct value *row = NULL;
	int64_t id = 0;
	enum rc rc = db_row(cx, &row, "SELECT price_cents, currency FROM subscription WHERE id = :id",
			    PARAMS(P_INT(":id", subscription_id)));

	return rc != RC_OK
		       ? rc
		       : payment_add(cx, &id,
				     &(struct payment_new){
					     .subscription_id = subscription_id,
					     .amount_cents = value_int_of(value_get(row, "price_cents"), 0),
					     .currency = value_text_of(value_get(row, "currency"), ""),
					     .method = "transfer",
					     .state = "pending",
					     .renews_periods = 1 });
}

static enum rc add_subscription(struct cx *cx, const char *client, size_t n, int service, int ends,
				bool is_paid)
{
	struct value *in = value_map(cx->arena);
	char start[DATE_SIZE], end[DATE_SIZE];
	int64_t id = 0, service_id = 0;
	day last = cx_today(cx) + (day)ends;
	enum rc rc = db_get_int(cx, &service_id,
				"SELECT id FROM service WHERE name_folded = :name AND archived_at IS NULL",
				PARAMS(P_TEXT(":name", services[service].name)));

	if (rc != RC_OK) return rc;
	day_text(start, last - 30);
	day_text(end, last);
	value_set_text(cx->arena, in, "client_id", client);
	value_set_text(cx->arena, in, "service_id",
		       public_id_of(cx, "SELECT public_id FROM service WHERE id = :id", service_id));
	value_set_text(cx->arena, in, "starts_on", start);
	value_set_text(cx->arena, in, "ends_on", end);
	rc = save(cx, "subscriptions", &id, in);
	if (rc == RC_OK && is_paid) return add_payment(cx, id, n, last - 30);
	return rc == RC_OK && ends >= 0 && n % 2 == 0 ? add_request(cx, id) : rc;
}

static enum rc add_person(struct cx *cx, size_t n)
{
	struct value *in = value_map(cx->arena);
	int64_t id = 0, known = 0;
	bool has_second = people[n].ends >= SECOND;
	int ends = has_second ? people[n].ends - SECOND : people[n].ends;
	const char *client;
	enum rc rc = db_get_int(
		cx, &known, "SELECT count(*) FROM client WHERE given_names = :given AND surnames = :surnames",
		PARAMS(P_TEXT(":given", people[n].given), P_TEXT(":surnames", people[n].surnames)));

	if (rc != RC_OK || known > 0) return rc;
	value_set_text(cx->arena, in, "given_names", people[n].given);
	value_set_text(cx->arena, in, "surnames", people[n].surnames);
	value_set_text(cx->arena, in, "phone", people[n].phone);
	value_set_text(cx->arena, in, "email",
		       n % 3 == 0 ? arena_printf(cx->arena, "cliente%02zu@example.com", n + 1) : "");
	value_set_text(cx->arena, in, "notes", n % 7 == 0 ? "Prefiere que le escriban por la tarde." : "");
	rc = save(cx, "clients", &id, in);
	if (rc != RC_OK) return rc;
	client = public_id_of(cx, "SELECT public_id FROM client WHERE id = :id", id);
	rc = add_subscription(cx, client, n, people[n].service, ends, people[n].is_paid);
	if (rc == RC_OK && has_second)
		rc = add_subscription(cx, client, n + 1, (people[n].service + 2) % 5, ends + 10,
				      people[n].is_paid);
	return rc;
}

enum rc renewals_demo(struct cx *cx)
{
	size_t count = sizeof(people) / sizeof(people[0]);
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = tx_end(cx, add_services(cx));
	for (size_t n = 0; n < count && rc == RC_OK; n += CLIENTS_A_TRANSACTION) {
		rc = tx_begin(cx);
		if (rc != RC_OK) break;
		for (size_t k = n; k < count && k < n + CLIENTS_A_TRANSACTION && rc == RC_OK; k++)
			rc = add_person(cx, k);
		rc = tx_end(cx, rc);
	}
	return rc;
}
