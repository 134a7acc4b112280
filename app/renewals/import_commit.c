/*
** import_commit.c -- takes a judged file in: all of it or nothing, without holding up the panel.
**
** New customers and subscriptions are written in slices under a generation that no list shows; one
** short transaction then makes them visible. Changes to customers that were there already cannot be
** hidden, so they come after the flip, also in slices, and the job goes on with them until they are done.
**
** Holds: (1) before the flip nobody sees a row of this import, and dropping it is deleting the hidden
** rows; (2) the place is saved with each slice, so a stop loses at most the slice; (3) a customer that
** stands on several lines is made once.
*/
#include "base/text.h"
#include "renewals/import.h"
#include <string.h>

#define COMMIT_SLICE    100 /* lines a transaction: each is up to six inserts */
#define SLICE_ARENA_MAX (32 * 1024 * 1024)

struct commit {
	struct cx *cx;
	struct job *job;
	int64_t import_id, generation, user_id, total;
	bool updates;
	char today[DATE_SIZE];
	int64_t clients_new, subscriptions_new;
};

struct line {
	int64_t number, service_id, client_id;
	const char *outcome, *phone, *ends_on;
	struct value *facts;
};

static const char *fact(const struct line *l, const char *name)
{
	return value_text_of(value_get(l->facts, name), "");
}

static enum rc read_slice(struct commit *c, struct line *lines, size_t *count, int64_t after, const char *sql)
{
	struct cx *cx = c->cx;
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q, sql, PARAMS(P_INT(":import", c->import_id), P_INT(":after", after)));

	*count = 0;
	while (rc == RC_OK && *count < COMMIT_SLICE && query_next(q)) {
		struct line *l = &lines[(*count)++];
		const char *json = query_text(q, 6);

		*l = (struct line){ .number = query_int(q, 0),
				    .outcome = query_copy(cx, q, 1),
				    .phone = query_copy(cx, q, 2),
				    .service_id = query_int(q, 3),
				    .ends_on = query_copy(cx, q, 4),
				    .client_id = query_int(q, 5) };
		rc = json_parse(cx->arena, &l->facts, NULL, json, strlen(json));
	}
	return query_end(q, rc);
}

static enum rc add_client(struct commit *c, const struct line *l, int64_t *id)
{
	struct cx *cx = c->cx;
	char public_id[PUBLIC_ID_SIZE];
	const char *given = fact(l, "given_names"), *surnames = fact(l, "surnames"),
		   *email = fact(l, "email");
	enum rc rc;

	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO client (public_id, given_names, surnames, email, phone, phone_original, phone_kind, notes, owner_id,"
		" generation, created_at, updated_at, sort_name, search) VALUES (:public_id, :given, :surnames, nullif(:email, ''),"
		" :phone, :original, :kind, :notes, :owner, :generation, :now, :now, :sort_name, :search)",
		PARAMS(P_TEXT(":public_id", public_id), P_TEXT(":given", given),
		       P_TEXT(":surnames", surnames), P_TEXT(":email", email), P_TEXT(":phone", l->phone),
		       P_TEXT(":original", fact(l, "phone_original")), P_TEXT(":kind", fact(l, "phone_kind")),
		       P_TEXT(":notes", fact(l, "notes")), P_REF(":owner", c->user_id),
		       P_INT(":generation", c->generation), P_INT(":now", cx_now(cx)),
		       P_TEXT(":sort_name",
			      text_fold(cx->arena, arena_printf(cx->arena, "%s %s", surnames, given))),
		       P_TEXT(":search", text_fold(cx->arena, arena_printf(cx->arena, "%s %s %s %s", given,
									   surnames, email, l->phone)))));
	if (rc == RC_OK) {
		*id = db_last_id(cx);
		c->clients_new++;
	}
	return rc;
}

