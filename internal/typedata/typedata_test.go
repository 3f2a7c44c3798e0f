package typedata

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A world holds packages that were checked, written and read again. Packages import what was read.
type world struct {
	fset   *token.FileSet
	data   map[string][]byte
	reader *Reader
	std    types.Importer
}

func newWorld() *world {
	w := &world{fset: token.NewFileSet(), data: map[string][]byte{}}
	w.reader = NewReader(func(path string) (*Data, error) {
		b, ok := w.data[path]
		if !ok {
			return nil, fmt.Errorf("no data of %s", path)
		}
		return Open(b)
	}, w.fset, func(path, base string) string { return path + "/" + base })
	return w
}

func (w *world) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	return w.reader.View(path, nil)
}

// places tells where the declarations of a package are.
func (w *world) places(own string) Places {
	return func(o types.Object) (string, token.Position) {
		if pkg, p, ok := w.reader.Place(o.Pos()); ok {
			return pkg, p
		}
		return own, w.fset.PositionFor(o.Pos(), false)
	}
}

// check checks a package from source with what was read, and writes it.
func (w *world) check(t testing.TB, path string, sources map[string]string) *types.Package {
	t.Helper()
	var files []*ast.File
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		f, err := parser.ParseFile(w.fset, path+"/"+name, sources[name], parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, f)
	}
	conf := types.Config{Importer: w, Sizes: types.SizesFor("gc", "amd64"), FakeImportC: true}
	p, err := conf.Check(path, w.fset, files, nil)
	require.NoError(t, err)
	data, err := Encode(p, w.places(path))
	require.NoError(t, err)
	w.data[path] = data
	return p
}

// same compares all that was written of a package with what was read of it, by writing that again.
func (w *world) same(t testing.TB, path string) {
	t.Helper()
	d, err := Open(w.data[path])
	require.NoError(t, err)
	for _, c := range d.decls {
		o, err := w.reader.Lookup(path, c.name)
		require.NoError(t, err, c.name)
		require.NotNil(t, o, c.name)
	}
	p, err := w.reader.Package(path)
	require.NoError(t, err)
	again, err := Encode(p, w.places(path))
	require.NoError(t, err)
	e, err := Open(again)
	require.NoError(t, err)
	assert.Equal(t, d.decls, e.decls)
	assert.True(t, bytes.Equal(d.API, e.API))
	assert.Equal(t, d.files, e.files)
}

// TestStandardLibrary writes and reads packages of the standard library, each checked from source with what was read of its imports.
func TestStandardLibrary(t *testing.T) {
	w := newWorld()
	var load func(path string)
	load = func(path string) {
		if _, ok := w.data[path]; ok || path == "unsafe" || path == "C" {
			return
		}
		dir := filepath.Join(goroot(t), "src", filepath.FromSlash(path))
		if _, err := os.Stat(dir); err != nil {
			dir = filepath.Join(goroot(t), "src", "vendor", filepath.FromSlash(path))
		}
		bp, err := buildContext.ImportDir(dir, 0)
		require.NoError(t, err, path)
		for _, imp := range bp.Imports {
			load(imp)
		}
		src := map[string]string{}
		for _, name := range bp.GoFiles {
			b, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			src[name] = string(b)
		}
		w.check(t, path, src)
	}
	for _, path := range []string{"net/http", "encoding/json", "go/types", "iter", "maps", "math/cmplx", "database/sql", "text/template", "testing"} {
		load(path)
	}
	require.Greater(t, len(w.data), 100)
	for path := range w.data {
		w.same(t, path)
	}
}

