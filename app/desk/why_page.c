/*
** why_page.c -- "Why did Ana not get it?" as page, call and command.
**
** Needs:  why.c.
** Holds:  one person that the words mean is shown at once; of several one is chosen.
*/
#include "desk/outbox_pages.h"

#include <string.h>

#define FOUND_MAX 20 /* people to choose from: two screens of a phone */

static void for_programs(struct cx *cx, struct value *list)
{
	for (struct value *v = list->first; v != NULL; v = v->next) {
		char at[RFC3339_SIZE];
		struct value *when = (struct value *)(uintptr_t)value_get(v, "when");

		if (when == NULL) continue;
		instant_text(at, value_int_of(value_get(v, "occasion_at"), 0));
		value_set_text(cx->arena, v, "at", at);
	}
}

static struct value *answer_map(struct cx *cx, const struct why_answer *a)
{
	struct value *out = value_map(cx->arena);

	value_set_text(cx->arena, out, "name", a->name);
	value_set_text(cx->arena, out, "address", a->person.address);
	value_set_text(cx->arena, out, "contact", a->contact_public_id);
	for_programs(cx, a->occasions);
	value_set(out, "rules", a->rules);
	value_set(out, "occasions", a->occasions);
	return out;
}

/* For programs without what only the page needs. */
static struct value *answer_plain(struct cx *cx, const struct why_answer *a)
{
	static const char *const kept[] = { "at", "what", "state", "rule", "words" };
	struct value *map = answer_map(cx, a), *out = value_map(cx->arena), *rules, *occasions;

	value_set_text(cx->arena, out, "name", value_text_of(value_get(map, "name"), ""));
	value_set_text(cx->arena, out, "address", value_text_of(value_get(map, "address"), ""));
	value_set_text(cx->arena, out, "contact", value_text_of(value_get(map, "contact"), ""));
	rules = value_set_list(cx->arena, out, "rules");
	for (const struct value *v = a->rules->first; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, rules);

		value_set_text(cx->arena, one, "rule", value_text_of(value_get(v, "rule"), ""));
		value_set_text(cx->arena, one, "words", value_text_of(value_get(v, "words"), ""));
	}
	occasions = value_set_list(cx->arena, out, "occasions");
	for (const struct value *v = a->occasions->first; v != NULL; v = v->next) {
		struct value *one = value_add_map(cx->arena, occasions);

		for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			value_set_text(cx->arena, one, kept[i], value_text_of(value_get(v, kept[i]), ""));
		value_set_bool(cx->arena, one, "is_future", value_bool_of(value_get(v, "is_future"), false));
		value_set_text(cx->arena, one, "link", value_text_of(value_get(v, "href"), NULL));
	}
	return out;
}

static enum rc answer_person(struct cx *cx, struct call *call, const struct why_answer *a)
{
	struct value *page;

	if (call_shape(call) != SHAPE_PAGE) {
		answer_json(cx, call, 200, answer_plain(cx, a));
		return RC_OK;
	}
	page = value_map(cx->arena);
	trail_add(cx, page, _("Why did somebody not get it?"), "/why");
	value_set(page, "rules", a->rules);
	value_set(page, "occasions", a->occasions);
	value_set_bool(cx->arena, page, "has_rules", a->rules->count > 0);
	value_set_bool(cx->arena, page, "has_occasions", a->occasions->count > 0);
	value_set_text(cx->arena, page, "person_href", a->href);
	value_set_text(cx->arena, page, "person_name", a->name);
	if (strcmp(a->name, a->address_shown) != 0)
		value_set_text(cx->arena, page, "address", a->address_shown);
	if (a->contact_public_id[0] != '\0' && actor_may(&cx->actor, "inbox.view"))
		value_set_text(cx->arena, page, "thread_href",
			       arena_printf(cx->arena, "/inbox/%s", a->contact_public_id));
	if (a->contact_public_id[0] != '\0')
		value_set_text(cx->arena, page, "outbox_href",
			       arena_printf(cx->arena, "/outbox?who=%s", a->contact_public_id));
	page_answer(cx, call, "desk/why", arena_printf(cx->arena, _("Why did %s not get it?"), a->name),
		    page);
	return RC_OK;
}

enum rc handle_why_contact(struct cx *cx, struct call *call)
{
	struct why_answer a;
	int64_t id = 0;
	enum rc rc = db_get_int(cx, &id, "SELECT id FROM contact WHERE public_id = :id",
				PARAMS(P_TEXT(":id", call_param(call, "id"))));

	if (rc == RC_OK) rc = why_ask(cx, &a, "", 0, id);
	return rc == RC_OK ? answer_person(cx, call, &a) : rc;
}

enum rc handle_why_row(struct cx *cx, struct call *call)
{
	const struct office *o = office_find(call_param(call, "list"));
	struct why_answer a;
	int64_t id = 0;
	enum rc rc;

