/* sends/bulk_*.c, gate.c, send_feed.c: states, the gate's question, feeding, rows of a send. */
#include "../state.h"
#include "../plan.h"
#include "base/sentence.h"
#include "outbox/ledger.h"
#include "sends/bulk_inner.h"
#include "sends/recipients.h"
#include "work/inner.h"
#include <pthread.h>
#include <stdatomic.h>

#define NOW "2026-11-22T10:00:00-05:00"

struct office {
	struct state s;
	int64_t bulk, batch;
	_Atomic bool is_held; /* another thread has the lane */
};

static void open_office(struct office *o)
{
	const struct setting *const tables[] = { outbox_settings,    mail_settings,  chat_settings,
						 bulk_mail_settings, sends_settings, NULL };
	const char *why = "";
	instant now = 0;

	memset(o, 0, sizeof *o);
	assert_int_equal(instant_parse(&now, NOW), RC_OK);
	state_open(&o->s, now);
	assert_int_equal(settings_load(&o->s.env.settings, tables, NULL, o->s.forever, LANG_EN, &why), RC_OK);
}

static void close_office(struct office *o)
{
	settings_free(o->s.env.settings);
	state_close(&o->s);
}

static void run(struct office *o, const char *sql)
{
	assert_int_equal(state_run(&o->s, sql), RC_OK);
}

static int64_t number(struct office *o, const char *sql)
{
	return state_int(&o->s, sql);
}

/* A send in this state with so many valid rows, each ninth line invalid, and its batch. */
static void make_send(struct office *o, const char *status, int rows)
{
	struct cx *cx = &o->s.cx;

	run(o, "INSERT INTO batch (public_id, kind, created_at) VALUES ('b', 'sends.bulk', 0)");
	o->batch = db_last_id(cx);
	run(o,
	    arena_printf(
		    cx->arena,
		    "INSERT INTO bulk_send (public_id, channel, template_id, status, import_status, import_version,"
		    " valid_rows, batch_id, created_at, updated_at) VALUES ('p%s', 'email', 't', '%s', 'ready', 1, %d,"
		    " %lld, 0, 0)",
		    status, status, rows, (long long)o->batch));
	o->bulk = db_last_id(cx);
	run(o,
	    arena_printf(
		    cx->arena,
		    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
		    " INSERT INTO bulk_recipient (bulk_id, import_version, row_number, recipient, payload_json, error_code)"
		    " SELECT %lld, 1, i, 'p' || i || '@example.com', '{}', CASE WHEN i %% 9 = 0 THEN 'recipient_invalid'"
		    " ELSE '' END FROM n",
		    rows, (long long)o->bulk));
}

static enum rc move(struct office *o, const char *from, const char *to)
{
	struct cx *cx = &o->s.cx;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = bulk_move(cx, o->bulk, &(struct bulk_edge){ .from = from, .to = to });
	return tx_end(cx, rc);
}

static void only_the_drawn_ways_lead_from_one_state_to_another(void **arg)
{
	static const char *const all[] = { "pending", "queued", "sending",  "paused",
					   "done",    "error",  "cancelled" };
	struct office o;
	int legal = 0;

	(void)arg;
	open_office(&o);
	for (size_t i = 0; i < 7; i++)
		for (size_t k = 0; k < 7; k++) {
			char reset[96];

			if (bulk_edge_is_legal(all[i], all[k])) legal++;
			if (o.bulk == 0) make_send(&o, "pending", 1);
			snprintf(reset, sizeof reset, "UPDATE bulk_send SET status = '%s'", all[i]);
			run(&o, reset);
			assert_int_equal(move(&o, all[i], all[k]),
					 bulk_edge_is_legal(all[i], all[k]) ? RC_OK : RC_BUG);
		}
	assert_int_equal(legal, 15);
	for (size_t k = 0; k < 7; k++) { /* these are final */
		assert_false(bulk_edge_is_legal("done", all[k]));
		assert_false(bulk_edge_is_legal("cancelled", all[k]));
	}
	close_office(&o);
}

static void of_two_who_want_the_same_step_one_wins(void **arg)
{
	struct office o;

	(void)arg;
	open_office(&o);
	make_send(&o, "queued", 1);
	assert_int_equal(move(&o, "queued", "sending"), RC_OK);
	assert_int_equal(move(&o, "queued", "sending"), RC_CONFLICT);
	assert_int_equal(move(&o, "queued", "paused"), RC_CONFLICT);
	assert_int_equal(number(&o, "SELECT count(*) FROM audit WHERE table_name = 'bulk_send'"), 1);
	assert_int_equal(bulk_enqueue(&o.s.cx, o.bulk), RC_CONFLICT);
	assert_string_equal(o.s.cx.error_code, "wrong_state");
	close_office(&o);
}

