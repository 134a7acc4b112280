/*
** settings_file.c -- the INI file's bytes: read it, change one line of it.
**
** Owns:   the file while it is rewritten, FILE.new beside it, and a lock on their folder.
** Needs:  settings.c for the rows, settings_draft.c to check what it is about to write.
** Never:  writes into the file itself; touches a line it was not asked about.
** Holds:  (1) at every moment the file is the old or the new one, whole (written aside, synced, renamed);
**         (2) owner, group and mode stay; (3) what is published would load.
*/
#include "base/settings_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reading */

enum rc settings_read_file(const char *path, size_t max, char **out, size_t *len, struct arena *a)
{
	/* O_NONBLOCK: a FIFO must not hold the start up; regular files do not care. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	size_t have = 0, room;
	enum rc rc = RC_IO;
	char *p;

	if (fd < 0) return errno == ENOENT ? RC_NOT_FOUND : RC_IO;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) goto out;
	rc = RC_TOO_LARGE;
	if (st.st_size > (off_t)max) goto out;
	room = (size_t)st.st_size;
	rc = RC_NO_MEMORY;
	if (!(p = arena_alloc(a, room + 1))) goto out;
	rc = RC_OK;
	while (have < room) {
		ssize_t n = read(fd, p + have, room - have);

		if (n < 0 && errno == EINTR) continue;
		if (n < 0) rc = RC_IO;
		if (n <= 0) break;
		have += (size_t)n;
	}
	p[have] = '\0';
	*out = p;
	*len = have;
out:
	close(fd);
	return rc;
}

const char *settings_folder(const char *path, struct arena *a)
{
	const char *slash = strrchr(path, '/');

	if (!slash) return ".";
	return slash == path ? "/" : arena_bytes(a, path, (size_t)(slash - path));
}

/* Where a line goes */

static const char blanks[] = " \t\v\f\r"; /* what inih skips inside a line */

struct span {
	size_t from, to; /* bytes of the text; to is behind the line feed */
};

struct found {
	bool is_set, is_commented, has_section;
	struct span line;     /* of the key, when is_set                                    */
	size_t value;         /* where its value begins                                     */
	size_t after_comment; /* behind ";key = …" of the right section, when is_commented  */
	const char *key;      /* as it is written there: [a.b] c and [a] b.c are the same name */
	size_t after_section; /* behind the last line of the section that is not blank      */
};

static size_t skip_blanks(const char *text, size_t i, size_t end)
{
	while (i < end && text[i] && strchr(blanks, text[i]))
		i++;
	return i;
}

static size_t trim_end(const char *text, size_t from, size_t end)
{
	while (end > from && text[end - 1] && (text[end - 1] == '\n' || strchr(blanks, text[end - 1])))
		end--;
	return end;
}

/* Does text[from,to) hold "key = …" with this key? *value: behind the sign and its blanks. */
static bool is_key(const char *text, size_t from, size_t to, const char *key, size_t *value)
{
	size_t n = strlen(key), i;

	if (to - from < n || strncmp(text + from, key, n) != 0) return false;
	i = skip_blanks(text, from + n, to);
	if (i == to || (text[i] != '=' && text[i] != ':')) return false;
	*value = skip_blanks(text, i + 1, to);
	return true;
}

static void find_line(struct found *f, const char *text, size_t len, const char *name, struct arena *a)
{
	const char *dot = strchr(name, '.');
	const char *wanted = arena_bytes(a, name, dot ? (size_t)(dot - name) : 0);
	const char *section = "", *key = NULL;
	size_t i, end;

	memset(f, 0, sizeof(*f));
	for (i = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; i < len; i = end) {
		const char *feed = memchr(text + i, '\n', len - i);
		size_t start = skip_blanks(text, i, len), stop, n;

		end = feed ? (size_t)(feed - text) + 1 : len;
		stop = trim_end(text, i, end);
		if (start >= stop) continue;
		if (text[start] == '[') {
			const char *close = memchr(text + start, ']', stop - start);

			section = close ? arena_bytes(a, text + start + 1, (size_t)(close - text) - start - 1)
					: "";
			n = strlen(section);
			key = strncmp(name, section, n) == 0 && name[n] == '.' ? name + n + 1 : NULL;
		} else if (key && is_key(text, start, stop, key, &n)) {
			f->is_set = true;
			f->line = (struct span){ i, end };
			f->value = n;
			return;
		} else if (key && (text[start] == ';' || text[start] == '#') &&
			   is_key(text, skip_blanks(text, start + 1, stop), stop, key, &n)) {
			f->is_commented = true;
			f->after_comment = end;
			f->key = key;
		}
		if (strcmp(section, wanted) == 0) {
			f->has_section = true;
			f->after_section = end;
		}
	}
}

/* The new text: one line changed, added or removed. */
static void edit(struct sb *sb, const char *text, size_t len, const char *name, const char *value,
		 struct arena *a)
{
	const char *first_feed = memchr(text, '\n', len);
	const char *feed = first_feed && first_feed > text && first_feed[-1] == '\r' ? "\r\n" : "\n";
	const char *key = strchr(name, '.') ? strchr(name, '.') + 1 : name;
	struct found f;
	size_t at;

