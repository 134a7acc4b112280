/*
** forecast_view.c -- which lines of a forecast somebody may see, and what stands in them.
**
** Needs:  the live database on cx->db: rights, names and numbers are those of the moment of looking.
** Never:  changes a forecast.
** Holds:  (1) whoever may see only what is theirs sees only lines about that, also in every count; (2) who
**         may not see a planner's subjects at all does not learn how many there are.
*/
#include "base/text.h"
#include "ops/forecast.h"
#include <string.h>

/* Subjects that may be seen: a bit an id. NULL bits: all of them. */
struct allowed {
	bool is_none, is_filtered;
	uint8_t *bits;
	int64_t id_max;
};

struct forecast_view {
	const struct forecast *f;
	const struct forecast_filter *filter;
	struct allowed allowed[FORECAST_PLANNERS_MAX];
	struct forecast_count_of total, *days;
	int32_t last_run; /* of the line read last, and how many lines lie before that run */
	int64_t last_at;
};

static enum rc read_ids(struct cx *cx, struct allowed *a, const char *sql, const struct param *params,
			uint8_t *out)
{
	struct query *q = NULL;
	enum rc rc = db_query(cx, &q, sql, params);

	while (rc == RC_OK && query_next(q)) {
		int64_t id = query_int(q, 0);

		if (id >= 0 && id <= a->id_max) out[id / 8] |= (uint8_t)(1u << (id % 8));
	}
	return query_end(q, rc);
}

/* Both conditions hold where both bits stand. */
static enum rc narrow(struct cx *cx, struct allowed *a, const char *sql, const struct param *params)
{
	size_t size = (size_t)(a->id_max / 8) + 1;
	uint8_t *bits = arena_alloc(cx->arena, size);
	enum rc rc;

	if (bits == NULL) return RC_NO_MEMORY;
	memset(bits, 0, size);
	rc = read_ids(cx, a, sql, params, bits);
	for (size_t i = 0; a->is_filtered && i < size; i++)
		bits[i] &= a->bits[i];
	a->bits = bits;
	a->is_filtered = true;
	return rc;
}

static enum rc allow(struct cx *cx, struct forecast_view *v, size_t place, const struct planner *p)
{
	struct allowed *a = &v->allowed[place];
	const char *words = v->filter->words;
	enum rc rc = RC_OK;

	a->is_none = (p->right != NULL && !actor_may(&cx->actor, p->right)) ||
		     (v->filter->planner != NULL && strcmp(v->filter->planner, p->name) != 0);
	for (int32_t i = 0; i < v->f->head->run_count; i++) {
		const struct forecast_run *r = &v->f->runs[i];

		for (int64_t k = 0; r->place == (int32_t)place && k < r->leaving + r->skipped; k++)
			if (v->f->lines[r->first + k].subject_id > a->id_max)
				a->id_max = v->f->lines[r->first + k].subject_id;
	}
	if (!a->is_none && p->own != NULL && !actor_may(&cx->actor, p->right_all))
		rc = narrow(cx, a, p->own, PARAMS(P_INT(":actor", cx->actor.user_id)));
	if (rc == RC_OK && !a->is_none && words[0] != '\0')
		rc = p->find != NULL ? narrow(cx, a, p->find, PARAMS(P_TEXT(":words", words))) : RC_OK;
	return rc;
}

static bool is_run_wanted(const struct forecast_view *v, const struct forecast_run *r)
{
	const struct forecast_filter *w = v->filter;

	return r->place < FORECAST_PLANNERS_MAX && !v->allowed[r->place].is_none &&
	       (w->from == 0 || r->on >= w->from) && (w->until == 0 || r->on <= w->until);
}

static bool is_line_wanted(const struct forecast_view *v, const struct forecast_run *r,
			   const struct forecast_line *line)
{
	const struct forecast_filter *w = v->filter;
	const struct allowed *a = &v->allowed[r->place];
	int64_t id = line->subject_id;

	if ((w->what == 1 && line->skip != 0) || (w->what == 2 && line->skip == 0)) return false;
	if (w->days >= 0 && line->days != w->days) return false;
	if (a->is_filtered && (id < 0 || id > a->id_max || (a->bits[id / 8] & (1u << (id % 8))) == 0))
		return false;
	return w->kind == NULL ||
	       strcmp(forecast_planner((size_t)r->place)->kinds[line->kind].code, w->kind) == 0;
}

