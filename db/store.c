/*
** store.c -- the database file of the state folder: made, recognised, brought up to date, closed.
**
** Owns:   struct store.
** Needs:  an existing state folder; for the holder: that it really holds the folder's lock.
** Never:  opens for use a file that is not ours, or newer than this binary.
** Holds:  (1) the file is readable by its owner only;
**         (2) SQLite's temporary files lie in DIR/tmp;
**         (3) there is a checkpointer exactly in the process that holds the lock.
*/
#include "base/mem.h"
#include "db/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

/* sqlite3_temp_directory belongs to the process: the first store decides, the last one clears it. */
static pthread_mutex_t temp_lock = PTHREAD_MUTEX_INITIALIZER;
static int stores_open;

static void temp_open(const char *dir)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s/tmp", dir);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		log_event(LOG_WARN, "app", "db.no_tmp", "errno=%d", errno);
	pthread_mutex_lock(&temp_lock);
	if (stores_open++ == 0) sqlite3_temp_directory = sqlite3_mprintf("%s", path);
	pthread_mutex_unlock(&temp_lock);
}

static void temp_close(void)
{
	pthread_mutex_lock(&temp_lock);
	if (--stores_open == 0) {
		sqlite3_free(sqlite3_temp_directory);
		sqlite3_temp_directory = NULL;
	}
	pthread_mutex_unlock(&temp_lock);
}

void store_free(struct store *s)
{
	if (!s) return;
	temp_close();
	lane_free(&s->lane);
	mem_free(s->dir);
	mem_free(s->path);
	mem_free(s);
}

enum rc store_new(struct store **out, struct env *env, const char *path)
{
	struct store *s = mem_zeroed(sizeof *s);

	if (!s) return RC_NO_MEMORY;
	s->env = env;
	s->dir = mem_text(env->dir);
	s->path = mem_text(path);
	if (!s->dir || !s->path || lane_init(&s->lane) != RC_OK) {
		mem_free(s->dir);
		mem_free(s->path);
		mem_free(s);
		return RC_NO_MEMORY;
	}
	temp_open(s->dir);
	*out = s;
	return RC_OK;
}

/* What lies there: new, ours and current, or ours and older. Everything else is refused with its sentence. */
static enum rc recognise(struct store *s, struct db *db, struct arena *a, const char **message,
			 int64_t *version)
{
	int64_t id = 0, tables = 0;
	int known = db_version_known();
	enum rc rc = connect_int(db, &id, "PRAGMA application_id");

	if (rc == RC_OK) rc = connect_int(db, version, "PRAGMA user_version");
	if (rc == RC_OK) rc = connect_int(db, &tables, "SELECT count(*) FROM sqlite_schema");
	if (rc != RC_OK) return rc;
	if (id != DB_APPLICATION_ID && (id != 0 || *version != 0 || tables != 0)) {
		*message = arena_printf(a, words_get(s->env->lang, N_("%s is not a database of Recado.")),
					s->path);
		return RC_CONFLICT;
	}
	if (*version > known) {
		*message = arena_printf(
			a,
			words_get(s->env->lang,
				  N_("%s was written by a newer version of Recado (step %lld, this one knows "
				     "%d). Install that version first.")),
			s->path, (long long)*version, known);
		return RC_CONFLICT;
	}
	return RC_OK;
}

static enum rc use_wal(struct store *s, struct db *db, struct arena *a, const char **message)
{
	char mode[16] = "";
	enum rc rc;

	db->may_commit = true;
	rc = connect_text(db, mode, sizeof mode, "PRAGMA journal_mode=WAL");
	db->may_commit = false;
	if (rc == RC_OK && strcmp(mode, "wal") != 0) {
		*message = arena_printf(
			a,
			words_get(s->env->lang, N_("%s lies on a disk that does not suit a database (network "
						   "folders do not). Move the state folder.")),
			s->dir);
		return RC_IO;
	}
	return rc;
}

