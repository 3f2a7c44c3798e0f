package gen

import (
	"bytes"
	"cmp"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/gen/render"
	"github.com/dagstergen/dagstergen/gen/write"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// orphans are files of an earlier time in the packages that were asked for: with our header, and not among results. A proof stays as long as the manifest
// of any package of the module lists its package.
func (g *generation) orphans(results []Result) []Result {
	wanted := map[string]bool{}
	for _, r := range results {
		wanted[r.Path] = true
	}
	var listed map[string]bool
	var out []Result
	for _, lp := range g.Program.Roots {
		if p := g.Model.Package(lp.Path); !lp.Local || g.loadErrors[lp] || p != nil && (g.texts[p] == nil || g.texts[p].broken) {
			continue // with errors, nothing changes
		}
		names := slices.Clone(lp.Generated)
		if b, err := os.ReadFile(filepath.Join(lp.Dir, render.ManifestFile)); err == nil && write.Ours(render.ManifestFile, b) {
			names = append(names, render.ManifestFile)
		}
		for _, name := range names {
			path := filepath.Join(lp.Dir, name)
			if wanted[path] {
				continue
			}
			if name == render.ProofFile && g.cfg.Proof.mode() == "ProofEmbed" {
				if listed == nil {
					listed = g.listedOnDisk(wanted)
				}
				if listed[lp.Path] {
					continue
				}
			}
			out = append(out, Result{PkgPath: lp.Path, Path: path, inputs: g.inputs})
		}
	}
	return append(out, g.deserted()...)
}

// deserted finds what is left of packages that are gone: folders below a pattern such as ./... with nothing but our files. The go command
// takes them for no package, but without our build tag they are one that does not compile.
func (g *generation) deserted() []Result {
	known := map[string]bool{}
	for _, lp := range g.Program.Packages {
		known[lp.Dir] = true
	}
	var out []Result
	for _, pattern := range g.cfg.Load.Patterns {
		base, ok := strings.CutSuffix(filepath.ToSlash(pattern), "...")
		if !ok || base != "" && !strings.HasSuffix(base, "/") || !strings.HasPrefix(base, ".") {
			continue
		}
		top := filepath.Join(g.Program.Dir, filepath.FromSlash(base))
		_ = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return nil
			}
			if path != top {
				name := d.Name()
				if name[0] == '.' || name[0] == '_' || name == "testdata" || name == "vendor" || write.Exists(filepath.Join(path, "go.mod")) {
					return fs.SkipDir
				}
			}
			if !known[path] {
				for _, name := range onlyOurs(path) {
					out = append(out, Result{PkgPath: g.pathOf(path), Path: filepath.Join(path, name), inputs: g.inputs})
				}
			}
			return nil
		})
	}
	slices.SortFunc(out, func(a, b Result) int { return strings.Compare(a.Path, b.Path) })
	return slices.CompactFunc(out, func(a, b Result) bool { return a.Path == b.Path })
}

// onlyOurs returns our files in a folder that has no other Go files.
func onlyOurs(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var ours []string
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") && name != render.ManifestFile {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !write.Ours(name, b) {
			return nil
		}
		ours = append(ours, name)
	}
	return ours
}

// pathOf is the import path that a folder of the module has.
func (g *generation) pathOf(dir string) string {
	rel, err := filepath.Rel(g.Program.Module.Dir, dir)
	if err != nil || rel == "." {
		return g.Program.Module.Path
	}
	return g.Program.Module.Path + "/" + filepath.ToSlash(rel)
}

