//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// applyPartitions removes and adds keys of dynamic partitions.
func (w *writer) applyPartitions(b *storage.Batch) error {
	for _, d := range b.DeletePartitions {
		for _, key := range d.Keys {
			if _, _, err := w.c.run("DELETE FROM dynamic_partition WHERE name = ? AND key = ?", d.Name, key); err != nil {
				return err
			}
		}
	}
	for _, d := range b.AddPartitions {
		for _, key := range d.Keys {
			if _, _, err := w.c.run("INSERT INTO dynamic_partition (name, key) VALUES (?, ?) ON CONFLICT DO NOTHING", d.Name, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// DynamicPartitions implements storage.Store.
func (s *Store) DynamicPartitions(ctx context.Context, name string) ([]string, error) {
	return s.texts(ctx, "SELECT key FROM dynamic_partition WHERE name = ? ORDER BY number", name)
}

// HasDynamicPartition implements storage.Store.
func (s *Store) HasDynamicPartition(ctx context.Context, name, key string) (bool, error) {
	found, err := s.texts(ctx, "SELECT key FROM dynamic_partition WHERE name = ? AND key = ?", name, key)
	return len(found) > 0, err
}

// DynamicPartitionNames implements storage.Store.
func (s *Store) DynamicPartitionNames(ctx context.Context) ([]string, error) {
	// One seek per name instead of a scan of all keys.
	return s.texts(ctx, "WITH RECURSIVE k (name) AS (SELECT min(name) FROM dynamic_partition UNION ALL "+
		"SELECT (SELECT min(name) FROM dynamic_partition WHERE name > k.name) FROM k WHERE k.name IS NOT NULL) SELECT name FROM k WHERE name IS NOT NULL")
}

// texts returns the first column of all rows of a statement.
func (s *Store) texts(ctx context.Context, text string, args ...driver.Value) ([]string, error) {
	var out []string
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(ctx, text, func(v []driver.Value) error {
			row := reader{row: v}
			out = append(out, row.text())
			return row.err
		}, args...)
	})
	return out, err
}
