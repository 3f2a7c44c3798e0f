package runconfig

import (
	"errors"
	"strings"
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
			return dag.ConfigFrom(innerConfig{}, errors.New("most 9"+o.Token.Reveal()))
		}
		if o.Most < 0 {
			panic("negative" + o.Token.Reveal())
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
		"inputs: {site: {base: a, token: {env: TOKEN}}}\nops: {outer: {config: {most: 10}}}":              "run.yaml:2:23: ops.outer.config: most 9***",
		"inputs: {site: {base: a, token: {env: TOKEN}}}\nops: {outer: {config: {most: -1}}}":              "run.yaml:2:23: ops.outer.config: making a config of it panicked: negative***",
		"inputs: {site: {base: a}}\nops: {unused: {config: {moot: 1}}}":                                   "run.yaml:2:25: ops.unused.config.moot: unknown field; did you mean \"most\"?",
		"inputs: {site: {base: a}}\nops: {plain: {ops: {}}}":                                              "run.yaml:2:15: ops.plain.ops: unknown key; expected config",
	} {
		_, err := resolveMapped(t, text, mappedSchema())
		assert.EqualError(t, err, want, text)
	}
}

// The JSON Schema says of mapped and configured things what a run says of them.
func TestMappedConfigSchema(t *testing.T) {
	s := configuredSchemaOf(t)
	sch := compile(t, s)
	for text, valid := range map[string]bool{
		"inputs: {site: {base: a}}": true,
		"inputs: {site: {base: a}}\nops: {outer: {config: {most: 3}, ops: {fetch: {config: {limit: 1}}}}}":                     true,
		"inputs: {site: {base: a}}\nops: {given: {config: {base: x}}}\nresources: {lettered: {config: {base: b}}}":             true,
		"inputs: {site: {base: a}}\nops: {outer: {config: {moost: 3}}}":                                                        false,
		"inputs: {site: {base: a}}\nops: {outer: {config: {most: x}}}":                                                         false,
		"inputs: {site: {base: a}}\nops: {small: {config: {limit: 3}}}":                                                        false,
		"inputs: {site: {base: a}}\nops: {given: {config: {base: x, limit: 3}}}":                                               false,
		"inputs: {site: {base: a}}\nresources: {lettered: {config: {url: b}}}":                                                 false,
		"inputs: {site: {base: a}}\nresources: {fixed: {config: {base: b}}}":                                                   false,
		"inputs: {site: {base: a}}\nops: {small: {config: ~}}\nresources: {fixed: {config: ~}, lettered: {config: {base: b}}}": true,
	} {
		if !strings.Contains(text, "lettered") && valid {
			text += "\nresources: {lettered: {config: {base: b}}}"
		}
		if !strings.Contains(text, "given: {config: {base") && valid {
			text = strings.Replace(text, "ops: {", "ops: {given: {config: {base: x}}, ", 1)
			if !strings.Contains(text, "ops: {") {
				text += "\nops: {given: {config: {base: x}}}"
			}
		}
		doc, err := Parse("run.yaml", []byte(text))
		require.NoError(t, err)
		_, err = Resolve(doc, s, testEnv)
		assert.Equal(t, valid, err == nil, "%s\n%v", text, err)
		err = sch.Validate(instance(t, doc.root))
		assert.Equal(t, valid, err == nil, "%s\n%v", text, err)
	}
}

// configuredSchemaOf is mappedSchema with an op and a resource that are given their config, one each by a value and one by a config of its own.
func configuredSchemaOf(t *testing.T) Schema {
	t.Helper()
	s := mappedSchema()
	outer, inner := s.Inputs[0].Config, s.Ops[0].Config
	made := dag.Binding{Kind: dag.FromParts, Parts: []dag.Binding{{Kind: dag.FromParam}}, Func: func(parts []any) any { return innerConfig{URL: parts[0].(outerConfig).Base} }}
	s.Graphs = append(s.Graphs, GraphSchema{Key: "given", Config: outer})
	s.Ops = append(s.Ops,
		OpSchema{Key: "small", Config: inner, From: &Source{Value: innerConfig{URL: "u"}}, Fixed: true},
		OpSchema{Key: "given", Config: inner, From: &Source{Make: made.Func, Parts: []*Source{{Graph: "given"}}}, Fixed: true})
	s.Resources = []*dag.Resource{
		{Key: "fixed", Makes: inner, Made: &dag.Binding{Kind: dag.FromLiteral, Value: innerConfig{URL: "v"}}},
		{Key: "lettered", Config: outer, Makes: inner, Made: &made},
	}
	return s
}

// What is configured has the config that the code says, and the record what was said of its own.
func TestConfigured(t *testing.T) {
	s := configuredSchemaOf(t)
	text := "inputs: {site: {base: a}}\nops: {given: {config: {base: x}}}\nresources: {lettered: {config: {base: b}}}"
	r, err := resolveMapped(t, text, s)
	require.NoError(t, err)
	assert.Equal(t, innerConfig{URL: "u"}, r.Ops["small"].Go)
	assert.Equal(t, innerConfig{URL: "x"}, r.Ops["given"].Go)
	assert.Equal(t, innerConfig{URL: "v"}, r.Resources["fixed"].Go)
	assert.Equal(t, innerConfig{URL: "b"}, r.Resources["lettered"].Go)
	again, err := resolveMapped(t, r.Text, s)
	require.NoError(t, err, r.Text)
	assert.Equal(t, r.Text, again.Text)
	assert.Equal(t, r.Ops["given"].Digest, again.Ops["given"].Digest)
	_, err = resolveMapped(t, "inputs: {site: {base: a}}\nops: {small: {config: {url: x}}, given: {config: {url: x}}}\nresources: {fixed: {config: {url: x}}}", s)
	assert.EqualError(t, err, "run config: resources.lettered.config.base: missing, expected text; set it in a file, or with --set resources.lettered.config.base=...\n"+
		"run.yaml:2:15: ops.small.config: small is configured in code; remove it, or call what it configures\n"+
		"run.yaml:2:51: ops.given.config.url: unknown field; fields: base, most, token\n"+
		"run.yaml:3:21: resources.fixed.config: fixed is configured in code; remove it")
	scaffold := string(Scaffold("Run config", s))
	assert.NotContains(t, scaffold, "small")
	assert.NotContains(t, scaffold, "fixed")
	doc, err := Parse("scaffold.yaml", []byte(scaffold))
	require.NoError(t, err)
	_, err = Resolve(doc, s, testEnv)
	require.NoError(t, err, scaffold)
}
