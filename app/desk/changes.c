/*
** changes.c -- one entry of the history as people read it: who did what to what, through which door, and each
** field before and after.
**
** Needs:  a raw row of audit.
** Never:  writes; shows what a column hides.
** Holds:  (1) values appear as they were stored, by their column's title and type: choices in words,
**         references by name, money with its currency, days and hours as here; (2) what no column knows
**         appears by name; (3) what an entry tells of may be gone: then what was noted stands.
*/
#include "desk/changes.h"

#include <string.h>

struct word {
	const char *code, *title;
};

static const struct word action_words[] = {
	{ "archive", N_("archived") },
	{ "bulk", N_("started for many rows") },
	{ "cancel", N_("cancelled") },
	{ "cancelled", N_("cancelled") },
	{ "create", N_("created") },
	{ "decide", N_("decided") },
	{ "edit", N_("changed the text") },
	{ "import", N_("taken in from a file") },
	{ "login", N_("logged in") },
	{ "login_failed", N_("failed to log in") },
	{ "logout", N_("logged out") },
	{ "open", N_("opened") },
	{ "opt_in", N_("wants notices again") },
	{ "opt_out", N_("wants no notices") },
	{ "password", N_("changed the password") },
	{ "paused", N_("paused") },
	{ "renew", N_("renewed") },
	{ "restore", N_("put back") },
	{ "retry", N_("sent again") },
	{ "send_instructions", N_("sent how to pay") },
	{ "send_receipt", N_("sent the receipt") },
	{ "stop", N_("stopped") },
	{ "undo_renewal", N_("undid a renewal") },
	{ "update", N_("changed") },
	{ NULL, NULL },
};

/* Seldom enough that the filter does not offer them. */
static const struct word rare_words[] = {
	{ "activate", N_("turned it on") },
	{ "cancel_held", N_("cancelled what was held") },
	{ "deactivate", N_("turned it off") },
	{ "done", N_("finished sending") },
	{ "download", N_("downloaded") },
	{ "error", N_("ended with an error") },
	{ "hold", N_("held back after a restore") },
	{ "late_no", N_("left a missed time out") },
	{ "late_yes", N_("let a missed time run") },
	{ "lift", N_("took off the list") },
	{ "load", N_("loaded into the database") },
	{ "load_again", N_("loaded into the database once more") },
	{ "pause", N_("paused") },
	{ "put_default", N_("put back the default") },
	{ "queued", N_("put into the queue") },
	{ "recovery_code_used", N_("logged in with a recovery code") },
	{ "recovery_codes", N_("made new recovery codes") },
	{ "refresh_report", N_("updated the report") },
	{ "request", N_("asked for the report") },
	{ "reschedule", N_("changed the hour") },
	{ "reset", N_("made a link for a new password") },
	{ "resolve", N_("decided an unsure row") },
	{ "resume", N_("resumed") },
	{ "resume_all", N_("let everything go on") },
	{ "run_now", N_("ran by hand") },
	{ "second_factor_off", N_("switched off the second factor") },
	{ "second_factor_on", N_("switched on the second factor") },
	{ "second_factor_reset", N_("switched off somebody's second factor") },
	{ "seen", N_("looks after it") },
	{ "send", N_("sent it off") },
	{ "sending", N_("began to send") },
	{ "sessions_end", N_("ended sessions") },
	{ "stop_all", N_("stopped everything") },
	{ NULL, NULL },
};

static const struct word door_words[] = {
	{ "page", N_("Page") },
	{ "api", N_("API") },
	{ "command", N_("Command line") },
	{ "job", N_("By itself") },
	{ "import", N_("Import") },
	{ "bulk", N_("Action for many rows") },
	{ "hook", N_("Provider") },
	{ NULL, NULL },
};

/* Tables that no list shows, and what they are called. */
static const struct word table_words[] = {
	{ "bulk", N_("Action for many rows") },
	{ "channel_account", N_("Channel") },
	{ "contact", N_("Contact") },
	{ "import", N_("Import") },
	{ "login", N_("Log-in") },
	{ "role", N_("Role") },
	{ "session", N_("Session") },
	{ "setting", N_("Settings") },
	{ "template", N_("Message texts") },
	{ NULL, NULL },
};

