/*
** alarm_tell.c -- who is told of an alert, when, and that it is over: as messages of the outbox.
**
**   open --told--> (still open after alerts.remind_hours) --reminder1, 2…--> resolved --solved-->
**
** Owns:   the table alert_telling; of alert: told_at, reminded_at, reminders, is_quiet, solved_told_at.
** Needs:  the outbox, which sends; alerts as others raise and resolve them.
** Never:  speaks to a provider; tells of what nobody must act on (severity info); tells by the channel that
**         the alert is about.
** Holds:  (1) a telling, its message and the alert's own mark are one transaction: a kill between raising and
**         telling tells once; (2) each (alert, road, word, place) is told once, by UNIQUE, and by the
**         message's occasion; (3) what came back within the reminder's time is not told anew, but reminded
**         of; (4) at most alerts.mails_per_hour mails in any hour, what is beyond waits for one that sums up;
**         (5) a road that is set up later hears of what is open.
*/
#include "ops/alarm.h"
#include "outbox/channels/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_MAX      100    /* alerts looked at in one turn                                     */
#define EXPIRE_MS     DAY_MS /* an older notice only confuses                                    */
#define TEST_MS       HOUR_MS
#define SUMMARY_AFTER (10 * MINUTE_MS) /* so that it sums up more than one                                 */
#define SUMMARY_MAX   200
#define WORD_SIZE     32

static int rank(const char *severity)
{
	return strcmp(severity, "urgent") == 0 ? 2 : strcmp(severity, "warning") == 0 ? 1 : 0;
}

/* Is the alert about this very road? Keys of channels: channel.WHAT of WhatsApp, channel.WHAT:NAME of the
** others. */
static bool is_about(const char *key, const char *road)
{
	const char *colon = strchr(key, ':');

	return strncmp(key, "channel.", 8) == 0 && colon != NULL && strcmp(colon + 1, road) == 0;
}

static bool takes(struct cx *cx, const struct alarm_road *road, const struct alarm_said *a)
{
	const char *least = setting_text(cx->env->settings, road->from);

	return rank(a->severity) > 0 && rank(a->severity) >= rank(least) && !is_about(a->key, road->name);
}

/* One telling */

static enum rc todays_batch(struct cx *cx, int64_t *id)
{
	char today[DATE_SIZE];
	enum rc rc;

	day_text(today, cx_today(cx));
	rc = db_get_int(
		cx, id,
		"SELECT id FROM batch WHERE kind = :kind AND local_on = :today AND state = 'open' ORDER BY id DESC"
		" LIMIT 1",
		PARAMS(P_TEXT(":kind", ALERT_BATCH), P_TEXT(":today", today)));
	if (rc != RC_NOT_FOUND) return rc;
	rc = batch_open(cx, id,
			&(struct batch_new){ .kind = ALERT_BATCH,
					     .title = words_get(cx->env->lang, N_("Alerts")),
					     .origin = "auto",
					     .local_on = today });
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE batch SET planned_at = :now WHERE kind = :kind AND planned_at IS NULL AND id < :id",
			PARAMS(P_TEXT(":kind", ALERT_BATCH), P_INT(":now", cx_now(cx)), P_INT(":id", *id)));
	return rc;
}

struct telling_letter {
	const char *road, *place, *occasion, *subject, *text;
	int64_t life_ms, replaces_id;
};

static enum rc post(struct cx *cx, int64_t *id, const struct telling_letter *l)
{
	const char *kind = strcmp(l->road, "email") == 0 ? "email" : "chat";
	int64_t batch = 0, contact = 0;
	enum rc rc = todays_batch(cx, &batch);

	if (rc == RC_OK) rc = contact_ensure(cx, &contact, kind, l->place);
	if (rc == RC_OK)
		rc = outbox_add(cx, id,
				&(struct message_new){ .batch_id = batch,
						       .channel = l->road,
						       .contact_id = contact,
						       .topic = "service",
						       .occasion = l->occasion,
						       .text = l->text,
						       .subject = l->subject,
						       .expires_at = cx_now(cx) + l->life_ms,
						       .ignores_window = true,
						       .replaces_id = l->replaces_id });
	return rc == RC_CONFLICT ? RC_OK : rc; /* told before: that one counts */
}

