/*
** test_log.c -- what an operator reads afterwards: whole lines, in order, from every thread.
*/
#include "base/log.h"
#include "base/log_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64], text[4 * 1024 * 1024];
static int real_stderr;

static const char *in_folder(char out[128], const char *name)
{
	snprintf(out, 128, "%s/%s", folder, name);
	return out;
}

/* stderr goes to a file while a test runs. */
static int set_up(void **state)
{
	char path[128];
	int fd;

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/recado-log-XXXXXX");
	assert_non_null(mkdtemp(folder));
	real_stderr = dup(STDERR_FILENO);
	fd = open(in_folder(path, "stderr"), O_RDWR | O_CREAT | O_APPEND, 0600);
	assert_true(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	char command[160], path[128];
	static const char *const names[] = { "stderr",  "app.log", "outbox.log", "errors.log", "x.log",
					     "x.log.1", "x.log.2", "x.log.3",    "x.log.4",    "x.log.5" };
	size_t i;

	(void)state;
	log_stop();
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		unlink(in_folder(path, names[i]));
		snprintf(command, sizeof(command), "%s/logs/%s", folder, names[i]);
		unlink(command);
	}
	rmdir(in_folder(path, "logs"));
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

static const char *read_all(const char *name)
{
	char path[128];
	int fd = open(in_folder(path, name), O_RDONLY);
	ssize_t n = 0;
	size_t have = 0;

	text[0] = '\0';
	if (fd < 0) return text;
	while ((n = read(fd, text + have, sizeof(text) - 1 - have)) > 0)
		have += (size_t)n;
	text[have] = '\0';
	close(fd);
	return text;
}

/* The line behind its time stamp. */
static const char *behind_time(const char *line)
{
	const char *blank = strchr(line, ' ');

	return blank ? blank + 1 : line;
}

static void a_line_says_when_how_bad_where_and_what(void **state)
{
	const char *line;
	instant at;

	(void)state;
	assert_int_equal(log_start(zone_find("America/Guayaquil"), LOG_INFO, NULL), RC_OK);
	assert_int_equal(log_start(NULL, LOG_INFO, NULL), RC_CONFLICT);
	log_event(LOG_WARN, "outbox", "send.defer", "id=%d next_s=%d", 7, 900);
	log_event(LOG_DEBUG, "outbox", "too.small", "id=%d", 7);
	log_event(LOG_INFO, "nonsense", "unknown.subject", NULL);
	log_stop();
	line = read_all("stderr");
	assert_int_equal(line[29], ' ');
	text[29] = '\0';
	assert_int_equal(instant_parse(&at, line), RC_OK);
	assert_string_equal(line + 23, "-05:00");
	line += 30;
	assert_int_equal(strncmp(line, "warn outbox send.defer id=7 next_s=900\n", 39), 0);
	assert_string_equal(behind_time(line + 39), "info app unknown.subject\n");
}

static void nobody_can_write_a_line_of_his_own(void **state)
{
	(void)state;
	log_event(LOG_INFO, "access", "login", "name=%s",
		  "a\nb\x1b[31m\x7f\xc2\x85\xe2\x80\xa8\xe2\x80\xae\xff\xc3 ñ€");
	assert_string_equal(behind_time(read_all("stderr")), "info access login name=a?b?[31m???"
							     "??????"
							     "?? ñ€\n");
}

static void a_text_with_blanks_is_quoted(void **state)
{
	char buf[LOG_QUOTE_SIZE], longest[400];
	const char *q;

	(void)state;
	assert_string_equal(log_quote(buf, "Ana \"la\" \\ \n\t\x01ñ"), "\"Ana \\\"la\\\" \\\\ \\n\\t?ñ\"");
	assert_string_equal(log_quote(buf, NULL), "\"\"");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	q = log_quote(buf, longest);
	assert_true(strlen(q) < LOG_QUOTE_SIZE);
	assert_string_equal(q + strlen(q) - 5, "x…\"");
	memset(longest, '\n', sizeof(longest) - 1);
	assert_true(strlen(log_quote(buf, longest)) < LOG_QUOTE_SIZE);
}

static void a_line_too_long_is_cut_and_says_so(void **state)
{
	static char longest[3000];
	const char *line;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	log_event(LOG_INFO, "app", "long", "text=%s", longest);
	line = read_all("stderr");
	assert_true(strlen(line) <= 1024);
	assert_string_equal(line + strlen(line) - 5, "x…\n");
}

static void subjects_have_files_and_errors_are_gathered(void **state)
{
	char path[128];
	struct stat st;

	(void)state;
	assert_int_equal(log_start(NULL, LOG_DEBUG, in_folder(path, "logs")), RC_OK);
	log_event(LOG_INFO, "outbox", "sent", "id=1");
	log_event(LOG_ERROR, "outbox", "refused", "id=2");
	log_event(LOG_DEBUG, "app", "hello", NULL);
	log_stop();
	assert_string_equal(behind_time(read_all("logs/errors.log")), "error outbox refused id=2\n");
	assert_string_equal(behind_time(read_all("logs/app.log")), "debug app hello\n");
	assert_non_null(strstr(read_all("logs/outbox.log"), "info outbox sent id=1\n"));
	assert_non_null(strstr(text, "error outbox refused id=2\n"));
	assert_int_equal(stat(in_folder(path, "logs/outbox.log"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_non_null(strstr(read_all("stderr"), "refused id=2\n"));
}

static void a_folder_that_cannot_be_written_is_told_once(void **state)
{
	const char *first;
	char path[128];

	(void)state;
	assert_int_equal(log_start(NULL, LOG_INFO, in_folder(path, "no/such/folder")), RC_OK);
	log_event(LOG_INFO, "app", "one", NULL);
	log_event(LOG_INFO, "app", "two", NULL);
	log_stop();
	first = strstr(read_all("stderr"), "log.file");
	assert_non_null(first);
	assert_null(strstr(first + 1, "log.file"));
	assert_non_null(strstr(text, "app two"));
}

static void one_file_that_cannot_be_written_is_told_once_beside_others_that_can(void **state)
{
	const char *first;
	char path[128];

	(void)state;
	assert_int_equal(mkdir(in_folder(path, "logs"), 0700), 0);
	assert_int_equal(mkdir(in_folder(path, "logs/outbox.log"), 0700), 0);
	assert_int_equal(log_start(NULL, LOG_INFO, in_folder(path, "logs")), RC_OK);
	for (int i = 0; i < 5; i++) {
		log_event(LOG_INFO, "outbox", "lost", NULL);
		log_event(LOG_INFO, "app", "kept", NULL);
	}
	log_stop();
	assert_int_equal(rmdir(in_folder(path, "logs/outbox.log")), 0);
	first = strstr(read_all("stderr"), "log.file");
	assert_non_null(first);
	assert_null(strstr(first + 1, "log.file"));
}

static void a_line_that_a_full_disk_takes_in_part_is_taken_back(void **state)
{
	struct log_file f = LOG_FILE_NONE;
	struct rlimit most;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &most), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_true(log_file_write(&f, folder, "x", "the first line\n", 15));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 20, most.rlim_max }), 0);
	assert_false(log_file_write(&f, folder, "x", "half of this line\n", 18));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &most), 0);
	assert_true(log_file_write(&f, folder, "x", "the next line\n", 14));
	log_file_close(&f);
	assert_string_equal(read_all("x.log"), "the first line\nthe next line\n");
}

