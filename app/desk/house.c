/*
** house.c -- desk's own tables: the house's resources, pages and rights; what every page of the panel
** shows.
*/
#include "desk/people.h"
#include "desk/menu.h"
#include "desk/outbox_pages.h"
#include "desk/route_rows.h"
#include "desk/wizard.h"
#include "desk/work_pages.h"

#include <string.h>

/* A seller may look at messages, but not at those to other people's customers. Nobody down here knows
** customers: he sees what left by his own hand. */
#define MADE_BY_ACTOR "t.created_by IN " NAMES_OF_ACTOR

static const struct dependent user_dependents[] = {
	{ N_("API tokens"), "SELECT count(*) FROM api_token WHERE user_id = :id AND archived_at IS NULL" },
	{ N_("Open sessions"), "SELECT count(*) FROM session WHERE user_id = :id" },
	{ .title = NULL },
};

const struct resource desk_resources[] = {
	{
		.name = "outbox",
		.title = N_("Outbox"),
		.title_one = N_("Message"),
		.table = "message",
		.from = "JOIN contact c ON c.id = t.contact_id"
			" JOIN channel_account a ON a.id = t.channel_account_id",
		.row_name = "c.address",
		.columns = outbox_columns,
		.sorts = outbox_sorts,
		.filters = outbox_filters,
		.actions = outbox_actions,
		.row_rule = MADE_BY_ACTOR,
		.right_all = "outbox.all",
		.right_view = "outbox.view",
		.has_public_id = true,
		.menu = N_("Outbox"),
		.menu_order = 56,
		.empty = N_("Nothing has been sent yet. Notices, replies and confirmations appear here."),
		.show = outbox_show,
		.list_extra = outbox_counts,
		.name_shown = address_words,
		.show_template = "desk/message",
	},
	{
		.name = "batches",
		.title = N_("Batches"),
		.title_one = N_("Batch"),
		.table = "batch",
		.row_name = "CASE WHEN t.title <> '' THEN t.title ELSE t.kind || ' ' || t.local_on END",
		.columns = batches_columns,
		.sorts = batches_sorts,
		.actions = batches_actions,
		.row_rule = MADE_BY_ACTOR,
		.right_all = "outbox.all",
		.right_view = "outbox.view",
		.has_public_id = true,
		.menu = N_("Batches"),
		.menu_order = 57,
		.empty = N_("No batch yet: each run of notices and each bulk send is one."),
		.show = batches_show,
		.show_template = "desk/batch",
		.names_are_words = true,
	},
	{
		.name = "jobs",
		.title = N_("Work"),
		.title_one = N_("Job"),
		.table = "job",
		.row_name = "t.kind",
		.columns = jobs_columns,
		.sorts = jobs_sorts,
		.filters = jobs_filters,
		.actions = jobs_actions,
		.right_view = "jobs.view",
		.menu = N_("Work"),
		.menu_order = 70,
		.empty = N_("No work yet: schedules and buttons put it here."),
		.name_shown = job_kind_shown,
		.list_extra = jobs_list_extra,
		.show = jobs_show,
		.show_template = "desk/job",
	},
	{
		.name = "schedules",
		.title = N_("Schedules"),
		.title_one = N_("Schedule"),
		.table = "schedule",
		.row_name = "t.name",
		.columns = schedules_columns,
		.sorts = schedules_sorts,
		.filters = schedules_filters,
		.actions = schedules_actions,
		.right_view = "jobs.view",
		.right_edit = "jobs.edit",
		.menu = N_("Schedules"),
		.menu_order = 71,
		.empty = N_("No schedules: nothing happens by itself."),
		.before_save = schedule_before_save,
		.after_save = schedule_after_save,
		.name_shown = schedule_name_shown,
		.list_extra = schedules_list_extra,
		.list_template = "desk/schedules",
		.form_template = "desk/schedule_form",
		.form_take = schedule_form_take,
		.form_show = schedule_form_show,
		.show = schedules_show,
		.show_template = "desk/schedule",
	},
	{
		.name = "users",
		.title = N_("Users"),
		.title_one = N_("User"),
		.table = "user",
		.row_name = "t.name",
		.columns = user_columns,
		.sorts = user_sorts,
		.actions = user_actions,
		.where = "t.archived_at IS NULL",
		.no_import = true,
		.right_view = "users.view",
		.right_edit = "users.edit",
		.has_public_id = true,
		.can_create = true,
		.can_archive = true,
		.menu = N_("Users"),
		.menu_order = 80,
		.empty = N_("No users yet."),
		.before_save = user_before_save,
		.before_archive = user_before_archive,
		.before_restore = user_before_restore,
		.dependents = user_dependents,
		.show = user_show,
		.show_template = "desk/user_show",
		.new_page = "/users/new",
		.has_own_create = true,
		.edit_page = "/users/:id/edit",
	},
	{
		.name = "roles",
		.title = N_("Roles"),
		.title_one = N_("Role"),
		.table = "role",
		.row_name = "t.title",
		.columns = role_columns,
		.sorts = role_sorts,
		.actions = role_actions,
		.where = "t.archived_at IS NULL",
		.right_view = "users.view",
		.right_edit = "users.edit",
		.can_create = true,
		.can_archive = true,
		.menu = N_("Roles"),
		.menu_order = 82,
		.list_template = "desk/roles_list",
		.empty = N_("No roles yet."),
		.before_save = role_before_save,
		.before_archive = role_before_archive,
		.before_restore = role_before_restore,
		.show = role_show,
		.show_template = "desk/role_show",
		.names_are_words = true,
		.no_import = true,
	},
	{
		.name = "tokens",
		.title = N_("API tokens"),
		.title_one = N_("API token"),
		.table = "api_token",
		.row_name = "t.name",
		.columns = token_columns,
		.sorts = token_sorts,
		.filters = token_filters,
		.where = "t.archived_at IS NULL",
		.no_import = true,
		.right_view = "tokens.view",
		.right_edit = "tokens.edit",
		.has_public_id = true,
		.can_create = true,
		.can_archive = true,
		.stays_archived = true,
		.menu = N_("API tokens"),
		.menu_order = 81,
		.empty = N_("No tokens yet. A program that speaks to Recado needs one."),
		.before_save = token_before_save,
		.new_page = "/tokens/new",
		.has_own_create = true,
		.edit_page = "/tokens",
	},
	{
		.name = "audit",
		.title = N_("Audit log"),
		.title_one = N_("Log entry"),
		.table = "audit",
		.row_name = "t.action || ' ' || t.table_name",
		.columns = audit_columns,
		.sorts = audit_sorts,
		.filters = audit_filters,
		.right_view = "audit.view",
		.menu = N_("Audit log"),
		.menu_order = 86,
		.empty = N_("Nothing has been changed yet."),
		.show = audit_show,
		.show_template = "desk/audit",
		.name_shown = audit_name_shown,
		.rows_read = audit_rows_read,
	},
	{ .name = NULL },
};

