/*
** commands.c -- `recado sends …`: create, show, process, pause, resume, cancel, schedule, rows, resolve. (Old
** names are in commands_old.c, reports in commands_reports.c.)
**
** Needs:  the process that holds the state folder for everything that changes something.
** Never:  sends by itself: it starts what the panel's buttons start.
*/
#include "sends/commands.h"

#include "files/files.h"
#include "sends/attachments.h"
#include "sends/recipients.h"
#include "sends/senders.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IMPORT_WAIT_MS (10 * MINUTE_MS) /* 250,000 rows take seconds                                    */
#define WAIT_MS        (12 * HOUR_MS)   /* a paced send of a day is watched in the panel                */
#define POLL_MS        100
#define STUCK_MS       (15 * MINUTE_MS) /* held for longer: it will not go on while somebody watches    */
/* For a gateway that is away the send waits by itself for hours: who types a command is told after three
** tries. */
#define AWAY_MS    MINUTE_MS
#define ROWS_USUAL 100
#define ROWS_MOST  250000
#define ROWS_STEP  500
#define COPY_SIZE  65536

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

static int64_t int_of(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}

enum rc sends_print(struct cx *cx, struct command_call *call, struct value *v)
{
	struct sb sb;

	shape_json(cx, v);
	sb_init_arena(&sb, cx->arena, 32 * 1024 * 1024);
	json_write_pretty(&sb, v);
	fprintf(call->out, "%s\n", sb_text_of(&sb));
	return sb_result(&sb);
}

enum rc sends_say(struct cx *cx, struct command_call *call, int64_t id, const char *sentence)
{
	struct value *object = NULL;
	enum rc rc = call->is_json ? bulk_object(cx, &object, id, false) : RC_OK;

	if (rc != RC_OK || call->is_json) return rc == RC_OK ? sends_print(cx, call, object) : rc;
	fprintf(call->out, "%s\n", sentence);
	return RC_OK;
}

enum rc sends_say_count(struct cx *cx, struct command_call *call, const char *name, int64_t n,
			const char *sentence)
{
	struct value *out = value_map(cx->arena);

	if (!call->is_json) {
		fprintf(call->out, "%s\n", sentence);
		return RC_OK;
	}
	value_set_int(cx->arena, out, name, n);
	return sends_print(cx, call, out);
}

enum rc sends_number(struct cx *cx, int64_t *out, const char *option, const char *text)
{
	if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text) || strlen(text) > 9)
		return cx_fail(cx, RC_BAD_INPUT, _("%s takes a whole number, not “%.40s”."), option, text);
	*out = atoll(text);
	return RC_OK;
}

enum rc sends_bulk(struct cx *cx, struct command_call *call, size_t i, const char *const *takes_value,
		   int64_t *id)
{
	const char *word = command_word(call, i, takes_value);

	if (word == NULL) return cx_fail(cx, RC_BAD_INPUT, _("Usage: recado %s %s"), call->name, call->usage);
	return bulk_find(cx, id, word);
}

/* Waiting */

static enum rc read_stand(struct cx *cx, struct arena *scratch, int64_t id, bool *is_over)
{
	struct arena *own = cx->arena;
	struct bulk b;
	int64_t open = 0;
	enum rc rc;

	arena_reset(scratch);
	cx->arena = scratch;
	rc = bulk_read(cx, &b, id);
	if (rc == RC_OK)
		rc = db_get_int(
			cx, &open,
			"SELECT count(*) FROM job WHERE slot IN (:send, :next, :import) AND state IN ('queued', 'running')",
			PARAMS(P_TEXT(":send", bulk_slot(cx, "send", id)),
			       P_TEXT(":next", bulk_slot(cx, "next", id)),
			       P_TEXT(":import", bulk_slot(cx, "import", id))));
	*is_over =
		rc != RC_OK || open == 0 ||
		(bulk_is(&b, "paused") &&
		 (b.paused_until_at == 0 ||
		  b.paused_until_at > cx_now(cx) + (strcmp(b.why, WHY_GATEWAY) == 0 ? AWAY_MS : STUCK_MS)));
	cx->arena = own;
	return rc;
}

