/*
** inner.h -- the inside of the room desk, shared by its files and their tests only.
**
** An office is a resource made ready: choices cut apart, references found, the parts of
** its SQL that never change put together once. An ask is one checked list request.
*/
#ifndef RECADO_DESK_INNER_H
#define RECADO_DESK_INNER_H

#include "desk/desk.h"

#define DESK_RESOURCES_MAX    80 /* five modules of a dozen tables, and the house's own              */
#define DESK_COLUMNS_MAX      40 /* of one resource: a form longer than that is two forms            */
#define DESK_FILTERS_MAX      12 /* of one resource: they stand in one row of a page                 */
#define DESK_SORTS_MAX        8
#define DESK_ACTIONS_MAX      16
#define DESK_CHOICES_MAX      64      /* of one column or filter: all tables in the audit log    */
#define DESK_PAGE_ROWS        25      /* rows of a page: about two screens of a phone                     */
#define DESK_API_ROWS         50      /* rows of an API answer that names no limit                        */
#define DESK_API_ROWS_MAX     200     /* of one API answer: fits the arena of a request */
#define DESK_BULK_MAX         200     /* rows of one bulk action: what one page can show and tick         */
#define DESK_COUNT_MAX        10001   /* counting stops there; what is beyond is estimated */
#define DESK_EXPORT_ROWS_MAX  1000000 /* a spreadsheet holds 1,048,576 rows                              */
#define DESK_EXPORT_MS        60000   /* an export of the largest table allowed, on a slow disk           */
#define DESK_PAGE_MS          2000    /* every other statement of a page (design: a page ends after 2 s) */
#define DESK_REF_OPTIONS_MAX  100     /* more rows than this are searched for, not chosen from a list */
#define DESK_SEARCH_WORDS_MAX 4       /* words of one search; what follows them is part of the last */
#define DESK_SEARCH_MAX       100     /* code points typed into the search box */
#define DESK_CURSOR_MAX       1400    /* characters of a cursor: a sort key of 250 letters fits */
#define DESK_HISTORY_ROWS     50      /* changes of one object on a page, newest first */
#define DESK_MATCHES_MAX      20      /* rows to pick from when a name fits several: two phone screens */
#define DESK_COUNT_MS         3       /* counting for a page that did not ask for it */
#define DESK_COUNT_ASKED_MS   300     /* counting when somebody asked: as long as one waits for a button */
#define DESK_LONG_TEXT_MAX    10000   /* code points of a note when the column names no max */
#define DESK_TEXT_MAX         200     /* code points of a line when the column names no max */
#define DESK_SQL_MAX          (64 * 1024) /* no statement of ours comes near it */

struct choice {
	const char *value, *title; /* title: msgid */
};
struct choices {
	size_t count;
	struct choice at[DESK_CHOICES_MAX];
};

/* Which columns a statement fetches, and for whom. */
enum select_kind {
	SELECT_LIST,
	SELECT_API,
	SELECT_CSV,
	SELECT_SHOW, /* and as "_a0" … whether an action is offered for the row */
	SELECT_NAME,
	SELECT_OFFERS, /* how it is called, and the same of the actions for many rows */
	SELECT__MAX
};

/* What the database says about a column; read once, when a row of the table is first written. */
struct table_column {
	char name[64];
	bool is_notnull, has_default;
};
struct table_facts {
	size_t count;
	struct table_column at[DESK_COLUMNS_MAX * 2];
};

