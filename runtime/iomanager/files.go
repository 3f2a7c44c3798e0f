package iomanager

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/failpoint"
	"github.com/dagstergen/dagstergen/internal/mutant"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A Files keeps files by the digest of their contents: objects/aa/<digest>[.ext] below the folder of an instance.
// It is safe for concurrent use, also by other processes.
type Files struct {
	root  *os.Root
	dir   string                 // absolute path of root, for people and for dag.File
	temp  func() (string, error) // a folder below root, relative, that is removed when this process is gone
	store storage.Store
	boot  string
	holds *holds       // nil where nobody cleans up
	trace func(fileOp) // told of each change; nil outside of tests

	clone func(w, r *os.File) error // makes w share the blocks of r; another one in tests
	apart atomic.Bool               // the file system shares no blocks

	mu     sync.Mutex
	states map[string]storage.FileState // by path below root: found to have their digest by this process
	fresh  map[string]bool              // of states: not in the store yet
}

const objects = "objects"

// NewFiles returns the files of the instance in root, which is the folder dir. temp returns a folder below root for files that are
// being written. States of files are read from store.
func NewFiles(root *os.Root, dir string, store storage.Store, temp func() (string, error)) *Files {
	return &Files{
		root: root, dir: dir, store: store, temp: temp, boot: bootID(),
		states: map[string]storage.FileState{}, fresh: map[string]bool{}, clone: clone,
	}
}

// object is where the file with a digest and an extension stands, relative to root.
func object(d canon.Digest, ext string) string {
	h := d.Hex()
	return path.Join(objects, h[:2], h+ext)
}

// abs is the path of a file below root, for people.
func (f *Files) abs(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// put makes name a file with these bytes, whose digest is d when stored is what they are stored as. It returns the state of the file.
func (f *Files) put(ctx context.Context, name string, d canon.Digest, stored []byte) (storage.FileState, error) {
	if err := f.holds.take(ctx, d); err != nil {
		return storage.FileState{}, err
	}
	if mutant.Is(mutant.RecordFirst) {
		time.AfterFunc(10*time.Millisecond, func() { _, _ = f.write(context.Background(), name, d, stored) })
		return storage.FileState{Path: name, Digest: d}, nil
	}
	return f.write(ctx, name, d, stored)
}

func (f *Files) write(ctx context.Context, name string, d canon.Digest, stored []byte) (storage.FileState, error) {
	if s, ok := f.present(ctx, name, d, func(r io.Reader) (canon.Digest, error) {
		there, err := io.ReadAll(io.LimitReader(r, int64(len(stored))+1))
		if err == nil && string(there) != string(stored) {
			err = errors.New("other bytes")
		}
		return d, err
	}, int64(len(stored))); ok {
		return s, nil
	}
	temp, w, err := f.create(path.Ext(name))
	if mutant.Is(mutant.InPlace) {
		temp, w, err = name, nil, f.mkdir(path.Dir(name))
		if err == nil {
			w, err = f.root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
		}
		if err == nil { // a kill between two parts of a write is rare: here it is not
			_, _ = w.WriteAt(stored[:len(stored)/2], 0)
			time.Sleep(2 * time.Millisecond)
		}
	}
	if err != nil {
		return storage.FileState{}, err
	}
	err = failpoint.Hit(failpoint.ObjectCreated)
	if err == nil {
		var n int
		if n, err = w.Write(stored); err == nil && n != len(stored) {
			err = io.ErrShortWrite
		}
		f.did(fileOp{kind: opWrite, name: temp, data: stored})
	}
	return f.publish(ctx, temp, w, name, d, err, nil)
}

// tempName returns a name below the temporary folder that nobody has.
func (f *Files) tempName(ext string) (string, error) {
	dir, err := f.temp()
	if err != nil {
		return "", err
	}
	var id [12]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", err
	}
	return path.Join(dir, hex.EncodeToString(id[:])+ext), nil
}

// create opens a new file below the temporary folder.
func (f *Files) create(ext string) (name string, w *os.File, err error) {
	name, err = f.tempName(ext)
	if err != nil {
		return "", nil, err
	}
	w, err = f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	f.did(fileOp{kind: opCreate, name: name})
	return name, w, f.writeError(name, err)
}

// publish makes the temporary file temp, open as w, durable under its final name. It closes w, and on an error (its own, or the
// one it is given) removes temp. What check says of the bytes is asked while the disk works, and before the file has its name; nil for bytes that are known.
func (f *Files) publish(ctx context.Context, temp string, w *os.File, name string, d canon.Digest, err error, check func() error) (storage.FileState, error) {
	var wrong error
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = w.Chmod(0o400)
	}
	if err == nil {
		err = failpoint.Hit(failpoint.ObjectWritten)
	}
	if err == nil {
		err = alongside(check != nil, func() error { return f.sync(temp, w) }, func() {
			if check != nil {
				wrong = check()
			}
		})
	}
	if err == nil && wrong != nil {
		return storage.FileState{}, errors.Join(wrong, w.Close(), f.root.Remove(temp))
	}
	if err = errors.Join(err, w.Close()); err == nil {
		err = failpoint.Hit(failpoint.ObjectSynced)
	}
	if err == nil {
		err = f.rename(temp, name)
	}
	if err == nil {
		err = failpoint.Hit(failpoint.ObjectDurable)
	}
	if err != nil {
		if rerr := f.root.Remove(temp); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
		return storage.FileState{}, f.writeError(name, err)
	}
	info, err := f.root.Lstat(name)
	if err != nil {
		return storage.FileState{}, f.writeError(name, err)
	}
	s := stateOf(name, info, d, f.boot)
	f.remember(s, true)
	return s, nil
}

