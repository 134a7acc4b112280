/*
** alarm_page.c -- /alerts: what needs attention, what was, who is told, and trying all of it.
**
** Needs:  the rules, the roads, the alerts and what was told of them.
** Never:  waits for the network: a try is a message, whose state the page shows.
** Holds:  page, API and command say the same (alarms_show).
*/
#include "ops/alarm.h"

#include <stdlib.h>
#include <string.h>

#define OPEN_SHOWN    100
#define HISTORY_SHOWN 50

/* Alerts */

static const char *mark_of(const char *severity)
{
	return strcmp(severity, "urgent") == 0 ? "error" : strcmp(severity, "warning") == 0 ? "warn" : "info";
}

static void finish_alert(struct cx *cx, struct value *row)
{
	const char *key = value_text_of(value_get(row, "key"), "");
	const char *severity = value_text_of(value_get(row, "severity"), "");
	const char *remedy = value_text_of(value_get(row, "remedy"), "");
	bool is_test = value_int_of(value_get(row, "is_test"), 0) != 0;
	const struct alarm_rule *rule = alarm_rule_of(key);

	if (remedy[0] == '\0' && rule != NULL && rule->remedy != NULL) remedy = rule->remedy;
	value_set_text(cx->arena, row, "text",
		       alert_sentence(cx->arena, cx->lang, value_text_of(value_get(row, "msgid"), ""),
				      value_text_of(value_get(row, "subject"), "")));
	value_set_text(cx->arena, row, "what_to_do", remedy[0] != '\0' ? words_get(cx->lang, remedy) : "");
	value_set_text(cx->arena, row, "severity_shown",
		       is_test ? _("Test only") : alarm_severity_words(cx->lang, severity));
}

static void add_tellings(struct cx *cx, struct value *row)
{
	struct value *list = NULL;
	enum rc rc = db_rows(
		cx, &list, 40,
		"SELECT t.road, t.word, t.created_at AS told_at, coalesce(m.state, 'waiting') AS state, m.public_id AS message"
		" FROM alert_telling t LEFT JOIN message m ON m.id = t.message_id WHERE t.alert_id = :id ORDER BY t.id DESC",
		PARAMS(P_INT(":id", value_int_of(value_get(row, "id"), 0))));

	if (rc != RC_OK) list = value_list(cx->arena);
	value_set(row, "told", list);
}

/* Columns that are not for people and programs. */
static struct value *clean(struct cx *cx, struct value *row)
{
	static const char *const kept[] = { "id",          "key",        "severity",    "severity_shown",
					    "text",        "what_to_do", "link",        "since_at",
					    "resolved_at", "told_at",    "reminded_at", "reminders",
					    "seen_at",     "is_test" };
	struct value *out = value_map(cx->arena), *told = NULL;

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		const struct value *v = value_get(row, kept[i]);

		if (v == NULL || v->type == VALUE_NULL)
			value_set_null(cx->arena, out, kept[i]);
		else if (v->type == VALUE_INT && strcmp(kept[i], "is_test") == 0)
			value_set_bool(cx->arena, out, kept[i], v->integer != 0);
		else if (v->type == VALUE_INT)
			value_set_int(cx->arena, out, kept[i], v->integer);
		else
			value_set_text(cx->arena, out, kept[i], value_text_of(v, ""));
	}
	add_tellings(cx, row);
	told = (struct value *)(uintptr_t)value_get(row, "told");
	if (told != NULL) {
		struct value *list = value_set_list(cx->arena, out, "told");

		for (const struct value *t = told->first; t != NULL; t = t->next) {
			struct value *one = value_add_map(cx->arena, list);

			value_set_text(cx->arena, one, "road", value_text_of(value_get(t, "road"), ""));
			value_set_text(cx->arena, one, "word", value_text_of(value_get(t, "word"), ""));
			value_set_text(cx->arena, one, "state", value_text_of(value_get(t, "state"), ""));
			value_set_text(cx->arena, one, "message", value_text_of(value_get(t, "message"), ""));
			value_set_int(cx->arena, one, "told_at", value_int_of(value_get(t, "told_at"), 0));
		}
	}
	return out;
}

#define ALERT_COLUMNS                                                                                               \
	"id, key, severity, msgid, subject, link, remedy, is_test, reminders, created_at AS since_at, resolved_at," \
	" nullif(told_at, 0) AS told_at, reminded_at, seen_at"

static void add_all(struct cx *cx, struct value *out, const char *name, struct value *rows)
{
	struct value *list = value_set_list(cx->arena, out, name);

	for (struct value *row = rows->first; row != NULL; row = row->next) {
		finish_alert(cx, row);
		value_append(list, clean(cx, row));
	}
}

