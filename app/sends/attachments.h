/*
** attachments.h -- files that go along with each mail of a send (spec §7).
*/
#ifndef RECADO_SENDS_ATTACHMENTS_H
#define RECADO_SENDS_ATTACHMENTS_H

#include "sends/sends.h"

/* Rows of table mail_attachment: are they there, readable, and together within sends.attachments_max_kb as
** they travel (base64)? RC_BAD_INPUT, RC_NOT_FOUND or RC_TOO_LARGE with the sentence that names the file. */
enum rc attachments_check(struct cx *cx, const int64_t *ids, size_t count) MUST_CHECK;
/* Their files (table file) in the same order, for letter_new.files; out has room for count. */
enum rc attachments_files(struct cx *cx, int64_t *out, const int64_t *ids, size_t count) MUST_CHECK;
/* Row of a public id. RC_NOT_FOUND with the sentence. */
enum rc attachment_find(struct cx *cx, int64_t *id, const char *public_id) MUST_CHECK;
/* Keep an open file (from its start) as an attachment: name cleaned of folders and control characters, type
** by its ending, empty refused, size as above. *id of mail_attachment. Own transactions. */
enum rc attachment_add(struct cx *cx, int64_t *id, int fd, const char *name) MUST_CHECK;
/* The same of an API's item: content in base64. Fields "name" and "content" in cx when they are wrong. */
enum rc attachment_add_base64(struct cx *cx, int64_t *id, const char *name, const char *content) MUST_CHECK;

#endif
