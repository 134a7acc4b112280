/*
** backup.c -- makes an archive of the state: snapshot, settings, files, manifest, proof, row.
**
** Owns:   what it writes under tmp/ of the state folder, names backup-PID….
** Needs:  db.h for the snapshot, archive.h for the bytes, manifest.h for what they say of themselves.
** Never:  takes the write lane but for the row; puts last_seen into an archive: an older copy must be known
**         as older.
** Holds:  (1) an archive gets its name when it is whole and synced; (2) it is called proved only after it was
**         unpacked aside and compared; (3) the sealing key and the values of secrets leave only under a
**         passphrase; (4) whatever way it ends, a row says so.
*/
#include "ops/backup.h"
#include "files/files.h"
#include "ops/archive.h"
#include "ops/backup_ini.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_PART  ((size_t)2 * MANIFEST_TEXT_MAX)
#define AFTER_SNAPSHOT 20 /* percent of the work */
#define AFTER_CONTENT  35
#define AFTER_ARCHIVE  60

struct making {
	struct cx *cx;
	const struct backup_order *o;
	const char *passphrase, *snapshot, *reports; /* reports NULL: there are none */
	const char *folder, *path;
	struct gentle g;
	struct backup_head head;
	struct manifest m;
	struct archive *a;
	struct tmpfile_at file;
	struct backup_made *out;
	char sum[SHA256_HEX_SIZE];
	instant began;
	bool is_written, is_damaged; /* the archive has its name; and lost it again */
};

static void tell(const struct backup_listener *l, int percent)
{
	if (l->tell != NULL) l->tell(l->arg, percent);
}

static enum rc disk_failed(struct making *b, enum rc rc)
{
	struct cx *cx = b->cx;

	if (rc == RC_TRY_LATER || rc == RC_OK) return rc;
	if (rc == RC_TOO_LARGE)
		return cx_fail(cx, rc, "%s",
			       _("Something in the backup is larger than 8 GB, its format's limit."));
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return cx_fail(cx, rc,
			       _("The disk of %s is full: there is no backup. Make room and try again."),
			       b->folder);
	return cx_fail(cx, rc, _("The file %s could not be written: %s."), b->path,
		       words_errno(cx->lang, errno));
}

/* Room */

static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

static enum rc stored_bytes(struct cx *cx, int64_t *out)
{
	return db_get_int(cx, out,
			  "SELECT coalesce(sum(size), 0) FROM"
			  " (SELECT max(size) AS size FROM file WHERE archived_at IS NULL GROUP BY sha256)",
			  NO_PARAMS);
}

static enum rc ask_room(struct making *b)
{
	struct cx *cx = b->cx;
	const char *dir = cx->env->dir;
	int64_t files = 0, need, room;
	struct stat here, there;
	bool is_same = stat(dir, &here) == 0 && stat(b->folder, &there) == 0 && here.st_dev == there.st_dev;
	enum rc rc = stored_bytes(cx, &files);

	if (rc != RC_OK) return rc;
	need = size_of(arena_printf(cx->arena, "%s/" DB_FILE, dir)) +
	       size_of(arena_printf(cx->arena, "%s/" DB_FILE "-wal", dir)) +
	       size_of(arena_printf(cx->arena, "%s/" MEMBER_REPORTS, dir)) + files;
	if (is_same || b->o->no_prove) need = need / 10 * BACKUP_ROOM_X10;
	for (int i = 0; i < 2; i++) {
		const char *where = i == 0 ? dir : b->folder;

		room = room_at(where);
		if (room >= 0 && room < need)
			return cx_fail(
				cx, RC_IO,
				_("The backup needs %lld MB free in %s, there are %lld MB. Make room and try again."),
				(long long)(need / 1000000 + 1), where, (long long)(room / 1000000));
	}
	return RC_OK;
}

/* Members */

