/*
** restore.c -- `recado restore`: an archive takes the place of the state.
**
** Needs:  the folder's lock; unpack.c for what is in the archive, restore_journal.c for the change of places.
** Never:  removes anything of the old state: it lies in before-restore-TIME/ afterwards.
** Holds:  (1) nothing of the state changes before everything was unpacked, proved and prepared; (2) stored
**         files are only added: their name is their content; (3) a machine's own secrets stay when the
**         archive has none; (4) settings that this version would not start with are not put back.
*/
#include "ops/archive.h"
#include "ops/backup.h"
#include "ops/backup_ini.h"
#include "files/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES (64 * 1024)

struct restoring {
	struct cx *cx;
	const struct restore_order *o;
	struct restored *out;
	const char *dir, *aside, *keep; /* aside, keep: whole paths */
	struct unpacked what;
};

/* Stored files */

static enum rc copy_file(struct cx *cx, const char *from, const char *to)
{
	struct tmpfile_at t = TMPFILE_NONE;
	char *folder = arena_text(cx->arena, to), *buffer = arena_alloc(cx->arena, COPY_BYTES);
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum rc rc = in >= 0 && buffer != NULL ? RC_OK : RC_IO;
	ssize_t n = 0;

	if (strchr(folder, '/') == NULL)
		rc = RC_NO_MEMORY;
	else
		*strrchr(folder, '/') = '\0';
	if (rc == RC_OK) rc = tmpfile_open(&t, folder);
	while (rc == RC_OK && (n = read(in, buffer, COPY_BYTES)) > 0)
		rc = fd_write_all(t.fd, buffer, (size_t)n);
	if (n < 0) rc = RC_IO;
	if (rc == RC_OK && fchmod(t.fd, 0400) != 0) rc = RC_IO;
	if (rc == RC_OK) rc = tmpfile_publish(&t, to);
	tmpfile_discard(&t);
	if (in >= 0) close(in);
	return rc;
}

/* Every file of one aa/ folder under the same name elsewhere, unless it is there. Links where that is the
** same file system: no bytes move. */
static enum rc bring_folder(struct cx *cx, const char *from, const char *to)
{
	DIR *dir = opendir(from);
	struct dirent *e;
	enum rc rc = dir != NULL ? RC_OK : RC_IO;

	if (rc == RC_OK && mkdir(to, 0700) != 0 && errno != EEXIST) rc = RC_IO;
	while (rc == RC_OK && (e = readdir(dir)) != NULL) {
		const char *one, *other;
		struct stat was, is;

		if (strlen(e->d_name) != SHA256_HEX_SIZE - 1) continue;
		one = arena_printf(cx->arena, "%s/%s", from, e->d_name);
		other = arena_printf(cx->arena, "%s/%s", to, e->d_name);
		if (lstat(one, &was) != 0 || !S_ISREG(was.st_mode)) continue;
		if (lstat(other, &is) == 0 && is.st_size == was.st_size) continue;
		(void)unlink(other); /* cut short once: what comes is proved */
		(void)chmod(one, 0400);
		if (link(one, other) != 0) rc = copy_file(cx, one, other);
	}
	if (dir != NULL) closedir(dir);
	return rc;
}

static enum rc bring_files(struct cx *cx, const char *from, const char *to)
{
	DIR *dir = opendir(from);
	struct dirent *e;
	enum rc rc = RC_OK;

	if (dir == NULL) return errno == ENOENT ? RC_OK : RC_IO;
	if (mkdir(to, 0700) != 0 && errno != EEXIST) rc = RC_IO;
	while (rc == RC_OK && (e = readdir(dir)) != NULL)
		if (strlen(e->d_name) == 2 && strspn(e->d_name, "0123456789abcdef") == 2)
			rc = bring_folder(cx, arena_printf(cx->arena, "%s/%s", from, e->d_name),
					  arena_printf(cx->arena, "%s/%s", to, e->d_name));
	closedir(dir);
	return rc;
}

/* The key */

static const char *key_id_at(struct cx *cx, const char *path)
{
	struct seal_key *key = NULL;
	char id[SEAL_KEY_ID_SIZE] = "";

	if (seal_key_load(&key, path) == RC_OK) seal_key_id(key, id);
	seal_key_free(key);
	return arena_text(cx->arena, id);
}

static const char *ask(struct restoring *r, const char *question)
{
	return r->o->ask != NULL ? r->o->ask(r->o->arg, question) : NULL;
}

static enum rc key_from_code(struct restoring *r, const char *wanted)
{
	struct cx *cx = r->cx;
	const char *code = r->o->recovery_code;
	const char *path = arena_printf(cx->arena, "%s/" MEMBER_KEY, r->aside);
	char id[SEAL_KEY_ID_SIZE] = "";

