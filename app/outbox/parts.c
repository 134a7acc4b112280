/*
** parts.c -- the files that go along with a claimed message.
**
** Needs:  files.h for where a file's bytes lie.
** Never:  reads the bytes: who builds the mail does, from the path.
** Holds:  a message that should carry a file never leaves without it.
*/
#include "files/files.h"
#include "outbox/ledger.h"

#include <string.h>

static enum rc read_files(struct cx *cx, struct claimed *m, struct outgoing_file *files, int64_t *ids,
			  size_t *count)
{
	struct query *q = NULL;
	enum rc rc = db_query(
		cx, &q,
		"SELECT f.id, f.name, f.media_type, f.size FROM message_file g CROSS JOIN file f ON f.id = g.file_id"
		" WHERE g.message_id = :id ORDER BY g.position",
		PARAMS(P_INT(":id", m->id)));

	*count = 0;
	while (rc == RC_OK && *count < MESSAGE_FILES_MAX && query_next(q)) {
		ids[*count] = query_int(q, 0);
		m->file_bytes += query_int(q, 3);
		files[(*count)++] = (struct outgoing_file){ .name = query_copy(cx, q, 1),
							    .media_type = query_copy(cx, q, 2) };
	}
	return query_end(q, rc);
}

enum rc ledger_files(struct cx *cx, struct claimed *m)
{
	struct outgoing_file files[MESSAGE_FILES_MAX], *kept;
	int64_t ids[MESSAGE_FILES_MAX];
	size_t count = 0;
	enum rc rc = read_files(cx, m, files, ids, &count);

	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		rc = file_path(cx, &files[i].path, ids[i]);
		if (rc == RC_NOT_FOUND) m->is_file_gone = true;
		if (rc == RC_IO) m->is_file_away = true;
		if (rc == RC_NOT_FOUND || rc == RC_IO) rc = RC_OK;
	}
	if (rc != RC_OK || count == 0) return rc;
	kept = arena_array(cx->arena, count, sizeof(*kept));
	if (kept == NULL) return RC_NO_MEMORY;
	memcpy(kept, files, count * sizeof(*kept));
	m->files = kept;
	m->file_count = count;
	return RC_OK;
}

void claimed_forget(struct claimed *m)
{
	m->address = m->variables_json = m->text = m->subject = m->html = m->public_id = NULL;
	m->to_name = m->contact_public_id = NULL;
	m->files = NULL;
	m->file_count = 0;
}
