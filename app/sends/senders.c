/*
** senders.c -- who mails are from: the list people keep, and which of them a mail has (spec §2.1, §6).
**
** Owns:   the table sender.
** Holds:  (1) at most one active sender a user: activating one deactivates the user's others; (2) what is
**         resolved was checked as an address, so that a send never starts with one that every mail would fail
**         by.
*/
#include "sends/senders.h"
#include "base/text.h"
#include "outbox/mime.h"

#include <string.h>

#define OFFLINE_SENDER "recado@example.com" /* the stand-in takes anybody, and nothing leaves it */
#define OWN_MAX        200                  /* senders of one person */

static const struct column columns[] = {
	{ .name = "from_email",
	  .title = N_("Sender's address"),
	  .type = COLUMN_EMAIL,
	  .flags = COL_REQUIRED | COL_LIST | COL_SEARCH,
	  .help = N_("The provider must know its domain, or it refuses the mails."),
	  .aliases = "correo" },
	{ .name = "from_name",
	  .title = N_("Sender's name"),
	  .type = COLUMN_TEXT,
	  .flags = COL_LIST | COL_SEARCH,
	  .max = SENDER_NAME_MAX,
	  .aliases = "nombre" },
	{ .name = "reply_to",
	  .title = N_("Answers go to"),
	  .type = COLUMN_EMAIL,
	  .flags = COL_LIST,
	  .help = N_("Empty: to the sender's address.") },
	{ .name = "user_id",
	  .title = N_("User"),
	  .type = COLUMN_REF,
	  .flags = COL_LIST,
	  .ref = "users",
	  .help = N_("Whose usual sender it is; empty: everybody's to choose."),
	  .aliases = "usuario" },
	{ .name = "is_active", .title = N_("Is active"), .type = COLUMN_BOOL, .flags = COL_LIST, .def = "1" },
	{ .name = "created_at", .title = N_("Registered"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "updated_at",
	  .title = N_("Changed"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_HIDDEN },
	{ .name = NULL },
};

static const struct sort sorts[] = {
	{ .name = "from_email", .title = N_("Sender's address"), .sql = "t.from_email" },
	{ .name = NULL },
};

static const struct filter filters[] = {
	{ .name = "state",
	  .title = N_("State"),
	  .choices = "active=Active ones|inactive=Inactive ones",
	  .sql = (const char *const[]){ "t.is_active = 1", "t.is_active = 0", NULL } },
	{ .name = NULL },
};

/* The user's other ones stop being the active one; each is in the history. */
static enum rc deactivate_others(struct cx *cx, int64_t id, int64_t user_id)
{
	struct value *rows = NULL, *after = value_map(cx->arena);
	enum rc rc = db_rows(
		cx, &rows, OWN_MAX,
		"SELECT id FROM sender WHERE user_id = :user AND id <> :id AND is_active = 1 AND archived_at IS NULL",
		PARAMS(P_INT(":user", user_id), P_INT(":id", id)));

	value_set_int(cx->arena, after, "is_active", 0);
	for (const struct value *v = rc == RC_OK ? rows->first : NULL; rc == RC_OK && v != NULL;
	     v = v->next) {
		int64_t other = value_int_of(value_get(v, "id"), 0);

		rc = db_run(cx, "UPDATE sender SET is_active = 0, updated_at = :now WHERE id = :id",
			    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", other)));
		if (rc == RC_OK) rc = audit_add(cx, "deactivate", "sender", other, NULL, after);
	}
	return rc;
}

static enum rc before_save(struct cx *cx, int64_t id, struct value *values)
{
	int64_t user = value_int_of(value_get(values, "user_id"), 0);

	if (user == 0 || value_int_of(value_get(values, "is_active"), 0) == 0) return RC_OK;
	return deactivate_others(cx, id, user);
}

static enum rc before_restore(struct cx *cx, int64_t id)
{
	return db_run(
		cx,
		"UPDATE sender SET is_active = 0 WHERE id = :id AND EXISTS (SELECT 1 FROM sender x WHERE"
		" x.user_id = sender.user_id AND x.id <> sender.id AND x.is_active = 1 AND x.archived_at IS NULL)",
		PARAMS(P_INT(":id", id)));
}

/* Through the office's own saving, so that checks, hooks and history are the same as the form's. */
static enum rc set_active(struct cx *cx, int64_t id, bool is_active)
{
	struct value *input = value_map(cx->arena);
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, input, "is_active", is_active ? "1" : "0");
	return tx_end(cx, desk_save(cx, &sender_resources[0], &id, input));
}

static enum rc run_on(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The sender can be used.");
	return set_active(cx, id, true);
}

static enum rc run_off(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The sender is not used any more.");
	return set_active(cx, id, false);
}

static const struct action actions[] = {
	{ .name = "deactivate",
	  .title = N_("Make inactive"),
	  .right = RIGHT_SENDERS,
	  .confirm = N_("Make inactive? Sends that name it do not start any more."),
	  .is_bulk = true,
	  .when = "t.is_active = 1",
	  .run = run_off },
	{ .name = "activate",
	  .title = N_("Make active"),
	  .right = RIGHT_SENDERS,
	  .confirm = N_("Make active again? The user's other senders become inactive."),
	  .is_bulk = true,
	  .when = "t.is_active = 0",
	  .run = run_on },
	{ .name = NULL },
};

static const struct dependent dependents[] = {
	{ N_("Sends that have not left"),
	  "SELECT count(*) FROM bulk_send WHERE sender_id = :id AND status IN ('pending', 'queued', 'sending', 'paused')" },
	{ .title = NULL },
};

const struct resource sender_resources[] = {
	{ .name = "senders",
	  .title = N_("Senders"),
	  .title_one = N_("Sender"),
	  .table = "sender",
	  .row_name =
		  "CASE WHEN t.from_name <> '' THEN t.from_name || ' <' || t.from_email || '>' ELSE t.from_email END",
	  .columns = columns,
	  .sorts = sorts,
	  .filters = filters,
	  .actions = actions,
	  .where = "t.archived_at IS NULL",
	  .right_view = RIGHT_VIEW,
	  .right_edit = RIGHT_SENDERS,
	  .has_public_id = true,
	  .can_create = true,
	  .can_archive = true,
	  .menu = N_("Senders"),
	  .menu_order = MENU_SENDERS,
	  .import_key = "from_email",
	  .empty = N_("No senders yet: mails are from the address of the settings."),
	  .before_save = before_save,
	  .before_restore = before_restore,
	  .dependents = dependents },
	{ .name = NULL },
};

/* Which one */

/* RC_BAD_INPUT with the sentence when text is no address. */
static enum rc checked(struct cx *cx, const char **out, const char *text)
{
	char address[MAIL_ADDRESS_SIZE];
	const char *why = "";

	if (mime_address(address, text, &why) != RC_OK)
		return cx_fail(cx, RC_BAD_INPUT, _("“%s” cannot be the sender of a mail: %s"), text,
			       words_get(cx->lang, why));
	*out = arena_text(cx->arena, address);
	return RC_OK;
}

static enum rc made(struct cx *cx, struct sender *out, const struct sender *s)
{
	const char *email = NULL;
	enum rc rc = checked(cx, &email, s->from_email);

	if (rc != RC_OK) return rc;
	*out = *s;
	out->from_email = email;
	if (out->from_name == NULL) out->from_name = "";
	if (out->reply_to == NULL) out->reply_to = "";
	return RC_OK;
}

static enum rc from_row(struct cx *cx, struct sender *out, const struct value *row, const char *source)
{
	struct sender s = {
		.id = value_int_of(value_get(row, "id"), 0),
		.from_email = value_text_of(value_get(row, "from_email"), ""),
		.from_name = value_text_of(value_get(row, "from_name"), ""),
		.reply_to = value_text_of(value_get(row, "reply_to"), ""),
		.source = source,
	};

	return made(cx, out, &s);
}

static enum rc chosen(struct cx *cx, struct sender *out, int64_t id)
{
	struct value *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT id, from_email, from_name, reply_to, is_active AND archived_at IS NULL AS is_active"
		" FROM sender WHERE id = :id",
		PARAMS(P_INT(":id", id)));

	if (rc == RC_NOT_FOUND) return cx_fail(cx, rc, "%s", _("There is no such sender."));
	if (rc != RC_OK) return rc;
	if (value_int_of(value_get(row, "is_active"), 0) == 0)
		return cx_fail(cx, RC_BAD_INPUT,
			       _("The sender %s is not active any more. Choose another one, or activate it."),
			       value_text_of(value_get(row, "from_email"), ""));
	return from_row(cx, out, row, "chosen");
}

/* RC_NOT_FOUND without a sentence: the user has neither. */
static enum rc of_user(struct cx *cx, struct sender *out, int64_t user_id)
{
	struct value *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT id, from_email, from_name, reply_to FROM sender WHERE user_id = :user AND is_active = 1"
		" AND archived_at IS NULL",
		PARAMS(P_INT(":user", user_id)));

	if (rc == RC_OK) return from_row(cx, out, row, "user");
	if (rc != RC_NOT_FOUND) return rc;
	rc = db_row(
		cx, &row,
		"SELECT 0 AS id, email AS from_email, name AS from_name, '' AS reply_to FROM user WHERE id = :user"
		" AND email IS NOT NULL AND email <> '' AND archived_at IS NULL",
		PARAMS(P_INT(":user", user_id)));
	return rc == RC_OK ? from_row(cx, out, row, "account") : rc;
}

