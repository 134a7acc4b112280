/*
** import_new_page.c -- sending a file: the page that says what is understood, the sample, the upload.
**
** Holds:  the bytes are stored and looked at by a job; whoever sent them is answered at once.
*/
#include "desk/import_pages.h"

#include "files/files.h"
#include "files/sheet.h"
#include <string.h>
#include <unistd.h>

#define NAME_MAX_LETTERS 200

static const struct resource *resource_of(const struct call *call)
{
	const struct office_arg *arg = call_arg(call);

	return arg->office->r;
}

static void fill_fields(struct cx *cx, const struct resource *r, const struct importer *importer,
			struct value *page, const char *key)
{
	struct import_field fields[IMPORT_FIELDS_MAX];
	size_t n = importer->fields(cx, r, fields);
	struct value *list = value_set_list(cx->arena, page, key);

	for (size_t i = 0; i < n; i++) {
		struct value *one;
		struct sb sb;

		if (fields[i].is_ignored) continue;
		one = value_add_map(cx->arena, list);
		sb_init_arena(&sb, cx->arena, 4096);
		sb_text(&sb, fields[i].name);
		for (const char *p = fields[i].aliases != NULL ? fields[i].aliases : ""; *p != '\0'; p++) {
			if (p == fields[i].aliases) sb_lit(&sb, ", ");
			if (*p == '|')
				sb_lit(&sb, ", ");
			else
				sb_char(&sb, *p);
		}
		value_set_text(cx->arena, one, "title", words_get(cx->lang, fields[i].title));
		value_set_text(cx->arena, one, "names", sb_text_of(&sb));
		value_set_text(cx->arena, one, "help", words_get(cx->lang, fields[i].help));
		value_set_bool(cx->arena, one, "is_required", fields[i].is_required);
	}
}

/* "Phone" or "Name, Start": what a row without id is known by. */
static const char *key_words(struct cx *cx, const struct resource *r)
{
	const char *out = "";

	for (const char *p = r->import_key != NULL ? r->import_key : ""; *p != '\0';) {
		size_t len = strcspn(p, "|");

		for (const struct column *c = r->columns; c->name != NULL; c++)
			if (strlen(c->name) == len && memcmp(c->name, p, len) == 0)
				out = arena_printf(cx->arena, "%s%s%s", out, out[0] != '\0' ? ", " : "",
						   words_get(cx->lang, c->title));
		p += len + (p[len] == '|');
	}
	return out;
}

enum rc handle_import_new(struct cx *cx, struct call *call)
{
	const struct resource *r = resource_of(call);
	struct value *page = value_map(cx->arena);
	const char *path = arena_printf(cx->arena, "/%s/import", r->name), *key = key_words(cx, r);

	value_set_text(cx->arena, page, "path", path);
	value_set_text(cx->arena, page, "resource_title", words_get(cx->lang, r->title));
	fill_fields(cx, r, &import_by_columns, page, "fields");
	if (r->importer != NULL) {
		fill_fields(cx, r, r->importer, page, "own_fields");
		value_set_text(cx->arena, page, "own_title", words_get(cx->lang, r->importer->title));
		value_set_text(cx->arena, page, "own_help", words_get(cx->lang, r->importer->help));
	}
	value_set_text(cx->arena, page, "key", key);
	value_set_bool(cx->arena, page, "has_key", key[0] != '\0');
	value_set_bool(cx->arena, page, "has_own", r->importer != NULL);
	value_set_int(cx->arena, page, "megabytes", UPLOAD_MAX / (1024 * 1024));
	value_set_int(cx->arena, page, "rows_max", IMPORT_ROWS_MAX);
	value_set_int(cx->arena, page, "at_once", r->has_generation ? 0 : IMPORT_AT_ONCE_MAX);
	value_set_text(cx->arena, page, "csv", arena_printf(cx->arena, "%s/sample.csv", path));
	value_set_text(cx->arena, page, "xlsx", arena_printf(cx->arena, "%s/sample.xlsx", path));
	trail_add(cx, page, words_get(cx->lang, r->title), arena_printf(cx->arena, "/%s", r->name));
	page_answer(cx, call, "desk/import_new",
		    arena_printf(cx->arena, _("Import: %s"), words_get(cx->lang, r->title)), page);
	return RC_OK;
}

/* A heading and one row as they are understood. ?own=1: of the resource's own importer. */
enum rc handle_import_sample(struct cx *cx, struct call *call)
{
	const struct resource *r = resource_of(call);
	const char *own = call_query(call, "own");
	const struct importer *importer =
		own != NULL && r->importer != NULL ? r->importer : &import_by_columns;
	enum sheet_kind kind = call_shape(call) == SHAPE_XLSX ? SHEET_XLSX
			       : cx->lang == LANG_ES          ? SHEET_CSV_LOCAL
							      : SHEET_CSV;
	struct import_field fields[IMPORT_FIELDS_MAX];
	struct sheet_column columns[IMPORT_FIELDS_MAX];
	const char *samples[IMPORT_FIELDS_MAX];
	struct sheet *sheet = NULL;
	size_t n = importer->fields(cx, r, fields), count = 0;
	int fd = -1;
	enum rc rc;

