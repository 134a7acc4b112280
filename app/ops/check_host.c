/*
** check_host.c -- the machine: rights of the files, room on the disk, and how it is closed to strangers.
**
** Owns:   nothing; it reads what the host shows.
** Never:  changes a file or a setting of the host, starts a program, needs more rights than the asker has.
** Holds:  what may not be read by the user that asks is told as such: nobody is accused of what could not
**         be seen.
*/
#include "ops/backup.h"
#include "ops/check.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DISK_LEFT_FAIL_PERCENT 2 /* below it SQLite cannot be trusted to find room for a checkpoint */
#define DISK_LEFT_WARN_PERCENT 10
#define CONFIG_TEXT_MAX        (64 * 1024) /* of one of the host's files; the rest is not looked at */

int64_t ops_disk_free_percent(const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) != 0 || fs.f_blocks == 0) return 100;
	return (int64_t)(fs.f_bavail * 100 / fs.f_blocks);
}

static void check_disk(struct cx *cx, struct check_result *out)
{
	struct statvfs fs;
	int64_t percent = ops_disk_free_percent(cx->env->dir);

	if (statvfs(cx->env->dir, &fs) != 0) {
		out->state = CHECK_WARN;
		out->detail = _("The disk could not be asked.");
		return;
	}
	out->detail = arena_printf(cx->arena, _("%lld %% of the disk is free."), (long long)percent);
	if (percent < DISK_LEFT_WARN_PERCENT) {
		out->state = percent < DISK_LEFT_FAIL_PERCENT ? CHECK_FAIL : CHECK_WARN;
		out->remedy =
			arena_printf(cx->arena, "du -sh %s/* | sort -h", check_quoted(cx, cx->env->dir));
	}
}

/* What a restore put aside is a whole state: nobody shall wonder where the room went. */
static void check_aside(struct cx *cx, struct check_result *out)
{
	struct kept_aside is;

	kept_aside_look(cx, &is);
	out->is_info = true;
	out->detail = _("Nothing is kept of before a restore.");
	if (is.count > 0)
		out->detail = arena_printf(
			cx->arena,
			_("Kept of before a restore or rollback: %lld MB (folders: %lld). Each goes after %d days, once a newer backup was proved."),
			(long long)((is.bytes + 999999) / 1000000), (long long)is.count, is.days);
}

/* Everything of the state folder that has customers or keys in it; all that is open stands in one command. */
static void check_rights(struct cx *cx, struct check_result *out)
{
	/* SQLite makes the files beside the database with its mode. */
	static const char *const names[] = { "",      "key",   DB_FILE, CONTROL_SOCKET,
					     "files", "spool", "tmp",   "backups" };
	const char *first = NULL;
	struct sb remedy;

	sb_init_arena(&remedy, cx->arena, 16 * 1024);
	sb_lit(&remedy, "chmod go=");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *path = arena_printf(cx->arena, names[i][0] != '\0' ? "%s/%s" : "%s%s",
						cx->env->dir, names[i]);
		struct stat st;

		if (stat(path, &st) != 0 || (st.st_mode & 0077) == 0) continue;
		if (first == NULL) first = path;
		sb_printf(&remedy, " %s", check_quoted(cx, path));
	}
	out->detail = _("Key, database and settings are closed to others.");
	if (first == NULL) return;
	out->state = CHECK_FAIL;
	out->detail = arena_printf(cx->arena, _("%s can be read by other users of this machine."), first);
	out->remedy = sb_text_of(&remedy);
}

