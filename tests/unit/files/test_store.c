/* files/store.c, tmpfile.c, sweep.c: what is kept is kept, what nobody needs goes. */
#include "state.h"
#include "files/inner.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <signal.h>
#include <time.h>

static int source(const char *bytes, size_t len)
{
	int fd = memfd_create("source", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, bytes, len), RC_OK);
	return fd; /* its offset is at the end: file_store begins at the start all the same */
}

static enum rc keep(struct state *s, int64_t *id, const char *bytes, size_t len, size_t max, const char *name)
{
	int fd = source(bytes, len);
	enum rc rc = file_store(&s->cx, id, fd,
				&(struct file_new){ .name = name,
						    .media_type = "text/csv",
						    .owner_table = "import",
						    .owner_id = 7,
						    .max = max });

	close(fd);
	return rc;
}

/* Regular files below DIR/files. */
static int counted;
static int count_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)path;
	(void)st;
	(void)ftw;
	counted += flag == FTW_F;
	return 0;
}

static int kept(struct state *s)
{
	char path[300];

	snprintf(path, sizeof path, "%s/files", s->dir);
	counted = 0;
	(void)nftw(path, count_one, 8, FTW_PHYS);
	return counted;
}

static const char *path_of(struct state *s, int64_t id)
{
	static char path[PATH_SIZE];
	const char *sum = "";

	assert_int_equal(
		db_get_text(&s->cx, &sum, "SELECT sha256 FROM file WHERE id = :id", PARAMS(P_INT(":id", id))),
		RC_OK);
	assert_int_equal(store_path_of(path, s->dir, sum), RC_OK);
	return path;
}

static void make_old(const char *path, int64_t age_ms)
{
	struct timespec now, times[2];

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec -= (time_t)(age_ms / SECOND_MS);
	times[0] = times[1] = now;
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void an_uploaded_file_comes_back_byte_for_byte(void **arg)
{
	struct state s;
	struct bytes mapped = { NULL, 0 };
	struct value *row = NULL;
	struct stat st;
	int64_t id = 0, size = 0;
	char back[16];
	int fd = -1;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(keep(&s, &id, "a;b\n1;\0x", 8, 100, "C:\\datos\\clientes\r\n.csv"), RC_OK);
	assert_int_equal(file_open(&s.cx, &fd, &size, id), RC_OK);
	assert_int_equal(size, 8);
	assert_int_equal(read(fd, back, sizeof back), 8);
	assert_memory_equal(back, "a;b\n1;\0x", 8);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0400);
	close(fd);
	assert_int_equal(file_map(&s.cx, &mapped, id), RC_OK);
	assert_int_equal(mapped.len, 8);
	assert_memory_equal(mapped.p, "a;b\n1;\0x", 8);
	file_unmap(mapped);
	assert_int_equal(db_row(&s.cx, &row, "SELECT * FROM file", NO_PARAMS), RC_OK);
	assert_string_equal(value_text_of(value_get(row, "name"), ""), "clientes.csv");
	assert_string_equal(value_text_of(value_get(row, "owner_table"), ""), "import");
	assert_int_equal(value_int_of(value_get(row, "owner_id"), 0), 7);
	assert_int_equal(strlen(value_text_of(value_get(row, "public_id"), "")), PUBLIC_ID_SIZE - 1);
	state_close(&s);
}

static void a_name_is_never_a_path(void **arg)
{
	static const char *const names[] = { "../../etc/passwd", "..",      ".", "", NULL, "/", "a/..",
					     "\x01\x02",         "\xff\xfe" };
	struct state s;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *name = "";

		assert_int_equal(keep(&s, &id, "x", 1, 10, names[i]), RC_OK);
		assert_int_equal(db_get_text(&s.cx, &name, "SELECT name FROM file WHERE id = :id",
					     PARAMS(P_INT(":id", id))),
				 RC_OK);
		assert_string_equal(name, i == 0 ? "passwd" : "file");
	}
	state_close(&s);
}

static void one_byte_past_the_limit_keeps_nothing(void **arg)
{
	static char big[100 * 1024];
	struct state s;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(keep(&s, &id, big, sizeof big, sizeof big - 1, "a"), RC_TOO_LARGE);
	assert_non_null(strstr(s.cx.message, "larger than 1 MB"));
	assert_int_equal(kept(&s), 0);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM file"), 0);
	assert_int_equal(keep(&s, &id, big, sizeof big, sizeof big, "a"), RC_OK);
	assert_int_equal(kept(&s), 1);
	state_close(&s);
}

