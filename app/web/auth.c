/*
** auth.c -- users and their passwords: made by commands, the set-up page and the office.
**
** Owns:   the tables user (desk lists it) and password_reset, meta's setup_code.
** Needs:  roles.c for who may reach whom; session.c to end sessions.
** Never:  keeps a password or a reset code as it is.
** Holds:  (1) hashing is done outside the transaction; (2) a new password ends the person's sessions, half
**         log-ins and reset links.
*/
#include "web/inside.h"
#include "base/text.h"
#include "web/people.h"
#include <string.h>

#define USER_NAME_MAX  60 /* code points                                                       */
#define PASSWORD_MIN   8  /* NIST SP 800-63B §3.1.1.2: at least 8, no rules of composition     */
#define PASSWORD_BYTES 200

/* Users */

/* As the form reader would hand it in, so that the shell and the page mean the same password. */
static const char *as_typed(struct cx *cx, const char *password)
{
	return text_trim(cx->arena, text_nfc(cx->arena, password));
}

enum rc password_allowed(struct cx *cx, const char *password, const char *name)
{
	const char *p = as_typed(cx, password);

	if (!text_is_utf8(p, strlen(p)))
		return cx_fail_field(cx, "password", _("The password is not valid text."));
	if (text_length(p) < PASSWORD_MIN)
		return cx_fail_field(cx, "password", _("The password needs at least %d characters."),
				     PASSWORD_MIN);
	if (strlen(p) > PASSWORD_BYTES) return cx_fail_field(cx, "password", _("The password is too long."));
	if (text_equal_fold(p, name))
		return cx_fail_field(cx, "password", _("The password must not be the name."));
	return RC_OK;
}

enum rc password_make(struct cx *cx, char out[PASSWORD_HASH_SIZE], const char *password, const char *name)
{
	enum rc rc = password_allowed(cx, password, name);

	return rc == RC_OK ? password_hash(out, as_typed(cx, password)) : rc;
}

/* History says "system" and "command" of who is no person (cx.h): whoever was called so would do things in
** their name, and own what they made. */
static bool is_reserved(const char *name)
{
	return text_equal_fold(name, "system") || text_equal_fold(name, "command") ||
	       text_equal_fold(name, "recado");
}

static enum rc name_check(struct cx *cx, const char *name)
{
	size_t len = text_length(name);

	if (!text_is_utf8(name, strlen(name)) || len == 0)
		return cx_fail_field(cx, "name", _("Give a name."));
	if (len > USER_NAME_MAX)
		return cx_fail_field(cx, "name", _("The name is longer than %d characters."), USER_NAME_MAX);
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || strchr("<>\"'\\/:;,", *p) != NULL)
			return cx_fail_field(cx, "name", _("The name has a character that is not allowed."));
	if (is_reserved(name))
		return cx_fail_field(cx, "name",
				     _("“%s” is what the house itself is called; give another name."), name);
	return RC_OK;
}

static enum rc name_is_taken(struct cx *cx, const char *name)
{
	cx->message = "";
	return cx_fail(cx, RC_CONFLICT, _("There already is a user called “%s”."), name);
}

/* Was it what somebody else was called, before he was renamed? */
static enum rc name_was_free(struct cx *cx, int64_t user_id, const char *name)
{
	const char *who = "";
	enum rc rc = db_get_text(
		cx, &who,
		"SELECT u.name FROM audit h JOIN user u ON u.id = h.row_id WHERE h.table_name = 'user' AND h.row_id <> :id"
		" AND h.action = 'update' AND json_extract(h.before_json, '$.name') = :name LIMIT 1",
		PARAMS(P_INT(":id", user_id), P_TEXT(":name", name)));

	if (rc == RC_NOT_FOUND) return RC_OK;
	if (rc != RC_OK) return rc;
	return cx_fail(
		cx, RC_CONFLICT,
		_("“%s” was called “%s” before: what was done under that name is that person's. Give another name."),
		who, name);
}

enum rc user_name_check(struct cx *cx, int64_t user_id, const char *name, const char **folded)
{
	int64_t other = 0;
	enum rc rc = name_check(cx, name);

	if (rc != RC_OK) return rc;
	*folded = text_fold(cx->arena, name);
	rc = db_get_int(
		cx, &other,
		"SELECT id FROM user WHERE name_folded = :name AND archived_at IS NULL AND id <> :id LIMIT 1",
		PARAMS(P_TEXT(":name", *folded), P_INT(":id", user_id)));
	if (rc == RC_NOT_FOUND) return name_was_free(cx, user_id, name);
	return rc == RC_OK ? name_is_taken(cx, name) : rc;
}

