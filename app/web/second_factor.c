/*
** second_factor.c -- a code from the phone besides the password, and codes on paper for a lost phone.
**
** Owns:   user.totp_*, the table recovery_code.
** Needs:  the house key (the secret is sealed), totp.c, throttle.c.
** Never:  shows a secret that is in force, or a recovery code a second time.
** Holds:  (1) in force only after one code was proved; (2) a step is good once, a recovery code too: the
**         UPDATE that takes it is the lock; (3) each code is counted before it is judged, like a password:
**         six digits need it.
*/
#include "web/inside.h"
#include "base/text.h"
#include "web/people.h"
#include "web/totp.h"
#include <string.h>

#define OPTIONAL_OR_REQUIRED "web.second_factor"

bool second_factor_is_required(const struct cx *cx)
{
	return strcmp(setting_text(cx->env->settings, OPTIONAL_OR_REQUIRED), "required") == 0;
}

static const char *context_of(struct cx *cx, int64_t user_id)
{
	return arena_printf(cx->arena, "user.totp_secret:%lld", (long long)user_id);
}

struct stored {
	const char *name, *sealed;
	instant since;
	int64_t last_step;
};

static enum rc stored_of(struct cx *cx, struct stored *out, int64_t user_id)
{
	struct value *row = NULL;
	enum rc rc = db_row(cx, &row,
			    "SELECT name, totp_secret, coalesce(totp_at, 0) AS since, totp_last_step AS step"
			    " FROM user WHERE id = :id",
			    PARAMS(P_INT(":id", user_id)));

	*out = (struct stored){ .name = "", .sealed = "" };
	if (rc != RC_OK) return rc;
	out->name = value_text_of(value_get(row, "name"), "");
	out->sealed = value_text_of(value_get(row, "totp_secret"), "");
	out->since = value_int_of(value_get(row, "since"), 0);
	out->last_step = value_int_of(value_get(row, "step"), 0);
	return RC_OK;
}

static enum rc secret_open(struct cx *cx, char **out, const struct stored *s, int64_t user_id)
{
	enum rc rc = s->sealed[0] == '\0'
			     ? RC_NOT_FOUND
			     : unseal_text(cx->arena, out, cx->env->key, context_of(cx, user_id), s->sealed);

	if (rc == RC_OK || rc == RC_NO_MEMORY || rc == RC_NOT_FOUND) return rc;
	return cx_fail(
		cx, RC_IO,
		_("The second factor cannot be read with this key file; the owner can switch it off with "
		  "`recado user reset NAME --second-factor-off`."));
}

enum rc second_factor_has(struct cx *cx, int64_t user_id, bool *out)
{
	struct stored s;
	enum rc rc = stored_of(cx, &s, user_id);

	*out = s.since != 0;
	return rc;
}

enum rc second_factor_state(struct cx *cx, struct second_factor *out, int64_t user_id)
{
	const char *business = setting_text(cx->env->settings, "business.name");
	struct stored s;
	char *secret = NULL;
	enum rc rc = stored_of(cx, &s, user_id);

	*out = (struct second_factor){ .secret = "", .link = "" };
	out->is_required = second_factor_is_required(cx);
	out->is_on = s.since != 0;
	out->since = s.since;
	if (rc == RC_OK)
		rc = db_get_int(cx, &out->codes_left,
				"SELECT count(*) FROM recovery_code WHERE user_id = :id AND used_at IS NULL",
				PARAMS(P_INT(":id", user_id)));
	if (rc != RC_OK || out->is_on || s.sealed[0] == '\0') return rc;
	rc = secret_open(cx, &secret, &s, user_id);
	if (rc != RC_OK) return rc;
	out->secret = secret;
	out->link = totp_link(cx->arena, business[0] != '\0' ? business : "Recado", s.name, secret);
	return RC_OK;
}

enum rc second_factor_begin(struct cx *cx)
{
	unsigned char key[TOTP_KEY_SIZE];
	char secret[TOTP_SECRET_SIZE], *sealed = NULL;
	int64_t id = cx->actor.user_id;
	enum rc rc;

