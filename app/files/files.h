/*
** files.h -- the file store (files/aa/sha256…), temporary files and the spool.
**
** A stored file is immutable, named by its SHA-256; rows of `file` name it, own it
** and are what the rest of the house refers to. Owns table file.
*/
#ifndef RECADO_FILES_FILES_H
#define RECADO_FILES_FILES_H

#include "db/db.h"

#define UPLOAD_MAX (50 * 1024 * 1024) /* one limit for every upload and import of the house */

/* Store the bytes of an open descriptor (from its start, at most max): written aside, synced,
** renamed, then the row in its own transaction; none may be open. RC_TOO_LARGE past max (nothing
** kept). Of name only the last part of a path is kept. */
struct file_new {
	const char *name, *media_type, *owner_table;
	int64_t owner_id;
	size_t max;
};
enum rc file_store(struct cx *cx, int64_t *id, int fd, const struct file_new *file) MUST_CHECK;
/* Open a stored file for reading; *size in bytes. The caller closes. RC_NOT_FOUND (also when
** archived), RC_IO if the bytes are gone (logged). */
enum rc file_open(struct cx *cx, int *fd, int64_t *size, int64_t id) MUST_CHECK;
/* Where its bytes lie, for who reads them later on another thread: arena. RC_NOT_FOUND (also when archived),
** RC_IO: the bytes are not there now. */
enum rc file_path(struct cx *cx, const char **out, int64_t id) MUST_CHECK;
/* Map a stored file read-only; file_unmap it. */
enum rc file_map(struct cx *cx, struct bytes *out, int64_t id) MUST_CHECK;
void file_unmap(struct bytes mapped);
/* Remove bytes that no live row names any more (an hour old), and temporary files left behind (a day old). */
enum rc files_sweep(struct cx *cx) MUST_CHECK;

/* A file being written beside its target: published by sync + rename + sync of the folder, or gone. */
struct tmpfile_at {
	int fd;
	char path[512];
};
#define TMPFILE_PREFIX ".new-" /* of files being written: who sweeps knows them by it */
#define TMPFILE_NONE                 \
	{                            \
		.fd = -1, .path = "" \
	}
enum rc tmpfile_open(struct tmpfile_at *t, const char *folder) MUST_CHECK;
enum rc tmpfile_publish(struct tmpfile_at *t, const char *path) MUST_CHECK;
void tmpfile_discard(struct tmpfile_at *t); /* nothing left if published */

/* A nameless file in spool/ (O_TMPFILE) for an export or a large body. */
enum rc spool_open(int *fd, const char *state_dir) MUST_CHECK;
enum rc fd_write_all(int fd, const char *p, size_t len) MUST_CHECK;

#endif
