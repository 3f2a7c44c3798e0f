package dag_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// tree writes files, by their names below a new folder.
func tree(t *testing.T, files ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte("bytes of "+filepath.Base(name)), 0o600))
	}
	return root
}

func names(d dag.Dir) (out []string) {
	for _, e := range d.Entries {
		out = append(out, e.Name)
	}
	return out
}

func TestGlob(t *testing.T) {
	root := tree(t, "a.csv", "b.csv", "c.txt", "2024/01/x.csv", "2024/01/y.txt", "2024/02/x.csv", "2024/x.csv", "z/[1].csv", "-")
	tests := []struct {
		pattern string
		want    []string
	}{
		{"*.csv", []string{"a.csv", "b.csv"}},
		{"a.csv", []string{"a.csv"}},
		{"?.txt", []string{"c.txt"}},
		{"[ac].*", []string{"a.csv", "c.txt"}},
		{"*/x.csv", []string{"2024/x.csv"}},
		{"2024/*/x.csv", []string{"01/x.csv", "02/x.csv"}},
		{"2024/**/x.csv", []string{"01/x.csv", "02/x.csv", "x.csv"}},
		{"**/x.csv", []string{"2024/01/x.csv", "2024/02/x.csv", "2024/x.csv"}},
		{"**/01/*.csv", []string{"2024/01/x.csv"}},
		{"**/**/y.txt", []string{"2024/01/y.txt"}},
		{"20*/**", []string{"2024/01/x.csv", "2024/01/y.txt", "2024/02/x.csv", "2024/x.csv"}},
		{`z/\[1\].csv`, []string{"[1].csv"}},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			d, err := dag.Glob(filepath.Join(root, "x")[:len(root)+1] + tt.pattern)
			require.NoError(t, err)
			assert.Equal(t, tt.want, names(d))
			for i, f := range d.Files() {
				assert.Equal(t, filepath.Base(tt.want[i]), f.Name())
				r, err := f.Open()
				require.NoError(t, err)
				data, err := io.ReadAll(r)
				require.NoError(t, err)
				require.NoError(t, r.Close())
				assert.Equal(t, "bytes of "+f.Name(), string(data))
			}
			same, err := d.SameNames()
			require.NoError(t, err)
			assert.True(t, same)
		})
	}
	all, err := dag.OpenDir(root)
	require.NoError(t, err)
	assert.Len(t, all.Entries, 9)
	assert.Equal(t, filepath.Base(root)+"/ (9 files, 124 bytes)", all.String())
	one, err := all.File("2024/01/x.csv")
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(root, "2024", "01", "x.csv"), one.Path())
	_, err = all.File("2024/01")
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

