/*
** form.c -- one reader for URL-encoded, multipart and JSON bodies: flat fields by name.
**
** Owns:   the fields and the files of uploads of one call.
** Needs:  the whole body (server.c bounded it by the route's limit).
** Never:  knows what a field means.
** Holds:  (1) every value is valid UTF-8 without NUL, composed (NFC) and trimmed; (2) a broken body is one
**         sentence and no field at all.
*/
#include "web/inside.h"
#include "base/text.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UNSUPPORTED "unsupported_media_type" /* answer.c makes it a 415 */

static const char *cleaned(struct cx *cx, const char *text)
{
	return text_trim(cx->arena, text_nfc(cx->arena, text));
}

static enum rc field_add(struct cx *cx, struct call *call, const char *name, const char *value)
{
	struct pair *pair;

	if (call->fields.count >= FORM_FIELDS_MAX)
		return cx_fail(cx, RC_TOO_LARGE, _("The form has more than %d fields."), FORM_FIELDS_MAX);
	if (strlen(value) > FORM_TEXT_MAX) return cx_fail_field(cx, name, _("The text is too long."));
	pair = arena_alloc(cx->arena, sizeof *pair);
	if (pair == NULL) return RC_NO_MEMORY;
	pair->name = name;
	pair->value = cleaned(cx, value);
	*call->fields.last = pair;
	call->fields.last = &pair->next;
	call->fields.count++;
	return RC_OK;
}

static enum rc read_urlencoded(struct cx *cx, struct call *call, struct bytes body)
{
	struct pairs raw;
	enum rc rc;

	pairs_init(&raw);
	rc = pairs_parse(cx->arena, &raw, body.p, body.len, FORM_FIELDS_MAX);
	if (rc == RC_TOO_LARGE)
		return cx_fail(cx, rc, _("The form has more than %d fields."), FORM_FIELDS_MAX);
	if (rc != RC_OK) return cx_fail(cx, rc, _("The form could not be read: its encoding is broken."));
	for (const struct pair *p = raw.first; p != NULL && rc == RC_OK; p = p->next)
		rc = field_add(cx, call, p->name, p->value);
	return rc;
}

static enum rc read_multipart(struct cx *cx, struct call *call, struct bytes body, const char *type)
{
	const char *boundary;
	enum rc rc = multipart_boundary(cx->arena, &boundary, type);

	if (rc == RC_OK) rc = multipart_parse(cx->arena, &call->parts, boundary, body);
	if (rc == RC_TOO_LARGE)
		return cx_fail(cx, rc, _("The form has more than %d fields."), FORM_FIELDS_MAX);
	if (rc != RC_OK)
		return cx_fail(cx, rc, _("The form could not be read: it is cut off or not well formed."));
	for (const struct part *p = call->parts; p != NULL && rc == RC_OK; p = p->next) {
		if (p->file_name != NULL) continue;
		if (!text_is_utf8(p->bytes.p, p->bytes.len))
			return cx_fail(cx, RC_BAD_INPUT,
				       _("The form could not be read: its encoding is broken."));
		if (p->bytes.len > FORM_TEXT_MAX)
			return cx_fail_field(cx, p->name, _("The text is too long."));
		rc = field_add(cx, call, p->name, arena_bytes(cx->arena, p->bytes.p, p->bytes.len));
	}
	return rc;
}

/* A JSON scalar as the text a form would have sent; NULL for maps and lists. */
static const char *scalar_text(struct cx *cx, const struct value *v)
{
	char text[40];

	switch (v->type) {
	case VALUE_NULL: return "";
	case VALUE_BOOL: return v->boolean ? "1" : "0";
	case VALUE_INT: return arena_printf(cx->arena, "%lld", (long long)v->integer);
	case VALUE_REAL:
		for (int digits = 15; digits <= 17; digits++) { /* the shortest that reads back the same */
			double back = 0;

			snprintf(text, sizeof text, "%.*g", digits, v->real);
			if (sscanf(text, "%lf", &back) == 1 && back >= v->real && back <= v->real) break;
		}
		return arena_text(cx->arena, text);
	case VALUE_TEXT: return v->text;
	default: return NULL;
	}
}

static enum rc read_json(struct cx *cx, struct call *call, struct bytes body)
{
	size_t at = 0;
	enum rc rc = json_parse(cx->arena, &call->json, &at, body.p, body.len);

