/*
** page_client.c -- a new customer with one or more services, in one step: as a form and as API.
**
** Needs:  the office's own checks (desk_save) for every row.
** Holds:  (1) one transaction: an error in any line stores nothing; (2) the error stands at its line; (3) a
**         number that another customer has is told, never refused.
**
** API: POST /api/v1/clients/new with the fields of a customer and "services":[{service, starts_on, ends_on,
** price, payment_method, payment_status}]. Errors name their line: services.0.ends_on.
*/
#include "renewals/resources.h"
#include <string.h>

#define LINES_MAX      20  /* services of one customer at once           */
#define LINES_FIRST    2   /* lines of an empty form                     */
#define LINES_MORE     2   /* added by the button                        */
#define SERVICES_SHOWN 200 /* in the drop-down list of a line            */
#define STATUS_CREATED 201
#define STATUS_REFUSED 422 /* a form shown again (RFC 9110 §15.5.21)     */

static const struct {
	const char *name, *label, *type, *autocomplete, *help;
	bool is_required;
	int max;
} fields[] = {
	{ "given_names", N_("Given names"), "text", "off", NULL, true, 100 },
	{ "surnames", N_("Surnames"), "text", "off", NULL, false, 100 },
	{ "phone", N_("Phone"), "tel", "off",
	  N_("As people write it: 099 000 0000, or with + and the country code."), false, 30 },
	{ "email", N_("E-mail"), "email", "off", NULL, false, 0 },
	{ "notes", N_("Notes"), NULL, "off", NULL, false, 0 },
};

/* Columns of a line, as the form and the API call them, and what the office calls them. */
static const struct {
	const char *name, *column;
} line_columns[] = {
	{ "service", "service_id" },
	{ "starts_on", "starts_on" },
	{ "ends_on", "ends_on" },
	{ "price", "price_cents" },
};

struct line {
	const char *value[4];
	bool is_empty;
};

static const char *text_of(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}

/* ---- what came in ---- */

static size_t form_lines(struct call *call, struct line *lines)
{
	size_t n = form_count(call, "service");

	if (n > LINES_MAX) n = LINES_MAX;
	for (size_t i = 0; i < n; i++) {
		lines[i].is_empty = true;
		for (size_t k = 0; k < 4; k++) {
			const char *text = i < form_count(call, line_columns[k].name)
						   ? form_text_at(call, line_columns[k].name, i)
						   : NULL;

			lines[i].value[k] = text != NULL ? text : "";
			if (k != 1 && lines[i].value[k][0] != '\0') lines[i].is_empty = false;
		}
	}
	return n;
}

/* The customer's part of a JSON body: everything but the services. */
static struct value *json_client(struct cx *cx, const struct value *json)
{
	struct value *out = value_map(cx->arena);

	for (const struct value *v = json->first; v != NULL; v = v->next) {
		if (strcmp(v->key, "services") == 0 || strcmp(v->key, "servicios") == 0) continue;
		if (v->type == VALUE_TEXT)
			value_set_text(cx->arena, out, v->key, v->text);
		else if (v->type == VALUE_INT)
			value_set_int(cx->arena, out, v->key, v->integer);
		else if (v->type == VALUE_BOOL)
			value_set_bool(cx->arena, out, v->key, v->boolean);
	}
	return out;
}

static const struct value *json_services(const struct value *json)
{
	const struct value *list = value_get(json, "services");

	if (list == NULL) list = value_get(json, "servicios");
	return list;
}

/* Errors that a line's saving added get the line's number: "ends_on" -> "services.1.ends_on". */
static void name_errors(struct cx *cx, size_t before, size_t n)
{
	for (size_t i = before; i < cx->field_count; i++) {
		const char *field = cx->fields[i].field;

		for (size_t k = 0; k < 4; k++)
			if (strcmp(field, line_columns[k].column) == 0) field = line_columns[k].name;
		cx->fields[i].field = arena_printf(cx->arena, "services.%zu.%s", n, field);
	}
}

/* ---- saving, in the caller's transaction ---- */

struct new_client {
	int64_t id;
	const char *public_id;
	size_t subscriptions;
	struct value *made; /* [{id, service_id, ends_on}] */
};

static enum rc save_line(struct cx *cx, struct new_client *c, struct value *line, size_t n)
{
	struct value *row = NULL;
	size_t before = cx->field_count;
	int64_t id = 0;
	enum rc rc;

	value_set_text(cx->arena, line, "client_id", c->public_id);
	rc = desk_save(cx, desk_resource("subscriptions"), &id, line);
	name_errors(cx, before, n);
	if (rc == RC_BAD_INPUT) cx->message = ""; /* said once, for all lines */
	if (rc == RC_OK)
		rc = db_row(
			cx, &row,
			"SELECT s.public_id AS id, v.public_id AS service_id, s.starts_on, s.ends_on, s.price_cents, s.currency"
			" FROM subscription s JOIN service v ON v.id = s.service_id WHERE s.id = :id",
			PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) {
		value_append(c->made, row);
		c->subscriptions++;
	}
	return rc;
}

