package versionhash

import "strings"

// goMod starts a row that is a module of its own.
const goMod = "-- go.mod --\nmodule example.com/m\n\ngo 1.26\n"

// depMod starts a row with a second module, which the first replaces by a folder.
const depMod = goMod + "require example.com/dep v1.0.0\nreplace example.com/dep => ./dep\n-- dep/go.mod --\nmodule example.com/dep\n\ngo 1.24\n"

// vendored is a module with the code of another one below vendor: what an external package is, without a network.
const vendored = goMod + `
require (
	example.com/dep v1.0.0
	example.com/other v1.0.0
)
-- vendor/modules.txt --
# example.com/dep v1.0.0
## explicit; go 1.24
example.com/dep
example.com/dep/sub
# example.com/other v1.0.0
## explicit; go 1.24
example.com/other
-- vendor/example.com/dep/dep.go --
package dep

import "example.com/dep/sub"

func F(x int) int { return sub.F(x) }

const N = 1
-- vendor/example.com/dep/dep_windows.go --
package dep

func W() int { return 1 }
-- vendor/example.com/dep/sub/sub.go --
package sub

func F(x int) int { return x + 1 }
-- vendor/example.com/other/other.go --
package other

func F(x int) int { return x + 7 }
-- a.go --
import ("example.com/dep"; "example.com/other")
func Op(x int) int { return dep.F(x) }
func Keep(x int) int { return other.F(x) }
`

// keepVendored claims of the same module that nothing changes.
var keepVendored = strings.NewReplacer("func Op(", "func Keep(", "func Keep(", "func Other(").Replace(vendored)

// registering is a module that leaves things with another one when it starts.
const registering = goMod + `
require (
	example.com/dep v1.0.0
	example.com/other v1.0.0
)
-- vendor/modules.txt --
# example.com/dep v1.0.0
## explicit; go 1.24
example.com/dep
# example.com/other v1.0.0
## explicit; go 1.24
example.com/other
-- vendor/example.com/dep/dep.go --
package dep

var f func(int) int
var n int
var s any

func Register(g func(int) int) error { f = g; return nil }
func Set(i int) { n = i }
func Suite(x any) any { s = x; return x }
func F(x int) int { return f(x) + n + s.(interface{ Get() int }).Get() }
-- vendor/example.com/other/other.go --
package other

func F(x int) int { return x }
-- a.go --
package p

import ("example.com/dep"; "example.com/other")

func init() {
	if err := dep.Register(twice); err != nil {
		panic(err)
	}
	dep.Set(1)
}

func twice(x int) int { return x + 1 }

type suite struct{}

func (suite) Get() int { return 7 }

var _ = dep.Suite(suite{})

func Op(x int) int { return dep.F(x) }
func Keep(x int) int { return other.F(x) }
`