	if (code == NULL)
		code = ask(r, _("Recovery code of the key (it was printed when the house was set up):"));
	if (code == NULL)
		return cx_fail(
			cx, RC_DENIED, "%s",
			_("This backup belongs to another key than the one on this machine. Give its recovery code with --recovery-code-file FILE, or --keep-key to go on without: what the key sealed then has to be entered again."));
	if (seal_key_id_of_code(id, code) != RC_OK)
		return cx_fail(cx, RC_DENIED, "%s", _("The recovery code is mistyped; nothing was changed."));
	if (strcmp(id, wanted) != 0)
		return cx_fail(
			cx, RC_DENIED, "%s",
			_("The recovery code is that of another key than this backup's; nothing was changed."));
	if (seal_key_restore(path, code) != RC_OK)
		return cx_fail(cx, RC_IO, _("The file %s could not be written: %s."), path,
			       words_errno(cx->lang, errno));
	r->out->has_new_key = true;
	return RC_OK;
}

/* After it restore.new/key is there if another key is needed, and is the right one. */
static enum rc settle_key(struct restoring *r)
{
	struct cx *cx = r->cx;
	const char *wanted = r->what.head.key_id;
	const char *path = arena_printf(cx->arena, "%s/" MEMBER_KEY, r->aside);
	const char *mine = key_id_at(cx, arena_printf(cx->arena, "%s/" MEMBER_KEY, r->dir));

	if (r->what.head.format == 0 || wanted[0] == '\0' || strcmp(mine, wanted) == 0) {
		(void)unlink(path); /* the same */
		return RC_OK;
	}
	if (r->what.has_key) {
		if (strcmp(key_id_at(cx, path), wanted) != 0)
			return cx_fail(cx, RC_BAD_INPUT,
				       _("%s is damaged: %s. Nothing was changed; take another backup."),
				       r->o->path, _("its key is another one than it says"));
		r->out->has_new_key = true;
		return RC_OK;
	}
	if (r->o->keep_key) return RC_OK;
	return key_from_code(r, wanted);
}

/* Settings */

static const char *read_text(struct cx *cx, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t max = (size_t)4 * SETTINGS_FILE_MAX, len = 0;
	char *text = arena_alloc(cx->arena, max + 1);
	ssize_t n;

	while (text != NULL && fd >= 0 && len < max && (n = read(fd, text + len, max - len)) > 0)
		len += (size_t)n;
	if (fd >= 0) close(fd);
	if (text == NULL) return "";
	text[len] = '\0';
	return text;
}

static enum rc write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum rc rc = fd >= 0 ? fd_write_all(fd, text, strlen(text)) : RC_IO;

	if (fd >= 0 && fsync(fd) != 0) rc = RC_IO;
	if (fd >= 0 && close(fd) != 0) rc = RC_IO;
	return rc;
}

/* The rows in force as one table, for a second reading. NULL: no memory. */
static const struct setting *const *rows_of(struct cx *cx)
{
	const struct setting **tables = arena_array(cx->arena, 2, sizeof(*tables));
	struct setting *rows;
	size_t n = 0;

	while (settings_row(cx->env->settings, n) != NULL)
		n++;
	rows = arena_array(cx->arena, n + 1, sizeof(*rows));
	if (tables == NULL || rows == NULL) return NULL;
	for (size_t i = 0; i < n; i++)
		rows[i] = *settings_row(cx->env->settings, i);
	tables[0] = rows;
	return tables;
}

/* The settings of the archive with this machine's secrets and what else is its own; kept out if a start would
** refuse them. */
static enum rc settle_config(struct restoring *r)
{
	struct cx *cx = r->cx;
	const char *path = arena_printf(cx->arena, "%s/" CONFIG_FILE, r->aside), *why = "";
	const struct setting *const *tables = rows_of(cx);
	struct settings *probe = NULL;
	const char *text;
	enum rc rc;

	if (tables == NULL) return RC_NO_MEMORY;
	if (!r->what.has_config) return RC_OK;
	/* A settings file of another name is not ours to replace. */
	if (strcmp(cx->env->config_path, arena_printf(cx->arena, "%s/" CONFIG_FILE, r->dir)) != 0) {
		r->out->config_why = _("the settings file in use has another name");
		return rename(path, arena_printf(cx->arena, "%s/recado.ini.of-the-backup", r->keep)) == 0
			       ? RC_OK
			       : RC_IO;
	}
	text = ini_put_back(cx->arena, cx->env->settings, read_text(cx, path),
			    read_text(cx, cx->env->config_path),
			    &(struct ini_back){ r->out->to_enter, r->out->kept_settings });
	rc = write_text(path, text);
	if (rc != RC_OK)
		return cx_fail(cx, RC_IO, _("The file %s could not be written: %s."), path,
			       words_errno(cx->lang, errno));
	if (settings_load(&probe, tables, path, cx->arena, cx->lang, &why) != RC_OK) {
		r->out->config_why = why;
		r->out->kept_settings = value_list(cx->arena); /* they all stayed */
		if (rename(path, arena_printf(cx->arena, "%s/recado.ini.of-the-backup", r->keep)) != 0)
			rc = RC_IO;
	}
	settings_free(probe);
	return rc;
}

