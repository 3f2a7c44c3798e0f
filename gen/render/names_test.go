package render

import (
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"math"
	"strings"
	"testing"

	"github.com/dave/jennifer/jen"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/internal/load"
)

// packageWith makes a package whose scope has these names.
func packageWith(path string, declared ...string) *types.Package {
	p := types.NewPackage(path, "own")
	for _, name := range declared {
		p.Scope().Insert(types.NewVar(token.NoPos, p, name, types.Typ[types.Int]))
	}
	return p
}

func TestAliases(t *testing.T) {
	imports := map[string]string{
		load.RuntimePath: "dag", "context": "context", "a/data": "data", "b/data": "data", "c/d/data": "data", "x/err": "err", "x/min": "min", "x/go": "weird", "my/dag": "dag",
		"z/context": "context",
	}
	n := newNames(packageWith("own"), []string{"Definitions"}, imports)
	got := map[string]string{}
	for path, in := range n.known {
		got[path] = in.name
	}
	assert.Equal(t, map[string]string{
		load.RuntimePath: "dag", "context": "context", // what every file has keeps its name
		"a/data": "data", "b/data": "bdata", "c/d/data": "ddata",
		"x/err": "xerr", "x/min": "xmin", // reserved: jennifer, or Go, has its own idea of these
		"x/go": "weird", "my/dag": "mydag", "z/context": "zcontext",
	}, got)

	hidden := newNames(packageWith("own", "dag", "runtimedag", "context"), nil, map[string]string{load.RuntimePath: "dag", "context": "context"})
	assert.Equal(t, "dag2", hidden.known[load.RuntimePath].name)
	assert.Equal(t, "context2", hidden.known["context"].name)
}

func TestLocals(t *testing.T) {
	n := newNames(packageWith("own", "ctx", "ctx2", "err"), []string{"in"}, map[string]string{"x/c": "c"})
	assert.Equal(t, "ctx3", n.local("ctx"))
	assert.Equal(t, "err2", n.local("err"))
	assert.Equal(t, "in2", n.local("in"))
	assert.Equal(t, "c2", n.local("c"), "an import may be called c")
	assert.Equal(t, "v", n.local("v"))
}

func TestCamels(t *testing.T) {
	assert.Equal(t, []string{"MonthlyMeans", "X", "S3Bucket"}, camels([]string{"monthly_means", "x", "s3_bucket"}))
	assert.Equal(t, []string{"_a_b", "_a__b", "Ab"}, camels([]string{"a_b", "a__b", "ab"}))
	assert.Equal(t, []string{"_a", "_a_2"}, camels([]string{"a", "a"}))
}

func TestFieldNames(t *testing.T) {
	assert.Equal(t, []string{"Cities", "AB", "AB2"}, fieldNames([]string{"cities", "aB", "AB"}))
}

func TestQuoteTag(t *testing.T) {
	for tag, want := range map[string]string{`json:"a"`: "`json:\"a\"`", "a`b": "\"a`b\"", "a\nb": `"a\nb"`, "a\rb": `"a\rb"`, "a\xffb": `"a\xffb"`} {
		assert.Equal(t, want, quoteTag(tag))
	}
}

func TestGroupImports(t *testing.T) {
	in := "package a\n\nimport (\n\t\"context\"\n\t\"example.com/x\"\n\tfmt2 \"fmt\"\n)\n\nvar x = 1\n"
	assert.Equal(t, "package a\n\nimport (\n\t\"context\"\n\tfmt2 \"fmt\"\n\n\t\"example.com/x\"\n)\n\nvar x = 1\n", string(groupImports([]byte(in))))
	for _, same := range []string{"package a\n", "package a\n\nimport (\n\t\"context\"\n)\n\n"} {
		assert.Equal(t, same, string(groupImports([]byte(same))))
	}
}

// A literal is read back as the constant that it was, with its type.
func TestConstantsKeepTypeAndValue(t *testing.T) {
	r := &renderer{names: newNames(packageWith("own"), nil, nil)}
	for _, c := range []struct {
		typ   types.Type
		value constant.Value
	}{
		{types.Typ[types.String], constant.MakeString("a\x00\xff\"`ü\n")},
		{types.Typ[types.Bool], constant.MakeBool(true)},
		{types.Typ[types.Int], constant.MakeInt64(math.MinInt64)},
		{types.Typ[types.Int8], constant.MakeInt64(-128)},
		{types.Typ[types.Uint64], constant.MakeUint64(math.MaxUint64)},
		{types.Typ[types.Float64], constant.MakeFloat64(0.1)},
		{types.Typ[types.Float64], constant.MakeFloat64(math.SmallestNonzeroFloat64)},
		{types.Typ[types.Float64], constant.MakeFloat64(math.MaxFloat64)},
		{types.Typ[types.Float32], constant.MakeFloat64(float64(float32(0.1)))},
		{types.Typ[types.Float32], constant.MakeFloat64(float64(math.MaxFloat32))},
		{types.Typ[types.Complex128], constant.BinaryOp(constant.MakeFloat64(1.5), token.ADD, constant.MakeImag(constant.MakeInt64(-2)))},
		{types.Universe.Lookup("rune").Type(), constant.MakeInt64('ü')},
	} {
		text := exprString(t, r.literal(&model.Literal{Type: c.typ, Const: c.value}))
		_, err := parser.ParseExpr(text)
		require.NoError(t, err, text)
		tv, err := types.Eval(token.NewFileSet(), r.own, token.NoPos, text)
		require.NoError(t, err, text)
		assert.True(t, types.Identical(types.Default(tv.Type), c.typ), "%s is %s, not %s", text, tv.Type, c.typ)
		assert.True(t, constant.Compare(tv.Value, token.EQL, c.value), "%s is %s, not %s", text, tv.Value, c.value)
	}
}

func exprString(t *testing.T, s *jen.Statement) string {
	t.Helper()
	text := jen.Var().Id("x").Op("=").Add(s).GoString()
	return strings.TrimPrefix(text, "var x = ")
}

// Types are written so that they are read back as themselves.
func TestTypesAreReadBack(t *testing.T) {
	n := newNames(packageWith("own"), nil, nil)
	for _, text := range []string{
		"[]int", "map[string][]*bool", "[3]string", "chan int", "chan<- int", "<-chan int", "chan (<-chan int)", "chan<- chan int", "<-chan <-chan int", "chan func() <-chan int",
		"func()", "func(int, ...string) (bool, error)", "func(func() func()) func() int", "func(...func())", "interface{}", "interface{ M(int) (n int); N() }", "error",
		"struct{}", "struct{ A int `json:\"a\"`; B, C struct{ D []byte } }", "struct{ A struct{ error } }", "*[]**int", "complex64", "[]func(map[string]chan struct{}) []error",
	} {
		tv, err := types.Eval(token.NewFileSet(), n.own, token.NoPos, "*new("+text+")")
		require.NoError(t, err, text)
		written := exprString(t, jen.Op("*").New(n.typ(tv.Type)))
		again, err := types.Eval(token.NewFileSet(), n.own, token.NoPos, written)
		require.NoError(t, err, written)
		assert.True(t, types.Identical(tv.Type, again.Type), "%s was written as %s", text, written)
		assert.Equal(t, model.TypeName(tv.Type), model.TypeName(again.Type))
	}
	assert.Panics(t, func() { n.typ(types.NewSlice(types.Typ[types.Invalid])) }, "an invalid type is never printed")
}
