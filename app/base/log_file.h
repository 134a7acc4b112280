/*
** log_file.h -- log files by subject with rotation, for log.c and its tests. One thread only.
*/
#ifndef RECADO_BASE_LOG_FILE_H
#define RECADO_BASE_LOG_FILE_H

#include "base/rc.h"

#define LOG_FILE_BYTES (INT64_C(10) * 1000 * 1000) /* opens in any editor                            */
#define LOG_FILES      5 /* NAME.log, NAME.log.1 … NAME.log.4: 50 MB a subject, weeks of a small business */

struct log_file {
	int fd; /* -1: not open */
	int64_t size, max;
	bool is_broken; /* the last write failed: log.c says so once, until it works again */
};

#define LOG_FILE_NONE                           \
	{                                       \
		.fd = -1, .max = LOG_FILE_BYTES \
	}

/* Append whole lines to dir/name.log, made 0640; renames the older ones first when max would be passed.
** false: the disk said no (errno), nothing of it is in the file, the next write tries again. */
bool log_file_write(struct log_file *f, const char *dir, const char *name, const char *p, size_t len);
void log_file_close(struct log_file *f);

#endif
