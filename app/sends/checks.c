/*
** checks.c -- what `recado check` asks about bulk sends.
**
** Never:  asks a provider; says that nothing is configured where nobody sends anything.
*/
#include "sends/bulk_inner.h"
#include "sends/reports.h"

#include <string.h>

/* How many sends want to leave on this channel. */
static int64_t waiting_on(struct cx *cx, const char *channel)
{
	int64_t n = 0;

	if (db_get_int(
		    cx, &n,
		    "SELECT count(*) FROM bulk_send WHERE status IN ('pending', 'queued', 'sending', 'paused')"
		    " AND +channel = :channel AND +archived_at IS NULL",
		    PARAMS(P_TEXT(":channel", channel))) != RC_OK)
		cx->message = "";
	return n;
}

static void check_roads(struct cx *cx, struct check_result *out)
{
	/* they run as printed: each asks for what only the owner knows */
	static const struct {
		const char *channel, *remedy;
	} roads[] = {
		{ "doppler",
		  "read -r KEY && read -r NUMBER && recado config set doppler.api_key \"$KEY\" doppler.account_id \"$NUMBER\"" },
		{ "email",
		  "read -r HOST && read -r ADDRESS && recado config set smtp.host \"$HOST\" smtp.from \"$ADDRESS\"" },
		{ "sendgrid", "read -r KEY && recado config set sendgrid.api_key \"$KEY\"" },
	};

	static const char ask_for_limits[] =
		"read -r MONTH && read -r DAY && read -r HOUR && recado config set doppler.quota_monthly \"$MONTH\""
		" doppler.quota_daily \"$DAY\" doppler.quota_hourly \"$HOUR\"";

	out->remedy = "";
	out->detail = _("Bulk sends have their roads.");
	for (size_t i = 0; i < sizeof(roads) / sizeof(*roads); i++) {
		bool is_quota = strcmp(roads[i].channel, "doppler") == 0 && bulk_quota_is_wrong(cx->env);

		if (waiting_on(cx, roads[i].channel) == 0 && !is_quota) continue;
		if (bulk_channel_is_set(cx, roads[i].channel) != RC_BAD_INPUT) {
			cx->message = "";
			continue;
		}
		out->state = CHECK_FAIL;
		out->detail =
			arena_printf(cx->arena, _("Bulk sends wait, and nothing can leave: %s"), cx->message);
		out->remedy = is_quota ? ask_for_limits : roads[i].remedy;
		cx->message = "";
		cx->error_code = NULL;
		return;
	}
}

static void check_paused(struct cx *cx, struct check_result *out)
{
	struct value *row = NULL;
	int64_t n = 0;
	enum rc rc = db_get_int(cx, &n, "SELECT count(*) FROM bulk_send WHERE status = 'paused'", NO_PARAMS);

	out->remedy = "";
	out->detail = _("No bulk send is on hold.");
	if (rc == RC_OK && n > 0)
		rc = db_row(
			cx, &row,
			"SELECT id, channel, status, status_why, status_detail, paused_until_at FROM bulk_send"
			" WHERE status = 'paused' ORDER BY created_at, id LIMIT 1",
			NO_PARAMS);
	if (rc != RC_OK || n == 0) return;
	out->state = CHECK_WARN;
	out->detail = arena_printf(cx->arena, _("Bulk sends on hold: %lld. Send %lld: %s"), (long long)n,
				   (long long)value_int_of(value_get(row, "id"), 0), bulk_why_words(cx, row));
	if (!setting_bool(cx->env->settings, "sends.enabled"))
		out->remedy = "recado config set sends.enabled yes";
	else
		out->remedy = arena_printf(cx->arena, "recado sends resume %lld",
					   (long long)value_int_of(value_get(row, "id"), 0));
}

/* A mailing needs a way out for those who get it (RFC 8058); it is a link into this panel. */
static void check_way_out(struct cx *cx, struct check_result *out)
{
	out->remedy = "";
	out->detail = _("Mailings carry a link to leave them.");
	if (setting_text(cx->env->settings, "web.public_url")[0] != '\0') return;
	if (waiting_on(cx, "email") + waiting_on(cx, "sendgrid") == 0) {
		out->is_info = true;
		out->detail = _(
			"Without web.public_url, mailings by SMTP or SendGrid carry no link to leave them.");
		return;
	}
	out->state = CHECK_WARN;
	out->detail = _("Mailings leave without a link to leave them: web.public_url is not set.");
	out->remedy = "read -r URL && recado config set web.public_url \"$URL\"";
}

static void check_late(struct cx *cx, struct check_result *out)
{
	int64_t n = 0, id = 0;

	out->remedy = "";
	out->detail = _("No timed send waits for a person.");
	if (db_get_int(
		    cx, &n,
		    "SELECT count(*) FROM bulk_send WHERE status = 'pending' AND status_why IN ('late', 'not_started', 'restored')",
		    NO_PARAMS) != RC_OK ||
	    n == 0)
		return;
	(void)!db_get_int(
		cx, &id,
		"SELECT min(id) FROM bulk_send WHERE status = 'pending' AND status_why IN ('late', 'not_started', 'restored')",
		NO_PARAMS);
	out->state = CHECK_WARN;
	out->detail = arena_printf(cx->arena, _("Sends that wait for a person's word: %lld."), (long long)n);
	out->remedy = arena_printf(cx->arena, "recado sends process %lld", (long long)id);
}

const struct check sends_checks[] = {
	{ .name = "sends.reports_kept",
	  .title = N_("Age of reports"),
	  .section = SECTION_APP,
	  .run = reports_check_keep },
	{ .name = "sends.roads",
	  .title = N_("Roads of bulk sends"),
	  .section = SECTION_INTEGRATIONS,
	  .run = check_roads },
	{ .name = "sends.paused",
	  .title = N_("Bulk sends on hold"),
	  .section = SECTION_APP,
	  .run = check_paused },
	{ .name = "sends.late", .title = N_("Timed bulk sends"), .section = SECTION_APP, .run = check_late },
	{ .name = "sends.way_out",
	  .title = N_("Way out of mailings"),
	  .section = SECTION_INTEGRATIONS,
	  .run = check_way_out },
	{ .name = NULL },
};
