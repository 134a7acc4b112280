/*
** writers.c -- writes into a house's database at a steady rate, through the same lane as the program, and
** tells how long each writer waited.
**
**   writers STATE_FOLDER RATE
**
** Four threads, RATE transactions a second in all, each an UPDATE and an INSERT, committed and synced. For
** each line on standard input it prints what happened since the last one: {"count", "median_us", "p99_us",
** "max_us"}, waits counted from the moment a transaction was due. Ends with standard input.
**
** Needs:  the folder's database brought up to date, and nobody else holding the folder.
*/
#include "db/db.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS   4
#define TIMES_MAX 1000000

static struct env env;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t times[TIMES_MAX];
static size_t count;
static int64_t every_us;
static _Atomic bool is_over;

static void die(const char *what)
{
	fprintf(stderr, "writers: %s\n", what);
	exit(1);
}

static enum rc write_once(struct cx *cx, int64_t n)
{
	const char *text = arena_printf(cx->arena, "a change of some length, number %lld", (long long)n);
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = meta_set(cx, arena_printf(cx->arena, "bench%lld", (long long)(n % 100)), text);
	if (rc == RC_OK) rc = audit_add(cx, "bench", "meta", n, NULL, NULL);
	return tx_end(cx, rc);
}

static void sleep_until(int64_t due_us)
{
	struct timespec at = { .tv_sec = due_us / 1000000, .tv_nsec = due_us % 1000000 * 1000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void *work(void *arg)
{
	int64_t due = clock_ticks_us() + *(int *)arg * every_us / THREADS, n = *(int *)arg;
	struct arena *a = arena_new(1024 * 1024);
	struct db *db = NULL;
	struct cx cx;

	if (a == NULL || db_open(&db, env.store) != RC_OK) die("no connection");
	cx_init(&cx, &env, a, db);
	for (; !is_over; due += every_us, n += THREADS) {
		int64_t waited;

		sleep_until(due);
		if (write_once(&cx, n) != RC_OK) die("a write failed");
		waited = clock_ticks_us() - due;
		pthread_mutex_lock(&lock);
		if (count < TIMES_MAX) times[count++] = (uint32_t)waited;
		pthread_mutex_unlock(&lock);
		cx_reset(&cx);
	}
	db_close(db);
	arena_free(a);
	return NULL;
}

static int smaller(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void tell(void)
{
	pthread_mutex_lock(&lock);
	qsort(times, count, sizeof(*times), smaller);
	if (count > 0)
		printf("{\"count\": %zu, \"median_us\": %u, \"p99_us\": %u, \"max_us\": %u}\n", count,
		       times[count / 2], times[count * 99 / 100], times[count - 1]);
	else
		printf("{\"count\": 0}\n");
	count = 0;
	pthread_mutex_unlock(&lock);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new(16 * 1024 * 1024);
	pthread_t threads[THREADS];
	int numbers[THREADS];
	const char *message = "";
	char line[16];

	if (argc != 3) die("writers STATE_FOLDER RATE");
	if (a == NULL || seal_start() != RC_OK || words_load() != RC_OK) die("no memory");
	every_us = INT64_C(1000000) * THREADS / atoi(argv[2]);
	env.dir = argv[1];
	env.config_path = arena_printf(a, "%s/recado.ini", argv[1]);
	env.clock = clock_new(0);
	env.zone = zone_find("UTC");
	env.is_holder = true;
	for (int i = 0; i < WAKE__MAX; i++)
		env.wake_fd[i] = -1;
	if (store_open(&env.store, &env, a, &message, true) != RC_OK) die(message);
	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		if (pthread_create(&threads[i], NULL, work, &numbers[i]) != 0) die("no thread");
	}
	while (fgets(line, sizeof(line), stdin) != NULL)
		tell();
	is_over = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	store_close(env.store);
	return 0;
}