/* All of it */

static enum rc unpack_with(struct restoring *r, const char *passphrase, struct gentle *g)
{
	remove_tree(r->aside);
	return backup_unpack(r->cx, &r->what,
			     &(struct unpack_order){ .path = r->o->path,
						     .aside = r->aside,
						     .passphrase = passphrase,
						     .with_files = true,
						     .gentle = g });
}

static enum rc unpack(struct restoring *r)
{
	struct cx *cx = r->cx;
	const char *passphrase = r->o->passphrase;
	struct gentle g;
	bool is_own = false;
	enum rc rc;
	int fd = open(r->o->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is_sealed = fd >= 0 && archive_is_sealed(fd);

	if (fd >= 0) close(fd);
	gentle_init(&g, &cx->env->is_stopping);
	g.is_hurried = true; /* the server is stopped: nobody else works here */
	if (passphrase == NULL && is_sealed) {
		passphrase = setting_text(cx->env->settings, "backup.passphrase");
		is_own = passphrase[0] != '\0';
		if (!is_own) passphrase = ask(r, _("Passphrase of the backup:"));
	}
	rc = unpack_with(r, passphrase, &g);
	/* Sealed before the passphrase in the settings was changed: only a person knows the older one. */
	if (rc == RC_DENIED && is_own && (passphrase = ask(r, _("Passphrase of the backup:"))) != NULL)
		rc = unpack_with(r, passphrase, &g);
	return rc;
}

static enum rc put_in_place(struct restoring *r)
{
	struct cx *cx = r->cx;
	const char *stored = arena_printf(cx->arena, "%s/files", r->dir);
	enum rc rc = bring_files(cx, stored, arena_printf(cx->arena, "%s/files", r->keep));

	if (rc == RC_OK) rc = bring_files(cx, arena_printf(cx->arena, "%s/files", r->aside), stored);
	if (rc != RC_OK)
		return cx_fail(
			cx, rc,
			_("The stored files could not be put back into %s: %s. Nothing else was changed."),
			stored, words_errno(cx->lang, errno));
	rc = journal_run(r->dir, strrchr(r->keep, '/') + 1, cx_now(cx), true);
	if (rc == RC_OK) return rc;
	if (restore_is_pending(r->dir))
		return cx_fail(
			cx, rc,
			_("The restore in %s could not be ended (%s). Mend that; the next start ends it."),
			r->dir, words_errno(cx->lang, errno));
	return cx_fail(cx, rc, _("The file %s could not be written: %s."), RESTORE_INTENT,
		       words_errno(cx->lang, errno));
}

enum rc backup_restore(struct cx *cx, struct restored *out, const struct restore_order *order)
{
	struct restoring r = { .cx = cx, .o = order, .out = out, .dir = cx->env->dir };
	bool is_kept = false; /* the folder of what was there is ours, not an earlier restore's */
	enum rc rc;

	*out = (struct restored){ .config_why = "", .keep = "" };
	out->to_enter = value_list(cx->arena);
	out->kept_settings = value_list(cx->arena);
	r.aside = arena_printf(cx->arena, "%s/" RESTORE_ASIDE, r.dir);
	r.keep = arena_printf(cx->arena, "%s/before-restore-%lld", r.dir, (long long)cx_now(cx));
	rc = unpack(&r);
	if (rc != RC_OK) return rc;
	is_kept = mkdir(r.keep, 0700) == 0;
	if (!is_kept)
		rc = cx_fail(cx, RC_IO, _("The folder %s could not be made: %s."), r.keep,
			     words_errno(cx->lang, errno));
	if (rc == RC_OK) rc = settle_key(&r);
	if (rc == RC_OK) rc = settle_config(&r);
	if (rc == RC_OK && arena_failed(cx->arena)) rc = RC_NO_MEMORY; /* then no text of ours is whole */
	if (rc == RC_OK) rc = put_in_place(&r);
	if (rc != RC_OK) {
		if (!restore_is_pending(r.dir)) {
			remove_tree(r.aside);
			if (is_kept) remove_tree(r.keep);
		}
		return rc;
	}
	out->keep = r.keep;
	out->made_at = r.what.head.made_at;
	out->schema = r.what.head.schema;
	log_event(LOG_WARN, "app", "backup.restored", "from=%s",
		  log_quote((char[LOG_QUOTE_SIZE]){ 0 }, order->path));
	return RC_OK;
}