/* Mails of the last hour. A mail that sums up stands in several rows. */
static enum rc mails_left(struct cx *cx, int64_t *left)
{
	int64_t n = 0;
	enum rc rc = db_get_int(
		cx, &n,
		"SELECT count(DISTINCT message_id) FROM alert_telling WHERE created_at > :from AND created_at <= :now"
		" AND road = 'email' AND message_id IS NOT NULL",
		PARAMS(P_INT(":from", cx_now(cx) - HOUR_MS), P_INT(":now", cx_now(cx))));

	*left = setting_int(cx->env->settings, "alerts.mails_per_hour") - n;
	return rc;
}

static enum rc note(struct cx *cx, int64_t alert, const char *road, const char *word, int64_t place,
		    int64_t message)
{
	return db_run(
		cx,
		"INSERT INTO alert_telling (alert_id, road, word, place, message_id, created_at) VALUES (:alert, :road,"
		" :word, :place, :message, :now) ON CONFLICT (alert_id, road, word, place) DO NOTHING",
		PARAMS(P_INT(":alert", alert), P_TEXT(":road", road), P_TEXT(":word", word),
		       P_INT(":place", place), P_REF(":message", message), P_INT(":now", cx_now(cx))));
}

/* Ids of alerts come again when the old ones were cleaned away, their messages stay longer: hence the
** instant. */
static const char *occasion_of(struct cx *cx, const struct alarm_said *a, const char *word, const char *road,
			       size_t place)
{
	return arena_printf(cx->arena, "alert:%lld.%lld:%s:%s:%zu", (long long)a->id,
			    (long long)(a->created_at / SECOND_MS), word, road, place);
}

/* On one road, to all its addresses. One place is kept for the mail that sums up. *count may be NULL. */
enum rc alarm_tell(struct cx *cx, const struct alarm_said *a, const struct alarm_road *road, const char *word,
		   int *count)
{
	const char *places[ALARM_PLACES_MAX];
	size_t n = alarm_places(cx, road, places);
	bool is_mail = strcmp(road->name, "email") == 0, is_test = strcmp(word, "test") == 0;
	int64_t left = INT64_MAX;
	enum rc rc = is_mail ? mails_left(cx, &left) : RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		int64_t message = 0;

		if (is_test || left > (int64_t)n)
			rc = post(cx, &message,
				  &(struct telling_letter){
					  .road = road->name,
					  .place = places[i],
					  .occasion = occasion_of(cx, a, word, road->name, i + 1),
					  .subject = is_mail ? alarm_subject(cx, a, word) : NULL,
					  .text = alarm_text(cx, a, word),
					  .life_ms = is_test ? TEST_MS : EXPIRE_MS });
		if (rc == RC_OK) rc = note(cx, a->id, road->name, word, (int64_t)i + 1, message);
		if (rc == RC_OK && count != NULL) ++*count;
	}
	return rc;
}

/* Reading what there is */

struct open_alert {
	struct alarm_said said;
	instant told_at, reminded_at, seen_at;
	int64_t reminders;
	bool is_quiet;
};

#define SAID_COLUMNS \
	"a.id, a.key, a.severity, a.msgid, a.subject, a.link, a.remedy, a.created_at, a.resolved_at"
#define SAID_COUNT 9

static void read_said(struct cx *cx, struct query *q, struct alarm_said *out)
{
	const struct alarm_rule *rule;

	*out = (struct alarm_said){ .id = query_int(q, 0),
				    .key = query_copy(cx, q, 1),
				    .severity = query_copy(cx, q, 2),
				    .msgid = query_copy(cx, q, 3),
				    .subject = query_copy(cx, q, 4),
				    .link = query_copy(cx, q, 5),
				    .remedy = query_copy(cx, q, 6),
				    .created_at = query_int(q, 7),
				    .resolved_at = query_int(q, 8) };
	/* Alerts that were raised where it happened know no remedy: the rule does. */
	rule = alarm_rule_of(out->key);
	if (out->remedy[0] == '\0' && rule != NULL && rule->remedy != NULL) out->remedy = rule->remedy;
}

