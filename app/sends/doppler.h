/*
** doppler.h -- Doppler Relay beyond sending: templates, limits, reports, deliveries
** (contracts/doppler-relay.md).
**
** All calls wait for the network: jobs and commands only, never inside a transaction, never in a request.
** Reads are repeated by §10.2 (network, 429, 502, 503, 504: up to three tries), a report request is not. A
** failure's sentence is translated, names what to do next, and has cx->error_code "doppler_http_401"…; never
** a key, header or body.
*/
#ifndef RECADO_SENDS_DOPPLER_H
#define RECADO_SENDS_DOPPLER_H

#include "sends/sends.h"

#define DOPPLER_ID_MAX 128

/* RC_BAD_INPUT with the sentence and where to set it: no key or no account. No network. */
enum rc doppler_is_set(struct cx *cx) MUST_CHECK;

struct doppler_template {
	const char *id, *name, *subject, *from_email, *from_name, *body_type, *body; /* body NULL: not told */
};
/* All pages, at most 50: calls each template. */
typedef enum rc doppler_template_fn(struct cx *cx, void *arg, const struct doppler_template *t);
enum rc doppler_templates(struct cx *cx, doppler_template_fn *each, void *arg) MUST_CHECK;
/* With its body: by GET, else by the body's own call. RC_NOT_FOUND. */
enum rc doppler_template_get(struct cx *cx, struct doppler_template *out, const char *id) MUST_CHECK;
/* id NULL or "": new, *new_id (arena). The body by its own call. */
enum rc doppler_template_save(struct cx *cx, const char **new_id,
			      const struct doppler_template *t) MUST_CHECK;
enum rc doppler_template_delete(struct cx *cx, const char *id) MUST_CHECK; /* 404 is as good as done */

struct doppler_limits {
	bool is_unlimited, needs_dkim, needs_domain;
	int64_t monthly_remaining, daily_remaining, hourly_remaining; /* -1: not told */
	instant monthly_reset_at, daily_reset_at, hourly_reset_at;
};
enum rc doppler_limits(struct cx *cx, struct doppler_limits *out) MUST_CHECK;

/* Ask for a report of [from, until): *request_id (arena). One attempt; RC_IO with nothing known: it may
** exist. */
enum rc doppler_report_request(struct cx *cx, const char **request_id, instant from,
			       instant until) MUST_CHECK;
/* One look: *is_done, *file_url (arena; "" = processed without a file: no rows). RC_TRY_LATER: ask again. */
enum rc doppler_report_poll(struct cx *cx, bool *is_done, const char **file_url,
			    const char *request_id) MUST_CHECK;
/* Stream the file into fd (from its start), without the key: https (http on loopback), the two hosts only, at
** most max bytes. RC_BAD_INPUT: not a report (HTML…), RC_TOO_LARGE, RC_TRY_LATER. */
enum rc doppler_report_download(struct cx *cx, int fd, int64_t *size, const char *file_url,
				int64_t max) MUST_CHECK;

struct doppler_delivery {
	const char *address, *subject, *status, *bounce_type;
	instant at;
	int64_t opens, clicks;
};
typedef enum rc doppler_delivery_fn(struct cx *cx, void *arg, const struct doppler_delivery *d);
/* filter: "" or at least 3 characters. */
enum rc doppler_deliveries(struct cx *cx, instant from, instant until, const char *filter,
			   doppler_delivery_fn *each, void *arg) MUST_CHECK;

#endif