static enum rc user_insert(struct cx *cx, int64_t *id, const char *name, int64_t role_id, const char *hash)
{
	const char *folded = text_fold(cx->arena, name);
	char public_id[PUBLIC_ID_SIZE];
	struct value *after = value_map(cx->arena);
	instant now = cx_now(cx);
	enum rc rc = name_was_free(cx, 0, name);

	if (rc != RC_OK) return rc;
	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO user (public_id, name, name_folded, role_id, password_hash, created_at, updated_at, search)"
		" VALUES (:public, :name, :folded, :role, :hash, :now, :now, :folded)",
		PARAMS(P_TEXT(":public", public_id), P_TEXT(":name", name), P_TEXT(":folded", folded),
		       P_INT(":role", role_id), P_TEXT(":hash", hash), P_INT(":now", now)));
	if (rc == RC_CONFLICT) return name_is_taken(cx, name);
	if (rc != RC_OK) return rc;
	*id = db_last_id(cx);
	value_set_text(cx->arena, after, "name", name);
	value_set_int(cx->arena, after, "role_id", role_id);
	rc = audit_add(cx, "create", "user", *id, NULL, after);
	return rc == RC_OK ? meta_set(cx, "setup_code", "") : rc;
}

static enum rc role_is_givable(struct cx *cx, int64_t role_id)
{
	const char *rights = "";
	enum rc rc = db_get_text(cx, &rights, "SELECT rights FROM role WHERE id = :id",
				 PARAMS(P_INT(":id", role_id)));

	if (rc != RC_OK || rights_include(cx->actor.rights, rights)) return rc;
	return cx_fail(cx, RC_DENIED, _("You cannot give this role: it may do more than you yourself."));
}

/* first_only: only while there is no user at all (the set-up page, two browsers at once). */
static enum rc user_make(struct cx *cx, int64_t *id, const char *raw_name, const char *role,
			 const char *password, bool first_only)
{
	const char *name = text_trim(cx->arena, text_nfc(cx->arena, raw_name));
	char hash[PASSWORD_HASH_SIZE];
	int64_t role_id = 0, users = 0;
	enum rc rc = name_check(cx, name);

	if (rc == RC_OK) {
		rc = role_find(cx, &role_id, role);
		if (rc == RC_BAD_INPUT) (void)cx_fail_field(cx, "role", "%s", cx->message);
	}
	if (rc == RC_OK && !first_only) rc = role_is_givable(cx, role_id);
	if (rc == RC_OK) rc = password_make(cx, hash, password, name);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = db_get_int(cx, &users, "SELECT count(*) FROM (SELECT 1 FROM user LIMIT 1)", NO_PARAMS);
	if (rc == RC_OK && first_only && users > 0)
		rc = cx_fail(cx, RC_CONFLICT, _("The first user already exists. Log in."));
	if (rc == RC_OK) rc = user_insert(cx, id, name, role_id, hash);
	rc = tx_end(cx, rc);
	if (rc == RC_OK)
		log_event(LOG_INFO, "security", "user.add", "user=%lld role=%s", (long long)*id, role);
	return rc;
}

enum rc user_add(struct cx *cx, int64_t *id, const char *name, const char *role, const char *password)
{
	return user_make(cx, id, name, role, password, false);
}

enum rc user_add_first(struct cx *cx, int64_t *id, const char *name, const char *password)
{
	return user_make(cx, id, name, "owner", password, true);
}

enum rc user_find(struct cx *cx, int64_t *id, const char *raw_name)
{
	const char *name = text_trim(cx->arena, text_nfc(cx->arena, raw_name));
	enum rc rc =
		db_get_int(cx, id, "SELECT id FROM user WHERE name_folded = :name AND archived_at IS NULL",
			   PARAMS(P_TEXT(":name", text_fold(cx->arena, name))));

	return rc == RC_NOT_FOUND ? cx_fail(cx, rc, _("There is no user called “%s”."), name) : rc;
}

enum rc user_password(struct cx *cx, int64_t user_id, const char *password, int64_t keep_session)
{
	char hash[PASSWORD_HASH_SIZE];
	const char *name = "";
	enum rc rc =
		db_get_text(cx, &name, "SELECT name FROM user WHERE id = :id", PARAMS(P_INT(":id", user_id)));

