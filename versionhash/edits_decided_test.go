package versionhash

import (
	"go/ast"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// decided reads the directives of the rows below, which are what gen makes decisions of. A symbol is a name of the package, or has the whole path.
func decided(p *load.Program) map[token.Pos]Decision {
	out := map[token.Pos]Decision{}
	for _, lp := range p.Locals() {
		for _, f := range lp.Syntax {
			for _, d := range f.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					decideOne(p, lp, d.Doc, out, d.Name)
				case *ast.GenDecl:
					for _, s := range d.Specs {
						switch s := s.(type) {
						case *ast.TypeSpec:
							decideOne(p, lp, d.Doc, out, s.Name)
						case *ast.ValueSpec:
							decideOne(p, lp, d.Doc, out, s.Names...)
						}
					}
				}
			}
		}
	}
	return out
}

func decideOne(p *load.Program, lp *load.Package, doc *ast.CommentGroup, out map[token.Pos]Decision, names ...*ast.Ident) {
	if doc == nil {
		return
	}
	var d Decision
	for _, c := range doc.List {
		if rest, ok := strings.CutPrefix(c.Text, "//dag:ignore "); ok {
			symbols, reason, _ := strings.Cut(rest, `"`)
			reason = strings.TrimSuffix(reason, `"`)
			if symbols == "" {
				d.Ignored = reason
			}
			for symbol := range strings.FieldsSeq(symbols) {
				if !strings.Contains(symbol, "/") {
					symbol = lp.Path + "." + symbol
				}
				d.Without = append(d.Without, Left{symbol, reason})
			}
		}
		if rest, ok := strings.CutPrefix(c.Text, "//dag:depends "); ok {
			for word := range strings.FieldsSeq(rest) {
				if pattern, ok := strings.CutPrefix(word, "file:"); ok {
					d.Patterns = append(d.Patterns, pattern)
					d.Files = append(d.Files, matchingFiles(lp.Dir, pattern)...)
				} else {
					d.Needs = append(d.Needs, lookupSymbol(p, lp, word))
				}
			}
		}
	}
	slices.Sort(d.Files)
	for _, id := range names {
		out[id.Pos()] = d
	}
}

func matchingFiles(dir, pattern string) (out []string) {
	_ = fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && manifest.EmbedMatches(pattern, name) {
			out = append(out, name)
		}
		return nil
	})
	return out
}

func lookupSymbol(p *load.Program, lp *load.Package, word string) types.Object {
	if strings.Contains(word, "/") {
		i := strings.LastIndexByte(word, '.')
		lp, word = p.Packages[word[:i]], word[i+1:]
	}
	return lp.Types.Scope().Lookup(path.Base(word))
}

// logging is a row with a logger that a function may leave out; %s are the directives of Keep and of the logger's parts.
func logging(keep, op string) string {
	return "-- a.go --\nimport \"ROW/log\"\n" + keep + "func Keep(x int) int { log.Debug(x); return x }\n" + op +
		"-- log/log.go --\npackage log\nimport \"io\"\nvar lines int\nvar Out = io.Discard\nfunc init() { lines = 10 }\nfunc Debug(x int) { lines += x; write(x) }\n" +
		"func write(x int) { if lines > 0 { Out.Write([]byte{byte(x)}) } }\ntype L struct{ N int }\nfunc (l L) Print(x int) { l.print(x) }\nfunc (l L) print(x int) { write(x + 1) }\n"
}

const (
	unprinted = "what is left out prints nothing"
	same      = "the code does the same"
	decisive  = "that is what was decided"
)

