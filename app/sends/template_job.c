/*
** template_job.c -- what is asked of the provider about templates: its list, one of them, saving, deleting.
**
** Owns:   the job kinds sends.template*; what is remembered of the list (meta).
** Needs:  doppler.h, which calls.
** Never:  holds a transaction over a call.
** Holds:  (1) one refresh at a time; (2) a list that could not be read completely changes nothing; (3) three
**         failures within a minute leave the provider alone for a minute (spec §5); (4) a template is made
**         once, also when the program stopped between the call and its end: it is looked for by name first.
*/
#include "sends/doppler.h"
#include "sends/template_inner.h"
#include "base/sentence.h"
#include "files/files.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define META_LIST "sends.templates"

#define KIND_LIST   "sends.templates"
#define KIND_FETCH  "sends.template"
#define KIND_SAVE   "sends.template_save"
#define KIND_DELETE "sends.template_delete"

#define LISTED_MAX      10000 /* 50 pages of 200 (contract §6)                               */
#define SLICE           100   /* rows a transaction: a few milliseconds                      */
#define FAILURES_MAX    3     /* then …                                                      */
#define FAILURES_WITHIN MINUTE_MS
#define PAUSE_MS        MINUTE_MS

/* What is remembered of the list */

enum rc template_list_read(struct cx *cx, struct template_list *out)
{
	const char *json = "";
	struct value *v = NULL;
	enum rc rc = meta_get(cx, &json, META_LIST);

	if (rc != RC_OK) return rc;
	if (json[0] == '\0' || json_parse(cx->arena, &v, NULL, json, strlen(json)) != RC_OK) v = NULL;
	*out = (struct template_list){
		.listed_at = value_int_of(value_get(v, "listed_at"), 0),
		.failed_at = value_int_of(value_get(v, "failed_at"), 0),
		.first_failed_at = value_int_of(value_get(v, "first_failed_at"), 0),
		.failures = value_int_of(value_get(v, "failures"), 0),
		.why = value_text_of(value_get(v, "why"), ""),
	};
	return RC_OK;
}

static enum rc list_write(struct cx *cx, const struct template_list *list)
{
	struct value *v = value_map(cx->arena);
	struct sb sb;
	enum rc rc;

	value_set_int(cx->arena, v, "listed_at", list->listed_at);
	value_set_int(cx->arena, v, "failed_at", list->failed_at);
	value_set_int(cx->arena, v, "first_failed_at", list->first_failed_at);
	value_set_int(cx->arena, v, "failures", list->failures);
	value_set_text(cx->arena, v, "why", list->why);
	sb_init_arena(&sb, cx->arena, 4000);
	json_write(&sb, v);
	rc = sb_result(&sb);
	return rc == RC_OK ? meta_set(cx, META_LIST, sb_text_of(&sb)) : rc;
}

instant template_pause_until(const struct template_list *list, instant now)
{
	if (list->failures < FAILURES_MAX || now - list->failed_at >= PAUSE_MS) return 0;
	return list->failed_at + PAUSE_MS;
}

/* Own transaction; a failure of it is only logged: the job's own end counts. */
static void list_failed(struct cx *cx, const char *why)
{
	struct template_list list;
	instant now = cx_now(cx);
	enum rc rc = template_list_read(cx, &list);

	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return;
	if (list.failures == 0 || now - list.first_failed_at > FAILURES_WITHIN) {
		list.failures = 0;
		list.first_failed_at = now;
	}
	list.failures++;
	list.failed_at = now;
	list.why = why;
	rc = tx_end(cx, list_write(cx, &list));
	if (rc != RC_OK) log_event(LOG_WARN, "jobs", "templates.failure_lost", "rc=%s", rc_row(rc)->name);
}

/* The list */

struct listing {
	struct doppler_template *at;
	size_t count;
};

static const char *kept(struct cx *cx, const char *text)
{
	return text != NULL ? arena_text(cx->arena, text) : "";
}

static enum rc listed(struct cx *cx, void *arg, const struct doppler_template *t)
{
	struct listing *l = arg;

