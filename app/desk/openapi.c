/*
** openapi.c -- the API told to programs: OpenAPI 3.1, made from the tables of resources and routes.
**
** Needs:  the routes of the running house (web_route_at); a database for what can be null.
** Never:  is written by hand: what stands here is true because the same rows serve the calls.
** Holds:  (1) every row that /api/v1 has is told, and nothing else; (2) the same tables and language give the
**         same bytes; (3) every code of an error is in api_errors.
*/
#include "desk/openapi.h"

#include "base/text.h"
#include <string.h>

#define KEY_MAX 200 /* of an Idempotency-Key, as idempotency.c */

#define TEXT(map, key, text) value_set_text(cx->arena, (map), (key), (text))
#define INT(map, key, n)     value_set_int(cx->arena, (map), (key), (n))
#define BOOL(map, key, is)   value_set_bool(cx->arena, (map), (key), (is))
#define LIST(map, key)       value_set_list(cx->arena, (map), (key))
#define MAP(map, key)        value_set_map(cx->arena, (map), (key))

const struct api_error api_errors[] = {
	{ "bad_input", 400, N_("A value is not right; “fields” says which, and why.") },
	{ "unknown_field", 400, N_("The body has a field that is not known here.") },
	{ "unknown_parameter", 400, N_("The address has a parameter that is not known here.") },
	{ "bad_json", 400,
	  N_("The body is not JSON: broken, nested too deep, not UTF-8, with a NUL, or with a key twice.") },
	{ "bad_request", 400, N_("The request is not well formed, or its host is not one of this house.") },
	{ "no_login", 401, N_("No token, or one that is not valid (any more).") },
	{ "denied", 403, N_("The token or the person has not the right for this.") },
	{ "csrf", 403, N_("A call with a session needs its X-CSRF-Token.") },
	{ "not_found", 404, N_("There is no such thing, or you may not see it.") },
	{ "method_not_allowed", 405, N_("This address knows other methods: see the header Allow.") },
	{ "conflict", 409, N_("It does not go with what is stored now: look again, then decide.") },
	{ "key_reused", 409, N_("The Idempotency-Key was used for another request.") },
	{ "still_running", 409, N_("The first call with this Idempotency-Key is still running: wait.") },
	{ "unfinished", 409,
	  N_("An earlier call with this Idempotency-Key was cut off: look at what it did before you repeat.") },
	{ "wrong_state", 409, N_("The bulk send is in a state in which this cannot be done.") },
	{ "not_unsure", 409, N_("Nothing is to be decided about this row any more.") },
	{ "already_asked", 409, N_("A report of those days is on its way already.") },
	{ "too_young", 409, N_("The report of those days is too new to be asked for again.") },
	{ "already_loaded", 409, N_("The report is in that database already; it can only be loaded again.") },
	{ "report_file_missing", 404, N_("The report has no file to download.") },
	{ "channel_not_configured", 400, N_("The settings of that channel are not complete.") },
	{ "too_large", 413, N_("The body, the address or the headers are larger than allowed.") },
	{ "unsupported_media_type", 415, N_("Send JSON with Content-Type: application/json.") },
	{ "too_many", 429, N_("Too many calls: wait as long as Retry-After says.") },
	{ "try_later", 503, N_("Busy right now: wait as long as Retry-After says, then repeat.") },
	{ "no_memory", 503, N_("Too much at once: repeat later, or ask for less.") },
	{ "io", 500, N_("The disk or the system refused; the log says more.") },
	{ "bug", 500, N_("Our fault; it is in the log.") },
	{ NULL, 0, NULL },
};

/* Statuses of failures, as components; the rest are rare enough for "default". */
static const struct {
	const char *name;
	int status;
	const char *help;
} failures[] = {
	{ "bad_input", 400, N_("Something that was sent is not right; “fields” says what.") },
	{ "no_login", 401, N_("Log in first, or send a valid token.") },
	{ "denied", 403, N_("Not allowed with these rights.") },
	{ "not_found", 404, N_("There is none, or it is not yours to see.") },
	{ "conflict", 409, N_("It does not go with what is stored now.") },
	{ "too_large", 413, N_("Larger than allowed.") },
	{ "address_too_long", 414, N_("The address is too long.") },
	{ "unsupported", 415, N_("Send JSON.") },
	{ "refused", 422, N_("Understood, but refused; “fields” says why.") },
	{ "too_many", 429, N_("Too many calls; Retry-After says how long to wait.") },
	{ "headers_too_large", 431, N_("The headers are too large.") },
	{ "try_later", 503, N_("Busy; Retry-After says how long to wait.") },
};