enum rc sends_wait(struct cx *cx, struct command_call *call, int64_t id)
{
	struct arena *scratch = arena_new(1024 * 1024);
	int64_t until = clock_ticks() + WAIT_MS;
	bool is_over = false;
	enum rc rc = scratch != NULL ? RC_OK : RC_NO_MEMORY;

	(void)call;
	while (rc == RC_OK && !is_over && !cx->env->is_stopping && clock_ticks() < until) {
		rc = read_stand(cx, scratch, id, &is_over);
		if (!is_over) (void)poll(NULL, 0, POLL_MS);
	}
	arena_free(scratch);
	return rc;
}

/* 0 when it is well, 3 when something of it is not, 1 when nothing left. */
static enum rc outcome(struct cx *cx, int64_t id)
{
	struct value *row = NULL, *counts = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT channel, status, status_why, status_detail, paused_until_at FROM bulk_send WHERE id = :id",
		PARAMS(P_INT(":id", id)));
	const char *status;

	if (rc == RC_OK) rc = bulk_counts(cx, &counts, id, false);
	if (rc != RC_OK) return rc;
	status = text_of(row, "status");
	if (strcmp(status, "error") == 0 || strcmp(status, "paused") == 0) {
		cx->error_code = text_of(row, "status_why");
		return cx_fail(cx, strcmp(status, "error") == 0 ? RC_CONFLICT : RC_TRY_LATER, "%s",
			       bulk_why_words(cx, row));
	}
	if (int_of(counts, "failed") + int_of(counts, "unsure") > 0)
		return cx_fail(cx, RC_PARTLY,
			       _("Some mails failed or are unsure; `recado sends rows %lld` lists them."),
			       (long long)id);
	return RC_OK;
}

/* Could it begin? How far it came by now is chance, and nobody waits for it. */
static enum rc beginning(struct cx *cx, int64_t id)
{
	struct value *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT channel, status, status_why, status_detail, paused_until_at FROM bulk_send WHERE id = :id"
		" AND status_why <> '' AND (status = 'pending' OR import_status = 'error')",
		PARAMS(P_INT(":id", id)));

	if (rc != RC_OK) return rc == RC_NOT_FOUND ? RC_OK : rc;
	cx->error_code = text_of(row, "status_why");
	return cx_fail(cx, RC_CONFLICT, "%s", bulk_why_words(cx, row));
}

/* Create */

/* The caller's file, however it comes, as a nameless one of ours. */
static enum rc read_file(struct cx *cx, struct command_call *call, int *fd)
{
	char *buf = arena_alloc(cx->arena, COPY_SIZE);
	size_t n, size = 0;
	enum rc rc = buf != NULL ? spool_open(fd, cx->env->dir) : RC_NO_MEMORY;

	while (rc == RC_OK && (n = fread(buf, 1, COPY_SIZE, call->in)) > 0) {
		size += n;
		if (size > RECIPIENTS_BYTES_MAX)
			rc = cx_fail(cx, RC_TOO_LARGE, "%s", recipients_words(cx->lang, "file_too_large"));
		else
			rc = fd_write_all(*fd, buf, n);
	}
	return rc;
}

static enum rc store_file(struct cx *cx, struct command_call *call, const char *path, int64_t *id)
{
	int fd = -1;
	enum rc rc = read_file(cx, call, &fd);

	if (rc == RC_OK)
		rc = file_store(cx, id, fd,
				&(struct file_new){ .name = path,
						    .media_type = "text/csv",
						    .owner_table = "bulk_send",
						    .max = RECIPIENTS_BYTES_MAX });
	if (fd >= 0) close(fd);
	return rc;
}

