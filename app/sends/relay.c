/*
** relay.c -- /relay/…: the addresses that other programs of the business call, in their old shape (spec §18).
**
** Owns:   nothing: a direct send becomes a bulk send like any other, with its file of recipients.
** Needs:  an API token, or a session with its CSRF token.
** Never:  sends in the request: it answers 202 with the send's id; an empty list reaches nothing.
** Holds:  what a caller gives about its recipients goes through the same import as a file does, so every rule
**         about addresses, duplicates and suppressed ones holds here too.
*/
#include "sends/bulk_inner.h"

#include "base/seal.h"
#include "base/text.h"
#include "files/files.h"
#include "sends/attachments.h"
#include "sends/recipients.h"
#include "sends/senders.h"
#include <string.h>
#include <unistd.h>

#define RELAY_BODY_MAX  ((size_t)RECIPIENTS_BYTES_MAX + 1024 * 1024)
#define RELAY_NAMES_MAX 100 /* variables of one direct send: a file has its header for more */
#define RELAY_LIST_MAX  10000
#define RELAY_SHEET_MAX ((size_t)16 * 1024 * 1024)
#define HEADER_LINE_MAX (16 * 1024)

/* Recipients given as JSON become the same file that a person would upload. */

struct names {
	const char *at[RELAY_NAMES_MAX];
	size_t count;
};

static const struct value *variables_of(const struct value *recipient)
{
	const struct value *v = value_get(recipient, "variables");

	return v != NULL ? v : value_get(recipient, "substitution_data");
}

static enum rc note_name(struct cx *cx, struct names *n, const char *name)
{
	size_t i = 0;

	while (i < n->count && strcmp(n->at[i], name) != 0)
		i++;
	if (i < n->count || strcmp(name, "email") == 0) return RC_OK;
	if (n->count == RELAY_NAMES_MAX)
		return cx_fail(cx, RC_TOO_LARGE, _("At most %d variables at once."), RELAY_NAMES_MAX);
	n->at[n->count++] = name;
	return RC_OK;
}

/* An object's members are columns with points in their names, as the import makes them objects again. */
static enum rc note_names(struct cx *cx, struct names *n, const struct value *variables, const char *before)
{
	enum rc rc = RC_OK;

	for (const struct value *v = variables != NULL ? variables->first : NULL; v != NULL && rc == RC_OK;
	     v = v->next) {
		const char *name = arena_join(cx->arena, before, v->key, NULL);

		rc = v->type == VALUE_MAP && v->first != NULL
			     ? note_names(cx, n, v, arena_join(cx->arena, name, ".", NULL))
			     : note_name(cx, n, name);
	}
	return rc;
}

static const struct value *variable_at(const struct value *recipient, const char *name)
{
	const struct value *map = variables_of(recipient), *v = value_get(map, name);

	return v != NULL ? v : value_path(map, name);
}

static const char *cell_of(struct cx *cx, const struct value *v)
{
	struct sb sb;

	if (v == NULL || v->type == VALUE_NULL) return "";
	if (v->type == VALUE_TEXT) return v->text;
	sb_init_arena(&sb, cx->arena, 64 * 1024);
	json_write(&sb, v);
	return sb_text_of(&sb);
}

static void write_cell(struct sb *sb, const char *text)
{
	sb_csv(sb, text, strlen(text), ',', false);
}

static enum rc sheet_of(struct cx *cx, struct sb *sb, const struct value *list)
{
	struct names n = { .count = 0 };
	enum rc rc = RC_OK;

	if (list->count > RELAY_LIST_MAX)
		return cx_fail(cx, RC_TOO_LARGE, _("At most %d recipients at once; send a file for more."),
			       RELAY_LIST_MAX);
	for (const struct value *r = list->first; r != NULL && rc == RC_OK; r = r->next)
		if (r->type == VALUE_MAP) rc = note_names(cx, &n, variables_of(r), "");
	if (rc != RC_OK) return rc;
	sb_init_arena(sb, cx->arena, RELAY_SHEET_MAX);
	sb_lit(sb, "email");
	for (size_t i = 0; i < n.count; i++) {
		sb_char(sb, ',');
		write_cell(sb, n.at[i]);
	}
	sb_char(sb, '\n');
	for (const struct value *r = list->first; r != NULL; r = r->next) {
		write_cell(sb, r->type == VALUE_MAP ? value_text_of(value_get(r, "email"), "")
						    : value_text_of(r, ""));
		for (size_t i = 0; i < n.count; i++) {
			sb_char(sb, ',');
			write_cell(sb, r->type == VALUE_MAP ? cell_of(cx, variable_at(r, n.at[i])) : "");
		}
		sb_char(sb, '\n');
	}
	return sb_result(sb);
}

/* Whose column of addresses is called otherwise: its heading becomes "email". */
static struct bytes renamed(struct cx *cx, struct bytes file, const char *column)
{
	const char *end = memchr(file.p, '\n', file.len < HEADER_LINE_MAX ? file.len : HEADER_LINE_MAX), *at;
	size_t len = strlen(column), head;
	struct sb sb;

