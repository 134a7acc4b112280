/*
** answer.c -- what a handler answers: a page, JSON, a file, another address, a failure.
**
** Needs:  layout.c for the page around the page.
** Never:  asks the database.
** Holds:  (1) one answer a call, the last one wins; (2) a failure has one sentence and the fields that are
** wrong;
**         (3) an address to go to is always one of this house.
*/
#include "web/inside.h"
#include "base/template.h"
#include "base/text.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a person sees behind the log-in stays out of caches and of the back button */
#define PRIVATE   "no-store"
#define REFRESH_S "5" /* a busy machine is not asked again at once by every open window */

static void answered(struct call *call, int status)
{
	call->has_answer = true;
	reply_status(call->rp, status);
}

static void give(struct call *call, const char *media_type, struct sb *sb)
{
	if (sb_result(sb) != RC_OK || sb->p == NULL) {
		log_event(LOG_ERROR, "errors", "web.answer", "path=%s why=%s", call_path(call),
			  rc_row(sb_result(sb))->name);
		reply_status(call->rp, 503);
		reply_body(call->rp, "text/plain; charset=utf-8", "", 0);
		sb_free(sb);
		return;
	}
	reply_take(call->rp, media_type, sb->p, sb->len);
	sb->p = NULL;
	sb_free(sb);
}

static bool is_refused(const struct cx *cx, const struct call *call)
{
	const char *method = call_method(call);

	return (cx->message[0] != '\0' || cx->field_count > 0) && strcmp(method, "GET") != 0 &&
	       strcmp(method, "HEAD") != 0;
}

void answer_page(struct cx *cx, struct call *call, const char *template, const char *title,
		 struct value *data)
{
	const struct template *t;
	struct sb body;

	if (data == NULL) data = value_map(cx->arena);
	if (call->match->shape == SHAPE_JSON && is_refused(cx, call)) { /* a form that comes back */
		answer_failure(cx, call, RC_BAD_INPUT);
		return;
	}
	if (call->match->shape == SHAPE_JSON) {
		shape_json(cx, data);
		answer_json(cx, call, 200, data);
		return;
	}
	if (call->match->shape != SHAPE_PAGE) {
		answer_failure(cx, call, RC_NOT_FOUND);
		return;
	}
	t = page_template(cx->lang, template);
	if (t == NULL) {
		answer_failure(cx, call, RC_BUG);
		return;
	}
	value_set_text(cx->arena, data, "csrf", call->login.csrf);
	value_set_text(cx->arena, data, "lang", words_code(cx->lang));
	value_set_text(cx->arena, data, "path", call_path(call));
	sb_init_arena(&body, cx->arena, PAGE_MAX);
	template_render(&body, t, data);
	if (sb_result(&body) != RC_OK || arena_failed(cx->arena)) {
		answer_failure(cx, call, RC_NO_MEMORY);
		return;
	}
	answered(call, 200);
	layout_answer(cx, call, words_get(cx->lang, title), sb_text_of(&body));
}

void answer_alone(struct cx *cx, struct call *call, const char *template, const char *title,
		  struct value *data)
{
	call->is_alone = true;
	answer_page(cx, call, template, title, data);
}

void answer_redirect(struct cx *cx, struct call *call, const char *path)
{
	if (call->match->shape == SHAPE_JSON) { /* a program reads where; it does not follow to a page */
		struct value *there = value_map(cx->arena);

		value_set_text(cx->arena, there, "path", path_safe(path));
		answer_json(cx, call, 200, there);
		return;
	}
	answered(call, 303);
	headers_common(call, PRIVATE);
	reply_header(call->rp, "Location", path_safe(path));
	reply_body(call->rp, "text/plain; charset=utf-8", "", 0);
}

