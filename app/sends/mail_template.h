/*
** mail_template.h -- templates of both kinds: kept at Doppler Relay, or written in the panel.
**
** A send names a template by (channel, id): with channel "doppler" the provider's id, else the public id of
** mail_template.
*/
#ifndef RECADO_SENDS_MAIL_TEMPLATE_H
#define RECADO_SENDS_MAIL_TEMPLATE_H

#include "sends/sends.h"

struct mail_template {
	const char *channel, *id, *name, *subject, *html, *text, *from_email,
		*from_name;    /* arena; "" = none */
	const char *body_type; /* "rawHtml"…                                              */
	const char *source;    /* "api": just asked; "cache"; "panel"; "empty": no content known   */
	bool has_body;
};
/* From the panel or from what is cached. may_ask: the provider may be asked now (jobs and commands only:
** network). RC_NOT_FOUND with the sentence: no such template; RC_TRY_LATER: it could not be read. */
enum rc mail_template_read(struct cx *cx, struct mail_template *out, const char *channel, const char *id,
			   bool may_ask) MUST_CHECK;

/* Names that body and subject need (spec §5): {name, is_optional, is_in_subject}; e-mail itself is exempt.
** RC_BAD_INPUT: not Mustache, with line and tag in the sentence. Pure. */
enum rc template_variables(struct cx *cx, struct value **out, const struct mail_template *t) MUST_CHECK;
/* Only the required names, as a list of texts. */
enum rc template_required(struct cx *cx, struct value **out, const struct mail_template *t) MUST_CHECK;
/* Does it use the recipient's own address ({{email}})? */
bool template_uses_email(struct cx *cx, const struct mail_template *t);

/* Body with a row's variables: HTML as it would arrive, unresolved names marked; for a sandboxed frame. */
enum rc template_preview(struct cx *cx, const char **html, const char **text, const char **subject,
			 const struct mail_template *t, const struct value *variables) MUST_CHECK;

/* Choices for a form: list of {id, name, label, subject, is_stale}, at most 200, sorted by name; *is_stale:
** the provider's list is older than 300 s (a refresh was started), *why: it could not be read. No network. */
enum rc mail_template_choices(struct cx *cx, struct value **out, const char *channel, bool *is_stale,
			      const char **why) MUST_CHECK;
/* A job that reads the provider's list again; RC_CONFLICT: one runs (*job_id). Own transaction. */
enum rc mail_templates_refresh(struct cx *cx, int64_t *job_id) MUST_CHECK;

#endif