static void old_files_move_up_and_the_oldest_goes(void **state)
{
	struct log_file f = { .fd = -1, .max = 100 };
	char line[60], path[128];
	int i;

	(void)state;
	for (i = 0; i < 15; i++) {
		snprintf(line, sizeof(line), "%048d\n", i);
		assert_true(log_file_write(&f, folder, "x", line, strlen(line)));
	}
	log_file_close(&f);
	assert_int_equal(atoi(read_all("x.log")), 14); /* two lines a file: the newest here */
	assert_int_equal(atoi(read_all("x.log.1")), 12);
	assert_int_equal(atoi(read_all("x.log.4")), 6);
	assert_int_equal(access(in_folder(path, "x.log.5"), F_OK), -1);
	assert_int_equal(strlen(read_all("x.log.2")), 98);
	/* One write larger than a file still goes somewhere, alone. */
	memset(text, 'y', 300);
	assert_true(log_file_write(&f, folder, "x", text, 300));
	assert_true(log_file_write(&f, folder, "x", line, strlen(line)));
	log_file_close(&f);
	assert_int_equal(strlen(read_all("x.log.1")), 300);
	assert_int_equal(atoi(read_all("x.log")), 14);
}

enum { THREADS = 4, LINES = 5000 };

static void *write_lines(void *arg)
{
	int i, id = *(int *)arg;

	for (i = 0; i < LINES; i++)
		log_event(LOG_INFO, "jobs", "tick", "thread=%d n=%d", id, i);
	return NULL;
}

