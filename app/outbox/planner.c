/*
** planner.c -- the ledger's part of a forecast: stand-ins for what every message needs, and what waits in the
** ledger already.
**
** Owns:   nothing that stays: the stand-ins go with their connection.
** Needs:  a connection of db_open_forecast(), which cannot write the file.
** Never:  copies a table that grows with the business.
** Holds, and why nothing that matters is left out of a stand-in:
**   message, batch  begin empty and are emptied after each run: a planner only adds to them, and what makes a
**                   message unique is its occasion, which names a fact row of the planner's own table;
**   contact         has the newest, so that an id given to a new one is nobody's, and no opt-out (read where
**                   it is) hits the wrong person; a planner brings those that it asks for;
**   channel_account, meta  are copied: a handful of rows.
*/
#include "outbox/planner.h"
#include "web/people.h"

#include <string.h>

enum rc outbox_stand_ins(struct cx *cx)
{
	static const struct stand_in tables[] = {
		{ .table = "batch" },
		{ .table = "message" },
		{ .table = "message_file" },
		{ .table = "contact",
		  .fill = "INSERT INTO temp.contact SELECT * FROM main.contact ORDER BY id DESC LIMIT 1" },
		{ .table = "channel_account",
		  .fill = "INSERT INTO temp.channel_account SELECT * FROM main.channel_account" },
		{ .table = "meta", .fill = "INSERT INTO temp.meta SELECT * FROM main.meta" },
	};
	enum rc rc = RC_OK;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && rc == RC_OK; i++)
		rc = db_stand_in(cx, &tables[i], NO_PARAMS);
	return rc;
}

/* The word temp is written out: on any other connection this fails instead of emptying the ledger. */
enum rc outbox_stand_ins_empty(struct cx *cx)
{
	enum rc rc = db_run(cx, "DELETE FROM temp.message_file", NO_PARAMS);

	if (rc == RC_OK) rc = db_run(cx, "DELETE FROM temp.message", NO_PARAMS);
	return rc == RC_OK ? db_run(cx, "DELETE FROM temp.batch", NO_PARAMS) : rc;
}

/* What waits already */

static const struct planner_word kinds[] = { { "waiting", N_("Waiting to leave") }, { NULL, NULL } };
static const struct planner_word skips[] = { { NULL, NULL } };

static enum rc plan_nothing(struct cx *cx, day on, planned_fn *to, void *arg)
{
	(void)cx;
	(void)on;
	(void)to;
	(void)arg;
	return RC_OK;
}

static enum rc tell_waiting(struct cx *cx, int64_t *place, planned_fn *to, void *arg)
{
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q,
			      "SELECT id, not_before_at FROM main.message INDEXED BY message_queued"
			      " WHERE state = 'queued' AND expires_at > max(not_before_at, :now)"
			      " ORDER BY not_before_at, id",
			      PARAMS(P_INT(":now", cx_now(cx))));

	(void)place;
	while (rc == RC_OK && query_next(q))
		rc = to(arg, &(struct planned){ .subject_id = query_int(q, 0),
						.kind = "waiting",
						.skip = "",
						.at = query_int(q, 1) });
	return query_end(q, rc);
}

static enum rc show_waiting(struct cx *cx, struct planned_shown *line)
{
	struct value *row = NULL, *variables = NULL;
	const char *json, *body;
	enum rc rc = db_row(
		cx, &row,
		"SELECT m.public_id, m.topic, coalesce(m.body, l.subject, CASE WHEN l.batch_id IS NOT NULL THEN '' END) AS body,"
		" m.template_version_id, m.variables_json, k.address FROM message m JOIN contact k ON k.id = m.contact_id"
		" LEFT JOIN letter l ON l.batch_id = m.batch_id WHERE m.id = :id",
		PARAMS(P_INT(":id", line->subject_id)));

	if (rc != RC_OK) return rc == RC_NOT_FOUND ? RC_OK : rc;
	line->address = value_text_of(value_get(row, "address"), "");
	line->who = line->address;
	line->href = arena_printf(cx->arena, "/outbox/%s", value_text_of(value_get(row, "public_id"), ""));
	if (!line->wants_text) return RC_OK;
	body = value_text_of(value_get(row, "body"), NULL);
	line->text = body != NULL ? body : "";
	json = value_text_of(value_get(row, "variables_json"), "{}");
	if (body == NULL) rc = json_parse(cx->arena, &variables, NULL, json, strlen(json));
	if (body == NULL && rc == RC_OK)
		rc = template_render_version(
			cx, &line->text, value_int_of(value_get(row, "template_version_id"), 0), variables);
	return rc;
}

const struct planner outbox_waiting = {
	.name = "",
	.title = N_("Messages that wait already"),
	.kinds = kinds,
	.skips = skips,
	.right = "outbox.view",
	.right_all = "outbox.all",
	.own = "SELECT id FROM message WHERE state = 'queued' AND created_by IN " NAMES_OF_ACTOR,
	.find = "SELECT m.id FROM message m JOIN contact k ON k.id = m.contact_id WHERE m.state = 'queued'"
		" AND instr(k.address, :words) > 0",
	.list = "outbox",
	.plan = plan_nothing,
	.tell = tell_waiting,
	.show = show_waiting,
};
