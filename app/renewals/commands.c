/*
** commands.c -- `recado renewals …`: run, stats, renew, gateway. (Import has its own file; pay and cancel are
** in commands_pay.c.)
**
** A run is a job of this process, whether it came from the schedule, the shell or /cron/: the
** command only starts it and tells what it did.
*/
#include "outbox/window.h"
#include "renewals/import.h"
#include "renewals/payment_steps.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MS           50                /* how often a waiting command looks                        */
#define PLAN_WAIT_MS      (30 * MINUTE_MS)  /* the plan job's own time limit                             */
#define STUCK_WAIT_MS     (15 * MINUTE_MS)  /* what waits longer than that will not leave while we watch */
#define SCRATCH_ARENA_MAX (4 * 1024 * 1024) /* one look at the batch and its channel */
#define NO_OPTIONS        ((const char *const[]){ NULL })
#define OPTIONS(...)      ((const char *const[]){ __VA_ARGS__, NULL })

static enum rc parse_stages(struct cx *cx, struct plan_options *o, const char *text)
{
	const char *at = text;

	o->stage_count = 0;
	while (*at != '\0') {
		char *end = NULL;
		long n = strtol(at, &end, 10);

		if (end == at || (*end != ',' && *end != '\0') || n < 0 || n > STAGE_DAYS_MAX ||
		    o->stage_count == STAGES_MAX)
			return cx_fail(
				cx, RC_BAD_INPUT,
				_("“%s” is not a list of days such as 0,1,3,7 (at most %d, each up to %d)."),
				text, STAGES_MAX, STAGE_DAYS_MAX);
		o->stages[o->stage_count++] = n;
		at = *end == ',' ? end + 1 : end;
	}
	return o->stage_count > 0
		       ? RC_OK
		       : cx_fail(cx, RC_BAD_INPUT, _("Give at least one stage, such as --stages 0,1,3,7."));
}

static enum rc read_run_options(struct cx *cx, struct command_call *call, struct plan_options *o)
{
	const char *date = command_option(call, "date"), *stages = command_option(call, "stages");
	enum rc rc = RC_OK;

	*o = (struct plan_options){ .date = cx_today(cx),
				    .origin = "auto",
				    .batch_origin = "command",
				    .is_dry = command_flag(call, "dry-run") };
	if (stages == NULL)
		stages = command_option(call, "days"); /* send_expiration_notifications --days N */
	if (date != NULL && day_parse(&o->date, date) != RC_OK)
		return cx_fail(cx, RC_BAD_INPUT, _("“%s” is not a date; write it like 2026-11-22."), date);
	if (o->date != cx_today(cx) && !o->is_dry && !cx->env->is_offline)
		return cx_fail(cx, RC_BAD_INPUT,
			       _("A run for another date needs --dry-run (or offline mode)."));
	if (stages != NULL)
		rc = parse_stages(cx, o, stages);
	else
		o->stage_count = plan_stages_default(cx, o->stages);
	o->is_whole = stages == NULL;
	return rc;
}

static enum rc print_dry(struct cx *cx, struct command_call *call, const struct plan_options *o)
{
	struct plan_result result;
	enum rc rc = plan_run(cx, NULL, o, &result);
	struct sb sb;

	if (rc != RC_OK) return rc;
	if (call->is_json) {
		struct value *root = value_map(cx->arena),
			     *stages = value_set_list(cx->arena, root, "results");

		for (size_t i = 0; i < result.stage_count; i++) {
			struct value *row = value_add_map(cx->arena, stages);

			value_set_int(cx->arena, row, "days", result.stages[i].days);
			value_set_int(cx->arena, row, "found", result.stages[i].found);
			value_set_int(cx->arena, row, "would_send", result.stages[i].planned);
			value_set_int(cx->arena, row, "skipped", result.stages[i].skipped);
			value_set_int(cx->arena, row, "already", result.stages[i].already);
		}
		value_set_int(cx->arena, root, "choosing_us", result.choosing_us);
		value_set(root, "listed", result.listed);
		sb_init_arena(&sb, cx->arena, 16 * 1024 * 1024);
		json_write_pretty(&sb, root);
		fprintf(call->out, "%s\n", sb_text_of(&sb));
		return sb_result(&sb);
	}
	for (const struct value *r = result.listed->first; r != NULL; r = r->next) {
		const char *skip = value_text_of(value_get(r, "skip_reason"), "");

		fprintf(call->out, "%s  %s  %s  %s%s%s\n", value_text_of(value_get(r, "ends_on"), ""),
			value_text_of(value_get(r, "client"), ""), value_text_of(value_get(r, "service"), ""),
			value_text_of(value_get(r, "address"), ""), skip[0] != '\0' ? "  — " : "",
			skip_words(cx->lang, skip));
	}
	for (size_t i = result.stage_count; i-- > 0;)
		fprintf(call->out, _("%d days: found %lld, would send %lld, skipped %lld\n"),
			result.stages[i].days, (long long)result.stages[i].found,
			(long long)result.stages[i].planned, (long long)result.stages[i].skipped);
	fprintf(call->out, "%s\n", _("Nothing was sent (--dry-run)."));
	return RC_OK;
}

