/*
** message_page.c -- the story of one message: made, waited, tried, told about later, decided, replaced; and
** its text as it left.
**
** Needs:  message_row.c, message_words.c.
** Never:  writes.
** Holds:  (1) the story is in the order of time, what is still to come last; (2) what the attempts tell is
**         told once: the message's own dates speak only where its evidence was emptied.
*/
#include "desk/outbox_pages.h"

#include "outbox/channel.h"
#include "outbox/window.h"
#include <string.h>

#define ATTEMPTS_SHOWN 100 /* a message has a handful; a broken provider repeats events     */
#define EVENTS_MAX     (ATTEMPTS_SHOWN + 16)
#define CHAIN_MAX      20 /* a message sent again twenty times is a person's mistake       */
#define AUDIT_SHOWN    20
#define FILES_SHOWN    10              /* MESSAGE_FILES_MAX                                             */
#define SAME_STEP_MS   (5 * SECOND_MS) /* between an attempt row and the history of the same transaction */
#define LONG_WAIT_MS   (2 * MINUTE_MS) /* in line for less is not worth a line of the story            */
/* the last ones: about three milliseconds; of older messages the batch tells enough */
#define JOBS_LOOKED_AT 3000 /* the last ones, about 3 ms; older messages name their batch only        */

struct event {
	instant at;
	const char *mark, *title, *detail, *by, *href;
	bool is_future;
};
struct story {
	struct cx *cx;
	const struct message_row *m;
	struct event at[EVENTS_MAX];
	size_t count;
	bool has_sent, has_delivered, has_read, has_person;
};

static void tell(struct story *s, const struct event *e)
{
	size_t i = s->count;

	if (s->count == EVENTS_MAX) return;
	/* By time; what has the same instant stays in the order in which it was told. */
	for (; i > 0 && (s->at[i - 1].is_future > e->is_future ||
			 (s->at[i - 1].is_future == e->is_future && s->at[i - 1].at > e->at));
	     i--)
		s->at[i] = s->at[i - 1];
	s->at[i] = *e;
	s->count++;
}

/* How it began */

const char *who_shown(struct cx *cx, const char *by)
{
	if (strcmp(by, "command") == 0) return _("Command line");
	return by[0] == '\0' || strcmp(by, "system") == 0 ? _("Recado by itself") : by;
}

static void tell_birth(struct story *s)
{
	struct cx *cx = s->cx;
	const struct message_row *m = s->m;
	const char *title = batch_words(cx, m->batch_title, m->batch_kind);
	const struct channel *channel = channel_find(m->channel);
	int64_t from = setting_int(cx->env->settings, "outbox.window_from");
	int64_t to = setting_int(cx->env->settings, "outbox.window_to");

	tell(s, &(struct event){
			.at = m->created_at,
			.mark = "info",
			.title = m->replaces_id != 0 ? _("Made, to be sent again in the place of another")
						     : _("Made"),
			.detail = m->batch_origin[0] != '\0' ? arena_printf(cx->arena, "%s · %s", title,
									    origin_words(cx, m->batch_origin))
							     : title,
			.by = who_shown(cx, m->created_by),
			.href = arena_printf(cx->arena, "/batches/%s", m->batch_public_id) });
	if (m->not_before_at > m->created_at && m->attempts == 0)
		tell(s, &(struct event){ .at = m->created_at,
					 .mark = "quiet",
					 .title = _("Not to leave before"),
					 .detail = moment_shown(cx, m->not_before_at) });
	if (!m->ignores_window && (channel == NULL || channel->is_for_people) &&
	    !window_is_open(cx->env->zone, m->created_at, from, to))
		tell(s, &(struct event){ .at = m->created_at,
					 .mark = "quiet",
					 .title = _("Made outside the hours in which messages leave"),
					 .detail = arena_printf(cx->arena, "%02d:%02d – %02d:%02d",
								(int)(from / 60), (int)(from % 60),
								(int)(to / 60), (int)(to % 60)) });
	if (m->claimed_at - m->created_at >= LONG_WAIT_MS && m->attempts <= 1)
		tell(s, &(struct event){
				.at = m->claimed_at,
				.mark = "quiet",
				.title = _("Its turn"),
				.detail = arena_printf(cx->arena, _("after %s in line"),
						       duration_shown(cx, m->claimed_at - m->created_at)) });
}

