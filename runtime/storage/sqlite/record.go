package sqlite

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// Records are stored as CBOR with small integers as keys, so that a field can be added without a migration.
var (
	recordEncoding = must(cbor.EncOptions{Sort: cbor.SortCoreDeterministic, Time: cbor.TimeRFC3339NanoUTC}.EncMode())
	recordDecoding = must(cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, UTF8: cbor.UTF8DecodeInvalid}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // constant options
	}
	return v
}

func encodeRecord(r *storage.Record) ([]byte, error) { return recordEncoding.Marshal(r) }

func decodeRecord(data []byte, r *storage.Record) error {
	if err := recordDecoding.Unmarshal(data, r); err != nil {
		return fmt.Errorf("%w: a record: %w", storage.ErrCorrupt, err)
	}
	return nil
}