static const char *word_of(struct cx *cx, const struct word *words, const char *code)
{
	for (; words->code != NULL; words++)
		if (strcmp(words->code, code) == 0) return words_get(cx->lang, words->title);
	return NULL;
}

static const char *action_word(struct cx *cx, const char *action)
{
	const char *words = word_of(cx, action_words, action);

	return words != NULL ? words : word_of(cx, rare_words, action);
}

const char *change_action(struct cx *cx, const char *action)
{
	const char *words = action_word(cx, action);

	return words != NULL ? words : action;
}

/* An action of a resource that has no words of its own here: by the title of its button. */
static const char *action_of(struct cx *cx, const struct office *o, const char *action)
{
	const char *words = action_word(cx, action);
	const struct action *a = words == NULL && o != NULL ? action_find(o, action) : NULL;

	if (words != NULL) return words;
	return a != NULL ? words_get(cx->lang, a->title) : action;
}

const char *change_actor(struct cx *cx, const char *actor)
{
	if (strcmp(actor, "command") == 0) return _("Command line");
	return strcmp(actor, "system") == 0 ? "Recado" : actor;
}

const char *change_door(struct cx *cx, const char *door)
{
	const char *words = word_of(cx, door_words, door);

	return words != NULL ? words : door;
}

const char *change_table(struct cx *cx, const char *table)
{
	const struct office *o = office_of_table(table);
	const char *words =
		o != NULL ? words_get(cx->lang, o->r->title_one) : word_of(cx, table_words, table);

	return words != NULL ? words : table;
}

const char *change_actions_choices(struct arena *a)
{
	struct sb sb;

	sb_init_arena(&sb, a, DESK_SQL_MAX);
	for (const struct word *w = action_words; w->code != NULL; w++)
		sb_printf(&sb, "%s%s=%s", sb.len > 0 ? "|" : "", w->code, w->title);
	return sb_text_of(&sb);
}

const char *change_tables_choices(struct arena *a, const struct resource *const *resources)
{
	struct sb sb;

	sb_init_arena(&sb, a, DESK_SQL_MAX);
	for (; resources != NULL && *resources != NULL; resources++)
		for (const struct resource *r = *resources; r->name != NULL; r++)
			if (r->right_edit != NULL || r->actions != NULL)
				sb_printf(&sb, "%s%s=%s", sb.len > 0 ? "|" : "", r->table, r->title);
	for (const struct word *w = table_words; w->code != NULL; w++)
		if (strstr(sb_text_of(&sb), arena_printf(a, "%s=", w->code)) == NULL)
			sb_printf(&sb, "|%s=%s", w->code, w->title);
	return sb_text_of(&sb);
}

/* What changed */

/* The currency of an amount, from the entry itself. */
static const char *currency_of(const struct column *c, const struct value *before, const struct value *after)
{
	if (c->type != COLUMN_CENTS || c->choices == NULL) return "";
	return value_text_of(value_get(after, c->choices), value_text_of(value_get(before, c->choices), ""));
}

static const char *plain(struct cx *cx, const struct value *v)
{
	char at[RFC3339_SIZE];

	if (v->type == VALUE_INT && v->key != NULL && strlen(v->key) > 3 &&
	    strcmp(v->key + strlen(v->key) - 3, "_at") == 0) {
		instant_text_local(at, v->integer, cx->env->zone);
		return arena_text(cx->arena, at);
	}
	if (v->type == VALUE_INT) return arena_printf(cx->arena, "%lld", (long long)v->integer);
	if (v->type == VALUE_BOOL) return v->boolean ? _("Yes") : _("No");
	return value_text_of(v, "");
}

