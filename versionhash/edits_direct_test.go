package versionhash

import "strings"

// direct is a module that requires another one directly and a third one only through it, both vendored.
const direct = goMod + `
require (
	example.com/dep v1.0.0
	example.com/plug v1.0.0
)

require example.com/far v1.0.0 // indirect
-- vendor/modules.txt --
# example.com/dep v1.0.0
## explicit; go 1.24
example.com/dep
example.com/dep/kept
# example.com/far v1.0.0
## explicit; go 1.24
example.com/far
example.com/far/back
# example.com/plug v1.0.0
## explicit; go 1.24
example.com/plug
-- vendor/example.com/dep/dep.go --
package dep

import "example.com/far"

const N = 2

var table = map[string]int{}

var hook = func(x int) int { return x }

func init() { table["a"] = 1 }

func F(x int) int { return helper(x) }

func helper(x int) int { return x + 1 }

func Far(x int) int { return far.F(x) }

func Table() int { return table["a"] + table["b"] }

func Register(f func(int) int) { hook = f }

func Hook(x int) int { return hook(x) }

func Loop() int {
	var fs []func() int
	for i := 0; i < 3; i++ {
		fs = append(fs, func() int { return i })
	}
	return fs[0]()
}

type Temp int

func (t Temp) String() string { return "t" }

func (t Temp) Double() Temp { return 2 * t }

func unused() int { return 40 }
-- vendor/example.com/dep/dep_windows.go --
package dep

func W() int { return 1 }
-- vendor/example.com/dep/kept/kept.go --
package kept

var list []string

func Add(s string) { list = append(list, s) }

func All() []string { return list }
-- vendor/example.com/far/far.go --
package far

func F(x int) int { return x + 7 }
-- vendor/example.com/far/back/back.go --
package back

import "example.com/dep/kept"

func init() { kept.Add("back") }

func Names() int { return len(kept.All()) }
-- vendor/example.com/plug/plug.go --
package plug

import (
	_ "example.com/far/back"

	"example.com/dep/kept"
)

func First() string { return kept.All()[0] }
-- a.go --
package p

import "example.com/dep"

func other(x int) int { return dep.F(x) }
`

// using adds a file with functions to the module.
func using(code string) string {
	if !strings.Contains(code, "import") {
		code = "import \"example.com/dep\"\n" + code
	}
	return direct + "-- b.go --\n" + code
}

// directEdits are edits of modules that go.mod requires, where those that it requires directly count declaration by declaration.
var directEdits = []edit{
	{name: "a function of a module required directly", src: using("func Op(x int) int { return dep.F(x) }\nfunc Keep() int { return dep.N }\n"), edits: []string{"return x + 1", "return x + 2"}, cause: "changed example.com/dep.helper"},
	{name: "a constant of a module required directly", src: using("func Op() int { return dep.N }\nfunc Keep(x int) int { return dep.F(x) }\n"), edits: []string{"N = 2", "N = 3"}, cause: "changed example.com/dep.N"},
	{name: "a method that fmt calls on a type of a module required directly", src: using("import (\"fmt\"; \"example.com/dep\")\nfunc Op(x int) string { return fmt.Sprint(dep.Temp(x)) }\nfunc Keep(x int) int { return int(dep.Temp(x).Double()) }\n"), edits: []string{`return "t"`, `return "T"`}, cause: "changed example.com/dep.Temp.String"},
	{name: "an init of a module required directly", src: using("func Op() int { return dep.Table() }\nfunc Keep(x int) int { return dep.F(x) }\n"), edits: []string{`table["a"] = 1`, `table["a"] = 2`}, cause: "changed example.com/dep.init(dep.go)"},
	{name: "a new init of a module required directly", src: using("func Op() int { return dep.Table() }\nfunc Keep(x int) int { return dep.F(x) }\n"), edits: []string{"func unused", "func init() { table[\"b\"] = 2 }\n\nfunc unused"}, cause: "added example.com/dep.init(dep.go)#2"},
	{name: "a function that an init hands to a module required directly", src: using("func init() { dep.Register(twice) }\nfunc twice(x int) int { return 2 * x }\nfunc Op(x int) int { return dep.Hook(x) }\nfunc Keep(x int) int { return dep.F(x) }\n"), edits: []string{"2 * x }\nfunc Op", "3 * x }\nfunc Op"}, cause: "changed twice"},
	{name: "a package that a reached function of a module required directly uses", why: "modules that are only required indirectly count by the contents of their packages", src: using("func Op(x int) int { return dep.Far(x) }\nfunc Keep(x int) int { return dep.F(x) }\n"), edits: []string{"x + 7", "x + 8"}, cause: "changed example.com/far"},
	{name: "a package that a module required directly imports for what it registers", src: using("import \"example.com/plug\"\nfunc Op() string { return plug.First() }\nfunc Keep() int { return 1 }\n"), edits: []string{`Add("back")`, `Add("forth")`}, cause: "changed example.com/far/back"},
	{name: "a package of a module required directly that a further module imports", why: "what only reaches it through a further module sees its contents", src: using("import _ \"example.com/plug\"\nimport \"example.com/far/back\"\nfunc Op() int { return back.Names() }\nfunc Keep() int { return 1 }\n"), edits: []string{"list = append(list, s)", "list = append(list, s, s)"}, cause: "changed example.com/dep/kept"},
	{name: "a file for another platform in a module required directly", src: using("func Op(x int) int { return dep.F(x) }\nfunc Keep() int { return 1 }\n"), edits: []string{"W() int { return 1 }", "W() int { return 2 }"}, cause: "changed example.com/dep/dep_windows.go", quiet: "it shows on Windows"},
	{name: "the language version of a module required directly, where it changes what loops mean", src: using("func Op() int { return dep.Loop() }\nfunc Keep() int { return 1 }\n"), edits: []string{"explicit; go 1.24\nexample.com/dep\n", "explicit; go 1.21\nexample.com/dep\n"}, cause: "changed language:example.com/dep"},

	{name: "a function of a module required directly that is not reached", src: using("func Keep(x int) int { return dep.F(x) + dep.Table() + dep.N }\n"), edits: []string{"return 40", "return 41"}},
	{name: "a method of a module required directly that is not reached", src: using("func Keep(x int) int { return int(dep.Temp(x)) }\n"), edits: []string{"return 2 * t", "return 3 * t"}},
	{name: "a comment in a module required directly", src: using("func Keep(x int) int { return dep.F(x) + dep.Table() }\n"), edits: []string{"func helper", "// helper helps.\nfunc helper"}},
	{name: "the order of declarations in a module required directly", src: using("func Keep(x int) int { return dep.F(x) }\n"), edits: []string{"func F(x int) int { return helper(x) }\n\nfunc helper(x int) int { return x + 1 }\n", "func helper(x int) int { return x + 1 }\n\nfunc F(x int) int { return helper(x) }\n"}},
	{name: "a package that only other functions of a module required directly use", src: using("func Keep(x int) int { return dep.F(x) }\n"), edits: []string{"x + 7", "x + 8"}},
	{name: "the version of a module required directly whose code stays the same", src: using("func Keep(x int) int { return dep.F(x) + dep.Far(x) }\n"), edits: []string{"dep v1.0.0", "dep v1.4.0"}},
	{name: "the language version of a module required directly, where code means the same", src: using("func Keep(x int) int { return dep.F(x) + dep.Loop() }\n"), edits: []string{"explicit; go 1.24\nexample.com/dep\n", "explicit; go 1.25\nexample.com/dep\n"}},
}

func init() {
	for i := range directEdits {
		directEdits[i].deep = true
	}
}
