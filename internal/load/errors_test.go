package load_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/load"
)

const gomod = "-- go.mod --\nmodule example.com/m\ngo 1.26\n"

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name, archive string
		patterns      []string
		want          []string
		flags         string
	}{
		{name: "no go.mod", archive: "-- m.go --\npackage m\n", flags: " ",
			want: []string{"-: there is no go.mod in $DIR or above it; run `go mod init example.com/yourmodule` in the folder of your module [DAG0202]"}},
		{name: "no go.mod for a tree", archive: "-- a/m.go --\npackage m\n", patterns: []string{"./..."}, flags: " ",
			want: []string{"-: there is no go.mod in $DIR or above it; run `go mod init example.com/yourmodule` in the folder of your module [DAG0202]"}},
		{name: "no such folder", archive: gomod, patterns: []string{"./gone"},
			want: []string{"-: stat gone: directory not found; name a folder with Go files, such as ./... or ./weather [DAG0203]"}},
		{name: "pattern that the go command spells otherwise", archive: gomod, patterns: []string{"cmd/../cmd/shop"},
			want: []string{"-: package cmd/shop is not in the standard library; name a folder with Go files, such as ./... or ./weather [DAG0203]"}},
		{name: "no Go files", archive: gomod + "-- x/readme.txt --\n", patterns: []string{"./x"},
			want: []string{"-: no Go files in x; name a folder with Go files, such as ./... or ./weather [DAG0203]"}},
		{name: "pattern matches nothing", archive: gomod + "-- x/readme.txt --\n", patterns: []string{"./x/..."},
			want: []string{`-: "./x/..." matched no packages; name a folder with Go files, such as ./... or ./weather [DAG0203]`}},
		{name: "pattern below no folder", archive: gomod, patterns: []string{"./gone/..."},
			want: []string{"-: pattern ./gone/...: lstat ./gone/: no such file or directory; name a folder with Go files, such as ./... or ./weather [DAG0203]"}},
		{name: "only for another platform", archive: gomod + "-- m_windows.go --\npackage m\n",
			want: []string{"-: package example.com/m has no Go files for linux/amd64; check the build constraints of its files [DAG0203]"}},
		{name: "import of nothing", archive: gomod + "-- m.go --\npackage m\n\nimport (\n\t_ \"example.com/m/gone\"\n\t_ \"nosuchstd/x\"\n\t_ \"example.com/other\"\n)\n", flags: " ",
			want: []string{
				"m.go:4:2: there is no package example.com/m/gone in module example.com/m; correct the import, or make the folder gone with a Go file [DAG0204]",
				"m.go:5:2: package nosuchstd/x is not in the standard library; correct the import; paths of other modules begin with a domain name [DAG0204]",
				"m.go:6:2: no required module provides package example.com/other; to add it: go get example.com/other [DAG0204]",
			}},
		{name: "missing go.sum entry", archive: "-- go.mod --\nmodule example.com/m\ngo 1.26\nrequire github.com/google/uuid v1.6.0\n-- m.go --\npackage m\n\nimport _ \"github.com/google/uuid\"\n", flags: " ",
			want: []string{"m.go:3:8: missing go.sum entry for module providing package github.com/google/uuid (imported by example.com/m); to add: go get example.com/m [DAG0205]"}},
		{name: "bad go.mod", archive: "-- go.mod --\nmodule example.com/m\ngo 1.26\n\nnonsense here\nreplace x\n-- m.go --\npackage m\n", flags: " ",
			want: []string{"go.mod:4: unknown directive: nonsense; mend that line [DAG0206]", "go.mod:5: usage: replace module/path [v1.2.3] => other/module v1.4; mend that line [DAG0206]"}},
		{name: "workspace without the module", archive: "-- go.work --\ngo 1.26\nuse ./other\n-- other/go.mod --\nmodule example.com/other\ngo 1.26\n-- m/go.mod --\nmodule example.com/m\ngo 1.26\n-- m/m.go --\npackage m\n", flags: " ", patterns: []string{"./m"},
			want: []string{"go.work: directory m is contained in a module that is not one of the workspace modules listed in go.work; run `go work use` with that folder, or set GOWORK=off [DAG0206]"}},
		{name: "syntax errors", archive: gomod + "-- m.go --\npackage m\n\nfunc f( {\n}\n\nvar x = = 1\n-- n.go --\npackage m\n\nimport x y\n",
			want: []string{"m.go:3:9: syntax error: expected ')', found '{' [DAG0207]", "m.go:4:1: syntax error: missing ',' in parameter list [DAG0207]", "m.go:6:1: syntax error: expected ')', found 'var' [DAG0207]",
				"n.go:3:10: syntax error: import path must be a string [DAG0207]"}},
		{name: "merge conflict", archive: gomod + "-- m.go --\npackage m\n\n<<<<<<< HEAD\nvar x = 1\n=======\nvar x = 2\n>>>>>>> other\n",
			want: []string{"m.go:3:1: the file has a merge conflict here; resolve it [DAG0207]"}},
		{name: "import cycle", archive: gomod + "-- a/a.go --\npackage a\nimport _ \"example.com/m/b\"\n-- b/b.go --\npackage b\nimport _ \"example.com/m/a\"\n", patterns: []string{"./..."},
			want: []string{"a: import cycle: example.com/m/a imports example.com/m/b imports example.com/m/a; remove one of these imports [DAG0208]"}},
		{name: "self import", archive: gomod + "-- a/a.go --\npackage a\nimport _ \"example.com/m/a\"\n", patterns: []string{"./..."},
			want: []string{"a: import cycle: example.com/m/a imports example.com/m/a; remove one of these imports [DAG0208]"}},
		{name: "two packages in a folder", archive: gomod + "-- a.go --\npackage a\n-- b.go --\npackage b\n",
			want: []string{".: found packages a (a.go) and b (b.go); give all files of a folder one package name [DAG0209]"}},
		{name: "embed without a match", archive: gomod + "-- a.go --\npackage a\n\nimport _ \"embed\"\n\n//go:embed gone.txt\nvar s string\n",
			want: []string{"a.go:5:12: pattern gone.txt: no matching files found [DAG0209]"}},
		{name: "import of a main package", archive: gomod + "-- a.go --\npackage a\n\nimport _ \"example.com/m/b\"\n-- b/b.go --\npackage main\n",
			want: []string{`a.go:3:8: import "example.com/m/b" is a program, not an importable package [DAG0209]`}},
		{name: "use of an internal package", archive: gomod + "-- a.go --\npackage a\n\nimport _ \"internal/abi\"\n",
			want: []string{"a.go:3:8: use of internal package internal/abi not allowed [DAG0209]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := extract(t, c.archive)
			e := env()
			if c.flags != "" {
				e = append(e, "GOFLAGS="+strings.TrimSpace(c.flags))
			}
			_, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Patterns: c.patterns, Env: e})
			require.NoError(t, err)
			var got []string
			for _, d := range diags {
				got = append(got, strings.ReplaceAll(d.String(), dir, "$DIR"))
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestNoGoCommand(t *testing.T) {
	dir := extract(t, gomod)
	_, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Env: []string{"PATH=.:" + dir}})
	require.NoError(t, err)
	require.Len(t, diags, 1)
	assert.Equal(t, "-: cannot find the go command; install Go from https://go.dev/dl and put its bin folder on PATH [DAG0201]", diags[0].String())
}

func TestNoFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	_, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Env: env()})
	require.NoError(t, err)
	require.Len(t, diags, 1)
	assert.Equal(t, "DAG0203", diags[0].Code)
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := load.Load(ctx, load.Config{Dir: "../canon"})
	require.ErrorIs(t, err, context.Canceled)
}

func TestUnreadableFile(t *testing.T) {
	dir := extract(t, gomod+"-- m.go --\npackage m\n")
	require.NoError(t, os.Symlink("nowhere.go", filepath.Join(dir, "x.go")))
	_, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Env: env()})
	require.NoError(t, err)
	require.NotEmpty(t, diags)
	assert.Equal(t, "-: open x.go: no such file or directory [DAG0209]", diags[0].String())
}

func TestAGoodPackageBesideABrokenOneIsLoaded(t *testing.T) {
	dir := extract(t, gomod+"-- a/a.go --\npackage a\n\nvar A = undefined\n-- b/b.go --\npackage b\n\nfunc {\n-- c/c.go --\npackage c\n\nvar C = 1\n")
	p, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Patterns: []string{"./..."}, Env: env()})
	require.NoError(t, err)
	require.Len(t, diags, 1)
	require.Len(t, p.Roots, 3)
	assert.Len(t, p.Roots[0].Errors, 1)
	assert.NotNil(t, p.Roots[2].Types.Scope().Lookup("C"))
}
