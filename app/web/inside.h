/*
** inside.h -- the inside of the room web, shared by its files and their tests. Other rooms use web.h.
*/
#ifndef RECADO_WEB_INSIDE_H
#define RECADO_WEB_INSIDE_H

#include "web/exchange.h"
#include "web/multipart.h"
#include "web/router.h"
#include "web/web.h"
#include <pthread.h>

#define FORM_FIELDS_MAX 2000                 /* a bulk action over the largest page, many times over        */
#define FORM_TEXT_MAX   ((size_t)256 * 1024) /* one field: the longest template of the house */
/* One request: a page is 100 KiB, an import preview some MiB */
#define CALL_ARENA_MAX ((size_t)32 * 1024 * 1024)
#define PAGE_MAX       ((size_t)4 * 1024 * 1024)  /* a page that long is a bug                              */
#define JSON_MAX       ((size_t)16 * 1024 * 1024) /* 200 rows of anything                                   */
/* Design §5: a page's statement ends after 2 s */
#define PAGE_STATEMENT_MS    2000
#define SESSION_COOKIE       "recado_session"
#define SESSION_COOKIE_HTTPS "__Host-recado_session"
/* between password and code */
#define STEP_COOKIE       "recado_step"
#define STEP_COOKIE_HTTPS "__Host-recado_step"
#define STEP_MS           (5 * MINUTE_MS) /* to find the phone and open the app */
#define FLASH_COOKIE      "recado_flash"
/* bytes of a sentence in a cookie */
#define FLASH_MAX 1200
/* opened as files by one handler */
#define UPLOADS_MAX 8

/* Who logged in, as the session table has it. */
struct login {
	int64_t session_id; /* 0: not by session */
	const char *csrf;
	const char *language; /* the user's own, "" if none */
	bool needs_factor;    /* has to set up the second factor before anything else */
};

struct call {
	struct request *rq;
	struct reply *rp;
	struct cx *cx;
	const struct match *match;
	struct login login;
	const char *address; /* the client's, numeric */
	bool is_https;       /* by the word of a configured proxy */
	bool is_head;
	bool is_staged; /* a failure shown on purpose: answer_staged() */
	bool is_alone;  /* a page without the house around it: answer_alone() */
	bool is_frame;  /* shown inside a frame of ours: answer_frame() */
	bool has_answer;
	bool wants_json;     /* errors go as JSON  */
	bool is_flash_shown; /* the cookie has to go */
	/* form */
	bool has_form;
	enum rc form_rc;
	struct pairs fields;
	struct part *parts;
	struct value *json;
	int upload_fds[UPLOADS_MAX];
	size_t upload_count;
};

/* What plan() found out, handed to handle() through the request. */
struct plan_note {
	struct match match;
	const char *address;
	bool is_https, is_loopback;
};

/* The running room (web.c) */

struct web_state {
	const struct route *const *routes;
	const struct right *const *rights;
	const char *const *right_titles;
	void (*decorate)(struct cx *cx, struct value *layout);
	struct router *router;
};
extern struct web_state web_state; /* written by web_setup, before any thread */

/* Addresses (address.c): pure */

/* Is address ("10.0.0.7", "::1", "unix") in a list of addresses and networks ("10.0.0.0/8, ::1 unix")? */
bool address_is_in(const char *address, const char *list);
bool address_is_loopback(const char *address); /* 127.0.0.0/8, ::1, unix */
bool address_is_valid(const char *address);
bool address_item_is_valid(const char *item); /* of such a list */
/* The client behind trusted proxies: the last address of X-Forwarded-For that is no proxy. Lent or in a. */
const char *address_of_client(struct arena *a, const char *peer, const char *forwarded, const char *proxies);
/* Host header without port, lower case; "" if it is none. */
const char *host_name(struct arena *a, const char *host);

/* Call.c */
void call_begin(struct call *call, struct cx *cx, struct request *rq, struct reply *rp);
void call_end(struct call *call); /* closes what form_upload opened */
void cookie_set(struct call *call, const char *name, const char *value, int64_t max_age_s);
/* Escape for a JavaScript-free query: "/a?b" → "%2Fa%3Fb". */
const char *query_escaped(struct arena *a, const char *text);
/* A path of this house to go to after log-in: "/…" but not "//…"; else "/". */
const char *path_safe(const char *path);

/* Form.c */
void form_end(struct call *call);

/* Pages.c */
struct template;
/* The compiled template "ROOM/NAME" in a language, cached for ever; NULL (logged) if it is missing or wrong.
 */
const struct template *page_template(enum lang lang, const char *name);

/* Layout.c */
/* The whole page: body inside the house's layout. status is set by the caller. */
void layout_answer(struct cx *cx, struct call *call, const char *title, const char *body);
/* A failure outside any cx with a database: 404, refusals. sentence is translated. */
void answer_error(struct cx *cx, struct call *call, int status, const char *code, const char *sentence);
void headers_common(struct call *call, const char *cache);

/* Session.c */
/* Who asks: fills cx->actor and call->login. RC_NO_LOGIN without a valid session or token. */
enum rc session_find(struct cx *cx, struct call *call) MUST_CHECK;
enum rc session_open(struct cx *cx, struct call *call,
		     int64_t user_id) MUST_CHECK; /* sets the cookie; own transaction */
