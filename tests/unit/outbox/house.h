/*
** house.h -- a state folder with settings, a channel and a few people, for the outbox's tests.
*/
#ifndef RECADO_TESTS_OUTBOX_HOUSE_H
#define RECADO_TESTS_OUTBOX_HOUSE_H

#include "../state.h"
#include "outbox/account.h"
#include "outbox/ledger.h"
#include "outbox/outbox.h"

struct house {
	struct state s; /* s.cx is what most tests need */
	int64_t account, batch;
};

/* Open, with the house's clock at `start` (0 = now) and every message allowed at any hour. */
void house_open(struct house *h, instant start);
void house_close(struct house *h);
void house_set(struct house *h, const char *name, const char *value);
/* A person with the i-th number, and a message to them due now: ids. */
int64_t house_contact(struct house *h, int i);
int64_t house_message(struct house *h, int i);
int64_t house_add(struct house *h, const struct message_new *m); /* what is missing in m is filled in */
const char *house_state(struct house *h, int64_t message);
/* Claim at most n with an open window; released again by the caller through ledger_settle. */
int house_claim(struct house *h, struct claimed *out, int n);
void house_settle(struct house *h, const struct claimed *m, enum outcome outcome, const char *why);

#endif
