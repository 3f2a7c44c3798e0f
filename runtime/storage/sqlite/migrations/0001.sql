-- Runs. The number is the order of insertion and what other tables refer to; the id is what people see.
CREATE TABLE run (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  id        TEXT    NOT NULL UNIQUE,
  job       TEXT    NOT NULL,
  selection TEXT    NOT NULL,
  status    TEXT    NOT NULL,
  cause     TEXT    NOT NULL,
  tags      TEXT    NOT NULL, -- a JSON object
  config    TEXT    NOT NULL,
  started   INTEGER NOT NULL, -- nanoseconds since 1970
  ended     INTEGER NOT NULL, -- likewise; 0 while it runs
  steps     INTEGER NOT NULL,
  ran       INTEGER NOT NULL,
  reused    INTEGER NOT NULL,
  failed    INTEGER NOT NULL,
  skipped   INTEGER NOT NULL
) STRICT;
CREATE INDEX run_by_job ON run (job, number);
CREATE INDEX run_by_status ON run (status, number);

-- The log of each run, in its order.
CREATE TABLE event (
  run     INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
  seq     INTEGER NOT NULL,
  time    INTEGER NOT NULL,
  type    TEXT    NOT NULL,
  step    TEXT    NOT NULL,
  level   TEXT    NOT NULL,
  message TEXT    NOT NULL,
  data    BLOB,
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

-- What records are the latest of: an asset, or a step of a job.
CREATE TABLE identity (
  number INTEGER PRIMARY KEY,
  name   TEXT    NOT NULL UNIQUE,
  latest INTEGER NOT NULL -- number of a record
) STRICT;

-- Computed steps. A record that turned out to be damaged stays as history and is found by no version any more.
CREATE TABLE record (
  number   INTEGER PRIMARY KEY AUTOINCREMENT,
  usable   INTEGER NOT NULL,
  identity INTEGER NOT NULL, -- number of an identity; 0 for none
  data     BLOB    NOT NULL  -- step and content version, identity, CBOR of storage.Record
) STRICT;

-- Which records a step version finds: those computed under it, and those reused by content.
CREATE TABLE step_record (
  step   BLOB    NOT NULL,
  record INTEGER NOT NULL,
  PRIMARY KEY (step, record)
) STRICT, WITHOUT ROWID;

-- Which records a content version finds.
CREATE TABLE content_record (
  content BLOB    NOT NULL,
  record  INTEGER NOT NULL,
  PRIMARY KEY (content, record)
) STRICT, WITHOUT ROWID;

-- Which records gave an asset.
CREATE TABLE asset_record (
  asset  TEXT    NOT NULL,
  record INTEGER NOT NULL,
  PRIMARY KEY (asset, record)
) STRICT, WITHOUT ROWID;

-- Small outputs and code manifests, each by the digest of its uncompressed bytes.
CREATE TABLE blob (
  digest BLOB    NOT NULL UNIQUE,
  coding INTEGER NOT NULL, -- 0: as it is, 1: zstd
  data   BLOB    NOT NULL
) STRICT;
CREATE TABLE manifest (
  digest BLOB    NOT NULL UNIQUE,
  coding INTEGER NOT NULL,
  data   BLOB    NOT NULL
) STRICT;

-- What files looked like when they were last read in full.
CREATE TABLE file_state (
  path     TEXT    PRIMARY KEY,
  size     INTEGER NOT NULL,
  device   INTEGER NOT NULL,
  inode    INTEGER NOT NULL,
  modified INTEGER NOT NULL, -- nanoseconds since 1970
  changed  INTEGER NOT NULL,
  boot     TEXT    NOT NULL,
  digest   BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
