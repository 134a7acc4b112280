-- What lists, bulk actions and the history need beyond the tables themselves.

-- Through which door a change came, and the folded words it is found by.
ALTER TABLE audit ADD COLUMN door TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN search TEXT NOT NULL DEFAULT '';
-- The audit list, newest first, with what it is filtered by in the index.
CREATE INDEX audit_at ON audit (at, id, table_name, action, user_id);

-- The work people care about: what every message that comes in makes is left out.
CREATE INDEX job_shown ON job (id) WHERE kind <> 'outbox.inbound';

-- Archived rows, the last one first. They are few.
CREATE INDEX user_archived ON user (archived_at, id) WHERE archived_at IS NOT NULL;
CREATE INDEX api_token_archived ON api_token (archived_at, id) WHERE archived_at IS NOT NULL;
CREATE INDEX role_archived ON role (archived_at, id) WHERE archived_at IS NOT NULL;
CREATE INDEX client_archived ON client (archived_at, id) WHERE archived_at IS NOT NULL;
CREATE INDEX subscription_archived ON subscription (archived_at, id) WHERE archived_at IS NOT NULL;
CREATE INDEX service_archived ON service (archived_at, id) WHERE archived_at IS NOT NULL;
CREATE INDEX service_category_archived ON service_category (archived_at, id) WHERE archived_at IS NOT NULL;

-- One action for many rows. public_id is made with the question, so that a yes given twice is done once.
CREATE TABLE bulk (
	id          INTEGER PRIMARY KEY,
	public_id   TEXT NOT NULL UNIQUE,
	resource    TEXT NOT NULL,
	action      TEXT NOT NULL,
	list        TEXT NOT NULL DEFAULT '', -- the query of the list whose rows are meant; '' = rows that were ticked
	user_id     INTEGER REFERENCES user (id),
	actor_json  TEXT NOT NULL DEFAULT '{}',
	rows_total  INTEGER NOT NULL DEFAULT 0,
	rows_done   INTEGER NOT NULL DEFAULT 0,
	rows_refused INTEGER NOT NULL DEFAULT 0,
	place_id    INTEGER NOT NULL DEFAULT 0, -- the last row that was dealt with
	last_id     INTEGER NOT NULL DEFAULT 0, -- rows made after the yes are not meant
	job_id      INTEGER REFERENCES job (id),
	created_at  INTEGER NOT NULL,
	finished_at INTEGER
) STRICT;
CREATE INDEX bulk_user ON bulk (user_id);
CREATE INDEX bulk_job ON bulk (job_id) WHERE job_id IS NOT NULL;

-- The rows that were refused, and why.
CREATE TABLE bulk_row (
	bulk_id  INTEGER NOT NULL REFERENCES bulk (id) ON DELETE CASCADE,
	row_id   INTEGER NOT NULL,
	name     TEXT NOT NULL DEFAULT '',
	sentence TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (bulk_id, row_id)
) STRICT, WITHOUT ROWID;