static enum rc add_alerts(struct cx *cx, struct value *out)
{
	struct value *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, OPEN_SHOWN,
		"SELECT " ALERT_COLUMNS " FROM alert INDEXED BY alert_open WHERE resolved_at IS NULL"
		" ORDER BY CASE severity WHEN 'urgent' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, id DESC LIMIT 100",
		NO_PARAMS);

	if (rc != RC_OK) return rc;
	add_all(cx, out, "open", rows);
	rc = db_rows(cx, &rows, HISTORY_SHOWN,
		     "SELECT " ALERT_COLUMNS
		     " FROM alert WHERE resolved_at IS NOT NULL ORDER BY created_at DESC, id DESC"
		     " LIMIT 50",
		     NO_PARAMS);
	if (rc == RC_OK) add_all(cx, out, "history", rows);
	return rc;
}

/* Roads */

static enum rc add_last(struct cx *cx, struct value *road, const char *name)
{
	struct value *last = NULL;
	enum rc rc = db_row(
		cx, &last,
		"SELECT m.state, m.error, t.created_at FROM alert_telling t JOIN message m ON m.id = t.message_id"
		" WHERE t.road = :road ORDER BY t.id DESC LIMIT 1",
		PARAMS(P_TEXT(":road", name)));

	value_set_text(cx->arena, road, "last_state", value_text_of(value_get(last, "state"), ""));
	value_set_text(cx->arena, road, "last_error", value_text_of(value_get(last, "error"), ""));
	if (last == NULL)
		value_set_null(cx->arena, road, "last_at");
	else
		value_set_int(cx->arena, road, "last_at", value_int_of(value_get(last, "created_at"), 0));
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc add_roads(struct cx *cx, struct value *out)
{
	struct value *list = value_set_list(cx->arena, out, "roads");
	enum rc rc = RC_OK;

	for (const struct alarm_road *r = alarm_roads; r->name != NULL && rc == RC_OK; r++) {
		const char *places[ALARM_PLACES_MAX];
		struct value *road = value_add_map(cx->arena, list), *channel = NULL;
		size_t n = alarm_places(cx, r, places);

		value_set_text(cx->arena, road, "name", r->name);
		value_set_text(cx->arena, road, "title", words_get(cx->lang, r->title));
		value_set_bool(cx->arena, road, "is_set_up", n > 0);
		value_set_int(cx->arena, road, "addresses", (int64_t)n);
		value_set_text(cx->arena, road, "from", setting_text(cx->env->settings, r->from));
		if (n > 0 && channel_show(cx, &channel, r->name) == RC_OK) {
			value_set_text(cx->arena, road, "state",
				       value_text_of(value_get(channel, "state"), ""));
			value_set_text(cx->arena, road, "why",
				       value_text_of(value_get(channel, "why_text"), ""));
		} else {
			value_set_text(cx->arena, road, "state", "");
			value_set_text(cx->arena, road, "why", "");
		}
		rc = add_last(cx, road, r->name);
	}
	return rc;
}

static void add_rules(struct cx *cx, struct value *out)
{
	struct value *list = value_set_list(cx->arena, out, "rules");

	for (const struct alarm_rule *r = alarm_rules; r->name != NULL; r++) {
		struct value *row = value_add_map(cx->arena, list);

		value_set_text(cx->arena, row, "name", r->name);
		value_set_text(cx->arena, row, "title", words_get(cx->lang, r->title));
		value_set_text(cx->arena, row, "about", words_get(cx->lang, r->about));
		value_set_text(cx->arena, row, "what_to_do", words_get(cx->lang, r->remedy));
		value_set_text(cx->arena, row, "setting", r->setting != NULL ? r->setting : "");
		value_set_text(cx->arena, row, "value",
			       r->setting != NULL ? settings_shown(cx->env->settings, r->setting) : "");
	}
}

enum rc alarms_show(struct cx *cx, struct value **out)
{
	struct value *page = value_map(cx->arena);
	enum rc rc = add_alerts(cx, page);

	if (rc == RC_OK) rc = add_roads(cx, page);
	if (rc != RC_OK) return rc;
	add_rules(cx, page);
	*out = page;
	return RC_OK;
}

/* For people */

static const char *word_shown(struct cx *cx, const char *word)
{
	if (strcmp(word, "told") == 0) return _("told");
	if (strcmp(word, "solved") == 0) return _("told that it is over");
	if (strcmp(word, "test") == 0) return _("Test only");
	return _("reminded");
}

static const struct {
	const char *state, *msgid, *mark;
} states[] = {
	{ "waiting", N_("waits for a mail that sums up"), "info" },
	{ "queued", N_("on its way"), "info" },
	{ "sending", N_("on its way"), "info" },
	{ "sent", N_("given to the provider"), "ok" },
	{ "delivered", N_("it has arrived"), "ok" },
	{ "read", N_("it has arrived"), "ok" },
	{ "failed", N_("did not arrive"), "error" },
	{ "unsure", N_("not certain"), "warn" },
	{ "skipped", N_("the address does not take messages"), "error" },
	{ "cancelled", N_("taken back"), "info" },
	{ "expired", N_("too late"), "warn" },
};

static void put_state(struct cx *cx, struct value *row, const char *state)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (strcmp(states[i].state, state) == 0) {
			value_set_text(cx->arena, row, "state_shown", words_get(cx->lang, states[i].msgid));
			value_set_text(cx->arena, row, "state_mark", states[i].mark);
			return;
		}
}