/* Settings */

/* smtp.from, or smtp.user when that is an address. "" = neither. */
static const char *smtp_sender(struct cx *cx, const char **name)
{
	const char *text = setting_text(cx->env->settings, "smtp.from");
	char who[MAIL_NAME_SIZE], address[MAIL_ADDRESS_SIZE];

	*name = "";
	if (text[0] == '\0') text = setting_text(cx->env->settings, "smtp.user");
	if (text[0] == '\0' || mime_mailbox(who, address, text, NULL) != RC_OK) return "";
	*name = arena_text(cx->arena, who);
	return arena_text(cx->arena, address);
}

enum rc sender_default(struct cx *cx, struct sender *out, const char *channel)
{
	bool is_smtp_first = strcmp(channel, "email") == 0, is_doppler = strcmp(channel, "doppler") == 0;
	const char *smtp_name = "", *smtp = is_doppler ? "" : smtp_sender(cx, &smtp_name);
	struct sender s = { .from_email = setting_text(cx->env->settings, "doppler.from_email"),
			    .from_name = setting_text(cx->env->settings, "doppler.from_name"),
			    .reply_to = "",
			    .source = "settings" };

	if (smtp[0] != '\0' && (is_smtp_first || s.from_email[0] == '\0')) {
		s.from_email = smtp;
		s.from_name = smtp_name[0] != '\0'     ? smtp_name
			      : s.from_name[0] != '\0' ? s.from_name
						       : setting_text(cx->env->settings, "business.name");
	}
	if (s.from_email[0] == '\0' && cx->env->is_offline) {
		s.from_email = OFFLINE_SENDER;
		s.from_name = setting_text(cx->env->settings, "business.name");
	}
	if (s.from_email[0] == '\0')
		return cx_fail(
			cx, RC_NOT_FOUND,
			_("Nobody says who the mails are from: choose a sender, or set %s in the settings."),
			is_smtp_first ? "smtp.from" : "doppler.from_email");
	s.from_email = arena_text(cx->arena, s.from_email);
	s.from_name = arena_text(cx->arena, s.from_name);
	return made(cx, out, &s);
}

