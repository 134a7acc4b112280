/*
** bulk.c -- one action for many rows: those that were ticked at once, a whole list as work in the background.
**
** Owns:   the tables bulk and bulk_row; the work desk.bulk.
** Needs:  actions.c for each row; ask.c for what a list means; bulk_page.c shows how it went.
** Holds:  (1) each row is looked at and changed as the person who said yes, with the rights and the row rule
**         of the moment it happens: a right that was taken away in between counts; (2) a row's change, its
**         place and its count are one transaction, so whatever kills the process, no row is done twice; an
**         action that does more than write to the database must be safe to repeat by itself; (3) a yes given
**         twice is done once: its number was made with the question; (4) a refused row never stops the
**         others, and the reason is kept beside its name; (5) rows made after the yes are not meant.
*/
#include "desk/bulk.h"
#include "web/people.h"

#include "base/text.h"
#include <string.h>

#define SLICE         100          /* ids read at once by the work                                   */
#define BULK_ARENA    (256 * 1024) /* who and what, for as long as the work runs                     */
#define DEPENDENTS_OF 1000         /* rows of a whole list whose dependents are counted for the question */
#define LIST_MAX      4000         /* bytes of a list's query: every filter set, and all columns      */

/* What is asked for */

struct bulk {
	const struct office_arg *arg;
	const char *ids[DESK_BULK_MAX];
	size_t count;
	bool is_all;
	const char *list; /* query of the list whose page this came from, canonical; "" = the plain list */
	struct ask ask;
	char public_id[PUBLIC_ID_SIZE];
	int64_t id; /* of the row in bulk */
	size_t done, failed;
	const char *first_failure, *last_done;
};

/* {"filter": {"state": "inactive", "q": "ana"}} as a query; a misspelt name must never mean everything. */
static enum rc filter_query(struct cx *cx, const struct office *o, const struct value *filter,
			    const char **out)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, LIST_MAX);
	if (filter != NULL && filter->type != VALUE_MAP)
		return cx_fail_field(cx, "filter", _("A filter is an object of names and values."));
	for (const struct value *v = filter != NULL ? filter->first : NULL; v != NULL; v = v->next) {
		const char *text = v->type == VALUE_INT
					   ? arena_printf(cx->arena, "%lld", (long long)v->integer)
					   : value_text_of(v, "");
		bool is_known = strcmp(v->key, "q") == 0 || strcmp(v->key, "archived") == 0;

		for (size_t i = 0; i < o->filters && !is_known; i++)
			is_known = strcmp(o->r->filters[i].name, v->key) == 0;
		if (!is_known) return cx_fail_field(cx, "filter", _("“%s” is not known here."), v->key);
		if (sb.len > 0) sb_char(&sb, '&');
		sb_text(&sb, v->key);
		sb_char(&sb, '=');
		sb_url(&sb, text, strlen(text));
	}
	*out = sb_text_of(&sb);
	return sb_result(&sb);
}

static enum rc read_list(struct cx *cx, struct call *call, struct bulk *b, const struct value *json)
{
	const char *list = json == NULL ? form_text(call, "list") : NULL;
	enum rc rc = RC_OK;

	if (json != NULL) rc = filter_query(cx, b->arg->office, value_get(json, "filter"), &list);
	if (rc != RC_OK) return rc;
	if (list == NULL) list = "";
	if (strlen(list) > LIST_MAX) return cx_fail(cx, RC_BAD_INPUT, _("That is no list of ours."));
	rc = ask_from_query(cx, &b->ask, b->arg->office, list);
	if (rc != RC_OK) return rc;
	if (json != NULL) ask_drop_defaults(&b->ask);
	b->list = ask_query(cx, &b->ask);
	return RC_OK;
}

static enum rc read_ids(struct cx *cx, struct call *call, struct bulk *b, const struct value *json)
{
	const struct value *list = value_get(json, "ids");
	size_t n = json != NULL ? (list != NULL && list->type == VALUE_LIST ? list->count : 0)
				: form_count(call, "ids");

