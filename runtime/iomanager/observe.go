package iomanager

import (
	"context"
	"io/fs"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// An observer remembers the digests of files outside of the instance, for dag.OpenFile. What is learnt is stored with a run.
//
// A wrong digest would be a stale hit, so it trusts only what cannot be wrong on a sane system: the file is large enough to
// matter, it stands on a local file system, everything that the system says of it is as it was, the system was not restarted, and its
// last change is long ago. (Shortly after a change, another one may leave no trace: within a tick of the clock, or through
// memory that a program has mapped, for which the time of change is set only when a page becomes dirty.)
type observer struct {
	files *Files
	now   func() time.Time
	local func(path string) bool
}

const (
	observedSize = 1 << 20         // bytes; smaller files are read in no time
	settled      = 5 * time.Minute // ten times as long as a dirty page may wait to be written
)

var _ dag.DigestMemory = (*observer)(nil)

// Observe makes dag.OpenFile remember the digests of large files with this manager until forget is called.
func (m *Default) Observe() (forget func()) {
	f := m.opened.Load()
	if f == nil {
		return func() {}
	}
	return dag.UseDigests(&observer{files: f, now: time.Now, local: isLocal})
}

// Digest implements dag.DigestMemory.
func (o *observer) Digest(path string, info fs.FileInfo) (canon.Digest, bool) {
	f := o.files
	if info.Size() < observedSize || f.boot == "" || !o.local(path) {
		return canon.Digest{}, false
	}
	f.mu.Lock()
	known, ok := f.states[path]
	f.mu.Unlock()
	if !ok {
		stored, err := f.store.FileStates(context.Background(), []string{path})
		if err != nil {
			return canon.Digest{}, false
		}
		if known, ok = stored[path]; !ok {
			return canon.Digest{}, false
		}
	}
	return known.Digest, known == stateOf(path, info, known.Digest, f.boot)
}

// Learn implements dag.DigestMemory.
func (o *observer) Learn(path string, before, after fs.FileInfo, d canon.Digest) {
	f := o.files
	s := stateOf(path, after, d, f.boot)
	if after.Size() < observedSize || f.boot == "" || s != stateOf(path, before, d, f.boot) || !o.local(path) {
		return
	}
	if changed := time.Unix(0, max(s.Modified, s.Changed)); s.Changed == 0 || o.now().Sub(changed) < settled {
		return
	}
	f.remember(s, true)
}
