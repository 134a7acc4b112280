/*
** facts.h -- what the gateway told about itself: credits, last acceptance, last error. Shown on the card.
** Kept in the engine's memory, written to channel_account.facts_json at most once a second.
*/
#ifndef RECADO_OUTBOX_FACTS_H
#define RECADO_OUTBOX_FACTS_H

#include "outbox/account.h"

#define CONFIG_MARK_SIZE 17

struct facts {
	struct channel_limits limits;
	instant limits_at, last_accepted_at, last_error_at;
	char last_error[VERDICT_DETAIL_SIZE];
	char plan[16];                  /* "", "trial", "no_daily_limit", "daily_limit", "inactive" */
	char credits_on[DATE_SIZE];     /* local day of the last alert about credits                */
	char refused[CONFIG_MARK_SIZE]; /* mark of the settings with which the provider stopped it   */
};

void facts_read(struct facts *f, struct arena *a,
		const char *json); /* total: what cannot be read is unknown */
void facts_write(struct sb *out, struct arena *a, const struct facts *f);
void facts_learn(struct facts *f, const struct verdict *v, instant now);
/* Start of a hash of the channel's section of the settings: another one means that somebody mended something. */
void config_mark(char out[CONFIG_MARK_SIZE], struct arena *a, const struct settings *s, const char *section);
/* Less than percent of the day's messages left? */
bool facts_are_low(const struct facts *f, int64_t percent, instant now);
/* Until when the provider's own count says that nothing more will be taken; 0 = go on. *why: static word. */
instant facts_exhausted_until(const struct channel_limits *l, instant now, const char **why);

#endif
