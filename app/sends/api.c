/*
** api.c -- the calls that change a bulk send, for pages and programs: create, start, pause, cancel, another
** hour, decide.
**
** Needs:  bulk.h for all of it; the form of a new send is read by bulk_pages_form.c.
** Never:  waits for the network: what needs it is a job.
** Holds:  (1) a person is told in a line on the send's page what became of a press, also when it came too
**         late; a program gets the send as it is now, or the code of what is wrong; (2) making a send is
**         never done twice: by client_request_id.
*/
#include "sends/api.h"

#include "sends/recipients.h"
#include "sends/reports.h"
#include <stdlib.h>
#include <string.h>

#define FORM_MAX ((size_t)RECIPIENTS_BYTES_MAX + 1024 * 1024) /* the largest file and the fields around it */

static bool is_page(const struct call *call)
{
	return call_shape(call) == SHAPE_PAGE;
}

static const char *page_of(struct cx *cx, int64_t id)
{
	const char *public_id = "";

	if (db_get_text(cx, &public_id, "SELECT public_id FROM bulk_send WHERE id = :id",
			PARAMS(P_INT(":id", id))) != RC_OK)
		return "/sends";
	return arena_printf(cx->arena, "/sends/%s", public_id);
}

/* What became of it: the send's page with a line, or the send. */
static enum rc answer(struct cx *cx, struct call *call, int64_t id, enum rc rc, const char *sentence)
{
	struct value *object = NULL;

	if (is_page(call) && (rc == RC_CONFLICT || rc == RC_BAD_INPUT || rc == RC_TRY_LATER)) {
		answer_flash(cx, call, page_of(cx, id), cx_sentence(cx, rc));
		return RC_OK;
	}
	if (rc != RC_OK) return rc;
	if (is_page(call)) {
		answer_flash(cx, call, page_of(cx, id), sentence);
		return RC_OK;
	}
	rc = bulk_object(cx, &object, id, true);
	if (rc == RC_OK) bulk_answer_object(cx, call, 200, object);
	return rc;
}

static enum rc of_call(struct cx *cx, struct call *call, int64_t *id)
{
	return bulk_find(cx, id, call_param(call, "id"));
}

/* Create */

static enum rc handle_create(struct cx *cx, struct call *call)
{
	struct bulk_new n = { .channel = NULL };
	struct value *object = NULL;
	int64_t id = 0;
	bool is_duplicate = false;
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK) rc = bulk_form_read(cx, call, &n);
	if (rc == RC_OK) rc = bulk_create(cx, &id, &is_duplicate, &n);
	if (rc == RC_BAD_INPUT && is_page(call)) return bulk_form_again(cx, call);
	if (rc != RC_OK) return rc;
	if (is_page(call)) {
		answer_flash(cx, call, page_of(cx, id),
			     is_duplicate     ? _("This send was made already; here it is.")
			     : n.scheduled_at ? _("Kept. It starts by itself at its hour.")
			     : n.send_now     ? _("Kept. It starts as soon as its recipients are read.")
					      : _("Kept. Nothing leaves until somebody starts it."));
		return RC_OK;
	}
	rc = bulk_object(cx, &object, id, false);
	if (rc != RC_OK) return rc;
	value_set_bool(cx->arena, object, "duplicate", is_duplicate);
	answer_header(call, "Location", arena_printf(cx->arena, "/api/v1%s", page_of(cx, id)));
	bulk_answer_object(cx, call, is_duplicate ? 200 : 201, object);
	return RC_OK;
}

/* One send */

static enum rc handle_process(struct cx *cx, struct call *call)
{
	int64_t id = 0;
	enum rc rc = of_call(cx, call, &id);

	if (rc != RC_OK) return rc;
	return answer(cx, call, id, bulk_enqueue(cx, id), _("It is in the queue and starts by itself."));
}

static enum rc handle_pause(struct cx *cx, struct call *call)
{
	int64_t id = 0;
	enum rc rc = of_call(cx, call, &id);