const struct right desk_rights[] = {
	{ "audit.view", N_("See who changed what, everywhere"), "owner" },
	{ "users.view", N_("See users and roles"), "owner" },
	{ "users.edit", N_("Make, change and archive users"), "owner" },
	{ "tokens.view", N_("See API tokens"), "owner" },
	{ "tokens.edit", N_("Make and revoke API tokens"), "owner" },
	{ "jobs.view", N_("See the work of the house"), "owner reader operadores_ui" },
	{ "jobs.edit", N_("Cancel work and run it again"), "owner" },
	{ "outbox.all", N_("See every message that leaves, not only the own ones"), "owner reader" },
	{ "inbox.view", N_("Read what people write"), "owner reader" },
	{ "inbox.edit", N_("Answer, and note who wants no notices"), "owner" },
	{ "templates.view", N_("See the texts of messages"), "owner reader" },
	{ "templates.edit", N_("Change the texts of messages"), "owner" },
	{ "gateway.view", N_("See the WhatsApp gateway"), "owner reader" },
	{ "gateway.edit", N_("Test, stop and open the WhatsApp gateway"), "owner" },
	{ "suppressions.view", N_("See who gets no mailings"), "owner operadores_ui report_managers reader" },
	{ "suppressions.edit", N_("Put addresses on the list of who gets no mailings, and take them off"),
	  "owner -operadores_ui" }, /* who left must not come back by an operator's hand (bulk-sends §1) */
	{ "alerts.view", N_("See what needs attention and who is told"), "owner reader" },
	{ "alerts.edit", N_("Try alerts and take care of them"), "owner" },
	{ .name = NULL },
};

