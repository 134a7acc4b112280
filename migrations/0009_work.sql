-- The work of the house, made visible: what jobs say, which schedule made them, who stopped one.

-- What a job had to say while it ran, in sentences; only ever added to, gone with its job.
CREATE TABLE job_line (
	id     INTEGER PRIMARY KEY,
	job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
	at     INTEGER NOT NULL,
	level  TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
	text   TEXT NOT NULL
) STRICT;
CREATE INDEX job_line_job ON job_line (job_id, id);

-- What the next time was computed from; where it differs from what the row says now, it is planned anew.
ALTER TABLE schedule ADD COLUMN planned_as TEXT NOT NULL DEFAULT '';
-- What the program's own tables say of it; '' for one that they do not know. rule_setting: the setting that gives the rule.
ALTER TABLE schedule ADD COLUMN default_rule TEXT NOT NULL DEFAULT '';
ALTER TABLE schedule ADD COLUMN default_late_rule TEXT NOT NULL DEFAULT '';
ALTER TABLE schedule ADD COLUMN default_late_limit_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE schedule ADD COLUMN rule_setting TEXT NOT NULL DEFAULT '';
-- No due time up to here becomes a job any more: the rows of old ones, whose keys said so, are cleaned away.
ALTER TABLE schedule ADD COLUMN served_to_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE schedule ADD COLUMN paused_at INTEGER;
ALTER TABLE schedule ADD COLUMN paused_by TEXT NOT NULL DEFAULT '';
ALTER TABLE schedule ADD COLUMN paused_why TEXT NOT NULL DEFAULT '';
UPDATE schedule SET planned_as = rule || '|' || zone || '|' || is_enabled WHERE next_due_at IS NOT NULL;
-- A look of the scheduler reads what is due and what was changed, whatever else there is.
CREATE INDEX schedule_due ON schedule (next_due_at) WHERE next_due_at IS NOT NULL;
CREATE INDEX schedule_changed ON schedule (id) WHERE planned_as <> rule || '|' || zone || '|' || is_enabled;

ALTER TABLE job ADD COLUMN schedule_id INTEGER REFERENCES schedule (id);
ALTER TABLE job ADD COLUMN due_at INTEGER;
-- 1: missed, and a person is asked whether it should still run.
ALTER TABLE job ADD COLUMN is_asked INTEGER NOT NULL DEFAULT 0 CHECK (is_asked IN (0, 1));
-- Rate and time left are counted from here.
ALTER TABLE job ADD COLUMN progress_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN progress_since_at INTEGER;
UPDATE job SET due_at = json_extract(args_json, '$.due_at'),
	schedule_id = (SELECT s.id FROM schedule s WHERE job.key LIKE 'schedule:' || s.name || ':%')
	WHERE key LIKE 'schedule:%';
CREATE INDEX job_schedule ON job (schedule_id, id) WHERE schedule_id IS NOT NULL;
CREATE INDEX job_asked ON job (schedule_id, id) WHERE is_asked = 1;
CREATE INDEX job_late ON job (id) WHERE is_late = 1;
CREATE INDEX job_kind ON job (kind, id);
-- With the plus the index by state is left aside, whose rows of two states would have to be sorted.
CREATE INDEX job_given_up ON job (id) WHERE +state IN ('dead', 'failed');