static enum rc read_open(struct cx *cx, struct open_alert **out, size_t *count)
{
	struct query *q = NULL;
	enum rc rc;

	*out = arena_array(cx->arena, OPEN_MAX, sizeof(**out));
	*count = 0;
	if (*out == NULL) return RC_NO_MEMORY;
	rc = db_query(
		cx, &q,
		"SELECT " SAID_COLUMNS
		", a.told_at, a.reminded_at, a.seen_at, a.reminders, a.is_quiet FROM alert a"
		" INDEXED BY alert_open WHERE a.resolved_at IS NULL AND a.severity <> 'info' AND a.is_test = 0"
		" ORDER BY max(coalesce(a.told_at, 0), coalesce(a.reminded_at, 0)), a.id LIMIT :max",
		PARAMS(P_INT(":max", OPEN_MAX)));
	while (rc == RC_OK && query_next(q)) {
		struct open_alert *a = &(*out)[(*count)++];

		read_said(cx, q, &a->said);
		a->told_at = query_int(q, SAID_COUNT);
		a->reminded_at = query_int(q, SAID_COUNT + 1);
		a->seen_at = query_int(q, SAID_COUNT + 2);
		a->reminders = query_int(q, SAID_COUNT + 3);
		a->is_quiet = query_int(q, SAID_COUNT + 4) != 0;
	}
	return query_end(q, rc);
}

/* When the same was told of last, before this row: 0 = never. */
static enum rc told_before(struct cx *cx, const struct alarm_said *a, instant *out)
{
	enum rc rc = db_get_int(
		cx, out,
		"SELECT max(coalesce(reminded_at, 0), told_at) FROM alert INDEXED BY alert_key WHERE key = :key AND id < :id"
		" AND severity = :severity AND msgid = :msgid AND told_at IS NOT NULL ORDER BY id DESC LIMIT 1",
		PARAMS(P_TEXT(":key", a->key), P_INT(":id", a->id), P_TEXT(":severity", a->severity),
		       P_TEXT(":msgid", a->msgid)));

	if (rc == RC_NOT_FOUND) *out = 0;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc has_heard(struct cx *cx, bool *out, int64_t alert, const char *road)
{
	int64_t n = 0;
	enum rc rc = db_get_int(
		cx, &n,
		"SELECT EXISTS (SELECT 1 FROM alert_telling WHERE alert_id = :alert AND road = :road)",
		PARAMS(P_INT(":alert", alert), P_TEXT(":road", road)));

	*out = n != 0;
	return rc;
}

/* The last word still waits to leave: another behind it says nothing new. */
static enum rc still_waits(struct cx *cx, bool *out, int64_t alert, const char *road)
{
	int64_t n = 0;
	enum rc rc = db_get_int(
		cx, &n,
		"SELECT EXISTS (SELECT 1 FROM alert_telling t LEFT JOIN message m ON m.id = t.message_id WHERE"
		" t.alert_id = :alert AND t.road = :road AND (t.message_id IS NULL OR m.state IN ('queued', 'sending')))",
		PARAMS(P_INT(":alert", alert), P_TEXT(":road", road)));

	*out = n != 0;
	return rc;
}

/* What is due for an open one. Inside the transaction. */

static bool is_set_up(struct cx *cx, const struct alarm_road *road, const struct alarm_said *a)
{
	const char *places[ALARM_PLACES_MAX];

	return takes(cx, road, a) && alarm_places(cx, road, places) > 0;
}

static enum rc tell_new(struct cx *cx, const struct open_alert *a)
{
	bool is_told = false, heard = false;
	enum rc rc = RC_OK;

	for (const struct alarm_road *r = alarm_roads; r->name != NULL && rc == RC_OK; r++) {
		if (!is_set_up(cx, r, &a->said)) continue;
		rc = has_heard(cx, &heard, a->said.id, r->name);
		if (rc == RC_OK && !heard) rc = alarm_tell(cx, &a->said, r, "told", NULL);
		is_told = true;
	}
	if (rc == RC_OK && is_told && a->told_at == 0)
		rc = db_run(cx, "UPDATE alert SET told_at = :now WHERE id = :id",
			    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", a->said.id)));
	return rc;
}

static enum rc remind(struct cx *cx, const struct open_alert *a)
{
	char word[WORD_SIZE];
	bool waits = false;
	enum rc rc = RC_OK;

