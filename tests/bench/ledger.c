/*
** ledger.c -- the ledger and the feeding of a mailing without a wire: each mail is queued, claimed and
** settled as sent, on one thread, so that the processor time of each step can be told apart.
**
**   ledger FOLDER COUNT ROUND
**
** FOLDER is empty; ROUND mails are settled and claimed in each transaction, as one turn of a lane does.
** Prints {"count", "round", "feed_us", "settle_us", "claim_us", "commit_us", "ledger_us"}: processor time a
** mail, of each and of the whole turn. With STATEMENTS in the environment, what each statement cost on
** stderr.
**
** Holds: statements, settings and durability are the appliance's; only the waiting is left out.
*/
#include "base/mem.h"
#include "db/inner.h"
#include "outbox/ledger.h"
#include "outbox/letter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

static const struct setting *const tables[] = { outbox_settings, mail_settings, chat_settings,
						bulk_mail_settings, NULL };

static struct env env;
static struct cx feeder, engine;

static void die(const char *what)
{
	fprintf(stderr, "ledger: %s\n", what);
	exit(1);
}

static void must(enum rc rc, const char *what)
{
	if (rc != RC_OK) die(what);
}

static double cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void open_house(const char *folder)
{
	struct arena *forever = arena_new((size_t)16 * 1024 * 1024);
	const char *message = "";

	if (forever == NULL || seal_start() != RC_OK || words_load() != RC_OK) die("no memory");
	env.dir = folder;
	env.clock = clock_new(0);
	env.zone = zone_find("UTC");
	env.is_holder = true;
	for (int i = 0; i < WAKE__MAX; i++)
		env.wake_fd[i] = -1;
	env.wake_fd[WAKE_OUTBOX] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	must(settings_load(&env.settings, tables, NULL, forever, LANG_EN, &message), message);
	must(store_open(&env.store, &env, forever, &message, true), message);
	cx_init(&feeder, &env, arena_new((size_t)16 * 1024 * 1024), NULL);
	cx_init(&engine, &env, arena_new((size_t)16 * 1024 * 1024), NULL);
	must(db_open(&feeder.db, env.store), "no connection");
	must(db_open(&engine.db, env.store), "no connection");
}

static void open_batch(struct feed *f)
{
	struct letter_new l = { .from_email = "ventas@tienda.example",
				.from_name = "Tienda",
				.provider_template = "11111111-1111-4111-8111-111111111111" };
	enum rc rc = tx_begin(&feeder);

	if (rc == RC_OK) rc = batch_open(&feeder, &f->batch_id, &(struct batch_new){ .kind = "bench" });
	if (rc == RC_OK) rc = letter_add(&feeder, f->batch_id, &l);
	must(tx_end(&feeder, rc), "no batch");
	f->expires_at = cx_now(&feeder) + DAY_MS;
}

/* Row i as a line of a customers' file would be. */
static void put_row(struct feed_row *row, int64_t i)
{
	row->id = i;
	row->address = arena_printf(feeder.arena, "cliente%06lld@example.com", (long long)i);
	row->name = "Ana Lucía Pérez";
	row->variables_json = arena_printf(
		feeder.arena, "{\"mes\":\"noviembre\",\"nombre\":\"Ana Lucía %lld\",\"saldo\":\"%lld.50\"}",
		(long long)i, (long long)(i % 1000));
}

static double feed_slice(const struct feed *f, int64_t *at, int64_t count)
{
	struct feed_row rows[FEED_ROWS_MAX];
	size_t n = 0;
	double began;
	enum rc rc;

	for (; n < FEED_ROWS_MAX && *at < count; n++)
		put_row(&rows[n], ++*at);
	began = cpu_us();
	rc = tx_begin(&feeder);
	if (rc == RC_OK) rc = outbox_feed(&feeder, f, rows, n, NULL);
	must(tx_end(&feeder, rc), "a slice was not fed");
	began = cpu_us() - began;
	cx_reset(&feeder);
	return began;
}

struct round_of {
	struct claimed claimed[SLOTS_MAX];
	int64_t busy[SLOTS_MAX];
	int slots[SLOTS_MAX];
	struct claim claim;
	struct letter_cache *letters;
	int64_t account;
	double settle_us, claim_us, commit_us, all_us;
};

static enum rc settle(struct round_of *t)
{
	struct settle_rules rules = { .now = cx_now(&engine), .retry_max = 3 };
	enum rc rc = RC_OK;

	for (int i = 0; rc == RC_OK && i < t->claim.count; i++) {
		struct verdict v = { .outcome = OUTCOME_SENT, .http = 201, .why = "" };

		snprintf(v.provider_id, sizeof(v.provider_id), "%08llx-5555-4666-8777-888888888888",
			 (unsigned long long)t->claimed[i].id);
		rc = ledger_settle(&engine, &t->claimed[i], &v, &rules);
	}
	return rc;
}

