/*
** doppler_report.c -- reports of Doppler Relay: asking, looking, fetching the file (contract §8).
**
** Owns:   nothing.
** Needs:  doppler_ask; the caller's file.
** Never:  asks twice for one report; sends the key to another host than the API's; fetches from a host that
**         is neither the API's nor doppler.files_host.
** Holds:  a file that begins like a page is no report.
*/
#include "sends/doppler_inside.h"

#include "base/text.h"
#include "outbox/channels/chat.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define HEAD_SIZE     64 /* of a file: a byte order mark, blanks, and "<" */
#define REDIRECTS_MAX 3
#define REQUEST_MAX   ((size_t)1024)

/* Addresses */

/* "https://host:port" of a URL: its length, 0: none, or with a user in it. */
static size_t authority_of(const char *url)
{
	const char *from = strncasecmp(url, "https://", 8) == 0  ? url + 8
			   : strncasecmp(url, "http://", 7) == 0 ? url + 7
								 : NULL;
	size_t n;

	if (from == NULL) return 0;
	n = strcspn(from, "/?#");
	if (n == 0 || memchr(from, '@', n) != NULL || memchr(from, '\\', n) != NULL) return 0;
	return (size_t)(from - url) + n;
}

bool doppler_may_fetch(const char *url, const char *origin, const char *files)
{
	size_t n = authority_of(url), base = authority_of(origin), host;
	bool is_https = strncasecmp(url, "https://", 8) == 0;
	const char *from, *colon;

	if (n == 0 || strpbrk(url, " \t\r\n") != NULL) return false;
	/* its scheme was checked */
	if (base > 0 && n == base && strncasecmp(url, origin, n) == 0) return true;
	from = strchr(url, ':') + 3;
	host = n - (size_t)(from - url);
	colon = memchr(from, ':', host);
	/* another port: another service */
	if (colon != NULL && (is_https || !chat_is_loopback(url))) return false;
	if (colon != NULL) host = (size_t)(colon - from);
	if (files[0] == '\0' || strlen(files) != host || strncasecmp(from, files, host) != 0) return false;
	return is_https || chat_is_loopback(url);
}

/* Ids */

static bool is_id(const char *p)
{
	size_t n = strspn(p, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");

	return n > 0 && n <= DOPPLER_ID_MAX && p[n] == '\0';
}

/* Query reportRequestId, else a last segment of digits. "" = neither. */
static const char *id_in_href(struct arena *a, const char *href)
{
	static const char name[] = "reportRequestId=";
	const char *at = strstr(href, name);
	size_t len = strcspn(href, "?#"), from;
	const char *id;

	if (at != NULL) {
		at += sizeof(name) - 1;
		id = arena_bytes(a, at, strcspn(at, "&#"));
		return is_id(id) ? id : "";
	}
	for (from = len; from > 0 && href[from - 1] >= '0' && href[from - 1] <= '9'; from--)
		;
	return from < len && from > 0 && href[from - 1] == '/' ? arena_bytes(a, href + from, len - from) : "";
}

const char *doppler_report_id(struct arena *a, const struct value *json, const struct http_answer *answer)
{
	static const char *const names[] = { "reportRequestId", "createdResourceId", "id" };
	const struct value *links = value_get(json, "_links");
	const char *location = http_header(answer, "Location"), *id;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct value *v = value_get(json, names[i]);

		id = v != NULL && v->type == VALUE_INT ? arena_printf(a, "%lld", (long long)v->integer)
						       : value_text_of(v, "");
		if (is_id(id)) return id;
	}
	for (const struct value *l = links != NULL && links->type == VALUE_LIST ? links->first : NULL;
	     l != NULL; l = l->next)
		if (*(id = id_in_href(a, value_text_of(value_get(l, "href"), ""))) != '\0') return id;
	return location != NULL ? id_in_href(a, location) : "";
}

/* Asking */

