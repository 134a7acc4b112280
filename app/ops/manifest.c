/*
** manifest.c -- the head and the manifest of a backup as JSON, written and read.
**
** Owns:   nothing; text lies in the caller's arena.
** Holds:  what is read has every number in its bounds and every sum in its form; the rest is refused.
*/
#include "ops/manifest.h"
#include "base/words.h"

#include <string.h>

#define TABLES_MAX 500 /* as db/content.c */
#define TEXT_MAX   200 /* of a name or a version */

static void set_at(struct arena *a, struct value *map, const char *key, instant at)
{
	char text[RFC3339_SIZE];

	instant_text(text, at);
	value_set_text(a, map, key, text);
}

void head_write(struct sb *out, struct arena *a, const struct backup_head *head)
{
	struct value *root = value_map(a);

	value_set_text(a, root, "program", "recado");
	value_set_int(a, root, "format", head->format);
	value_set_text(a, root, "version", head->version);
	value_set_int(a, root, "schema", head->schema);
	set_at(a, root, "made_at", head->made_at);
	value_set_text(a, root, "business", head->business);
	value_set_text(a, root, "key_id", head->key_id);
	value_set_bool(a, root, "is_sealed", head->is_sealed);
	value_set_int(a, root, "total", head->total);
	json_write_pretty(out, root);
	sb_char(out, '\n');
}

static void add_content(struct arena *a, struct value *list, const char *name, const struct db_content *c)
{
	struct value *one = value_add_map(a, list), *tables;

	value_set_text(a, one, "name", name);
	value_set_int(a, one, "schema", c->schema);
	value_set_int(a, one, "rows", c->rows);
	value_set_text(a, one, "sha256", c->sum);
	tables = value_set_list(a, one, "tables");
	for (size_t i = 0; i < c->count; i++) {
		struct value *t = value_add_map(a, tables);

		value_set_text(a, t, "name", c->tables[i].name);
		value_set_int(a, t, "rows", c->tables[i].rows);
		value_set_text(a, t, "sha256", c->tables[i].sum);
	}
}

void manifest_write(struct sb *out, struct arena *a, const struct manifest *m)
{
	struct value *root = value_map(a), *list, *files;

	value_set_int(a, root, "format", BACKUP_FORMAT);
	list = value_set_list(a, root, "members");
	for (size_t i = 0; i < m->count; i++) {
		struct value *one = value_add_map(a, list);

		value_set_text(a, one, "name", m->members[i].name);
		value_set_int(a, one, "size", m->members[i].size);
		value_set_text(a, one, "sha256", m->members[i].sum);
	}
	files = value_set_map(a, root, "files");
	value_set_int(a, files, "count", m->files.count);
	value_set_int(a, files, "bytes", m->files.bytes);
	value_set_text(a, files, "sha256", m->files.sum);
	value_set_int(a, files, "lost", m->files.lost);
	list = value_set_list(a, root, "databases");
	add_content(a, list, DB_FILE, &m->database);
	if (m->reports.count > 0) add_content(a, list, MEMBER_REPORTS, &m->reports);
	value_set(root, "left_out", m->left_out);
	value_set(root, "lost", m->lost);
	json_write_pretty(out, root);
	sb_char(out, '\n');
}

/* Reading: every getter fails the whole when what it wants is not there. */

struct reader {
	struct arena *a;
	bool is_bad;
};

static const char *text_of(struct reader *r, const struct value *map, const char *key)
{
	const struct value *v = value_get(map, key);

	if (v != NULL && v->type == VALUE_TEXT && v->len <= TEXT_MAX) return v->text;
	r->is_bad = true;
	return "";
}

static int64_t number_of(struct reader *r, const struct value *map, const char *key)
{
	const struct value *v = value_get(map, key);
	int64_t n = value_int_of(v, -1);

	if (n < 0) r->is_bad = true;
	return n < 0 ? 0 : n;
}

static void sum_of(struct reader *r, const struct value *map, const char *key, char out[SHA256_HEX_SIZE])
{
	const char *text = text_of(r, map, key);

	out[0] = '\0';
	if (strlen(text) == SHA256_HEX_SIZE - 1 && strspn(text, "0123456789abcdef") == SHA256_HEX_SIZE - 1)
		memcpy(out, text, SHA256_HEX_SIZE);
	else
		r->is_bad = true;
}

/* A list under key of at most max; NULL and bad otherwise. */
static const struct value *list_of(struct reader *r, const struct value *map, const char *key, size_t max)
{
	const struct value *v = value_get(map, key);

	if (v != NULL && v->type == VALUE_LIST && v->count <= max) return v;
	r->is_bad = true;
	return NULL;
}

enum rc head_parse(struct arena *a, struct backup_head *out, const char *text, size_t len)
{
	struct reader r = { .a = a };
	struct backup_head head = { .format = 0 };
	struct value *root = NULL;
	enum rc rc = len <= HEAD_TEXT_MAX ? json_parse(a, &root, NULL, text, len) : RC_BAD_INPUT;

