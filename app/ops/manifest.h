/*
** manifest.h -- what a backup says of itself, first and last.
**
** The members of an archive, in this order:
**
**   backup.json      the head: what this is, so that a reader can refuse early
**   recado.db        a snapshot of the database, one file
**   reports.db       the same of the reports, if there are any
**   recado.ini       the settings; secrets only when the archive is sealed
**   key              the sealing key; only when the archive is sealed
**   files/aa/SHA256  the stored files, by name
**   manifest.json    sizes and sums of all of these, and what the databases hold
**   manifest.sha256  SHA-256 of manifest.json, 64 hex digits
**
** An archive of the first version was a tar of recado.db, recado.ini and files/ without the other members.
*/
#ifndef RECADO_OPS_MANIFEST_H
#define RECADO_OPS_MANIFEST_H

#include "base/value.h"
#include "db/db.h"

#define BACKUP_FORMAT   1
#define MEMBER_HEAD     "backup.json"
#define MEMBER_REPORTS  "reports.db"
#define MEMBER_KEY      "key"
#define MEMBER_MANIFEST "manifest.json"
#define MEMBER_SUM      "manifest.sha256"

/* Bytes of the head we read: ten short lines; of the manifest: 500 tables and a few thousand lost files */
#define HEAD_TEXT_MAX     ((size_t)16 * 1024)
#define MANIFEST_TEXT_MAX ((size_t)1024 * 1024)
#define MEMBERS_MAX       5    /* head, two databases, settings, key               */
#define LOST_MAX          1000 /* names of lost files that are kept; the count is whole */

struct backup_head {
	int64_t format, schema;
	const char *version, *business, *key_id;
	instant made_at;
	bool is_sealed;
	int64_t total; /* bytes of all members but the manifest: what unpacking may take */
};

struct backup_member {
	const char *name;
	int64_t size;
	char sum[SHA256_HEX_SIZE];
};

/* The stored files: their names in order, each with a line feed, as SHA-256. */
struct backup_files {
	int64_t count, bytes;
	char sum[SHA256_HEX_SIZE];
	int64_t lost; /* named by a row, not on the disk when the backup was made */
};

struct manifest {
	struct backup_member members[MEMBERS_MAX];
	size_t count;
	struct backup_files files;
	struct db_content database, reports; /* reports.count 0: none */
	struct value *left_out;              /* names of settings: secrets that are not in it  */
	struct value *lost;                  /* sums of files, at most LOST_MAX               */
};

/* JSON of both. */
void head_write(struct sb *out, struct arena *a, const struct backup_head *head);
void manifest_write(struct sb *out, struct arena *a, const struct manifest *m);
/* Total: RC_BAD_INPUT for anything that we do not write. A newer format is read as far as its number. */
enum rc head_parse(struct arena *a, struct backup_head *out, const char *text, size_t len) MUST_CHECK;
enum rc manifest_parse(struct arena *a, struct manifest *out, const char *text, size_t len) MUST_CHECK;
/* The member of that name, NULL if it is not there. */
const struct backup_member *manifest_member(const struct manifest *m, const char *name);

/* Do two databases hold the same? *why (arena): half a sentence with the first difference. */
bool content_is_same(struct arena *a, const struct db_content *said, const struct db_content *is,
		     enum lang lang, const char **why);

#endif
