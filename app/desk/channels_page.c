/*
** channels_page.c -- all channels at one glance; the kill switch; what a stopped channel holds and what of it
** is too old to leave.
**
** Needs:  outbox.h for every change.
** Holds:  (1) stopping and resuming everything is asked about first; (2) what is cancelled before a release
**         is cancelled one by one, each with its line of evidence, in short transactions.
*/
#include "desk/outbox_pages.h"

#include "outbox/channel.h"
#include <string.h>

#define HELD_COUNTED 10000 /* more is told as "10000+"                                        */
#define CANCEL_SLICE 100   /* messages a transaction: a few milliseconds                       */
#define CANCEL_MAX   5000  /* of one press of the button: a few seconds; the page says the rest */
#define REASON_MAX   200   /* as outbox_halt() takes it                                       */

/* All channels */

static const char *caps_shown(struct cx *cx, const struct value *v)
{
	int64_t n = value_int_of(value_get(v, "sent_today"), 0);
	const struct value *cap = value_get(v, "per_day");

	if (cap != NULL && cap->type == VALUE_INT)
		return arena_printf(cx->arena, _("%lld of %lld"), (long long)n, (long long)cap->integer);
	return arena_printf(cx->arena, "%lld", (long long)n);
}

/* One word: the sentence is on the channel's own page. */
static const char *short_state(struct cx *cx, const struct value *v)
{
	const char *state = value_text_of(value_get(v, "state"), "");

	if (!value_bool_of(value_get(v, "is_configured"), false)) return _("Not set up");
	if (strcmp(state, "open") == 0) return _("open");
	return strcmp(state, "waiting") == 0 ? _("waiting") : _("held");
}

static void fill_channels(struct cx *cx, struct value *list)
{
	for (struct value *v = list->first; v != NULL; v = v->next) {
		const char *state = value_text_of(value_get(v, "state"), "");
		const char *name = value_text_of(value_get(v, "name"), "");

		value_set_text(cx->arena, v, "href", arena_printf(cx->arena, "/channels/%s", name));
		value_set_text(cx->arena, v, "mark",
			       value_bool_of(value_get(v, "is_configured"), false) ? mark_of(state)
										   : "quiet");
		value_set_text(cx->arena, v, "state_title", short_state(cx, v));
		value_set_text(cx->arena, v, "since",
			       instant_minutes(cx, value_int_of(value_get(v, "state_at"), 0)));
		value_set_text(cx->arena, v, "until",
			       instant_minutes(cx, value_int_of(value_get(v, "until_at"), 0)));
		value_set_text(cx->arena, v, "today", caps_shown(cx, v));
		value_set_text(cx->arena, v, "outbox_href",
			       arena_printf(cx->arena, "/outbox?state=queued&channel=%s", name));
	}
}

static enum rc fill_halt(struct cx *cx, struct call *call, struct value *out)
{
	struct value *how = NULL;
	bool is_halted = false;
	enum rc rc = outbox_is_halted(cx, &is_halted, &how);

	if (rc != RC_OK) return rc;
	value_set_bool(cx->arena, out, "is_halted", is_halted);
	if (!is_halted) return RC_OK;
	set_moment(cx, call, out, "halted_at", value_int_of(value_get(how, "at"), 0));
	value_set_text(cx->arena, out, "halted_by", who_shown(cx, value_text_of(value_get(how, "by"), "")));
	value_set_text(cx->arena, out, "halted_why", value_text_of(value_get(how, "why"), ""));
	return RC_OK;
}

enum rc handle_channels(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *list = NULL;
	enum rc rc = channels_list(cx, &list);

	if (rc == RC_OK) rc = fill_halt(cx, call, page);
	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) {
		for (struct value *v = list->first; v != NULL; v = v->next)
			no_epoch(v);
		shape_json(cx, list);
		value_set(page, "data", list);
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	fill_channels(cx, list);
	value_set(page, "channels", list);
	value_set_bool(cx->arena, page, "may_edit", actor_may(&cx->actor, "gateway.edit"));
	page_answer(cx, call, "desk/channels", _("Channels"), page);
	return RC_OK;
}

/* The kill switch. The route's arg says which: "stop" or "resume". */

static int64_t waiting_now(struct cx *cx)
{
	int64_t n = 0;

	if (db_get_int(
		    cx, &n,
		    "SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_queued WHERE state = 'queued' LIMIT :max)",
		    PARAMS(P_INT(":max", HELD_COUNTED + 1))) != RC_OK)
		return 0;
	return n;
}

