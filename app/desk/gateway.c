/*
** gateway.c -- the page of one channel: how it is and why, what waits, what left against its caps; try it,
** pause it, release it. /gateway is the old address of WhatsApp's.
**
** Needs:  outbox.h for state and test; work.h, because a handler never waits for the network.
** Holds:  (1) the test is a job; its page asks again until the job has ended; (2) both addresses are the same
**         page, each leading back to itself.
*/
#include "desk/outbox_pages.h"

#include "base/sentence.h"
#include "outbox/channel.h"
#include <string.h>

#define MAIN_CHANNEL "whatsapp"
#define TEST_KIND    "desk.channel_test"
#define ASK_AGAIN_S  "2" /* a test takes a second or two; the browser asks again after that */

static enum rc test_run(struct cx *cx, struct job *job)
{
	struct value *result = value_map(cx->arena);
	const char *sentence = "",
		   *channel = value_text_of(value_get(job_args(job), "channel"), MAIN_CHANNEL);
	enum rc rc = channel_test(cx, channel, &sentence), saved;

	if (sentence == NULL || sentence[0] == '\0') sentence = cx_sentence_kept(cx, rc);
	sentence = sentence_keep(cx->arena, cx->lang, "%s", sentence);
	value_set_text(cx->arena, result, "sentence", sentence);
	value_set_bool(cx->arena, result, "is_well", rc == RC_OK);
	saved = job_result(cx, job, result);
	job_note(cx, job, "%s", sentence);
	/* The test did its work whatever the gateway said: nothing to try again. */
	return saved;
}

const struct job_kind desk_jobs[] = {
	{ .name = TEST_KIND,
	  .title = N_("Test of the gateway"),
	  .queue = "quick",
	  .attempts_max = 1,
	  .time_limit_s = 60,
	  .delay_s = 10,
	  .run = test_run },
	{ .name = NULL },
};

static const char *name_of(const struct call *call)
{
	const char *name = call_param(call, "name");

	return name[0] != '\0' ? name : MAIN_CHANNEL;
}

static const char *base_of(struct cx *cx, const struct call *call)
{
	const char *name = call_param(call, "name");

	return name[0] != '\0' ? arena_printf(cx->arena, "/channels/%s", name) : "/gateway";
}

/* Facts */

static const struct {
	const char *key, *title;
	bool is_instant;
} facts[] = {
	{ "state_at", N_("Since"), true },
	{ "until_at", N_("Until"), true },
	{ "session", N_("Phone"), false },
	{ "queued", N_("Waiting messages"), false },
	{ "sending", N_("Under way"), false },
	{ "unsure", N_("Unsure"), false },
	{ "used_hour", N_("Left in this hour"), false },
	{ "used_day", N_("Left today"), false },
	{ "used_month", N_("Left in this month"), false },
	{ "messages_left", N_("Messages left today"), false },
	{ "daily_limit", N_("Messages a day"), false },
	{ "plan", N_("Plan"), false },
	{ "last_accepted_at", N_("Last message accepted"), true },
	{ "last_error", N_("Last error"), false },
	{ "last_error_at", N_("Last error at"), true },
};

/* "12", or "12 of 200" where there is a cap. */
static const char *number_shown(struct cx *cx, const struct value *channel, const char *key, int64_t n)
{
	static const char *const caps[][2] = { { "used_hour", "per_hour" },
					       { "used_day", "per_day" },
					       { "used_month", "per_month" } };

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		const struct value *cap =
			strcmp(caps[i][0], key) == 0 ? value_get(channel, caps[i][1]) : NULL;

		if (cap != NULL && cap->type == VALUE_INT)
			return arena_printf(cx->arena, _("%lld of %lld"), (long long)n,
					    (long long)cap->integer);
	}
	return arena_printf(cx->arena, "%lld", (long long)n);
}

