package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"go/types"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/typedata"
)

// A Need is what a caller needs of a local package.
type Need uint8

// The needs, each with what those before it say.
const (
	NeedSummary Need = iota // a Summary will do
	NeedSyntax              // Syntax and Info
	NeedTypes               // and its types are those that the packages which import it have, so that these are whole, too
)

// A Light says for which local packages a caller can do with a summary in place of syntax and types. A package is whole, with Syntax, Types and Info, if one of its files is
// needed, if anything is wrong with it, or if it imports a package that has something wrong with it or whose types are needed; any other is light: it has a
// Summary, of this run or of an earlier one, and is not even parsed where that is known already.
type Light struct {
	// Need is what is needed of a package with this Go file.
	Need func(src []byte) Need

	// Summarize makes the summary of a package that was checked without errors. The summary must be a function of the files of the package and of
	// what its imports declare. Nil means that the package must stay whole.
	Summarize func(p *Program, pkg *Package) []byte

	// Restore makes the value of Package.Summary from what Summarize returned.
	Restore func(data []byte) (any, error)
}

// The kinds of cache entries of this stage.
const (
	kindPackage cache.Kind = "package" // of a local package: its summary and its types
	kindTypes   cache.Kind = "types"   // of another package
)

// A lightLoad is what a load needs beyond a loader if packages may be light.
type lightLoad struct {
	*Light
	store    *cache.Store
	distrust bool          // nothing is looked up
	release  string        // of the standard library
	heavy    chan struct{} // bounds how many packages are checked from source at one time, and with that the memory for syntax
	reader   *typedata.Reader

	mu      sync.Mutex
	missing []string // packages whose types were needed and not there
	err     error    // of the reader
}

// errAgain says that types were missing which an earlier run should have left: they are made first in the next attempt.
var errAgain = errors.New("load: types of imported packages are missing in the cache")

// lightWork is the part of a work that knows of light packages.
type lightWork struct {
	claimed atomic.Bool                   // somebody loads it
	light   bool                          // set before the work is ready
	own     bool                          // it is local, or may be deep
	tainted bool                          // loading it reported something, or loading what it needs: a cache would keep silent about it
	keyed   sync.Once                     // guards key
	key     canon.Digest                  // of what the package is made from; zero if that is not known
	api     canon.Digest                  // of what others can see of it: of a package of another module the key
	data    atomic.Pointer[typedata.Data] // its types
	owns    []*work                       // the packages of that sort that it imports, directly or through others
}

func (l *loader) newLight(c *Light, store *cache.Store) {
	l.light = &lightLoad{Light: c, store: store, release: l.prog.goRelease(), heavy: make(chan struct{}, runtime.GOMAXPROCS(0))}
	l.light.reader = typedata.NewReader(l.openTypes, l.prog.Fset, func(path, base string) string {
		if p := l.prog.Packages[path]; p != nil {
			base = filepath.Join(p.Dir, base)
		}
		return l.prog.Rel(base)
	})
	l.prog.reader = l.light.reader
	l.prog.load = func(p *Package) { l.want(context.Background(), l.byPath[p.Path]) }
	for _, w := range l.works { // dependencies first
		w.own = w.p.Local || w.p.Deep
		set := map[*work]bool{}
		for _, dep := range w.p.Imports {
			if d := l.byPath[dep.Path]; d.own {
				set[d] = true
			} else {
				for _, x := range d.owns {
					set[x] = true
				}
			}
		}
		w.owns = slices.Collect(maps.Keys(set))
	}
}

