/*
** bulk_pages.h -- the pages of bulk sends, shared by bulk_list.c and bulk_pages*.c only.
*/
#ifndef RECADO_SENDS_BULK_PAGES_H
#define RECADO_SENDS_BULK_PAGES_H

#include "sends/bulk.h"
#include "sends/recipients.h"

#define BULK_LIST_REFRESH_S 30         /* spec §17: a list with something under way is fresh for so long */
#define BULK_ROWS_SHOWN     50         /* of one page of rows                                            */
#define BULK_FORM_MAX       (52 << 20) /* a file of RECIPIENTS_BYTES_MAX and the form around it         */
#define BULK_KEPT_OWNER     "bulk_preview" /* owner_table of files a preview keeps, owner_id the user's */

/* Small things that pages are made of */
static inline const char *text_at(const struct value *row, const char *name)
{
	return value_text_of(value_get(row, name), "");
}
static inline int64_t int_at(const struct value *row, const char *name)
{
	return value_int_of(value_get(row, name), 0);
}
/* "22/11/2026 09:00", "" for 0. */
const char *bulk_moment(struct cx *cx, instant at);
/* "3 min", "2 h 10 min", "4 days". Arena. */
const char *bulk_duration(struct cx *cx, int64_t ms);
const char *bulk_number(struct cx *cx, int64_t n); /* "12,400" as the language groups */
struct value *bulk_fact(struct cx *cx, struct value *page, const char *title, const char *text,
			const char *href);
void bulk_trail(struct cx *cx, struct value *page, int64_t id, const char *public_id);
/* The send of :id as the actor may see it. */
enum rc bulk_of_call(struct cx *cx, struct call *call, int64_t *id) MUST_CHECK;
const char *bulk_road(struct cx *cx, const char *channel);
/* How a row's state is called, and its mark. */
const char *row_state_words(struct cx *cx, const char *state);
const char *row_state_many(struct cx *cx, const char *state); /* of a figure: "Enviados" */
const char *row_state_mark(const char *state);

/* bulk_list.c: the four figures into out's list key; what the list's refresh asks for */
void bulk_cards(struct cx *cx, struct value *out, const char *key);
enum rc handle_list_progress(struct cx *cx, struct call *call) MUST_CHECK;

/* bulk_pages_show.c */
void bulk_show(struct cx *cx, int64_t id, struct value *page);
enum rc handle_bulk_send_progress(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_bulk_job_again(struct cx *cx, struct call *call) MUST_CHECK;

/* bulk_pages_form.c */
enum rc handle_send_new(struct cx *cx, struct call *call) MUST_CHECK;
/* What was typed, or the defaults, into page.form; errors of cx at their fields. */
void bulk_form_fill(struct cx *cx, struct call *call, struct value *page, bool was_sent);
enum rc bulk_form_answer(struct cx *cx, struct call *call, struct value *page, enum rc rc) MUST_CHECK;

/* bulk_pages_preview.c */
enum rc handle_send_preview(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_preview_frame(struct cx *cx, struct call *call) MUST_CHECK;

/* bulk_pages_rows.c */
enum rc handle_send_rows(struct cx *cx, struct call *call) MUST_CHECK;
enum rc handle_send_unsure(struct cx *cx, struct call *call) MUST_CHECK;

#endif
