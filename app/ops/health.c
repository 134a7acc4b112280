/*
** health.c -- how the house is: a snapshot of every check each 5 s, and /health, /metrics.
**
** Holds: (1) /health answers from memory and never runs a check itself, so that asking often
** costs nothing; (2) it shows no prices, names, numbers or keys; (3) the watchdog is fed only
** while the scheduler and the outbox are alive.
*/
#include "base/mem.h"
#include "ops/ops.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define SNAPSHOT_EVERY_MS  5000
#define HEARTBEAT_MAX_MS   60000 /* a thread silent for a minute hangs          */
#define SNAPSHOT_BYTES_MAX (64 * 1024)
#define SNAPSHOT_ARENA_MAX (4 * 1024 * 1024)
#define METRICS_BYTES_MAX  (1024 * 1024)

static struct ops_tables the_tables;

void ops_setup(const struct ops_tables *tables)
{
	the_tables = *tables;
}

const struct ops_tables *ops_tables(void)
{
	return &the_tables;
}

static struct {
	pthread_mutex_t mutex;
	char *json; /* heap; NULL before the first snapshot */
	size_t len;
	enum check_state worst;
	int64_t at_ticks;
} snapshot = { .mutex = PTHREAD_MUTEX_INITIALIZER };

struct health {
	struct env *env;
	int64_t (*oldest_heartbeat_ms)(void *arg);
	void *arg;
	pthread_t thread;
};

static const char *state_word(enum check_state state)
{
	return state == CHECK_OK ? "ok" : state == CHECK_WARN ? "warning" : "failed";
}

void health_run(struct cx *cx, struct value **rows, enum check_state *worst, bool only_health)
{
	*rows = value_list(cx->arena);
	*worst = CHECK_OK;
	for (const struct check *const *list = the_tables.checks; list != NULL && *list != NULL; list++)
		for (const struct check *c = *list; c->name != NULL; c++) {
			struct check_result result = { .state = CHECK_OK, .detail = "", .remedy = "" };
			struct value *row;

			if (only_health && !c->in_health) continue;
			c->run(cx, &result);
			if (result.state > *worst) *worst = result.state;
			row = value_add_map(cx->arena, *rows);
			value_set_text(cx->arena, row, "name", c->name);
			value_set_text(cx->arena, row, "title", _(c->title));
			value_set_text(cx->arena, row, "state", state_word(result.state));
			value_set_text(cx->arena, row, "detail", result.detail);
			value_set_text(cx->arena, row, "remedy", result.remedy);
		}
}

static void take_snapshot(struct cx *cx)
{
	struct value *root = value_map(cx->arena), *checks, *rows;
	enum check_state worst;
	char at[RFC3339_SIZE];
	char *text;
	struct sb sb;

	health_run(cx, &rows, &worst, true);
	instant_text(at, cx_now(cx));
	value_set_text(cx->arena, root, "status", worst == CHECK_FAIL ? "failed" : "ok");
	value_set_text(cx->arena, root, "at", at);
	checks = value_set_map(cx->arena, root, "checks");
	for (const struct value *row = rows->first; row != NULL; row = row->next)
		value_set_text(cx->arena, checks, value_text_of(value_get(row, "name"), ""),
			       value_text_of(value_get(row, "state"), ""));
	sb_init_arena(&sb, cx->arena, SNAPSHOT_BYTES_MAX);
	json_write(&sb, root);
	if (sb_result(&sb) != RC_OK)
		return; /* the old snapshot stays and grows old, which is what /health then says */
	text = mem_text(sb_text_of(&sb));
	if (text == NULL) return;
	pthread_mutex_lock(&snapshot.mutex);
	mem_free(snapshot.json);
	snapshot.json = text;
	snapshot.len = sb.len;
	snapshot.worst = worst;
	snapshot.at_ticks = clock_ticks();
	pthread_mutex_unlock(&snapshot.mutex);
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
	while (!h->env->is_stopping) {
		take_snapshot(&cx);
		db_at_rest(&cx);
		cx_reset(&cx);
		if (h->oldest_heartbeat_ms(h->arg) < HEARTBEAT_MAX_MS) notify_systemd("WATCHDOG=1");
		(void)poll(&wait, 1, SNAPSHOT_EVERY_MS);
		if ((wait.revents & POLLIN) != 0 && !h->env->is_stopping) {
			uint64_t n;

			(void)!read(wait.fd, &n, sizeof(n));
		}
	}
out:
	db_close(db);
	arena_free(a);
	return NULL;
}

enum rc health_start(struct health **out, struct env *env, int64_t (*oldest_heartbeat_ms)(void *arg),
		     void *arg)
{
	struct health *h = mem_zeroed(sizeof(*h));

	if (h == NULL) return RC_NO_MEMORY;
	h->env = env;
	h->oldest_heartbeat_ms = oldest_heartbeat_ms;
	h->arg = arg;
	if (pthread_create(&h->thread, NULL, health_main, h) != 0) {
		mem_free(h);
		return RC_TRY_LATER;
	}
	*out = h;
	return RC_OK;
}

