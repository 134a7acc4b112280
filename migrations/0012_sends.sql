-- Bulk sends: one template, one file of recipients, one message a row.

-- Who a mail is from.
CREATE TABLE sender (
	id          INTEGER PRIMARY KEY,
	public_id   TEXT NOT NULL UNIQUE,
	user_id     INTEGER REFERENCES user (id),
	from_email  TEXT NOT NULL,
	from_name   TEXT NOT NULL DEFAULT '',
	reply_to    TEXT NOT NULL DEFAULT '',
	is_active   INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	archived_at INTEGER,
	search      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX sender_active ON sender (user_id) WHERE is_active = 1 AND archived_at IS NULL AND user_id IS NOT NULL;
CREATE INDEX sender_user ON sender (user_id);
CREATE INDEX sender_email ON sender (from_email, id);
CREATE INDEX sender_archived ON sender (archived_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE mail_attachment (
	id           INTEGER PRIMARY KEY,
	public_id    TEXT NOT NULL UNIQUE,
	name         TEXT NOT NULL,
	file_id      INTEGER NOT NULL REFERENCES file (id),
	content_type TEXT NOT NULL,
	size_bytes   INTEGER NOT NULL,
	created_at   INTEGER NOT NULL,
	updated_at   INTEGER NOT NULL,
	archived_at  INTEGER,
	search       TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX mail_attachment_file ON mail_attachment (file_id);
CREATE INDEX mail_attachment_created ON mail_attachment (created_at, id);
CREATE INDEX mail_attachment_archived ON mail_attachment (archived_at, id) WHERE archived_at IS NOT NULL;

-- Templates written in the panel (Mustache): for roads where the provider keeps none.
CREATE TABLE mail_template (
	id          INTEGER PRIMARY KEY,
	public_id   TEXT NOT NULL UNIQUE,
	name        TEXT NOT NULL,
	subject     TEXT NOT NULL,
	html        TEXT NOT NULL DEFAULT '',
	text        TEXT NOT NULL DEFAULT '',
	from_email  TEXT NOT NULL DEFAULT '',
	from_name   TEXT NOT NULL DEFAULT '',
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	archived_at INTEGER,
	search      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX mail_template_name ON mail_template (name) WHERE archived_at IS NULL;
CREATE INDEX mail_template_archived ON mail_template (archived_at, id) WHERE archived_at IS NOT NULL;

-- What the provider last told of its templates: a copy for lists, previews and when it is away.
CREATE TABLE provider_template (
	id          INTEGER PRIMARY KEY,
	channel     TEXT NOT NULL,
	provider_id TEXT NOT NULL,
	name        TEXT NOT NULL,
	subject     TEXT NOT NULL DEFAULT '',
	from_email  TEXT NOT NULL DEFAULT '',
	from_name   TEXT NOT NULL DEFAULT '',
	body_type   TEXT NOT NULL DEFAULT '',
	body        TEXT,
	-- 1 while the provider's list has it
	is_listed   INTEGER NOT NULL DEFAULT 1 CHECK (is_listed IN (0, 1)),
	listed_at   INTEGER NOT NULL DEFAULT 0,
	body_at     INTEGER NOT NULL DEFAULT 0,
	search      TEXT NOT NULL DEFAULT '',
	UNIQUE (channel, provider_id)
) STRICT;
CREATE INDEX provider_template_name ON provider_template (channel, name, id);

CREATE TABLE bulk_send (
	id                INTEGER PRIMARY KEY,
	public_id         TEXT NOT NULL UNIQUE,
	client_request_id TEXT UNIQUE,
	channel           TEXT NOT NULL CHECK (channel IN ('doppler', 'email', 'sendgrid')),
	template_id       TEXT NOT NULL,
	template_name     TEXT NOT NULL DEFAULT '',
	subject           TEXT NOT NULL DEFAULT '',
	-- '' = the template's own subject is in force and is not sent
	is_own_subject    INTEGER NOT NULL DEFAULT 0 CHECK (is_own_subject IN (0, 1)),
	variables_json    TEXT NOT NULL DEFAULT '{}',
	may_be_empty      TEXT NOT NULL DEFAULT '[]',
	dedupe            TEXT NOT NULL DEFAULT 'exact' CHECK (dedupe IN ('all', 'exact', 'address')),
	sends_suppressed  INTEGER NOT NULL DEFAULT 0 CHECK (sends_suppressed IN (0, 1)),
	file_id           INTEGER REFERENCES file (id),
	status            TEXT NOT NULL DEFAULT 'pending'
	                  CHECK (status IN ('pending', 'queued', 'sending', 'paused', 'done', 'error', 'cancelled')),
	status_why        TEXT NOT NULL DEFAULT '',
	status_detail     TEXT NOT NULL DEFAULT '',
	paused_until_at   INTEGER,
	-- Counters, refreshed by the send's job and by whatever changes a message of it later.
	result_json       TEXT NOT NULL DEFAULT '{}',
	sender_id         INTEGER REFERENCES sender (id),
	from_email        TEXT NOT NULL DEFAULT '',
	from_name         TEXT NOT NULL DEFAULT '',
	reply_to          TEXT NOT NULL DEFAULT '',
	batch_id          INTEGER REFERENCES batch (id),
	fed_row           INTEGER NOT NULL DEFAULT 0,
	-- 1: it starts by itself as soon as its recipients are imported
	wants_start       INTEGER NOT NULL DEFAULT 0 CHECK (wants_start IN (0, 1)),
	scheduled_at      INTEGER,
	scheduled_by      INTEGER REFERENCES user (id),
	processing_started_at INTEGER,
	sent_started_at   INTEGER,
	sent_finished_at  INTEGER,
	post_reports_status TEXT NOT NULL DEFAULT '' CHECK (post_reports_status IN ('', 'pending', 'done', 'zero_rows', 'error')),
	post_reports_loaded_at INTEGER,
	import_version    INTEGER NOT NULL DEFAULT 0,
	import_status     TEXT NOT NULL DEFAULT 'not_started'
	                  CHECK (import_status IN ('not_started', 'importing', 'ready', 'ready_with_errors', 'error')),
	import_error      TEXT NOT NULL DEFAULT '',
	-- What the file is: encoding, delimiter, columns with how many rows have them empty, counts by row code.
	import_json       TEXT NOT NULL DEFAULT '{}',
	imported_rows     INTEGER NOT NULL DEFAULT 0,
	valid_rows        INTEGER NOT NULL DEFAULT 0,
	invalid_rows      INTEGER NOT NULL DEFAULT 0,
	import_started_at INTEGER,
	import_finished_at INTEGER,
	-- When the variables of its recipients were forgotten (sends.keep_days).
	emptied_at        INTEGER,
	created_by        TEXT NOT NULL DEFAULT '',
	created_by_id     INTEGER REFERENCES user (id),
	created_at        INTEGER NOT NULL,
	updated_at        INTEGER NOT NULL,
	archived_at       INTEGER,
	search            TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX bulk_send_created ON bulk_send (created_at, id);
CREATE INDEX bulk_send_status ON bulk_send (status, created_at, id);
CREATE INDEX bulk_send_scheduled ON bulk_send (scheduled_at) WHERE scheduled_at IS NOT NULL AND status = 'pending';
CREATE INDEX bulk_send_batch ON bulk_send (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX bulk_send_finished ON bulk_send (sent_finished_at) WHERE sent_finished_at IS NOT NULL;
CREATE INDEX bulk_send_sender ON bulk_send (sender_id) WHERE sender_id IS NOT NULL;
CREATE INDEX bulk_send_file ON bulk_send (file_id) WHERE file_id IS NOT NULL;
-- What is due is found however many wait for a person.
CREATE INDEX bulk_send_due ON bulk_send (scheduled_at, id) WHERE scheduled_at IS NOT NULL AND status = 'pending' AND status_why = '';
-- The work of one send, also what is over: slots are sends.NAME:<id>.
CREATE INDEX job_sends ON job (slot, id) WHERE slot >= 'sends.' AND slot < 'sends/';
CREATE INDEX bulk_send_archived ON bulk_send (archived_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE bulk_send_attachment (
	bulk_id       INTEGER NOT NULL REFERENCES bulk_send (id),
	attachment_id INTEGER NOT NULL REFERENCES mail_attachment (id),
	PRIMARY KEY (bulk_id, attachment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bulk_send_attachment_of ON bulk_send_attachment (attachment_id);

-- One line of a recipients' file. Its message is the one whose occasion is 'bulk_recipient:<id>': how it went is read there.
CREATE TABLE bulk_recipient (
	id             INTEGER PRIMARY KEY,
	bulk_id        INTEGER NOT NULL REFERENCES bulk_send (id),
	import_version INTEGER NOT NULL,
	row_number     INTEGER NOT NULL,
	recipient      TEXT NOT NULL,
	-- NFC, trimmed, domain in lower case; NULL: the same as recipient
	normalized     TEXT,
	name           TEXT NOT NULL DEFAULT '',
	-- the variables: canonical JSON; NULL in a row that is never sent
	payload_json   TEXT,
	-- '' = may be sent; else why never: row_structure_invalid, recipient_empty, … duplicate_row, suppressed
	error_code     TEXT NOT NULL DEFAULT '',
	error_detail   TEXT NOT NULL DEFAULT '',
	UNIQUE (bulk_id, import_version, row_number)
) STRICT;
CREATE INDEX bulk_recipient_invalid ON bulk_recipient (bulk_id, import_version, row_number) WHERE error_code <> '';

-- What the provider's reports told of a row.
CREATE TABLE bulk_result (
	bulk_id         INTEGER NOT NULL REFERENCES bulk_send (id),
	recipient_id    INTEGER NOT NULL REFERENCES bulk_recipient (id),
	delivery_status TEXT NOT NULL,
	bounce_type     TEXT NOT NULL DEFAULT '',
	opens           INTEGER NOT NULL DEFAULT 0,
	clicks          INTEGER NOT NULL DEFAULT 0,
	domain          TEXT NOT NULL DEFAULT '',
	-- the report's own date of the delivery; NULL: it cannot be read
	reported_at     INTEGER,
	matched_at      INTEGER NOT NULL,
	PRIMARY KEY (bulk_id, recipient_id)
) STRICT, WITHOUT ROWID;

-- Sums of the above by the recipients' domain, counted when a report was matched: what the page of figures reads.
-- domain '' = all that are beyond the largest ones.
CREATE TABLE bulk_figure (
	bulk_id INTEGER NOT NULL REFERENCES bulk_send (id),
	domain  TEXT NOT NULL,
	found   INTEGER NOT NULL,
	sent    INTEGER NOT NULL,
	bounced INTEGER NOT NULL,
	hard    INTEGER NOT NULL,
	soft    INTEGER NOT NULL,
	dropped INTEGER NOT NULL,
	waiting INTEGER NOT NULL,
	opens   INTEGER NOT NULL,
	openers INTEGER NOT NULL,
	clicks  INTEGER NOT NULL,
	clickers INTEGER NOT NULL,
	PRIMARY KEY (bulk_id, domain)
) STRICT, WITHOUT ROWID;

-- A single mail, written by hand; it leaves only when somebody sends it.
CREATE TABLE single_mail (
	id          INTEGER PRIMARY KEY,
	public_id   TEXT NOT NULL UNIQUE,
	channel     TEXT NOT NULL CHECK (channel IN ('doppler', 'email', 'sendgrid')),
	subject     TEXT NOT NULL,
	from_email  TEXT NOT NULL,
	from_name   TEXT NOT NULL DEFAULT '',
	to_emails   TEXT NOT NULL,
	html        TEXT NOT NULL DEFAULT '',
	text        TEXT NOT NULL DEFAULT '',
	batch_id    INTEGER REFERENCES batch (id),
	sent_at     INTEGER,
	created_by  TEXT NOT NULL DEFAULT '',
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	archived_at INTEGER,
	search      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX single_mail_created ON single_mail (created_at, id);
CREATE INDEX single_mail_batch ON single_mail (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX single_mail_archived ON single_mail (archived_at, id) WHERE archived_at IS NOT NULL;

-- One row a type and day asked for; all types of a (start, end) share request, file and state (spec §13.2).
CREATE TABLE generated_report (
	id              INTEGER PRIMARY KEY,
	public_id       TEXT NOT NULL UNIQUE,
	type            TEXT NOT NULL
	                CHECK (type IN ('deliveries', 'bounces', 'opens', 'clicks', 'spam', 'unsubscribed', 'sent')),
	start_on        TEXT NOT NULL,
	end_on          TEXT NOT NULL,
	state           TEXT NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'PROCESSING', 'READY', 'ERROR')),
	request_id      TEXT NOT NULL DEFAULT '',
	file_id         INTEGER REFERENCES file (id),
	file_rows       INTEGER,
	error           TEXT NOT NULL DEFAULT '',
	error_detail    TEXT NOT NULL DEFAULT '',
	poll_next_at    INTEGER,
	poll_delay_s    INTEGER NOT NULL DEFAULT 0,
	poll_deadline_at INTEGER,
	attempts        INTEGER NOT NULL DEFAULT 0,
	-- when the provider was last asked
	asked_at        INTEGER,
	-- What reports.db says (its report_load is the truth): for the list's filter and badges.
	loaded_in       TEXT NOT NULL DEFAULT '',
	loaded_at       INTEGER,
	rows_inserted   INTEGER,
	requested_by    TEXT NOT NULL DEFAULT '',
	requested_by_id INTEGER REFERENCES user (id),
	created_at      INTEGER NOT NULL,
	updated_at      INTEGER NOT NULL,
	search          TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX generated_report_open ON generated_report (type, start_on, end_on) WHERE state IN ('PENDING', 'PROCESSING');
CREATE INDEX generated_report_day ON generated_report (start_on, end_on, type);
CREATE INDEX generated_report_state ON generated_report (state, id);
CREATE INDEX generated_report_created ON generated_report (created_at, id);
CREATE INDEX generated_report_type ON generated_report (type, id);
CREATE INDEX generated_report_loaded ON generated_report (id) WHERE loaded_in <> '';
CREATE INDEX generated_report_unloaded ON generated_report (id) WHERE loaded_in = '';
CREATE INDEX generated_report_file ON generated_report (file_id) WHERE file_id IS NOT NULL;

-- Passes of the post-send reports: each runs once for a send.
CREATE TABLE bulk_report_pass (
	bulk_id  INTEGER NOT NULL REFERENCES bulk_send (id),
	pass     INTEGER NOT NULL,
	due_at   INTEGER NOT NULL,
	-- its reports were asked for
	began_at INTEGER,
	tries    INTEGER NOT NULL DEFAULT 0,
	done_at  INTEGER,
	outcome  TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (bulk_id, pass)
) STRICT, WITHOUT ROWID;
CREATE INDEX bulk_report_pass_due ON bulk_report_pass (due_at) WHERE done_at IS NULL;

-- Who gets no mailings, as a list for people: one active row for each e-mail contact that is dead or opted out of
-- campaigns. What counts when something leaves is contact.dead_reason and opt_out; this follows them.
CREATE TABLE suppression (
	id         INTEGER PRIMARY KEY,
	public_id  TEXT NOT NULL UNIQUE,
	contact_id INTEGER NOT NULL REFERENCES contact (id),
	address    TEXT NOT NULL,
	reason     TEXT NOT NULL CHECK (reason IN ('bounce', 'spam', 'unsubscribed', 'hand')),
	-- who told: unsubscribe (the person's own link), sendgrid, no_mailbox…, panel
	origin     TEXT NOT NULL DEFAULT '',
	note       TEXT NOT NULL DEFAULT '',
	is_active  INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
	lifted_at  INTEGER,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	search     TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX suppression_active ON suppression (contact_id) WHERE is_active = 1;
CREATE INDEX suppression_contact ON suppression (contact_id);
CREATE INDEX suppression_created ON suppression (created_at, id, search);
CREATE INDEX contact_dead ON contact (id) WHERE dead_reason <> '';
-- Whether WaSender's webhooks come, however many events of mails came since.
CREATE INDEX inbound_wasender ON inbound (received_at) WHERE provider = 'wasender';
INSERT INTO suppression (public_id, contact_id, address, reason, origin, created_at, updated_at, search)
SELECT c.public_id, c.id, c.address,
       CASE WHEN o.origin IS NULL THEN 'bounce' WHEN o.origin = 'spam' THEN 'spam' WHEN o.origin = 'panel' THEN 'hand'
            ELSE 'unsubscribed' END,
       coalesce(o.origin, c.dead_reason), coalesce(o.created_at, c.dead_at, c.created_at),
       coalesce(o.created_at, c.dead_at, c.created_at), lower(c.address)
  FROM contact c LEFT JOIN opt_out o ON o.contact_id = c.id AND o.topic = 'campaign'
 WHERE c.kind = 'email' AND (c.dead_reason <> '' OR o.origin IS NOT NULL);
