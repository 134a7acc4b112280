-- Payments to the end: receipts counted without gaps, what a payment is for, requests to pay.

ALTER TABLE payment ADD COLUMN receipt_number INTEGER;             -- given when the money arrived; kept for ever
ALTER TABLE payment ADD COLUMN period_id INTEGER REFERENCES subscription_period (id); -- what it is for; NULL: an extra
ALTER TABLE payment ADD COLUMN renews_periods INTEGER NOT NULL DEFAULT 0 -- a request: renew for so many once it is paid
	CHECK (renews_periods BETWEEN 0 AND 12);
ALTER TABLE payment ADD COLUMN refunded_at INTEGER;
ALTER TABLE payment ADD COLUMN idempotency_key TEXT;

-- Payments from before: the newest period of a renewal knows its payment; receipts in the order of registration.
UPDATE payment SET period_id = (SELECT max(p.id) FROM subscription_period p WHERE p.payment_id = payment.id);
UPDATE payment SET receipt_number = n.number
	FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM payment WHERE state IN ('completed', 'refunded')) n
	WHERE n.id = payment.id;
UPDATE payment SET refunded_at = updated_at WHERE state = 'refunded';

CREATE UNIQUE INDEX payment_receipt ON payment (receipt_number) WHERE receipt_number IS NOT NULL;
CREATE UNIQUE INDEX payment_once ON payment (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX payment_period ON payment (period_id) WHERE period_id IS NOT NULL;
CREATE INDEX payment_refunded ON payment (refunded_at) WHERE refunded_at IS NOT NULL;

-- Figures of the panel: what came in by month, who left by month, when customers write.
CREATE INDEX payment_sums ON payment (paid_at, state, currency, amount_cents, subscription_id) WHERE archived_at IS NULL;
CREATE INDEX subscription_cancelled ON subscription (cancelled_at, id) WHERE cancelled_at IS NOT NULL;
CREATE INDEX inbound_message_received ON inbound_message (received_at, contact_id);
CREATE INDEX subscription_period_renewed ON subscription_period (created_at, subscription_id)
	WHERE previous_json <> '' AND undone_at IS NULL;
