package execute

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	goversion "go/version"

	"golang.org/x/mod/modfile"

	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// proofs remembers what was checked: neither a manifest nor the sources in a binary change while it runs.
var proofs sync.Map // text of a manifest to []plan.StaleFile

// CheckProof returns a [*plan.StaleError] if the versions in the definitions of a catalog were not computed from the sources that the binary was
// built from. Plan and Run call it; history stays readable without.
//
// Where the release of Go counts in versions, the binary must have been built with it.
//
// A file that was declared to count is looked at on disk, too, where the module's folder is found from the working directory: code may read it there.
//
// In the mode ProofDisk sources are compared where the module's folder is found from the working directory, and not at all elsewhere.
func CheckProof(cat *plan.Catalog) error {
	var stale []plan.StaleFile
	manifests := cat.Manifests()
	for i, d := range cat.Definitions() {
		if want := manifests[i].Toolchain; want != "" && d.Proof != dag.ProofNone && !isRelease(runtime.Version(), want) {
			return &plan.StaleError{Command: "go generate ./...",
				Reason: fmt.Sprintf("the versions of package %s are for %s, and this binary was built with %s", d.Package, want, runtime.Version())}
		}
		switch d.Proof {
		case dag.ProofNone:
		case dag.ProofDisk:
			if root, ok := moduleRoot(d.Module); ok {
				stale = append(stale, staleFiles(manifests[i], func(pkg string) (fs.FS, bool) { return onDisk(root, d.Module, pkg) })...)
			}
		default:
			known, ok := proofs.Load(d.Manifest)
			if !ok {
				known = staleFiles(manifests[i], dag.Sources)
				proofs.Store(d.Manifest, known)
			}
			stale = append(stale, known.([]plan.StaleFile)...)
			if root, ok := moduleRoot(d.Module); ok {
				stale = append(stale, named(manifests[i].CheckDeclared(func(pkg string) (fs.FS, bool) { return onDisk(root, d.Module, pkg) }))...)
			}
		}
	}
	if len(stale) == 0 {
		return nil
	}
	slices.SortFunc(stale, func(a, b plan.StaleFile) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.File, b.File))
	})
	return &plan.StaleError{Files: slices.Compact(stale), Command: "go generate ./..."}
}

// isRelease reports whether the Go that built a binary is the release that its versions count, "go1.26" or "go1.26.8".
func isRelease(version, want string) bool {
	version, _, _ = strings.Cut(version, " ") // of an experiment
	return version == want || goversion.Lang(version) == want
}

func staleFiles(m *manifest.Manifest, sources func(string) (fs.FS, bool)) []plan.StaleFile {
	return named(m.CheckSources(sources))
}

func named(stale []manifest.Stale) []plan.StaleFile {
	var files []plan.StaleFile
	for _, s := range stale {
		files = append(files, plan.StaleFile{Package: s.Package, File: s.File, Change: s.Change})
	}
	return files
}

// moduleRoot walks up from the working directory to the go.mod of a module.
func moduleRoot(module string) (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && modfile.ModulePath(text) == module {
			return dir, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}

func onDisk(root, module, pkg string) (fs.FS, bool) {
	rel, below := pkg, pkg == module
	if below {
		rel = "."
	} else if len(pkg) > len(module)+1 && pkg[:len(module)+1] == module+"/" {
		rel, below = pkg[len(module)+1:], true
	}
	if !below || !filepath.IsLocal(filepath.FromSlash(rel)) {
		return nil, false
	}
	dir := filepath.Join(root, filepath.FromSlash(path.Clean(rel)))
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, false
	}
	return os.DirFS(dir), true
}
