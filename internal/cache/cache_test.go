package cache

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/dagstergen/dagstergen/internal/canon"
)

const kind Kind = "test"

func key(s string) canon.Digest { return canon.Sum([]byte(s)) }

// newStore is a store in a new folder, of a tool that is always the same.
func newStore(t *testing.T) *Store {
	t.Helper()
	s := open(filepath.Join(t.TempDir(), "cache"), key("tool"))
	require.NotNil(t, s)
	return s
}

func (s *Store) entry(k canon.Digest) string { return s.path(kind, s.name(kind, k)) }

func TestPutGet(t *testing.T) {
	s := newStore(t)
	_, ok := s.Get(kind, key("a"))
	assert.False(t, ok)
	for _, data := range [][]byte{nil, {}, []byte("x"), bytes.Repeat([]byte("long"), 1<<18)} {
		s.Put(kind, key("a"), data)
		got, ok := s.Get(kind, key("a"))
		require.True(t, ok)
		assert.Equal(t, len(data), len(got))
		assert.True(t, bytes.Equal(data, got))
	}
	_, ok = s.Get(kind, key("b"))
	assert.False(t, ok, "another key")
	_, ok = s.Get("other", key("a"))
	assert.False(t, ok, "another kind")
	_, ok = open(filepath.Dir(s.dir), key("another tool")).Get(kind, key("a"))
	assert.False(t, ok, "another tool")
	_, ok = open(filepath.Dir(s.dir), key("tool")).Get(kind, key("a"))
	assert.True(t, ok, "the same tool, later")
}

func TestACacheThatIsOff(t *testing.T) {
	var s *Store
	s.Put(kind, key("a"), []byte("x"))
	s.Replace(kind, key("a"), []byte("x"))
	s.Report("x")
	s.Trim()
	_, ok := s.Get(kind, key("a"))
	assert.False(t, ok)
	_, ok = s.Latest(kind, key("a"))
	assert.False(t, ok)
	assert.Nil(t, s.Verifying())
	assert.False(t, s.IsVerifying())
	assert.Empty(t, s.Mismatches())
	assert.Nil(t, Open(""))
	assert.Nil(t, Open(Dir(Off)))
}

func TestDir(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/x/cache")
	t.Setenv("HOME", "/x")
	assert.Contains(t, Dir(""), "dagstergen")
	assert.Equal(t, "/a/b", Dir("/a/./b"))
	wd, err := os.Getwd()
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(wd, "c"), Dir("c"))
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	assert.Empty(t, Dir(""), "a user without a home has no cache")
}

// Whatever happens to an entry, it is a miss, it goes, and the next Put makes it good.
func TestDamage(t *testing.T) {
	data := []byte("twelve bytes")
	damages := map[string]func(t *testing.T, path string, whole []byte){
		"emptied": func(t *testing.T, path string, _ []byte) { require.NoError(t, os.WriteFile(path, nil, 0o600)) },
		"longer": func(t *testing.T, path string, whole []byte) {
			require.NoError(t, os.WriteFile(path, append(bytes.Clone(whole), 0), 0o600))
		},
		"zeroed": func(t *testing.T, path string, whole []byte) {
			require.NoError(t, os.WriteFile(path, make([]byte, len(whole)), 0o600))
		},
		"a folder": func(t *testing.T, path string, _ []byte) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o700))
		},
		"a link to a good one": func(t *testing.T, path string, whole []byte) {
			elsewhere := filepath.Join(t.TempDir(), "elsewhere")
			require.NoError(t, os.WriteFile(elsewhere, whole, 0o600))
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Symlink(elsewhere, path))
		},
		"a pipe": func(t *testing.T, path string, _ []byte) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, unix.Mkfifo(path, 0o600))
		},
	}
	for i := range headSize + len(data) {
		damages[fmt.Sprintf("byte %d flipped", i)] = func(t *testing.T, path string, whole []byte) {
			b := bytes.Clone(whole)
			b[i] ^= 0x10
			require.NoError(t, os.WriteFile(path, b, 0o600))
		}
		damages[fmt.Sprintf("cut at %d", i)] = func(t *testing.T, path string, whole []byte) {
			require.NoError(t, os.WriteFile(path, whole[:i], 0o600))
		}
	}
	s := newStore(t)
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			s.Put(kind, key("a"), data)
			path := s.entry(key("a"))
			whole, err := os.ReadFile(path)
			require.NoError(t, err)
			damage(t, path, whole)
			_, ok := s.Get(kind, key("a"))
			assert.False(t, ok)
			_, err = os.Lstat(path)
			assert.ErrorIs(t, err, os.ErrNotExist)
			s.Put(kind, key("a"), data)
			got, ok := s.Get(kind, key("a"))
			assert.True(t, ok)
			assert.Equal(t, data, got)
		})
	}
}