static enum rc wait_import(struct cx *cx, struct command_call *call, int64_t id)
{
	struct value *job = NULL;
	int64_t job_id = 0;
	enum rc rc = db_get_int(
		cx, &job_id,
		"SELECT id FROM job WHERE slot >= 'sends.' AND slot < 'sends/' AND slot = :slot ORDER BY id DESC LIMIT 1",
		PARAMS(P_TEXT(":slot", bulk_slot(cx, "import", id))));

	if (rc == RC_OK) rc = job_wait_shown(cx, &job, job_id, IMPORT_WAIT_MS, call->err);
	if (rc != RC_OK && rc != RC_TRY_LATER && rc != RC_NO_MEMORY) { /* the send itself says how it went */
		cx->message = "";
		rc = RC_OK;
	}
	return rc;
}

static enum rc read_times(struct cx *cx, struct command_call *call, struct bulk_new *n)
{
	const char *at = command_option(call, "at");
	int given = (at != NULL) + command_flag(call, "now-send") + command_flag(call, "hold");

	if (given > 1) return cx_fail(cx, RC_BAD_INPUT, "%s", _("Give one of --at, --now-send and --hold."));
	n->send_now = command_flag(call, "now-send");
	if (at == NULL) return RC_OK;
	return bulk_hour_parse(cx, &n->scheduled_at, at);
}

/* "a,b" → ["a","b"]; "variable=column,…" → {"variable":"column"}. */
static const char *json_of(struct cx *cx, const char *text, bool is_map)
{
	struct value *v = is_map ? value_map(cx->arena) : value_list(cx->arena);
	struct sb sb;

	if (text == NULL) return "";
	while (*text != '\0') {
		size_t len = strcspn(text, ",");
		char *one = text_trim(cx->arena, arena_bytes(cx->arena, text, len)),
		     *equals = strchr(one, '=');

		if (is_map && equals != NULL) {
			*equals = '\0';
			value_set_text(cx->arena, v, text_trim(cx->arena, one),
				       text_trim(cx->arena, equals + 1));
		} else if (!is_map && one[0] != '\0') {
			(void)value_add_text(cx->arena, v, one);
		}
		text += len + (text[len] == ',');
	}
	sb_init_arena(&sb, cx->arena, BULK_JSON_MAX);
	json_write(&sb, v);
	return sb_text_of(&sb);
}

static enum rc print_created(struct cx *cx, struct command_call *call, int64_t id, bool is_duplicate)
{
	struct value *object = NULL, *seen = NULL;
	const char *json = "";
	enum rc rc = bulk_object(cx, &object, id, false);

	if (rc != RC_OK) return rc;
	if (!call->is_json) {
		fprintf(call->out, "%s\n", text_of(object, "id"));
		return RC_OK;
	}
	value_set_bool(cx->arena, object, "duplicate", is_duplicate);
	rc = db_get_text(cx, &json, "SELECT import_json FROM bulk_send WHERE id = :id",
			 PARAMS(P_INT(":id", id)));
	if (rc == RC_OK && json_parse(cx->arena, &seen, NULL, json, strlen(json)) == RC_OK)
		value_set(object, "preview", seen);
	return rc == RC_OK ? sends_print(cx, call, object) : rc;
}

static enum rc run_create(struct cx *cx, struct command_call *call)
{
	const char *const *with_value = OPTIONS("template", "channel", "subject", "sender", "at",
						"request-id", "dedupe", "may-be-empty", "map", "attachment");
	const char *path = command_word(call, 0, with_value), *sender = command_option(call, "sender"),
		   *attachment = command_option(call, "attachment");
	struct bulk_new n = { .template_id = command_option(call, "template"),
			      .channel = command_option(call, "channel"),
			      .subject = command_option(call, "subject"),
			      .client_request_id = command_option(call, "request-id"),
			      .dedupe = command_option(call, "dedupe"),
			      .sends_suppressed = command_flag(call, "suppressed") };
	int64_t id = 0, attachment_id = 0;
	bool is_duplicate = false;
	enum rc rc = command_check(cx, call, OPTIONS("now-send", "hold", "suppressed", "wait"), with_value);

