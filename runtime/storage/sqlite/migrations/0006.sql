-- What a status mostly needs to know of the newest record stands beside its number, so that records of many partitions need not be read: content version, data version, names.
ALTER TABLE identity ADD COLUMN briefed INTEGER NOT NULL DEFAULT 0; -- number of the record that brief is of; it counts where that is the newest
ALTER TABLE identity ADD COLUMN brief BLOB NOT NULL DEFAULT x'';
CREATE TRIGGER brief_of_retired AFTER UPDATE OF usable ON record BEGIN
  UPDATE identity SET briefed = 0, brief = x'' WHERE number = new.identity AND briefed = new.number;
END;
CREATE TRIGGER brief_of_removed AFTER DELETE ON record BEGIN
  UPDATE identity SET briefed = 0, brief = x'' WHERE number = old.identity AND briefed = old.number;
END;
