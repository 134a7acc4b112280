/*
** line.h -- inside link only: messages over lines of their own, a request and its answer at a time.
**
** libcurl dials (names, TLS, trust, time limits) and carries the bytes; what is said is written and read
** here. That is for the calls that a house makes a hundred thousand times: a body, not to be repeated, to a
** configured address. All others are libcurl's from end to end.
*/
#ifndef RECADO_LINK_LINE_H
#define RECADO_LINK_LINE_H

#include "link/transfer.h"

struct lines;
/* Lines are opened with multi; events of them come to epoll_fd, marked by LINE_EVENT. Room for so many calls
** at a time. NULL: no memory. */
struct lines *lines_new(CURLM *multi, int epoll_fd, struct watches *watches, size_t calls_max);
void lines_free(struct lines *ls); /* lines are cut, their transfers stay the caller's; NULL is fine */

/* Is it such a call? */
bool lines_suit(const struct transfer *t);
/* On its way: it ends in lines_ended(), never within this. RC_BAD_INPUT: its URL is nothing plain (leave it
** to curl); RC_NO_MEMORY. */
enum rc lines_start(struct lines *ls, struct transfer *t) MUST_CHECK;

#define LINE_EVENT (UINT64_C(1) << 63) /* epoll data: this and which line */
void lines_event(struct lines *ls, uint64_t data, uint32_t events);
/* Is it a line that has been dialled, with what curl says of it? The caller reads no more of curl's
** message. */
bool lines_dialled(struct lines *ls, CURL *easy, CURLcode code);
/* End what has no time left; ticks at which the first one has or had none, INT64_MAX: never. */
int64_t lines_hurry(struct lines *ls, int64_t now);
/* One that is over, with how in t->code; NULL: none. */
struct transfer *lines_ended(struct lines *ls);

#endif