static void add_facts(struct cx *cx, const struct value *channel, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "facts");

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		const struct value *v = value_get(channel, facts[i].key);
		const char *text;
		struct value *out;

		if (v == NULL || v->type == VALUE_NULL) continue;
		if (facts[i].is_instant)
			text = moment_shown(cx, value_int_of(v, 0));
		else if (v->type == VALUE_INT)
			text = number_shown(cx, channel, facts[i].key, v->integer);
		else
			text = words_get(cx->lang, value_text_of(v, ""));
		if (strcmp(facts[i].key, "session") == 0) text = channel_session_words(cx->lang, text);
		if (text[0] == '\0') continue;
		out = value_add_map(cx->arena, list);
		value_set_text(cx->arena, out, "title", words_get(cx->lang, facts[i].title));
		value_set_text(cx->arena, out, "text", text);
	}
}

static void add_test(struct cx *cx, struct call *call, struct value *page)
{
	const char *text = call_query(call, "test");
	struct value given = { .type = VALUE_TEXT, .text = text, .len = text != NULL ? strlen(text) : 0 };
	struct value *job = NULL, *result = NULL;
	const char *state, *json;

	if (text == NULL || job_show(cx, &job, value_int_of(&given, 0)) != RC_OK) return;
	if (strcmp(value_text_of(value_get(job, "kind"), TEST_KIND), TEST_KIND) != 0)
		return; /* not ours to tell of */
	state = value_text_of(value_get(job, "state"), "");
	if (strcmp(state, "queued") == 0 || strcmp(state, "running") == 0) {
		value_set_bool(cx->arena, page, "is_testing", true);
		answer_header(call, "Refresh", ASK_AGAIN_S);
		return;
	}
	json = value_text_of(value_get(job, "result_json"), "{}");
	if (json_parse(cx->arena, &result, NULL, json, strlen(json)) != RC_OK) return;
	value_set_text(
		cx->arena, page, "test_sentence",
		job_text(cx, value_text_of(value_get(result, "sentence"), _("The test did not end well."))));
	value_set_bool(cx->arena, page, "test_is_well", value_bool_of(value_get(result, "is_well"), false));
}

const char *channel_state_words(struct cx *cx, const char *state)
{
	if (strcmp(state, "open") == 0) return _("Open: messages leave");
	if (strcmp(state, "waiting") == 0) return _("Waiting");
	if (strcmp(state, "stopped") == 0) return _("Stopped: nothing leaves");
	return state;
}

/* An instant that never was is null for programs, not 1970. */
void no_epoch(struct value *channel)
{
	for (struct value *v = channel->first; v != NULL; v = v->next) {
		size_t n = strlen(v->key);

		if (n > 3 && strcmp(v->key + n - 3, "_at") == 0 && v->type == VALUE_INT && v->integer == 0)
			v->type = VALUE_NULL;
	}
}

/* What the list of channels knows of this one, into its card: its own counts instead of the house's. */
static enum rc add_counts(struct cx *cx, const char *name, struct value *channel)
{
	static const char *const keys[] = { "queued",     "sending",  "unsure",  "used_hour", "used_day",
					    "used_month", "per_hour", "per_day", "per_month" };
	struct value *list = NULL;
	enum rc rc = channels_list(cx, &list);

	for (const struct value *v = rc == RC_OK ? list->first : NULL; v != NULL; v = v->next) {
		if (strcmp(value_text_of(value_get(v, "name"), ""), name) != 0) continue;
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			const struct value *n = value_get(v, keys[i]);
			struct value *there = (struct value *)(uintptr_t)value_get(channel, keys[i]);

			if (n == NULL || n->type != VALUE_INT) continue;
			if (there != NULL)
				there->integer = n->integer;
			else
				value_set_int(cx->arena, channel, keys[i], n->integer);
		}
	}
	return rc;
}

