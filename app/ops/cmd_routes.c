/*
** cmd_routes.c -- `recado routes`: every address of the panel, for whoever checks or documents the doors.
**
** Needs:  the routes handed to web_setup when the house was opened, desk's made ones among them.
** Never:  starts a server or asks the database anything.
*/
#include "ops/cmd.h"

static const char *realm_name(enum realm realm)
{
	switch (realm) {
	case REALM_STAFF: return "staff";
	case REALM_GUEST: return "guest";
	case REALM_OPEN: return "open";
	case REALM_HOOK: return "hook";
	}
	return "";
}

static struct value *route_value(struct cx *cx, const struct route *row)
{
	struct value *out = value_map(cx->arena);

	value_set_text(cx->arena, out, "method", row->method);
	value_set_text(cx->arena, out, "path", row->path);
	value_set_text(cx->arena, out, "realm", realm_name(row->realm));
	value_set_text(cx->arena, out, "right", row->right != NULL ? row->right : "");
	value_set_bool(cx->arena, out, "has_token", row->has_token);
	value_set_bool(cx->arena, out, "no_api", row->no_api);
	value_set_bool(cx->arena, out, "api_only", row->is_api_only);
	value_set_text(cx->arena, out, "help", row->help != NULL ? words_get(cx->lang, row->help) : "");
	return out;
}

enum rc ops_run_routes(struct cx *cx, struct command_call *call)
{
	const char *const none[] = { NULL };
	struct value *list = value_list(cx->arena);
	const struct route *row;
	enum rc rc = command_check(cx, call, none, none);

	if (rc != RC_OK) return rc;
	for (size_t i = 0; (row = web_route_at(i)) != NULL; i++) {
		if (call->is_json)
			value_append(list, route_value(cx, row));
		else
			fprintf(call->out, "%-6s %-45s %-5s %-5s %s\n", row->method, row->path,
				realm_name(row->realm), row->has_token ? "token" : "-",
				row->right != NULL ? row->right : "-");
	}
	if (call->is_json) command_print(cx, call, list);
	return RC_OK;
}