static const char *counted(struct cx *cx, int64_t n)
{
	return n > HELD_COUNTED ? arena_printf(cx->arena, "%d+", HELD_COUNTED)
				: arena_printf(cx->arena, "%lld", (long long)n);
}

enum rc handle_halt_ask(struct cx *cx, struct call *call)
{
	bool is_stop = strcmp(call_arg(call), "stop") == 0;
	struct value *page = value_map(cx->arena), *details = value_set_list(cx->arena, page, "details");

	if (call_shape(call) != SHAPE_PAGE) return RC_NOT_FOUND;
	trail_add(cx, page, _("Channels"), "/channels");
	value_set_bool(cx->arena, page, "is_stop", is_stop);
	value_set_text(
		cx->arena, value_add_map(cx->arena, details), "text",
		is_stop ? _("No message leaves on any channel, answers neither; only alerts to your own addresses still"
			    " do. What is under way arrives.")
			: arena_printf(
				  cx->arena,
				  _("Messages that wait now: %s. They leave in their order, each within its hours."),
				  counted(cx, waiting_now(cx))));
	value_set_text(
		cx->arena, value_add_map(cx->arena, details), "text",
		is_stop ? _("Nothing is lost: it waits. What is over in the meantime expires, as always.")
			: _("A channel that was stopped by itself stays stopped."));
	value_set_int(cx->arena, page, "reason_max", REASON_MAX);
	page_answer(cx, call, "desk/halt", is_stop ? _("Stop everything?") : _("Let everything leave again?"),
		    page);
	return RC_OK;
}

enum rc handle_halt(struct cx *cx, struct call *call)
{
	bool is_stop = strcmp(call_arg(call), "stop") == 0;
	struct value *out;
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK) rc = outbox_halt(cx, is_stop, form_text(call, "reason"));
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE) {
		answer_flash(cx, call, "/channels",
			     is_stop ? _("Everything is stopped.") : _("Messages leave again."));
		return RC_OK;
	}
	out = value_map(cx->arena);
	rc = fill_halt(cx, call, out);
	if (rc == RC_OK) answer_json(cx, call, 200, out);
	return rc;
}

/* What a stopped channel holds */

static const struct {
	const char *age, *title;
	int64_t ms;
} ages[] = {
	{ "1h", N_("older than an hour"), HOUR_MS },
	{ "12h", N_("older than 12 hours"), 12 * HOUR_MS },
	{ "1d", N_("older than a day"), DAY_MS },
	{ "7d", N_("older than a week"), 7 * DAY_MS },
	{ "all", N_("all of them"), 0 },
};

static enum rc held_count(struct cx *cx, int64_t *out, const char *channel, instant before)
{
	return db_get_int(
		cx, out,
		"SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_queued WHERE state = 'queued' AND"
		" channel_account_id = (SELECT id FROM channel_account WHERE name = :channel) AND created_at < :before"
		" LIMIT :max)",
		PARAMS(P_TEXT(":channel", channel), P_INT(":before", before),
		       P_INT(":max", HELD_COUNTED + 1)));
}

enum rc held_fill(struct cx *cx, const char *channel, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "ages");
	int64_t all = 0, ready = 0, n = 0;
	enum rc rc = held_count(cx, &all, channel, cx_now(cx) + 1);

	if (rc == RC_OK)
		rc = db_get_int(
			cx, &ready,
			"SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_queue WHERE state = 'queued' AND turn = 1"
			" AND channel_account_id = (SELECT id FROM channel_account WHERE name = :channel) AND expires_at > :now"
			" LIMIT :max)",
			PARAMS(P_TEXT(":channel", channel), P_INT(":now", cx_now(cx)),
			       P_INT(":max", HELD_COUNTED + 1)));
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]) && rc == RC_OK; i++) {
		struct value *one;

		rc = held_count(cx, &n, channel, cx_now(cx) + 1 - ages[i].ms);
		if (rc != RC_OK || n == 0) continue;
		one = value_add_map(cx->arena, list);
		value_set_text(cx->arena, one, "age", ages[i].age);
		value_set_text(cx->arena, one, "title", words_get(cx->lang, ages[i].title));
		value_set_text(cx->arena, one, "count", counted(cx, n));
	}
	value_set_bool(cx->arena, page, "has_held", all > 0);
	value_set_text(cx->arena, page, "held",
		       arena_printf(cx->arena, _("Held: %s messages. If you open it, %s may leave at once."),
				    counted(cx, all), counted(cx, ready)));
	return rc;
}