/* What happened to it */

static const char *attempt_detail(struct story *s, const struct value *v, bool is_last_send)
{
	struct cx *cx = s->cx;
	const char *detail = value_text_of(value_get(v, "detail"), "");
	int64_t http = value_int_of(value_get(v, "http"), 0), at = value_int_of(value_get(v, "at"), 0);
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 4096);
	if (http != 0) sb_text(&sb, arena_printf(cx->arena, _("answer %lld"), (long long)http));
	if (is_last_send && s->m->claimed_at > 0 && at >= s->m->claimed_at) {
		if (sb.len > 0) sb_lit(&sb, " · ");
		sb_text(&sb,
			arena_printf(cx->arena, _("after %s"), duration_shown(cx, at - s->m->claimed_at)));
	}
	/* Codes and whole sentences alike stand there. */
	if (detail[0] != '\0' && strcmp(detail, "person") != 0) {
		if (sb.len > 0) sb_lit(&sb, " · ");
		sb_text(&sb, words_get(cx->lang, message_why_words(cx, s->m->state, detail)));
	}
	return sb_text_of(&sb);
}

static const char *person_at(const struct value *audit, instant at)
{
	for (const struct value *v = audit->first; v != NULL; v = v->next) {
		int64_t then = value_int_of(value_get(v, "at"), 0);

		if (then >= at - SAME_STEP_MS && then <= at + SAME_STEP_MS)
			return value_text_of(value_get(v, "actor"), "");
	}
	return NULL;
}

static enum rc tell_attempts(struct story *s)
{
	struct cx *cx = s->cx;
	struct value *rows = NULL, *audit = NULL;
	const struct value *last_send = NULL;
	enum rc rc = db_rows(
		cx, &rows, ATTEMPTS_SHOWN,
		"SELECT at, kind, http, outcome, detail FROM attempt WHERE message_id = :id ORDER BY id LIMIT :max",
		PARAMS(P_INT(":id", s->m->id), P_INT(":max", ATTEMPTS_SHOWN)));

	if (rc == RC_OK)
		rc = db_rows(
			cx, &audit, AUDIT_SHOWN,
			"SELECT at, actor FROM audit WHERE table_name = 'message' AND row_id = :id ORDER BY id LIMIT :max",
			PARAMS(P_INT(":id", s->m->id), P_INT(":max", AUDIT_SHOWN)));
	if (rc != RC_OK) return rc;
	for (const struct value *v = rows->first; v != NULL; v = v->next)
		if (strcmp(value_text_of(value_get(v, "kind"), ""), "send") == 0) last_send = v;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		const char *kind = value_text_of(value_get(v, "kind"), "");
		const char *outcome = value_text_of(value_get(v, "outcome"), "");
		instant at = value_int_of(value_get(v, "at"), 0);
		bool is_person = strcmp(kind, "person") == 0;

		tell(s, &(struct event){ .at = at,
					 .mark = attempt_mark(kind, outcome),
					 .title = attempt_words(cx, kind, outcome),
					 .detail = attempt_detail(s, v, v == last_send),
					 .by = is_person ? person_at(audit, at) : NULL });
		s->has_sent = s->has_sent || strcmp(outcome, "sent") == 0;
		s->has_delivered = s->has_delivered || strcmp(outcome, "delivered") == 0;
		s->has_read = s->has_read || strcmp(outcome, "read") == 0;
		s->has_person = s->has_person || is_person;
	}
	return RC_OK;
}

/* The message's own dates, where the evidence was emptied or never was. */
static void tell_dates(struct story *s)
{
	struct cx *cx = s->cx;
	const struct message_row *m = s->m;

	if (m->sent_at != 0 && !s->has_sent)
		tell(s, &(struct event){ .at = m->sent_at,
					 .mark = "ok",
					 .title = message_state_words(cx, "sent", false) });
	if (m->delivered_at != 0 && !s->has_delivered)
		tell(s, &(struct event){ .at = m->delivered_at,
					 .mark = "ok",
					 .title = message_state_words(cx, "delivered", false) });
	if (m->read_at != 0 && !s->has_read)
		tell(s, &(struct event){ .at = m->read_at,
					 .mark = "ok",
					 .title = message_state_words(cx, "read", false) });
}

