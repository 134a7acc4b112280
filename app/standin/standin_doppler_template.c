/*
** standin_doppler_template.c -- templates of the stand-in's Doppler Relay (contracts/doppler-relay.md §6).
**
** Always there after a reset, in this order (`recado standin --numbers` prints them):
**   11111111-1111-4111-8111-111111111111  Aviso de saldo: body inside, wants {{nombre}} and {{Valor}}
**   22222222-2222-4222-8222-222222222222  Bienvenida: links only, body by its own call, wants {{nombre}}
**   33333333-3333-4333-8333-333333333333  Cuerpo roto: links only, its body answers 500
**   44444444-4444-4444-8444-444444444444  Editor visual: made with the visual editor, wants nothing
**
** Owns:   the templates; what calls make, at most DOPPLER_TEMPLATES_MAX with DOPPLER_HTML_MAX bytes each and
**         HTML_ALL_MAX together.
** Needs:  the lock held by its caller.
** Holds:  extra_templates are only in the list: their ids lead nowhere.
*/
#include "base/mem.h"
#include "standin/standin_doppler.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MAX   ((size_t)1024 * 1024)
#define HTML_ALL_MAX ((size_t)4 * 1024 * 1024)
#define PAGE_USUAL   20 /* contract §6, pagination */
#define PAGE_LEAST   5
#define PAGE_MOST    200

static const struct {
	const char *id, *name, *subject, *html, *kind;
	bool is_inline, is_body_broken;
} built_in[] = {
	{ "11111111-1111-4111-8111-111111111111", "Aviso de saldo", "Tu saldo, {{nombre}}",
	  "<html><body><p>Hola {{ nombre }}, tu saldo es {{Valor}}.</p></body></html>", "rawHtml", true,
	  false },
	{ "22222222-2222-4222-8222-222222222222", "Bienvenida", "Te damos la bienvenida",
	  "<html><body><p>Hola {{nombre}}, gracias por venir.</p></body></html>", "rawHtml", false, false },
	{ "33333333-3333-4333-8333-333333333333", "Cuerpo roto", "No se puede leer", "<p>Nadie lo ve</p>",
	  "rawHtml", false, true },
	{ "44444444-4444-4444-8444-444444444444", "Editor visual", "Boletín",
	  "<html><body><table><tr><td>Novedades del mes</td></tr></table></body></html>", "mseditor", false,
	  false },
};
#define BUILT_IN (sizeof(built_in) / sizeof(*built_in))

const char *doppler_template_line(size_t i)
{
	return i < BUILT_IN ? built_in[i].id : NULL;
}

const char *doppler_template_name(size_t i)
{
	return i < BUILT_IN ? built_in[i].name : NULL;
}

/* Life */

void doppler_templates_reset(struct doppler_stand *d)
{
	for (size_t i = 0; i < d->template_count; i++)
		mem_free(d->templates[i].html);
	mem_free(d->templates);
	d->templates = NULL;
	d->template_count = 0;
	d->has_templates = false;
}

static void put(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
}

/* When they are first asked for: a stand-in that nobody uses so costs nothing. */
static void make(struct doppler_stand *d, instant now)
{
	if (d->has_templates) return;
	d->templates = mem_zeroed(DOPPLER_TEMPLATES_MAX * sizeof(*d->templates));
	if (d->templates == NULL) return;
	d->has_templates = true;
	for (size_t i = 0; i < BUILT_IN; i++) {
		struct doppler_template_row *t = &d->templates[i];

		put(t->id, sizeof(t->id), built_in[i].id);
		put(t->name, sizeof(t->name), built_in[i].name);
		put(t->subject, sizeof(t->subject), built_in[i].subject);
		put(t->from_name, sizeof(t->from_name), "Empresa Ejemplo");
		put(t->from_email, sizeof(t->from_email), "avisos@example.com");
		t->html = mem_text(built_in[i].html);
		t->kind = built_in[i].kind;
		t->is_inline = built_in[i].is_inline;
		t->is_body_broken = built_in[i].is_body_broken;
		t->updated = now;
	}
	d->template_count = BUILT_IN;
}

