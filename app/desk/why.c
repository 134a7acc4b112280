/*
** why.c -- "Why did Ana not get it?": what the outbox and the modules know of one person, put together.
**
** Owns:   the list of the modules' sources, handed in once at start.
** Needs:  message_row.c for each message.
** Never:  decides anything: each module tells its own rules, by the code that applies them.
** Holds:  (1) a message is told once, by the module that made it or else by the outbox; (2) what stops
**         everything for this person stands above the occasions; (3) nobody is told of messages that he may
**         not see.
*/
#include "desk/outbox_pages.h"

#include "base/phone.h"
#include "base/text.h"
#include "outbox/channel.h"
#include "web/people.h"
#include <stdio.h>
#include <string.h>

#define WHY_DAYS      90
#define OCCASIONS_MAX 300 /* of one person in three months; more is not read by anybody        */
#define OWN_MESSAGES  200 /* newest messages of one person that no module told of              */
#define SEARCH_EACH   10  /* rows of each list that the words mean                             */

struct told {
	struct why_occasion o;
	bool is_future;
};
struct why {
	struct value *rules;
	struct told at[OCCASIONS_MAX];
	size_t count;
};

static const struct reason_source *const *sources;

void desk_reason_sources(const struct reason_source *const *list)
{
	sources = list;
}

const char *reason_word_of(const char *code)
{
	for (size_t i = 0; sources != NULL && sources[i] != NULL; i++)
		for (const struct reason_source *s = sources[i]; s->name != NULL; s++)
			for (const struct reason_word *w = s->words; w != NULL && w->code != NULL; w++)
				if (strcmp(w->code, code) == 0) return w->msgid;
	return NULL;
}

void why_rule(struct cx *cx, struct why *why, const char *rule, const char *words, const char *href)
{
	struct value *out = value_add_map(cx->arena, why->rules);

	value_set_text(cx->arena, out, "rule", rule);
	value_set_text(cx->arena, out, "words", words);
	value_set_text(cx->arena, out, "href", href);
}

void why_occasion(struct cx *cx, struct why *why, const struct why_occasion *o)
{
	size_t i = why->count;

	if (why->count == OCCASIONS_MAX) return;
	/* The last one first; what is to come above what was. */
	for (; i > 0 && why->at[i - 1].o.at < o->at; i--)
		why->at[i] = why->at[i - 1];
	why->at[i] = (struct told){ .o = *o, .is_future = o->at > cx_now(cx) };
	why->count++;
}

/* What the outbox knows */

static const char *opt_out_origin(struct cx *cx, const char *origin)
{
	if (strcmp(origin, "reply") == 0) return _("by writing BAJA");
	if (strcmp(origin, "panel") == 0) return _("noted by a person in the panel");
	return origin;
}

static enum rc tell_opt_outs(struct cx *cx, struct why *why, const struct why_person *p, const char *href)
{
	struct value *rows = NULL;
	int64_t keeper = p->contact_id;
	enum rc rc = contact_keeper(cx, &keeper, false);

	if (rc == RC_OK)
		rc = db_rows(
			cx, &rows, 8,
			"SELECT topic, origin, created_at FROM opt_out WHERE contact_id = :id ORDER BY topic",
			PARAMS(P_INT(":id", keeper)));
	if (rc != RC_OK) return rc;
	for (const struct value *v = rows->first; v != NULL; v = v->next)
		why_rule(cx, why, "opt_out",
			 arena_printf(cx->arena, _("Asked for no more messages of the kind “%s” on %s (%s)."),
				      topic_words(cx, value_text_of(value_get(v, "topic"), "")),
				      instant_minutes(cx, value_int_of(value_get(v, "created_at"), 0)),
				      opt_out_origin(cx, value_text_of(value_get(v, "origin"), ""))),
			 href);
	return RC_OK;
}

static enum rc tell_contact(struct cx *cx, struct why *why, const struct why_person *p,
			    struct why_answer *out)
{
	struct value *row = NULL;
	const char *dead, *href;
	int64_t keeper = p->contact_id;
	enum rc rc;