void answer_flash(struct cx *cx, struct call *call, const char *path, const char *sentence)
{
	char cut[FLASH_MAX / 3 + 1]; /* percent-encoding makes at most three of one byte */
	size_t len = strlen(sentence);

	if (call->match->shape == SHAPE_JSON) { /* a program has no next page */
		struct value *done = value_map(cx->arena);

		value_set_text(cx->arena, done, "message", sentence);
		value_set_text(cx->arena, done, "path", path);
		answer_json(cx, call, 200, done);
		return;
	}
	if (len >= sizeof cut) {
		len = sizeof cut - 1;
		while (len > 0 && ((unsigned char)sentence[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(cut, sentence, len);
	cut[len] = '\0';
	cookie_set(call, FLASH_COOKIE, query_escaped(cx->arena, cut), 60);
	answer_redirect(cx, call, path);
}

static void fields_into(struct cx *cx, struct value *fields)
{
	for (size_t i = 0; i < cx->field_count; i++)
		value_set_text(cx->arena, fields, cx->fields[i].field, cx->fields[i].message);
}

static void retry_after(struct call *call, enum rc rc)
{
	if ((rc == RC_TOO_MANY || rc == RC_TRY_LATER) &&
	    pairs_header(&call->rp->headers, "Retry-After") == NULL)
		reply_header(call->rp, "Retry-After", rc == RC_TOO_MANY ? "10" : "2");
}

/* A page that is not there only because the machine is busy shows itself as soon as it can: browsers do not
** follow Retry-After, and whoever looked would go on looking at the refusal. */
static void look_again(struct call *call, enum rc rc)
{
	bool is_get = strcmp(call_method(call), "GET") == 0 && !call->is_head;

	if (rc == RC_TRY_LATER && is_get && !call->wants_json) reply_header(call->rp, "Refresh", REFRESH_S);
}

/* Every refusal of the API has one shape, whatever the handler says besides. */
static void error_added(struct cx *cx, struct call *call, int status, struct value *data)
{
	static const struct {
		int status;
		enum rc rc;
	} rows[] = { { 401, RC_NO_LOGIN },  { 403, RC_DENIED },   { 404, RC_NOT_FOUND }, { 409, RC_CONFLICT },
		     { 413, RC_TOO_LARGE }, { 429, RC_TOO_MANY }, { 503, RC_TRY_LATER }, { 500, RC_BUG } };
	const struct value *said = value_get(data, "error");
	const char *sentence = value_text_of(said, value_text_of(value_get(data, "message"), ""));
	enum rc rc = RC_BAD_INPUT;
	struct value *error;

	if (data->type != VALUE_MAP || (said != NULL && said->type == VALUE_MAP)) return;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].status == status) rc = rows[i].rc;
	error = value_set_map(cx->arena, data, "error");
	value_set_text(cx->arena, error, "code", cx->error_code != NULL ? cx->error_code : rc_row(rc)->name);
	value_set_text(cx->arena, error, "message", sentence[0] != '\0' ? sentence : cx_sentence(cx, rc));
	fields_into(cx, value_set_map(cx->arena, error, "fields"));
	retry_after(call, rc);
}

void answer_json(struct cx *cx, struct call *call, int status, const struct value *data)
{
	struct sb sb;

	if (status >= 400 && call->match->shape == SHAPE_JSON)
		error_added(cx, call, status, (struct value *)(uintptr_t)data);
	sb_init(&sb, JSON_MAX);
	json_write(&sb, data);
	sb_char(&sb, '\n');
	answered(call, status);
	headers_common(call, PRIVATE);
	give(call, "application/json", &sb);
}

void answer_text(struct cx *cx, struct call *call, int status, const char *media_type, const char *text)
{
	(void)cx;
	answered(call, status);
	headers_common(call, PRIVATE);
	reply_body(call->rp, media_type, text, strlen(text));
}

void answer_frame(struct cx *cx, struct call *call, const char *html)
{
	call->is_frame = true;
	answer_text(cx, call, 200, "text/html; charset=utf-8", html);
}

/* RFC 6266 with RFC 8187: an ASCII name for old readers, the real one beside it. */
static const char *disposition(struct cx *cx, const char *file_name)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 4096);
	sb_lit(&sb, "attachment; filename=\"");
	for (const char *p = file_name; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if ((c & 0xc0) != 0x80) /* one character of any alphabet is one _ */
			sb_char(&sb, c < 0x20 || c >= 0x7f || strchr("\"\\%/", c) != NULL ? '_' : (char)c);
	}
	sb_lit(&sb, "\"; filename*=UTF-8''");
	sb_url(&sb, file_name, strlen(file_name));
	return sb_text_of(&sb);
}

void answer_download(struct cx *cx, struct call *call, int fd, const char *media_type, const char *file_name)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		close(fd);
		answer_failure(cx, call, RC_IO);
		return;
	}
	answered(call, 200);
	headers_common(call, PRIVATE);
	reply_header(call->rp, "Content-Disposition", disposition(cx, file_name));
	reply_file(call->rp, media_type, fd, st.st_size);
}

