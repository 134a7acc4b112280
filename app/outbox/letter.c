/*
** letter.c -- what all messages of a mailing share: written once, read and compiled once, then rendered for
** each of them.
**
** Owns:   the tables letter and letter_file; the engine's cache of letters.
** Needs:  base/template.h for the language of the texts; files.h for where attachments lie.
** Never:  changes a letter; writes to a person.
** Holds:  (1) what is stored was compiled once without an error; (2) a letter that is kept never goes stale,
**         because letters do not change; (3) that a batch has none is kept too: a letter comes before the
**         first message.
*/
#include "outbox/letter.h"
#include "base/mem.h"
#include "base/template.h"
#include "files/files.h"

#include <string.h>

#define LETTER_ARENA ((size_t)64 * 1024)       /* addresses, names, paths of ten files                  */
#define MODEL_ARENA  ((size_t)4 * 1024 * 1024) /* variables of one message: 64 kB as a tree at worst    */

/* Writing */

static enum rc compile(struct template **out, const char *text, enum template_mode mode,
		       struct template_error *err)
{
	struct template_options o = { .mode = mode, .is_users = true };

	*out = NULL;
	return text == NULL ? RC_OK : template_compile(out, err, text, &o);
}

/* Who saves a template checks it with its place; here only that nothing unreadable waits for the engine. */
static enum rc check_text(struct cx *cx, const char *text, enum template_mode mode)
{
	struct template_error err = { .msgid = "" };
	struct template *t = NULL;
	enum rc rc = compile(&t, text, mode, &err);

	template_free(t);
	if (rc != RC_BAD_INPUT) return rc;
	return cx_fail(cx, rc, _("The text of the mailing cannot be read at line %zu."), err.line);
}

static enum rc add_files(struct cx *cx, int64_t batch_id, const struct letter_new *l)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < l->file_count; i++)
		rc = db_run(
			cx,
			"INSERT INTO letter_file (batch_id, position, file_id) VALUES (:batch, :position, :file)",
			PARAMS(P_INT(":batch", batch_id), P_INT(":position", (int64_t)i),
			       P_INT(":file", l->files[i])));
	return rc;
}

enum rc letter_add(struct cx *cx, int64_t batch_id, const struct letter_new *l)
{
	bool is_theirs = l->provider_template != NULL && l->provider_template[0] != '\0';
	enum rc rc = RC_OK;

	if (l->from_email == NULL || l->from_email[0] == '\0' || l->file_count > MESSAGE_FILES_MAX)
		return RC_BUG;
	if (is_theirs ? l->html != NULL || l->text != NULL
		      : l->subject == NULL || (l->html == NULL && l->text == NULL))
		return RC_BUG;
	if (!is_theirs) rc = check_text(cx, l->subject, TEMPLATE_SUBJECT);
	if (rc == RC_OK) rc = check_text(cx, l->html, TEMPLATE_HTML);
	if (rc == RC_OK) rc = check_text(cx, l->text, TEMPLATE_TEXT);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO letter (batch_id, from_email, from_name, reply_to, provider_template, subject, html,"
			" text, list_name, has_unsubscribe, created_at) VALUES (:batch, :from, :name, :reply, :template,"
			" :subject, :html, :text, :list, :unsubscribe, :now)",
			PARAMS(P_INT(":batch", batch_id), P_TEXT(":from", l->from_email),
			       P_TEXT(":name", l->from_name ? l->from_name : ""),
			       P_TEXT(":reply", l->reply_to ? l->reply_to : ""),
			       P_TEXT(":template", is_theirs ? l->provider_template : ""),
			       P_TEXT(":subject", l->subject), P_TEXT(":html", l->html),
			       P_TEXT(":text", l->text), P_TEXT(":list", l->list_name ? l->list_name : ""),
			       P_INT(":unsubscribe", l->has_unsubscribe), P_INT(":now", cx_now(cx))));
	return rc == RC_OK ? add_files(cx, batch_id, l) : rc;
}

/* The cache */

struct letter_cache {
	struct letter_kept kept[LETTERS_KEPT];
	uint64_t uses;
	struct arena *model;
	struct sb subject, html, text;
};

struct letter_cache *letter_cache_new(void)
{
	struct letter_cache *c = mem_zeroed(sizeof(*c));

	if (c == NULL) return NULL;
	sb_init(&c->subject, LETTER_RENDERED_MAX);
	sb_init(&c->html, LETTER_RENDERED_MAX);
	sb_init(&c->text, LETTER_RENDERED_MAX);
	return c;
}

static void let_go(struct letter_kept *k)
{
	template_free(k->subject);
	template_free(k->html);
	template_free(k->text);
	sb_free(&k->prepared);
	arena_free(k->arena);
	memset(k, 0, sizeof(*k));
}

void letter_cache_free(struct letter_cache *c)
{
	if (c == NULL) return;
	for (size_t i = 0; i < LETTERS_KEPT; i++)
		let_go(&c->kept[i]);
	sb_free(&c->subject);
	sb_free(&c->html);
	sb_free(&c->text);
	arena_free(c->model);
	mem_free(c);
}

