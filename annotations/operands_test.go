package annotations_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/annotations"
)

func TestIgnoreAndDepends(t *testing.T) {
	got, diags := parse(t, `package p

//dag:op
//dag:ignore log.Logger.Debug example.com/metrics "they only tell what happens"
//dag:ignore Client.trace `+"`it \"traces\"`"+`
//dag:depends file:testdata/*.csv env:MODE plugins.Register file:"a b/c=d.csv" file:all:hidden example.com/m/q.T.Set
func F() {}

//dag:ignore "logs"
func init() {}

type (
	//dag:ignore "logs"
	Logger int
	//dag:ignore "counts"
	Counter struct{}
)

//dag:ignore "debugging"
var a, b = 1, 2

//dag:ignore "registers a page"
var _ = a

//dag:depends env:HOME
func (Logger) M() {}
`)
	require.Empty(t, diags)
	require.Len(t, got, 10)
	var symbols []string
	for _, a := range got[1].All("symbol") {
		symbols = append(symbols, a.Value+" "+a.Pos.String()+" "+a.End.String())
	}
	assert.Equal(t, []string{"log.Logger.Debug a.go:4:14 a.go:4:30", "example.com/metrics a.go:4:31 a.go:4:50"}, symbols)
	assert.Equal(t, "they only tell what happens", got[1].Value("reason"))
	assert.Equal(t, `it "traces"`, got[2].Value("reason"))
	var words [][2]string
	for _, a := range got[3].Args {
		words = append(words, [2]string{a.Key, a.Value})
	}
	assert.Equal(t, [][2]string{{"file", "testdata/*.csv"}, {"env", "MODE"}, {"symbol", "plugins.Register"}, {"file", "a b/c=d.csv"}, {"file", "all:hidden"}, {"symbol", "example.com/m/q.T.Set"}}, words)
	for i, target := range []annotations.Target{annotations.Func, annotations.AnyType, annotations.StructType, annotations.Var, annotations.Var, annotations.Method} {
		assert.Equal(t, target, got[4+i].Target)
	}
	assert.Empty(t, got[4].All("symbol"))
}

