/*
** home.c -- the module's card on the home page, and its lines in /metrics.
**
** Never:  an address or a subject in a label.
** Holds:  a card that cannot be filled stays empty, the page stands.
*/
#include "sends/bulk_pages.h"

static void fill(struct cx *cx, struct value *card)
{
	bulk_cards(cx, card, "figures");
	value_set_bool(cx->arena, card, "may_reports", actor_may(&cx->actor, RIGHT_REPORTS));
}

static void family(struct sb *out, const char *name, const char *help)
{
	sb_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void metrics(struct cx *cx, struct sb *out)
{
	static const char *const states[] = { "pending", "queued", "sending",  "paused",
					      "done",    "error",  "cancelled" };
	int64_t n = 0;

	family(out, "sends_bulk", "Bulk sends, by state.");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (db_get_int(
			    cx, &n,
			    "SELECT count(*) FROM bulk_send INDEXED BY bulk_send_status WHERE status = :status",
			    PARAMS(P_TEXT(":status", states[i]))) == RC_OK)
			sb_printf(out, "sends_bulk{state=\"%s\"} %lld\n", states[i], (long long)n);
	family(out, "sends_timed", "Bulk sends that wait for their hour.");
	if (db_get_int(cx, &n,
		       "SELECT count(*) FROM bulk_send WHERE scheduled_at IS NOT NULL AND status = 'pending'",
		       NO_PARAMS) == RC_OK)
		sb_printf(out, "sends_timed %lld\n", (long long)n);
	family(out, "sends_reports_open", "Reports that were asked for and are not there yet.");
	if (db_get_int(
		    cx, &n,
		    "SELECT count(*) FROM generated_report INDEXED BY generated_report_state WHERE state IN"
		    " ('PENDING', 'PROCESSING')",
		    NO_PARAMS) == RC_OK)
		sb_printf(out, "sends_reports_open %lld\n", (long long)n);
}

const struct figure sends_figures[] = {
	{ .name = "sends",
	  .title = N_("Bulk sends"),
	  .right = RIGHT_VIEW,
	  .template = "sends/card_figures",
	  .fill = fill,
	  .metrics = metrics },
	{ .name = NULL },
};
