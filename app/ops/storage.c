/*
** storage.c -- [s3]: where copies of backups go, and the commands that look at it.
**
** Owns:   the rows below.
** Needs:  link/s3.h for every call.
** Never:  prints a key.
*/
#include "ops/storage.h"
#include "files/files.h"
#include "ops/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROBE_NAME "recado-probe.txt" /* written and removed by `recado storage check` */

const struct setting storage_settings[] = {
	{ .name = "s3.endpoint",
	  .title = N_("Address of the storage"),
	  .section = N_("Storage (S3)"),
	  .type = SET_URL,
	  .def = "https://nyc3.digitaloceanspaces.com",
	  .old = "DO_SPACES_ENDPOINT_URL",
	  .help = N_("Address of the S3-compatible storage, without the bucket.") },
	{ .name = "s3.region",
	  .title = N_("Region"),
	  .type = SET_TEXT,
	  .def = "us-east-1",
	  .max = 60,
	  .old = "DO_SPACES_REGION",
	  .help = N_(
		  "Region the storage signs with: its name at the provider; auto at R2, us-east-1 at MinIO.") },
	{ .name = "s3.bucket",
	  .title = N_("Bucket"),
	  .type = SET_TEXT,
	  .def = "",
	  .max = 63,
	  .old = "DO_SPACES_BUCKET_NAME",
	  .help = N_("Bucket for the copies of backups; empty: nothing is copied away from this machine.") },
	{ .name = "s3.key_id",
	  .title = N_("Access key"),
	  .type = SET_TEXT,
	  .def = "",
	  .is_secret = true,
	  .old = "DO_SPACES_ACCESS_KEY",
	  .help = N_("Id of the access key.") },
	{ .name = "s3.secret",
	  .title = N_("Secret of the access key"),
	  .type = SET_TEXT,
	  .def = "",
	  .is_secret = true,
	  .old = "DO_SPACES_SECRET_KEY",
	  .help = N_("Secret that belongs to the access key.") },
	{ .name = "s3.path_style",
	  .title = N_("Bucket in the path"),
	  .type = SET_BOOL,
	  .def = "yes",
	  .help = N_("yes: https://host/bucket/…; no: https://bucket.host/…") },
	{ .name = "s3.prefix",
	  .title = N_("Folder in the bucket"),
	  .type = SET_TEXT,
	  .def = "recado",
	  .max = 200,
	  .help = N_("First part of every name in the bucket, so that several machines can share one.") },
	{ .name = NULL },
};

bool storage_is_set(const struct env *env)
{
	return setting_text(env->settings, "s3.bucket")[0] != '\0';
}

enum rc storage_target(struct cx *cx, struct s3_target *out)
{
	const struct settings *s = cx->env->settings;

	*out = (struct s3_target){ .endpoint = setting_text(s, "s3.endpoint"),
				   .region = setting_text(s, "s3.region"),
				   .bucket = setting_text(s, "s3.bucket"),
				   .key_id = setting_text(s, "s3.key_id"),
				   .secret = setting_text(s, "s3.secret"),
				   .is_path_style = setting_bool(s, "s3.path_style") };
	/* Offline the built-in stand-in is the storage, unless the setting already points at one on
	** loopback. */
	if (cx->env->is_offline && strstr(out->endpoint, "://127.0.0.1") == NULL) {
		out->endpoint = cx->env->standin_url;
		out->region = S3_STANDIN_REGION;
		out->key_id = S3_STANDIN_ID;
		out->secret = S3_STANDIN_SECRET;
		out->is_path_style = true;
		if (out->endpoint == NULL || out->endpoint[0] == '\0')
			return cx_fail(
				cx, RC_BAD_INPUT, "%s",
				_("Offline mode has its storage inside the running server: start it first."));
	}
	if (out->bucket[0] == '\0')
		return cx_fail(
			cx, RC_BAD_INPUT, "%s",
			_("No storage is set: name its bucket with `recado config set s3.bucket NAME`."));
	if (out->key_id[0] == '\0' || out->secret[0] == '\0')
		return cx_fail(cx, RC_BAD_INPUT, "%s",
			       _("The storage's key is missing: set s3.key_id and s3.secret."));
	return RC_OK;
}

const char *storage_key(struct cx *cx, const char *rest)
{
	const char *prefix = setting_text(cx->env->settings, "s3.prefix");

	while (*prefix == '/')
		prefix++;
	return arena_printf(cx->arena, "%s%s%s", prefix,
			    *prefix == '\0' || prefix[strlen(prefix) - 1] == '/' ? "" : "/", rest);
}

const char *storage_backup_key(struct cx *cx, const char *name, instant at)
{
	char text[RFC3339_SIZE];

	instant_text(text, at);
	return storage_key(cx, arena_printf(cx->arena, "backups/%.4s/%.2s/%s", text, text + 5, name));
}

/* Commands */

static const char *const no_options[] = { NULL };

/* Upload, list, take away: what a backup needs the key to be allowed. */
static enum rc run_check(struct cx *cx, struct command_call *call)
{
	static const char text[] = "recado\n";
	const char *key = storage_key(cx, PROBE_NAME);
	struct s3_target t;
	struct value *found = NULL;
	bool is_free = false;
	int probe = -1;
	enum rc rc = command_check(cx, call, no_options, no_options);

