package revision

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// project makes a folder with a repository at repo and, beside it, what its modules refer to; all is committed. It returns the folder and the
// environment for git.
func project(t *testing.T, files map[string]string) (string, []string) {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o644))
	}
	env := append(os.Environ(), "HOME="+root, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b",
		"GOWORK=", "GIT_CEILING_DIRECTORIES="+filepath.Dir(root))
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-q", "-m", "one"}} {
		run(t, filepath.Join(root, "repo"), env, args...)
	}
	return root, env
}

func run(t *testing.T, dir string, env []string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func checkout(t *testing.T, dir string, env []string) *Tree {
	t.Helper()
	r, err := Find(t.Context(), dir, env)
	require.NoError(t, err)
	commit, short, err := r.Resolve(t.Context(), "HEAD")
	require.NoError(t, err)
	assert.Regexp(t, "^"+short, commit)
	tree, err := r.Checkout(t.Context(), commit)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, tree.Close())
		assert.NoDirExists(t, tree.Dir)
	})
	return tree
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(data)
}

func TestCheckout(t *testing.T) {
	root, env := project(t, map[string]string{
		"repo/go.mod":         "module example.com/m\n\nreplace example.com/lib => ../libs/lib\n\nreplace example.com/gone => ../gone\n\nreplace example.com/in => ./in\n",
		"repo/a.go":           "package m // old\n",
		"repo/sub/b.go":       "package sub\n",
		"repo/crlf.txt":       "x\n",
		"repo/.gitattributes": "crlf.txt text eol=crlf\nsub/** export-ignore\n",
		"libs/lib/lib.go":     "package lib\n",
	})
	hook := filepath.Join(root, "repo", ".git", "hooks", "post-index-change")
	require.NoError(t, os.MkdirAll(filepath.Dir(hook), 0o755))
	require.NoError(t, os.WriteFile(hook, []byte("#!/bin/sh\ntouch "+filepath.Join(root, "hooked")+"\n"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "repo/a.go"), []byte("package m // new\n"), 0o644))
	before := read(t, filepath.Join(root, "repo/.git/index"))

	tree := checkout(t, filepath.Join(root, "repo", "sub"), env)
	assert.Equal(t, "package m // old\n", read(t, filepath.Join(tree.Dir, "..", "a.go")))
	assert.Equal(t, "package sub\n", read(t, filepath.Join(tree.Dir, "b.go")), "what an archive leaves out is there")
	assert.Equal(t, "x\r\n", read(t, filepath.Join(tree.Dir, "..", "crlf.txt")), "line ends are those of a work tree")
	lib := filepath.Join(tree.Dir, "..", "..", "libs", "lib", "lib.go")
	assert.Equal(t, "package lib\n", read(t, lib), "the same relative path leads out of the repository")
	assert.Equal(t, filepath.Join(root, "libs/lib/lib.go"), tree.Real(lib))
	assert.Equal(t, filepath.Join(root, "repo/a.go"), tree.Real(tree.Mirror(filepath.Join(root, "repo/a.go"))))
	assert.Equal(t, root, tree.Mirror(root))
	assert.Equal(t, "in "+root+"/repo: bad", tree.Text("in "+filepath.Dir(tree.Dir)+": bad"))

	assert.Equal(t, before, read(t, filepath.Join(root, "repo/.git/index")))
	assert.Equal(t, "package m // new\n", read(t, filepath.Join(root, "repo/a.go")))
	assert.NoFileExists(t, filepath.Join(root, "hooked"))
}

func TestWorkspace(t *testing.T) {
	root, env := project(t, map[string]string{
		"go.work":         "go 1.26.0\n\nuse ./repo\n\nuse ./other\n",
		"go.work.sum":     "sum\n",
		"repo/go.mod":     "module example.com/m\n",
		"other/go.mod":    "module example.com/other\n\nreplace example.com/far => ../far/away\n",
		"far/away/far.go": "package far\n",
	})
	tree := checkout(t, filepath.Join(root, "repo"), env)
	above := filepath.Dir(tree.Dir)
	assert.Equal(t, "module example.com/other\n\nreplace example.com/far => ../far/away\n", read(t, filepath.Join(above, "other/go.mod")))
	assert.Equal(t, "package far\n", read(t, filepath.Join(above, "far/away/far.go")))
	for _, name := range []string{"go.work", "go.work.sum"} {
		info, err := os.Lstat(filepath.Join(above, name))
		require.NoError(t, err)
		assert.True(t, info.Mode().IsRegular(), "%s is a copy, because the go command may write to it", name)
	}

	// One that the environment names counts instead.
	named := filepath.Join(root, "named.work")
	require.NoError(t, os.WriteFile(named, []byte("go 1.26.0\n\nuse ./repo\n"), 0o644))
	tree = checkout(t, filepath.Join(root, "repo"), append(env, "GOWORK="+named))
	assert.Equal(t, "GOWORK="+filepath.Join(filepath.Dir(tree.Dir), "named.work"), tree.Env[len(tree.Env)-1])
	assert.FileExists(t, filepath.Join(filepath.Dir(tree.Dir), "named.work"))
	assert.NoDirExists(t, filepath.Join(filepath.Dir(tree.Dir), "other"))
}

// A module above the repository holds the repository itself: what else is in it appears beside the revision.
func TestModuleAbove(t *testing.T) {
	root, env := project(t, map[string]string{
		"above.go":     "package above\n",
		"more/more.go": "package more\n",
		"repo/go.mod":  "module example.com/m\n\nreplace example.com/above => ../\n\nreplace example.com/more => ../more\n",
		"repo/a.go":    "package m\n",
	})
	require.NoError(t, os.Remove(filepath.Join(root, "repo/a.go")))
	tree := checkout(t, filepath.Join(root, "repo"), env)
	above := filepath.Dir(tree.Dir)
	assert.Equal(t, "package above\n", read(t, filepath.Join(above, "above.go")))
	assert.Equal(t, "package more\n", read(t, filepath.Join(above, "more/more.go")))
	assert.FileExists(t, filepath.Join(tree.Dir, "a.go"))
	assert.NoFileExists(t, filepath.Join(root, "repo/a.go"))
}

func TestErrors(t *testing.T) {
	root, env := project(t, map[string]string{"repo/go.mod": "module example.com/m\n"})
	_, err := Find(t.Context(), root, env)
	require.ErrorIs(t, err, ErrNoRepository)
	assert.Equal(t, root+" is not in a git repository", err.Error())
	r, err := Find(t.Context(), filepath.Join(root, "repo"), env)
	require.NoError(t, err)
	for _, rev := range []string{"nowhere", "--help", "", "HEAD:go.mod"} {
		_, _, err = r.Resolve(t.Context(), rev)
		assert.ErrorIs(t, err, ErrNoRevision, rev)
	}
	require.NoError(t, os.Symlink(filepath.Join(root, "repo"), filepath.Join(root, "link")))
	r, err = Find(t.Context(), filepath.Join(root, "link"), env)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(root, "link"), r.Top, "spelt as the folder that was asked for")
}
