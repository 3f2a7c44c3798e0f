-- The job that a backfill runs; empty for one of assets.
ALTER TABLE backfill ADD COLUMN job TEXT NOT NULL DEFAULT '';
