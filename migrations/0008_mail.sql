-- What only mail has: a subject, an HTML part, files that go along.
ALTER TABLE message ADD COLUMN subject TEXT;
ALTER TABLE message ADD COLUMN html TEXT;

CREATE TABLE message_file (
	message_id INTEGER NOT NULL REFERENCES message (id),
	position   INTEGER NOT NULL,
	file_id    INTEGER NOT NULL REFERENCES file (id),
	PRIMARY KEY (message_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_file_file ON message_file (file_id);

-- What a channel handed over in each hour: accepted, or not known for certain. Its caps are counted from it.
CREATE TABLE channel_hour (
	channel_account_id INTEGER NOT NULL REFERENCES channel_account (id),
	hour_at            INTEGER NOT NULL,
	sent               INTEGER NOT NULL,
	PRIMARY KEY (channel_account_id, hour_at)
) STRICT, WITHOUT ROWID;
