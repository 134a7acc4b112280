/*
** alarm_try.c -- a made-up alert through the real path: does it arrive?
**
** Needs:  the same telling as a real one.
** Holds:  (1) alert, tellings and messages are one transaction; (2) it is resolved as it is raised, so no
** banner stays;
**         (3) it says in its first word that it is a test.
*/
#include "ops/alarm.h"

#include <string.h>

static enum rc revive(struct cx *cx, const struct alarm_road *road)
{
	const char *places[ALARM_PLACES_MAX];
	size_t n = alarm_places(cx, road, places);
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		int64_t id = 0;

		rc = contact_ensure(cx, &id, strcmp(road->name, "email") == 0 ? "email" : "chat", places[i]);
		if (rc == RC_OK) rc = contact_revive(cx, id);
	}
	return rc;
}

static enum rc add_test(struct cx *cx, const struct alarm_rule *rule, struct alarm_said *said)
{
	int64_t id = 0;
	enum rc rc;

	*said = (struct alarm_said){
		.key = rule != NULL ? arena_printf(cx->arena, "test:%s", rule->name) : "test",
		.severity = rule != NULL ? rule->severity : "warning",
		.msgid = rule != NULL ? rule->sample
				      : N_("This is how you are told when something needs attention."),
		.subject = rule != NULL && rule->subject != NULL ? rule->subject : "",
		.link = rule != NULL ? rule->link : "/alerts",
		.remedy = rule != NULL && rule->remedy != NULL ? rule->remedy : "",
		.created_at = cx_now(cx),
		.resolved_at = cx_now(cx),
	};
	rc = alert_add(cx, &id,
		       &(struct alert_new){ .key = said->key,
					    .severity = said->severity,
					    .msgid = said->msgid,
					    .subject = said->subject,
					    .link = said->link,
					    .remedy = said->remedy,
					    .is_test = true });
	said->id = id;
	return rc;
}

enum rc alarms_try(struct cx *cx, const char *rule_name, const char *road_name, int *count)
{
	const struct alarm_rule *rule = rule_name != NULL ? alarm_rule_of(rule_name) : NULL;
	const struct alarm_road *only = road_name != NULL ? alarm_road_find(road_name) : NULL;
	struct alarm_said said = { 0 };
	const char *places[ALARM_PLACES_MAX];
	enum rc rc;

	*count = 0;
	if (rule_name != NULL && (rule == NULL || strcmp(rule->name, rule_name) != 0))
		return cx_fail_field(
			cx, "rule", _("There is no alert called “%s”; recado alerts lists them."), rule_name);
	if (road_name != NULL && only == NULL)
		return cx_fail_field(cx, "road",
				     _("There is no road “%s”: email, slack, discord or telegram."),
				     road_name);
	if (only != NULL && alarm_places(cx, only, places) == 0)
		return cx_fail(cx, RC_CONFLICT,
			       _("%s is not set up: put its address into the settings first."),
			       words_get(cx->lang, only->title));
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = add_test(cx, rule, &said);
	for (const struct alarm_road *r = alarm_roads; r->name != NULL && rc == RC_OK; r++) {
		if (only != NULL && r != only) continue;
		/* A person asks for it: what was dead before may live again. */
		rc = revive(cx, r);
		if (rc == RC_OK) rc = alarm_tell(cx, &said, r, "test", count);
	}
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE alert SET told_at = :now, solved_told_at = :now WHERE id = :id",
			    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", said.id)));
	if (rc == RC_OK && *count == 0)
		rc = cx_fail(
			cx, RC_CONFLICT, "%s",
			_("No road is set up: put a mail address, Slack, Discord or Telegram into the settings first."));
	return tx_end(cx, rc);
}
