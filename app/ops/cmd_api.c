/*
** cmd_api.c -- `recado api describe`: the API as an OpenAPI 3.1 document, for tools that make programs from
** it.
**
** Needs:  the tables handed down when the house was opened, and its database; no server.
*/
#include "desk/api.h"
#include "ops/cmd.h"

enum rc ops_run_api_describe(struct cx *cx, struct command_call *call)
{
	const char *const none[] = { NULL };
	struct value *document = NULL;
	enum rc rc = command_check(cx, call, none, none);

	if (rc == RC_OK) rc = openapi_document(cx, &document);
	if (rc == RC_OK) command_print(cx, call, document);
	return rc;
}