static void what_ended_with_mails_handed_over_never_starts_again(void **arg)
{
	struct office o;

	(void)arg;
	open_office(&o);
	make_send(&o, "error", 1);
	assert_int_equal(bulk_enqueue(&o.s.cx, o.bulk), RC_CONFLICT);
	assert_int_equal(bulk_resume(&o.s.cx, o.bulk), RC_CONFLICT);
	assert_int_equal(bulk_pause(&o.s.cx, o.bulk, NULL), RC_CONFLICT);
	assert_int_equal(bulk_cancel(&o.s.cx, o.bulk), RC_CONFLICT);
	assert_int_equal(number(&o, "SELECT count(*) FROM job"), 0);
	close_office(&o);
}

static void a_persons_pause_holds_the_batch_and_resuming_makes_the_work(void **arg)
{
	struct office o;

	(void)arg;
	open_office(&o);
	make_send(&o, "sending", 1);
	assert_int_equal(bulk_pause(&o.s.cx, o.bulk, NULL), RC_OK);
	assert_int_equal(number(&o, "SELECT count(*) FROM batch WHERE state = 'paused'"), 1);
	assert_int_equal(
		number(&o,
		       "SELECT count(*) FROM bulk_send WHERE status = 'paused' AND status_why = 'person'"),
		1);
	assert_int_equal(bulk_resume(&o.s.cx, o.bulk), RC_OK);
	assert_int_equal(bulk_resume(&o.s.cx, o.bulk), RC_CONFLICT);
	assert_int_equal(
		number(&o, "SELECT count(*) FROM job WHERE kind = 'sends.send' AND state = 'queued'"), 1);
	assert_int_equal(bulk_cancel(&o.s.cx, o.bulk), RC_OK);
	assert_int_equal(number(&o, "SELECT count(*) FROM batch WHERE state = 'cancelled'"), 1);
	assert_int_equal(bulk_cancel(&o.s.cx, o.bulk), RC_CONFLICT);
	close_office(&o);
}

/* The work looked, then a person pauses it: what the work was about to do must not undo that. */
static void a_person_who_pauses_is_not_overtaken_by_work_that_goes_on(void **arg)
{
	struct send_look look = { .status = "" };
	struct office o;

	(void)arg;
	open_office(&o);
	make_send(&o, "paused", 1);
	run(&o, "UPDATE bulk_send SET status_why = 'switch'");
	run(&o, "UPDATE batch SET state = 'paused'");
	assert_int_equal(send_look_read(&o.s.cx, &look, o.bulk), RC_OK);
	assert_int_equal(bulk_pause(&o.s.cx, o.bulk, NULL), RC_OK);
	assert_int_equal(send_go_on(&o.s.cx, o.bulk, o.batch, &look), RC_OK);
	assert_int_equal(
		number(&o,
		       "SELECT count(*) FROM bulk_send WHERE status = 'paused' AND status_why = 'person'"),
		1);
	assert_int_equal(number(&o, "SELECT count(*) FROM batch WHERE state = 'paused'"), 1);
	assert_int_equal(bulk_resume(&o.s.cx, o.bulk), RC_OK);
	assert_int_equal(send_look_read(&o.s.cx, &look, o.bulk), RC_OK);
	assert_int_equal(send_go_on(&o.s.cx, o.bulk, o.batch, &look), RC_OK);
	assert_int_equal(number(&o, "SELECT count(*) FROM bulk_send WHERE status = 'sending'"), 1);
	assert_int_equal(number(&o, "SELECT count(*) FROM batch WHERE state = 'open'"), 1);
	close_office(&o);
}

/* Its hour is tomorrow, somebody wants it now, and its file is still being read. */
static void who_starts_a_timed_send_while_it_is_read_need_not_wait_for_its_hour(void **arg)
{
	struct office o;
	struct cx *cx = &o.s.cx;

	(void)arg;
	open_office(&o);
	assert_int_equal(settings_override(o.s.env.settings, "smtp.host", "mail.example.com"), RC_OK);
	assert_int_equal(settings_override(o.s.env.settings, "smtp.from", "avisos@example.com"), RC_OK);
	make_send(&o, "pending", 1);
	run(&o,
	    "UPDATE bulk_send SET batch_id = NULL, import_status = 'importing', scheduled_at = 4102444800000");
	assert_int_equal(bulk_enqueue(cx, o.bulk), RC_OK);
	assert_int_equal(number(&o, "SELECT count(*) FROM bulk_send WHERE status = 'pending'"), 1);
	run(&o, "UPDATE bulk_send SET import_status = 'ready'");
	assert_int_equal(tx_begin(cx), RC_OK);
	assert_int_equal(tx_end(cx, bulk_imported(cx, o.bulk)), RC_OK);
	assert_int_equal(number(&o, "SELECT count(*) FROM bulk_send WHERE status = 'queued'"), 1);
	close_office(&o);
}

