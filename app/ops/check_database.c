/*
** check_database.c -- the database file and the folders beside it (spec/stays.md §12, items 6 to 8).
**
** Owns:   nothing; the rows that name these looks stand in their table.
** Needs:  a readable state folder; a connection for what only the database knows, which may be absent.
** Never:  writes to the database; what it tries to write is a nameless file in spool/.
*/
#include "base/text.h"
#include "files/files.h"
#include "ops/check.h"
#include "ops/manifest.h"
#include "ops/watch.h"
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

const char *check_restore_command(struct cx *cx)
{
	return arena_printf(cx->arena, "systemctl stop recado; recado restore \"$(ls -t %s/* | head -n 1)\"",
			    check_quoted(cx, backup_folder(cx)));
}

/* In /health too, so it must be quick: a question, not a look at every page. */
static void check_database(struct cx *cx, struct check_result *out)
{
	int64_t one = 0;

	if (db_get_int(cx, &one, "SELECT count(*) FROM meta WHERE key = ''", NO_PARAMS) != RC_OK) {
		out->state = CHECK_FAIL;
		out->detail = _("The database does not answer.");
		out->remedy = check_restore_command(cx);
	} else
		out->detail = arena_printf(cx->arena, _("Schema %d answers."), db_version_of(cx));
}

/* The file says so itself: read and write version 2 (sqlite.org/fileformat2.html, offsets 18 and 19). */
static bool is_wal(struct cx *cx)
{
	unsigned char versions[2] = { 0, 0 };
	int fd = open(arena_printf(cx->arena, "%s/" DB_FILE, cx->env->dir), O_RDONLY | O_CLOEXEC);
	bool is_it = fd >= 0 && pread(fd, versions, 2, 18) == 2 && versions[0] == 2 && versions[1] == 2;

	if (fd >= 0) close(fd);
	return is_it;
}

static void check_integrity(struct cx *cx, struct check_result *out)
{
	const char *said = "";

	db_limit_ms(cx->db, 0); /* a gigabyte takes seconds, and nobody waits for a page */
	if (db_get_text(cx, &said, "PRAGMA quick_check(1)", NO_PARAMS) != RC_OK || strcmp(said, "ok") != 0) {
		out->state = CHECK_FAIL;
		out->detail = _("The database file is damaged.");
		out->remedy = check_restore_command(cx);
	} else if (!is_wal(cx)) {
		out->state = CHECK_FAIL;
		out->detail = _("The database is not in write-ahead mode (WAL).");
		out->remedy = "systemctl restart recado";
	} else
		out->detail = _("The file is whole, in write-ahead mode.");
}

/* The rows of reports: figures and comparisons read them; nothing that is sent does. */
static void check_reports(struct cx *cx, struct check_result *out)
{
	const char *path = arena_printf(cx->arena, "%s/" MEMBER_REPORTS, cx->env->dir), *why = "";
	struct gentle gentle;
	int64_t loaded = 0;

	gentle_init(&gentle, NULL);
	gentle.is_hurried = true;
	out->detail = _("No report was loaded yet.");
	if (access(path, F_OK) != 0) {
		if (db_get_int(cx, &loaded, "SELECT count(*) FROM generated_report WHERE loaded_in <> ''",
			       NO_PARAMS) != RC_OK ||
		    loaded == 0)
			return;
		out->state = CHECK_WARN;
		out->detail = _("reports.db is not there any more, though reports were loaded into it.");
		out->remedy = check_restore_command(cx);
	} else if (db_verify_gently(cx, path, false, &why, &gentle) != RC_OK) {
		out->state = CHECK_FAIL;
		out->detail = _("The reports' database, reports.db, is damaged. Sending does not need it.");
		out->remedy = check_restore_command(cx);
		cx->message = "";
	} else {
		out->detail = arena_printf(cx->arena, _("The reports' database is whole: %lld kB."),
					   (long long)growth_reports_bytes(cx) / 1000);
	}
}

static void check_schema(struct cx *cx, struct check_result *out)
{
	int known = db_version_known(), here = db_version_of(cx);

	out->detail = arena_printf(cx->arena, _("All %d steps of the schema were taken."), known);
	if (here == known) return;
	out->state = CHECK_FAIL;
	out->detail = arena_printf(cx->arena, _("The database is at step %d of %d."), here, known);
	out->remedy = "recado check --fix";
}

/* SQLite's locks do not hold on a network file system (sqlite.org/faq.html, question 5). Magic numbers:
** statfs(2). */
static void check_file_system(struct cx *cx, struct check_result *out)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} network[] = {
		{ 0x6969, "NFS" },        { 0xff534d42, "CIFS" }, { 0xfe534d42, "SMB" },
		{ 0x517b, "SMB" },        { 0x01021997, "9P" },   { 0x00c36400, "Ceph" },
		{ 0x0bd00bd0, "Lustre" }, { 0x5346414f, "AFS" },  { 0x47504653, "GPFS" },
	};
	struct statfs fs;

	if (statfs(cx->env->dir, &fs) != 0) return;
	out->detail = _("The state folder lies on a disk of this machine.");
	for (size_t i = 0; i < sizeof(network) / sizeof(*network); i++)
		if ((unsigned long)fs.f_type == network[i].magic) {
			out->state = CHECK_FAIL;
			out->detail = arena_printf(
				cx->arena,
				_("The state folder lies on a network file system (%s): locks do not hold there. Move it to a local disk."),
				network[i].name);
			out->remedy = arena_printf(cx->arena, "df -T %s", check_quoted(cx, cx->env->dir));
		}
}

/* A file written, synced and removed where uploads and exports are put together. */
static void check_workspace(struct cx *cx, struct check_result *out)
{
	static const char *const folders[] = { "files", "spool", "tmp", "backups" };
	int spool = -1;

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		const char *path = arena_printf(cx->arena, "%s/%s", cx->env->dir, folders[i]);

		if (access(path, W_OK | X_OK) == 0) continue;
		out->state = CHECK_FAIL;
		out->detail =
			arena_printf(cx->arena, _("The folder %s is missing or cannot be written."), path);
		out->remedy = "recado check --fix";
		return;
	}
	if (spool_open(&spool, cx->env->dir) != RC_OK || fd_write_all(spool, "recado", 6) != RC_OK ||
	    fsync(spool) != 0) {
		out->state = CHECK_FAIL;
		out->detail = _("Nothing can be written into the state folder.");
		out->remedy = arena_printf(cx->arena, "df -h %s", check_quoted(cx, cx->env->dir));
	} else
		out->detail = _("Files can be written into the folders of the house.");
	if (spool >= 0) close(spool);
}

#define DATABASE .section = SECTION_DATABASE
const struct check database_checks[] = {
	{ .name = "database", .title = N_("Database"), .in_health = true, DATABASE, .run = check_database },
	{ .name = "integrity",
	  .title = N_("Database file"),
	  DATABASE,
	  .is_slow = true,
	  .run = check_integrity },
	{ .name = "reports_file",
	  .title = N_("Reports' database"),
	  DATABASE,
	  .is_slow = true,
	  .run = check_reports },
	{ .name = "schema", .title = N_("Schema"), DATABASE, .run = check_schema },
	{ .name = "file_system", .title = N_("File system"), DATABASE, .run = check_file_system },
	{ .name = "workspace", .title = N_("Folders"), DATABASE, .run = check_workspace },
	{ .name = NULL },
};
