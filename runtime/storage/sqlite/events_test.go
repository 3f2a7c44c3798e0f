//go:build cgo

package sqlite

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/storagetest"
)

// A page of a long log takes as long as one of a short log: what is looked for is found by an index, wherever it stands.
func TestPagesOfALongLog(t *testing.T) {
	s := openTest(t)
	storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
	const events, rare = 100_000, 10_000
	var last storage.Ticket
	for i := 0; i < events; i += 1000 {
		b := &storage.Batch{}
		for k := range 1000 {
			e := storage.Event{RunID: "r1", Time: time.Unix(int64(i+k), 0), Type: storage.EventStepStart, StepKey: "s", Message: fmt.Sprint(i + k)}
			if (i+k)%rare == 0 {
				e.Type, e.Asset = storage.EventMaterialization, "a"
			}
			b.Events = append(b.Events, e)
		}
		last = s.Submit(b)
	}
	require.NoError(t, last.Wait(t.Context()))
	best := map[string]time.Duration{}
	filters := map[string]storage.EventFilter{
		"the newest":                {},
		"the newest of a run":       {RunID: "r1"},
		"deep":                      {After: events / 2, Ascending: true},
		"deep in a run":             {RunID: "r1", Before: events / 2},
		"of an asset":               {Asset: "a"},
		"of a type":                 {Types: []storage.EventType{storage.EventMaterialization}},
		"of a type in a run":        {RunID: "r1", Types: []storage.EventType{storage.EventMaterialization}, Ascending: true},
		"of a type that is nowhere": {RunID: "r1", Types: []storage.EventType{storage.EventStepFailure, storage.EventRunFailure}},
	}
	for range 5 {
		for name, f := range filters {
			start := time.Now()
			_, err := s.EventRecords(t.Context(), f)
			took := time.Since(start)
			require.NoError(t, err)
			if b, ok := best[name]; !ok || took < b {
				best[name] = took
			}
		}
	}
	// The floor is a look at every event, which no page may come near to.
	scan := time.Hour
	for range 3 {
		start := time.Now()
		page, err := s.EventRecords(t.Context(), storage.EventFilter{RunID: "r1", StepKey: "nowhere"})
		require.NoError(t, err)
		require.Empty(t, page.Records)
		scan = min(scan, time.Since(start))
	}
	for name, took := range best {
		assert.Less(t, took, scan/3, "%s, where a look at everything takes %v", name, scan)
	}
	require.NoError(t, s.Close())
}
