/*
** doppler_list.c -- limits of the account and its deliveries at Doppler Relay (contract §5, §7).
**
** Owns:   nothing.
** Needs:  doppler_ask.
*/
#include "sends/doppler_inside.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

#define FILTER_LEAST 3 /* contract §7 */
#define FILTER_MAX   254
#define PATH_SIZE    ((size_t)2048)

static void read_window(const struct value *json, const char *name, int64_t *remaining, instant *reset_at)
{
	const struct value *v = value_get(json, name);
	int64_t n = value_int_of(value_get(v, "remaining"), -1);

	*remaining = n < 0 ? -1 : n;
	*reset_at = 0;
	if (instant_parse(reset_at, value_text_of(value_get(v, "reset"), "")) != RC_OK) *reset_at = 0;
}

void doppler_read_limits(struct doppler_limits *out, const struct value *json)
{
	memset(out, 0, sizeof(*out));
	out->is_unlimited = value_bool_of(value_get(json, "noLimits"), false);
	out->needs_dkim = value_bool_of(value_get(json, "dkimConfigurationRequired"), false);
	out->needs_domain = value_bool_of(value_get(json, "domainConfigurationRequired"), false);
	read_window(json, "monthly", &out->monthly_remaining, &out->monthly_reset_at);
	read_window(json, "daily", &out->daily_remaining, &out->daily_reset_at);
	read_window(json, "hourly", &out->hourly_remaining, &out->hourly_reset_at);
}

enum rc doppler_limits(struct cx *cx, struct doppler_limits *out)
{
	struct doppler_reply r = { .json = NULL };
	struct doppler_call call = {
		.purpose = "doppler.limits", .method = "GET", .path = "/status/limits", .is_account = true
	};
	enum rc rc = doppler_ask(cx, &r, &call);

	doppler_read_limits(out, r.json);
	if (rc != RC_OK || (r.json != NULL && r.json->type == VALUE_MAP)) return rc;
	cx->error_code = "response_unparseable";
	return cx_fail(cx, RC_TRY_LATER, "%s",
		       _("Doppler Relay gave an answer that cannot be read: try again later."));
}

bool doppler_read_delivery(struct doppler_delivery *out, const struct value *v)
{
	memset(out, 0, sizeof(*out));
	out->address = value_text_of(value_get(v, "recipientAddress"), "");
	out->subject = value_text_of(value_get(v, "subject"), "");
	out->status = value_text_of(value_get(v, "status"), "");
	out->bounce_type = value_text_of(value_get(v, "bounceType"), "");
	out->opens = value_int_of(value_get(v, "opens"), 0);
	out->clicks = value_int_of(value_get(v, "clicks"), 0);
	if (out->opens < 0) out->opens = 0;
	if (out->clicks < 0) out->clicks = 0;
	return out->address[0] != '\0' &&
	       instant_parse(&out->at, value_text_of(value_get(v, "date"), "")) == RC_OK;
}

struct listing {
	doppler_delivery_fn *each;
	void *arg;
};

static enum rc one_delivery(struct cx *cx, void *arg, const struct value *v)
{
	struct listing *l = arg;
	struct doppler_delivery d;

	return doppler_read_delivery(&d, v) ? l->each(cx, l->arg, &d) : RC_OK;
}

enum rc doppler_deliveries(struct cx *cx, instant from, instant until, const char *filter,
			   doppler_delivery_fn *each, void *arg)
{
	struct listing l = { each, arg };
	char begin[RFC3339_SIZE], end[RFC3339_SIZE];
	size_t n = strlen(filter);
	struct sb path;
	enum rc rc;

	if (from >= until || (n > 0 && n < FILTER_LEAST) || n > FILTER_MAX)
		return cx_fail(
			cx, RC_BAD_INPUT, "%s",
			_("Deliveries are asked for by a span of time and nothing, or at least three characters."));
	instant_text(begin, from);
	instant_text(end, until);
	sb_init_arena(&path, cx->arena, PATH_SIZE);
	sb_lit(&path, "/deliveries?from=");
	sb_url(&path, begin, strlen(begin));
	sb_lit(&path, "&to=");
	sb_url(&path, end, strlen(end));
	if (n > 0) {
		sb_lit(&path, "&filter=");
		sb_url(&path, filter, n);
	}
	sb_lit(&path, "&per_page=200");
	if ((rc = sb_result(&path)) != RC_OK) return rc;
	return doppler_each(cx, "doppler.deliveries", sb_text_of(&path), one_delivery, &l);
}
