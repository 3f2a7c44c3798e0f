package render

import (
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/dagstergen/dagstergen/internal/load"
)

// names chooses the names of one generated file: import aliases, and local variables that hide nothing. What user code declares in the package
// is taken, because a name in the file would clash with it or hide it.
type names struct {
	own   *types.Package
	taken map[string]bool
	known map[string]importName
	used  map[string]bool // import paths, as the file is built
	any   *jen.Statement  // how to write the empty interface
}

type importName struct{ name, real string }

// newNames prepares the names of a file in package own. declared are the package-level names that generated code adds. All imports that the
// file may need are named up front, so that an alias does not depend on which of them it uses in the end.
func newNames(own *types.Package, declared []string, imports map[string]string) *names {
	n := &names{own: own, taken: map[string]bool{}, known: map[string]importName{}, used: map[string]bool{}, any: jen.Any()}
	for _, name := range own.Scope().Names() {
		n.taken[name] = true
	}
	if n.taken["any"] {
		n.any = jen.Interface()
	}
	for _, name := range declared {
		n.taken[name] = true
	}
	for _, path := range sortedPaths(imports) {
		n.known[path] = importName{n.free(imports[path], path), imports[path]}
	}
	return n
}

// sortedPaths orders import paths: those of every generated file first, so that they keep their own names.
func sortedPaths(imports map[string]string) []string {
	var paths []string
	for path := range imports {
		paths = append(paths, path)
	}
	rank := func(path string) int {
		switch path {
		case load.RuntimePath:
			return 0
		case "context", "embed":
			return 1
		}
		return 2
	}
	slices.SortFunc(paths, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return paths
}

// free takes a name that nothing else has: want, want with the parent folder in front, or want with a number.
func (n *names) free(want, path string) string {
	candidates := []string{want}
	if parts := strings.Split(path, "/"); len(parts) > 1 {
		candidates = append(candidates, identifier(parts[len(parts)-2])+want)
	}
	for _, c := range candidates {
		if n.ok(c) {
			n.taken[c] = true
			return c
		}
	}
	for i := 2; ; i++ {
		if c := want + strconv.Itoa(i); n.ok(c) {
			n.taken[c] = true
			return c
		}
	}
}

// ok reports whether a name is free. Reserved words of jennifer count as taken: it would rename such an alias by itself. Predeclared
// names count too, because the file may write them.
func (n *names) ok(name string) bool {
	return token.IsIdentifier(name) && name != "_" && !n.taken[name] && !jen.IsReservedWord(name) && types.Universe.Lookup(name) == nil
}

// identifier keeps the letters and digits of a path element.
func identifier(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

// local returns the name of a local variable or parameter: want where it hides nothing, else want with a number. One that hides an
// import would hide it from types, one that hides a declaration from calls.
func (n *names) local(want string) string {
	for i := 1; ; i++ {
		c := want
		if i > 1 {
			c += strconv.Itoa(i)
		}
		if !n.taken[c] && token.IsIdentifier(c) {
			return c
		}
	}
}

// qual writes the name of a declaration in the package with this path.
func (n *names) qual(path, name string) *jen.Statement {
	if path == n.own.Path() {
		return jen.Id(name)
	}
	n.used[path] = true
	return jen.Qual(path, name)
}

// dag writes a name of the runtime.
func (n *names) dag(name string) *jen.Statement { return n.qual(load.RuntimePath, name) }

// apply tells jennifer the aliases of the file.
func (n *names) apply(f *jen.File) {
	for path, in := range n.known {
		if in.name == in.real {
			f.ImportName(path, in.name)
		} else {
			f.ImportAlias(path, in.name)
		}
	}
}