	if (p->contact_id == 0) return RC_OK;
	rc = contact_keeper(cx, &keeper, false);
	if (rc == RC_OK)
		rc = db_row(
			cx, &row,
			"SELECT c.public_id, d.dead_reason, d.dead_at FROM contact c JOIN contact d ON d.id = :keeper"
			" WHERE c.id = :id",
			PARAMS(P_INT(":keeper", keeper), P_INT(":id", p->contact_id)));
	if (rc != RC_OK) return rc;
	out->contact_public_id = value_text_of(value_get(row, "public_id"), "");
	href = actor_may(&cx->actor, "inbox.view")
		       ? arena_printf(cx->arena, "/inbox/%s", out->contact_public_id)
		       : NULL;
	rc = tell_opt_outs(cx, why, p, href);
	dead = value_text_of(value_get(row, "dead_reason"), "");
	if (rc == RC_OK && dead[0] != '\0')
		why_rule(cx, why, strcmp(dead, "no_whatsapp") == 0 ? "no_whatsapp" : "dead",
			 arena_printf(cx->arena,
				      _("%s Known since %s; a corrected number gets another chance."),
				      message_why_words(cx, "failed", dead),
				      instant_minutes(cx, value_int_of(value_get(row, "dead_at"), 0))),
			 out->href);
	return rc;
}

/* Channels that let nothing leave just now, of those that ever wrote to this person; WhatsApp if none did. */
static enum rc tell_channels(struct cx *cx, struct why *why, const struct why_person *p)
{
	struct value *rows = NULL, *card = NULL, *how = NULL;
	bool is_halted = false;
	enum rc rc = outbox_is_halted(cx, &is_halted, &how);

	if (rc == RC_OK && is_halted)
		why_rule(cx, why, "halted", halt_words(cx, how),
			 actor_may(&cx->actor, "gateway.view") ? "/channels" : NULL);
	if (rc == RC_OK)
		rc = db_rows(
			cx, &rows, 8,
			"SELECT a.name, a.state FROM channel_account a WHERE a.archived_at IS NULL AND a.state <> 'open' AND"
			" (a.name = 'whatsapp' OR EXISTS (SELECT 1 FROM message m WHERE m.contact_id = :id"
			" AND m.channel_account_id = a.id)) ORDER BY a.id",
			PARAMS(P_INT(":id", p->contact_id)));

	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL && rc == RC_OK;
	     v = v->next) {
		const char *name = value_text_of(value_get(v, "name"), "");
		bool is_stopped = strcmp(value_text_of(value_get(v, "state"), ""), "stopped") == 0;

		rc = channel_show(cx, &card, name);
		if (rc != RC_OK) break;
		why_rule(cx, why, is_stopped ? "channel_stopped" : "channel_waiting",
			 arena_printf(cx->arena,
				      is_stopped ? _("The channel %s is stopped. %s")
						 : _("The channel %s waits. %s"),
				      channel_words(cx, name),
				      value_text_of(value_get(card, "why_text"), "")),
			 actor_may(&cx->actor, "gateway.view") ? arena_printf(cx->arena, "/channels/%s", name)
							       : NULL);
	}
	return rc;
}

static bool is_told(const struct why *why, int64_t message)
{
	for (size_t i = 0; i < why->count; i++)
		if (why->at[i].o.message_id == message) return true;
	return false;
}

/* Messages that no module told of: answers, alerts, campaigns. */
static enum rc tell_messages(struct cx *cx, struct why *why, const struct why_person *p)
{
	bool sees_all = actor_may(&cx->actor, "outbox.all");
	struct value *rows = NULL;
	enum rc rc;

	if (p->contact_id == 0 || !actor_may(&cx->actor, "outbox.view")) return RC_OK;
	rc = db_rows(
		cx, &rows, OWN_MESSAGES,
		"SELECT m.id, m.created_at, m.topic, b.title, b.kind FROM message m JOIN batch b ON b.id = m.batch_id"
		" WHERE m.contact_id = :id AND m.created_at >= :from AND (:all OR m.created_by IN " NAMES_OF_ACTOR
		") ORDER BY m.id DESC LIMIT :max",
		PARAMS(P_INT(":id", p->contact_id), P_INT(":from", p->from), P_INT(":all", sees_all),
		       P_INT(":actor", cx->actor.user_id), P_INT(":max", OWN_MESSAGES)));
	if (rc != RC_OK) return rc;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		int64_t id = value_int_of(value_get(v, "id"), 0);

		if (is_told(why, id)) continue;
		why_occasion(cx, why,
			     &(struct why_occasion){
				     .at = value_int_of(value_get(v, "created_at"), 0),
				     .what = batch_words(cx, value_text_of(value_get(v, "title"), ""),
							 value_text_of(value_get(v, "kind"), "")),
				     .message_id = id });
	}
	return RC_OK;
}

/* Into what people and programs read */