static enum rc add_file(struct making *b, const char *name, const char *path)
{
	struct backup_member *m = &b->m.members[b->m.count];
	struct cx *cx = b->cx;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum rc rc = RC_OK;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = cx_fail(cx, RC_IO, _("The backup could not take %s: %s."), name,
			     words_errno(cx->lang, errno));
	if (rc == RC_OK) {
		*m = (struct backup_member){ .name = name, .size = (int64_t)st.st_size };
		rc = disk_failed(b, archive_add(b->a, name, fd, m->size, b->head.made_at, m->sum));
		b->m.count++;
	}
	if (fd >= 0) close(fd);
	return rc;
}

static enum rc add_text(struct making *b, const char *name, const char *text, size_t len)
{
	struct backup_member *m = &b->m.members[b->m.count++];

	*m = (struct backup_member){ .name = name, .size = (int64_t)len };
	return disk_failed(b, archive_add_text(b->a, name, text, len, b->head.made_at, m->sum));
}

static enum rc add_config(struct making *b)
{
	struct cx *cx = b->cx;
	char *text = NULL;
	int fd = open(cx->env->config_path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0 && errno == ENOENT) return RC_OK;
	text = arena_alloc(cx->arena, SETTINGS_FILE_MAX + 1);
	if (text == NULL) {
		if (fd >= 0) close(fd);
		return RC_NO_MEMORY;
	}
	while (fd >= 0 && len < SETTINGS_FILE_MAX && (n = read(fd, text + len, SETTINGS_FILE_MAX - len)) > 0)
		len += (size_t)n;
	if (fd < 0)
		return cx_fail(cx, RC_IO, _("The backup could not take %s: %s."), CONFIG_FILE,
			       words_errno(cx->lang, errno));
	close(fd);
	if (b->passphrase[0] == '\0') {
		const char *rest =
			ini_without_secrets(cx->arena, cx->env->settings, text, len, b->m.left_out);

		return add_text(b, CONFIG_FILE, rest, strlen(rest));
	}
	return add_text(b, CONFIG_FILE, text, len);
}

/* A stored file whose bytes are gone must not keep the rest from being saved. */
static void note_lost(struct making *b, const char *sum)
{
	if (b->m.files.lost++ < LOST_MAX) value_add_text(b->cx->arena, b->m.lost, sum);
	log_event(LOG_ERROR, "app", "backup.file_lost", "sha256=%s", sum);
}

static enum rc add_stored(struct making *b, struct sha256_stream *sum, const char *name)
{
	struct cx *cx = b->cx;
	char member[TAR_NAME_MAX + 1], path[4200], is[SHA256_HEX_SIZE];
	struct stat st;
	int fd;
	enum rc rc;

	snprintf(member, sizeof(member), "files/%.2s/%s", name, name);
	snprintf(path, sizeof(path), "%s/%s", b->cx->env->dir, member);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0) close(fd);
		note_lost(b, name);
		return RC_OK;
	}
	rc = disk_failed(b, archive_add(b->a, member, fd, (int64_t)st.st_size, b->head.made_at, is));
	close(fd);
	if (rc == RC_OK && strcmp(is, name) != 0)
		rc = cx_fail(
			cx, RC_IO,
			_("The stored file %s was changed on the disk: it is not what it was when it came."),
			member);
	if (rc != RC_OK) return rc;
	b->m.files.count++;
	b->m.files.bytes += (int64_t)st.st_size;
	sha256_add(sum, name, strlen(name));
	sha256_add(sum, "\n", 1);
	return RC_OK;
}

/* The stored files as the snapshot names them: what no row names is not part of the backup. */
static enum rc add_files(struct making *b)
{
	struct cx *cx = b->cx;
	struct db *copy = NULL, *own = cx->db;
	struct sha256_stream *sum = sha256_open();
	struct query *q = NULL;
	enum rc rc = sum != NULL ? db_open_path(&copy, b->snapshot, true) : RC_NO_MEMORY;

