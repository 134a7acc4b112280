/*
** health.c -- how the house is: a snapshot of every check each 5 s, and the /health addresses.
**
** The same thread notes once a minute that the process is alive (uptime.c) and how busy it was (samples.c).
**
** Owns:   the snapshot; the run's row in process_run through uptime.c.
** Holds:  (1) /health answers from memory and never runs a check itself, so that asking often costs nothing;
**         (2) it shows no prices, names, numbers or keys, and calls nobody outside; (3) it is ready only
**         between the first snapshot and the stop, and while snapshots are fresh; (4) the watchdog is fed
**         only while the scheduler and the outbox are alive.
*/
#include "base/mem.h"
#include "ops/alarm.h"
#include "ops/watch.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define SNAPSHOT_EVERY_MS  5000
#define HEARTBEAT_MAX_MS   60000 /* a thread silent for a minute hangs: the watchdog is not fed      */
#define SCHEDULER_MAX_MS   90000 /* spec/fleet.md §15                                                */
#define DUE_JOB_MAX_MS     (5 * MINUTE_MS) /* the same: a due job nobody takes up                     */
#define SNAPSHOT_STALE_MS  60000
#define SNAPSHOT_BYTES_MAX (64 * 1024)
#define SNAPSHOT_ARENA_MAX (4 * 1024 * 1024)

static struct ops_tables the_tables;

void ops_setup(const struct ops_tables *tables)
{
	the_tables = *tables;
}

const struct ops_tables *ops_tables(void)
{
	return &the_tables;
}

enum part { PART_ALL, PART_SCHEDULER, PART_WORKER, PART__MAX };

static struct {
	pthread_mutex_t mutex;
	char *json[PART__MAX]; /* heap; NULL before the first snapshot */
	bool is_well[PART__MAX];
	int64_t at_ticks;
} snapshot = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static _Atomic int64_t run_id;
static _Atomic bool is_ending;

struct health {
	struct env *env;
	int64_t (*heartbeat_ms)(void *arg, enum heart heart);
	void *arg;
	pthread_t thread;
	struct samples *samples;
	int64_t started_ticks;
};

int64_t health_run_id(void)
{
	return run_id;
}

const char *check_state_word(enum check_state state)
{
	return state == CHECK_OK ? "ok" : state == CHECK_WARN ? "warning" : "failed";
}

/* What only the serving process can tell */

struct pulse {
	int64_t scheduler_ms, outbox_ms, oldest_due_s, disk_free_percent, backup_age_s;
	bool can_write, has_channel_stopped, is_gateway_set, is_worker_well;
	struct value *channels;
};

/* A write that is taken back: the lane is free, the file is writable. What is really written is tried once
** a minute. */
static bool probe_write(struct cx *cx)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = uptime_beat(cx, run_id);
	if (rc == RC_OK) {
		(void)!tx_end(cx, RC_TRY_LATER);
		return true;
	}
	(void)!tx_end(cx, rc);
	return false;
}

/* A due job in a queue where nothing runs: one that waits behind its queue's limit is no trouble, and work of
** a module that is switched off is in no queue of this process. */
static int64_t oldest_due_s(struct cx *cx)
{
	struct queue_figures queues[QUEUES_SHOWN_MAX];
	size_t count = 0;
	instant now = cx_now(cx), oldest = now;

	if (queues_show(cx, queues, &count) != RC_OK) return 0;
	for (size_t i = 0; i < count; i++)
		if (queues[i].running == 0 && queues[i].oldest_due_at != 0 &&
		    queues[i].oldest_due_at < oldest)
			oldest = queues[i].oldest_due_at;
	return (now - oldest) / SECOND_MS;
}

static void read_channels(struct cx *cx, struct pulse *p)
{
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q,
			      "SELECT kind, state FROM channel_account WHERE archived_at IS NULL ORDER BY id",
			      NO_PARAMS);

	p->channels = value_map(cx->arena);
	while (rc == RC_OK && query_next(q)) {
		const char *kind = query_copy(cx, q, 0), *state = query_copy(cx, q, 1);
		const struct value *known = value_get(p->channels, kind);

		if (strcmp(state, "stopped") == 0) p->has_channel_stopped = true;
		if (known == NULL) value_set_text(cx->arena, p->channels, kind, state);
	}
	(void)!query_end(q, rc);
}