struct office {
	const struct resource *r;
	size_t columns, sorts, filters, actions;
	const char *
		from; /* r->from with JOIN made CROSS JOIN: the order of rows stays that of the first table */
	const char *select[SELECT__MAX]; /* columns inside … */
	const char *outer[SELECT__MAX];  /* … and names of references around them, "" if none */
	/* The same in pieces, for columns that somebody chose: what every row has, one column, what
	** follows. */
	const char *head[SELECT__MAX], *tail[SELECT__MAX];
	const char *piece[DESK_COLUMNS_MAX], *piece_outer[DESK_COLUMNS_MAX];
	const char *where_archived; /* r->where turned round, NULL when nothing is archived */
	bool has_search;
	const struct choices *column_choices[DESK_COLUMNS_MAX]; /* NULL: not a choice */
	const struct choices *filter_choices[DESK_FILTERS_MAX];
	const struct office *column_ref[DESK_COLUMNS_MAX], *filter_ref[DESK_FILTERS_MAX];
};

/* What a route row of desk carries: the resource, and the action if it is one's route. */
struct office_arg {
	struct office *office;
	const struct action *action;
};

/* Setup.c */
struct office *office_find(const char *name);
struct office *office_at(size_t i);
enum rc office_facts(struct cx *cx, const struct office *o, const struct table_facts **out) MUST_CHECK;
const struct table_column *facts_find(const struct table_facts *f, const char *name); /* NULL if absent */
const struct choice *choice_find(const struct choices *c, const char *value);         /* NULL if absent */
/* True if kind shows or carries this column. */
bool column_is_in(const struct column *c, enum select_kind kind);
/* By the table's name; NULL when no resource lists it. */
const struct office *office_of_table(const char *table);
extern const struct sort archived_sort; /* of every list of archived rows: the last one first */
bool office_may_all(const struct cx *cx, const struct resource *r); /* sees every row */
/* May open the list at all; which rows of it, the row rule says. */
bool office_may_see(const struct cx *cx, const struct resource *r);
bool office_may_edit(const struct cx *cx, const struct resource *r);

/* Cursor.c */
struct cursor {
	bool is_set, is_back, is_down, key_is_int;
	const char *sort; /* name of the sort it belongs to */
	int64_t id, key_int;
	const char *key_text;
};
/* Opaque text of a cursor, and back. Total; RC_BAD_INPUT for anything we did not make. */
const char *cursor_text(struct arena *a, const struct cursor *c);
enum rc cursor_parse(struct arena *a, struct cursor *out, const char *text) MUST_CHECK;

/* Ask.c: what a list request asks for */
typedef const char *ask_get_fn(void *arg, const char *name);
struct ask {
	const struct office *o;
	const struct sort *sort;
	bool is_down;
	const char *q;                              /* as typed, "" = no search */
	const char *filter[DESK_FILTERS_MAX];       /* value as given, NULL = not set */
	const char *filter_shown[DESK_FILTERS_MAX]; /* name of the referenced row, for the page */
	int64_t filter_id[DESK_FILTERS_MAX];
	size_t filter_choice[DESK_FILTERS_MAX];
	bool filter_is_default[DESK_FILTERS_MAX]; /* nobody gave it: in no address, no mark on the page */
	bool no_defaults;                         /* only filters that were said hold, as programs ask */
	bool is_archived;                         /* the archived rows instead of the others */
	unsigned char column[DESK_COLUMNS_MAX];   /* chosen columns in their order … */
	size_t columns;                           /* … and how many; 0 = the usual ones */
	struct cursor cursor;
	int64_t limit;
};
/* Read and check q, sort, dir, cursor, limit and the filters. A value that is none of its choices is
** RC_BAD_INPUT; then *out has what could be read, for the page that says so. */
enum rc ask_read(struct cx *cx, struct ask *out, const struct office *o, ask_get_fn *get, void *arg,
		 int64_t limit_default, int64_t limit_max) MUST_CHECK;
/* The same from the address of a call. */
enum rc ask_from_call(struct cx *cx, struct call *call, struct ask *out, const struct office *o,
		      int64_t limit_default, int64_t limit_max) MUST_CHECK;
