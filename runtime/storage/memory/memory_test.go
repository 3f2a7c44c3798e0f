package memory

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/storagetest"
)

func TestStore(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store { return New() })
}

func TestEmpty(t *testing.T) {
	s := Empty("some/folder")
	err := s.Submit(&storage.Batch{}).Wait(t.Context())
	require.ErrorIs(t, err, storage.ErrReadOnly)
	require.ErrorContains(t, err, "some/folder")
	runs, err := s.Runs(t.Context(), storage.RunFilter{})
	require.NoError(t, err)
	assert.Empty(t, runs)
}

func BenchmarkSteps(b *testing.B) {
	s := New()
	storagetest.Submit(b, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
	rec := storagetest.Record(1)
	for b.Loop() {
		t := s.Submit(&storage.Batch{Records: []storage.Record{rec}, Events: []storage.Event{{RunID: "r1"}, {RunID: "r1"}, {RunID: "r1"}, {RunID: "r1"}}})
		if err := t.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
