/*
** shop.h -- a small shop for the tests of renewals: services, customers and what they pay for.
*/
#ifndef RECADO_TESTS_RENEWALS_SHOP_H
#define RECADO_TESTS_RENEWALS_SHOP_H

#include "../state.h"
#include "renewals/import.h"
#include "renewals/renewals.h"

struct shop {
	struct state s;
	int64_t service;
	int customers;
};

/* Open at that instant (RFC 3339), in offline mode, with the texts in place and one monthly service at
** $12.99. */
void shop_open(struct shop *shop, const char *now);
void shop_close(struct shop *shop);
void shop_set(struct shop *shop, const char *name, const char *value);
void shop_walk_to(struct shop *shop, const char *now);
/* A customer with that number (NULL: none) and a subscription until ends_on; its id. */
int64_t shop_subscription(struct shop *shop, const char *phone, const char *ends_on);
/* The whole run of today. */
struct plan_result shop_run(struct shop *shop);
const char *shop_text(struct shop *shop, const char *sql);

#endif
