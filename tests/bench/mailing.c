/*
** mailing.c -- the outbox alone under a mailing: feeds rows as the module sends does and waits until the last
** of them is settled.
**
**   mailing FOLDER CHANNEL COUNT PARALLEL NAME=VALUE…
**
** FOLDER is empty; NAME=VALUE are settings (doppler.base_url=…, smtp.port=…). Prints {"count", "sent",
** "seconds", "cpu_s", "feed_cpu_s"}: from the first row fed to the last settlement.
**
** Holds: every step is durable as in the appliance: the same engine, ledger, feed and database settings.
*/
#include "base/mem.h"
#include "outbox/ledger.h"
#include "outbox/outbox.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#define RUN_MS 300000 /* a bench that hangs is worth nothing */

static const struct setting pace_settings[] = {
	{ .name = "sends.parallel", .section = "Sends", .type = SET_INT, .def = "1", .min = 1, .max = 64 },
	{ .name = "sends.pace_ms", .type = SET_INT, .def = "0", .min = 0, .max = 60000 },
	{ .name = NULL },
};
static const struct setting *const tables[] = { outbox_settings,    mail_settings, chat_settings,
						bulk_mail_settings, pace_settings, NULL };

static struct env env;
static struct cx cx;

static void die(const char *what)
{
	fprintf(stderr, "mailing: %s\n", what);
	exit(1);
}

static double cpu_seconds(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void set(const char *name, const char *value)
{
	if (settings_override(env.settings, name, value) != RC_OK) die(name);
}

static void open_house(char **argv, int argc)
{
	struct arena *a = arena_new((size_t)16 * 1024 * 1024), *forever = arena_new((size_t)16 * 1024 * 1024);
	const char *message = "";

	if (a == NULL || forever == NULL || seal_start() != RC_OK || words_load() != RC_OK) die("no memory");
	env.dir = argv[1];
	env.clock = clock_new(0);
	env.zone = zone_find("UTC");
	env.is_holder = true;
	for (int i = 0; i < WAKE__MAX; i++)
		env.wake_fd[i] = -1;
	env.wake_fd[WAKE_OUTBOX] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (settings_load(&env.settings, tables, NULL, forever, LANG_EN, &message) != RC_OK) die(message);
	set("sends.parallel", argv[4]);
	for (int i = 5; i < argc; i++) {
		char *equals = strchr(argv[i], '=');

		if (equals == NULL) die("NAME=VALUE");
		*equals = '\0';
		set(argv[i], equals + 1);
	}
	if (store_open(&env.store, &env, forever, &message, true) != RC_OK) die(message);
	cx_init(&cx, &env, a, NULL);
	if (db_open(&cx.db, env.store) != RC_OK) die("no connection");
}

static int64_t open_batch(bool is_by_template)
{
	struct letter_new l = { .from_email = "ventas@tienda.example",
				.from_name = "Tienda",
				.subject = "Hola {{nombre}}",
				.text = "Hola {{nombre}}: tu saldo de {{mes}} es {{saldo}}." };
	int64_t batch = 0;
	enum rc rc = tx_begin(&cx);

	if (is_by_template) {
		l.provider_template = "11111111-1111-4111-8111-111111111111";
		l.subject = l.text = NULL;
	}
	if (rc == RC_OK) rc = batch_open(&cx, &batch, &(struct batch_new){ .kind = "bench" });
	if (rc == RC_OK) rc = letter_add(&cx, batch, &l);
	if (tx_end(&cx, rc) != RC_OK) die("no batch");
	return batch;
}

/* Row i as a line of a customers' file would be. */
static void put_row(struct feed_row *row, int64_t i)
{
	row->id = i;
	row->address = arena_printf(cx.arena, "cliente%06lld@example.com", (long long)i);
	row->name = "Ana Lucía Pérez";
	row->variables_json = arena_printf(
		cx.arena, "{\"mes\":\"noviembre\",\"nombre\":\"Ana Lucía %lld\",\"saldo\":\"%lld.50\"}",
		(long long)i, (long long)(i % 1000));
}

static int64_t number(const char *sql, int64_t batch)
{
	int64_t n = -1;

	if (db_get_int(&cx, &n, sql, PARAMS(P_INT(":batch", batch))) != RC_OK) die(sql);
	return n;
}

static void feed_slice(const struct feed *f, int64_t *at, int64_t count)
{
	struct feed_row rows[FEED_ROWS_MAX];
	size_t n = 0;
	int64_t known = 0;
	enum rc rc;

	for (; n < FEED_ROWS_MAX && *at < count; n++)
		put_row(&rows[n], ++*at);
	rc = tx_begin(&cx);
	if (rc == RC_OK) rc = outbox_feed(&cx, f, rows, n, &known);
	if (tx_end(&cx, rc) != RC_OK) die("a slice was not fed");
	cx_reset(&cx);
}

int main(int argc, char **argv)
{
	struct outbox *o = NULL;
	struct feed f = { .topic = "campaign", .table = "bench", .priority = MAILING_PRIORITY };
	int64_t at = 0, queued = 0, count, end;
	double began, cpu, feeding = 0;

	if (argc < 5) die("mailing FOLDER CHANNEL COUNT PARALLEL NAME=VALUE…");
	open_house(argv, argc);
	f.channel = argv[2];
	f.batch_id = open_batch(strcmp(argv[2], "doppler") == 0);
	f.expires_at = cx_now(&cx) + DAY_MS;
	count = atoll(argv[3]);
	if (outbox_start(&o, &env, NULL) != RC_OK) die("the outbox does not start");
	began = cpu_seconds(CLOCK_MONOTONIC);
	cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (end = clock_ticks() + RUN_MS; at < count && clock_ticks() < end;) {
		double before = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);

		if (batch_queued(&cx, &queued, f.batch_id) != RC_OK) die("cannot count");
		while (queued + FEED_ROWS_MAX <= FEED_QUEUED_MAX && at < count) {
			feed_slice(&f, &at, count);
			queued += FEED_ROWS_MAX;
		}
		feeding += cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - before;
		(void)poll(NULL, 0, 10);
	}
	while (number("SELECT EXISTS (SELECT 1 FROM message WHERE batch_id = :batch AND state IN ('queued', 'sending')"
		      " ORDER BY id DESC)",
		      f.batch_id) != 0 &&
	       clock_ticks() < end)
		(void)poll(NULL, 0, 5);
	began = cpu_seconds(CLOCK_MONOTONIC) - began;
	cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("{\"count\": %lld, \"sent\": %lld, \"seconds\": %.3f, \"cpu_s\": %.3f, \"feed_cpu_s\": %.3f}\n",
	       (long long)count,
	       (long long)number("SELECT count(*) FROM message WHERE batch_id = :batch AND state = 'sent'",
				 f.batch_id),
	       began, cpu, feeding);
	outbox_stop(o);
	db_close(cx.db);
	store_close(env.store);
	return 0;
}
