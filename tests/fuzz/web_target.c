/*
** web_target.c -- any request target: an address that is taken has a clean path.
*/
#include "web/inside.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct arena *a;
	struct request rq = { .peer = "" };
	struct match m;
	const char *why;
	char *text;

	if (a == NULL) a = arena_new(1024 * 1024);
	arena_reset(a);
	text = arena_bytes(a, (const char *)p, n);
	request_begin(&rq, a);
	if (target_parse(a, &rq, text, &why) == RC_OK) {
		if (rq.path[0] != '/' || !text_is_utf8(rq.path, strlen(rq.path)) ||
		    strstr(rq.path, "/../") != NULL)
			abort();
		for (const struct pair *q = rq.query.first; q != NULL; q = q->next)
			if (!text_is_utf8(q->name, strlen(q->name)) ||
			    !text_is_utf8(q->value, strlen(q->value)))
				abort();
		static const struct route *const none[] = { web_routes, NULL };
		static struct router *router;

		if (router == NULL && router_new(&router, none) != RC_OK) abort();
		router_match(router, &m, a, "GET", rq.path);
		if (m.path == NULL || m.allow == NULL) abort();
		(void)path_safe(rq.path);
	}
	(void)host_name(a, text);
	(void)address_of_client(a, "127.0.0.1", text, "127.0.0.1 10.0.0.0/8");
	(void)address_is_in("10.0.0.1", text);
	return 0;
}
