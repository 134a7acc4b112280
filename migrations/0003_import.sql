-- Imports of every resource: one table for them all.

-- What becomes of each row of the file is one letter in `verdicts` (n new, u update, = the same, s left out,
-- w wrong), in the order of the file: what was announced is what is written, and the file itself stays as it came.
CREATE TABLE import_anew (
	id           INTEGER PRIMARY KEY,
	public_id    TEXT NOT NULL UNIQUE,
	resource     TEXT NOT NULL,
	importer     TEXT NOT NULL DEFAULT '', -- '' = column by column
	file_id      INTEGER REFERENCES file (id),
	file_name    TEXT NOT NULL,
	error_file_id INTEGER REFERENCES file (id),
	state        TEXT NOT NULL CHECK (state IN ('reading', 'preview', 'committing', 'undoing', 'done', 'dropped', 'failed')),
	error        TEXT NOT NULL DEFAULT '',
	on_duplicate TEXT NOT NULL DEFAULT 'skip' CHECK (on_duplicate IN ('skip', 'update')),
	rows_total   INTEGER NOT NULL DEFAULT 0,
	rows_new     INTEGER NOT NULL DEFAULT 0,
	rows_update  INTEGER NOT NULL DEFAULT 0,
	rows_same    INTEGER NOT NULL DEFAULT 0,
	rows_skipped INTEGER NOT NULL DEFAULT 0,
	rows_wrong   INTEGER NOT NULL DEFAULT 0,
	made_json    TEXT NOT NULL DEFAULT '[]', -- how many of each kind were written
	columns_json TEXT NOT NULL DEFAULT '{}',
	verdicts     BLOB,
	rights       TEXT NOT NULL DEFAULT '*',  -- of who sent it
	lang         TEXT NOT NULL DEFAULT 'es',
	address      TEXT NOT NULL DEFAULT '',
	job_id       INTEGER REFERENCES job (id),
	created_by   TEXT NOT NULL DEFAULT '',
	user_id      INTEGER REFERENCES user (id),
	created_at   INTEGER NOT NULL,
	flipped_at   INTEGER, -- its rows are there for everybody since
	finished_at  INTEGER
) STRICT;
INSERT INTO import_anew (id, public_id, resource, importer, file_id, file_name, state, error, on_duplicate, rows_total,
	rows_new, rows_update, rows_skipped, rows_wrong, made_json, job_id, created_by, user_id, created_at, finished_at)
	SELECT id, public_id, 'clients', 'subscriptions', file_id, file_name,
		CASE WHEN state IN ('done', 'failed') THEN state ELSE 'dropped' END, error, on_duplicate, rows_total,
		rows_new, rows_known, rows_skipped, rows_wrong, '[' || clients_new || ',' || subscriptions_new || ']',
		NULL, created_by, user_id, created_at, finished_at
	FROM import;

-- The rows a person looks at: the first wrong and left out ones with their reason, the first good ones.
CREATE TABLE import_row_anew (
	import_id  INTEGER NOT NULL REFERENCES import (id) ON DELETE CASCADE,
	line       INTEGER NOT NULL,
	outcome    TEXT NOT NULL CHECK (outcome IN ('new', 'update', 'same', 'skip', 'wrong', 'refused')),
	reason     TEXT NOT NULL DEFAULT '',
	cells_json TEXT NOT NULL DEFAULT '[]',
	PRIMARY KEY (import_id, line)
) STRICT, WITHOUT ROWID;
INSERT INTO import_row_anew (import_id, line, outcome, reason, cells_json)
	SELECT import_id, line, outcome, reason, coalesce(json_extract(cells_json, '$.cells'), '[]')
	FROM import_row WHERE outcome IN ('skip', 'wrong');

DROP TABLE import_row;
DROP TABLE import;
ALTER TABLE import_anew RENAME TO import;
ALTER TABLE import_row_anew RENAME TO import_row;
