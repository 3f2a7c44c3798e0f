package facts

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// An Observation is a fact as it is now, with what else was seen on the way.
type Observation struct {
	Fact
	Names   []string  // of Names, All and Tree: what is in the folder, by its path below it; sorted
	Changed time.Time // when what was looked at changed last, as the file system says; zero for what is not there
}

// Absent reports whether there was nothing where a file was looked for.
func (o Observation) Absent() bool { return o.Sum == sumOf(nil, absent) }

// Look looks at everything that l is about, several at a time, and returns what it saw in that order. What l says of it spares work where it is still so, and
// has no other effect; it may be missing.
func Look(l []Fact) []Observation {
	out := make([]Observation, len(l))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(l)) {
		wg.Go(func() {
			var w worker
			for {
				i := int(next.Add(1)) - 1
				if i >= len(l) {
					return
				}
				out[i] = w.look(l[i])
			}
		})
	}
	wg.Wait()
	return out
}

// A worker looks at one thing after the other.
type worker struct {
	buf []byte // what was read last; reused
}

func (w *worker) look(before Fact) Observation {
	id := before.ID
	o := Observation{Fact: Fact{ID: id}}
	switch id.Kind {
	case File:
		o.Sum = w.digest(id.Path, &o.Changed)
	case Source:
		content, state := w.read(id.Path, &o.Changed)
		o.Sum = sumOf(content, state)
		switch {
		case o.Sum == before.Sum:
			o.Head = before.Head
		case state == readable:
			o.Head = head(content)
		default:
			o.Head = o.Sum
		}
	case Names, All:
		w.folder(&o, id.Path, "", id.Kind)
		o.Sum = sumOfNames(o.Names)
	case Tree:
		w.tree(&o, id.Path, "")
		slices.Sort(o.Names)
		o.Sum = sumOfNames(o.Names)
	case Exists:
		var st unix.Stat_t
		state := stateOf(unix.Lstat(id.Path, &st))
		if state == readable {
			o.Changed = later(o.Changed, &st)
			state += " " + typeName(uint32(st.Mode))
		}
		if st.Mode&unix.S_IFMT == unix.S_IFLNK { // what may stand for a file or a folder, and may not be embedded
			if state += " to " + stateOf(unix.Stat(id.Path, &st)); strings.HasSuffix(state, readable) {
				state += " " + typeName(uint32(st.Mode))
			}
		}
		o.Sum = sumOf(nil, state)
	case Stats:
		o.Sum = w.stats(&o, id.Path)
	}
	return o
}

// States of what was looked at. Only a readable thing has content.
const (
	readable   = "readable"
	absent     = "absent"
	unreadable = "unreadable"
	noFile     = "no file"
)

func stateOf(err error) string {
	switch err { //nolint:errorlint // of a system call itself
	case nil:
		return readable
	case unix.ENOENT, unix.ENOTDIR:
		return absent
	}
	return unreadable + ": " + err.Error()
}

func sumOf(content []byte, state string) canon.Digest {
	if state == readable {
		return canon.Sum(content)
	}
	e := canon.New("dagstergen/facts/state/v1")
	e.String("state", state)
	return e.Sum()
}

func sumOfNames(names []string) canon.Digest {
	e := canon.New("dagstergen/facts/names/v1")
	e.List("names", len(names))
	for _, n := range names {
		e.String("", n)
	}
	return e.Sum()
}

// digest is the sum of a regular file, which may be larger than memory, or of what stands there instead.
func (w *worker) digest(path string, changed *time.Time) canon.Digest {
	h := sha256.New()
	state := w.chunks(path, changed, func(chunk []byte, _ int64) []byte {
		h.Write(chunk)
		return chunk[:0]
	})
	if state != readable {
		return sumOf(nil, state)
	}
	var sum canon.Digest
	h.Sum(sum[:0])
	return sum
}

// read returns what is in a regular file; it is valid until the next call.
func (w *worker) read(path string, changed *time.Time) ([]byte, string) {
	state := w.chunks(path, changed, func(all []byte, size int64) []byte {
		if need := int(size) + 1; cap(all) < need { // one more shows the end without another call
			return append(make([]byte, 0, need+need/4), all...)
		}
		return slices.Grow(all, 1)
	})
	return w.buf, state
}

