/*
** ops_backup.c -- any bytes as what a backup says of itself: the head, the manifest, the journal of a
** restore.
**
** The first byte says as which. What is accepted must be what we would write again.
*/
#include "ops/backup.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void as_head(struct arena *a, const char *text, size_t len)
{
	struct backup_head head, again;
	struct sb sb;

	if (head_parse(a, &head, text, len) != RC_OK || head.format > BACKUP_FORMAT) return;
	if (head.schema < 1 || head.total < 0) abort();
	sb_init_arena(&sb, a, 4 * HEAD_TEXT_MAX);
	head_write(&sb, a, &head);
	if (sb_result(&sb) == RC_OK && head_parse(a, &again, sb.p, sb.len) != RC_OK) abort();
}

static void as_manifest(struct arena *a, const char *text, size_t len)
{
	struct manifest m;

	if (manifest_parse(a, &m, text, len) != RC_OK) return;
	if (m.count > MEMBERS_MAX || m.files.count < 0 || m.database.count == 0) abort();
	for (size_t i = 0; i < m.count; i++)
		if (strlen(m.members[i].sum) != SHA256_HEX_SIZE - 1 || m.members[i].size < 0) abort();
}

static void as_journal(const char *text, size_t len)
{
	struct journal j, again;
	char out[JOURNAL_TEXT_MAX];

	if (!journal_parse(&j, text, len)) return;
	if (strchr(j.keep, '/') != NULL || strncmp(j.keep, "before-r", 8) != 0 || (j.takes & j.drops) != 0)
		abort();
	journal_text(out, &j);
	if (!journal_parse(&again, out, strlen(out)) || again.takes != j.takes || again.drops != j.drops)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct arena *a = arena_new(16 * 1024 * 1024);

	if (a != NULL && len > 0) {
		const char *text = (const char *)p + 1;

		if (p[0] % 3 == 0)
			as_head(a, text, len - 1);
		else if (p[0] % 3 == 1)
			as_manifest(a, text, len - 1);
		else
			as_journal(text, len - 1);
	}
	arena_free(a);
	return 0;
}