/* A copy was put back: whatever would go on by itself waits for a person, except where the channel is
** open. */
static void a_copy_put_back_holds_what_would_go_on_by_itself(void **arg)
{
	struct office o;

	(void)arg;
	open_office(&o);
	make_send(&o, "sending", 1);
	assert_int_equal(sends_before_work(&o.s.cx), RC_OK);
	assert_int_equal(number(&o, "SELECT count(*) FROM bulk_send WHERE status = 'sending'"), 1);
	run(&o, "INSERT INTO meta (key, value) VALUES ('outbox.restored', 'ayer')");
	run(&o, "INSERT INTO channel_account (kind, name, state, state_why, created_at)"
		" VALUES ('smtp', 'email', 'open', '', 0)");
	assert_int_equal(sends_before_work(&o.s.cx), RC_OK);
	assert_int_equal(number(&o, "SELECT count(*) FROM bulk_send WHERE status = 'sending'"), 1);
	run(&o, "UPDATE channel_account SET state = 'stopped', state_why = 'restored'");
	run(&o, "INSERT INTO bulk_send (public_id, channel, template_id, wants_start, created_at, updated_at)"
		" VALUES ('w', 'email', 't', 1, 0, 0), ('by hand', 'email', 't', 0, 0, 0)");
	run(&o,
	    "INSERT INTO bulk_send (public_id, channel, template_id, scheduled_at, created_at, updated_at)"
	    " VALUES ('s', 'email', 't', 1, 0, 0)");
	assert_int_equal(sends_before_work(&o.s.cx), RC_OK);
	assert_int_equal(sends_before_work(&o.s.cx), RC_OK);
	assert_int_equal(number(&o, "SELECT count(*) FROM bulk_send WHERE status_why = 'restored'"), 3);
	assert_int_equal(number(&o, "SELECT count(*) FROM bulk_send WHERE status = 'paused'"), 1);
	assert_int_equal(number(&o, "SELECT count(*) FROM bulk_send WHERE wants_start = 1"), 0);
	assert_int_equal(number(&o, "SELECT count(*) FROM batch WHERE state = 'paused'"), 1);
	assert_int_equal(number(&o, "SELECT count(*) FROM alert WHERE resolved_at IS NULL"), 3);
	assert_int_equal(number(&o, "SELECT count(*) FROM audit WHERE action = 'hold'"), 3);
	assert_int_equal(bulk_resume(&o.s.cx, o.bulk), RC_OK);
	assert_int_equal(number(&o, "SELECT count(*) FROM alert WHERE resolved_at IS NULL"), 2);
	close_office(&o);
}

static void an_hour_is_read_as_the_business_says_it_and_a_past_one_is_refused(void **arg)
{
	static const struct {
		const char *text, *same;
	} good[] = {
		{ "2026-11-23T09:30", "2026-11-23T09:30:00-05:00" },
		{ "2026-11-23 09:30:15", "2026-11-23T09:30:15-05:00" },
		{ "23/11/2026 09:30", "2026-11-23T09:30:00-05:00" },
		{ "2026-11-23T09:30:00+01:00", "2026-11-23T03:30:00-05:00" },
	};
	static const char *const bad[] = { "",
					   "2026-11-23",
					   "2026-11-23T9:30",
					   "2026-02-30T09:30",
					   "2026-11-23T24:00",
					   "2026-11-23T09:60",
					   "2026-11-23T09:30 ",
					   "mañana 09:30",
					   "T",
					   " " };
	struct office o;
	instant at = 0, want = 0, now;

	(void)arg;
	open_office(&o);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(instant_parse(&want, good[i].same), RC_OK);
		assert_int_equal(bulk_hour_parse(&o.s.cx, &at, good[i].text), RC_OK);
		assert_int_equal(at, want);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(bulk_hour_parse(&o.s.cx, &at, bad[i]), RC_BAD_INPUT);
	now = cx_now(&o.s.cx);
	assert_int_equal(bulk_hour_check(&o.s.cx, 0), RC_OK);
	assert_int_equal(bulk_hour_check(&o.s.cx, now - 55 * SECOND_MS), RC_OK);
	assert_int_equal(bulk_hour_check(&o.s.cx, now - 61 * SECOND_MS), RC_BAD_INPUT);
	close_office(&o);
}