/* Cancelled with its batch: the batch's history knows when and by whom. */
static enum rc tell_end(struct story *s)
{
	struct cx *cx = s->cx;
	const struct message_row *m = s->m;
	struct value *row = NULL;
	struct waiting w;
	bool is_cancelled = strcmp(m->state, "cancelled") == 0;
	struct event e = { .at = m->expires_at,
			   .mark = "warn",
			   .title = message_state_words(cx, m->state, false) };
	enum rc rc = RC_OK;

	if (strcmp(m->state, "queued") == 0) {
		rc = message_waits(cx, &w, m);
		if (rc != RC_OK) return rc;
		tell(s, &(struct event){ .at = cx_now(cx),
					 .mark = "info",
					 .title = _("Now: it waits"),
					 .detail = w.words,
					 .href = w.href });
		tell(s, &(struct event){ .at = m->expires_at,
					 .mark = "quiet",
					 .title = _("After this it is not sent any more"),
					 .is_future = true });
		return RC_OK;
	}
	e.detail = message_why_words(cx, m->state, m->why);
	if (is_cancelled && strcmp(m->why, "batch") == 0) {
		rc = db_row(
			cx, &row,
			"SELECT at, actor FROM audit WHERE table_name = 'batch' AND row_id = :id AND action = 'cancelled'"
			" ORDER BY id DESC LIMIT 1",
			PARAMS(P_INT(":id", m->batch_id)));
		if (rc == RC_OK) {
			e.at = value_int_of(value_get(row, "at"), 0);
			e.by = value_text_of(value_get(row, "actor"), "");
		}
		rc = rc == RC_NOT_FOUND ? RC_OK : rc;
	} else if (is_cancelled || strcmp(m->state, "skipped") == 0) {
		e.at = 0; /* nobody wrote down when; between its making and its last day */
	} else if (strcmp(m->state, "expired") != 0) {
		return RC_OK;
	}
	if (rc != RC_OK || (is_cancelled && s->has_person)) return rc;
	if (e.at == 0) {
		e.at = s->count > 0 ? s->at[s->count - 1].at : m->created_at;
		e.mark = "quiet";
	}
	tell(s, &e);
	return RC_OK;
}

/* Sent again as another one. */
static enum rc tell_replacement(struct story *s)
{
	struct cx *cx = s->cx;
	struct value *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT public_id, created_at, created_by FROM message WHERE replaces_id = :id ORDER BY id LIMIT 1",
		PARAMS(P_INT(":id", s->m->id)));

	if (rc == RC_NOT_FOUND) return RC_OK;
	if (rc != RC_OK) return rc;
	tell(s, &(struct event){ .at = value_int_of(value_get(row, "created_at"), 0),
				 .mark = "info",
				 .title = _("Replaced by a new message"),
				 .by = who_shown(cx, value_text_of(value_get(row, "created_by"), "")),
				 .href = arena_printf(cx->arena, "/outbox/%s",
						      value_text_of(value_get(row, "public_id"), "")) });
	return RC_OK;
}

enum rc message_story(struct cx *cx, struct call *call, const struct message_row *m, struct value *list)
{
	struct story *s = arena_alloc(cx->arena, sizeof(*s));
	enum rc rc;

	if (s == NULL) return RC_NO_MEMORY;
	s->cx = cx;
	s->m = m;
	tell_birth(s);
	rc = tell_attempts(s);
	if (rc == RC_OK) tell_dates(s);
	if (rc == RC_OK) rc = tell_end(s);
	if (rc == RC_OK) rc = tell_replacement(s);
	for (size_t i = 0; i < s->count && rc == RC_OK; i++) {
		struct value *out = value_add_map(cx->arena, list);
		const struct event *e = &s->at[i];

		set_moment(cx, call, out, "at", e->at);
		value_set_text(cx->arena, out, "mark", e->mark);
		value_set_text(cx->arena, out, "event", e->title);
		value_set_text(cx->arena, out, "detail", e->detail != NULL ? e->detail : "");
		value_set_text(cx->arena, out, "by", e->by);
		value_set_text(cx->arena, out, "href", e->href);
		value_set_bool(cx->arena, out, "is_future", e->is_future);
	}
	return rc;
}

