package runconfig

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

type outerConfig struct {
	Base  string     `json:"base"`
	Most  int        `json:"most"`
	Token dag.Secret `json:"token,omitzero"`
}

type innerConfig struct {
	URL   string     `json:"url"`
	Limit int        `json:"limit"`
	Token dag.Secret `json:"token,omitzero"`
}

// mappedSchema is a job with a config parameter site, of which the config of its graph outer and of the op fetch in that is made, and that of the op plain.
func mappedSchema() Schema {
	outer := &dag.Config{Symbol: "m.Outer", Decode: dag.DecodeConfig[outerConfig], Encode: dag.EncodeConfig[outerConfig], Fields: []dag.Field{
		{Name: "base", Kind: dag.FieldString, Required: true}, {Name: "most", Kind: dag.FieldInt, Bits: 64, Default: "2"}, {Name: "token", Kind: dag.FieldString, Secret: true}}}
	inner := &dag.Config{Symbol: "m.Inner", Decode: dag.DecodeConfig[innerConfig], Encode: dag.EncodeConfig[innerConfig], Fields: []dag.Field{
		{Name: "url", Kind: dag.FieldString, Required: true}, {Name: "limit", Kind: dag.FieldInt, Bits: 64, Default: "10"}, {Name: "token", Kind: dag.FieldString, Secret: true}}}
	mapped := func(parts []any) any {
		o := parts[0].(outerConfig)
		if o.Most > 9 {
			return dag.ConfigFrom(innerConfig{}, errors.New("most 9"))
		}
		if o.Most < 0 {
			panic("negative")
		}
		return innerConfig{URL: o.Base + "/x", Limit: o.Most * 10, Token: o.Token}
	}
	better := func(parts []any) any {
		o := parts[0].(outerConfig)
		o.Base += "!"
		return o
	}
	return Schema{
		Inputs: []dag.JobParam{{Name: "site", Type: dag.TypeOf[outerConfig]("m.Outer"), Config: outer}},
		Graphs: []GraphSchema{
			{Key: "outer", Config: outer, From: &Source{Make: better, Parts: []*Source{{Param: "site"}}}},
			{Key: "unused", Config: outer, From: &Source{Param: "site"}, Optional: true},
		},
		Ops: []OpSchema{
			{Key: "outer.fetch", Config: inner, From: &Source{Make: mapped, Parts: []*Source{{Graph: "outer"}}}},
			{Key: "unused.fetch", Config: inner, From: &Source{Make: mapped, Parts: []*Source{{Graph: "unused"}}}, Optional: true},
			{Key: "plain", Config: outer, From: &Source{Param: "site"}},
		},
	}
}

func resolveMapped(t *testing.T, text string, s Schema) (*Resolved, error) {
	t.Helper()
	doc, err := Parse("run.yaml", []byte(text))
	require.NoError(t, err)
	return Resolve(doc, s, testEnv)
}

func TestMappedConfig(t *testing.T) {
	for _, c := range []struct {
		text string
		want innerConfig
	}{
		{"inputs: {site: {base: a}}", innerConfig{URL: "a!/x", Limit: 20}},
		{"inputs: {site: {base: a, most: 3}}\nops: {outer: {config: {base: b}}}", innerConfig{URL: "b/x", Limit: 30}},
		{"inputs: {site: {base: a}}\nops: {outer: {config: {most: 4}, ops: {fetch: {config: {url: c}}}}}", innerConfig{URL: "c", Limit: 40}},
		{"inputs: {site: {base: a, token: {env: TOKEN}}}", innerConfig{URL: "a!/x", Limit: 20, Token: dag.NewSecret("c4n4ry")}},
	} {
		r, err := resolveMapped(t, c.text, mappedSchema())
		require.NoError(t, err, c.text)
		assert.Equal(t, c.want, r.Ops["outer.fetch"].Go, c.text)
		assert.NotContains(t, r.Text, "c4n4ry")
		again, err := resolveMapped(t, r.Text, mappedSchema())
		require.NoError(t, err, "the record can be read again:\n%s", r.Text)
		assert.Equal(t, c.want, again.Ops["outer.fetch"].Go, "%s\n%s", c.text, r.Text)
		assert.Equal(t, r.Text, again.Text)
	}
}

// The version of a config is that of the value that comes out, wherever it came from.
func TestMappedConfigsCountByTheirValue(t *testing.T) {
	mapped, err := resolveMapped(t, "inputs: {site: {base: a}}", mappedSchema())
	require.NoError(t, err)
	s := mappedSchema()
	s.Ops[0].From = nil
	written, err := resolveMapped(t, "inputs: {site: {base: b}}\nops: {outer: {ops: {fetch: {config: {url: a!/x, limit: 20}}}}}", s)
	require.NoError(t, err)
	assert.Equal(t, written.Ops["outer.fetch"].Digest, mapped.Ops["outer.fetch"].Digest)
}

// What is wrong is said where it was written: in the config that others are made of.
func TestMappedConfigErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "run config: inputs.site.base: missing, expected text; set it in a file, or with --set inputs.site.base=...",
		"ops: {plain: {config: {base: x}}}": "run config: inputs.site.base: missing, expected text; set it in a file, or with --set inputs.site.base=...",
		"inputs: {site: {base: 1}}":         "run.yaml:1:23: inputs.site.base: expected text, found the number 1; quote it",
		"inputs: {site: {base: a}}\nops: {outer: {config: {most: x}, ops: {fetch: {config: {limt: 1}}}}}": "run.yaml:2:30: ops.outer.config.most: expected a whole number, found the text \"x\"",
		"inputs: {site: {base: a}}\nops: {outer: {config: {most: 10}}}":                                   "run.yaml:2:23: ops.outer.config: most 9",
		"inputs: {site: {base: a}}\nops: {outer: {config: {most: -1}}}":                                   "run.yaml:2:23: ops.outer.config: making a config of it panicked: negative",
		"inputs: {site: {base: a, most: 10}}":                                                             "run.yaml:1:16: inputs.site: most 9",
		"inputs: {site: {base: a}}\nops: {unused: {config: {moot: 1}}}":                                   "run.yaml:2:25: ops.unused.config.moot: unknown field; did you mean \"most\"?",
		"inputs: {site: {base: a}}\nops: {plain: {ops: {}}}":                                              "run.yaml:2:15: ops.plain.ops: unknown key; expected config",
	} {
		_, err := resolveMapped(t, text, mappedSchema())
		assert.EqualError(t, err, want, text)
	}
}

func TestMappedConfigSchema(t *testing.T) {
	js, err := JSONSchema("x", mappedSchema())
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(js, &doc))
	at := func(keys ...string) any {
		v := any(doc)
		for _, k := range keys {
			v = v.(map[string]any)[k]
		}
		return v
	}
	assert.NotNil(t, at("properties", "ops", "properties", "outer", "properties", "config", "properties", "most"))
	assert.NotNil(t, at("properties", "ops", "properties", "outer", "properties", "ops", "properties", "fetch", "properties", "config", "properties", "limit"))
	assert.Nil(t, at("properties", "ops", "properties", "outer", "required"), "the body gives it")
}
