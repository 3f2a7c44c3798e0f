-- The keys that were added to dynamic partitions, in the order of number; it is never used again.
CREATE TABLE dynamic_partition (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name   TEXT    NOT NULL,
  key    TEXT    NOT NULL,
  UNIQUE (name, key)
) STRICT;
CREATE INDEX dynamic_partition_in_order ON dynamic_partition (name, number);
