/*
** gentle.h -- long work on the disk beside people who wait: rests, and dirty pages that never pile up.
**
** A commit waits for fsync, and fsync waits behind whatever else is dirty on the disk. So who copies much
** writes it out piece by piece, forgets it in the page cache, and leaves the processor every few
** milliseconds.
*/
#ifndef RECADO_BASE_GENTLE_H
#define RECADO_BASE_GENTLE_H

#include "base/rc.h"
#include <stdatomic.h>

struct gentle {
	const _Atomic bool *is_stopping; /* NULL: nobody stops it                          */
	bool (*is_over)(void *arg);      /* another reason to stop, NULL = none            */
	void *arg;
	int64_t since_us;      /* of the work since the last rest                 */
	int64_t from, written; /* of the file being written: what is not out yet  */
	bool is_hurried;       /* no rests: somebody waits for the end of this    */
};

/* Zeroed fields but is_stopping; work begins now. */
void gentle_init(struct gentle *g, const _Atomic bool *is_stopping);
/* Called often; rests when it is time. False: stop and return RC_TRY_LATER. */
bool gentle_rest(struct gentle *g);
/* len more bytes were written behind each other into fd (from its beginning after gentle_file). */
void gentle_wrote(struct gentle *g, int fd, int64_t len);
/* Another file begins. */
void gentle_file(struct gentle *g);
/* Bytes of fd that nobody will read again: out of the page cache. Never for a file that others use. */
void gentle_forget(int fd, int64_t from, int64_t len);

#endif