void answer_header(struct call *call, const char *name, const char *value)
{
	reply_header(call->rp, name, value);
}

void answer_later(struct call *call, int ms)
{
	call->has_answer = true;
	reply_park(call->rp, ms);
}

/* Failures */

static void failure_json(struct cx *cx, struct call *call, int status, const char *code, const char *sentence)
{
	struct value *all = value_map(cx->arena), *error = value_set_map(cx->arena, all, "error");

	value_set_text(cx->arena, error, "code", code);
	value_set_text(cx->arena, error, "message", sentence);
	fields_into(cx, value_set_map(cx->arena, error, "fields"));
	answer_json(cx, call, status, all);
}

/* What happened in two words, and what to do when the sentence alone leaves a person standing there. */
static const struct error_words {
	int status;
	const char *title, *hint;
} error_words[] = {
	{ 400, N_("This request cannot be understood"), N_("Go back and try once more.") },
	{ 401, N_("Log in first"), NULL },
	{ 403, N_("Not allowed"), N_("The owner of this house can give you the right, under Roles.") },
	{ 404, N_("Not found"),
	  N_("It may have been archived, or the address was cut off. Search for it in its list.") },
	{ 405, N_("Not possible this way"), NULL },
	{ 409, N_("It changed in the meantime"), N_("Go back, load the page again and look once more.") },
	{ 413, N_("Too large"), NULL },
	{ 414, N_("This request cannot be understood"), NULL },
	{ 429, N_("Too many attempts"), N_("Wait a moment; nothing was lost.") },
	{ 431, N_("This request cannot be understood"), NULL },
	{ 503, N_("Not right now"), N_("Try again in a few seconds; what you sent was not saved.") },
};

static const struct error_words *words_of(int status)
{
	static const struct error_words ours = {
		0, N_("Something went wrong"),
		N_("It is our fault, not yours, and it is written down. What was saved before is safe.")
	};

	for (size_t i = 0; i < sizeof error_words / sizeof *error_words; i++)
		if (error_words[i].status == status) return &error_words[i];
	return &ours;
}

/* Nobody else's page may put words into ours. */
static bool is_own_form(struct call *call)
{
	const char *origin = request_header(call->rq, "Origin"), *host = request_header(call->rq, "Host");

	origin = origin != NULL ? strstr(origin, "://") : NULL;
	return origin != NULL && host != NULL && strcmp(origin + 3, host) == 0;
}

static bool is_secret(const char *name)
{
	static const char *const parts[] = { "csrf", "pass", "secret", "token", "key", "code" };

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (strstr(name, parts[i]) != NULL) return true;
	return false;
}

/* Logged out in another tab: what was typed in this one is given back, to be copied. */
static void add_typed(struct cx *cx, struct call *call, struct value *data)
{
	struct value *list = value_set_list(cx->arena, data, "typed");

	if (!is_own_form(call) || form_read(cx, call) != RC_OK) return;
	for (const struct pair *p = call->fields.first; p != NULL; p = p->next) {
		struct value *one;

		if (p->value[0] == '\0' || is_secret(p->name)) continue;
		one = value_add_map(cx->arena, list);
		value_set_text(cx->arena, one, "name", p->name);
		value_set_text(cx->arena, one, "text", p->value);
	}
}

