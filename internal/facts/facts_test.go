package facts

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// lay writes files below a new folder, and returns it.
func lay(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		put(t, filepath.Join(dir, name), text)
	}
	return dir
}

func put(t testing.TB, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func look(id ID) Observation { return Look([]Fact{{ID: id}})[0] }

const source = "//go:build linux\n\n// Package a is one.\npackage a\n\nimport (\n\t\"embed\" // files\n\t. \"fmt\"\n)\n\n//go:embed x\nvar X embed.FS\n\nfunc F() { Println(1) }\n"

// What an edit of a Go file does to it as something to list, and to its content.
func TestSource(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		listing        bool // counts for the listing
	}{
		{"a body", "Println(1)", "Println(2)", false},
		{"a function more", "func F", "func G() {}\n\nfunc F", false},
		{"a comment below", "func F", "// F is one.\nfunc F", false},
		{"a new line at the end", "}\n", "}\n\n", false},
		{"a constraint below", "func F", "//go:build windows\n\nfunc F", false},
		{"a body that is broken", "Println(1)", "Println((", false},
		{"the constraint", "go:build linux", "go:build windows", true},
		{"the constraint as it was written once", "//go:build linux\n", "// +build linux\n", true},
		{"the package", "package a", "package b", true},
		{"an import", "\"fmt\"", "\"os\"", true},
		{"an import more", ")\n", ")\n\nimport \"os\"\n", true},
		{"an import more on the line", ")\n", "); import \"os\"\n", true},
		{"the name of an import", ". \"fmt\"", "fmt \"fmt\"", true},
		{"a comment above", "is one", "is two", true},
		{"a debug line", "// Package", "//go:debug panicnil=1\n\n// Package", true},
		{"a comment among the imports", "// files", "/* files */", true},
		{"an embedded file", "//go:embed x", "//go:embed y", true},
		{"one more", "var X", "//go:embed y\nvar X", true},
		{"an embedded file in a body", "Println(1)", "\n//go:embed z\nPrintln(1)", true},
		{"a head that is broken", "package a", "package", true},
		{"a text without end in a file that embeds", "Println(1)", "Println(\"1)", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			edited := strings.Replace(source, c.old, c.new, 1)
			require.NotEqual(t, source, edited)
			a, b := OfSource("/m/a.go", []byte(source)), OfSource("/m/a.go", []byte(edited))
			assert.Equal(t, !c.listing, a.Same(b, Listing))
			assert.False(t, a.Same(b, Content))
			a, b = OfSource("/m/a_test.go", []byte(source)), OfSource("/m/a_test.go", []byte(edited))
			assert.Equal(t, !c.listing, a.Same(b, Content), "of a test only what is listed counts")
		})
	}
	broken := OfSource("/m/a.go", []byte("package a; import \"C\" x"))
	assert.Equal(t, broken.Sum, broken.Head)
}

