/*
** suppression.c -- who gets no mailings: unsubscribed, complained, put there by hand, or a dead address.
**
** Owns:   nothing of its own yet: it reads contact.dead_reason and opt_out, which are what counts.
** Never:  decides about a queued message: the claim asks contact and opt_out itself.
** Holds:  letters' case makes no other address: who left as Ana@ is not written to as ana@.
*/
#include "outbox/outbox.h"
#include "base/text.h"

#include <string.h>

#define ADDRESS_MAX 512 /* bytes: longer ones are in no e-mail contact */

static void lower(char out[ADDRESS_MAX], const char *address)
{
	size_t n = 0;

	for (; address[n] != '\0' && n + 1 < ADDRESS_MAX; n++)
		out[n] = (char)(address[n] >= 'A' && address[n] <= 'Z' ? address[n] + ('a' - 'A')
								       : address[n]);
	out[n] = '\0';
}

enum rc suppressed_each(struct cx *cx, const char *topic, suppressed_fn *fn, void *arg)
{
	char address[ADDRESS_MAX];
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT c.address FROM contact c WHERE c.kind = 'email' AND c.dead_reason <> ''"
		" UNION ALL SELECT c.address FROM opt_out o CROSS JOIN contact c ON c.id = o.contact_id"
		" WHERE o.topic = :topic AND c.kind = 'email'",
		PARAMS(P_TEXT(":topic", topic)));

	while (rc == RC_OK && query_next(q)) {
		lower(address, query_text(q, 0));
		rc = fn(arg, address);
	}
	return query_end(q, rc);
}

struct sought {
	const char *address;
	bool is_there;
};

static enum rc compare(void *arg, const char *address)
{
	struct sought *s = arg;

	if (strcmp(address, s->address) == 0) s->is_there = true;
	return RC_OK;
}

enum rc address_is_suppressed(struct cx *cx, bool *out, const char *address, const char *topic)
{
	struct sought s = { .address = text_lower_ascii(cx->arena, address) };
	enum rc rc = suppressed_each(cx, topic, compare, &s);

	if (rc == RC_OK) *out = s.is_there;
	return rc;
}