bool filter_wants_date(const struct filter *f);
/* Which columns this ask shows as kind, in order; how many. Chosen ones go for pages, files and API alike. */
size_t ask_columns(const struct ask *ask, enum select_kind kind, size_t out[DESK_COLUMNS_MAX]);
bool ask_shows(const struct ask *ask, size_t column, enum select_kind kind);
bool ask_is_filtered(const struct ask *ask); /* by search, filter or archive */
void ask_drop_defaults(struct ask *ask);     /* as programs ask: only what was said */
/* A list's own query ("q=ana&state=active") read back. */
enum rc ask_from_query(struct cx *cx, struct ask *out, const struct office *o, const char *query) MUST_CHECK;
/* "?q=…&state=…" of this ask with sort, without cursor; cursor added when given. */
const char *ask_address(struct cx *cx, const struct ask *ask, const char *path, const struct sort *sort,
			bool is_down, const char *cursor);

/* Query.c: SQL from declared names */
#define STATEMENT_PARAMS_MAX 64
struct statement_text {
	struct sb sql;
	struct param param[STATEMENT_PARAMS_MAX + 1];
	size_t count;
	bool is_full; /* more parameters than places: our bug */
};
void statement_begin(struct cx *cx, struct statement_text *s);
/* SQL written by a declaration: binds :actor, :today, :now where they occur. */
void statement_declared(struct cx *cx, struct statement_text *s, const char *sql);
void statement_param(struct statement_text *s, struct param p);
/* The next ":name" outside of quotes at or after p; NULL when there is none. */
const char *statement_name(const char *p);
enum rc statement_ready(struct statement_text *s, const char **sql) MUST_CHECK;

/* The rows of one ask in its order: raw maps, at most ask->limit. */
struct rows {
	struct value *list;
	const char *next, *previous; /* cursors, NULL = there is no such page */
};
enum rc rows_of(struct cx *cx, const struct ask *ask, enum select_kind kind, struct rows *out) MUST_CHECK;
/* The whole statement of an ask. limit rows are asked for; reads in the cursor's direction. */
enum rc rows_statement(struct cx *cx, const struct ask *ask, enum select_kind kind, int64_t limit,
		       struct statement_text *s, const char **sql) MUST_CHECK;
/* SELECT … of the rows' ids that the ask means, without order and cursor: for counting and bulk actions. */
enum rc rows_meant(struct cx *cx, const struct ask *ask, const char *what, const char *between,
		   const char *after, struct statement_text *s, const char **sql) MUST_CHECK;
/* The highest id of its table, whoever may see the row; 0 when it is empty. */
enum rc office_last_id(struct cx *cx, const struct office *o, int64_t *out) MUST_CHECK;
/* How many rows there are, DESK_COUNT_MAX at most; or max at most. */
enum rc rows_count(struct cx *cx, const struct ask *ask, int64_t *out) MUST_CHECK;
enum rc rows_count_to(struct cx *cx, const struct ask *ask, int64_t max, int64_t *out) MUST_CHECK;

/* count.c */
struct list_count {
	int64_t n;
	bool is_estimate;
	bool is_known; /* false: not even an estimate in that time */
};
/* Exact below DESK_COUNT_MAX when that can be found out within ms, else estimated from a sample; kept for
** a moment when it took long, unless somebody asked for it (ms is DESK_COUNT_ASKED_MS or more). */
enum rc rows_total(struct cx *cx, const struct ask *ask, int64_t ms, struct list_count *out) MUST_CHECK;
/* "98,400" or "98 400", "about 98,400". */
const char *number_text(struct cx *cx, int64_t n);
const char *count_text(struct cx *cx, const struct list_count *count);
/* How the resources with a contact column call who has this address; "" when none that the actor sees does. */
const char *office_contact_name(struct cx *cx, const char *address);
/* The first row with this address in such a resource, of those that the actor sees. RC_NOT_FOUND. */
enum rc office_contact_row(struct cx *cx, const struct office **out, int64_t *id,
			   const char *address) MUST_CHECK;
/* One visible row as a raw map; with_archived: also an archived one. */
enum rc row_of(struct cx *cx, const struct office *o, int64_t id, enum select_kind kind, bool with_archived,
	       struct value **out) MUST_CHECK;
