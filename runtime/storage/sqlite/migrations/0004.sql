-- Backfills: partitions of assets that are to be computed, and how far that is. Sets of partitions are encoded as ranges.
CREATE TABLE backfill (
  number       INTEGER PRIMARY KEY AUTOINCREMENT,
  id           TEXT    NOT NULL UNIQUE,
  status       TEXT    NOT NULL,
  title        TEXT    NOT NULL,
  selection    TEXT    NOT NULL,
  definition   TEXT    NOT NULL,
  partitions   TEXT    NOT NULL,
  total        INTEGER NOT NULL,
  newest       INTEGER NOT NULL, -- 1: the last partitions first
  per_run      INTEGER NOT NULL, -- 0: all in one
  concurrent   INTEGER NOT NULL, -- 0: as many as there are processors
  executor     TEXT    NOT NULL,
  tags         TEXT    NOT NULL, -- a JSON object
  config       TEXT    NOT NULL,
  created      INTEGER NOT NULL, -- nanoseconds since 1970
  updated      INTEGER NOT NULL,
  ended        INTEGER NOT NULL, -- 0 while it has not
  cause        TEXT    NOT NULL,
  through      INTEGER NOT NULL, -- number of the last run that the rest of the row knows of
  done         TEXT    NOT NULL,
  reused       TEXT    NOT NULL,
  failed       TEXT    NOT NULL,
  done_count   INTEGER NOT NULL,
  reused_count INTEGER NOT NULL,
  failed_count INTEGER NOT NULL
) STRICT;
CREATE INDEX backfill_by_status ON backfill (status, number);
