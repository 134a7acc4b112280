/*
** desk.h -- the generic office: a table of columns becomes list, search, filters, form,
** history, export, JSON API and bulk actions.
**
** Adding a resource is one struct resource and nothing else. SQL is put together from
** declared names only; every value is a parameter.
*/
#ifndef RECADO_DESK_DESK_H
#define RECADO_DESK_DESK_H

#include "base/command.h"
#include "outbox/outbox.h"
#include "web/web.h"
#include "work/work.h"

enum column_type {
	COLUMN_TEXT, /* max = length in code points                                 */
	COLUMN_LONG_TEXT,
	COLUMN_INT, /* min…max                                                     */
	COLUMN_BOOL,
	COLUMN_DATE,    /* _on: day text                                               */
	COLUMN_INSTANT, /* _at                                                         */
	COLUMN_CENTS,   /* _cents; currency in the column named by `choices`, else the house's */
	COLUMN_CHOICE,  /* choices: "monthly=Monthly|annual=Annual" (titles N_())       */
	COLUMN_REF,     /* ref: resource name; stored as id, shown by its row name, spoken as public_id */
	COLUMN_EMAIL,
	COLUMN_PHONE, /* by phone_parse; as typed in <name>_original, kind in <name>_kind, if there */
	COLUMN_URL
};

#define COL_REQUIRED (1u << 0)
#define COL_READONLY (1u << 1)  /* shown, never taken from input                          */
#define COL_LIST     (1u << 2)  /* in the list (page)                                     */
#define COL_HIDDEN   (1u << 3)  /* neither in pages nor in the API (ids, hashes)           */
#define COL_CREATE   (1u << 4)  /* only when creating                                     */
#define COL_SEARCH   (1u << 5)  /* its folded text goes into `search`                      */
#define COL_SECRET   (1u << 6)  /* never shown, exported or kept in history               */
#define COL_API      (1u << 7)  /* in the API only: a code whose words another column shows */
#define COL_WORDS    (1u << 9)  /* a text that holds a msgid: shown translated               */
#define COL_PAGE     (1u << 8)  /* in pages and CSV only, not in the API                    */
#define COL_LINK     (1u << 10) /* rows_read gave its address beside it: name__href         */
#define COL_PRIVATE  (1u << 11) /* the history tells that it was set or changed, not to what  */
#define COL_KEPT     (1u << 12) /* a text of work.h's job_text(): in the reader's language for programs too */

struct column {
	const char *name;  /* API field and form field; also the SQL column unless sql is given      */
	const char *title; /* N_()                                                                 */
	enum column_type type;
	unsigned flags;
	int64_t min, max;
	const char *choices, *ref;
	const char *sql;     /* expression over the resource's FROM; makes the column read-only          */
	const char *def;     /* default in a new form                                                */
	const char *help;    /* N_()                                                                 */
	const char *aliases; /* "nombres|nombre": accepted names in forms, API and CSV                 */
	/* How people read a stored code that no list of choices can know; NULL = as it is. COLUMN_TEXT
	** only. */
	const char *(*shown)(struct cx *cx, const char *stored);
};

struct sort {
	const char *name, *title; /* N_()                                                            */
	const char *sql;          /* an indexed NOT NULL column, "t.sort_name"                          */
	bool is_down;             /* default direction                                               */
};

struct filter {
	const char *name, *title; /* N_()                                                            */
	const char *choices; /* "active=Active|expired=Expired"; NULL: a free value (ref public_id, date) */
	const char *ref;     /* resource of the value                                           */
	/* Predicates, NULL-terminated: one per choice in order, or one with :f_<name>. May use :today,
	** :now, :month (this month's first instant), :actor. A date also comes as :f_<name>_ms and
	** :f_<name>_end_ms: its first instant and the next day's first. */
	const char *const *sql;
	/* What people typed into what the predicate compares with, and how it is shown; RC_NOT_FOUND,
	** RC_CONFLICT (fits several) as for a reference. NULL = as typed. */
	enum rc (*read)(struct cx *cx, const char *typed, const char **value, const char **shown);
	/* The choice in force for people when none is given; programs see all. NULL = none. */
	const char *def;
};

