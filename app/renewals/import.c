/*
** import.c -- customers together with their subscriptions: what of a row is known already, what is written of
** it.
**
** Needs:  the office's engine (desk/import.h), which judges, hides and flips.
** Holds:  (1) a customer is known by the number, a subscription by customer, service and last day; a customer
**         that stands on several rows is made once; (2) a seller finds and makes only own customers, and
**         sells at the service's price without the right to set it; (3) payments come after the flip: a
**         receipt's number is not given for what may still be taken back.
*/
#include "renewals/import.h"
#include "base/text.h"
#include "renewals/payment_steps.h"
#include "renewals/resources.h"
#include <string.h>

#define SERVICES_MAX 500 /* services kept at hand; a shop has a dozen */
#define SETTLE_ROWS  200 /* payments of one transaction: about 20 ms  */

enum count { COUNT_CLIENTS, COUNT_SUBSCRIPTIONS, COUNT_CHANGED };

struct known_service {
	int64_t id, price_cents;
	int period_days;
	const char *name, *display_name, *shown, *currency; /* names folded */
};

struct state {
	struct import_open open;
	struct known_service *services;
	size_t service_count;
	struct import_keys *seen;
	int64_t generation; /* -1 while judging: no row has it */
	char today[DATE_SIZE];
};

struct facts {
	struct import_facts f;
	const struct known_service *service; /* NULL: none */
	int64_t client_id;                   /* known before this file, 0 if not */
};

static enum rc load_services(struct cx *cx, struct state *s)
{
	struct query *q = NULL;
	enum rc rc;

	s->services = arena_array(cx->arena, SERVICES_MAX, sizeof(*s->services));
	if (s->services == NULL) return RC_NO_MEMORY;
	rc = db_query(cx, &q,
		      "SELECT id, name, display_name, price_cents, currency, period FROM service"
		      " WHERE archived_at IS NULL AND is_active = 1 ORDER BY id LIMIT 500",
		      NO_PARAMS);
	while (rc == RC_OK && s->service_count < SERVICES_MAX && query_next(q))
		s->services[s->service_count++] =
			(struct known_service){ .id = query_int(q, 0),
						.name = text_fold(cx->arena, query_text(q, 1)),
						.shown = query_copy(cx, q, 2),
						.display_name = text_fold(cx->arena, query_text(q, 2)),
						.price_cents = query_int(q, 3),
						.currency = query_copy(cx, q, 4),
						.period_days = period_days_of(query_text(q, 5)) };
	return query_end(q, rc);
}

static const struct known_service *find_service(const struct state *s, const char *folded)
{
	for (size_t i = 0; i < s->service_count; i++)
		if (strcmp(s->services[i].name, folded) == 0 ||
		    strcmp(s->services[i].display_name, folded) == 0)
			return &s->services[i];
	return NULL;
}

static bool recognises(struct cx *cx, const struct cells *heading)
{
	struct import_field fields[IMPORT_COLUMNS];
	struct import_heading h;
	const char *before = cx->message;
	bool is_one;

	(void)import_row_fields(cx, NULL, fields);
	is_one = import_heading_read(cx, &h, fields, IMPORT_COLUMNS, heading) == RC_OK &&
		 h.at[IMPORT_SERVICE] >= 0;
	cx->message = before;
	return is_one;
}

static enum rc open(struct cx *cx, const struct import_open *open, void **state)
{
	struct state *s = arena_alloc(open->arena, sizeof(*s));
	enum rc rc;

	if (s == NULL) return RC_NO_MEMORY;
	s->open = *open;
	s->generation = open->generation != 0 ? open->generation : -1;
	day_text(s->today, cx_today(cx));
	s->seen = import_keys_new();
	rc = s->seen != NULL ? load_services(cx, s) : RC_NO_MEMORY;
	if (rc == RC_OK)
		*state = s;
	else
		import_keys_free(s->seen);
	return rc;
}

static void close(void *state)
{
	struct state *s = state;

	import_keys_free(s->seen);
}

/* Judging */

/* Service and price against what is sold, and by whom. */
static void look_at_service(struct cx *cx, const struct state *s, struct facts *f, const char **why)
{
	if (f->f.service[0] == '\0') return;
	f->service = find_service(s, text_fold(cx->arena, f->f.service));
	if (f->service == NULL)
		import_complain(cx, why, IMPORT_SERVICE,
				arena_printf(cx->arena, _("there is no active service “%s”"), f->f.service));
	else if (f->f.price_cents >= 0 && f->f.price_cents != f->service->price_cents &&
		 !actor_may(&cx->actor, RIGHT_PRICE))
		import_complain(cx, why, IMPORT_PRICE,
				arena_printf(cx->arena,
					     _("You sell at the service's price: %s. Leave it so."),
					     money_shown(cx, f->service->price_cents, f->service->currency)));
}

