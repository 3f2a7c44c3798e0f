package manifest

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"

	"github.com/dagstergen/dagstergen/internal/load"
)

func TestHeaderIsTheLoaders(t *testing.T) {
	assert.Equal(t, load.Header, GeneratedHeader)
}

const code = "package a\n\nimport \"fmt\"\n\nfunc F(x, y int) {\n\tfmt.Println(x, y)\n}\n"

func TestTokens(t *testing.T) {
	same := map[string][2]string{
		"comments":        {code, "// Package a is a.\npackage a // clause\n/* c */\nimport \"fmt\"\n\n// F prints.\nfunc F(x, y int) {\n\tfmt.Println(x, /* y */ y) // here\n}\n"},
		"formatting":      {code, "package a;import\t\"fmt\"\nfunc F(x,y int){fmt.Println(x,y)}"},
		"line ends":       {code, strings.ReplaceAll(code, "\n", "\r\n")},
		"trailing commas": {"package a\nvar x = f(1, 2)\ntype t struct{ a int; b int }", "package a\nvar x = f(\n\t1,\n\t2,\n)\ntype t struct {\n\ta int\n\tb int\n}\n"},
		"other comments":  {code, "//nolint:all\n//go:generate x\n//lint:ignore y\n" + code},
		"raw string CR":   {"package a\nvar s = `a\nb`", "package a\nvar s = `a\r\nb`"},
		"nothing":         {"package a", "// Package b has a comment.\npackage b\n"},
	}
	for name, c := range same {
		assert.Equal(t, Tokens([]byte(c[0])), Tokens([]byte(c[1])), name)
	}
	differ := []string{
		code,
		strings.Replace(code, "x, y)", "y, x)", 1),
		strings.Replace(code, "Println", "Print", 1),
		strings.Replace(code, "package a", "package b", 1),
		"//go:build linux\n\n" + code,
		"//go:build windows\n\n" + code,
		"// +build windows\n\n" + code,
		"//dag:op\n" + code,
		"//dag:op volatile\n" + code,
		code + "//go:embed a.txt\nvar a string\n",
		code + "//go:embed b.txt\nvar a string\n",
		code + "var a string\n",
		code + "//go:linkname f g\n",
		"package a\n// #define X 1\nimport \"C\"\n",
		"package a\n// #define X 2\nimport \"C\"\n",
		"package a\nvar x = 'a'", "package a\nvar x = \"a\"", "package a\nvar x = `a`", "package a\nvar x = a", "package a\nvar x = 0x1", "package a\nvar x = 1",
		"package a\nfunc f() { g(); h() }", "package a\nfunc f() { g() }",
		"package a\nfunc f() { for ; ; { } }", "package a\nfunc f() { for { } }",
		"", "package a\n\"",
	}
	seen := map[string]string{}
	for _, src := range differ {
		d := Tokens([]byte(src)).Hex()
		assert.NotContains(t, seen, d, "%s\n\nand\n\n%s", src, seen[d])
		seen[d] = src
	}
}

func FuzzTokens(f *testing.F) {
	f.Add(code)
	f.Add("\"")
	f.Add("package a /*")
	f.Fuzz(func(t *testing.T, src string) { Tokens([]byte(src)) })
}

