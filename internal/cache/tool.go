package cache

import (
	"crypto/sha256"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// toolIdentity tells programs apart whose answers may differ: another version, another Go, a checkout with one line changed. It is found out once.
var toolIdentity = sync.OnceValues(func() (canon.Digest, bool) {
	e := canon.New("dagstergen/cache/tool/v1")
	if info, ok := debug.ReadBuildInfo(); ok && released(info) {
		e.String("build", info.String())
		return e.Sum(), true
	}
	sum, err := executable()
	if err != nil {
		return canon.Digest{}, false
	}
	e.Digest("executable", sum)
	return e.Sum(), true
})

// released reports whether what a program was built from is pinned by what it knows of its build: every module has a checksum, and none is read from
// a folder. A checkout has none, and neither has what was built from a vendor folder, or as the tool of a user's module.
func released(info *debug.BuildInfo) bool {
	pinned := func(m *debug.Module) bool {
		if m.Replace != nil {
			m = m.Replace
		}
		return m.Sum != ""
	}
	for _, dep := range info.Deps {
		if !pinned(dep) {
			return false
		}
	}
	return pinned(&info.Main)
}

// executable is the digest of the file that this process runs.
func executable() (sum canon.Digest, err error) {
	name := "/proc/self/exe" // the very file, also where another was put in its place since
	if runtime.GOOS != "linux" {
		if name, err = os.Executable(); err != nil {
			return sum, err
		}
	}
	f, err := os.Open(name)
	if err != nil {
		return sum, err
	}
	defer f.Close() //nolint:errcheck // it was read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, nil
}
