/*
** settings.h -- one way to change settings: the pages, the API, `recado config` and the first steps use it.
*/
#ifndef RECADO_DESK_SETTINGS_H
#define RECADO_DESK_SETTINGS_H

#include "base/settings.h"
#include "db/db.h"
#include "web/web.h"

#define SETTINGS_SAVE_MAX 400 /* changes of one save: every row of five modules */

struct settings_order {
	struct setting_change *changes;
	size_t count;
	const char *seen; /* of settings_seen() when the person looked; NULL = whatever the file is now */
	/* a page's or program's: then what would lock it out is refused; NULL: a command */
	struct call *call;
	bool is_sure; /* said so: offline mode may be turned on or off                            */
};
/*
** Save all changes or none: what already is so is left out, the rest is checked (each wrong one is a field
** error), the file is rewritten once (settings_set_many), read again, and one audit row tells before and
** after
** (secrets masked). *saved (may be NULL): how many were written. RC_CONFLICT: the file was changed meanwhile.
** Without a database there is no history; everything else is the same. Outside any transaction.
*/
enum rc settings_save(struct cx *cx, const struct settings_order *order, size_t *saved) MUST_CHECK;
/* Read the file again because somebody changed it by hand; the history tells what came in force. */
enum rc settings_read_again(struct cx *cx) MUST_CHECK;
/* When the value of a secret was last saved here; 0: never, or it was changed by hand since. */
instant settings_secret_at(struct cx *cx, const struct setting *row);
/* The title of a row and of its section (the first row's), translated. */
const char *setting_title(struct cx *cx, const struct setting *row);
const char *setting_section_title(struct cx *cx, const char *section);
bool setting_is_in(const struct setting *row, const char *section);
/* A half sentence of settings_check() as one that stands under its field. */
const char *setting_sentence(struct cx *cx, const char *half);

/* Settings_form.c */

/* The field of a row for web/field, with what was typed if call has a form, and its error if cx has one. */
void setting_field(struct cx *cx, struct call *call, const struct setting *row, struct value *out);
/* The changes that a posted form asks for, of the rows of a section ("" = of all) that it names. */
enum rc settings_read_form(struct cx *cx, struct call *call, const char *section,
			   struct setting_change changes[SETTINGS_SAVE_MAX], size_t *count) MUST_CHECK;
/* The same of a JSON body: {"business.name": "…", "outbox.slots": 9, "web.hosts": null}; null = the default. */
enum rc settings_read_json(struct cx *cx, struct call *call, struct setting_change changes[SETTINGS_SAVE_MAX],
			   size_t *count, bool *is_sure) MUST_CHECK;
/* The list of all zones for a datalist or select: [{value}], those of the region first. */
void settings_zones(struct cx *cx, struct value *page);

/* Settings_page.c, settings_history.c, settings_api.c */
enum rc handle_settings(struct cx *cx, struct call *call);
enum rc handle_settings_section(struct cx *cx, struct call *call);
enum rc handle_settings_save(struct cx *cx, struct call *call);
enum rc handle_settings_reread(struct cx *cx, struct call *call);
enum rc handle_settings_history(struct cx *cx, struct call *call);
enum rc handle_settings_api(struct cx *cx, struct call *call);
enum rc handle_settings_patch(struct cx *cx, struct call *call);

extern const struct route desk_settings_routes[];
extern const struct right desk_settings_rights[]; /* settings.view, settings.edit */

#endif