	find_line(&f, text, len, name, a);
	if (f.is_set) {
		size_t stop = trim_end(text, f.line.from, f.line.to);

		sb_bytes(sb, text, value ? f.value : f.line.from);
		if (value) {
			if (f.value >= stop) /* "key =" without a value so far */
				sb_char(sb, ' ');
			sb_text(sb, value);
			sb_bytes(sb, text + (stop < f.value ? f.value : stop),
				 f.line.to - (stop < f.value ? f.value : stop));
		}
		sb_bytes(sb, text + f.line.to, len - f.line.to);
		return;
	}
	if (!value) {
		sb_bytes(sb, text, len);
		return;
	}
	at = f.is_commented ? f.after_comment : f.has_section ? f.after_section : len;
	sb_bytes(sb, text, at);
	if (at > 0 && text[at - 1] != '\n') sb_text(sb, feed);
	if (!f.is_commented && !f.has_section) {
		if (at > 0) sb_text(sb, feed);
		sb_printf(sb, "[%.*s]%s", (int)(key - name - 1), name, feed);
	}
	sb_printf(sb, "%s = %s%s", f.is_commented ? f.key : key, value, feed);
	sb_bytes(sb, text + at, len - at);
}

enum rc settings_edit(const char **out, size_t *out_len, const char *text, size_t len, const char *name,
		      const char *value, struct arena *a)
{
	struct sb sb;
	enum rc rc;

	sb_init_arena(&sb, a, SETTINGS_FILE_MAX);
	edit(&sb, text, len, name, value, a);
	if ((rc = sb_result(&sb)) == RC_OK) {
		*out = sb_text_of(&sb);
		*out_len = sb.len;
	}
	return rc;
}

/* Publishing */

static enum rc write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return RC_IO;
		p += n;
		len -= (size_t)n;
	}
	return RC_OK;
}

/* Owner and mode of the old file; a new one belongs to whoever owns the folder, for the server must read it.
 */
static enum rc keep_owner(int fd, int folder, const char *path)
{
	struct stat now, old;
	mode_t mode = 0600;

	if (fstat(fd, &now) != 0) return RC_IO;
	if (stat(path, &old) == 0)
		mode = old.st_mode & 07777;
	else if (fstat(folder, &old) != 0 || geteuid() != 0)
		old = now;
	if ((old.st_uid != now.st_uid || old.st_gid != now.st_gid) && fchown(fd, old.st_uid, old.st_gid) != 0)
		return RC_DENIED;
	return fchmod(fd, mode) == 0 ? RC_OK : RC_IO;
}

static enum rc publish(int folder, const char *path, const char *text, size_t len, struct arena *a)
{
	const char *aside = arena_printf(a, "%s.new", path);
	enum rc rc;
	int fd;

