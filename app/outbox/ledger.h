/*
** ledger.h -- what happens to a message's row: claimed, settled, told about later. For the room's own files
** and tests.
**
** Every function runs inside the caller's write transaction unless it says otherwise.
*/
#ifndef RECADO_OUTBOX_LEDGER_H
#define RECADO_OUTBOX_LEDGER_H

#include "outbox/channel.h"
#include "outbox/outbox.h"

#define SLOTS_MAX        64  /* rows in flight of a channel: what a kill can leave unsure           */
#define LEDGER_SLICE     256 /* rows moved in one transaction beside claiming: about 10 ms           */
#define EXPIRE_BATCHES   512 /* looked at in one turn, about 1 ms: single mails have a batch each        */
#define RETRY_DELAYS_MAX 8

/* turn of a queued message (column comment in 0001_core.sql) */
enum turn { TURN_WAITING = 0, TURN_READY = 1, TURN_BEHIND = 2, TURN_PAUSED = 3 };

/* Start */

/* After a crash: every `sending` row becomes unsure, who stood behind another may leave. *count: rows made
** unsure. */
enum rc ledger_start(struct cx *cx, int64_t *count) MUST_CHECK;

/* Claim */

struct claimed {
	int64_t id, batch_id, contact_id, template_version_id; /* 0 = text as it is */
	int64_t expires_at;
	int slot, attempts;
	bool ignores_window;
	const char *address, *variables_json, *text; /* in the arena */
	char domain
		[64]; /* of a mail address, cut if longer: for the log, which never tells the rest; "" else */
	/* Not on a channel to phones, which sends none of it; files: by ledger_files() */
	const char *subject, *html, *public_id, *to_name, *contact_public_id;
	instant created_at;
	const struct outgoing_file *files;
	size_t file_count;
	int64_t file_bytes;
	bool is_file_gone, is_file_away; /* one of them is no more; is not readable now */
	bool has_letter;                 /* its batch has one: texts and files are the letter's (launch.c) */
};

struct claim {
	int64_t account;
	instant now;
	bool is_window_open;
	bool is_own_only;         /* only what tells the owner about the house (alert.h): the rest is held */
	const char *contact_kind; /* whom the channel can write to: "phone" */
	const int *slots;         /* free ones */
	int slot_count;
	const int64_t *busy; /* contacts in flight */
	int busy_count;
	/* Messages a contact gets from day_at on, answers apart; the others wait until next_day_at. 0 =
	** any. */
	int64_t per_person;
	instant day_at, next_day_at;
	/* out */
	struct claimed *out; /* room for slot_count */
	int count;
	int behind;   /* rows parked behind another to the same contact */
	bool is_more; /* there may be more that can leave right now     */
};
/* In order: priority, then id; with a closed window those alone that leave at any hour. A row that cannot
** leave any more is settled on the way
** (expired, cancelled, skipped), one that cannot leave now is moved out of the queue's index: no row is
** looked at twice for nothing. */
enum rc ledger_claim(struct cx *cx, struct claim *c) MUST_CHECK;
const char *ledger_claim_sql(const struct claim *c); /* of its candidates, for tests */
/* The files that go along with a claimed one; those of a letter are the letter's. In the arena. Reads
** only. */
enum rc ledger_files(struct cx *cx, struct claimed *m) MUST_CHECK;
/* One claimed in this same transaction stays in the queue after all. */
enum rc ledger_put_back(struct cx *cx, const struct claimed *m) MUST_CHECK;
/* Its texts go with the round's arena. */
void claimed_forget(struct claimed *m);
/* Rows whose time has come enter the queue, at most a slice. *next: when the next one is due, 0 = none waits.
 */
enum rc ledger_promote(struct cx *cx, int64_t account, instant now, instant *next) MUST_CHECK;
/* Queued rows past their expiry, at most a slice; *count rows. *after: the batch after which to look, moved
** on by this; 0 = from the first one. */
enum rc ledger_expire(struct cx *cx, instant now, int64_t *after, int64_t *count) MUST_CHECK;
/* Let those go on that stood behind: the first one of this contact (0: the first slice of all). *count rows.
 */
