package load

import (
	"context"
	"fmt"
	"go/token"
	"go/types"
	"slices"

	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/typedata"
)

// want loads the types of a package of another module, with all that they need; packages that another goroutine is at are waited for by [loader.wait].
func (l *loader) want(ctx context.Context, w *work) {
	if w.own || !w.claimed.CompareAndSwap(false, true) {
		return
	}
	defer close(w.ready)
	defer w.guard()
	if ctx.Err() != nil || l.failed() {
		return
	}
	whole := false
	for _, d := range w.owns {
		<-d.ready
		whole = whole || !d.light
	}
	if !whole {
		l.externalKey(w)
		if data := l.storedTypes(w); data != nil {
			l.setLight(w, data)
			return
		}
	}
	fset := token.NewFileSet() // its lines are not kept
	if whole {
		fset = l.prog.Fset
	}
	w.parseExternal(fset)
	w.deps = w.needed()
	for _, d := range w.deps {
		l.want(ctx, d)
	}
	w.tainted = len(w.diags) > 0
	for _, d := range w.deps {
		<-d.ready
		w.tainted = w.tainted || d.tainted
	}
	if ctx.Err() != nil || l.failed() {
		return
	}
	imports := map[string]*Package{}
	for path, dep := range w.p.Imports {
		if slices.Contains(w.deps, l.byPath[dep.Path]) {
			imports[path] = dep
		}
	}
	conf := l.prog.config(w.p, l.prog.importer(selectionsOf(w.files), imports, false, l.readerFailed))
	t, _ := conf.Check(w.p.Path, fset, w.files, nil)
	w.files = nil
	if l.failed() {
		return
	}
	if !whole {
		b, err := typedata.Encode(t, l.places(t, fset))
		if err == nil {
			var data *typedata.Data
			if data, err = typedata.Open(b); err == nil {
				l.setLight(w, data)
				if !w.tainted {
					l.light.store.Put(kindTypes, w.key, b)
				}
				return
			}
		}
		w.err = fmt.Errorf("load: types of %s: %w", w.p.Path, err)
		return
	}
	w.p.Types = t
}

func (l *loader) stored(kind cache.Kind, key canon.Digest) ([]byte, bool) {
	if l.light.distrust {
		return nil, false
	}
	return l.light.store.Get(kind, key)
}

// storedTypes looks up the types of a package of another module; nil is a miss.
func (l *loader) storedTypes(w *work) *typedata.Data {
	b, ok := l.stored(kindTypes, w.key)
	if !ok {
		return nil
	}
	data, err := typedata.Open(b)
	if err != nil {
		return nil
	}
	return data
}

// openTypes finds the types of a package that a declaration mentions. It is called with the reader locked, so that it waits for nobody.
func (l *loader) openTypes(path string) (*typedata.Data, error) {
	w := l.byPath[path]
	if w == nil {
		return nil, fmt.Errorf("load: no package %s", path)
	}
	if data := w.data.Load(); data != nil {
		return data, nil
	}
	if !w.own {
		l.externalKey(w)
		if data := l.storedTypes(w); data != nil {
			return data, nil
		}
	}
	l.light.mu.Lock()
	defer l.light.mu.Unlock()
	l.light.missing = append(l.light.missing, path)
	return nil, errAgain
}

// places tells where the declarations of a package that was just checked are, and what they have of others.
func (l *loader) places(own *types.Package, fset *token.FileSet) typedata.Places {
	return func(o types.Object) (string, token.Position) {
		if o.Pkg() != own {
			if path, p, ok := l.light.reader.Place(o.Pos()); ok {
				return path, p
			}
		}
		return own.Path(), fset.PositionFor(o.Pos(), false)
	}
}
