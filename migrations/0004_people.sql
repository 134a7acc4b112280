-- People: roles that can be edited, a second factor for the log-in, links to set a new password.

-- The rights of a role stand in the role itself, blank-separated like those of a token: one row says who may
-- what, and history has before and after.
ALTER TABLE role ADD COLUMN rights TEXT NOT NULL DEFAULT '';
ALTER TABLE role ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE role ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE role ADD COLUMN archived_at INTEGER;
ALTER TABLE role ADD COLUMN search TEXT NOT NULL DEFAULT '';
UPDATE role SET rights = coalesce((SELECT group_concat(x."right", ' ') FROM role_right x WHERE x.role_id = role.id), '');
DROP TABLE role_right;

-- A time-based code (RFC 6238), and codes on paper for a lost phone.
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

-- Between password and code: this is no session, so it has no rights.
CREATE TABLE login_step (
	token_sha256 TEXT PRIMARY KEY,
	user_id      INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
	expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX login_step_user ON login_step (user_id);

-- From where a person logged in before: others who guess elsewhere do not make him wait there.
CREATE TABLE login_address (
	user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
	address TEXT NOT NULL,
	last_at INTEGER NOT NULL,
	PRIMARY KEY (user_id, address)
) STRICT, WITHOUT ROWID;

-- The link of `recado user reset`: one a person, good once, for half an hour.
CREATE TABLE password_reset (
	user_id     INTEGER PRIMARY KEY REFERENCES user (id) ON DELETE CASCADE,
	code_sha256 TEXT NOT NULL UNIQUE,
	expires_at  INTEGER NOT NULL
) STRICT;