static struct doppler_template_row *find(struct doppler_stand *d, instant now, const char *id, size_t len)
{
	make(d, now);
	for (size_t i = 0; i < d->template_count; i++)
		if (strlen(d->templates[i].id) == len && memcmp(d->templates[i].id, id, len) == 0)
			return &d->templates[i];
	return NULL;
}

const struct doppler_template_row *doppler_template_find(struct doppler_stand *d, instant now, const char *id,
							 size_t len)
{
	return find(d, now, id, len);
}

/* Answers */

static void member(struct sb *b, const char *name, const char *text)
{
	sb_text(b, name);
	sb_json(b, text, strlen(text));
}

static void put_template(struct doppler_rq *q, struct sb *b, const struct doppler_template_row *t,
			 bool is_whole)
{
	char at[RFC3339_SIZE];

	instant_text(at, t->updated);
	member(b, "{\"id\":", t->id);
	member(b, ",\"name\":", t->name);
	member(b, ",\"subject\":", t->subject);
	member(b, ",\"from_name\":", t->from_name);
	member(b, ",\"from_email\":", t->from_email);
	member(b, ",\"created_at\":", at);
	member(b, ",\"last_updated\":", at);
	member(b, ",\"bodyType\":", t->kind);
	if (is_whole && t->is_inline) member(b, ",\"body\":", t->html != NULL ? t->html : "");
	sb_printf(
		b,
		",\"_links\":[{\"href\":\"/accounts/%.40s/templates/%s\",\"rel\":\"self /docs/rels/get-template\"},"
		"{\"href\":\"/accounts/%.40s/templates/%s/body\",\"rel\":\"/docs/rels/get-template-body\"},"
		"{\"href\":\"/accounts/%.40s/templates/%s/message\",\"rel\":\"/docs/rels/send-template-message\"}]}",
		q->account, t->id, q->account, t->id, q->account, t->id);
}

static void put_extra(struct doppler_rq *q, struct sb *b, int n, instant now)
{
	struct doppler_template_row t = { .kind = "rawHtml", .updated = now };

	snprintf(t.id, sizeof(t.id), "99999999-0000-4000-8000-%012d", n);
	snprintf(t.name, sizeof(t.name), "Plantilla %04d", n);
	snprintf(t.subject, sizeof(t.subject), "Asunto %d", n);
	put_template(q, b, &t, false);
}

static void put_links(struct doppler_rq *q, struct sb *b, int64_t page, int64_t pages, int64_t per_page)
{
	sb_lit(b, ",\"_links\":[");
	if (page > 1)
		sb_printf(
			b,
			"{\"href\":\"/accounts/%.40s/templates?page=%lld&per_page=%lld\",\"rel\":\"prev\"}%s",
			q->account, (long long)page - 1, (long long)per_page, page < pages ? "," : "");
	if (page < pages)
		sb_printf(
			b,
			"{\"href\":\"/accounts/%.40s/templates?page=%lld&per_page=%lld\",\"rel\":\"next last\"}",
			q->account, (long long)page + 1, (long long)per_page);
	sb_lit(b, "]}");
}

static void list(struct doppler_rq *q)
{
	struct doppler_stand *d = q->d;
	int64_t page, per_page, total, from;
	instant now = clock_now(q->s->clock);
	struct sb b;

	if (!doppler_query_int(q, "page", 1, 1, 1000000, &page) ||
	    !doppler_query_int(q, "per_page", PAGE_USUAL, PAGE_LEAST, PAGE_MOST, &per_page))
		return;
	make(d, now);
	total = (int64_t)d->template_count + d->extra_templates;
	from = (page - 1) * per_page;
	sb_init_arena(&b, q->arena, ANSWER_MAX);
	sb_text(&b, d->is_bare_list ? "[" : "{\"items\":[");
	for (int64_t i = from; i < total && i < from + per_page; i++) {
		if (i > from) sb_lit(&b, ",");
		if (i < (int64_t)d->template_count)
			put_template(q, &b, &d->templates[i], false);
		else
			put_extra(q, &b, (int)(i - (int64_t)d->template_count) + 1, now);
	}
	sb_lit(&b, "]");
	if (!d->is_bare_list) {
		int64_t pages = (total + per_page - 1) / per_page;

		sb_printf(&b,
			  ",\"pageSize\":%lld,\"itemsCount\":%lld,\"currentPage\":%lld,\"pagesCount\":%lld",
			  (long long)per_page, (long long)total, (long long)page, (long long)pages);
		put_links(q, &b, page, pages, per_page);
	}
	doppler_say(q, 200, sb_text_of(&b));
}