/* Nobody is sent to a closed door, nor to the page he is on. */
static void drop_closed(struct cx *cx, struct value *row, const char *name)
{
	const char *href = value_text_of(value_get(row, name), "");

	if (strcmp(href, "/alerts") == 0 || !web_may_open(cx, href)) value_set_text(cx->arena, row, name, "");
}

static void for_people(struct cx *cx, struct value *list)
{
	for (struct value *a = list->first; a != NULL; a = a->next) {
		struct value *told = (struct value *)(uintptr_t)value_get(a, "told");

		for (struct value *t = told != NULL ? told->first : NULL; t != NULL; t = t->next) {
			const struct alarm_road *road =
				alarm_road_find(value_text_of(value_get(t, "road"), ""));

			value_set_text(cx->arena, t, "road_shown",
				       road != NULL ? words_get(cx->lang, road->title) : "");
			value_set_text(cx->arena, t, "word_shown",
				       word_shown(cx, value_text_of(value_get(t, "word"), "")));
			put_state(cx, t, value_text_of(value_get(t, "state"), ""));
		}
		value_set_text(cx->arena, a, "mark",
			       value_bool_of(value_get(a, "is_test"), false)
				       ? "info"
				       : mark_of(value_text_of(value_get(a, "severity"), "")));
		value_set_bool(cx->arena, a, "has_told", told != NULL && told->count > 0);
		if (value_int_of(value_get(a, "told_at"), 0) != 0) {
			char at[RFC3339_SIZE];

			instant_text_local(at, value_int_of(value_get(a, "told_at"), 0), cx->env->zone);
			value_set_text(cx->arena, a, "told_first", at);
		}
		value_set_bool(cx->arena, a, "is_seen", value_int_of(value_get(a, "seen_at"), 0) != 0);
		drop_closed(cx, a, "link");
		value_set_bool(cx->arena, a, "is_command",
			       alarm_remedy_is_command(value_text_of(value_get(a, "what_to_do"), "")));
		value_set_bool(cx->arena, a, "is_clock",
			       strncmp(value_text_of(value_get(a, "key"), ""), "clock.", 6) == 0);
	}
	shape_page(cx, list);
}

static void finish_roads(struct cx *cx, struct value *roads)
{
	for (struct value *r = roads->first; r != NULL; r = r->next) {
		bool is_set_up = value_bool_of(value_get(r, "is_set_up"), false);
		const char *state = value_text_of(value_get(r, "state"), "");
		bool is_stopped = strcmp(state, "stopped") == 0, is_waiting = strcmp(state, "waiting") == 0;

		value_set_text(cx->arena, r, "mark",
			       !is_set_up   ? "info"
			       : is_stopped ? "error"
			       : is_waiting ? "warn"
					    : "ok");
		value_set_text(cx->arena, r, "is_how",
			       !is_set_up   ? _("not set up")
			       : is_stopped ? _("held")
			       : is_waiting ? _("waits")
					    : _("ready"));
		value_set_text(cx->arena, r, "from_shown",
			       alarm_severity_words(cx->lang, value_text_of(value_get(r, "from"), "")));
		put_state(cx, r, value_text_of(value_get(r, "last_state"), ""));
		value_set_text(cx->arena, r, "set_href",
			       strcmp(value_text_of(value_get(r, "name"), ""), "email") == 0
				       ? "/settings/alerts"
				       : arena_printf(cx->arena, "/settings/%s",
						      value_text_of(value_get(r, "name"), "")));
		drop_closed(cx, r, "set_href");
	}
	shape_page(cx, roads);
}

static void finish_rules(struct cx *cx, struct value *rules)
{
	for (struct value *r = rules->first; r != NULL; r = r->next) {
		value_set_bool(cx->arena, r, "is_command",
			       alarm_remedy_is_command(value_text_of(value_get(r, "what_to_do"), "")));
		value_set_text(cx->arena, r, "set_href", "/settings/alerts");
		drop_closed(cx, r, "set_href");
	}
}

