/*
** wire.h -- a raw client for the tests of web: bytes out, bytes in, nothing understood on the way.
*/
#ifndef TESTS_UNIT_WEB_WIRE_H
#define TESTS_UNIT_WEB_WIRE_H

#include <stddef.h>

#define ANSWER_MAX (1024 * 1024) /* no test's answer is longer */

/* A connection to the port on loopback, or to a unix socket when path is not NULL; fails the test if refused.
 */
int wire_open(int port, const char *path);
void wire_send(int fd, const char *bytes, size_t len); /* a line cut by the server is no failure */
/* Until the server closes: "" when it closed without an answer. Lent until the next call. */
const char *wire_rest(int fd);
/* One answer of known Content-Length (or none for HEAD and 304), the connection stays open. */
const char *wire_answer(int fd, int is_head);
/* Open, send, read until closed. The request should say "Connection: close". */
const char *wire_ask(int port, const char *request);
/* Status of an answer, 0 when there is none. */
int wire_status(const char *answer);
const char *wire_body(const char *answer);
/* Value of a header (its first), "" if absent. Lent until the next call. */
const char *wire_header(const char *answer, const char *name);

#endif
