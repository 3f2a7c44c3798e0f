package runconfig

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// anything takes one value in several types, to see that the types count.
type anything struct {
	S string             `json:"s,omitempty"`
	I int                `json:"i,omitempty"`
	F float64            `json:"f,omitempty"`
	L []string           `json:"l,omitempty"`
	M map[string]float64 `json:"m,omitempty"`
	P *string            `json:"p"`
}

var anythingConfig = &dag.Config{
	Symbol: "example.com/x.Anything", Decode: dag.DecodeConfig[anything], Encode: dag.EncodeConfig[anything],
	Fields: []dag.Field{
		{Name: "s", Kind: dag.FieldString}, {Name: "i", Kind: dag.FieldInt, Bits: 64}, {Name: "f", Kind: dag.FieldFloat, Bits: 64},
		{Name: "l", Kind: dag.FieldList, Elem: &dag.Field{Kind: dag.FieldString}},
		{Name: "m", Kind: dag.FieldMap, Elem: &dag.Field{Kind: dag.FieldFloat, Bits: 64}},
		{Name: "p", Kind: dag.FieldString, Nullable: true},
	},
}

func digestOf(t *testing.T, c *dag.Config, base any, text string) canon.Digest {
	t.Helper()
	r, err := resolveText(t, "ops: {x: {config: "+text+"}}", Schema{Ops: []OpSchema{{Key: "x", Config: c, Default: base}}})
	require.NoError(t, err, text)
	return r.Ops["x"].Digest
}

func TestDifferentValuesHaveDifferentDigests(t *testing.T) {
	seen := map[canon.Digest]string{}
	for _, text := range []string{
		"{}", "{s: a}", `{s: "1"}`, "{i: 1}", "{f: 1}", "{l: []}", "{l: [a, b]}", "{l: [b, a]}", "{l: [ab]}", "{l: ['']}",
		"{m: {}}", "{m: {a: 1}}", "{m: {a: 2}}", "{p: ''}", "{p: a}", "{f: -0.0}",
	} {
		d := digestOf(t, anythingConfig, nil, text)
		assert.Empty(t, seen[d], "%s has the digest of %s", text, seen[d])
		seen[d] = text
	}
}

func TestEqualValuesHaveEqualDigests(t *testing.T) {
	for _, pair := range [][2]string{
		{"{}", "{p: null}"}, {"{s: a, i: 1}", "{i: 0x1, s: 'a'}"}, {"{f: 1}", "{f: 1.0}"}, {"{f: 1000}", "{f: 1e3}"},
		{"{m: {a: 1, b: 2}}", "{m: {b: 2, a: 1.0}}"}, {"{}", "{s: ''}"},
	} {
		assert.Equal(t, digestOf(t, anythingConfig, nil, pair[0]), digestOf(t, anythingConfig, nil, pair[1]), pair)
	}
	assert.Equal(t, digestOf(t, anythingConfig, nil, "{s: a, l: [x]}"), digestOf(t, anythingConfig, anything{S: "a", L: []string{"x"}}, "{}"),
		"a value of the body and the same one from run config")
}

func TestSecretsAndUnversionedFieldsDoNotCount(t *testing.T) {
	c := stationConfig()
	plain := digestOf(t, c, nil, "{path: a}")
	assert.Equal(t, plain, digestOf(t, c, nil, "{path: a, token: other}"))
	assert.Equal(t, plain, digestOf(t, c, nil, "{path: a, verbose: true}"))
	assert.NotEqual(t, plain, digestOf(t, c, nil, "{path: b}"))
}

// The digest of a value is in every version ever stored: it must not change by accident.
func TestDigestIsStable(t *testing.T) {
	assert.Equal(t, "sha256:d64964f92c6a2ddcc8b67786b83301eedfa91cb206bf3d35f884196f7a771b38", digestOf(t, anythingConfig, nil, "{s: a, i: -1, f: 0.5, l: [x], m: {k: 2}}").String())
}

