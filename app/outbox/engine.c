/*
** engine.c -- the life of the running outbox: start, the ledger's thread, stop.
**
** Two threads for all channels: the wire (wire.c) holds the link, this one the database. A round commits
** while the wire still gathers the other slots' answers. Each channel has a lane; each pass turns those that
** were called or are due, one after the other, each in a transaction of its own: a lane's turn moves at most
** as many rows as it has slots, so none waits long for another, and one that fails hinders no other.
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
#define HURRY_MS        3000 /* answers under way get so long; then mails are ended …                       */
#define STOP_MS         4500 /* … and what has no answer by now is left (design: 5 s)                       */
#define CLOCK_BACK_MS   MINUTE_MS /* what a time server corrects in passing changes nothing */
#define FAILED_ROUND_MS 250       /* the database was busy or the disk said no: the same round again  */
/* One channel at full speed never takes the others' places. */
#define CONNECTIONS (SLOTS_MAX + LOOKS_MAX + 1 + 2 * LANES_MAX)

/* Start */

/* A database that was put back holds every channel, those made later too, until a person releases them. */
static enum rc hold_all(struct cx *cx, const char *since)
{
	struct account a;
	int64_t id = 0;
	enum rc rc = meta_set(cx, META_RESTORED, since[0] != '\0' ? since : "?");

	while (rc == RC_OK) {
		rc = db_get_int(
			cx, &id,
			"SELECT coalesce(min(id), 0) FROM channel_account WHERE id > :id AND archived_at IS NULL",
			PARAMS(P_INT(":id", id)));
		if (rc != RC_OK || id == 0) return rc;
		rc = account_read(cx, &a, id);
		if (rc == RC_OK) rc = account_stop(cx, &a, WHY_RESTORED, since);
	}
	return rc;
}

static enum rc compare_age(struct cx *cx, instant *noted_at)
{
	struct last_seen note, database;
	char since[RFC3339_SIZE] = "?";
	enum rc rc = last_seen_now(cx, &database);

	if (rc != RC_OK) return rc;
	last_seen_read(&note, cx->env->dir);
	*noted_at = note.is_there ? note.at : 0;
	if (!last_seen_is_restored(&note, &database)) return RC_OK;
	if (note.is_there) instant_text_local(since, note.at, cx->env->zone);
	log_event(LOG_WARN, "outbox", "restored",
		  "note_message=%lld message=%lld note_attempt=%lld attempt=%lld", (long long)note.message_id,
		  (long long)database.message_id, (long long)note.attempt_id, (long long)database.attempt_id);
	return hold_all(cx, since);
}

static enum rc prepare_ledger(struct outbox *o)
{
	struct cx *cx = &o->cx;
	int64_t id = 0, unsure = 0;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = account_ensure(cx, &id, CHANNEL_WHATSAPP);
	/* Before the start's own attempt rows, which a restored database would get too. */
	if (rc == RC_OK) rc = compare_age(cx, &o->noted_at);
	if (rc == RC_OK) rc = rate_add_lost(cx);
	if (rc == RC_OK) rc = ledger_start(cx, &unsure);
	if (rc == RC_OK && unsure > 0) {
		log_event(LOG_WARN, "outbox", "start.unsure", "count=%lld", (long long)unsure);
		rc = alert_raise(cx, "outbox.unsure", "warning", OUTBOX_UNSURE_MSGID, "", "/unsure");
	}
	rc = tx_end(cx, rc);
	return rc == RC_OK ? lanes_find(o) : rc;
}

/* Was the clock put back since the note? */
static bool is_put_back(const struct outbox *o)
{
	return clock_now(o->env->clock) < o->noted_at - CLOCK_BACK_MS;
}

static void write_note(struct outbox *o)
{
	struct last_seen s;

	o->note_ticks = clock_ticks();
	if (is_put_back(o)) return; /* it is heeded first */
	if (last_seen_now(&o->cx, &s) != RC_OK || last_seen_write(o->env->dir, &s) != RC_OK)
		log_event(LOG_WARN, "outbox", "last_seen.write", "what=\"cannot be written\"");
	else
		o->noted_at = s.at;
}

/* A minute's wait of then would last until its hour comes again. */
static enum rc heed_clock(struct outbox *o)
{
	instant now = clock_now(o->env->clock);
	enum rc rc;