// sync makes the bytes of a temporary file durable.
func (f *Files) sync(temp string, w *os.File) error {
	if mutant.Is(mutant.NoSync) {
		return nil
	}
	err := w.Sync()
	f.did(fileOp{kind: opSync, name: temp})
	return err
}

// sideFrom is the size in bytes from which it pays to hash a value in a goroutine of its own while something else is done with it.
const sideFrom = 256 << 10

// alongside returns what first gives, and calls second at the same time where both is true, otherwise after it.
func alongside[T any](both bool, first func() T, second func()) T {
	if !both {
		v := first()
		second()
		return v
	}
	done := make(chan T, 1)
	go func() { done <- first() }()
	second()
	return <-done
}

// rename moves temp to name, making its folder where needed, and syncs the folders that changed.
func (f *Files) rename(temp, name string) error {
	dir := path.Dir(name)
	if err := f.mkdir(dir); err != nil {
		return err
	}
	err := f.root.Rename(temp, name)
	if err != nil {
		// Something that is no file is in the way, such as a folder: put it aside, it goes with the temporary files.
		if info, serr := f.root.Lstat(name); serr != nil || info.Mode().IsRegular() {
			return err
		}
		if aerr := f.root.Rename(name, temp+".damaged"); aerr != nil {
			return errors.Join(err, aerr)
		}
		if err := f.root.Rename(temp, name); err != nil {
			return err
		}
	}
	f.did(fileOp{kind: opRename, name: temp, to: name})
	if err := failpoint.Hit(failpoint.ObjectRenamed); err != nil {
		return err
	}
	return f.syncDir(dir)
}

// mkdir makes a folder below root and those above it, durably.
func (f *Files) mkdir(dir string) error {
	info, err := f.root.Lstat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &fs.PathError{Op: "mkdir", Path: dir, Err: errors.New("something that is no folder has this name")}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	above := path.Dir(dir)
	if above != "." {
		if err := f.mkdir(above); err != nil {
			return err
		}
	}
	for _, dir := range f.missing(dir) {
		if err := f.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		f.did(fileOp{kind: opMkdir, name: dir})
	}
	return f.syncDir(above) // also if another process made it: it may not have come to this yet
}

// missing returns the folders to make when one is needed. Where many files are stored all shards are: each alone would cost a sync.
func (f *Files) missing(dir string) []string {
	if path.Dir(dir) != objects {
		return []string{dir}
	}
	if there, err := fs.ReadDir(f.root.FS(), objects); err != nil || len(there) < 8 {
		return []string{dir}
	}
	all := make([]string, 256)
	for i := range all {
		all[i] = path.Join(objects, hex.EncodeToString([]byte{byte(i)}))
	}
	return all
}

func (f *Files) syncDir(dir string) error {
	if mutant.Is(mutant.NoDirSync) {
		return nil
	}
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	err = errors.Join(d.Sync(), d.Close())
	f.did(fileOp{kind: opSyncDir, name: dir})
	return err
}

// present reports whether name is there already with the right contents, and then makes sure that it is durable: the process that
// wrote it may have died before it had synced it.
func (f *Files) present(ctx context.Context, name string, d canon.Digest, digest func(io.Reader) (canon.Digest, error), size int64) (storage.FileState, bool) {
	info, err := f.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() != size || ctx.Err() != nil {
		return storage.FileState{}, false
	}
	now := stateOf(name, info, d, f.boot)
	f.mu.Lock()
	known, ok := f.states[name]
	f.mu.Unlock()
	if ok && known == now {
		return now, true
	}
	r, err := f.root.Open(name)
	if err != nil {
		return storage.FileState{}, false
	}
	got, err := digest(r)
	if err == nil {
		err = r.Sync()
	}
	if err = errors.Join(err, r.Close()); err != nil || got != d {
		return storage.FileState{}, false
	}
	if err := errors.Join(f.syncDir(path.Dir(name)), f.syncDir(path.Dir(path.Dir(name)))); err != nil {
		return storage.FileState{}, false
	}
	f.remember(now, true)
	return now, true
}

// hashFile is the digest of what is read.
func hashFile(r io.Reader) (canon.Digest, error) {
	h := sha256.New()
	_, err := io.Copy(h, r)
	return canon.Digest(h.Sum(nil)), err
}

// writeError says which file could not be written, as an error of the store.
func (f *Files) writeError(name string, err error) error {
	return storage.FileError("write", f.abs(name), err)
}

// damaged says that an output is not as it should be. What fails for want of descriptors or memory says nothing about it.
func damaged(where string, err error) error {
	if errors.Is(err, ErrDamaged) {
		return err
	}
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return fmt.Errorf("%s: %w", where, err)
		}
	}
	return fmt.Errorf("%s: %w: %w", where, ErrDamaged, err)
}
