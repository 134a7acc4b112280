/*
** facts.c -- what the gateway told about itself.
**
** Owns:   the shape of channel_account.facts_json.
** Never:  touches the database; decides about a message.
** Holds:  an answer that says nothing about a limit does not erase what an earlier one said.
*/
#include "outbox/facts.h"

#include <stdio.h>
#include <string.h>

#define EXHAUSTED_DAY_MS HOUR_MS /* the day's messages are used up, no word until when: look again then */
#define MARKED_MAX       ((size_t)64 * 1024) /* a section's values: a few texts of a thousand letters */
/* A reset further away is a mistake of the far side */
#define EXHAUSTED_MAX_MS (2 * DAY_MS)

static const struct channel_limits nothing_known = { LIMIT_UNKNOWN, LIMIT_UNKNOWN, LIMIT_UNKNOWN,
						     LIMIT_UNKNOWN, LIMIT_UNKNOWN, LIMIT_UNKNOWN,
						     false };

static void copy(char *out, size_t size, const struct value *v)
{
	snprintf(out, size, "%s", value_text_of(v, ""));
}

void facts_read(struct facts *f, struct arena *a, const char *json)
{
	struct value *v = NULL;

	memset(f, 0, sizeof(*f));
	f->limits = nothing_known;
	if (json_parse(a, &v, NULL, json, strlen(json)) != RC_OK) return;
	f->limits.limit = value_int_of(value_get(v, "limit"), LIMIT_UNKNOWN);
	f->limits.remaining = value_int_of(value_get(v, "remaining"), LIMIT_UNKNOWN);
	f->limits.reset_at = value_int_of(value_get(v, "reset_at"), LIMIT_UNKNOWN);
	f->limits.daily_limit = value_int_of(value_get(v, "daily_limit"), LIMIT_UNKNOWN);
	f->limits.daily_remaining = value_int_of(value_get(v, "daily_remaining"), LIMIT_UNKNOWN);
	f->limits.daily_reset_at = value_int_of(value_get(v, "daily_reset_at"), LIMIT_UNKNOWN);
	f->limits_at = value_int_of(value_get(v, "limits_at"), 0);
	f->last_accepted_at = value_int_of(value_get(v, "last_accepted_at"), 0);
	f->last_error_at = value_int_of(value_get(v, "last_error_at"), 0);
	copy(f->last_error, sizeof(f->last_error), value_get(v, "last_error"));
	copy(f->plan, sizeof(f->plan), value_get(v, "plan"));
	copy(f->credits_on, sizeof(f->credits_on), value_get(v, "credits_on"));
	copy(f->refused, sizeof(f->refused), value_get(v, "refused_with"));
}

void facts_write(struct sb *out, struct arena *a, const struct facts *f)
{
	struct value *v = value_map(a);

	value_set_int(a, v, "limit", f->limits.limit);
	value_set_int(a, v, "remaining", f->limits.remaining);
	value_set_int(a, v, "reset_at", f->limits.reset_at);
	value_set_int(a, v, "daily_limit", f->limits.daily_limit);
	value_set_int(a, v, "daily_remaining", f->limits.daily_remaining);
	value_set_int(a, v, "daily_reset_at", f->limits.daily_reset_at);
	value_set_int(a, v, "limits_at", f->limits_at);
	value_set_int(a, v, "last_accepted_at", f->last_accepted_at);
	value_set_int(a, v, "last_error_at", f->last_error_at);
	value_set_text(a, v, "last_error", f->last_error);
	value_set_text(a, v, "plan", f->plan);
	value_set_text(a, v, "credits_on", f->credits_on);
	value_set_text(a, v, "refused_with", f->refused);
	json_write(out, v);
}

static void keep(int64_t *to, int64_t from)
{
	if (from != LIMIT_UNKNOWN) *to = from;
}

static void learn_limits(struct facts *f, const struct channel_limits *l, instant now)
{
	if (l->remaining == LIMIT_UNKNOWN && l->daily_remaining == LIMIT_UNKNOWN) return;
	keep(&f->limits.limit, l->limit);
	keep(&f->limits.remaining, l->remaining);
	keep(&f->limits.reset_at, l->reset_at);
	/* An answer with limits but none for the day means that there is none (trial → paid). */
	f->limits.daily_limit = l->daily_limit;
	f->limits.daily_remaining = l->daily_remaining;
	f->limits.daily_reset_at = l->daily_reset_at;
	f->limits_at = now;
	snprintf(f->plan, sizeof(f->plan), "%s",
		 l->daily_limit == LIMIT_UNKNOWN ? "no_daily_limit" : "daily_limit");
}

void facts_learn(struct facts *f, const struct verdict *v, instant now)
{
	learn_limits(f, &v->limits, now);
	if (v->limits.is_trial) snprintf(f->plan, sizeof(f->plan), "trial");
	if (v->outcome == OUTCOME_STOP && strcmp(v->why, "payment") == 0)
		snprintf(f->plan, sizeof(f->plan), "inactive");
	if (v->outcome == OUTCOME_SENT) {
		f->last_accepted_at = now;
		return;
	}
	f->last_error_at = now;
	snprintf(f->last_error, sizeof(f->last_error), "%s", v->detail[0] != '\0' ? v->detail : v->why);
}

void config_mark(char out[CONFIG_MARK_SIZE], struct arena *a, const struct settings *s, const char *section)
{
	size_t len = strlen(section);
	const struct setting *row;
	char hex[SHA256_HEX_SIZE];
	struct sb sb;

	sb_init_arena(&sb, a, MARKED_MAX);
	for (size_t i = 0; (row = settings_row(s, i)) != NULL; i++) {
		if (strncmp(row->name, section, len) != 0 || row->name[len] != '.') continue;
		sb_text(&sb, setting_text(s, row->name));
		sb_char(&sb, '\n');
	}
	sha256_hex(hex, sb.p != NULL ? sb.p : "", sb.len);
	memcpy(out, hex, CONFIG_MARK_SIZE - 1);
	out[CONFIG_MARK_SIZE - 1] = '\0';
}

bool facts_are_low(const struct facts *f, int64_t percent, instant now)
{
	const struct channel_limits *l = &f->limits;

	if (l->daily_limit <= 0 || l->daily_remaining < 0) return false;
	if (l->daily_reset_at > 0 && l->daily_reset_at <= now) return false; /* yesterday's count */
	return l->daily_remaining * 100 < l->daily_limit * percent;
}

instant facts_exhausted_until(const struct channel_limits *l, instant now, const char **why)
{
	instant until = 0;

	if (l->daily_remaining == 0) {
		*why = "day_limit";
		until = l->daily_reset_at > now ? l->daily_reset_at : now + EXHAUSTED_DAY_MS;
	} else if (l->remaining == 0 && l->reset_at > now) {
		*why = "rate";
		until = l->reset_at;
	}
	return until > now + EXHAUSTED_MAX_MS ? now + EXHAUSTED_DAY_MS : until;
}
