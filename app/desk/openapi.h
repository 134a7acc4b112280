/*
** openapi.h -- what the API tells about itself, and how a JSON body is held against it. Inside desk only.
*/
#ifndef RECADO_DESK_OPENAPI_H
#define RECADO_DESK_OPENAPI_H

#include "desk/api.h"
#include "desk/inner.h"

/* Api_input.c */
/* May input set this column (of a new row)? */
bool column_is_writable(const struct column *c, bool is_new);
/* May a program send null or "" for it? What the table cannot leave empty has to be said. */
bool column_may_be_empty(const struct column *c, const struct table_facts *facts, bool is_new);
/* Names and JSON types of a body; answered: the row as it is now (row_json), NULL for a new one. All wrong
** fields at once. */
enum rc api_input_check(struct cx *cx, const struct office *o, const struct value *json,
			const struct value *answered) MUST_CHECK;

/* Openapi_schema.c: JSON Schema 2020-12, as OpenAPI 3.1 has it */
/* "#/components/schemas/clients_new" */
struct value *schema_ref(struct cx *cx, const char *name, const char *suffix);
struct value *schema_of_type(struct cx *cx, const char *type);
/* What a column is in an answer, and in a body. */
struct value *schema_of_answer(struct cx *cx, const struct office *o, size_t column,
			       const struct table_facts *facts);
struct value *schema_of_input(struct cx *cx, const struct office *o, size_t column,
			      const struct table_facts *facts, bool is_new);
/* An object of these facts; is_closed: nothing else may be in it. */
struct value *schema_of_facts(struct cx *cx, const struct fact *facts, bool is_closed);
struct value *schema_of_fact(struct cx *cx, const struct fact *f);
/* Adds NAME, NAME_part, NAME_list, NAME_new and NAME_change to schemas. */
enum rc schemas_of_office(struct cx *cx, const struct office *o, struct value *schemas) MUST_CHECK;

/* Openapi.c */
/* What an error of the API may be called; ended by one without code. */
struct api_error {
	const char *code;
	int status;
	const char *help; /* N_() what it means and what to do */
};
extern const struct api_error api_errors[];
extern const struct fact bulk_takes[]; /* an action for many rows: ids, or all of a filtered list */
/* "https://panel.example.com/api/v1", or "/api/v1" when the house does not know its own address. */
const char *api_address(struct cx *cx);
enum rc handle_openapi(struct cx *cx, struct call *call);

/* Openapi_page.c */
enum rc handle_api(struct cx *cx, struct call *call);

#endif
