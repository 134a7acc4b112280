/*
** people.h -- users, roles, tokens, sessions and the second factor, for the rooms above that show and change
** them.
**
** What starts with a * "in a transaction" is called inside the caller's write transaction; the others open
** their own. All of them write history; none of them writes a secret into it.
*/
#ifndef RECADO_WEB_PEOPLE_H
#define RECADO_WEB_PEOPLE_H

#include "web/web.h"

/* Rights and roles (roles.c) */

#define RIGHTS_TEXT_MAX 8000 /* bytes of a list of rights: all of them by name, several times over      */

/* The title of the room or module that declared the i-th right; "" when nobody said one. */
const char *right_group(size_t i);
/* "a,b  c" as "a b c", each one declared and once, in the order of the tables. What is not in `had` must be a
** right of the actor: nobody gives what he does not have. RC_BAD_INPUT, RC_DENIED with the sentence. */
enum rc rights_read(struct cx *cx, const char **out, const char *list, const char *had) MUST_CHECK;
/* Is each right of b in a? */
bool rights_include(const char *a, const char *b);
/* What both lists have. */
const char *rights_common(struct arena *a, const char *x, const char *y);
/* In a transaction. RC_DENIED unless the actor has every right of that person's role: whoever may do less
** cannot get at the account of somebody who may do more. Oneself is always fine. */
enum rc user_reach(struct cx *cx, int64_t user_id) MUST_CHECK;
/* In a transaction, before the change is written: may this person get that role? Ends the person's sessions
** when the new role may do less. RC_CONFLICT: the last owner. */
enum rc user_role_check(struct cx *cx, int64_t user_id, int64_t role_id) MUST_CHECK;
/* In a transaction. RC_CONFLICT when nobody else is an owner who can log in. */
enum rc user_owner_left(struct cx *cx, int64_t user_id) MUST_CHECK;
/* A role that is not archived, by its name ("seller") or title. */
enum rc role_find(struct cx *cx, int64_t *id, const char *name) MUST_CHECK;

/* Users (auth.c) */

/* A user who is not archived, by name. */
enum rc user_find(struct cx *cx, int64_t *id, const char *name) MUST_CHECK;
/*
** A row's created_by is the name of whoever made it, as he was called then. The names of the user :actor,
** that of now and those of before: what he made stays his when he is called otherwise. A name that was
** somebody else's is given to nobody, so that no two persons share what is found by it.
*/
#define NAMES_OF_ACTOR                                                                                          \
	"(SELECT u.name FROM user u WHERE u.id = :actor UNION ALL SELECT json_extract(h.before_json, '$.name')" \
	" FROM audit h WHERE h.table_name = 'user' AND h.row_id = :actor AND h.action = 'update'"               \
	" AND h.before_json LIKE '%\"name\":%')"
/* In a transaction, before it is written: may that person be called so? *folded: as the column name_folded
** has it. RC_CONFLICT: somebody else is. */
enum rc user_name_check(struct cx *cx, int64_t user_id, const char *name, const char **folded) MUST_CHECK;
/* May this be the password of that person? A field error of "password" says why not; nothing is hashed. */
enum rc password_allowed(struct cx *cx, const char *password, const char *name) MUST_CHECK;
/* Sets the password; ends the person's sessions but keep_session (0: all), their half log-ins and reset
** links. */
enum rc user_password(struct cx *cx, int64_t user_id, const char *password, int64_t keep_session) MUST_CHECK;
/* Is this the password of the person who acts? Counted like a log-in: RC_TOO_MANY, RC_TRY_LATER. Wrong: a
** field error of `field`. */
enum rc user_prove(struct cx *cx, struct call *call, const char *field, const char *password) MUST_CHECK;

#define RESET_MS (30 * MINUTE_MS) /* long enough to read it out over the phone */
/* For the locked-out: forgets failed tries, ends sessions, switches the second factor off if asked, and makes
** a code for /reset?code= that is good once. */
enum rc user_reset(struct cx *cx, int64_t user_id, bool without_second_factor,
		   char code[PUBLIC_ID_SIZE]) MUST_CHECK;

/* Sessions (session.c) */

int64_t call_session(const struct call *call); /* 0: not by session */
/* In a transaction: ends the person's sessions but `keep` (0: all) and half log-ins. *ended may be NULL. */
enum rc sessions_end(struct cx *cx, int64_t user_id, int64_t keep, int64_t *ended) MUST_CHECK;
/* The same session under a new id and token of forms: after it became worth more. */
enum rc session_renew(struct cx *cx, struct call *call) MUST_CHECK;
/* "Firefox on Windows" from a User-Agent, "" if it says nothing. Total. */
const char *agent_words(struct cx *cx, const char *agent);

/* Tokens (tokens.c) */

struct token_order {
	const char *name, *rights; /* rights: as rights_read takes them */
	int64_t user_id;           /* 0: of nobody, as the command makes them  */
	instant expires_at;        /* 0: never                                */
};
enum rc token_make(struct cx *cx, char out[TOKEN_SIZE + 8], const struct token_order *order) MUST_CHECK;

/* The second factor (second_factor.c) */

#define RECOVERY_CODES     10
#define RECOVERY_CODE_SIZE 12 /* "abcde-fghij" and NUL: fifty random bits                          */

struct second_factor {
	bool is_on;
	instant since;      /* while on                                              */
	int64_t codes_left; /* recovery codes not yet used                           */
	const char *secret; /* begun, not yet proved: base32 for the app; "" otherwise */
	const char *link;   /* otpauth://… of it                                     */
	bool is_required;   /* by web.second_factor                                  */
};
enum rc second_factor_state(struct cx *cx, struct second_factor *out, int64_t user_id) MUST_CHECK;
/* A new secret for the actor, in force once a code of it was proved. RC_CONFLICT when it is on. */
enum rc second_factor_begin(struct cx *cx) MUST_CHECK;
/* The first code: from now on each log-in asks for one. The recovery codes are told once; other sessions end
** and this one gets a new id. A wrong code is a field error of "code", counted like a log-in. */
enum rc second_factor_prove(struct cx *cx, struct call *call, const char *code,
			    char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE]) MUST_CHECK;
/* Is this the actor's code now, or one of his recovery codes? A wrong one is a field error of "code". */
enum rc second_factor_check(struct cx *cx, struct call *call, const char *code) MUST_CHECK;
/* New recovery codes; the old ones are worth nothing any more. */
enum rc second_factor_codes(struct cx *cx, char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE]) MUST_CHECK;
/* In a transaction: off, secret and codes forgotten. action: the word of history, "second_factor_off" or
** "second_factor_reset". */
enum rc second_factor_off(struct cx *cx, int64_t user_id, const char *action) MUST_CHECK;

#endif