	if (rc == RC_OK) rc = user_reach(cx, user_id); /* before the work of hashing */
	if (rc == RC_OK) rc = password_make(cx, hash, password, name);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = user_reach(cx, user_id);
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE user SET password_hash = :hash, updated_at = :now WHERE id = :id",
			    PARAMS(P_TEXT(":hash", hash), P_INT(":now", cx_now(cx)), P_INT(":id", user_id)));
	if (rc == RC_OK) rc = sessions_end(cx, user_id, keep_session, NULL);
	if (rc == RC_OK)
		rc = db_run(cx, "DELETE FROM password_reset WHERE user_id = :id",
			    PARAMS(P_INT(":id", user_id)));
	if (rc == RC_OK) rc = audit_add(cx, "password", "user", user_id, NULL, NULL);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) log_event(LOG_INFO, "security", "user.password", "user=%lld", (long long)user_id);
	return rc;
}

enum rc user_set_password(struct cx *cx, const char *name, const char *password)
{
	int64_t id = 0;
	enum rc rc = user_find(cx, &id, name);

	return rc == RC_OK ? user_password(cx, id, password, 0) : rc;
}

enum rc user_prove(struct cx *cx, struct call *call, const char *field, const char *password)
{
	struct attempt t;
	const char *hash = "";
	enum rc rc = db_get_text(cx, &hash, "SELECT password_hash FROM user WHERE id = :id",
				 PARAMS(P_INT(":id", cx->actor.user_id)));

	if (rc == RC_OK) rc = throttle_begin(cx, &t, "password", cx->actor.name, cx->actor.user_id);
	if (rc == RC_TOO_MANY) wait_said(cx, call, t.wait_s);
	if (rc != RC_OK) return rc;
	rc = password_turn(cx, NULL);
	if (rc == RC_OK) {
		rc = password_check(hash, password);
		password_turn_over();
	}
	if (rc == RC_OK) return throttle_right(cx, &t);
	if (rc != RC_DENIED) throttle_undo(cx, &t);
	return rc == RC_DENIED ? cx_fail_field(cx, field, _("This is not your password.")) : rc;
}

enum rc user_reset(struct cx *cx, int64_t user_id, bool without_second_factor, char code[PUBLIC_ID_SIZE])
{
	struct value *after = value_map(cx->arena);
	char hash[SHA256_HEX_SIZE];
	const char *name = "";
	bool has_factor = false;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	random_letters(code, PUBLIC_ID_SIZE - 1);
	sha256_hex(hash, code, strlen(code));
	rc = db_get_text(cx, &name, "SELECT name FROM user WHERE id = :id", PARAMS(P_INT(":id", user_id)));
	if (rc == RC_OK) rc = user_reach(cx, user_id);
	if (rc == RC_OK) rc = throttle_forget(cx, name);
	if (rc == RC_OK) rc = sessions_end(cx, user_id, 0, NULL);
	if (rc == RC_OK) rc = second_factor_has(cx, user_id, &has_factor);
	if (rc == RC_OK && has_factor && without_second_factor)
		rc = second_factor_off(cx, user_id, "second_factor_reset");
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO password_reset (user_id, code_sha256, expires_at) VALUES (:user, :hash, :until)"
			" ON CONFLICT (user_id) DO UPDATE SET code_sha256 = excluded.code_sha256,"
			" expires_at = excluded.expires_at",
			PARAMS(P_INT(":user", user_id), P_TEXT(":hash", hash),
			       P_INT(":until", cx_now(cx) + RESET_MS)));
	value_set_bool(cx->arena, after, "without_second_factor", has_factor && without_second_factor);
	if (rc == RC_OK) rc = audit_add(cx, "reset", "user", user_id, NULL, after);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) log_event(LOG_WARN, "security", "user.reset", "user=%lld", (long long)user_id);
	return rc;
}

enum rc setup_code(struct cx *cx, const char **out)
{
	int64_t users = 0;
	char token[TOKEN_SIZE];
	enum rc rc = db_get_int(cx, &users, "SELECT count(*) FROM (SELECT 1 FROM user LIMIT 1)", NO_PARAMS);

	*out = "";
	if (rc != RC_OK || users > 0) return rc;
	rc = meta_get(cx, out, "setup_code");
	if (rc != RC_OK || (*out)[0] != '\0') return rc;
	token_new(token);
	token[26] = '\0'; /* 130 random bits are plenty for one log-in, and fit on a line of a terminal */
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = tx_end(cx, meta_set(cx, "setup_code", token));
	if (rc == RC_OK) *out = arena_text(cx->arena, token);
	return rc;
}