/* Names the gate misses, "a,b". */
static const char *missing(struct office *o, const char *html, const char *import, const char *mapping,
			   const char *may_be_empty)
{
	struct bulk b = { .import_json = import, .variables_json = mapping, .may_be_empty = may_be_empty };
	struct mail_template t = { .subject = "Hola",
				   .html = html,
				   .text = "",
				   .body_type = "rawHtml",
				   .channel = "email",
				   .id = "t",
				   .name = "t",
				   .has_body = true };
	struct value *list = NULL;
	const char *out = "";

	assert_int_equal(gate_missing(&o->s.cx, &list, &b, &t), RC_OK);
	for (const struct value *v = list->first; v != NULL; v = v->next)
		out = arena_printf(o->s.cx.arena, "%s%s%s", out, out[0] ? "," : "", v->text);
	return out;
}

static void the_gate_names_what_the_file_does_not_give(void **arg)
{
	static const char file[] =
		"{\"columns\":[{\"name\":\"Valor\",\"empty\":0},{\"name\":\"nota\",\"empty\":2}]}";
	struct office o;

	(void)arg;
	open_office(&o);
	assert_string_equal(missing(&o, "{{Valor}}", file, "{}", "[]"), "");
	assert_string_equal(missing(&o, "{{valor}} {{Valor}}", file, "{}", "[]"), "valor");
	assert_string_equal(missing(&o, "{{Valor}} {{nota}}", file, "{}", "[]"), "nota");
	assert_string_equal(missing(&o, "{{Valor}} {{nota}}", file, "{}", "[\"nota\"]"), "");
	assert_string_equal(missing(&o, "{{x}} {{{y}}} {{&z}} {{x}} {{! no }}", file, "{}", "[]"), "x,y,z");
	assert_string_equal(missing(&o, "{{#nota}}{{nota}}{{/nota}} {{email}}", file, "{}", "[]"), "");
	/* Mapped: the import names its variables, whatever the columns they come from are called. */
	assert_string_equal(missing(&o, "{{saldo}} {{Valor}}",
				    "{\"columns\":[{\"name\":\"saldo\",\"empty\":0}]}",
				    "{\"saldo\":\"VALOR\"}", "[]"),
			    "Valor");
	/* With points: by the whole name; what no template can reach is missing, though a column is called
	** so. */
	assert_string_equal(missing(&o, "{{cliente.nombre}} {{cliente.pais}} {{Nro.}}",
				    "{\"columns\":[{\"name\":\"cliente.nombre\",\"empty\":0},"
				    "{\"name\":\"Nro.\",\"empty\":0}]}",
				    "{}", "[]"),
			    "cliente.pais,Nro.");
	assert_string_equal(missing(&o, "{{saldo}}", "{}", "{}", "[]"), "saldo");
	/* A column that is not there is waived like an empty one, by its name as the template writes it. */
	assert_string_equal(missing(&o, "{{saldo}} {{Valor}} {{pie}}", file, "{}", "[\"pie\", \"Saldo\"]"),
			    "saldo");
	assert_string_equal(missing(&o, "{{saldo}} {{Valor}}", file, "{}", "[\"saldo\"]"), "");
	close_office(&o);
}

/* What passes is waited for, longer each time; what a person must mend is told at once. */
static void only_a_gateway_that_is_away_is_waited_for(void **arg)
{
	static const struct {
		enum rc rc;
		const char *code;
		bool waits;
	} cases[] = {
		{ RC_TRY_LATER, "connect_failed", true },    { RC_TRY_LATER, "doppler_http_503", true },
		{ RC_TRY_LATER, "doppler_http_429", true },  { RC_TRY_LATER, "response_unparseable", true },
		{ RC_TRY_LATER, "connection_error", true },  { RC_TRY_LATER, "doppler_http_401", false },
		{ RC_TRY_LATER, "doppler_http_402", false }, { RC_NOT_FOUND, "doppler_http_404", false },
		{ RC_BAD_INPUT, "doppler_http_400", false }, { RC_BAD_INPUT, "doppler_not_set", false },
		{ RC_OK, "doppler_http_503", false },        { RC_TRY_LATER, NULL, false },
	};
	struct cx cx = { .message = "" };

	(void)arg;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cx.error_code = cases[i].code;
		assert_int_equal(send_wait_is_worth(&cx, cases[i].rc), cases[i].waits);
	}
	assert_int_equal(send_wait_ms(1), 15 * SECOND_MS);
	assert_int_equal(send_wait_ms(2), 30 * SECOND_MS);
	assert_int_equal(send_wait_ms(6), 480 * SECOND_MS);
	assert_int_equal(send_wait_ms(7), 15 * MINUTE_MS);
	assert_int_equal(send_wait_ms(INT64_MAX), 15 * MINUTE_MS);
}