static enum rc save_client(struct cx *cx, struct new_client *c, const struct value *input)
{
	enum rc rc = desk_save(cx, desk_resource("clients"), &c->id, input);

	c->made = value_list(cx->arena);
	if (rc == RC_OK)
		rc = db_get_text(cx, &c->public_id, "SELECT public_id FROM client WHERE id = :id",
				 PARAMS(P_INT(":id", c->id)));
	if (rc == RC_BAD_INPUT) cx->message = "";
	return rc;
}

static enum rc save_form(struct cx *cx, struct call *call, struct new_client *c, const struct line *lines,
			 size_t count)
{
	struct value *input = value_map(cx->arena);
	enum rc rc, worst = RC_OK;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (form_text(call, fields[i].name) != NULL)
			value_set_text(cx->arena, input, fields[i].name, form_text(call, fields[i].name));
	rc = save_client(cx, c, input);
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		struct value *line = value_map(cx->arena);

		if (lines[i].is_empty) continue;
		for (size_t k = 0; k < 4; k++)
			value_set_text(cx->arena, line, line_columns[k].column, lines[i].value[k]);
		rc = save_line(cx, c, line, i);
		if (rc == RC_BAD_INPUT) { /* the other lines' errors are told too */
			worst = rc;
			rc = RC_OK;
		}
	}
	return rc == RC_OK ? worst : rc;
}

static enum rc save_json(struct cx *cx, struct new_client *c, const struct value *json)
{
	const struct value *services = json_services(json);
	size_t n = 0;
	enum rc rc, worst = RC_OK;

	if (services != NULL && (services->type != VALUE_LIST || services->count > LINES_MAX))
		return cx_fail_field(cx, "services", _("A list of at most %d services is wanted here."),
				     LINES_MAX);
	rc = save_client(cx, c, json_client(cx, json));
	for (const struct value *v = services != NULL ? services->first : NULL; v != NULL && rc == RC_OK;
	     v = v->next, n++) {
		rc = v->type == VALUE_MAP
			     ? save_line(cx, c, json_client(cx, v), n)
			     : cx_fail_field(cx, arena_printf(cx->arena, "services.%zu", n),
					     _("An object with the service and its dates is wanted here."));
		if (rc == RC_BAD_INPUT) {
			worst = rc;
			rc = RC_OK;
		}
	}
	return rc == RC_OK ? worst : rc;
}

/* ---- the form ---- */

static void fill_client(struct cx *cx, struct call *call, struct value *page, bool was_sent)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct value *f = field_add(cx, page, fields[i].name, words_get(cx->lang, fields[i].label),
					    was_sent ? form_text(call, fields[i].name) : "");

		value_set_bool(cx->arena, f, "is_required", fields[i].is_required);
		value_set_bool(cx->arena, f, "has_focus", i == 0 && !was_sent);
		value_set_text(cx->arena, f, "autocomplete", fields[i].autocomplete);
		if (fields[i].type != NULL)
			value_set_text(cx->arena, f, "type", fields[i].type);
		else
			value_set_bool(cx->arena, f, "is_text_area", true);
		if (fields[i].type == NULL) value_set_int(cx->arena, f, "lines", 3);
		if (fields[i].max > 0) value_set_int(cx->arena, f, "max_length", fields[i].max);
		if (fields[i].help != NULL)
			value_set_text(cx->arena, f, "help", words_get(cx->lang, fields[i].help));
	}
}

static const char *line_error(struct cx *cx, size_t n, const char *name)
{
	const char *field = arena_printf(cx->arena, "services.%zu.%s", n, name);

	for (size_t i = 0; i < cx->field_count; i++)
		if (strcmp(cx->fields[i].field, field) == 0) return cx->fields[i].message;
	return NULL;
}

static void fill_services(struct cx *cx, struct value *line, const struct value *services, const char *chosen)
{
	struct value *options = value_set_list(cx->arena, line, "options");

	for (const struct value *s = services->first; s != NULL; s = s->next) {
		struct value *one = value_add_map(cx->arena, options);

		value_set_text(cx->arena, one, "value", text_of(s, "id"));
		value_set_text(cx->arena, one, "title",
			       arena_printf(cx->arena, "%s · %s", text_of(s, "name"),
					    money_shown(cx, value_int_of(value_get(s, "price_cents"), 0),
							text_of(s, "currency"))));
		value_set_bool(cx->arena, one, "is_selected", strcmp(text_of(s, "id"), chosen) == 0);
	}
}

