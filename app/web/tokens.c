/*
** tokens.c -- API tokens: made once, shown once.
**
** Owns:   the table api_token (desk lists it, session.c finds by it).
** Never:  keeps a token as it is: only its SHA-256.
** Holds:  a token gets no right that its maker does not have; what it may in use is also bounded by what its
**         user may then (session.c).
*/
#include "web/inside.h"
#include "base/text.h"
#include "web/people.h"
#include <string.h>

#define TOKEN_NAME_MAX   100                 /* code points: a sentence that says what it is for       */
#define TOKEN_PREFIX     "rcd_"              /* so that a leaked one is recognised by scanners         */
#define TOKEN_LONGEST_MS (10 * 366 * DAY_MS) /* past that, "never" is what is meant     */

static enum rc order_check(struct cx *cx, const struct token_order *order, const char *name,
			   const char **rights)
{
	enum rc rc;

	if (!text_is_utf8(name, strlen(name)) || name[0] == '\0' || text_length(name) > TOKEN_NAME_MAX)
		return cx_fail_field(cx, "name", _("Give the token a name of at most %d characters."),
				     TOKEN_NAME_MAX);
	if (order->expires_at != 0 && order->expires_at <= cx_now(cx))
		return cx_fail_field(cx, "expires", _("That day is over: choose a later one."));
	if (order->expires_at > cx_now(cx) + TOKEN_LONGEST_MS)
		return cx_fail_field(cx, "expires", _("That is more than ten years away: choose “never”."));
	rc = rights_read(cx, rights, order->rights, "");
	if (rc == RC_OK && (*rights)[0] == '\0')
		rc = cx_fail(cx, RC_BAD_INPUT, _("A token needs at least one right."));
	if (rc == RC_BAD_INPUT) (void)cx_fail_field(cx, "rights", "%s", cx->message);
	return rc;
}

static enum rc token_insert(struct cx *cx, const struct token_order *order, const char *name,
			    const char *rights, const char *hash, int64_t *id)
{
	struct value *after = value_map(cx->arena);
	char public_id[PUBLIC_ID_SIZE];
	enum rc rc;

	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO api_token (public_id, name, token_sha256, user_id, rights, created_at, expires_at, search)"
		" VALUES (:public, :name, :hash, :user, :rights, :now, :expires, :search)",
		PARAMS(P_TEXT(":public", public_id), P_TEXT(":name", name), P_TEXT(":hash", hash),
		       P_REF(":user", order->user_id), P_TEXT(":rights", rights), P_INT(":now", cx_now(cx)),
		       P_REF(":expires", order->expires_at), P_TEXT(":search", text_fold(cx->arena, name))));
	if (rc == RC_CONFLICT) {
		cx->message = "";
		return cx_fail(cx, rc, _("There already is a token called “%s”."), name);
	}
	if (rc != RC_OK) return rc;
	*id = db_last_id(cx);
	value_set_text(cx->arena, after, "name", name);
	value_set_text(cx->arena, after, "rights", rights);
	if (order->expires_at != 0) value_set_int(cx->arena, after, "expires_at", order->expires_at);
	return audit_add(cx, "create", "api_token", *id, NULL, after);
}

enum rc token_make(struct cx *cx, char out[TOKEN_SIZE + 8], const struct token_order *order)
{
	const char *name = text_trim(cx->arena, text_nfc(cx->arena, order->name)), *rights = "";
	char token[TOKEN_SIZE], text[TOKEN_SIZE + 8], hash[SHA256_HEX_SIZE];
	int64_t id = 0;
	enum rc rc = order_check(cx, order, name, &rights);

	if (rc != RC_OK) return rc;
	token_new(token);
	memcpy(text, TOKEN_PREFIX, 4);
	memcpy(text + 4, token, TOKEN_SIZE);
	sha256_hex(hash, text, strlen(text));
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = tx_end(cx, token_insert(cx, order, name, rights, hash, &id));
	if (rc == RC_OK) {
		memcpy(out, text, strlen(text) + 1);
		log_event(LOG_INFO, "security", "token.add", "token=%lld", (long long)id);
	}
	explicit_bzero(token, sizeof token);
	explicit_bzero(text, sizeof text);
	return rc;
}

enum rc token_add(struct cx *cx, char out[TOKEN_SIZE + 8], const char *name, const char *rights)
{
	return token_make(
		cx, out,
		&(struct token_order){ .name = name, .rights = rights, .user_id = cx->actor.user_id });
}