enum rc office_row_id(struct cx *cx, int64_t *id, const struct office *o, const char *text,
		      bool with_archived) MUST_CHECK;
/* Is this row one that the actor's row rule lets through? RC_NOT_FOUND. */
enum rc row_is_visible(struct cx *cx, const struct office *o, int64_t id) MUST_CHECK;
/* Plans.c: like desk_plan_at, with parameters to ask EXPLAIN with. */
bool plan_at(struct cx *cx, size_t i, const char **what, const char **sql, struct statement_text *s);

/* Shape.c: raw maps to what people and programs read */
const char *row_path(struct cx *cx, const struct office *o, const struct value *row); /* "/clients/abc" */
/* How the row is called, for people. */
const char *row_name(struct cx *cx, const struct office *o, const struct value *row);
const char *row_public_id(struct cx *cx, const struct office *o, const struct value *row);
const char *cell_text(struct cx *cx, const struct office *o, size_t column, const struct value *row);
/* {text, href, mark, is_number, is_short, is_long} for a page. */
void cell_fill(struct cx *cx, const struct office *o, size_t column, const struct value *row,
	       struct value *cell);
/* How a state looks: "ok", "warn", "error", "info", "quiet", or NULL: plain text. */
const char *mark_of(const char *state);
struct value *row_json(struct cx *cx, const struct office *o, const struct value *row);
/* The same with the columns that were chosen. */
struct value *row_json_of(struct cx *cx, const struct ask *ask, const struct value *row);

/* tools.c: what stands around the rows of a list page */
void tools_fill(struct cx *cx, struct call *call, const struct ask *ask, struct value *page);
/* "q=ana&state=active": the address without path and place, as ask_from_query() reads it. */
const char *ask_query(struct cx *cx, const struct ask *ask);

/* Save.c */
/* After RC_CONFLICT of a write: ties it to the field whose value somebody else has; RC_CONFLICT. */
enum rc row_explain_conflict(struct cx *cx, const struct office *o, const struct table_facts *facts,
			     const struct value *values, int64_t id) MUST_CHECK;

/* archive.c: taking out of the lists and putting back, for one row and for many */
extern const struct action archive_action, restore_action; /* their run is row_archive, row_restore */
enum rc row_archive(struct cx *cx, const struct office *o, int64_t id) MUST_CHECK; /* own transaction */
/* Own transaction. RC_CONFLICT with the sentence: another one has its place now, or what it belongs to is
** archived. */
enum rc row_restore(struct cx *cx, const struct office *o, int64_t id) MUST_CHECK;
/* Stored values of the declared columns of a row. */
enum rc row_stored(struct cx *cx, const struct office *o, int64_t id, struct value **out) MUST_CHECK;
#define VALUE_IMPORT "_import" /* in values, not in the table: the import a change came with, for history */
/* The steps of saving, for import: (1) what is there, as a map that values go over; */
struct value *row_values(struct cx *cx, const struct value *stored);
/* (2) one checked value (NULL: empty) into it, with what belongs to it; typed: as it was written; */
void row_put(struct cx *cx, const struct table_facts *facts, const struct column *c, const char *typed,
	     struct value *checked, bool is_new, struct value *values);
/* (3) the hook before saving; changes: is there anything to write? */
enum rc row_settle(struct cx *cx, const struct office *o, const struct table_facts *facts,
		   const struct value *stored, struct value *values, int64_t id, bool *changes) MUST_CHECK;
/* (4) the row, its search text and stamps, the hook after it, history by the name action (NULL: none). */
enum rc row_write(struct cx *cx, const struct office *o, const struct table_facts *facts,
		  const struct value *stored, struct value *values, int64_t *id,
		  const char *action) MUST_CHECK;