	if (n == 0)
		(void)cx_fail_field(cx, "ids", "%s", _("Choose at least one row."));
	else if (n > DESK_BULK_MAX)
		(void)cx_fail_field(cx, "ids", _("At most %d rows at once."), DESK_BULK_MAX);
	if (cx->field_count > 0) return cx_fail(cx, RC_BAD_INPUT, "%s", cx->fields[0].message);
	for (size_t i = 0; json == NULL && i < n; i++)
		b->ids[b->count++] = form_text_at(call, "ids", i);
	for (const struct value *v = json != NULL ? list->first : NULL; v != NULL; v = v->next)
		b->ids[b->count++] = v->type == VALUE_INT
					     ? arena_printf(cx->arena, "%lld", (long long)v->integer)
					     : value_text_of(v, "");
	return RC_OK;
}

static enum rc bulk_read(struct cx *cx, struct call *call, struct bulk *b)
{
	enum rc rc = form_read(cx, call);
	const struct value *json = rc == RC_OK ? form_json(call) : NULL;
	const char *number = rc == RC_OK && json == NULL ? form_text(call, "number") : NULL;
	const char *all = rc == RC_OK && json == NULL ? form_text(call, "all") : NULL;

	if (rc != RC_OK) return rc;
	b->is_all = json != NULL ? value_bool_of(value_get(json, "all"), false)
				 : all != NULL && strcmp(all, "1") == 0;
	public_id_new(b->public_id);
	/* It goes into addresses: what is no number of ours is made anew. */
	if (number != NULL && strlen(number) == PUBLIC_ID_SIZE - 1 &&
	    number[strspn(number, "abcdefghijklmnopqrstuvwxyz234567")] == '\0')
		memcpy(b->public_id, number, PUBLIC_ID_SIZE - 1);
	rc = read_list(cx, call, b, json);
	if (rc == RC_OK && !b->is_all) rc = read_ids(cx, call, b, json);
	return rc;
}

static const char *list_path(struct cx *cx, const struct bulk *b)
{
	return ask_address(cx, &b->ask, arena_printf(cx->arena, "/%s", b->arg->office->r->name), b->ask.sort,
			   b->ask.is_down, NULL);
}

/* The question */

/* The first rows that are meant, for what hangs on them. */
static enum rc meant_ids(struct cx *cx, const struct ask *ask, int64_t after, int64_t last, int64_t max,
			 int64_t *ids, size_t *n)
{
	struct statement_text s;
	struct query *q = NULL;
	const char *sql = "";
	enum rc rc = rows_meant(cx, ask, "SELECT t.id", "",
				"t.id > :after AND t.id <= :last ORDER BY t.id LIMIT :limit", &s, &sql);

	*n = 0;
	statement_param(&s, (struct param)P_INT(":after", after));
	statement_param(&s, (struct param)P_INT(":last", last));
	statement_param(&s, (struct param)P_INT(":limit", max));
	if (rc == RC_OK) rc = db_query(cx, &q, sql, s.param);
	while (rc == RC_OK && *n < (size_t)max && query_next(q))
		ids[(*n)++] = query_int(q, 0);
	return query_end(q, rc);
}

static void ask_dependents(struct cx *cx, const struct bulk *b, struct value *page)
{
	const struct office *o = b->arg->office;
	int64_t *ids = arena_array(cx->arena, DEPENDENTS_OF, sizeof *ids);
	size_t n = 0;

	if (!b->arg->action->is_dangerous || o->r->dependents == NULL || ids == NULL) return;
	if (b->is_all) {
		if (meant_ids(cx, &b->ask, 0, INT64_MAX, DEPENDENTS_OF, ids, &n) != RC_OK) return;
		value_set_bool(cx->arena, page, "is_of_first", n == DEPENDENTS_OF);
	}
	for (size_t i = 0; i < b->count; i++)
		if (office_row_id(cx, &ids[n], o, b->ids[i], false) == RC_OK) n++;
	dependents_fill(cx, o, ids, n, page);
}

