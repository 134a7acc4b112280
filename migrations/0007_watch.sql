-- The night watch: what the owner is told, since when this program runs, and how often something failed.

-- Who was told of an alert and when: at once, a reminder, that it is over. The word for one kind of telling is in the
-- occasion of its message, so that a restart tells nobody twice.
ALTER TABLE alert ADD COLUMN told_at INTEGER;
ALTER TABLE alert ADD COLUMN reminded_at INTEGER;
ALTER TABLE alert ADD COLUMN solved_told_at INTEGER;
ALTER TABLE alert ADD COLUMN reminders INTEGER NOT NULL DEFAULT 0;
-- The one next step: a command or a sentence, as a msgid.
ALTER TABLE alert ADD COLUMN remedy TEXT NOT NULL DEFAULT '';
ALTER TABLE alert ADD COLUMN is_test INTEGER NOT NULL DEFAULT 0 CHECK (is_test IN (0, 1));
-- Came back soon after it was told of: nobody is told anew, told_at is that of the earlier row.
ALTER TABLE alert ADD COLUMN is_quiet INTEGER NOT NULL DEFAULT 0 CHECK (is_quiet IN (0, 1));
CREATE INDEX alert_at ON alert (created_at);
CREATE INDEX alert_key ON alert (key, id);
CREATE INDEX alert_unsolved ON alert (id) WHERE resolved_at IS NOT NULL AND solved_told_at IS NULL;
UPDATE alert SET solved_told_at = resolved_at WHERE resolved_at IS NOT NULL;

-- One row a telling and a person: what was said of an alert, on which road. Without a message it waits for the next
-- mail that sums several up.
CREATE TABLE alert_telling (
	id         INTEGER PRIMARY KEY,
	alert_id   INTEGER NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
	road       TEXT NOT NULL,
	word       TEXT NOT NULL,
	place      INTEGER NOT NULL,
	message_id INTEGER REFERENCES message (id),
	created_at INTEGER NOT NULL,
	UNIQUE (alert_id, road, word, place)
) STRICT;
CREATE INDEX alert_telling_at ON alert_telling (created_at);
CREATE INDEX alert_telling_waits ON alert_telling (road, id) WHERE message_id IS NULL;
CREATE INDEX alert_telling_message ON alert_telling (message_id) WHERE message_id IS NOT NULL;

-- One row a run of the process: availability is counted from it.
CREATE TABLE process_run (
	id           INTEGER PRIMARY KEY,
	version      TEXT NOT NULL,
	started_at   INTEGER NOT NULL,
	heartbeat_at INTEGER NOT NULL,
	stopped_at   INTEGER,
	stop_reason  TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX process_run_started ON process_run (started_at);

-- How busy it was: a row a minute, an hour and a day of the business's zone; each kind is kept its own time.
CREATE TABLE sample (
	step         TEXT NOT NULL CHECK (step IN ('minute', 'hour', 'day')),
	at           INTEGER NOT NULL,
	requests     INTEGER NOT NULL,
	failures     INTEGER NOT NULL, -- answers 500 and above
	slow_ms      INTEGER NOT NULL, -- 95 of 100 answers came within; of hours and days the worst minute's
	messages     INTEGER NOT NULL, -- handed over to a provider
	memory_bytes INTEGER NOT NULL,
	PRIMARY KEY (step, at)
) STRICT, WITHOUT ROWID;