struct resource;

/* A row or bulk action: POST /<resource>/:id/<name>, POST /<resource>/actions/<name> with ids. */
struct action {
	const char *name, *title, *right; /* N_() title                                           */
	const char *confirm;              /* N_() question, NULL = none                            */
	bool is_bulk, is_dangerous;
	const char *when;         /* SQL predicate on the row: shown only if true, NULL = always */
	const char *page;         /* GET opens this own page (route of the module) instead of posting */
	const struct fact *takes; /* body of the API's call for one row; NULL = not told */
	/* One row; *done (arena) = what the person reads. Opens its own transaction. */
	enum rc (*run)(struct cx *cx, int64_t row_id, struct call *call, const char **done);
};

/* What is counted before a row goes: "3 active subscriptions". */
struct dependent {
	const char *title; /* N_() as a plural has it: "active subscriptions"                     */
	const char *sql;   /* counts over the row :id                                              */
};

struct importer; /* a module's own way to read a file (import.h); most resources need none */

struct resource {
	const char *name;              /* "clients": /clients, /api/v1/clients, /clients.csv          */
	const char *title, *title_one; /* N_() "Customers", "Customer"                              */
	const char *table;             /* alias t                                                    */
	const char *from;              /* joins: "JOIN client c ON c.id = t.client_id", or NULL       */
	const char *row_name;          /* SQL over t (and joins): how a row is called                   */
	const struct column *columns;
	const struct sort *sorts; /* the first is the default                                     */
	const struct filter *filters;
	const struct action *actions;
	const char *where;     /* always true of a listed row, e.g. "t.archived_at IS NULL", or NULL */
	const char *row_rule;  /* added for actors without right_all: "t.owner_id = :actor"      */
	const char *right_all; /* "clients.all"                                              */
	const char *right_view, *right_edit; /* right_edit NULL = read only                            */
	bool has_public_id;  /* else the integer id is the id                                */
	bool has_generation; /* rows of pending imports are hidden                            */
	bool can_create, can_archive;
	bool stays_archived; /* with can_archive: nothing puts it back, as a revoked token     */
	const char *menu;    /* N_() title in the menu, NULL = not there                      */
	int menu_order;      /* 1…54 under the business; 200… under a module's own heading (menu.c)  */
	const char *menu_setting; /* in the menu only while this setting says yes; NULL = always */
	const char *empty;        /* N_() what to do when there are none                            */
	/* All called inside the write transaction; values: map by column name, the whole row as it
	** will be (text checked, ints, null). before_save may set any column of the table, `search`
	** and `public_id` too. */
	enum rc (*before_save)(struct cx *cx, int64_t row_id /* 0 = new */, struct value *values);
	enum rc (*after_save)(struct cx *cx, int64_t row_id, bool is_new, const struct value *values);
	/* RC_CONFLICT with the sentence of what depends on it. */
	enum rc (*before_archive)(struct cx *cx, int64_t row_id);
	/* RC_CONFLICT, RC_DENIED with the sentence why it cannot come back. */
	enum rc (*before_restore)(struct cx *cx, int64_t row_id);
	/* Extra data for the row's page, and its template ("renewals/client"; NULL = generic). */
	void (*show)(struct cx *cx, int64_t row_id, struct value *page);
	const char *show_template;
	void (*list_extra)(struct cx *cx, struct value *page); /* cards above the list                 */
	const char *list_template; /* NULL = generic                                             */
	/* Own pages instead of the generic forms: "/users/new", "/users/:id/edit"; the module's routes
	** serve them. NULL = generic. The API's own writing stays generic. */
	const char *new_page, *edit_page;
	bool has_own_create;  /* POST /NAME is one of the module's routes too: a user needs a password */
	bool names_are_words; /* row_name gives a msgid: shown translated                  */
	/* How people read what row_name gives; NULL = as it is.                           */
	const char *(*name_shown)(struct cx *cx, const char *stored);
	/* A form that has more to it than a field for each column: its template (NULL = generic), what of it
	** becomes input (a field error is RC_BAD_INPUT), and what it shows besides the fields. Its button
	** "_look" shows it again without saving. Pages only. */
	const char *form_template;
	enum rc (*form_take)(struct cx *cx, struct call *call, struct value *input);
	void (*form_show)(struct cx *cx, struct call *call, const struct value *stored, struct value *page);
	/* A page of raw rows just read, to add what SQL cannot know (text under a column's name, address
	** under name__href). Pages and API only. NULL = nothing. */
	void (*rows_read)(struct cx *cx, struct value *rows);
	/* The column with the number by which the inbox knows who writes; it must have an index. */
	const char *contact_column;
	/* Import (import.h). By which columns a row of a file is known again besides its id: "phone", or
	** "name|starts_on"; NULL = by id alone. */
	const char *import_key;
	const struct importer *importer; /* NULL = column by column                              */
	bool finds_number; /* a search for digits that are a row's id finds that row alone            */
	bool no_import;    /* cannot be imported: users need a password, tokens a secret     */
	/* What hangs on a row, told before it is archived and before a dangerous action; ended by a row
	** without title. NULL = nothing. */
	const struct dependent *dependents;
	/* Currency of a new row's amounts where another row decides it (values: what was taken so far); NULL or
	** "" = the house's. */
	const char *(*currency_of)(struct cx *cx, const struct value *values);
};