	cx->db = copy;
	if (rc == RC_OK)
		rc = db_query(cx, &q,
			      "SELECT DISTINCT sha256 FROM file WHERE archived_at IS NULL ORDER BY sha256",
			      NO_PARAMS);
	while (rc == RC_OK && query_next(q))
		rc = add_stored(b, sum, query_text(q, 0));
	rc = query_end(q, rc);
	db_close(copy);
	cx->db = own;
	if (sum != NULL) sha256_close(sum, b->m.files.sum);
	return rc;
}

static enum rc add_manifest(struct making *b)
{
	struct cx *cx = b->cx;
	char sum[SHA256_HEX_SIZE];
	struct sb text;
	enum rc rc;

	sb_init_arena(&text, cx->arena, MANIFEST_PART);
	manifest_write(&text, cx->arena, &b->m);
	rc = sb_result(&text);
	if (rc == RC_OK)
		rc = disk_failed(
			b, archive_add_text(b->a, MEMBER_MANIFEST, text.p, text.len, b->head.made_at, sum));
	if (rc == RC_OK)
		rc = disk_failed(b,
				 archive_add_text(b->a, MEMBER_SUM, sum, strlen(sum), b->head.made_at, NULL));
	return rc;
}

static enum rc add_head(struct making *b)
{
	struct sb text;
	enum rc rc;

	sb_init_arena(&text, b->cx->arena, HEAD_TEXT_MAX);
	head_write(&text, b->cx->arena, &b->head);
	rc = sb_result(&text);
	return rc == RC_OK ? add_text(b, MEMBER_HEAD, text.p, text.len) : rc;
}

/* Steps */

static enum rc take_snapshots(struct making *b)
{
	struct cx *cx = b->cx;
	const char *reports = arena_printf(cx->arena, "%s/" MEMBER_REPORTS, cx->env->dir);
	enum rc rc = db_snapshot_of(cx, store_path(cx->env->store), b->snapshot, &b->g);

	b->head.made_at = cx_now(cx);
	if (rc == RC_OK && access(reports, F_OK) == 0) {
		b->reports =
			arena_printf(cx->arena, "%s/tmp/backup-%ld-reports.db", cx->env->dir, (long)getpid());
		rc = db_snapshot_of(cx, reports, b->reports, &b->g);
	}
	if (rc != RC_OK) return rc;
	tell(&b->o->listener, AFTER_SNAPSHOT);
	rc = db_content(cx, &b->m.database, b->snapshot, &b->g);
	if (rc == RC_OK && b->reports != NULL) rc = db_content(cx, &b->m.reports, b->reports, &b->g);
	tell(&b->o->listener, AFTER_CONTENT);
	return rc;
}

static enum rc fill_head(struct making *b)
{
	struct cx *cx = b->cx;
	char key_id[SEAL_KEY_ID_SIZE] = "";
	int64_t files = 0;
	enum rc rc = stored_bytes(cx, &files);

	seal_key_id(cx->env->key, key_id);
	b->head.format = BACKUP_FORMAT;
	b->head.version = RECADO_VERSION;
	b->head.schema = b->m.database.schema;
	b->head.business = setting_text(cx->env->settings, "business.name");
	b->head.key_id = arena_text(cx->arena, key_id);
	b->head.is_sealed = b->passphrase[0] != '\0';
	/* More may come in while it is made: a bound, not a count. */
	b->head.total = size_of(b->snapshot) + (b->reports != NULL ? size_of(b->reports) : 0) + files +
			files / 10 + (int64_t)4 * SETTINGS_FILE_MAX;
	return rc;
}

static enum rc write_archive(struct making *b)
{
	struct cx *cx = b->cx;
	enum rc rc = tmpfile_open(&b->file, b->folder);

