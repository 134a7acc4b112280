-- The house's own tables: people, work, files, what leaves and what comes in.
-- Nothing of ours in the schema (no functions, triggers, generated columns): the
-- ordinary sqlite3 shell must be able to check, copy and VACUUM this file.
-- Instants *_at are unix milliseconds UTC, civil dates *_on are YYYY-MM-DD.
-- A CHECK of a busy table says a = 'x' OR a = 'y': for a longer IN list SQLite builds a little table at every write.

CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- People ---------------------------------------------------------------------

CREATE TABLE role (
	id         INTEGER PRIMARY KEY,
	name       TEXT NOT NULL UNIQUE,
	title      TEXT NOT NULL,
	is_builtin INTEGER NOT NULL DEFAULT 0 CHECK (is_builtin IN (0, 1))
) STRICT;

CREATE TABLE role_right (
	role_id INTEGER NOT NULL REFERENCES role (id) ON DELETE CASCADE,
	right   TEXT NOT NULL,
	PRIMARY KEY (role_id, right)
) STRICT, WITHOUT ROWID;

CREATE TABLE user (
	id            INTEGER PRIMARY KEY,
	public_id     TEXT NOT NULL UNIQUE,
	name          TEXT NOT NULL,
	name_folded   TEXT NOT NULL,
	email         TEXT,
	role_id       INTEGER NOT NULL REFERENCES role (id),
	password_hash TEXT NOT NULL,
	language      TEXT NOT NULL DEFAULT '',
	last_login_at INTEGER,
	created_at    INTEGER NOT NULL,
	updated_at    INTEGER NOT NULL,
	archived_at   INTEGER,
	search        TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX user_name ON user (name_folded) WHERE archived_at IS NULL;
CREATE INDEX user_role ON user (role_id);

CREATE TABLE session (
	id           INTEGER PRIMARY KEY,
	token_sha256 TEXT NOT NULL UNIQUE,
	csrf         TEXT NOT NULL,
	user_id      INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
	address      TEXT NOT NULL DEFAULT '',
	agent        TEXT NOT NULL DEFAULT '',
	created_at   INTEGER NOT NULL,
	last_used_at INTEGER NOT NULL,
	expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX session_user ON session (user_id);
CREATE INDEX session_expires ON session (expires_at);

CREATE TABLE api_token (
	id           INTEGER PRIMARY KEY,
	public_id    TEXT NOT NULL UNIQUE,
	name         TEXT NOT NULL,
	token_sha256 TEXT NOT NULL UNIQUE,
	user_id      INTEGER REFERENCES user (id),
	rights       TEXT NOT NULL,
	last_used_at INTEGER,
	expires_at   INTEGER,
	created_at   INTEGER NOT NULL,
	archived_at  INTEGER,
	search       TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX api_token_name ON api_token (name) WHERE archived_at IS NULL;
CREATE INDEX api_token_user ON api_token (user_id);

-- Failed log-ins per key ("name:maria", "address:1.2.3.4"): a growing delay, never a lock for good.
CREATE TABLE login_throttle (
	key        TEXT PRIMARY KEY,
	fails      INTEGER NOT NULL,
	last_at    INTEGER NOT NULL,
	blocked_until_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Answers of writes that carried an Idempotency-Key, kept 24 h.
CREATE TABLE idempotency (
	key        TEXT NOT NULL,
	actor      TEXT NOT NULL,
	request_sha256 TEXT NOT NULL,
	status     INTEGER NOT NULL,
	body       TEXT NOT NULL,
	location   TEXT NOT NULL DEFAULT '',
	created_at INTEGER NOT NULL,
	PRIMARY KEY (key, actor)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_created ON idempotency (created_at);

-- History of every object; only ever added to.
CREATE TABLE audit (
	id          INTEGER PRIMARY KEY,
	at          INTEGER NOT NULL,
	actor       TEXT NOT NULL,
	user_id     INTEGER,
	address     TEXT NOT NULL DEFAULT '',
	action      TEXT NOT NULL,
	table_name  TEXT NOT NULL,
	row_id      INTEGER NOT NULL,
	before_json TEXT,
	after_json  TEXT
) STRICT;
CREATE INDEX audit_row ON audit (table_name, row_id, id);

-- Work -----------------------------------------------------------------------

CREATE TABLE schedule (
	id          INTEGER PRIMARY KEY,
	name        TEXT NOT NULL UNIQUE,
	job_kind    TEXT NOT NULL,
	rule        TEXT NOT NULL,
	zone        TEXT NOT NULL DEFAULT '',
	is_enabled  INTEGER NOT NULL DEFAULT 1 CHECK (is_enabled IN (0, 1)),
	late_rule   TEXT NOT NULL DEFAULT 'run' CHECK (late_rule IN ('run', 'skip', 'ask')),
	late_limit_s INTEGER NOT NULL DEFAULT 86400,
	last_due_at INTEGER,
	next_due_at INTEGER,
	updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE job (
	id             INTEGER PRIMARY KEY,
	kind           TEXT NOT NULL,
	key            TEXT UNIQUE,
	slot           TEXT,
	args_json      TEXT NOT NULL DEFAULT '{}',
	queue          TEXT NOT NULL,
	priority       INTEGER NOT NULL DEFAULT 0,
	state          TEXT NOT NULL DEFAULT 'queued'
	               CHECK (state IN ('queued', 'running', 'done', 'failed', 'dead', 'cancelled')),
	is_late        INTEGER NOT NULL DEFAULT 0 CHECK (is_late IN (0, 1)),
	run_at         INTEGER NOT NULL,
	attempts       INTEGER NOT NULL DEFAULT 0,
	progress_done  INTEGER NOT NULL DEFAULT 0,
	progress_total INTEGER NOT NULL DEFAULT 0,
	note           TEXT NOT NULL DEFAULT '',
	error          TEXT NOT NULL DEFAULT '',
	place_json     TEXT NOT NULL DEFAULT '{}',
	result_json    TEXT NOT NULL DEFAULT '{}',
	created_by     TEXT NOT NULL DEFAULT '',
	created_at     INTEGER NOT NULL,
	heartbeat_at   INTEGER,
	finished_at    INTEGER
) STRICT;
CREATE UNIQUE INDEX job_slot ON job (slot) WHERE slot IS NOT NULL AND state IN ('queued', 'running');
CREATE INDEX job_due ON job (queue, state, priority, run_at, id) WHERE state = 'queued';
CREATE INDEX job_state ON job (state, id);

CREATE TABLE job_run (
	id          INTEGER PRIMARY KEY,
	job_id      INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
	attempt     INTEGER NOT NULL,
	started_at  INTEGER NOT NULL,
	finished_at INTEGER,
	outcome     TEXT NOT NULL DEFAULT '',
	error       TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX job_run_job ON job_run (job_id, id);

-- Rows staged under a generation are hidden until it is gone from here: importing is all or nothing without holding
-- the write lane. Rows of ordinary life have generation 0.
CREATE TABLE pending_generation (
	id         INTEGER PRIMARY KEY,
	owner      TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;

-- Files ----------------------------------------------------------------------

CREATE TABLE file (
	id          INTEGER PRIMARY KEY,
	public_id   TEXT NOT NULL UNIQUE,
	sha256      TEXT NOT NULL,
	name        TEXT NOT NULL,
	size        INTEGER NOT NULL,
	media_type  TEXT NOT NULL,
	owner_table TEXT NOT NULL DEFAULT '',
	owner_id    INTEGER NOT NULL DEFAULT 0,
	created_by  TEXT NOT NULL DEFAULT '',
	created_at  INTEGER NOT NULL,
	archived_at INTEGER
) STRICT;
CREATE INDEX file_sha256 ON file (sha256);
CREATE INDEX file_owner ON file (owner_table, owner_id);

-- What leaves for a person -----------------------------------------------------

CREATE TABLE channel_account (
	id            INTEGER PRIMARY KEY,
	kind          TEXT NOT NULL,
	name          TEXT NOT NULL UNIQUE,
	state         TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'waiting', 'stopped')),
	state_why     TEXT NOT NULL DEFAULT '',
	state_detail  TEXT NOT NULL DEFAULT '',
	until_at      INTEGER,
	state_at      INTEGER NOT NULL DEFAULT 0,
	session       TEXT NOT NULL DEFAULT '',
	session_at    INTEGER NOT NULL DEFAULT 0,
	facts_json    TEXT NOT NULL DEFAULT '{}',
	created_at    INTEGER NOT NULL,
	archived_at   INTEGER
) STRICT;

CREATE TABLE contact (
	id              INTEGER PRIMARY KEY,
	kind            TEXT NOT NULL CHECK (kind = 'phone' OR kind = 'email' OR kind = 'chat'),
	address         TEXT NOT NULL,
	public_id       TEXT NOT NULL UNIQUE,
	dead_reason     TEXT NOT NULL DEFAULT '',
	dead_at         INTEGER,
	last_inbound_at INTEGER,
	unread          INTEGER NOT NULL DEFAULT 0,
	last_text       TEXT NOT NULL DEFAULT '',
	created_at      INTEGER NOT NULL,
	UNIQUE (kind, address)
) STRICT;
CREATE INDEX contact_inbound ON contact (last_inbound_at DESC, id) WHERE last_inbound_at IS NOT NULL;

CREATE TABLE opt_out (
	contact_id INTEGER NOT NULL REFERENCES contact (id),
	topic      TEXT NOT NULL CHECK (topic IN ('notice', 'campaign', 'service')),
	origin     TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (contact_id, topic)
) STRICT, WITHOUT ROWID;

CREATE TABLE template (
	id         INTEGER PRIMARY KEY,
	name       TEXT NOT NULL UNIQUE,
	module     TEXT NOT NULL,
	title      TEXT NOT NULL,
	mode       TEXT NOT NULL CHECK (mode IN ('text', 'subject', 'html')),
	version_id INTEGER,
	is_edited  INTEGER NOT NULL DEFAULT 0 CHECK (is_edited IN (0, 1)),
	updated_at INTEGER NOT NULL
) STRICT;

-- Immutable: an edit is a new row.
CREATE TABLE template_version (
	id          INTEGER PRIMARY KEY,
	template_id INTEGER NOT NULL REFERENCES template (id),
	body        TEXT NOT NULL,
	created_by  TEXT NOT NULL DEFAULT '',
	created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX template_version_template ON template_version (template_id, id);

CREATE TABLE batch (
	id         INTEGER PRIMARY KEY,
	public_id  TEXT NOT NULL UNIQUE,
	kind       TEXT NOT NULL,
	title      TEXT NOT NULL DEFAULT '',
	state      TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paused', 'cancelled')),
	origin     TEXT NOT NULL DEFAULT '',
	local_on   TEXT NOT NULL DEFAULT '',
	facts_json TEXT NOT NULL DEFAULT '{}',
	created_by TEXT NOT NULL DEFAULT '',
	created_at INTEGER NOT NULL,
	planned_at INTEGER
) STRICT;
CREATE INDEX batch_kind ON batch (kind, id);

CREATE TABLE message (
	id                  INTEGER PRIMARY KEY,
	public_id           TEXT NOT NULL UNIQUE,
	batch_id            INTEGER NOT NULL REFERENCES batch (id),
	channel_account_id  INTEGER NOT NULL REFERENCES channel_account (id),
	contact_id          INTEGER NOT NULL REFERENCES contact (id),
	topic               TEXT NOT NULL,
	occasion            TEXT NOT NULL UNIQUE,
	template_version_id INTEGER REFERENCES template_version (id),
	variables_json      TEXT,
	body                TEXT,
	state               TEXT NOT NULL DEFAULT 'queued'
	                    CHECK (state = 'queued' OR state = 'sending' OR state = 'sent' OR state = 'delivered'
	                           OR state = 'read' OR state = 'failed' OR state = 'unsure' OR state = 'cancelled'
	                           OR state = 'expired' OR state = 'skipped'),
	state_why           TEXT NOT NULL DEFAULT '',
	error               TEXT NOT NULL DEFAULT '',
	is_late_failure     INTEGER NOT NULL DEFAULT 0 CHECK (is_late_failure IN (0, 1)),
	slot                INTEGER,
	-- While queued: 0 before its time, 1 may leave, 2 behind another to the same contact, 3 its batch is paused.
	turn                INTEGER NOT NULL DEFAULT 1 CHECK (turn BETWEEN 0 AND 3),
	ignores_window      INTEGER NOT NULL DEFAULT 0 CHECK (ignores_window IN (0, 1)),
	priority            INTEGER NOT NULL DEFAULT 0,
	attempts            INTEGER NOT NULL DEFAULT 0,
	not_before_at       INTEGER NOT NULL,
	expires_at          INTEGER NOT NULL,
	provider_id         TEXT,
	provider_key        TEXT,
	next_check_at       INTEGER,
	checks              INTEGER NOT NULL DEFAULT 0,
	replaces_id         INTEGER REFERENCES message (id),
	created_by          TEXT NOT NULL DEFAULT '',
	created_at          INTEGER NOT NULL,
	claimed_at          INTEGER,
	sent_at             INTEGER,
	delivered_at        INTEGER,
	read_at             INTEGER,
	failed_at           INTEGER
) STRICT;
-- The queue: only what may leave now is in it, so claiming costs the same whatever else waits, is parked or lies behind.
CREATE INDEX message_queue ON message (channel_account_id, ignores_window DESC, priority, id)
	WHERE state = 'queued' AND turn = 1;
CREATE INDEX message_waiting ON message (channel_account_id, not_before_at) WHERE state = 'queued' AND turn = 0;
CREATE INDEX message_behind ON message (channel_account_id, contact_id, priority, id) WHERE state = 'queued' AND turn = 2;
CREATE INDEX message_expiry ON message (expires_at) WHERE state = 'queued';
CREATE UNIQUE INDEX message_slot ON message (channel_account_id, slot) WHERE slot IS NOT NULL;
CREATE UNIQUE INDEX message_sending ON message (channel_account_id, contact_id) WHERE state = 'sending';
-- A message that arrives changes its state four times. So no index holds the state itself: what is looked for by state
-- has an index that only those rows are in, and the usual end (sent, delivered, read) is in none.
CREATE INDEX message_batch ON message (batch_id);
CREATE INDEX message_batch_queued ON message (batch_id) WHERE state = 'queued';
CREATE INDEX message_batch_failed ON message (batch_id) WHERE state = 'failed';
CREATE INDEX message_batch_unsure ON message (batch_id) WHERE state = 'unsure';
CREATE INDEX message_queued ON message (state) WHERE state = 'queued';
CREATE INDEX message_failed ON message (state) WHERE state = 'failed';
CREATE INDEX message_unsure ON message (state) WHERE state = 'unsure';
CREATE INDEX message_cancelled ON message (state) WHERE state = 'cancelled';
CREATE INDEX message_expired ON message (state) WHERE state = 'expired';
CREATE INDEX message_skipped ON message (state) WHERE state = 'skipped';
CREATE INDEX message_contact ON message (contact_id, id);
CREATE INDEX message_check ON message (channel_account_id, next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX message_provider_key ON message (provider_key) WHERE provider_key IS NOT NULL;
CREATE INDEX message_created ON message (created_at, id);
CREATE INDEX message_replaces ON message (replaces_id) WHERE replaces_id IS NOT NULL;

-- Evidence of every try and every later word of the provider; only ever added to.
CREATE TABLE attempt (
	id         INTEGER PRIMARY KEY,
	message_id INTEGER NOT NULL REFERENCES message (id),
	at         INTEGER NOT NULL,
	kind       TEXT NOT NULL CHECK (kind = 'send' OR kind = 'check' OR kind = 'event' OR kind = 'person'
	                           OR kind = 'start'),
	http       INTEGER,
	outcome    TEXT NOT NULL,
	detail     TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX attempt_message ON attempt (message_id, id);

-- What comes in ------------------------------------------------------------------

CREATE TABLE inbound (
	id          INTEGER PRIMARY KEY,
	provider    TEXT NOT NULL,
	provider_id TEXT NOT NULL,
	body        TEXT NOT NULL,
	state       TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'ignored', 'failed')),
	error       TEXT NOT NULL DEFAULT '',
	received_at INTEGER NOT NULL,
	UNIQUE (provider, provider_id)
) STRICT;
CREATE INDEX inbound_new ON inbound (id) WHERE state = 'new';

CREATE TABLE inbound_message (
	id          INTEGER PRIMARY KEY,
	contact_id  INTEGER NOT NULL REFERENCES contact (id),
	inbound_id  INTEGER REFERENCES inbound (id),
	provider_id TEXT NOT NULL UNIQUE,
	name        TEXT NOT NULL DEFAULT '',
	body        TEXT NOT NULL,
	handled_as  TEXT NOT NULL DEFAULT '',
	is_unread   INTEGER NOT NULL DEFAULT 1 CHECK (is_unread IN (0, 1)),
	received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX inbound_message_contact ON inbound_message (contact_id, id);
CREATE INDEX inbound_message_unread ON inbound_message (id) WHERE is_unread = 1;

-- What the owner must know ---------------------------------------------------------

CREATE TABLE alert (
	id          INTEGER PRIMARY KEY,
	key         TEXT NOT NULL,
	severity    TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'urgent')),
	msgid       TEXT NOT NULL,
	subject     TEXT NOT NULL DEFAULT '',
	link        TEXT NOT NULL DEFAULT '',
	created_at  INTEGER NOT NULL,
	seen_at     INTEGER,
	resolved_at INTEGER
) STRICT;
CREATE UNIQUE INDEX alert_open ON alert (key) WHERE resolved_at IS NULL;
