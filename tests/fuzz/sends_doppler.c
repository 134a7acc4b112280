/*
** sends_doppler.c -- any answer of Doppler Relay: first byte the status, up to a line end the Location and
** the Retry-After, then the body.
**
** Whatever comes, "sent" needs a 2xx and an object; ids are made of what ids are made of; a file is fetched
** from the two hosts only.
*/
#include "sends/doppler_inside.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define NOW    (INT64_C(1795339800) * 1000)
#define ORIGIN "https://api.dopplerrelay.com"
#define FILES  "files.dopplerrelay.com"

static const int statuses[] = { 200, 201, 202, 204, 302, 400, 401, 402, 403,
				404, 408, 413, 429, 500, 502, 503, 999 };

static void check(bool holds)
{
	if (!holds) abort();
}

static void add(struct http_answer *a, const char *name, const char *p, size_t len)
{
	memcpy(a->headers[a->header_count].name, name, strlen(name) + 1);
	memcpy(a->headers[a->header_count].value, p, len < 200 ? len : 200);
	a->header_count++;
}

static void check_send(struct arena *arena, const struct http_answer *a)
{
	struct verdict v;

	doppler_read_send(&v, arena, a, NOW);
	check(v.outcome < OUTCOME__MAX && v.why != NULL);
	if (v.outcome == OUTCOME_SENT) check(a->status >= 200 && a->status < 300);
	if (v.outcome == OUTCOME_REFUSED || v.outcome == OUTCOME_STOP)
		check(a->status >= 400 && a->status < 500);
	if (v.outcome == OUTCOME_HOLD) check(a->status == 402 && v.hold_ms > 0 && v.hold_ms <= 32 * DAY_MS);
	if (v.outcome != OUTCOME_SENT) check(channel_code_words(v.why) != NULL);
	check(v.provider_id[0] == '\0' || doppler_is_template_id(v.provider_id));
}

static void check_client(struct arena *arena, const struct http_answer *a, const struct value *json)
{
	struct doppler_template t;
	struct doppler_delivery d;
	struct doppler_limits l;
	const struct value *items = doppler_items(json);
	const char *url = "", *id = doppler_report_id(arena, json, a);
	bool is_done = false;

	check(strpbrk(id, "/&?#= \r\n") == NULL);
	doppler_report_state(arena, json, ORIGIN, FILES, &is_done, &url);
	check(is_done || url[0] == '\0');
	if (doppler_may_fetch(url, ORIGIN, FILES))
		check(strncasecmp(url, ORIGIN, strlen(ORIGIN)) == 0 ||
		      strncasecmp(url, "https://" FILES, strlen("https://" FILES)) == 0);
	if (doppler_read_template(arena, &t, json)) check(strlen(t.id) <= DOPPLER_TEMPLATE_ID_MAX);
	(void)doppler_body_of(json);
	doppler_read_limits(&l, json);
	check(l.daily_remaining >= -1 && l.monthly_remaining >= -1 && l.hourly_remaining >= -1);
	for (const struct value *v = items != NULL ? items->first : NULL; v != NULL; v = v->next)
		if (doppler_read_delivery(&d, v)) check(d.opens >= 0 && d.clicks >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *arena = arena_new((size_t)8 * 1024 * 1024);
	struct http_answer *a = calloc(1, sizeof(*a));
	struct value *json = NULL;
	const char *text, *end;
	char *body = NULL;
	size_t len;

	if (n < 2 || n > 100000 || arena == NULL || a == NULL) goto out;
	text = (const char *)p + 1;
	len = n - 1;
	a->end = HTTP_DONE;
	a->status = statuses[p[0] % (sizeof(statuses) / sizeof(*statuses))];
	end = memchr(text, '\n', len);
	if (end != NULL && memchr(text, '\0', (size_t)(end - text)) == NULL) {
		instant at;

		add(a, "Location", text, (size_t)(end - text));
		add(a, "Retry-After", text, (size_t)(end - text));
		(void)doppler_date(&at, a->headers[0].value);
		len -= (size_t)(end - text) + 1;
		text = end + 1;
	}
	body = malloc(len + 1);
	if (body == NULL) goto out;
	memcpy(body, text, len);
	body[len] = '\0';
	a->body = (struct bytes){ body, len };
	check_send(arena, a);
	if (json_parse(arena, &json, NULL, body, len) != RC_OK) json = NULL;
	check_client(arena, a, json);
out:
	free(body);
	free(a);
	arena_free(arena);
	return 0;
}
