package manifest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
)

func sum(s string) canon.Digest { return canon.Sum([]byte(s)) }

// sample is a manifest whose slices are sorted and whose names are as odd as names can be.
func sample() *Manifest {
	return &Manifest{
		Mode: "transitive", Target: "linux/amd64 +tag", Language: "go1.26", Toolchain: "go1.26.8",
		Entries: []Entry{
			{Symbol: "example.com/m.(*T).Do", Version: sum("v1"), Node: "example.com/m.(*T).Do"},
			{Symbol: "example.com/m.F", Version: sum("v2"), Node: "example.com/m.F", Also: []string{"a b", "example.com/m.init(a.go)"},
				Without: []Without{{"a b", "it only\nlogs"}, {"example.com/m.debug", "counts"}}},
		},
		Nodes: []Node{
			{Name: "", Kind: "", Local: sum("x")},
			{Name: "a\nnode b", Kind: KindFunc, File: "dir with space/a.go", Local: sum("y"), Hash: sum("z"), Refs: []string{"z", "a b", `"`, "z"}, Implied: []string{"i j", "k"}, Sets: []string{"v", "w x"}},
			{Name: "env", Kind: KindEnv, Hash: sum("env"), Value: "go 1.26"},
			{Name: "example.com/m.(*T).Do", Kind: KindMethod, File: "m.go"},
			{Name: "rt:struct{A int \"json:\\\"a\\\"\"}", Kind: KindRuntime},
			{Name: "é\u2028\xff", Kind: KindType},
		},
		Packages: []SourcePackage{
			{Path: "example.com/m", Patterns: []string{"all:data", "x y/*"}, Files: []SourceFile{
				{Name: "a.go", Raw: sum("1"), Tokens: sum("2")},
				{Name: "b_windows.go", Raw: sum("3"), Tokens: sum("4"), Ignored: true},
				{Name: "data/x y.csv", Raw: sum("5")},
				{Name: "data/z.csv", Raw: sum("7"), Declared: true},
				{Name: "old.s", Raw: sum("6"), Ignored: true},
			}},
			{Path: "example.com/m/empty"},
		},
	}
}

func TestRoundTrip(t *testing.T) {
	for name, m := range map[string]*Manifest{"sample": sample(), "zero": {}} {
		got, err := Parse(m.Text())
		require.NoError(t, err, name)
		assert.Equal(t, m, got, name)
		assert.Equal(t, m.Text(), got.Text(), name)
	}
}

func TestTextSorts(t *testing.T) {
	m := sample()
	m.Entries[0], m.Entries[1] = m.Entries[1], m.Entries[0]
	m.Nodes[0], m.Nodes[3] = m.Nodes[3], m.Nodes[0]
	m.Packages[0], m.Packages[1] = m.Packages[1], m.Packages[0]
	f := m.Packages[1].Files
	f[0], f[2] = f[2], f[0]
	before := fmt.Sprint(m)
	assert.Equal(t, sample().Text(), m.Text())
	assert.Equal(t, before, fmt.Sprint(m), "Text must not reorder its receiver")
}

func TestTextIsMergeFriendly(t *testing.T) {
	lines := strings.Split(sample().Text(), "\n")
	assert.Equal(t, FirstLine, lines[0])
	assert.Equal(t, LastLine, lines[len(lines)-2])
	isHash := func(s string) bool {
		f := strings.Fields(s)
		return len(f) == 2 && len(f[1]) == 64
	}
	hashes := 0
	for i, l := range lines[1:] {
		if isHash(l) {
			hashes++
			assert.False(t, isHash(lines[i]), "lines %d and %d are both digests", i+1, i+2)
		}
		assert.NotContains(t, l[min(1, len(l)):], FirstLine)
	}
	assert.Equal(t, 2+2*6+7, hashes)
}