// moduleEdits are edits of files that are not declarations, of other packages and of go.mod.
var moduleEdits = []edit{
	{name: "an embedded file", src: "-- a.go --\nimport _ \"embed\"\n//go:embed a.txt\nvar a string\nfunc Op() string { return a }\nfunc Keep() int { return 1 }\n-- a.txt --\n1\n", edits: []string{"-- a.txt --\n1", "-- a.txt --\n2"}, cause: "changed a.txt"},
	{name: "a file of an embedded folder", src: "-- a.go --\nimport \"embed\"\n//go:embed d\nvar d embed.FS\nfunc Op() embed.FS { return d }\n-- d/a.txt --\n1\n-- d/b.txt --\n1\n", edits: []string{"-- d/b.txt --\n1", "-- d/b.txt --\n2"}, cause: "changed d/b.txt"},
	{name: "a new file in an embedded folder", src: "-- a.go --\nimport \"embed\"\n//go:embed d\nvar d embed.FS\nfunc Op() embed.FS { return d }\n-- d/a.txt --\n1\n", edits: []string{"-- d/a.txt --\n1\n", "-- d/a.txt --\n1\n-- d/b.txt --\n1\n"}, cause: "changed d", also: "added d/b.txt"},
	{name: "the name of an embedded file", src: "-- a.go --\nimport \"embed\"\n//go:embed *.txt\nvar d embed.FS\nfunc Op() embed.FS { return d }\n-- a.txt --\n1\n", edits: []string{"-- a.txt --", "-- b.txt --"}, cause: "changed d"},
	{name: "assembly", why: "a package with assembly or C counts as a whole where a declaration has no Go body, or names C", src: "-- a.go --\nfunc Op() int\nfunc Keep() int { return 1 }\n-- a_amd64.s --\nTEXT ·Op(SB), 4, $0\n\tMOVQ $1, ret+0(FP)\n\tRET\n", edits: []string{"$1", "$2"}, cause: "changed native:."},
	{name: "the C of a preamble", src: "-- a.go --\n// static int f() { return 1; }\nimport \"C\"\nfunc Op() int { return int(C.f()) }\n-- b.go --\nfunc Keep() int { return 1 }\n", edits: []string{"return 1; }", "return 2; }"}, cause: "changed native:."},
	{name: "a C file", src: "-- a.go --\n// int f();\nimport \"C\"\nfunc Op() int { return int(C.f()) }\n-- b.go --\nfunc Keep() int { return 1 }\n-- f.c --\nint f() { return 1; }\n", edits: []string{"return 1; }", "return 2; }"}, cause: "changed native:."},
	{name: "a Go function that C may call", src: "-- a.go --\n// int f();\nimport \"C\"\nfunc Op() int { return int(C.f()) }\n//export g\nfunc g() C.int { return 1 }\n-- b.go --\nfunc Keep() int { return 1 }\n-- f.c --\nextern int g();\nint f() { return g(); }\n", edits: []string{"g() C.int { return 1 }", "g() C.int { return 2 }"}, cause: "changed g"},
	{name: "the target of a linkname", src: "-- a.go --\nimport (_ \"unsafe\"; _ \"ROW/q\")\n//go:linkname f ROW/q.f\nfunc f() int\nfunc Op() int { return f() }\n-- a.s --\n-- q/q.go --\npackage q\nfunc f() int { return 1 }\nfunc KeepG() int { return 1 }\n", edits: []string{"func f() int { return 1 }", "func f() int { return 2 }"}, cause: "changed q.f"},
	{name: "a body given from elsewhere by a linkname", src: "-- a.go --\nimport \"ROW/q\"\nfunc Op() int { return q.F() }\nfunc init() { _ = q.F }\n-- q/q.go --\npackage q\nimport _ \"ROW/r\"\nfunc F() int\n-- q/q.s --\n-- r/r.go --\npackage r\nimport _ \"unsafe\"\n//go:linkname f ROW/q.F\nfunc f() int { return 1 }\nfunc KeepG() int { return 1 }\n", edits: []string{"func f() int { return 1 }", "func f() int { return 2 }"}, cause: "changed r.f"},
	{name: "a file for another platform", why: "the binary may be built there, with the same versions", src: "-- a.go --\nfunc Op() int { return f() }\n-- f_linux.go --\nfunc f() int { return 1 }\n-- f_windows.go --\nfunc f() int { return 2 }\n", edits: []string{"return 2", "return 3"}, cause: "changed f_windows.go", quiet: "it shows where it is built for windows"},
	{name: "a constant that has another value on another platform", src: "-- a.go --\nimport \"ROW/q\"\nfunc Op() int { return q.N }\nfunc Keep() int { return 1 }\n-- q/n_linux.go --\npackage q\nconst N = 1\n-- q/n_windows.go --\npackage q\nconst N = 2\n", edits: []string{"N = 2", "N = 3"}, cause: "changed q/n_windows.go", quiet: "it shows where it is built for windows"},
	{name: "a build tag on a file", src: "-- a.go --\nfunc Op() int { return f() }\n-- f.go --\nvar v = 1\nfunc f() int { return v }\n-- g.go --\n//go:build special\n\npackage p\n\nfunc init() { v = 2 }\n", edits: []string{"special", "other"}, cause: "changed g.go", flags: []string{"-tags=special"}},
	{name: "a package of another module", src: vendored, edits: []string{"import \"example.com/dep/sub\"\n", "import \"example.com/dep/sub\"\n\nvar V = 1\n"}, cause: "changed example.com/dep", quiet: "a package of another module counts as a whole"},
	{name: "a package that a package of another module imports", src: vendored, edits: []string{"x + 1", "x + 2"}, cause: "changed example.com/dep/sub"},
	{name: "a file for another platform in another module", src: vendored, edits: []string{"W() int { return 1 }", "W() int { return 2 }"}, cause: "changed example.com/dep", quiet: "it shows where it is built for windows"},
	{name: "a function of a module replaced by a folder", why: "such a module counts declaration by declaration, like the main one", src: depMod + "-- dep/dep.go --\npackage dep\n\nfunc F() int { return 1 }\n\nfunc G() int { return 3 }\n-- a.go --\nimport \"example.com/dep\"\nfunc Op() int { return dep.F() }\nfunc Keep() int { return dep.G() }\n", edits: []string{"return 1", "return 2"}, cause: "changed example.com/dep.F"},
	{name: "the language version of go.mod", src: "-- go.mod --\nmodule example.com/m\n\ngo 1.21.1\n-- a.go --\nfunc Op() (n int) { var fs []func() int; for i := 0; i < 3; i++ { fs = append(fs, func() int { return i }) }; for _, f := range fs { n += f() }; return n }\n", edits: []string{"go 1.21.1", "go 1.22.0"}, cause: "changed language:."},
	{name: "the language version of one file", src: "-- a.go --\n//go:build go1.21\n\npackage p\n\nfunc Op() (n int) { var fs []func() int; for i := 0; i < 3; i++ { fs = append(fs, func() int { return i }) }; for _, f := range fs { n += f() }; return n }\n-- b.go --\nfunc Keep() int { return 1 }\n", edits: []string{"go1.21", "go1.22"}, cause: "changed Op"},
	{name: "a function that an init hands to another module", src: registering, edits: []string{"return x + 1", "return x + 2"}, cause: "changed twice"},
	{name: "a setting that an init makes in another module", src: registering, edits: []string{"dep.Set(1)", "dep.Set(2)"}, cause: "changed init(a.go)"},
	{name: "the order of two init functions that set one thing in another module", src: registering + "func init() { dep.Set(7) }\nfunc init() { dep.Set(8) }\n", edits: []string{"dep.Set(7)", "dep.Set(0)", "dep.Set(8)", "dep.Set(7)", "dep.Set(0)", "dep.Set(8)"}, cause: "moved init(a.go)#3"},
	{name: "a value that a blank variable hands to another module", src: registering, edits: []string{"return 7", "return 8"}, cause: "changed suite.Get"},

	{name: "the patch release in go.mod", src: "-- go.mod --\nmodule example.com/m\n\ngo 1.25.1\n-- a.go --\nfunc Keep() int { return 1 }\n", edits: []string{"go 1.25.1", "go 1.25.3"}},
	{name: "a package of another module that is not reached", src: keepVendored, edits: []string{"x + 7", "x + 8"}},
	{name: "the version of another module whose files stay the same", src: keepVendored, edits: []string{"v1.0.0", "v1.2.0"}},
	{name: "a comment in a file for another platform", src: "-- a.go --\nfunc Keep() int { return 1 }\n-- f_windows.go --\nfunc f() int { return 2 }\n", edits: []string{"func f()", "// f is f.\nfunc f()"}},
	{name: "a program beside the package", why: "nothing builds a file with the tag `ignore` into the package", src: "-- a.go --\nfunc Keep() int { return 1 }\n-- gen.go --\n//go:build ignore\n\npackage main\n\nfunc main() { println(1) }\n", edits: []string{"println(1)", "println(2)"}},
	{name: "a file that is not embedded", src: "-- a.go --\nimport _ \"embed\"\n//go:embed a.txt\nvar a string\nfunc Keep() string { return a }\n-- a.txt --\n1\n-- b.txt --\n1\n", edits: []string{"-- b.txt --\n1", "-- b.txt --\n2"}},
	{name: "a test", src: "-- a.go --\nfunc Keep() int { return 1 }\n-- a_test.go --\nfunc helper() int { return 1 }\n", edits: []string{"helper() int { return 1 }", "helper() int { return 2 }"}},
	{name: "a package that is not imported", src: "-- a.go --\nfunc Keep() int { return 1 }\n-- q/q.go --\npackage q\nvar V = 1\n", edits: []string{"V = 1", "V = 2"}},
	{name: "the program that runs it", src: "-- p/a.go --\npackage p\nvar V int\nfunc Keep() int { return V }\n-- main.go --\npackage main\nimport \"ROW/p\"\nfunc main() { p.V = 1; println(p.Keep()) }\n", edits: []string{"p.V = 1", "p.V = 2"}, unseen: "what a program does before it runs a step is not in a version"},
	{name: "an init of a package that only the program imports", why: "import it where the op is", src: "-- p/a.go --\npackage p\nimport \"ROW/reg\"\nfunc Keep() int { return reg.M[\"a\"] }\n-- reg/reg.go --\npackage reg\nvar M = map[string]int{}\n-- plugin/plugin.go --\npackage plugin\nimport \"ROW/reg\"\nfunc init() { reg.M[\"a\"] = 1 }\n-- main.go --\npackage main\nimport (\"ROW/p\"; _ \"ROW/plugin\")\nfunc main() { println(p.Keep()) }\n", edits: []string{"= 1", "= 2"}, unseen: "a version does not know which programs there are"},
}