const char *api_address(struct cx *cx)
{
	const char *url = setting_text(cx->env->settings, "web.public_url");
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	return arena_printf(cx->arena, "%.*s/api/v1", (int)len, url);
}

/* A module answers this one itself there, instead of the generic office. */
static bool is_replaced(const struct route *row)
{
	const struct route *other;

	for (size_t i = 0; !row->is_api_only && (other = web_route_at(i)) != NULL; i++)
		if (other->is_api_only && strcmp(other->method, row->method) == 0 &&
		    strcmp(other->path, row->path) == 0)
			return true;
	return false;
}

/* Is this row one that /api/v1 has? */
static bool api_has_route(const struct route *row)
{
	return row->realm == REALM_STAFF && !row->no_api && strcmp(row->path, "/logout") != 0 &&
	       !is_replaced(row);
}

static bool is_get(const struct route *row)
{
	return strcmp(row->method, "GET") == 0;
}

/* The resource of a made row, NULL for any other. */
static const struct office_arg *office_of(const struct route *row)
{
	const struct route *made = desk_made_routes();
	size_t n = 0;

	while (made[n].method != NULL)
		n++;
	return row >= made && row < made + n ? row->arg : NULL;
}

/* Parameters */

static struct value *parameter(struct cx *cx, struct value *list, const char *name, const char *in,
			       const char *help, struct value *schema)
{
	struct value *out = value_add_map(cx->arena, list);

	TEXT(out, "name", name);
	TEXT(out, "in", in);
	if (strcmp(in, "path") == 0) BOOL(out, "required", true);
	if (help != NULL) TEXT(out, "description", help);
	value_set(out, "schema", schema);
	return out;
}

static struct value *schema_of_words(struct cx *cx, const char *const *words)
{
	struct value *out = schema_of_type(cx, "string"), *list = LIST(out, "enum");

	for (; *words != NULL; words++)
		value_add_text(cx->arena, list, *words);
	return out;
}

static struct value *schema_up_to(struct cx *cx, int64_t max)
{
	struct value *out = schema_of_type(cx, "string");

	INT(out, "maxLength", max);
	return out;
}

/* Names between colons and slashes. */
static void add_path_parameters(struct cx *cx, const struct route *row, struct value *list)
{
	for (const char *p = strchr(row->path, ':'); p != NULL; p = strchr(p, ':')) {
		size_t n = strcspn(++p, "/");

		parameter(cx, list, arena_bytes(cx->arena, p, n), "path", NULL, schema_of_type(cx, "string"));
		p += n;
	}
}

static struct value *schema_of_filter(struct cx *cx, const struct office *o, size_t i)
{
	const struct filter *f = &o->r->filters[i];
	const struct choices *choices = o->filter_choices[i];
	struct value *out = schema_of_type(cx, "string"), *list;

	if (choices != NULL) {
		list = LIST(out, "enum");
		for (size_t k = 0; k < choices->count; k++)
			value_add_text(cx->arena, list, choices->at[k].value);
	} else if (f->ref != NULL) {
		TEXT(out, "x-ref", f->ref);
	} else if (filter_wants_date(f)) {
		TEXT(out, "format", "date");
	}
	return out;
}

static void add_columns_parameter(struct cx *cx, const struct office *o, struct value *list)
{
	struct value *names = schema_of_type(cx, "array"), *known, *one;

	known = LIST(MAP(names, "items"), "enum");
	for (size_t i = 0; i < o->columns; i++)
		if (column_is_in(&o->r->columns[i], SELECT_API))
			value_add_text(cx->arena, known, o->r->columns[i].name);
	one = parameter(cx, list, "columns", "query",
			_("Only these columns: their names, separated by commas."), names);
	TEXT(one, "style", "form");
	BOOL(one, "explode", false);
}

