/*
** backup.h -- backups: made, proved, kept, put back.
**
** The table backup has one row for each archive that was tried:
**
**     (begun) ─► made ─► proved ─► removed        by the keep rule; the row stays as history
**        └─► failed ◄─┘                           error: the sentence; an archive that did not prove is
**        renamed
**                                                 to NAME.damaged so that nobody trusts it
**
** For who copies archives elsewhere (the S3 owner): the rows to copy are state = 'proved' AND remote = ''
** of the folder of backups; folder || '/' || name is the file. Write remote (the address of the copy, without
** secrets), remote_at, remote_error in a transaction of your own. After each proved backup every function of
** backup_hooks[] (backup_tables.c) is called outside any transaction with the new row's id: add a job there,
** do not copy there. A row whose state becomes removed keeps its remote: what to do with old copies elsewhere
** is the copier's rule.
**
** For alerts: backup_last() tells the newest end, good or bad.
*/
#ifndef RECADO_OPS_BACKUP_H
#define RECADO_OPS_BACKUP_H

#include "base/gentle.h"
#include "ops/manifest.h"
#include "ops/ops.h"

/* Free space asked before an archive is made, in tenths of what goes into it: the snapshot and the archive,
** then the archive and what it is proved with */
#define BACKUP_ROOM_X10 22

/* How far something is, in percent; may be NULL. */
struct backup_listener {
	void (*tell)(void *arg, int percent);
	bool (*should_stop)(void *arg);
	void *arg;
};

/* Making (backup.c) */

struct backup_order {
	const char *origin; /* schedule | person | upgrade                             */
	const char *path;   /* NULL: a name of its own in the folder of backups         */
	bool no_prove;
	struct backup_listener listener;
};
struct backup_made {
	int64_t id; /* of the row; 0 when it could not be written */
	const char *path;
	int64_t size, lost; /* lost: stored files whose bytes were missing */
	bool is_sealed;
	instant proved_at; /* 0: not proved */
};
/* Snapshot, archive, proof, row; outside any transaction. On failure the row says why, and so does cx. */
enum rc backup_make(struct cx *cx, struct backup_made *out, const struct backup_order *order) MUST_CHECK;
extern void (*const backup_hooks[])(struct cx *cx, int64_t id); /* ended by NULL */

/* Proving (unpack.c, backup_prove.c) */

enum { UNPACK_NEEDS_KEY = 1 };
struct unpacked {
	struct backup_head head; /* format 0: of the first version, without a head */
	struct manifest manifest;
	bool has_config, has_key, has_reports;
	int64_t size; /* of the archive */
};
/* Unpack an archive into the new folder aside and compare everything: sums, integrity, rows, content, the
** stored files against the rows that name them. with_files false: files are only looked at. Nothing is left
** at aside on failure. RC_BAD_INPUT: damaged or foreign; RC_CONFLICT: of a newer version; RC_DENIED: the
** passphrase; RC_IO: the disk; RC_TRY_LATER: told to stop. Each with its sentence. */
struct unpack_order {
	const char *path, *aside, *passphrase;
	bool with_files;
	struct gentle *gentle;
	struct backup_listener listener;
};
enum rc backup_unpack(struct cx *cx, struct unpacked *out, const struct unpack_order *order) MUST_CHECK;
/* The same into tmp/ and away again: is this archive good? */
enum rc backup_prove(struct cx *cx, struct unpacked *out, const char *path, const char *passphrase,
		     const struct backup_listener *listener) MUST_CHECK;
/* A folder and all in it; links are removed, not followed. */
void remove_tree(const char *path);
/* Free bytes for us where path lies; -1 = cannot be asked. */
int64_t room_at(const char *path);

/* Rows and the folder (backup_rows.c) */