/* Text of a column, in the letter's own memory. */
static const char *kept_text(struct letter_kept *k, const struct query *q, int i)
{
	return arena_text(k->arena, query_text(q, i));
}

static enum rc compile_texts(struct letter_kept *k, const char *subject, const char *html, const char *text)
{
	struct template_error err = { .msgid = "" };
	enum rc rc = compile(&k->subject, subject, TEMPLATE_SUBJECT, &err);

	if (rc == RC_OK) rc = compile(&k->html, html, TEMPLATE_HTML, &err);
	return rc == RC_OK ? compile(&k->text, text, TEMPLATE_TEXT, &err) : rc;
}

static enum rc read_letter(struct cx *cx, struct letter_kept *k)
{
	const char *subject = NULL, *html = NULL, *text = NULL;
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q,
			      "SELECT from_email, from_name, reply_to, provider_template, list_name,"
			      " has_unsubscribe, subject, html, text FROM letter WHERE batch_id = :batch",
			      PARAMS(P_INT(":batch", k->batch_id)));

	if (rc == RC_OK && query_next(q)) {
		k->is_there = true;
		k->letter = (struct letter){ .batch_id = k->batch_id,
					     .from_email = kept_text(k, q, 0),
					     .from_name = kept_text(k, q, 1),
					     .reply_to = kept_text(k, q, 2),
					     .provider_template = kept_text(k, q, 3),
					     .list_name = kept_text(k, q, 4),
					     .has_unsubscribe = query_int(q, 5) != 0 };
		if (!query_is_null(q, 6)) subject = query_copy(cx, q, 6);
		if (!query_is_null(q, 7)) html = query_copy(cx, q, 7);
		if (!query_is_null(q, 8)) text = query_copy(cx, q, 8);
	}
	rc = query_end(q, rc);
	if (rc != RC_OK || !k->is_there) return rc;
	if (k->letter.provider_template[0] == '\0') return compile_texts(k, subject, html, text);
	k->subject_text = subject != NULL ? arena_text(k->arena, subject) : NULL;
	return RC_OK;
}

static enum rc read_files(struct cx *cx, struct letter_kept *k)
{
	struct outgoing_file *files = arena_array(k->arena, MESSAGE_FILES_MAX, sizeof(*files));
	int64_t ids[MESSAGE_FILES_MAX];
	struct query *q = NULL;
	size_t count = 0;
	enum rc rc;

	if (files == NULL) return RC_NO_MEMORY;
	rc = db_query(
		cx, &q,
		"SELECT f.id, f.name, f.media_type, f.size FROM letter_file g CROSS JOIN file f ON f.id = g.file_id"
		" WHERE g.batch_id = :batch ORDER BY g.position",
		PARAMS(P_INT(":batch", k->batch_id)));
	while (rc == RC_OK && count < MESSAGE_FILES_MAX && query_next(q)) {
		ids[count] = query_int(q, 0);
		k->file_bytes += query_int(q, 3);
		files[count++] = (struct outgoing_file){ .name = kept_text(k, q, 1),
							 .media_type = kept_text(k, q, 2) };
	}
	rc = query_end(q, rc);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const char *path = "";

		rc = file_path(cx, &path, ids[i]);
		if (rc == RC_NOT_FOUND) k->is_file_gone = true;
		if (rc == RC_IO) k->is_file_away = true;
		if (rc == RC_NOT_FOUND || rc == RC_IO) rc = RC_OK;
		files[i].path = arena_text(k->arena, path);
	}
	k->letter.files = files;
	k->letter.file_count = count;
	return rc == RC_OK && arena_failed(k->arena) ? RC_NO_MEMORY : rc;
}

static enum rc read_into(struct cx *cx, struct letter_kept *k, int64_t batch_id)
{
	enum rc rc;

	let_go(k);
	k->batch_id = batch_id;
	sb_init(&k->prepared, LETTER_PREPARED_MAX);
	k->arena = arena_new(LETTER_ARENA);
	if (k->arena == NULL) return RC_NO_MEMORY;
	rc = read_letter(cx, k);
	if (rc == RC_OK && k->is_there) rc = read_files(cx, k);
	if (rc != RC_OK || k->is_there) return rc;
	arena_free(k->arena);
	k->arena = NULL;
	return RC_OK;
}

enum rc letter_of(struct cx *cx, struct letter_cache *c, struct letter_kept **out, int64_t batch_id)
{
	struct letter_kept *k = &c->kept[0];
	enum rc rc = RC_OK;

	for (size_t i = 0; i < LETTERS_KEPT && k->batch_id != batch_id; i++)
		if (c->kept[i].batch_id == batch_id || c->kept[i].used < k->used) k = &c->kept[i];
	/* A disk that was away may be back. */
	if (k->batch_id != batch_id || k->is_file_away) rc = read_into(cx, k, batch_id);
	if (rc != RC_OK) {
		let_go(k);
		return rc;
	}
	k->used = ++c->uses;
	*out = k->is_there ? k : NULL;
	return RC_OK;
}

