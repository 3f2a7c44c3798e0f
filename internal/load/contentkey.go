package load

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/typedata"
)

// localKey is the key of a light local package: all that its summary and its types are made from. Files that count by content alone, such as embedded ones, are left to those who
// count them; what is said of other packages is in the keys of their declarations.
func (l *loader) localKey(w *work) {
	p := w.p
	e := canon.New("dagstergen/load/package/v1")
	l.setting(e, p)
	for _, name := range p.GoFiles {
		e.String("file", name)
		e.Digest("content", canon.Sum(p.Source[name]))
	}
	for _, name := range p.IgnoredFiles {
		e.String("ignored", name)
		e.Digest("content", canon.Sum(p.Source[name]))
	}
	names(e, "other", p.OtherFiles)
	names(e, "embedded", p.EmbedFiles)
	l.imports(e, p)
	w.key = e.Sum()
}

// externalKey is the key of the types of a package that is not local. A package of the module cache, or of the standard library of a release, is known by its version; any
// other by its files.
func (l *loader) externalKey(w *work) {
	w.keyed.Do(func() {
		p := w.p
		e := canon.New("dagstergen/load/types/v1")
		l.setting(e, p)
		e.Bool("deep", w.own) // it was, if it could be
		names(e, "file", w.externalFiles())
		switch {
		case w.listed.Standard && l.light.release != "":
			e.String("release", l.light.release)
		case p.Module != nil && p.Module.Sum != "":
			e.String("sum", p.Module.Sum)
		default:
			for _, name := range w.externalFiles() {
				if src, err := os.ReadFile(filepath.Join(p.Dir, name)); err == nil {
					e.String("read", name)
					e.Digest("content", canon.Sum(src))
				}
			}
		}
		l.imports(e, p)
		w.key = e.Sum()
		w.api = w.key
	})
}

// setting is what the type checker is told beside files.
func (l *loader) setting(e *canon.Encoder, p *Package) {
	t := l.prog.Target
	e.String("os", t.GOOS)
	e.String("arch", t.GOARCH)
	e.Bool("cgo", t.Cgo)
	names(e, "tags", t.Tags)
	e.String("package", p.Path)
	e.String("name", p.Name)
	if p.Module != nil {
		e.String("module", p.Module.Path)
		e.String("go", p.Module.GoVersion)
	}
}

func names(e *canon.Encoder, what string, list []string) {
	e.List(what, len(list))
	for _, name := range list {
		e.String("", name)
	}
}

// imports adds what each import declares.
func (l *loader) imports(e *canon.Encoder, p *Package) {
	for _, path := range slices.Sorted(keys(p.Imports)) {
		dep := p.Imports[path]
		e.String("import", path)
		e.String("is", dep.Path)
		e.Digest("declares", l.apiOf(l.byPath[dep.Path]))
	}
}

func (l *loader) apiOf(w *work) canon.Digest {
	if !w.p.Local {
		l.externalKey(w)
	}
	return w.api
}

// apiKey is the digest of all that others can see of a local package: its declarations, those that they mention, and how it counts.
func (l *loader) apiKey(w *work, data *typedata.Data) canon.Digest {
	e := canon.New("dagstergen/load/api/v1")
	e.String("package", w.p.Path)
	e.Digest("declarations", canon.Sum(data.API))
	for _, name := range w.p.IgnoredFiles { // whether there are some that count shows in the summaries of others
		e.String("ignored", name)
		e.Digest("content", canon.Sum(w.p.Source[name]))
	}
	for _, path := range data.Mentions {
		e.String("mentions", path)
		if d := l.byPath[path]; d != nil {
			e.Digest("declares", l.apiOf(d))
		}
	}
	return e.Sum()
}

// sum is that of the module whose copy in the module cache a package is read from. The go command takes these for what go.sum says, and so do we.
func (lp *listedPackage) sum() string {
	m := lp.Module
	if m.Replace != nil {
		m = m.Replace
	}
	if m.Version == "" || m.Dir == "" || !liesBelow(m.Dir, lp.Dir) {
		return ""
	}
	return m.Sum
}

func liesBelow(dir, file string) bool {
	rel, err := filepath.Rel(dir, file)
	return err == nil && filepath.IsLocal(rel)
}