static void add_list_parameters(struct cx *cx, const struct office *o, struct value *list)
{
	static const char *const directions[] = { "up", "down", NULL }, *const one[] = { "1", NULL };
	const char *sorts[DESK_SORTS_MAX + 1] = { NULL };
	struct value *limit;

	for (size_t i = 0; i < o->filters; i++)
		parameter(cx, list, o->r->filters[i].name, "query",
			  words_get(cx->lang, o->r->filters[i].title), schema_of_filter(cx, o, i));
	if (o->has_search)
		parameter(cx, list, "q", "query", _("Search: words that must all be there."),
			  schema_up_to(cx, DESK_SEARCH_MAX));
	for (size_t i = 0; i < o->sorts; i++)
		sorts[i] = o->r->sorts[i].name;
	parameter(cx, list, "sort", "query", _("The order of the rows."), schema_of_words(cx, sorts));
	parameter(cx, list, "dir", "query", _("Upwards or downwards."), schema_of_words(cx, directions));
	limit = schema_of_type(cx, "integer");
	INT(limit, "minimum", 1);
	INT(limit, "maximum", DESK_API_ROWS_MAX);
	INT(limit, "default", DESK_API_ROWS);
	parameter(cx, list, "limit", "query", _("How many rows at most."), limit);
	parameter(cx, list, "cursor", "query", _("“next” or “previous” of an earlier answer, unchanged."),
		  schema_up_to(cx, DESK_CURSOR_MAX));
	parameter(cx, list, "count", "query", _("Tell how many rows there are in all, too."),
		  schema_of_words(cx, one));
	add_columns_parameter(cx, o, list);
	if (o->where_archived != NULL)
		parameter(cx, list, "archived", "query", _("The archived ones instead."),
			  schema_of_words(cx, one));
}

static void add_parameters(struct cx *cx, const struct route *row, const struct office_arg *arg,
			   struct value *op)
{
	struct value *list = LIST(op, "parameters"), *key;

	add_path_parameters(cx, row, list);
	if (arg != NULL && row->handle == handle_list) add_list_parameters(cx, arg->office, list);
	for (const struct fact *f = row->takes; is_get(row) && f != NULL && f->name != NULL; f++) {
		struct value *p = parameter(cx, list, f->name, "query", NULL, schema_of_fact(cx, f));

		if (f->is_needed) BOOL(p, "required", true);
	}
	if (row->is_idempotent) {
		key = schema_up_to(cx, KEY_MAX);
		INT(key, "minLength", 1);
		TEXT(key, "pattern", "^[!-~]+$");
		parameter(cx, list, "Idempotency-Key", "header",
			  _("A word of your own: the same call with the same key happens once."), key);
	}
}

/* Bodies */

const struct fact bulk_takes[] = {
	{ .name = "ids", .type = FACT_TEXTS, .help = N_("The rows to do it to.") },
	{ .name = "all",
	  .type = FACT_BOOL,
	  .help = N_("True: every row of the list, as filtered, in the background.") },
	{ .name = "filter", .type = FACT_MAP, .help = N_("With “all”: the filters of the list, and q.") },
	{ .name = NULL },
};

static void set_body(struct cx *cx, struct value *op, struct value *schema, bool is_needed)
{
	struct value *body = MAP(op, "requestBody");

	if (is_needed) BOOL(body, "required", true);
	value_set(MAP(MAP(body, "content"), "application/json"), "schema", schema);
}

static bool needs_any(const struct fact *facts)
{
	for (; facts->name != NULL; facts++)
		if (facts->is_needed) return true;
	return false;
}

static void add_body(struct cx *cx, const struct route *row, const struct office_arg *arg, struct value *op)
{
	const char *name = arg != NULL ? arg->office->r->name : "";

	if (is_get(row) || strcmp(row->method, "DELETE") == 0) return;
	if (arg != NULL && row->handle == handle_create)
		set_body(cx, op, schema_ref(cx, name, "_new"), true);
	else if (arg != NULL && row->handle == handle_save)
		set_body(cx, op, schema_ref(cx, name, "_change"), true);
	else if (row->takes != NULL)
		set_body(cx, op, schema_of_facts(cx, row->takes, true), needs_any(row->takes));
	else
		set_body(cx, op, schema_of_type(cx, "object"), false);
}

/* Answers */