enum rc doppler_report_request(struct cx *cx, const char **request_id, instant from, instant until)
{
	struct doppler_reply r = { .json = NULL };
	struct doppler_call call = { .purpose = "doppler.report",
				     .method = "POST",
				     .path = "/reports/reportrequest",
				     .timeout_ms = (int)setting_int(cx->env->settings, "reports.timeout_s") *
						   1000 };
	char begin[RFC3339_SIZE], end[RFC3339_SIZE];
	struct sb b;
	enum rc rc;

	if (until > cx_now(cx)) until = cx_now(cx);
	if (from >= until)
		return cx_fail(cx, RC_BAD_INPUT, "%s",
			       _("A report needs a day that has begun: choose an earlier one."));
	instant_text(begin, from);
	instant_text(end, until);
	sb_init_arena(&b, cx->arena, REQUEST_MAX);
	sb_printf(&b, "{\"start_date\":\"%s\",\"end_date\":\"%s\"%s}", begin, end,
		  setting_bool(cx->env->settings, "doppler.report_resource") ? ",\"resource\":\"deliveries\""
									     : "");
	if ((rc = sb_result(&b)) != RC_OK) return rc;
	call.body = (struct bytes){ b.p, b.len };
	rc = doppler_ask(cx, &r, &call);
	if (rc != RC_OK) return rc;
	*request_id = doppler_report_id(cx->arena, r.json, &r.http);
	if ((*request_id)[0] != '\0') return RC_OK;
	cx->error_code = "report_without_id";
	return cx_fail(cx, RC_IO, "%s",
		       _("Doppler Relay took the request but did not say which report it is: ask again."));
}

/* Looking */

static bool is_yes(const struct value *v)
{
	return value_bool_of(v, false) || value_int_of(v, 0) == 1 ||
	       strcasecmp(value_text_of(v, ""), "true") == 0;
}

void doppler_report_state(struct arena *a, const struct value *json, const char *origin, const char *files,
			  bool *is_done, const char **url)
{
	const struct value *items = doppler_items(json), *v = items != NULL ? items->first : json;
	const struct value *links = value_get(v, "_links");

	*is_done = is_yes(value_get(v, "processed"));
	*url = *is_done ? arena_text(a, value_text_of(value_get(v, "file_path"), "")) : "";
	if (!*is_done || (*url)[0] != '\0') return;
	for (const struct value *l = links != NULL && links->type == VALUE_LIST ? links->first : NULL;
	     l != NULL; l = l->next) {
		const char *href = value_text_of(value_get(l, "href"), "");
		size_t n = authority_of(href);

		/* Only on the files' host: links to the API itself lead back to the question. */
		if (n > 0 && strncasecmp(href, origin, n) != 0 && doppler_may_fetch(href, origin, files))
			*url = arena_text(a, href);
	}
}

static const char *poll_path(struct cx *cx, const char *request_id)
{
	return arena_join(cx->arena, "/reports/reportrequest?reportRequestId=", request_id, NULL);
}

/* The answer is the file itself: it is fetched by the same call, told to be CSV. */
static bool is_file(const struct http_answer *a)
{
	const char *type = http_header(a, "Content-Type");

	return a->status == 200 && type != NULL && strncasecmp(type, "text/csv", 8) == 0;
}

enum rc doppler_report_poll(struct cx *cx, bool *is_done, const char **file_url, const char *request_id)
{
	struct doppler_reply r = { .json = NULL };
	struct doppler_call call = {
		.purpose = "doppler.poll",
		.method = "GET",
		.timeout_ms = (int)setting_int(cx->env->settings, "reports.timeout_s") * 1000,
		.missing = _("Doppler Relay does not know this report any more: ask for it again.")
	};
	const char *message = cx->message, *code = cx->error_code;
	char origin[CHANNEL_URL_SIZE];
	enum rc rc;

