-- The night watch: what the owner is told, since when this program runs, and how often something failed.

-- Who was told of an alert and when: at once, a reminder, that it is over. The word for one kind of telling is in the
-- occasion of its message, so that a restart tells nobody twice.
ALTER TABLE alert ADD COLUMN told_at INTEGER;
ALTER TABLE alert ADD COLUMN reminded_at INTEGER;
ALTER TABLE alert ADD COLUMN solved_told_at INTEGER;
CREATE INDEX alert_at ON alert (created_at);

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
