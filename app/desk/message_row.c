/*
** message_row.c -- one message of the outbox read with everything the pages tell about it, and why it has not
** left yet.
**
** Needs:  outbox.h for the channels.
** Never:  writes.
** Holds:  what a queued message waits for is told in the order in which the engine asks: everything stopped,
**         the batch, the channel, the hour, its own time, the message before it.
*/
#include "desk/outbox_pages.h"

#include "outbox/channel.h"
#include "outbox/window.h"
#include <string.h>

static const char message_sql[] =
	"SELECT m.id, m.batch_id, m.channel_account_id, m.contact_id, coalesce(m.replaces_id, 0),"
	" coalesce(m.template_version_id, 0), m.created_at, m.not_before_at, m.expires_at, coalesce(m.claimed_at, 0),"
	" coalesce(m.sent_at, 0), coalesce(m.delivered_at, 0), coalesce(m.read_at, 0), coalesce(m.failed_at, 0),"
	" m.attempts, m.turn, m.ignores_window, m.is_late_failure, m.public_id, m.state, m.state_why, m.error, m.topic,"
	" m.occasion, m.created_by, coalesce(m.provider_id, ''), coalesce(m.provider_key, ''), coalesce(m.body, ''),"
	" coalesce(m.subject, ''), coalesce(m.html, ''), coalesce(m.variables_json, ''), a.name, a.kind, a.state,"
	" c.address, c.kind, c.public_id, c.dead_reason, b.public_id, b.title, b.kind, b.state, b.origin, b.local_on"
	" FROM message m CROSS JOIN channel_account a ON a.id = m.channel_account_id"
	" CROSS JOIN contact c ON c.id = m.contact_id CROSS JOIN batch b ON b.id = m.batch_id WHERE m.id = :id";

enum rc message_read(struct cx *cx, struct message_row *out, int64_t id)
{
	struct query *q = NULL;
	bool is_there = false;
	enum rc rc = db_query(cx, &q, message_sql, PARAMS(P_INT(":id", id)));

	if (rc == RC_OK && query_next(q)) {
		const char **texts[] = {
			&out->public_id,
			&out->state,
			&out->why,
			&out->error,
			&out->topic,
			&out->occasion,
			&out->created_by,
			&out->provider_id,
			&out->provider_key,
			&out->body,
			&out->subject,
			&out->html,
			&out->variables_json,
			&out->channel,
			&out->gateway,
			&out->channel_state,
			&out->address,
			&out->contact_kind,
			&out->contact_public_id,
			&out->dead_reason,
			&out->batch_public_id,
			&out->batch_title,
			&out->batch_kind,
			&out->batch_state,
			&out->batch_origin,
			&out->batch_on,
		};
		int64_t *numbers[] = {
			&out->id,          &out->batch_id,   &out->account_id, &out->contact_id,
			&out->replaces_id, &out->version_id, &out->created_at, &out->not_before_at,
			&out->expires_at,  &out->claimed_at, &out->sent_at,    &out->delivered_at,
			&out->read_at,     &out->failed_at,  &out->attempts,   &out->turn,
		};
		int n = (int)(sizeof(numbers) / sizeof(numbers[0]));

		is_there = true;
		for (int i = 0; i < n; i++)
			*numbers[i] = query_int(q, i);
		out->ignores_window = query_int(q, n) != 0;
		out->is_late = query_int(q, n + 1) != 0;
		for (int i = 0; i < (int)(sizeof(texts) / sizeof(texts[0])); i++)
			*texts[i] = query_copy(cx, q, n + 2 + i);
	}
	rc = query_end(q, rc);
	return rc == RC_OK && !is_there ? RC_NOT_FOUND : rc;
}

const char *message_text(struct cx *cx, const struct message_row *m)
{
	struct value *variables = NULL;
	const char *before = cx->message, *rendered = "";

	if (m->body[0] != '\0' || m->version_id == 0) return m->body;
	if (json_parse(cx->arena, &variables, NULL, m->variables_json, strlen(m->variables_json)) == RC_OK &&
	    template_render_version(cx, &rendered, m->version_id, variables) == RC_OK)
		return rendered;
	cx->message = before; /* emptied, or not to be made: the page says so */
	return "";
}

void contact_of_list(struct cx *cx, const char *address, const char **href, const char **name)
{
	const char *before = cx->message;
	const struct office *o = NULL;
	struct value *row = NULL;
	int64_t id = 0;

	*href = *name = NULL;
	if (office_contact_row(cx, &o, &id, address) == RC_OK &&
	    row_of(cx, o, id, SELECT_NAME, false, &row) == RC_OK) {
		*href = row_path(cx, o, row);
		*name = row_name(cx, o, row);
	}
	cx->message = before;
}

/* What it waits for */

static void wait_is(struct waiting *out, const char *rule, const char *words, const char *href, instant until)
{
	*out = (struct waiting){ .rule = rule, .words = words, .href = href, .until_at = until };
}

static const char *until_words(struct cx *cx, const char *words, instant until)
{
	return until > cx_now(cx)
		       ? arena_printf(cx->arena, _("%s Until %s."), words, instant_minutes(cx, until))
		       : words;
}

const char *halt_words(struct cx *cx, const struct value *how)
{
	const char *why = value_text_of(value_get(how, "why"), "");

	return arena_printf(cx->arena,
			    why[0] != '\0' ? _("Everything is stopped since %s by %s: %s")
					   : _("Everything is stopped since %s by %s.%s"),
			    instant_minutes(cx, value_int_of(value_get(how, "at"), 0)),
			    value_text_of(value_get(how, "by"), ""), why);
}

