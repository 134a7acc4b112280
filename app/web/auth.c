/*
** auth.c -- users, roles, rights and tokens: made by commands, the set-up page and the office.
**
** Owns:   the tables user, role, role_right and api_token (desk lists them), meta's setup_code and
** rights_known. Needs:  the declared rights (web_setup or auth_roles_ensure).
** Never:  keeps a password or a token as it is.
** Holds:  (1) the owner's role has "*"; (2) a right is given to a built-in role once, when it is first
**         declared: what an owner takes away later stays away; (3) hashing is done outside the transaction.
*/
#include "web/inside.h"
#include "base/text.h"
#include <string.h>

#define USER_NAME_MAX    60 /* code points                                                       */
#define PASSWORD_MIN     8  /* NIST SP 800-63B §3.1.1.2: at least 8, no rules of composition     */
#define PASSWORD_BYTES   200
#define TOKEN_NAME_MAX   60
#define TOKEN_RIGHTS_MAX 4000
#define TOKEN_PREFIX     "rcd_" /* so that a leaked one is recognised by scanners                   */

/* Rights */

const struct right *right_at(size_t i)
{
	for (const struct right *const *l = web_state.rights; l != NULL && *l != NULL; l++)
		for (const struct right *r = *l; r->name != NULL; r++)
			if (i-- == 0) return r;
	return NULL;
}

bool right_is_known(const char *name)
{
	const struct right *r;

	if (strcmp(name, "*") == 0) return true;
	for (size_t i = 0; (r = right_at(i)) != NULL; i++)
		if (strcmp(r->name, name) == 0) return true;
	return false;
}

/* Is word one of a blank-separated list? */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; *p != '\0';) {
		size_t n = strcspn(p, " ");

		if (n == len && memcmp(p, word, len) == 0) return true;
		p += n;
		p += strspn(p, " ");
	}
	return false;
}

static const struct {
	const char *name, *title;
} builtin[] = {
	{ "owner", N_("Owner") },
	{ "seller", N_("Seller") },
	{ "reader", N_("Reader") },
};

static enum rc right_give(struct cx *cx, const char *role, const char *right)
{
	return db_run(
		cx,
		"INSERT INTO role_right (role_id, \"right\") SELECT id, :right FROM role WHERE name = :role"
		" ON CONFLICT DO NOTHING",
		PARAMS(P_TEXT(":right", right), P_TEXT(":role", role)));
}

static enum rc rights_new(struct cx *cx, const char *known, struct sb *now)
{
	const struct right *r;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && (r = right_at(i)) != NULL; i++) {
		bool is_new = !has_word(known, r->name);

		for (size_t b = 1; is_new && rc == RC_OK && b < sizeof builtin / sizeof *builtin;
		     b++) /* the owner has all */
			if (has_word(r->roles != NULL ? r->roles : "", builtin[b].name))
				rc = right_give(cx, builtin[b].name, r->name);
		if (!has_word(sb_text_of(now), r->name)) {
			if (now->len > 0) sb_char(now, ' ');
			sb_text(now, r->name);
		}
	}
	return rc;
}

enum rc auth_roles_ensure(struct cx *cx, const struct right *const *rights)
{
	const char *known = "";
	struct sb now;
	enum rc rc;

	web_state.rights = rights;
	sb_init_arena(&now, cx->arena, 64 * 1024);
	rc = meta_get(cx, &known, "rights_known");
	sb_text(&now, known);
	for (size_t b = 0; rc == RC_OK && b < sizeof builtin / sizeof *builtin; b++)
		rc = db_run(
			cx,
			"INSERT INTO role (name, title, is_builtin) VALUES (:name, :title, 1) ON CONFLICT DO NOTHING",
			PARAMS(P_TEXT(":name", builtin[b].name), P_TEXT(":title", builtin[b].title)));
	if (rc == RC_OK) rc = right_give(cx, "owner", "*");
	if (rc == RC_OK) rc = rights_new(cx, known, &now);
	if (rc == RC_OK) rc = sb_result(&now);
	if (rc == RC_OK && strcmp(sb_text_of(&now), known) != 0)
		rc = meta_set(cx, "rights_known", sb_text_of(&now));
	role_rights_forget();
	return rc;
}

