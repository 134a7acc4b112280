/*
** test_settings.c -- one save of settings: file, what is in force, and its one row of history.
*/
#include "door.h"
#include "base/seal.h"
#include "desk/settings.h"
#include "desk/wizard.h"

#include <fcntl.h>

static struct door d;

static int set_up(void **state)
{
	(void)state;
	door_open(&d);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	door_close(&d);
	return 0;
}

#define CX (&d.shop.state.cx)

static const char *ini_path(void)
{
	return arena_printf(d.shop.forever, "%s/recado.ini", d.shop.state.dir);
}

static const char *ini(void)
{
	static char text[64 * 1024];
	int fd = open(ini_path(), O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);

	assert_true(n >= 0);
	close(fd);
	text[n] = '\0';
	return text;
}

/* Save name/value pairs that end with a NULL name, as Olga. */
static enum rc save(const struct pair *pairs, size_t *saved)
{
	static struct setting_change changes[SETTINGS_SAVE_MAX];
	struct settings_order order = { .changes = changes };

	shop_next(&d.shop);
	CX->actor = (struct actor){ .kind = ACTOR_USER,
				    .user_id = 1,
				    .name = "Olga",
				    .role = "owner",
				    .rights = "*",
				    .address = "10.0.0.7" };
	for (; pairs->name != NULL; pairs++)
		changes[order.count++] =
			(struct setting_change){ .name = pairs->name, .value = pairs->value };
	return settings_save(CX, &order, saved);
}
#define SET(saved, ...) save((const struct pair[]){ __VA_ARGS__, { NULL, NULL } }, saved)

static const char *last(const char *column)
{
	const char *sql =
		strcmp(column, "before") == 0
			? "SELECT before_json FROM audit WHERE table_name = 'setting' ORDER BY id DESC LIMIT 1"
			: "SELECT after_json FROM audit WHERE table_name = 'setting' ORDER BY id DESC LIMIT 1";
	const char *out = "";

	assert_int_equal(db_get_text(CX, &out, sql, NO_PARAMS), RC_OK);
	return out;
}

static int64_t entries(void)
{
	return state_int(&d.shop.state, "SELECT count(*) FROM audit WHERE table_name = 'setting'");
}

static void a_save_is_one_entry_of_the_history_and_in_force(void **state)
{
	size_t saved = 99;

	(void)state;
	assert_int_equal(SET(&saved, { "outbox.slots", "9" }, { "outbox.retry_max", "5" },
			     { "business.zone", "Asia/Tokyo" }),
			 RC_OK);
	assert_int_equal(saved, 2); /* five tries it had already */
	assert_int_equal(entries(), 1);
	assert_string_equal(last("before"),
			    "{\"business.zone\":\"America/Guayaquil\",\"outbox.slots\":\"8\"}");
	assert_string_equal(last("after"), "{\"business.zone\":\"Asia/Tokyo\",\"outbox.slots\":\"9\"}");
	assert_int_equal(setting_int(CX->env->settings, "outbox.slots"), 9);
	assert_string_equal(zone_name(CX->env->zone), "Asia/Tokyo");
	assert_int_equal(SET(&saved, { "outbox.slots", "9" }), RC_OK);
	assert_int_equal(saved, 0);
	assert_int_equal(entries(), 1); /* nothing happened, nothing is told */
}

static void a_refused_save_is_told_at_each_field_and_nowhere_else(void **state)
{
	(void)state;
	assert_int_equal(SET(NULL, { "outbox.slots", "65" }, { "outbox.retry_max", "3" }, { "no.such", "1" }),
			 RC_BAD_INPUT);
	assert_string_equal(shop_error(&d.shop, "outbox.slots"),
			    "Should be a whole number from 1 to 64, not “65”.");
	assert_string_equal(shop_error(&d.shop, "no.such"), "Is no setting.");
	assert_string_equal(shop_error(&d.shop, "outbox.retry_max"), "");
	assert_string_equal(ini(), "[web]\nlisten = 127.0.0.1:0\n");
	assert_int_equal(entries(), 0);
}

static void a_secret_is_masked_in_the_history_and_its_age_is_known(void **state)
{
	const struct setting *row = settings_find(CX->env->settings, "whatsapp.api_key");

	(void)state;
	assert_int_equal(settings_secret_at(CX, row), 0);
	assert_int_equal(SET(NULL, { "whatsapp.api_key", "hush" }), RC_OK);
	assert_string_equal(last("before"), "{\"whatsapp.api_key\":\"\"}");
	assert_string_equal(last("after"), "{\"whatsapp.api_key\":\"changed\"}");
	assert_int_equal(settings_secret_at(CX, row) / DAY_MS, NOON / DAY_MS);
	assert_int_equal(SET(NULL, { "whatsapp.api_key", "hush!" }), RC_OK);
	assert_string_equal(last("before"), "{\"whatsapp.api_key\":\"********\"}");
	assert_int_equal(entries(), 2);
	assert_int_equal(settings_override(CX->env->settings, "whatsapp.api_key", "by hand"), RC_OK);
	assert_int_equal(settings_secret_at(CX, row), 0); /* another value: its age is not known */
}