/* Its hour to ask again has not come: it is held; then nothing holds it, and no batch of it is touched. */
static void a_send_that_waits_for_the_gateway_asks_again_at_its_hour(void **arg)
{
	struct send_look look = { .status = "" };
	struct value *row = NULL;
	struct office o;
	struct cx *cx = &o.s.cx;
	instant until;

	(void)arg;
	open_office(&o);
	until = cx_now(cx) + 10 * MINUTE_MS;
	make_send(&o, "paused", 1);
	run(&o,
	    arena_printf(
		    cx->arena,
		    "UPDATE bulk_send SET batch_id = NULL, status_why = 'gateway', paused_until_at = %lld,"
		    " status_detail = '{\"m\":\"Doppler Relay cannot be reached: %%s. Try again later.\","
		    "\"a\":[{\"m\":\"Log in first.\"}]}'",
		    (long long)until));
	assert_true(bulk_pause_is_own("gateway"));
	assert_false(bulk_pause_is_own("gateway_late"));
	assert_int_equal(send_look_read(cx, &look, o.bulk), RC_OK);
	assert_string_equal(look.hold, "gateway");
	assert_true(look.until == until);
	assert_int_equal(db_row(cx, &row, "SELECT * FROM bulk_send", NO_PARAMS), RC_OK);
	assert_non_null(strstr(bulk_why_words(cx, row), "cannot be reached: Log in first."));
	assert_non_null(strstr(bulk_why_words(cx, row), "by itself on"));
	clock_shift(o.s.env.clock, 11 * MINUTE_MS);
	assert_int_equal(send_look_read(cx, &look, o.bulk), RC_OK);
	assert_null(look.hold);
	assert_int_equal(bulk_pause(cx, o.bulk, NULL), RC_OK); /* a person's word goes before */
	assert_int_equal(
		number(&o, "SELECT status_why = 'person' AND paused_until_at IS NULL FROM bulk_send"), 1);
	close_office(&o);
}

/* Paused and resumed while the gateway was asked: two pieces of work ask, and the first one's answer was
** good. */
static void who_asked_in_vain_stops_nothing_that_another_one_began(void **arg)
{
	struct job job = { .id = 1 };
	enum begun begun = BEGIN_READY;
	bool uses_email = false;
	struct office o;
	struct cx *cx = &o.s.cx;
	struct bulk b;

	(void)arg;
	open_office(&o);
	make_send(&o, "sending", 3);
	run(&o,
	    "INSERT INTO job (id, kind, queue, run_at, created_at) VALUES (1, 'sends.send', 'sends', 0, 0)");
	assert_int_equal(bulk_read(cx, &b, o.bulk), RC_OK);
	b.batch_id = 0; /* as it was read, before the gate */
	assert_int_equal(send_wait_for_gateway(cx, &job, &b, "away"), RC_OK);
	assert_int_equal(number(&o, "SELECT status = 'sending' AND status_why = '' FROM bulk_send"), 1);
	/* No such template of ours: refused, but not that which is under way. */
	assert_int_equal(send_begin(cx, &job, &b, &uses_email, &begun), RC_OK);
	assert_int_equal(begun, BEGIN_OVER);
	assert_int_equal(number(&o, "SELECT status = 'sending' AND status_why = '' FROM bulk_send"), 1);
	/* One that nobody has begun waits, and is refused. */
	run(&o, "UPDATE bulk_send SET batch_id = NULL");
	assert_int_equal(send_begin(cx, &job, &b, &uses_email, &begun), RC_BAD_INPUT);
	assert_int_equal(number(&o, "SELECT status = 'error' FROM bulk_send"), 1);
	close_office(&o);
}

