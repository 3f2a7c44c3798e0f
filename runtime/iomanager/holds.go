package iomanager

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/mutant"
	"github.com/dagstergen/dagstergen/internal/oslock"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// holds keep a clean-up away from what this process stores. An object is put in its place, or found there, before anything refers to it, so that a
// clean-up beside it would take it for garbage. Whoever stores an object therefore first takes a lock on its shard for sharing, and keeps it until
// his runs have ended; who removes objects of a shard has that lock alone. The kernel gives back what a dead process held.
//
// Locks are for shards, not for objects, because the kernel looks through all locks of a file for each one.
type holds struct {
	root *os.Root
	name string // of the lock file, below root

	mu   sync.Mutex
	file *os.File
	held [shards / 64]uint64
}

const (
	shardBits = 12
	shards    = 1 << shardBits
)

// shardOf is the shard of a digest: its first bits, so that objects in the order of their names are in the order of their shards.
func shardOf(d canon.Digest) int64 { return int64(binary.BigEndian.Uint16(d[:2]) >> (16 - shardBits)) }

// take holds the shard of a digest. A clean-up has it for moments only.
func (h *holds) take(ctx context.Context, d canon.Digest) error {
	if h == nil {
		return nil
	}
	shard := shardOf(d)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held[shard/64]&(1<<(shard%64)) != 0 {
		return nil
	}
	if h.file == nil {
		f, err := h.root.OpenFile(h.name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return storage.FileError("open", h.name, err)
		}
		h.file = f
	}
	for {
		ok, err := oslock.TryShare(h.file, shard)
		if err != nil {
			return storage.FileError("lock", h.name, err)
		}
		if ok {
			h.held[shard/64] |= 1 << (shard % 64)
			return nil
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// release gives all shards back.
func (h *holds) release() error {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil {
		return nil
	}
	err := h.file.Close()
	h.file = nil
	clear(h.held[:])
	return err
}

// GuardFrom makes f keep clean-ups away from what it stores, by locks on the file name below the instance's folder.
func (f *Files) GuardFrom(name string) { f.holds = &holds{root: f.root, name: name} }

// Release lets clean-ups have again what f has stored: everything that stays is recorded, and whoever used the rest is done.
func (f *Files) Release() error { return f.holds.release() }

// A Sweeper removes objects that nobody needs, one shard after the other. It is for one goroutine.
type Sweeper struct {
	files *Files
	file  *os.File
}

// Sweep returns a Sweeper for the files; the caller closes it.
func (f *Files) Sweep() (*Sweeper, error) {
	if f.holds == nil {
		return nil, errors.New("these files are not guarded, so that nobody can know what is in use")
	}
	// Opened for itself: locks belong to an open file, and this one must exclude the other one of this process too.
	file, err := f.root.OpenFile(f.holds.name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, storage.FileError("open", f.holds.name, err)
	}
	return &Sweeper{f, file}, nil
}

// Close gives everything back.
func (s *Sweeper) Close() error { return s.file.Close() }

// Alone calls do while nobody stores objects of the shard that o is in. ok is false, and do was not called, if somebody may.
func (s *Sweeper) Alone(o StoredObject, do func() error) (ok bool, err error) {
	shard := shardOf(o.Digest)
	if ok, err = oslock.Try(s.file, shard); err != nil || !ok && !mutant.Is(mutant.GreedyGC) {
		return false, storage.FileError("lock", s.files.holds.name, err)
	}
	return true, errors.Join(do(), oslock.Release(s.file, shard))
}

// Remove removes an object; the caller is alone with its shard. One that is gone already is no error.
func (s *Sweeper) Remove(o StoredObject) error {
	err := s.files.root.RemoveAll(o.Name) // what stands there may be a folder, where it is damaged
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	s.files.forget(o.Name)
	return storage.FileError("remove", s.files.abs(o.Name), err)
}

// SameShard reports whether one call of Alone serves both.
func SameShard(a, b StoredObject) bool { return shardOf(a.Digest) == shardOf(b.Digest) }