static enum rc fill_message(struct cx *cx, const struct why_occasion *o, struct value *out)
{
	struct message_row m;
	struct waiting w;
	const char *words;
	instant at;
	enum rc rc = message_read(cx, &m, o->message_id);

	if (rc == RC_OK) rc = message_waits(cx, &w, &m);
	if (rc != RC_OK) return rc;
	words = w.rule[0] != '\0' ? w.words : message_why_words(cx, m.state, m.why);
	at = m.read_at != 0        ? m.read_at
	     : m.delivered_at != 0 ? m.delivered_at
	     : m.failed_at != 0    ? m.failed_at
				   : m.sent_at;
	if (at != 0 && words[0] == '\0') words = instant_minutes(cx, at);
	value_set_text(cx->arena, out, "state", m.state);
	value_set_text(cx->arena, out, "mark", mark_of(m.state));
	value_set_text(cx->arena, out, "state_title", message_state_words(cx, m.state, m.is_late));
	value_set_text(cx->arena, out, "rule", w.rule[0] != '\0' ? w.rule : m.why);
	value_set_text(cx->arena, out, "words",
		       m.error[0] != '\0' && strcmp(m.state, "failed") == 0
			       ? arena_printf(cx->arena, "%s (%s)", words, words_get(cx->lang, m.error))
			       : words);
	value_set_text(cx->arena, out, "href", arena_printf(cx->arena, "/outbox/%s", m.public_id));
	return RC_OK;
}

static void fill_plain(struct cx *cx, const struct why_occasion *o, struct value *out)
{
	bool is_coming = strcmp(o->state, "coming") == 0;

	value_set_text(cx->arena, out, "state", o->state);
	value_set_text(cx->arena, out, "mark", is_coming ? "info" : "quiet");
	value_set_text(cx->arena, out, "state_title", is_coming ? _("to come") : _("not sent"));
	value_set_text(cx->arena, out, "rule", o->rule != NULL ? o->rule : "");
	value_set_text(cx->arena, out, "words", o->words != NULL ? o->words : "");
	value_set_text(cx->arena, out, "href", o->href);
}

static enum rc fill_occasions(struct cx *cx, const struct why *why, struct value *list)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < why->count && rc == RC_OK; i++) {
		const struct why_occasion *o = &why->at[i].o;
		struct value *out = value_add_map(cx->arena, list);

		value_set_int(cx->arena, out, "occasion_at", o->at);
		value_set_text(cx->arena, out, "when", instant_minutes(cx, o->at));
		value_set_text(cx->arena, out, "what", o->what);
		value_set_bool(cx->arena, out, "is_future", why->at[i].is_future);
		if (o->message_id != 0)
			rc = fill_message(cx, o, out);
		else
			fill_plain(cx, o, out);
	}
	return rc;
}

static enum rc ask_sources(struct cx *cx, struct why *why, const struct why_person *p)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; sources != NULL && sources[i] != NULL && rc == RC_OK; i++)
		for (const struct reason_source *s = sources[i]; s->name != NULL && rc == RC_OK; s++)
			if (s->tell != NULL) rc = s->tell(cx, why, p);
	return rc;
}

/* Who it is */

/* The address of a row; declared names only. */
static enum rc address_of(struct cx *cx, const struct office *o, int64_t id, const char **out)
{
	const char *sql = arena_join(cx->arena, "SELECT coalesce(t.", o->r->contact_column, ", '') FROM ",
				     o->r->table, " t WHERE t.id = :id", NULL);

	return db_get_text(cx, out, sql, PARAMS(P_INT(":id", id)));
}

static enum rc find_by_row(struct cx *cx, struct why_answer *out)
{
	const struct office *o = office_find(out->person.list);
	struct value *row = NULL;
	enum rc rc = row_of(cx, o, out->person.row_id, SELECT_NAME, true, &row);

	if (rc != RC_OK) return rc;
	out->name = row_name(cx, o, row);
	out->href = row_path(cx, o, row);
	rc = address_of(cx, o, out->person.row_id, &out->person.address);
	if (rc != RC_OK || out->person.address[0] == '\0') return rc;
	rc = contact_find(cx, &out->person.contact_id, "phone", out->person.address);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc find_by_contact(struct cx *cx, struct why_answer *out)
{
	const struct office *o = NULL;
	struct value *row = NULL;
	enum rc rc = db_get_text(cx, &out->person.address, "SELECT address FROM contact WHERE id = :id",
				 PARAMS(P_INT(":id", out->person.contact_id)));

	if (rc == RC_OK) rc = office_contact_row(cx, &o, &out->person.row_id, out->person.address);
	if (rc == RC_OK) rc = row_of(cx, o, out->person.row_id, SELECT_NAME, false, &row);
	if (rc == RC_OK) {
		out->person.list = o->r->name;
		out->name = row_name(cx, o, row);
		out->href = row_path(cx, o, row);
	} else if (rc == RC_NOT_FOUND && actor_may(&cx->actor, "outbox.all")) {
		out->name = address_words(cx, out->person.address);
		rc = RC_OK;
	}
	return rc;
}

enum rc why_ask(struct cx *cx, struct why_answer *out, const char *list, int64_t row_id, int64_t contact_id)
{
	struct why *why = arena_alloc(cx->arena, sizeof(*why));
	enum rc rc;

