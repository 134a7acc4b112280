-- Imports of every resource: one table for them all.

ALTER TABLE import ADD COLUMN resource TEXT NOT NULL DEFAULT 'clients';