/* Is it written like an id of this resource, whether or not there is such a row? */
bool office_is_id(const struct office *o, const char *text);
/* A reference as people write it: public id, id, or words that match one visible row. Who may not open that
** list must know the whole name, and is told of no other. */
enum rc ref_resolve(struct cx *cx, int64_t *id, const struct office *o, const char *text) MUST_CHECK;
/* The visible rows that such words find, at most max, as raw maps with a name. */
enum rc ref_matches(struct cx *cx, const struct office *o, const char *text, int64_t max,
		    struct value **out) MUST_CHECK;

/* check.c: one input against its column. *out NULL when it is empty. Adds the field's sentence to cx
** when wrong. */
enum rc input_check(struct cx *cx, const struct office *o, size_t column, const struct value *given,
		    const struct value *stored, const char *currency, struct value **out) MUST_CHECK;
const char *office_currency(struct cx *cx, const struct office *o, const struct column *c,
			    const struct value *row);

/* Export.c */
enum rc export_csv(struct cx *cx, const struct ask *ask, int fd, char delimiter, bool with_bom) MUST_CHECK;

/* Form.c */
/* The fields of a form with values (raw row, or what was typed) and errors of cx. */
void form_fill(struct cx *cx, const struct office *o, const struct value *stored, struct call *call,
	       bool is_new, struct value *page);

/* Handlers */
#define IMPORT_BODY_MAX (50 * 1024 * 1024 + 64 * 1024) /* a file of UPLOAD_MAX and the form around it */
enum rc handle_import_new(struct cx *cx, struct call *call);
enum rc handle_import_sample(struct cx *cx, struct call *call);
enum rc handle_import_send(struct cx *cx, struct call *call);
enum rc handle_list(struct cx *cx, struct call *call);
enum rc handle_new(struct cx *cx, struct call *call);
enum rc handle_create(struct cx *cx, struct call *call);
enum rc handle_show(struct cx *cx, struct call *call);
enum rc handle_edit(struct cx *cx, struct call *call);
enum rc handle_save(struct cx *cx, struct call *call);
enum rc handle_archive_ask(struct cx *cx, struct call *call);
enum rc handle_archive(struct cx *cx, struct call *call);
enum rc handle_restore(struct cx *cx, struct call *call);
enum rc show_json(struct cx *cx, struct call *call, const struct office *o, int64_t id,
		  int status) MUST_CHECK; /* the row as the API answers it */
enum rc handle_history(struct cx *cx, struct call *call);
/* page.last_change {at, actor, action, door, address}: who changed the row last. */
void history_last(struct cx *cx, const struct office *o, int64_t id, struct value *page);
enum rc handle_action_ask(struct cx *cx, struct call *call);
enum rc handle_action(struct cx *cx, struct call *call);
enum rc handle_bulk(struct cx *cx, struct call *call);

/* actions.c: one action of one row, checked and done; for bulk.c too */
/* The row, seen by this actor, for which the action is offered now. RC_CONFLICT when it is not. */
enum rc action_row(struct cx *cx, const struct office_arg *arg, const char *text, int64_t *id,
		   struct value **row) MUST_CHECK;
/* call may be NULL: a job runs it. */
enum rc action_run(struct cx *cx, const struct office_arg *arg, int64_t id, struct call *call,
		   const char **done) MUST_CHECK;
const char *action_question(struct cx *cx, const struct action *a);
const char *action_right(const struct office *o, const struct action *a);
const struct action *action_find(const struct office *o, const char *name); /* the house's own too; or NULL */

/* dependents.c: what hangs on rows, into page.dependents [{title, count}], has_dependents, hangs_nothing */
void dependents_fill(struct cx *cx, const struct office *o, const int64_t *ids, size_t n, struct value *page);

/* bulk.c, bulk_page.c */
enum rc handle_bulk_show(struct cx *cx, struct call *call);
enum rc handle_bulk_progress(struct cx *cx, struct call *call);
enum rc handle_bulk_cancel(struct cx *cx, struct call *call);
enum rc handle_bulk_continue(struct cx *cx, struct call *call);
/* The row that :id of the path names, visible to the actor. */
enum rc call_row(struct cx *cx, struct call *call, const struct office **o, int64_t *id,
		 bool with_archived) MUST_CHECK;