	if (t->id == NULL || t->id[0] == '\0' || strlen(t->id) > DOPPLER_ID_MAX) return RC_OK;
	if (l->count == LISTED_MAX) return RC_OK;
	l->at[l->count++] = (struct doppler_template){
		.id = kept(cx, t->id),
		.name = kept(cx, t->name),
		.subject = kept(cx, t->subject),
		.from_email = kept(cx, t->from_email),
		.from_name = kept(cx, t->from_name),
		.body_type = kept(cx, t->body_type),
		.body = t->body != NULL ? arena_text(cx->arena, t->body) : NULL,
	};
	return arena_failed(cx->arena) ? RC_NO_MEMORY : RC_OK;
}

/* All of them, a slice a transaction; the last one takes out what was not there any more. */
static enum rc keep_list(struct cx *cx, const struct listing *l)
{
	struct template_list list = { .listed_at = cx_now(cx), .why = "" };
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < l->count; i += SLICE) {
		rc = tx_begin(cx);
		for (size_t k = i; rc == RC_OK && k < l->count && k < i + SLICE; k++)
			rc = template_keep_listed(cx, &l->at[k]);
		rc = tx_end(cx, rc);
	}
	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = db_run(
		cx,
		"UPDATE provider_template SET is_listed = 0 WHERE channel = :channel AND is_listed = 1 AND listed_at < :now",
		PARAMS(P_TEXT(":channel", TEMPLATE_DOPPLER), P_INT(":now", list.listed_at)));
	if (rc == RC_OK) rc = list_write(cx, &list);
	return tx_end(cx, rc);
}

static enum rc result_write(struct cx *cx, struct job *job, const char *id, const char *sentence,
			    bool is_well)
{
	struct value *result = value_map(cx->arena);

	value_set_text(cx->arena, result, "id", id);
	value_set_bool(cx->arena, result, "is_well", is_well);
	value_set_text(cx->arena, result, "sentence", sentence_keep(cx->arena, cx->lang, "%s", sentence));
	job_note(cx, job, "%s", sentence);
	return job_result(cx, job, result);
}

/* Looking failed: whoever waits reads why, and the next look may work. Nothing for a person to mend under "Work". */
static enum rc looked_in_vain(struct cx *cx, struct job *job, const char *id, enum rc rc)
{
	return result_write(cx, job, id, cx_sentence_kept(cx, rc), false);
}

static enum rc run_list(struct cx *cx, struct job *job)
{
	struct listing l = { .at = arena_array(cx->arena, LISTED_MAX, sizeof *l.at) };
	enum rc rc = l.at != NULL ? doppler_templates(cx, listed, &l) : RC_NO_MEMORY;

	if (rc == RC_OK) rc = keep_list(cx, &l);
	if (rc != RC_OK) {
		list_failed(cx, cx_sentence(cx, rc));
		return looked_in_vain(cx, job, "", rc);
	}
	return result_write(cx, job, "",
			    sentence_keep(cx->arena, cx->lang, _("The provider has %zu templates."), l.count),
			    true);
}

enum rc mail_templates_refresh(struct cx *cx, int64_t *job_id)
{
	struct template_list list;
	instant until;
	enum rc rc = doppler_is_set(cx);

	if (rc == RC_OK) rc = template_list_read(cx, &list);
	if (rc != RC_OK) return rc;
	until = template_pause_until(&list, cx_now(cx));
	if (until != 0)
		return cx_fail(cx, RC_TRY_LATER,
			       _("The provider failed three times; it is asked again in %lld seconds. %s"),
			       (long long)((until - cx_now(cx)) / 1000 + 1), list.why);
	rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = job_add(cx, job_id, &(struct job_new){ .kind = KIND_LIST, .slot = KIND_LIST });
	if (rc == RC_CONFLICT) {
		rc = tx_end(cx, RC_OK);
		return rc == RC_OK ? RC_CONFLICT : rc;
	}
	return tx_end(cx, rc);
}

/* One of them */

static const char *arg_of(const struct job *job, const char *name)
{
	return value_text_of(value_get(job_args(job), name), "");
}

static enum rc start(struct cx *cx, int64_t *job_id, const char *kind, const char *slot, struct value *args)
{
	enum rc rc = doppler_is_set(cx);

	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = job_add(cx, job_id, &(struct job_new){ .kind = kind, .slot = slot, .args = args });
	if (rc == RC_CONFLICT) {
		rc = tx_end(cx, RC_OK);
		return rc == RC_OK ? RC_CONFLICT : rc;
	}
	return tx_end(cx, rc);
}

