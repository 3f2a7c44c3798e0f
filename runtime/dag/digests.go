package dag

import (
	"io/fs"
	"slices"
	"sync"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// A DigestMemory knows the digests of files that look as they did when they were last read, so that [OpenFile] need not read a large
// file again. It must rather forget than be wrong. It is for instances, not for user code.
type DigestMemory interface {
	// Digest returns the digest of the file at an absolute path that looks like info, if it is known.
	Digest(path string, info fs.FileInfo) (d canon.Digest, ok bool)
	// Learn is told the digest of a file, with what it looked like before and after it was read.
	Learn(path string, before, after fs.FileInfo, d canon.Digest)
}

var memories struct {
	sync.RWMutex
	list []DigestMemory
}

// UseDigests makes OpenFile ask m until forget is called.
func UseDigests(m DigestMemory) (forget func()) {
	memories.Lock()
	defer memories.Unlock()
	memories.list = append(memories.list, m)
	return sync.OnceFunc(func() {
		memories.Lock()
		defer memories.Unlock()
		if i := slices.Index(memories.list, m); i >= 0 {
			memories.list = slices.Delete(memories.list, i, i+1)
		}
	})
}

func digestMemories() []DigestMemory {
	memories.RLock()
	defer memories.RUnlock()
	return slices.Clone(memories.list)
}