enum rc letter_prepare(struct letter_kept *k, const struct channel_kind *kind,
		       const struct channel_config *cf)
{
	enum rc rc;

	if (k->is_prepared || kind->prepare_letter == NULL) return RC_OK;
	sb_clear(&k->prepared);
	rc = kind->prepare_letter(&k->prepared, cf, &k->letter);
	if (rc == RC_OK) rc = sb_result(&k->prepared);
	if (rc != RC_OK) return rc;
	k->is_prepared = true;
	k->letter.prepared = k->prepared.len > 0 ? sb_text_of(&k->prepared) : NULL;
	k->letter.prepared_len = k->prepared.len;
	return RC_OK;
}

/* Rendering */

static void set_missing(struct arena *a, struct value *model, const char *name, const char *text)
{
	if (value_get(model, name) == NULL) value_set_lent(a, model, name, text);
}

static enum rc read_model(struct letter_cache *c, struct value **out, const struct outgoing *o)
{
	struct arena *a;
	enum rc rc = RC_OK;

	if (c->model == NULL) c->model = arena_new(MODEL_ARENA);
	a = c->model;
	if (a == NULL) return RC_NO_MEMORY;
	arena_reset(a);
	if (o->variables_json != NULL)
		rc = json_parse(a, out, NULL, o->variables_json, strlen(o->variables_json));
	else
		*out = value_map(a);
	if (rc == RC_OK && (*out)->type != VALUE_MAP) rc = RC_BAD_INPUT;
	if (rc != RC_OK) return rc;
	set_missing(a, *out, "email", o->to);
	set_missing(a, *out, "baja", o->unsubscribe_url != NULL ? o->unsubscribe_url : "");
	set_missing(a, *out, "unsubscribe_url", o->unsubscribe_url != NULL ? o->unsubscribe_url : "");
	return arena_failed(a) ? RC_NO_MEMORY : RC_OK;
}

static enum rc render(struct sb *sb, const char **out, const struct template *t, const struct value *model)
{
	*out = NULL;
	if (t == NULL) return RC_OK;
	sb_clear(sb);
	template_render(sb, t, model);
	*out = sb_text_of(sb);
	return sb_result(sb);
}

enum rc letter_render(struct letter_cache *c, const struct letter_kept *k, struct outgoing *o)
{
	struct value *model = NULL;
	enum rc rc;

	o->letter = &k->letter;
	if (k->letter.provider_template[0] != '\0') {
		o->subject = k->subject_text;
		o->html = NULL;
		o->text = "";
		return RC_OK;
	}
	rc = read_model(c, &model, o);
	if (rc == RC_OK) rc = render(&c->subject, &o->subject, k->subject, model);
	if (rc == RC_OK) rc = render(&c->html, &o->html, k->html, model);
	if (rc == RC_OK) rc = render(&c->text, &o->text, k->text, model);
	if (o->text == NULL) o->text = "";
	return rc;
}

/* Showing */

static enum rc read_message(struct cx *cx, struct outgoing *o, int64_t *batch, int64_t id)
{
	struct query *q = NULL;
	enum rc rc =
		db_query(cx, &q,
			 "SELECT m.batch_id, m.variables_json, c.address, c.id, c.public_id FROM message m"
			 " CROSS JOIN contact c ON c.id = m.contact_id WHERE m.id = :id",
			 PARAMS(P_INT(":id", id)));
	const char *public_id = "";
	int64_t contact = 0;

	if (rc == RC_OK && query_next(q)) {
		*batch = query_int(q, 0);
		o->variables_json = query_is_null(q, 1) ? NULL : query_copy(cx, q, 1);
		o->to = query_copy(cx, q, 2);
		contact = query_int(q, 3);
		public_id = query_copy(cx, q, 4);
	}
	rc = query_end(q, rc);
	if (rc != RC_OK) return rc;
	if (*batch == 0) return RC_NOT_FOUND;
	o->unsubscribe_url = unsubscribe_url(cx, contact, public_id);
	return RC_OK;
}

enum rc letter_show(struct cx *cx, struct letter_shown *out, int64_t message_id)
{
	struct letter_cache *c = letter_cache_new();
	struct letter_kept *k = NULL;
	struct outgoing o = { .to = "" };
	int64_t batch = 0;
	enum rc rc = c != NULL ? read_message(cx, &o, &batch, message_id) : RC_NO_MEMORY;

	if (rc == RC_OK) rc = letter_of(cx, c, &k, batch);
	if (rc == RC_OK && k == NULL) rc = RC_NOT_FOUND;
	if (rc == RC_OK && o.variables_json == NULL) rc = RC_BAD_INPUT;
	if (rc == RC_OK) {
		if (!k->letter.has_unsubscribe) o.unsubscribe_url = NULL;
		rc = letter_render(c, k, &o);
	}
	if (rc == RC_OK) {
		bool is_theirs = k->letter.provider_template[0] != '\0';

		out->subject = arena_text(cx->arena, o.subject);
		out->html = arena_text(cx->arena, o.html);
		out->text = arena_text(cx->arena, is_theirs ? o.variables_json : o.text);
	}
	letter_cache_free(c);
	return rc;
}