/* A card on the home page, and a gauge in /metrics when metric is given. */
struct figure {
	const char *name, *title; /* N_()                                                      */
	const char *right;
	const char *template; /* card partial "renewals/card_home"                          */
	void (*fill)(struct cx *cx, struct value *card);
	void (*metrics)(struct cx *cx, struct sb *out); /* Prometheus lines; may be NULL               */
};

/* Before web_start: makes the routes of all resources (NULL-terminated list of row arrays, each ended
** by a row without name). */
enum rc desk_setup(const struct resource *const *resources, const struct figure *const *figures,
		   struct arena *forever) MUST_CHECK;
const struct route *desk_made_routes(void); /* ended by a row without method              */
const struct resource *desk_resource(const char *name);
const struct resource *desk_resource_at(size_t i); /* NULL past the end                          */
const struct figure *desk_figure_at(size_t i);
/* What the layout shows on each page: menu of resources, alerts, unread. */
void desk_decorate(struct cx *cx, struct value *layout);
/* Save through the same checks as form and API (import, commands): in the caller's transaction. */
enum rc desk_save(struct cx *cx, const struct resource *r, int64_t *row_id /* 0 = new */,
		  const struct value *input) MUST_CHECK;
/* The first visible rows that the words find, as the list's own search does ("" = all), at most max, in the
** list's order: maps of _id, _pid and _name. */
enum rc desk_search(struct cx *cx, struct value **out, const struct resource *r, const char *text,
		    int64_t max) MUST_CHECK;
/* id of a visible row by its public id (or integer id); honours row rule. RC_NOT_FOUND. */
enum rc desk_find(struct cx *cx, int64_t *row_id, const struct resource *r, const char *id) MUST_CHECK;
/* The SQL of each declared (filter, sort) pair, without and with search, first and later page, as the
** actor of cx would ask; made-up values stand in it, for EXPLAIN QUERY PLAN (tests/unit/plan.h). In
** cx's arena. false past the end. */
bool desk_plan_at(struct cx *cx, size_t i, const char **what, const char **sql);

/* What the templates page knows about a module's texts: allowed variables, values for the preview. To
** be told before the first page is served (at_start); without it the variables of the built-in texts
** are the known. */
struct template_family {
	const char *prefix;                                     /* "renewals.": of template.name   */
	const char *const *known;                               /* NULL-terminated                 */
	void (*sample)(struct cx *cx, struct value *variables); /* made-up values; NULL = generic  */
};
void desk_template_family(const struct template_family *family); /* kept by reference for ever       */