func TestCheckSources(t *testing.T) {
	files := func(edit map[string]string) fs.FS {
		m := fstest.MapFS{}
		for name, text := range map[string]string{"a.go": code, "b_windows.go": "package a\nvar b int", "doc.go": "// Package a.\npackage a", "data/x.csv": "1,2"} {
			m[name] = &fstest.MapFile{Data: []byte(text)}
		}
		for name, text := range edit {
			if text == "" {
				delete(m, name)
			} else {
				m[name] = &fstest.MapFile{Data: []byte(text)}
			}
		}
		return m
	}
	m := &Manifest{Packages: []SourcePackage{{Path: "m/a", Patterns: []string{"data", "*.s"}}}}
	for name, ignored := range map[string]bool{"a.go": false, "b_windows.go": true, "doc.go": false, "data/x.csv": false} {
		content, err := fs.ReadFile(files(nil), name)
		assert.NoError(t, err)
		m.Packages[0].Files = append(m.Packages[0].Files, Source(name, content, ignored))
	}
	for name, c := range map[string]struct {
		edit map[string]string
		want []Stale
	}{
		"nothing":            {nil, nil},
		"comment":            {map[string]string{"a.go": "// c\n" + code}, nil},
		"code":               {map[string]string{"a.go": code + "var x int"}, []Stale{{"m/a", "a.go", Changed}}},
		"other platform":     {map[string]string{"b_windows.go": "package a\nvar c int"}, []Stale{{"m/a", "b_windows.go", Changed}}},
		"data":               {map[string]string{"data/x.csv": "1,3"}, []Stale{{"m/a", "data/x.csv", Changed}}},
		"data gone":          {map[string]string{"data/x.csv": ""}, []Stale{{"m/a", "data/x.csv", Removed}}},
		"file gone":          {map[string]string{"a.go": ""}, []Stale{{"m/a", "a.go", Removed}}},
		"empty file gone":    {map[string]string{"doc.go": ""}, nil},
		"new file":           {map[string]string{"z.go": code}, []Stale{{"m/a", "z.go", Added}}},
		"new comments":       {map[string]string{"z.go": "// Z.\npackage a"}, nil},
		"new test":           {map[string]string{"z_test.go": code}, nil},
		"new generated file": {map[string]string{"dag_gen.go": GeneratedHeader + "\n" + code}, nil},
		"nearly generated":   {map[string]string{"dag_gen.go": GeneratedHeader + "!\n" + code}, []Stale{{"m/a", "dag_gen.go", Added}}},
		"hidden file":        {map[string]string{"_z.go": code, ".z.go": code, "README.md": "x"}, nil},
		"new data":           {map[string]string{"data/y.csv": "1", "data/sub/z.go": "2"}, []Stale{{"m/a", "data/sub/z.go", Added}, {"m/a", "data/y.csv", Added}}},
		"hidden data":        {map[string]string{"data/.y.csv": "1", "dag_gen.manifest": "x", "other/x": "x"}, nil},
		"new assembly":       {map[string]string{"a.s": "1"}, []Stale{{"m/a", "a.s", Added}}},
		"new script":         {map[string]string{"z.go": "//go:build ignore\n\n" + code}, nil},
		"two":                {map[string]string{"z.go": code, "a.go": ""}, []Stale{{"m/a", "a.go", Removed}, {"m/a", "z.go", Added}}},
	} {
		got := m.CheckSources(func(pkg string) (fs.FS, bool) { return files(c.edit), pkg == "m/a" })
		assert.Equal(t, c.want, got, name)
	}
	assert.Equal(t, []Stale{{Package: "m/a", Change: Missing}}, m.CheckSources(func(string) (fs.FS, bool) { return nil, false }))
}

func BenchmarkCheckSources(b *testing.B) {
	dir, p := fstest.MapFS{}, SourcePackage{Path: "m"}
	var text strings.Builder
	text.WriteString(code)
	for i := range 400 {
		fmt.Fprintf(&text, "func F%d(x int) int { return x + %d }\n", i, i)
	}
	total := 0
	for i := range 60 {
		name := fmt.Sprintf("f%d.go", i)
		dir[name] = &fstest.MapFile{Data: []byte(text.String())}
		p.Files = append(p.Files, Source(name, dir[name].Data, false))
		total += text.Len()
	}
	m := &Manifest{Packages: []SourcePackage{p}}
	b.SetBytes(int64(total))
	for b.Loop() {
		if got := m.CheckSources(func(string) (fs.FS, bool) { return dir, true }); got != nil {
			b.Fatal(got)
		}
	}
}

// Code may read a file that was declared to count from the disk, so that it is looked for there; what is embedded for other reasons is not.
func TestCheckDeclared(t *testing.T) {
	m := &Manifest{Packages: []SourcePackage{
		{Path: "m/a", Files: []SourceFile{Source("a.go", []byte("package a"), false), {Name: "data/a.csv", Raw: sum("1"), Declared: true}, {Name: "data/b.csv", Raw: sum("2"), Declared: true}, {Name: "page.html", Raw: sum("3")}}},
		{Path: "m/b", Files: []SourceFile{Source("b.go", []byte("package b"), false)}},
		{Path: "m/c", Files: []SourceFile{{Name: "c.csv", Raw: sum("4"), Declared: true}}},
	}}
	disk := fstest.MapFS{"data/a.csv": {Data: []byte("1")}, "data/b.csv": {Data: []byte("2")}, "page.html": {Data: []byte("edited")}}
	var asked []string
	sources := func(pkg string) (fs.FS, bool) {
		asked = append(asked, pkg)
		return disk, pkg == "m/a"
	}
	assert.Empty(t, m.CheckDeclared(sources))
	assert.Equal(t, []string{"m/a", "m/c"}, asked, "the disk is left alone where nothing was declared")
	disk["data/a.csv"] = &fstest.MapFile{Data: []byte("edited")}
	delete(disk, "data/b.csv")
	assert.Equal(t, []Stale{{"m/a", "data/a.csv", Changed}, {"m/a", "data/b.csv", Removed}}, m.CheckDeclared(sources))
}
