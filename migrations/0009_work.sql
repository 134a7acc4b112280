-- What a job had to say while it ran, in sentences; only ever added to, gone with its job.
CREATE TABLE job_line (
	id     INTEGER PRIMARY KEY,
	job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
	at     INTEGER NOT NULL,
	level  TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
	text   TEXT NOT NULL
) STRICT;
CREATE INDEX job_line_job ON job_line (job_id, id);
