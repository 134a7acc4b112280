/*
** doppler_answer.c -- what Doppler Relay's answers mean: verdicts, codes and their sentences.
**
** Owns:   the tables of codes and reasons.
** Needs:  nothing but the bytes of an answer and the hour.
** Never:  keeps an address, a header or a body: details are masked lines of the problem document.
** Holds:  (1) SENT only with 2xx and a JSON object; (2) after the first byte only the answers of the table
**         below put a mail back (spec bulk-sends §9.3); everything else is unsure; (3) each code has a
**         sentence, and each of the channel's reasons too.
*/
#include "base/log_mask.h"
#include "base/text.h"
#include "outbox/channels/doppler.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RATE_LEAST_MS     500              /* contract §3: seconds, at least a half, one without a word */
#define RATE_USUAL_MS     SECOND_MS        /* … */
#define RATE_MOST_MS      (60 * SECOND_MS) /* spec §9.3: doubling up to a minute …                     */
#define RATE_ROWS         5                /* … five times, then a person looks                        */
#define RETRY_AFTER_MAX_S 86400            /* a longer wait is a mistake of the far side               */
#define UNREACHABLE_MS    (30 * SECOND_MS) /* nobody answers there: the others need not try at once     */
#define UNREACHABLE_MOST  (8 * 60 * SECOND_MS)
#define UNKNOWN_MS        SECOND_MS /* a template that is just being saved is there a moment later */
#define UNKNOWN_TRIES     3
#define HOLD_MOST_MS      (32 * DAY_MS) /* no period is longer than a month                          */
#define LINE_MAX          200

const struct channel_code doppler_codes[] = {
	{ "doppler_quota_exceeded",
	  N_("Doppler Relay's sending limit is used up; it goes on when the limit starts anew.") },
	{ "doppler_http_400", N_("Doppler Relay refused this mail: something in it is not valid.") },
	{ "doppler_domain",
	  N_("Doppler Relay sends nothing because the sender's domain is not active there; verify the domain.") },
	{ "doppler_http_401",
	  N_("Doppler Relay refused the API key; the mail leaves when the key is corrected.") },
	{ "doppler_http_402", N_("Doppler Relay asks for payment or a larger plan; the mail waits.") },
	{ "doppler_http_403",
	  N_("Doppler Relay does not let this account send: wrong account, not activated, or not enough rights.") },
	{ "doppler_http_404", N_("Doppler Relay does not know the template or the account of this mail.") },
	{ "doppler_http_408",
	  N_("Doppler Relay waited too long for the mail; it is not certain whether it was taken.") },
	{ "doppler_http_413", N_("The mail is too large for Doppler Relay; use smaller attachments.") },
	{ "doppler_http_429", N_("Doppler Relay asked to wait; the mail is tried again.") },
	{ "doppler_http_4*", N_("Doppler Relay refused this mail.") },
	{ "doppler_http_5*",
	  N_("Doppler Relay answered that something went wrong on its side; it is not certain whether the mail was taken.") },
	{ "response_unparseable",
	  N_("Doppler Relay answered with something that cannot be read; it is not certain whether the mail was taken.") },
	{ "connect_failed", N_("Doppler Relay could not be reached; the mail is tried again.") },
	{ "timeout", N_("The mail was handed over, and no answer came in time.") },
	{ "connection_error",
	  N_("The line to Doppler Relay broke after the mail was handed over; it is not certain whether it was taken.") },
	{ "dispatch_exception",
	  N_("Doppler Relay answered in a way that nobody foresaw; it is not certain whether the mail was taken.") },
	{ .why = NULL },
};

