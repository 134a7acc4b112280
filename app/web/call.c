/*
** call.c -- what a handler asks of one call.
**
** Owns:   the call's descriptors of uploads.
** Never:  decides who may do what.
** Holds:  an answer about the client (address, https) comes from configured proxies only, see address.c.
*/
#include "web/inside.h"
#include "base/text.h"
#include <string.h>

void call_begin(struct call *call, struct cx *cx, struct request *rq, struct reply *rp)
{
	struct plan_note *note = request_route(rq);
	const char *accept = request_header(rq, "Accept");

	*call = (struct call){ .rq = rq, .rp = rp, .cx = cx, .match = &note->match };
	call->login.csrf = call->login.language = "";
	call->address = note->address;
	call->is_https = note->is_https;
	call->is_head = strcmp(request_method(rq), "HEAD") == 0;
	call->wants_json = call->match->shape != SHAPE_PAGE || request_header(rq, "Authorization") != NULL ||
			   (accept != NULL && strstr(accept, "application/json") != NULL &&
			    strstr(accept, "text/html") == NULL) ||
			   (call->match->route != NULL && call->match->route->realm == REALM_HOOK);
	pairs_init(&call->fields);
	cx->actor.address = call->address;
}

void call_end(struct call *call)
{
	form_end(call);
}

const void *call_arg(const struct call *call)
{
	return call->match->route != NULL ? call->match->route->arg : NULL;
}

const char *call_method(const struct call *call)
{
	return request_method(call->rq);
}

const char *call_path(const struct call *call)
{
	return call->match->path;
}

const char *call_param(const struct call *call, const char *name)
{
	if (*name == ':') name++;
	for (size_t i = 0; i < call->match->param_count; i++)
		if (strcmp(call->match->params[i].name, name) == 0) return call->match->params[i].value;
	return "";
}

const char *call_query(struct call *call, const char *name)
{
	return request_query(call->rq, name);
}

const char *call_header(const struct call *call, const char *name)
{
	return request_header(call->rq, name);
}

const char *call_address(const struct call *call)
{
	return call->address;
}

struct bytes call_body(const struct call *call)
{
	return request_body(call->rq);
}

struct request *call_request(struct call *call)
{
	return call->rq;
}

struct reply *call_reply(struct call *call)
{
	return call->rp;
}

enum shape call_shape(const struct call *call)
{
	return call->match->shape;
}

const char *query_escaped(struct arena *a, const char *text)
{
	struct sb sb;

	sb_init_arena(&sb, a, 16 * 1024);
	sb_url(&sb, text, strlen(text));
	return sb_text_of(&sb);
}

const char *path_safe(const char *path)
{
	if (path == NULL || path[0] != '/' || path[1] == '/' || path[1] == '\\') return "/";
	for (const char *p = path; *p != '\0'; p++)
		if ((unsigned char)*p <= 0x20 || *p == 0x7f) return "/";
	return path;
}

static void url_path(struct sb *sb, const char *path)
{
	while (*path != '\0') {
		size_t len = strcspn(path, "/");

		sb_url(sb, path, len);
		path += len;
		if (*path == '/') sb_char(sb, *path++);
	}
}

const char *call_url(struct cx *cx, struct call *call, const char *set, const char *value)
{
	struct sb sb;
	char joint = '?';

	sb_init_arena(&sb, cx->arena, 16 * 1024);
	url_path(&sb, request_path(call->rq));
	for (const struct pair *p = call->rq->query.first; p != NULL; p = p->next) {
		if (strcmp(p->name, set) == 0) continue;
		sb_char(&sb, joint);
		sb_url(&sb, p->name, strlen(p->name));
		sb_char(&sb, '=');
		sb_url(&sb, p->value, strlen(p->value));
		joint = '&';
	}
	if (value != NULL) {
		sb_char(&sb, joint);
		sb_url(&sb, set, strlen(set));
		sb_char(&sb, '=');
		sb_url(&sb, value, strlen(value));
	}
	return sb_text_of(&sb);
}

void cookie_set(struct call *call, const char *name, const char *value, int64_t max_age_s)
{
	struct arena *a = call->rp->arena;

	reply_header(call->rp, "Set-Cookie",
		     arena_printf(a, "%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s", name, value,
				  (long long)max_age_s, call->is_https ? "; Secure" : ""));
}

bool call_is_again(const struct call *call)
{
	return request_was_parked(call->rq);
}