// base and user are packages with one of everything.
const base = `package base

import "unsafe"

type (
	T      struct{ A int ` + "`json:\"a\"`" + `; b hidden; U }
	hidden struct{ c *T }
	U      = V[string]
	V[X any] struct{ x X; Next *V[X] }
	Pair[K comparable, E interface{ ~[]K | ~map[K]int }] struct{ k K; e E }
	List[X any] = []X
	I      interface { error; M(x int) (y string); m() }
	E      error
	F      func(a, b int, rest ...byte) (r rune, err error)
	C      chan<- <-chan int
	Arr    [3 + N]*unsafe.Pointer
	Self   interface{ Me() Self; Other(interface{ Self; Close() }) }
	Func[X Ordered] func(X) X
)

type Ordered interface{ ~int | ~string }

const (
	N       = 1 << iota
	Huge    = 1 << 100
	Third   = 1.0 / 3
	Tiny    = 1e-400
	Half    float64 = 0.5
	Tenth   float32 = 0.1
	Complex = 1.5 + 2i/3
	Text    = "text"
	Rune    = 'x'
	Yes     = true
	Typed   Color = 3
	under   = 1
)

type Color uint8

func (c Color) String() string { return "" }

func (v *V[X]) Set(x X) *V[X]        { v.x = x; return v }
func (v V[_]) Get() (n int)          { return 0 }
func (p Pair[A, B]) Both() (A, B)    { return p.k, p.e }
func (t *T) unexported(h hidden) any { return h }

var (
	Anonymous struct { X int; y string }
	Map       map[Color][]List[U]
	Any       any
	unseen    int
	Fn        = func(x struct{ z int }) {}
)

func Generic[K Ordered, M ~map[K]W, W any](m M, f func(K, W) bool) (out []K) { return nil }
func helper()                                                                {}
`

const user = `package user

import "base"

type (
	Mine  base.I
	Alias = base.Pair[string, []string]
	Copy  base.T
	More  struct{ base.T; *base.V[int] }
)

var Anonymous = base.Anonymous

const Third = base.Third

func Use(m Mine, a Alias, c Copy) base.List[More] { return nil }
func (m *More) String() string                   { return "" }
func (m More) Close() error                      { return nil }
`

func TestRoundTrip(t *testing.T) {
	w := newWorld()
	w.check(t, "base", map[string]string{"base.go": base})
	w.check(t, "user", map[string]string{"user.go": user})
	w.same(t, "base")
	w.same(t, "user")

	source := check(t, "base", base)
	for _, name := range source.Scope().Names() {
		got, err := w.reader.Lookup("base", name)
		require.NoError(t, err)
		want := source.Scope().Lookup(name)
		if name == "unseen" || name == "under" || name == "helper" {
			assert.Nil(t, got, name)
			continue
		}
		require.NotNil(t, got, name)
		assert.Equal(t, types.ObjectString(want, nil), types.ObjectString(got, nil))
		if c, ok := want.(*types.Const); ok {
			assert.Equal(t, c.Val().ExactString(), got.(*types.Const).Val().ExactString(), name)
			assert.Equal(t, c.Val().Kind(), got.(*types.Const).Val().Kind(), name)
		}
		path, p, ok := w.reader.Place(got.Pos())
		require.True(t, ok)
		assert.Equal(t, "base", path)
		assert.Equal(t, "base/base.go", p.Filename)
		line := strings.Split(base, "\n")[p.Line-1]
		assert.True(t, strings.HasPrefix(line[p.Column-1:], name), "%s: %s", name, line)
		if n, ok := want.Type().(*types.Named); ok {
			m := got.Type().(*types.Named)
			require.Equal(t, n.NumMethods(), m.NumMethods())
			for i := range n.NumMethods() {
				assert.Equal(t, types.ObjectString(n.Method(i), nil), types.ObjectString(m.Method(i), nil))
			}
		}
	}
	// The fields of a struct that was declared without a name belong to where it was written.
	o, err := w.reader.Lookup("user", "Anonymous")
	require.NoError(t, err)
	f := o.Type().(*types.Struct).Field(1)
	assert.Equal(t, "base", f.Pkg().Path())
	path, p, ok := w.reader.Place(f.Pos())
	require.True(t, ok)
	assert.Equal(t, "base", path)
	assert.Equal(t, "base/base.go", p.Filename)

	names, err := w.reader.Names("base")
	require.NoError(t, err)
	assert.Equal(t, source.Scope().Names(), names)
	_, err = w.reader.View("nothing", nil)
	require.ErrorContains(t, err, "no data of nothing")
}

func check(t testing.TB, path, src string) *types.Package {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path+".go", src, parser.SkipObjectResolution)
	require.NoError(t, err)
	p, err := (&types.Config{Importer: newWorld(), Sizes: types.SizesFor("gc", "amd64")}).Check(path, fset, []*ast.File{f}, nil)
	require.NoError(t, err)
	return p
}