	if (arena_failed(a)) return RC_NO_MEMORY;
	unlink(aside); /* of an attempt that a power cut ended; the folder's lock is ours */
	if ((fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		return errno == EACCES || errno == EPERM || errno == EROFS ? RC_DENIED : RC_IO;
	rc = keep_owner(fd, folder, path);
	if (rc == RC_OK) rc = write_all(fd, text, len);
	if (rc == RC_OK && fsync(fd) != 0) rc = RC_IO;
	if (close(fd) != 0 && rc == RC_OK) rc = RC_IO;
	if (rc == RC_OK && rename(aside, path) != 0) rc = RC_IO;
	if (rc != RC_OK)
		unlink(aside);
	else if (fsync(folder) != 0)
		rc = RC_IO;
	return rc;
}

/* Setting */

/* The value as it will stand in the file, or a sentence why not. */
static enum rc check_value(const struct settings *s, const char *name, const char **value, struct arena *a,
			   enum lang lang, const char **why)
{
	const struct setting *row = settings_find(s, name);
	const char *half = "", *path = settings_path(s);
	struct setting_value v;
	size_t count, skip;
	enum rc rc;

	if (!row) {
		const struct setting *const *rows = settings_all(s, &count);

		*why = settings_unknown(rows, count, name, a, lang);
		return RC_BAD_INPUT;
	}
	if (!path) {
		*why = words_get(lang, N_("there is no settings file to write to."));
		return RC_NOT_FOUND;
	}
	if (!*value) return RC_OK;
	skip = strspn(*value, blanks); /* as the reader does */
	*value = arena_bytes(a, *value + skip, trim_end(*value, skip, strlen(*value)) - skip);
	rc = setting_read(&v, row, *value, settings_folder(path, a), a, lang, &half);
	if (rc == RC_BAD_INPUT) *why = arena_printf(a, words_get(lang, N_("“%s” %s.")), name, half);
	return rc;
}

static enum rc rewrite(const struct settings *s, int folder, const char *path, const char *name,
		       const char *value, struct arena *a, enum lang lang, const char **why)
{
	size_t len = 0, edited_len, count;
	const struct setting *const *rows = settings_all(s, &count);
	struct draft_value *draft = arena_array(a, count, sizeof(*draft));
	const char *edited;
	char *text = "";
	enum rc rc = settings_read_file(path, SETTINGS_FILE_MAX, &text, &len, a);

	if (!draft) return RC_NO_MEMORY;
	if (rc != RC_OK && rc != RC_NOT_FOUND) return rc;
	rc = settings_edit(&edited, &edited_len, text, len, name, value, a);
	/* A file that does not load stays as the person left it: they are told what is wrong with it. */
	if (rc == RC_OK)
		rc = settings_check_text(draft, rows, count, settings_path(s), edited, edited_len, a, lang,
					 why);
	if (rc == RC_OK && (edited_len != len || memcmp(edited, text, len) != 0))
		rc = publish(folder, path, edited, edited_len, a);
	return rc;
}

enum rc settings_set(const struct settings *s, const char *name, const char *value, struct arena *a,
		     enum lang lang, const char **why)
{
	char real[PATH_MAX];
	const char *path;
	enum rc rc;
	int folder;

	*why = "";
	if ((rc = check_value(s, name, &value, a, lang, why)) != RC_OK) return rc;
	/* Through a link the file it points to is rewritten, and the link stays. */
	path = realpath(settings_path(s), real) ? real : settings_path(s);
	if ((folder = open(settings_folder(path, a), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		rc = RC_IO;
	} else {
		/* The panel and the command line may both be at it. */
		rc = flock(folder, LOCK_EX) == 0 ? rewrite(s, folder, path, name, value, a, lang, why)
						 : RC_IO;
		close(folder);
	}
	if (rc != RC_OK && !**why)
		*why = arena_printf(
			a,
			words_get(lang,
				  N_("%s cannot be written. Check the folder's owner, its rights and the "
				     "free space.")),
			settings_path(s));
	return rc;
}