static void take_pulse(struct cx *cx, struct health *h, struct pulse *p)
{
	instant backup = ops_newest_backup(cx);

	p->scheduler_ms = h->heartbeat_ms(h->arg, HEART_SCHEDULER);
	p->outbox_ms = h->heartbeat_ms(h->arg, HEART_OUTBOX);
	p->can_write = probe_write(cx);
	p->oldest_due_s = oldest_due_s(cx);
	p->is_worker_well = p->oldest_due_s * SECOND_MS < DUE_JOB_MAX_MS;
	p->disk_free_percent = ops_disk_free_percent(cx->env->dir);
	p->backup_age_s = backup == 0 ? -1 : (cx_now(cx) - backup) / SECOND_MS;
	p->is_gateway_set =
		cx->env->is_offline || setting_text(cx->env->settings, "whatsapp.api_key")[0] != '\0';
	read_channels(cx, p);
}

static void add_check(struct cx *cx, struct value *checks, const char *name, bool is_well, bool *all)
{
	value_set_text(cx->arena, checks, name, check_state_word(is_well ? CHECK_OK : CHECK_FAIL));
	*all = *all && is_well;
}

static struct value *new_answer(struct cx *cx, const char *status, bool is_ready)
{
	struct value *root = value_map(cx->arena);
	char at[RFC3339_SIZE];

	instant_text(at, cx_now(cx));
	value_set_text(cx->arena, root, "status", status);
	value_set_bool(cx->arena, root, "is_live", true);
	value_set_bool(cx->arena, root, "is_ready", is_ready);
	value_set_text(cx->arena, root, "at", arena_text(cx->arena, at));
	return root;
}

static char *json_of(struct cx *cx, const struct value *root)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, SNAPSHOT_BYTES_MAX);
	json_write(&sb, root);
	return sb_result(&sb) == RC_OK ? mem_text(sb_text_of(&sb)) : NULL;
}

static void set_status(struct cx *cx, struct value *root, bool is_well)
{
	value_set_text(cx->arena, root, "status", is_well ? "ok" : "failed");
	value_set_bool(cx->arena, root, "is_ready", is_well);
}

static void take_snapshot(struct cx *cx, struct health *h)
{
	struct value *root[PART__MAX], *checks, *figures, *rows;
	bool is_well[PART__MAX] = { true, true, true };
	char *json[PART__MAX];
	struct check_totals totals;
	struct pulse p = { .can_write = false };

	health_run(cx, &rows, &totals, CHECKS_HEALTH);
	take_pulse(cx, h, &p);
	for (int i = 0; i < PART__MAX; i++)
		root[i] = new_answer(cx, "ok", true);
	is_well[PART_ALL] = totals.failed == 0;
	value_set_text(cx->arena, root[PART_ALL], "version", RECADO_VERSION);
	value_set_int(cx->arena, root[PART_ALL], "uptime_s", (clock_ticks() - h->started_ticks) / SECOND_MS);
	checks = value_set_map(cx->arena, root[PART_ALL], "checks");
	for (const struct value *row = rows->first; row != NULL; row = row->next)
		value_set_text(cx->arena, checks, value_text_of(value_get(row, "name"), ""),
			       value_text_of(value_get(row, "state"), ""));
	add_check(cx, checks, "database_write", p.can_write, &is_well[PART_ALL]);
	add_check(cx, checks, "scheduler", p.scheduler_ms < SCHEDULER_MAX_MS, &is_well[PART_SCHEDULER]);
	add_check(cx, checks, "outbox", p.outbox_ms < SCHEDULER_MAX_MS, &is_well[PART_ALL]);
	add_check(cx, checks, "worker", p.is_worker_well, &is_well[PART_WORKER]);
	value_set_text(cx->arena, checks, "channels", p.has_channel_stopped ? "warning" : "ok");
	value_set_text(cx->arena, checks, "gateway_set", p.is_gateway_set ? "ok" : "warning");
	figures = value_set_map(cx->arena, root[PART_ALL], "figures");
	value_set_int(cx->arena, figures, "scheduler_heartbeat_s", p.scheduler_ms / SECOND_MS);
	value_set_int(cx->arena, figures, "oldest_due_job_s", p.oldest_due_s);
	value_set_int(cx->arena, figures, "disk_free_percent", p.disk_free_percent);
	if (p.backup_age_s >= 0) value_set_int(cx->arena, figures, "backup_age_s", p.backup_age_s);
	value_set(root[PART_ALL], "channels", p.channels);
	value_set_int(cx->arena, root[PART_SCHEDULER], "heartbeat_s", p.scheduler_ms / SECOND_MS);
	value_set_int(cx->arena, root[PART_WORKER], "oldest_due_job_s", p.oldest_due_s);
	is_well[PART_ALL] = is_well[PART_ALL] && is_well[PART_SCHEDULER] && is_well[PART_WORKER];
	for (int i = 0; i < PART__MAX; i++) {
		set_status(cx, root[i], is_well[i]);
		json[i] = json_of(cx, root[i]);
	}
	pthread_mutex_lock(&snapshot.mutex);
	for (int i = 0; i < PART__MAX; i++) {
		/* Without memory the old one stays and grows old, which is what /health then says. */
		if (json[i] == NULL) continue;
		mem_free(snapshot.json[i]);
		snapshot.json[i] = json[i];
		snapshot.is_well[i] = is_well[i];
		snapshot.at_ticks = clock_ticks();
	}
	pthread_mutex_unlock(&snapshot.mutex);
}