/* A file of the host; NULL when it is not there or may not be read (errno). */
static const char *host_file(struct cx *cx, const char *path)
{
	char *text = arena_alloc(cx->arena, CONFIG_TEXT_MAX + 1);
	FILE *f = text != NULL ? fopen(path, "re") : NULL;
	size_t n;

	if (f == NULL) return NULL;
	n = fread(text, 1, CONFIG_TEXT_MAX, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

/* Does a line that is no comment begin with key and say value? -1: no line with the key; else 0 or 1. The
** first counts, as sshd reads it. */
static int says(const char *text, const char *key, const char *value)
{
	size_t n = strlen(key);

	while (text != NULL && *text != '\0') {
		const char *p = text + strspn(text, " \t");

		if (strncasecmp(p, key, n) == 0 && strchr(" \t=", p[n]) != NULL) {
			p += n;
			p += strspn(p, " \t=\"");
			return strncasecmp(p, value, strlen(value)) == 0;
		}
		text = strchr(text, '\n');
		if (text != NULL) text++;
	}
	return -1;
}

static void unseen(struct cx *cx, struct check_result *out, const char *what)
{
	out->is_info = true;
	out->detail = arena_printf(cx->arena, _("Could not be seen from here: %s."), what);
}

static void check_firewall(struct cx *cx, struct check_result *out)
{
	const char *ufw = host_file(cx, "/etc/ufw/ufw.conf");
	int on = says(ufw, "ENABLED", "yes");

	if (on == 1) {
		out->detail = _("The firewall (ufw) is on.");
	} else if (on == 0) {
		out->state = CHECK_WARN;
		out->detail = _("The firewall (ufw) is off: only 22, 80 and 443 should be open.");
		out->remedy =
			"ufw allow 22/tcp && ufw allow 80/tcp && ufw allow 443/tcp && ufw --force enable";
	} else
		unseen(cx, out, "/etc/ufw/ufw.conf");
}

/* The drop-in files come first (Include at the head of Debian's sshd_config), in their order. */
static void check_ssh(struct cx *cx, struct check_result *out)
{
	const char *folder = "/etc/ssh/sshd_config.d", *text;
	struct dirent **names = NULL;
	int said = -1, n = scandir(folder, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (said < 0 && (text = host_file(cx, arena_printf(cx->arena, "%s/%s", folder,
								   names[i]->d_name))) != NULL)
			said = says(text, "PasswordAuthentication", "no");
		free(names[i]);
	}
	free(names);
	text = host_file(cx, "/etc/ssh/sshd_config");
	if (said < 0) said = says(text, "PasswordAuthentication", "no");
	if (said == 1) {
		out->detail = _("Nobody logs in to this machine with a password (SSH keys only).");
	} else if (text != NULL || said == 0) {
		out->state = CHECK_WARN;
		out->detail = _(
			"This machine lets people log in over SSH with a password, which anybody may guess.");
		/* Only where a key lets somebody in: else the owner would be locked out. */
		out->remedy = "test -s ~/.ssh/authorized_keys && echo 'PasswordAuthentication no' > "
			      "/etc/ssh/sshd_config.d/00-recado.conf && systemctl reload ssh";
	} else
		unseen(cx, out, "/etc/ssh/sshd_config");
}

static void check_updates(struct cx *cx, struct check_result *out)
{
	const char *text = host_file(cx, "/etc/apt/apt.conf.d/20auto-upgrades");

	if (text != NULL && strstr(text, "Unattended-Upgrade \"1\"") != NULL) {
		out->detail = _("Security updates come by themselves.");
	} else if (access("/etc/apt/apt.conf.d", R_OK) == 0) {
		out->state = CHECK_WARN;
		out->detail = _("Security updates do not come by themselves.");
		out->remedy =
			"apt-get install -y unattended-upgrades && dpkg-reconfigure -f noninteractive unattended-upgrades";
	} else
		unseen(cx, out, "/etc/apt/apt.conf.d");
}

#define HOST .section = SECTION_DEPLOYMENT
const struct check host_checks[] = {
	{ .name = "rights", .title = N_("File rights"), HOST, .run = check_rights },
	{ .name = "disk", .title = N_("Disk"), .in_health = true, HOST, .run = check_disk },
	{ .name = "aside", .title = N_("State of before a restore"), HOST, .run = check_aside },
	{ .name = "firewall", .title = N_("Firewall"), HOST, .run = check_firewall },
	{ .name = "ssh", .title = N_("Log-in to the machine"), HOST, .run = check_ssh },
	{ .name = "updates", .title = N_("Updates of the machine"), HOST, .run = check_updates },
	{ .name = NULL },
};
