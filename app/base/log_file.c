/*
** log_file.c -- one log file and its older copies.
**
** Owns:   dir/name.log and dir/name.log.1 … .4.
** Needs:  the folder; it is made if its parent is there.
** Never:  locks: the log's writer thread is the only caller.
** Holds:  (1) no file grows past max unless one write alone is larger; (2) the newest lines are in name.log;
**         (3) what the disk took of a line that it did not take whole is taken back.
*/
#include "base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_ROOM 4096 /* PATH_MAX of Linux */

/* i = 0: the current file */
static bool path_of(char out[PATH_ROOM], const char *dir, const char *name, int i)
{
	int n = i == 0 ? snprintf(out, PATH_ROOM, "%s/%s.log", dir, name)
		       : snprintf(out, PATH_ROOM, "%s/%s.log.%d", dir, name, i);

	return n > 0 && n < PATH_ROOM;
}

static bool open_file(struct log_file *f, const char *dir, const char *name)
{
	char path[PATH_ROOM];
	struct stat st;

	if (!path_of(path, dir, name, 0)) return false;
	f->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (f->fd < 0 && errno == ENOENT && mkdir(dir, 0750) == 0)
		f->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (f->fd < 0) return false;
	f->size = fstat(f->fd, &st) == 0 ? st.st_size : 0;
	return true;
}

static void rotate(struct log_file *f, const char *dir, const char *name)
{
	char from[PATH_ROOM], to[PATH_ROOM];
	int i;

	log_file_close(f);
	for (i = LOG_FILES - 1; i > 0; i--)
		if (path_of(from, dir, name, i - 1) && path_of(to, dir, name, i)) rename(from, to);
}

static void take_back(struct log_file *f, int64_t size)
{
	int said = errno;

	if (f->size > size && ftruncate(f->fd, size) == 0) f->size = size;
	errno = said;
}

bool log_file_write(struct log_file *f, const char *dir, const char *name, const char *p, size_t len)
{
	int64_t before;

	if (f->fd < 0 && !open_file(f, dir, name)) return false;
	if (f->size > 0 && f->size + (int64_t)len > f->max) {
		rotate(f, dir, name);
		if (!open_file(f, dir, name)) return false;
	}
	before = f->size;
	while (len > 0) {
		ssize_t n = write(f->fd, p, len);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) {
			take_back(f, before);
			return false;
		}
		f->size += n;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

void log_file_close(struct log_file *f)
{
	if (f->fd >= 0) close(f->fd);
	f->fd = -1;
	f->size = 0;
}