/* Whatever the disk's pace: each line came whole and in its thread's order, or was counted as dropped. */
static void threads_that_log_at_once_lose_nothing_uncounted(void **state)
{
	int ids[THREADS], last[THREADS], lines = 0, dropped = 0, i;
	pthread_t threads[THREADS];
	char *line, *rest;

	(void)state;
	assert_int_equal(log_start(NULL, LOG_INFO, NULL), RC_OK);
	for (i = 0; i < THREADS; i++) {
		ids[i] = i;
		last[i] = -1;
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &ids[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	log_stop();
	read_all("stderr");
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		int thread, n, count;

		if (sscanf(behind_time(line), "info jobs tick thread=%d n=%d", &thread, &n) == 2) {
			assert_true(thread >= 0 && thread < THREADS && n > last[thread]);
			last[thread] = n;
			lines++;
		} else {
			assert_int_equal(sscanf(behind_time(line), "warn app log.dropped lines=%d", &count),
					 1);
			dropped += count;
		}
	}
	assert_int_equal(lines + dropped, THREADS * LINES);
	assert_true(lines > 0);
}

static void the_log_can_start_again_after_a_stop(void **state)
{
	(void)state;
	log_stop();
	log_event(LOG_INFO, "app", "before", NULL);
	assert_int_equal(log_start(NULL, LOG_INFO, NULL), RC_OK);
	log_event(LOG_INFO, "app", "during", NULL);
	log_stop();
	log_event(LOG_INFO, "app", "after", NULL);
	assert_int_equal(log_start(NULL, LOG_ERROR, NULL), RC_OK);
	log_event(LOG_WARN, "app", "unheard", NULL);
	log_stop();
	assert_int_equal(log_start(NULL, LOG_INFO, NULL), RC_OK);
	log_stop();
	read_all("stderr");
	assert_non_null(strstr(text, "before\n"));
	assert_non_null(strstr(text, "during\n"));
	assert_true(strstr(text, "after\n") > strstr(text, "during\n"));
	assert_null(strstr(text, "unheard"));
}

static void one_event_goes_to_the_files_of_all_its_subjects(void **state)
{
	char path[128];

	(void)state;
	assert_int_equal(log_start(NULL, LOG_INFO, in_folder(path, "logs")), RC_OK);
	log_event(LOG_ERROR, "outbox+app+nonsense", "both", "id=1");
	log_event(LOG_INFO, "app", "one", NULL);
	log_stop();
	assert_string_equal(behind_time(read_all("logs/outbox.log")), "error outbox both id=1\n");
	assert_string_equal(behind_time(read_all("logs/errors.log")), "error outbox both id=1\n");
	assert_non_null(strstr(read_all("logs/app.log"), "error outbox both id=1\n"));
	assert_non_null(strstr(text, "info app one\n"));
}

static void a_subject_may_be_louder_than_the_others(void **state)
{
	enum log_level level;

	(void)state;
	assert_true(log_level_parse(&level, "warn") && level == LOG_WARN);
	assert_false(log_level_parse(&level, "loud"));
	assert_int_equal(log_start(NULL, LOG_WARN, NULL), RC_OK);
	log_level_set("jobs", LOG_DEBUG);
	log_event(LOG_DEBUG, "jobs", "heard", NULL);
	log_event(LOG_INFO, "app", "unheard", NULL);
	log_level_set(NULL, LOG_ERROR);
	log_event(LOG_WARN, "jobs", "unheard", NULL);
	log_stop();
	log_level_set(NULL, LOG_INFO);
	assert_string_equal(behind_time(read_all("stderr")), "debug jobs heard\n");
}

static void each_line_of_a_thread_says_what_it_works_on_once(void **state)
{
	(void)state;
	log_context("request=1f");
	log_event(LOG_INFO, "app", "one", "id=1");
	log_event(LOG_INFO, "app", "two", "request=2a id=2");
	log_context("");
	log_event(LOG_INFO, "app", "three", NULL);
	assert_non_null(strstr(read_all("stderr"), "info app one id=1 request=1f\n"));
	assert_non_null(strstr(text, "info app two request=2a id=2\n"));
	assert_non_null(strstr(text, "info app three\n"));
}

static void nothing_secret_reaches_the_disk_and_json_is_one_object(void **state)
{
	(void)state;
	log_json_set(true);
	log_event(LOG_INFO, "outbox", "sent", "to=+593989000001 key=sk_live_abcdef why=\"a b\"");
	log_json_set(false);
	assert_null(strstr(read_all("stderr"), "989000"));
	assert_non_null(
		strstr(text, "\"event\":\"sent\",\"to\":\"+***001\",\"key\":\"sk_***\",\"why\":\"a b\"}\n"));
}

static void a_renamed_file_gets_a_new_one_when_told(void **state)
{
	char path[128], other[128];

	(void)state;
	assert_int_equal(log_start(NULL, LOG_INFO, in_folder(path, "logs")), RC_OK);
	log_event(LOG_INFO, "app", "before", NULL);
	while (read_all("logs/app.log")[0] == '\0')
		usleep(1000);
	assert_int_equal(rename(in_folder(path, "logs/app.log"), in_folder(other, "logs/outbox.log")), 0);
	log_reopen();
	log_event(LOG_INFO, "app", "after", NULL);
	log_stop();
	assert_string_equal(behind_time(read_all("logs/app.log")), "info app after\n");
	assert_string_equal(behind_time(read_all("logs/outbox.log")), "info app before\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_line_says_when_how_bad_where_and_what),
		TEST(nobody_can_write_a_line_of_his_own),
		TEST(a_text_with_blanks_is_quoted),
		TEST(a_line_too_long_is_cut_and_says_so),
		TEST(subjects_have_files_and_errors_are_gathered),
		TEST(a_folder_that_cannot_be_written_is_told_once),
		TEST(one_file_that_cannot_be_written_is_told_once_beside_others_that_can),
		TEST(a_line_that_a_full_disk_takes_in_part_is_taken_back),
		TEST(old_files_move_up_and_the_oldest_goes),
		TEST(threads_that_log_at_once_lose_nothing_uncounted),
		TEST(the_log_can_start_again_after_a_stop),
		TEST(one_event_goes_to_the_files_of_all_its_subjects),
		TEST(a_subject_may_be_louder_than_the_others),
		TEST(each_line_of_a_thread_says_what_it_works_on_once),
		TEST(nothing_secret_reaches_the_disk_and_json_is_one_object),
		TEST(a_renamed_file_gets_a_new_one_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