	if (why == NULL) return RC_NO_MEMORY;
	*out = (struct why_answer){ .person = { .contact_id = contact_id,
						.address = "",
						.list = list,
						.row_id = row_id,
						.from = cx_now(cx) - WHY_DAYS * DAY_MS },
				    .name = "",
				    .contact_public_id = "",
				    .rules = value_list(cx->arena),
				    .occasions = value_list(cx->arena) };
	why->rules = out->rules;
	rc = row_id != 0 ? find_by_row(cx, out) : find_by_contact(cx, out);
	out->address_shown = address_words(cx, out->person.address);
	if (rc == RC_OK) rc = tell_contact(cx, why, &out->person, out);
	if (rc == RC_OK) rc = ask_sources(cx, why, &out->person);
	if (rc == RC_OK) rc = tell_channels(cx, why, &out->person);
	if (rc == RC_OK) rc = tell_messages(cx, why, &out->person);
	return rc == RC_OK ? fill_occasions(cx, why, out->occasions) : rc;
}

/* Searching */

static void add_person(struct cx *cx, struct value *list, const char *name, const char *address,
		       const char *href)
{
	struct value *out = value_add_map(cx->arena, list);

	value_set_text(cx->arena, out, "name", name);
	value_set_text(cx->arena, out, "address", address);
	value_set_text(cx->arena, out, "href", href);
}

static enum rc search_lists(struct cx *cx, struct value *list, const char *words, size_t max)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; office_at(i) != NULL && rc == RC_OK; i++) {
		const struct office *o = office_at(i);
		struct value *rows = NULL;

		if (o->r->contact_column == NULL || !actor_may(&cx->actor, o->r->right_view)) continue;
		rc = desk_search(cx, &rows, o->r, words, SEARCH_EACH);
		for (const struct value *v = rc == RC_OK ? rows->first : NULL;
		     v != NULL && rc == RC_OK && list->count < max; v = v->next) {
			const char *address = "";

			rc = address_of(cx, o, value_int_of(value_get(v, "_id"), 0), &address);
			add_person(
				cx, list, row_name(cx, o, v), address,
				arena_printf(cx->arena, "/why/%s/%s", o->r->name, row_public_id(cx, o, v)));
		}
	}
	return rc;
}

/* An address that stands in no list: whoever wrote or was written to. */
static enum rc search_contacts(struct cx *cx, struct value *list, const char *words, size_t max)
{
	struct phone phone;
	struct value *rows = NULL;
	const char *address = words;
	enum rc rc;

	if (!actor_may(&cx->actor, "outbox.all")) return RC_OK;
	if (phone_parse(&phone, NULL, words, setting_text(cx->env->settings, "business.region")) == RC_OK)
		address = arena_text(cx->arena, phone.e164);
	else if (strchr(words, '@') != NULL)
		address = text_lower_ascii(cx->arena, words);
	rc = db_rows(
		cx, &rows, max,
		"SELECT address, public_id FROM contact WHERE kind IN ('phone', 'email', 'chat') AND address = :address",
		PARAMS(P_TEXT(":address", address)));
	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL && list->count < max;
	     v = v->next)
		add_person(cx, list, address_words(cx, value_text_of(value_get(v, "address"), "")),
			   value_text_of(value_get(v, "address"), ""),
			   arena_printf(cx->arena, "/why/%s", value_text_of(value_get(v, "public_id"), "")));
	return rc;
}

enum rc why_search(struct cx *cx, struct value **out, const char *words, size_t max)
{
	enum rc rc;

	*out = value_list(cx->arena);
	if (words[0] == '\0') return RC_OK;
	rc = search_lists(cx, *out, words, max);
	return rc == RC_OK && (*out)->count == 0 ? search_contacts(cx, *out, words, max) : rc;
}
