-- Payments to the end: each completed one has a receipt number of its own, counted without gaps.

ALTER TABLE payment ADD COLUMN receipt_number INTEGER;
CREATE UNIQUE INDEX payment_receipt ON payment (receipt_number) WHERE receipt_number IS NOT NULL;
