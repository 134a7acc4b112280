/*
** template_inner.h -- the inside of mail templates, shared by template_*.c, mail_template*.c and their tests.
*/
#ifndef RECADO_SENDS_TEMPLATE_INNER_H
#define RECADO_SENDS_TEMPLATE_INNER_H

#include "base/template.h"
#include "sends/mail_template.h"

#define TEMPLATE_DOPPLER "doppler"

#define TEMPLATE_NAMES_MAX 500          /* a list of recipients has some dozens of columns            */
#define TEMPLATE_FRESH_MS  (300 * 1000) /* the provider's list is taken as it is (spec §5)            */
#define TEMPLATE_HARD_MS   (600 * 1000) /* older than that, a page says so                            */
#define TEMPLATE_AGAIN_MS  (30 * 1000)  /* after a failure no page asks by itself before that          */
#define TEMPLATE_CHOICES   200          /* more are typed by hand (spec §5)                           */
#define TEMPLATE_HTML_MAX  (256 * 1024) /* what base/template.h compiles                           */
#define TEMPLATE_FIELD_MAX 255          /* name, subject, sender (spec §5)                            */

/* Names of one template, in the order of their first use. */
struct template_name {
	const char *name;
	bool is_needed;  /* somewhere outside of sections           */
	bool is_section; /* somewhere the name of a section          */
	bool is_value;   /* somewhere {{name}}                      */
	bool is_in_subject;
};
struct template_names {
	struct template_name *at; /* arena */
	size_t count;
};
/* All of them, e-mail and {{baja}} too. RC_BAD_INPUT with part, line and tag in the sentence; RC_TOO_LARGE:
** more than TEMPLATE_NAMES_MAX. */
enum rc template_names_of(struct cx *cx, struct template_names *out,
			  const struct mail_template *t) MUST_CHECK;
/* What the recipient or the house fills in: never asked of a file. */
bool template_is_given(const struct mail_template *t, const char *name);
/* {{{x}}} is {{x}} on our own roads, and raw at the provider. */
enum rc template_compile_part(struct cx *cx, struct template **out, const char *part, const char *text,
			      enum template_mode mode, const struct mail_template *t) MUST_CHECK;

/* The words of an HTML mail, line by line, links with their address: what plain readers get. Mustache tags
** stay. Total; arena. */
const char *template_text_of_html(struct arena *a, const char *html);

/* What is known of the provider's list: table meta. */
struct template_list {
	instant listed_at; /* read completely; 0 = never                                              */
	instant failed_at; /* the last failure since then; 0 = none                                   */
	instant first_failed_at;
	int64_t failures; /* since first_failed_at                                                    */
	const char *why;  /* its sentence                                                             */
};
enum rc template_list_read(struct cx *cx, struct template_list *out) MUST_CHECK;
/* One of the provider's list, or a page of it, into the cache; no longer listed. In the caller's
** transaction. */
struct doppler_template;
enum rc template_keep_listed(struct cx *cx, const struct doppler_template *t) MUST_CHECK;
enum rc template_forget(struct cx *cx, const char *id) MUST_CHECK;
/* How long the provider is left alone after failures: the instant, 0 = it may be asked (spec §5: three
** failures in a minute close it for a minute). Pure. */
instant template_pause_until(const struct template_list *list, instant now);

/* Made-up variables: «name» at each, objects at dotted ones; sections are empty. Arena. */
enum rc template_made_up(struct cx *cx, struct value **out, const struct mail_template *t) MUST_CHECK;

/* Jobs (template_job.c); each in a transaction of its own. RC_CONFLICT: one runs, *job_id is its id. */
enum rc template_fetch_start(struct cx *cx, int64_t *job_id, const char *id) MUST_CHECK;
struct template_draft {
	const char *id; /* "" = new */
	const char *name, *subject, *from_email, *from_name, *html;
};
enum rc template_save_start(struct cx *cx, int64_t *job_id, const struct template_draft *draft) MUST_CHECK;
enum rc template_delete_start(struct cx *cx, int64_t *job_id, const char *id) MUST_CHECK;
/* How such a job stands: *is_over, and then *is_well, *sentence, *id (of what it saved; "" none).
** RC_NOT_FOUND: no such job of ours. */
struct template_work {
	bool is_over, is_well;
	const char *sentence, *id;
};
enum rc template_work_read(struct cx *cx, struct template_work *out, int64_t job_id) MUST_CHECK;

/* Pages (template_list.c, template_pages.c, template_form.c) */

#define TEMPLATE_LOOK_MS  10000 /* so long a page waits for the provider's answer to a job       */
#define TEMPLATE_PARK_MS  200
#define TEMPLATE_LIST_MAX 500 /* of each kind on one page; the search finds the others */

/* With its road: the panel's ("email"), or the provider's from the cache. */
enum rc template_of_call(struct cx *cx, struct call *call, struct mail_template *out) MUST_CHECK;
/* Does it say {{baja}}? */
bool template_has_unsubscribe(struct cx *cx, const struct mail_template *t);
int64_t template_waited_ms(struct call *call);
/* The provider's: is what is kept of it young enough? Else a look is started, *waits: for somebody without a
** body (answer_later, then ask again). */
enum rc template_look_again(struct cx *cx, struct call *call, const struct mail_template *t,
			    bool *waits) MUST_CHECK;
/* The newest job of a slot of this module, also one that is over; RC_NOT_FOUND. */
enum rc template_newest_job(struct cx *cx, int64_t *id, const char *slot) MUST_CHECK;
enum rc template_handle_list(struct cx *cx, struct call *call);
enum rc template_handle_new(struct cx *cx, struct call *call);
enum rc template_handle_create(struct cx *cx, struct call *call);
enum rc template_handle_edit(struct cx *cx, struct call *call);
enum rc template_handle_save(struct cx *cx, struct call *call);
enum rc template_handle_draft(struct cx *cx, struct call *call);
enum rc template_handle_delete_ask(struct cx *cx, struct call *call);
enum rc template_handle_delete(struct cx *cx, struct call *call);
enum rc template_handle_test(struct cx *cx, struct call *call);
/* A whole page for the frame: the mail's HTML, or its text, or the sentence why there is none. */
void template_answer_frame(struct cx *cx, struct call *call, enum rc rc, const char *html, const char *text);

#endif
