/*
** attachments.c -- files that go along with each mail of a send (spec §2.2, §7).
**
** Owns:   the table mail_attachment; its form, upload and download.
** Needs:  the file store, which keeps the bytes outside of any served folder.
** Holds:  (1) what a recipient sees as the file's name is the user's own, without folders and control
** characters;
**         (2) an empty file, or more together than the setting allows, never gets as far as a send.
*/
#include "sends/attachments.h"
#include "base/text.h"
#include "desk/inner.h"
#include "files/files.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_LETTERS 255 /* spec §2.2 */
/* the largest allowed by the setting, and the form around it */
#define BODY_MAX ((size_t)22 * 1024 * 1024)
/* in base64 through the API: three times that is memory */
#define FORM_PAGE "sends/attachment_new"

static const struct column columns[] = {
	{ .name = "name",
	  .title = N_("Name"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_SEARCH },
	{ .name = "content_type",
	  .title = N_("Type"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "size_bytes",
	  .title = N_("Size in bytes"),
	  .type = COLUMN_INT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "created_at",
	  .title = N_("Uploaded"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_LIST },
	{ .name = "download",
	  .title = N_("File"),
	  .type = COLUMN_TEXT,
	  .flags = COL_READONLY | COL_LIST | COL_LINK | COL_PAGE,
	  .sql = "''" },
	{ .name = "updated_at",
	  .title = N_("Changed"),
	  .type = COLUMN_INSTANT,
	  .flags = COL_READONLY | COL_HIDDEN },
	{ .name = NULL },
};

static const struct sort sorts[] = {
	{ .name = "created_at", .title = N_("Uploaded"), .sql = "t.created_at", .is_down = true },
	{ .name = NULL },
};

static const struct dependent dependents[] = {
	{ N_("Bulk sends"), "SELECT count(*) FROM bulk_send_attachment WHERE attachment_id = :id" },
	{ .title = NULL },
};

static void rows_read(struct cx *cx, struct value *rows)
{
	for (struct value *v = rows->first; v != NULL; v = v->next) {
		const char *id = value_text_of(value_get(v, "_pid"), "");

		if (id[0] == '\0') continue;
		value_set_text(cx->arena, v, "download", _("Download"));
		value_set_text(cx->arena, v, "download__href",
			       arena_printf(cx->arena, "/attachments/%s/download", id));
	}
}

const struct resource attachment_resources[] = {
	{ .name = "attachments",
	  .title = N_("Attachments"),
	  .title_one = N_("Attachment"),
	  .table = "mail_attachment",
	  .row_name = "t.name",
	  .columns = columns,
	  .sorts = sorts,
	  .where = "t.archived_at IS NULL",
	  .right_view = RIGHT_VIEW,
	  .right_edit = RIGHT_EDIT,
	  .has_public_id = true,
	  .can_create = true,
	  .can_archive = true,
	  .no_import = true,
	  .new_page = "/attachments/new",
	  .edit_page = "/attachments",
	  .has_own_create = true,
	  .menu = N_("Attachments"),
	  .menu_order = MENU_ATTACHMENTS,
	  .empty = N_("No files yet. Upload one, and choose it when you make a send."),
	  .rows_read = rows_read,
	  .dependents = dependents },
	{ .name = NULL },
};

/* Rules */

static int64_t encoded(int64_t size)
{
	return (size + 2) / 3 * 4;
}

static int64_t encoded_max(const struct cx *cx)
{
	return setting_int(cx->env->settings, "sends.attachments_max_kb") * 1024;
}

static const struct {
	const char *ending, *type;
} types[] = {
	{ "pdf", "application/pdf" },
	{ "png", "image/png" },
	{ "jpg", "image/jpeg" },
	{ "jpeg", "image/jpeg" },
	{ "gif", "image/gif" },
	{ "webp", "image/webp" },
	{ "svg", "image/svg+xml" },
	{ "txt", "text/plain" },
	{ "csv", "text/csv" },
	{ "htm", "text/html" },
	{ "html", "text/html" },
	{ "ics", "text/calendar" },
	{ "xml", "application/xml" },
	{ "json", "application/json" },
	{ "zip", "application/zip" },
	{ "doc", "application/msword" },
	{ "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
	{ "xls", "application/vnd.ms-excel" },
	{ "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	{ "ppt", "application/vnd.ms-powerpoint" },
	{ "pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation" },
	{ "odt", "application/vnd.oasis.opendocument.text" },
	{ "ods", "application/vnd.oasis.opendocument.spreadsheet" },
	{ "mp3", "audio/mpeg" },
	{ "mp4", "video/mp4" },
};

static const char *type_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (text_equal_fold(dot + 1, types[i].ending)) return types[i].type;
	return "application/octet-stream";
}

/* Without folders of either kind and control characters, at most NAME_LETTERS; "" when nothing is left. */
static const char *clean_name(struct arena *a, const char *name)
{
	const char *slash = strrchr(name, '/'), *back;
	struct sb sb;
	char *out;

	if (slash != NULL) name = slash + 1;
	back = strrchr(name, '\\');
	if (back != NULL) name = back + 1;
	sb_init_arena(&sb, a, strlen(name) + 1);
	for (; *name != '\0'; name++)
		if ((unsigned char)*name >= 0x20 && *name != 0x7f) sb_char(&sb, *name);
	out = text_trim(a, sb_text_of(&sb));
	if (out[strspn(out, ".")] == '\0') return "";
	return text_length(out) > NAME_LETTERS ? arena_bytes(a, out, text_prefix(out, NAME_LETTERS)) : out;
}

static enum rc too_large(struct cx *cx, const char *name, int64_t size)
{
	return cx_fail(cx, RC_TOO_LARGE,
		       _("%s takes %lld kB as it travels; together at most %lld kB are allowed."), name,
		       (long long)((encoded(size) + 1023) / 1024), (long long)(encoded_max(cx) / 1024));
}

/* Adding */

static enum rc add_row(struct cx *cx, int64_t *id, int64_t file, const char *name, int64_t size)
{
	char public_id[PUBLIC_ID_SIZE];
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	public_id_new(public_id);
	rc = db_run(
		cx,
		"INSERT INTO mail_attachment (public_id, name, file_id, content_type, size_bytes, created_at, updated_at,"
		" search) VALUES (:pid, :name, :file, :type, :size, :now, :now, :search)",
		PARAMS(P_TEXT(":pid", public_id), P_TEXT(":name", name), P_INT(":file", file),
		       P_TEXT(":type", type_of(name)), P_INT(":size", size), P_INT(":now", cx_now(cx)),
		       P_TEXT(":search", text_fold(cx->arena, name))));
	if (rc == RC_OK) *id = db_last_id(cx);
	if (rc == RC_OK) rc = audit_add(cx, "create", "mail_attachment", *id, NULL, NULL);
	return tx_end(cx, rc);
}

enum rc attachment_add(struct cx *cx, int64_t *id, int fd, const char *name)
{
	struct file_new file = { .owner_table = "mail_attachment", .max = BODY_MAX };
	struct stat st;
	int64_t file_id = 0;
	enum rc rc;

	name = clean_name(cx->arena, name);
	if (name[0] == '\0') return cx_fail_field(cx, "name", "%s", _("The file needs a name."));
	if (fstat(fd, &st) != 0) return RC_IO;
	if (st.st_size == 0) return cx_fail_field(cx, "file", _("“%s” is empty."), name);
	if (encoded(st.st_size) > encoded_max(cx)) return too_large(cx, name, st.st_size);
	file.name = name;
	file.media_type = type_of(name);
	rc = file_store(cx, &file_id, fd, &file);
	return rc == RC_OK ? add_row(cx, id, file_id, name, st.st_size) : rc;
}

enum rc attachment_add_base64(struct cx *cx, int64_t *id, const char *name, const char *content)
{
	struct bytes bytes = { NULL, 0 };
	int fd = -1;
	enum rc rc = base64_read(cx->arena, &bytes, content);

	if (rc == RC_BAD_INPUT) return cx_fail_field(cx, "content", "%s", _("The content is not base64."));
	if (rc == RC_OK && bytes.len == 0) return cx_fail_field(cx, "content", _("“%s” is empty."), name);
	if (rc == RC_OK) rc = spool_open(&fd, cx->env->dir);
	if (rc == RC_OK) rc = fd_write_all(fd, bytes.p, bytes.len);
	if (rc == RC_OK) rc = attachment_add(cx, id, fd, name);
	if (fd >= 0) close(fd);
	return rc;
}

/* For a send */

static enum rc one(struct cx *cx, int64_t id, int64_t *file, int64_t *size, const char **name)
{
	struct value *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT name, file_id, size_bytes FROM mail_attachment WHERE id = :id AND archived_at IS NULL",
		PARAMS(P_INT(":id", id)));

	if (rc == RC_NOT_FOUND)
		return cx_fail(cx, rc, "%s", _("An attachment is not there any more; choose it again."));
	if (rc != RC_OK) return rc;
	*file = value_int_of(value_get(row, "file_id"), 0);
	*size = value_int_of(value_get(row, "size_bytes"), 0);
	*name = value_text_of(value_get(row, "name"), "");
	return RC_OK;
}

enum rc attachments_check(struct cx *cx, const int64_t *ids, size_t count)
{
	int64_t total = 0;

	if (count > MESSAGE_FILES_MAX)
		return cx_fail(cx, RC_BAD_INPUT, _("A mail takes at most %d attachments."),
			       MESSAGE_FILES_MAX);
	for (size_t i = 0; i < count; i++) {
		int64_t file = 0, size = 0;
		const char *name = "", *path = NULL;
		enum rc rc = one(cx, ids[i], &file, &size, &name);

		if (rc == RC_OK && (size <= 0 || file_path(cx, &path, file) != RC_OK)) {
			cx->message = "";
			rc = cx_fail(cx, RC_BAD_INPUT,
				     _("The attachment %s cannot be read; upload it again."), name);
		}
		if (rc != RC_OK) return rc;
		total += size;
		if (encoded(total) > encoded_max(cx)) return too_large(cx, name, total);
	}
	return RC_OK;
}

enum rc attachments_files(struct cx *cx, int64_t *out, const int64_t *ids, size_t count)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		int64_t size;
		const char *name;

		rc = one(cx, ids[i], &out[i], &size, &name);
	}
	return rc;
}

enum rc attachment_find(struct cx *cx, int64_t *id, const char *public_id)
{
	enum rc rc = db_get_int(
		cx, id, "SELECT id FROM mail_attachment WHERE public_id = :id AND archived_at IS NULL",
		PARAMS(P_TEXT(":id", public_id)));

	if (rc != RC_NOT_FOUND) return rc;
	return cx_fail(cx, rc, "%s", _("An attachment is not there any more; choose it again."));
}

/* Pages */

static enum rc form_page(struct cx *cx, struct call *call, enum rc failed)
{
	struct value *page = value_map(cx->arena);

	trail_add(cx, page, _("Attachments"), "/attachments");
	value_set_int(cx->arena, page, "kilobytes", encoded_max(cx) / 1024 / 4 * 3);
	if (failed != RC_OK)
		value_set_text(cx->arena, page, "failure",
			       cx->field_count > 0 ? cx->fields[0].message : cx_sentence(cx, failed));
	page_answer(cx, call, FORM_PAGE, _("New attachment"), page);
	if (failed != RC_OK) reply_status(call_reply(call), 422);
	return RC_OK;
}

static enum rc handle_form(struct cx *cx, struct call *call)
{
	return form_page(cx, call, RC_OK);
}

static enum rc handle_upload(struct cx *cx, struct call *call)
{
	struct upload up = { .fd = -1 };
	int64_t id = 0;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	if (!form_upload(call, "file", &up))
		rc = cx_fail_field(cx, "file", "%s", _("Choose a file, one that is not empty."));
	else if (up.fd < 0)
		rc = RC_IO;
	else
		rc = attachment_add(cx, &id, up.fd, up.name);
	if (rc == RC_BAD_INPUT || rc == RC_TOO_LARGE) return form_page(cx, call, rc);
	if (rc == RC_OK)
		answer_flash(cx, call, "/attachments",
			     _("The file is kept; choose it when you make a send."));
	return rc;
}

static enum rc handle_add(struct cx *cx, struct call *call)
{
	const char *name, *content;
	struct upload up = { .fd = -1 };
	struct value *out;
	int64_t id = 0;
	enum rc rc = form_read(cx, call);

	if (rc != RC_OK) return rc;
	name = form_text(call, "name");
	content = form_text(call, "content");
	if (form_upload(call, "file", &up))
		rc = up.fd >= 0 ? attachment_add(cx, &id, up.fd, name != NULL ? name : up.name) : RC_IO;
	else
		rc = attachment_add_base64(cx, &id, name != NULL ? name : "", content != NULL ? content : "");
	if (rc != RC_OK) return rc;
	rc = db_row(
		cx, &out,
		"SELECT public_id, name, content_type, size_bytes, created_at FROM mail_attachment WHERE id = :id",
		PARAMS(P_INT(":id", id)));
	if (rc != RC_OK) return rc;
	shape_json(cx, out);
	answer_json(cx, call, 201, out);
	return RC_OK;
}

static enum rc handle_download(struct cx *cx, struct call *call)
{
	struct value *row = NULL;
	int64_t id = 0, size = 0;
	int fd = -1;
	enum rc rc = desk_find(cx, &id, desk_resource("attachments"), call_param(call, "id"));

	if (rc == RC_OK)
		rc = db_row(cx, &row,
			    "SELECT name, file_id, content_type FROM mail_attachment WHERE id = :id",
			    PARAMS(P_INT(":id", id)));
	if (rc == RC_OK) rc = file_open(cx, &fd, &size, value_int_of(value_get(row, "file_id"), 0));
	if (rc != RC_OK) return rc;
	answer_download(cx, call, fd,
			value_text_of(value_get(row, "content_type"), "application/octet-stream"),
			value_text_of(value_get(row, "name"), "file"));
	return RC_OK;
}

static const struct fact create_takes[] = {
	{ .name = "name", .type = FACT_TEXT, .max = NAME_LETTERS },
	{ .name = "content",
	  .type = FACT_TEXT,
	  .help = N_("The file in base64, at most 256 kB; a larger one as a form with the field file.") },
	{ .name = NULL },
};
static const struct fact create_gives[] = {
	{ .name = "id", .type = FACT_TEXT, .is_needed = true },
	{ .name = "name", .type = FACT_TEXT, .is_needed = true },
	{ .name = "content_type", .type = FACT_TEXT, .is_needed = true },
	{ .name = "size_bytes", .type = FACT_INT, .is_needed = true },
	{ .name = "created_at", .type = FACT_INSTANT, .is_needed = true },
	{ .name = NULL },
};

const struct route attachment_routes[] = {
	{ .method = "GET",
	  .path = "/attachments/new",
	  .realm = REALM_STAFF,
	  .right = RIGHT_EDIT,
	  .class = ROUTE_DB,
	  .help = N_("Form to upload an attachment"),
	  .handle = handle_form,
	  .no_api = true },
	{ .method = "POST",
	  .path = "/attachments/new",
	  .realm = REALM_STAFF,
	  .right = RIGHT_EDIT,
	  .class = ROUTE_DB,
	  .body_max = BODY_MAX,
	  .has_token = true,
	  .help = N_("Upload an attachment"),
	  .handle = handle_upload,
	  .no_api = true },
	{ .method = "POST",
	  .path = "/attachments",
	  .realm = REALM_STAFF,
	  .right = RIGHT_EDIT,
	  .class = ROUTE_DB,
	  .body_max = BODY_MAX,
	  .has_token = true,
	  .help = N_("Keep an attachment, in base64"),
	  .handle = handle_add,
	  .takes = create_takes,
	  .gives = create_gives },
	{ .method = "GET",
	  .path = "/attachments/:id/download",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .help = N_("The file of an attachment"),
	  .handle = handle_download,
	  .no_api = true },
	{ .method = NULL },
};
