-- Runs know when they were created and changed, what they do again, and what their job looked like.
ALTER TABLE run ADD COLUMN created INTEGER NOT NULL DEFAULT 0;  -- nanoseconds since 1970
ALTER TABLE run ADD COLUMN updated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN parent TEXT NOT NULL DEFAULT '';     -- id of a run; it may be deleted
ALTER TABLE run ADD COLUMN root TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN snapshot BLOB NOT NULL DEFAULT x'';  -- digest; empty for none
UPDATE run SET created = started, updated = max(started, ended);
CREATE INDEX run_by_updated ON run (updated, number);
CREATE INDEX run_by_root ON run (root, number) WHERE root <> '';
CREATE INDEX run_by_parent ON run (parent, number) WHERE parent <> '';
CREATE INDEX run_by_snapshot ON run (snapshot, number) WHERE snapshot <> x'';

-- The tags of runs, to find runs by them; run.tags has them too, in one piece.
CREATE TABLE run_tag (
  key   TEXT    NOT NULL,
  value TEXT    NOT NULL,
  run   INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
  PRIMARY KEY (key, value, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_tag_of_run ON run_tag (run);
INSERT OR IGNORE INTO run_tag (key, value, run)
  SELECT t.key, t.value, r.number FROM run r, json_each(r.tags) t WHERE json_valid(r.tags) AND t.key IS NOT NULL AND t.type = 'text';

-- What jobs looked like, each by the digest of its uncompressed bytes.
CREATE TABLE snapshot (
  digest BLOB    NOT NULL UNIQUE,
  coding INTEGER NOT NULL, -- 0: as it is, 1: zstd
  data   BLOB    NOT NULL
) STRICT;

-- The logs of all runs in the order in which they became durable, which is that of number; it is never used again.
CREATE TABLE entry (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  run       INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
  seq       INTEGER NOT NULL,
  time      INTEGER NOT NULL,
  type      TEXT    NOT NULL,
  step      TEXT    NOT NULL,
  level     TEXT    NOT NULL,
  message   TEXT    NOT NULL,
  data      BLOB,
  asset     TEXT    NOT NULL DEFAULT '',
  partition TEXT    NOT NULL DEFAULT '',
  rare      INTEGER NOT NULL DEFAULT 1 -- 0 for the types that each step has: an index of those would cost each step more than it is worth
) STRICT;
INSERT INTO entry (run, seq, time, type, step, level, message, data, rare, asset)
  SELECT run, seq, time, type, step, level, message, data,
    type NOT IN ('STEP_START', 'STEP_INPUT', 'STEP_OUTPUT', 'STEP_SUCCESS', 'LOADED_INPUT', 'HANDLED_OUTPUT', 'LOG'),
    CASE WHEN type IN ('ASSET_MATERIALIZATION', 'ASSET_OBSERVATION') AND json_valid(CAST(data AS TEXT))
      THEN coalesce(json_extract(CAST(data AS TEXT), '$.asset'), '') ELSE '' END
  FROM event ORDER BY run, seq;
DROP TABLE event;
ALTER TABLE entry RENAME TO event;
CREATE UNIQUE INDEX event_of_run ON event (run, seq);
CREATE INDEX event_by_asset ON event (asset, number) WHERE asset <> '';
CREATE INDEX event_by_type ON event (type, number) WHERE rare = 1;
CREATE INDEX event_of_run_by_type ON event (run, type, seq) WHERE rare = 1;