static const struct fact action_gives[] = {
	{ .name = "done", .type = FACT_TEXT, .is_needed = true, .help = N_("What happened, as a sentence.") },
	{ .name = "row", .type = FACT_MAP },
	{ .name = NULL },
};
static const struct fact bulk_gives[] = {
	{ .name = "done", .type = FACT_INT, .is_needed = true, .help = N_("Rows it was done to.") },
	{ .name = "failed", .type = FACT_INT, .is_needed = true, .help = N_("Rows it was not done to.") },
	{ .name = "message", .type = FACT_TEXT, .is_needed = true },
	{ .name = NULL },
};
static const struct fact history_gives[] = {
	{ .name = "data", .type = FACT_MAPS, .is_needed = true, .help = N_("The changes, newest first.") },
	{ .name = NULL },
};

static void add_failures(struct cx *cx, struct value *answers)
{
	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
		TEXT(MAP(answers, arena_printf(cx->arena, "%d", failures[i].status)), "$ref",
		     arena_printf(cx->arena, "#/components/responses/%s", failures[i].name));
}

static struct value *answer(struct cx *cx, struct value *answers, const char *status, const char *help,
			    struct value *schema)
{
	struct value *out = MAP(answers, status);

	TEXT(out, "description", help);
	value_set(MAP(MAP(out, "content"), "application/json"), "schema", schema);
	return out;
}

static struct value *schema_of_done(struct cx *cx, const char *name)
{
	struct value *out = schema_of_facts(cx, action_gives, false);

	value_set((struct value *)(uintptr_t)value_get(out, "properties"), "row", schema_ref(cx, name, ""));
	return out;
}

/* What a made row answers; NULL when the row is not one of those. */
static struct value *office_answer(struct cx *cx, const struct route *row, const struct office_arg *arg)
{
	const char *name = arg->office->r->name;

	if (row->handle == handle_list) return schema_ref(cx, name, "_list");
	if (row->handle == handle_history) return schema_of_facts(cx, history_gives, false);
	if (row->handle == handle_action) return schema_of_done(cx, name);
	if (row->handle == handle_bulk) return schema_of_facts(cx, bulk_gives, false);
	if (row->handle == handle_show || row->handle == handle_create || row->handle == handle_save ||
	    row->handle == handle_archive)
		return schema_ref(cx, name, "");
	return NULL;
}

static struct value *any_answer(struct cx *cx, const struct route *row)
{
	return row->gives != NULL ? schema_of_facts(cx, row->gives, false) : schema_of_type(cx, "object");
}

static void add_location(struct cx *cx, struct value *out)
{
	struct value *header = MAP(MAP(out, "headers"), "Location");

	TEXT(header, "description", _("Where it is."));
	value_set(header, "schema", schema_of_type(cx, "string"));
}

/* What a row does not tell may be a file to download. */
static void add_files(struct cx *cx, struct value *out)
{
	static const char *const types[] = {
		"text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	};
	struct value *content = (struct value *)(uintptr_t)value_get(out, "content");

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		MAP(content, types[i]);
}

static void add_answers(struct cx *cx, const struct route *row, const struct office_arg *arg,
			struct value *op)
{
	struct value *answers = MAP(op, "responses");
	struct value *schema = arg != NULL ? office_answer(cx, row, arg) : NULL, *one;

	if (schema != NULL && row->handle == handle_create) {
		add_location(cx, answer(cx, answers, "201", _("It was created."), schema));
	} else if (row->handle == handle_bulk) {
		answer(cx, answers, "200", _("Done."), schema);
		answer(cx, answers, "202", _("It was taken on and is done in the background."),
		       schema_of_type(cx, "object"));
	} else if (schema != NULL || is_get(row)) {
		one = answer(cx, answers, "200", _("Done."), schema != NULL ? schema : any_answer(cx, row));
		if (schema == NULL && row->gives == NULL) add_files(cx, one);
	} else {
		answer(cx, answers, "200", _("Done."), any_answer(cx, row));
		answer(cx, answers, "201", _("It was created."), any_answer(cx, row));
		answer(cx, answers, "202", _("It was taken on and is done in the background."),
		       any_answer(cx, row));
	}
	add_failures(cx, answers);
}

/* Operations */

/* "clients", "renewals": what stands first in the address. */
static const char *tag_of(struct cx *cx, const struct route *row)
{
	size_t n = strcspn(row->path + 1, "/.");

	return n > 0 ? arena_bytes(cx->arena, row->path + 1, n) : "home";
}

static const char *action_of(const struct route *row, const struct office_arg *arg)
{
	if (row->handle == handle_list) return "list";
	if (row->handle == handle_show) return "get";
	if (row->handle == handle_create) return "create";
	if (row->handle == handle_save) return strcmp(row->method, "PUT") == 0 ? "replace" : "change";
	if (row->handle == handle_archive) return "archive";
	if (row->handle == handle_history) return "history";
	return arg->action != NULL ? arg->action->name : NULL;
}

static const char *operation_id(struct cx *cx, const struct route *row, const struct office_arg *arg)
{
	const char *action = arg != NULL ? action_of(row, arg) : NULL;
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 300);
	if (action != NULL) {
		sb_text(&sb, arg->office->r->name);
		sb_text(&sb, row->handle == handle_bulk ? "_bulk_" : "_");
		sb_text(&sb, action);
	} else {
		sb_text(&sb, row->method);
		sb_text(&sb, row->path);
	}
	return sb_text_of(&sb);
}