// Two branches that edit two functions, with nodes and files next to one another, merge without help.
func TestGitMergesTwoEdits(t *testing.T) {
	git, err := exec.LookPath("git")
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name string, edit ...int) {
		m := &Manifest{Mode: "transitive", Target: "linux/amd64", Language: "go1.26", Packages: []SourcePackage{{Path: "m"}}}
		for i := range 4 {
			v := "old"
			for _, e := range edit {
				if e == i {
					v = name
				}
			}
			n := fmt.Sprintf("m.F%d", i)
			m.Entries = append(m.Entries, Entry{Symbol: n, Version: sum(v + n), Node: n})
			m.Nodes = append(m.Nodes, Node{Name: n, Kind: KindFunc, Local: sum("l" + v + n), Hash: sum("h" + v + n), File: "m.go"})
			m.Packages[0].Files = append(m.Packages[0].Files, SourceFile{Name: n + ".go", Raw: sum("r" + v + n), Tokens: sum("t" + v + n)})
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(m.Text()), 0o644))
	}
	write("base")
	write("ours", 1)
	write("theirs", 2)
	cmd := exec.Command(git, "merge-file", "-p", "ours", "base", "theirs")
	cmd.Dir = dir
	merged, err := cmd.Output()
	require.NoError(t, err, "%s", merged)
	m, err := Parse(string(merged))
	require.NoError(t, err)
	v1, _ := m.Version("m.F1")
	v2, _ := m.Version("m.F2")
	assert.Equal(t, []canon.Digest{sum("oursm.F1"), sum("theirsm.F2")}, []canon.Digest{v1, v2})
}

func TestParseErrors(t *testing.T) {
	good := sample().Text()
	edit := func(old, new string) string {
		s := strings.Replace(good, old, new, 1)
		if s == good {
			panic("no such text: " + old)
		}
		return s
	}
	for name, c := range map[string]struct{ text, want string }{
		"empty":              {"", `manifest:1: the text ends where "# dagstergen manifest 1`},
		"other version":      {edit("manifest 1.", "manifest 2."), "manifest:1: want"},
		"no mode":            {edit("mode transitive\n", ""), `manifest:2: want "mode", have "target`},
		"cut":                {good[:len(good)/2], "manifest:"},
		"no last newline":    {strings.TrimSuffix(good, "\n"), "want"},
		"text after":         {good + "x", "text after the last line"},
		"blank line after":   {good + "\n", "text after the last line"},
		"no blank line":      {edit("\n\nentry", "\nentry"), "manifest:6: want \"a blank line\""},
		"merge conflict":     {edit("\n\nnode", "\n<<<<<<< HEAD\n\nnode"), `have "<<<<<<< HEAD"`},
		"upper case":         {edit(sum("v1").Hex(), strings.ToUpper(sum("v1").Hex())), "manifest:8: "},
		"short digest":       {edit(sum("v1").Hex(), sum("v1").Hex()[2:]), "manifest:8: "},
		"prefixed digest":    {edit(sum("v1").Hex(), sum("v1").String()), "manifest:8: "},
		"no hex":             {edit(sum("v1").Hex(), "g"+sum("v1").Hex()[1:]), "manifest:8: "},
		"quoted for no need": {edit("\nnode env\n", "\nnode \"env\"\n"), "is not how this name is written"},
		"other quoting":      {edit(`"a\nnode b"`, `"a\x0anode b"`), "is not how this name is written"},
		"two names":          {edit("\nnode env\n", "\nnode env env\n"), "follows the name"},
		"stray quote":        {edit("\nnode env\n", "\nnode \"env\n"), "not a quoted name"},
		"order":              {edit("example.com/m.F\n", "a\n"), `entry "a" is out of order`},
		"node order":         {edit("\nnode env\n", "\nnode z\n"), "out of order"},
		"twice":              {edit("file b_windows.go", "file a.go"), `file "a.go" is out of order, or there twice`},
		"file kind":          {edit("is go", "is cobol"), `want "what the file is"`},
		"zero tokens":        {edit(sum("2").Hex(), canon.Digest{}.Hex()), "cannot have the digest 0"},
		"without order":      {edit("without example.com/m.debug", "without a"), `without "a" is out of order`},
		"without reason":     {edit("without example.com/m.debug counts", "without example.com/m.debug"), "what is left out has a reason"},
		"empty value":        {edit(`value "go 1.26"`, `value ""`), "not empty"},
		"empty toolchain":    {edit("toolchain go1.26.8", `toolchain ""`), "not empty"},
		"carriage returns":   {strings.ReplaceAll(good, "\n", "\r\n"), "manifest:1: want"},
	} {
		m, err := Parse(c.text)
		assert.Nil(t, m, name)
		require.Error(t, err, name)
		assert.Contains(t, err.Error(), c.want, name)
		assert.Contains(t, err.Error(), "go generate", name)
	}
}