static enum rc get_or_zero(struct cx *cx, int64_t *out, const char *sql, const struct param *params)
{
	enum rc rc = db_get_int(cx, out, sql, params);

	if (rc != RC_NOT_FOUND) return rc;
	*out = 0;
	return RC_OK;
}

/* Without INDEXED BY each row would read the whole import, or all subscriptions of its service. */
static enum rc find_client(struct cx *cx, const struct state *s, struct facts *f)
{
	return get_or_zero(
		cx, &f->client_id,
		"SELECT id FROM client INDEXED BY client_phone WHERE phone = :phone AND archived_at IS NULL"
		" AND generation <> :own AND generation NOT IN (SELECT id FROM pending_generation)"
		" AND (:user = 0 OR owner_id = :user) ORDER BY id LIMIT 1",
		PARAMS(P_TEXT(":phone", f->f.phone), P_INT(":own", s->generation),
		       P_INT(":user", actor_may(&cx->actor, RIGHT_ALL) ? 0 : cx->actor.user_id)));
}

static enum rc find_made_client(struct cx *cx, const struct state *s, const struct facts *f, int64_t *id)
{
	return get_or_zero(
		cx, id,
		"SELECT id FROM client INDEXED BY client_phone WHERE phone = :phone AND generation = :own LIMIT 1",
		PARAMS(P_TEXT(":phone", f->f.phone), P_INT(":own", s->generation)));
}

static enum rc is_known_subscription(struct cx *cx, const struct state *s, const struct facts *f,
				     bool *is_known)
{
	int64_t n = 0;
	enum rc rc =
		f->client_id == 0 || f->service == NULL
			? RC_OK
			: db_get_int(
				  cx, &n,
				  "SELECT count(*) FROM (SELECT 1 FROM subscription INDEXED BY subscription_client"
				  " WHERE client_id = :client AND ends_on = :ends_on AND service_id = :service"
				  " AND generation <> :own AND archived_at IS NULL LIMIT 1)",
				  PARAMS(P_INT(":client", f->client_id), P_TEXT(":ends_on", f->f.ends_on),
					 P_INT(":service", f->service->id), P_INT(":own", s->generation)));

	*is_known = n > 0;
	return rc;
}

static enum rc judge_known(struct cx *cx, struct state *s, struct import_row *row, struct facts *f)
{
	const char *whole = arena_printf(cx->arena, "%s|%lld|%s", f->f.phone,
					 (long long)(f->service != NULL ? f->service->id : 0), f->f.ends_on);
	int64_t line = (int64_t)row->cells->line, same = import_keys_get(s->seen, whole), made = 0;
	int64_t earlier = import_keys_get(s->seen, f->f.phone);
	bool is_known = false;
	enum rc rc;

	if (same >= 0 && same != line) {
		row->verdict = IMPORT_SKIP;
		row->why = arena_printf(
			cx->arena,
			_("the same customer, service and last day stand earlier in the file (row %lld)"),
			(long long)same);
		return RC_OK;
	}
	rc = find_client(cx, s, f);
	if (rc == RC_OK) rc = is_known_subscription(cx, s, f, &is_known);
	if (rc == RC_OK && f->client_id == 0 && s->generation > 0) rc = find_made_client(cx, s, f, &made);
	if (rc == RC_OK && is_known) {
		row->verdict = IMPORT_SKIP;
		row->why = _("this customer has this service until that day already");
	} else {
		bool is_there = f->client_id != 0 || made != 0 || (earlier >= 0 && earlier != line);

		row->verdict = is_there ? IMPORT_UPDATE : IMPORT_NEW;
	}
	if (rc == RC_OK) rc = import_keys_put(s->seen, whole, line);
	return rc == RC_OK ? import_keys_put(s->seen, f->f.phone, line) : rc;
}

static enum rc judge(struct cx *cx, void *state, struct import_row *row)
{
	struct state *s = state;
	struct facts *f = arena_alloc(cx->arena, sizeof(*f));

	if (f == NULL) return RC_NO_MEMORY;
	row->facts = f;
	import_facts_read(cx, &f->f, &row->why, s->open.heading, row->cells);
	if (row->why == NULL) look_at_service(cx, s, f, &row->why);
	if (row->why == NULL) return judge_known(cx, s, row, f);
	row->verdict = IMPORT_WRONG;
	return RC_OK;
}

