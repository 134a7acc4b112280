/*
** channels.c -- the list of channel plug-ins and the words they share.
**
** Owns:   the table of channel kinds.
** Never:  speaks to a provider.
*/
#include "outbox/channel.h"

#include <string.h>

static const struct channel_kind *const kinds[] = { &wasender_channel };

const struct channel_kind *channel_kind_find(const char *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i]->kind, kind) == 0) return kinds[i];
	return NULL;
}

const char *outcome_name(enum outcome o)
{
	static const char *const names[OUTCOME__MAX] = {
		[OUTCOME_SENT] = "sent", [OUTCOME_NOT_YET] = "not_yet", [OUTCOME_REFUSED] = "refused",
		[OUTCOME_HOLD] = "hold", [OUTCOME_STOP] = "stop",       [OUTCOME_UNSURE] = "unsure",
	};

	return o < OUTCOME__MAX ? names[o] : "unsure";
}

bool session_is_open(const char *session)
{
	return strcmp(session, "connected") == 0;
}

bool session_needs_person(const char *session)
{
	static const char *const words[] = { "need_scan", "need_passkey", "logged_out", "expired" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(session, words[i]) == 0) return true;
	return false;
}