static const struct {
	const char *status, *msgid;
	enum rc rc;
} error_pages[] = {
	{ "403", N_("Not allowed"), RC_DENIED },      { "404", N_("Not found"), RC_NOT_FOUND },
	{ "429", N_("Too often"), RC_TOO_MANY },      { "500", N_("Failure"), RC_BUG },
	{ "503", N_("Not right now"), RC_TRY_LATER },
};
#define ERROR_PAGES (sizeof(error_pages) / sizeof(*error_pages))

static void add_error_pages(struct cx *cx, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "error_pages");

	for (size_t i = 0; i < ERROR_PAGES; i++) {
		struct value *one = value_add_map(cx->arena, list);

		value_set_text(cx->arena, one, "status", error_pages[i].status);
		value_set_text(cx->arena, one, "title", words_get(cx->lang, error_pages[i].msgid));
	}
}

enum rc handle_alerts(struct cx *cx, struct call *call)
{
	struct value *page = NULL;
	enum rc rc = alarms_show(cx, &page);

	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) {
		shape_json(cx, page);
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	for_people(cx, (struct value *)(uintptr_t)value_get(page, "open"));
	for_people(cx, (struct value *)(uintptr_t)value_get(page, "history"));
	finish_roads(cx, (struct value *)(uintptr_t)value_get(page, "roads"));
	finish_rules(cx, (struct value *)(uintptr_t)value_get(page, "rules"));
	add_error_pages(cx, page);
	value_set_bool(cx->arena, page, "has_open", value_get(page, "open")->count > 0);
	value_set_bool(cx->arena, page, "has_history", value_get(page, "history")->count > 0);
	value_set_bool(cx->arena, page, "may_edit", actor_may(&cx->actor, "alerts.edit"));
	value_set_text(cx->arena, page, "title", _("Alerts"));
	answer_page(cx, call, "ops/alerts", _("Alerts"), page);
	return RC_OK;
}

/* Acts */

enum rc handle_alerts_look(struct cx *cx, struct call *call)
{
	struct value *out = value_map(cx->arena);
	int raised = 0, resolved = 0;
	enum rc rc = alarms_look(cx, &raised, &resolved);

	if (rc == RC_OK) rc = alarms_tell(cx);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE) {
		answer_flash(cx, call, "/alerts",
			     raised + resolved == 0 ? _("Looked: nothing has changed.")
						    : _("Looked: there is news."));
		return RC_OK;
	}
	value_set_int(cx->arena, out, "raised", raised);
	value_set_int(cx->arena, out, "resolved", resolved);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

static const char *given(struct call *call, const char *name)
{
	const char *text = form_text(call, name);

	return text != NULL && text[0] != '\0' ? text : NULL;
}

enum rc handle_alerts_try(struct cx *cx, struct call *call)
{
	struct value *out = value_map(cx->arena);
	int count = 0;
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK) rc = alarms_try(cx, given(call, "rule"), given(call, "road"), &count);
	if (rc != RC_OK && call_shape(call) == SHAPE_PAGE && (rc == RC_CONFLICT || rc == RC_BAD_INPUT)) {
		answer_flash(cx, call, "/alerts", cx_sentence(cx, rc));
		return RC_OK;
	}
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE) {
		answer_flash(cx, call, "/alerts",
			     _("A test is on its way; below you see whether it arrived."));
		return RC_OK;
	}
	value_set_int(cx->arena, out, "messages", count);
	answer_json(cx, call, 200, out);
	return RC_OK;
}

enum rc handle_alert_seen(struct cx *cx, struct call *call)
{
	int64_t id = strtoll(call_param(call, "id"), NULL, 10);
	const char *key = "";
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK)
		rc = db_get_text(cx, &key, "SELECT key FROM alert WHERE id = :id AND resolved_at IS NULL",
				 PARAMS(P_INT(":id", id)));
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE alert SET seen_at = :now WHERE id = :id AND seen_at IS NULL",
			    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", id)));
	if (rc == RC_OK && db_changes(cx) == 1) rc = audit_add(cx, "seen", "alert", id, NULL, NULL);
	key = arena_text(cx->arena, key);
	rc = tx_end(cx, rc);
	/* Of a clock it means: it is right as it is. */
	if (rc == RC_OK && strncmp(key, "clock.", 6) == 0) {
		rc = alarm_clock_accept(cx);
		if (rc == RC_OK) rc = alarms_look(cx, NULL, NULL);
	}
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE)
		answer_flash(cx, call, "/alerts", _("Noted: you are not reminded of it any more."));
	else
		answer_json(cx, call, 200, value_map(cx->arena));
	return RC_OK;
}

enum rc handle_error_page(struct cx *cx, struct call *call)
{
	for (size_t i = 0; i < ERROR_PAGES; i++)
		if (strcmp(error_pages[i].status, call_param(call, "status")) == 0) {
			answer_staged(cx, call, error_pages[i].rc);
			return RC_OK;
		}
	return RC_NOT_FOUND;
}
