/*
** tmpfile.c -- files that are whole or absent, and nameless ones for what is on its way.
**
** Owns:   names that begin with TMPFILE_PREFIX, in any folder; the folder spool/.
** Never:  writes to the file of a name that others can see.
** Holds:  (1) after tmpfile_publish() the name, the bytes and the folder entry are on the disk;
**         (2) after tmpfile_discard() nothing of an unpublished file is left; what a crash leaves
**             behind, files_sweep() takes.
*/
#include "files/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum rc tmpfile_open(struct tmpfile_at *t, const char *folder)
{
	int len = snprintf(t->path, sizeof t->path, "%s/" TMPFILE_PREFIX "XXXXXX", folder);

	t->fd = -1;
	if (len < 0 || (size_t)len >= sizeof t->path) {
		t->path[0] = '\0';
		return RC_BAD_INPUT;
	}
	t->fd = mkostemp(t->path, O_CLOEXEC); /* 0600 */
	if (t->fd >= 0) return RC_OK;
	t->path[0] = '\0';
	return RC_IO;
}

enum rc folder_sync(const char *path)
{
	char folder[PATH_SIZE];
	const char *slash = strrchr(path, '/');
	int len = snprintf(folder, sizeof folder, "%.*s", slash && slash != path ? (int)(slash - path) : 1,
			   slash ? path : ".");
	int fd, failed;

	if (len < 0 || (size_t)len >= sizeof folder) return RC_BAD_INPUT;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return RC_IO;
	failed = fsync(fd);
	close(fd);
	return failed ? RC_IO : RC_OK;
}

enum rc tmpfile_publish(struct tmpfile_at *t, const char *path)
{
	if (t->fd < 0 || t->path[0] == '\0') return RC_BUG;
	if (fsync(t->fd) != 0 || rename(t->path, path) != 0) return RC_IO;
	t->path[0] = '\0';
	return folder_sync(path);
}

void tmpfile_discard(struct tmpfile_at *t)
{
	if (t->path[0] != '\0') unlink(t->path);
	if (t->fd >= 0) close(t->fd);
	*t = (struct tmpfile_at)TMPFILE_NONE;
}

/* A file system without O_TMPFILE (overlayfs of old kernels, some network ones): a name that is
** gone at once. */
static int open_unlinked(const char *folder)
{
	struct tmpfile_at t = TMPFILE_NONE;
	int fd = -1;

	if (tmpfile_open(&t, folder) == RC_OK) {
		fd = t.fd;
		t.fd = -1;
	}
	tmpfile_discard(&t);
	return fd;
}

enum rc spool_open(int *fd, const char *state_dir)
{
	char folder[PATH_SIZE];
	int len = snprintf(folder, sizeof folder, "%s/spool", state_dir), opened;

	if (len < 0 || (size_t)len >= sizeof folder) return RC_BAD_INPUT;
	opened = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (opened < 0 && errno == ENOENT && mkdir(folder, 0700) == 0)
		opened = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (opened < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) opened = open_unlinked(folder);
	if (opened < 0) return RC_IO;
	*fd = opened;
	return RC_OK;
}

enum rc fd_write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return RC_IO;
		p += n;
		len -= (size_t)n;
	}
	return RC_OK;
}
