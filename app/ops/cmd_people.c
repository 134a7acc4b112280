/*
** cmd_people.c -- the commands about people: users, roles, tokens.
**
** Needs:  web/people.h; desk.h for handing over what is a user's.
** Never:  waits for a throttle: whoever may open the database is the owner of the house.
** Holds:  (1) a password comes on standard input, never as a word that `ps` would show; (2) each command
**         works beside a running server and without one: what it changes is in the database alone.
*/
#include "web/people.h"
#include "base/text.h"
#include "ops/ops.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS(...)      ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_OPTIONS        ((const char *const[]){ NULL })
#define PASSWORD_LINE_MAX 1024 /* longer than any password a person types */
#define ROWS_MAX          1000 /* users, roles or tokens printed: more is a query for sqlite3 */

static enum rc usage(struct cx *cx, const char *line)
{
	return cx_fail(cx, RC_BAD_INPUT, _("Usage: %s"), line);
}

static enum rc read_password(struct cx *cx, struct command_call *call, const char **out)
{
	char line[PASSWORD_LINE_MAX];
	size_t len;

	if (!command_flag(call, "password-stdin"))
		return cx_fail(cx, RC_BAD_INPUT,
			       _("Give the password on standard input and say --password-stdin."));
	if (fgets(line, sizeof(line), call->in) == NULL)
		return cx_fail(cx, RC_BAD_INPUT, _("No password came on standard input."));
	len = strcspn(line, "\r\n");
	*out = arena_bytes(cx->arena, line, len);
	explicit_bzero(line, sizeof(line));
	return RC_OK;
}

/* What was done, as a sentence or as the facts for programs. */
static enum rc said(struct cx *cx, struct command_call *call, const struct value *facts, const char *sentence)
{
	if (call->is_json)
		command_print(cx, call, facts);
	else
		fprintf(call->out, "%s\n", sentence);
	return RC_OK;
}

static struct value *facts_of(struct cx *cx, const char *name)
{
	struct value *facts = value_map(cx->arena);

	value_set_text(cx->arena, facts, "name", name);
	return facts;
}

/* Rows with a line for people each; instants go out as RFC 3339. */
static void print_rows(struct cx *cx, struct command_call *call, struct value *rows,
		       const char *const *columns)
{
	if (call->is_json) {
		shape_json(cx, rows);
		command_print(cx, call, rows);
		return;
	}
	for (const struct value *row = rows->first; row != NULL; row = row->next) {
		const char *between = "";

		for (size_t i = 0; columns[i] != NULL; i++) {
			const struct value *v = value_get(row, columns[i]);
			const char *text = value_text_of(v, "");
			char at[RFC3339_SIZE];

			if (v == NULL || v->type == VALUE_NULL) continue;
			if (v->type == VALUE_INT) {
				instant_text_local(at, v->integer, cx->env->zone);
				text = at;
			}
			if (text[0] == '\0') continue;
			fprintf(call->out, "%s%s", between, text);
			between = "  ";
		}
		fprintf(call->out, "\n");
	}
}

/* Users */

static enum rc run_user_add(struct cx *cx, struct command_call *call)
{
	const char *const *with_value = OPTIONS("role");
	const char *name = command_word(call, 0, with_value);
	const char *role = command_option(call, "role");
	const char *password = "";
	struct value *facts;
	int64_t id = 0;
	enum rc rc = command_check(cx, call, OPTIONS("password-stdin"), with_value);

	if (rc == RC_OK && (name == NULL || role == NULL || role[0] == '\0'))
		rc = usage(cx, "recado user add NAME --role ROLE --password-stdin");
	if (rc == RC_OK) rc = read_password(cx, call, &password);
	if (rc == RC_OK) rc = user_add(cx, &id, name, role, password);
	if (rc != RC_OK) return rc;
	facts = facts_of(cx, name);
	value_set_text(cx->arena, facts, "role", role);
	return said(cx, call, facts, arena_printf(cx->arena, _("User %s can log in (%s)."), name, role));
}