// TestView hands out what was asked for, and says of other names whether they exist.
func TestView(t *testing.T) {
	w := newWorld()
	w.check(t, "base", map[string]string{"base.go": base})
	v, err := w.reader.View("base", []string{"T", "unseen", "hidden", "Nothing", "nothing"})
	require.NoError(t, err)
	assert.Equal(t, []string{"T", "hidden", "unseen"}, v.Scope().Names())
	whole, err := w.reader.View("base", nil)
	require.NoError(t, err)
	assert.Same(t, v.Scope().Lookup("T"), whole.Scope().Lookup("T"), "all views have one object")
	owner, err := w.reader.Package("base")
	require.NoError(t, err)
	assert.Same(t, owner, v.Scope().Lookup("T").Pkg())
	assert.Same(t, owner.Scope(), v.Scope().Lookup("T").Parent())
}

// TestAPI shows which edits others can see.
func TestAPI(t *testing.T) {
	api := func(src string) string {
		w := newWorld()
		w.check(t, "base", map[string]string{"base.go": src})
		d, err := Open(w.data["base"])
		require.NoError(t, err)
		return string(d.API)
	}
	before := api(base)
	for _, e := range []struct {
		from, to string
		changes  bool
	}{
		{"package base\n", "// A comment.\npackage base\n\n\n", false},
		{"{ v.x = x; return v }", "{ return v }", false},
		{"func helper() ", "func helper(x int) { helper(x) }\nfunc another() ", false},
		{"under   = 1", "under = 2", false},
		{"unseen    int", "unseen    string", false},
		{"json:\"a\"", "json:\"b\"", true},
		{"c *T", "c **T", true},
		{"1.0 / 3", "1.0 / 3.0000000000000000000000001", true},
		{"iota\n", "iota + 1\n", true},
		{"Next *V[X] }", "Next *V[X]; more int }", true},
		{"func (c Color) String() string", "func (c *Color) String() string", true},
		{"func (t *T) unexported(h hidden) any", "func (t *T) unexported(h hidden) int", true},
		{"~int | ~string }", "~int | string }", true},
		{"f func(K, W) bool)", "f func(K, W) int)", true},
	} {
		after := strings.Replace(base, e.from, e.to, 1)
		require.NotEqual(t, base, after, e.from)
		if strings.Contains(e.to, ") int") && strings.Contains(e.from, "unexported") {
			after = strings.Replace(after, "{ return h }", "{ return 0 }", 1)
		}
		assert.Equal(t, e.changes, before != api(after), e.from)
	}
}

// TestConcurrentViews checks many users of one package at the same time; go test -race looks on.
func TestConcurrentViews(t *testing.T) {
	w := newWorld()
	w.check(t, "base", map[string]string{"base.go": base})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			src := fmt.Sprintf("package user%d\nimport \"base\"\nvar X base.T\nvar Y = X.U.Next.Get() + base.N\nfunc F(i base.I, m map[string]int) []string { return base.Generic(m, nil) }\nvar Z = base.Pair[int, []int]{}\n", i)
			f, err := parser.ParseFile(w.fset, fmt.Sprint(i), src, parser.SkipObjectResolution)
			assert.NoError(t, err)
			_, err = (&types.Config{Importer: w}).Check(fmt.Sprint("user", i), w.fset, []*ast.File{f}, nil)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
}

// FuzzOpen reads any bytes as the data of a package that base may mention, too.
func FuzzOpen(f *testing.F) {
	w := newWorld()
	w.check(f, "base", map[string]string{"base.go": base})
	w.check(f, "small", map[string]string{"small.go": "package small\nimport \"base\"\ntype T struct{ X base.T; Next *T }\ntype A = T\nconst C = 1.5i\nfunc F[P base.Ordered](p P, q ...A) {}\nfunc (t *T) M() {}\n"})
	f.Add(w.data["base"])
	f.Add(w.data["small"])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Open(b)
		if err != nil {
			return
		}
		r := NewReader(func(path string) (*Data, error) {
			if path == "base" {
				return Open(w.data["base"])
			}
			return d, nil
		}, token.NewFileSet(), func(path, base string) string { return base })
		for _, name := range d.Names() {
			o, err := r.Lookup("any", name)
			if err != nil {
				return
			}
			if o != nil {
				r.Place(o.Pos())
			}
		}
	})
}