	random_bytes(key, sizeof key);
	totp_secret_text(secret, key);
	rc = seal_text(cx->arena, &sealed, cx->env->key, context_of(cx, id), secret);
	explicit_bzero(key, sizeof key);
	explicit_bzero(secret, sizeof secret);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = db_run(cx, "UPDATE user SET totp_secret = :sealed WHERE id = :id AND totp_at IS NULL",
		    PARAMS(P_TEXT(":sealed", sealed), P_INT(":id", id)));
	if (rc == RC_OK && db_changes(cx) != 1)
		rc = cx_fail(cx, RC_CONFLICT, _("The second factor is on already."));
	return tx_end(cx, rc);
}

/* Recovery codes */

/* "abcde-fghij": letters and digits that nobody confuses, as in public ids. */
static void code_new(char out[RECOVERY_CODE_SIZE])
{
	random_letters(out, 5);
	out[5] = '-';
	random_letters(out + 6, RECOVERY_CODE_SIZE - 7);
}

/* As typed: case, blanks and the hyphen do not matter, and our alphabet has no 0 and no 1 to mean. */
static bool code_hash(char hash[SHA256_HEX_SIZE], const char *typed)
{
	char plain[RECOVERY_CODE_SIZE];
	size_t n = 0;

	for (; *typed != '\0'; typed++) {
		char c = *typed >= 'A' && *typed <= 'Z' ? (char)(*typed - 'A' + 'a') : *typed;

		if (c == '-' || c == ' ') continue;
		if (c == '0') c = 'o';
		if (c == '1') c = 'l';
		if (n == RECOVERY_CODE_SIZE - 2) return false;
		plain[n++] = c;
	}
	if (n != RECOVERY_CODE_SIZE - 2) return false;
	sha256_hex(hash, plain, n);
	explicit_bzero(plain, sizeof plain);
	return true;
}

static enum rc codes_make(struct cx *cx, int64_t user_id, char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE])
{
	char hash[SHA256_HEX_SIZE];
	enum rc rc = db_run(cx, "DELETE FROM recovery_code WHERE user_id = :user",
			    PARAMS(P_INT(":user", user_id)));

	for (size_t i = 0; i < RECOVERY_CODES && rc == RC_OK; i++) {
		code_new(codes[i]);
		if (!code_hash(hash, codes[i])) return RC_BUG;
		rc = db_run(
			cx,
			"INSERT INTO recovery_code (user_id, code_sha256, created_at) VALUES (:user, :hash, :now)",
			PARAMS(P_INT(":user", user_id), P_TEXT(":hash", hash), P_INT(":now", cx_now(cx))));
	}
	return rc;
}

enum rc second_factor_codes(struct cx *cx, char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE])
{
	bool is_on = false;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = second_factor_has(cx, cx->actor.user_id, &is_on);
	if (rc == RC_OK && !is_on) rc = cx_fail(cx, RC_CONFLICT, _("The second factor is off."));
	if (rc == RC_OK) rc = codes_make(cx, cx->actor.user_id, codes);
	if (rc == RC_OK) rc = audit_add(cx, "recovery_codes", "user", cx->actor.user_id, NULL, NULL);
	return tx_end(cx, rc);
}

/* Judging */

/* Takes the code if it is right: RC_OK; RC_DENIED. */
static enum rc take_totp(struct cx *cx, int64_t user_id, const struct stored *s, uint32_t code)
{
	unsigned char key[TOTP_KEY_SIZE];
	char *secret = NULL;
	int64_t step = -1;
	enum rc rc = secret_open(cx, &secret, s, user_id);

	if (rc == RC_NOT_FOUND) return RC_DENIED;
	if (rc == RC_OK) rc = totp_secret_read(key, secret);
	if (rc != RC_OK) return rc;
	step = totp_step(key, cx_now(cx) / SECOND_MS, s->last_step, code);
	explicit_bzero(key, sizeof key);
	explicit_bzero(secret, strlen(secret));
	if (step < 0) return RC_DENIED;
	rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = db_run(cx, "UPDATE user SET totp_last_step = :step WHERE id = :id AND totp_last_step < :step",
		    PARAMS(P_INT(":step", step), P_INT(":id", user_id)));
	if (rc == RC_OK && db_changes(cx) != 1) rc = RC_DENIED; /* used a moment ago */
	return tx_end(cx, rc);
}

