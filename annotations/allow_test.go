package annotations_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/annotations"
)

func TestAllow(t *testing.T) {
	got, diags := parse(t, `package p

// F is an op.
//
//dag:op name=f
//dag:allow clock "the date is in the file's name"
//dag:allow order `+"`it is \"sorted\" later`"+`
func F() {}

//dag:allow env "an init function has no name, and needs none"
func init() {}

type T struct{}

//dag:allow random "seeded"
func (T) M() {}
`)
	require.Empty(t, diags)
	require.Len(t, got, 5)
	assert.Equal(t, annotations.Op, got[0].Kind)
	for i, want := range [][2]string{{"clock", "the date is in the file's name"}, {"order", `it is "sorted" later`}, {"env", "an init function has no name, and needs none"}, {"random", "seeded"}} {
		a := got[i+1]
		assert.Equal(t, annotations.Allow, a.Kind)
		assert.Equal(t, want, [2]string{a.Value("kind"), a.Value("reason")})
	}
	arg, _ := got[1].Arg("kind")
	assert.Equal(t, "a.go:6:13", arg.Pos.String())
	assert.Equal(t, "a.go:6:18", arg.End.String())
}

func TestAllowErrors(t *testing.T) {
	for _, c := range []struct{ directive, want string }{
		{`//dag:allow`, `3:1: //dag:allow: the kind is missing; write //dag:allow KIND "REASON" [DAG0111]`},
		{`//dag:allow clock`, `3:1: //dag:allow: the reason is missing; write //dag:allow KIND "REASON" [DAG0111]`},
		{`//dag:allow clock // why`, `3:1: //dag:allow: the reason is missing; write //dag:allow KIND "REASON" [DAG0111]`},
		{`//dag:allow clok "x"`, `3:13: //dag:allow: kind cannot be clok; did you mean clock? [DAG0103]`},
		{`//dag:allow everything "x"`, `3:13: //dag:allow: kind cannot be everything; use one of clock, random, env, network, files, exec, order, global, input, run, unused [DAG0103]`},
		{`//dag:allow clock for the file name`, `3:19: //dag:allow: the reason is not quoted; write //dag:allow KIND "REASON" [DAG0111]`},
		{`//dag:allow clock ""`, `3:19: //dag:allow: the reason is empty; write //dag:allow KIND "REASON" [DAG0103]`},
		{`//dag:allow clock " "`, `3:19: //dag:allow: the reason is empty; write //dag:allow KIND "REASON" [DAG0103]`},
		{`//dag:allow clock "x`, `3:19: //dag:allow: reason: the closing " is missing; quote values as in Go [DAG0111]`},
		{`//dag:allow clock reason="x"`, `3:19: //dag:allow: the reason is written without a key; write //dag:allow KIND "REASON" [DAG0111]`},
		{`//dag:allow clock "x" volatile`, `3:23: //dag:allow: unknown argument volatile; it is an argument of //dag:op [DAG0102]`},
		{`//dag:allow clock "x" "y"`, `3:23: //dag:allow: an argument cannot begin with a quote; write key="value" [DAG0111]`},
		{"//dag:allow clock \"a\u200bb\"", `3:21: //dag:allow: the reason has the invisible character "\u200b"; remove it [DAG0109]`},
		{`// dag:allow clock "x"`, `3:1: // dag:allow clock "x" is a comment and no directive; write it as a line that begins with //dag:allow, without a space and in lower case [DAG0108]`},
	} {
		got, diags := parse(t, "package p\n\n"+c.directive+"\nfunc F() {}\n")
		assert.Empty(t, got, c.directive)
		if assert.Len(t, diags, 1, c.directive) {
			assert.Equal(t, "a.go:"+c.want, diags[0].String())
		}
	}
	_, diags := parse(t, "package p\n\n// dag:allow people to read this.\nfunc F() {}\n")
	assert.Empty(t, diags, "prose")
	_, diags = parse(t, "package p\n\n//dag:allow clock \"x\"\ntype T struct{}\n")
	require.Len(t, diags, 1)
	assert.Equal(t, annotations.CodeMisplaced, diags[0].Code)
}