static void an_empty_file_is_a_file(void **arg)
{
	struct state s;
	struct bytes mapped = { NULL, 1 };
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(keep(&s, &id, "", 0, 0, "a"), RC_OK);
	assert_int_equal(file_map(&s.cx, &mapped, id), RC_OK);
	assert_int_equal(mapped.len, 0);
	assert_non_null(mapped.p);
	file_unmap(mapped);
	state_close(&s);
}

static void the_same_bytes_are_kept_once(void **arg)
{
	struct state s;
	int64_t one = 0, two = 0;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(keep(&s, &one, "same", 4, 10, "a"), RC_OK);
	assert_int_equal(keep(&s, &two, "same", 4, 10, "b"), RC_OK);
	assert_int_not_equal(one, two);
	assert_int_equal(kept(&s), 1);
	state_close(&s);
}

static void lost_bytes_are_told_from_a_file_that_never_was(void **arg)
{
	struct state s;
	int64_t id = 0, size = 0;
	int fd = -1;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(file_open(&s.cx, &fd, &size, 42), RC_NOT_FOUND);
	assert_int_equal(keep(&s, &id, "abc", 3, 10, "a"), RC_OK);
	assert_int_equal(chmod(path_of(&s, id), 0600), 0);
	assert_int_equal(truncate(path_of(&s, id), 2), 0);
	assert_int_equal(file_open(&s.cx, &fd, &size, id), RC_IO);
	assert_int_equal(unlink(path_of(&s, id)), 0);
	assert_int_equal(file_open(&s.cx, &fd, &size, id), RC_IO);
	assert_int_equal(fd, -1);
	/* Stored once more, it is whole again, under the old row too. */
	assert_int_equal(keep(&s, &id, "abc", 3, 10, "a"), RC_OK);
	assert_int_equal(file_open(&s.cx, &fd, &size, 1), RC_OK);
	close(fd);
	state_close(&s);
}

static void a_full_disk_keeps_nothing_and_says_so(void **arg)
{
	static char big[200 * 1024];
	struct state s;
	struct rlimit old, small = { .rlim_cur = 100 * 1024 };
	int64_t id = 0;
	int fd;
	enum rc rc;

	(void)arg;
	state_open(&s, 0);
	fd = source(big, sizeof big);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit behaves as a disk that takes no more */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = file_store(&s.cx, &id, fd, &(struct file_new){ .name = "a", .max = sizeof big });
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	close(fd);
	assert_int_equal(rc, RC_IO);
	assert_string_not_equal(s.cx.message, "");
	assert_int_equal(kept(&s), 0);
	assert_int_equal(state_int(&s, "SELECT count(*) FROM file"), 0);
	state_close(&s);
}

static void the_sweep_takes_what_no_row_names_and_nothing_else(void **arg)
{
	struct state s;
	int64_t used = 0, gone = 0, young = 0, fresh = 0;
	char path[300];
	const char *const leftovers[] = { "files/.new-abcdef", "tmp/old", "spool/old" };
	int fd;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(keep(&s, &used, "used", 4, 10, "a"), RC_OK);
	assert_int_equal(keep(&s, &gone, "gone", 4, 10, "a"), RC_OK);
	assert_int_equal(keep(&s, &young, "young", 5, 10, "a"), RC_OK);
	make_old(path_of(&s, used), 2 * FILE_KEPT_MS);
	make_old(path_of(&s, gone), 2 * FILE_KEPT_MS);
	assert_int_equal(state_run(&s, "UPDATE file SET archived_at = 1 WHERE id = 2"), RC_OK);
	assert_int_equal(state_run(&s, "DELETE FROM file WHERE id = 3"), RC_OK);
	snprintf(path, sizeof path, "%s/spool", s.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", s.dir, leftovers[i]);
		fd = open(path, O_CREAT | O_WRONLY, 0600);
		assert_true(fd >= 0);
		close(fd);
		make_old(path, 2 * LEFTOVER_MS);
	}
	snprintf(path, sizeof path, "%s/files/README", s.dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	make_old(path, 10 * LEFTOVER_MS);
	assert_int_equal(files_sweep(&s.cx), RC_OK);
	assert_int_equal(kept(&s), 3); /* used, young and somebody's README */
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", s.dir, leftovers[i]);
		assert_int_equal(access(path, F_OK), -1);
	}
	/* Old bytes that are stored again count as new: they wait for their row. */
	assert_int_equal(keep(&s, &fresh, "gone", 4, 10, "a"), RC_OK);
	make_old(path_of(&s, fresh), 2 * FILE_KEPT_MS);
	assert_int_equal(keep(&s, &fresh, "gone", 4, 10, "a"), RC_OK);
	assert_int_equal(
		state_run(&s, "DELETE FROM file WHERE sha256 IN (SELECT sha256 FROM file WHERE id = 2)"),
		RC_OK);
	assert_int_equal(files_sweep(&s.cx), RC_OK);
	assert_int_equal(kept(&s), 4);
	state_close(&s);
}