// runLight loads all local and deep packages, light where that will do, and of the others what they need. first are packages whose types must be made before.
func (l *loader) runLight(ctx context.Context, first []string) error {
	for _, w := range l.works {
		if !w.own && len(w.owns) == 0 {
			l.externalKey(w)
		}
	}
	for _, path := range first {
		if w := l.byPath[path]; w != nil && !w.own && len(w.owns) == 0 {
			l.heavily(ctx, func() { l.want(ctx, w) })
		}
	}
	var wg sync.WaitGroup
	for _, w := range l.works {
		switch {
		case w.own:
			wg.Go(func() {
				defer close(w.ready)
				defer w.guard()
				l.loadOwn(ctx, w)
			})
		case slices.Contains(generatedImports, w.p.Path):
			wg.Go(func() {
				for _, d := range w.owns {
					<-d.ready
				}
				l.heavily(ctx, func() { l.want(ctx, w) })
			})
		}
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if len(l.light.missing) > 0 || l.light.err != nil {
		return errAgain
	}
	for _, path := range generatedImports {
		if w := l.byPath[path]; w != nil && w.light && w.p.Types == nil {
			t, err := l.light.reader.View(path, nil)
			if err != nil {
				return errAgain
			}
			w.p.Types = t
		}
	}
	return l.collect()
}

// loadPackages loads the packages that build lists, light if c says so. A cache that lost a part of what belongs together shows in the middle of a load, where types mention others
// that are not there: these are made first then, and if that is not the end of it, everything is made again. Light packages are a matter of speed alone: where
// they fail for another reason, all are loaded whole.
func loadPackages(ctx context.Context, c Config, build func() *loader) (*loader, error) {
	var missing []string
	for attempt := 0; c.Light != nil && attempt < 3; attempt++ {
		l := build()
		l.newLight(c.Light, c.Cache)
		l.light.distrust = attempt == 2
		err := l.runLight(ctx, missing)
		if err == nil || ctx.Err() != nil {
			return l, err
		}
		if len(l.light.missing) == 0 {
			break
		}
		missing = l.light.missing
	}
	l := build()
	return l, l.run(ctx)
}

// heavily runs f when few enough others check packages from source.
func (l *loader) heavily(ctx context.Context, f func()) {
	select {
	case l.light.heavy <- struct{}{}:
		defer func() { <-l.light.heavy }()
		if ctx.Err() == nil {
			f()
		}
	case <-ctx.Done():
	}
}

// loadOwn loads a local or deep package, after those that it imports.
func (l *loader) loadOwn(ctx context.Context, w *work) {
	need := NeedSummary
	if w.p.Local {
		l.limited(ctx, w.readLocal)
		need = l.needed(w)
	}
	for _, d := range w.owns {
		<-d.ready
		if !d.light {
			need = NeedTypes
		}
	}
	if ctx.Err() != nil || l.failed() {
		return
	}
	if need != NeedTypes {
		if w.p.Local {
			l.localKey(w)
		} else {
			l.externalKey(w)
		}
	}
	if need == NeedSummary {
		if entry, ok := l.stored(kindPackage, w.key); ok && l.restore(w, entry) {
			return
		}
	}
	l.heavily(ctx, func() { l.fromSource(ctx, w, need) })
}

// needed is what is needed of a local package for its own sake.
func (l *loader) needed(w *work) Need {
	if w.diags.HasErrors() || w.listed.Error != nil || len(w.p.GoFiles) == 0 {
		return NeedTypes
	}
	for _, path := range w.listed.Imports {
		if l.prog.Packages[path] == nil && path != "C" && path != "unsafe" {
			return NeedTypes
		}
	}
	for _, name := range w.p.Generated { // other ones declare what belongs to the types of the package when all is generated
		if name != proofFile {
			return NeedTypes
		}
	}
	need := NeedSummary
	for _, name := range w.p.GoFiles {
		need = max(need, l.light.Need(w.p.Source[name]))
	}
	return need
}

// proofFile is the base name of the generated file that shows what a binary was built from. It declares nothing that anyone can name.
const proofFile = "dag_proof_gen.go"

// fromSource parses and checks a local or deep package, and makes it light where that will do.
func (l *loader) fromSource(ctx context.Context, w *work, need Need) {
	switch {
	case w.p.Local:
		w.parseLocal()
	case !w.parseDeep():
		w.parseExternal(l.prog.Fset)
	}
	for _, path := range slices.Sorted(keys(w.p.Imports)) {
		d := l.byPath[w.p.Imports[path].Path]
		w.deps = append(w.deps, d)
		l.want(ctx, d)
	}
	l.wait(w)
	if ctx.Err() != nil || l.failed() {
		return
	}
	selected := selectionsOf(w.files)
	w.checkWith(l.prog.importer(selected, w.p.Imports, false, l.readerFailed))
	if slices.ContainsFunc(w.p.Errors, undefinedElsewhere) { // the type checker looks for other spellings then
		w.checkWith(l.prog.importer(selected, w.p.Imports, true, l.readerFailed))
	}
	if w.p.Deep {
		w.keepDeep()
	}
	if need == NeedTypes || l.failed() || w.diags.HasErrors() || len(w.p.Errors) > 0 || w.p.Types == nil {
		return
	}
	if need == NeedSyntax {
		l.declare(w)
		return
	}
	var summary []byte // none says of a package that could have been deep that it is not
	if w.p.Local || w.p.Deep {
		if summary = l.light.Summarize(l.prog, w.p); summary == nil {
			return
		}
	}
	data, err := typedata.Encode(w.p.Types, l.places(w.p.Types, l.prog.Fset))
	if err != nil {
		return
	}
	entry := appendPart(appendPart(nil, summary), data)
	if l.restore(w, entry) && !w.tainted {
		l.light.store.Put(kindPackage, w.key, entry)
	}
}

// declare lets those who import a whole package see it as they would see a light one.
func (l *loader) declare(w *work) {
	if data := l.storedTypes(w); data != nil {
		l.setLight(w, data)
		return
	}
	b, err := typedata.Encode(w.p.Types, l.places(w.p.Types, l.prog.Fset))
	if err != nil {
		return
	}
	data, err := typedata.Open(b)
	if err != nil {
		return
	}
	l.setLight(w, data)
	if !w.tainted {
		l.light.store.Put(kindTypes, w.key, b)
	}
}

// restore makes a local or deep package light from a cache entry; false for one that cannot be understood.
func (l *loader) restore(w *work, entry []byte) bool {
	summary, rest, ok := cutPart(entry)
	if !ok {
		return false
	}
	types, rest, ok := cutPart(rest)
	if !ok || len(rest) > 0 {
		return false
	}
	data, err := typedata.Open(types)
	if err != nil {
		return false
	}
	if len(summary) > 0 {
		if w.p.Summary, err = l.light.Restore(summary); err != nil {
			return false
		}
	} else if w.p.Deep = false; w.p.Local {
		return false
	}
	w.p.Name = data.Name
	w.p.Syntax, w.p.Info, w.p.Types, w.files = nil, nil, nil, nil
	l.setLight(w, data)
	return true
}

func (l *loader) setLight(w *work, data *typedata.Data) {
	w.data.Store(data)
	if w.p.Local {
		w.api = l.apiKey(w, data)
	}
	w.light, w.p.light = true, true
}

// wait waits for the packages whose types w has wanted.
func (l *loader) wait(w *work) {
	w.tainted = len(w.diags) > 0
	for _, d := range w.deps {
		<-d.ready
		w.tainted = w.tainted || d.tainted
	}
}

// undefinedElsewhere reports whether an error says that another package has no such name.
func undefinedElsewhere(e types.Error) bool {
	name, ok := strings.CutPrefix(e.Msg, "undefined: ")
	return ok && strings.Contains(name, ".")
}

func (l *loader) readerFailed(err error) {
	l.light.mu.Lock()
	defer l.light.mu.Unlock()
	if l.light.err == nil {
		l.light.err = err
	}
}

// failed reports whether this attempt is lost.
func (l *loader) failed() bool {
	l.light.mu.Lock()
	defer l.light.mu.Unlock()
	return l.light.err != nil || len(l.light.missing) > 0
}

// appendPart and cutPart make one entry of several parts.
func appendPart(b, part []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}

func cutPart(b []byte) (part, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	return b[size : size+int(n)], b[size+int(n):], true
}
