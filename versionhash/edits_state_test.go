package versionhash

// stateEdits are edits of package variables and of what sets them.
var stateEdits = []edit{
	{name: "the initialiser of a variable", src: "var v = 1\nfunc Op() int { return v }\nfunc Keep() int { return 1 }", edits: []string{"v = 1", "v = 2"}, cause: "changed v"},
	{name: "the type of a variable", src: "var v int8\nfunc Op(n int) int { v = 100; v += v; return int(v) }", edits: []string{"int8", "int16"}, cause: "changed v"},
	{name: "a variable that an initialiser uses", src: "var a = 1\nvar b = a\nfunc Op() int { return b }", edits: []string{"a = 1", "a = 2"}, cause: "changed a"},
	{name: "a function that an initialiser calls", src: "var v = f()\nfunc f() int { return 1 }\nfunc Op() int { return v }", edits: []string{"return 1", "return 2"}, cause: "changed f"},
	{name: "which of two equal variables is used", src: "var a, b = 1, 1\nfunc Op() int { a++; return a*10 + b }", edits: []string{"a++", "b++"}, cause: "changed Op"},
	{name: "which result of a call initialises a variable", src: "func f() (int, int) { return 1, 2 }\nvar a, _ = f()\nfunc Op() int { return a }", edits: []string{"var a, _", "var _, a"}, cause: "changed a"},
	{name: "an init that assigns a variable", src: "var v int\nfunc init() { v = 1 }\nfunc Op() int { return v }\nvar w int\nfunc init() { w = 1 }\nfunc Keep() int { return w }", edits: []string{"v = 1", "v = 2"}, cause: "changed init(a.go)"},
	{name: "a new init that assigns a variable", src: "var v int\nfunc Op() int { return v }", edits: []string{"var v int", "var v int\nfunc init() { v = 1 }"}, cause: "added init(a.go)"},
	{name: "a function called by an init", src: "var v int\nfunc init() { set() }\nfunc set() { v = 1 }\nfunc Op() int { return v }", edits: []string{"v = 1", "v = 2"}, cause: "changed set"},
	{name: "an init that fills a map", src: "var m = map[string]int{}\nfunc init() { m[\"a\"] = 1 }\nfunc Op() int { return m[\"a\"] }", edits: []string{"= 1", "= 2"}, cause: "changed init(a.go)"},
	{name: "an init that fills a map under another name", src: "var m = map[string]int{}\nfunc init() { x := m; x[\"a\"] = 1 }\nfunc Op() int { return m[\"a\"] }", edits: []string{"= 1", "= 2"}, cause: "changed init(a.go)"},
	{name: "an init that sets a field", src: "var v struct{ n int }\nfunc init() { v.n = 1 }\nfunc Op() int { return v.n }", edits: []string{"v.n = 1", "v.n = 2"}, cause: "changed init(a.go)"},
	{name: "an init that calls a method on a variable", src: "type T struct{ n int }\nfunc (t *T) set(n int) { t.n = n }\nvar v T\nfunc init() { v.set(1) }\nfunc Op() int { return v.n }", edits: []string{"set(1)", "set(2)"}, cause: "changed init(a.go)"},
	{name: "an init that hands out the address of a variable", src: "import \"flag\"\nvar v int\nfunc init() { flag.IntVar(&v, \"v\", 1, \"\") }\nfunc Op() int { return v }", edits: []string{"1, \"\"", "2, \"\""}, cause: "changed init(a.go)"},
	{name: "an init that appends", src: "var l []int\nfunc init() { l = append(l, 1) }\nfunc Op() int { return l[0] }", edits: []string{"l, 1", "l, 2"}, cause: "changed init(a.go)"},
	{name: "an initialiser that sets another variable", src: "var v int\nvar w = f()\nfunc f() int { v = 1; return 0 }\nfunc Op() int { return v }", edits: []string{"v = 1", "v = 2"}, cause: "changed f"},
	{name: "a blank variable that registers", src: "var m = map[string]int{}\nfunc reg(n int) bool { m[\"a\"] = n; return true }\nvar _ = reg(1)\nfunc Op() int { return m[\"a\"] }", edits: []string{"reg(1)", "reg(2)"}, cause: "changed init(a.go)"},
	{
		name: "an init of an imported package that sets a variable of a third", why: "the import is enough: it runs before the op",
		src:   "-- a.go --\nimport (\"ROW/reg\"; _ \"ROW/plugin\")\nfunc Op() int { return reg.M[\"a\"] }\n-- reg/reg.go --\npackage reg\nvar M = map[string]int{}\nfunc KeepR() int { return len(M) }\n-- plugin/plugin.go --\npackage plugin\nimport \"ROW/reg\"\nfunc init() { reg.M[\"a\"] = 1 }",
		edits: []string{"= 1", "= 2"}, cause: "changed plugin.init(plugin.go)",
	},
	{
		name: "a method of a type that an init registers", src: "-- a.go --\nimport (\"ROW/reg\"; _ \"ROW/plugin\")\nfunc Op() int { return reg.M[\"a\"].Get() }\n-- reg/reg.go --\npackage reg\ntype I interface{ Get() int }\nvar M = map[string]I{}\nfunc Register(n string, i I) { M[n] = i }\n-- plugin/plugin.go --\npackage plugin\nimport \"ROW/reg\"\ntype t struct{}\nfunc (t) Get() int { return 1 }\nfunc init() { reg.Register(\"a\", t{}) }",
		edits: []string{"return 1", "return 2"}, cause: "changed plugin.t.Get",
	},
	{
		name: "a package imported for what it registers", src: "-- a.go --\nimport \"ROW/reg\"\nfunc Op() int { return reg.M[\"a\"] }\n-- reg/reg.go --\npackage reg\nvar M = map[string]int{}\n-- plugin/plugin.go --\npackage plugin\nimport \"ROW/reg\"\nfunc init() { reg.M[\"a\"] = 1 }",
		edits: []string{"import \"ROW/reg\"\nfunc Op", "import (\"ROW/reg\"; _ \"ROW/plugin\")\nfunc Op"}, cause: "added plugin.init(plugin.go)",
	},
	{
		name: "a variable of the standard library set by an init", src: "import \"time\"\nfunc init() { time.Local = time.FixedZone(\"a\", 60) }\nfunc Op() string { return time.Unix(0, 0).String() }\nfunc Keep() int { return 1 }",
		edits: []string{"60", "120"}, cause: "changed init(a.go)",
	},
	{
		name: "a registration with the standard library", src: "import (\"encoding/gob\"; \"io\")\ntype T struct{ N int8 }\nfunc init() { gob.RegisterName(\"a\", T{}) }\nfunc Op(r io.Reader) (x any, err error) { err = gob.NewDecoder(r).Decode(&x); return }\nfunc Keep() int { return 1 }",
		edits: []string{`"a"`, `"b"`}, cause: "changed init(a.go)",
		run: map[string]string{"Op": `show.Values(p.Op(strings.NewReader("\x18\x10\x00\x01a\x7f\x03\x01\x01\x01T\x01\xff\x80\x00\x01\x01\x01\x01N\x01\x04\x00\x00\x00\x06\xff\x80\x03\x01\n\x00")))`},
	},
	{
		name: "a driver imported by a blank name", src: "import (\"image\"; \"io\"; _ \"image/png\")\nfunc Op(r io.Reader) (image.Image, error) { i, _, err := image.Decode(r); return i, err }\nfunc Keep() int { return 1 }",
		edits: []string{"; _ \"image/png\"", "; _ \"image/gif\""}, cause: "added image/gif", also: "removed image/png",
		run: map[string]string{"Op": `show.Values(p.Op(strings.NewReader("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")))`},
	},
	{name: "a call that a package variable of a function type makes", src: "var f = func() int { return 1 }\nfunc Op() int { return f() }", edits: []string{"return 1", "return 2"}, cause: "changed f"},
	{name: "an element of a table", src: "var t = []struct{ n int; s string }{{1, \"a\"}, {2, \"b\"}}\nfunc Op() int { return t[1].n }", edits: []string{`{2, "b"}`, `{3, "b"}`}, cause: "changed t"},
	{name: "a second init like the first", src: "var v int\nfunc init() { v++ }\nfunc Op() int { return v }", edits: []string{"func init() { v++ }", "func init() { v++ }\nfunc init() { v++ }"}, cause: "added init(a.go)#2"},
	{name: "the order of two init functions that set one variable", src: "var v int\nfunc init() { v += 1 }\nfunc init() { v *= 2 }\nfunc Op() int { return v }\nvar w int\nfunc init() { w = 1 }\nfunc Keep() int { return w }", edits: []string{"func init() { v += 1 }\nfunc init() { v *= 2 }", "func init() { v *= 2 }\nfunc init() { v += 1 }"}, cause: "moved init(a.go)"},
	{name: "the order of two files with such init functions", src: "-- a.go --\nvar v int\nfunc init() { v += 1 }\nfunc Op() int { return v }\n-- b.go --\nfunc init() { v *= 2 }\n-- c.go --\nfunc Keep() int { return 1 }\n", edits: []string{"-- b.go --", "-- 0.go --"}, cause: "moved init(0.go)"},
	{name: "which of two packages is imported first by the other", why: "init functions run in the order of imports", src: "-- a.go --\nimport (_ \"ROW/y\"; _ \"ROW/x\"; \"ROW/reg\")\nfunc Op() int { return reg.V }\n-- reg/reg.go --\npackage reg\nvar V int\n-- x/x.go --\npackage x\nimport \"ROW/reg\"\nfunc init() { reg.V += 1 }\n-- y/y.go --\npackage y\nimport \"ROW/reg\"\nfunc init() { reg.V *= 2 }\n", edits: []string{"package x\nimport \"ROW/reg\"", "package x\nimport (_ \"ROW/y\"; \"ROW/reg\")"}, cause: "moved x.init(x.go)"},
	{name: "how an init sets the standard log up", src: "import (\"log\"; \"os\")\nfunc init() { log.SetOutput(os.Stdout); log.SetFlags(0); log.SetPrefix(\"a\") }\nfunc Op() { log.Print(1) }\nfunc Keep() int { return 1 }", edits: []string{`"a"`, `"b"`}, cause: "changed init(a.go)"},
	{
		name:  "the logger that an init makes the default",
		src:   "import (\"log/slog\"; \"os\")\nfunc init() { slog.SetDefault(slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: untimed})).With(\"n\", 1)) }\nfunc untimed(_ []string, a slog.Attr) slog.Attr { if a.Key == \"time\" { return slog.Attr{} }; return a }\nfunc Op() { slog.Info(\"x\") }\nfunc Keep() int { return 1 }",
		edits: []string{`"n", 1`, `"n", 2`}, cause: "changed init(a.go)",
	},
}