static enum rc run_user_list(struct cx *cx, struct command_call *call)
{
	struct value *rows = NULL;
	bool all = command_flag(call, "all");
	enum rc rc = command_check(cx, call, OPTIONS("all"), NO_OPTIONS);

	if (rc == RC_OK)
		rc = db_rows(
			cx, &rows, ROWS_MAX,
			"SELECT u.public_id, u.name, r.name AS role, coalesce(u.email, '') AS email,"
			" u.totp_at IS NOT NULL AS has_second_factor, u.last_login_at, u.created_at, u.archived_at"
			" FROM user u JOIN role r ON r.id = u.role_id WHERE :all OR u.archived_at IS NULL"
			" ORDER BY u.name_folded, u.id",
			PARAMS(P_INT(":all", all)));
	if (rc == RC_OK) print_rows(cx, call, rows, OPTIONS("name", "role", "email", "last_login_at"));
	return rc;
}

static enum rc run_user_password(struct cx *cx, struct command_call *call)
{
	const char *name = command_word(call, 0, NO_OPTIONS), *password = "";
	enum rc rc = command_check(cx, call, OPTIONS("password-stdin"), NO_OPTIONS);

	if (rc == RC_OK && name == NULL) rc = usage(cx, "recado user password NAME --password-stdin");
	if (rc == RC_OK) rc = read_password(cx, call, &password);
	if (rc == RC_OK) rc = user_set_password(cx, name, password);
	if (rc != RC_OK) return rc;
	return said(cx, call, facts_of(cx, name),
		    arena_printf(cx->arena, _("The password of %s is changed and its sessions are ended."),
				 name));
}

static enum rc run_user_role(struct cx *cx, struct command_call *call)
{
	const char *name = command_word(call, 0, NO_OPTIONS), *role = command_word(call, 1, NO_OPTIONS);
	struct value *input = value_map(cx->arena), *facts;
	int64_t id = 0, role_id = 0;
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	if (rc == RC_OK && role == NULL) rc = usage(cx, "recado user role NAME ROLE");
	if (rc == RC_OK) rc = user_find(cx, &id, name);
	if (rc == RC_OK) rc = role_find(cx, &role_id, role);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	value_set_int(cx->arena, input, "role_id", role_id);
	rc = tx_end(cx, desk_save(cx, desk_resource("users"), &id, input));
	if (rc != RC_OK) return rc;
	facts = facts_of(cx, name);
	value_set_text(cx->arena, facts, "role", role);
	return said(cx, call, facts, arena_printf(cx->arena, _("%s is %s now."), name, role));
}

static enum rc run_user_rename(struct cx *cx, struct command_call *call)
{
	const char *name = command_word(call, 0, NO_OPTIONS), *other = command_word(call, 1, NO_OPTIONS);
	struct value *facts;
	int64_t id = 0;
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	if (rc == RC_OK && other == NULL) rc = usage(cx, "recado user rename NAME NEW-NAME");
	if (rc == RC_OK) rc = user_find(cx, &id, name);
	if (rc == RC_OK) rc = user_rename(cx, id, other);
	if (rc != RC_OK) return rc;
	facts = facts_of(cx, other);
	value_set_text(cx->arena, facts, "was", name);
	return said(
		cx, call, facts,
		arena_printf(cx->arena, _("%s is called %s now and logs in with this name."), name, other));
}

static enum rc run_user_archive(struct cx *cx, struct command_call *call)
{
	const char *const *with_value = OPTIONS("to");
	const char *name = command_word(call, 0, with_value), *to = command_option(call, "to");
	int64_t id = 0, to_id = 0, moved = 0;
	struct value *facts;
	enum rc rc = command_check(cx, call, NO_OPTIONS, with_value);