static enum rc add_payment(struct commit *c, int64_t subscription_id, int64_t price, const char *currency,
			   const char *method)
{
	struct cx *cx = c->cx;
	char public_id[PUBLIC_ID_SIZE];

	if (price == 0) return RC_OK;
	public_id_new(public_id);
	return db_run(
		cx,
		"INSERT INTO payment (public_id, subscription_id, amount_cents, currency, method, state, paid_at, notes, created_by,"
		" created_at, updated_at) VALUES (:public_id, :subscription, :amount, :currency, :method, 'completed', :now, '', :by,"
		" :now, :now)",
		PARAMS(P_TEXT(":public_id", public_id), P_INT(":subscription", subscription_id),
		       P_INT(":amount", price), P_TEXT(":currency", currency), P_TEXT(":method", method),
		       P_INT(":now", cx_now(cx)), P_TEXT(":by", cx->actor.name)));
}

/* The subscription of a line: dates and price of the file, or the service's own. */
static enum rc add_subscription(struct commit *c, const struct line *l, int64_t client_id)
{
	struct cx *cx = c->cx;
	struct value *service = NULL;
	char public_id[PUBLIC_ID_SIZE], starts_on[DATE_SIZE];
	const char *given = fact(l, "starts_on"), *status = fact(l, "status"), *method = fact(l, "method"),
		   *currency, *period;
	int64_t price = value_int_of(value_get(l->facts, "price_cents"), -1), id;
	day end = 0;
	enum rc rc = db_row(cx, &service,
			    "SELECT display_name, period, price_cents, currency FROM service WHERE id = :id",
			    PARAMS(P_INT(":id", l->service_id)));

	if (rc == RC_OK) rc = day_parse(&end, l->ends_on);
	if (rc != RC_OK) return rc;
	period = value_text_of(value_get(service, "period"), "monthly");
	currency = value_text_of(value_get(service, "currency"), "");
	if (price < 0) price = value_int_of(value_get(service, "price_cents"), 0);
	if (method[0] == '\0') method = "cash";
	/* Without a first day: one period before the last one, but never in the future. */
	day_text(starts_on, end - period_days_of(period));
	if (strcmp(starts_on, c->today) > 0) memcpy(starts_on, c->today, DATE_SIZE);
	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO subscription (public_id, client_id, service_id, price_cents, currency, payment_method, payment_status,"
		" payment_at, starts_on, ends_on, period_days, generation, created_at, created_by, updated_at, search)"
		" VALUES (:public_id, :client, :service, :price, :currency, :method, :status,"
		" CASE :status WHEN 'paid' THEN :now END, :starts_on, :ends_on, :days, :generation, :now, :by, :now, (SELECT c.search || ' ' || v.search"
		" FROM client c, service v WHERE c.id = :client AND v.id = :service))",
		PARAMS(P_TEXT(":public_id", public_id), P_INT(":client", client_id),
		       P_INT(":service", l->service_id), P_INT(":price", price),
		       P_TEXT(":currency", currency), P_TEXT(":method", method),
		       P_TEXT(":status", strcmp(status, "paid") == 0 ? "paid" : "pending"),
		       P_TEXT(":starts_on", given[0] != '\0' ? given : starts_on),
		       P_TEXT(":ends_on", l->ends_on), P_INT(":days", period_days_of(period)),
		       P_INT(":generation", c->generation), P_INT(":now", cx_now(cx)),
		       P_TEXT(":by", cx->actor.name)));
	if (rc != RC_OK) return rc;
	id = db_last_id(cx);
	c->subscriptions_new++;
	rc = subscription_created(cx, id);
	if (rc == RC_OK && strcmp(status, "paid") == 0) rc = add_payment(c, id, price, currency, method);
	return rc;
}

/* The customer of a line: known before, made by an earlier line, or new. */
static enum rc write_line(struct commit *c, const struct line *l)
{
	struct cx *cx = c->cx;
	int64_t client_id = l->client_id;
	enum rc rc = RC_OK;

	if (client_id == 0 && strcmp(l->outcome, "known") == 0) {
		rc = db_get_int(
			cx, &client_id,
			"SELECT id FROM client INDEXED BY client_phone WHERE phone = :phone AND generation = :generation LIMIT 1",
			PARAMS(P_TEXT(":phone", l->phone), P_INT(":generation", c->generation)));
		if (rc == RC_NOT_FOUND) rc = RC_OK;
	}
	if (rc == RC_OK && client_id == 0) rc = add_client(c, l, &client_id);
	if (rc == RC_OK && l->service_id != 0) rc = add_subscription(c, l, client_id);
	return rc;
}

