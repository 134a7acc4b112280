/*
** limit.h -- how often a program may ask: a bucket of calls for each token, user or address.
*/
#ifndef RECADO_WEB_LIMIT_H
#define RECADO_WEB_LIMIT_H

#include "base/rc.h"

struct limit; /* the table: a fixed size, whoever asks */

struct limit_rate {
	int64_t per_minute; /* how fast the bucket fills; 0 = no limit             */
	int64_t burst;      /* how many calls it holds, at least 1                  */
};

struct limit_left {
	int64_t remaining; /* whole calls left now                                 */
	int64_t reset_s;   /* seconds until the bucket is full, rounded up         */
	int64_t retry_s;   /* seconds until the next call, rounded up; 0 = now     */
};

struct limit *limit_new(void); /* NULL: no memory */
void limit_free(struct limit *l);

/* One call out of who's bucket at now_us (microseconds that never go back). False when it is empty: nothing
** is taken then. Constant time, any thread. A table full of busy buckets forgets the one nearest to full. */
bool limit_take(struct limit *l, const char *who, struct limit_rate rate, int64_t now_us,
		struct limit_left *left);

#endif
