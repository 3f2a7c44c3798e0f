package versionhash

import (
	"go/types"
	"path"
	"slices"
	"strings"
)

// An Instance is a generic function with its type arguments. It has a version of its own, for which the function counts, and the type arguments by
// their names, by what they are and by all methods that the function can reach through them.
type Instance struct {
	Symbol string // "example.com/m.Sum[example.com/m.Row]"; unique
	Func   *types.Func
	Args   []types.Type
}

// instance summarises an instance as a function that calls the generic one, in the package of that. Programs that have it import the packages of the
// type arguments too.
func (s *scanner) instance(in Instance) {
	sig, err := types.Instantiate(nil, in.Func.Signature(), in.Args, false)
	if err != nil {
		return // not asked to validate: cannot be
	}
	pos := in.Func.Pos()
	file := ""
	if p := s.env.prog.Fset.File(pos); p != nil {
		file = moduleFile(s.lp, path.Base(strings.ReplaceAll(p.Name(), `\`, "/")))
	}
	w := s.begin(key{kind: keyObject, sort: sortFunc, pkg: s.lp.Path, name: in.Symbol}, "func", in.Symbol, file, pos)
	w.out.typ = types.TypeString(sig, nil)
	s.asEntry(w.out, keyCodec, sig.(*types.Signature).Params(), sig.(*types.Signature).Results())
	w.mark(mInstance)
	w.global(in.Func)
	w.int(len(in.Args))
	for _, t := range in.Args {
		w.str(types.TypeString(t, nil)) // it can ask for it
		w.typ(t)
		w.runtimeType(t)
		s.eachNamed(t, map[types.Type]bool{}, func(n *types.Named) {
			if p := n.Obj().Pkg().Path(); p != s.lp.Path && !slices.Contains(w.out.with, p) {
				w.out.with = append(w.out.with, p)
			}
		})
	}
	w.finish()
}

// scope returns the local packages whose initialisers run in every program that has the declaration.
func (g *Graph) scope(start int32) []bool {
	s := g.sums[start]
	in := g.imported(s.pkg)
	if len(s.with) == 0 {
		return in
	}
	in = slices.Clone(in)
	for _, path := range s.with {
		if id, ok := g.pkgID[path]; ok {
			for i, yes := range g.imported(id) {
				in[i] = in[i] || yes
			}
		}
	}
	return in
}