	if (rc == RC_NO_MEMORY) return rc;
	if (rc != RC_OK || strcmp(text_of(&r, root, "program"), "recado") != 0) return RC_BAD_INPUT;
	head.format = number_of(&r, root, "format");
	head.version = text_of(&r, root, "version");
	if (r.is_bad || head.format < 1) return RC_BAD_INPUT;
	if (head.format > BACKUP_FORMAT) {
		head.business = head.key_id = "";
		*out = head;
		return RC_OK;
	}
	head.schema = number_of(&r, root, "schema");
	head.business = text_of(&r, root, "business");
	head.key_id = text_of(&r, root, "key_id");
	head.is_sealed = value_bool_of(value_get(root, "is_sealed"), false);
	head.total = number_of(&r, root, "total");
	if (instant_parse(&head.made_at, text_of(&r, root, "made_at")) != RC_OK) r.is_bad = true;
	if (r.is_bad || head.schema < 1) return RC_BAD_INPUT;
	*out = head;
	return RC_OK;
}

static void read_content(struct reader *r, const struct value *v, struct db_content *out)
{
	const struct value *tables = list_of(r, v, "tables", TABLES_MAX);

	out->schema = number_of(r, v, "schema");
	out->rows = number_of(r, v, "rows");
	sum_of(r, v, "sha256", out->sum);
	if (tables == NULL) return;
	out->tables = arena_array(r->a, tables->count + 1, sizeof(*out->tables));
	if (out->tables == NULL) {
		r->is_bad = true;
		return;
	}
	for (const struct value *t = tables->first; t != NULL; t = t->next) {
		struct db_table_sum *one = &out->tables[out->count++];

		one->name = text_of(r, t, "name");
		one->rows = number_of(r, t, "rows");
		sum_of(r, t, "sha256", one->sum);
	}
	if (out->count == 0) r->is_bad = true;
}

static struct value *texts_of(struct reader *r, const struct value *root, const char *key, size_t max)
{
	const struct value *list = list_of(r, root, key, max);
	struct value *out = value_list(r->a);

	for (const struct value *v = list != NULL ? list->first : NULL; v != NULL; v = v->next) {
		if (v->type != VALUE_TEXT || v->len > TEXT_MAX) r->is_bad = true;
		value_add_text(r->a, out, value_text_of(v, ""));
	}
	return out;
}

enum rc manifest_parse(struct arena *a, struct manifest *out, const char *text, size_t len)
{
	struct reader r = { .a = a };
	struct manifest m = { .count = 0 };
	const struct value *list, *files;
	struct value *root = NULL;
	enum rc rc = len <= MANIFEST_TEXT_MAX ? json_parse(a, &root, NULL, text, len) : RC_BAD_INPUT;

	if (rc != RC_OK) return rc == RC_NO_MEMORY ? rc : RC_BAD_INPUT;
	if (number_of(&r, root, "format") != BACKUP_FORMAT) return RC_BAD_INPUT;
	list = list_of(&r, root, "members", MEMBERS_MAX);
	for (const struct value *v = list != NULL ? list->first : NULL; v != NULL; v = v->next) {
		struct backup_member *one = &m.members[m.count++];

		one->name = text_of(&r, v, "name");
		one->size = number_of(&r, v, "size");
		sum_of(&r, v, "sha256", one->sum);
	}
	files = value_get(root, "files");
	m.files.count = number_of(&r, files, "count");
	m.files.bytes = number_of(&r, files, "bytes");
	m.files.lost = number_of(&r, files, "lost");
	sum_of(&r, files, "sha256", m.files.sum);
	list = list_of(&r, root, "databases", 2);
	for (const struct value *v = list != NULL ? list->first : NULL; v != NULL; v = v->next) {
		const char *name = text_of(&r, v, "name");

		if (strcmp(name, DB_FILE) == 0 && m.database.count == 0)
			read_content(&r, v, &m.database);
		else if (strcmp(name, MEMBER_REPORTS) == 0 && m.reports.count == 0)
			read_content(&r, v, &m.reports);
		else
			r.is_bad = true;
	}
	m.left_out = texts_of(&r, root, "left_out", TABLES_MAX);
	m.lost = texts_of(&r, root, "lost", LOST_MAX);
	if (arena_failed(a)) return RC_NO_MEMORY;
	if (r.is_bad || m.database.count == 0) return RC_BAD_INPUT;
	*out = m;
	return RC_OK;
}

const struct backup_member *manifest_member(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->members[i].name, name) == 0) return &m->members[i];
	return NULL;
}

bool content_is_same(struct arena *a, const struct db_content *said, const struct db_content *is,
		     enum lang lang, const char **why)
{
	if (strcmp(said->sum, is->sum) == 0 && said->count == is->count && said->rows == is->rows &&
	    said->schema == is->schema)
		return true;
	for (size_t i = 0; i < said->count && i < is->count; i++)
		if (strcmp(said->tables[i].name, is->tables[i].name) == 0 &&
		    (said->tables[i].rows != is->tables[i].rows ||
		     strcmp(said->tables[i].sum, is->tables[i].sum) != 0)) {
			*why = arena_printf(a,
					    words_get(lang, N_("the table %s has not the rows it should "
							       "have (%lld of %lld)")),
					    is->tables[i].name, (long long)is->tables[i].rows,
					    (long long)said->tables[i].rows);
			return false;
		}
	*why = words_get(lang, N_("the database has not what it should have"));
	return false;
}