func TestRunConfigOverlaysTheBody(t *testing.T) {
	size := 3
	base := station{
		Path: "body.csv", Limit: 5, Tags: []string{"one", "two", "three"}, Weights: map[string]uint16{"a": 1, "b": 2},
		Area: area{Name: "tacoma", Size: &size}, Fallback: &area{Name: "north"}, Areas: []area{{Name: "x", Deep: 9}},
		Token: dag.NewSecret("c4n4ry"), Wait: time.Hour, note: "kept",
	}
	s := Schema{Ops: []OpSchema{{Key: "fetch", Config: stationConfig(), Default: base}}}

	r, err := resolveText(t, "", s)
	require.NoError(t, err)
	assert.Equal(t, base, r.Ops["fetch"].Go, "nothing overlaid: the body's value, no defaults")

	r, err = resolveText(t, `ops: {fetch: {config: {limit: 7, tags: [four], weights: {b: 9, c: 3}, area: {size: 4},
		fallback: {deep: 2}, areas: [{size: 8}]}}}`, s)
	require.NoError(t, err)
	got, four, eight := r.Ops["fetch"].Go.(station), 4, 8
	want := base
	want.Limit, want.Tags, want.Weights = 7, []string{"four"}, map[string]uint16{"a": 1, "b": 9, "c": 3}
	want.Area, want.Fallback = area{Name: "tacoma", Size: &four}, &area{Name: "north", Deep: 2}
	want.Areas = []area{{Name: "seattle", Size: &eight, Deep: 1}} // an element starts anew, with its defaults
	assert.Equal(t, want, got)
	assert.Equal(t, "c4n4ry", got.Token.Reveal())

	assert.Equal(t, []string{"one", "two", "three"}, base.Tags, "the body's value is not touched")
	assert.Equal(t, map[string]uint16{"a": 1, "b": 2}, base.Weights)
	assert.Equal(t, 3, size)
	assert.Equal(t, &area{Name: "north"}, base.Fallback)
	assert.NotContains(t, r.Text, "c4n4ry")
}

func TestOptionalOpsRequireNothing(t *testing.T) {
	s := Schema{Ops: []OpSchema{{Key: "fetch", Config: stationConfig(), Optional: true}}}
	r, err := resolveText(t, "", s)
	require.NoError(t, err)
	assert.Empty(t, r.Ops)
	r, err = resolveText(t, "ops: {fetch: {config: {path: a}}}", s)
	require.NoError(t, err)
	assert.Equal(t, "a", r.Ops["fetch"].Go.(station).Path)
	assert.Empty(t, r.Text, "the record says what the run used")
	_, err = resolveText(t, "ops: {fetch: {config: {limit: x}}}", s)
	assert.Equal(t, []string{`run.yaml:1:31: ops.fetch.config.limit: expected a whole number, found the text "x"`}, lines(err))
}

func TestBrokenDefinitionsAreNamed(t *testing.T) {
	bad := &dag.Config{Symbol: "example.com/x.Bad", Decode: dag.DecodeConfig[anything], Fields: []dag.Field{
		{Name: "i", Kind: dag.FieldInt, Bits: 64, Default: `"x"`}, {Name: "q", Kind: dag.FieldString}}}
	_, err := resolveText(t, "", Schema{Ops: []OpSchema{{Key: "x", Config: bad}}})
	assert.Equal(t, []string{`run config: ops.x.config.i: the default in the code is wrong: expected a whole number, found the text "x"`}, lines(err))
	_, err = resolveText(t, "ops: {x: {config: {i: 1}}}", Schema{Ops: []OpSchema{{Key: "x", Config: bad}}})
	assert.Equal(t, []string{`run.yaml:1:19: ops.x.config: runconfig.anything has no field for "q"; run dagstergen again`}, lines(err))
}

// A grumpy type panics where it is read, as user code may.
type grumpy struct{ s string }

func (g *grumpy) UnmarshalText(b []byte) error {
	if string(b) == "boom" {
		panic("no")
	}
	g.s = string(b)
	return nil
}

type mute struct {
	G grumpy `json:"g"`
}

func TestUserCodeThatPanicsOrCannotWrite(t *testing.T) {
	c := &dag.Config{Symbol: "example.com/x.Mute", Decode: dag.DecodeConfig[mute], Fields: []dag.Field{{Name: "g", Kind: dag.FieldText}}}
	s := Schema{Ops: []OpSchema{{Key: "x", Config: c}}}
	_, err := resolveText(t, "ops: {x: {config: {g: boom}}}", s)
	assert.Equal(t, []string{`run.yaml:1:23: ops.x.config.g: "boom" is refused by runconfig.grumpy: panic: no`}, lines(err))
	_, err = resolveText(t, "ops: {x: {config: {g: fine}}}", s)
	assert.Equal(t, []string{"run.yaml:1:19: ops.x.config: runconfig.grumpy reads a text and cannot write it back, so it has no version; " +
		"give it a MarshalText method"}, lines(err))
}