static enum rc prepare(struct store *s, struct db *db, struct arena *a, const char **message, bool is_holder)
{
	static struct migration
		list[MIGRATIONS_MAX]; /* only filled here, by the one thread that starts the process */
	size_t count = 0;
	int64_t version = 0;
	enum rc rc = migrations_embedded(list, &count);

	if (rc == RC_OK) rc = recognise(s, db, a, message, &version);
	if (rc == RC_OK && is_holder) rc = use_wal(s, db, a, message);
	if (rc != RC_OK) return rc;
	if (version == (int64_t)count) {
		migrations_compare(db, list, count);
		return RC_OK;
	}
	if (is_holder) return migrate_store(s, db, list, count, a, message);
	*message =
		words_get(s->env->lang,
			  N_("The database is of an older version. Start the server once, then try again."));
	return RC_CONFLICT;
}

static enum rc make_file(struct store *s, struct arena *a, const char **message, bool is_holder)
{
	int fd;

	if (access(s->path, F_OK) == 0) return RC_OK;
	if (!is_holder) {
		*message = arena_printf(
			a,
			words_get(s->env->lang, N_("There is no database in %s yet. Start the server once.")),
			s->dir);
		return RC_CONFLICT;
	}
	fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		*message =
			arena_printf(a, words_get(s->env->lang, N_("The database cannot be made in %s: %s")),
				     s->dir, words_errno(s->env->lang, errno));
		return RC_IO;
	}
	close(fd);
	return RC_OK;
}

enum rc store_open(struct store **out, struct env *env, struct arena *a, const char **message, bool is_holder)
{
	struct store *s = NULL;
	struct db *db = NULL;
	enum rc rc;

	*message = "";
	rc = store_new(&s, env, arena_printf(a, "%s/" DB_FILE, env->dir));
	if (rc != RC_OK) return rc;
	s->is_replicated = env->settings != NULL &&
			   strcmp(setting_text(env->settings, "database.replication"), "litestream") == 0;
	rc = make_file(s, a, message, is_holder);
	if (rc == RC_OK) rc = connect_open(&db, s, s->path, CONNECT_WRITE);
	if (rc == RC_OK) rc = prepare(s, db, a, message, is_holder);
	if (rc == RC_OK && is_holder) rc = checkpointer_start(s);
	db_close(db);
	if (rc == RC_OK) {
		*out = s;
		return RC_OK;
	}
	if ((*message)[0] == '\0' && rc == RC_IO)
		*message = arena_printf(
			a,
			words_get(env->lang, N_("%s cannot be read: it is damaged or not a database. "
						"Restore a backup.")),
			s->path);
	if ((*message)[0] == '\0')
		*message = arena_printf(a, words_get(env->lang, N_("The database %s cannot be opened now.")),
					s->path);
	store_free(s);
	return rc;
}

void store_close(struct store *s)
{
	int left;

	if (!s) return;
	checkpointer_stop(s);
	left = atomic_load(&s->connections);
	if (left != 0) {
		/* Whoever still has one would write into freed memory; the process ends anyway. */
		log_event(LOG_ERROR, "app", "db.bug", "what=\"store closed with connections open\" count=%d",
			  left);
		return;
	}
	store_free(s);
}

const char *store_path(const struct store *s)
{
	return s->path;
}

void store_figures(const struct store *s, struct store_figures *out)
{
	char wal[PATH_SIZE];
	struct stat st;

	snprintf(wal, sizeof wal, "%s-wal", s->path);
	*out = (struct store_figures){
		.wal_bytes = stat(wal, &st) == 0 ? (int64_t)st.st_size : 0,
		.commits = atomic_load(&s->commits),
		.lane_waits = atomic_load(&s->lane_waits),
		.longest_write_ms = atomic_load(&s->longest_write_ms),
		.checkpoints = atomic_load(&s->checkpoints),
	};
	out->file_bytes = stat(s->path, &st) == 0 ? (int64_t)st.st_size : 0;
}