static enum rc claim(struct round_of *t, int round)
{
	struct letter_kept *k = NULL;
	bool is_waiting = false;
	instant next = 0;
	enum rc rc = ledger_promote(&engine, t->account, cx_now(&engine), &next);

	if (rc == RC_OK) rc = ledger_is_waiting(&engine, &is_waiting, t->account, true);
	t->claim = (struct claim){ .account = t->account,
				   .now = cx_now(&engine),
				   .is_window_open = true,
				   .contact_kind = "email",
				   .slots = t->slots,
				   .slot_count = round,
				   .busy = t->busy,
				   .out = t->claimed };
	if (rc == RC_OK) rc = ledger_claim(&engine, &t->claim);
	for (int i = 0; rc == RC_OK && i < t->claim.count; i++) {
		rc = letter_of(&engine, t->letters, &k, t->claimed[i].batch_id);
		t->claimed[i].has_letter = k != NULL;
		if (rc == RC_OK && k == NULL) rc = ledger_files(&engine, &t->claimed[i]);
	}
	return rc;
}

/* Returns how many are under way after it. */
static int turn(struct round_of *t, int round)
{
	double began = cpu_us(), settled, claimed, ended;

	cx_reset(&engine);
	must(tx_begin(&engine), "no transaction");
	settled = cpu_us();
	must(settle(t), "settle");
	claimed = cpu_us();
	t->settle_us += claimed - settled;
	must(claim(t, round), "claim");
	ended = cpu_us();
	t->claim_us += ended - claimed;
	must(tx_end(&engine, RC_OK), "commit");
	claimed = cpu_us();
	t->commit_us += claimed - ended;
	t->all_us += claimed - began;
	for (int i = 0; i < t->claim.count; i++) {
		t->slots[i] = i;
		claimed_forget(&t->claimed[i]);
	}
	return t->claim.count;
}

static void tell_statements(const struct cx *cx, const char *who, double count)
{
	for (size_t i = 0; i < DB_STATEMENTS_MAX; i++) {
		sqlite3_stmt *s = cx->db->cache[i].stmt;

		if (s == NULL) continue;
		fprintf(stderr, "%s runs %.3f steps %.1f prepared %d: %.150s\n", who,
			sqlite3_stmt_status(s, SQLITE_STMTSTATUS_RUN, 0) / count,
			sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 0) / count,
			sqlite3_stmt_status(s, SQLITE_STMTSTATUS_REPREPARE, 0), sqlite3_sql(s));
	}
}

int main(int argc, char **argv)
{
	static struct round_of t;
	struct feed f = { .channel = "doppler", .topic = "campaign", .table = "bench", .priority = 9 };
	int64_t at = 0, settled = 0, count, sent = 0;
	double feed_us = 0, n;
	int round;

	if (argc != 4) die("ledger FOLDER COUNT ROUND");
	count = atoll(argv[2]);
	round = atoi(argv[3]);
	if (count < 1 || round < 1 || round > SLOTS_MAX) die("COUNT of one at least, ROUND of one to 64");
	open_house(argv[1]);
	open_batch(&f);
	t.letters = letter_cache_new();
	for (int i = 0; i < SLOTS_MAX; i++)
		t.slots[i] = i;
	while (settled < count) {
		while (at < count && at - settled + FEED_ROWS_MAX <= FEED_QUEUED_MAX)
			feed_us += feed_slice(&f, &at, count);
		if (t.account == 0)
			must(db_get_int(&engine, &t.account,
					"SELECT channel_account_id FROM message WHERE id = 1", NO_PARAMS),
			     "no message");
		settled += t.claim.count;
		(void)turn(&t, round);
	}
	must(db_get_int(&engine, &sent,
			"SELECT count(*) FROM message m WHERE state = 'sent' AND attempts = 1 AND EXISTS"
			" (SELECT 1 FROM attempt a WHERE a.message_id = m.id AND a.outcome = 'sent')",
			NO_PARAMS),
	     "count");
	if (sent != count) die("not each was sent once");
	n = (double)count;
	printf("{\"count\": %lld, \"round\": %d, \"feed_us\": %.2f, \"settle_us\": %.2f, \"claim_us\": %.2f,"
	       " \"commit_us\": %.2f, \"ledger_us\": %.2f}\n",
	       (long long)count, round, feed_us / n, t.settle_us / n, t.claim_us / n, t.commit_us / n,
	       t.all_us / n);
	if (getenv("STATEMENTS") != NULL) {
		tell_statements(&feeder, "feed", n);
		tell_statements(&engine, "turn", n);
	}
	db_close(engine.db);
	db_close(feeder.db);
	store_close(env.store);
	return 0;
}