enum rc ledger_release(struct cx *cx, int64_t account, int64_t contact_id, int64_t *count) MUST_CHECK;
/* Is a row of a mailing queued and ready? */
#define MAILING_PRIORITY 9 /* behind everything else */
enum rc ledger_has_mailing(struct cx *cx, bool *out, int64_t account) MUST_CHECK;
/* Is anything queued and ready at this hour? For the session poll. */
enum rc ledger_is_waiting(struct cx *cx, bool *out, int64_t account, bool is_window_open) MUST_CHECK;

/* The clock was put back to now: tries, caps and looks that wait for an hour of the clock that was ahead are
** due now. Own transactions. */
enum rc ledger_put_back_to(struct cx *cx, instant now) MUST_CHECK;

/* Settle */

struct settle_rules {
	instant now;
	int retry_max;                       /* tries altogether                                    */
	int64_t delays_ms[RETRY_DELAYS_MAX]; /* after the 1st, 2nd… try; the last one goes on */
	size_t delay_count;
	int64_t check_ms; /* first look at the delivery after that; 0 = none              */
};
enum rc ledger_settle(struct cx *cx, const struct claimed *m, const struct verdict *v,
		      const struct settle_rules *rules) MUST_CHECK;
/* What a verdict does to a message that had `attempts` counted tries. Pure. */
struct settlement {
	const char *state, *why;
	int attempts;
	instant not_before_at; /* of a queued one */
};
struct settlement settlement_of(const struct verdict *v, int attempts, const struct settle_rules *rules);

/* Later word */

/* The state after a later word; NULL = nothing changes. Pure: forward only, delivered and read win over a
** late failure. */
const char *message_after(const char *state, bool is_late_failure, enum message_status status);
/* kind: "check" or "event". *changed may be NULL. */
enum rc ledger_word(struct cx *cx, int64_t id, enum message_status status, const char *kind,
		    bool *changed) MUST_CHECK;
/* The message whose provider key this is; RC_NOT_FOUND. */
enum rc ledger_find_key(struct cx *cx, int64_t *id, int64_t account, const char *key) MUST_CHECK;

/* The provider speaks of this message by itself: an unsure one was sent after all. key: its own name for it,
** NULL = none; detail: of the attempt row. So was what replaces one and has not left yet: nobody needs it
** twice. Any other state stays. */
enum rc ledger_prove(struct cx *cx, int64_t id, const char *key, const char *detail) MUST_CHECK;
/* The provider tells that a text went to an address, under this key: the unsure message that says just that
** is sent after all. *changed: one was found. */
enum rc ledger_evidence(struct cx *cx, int64_t account, const char *address, const char *text,
			const char *key, bool *changed) MUST_CHECK;

struct due_check {
	int64_t id;
	const char *provider_id; /* arena */
	instant sent_at;
	int checks;
};
/* Messages whose look is due: at most max into out; each is put off for ten minutes, so that a lost answer
** only delays. */
enum rc ledger_checks(struct cx *cx, int64_t account, instant now, struct due_check *out, int max,
		      int *count) MUST_CHECK;
enum rc ledger_next_check(struct cx *cx, int64_t account, instant *next) MUST_CHECK;
/* What a look told: key, word, when to look again (0 = never). */
enum rc ledger_checked(struct cx *cx, int64_t id, const struct check_verdict *v, instant next_at) MUST_CHECK;
/* When to look again. Pure. is_told: webhooks tell the rest, so one late look is enough. */
instant check_after(instant sent_at, int checks, const struct check_verdict *v, bool is_told, instant now);

/* Evidence; kind: send, check, event, person, start. http 0 = none. */
enum rc attempt_add(struct cx *cx, int64_t message_id, const char *kind, int http, const char *outcome,
		    const char *detail) MUST_CHECK;

#endif