static void what_stands_in_the_file_by_hand_comes_in_force_and_is_told(void **state)
{
	FILE *f = fopen(ini_path(), "a");

	(void)state;
	assert_non_null(f);
	assert_true(fputs("[outbox]\nslots = 7\n", f) >= 0);
	fclose(f);
	shop_next(&d.shop);
	assert_int_equal(settings_read_again(CX), RC_OK);
	assert_string_equal(last("after"), "{\"outbox.slots\":\"7\"}");
	assert_int_equal(settings_read_again(CX), RC_OK);
	assert_int_equal(entries(), 1);
}

static void without_a_database_the_file_is_written_all_the_same(void **state)
{
	struct db *db = CX->db;
	enum rc rc;

	(void)state;
	CX->db = NULL;
	rc = SET(NULL, { "outbox.slots", "9" });
	CX->db = db;
	assert_int_equal(rc, RC_OK);
	HAS(ini(), "slots = 9");
	assert_int_equal(entries(), 0);
}

static void the_page_and_the_program_save_the_same_way(void **state)
{
	struct visitor olga, program, rita;
	const char *a;

	(void)state;
	visit(&d, &olga, "Olga");
	visit(&d, &rita, "Rita");
	visit_by_token(&d, &program, "settings.view,settings.edit");
	STATUS(a = door_ask(&olga, "GET", "/settings/outbox", NULL), 200);
	HAS(a, "name=\"outbox.slots\"");
	STATUS(door_ask(&olga, "POST", "/settings/outbox", "outbox.slots=9"), 303);
	HAS(ini(), "slots = 9");
	STATUS(a = door_ask(&olga, "POST", "/settings/outbox", "outbox.slots=900&outbox.acknowledge=%3Cb%3E"),
	       422);
	HAS(a, "&lt;b&gt;");
	STATUS(door_ask(&olga, "POST", "/settings/outbox", "outbox.slots=8&seen=old"), 409);
	STATUS(door_ask(&olga, "GET", "/settings/none", NULL), 404);
	STATUS(door_ask(&rita, "GET", "/settings", NULL), 403);
	STATUS(a = door_ask(&program, "PATCH", "/api/v1/settings", "{\"outbox.slots\": 10}"), 200);
	STATUS(a = door_ask(&program, "PATCH", "/api/v1/settings", "[1]"), 400);
	STATUS(a = door_ask(&program, "PATCH", "/api/v1/settings", "{\"web.panel_allow\": \"10.0.0.0/8\"}"),
	       400);
	HAS(a, "127.0.0.1");
	STATUS(a = door_ask(&program, "GET", "/api/v1/settings/history", NULL), 200);
	HAS(a, "\"outbox.slots\"");
}

static void more_settings_than_a_save_takes_are_refused(void **state)
{
	static char body[48 * 1024];
	struct visitor program;
	size_t n = 0;

	(void)state;
	visit_by_token(&d, &program, "settings.edit");
	for (int last_one = SETTINGS_SAVE_MAX; last_one <= SETTINGS_SAVE_MAX + 1; last_one++) {
		n = (size_t)snprintf(body, sizeof body, "{");
		for (int i = 0; i < last_one; i++)
			n += (size_t)snprintf(body + n, sizeof body - n, "%s\"x.y%d\":1", i > 0 ? "," : "",
					      i);
		snprintf(body + n, sizeof body - n, "}");
		STATUS(door_ask(&program, "PATCH", "/api/v1/settings", body),
		       last_one > SETTINGS_SAVE_MAX ? 413 : 400);
	}
}

static void the_steps_only_go_forward(void **state)
{
	enum wizard_step at;

	(void)state;
	assert_int_equal(wizard_left_at(CX, &at), RC_OK);
	assert_int_equal(at, STEP_BUSINESS);
	assert_int_equal(wizard_reached(CX, STEP_BACKUP), RC_OK);
	assert_int_equal(wizard_reached(CX, STEP_WHATSAPP), RC_OK);
	assert_int_equal(wizard_left_at(CX, &at), RC_OK);
	assert_int_equal(at, STEP_BACKUP);
	assert_int_equal(wizard_reached(CX, STEP__MAX), RC_OK);
	assert_int_equal(wizard_reached(CX, STEP_DONE), RC_OK);
	assert_int_equal(wizard_left_at(CX, &at), RC_OK);
	assert_int_equal(at, STEP__MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_save_is_one_entry_of_the_history_and_in_force),
		TEST(a_refused_save_is_told_at_each_field_and_nowhere_else),
		TEST(a_secret_is_masked_in_the_history_and_its_age_is_known),
		TEST(what_stands_in_the_file_by_hand_comes_in_force_and_is_told),
		TEST(without_a_database_the_file_is_written_all_the_same),
		TEST(the_page_and_the_program_save_the_same_way),
		TEST(more_settings_than_a_save_takes_are_refused),
		TEST(the_steps_only_go_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