static void feeding_twice_is_once_and_what_is_held_is_not_fed(void **arg)
{
	struct send_feeder f, twin;
	struct office o;
	bool is_lost = false;

	(void)arg;
	open_office(&o);
	make_send(&o, "sending", 600);
	f = (struct send_feeder){ .feed = { .batch_id = o.batch,
					    .channel = "email",
					    .topic = BULK_TOPIC,
					    .table = BULK_OCCASION,
					    .priority = BULK_PRIORITY },
				  .bulk_id = o.bulk,
				  .import_version = 1 };
	assert_int_equal(send_feed_slice(&o.s.cx, &f, &is_lost), RC_OK);
	assert_false(is_lost);
	assert_int_equal(f.fed, FEED_ROWS_MAX);
	assert_int_equal(number(&o, "SELECT count(*) FROM message"), FEED_ROWS_MAX);
	/* the place is put back, as if the slice had been lost: the ledger knows the rows */
	run(&o, "UPDATE bulk_send SET fed_row = 0");
	twin = f;
	assert_int_equal(send_feed_slice(&o.s.cx, &twin, &is_lost), RC_OK);
	assert_int_equal(number(&o, "SELECT count(*) FROM message"), FEED_ROWS_MAX);
	run(&o, "UPDATE bulk_send SET status = 'paused'");
	assert_int_equal(send_feed_slice(&o.s.cx, &f, &is_lost), RC_OK);
	assert_true(is_lost);
	run(&o, "UPDATE bulk_send SET status = 'sending'");
	run(&o, "UPDATE batch SET state = 'paused'");
	assert_int_equal(send_feed_slice(&o.s.cx, &f, &is_lost), RC_OK);
	assert_true(is_lost);
	assert_int_equal(number(&o, "SELECT count(*) FROM message"), FEED_ROWS_MAX);
	run(&o, "UPDATE batch SET state = 'open'");
	while (!f.is_planned) {
		assert_int_equal(send_feed_slice(&o.s.cx, &f, &is_lost), RC_OK);
		assert_false(is_lost);
	}
	assert_int_equal(number(&o, "SELECT count(*) FROM message"), 600 - 600 / 9);
	assert_int_equal(
		number(&o,
		       "SELECT count(*) FROM message m JOIN bulk_recipient r ON m.occasion = 'bulk_recipient:'"
		       " || r.id WHERE r.error_code <> ''"),
		0);
	assert_int_equal(number(&o, "SELECT planned_at IS NOT NULL FROM batch"), 1);
	close_office(&o);
}

static enum rc expire(struct office *o)
{
	struct cx *cx = &o->s.cx;
	int64_t after = 0, n = 0;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = ledger_expire(cx, cx_now(cx), &after, &n);
	return tx_end(cx, rc);
}

/* Holds the lane until the feeder has read its rows and waits for it; then the person is forgotten. */
static void *forget_meanwhile(void *arg)
{
	struct office *o = arg;
	struct arena *arena = arena_new(STATE_ARENA_MAX);
	struct db *db = NULL;
	struct cx cx;
	int64_t rows = 0;

	assert_non_null(arena);
	assert_int_equal(db_open(&db, o->s.env.store), RC_OK);
	cx_init(&cx, &o->s.env, arena, db);
	assert_int_equal(tx_begin(&cx), RC_OK);
	atomic_store(&o->is_held, true);
	while (!tx_is_wanted(&cx))
		usleep(1000);
	assert_int_equal(tx_end(&cx, recipients_forget(&cx, "p3@example.com", &rows)), RC_OK);
	assert_int_equal(rows, 1);
	db_close(db);
	arena_free(arena);
	return NULL;
}

static void who_is_forgotten_while_the_rows_are_read_gets_no_mail(void **arg)
{
	struct send_feeder f = { .feed = { .channel = "email", .topic = BULK_TOPIC, .table = BULK_OCCASION },
				 .import_version = 1 };
	struct office o;
	bool is_lost = false;
	pthread_t other;

	(void)arg;
	open_office(&o);
	make_send(&o, "sending", 20);
	f.bulk_id = o.bulk;
	f.feed.batch_id = o.batch;
	assert_int_equal(pthread_create(&other, NULL, forget_meanwhile, &o), 0);
	while (!atomic_load(&o.is_held))
		usleep(1000);
	assert_int_equal(send_feed_slice(&o.s.cx, &f, &is_lost), RC_OK);
	assert_int_equal(pthread_join(other, NULL), 0);
	assert_true(is_lost);
	assert_int_equal(number(&o, "SELECT count(*) FROM message"), 0);
	assert_int_equal(send_feed_slice(&o.s.cx, &f, &is_lost), RC_OK);
	assert_false(is_lost);
	assert_int_equal(number(&o, "SELECT count(*) FROM message"), 17);
	assert_int_equal(number(&o, "SELECT count(*) FROM contact WHERE address LIKE '%p3@%'"), 0);
	close_office(&o);
}

