/*
** peer.h -- a server that does what a script says, down to the byte: for tests of what happens when
** lines are cut.
*/
#ifndef RECADO_TESTS_LINK_PEER_H
#define RECADO_TESTS_LINK_PEER_H

#include "base/cx.h"
#include "link/http.h"

enum peer_what {
	PEER_END,       /* close the connection                                            */
	PEER_READ,      /* one whole request, headers and body; counted and kept            */
	PEER_READ_HEAD, /* only the headers                                             */
	PEER_SAY,       /* these bytes                                                      */
	PEER_DRIP,      /* these bytes, each by itself                                       */
	PEER_FILL,      /* that many 'x'                                                    */
	PEER_RESET,     /* close with RST                                                   */
	PEER_HOLD,      /* nothing more, until the client goes                              */
	PEER_AGAIN      /* from the first step on                                          */
};

struct peer_step {
	enum peer_what what;
	const char *text;
	size_t size;
};

#define PEER_OK    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
#define PEER_STEPS 12

/* Steps as scripts write them. */
/* clang-format off */
#define READ      { PEER_READ, NULL, 0 }
#define READ_HEAD { PEER_READ_HEAD, NULL, 0 }
#define SAY(text) { PEER_SAY, text, 0 }
#define DRIP(text) { PEER_DRIP, text, 0 }
#define FILL(n)   { PEER_FILL, NULL, n }
#define CUT       { PEER_END, NULL, 0 }
#define RESET     { PEER_RESET, NULL, 0 }
#define HOLD      { PEER_HOLD, NULL, 0 }
#define AGAIN     { PEER_AGAIN, NULL, 0 }
/* clang-format on */

struct peer;
/* Connection i follows scripts[i], later ones the last. */
struct peer *peer_start(const struct peer_step scripts[][PEER_STEPS], size_t count, bool is_tls);
void peer_stop(struct peer *p);
int peer_port(const struct peer *p);
int peer_connections(struct peer *p);
int peer_requests(struct peer *p);               /* whole ones                          */
const char *peer_request(struct peer *p, int i); /* text of the i-th whole one           */
const char *peer_certificate(void);              /* PEM of the authority that signed peers of this process */

/* The client's side: a link in an env of its own, and one call run to its end. */
struct client {
	struct env env;
	struct link *link;
	struct http_answer answer;
	char body[4096];
	int done;
};
void client_start(struct client *c, int connections);
void client_stop(struct client *c);
/* A POST that must not repeat to http(s)://127.0.0.1:port/path, configured; 5 s at most. */
struct http_request client_post(char url[100], int port, const char *body);
void client_begin(struct client *c, const struct http_request *r);
/* Begin and poll until it is done. */
const struct http_answer *client_run(struct client *c, const struct http_request *r);
void client_wait(struct client *c, int done);

#endif
