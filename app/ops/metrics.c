/*
** metrics.c -- /metrics, in the text format 0.0.4 of Prometheus; `promtool check metrics` finds nothing to
** say.
**
** Owns:   how far runs of jobs were counted.
** Never:  a name, number or address in a label; a whole table read for one answer, if not kept (desk_kept).
** Holds:  (1) every family has HELP and TYPE, stands once and its lines together; (2) what is called _total
**         only grows while the process lives.
*/
#include "ops/watch.h"
#include "web/tally.h"
#include <pthread.h>
#include <string.h>

#define METRICS_BYTES_MAX (1024 * 1024)
#define TASKS_MAX         64 /* kinds of work times results: far more than all modules have */

static void family(struct sb *out, const char *name, const char *type, const char *help)
{
	sb_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(struct sb *out, const char *name, const char *type, const char *help, int64_t value)
{
	family(out, name, type, help);
	sb_printf(out, "%s %lld\n", name, (long long)value);
}

static void seconds(struct sb *out, const char *name, const char *help, int64_t ms)
{
	family(out, name, "gauge", help);
	sb_printf(out, "%s %lld.%03lld\n", name, (long long)(ms / 1000), (long long)(ms % 1000));
}

/* The process and its database */

static void write_process(struct cx *cx, struct sb *out)
{
	struct store_figures f;

	store_figures(cx->env->store, &f);
	single(out, "recado_memory_bytes", "gauge", "Resident memory.", watch_memory_bytes());
	single(out, "recado_database_bytes", "gauge", "Size of the database file.", f.file_bytes);
	single(out, "recado_reports_bytes", "gauge",
	       "Size of the reports' database, reports.db, with its log.", growth_reports_bytes(cx));
	single(out, "recado_wal_bytes", "gauge", "Size of the write-ahead log.", f.wal_bytes);
	single(out, "recado_commits_total", "counter", "Write transactions since the start.", f.commits);
	single(out, "recado_checkpoints_total", "counter", "Checkpoints since the start.", f.checkpoints);
	seconds(out, "recado_longest_write_seconds", "Longest write transaction since the start.",
		f.longest_write_ms);
	single(out, "recado_disk_free_percent", "gauge", "Free room of the disk with the state folder.",
	       ops_disk_free_percent(cx->env->dir));
}

static void write_watch(struct cx *cx, struct sb *out)
{
	instant backup = ops_newest_backup(cx), started = 0;
	struct uptime u;
	int64_t ppm;

	if (db_get_int(cx, &started, "SELECT started_at FROM process_run WHERE id = :id",
		       PARAMS(P_INT(":id", health_run_id()))) == RC_OK)
		seconds(out, "recado_start_time_seconds", "Start of the process, seconds since 1970.",
			started);
	if (uptime_read(cx, &u, health_run_id(), UPTIME_DAYS) == RC_OK) {
		ppm = uptime_ppm(&u);
		family(out, "recado_availability_ratio", "gauge",
		       "Share of the last 30 days in which the house was there.");
		sb_printf(out, "recado_availability_ratio %lld.%06lld\n", (long long)(ppm / 1000000),
			  (long long)(ppm % 1000000));
	}
	if (backup != 0)
		seconds(out, "backup_age_seconds", "Age of the newest backup.",
			cx_now(cx) > backup ? cx_now(cx) - backup : 0);
}

/* Requests */

static void write_requests(struct sb *out)
{
	static const char *const quantiles[] = { "50", "95", "99" };
	struct tally t;

	tally_read(&t);
	family(out, "recado_http_request_seconds", "histogram",
	       "Time from request to answer, by class of route.");
	for (int c = 0; c < TALLY__MAX; c++) {
		const char *name = tally_class_name((enum tally_class)c);
		int64_t sum = 0;

		for (int b = 0; b < TALLY_BUCKETS; b++) {
			sum += t.buckets[c][b];
			if (b < TALLY_BUCKETS - 1)
				sb_printf(
					out,
					"recado_http_request_seconds_bucket{class=\"%s\",le=\"%d.%03d\"} %lld\n",
					name, tally_bounds_ms[b] / 1000, tally_bounds_ms[b] % 1000,
					(long long)sum);
		}
		sb_printf(out, "recado_http_request_seconds_bucket{class=\"%s\",le=\"+Inf\"} %lld\n", name,
			  (long long)sum);
		sb_printf(out, "recado_http_request_seconds_sum{class=\"%s\"} %lld.%03lld\n", name,
			  (long long)(t.sum_ms[c] / 1000), (long long)(t.sum_ms[c] % 1000));
		sb_printf(out, "recado_http_request_seconds_count{class=\"%s\"} %lld\n", name,
			  (long long)sum);
	}
	family(out, "recado_http_response_seconds", "gauge",
	       "Within this time so many of a hundred requests were answered, since the start.");
	for (int c = 0; c < TALLY__MAX; c++)
		for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++) {
			int64_t ms = tally_percentile(&t, (enum tally_class)c,
						      i == 0   ? 50
						      : i == 1 ? 95
							       : 99);

			sb_printf(out,
				  "recado_http_response_seconds{class=\"%s\",percent=\"%s\"} %lld.%03lld\n",
				  tally_class_name((enum tally_class)c), quantiles[i], (long long)(ms / 1000),
				  (long long)(ms % 1000));
		}
	family(out, "recado_http_responses_total", "counter", "Answers by class of route and of status.");
	for (int c = 0; c < TALLY__MAX; c++)
		for (int s = 2; s < 6; s++)
			sb_printf(out, "recado_http_responses_total{class=\"%s\",status=\"%dxx\"} %lld\n",
				  tally_class_name((enum tally_class)c), s, (long long)t.status[c][s]);
}

