-- A second factor for the log-in: a time-based code (RFC 6238), and codes on paper for a lost phone.

ALTER TABLE user ADD COLUMN totp_secret TEXT NOT NULL DEFAULT ''; -- sealed; '' = none
ALTER TABLE user ADD COLUMN totp_at INTEGER;                      -- proved once, in force since
ALTER TABLE user ADD COLUMN totp_last_step INTEGER NOT NULL DEFAULT 0; -- a code is good once

CREATE TABLE recovery_code (
	id          INTEGER PRIMARY KEY,
	user_id     INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
	code_sha256 TEXT NOT NULL,
	used_at     INTEGER,
	created_at  INTEGER NOT NULL,
	UNIQUE (user_id, code_sha256)
) STRICT;