// What happens in a folder, and which of the kinds see it.
func TestFolders(t *testing.T) {
	base := map[string]string{
		"a.go": "package a", "a_test.go": "package a", "notes.txt": "", "sub/b.go": "package b", "sub/deep/c.txt": "", "testdata/d.go": "package d",
		"other/go.mod": "module other", "other/e.go": "package e", "vendor/v.go": "package v", ".git/g.go": "package g", "_x/h.go": "package h",
	}
	for _, c := range []struct {
		name string
		edit func(t *testing.T, dir string)
		seen []Kind // of Names, All, Tree and Stats
	}{
		{"nothing", func(*testing.T, string) {}, nil},
		{"a Go file more", func(t *testing.T, dir string) { put(t, dir+"/z.go", "") }, []Kind{Names, All, Tree, Stats}},
		{"an assembly file more", func(t *testing.T, dir string) { put(t, dir+"/z.s", "") }, []Kind{Names, All, Tree, Stats}},
		{"a C++ header more", func(t *testing.T, dir string) { put(t, dir+"/z.hpp", "") }, []Kind{Names, All, Tree, Stats}},
		{"a manifest more", func(t *testing.T, dir string) { put(t, dir+"/dag_gen.manifest", "") }, []Kind{Names, All, Tree, Stats}},
		{"a text more", func(t *testing.T, dir string) { put(t, dir+"/z.txt", "") }, []Kind{All, Stats}},
		{"a hidden assembly file", func(t *testing.T, dir string) { put(t, dir+"/.z.s", "") }, []Kind{All, Stats}},
		{"a test gone", func(t *testing.T, dir string) { require.NoError(t, os.Remove(dir+"/a_test.go")) }, []Kind{Names, All, Tree, Stats}},
		{"a file renamed", func(t *testing.T, dir string) { require.NoError(t, os.Rename(dir+"/a.go", dir+"/a_windows.go")) }, []Kind{Names, All, Tree, Stats}},
		{"a file becomes a folder", func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(dir+"/a.go"))
			require.NoError(t, os.Mkdir(dir+"/a.go", 0o755))
		}, []Kind{Names, All, Tree, Stats}},
		{"a file becomes a link", func(t *testing.T, dir string) {
			require.NoError(t, os.Rename(dir+"/a.go", dir+"/sub/a.txt"))
			require.NoError(t, os.Symlink("sub/a.txt", dir+"/a.go"))
		}, []Kind{Names, All, Tree, Stats}},
		{"another content", func(t *testing.T, dir string) { put(t, dir+"/a.go", "package b") }, []Kind{Stats}},
		{"a module of its own", func(t *testing.T, dir string) { put(t, dir+"/go.mod", "module m") }, []Kind{Names, All, Tree, Stats}},
		{"a folder more", func(t *testing.T, dir string) { require.NoError(t, os.Mkdir(dir+"/new", 0o755)) }, []Kind{All}},
		{"a folder of data", func(t *testing.T, dir string) { put(t, dir+"/new/deep/x.csv", "1") }, []Kind{All}},
		{"a package below", func(t *testing.T, dir string) { put(t, dir+"/new/n.go", "package n") }, []Kind{All, Tree}},
		{"a file in a package below", func(t *testing.T, dir string) { put(t, dir+"/sub/c.go", "package b") }, []Kind{Tree}},
		{"a file far below", func(t *testing.T, dir string) { put(t, dir+"/sub/deep/c.go", "package c") }, []Kind{Tree}},
		{"a package below goes", func(t *testing.T, dir string) { require.NoError(t, os.RemoveAll(dir+"/sub")) }, []Kind{All, Tree}},
		{"a package below becomes a module", func(t *testing.T, dir string) { put(t, dir+"/sub/go.mod", "module sub") }, []Kind{Tree}},
		{"another module becomes a package", func(t *testing.T, dir string) { require.NoError(t, os.Remove(dir+"/other/go.mod")) }, []Kind{Tree}},
		{"in another module", func(t *testing.T, dir string) { put(t, dir+"/other/f.go", "package e") }, nil},
		{"in testdata", func(t *testing.T, dir string) { put(t, dir+"/testdata/new/d.go", "package d") }, nil},
		{"in a vendor folder", func(t *testing.T, dir string) { put(t, dir+"/vendor/new/v.go", "package v") }, nil},
		{"in hidden folders", func(t *testing.T, dir string) {
			put(t, dir+"/.git/new/g.go", "package g")
			put(t, dir+"/_x/new/h.go", "package h")
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := lay(t, base)
			var ids []Fact
			for _, k := range []Kind{Names, All, Tree, Stats} {
				ids = append(ids, Fact{ID: ID{k, dir}})
			}
			before := Look(ids)
			c.edit(t, dir)
			for i, after := range Look(ids) {
				k := ids[i].Kind
				assert.Equal(t, !slices.Contains(c.seen, k), before[i].Same(after.Fact, Listing), "kind %d: %q", k, after.Names)
			}
		})
	}
}

