/*
** gateway.c -- the page of the WhatsApp gateway: how it is, try it, stop it, release it.
**
** Needs:  outbox.h for state and test; work.h, because a handler never waits for the network.
** Holds:  the test is a job; its page asks again until the job has ended.
*/
#include "desk/inner.h"

#include <string.h>

#define CHANNEL     "whatsapp"
#define TEST_KIND   "desk.channel_test"
#define ASK_AGAIN_S "2" /* a test takes a second or two; the browser asks again after that */

static enum rc test_run(struct cx *cx, struct job *job)
{
	struct value *result = value_map(cx->arena);
	const char *sentence = "";
	enum rc rc = channel_test(cx, CHANNEL, &sentence), saved;

	if (sentence == NULL || sentence[0] == '\0') sentence = cx_sentence(cx, rc);
	value_set_text(cx->arena, result, "sentence", sentence);
	value_set_bool(cx->arena, result, "is_well", rc == RC_OK);
	saved = job_result(cx, job, result);
	job_note(job, sentence);
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

static const struct {
	const char *key, *title;
	bool is_instant;
} facts[] = {
	{ "session", N_("Phone"), false },
	{ "messages_left", N_("Messages left today"), false },
	{ "daily_limit", N_("Messages a day"), false },
	{ "plan", N_("Plan"), false },
	{ "last_accepted_at", N_("Last message accepted"), true },
	{ "last_error", N_("Last error"), false },
	{ "last_error_at", N_("Last error at"), true },
};

static void add_facts(struct cx *cx, const struct value *channel, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "facts");

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		const struct value *v = value_get(channel, facts[i].key);
		const char *text;
		char at[RFC3339_SIZE];
		struct value *out;

		if (v == NULL || v->type == VALUE_NULL) continue;
		if (facts[i].is_instant && v->type == VALUE_INT) {
			if (v->integer == 0) continue;
			instant_text_local(at, v->integer, cx->env->zone);
			text = arena_text(cx->arena, at);
		} else if (v->type == VALUE_INT) {
			text = arena_printf(cx->arena, "%lld", (long long)v->integer);
		} else {
			text = value_text_of(v, "");
			if (strcmp(facts[i].key, "session") == 0)
				text = channel_session_words(cx->lang, text);
		}
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
	value_set_text(cx->arena, page, "test_sentence",
		       value_text_of(value_get(result, "sentence"), _("The test did not end well.")));
	value_set_bool(cx->arena, page, "test_is_well", value_bool_of(value_get(result, "is_well"), false));
}

static const char *state_words(struct cx *cx, const char *state)
{
	if (strcmp(state, "open") == 0) return _("Open: messages leave");
	if (strcmp(state, "waiting") == 0) return _("Waiting");
	if (strcmp(state, "stopped") == 0) return _("Stopped: nothing leaves");
	return state;
}

/* An instant that never was is null for programs, not 1970. */
static void no_epoch(struct value *channel)
{
	for (struct value *v = channel->first; v != NULL; v = v->next) {
		size_t n = strlen(v->key);

		if (n > 3 && strcmp(v->key + n - 3, "_at") == 0 && v->type == VALUE_INT && v->integer == 0)
			v->type = VALUE_NULL;
	}
}

enum rc handle_gateway(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *channel = NULL;
	const char *state, *why;
	enum rc rc = channel_show(cx, &channel, CHANNEL);

	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_JSON) {
		no_epoch(channel);
		shape_json(cx, channel);
		answer_json(cx, call, 200, channel);
		return RC_OK;
	}
	state = value_text_of(value_get(channel, "state"), "");
	why = value_text_of(value_get(channel, "why"), "");
	value_set_text(cx->arena, page, "mark", mark_of(state));
	value_set_text(cx->arena, page, "state_title", state_words(cx, state));
	value_set_text(cx->arena, page, "why",
		       words_get(cx->lang, value_text_of(value_get(channel, "why_text"), why)));
	value_set_text(cx->arena, page, "detail", value_text_of(value_get(channel, "detail"), ""));
	value_set_bool(cx->arena, page, "is_stopped", strcmp(state, "stopped") == 0);
	/* The stand-in of offline mode needs no key. */
	value_set_bool(cx->arena, page, "key_is_missing",
		       !cx->env->is_offline && !value_bool_of(value_get(channel, "key_is_set"), true));
	value_set_bool(cx->arena, page, "may_edit", actor_may(&cx->actor, "gateway.edit"));
	add_facts(cx, channel, page);
	add_test(cx, call, page);
	page_answer(cx, call, "desk/gateway", _("WhatsApp gateway"), page);
	return RC_OK;
}

enum rc handle_gateway_test(struct cx *cx, struct call *call)
{
	struct value *out;
	int64_t id = 0;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = job_add(cx, &id, &(struct job_new){ .kind = TEST_KIND, .slot = TEST_KIND });
	if (rc == RC_CONFLICT) rc = RC_OK; /* one is on its way: its answer is as good */
	rc = tx_end(cx, rc);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE) {
		answer_redirect(cx, call, arena_printf(cx->arena, "/gateway?test=%lld", (long long)id));
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
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = is_open ? channel_open(cx, CHANNEL) : channel_stop(cx, CHANNEL, "person");
	rc = tx_end(cx, rc);
	if (rc != RC_OK) return rc;
	if (call_shape(call) != SHAPE_PAGE) return handle_gateway(cx, call);
	answer_flash(cx, call, "/gateway",
		     is_open ? _("The channel is open: what waits leaves now.")
			     : _("The channel is stopped: nothing leaves until you open it."));
	return RC_OK;
}
