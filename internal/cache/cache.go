// Package cache keeps what earlier runs of the tool found out, in a folder of the user's, by what it was found out from.
//
// Stage: beside all stages of the generator that are handed a [Store]; it knows files and digests, and no Go. It imports internal/canon.
//
// Invariants: it is only ever a cache. Nothing in it is needed, any part of it may be lost or damaged at any time, and no call fails: what cannot be
// read is a miss, what cannot be written is not kept. An entry is found by its kind, its key and the very program that wrote it, and says so itself; one
// that is cut short, altered, moved or of another program is a miss, and is removed. A nil *Store is a cache that is off.
package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// format is the folder below the cache's own in which entries of this shape lie. Other shapes have other folders, so that tools of
// different times share a cache without seeing each other's entries.
const format = "v1"

// Env is the variable that names the folder of the cache; its value [Off] means none.
const Env = "DAGSTERGEN_CACHE"

// Off is the name of a folder that stands for no cache.
const Off = "off"

// A Kind says what an entry is. It is the name of a folder: lower-case letters and digits.
type Kind string

// A Store is a folder of entries. All methods may be called at the same time, by any number of processes on one folder, and on a nil *Store.
type Store struct {
	dir    string // with format
	tool   canon.Digest
	verify bool

	mu         sync.Mutex
	mismatches []string
}

// Dir returns the folder that a setting names: the setting itself, made absolute; for "" the one in the user's cache directory; "" for [Off] and
// where there is no such directory.
func Dir(setting string) string {
	if setting == Off {
		return ""
	}
	if setting == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		setting = filepath.Join(base, "dagstergen")
	}
	abs, err := filepath.Abs(setting)
	if err != nil {
		return ""
	}
	return abs
}

// Open returns the store in dir, which is made where it is missing; "" is none. The store is nil, a cache that is off, for a folder that is not the user's alone to write to, for a
// symbolic link or a file, and where the folder cannot be made: what lies in a cache is believed, so nobody else may put it there.
func Open(dir string) *Store {
	if dir == "" {
		return nil
	}
	tool, ok := toolIdentity()
	if !ok {
		return nil
	}
	return open(dir, tool)
}

func open(dir string, tool canon.Digest) *Store {
	s := &Store{dir: filepath.Join(dir, format), tool: tool}
	if os.MkdirAll(filepath.Dir(dir), 0o755) != nil || !private(dir) || !private(s.dir) {
		return nil
	}
	return s
}

// private makes a folder where there is none, and reports whether the one that is there is the user's own.
func private(dir string) bool {
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return false
	}
	var s unix.Stat_t
	return unix.Lstat(dir, &s) == nil && s.Mode&unix.S_IFMT == unix.S_IFDIR && int(s.Uid) == os.Geteuid() && s.Mode&0o022 == 0
}

// Verifying returns s in the mode in which nothing that it holds is believed: [Store.Get] finds nothing, so that all is found out again, and [Store.Put] compares
// with what is there. [Store.Mismatches] has what differs.
func (s *Store) Verifying() *Store {
	if s == nil {
		return nil
	}
	return &Store{dir: s.dir, tool: s.tool, verify: true}
}

// IsVerifying reports whether s is in that mode.
func (s *Store) IsVerifying() bool { return s != nil && s.verify }

// Mismatches returns the entries that were not what was put again in the mode of [Store.Verifying], in order. Each is a bug, or damage that
// a checksum does not show.
func (s *Store) Mismatches() []string {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.mismatches))
}

// Report adds a mismatch that a caller found, for entries that [Store.Put] cannot compare.
func (s *Store) Report(mismatch string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mismatches = append(s.mismatches, mismatch)
}

// Get returns the data that was put under kind and key by the same program; false where there is none. The data is the caller's.
func (s *Store) Get(kind Kind, key canon.Digest) ([]byte, bool) {
	if s == nil || s.verify {
		return nil, false
	}
	return s.read(kind, key)
}

// Put keeps data, which must be a function of kind and key alone: the same in every process, for ever. Whether it was kept cannot be known.
func (s *Store) Put(kind Kind, key canon.Digest, data []byte) {
	if s == nil {
		return
	}
	if s.verify {
		if old, ok := s.read(kind, key); ok && !bytes.Equal(old, data) {
			s.Report(fmt.Sprintf("%s %s", kind, key.Short()))
		}
	}
	s.write(kind, key, data)
}

