/*
** inner.h -- the inside of the room files, shared by its files and their tests only.
*/
#ifndef RECADO_FILES_INNER_H
#define RECADO_FILES_INNER_H

#include "files/files.h"

#define PATH_SIZE     4096           /* PATH_MAX of Linux */
#define FILE_NAME_MAX 200            /* code points of an original name kept: file systems allow 255 bytes */
#define FILE_KEPT_MS  (HOUR_MS)      /* bytes without a row younger than this may be waiting for it */
#define LEFTOVER_MS   (24 * HOUR_MS) /* a temporary file nobody finished in a day is nobody's */

enum rc folder_sync(const char *path) MUST_CHECK; /* of the folder that path lies in */
/* "DIR/files/aa/sha256"; RC_BUG when sum is not 64 lower-case hex figures. */
enum rc store_path_of(char out[PATH_SIZE], const char *dir, const char *sum) MUST_CHECK;

#endif