void answer_error(struct cx *cx, struct call *call, int status, const char *code, const char *sentence)
{
	const struct error_words *words = words_of(status);
	const char *title = words_get(cx->lang, words->title);
	struct value *data = value_map(cx->arena), *list;
	const struct template *t;
	struct sb body;
	bool has_hint;

	if (call->wants_json) {
		failure_json(cx, call, status, code, sentence);
		return;
	}
	answered(call, status);
	t = page_template(cx->lang, "web/error");
	value_set_text(cx->arena, data, "title", title);
	value_set_text(cx->arena, data, "sentence", sentence);
	/* Roles mean nothing to who is not logged in: an old link for a new password, a machine shut out. */
	has_hint = words->hint != NULL && (status != 403 || cx->actor.user_id != 0);
	value_set_text(cx->arena, data, "hint", has_hint ? words_get(cx->lang, words->hint) : "");
	value_set_int(cx->arena, data, "status", status);
	value_set_bool(cx->arena, data, "is_log_in", status == 401);
	value_set_text(cx->arena, data, "request_id", cx->request_id);
	value_set_bool(cx->arena, data, "is_ours", status >= 500);
	list = value_set_list(cx->arena, data, "fields");
	for (size_t i = 0; i < cx->field_count; i++) {
		struct value *f = value_add_map(cx->arena, list);

		value_set_text(cx->arena, f, "field", cx->fields[i].field);
		value_set_text(cx->arena, f, "message", cx->fields[i].message);
	}
	if (status == 401) add_typed(cx, call, data);
	sb_init_arena(&body, cx->arena, PAGE_MAX);
	if (t != NULL) template_render(&body, t, data);
	if (t == NULL || sb_result(&body) != RC_OK) { /* no memory for a page: the sentence alone */
		headers_common(call, PRIVATE);
		reply_body(call->rp, "text/plain; charset=utf-8", sentence, strlen(sentence));
		return;
	}
	layout_answer(cx, call, title, sb_text_of(&body));
}

static void go_to_log_in(struct cx *cx, struct call *call)
{
	const char *path = request_path(call->rq), *query = request_query_raw(call->rq);
	const char *next = arena_printf(cx->arena, "%s%s%s", path, query[0] != '\0' ? "?" : "", query);
	bool is_get = strcmp(call_method(call), "GET") == 0 || call->is_head;

	if (!is_get && strcmp(path, "/logout") != 0)
		answer_error(
			cx, call, 401, "no_login",
			_("You are not logged in any more, so nothing of this was saved. Log in and do it again."));
	else if (!is_get || strcmp(path, "/") == 0)
		answer_redirect(cx, call, "/login");
	else
		answer_redirect(cx, call,
				arena_printf(cx->arena, "/login?next=%s", query_escaped(cx->arena, next)));
}

/* The few codes whose status is not that of their rc. */
static int status_of(const struct cx *cx, const struct rc_row *row)
{
	if (cx->error_code != NULL && strcmp(cx->error_code, "unsupported_media_type") == 0) return 415;
	return row->http;
}

void answer_staged(struct cx *cx, struct call *call, enum rc rc)
{
	const struct rc_row *row = rc_row(rc);

	call->is_staged = true;
	retry_after(call, rc);
	answer_error(cx, call, row->http, row->name, cx_sentence(cx, rc));
}

/* The shape that callers of an old system read (spec bulk-sends §18). */
static void answer_flat(struct cx *cx, struct call *call, int status, const char *code, const char *sentence)
{
	struct value *data = value_map(cx->arena);
	struct sb sb;

	value_set_bool(cx->arena, data, "ok", false);
	value_set_text(cx->arena, data, "error", sentence);
	value_set_text(cx->arena, data, "error_code", code);
	if (cx->field_count > 0) fields_into(cx, value_set_map(cx->arena, data, "fields"));
	sb_init_arena(&sb, cx->arena, 64 * 1024);
	json_write(&sb, data);
	answer_text(cx, call, status, "application/json", sb_text_of(&sb));
}

void answer_failure(struct cx *cx, struct call *call, enum rc rc)
{
	const struct rc_row *row = rc_row(rc);
	const struct route *route = call->match != NULL ? call->match->route : NULL;
	bool is_flat = route != NULL && route->has_flat_errors;

	if (rc == RC_NO_LOGIN && !call->wants_json && !is_flat) {
		go_to_log_in(cx, call);
		return;
	}
	if (rc == RC_NO_LOGIN) reply_header(call->rp, "WWW-Authenticate", "Bearer");
	retry_after(call, rc);
	if (!is_flat) look_again(call, rc);
	if (row->http >= 500)
		log_event(LOG_ERROR, "errors", "web.failure", "request=%s method=%s path=%s code=%s",
			  cx->request_id, call_method(call), call_path(call), row->name);
	if (is_flat) {
		answer_flat(cx, call, status_of(cx, row), cx->error_code != NULL ? cx->error_code : row->name,
			    cx_sentence(cx, rc));
		return;
	}
	answer_error(cx, call, status_of(cx, row), cx->error_code != NULL ? cx->error_code : row->name,
		     cx_sentence(cx, rc));
}