func TestOperandErrors(t *testing.T) {
	const useIgnore = `write //dag:ignore [SYMBOL...] "REASON" [DAG0111]`
	for _, c := range []struct{ directive, want string }{
		{`//dag:ignore`, `3:1: //dag:ignore: the reason is missing; ` + useIgnore},
		{`//dag:ignore log.Debug`, `3:1: //dag:ignore: the reason is missing; ` + useIgnore},
		{`//dag:ignore log.Debug ""`, `3:24: //dag:ignore: the reason is empty; write //dag:ignore [SYMBOL...] "REASON" [DAG0103]`},
		{`//dag:ignore "x" log.Debug`, `3:18: //dag:ignore: the reason comes last, and once; ` + useIgnore},
		{`//dag:ignore a.B "x" "y"`, `3:22: //dag:ignore: the reason comes last, and once; ` + useIgnore},
		{`//dag:ignore a.B "x`, `3:18: //dag:ignore: reason: the closing " is missing; quote values as in Go [DAG0111]`},
		{`//dag:ignore (*T).M "x"`, `3:14: //dag:ignore: (*T).M is not how a symbol is written; write Type.Method, without parentheses [DAG0103]`},
		{`//dag:ignore a..B "x"`, `3:14: //dag:ignore: a..B is not a symbol; write Name, Type.Method, pkg.Name or import/path.Name [DAG0103]`},
		{`//dag:ignore a.b.c.d "x"`, `3:14: //dag:ignore: a.b.c.d is not a symbol; write Name, Type.Method, pkg.Name or import/path.Name [DAG0103]`},
		{`//dag:ignore ./metrics "x"`, `3:14: //dag:ignore: ./metrics is a path of files; write the import path of the package [DAG0103]`},
		{`//dag:ignore a//b "x"`, `3:14: //dag:ignore: a//b is not an import path; write it as import declarations do [DAG0103]`},
		{`//dag:ignore a.B a.B "x"`, `3:18: //dag:ignore: a.B is given twice; keep one of them [DAG0104]` + "\n\ta.go:3:14: first given here"},
		{`//dag:depends`, `3:1: //dag:depends names nothing; write //dag:depends file:PATTERN|env:NAME|SYMBOL... [DAG0111]`},
		{`//dag:depends env:`, `3:15: //dag:depends: env: names no variable; write env:NAME [DAG0103]`},
		{`//dag:depends env:1A`, `3:15: //dag:depends: 1A is not the name of an environment variable; use letters, digits and underscores, as in env:MODE [DAG0103]`},
		{`//dag:depends env:A=B`, `3:15: //dag:depends: A=B is not the name of an environment variable; use letters, digits and underscores, as in env:MODE [DAG0103]`},
		{`//dag:depends envv:A`, `3:15: //dag:depends: envv: is unknown; did you mean env:? [DAG0103]`},
		{`//dag:depends secret:A`, `3:15: //dag:depends: secret: is unknown; write //dag:depends file:PATTERN|env:NAME|SYMBOL... [DAG0103]`},
		{`//dag:depends file:../a.csv`, `3:15: //dag:depends: file:../a.csv lies outside of the package's folder, so that a binary cannot embed it to prove what it was built from; move the file below the package, or observe it with a //dag:source [DAG0103]`},
		{`//dag:depends file:/etc/hosts`, `3:15: //dag:depends: file:/etc/hosts lies outside of the package's folder, so that a binary cannot embed it to prove what it was built from; move the file below the package, or observe it with a //dag:source [DAG0103]`},
		{`//dag:depends file:a\b`, `3:15: //dag:depends: file:a\b has a backslash; separate folders with / [DAG0103]`},
		{`//dag:depends file:./a`, `3:15: //dag:depends: file:./a is not a pattern of files; write a slash-separated path below the package's folder, such as testdata/*.csv [DAG0103]`},
		{`//dag:depends file:.`, `3:15: //dag:depends: file:. is not a pattern of files; write a slash-separated path below the package's folder, such as testdata/*.csv [DAG0103]`},
		{`//dag:depends file:[`, `3:15: //dag:depends: file:[ is not a pattern of files; write a slash-separated path below the package's folder, such as testdata/*.csv [DAG0103]`},
		{`//dag:depends file:"a`, `3:20: //dag:depends: the closing " is missing; quote values as in Go [DAG0111]`},
		{"//dag:depends file:\"a\u200bb\"", `3:22: //dag:depends: a word has the invisible character "\u200b"; remove it [DAG0109]`},
		{`//dag:depends env:A // why`, `3:21: //dag:depends: a directive line has no comment behind it; put the comment on a line of its own [DAG0111]`},
		{`// dag:ignore log.Debug "x"`, `3:1: // dag:ignore log.Debug "x" is a comment and no directive; write it as a line that begins with //dag:ignore, without a space and in lower case [DAG0108]`},
		{`// dag:depends env:A`, `3:1: // dag:depends env:A is a comment and no directive; write it as a line that begins with //dag:depends, without a space and in lower case [DAG0108]`},
	} {
		got, diags := parse(t, "package p\n\n"+c.directive+"\nfunc F() {}\n")
		assert.Empty(t, got, c.directive)
		if assert.Len(t, diags, 1, c.directive) {
			assert.Equal(t, "a.go:"+c.want, diags[0].String())
		}
	}
	for _, prose := range []string{"// dag:depends on the weather", "// dag:ignore what follows", `// dag:ignore "quoted" words`} {
		_, diags := parse(t, "package p\n\n"+prose+"\nfunc F() {}\n")
		assert.Empty(t, diags, prose)
	}
	for _, decl := range []string{"const c = 1", "type T = int", "import \"fmt\""} {
		_, diags := parse(t, "package p\n\n//dag:ignore \"x\"\n"+decl+"\n")
		if assert.Len(t, diags, 1, decl) {
			assert.Equal(t, annotations.CodeMisplaced, diags[0].Code, decl)
		}
	}
}
