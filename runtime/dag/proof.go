package dag

import (
	"io/fs"
	"sync"
)

// A ProofMode says how a binary shows that it was built from the sources its versions were computed from.
type ProofMode uint8

// The proof modes: sources embedded in the binary (the default), compared with the disk where they are found, or none.
const (
	ProofEmbed ProofMode = iota
	ProofDisk
	ProofNone
)

var sources struct {
	sync.Mutex
	byPackage map[string]fs.FS
}

// RegisterSources hands over the embedded Go files of a package. It is called by the generated file dag_proof_gen.go of each
// package that a version reaches, and returns true so that it can initialise a blank variable.
func RegisterSources(pkgPath string, files fs.FS) bool {
	sources.Lock()
	defer sources.Unlock()
	if sources.byPackage == nil {
		sources.byPackage = map[string]fs.FS{}
	}
	sources.byPackage[pkgPath] = files
	return true
}

// Sources returns the embedded Go files of a package; ok is false where it registered none.
func Sources(pkgPath string) (files fs.FS, ok bool) {
	sources.Lock()
	defer sources.Unlock()
	files, ok = sources.byPackage[pkgPath]
	return files, ok
}
