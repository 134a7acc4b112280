/*
** settings.c -- the values in force, and reading them.
**
** Owns:   struct settings: the rows, one current value for each, and all values there ever were.
** Needs:  the tables and their texts to live as long as the settings.
** Never:  changes a value that somebody may be reading: a reload hangs a new one in its place.
** Holds:  (1) each row has a value that was checked; (2) a text handed out lives until settings_free();
**         (3) a failed load or reload changes nothing; (4) an override wins over the file.
** Lock:   `lock` is held by reload and override; readers take none.
*/
#include "base/settings_inside.h"
#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN_SIZE 24 /* "file:2147483647" */

struct item {
	struct item *older; /* what stood here before: readers may still hold it */
	char *raw, *text;   /* behind the struct, in the same block              */
	int64_t number;
	bool is_override;
	char origin[ORIGIN_SIZE];
	size_t count;
	int64_t ints[];
};

struct place {
	const struct setting *row;
	_Atomic(struct item *) item; /* what the file or an override says now */
	struct item *first;          /* what it said at the start; never changes after settings_load() */
};

struct settings {
	pthread_mutex_t lock;
	size_t count;
	char *path;                    /* NULL: no file */
	char seen[SETTINGS_SEEN_SIZE]; /* of the text that was read last; under lock */
	struct arena *rows_arena;
	const struct setting **rows; /* table order                                     */
	struct place *places;        /* table order                                     */
	struct place **sorted;       /* by name                                         */
};

/* Items */

static struct item *item_new(const struct draft_value *v, bool is_override)
{
	size_t raw = strlen(v->value.raw) + 1, text = strlen(v->value.text) + 1;
	size_t ints = v->value.count * sizeof(v->value.ints[0]);
	struct item *item = mem_zeroed(sizeof(*item) + ints + raw + text);

	if (!item) return NULL;
	item->number = v->value.number;
	item->count = v->value.count;
	item->is_override = is_override;
	memcpy(item->ints, v->value.ints, ints);
	item->raw = (char *)item + sizeof(*item) + ints;
	item->text = item->raw + raw;
	memcpy(item->raw, v->value.raw, raw);
	memcpy(item->text, v->value.text, text);
	if (is_override)
		snprintf(item->origin, sizeof(item->origin), "override");
	else if (v->line == 0)
		snprintf(item->origin, sizeof(item->origin), "default");
	else if (v->value.is_env)
		snprintf(item->origin, sizeof(item->origin), "env");
	else
		snprintf(item->origin, sizeof(item->origin), "file:%d", v->line);
	return item;
}

static void items_free(struct item *item)
{
	struct item *older;

	for (; item; item = older) {
		older = item->older;
		mem_free(item);
	}
}

static void hang_in(struct place *p, struct item *item)
{
	item->older = atomic_load_explicit(&p->item, memory_order_relaxed);
	if (!item->older) p->first = item;
	atomic_store_explicit(&p->item, item, memory_order_release);
}

/* Loading */

static enum rc read_text(const struct settings *s, char **text, size_t *len, struct arena *a, enum lang lang,
			 const char **why)
{
	enum rc rc = s->path ? settings_read_file(s->path, SETTINGS_FILE_MAX, text, len, a) : RC_NOT_FOUND;

	if (rc == RC_NOT_FOUND) {
		*text = arena_text(a, "");
		*len = 0;
		return RC_OK;
	}
	if (rc == RC_TOO_LARGE)
		*why = arena_printf(
			a, words_get(lang, N_("%s is larger than %d kB: this is not a settings file.")),
			s->path, SETTINGS_FILE_MAX / 1024);
	else if (rc != RC_OK)
		*why = arena_printf(a, words_get(lang, N_("%s cannot be read.")), s->path);
	return rc;
}