enum rc handle_gateway(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *channel = NULL;
	const char *state, *why, *name = name_of(call);
	bool is_stopped, is_missing;
	enum rc rc = channel_show(cx, &channel, name);

	if (rc == RC_OK) rc = add_counts(cx, name, channel);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_JSON) {
		no_epoch(channel);
		shape_json(cx, channel);
		answer_json(cx, call, 200, channel);
		return RC_OK;
	}
	state = value_text_of(value_get(channel, "state"), "");
	why = value_text_of(value_get(channel, "why"), "");
	is_stopped = strcmp(state, "stopped") == 0;
	trail_add(cx, page, _("Channels"), "/channels");
	value_set_text(cx->arena, page, "base", base_of(cx, call));
	value_set_text(cx->arena, page, "cancel_held",
		       arena_printf(cx->arena, "/channels/%s/cancel-held", name));
	/* The stand-in of offline mode needs no key. */
	is_missing = !cx->env->is_offline && !value_bool_of(value_get(channel, "key_is_set"), true);
	value_set_text(cx->arena, page, "mark", is_missing && !is_stopped ? "quiet" : mark_of(state));
	value_set_text(cx->arena, page, "state_title",
		       is_missing && !is_stopped ? _("Not set up") : channel_state_words(cx, state));
	value_set_text(cx->arena, page, "why",
		       words_get(cx->lang, value_text_of(value_get(channel, "why_text"), why)));
	/* Of a database put back the detail is when it last went on: the sentence says it. */
	if (strcmp(why, "restored") != 0)
		value_set_text(cx->arena, page, "detail", value_text_of(value_get(channel, "detail"), ""));
	value_set_bool(cx->arena, page, "is_stopped", is_stopped);
	value_set_bool(cx->arena, page, "key_is_missing", is_missing);
	if (actor_may(&cx->actor, "settings.edit"))
		value_set_text(cx->arena, page, "settings_href",
			       arena_printf(cx->arena, "/settings/%s", channel_find(name)->settings));
	value_set_bool(cx->arena, page, "is_main", strcmp(name, MAIN_CHANNEL) == 0);
	value_set_bool(cx->arena, page, "may_edit", actor_may(&cx->actor, "gateway.edit"));
	value_set_text(cx->arena, page, "outbox_href", arena_printf(cx->arena, "/outbox?channel=%s", name));
	add_facts(cx, channel, page);
	add_test(cx, call, page);
	if (is_stopped) rc = held_fill(cx, name, page);
	if (rc != RC_OK) return rc;
	page_answer(cx, call, "desk/gateway", channel_words(cx, name), page);
	return RC_OK;
}

enum rc handle_gateway_test(struct cx *cx, struct call *call)
{
	const char *name = name_of(call);
	struct value *out, *args = value_map(cx->arena);
	int64_t id = 0;
	enum rc rc = channel_find(name) != NULL ? tx_begin(cx) : RC_NOT_FOUND;

	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, args, "channel", name);
	rc = job_add(cx, &id,
		     &(struct job_new){ .kind = TEST_KIND,
					.slot = arena_printf(cx->arena, TEST_KIND ":%s", name),
					.args = args });
	if (rc == RC_CONFLICT) rc = RC_OK; /* one is on its way: its answer is as good */
	rc = tx_end(cx, rc);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE) {
		answer_redirect(cx, call,
				arena_printf(cx->arena, "%s?test=%lld", base_of(cx, call), (long long)id));
		return RC_OK;
	}
	out = value_map(cx->arena);
	value_set_int(cx->arena, out, "job", id);
	answer_json(cx, call, 202, out);
	return RC_OK;
}

/* The route's arg says which: "open" or "stop". */
enum rc handle_gateway_state(struct cx *cx, struct call *call)
{
	bool is_open = strcmp(call_arg(call), "open") == 0;
	const char *reason, *name = name_of(call);
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	reason = form_text(call, "reason");
	rc = is_open ? channel_open(cx, name) : channel_pause(cx, name, reason);
	rc = tx_end(cx, rc);
	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) return handle_gateway(cx, call);
	answer_flash(cx, call, base_of(cx, call),
		     is_open ? _("The channel is open: what waits leaves now.")
			     : _("The channel is stopped: nothing leaves until you open it."));
	return RC_OK;
}