/* Wait for the planning job; its batch. */
static enum rc wait_for_plan(struct cx *cx, struct command_call *call, int64_t job_id, int64_t *batch_id)
{
	struct value *job = NULL, *result = NULL;
	const char *json;
	enum rc rc = job_wait_shown(cx, &job, job_id, PLAN_WAIT_MS, call->err);

	if (rc != RC_OK) return rc;
	json = value_text_of(value_get(job, "result_json"), "{}");
	rc = json_parse(cx->arena, &result, NULL, json, strlen(json));
	*batch_id = value_int_of(value_get(result, "batch_id"), 0);
	if (rc == RC_OK && *batch_id == 0)
		rc = cx_fail(cx, RC_CONFLICT, "%s", value_text_of(value_get(job, "note"), ""));
	return rc;
}

/* Will anything of the batch still move while we watch? Not through a stopped channel, not in the quiet
** hours, not when the next try is far off. */
static bool is_stuck(struct cx *cx, int64_t batch_id)
{
	const struct settings *settings = cx->env->settings;
	struct value *channel = NULL;
	int64_t soonest = 0, sending = 0;

	if (channel_show(cx, &channel, "whatsapp") == RC_OK &&
	    strcmp(value_text_of(value_get(channel, "state"), ""), "stopped") == 0)
		return true;
	if (db_get_int(cx, &sending,
		       "SELECT count(*) FROM message WHERE batch_id = :id AND state = 'sending'",
		       PARAMS(P_INT(":id", batch_id))) != RC_OK ||
	    sending > 0)
		return false;
	if (!window_is_open(cx->env->zone, cx_now(cx), setting_int(settings, "outbox.window_from"),
			    setting_int(settings, "outbox.window_to")))
		return true;
	if (db_get_int(cx, &soonest,
		       "SELECT min(not_before_at) FROM message WHERE batch_id = :id AND state = 'queued'",
		       PARAMS(P_INT(":id", batch_id))) != RC_OK)
		return true;
	return soonest > cx_now(cx) + STUCK_WAIT_MS;
}

static enum rc wait_for_batch(struct cx *cx, int64_t batch_id)
{
	struct arena *own = cx->arena, *scratch = arena_new(SCRATCH_ARENA_MAX);
	bool is_finished = false, is_over = false;
	enum rc rc = scratch != NULL ? RC_OK : RC_NO_MEMORY;

	while (rc == RC_OK && !is_over && !cx->env->is_stopping) {
		arena_reset(scratch);
		cx->arena = scratch;
		rc = batch_is_finished(cx, &is_finished, batch_id);
		is_over = rc != RC_OK || is_finished || is_stuck(cx, batch_id);
		cx->arena = own;
		if (!is_over) (void)poll(NULL, 0, POLL_MS);
	}
	arena_free(scratch);
	return rc;
}

/* 3 when something failed or is unsure, 1 when nothing could leave. */
static enum rc outcome_of(struct cx *cx, const struct value *report)
{
	const struct value *results = value_get(report, "results");
	int64_t queued = 0, sent = value_int_of(value_get(report, "total_sent"), 0);
	bool is_well = value_bool_of(value_get(report, "success"), false);

	for (const struct value *r = results != NULL ? results->first : NULL; r != NULL; r = r->next)
		queued += value_int_of(value_get(r, "queued"), 0);
	if (!is_well)
		return cx_fail(cx, RC_PARTLY,
			       _("Some notices failed or are unsure; `recado outbox` lists them."));
	if (queued > 0 && sent == 0)
		return cx_fail(cx, RC_TRY_LATER,
			       _("Nothing has left: see the gateway with `recado renewals gateway`."));
	return queued > 0
		       ? cx_fail(cx, RC_PARTLY,
				 _("Some notices still wait; see the gateway with `recado renewals gateway`."))
		       : RC_OK;
}

