/*
** home.c -- the house's home page: a card of every figure that the actor may see, and what needs
** attention.
**
** Needs:  desk_figure_at(); each figure's template.
** Holds:  a card that fails is left out and logged; the page stands anyway.
*/
#include "desk/inner.h"

#include "base/embed.h"
#include "base/template.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CARD_MAX   (64 * 1024) /* one card: a few figures, at most a short table */
#define CARDS_KEPT 64          /* compiled templates of cards: one a figure and language */

static struct {
	pthread_mutex_t lock;
	struct {
		const char *name;
		enum lang lang;
		struct template *compiled;
	} kept[CARDS_KEPT];
	size_t count;
} cards = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* "renewals/card_home" is the embedded app/renewals/pages/card_home.mustache. */
static const char *source_of(void *arg, const char *name)
{
	const char *slash = strchr(name, '/');
	const struct embedded *file;
	char path[160];

	(void)arg;
	if (slash == NULL) return NULL;
	snprintf(path, sizeof(path), "app/%.*s/pages/%s.mustache", (int)(slash - name), name, slash + 1);
	file = embed_find(path);
	return file != NULL ? (const char *)file->data : NULL;
}

static const char *translate(void *arg, const char *msgid)
{
	return words_get(*(const enum lang *)arg, msgid);
}

/* The compiled card in this language; lives as long as the process. NULL (logged) when there is none. */
static const struct template *card_template(const char *name, enum lang lang)
{
	struct template_options o = {
		.mode = TEMPLATE_HTML, .partial = source_of, .translate = translate, .translate_arg = &lang
	};
	struct template_error err = { .line = 0 };
	struct template *t = NULL;
	const char *text;

	pthread_mutex_lock(&cards.lock);
	for (size_t i = 0; i < cards.count && t == NULL; i++)
		if (cards.kept[i].lang == lang && strcmp(cards.kept[i].name, name) == 0)
			t = cards.kept[i].compiled;
	if (t == NULL && cards.count < CARDS_KEPT && (text = source_of(NULL, name)) != NULL &&
	    template_compile(&t, &err, text, &o) == RC_OK) {
		cards.kept[cards.count].name = name;
		cards.kept[cards.count].lang = lang;
		cards.kept[cards.count++].compiled = t;
	}
	pthread_mutex_unlock(&cards.lock);
	if (t == NULL)
		log_event(LOG_ERROR, "app", "desk.bug", "what=\"no card template\" name=%s line=%zu", name,
			  err.line);
	return t;
}

static void add_card(struct cx *cx, const struct figure *f, struct value *list)
{
	const struct template *t = card_template(f->template, cx->lang);
	struct value *card, *out;
	struct sb sb;

	if (t == NULL) return;
	card = value_map(cx->arena);
	value_set_text(cx->arena, card, "title", words_get(cx->lang, f->title));
	desk_kept(cx, card, f->name, f->fill);
	cx->message = ""; /* what a card could not find out is not the page's failure */
	sb_init_arena(&sb, cx->arena, CARD_MAX);
	template_render(&sb, t, card);
	if (sb_result(&sb) != RC_OK) {
		log_event(LOG_WARN, "app", "desk.card", "name=%s rc=%s", f->name,
			  rc_row(sb_result(&sb))->name);
		return;
	}
	out = value_add_map(cx->arena, list);
	value_set_text(cx->arena, out, "name", f->name);
	value_set_text(cx->arena, out, "html", sb_text_of(&sb));
}

enum rc handle_home(struct cx *cx, struct call *call)
{
	struct value *page = value_map(cx->arena), *list = value_set_list(cx->arena, page, "cards"), *out;

	if (call_shape(call) == SHAPE_JSON) {
		out = value_set_list(cx->arena, page, "figures");
		for (size_t i = 0; desk_figure_at(i) != NULL; i++) {
			const struct figure *f = desk_figure_at(i);
			struct value *one;

			if (f->fill == NULL || (f->right != NULL && !actor_may(&cx->actor, f->right)))
				continue;
			one = value_add_map(cx->arena, out);
			value_set_text(cx->arena, one, "name", f->name);
			desk_kept(cx, value_set_map(cx->arena, one, "card"), f->name, f->fill);
		}
		answer_json(cx, call, 200, page);
		return RC_OK;
	}
	for (size_t i = 0; desk_figure_at(i) != NULL; i++) {
		const struct figure *f = desk_figure_at(i);

		if (f->fill == NULL || f->template == NULL) continue;
		if (f->right != NULL && !actor_may(&cx->actor, f->right)) continue;
		add_card(cx, f, list);
	}
	value_set_bool(cx->arena, page, "is_empty", list->count == 0);
	page_answer(cx, call, "desk/home", _("Home"), page);
	return RC_OK;
}