	if (rc == RC_OK && name == NULL) rc = usage(cx, "recado user archive NAME [--to OTHER]");
	if (rc == RC_OK) rc = user_find(cx, &id, name);
	if (rc == RC_OK && to != NULL) rc = user_find(cx, &to_id, to);
	if (rc == RC_OK && to_id == id)
		rc = cx_fail(cx, RC_BAD_INPUT, _("Nobody hands over to himself: name somebody else."));
	if (rc == RC_OK) rc = user_leave(cx, id, to_id, &moved);
	if (rc != RC_OK) return rc;
	facts = facts_of(cx, name);
	value_set_int(cx->arena, facts, "handed_over", moved);
	return said(cx, call, facts,
		    arena_printf(cx->arena, _("%s is archived; rows handed over: %lld."), name,
				 (long long)moved));
}

/* Reset */

/* A whole address where one is known; else what goes behind it. */
static const char *address_of(struct cx *cx, const char *code)
{
	const char *url = setting_text(cx->env->settings, "web.public_url");
	const char *listen = setting_text(cx->env->settings, "web.listen");
	size_t len = strlen(url), n = strlen(listen);

	while (len > 0 && url[len - 1] == '/')
		len--;
	if (len > 0) return arena_printf(cx->arena, "%.*s/reset?code=%s", (int)len, url, code);
	if (strncmp(listen, "unix:", 5) == 0 || (n > 2 && strcmp(listen + n - 2, ":0") == 0))
		return arena_printf(cx->arena, "/reset?code=%s", code);
	return arena_printf(cx->arena, "http://%s/reset?code=%s", listen, code);
}

/* On a terminal the question is asked; in a script the option says it. */
static bool wants_factor_off(struct cx *cx, struct command_call *call)
{
	char line[16] = "";

	if (command_flag(call, "second-factor-off")) return true;
	if (!isatty(fileno(call->in)) || call->is_json) return false;
	fprintf(call->out, "%s ", _("Switch the second factor off too, because the phone is lost? (y/N)"));
	fflush(call->out);
	if (fgets(line, sizeof line, call->in) == NULL) return false;
	return strchr("yYsS", line[0]) != NULL && line[0] != '\0';
}

static void say_link(struct cx *cx, struct command_call *call, const char *name, const char *url)
{
	if (url[0] == '/')
		fprintf(call->out,
			_("Open this behind the panel's address within 30 minutes; it is good once: %s\n"),
			url);
	else
		fprintf(call->out,
			_("Open this within 30 minutes to give %s a new password; it is good once: %s\n"),
			name, url);
}

static enum rc run_user_reset(struct cx *cx, struct command_call *call)
{
	const char *name = command_word(call, 0, NO_OPTIONS), *password = "", *url;
	bool has_password = command_flag(call, "password-stdin"), is_off = false;
	struct second_factor factor = { .is_on = false };
	char code[PUBLIC_ID_SIZE];
	struct value *facts;
	int64_t id = 0;
	enum rc rc = command_check(cx, call, OPTIONS("password-stdin", "second-factor-off"), NO_OPTIONS);

	if (rc == RC_OK && name == NULL)
		rc = usage(cx, "recado user reset NAME [--second-factor-off] [--password-stdin]");
	if (rc == RC_OK && has_password) rc = read_password(cx, call, &password);
	if (rc == RC_OK) rc = user_find(cx, &id, name);
	if (rc == RC_OK) {
		/* A secret that no key opens any more must not stop the one command that switches it off. */
		if (second_factor_state(cx, &factor, id) != RC_OK) cx->message = "";
		is_off = factor.is_on && wants_factor_off(cx, call);
		rc = user_reset(cx, id, is_off, code);
	}
	if (rc == RC_OK && has_password) rc = user_password(cx, id, password, 0);
	if (rc != RC_OK) return rc;
	url = address_of(cx, code);
	if (call->is_json) {
		char until[RFC3339_SIZE];

		facts = facts_of(cx, name);
		value_set_bool(cx->arena, facts, "has_second_factor", factor.is_on && !is_off);
		if (!has_password) {
			instant_text(until, cx_now(cx) + RESET_MS);
			value_set_text(cx->arena, facts, "code", code);
			value_set_text(cx->arena, facts, "url", url);
			value_set_text(cx->arena, facts, "expires_at", until);
		}
		command_print(cx, call, facts);
		return RC_OK;
	}
	if (has_password)
		fprintf(call->out, _("The password of %s is changed and its sessions are ended.\n"), name);
	else
		say_link(cx, call, name, url);
	if (is_off) fprintf(call->out, "%s\n", _("The second factor is off."));
	if (factor.is_on && !is_off)
		fprintf(call->out, "%s\n",
			_("The second factor stays on; --second-factor-off switches it off as well."));
	return RC_OK;
}