/* Words with one underscore between: a name in any language of programs. */
static const char *as_name(struct cx *cx, const char *text)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 300);
	for (; *text != '\0'; text++) {
		char c = *text >= 'A' && *text <= 'Z' ? (char)(*text + ('a' - 'A')) : *text;

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			sb_char(&sb, c);
		else if (sb.len > 0 && sb_text_of(&sb)[sb.len - 1] != '_')
			sb_char(&sb, '_');
	}
	return sb_text_of(&sb);
}

static void add_security(struct cx *cx, const struct route *row, struct value *op)
{
	struct value *list, *session;

	if (is_get(row)) return; /* as the whole document */
	list = LIST(op, "security");
	LIST(value_add_map(cx->arena, list), "token");
	session = value_add_map(cx->arena, list);
	LIST(session, "session");
	LIST(session, "csrf");
}

/* "/clients/:id" as "/clients/{id}" */
static const char *path_of(struct cx *cx, const char *path)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 400);
	while (*path != '\0') {
		size_t n;

		if (*path != ':') {
			sb_char(&sb, *path++);
			continue;
		}
		n = strcspn(++path, "/");
		sb_char(&sb, '{');
		sb_bytes(&sb, path, n);
		sb_char(&sb, '}');
		path += n;
	}
	return sb_text_of(&sb);
}

static void add_operation(struct cx *cx, const struct route *row, struct value *paths)
{
	const struct office_arg *arg = office_of(row);
	const char *path = path_of(cx, row->path);
	struct value *item = (struct value *)(uintptr_t)value_get(paths, path), *op;

	if (item == NULL) item = MAP(paths, path);
	op = MAP(item, text_lower_ascii(cx->arena, row->method));
	TEXT(op, "operationId", as_name(cx, operation_id(cx, row, arg)));
	TEXT(op, "summary", row->help != NULL ? words_get(cx->lang, row->help) : row->path);
	value_add_text(cx->arena, LIST(op, "tags"), tag_of(cx, row));
	if (row->right != NULL) TEXT(op, "x-right", row->right);
	add_security(cx, row, op);
	add_parameters(cx, row, arg, op);
	add_body(cx, row, arg, op);
	add_answers(cx, row, arg, op);
}

/* The document */

static void add_error_schema(struct cx *cx, struct value *schemas)
{
	struct value *out = schema_of_type(cx, "object"), *error = schema_of_type(cx, "object"), *all, *code;

	all = MAP(error, "properties");
	code = schema_of_type(cx, "string");
	for (const struct api_error *e = api_errors; e->code != NULL; e++) {
		struct value *list = (struct value *)(uintptr_t)value_get(code, "enum");

		value_add_text(cx->arena, list != NULL ? list : LIST(code, "enum"), e->code);
	}
	value_set(all, "code", code);
	value_set(all, "message", schema_of_type(cx, "string"));
	value_set(all, "fields", schema_of_type(cx, "object"));
	value_set((struct value *)(uintptr_t)value_get(all, "fields"), "additionalProperties",
		  schema_of_type(cx, "string"));
	for (const char *const *name = (const char *const[]){ "code", "message", "fields", NULL };
	     *name != NULL; name++) {
		struct value *list = (struct value *)(uintptr_t)value_get(error, "required");

		value_add_text(cx->arena, list != NULL ? list : LIST(error, "required"), *name);
	}
	value_set(MAP(out, "properties"), "error", error);
	value_add_text(cx->arena, LIST(out, "required"), "error");
	value_set(schemas, "error", out);
}