	if (rc != RC_OK) return disk_failed(b, RC_IO);
	rc = disk_failed(b, archive_new(&b->a, b->file.fd, b->passphrase, &b->g));
	if (rc == RC_OK) rc = add_head(b);
	if (rc == RC_OK) rc = add_file(b, DB_FILE, b->snapshot);
	if (rc == RC_OK && b->reports != NULL) rc = add_file(b, MEMBER_REPORTS, b->reports);
	if (rc == RC_OK) rc = add_config(b);
	if (rc == RC_OK && b->head.is_sealed)
		rc = add_file(b, MEMBER_KEY, arena_printf(cx->arena, "%s/key", cx->env->dir));
	if (rc == RC_OK) rc = add_files(b);
	if (rc == RC_OK) rc = add_manifest(b);
	if (rc == RC_OK) rc = disk_failed(b, archive_end(b->a));
	if (rc == RC_OK) archive_sum(b->a, b->sum, &b->out->size);
	if (rc == RC_OK) rc = disk_failed(b, tmpfile_publish(&b->file, b->path));
	if (b->file.fd >= 0) gentle_forget(b->file.fd, 0, 0);
	archive_free(b->a);
	b->a = NULL;
	tmpfile_discard(&b->file);
	b->is_written = rc == RC_OK;
	tell(&b->o->listener, AFTER_ARCHIVE);
	return rc;
}

/* The proof is the rest of the work. */
static void tell_proof(void *arg, int percent)
{
	const struct making *b = arg;

	tell(&b->o->listener, AFTER_ARCHIVE + percent * (100 - AFTER_ARCHIVE) / 100);
}

static bool stop_proof(void *arg)
{
	const struct backup_listener *l = &((const struct making *)arg)->o->listener;

	return l->should_stop != NULL && l->should_stop(l->arg);
}

/* An archive that is not what it should be loses its name: nobody shall trust it. */
static enum rc prove(struct making *b)
{
	struct backup_listener l = { .tell = tell_proof, .should_stop = stop_proof, .arg = b };
	struct unpacked proof;
	const char *damaged = arena_printf(b->cx->arena, "%s.damaged", b->path);
	enum rc rc = backup_prove(b->cx, &proof, b->path, b->passphrase, &l);

	if (rc == RC_OK) b->out->proved_at = cx_now(b->cx);
	if ((rc == RC_BAD_INPUT || rc == RC_CONFLICT || rc == RC_DENIED) && rename(b->path, damaged) == 0) {
		b->path = damaged;
		b->is_damaged = true;
	}
	return rc;
}

/* The row */

static enum rc write_row(struct making *b, const char *state, const char *error)
{
	struct cx *cx = b->cx;
	char public_id[PUBLIC_ID_SIZE];
	const char *name = strrchr(b->path, '/') + 1;
	enum rc rc;

	public_id_new(public_id);
	rc = tx_begin(cx);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO backup (public_id, name, folder, origin, state, error, size, sha256, is_sealed,"
			" version, started_at, finished_at, proved_at, search) VALUES (:public_id, :name, :folder,"
			" :origin, :state, :error, :size, :sum, :sealed, :schema, :began, :now, :proved, :search)",
			PARAMS(P_TEXT(":public_id", public_id), P_TEXT(":name", name),
			       P_TEXT(":folder", b->folder), P_TEXT(":origin", b->o->origin),
			       P_TEXT(":state", state), P_TEXT(":error", error), P_INT(":size", b->out->size),
			       P_TEXT(":sum", b->sum), P_INT(":sealed", b->passphrase[0] != '\0'),
			       P_INT(":schema", b->head.schema), P_INT(":began", b->began),
			       P_INT(":now", cx_now(cx)), P_REF(":proved", b->out->proved_at),
			       P_TEXT(":search", name)));
	if (rc == RC_OK) b->out->id = db_last_id(cx);
	return tx_end(cx, rc);
}

static const char *lost_sentence(struct making *b)
{
	if (b->m.files.lost == 0) return "";
	return arena_printf(b->cx->arena,
			    words_get(b->cx->env->lang,
				      N_("%lld stored files were missing on the disk and are not in it.")),
			    (long long)b->m.files.lost);
}