	if (!is_put_back(o)) return RC_OK;
	cx_reset(&o->cx);
	rc = ledger_put_back_to(&o->cx, now);
	if (rc == RC_OK) {
		log_event(LOG_WARN, "outbox", "clock.back", "by_s=%lld",
			  (long long)((o->noted_at - now) / SECOND_MS));
		o->noted_at = now;
		o->is_woken = true;
	} else {
		log_event(LOG_ERROR, "outbox", "clock.failed", "rc=%s", rc_row(rc)->name);
	}
	db_at_rest(&o->cx);
	return rc;
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
	if (p[1].revents & POLLIN) {
		drain(p[1].fd);
		o->is_woken = true;
	}
}

static void turn_lane(struct outbox *o, struct lane *l)
{
	enum rc rc;

	l->is_called = false;
	cx_reset(&o->cx);
	rc = round_turn(l);
	db_at_rest(&o->cx);
	if (rc == RC_OK) return;
	log_event(LOG_ERROR, "outbox", "round.failed", "channel=%s rc=%s", l->channel->name,
		  rc_row(rc)->name);
	l->is_called = true; /* what came back is still there */
	l->rest_ticks = clock_ticks() + FAILED_ROUND_MS;
}

/* Somebody wrote for the outbox: it may be the first message of a channel, or for any lane. */
static void look_around(struct outbox *o)
{
	enum rc rc;

	cx_reset(&o->cx);
	rc = lanes_find(o);
	db_at_rest(&o->cx);
	if (rc != RC_OK) log_event(LOG_ERROR, "outbox", "lanes.failed", "rc=%s", rc_row(rc)->name);
	o->is_woken = rc != RC_OK;
	for (int i = 0; i < o->lane_count; i++)
		o->lanes[i]->is_called = true;
}

/* Turn who is called or due; returns the milliseconds until the next one is. */
static int64_t pass(struct outbox *o)
{
	int64_t now = clock_ticks(), wait = NOTE_MS;

	atomic_store(&o->heartbeat_ticks, now);
	lanes_collect(wire_take(o->wire));
	if (heed_clock(o) != RC_OK) wait = FAILED_ROUND_MS;
	if (o->is_woken) look_around(o);
	for (int i = 0; i < o->lane_count; i++) {
		struct lane *l = o->lanes[i];

		if (l->rest_ticks <= now &&
		    (l->is_called || l->due_ticks <= now || atomic_load(&o->is_stopping)))
			turn_lane(o, l);
	}
	now = clock_ticks();
	for (int i = 0; i < o->lane_count; i++) {
		struct lane *l = o->lanes[i];
		int64_t next = l->is_called ? now : l->due_ticks;

		if (next < l->rest_ticks) next = l->rest_ticks;
		if (next - now < wait) wait = next > now ? next - now : 0;
	}
	return wait;
}

static int open_count(const struct outbox *o)
{
	int n = 0;

	for (int i = 0; i < o->lane_count; i++)
		n += lane_open_count(o->lanes[i]);
	return n;
}

static void *run(void *arg)
{
	struct outbox *o = arg;
	int64_t begun, wait;

	while (!atomic_load(&o->is_stopping)) {
		wait = pass(o);
		if (clock_ticks() - o->note_ticks >= NOTE_MS) write_note(o);
		wait_for_work(o, wait);
	}
	begun = clock_ticks();
	wait = pass(o);
	for (int64_t spent; open_count(o) > 0 && (spent = clock_ticks() - begun) < STOP_MS; wait = pass(o)) {
		int64_t left = spent < HURRY_MS ? HURRY_MS - spent : STOP_MS - spent;

		if (spent >= HURRY_MS) wire_hurry(o->wire);
		wait_for_work(o, wait < left ? wait : left);
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
	lanes_free(o);
	render_cache_free(o->templates);
	letter_cache_free(o->letters);
	db_close(o->db);
	arena_free(o->arena);
	mem_free(o);
}

static enum rc make(struct outbox *o)
{
	enum rc rc;

	o->arena = arena_new(ENGINE_ARENA);
	o->templates = render_cache_new();
	o->letters = letter_cache_new();
	if (o->arena == NULL || o->templates == NULL || o->letters == NULL) return RC_NO_MEMORY;
	rc = db_open(&o->db, o->env->store);
	if (rc != RC_OK) return rc;
	cx_init(&o->cx, o->env, o->arena, o->db);
	rc = prepare_ledger(o);
	if (rc == RC_OK) rc = wire_start(&o->wire, o->env, CONNECTIONS);
	if (rc != RC_OK) return rc;
	/* Now, so that a first message cannot be older than the note. */
	(void)heed_clock(o); /* else with the first turn */
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