/* Roles */

static enum rc run_role_list(struct cx *cx, struct command_call *call)
{
	struct value *rows = NULL;
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	if (rc == RC_OK)
		rc = db_rows(cx, &rows, ROWS_MAX,
			     "SELECT r.name, r.title, r.is_builtin, r.rights, (SELECT count(*) FROM user u"
			     " WHERE u.role_id = r.id AND u.archived_at IS NULL) AS users FROM role r"
			     " WHERE r.archived_at IS NULL ORDER BY r.is_builtin DESC, r.id",
			     NO_PARAMS);
	if (rc == RC_OK) print_rows(cx, call, rows, OPTIONS("name", "rights"));
	return rc;
}

/* Tokens */

static enum rc read_expiry(struct cx *cx, const char *text, instant *out)
{
	char *end = NULL;
	long days;
	day d;

	*out = 0;
	if (text == NULL || strcmp(text, "never") == 0) return RC_OK;
	days = strtol(text, &end, 10);
	if (*end == '\0' && end != text && days > 0 && days <= 3650)
		d = cx_today(cx) + (day)days;
	else if (day_parse_any(&d, text) != RC_OK)
		return cx_fail(
			cx, RC_BAD_INPUT,
			_("“%s” is no end of a token: give a day like 2027-03-31, a number of days, or never."),
			text);
	*out = zone_midnight(cx->env->zone, d + 1);
	return RC_OK;
}

static enum rc run_token_add(struct cx *cx, struct command_call *call)
{
	const char *const *with_value = OPTIONS("rights", "expires", "user");
	const char *user = command_option(call, "user");
	struct token_order order = { .name = command_word(call, 0, with_value),
				     .rights = command_option(call, "rights") };
	char token[TOKEN_SIZE + 8];
	enum rc rc = command_check(cx, call, NO_OPTIONS, with_value);

	if (rc == RC_OK && (order.name == NULL || order.rights == NULL || order.rights[0] == '\0'))
		rc = usage(cx,
			   "recado token add NAME --rights clients.view,renewals.run [--expires 2027-03-31]"
			   " [--user NAME]");
	if (rc == RC_OK) rc = read_expiry(cx, command_option(call, "expires"), &order.expires_at);
	if (rc == RC_OK && user != NULL) rc = user_find(cx, &order.user_id, user);
	if (rc == RC_OK) rc = token_make(cx, token, &order);
	if (rc != RC_OK) return rc;
	if (call->is_json) {
		struct value *facts = facts_of(cx, order.name);
		char at[RFC3339_SIZE];

		value_set_text(cx->arena, facts, "token", token);
		if (order.expires_at != 0) {
			instant_text(at, order.expires_at);
			value_set_text(cx->arena, facts, "expires_at", at);
		}
		command_print(cx, call, facts);
	} else
		fprintf(call->out, "%s\n", token);
	explicit_bzero(token, sizeof(token));
	return RC_OK;
}

static enum rc run_token_list(struct cx *cx, struct command_call *call)
{
	struct value *rows = NULL;
	enum rc rc = command_check(cx, call, OPTIONS("all"), NO_OPTIONS);