/* Paused in spring, resumed in autumn: who was in the queue already gets the mail like those behind. */
static void a_long_pause_loses_nobody_who_was_fed_and_doubles_nobody(void **arg)
{
	struct send_feeder f = { .feed = { .channel = "email", .topic = BULK_TOPIC, .table = BULK_OCCASION },
				 .import_version = 1 };
	struct office o;
	struct cx *cx = &o.s.cx;
	bool is_lost = false;
	int64_t count = 0, until;

	(void)arg;
	open_office(&o);
	make_send(&o, "sending", 20);
	f.bulk_id = o.bulk;
	f.feed.batch_id = o.batch;
	assert_int_equal(send_feed_slice(cx, &f, &is_lost), RC_OK);
	assert_int_equal(number(&o, "SELECT count(*) FROM message WHERE state = 'queued'"), 18);
	assert_int_equal(bulk_pause(cx, o.bulk, NULL), RC_OK);
	clock_shift(o.s.env.clock, INT64_C(200) * DAY_MS);
	assert_int_equal(expire(&o), RC_OK);
	assert_int_equal(number(&o, "SELECT count(*) FROM message WHERE state = 'queued'"), 18);
	/* of an older version: they had 40 days, and 39 of them are over */
	run(&o, arena_printf(cx->arena, "UPDATE message SET expires_at = %lld",
			     (long long)(cx_now(cx) + DAY_MS)));
	assert_int_equal(bulk_process_due(cx, &count), RC_OK);
	until = number(&o, "SELECT min(expires_at) FROM message");
	assert_true(until - cx_now(cx) > INT64_C(360) * DAY_MS);
	/* The next looks have nothing to write. */
	clock_shift(o.s.env.clock, INT64_C(30) * DAY_MS);
	assert_int_equal(bulk_process_due(cx, &count), RC_OK);
	assert_true(number(&o, "SELECT max(expires_at) FROM message") == until);
	clock_shift(o.s.env.clock, INT64_C(170) * DAY_MS);
	assert_int_equal(expire(&o), RC_OK);
	assert_int_equal(number(&o, "SELECT count(*) FROM message WHERE state = 'queued'"), 18);
	assert_int_equal(number(&o, "SELECT count(DISTINCT occasion) FROM message"), 18);
	close_office(&o);
}

static void the_address_goes_along_where_the_template_asks_for_it(void **arg)
{
	struct office o;
	struct cx *cx;

	(void)arg;
	open_office(&o);
	cx = &o.s.cx;
	assert_string_equal(send_variables(cx, "{}", "a@b.ec"), "{\"email\":\"a@b.ec\"}");
	assert_string_equal(send_variables(cx, "{\"n\":\"1\"}", "a@b.ec"),
			    "{\"n\":\"1\",\"email\":\"a@b.ec\"}");
	assert_string_equal(send_variables(cx, "{\"email\":\"x\"}", "a@b.ec"), "{\"email\":\"x\"}");
	assert_string_equal(send_variables(cx, "broken", "a@b.ec"), "{\"email\":\"a@b.ec\"}");
	close_office(&o);
}

static void count_is(struct office *o, const char *name, int64_t want)
{
	struct value *counts = NULL;

	assert_int_equal(bulk_counts(&o->s.cx, &counts, o->bulk, true), RC_OK);
	if (value_int_of(value_get(counts, name), -1) != want)
		fail_msg("%s is %lld, not %lld", name, (long long)value_int_of(value_get(counts, name), -1),
			 (long long)want);
}

/* Row numbers of a page, "1,2". */
static const char *page(struct office *o, const char *state, int64_t after, int64_t max)
{
	struct value *rows = NULL;
	const char *out = "";

	assert_int_equal(bulk_rows(&o->s.cx, &rows, o->bulk, state, after, max), RC_OK);
	for (const struct value *v = rows->first; v != NULL; v = v->next)
		out = arena_printf(o->s.cx.arena, "%s%s%lld", out, out[0] ? "," : "",
				   (long long)value_int_of(value_get(v, "row"), 0));
	return out;
}

