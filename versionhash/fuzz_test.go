package versionhash

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// programOf makes a program of one package out of one file, without any of its imports: what the hasher sees of code that does
// not compile.
func programOf(src string) *load.Program {
	fset := token.NewFileSet()
	f, _ := parser.ParseFile(fset, "a.go", src, parser.ParseComments|parser.SkipObjectResolution)
	if f == nil || definesItself(f) {
		return nil
	}
	m := &load.Module{Path: "example.com/m", GoVersion: "1.26", Local: true}
	lp := &load.Package{
		Path: "example.com/m", Name: "m", Module: m, Local: true, Imports: map[string]*load.Package{}, GoFiles: []string{"a.go"},
		Syntax: []*ast.File{f}, Source: map[string][]byte{"a.go": []byte(src)},
		Info: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Instances: map[*ast.Ident]types.Instance{}, Defs: map[*ast.Ident]types.Object{},
			Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
			FileVersions: map[*ast.File]string{},
		},
	}
	conf := types.Config{
		FakeImportC: true, Sizes: types.SizesFor("gc", "amd64"),
		Error: func(err error) {
			var e types.Error
			if errors.As(err, &e) {
				lp.Errors = append(lp.Errors, e)
			}
		},
		Importer: importerFunc(func(path string) (*types.Package, error) {
			if path == "unsafe" {
				return types.Unsafe, nil
			}
			return nil, errors.New("not found")
		}),
	}
	lp.Types, _ = conf.Check(lp.Path, fset, lp.Syntax, lp.Info)
	return &load.Program{Fset: fset, Module: *m, Packages: map[string]*load.Package{lp.Path: lp}, Roots: []*load.Package{lp}, Sizes: conf.Sizes}
}

// definesItself reports whether a type is defined as itself, directly or over others: go/types of Go 1.26 does not come back from
// a literal of such a type.
func definesItself(f *ast.File) bool {
	as := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.TypeSpec); ok {
			t := ast.Unparen(s.Type)
			switch x := t.(type) {
			case *ast.IndexExpr:
				t = ast.Unparen(x.X)
			case *ast.IndexListExpr:
				t = ast.Unparen(x.X)
			}
			if id, ok := t.(*ast.Ident); ok {
				as[s.Name.Name] = id.Name
			}
		}
		return true
	})
	for name := range as {
		steps := 0
		for next, ok := as[name]; ok; next, ok = as[next] {
			if steps++; steps > len(as) {
				return true
			}
		}
	}
	return false
}

// hashAll gives versions to all declarations of a file twice and compares.
func hashAll(t testing.TB, src string) {
	t.Helper()
	var texts [2]string
	for i := range texts {
		p := programOf(src)
		if p == nil {
			return
		}
		g, _ := Analyze(p, Options{})
		var symbols []string
		for n, s := range g.sums {
			if s.key.kind == keyObject && s.pkg >= 0 && s.kind != manifest.KindConst {
				symbols = append(symbols, g.names[n])
			}
		}
		m, _ := g.Manifest(symbols)
		g.Packages(symbols)
		texts[i] = m.Text()
		back, err := manifest.Parse(texts[i])
		require.NoError(t, err)
		require.Equal(t, texts[i], back.Text())
	}
	require.Equal(t, texts[0], texts[1])
}

// FuzzSource hashes whatever the parser makes of a text.
func FuzzSource(f *testing.F) {
	for _, e := range allEdits() {
		for _, file := range files(e.src, "example.com/m") {
			if filepath.Ext(file.Name) == ".go" {
				f.Add(string(file.Data))
			}
		}
	}
	own, err := filepath.Glob("*.go")
	require.NoError(f, err)
	for _, name := range own {
		src, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(string(src))
	}
	for _, src := range odd {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) { hashAll(t, src) })
}

// odd is code that is hard on whoever walks it.
var odd = []string{
	"package p; func f(", "package p; func (", "package p; func (x) f() {}", "package p; func (x *y.Z) f() {}", "package p; func (x T[int]) f() {}",
	"package p; type T T", "package p; type T struct{ T }", "package p; type T interface{ T }", "package p; type T = T", "package p; type T[P any] T[P]",
	"package p; type T[P T[P]] struct{ p *T[P] }", "package p; type A = []A; func f(a A) {}", "package p; type I interface{ m() I; n(I) }; func f(i I) { i.m().n(i) }",
	"package p; var x = x", "package p; var x, y = f(); func f() int { return 1 }", "package p; const c = c", "package p; const c = 1 << 1000; func f() { _ = c }",
	"package p; func f() { x := 1; x := 2; _ = x }", "package p; func f() { goto a; a: b: }", "package p; func f() { break; continue x; fallthrough }",
	"package p; func f() { switch x := y.(type) { case int, T: _ = x } }", "package p; func f() { select { case x := 1: } }", "package p; func f() { for range { } }",
	"package p; func f() { type t struct{ *t }; var x t; _ = x }", "package p; func f() { type t [n]t; const n = 3 }", "package p; func f() { var a [f]int; _ = a }",
	"package p; func f() { f.x.y(f()...) }", "package p; func f() { _ = []T{1, x: 2, {3}} }", "package p; func f() { _ = map[T]T{{1}: {2}, 3} }", "package p; func f() { _ = &{1} }",
	"package p; func f() { g[int, T](x)[1:2:3] }; func g[A, B any](A) []B { return nil }", "package p; func f() { func() { return 1, 2 }() }",
	"package p; func init() {}; func init() {}; func init(x int) {}; var init = 1", "package p; func f() {}; func f() {}; var f int; type f int",
	"package p; import \"C\"; func f() { C.x(C.y.z) }", "package p; import . \"fmt\"; func f() { Println() }", "package p; import _ \"x\"; import y \"z\"; func f() { y.F(y.G.H) }",
	"package p; //go:embed *\nvar x string", "package p; //go:embed \"\nvar x string", "package p; //go:linkname f\n//go:linkname f a.b\nfunc f()",
	"package p; func f[T any, T any](t T) T { return t }", "package p; func f[](){}", "package p; type t[] int", "package p; func f(a, b int, c ...) {}",
	"package p; var _ = func() int { return 1 }()", "package p; var _, _ = f(), 1; func f() int { return 1 }", "package p; var (a, b, c = 1, 2)",
	"package p; func f() { var i interface{ m() } = nil; i.m(); interface{ m() }.m(i) }", "package p; type E struct{ error }; func f(e E) string { return e.Error() }",
	"package p; func f() { panic(); len(); cap(1,2); append(); copy(); delete(); new(); make(); close(); clear(); complex(); min(); print(nil) }",
	"package p; func f(x any) { x.(type); x.(int).y; (x).(T).z = 1 }", "package p; func f() { _ = 1 + nil; _ = \"a\" * 2; _ = !1; _ = -\"\"; _ = <-1; _ = *1; _ = &1 }",
	"package p; func f() { x.y.z++; x[1]--; *x += 1; _++ }", "package p; func f() { for x.y = range z {}; for _, _ = range 1 {}; for a, b, c := range d {} }",
}

func TestOddSources(t *testing.T) {
	for _, src := range odd {
		hashAll(t, src)
	}
}