static const struct fact nothing[] = { { .name = NULL } };
static const struct fact user_takes[] = {
	{ .name = "name", .type = FACT_TEXT, .is_needed = true, .max = 60 },
	{ .name = "role", .type = FACT_TEXT, .is_needed = true, .max = 60 },
	{ .name = "password", .type = FACT_TEXT, .is_needed = true, .max = 200 },
	{ .name = "email", .type = FACT_TEXT, .max = 200 },
	{ .name = "language", .type = FACT_TEXT, .choices = "es|en" },
	{ .name = NULL },
};
static const struct fact leave_takes[] = {
	{ .name = "hand_over_to",
	  .type = FACT_TEXT,
	  .max = 60,
	  .help = N_("Who takes over: the id of a user") },
	{ .name = NULL },
};
static const struct fact session_takes[] = {
	{ .name = "session",
	  .type = FACT_INT,
	  .is_needed = true,
	  .min = 1,
	  .max = INT64_C(9007199254740991) },
	{ .name = NULL },
};
static const struct fact token_takes[] = {
	{ .name = "name", .type = FACT_TEXT, .is_needed = true, .max = 100 },
	{ .name = "rights", .type = FACT_TEXTS, .is_needed = true },
	{ .name = "expires", .type = FACT_TEXT, .choices = "30|90|365|never|date" },
	{ .name = "expires_on", .type = FACT_DATE, .help = N_("The last day, with expires “date”") },
	{ .name = NULL },
};
static const struct fact token_gives[] = {
	{ .name = "name", .type = FACT_TEXT, .is_needed = true },
	{ .name = "token", .type = FACT_TEXT, .is_needed = true, .help = N_("Told this once.") },
	{ .name = "expires_at", .type = FACT_INSTANT },
	{ .name = NULL },
};
static const struct fact done_gives[] = {
	{ .name = "message", .type = FACT_TEXT, .is_needed = true },
	{ .name = "path", .type = FACT_TEXT, .is_needed = true },
	{ .name = NULL },
};
static const struct fact home_gives[] = {
	{ .name = "figures",
	  .type = FACT_MAPS,
	  .is_needed = true,
	  .help = N_("The cards of the home page.") },
	{ .name = NULL },
};
static const struct fact inbox_takes[] = {
	{ .name = "before", .type = FACT_INT, .help = N_("As “next” of the answer before has it.") },
	{ .name = "after", .type = FACT_INT, .help = N_("As “next” of the answer before has it.") },
	{ .name = NULL },
};
static const struct fact inbox_gives[] = {
	{ .name = "data",
	  .type = FACT_MAPS,
	  .is_needed = true,
	  .help = N_("Who wrote, the last one first.") },
	{ .name = "next", .type = FACT_TEXT, .help = N_("The address of the next page, if there is one.") },
	{ .name = NULL },
};
static const struct fact thread_gives[] = {
	{ .name = "id", .type = FACT_TEXT, .is_needed = true },
	{ .name = "address", .type = FACT_TEXT, .is_needed = true },
	{ .name = "is_out", .type = FACT_BOOL, .is_needed = true, .help = N_("Wants no notices.") },
	{ .name = "unread", .type = FACT_INT, .is_needed = true },
	{ .name = "messages",
	  .type = FACT_MAPS,
	  .is_needed = true,
	  .help = N_("Both ways, the oldest first.") },
	{ .name = NULL },
};
static const struct fact reply_takes[] = {
	{ .name = "text", .type = FACT_TEXT, .is_needed = true, .max = 4000 },
	{ .name = "nonce",
	  .type = FACT_TEXT,
	  .max = 26,
	  .help = N_("A word of your own, 26 letters: the same answer goes out once.") },
	{ .name = NULL },
};
static const struct fact opt_out_takes[] = {
	{ .name = "out", .type = FACT_BOOL, .is_needed = true, .help = N_("True: no more notices.") },
	{ .name = NULL },
};
static const struct fact templates_gives[] = {
	{ .name = "data", .type = FACT_MAPS, .is_needed = true },
	{ .name = NULL },
};
static const struct fact template_gives[] = {
	{ .name = "name", .type = FACT_TEXT, .is_needed = true },
	{ .name = "title", .type = FACT_TEXT, .is_needed = true },
	{ .name = "body", .type = FACT_TEXT, .is_needed = true },
	{ .name = NULL },
};
static const struct fact template_takes[] = {
	{ .name = "body", .type = FACT_TEXT, .is_needed = true },
	{ .name = "preview", .type = FACT_BOOL, .help = N_("Try it with made-up values; nothing is saved.") },
	{ .name = NULL },
};
static const struct fact template_saved[] = {
	{ .name = "name", .type = FACT_TEXT, .is_needed = true },
	{ .name = "preview", .type = FACT_TEXT },
	{ .name = NULL },
};
static const struct fact test_gives[] = {
	{ .name = "job", .type = FACT_INT, .is_needed = true, .help = N_("The work that does it.") },
	{ .name = NULL },
};
static const struct fact progress_gives[] = {
	{ .name = "done", .type = FACT_INT, .is_needed = true },
	{ .name = "total", .type = FACT_INT, .is_needed = true },
	{ .name = "text", .type = FACT_TEXT, .is_needed = true },
	{ .name = "is_over", .type = FACT_BOOL, .is_needed = true },
	{ .name = NULL },
};