// Latest returns what [Store.Replace] kept last under kind and key, also in the mode of [Store.Verifying]: the caller says then what is wrong with it.
func (s *Store) Latest(kind Kind, key canon.Digest) ([]byte, bool) {
	if s == nil {
		return nil, false
	}
	return s.read(kind, key)
}

// Replace keeps data that is not a function of its key, such as what was seen last in a folder, in place of what was kept before.
func (s *Store) Replace(kind Kind, key canon.Digest, data []byte) {
	if s != nil {
		s.write(kind, key, data)
	}
}

// name is the digest that an entry is found by, and that its first bytes hold. The tool is in it: two versions of it never share an entry.
func (s *Store) name(kind Kind, key canon.Digest) canon.Digest {
	e := canon.New("dagstergen/cache/entry/v1")
	e.Digest("tool", s.tool)
	e.String("kind", string(kind))
	e.Digest("key", key)
	return e.Sum()
}

func (s *Store) path(kind Kind, name canon.Digest) string {
	hex := name.Hex()
	return filepath.Join(s.dir, string(kind), hex[:2], hex)
}

// The head of an entry: magic, the name, the length of the data, the SHA-256 of all that and the data. A checksum is enough against accidents; against people there is
// the permission of the folder.
const (
	magic    = "dagcach1"
	headSize = len(magic) + sha256.Size + 8 + sha256.Size
)

func seal(name canon.Digest, data []byte) []byte {
	b := make([]byte, 0, headSize+len(data))
	b = append(b, magic...)
	b = append(b, name[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(data)))
	sum := checksum(b, data)
	b = append(b, sum[:]...)
	return append(b, data...)
}

func checksum(head, data []byte) (sum canon.Digest) {
	h := sha256.New()
	h.Write(head)
	h.Write(data)
	h.Sum(sum[:0])
	return sum
}

// unseal returns the data of an entry, and whether it is whole and the one that was asked for.
func unseal(name canon.Digest, b []byte) ([]byte, bool) {
	if len(b) < headSize {
		return nil, false
	}
	head, data := b[:headSize-sha256.Size], b[headSize:]
	rest := head[len(magic):]
	sum := checksum(head, data)
	ok := string(head[:len(magic)]) == magic && bytes.Equal(rest[:sha256.Size], name[:]) &&
		binary.BigEndian.Uint64(rest[sha256.Size:]) == uint64(len(data)) && bytes.Equal(sum[:], b[len(head):headSize])
	return data, ok
}

// touchAfter is how old the time of an entry must be for a use to renew it: entries go by it, and a write for each read would be a waste.
const touchAfter = time.Hour

func (s *Store) read(kind Kind, key canon.Digest) ([]byte, bool) {
	name := s.name(kind, key)
	path := s.path(kind, name)
	// A link is not followed, and a pipe is not waited for: neither was put there by us.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		if errors.Is(err, unix.ELOOP) {
			_ = os.Remove(path)
		}
		return nil, false
	}
	defer f.Close() //nolint:errcheck // it was read
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = os.Remove(path)
		return nil, false
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		_ = os.Remove(path)
		return nil, false
	}
	data, ok := unseal(name, b)
	if !ok {
		_ = os.Remove(path)
		return nil, false
	}
	if now := time.Now(); now.Sub(info.ModTime()) > touchAfter {
		_ = os.Chtimes(path, now, now)
	}
	return data, true
}

// temporary is what the names of entries in the making begin with.
const temporary = "tmp-"

// write puts an entry in place at once: written aside and renamed, so that no other process sees half of it. Nothing is synced, because a power cut may take what is in a
// cache; where it leaves a name without the data, the checksum says so.
func (s *Store) write(kind Kind, key canon.Digest, data []byte) {
	name := s.name(kind, key)
	path := s.path(kind, name)
	if os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(path), temporary)
	if err != nil {
		return
	}
	_, err = f.Write(seal(name, data))
	if f.Close() != nil || err != nil || os.Rename(f.Name(), path) != nil {
		_ = os.Remove(f.Name())
	}
}

// isEntry reports whether a file name is one that we give.
func isEntry(name string) bool {
	_, err := canon.ParseDigest(name)
	return err == nil || strings.HasPrefix(name, temporary)
}