static void rows_are_counted_and_paged_by_what_speaks_for_them(void **arg)
{
	struct send_feeder f;
	struct office o;
	bool is_lost = false;

	(void)arg;
	open_office(&o);
	make_send(&o, "sending", 20);
	run(&o, "UPDATE bulk_send SET valid_rows = 18, invalid_rows = 2");
	f = (struct send_feeder){ .feed = { .batch_id = o.batch,
					    .channel = "email",
					    .topic = BULK_TOPIC,
					    .table = BULK_OCCASION },
				  .bulk_id = o.bulk,
				  .import_version = 1 };
	assert_string_equal(page(&o, "not_started", 0, 3), "1,2,3");
	assert_int_equal(send_feed_slice(&o.s.cx, &f, &is_lost), RC_OK);
	run(&o, "UPDATE message SET state = 'sent', sent_at = 1, claimed_at = 1 WHERE id % 2 = 0");
	run(&o, "UPDATE message SET state = 'failed', state_why = 'refused', failed_at = 1 WHERE id % 4 = 1");
	run(&o, "UPDATE message SET state = 'unsure', state_why = 'cut', claimed_at = 1 WHERE id % 4 = 3");
	assert_string_equal(page(&o, "invalid", 0, 9), "9,18");
	assert_string_equal(page(&o, "invalid", 9, 9), "18");
	assert_string_equal(page(&o, "sent", 0, 3), "2,4,6");
	assert_string_equal(page(&o, "sent", 6, 3), "8,11,13");
	assert_string_equal(page(&o, "", 17, 9), "18,19,20");
	assert_string_equal(page(&o, "unsure", 0, 9), "3,7,12,16");
	count_is(&o, "sent", 9);
	count_is(&o, "failed", 5);
	count_is(&o, "unsure", 4);
	count_is(&o, "invalid", 2);
	count_is(&o, "not_fed", 0);
	/* row 7 is sent again: its second message speaks for it, wherever it lies */
	assert_int_equal(bulk_resolve(&o.s.cx, o.bulk, 7, false, "nobody has it"), RC_OK);
	assert_int_equal(bulk_resolve(&o.s.cx, o.bulk, 7, false, "again"), RC_CONFLICT);
	assert_string_equal(page(&o, "unsure", 0, 9), "3,12,16");
	assert_string_equal(page(&o, "queued", 0, 9), "7");
	count_is(&o, "failed", 5);
	count_is(&o, "queued", 1);
	run(&o, "UPDATE message SET state = 'sent' WHERE replaces_id IS NOT NULL");
	assert_string_equal(page(&o, "sent", 4, 4), "6,7,8,11");
	count_is(&o, "sent", 10);
	assert_int_equal(bulk_resolve(&o.s.cx, o.bulk, 3, true, " "), RC_BAD_INPUT);
	assert_int_equal(bulk_resolve(&o.s.cx, o.bulk, 99, true, "why"), RC_NOT_FOUND);
	close_office(&o);
}

/* Every parameter a 1. */
static const char *filled(struct cx *cx, const char *sql)
{
	char *out = arena_text(cx->arena, sql), *to = out;

	for (const char *p = sql; *p != '\0'; p++) {
		if (*p != ':' || p[1] < 'a' || p[1] > 'z') {
			*to++ = *p;
			continue;
		}
		*to++ = '1';
		while (p[1] >= 'a' && p[1] <= 'z')
			p++;
	}
	*to = '\0';
	return out;
}

static void no_page_of_rows_reads_a_whole_table(void **arg)
{
	struct office o;
	const char *what, *sql;
	size_t n = 0;

	(void)arg;
	open_office(&o);
	for (; bulk_rows_plan_at(n, &what, &sql); n++)
		plan_check(&o.s.cx, what, filled(&o.s.cx, sql));
	assert_int_equal(n, 13);
	close_office(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_drawn_ways_lead_from_one_state_to_another),
		cmocka_unit_test(of_two_who_want_the_same_step_one_wins),
		cmocka_unit_test(what_ended_with_mails_handed_over_never_starts_again),
		cmocka_unit_test(a_persons_pause_holds_the_batch_and_resuming_makes_the_work),
		cmocka_unit_test(a_person_who_pauses_is_not_overtaken_by_work_that_goes_on),
		cmocka_unit_test(a_copy_put_back_holds_what_would_go_on_by_itself),
		cmocka_unit_test(who_starts_a_timed_send_while_it_is_read_need_not_wait_for_its_hour),
		cmocka_unit_test(an_hour_is_read_as_the_business_says_it_and_a_past_one_is_refused),
		cmocka_unit_test(the_gate_names_what_the_file_does_not_give),
		cmocka_unit_test(only_a_gateway_that_is_away_is_waited_for),
		cmocka_unit_test(a_send_that_waits_for_the_gateway_asks_again_at_its_hour),
		cmocka_unit_test(who_asked_in_vain_stops_nothing_that_another_one_began),
		cmocka_unit_test(feeding_twice_is_once_and_what_is_held_is_not_fed),
		cmocka_unit_test(who_is_forgotten_while_the_rows_are_read_gets_no_mail),
		cmocka_unit_test(a_long_pause_loses_nobody_who_was_fed_and_doubles_nobody),
		cmocka_unit_test(the_address_goes_along_where_the_template_asks_for_it),
		cmocka_unit_test(rows_are_counted_and_paged_by_what_speaks_for_them),
		cmocka_unit_test(no_page_of_rows_reads_a_whole_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