	if (rc == RC_OK && (path == NULL || n.template_id == NULL))
		rc = cx_fail(cx, RC_BAD_INPUT, _("Usage: recado %s %s"), call->name, call->usage);
	if (rc == RC_OK) rc = read_times(cx, call, &n);
	if (rc == RC_OK && sender != NULL) rc = sender_find(cx, &n.sender_id, sender);
	if (rc == RC_OK && attachment != NULL) {
		rc = attachment_find(cx, &attachment_id, attachment);
		n.attachment_ids = &attachment_id;
		n.attachment_count = 1;
	}
	if (rc != RC_OK) return rc;
	n.variables_json = json_of(cx, command_option(call, "map"), true);
	n.may_be_empty = json_of(cx, command_option(call, "may-be-empty"), false);
	rc = store_file(cx, call, path, &n.file_id);
	if (rc == RC_OK) rc = bulk_create(cx, &id, &is_duplicate, &n);
	if (rc == RC_OK) rc = wait_import(cx, call, id);
	if (rc == RC_OK && command_flag(call, "wait")) rc = sends_wait(cx, call, id);
	if (rc == RC_OK) rc = print_created(cx, call, id, is_duplicate);
	if (rc == RC_OK && command_flag(call, "wait")) return outcome(cx, id);
	return rc == RC_OK ? beginning(cx, id) : rc;
}

/* Show */

/* shape_page() put the hour of the zone beside it. */
static bool is_instant_key(const char *key)
{
	size_t len = strlen(key);

	return len > 3 && strcmp(key + len - 3, "_at") == 0;
}

static void print_map(struct command_call *call, const struct value *map, const char *before)
{
	for (const struct value *v = map->first; v != NULL; v = v->next)
		if (v->type == VALUE_TEXT && v->text[0] != '\0')
			fprintf(call->out, "%s%s: %s\n", before, v->key, v->text);
		else if (v->type == VALUE_INT && !is_instant_key(v->key))
			fprintf(call->out, "%s%s: %lld\n", before, v->key, (long long)v->integer);
		else if (v->type == VALUE_MAP && v->first != NULL && before[0] == '\0') {
			fprintf(call->out, "%s:\n", v->key);
			print_map(call, v, "  ");
		}
}

static enum rc run_show(struct cx *cx, struct command_call *call)
{
	struct value *object = NULL;
	int64_t id = 0;
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	if (rc == RC_OK) rc = sends_bulk(cx, call, 0, NO_OPTIONS, &id);
	if (rc == RC_OK) rc = bulk_object(cx, &object, id, true);
	if (rc != RC_OK) return rc;
	if (call->is_json) return sends_print(cx, call, object);
	shape_page(cx, object);
	print_map(call, object, "");
	return RC_OK;
}

/* Start, hold, end */

static enum rc run_process(struct cx *cx, struct command_call *call)
{
	int64_t id = 0, count = 0;
	enum rc rc;

	if (call->typed != NULL &&
	    (strcmp(call->typed, "bulk_v2_real_send") == 0 || strcmp(call->typed, "bulk-v2-real-send") == 0))
		return sends_real_send(cx, call);
	rc = command_check(cx, call, OPTIONS("wait"), NO_OPTIONS);
	if (rc != RC_OK) return rc;
	if (command_word(call, 0, NO_OPTIONS) == NULL) {
		rc = bulk_process_due(cx, &count);
		if (rc != RC_OK) return rc;
		return sends_say_count(
			cx, call, "started", count,
			arena_printf(cx->arena, _("Timed sends started: %lld."), (long long)count));
	}
	rc = sends_bulk(cx, call, 0, NO_OPTIONS, &id);
	if (rc == RC_OK) rc = bulk_enqueue(cx, id);
	if (rc != RC_OK) return rc;
	if (!command_flag(call, "wait"))
		return sends_say(cx, call, id, _("It is in the queue and starts by itself."));
	rc = sends_wait(cx, call, id);
	if (rc == RC_OK) rc = print_created(cx, call, id, false);
	return rc == RC_OK ? outcome(cx, id) : rc;
}