/* The disk may be full at the start: then the run is noted when there is room. */
static void begin_run(struct cx *cx)
{
	int64_t run = 0;

	if (run_id != 0) return;
	if (uptime_begin(cx, &run) != RC_OK) log_event(LOG_WARN, "app", "watch.run", "why=not_noted");
	run_id = run;
}

/* Once a minute, in one tiny transaction. */
static void note_minute(struct cx *cx, struct health *h)
{
	enum rc rc;

	if (h->samples == NULL || !samples_is_due(cx, h->samples)) return;
	begin_run(cx);
	rc = tx_begin(cx);
	if (rc == RC_OK && run_id != 0) rc = uptime_beat(cx, run_id);
	if (rc == RC_OK) rc = samples_write(cx, h->samples);
	rc = tx_end(cx, rc);
	if (rc != RC_OK) log_event(LOG_WARN, "app", "watch.minute", "rc=%s", rc_row(rc)->name);
}

static void *health_main(void *arg)
{
	struct health *h = arg;
	struct arena *a = arena_new(SNAPSHOT_ARENA_MAX);
	struct db *db = NULL;
	struct cx cx;
	struct pollfd wait = { .fd = h->env->wake_fd[WAKE_HEALTH], .events = POLLIN };

	if (a == NULL || db_open(&db, h->env->store) != RC_OK) {
		log_event(LOG_ERROR, "app", "health.none", "why=start");
		goto out;
	}
	cx_init(&cx, h->env, a, db);
	begin_run(&cx);
	while (!h->env->is_stopping) {
		take_snapshot(&cx, h);
		note_minute(&cx, h);
		db_at_rest(&cx);
		cx_reset(&cx);
		alarms_tick(&cx, h->heartbeat_ms(h->arg, HEART_SCHEDULER));
		db_at_rest(&cx);
		cx_reset(&cx);
		if (h->heartbeat_ms(h->arg, HEART_SCHEDULER) < HEARTBEAT_MAX_MS &&
		    h->heartbeat_ms(h->arg, HEART_OUTBOX) < HEARTBEAT_MAX_MS)
			notify_systemd("WATCHDOG=1");
		(void)poll(&wait, 1, SNAPSHOT_EVERY_MS);
		if ((wait.revents & POLLIN) != 0 && !h->env->is_stopping) {
			uint64_t n;

			(void)!read(wait.fd, &n, sizeof(n));
		}
	}
	if (run_id != 0 && uptime_end(&cx, run_id, "stopped") != RC_OK)
		log_event(LOG_WARN, "app", "watch.run", "why=end_not_noted");
	run_id = 0;
out:
	db_close(db);
	arena_free(a);
	return NULL;
}