	for (size_t i = 0; i < n; i++) {
		if (fields[i].is_ignored || fields[i].is_id) continue;
		columns[count] = (struct sheet_column){ .title = words_get(cx->lang, fields[i].title),
							.type = SHEET_TEXT };
		samples[count++] = fields[i].sample;
	}
	rc = sheet_open(cx, &sheet, kind, words_get(cx->lang, r->title), columns, count);
	for (size_t i = 0; i < count && rc == RC_OK; i++)
		if (samples[i] != NULL && samples[i][0] != '\0')
			sheet_text(sheet, samples[i]);
		else
			sheet_empty(sheet);
	if (rc == RC_OK) rc = sheet_row(sheet);
	rc = sheet_close(sheet, rc, &fd);
	if (rc == RC_OK)
		answer_download(cx, call, fd, sheet_media_type(kind),
				arena_printf(cx->arena, "%s.%s", r->name, sheet_suffix(kind)));
	return rc;
}

/* The upload */

/* The uploaded bytes as a descriptor: spooled ones have one, small ones get a nameless file. */
static enum rc bytes_fd(struct cx *cx, struct bytes bytes, int given, int *fd)
{
	enum rc rc;

	if (given >= 0) {
		*fd = dup(given);
		return *fd >= 0 ? RC_OK : RC_IO;
	}
	rc = spool_open(fd, cx->env->dir);
	if (rc == RC_OK) rc = fd_write_all(*fd, bytes.p, bytes.len);
	return rc;
}

/* A program may send the file itself as the body; ?name= says what it is called. */
static bool is_form(struct call *call)
{
	const char *type = call_header(call, "Content-Type");

	return type == NULL || strncasecmp(type, "multipart/form-data", 19) == 0 ||
	       strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0 ||
	       strncasecmp(type, "application/json", 16) == 0;
}

static enum rc take_file(struct cx *cx, struct call *call, int *fd, const char **name)
{
	struct upload up;
	enum rc rc;

	if (!is_form(call)) {
		struct bytes body = call_body(call);

		*name = call_query(call, "name");
		if (*name == NULL || (*name)[0] == '\0') *name = _("file");
		if (body.len == 0) return cx_fail(cx, RC_BAD_INPUT, _("The file is empty."));
		return bytes_fd(cx, body, -1, fd);
	}
	rc = form_read(cx, call);
	if (rc == RC_OK && (!form_upload(call, "file", &up) || up.name == NULL || up.name[0] == '\0'))
		rc = cx_fail_field(cx, "file", "%s", _("Choose a file first."));
	if (rc != RC_OK) return rc;
	*name = up.name;
	return bytes_fd(cx, up.bytes, up.fd, fd);
}

/* A field of the form, or of the query beside a file that is the body itself. */
static const char *said_beside(struct call *call, const char *name)
{
	return is_form(call) ? form_text(call, name) : call_query(call, name);
}

static enum rc send_file(struct cx *cx, struct call *call, const struct resource *r, const char *importer,
			 int fd, const char *name)
{
	struct import_new n = { .resource = r, .importer = importer, .file_name = name, .fd = fd };
	int64_t import_id = 0, job_id = 0;
	const char *public_id = "", *href;
	struct value *out;
	enum rc rc = import_empty_cells(cx, &n.clears_empty, said_beside(call, "empty_cells"));

	if (rc == RC_OK) rc = import_start(cx, &import_id, &job_id, &n);
	if (rc == RC_OK)
		rc = db_get_text(cx, &public_id, "SELECT public_id FROM import WHERE id = :id",
				 PARAMS(P_INT(":id", import_id)));
	if (rc != RC_OK) return rc;
	href = arena_printf(cx->arena, "/imports/%s", public_id);
	if (call_shape(call) != SHAPE_JSON) {
		answer_redirect(cx, call, href);
		return RC_OK;
	}
	out = value_map(cx->arena);
	value_set_text(cx->arena, out, "id", public_id);
	value_set_int(cx->arena, out, "job", job_id);
	value_set_text(cx->arena, out, "href", arena_printf(cx->arena, "/api/v1%s", href));
	answer_json(cx, call, 202, out);
	return RC_OK;
}

enum rc handle_import_send(struct cx *cx, struct call *call)
{
	const char *name = "";
	int fd = -1;
	enum rc rc = take_file(cx, call, &fd, &name);

	if (rc == RC_OK) rc = send_file(cx, call, resource_of(call), NULL, fd, name);
	if (fd >= 0) close(fd);
	if (rc != RC_BAD_INPUT || call_shape(call) == SHAPE_JSON) return rc;
	/* Without a file in it: the page again, with the sentence at the field. */
	answer_flash(cx, call, call_path(call),
		     cx->field_count > 0 ? cx->fields[0].message : cx_sentence(cx, rc));
	return RC_OK;
}

enum rc handle_import_any(struct cx *cx, struct call *call)
{
	const char *name = "", *wanted = NULL;
	const struct resource *r = NULL;
	int fd = -1;
	enum rc rc = take_file(cx, call, &fd, &name);

	if (rc == RC_OK) {
		wanted = said_beside(call, "resource");
		if (wanted != NULL && wanted[0] != '\0') r = desk_resource(wanted);
		for (size_t i = 0; wanted == NULL && r == NULL && desk_resource_at(i) != NULL; i++)
			if (desk_resource_at(i)->importer != NULL) r = desk_resource_at(i);
		if (r == NULL)
			rc = cx_fail_field(cx, "resource",
					   _("Say of what the file is, as the addresses do: clients."));
		else if (!import_is_offered(cx, r))
			rc = RC_DENIED;
	}
	if (rc == RC_OK)
		rc = send_file(cx, call, r, wanted == NULL && r->importer != NULL ? r->importer->name : NULL,
			       fd, name);
	if (fd >= 0) close(fd);
	return rc;
}
