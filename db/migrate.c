/*
** migrate.c -- brings a database from the version it has to the one this binary knows, or leaves it
** as it was.
**
** Owns:   the table schema_migration; application_id and user_version of the file.
** Needs:  migrations/NNNN_name.sql, embedded; a connection that nobody else uses.
** Never:  goes back; runs a step twice.
** Holds:  (1) all pending steps are one transaction;
**         (2) foreign keys are off before it begins (a parent rebuilt with keys on silently empties
**             its children) and every reference is checked before it commits;
**         (3) a table that a step does not name has as many rows after it as before;
**         (4) an upgrade was rehearsed on a copy, and the copy stays beside the database as
**             recado.db.before-N, the settings as recado.ini.before-N, until the next upgrade;
**             `recado rollback` puts them back.
*/
#include "db/inner.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PREFIX     "migrations/"
#define TABLES_MAX 500 /* five modules and the house have some sixty */
#define SQL_SIZE   512
#define PATH_SIZE  4096
#define BEFORE     ".before-"
#define CONFIG     "recado.ini"

struct table_rows {
	const char *name;
	int64_t rows;
};

/* The list */

enum rc migrations_embedded(struct migration out[MIGRATIONS_MAX], size_t *count)
{
	size_t n = 0;

	for (size_t i = embed_first(PREFIX);; i++) {
		const struct embedded *e = embed_at(i);
		const char *name;

		if (!e || strncmp(e->name, PREFIX, strlen(PREFIX)) != 0) break;
		name = e->name + strlen(PREFIX);
		if (n == MIGRATIONS_MAX || (size_t)atoi(name) != n + 1) {
			log_event(LOG_ERROR, "app", "db.bug",
				  "what=\"migrations are not numbered in a row\" at=%s", name);
			return RC_BUG;
		}
		out[n] = (struct migration){ .name = name, .sql = (const char *)e->data, .len = e->len };
		n++;
		out[n - 1].number = (int)n;
	}
	*count = n;
	return RC_OK;
}

int db_version_known(void)
{
	size_t n = 0;

	for (size_t i = embed_first(PREFIX);; i++, n++) {
		const struct embedded *e = embed_at(i);

		if (!e || strncmp(e->name, PREFIX, strlen(PREFIX)) != 0) return (int)n;
	}
}

int db_version_of(struct cx *cx)
{
	int64_t version = 0;

	return db_get_int(cx, &version, "PRAGMA user_version", NO_PARAMS) == RC_OK ? (int)version : -1;
}

/* Row counts */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Does the text name the table outside comments and string literals? */
static bool is_named(const char *sql, const char *table)
{
	size_t len = strlen(table);

	for (const char *p = sql; *p; p++) {
		if (p[0] == '-' && p[1] == '-') {
			p += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			const char *end = strstr(p + 2, "*/");

			p = end ? end + 1 : p + strlen(p) - 1;
		} else if (p[0] == '\'') {
			p++;
			p += strcspn(p, "'");
		} else if (is_word(*p)) {
			size_t n = 1;

			while (is_word(p[n]))
				n++;
			if (n == len && strncasecmp(p, table, len) == 0) return true;
			p += n - 1;
		}
		if (!*p) break;
	}
	return false;
}

static enum rc count_rows(struct db *db, const char *table, int64_t *rows)
{
	char sql[SQL_SIZE];

	sqlite3_snprintf((int)sizeof sql, sql, "SELECT count(*) FROM \"%w\"", table);
	return connect_int(db, rows, sql);
}

static enum rc count_tables(struct db *db, struct arena *a, struct table_rows **out, size_t *count)
{
	struct table_rows *list = arena_array(a, TABLES_MAX, sizeof *list);
	sqlite3_stmt *stmt = NULL;
	enum rc rc = list ? RC_OK : RC_NO_MEMORY;
	size_t n = 0;
	int code;

	if (rc != RC_OK) return rc;
	code = sqlite3_prepare_v2(
		db->handle,
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'", -1, &stmt,
		NULL);
	if (code != SQLITE_OK) return connect_fail(NULL, db, code, "tables");
	while (n < TABLES_MAX && sqlite3_step(stmt) == SQLITE_ROW)
		list[n++].name = arena_text(a, (const char *)sqlite3_column_text(stmt, 0));
	code = sqlite3_finalize(stmt);
	if (code != SQLITE_OK) return connect_fail(NULL, db, code, "tables");
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = count_rows(db, list[i].name, &list[i].rows);
	*out = list;
	*count = n;
	return rc;
}

/* One step */

struct upgrade {
	struct db *db;
	struct arena *arena;
	enum lang lang;
	instant now;
	const char **message;
};

static enum rc refuse(const struct upgrade *u, const struct migration *m, enum rc rc, const char *why)
{
	char quoted[LOG_QUOTE_SIZE];