static enum rc take_recovery(struct cx *cx, int64_t user_id, const char *typed)
{
	char hash[SHA256_HEX_SIZE];
	enum rc rc;

	if (!code_hash(hash, typed)) return RC_DENIED;
	rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = db_run(cx,
		    "UPDATE recovery_code SET used_at = :now WHERE user_id = :user AND code_sha256 = :hash"
		    " AND used_at IS NULL",
		    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":user", user_id), P_TEXT(":hash", hash)));
	if (rc == RC_OK && db_changes(cx) != 1) rc = RC_DENIED;
	if (rc == RC_OK) rc = audit_add(cx, "recovery_code_used", "user", user_id, NULL, NULL);
	return tx_end(cx, rc);
}

enum rc second_factor_judge(struct cx *cx, int64_t user_id, const char *name, const char *code,
			    struct attempt *t)
{
	struct stored s;
	uint32_t number = 0;
	enum rc rc = throttle_begin(cx, t, "code", name, user_id);

	if (rc != RC_OK) return rc;
	rc = stored_of(cx, &s, user_id);
	if (rc == RC_OK)
		rc = totp_code_read(&number, code) == RC_OK ? take_totp(cx, user_id, &s, number)
							    : take_recovery(cx, user_id, code);
	if (rc == RC_OK) return throttle_right(cx, t);
	if (rc != RC_DENIED) throttle_undo(cx, t);
	if (rc == RC_DENIED)
		log_event(LOG_WARN, "security", "login.code_fail", "user=%lld address=%s", (long long)user_id,
			  cx->actor.address);
	return rc;
}

enum rc second_factor_check(struct cx *cx, struct call *call, const char *code)
{
	struct attempt t;
	enum rc rc = second_factor_judge(cx, cx->actor.user_id, cx->actor.name, code, &t);

	if (rc == RC_TOO_MANY) wait_said(cx, call, t.wait_s);
	return rc == RC_DENIED
		       ? cx_fail_field(
				 cx, "code",
				 _("This code is not right, or was used already. Wait for the next one."))
		       : rc;
}

/* On and off */

static enum rc turn_on(struct cx *cx, struct call *call, char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE])
{
	int64_t id = cx->actor.user_id;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(cx,
		    "UPDATE user SET totp_at = :now, updated_at = :now WHERE id = :id AND totp_at IS NULL",
		    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	if (rc == RC_OK && db_changes(cx) != 1)
		rc = cx_fail(cx, RC_CONFLICT, _("The second factor is on already."));
	if (rc == RC_OK) rc = codes_make(cx, id, codes);
	if (rc == RC_OK) rc = sessions_end(cx, id, call->login.session_id, NULL);
	if (rc == RC_OK) rc = audit_add(cx, "second_factor_on", "user", id, NULL, NULL);
	return tx_end(cx, rc);
}

enum rc second_factor_prove(struct cx *cx, struct call *call, const char *code,
			    char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE])
{
	uint32_t number;
	enum rc rc = totp_code_read(&number, code);

	if (rc != RC_OK) return cx_fail_field(cx, "code", _("Give the six digits that the app shows."));
	rc = second_factor_check(cx, call, code);
	if (rc == RC_OK) rc = turn_on(cx, call, codes);
	if (rc == RC_OK) rc = session_renew(cx, call);
	if (rc == RC_OK)
		log_event(LOG_INFO, "security", "second_factor.on", "user=%lld",
			  (long long)cx->actor.user_id);
	return rc;
}

enum rc second_factor_off(struct cx *cx, int64_t user_id, const char *action)
{
	enum rc rc = db_run(cx,
			    "UPDATE user SET totp_secret = '', totp_at = NULL, totp_last_step = 0,"
			    " updated_at = :now WHERE id = :id",
			    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", user_id)));

	if (rc == RC_OK)
		rc = db_run(cx, "DELETE FROM recovery_code WHERE user_id = :user",
			    PARAMS(P_INT(":user", user_id)));
	if (rc == RC_OK) rc = audit_add(cx, action, "user", user_id, NULL, NULL);
	if (rc == RC_OK)
		log_event(LOG_WARN, "security", "second_factor.off", "user=%lld", (long long)user_id);
	return rc;
}