static void note_end(struct making *b, enum rc made)
{
	struct cx *cx = b->cx;
	const char *said = cx->message;
	enum rc rc;

	if (made == RC_OK)
		rc = write_row(b, b->out->proved_at != 0 ? "proved" : "made", lost_sentence(b));
	else /* whole, but the proof could not be ended: it may be good */
		rc = write_row(b, b->is_written && !b->is_damaged ? "made" : "failed", cx_sentence(cx, made));
	if (rc != RC_OK) log_event(LOG_ERROR, "app", "backup.no_row", "rc=%s", rc_row(rc)->name);
	cx->message = said; /* of the backup, not of the row */
	log_event(made == RC_OK ? LOG_INFO : LOG_ERROR, "app",
		  made == RC_OK ? "backup.made" : "backup.failed",
		  "path=%s bytes=%lld proved=%d lost=%lld took_ms=%lld",
		  log_quote((char[LOG_QUOTE_SIZE]){ 0 }, b->path), (long long)b->out->size,
		  b->out->proved_at != 0, (long long)b->m.files.lost, (long long)(cx_now(cx) - b->began));
}

static enum rc set_names(struct making *b)
{
	struct cx *cx = b->cx;
	const char *path = b->o->path;
	char *folder;

	if (path == NULL || path[0] == '\0') {
		b->folder = backup_folder(cx);
		b->path = arena_printf(cx->arena, "%s/%s", b->folder,
				       backup_name_new(cx, b->passphrase[0] != '\0'));
		return RC_OK;
	}
	if (strchr(path, '/') == NULL) path = arena_printf(cx->arena, "./%s", path);
	folder = arena_text(cx->arena, path);
	if (strchr(folder, '/') == NULL) return RC_NO_MEMORY;
	*strrchr(folder, '/') = '\0';
	b->folder = folder[0] != '\0' ? folder : "/";
	b->path = path;
	if (strrchr(path, '/')[1] == '\0')
		return cx_fail(cx, RC_BAD_INPUT, _("%s is a folder; name the file, too."), path);
	return RC_OK;
}

enum rc backup_make(struct cx *cx, struct backup_made *out, const struct backup_order *order)
{
	struct making *b = arena_alloc(cx->arena, sizeof(*b));
	enum rc rc;

	if (b == NULL) return RC_NO_MEMORY;
	if (tx_is_open(cx)) return RC_BUG;
	*out = (struct backup_made){ .path = "" };
	*b = (struct making){ .cx = cx, .o = order, .out = out, .file = TMPFILE_NONE, .began = cx_now(cx) };
	b->passphrase = setting_text(cx->env->settings, "backup.passphrase");
	b->snapshot = arena_printf(cx->arena, "%s/tmp/backup-%ld.db", cx->env->dir, (long)getpid());
	b->m.left_out = value_list(cx->arena);
	b->m.lost = value_list(cx->arena);
	gentle_init(&b->g, &cx->env->is_stopping);
	b->g.is_over = order->listener.should_stop;
	b->g.arg = order->listener.arg;
	rc = set_names(b);
	if (rc == RC_OK && arena_failed(cx->arena)) rc = RC_NO_MEMORY; /* then the names are not whole */
	if (rc != RC_OK) return rc;
	rc = ask_room(b);
	if (rc == RC_OK) rc = take_snapshots(b);
	if (rc == RC_OK) rc = fill_head(b);
	if (rc == RC_OK) rc = write_archive(b);
	(void)unlink(b->snapshot);
	if (b->reports != NULL) (void)unlink(b->reports);
	if (rc == RC_OK && !order->no_prove) rc = prove(b);
	if (rc != RC_OK && rc != RC_TRY_LATER)
		rc = cx_fail(cx, rc, _("The backup was not made; see the log."));
	if (rc != RC_TRY_LATER || b->is_written) note_end(b, rc);
	out->path = b->path;
	out->is_sealed = b->passphrase[0] != '\0';
	out->lost = b->m.files.lost;
	for (size_t i = 0; rc == RC_OK && out->proved_at != 0 && backup_hooks[i] != NULL; i++)
		backup_hooks[i](cx, out->id);
	return rc;
}
