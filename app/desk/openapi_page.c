/*
** openapi_page.c -- the page that tells a person how to speak to the API: address, token, paging, errors, and
** each list's calls as a table.
**
** Needs:  openapi_document(); the page shows what programs read, nothing else.
** Never:  shows a token.
** Holds:  every example is a command that works as it stands once TOKEN is set.
*/
#include "desk/openapi.h"

#include <string.h>

#define TEXT(map, key, text) value_set_text(cx->arena, (map), (key), (text))
#define LIST(map, key)       value_set_list(cx->arena, (map), (key))

const struct route desk_api_routes[] = {
	{ .method = "GET",
	  .path = "/openapi.json",
	  .realm = REALM_STAFF,
	  .class = ROUTE_DB,
	  .help = N_("This description of the API, for programs (OpenAPI 3.1)"),
	  .handle = handle_openapi },
	{ .method = "GET",
	  .path = "/api",
	  .realm = REALM_STAFF,
	  .right = "tokens.view",
	  .class = ROUTE_DB,
	  .menu = N_("API"),
	  .help = N_("How a program speaks to this house"),
	  .no_api = true,
	  .handle = handle_api },
	{ .method = NULL },
};

/* The house as the reader reached it, when it does not know its own address. */
static const char *address_here(struct cx *cx, struct call *call)
{
	const char *known = api_address(cx), *host = call_header(call, "Host");

	if (known[0] != '/') return known;
	return arena_printf(cx->arena, "http://%s%s", host != NULL ? host : "localhost", known);
}

static const char *type_of(struct cx *cx, const struct value *schema)
{
	const struct value *type = value_get(schema, "type");
	const char *text = value_text_of(type, "");
	const char *format = value_text_of(value_get(schema, "format"), "");

	if (type != NULL && type->type == VALUE_LIST)
		for (const struct value *v = type->first; v != NULL; v = v->next)
			if (strcmp(value_text_of(v, ""), "null") != 0)
				text = text[0] == '\0' ? value_text_of(v, "")
						       : arena_printf(cx->arena, "%s, %s", text,
								      value_text_of(v, ""));
	for (const struct value *v = value_path(schema, "anyOf.0"); v != NULL && format[0] == '\0'; v = NULL)
		format = value_text_of(value_get(v, "format"), "");
	return format[0] != '\0' ? arena_printf(cx->arena, "%s (%s)", text, format) : text;
}

static const char *choices_of(struct cx *cx, const struct value *schema)
{
	const struct value *list = value_get(schema, "enum");
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 4096);
	for (const struct value *v = list != NULL ? list->first : NULL; v != NULL; v = v->next) {
		if (value_text_of(v, "")[0] == '\0') continue;
		if (sb.len > 0) sb_lit(&sb, " | ");
		sb_text(&sb, value_text_of(v, ""));
	}
	return sb_text_of(&sb);
}

static bool is_in(const struct value *list, const char *name)
{
	for (const struct value *v = list != NULL ? list->first : NULL; v != NULL; v = v->next)
		if (strcmp(value_text_of(v, ""), name) == 0) return true;
	return false;
}

static void add_field(struct cx *cx, struct value *list, const char *name, const struct value *schema,
		      const char *help, bool is_needed)
{
	struct value *out = value_add_map(cx->arena, list);

	TEXT(out, "name", name);
	TEXT(out, "type", type_of(cx, schema));
	TEXT(out, "choices", choices_of(cx, schema));
	TEXT(out, "help", help);
	value_set_bool(cx->arena, out, "is_needed", is_needed);
}

/* The fields of a body: the schema itself, or the one it names. */
static void add_fields(struct cx *cx, const struct value *document, const struct value *schema,
		       struct value *list)
{
	const char *ref = value_text_of(value_get(schema, "$ref"), ""), *name = strrchr(ref, '/');
	const struct value *schemas = value_path(document, "components.schemas"), *all;

	if (name != NULL) schema = value_get(schemas, name + 1);
	all = value_get(schema, "properties");
	for (const struct value *v = all != NULL ? all->first : NULL; v != NULL; v = v->next) {
		const char *help = value_text_of(value_get(v, "description"), "");
		const char *title = value_text_of(value_get(v, "title"), "");

		add_field(cx, list, v->key, v,
			  help[0] == '\0' || title[0] == '\0'
				  ? (title[0] != '\0' ? title : help)
				  : arena_printf(cx->arena, "%s: %s", title, help),
			  is_in(value_get(schema, "required"), v->key));
	}
}