/* Users */

/* As the form reader would hand it in, so that the shell and the page mean the same password. */
static enum rc password_make(struct cx *cx, char out[PASSWORD_HASH_SIZE], const char *password,
			     const char *name)
{
	const char *p = text_trim(cx->arena, text_nfc(cx->arena, password));

	if (!text_is_utf8(p, strlen(p)))
		return cx_fail_field(cx, "password", _("The password is not valid text."));
	if (text_length(p) < PASSWORD_MIN)
		return cx_fail_field(cx, "password", _("The password needs at least %d characters."),
				     PASSWORD_MIN);
	if (strlen(p) > PASSWORD_BYTES) return cx_fail_field(cx, "password", _("The password is too long."));
	if (text_equal_fold(p, name))
		return cx_fail_field(cx, "password", _("The password must not be the name."));
	return password_hash(out, p);
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
	return RC_OK;
}

static enum rc user_insert(struct cx *cx, int64_t *id, const char *name, int64_t role_id, const char *hash)
{
	const char *folded = text_fold(cx->arena, name);
	char public_id[PUBLIC_ID_SIZE];
	struct value *after = value_map(cx->arena);
	instant now = cx_now(cx);
	enum rc rc;

	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO user (public_id, name, name_folded, role_id, password_hash, created_at, updated_at, search)"
		" VALUES (:public, :name, :folded, :role, :hash, :now, :now, :folded)",
		PARAMS(P_TEXT(":public", public_id), P_TEXT(":name", name), P_TEXT(":folded", folded),
		       P_INT(":role", role_id), P_TEXT(":hash", hash), P_INT(":now", now)));
	if (rc == RC_CONFLICT) {
		cx->message = "";
		return cx_fail(cx, rc, _("There already is a user called “%s”."), name);
	}
	if (rc != RC_OK) return rc;
	*id = db_last_id(cx);
	value_set_text(cx->arena, after, "name", name);
	rc = audit_add(cx, "create", "user", *id, NULL, after);
	return rc == RC_OK ? meta_set(cx, "setup_code", "") : rc;
}