/* The chain of those that took each other's place, the first one first. */
static enum rc fill_chain(struct cx *cx, const struct message_row *m, struct value *page)
{
	struct value *list = value_set_list(cx->arena, page, "chain");
	int64_t id = m->id, before = m->replaces_id;
	enum rc rc = RC_OK;

	for (int i = 0; i < CHAIN_MAX && before != 0 && rc == RC_OK; i++) {
		id = before;
		rc = db_get_int(cx, &before, "SELECT coalesce(replaces_id, 0) FROM message WHERE id = :id",
				PARAMS(P_INT(":id", id)));
	}
	for (int i = 0; i < 2 * CHAIN_MAX && rc == RC_OK; i++) {
		struct value *row = NULL, *out;

		rc = db_row(
			cx, &row,
			"SELECT public_id, state, is_late_failure, created_at, (SELECT min(x.id) FROM message x WHERE"
			" x.replaces_id = m.id) AS next FROM message m WHERE m.id = :id",
			PARAMS(P_INT(":id", id)));
		if (rc != RC_OK) break;
		out = value_add_map(cx->arena, list);
		value_set_text(cx->arena, out, "href",
			       arena_printf(cx->arena, "/outbox/%s",
					    value_text_of(value_get(row, "public_id"), "")));
		value_set_text(cx->arena, out, "at",
			       moment_shown(cx, value_int_of(value_get(row, "created_at"), 0)));
		value_set_text(cx->arena, out, "mark", mark_of(value_text_of(value_get(row, "state"), "")));
		value_set_text(cx->arena, out, "state_title",
			       message_state_words(cx, value_text_of(value_get(row, "state"), ""),
						   value_int_of(value_get(row, "is_late_failure"), 0) != 0));
		value_set_bool(cx->arena, out, "is_this", id == m->id);
		id = value_int_of(value_get(row, "next"), 0);
		if (id == 0) break;
	}
	value_set_bool(cx->arena, page, "has_chain", list->count > 1);
	return rc;
}

static const char *size_shown(struct cx *cx, int64_t bytes)
{
	if (bytes < 1024 * 1024)
		return arena_printf(cx->arena, "%lld kB", (long long)((bytes + 1023) / 1024));
	return arena_printf(cx->arena, "%lld MB", (long long)(bytes / 1024 / 1024));
}

/* A mail whose text the provider has: kept of it are its variables, which people read as lines. */
static const char *variable_lines(struct cx *cx, const char *text)
{
	struct value *map = NULL;
	struct sb sb;

	if (text[0] != '{' || json_parse(cx->arena, &map, NULL, text, strlen(text)) != RC_OK ||
	    map->type != VALUE_MAP)
		return text;
	sb_init_arena(&sb, cx->arena, strlen(text) + 64);
	for (const struct value *v = map->first; v != NULL; v = v->next)
		sb_printf(&sb, "%s%s: %s", sb.len > 0 ? "\n" : "", v->key, value_text_of(v, ""));
	return sb_result(&sb) == RC_OK ? sb_text_of(&sb) : text;
}

static enum rc fill_text(struct cx *cx, const struct message_row *m, struct value *page)
{
	struct value *rows = NULL, *list = value_set_list(cx->arena, page, "attachments");
	struct letter_shown letter = { "", "", "" };
	const char *text = message_text(cx, m), *subject = m->subject, *html = m->html;
	bool has_letter = text[0] == '\0' && letter_show(cx, &letter, m->id) == RC_OK;
	enum rc rc = db_rows(cx, &rows, FILES_SHOWN,
			     "SELECT f.name, f.size FROM message_file x JOIN file f ON f.id = x.file_id"
			     " WHERE x.message_id = :id ORDER BY x.position",
			     PARAMS(P_INT(":id", m->id)));

	if (has_letter) {
		text = letter.text;
		subject = letter.subject;
		html = letter.html;
	}
	value_set_text(cx->arena, page, "body",
		       strcmp(m->channel, "doppler") == 0 ? variable_lines(cx, text) : text);
	value_set_bool(cx->arena, page, "is_emptied", text[0] == '\0' && html[0] == '\0');
	value_set_text(cx->arena, page, "subject", subject);
	value_set_text(cx->arena, page, "html_source", html);
	if (rc != RC_OK) return rc;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		struct value *out = value_add_map(cx->arena, list);