// All that can stand at a path has a value of its own.
func TestWhatStandsThere(t *testing.T) {
	dir := lay(t, map[string]string{"file": "text", "same": "text", "empty": "", "folder/x": ""})
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	require.NoError(t, os.Symlink("file", filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "loose")))
	require.NoError(t, os.Symlink("circle", filepath.Join(dir, "circle")))
	for _, k := range []Kind{File, Source} {
		seen := map[canon.Digest]string{}
		for _, name := range []string{"file", "empty", "folder", "gone", "circle"} {
			o := look(ID{k, filepath.Join(dir, name)})
			assert.Empty(t, seen[o.Sum], "%s and %s", name, seen[o.Sum])
			seen[o.Sum] = name
		}
		for name, like := range map[string]string{"same": "file", "link": "file", "pipe": "folder", "loose": "gone", "file/below": "gone"} {
			assert.Equal(t, like, seen[look(ID{k, filepath.Join(dir, name)}).Sum], name)
		}
	}
	for name, like := range map[string]string{"same": "file", "empty": "file", "folder/x": "file"} {
		assert.Equal(t, look(ID{Exists, filepath.Join(dir, like)}).Sum, look(ID{Exists, filepath.Join(dir, name)}).Sum, name)
	}
	sums := map[canon.Digest]bool{}
	for _, name := range []string{"file", "gone", "folder", "pipe", "circle", "link", "loose"} {
		sums[look(ID{Exists, filepath.Join(dir, name)}).Sum] = true
	}
	assert.Len(t, sums, 7)
	for _, k := range []Kind{Names, All, Tree, Stats} {
		assert.NotEqual(t, look(ID{k, filepath.Join(dir, "gone")}).Sum, look(ID{k, t.TempDir()}).Sum, "no folder and an empty one")
	}
}

func TestTimes(t *testing.T) {
	start := time.Now().Add(-time.Second)
	dir := lay(t, map[string]string{"a.go": "package a", "sub/b.go": "package b"})
	old := time.Now().Add(-24 * time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(dir, "a.go"), old, old))
	for _, id := range []ID{{File, dir + "/a.go"}, {Source, dir + "/a.go"}, {Names, dir}, {All, dir}, {Tree, dir}, {Stats, dir}} {
		assert.True(t, look(id).Changed.After(start), "%d: a time that was set does not hide a change", id.Kind)
	}
	assert.True(t, look(ID{File, dir + "/gone"}).Changed.IsZero())
}

func TestLookBelievesNothing(t *testing.T) {
	path := filepath.Join(lay(t, map[string]string{"a.go": source}), "a.go")
	want := OfSource(path, []byte(source))
	for _, before := range []Fact{{ID: want.ID}, want, {ID: want.ID, Sum: canon.Sum([]byte("x")), Head: canon.Sum([]byte("y"))}} {
		assert.Equal(t, want, Look([]Fact{before})[0].Fact)
	}
	assert.Equal(t, OfFile(path, []byte(source)), look(ID{File, path}).Fact)
	assert.False(t, want.Same(OfFile(path, []byte(source)), Content), "another kind")
	assert.Empty(t, Look(nil))
}

// Files of all sizes, read one after the other with one buffer.
func TestSizes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var w worker
	for _, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 3, 1 << 20, 1<<20 + 1, 5 << 20, 100} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(rng.IntN(256))
		}
		path := filepath.Join(t.TempDir(), "f.go")
		require.NoError(t, os.WriteFile(path, data, 0o644))
		assert.Equal(t, canon.Sum(data), w.look(Fact{ID: ID{File, path}}).Sum, size)
		assert.Equal(t, canon.Sum(data), w.look(Fact{ID: ID{Source, path}}).Sum, size)
		assert.Equal(t, canon.Sum(data), w.look(Fact{ID: ID{File, path}}).Sum, size)
	}
}