enum rc health_start(struct health **out, struct env *env,
		     int64_t (*heartbeat_ms)(void *arg, enum heart heart), void *arg)
{
	struct health *h = mem_zeroed(sizeof(*h));

	if (h == NULL) return RC_NO_MEMORY;
	h->env = env;
	h->heartbeat_ms = heartbeat_ms;
	h->arg = arg;
	h->samples = samples_new();
	h->started_ticks = clock_ticks();
	is_ending = false;
	if (pthread_create(&h->thread, NULL, health_main, h) != 0) {
		samples_free(h->samples);
		mem_free(h);
		return RC_TRY_LATER;
	}
	*out = h;
	return RC_OK;
}

void health_stop(struct health *h)
{
	if (h == NULL) return;
	is_ending = true;
	env_wake(h->env, WAKE_HEALTH);
	pthread_join(h->thread, NULL);
	samples_free(h->samples);
	mem_free(h);
	pthread_mutex_lock(&snapshot.mutex);
	for (int i = 0; i < PART__MAX; i++) {
		mem_free(snapshot.json[i]);
		snapshot.json[i] = NULL;
	}
	pthread_mutex_unlock(&snapshot.mutex);
}

static enum rc show_part(struct cx *cx, struct call *call, enum part part)
{
	bool is_well = false;
	const char *copy = NULL;

	pthread_mutex_lock(&snapshot.mutex);
	if (snapshot.json[part] != NULL) {
		copy = arena_text(cx->arena, snapshot.json[part]);
		is_well = snapshot.is_well[part] && clock_ticks() - snapshot.at_ticks < SNAPSHOT_STALE_MS;
	}
	pthread_mutex_unlock(&snapshot.mutex);
	if (is_ending || cx->env->is_stopping) {
		copy = "{\"status\":\"stopping\",\"is_live\":true,\"is_ready\":false}";
		is_well = false;
	} else if (copy == NULL)
		copy = "{\"status\":\"starting\",\"is_live\":true,\"is_ready\":false}";
	answer_header(call, "Cache-Control", "no-store");
	answer_text(cx, call, is_well ? 200 : 503, "application/json", copy);
	return RC_OK;
}

static enum rc show_health(struct cx *cx, struct call *call)
{
	return show_part(cx, call, PART_ALL);
}

static enum rc show_scheduler(struct cx *cx, struct call *call)
{
	return show_part(cx, call, PART_SCHEDULER);
}

static enum rc show_worker(struct cx *cx, struct call *call)
{
	return show_part(cx, call, PART_WORKER);
}

#define OPEN_MEMORY .method = "GET", .realm = REALM_OPEN, .class = ROUTE_MEMORY

const struct route ops_routes[] = {
	{ OPEN_MEMORY, .path = "/health", .help = N_("How the house is: 200 well, 503 not."),
	  .handle = show_health },
	{ OPEN_MEMORY, .path = "/health/scheduler", .help = N_("Is the scheduler alive: 200 or 503."),
	  .handle = show_scheduler },
	{ OPEN_MEMORY, .path = "/health/worker", .help = N_("Is due work taken up: 200 or 503."),
	  .handle = show_worker },
	{ OPEN_MEMORY, .path = "/health/celery", .help = N_("Old address of /health/worker."),
	  .handle = show_worker },
	{ .method = "GET",
	  .path = "/metrics",
	  .realm = REALM_STAFF,
	  .right = "metrics.view",
	  .class = ROUTE_DB,
	  .help = N_("Figures for Prometheus; with a token that has metrics.view."),
	  .no_api = true,
	  .handle = handle_metrics },
	{ .method = NULL },
};

const struct right ops_rights[] = {
	{ .name = "watch.view", .title = N_("See how the house runs"), .roles = "owner" },
	{ .name = "metrics.view", .title = N_("Read the figures for monitoring"), .roles = "owner" },
	{ .name = "backups.view", .title = N_("See the backups"), .roles = "owner" },
	{ .name = "backups.make", .title = N_("Make a backup"), .roles = "owner" },
	{ .name = "backups.download", .title = N_("Take a backup away as a file"), .roles = "owner" },
	{ .name = "forecast.view",
	  .title = N_("See what will leave in the coming days"),
	  .roles = "owner seller reader" },
	{ .name = NULL },
};
