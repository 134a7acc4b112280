/*
** import_pages.h -- shared by the pages of import.
*/
#ifndef RECADO_DESK_IMPORT_PAGES_H
#define RECADO_DESK_IMPORT_PAGES_H

#include "desk/import.h"
#include "desk/inner.h"

/* An import's row (import_sql) as programs read it. */
struct value *import_json(struct cx *cx, const struct value *import);
/* POST /imports: `resource` is a field; without it the first resource with an importer of its own. */
enum rc handle_import_any(struct cx *cx, struct call *call);

#endif