static enum rc run_run(struct cx *cx, struct command_call *call)
{
	struct plan_options options;
	struct value *report = NULL;
	int64_t job_id = 0, batch_id = 0;
	struct sb sb;
	enum rc rc = command_check(cx, call, OPTIONS("dry-run", "wait", "force"),
				   OPTIONS("date", "stages", "days"));

	if (rc == RC_OK) rc = read_run_options(cx, call, &options);
	if (rc != RC_OK) return rc;
	if (options.is_dry) return print_dry(cx, call, &options);
	rc = plan_start(cx, &job_id, &options);
	if (rc == RC_CONFLICT) return cx_fail(cx, rc, _("A run is already under way; wait for it to end."));
	if (rc == RC_OK) rc = wait_for_plan(cx, call, job_id, &batch_id);
	if (rc == RC_OK && command_flag(call, "wait")) rc = wait_for_batch(cx, batch_id);
	if (rc == RC_OK) rc = report_of_batch(cx, &report, batch_id, cx->lang);
	if (rc != RC_OK) return rc;
	sb_init_arena(&sb, cx->arena, 1024 * 1024);
	if (call->is_json) {
		json_write_pretty(&sb, report);
		sb_char(&sb, '\n');
	} else
		report_text(&sb, report, cx->lang);
	fputs(sb_text_of(&sb), call->out);
	fflush(call->out);
	return command_flag(call, "wait") ? outcome_of(cx, report) : RC_OK;
}

static enum rc run_stats(struct cx *cx, struct command_call *call)
{
	static const char *const names[] = { "local_on", "found",   "sent",           "delivered", "read",
					     "failed",   "unsure",  "skipped",        "stage_7",   "stage_3",
					     "stage_1",  "stage_0", "success_percent" };
	const char *from_text = command_option(call, "from"), *to_text = command_option(call, "to");
	day to = cx_today(cx), from;
	struct value *rows = NULL;
	enum rc rc = command_check(cx, call, NO_OPTIONS, OPTIONS("from", "to"));

	if (rc == RC_OK && to_text != NULL && day_parse(&to, to_text) != RC_OK)
		rc = cx_fail(cx, RC_BAD_INPUT, _("“%s” is not a date; write it like 2026-11-22."), to_text);
	from = to - 29;
	if (rc == RC_OK && from_text != NULL && day_parse(&from, from_text) != RC_OK)
		rc = cx_fail(cx, RC_BAD_INPUT, _("“%s” is not a date; write it like 2026-11-22."), from_text);
	if (rc == RC_OK) rc = stats_days(cx, &rows, from, to);
	if (rc != RC_OK) return rc;
	if (call->is_json) {
		struct sb sb;

		sb_init_arena(&sb, cx->arena, 4 * 1024 * 1024);
		json_write_pretty(&sb, rows);
		fprintf(call->out, "%s\n", sb_text_of(&sb));
		return sb_result(&sb);
	}
	fprintf(call->out, "%s\n",
		_("date        found  sent  delivered  read  failed  unsure  skipped     7     3     1     0     %"));
	for (const struct value *r = rows->first; r != NULL; r = r->next) {
		fprintf(call->out, "%s", value_text_of(value_get(r, names[0]), ""));
		for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++)
			fprintf(call->out, " %6lld", (long long)value_int_of(value_get(r, names[i]), 0));
		fputc('\n', call->out);
	}
	return RC_OK;
}

static enum rc run_renew(struct cx *cx, struct command_call *call)
{
	const char *const *with_value = OPTIONS("periods", "payment", "reference");
	const char *id = command_word(call, 0, with_value), *periods = command_option(call, "periods");
	const struct resource *subscriptions = desk_resource("subscriptions");
	struct renew_options options = RENEW_DEFAULTS;
	struct renewed done;
	int64_t row_id = 0;
	enum rc rc = command_check(cx, call, OPTIONS("pending", "no-confirmation"), with_value);

