/*
** guide.c -- the administrator's guide and the rescue page: in the panel and, when the panel is what does not
** work, in the terminal.
**
** Owns:   the rows below; no text (guide_text.c, rescue_text.c).
*/
#include "ops/guide.h"
#include "ops/cmd.h"

static struct value *items_of(struct cx *cx, const struct guide_item *item, bool is_numbered)
{
	struct value *list = value_list(cx->arena);

	for (int64_t n = 1; item->text != NULL; item++, n++) {
		struct value *row = value_add_map(cx->arena, list);

		value_set_lent(cx->arena, row, "text", words_get(cx->lang, item->text));
		if (item->command != NULL) value_set_lent(cx->arena, row, "command", item->command);
		if (item->example != NULL) value_set_lent(cx->arena, row, "example", item->example);
		if (is_numbered) value_set_int(cx->arena, row, "number", n);
	}
	return list;
}

static struct value *sections_of(struct cx *cx, const struct guide_section *s)
{
	struct value *list = value_list(cx->arena);

	for (; s->id != NULL; s++) {
		struct value *row = value_add_map(cx->arena, list);

		value_set_lent(cx->arena, row, "id", s->id);
		value_set_lent(cx->arena, row, "title", words_get(cx->lang, s->title));
		if (s->intro != NULL) value_set_lent(cx->arena, row, "intro", words_get(cx->lang, s->intro));
		value_set(row, s->is_numbered ? "steps" : "items", items_of(cx, s->items, s->is_numbered));
		value_set_bool(cx->arena, row, s->is_numbered ? "has_steps" : "has_items", true);
	}
	return list;
}

/* Pages */

static enum rc answer(struct cx *cx, struct call *call, const char *template, const char *title,
		      const struct guide_section *sections)
{
	struct value *page = value_map(cx->arena);

	value_set_lent(cx->arena, page, "title", title);
	value_set(page, "sections", sections_of(cx, sections));
	answer_page(cx, call, template, title, page);
	return RC_OK;
}

static enum rc guide_page(struct cx *cx, struct call *call)
{
	return answer(cx, call, "ops/guide", _("Administrator’s guide"), guide_sections);
}

static enum rc rescue_page(struct cx *cx, struct call *call)
{
	return answer(cx, call, "ops/rescue", _("Rescue"), rescue_sections);
}

const struct route guide_routes[] = {
	{ .method = "GET",
	  .path = "/guide",
	  .realm = REALM_STAFF,
	  .class = ROUTE_DB,
	  .menu = N_("Administrator’s guide"),
	  .menu_order = 92,
	  .help = N_("How this machine is installed, kept and updated."),
	  .handle = guide_page,
	  .no_api = true },
	{ .method = "GET",
	  .path = "/rescue",
	  .realm = REALM_STAFF,
	  .class = ROUTE_DB,
	  .menu = N_("Rescue"),
	  .menu_order = 93,
	  .help = N_("What to do when something is lost, full or damaged."),
	  .handle = rescue_page,
	  .no_api = true },
	{ .path = NULL },
};

/* Commands */

static void print_sections(struct cx *cx, struct command_call *call, const struct guide_section *s)
{
	for (; s->id != NULL; s++) {
		int n = 0;

		fprintf(call->out, "\n%s\n\n", words_get(cx->lang, s->title));
		if (s->intro != NULL) fprintf(call->out, "  %s\n\n", words_get(cx->lang, s->intro));
		for (const struct guide_item *i = s->items; i->text != NULL; i++) {
			if (s->is_numbered)
				fprintf(call->out, "  %2d. %s\n", ++n, words_get(cx->lang, i->text));
			else
				fprintf(call->out, "  - %s\n", words_get(cx->lang, i->text));
			if (i->command != NULL) fprintf(call->out, "        %s\n", i->command);
		}
	}
}

static enum rc print(struct cx *cx, struct command_call *call, const struct guide_section *sections)
{
	static const char *const none[] = { NULL };
	enum rc rc = command_check(cx, call, none, none);

	if (rc != RC_OK) return rc;
	if (call->is_json)
		command_print(cx, call, sections_of(cx, sections));
	else
		print_sections(cx, call, sections);
	return RC_OK;
}

static enum rc run_guide(struct cx *cx, struct command_call *call)
{
	return print(cx, call, guide_sections);
}

static enum rc run_rescue(struct cx *cx, struct command_call *call)
{
	return print(cx, call, rescue_sections);
}

const struct command guide_commands[] = {
	{ .name = "guide",
	  .usage = "",
	  .help = N_("The administrator's guide, here in the terminal."),
	  .needs = COMMAND_NOTHING,
	  .run = run_guide },
	{ .name = "rescue",
	  .usage = "",
	  .help = N_(
		  "Lost password or phone, full disk, wrong clock, blocked port, damaged file: what to do."),
	  .needs = COMMAND_NOTHING,
	  .run = run_rescue },
	{ .name = "rescue disk",
	  .usage = "",
	  .help = N_("Remove half-made files and old logs; works on a disk that is full."),
	  .needs = COMMAND_SETTINGS,
	  .run = ops_run_rescue_disk },
	{ .name = "sandbox",
	  .usage = "",
	  .help = N_("Shut a process in as the server is, and try to get out of it."),
	  .needs = COMMAND_SETTINGS,
	  .run = ops_run_sandbox },
	{ .name = NULL },
};
