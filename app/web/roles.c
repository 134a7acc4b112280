/*
** roles.c -- roles and their rights: what a role may, who may give it, who may reach whom.
**
** Owns:   the table role, meta's rights_known.
** Needs:  the declared rights (web_setup or auth_roles_ensure).
** Holds:  (1) the owner's role has "*", no other one has; (2) a right is given to a built-in role once, when
**         it is first declared: what an owner takes away later stays away; (3) nobody gives a right that he
**         does not have; (4) there is always an owner who can log in.
*/
#include "web/inside.h"
#include "base/text.h"
#include "web/people.h"
#include <string.h>

#define RIGHTS_MAX 1000 /* declared ones: five modules of a dozen each, many times over */

/* Declared rights */

static const struct right *right_find(size_t i, size_t *list)
{
	size_t n = 0;

	for (const struct right *const *l = web_state.rights; l != NULL && *l != NULL; l++, n++)
		for (const struct right *r = *l; r->name != NULL; r++)
			if (i-- == 0) {
				if (list != NULL) *list = n;
				return r;
			}
	return NULL;
}

const struct right *right_at(size_t i)
{
	return right_find(i, NULL);
}

const char *right_group(size_t i)
{
	const char *const *titles = web_state.right_titles;
	size_t list = 0;

	if (titles == NULL || right_find(i, &list) == NULL) return "";
	for (size_t k = 0; k <= list; k++)
		if (titles[k] == NULL) return "";
	return titles[list];
}

bool right_is_known(const char *name)
{
	const struct right *r;

	if (strcmp(name, "*") == 0) return true;
	for (size_t i = 0; (r = right_at(i)) != NULL; i++)
		if (strcmp(r->name, name) == 0) return true;
	return false;
}

/* Lists of words */

/* The next word of a list parted by blanks and commas; its length, 0 at the end. *p moves to it. */
static size_t next_word(const char **p)
{
	*p += strspn(*p, ", \t\r\n");
	return strcspn(*p, ", \t\r\n");
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	for (const char *p = list; (n = next_word(&p)) > 0; p += n)
		if (n == len && memcmp(p, word, len) == 0) return true;
	return false;
}

static bool holds(const char *list, const char *right)
{
	return has_word(list, "*") || has_word(list, right);
}

bool rights_include(const char *a, const char *b)
{
	size_t n;

	if (has_word(a, "*")) return true;
	for (const char *p = b; (n = next_word(&p)) > 0; p += n) {
		bool is_there = false;
		size_t k;

		for (const char *q = a; !is_there && (k = next_word(&q)) > 0; q += k)
			is_there = k == n && memcmp(p, q, n) == 0;
		if (!is_there) return false;
	}
	return true;
}

const char *rights_common(struct arena *a, const char *x, const char *y)
{
	struct sb sb;
	size_t n;

	if (has_word(x, "*")) return arena_text(a, y);
	if (has_word(y, "*")) return arena_text(a, x);
	sb_init_arena(&sb, a, RIGHTS_TEXT_MAX);
	for (const char *p = x; (n = next_word(&p)) > 0; p += n) {
		const char *word = arena_bytes(a, p, n);

		if (!has_word(y, word)) continue;
		if (sb.len > 0) sb_char(&sb, ' ');
		sb_text(&sb, word);
	}
	return sb_text_of(&sb);
}

static enum rc unknown_right(struct cx *cx, const char *word)
{
	const char *names[RIGHTS_MAX];
	const char *near;
	size_t n = 0;

	while (n < RIGHTS_MAX - 1 && right_at(n) != NULL) {
		names[n] = right_at(n)->name;
		n++;
	}
	names[n] = NULL;
	near = text_nearest(word, names);
	if (near != NULL)
		return cx_fail(cx, RC_BAD_INPUT, _("There is no right “%s”. Did you mean “%s”?"), word, near);
	return cx_fail(cx, RC_BAD_INPUT, _("There is no right “%s”."), word);
}

static enum rc rights_check(struct cx *cx, const char *list, const char *had)
{
	size_t n;

	for (const char *p = list; (n = next_word(&p)) > 0; p += n) {
		const char *word = arena_bytes(cx->arena, p, n);

		if (!right_is_known(word)) return unknown_right(cx, word);
		if (!holds(had, word) && !actor_may(&cx->actor, word))
			return cx_fail(cx, RC_DENIED,
				       _("You cannot give the right “%s”: you do not have it."), word);
	}
	return RC_OK;
}

