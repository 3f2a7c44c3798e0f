// Package computelog keeps what steps print: their stdout and stderr.
//
// Stage: beside iomanager, below instance; it imports runtime/storage and internal/mask. The executor says what was printed by which step.
//
// Invariants: what is kept is what was printed, but for secrets, which are masked. A step that printed nothing has no file. Names of files are made of run ids
// and digests; a step's key is never a path.
package computelog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/google/uuid"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A Stream is one of the two that a process prints to.
type Stream string

// The streams.
const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// A Key says whose output something is.
type Key struct {
	RunID string // a UUID
	Step  string // key of the step; empty for all that the process of the run printed
}

// A Manager keeps what is printed (Dagster's ComputeLogManager). It is safe for concurrent use; one log has one writer at a time.
type Manager interface {
	// Append opens a log to be added to, and makes it where there is none. It is called when there is something to keep.
	Append(ctx context.Context, key Key, s Stream) (io.WriteCloser, error)
	// Open opens a log to be read; an error that wraps fs.ErrNotExist where nothing was printed. What is added meanwhile may be read too.
	Open(ctx context.Context, key Key, s Stream) (io.ReadCloser, error)
	// Delete removes the logs of a run; that there are none is no error.
	Delete(ctx context.Context, runID string) error
}

// Noop returns the manager that keeps nothing.
func Noop() Manager { return noop{} }

type noop struct{}

func (noop) Append(context.Context, Key, Stream) (io.WriteCloser, error) { return discard{}, nil }

func (noop) Open(_ context.Context, key Key, s Stream) (io.ReadCloser, error) {
	return nil, fmt.Errorf("%s of run %s: no compute logs are kept: %w", s, key.RunID, fs.ErrNotExist)
}

func (noop) Delete(context.Context, string) error { return nil }

// IsNoop reports whether a manager keeps nothing, so that nothing need be captured for it.
func IsNoop(m Manager) bool {
	_, ok := m.(noop)
	return ok || m == nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// Local returns the manager that keeps logs in files: RUN/DIGEST.out and RUN/DIGEST.err below a folder of root, which is made when it is needed. dir is
// the path of root, for messages.
func Local(root *os.Root, dir, folder string) Manager {
	return &local{root: root, dir: dir, folder: folder}
}

type local struct {
	root        *os.Root
	dir, folder string

	mu   sync.Mutex
	last string // the run whose folder was made last
}

// name is where a log stands, relative to root.
func (l *local) name(key Key, s Stream) (string, error) {
	if u, err := uuid.Parse(key.RunID); err != nil || u.String() != key.RunID {
		return "", fmt.Errorf("run id %q is no UUID", key.RunID)
	}
	base := "run"
	if key.Step != "" {
		base = canon.Sum([]byte(key.Step)).Hex()[:32]
	}
	switch s {
	case Stdout:
		base += ".out"
	case Stderr:
		base += ".err"
	default:
		return "", fmt.Errorf("there is no stream %q, only %s and %s", s, Stdout, Stderr)
	}
	return path.Join(l.folder, key.RunID, base), nil
}

func (l *local) fail(doing, name string, err error) error {
	return storage.FileError(doing, filepath.Join(l.dir, filepath.FromSlash(name)), err)
}

func (l *local) Append(_ context.Context, key Key, s Stream) (io.WriteCloser, error) {
	name, err := l.name(key, s)
	if err != nil {
		return nil, err
	}
	if err := l.mkdir(key.RunID); err != nil {
		return nil, l.fail("create", path.Dir(name), err)
	}
	f, err := l.root.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, l.fail("open", name, err)
	}
	return f, nil
}

func (l *local) mkdir(runID string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == runID {
		return nil
	}
	for _, dir := range []string{l.folder, path.Join(l.folder, runID)} {
		if err := l.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	l.last = runID
	return nil
}

func (l *local) Open(_ context.Context, key Key, s Stream) (io.ReadCloser, error) {
	name, err := l.name(key, s)
	if err != nil {
		return nil, err
	}
	f, err := l.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, l.fail("open", name, err)
	}
	return f, nil
}

func (l *local) Delete(_ context.Context, runID string) error {
	name, err := l.name(Key{RunID: runID}, Stdout)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = ""
	return l.fail("remove", path.Dir(name), l.root.RemoveAll(path.Dir(name)))
}