const struct route desk_routes[] = {
	CALL("GET", "/", NULL, handle_home, N_("Home"), N_("The day at one glance"), NULL, home_gives),
	CALL("GET", "/inbox", "inbox.view", handle_inbox, N_("Inbox"), N_("What people wrote"), inbox_takes,
	     inbox_gives),
	CALL("GET", "/inbox/:id", "inbox.view", handle_thread, NULL, N_("One person's messages, both ways"),
	     NULL, thread_gives),
	CALL("POST", "/inbox/:id/read", "inbox.edit", handle_thread_read, NULL, N_("Mark as read"), nothing,
	     thread_gives),
	CALL("POST", "/inbox/:id/reply", "inbox.edit", handle_thread_reply, NULL, N_("Answer"), reply_takes,
	     thread_gives),
	CALL("POST", "/inbox/:id/opt-out", "inbox.edit", handle_thread_opt_out, NULL,
	     N_("No more notices, or again"), opt_out_takes, thread_gives),
	CALL("GET", "/texts", "templates.view", handle_templates, N_("Message texts"),
	     N_("The texts of messages"), NULL, templates_gives),
	CALL("GET", "/texts/:name", "templates.view", handle_template, NULL, N_("One text, with preview"),
	     NULL, template_gives),
	CALL("POST", "/texts/:name", "templates.edit", handle_template_save, NULL, N_("Save or try a text"),
	     template_takes, template_saved),
	PAGE("GET", "/gateway", "gateway.view", handle_gateway, NULL, N_("The WhatsApp gateway")),
	CALL("POST", "/gateway/test", "gateway.edit", handle_gateway_test, NULL, N_("Try the gateway"),
	     nothing, test_gives),
	{ .method = "POST",
	  .path = "/gateway/open",
	  .realm = REALM_STAFF,
	  .right = "gateway.edit",
	  .class = ROUTE_DB,
	  .has_token = true,
	  .help = N_("Let messages leave again"),
	  .takes = nothing,
	  .handle = handle_gateway_state,
	  .arg = "open" },
	{ .method = "POST",
	  .path = "/gateway/stop",
	  .realm = REALM_STAFF,
	  .right = "gateway.edit",
	  .class = ROUTE_DB,
	  .has_token = true,
	  .help = N_("Hold all messages"),
	  .takes = nothing,
	  .handle = handle_gateway_state,
	  .arg = "stop" },
	PEOPLE("GET", "/users/new", "users.edit", handle_user_new, NULL, N_("Form for a new user")),
	CALL("POST", "/users", "users.edit", handle_user_create, NULL, N_("Make a user"), user_takes,
	     done_gives),
	CALL("POST", "/users/new", "users.edit", handle_user_create, NULL, N_("Make a user"), user_takes,
	     done_gives),
	PEOPLE("GET", "/users/:id/edit", "users.edit", handle_user_edit, NULL, N_("Form to change a user")),
	PEOPLE("POST", "/users/:id/edit", "users.edit", handle_user_save, NULL, N_("Change a user")),
	PEOPLE("GET", "/users/:id/leave", "users.edit", handle_user_leave_ask, NULL,
	       N_("Who takes over before a user goes")),
	CALL("POST", "/users/:id/leave", "users.edit", handle_user_leave, NULL,
	     N_("Hand over what is a user's, and archive him"), leave_takes, done_gives),
	CALL("POST", "/users/:id/sessions", "users.edit", handle_user_session_end, NULL,
	     N_("End one session of a user"), session_takes, done_gives),
	PEOPLE("GET", "/roles/rights", "users.view", handle_role_matrix, NULL, N_("Which role may do what")),
	PEOPLE("POST", "/roles/rights", "users.edit", handle_role_rights, NULL,
	       N_("Change which role may do what")),
	PEOPLE("GET", "/tokens/new", "tokens.edit", handle_token_new, NULL, N_("Form for a new API token")),
	CALL("POST", "/tokens", "tokens.edit", handle_token_create, NULL, N_("Make an API token"),
	     token_takes, token_gives),
	CALL("POST", "/tokens/new", "tokens.edit", handle_token_create, NULL, N_("Make an API token"),
	     token_takes, token_gives),
	PAGE("GET", "/bulk/:id", NULL, handle_bulk_show, NULL, N_("How an action for many rows went")),
	PAGE("GET", "/bulk/:id/refused", NULL, handle_bulk_show, NULL,
	     N_("The rows that were refused; as CSV all of them")),
	PAGE("GET", "/bulk/:id/progress", NULL, handle_bulk_progress, NULL, N_("How far it is, as JSON")),
	PAGE("POST", "/bulk/:id/cancel", NULL, handle_bulk_cancel, NULL, N_("Stop it")),
	PAGE("POST", "/bulk/:id/continue", NULL, handle_bulk_continue, NULL, N_("Let it go on")),
	CALL("GET", "/jobs/:id/progress", "jobs.view", handle_job_progress, NULL,
	     N_("How far a job is, as JSON"), NULL, progress_gives),
	PEOPLE("GET", "/help", NULL, handle_help, N_("Help"), N_("What each screen is for")),
	PEOPLE("GET", "/help/:topic", NULL, handle_help_topic, NULL, N_("Help for one screen")),
	PEOPLE("GET", "/me/sessions", NULL, handle_my_sessions, NULL, N_("Where one is logged in")),
	PEOPLE("POST", "/me/sessions", NULL, handle_my_sessions_end, NULL, N_("End own sessions")),
	PEOPLE("GET", "/me/second-factor", NULL, handle_factor, NULL,
	       N_("A code from the phone at the log-in")),
	PEOPLE("POST", "/me/second-factor/start", NULL, handle_factor_start, NULL,
	       N_("Begin to set up the second factor")),
	PEOPLE("POST", "/me/second-factor/prove", NULL, handle_factor_prove, NULL,
	       N_("Switch the second factor on with its first code")),
	PEOPLE("POST", "/me/second-factor/codes", NULL, handle_factor_codes, NULL, N_("New recovery codes")),
	PEOPLE("POST", "/me/second-factor/off", NULL, handle_factor_off, NULL,
	       N_("Switch the second factor off")),
	PEOPLE("GET", "/me", NULL, handle_me, N_("My account"), N_("Language, e-mail and password")),
	PEOPLE("POST", "/me", NULL, handle_me_save, NULL, N_("Change the own account")),
	{ .method = NULL },
};