const struct channel_reason doppler_reasons[] = {
	{ "no_key", "urgent",
	  N_("Doppler Relay has no API key (doppler.api_key). Mails through it wait until it is set.") },
	{ "no_account", "urgent",
	  N_("Doppler Relay has no account number (doppler.account_id). Mails through it wait until it is set.") },
	{ "no_base", "urgent",
	  N_("The address of Doppler Relay cannot be used (doppler.base_url): it must begin with https://.") },
	{ "no_quota", "urgent",
	  N_("The guard of Doppler Relay's quota is on, but not all three limits are more than zero (doppler.quota_monthly, "
	     "doppler.quota_daily, doppler.quota_hourly). Mails through it wait.") },
	{ "doppler_http_401", "urgent",
	  N_("Doppler Relay refuses the API key. Mails wait until it is corrected.") },
	{ "doppler_http_403", "urgent",
	  N_("Doppler Relay does not let this account send. Mails wait: look at the account, its activation and its domain.") },
	{ "doppler_domain", "urgent",
	  N_("The sender's domain is not active at Doppler Relay. Mails wait until it is verified there.") },
	{ "doppler_http_429", "warning",
	  N_("Doppler Relay asked to wait again and again. Sending is stopped: go on when its service is less busy.") },
	{ "doppler_quota_exceeded", "",
	  N_("Doppler Relay's sending limit is used up. The rest follows when it starts anew.") },
	{ "doppler_http_402", "",
	  N_("Doppler Relay asks for payment or a larger plan. It is asked again later.") },
	{ "connect_failed", "", N_("Doppler Relay cannot be reached. It is tried again by itself.") },
	{ .why = NULL },
};

/* clang-format off */
#define ONE(n)     "doppler_http_" #n
#define TEN(n)     ONE(n##0), ONE(n##1), ONE(n##2), ONE(n##3), ONE(n##4), ONE(n##5), ONE(n##6), ONE(n##7), ONE(n##8), ONE(n##9)
#define HUNDRED(n) TEN(n##0), TEN(n##1), TEN(n##2), TEN(n##3), TEN(n##4), TEN(n##5), TEN(n##6), TEN(n##7), TEN(n##8), TEN(n##9)
/* clang-format on */

const char *doppler_http_word(int status)
{
	static const char *const words[] = { HUNDRED(4), HUNDRED(5) };

	return status >= 400 && status < 600 ? words[status - 400] : "dispatch_exception";
}

/* Problem documents */

static struct value *object_of(struct arena *a, const struct http_answer *answer)
{
	struct value *json = NULL;

	if (answer->body.len == 0 || json_parse(a, &json, NULL, answer->body.p, answer->body.len) != RC_OK ||
	    json->type != VALUE_MAP)
		return NULL;
	return json;
}

/* "…/400.1-validation-error" also names the pair. */
static int code_of_type(const char *type, int status)
{
	char mark[16];
	const char *at;

	snprintf(mark, sizeof(mark), "/%d.", status);
	at = strstr(type, mark);
	if (at == NULL) return -1;
	at += strlen(mark);
	if (*at < '0' || *at > '9') return -1;
	return at[1] >= '0' && at[1] <= '9' ? (at[0] - '0') * 10 + at[1] - '0' : at[0] - '0';
}

/* Bytes that do not form text are left out, control characters become blanks. */
static size_t keep(char *out, size_t size, const char *text)
{
	size_t n = 0, len = strlen(text);

	for (size_t i = 0; i < len && n + 1 < size;) {
		unsigned char c = (unsigned char)text[i];
		size_t step;

		if (c < 0x80) { /* nearly always */
			out[n++] = c < 0x20 ? ' ' : text[i];
			i++;
			continue;
		}
		step = text_sequence(text + i, len - i);
		if (step == 0) {
			i++;
			continue;
		}
		if (n + step + 1 > size) break;
		memcpy(out + n, text + i, step);
		n += step;
		i += step;
	}
	out[n] = '\0';
	return n;
}

static bool is_graphic(char c)
{
	return c > ' ' && c < 0x7f;
}

static const char *masked_line(struct arena *a, const char *text)
{
	char *line = arena_alloc(a, LINE_MAX + 1);
	size_t n;

	if (line == NULL) return "";
	n = keep(line, LINE_MAX + 1, text);
	n = log_mask(line, n);
	line[n] = '\0';
	return n > 0 && is_graphic(line[0]) && is_graphic(line[n - 1]) ? line : text_trim(a, line);
}

static const char *line_of(struct arena *a, const struct value *json)
{
	const struct value *errors = value_get(json, "errors");
	const struct value *first = errors != NULL && errors->type == VALUE_LIST ? errors->first : NULL;
	const char *title = value_text_of(value_get(json, "title"), "");
	const char *key = value_text_of(value_get(first, "key"), "");
	const char *detail = value_text_of(value_get(first, "detail"), "");

	if (*title == '\0') title = value_text_of(value_get(json, "message"), "");
	if (*detail == '\0') detail = value_text_of(value_get(json, "detail"), "");
	if (*key != '\0') detail = arena_join(a, key, " ", detail, NULL);
	if (*detail == '\0' || strcmp(title, detail) == 0) return title;
	return *title == '\0' ? detail : arena_join(a, title, ": ", detail, NULL);
}