static enum rc bulk_ask(struct cx *cx, struct call *call, const struct bulk *b)
{
	const struct office_arg *arg = b->arg;
	struct value *page = value_map(cx->arena), *ids = value_set_list(cx->arena, page, "ids");
	struct list_count count = { .n = (int64_t)b->count, .is_known = true };
	const char *title = words_get(cx->lang, arg->action->title);
	enum rc rc = b->is_all ? rows_total(cx, &b->ask, DESK_COUNT_ASKED_MS, &count) : RC_OK;

	if (rc != RC_OK) return rc;
	for (size_t i = 0; i < b->count; i++)
		value_set_text(cx->arena, value_add_map(cx->arena, ids), "id", b->ids[i]);
	trail_add(cx, page, words_get(cx->lang, arg->office->r->title), list_path(cx, b));
	value_set_text(cx->arena, page, "question", action_question(cx, arg->action));
	value_set_text(cx->arena, page, "what",
		       arena_printf(cx->arena, "%s %s", count_text(cx, &count),
				    words_plural(cx->lang, count.n, N_("row"), N_("rows"))));
	value_set_text(cx->arena, page, "form_action",
		       arena_printf(cx->arena, "/%s/actions/%s", arg->office->r->name, arg->action->name));
	value_set_text(cx->arena, page, "yes", title);
	value_set_text(cx->arena, page, "back", list_path(cx, b));
	value_set_text(cx->arena, page, "number", b->public_id);
	value_set_text(cx->arena, page, "list", b->list);
	value_set_bool(cx->arena, page, "is_all", b->is_all);
	value_set_bool(cx->arena, page, "is_dangerous", arg->action->is_dangerous);
	ask_dependents(cx, b, page);
	page_answer(cx, call, "desk/confirm", title, page);
	return RC_OK;
}

/* The yes is written down */

static const char *actor_json(struct cx *cx)
{
	const struct actor *a = &cx->actor;
	struct value *map = value_map(cx->arena);
	struct sb sb;

	value_set_int(cx->arena, map, "kind", a->kind);
	value_set_int(cx->arena, map, "user_id", a->user_id);
	value_set_text(cx->arena, map, "name", a->name);
	value_set_text(cx->arena, map, "role", a->role);
	value_set_text(cx->arena, map, "rights", a->rights);
	value_set_text(cx->arena, map, "address", a->address);
	sb_init_arena(&sb, cx->arena, BULK_ARENA);
	json_write(&sb, map);
	return sb_text_of(&sb);
}

/* RC_CONFLICT: the same yes was given before. */
static enum rc bulk_note(struct cx *cx, struct bulk *b)
{
	struct list_count count = { .n = (int64_t)b->count };
	int64_t last = 0;
	enum rc rc = RC_OK;

	if (b->is_all) rc = rows_total(cx, &b->ask, DESK_COUNT_ASKED_MS, &count);
	if (rc == RC_OK) rc = office_last_id(cx, b->arg->office, &last);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = db_run(cx,
		    "INSERT INTO bulk (public_id, resource, action, list, user_id, actor_json, rows_total,"
		    " last_id, created_at) VALUES (:public, :resource, :action, :list, :user, :actor, :total,"
		    " :last, :now)",
		    PARAMS(P_TEXT(":public", b->public_id), P_TEXT(":resource", b->arg->office->r->name),
			   P_TEXT(":action", b->arg->action->name), P_TEXT(":list", b->list),
			   P_REF(":user", cx->actor.user_id), P_TEXT(":actor", actor_json(cx)),
			   P_INT(":total", count.n), P_INT(":last", last), P_INT(":now", cx_now(cx))));
	if (rc == RC_OK) b->id = db_last_id(cx);
	if (rc == RC_OK && b->is_all) {
		struct value *args = value_map(cx->arena), *after = value_map(cx->arena);
		int64_t job = 0;

		value_set_int(cx->arena, args, "bulk", b->id);
		rc = job_add(cx, &job,
			     &(struct job_new){ .kind = BULK_KIND,
						.key = arena_printf(cx->arena, BULK_KIND ":%s", b->public_id),
						.args = args });
		if (rc == RC_OK)
			rc = db_run(cx, "UPDATE bulk SET job_id = :job WHERE id = :id",
				    PARAMS(P_INT(":job", job), P_INT(":id", b->id)));
		value_set_text(cx->arena, after, "resource", b->arg->office->r->name);
		value_set_text(cx->arena, after, "action", b->arg->action->name);
		value_set_text(cx->arena, after, "list", b->list);
		if (rc == RC_OK) rc = audit_add(cx, "bulk", "bulk", b->id, NULL, after);
	}
	return tx_end(cx, rc);
}

