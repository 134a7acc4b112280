-- Each write of a message asks every index whose condition names a column that changes: seven for the rare ends, and
-- three for what is queued, cost more than the row itself. No list or count loses its index.

-- The unusual ends, told apart by the state itself: a message gets there at most once, the usual ones never.
DROP INDEX IF EXISTS message_failed;
DROP INDEX IF EXISTS message_unsure;
DROP INDEX IF EXISTS message_cancelled;
DROP INDEX IF EXISTS message_expired;
DROP INDEX IF EXISTS message_skipped;
CREATE INDEX message_unusual ON message (state)
	WHERE state = 'failed' OR state = 'unsure' OR state = 'cancelled' OR state = 'expired' OR state = 'skipped';
DROP INDEX IF EXISTS message_batch_failed;
DROP INDEX IF EXISTS message_batch_unsure;
CREATE INDEX message_batch_unusual ON message (batch_id, state)
	WHERE state = 'failed' OR state = 'unsure' OR state = 'cancelled' OR state = 'expired' OR state = 'skipped';

-- What is queued of a batch, and when it expires: asked batch by batch. It holds the state so that counting reads no row.
DROP INDEX IF EXISTS message_expiry;
DROP INDEX IF EXISTS message_batch_queued;
CREATE INDEX message_batch_queued ON message (batch_id, state, expires_at) WHERE state = 'queued';

-- What is under way is in message_sending: a row has a slot while it is being sent, and only then.
DROP INDEX IF EXISTS message_slot;