void doppler_problem(struct doppler_problem *out, struct arena *a, const struct http_answer *answer)
{
	struct value *json = object_of(a, answer);
	int64_t code = value_int_of(value_get(json, "errorCode"), -1);
	const char *line;

	if (code < 0 || code > 999)
		code = code_of_type(value_text_of(value_get(json, "type"), ""), answer->status);
	line = json != NULL ? line_of(a, json)
			    : channel_plain_words(a, answer->body.p != NULL ? answer->body.p : "", LINE_MAX);
	*out = (struct doppler_problem){ .error_code = (int)code,
					 .line = masked_line(a, line),
					 .json = json };
}

/* Periods */

instant doppler_period_end(const char *period, instant now)
{
	day today = (day)(now / DAY_MS);

	if (strncasecmp(period, "month", 5) == 0) {
		int year, month, dom;

		day_split(today, &year, &month, &dom);
		return (instant)day_add_months(today - (dom - 1), 1) * DAY_MS;
	}
	if (strncasecmp(period, "da", 2) == 0) return ((instant)today + 1) * DAY_MS;
	return (now / HOUR_MS + 1) * HOUR_MS;
}

instant doppler_reset_at(const struct value *json, instant now)
{
	const char *text = value_text_of(value_get(json, "resetDate"), "");
	instant at = 0;

	if (instant_parse(&at, text) == RC_OK && at > now && at - now <= HOLD_MOST_MS) return at;
	return doppler_period_end(value_text_of(value_get(json, "period"), ""), now);
}

/* Ids */

static bool is_id_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

bool doppler_is_template_id(const char *id)
{
	size_t n = 0;

	while (n <= DOPPLER_TEMPLATE_ID_MAX && is_id_char(id[n]))
		n++;
	return n > 0 && n <= DOPPLER_TEMPLATE_ID_MAX && id[n] == '\0';
}

/* The last segment of an address, without its query. */
static const char *last_segment(struct arena *a, const char *href)
{
	size_t len = strcspn(href, "?#"), from;

	while (len > 0 && href[len - 1] == '/')
		len--;
	for (from = len; from > 0 && href[from - 1] != '/'; from--)
		;
	return arena_bytes(a, href + from, len - from);
}

const char *doppler_created_id(struct arena *a, const struct value *json, const struct http_answer *answer)
{
	const struct value *v = value_get(json, "createdResourceId");
	const char *location = http_header(answer, "Location"), *id = value_text_of(v, "");

	if (v != NULL && v->type == VALUE_INT) id = arena_printf(a, "%lld", (long long)v->integer);
	if (*id == '\0' && location != NULL) id = last_segment(a, location);
	for (const char *p = id; *p != '\0'; p++)
		if (!is_id_char(*p)) return "";
	return id;
}

/* Verdicts of a send */

static void put(struct verdict *v, enum outcome outcome, const char *why)
{
	v->outcome = outcome;
	v->why = why;
}

static int64_t retry_after_ms(const struct http_answer *answer)
{
	const char *text = http_header(answer, "Retry-After");
	int64_t ms = 0, unit = SECOND_MS;

	if (text == NULL || *text < '0' || *text > '9') return RATE_USUAL_MS;
	for (; *text >= '0' && *text <= '9' && ms < RETRY_AFTER_MAX_S * SECOND_MS; text++)
		ms = ms * 10 + (*text - '0') * SECOND_MS;
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9' && unit > 1; text++)
			ms += (*text - '0') * (unit /= 10);
	while (*text >= '0' && *text <= '9')
		text++;
	if (*text != '\0') return RATE_USUAL_MS; /* a date, or nothing we know */
	if (ms > RETRY_AFTER_MAX_S * SECOND_MS) ms = RETRY_AFTER_MAX_S * SECOND_MS;
	return ms < RATE_LEAST_MS ? RATE_LEAST_MS : ms;
}

