/*
** doppler_inside.h -- inside doppler*.c only: one call to Doppler Relay and what it answered.
*/
#ifndef RECADO_SENDS_DOPPLER_INSIDE_H
#define RECADO_SENDS_DOPPLER_INSIDE_H

#include "outbox/channels/doppler.h"
#include "sends/doppler.h"

#define DOPPLER_ANSWER_MAX ((size_t)1024 * 1024) /* contract §10.3 */

struct doppler_call {
	const char *purpose; /* for the log: "doppler.templates"                              */
	const char *method;
	const char *path; /* with its slash: behind the base, or behind the account            */
	bool is_account;  /* "/accounts/ID" before the path                                    */
	struct bytes body;
	int timeout_ms;      /* 0: doppler.timeout_s                                           */
	const char *accept;  /* NULL: JSON                                                     */
	const char *missing; /* the sentence for a 404, translated; NULL: a general one          */
	/* A file: into fd, at most max bytes. */
	bool has_sink, is_foreign; /* foreign: path is a whole address, asked without the key      */
	int fd;
	size_t max;
};
struct doppler_reply {
	struct http_answer http;
	const struct value *json; /* NULL: the body is empty, or not JSON                          */
};

/* One call, repeated by contract §10.2 unless it is a POST. RC_OK: a 2xx; out's parts live in cx's arena.
** Else the sentence is in cx, and cx->error_code. RC_TRY_LATER network, 408, 429, 5xx; RC_DENIED 401, 403;
** RC_NOT_FOUND 404; RC_TOO_MANY 402; RC_TOO_LARGE; RC_BAD_INPUT other 4xx. A POST of which nobody knows what
** became of it: RC_IO. */
enum rc doppler_ask(struct cx *cx, struct doppler_reply *out, const struct doppler_call *call) MUST_CHECK;

/* Items of a list: bare, or in items, templates, data, data.items (contract §6); NULL: none. */
const struct value *doppler_items(const struct value *json);
/* Where the next page is, a path of ours behind the base; NULL: this was the last one. Arena. */
const char *doppler_next_page(struct cx *cx, const struct value *json);
/* href of the first link whose rel or href ends so; NULL. */
const char *doppler_link(const struct value *json, const char *rel_end, const char *href_end);

/* All pages of a list, each item in an arena of its page. */
#define DOPPLER_PAGES_MAX 50 /* contract §6: pagination */
typedef enum rc doppler_item_fn(struct cx *cx, void *arg, const struct value *item);
enum rc doppler_each(struct cx *cx, const char *purpose, const char *path, doppler_item_fn *each,
		     void *arg) MUST_CHECK;

/* Pure parts, for the tests and the fuzzer. */

/* May this file be fetched (contract §8.3)? origin: doppler_origin(); files: doppler.files_host. */
bool doppler_may_fetch(const char *url, const char *origin, const char *files);
/* Id of a report out of all the places it may be in; "" = none. Arena. */
const char *doppler_report_id(struct arena *a, const struct value *json, const struct http_answer *answer);
/* A look at a report: *is_done, *url ("" = none told). Arena. */
void doppler_report_state(struct arena *a, const struct value *json, const char *origin, const char *files,
			  bool *is_done, const char **url);
bool doppler_read_template(struct arena *a, struct doppler_template *out, const struct value *v);
/* The HTML of a template's answer, NULL: none in it. */
const char *doppler_body_of(const struct value *json);
void doppler_read_limits(struct doppler_limits *out, const struct value *json);
bool doppler_read_delivery(struct doppler_delivery *out, const struct value *v);
/* Instant of a Date header (RFC 9110 §5.6.7, IMF-fixdate only). */
bool doppler_date(instant *out, const char *text);

#endif