	if (rc == RC_OK && id == NULL)
		rc = cx_fail(
			cx, RC_BAD_INPUT,
			_("Usage: recado renewals renew ID [--periods N] [--payment METHOD] [--pending]"));
	if (rc == RC_OK && desk_find(cx, &row_id, subscriptions, id) != RC_OK)
		rc = cx_fail(cx, RC_BAD_INPUT, _("There is no subscription %s."), id);
	options.periods = periods != NULL ? atoi(periods) : 1;
	options.payment_method = command_option(call, "payment");
	options.payment_reference = command_option(call, "reference");
	options.payment_is_pending = command_flag(call, "pending");
	options.confirms = !command_flag(call, "no-confirmation");
	if (rc == RC_OK && options.payment_method != NULL && !payment_method_is_known(options.payment_method))
		rc = cx_fail(cx, RC_BAD_INPUT, _("“%s” is not one of the choices."), options.payment_method);
	if (rc == RC_OK) rc = renew_run(cx, &done, row_id, &options);
	if (rc != RC_OK) return rc;
	if (call->is_json)
		fprintf(call->out, "{\"starts_on\":\"%s\",\"ends_on\":\"%s\"}\n", done.starts_on,
			done.ends_on);
	else
		fprintf(call->out, _("Renewed: now until %s.\n"), done.ends_on);
	return RC_OK;
}

static enum rc run_gateway(struct cx *cx, struct command_call *call)
{
	const char *word = command_word(call, 0, NO_OPTIONS), *sentence = "";
	struct value *card = NULL;
	enum rc rc = command_check(cx, call, NO_OPTIONS, OPTIONS("phone", "message"));

	if (rc == RC_OK && word != NULL && strcmp(word, "test") != 0)
		rc = cx_fail(cx, RC_BAD_INPUT, _("Usage: recado renewals gateway [test]"));
	if (rc != RC_OK) return rc;
	if (word != NULL) {
		rc = channel_test(cx, "whatsapp", &sentence);
		fprintf(call->out, "%s\n", sentence);
		return rc;
	}
	rc = channel_show(cx, &card, "whatsapp");
	if (rc != RC_OK) return rc;
	if (call->is_json) {
		struct sb sb;

		shape_json(cx, card);
		sb_init_arena(&sb, cx->arena, 64 * 1024);
		json_write_pretty(&sb, card);
		fprintf(call->out, "%s\n", sb_text_of(&sb));
		return RC_OK;
	}
	for (const struct value *v = card->first; v != NULL; v = v->next)
		if (v->type == VALUE_TEXT && v->text[0] != '\0')
			fprintf(call->out, "%s: %s\n", v->key, v->text);
		else if (v->type == VALUE_INT)
			fprintf(call->out, "%s: %lld\n", v->key, (long long)v->integer);
		else if (v->type == VALUE_BOOL)
			fprintf(call->out, "%s: %s\n", v->key, v->boolean ? _("yes") : _("no"));
	return RC_OK;
}

const struct command renewals_commands[] = {
	{ .name = "renewals run",
	  .usage = "[--date YYYY-MM-DD] [--stages LIST] [--dry-run] [--wait]",
	  .help = N_("Send today's renewal notices; a second run the same day sends nothing new."),
	  .needs = COMMAND_HOLDER,
	  .aliases = OPTIONS("send-expiration-notifications"),
	  .run = run_run },
	{ .name = "renewals stats",
	  .usage = "[--from DATE] [--to DATE]",
	  .help = N_("Notices per day."),
	  .needs = COMMAND_STATE,
	  .run = run_stats },
	{ .name = "renewals renew",
	  .usage = "ID [--periods N] [--payment METHOD] [--pending]",
	  .help = N_("Renew a subscription."),
	  .needs = COMMAND_HOLDER,
	  .run = run_renew },
	{ .name = "renewals pay",
	  .usage = "ID [--amount A] [--method METHOD] [--reference R] [--renew N] [--pending]",
	  .help = N_("Note a payment of a subscription, and renew with it."),
	  .needs = COMMAND_HOLDER,
	  .run = command_pay },
	{ .name = "renewals cancel",
	  .usage = "ID [--at-end] [--reason TEXT]",
	  .help = N_("Cancel a subscription, now or at its end."),
	  .needs = COMMAND_HOLDER,
	  .run = command_cancel },
	{ .name = "renewals gateway",
	  .usage = "[test]",
	  .help = N_("How the WhatsApp gateway is; test asks it now."),
	  .needs = COMMAND_HOLDER,
	  .aliases = OPTIONS("test-whatsapp-service"),
	  .run = run_gateway },
	{ .name = "renewals import",
	  .usage = "FILE [--commit] [--on-duplicate skip|update]",
	  .help = N_("Look at a customer file (CSV); --commit takes it in."),
	  .needs = COMMAND_HOLDER,
	  .reads_file = true,
	  .run = import_command },
	{ .name = NULL },
};
