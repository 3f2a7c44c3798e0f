package load

import (
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shape prints a file without what is in function bodies.
func shape(t testing.TB, name string, src []byte) (string, error) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	for _, d := range f.Decls {
		ast.Inspect(d, func(n ast.Node) bool {
			if body, ok := n.(*ast.BlockStmt); ok {
				body.List = nil
			}
			return true
		})
	}
	var b strings.Builder
	require.NoError(t, (&printer.Config{Mode: printer.RawFormat | printer.SourcePos}).Fprint(&b, fset, f)) // with the lines that declarations are on
	return b.String(), nil
}

func TestWithoutBodies(t *testing.T) {
	for _, src := range []string{
		"package p\n\nfunc f() {\n\treturn\n}\n\nvar x = [...]int{1, 2}\n",
		"package p\n\nfunc f() struct{ x int } { return struct{ x int }{1} }\nfunc g() map[string]interface{ M() } {\n\tif a {\n\t}\n}\n",
		"package p\n\nfunc asm(x float64) float64\n\ntype T struct{ a, b int }\n\nvar v = T{1, 2}\nfunc (t *T) m() chan struct{} { /* } */ return \"}\" + `}\n` + '}' + '\\'' }\n",
		"package p\n\ntype F =\nfunc() int\n\nvar x = [...]int{1, 2, 3}\n",
		"package p\n\nvar f =\nfunc() int { return 1 }\n\nvar x = [...]func(){func() {}, nil}\n",
		"package p\n\nfunc g[T interface{ ~int | ~string }, É any](x T) (y struct{}) {\n\tfor {\n\t}\n}\n",
		"package p\n\nfunc f() { // }\n\t_ = '{'\n}; func g() {}\n",
		"package p\r\n\r\nfunc f() {\r\n\tx()\r\n}\r\n",
	} {
		want, err := shape(t, "a.go", []byte(src))
		require.NoError(t, err, src)
		got, err := shape(t, "a.go", withoutBodies([]byte(src)))
		require.NoError(t, err, src)
		assert.Equal(t, want, got, src)
	}
	assert.Equal(t, "package p\nfunc f() {\n\n}\nfunc g() {}\n", string(withoutBodies([]byte("package p\nfunc f() {\n\treturn\n}\nfunc g() { return }\n"))))
	for _, broken := range []string{"package p\nfunc f() {", "package p\nfunc f() { \"\n }", "package p\n}", "package p\nvar x = '", "package p\nfunc f(", "package p\n/*"} {
		assert.Equal(t, broken, string(withoutBodies([]byte(broken))), "left to the parser")
	}
}

func TestWithoutBodiesOnTheStandardLibrary(t *testing.T) {
	for _, dir := range []string{"reflect", "go/parser", "unicode", "os", "encoding/json", "math"} {
		files, err := filepath.Glob(filepath.Join(runtime.GOROOT(), "src", filepath.FromSlash(dir), "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			want, err := shape(t, file, src)
			require.NoError(t, err)
			got, err := shape(t, file, withoutBodies(src))
			require.NoError(t, err, file)
			require.True(t, want == got, file)
		}
	}
}

func FuzzWithoutBodies(f *testing.F) {
	f.Add("package p\n\nfunc f() struct{ x int } { return struct{ x int }{1} }\n")
	f.Add("package p\nvar f =\nfunc() int { return 1 }\nvar x = [...]int{1}\nfunc g()\n")
	f.Add("package p\nfunc f() { /* } */ _ = `}` + \"\\\"}\" + '}' }\n")
	f.Fuzz(func(t *testing.T, src string) {
		want, err := shape(t, "a.go", []byte(src))
		if err != nil {
			_ = withoutBodies([]byte(src)) // must not panic
			return
		}
		got, err := shape(t, "a.go", withoutBodies([]byte(src)))
		if err != nil || got != want {
			t.Fatalf("%v\n%s\n---\n%s", err, src, withoutBodies([]byte(src)))
		}
	})
}