const char *backup_folder(struct cx *cx);
/* recado-2026-11-22T08-30-00-000Z.tar.gz[.sealed], and .tar of the first version. */
bool backup_name_is_ours(const char *name);
const char *backup_name_new(struct cx *cx, bool is_sealed);
/* The instant in such a name. */
instant backup_name_instant(const char *name);
struct backup_last {
	bool is_there; /* any row that ended                         */
	bool is_failed;
	instant at, proved_at; /* of the newest row; of the newest proof, 0 = none */
	const char *error;     /* "" or the sentence, arena           */
};
enum rc backup_last(struct cx *cx, struct backup_last *out) MUST_CHECK;
/* Archives of the folder that no row knows (an older version's, or of a database that was put back) get
** one. */
enum rc backup_adopt(struct cx *cx) MUST_CHECK;
/* The archive at that path was proved just now: its row says so, if it has one. */
enum rc backup_note_proof(struct cx *cx, const char *path) MUST_CHECK;
/* "proved" in the person's language. */
const char *backup_state_word(struct cx *cx, const char *state);

/* Which stay (backup_keep.c) */

struct keep_rule {
	int daily, weekly, monthly, days; /* days: none that is younger goes */
};
struct keep_item {
	instant at;
	bool is_proved, is_kept; /* is_kept: out */
};
/* Newest first. Of each of the newest `daily` days, `weekly` weeks (from Monday) and `monthly` months that
** have a backup one stays: a proved one if there is one, the newest of these; so does the newest proved one
** of all, and what is younger than `days` days. Days are the zone's. Pure. */
void backup_choose(struct keep_item *items, size_t count, const struct keep_rule *rule,
		   const struct zone *zone, instant now);
/* Remove what does not stay from the folder; the rows say so. */
enum rc backup_tidy(struct cx *cx) MUST_CHECK;

/* Putting back (restore.c, restore_journal.c) */

struct restore_order {
	const char *path, *passphrase, *recovery_code; /* NULL: none given                   */
	bool keep_key; /* without the key: what it sealed has to be entered again */
	/* Ask a person; NULL: nobody there. Text in the arena, NULL = no answer. */
	const char *(*ask)(void *arg, const char *question);
	void *arg;
};
struct restored {
	const char *keep;            /* folder with what was there      */
	struct value *to_enter;      /* names of secrets to enter again */
	struct value *kept_settings; /* [{name, here, there}]: this machine's own, unlike the backup's */
	const char *config_why;      /* "" or why the settings were not put back */
	bool has_new_key;
	instant made_at;
	int64_t schema;
};
/* Needs the lock. Until the journal is written nothing of the state was changed; from then on it is finished,
** at the next start if not now. */
enum rc backup_restore(struct cx *cx, struct restored *out, const struct restore_order *order) MUST_CHECK;
struct rollback {
	int from, to;     /* schema now and then */
	instant at;       /* of the copy         */
	int64_t messages; /* sent since */
	const char *copy, *config_copy, *keep;
};
/* What `recado rollback` would do: RC_NOT_FOUND with the sentence when there is nothing to undo. */
enum rc rollback_look(struct cx *cx, struct rollback *out) MUST_CHECK;
/* Step of the database that is there now. */
enum rc rollback_schema(struct cx *cx, int64_t *out) MUST_CHECK;
enum rc rollback_do(struct cx *cx, struct rollback *out) MUST_CHECK;

/* The journal: which names of DIR change places (restore_journal.c has the invariant). */
struct journal {
	char keep[64]; /* folder in DIR */
	instant at;
	unsigned takes, drops; /* bits by the journal's own list of names */
};
#define JOURNAL_TEXT_MAX 512
/* Total: false for anything that journal_text() does not write. */
bool journal_parse(struct journal *out, const char *text, size_t len);
void journal_text(char out[JOURNAL_TEXT_MAX], const struct journal *j);
/* Put what lies in DIR/restore.new in place; on RC_OK all of it is. Needs the lock. name_is_there: of
** restore.new. */
enum rc journal_run(const char *dir, const char *keep, instant now, bool drop_reports) MUST_CHECK;
/* When the folder of that name was put aside by a restore or rollback; 0: it is no such name. Total. */
instant restore_keep_instant(const char *name);

/* Those folders (kept_aside.c) */
struct kept_aside {
	int64_t count, bytes; /* bytes: that go with them */
	int days;             /* until one may go         */
};
void kept_aside_look(struct cx *cx, struct kept_aside *out);
/* Removes what is old enough and of which there is a newer proof. */
enum rc kept_aside_tidy(struct cx *cx) MUST_CHECK;

#define RESTORE_ASIDE  "restore.new"
#define RESTORE_INTENT "restore.intent"

#endif