static void add_up(struct forecast_view *v)
{
	const struct forecast_head *head = v->f->head;

	for (int32_t i = 0; i < head->run_count; i++) {
		const struct forecast_run *r = &v->f->runs[i];
		struct forecast_count_of *day_of = &v->days[r->on - head->from_on];

		for (int64_t k = 0; is_run_wanted(v, r) && k < r->leaving + r->skipped; k++) {
			const struct forecast_line *line = &v->f->lines[r->first + k];

			if (!is_line_wanted(v, r, line)) continue;
			day_of->leaving += line->skip == 0;
			day_of->skipped += line->skip != 0;
		}
	}
	for (int32_t d = 0; d < head->days; d++) {
		v->total.leaving += v->days[d].leaving;
		v->total.skipped += v->days[d].skipped;
	}
}

static size_t word_count(const struct planner_word *words)
{
	size_t n = 0;

	while (words[n].code != NULL)
		n++;
	return n;
}

/* Every place in the file must be one of this program: it may be of a set-up with other modules. */
static bool words_fit(const struct forecast *f)
{
	for (int32_t i = 0; i < f->head->run_count; i++) {
		const struct forecast_run *r = &f->runs[i];
		const struct planner *p = forecast_planner((size_t)r->place);
		size_t kinds = p != NULL ? word_count(p->kinds) : 0,
		       skips = p != NULL ? word_count(p->skips) : 0;

		for (int64_t k = 0; k < r->leaving + r->skipped; k++)
			if (f->lines[r->first + k].kind >= kinds || f->lines[r->first + k].skip > skips)
				return false;
	}
	return true;
}

enum rc forecast_view(struct cx *cx, struct forecast_view **out, const struct forecast *f,
		      const struct forecast_filter *filter)
{
	struct forecast_view *v = arena_alloc(cx->arena, sizeof(*v));
	const struct planner *p;
	enum rc rc = RC_OK;

	if (v == NULL) return RC_NO_MEMORY;
	memset(v, 0, sizeof(*v));
	if (!words_fit(f)) return RC_NOT_FOUND;
	v->f = f;
	v->filter = filter;
	v->days = arena_array(cx->arena, (size_t)f->head->days, sizeof(*v->days));
	if (v->days == NULL) return RC_NO_MEMORY;
	memset(v->days, 0, (size_t)f->head->days * sizeof(*v->days));
	for (size_t i = 0; rc == RC_OK && i < FORECAST_PLANNERS_MAX && (p = forecast_planner(i)) != NULL; i++)
		rc = allow(cx, v, i, p);
	if (rc == RC_OK) {
		add_up(v);
		*out = v;
	}
	return rc;
}

struct forecast_count_of forecast_total(const struct forecast_view *v)
{
	return v->total;
}

const struct forecast_count_of *forecast_by_day(const struct forecast_view *v)
{
	return v->days;
}

/* A place is the number of lines gone by, in the order of runs; where the last one was is remembered. */
bool forecast_next(struct forecast_view *v, int64_t *place, const struct forecast_run **run,
		   const struct forecast_line **line)
{
	int32_t i = *place >= v->last_at ? v->last_run : 0;
	int64_t at = *place >= v->last_at ? v->last_at : 0;

	for (; i < v->f->head->run_count; i++) {
		const struct forecast_run *r = &v->f->runs[i];
		int64_t count = r->leaving + r->skipped;
		bool is_wanted = at + count > *place && is_run_wanted(v, r);

		for (int64_t k = *place > at ? *place - at : 0; is_wanted && k < count; k++)
			if (is_line_wanted(v, r, &v->f->lines[r->first + k])) {
				v->last_run = i;
				v->last_at = at;
				*place = at + k + 1;
				*run = r;
				*line = &v->f->lines[r->first + k];
				return true;
			}
		at += count;
	}
	return false;
}

/* Words */

const char *forecast_kind_words(struct cx *cx, const struct forecast_run *run,
				const struct forecast_line *line)
{
	return words_get(cx->lang, forecast_planner((size_t)run->place)->kinds[line->kind].words);
}

const char *forecast_skip_code(const struct forecast_run *run, const struct forecast_line *line)
{
	return line->skip == 0 ? "" : forecast_planner((size_t)run->place)->skips[line->skip - 1].code;
}

enum rc forecast_shown(struct cx *cx, const struct forecast_run *run, const struct forecast_line *line,
		       bool wants_text, struct planned_shown *out)
{
	const struct planner *p = forecast_planner((size_t)run->place);

	*out = (struct planned_shown){ .subject_id = line->subject_id,
				       .version_id = line->version_id,
				       .on = run->on,
				       .days = line->days,
				       .kind = p->kinds[line->kind].code,
				       .wants_text = wants_text && line->skip == 0,
				       .who = "",
				       .what = "",
				       .address = "",
				       .text = "" };
	return p->show(cx, out);
}