static enum rc run_pause(struct cx *cx, struct command_call *call)
{
	int64_t id = 0;
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	if (rc == RC_OK) rc = sends_bulk(cx, call, 0, NO_OPTIONS, &id);
	if (rc == RC_OK) rc = bulk_pause(cx, id, NULL);
	if (rc == RC_OK)
		rc = sends_say(cx, call, id, _("Paused. What is under way arrives; nothing else leaves."));
	return rc;
}

static enum rc run_resume(struct cx *cx, struct command_call *call)
{
	int64_t id = 0;
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	if (rc == RC_OK) rc = sends_bulk(cx, call, 0, NO_OPTIONS, &id);
	if (rc == RC_OK) rc = bulk_resume(cx, id);
	if (rc == RC_OK) rc = sends_say(cx, call, id, _("It goes on."));
	return rc;
}

static enum rc run_cancel(struct cx *cx, struct command_call *call)
{
	int64_t id = 0;
	enum rc rc = command_check(cx, call, NO_OPTIONS, NO_OPTIONS);

	if (rc == RC_OK) rc = sends_bulk(cx, call, 0, NO_OPTIONS, &id);
	if (rc == RC_OK) rc = bulk_cancel(cx, id);
	if (rc == RC_OK) rc = sends_say(cx, call, id, _("Called off. What had left stays sent."));
	return rc;
}

static enum rc run_schedule(struct cx *cx, struct command_call *call)
{
	const char *at = command_option(call, "at");
	instant when = 0;
	int64_t id = 0;
	enum rc rc = command_check(cx, call, OPTIONS("none"), OPTIONS("at"));

	if (rc == RC_OK && (at != NULL) == command_flag(call, "none"))
		rc = cx_fail(cx, RC_BAD_INPUT, _("Usage: recado %s %s"), call->name, call->usage);
	if (rc == RC_OK) rc = sends_bulk(cx, call, 0, OPTIONS("at"), &id);
	if (rc == RC_OK && at != NULL) rc = bulk_hour_parse(cx, &when, at);
	if (rc == RC_OK) rc = bulk_reschedule(cx, id, when);
	if (rc == RC_OK)
		rc = sends_say(cx, call, id,
			       at != NULL ? _("It has its hour.") : _("It has no hour any more."));
	return rc;
}

/* Rows */

static enum rc print_rows(struct cx *cx, struct command_call *call, int64_t id, const char *state,
			  int64_t after, int64_t max)
{
	struct arena *own = cx->arena, *scratch = arena_new(16 * 1024 * 1024);
	int64_t shown = 0;
	bool is_first = true;
	enum rc rc = scratch != NULL ? RC_OK : RC_NO_MEMORY;

	if (call->is_json) fputs("[", call->out);
	for (size_t n = ROWS_STEP; rc == RC_OK && shown < max && n > 0;) {
		struct value *rows = NULL;
		struct sb sb;

		arena_reset(scratch);
		cx->arena = scratch;
		rc = bulk_rows(cx, &rows, id, state, after,
			       max - shown < ROWS_STEP ? max - shown : ROWS_STEP);
		n = rc == RC_OK ? rows->count : 0;
		if (rc == RC_OK) after = rows->last != NULL ? int_of(rows->last, "row") : after;
		if (rc == RC_OK && call->is_json) shape_json(cx, rows);
		for (struct value *r = rc == RC_OK ? rows->first : NULL; r != NULL; r = r->next) {
			if (!call->is_json) {
				fprintf(call->out, "%6lld  %-12s %s  %s\n", (long long)int_of(r, "row"),
					text_of(r, "state"), text_of(r, "email"),
					text_of(r, "error_message"));
				continue;
			}
			sb_init_arena(&sb, scratch, 64 * 1024);
			json_write(&sb, r);
			fprintf(call->out, "%s\n%s", is_first ? "" : ",", sb_text_of(&sb));
			is_first = false;
		}
		shown += (int64_t)n;
		cx->arena = own;
	}
	if (call->is_json) fputs("]\n", call->out);
	arena_free(scratch);
	return rc;
}