static void forget_sentence(struct cx *cx)
{
	cx->message = ""; /* the next row has its own */
	cx->error_code = NULL;
	cx->field_count = 0;
}

/* Inside the caller's transaction. */
static enum rc note_refused(struct cx *cx, int64_t bulk, int64_t row, const char *name, const char *sentence)
{
	return db_run(
		cx,
		"INSERT INTO bulk_row (bulk_id, row_id, name, sentence) VALUES (:bulk, :row, :name, :why)"
		" ON CONFLICT DO UPDATE SET sentence = excluded.sentence",
		PARAMS(P_INT(":bulk", bulk), P_INT(":row", row), P_TEXT(":name", name),
		       P_TEXT(":why", sentence)));
}

/* Ticked rows, at once */

static enum rc run_ticked(struct cx *cx, struct call *call, struct bulk *b)
{
	enum rc worst = RC_OK;

	for (size_t i = 0; i < b->count; i++) {
		struct value *row = NULL;
		const char *done = NULL;
		int64_t id = 0;
		enum rc rc = action_row(cx, b->arg, b->ids[i], &id, &row);

		if (rc == RC_OK) rc = action_run(cx, b->arg, id, call, &done);
		if (rc == RC_OK || rc == RC_PARTLY) {
			b->done++;
			b->last_done = done;
		} else {
			const char *name = row != NULL ? row_name(cx, b->arg->office, row) : b->ids[i];
			const char *why = cx_sentence(cx, rc);

			b->failed++;
			if (b->first_failure == NULL)
				b->first_failure = arena_printf(cx->arena, "%s: %s", name, why);
			rc = id != 0 ? tx_begin(cx) : RC_NOT_FOUND;
			if (rc == RC_OK) rc = tx_end(cx, note_refused(cx, b->id, id, name, why));
			if (rc != RC_OK && rc != RC_NOT_FOUND) worst = rc;
		}
		forget_sentence(cx);
	}
	return worst;
}

static enum rc note_ticked(struct cx *cx, const struct bulk *b)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(
		cx,
		"UPDATE bulk SET rows_done = :done, rows_refused = :refused, finished_at = :now WHERE id = :id",
		PARAMS(P_INT(":done", (int64_t)b->done), P_INT(":refused", (int64_t)b->failed),
		       P_INT(":now", cx_now(cx)), P_INT(":id", b->id)));
	return tx_end(cx, rc);
}

static const char *bulk_sentence(struct cx *cx, const struct bulk *b)
{
	if (b->failed == 0 && b->count == 1 && b->last_done != NULL) return b->last_done;
	if (b->failed == 0)
		return arena_printf(cx->arena,
				    words_plural(cx->lang, (int64_t)b->done, N_("Done for %zu row."),
						 N_("Done for %zu rows.")),
				    b->done);
	return arena_printf(cx->arena, _("Done: %zu. Not done: %zu. The first: %s"), b->done, b->failed,
			    b->first_failure);
}