// An entry under the name of another is a foreign one: a copied or renamed file is not believed.
func TestAnEntryUnderAnotherName(t *testing.T) {
	s := newStore(t)
	s.Put(kind, key("a"), []byte("a"))
	s.Put(kind, key("b"), []byte("b"))
	require.NoError(t, os.Rename(s.entry(key("a")), s.entry(key("b"))))
	_, ok := s.Get(kind, key("b"))
	assert.False(t, ok)
}

func TestFoldersThatAreNotBelieved(t *testing.T) {
	for name, make := range map[string]func(t *testing.T, dir string){
		"others may write": func(t *testing.T, dir string) {
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.Chmod(dir, 0o777))
		},
		"the group may write": func(t *testing.T, dir string) {
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.Chmod(dir, 0o770))
		},
		"a file": func(t *testing.T, dir string) { require.NoError(t, os.WriteFile(dir, nil, 0o600)) },
		"a link": func(t *testing.T, dir string) { require.NoError(t, os.Symlink(t.TempDir(), dir)) },
		"below a file": func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Dir(dir)))
			require.NoError(t, os.WriteFile(filepath.Dir(dir), nil, 0o600))
		},
		"a link inside": func(t *testing.T, dir string) {
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.Symlink(t.TempDir(), filepath.Join(dir, format)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			make(t, dir)
			assert.Nil(t, open(dir, key("tool")))
		})
	}
	dir := filepath.Join(t.TempDir(), "not", "yet", "there")
	assert.NotNil(t, open(dir, key("tool")))
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