/* fill(cx, map) into out, or what it gave this person a moment ago when that took long (kept.c). With an
** argument, name says which: "stats 2026-11-01 2026-11-30". A failure inside leaves the map empty. */
typedef void figure_fill_fn(struct cx *cx, struct value *out);
void desk_kept(struct cx *cx, struct value *out, const char *name, figure_fill_fn *fill);
typedef void kept_fill_fn(struct cx *cx, struct value *out, const void *arg);
void desk_kept_with(struct cx *cx, struct value *out, const char *name, kept_fill_fn *fill, const void *arg);

/* A module's own table as JSON ({"data": rows}), CSV or workbook, by call_shape; the page is the caller's
** (SHAPE_PAGE: RC_BUG). columns: ended by one without name; name is the key in the rows (a list of maps) and
** says by its suffix what the cells are: _at _on _cents (x_currency or currency beside it, else the house's)
** is_ has_ _bp (as percent) _x100; else a number or a text as it is there. name: of the file, "months". */
struct answer_column {
	const char *name, *title; /* title: N_(), heading of the files */
};
enum rc answer_rows(struct cx *cx, struct call *call, const char *name, const struct answer_column *columns,
		    const struct value *rows) MUST_CHECK;

/*
** "Why did Ana not get it?" (why.c): the page, command and call about one person. A module tells what it
** knows: the rules that hold for the person now, and each occasion, past and coming. What it tells of a
** message is only its id: state and reason are read where they are kept.
*/
struct why_person {
	int64_t contact_id;  /* 0: nothing ever left for this address or came from it           */
	const char *address; /* E.164, mail address…; "" = the person has none                  */
	const char *list;    /* resource where the actor sees the person: "clients"; "" = nowhere */
	int64_t row_id;      /* the row there, also an archived one                             */
	instant from;        /* how far back                                                    */
};
struct why_occasion {
	instant at;         /* when it was, or would be                                         */
	const char *what;   /* translated: "Netflix: notice 3 days before the end on 11/09/2025" */
	int64_t message_id; /* 0: none was made; then …                                         */
	const char *state;  /* … "stopped" by the rule, or "coming"                             */
	const char *rule;   /* code: "opt_out"; "" = none                                       */
	const char *words;  /* its sentence, translated                                         */
	const char *href;   /* where to look closer; NULL = nowhere                             */
};
struct why; /* what was told so far */
void why_occasion(struct cx *cx, struct why *why, const struct why_occasion *occasion);
/* A rule that holds now and stops what would leave; words: translated. */
void why_rule(struct cx *cx, struct why *why, const char *rule, const char *words, const char *href);
/* A code that the module gives messages which it takes back, and its sentence. */
struct reason_word {
	const char *code, *msgid; /* N_() */
};
struct reason_source {
	const char *name;                /* "renewals" */
	const struct reason_word *words; /* ended by a row without code; NULL = none */
	enum rc (*tell)(struct cx *cx, struct why *why, const struct why_person *person);
};
/* All sources: a NULL-terminated list of row arrays, each ended by a row without name; kept for ever. */
void desk_reason_sources(const struct reason_source *const *sources);

/* Another name of a user, with which he logs in from now on; sessions, tokens and what is his stay.
** RC_CONFLICT: somebody else is called so. Own transaction. */
enum rc user_rename(struct cx *cx, int64_t user_id, const char *name) MUST_CHECK;
/* A user goes: what is his (rows with owner_id) goes to another one, in slices, then he is archived. to 0:
** nobody; then RC_CONFLICT when he still has something. Own transactions. */
enum rc user_leave(struct cx *cx, int64_t user_id, int64_t to, int64_t *moved) MUST_CHECK;

extern const struct resource suppression_resources[]; /* who gets no mailings */
extern const struct resource desk_resources[];        /* users, tokens, jobs, outbox, files… */
extern const struct route desk_routes[]; /* home page, inbox, templates, settings page (read), batches */
extern const struct route desk_outbox_routes[];     /* unsure, channels, why (outbox_routes.c) */
extern const struct command desk_outbox_commands[]; /* why, unsure                            */
extern const struct job_kind desk_jobs[];           /* gateway test… */
extern const struct job_kind desk_bulk_jobs[];      /* one action for all rows of a list */
extern const struct right desk_rights[];

#endif
