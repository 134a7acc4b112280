/*
** people.h -- what the files of people share: users, roles, tokens, sessions, second factor, handing over.
*/
#ifndef RECADO_DESK_PEOPLE_H
#define RECADO_DESK_PEOPLE_H

#include "desk/inner.h"
#include "web/people.h"

/* The text of a field, "" when it is not there. */
const char *field_text(struct call *call, const char *name);
/* "failure" and "error_FIELD" of a page, from cx; nothing when failed is RC_OK. */
void fill_failure(struct cx *cx, struct value *page, enum rc failed);
/* Refusals that a person mends in the form; everything else is a page of its own. */
bool is_for_the_form(enum rc rc);
/* page.groups: the declared rights by room, each {name, title, is_chosen, cannot}. chosen:
** blank-separated. */
void fill_right_groups(struct cx *cx, struct value *page, const char *chosen);

/* people.c: resource, form, page of a user */
extern const struct column user_columns[];
extern const struct sort user_sorts[];
extern const struct action user_actions[];
enum rc user_before_save(struct cx *cx, int64_t id, struct value *values);
enum rc user_before_archive(struct cx *cx, int64_t id);
enum rc user_before_restore(struct cx *cx, int64_t id);
void user_show(struct cx *cx, int64_t id, struct value *page);
enum rc handle_user_new(struct cx *cx, struct call *call);
enum rc handle_user_create(struct cx *cx, struct call *call);
enum rc handle_user_edit(struct cx *cx, struct call *call);
enum rc handle_user_save(struct cx *cx, struct call *call);
enum rc handle_user_session_end(struct cx *cx, struct call *call);

/* hand_over.c: what hangs on a person goes to another one */
/* page.hand_over [{title, count}], page.takers [{value, title}], page.owns: how many rows in all. */
enum rc fill_hand_over(struct cx *cx, int64_t user_id, struct value *page, int64_t *owns) MUST_CHECK;
enum rc owned_rows(struct cx *cx, int64_t user_id, int64_t *out) MUST_CHECK;
enum rc handle_user_leave_ask(struct cx *cx, struct call *call);
enum rc handle_user_leave(struct cx *cx, struct call *call);

/* roles.c */
extern const struct column role_columns[];
extern const struct sort role_sorts[];
extern const struct action role_actions[];
enum rc role_before_save(struct cx *cx, int64_t id, struct value *values);
enum rc role_before_archive(struct cx *cx, int64_t id);
enum rc role_before_restore(struct cx *cx, int64_t id);
void role_show(struct cx *cx, int64_t id, struct value *page);
enum rc handle_role_matrix(struct cx *cx, struct call *call);
enum rc handle_role_rights(struct cx *cx, struct call *call);

/* tokens.c */
extern const struct column token_columns[];
extern const struct sort token_sorts[];
extern const struct filter token_filters[];
enum rc token_before_save(struct cx *cx, int64_t id, struct value *values);
enum rc handle_token_new(struct cx *cx, struct call *call);
enum rc handle_token_create(struct cx *cx, struct call *call);

/* sessions.c */
/* page.sessions [{id, what, address, started, used, is_this}] of one person. */
enum rc fill_sessions(struct cx *cx, int64_t user_id, int64_t this_one, struct value *page) MUST_CHECK;
enum rc handle_my_sessions(struct cx *cx, struct call *call);
enum rc handle_my_sessions_end(struct cx *cx, struct call *call);
/* One session of that person; 0: all but keep. History says who did it. Own transaction. */
enum rc session_end_audited(struct cx *cx, int64_t user_id, int64_t session_id, int64_t keep,
			    int64_t *ended) MUST_CHECK;

/* second_factor.c */
enum rc handle_factor(struct cx *cx, struct call *call);
enum rc handle_factor_start(struct cx *cx, struct call *call);
enum rc handle_factor_prove(struct cx *cx, struct call *call);
enum rc handle_factor_codes(struct cx *cx, struct call *call);
enum rc handle_factor_off(struct cx *cx, struct call *call);

#endif