/* Read and check the file, make all new items, then hang them in: either all or none. */
static enum rc load(struct settings *s, struct arena *a, enum lang lang, const char **why)
{
	struct draft_value *draft = arena_array(a, s->count, sizeof(*draft));
	struct item **fresh = arena_array(a, s->count, sizeof(*fresh));
	size_t len, i;
	char *text;
	enum rc rc = draft && fresh ? read_text(s, &text, &len, a, lang, why) : RC_NO_MEMORY;

	if (rc == RC_OK)
		rc = settings_check_text(draft, s->rows, s->count, s->path ? s->path : "", text, len, a, lang,
					 why);
	for (i = 0; rc == RC_OK && i < s->count; i++) {
		const struct item *old = atomic_load_explicit(&s->places[i].item, memory_order_relaxed);

		if (old && old->is_override) continue;
		if (!(fresh[i] = item_new(&draft[i], false))) rc = RC_NO_MEMORY;
		/* What is the same stays: a reload a day for years must not grow. */
		if (rc == RC_OK && old && strcmp(old->raw, fresh[i]->raw) == 0 &&
		    strcmp(old->text, fresh[i]->text) == 0 && strcmp(old->origin, fresh[i]->origin) == 0) {
			mem_free(fresh[i]);
			fresh[i] = NULL;
		}
	}
	for (i = 0; fresh && i < s->count; i++) {
		if (rc != RC_OK)
			mem_free(fresh[i]);
		else if (fresh[i])
			hang_in(&s->places[i], fresh[i]);
	}
	if (rc == RC_OK) settings_mark(s->seen, text, len);
	if (rc == RC_NO_MEMORY)
		*why = words_get(
			lang,
			N_("There is not enough memory for this. Try again later or with less at once."));
	return rc;
}

static int by_name(const void *a, const void *b)
{
	const struct place *const *x = a, *const *y = b;

	return strcmp((*x)->row->name, (*y)->row->name);
}

enum rc settings_load(struct settings **out, const struct setting *const *tables, const char *path,
		      struct arena *a, enum lang lang, const char **why)
{
	struct settings *s = mem_zeroed(sizeof(*s));
	enum rc rc = RC_NO_MEMORY;
	size_t i;

	*why = "";
	if (!s) return RC_NO_MEMORY;
	pthread_mutex_init(&s->lock, NULL);
	if (!(s->rows_arena = arena_new(1024 * 1024)) ||
	    !(s->rows = settings_rows(tables, s->rows_arena, &s->count)) ||
	    !(s->places = arena_array(s->rows_arena, s->count + 1, sizeof(*s->places))) ||
	    !(s->sorted = arena_array(s->rows_arena, s->count + 1, sizeof(*s->sorted))) ||
	    (path && !(s->path = mem_text(path))))
		goto out;
	for (i = 0; i < s->count; i++) {
		s->places[i].row = s->rows[i];
		s->sorted[i] = &s->places[i];
	}
	qsort(s->sorted, s->count, sizeof(*s->sorted), by_name);
	if (s->path) settings_sweep(s->path, a);
	rc = load(s, a, lang, why);
	if (rc == RC_OK) {
		*out = s;
		s = NULL;
	}
out:
	settings_free(s);
	return rc;
}

void settings_free(struct settings *s)
{
	size_t i;

	if (!s) return;
	for (i = 0; s->places && i < s->count; i++)
		items_free(atomic_load(&s->places[i].item));
	arena_free(s->rows_arena);
	mem_free(s->path);
	pthread_mutex_destroy(&s->lock);
	mem_free(s);
}

enum rc settings_reload(struct settings *s, struct arena *a, enum lang lang, const char **why)
{
	enum rc rc;

	*why = "";
	pthread_mutex_lock(&s->lock);
	rc = load(s, a, lang, why);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* Finding */

static struct place *place_of(const struct settings *s, const char *name)
{
	size_t lo = 0, hi = s->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(s->sorted[mid]->row->name, name);

