-- Mailings: what all messages of a batch share, said once. Never changed once the first of them exists.
CREATE TABLE letter (
	batch_id          INTEGER PRIMARY KEY REFERENCES batch (id),
	from_email        TEXT NOT NULL,
	from_name         TEXT NOT NULL DEFAULT '',
	reply_to          TEXT NOT NULL DEFAULT '',
	-- Id of a template that the provider keeps; '' = the texts below (Mustache), rendered with a message's variables.
	provider_template TEXT NOT NULL DEFAULT '',
	subject           TEXT,
	html              TEXT,
	text              TEXT,
	list_name         TEXT NOT NULL DEFAULT '',
	has_unsubscribe   INTEGER NOT NULL DEFAULT 0 CHECK (has_unsubscribe IN (0, 1)),
	created_at        INTEGER NOT NULL
) STRICT;

CREATE TABLE letter_file (
	batch_id INTEGER NOT NULL REFERENCES letter (batch_id),
	position INTEGER NOT NULL,
	file_id  INTEGER NOT NULL REFERENCES file (id),
	PRIMARY KEY (batch_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX letter_file_file ON letter_file (file_id);

-- How the person is called in the mail's heading; NULL = the address alone.
ALTER TABLE message ADD COLUMN to_name TEXT;
