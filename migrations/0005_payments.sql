-- Payments to the end: each completed one has a receipt number of its own, counted without gaps.

ALTER TABLE payment ADD COLUMN receipt_number INTEGER;
CREATE UNIQUE INDEX payment_receipt ON payment (receipt_number) WHERE receipt_number IS NOT NULL;

-- Figures of the panel: what came in by month, who left by month, when customers write.
CREATE INDEX payment_sums ON payment (paid_at, state, currency, amount_cents, subscription_id) WHERE archived_at IS NULL;
CREATE INDEX subscription_cancelled ON subscription (cancelled_at, id) WHERE cancelled_at IS NOT NULL;
CREATE INDEX inbound_message_received ON inbound_message (received_at, contact_id);
