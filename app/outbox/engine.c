/*
** engine.c -- the life of the running outbox: start, the ledger's thread, stop.
**
** Two threads: the wire (wire.c) holds the link, this one the database. A round commits while the wire still
** gathers the other slots' answers.
**
** Owns:   the engine's thread and its database connection; the file last_seen.
** Needs:  the lock of the state folder: only its holder runs an engine.
** Never:  sends outside a slot.
** Holds:  (1) at start, before anything can leave, every `sending` row is unsure and the age of the database
** is known;
**         (2) at stop what was answered is settled, what was not stays `sending` for the next start to call
**         unsure;
**         (3) last_seen is written after the commit it tells of.
*/
#include "outbox/engine.h"
#include "base/mem.h"
#include "outbox/inbound.h"
#include "outbox/last_seen.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* 80 candidates with variables of at most 64 kB, and their texts */
#define ENGINE_ARENA    ((size_t)16 * 1024 * 1024)
#define NOTE_MS         5000 /* last_seen; also the longest sleep                                          */
#define STOP_MS         5000 /* answers under way get so long (design: stop)                                */
#define FAILED_ROUND_MS 250  /* the database was busy or the disk said no: the same round again  */
#define CONNECTIONS     (SLOTS_MAX + LOOKS_MAX + 1)

/* Start */

static enum rc compare_age(struct cx *cx, const struct account *a)
{
	struct last_seen note, database;
	char since[RFC3339_SIZE] = "?";
	enum rc rc = last_seen_now(cx, &database);

	if (rc != RC_OK) return rc;
	last_seen_read(&note, cx->env->dir);
	if (!last_seen_is_restored(&note, &database)) return RC_OK;
	if (note.is_there) instant_text_local(since, note.at, cx->env->zone);
	log_event(LOG_WARN, "outbox", "restored",
		  "note_message=%lld message=%lld note_attempt=%lld attempt=%lld", (long long)note.message_id,
		  (long long)database.message_id, (long long)note.attempt_id, (long long)database.attempt_id);
	return account_stop(cx, a, "restored", since);
}

static enum rc prepare_ledger(struct outbox *o)
{
	struct cx *cx = &o->cx;
	struct account a;
	int64_t unsure = 0;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = account_ensure(cx, &o->account_id, CHANNEL_WHATSAPP);
	if (rc == RC_OK) rc = account_read(cx, &a, o->account_id);
	/* Before the start's own attempt rows, which a restored database would get too. */
	if (rc == RC_OK) rc = compare_age(cx, &a);
	if (rc == RC_OK) rc = ledger_start(cx, &unsure);
	if (rc == RC_OK && unsure > 0) {
		log_event(LOG_WARN, "outbox", "start.unsure", "count=%lld", (long long)unsure);
		rc = alert_raise(cx, "outbox.unsure", "warning", OUTBOX_UNSURE_MSGID, "", "/outbox");
	}
	if (rc == RC_OK) {
		facts_read(&o->facts, cx->arena, a.facts_json);
		o->kind = channel_kind_find(a.kind);
	}
	rc = tx_end(cx, rc);
	return rc == RC_OK && o->kind == NULL ? cx_fail(cx, RC_BUG, "no channel of this kind") : rc;
}

static void write_note(struct outbox *o)
{
	struct last_seen s;

	o->note_ticks = clock_ticks();
	if (last_seen_now(&o->cx, &s) != RC_OK || last_seen_write(o->env->dir, &s) != RC_OK)
		log_event(LOG_WARN, "outbox", "last_seen.write", "what=\"cannot be written\"");
}

/* The thread */

static void drain(int fd)
{
	uint64_t n;

	if (fd >= 0) (void)!read(fd, &n, sizeof(n));
}

static void wait_for_work(struct outbox *o, int64_t ms)
{
	struct pollfd p[2] = { { .fd = wire_fd(o->wire), .events = POLLIN },
			       { .fd = o->env->wake_fd[WAKE_OUTBOX], .events = POLLIN } };

	if (poll(p, 2, (int)ms) <= 0) return;
	if (p[0].revents & POLLIN) drain(p[0].fd);
	if (p[1].revents & POLLIN) drain(p[1].fd);
}