	if (len == 0 || text_equal_fold(column, "email") || end == NULL) return file;
	head = (size_t)(end - file.p);
	for (at = file.p; at + len <= end; at++) {
		bool begins = at == file.p || strchr(",;\t\" \xbf", at[-1]) != NULL;
		bool ends = at + len == end || strchr(",;\t\" \r", at[len]) != NULL;

		if (begins && ends && strncasecmp(at, column, len) == 0) break;
	}
	if (at + len > end) return file;
	sb_init_arena(&sb, cx->arena, head + 16);
	sb_bytes(&sb, file.p, (size_t)(at - file.p));
	sb_lit(&sb, "email");
	sb_bytes(&sb, at + len, head - (size_t)(at - file.p) - len);
	return (struct bytes){ sb_text_of(&sb), sb.len };
}

static enum rc store(struct cx *cx, int64_t *id, struct bytes head, struct bytes rest, const char *name)
{
	int fd = -1;
	enum rc rc = spool_open(&fd, cx->env->dir);

	if (rc == RC_OK) rc = fd_write_all(fd, head.p, head.len);
	if (rc == RC_OK && rest.len > 0) rc = fd_write_all(fd, rest.p, rest.len);
	if (rc == RC_OK)
		rc = file_store(cx, id, fd,
				&(struct file_new){ .name = name,
						    .media_type = "text/csv",
						    .owner_table = "bulk_send",
						    .max = RECIPIENTS_BYTES_MAX });
	if (fd >= 0) close(fd);
	return rc;
}

static enum rc store_upload(struct cx *cx, int64_t *id, const struct upload *up, const char *column)
{
	struct bytes head = renamed(cx, up->bytes, column), rest = { "", 0 };
	const char *end;

	if (up->bytes.len == 0) return cx_fail(cx, RC_BAD_INPUT, "%s", _("There are no recipients."));
	if (head.p == up->bytes.p) return store(cx, id, head, rest, up->name);
	end = memchr(up->bytes.p, '\n', up->bytes.len);
	rest = (struct bytes){ end, up->bytes.len - (size_t)(end - up->bytes.p) };
	return store(cx, id, head, rest, up->name);
}

/* Attachments given with the call */

static enum rc add_attachments(struct cx *cx, const struct value *list, int64_t ids[MESSAGE_FILES_MAX],
			       size_t *count)
{
	enum rc rc = RC_OK;

	for (const struct value *v = list != NULL ? list->first : NULL; v != NULL && rc == RC_OK;
	     v = v->next) {
		const char *name =
			value_text_of(value_get(v, "filename"), value_text_of(value_get(v, "name"), ""));
		struct bytes content = { "", 0 };
		int fd = -1;

		if (*count == MESSAGE_FILES_MAX)
			return cx_fail(cx, RC_TOO_LARGE, _("At most %d attachments."), MESSAGE_FILES_MAX);
		rc = base64_read(cx->arena, &content, value_text_of(value_get(v, "content"), ""));
		if (rc == RC_BAD_INPUT || (rc == RC_OK && content.len == 0))
			return cx_fail(cx, RC_BAD_INPUT, _("The content of “%s” is not a file in base64."),
				       name);
		if (rc == RC_OK) rc = spool_open(&fd, cx->env->dir);
		if (rc == RC_OK) rc = fd_write_all(fd, content.p, content.len);
		if (rc == RC_OK) rc = attachment_add(cx, &ids[*count], fd, name);
		if (rc == RC_OK) ++*count;
		if (fd >= 0) close(fd);
	}
	return rc;
}

static const struct value *recipients_of(const struct value *json)
{
	const struct value *list = value_get(json, "recipients");

	return list != NULL ? list : value_get(json, "to");
}

static enum rc read_json(struct cx *cx, const struct value *json, struct bulk_new *n,
			 int64_t ids[MESSAGE_FILES_MAX])
{
	const struct value *list = recipients_of(json), *files = value_get(json, "attachments");
	struct sb sheet;
	enum rc rc;

	if (list == NULL || list->type != VALUE_LIST || list->first == NULL)
		return cx_fail(cx, RC_BAD_INPUT, "%s", _("There are no recipients."));
	n->template_id = value_text_of(value_get(json, "template_id"), "");
	n->subject = value_text_of(value_get(json, "subject"), "");
	n->from_email = value_text_of(value_get(json, "from_email"), NULL);
	n->from_name = value_text_of(value_get(json, "from_name"), NULL);
	n->client_request_id = value_text_of(value_get(json, "client_request_id"), NULL);
	rc = sheet_of(cx, &sheet, list);
	if (rc == RC_OK) rc = add_attachments(cx, files, ids, &n->attachment_count);
	n->attachment_ids = ids;
	return rc == RC_OK ? store(cx, &n->file_id, (struct bytes){ sb_text_of(&sheet), sheet.len },
				   (struct bytes){ "", 0 }, "relay.csv")
			   : rc;
}