static void read_silence(struct verdict *v, const struct http_answer *answer)
{
	keep(v->detail, sizeof(v->detail), answer->error);
	if (answer->end == HTTP_NOT_SENT) {
		put(v, OUTCOME_NOT_YET, "connect_failed");
		v->delay_ms = v->hold_ms = UNREACHABLE_MS;
		v->hold_most_ms = UNREACHABLE_MOST;
	} else if (answer->end == HTTP_ODD) {
		put(v, OUTCOME_UNSURE, "response_unparseable");
	} else {
		/* The link's own word for it (transfer.c). */
		put(v, OUTCOME_UNSURE,
		    strcmp(answer->error, "no answer came in time") == 0 ? "timeout" : "connection_error");
	}
}

/* Where the provider says the mail is, for whoever looks for it there. */
static const char *whereabouts(const struct value *json, const struct http_answer *answer)
{
	const struct value *links = value_get(json, "_links");
	const char *location = http_header(answer, "Location");

	if (location != NULL && *location != '\0') return location;
	for (const struct value *l = links != NULL && links->type == VALUE_LIST ? links->first : NULL;
	     l != NULL; l = l->next) {
		const char *href = value_text_of(value_get(l, "href"), "");

		if (strstr(href, "/deliveries") != NULL) return href;
	}
	return "";
}

static void read_accepted(struct verdict *v, struct arena *a, const struct http_answer *answer)
{
	const struct value *json = object_of(a, answer);
	const char *id;

	if (json == NULL) {
		put(v, OUTCOME_UNSURE, "response_unparseable");
		return;
	}
	put(v, OUTCOME_SENT, "accepted");
	id = doppler_created_id(a, json, answer);
	if (strlen(id) < sizeof(v->provider_id)) memcpy(v->provider_id, id, strlen(id) + 1);
	keep(v->detail, sizeof(v->detail), masked_line(a, whereabouts(json, answer)));
}

static void read_refusal(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now)
{
	int status = answer->status;
	const char *word = doppler_http_word(status);
	struct doppler_problem p;

	doppler_problem(&p, a, answer);
	if (p.error_code >= 0)
		snprintf(v->detail, sizeof(v->detail), "%d.%d %s", status, p.error_code, p.line);
	else
		snprintf(v->detail, sizeof(v->detail), "%d %s", status, p.line);
	if (status == 402) {
		put(v, OUTCOME_HOLD, p.error_code == 1 ? "doppler_quota_exceeded" : word);
		v->hold_ms = doppler_reset_at(p.json, now) - now;
	} else if (status == 401 || status == 403) {
		put(v, OUTCOME_STOP, word);
	} else if (status == 429) {
		put(v, OUTCOME_NOT_YET, word);
		v->delay_ms = v->hold_ms = retry_after_ms(answer);
		v->hold_most_ms = v->hold_ms > RATE_MOST_MS ? v->hold_ms : RATE_MOST_MS;
		v->hold_rows = RATE_ROWS;
	} else if (status == 404) {
		/* The template, or the account's address: not this mail's fault. */
		put(v, OUTCOME_NOT_YET, word);
		v->delay_ms = UNKNOWN_MS;
		v->retry_max = UNKNOWN_TRIES;
		v->is_batchs = true;
	} else if (status == 400 && p.error_code == 4) {
		/* The default domain is not active: each of the others would be refused alike. */
		put(v, OUTCOME_STOP, "doppler_domain");
	} else if (status >= 400 && status < 500 && status != 408) {
		put(v, OUTCOME_REFUSED, word);
	} else {
		put(v, OUTCOME_UNSURE, word);
	}
}

void doppler_read_send(struct verdict *v, struct arena *a, const struct http_answer *answer, instant now)
{
	memset(v, 0, sizeof(*v));
	v->limits = (struct channel_limits){ LIMIT_UNKNOWN, LIMIT_UNKNOWN, LIMIT_UNKNOWN, LIMIT_UNKNOWN,
					     LIMIT_UNKNOWN, LIMIT_UNKNOWN, false };
	if (answer->end != HTTP_DONE) {
		read_silence(v, answer);
		return;
	}
	v->http = answer->status;
	if (answer->status >= 200 && answer->status < 300)
		read_accepted(v, a, answer);
	else
		read_refusal(v, a, answer, now);
}
