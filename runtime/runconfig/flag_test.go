package runconfig_test

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

func TestFlagValue(t *testing.T) {
	param := func(typ *dag.Type) dag.JobParam { return dag.JobParam{Name: "x", Type: typ} }
	for _, c := range []struct {
		param dag.JobParam
		kind  string
		texts []string
		want  string
	}{
		{param(dag.TypeOf[string]("string")), "text", []string{"1e3"}, `"1e3"`},
		{param(dag.TypeOf[string]("string")), "text", []string{"a: \"b\", c"}, `"a: \"b\", c"`},
		{param(dag.TypeOf[*string]("*string")), "text", []string{"null"}, `null`},
		{param(dag.TypeOf[int]("int")), "number", []string{"12"}, `12`},
		{param(dag.TypeOf[bool]("bool")), "bool", []string{"true"}, `true`},
		{param(dag.TypeOf[time.Duration]("time.Duration")), "duration", []string{"5"}, `"5"`},
		{param(dag.TypeOf[[]string]("[]string")), "list", []string{"a,true", "1"}, `["a", "true", "1"]`},
		{param(dag.TypeOf[[]string]("[]string")), "list", []string{""}, `[]`},
		{param(dag.TypeOf[[]string]("[]string")), "list", []string{`["a,b"]`}, `["a,b"]`},
		{param(dag.TypeOf[[]float64]("[]float64")), "list", []string{"1.5,2"}, `[1.5, 2]`},
		{param(dag.TypeOf[map[string]int]("map[string]int")), "yaml", []string{"{a: 1}"}, `{a: 1}`},
		{param(dag.TypeOf[struct{ A int }]("struct")), "yaml", []string{`{"A": 1}`}, `{"A": 1}`},
		{dag.JobParam{Name: "x", Config: &dag.Config{Symbol: "m.C"}}, "yaml", []string{"{limit: 1}"}, `{limit: 1}`},
	} {
		got, err := runconfig.FlagValue(c.param, c.texts...)
		require.NoError(t, err)
		assert.Equal(t, c.want, got)
		assert.Equal(t, c.kind, runconfig.FlagKind(c.param), c.want)
		_, err = (*runconfig.Document)(nil).SetFrom("--x", "inputs.x", got)
		assert.NoError(t, err)
	}
	_, err := runconfig.FlagValue(param(dag.TypeOf[int]("int")), "1", "2")
	assert.EqualError(t, err, "it is given 2 times")
	bad := param(dag.TypeOf[map[int]string]("map[int]string"))
	_, err = runconfig.FlagValue(bad, "{}")
	assert.ErrorContains(t, err, "map[int]string cannot be given on a command line: ")
	assert.Empty(t, runconfig.FlagKind(bad))
	_, err = (*runconfig.Document)(nil).SetFrom("--x", "inputs.x", "{a")
	assert.ErrorContains(t, err, "--x")
}

// Whatever a flag says of a text, the text is what the job gets.
func FuzzFlagValue(f *testing.F) {
	for _, s := range []string{"", "a", "1e3", "null", "a: b", "[x", "\"", "\x00", "é\u2028", "- a", "#"} {
		f.Add(s)
	}
	text := dag.JobParam{Name: "x", Type: dag.TypeOf[string]("string")}
	f.Fuzz(func(t *testing.T, s string) {
		value, err := runconfig.FlagValue(text, s)
		require.NoError(t, err)
		doc, err := (*runconfig.Document)(nil).SetFrom("--x", "inputs.x", value)
		if !utf8.ValidString(s) || len(value) > runconfig.MaxBytes {
			return
		}
		require.NoError(t, err)
		got, err := runconfig.Resolve(doc, runconfig.Schema{Inputs: []dag.JobParam{text}}, nil)
		require.NoError(t, err)
		assert.Equal(t, s, got.Inputs["x"])
	})
}
