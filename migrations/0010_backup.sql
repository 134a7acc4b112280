-- Every backup that was made, whether it was proved, and where its copy is.
CREATE TABLE backup (
	id          INTEGER PRIMARY KEY,
	public_id   TEXT NOT NULL UNIQUE,
	folder      TEXT NOT NULL DEFAULT '',
	name        TEXT NOT NULL,
	origin      TEXT NOT NULL CHECK (origin IN ('schedule', 'person', 'upgrade', 'found')),
	state       TEXT NOT NULL CHECK (state IN ('made', 'proved', 'failed', 'removed')),
	error       TEXT NOT NULL DEFAULT '',
	size        INTEGER NOT NULL DEFAULT 0,
	sha256      TEXT NOT NULL DEFAULT '',
	is_sealed   INTEGER NOT NULL DEFAULT 0 CHECK (is_sealed IN (0, 1)),
	version     INTEGER NOT NULL DEFAULT 0,
	started_at  INTEGER NOT NULL,
	finished_at INTEGER,
	proved_at   INTEGER,
	remote      TEXT NOT NULL DEFAULT '',
	remote_at   INTEGER,
	remote_error TEXT NOT NULL DEFAULT '',
	search      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX backup_started ON backup (started_at, id);
CREATE INDEX backup_state ON backup (state, id);
CREATE INDEX backup_name ON backup (name);
