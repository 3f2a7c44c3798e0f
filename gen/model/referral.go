package model

import (
	"go/token"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// A referral is how an argument names what another directive declares.
type referral[T any] struct {
	what      string // "hook": the directive is //dag:hook
	hint      string // where nothing is near
	unknown   string // code of a name that is nobody's
	ambiguous string // code of one that is several's
	of        func(*Package) []*T
	named     func(*T) (key, goName string, pos token.Pos)
}

var hookReferral = referral[Hook]{
	what: "hook", hint: "name a function marked //dag:hook", unknown: CodeUnknownHook, ambiguous: CodeUnknownHook,
	of:    func(p *Package) []*Hook { return p.Hooks },
	named: func(h *Hook) (string, string, token.Pos) { return h.Key, h.GoName, h.Pos },
}

var ioReferral = referral[Resource]{
	what: "resource", hint: "name a //dag:resource function whose type implements dag.IOManager", unknown: CodeUnknownIO, ambiguous: CodeAmbiguousResource,
	of:    func(p *Package) []*Resource { return p.Resources },
	named: func(r *Resource) (string, string, token.Pos) { return r.Key, r.GoName, r.Pos },
}

// referred finds what text in an argument of f names: by key, or in f's own package by Go function. It is nil where that is not one thing, which is said.
func referred[T any](b *builder, f *Func, arg annotations.Arg, text string, r referral[T]) *T {
	var found []*T
	var names []string
	for _, p := range f.Pkg.visible {
		for _, v := range r.of(p) {
			key, goName, _ := r.named(v)
			names = append(names, key)
			if key == text || p == f.Pkg && goName == text {
				found = append(found, v)
			}
		}
	}
	switch len(found) {
	case 0:
		hint := r.hint
		if near, ok := nearest.Of(annotations.Snake(text), names); ok {
			hint = "did you mean " + near + "?"
		}
		d := b.argError(f, r.unknown, arg, hint, "%s: %s=%s names no %s", f.GoName, arg.Key, text, r.what)
		if obj := f.Pkg.Types.Scope().Lookup(text); obj != nil {
			b.relate(d, obj.Pos(), "%s is not marked //dag:%s", text, r.what)
		}
		return nil
	case 1:
		return found[0]
	}
	d := b.argError(f, r.ambiguous, arg, "rename one of them with name=", "%s: %s=%s fits %d %ss", f.GoName, arg.Key, text, len(found), r.what)
	for _, v := range found {
		key, _, pos := r.named(v)
		b.relate(d, pos, "%s %s", r.what, key)
	}
	return nil
}
