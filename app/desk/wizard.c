/*
** wizard.c -- where a new owner is on his way, and what is still missing.
**
** Owns:   meta key wizard.
** Never:  changes a setting (wizard_pages.c does, by settings_save).
** Holds:  (1) each step can be left out; (2) whoever comes back goes on where he left; (3) the hint on the
**         home page ends when the last page was seen or when it is put away.
*/
#include "desk/wizard.h"
#include "desk/inner.h"

#include <string.h>

#define META_KEY "wizard"
#define OVER     "over" /* finished or put away */

static const struct {
	const char *name, *title;
} steps[STEP__MAX] = {
	[STEP_BUSINESS] = { "business", N_("Your business") },
	[STEP_WHATSAPP] = { "whatsapp", N_("WhatsApp") },
	[STEP_CUSTOMERS] = { "customers", N_("Your customers") },
	[STEP_BACKUP] = { "backup", N_("Backups") },
	[STEP_DONE] = { "done", N_("What happens next") },
};

const char *wizard_path(struct cx *cx, enum wizard_step step)
{
	return step < STEP__MAX ? arena_printf(cx->arena, "/start/%s", steps[step].name) : "/";
}

enum rc wizard_left_at(struct cx *cx, enum wizard_step *out)
{
	const char *kept = "";
	enum rc rc = meta_get(cx, &kept, META_KEY);

	if (rc != RC_OK) return rc;
	*out = strcmp(kept, OVER) == 0 ? STEP__MAX : STEP_BUSINESS;
	for (int i = 0; i < STEP__MAX; i++)
		if (strcmp(steps[i].name, kept) == 0) *out = (enum wizard_step)i;
	return RC_OK;
}

enum rc wizard_reached(struct cx *cx, enum wizard_step step)
{
	enum wizard_step kept;
	enum rc rc = wizard_left_at(cx, &kept);

	if (rc != RC_OK || step <= kept) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = meta_set(cx, META_KEY, step < STEP__MAX ? steps[step].name : OVER);
	return tx_end(cx, rc);
}

void wizard_head(struct cx *cx, enum wizard_step step, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "steps");

	value_set_text(cx->arena, page, "progress",
		       arena_printf(cx->arena, _("%d of %d"), (int)step + 1, (int)STEP__MAX));
	value_set_int(cx->arena, page, "step_number", (int)step + 1);
	value_set_int(cx->arena, page, "step_count", (int)STEP__MAX);
	value_set_text(cx->arena, page, "step", steps[step].name);
	value_set_text(cx->arena, page, "step_title", words_get(cx->lang, steps[step].title));
	if (step + 1 < STEP__MAX) value_set_text(cx->arena, page, "skip", wizard_path(cx, step + 1));
	for (int i = 0; i < STEP__MAX; i++) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "label", words_get(cx->lang, steps[i].title));
		value_set_text(cx->arena, one, "href", wizard_path(cx, (enum wizard_step)i));
		value_set_bool(cx->arena, one, "is_here", i == (int)step);
		value_set_bool(cx->arena, one, "is_first", i == 0);
	}
}

void wizard_hint(struct cx *cx, struct value *layout)
{
	struct value *alerts = (struct value *)(uintptr_t)value_get(layout, "alerts"), *out;
	const char *before = cx->message;
	enum wizard_step step;

	if (alerts == NULL || strcmp(value_text_of(value_get(layout, "path"), ""), "/") != 0 ||
	    !actor_may(&cx->actor, "settings.edit"))
		return;
	if (wizard_left_at(cx, &step) != RC_OK) {
		cx->message = before; /* a hint that cannot be found out is not the page's failure */
		return;
	}
	if (step == STEP__MAX) return;
	out = value_add_map(cx->arena, alerts);
	value_set_text(cx->arena, out, "level", "info");
	value_set_text(cx->arena, out, "text",
		       step == STEP_BUSINESS
			       ? _("Set up your business in five short steps.")
			       : arena_printf(cx->arena, _("The set-up is not finished: %d of %d, %s."),
					      (int)step + 1, (int)STEP__MAX,
					      words_get(cx->lang, steps[step].title)));
	value_set_text(cx->arena, out, "href", "/start");
	value_set_text(cx->arena, out, "link", step == STEP_BUSINESS ? _("Begin") : _("Go on"));
}

/* What is missing */

static void add_item(struct cx *cx, struct value *list, bool is_done, const char *text, const char *href)
{
	struct value *one = value_add_map(cx->arena, list);

	value_set_text(cx->arena, one, "text", text);
	value_set_text(cx->arena, one, "href", href);
	value_set_bool(cx->arena, one, "is_done", is_done);
}

static const char *nothing_asked(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

/* Does the actor see a row of this resource? */
static bool has_rows(struct cx *cx, const char *resource)
{
	const struct office *o = office_find(resource);
	struct rows rows = { .list = NULL };
	const char *before = cx->message;
	struct ask ask;
	bool has = o != NULL && ask_read(cx, &ask, o, nothing_asked, NULL, 1, 1) == RC_OK &&
		   rows_of(cx, &ask, SELECT_NAME, &rows) == RC_OK && rows.list->count > 0;

	cx->message = before;
	return has;
}

static bool has_backup(struct cx *cx)
{
	const char *before = cx->message;
	int64_t one = 0;
	bool has =
		db_get_int(cx, &one, "SELECT 1 FROM job WHERE kind = 'ops.backup' AND state = 'done' LIMIT 1",
			   NO_PARAMS) == RC_OK;

	cx->message = before;
	return has;
}

static bool is_set(const struct cx *cx, const char *name)
{
	return setting_text(cx->env->settings, name)[0] != '\0';
}

void wizard_checklist(struct cx *cx, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "checklist");
	bool has_name = strcmp(settings_origin(cx->env->settings, "business.name"), "default") != 0;

	add_item(cx, list, has_name, _("The name of the business signs the messages"), "/start/business");
	add_item(cx, list, cx->env->is_offline || is_set(cx, "whatsapp.api_key"),
		 _("The WhatsApp key is there"), "/start/whatsapp");
	add_item(cx, list, wizard_test_was_sent(cx), _("A test message was sent"), "/start/whatsapp");
	if (desk_resource("clients") != NULL)
		add_item(cx, list, has_rows(cx, "clients"), _("Customers are in"), "/clients/import");
	add_item(cx, list, has_backup(cx), _("A first backup was made"), "/start/backup");
	add_item(cx, list, is_set(cx, "web.public_url"),
		 _("The public address is known, for links and proofs of delivery"), "/settings/web");
}