static void add_operation(struct cx *cx, const struct value *document, const char *method, const char *path,
			  const struct value *op, struct value *list)
{
	struct value *out = value_add_map(cx->arena, list), *query, *fields;
	const struct value *parameters = value_get(op, "parameters");
	const struct value *content = value_path(op, "requestBody.content");
	const struct value *json = value_get(content, "application/json");

	TEXT(out, "method", method);
	TEXT(out, "path", path);
	TEXT(out, "id", value_text_of(value_get(op, "operationId"), ""));
	TEXT(out, "summary", value_text_of(value_get(op, "summary"), ""));
	TEXT(out, "right", value_text_of(value_get(op, "x-right"), ""));
	query = LIST(out, "parameters");
	for (const struct value *p = parameters != NULL ? parameters->first : NULL; p != NULL; p = p->next)
		if (strcmp(value_text_of(value_get(p, "in"), ""), "query") == 0)
			add_field(cx, query, value_text_of(value_get(p, "name"), ""), value_get(p, "schema"),
				  value_text_of(value_get(p, "description"), ""),
				  value_bool_of(value_get(p, "required"), false));
	value_set_bool(cx->arena, out, "has_parameters", query->count > 0);
	fields = LIST(out, "fields");
	if (json != NULL) add_fields(cx, document, value_get(json, "schema"), fields);
	value_set_bool(cx->arena, out, "has_fields", fields->count > 0);
}

static void fill_operations(struct cx *cx, const struct value *document, const char *of, struct value *page)
{
	static const char *const methods[] = { "get", "post", "patch", "put", "delete" };
	struct value *list = LIST(page, "operations");
	const struct value *paths = value_get(document, "paths");

	for (const struct value *path = paths != NULL ? paths->first : NULL; path != NULL; path = path->next)
		for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
			static const char *const shown[] = { "GET", "POST", "PATCH", "PUT", "DELETE" };
			const struct value *op = value_get(path, methods[i]);

			if (op != NULL && is_in(value_get(op, "tags"), of))
				add_operation(cx, document, shown[i], path->key, op, list);
		}
	value_set_bool(cx->arena, page, "has_operations", list->count > 0);
}

/* A resource's title, or what the menu calls the page at the same address. */
static const char *title_of(struct cx *cx, const char *tag)
{
	const struct resource *r = desk_resource(tag);
	const struct route *row;

	if (r != NULL) return words_get(cx->lang, r->title);
	for (size_t i = 0; (row = web_route_at(i)) != NULL; i++)
		if (row->menu != NULL && strcmp(row->path + 1, strcmp(tag, "home") == 0 ? "" : tag) == 0)
			return words_get(cx->lang, row->menu);
	return tag;
}

static struct value *tag_found(const struct value *list, const char *tag)
{
	for (struct value *v = list->first; v != NULL; v = v->next)
		if (strcmp(value_text_of(value_get(v, "name"), ""), tag) == 0) return v;
	return NULL;
}

/* Every tag of the document, in the order of its calls, with how many there are. */
static void fill_tags(struct cx *cx, const struct value *document, struct value *page)
{
	struct value *list = LIST(page, "tags");
	const struct value *paths = value_get(document, "paths");

	for (const struct value *path = paths != NULL ? paths->first : NULL; path != NULL; path = path->next)
		for (const struct value *op = path->first; op != NULL; op = op->next) {
			const char *tag = value_text_of(value_path(op, "tags.0"), "");
			struct value *out = tag_found(list, tag);

			if (out == NULL) {
				out = value_add_map(cx->arena, list);
				TEXT(out, "name", tag);
				TEXT(out, "title", title_of(cx, tag));
				TEXT(out, "href", arena_printf(cx->arena, "/api?of=%s", tag));
			}
			value_set_int(cx->arena, out, "count", value_int_of(value_get(out, "count"), 0) + 1);
		}
}

static void fill_errors(struct cx *cx, struct value *page)
{
	struct value *list = LIST(page, "errors");

	for (const struct api_error *e = api_errors; e->code != NULL; e++) {
		struct value *out = value_add_map(cx->arena, list);

		TEXT(out, "code", e->code);
		value_set_int(cx->arena, out, "status", e->status);
		TEXT(out, "help", words_get(cx->lang, e->help));
	}
}

enum rc handle_api(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *document = NULL;
	const char *of = call_query(call, "of"), *title = _("API");
	enum rc rc = openapi_document(cx, &document);

	if (rc != RC_OK) return rc;
	TEXT(page, "address", address_here(cx, call));
	value_set_int(cx->arena, page, "per_minute", setting_int(cx->env->settings, "web.api_per_minute"));
	value_set_int(cx->arena, page, "burst", setting_int(cx->env->settings, "web.api_burst"));
	value_set_int(cx->arena, page, "rows_max", DESK_API_ROWS_MAX);
	if (of != NULL && of[0] != '\0') {
		fill_operations(cx, document, of, page);
		if (!value_bool_of(value_get(page, "has_operations"), false)) return RC_NOT_FOUND;
		trail_add(cx, page, title, "/api");
		title = title_of(cx, of);
		page_answer(cx, call, "desk/api_calls", title, page);
		return RC_OK;
	}
	fill_tags(cx, document, page);
	fill_errors(cx, page);
	page_answer(cx, call, "desk/api", title, page);
	return RC_OK;
}
