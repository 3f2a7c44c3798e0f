//go:build cgo

package sqlite

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/storagetest"
)

// fill sets every field to something of its own, so that one that is forgotten shows.
func fill(t *testing.T, v reflect.Value, n *int) {
	*n++
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(int64(*n), 5).UTC()))
		return
	case reflect.TypeFor[canon.Digest]():
		v.Set(reflect.ValueOf(storagetest.Digest("fill", *n)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if tag := v.Type().Field(i).Tag.Get("cbor"); tag != "-" {
				fill(t, v.Field(i), n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(t, v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			k, x := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, k, n)
			fill(t, x, n)
			v.SetMapIndex(k, x)
		}
	case reflect.String:
		v.SetString("text " + string(rune('A'+*n%50)))
	case reflect.Int64:
		v.SetInt(-int64(*n) << 33)
	case reflect.Uint8:
		v.SetUint(uint64(*n % 256))
	case reflect.Bool:
		v.SetBool(true)
	default:
		t.Fatalf("a field of kind %s: teach encodeRecord and this test", v.Kind())
	}
}

// Both ways of reading give what was written, every field of it.
func TestRecordHasEveryField(t *testing.T) {
	var want storage.Record
	n := 0
	fill(t, reflect.ValueOf(&want).Elem(), &n)
	data, err := encodeRecord(&want)
	require.NoError(t, err)
	var slow, fast, got storage.Record
	rest := data[len(data)-len(cborOf(t, &want)):]
	require.NoError(t, recordDecoding.Unmarshal(rest, &slow))
	require.Equal(t, want, slow)
	require.NoError(t, decodeRecord(data, &got))
	require.Equal(t, want, got)
	if fastDecode(rest, &fast) {
		require.Equal(t, want, fast)
	} else {
		t.Log("fastDecode does not know a field that was added: look-ups are slower than they could be")
	}
	rec := storagetest.Record(1)
	rec.Partition = "2024-01-31"
	require.True(t, fastDecode(cborOf(t, &rec), &fast), "an everyday record takes the fast way")
}

func cborOf(t testing.TB, r *storage.Record) []byte {
	data, err := recordEncoding.Marshal(r)
	require.NoError(t, err)
	return data
}

func TestRecordOfANewerRelease(t *testing.T) {
	m := map[uint64]any{
		1: "run", 2: "key", 3: "", 4: "", 5: make([]byte, 32), 6: nil, 7: nil, 8: nil, 9: nil, 10: "2024-01-01T00:00:00Z",
		99: map[string]any{"a": []any{1, "x", nil, 2.5, true, cbor.Tag{Number: 1000, Content: []byte("y")}}}, 100: 1 << 40,
	}
	rest, err := cbor.Marshal(m)
	require.NoError(t, err)
	data := append(make([]byte, 65), rest...)
	var got storage.Record
	require.NoError(t, decodeRecord(data, &got))
	assert.Equal(t, storage.Record{RunID: "run", StepKey: "key", Time: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}, got)
}

func TestDamagedRecord(t *testing.T) {
	rec := storagetest.Record(1)
	data, err := encodeRecord(&rec)
	require.NoError(t, err)
	for n := range data {
		var got storage.Record
		require.ErrorIs(t, decodeRecord(data[:n:n], &got), storage.ErrCorrupt)
	}
	var got storage.Record
	require.ErrorIs(t, decodeRecord(append(data, 0), &got), storage.ErrCorrupt)
}

// FuzzDecodeRecord: what the fast way accepts, the library reads as the same.
func FuzzDecodeRecord(f *testing.F) {
	rec := storagetest.Record(1)
	rec.Outputs[0].Metadata = []dag.MetadataEntry{dag.Int("rows", 1)}
	for _, r := range []storage.Record{rec, {Resources: map[string]string{"a": "b"}, Reached: []storage.ResourceState{{Key: "k"}}}} {
		f.Add(cborOf(f, &r))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var fast, slow storage.Record
		if !fastDecode(data, &fast) {
			return
		}
		if recordDecoding.Unmarshal(data, &slow) != nil {
			return // stricter about what we never write, such as a key that occurs twice
		}
		if a, b := fmt.Sprint(fast), fmt.Sprint(slow); a != b { // prints nil and empty alike, as their users take them
			t.Fatalf("%s\n%s", a, b)
		}
	})
}