	if (rc == RC_OK)
		rc = db_rows(
			cx, &rows, ROWS_MAX,
			"SELECT t.public_id, t.name, CASE WHEN t.archived_at IS NOT NULL OR u.archived_at IS NOT NULL"
			" THEN 'revoked' WHEN t.expires_at <= :now THEN 'expired' ELSE 'valid' END AS state,"
			" coalesce(u.name, '') AS user, t.rights, t.last_used_at, t.expires_at, t.created_at"
			" FROM api_token t LEFT JOIN user u ON u.id = t.user_id WHERE :all OR t.archived_at IS NULL"
			" ORDER BY t.id",
			PARAMS(P_INT(":now", cx_now(cx)), P_INT(":all", command_flag(call, "all"))));
	if (rc == RC_OK) print_rows(cx, call, rows, OPTIONS("name", "state", "user", "rights", "expires_at"));
	return rc;
}

static enum rc run_token_revoke(struct cx *cx, struct command_call *call)
{
	const char *name = command_word(call, 0, NO_OPTIONS);
	int64_t id = 0;
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	if (rc == RC_OK && name == NULL) rc = usage(cx, "recado token revoke NAME");
	if (rc == RC_OK)
		rc = db_get_int(cx, &id,
				"SELECT id FROM api_token WHERE name = :name AND archived_at IS NULL",
				PARAMS(P_TEXT(":name", text_trim(cx->arena, text_nfc(cx->arena, name)))));
	if (rc == RC_NOT_FOUND) return cx_fail(cx, rc, _("There is no token called “%s”."), name);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = db_run(cx, "UPDATE api_token SET archived_at = :now WHERE id = :id",
		    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	if (rc == RC_OK) rc = audit_add(cx, "archive", "api_token", id, NULL, NULL);
	rc = tx_end(cx, rc);
	if (rc != RC_OK) return rc;
	return said(cx, call, facts_of(cx, name), arena_printf(cx->arena, _("Token %s is revoked."), name));
}

const struct command people_commands[] = {
	{ .name = "user add",
	  .usage = "NAME --role ROLE --password-stdin",
	  .help = N_("Add a user of the panel."),
	  .needs = COMMAND_STATE,
	  .run = run_user_add },
	{ .name = "user list",
	  .usage = "[--all]",
	  .help = N_("The users, their roles and last log-in; --all with the archived ones."),
	  .needs = COMMAND_STATE,
	  .run = run_user_list },
	{ .name = "user password",
	  .usage = "NAME --password-stdin",
	  .help = N_("Give a user a new password."),
	  .needs = COMMAND_STATE,
	  .run = run_user_password },
	{ .name = "user role",
	  .usage = "NAME ROLE",
	  .help = N_("Give a user another role."),
	  .needs = COMMAND_STATE,
	  .run = run_user_role },
	{ .name = "user rename",
	  .usage = "NAME NEW-NAME",
	  .help = N_("Give a user another name; sessions, tokens and history stay."),
	  .needs = COMMAND_STATE,
	  .run = run_user_rename },
	{ .name = "user reset",
	  .usage = "NAME [--second-factor-off] [--password-stdin]",
	  .help = N_("Let somebody who is locked out in again: a link for a new password."),
	  .needs = COMMAND_STATE,
	  .run = run_user_reset },
	{ .name = "user archive",
	  .usage = "NAME [--to OTHER]",
	  .help = N_("Take a user out; what is his goes to somebody else."),
	  .needs = COMMAND_STATE,
	  .run = run_user_archive },
	{ .name = "role list",
	  .usage = "",
	  .help = N_("The roles and what they may do."),
	  .needs = COMMAND_STATE,
	  .run = run_role_list },
	{ .name = "token add",
	  .usage = "NAME --rights LIST [--expires DATE] [--user NAME]",
	  .help = N_("Make an API token; it is printed once."),
	  .needs = COMMAND_STATE,
	  .run = run_token_add },
	{ .name = "token list",
	  .usage = "[--all]",
	  .help = N_("The API tokens and how they stand; --all with the revoked ones."),
	  .needs = COMMAND_STATE,
	  .run = run_token_list },
	{ .name = "token revoke",
	  .usage = "NAME",
	  .help = N_("End an API token."),
	  .needs = COMMAND_STATE,
	  .run = run_token_revoke },
	{ .name = NULL },
};