enum rc rights_read(struct cx *cx, const char **out, const char *list, const char *had)
{
	const struct right *r;
	struct sb sb;
	enum rc rc = rights_check(cx, list, had);

	if (rc != RC_OK) return rc;
	if (has_word(list, "*")) {
		*out = "*";
		return RC_OK;
	}
	sb_init_arena(&sb, cx->arena, RIGHTS_TEXT_MAX);
	for (size_t i = 0; (r = right_at(i)) != NULL; i++) {
		if (!has_word(list, r->name) || has_word(sb_text_of(&sb), r->name)) continue;
		if (sb.len > 0) sb_char(&sb, ' ');
		sb_text(&sb, r->name);
	}
	rc = sb_result(&sb);
	if (rc == RC_OK) *out = sb_text_of(&sb);
	return rc;
}

/* Roles */

static const struct {
	const char *name, *title;
} builtin[] = {
	{ "owner", N_("Owner") },
	{ "seller", N_("Seller") },
	{ "reader", N_("Reader") },
	/* Of bulk sends (spec §1), under the names the old system's people know; their rights are the
	** modules' rows. Nobody has them until given. */
	{ "report_managers", N_("Report Managers") },
	{ "operadores_ui", N_("Operadores UI") },
};
#define BUILTINS (sizeof builtin / sizeof *builtin)

static enum rc role_ensure(struct cx *cx, size_t b)
{
	return db_run(
		cx,
		"INSERT INTO role (name, title, is_builtin, rights, created_at, updated_at, search) VALUES (:name,"
		" :title, 1, :rights, :now, :now, :search) ON CONFLICT (name) DO UPDATE SET"
		" rights = CASE WHEN name = 'owner' THEN '*' ELSE rights END",
		PARAMS(P_TEXT(":name", builtin[b].name), P_TEXT(":title", builtin[b].title),
		       P_TEXT(":rights", b == 0 ? "*" : ""), P_INT(":now", cx_now(cx)),
		       P_TEXT(":search", text_fold(cx->arena, builtin[b].title))));
}

/* What an older version gave a built-in role by mistake: "-role:right" among the known ones says that it was seen to. */
static const char *taken_mark(struct cx *cx, size_t b, const struct right *r)
{
	const char *gone = arena_join(cx->arena, "-", builtin[b].name, NULL);

	return r->roles != NULL && has_word(r->roles, gone) ? arena_join(cx->arena, gone, ":", r->name, NULL)
							    : NULL;
}

static bool is_taken_now(struct cx *cx, size_t b, const char *known, const char *right, size_t len)
{
	const struct right *r;

	for (size_t i = 0; (r = right_at(i)) != NULL; i++) {
		const char *mark = strlen(r->name) == len && strncmp(r->name, right, len) == 0
					   ? taken_mark(cx, b, r)
					   : NULL;

		if (mark != NULL && !has_word(known, mark)) return true;
	}
	return false;
}

static void keep_words(struct cx *cx, struct sb *sb, size_t b, const char *known, const char *had)
{
	for (size_t len; *(had += strspn(had, " ")) != '\0'; had += len) {
		len = strcspn(had, " ");
		if (is_taken_now(cx, b, known, had, len)) continue;
		if (sb->len > 0) sb_char(sb, ' ');
		sb_bytes(sb, had, len);
	}
}

/* What is declared for the first time goes to the built-in roles that its row names. */
static enum rc role_grow(struct cx *cx, size_t b, const char *known)
{
	const struct right *r;
	const char *had = "";
	struct sb sb;
	enum rc rc = db_get_text(cx, &had, "SELECT rights FROM role WHERE name = :name",
				 PARAMS(P_TEXT(":name", builtin[b].name)));

	if (rc != RC_OK) return rc;
	sb_init_arena(&sb, cx->arena, RIGHTS_TEXT_MAX);
	keep_words(cx, &sb, b, known, had);
	for (size_t i = 0; (r = right_at(i)) != NULL; i++)
		if (!has_word(known, r->name) &&
		    has_word(r->roles != NULL ? r->roles : "", builtin[b].name) &&
		    !has_word(sb_text_of(&sb), r->name)) {
			if (sb.len > 0) sb_char(&sb, ' ');
			sb_text(&sb, r->name);
		}
	rc = sb_result(&sb);
	if (rc != RC_OK || strcmp(sb_text_of(&sb), had) == 0) return rc;
	return db_run(cx, "UPDATE role SET rights = :rights, updated_at = :now WHERE name = :name",
		      PARAMS(P_TEXT(":rights", sb_text_of(&sb)), P_INT(":now", cx_now(cx)),
			     P_TEXT(":name", builtin[b].name)));
}

