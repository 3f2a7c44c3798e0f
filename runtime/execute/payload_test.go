package execute

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// checkPayloads holds the data of events against the types that storage has for them: each decodes without a field left over.
func checkPayloads(t testing.TB, events []storage.Event) {
	t.Helper()
	for _, e := range events {
		into, err := e.Payload()
		require.NoError(t, err)
		if into == nil || e.Type == storage.EventLog {
			continue
		}
		_, untyped := into.(map[string]any)
		require.False(t, untyped, "%s has no type of data in runtime/storage/payload.go: %s", e.Type, e.Data)
		d := json.NewDecoder(bytes.NewReader(e.Data))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(into), "%s: %s", e.Type, e.Data)
		again, err := json.Marshal(into)
		require.NoError(t, err)
		require.JSONEq(t, string(e.Data), string(again), "%s", e.Type)
		if e.Type == storage.EventMaterialization || e.Type == storage.EventObservation {
			assert.NotEmpty(t, e.Asset, "%s can be found by its asset", e.Type)
		}
	}
}
