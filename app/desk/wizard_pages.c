/*
** wizard_pages.c -- the pages of the first steps: each saves by the settings' own code, each can be left out.
**
** Needs:  settings.h for fields and saving; work.h for the first backup (a job of ops, known by its name
** only). Never:  waits for the network or a backup: pages ask again until it is known.
** Holds:  what was typed stays in the form when something is wrong with it.
*/
#include "desk/settings.h"
#include "desk/wizard.h"
#include "desk/inner.h"

#include <string.h>
#include <sys/statvfs.h>

#define BACKUP_KIND "ops.backup"
#define ASK_AGAIN_S "2"
#define REFUSED     422
#define MB          (1024 * 1024)

/* Common */

static bool is_post(const struct call *call)
{
	return strcmp(call_method(call), "POST") == 0;
}

static void add_field(struct cx *cx, struct call *call, const char *name, struct value *fields)
{
	const struct setting *row = settings_find(cx->env->settings, name);

	if (row != NULL)
		setting_field(cx, is_post(call) ? call : NULL, row, value_add_map(cx->arena, fields));
}

static void add_errors(struct cx *cx, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "errors");

	for (size_t i = 0; i < cx->field_count; i++) {
		const struct setting *row = settings_find(cx->env->settings, cx->fields[i].field);
		struct value *e = value_add_map(cx->arena, list);

		value_set_text(cx->arena, e, "name", cx->fields[i].field);
		value_set_text(cx->arena, e, "label", row != NULL ? setting_title(cx, row) : _("Phone"));
		value_set_text(cx->arena, e, "message", cx->fields[i].message);
	}
}

static void answer_step(struct cx *cx, struct call *call, enum wizard_step step, struct value *page,
			enum rc failed)
{
	static const char *const templates[STEP__MAX] = {
		"desk/wizard_business", "desk/wizard_whatsapp", "desk/wizard_customers",
		"desk/wizard_backup",   "desk/wizard_done",
	};

	wizard_head(cx, step, page);
	if (failed != RC_OK) {
		if (cx->field_count == 0)
			value_set_text(cx->arena, page, "form_error", cx_sentence(cx, failed));
		add_errors(cx, page);
	}
	page_answer(cx, call, templates[step], value_text_of(value_get(page, "step_title"), ""), page);
	if (failed != RC_OK)
		reply_status(call_reply(call), failed == RC_BAD_INPUT ? REFUSED : rc_row(failed)->http);
}

/* Save what the form has of these names; nothing typed changes nothing. */
static enum rc save_names(struct cx *cx, struct call *call, const char *const *names)
{
	struct setting_change changes[SETTINGS_SAVE_MAX];
	struct settings_order order = { .changes = changes, .call = call };
	enum rc rc = form_read(cx, call);

	for (; rc == RC_OK && *names != NULL; names++) {
		const char *typed = form_text(call, *names);
		const struct setting *row = settings_find(cx->env->settings, *names);
		bool has_default = row != NULL && row->def != NULL && row->def[0] != '\0';

		if (row == NULL || typed == NULL || (typed[0] == '\0' && (has_default || row->is_secret)))
			continue;
		changes[order.count++] = (struct setting_change){ .name = *names, .value = typed };
	}
	return rc == RC_OK ? settings_save(cx, &order, NULL) : rc;
}

static enum rc go_on(struct cx *cx, struct call *call, enum wizard_step next)
{
	enum rc rc = wizard_reached(cx, next);

	if (rc == RC_OK) answer_redirect(cx, call, wizard_path(cx, next));
	return rc;
}

static bool is_refusal(enum rc rc)
{
	return rc == RC_BAD_INPUT || rc == RC_CONFLICT || rc == RC_DENIED || rc == RC_IO;
}

/* Business */

static const char *const business_names[] = { "business.name",
					      "business.phone",
					      "business.region",
					      "business.currency",
					      "business.zone",
					      "business.language",
					      NULL };

/* "es-CO": the country of the browser's language, when we have it and nobody has said another. */
static const char *likely_region(struct cx *cx, struct call *call)
{
	const char *header = call_header(call, "Accept-Language");

	if (header == NULL || strcmp(settings_origin(cx->env->settings, "business.region"), "default") != 0)
		return NULL;
	return strstr(header, "-CO") != NULL ? "CO" : strstr(header, "-EC") != NULL ? "EC" : NULL;
}

static void select_option(struct cx *cx, struct value *field, const char *value)
{
	const struct value *options = value_get(field, "options");

	for (struct value *o = options != NULL ? options->first : NULL; o != NULL; o = o->next)
		value_set_bool(cx->arena, o, "is_selected",
			       strcmp(value_text_of(value_get(o, "value"), ""), value) == 0);
}

