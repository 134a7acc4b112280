/*
** suppressions.c -- who gets no mailings, as a list of the office: put on it by hand, taken off with a reason
** to think twice.
**
** Needs:  outbox/suppression.h for both steps: the list follows contact and opt_out, which are what counts.
** Never:  writes contact or opt_out itself.
** Holds:  an address that is taken off stays in the list's history, with who did it.
*/
#include "base/text.h"
#include "desk/inner.h"
#include "outbox/mime.h"
#include "outbox/suppression.h"

static const struct column columns[] = {
	{ .name = "address",
	  .title = N_("Address"),
	  .type = COLUMN_EMAIL,
	  .flags = COL_REQUIRED | COL_CREATE | COL_LIST | COL_SEARCH,
	  .max = 254,
	  .aliases = "email|correo|direccion" },
	{ .name = "reason",
	  .title = N_("Reason"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .choices = "bounce=nothing arrives there|spam=complained of spam|unsubscribed=wants no mailings|"
		     "hand=put here by hand" },
	{ .name = "origin_shown",
	  .title = N_("From what"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_READONLY | COL_LIST,
	  .sql = "CASE WHEN t.origin IN ('unsubscribe', 'spam', 'sendgrid', 'panel', 'no_mailbox', 'bounce',"
		 " 'bad_address') THEN t.origin ELSE 'other' END",
	  .choices =
		  "unsubscribe=the link in a mail|spam=a complaint at the mail provider|"
		  "sendgrid=SendGrid’s own link|panel=somebody here|no_mailbox=the mail server knows no such mailbox|"
		  "bounce=it came back|bad_address=it is no address|other=something else" },
	{ .name = "created_at",
	  .title = N_("Since"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "note", .title = N_("Note"), .type = COLUMN_TEXT, .max = 200 },
	{ .name = "is_active", .title = N_("On the list"), .type = COLUMN_BOOL, .flags = COL_READONLY },
	{ .name = "lifted_at", .title = N_("Taken off"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = NULL },
};

static const struct sort sorts[] = {
	{ .name = "created", .title = N_("Newest"), .sql = "t.created_at", .is_down = true },
	{ .name = NULL },
};

/* "+t.…": in the order of the list, until the page is full; the list is short beside what it protects from. */
static const struct filter filters[] = {
	{ .name = "state",
	  .title = N_("State"),
	  .choices = "on=on the list|off=taken off",
	  .def = "on",
	  .sql = (const char *const[]){ "+t.is_active = 1", "+t.is_active = 0", NULL } },
	{ .name = "reason",
	  .title = N_("Reason"),
	  .choices = "bounce=nothing arrives there|spam=complained of spam|unsubscribed=wants no mailings|"
		     "hand=put here by hand",
	  .sql = (const char *const[]){ "+t.reason = 'bounce'", "+t.reason = 'spam'",
					"+t.reason = 'unsubscribed'", "+t.reason = 'hand'", NULL } },
	{ .name = NULL },
};

static enum rc before_save(struct cx *cx, int64_t id, struct value *values)
{
	const char *address = value_text_of(value_get(values, "address"), "");
	char wire[MAIL_ADDRESS_SIZE];
	const char *why = NULL;
	int64_t contact = 0, n = 0;
	enum rc rc;

	if (id != 0) return RC_OK;
	if (mime_address(wire, address, &why) != RC_OK)
		return cx_fail_field(cx, "address", "%s", words_get(cx->lang, why));
	rc = contact_ensure(cx, &contact, "email", text_lower_ascii(cx->arena, address));
	if (rc == RC_OK)
		rc = db_get_int(
			cx, &n,
			"SELECT count(*) FROM suppression WHERE contact_id = :contact AND is_active = 1",
			PARAMS(P_INT(":contact", contact)));
	if (rc == RC_OK && n > 0) {
		(void)cx_fail_field(cx, "address", "%s", _("This address is on the list already."));
		return RC_CONFLICT;
	}
	value_set_int(cx->arena, values, "contact_id", contact);
	value_set_text(cx->arena, values, "reason", "hand");
	value_set_text(cx->arena, values, "origin", ORIGIN_PANEL);
	value_set_int(cx->arena, values, "is_active", 1);
	return rc;
}

static enum rc after_save(struct cx *cx, int64_t id, bool is_new, const struct value *values)
{
	(void)id;
	return is_new ? contact_opt_out(cx, value_int_of(value_get(values, "contact_id"), 0), "campaign",
					ORIGIN_PANEL, true)
		      : RC_OK;
}

static enum rc lift(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	int64_t contact = 0;
	enum rc rc = tx_begin(cx);

	(void)call;
	if (rc == RC_OK)
		rc = db_get_int(cx, &contact,
				"SELECT contact_id FROM suppression WHERE id = :id AND is_active = 1",
				PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) rc = suppression_lift(cx, contact);
	if (rc == RC_OK) rc = audit_add(cx, "lift", "suppression", id, NULL, NULL);
	rc = tx_end(cx, rc);
	if (rc == RC_OK) *done = _("The address gets mailings again.");
	return rc;
}

static const struct action actions[] = {
	{ .name = "lift",
	  .title = N_("Take off the list"),
	  .right = "suppressions.edit",
	  .confirm = N_(
		  "Write to this address again? Who left or complained may complain again, and that hurts every other mail of yours."),
	  .is_bulk = true,
	  .is_dangerous = true,
	  .when = "t.is_active = 1",
	  .run = lift },
	{ .name = NULL },
};

const struct resource suppression_resources[] = {
	{
		.name = "suppressions",
		.title = N_("Suppressed addresses"),
		.title_one = N_("Suppressed address"),
		.table = "suppression",
		.row_name = "t.address",
		.columns = columns,
		.sorts = sorts,
		.filters = filters,
		.actions = actions,
		.right_view = "suppressions.view",
		.right_edit = "suppressions.edit",
		.has_public_id = true,
		.can_create = true,
		.menu = N_("Suppressed addresses"),
		.menu_order = 245,
		.empty = N_(
			"Nobody yet: who unsubscribes, complains or cannot be reached by mail comes here by himself."),
		.before_save = before_save,
		.after_save = after_save,
	},
	{ .name = NULL },
};
