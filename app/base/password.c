/*
** password.c -- password hashes: Argon2id, one at a time.
**
** Owns:   the slot and its queue.
** Needs:  argon2, built without threads. 19 MiB of heap while a hash runs: the reason for one slot.
** Never:  keeps, logs or compares a password as text.
** Holds:  (1) at most one hash runs in the process, callers are served in their order;
**         (2) at most PASSWORD_QUEUE_MAX wait, the next one gets RC_TRY_LATER at once;
**         (3) a stored hash whose cost is above our bounds is refused before any memory is taken.
*/
#include "base/seal.h"

#include <argon2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* OWASP Password Storage Cheat Sheet: Argon2id, 19 MiB, two passes, one lane. */
#define MEMORY_KIB   19456
#define PASSES       2
#define LANES        1
#define SALT_SIZE    PASSWORD_SALT_SIZE /* RFC 9106 §3.1 */
#define HASH_SIZE    32
#define PASSWORD_MAX 1024 /* bytes; a long sentence, and no free work for a stranger          */
/*
** A hash takes some 40 ms on a small server: the ninth who waits would wait a third of a second, and more
** than that at once is an attack.
*/
#define PASSWORD_QUEUE_MAX 8
/* Hashes of an earlier or a later set-up still open, a hostile one does not. */
#define MEMORY_KIB_MAX (64 * 1024)
#define PASSES_MAX     10
#define LANES_MAX      4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static uint64_t next_ticket, serving; /* under lock; the holder of ticket `serving` has the slot */

static enum rc slot_take(void)
{
	enum rc rc = RC_OK;
	uint64_t ticket;

	pthread_mutex_lock(&lock);
	if (next_ticket - serving > PASSWORD_QUEUE_MAX) {
		rc = RC_TRY_LATER;
	} else {
		ticket = next_ticket++;
		while (serving != ticket)
			pthread_cond_wait(&turn, &lock);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

static void slot_give(void)
{
	pthread_mutex_lock(&lock);
	serving++;
	pthread_cond_broadcast(&turn);
	pthread_mutex_unlock(&lock);
}

static enum rc rc_of_argon2(int result)
{
	switch (result) {
	case ARGON2_OK: return RC_OK;
	case ARGON2_VERIFY_MISMATCH: return RC_DENIED;
	case ARGON2_MEMORY_ALLOCATION_ERROR: return RC_NO_MEMORY;
	default: return RC_BUG;
	}
}

enum rc password_hash(char out[PASSWORD_HASH_SIZE], const char *password)
{
	unsigned char salt[SALT_SIZE];
	size_t len = strlen(password);
	enum rc rc;

	if (len == 0) return RC_BAD_INPUT;
	if (len > PASSWORD_MAX) return RC_TOO_LARGE;
	random_bytes(salt, sizeof(salt));
	if ((rc = slot_take()) != RC_OK) return rc;
	rc = rc_of_argon2(argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password, len, salt, sizeof(salt),
						HASH_SIZE, out, PASSWORD_HASH_SIZE));
	slot_give();
	return rc;
}

/* "m=19456" and so on: the number after `name`, moved past; 0 when it is not there or above max. */
static unsigned long take_cost(const char **p, const char *name, unsigned long max)
{
	size_t n = strlen(name);
	unsigned long value;
	char *end;

	if (strncmp(*p, name, n) != 0 || (*p)[n] < '1' || (*p)[n] > '9') return 0;
	value = strtoul(*p + n, &end, 10);
	*p = end;
	return value > max ? 0 : value;
}

static bool is_acceptable(const char *encoded)
{
	static const char head[] = "$argon2id$v=19$";
	const char *p = encoded + strlen(head);

	return strlen(encoded) < PASSWORD_HASH_SIZE && strncmp(encoded, head, strlen(head)) == 0 &&
	       take_cost(&p, "m=", MEMORY_KIB_MAX) > 0 && take_cost(&p, ",t=", PASSES_MAX) > 0 &&
	       take_cost(&p, ",p=", LANES_MAX) > 0 && *p == '$';
}

enum rc password_check(const char *encoded, const char *password)
{
	/* Of a password nobody knows: a stranger cannot tell by the time whether a name exists. */
	static const char nobody[] = "$argon2id$v=19$m=19456,t=2,p=1$cmVjYWRvIG5vIG9uZSBoZQ$"
				     "X9J0hxE1vFjVGmkLwfmAyDmBIcaqc4m0PpqHoqS1mCw";
	size_t len = strlen(password);
	enum rc rc;

	if (len == 0 || len > PASSWORD_MAX) return RC_DENIED;
	if (encoded && !is_acceptable(encoded)) return RC_BUG;
	if ((rc = slot_take()) != RC_OK) return rc;
	rc = rc_of_argon2(argon2id_verify(encoded ? encoded : nobody, password, len));
	slot_give();
	return !encoded && rc == RC_OK ? RC_DENIED : rc;
}

void password_cost_usual(struct password_cost *out)
{
	*out = (struct password_cost){ .memory_kib = MEMORY_KIB, .passes = PASSES, .lanes = LANES };
}

enum rc password_key(unsigned char out[32], const char *passphrase, const unsigned char salt[SALT_SIZE],
		     const struct password_cost *cost)
{
	struct timespec nap = { .tv_nsec = 50000000 };
	size_t len = strlen(passphrase);
	enum rc rc;

	if (len == 0 || len > PASSWORD_MAX || cost->memory_kib < 8 * cost->lanes ||
	    cost->memory_kib > MEMORY_KIB_MAX || cost->passes < 1 || cost->passes > PASSES_MAX ||
	    cost->lanes < 1 || cost->lanes > LANES_MAX)
		return RC_BAD_INPUT;
	while ((rc = slot_take()) == RC_TRY_LATER)
		nanosleep(&nap, NULL);
	if (rc != RC_OK) return rc;
	rc = rc_of_argon2(argon2id_hash_raw(cost->passes, cost->memory_kib, cost->lanes, passphrase, len,
					    salt, SALT_SIZE, out, 32));
	slot_give();
	return rc;
}