static void title_options(struct cx *cx, struct value *field, const char *value, const char *title)
{
	const struct value *options = value_get(field, "options");

	for (struct value *o = options != NULL ? options->first : NULL; o != NULL; o = o->next)
		if (strcmp(value_text_of(value_get(o, "value"), ""), value) == 0)
			value_set_text(cx->arena, o, "title", title);
}

static void business_page(struct cx *cx, struct call *call, enum rc failed)
{
	struct value *page = value_map(cx->arena), *fields = value_set_list(cx->arena, page, "fields"), *f;
	const char *region = is_post(call) ? NULL : likely_region(cx, call);

	for (const char *const *name = business_names; *name != NULL; name++) {
		/* a list of its own, the likely ones first */
		if (strcmp(*name, "business.zone") == 0) continue;
		add_field(cx, call, *name, fields);
		f = fields->last;
		if (strcmp(*name, "business.name") == 0 && value_bool_of(value_get(f, "is_default"), false) &&
		    !is_post(call)) {
			value_set_text(cx->arena, f, "value", "");
			value_set_bool(cx->arena, f, "has_focus", true);
		}
		if (strcmp(*name, "business.region") == 0) {
			title_options(cx, f, "EC", "Ecuador");
			title_options(cx, f, "CO", "Colombia");
			if (region != NULL) select_option(cx, f, region);
		}
		if (strcmp(*name, "business.language") == 0) {
			title_options(cx, f, "es", "Español");
			title_options(cx, f, "en", "English");
		}
	}
	settings_zones(cx, page);
	answer_step(cx, call, STEP_BUSINESS, page, failed);
}

/* WhatsApp */

static const char *const whatsapp_names[] = { "whatsapp.api_key", NULL };

static void whatsapp_page(struct cx *cx, struct call *call, enum rc failed)
{
	struct value *page = value_map(cx->arena), *fields = value_set_list(cx->arena, page, "fields");
	const char *typed = is_post(call) ? form_text(call, "phone") : NULL;

	add_field(cx, call, "whatsapp.api_key", fields);
	for (size_t i = 0; i < cx->field_count; i++)
		if (strcmp(cx->fields[i].field, "phone") == 0)
			value_set_text(cx->arena, page, "phone_error", cx->fields[i].message);
	value_set_bool(cx->arena, page, "is_standin", cx->env->is_offline);
	wizard_test_show(cx, call, call_query(call, "test"), page);
	if (typed == NULL) typed = value_text_of(value_get(page, "test_to"), NULL);
	value_set_text(cx->arena, page, "phone",
		       typed != NULL ? typed : setting_text(cx->env->settings, "business.phone"));
	answer_step(cx, call, STEP_WHATSAPP, page, failed);
}

static enum rc handle_test(struct cx *cx, struct call *call)
{
	const char *public_id = "";
	struct value *out;
	enum rc rc = save_names(cx, call, whatsapp_names);

	if (rc == RC_OK) rc = wizard_test_send(cx, form_text(call, "phone"), &public_id);
	if (call_shape(call) == SHAPE_JSON) {
		if (rc != RC_OK) return rc;
		out = value_map(cx->arena);
		value_set_text(cx->arena, out, "message", public_id);
		answer_json(cx, call, 202, out);
		return RC_OK;
	}
	if (rc == RC_OK)
		answer_redirect(cx, call, arena_printf(cx->arena, "/start/whatsapp?test=%s", public_id));
	else if (is_refusal(rc))
		whatsapp_page(cx, call, rc);
	else
		return rc;
	return RC_OK;
}

/* Customers */

static void customers_page(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena);

	value_set_bool(cx->arena, page, "has_clients", desk_resource("clients") != NULL);
	answer_step(cx, call, STEP_CUSTOMERS, page, RC_OK);
}

/* Backups */

static const char *const backup_names[] = { "backup.folder", NULL };

static void fill_room(struct cx *cx, struct value *page)
{
	const char *set = setting_text(cx->env->settings, "backup.folder");
	const char *folder = set[0] != '\0' ? set : arena_printf(cx->arena, "%s/backups", cx->env->dir);
	struct statvfs fs;

	value_set_text(cx->arena, page, "folder", folder);
	if (statvfs(folder, &fs) == 0)
		value_set_text(cx->arena, page, "room",
			       arena_printf(cx->arena, _("%lld MB free"),
					    (long long)fs.f_bavail * (long long)fs.f_frsize / MB));
	else
		value_set_text(cx->arena, page, "room", _("the folder is not there"));
	value_set_bool(cx->arena, page, "folder_waits", settings_waits(cx->env->settings, "backup.folder"));
	value_set_bool(cx->arena, page, "is_same_disk", set[0] == '\0');
}

