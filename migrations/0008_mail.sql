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