	if (rc != RC_OK) return rc;
	return answer(cx, call, id, bulk_pause(cx, id, NULL),
		      _("Paused. What is under way arrives; nothing else leaves."));
}

static enum rc handle_resume(struct cx *cx, struct call *call)
{
	int64_t id = 0;
	enum rc rc = of_call(cx, call, &id);

	if (rc != RC_OK) return rc;
	return answer(cx, call, id, bulk_resume(cx, id), _("It goes on."));
}

static enum rc handle_cancel(struct cx *cx, struct call *call)
{
	int64_t id = 0;
	enum rc rc = of_call(cx, call, &id);

	if (rc != RC_OK) return rc;
	return answer(cx, call, id, bulk_cancel(cx, id), _("Called off. What had left stays sent."));
}

static enum rc handle_schedule(struct cx *cx, struct call *call)
{
	const char *text;
	instant at = 0;
	int64_t id = 0;
	enum rc rc = of_call(cx, call, &id);

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc != RC_OK) return rc;
	text = form_text(call, "scheduled_at");
	if (text != NULL && text[0] != '\0') rc = bulk_hour_parse(cx, &at, text);
	if (rc == RC_OK) rc = bulk_reschedule(cx, id, at);
	return answer(cx, call, id, rc, at != 0 ? _("It has its hour.") : _("It has no hour any more."));
}

/* row and decision (sent | resend) with a reason. */
static enum rc handle_resolve(struct cx *cx, struct call *call)
{
	const char *row, *decision;
	int64_t id = 0;
	bool was_sent;
	enum rc rc = of_call(cx, call, &id);

	if (rc == RC_OK) rc = form_read(cx, call);
	if (rc != RC_OK) return rc;
	row = form_text(call, "row");
	decision = form_text(call, "decision");
	was_sent = decision != NULL && strcmp(decision, "sent") == 0;
	if (row == NULL || row[0] == '\0' || strspn(row, "0123456789") != strlen(row) || strlen(row) > 9)
		rc = cx_fail_field(cx, "row", "%s", _("Say which row."));
	if (decision == NULL || (!was_sent && strcmp(decision, "resend") != 0))
		rc = cx_fail_field(cx, "decision", "%s", _("Say “sent” or “resend”."));
	if (rc == RC_OK) rc = bulk_resolve(cx, id, atoll(row), was_sent, form_text(call, "reason"));
	return answer(cx, call, id, rc, was_sent ? _("Noted: it was sent.") : _("It is sent once more."));
}

static enum rc handle_evidence_ask(struct cx *cx, struct call *call)
{
	int64_t id = 0, job = 0;
	enum rc rc = of_call(cx, call, &id);

	if (rc != RC_OK) return rc;
	rc = bulk_evidence_ask(cx, &job, id, atoll(call_param(call, "row")));
	if (rc == RC_CONFLICT && job != 0) {
		rc = RC_OK; /* one looks already */
		cx->message = "";
	}
	return answer(cx, call, id, rc, _("The provider is being asked; look again in a moment."));
}

static enum rc handle_process_report(struct cx *cx, struct call *call)
{
	int64_t id = 0;
	enum rc rc = of_call(cx, call, &id);

	if (rc != RC_OK) return rc;
	return answer(cx, call, id, report_refresh(cx, id), _("The report is being asked for."));
}

static const struct fact no_body[] = { { .name = NULL } };
static const struct fact schedule_takes[] = {
	{ .name = "scheduled_at",
	  .type = FACT_TEXT,
	  .max = 40,
	  .help = N_("With an offset, else the business's clock; empty: none") },
	{ .name = NULL },
};
static const struct fact resolve_takes[] = {
	{ .name = "row",
	  .type = FACT_INT,
	  .is_needed = true,
	  .min = 1,
	  .max = 1000000,
	  .help = N_("Row of the file") },
	{ .name = "decision",
	  .type = FACT_TEXT,
	  .is_needed = true,
	  .choices = "sent|resend",
	  .help = N_("It was sent, or send it again") },
	{ .name = "reason",
	  .type = FACT_TEXT,
	  .is_needed = true,
	  .max = BULK_REASON_MAX,
	  .help = N_("Why: it is kept with the decision") },
	{ .name = NULL },
};