static enum rc update_client(struct commit *c, const struct line *l)
{
	struct cx *cx = c->cx;
	const char *given = fact(l, "given_names"), *surnames = fact(l, "surnames"),
		   *email = fact(l, "email");
	struct value *before = NULL, *after = value_map(cx->arena);
	enum rc rc =
		db_row(cx, &before, "SELECT given_names, surnames, email, notes FROM client WHERE id = :id",
		       PARAMS(P_INT(":id", l->client_id)));

	if (rc != RC_OK) return rc;
	rc = db_run(
		cx,
		"UPDATE client SET given_names = :given, surnames = CASE :surnames WHEN '' THEN surnames ELSE :surnames END,"
		" email = CASE :email WHEN '' THEN email ELSE :email END, notes = CASE :notes WHEN '' THEN notes ELSE :notes END,"
		" updated_at = :now, sort_name = :sort_name, search = :search WHERE id = :id",
		PARAMS(P_TEXT(":given", given), P_TEXT(":surnames", surnames), P_TEXT(":email", email),
		       P_TEXT(":notes", fact(l, "notes")), P_INT(":now", cx_now(cx)),
		       P_INT(":id", l->client_id),
		       P_TEXT(":sort_name",
			      text_fold(
				      cx->arena,
				      arena_printf(cx->arena, "%s %s",
						   surnames[0] != '\0'
							   ? surnames
							   : value_text_of(value_get(before, "surnames"), ""),
						   given))),
		       P_TEXT(":search",
			      text_fold(
				      cx->arena,
				      arena_printf(cx->arena, "%s %s %s %s", given,
						   surnames[0] != '\0'
							   ? surnames
							   : value_text_of(value_get(before, "surnames"), ""),
						   email[0] != '\0'
							   ? email
							   : value_text_of(value_get(before, "email"), ""),
						   l->phone)))));
	value_set_text(cx->arena, after, "given_names", given);
	value_set_text(cx->arena, after, "surnames", surnames);
	value_set_text(cx->arena, after, "email", email);
	return rc == RC_OK ? audit_add(cx, "import", "client", l->client_id, before, after) : rc;
}

static enum rc save_place(struct commit *c, const char *phase, int64_t line)
{
	struct cx *cx = c->cx;
	struct value *place = value_map(cx->arena);

	value_set_text(cx->arena, place, "phase", phase);
	value_set_int(cx->arena, place, "line", line);
	value_set_int(cx->arena, place, "generation", c->generation);
	value_set_int(cx->arena, place, "clients_new", c->clients_new);
	value_set_int(cx->arena, place, "subscriptions_new", c->subscriptions_new);
	return job_save_place(cx, c->job, place);
}

/* Walk the lines of a phase from `after`, a slice and its place in one transaction each. */
static enum rc walk(struct commit *c, const char *phase, int64_t after, const char *sql,
		    enum rc (*write)(struct commit *, const struct line *))
{
	struct cx *cx = c->cx;
	struct arena *outer = cx->arena, *slice = arena_new(SLICE_ARENA_MAX);
	size_t count = COMMIT_SLICE;
	enum rc rc = slice != NULL ? RC_OK : RC_NO_MEMORY;

	while (rc == RC_OK && count == COMMIT_SLICE) {
		struct line *lines;

		arena_reset(slice);
		cx->arena = slice;
		lines = arena_array(slice, COMMIT_SLICE, sizeof(*lines));
		rc = lines != NULL ? tx_begin(cx) : RC_NO_MEMORY;
		if (rc != RC_OK) break;
		rc = read_slice(c, lines, &count, after, sql);
		for (size_t i = 0; i < count && rc == RC_OK; i++)
			rc = write(c, &lines[i]);
		if (count > 0) after = lines[count - 1].number;
		if (rc == RC_OK) rc = save_place(c, phase, after);
		rc = tx_end(cx, rc);
		cx->arena = outer;
		if (rc == RC_OK) rc = job_progress(cx, c->job, after, c->total);
		if (rc == RC_OK && job_should_stop(c->job)) rc = RC_TRY_LATER;
	}
	cx->arena = outer;
	arena_free(slice);
	return rc;
}