/* Messages and work */

static enum rc counted(struct cx *cx, struct sb *out, const char *name, const char *label, const char *help,
		       const char *sql)
{
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q, sql, NO_PARAMS);

	family(out, name, "gauge", help);
	while (rc == RC_OK && query_next(q))
		sb_printf(out, "%s{%s=\"%s\"} %lld\n", name, label, query_text(q, 0),
			  (long long)query_int(q, 1));
	return query_end(q, rc);
}

/*
** Runs are counted once they are over, and they end in any order: up to `base` all are over and counted,
** behind it what is over is counted anew each time. What ended before this process began is not counted.
*/
static struct {
	pthread_mutex_t lock;
	int64_t run; /* of this process: another one in the same process (tests) begins anew */
	int64_t base;
	size_t count;
	struct {
		char kind[64], result[24];
		int64_t runs;
	} tasks[TASKS_MAX];
} runs = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int64_t *runs_of(const char *kind, const char *result)
{
	for (size_t i = 0; i < runs.count; i++)
		if (strcmp(runs.tasks[i].kind, kind) == 0 && strcmp(runs.tasks[i].result, result) == 0)
			return &runs.tasks[i].runs;
	if (runs.count == TASKS_MAX) return NULL;
	snprintf(runs.tasks[runs.count].kind, sizeof(runs.tasks[0].kind), "%s", kind);
	snprintf(runs.tasks[runs.count].result, sizeof(runs.tasks[0].result), "%s", result);
	runs.tasks[runs.count].runs = 0;
	return &runs.tasks[runs.count++].runs;
}

static enum rc count_runs(struct cx *cx, int64_t from, int64_t to)
{
	struct query *q = NULL;
	enum rc rc =
		db_query(cx, &q,
			 "SELECT j.kind, r.outcome, count(*) FROM job_run r JOIN job j ON j.id = r.job_id"
			 " WHERE r.id > :from AND r.id <= :to AND r.finished_at IS NOT NULL GROUP BY 1, 2",
			 PARAMS(P_INT(":from", from), P_INT(":to", to)));

	while (rc == RC_OK && query_next(q)) {
		int64_t *n = runs_of(query_text(q, 0), query_text(q, 1));

		if (n != NULL) *n += query_int(q, 2);
	}
	return query_end(q, rc);
}

/* Moves the base to the last run before which none is still going on, counting what it passes. */
static enum rc runs_advance(struct cx *cx)
{
	int64_t newest = 0, open = 0;
	enum rc rc = db_get_int(cx, &newest, "SELECT coalesce(max(id), 0) FROM job_run", NO_PARAMS);