enum rc session_close(struct cx *cx, struct call *call) MUST_CHECK;
/* Does a write carry the token of its session? Reads the form if it must. */
bool csrf_is_good(struct cx *cx, struct call *call);
/* Between password and code. RC_NO_LOGIN: none, or too old. */
struct step {
	char hash[SHA256_HEX_SIZE];
	int64_t user_id;
	const char *name, *language;
};
enum rc step_open(struct cx *cx, struct call *call, int64_t user_id) MUST_CHECK;
enum rc step_find(struct cx *cx, struct call *call, struct step *out) MUST_CHECK;
/* RC_NO_LOGIN: somebody ended it, or used it, meanwhile. */
enum rc step_close(struct cx *cx, struct call *call, const struct step *step) MUST_CHECK;

/* Auth.c */
/* The owner, only while there is no user yet (RC_CONFLICT otherwise). */
enum rc user_add_first(struct cx *cx, int64_t *id, const char *name, const char *password) MUST_CHECK;

/* Password as the form reader would hand it in, checked and hashed; outside any transaction. */
enum rc password_make(struct cx *cx, char out[PASSWORD_HASH_SIZE], const char *password,
		      const char *name) MUST_CHECK;

/* Throttle.c */
#define ATTEMPT_KEYS_MAX 4
struct attempt {
	struct {
		const char *key;
		int64_t free_fails, longest_s;
	} keys[ATTEMPT_KEYS_MAX];
	size_t count, pair_count; /* the first pair_count keys are this person's own */
	int64_t wait_s;
};
/* One try to prove something ("password", "code") as name; user_id 0: nobody is called so. Counted before it
** is judged. RC_TOO_MANY with the sentence and wait_s. Own transaction, like throttle_right. */
enum rc throttle_begin(struct cx *cx, struct attempt *t, const char *what, const char *name,
		       int64_t user_id) MUST_CHECK;
/* it was right: forget the wrong ones */
enum rc throttle_right(struct cx *cx, const struct attempt *t) MUST_CHECK;
void throttle_undo(struct cx *cx, const struct attempt *t); /* nobody looked at it */
/* In a transaction: all that counts against this name; and: this person is known at the actor's address. */
enum rc throttle_forget(struct cx *cx, const char *name) MUST_CHECK;
enum rc throttle_known(struct cx *cx, int64_t user_id) MUST_CHECK;
/* Before a password is hashed in a worker: RC_OK (then password_turn_over), RC_PARTLY: parked, the handler
** runs again (only with a call), RC_TRY_LATER: too many at once. */
enum rc password_turn(struct cx *cx, struct call *call) MUST_CHECK;
void password_turn_over(void);
int64_t throttle_delay_ms(int64_t fails, int64_t free_fails, int64_t longest_s); /* pure */

/* second_factor.c */
bool second_factor_is_required(const struct cx *cx);
/* Is it a code of this person, or one of the recovery codes? RC_DENIED: no. RC_TOO_MANY. */
enum rc second_factor_judge(struct cx *cx, int64_t user_id, const char *name, const char *code,
			    struct attempt *t) MUST_CHECK;
enum rc second_factor_has(struct cx *cx, int64_t user_id, bool *out) MUST_CHECK;

/* Login.c */
enum rc same_site(struct cx *cx, struct call *call) MUST_CHECK; /* a post from another site: RC_DENIED */
void forget_actor(struct cx *cx, struct call *call);
/* Too many tries: says when to come back. */
void wait_said(struct cx *cx, struct call *call, int64_t wait_s);
/* Login.c, login_code.c, reset.c: handlers */
enum rc login_show(struct cx *cx, struct call *call);
enum rc login_post(struct cx *cx, struct call *call);
enum rc logout_post(struct cx *cx, struct call *call);
enum rc login_code_show(struct cx *cx, struct call *call);
enum rc login_code_post(struct cx *cx, struct call *call);
enum rc reset_show(struct cx *cx, struct call *call);
enum rc reset_post(struct cx *cx, struct call *call);
enum rc setup_show(struct cx *cx, struct call *call);
enum rc setup_post(struct cx *cx, struct call *call);

/* Assets.c */
enum rc assets_start(void) MUST_CHECK;   /* hash and compress; once, before any thread */
const char *asset_url(const char *name); /* "/assets/0a1b2c3d4e/recado.css" */
enum rc asset_show(struct cx *cx, struct call *call);

/* Pace.c */
struct limit;
/* One call of the API out of the actor's bucket; RC_TOO_MANY with Retry-After and the sentence. Other calls
** cost nothing. */
enum rc pace_of_actor(struct limit *l, struct cx *cx, struct call *call) MUST_CHECK;
/* The same for a call without a valid token, counted by its address; RC_NO_LOGIN while there is some left. */
enum rc pace_of_guess(struct limit *l, struct cx *cx, struct call *call) MUST_CHECK;

/* Takes.c */
/* A call of the API against route.takes: RC_BAD_INPUT with all wrong fields. Reads the body. */
enum rc takes_check(struct cx *cx, struct call *call, bool is_write) MUST_CHECK;

/* Idempotency.c */
/* Before the handler: RC_OK go on; *is_done: the stored answer was replayed; else a failure. */
enum rc idempotency_begin(struct cx *cx, struct call *call, const char *key, bool *is_done) MUST_CHECK;
void idempotency_end(struct cx *cx, struct call *call, const char *key);

#endif