static const char new_lines_sql[] =
	"SELECT line, outcome, phone, coalesce(service_id, 0), ends_on, coalesce(client_id, 0), cells_json FROM import_row"
	" WHERE import_id = :import AND line > :after AND outcome IN ('new', 'known') ORDER BY line LIMIT 100";
static const char known_lines_sql[] =
	"SELECT line, outcome, phone, coalesce(service_id, 0), ends_on, coalesce(client_id, 0), cells_json FROM import_row"
	" WHERE import_id = :import AND line > :after AND outcome = 'known' AND client_id IS NOT NULL ORDER BY line LIMIT 100";

static enum rc open_generation(struct commit *c)
{
	struct cx *cx = c->cx;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	/* Far above any earlier one, so that a generation never comes again. */
	c->generation = c->import_id;
	rc = db_run(
		cx,
		"INSERT INTO pending_generation (id, owner, created_at) VALUES (:id, 'import', :now) ON CONFLICT DO NOTHING",
		PARAMS(P_INT(":id", c->generation), P_INT(":now", cx_now(cx))));
	if (rc == RC_OK) rc = save_place(c, "hidden", 0);
	return tx_end(cx, rc);
}

/* The moment it becomes true: one row goes, and every list sees what was written. */
static enum rc flip(struct commit *c)
{
	struct cx *cx = c->cx;
	struct value *after = value_map(cx->arena);
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(cx, "DELETE FROM pending_generation WHERE id = :id", PARAMS(P_INT(":id", c->generation)));
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"UPDATE import SET clients_new = :clients, subscriptions_new = :subscriptions WHERE id = :id",
			PARAMS(P_INT(":clients", c->clients_new),
			       P_INT(":subscriptions", c->subscriptions_new), P_INT(":id", c->import_id)));
	value_set_int(cx->arena, after, "clients_new", c->clients_new);
	value_set_int(cx->arena, after, "subscriptions_new", c->subscriptions_new);
	if (rc == RC_OK) rc = audit_add(cx, "import", "import", c->import_id, NULL, after);
	if (rc == RC_OK) rc = save_place(c, "updates", 0);
	return tx_end(cx, rc);
}

static enum rc finish(struct commit *c)
{
	struct cx *cx = c->cx;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(cx, "UPDATE import SET state = 'done', finished_at = :now WHERE id = :id",
		    PARAMS(P_INT(":now", cx_now(cx)), P_INT(":id", c->import_id)));
	return tx_end(cx, rc);
}

enum rc import_commit(struct cx *cx, struct job *job, int64_t import_id)
{
	struct commit c = { .cx = cx, .job = job, .import_id = import_id };
	const struct value *place = job_place(job);
	const char *phase = value_text_of(value_get(place, "phase"), "");
	int64_t line = value_int_of(value_get(place, "line"), 0);
	struct value *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT on_duplicate, user_id, rows_total, created_by FROM import WHERE id = :id AND state = 'committing'",
		PARAMS(P_INT(":id", import_id)));

	if (rc != RC_OK) return rc;
	c.updates = strcmp(value_text_of(value_get(row, "on_duplicate"), ""), "update") == 0;
	c.user_id = value_int_of(value_get(row, "user_id"), 0);
	c.total = value_int_of(value_get(row, "rows_total"), 0) + 1;
	c.generation = value_int_of(value_get(place, "generation"), 0);
	c.clients_new = value_int_of(value_get(place, "clients_new"), 0);
	c.subscriptions_new = value_int_of(value_get(place, "subscriptions_new"), 0);
	cx->actor.name = value_text_of(value_get(row, "created_by"), cx->actor.name);
	day_text(c.today, cx_today(cx));
	if (phase[0] == '\0') {
		rc = open_generation(&c);
		phase = "hidden";
	}
	if (rc == RC_OK && strcmp(phase, "hidden") == 0) {
		rc = walk(&c, "hidden", line, new_lines_sql, write_line);
		if (rc == RC_OK) rc = flip(&c);
		line = 0;
	}
	if (rc == RC_OK && c.updates) rc = walk(&c, "updates", line, known_lines_sql, update_client);
	return rc == RC_OK ? finish(&c) : rc;
}
