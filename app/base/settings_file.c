/*
** settings_file.c -- the INI file's bytes: read them, and the same text with one line changed.
**
** Owns:   nothing; the result lies in the caller's arena.
** Never:  writes a file (settings_set.c) or judges a value (settings_check.c).
** Holds:  a line that was not asked about stays byte for byte.
*/
#include "base/settings_inside.h"
#include "base/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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

void settings_mark(char out[SETTINGS_SEEN_SIZE], const char *text, size_t len)
{
	char sum[SHA256_HEX_SIZE];

	sha256_hex(sum, text, len);
	memcpy(out, sum, SETTINGS_SEEN_SIZE - 1);
	out[SETTINGS_SEEN_SIZE - 1] = '\0';
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
