/*
** growth.c -- cleans what nobody needs any more, and tells how large everything is.
**
** Needs:  the list of growth_tables.c; whatever another room cleans itself is only told.
** Never:  touches a table that the list calls kept.
** Holds:  (1) a slice is one transaction of at most SLICE_ROWS rows, halved when one took longer than
**         SLICE_MS; (2) stopping between two slices loses nothing: the next run goes on where rows are old.
*/
#include "ops/cmd.h"
#include "ops/manifest.h"
#include "ops/watch.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLICE_ROWS   500
#define SLICE_MS     50 /* half of what a write transaction may take (db.h): disks are not alike */
#define FOLDER_DEPTH 4
#define FOLDER_FILES 200000 /* the page waits for it: more files are told as "at least" */
#define SIZES_KEY    "watch.sizes"
#define SIZES_MAX    (32 * 1024)

/* The names are of the list above, never of a person. */
static const char *clean_sql(struct cx *cx, const struct growth_table *t)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 2048);
	sb_text(&sb, t->set != NULL ? "UPDATE " : "DELETE FROM ");
	sb_text(&sb, t->name);
	if (t->set != NULL) {
		sb_lit(&sb, " SET ");
		sb_text(&sb, t->set);
	}
	sb_lit(&sb, " WHERE (");
	sb_text(&sb, t->keys);
	sb_lit(&sb, ") IN (SELECT ");
	sb_text(&sb, t->keys);
	sb_lit(&sb, " FROM ");
	sb_text(&sb, t->name);
	sb_lit(&sb, " WHERE ");
	sb_text(&sb, t->old);
	sb_lit(&sb, " LIMIT :max)");
	return sb_text_of(&sb);
}

static const char *count_sql(struct cx *cx, const char *table, const char *where)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 2048);
	sb_lit(&sb, "SELECT count(*) FROM (SELECT 1 FROM ");
	sb_text(&sb, table);
	if (where != NULL) {
		sb_lit(&sb, " WHERE ");
		sb_text(&sb, where);
	}
	sb_lit(&sb, " LIMIT :max)");
	return sb_text_of(&sb);
}

static instant before_of(struct cx *cx, const struct growth_table *t)
{
	return cx_now(cx) - growth_days(cx, t) * DAY_MS;
}

static enum rc clean_table(struct cx *cx, struct job *job, const struct growth_table *t, int64_t *gone)
{
	const char *sql = clean_sql(cx, t);
	bool asks_now = t->set != NULL && strstr(t->set, ":now") != NULL;
	int64_t rows = SLICE_ROWS, changed = rows;

	while (changed >= rows) {
		int64_t from = clock_ticks();
		enum rc rc = tx_begin(cx);

		if (rc == RC_OK)
			rc = db_run(cx, sql,
				    &PARAMS(P_INT(":now", cx_now(cx)), P_INT(":before", before_of(cx, t)),
					    P_INT(":max", rows))[asks_now ? 0 : 1]);
		changed = rc == RC_OK ? db_changes(cx) : 0;
		rc = tx_end(cx, rc);
		if (rc != RC_OK) return rc;
		*gone += changed;
		if (changed < rows) break;
		if (clock_ticks() - from > SLICE_MS && rows > 1) rows /= 2;
		if (job != NULL && job_should_stop(job)) return RC_TRY_LATER;
	}
	return RC_OK;
}

/* Sizes */

/* Bytes of each table with its indexes: dbstat reads every page. */
static enum rc read_sizes(struct cx *cx, struct value *out)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_schema m ON m.name = s.name"
		" WHERE s.aggregate = 1 GROUP BY m.tbl_name",
		NO_PARAMS);

	while (rc == RC_OK && query_next(q))
		value_set_int(cx->arena, out, query_copy(cx, q, 0), query_int(q, 1));
	return query_end(q, rc);
}

/* For pages, which must not read a gigabyte: as they were at the last cleaning. */
static enum rc keep_sizes(struct cx *cx)
{
	struct value *sizes = value_map(cx->arena);
	struct sb sb;
	enum rc rc = read_sizes(cx, sizes);

	sb_init_arena(&sb, cx->arena, SIZES_MAX);
	json_write(&sb, sizes);
	if (rc == RC_OK) rc = sb_result(&sb);
	if (rc != RC_OK) return rc;
	rc = tx_begin(cx);
	return tx_end(cx, rc == RC_OK ? meta_set(cx, SIZES_KEY, sb_text_of(&sb)) : rc);
}