static enum rc fill_lines(struct cx *cx, struct value *page, const struct line *lines, size_t count,
			  size_t wanted)
{
	static const struct line empty = { .value = { "", "", "", "" }, .is_empty = true };
	struct value *services = NULL, *list = value_set_list(cx->arena, page, "lines");
	char today[DATE_SIZE];
	enum rc rc =
		db_rows(cx, &services, SERVICES_SHOWN,
			"SELECT public_id AS id, display_name AS name, price_cents, currency FROM service"
			" WHERE is_active = 1 AND archived_at IS NULL ORDER BY display_name, id LIMIT 200",
			NO_PARAMS);

	if (rc != RC_OK) return rc;
	day_text(today, cx_today(cx));
	for (size_t i = 0; i < wanted && i < LINES_MAX; i++) {
		const struct line *l = i < count ? &lines[i] : &empty;
		struct value *line = value_add_map(cx->arena, list);

		value_set_int(cx->arena, line, "number", (int64_t)i + 1);
		fill_services(cx, line, services, l->value[0]);
		value_set_text(cx->arena, line, "starts_on",
			       i < count ? l->value[1] : arena_text(cx->arena, today));
		value_set_text(cx->arena, line, "ends_on", l->value[2]);
		value_set_text(cx->arena, line, "price", l->value[3]);
		for (size_t k = 0; k < 4; k++)
			value_set_text(cx->arena, line,
				       arena_printf(cx->arena, "%s_error", line_columns[k].name),
				       line_error(cx, i, line_columns[k].name));
		value_set_bool(cx->arena, line, "is_wrong", false);
	}
	value_set_bool(cx->arena, page, "has_services", services->count > 0);
	value_set_bool(cx->arena, page, "may_price", actor_may(&cx->actor, RIGHT_PRICE));
	value_set_bool(cx->arena, page, "may_more", wanted < LINES_MAX);
	return RC_OK;
}

static enum rc client_page(struct cx *cx, struct call *call, const struct line *lines, size_t count,
			   size_t wanted, enum rc failure, bool was_sent)
{
	struct value *page = value_map(cx->arena);
	enum rc rc = fill_lines(cx, page, lines, count, wanted);

	if (rc != RC_OK) return rc;
	fill_client(cx, call, page, was_sent);
	page_trail(cx, page, _("Customers"), "/clients");
	value_set_text(cx->arena, page, "title", _("New customer"));
	page_errors(cx, page, failure);
	answer_page(cx, call, "renewals/client_new", text_of(page, "title"), page);
	if (failure != RC_OK) reply_status(call_reply(call), STATUS_REFUSED);
	return RC_OK;
}

enum rc handle_client_new(struct cx *cx, struct call *call)
{
	return call_shape(call) == SHAPE_PAGE ? client_page(cx, call, NULL, 0, LINES_FIRST, RC_OK, false)
					      : RC_NOT_FOUND;
}

/* ---- both ---- */

static void answer_made(struct cx *cx, struct call *call, const struct new_client *c)
{
	struct value *out = value_map(cx->arena);
	int64_t others = 0;

	(void)client_same_phone(cx, c->id, &others);
	value_set_text(cx->arena, out, "id", c->public_id);
	value_set(out, "subscriptions", c->made);
	value_set_int(cx->arena, out, "same_phone_count", others);
	answer_header(call, "Location", arena_printf(cx->arena, "/api/v1/clients/%s", c->public_id));
	answer_json(cx, call, STATUS_CREATED, out);
}

static void flash_made(struct cx *cx, struct call *call, const struct new_client *c)
{
	int64_t others = 0;
	const char *names = client_same_phone(cx, c->id, &others);
	const char *said = arena_printf(cx->arena,
					words_plural(cx->lang, (int64_t)c->subscriptions,
						     N_("The customer was created with %zu subscription."),
						     N_("The customer was created with %zu subscriptions.")),
					c->subscriptions);

	if (others > 0)
		said = names[0] != '\0'
			       ? arena_printf(cx->arena, _("%s Careful: the same number belongs to %s."),
					      said, names)
			       : arena_printf(cx->arena,
					      _("%s Careful: the same number belongs to another customer."),
					      said);
	answer_flash(cx, call, arena_printf(cx->arena, "/clients/%s", c->public_id), said);
}

enum rc handle_client_create(struct cx *cx, struct call *call)
{
	struct new_client c = { .id = 0, .public_id = "" };
	struct line lines[LINES_MAX];
	size_t count;
	bool is_page = call_shape(call) == SHAPE_PAGE;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	count = form_lines(call, lines);
	if (is_page && form_text(call, "more") != NULL)
		return client_page(cx, call, lines, count, count + LINES_MORE, RC_OK, true);
	rc = tx_begin(cx);
	if (rc != RC_OK) return rc;
	rc = form_json(call) != NULL ? save_json(cx, &c, form_json(call))
				     : save_form(cx, call, &c, lines, count);
	rc = tx_end(cx, rc);
	if (is_page && (rc == RC_BAD_INPUT || rc == RC_CONFLICT))
		return client_page(cx, call, lines, count, count > 0 ? count : LINES_FIRST, rc, true);
	if (rc != RC_OK) return rc;
	if (is_page)
		flash_made(cx, call, &c);
	else
		answer_made(cx, call, &c);
	return RC_OK;
}