/* Writing */

static const char *sort_name(struct cx *cx, const char *surnames, const char *given)
{
	return text_fold(cx->arena, arena_printf(cx->arena, "%s %s", surnames, given));
}

static const char *search_text(struct cx *cx, const char *given, const char *surnames, const char *email,
			       const char *phone)
{
	return text_fold(cx->arena, arena_printf(cx->arena, "%s %s %s %s", given, surnames, phone, email));
}

static enum rc add_client(struct cx *cx, struct state *s, const struct import_facts *f, int64_t *id)
{
	char public_id[PUBLIC_ID_SIZE];
	enum rc rc;

	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO client (public_id, given_names, surnames, email, phone, phone_original, phone_kind, notes, owner_id,"
		" generation, created_at, updated_at, sort_name, search) VALUES (:public_id, :given, :surnames, nullif(:email, ''),"
		" :phone, :original, :kind, :notes, :owner, :generation, :now, :now, :sort_name, :search)",
		PARAMS(P_TEXT(":public_id", public_id), P_TEXT(":given", f->given_names),
		       P_TEXT(":surnames", f->surnames), P_TEXT(":email", f->email),
		       P_TEXT(":phone", f->phone), P_TEXT(":original", f->phone_original),
		       P_TEXT(":kind", f->phone_kind), P_TEXT(":notes", f->notes),
		       P_REF(":owner", cx->actor.user_id), P_INT(":generation", s->generation),
		       P_INT(":now", cx_now(cx)),
		       P_TEXT(":sort_name", sort_name(cx, f->surnames, f->given_names)),
		       P_TEXT(":search", search_text(cx, f->given_names, f->surnames, f->email, f->phone))));
	if (rc == RC_OK) *id = db_last_id(cx);
	return rc;
}

/* The subscription of a row: dates and price of the file, or the service's own. */
static enum rc add_subscription(struct cx *cx, struct state *s, const struct facts *f, int64_t client_id)
{
	char public_id[PUBLIC_ID_SIZE], starts_on[DATE_SIZE];
	const struct import_facts *i = &f->f;
	bool is_paid = strcmp(i->status, "paid") == 0;
	day end = 0;
	enum rc rc = day_parse(&end, i->ends_on);

	if (rc != RC_OK) return rc;
	/* Without a first day: one period before the last one, but never in the future. */
	day_text(starts_on, end - f->service->period_days);
	if (strcmp(starts_on, s->today) > 0) memcpy(starts_on, s->today, DATE_SIZE);
	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO subscription (public_id, client_id, service_id, price_cents, currency, payment_method, payment_status,"
		" payment_at, starts_on, ends_on, period_days, generation, created_at, created_by, updated_at, search)"
		" VALUES (:public_id, :client, :service, :price, :currency, :method, :status, :paid_at, :starts_on, :ends_on, :days,"
		" :generation, :now, :by, :now, (SELECT c.search || ' ' || v.search FROM client c, service v"
		" WHERE c.id = :client AND v.id = :service))",
		PARAMS(P_TEXT(":public_id", public_id), P_INT(":client", client_id),
		       P_INT(":service", f->service->id),
		       P_INT(":price", i->price_cents >= 0 ? i->price_cents : f->service->price_cents),
		       P_TEXT(":currency", f->service->currency),
		       P_TEXT(":method", i->method[0] != '\0' ? i->method : "cash"),
		       P_TEXT(":status", is_paid ? "paid" : "pending"),
		       P_REF(":paid_at", is_paid ? cx_now(cx) : 0),
		       P_TEXT(":starts_on", i->starts_on[0] != '\0' ? i->starts_on : starts_on),
		       P_TEXT(":ends_on", i->ends_on), P_INT(":days", f->service->period_days),
		       P_INT(":generation", s->generation), P_INT(":now", cx_now(cx)),
		       P_TEXT(":by", cx->actor.name)));
	return rc == RC_OK ? subscription_created(cx, db_last_id(cx)) : rc;
}

/* The customer of a row: known before, made by an earlier row, or new. */
static enum rc make(struct cx *cx, struct state *s, const struct import_row *row,
		    int64_t made[IMPORT_COUNTS_MAX])
{
	const struct facts *f = row->facts;
	int64_t client_id = f->client_id;
	enum rc rc = RC_OK;

	if (client_id == 0 && row->verdict == IMPORT_UPDATE) rc = find_made_client(cx, s, f, &client_id);
	if (rc == RC_OK && client_id == 0) {
		rc = add_client(cx, s, &f->f, &client_id);
		if (rc == RC_OK) made[COUNT_CLIENTS]++;
	}
	if (rc != RC_OK || f->service == NULL) return rc;
	rc = add_subscription(cx, s, f, client_id);
	if (rc == RC_OK) made[COUNT_SUBSCRIPTIONS]++;
	return rc;
}

