-- Renewals: customers, what they pay for, until when, and the notices about it.

CREATE TABLE client (
	id          INTEGER PRIMARY KEY,
	public_id   TEXT NOT NULL UNIQUE,
	given_names TEXT NOT NULL,
	surnames    TEXT NOT NULL DEFAULT '',
	email       TEXT,
	phone       TEXT,
	phone_original TEXT NOT NULL DEFAULT '',
	phone_kind  TEXT NOT NULL DEFAULT '' CHECK (phone_kind = '' OR phone_kind = 'mobile' OR phone_kind = 'landline'
	                           OR phone_kind = 'other'),
	address     TEXT NOT NULL DEFAULT '',
	born_on     TEXT,
	notes       TEXT NOT NULL DEFAULT '',
	is_active   INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
	owner_id    INTEGER REFERENCES user (id),
	generation  INTEGER NOT NULL DEFAULT 0,
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	archived_at INTEGER,
	sort_name   TEXT NOT NULL DEFAULT '',
	search      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX client_list ON client (sort_name, id, search, owner_id, is_active, generation) WHERE archived_at IS NULL;
CREATE INDEX client_created ON client (created_at, id, search, owner_id, is_active, generation) WHERE archived_at IS NULL;
CREATE INDEX client_phone ON client (phone) WHERE phone IS NOT NULL;
-- Few: those no notice can reach.
CREATE INDEX client_unreachable ON client (id)
	WHERE archived_at IS NULL AND (phone IS NULL OR phone_kind = 'landline');
CREATE INDEX client_owner ON client (owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX client_generation ON client (generation) WHERE generation <> 0;

CREATE TABLE service_category (
	id          INTEGER PRIMARY KEY,
	public_id   TEXT NOT NULL UNIQUE,
	name        TEXT NOT NULL,
	description TEXT NOT NULL DEFAULT '',
	icon        TEXT NOT NULL DEFAULT '',
	is_active   INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
	position    INTEGER NOT NULL DEFAULT 0,
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	archived_at INTEGER,
	search      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX service_category_name ON service_category (name) WHERE archived_at IS NULL;
CREATE INDEX service_category_list ON service_category (position, id) WHERE archived_at IS NULL;

CREATE TABLE service (
	id           INTEGER PRIMARY KEY,
	public_id    TEXT NOT NULL UNIQUE,
	name         TEXT NOT NULL,
	display_name TEXT NOT NULL,
	name_folded  TEXT NOT NULL DEFAULT '',
	display_name_folded TEXT NOT NULL DEFAULT '',
	description  TEXT NOT NULL DEFAULT '',
	category_id  INTEGER REFERENCES service_category (id) ON DELETE SET NULL,
	price_cents  INTEGER NOT NULL CHECK (price_cents >= 0),
	currency     TEXT NOT NULL,
	devices_max  INTEGER NOT NULL DEFAULT 1 CHECK (devices_max >= 1),
	period       TEXT NOT NULL DEFAULT 'monthly' CHECK (period IN ('monthly', 'quarterly', 'semiannual', 'annual')),
	is_active    INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
	launched_on  TEXT,
	country      TEXT NOT NULL DEFAULT '',
	quality      TEXT NOT NULL DEFAULT '',
	website      TEXT NOT NULL DEFAULT '',
	languages    TEXT NOT NULL DEFAULT '',
	icon         TEXT NOT NULL DEFAULT '',
	image_file_id INTEGER REFERENCES file (id),
	created_at   INTEGER NOT NULL,
	updated_at   INTEGER NOT NULL,
	archived_at  INTEGER,
	search       TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX service_name ON service (name_folded) WHERE archived_at IS NULL;
CREATE INDEX service_list ON service (display_name, id) WHERE archived_at IS NULL;
CREATE INDEX service_category_ref ON service (category_id);

CREATE TABLE subscription (
	id             INTEGER PRIMARY KEY,
	public_id      TEXT NOT NULL UNIQUE,
	client_id      INTEGER NOT NULL REFERENCES client (id),
	service_id     INTEGER NOT NULL REFERENCES service (id),
	price_cents    INTEGER NOT NULL DEFAULT 0 CHECK (price_cents >= 0),
	currency       TEXT NOT NULL,
	payment_method TEXT NOT NULL DEFAULT 'cash' CHECK (payment_method = 'cash' OR payment_method = 'transfer' OR payment_method = 'card'
	                           OR payment_method = 'paypal' OR payment_method = 'other'),
	payment_status TEXT NOT NULL DEFAULT 'pending' CHECK (payment_status IN ('pending', 'paid')),
	payment_at     INTEGER,
	payment_reference TEXT NOT NULL DEFAULT '',
	starts_on      TEXT NOT NULL,
	ends_on        TEXT NOT NULL,
	period_days    INTEGER NOT NULL DEFAULT 30,
	state          TEXT NOT NULL DEFAULT 'active' CHECK (state = 'active' OR state = 'expired' OR state = 'cancelled'),
	auto_notices   INTEGER NOT NULL DEFAULT 1 CHECK (auto_notices IN (0, 1)),
	expired_at     INTEGER,
	cancelled_at   INTEGER,
	cancel_at_end  INTEGER NOT NULL DEFAULT 0 CHECK (cancel_at_end IN (0, 1)),
	cancel_reason  TEXT NOT NULL DEFAULT '',
	notes          TEXT NOT NULL DEFAULT '',
	last_manual_at INTEGER,
	generation     INTEGER NOT NULL DEFAULT 0,
	created_at     INTEGER NOT NULL,
	created_by     TEXT NOT NULL DEFAULT '',
	updated_at     INTEGER NOT NULL,
	archived_at    INTEGER,
	search         TEXT NOT NULL DEFAULT '',
	CHECK (starts_on <= ends_on)
) STRICT;
-- Choosing the due ones reads only them.
CREATE INDEX subscription_due ON subscription (state, ends_on, id, client_id, generation) WHERE archived_at IS NULL;
-- Those not paid yet, for payment reminders.
CREATE INDEX subscription_unpaid ON subscription (starts_on, id)
	WHERE payment_status = 'pending' AND state = 'active' AND archived_at IS NULL;
CREATE INDEX subscription_list ON subscription (ends_on, id, state, search, client_id, service_id, generation) WHERE archived_at IS NULL;
CREATE INDEX subscription_created ON subscription (created_at, id, state, search, client_id, service_id, generation) WHERE archived_at IS NULL;
CREATE INDEX subscription_client ON subscription (client_id, ends_on);
CREATE INDEX subscription_service ON subscription (service_id);
CREATE INDEX subscription_of_service ON subscription (service_id, state) WHERE archived_at IS NULL;
CREATE INDEX subscription_generation ON subscription (generation) WHERE generation <> 0;

CREATE TABLE payment (
	id             INTEGER PRIMARY KEY,
	public_id      TEXT NOT NULL UNIQUE,
	subscription_id INTEGER NOT NULL REFERENCES subscription (id),
	amount_cents   INTEGER NOT NULL CHECK (amount_cents > 0),
	currency       TEXT NOT NULL,
	method         TEXT NOT NULL CHECK (method = 'cash' OR method = 'transfer' OR method = 'card' OR method = 'paypal'
	                           OR method = 'other'),
	state          TEXT NOT NULL DEFAULT 'pending'
	               CHECK (state = 'pending' OR state = 'completed' OR state = 'failed' OR state = 'refunded'
	                           OR state = 'cancelled'),
	paid_at        INTEGER NOT NULL,
	reference      TEXT NOT NULL DEFAULT '',
	notes          TEXT NOT NULL DEFAULT '',
	created_by     TEXT NOT NULL DEFAULT '',
	created_at     INTEGER NOT NULL,
	updated_at     INTEGER NOT NULL,
	archived_at    INTEGER,
	search         TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX payment_list ON payment (paid_at, id, state, search, subscription_id) WHERE archived_at IS NULL;
CREATE INDEX payment_subscription ON payment (subscription_id, paid_at);

CREATE TABLE subscription_period (
	id              INTEGER PRIMARY KEY,
	subscription_id INTEGER NOT NULL REFERENCES subscription (id),
	starts_on       TEXT NOT NULL,
	ends_on         TEXT NOT NULL,
	price_cents     INTEGER NOT NULL CHECK (price_cents >= 0),
	currency        TEXT NOT NULL,
	payment_id      INTEGER REFERENCES payment (id),
	previous_json   TEXT NOT NULL DEFAULT '',
	idempotency_key TEXT UNIQUE,
	undone_at       INTEGER,
	created_by      TEXT NOT NULL DEFAULT '',
	created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX subscription_period_subscription ON subscription_period (subscription_id, id);
CREATE INDEX subscription_period_created ON subscription_period (created_at);
CREATE INDEX subscription_period_payment ON subscription_period (payment_id);

-- The fact that a notice was due: its state, tries and answers are the message's.
CREATE TABLE notice (
	id              INTEGER PRIMARY KEY,
	public_id       TEXT NOT NULL UNIQUE,
	subscription_id INTEGER NOT NULL REFERENCES subscription (id),
	client_id       INTEGER NOT NULL REFERENCES client (id),
	type            TEXT NOT NULL CHECK (type = 'expiration_warning' OR type = 'renewal_confirmation'
	                           OR type = 'payment_reminder'),
	stage           INTEGER,
	days_left       INTEGER,
	cycle_ends_on   TEXT NOT NULL,
	local_on        TEXT NOT NULL,
	origin          TEXT NOT NULL CHECK (origin = 'auto' OR origin = 'manual' OR origin = 'cron' OR origin = 'catchup'),
	batch_id        INTEGER NOT NULL REFERENCES batch (id),
	message_id      INTEGER REFERENCES message (id),
	skip_reason     TEXT NOT NULL DEFAULT '',
	created_by      TEXT NOT NULL DEFAULT '',
	created_at      INTEGER NOT NULL,
	search          TEXT NOT NULL DEFAULT ''
) STRICT;
-- A stage can be due once for an end date, and a subscription gets one automatic notice a day.
CREATE UNIQUE INDEX notice_once_a_cycle ON notice (subscription_id, type, stage, cycle_ends_on)
	WHERE origin <> 'manual' AND type <> 'renewal_confirmation';
CREATE UNIQUE INDEX notice_once_a_day ON notice (subscription_id, type, local_on)
	WHERE origin <> 'manual' AND type <> 'renewal_confirmation' AND skip_reason = '';
CREATE INDEX notice_batch ON notice (batch_id, stage);
CREATE INDEX notice_list ON notice (created_at, id, search, client_id);
CREATE INDEX notice_day ON notice (local_on, type, stage);
CREATE INDEX notice_message ON notice (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX notice_client ON notice (client_id, id);
CREATE INDEX notice_subscription ON notice (subscription_id, id);

-- A customer answered RENOVAR: something for the owner to do, never done by itself.
CREATE TABLE renewal_request (
	id              INTEGER PRIMARY KEY,
	public_id       TEXT NOT NULL UNIQUE,
	contact_id      INTEGER NOT NULL REFERENCES contact (id),
	client_id       INTEGER REFERENCES client (id),
	subscription_id INTEGER REFERENCES subscription (id),
	inbound_message_id INTEGER UNIQUE REFERENCES inbound_message (id),
	state           TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'dismissed')),
	created_at      INTEGER NOT NULL,
	closed_at       INTEGER,
	closed_by       TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX renewal_request_open ON renewal_request (id) WHERE state = 'open';
CREATE INDEX renewal_request_client ON renewal_request (client_id);

-- Calls of /cron/notifications/; refused ones are counted per hour and status.
CREATE TABLE cron_call (
	id         INTEGER PRIMARY KEY,
	at         INTEGER NOT NULL,
	address    TEXT NOT NULL,
	status     INTEGER NOT NULL,
	duration_ms INTEGER NOT NULL DEFAULT 0,
	batch_id   INTEGER REFERENCES batch (id),
	count      INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX cron_call_at ON cron_call (at);

-- An import: staged, looked at, then committed or dropped.
CREATE TABLE import (
	id           INTEGER PRIMARY KEY,
	public_id    TEXT NOT NULL UNIQUE,
	file_id      INTEGER REFERENCES file (id),
	file_name    TEXT NOT NULL,
	state        TEXT NOT NULL CHECK (state IN ('reading', 'preview', 'committing', 'done', 'dropped', 'failed')),
	error        TEXT NOT NULL DEFAULT '',
	on_duplicate TEXT NOT NULL DEFAULT 'skip' CHECK (on_duplicate IN ('skip', 'update')),
	rows_total   INTEGER NOT NULL DEFAULT 0,
	rows_new     INTEGER NOT NULL DEFAULT 0,
	rows_known   INTEGER NOT NULL DEFAULT 0,
	rows_skipped INTEGER NOT NULL DEFAULT 0,
	rows_wrong   INTEGER NOT NULL DEFAULT 0,
	clients_new  INTEGER NOT NULL DEFAULT 0,
	subscriptions_new INTEGER NOT NULL DEFAULT 0,
	place        INTEGER NOT NULL DEFAULT 0,
	job_id       INTEGER REFERENCES job (id),
	created_by   TEXT NOT NULL DEFAULT '',
	user_id      INTEGER REFERENCES user (id),
	created_at   INTEGER NOT NULL,
	finished_at  INTEGER
) STRICT;

CREATE TABLE import_row (
	import_id INTEGER NOT NULL REFERENCES import (id) ON DELETE CASCADE,
	line      INTEGER NOT NULL,
	-- new: a customer nobody knows; known: one that is there already, or earlier in the file
	outcome   TEXT NOT NULL CHECK (outcome IN ('new', 'known', 'skip', 'wrong')),
	reason    TEXT NOT NULL DEFAULT '',
	phone     TEXT NOT NULL DEFAULT '',
	service_id INTEGER,
	ends_on   TEXT NOT NULL DEFAULT '',
	cells_json TEXT NOT NULL,
	client_id INTEGER,
	PRIMARY KEY (import_id, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX import_row_outcome ON import_row (import_id, outcome, line);
CREATE INDEX import_row_phone ON import_row (import_id, phone, line) WHERE outcome <> 'wrong';