/* first_only: only while there is no user at all (the set-up page, two browsers at once). */
static enum rc user_make(struct cx *cx, int64_t *id, const char *raw_name, const char *role,
			 const char *password, bool first_only)
{
	const char *name = text_trim(cx->arena, text_nfc(cx->arena, raw_name));
	char hash[PASSWORD_HASH_SIZE];
	int64_t role_id = 0, users = 0;
	enum rc rc = name_check(cx, name);

	if (rc == RC_OK)
		rc = db_get_int(cx, &role_id, "SELECT id FROM role WHERE name = :role",
				PARAMS(P_TEXT(":role", role)));
	if (rc == RC_NOT_FOUND)
		return cx_fail(cx, RC_BAD_INPUT, _("There is no role “%s”: owner, seller or reader."), role);
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

enum rc user_set_password(struct cx *cx, const char *raw_name, const char *password)
{
	const char *name = text_trim(cx->arena, text_nfc(cx->arena, raw_name));
	char hash[PASSWORD_HASH_SIZE];
	int64_t id = 0;
	enum rc rc =
		db_get_int(cx, &id, "SELECT id FROM user WHERE name_folded = :name AND archived_at IS NULL",
			   PARAMS(P_TEXT(":name", text_fold(cx->arena, name))));

	if (rc == RC_NOT_FOUND) return cx_fail(cx, rc, _("There is no user called “%s”."), name);
	if (rc == RC_OK) rc = password_make(cx, hash, password, name);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = db_run(cx, "UPDATE user SET password_hash = :hash, updated_at = :now WHERE id = :id",
		    PARAMS(P_TEXT(":hash", hash), P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	if (rc == RC_OK) rc = db_run(cx, "DELETE FROM session WHERE user_id = :id", PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) rc = audit_add(cx, "password", "user", id, NULL, NULL);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) log_event(LOG_INFO, "security", "user.password", "user=%lld", (long long)id);
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

/* Tokens */

/* "a,b c" → "a b c", every word a declared right. */
static enum rc rights_check(struct cx *cx, struct sb *out, const char *list)
{
	char *word;

	for (const char *p = list; *p != '\0';) {
		size_t len;

		p += strspn(p, ", \t");
		len = strcspn(p, ", \t");
		if (len == 0) break;
		word = arena_bytes(cx->arena, p, len);
		if (!right_is_known(word)) {
			const char *names[1000];
			const char *near;
			size_t n = 0;

			while (n < 999 && right_at(n) != NULL) {
				names[n] = right_at(n)->name;
				n++;
			}
			names[n] = NULL;
			near = text_nearest(word, names);
			if (near != NULL)
				return cx_fail(cx, RC_BAD_INPUT,
					       _("There is no right “%s”. Did you mean “%s”?"), word, near);
			return cx_fail(cx, RC_BAD_INPUT, _("There is no right “%s”."), word);
		}
		if (!actor_may(&cx->actor, word))
			return cx_fail(cx, RC_DENIED,
				       _("You cannot give the right “%s”: you do not have it."), word);
		if (out->len > 0) sb_char(out, ' ');
		sb_text(out, word);
		p += len;
	}
	if (out->len == 0) return cx_fail(cx, RC_BAD_INPUT, _("A token needs at least one right."));
	return sb_result(out);
}

enum rc token_add(struct cx *cx, char out[TOKEN_SIZE + 8], const char *raw_name, const char *rights)
{
	const char *name = text_trim(cx->arena, text_nfc(cx->arena, raw_name));
	char token[TOKEN_SIZE], text[TOKEN_SIZE + 8], hash[SHA256_HEX_SIZE], public_id[PUBLIC_ID_SIZE];
	struct sb list;
	int64_t id = 0;
	enum rc rc;

	if (!text_is_utf8(name, strlen(name)) || name[0] == '\0' || text_length(name) > TOKEN_NAME_MAX)
		return cx_fail_field(cx, "name", _("Give the token a name of at most %d characters."),
				     TOKEN_NAME_MAX);
	sb_init_arena(&list, cx->arena, TOKEN_RIGHTS_MAX);
	rc = rights_check(cx, &list, rights);
	if (rc != RC_OK) return rc;
	token_new(token);
	public_id_new(public_id);
	memcpy(text, TOKEN_PREFIX, 4);
	memcpy(text + 4, token, TOKEN_SIZE);
	sha256_hex(hash, text, strlen(text));
	rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = db_run(
		cx,
		"INSERT INTO api_token (public_id, name, token_sha256, user_id, rights, created_at, search)"
		" VALUES (:public, :name, :hash, :user, :rights, :now, :search)",
		PARAMS(P_TEXT(":public", public_id), P_TEXT(":name", name), P_TEXT(":hash", hash),
		       P_REF(":user", cx->actor.user_id), P_TEXT(":rights", sb_text_of(&list)),
		       P_INT(":now", cx_now(cx)), P_TEXT(":search", text_fold(cx->arena, name))));
	if (rc == RC_CONFLICT) {
		cx->message = "";
		(void)cx_fail(cx, rc, _("There already is a token called “%s”."), name);
	}
	if (rc == RC_OK) {
		struct value *after = value_map(cx->arena);

		id = db_last_id(cx);
		value_set_text(cx->arena, after, "name", name);
		value_set_text(cx->arena, after, "rights", sb_text_of(&list));
		rc = audit_add(cx, "create", "api_token", id, NULL, after);
	}
	rc = tx_end(cx, rc);
	if (rc == RC_OK) {
		memcpy(out, text, strlen(text) + 1);
		log_event(LOG_INFO, "security", "token.add", "token=%lld", (long long)id);
	}
	return rc;
}