static enum rc run_rows(struct cx *cx, struct command_call *call)
{
	const char *const *with_value = OPTIONS("state", "after", "max");
	const char *state = command_option(call, "state"), *after = command_option(call, "after"),
		   *max = command_option(call, "max");
	int64_t id = 0, most = call->is_json ? ROWS_MOST : ROWS_USUAL, behind = 0;
	enum rc rc = command_check(cx, call, NO_OPTIONS, with_value);

	if (rc == RC_OK && max != NULL) rc = sends_number(cx, &most, "--max", max);
	if (rc == RC_OK && after != NULL) rc = sends_number(cx, &behind, "--after", after);
	if (rc == RC_OK) rc = sends_bulk(cx, call, 0, with_value, &id);
	if (rc == RC_OK && !bulk_rows_state_is_known(state != NULL ? state : ""))
		rc = cx_fail(cx, RC_BAD_INPUT, _("“%s” is not one of the choices."), state);
	if (rc != RC_OK) return rc;
	if (most < 1 || most > ROWS_MOST) most = ROWS_MOST;
	return print_rows(cx, call, id, state != NULL ? state : "", behind, most);
}

static enum rc run_resolve(struct cx *cx, struct command_call *call)
{
	const char *const *with_value = OPTIONS("reason");
	const char *row = command_word(call, 1, with_value), *word = command_word(call, 2, with_value);
	bool was_sent = word != NULL && strcmp(word, "sent") == 0;
	int64_t id = 0;
	enum rc rc = command_check(cx, call, NO_OPTIONS, with_value);

	if (rc == RC_OK && (row == NULL || word == NULL || (!was_sent && strcmp(word, "resend") != 0)))
		rc = cx_fail(cx, RC_BAD_INPUT, _("Usage: recado %s %s"), call->name, call->usage);
	if (rc == RC_OK && atoll(row) < 1)
		rc = cx_fail(cx, RC_BAD_INPUT,
			     _("“%.40s” is not a row; write its number, as `recado sends rows` shows it."),
			     row);
	if (rc == RC_OK) rc = sends_bulk(cx, call, 0, with_value, &id);
	if (rc == RC_OK) rc = bulk_resolve(cx, id, atoll(row), was_sent, command_option(call, "reason"));
	if (rc == RC_OK)
		rc = sends_say(cx, call, id,
			       was_sent ? _("Noted: it was sent.") : _("It is sent once more."));
	return rc;
}

