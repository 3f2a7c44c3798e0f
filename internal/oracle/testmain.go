package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/load"
)

// mainSuffix is what the path of the package that stands for a test binary's main package ends with.
const mainSuffix = ".dagoraclemain"

// addTestMain adds a package that stands for the main package of the test binary: it imports the package with its tests and the external tests, and so what
// either of them registers when it starts counts for each test. It has a function for each test, which calls TestMain and all tests of that name, since the
// pattern that runs a test runs its namesake too.
func addTestMain(v *load.Program, t *testedPackage) error {
	names, err := testNames(t)
	if err != nil {
		return err
	}
	lp := v.Packages[t.ImportPath]
	x := &load.Package{
		Path: t.ImportPath + mainSuffix, Name: "main", Dir: lp.Dir, Module: lp.Module, Local: true,
		Imports: map[string]*load.Package{"testing": v.Packages["testing"]}, GoFiles: []string{"dagoracle_main.go"},
	}
	var b strings.Builder
	b.WriteString("package main\n\nimport \"testing\"\n\n")
	alias := map[string]string{}
	for i, path := range []string{t.ImportPath, t.ImportPath + "_test"} {
		if v.Packages[path] != nil {
			alias[path] = fmt.Sprintf("p%d", i)
			x.Imports[path] = v.Packages[path]
			fmt.Fprintf(&b, "import %s %q\n", alias[path], path)
		}
	}
	used := map[string]bool{}
	for _, name := range names {
		fmt.Fprintf(&b, "\nfunc %s(m *testing.M, t *testing.T) {\n", name)
		for _, path := range slices.Sorted(maps.Keys(alias)) {
			scope := v.Packages[path].Types.Scope()
			for _, call := range [][2]string{{"TestMain", "m"}, {name, "t"}} {
				if scope.Lookup(call[0]) != nil {
					fmt.Fprintf(&b, "\t%s.%s(%s)\n", alias[path], call[0], call[1])
					used[path] = true
				}
			}
		}
		b.WriteString("}\n")
	}
	text := b.String()
	for path, a := range alias {
		if !used[path] {
			text = strings.Replace(text, fmt.Sprintf("import %s %q", a, path), fmt.Sprintf("import _ %q", path), 1)
		}
	}
	x.Source = map[string][]byte{x.GoFiles[0]: []byte(text)}
	return addPackage(v, x)
}

// wrappers are the symbols of the functions that stand for tests.
func wrappers(t *testedPackage, names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, t.ImportPath+mainSuffix+"."+n)
	}
	return out
}