func TestVersion(t *testing.T) {
	m := sample()
	v, ok := m.Version("example.com/m.F")
	assert.True(t, ok)
	assert.Equal(t, sum("v2"), v)
	_, ok = m.Version("example.com/m.G")
	assert.False(t, ok)
	m.Entries[0], m.Entries[1] = m.Entries[1], m.Entries[0]
	v, ok = m.Version("example.com/m.F")
	assert.True(t, ok, "an unsorted manifest answers too")
	assert.Equal(t, sum("v2"), v)
}

func TestClosure(t *testing.T) {
	m := graph("op: a b\na: b\nb: a\nlone:\nenv: language\nlanguage:")
	m.Packages = sample().Packages
	c := m.Closure("op")
	names := []string{}
	for _, n := range c.Nodes {
		names = append(names, n.Name)
	}
	assert.Equal(t, []string{"a", "b", "env", "language", "op"}, names)
	assert.Equal(t, m.Entries, c.Entries)
	assert.Empty(t, c.Packages)
	again, err := Parse(c.Text())
	require.NoError(t, err)
	assert.Equal(t, c, again)
	assert.Empty(t, m.Closure("other").Nodes)
}

// What an entry leaves out is in its closure as what stands for it, and in those of other entries as it is.
func TestClosureWithout(t *testing.T) {
	m := graph("op: a log\na:\nlog: deep\ndeep:\nenv:\nstand-in=x:")
	m.Nodes[len(m.Nodes)-1].Name = LeftOut("log")
	m.Nodes[len(m.Nodes)-1].Kind = KindIgnored
	other := m.Entries[0]
	other.Symbol = "other"
	m.Entries[0].Without = []Without{{"gone", "nothing refers to it"}, {"log", "it only logs"}}
	m.Entries = append(m.Entries, other)
	names := func(c *Manifest) (out []string) {
		for _, n := range c.Nodes {
			out = append(out, n.Name+" "+n.Kind)
		}
		return out
	}
	c := m.Closure("op")
	assert.Equal(t, []string{"a func", "env env", "log ignored", "op func"}, names(c))
	assert.Equal(t, "it only logs", c.node("log").Value)
	assert.Empty(t, c.Entries[0].Without, "it is settled")
	assert.Equal(t, c, c.Closure("op"))
	assert.Equal(t, []string{"a func", "deep func", "env env", "log func", "op func"}, names(m.Closure("other")))
	assert.Empty(t, m.node("log").Value, "the manifest is as it was")
}

func FuzzParse(f *testing.F) {
	f.Add(sample().Text())
	f.Add((&Manifest{}).Text())
	f.Add(strings.Replace(sample().Text(), "env", `"a\u2028b"`, 1))
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Parse(text)
		if err != nil {
			return
		}
		if got := m.Text(); got != text {
			t.Fatalf("read %q\nwrote %q", text, got)
		}
	})
}

func FuzzNames(f *testing.F) {
	f.Add("a b", "\"", "\n")
	f.Add("é\u2028", "\xff", "\\")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		m := &Manifest{
			Mode: a, Target: b, Language: c, Toolchain: b, Deps: a,
			Entries:  []Entry{{Symbol: a, Node: b, Without: []Without{{c, a + "x"}}}},
			Nodes:    []Node{{Name: a, Kind: b, File: c, Refs: []string{b, c}, Value: a}},
			Packages: []SourcePackage{{Path: c, Files: []SourceFile{{Name: a}}}},
		}
		got, err := Parse(m.Text())
		if err != nil {
			t.Fatal(err)
		}
		assert.Equal(t, m, got)
	})
}

func BenchmarkParse(b *testing.B) {
	m := &Manifest{Mode: "transitive"}
	for i := range 500 {
		m.Entries = append(m.Entries, Entry{Symbol: fmt.Sprintf("example.com/m/pkg%02d.Function%d", i%10, i)})
	}
	for i := range 6000 {
		n := Node{Name: fmt.Sprintf("example.com/m/pkg%02d.Function%d", i%10, i), Kind: KindFunc, File: "pkg/file.go"}
		for j := range 4 {
			n.Refs = append(n.Refs, fmt.Sprintf("example.com/m/pkg%02d.Function%d", j, i/2))
		}
		m.Nodes = append(m.Nodes, n)
	}
	text := m.Text()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