/* What every page shows */

/* That nothing leaves concerns everybody; the rest who can open its page, or looks after the alerts. */
static bool is_for_reader(const struct cx *cx, const char *severity, const char *link)
{
	return strcmp(severity, "urgent") == 0 || web_may_open(cx, link) ||
	       actor_may(&cx->actor, "alerts.view");
}

static void add_alerts(struct cx *cx, const struct value *layout)
{
	struct value *open = NULL, *list = (struct value *)(uintptr_t)value_get(layout, "alerts");
	const char *before = cx->message;

	if (list == NULL || alerts_open(cx, &open) != RC_OK) {
		cx->message = before; /* what an alert could not find out is not the page's failure */
		return;
	}
	for (const struct value *v = open->first; v != NULL; v = v->next) {
		const char *severity = value_text_of(value_get(v, "severity"), "");
		const char *link = value_text_of(value_get(v, "link"), "");
		struct value *out;

		if (!is_for_reader(cx, severity, link)) continue;
		out = value_add_map(cx->arena, list);
		value_set_text(cx->arena, out, "text", value_text_of(value_get(v, "text"), ""));
		value_set_text(cx->arena, out, "level",
			       strcmp(severity, "urgent") == 0    ? "error"
			       : strcmp(severity, "warning") == 0 ? "warn"
								  : "info");
		value_set_bool(cx->arena, out, "is_urgent", strcmp(severity, "urgent") == 0);
		if (!web_may_open(cx, link)) continue; /* nobody is sent to a closed door */
		value_set_text(cx->arena, out, "href", link);
		value_set_text(cx->arena, out, "link", _("Look"));
	}
}

void desk_decorate(struct cx *cx, struct value *layout)
{
	int64_t unread = actor_may(&cx->actor, "inbox.view") ? inbox_unread(cx) : 0;

	wizard_hint(cx, layout);
	add_alerts(cx, layout);
	menu_order(cx, layout, unread);
	value_set_text(cx->arena, layout, "help_path",
		       help_path_of(cx, value_text_of(value_get(layout, "path"), "/")));
}
