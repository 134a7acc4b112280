/*
** line.h -- inside link only: messages over lines of their own, a request and its answer at a time.
**
** libcurl dials, line.c speaks. libcurl finds the name, tries its addresses, connects within the time limit,
** encrypts and judges the certificate, and carries bytes (CURLOPT_CONNECT_ONLY, curl_easy_send and _recv).
** The request is written and its answer read here (line.c, intake.c): HTTP/1.1, one at a time, nothing else.
**
** Only for the calls that a house makes a hundred thousand times: a body, not to be repeated, to a configured
** address (so no address guard is asked). All others are libcurl's from end to end.
**
** Why: a message cost libcurl 190,000 instructions, most of them for taking the same URL apart and printing
** the same head; 29 to 36 us of processor, here 10 to 16. And the promise that no byte of a message leaves
** twice is kept in one place that can be read, not by refusing libcurl the means to repeat (transfer.c).
**
** It can go again as soon as libcurl sends a prepared head, or takes as little for it: let lines_suit() say
** no, and everything is libcurl's, which is told all it needs in transfer.c and passes the same tests
** (tests/unit/link/test_line.c asks both ways the same questions).
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
/* End calls that have no time left, and lines that rested too long; ticks at which the next one has or had
** none, INT64_MAX: never. */
int64_t lines_hurry(struct lines *ls, int64_t now);
/* One that is over, with how in t->code; NULL: none. */
struct transfer *lines_ended(struct lines *ls);

#endif