const struct command sends_commands[] = {
	{ .name = "sends create",
	  .usage =
		  "FILE --template ID [--subject S] [--sender ID] [--channel doppler|email|sendgrid] "
		  "[--at INSTANT|--now-send|--hold] [--request-id ID] [--dedupe all|exact|address] "
		  "[--may-be-empty NAMES] [--map VARIABLE=COLUMN,…] [--attachment ID] [--suppressed] [--wait]",
	  .help = N_("Make a bulk send from a file of recipients; prints its id."),
	  .needs = COMMAND_HOLDER,
	  .reads_file = true,
	  .run = run_create },
	{ .name = "sends show",
	  .usage = "ID",
	  .help = N_("How a bulk send stands."),
	  .needs = COMMAND_STATE,
	  .run = run_show },
	{ .name = "sends process",
	  .usage = "[ID] [--wait]",
	  .help = N_("Start a bulk send, or all timed ones that are due."),
	  .needs = COMMAND_HOLDER,
	  .aliases = OPTIONS("process_bulk_scheduled", "bulk_v2_real_send"),
	  .run = run_process },
	{ .name = "sends pause",
	  .usage = "ID",
	  .help = N_("Let nothing more of a bulk send leave for now."),
	  .needs = COMMAND_HOLDER,
	  .run = run_pause },
	{ .name = "sends resume",
	  .usage = "ID",
	  .help = N_("Go on with a paused bulk send."),
	  .needs = COMMAND_HOLDER,
	  .run = run_resume },
	{ .name = "sends cancel",
	  .usage = "ID",
	  .help = N_("Call off what of a bulk send has not left."),
	  .needs = COMMAND_HOLDER,
	  .run = run_cancel },
	{ .name = "sends schedule",
	  .usage = "ID --at INSTANT|--none",
	  .help = N_("Give a bulk send that has not started another hour, or none."),
	  .needs = COMMAND_HOLDER,
	  .run = run_schedule },
	{ .name = "sends rows",
	  .usage = "ID [--state STATE] [--after ROW] [--max N]",
	  .help = N_("Recipients of a bulk send and what became of each."),
	  .needs = COMMAND_STATE,
	  .run = run_rows },
	{ .name = "sends resolve",
	  .usage = "ID ROW sent|resend --reason TEXT",
	  .help = N_("Decide an unsure mail of a bulk send: it was sent, or send it again."),
	  .needs = COMMAND_HOLDER,
	  .run = run_resolve },
	{ .name = "sends reports",
	  .usage = "request TYPE FROM TO | process | load ID --alias default|analytics [--again]",
	  .help = N_("Ask for reports, fetch them, load them."),
	  .needs = COMMAND_HOLDER,
	  .aliases = OPTIONS("process_reports_pending"),
	  .run = sends_reports_command },
	{ .name = "sends post-reports",
	  .usage = "[--bulk-id ID] [--force] [--wait] [--verbose-report]",
	  .help = N_("Reports of sends whose time has come; --force: whatever their age."),
	  .needs = COMMAND_HOLDER,
	  .aliases = OPTIONS("process_post_send_reports", "process_post_send_reports_now"),
	  .run = sends_post_reports_command },
	{ .name = "sends inspect_reports_schema",
	  .usage = "[--types LIST] [--days N] [--only-existing] [--out FILE]",
	  .help = N_("Columns of the reports' files and what they hold; no cell is shown."),
	  .needs = COMMAND_STATE, /* in the caller's process: FILE is his */
	  .aliases = OPTIONS("inspect_reports_schema"),
	  .run = sends_inspect_command },
	{ .name = "sends clean_reports_contaminated",
	  .usage = "--day YYYY-MM-DD|--truncate [--alias default|analytics]",
	  .help = N_("Take loaded rows of a day, or all of them, out of a place again; files stay."),
	  .needs = COMMAND_HOLDER,
	  .aliases = OPTIONS("clean_reports_contaminated"),
	  .run = sends_clean_command },
	{ .name = "sends forget",
	  .usage = "ADDRESS",
	  .help = N_("Forget what files said about a recipient who asks for it; that mails left stays."),
	  .needs = COMMAND_HOLDER,
	  .run = recipients_forget_command },
	{ .name = "sends process_background_jobs",
	  .usage = "[--limit N] [--types LIST]",
	  .help = N_("Run the work of bulk sends that is due; the server does it by itself."),
	  .needs = COMMAND_HOLDER,
	  .aliases = OPTIONS("process_background_jobs"),
	  .run = sends_background },
	{ .name = "sends setup_operator_group",
	  .usage = "",
	  .help = N_("Who may what: the roles of bulk sends are always there."),
	  .needs = COMMAND_STATE,
	  .aliases = OPTIONS("setup_operator_group"),
	  .run = sends_roles },
	{ .name = "sends backfill_template_names",
	  .usage = "",
	  .help = N_("Give old bulk sends the names of their templates."),
	  .needs = COMMAND_HOLDER,
	  .aliases = OPTIONS("backfill_template_names"),
	  .run = sends_backfill },
	{ .name = NULL },
};
