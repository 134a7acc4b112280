/*
** unsubscribe.c -- the person's own link: one click and no more mailings (RFC 8058, contracts/email.md §4).
**
** Owns:   the addresses /u/….
** Needs:  web.public_url for the link, the house key for its proof.
** Never:  changes anything by GET: programs that look at links follow them; shows whose link it is but
**         masked; looks into the database for a link that is not one of ours.
** Holds:  (1) a link is the contact's public id and a proof made of it and the list: nobody can make another
**         person's; (2) leaving twice is leaving once; (3) what the person did he can take back on the same
**         page, what others did (a complaint, somebody here) he cannot.
*/
#include "outbox/hooks.h"
#include "outbox/suppression.h"
#include "base/text.h"

#include <string.h>

#define LIST        "campaign"
#define PURPOSE     "unsubscribe " LIST
#define PROOF_CHARS 26 /* 130 bits */
#define LINK_CHARS  (PUBLIC_ID_SIZE - 1 + PROOF_CHARS)
#define BODY_MAX    4096 /* "List-Unsubscribe=One-Click", also as multipart                 */
#define WRONG_A_MIN 120  /* wrong links that get a page; more get a 429                     */
#define PAGE        "outbox/unsubscribe"

static struct bucket wrong = { .window_ms = MINUTE_MS, .most = WRONG_A_MIN };

/* Links */

static void proof_of(char out[PROOF_CHARS + 1], const struct seal_key *key, const char *public_id)
{
	unsigned char bits[SHA256_SIZE];

	seal_proof(bits, key, PURPOSE, public_id, PUBLIC_ID_SIZE - 1);
	base32_text(out, PROOF_CHARS, bits, sizeof(bits));
}

const char *unsubscribe_url(struct cx *cx, int64_t contact_id, const char *contact_public_id)
{
	const char *base = setting_text(cx->env->settings, "web.public_url");
	char proof[PROOF_CHARS + 1];
	size_t n = strlen(base);

	(void)contact_id;
	if (n == 0 || cx->env->key == NULL || strlen(contact_public_id) != PUBLIC_ID_SIZE - 1) return "";
	while (n > 0 && base[n - 1] == '/')
		n--;
	proof_of(proof, cx->env->key, contact_public_id);
	return arena_printf(cx->arena, "%.*s/u/%s%s", (int)n, base, contact_public_id, proof);
}

bool unsubscribe_is_ours(const struct cx *cx, const char *link)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	char public_id[PUBLIC_ID_SIZE], proof[PROOF_CHARS + 1];

	if (cx->env->key == NULL || strlen(link) != LINK_CHARS || strspn(link, letters) != LINK_CHARS)
		return false;
	memcpy(public_id, link, PUBLIC_ID_SIZE - 1);
	public_id[PUBLIC_ID_SIZE - 1] = '\0';
	proof_of(proof, cx->env->key, public_id);
	return same_bytes(link + PUBLIC_ID_SIZE - 1, PROOF_CHARS, proof, PROOF_CHARS);
}

/* The person a link is about. */
struct person {
	int64_t contact_id;
	const char *address;
	bool is_out, was_himself;
};

/* RC_NOT_FOUND: the link is wrong. */
static enum rc person_of(struct cx *cx, struct call *call, struct person *out)
{
	const char *link = call_param(call, "token");
	struct query *q = NULL;
	bool is_there = false;
	enum rc rc;

	if (!unsubscribe_is_ours(cx, link)) return RC_NOT_FOUND;
	rc = db_query(cx, &q,
		      "SELECT c.id, c.address, o.origin FROM contact c"
		      " LEFT JOIN contact d ON d.kind = c.kind AND d.address = lower(c.address)"
		      " LEFT JOIN opt_out o ON o.contact_id = d.id AND o.topic = '" LIST "'"
		      " WHERE c.public_id = :id",
		      PARAMS(P_TEXT(":id", arena_bytes(cx->arena, link, PUBLIC_ID_SIZE - 1))));
	if (rc == RC_OK && query_next(q)) {
		const char *origin = query_text(q, 2);

		is_there = true;
		out->contact_id = query_int(q, 0);
		out->address = query_copy(cx, q, 1);
		out->is_out = !query_is_null(q, 2);
		out->was_himself = strcmp(origin, ORIGIN_LINK) == 0 || strcmp(origin, ORIGIN_SENDGRID) == 0;
	}
	rc = query_end(q, rc);
	return rc == RC_OK && !is_there ? RC_NOT_FOUND : rc;
}