static void add_responses(struct cx *cx, struct value *components)
{
	struct value *all = MAP(components, "responses");

	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
		struct value *one = answer(cx, all, failures[i].name, words_get(cx->lang, failures[i].help),
					   schema_ref(cx, "error", ""));
		struct value *header;

		if (failures[i].status != 429 && failures[i].status != 503) continue;
		header = MAP(MAP(one, "headers"), "Retry-After");
		TEXT(header, "description", _("Seconds to wait."));
		value_set(header, "schema", schema_of_type(cx, "integer"));
	}
}

static void add_security_schemes(struct cx *cx, struct value *components)
{
	struct value *all = MAP(components, "securitySchemes"), *one = MAP(all, "token");

	TEXT(one, "type", "http");
	TEXT(one, "scheme", "bearer");
	TEXT(one, "description", _("An API token: made on its page, shown once."));
	one = MAP(all, "session");
	TEXT(one, "type", "apiKey");
	TEXT(one, "in", "cookie");
	TEXT(one, "name", "recado_session");
	TEXT(one, "description",
	     _("The session of a person who logged in; over HTTPS the cookie is called __Host-recado_session."));
	one = MAP(all, "csrf");
	TEXT(one, "type", "apiKey");
	TEXT(one, "in", "header");
	TEXT(one, "name", "X-CSRF-Token");
	TEXT(one, "description", _("Only with a session, for everything that changes something."));
}

static void add_tags(struct cx *cx, struct value *root)
{
	struct value *list = LIST(root, "tags");
	const struct resource *r;

	for (size_t i = 0; (r = desk_resource_at(i)) != NULL; i++) {
		struct value *one = value_add_map(cx->arena, list);

		TEXT(one, "name", r->name);
		TEXT(one, "description", words_get(cx->lang, r->title));
	}
}

static void add_head(struct cx *cx, struct value *root)
{
	struct value *info, *list;

	TEXT(root, "openapi", "3.1.0");
	info = MAP(root, "info");
	TEXT(info, "title", "Recado");
	TEXT(info, "version", "1");
	TEXT(info, "description",
	     _("Every list, form and action of the panel, as JSON. Instants are UTC (RFC 3339), dates are days of the "
	       "house's zone, money is a whole number of its smallest unit beside its currency."));
	TEXT(value_add_map(cx->arena, LIST(root, "servers")), "url", api_address(cx));
	list = LIST(root, "security");
	LIST(value_add_map(cx->arena, list), "token");
	LIST(value_add_map(cx->arena, list), "session");
}

enum rc openapi_document(struct cx *cx, struct value **out)
{
	struct value *root = value_map(cx->arena), *paths, *components = value_map(cx->arena), *schemas;
	const struct route *row;
	struct office *o;
	enum rc rc = RC_OK;

	add_head(cx, root);
	add_tags(cx, root);
	paths = MAP(root, "paths");
	for (size_t i = 0; (row = web_route_at(i)) != NULL; i++)
		if (api_has_route(row)) add_operation(cx, row, paths);
	schemas = MAP(components, "schemas");
	add_error_schema(cx, schemas);
	for (size_t i = 0; (o = office_at(i)) != NULL && rc == RC_OK; i++)
		rc = schemas_of_office(cx, o, schemas);
	add_responses(cx, components);
	add_security_schemes(cx, components);
	value_set(root, "components", components);
	if (rc == RC_OK && arena_failed(cx->arena)) rc = RC_NO_MEMORY;
	if (rc == RC_OK) *out = root;
	return rc;
}

enum rc handle_openapi(struct cx *cx, struct call *call)
{
	struct value *document = NULL;
	enum rc rc = openapi_document(cx, &document);

	if (rc == RC_OK) answer_json(cx, call, 200, document);
	return rc;
}