static void answer_ticked(struct cx *cx, struct call *call, const struct bulk *b)
{
	struct value *out;

	if (call_shape(call) == SHAPE_PAGE) {
		answer_flash(cx, call, list_path(cx, b), bulk_sentence(cx, b));
		return;
	}
	out = value_map(cx->arena);
	value_set_int(cx->arena, out, "done", (int64_t)b->done);
	value_set_int(cx->arena, out, "failed", (int64_t)b->failed);
	value_set_text(cx->arena, out, "message", bulk_sentence(cx, b));
	value_set_text(cx->arena, out, "bulk", b->public_id);
	answer_json(cx, call, b->done > 0 ? 200 : rc_row(RC_CONFLICT)->http, out);
}

static void answer_begun(struct cx *cx, struct call *call, const struct bulk *b)
{
	struct value *out;

	if (call_shape(call) == SHAPE_PAGE) {
		answer_redirect(cx, call, arena_printf(cx->arena, "/bulk/%s", b->public_id));
		return;
	}
	out = value_map(cx->arena);
	value_set_text(cx->arena, out, "bulk", b->public_id);
	value_set_text(cx->arena, out, "path", arena_printf(cx->arena, "/api/v1/bulk/%s", b->public_id));
	answer_json(cx, call, 202, out);
}

enum rc handle_bulk(struct cx *cx, struct call *call)
{
	struct bulk *b = arena_alloc(cx->arena, sizeof *b);
	enum rc rc = b != NULL ? RC_OK : RC_NO_MEMORY;

	if (rc == RC_OK) {
		b->arg = call_arg(call);
		b->list = "";
		rc = bulk_read(cx, call, b);
	}
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE && form_text(call, "confirmed") == NULL)
		return bulk_ask(cx, call, b);
	rc = bulk_note(cx, b);
	if (rc == RC_CONFLICT) { /* pressed twice: how the first one goes is shown */
		forget_sentence(cx);
		answer_begun(cx, call, b);
		return RC_OK;
	}
	if (rc == RC_OK && b->is_all) {
		answer_begun(cx, call, b);
		return RC_OK;
	}
	if (rc == RC_OK) rc = run_ticked(cx, call, b);
	if (rc == RC_OK) rc = note_ticked(cx, b);
	if (rc == RC_OK) answer_ticked(cx, call, b);
	return rc;
}

/* A whole list, in the background */

struct bulk_run {
	struct arena *keep; /* what a reset of the job's cx must not take along */
	struct job *job;
	struct office_arg arg;
	struct actor actor;
	const char *list;
	int64_t id, place, last, done, refused, total;
};

/* The rights of now: what was taken away since the yes is gone. */
static enum rc rights_of_now(struct cx *cx, struct bulk_run *run)
{
	struct value *row = NULL;
	const char *name = run->actor.name;
	enum rc rc;

	if (run->actor.kind == ACTOR_USER) {
		rc = db_row(
			cx, &row,
			"SELECT r.name AS role, r.rights AS rights FROM user u JOIN role r ON r.id = u.role_id"
			" WHERE u.id = :id AND u.archived_at IS NULL",
			PARAMS(P_INT(":id", run->actor.user_id)));
		if (rc == RC_OK) {
			run->actor.role = arena_text(run->keep, value_text_of(value_get(row, "role"), ""));
			run->actor.rights =
				arena_text(run->keep, value_text_of(value_get(row, "rights"), ""));
		}
	} else if (run->actor.kind == ACTOR_TOKEN && strncmp(name, "token:", 6) == 0) {
		/* as session.c lets it in: what the token and its person may, both */
		rc = db_row(
			cx, &row,
			"SELECT t.rights AS rights, coalesce(r.rights, '*') AS role_rights FROM api_token t"
			" LEFT JOIN user u ON u.id = t.user_id LEFT JOIN role r ON r.id = u.role_id"
			" WHERE t.name = :name AND t.archived_at IS NULL AND u.archived_at IS NULL"
			" AND (t.expires_at IS NULL OR t.expires_at > :now) AND t.user_id IS :user",
			PARAMS(P_TEXT(":name", name + 6), P_INT(":now", cx_now(cx)),
			       P_REF(":user", run->actor.user_id)));
		if (rc == RC_OK)
			run->actor.rights =
				rights_common(run->keep, value_text_of(value_get(row, "rights"), ""),
					      value_text_of(value_get(row, "role_rights"), ""));
	} else {
		return RC_OK;
	}
	if (rc != RC_NOT_FOUND) return rc;
	return cx_fail(cx, RC_DENIED, _("Who started this may not log in any more."));
}