var decidedEdits = []edit{
	{
		name: "the body of a function that is left out of every version", src: "//dag:ignore \"it only logs\"\nfunc log(x int) {}\nfunc Keep(x int) int { log(x); return x }", edits: []string{"log(x int) {", "log(x int) { _ = x + 1"},
	},
	{
		name: "a function that one left out of every version calls", src: "//dag:ignore \"it only logs\"\nfunc log(x int) { deep(x) }\nfunc deep(x int) {}\nfunc Keep(x int) int { log(x); return x }\nfunc Op(x int) int { deep(x); return x }",
		edits: []string{"deep(x int) {", "deep(x int) { _ = x + 1"}, cause: "changed deep", quiet: unprinted,
	},
	{
		name: "what a function that is left out gives back", why: "who decides that it does not matter is the author", src: "//dag:ignore \"any number will do\"\nfunc salt() int { return 1 }\nfunc Keep() int { return salt() }",
		edits: []string{"return 1", "return 2"}, unseen: decisive,
	},
	{
		name: "the type of a function that is left out", why: "the code around it is compiled by it", src: "//dag:ignore \"any number will do\"\nfunc salt() int8 { return 100 }\nfunc Op() int { x := salt(); return int(x + x) }",
		edits: []string{"salt() int8", "salt() int16"}, cause: "changed salt",
	},
	{
		name: "a function gets left out of every version", src: "func log(x int) { deep() }\nfunc deep() {}\nfunc Op(x int) int { log(x); return x }\nfunc Keep() { deep() }",
		edits: []string{"func log(", "//dag:ignore \"it only logs\"\nfunc log("}, cause: "changed log", quiet: same,
	},
	{
		name: "a function is not left out any more", src: "//dag:ignore \"it only logs\"\nfunc log(x int) { deep() }\nfunc deep() {}\nfunc Op(x int) int { log(x); return x }\nfunc Keep() { deep() }",
		edits: []string{"//dag:ignore \"it only logs\"\n", ""}, cause: "changed log", quiet: same,
	},
	{
		name: "the reason why something is left out", src: "//dag:ignore \"it only logs\"\nfunc log(x int) {}\nfunc Keep(x int) int { log(x); return x }", edits: []string{"it only logs", "it prints"},
	},
	{
		name: "a method of a type that is left out", src: "//dag:ignore \"it only logs\"\ntype logger struct{ n int }\nfunc (l *logger) log(x int) { l.n += x }\nfunc (logger) String() string { return \"a\" }\nfunc use(any) {}\nfunc Keep(x int) int { l := &logger{}; l.log(x); use(l); return x }",
		edits: []string{"l.n += x", "l.n -= x", `"a"`, `"b"`},
	},
	{
		name: "the initialiser of a variable that is left out, and what sets it", src: "//dag:ignore \"nothing reads it\"\nvar calls = first()\nfunc first() int { return 1 }\nfunc init() { calls = 5 }\nfunc Keep(x int) int { calls++; return x }",
		edits: []string{"return 1", "return 2", "calls = 5", "calls = 6"},
	},
	{
		name: "an init that is left out", src: "var level = 1\n//dag:ignore \"the level is for logs\"\nfunc init() { level = 2 }\nfunc Keep(x int) int { if level > 9 { return -x }; return x }", edits: []string{"level = 2", "level = 3"},
	},
	{
		name: "a blank variable that is left out", src: "var level = 1\nfunc set(n int) int { level = n; return n }\n//dag:ignore \"the level is for logs\"\nvar _ = set(2)\nfunc Keep(x int) int { if level > 9 { return -x }; return x }",
		edits: []string{"set(2)", "set(3)"},
	},
	{
		name: "a function that one op leaves out", why: "the versions of others that reach it see it", src: logging("//dag:ignore ROW/log.Debug \"it only logs\"\n", "func Op(x int) int { log.Debug(x); return x }\n"),
		edits: []string{"write(x) }", "write(x + 3) }", "lines = 10", "lines = 11"}, cause: "changed log.Debug", quiet: unprinted,
	},
	{
		name: "a function below one that an op leaves out", src: logging("//dag:ignore ROW/log.Debug \"it only logs\"\n", "func Op(x int) int { log.Debug(x); return x }\n"),
		edits: []string{"lines > 0", "lines > 1"}, cause: "changed log.write", quiet: unprinted,
	},
	{
		name: "a function that a helper of the op calls, and the op leaves out", src: logging("//dag:ignore ROW/log.Debug \"it only logs\"\n", "func Op(x int) int { return help(x) }\nfunc help(x int) int { log.Debug(x); return x }\n//dag:ignore ROW/log.Debug \"it only logs\"\nfunc KeepToo(x int) int { return help(x) }\n"),
		edits: []string{"lines > 0", "lines > 1"}, cause: "changed log.write", quiet: unprinted,
	},
	{
		name: "a method that an op leaves out", src: logging("", "func Op(x int) int { log.L{}.Print(x); return x }\n//dag:ignore ROW/log.L.Print \"it only logs\"\nfunc KeepToo(x int) int { log.L{}.Print(x); return x }\n"),
		edits: []string{"write(x + 1)", "write(x + 2)"}, cause: "changed log.L.print", quiet: unprinted,
	},
	{
		name: "a type that an op leaves out with its methods", src: logging("", "func Op(x int) int { log.L{}.Print(x); return x }\n//dag:ignore ROW/log.L \"it only logs\"\nfunc KeepToo(x int) int { log.L{}.Print(x); return x }\n"),
		edits: []string{"write(x + 1)", "write(x + 2)"}, cause: "changed log.L.print", quiet: unprinted,
	},
	{
		name: "a package that an op leaves out", src: logging("//dag:ignore ROW/log \"it only logs\"\n", "func Op(x int) int { log.Debug(x); return x }\n"), edits: []string{"lines > 0", "lines > 1"}, cause: "changed log.write", quiet: unprinted,
	},
	{
		name: "an op begins to leave something out", src: logging("", "func Op(x int) int { log.Debug(x); return x }\n"),
		edits: []string{"func Op", "//dag:ignore ROW/log.Debug \"it only logs\"\nfunc Op"}, cause: "changed log.Debug", quiet: same,
	},
	{
		name: "an op leaves something out no more", src: logging("", "//dag:ignore ROW/log \"it only logs\"\nfunc Op(x int) int { log.Debug(x); return x }\n"),
		edits: []string{"//dag:ignore ROW/log \"it only logs\"\n", ""}, cause: "changed log.Debug", quiet: same,
	},
	{
		name: "a package of another module that an op leaves out", src: strings.NewReplacer("func Op(", "//dag:ignore example.com/dep \"any number will do\"\nfunc KeepToo(", "func Keep(x int) int { return other.F(x) }", "func Keep(x int) int { return other.F(x) }\nfunc Op(x int) int { return dep.F(x) }").Replace(vendored),
		edits: []string{"import \"example.com/dep/sub\"\n", "import \"example.com/dep/sub\"\n\nvar V = 1\n"}, cause: "changed example.com/dep", quiet: "a package of another module counts as a whole",
	},
	{
		name: "a file that an op depends on", src: "-- a.go --\nimport \"os\"\n//dag:depends file:data/*.csv\nfunc Op() int { return size(\"data/a.csv\") }\n//dag:depends file:data/b.csv\nfunc Keep() int { return size(\"data/b.csv\") }\nfunc size(name string) int { b, _ := os.ReadFile(name); return len(b) }\n-- data/a.csv --\n1\n-- data/b.csv --\n2\n",
		edits: []string{"1\n-- data/b", "3\n-- data/b"}, cause: "changed data/a.csv", quiet: "the test does not run where the file is",
	},
	{
		name: "a new file in a folder that an op depends on", src: "-- a.go --\n//dag:depends file:data\nfunc Op() int { return 1 }\n//dag:depends file:data/a.csv\nfunc Keep() int { return 1 }\n-- data/a.csv --\n1\n-- other/b.csv --\n2\n",
		edits: []string{"-- other/b.csv", "-- data/b.csv"}, cause: "added data/b.csv", quiet: "the code does not read it here",
	},
	{
		name: "the name of a file that an op depends on", src: "-- a.go --\n//dag:depends file:data\nfunc Op() int { return 1 }\n-- data/a.csv --\n1\n", edits: []string{"-- data/a.csv", "-- data/b.csv"}, cause: "added data/b.csv", quiet: "the code does not read it here",
	},
	{
		name: "a file beside those that an op depends on", src: "-- a.go --\n//dag:depends file:data/*.csv\nfunc Keep() int { return 1 }\n-- data/a.csv --\n1\n-- data/b.txt --\n2\n", edits: []string{"2\n", "3\n"},
	},
	{
		name: "how the pattern of such files is written", src: "-- a.go --\n//dag:depends file:data/*.csv\nfunc Keep() int { return 1 }\n-- data/a.csv --\n1\n", edits: []string{"file:data/*.csv", "file:data"},
	},
	{
		name: "a file that a function which the op calls depends on", src: "-- a.go --\nfunc Op() int { return read() }\n//dag:depends file:data/*.csv\nfunc read() int { return 1 }\n-- data/a.csv --\n1\n",
		edits: []string{"1\n", "2\n"}, cause: "changed data/a.csv", quiet: "the code does not read it here",
	},
	{
		name: "a function that an op depends on without calling it", src: "var hook = func(x int) int { return x }\n//dag:depends set\nfunc Op(x int) int { return hook(x) }\nfunc set() { hook = func(x int) int { return x + 1 } }\nfunc Keep(x int) int { return hook(x) }",
		edits: []string{"x + 1", "x + 2"}, cause: "changed set", run: map[string]string{"Op": "show.Call(p.Op)"}, quiet: "the test does not call it first",
	},
	{
		name: "a type that an op depends on", why: "with its methods", src: "//dag:depends plugin\nfunc Op() int { return 1 }\ntype plugin struct{}\nfunc (plugin) Run() int { return 1 }\nfunc Keep() int { return 1 }",
		edits: []string{"Run() int { return 1 }", "Run() int { return 2 }"}, cause: "changed plugin.Run", quiet: "the code does not run it here",
	},
	{
		name: "an op begins to depend on something", src: "func Op() int { return 1 }\nfunc set() {}\nfunc Keep() { set() }", edits: []string{"func Op", "//dag:depends set\nfunc Op"}, cause: "changed Op", also: "added set", quiet: same,
	},
	{
		name: "a GODEBUG setting in go.mod", src: goMod + "-- a.go --\nfunc Op() (v any) { defer func() { v = recover() }(); panic(nil) }\n", edits: []string{"go 1.26\n", "go 1.26\n\ngodebug panicnil=1\n"}, cause: "added godebug",
	},
	{
		name: "the value of a GODEBUG setting in go.mod", src: goMod + "\ngodebug panicnil=1\n-- a.go --\nfunc Op() (v any) { defer func() { v = recover() }(); panic(nil) }\n", edits: []string{"panicnil=1", "panicnil=0"}, cause: "changed godebug",
	},
	{
		name: "the order of GODEBUG settings", src: goMod + "\ngodebug (\n\tpanicnil=1\n\tasynctimerchan=1\n)\n-- a.go --\nfunc Keep() (v any) { defer func() { v = recover() }(); panic(nil) }\n",
		edits: []string{"\tpanicnil=1\n\tasynctimerchan=1\n", "\tasynctimerchan=1\n\tpanicnil=1\n"},
	},
}