/* The backup that was asked for here: under way, done, or why not. */
static void fill_job(struct cx *cx, struct call *call, struct value *page)
{
	const char *asked = call_query(call, "job"), *state, *before = cx->message;
	struct value given = { .type = VALUE_TEXT, .text = asked, .len = asked != NULL ? strlen(asked) : 0 };
	struct value *job = NULL;

	if (asked == NULL || job_show(cx, &job, value_int_of(&given, 0)) != RC_OK ||
	    strcmp(value_text_of(value_get(job, "kind"), ""), BACKUP_KIND) != 0) {
		cx->message = before;
		return;
	}
	state = value_text_of(value_get(job, "state"), "");
	if (strcmp(state, "done") == 0) {
		value_set_text(cx->arena, page, "backup_done", value_text_of(value_get(job, "note"), ""));
	} else if (strcmp(state, "queued") == 0 || strcmp(state, "running") == 0) {
		const char *error = value_text_of(value_get(job, "error"), "");

		value_set_bool(cx->arena, page, "is_backing_up", true);
		value_set_text(cx->arena, page, "backup_error", error);
		answer_header(call, "Refresh", ASK_AGAIN_S);
	} else {
		const char *error = value_text_of(value_get(job, "error"), "");

		value_set_text(cx->arena, page, "backup_error",
			       error[0] != '\0' ? error : _("The backup did not end well."));
	}
}

static void backup_page(struct cx *cx, struct call *call, enum rc failed)
{
	struct value *page = value_map(cx->arena), *fields = value_set_list(cx->arena, page, "fields");

	add_field(cx, call, "backup.folder", fields);
	value_set_bool(cx->arena, fields->last, "is_text_area", false);
	value_set_text(cx->arena, fields->last, "placeholder",
		       arena_printf(cx->arena, "%s/backups", cx->env->dir));
	value_set_text(cx->arena, page, "restart", "sudo systemctl restart recado");
	fill_room(cx, page);
	fill_job(cx, call, page);
	answer_step(cx, call, STEP_BACKUP, page, failed);
}

static enum rc handle_backup_now(struct cx *cx, struct call *call)
{
	struct value *out;
	int64_t id = 0;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = job_add(cx, &id, &(struct job_new){ .kind = BACKUP_KIND, .slot = BACKUP_KIND });
	if (rc == RC_CONFLICT && id != 0) rc = RC_OK; /* one is on its way: it is as good */
	rc = tx_end(cx, rc);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_JSON) {
		out = value_map(cx->arena);
		value_set_int(cx->arena, out, "job", id);
		answer_json(cx, call, 202, out);
	} else {
		answer_redirect(cx, call, arena_printf(cx->arena, "/start/backup?job=%lld", (long long)id));
	}
	return RC_OK;
}

/* The end */

static enum rc fill_next(struct cx *cx, struct value *page)
{
	char at[RFC3339_SIZE];
	int64_t next = 0;
	enum rc rc = db_get_int(
		cx, &next,
		"SELECT next_due_at FROM schedule WHERE is_enabled = 1 AND next_due_at IS NOT NULL"
		" AND job_kind NOT LIKE 'ops.%' AND job_kind NOT LIKE 'outbox.%' ORDER BY next_due_at LIMIT 1",
		NO_PARAMS);

	if (rc == RC_NOT_FOUND) return RC_OK;
	if (rc != RC_OK) return rc;
	instant_text_local(at, next, cx->env->zone);
	value_set_text(cx->arena, page, "next_at", arena_text(cx->arena, at));
	return RC_OK;
}

static enum rc done_page(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena);
	enum wizard_step left = STEP_BUSINESS;
	enum rc rc = fill_next(cx, page);

	if (rc == RC_OK) rc = wizard_left_at(cx, &left);
	if (rc != RC_OK) return rc;
	wizard_checklist(cx, page);
	value_set_bool(cx->arena, page, "is_over", left == STEP__MAX);
	answer_step(cx, call, STEP_DONE, page, RC_OK);
	return RC_OK;
}

/* Handlers */

static bool step_of(struct cx *cx, const char *name, enum wizard_step *out)
{
	const char *path = arena_printf(cx->arena, "/start/%s", name);

	for (int i = 0; i < STEP__MAX; i++)
		if (strcmp(wizard_path(cx, (enum wizard_step)i), path) == 0) {
			*out = (enum wizard_step)i;
			return true;
		}
	return false;
}