static void a_file_is_published_whole_or_leaves_nothing(void **arg)
{
	struct state s;
	struct tmpfile_at t = TMPFILE_NONE;
	char path[300], back[8] = "";
	int fd;

	(void)arg;
	state_open(&s, 0);
	snprintf(path, sizeof path, "%s/report.csv", s.dir);
	assert_int_equal(tmpfile_open(&t, s.dir), RC_OK);
	assert_int_equal(fd_write_all(t.fd, "half", 4), RC_OK);
	assert_int_equal(access(path, F_OK), -1);
	tmpfile_discard(&t);
	assert_int_equal(t.fd, -1);
	assert_int_equal(tmpfile_open(&t, s.dir), RC_OK);
	assert_int_equal(fd_write_all(t.fd, "whole", 5), RC_OK);
	assert_int_equal(tmpfile_publish(&t, path), RC_OK);
	tmpfile_discard(&t);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, back, sizeof back), 5);
	close(fd);
	assert_int_equal(tmpfile_publish(&t, path), RC_BUG);
	assert_int_equal(tmpfile_open(&t, "/nonexistent/folder"), RC_IO);
	tmpfile_discard(&t);
	/* Only the database, tmp/ and the published file are in the folder. */
	assert_int_equal(unlink(path), 0);
	state_close(&s);
}

static void the_spool_has_no_name_in_the_folder(void **arg)
{
	struct state s;
	char path[300], back[8] = "";
	struct dirent *e;
	DIR *dir;
	int fd = -1;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(spool_open(&fd, s.dir), RC_OK);
	assert_int_equal(fd_write_all(fd, "export", 6), RC_OK);
	assert_int_equal(pread(fd, back, sizeof back, 0), 6);
	snprintf(path, sizeof path, "%s/spool", s.dir);
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		assert_true(e->d_name[0] == '.' && (e->d_name[1] == '\0' || e->d_name[1] == '.'));
	closedir(dir);
	close(fd);
	assert_int_equal(fd_write_all(fd, "x", 1), RC_IO);
	assert_int_equal(spool_open(&fd, "/nonexistent"), RC_IO);
	state_close(&s);
}

static void storing_inside_a_transaction_is_our_bug(void **arg)
{
	struct state s;
	int64_t id = 0;

	(void)arg;
	state_open(&s, 0);
	assert_int_equal(tx_begin(&s.cx), RC_OK);
	assert_int_equal(keep(&s, &id, "x", 1, 10, "a"), RC_BUG);
	assert_int_equal(files_sweep(&s.cx), RC_BUG);
	assert_int_equal(tx_end(&s.cx, RC_OK), RC_OK);
	state_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_uploaded_file_comes_back_byte_for_byte),
		cmocka_unit_test(a_name_is_never_a_path),
		cmocka_unit_test(one_byte_past_the_limit_keeps_nothing),
		cmocka_unit_test(an_empty_file_is_a_file),
		cmocka_unit_test(the_same_bytes_are_kept_once),
		cmocka_unit_test(lost_bytes_are_told_from_a_file_that_never_was),
		cmocka_unit_test(a_full_disk_keeps_nothing_and_says_so),
		cmocka_unit_test(the_sweep_takes_what_no_row_names_and_nothing_else),
		cmocka_unit_test(a_file_is_published_whole_or_leaves_nothing),
		cmocka_unit_test(the_spool_has_no_name_in_the_folder),
		cmocka_unit_test(storing_inside_a_transaction_is_our_bug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