/* Pages */

/* The first language of Accept-Language that we speak, unless somebody chose one here. */
static void choose_language(struct cx *cx, struct call *call)
{
	const char *accept = call_header(call, "Accept-Language");
	enum lang lang;

	if (accept == NULL || call_query(call, "lang") != NULL ||
	    request_cookie(call_request(call), LANG_COOKIE) != NULL)
		return;
	while (*accept != '\0') {
		char code[3] = { accept[0], accept[0] != '\0' ? accept[1] : '\0', '\0' };

		if (words_lang(&lang, code)) {
			cx->lang = lang;
			return;
		}
		accept += strcspn(accept, ",");
		accept += strspn(accept, ", ");
	}
}

static enum rc show(struct cx *cx, struct call *call, const struct person *p, const char *state)
{
	struct value *page = value_map(cx->arena);

	value_set_bool(cx->arena, page, state, true);
	value_set_text(cx->arena, page, "address", text_mask(cx->arena, p->address));
	value_set_bool(cx->arena, page, "can_return", p->was_himself);
	answer_alone(cx, call, PAGE, N_("Mailings"), page);
	return RC_OK;
}

static enum rc show_wrong(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena);

	value_set_bool(cx->arena, page, "is_wrong", true);
	answer_alone(cx, call, PAGE, N_("Mailings"), page);
	if (bucket_take(&wrong)) {
		reply_status(call_reply(call), 404);
	} else {
		answer_header(call, "Retry-After", "60");
		reply_status(call_reply(call), 429);
	}
	return RC_OK;
}

static enum rc handle_show(struct cx *cx, struct call *call)
{
	struct person p = { .contact_id = 0 };
	enum rc rc = person_of(cx, call, &p);

	choose_language(cx, call);
	if (rc == RC_NOT_FOUND) return show_wrong(cx, call);
	return rc == RC_OK ? show(cx, call, &p, p.is_out ? "is_out" : "is_asking") : rc;
}

static enum rc change(struct cx *cx, struct person *p, bool out)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = tx_end(cx, contact_opt_out(cx, p->contact_id, LIST, ORIGIN_LINK, out));
	if (rc == RC_OK && out && !p->is_out) p->was_himself = true;
	if (rc == RC_OK) {
		p->is_out = out;
		log_event(LOG_INFO, "outbox", out ? "unsubscribed" : "resubscribed", "contact=%lld",
			  (long long)p->contact_id);
	}
	return rc;
}

/* A mail program's one click (RFC 8058: no cookies, no redirect, answered 200), or the page's own buttons. */
static enum rc handle_press(struct cx *cx, struct call *call)
{
	struct person p = { .contact_id = 0 };
	const char *one_click, *back;
	enum rc rc = person_of(cx, call, &p);

	choose_language(cx, call);
	if (rc == RC_NOT_FOUND) return show_wrong(cx, call);
	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc != RC_OK) return rc;
	one_click = form_text(call, "List-Unsubscribe");
	back = form_text(call, "back");
	if (back != NULL && p.was_himself) {
		rc = change(cx, &p, false);
		return rc == RC_OK ? show(cx, call, &p, "is_back") : rc;
	}
	if (back != NULL || one_click == NULL || !text_equal_fold(one_click, "One-Click"))
		return show(cx, call, &p, p.is_out ? "is_out" : "is_asking");
	if (!p.is_out) rc = change(cx, &p, true);
	return rc == RC_OK ? show(cx, call, &p, "is_out") : rc;
}

const struct route unsubscribe_routes[] = {
	{ .method = "GET",
	  .path = "/u/:token",
	  .realm = REALM_OPEN,
	  .class = ROUTE_DB,
	  .help = N_("A person's own page to leave the mailings"),
	  .handle = handle_show,
	  .no_api = true },
	{ .method = "POST",
	  .path = "/u/:token",
	  .realm = REALM_OPEN,
	  .class = ROUTE_DB,
	  .body_max = BODY_MAX,
	  .help = N_("Leave the mailings with one click (RFC 8058)"),
	  .handle = handle_press,
	  .no_api = true },
	{ .method = NULL },
};
