package runconfig

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDocumentsTravel(t *testing.T) {
	for _, text := range []string{
		"", "ops: {}", "ops: {a: {config: {n: 0x1F, f: 1e3, t: 'yes', b: true, z: null, e: '', o: {env: HOME}, l: [1, 'x', [], {}]}}}",
		"inputs: {a: 1, b: {c: [2]}}\nexecution: {config: {multi: {max_concurrent: 4}}}",
	} {
		d, err := Parse("run.yaml", []byte(text))
		require.NoError(t, err)
		data, err := d.MarshalBinary()
		require.NoError(t, err)
		var got Document
		require.NoError(t, got.UnmarshalBinary(data))
		assert.Equal(t, d.root.at(Position{}), got.root.at(Position{}), text)
		again, err := got.MarshalBinary()
		require.NoError(t, err)
		assert.Equal(t, data, again)
	}
	var none *Document
	data, err := none.MarshalBinary()
	require.NoError(t, err)
	got := Document{&node{}}
	require.NoError(t, got.UnmarshalBinary(data))
	assert.Nil(t, got.root)
	for _, bad := range []string{"{", "[]", `{"k":1,"t":"true"}`, `{"k":7,"m":[{"k":"a","v":null}]}`, `{"k":7,"m":[{"k":"a","v":{"k":8}}]}`, `{"k":7,"i":[null]}`} {
		assert.Error(t, got.UnmarshalBinary([]byte(bad)), bad)
		assert.Nil(t, got.root)
	}
}

func FuzzUnmarshalDocument(f *testing.F) {
	f.Add([]byte(`{"k":7,"m":[{"k":"ops","v":{"k":7,"m":[{"k":"a","v":{"k":6,"i":[{"k":2,"t":"1"}]}}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Document
		if d.UnmarshalBinary(data) != nil {
			return
		}
		_, _ = Resolve(&d, Schema{}, func(string) (string, bool) { return "", false })
		again, err := d.MarshalBinary()
		require.NoError(t, err)
		var same Document
		require.NoError(t, same.UnmarshalBinary(again))
		require.Equal(t, d, same)
	})
}

func TestWithoutInputs(t *testing.T) {
	d, err := Parse("run.yaml", []byte("ops: {a: {}}\ninputs: {a: 1, b: 2, c: 3}"))
	require.NoError(t, err)
	before, err := d.MarshalBinary()
	require.NoError(t, err)
	want, err := Parse("run.yaml", []byte("ops: {a: {}}\ninputs: {b: 2}"))
	require.NoError(t, err)
	assert.Equal(t, want.root.at(Position{}), d.WithoutInputs([]string{"a", "c", "x"}).root.at(Position{}))
	after, err := d.MarshalBinary()
	require.NoError(t, err)
	assert.Equal(t, before, after, "the document itself stays")
	assert.Nil(t, (*Document)(nil).WithoutInputs([]string{"a"}))
	plain, err := Parse("run.yaml", []byte("inputs: null"))
	require.NoError(t, err)
	assert.Same(t, plain, plain.WithoutInputs([]string{"a"}))
}