	snprintf(word, sizeof(word), "reminder%lld", (long long)a->reminders + 1);
	for (const struct alarm_road *r = alarm_roads; r->name != NULL && rc == RC_OK; r++) {
		if (!is_set_up(cx, r, &a->said)) continue;
		rc = still_waits(cx, &waits, a->said.id, r->name);
		if (rc == RC_OK && !waits) rc = alarm_tell(cx, &a->said, r, word, NULL);
	}
	if (rc == RC_OK)
		rc = db_run(cx,
			    "UPDATE alert SET reminded_at = :now, reminders = reminders + 1 WHERE id = :id",
			    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", a->said.id)));
	return rc;
}

enum due { DUE_NOTHING, DUE_NEW, DUE_REMINDER, DUE_QUIET };

static int64_t wait_ms(struct cx *cx, const char *key)
{
	const struct alarm_rule *rule = alarm_rule_of(key);

	return rule == NULL || rule->wait == NULL ? 0
						  : setting_int(cx->env->settings, rule->wait) * MINUTE_MS;
}

/* Did it happen less than ms ago? What a clock that was put back since calls the future is long over. */
static bool is_within(instant now, instant at, int64_t ms)
{
	return at <= now && now - at < ms;
}

/* Reads only, so that a turn without anything due needs no transaction. */
static enum rc due_of(struct cx *cx, const struct open_alert *a, enum due *out, instant *before)
{
	instant now = cx_now(cx), last = a->reminded_at > a->told_at ? a->reminded_at : a->told_at;
	int64_t cool = setting_int(cx->env->settings, "alerts.remind_hours") * HOUR_MS;
	bool heard = false, has_road = false;
	enum rc rc = RC_OK;

	*out = DUE_NOTHING;
	*before = 0;
	if (is_within(now, a->said.created_at, wait_ms(cx, a->said.key))) return RC_OK;
	if (a->told_at == 0) rc = told_before(cx, &a->said, before);
	if (*before > now) *before = 0; /* told while the clock was ahead */
	if (rc == RC_OK && *before != 0 && now - *before < cool) {
		*out = DUE_QUIET;
		return RC_OK;
	}
	for (const struct alarm_road *r = alarm_roads; r->name != NULL && rc == RC_OK; r++) {
		if (!is_set_up(cx, r, &a->said)) continue;
		has_road = true;
		if (a->is_quiet) continue;
		rc = has_heard(cx, &heard, a->said.id, r->name);
		if (rc == RC_OK && !heard) *out = DUE_NEW;
	}
	if (rc != RC_OK || !has_road || *out == DUE_NEW) return rc;
	if (last != 0 && a->seen_at == 0 && (now - last >= cool || last > now + MINUTE_MS))
		*out = DUE_REMINDER;
	return RC_OK;
}

static enum rc act(struct cx *cx, const struct open_alert *a, enum due due, instant before)
{
	switch (due) {
	case DUE_NEW: return tell_new(cx, a);
	case DUE_REMINDER: return remind(cx, a);
	case DUE_QUIET:
		return db_run(cx, "UPDATE alert SET told_at = :before, is_quiet = 1 WHERE id = :id",
			      PARAMS(P_INT(":before", before), P_INT(":id", a->said.id)));
	default: return RC_OK;
	}
}

static enum rc tell_open(struct cx *cx)
{
	struct open_alert *all = NULL;
	size_t count = 0;
	enum rc rc = read_open(cx, &all, &count);

	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		enum due due = DUE_NOTHING;
		instant before = 0;

		rc = due_of(cx, &all[i], &due, &before);
		if (rc != RC_OK || due == DUE_NOTHING) continue;
		rc = tx_begin(cx);
		if (rc == RC_OK) rc = act(cx, &all[i], due, before);
		rc = tx_end(cx, rc);
	}
	return rc;
}

/* Over */

static enum rc solve(struct cx *cx, const struct alarm_said *a)
{
	int64_t again = 0;
	bool heard = false;
	enum rc rc = tx_begin(cx);