static void show(struct doppler_rq *q, const struct doppler_template_row *t)
{
	struct sb b;

	sb_init_arena(&b, q->arena, ANSWER_MAX);
	put_template(q, &b, t, true);
	doppler_say(q, 200, sb_text_of(&b));
}

static void show_body(struct doppler_rq *q, const struct doppler_template_row *t)
{
	struct sb b;

	if (t->is_body_broken) {
		doppler_problem_say(q, 500, 0, "unexpected", "Unexpected error", NULL);
		return;
	}
	sb_init_arena(&b, q->arena, ANSWER_MAX);
	member(&b, "{\"name\":", t->name);
	member(&b, ",\"html\":", t->html != NULL ? t->html : "");
	if (strcmp(t->kind, "mseditor") == 0) sb_lit(&b, ",\"mseditor\":{\"rows\":[]}");
	sb_lit(&b, ",\"_links\":[]}");
	doppler_say(q, 200, sb_text_of(&b));
}

/* Edits */

static const char *wrong_fields(const struct doppler_rq *q, const struct value *v, const char *const *known)
{
	if (v == NULL || v->type != VALUE_MAP) return "";
	for (const struct value *m = v->first; q->d->is_strict && m != NULL; m = m->next) {
		const char *const *w = known;

		while (*w != NULL && strcmp(*w, m->key) != 0)
			w++;
		if (*w == NULL) return m->key;
	}
	for (const struct value *m = v->first; m != NULL; m = m->next)
		if (m->type != VALUE_TEXT && strcmp(m->key, "id") != 0) return m->key;
	return NULL;
}

static void invalid(struct doppler_rq *q, const char *key)
{
	doppler_problem_say(
		q, 400, 1, "validation-error", "Validation error",
		arena_printf(q->arena, "[{\"key\":\"%.100s\",\"detail\":\"is not valid\"}]", key));
}

static bool read_body(struct doppler_rq *q, struct value **out, const char *const *known)
{
	struct bytes b = request_body(q->rq);
	const char *wrong;

	if (json_parse(q->arena, out, NULL, b.p, b.len) != RC_OK) *out = NULL;
	wrong = wrong_fields(q, *out, known);
	if (wrong == NULL) return true;
	invalid(q, wrong);
	return false;
}

/* False: something is missing, answered. */
static bool take_fields(struct doppler_rq *q, struct doppler_template_row *t)
{
	static const char *const known[] = { "id", "name", "subject", "from_name", "from_email", NULL };
	struct value *v = NULL;

	if (!read_body(q, &v, known)) return false;
	if (value_text_of(value_get(v, "name"), "")[0] == '\0') {
		invalid(q, "name");
		return false;
	}
	put(t->name, sizeof(t->name), value_text_of(value_get(v, "name"), ""));
	put(t->subject, sizeof(t->subject), value_text_of(value_get(v, "subject"), ""));
	put(t->from_name, sizeof(t->from_name), value_text_of(value_get(v, "from_name"), ""));
	put(t->from_email, sizeof(t->from_email), value_text_of(value_get(v, "from_email"), ""));
	t->updated = clock_now(q->s->clock);
	return true;
}