static void turn(struct outbox *o)
{
	enum rc rc;

	atomic_store(&o->heartbeat_ticks, clock_ticks());
	round_collect(o, wire_take(o->wire));
	cx_reset(&o->cx);
	rc = round_turn(o);
	db_at_rest(&o->cx);
	if (rc == RC_OK) return;
	log_event(LOG_ERROR, "outbox", "round.failed", "rc=%s", rc_row(rc)->name);
	o->wake_ms = FAILED_ROUND_MS;
	(void)poll(NULL, 0, FAILED_ROUND_MS); /* also when the wire keeps waking us */
}

static void *run(void *arg)
{
	struct outbox *o = arg;
	int64_t until;

	while (!atomic_load(&o->is_stopping)) {
		turn(o);
		if (clock_ticks() - o->note_ticks >= NOTE_MS) write_note(o);
		if (o->wake_ms > 0) wait_for_work(o, o->wake_ms < NOTE_MS ? o->wake_ms : NOTE_MS);
	}
	until = clock_ticks() + STOP_MS;
	turn(o);
	while (round_open_count(o) > 0 && clock_ticks() < until) {
		wait_for_work(o, until - clock_ticks());
		turn(o);
	}
	return NULL;
}

/* Life */

static void let_go(struct outbox *o)
{
	wire_stop(o->wire);
	if (o->db != NULL) {
		cx_reset(&o->cx);
		if (o->note_ticks != 0) write_note(o); /* not after a start that failed half-way */
		db_at_rest(&o->cx);
	}
	for (size_t i = 0; i < SLOTS_MAX; i++)
		sb_free(&o->slots[i].rq.body);
	render_cache_free(o->templates);
	db_close(o->db);
	arena_free(o->arena);
	mem_free(o);
}

static enum rc make(struct outbox *o)
{
	enum rc rc;

	o->arena = arena_new(ENGINE_ARENA);
	o->templates = render_cache_new();
	if (o->arena == NULL || o->templates == NULL) return RC_NO_MEMORY;
	rc = db_open(&o->db, o->env->store);
	if (rc != RC_OK) return rc;
	cx_init(&o->cx, o->env, o->arena, o->db);
	rc = prepare_ledger(o);
	if (rc == RC_OK) rc = wire_start(&o->wire, o->env, CONNECTIONS);
	if (rc != RC_OK) return rc;
	/* Now, so that a first message cannot be older than the note. */
	write_note(o);
	return RC_OK;
}

enum rc outbox_start(struct outbox **out, struct env *env, const struct reply_word *const *replies)
{
	struct outbox *o = mem_zeroed(sizeof(*o));
	enum rc rc;

	if (o == NULL) return RC_NO_MEMORY;
	o->env = env;
	inbound_set_replies(replies);
	for (size_t i = 0; i < SLOTS_MAX; i++)
		o->slots[i].owner = o;
	for (size_t i = 0; i < LOOKS_MAX; i++)
		o->looks[i].owner = o;
	o->session.owner = o;
	atomic_store(&o->heartbeat_ticks, clock_ticks());
	rc = make(o);
	if (rc == RC_OK && pthread_create(&o->thread, NULL, run, o) != 0) rc = RC_NO_MEMORY;
	if (rc != RC_OK) {
		let_go(o);
		return rc;
	}
	o->is_running = true;
	*out = o;
	return RC_OK;
}

void outbox_stop(struct outbox *o)
{
	const uint64_t one = 1;

	if (o == NULL) return;
	atomic_store(&o->is_stopping, true);
	(void)!write(wire_fd(o->wire), &one, sizeof(one));
	pthread_join(o->thread, NULL);
	let_go(o);
}

int64_t outbox_heartbeat_age_ms(const struct outbox *o)
{
	return o == NULL ? 0 : clock_ticks() - atomic_load(&o->heartbeat_ticks);
}