static bool age_of(const char *age, int64_t *ms, const char **title)
{
	for (size_t i = 0; age != NULL && i < sizeof(ages) / sizeof(ages[0]); i++)
		if (strcmp(ages[i].age, age) == 0) {
			*ms = ages[i].ms;
			*title = ages[i].title;
			return true;
		}
	return false;
}

enum rc handle_held_ask(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *fields = value_set_list(cx->arena, page, "fields"), *one;
	const char *age = call_query(call, "age"), *title = "", *name = call_param(call, "name");
	int64_t ms = 0, n = 0;
	enum rc rc;

	if (channel_find(name) == NULL || !age_of(age, &ms, &title)) return RC_NOT_FOUND;
	rc = held_count(cx, &n, name, cx_now(cx) + 1 - ms);
	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, page, "question",
		       arena_printf(cx->arena,
				    _("Cancel %s held messages of %s (%s)? They will not leave any more."),
				    counted(cx, n), channel_words(cx, name), words_get(cx->lang, title)));
	value_set_text(cx->arena, page, "action", arena_printf(cx->arena, "/channels/%s/cancel-held", name));
	one = value_add_map(cx->arena, fields);
	value_set_text(cx->arena, one, "name", "age");
	value_set_text(cx->arena, one, "value", age);
	value_set_text(cx->arena, page, "button",
		       arena_printf(cx->arena, _("Cancel %s messages"), counted(cx, n)));
	value_set_bool(cx->arena, page, "is_dangerous", true);
	value_set_text(cx->arena, page, "back", arena_printf(cx->arena, "/channels/%s", name));
	answer_page(cx, call, "web/confirm", channel_words(cx, name), page);
	return RC_OK;
}

/* One transaction's worth of them; what left the queue meanwhile is left alone. */
static enum rc cancel_slice(struct cx *cx, const char *channel, instant before, int64_t *count)
{
	struct value *rows = NULL;
	enum rc rc = tx_begin(cx);

	*count = 0;
	if (rc != RC_OK) return rc;
	rc = db_rows(
		cx, &rows, CANCEL_SLICE,
		"SELECT id FROM message INDEXED BY message_queued WHERE state = 'queued' AND channel_account_id ="
		" (SELECT id FROM channel_account WHERE name = :channel) AND created_at < :before LIMIT :max",
		PARAMS(P_TEXT(":channel", channel), P_INT(":before", before), P_INT(":max", CANCEL_SLICE)));
	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL && rc == RC_OK;
	     v = v->next) {
		rc = outbox_cancel(cx, value_int_of(value_get(v, "id"), 0), "restored");
		if (rc == RC_OK) (*count)++;
	}
	return tx_end(cx, rc);
}

enum rc handle_held_cancel(struct cx *cx, struct call *call)
{
	const char *title = "", *name = call_param(call, "name");
	struct value *out;
	int64_t ms = 0, done = 0, n = CANCEL_SLICE;
	instant before;
	enum rc rc = channel_find(name) != NULL ? form_read(cx, call) : RC_NOT_FOUND;

	if (rc == RC_OK && !age_of(form_text(call, "age"), &ms, &title))
		rc = cx_fail_field(cx, "age", _("Say how old: 1h, 12h, 1d, 7d or all."));
	before = cx_now(cx) + 1 - ms;
	while (rc == RC_OK && n == CANCEL_SLICE && done < CANCEL_MAX) {
		rc = cancel_slice(cx, name, before, &n);
		done += n;
	}
	if (rc == RC_OK) {
		rc = tx_begin(cx);
		out = value_map(cx->arena);
		value_set_text(cx->arena, out, "channel", name);
		value_set_int(cx->arena, out, "cancelled", done);
		if (rc == RC_OK)
			rc = tx_end(cx, audit_add(cx, "cancel_held", "channel_account", 0, NULL, out));
	}
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE) {
		answer_flash(cx, call, arena_printf(cx->arena, "/channels/%s", name),
			     arena_printf(cx->arena,
					  words_plural(cx->lang, done, N_("%lld message was cancelled."),
						       N_("%lld messages were cancelled.")),
					  (long long)done));
		return RC_OK;
	}
	out = value_map(cx->arena);
	value_set_int(cx->arena, out, "cancelled", done);
	answer_json(cx, call, 200, out);
	return RC_OK;
}
