package instance

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/mutant"
	"github.com/dagstergen/dagstergen/internal/oslock"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// ErrBusy is returned by [Instance.LockVersion] when somebody else computes the version and the caller does not want to wait.
var ErrBusy = errors.New("another process computes this")

// versions are the locks on what is being computed: one byte of one file for each version, at a position made of the version's bits.
// Such a lock belongs to the open file, so within the process a map tells its holders apart; both go by the position, so that two
// versions that fall on one position (which takes 2^31 versions at once to be likely) exclude each other and are never mixed up.
type versions struct {
	root *os.Root // nil for an instance in memory: only the map counts
	dir  string

	mu   sync.Mutex
	held map[int64]*heldVersion
	file *os.File
}

// A heldVersion is a position that somebody in this process has or is about to take from other processes.
type heldVersion struct {
	free chan struct{} // closed when it is given back
}

const versionsFile = "locks/versions"

// maxPause is how long another process's lock is left alone between two questions.
const maxPause = 5 * time.Millisecond

// position is where the lock of a version is. 62 bits keep it below the largest offset that a file may have.
func position(d canon.Digest) int64 { return int64(binary.BigEndian.Uint64(d[:8]) >> 2) }

func (v *versions) lock(ctx context.Context, d canon.Digest, wait bool) (unlock func(), waited bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	pos := position(d)
	for {
		v.mu.Lock()
		h, taken := v.held[pos]
		if !taken {
			break // with the mutex
		}
		free := h.free
		v.mu.Unlock()
		if !wait {
			return nil, false, ErrBusy
		}
		waited = true
		select {
		case <-free:
		case <-ctx.Done():
			return nil, true, ctx.Err()
		}
	}
	if v.held == nil {
		v.held = map[int64]*heldVersion{}
	}
	v.held[pos] = &heldVersion{free: make(chan struct{})}
	f, err := v.open()
	v.mu.Unlock()

	if err == nil && f != nil {
		var w bool
		w, err = v.lockOS(ctx, f, pos, wait)
		waited = waited || w
	}
	if err != nil {
		v.release(pos, nil)
		return nil, waited, err
	}
	var once sync.Once
	return func() { once.Do(func() { v.release(pos, f) }) }, waited, nil
}

// open returns the file of the locks; nil in memory. The mutex is held.
func (v *versions) open() (*os.File, error) {
	if v.file != nil || v.root == nil {
		return v.file, nil
	}
	f, err := v.root.OpenFile(versionsFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, storage.FileError("open", filepath.Join(v.dir, versionsFile), err)
	}
	v.file = f
	return f, nil
}

// lockOS takes the position from other processes. The kernel's own way of waiting could not be cancelled, so it asks again and again.
func (v *versions) lockOS(ctx context.Context, f *os.File, pos int64, wait bool) (waited bool, err error) {
	pause := 100 * time.Microsecond
	for {
		ok, err := oslock.Try(f, pos)
		if err != nil {
			return waited, storage.FileError("lock", filepath.Join(v.dir, versionsFile), err)
		}
		if ok {
			return waited, nil
		}
		if !wait {
			return false, ErrBusy
		}
		waited = true
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return true, ctx.Err()
		}
		pause = min(2*pause, maxPause)
	}
}

// release gives a position back: to other processes first, then to this one.
func (v *versions) release(pos int64, f *os.File) {
	if f != nil {
		_ = oslock.Release(f, pos) // fails for a closed file alone, and then nothing is held
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.held[pos].free)
	delete(v.held, pos)
}

func (v *versions) close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.file == nil {
		return nil
	}
	return v.file.Close()
}

// LockVersion takes the right to compute a version, among all processes of the instance. The holder looks again whether the version
// is stored by now, computes it if not, and calls unlock when that is durable. If somebody else has the right, LockVersion waits for it (waited
// is true then), or returns ErrBusy if wait is false. A holder that waits for a second version may deadlock with one that waits
// in the other order: take one at a time.
func (i *Instance) LockVersion(ctx context.Context, d canon.Digest, wait bool) (unlock func(), waited bool, err error) {
	if err := i.writable(); err != nil {
		return nil, false, err
	}
	if mutant.Is(mutant.NoLock) {
		return func() {}, false, nil
	}
	return i.versions.lock(ctx, d, wait)
}