static enum rc run_open(struct cx *cx, struct bulk_run *run, int64_t id)
{
	struct value *row = NULL, *actor = NULL;
	const char *json, *right;
	enum rc rc = db_row(cx, &row, "SELECT * FROM bulk WHERE id = :id", PARAMS(P_INT(":id", id)));

	if (rc != RC_OK) return rc;
	run->id = id;
	run->arg.office = office_find(value_text_of(value_get(row, "resource"), ""));
	if (run->arg.office != NULL)
		run->arg.action = action_find(run->arg.office, value_text_of(value_get(row, "action"), ""));
	if (run->arg.action == NULL)
		return cx_fail(cx, RC_NOT_FOUND, _("This action does not exist any more."));
	run->list = arena_text(run->keep, value_text_of(value_get(row, "list"), ""));
	run->place = value_int_of(value_get(row, "place_id"), 0);
	run->last = value_int_of(value_get(row, "last_id"), 0);
	run->done = value_int_of(value_get(row, "rows_done"), 0);
	run->refused = value_int_of(value_get(row, "rows_refused"), 0);
	run->total = value_int_of(value_get(row, "rows_total"), 0);
	json = value_text_of(value_get(row, "actor_json"), "{}");
	rc = json_parse(run->keep, &actor, NULL, json, strlen(json));
	if (rc != RC_OK) return RC_BUG;
	run->actor = (struct actor){
		.kind = (enum actor_kind)value_int_of(value_get(actor, "kind"), ACTOR_USER),
		.user_id = value_int_of(value_get(actor, "user_id"), 0),
		.name = value_text_of(value_get(actor, "name"), ""),
		.role = value_text_of(value_get(actor, "role"), ""),
		.rights = value_text_of(value_get(actor, "rights"), ""),
		.address = value_text_of(value_get(actor, "address"), ""),
		.door = "bulk",
	};
	rc = rights_of_now(cx, run);
	if (rc != RC_OK) return rc;
	right = action_right(run->arg.office, run->arg.action);
	if (right == NULL || !actor_may(&run->actor, right) ||
	    !actor_may(&run->actor, run->arg.office->r->right_view))
		return cx_fail(cx, RC_DENIED, _("Who started this may not do it any more."));
	return arena_failed(run->keep) ? RC_NO_MEMORY : RC_OK;
}

/* In a transaction: this row is dealt with. */
static enum rc note_place(struct cx *cx, const struct bulk_run *run, int64_t row, bool is_done)
{
	return db_run(
		cx,
		is_done ? "UPDATE bulk SET place_id = :row, rows_done = rows_done + 1 WHERE id = :id"
			: "UPDATE bulk SET place_id = :row, rows_refused = rows_refused + 1 WHERE id = :id",
		PARAMS(P_INT(":row", row), P_INT(":id", run->id)));
}

/* Whose fault is it? A row's own: the others go on. The house's: this row is tried again later. */
static bool is_of_the_row(enum rc rc)
{
	return rc == RC_BAD_INPUT || rc == RC_NOT_FOUND || rc == RC_CONFLICT || rc == RC_DENIED ||
	       rc == RC_TOO_LARGE || rc == RC_PARTLY;
}