static enum rc handle_start(struct cx *cx, struct call *call)
{
	enum wizard_step left;
	struct value *out = value_map(cx->arena);
	enum rc rc = wizard_left_at(cx, &left);

	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_JSON) {
		value_set_bool(cx->arena, out, "is_over", left == STEP__MAX);
		wizard_head(cx, left == STEP__MAX ? STEP_DONE : left, out);
		wizard_checklist(cx, out);
		answer_json(cx, call, 200, out);
		return RC_OK;
	}
	answer_redirect(cx, call, wizard_path(cx, left == STEP__MAX ? STEP_DONE : left));
	return RC_OK;
}

static enum rc handle_step(struct cx *cx, struct call *call)
{
	enum wizard_step step;

	if (!step_of(cx, call_param(call, "step"), &step)) return RC_NOT_FOUND;
	switch (step) {
	case STEP_BUSINESS: business_page(cx, call, RC_OK); break;
	case STEP_WHATSAPP: whatsapp_page(cx, call, RC_OK); break;
	case STEP_CUSTOMERS: customers_page(cx, call); break;
	case STEP_BACKUP: backup_page(cx, call, RC_OK); break;
	default: return done_page(cx, call);
	}
	return RC_OK;
}

/* Save this step and go on; `skip` goes on without saving. */
static enum rc handle_step_save(struct cx *cx, struct call *call)
{
	static const char *const *const names[STEP__MAX] = { [STEP_BUSINESS] = business_names,
							     [STEP_WHATSAPP] = whatsapp_names,
							     [STEP_BACKUP] = backup_names };
	enum wizard_step step;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	if (!step_of(cx, call_param(call, "step"), &step)) return RC_NOT_FOUND;
	if (names[step] != NULL && form_text(call, "skip") == NULL) rc = save_names(cx, call, names[step]);
	if (rc == RC_OK) return step + 1 < STEP__MAX ? go_on(cx, call, step + 1) : go_on(cx, call, STEP__MAX);
	if (!is_refusal(rc)) return rc;
	if (step == STEP_BUSINESS)
		business_page(cx, call, rc);
	else if (step == STEP_WHATSAPP)
		whatsapp_page(cx, call, rc);
	else
		backup_page(cx, call, rc);
	return RC_OK;
}

static enum rc handle_dismiss(struct cx *cx, struct call *call)
{
	enum rc rc = wizard_reached(cx, STEP__MAX);

	if (rc == RC_OK)
		answer_flash(cx, call, "/",
			     _("The first steps are put away; the menu has them whenever you want."));
	return rc;
}

static const struct fact test_takes[] = {
	{ .name = "phone", .type = FACT_TEXT, .is_needed = true, .max = 40, .help = N_("Number for a test") },
	{ .name = "whatsapp.api_key", .type = FACT_TEXT, .help = N_("API key") },
	{ .name = NULL },
};
static const struct fact test_gives[] = {
	{ .name = "message", .type = FACT_TEXT, .is_needed = true, .help = N_("Message") },
	{ .name = NULL },
};
static const struct fact backup_gives[] = {
	{ .name = "job", .type = FACT_INT, .is_needed = true, .help = N_("Job") },
	{ .name = NULL },
};

#define STEP_ROUTE .realm = REALM_STAFF, .class = ROUTE_DB, .right = "settings.edit"

const struct route desk_wizard_routes[] = {
	{ .method = "GET",
	  .path = "/start",
	  STEP_ROUTE,
	  .menu = N_("First steps"),
	  .help = N_("Set-up, where it was left"),
	  .handle = handle_start },
	{ .method = "GET",
	  .path = "/start/:step",
	  STEP_ROUTE,
	  .no_api = true,
	  .help = N_("One step of the set-up"),
	  .handle = handle_step },
	{ .method = "POST",
	  .path = "/start/:step",
	  STEP_ROUTE,
	  .has_token = true,
	  .no_api = true,
	  .help = N_("Save a step of the set-up and go on"),
	  .handle = handle_step_save },
	{ .method = "POST",
	  .path = "/start/test",
	  STEP_ROUTE,
	  .has_token = true,
	  .help = N_("Send a test message to a number"),
	  .handle = handle_test,
	  .takes = test_takes,
	  .gives = test_gives },
	{ .method = "POST",
	  .path = "/start/backup-now",
	  STEP_ROUTE,
	  .has_token = true,
	  .help = N_("Make a backup now"),
	  .handle = handle_backup_now,
	  .gives = backup_gives },
	{ .method = "POST",
	  .path = "/start/dismiss",
	  STEP_ROUTE,
	  .has_token = true,
	  .no_api = true,
	  .help = N_("Put the first steps away"),
	  .handle = handle_dismiss },
	{ .method = NULL },
};