enum rc sender_resolve(struct cx *cx, struct sender *out, const struct sender_ask *ask)
{
	enum rc rc;

	if (ask->from_email != NULL && ask->from_email[0] != '\0' && ask->from_name != NULL &&
	    ask->from_name[0] != '\0') {
		struct sender s = { .from_email = ask->from_email,
				    .from_name = arena_text(cx->arena, ask->from_name),
				    .source = "request" };

		return made(cx, out, &s);
	}
	if (ask->sender_id != 0) return chosen(cx, out, ask->sender_id);
	rc = ask->user_id != 0 ? of_user(cx, out, ask->user_id) : RC_NOT_FOUND;
	if (rc != RC_NOT_FOUND) return rc;
	rc = sender_default(cx, out, ask->channel);
	return rc == RC_NOT_FOUND ? RC_BAD_INPUT : rc;
}

enum rc sender_find(struct cx *cx, int64_t *id, const char *public_id)
{
	enum rc rc;

	if (public_id == NULL || public_id[0] == '\0') {
		*id = 0;
		return RC_OK;
	}
	rc = db_get_int(cx, id, "SELECT id FROM sender WHERE public_id = :id AND archived_at IS NULL",
			PARAMS(P_TEXT(":id", public_id)));
	return rc == RC_NOT_FOUND ? cx_fail(cx, rc, "%s", _("There is no such sender.")) : rc;
}