	log_event(LOG_ERROR, "app", "db.migration_refused", "step=%s why=%s", m->name,
		  log_quote(quoted, why));
	*u->message = arena_printf(
		u->arena,
		words_get(u->lang, N_("The database could not be brought up to date (step %s: %s). "
				      "Nothing was changed.")),
		m->name, why);
	return rc == RC_OK ? RC_BUG : rc;
}

static enum rc check_rows(const struct upgrade *u, const struct migration *m, const struct table_rows *before,
			  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int64_t rows = -1;

		if (is_named(m->sql, before[i].name)) continue;
		if (count_rows(u->db, before[i].name, &rows) != RC_OK || rows != before[i].rows)
			return refuse(u, m, RC_BUG,
				      arena_printf(u->arena, "rows of %s: %lld -> %lld", before[i].name,
						   (long long)before[i].rows, (long long)rows));
	}
	return RC_OK;
}

static enum rc note_step(const struct upgrade *u, const struct migration *m)
{
	char sql[SQL_SIZE], sum[SHA256_HEX_SIZE];

	sha256_hex(sum, m->sql, m->len);
	sqlite3_snprintf(
		(int)sizeof sql, sql,
		"INSERT INTO schema_migration (number, name, sha256, applied_at) VALUES (%d, %Q, %Q, %lld);"
		"PRAGMA user_version = %d",
		m->number, m->name, sum, (long long)u->now, m->number);
	return connect_exec(u->db, sql);
}

static enum rc take_step(const struct upgrade *u, const struct migration *m)
{
	struct table_rows *before = NULL;
	size_t count = 0;
	enum rc rc = count_tables(u->db, u->arena, &before, &count);

	if (rc == RC_OK) rc = connect_exec(u->db, m->sql);
	if (rc != RC_OK) return refuse(u, m, rc, sqlite3_errmsg(u->db->handle));
	if (sqlite3_get_autocommit(u->db->handle)) return refuse(u, m, RC_BUG, "it ended the transaction");
	rc = check_rows(u, m, before, count);
	if (rc == RC_OK) {
		rc = note_step(u, m);
		if (rc != RC_OK) rc = refuse(u, m, rc, sqlite3_errmsg(u->db->handle));
	}
	return rc;
}

static enum rc check_references(const struct upgrade *u, const struct migration *last)
{
	char table[128] = "";
	enum rc rc = connect_text(u->db, table, sizeof table,
				  "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1");

	if (rc == RC_NOT_FOUND) return RC_OK;
	return refuse(u, last, rc, arena_printf(u->arena, "a reference of %s points nowhere", table));
}

/* A step that was edited after it ran here: its tables may differ from what this binary expects.
** Said, not refused: the steps that follow check themselves. */
void migrations_compare(struct db *db, const struct migration *list, size_t count)
{
	char sql[SQL_SIZE], sum[SHA256_HEX_SIZE];
	int64_t same = 0;

	for (size_t i = 0; i < count; i++) {
		sha256_hex(sum, list[i].sql, list[i].len);
		sqlite3_snprintf((int)sizeof sql, sql,
				 "SELECT count(*) FROM schema_migration WHERE number = %d AND sha256 = %Q",
				 list[i].number, sum);
		if (connect_int(db, &same, sql) == RC_OK && same == 0)
			log_event(LOG_WARN, "app", "db.migration_changed", "step=%s", list[i].name);
	}
}

/* All steps */

static enum rc steps(const struct upgrade *u, const struct migration *list, size_t count, int64_t version)
{
	enum rc rc = RC_OK;
	char sql[SQL_SIZE];

	if (version == 0) {
		sqlite3_snprintf(
			(int)sizeof sql, sql,
			"PRAGMA application_id = %d;"
			"CREATE TABLE schema_migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, "
			"sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT",
			DB_APPLICATION_ID);
		rc = connect_exec(u->db, sql);
	}
	for (size_t i = 0; i < count && rc == RC_OK; i++)
		if (list[i].number > version) rc = take_step(u, &list[i]);
	if (rc == RC_OK && count > 0) rc = check_references(u, &list[count - 1]);
	return rc;
}

enum rc migrate(struct db *db, const struct migration *list, size_t count, instant now, enum lang lang,
		struct arena *a, const char **message, bool is_rehearsal)
{
	struct upgrade u = { .db = db, .arena = a, .lang = lang, .now = now, .message = message };
	int64_t version = 0;
	enum rc rc = connect_int(db, &version, "PRAGMA user_version");

	if (rc == RC_OK) rc = connect_exec(db, "PRAGMA foreign_keys=OFF; BEGIN IMMEDIATE");
	if (rc != RC_OK) goto out;
	rc = steps(&u, list, count, version);
	if (rc == RC_OK && !is_rehearsal) {
		db->may_commit = true;
		rc = connect_exec(db, "COMMIT");
		db->may_commit = false;
	}
	if (!sqlite3_get_autocommit(db->handle) && connect_exec(db, "ROLLBACK") != RC_OK && rc == RC_OK)
		rc = RC_IO;
out:
	if (connect_exec(db, "PRAGMA foreign_keys=ON") != RC_OK && rc == RC_OK) rc = RC_IO;
	return rc;
}

