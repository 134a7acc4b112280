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
#define CATEGORIES_MAX   200 /* that somebody still puts in order by hand */

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

/* Active or not, and where a category stands */

static enum rc save_one(struct cx *cx, const char *resource, int64_t id, const char *name, const char *value)
{
	struct value *input = value_map(cx->arena);
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	value_set_text(cx->arena, input, name, value);
	return tx_end(cx, desk_save(cx, desk_resource(resource), &id, input));
}

static enum rc run_service_on(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The service is offered again.");
	return save_one(cx, "services", id, "is_active", "1");
}

static enum rc run_service_off(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The service is not offered any more; who has it keeps it.");
	return save_one(cx, "services", id, "is_active", "0");
}

static enum rc run_category_on(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The category is active.");
	return save_one(cx, "service-categories", id, "is_active", "1");
}

static enum rc run_category_off(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("The category is inactive; its services stay.");
	return save_one(cx, "service-categories", id, "is_active", "0");
}

/* One place up or down: all categories get their places anew, 1, 2, 3 …, so that equal ones do not stick. */
static enum rc write_moved(struct cx *cx, int64_t id, bool is_up)
{
	int64_t ids[CATEGORIES_MAX];
	size_t count = 0, at = 0, other;
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT id FROM service_category WHERE archived_at IS NULL ORDER BY position, id LIMIT 200",
		NO_PARAMS);

	while (rc == RC_OK && count < CATEGORIES_MAX && query_next(q)) {
		if (query_int(q, 0) == id) at = count;
		ids[count++] = query_int(q, 0);
	}
	rc = query_end(q, rc);
	if (rc != RC_OK || count == 0 || ids[at] != id) return rc;
	if (at == (is_up ? 0 : count - 1))
		return cx_fail(cx, RC_CONFLICT,
			       is_up ? _("It is the first one already.") : _("It is the last one already."));
	other = is_up ? at - 1 : at + 1;
	ids[at] = ids[other];
	ids[other] = id;
	for (size_t i = 0; i < count && rc == RC_OK; i++)
		rc = save_one(cx, "service-categories", ids[i], "position",
			      arena_printf(cx->arena, "%zu", i + 1));
	return rc;
}

static enum rc move_category(struct cx *cx, int64_t id, bool is_up)
{
	enum rc rc = tx_begin(cx);

	return rc == RC_OK ? tx_end(cx, write_moved(cx, id, is_up)) : rc;
}

static enum rc run_up(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("One place up.");
	return move_category(cx, id, true);
}

static enum rc run_down(struct cx *cx, int64_t id, struct call *call, const char **done)
{
	(void)call;
	*done = _("One place down.");
	return move_category(cx, id, false);
}

const struct action service_actions[] = {
	{ .name = "deactivate",
	  .title = N_("Stop offering"),
	  .right = "services.edit",
	  .confirm = N_("Stop offering it? Subscriptions that are sold stay as they are."),
	  .is_bulk = true,
	  .when = "t.is_active = 1",
	  .run = run_service_off },
	{ .name = "activate",
	  .title = N_("Offer again"),
	  .right = "services.edit",
	  .confirm = N_("Offer it for new subscriptions again?"),
	  .is_bulk = true,
	  .when = "t.is_active = 0",
	  .run = run_service_on },
	{ .name = NULL },
};

const struct action category_actions[] = {
	{ .name = "up", .title = N_("Move up"), .right = "services.edit", .run = run_up },
	{ .name = "down", .title = N_("Move down"), .right = "services.edit", .run = run_down },
	{ .name = "deactivate",
	  .title = N_("Make inactive"),
	  .right = "services.edit",
	  .confirm = N_("Make inactive? Its services stay as they are."),
	  .is_bulk = true,
	  .when = "t.is_active = 1",
	  .run = run_category_off },
	{ .name = "activate",
	  .title = N_("Make active"),
	  .right = "services.edit",
	  .confirm = N_("Make active again?"),
	  .is_bulk = true,
	  .when = "t.is_active = 0",
	  .run = run_category_on },
	{ .name = NULL },
};