static enum rc write_own(struct cx *cx, int64_t *id, int64_t user_id, const char *email, const char *name)
{
	char public_id[PUBLIC_ID_SIZE];
	struct value *after = value_map(cx->arena);
	const char *search = text_fold(cx->arena, arena_printf(cx->arena, "%s %s", email, name));
	bool is_new;
	enum rc rc = db_get_int(
		cx, id,
		"SELECT id FROM sender WHERE user_id = :user AND is_active = 1 AND archived_at IS NULL",
		PARAMS(P_INT(":user", user_id)));

	if (rc != RC_OK && rc != RC_NOT_FOUND) return rc;
	is_new = rc == RC_NOT_FOUND;
	public_id_new(public_id);
	if (is_new)
		rc = db_run(
			cx,
			"INSERT INTO sender (public_id, user_id, from_email, from_name, created_at, updated_at, search)"
			" VALUES (:pid, :user, :email, :name, :now, :now, :search)",
			PARAMS(P_TEXT(":pid", public_id), P_INT(":user", user_id), P_TEXT(":email", email),
			       P_TEXT(":name", name), P_INT(":now", cx_now(cx)), P_TEXT(":search", search)));
	else
		rc = db_run(
			cx,
			"UPDATE sender SET from_email = :email, from_name = :name, updated_at = :now, search = :search"
			" WHERE id = :id",
			PARAMS(P_TEXT(":email", email), P_TEXT(":name", name), P_INT(":now", cx_now(cx)),
			       P_TEXT(":search", search), P_INT(":id", *id)));
	if (rc != RC_OK) return rc;
	if (is_new) *id = db_last_id(cx);
	value_set_text(cx->arena, after, "from_email", email);
	value_set_text(cx->arena, after, "from_name", name);
	return audit_add(cx, is_new ? "create" : "edit", "sender", *id, NULL, after);
}

enum rc sender_save_own(struct cx *cx, int64_t *id, int64_t user_id, const char *from_email,
			const char *from_name)
{
	char address[MAIL_ADDRESS_SIZE];
	const char *why = "", *name = from_name != NULL ? from_name : "";
	enum rc rc = RC_OK;

	if (from_email == NULL || mime_address(address, from_email, &why) != RC_OK)
		rc = cx_fail_field(cx, "from_email", _("“%s” cannot be the sender of a mail: %s"),
				   from_email != NULL ? from_email : "", words_get(cx->lang, why));
	if (text_length(name) > SENDER_NAME_MAX)
		rc = cx_fail_field(cx, "from_name", _("At most %d characters."), SENDER_NAME_MAX);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	return tx_end(cx, write_own(cx, id, user_id, address, name));
}