static struct value *sizes_now(struct cx *cx, bool is_exact)
{
	struct value *sizes = value_map(cx->arena), *kept = NULL;
	struct store_figures f;
	const char *text = "";

	store_figures(cx->env->store, &f);
	if (!is_exact && f.file_bytes > GROWTH_LIVE_BYTES && meta_get(cx, &text, SIZES_KEY) == RC_OK &&
	    text[0] != '\0' && json_parse(cx->arena, &kept, NULL, text, strlen(text)) == RC_OK)
		return kept;
	if ((is_exact || f.file_bytes <= GROWTH_LIVE_BYTES) && read_sizes(cx, sizes) != RC_OK)
		cx->message = "";
	return sizes;
}

enum rc growth_run(struct cx *cx, struct job *job)
{
	int64_t gone = 0;
	enum rc rc = RC_OK;

	for (const struct growth_table *t = growth_tables; t->name != NULL && rc == RC_OK; t++)
		if (t->old != NULL) rc = clean_table(cx, job, t, &gone);
	if (rc == RC_OK) rc = keep_sizes(cx);
	if (rc == RC_OK && job != NULL) job_note(cx, job, _("Rows that went: %lld"), (long long)gone);
	log_event(LOG_INFO, "app", "watch.cleaned", "rows=%lld rc=%s", (long long)gone, rc_row(rc)->name);
	return rc;
}

/* "after 30 days, by watch.clean" or "kept for ever: it is money". */
static const char *rule_shown(struct cx *cx, const struct growth_table *t)
{
	const char *by = t->by == NULL ? GROWTH_JOB : t->by;

	if (t->kept != NULL)
		return arena_printf(cx->arena, _("kept for ever: %s"), words_get(cx->lang, t->kept));
	if (strchr(by, '.') != NULL && strchr(by, ' ') == NULL) by = work_kind_title(by);
	return arena_printf(cx->arena, _("after %lld days, by: %s"), (long long)growth_days(cx, t),
			    words_get(cx->lang, by));
}

static int by_size(const void *a, const void *b)
{
	const struct value *const *x = a, *const *y = b;
	int64_t p = value_int_of(value_get(*x, "bytes"), 0), q = value_int_of(value_get(*y, "bytes"), 0);

	return p < q ? 1 : p > q ? -1 : 0;
}

/* The rows of a list in another order: links only. */
static void sort_rows(struct cx *cx, struct value *list)
{
	struct value **rows = arena_array(cx->arena, list->count + 1, sizeof(*rows)), *sorted;
	size_t n = 0;

	if (rows == NULL) return;
	for (struct value *v = list->first; v != NULL; v = v->next)
		rows[n++] = v;
	qsort(rows, n, sizeof(*rows), by_size);
	sorted = value_list(cx->arena);
	for (size_t i = 0; i < n; i++) {
		rows[i]->next = NULL;
		value_append(sorted, rows[i]);
	}
	*list = *sorted;
}

enum rc growth_tables_read(struct cx *cx, struct value **out, bool is_exact)
{
	struct value *sizes = sizes_now(cx, is_exact);
	enum rc rc = RC_OK;

	*out = value_list(cx->arena);
	for (const struct growth_table *t = growth_tables; t->name != NULL && rc == RC_OK; t++) {
		struct value *row = value_add_map(cx->arena, *out);
		int64_t rows = 0, waiting = 0;

		rc = db_get_int(cx, &rows, count_sql(cx, t->name, NULL),
				PARAMS(P_INT(":max", is_exact ? INT64_MAX : GROWTH_COUNT_MAX)));
		if (rc == RC_OK && t->old != NULL)
			rc = db_get_int(
				cx, &waiting, count_sql(cx, t->name, t->old),
				PARAMS(P_INT(":max", GROWTH_COUNT_MAX), P_INT(":before", before_of(cx, t))));
		value_set_text(cx->arena, row, "name", t->name);
		value_set_text(cx->arena, row, "title", words_get(cx->lang, t->title));
		value_set_int(cx->arena, row, "rows", rows);
		value_set_int(cx->arena, row, "bytes", value_int_of(value_get(sizes, t->name), 0));
		value_set_text(cx->arena, row, "rule", rule_shown(cx, t));
		value_set_int(cx->arena, row, "waiting", waiting);
	}
	sort_rows(cx, *out);
	return rc;
}

/* Folders */

struct tally_files {
	int64_t files, bytes;
};

