//go:build cgo

package sqlite

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/squeeze"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// An encodedBatch holds the parts of a batch that take time to make, so that the writer need not.
type encodedBatch struct {
	records   [][]byte
	tags      string // of NewRun or Start
	blobs     []packed
	manifests []packed
	snapshots []packed
	size      int // in bytes, about
}

// A packed is a blob as it is stored.
type packed struct {
	digest canon.Digest
	coding squeeze.Coding
	data   []byte
}

func encodeBatch(b *storage.Batch) (encodedBatch, error) {
	e := encodedBatch{blobs: pack(b.Blobs), manifests: pack(b.Manifests), snapshots: pack(b.Snapshots)}
	for _, list := range [][]packed{e.blobs, e.manifests, e.snapshots} {
		for _, p := range list {
			e.size += len(p.data)
		}
	}
	if len(b.Records) > 0 {
		e.records = make([][]byte, len(b.Records))
	}
	for i := range b.Records {
		data, err := encodeRecord(&b.Records[i])
		if err != nil {
			return encodedBatch{}, fmt.Errorf("record of step %s: %w", b.Records[i].StepKey, err)
		}
		e.records[i] = data
		e.size += len(data)
	}
	for i := range b.Events {
		e.size += len(b.Events[i].Message) + len(b.Events[i].Data) + 50
	}
	for _, r := range []*storage.Run{b.NewRun, b.Start} {
		if r == nil {
			continue
		}
		tags, err := json.Marshal(r.Tags)
		if err != nil {
			return encodedBatch{}, fmt.Errorf("tags of run %s: %w", r.ID, err)
		}
		e.tags = string(tags)
	}
	return e, nil
}

// pack compresses blobs and puts them in order, so that one batch always gives one file.
func pack(m map[canon.Digest][]byte) []packed {
	if len(m) == 0 {
		return nil
	}
	list := make([]packed, 0, len(m))
	for d, b := range m {
		data, coding := squeeze.Pack(b)
		if data == nil {
			data = []byte{} // a nil slice would be stored as NULL
		}
		list = append(list, packed{d, coding, data})
	}
	slices.SortFunc(list, func(a, b packed) int { return slices.Compare(a.digest[:], b.digest[:]) })
	return list
}