/* answer_page with the title as the page's own heading too. */
void page_answer(struct cx *cx, struct call *call, const char *template, const char *title,
		 struct value *page);
void trail_add(struct cx *cx, struct value *page, const char *title, const char *href);

/* The house's own resources and pages */
extern const struct column schedules_columns[];
extern const struct sort schedules_sorts[];
enum rc schedule_before_save(struct cx *cx, int64_t id, struct value *values);
enum rc schedule_after_save(struct cx *cx, int64_t id, bool is_new, const struct value *values);
void schedules_show(struct cx *cx, int64_t id, struct value *page);
extern const struct column outbox_columns[];
extern const struct sort outbox_sorts[];
extern const struct filter outbox_filters[];
extern const struct action outbox_actions[];
void outbox_show(struct cx *cx, int64_t id, struct value *page);
extern const struct column batches_columns[];
extern const struct sort batches_sorts[];
extern const struct action batches_actions[];
void batches_show(struct cx *cx, int64_t id, struct value *page);
extern const struct column audit_columns[];
extern const struct sort audit_sorts[];
extern struct filter audit_filters[];
/* Before desk_setup looks at the resources: what can be filtered by is made from them. */
void audit_declare(struct arena *forever, const struct resource *const *resources);
const char *audit_name_shown(struct cx *cx, const char *stored);
void audit_rows_read(struct cx *cx, struct value *rows);
void audit_show(struct cx *cx, int64_t id, struct value *page);
const char *job_kind_shown(struct cx *cx, const char *stored);
extern const struct column jobs_columns[];
extern const struct sort jobs_sorts[];
extern const struct action jobs_actions[];
void jobs_show(struct cx *cx, int64_t id, struct value *page);
extern const struct column user_columns[];
extern const struct sort user_sorts[];
enum rc user_before_save(struct cx *cx, int64_t id, struct value *values);
enum rc user_before_archive(struct cx *cx, int64_t id);
extern const struct column token_columns[];
extern const struct sort token_sorts[];
enum rc token_before_save(struct cx *cx, int64_t id, struct value *values);
enum rc handle_home(struct cx *cx, struct call *call);
enum rc handle_inbox(struct cx *cx, struct call *call);
enum rc handle_thread(struct cx *cx, struct call *call);
enum rc handle_thread_read(struct cx *cx, struct call *call);
enum rc handle_thread_reply(struct cx *cx, struct call *call);
enum rc handle_thread_opt_out(struct cx *cx, struct call *call);
enum rc handle_templates(struct cx *cx, struct call *call);
enum rc handle_template(struct cx *cx, struct call *call);
enum rc handle_template_save(struct cx *cx, struct call *call);
enum rc handle_user_new(struct cx *cx, struct call *call);
enum rc handle_user_create(struct cx *cx, struct call *call);
enum rc handle_user_edit(struct cx *cx, struct call *call);
enum rc handle_user_save(struct cx *cx, struct call *call);
enum rc handle_me(struct cx *cx, struct call *call);
enum rc handle_me_save(struct cx *cx, struct call *call);
enum rc handle_job_progress(struct cx *cx, struct call *call);
enum rc handle_roles(struct cx *cx, struct call *call);
enum rc handle_token_new(struct cx *cx, struct call *call);
enum rc handle_token_create(struct cx *cx, struct call *call);
enum rc handle_settings(struct cx *cx, struct call *call);
enum rc handle_gateway(struct cx *cx, struct call *call);
enum rc handle_gateway_test(struct cx *cx, struct call *call);
enum rc handle_gateway_state(struct cx *cx, struct call *call);
/* {count} of contacts' unread messages, at most 100. */
int64_t inbox_unread(struct cx *cx);

#endif