// A disk that takes nothing, or no more, is a cache that forgets.
func TestNothingCanBeWritten(t *testing.T) {
	s := newStore(t)
	s.Put(kind, key("a"), []byte("old"))
	dir := filepath.Dir(s.entry(key("b")))
	require.NoError(t, os.MkdirAll(filepath.Dir(dir), 0o700))
	require.NoError(t, os.WriteFile(dir, nil, 0o600)) // root is stopped by no permission, so a file stands where the folder belongs
	s.Put(kind, key("b"), []byte("new"))
	_, ok := s.Get(kind, key("b"))
	assert.False(t, ok)
	got, ok := s.Get(kind, key("a"))
	assert.True(t, ok)
	assert.Equal(t, "old", string(got))

	old := unix.Rlimit{}
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &old))
	if os.Getenv("CACHE_TEST_LIMIT") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNothingCanBeWritten$")
		cmd.Env = append(os.Environ(), "CACHE_TEST_LIMIT=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return
	}
	limit := old
	limit.Cur = 1 << 20 // writes beyond it fail as on a full disk
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &limit))
	s.Put(kind, key("large"), make([]byte, 2<<20))
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &old))
	_, ok = s.Get(kind, key("large"))
	assert.False(t, ok)
	left, err := filepath.Glob(filepath.Join(filepath.Dir(s.entry(key("large"))), temporary+"*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestVerifying(t *testing.T) {
	s := newStore(t)
	s.Put(kind, key("a"), []byte("old"))
	s.Replace(kind, key("seen"), []byte("last"))
	v := s.Verifying()
	assert.True(t, v.IsVerifying())
	_, ok := v.Get(kind, key("a"))
	assert.False(t, ok, "everything is found out again")
	v.Put(kind, key("a"), []byte("old"))
	v.Put(kind, key("b"), []byte("first"))
	assert.Empty(t, v.Mismatches())
	got, ok := v.Latest(kind, key("seen"))
	assert.True(t, ok)
	assert.Equal(t, "last", string(got))
	v.Put(kind, key("a"), []byte("new"))
	v.Report("a stamp")
	assert.Equal(t, []string{"a stamp", "test " + key("a").Short()}, v.Mismatches())
	got, _ = s.Get(kind, key("a"))
	assert.Equal(t, "new", string(got), "what was found out last stays")
}

func TestUseKeepsAnEntry(t *testing.T) {
	s := newStore(t)
	now := time.Now()
	age := func(name string, by time.Duration) string {
		s.Put(kind, key(name), []byte(name))
		path := s.entry(key(name))
		when := now.Add(-by)
		require.NoError(t, os.Chtimes(path, when, when))
		return path
	}
	unusedEntry, used, fresh := age("unused", unusedFor+time.Hour), age("used", unusedFor+time.Hour), age("fresh", time.Minute)
	before, err := os.Stat(fresh)
	require.NoError(t, err)
	for _, name := range []string{"used", "fresh"} {
		_, ok := s.Get(kind, key(name))
		require.True(t, ok)
	}
	after, err := os.Stat(fresh)
	require.NoError(t, err)
	assert.Equal(t, before.ModTime(), after.ModTime(), "a use within the hour writes nothing")
	leftOver, inTheMaking := filepath.Join(filepath.Dir(used), temporary+"1"), filepath.Join(filepath.Dir(used), temporary+"2")
	foreign := filepath.Join(filepath.Dir(used), "README")
	for _, f := range []string{leftOver, inTheMaking, foreign} {
		require.NoError(t, os.WriteFile(f, nil, 0o600))
	}
	for _, f := range []string{leftOver, foreign} {
		require.NoError(t, os.Chtimes(f, now.Add(-30*24*time.Hour), now.Add(-30*24*time.Hour)))
	}
	s.trim(now)
	assert.NoFileExists(t, unusedEntry)
	assert.NoFileExists(t, leftOver)
	for _, f := range []string{used, fresh, inTheMaking, foreign} {
		assert.FileExists(t, f)
	}

	late := age("late", unusedFor+time.Hour)
	s.trim(now.Add(trimAfter - time.Minute))
	assert.FileExists(t, late, "once a day")
	s.trim(now.Add(trimAfter + time.Minute))
	assert.NoFileExists(t, late)
	s.trim(now.Add(-100 * 24 * time.Hour))
	info, err := os.Stat(filepath.Join(s.dir, trimmedOut))
	require.NoError(t, err)
	assert.True(t, info.ModTime().Before(now), "a mark of the future is no reason to wait for it")
}

func TestPatternCharactersInTheFolder(t *testing.T) {
	s := open(filepath.Join(t.TempDir(), "a[b]*?"), key("tool"))
	require.NotNil(t, s)
	s.Put(kind, key("a"), nil)
	old := time.Now().Add(-2 * unusedFor)
	require.NoError(t, os.Chtimes(s.entry(key("a")), old, old))
	s.trim(time.Now())
	assert.NoFileExists(t, s.entry(key("a")))
}

func TestReleased(t *testing.T) {
	sum := func(s string) debug.Module { return debug.Module{Path: "m", Version: "v1.0.0", Sum: s} }
	whole, checkout := sum("h1:x"), sum("")
	local := debug.Module{Path: "m", Version: "v1.0.0", Sum: "h1:x", Replace: &checkout}
	for _, c := range []struct {
		main debug.Module
		deps []*debug.Module
		want bool
	}{
		{whole, nil, true}, {whole, []*debug.Module{&whole, {Path: "m", Replace: &whole}}, true},
		{checkout, nil, false}, {whole, []*debug.Module{&checkout}, false}, {whole, []*debug.Module{&local}, false}, {local, nil, false},
	} {
		assert.Equal(t, c.want, released(&debug.BuildInfo{Main: c.main, Deps: c.deps}))
	}
	id, ok := toolIdentity()
	assert.True(t, ok)
	assert.NotEqual(t, canon.Digest{}, id)
}

// Eight processes put and get the same few entries: whoever finds one finds it whole.
func TestManyProcesses(t *testing.T) {
	dir := os.Getenv("CACHE_TEST_DIR")
	if dir == "" {
		dir = filepath.Join(t.TempDir(), "cache")
		var all []*exec.Cmd
		for range 8 {
			cmd := exec.Command(os.Args[0], "-test.run=^TestManyProcesses$", "-test.v")
			cmd.Env = append(os.Environ(), "CACHE_TEST_DIR="+dir)
			cmd.Stdout, cmd.Stderr = new(bytes.Buffer), os.Stderr
			require.NoError(t, cmd.Start())
			all = append(all, cmd)
		}
		for _, cmd := range all {
			assert.NoError(t, cmd.Wait(), "%s", cmd.Stdout)
		}
		left, err := filepath.Glob(filepath.Join(dir, format, "*", "*", temporary+"*"))
		require.NoError(t, err)
		assert.Empty(t, left)
		return
	}
	s := Open(dir)
	require.NotNil(t, s)
	hits := 0
	for i := range 400 {
		k := key(strconv.Itoa(i % 5))
		want := bytes.Repeat(k[:], 1000)
		if got, ok := s.Get(kind, k); ok {
			hits++
			require.True(t, bytes.Equal(want, got))
		}
		s.Put(kind, k, want)
		if i%50 == 0 {
			s.Trim()
		}
	}
	assert.Greater(t, hits, 300)
}

func FuzzUnseal(f *testing.F) {
	name := key("name")
	f.Add(seal(name, []byte("data")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if data, ok := unseal(name, b); ok {
			assert.Equal(t, b, seal(name, data))
		}
	})
}

func BenchmarkGet(b *testing.B) {
	s := open(filepath.Join(b.TempDir(), "cache"), key("tool"))
	data := make([]byte, 64<<10)
	s.Put(kind, key("a"), data)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		_, ok := s.Get(kind, key("a"))
		if !ok {
			b.Fatal("a miss")
		}
	}
}