// listedOnDisk returns the packages that manifests on disk list as sources, other than the manifests that are about to be written or deleted.
func (g *generation) listedOnDisk(wanted map[string]bool) map[string]bool {
	g.cfg.Stamp.readMore()
	listed := map[string]bool{}
	gone := map[string]bool{}
	for _, lp := range g.Program.Roots {
		if g.Model.Package(lp.Path) == nil {
			gone[filepath.Join(lp.Dir, render.ManifestFile)] = true
		}
	}
	seen := map[string]bool{}
	for _, lp := range g.Program.Packages {
		if !lp.Local || lp.Module == nil || lp.Module.Dir == "" || seen[lp.Module.Dir] {
			continue
		}
		seen[lp.Module.Dir] = true
		_ = filepath.WalkDir(lp.Module.Dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil // unreadable folders hold no package that could be built
			case d.IsDir() && path != lp.Module.Dir && (strings.HasPrefix(d.Name(), ".") || d.Name() == "vendor"):
				return fs.SkipDir
			case d.Name() != render.ManifestFile || wanted[path] || gone[path]:
				return nil
			}
			if b, err := os.ReadFile(path); err == nil {
				if m, err := manifest.Parse(string(b)); err == nil {
					for _, p := range m.Packages {
						listed[p.Path] = true
					}
				}
			}
			return nil
		})
	}
	return listed
}

func files(results []Result) []write.File {
	out := make([]write.File, len(results))
	for i, r := range results {
		out[i] = write.File{Path: r.Path, Content: r.Content}
	}
	return out
}

// Write makes the disk as results say, and returns the paths that it changed, sorted. It writes nothing where a source changed since Generate read
// it (*ChangedError) or where a file that is not ours is in the way (*write.RefusedError).
func Write(ctx context.Context, results []Result) ([]string, error) {
	var seen []*inputs
	for _, r := range results {
		if r.inputs == nil || slices.Contains(seen, r.inputs) {
			continue
		}
		seen = append(seen, r.inputs)
		if changed := r.inputs.changed(); len(changed) > 0 {
			return nil, &ChangedError{changed}
		}
	}
	return write.Write(ctx, files(results))
}

// A Difference is a generated file that is not what would be written.
type Difference struct {
	PkgPath string
	Path    string   // absolute
	Change  string   // "missing", "outdated" or "orphaned"
	Sources []string // of a manifest: the source files that changed since it was written, "package/path/file.go"
	Made    []string // of a manifest: in what it was made otherwise than it would be now, "mode body", "deps declarations"
}

// Check compares results with the disk, and returns what differs, sorted by path. The error is one of reading.
func Check(results []Result) ([]Difference, error) {
	diffs, err := write.Diff(files(results))
	if err != nil {
		return nil, err
	}
	var out []Difference
	for _, d := range diffs {
		i := slices.IndexFunc(results, func(r Result) bool { return r.Path == d.Path })
		diff := Difference{PkgPath: results[i].PkgPath, Path: d.Path, Change: d.Change}
		if filepath.Base(d.Path) == render.ManifestFile && d.Change == "outdated" {
			diff.Sources, diff.Made = changedSources(d.Path, results[i].Content)
		}
		out = append(out, diff)
	}
	return out, nil
}

// changedSources names the files by which the manifest at path differs from the one that would be written, and the settings that it was made with
// if they are not those of now.
func changedSources(path string, content []byte) (names, made []string) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil
	}
	old, err := manifest.Parse(string(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))))
	if err != nil {
		return nil, nil // damaged, which the bytes have shown already
	}
	now, err := manifest.Parse(string(content))
	if err != nil {
		return nil, nil
	}
	for _, s := range []struct{ name, was, is string }{
		{"mode", old.Mode, now.Mode},
		{"target", old.Target, now.Target},
		{"toolchain", cmp.Or(old.Toolchain, "language"), cmp.Or(now.Toolchain, "language")},
		{"deps", cmp.Or(old.Deps, "packages"), cmp.Or(now.Deps, "packages")},
	} {
		if s.was != s.is {
			made = append(made, s.name+" "+s.was)
		}
	}
	tokens := func(m *manifest.Manifest) map[string]manifest.SourceFile {
		out := map[string]manifest.SourceFile{}
		for _, p := range m.Packages {
			for _, f := range p.Files {
				out[p.Path+"/"+f.Name] = f
			}
		}
		return out
	}
	before, after := tokens(old), tokens(now)
	for name, f := range after {
		if before[name] != f {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, made
}