	if (o == NULL || o->r->contact_column == NULL || !actor_may(&cx->actor, o->r->right_view))
		return RC_NOT_FOUND;
	rc = office_row_id(cx, &id, o, call_param(call, "id"), true);
	if (rc == RC_OK) rc = why_ask(cx, &a, o->r->name, id, 0);
	return rc == RC_OK ? answer_person(cx, call, &a) : rc;
}

enum rc handle_why(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *found = NULL;
	const char *words = call_query(call, "q");
	enum rc rc;

	if (words == NULL) words = "";
	rc = why_search(cx, &found, words, FOUND_MAX);
	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) {
		value_set(page, "data", found);
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	if (found->count == 1) {
		answer_redirect(cx, call, value_text_of(value_get(found->first, "href"), "/why"));
		return RC_OK;
	}
	value_set_text(cx->arena, page, "q", words);
	value_set(page, "found", found);
	value_set_bool(cx->arena, page, "has_found", found->count > 0);
	value_set_bool(cx->arena, page, "has_asked", words[0] != '\0');
	page_answer(cx, call, "desk/why_search", _("Why did somebody not get it?"), page);
	return RC_OK;
}

/* recado why */

static enum rc ask_by_path(struct cx *cx, struct why_answer *out, const char *path)
{
	const char *list = path + strlen("/why/"), *slash = strchr(list, '/');
	const struct office *o;
	int64_t id = 0;
	enum rc rc;

	if (slash == NULL) {
		rc = db_get_int(cx, &id, "SELECT id FROM contact WHERE public_id = :id",
				PARAMS(P_TEXT(":id", list)));
		return rc == RC_OK ? why_ask(cx, out, "", 0, id) : rc;
	}
	o = office_find(arena_printf(cx->arena, "%.*s", (int)(slash - list), list));
	rc = o != NULL ? office_row_id(cx, &id, o, slash + 1, true) : RC_NOT_FOUND;
	return rc == RC_OK ? why_ask(cx, out, o->r->name, id, 0) : rc;
}

static void print_answer(struct cx *cx, struct command_call *call, const struct why_answer *a)
{
	fprintf(call->out, "%s  %s\n", a->name, a->address_shown);
	for (const struct value *v = a->rules->first; v != NULL; v = v->next)
		fprintf(call->out, "! %s\n", value_text_of(value_get(v, "words"), ""));
	for (const struct value *v = a->occasions->first; v != NULL; v = v->next)
		fprintf(call->out, "%s  %-12s %s%s%s\n", value_text_of(value_get(v, "when"), ""),
			value_text_of(value_get(v, "state_title"), ""),
			value_text_of(value_get(v, "what"), ""),
			value_text_of(value_get(v, "words"), "")[0] != '\0' ? " — " : "",
			value_text_of(value_get(v, "words"), ""));
	if (a->rules->count == 0 && a->occasions->count == 0)
		fprintf(call->out, "%s\n",
			_("Nothing left for this person in the last 90 days, and nothing is to come."));
}

enum rc run_why(struct cx *cx, struct command_call *call)
{
	const char *const no_flags[] = { NULL };
	const char *words = "";
	struct why_answer a;
	struct value *found = NULL;
	struct sb sb;
	enum rc rc = command_check(cx, call, no_flags, no_flags);

	for (size_t i = 0; command_word(call, i, no_flags) != NULL; i++)
		words = arena_printf(cx->arena, "%s%s%s", words, i > 0 ? " " : "",
				     command_word(call, i, no_flags));
	if (rc == RC_OK && words[0] == '\0')
		rc = cx_fail(cx, RC_BAD_INPUT, _("Say whom: recado why NAME, NUMBER or E-MAIL."));
	if (rc == RC_OK && cx->db == NULL) rc = RC_IO;
	if (rc == RC_OK) rc = why_search(cx, &found, words, FOUND_MAX);
	if (rc != RC_OK) return rc;
	if (found->count == 0) return cx_fail(cx, RC_NOT_FOUND, _("Nobody is known by “%s”."), words);
	if (found->count > 1) {
		for (const struct value *v = found->first; v != NULL && !call->is_json; v = v->next)
			fprintf(call->out, "%s\n", value_text_of(value_get(v, "name"), ""));
		return cx_fail(cx, RC_CONFLICT,
			       _("“%s” fits several. Write more of the name, or the number."), words);
	}
	rc = ask_by_path(cx, &a, value_text_of(value_get(found->first, "href"), "/why/"));
	if (rc != RC_OK) return rc;
	if (!call->is_json) {
		print_answer(cx, call, &a);
		return RC_OK;
	}
	sb_init_arena(&sb, cx->arena, 1024 * 1024);
	json_write_pretty(&sb, answer_plain(cx, &a));
	fprintf(call->out, "%s\n", sb_text_of(&sb));
	return sb_result(&sb);
}