static enum rc run_fetch(struct cx *cx, struct job *job)
{
	struct mail_template t;
	const char *id = arg_of(job, "id");
	enum rc rc = mail_template_read(cx, &t, TEMPLATE_DOPPLER, id, true);

	return rc == RC_OK ? result_write(cx, job, id, "", true) : looked_in_vain(cx, job, id, rc);
}

enum rc template_fetch_start(struct cx *cx, int64_t *job_id, const char *id)
{
	struct value *args = value_map(cx->arena);

	value_set_text(cx->arena, args, "id", id);
	return start(cx, job_id, KIND_FETCH, arena_printf(cx->arena, KIND_FETCH ":%s", id), args);
}

/* The body is a file meanwhile: arguments of a job name things, they do not carry them. */
static enum rc keep_body(struct cx *cx, int64_t *file_id, const char *html)
{
	struct file_new file = { .name = "template.html",
				 .media_type = "text/html",
				 .owner_table = "provider_template",
				 .max = TEMPLATE_HTML_MAX };
	int fd = -1;
	enum rc rc = spool_open(&fd, cx->env->dir);

	if (rc == RC_OK) rc = fd_write_all(fd, html, strlen(html));
	if (rc == RC_OK) rc = file_store(cx, file_id, fd, &file);
	if (fd >= 0) close(fd);
	return rc;
}

static enum rc drop_body(struct cx *cx, int64_t file_id)
{
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	return tx_end(
		cx,
		db_run(cx,
		       "UPDATE file SET archived_at = :now WHERE id = :id AND owner_table = 'provider_template'",
		       PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", file_id))));
}

static enum rc read_body(struct cx *cx, const char **out, int64_t file_id)
{
	struct bytes b = { NULL, 0 };
	enum rc rc = file_map(cx, &b, file_id);

	if (rc != RC_OK) return rc;
	*out = b.len > 0 ? arena_bytes(cx->arena, b.p, b.len) : "";
	file_unmap(b);
	return RC_OK;
}

/* Did an earlier run of this job make it already? */
static enum rc find_made(struct cx *cx, const char **id, const char *name)
{
	struct listing l = { .at = arena_array(cx->arena, LISTED_MAX, sizeof *l.at) };
	enum rc rc = l.at != NULL ? doppler_templates(cx, listed, &l) : RC_NO_MEMORY;

	for (size_t i = 0; rc == RC_OK && i < l.count; i++)
		if (strcmp(l.at[i].name, name) == 0) *id = l.at[i].id;
	return rc;
}

/* Written down before the call, so that a second run knows of it. */
static enum rc note_asked(struct cx *cx, struct job *job)
{
	struct value *place = value_map(cx->arena);
	enum rc rc = tx_begin(cx);

	value_set_bool(cx->arena, place, "asked", true);
	if (rc == RC_OK) rc = job_save_place(cx, job, place);
	return tx_end(cx, rc);
}

static enum rc run_save(struct cx *cx, struct job *job)
{
	struct doppler_template t = {
		.id = arg_of(job, "id"),
		.name = arg_of(job, "name"),
		.subject = arg_of(job, "subject"),
		.from_email = arg_of(job, "from_email"),
		.from_name = arg_of(job, "from_name"),
		.body_type = "rawHtml",
	};
	int64_t file = value_int_of(value_get(job_args(job), "file"), 0);
	bool is_new = t.id[0] == '\0';
	const char *made = NULL;
	enum rc rc = read_body(cx, &t.body, file);

	if (rc == RC_OK && is_new && value_bool_of(value_get(job_place(job), "asked"), false))
		rc = find_made(cx, &t.id, t.name);
	if (rc == RC_OK && is_new) rc = note_asked(cx, job);
	if (rc == RC_OK) rc = doppler_template_save(cx, &made, &t);
	if (rc != RC_OK) return rc;
	if (made != NULL && made[0] != '\0') t.id = made;
	rc = tx_begin(cx);
	if (rc == RC_OK) rc = template_keep_listed(cx, &t);
	if (rc == RC_OK) rc = audit_add(cx, is_new ? "create" : "edit", "provider_template", 0, NULL, NULL);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) rc = drop_body(cx, file);
	return rc == RC_OK ? result_write(cx, job, t.id, _("The template was saved at the provider."), true)
			   : rc;
}

enum rc template_save_start(struct cx *cx, int64_t *job_id, const struct template_draft *draft)
{
	struct value *args = value_map(cx->arena);
	int64_t file = 0;
	enum rc rc = doppler_is_set(cx);