static const char *value_shown(struct cx *cx, const struct office *o, const char *name, const struct value *v,
			       const char *currency)
{
	struct value *row;

	if (v == NULL || v->type == VALUE_NULL) return "";
	for (size_t i = 0; o != NULL && i < o->columns; i++) {
		const struct column *c = &o->r->columns[i];

		if (strcmp(c->name, name) != 0) continue;
		if (c->type == COLUMN_INSTANT && v->type == VALUE_INT && v->integer == 0)
			return ""; /* never */
		if (c->type == COLUMN_REF && o->column_ref[i] != NULL && v->type == VALUE_INT) {
			if (row_of(cx, o->column_ref[i], v->integer, SELECT_NAME, true, &row) == RC_OK)
				return row_name(cx, o->column_ref[i], row);
			return arena_printf(cx->arena, "%lld", (long long)v->integer);
		}
		row = value_map(cx->arena);
		if (v->type == VALUE_INT)
			value_set_int(cx->arena, row, c->name, v->integer);
		else
			value_set_text(cx->arena, row, c->name, value_text_of(v, ""));
		if (currency[0] != '\0')
			value_set_text(cx->arena, row, arena_printf(cx->arena, "%s__cur", c->name), currency);
		return cell_text(cx, o, i, row);
	}
	return plain(cx, v);
}

static const struct column *column_named(const struct office *o, const char *name)
{
	for (size_t i = 0; o != NULL && i < o->columns; i++)
		if (strcmp(o->r->columns[i].name, name) == 0) return &o->r->columns[i];
	return NULL;
}

static const char *title_of(struct cx *cx, const struct column *c, const char *name)
{
	if (c != NULL) return words_get(cx->lang, c->title);
	return strcmp(name, "archived_at") == 0 ? _("Archived") : name;
}

static const struct value *parse(struct cx *cx, const char *json)
{
	struct value *v = NULL;

	if (json[0] == '\0' || json_parse(cx->arena, &v, NULL, json, strlen(json)) != RC_OK) return NULL;
	return v->type == VALUE_MAP ? v : NULL;
}

static void add_change(struct cx *cx, const struct office *o, const char *name, const struct value *before,
		       const struct value *after, struct value *list)
{
	const struct column *c = column_named(o, name);
	const char *currency = c != NULL ? currency_of(c, before, after) : "", *was, *is;
	struct value *one;

	if (c != NULL && (c->flags & (COL_SECRET | COL_HIDDEN)) != 0) return;
	was = value_shown(cx, o, name, value_get(before, name), currency);
	is = value_shown(cx, o, name, value_get(after, name), currency);
	if (was[0] == '\0' && is[0] == '\0') return; /* nothing to read */
	one = value_add_map(cx->arena, list);
	value_set_text(cx->arena, one, "name", name);
	value_set_text(cx->arena, one, "title", title_of(cx, c, name));
	value_set_text(cx->arena, one, "before", was);
	value_set_text(cx->arena, one, "after", is);
}

void change_fill(struct cx *cx, const struct office *o, const struct value *entry, struct value *out)
{
	const struct value *before = parse(cx, value_text_of(value_get(entry, "before_json"), ""));
	const struct value *after = parse(cx, value_text_of(value_get(entry, "after_json"), ""));
	struct value *list = value_set_list(cx->arena, out, "changes");

	for (const struct value *v = after != NULL ? after->first : NULL; v != NULL; v = v->next)
		add_change(cx, o, v->key, before, after, list);
	for (const struct value *v = before != NULL ? before->first : NULL; v != NULL; v = v->next)
		if (value_get(after, v->key) == NULL) add_change(cx, o, v->key, before, after, list);
	value_set_bool(cx->arena, out, "has_changes", list->count > 0);
}

void change_head(struct cx *cx, const struct office *o, const struct value *entry, bool as_json,
		 struct value *out)
{
	const char *action = value_text_of(value_get(entry, "action"), "");
	const char *door = value_text_of(value_get(entry, "door"), "");
	const char *actor = value_text_of(value_get(entry, "actor"), "");
	char at[RFC3339_SIZE];

	if (as_json)
		instant_text(at, value_int_of(value_get(entry, "at"), 0));
	else
		instant_text_local(at, value_int_of(value_get(entry, "at"), 0), cx->env->zone);
	value_set_text(cx->arena, out, "at", at);
	value_set_text(cx->arena, out, "actor", as_json ? actor : change_actor(cx, actor));
	value_set_text(cx->arena, out, "action", as_json ? action : action_of(cx, o, action));
	value_set_text(cx->arena, out, "door", as_json ? door : change_door(cx, door));
	value_set_text(cx->arena, out, "address", value_text_of(value_get(entry, "address"), ""));
}
