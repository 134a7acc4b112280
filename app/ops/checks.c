/*
** checks.c -- what the house itself can check: database, disk, clock, backup age, folder rights, lock.
**
** Each finding names the one step that mends it.
*/
#include "ops/ops.h"
#include <sys/stat.h>
#include <sys/statvfs.h>

#define DISK_LEFT_FAIL_PERCENT 2 /* below it SQLite cannot be trusted to find room for a checkpoint */
#define DISK_LEFT_WARN_PERCENT 10
/* one night may be missed */
#define BACKUP_AGE_WARN (2 * DAY_MS)

static void check_database(struct cx *cx, struct check_result *out)
{
	int64_t one = 0;

	if (db_get_int(cx, &one, "SELECT count(*) FROM meta WHERE key = ''", NO_PARAMS) != RC_OK) {
		out->state = CHECK_FAIL;
		out->detail = _("The database does not answer.");
		out->remedy = _("Look at the log, then `recado restore` the newest backup.");
	} else
		out->detail = arena_printf(cx->arena, _("Schema %d answers."), db_version_of(cx));
}

static void check_disk(struct cx *cx, struct check_result *out)
{
	struct statvfs fs;
	int64_t percent;

	if (statvfs(cx->env->dir, &fs) != 0 || fs.f_blocks == 0) {
		out->state = CHECK_WARN;
		out->detail = _("The disk could not be asked.");
		return;
	}
	percent = (int64_t)(fs.f_bavail * 100 / fs.f_blocks);
	out->detail = arena_printf(cx->arena, _("%lld %% of the disk is free."), (long long)percent);
	if (percent < DISK_LEFT_WARN_PERCENT) {
		out->state = percent < DISK_LEFT_FAIL_PERCENT ? CHECK_FAIL : CHECK_WARN;
		out->remedy = arena_printf(cx->arena, _("Make room: `du -sh %s/*` shows what is large."),
					   cx->env->dir);
	}
}

static void check_backup(struct cx *cx, struct check_result *out)
{
	instant newest = backup_newest(backup_folder(cx));
	char at[RFC3339_SIZE];

	if (newest == 0) {
		out->state = CHECK_WARN;
		out->detail = _("There is no backup yet.");
		out->remedy = "recado backup";
		return;
	}
	instant_text_local(at, newest, cx->env->zone);
	out->detail = arena_printf(cx->arena, _("Newest backup: %s."), at);
	if (cx_now(cx) - newest > BACKUP_AGE_WARN) {
		out->state = CHECK_WARN;
		out->remedy = "recado backup";
	}
}

static void check_rights(struct cx *cx, struct check_result *out)
{
	static const char *const names[] = { "key", DB_FILE, CONFIG_FILE };

	out->detail = _("Key, database and settings are closed to others.");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *path = arena_printf(cx->arena, "%s/%s", cx->env->dir, names[i]);
		struct stat st;

		if (stat(path, &st) == 0 && (st.st_mode & 0077) != 0) {
			out->state = CHECK_WARN;
			out->detail = arena_printf(cx->arena,
						   _("%s can be read by other users of this machine."), path);
			out->remedy = arena_printf(cx->arena, "chmod 600 %s", path);
		}
	}
}

const struct check ops_checks[] = {
	{ .name = "database", .title = N_("Database"), .in_health = true, .run = check_database },
	{ .name = "disk", .title = N_("Disk"), .in_health = true, .run = check_disk },
	{ .name = "backup", .title = N_("Backup"), .in_health = false, .run = check_backup },
	{ .name = "rights", .title = N_("File rights"), .in_health = false, .run = check_rights },
	{ .name = NULL },
};