	if (rc == RC_OK) rc = keep_body(cx, &file, draft->html);
	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, args, "id", draft->id);
	value_set_text(cx->arena, args, "name", draft->name);
	value_set_text(cx->arena, args, "subject", draft->subject);
	value_set_text(cx->arena, args, "from_email", draft->from_email);
	value_set_text(cx->arena, args, "from_name", draft->from_name);
	value_set_int(cx->arena, args, "file", file);
	rc = start(cx, job_id, KIND_SAVE,
		   draft->id[0] != '\0' ? arena_printf(cx->arena, KIND_SAVE ":%s", draft->id) : NULL, args);
	if (rc == RC_CONFLICT)
		return cx_fail(cx, rc, "%s",
			       _("This template is just being saved; wait until that has ended."));
	return rc;
}

static enum rc run_delete(struct cx *cx, struct job *job)
{
	const char *id = arg_of(job, "id");
	enum rc rc = doppler_template_delete(cx, id);

	if (rc == RC_OK) rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = template_forget(cx, id);
	if (rc == RC_OK) rc = audit_add(cx, "archive", "provider_template", 0, NULL, NULL);
	rc = tx_end(cx, rc);
	return rc == RC_OK ? result_write(cx, job, "", _("The template was deleted at the provider."), true)
			   : rc;
}

enum rc template_delete_start(struct cx *cx, int64_t *job_id, const char *id)
{
	struct value *args = value_map(cx->arena);
	enum rc rc;

	value_set_text(cx->arena, args, "id", id);
	rc = start(cx, job_id, KIND_DELETE, arena_printf(cx->arena, KIND_DELETE ":%s", id), args);
	return rc == RC_CONFLICT ? RC_OK : rc; /* it is on its way: as good */
}

/* How it stands */

enum rc template_work_read(struct cx *cx, struct template_work *out, int64_t job_id)
{
	struct value *job = NULL, *result = NULL;
	const char *state, *json;
	enum rc rc = job_show(cx, &job, job_id);

	if (rc != RC_OK) return rc;
	if (strncmp(value_text_of(value_get(job, "kind"), ""), KIND_FETCH, strlen(KIND_FETCH)) != 0)
		return RC_NOT_FOUND;
	state = value_text_of(value_get(job, "state"), "");
	json = value_text_of(value_get(job, "result_json"), "{}");
	if (json_parse(cx->arena, &result, NULL, json, strlen(json)) != RC_OK) result = NULL;
	*out = (struct template_work){
		.is_over = strcmp(state, "queued") != 0 && strcmp(state, "running") != 0,
		.is_well = strcmp(state, "done") == 0 && value_bool_of(value_get(result, "is_well"), false),
		.id = value_text_of(value_get(result, "id"), ""),
		.sentence = job_text(cx, value_text_of(value_get(result, "sentence"), "")),
	};
	if (!out->is_well && out->is_over && out->sentence[0] == '\0') {
		out->sentence = value_text_of(value_get(job, "error"), "");
		if (out->sentence[0] == '\0') out->sentence = _("The provider could not be asked.");
	}
	return RC_OK;
}

const struct job_kind template_jobs[] = {
	{ .name = KIND_LIST,
	  .title = N_("List of the provider's templates"),
	  .queue = "templates",
	  .attempts_max = 1,
	  .time_limit_s = 300,
	  .delay_s = 30,
	  .run = run_list },
	{ .name = KIND_FETCH,
	  .title = N_("Read a template of the provider"),
	  .queue = "templates",
	  .attempts_max = 1,
	  .time_limit_s = 120,
	  .delay_s = 30,
	  .run = run_fetch },
	{ .name = KIND_SAVE,
	  .title = N_("Save a template at the provider"),
	  .queue = "templates",
	  .attempts_max = 1,
	  .time_limit_s = 120,
	  .delay_s = 30,
	  .run = run_save },
	{ .name = KIND_DELETE,
	  .title = N_("Delete a template at the provider"),
	  .queue = "templates",
	  .attempts_max = 3,
	  .time_limit_s = 120,
	  .delay_s = 30,
	  .run = run_delete },
	{ .name = NULL },
};