	if (rc == RC_OK) rc = storage_target(cx, &t);
	if (rc == RC_OK) {
		rc = spool_open(&probe, cx->env->dir);
		if (rc == RC_OK) rc = fd_write_all(probe, text, sizeof(text) - 1);
		if (rc != RC_OK)
			rc = cx_fail(cx, rc, _("The file cannot be written: %s."),
				     words_errno(cx->lang, errno));
	}
	if (rc == RC_OK) rc = s3_put(cx, &t, key, probe, sizeof(text) - 1, NULL);
	if (rc == RC_OK) rc = s3_list(cx, &t, key, &found);
	if (rc == RC_OK && found->count != 1)
		rc = cx_fail(cx, RC_IO, "%s", _("What was just written to the storage is not in its list."));
	if (rc == RC_OK) rc = s3_delete(cx, &t, key);
	if (rc == RC_OK) rc = storage_owner_look(cx, &t, &is_free);
	if (rc == RC_OK)
		fprintf(call->out, "%s\n", _("The storage takes files, lists them and lets them go."));
	if (probe >= 0) close(probe);
	return rc;
}

static enum rc run_take(struct cx *cx, struct command_call *call)
{
	struct s3_target t;
	enum rc rc = command_check(cx, call, no_options, no_options);

	if (rc == RC_OK) rc = storage_target(cx, &t);
	if (rc == RC_OK) rc = storage_owner_take(cx, &t);
	if (rc == RC_OK)
		fprintf(call->out, _("The folder “%s” of the storage is this machine's now.\n"),
			setting_text(cx->env->settings, "s3.prefix"));
	return rc;
}

static enum rc run_list(struct cx *cx, struct command_call *call)
{
	struct s3_target t;
	struct value *list = NULL;
	enum rc rc = command_check(cx, call, no_options, no_options);

	if (rc == RC_OK) rc = storage_target(cx, &t);
	if (rc == RC_OK) rc = s3_list(cx, &t, storage_key(cx, ""), &list);
	if (rc != RC_OK) return rc;
	if (call->is_json) {
		command_print(cx, call, list);
		return RC_OK;
	}
	for (const struct value *o = list->first; o != NULL; o = o->next)
		fprintf(call->out, "%12lld  %s  %s\n", (long long)value_int_of(value_get(o, "size"), 0),
			value_text_of(value_get(o, "modified"), ""), value_text_of(value_get(o, "key"), ""));
	return RC_OK;
}

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && strcmp(text + a - b, end) == 0;
}

/* The key whose last part is NAME; "latest": the newest backup. */
static enum rc find_backup(struct cx *cx, const struct s3_target *t, const char *name, const char **key)
{
	struct value *list = NULL;
	const char *newest = NULL;
	enum rc rc = s3_list(cx, t, storage_key(cx, "backups/"), &list);

	if (rc != RC_OK) return rc;
	/* Keys hold year, month and the instant in the name: their order is that of time. */
	for (const struct value *o = list->first; o != NULL; o = o->next) {
		const char *k = value_text_of(value_get(o, "key"), "");

		if (strcmp(name, "latest") == 0 || ends_with(k, arena_printf(cx->arena, "/%s", name)))
			newest = k;
	}
	if (newest == NULL)
		return cx_fail(cx, RC_NOT_FOUND,
			       _("The storage has no backup “%s”; `recado storage list` names them."), name);
	*key = newest;
	return RC_OK;
}

static enum rc run_fetch(struct cx *cx, struct command_call *call)
{
	const char *name = command_word(call, 0, no_options), *to = command_word(call, 1, no_options),
		   *key = "";
	struct s3_target t;
	int fd = -1;
	enum rc rc = command_check(cx, call, no_options, no_options);

	if (rc == RC_OK && name == NULL)
		rc = cx_fail(cx, RC_BAD_INPUT, _("Usage: recado storage fetch NAME|latest [FILE]"));
	if (rc == RC_OK) rc = storage_target(cx, &t);
	if (rc == RC_OK) rc = find_backup(cx, &t, name, &key);
	if (rc != RC_OK) return rc;
	if (to == NULL) to = strrchr(key, '/') + 1;
	fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return cx_fail(cx, RC_IO, _("The file %s could not be written: %s."), to,
			       words_errno(cx->lang, errno));
	rc = s3_get(cx, &t, key, fd, NULL);
	if (rc == RC_OK && fsync(fd) != 0)
		rc = cx_fail(cx, RC_IO, _("The file cannot be written: %s."), words_errno(cx->lang, errno));
	close(fd);
	if (rc != RC_OK)
		(void)unlink(to);
	else
		fprintf(call->out, _("Fetched: %s\n"), to);
	return rc;
}

const struct command storage_commands[] = {
	{ .name = "storage check",
	  .usage = "",
	  .help = N_("Write, list and remove a small file in the storage for backups."),
	  .needs = COMMAND_ANYWHERE,
	  .run = run_check },
	{ .name = "storage take",
	  .usage = "",
	  .help = N_("Take the folder of the storage over from a machine that is no more."),
	  .needs = COMMAND_ANYWHERE,
	  .run = run_take },
	{ .name = "storage list",
	  .usage = "",
	  .help = N_("What lies in the storage."),
	  .needs = COMMAND_ANYWHERE,
	  .run = run_list },
	{ .name = "storage fetch",
	  .usage = "NAME|latest [FILE]",
	  .help = N_("Get a backup back from the storage, to restore it."),
	  .needs = COMMAND_SETTINGS,
	  .run = run_fetch },
	{ .name = NULL },
};

const struct job_kind storage_jobs[] = {
	{ .name = STORAGE_COPY_JOB,
	  .title = N_("Copy backups to the storage"),
	  .queue = "storage",
	  .attempts_max = 6,
	  .time_limit_s = 6 * 3600,
	  .delay_s = 300,
	  .run = storage_copy_run },
	{ .name = NULL },
};

const struct schedule_default storage_schedules[] = {
	{ .name = STORAGE_COPY_JOB,
	  .job_kind = STORAGE_COPY_JOB,
	  .rule = "every 30 min after 20 min",
	  .late_rule = "run",
	  .late_limit_s = 86400 },
	{ .name = NULL },
};