// chunks reads a regular file into w.buf. Each time something was read, and once before, more says where to go on: at the end of the slice that it returns. System calls are made without
// the os package in between: there are thousands of files, and a file in its sense costs as much again as opening and reading it.
func (w *worker) chunks(path string, changed *time.Time, more func(read []byte, size int64) []byte) string {
	fd, err := open(path)
	if err != nil {
		return stateOf(err)
	}
	defer unix.Close(fd) //nolint:errcheck // it was read
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return stateOf(err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return noFile
	}
	*changed = later(*changed, &st)
	if w.buf == nil {
		w.buf = make([]byte, 0, 64<<10)
	}
	w.buf = w.buf[:0]
	for {
		w.buf = more(w.buf, st.Size)
		n, err := unix.Read(fd, w.buf[len(w.buf):cap(w.buf)])
		switch {
		case err == unix.EINTR: //nolint:errorlint // of a system call itself
		case err != nil:
			return stateOf(err)
		case n == 0:
			return readable
		default:
			w.buf = w.buf[:len(w.buf)+n]
		}
	}
}

func open(path string) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != unix.EINTR { //nolint:errorlint // of a system call itself
			return fd, err
		}
	}
}

// later returns the latest of t and the times of a file. The time of a change is the one that no program can set.
func later(t time.Time, st *unix.Stat_t) time.Time {
	for _, ts := range [...]unix.Timespec{st.Mtim, st.Ctim} {
		if u := time.Unix(ts.Unix()); u.After(t) {
			t = u
		}
	}
	return t
}

// folder adds the names in a folder that count for kind, with prefix before each; it returns the folders among them.
func (w *worker) folder(o *Observation, dir, prefix string, kind Kind) (below []string) {
	var st unix.Stat_t
	if unix.Stat(dir, &st) == nil {
		o.Changed = later(o.Changed, &st)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		state := absent
		if !os.IsNotExist(err) {
			state = unreadable
		}
		o.Names = append(o.Names, prefix+"/ "+state)
		return nil
	}
	for _, e := range entries {
		if e.IsDir() {
			below = append(below, e.Name())
		}
		if kind == All || counts(e.Name()) && !e.IsDir() {
			o.Names = append(o.Names, prefix+e.Name()+" "+e.Type().String())
		}
	}
	return below
}

// tree adds the folders below dir that the go command walks for a pattern with "...", and a few more: a vendor folder and another module are left out
// as it does, what go.mod tells it to ignore is not.
func (w *worker) tree(o *Observation, dir, prefix string) {
	before := len(o.Names)
	below := w.folder(o, dir, prefix, Tree)
	if len(o.Names) > before { // a folder with nothing that counts might as well not be there
		o.Names = append(o.Names, prefix+"/")
	}
	for _, name := range below {
		if name[0] == '.' || name[0] == '_' || name == "testdata" || name == "vendor" {
			continue
		}
		path, prefix := filepath.Join(dir, name), prefix+name+"/"
		if info, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && !info.IsDir() {
			o.Names = append(o.Names, prefix+" module")
			continue
		}
		w.tree(o, path, prefix)
	}
}

// stats is the digest of how the files of a folder are, without reading them.
func (w *worker) stats(o *Observation, dir string) canon.Digest {
	entries, err := os.ReadDir(dir)
	e := canon.New("dagstergen/facts/stats/v1")
	if err != nil {
		e.String("error", unreadable)
		return e.Sum()
	}
	var b []byte
	for _, entry := range entries {
		var st unix.Stat_t
		if entry.IsDir() || unix.Stat(filepath.Join(dir, entry.Name()), &st) != nil {
			continue // a link that leads nowhere
		}
		o.Changed = later(o.Changed, &st)
		b = binary.BigEndian.AppendUint64(b[:0], uint64(st.Ino))
		b = binary.BigEndian.AppendUint64(b, uint64(st.Size))
		b = binary.BigEndian.AppendUint64(b, uint64(st.Mtim.Nano()))
		b = binary.BigEndian.AppendUint64(b, uint64(st.Ctim.Nano()))
		b = binary.BigEndian.AppendUint64(b, uint64(st.Mode))
		e.Bytes(entry.Name(), b)
	}
	return e.Sum()
}

func typeName(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return "file"
	case unix.S_IFDIR:
		return "folder"
	case unix.S_IFLNK:
		return "link"
	}
	return noFile
}

// extensions are those of files that the go command takes for part of a package.
var extensions = []string{".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90", ".s", ".S", ".sx", ".swig", ".swigcxx", ".syso"}

// counts reports whether a file of this name can have an effect on which packages there are, or on what a package consists of.
func counts(name string) bool {
	ext := filepath.Ext(name)
	switch {
	case ext == ".go", name == "go.mod", name == "dag_gen.manifest":
		return true
	case name[0] == '.' || name[0] == '_':
		return false
	}
	return slices.Contains(extensions, ext)
}

// NameOf returns the path below the folder that an entry of [Observation.Names] is about; "" for one that is about a folder.
func NameOf(entry string) string {
	if strings.HasSuffix(entry, "/") {
		return ""
	}
	name := entry[:max(0, strings.LastIndexByte(entry, ' '))]
	if strings.HasSuffix(name, "/") {
		return ""
	}
	return name
}