func TestDirErrors(t *testing.T) {
	root := tree(t, "in/a.csv", "elsewhere/b.csv", "file")
	require.NoError(t, os.Symlink(filepath.Join(root, "elsewhere"), filepath.Join(root, "in", "folder")))
	require.NoError(t, os.Symlink("gone", filepath.Join(root, "in", "broken.txt")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(root, "in", "pipe.fifo"), 0o600))
	tests := []struct {
		name string
		open func() (dag.Dir, error)
		want string
	}{
		{"a folder that is not there", func() (dag.Dir, error) { return dag.OpenDir(filepath.Join(root, "none")) }, "none: no such file"},
		{"a file", func() (dag.Dir, error) { return dag.OpenDir(filepath.Join(root, "file")) }, "file: not a folder"},
		{"a link to a folder", func() (dag.Dir, error) { return dag.Glob(filepath.Join(root, "in/fo*")) }, "in/folder: a symbolic link to a folder, which is not followed"},
		{"a link to a folder on the way", func() (dag.Dir, error) { return dag.Glob(filepath.Join(root, "in/**/b.csv")) }, "in/folder: a symbolic link to a folder"},
		{"a broken link", func() (dag.Dir, error) { return dag.Glob(filepath.Join(root, "in/*.txt")) }, "broken.txt: no such file"},
		{"a pipe", func() (dag.Dir, error) { return dag.Glob(filepath.Join(root, "in/*.fifo")) }, "pipe.fifo: not a regular file"},
		{"nothing matches", func() (dag.Dir, error) { return dag.Glob(filepath.Join(root, "in/*.json")) }, "in/*.json: file does not exist"},
		{"no folder to look in", func() (dag.Dir, error) { return dag.Glob(filepath.Join(root, "none/*.json")) }, "no file matches"},
		{"a pattern that is none", func() (dag.Dir, error) { return dag.Glob(filepath.Join(root, "in") + "/[a") }, "syntax error in pattern"},
		{"a pattern that goes up", func() (dag.Dir, error) { return dag.Glob(root + "/*/../x") }, `".." cannot follow a wildcard`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.open()
			assert.ErrorContains(t, err, tt.want)
		})
	}
	d, err := dag.Glob(filepath.Join(root, "in/*.csv")) // what does not match is not looked at
	require.NoError(t, err)
	assert.Equal(t, []string{"a.csv"}, names(d))
	_, err = dag.Glob(filepath.Join(root, "none/*"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	if os.Geteuid() != 0 {
		require.NoError(t, os.Chmod(filepath.Join(root, "in", "a.csv"), 0))
		_, err = dag.Glob(filepath.Join(root, "in/*.csv"))
		assert.ErrorIs(t, err, fs.ErrPermission)
	}
}

// The version of a folder is that of its names and bytes, wherever it stands and however it was asked for.
func TestDirVersion(t *testing.T) {
	files := []string{"a", "b/c"}
	version := func(root string) string {
		d, err := dag.OpenDir(root)
		require.NoError(t, err)
		return d.Version().String()
	}
	first := version(tree(t, files...))
	edits := map[string]func(root string) error{
		"a file more":      func(root string) error { return os.WriteFile(filepath.Join(root, "d"), nil, 0o600) },
		"a file less":      func(root string) error { return os.Remove(filepath.Join(root, "a")) },
		"another name":     func(root string) error { return os.Rename(filepath.Join(root, "a"), filepath.Join(root, "z")) },
		"another folder":   func(root string) error { return os.Rename(filepath.Join(root, "b"), filepath.Join(root, "y")) },
		"other bytes":      func(root string) error { return os.WriteFile(filepath.Join(root, "a"), []byte("bytes of b"), 0o600) },
		"bytes that moved": func(root string) error { return os.Rename(filepath.Join(root, "a"), filepath.Join(root, "b", "c")) },
	}
	for name, edit := range edits {
		root := tree(t, files...)
		require.Equal(t, first, version(root))
		require.NoError(t, edit(root))
		assert.NotEqual(t, first, version(root), name)
	}
	linked := tree(t, "a")
	require.NoError(t, os.Mkdir(filepath.Join(linked, "b"), 0o755))
	require.NoError(t, os.Symlink(filepath.Join(tree(t, "c"), "c"), filepath.Join(linked, "b", "c")))
	assert.Equal(t, first, version(linked), "a link to a file is that file")
	globbed, err := dag.Glob(tree(t, files...) + "/**")
	require.NoError(t, err)
	assert.Equal(t, first, globbed.Version().String())
	empty := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(empty, "folder"), 0o755))
	assert.Equal(t, version(t.TempDir()), version(empty), "folders without files count for nothing")
}

func FuzzGlob(f *testing.F) {
	root := f.TempDir()
	for _, name := range []string{"a", "b.csv", "c/d", "c/e/f.csv"} {
		path := filepath.Join(root, name)
		require.NoError(f, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(f, os.WriteFile(path, nil, 0o600))
	}
	for _, p := range []string{"*", "**", "c/*", "**/*.csv", "[a-b]*", "c/**/f*", "\\", "[", "a//b", "**/**"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if strings.HasPrefix(pattern, "/") || strings.Contains(pattern, "..") || len(pattern) > 200 || strings.Count(pattern, "**") > 5 {
			return
		}
		d, err := dag.Glob(root + "/" + pattern)
		if err != nil {
			return
		}
		assert.NotEmpty(t, d.Entries)
		for _, file := range d.Files() {
			_, err := os.Stat(file.Path())
			assert.NoError(t, err)
		}
		// Without ** the standard library has an opinion.
		if !strings.Contains(pattern, "**") {
			want, err := filepath.Glob(root + "/" + pattern)
			require.NoError(t, err)
			files := 0
			for _, p := range want {
				if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
					files++
				}
			}
			assert.Len(t, d.Entries, files)
		}
	})
}