static enum rc read_form(struct cx *cx, struct call *call, struct bulk_new *n)
{
	const char *column = form_text(call, "email_column");
	struct upload up;

	if (!form_upload(call, "csv_file", &up))
		return cx_fail(cx, RC_BAD_INPUT, "%s", _("There are no recipients."));
	n->template_id = form_text(call, "template_id");
	n->subject = form_text(call, "subject");
	n->from_email = form_text(call, "from_email");
	n->from_name = form_text(call, "from_name");
	n->client_request_id = form_text(call, "client_request_id");
	return store_upload(cx, &n->file_id, &up, column != NULL ? column : "email");
}

static enum rc handle_send(struct cx *cx, struct call *call)
{
	/* Every line given is one mail, as it always was here. */
	struct bulk_new n = { .send_now = true, .dedupe = "all" };
	int64_t ids[MESSAGE_FILES_MAX], id = 0;
	struct value *out = value_map(cx->arena);
	const char *public_id = "";
	bool is_duplicate = false;
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK)
		rc = form_json(call) != NULL ? read_json(cx, form_json(call), &n, ids)
					     : read_form(cx, call, &n);
	if (rc == RC_OK) rc = bulk_create(cx, &id, &is_duplicate, &n);
	if (rc == RC_OK)
		rc = db_get_text(cx, &public_id, "SELECT public_id FROM bulk_send WHERE id = :id",
				 PARAMS(P_INT(":id", id)));
	if (rc != RC_OK) return rc;
	value_set_bool(cx->arena, out, "ok", true);
	value_set_text(cx->arena, out, "id", public_id);
	value_set_int(cx->arena, out, "number", id);
	value_set_bool(cx->arena, out, "duplicate", is_duplicate);
	/* What became of each is asked for with the id: nothing has left yet. */
	(void)value_set_list(cx->arena, out, "resultados");
	value_set_int(cx->arena, out, "total_enviados", 0);
	value_set_int(cx->arena, out, "total_errores", 0);
	answer_header(call, "Location", arena_printf(cx->arena, "/api/v1/sends/%s", public_id));
	answer_json(cx, call, 202, out);
	return RC_OK;
}

/* One's own sender */

static enum rc answer_config(struct cx *cx, struct call *call)
{
	struct value *out = value_map(cx->arena), *row = NULL;
	enum rc rc = db_row(
		cx, &row,
		"SELECT from_email, from_name FROM sender WHERE user_id = :user AND is_active = 1 AND archived_at IS NULL",
		PARAMS(P_INT(":user", cx->actor.user_id)));

	if (rc != RC_OK && rc != RC_NOT_FOUND) return rc;
	value_set_bool(cx->arena, out, "ok", true);
	value_set_bool(cx->arena, out, "has_config", rc == RC_OK);
	value_set_text(cx->arena, out, "from_email",
		       rc == RC_OK ? value_text_of(value_get(row, "from_email"), "") : "");
	value_set_text(cx->arena, out, "from_name",
		       rc == RC_OK ? value_text_of(value_get(row, "from_name"), "") : "");
	answer_json(cx, call, 200, out);
	return RC_OK;
}

static enum rc handle_config_update(struct cx *cx, struct call *call)
{
	int64_t id = 0;
	enum rc rc = form_read(cx, call);

	if (rc == RC_OK && cx->actor.user_id == 0)
		rc = cx_fail(cx, RC_CONFLICT, "%s",
			     _("This token belongs to nobody, so it has no sender of its own."));
	if (rc == RC_OK)
		rc = sender_save_own(cx, &id, cx->actor.user_id, form_text(call, "from_email"),
				     form_text(call, "from_name"));
	return rc == RC_OK ? answer_config(cx, call) : rc;
}

const struct route relay_routes[] = {
	{ .method = "POST",
	  .path = "/relay/send",
	  .realm = REALM_STAFF,
	  .right = RIGHT_EDIT,
	  .class = ROUTE_DB,
	  .body_max = RELAY_BODY_MAX,
	  .has_token = true,
	  .is_idempotent = true,
	  .has_flat_errors = true,
	  .no_api = true,
	  .help = N_("Old address: send one template to some recipients"),
	  .handle = handle_send },
	{ .method = "GET",
	  .path = "/relay/user/email-config",
	  .realm = REALM_STAFF,
	  .right = RIGHT_VIEW,
	  .class = ROUTE_DB,
	  .has_flat_errors = true,
	  .no_api = true,
	  .help = N_("Old address: one's own sender"),
	  .handle = answer_config },
	{ .method = "POST",
	  .path = "/relay/user/email-config/update",
	  .realm = REALM_STAFF,
	  .right = RIGHT_EDIT,
	  .class = ROUTE_DB,
	  .has_token = true,
	  .has_flat_errors = true,
	  .no_api = true,
	  .help = N_("Old address: save one's own sender"),
	  .handle = handle_config_update },
	{ .method = NULL },
};
