package runconfig

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

type rangeConfig struct {
	From int `json:"from"`
	To   int `json:"to"`
}

type partConfig struct {
	Path  string      `json:"path"`
	Range rangeConfig `json:"range"`
	Tags  []string    `json:"tags,omitempty"`
	Token dag.Secret  `json:"token,omitzero"`
}

// partSchema is an asset whose config is made for each partition.
func partSchema() Schema {
	c := &dag.Config{Symbol: "m.Part", Decode: dag.DecodeConfig[partConfig], Encode: dag.EncodeConfig[partConfig], Fields: []dag.Field{
		{Name: "path", Kind: dag.FieldString, Required: true},
		{Name: "range", Kind: dag.FieldStruct, Fields: []dag.Field{{Name: "from", Kind: dag.FieldInt, Bits: 64, Required: true, Min: "1"}, {Name: "to", Kind: dag.FieldInt, Bits: 64, Required: true}}},
		{Name: "tags", Kind: dag.FieldList, Elem: &dag.Field{Kind: dag.FieldString}},
		{Name: "token", Kind: dag.FieldString, Secret: true},
	}}
	return Schema{Ops: []OpSchema{{Key: "read", Config: c, ByPartition: true}}}
}

func TestOverlay(t *testing.T) {
	base := partConfig{Path: "a", Range: rangeConfig{From: 1, To: 9}, Tags: []string{"x", "y"}, Token: dag.NewSecret("hush")}
	for _, c := range []struct {
		name, text, recorded string
		want                 partConfig
	}{
		{"nothing", "", "", base},
		{"null", "ops: {read: {config: null}}", "", base},
		{"a field of a struct", "ops: {read: {config: {range: {to: 12}}}}", "ops:\n  read:\n    config:\n      range:\n        to: 12\n",
			partConfig{Path: "a", Range: rangeConfig{From: 1, To: 12}, Tags: []string{"x", "y"}, Token: dag.NewSecret("hush")}},
		{"a list, a variable and a secret", "ops: {read: {config: {tags: [], path: {env: P}, token: {env: T}}}}", "ops:\n  read:\n    config:\n      path: from env\n      tags: []\n      token: {env: T}\n",
			partConfig{Path: "from env", Range: rangeConfig{From: 1, To: 9}, Tags: []string{}, Token: dag.NewSecret("t")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := Parse("c.yaml", []byte(c.text))
			require.NoError(t, err)
			env := map[string]string{"P": "from env", "T": "t"}
			r, err := Resolve(d, partSchema(), func(name string) (string, bool) { v, ok := env[name]; return v, ok })
			require.NoError(t, err)
			clear(env) // what was read is kept
			assert.Equal(t, c.recorded, r.Text)
			assert.Empty(t, r.Ops)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					v, err := r.Overlays["read"].On(func() any { return base }, "partition p")
					if assert.NoError(t, err) {
						assert.Equal(t, c.want, v.Go)
					}
				})
			}
			wg.Wait()
			if c.recorded == "" {
				return
			}
			again, err := Parse("record.yaml", []byte(r.Text)) // what is recorded can be said again
			require.NoError(t, err)
			env["T"] = "t"
			r, err = Resolve(again, partSchema(), func(name string) (string, bool) { v, ok := env[name]; return v, ok })
			require.NoError(t, err)
			v, err := r.Overlays["read"].On(func() any { return base }, "")
			require.NoError(t, err)
			assert.Equal(t, c.want, v.Go)
		})
	}
}

func TestOverlayProblems(t *testing.T) {
	d, err := Parse("c.yaml", []byte("ops: {read: {config: {range: {from: 0}, paht: b}}}"))
	require.NoError(t, err)
	_, err = Resolve(d, partSchema(), func(string) (string, bool) { return "", false })
	require.Error(t, err)
	assert.Equal(t, "c.yaml:1:37: ops.read.config.range.from: expected a whole number of at least 1, found 0\nc.yaml:1:41: ops.read.config.paht: unknown field; did you mean \"path\"?", err.Error())
	r, err := Resolve(nil, partSchema(), nil)
	require.NoError(t, err)
	_, err = r.Overlays["read"].On(func() any { return dag.ConfigFrom(partConfig{}, errors.New("no such archive")) }, "partition p")
	assert.EqualError(t, err, "run config: ops.read.config: partition p: no such archive")
	_, err = r.Overlays["read"].On(func() any { panic("no") }, "partition p")
	assert.ErrorContains(t, err, "ops.read.config: partition p: making a config of it panicked: no")
}