#define CHANGE(path_, right_, handler, takes_, words)                                           \
	{                                                                                       \
		.method = "POST", .path = (path_), .realm = REALM_STAFF, .right = (right_),     \
		.class = ROUTE_DB, .has_token = true, .is_idempotent = true, .takes = (takes_), \
		.handle = (handler), .help = (words)                                            \
	}

const struct route bulk_api_routes[] = {
	{ .method = "GET",
	  .path = "/sends",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .is_api_only = true,
	  .takes = bulk_list_takes,
	  .help = N_("Bulk sends, newest first"),
	  .handle = handle_bulk_api_list },
	{ .method = "GET",
	  .path = "/sends/senders",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .is_api_only = true,
	  .takes = no_body,
	  .help = N_("Who a send is from when none is chosen, and who can be"),
	  .handle = handle_bulk_api_senders },
	{ .method = "GET",
	  .path = "/sends/jobs",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .is_api_only = true,
	  .takes = bulk_jobs_takes,
	  .help = N_("Work of bulk sends, newest first"),
	  .handle = handle_bulk_api_jobs },
	{ .method = "GET",
	  .path = "/sends/:id",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .is_api_only = true,
	  .help = N_("One bulk send with counts, work and log"),
	  .handle = handle_bulk_api_show },
	{ .method = "POST",
	  .path = "/sends",
	  .realm = REALM_STAFF,
	  .right = RIGHT_EDIT,
	  .class = ROUTE_DB,
	  .body_max = FORM_MAX,
	  .has_token = true,
	  .is_idempotent = true,
	  .help = N_("Make a bulk send"),
	  .handle = handle_create },
	CHANGE("/sends/:id/process", RIGHT_EDIT, handle_process, no_body, N_("Start a bulk send")),
	CHANGE("/sends/:id/pause", RIGHT_EDIT, handle_pause, no_body, N_("Pause a bulk send")),
	CHANGE("/sends/:id/resume", RIGHT_EDIT, handle_resume, no_body, N_("Go on with a paused bulk send")),
	CHANGE("/sends/:id/cancel", RIGHT_EDIT, handle_cancel, no_body, N_("Call off what has not left")),
	CHANGE("/sends/:id/schedule", RIGHT_EDIT, handle_schedule, schedule_takes,
	       N_("Another hour for a send")),
	CHANGE("/sends/:id/resolve", RIGHT_RESOLVE, handle_resolve, resolve_takes,
	       N_("Decide an unsure mail")),
	CHANGE("/sends/:id/process-report", RIGHT_EDIT, handle_process_report, no_body,
	       N_("Ask for a send's report now")),
	CHANGE("/sends/:id/evidence/:row", RIGHT_RESOLVE, handle_evidence_ask, no_body,
	       N_("Ask the provider what it delivered to a recipient")),
	{ .method = "GET",
	  .path = "/sends/:id/evidence/:row",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .help = N_("What speaks for either of an unsure mail"),
	  .handle = handle_bulk_evidence },
	{ .method = "GET",
	  .path = "/sends/:id/recipients",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_SPOOL,
	  .takes = bulk_rows_takes,
	  .help = N_("Recipients of a send and what became of each"),
	  .handle = handle_bulk_recipients },
	{ .method = "POST",
	  .path = "/csv/preview",
	  .realm = REALM_STAFF,
	  .right = RIGHT_EDIT,
	  .class = ROUTE_DB,
	  .body_max = FORM_MAX,
	  .has_token = true,
	  .help = N_("Look at a file of recipients; nothing is kept"),
	  .handle = handle_bulk_csv_preview },
	{ .method = NULL },
};