	if (rc == RC_OK && runs.run != health_run_id()) {
		/* First asked: count from this process's start on. */
		rc = db_get_int(cx, &runs.base,
				"SELECT coalesce((SELECT min(r.id) - 1 FROM job_run r WHERE r.started_at >="
				" (SELECT started_at FROM process_run WHERE id = :run)), :newest)",
				PARAMS(P_INT(":run", health_run_id()), P_INT(":newest", newest)));
		runs.count = 0;
		if (rc == RC_OK) runs.run = health_run_id();
	}
	if (rc == RC_OK)
		rc = db_get_int(
			cx, &open,
			"SELECT coalesce(min(id), :newest + 1) FROM job_run WHERE id > :base AND finished_at IS NULL",
			PARAMS(P_INT(":base", runs.base), P_INT(":newest", newest)));
	if (rc == RC_OK && open - 1 > runs.base) {
		rc = count_runs(cx, runs.base, open - 1);
		if (rc == RC_OK) runs.base = open - 1;
	}
	return rc;
}

static enum rc write_runs(struct cx *cx, struct sb *out)
{
	enum rc rc;

	pthread_mutex_lock(&runs.lock);
	rc = runs_advance(cx);
	if (rc == RC_OK && runs.count > 0) {
		family(out, "job_runs_total", "counter", "Runs of work that ended since the start.");
		for (size_t i = 0; i < runs.count; i++)
			sb_printf(out, "job_runs_total{task=\"%s\",result=\"%s\"} %lld\n", runs.tasks[i].kind,
				  runs.tasks[i].result, (long long)runs.tasks[i].runs);
	}
	pthread_mutex_unlock(&runs.lock);
	return rc;
}

/* The newest done job of each kind, one step in an index for each. */
static void fill_successes(struct cx *cx, struct value *out)
{
	struct query *q = NULL;
	struct sb text;
	enum rc rc;

	sb_init_arena(&text, cx->arena, 32 * 1024);
	rc = db_query(
		cx, &q,
		"SELECT kind, max(finished_at) FROM job WHERE state = 'done' AND finished_at IS NOT NULL"
		" AND kind <> 'outbox.inbound' GROUP BY kind",
		NO_PARAMS);
	while (rc == RC_OK && query_next(q))
		sb_printf(&text, "job_last_success_seconds{task=\"%s\"} %lld\n", query_text(q, 0),
			  (long long)(query_int(q, 1) / SECOND_MS));
	(void)!query_end(q, rc);
	value_set_text(cx->arena, out, "text", sb_text_of(&text));
}

static enum rc write_work(struct cx *cx, struct sb *out)
{
	struct value *kept = value_map(cx->arena);
	enum rc rc;

	rc = counted(
		cx, out, "recado_messages", "state", "Messages that have not ended, by state.",
		"SELECT 'queued', count(*) FROM message INDEXED BY message_queued WHERE state = 'queued'"
		" UNION ALL SELECT 'sending', count(*) FROM message WHERE state = 'sending'"
		" UNION ALL SELECT 'unsure', count(*) FROM message INDEXED BY message_unusual WHERE state = 'unsure'");
	if (rc == RC_OK)
		rc = counted(
			cx, out, "recado_jobs", "state", "Work that waits, runs or was given up.",
			"SELECT state, count(*) FROM job WHERE state IN ('queued', 'running', 'dead') GROUP BY state");
	if (rc == RC_OK)
		rc = counted(cx, out, "queue_depth", "queue", "Work that waits, by queue.",
			     "SELECT queue, count(*) FROM job WHERE state = 'queued' GROUP BY queue");
	if (rc == RC_OK)
		rc = counted(cx, out, "dead_letters", "queue", "Work that was given up, by queue.",
			     "SELECT queue, count(*) FROM job WHERE state = 'dead' GROUP BY queue");
	if (rc == RC_OK) rc = write_runs(cx, out);
	desk_kept(cx, kept, "ops_metrics_success", fill_successes);
	family(out, "job_last_success_seconds", "gauge",
	       "When work of each kind last succeeded, seconds since 1970.");
	sb_text(out, value_text_of(value_get(kept, "text"), ""));
	return rc;
}

enum rc handle_metrics(struct cx *cx, struct call *call)
{
	struct sb out;
	enum rc rc;

	sb_init_arena(&out, cx->arena, METRICS_BYTES_MAX);
	write_process(cx, &out);
	write_watch(cx, &out);
	write_requests(&out);
	rc = write_work(cx, &out);
	for (size_t i = 0; rc == RC_OK && desk_figure_at(i) != NULL; i++)
		if (desk_figure_at(i)->metrics != NULL) desk_figure_at(i)->metrics(cx, &out);
	if (rc == RC_OK) rc = sb_result(&out);
	if (rc == RC_OK)
		answer_text(cx, call, 200, "text/plain; version=0.0.4; charset=utf-8", sb_text_of(&out));
	return rc;
}