	/* Raised again at once for another reason, or more urgent: it is not over. */
	if (rc == RC_OK)
		rc = db_get_int(
			cx, &again,
			"SELECT EXISTS (SELECT 1 FROM alert INDEXED BY alert_open WHERE key = :key AND resolved_at IS NULL)",
			PARAMS(P_TEXT(":key", a->key)));
	for (const struct alarm_road *r = alarm_roads; r->name != NULL && rc == RC_OK && again == 0; r++) {
		rc = has_heard(cx, &heard, a->id, r->name);
		if (rc == RC_OK && heard && is_set_up(cx, r, a)) rc = alarm_tell(cx, a, r, "solved", NULL);
	}
	if (rc == RC_OK)
		rc = db_run(cx, "UPDATE alert SET solved_told_at = :now WHERE id = :id",
			    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", a->id)));
	return tx_end(cx, rc);
}

static enum rc tell_solved(struct cx *cx)
{
	struct alarm_said *all = arena_array(cx->arena, OPEN_MAX, sizeof(*all));
	struct query *q = NULL;
	size_t count = 0;
	enum rc rc;

	if (all == NULL) return RC_NO_MEMORY;
	rc = db_query(cx, &q,
		      "SELECT " SAID_COLUMNS
		      " FROM alert a INDEXED BY alert_unsolved WHERE a.resolved_at IS NOT NULL"
		      " AND a.solved_told_at IS NULL ORDER BY a.id LIMIT :max",
		      PARAMS(P_INT(":max", OPEN_MAX)));
	while (rc == RC_OK && query_next(q))
		read_said(cx, q, &all[count++]);
	rc = query_end(q, rc);
	for (size_t i = 0; i < count && rc == RC_OK; i++)
		rc = solve(cx, &all[i]);
	return rc;
}

/* One mail for what did not fit */

struct waiting {
	size_t count;
	struct alarm_said said[SUMMARY_MAX];
	const char *words[SUMMARY_MAX];
	int64_t first_id, last_id;
	instant oldest;
};

static enum rc read_waiting(struct cx *cx, struct waiting *w)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT " SAID_COLUMNS
		", t.word, t.id, t.created_at FROM alert_telling t INDEXED BY alert_telling_waits"
		" JOIN alert a ON a.id = t.alert_id WHERE t.message_id IS NULL AND t.road = 'email' AND t.place = 1"
		" ORDER BY t.id LIMIT :max",
		PARAMS(P_INT(":max", SUMMARY_MAX)));

	while (rc == RC_OK && query_next(q)) {
		read_said(cx, q, &w->said[w->count]);
		w->words[w->count] = query_copy(cx, q, SAID_COUNT);
		if (w->count == 0) {
			w->first_id = query_int(q, SAID_COUNT + 1);
			w->oldest = query_int(q, SAID_COUNT + 2);
		}
		w->last_id = query_int(q, SAID_COUNT + 1);
		w->count++;
	}
	return query_end(q, rc);
}

static enum rc post_summary(struct cx *cx, const struct waiting *w, const char *const *places, size_t n)
{
	enum rc rc = tx_begin(cx);

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		int64_t message = 0;

		rc = post(cx, &message,
			  &(struct telling_letter){ .road = "email",
						    .place = places[i],
						    .occasion =
							    occasion_of(cx, &w->said[0],
									arena_printf(cx->arena, "summary%lld",
										     (long long)w->first_id),
									"email", i + 1),
						    .subject = alarm_summary_subject(cx, w->count),
						    .text = alarm_summary(cx, w->said, w->words, w->count),
						    .life_ms = EXPIRE_MS });
		/* The rows of one telling's addresses follow each other. */
		if (rc == RC_OK)
			rc = db_run(
				cx,
				"UPDATE alert_telling SET message_id = :message, created_at = :now WHERE message_id IS NULL"
				" AND road = 'email' AND place = :place AND id < :last + :place",
				PARAMS(P_INT(":message", message), P_INT(":now", cx_now(cx)),
				       P_INT(":place", (int64_t)i + 1), P_INT(":last", w->last_id)));
	}
	/* An address that was taken out of the list meanwhile gets nothing. */
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"DELETE FROM alert_telling WHERE message_id IS NULL AND road = 'email' AND place > :n",
			PARAMS(P_INT(":n", (int64_t)n)));
	return tx_end(cx, rc);
}

