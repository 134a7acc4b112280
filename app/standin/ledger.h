/*
** ledger.h -- what arrived at the stand-in: exact counters for everything, full rows for the newest.
*/
#ifndef RECADO_STANDIN_LEDGER_H
#define RECADO_STANDIN_LEDGER_H

#include "base/clock.h"
#include "base/sb.h"

#define LEDGER_ROWS_MAX  20000             /* a day's bulk run can be looked at row by row             */
#define LEDGER_BYTES_MAX (8 * 1024 * 1024) /* of their text: offline mode lives inside the 48 MB budget */
#define LEDGER_MARKS_MAX (1u << 20)        /* fingerprints, 8 MiB: exact duplicates up to 786,432 arrivals */
#define LEDGER_BODY_MAX  4096              /* of one text in a row; the fingerprint is of the whole     */

/* What the sender may believe afterwards. */
enum fate {
	FATE_ACCEPTED, /* it will reach its person                                  */
	FATE_REFUSED,  /* it did not and will not: sending again is right or useless */
	FATE_UNKNOWN   /* read, and then no clear answer: sending again may double it */
};

struct arrival {
	const char *provider; /* constant text                                    */
	instant at;
	int64_t id; /* message id, 0 = none given                                 */
	int status; /* answered, 0 = no answer                                    */
	enum fate fate;
	const char *outcome; /* constant text: "accepted", "cut", …                */
	const char *to, *body;
	size_t body_len;
};

struct ledger;
struct ledger *ledger_new(void);    /* NULL: no memory */
void ledger_free(struct ledger *l); /* NULL is fine */
void ledger_reset(struct ledger *l);

/* Note it. Without memory the counters still count and `lost` says how many rows are missing. */
void ledger_add(struct ledger *l, const struct arrival *arrival);

/* Was this very (to, body) noted before as something a sender must not repeat? Exact until marks run out. */
bool ledger_knows(const struct ledger *l, const char *to, const char *body, size_t body_len);
/* JSON list of rows after seq `since`, to NULL = all. */
void ledger_write_rows(const struct ledger *l, struct sb *out, const char *to, int64_t since);
/* JSON members (no braces): count, accepted, refused, unknown, duplicates, distinct, is_exact, rows, lost. */
void ledger_write_counts(const struct ledger *l, struct sb *out);

/* 64-bit fingerprint of (to, body), never 0. */
uint64_t ledger_mark(const char *to, const char *body, size_t body_len);

#endif