		value_set_text(cx->arena, out, "name", value_text_of(value_get(v, "name"), ""));
		value_set_text(cx->arena, out, "size", size_shown(cx, value_int_of(value_get(v, "size"), 0)));
	}
	value_set_bool(cx->arena, page, "has_attachments", list->count > 0);
	return RC_OK;
}

/* The work that planned its batch: it noted the batch as its result. */
static enum rc fill_job(struct cx *cx, const struct message_row *m, struct value *page)
{
	struct value *row = NULL;
	enum rc rc;

	if (!actor_may(&cx->actor, "jobs.view")) return RC_OK;
	rc = db_row(
		cx, &row,
		"SELECT id FROM (SELECT id, result_json FROM job INDEXED BY job_shown WHERE kind <> 'outbox.inbound'"
		" ORDER BY id DESC LIMIT :max) WHERE result_json = :result LIMIT 1",
		PARAMS(P_INT(":max", JOBS_LOOKED_AT),
		       P_TEXT(":result",
			      arena_printf(cx->arena, "{\"batch_id\":%lld}", (long long)m->batch_id))));
	if (rc == RC_OK)
		value_set_text(cx->arena, page, "job",
			       arena_printf(cx->arena, "/jobs/%lld",
					    (long long)value_int_of(value_get(row, "id"), 0)));
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static void fill_person(struct cx *cx, const struct message_row *m, struct value *page)
{
	const char *href, *name;

	contact_of_list(cx, m->address, &href, &name);
	value_set_text(cx->arena, page, "person_href", href);
	value_set_text(cx->arena, page, "person_name", name);
	value_set_text(cx->arena, page, "why_href", arena_printf(cx->arena, "/why/%s", m->contact_public_id));
	if (actor_may(&cx->actor, "inbox.view"))
		value_set_text(cx->arena, page, "thread_href",
			       arena_printf(cx->arena, "/inbox/%s", m->contact_public_id));
	value_set_text(cx->arena, page, "batch_href",
		       arena_printf(cx->arena, "/batches/%s", m->batch_public_id));
	value_set_bool(cx->arena, page, "is_unsure",
		       strcmp(m->state, "unsure") == 0 && actor_may(&cx->actor, "outbox.edit"));
	value_set_text(cx->arena, page, "reason_now", message_why_words(cx, m->state, m->why));
}

void outbox_show(struct cx *cx, int64_t id, struct value *page)
{
	struct message_row m;
	enum rc rc = message_read(cx, &m, id);

	if (rc == RC_OK) rc = fill_text(cx, &m, page);
	if (rc == RC_OK) rc = message_story(cx, NULL, &m, value_set_list(cx->arena, page, "story"));
	if (rc == RC_OK) rc = fill_chain(cx, &m, page);
	if (rc == RC_OK) rc = fill_job(cx, &m, page);
	if (rc == RC_OK) fill_person(cx, &m, page);
	if (rc != RC_OK)
		log_event(LOG_WARN, "app", "desk.message", "message=%lld rc=%s", (long long)id,
			  rc_row(rc)->name);
}

/* GET /outbox/:id/story: the same for programs; people have it on the message's page. */
enum rc handle_story(struct cx *cx, struct call *call)
{
	const struct office *o = office_find("outbox");
	struct value *out = value_map(cx->arena);
	struct message_row m;
	int64_t id = 0;
	enum rc rc = office_row_id(cx, &id, o, call_param(call, "id"), false);

	if (rc == RC_OK) rc = message_read(cx, &m, id);
	if (rc != RC_OK) return rc;
	if (call_shape(call) == SHAPE_PAGE) {
		answer_redirect(cx, call, arena_printf(cx->arena, "/outbox/%s", m.public_id));
		return RC_OK;
	}
	value_set_text(cx->arena, out, "id", m.public_id);
	value_set_text(cx->arena, out, "state", m.state);
	value_set_text(cx->arena, out, "text", message_text(cx, &m));
	rc = message_story(cx, call, &m, value_set_list(cx->arena, out, "data"));
	if (rc == RC_OK) answer_json(cx, call, 200, out);
	return rc;
}