static void said(struct doppler_rq *q, const char *what)
{
	doppler_say(q, 200, arena_printf(q->arena, "{\"message\":\"%s\",\"_links\":[]}", what));
}

static void create(struct doppler_rq *q)
{
	struct doppler_stand *d = q->d;
	struct doppler_template_row t = { .kind = "rawHtml" };
	unsigned long long mark;

	make(d, clock_now(q->s->clock));
	if (!take_fields(q, &t)) return;
	if (!d->has_templates || d->template_count == DOPPLER_TEMPLATES_MAX) {
		doppler_problem_say(q, 400, 1, "validation-error", "Too many templates", NULL);
		return;
	}
	mark = ledger_mark(t.name, (const char *)&t.updated, sizeof(t.updated)) + d->template_count;
	snprintf(t.id, sizeof(t.id), "%08llx-%04llx-4aaa-8aaa-%012llx", mark >> 32, mark >> 16 & 0xffff,
		 mark & 0xffffffffffffULL);
	t.html = mem_text("");
	d->templates[d->template_count++] = t;
	reply_header(q->rp, "Location",
		     arena_printf(q->arena, "/accounts/%.40s/templates/%s", q->account, t.id));
	doppler_say(
		q, 201,
		arena_printf(q->arena,
			     "{\"createdResourceId\":\"%s\",\"message\":\"Template created.\",\"_links\":[]}",
			     t.id));
}

static size_t html_of_all(const struct doppler_stand *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->template_count; i++)
		n += d->templates[i].html != NULL ? strlen(d->templates[i].html) : 0;
	return n;
}

static void save_body(struct doppler_rq *q, struct doppler_template_row *t)
{
	static const char *const known[] = { "html", NULL };
	struct value *v = NULL;
	const char *html;
	char *copy;

	if (!read_body(q, &v, known)) return;
	html = value_text_of(value_get(v, "html"), NULL);
	if (html == NULL || strlen(html) > DOPPLER_HTML_MAX ||
	    html_of_all(q->d) + strlen(html) > HTML_ALL_MAX || (copy = mem_text(html)) == NULL) {
		invalid(q, "html");
		return;
	}
	mem_free(t->html);
	t->html = copy;
	t->kind = "rawHtml"; /* the visual editor's form is gone (contract §6) */
	t->is_body_broken = false;
	t->updated = clock_now(q->s->clock);
	said(q, "Template body updated.");
}

static void drop(struct doppler_rq *q, struct doppler_template_row *t)
{
	struct doppler_stand *d = q->d;
	size_t i = (size_t)(t - d->templates);

	mem_free(t->html);
	d->template_count--;
	memmove(t, t + 1, (d->template_count - i) * sizeof(*t));
	said(q, "Template deleted.");
}

static bool one(struct doppler_rq *q, struct doppler_template_row *t, const char *tail)
{
	bool is_put = strcmp(request_method(q->rq), "PUT") == 0;

	if (strcmp(tail, "/body") == 0) {
		if (q->is_get)
			show_body(q, t);
		else if (is_put)
			save_body(q, t);
		return q->is_get || is_put;
	}
	if (*tail != '\0') return false;
	if (q->is_get) {
		show(q, t);
	} else if (is_put) {
		if (take_fields(q, t)) said(q, "Template updated.");
	} else if (strcmp(request_method(q->rq), "DELETE") == 0) {
		drop(q, t);
	} else {
		return false;
	}
	return true;
}

bool doppler_templates_handle(struct doppler_rq *q)
{
	const char *id = q->rest + sizeof("/templates") - 1;
	struct doppler_template_row *t;
	size_t len;

	if (*id == '\0') {
		if (q->is_get)
			list(q);
		else if (q->is_post)
			create(q);
		return q->is_get || q->is_post;
	}
	if (*id++ != '/') return false;
	len = strcspn(id, "/");
	t = find(q->d, clock_now(q->s->clock), id, len);
	if (t != NULL) return one(q, t, id + len);
	doppler_problem_say(q, 404, 1, "entity-not-found", "Template not found", NULL);
	return true;
}