static enum rc run_row(struct cx *cx, struct bulk_run *run, int64_t id)
{
	struct value *row = NULL;
	const char *done = NULL, *text = arena_printf(cx->arena, "%lld", (long long)id), *why, *name;
	int64_t same = 0;
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = action_row(cx, &run->arg, text, &same, &row);
	if (rc == RC_OK) rc = action_run(cx, &run->arg, id, NULL, &done);
	if (rc == RC_PARTLY) rc = RC_OK;
	if (rc == RC_OK) rc = note_place(cx, run, id, true);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) {
		run->done++;
		run->place = id;
		forget_sentence(cx);
		return RC_OK;
	}
	if (!is_of_the_row(rc)) return rc;
	why = cx_sentence_kept(cx, rc);
	name = row != NULL ? row_name(cx, run->arg.office, row) : text;
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = note_refused(cx, run->id, id, name, why);
	if (rc == RC_OK) job_say(cx, run->job, SAY_WARNING, "%s: %s", name, why);
	if (rc == RC_OK) rc = note_place(cx, run, id, false);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) {
		run->refused++;
		run->place = id;
	}
	forget_sentence(cx);
	return rc;
}

static enum rc run_slice(struct cx *cx, struct job *job, struct bulk_run *run, bool *is_over)
{
	int64_t ids[SLICE];
	struct ask ask;
	size_t n = 0;
	enum rc rc;

	cx_reset(cx);
	cx->actor = run->actor;
	cx->keeps_sentence = true;
	rc = ask_from_query(cx, &ask, run->arg.office, run->list);
	if (rc == RC_OK) rc = meant_ids(cx, &ask, run->place, run->last, SLICE, ids, &n);
	*is_over = n < SLICE;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (job_should_stop(job)) return RC_TRY_LATER;
		rc = run_row(cx, run, ids[i]);
		if (rc == RC_OK) rc = job_progress(cx, job, run->done + run->refused, run->total);
	}
	return rc;
}

/* Before the first row: exactly how many. */
static enum rc count_all(struct cx *cx, struct bulk_run *run)
{
	struct statement_text s;
	struct ask ask;
	const char *sql = "";
	int64_t left = 0;
	enum rc rc = ask_from_query(cx, &ask, run->arg.office, run->list);

	if (rc == RC_OK)
		rc = rows_meant(cx, &ask, "SELECT count(*)", "", "t.id > :after AND t.id <= :last", &s, &sql);
	if (rc != RC_OK) return rc;
	statement_param(&s, (struct param)P_INT(":after", run->place));
	statement_param(&s, (struct param)P_INT(":last", run->last));
	rc = db_get_int(cx, &left, sql, s.param);
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	run->total = run->done + run->refused + left;
	rc = db_run(cx, "UPDATE bulk SET rows_total = :total, finished_at = NULL WHERE id = :id",
		    PARAMS(P_INT(":total", run->total), P_INT(":id", run->id)));
	return tx_end(cx, rc);
}

static enum rc run_end(struct cx *cx, struct job *job, const struct bulk_run *run)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = tx_end(cx, db_run(cx, "UPDATE bulk SET finished_at = :now WHERE id = :id",
			       PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", run->id))));
	if (rc != RC_OK) return rc;
	job_note(cx, job, _("Done: %lld. Not done: %lld."), (long long)run->done, (long long)run->refused);
	return run->refused > 0 ? RC_PARTLY : RC_OK;
}

static enum rc bulk_work(struct cx *cx, struct job *job)
{
	struct bulk_run run = { .keep = arena_new(BULK_ARENA), .job = job };
	struct actor system = cx->actor;
	bool is_over = false;
	enum rc rc = run.keep != NULL ? RC_OK : RC_NO_MEMORY;

	if (rc == RC_OK) rc = run_open(cx, &run, value_int_of(value_get(job_args(job), "bulk"), 0));
	if (rc == RC_OK) {
		cx->actor = run.actor;
		rc = count_all(cx, &run);
	}
	while (rc == RC_OK && !is_over)
		rc = run_slice(cx, job, &run, &is_over);
	cx->actor = system;
	if (rc == RC_OK) rc = run_end(cx, job, &run);
	arena_free(run.keep);
	return rc;
}

const struct job_kind desk_bulk_jobs[] = {
	{ .name = BULK_KIND,
	  .title = N_("One action for many rows"),
	  .queue = "bulk",
	  .attempts_max = 5,
	  .time_limit_s = 4 * 3600,
	  .delay_s = 10,
	  .run = bulk_work },
	{ .name = NULL },
};
