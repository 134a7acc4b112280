/*
** services.c -- services and their categories as the office shows and takes them.
**
** Owns:   columns and hooks of the resources services and service-categories; the job that follows a renamed
** service. Holds:  (1) a service with an active subscription is not archived; (2) a service is found by its
**         folded names, so that a file may write "netflix"; (3) a new price is for new subscriptions: those
**         sold keep theirs.
*/
#include "renewals/resources.h"
#include "base/text.h"
#include <string.h>

#define NAME_MAX_LETTERS 50  /* spec: internal name and category name */
#define RESPELL_SLICE    500 /* rows a transaction: a few milliseconds */

const struct column category_columns[] = {
	{ .name = "name",
	  .title = N_("Name"),
	  .type = COLUMN_TEXT,
	  .flags = COL_REQUIRED | COL_LIST | COL_SEARCH,
	  .max = NAME_MAX_LETTERS,
	  .aliases = "nombre" },
	{ .name = "description",
	  .title = N_("Description"),
	  .type = COLUMN_LONG_TEXT,
	  .flags = COL_LIST,
	  .max = 2000,
	  .aliases = "descripcion" },
	{ .name = "icon", .title = N_("Icon"), .type = COLUMN_TEXT, .max = 50, .aliases = "icono" },
	{ .name = "position",
	  .title = N_("Order"),
	  .type = COLUMN_INT,
	  .flags = COL_LIST,
	  .max = 100000,
	  .def = "0",
	  .help = N_("Smaller numbers stand first."),
	  .aliases = "orden" },
	{ .name = "is_active",
	  .title = N_("Is active"),
	  .type = COLUMN_BOOL,
	  .flags = COL_LIST,
	  .def = "1",
	  .aliases = "activa" },
	{ .name = "services",
	  .title = N_("Services"),
	  .type = COLUMN_INT,
	  .flags = COL_LIST | COL_READONLY,
	  .sql = "(SELECT count(*) FROM service x WHERE x.category_id = t.id AND x.archived_at IS NULL)" },
	{ .name = "created_at", .title = N_("Registered"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "updated_at",
	  .title = N_("Changed"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_HIDDEN },
	{ .name = NULL },
};

const struct sort category_sorts[] = {
	{ .name = "position", .title = N_("Order"), .sql = "t.position" },
	{ .name = NULL },
};

const struct filter category_filters[] = {
	{ .name = "state",
	  .title = N_("State"),
	  .choices = "active=Active ones|inactive=Inactive ones",
	  .sql = (const char *const[]){ "t.is_active = 1", "t.is_active = 0", NULL } },
	{ .name = NULL },
};

const struct column service_columns[] = {
	{ .name = "display_name",
	  .title = N_("Name"),
	  .type = COLUMN_TEXT,
	  .flags = COL_REQUIRED | COL_LIST | COL_SEARCH,
	  .max = 100,
	  .help = N_("As customers read it in their messages."),
	  .aliases = "nombre_mostrar" },
	{ .name = "name",
	  .title = N_("Internal name"),
	  .type = COLUMN_TEXT,
	  .flags = COL_SEARCH,
	  .max = NAME_MAX_LETTERS,
	  .help = N_("Unique; for files and programs. Left empty: the name."),
	  .aliases = "nombre" },
	{ .name = "category_id",
	  .title = N_("Category"),
	  .type = COLUMN_REF,
	  .ref = "service-categories",
	  .flags = COL_LIST,
	  .aliases = "category|categoria" },
	{ .name = "currency",
	  .title = N_("Currency"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_HIDDEN },
	{ .name = "price_cents",
	  .title = N_("Base price"),
	  .type = COLUMN_CENTS,
	  .flags = COL_REQUIRED | COL_LIST,
	  .choices = "currency",
	  .help = N_("Of one period. Subscriptions already sold keep their price."),
	  .aliases = "price|precio|precio_base" },
	{ .name = "period",
	  .title = N_("Period"),
	  .type = COLUMN_CHOICE,
	  .flags = COL_REQUIRED | COL_LIST,
	  .choices = "monthly=Monthly|quarterly=Quarterly|semiannual=Half-yearly|annual=Yearly",
	  .def = "monthly",
	  .aliases = "tipo_suscripcion|periodo" },
	{ .name = "devices_max",
	  .title = N_("Devices"),
	  .type = COLUMN_INT,
	  .flags = COL_LIST,
	  .min = 1,
	  .max = 1000,
	  .def = "1",
	  .aliases = "max_dispositivos|dispositivos" },
	{ .name = "is_active",
	  .title = N_("Is active"),
	  .type = COLUMN_BOOL,
	  .flags = COL_LIST,
	  .def = "1",
	  .help = N_("An inactive service is not offered for new subscriptions."),
	  .aliases = "activo" },
	{ .name = "active_subscriptions",
	  .title = N_("Active subscriptions"),
	  .type = COLUMN_INT,
	  .flags = COL_LIST | COL_READONLY,
	  .sql = "(SELECT count(*) FROM (SELECT 1 FROM subscription x INDEXED BY subscription_of_service WHERE x.service_id = t.id"
		 " AND x.state = 'active' AND x.archived_at IS NULL LIMIT 10001))" },
	{ .name = "description",
	  .title = N_("Description"),
	  .type = COLUMN_LONG_TEXT,
	  .max = 2000,
	  .aliases = "descripcion" },
	{ .name = "quality",
	  .title = N_("Quality"),
	  .type = COLUMN_TEXT,
	  .max = 50,
	  .help = N_("4K, 1080p…"),
	  .aliases = "calidad" },
	{ .name = "languages",
	  .title = N_("Languages"),
	  .type = COLUMN_TEXT,
	  .max = 200,
	  .help = N_("With commas between."),
	  .aliases = "idiomas" },
	{ .name = "country",
	  .title = N_("Country of origin"),
	  .type = COLUMN_TEXT,
	  .max = 100,
	  .aliases = "pais_origen|pais" },
	{ .name = "launched_on",
	  .title = N_("Launched"),
	  .type = COLUMN_DATE,
	  .aliases = "fecha_lanzamiento" },
	{ .name = "website", .title = N_("Web site"), .type = COLUMN_URL, .aliases = "sitio_web" },
	{ .name = "icon", .title = N_("Icon"), .type = COLUMN_TEXT, .max = 50, .aliases = "icono" },
	{ .name = "created_at", .title = N_("Registered"), .type = COLUMN_INSTANT, .flags = COL_READONLY },
	{ .name = "updated_at",
	  .title = N_("Changed"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_HIDDEN },
	{ .name = NULL },
};

const struct sort service_sorts[] = {
	{ .name = "display_name", .title = N_("Name"), .sql = "t.display_name" },
	{ .name = NULL },
};

const struct filter service_filters[] = {
	{ .name = "category",
	  .title = N_("Category"),
	  .ref = "service-categories",
	  .sql = (const char *const[]){ "+t.category_id = :f_category", NULL } },
	{ .name = "state",
	  .title = N_("State"),
	  .choices = "active=Active ones|inactive=Inactive ones",
	  .sql = (const char *const[]){ "t.is_active = 1", "t.is_active = 0", NULL } },
	{ .name = "period",
	  .title = N_("Period"),
	  .choices = "monthly=Monthly|quarterly=Quarterly|semiannual=Half-yearly|annual=Yearly",
	  .sql = (const char *const[]){ "t.period = 'monthly'", "t.period = 'quarterly'",
					"t.period = 'semiannual'", "t.period = 'annual'", NULL } },
	{ .name = NULL },
};

enum rc category_before_archive(struct cx *cx, int64_t id)
{
	return db_run(cx, "UPDATE service SET category_id = NULL WHERE category_id = :id",
		      PARAMS(P_INT(":id", id)));
}

enum rc service_before_save(struct cx *cx, int64_t id, struct value *values)
{
	const char *shown = value_text_of(value_get(values, "display_name"), "");
	const char *name = value_text_of(value_get(values, "name"), "");

	if (name[0] == '\0') {
		name = arena_bytes(cx->arena, shown, text_prefix(shown, NAME_MAX_LETTERS));
		value_set_text(cx->arena, values, "name", name);
	}
	if (id == 0)
		value_set_text(cx->arena, values, "currency",
			       setting_text(cx->env->settings, "business.currency"));
	value_set_text(cx->arena, values, "name_folded", text_fold(cx->arena, name));
	value_set_text(cx->arena, values, "display_name_folded", text_fold(cx->arena, shown));
	return RC_OK;
}

/* Subscriptions are found by their service's name too. There may be very many, so a job follows. */
enum rc service_after_save(struct cx *cx, int64_t id, bool is_new, const struct value *values)
{
	struct value *args;
	int64_t job = 0;

	(void)values;
	if (is_new) return RC_OK;
	args = value_map(cx->arena);
	value_set_int(cx->arena, args, "service_id", id);
	return job_add(cx, &job, &(struct job_new){ .kind = "renewals.respell", .args = args });
}

static enum rc respell_slice(struct cx *cx, int64_t service_id, int64_t *after, int64_t *count)
{
	struct query *q = NULL;
	int64_t last = *after;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	*count = 0;
	rc = db_query(
		cx, &q,
		"SELECT id FROM subscription INDEXED BY subscription_service WHERE service_id = :id AND id > :after"
		" ORDER BY id LIMIT :slice",
		PARAMS(P_INT(":id", service_id), P_INT(":after", *after), P_INT(":slice", RESPELL_SLICE)));
	while (rc == RC_OK && query_next(q)) {
		last = query_int(q, 0);
		++*count;
	}
	rc = query_end(q, rc);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE subscription SET search = (SELECT c.search || ' ' || v.search FROM client c, service v WHERE"
			" c.id = subscription.client_id AND v.id = :id)"
			" WHERE service_id = :id AND id > :after AND id <= :last",
			PARAMS(P_INT(":id", service_id), P_INT(":after", *after), P_INT(":last", last)));
	rc = tx_end(cx, rc);
	if (rc == RC_OK) *after = last;
	return rc;
}

/* Running it again from the start writes the same. */
static enum rc respell_job(struct cx *cx, struct job *job)
{
	int64_t id = value_int_of(value_get(job_args(job), "service_id"), 0), after = 0,
		count = RESPELL_SLICE;
	enum rc rc = RC_OK;

	while (rc == RC_OK && count == RESPELL_SLICE)
		rc = job_should_stop(job) ? RC_TRY_LATER : respell_slice(cx, id, &after, &count);
	return rc;
}

const struct job_kind renewals_resource_jobs[] = {
	{ .name = "renewals.respell",
	  .title = N_("Follow a renamed service"),
	  .queue = "renewals",
	  .attempts_max = 5,
	  .time_limit_s = 1800,
	  .delay_s = 30,
	  .run = respell_job },
	{ .name = NULL },
};

enum rc service_before_archive(struct cx *cx, int64_t id)
{
	int64_t n = 0;
	enum rc rc = db_get_int(
		cx, &n,
		"SELECT count(*) FROM subscription WHERE service_id = :id AND state = 'active' AND archived_at IS NULL",
		PARAMS(P_INT(":id", id)));

	if (rc != RC_OK || n == 0) return rc;
	return cx_fail(
		cx, RC_CONFLICT,
		words_plural(
			cx->lang, n,
			N_("This service has %lld active subscription. Make it inactive instead: then it is not offered."),
			N_("This service has %lld active subscriptions. Make it inactive instead: then it is not offered.")),
		(long long)n);
}

void service_list(struct cx *cx, struct value *page)
{
	struct value *row = NULL;

	if (db_row(cx, &row,
		   "SELECT count(*) AS total, coalesce(sum(is_active), 0) AS active,"
		   " (SELECT count(*) FROM service_category WHERE archived_at IS NULL) AS categories"
		   " FROM service WHERE archived_at IS NULL",
		   NO_PARAMS) != RC_OK)
		return;
	card_add_count(cx, page, _("Services"), value_int_of(value_get(row, "total"), 0), NULL);
	card_add_count(cx, page, _("Active ones"), value_int_of(value_get(row, "active"), 0),
		       "/services?state=active");
	card_add_count(cx, page, _("Categories"), value_int_of(value_get(row, "categories"), 0),
		       "/service-categories");
}
