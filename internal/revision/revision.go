// Package revision puts a revision of a git repository into a temporary folder in which its Go modules work as they do in place.
//
// Stage: the ground, for cmd/dagstergen. It runs git, reads and writes files, and imports no package of ours.
//
// Invariants: the work tree, the index and the refs stay as they are: git writes to a temporary index, and runs no hook. What the modules refer to outside of
// the repository (replace and use lines with relative paths) is found at the same relative place, as a link to the real one; nothing is written through
// such a link.
package revision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// ErrNoRepository says that a folder is in no git repository.
var ErrNoRepository = errors.New("not in a git repository")

// ErrNoRevision says that a name is no revision of the repository.
var ErrNoRevision = errors.New("no such revision")

// A Repository is the git repository that a folder lies in.
type Repository struct {
	Top string // the root of the work tree, absolute; spelt as the folder that was asked for
	dir string // that folder, absolute
	env []string
}

// Find returns the repository of dir, which is absolute; git runs with env. The error is ErrNoRepository where there is none, and an exec.Error where there is
// no git.
func Find(ctx context.Context, dir string, env []string) (*Repository, error) {
	r := &Repository{dir: dir, env: env}
	top, err := r.git(ctx, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		if said, ok := errors.AsType[*gitError](err); ok {
			if strings.Contains(said.stderr, "not a git repository") {
				return nil, fmt.Errorf("%s is %w", dir, ErrNoRepository)
			}
			return nil, fmt.Errorf("%w: %s", ErrNoRepository, said.line())
		}
		return nil, err
	}
	if top == "" {
		return nil, fmt.Errorf("%s has no work tree: %w", dir, ErrNoRepository)
	}
	r.Top = filepath.FromSlash(top)
	// The go command resolves ../lib from the spelling of the current folder, git from the folder that links lead to.
	if want, err := os.Stat(r.Top); err == nil {
		for at := dir; ; at = filepath.Dir(at) {
			if got, err := os.Stat(at); err == nil && os.SameFile(want, got) {
				r.Top = at
				break
			}
			if at == filepath.Dir(at) {
				break
			}
		}
	}
	return r, nil
}

// Resolve returns the id of the commit that rev names, whole and abbreviated. The error is ErrNoRevision where it names none.
func (r *Repository) Resolve(ctx context.Context, rev string) (commit, short string, err error) {
	commit, err = r.git(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if err != nil {
		if _, ok := errors.AsType[*gitError](err); ok {
			return "", "", ErrNoRevision
		}
		return "", "", err
	}
	short, err = r.git(ctx, nil, "rev-parse", "--short", commit)
	return commit, short, err
}

// A Tree is a revision on disk. Close removes it.
type Tree struct {
	Dir string   // stands for the folder that the repository was found from; it need not exist in the revision
	Env []string // the environment for programs that look at it

	root string // of the mirror: /a/b is root/a/b here
	top  string // the real root of the work tree
}

// Checkout writes the files of a commit into a new temporary folder, as a checkout would: with line ends and filters as the repository's
// attributes say.
func (r *Repository) Checkout(ctx context.Context, commit string) (t *Tree, err error) {
	temp, err := os.MkdirTemp("", "dagstergen-diff-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	if temp, err = filepath.EvalSymlinks(temp); err != nil {
		return nil, err
	}
	t = &Tree{root: filepath.Join(temp, "tree"), top: r.Top, Env: r.env}
	t.Dir = t.mirror(r.dir)
	top := t.mirror(r.Top)
	if err = os.MkdirAll(top, 0o755); err != nil {
		return nil, err
	}
	index := []string{"GIT_INDEX_FILE=" + filepath.Join(temp, "index")}
	if _, err = r.git(ctx, index, "read-tree", commit); err != nil {
		return nil, err
	}
	if _, err = r.gitIn(ctx, r.Top, index, "checkout-index", "--all", "--prefix="+top+string(filepath.Separator)); err != nil {
		return nil, err
	}
	work := r.getenv("GOWORK")
	if filepath.IsAbs(work) {
		t.Env = append(slices.Clip(t.Env), "GOWORK="+t.mirror(work))
	}
	if err = t.outside(work); err != nil {
		return nil, err
	}
	return t, nil
}

// Close removes the tree.
func (t *Tree) Close() error { return os.RemoveAll(filepath.Dir(t.root)) }

// Real returns the name that a file of the tree has in place.
func (t *Tree) Real(file string) string {
	if rest, ok := strings.CutPrefix(file, t.root+string(filepath.Separator)); ok {
		return string(filepath.Separator) + rest
	}
	return file
}

// Mirror returns where a real file or folder, given by its absolute name, is in the tree: itself where it lies outside of the repository.
func (t *Tree) Mirror(file string) string {
	if !within(t.top, file) {
		return file
	}
	return t.mirror(file)
}

// Text replaces the names of the tree's folders in a message by the real ones.
func (t *Tree) Text(message string) string { return strings.ReplaceAll(message, t.root, "") }

func (t *Tree) mirror(real string) string { return filepath.Join(t.root, real) }

func within(dir, file string) bool {
	return file == dir || strings.HasPrefix(file, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}

// A gitError is what git says when it fails.
type gitError struct{ command, stderr string }

func (e *gitError) Error() string { return "git " + e.command + ": " + e.line() }

func (e *gitError) line() string {
	line, _, _ := strings.Cut(strings.TrimSpace(e.stderr), "\n")
	return strings.TrimPrefix(line, "fatal: ")
}

func (r *Repository) git(ctx context.Context, env []string, args ...string) (string, error) {
	return r.gitIn(ctx, r.dir, env, args...)
}

func (r *Repository) gitIn(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	program, err := exec.LookPath("git")
	if err != nil {
		return "", err
	}
	// A new index must not wake hooks or daemons, lie partly in .git, or leave out what the work tree leaves out.
	settings := []string{"-c", "core.hooksPath=" + os.DevNull, "-c", "core.fsmonitor=false", "-c", "core.splitIndex=false", "-c", "core.sparseCheckout=false"}
	cmd := exec.CommandContext(ctx, program, append(settings, args...)...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(r.env, []string{"LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "PWD=" + dir}, env)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", &gitError{args[0], stderr.String()}
	}
	return strings.TrimSuffix(stdout.String(), "\n"), err
}

func (r *Repository) getenv(name string) string {
	value := ""
	for _, kv := range r.env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			value = v
		}
	}
	return value
}