static enum rc sum_up(struct cx *cx)
{
	struct waiting *w = arena_alloc(cx->arena, sizeof(*w));
	const char *places[ALARM_PLACES_MAX];
	size_t n = alarm_places(cx, &alarm_roads[0], places);
	int64_t left = 0;
	enum rc rc;

	if (w == NULL) return RC_NO_MEMORY;
	rc = read_waiting(cx, w);
	if (rc != RC_OK || w->count == 0 || n == 0 || is_within(cx_now(cx), w->oldest, SUMMARY_AFTER))
		return rc;
	rc = mails_left(cx, &left);
	return rc == RC_OK && left >= (int64_t)n ? post_summary(cx, w, places, n) : rc;
}

/* What became of our own messages */

static enum rc settle_unsure(struct cx *cx)
{
	int64_t is_there = 0, count = 0;
	enum rc rc = db_get_int(
		cx, &is_there,
		"SELECT EXISTS (SELECT 1 FROM message m INDEXED BY message_unusual JOIN batch b ON b.id = m.batch_id"
		" WHERE m.state = 'unsure' AND b.kind = :kind)",
		PARAMS(P_TEXT(":kind", ALERT_BATCH)));

	if (rc != RC_OK || is_there == 0) return rc;
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = alert_settle_unsure(cx, &count);
	return tx_end(cx, rc);
}

/* The group is another chat now: kept, and the notice goes there once. */
static enum rc follow(struct cx *cx, struct value *row)
{
	const char *occasion = value_text_of(value_get(row, "occasion"), "");
	const char *old = setting_text(cx->env->settings, "telegram.chat_id");
	int64_t chat = 0, id = 0;
	enum rc rc;

	if (!telegram_moved_to(&chat, value_text_of(value_get(row, "error"), ""))) return RC_OK;
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = meta_set(cx, arena_printf(cx->arena, ALARM_MOVED_KEY "%s", old),
			      arena_printf(cx->arena, "%lld", (long long)chat));
	if (rc == RC_OK)
		rc = post(cx, &id,
			  &(struct telling_letter){
				  .road = "telegram",
				  .place = arena_printf(cx->arena, TELEGRAM_ADDRESS "%lld", (long long)chat),
				  .occasion = arena_printf(cx->arena, "%s:moved", occasion),
				  .text = value_text_of(value_get(row, "body"), ""),
				  .life_ms = EXPIRE_MS,
				  .replaces_id = value_int_of(value_get(row, "id"), 0) });
	if (rc == RC_OK)
		rc = db_run(
			cx, "UPDATE alert_telling SET message_id = :message WHERE message_id = :old",
			PARAMS(P_INT(":message", id), P_INT(":old", value_int_of(value_get(row, "id"), 0))));
	return tx_end(cx, rc);
}

static enum rc follow_moved(struct cx *cx)
{
	struct value *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, 10,
		"SELECT m.id, m.occasion, m.error, m.body FROM alert_telling t JOIN message m ON m.id = t.message_id"
		" WHERE t.created_at > :from AND t.road = 'telegram' AND m.state = 'failed' AND m.state_why = 'moved'"
		" AND m.replaces_id IS NULL LIMIT 10",
		PARAMS(P_INT(":from", cx_now(cx) - DAY_MS)));

	for (struct value *row = rc == RC_OK ? rows->first : NULL; row != NULL && rc == RC_OK;
	     row = row->next)
		rc = follow(cx, row);
	return rc;
}

enum rc alarms_tell(struct cx *cx)
{
	enum rc rc = settle_unsure(cx);

	if (rc == RC_OK) rc = follow_moved(cx);
	if (rc == RC_OK) rc = tell_open(cx);
	if (rc == RC_OK) rc = tell_solved(cx);
	return rc == RC_OK ? sum_up(cx) : rc;
}