static void note_word(struct sb *sb, const char *word)
{
	if (word == NULL || has_word(sb_text_of(sb), word)) return;
	if (sb->len > 0) sb_char(sb, ' ');
	sb_text(sb, word);
}

enum rc auth_roles_ensure(struct cx *cx, const struct right *const *rights)
{
	const char *known = "";
	const struct right *r;
	struct sb now;
	enum rc rc;

	web_state.rights = rights;
	sb_init_arena(&now, cx->arena, 64 * 1024);
	rc = meta_get(cx, &known, "rights_known");
	sb_text(&now, known);
	for (size_t b = 0; rc == RC_OK && b < BUILTINS; b++) {
		rc = role_ensure(cx, b);
		if (rc == RC_OK && b > 0) rc = role_grow(cx, b, known); /* the owner has all */
	}
	for (size_t i = 0; (r = right_at(i)) != NULL; i++) {
		note_word(&now, r->name);
		for (size_t b = 1; b < BUILTINS; b++)
			note_word(&now, taken_mark(cx, b, r));
	}
	if (rc == RC_OK) rc = sb_result(&now);
	if (rc == RC_OK && strcmp(sb_text_of(&now), known) != 0)
		rc = meta_set(cx, "rights_known", sb_text_of(&now));
	return rc;
}

enum rc role_find(struct cx *cx, int64_t *id, const char *name)
{
	const char *folded = text_fold(cx->arena, name);
	enum rc rc = db_get_int(
		cx, id,
		"SELECT id FROM role WHERE archived_at IS NULL AND (name = :name OR search = :name)"
		" ORDER BY name <> :name LIMIT 1",
		PARAMS(P_TEXT(":name", folded)));

	if (rc != RC_NOT_FOUND) return rc;
	return cx_fail(
		cx, RC_BAD_INPUT,
		_("There is no such role: owner, seller, reader, or one of your own (`recado role list`)."));
}

/* Who may reach whom */

static enum rc rights_of(struct cx *cx, const char **out, int64_t user_id)
{
	return db_get_text(cx, out,
			   "SELECT r.rights FROM user u JOIN role r ON r.id = u.role_id WHERE u.id = :id",
			   PARAMS(P_INT(":id", user_id)));
}

enum rc user_reach(struct cx *cx, int64_t user_id)
{
	const char *rights = "";
	enum rc rc = rights_of(cx, &rights, user_id);

	if (rc != RC_OK) return rc;
	if ((cx->actor.kind == ACTOR_USER && cx->actor.user_id == user_id) ||
	    rights_include(cx->actor.rights, rights))
		return RC_OK;
	return cx_fail(
		cx, RC_DENIED,
		_("This person may do more than you: only somebody who may do as much can change that."));
}

enum rc user_owner_left(struct cx *cx, int64_t user_id)
{
	int64_t others = 0;
	enum rc rc = db_get_int(
		cx, &others,
		"SELECT (SELECT r.name FROM role r JOIN user u ON u.role_id = r.id WHERE u.id = :id) <> 'owner'"
		" OR EXISTS (SELECT 1 FROM user u JOIN role r ON r.id = u.role_id WHERE r.name = 'owner'"
		" AND u.archived_at IS NULL AND u.id <> :id)",
		PARAMS(P_INT(":id", user_id)));

	if (rc == RC_OK && others == 0)
		return cx_fail(cx, RC_CONFLICT,
			       _("This is the only owner: make somebody else an owner first."));
	return rc;
}

enum rc user_role_check(struct cx *cx, int64_t user_id, int64_t role_id)
{
	const char *had = "", *gets = "";
	enum rc rc = rights_of(cx, &had, user_id);

	if (rc == RC_OK)
		rc = db_get_text(cx, &gets, "SELECT rights FROM role WHERE id = :id AND archived_at IS NULL",
				 PARAMS(P_INT(":id", role_id)));
	if (rc == RC_NOT_FOUND) return cx_fail_field(cx, "role", _("There is no such role any more."));
	if (rc == RC_OK) rc = user_reach(cx, user_id);
	if (rc == RC_OK && !rights_include(cx->actor.rights, gets))
		rc = cx_fail(cx, RC_DENIED,
			     _("You cannot give this role: it may do more than you yourself."));
	if (rc == RC_OK && !has_word(gets, "*")) rc = user_owner_left(cx, user_id);
	if (rc == RC_OK && !rights_include(gets, had)) rc = sessions_end(cx, user_id, 0, NULL);
	return rc;
}