		if (order == 0) return s->sorted[mid];
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct setting *settings_find(const struct settings *s, const char *name)
{
	struct place *p = place_of(s, name);

	return p ? p->row : NULL;
}

const struct setting *const *settings_all(const struct settings *s, size_t *count)
{
	*count = s->count;
	return s->rows;
}

const char *settings_path(const struct settings *s)
{
	return s->path;
}

enum rc settings_override(struct settings *s, const char *name, const char *value)
{
	struct place *p = place_of(s, name);
	struct draft_value v = { .line = 0 };
	struct item *item;
	struct arena *a;
	const char *why;
	enum rc rc;

	if (!p) return RC_NOT_FOUND;
	if (!(a = arena_new(256 * 1024))) return RC_NO_MEMORY;
	rc = setting_read(&v.value, p->row, value, ".", a, LANG_EN, &why);
	if (rc == RC_OK && !(item = item_new(&v, true))) rc = RC_NO_MEMORY;
	if (rc == RC_OK) {
		pthread_mutex_lock(&s->lock);
		hang_in(p, item);
		pthread_mutex_unlock(&s->lock);
	}
	arena_free(a);
	return rc;
}

/* Reading */

static const struct item *item_of(const struct settings *s, const char *name)
{
	struct place *p = place_of(s, name);

	if (p) return atomic_load_explicit(&p->item, memory_order_acquire);
	log_event(LOG_ERROR, "errors", "settings.unknown", "name=%s", name);
	return NULL;
}

/* What readers see: of a row that is read at the start only, what it said then. */
static const struct item *item_in_force(const struct settings *s, const char *name)
{
	struct place *p = place_of(s, name);
	const struct item *item;

	if (!p) return item_of(s, name); /* which says so */
	item = atomic_load_explicit(&p->item, memory_order_acquire);
	return !item || item->is_override || !p->row->needs_restart ? item : p->first;
}

const char *setting_text(const struct settings *s, const char *name)
{
	const struct item *item = item_in_force(s, name);

	return item ? item->text : "";
}

int64_t setting_int(const struct settings *s, const char *name)
{
	const struct item *item = item_in_force(s, name);

	return item ? item->number : 0;
}

bool setting_bool(const struct settings *s, const char *name)
{
	return setting_int(s, name) != 0;
}

size_t setting_ints(const struct settings *s, const char *name, int64_t *out, size_t max)
{
	const struct item *item = item_in_force(s, name);
	size_t n = item ? item->count : 0;

	if (n > max) n = max;
	if (n > 0) memcpy(out, item->ints, n * sizeof(*out));
	return n;
}

const struct setting *settings_row(const struct settings *s, size_t i)
{
	return i < s->count ? s->rows[i] : NULL;
}

/* Where a secret lies is no secret; what it says is. */
const char *settings_shown(const struct settings *s, const char *name)
{
	const struct setting *row = settings_find(s, name);
	const struct item *item = item_of(s, name);

	if (!row || !item) return "";
	if (row->is_secret && *item->raw && strncmp(item->raw, "file:", 5) != 0 &&
	    strncmp(item->raw, "env:", 4) != 0)
		return "********";
	return item->raw;
}

const char *settings_origin(const struct settings *s, const char *name)
{
	const struct item *item = item_of(s, name);

	return item ? item->origin : "";
}

bool settings_waits(const struct settings *s, const char *name)
{
	const struct item *now = item_of(s, name), *in_force = item_in_force(s, name);

	return now && in_force && now != in_force && strcmp(now->text, in_force->text) != 0;
}

bool settings_are_stale(const struct settings *s)
{
	/* The lock is no part of what the settings say. */
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&s->lock;
	char now[SETTINGS_SEEN_SIZE];
	bool is;

	settings_seen(s, now);
	pthread_mutex_lock(lock);
	is = strcmp(now, s->seen) != 0;
	pthread_mutex_unlock(lock);
	return is;
}