/* A map of what the file says, without what it leaves empty. */
static void say(struct cx *cx, struct value *map, const char *name, const char *text)
{
	if (text[0] != '\0') value_set_text(cx->arena, map, name, text);
}

/* Through the same door as a form: its hooks give the number another chance and respell subscriptions. */
static enum rc change(struct cx *cx, struct state *s, const struct facts *f, int64_t made[IMPORT_COUNTS_MAX])
{
	struct value *input = value_map(cx->arena);
	int64_t id = f->client_id;
	enum rc rc;

	if (id == 0) return RC_OK; /* made by this very file */
	say(cx, input, "given_names", f->f.given_names);
	say(cx, input, "surnames", f->f.surnames);
	say(cx, input, "email", f->f.email);
	say(cx, input, "notes", f->f.notes);
	rc = desk_save(cx, s->open.resource, &id, input);
	if (rc == RC_OK) made[COUNT_CHANGED]++;
	return rc;
}

static enum rc write(struct cx *cx, void *state, struct import_row *row, enum import_step step,
		     int64_t made[IMPORT_COUNTS_MAX])
{
	if (step == IMPORT_MAKE) return make(cx, state, row, made);
	return row->verdict == IMPORT_UPDATE ? change(cx, state, row->facts, made) : RC_OK;
}

/* The payments of what was sold as paid. */
static enum rc settle(struct cx *cx, int64_t generation, int64_t *after, bool *is_end)
{
	struct value *rows = NULL;
	enum rc rc = db_rows(
		cx, &rows, SETTLE_ROWS,
		"SELECT id, price_cents, currency, payment_method FROM subscription WHERE generation = :generation"
		" AND id > :after AND payment_status = 'paid' AND price_cents > 0"
		" AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.subscription_id = subscription.id)"
		" ORDER BY id LIMIT 200",
		PARAMS(P_INT(":generation", generation), P_INT(":after", *after)));

	if (rc != RC_OK) return rc;
	for (const struct value *v = rows->first; v != NULL && rc == RC_OK; v = v->next) {
		struct payment_new p = { .amount_cents = value_int_of(value_get(v, "price_cents"), 0),
					 .subscription_id = value_int_of(value_get(v, "id"), 0),
					 .currency = value_text_of(value_get(v, "currency"), ""),
					 .method = value_text_of(value_get(v, "payment_method"), ""),
					 .state = "completed" };
		int64_t id = 0;

		rc = payment_add(cx, &id, &p);
		*after = p.subscription_id;
	}
	*is_end = rows->count < SETTLE_ROWS;
	return rc;
}

static void show(struct cx *cx, void *state, const struct import_row *row, struct value *list)
{
	const struct state *s = state;
	const struct facts *f = row->facts;

	for (size_t i = 0; i < IMPORT_COLUMNS; i++) {
		const char *text = import_cell(s->open.heading, row->cells, i);

		if (s->open.heading->at[i] < 0) continue;
		if (i == IMPORT_PHONE) text = f->f.phone;
		if (i == IMPORT_STARTS_ON) text = f->f.starts_on;
		if (i == IMPORT_ENDS_ON) text = f->f.ends_on;
		if (i == IMPORT_SERVICE && f->service != NULL) text = f->service->shown;
		if (i == IMPORT_PRICE && f->f.price_cents >= 0 && f->service != NULL)
			text = money_shown(cx, f->f.price_cents, f->service->currency);
		value_add_text(cx->arena, list, text);
	}
}

static const char *const tables[] = { "client", "subscription", NULL };
static const char *const counts[] = { N_("New customers"), N_("New subscriptions"), N_("Changed customers"),
				      NULL };

const struct importer renewals_importer = {
	.name = "subscriptions",
	.title = N_("Customers together with their subscriptions"),
	.help = N_(
		"A file with a column “servicio” makes customers and their subscriptions at once. A servicio needs its"
		" fecha_vencimiento; without precio the service's own price counts."),
	.tables = tables,
	.counts = counts,
	.skip_label = N_("keep their data, add the subscription"),
	.update_label = N_("take names, e-mail and notes from the file, add the subscription"),
	.makes_for_known = true,
	.fields = import_row_fields,
	.recognises = recognises,
	.open = open,
	.close = close,
	.judge = judge,
	.write = write,
	.settle = settle,
	.show = show,
};