static void walk(int dir, int depth, struct tally_files *t)
{
	DIR *d = fdopendir(dir);
	struct dirent *e;
	struct stat st;

	if (d == NULL) {
		close(dir);
		return;
	}
	while (t->files < FOLDER_FILES && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISREG(st.st_mode)) {
			t->files++;
			t->bytes += st.st_size;
		} else if (S_ISDIR(st.st_mode) && depth > 1) {
			int below =
				openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			if (below >= 0) walk(below, depth - 1, t);
		}
	}
	closedir(d);
}

int64_t growth_reports_bytes(const struct cx *cx)
{
	static const char *const names[] = { MEMBER_REPORTS, MEMBER_REPORTS "-wal" };
	int dir = open(cx->env->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int64_t bytes = 0;
	struct stat st;

	for (size_t i = 0; dir >= 0 && i < sizeof(names) / sizeof(*names); i++)
		if (fstatat(dir, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0) bytes += st.st_size;
	if (dir >= 0) close(dir);
	return bytes;
}

static void add_reports_file(struct cx *cx, struct value *list)
{
	int64_t bytes = growth_reports_bytes(cx);
	struct value *row;

	if (bytes == 0) return;
	row = value_add_map(cx->arena, list);
	value_set_text(cx->arena, row, "name", MEMBER_REPORTS);
	value_set_text(cx->arena, row, "title", _("Loaded reports"));
	value_set_text(
		cx->arena, row, "rule",
		_("kept for ever: figures and comparisons read it; clean_reports_contaminated takes a day out"));
	value_set_int(cx->arena, row, "files", 1);
	value_set_int(cx->arena, row, "bytes", bytes);
	value_set_bool(cx->arena, row, "is_file", true);
}

void growth_folders_read(struct cx *cx, struct value **out)
{
	static const struct {
		const char *name, *title, *rule;
	} folders[] = {
		{ "files", N_("Stored files"), N_("an hour after nothing names them any more") },
		{ "backups", N_("Backups"), N_("as the settings of backups say") },
		{ "spool", N_("Exports on their way"), N_("after a day") },
		{ "tmp", N_("Files half written"), N_("after a day") },
		{ "log", N_("Log files"), N_("five files of 10 MB for each subject") },
	};

	*out = value_list(cx->arena);
	add_reports_file(cx, *out);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		struct value *row = value_add_map(cx->arena, *out);
		struct tally_files t = { 0, 0 };
		const char *path = strcmp(folders[i].name, "backups") == 0
					   ? backup_folder(cx)
					   : arena_printf(cx->arena, "%s/%s", cx->env->dir, folders[i].name);
		int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (dir >= 0) walk(dir, FOLDER_DEPTH, &t);
		value_set_text(cx->arena, row, "name", folders[i].name);
		value_set_text(cx->arena, row, "title", words_get(cx->lang, folders[i].title));
		value_set_int(cx->arena, row, "files", t.files);
		value_set_int(cx->arena, row, "bytes", t.bytes);
		value_set_text(cx->arena, row, "rule", words_get(cx->lang, folders[i].rule));
	}
}

enum rc ops_run_tables(struct cx *cx, struct command_call *call)
{
	struct value *root = value_map(cx->arena), *tables = NULL, *folders = NULL;
	enum rc rc = command_check(cx, call, (const char *const[]){ NULL }, (const char *const[]){ NULL });

	if (rc == RC_OK) rc = growth_tables_read(cx, &tables, true);
	if (rc != RC_OK) return rc;
	growth_folders_read(cx, &folders);
	if (call->is_json) {
		value_set(root, "tables", tables);
		value_set(root, "folders", folders);
		command_print(cx, call, root);
		return RC_OK;
	}
	for (const struct value *v = tables->first; v != NULL; v = v->next)
		fprintf(call->out, "%-20s %10lld %8lld kB  %s\n", value_text_of(value_get(v, "name"), ""),
			(long long)value_int_of(value_get(v, "rows"), 0),
			(long long)value_int_of(value_get(v, "bytes"), 0) / 1000,
			value_text_of(value_get(v, "rule"), ""));
	for (const struct value *v = folders->first; v != NULL; v = v->next)
		fprintf(call->out, "%-20s %10lld %8lld kB  %s\n",
			value_get(v, "is_file") != NULL
				? value_text_of(value_get(v, "name"), "")
				: arena_printf(cx->arena, "%s/", value_text_of(value_get(v, "name"), "")),
			(long long)value_int_of(value_get(v, "files"), 0),
			(long long)value_int_of(value_get(v, "bytes"), 0) / 1000,
			value_text_of(value_get(v, "rule"), ""));
	return RC_OK;
}