func TestNames(t *testing.T) {
	dir := lay(t, map[string]string{"a b.go": "", "sub dir/c.go": "", "empty dir/x.txt": "", "other/go.mod": ""})
	var names []string
	for _, n := range look(ID{Tree, dir}).Names {
		if name := NameOf(n); name != "" {
			names = append(names, name)
		}
	}
	assert.Equal(t, []string{"a b.go", "sub dir/c.go"}, names)
	assert.Empty(t, NameOf(""))
	assert.Empty(t, NameOf("sub/"))
}

func TestSorting(t *testing.T) {
	a, b, c := Fact{ID: ID{File, "/a"}}, Fact{ID: ID{Source, "/a"}}, Fact{ID: ID{File, "/b"}}
	sorted := Sort([]Fact{c, b, a, b})
	assert.Equal(t, []Fact{a, b, c}, sorted)
	assert.Equal(t, []ID{a.ID, b.ID, c.ID}, SortIDs([]ID{c.ID, b.ID, a.ID, b.ID}))
}

func TestEncoding(t *testing.T) {
	for _, l := range [][]Fact{
		nil,
		{OfFile("/a", nil)},
		Sort([]Fact{OfFile("/a/go.mod", []byte("x")), OfSource("/a/b.go", []byte("package b")), OfSource("/a/bc.go", []byte("package b")), {ID: ID{Tree, "/a"}}, OfFile("", nil)}),
		Sort([]Fact{OfFile("/"+strings.Repeat("long/", 800), nil), OfSource("/"+strings.Repeat("long/", 800)+"x", nil)}),
	} {
		b := Append(nil, l)
		got, rest, err := Read(append(b, "rest"...))
		require.NoError(t, err)
		assert.Equal(t, "rest", string(rest))
		assert.Equal(t, len(l), len(got))
		assert.ElementsMatch(t, l, got)
		for i := range b {
			_, _, err := Read(b[:i])
			assert.Error(t, err, "cut at %d", i)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(Append(nil, []Fact{OfFile("/a", nil), OfSource("/a.go", []byte("package a"))}))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		l, rest, err := Read(b)
		if err != nil {
			return
		}
		again, more, err := Read(append(Append(nil, l), rest...))
		require.NoError(t, err)
		assert.Equal(t, l, again)
		assert.Equal(t, len(rest), len(more))
	})
}

// Whatever a Go file holds, what the go command reads of it is part of its head: an edit behind the imports that has no //go:embed changes no head.
func FuzzHead(f *testing.F) {
	f.Add([]byte(source), "func G() {}")
	f.Add([]byte("package a"), "var x = `")
	f.Add([]byte("package a\nimport \"C\"\n"), "/*")
	f.Fuzz(func(t *testing.T, src []byte, more string) {
		a := OfSource("/a.go", src)
		assert.Equal(t, a, OfSource("/a.go", src))
		if a.Head != a.Sum && strings.HasSuffix(string(src), "\n") && !strings.Contains(more, "go:embed") && !strings.Contains(string(src), "embed") {
			b := OfSource("/a.go", append(append([]byte{}, src...), "func f() {\n"+more...))
			assert.True(t, a.Same(b, Listing), "%q", b.Path)
		}
	})
}

func BenchmarkLook(b *testing.B) {
	files := map[string]string{}
	text := source + strings.Repeat("func f() { println(`some text`) }\n", 200)
	for d := range 100 {
		name := "p" + strings.Repeat("x", d)
		for i := range 10 {
			files[name+"/"+strings.Repeat("f", i+1)+".go"] = text
		}
	}
	dir := lay(b, files)
	var l []Fact
	var size int64
	for name := range files {
		l = append(l, Fact{ID: ID{Source, filepath.Join(dir, name)}})
		size += int64(len(text))
	}
	l = append(l, Fact{ID: ID{Tree, dir}})
	for i, o := range Look(l) {
		l[i] = o.Fact
	}
	b.SetBytes(size)
	for b.Loop() {
		for i, o := range Look(l) {
			if !o.Same(l[i], Content) {
				b.Fatal(o.Path)
			}
		}
	}
}
