/*
** halt.c -- the kill switch: one word of the house that nothing leaves, on any channel.
**
** It is there so that nobody gets what he should not get. Alerts (alert.h) go to the addresses that the owner
** himself put into the settings, and one of them says that everything is stopped: they pass, or a house that
** somebody stopped and forgot would be silent about that too.
**
** Owns:   the row outbox.halted of meta; the alert outbox.halted.
** Never:  touches a channel's own state: what was stopped before stays stopped after.
** Holds:  no lane claims anything else while it is on: each turn asks in its own transaction.
*/
#include "outbox/alert.h"

#include <string.h>

#define META_HALTED "outbox.halted"
#define WHY_MAX     200 /* a reason fits on a line */

enum rc outbox_is_halted(struct cx *cx, bool *out, struct value **how)
{
	const char *json = "";
	struct value *v = NULL;
	enum rc rc = meta_get(cx, &json, META_HALTED);

	if (rc != RC_OK) return rc;
	*out = json[0] != '\0';
	if (how == NULL) return RC_OK;
	*how = value_map(cx->arena);
	if (*out && json_parse(cx->arena, &v, NULL, json, strlen(json)) == RC_OK && v->type == VALUE_MAP)
		*how = v;
	return RC_OK;
}

static const char *written(struct cx *cx, const char *why)
{
	struct value *v = value_map(cx->arena);
	struct sb sb;

	value_set_int(cx->arena, v, "at", cx_now(cx));
	value_set_text(cx->arena, v, "by", cx->actor.name != NULL ? cx->actor.name : "");
	value_set_text(cx->arena, v, "why", why);
	sb_init_arena(&sb, cx->arena, 4096);
	json_write(&sb, v);
	return sb_text_of(&sb);
}

static enum rc change(struct cx *cx, bool is_on, const char *why)
{
	struct value *after = value_map(cx->arena);
	int64_t alert = 0;
	enum rc rc = meta_set(cx, META_HALTED, is_on ? written(cx, why) : "");

	value_set_bool(cx->arena, after, "is_halted", is_on);
	if (why[0] != '\0') value_set_text(cx->arena, after, "why", why);
	if (rc == RC_OK) rc = audit_add(cx, is_on ? "stop_all" : "resume_all", "outbox", 0, NULL, after);
	if (rc == RC_OK && is_on)
		rc = alert_add(
			cx, &alert,
			&(struct alert_new){
				.key = "outbox.halted",
				.severity = "urgent",
				.msgid = N_("Everything is stopped: no message leaves on any channel."),
				.subject = why,
				.link = "/channels",
				.remedy = N_(
					"When what was wrong is mended, open Channels and let everything leave again.") });
	if (rc == RC_OK && !is_on) rc = alert_resolve(cx, "outbox.halted");
	if (rc == RC_OK)
		log_event(LOG_WARN, "outbox", is_on ? "halt" : "resume", "by=%s",
			  cx->actor.name ? cx->actor.name : "-");
	tx_wake(cx, WAKE_OUTBOX);
	return rc;
}

enum rc outbox_halt(struct cx *cx, bool is_on, const char *why)
{
	bool is_halted = false;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	if (why == NULL) why = "";
	rc = strlen(why) > WHY_MAX
		     ? cx_fail(cx, RC_BAD_INPUT, _("The reason is longer than %d letters."), WHY_MAX)
		     : RC_OK;
	if (rc == RC_OK) rc = outbox_is_halted(cx, &is_halted, NULL);
	/* Twice the same word: who said it first stays. */
	if (rc == RC_OK && is_halted != is_on) rc = change(cx, is_on, why);
	return tx_end(cx, rc);
}