void health_stop(struct health *h)
{
	if (h == NULL) return;
	env_wake(h->env, WAKE_HEALTH);
	pthread_join(h->thread, NULL);
	mem_free(h);
	pthread_mutex_lock(&snapshot.mutex);
	mem_free(snapshot.json);
	snapshot.json = NULL;
	pthread_mutex_unlock(&snapshot.mutex);
}

static enum rc show_health(struct cx *cx, struct call *call)
{
	char *copy = NULL;
	bool is_fresh = false, is_well = false;

	pthread_mutex_lock(&snapshot.mutex);
	if (snapshot.json != NULL) {
		copy = arena_bytes(cx->arena, snapshot.json, snapshot.len);
		is_fresh = clock_ticks() - snapshot.at_ticks < HEARTBEAT_MAX_MS;
		is_well = snapshot.worst != CHECK_FAIL;
	}
	pthread_mutex_unlock(&snapshot.mutex);
	answer_header(call, "Cache-Control", "no-store");
	answer_text(cx, call, is_fresh && is_well ? 200 : 503, "application/json",
		    copy != NULL ? copy : "{\"status\":\"starting\"}");
	return RC_OK;
}

static void gauge(struct sb *out, const char *name, const char *help, int64_t value)
{
	sb_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", name, help, name, name, (long long)value);
}

static int64_t resident_bytes(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL) return 0;
	if (fscanf(f, "%*s %ld", &pages) != 1) pages = 0;
	fclose(f);
	return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static enum rc count_states(struct cx *cx, struct sb *out, const char *metric, const char *sql)
{
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q, sql, NO_PARAMS);

	sb_printf(out, "# TYPE %s gauge\n", metric);
	while (rc == RC_OK && query_next(q))
		sb_printf(out, "%s{state=\"%s\"} %lld\n", metric, query_text(q, 0),
			  (long long)query_int(q, 1));
	return query_end(q, rc);
}

/* Prometheus text format 0.0.4. States that end are not counted here: counting them would read the whole
** table. */
static enum rc show_metrics(struct cx *cx, struct call *call)
{
	struct store_figures figures;
	struct sb out;
	enum rc rc;

	sb_init_arena(&out, cx->arena, METRICS_BYTES_MAX);
	store_figures(cx->env->store, &figures);
	gauge(&out, "recado_memory_bytes", "Resident memory", resident_bytes());
	gauge(&out, "recado_database_bytes", "Size of the database file", figures.file_bytes);
	gauge(&out, "recado_wal_bytes", "Size of the write-ahead log", figures.wal_bytes);
	gauge(&out, "recado_commits_total", "Write transactions since the start", figures.commits);
	gauge(&out, "recado_longest_write_ms", "Longest write transaction since the start",
	      figures.longest_write_ms);
	rc = count_states(
		cx, &out, "recado_messages",
		"SELECT 'queued', count(*) FROM message INDEXED BY message_queued WHERE state = 'queued'"
		" UNION ALL SELECT 'sending', count(*) FROM message WHERE slot IS NOT NULL"
		" UNION ALL SELECT 'unsure', count(*) FROM message INDEXED BY message_unsure WHERE state = 'unsure'");
	if (rc == RC_OK)
		rc = count_states(
			cx, &out, "recado_jobs",
			"SELECT state, count(*) FROM job WHERE state IN ('queued', 'running', 'dead') GROUP BY state");
	for (size_t i = 0; rc == RC_OK && desk_figure_at(i) != NULL; i++)
		if (desk_figure_at(i)->metrics != NULL) desk_figure_at(i)->metrics(cx, &out);
	if (rc == RC_OK) rc = sb_result(&out);
	if (rc == RC_OK)
		answer_text(cx, call, 200, "text/plain; version=0.0.4; charset=utf-8", sb_text_of(&out));
	return rc;
}

const struct route ops_routes[] = {
	{ .method = "GET",
	  .path = "/health",
	  .realm = REALM_OPEN,
	  .class = ROUTE_MEMORY,
	  .help = N_("How the house is: 200 well, 503 not."),
	  .handle = show_health },
	{ .method = "GET",
	  .path = "/metrics",
	  .realm = REALM_STAFF,
	  .right = "metrics.view",
	  .class = ROUTE_DB,
	  .help = N_("Figures for Prometheus; with a token that has metrics.view."),
	  .no_api = true,
	  .handle = show_metrics },
	{ .method = NULL },
};

const struct right ops_rights[] = {
	{ .name = "metrics.view", .title = N_("Read the figures for monitoring"), .roles = "owner" },
	{ .name = NULL },
};