/* An upgrade */

static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

static enum rc ask_room(struct store *s, struct arena *a, const char **message)
{
	char wal[PATH_SIZE];
	struct statvfs fs;
	int64_t size, need, room;

	snprintf(wal, sizeof wal, "%s-wal", s->path);
	size = size_of(s->path) + size_of(wal);
	need = size / 10 * DB_UPGRADE_ROOM_X10;
	if (statvfs(s->dir, &fs) != 0) return RC_IO;
	room = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	if (room >= need) return RC_OK;
	*message = arena_printf(
		a,
		words_get(s->env->lang, N_("The upgrade needs %lld MB free in %s, there are %lld MB. "
					   "Make room and start again.")),
		(long long)(need / 1000000 + 1), s->dir, (long long)(room / 1000000));
	return RC_IO;
}

/* Copies of earlier upgrades go once there is a newer one. */
static void drop_older_copies(const struct store *s, int64_t kept)
{
	static const char *const prefixes[] = { DB_FILE BEFORE, CONFIG BEFORE };
	DIR *dir = opendir(s->dir);
	struct dirent *e;
	char name[64];

	while (dir && (e = readdir(dir)) != NULL)
		for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
			snprintf(name, sizeof name, "%s%lld", prefixes[i], (long long)kept);
			if (strncmp(e->d_name, prefixes[i], strlen(prefixes[i])) == 0 &&
			    strcmp(e->d_name, name) != 0)
				unlinkat(dirfd(dir), e->d_name, 0);
		}
	if (dir) closedir(dir);
}

/* The settings as the older program can read them: a rollback puts them back beside the database. */
static enum rc keep_settings(const struct store *s, int64_t version)
{
	char path[PATH_SIZE], part[PATH_SIZE + 8], text[4096];
	int in = s->env->config_path != NULL ? open(s->env->config_path, O_RDONLY | O_CLOEXEC) : -1, out;
	ssize_t n = 0, written = 0;
	enum rc rc = RC_OK;

	if (in < 0) return RC_OK; /* without a file all settings have their defaults */
	snprintf(path, sizeof path, "%s/" CONFIG BEFORE "%lld", s->dir, (long long)version);
	snprintf(part, sizeof part, "%s.part", path);
	out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	while (out >= 0 && written == n && (n = read(in, text, sizeof text)) > 0)
		written = write(out, text, (size_t)n);
	if (out < 0 || n != 0 || fsync(out) != 0) rc = RC_IO;
	close(in);
	if (out >= 0 && close(out) != 0) rc = RC_IO;
	if (rc == RC_OK && rename(part, path) != 0) rc = RC_IO;
	if (rc != RC_OK) unlink(part);
	return rc;
}

static enum rc rehearse(const char *copy, const struct migration *list, size_t count, struct store *s,
			struct arena *a, const char **message)
{
	struct db *db = NULL;
	enum rc rc = connect_open(&db, NULL, copy, CONNECT_WRITE);

	if (rc == RC_OK)
		rc = migrate(db, list, count, clock_now(s->env->clock), s->env->lang, a, message, true);
	db_close(db);
	return rc;
}

enum rc migrate_store(struct store *s, struct db *db, const struct migration *list, size_t count,
		      struct arena *a, const char **message)
{
	char copy[PATH_SIZE];
	struct gentle g;
	int64_t version = 0;
	int len;
	enum rc rc = connect_int(db, &version, "PRAGMA user_version");

	if (rc == RC_OK && version > 0) {
		len = snprintf(copy, sizeof copy, "%s/" DB_FILE BEFORE "%lld", s->dir, (long long)version);
		if (len < 0 || (size_t)len >= sizeof copy) return RC_BAD_INPUT;
		rc = ask_room(s, a, message);
		if (rc == RC_OK) {
			gentle_init(&g, &s->env->is_stopping);
			g.is_hurried = true; /* the service is down until the upgrade is through */
			rc = snapshot_copy(db, copy, &g);
		}
		if (rc == RC_OK) rc = keep_settings(s, version);
		if (rc == RC_OK) rc = rehearse(copy, list, count, s, a, message);
	}
	if (rc == RC_OK)
		rc = migrate(db, list, count, clock_now(s->env->clock), s->env->lang, a, message, false);
	if (rc == RC_OK && version > 0) drop_older_copies(s, version);
	if (rc == RC_OK)
		log_event(LOG_INFO, "app", "db.migrated", "from=%lld to=%d", (long long)version,
			  list[count - 1].number);
	return rc;
}