	*is_done = false;
	*file_url = "";
	if (!is_id(request_id)) return cx_fail(cx, RC_NOT_FOUND, "%s", call.missing);
	call.path = poll_path(cx, request_id);
	rc = doppler_ask(cx, &r, &call);
	doppler_origin(origin, cx->env);
	if ((rc == RC_OK || rc == RC_TOO_LARGE) && is_file(&r.http)) {
		cx->message = message;
		cx->error_code = code;
		*is_done = true;
		*file_url = arena_join(cx->arena, origin, call.path, "&format=csv", NULL);
		return RC_OK;
	}
	if (rc != RC_OK || r.http.status == 202 || r.json == NULL) return rc;
	doppler_report_state(cx->arena, r.json, origin, setting_text(cx->env->settings, "doppler.files_host"),
			     is_done, file_url);
	return RC_OK;
}

/* Fetching */

static bool is_page(int fd)
{
	char head[HEAD_SIZE];
	ssize_t n = pread(fd, head, sizeof(head), 0), at = 0;

	if (n >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0) at = 3;
	while (at < n && (head[at] == ' ' || head[at] == '\t' || head[at] == '\r' || head[at] == '\n'))
		at++;
	return at < n && head[at] == '<';
}

/* The whole address of a redirect's Location. */
static const char *follow(struct cx *cx, const char *url, const char *location)
{
	if (location[0] != '/' || location[1] == '/') return location;
	return arena_printf(cx->arena, "%.*s%s", (int)authority_of(url), url, location);
}

static enum rc fail_page(struct cx *cx)
{
	cx->error_code = "report_not_csv";
	return cx_fail(
		cx, RC_BAD_INPUT, "%s",
		_("Doppler Relay sent a page instead of the report: try again later, or ask for it again."));
}

static enum rc fail_host(struct cx *cx)
{
	cx->error_code = "report_host";
	return cx_fail(
		cx, RC_BAD_INPUT, "%s",
		_("The report's file is on a host that is not known: if it is the provider's, set doppler.files_host to it."));
}

/* Of the API itself the file is asked for with the key, of another host never. */
static enum rc fetch(struct cx *cx, struct doppler_reply *r, int fd, const char *url, int64_t max)
{
	struct doppler_call call = {
		.purpose = "doppler.file",
		.method = "GET",
		.accept = "text/csv",
		.missing = _("The report's file is not there any more: ask for the report again."),
		.has_sink = true,
		.fd = fd,
		.max = (size_t)max
	};
	char origin[CHANNEL_URL_SIZE];
	size_t n;

	doppler_origin(origin, cx->env);
	n = strlen(origin);
	call.is_foreign = strncmp(url, origin, n) != 0 || strncmp(url + n, "/reports/", 9) != 0;
	call.path = call.is_foreign ? url : url + n;
	return doppler_ask(cx, r, &call);
}

enum rc doppler_report_download(struct cx *cx, int fd, int64_t *size, const char *file_url, int64_t max)
{
	const char *url = file_url, *files = setting_text(cx->env->settings, "doppler.files_host");
	const char *message = cx->message;
	struct doppler_reply r = { .json = NULL };
	char origin[CHANNEL_URL_SIZE];
	enum rc rc = RC_OK;

	doppler_origin(origin, cx->env);
	for (int i = 0; i <= REDIRECTS_MAX; i++) {
		const char *location;

		if (!doppler_may_fetch(url, origin, files)) return fail_host(cx);
		rc = fetch(cx, &r, fd, url, max);
		location = http_header(&r.http, "Location");
		if (rc == RC_OK || r.http.end != HTTP_DONE || r.http.status < 300 || r.http.status >= 400 ||
		    location == NULL)
			break;
		cx->message = message;
		cx->error_code = NULL;
		url = follow(cx, url, location);
	}
	if (rc != RC_OK) return rc;
	if (r.http.status != 200) return fail_page(cx);
	if (is_page(fd)) return fail_page(cx);
	*size = r.http.sunk;
	return RC_OK;
}