/* The command */

static int64_t count_of(const struct value *import, const char *name)
{
	return value_int_of(value_get(import, name), 0);
}

static int64_t made_of(struct cx *cx, const struct value *import, enum count which)
{
	const char *json = value_text_of(value_get(import, "made_json"), "");
	struct value *list = NULL;
	size_t i = 0;

	if (json_parse(cx->arena, &list, NULL, json, strlen(json)) != RC_OK) return 0;
	for (const struct value *v = list->first; v != NULL; v = v->next)
		if (i++ == (size_t)which) return value_int_of(v, 0);
	return 0;
}

static enum rc print_json(struct cx *cx, struct command_call *call, struct value *import)
{
	struct value *wrong = NULL;
	struct sb sb;
	enum rc rc = db_rows(
		cx, &wrong, 1000,
		"SELECT line, reason FROM import_row WHERE import_id = :id AND outcome = 'wrong' ORDER BY line LIMIT 1000",
		PARAMS(P_INT(":id", count_of(import, "id"))));

	if (rc != RC_OK) return rc;
	value_set_int(cx->arena, import, "rows_known", count_of(import, "rows_update"));
	value_set_int(cx->arena, import, "clients_new", made_of(cx, import, COUNT_CLIENTS));
	value_set_int(cx->arena, import, "subscriptions_new", made_of(cx, import, COUNT_SUBSCRIPTIONS));
	value_set(import, "wrong", wrong);
	shape_json(cx, import);
	sb_init_arena(&sb, cx->arena, 16 * 1024 * 1024);
	json_write_pretty(&sb, import);
	fprintf(call->out, "%s\n", sb_text_of(&sb));
	return sb_result(&sb);
}

static enum rc print_import(struct cx *cx, struct command_call *call, struct value *import)
{
	if (call->is_json) return print_json(cx, call, import);
	fprintf(call->out,
		_("Rows: %lld. New customers: %lld. Already there: %lld. Duplicates: %lld. Wrong: %lld.\n"),
		(long long)count_of(import, "rows_total"), (long long)count_of(import, "rows_new"),
		(long long)count_of(import, "rows_update"), (long long)count_of(import, "rows_skipped"),
		(long long)count_of(import, "rows_wrong"));
	return import_print_wrong(cx, call, import);
}

static void print_made(struct cx *cx, struct command_call *call, const struct value *import)
{
	int64_t clients = made_of(cx, import, COUNT_CLIENTS),
		subscriptions = made_of(cx, import, COUNT_SUBSCRIPTIONS);

	fprintf(call->out, _("Taken in: %s, %s.\n"),
		arena_printf(cx->arena,
			     words_plural(cx->lang, clients, N_("%lld customer"), N_("%lld customers")),
			     (long long)clients),
		arena_printf(cx->arena,
			     words_plural(cx->lang, subscriptions, N_("%lld subscription"),
					  N_("%lld subscriptions")),
			     (long long)subscriptions));
}

enum rc import_command(struct cx *cx, struct command_call *call)
{
	const char *const with_value[] = { "on-duplicate", NULL }, *const flags[] = { "commit", NULL };
	const char *name = command_word(call, 0, with_value), *slash;
	struct import_new n = { .resource = desk_resource("clients"),
				.importer = renewals_importer.name,
				.fd = fileno(call->in) };
	struct value *import = NULL;
	bool commits = command_flag(call, "commit");
	enum rc rc = command_check(cx, call, flags, with_value);

	if (rc == RC_OK && name == NULL)
		rc = cx_fail(cx, RC_BAD_INPUT,
			     _("Usage: recado renewals import FILE [--commit] [--on-duplicate skip|update]"));
	if (rc != RC_OK) return rc;
	slash = strrchr(name, '/');
	n.file_name = slash != NULL ? slash + 1 : name;
	rc = import_run_command(cx, call, &n, commits, true, &import);
	if (rc == RC_OK) rc = print_import(cx, call, import);
	if (rc == RC_OK && !call->is_json && commits)
		print_made(cx, call, import);
	else if (rc == RC_OK && !call->is_json)
		fprintf(call->out, "%s\n", _("Nothing was written; say --commit to take it in."));
	if (rc == RC_OK && count_of(import, "rows_wrong") > 0)
		rc = cx_fail(cx, commits ? RC_PARTLY : RC_BAD_INPUT,
			     _("Some rows are wrong; they are named above."));
	return rc;
}