	if (rc == RC_BAD_INPUT) {
		cx->error_code = "bad_json";
		return cx_fail(cx, rc, _("The JSON is not well formed at byte %zu."), at);
	}
	if (rc != RC_OK) return rc;
	if (call->json->type != VALUE_MAP) return RC_OK; /* form_json() still has it */
	for (const struct value *v = call->json->first; v != NULL && rc == RC_OK; v = v->next) {
		const char *text = scalar_text(cx, v);

		if (text != NULL) rc = field_add(cx, call, v->key, text);
		for (const struct value *i = v->first; v->type == VALUE_LIST && i != NULL && rc == RC_OK;
		     i = i->next) {
			text = scalar_text(cx, i);
			if (text != NULL) rc = field_add(cx, call, v->key, text);
		}
	}
	return rc;
}

static bool type_is(const char *type, const char *want)
{
	size_t len = strlen(want);

	return strncasecmp(type, want, len) == 0 &&
	       (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

static enum rc read_body(struct cx *cx, struct call *call)
{
	struct bytes body = request_body(call->rq);
	const char *type = request_header(call->rq, "Content-Type");

	if (body.len == 0) return RC_OK;
	cx->error_code = UNSUPPORTED;
	if (type == NULL) return cx_fail(cx, RC_BAD_INPUT, _("The body has no Content-Type."));
	cx->error_code = NULL;
	if (type_is(type, "application/x-www-form-urlencoded")) return read_urlencoded(cx, call, body);
	if (type_is(type, "multipart/form-data")) return read_multipart(cx, call, body, type);
	if (type_is(type, "application/json")) return read_json(cx, call, body);
	cx->error_code = UNSUPPORTED;
	return cx_fail(cx, RC_BAD_INPUT, _("The body is neither a form nor JSON: check its Content-Type."));
}

enum rc form_read(struct cx *cx, struct call *call)
{
	if (!call->has_form) {
		call->has_form = true;
		call->form_rc = read_body(cx, call);
		if (call->form_rc == RC_OK && arena_failed(cx->arena)) call->form_rc = RC_NO_MEMORY;
		if (call->form_rc != RC_OK) {
			pairs_init(&call->fields);
			call->parts = NULL;
			call->json = NULL;
		}
	}
	return call->form_rc;
}

const char *form_text(struct call *call, const char *name)
{
	if (form_read(call->cx, call) != RC_OK) return NULL;
	return pairs_get(&call->fields, name);
}

size_t form_count(struct call *call, const char *name)
{
	size_t n = 0;

	if (form_read(call->cx, call) == RC_OK)
		for (const struct pair *p = call->fields.first; p != NULL; p = p->next)
			n += strcmp(p->name, name) == 0;
	return n;
}

const char *form_text_at(struct call *call, const char *name, size_t i)
{
	if (form_read(call->cx, call) == RC_OK)
		for (const struct pair *p = call->fields.first; p != NULL; p = p->next)
			if (strcmp(p->name, name) == 0 && i-- == 0) return p->value;
	return NULL;
}

const struct value *form_json(struct call *call)
{
	return form_read(call->cx, call) == RC_OK ? call->json : NULL;
}

/* The bytes of a part as a file of their own, so that they can be stored without a copy in memory. */
static int part_fd(struct call *call, const struct part *part)
{
	const char *spool = arena_printf(call->cx->arena, "%s/spool", call->cx->env->dir);
	int fd = call->upload_count < UPLOADS_MAX ? open(spool, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;

	if (fd < 0) return -1;
	for (size_t done = 0; done < part->bytes.len;) {
		ssize_t n = write(fd, part->bytes.p + done, part->bytes.len - done);

		if (n < 0) {
			close(fd);
			return -1;
		}
		done += (size_t)n;
	}
	(void)lseek(fd, 0, SEEK_SET);
	call->upload_fds[call->upload_count++] = fd;
	return fd;
}

bool form_upload(struct call *call, const char *name, struct upload *out)
{
	if (form_read(call->cx, call) != RC_OK) return false;
	for (const struct part *p = call->parts; p != NULL; p = p->next) {
		/* A file field left empty comes without a name and without bytes. */
		if (p->file_name == NULL || strcmp(p->name, name) != 0 ||
		    (p->file_name[0] == '\0' && p->bytes.len == 0))
			continue;
		*out = (struct upload){ .name = cleaned(call->cx, p->file_name),
					.media_type = p->media_type,
					.bytes = p->bytes,
					.fd = part_fd(call, p) };
		return true;
	}
	return false;
}

void form_end(struct call *call)
{
	for (size_t i = 0; i < call->upload_count; i++)
		close(call->upload_fds[i]);
	call->upload_count = 0;
}