static enum rc halt_waits(struct cx *cx, struct waiting *out)
{
	struct value *how = NULL;
	bool is_halted = false;
	enum rc rc = outbox_is_halted(cx, &is_halted, &how);

	if (rc == RC_OK && is_halted) wait_is(out, "halted", halt_words(cx, how), "/channels", 0);
	return rc;
}

static enum rc channel_waits(struct cx *cx, struct waiting *out, const struct message_row *m)
{
	const char *href = arena_printf(cx->arena, "/channels/%s", m->channel), *why;
	struct value *card = NULL;
	instant until;
	enum rc rc;

	if (strcmp(m->channel_state, "open") == 0) return RC_OK;
	rc = channel_show(cx, &card, m->channel);
	if (rc != RC_OK) return rc;
	why = value_text_of(value_get(card, "why_text"), "");
	until = value_int_of(value_get(card, "until_at"), 0);
	if (strcmp(m->channel_state, "stopped") == 0)
		wait_is(out, "channel_stopped",
			arena_printf(cx->arena, _("The channel %s is stopped. %s"),
				     channel_words(cx, m->channel), why),
			href, 0);
	else
		wait_is(out, "channel_waiting",
			until_words(cx,
				    arena_printf(cx->arena, _("The channel %s waits. %s"),
						 channel_words(cx, m->channel), why),
				    until),
			href, until);
	return RC_OK;
}

static void window_waits(struct cx *cx, struct waiting *out, const struct message_row *m)
{
	const struct channel *channel = channel_find(m->channel);
	int64_t from = setting_int(cx->env->settings, "outbox.window_from");
	int64_t to = setting_int(cx->env->settings, "outbox.window_to");
	struct civil c = zone_civil(cx->env->zone, cx_now(cx));
	instant next;

	if (m->ignores_window || (channel != NULL && !channel->is_for_people)) return;
	if (window_is_open(cx->env->zone, cx_now(cx), from, to)) return;
	if (c.hour * 60 + c.minute >= from) c.day++;
	c = (struct civil){ .day = c.day, .hour = (int)(from / 60), .minute = (int)(from % 60) };
	next = zone_instant(cx->env->zone, c);
	wait_is(out, "quiet_hours",
		arena_printf(cx->arena,
			     _("Messages leave from %02d:%02d to %02d:%02d only. The next time is %s."),
			     (int)(from / 60), (int)(from % 60), (int)(to / 60), (int)(to % 60),
			     instant_minutes(cx, next)),
		NULL, next);
}

static enum rc turn_waits(struct cx *cx, struct waiting *out, const struct message_row *m)
{
	const char *before = NULL;
	int64_t n = 0;
	enum rc rc;

	if (m->not_before_at > cx_now(cx)) {
		wait_is(out, "not_before",
			arena_printf(cx->arena,
				     m->attempts > 0 ? _("It is tried again at %s. %s")
						     : _("It is not to leave before %s. %s"),
				     instant_minutes(cx, m->not_before_at),
				     m->attempts > 0 ? message_why_words(cx, m->state, m->why) : ""),
			NULL, m->not_before_at);
		return RC_OK;
	}
	rc = db_get_text(
		cx, &before,
		"SELECT public_id FROM message WHERE contact_id = :contact AND id <> :id AND channel_account_id = :account"
		" AND (state = 'sending' OR state = 'queued' AND (priority, id) <"
		" (SELECT n.priority, n.id FROM message n WHERE n.id = :id)) ORDER BY state = 'sending' DESC, priority, id LIMIT 1",
		PARAMS(P_INT(":contact", m->contact_id), P_INT(":id", m->id),
		       P_INT(":account", m->account_id)));
	if (rc == RC_OK)
		wait_is(out, "behind",
			_("Another message to the same person is before it: one at a time, in their order."),
			arena_printf(cx->arena, "/outbox/%s", before), 0);
	if (rc != RC_NOT_FOUND) return rc;
	rc = db_get_int(
		cx, &n,
		"SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_queue WHERE channel_account_id = :account"
		" AND ignores_window IN (0, 1) AND state = 'queued' AND turn = 1 AND (priority, id) <"
		" (SELECT n.priority, n.id FROM message n WHERE n.id = :id) LIMIT 10000)",
		PARAMS(P_INT(":account", m->account_id), P_INT(":id", m->id)));
	if (rc == RC_OK)
		wait_is(out, "in_line",
			n == 0 ? _("It is the next one to leave.")
			       : arena_printf(cx->arena,
					      words_plural(cx->lang, n,
							   N_("%lld message is in line before it."),
							   N_("%lld messages are in line before it.")),
					      (long long)n),
			NULL, 0);
	return rc;
}

enum rc message_waits(struct cx *cx, struct waiting *out, const struct message_row *m)
{
	enum rc rc;

	*out = (struct waiting){ .rule = "", .words = "" };
	if (strcmp(m->state, "queued") != 0) return RC_OK;
	rc = halt_waits(cx, out);
	if (rc != RC_OK || out->rule[0] != '\0') return rc;
	if (strcmp(m->batch_state, "paused") == 0) {
		wait_is(out, "batch_paused", _("Its batch is paused by a person."),
			arena_printf(cx->arena, "/batches/%s", m->batch_public_id), 0);
		return RC_OK;
	}
	rc = channel_waits(cx, out, m);
	if (rc == RC_OK && out->rule[0] == '\0') window_waits(cx, out, m);
	return rc == RC_OK && out->rule[0] == '\0' ? turn_waits(cx, out, m) : rc;
}
