package model

import (
	"go/token"
	"go/types"

	"github.com/dagstergen/dagstergen/internal/load"
)

const resourceHint = "return (T), (T, error), (T, func()) or (T, func(), error)"

// resourceTypes finds what each resource provides. It runs before any parameters are read, because parameters are told apart by it.
func (b *builder) resourceTypes() {
	for _, p := range b.m.Packages {
		for _, r := range p.Resources {
			if r.Obj.Signature().TypeParams().Len() > 0 || anyInvalid(r.Obj.Signature().Results()) {
				continue // reported with the signature
			}
			b.resourceType(r)
		}
	}
}

func anyInvalid(t *types.Tuple) bool {
	for i := range t.Len() {
		if Invalid(t.At(i).Type()) {
			return true
		}
	}
	return false
}

func (b *builder) resourceType(r *Resource) {
	vars := r.split()
	if len(vars) == 2 {
		if captures(vars[0].Type()) == "" && b.configOf(vars[0].Type()) == nil {
			r.Type = vars[0].Type() // whatever is wrong with the rest, parameters of this type are meant for it
		}
		sig, ok := vars[1].Type().Underlying().(*types.Signature)
		if !ok || sig.Params().Len() > 0 || sig.Results().Len() > 0 {
			b.report(r.Pkg, CodeResource, vars[1].Pos(), varEnd(vars[1]), resourceHint, "%s: its second result is the cleanup and must be a func(), not %s",
				r.GoName, Short(vars[1].Type(), r.Pkg.Types))
			r.Broken = true
			return
		}
		r.Cleanup = true
		vars = vars[:1]
	}
	if len(vars) != 1 {
		pos, end := r.Pos, r.ident.End()
		if res := r.Node.Type.Results; res != nil {
			pos, end = res.Pos(), res.End()
		}
		b.report(r.Pkg, CodeResource, pos, end, resourceHint, "%s: a resource returns one value", r.GoName)
		r.Broken = true
		return
	}
	v := vars[0]
	if why := captures(v.Type()); why != "" {
		b.report(r.Pkg, CodeResourceType, v.Pos(), varEnd(v), "return a type of its own, such as a pointer to a struct", "%s cannot provide %s: %s",
			r.GoName, Short(v.Type(), r.Pkg.Types), why)
		r.Broken = true
		return
	}
	if c := b.configOf(v.Type()); c != nil {
		d := b.report(r.Pkg, CodeResourceType, v.Pos(), varEnd(v), "return a type of its own that holds the config", "%s cannot provide %s: it is a config", r.GoName, Short(v.Type(), r.Pkg.Types))
		b.relate(d, c.Pos, "config %s", c.GoName)
		r.Broken = true
		return
	}
	r.Type = v.Type()
}

// captures says why a type must not be injected everywhere it occurs: it is common as data, or means something else.
func captures(t types.Type) string {
	switch {
	case isError(t):
		return "it is the failure"
	case isContext(t):
		return "contexts come from the engine"
	case isNamed(t, load.RuntimePath, "File"), isDir(t), isNamed(t, load.RuntimePath, "DataVersion"), isNamed(t, load.RuntimePath, "Secret"):
		return "it is data"
	}
	switch u := types.Unalias(t).(type) {
	case *types.Basic, *types.Slice, *types.Array, *types.Map, *types.Struct:
		return "resources are injected by type, and any parameter of this type would receive it"
	case *types.Interface:
		if u.NumMethods() == 0 {
			return "resources are injected by type, and any parameter of this type would receive it"
		}
	}
	return ""
}

// resourceInputs reports parameters of resources that nothing provides.
func (b *builder) resourceInputs(r *Resource) {
	for _, p := range r.Params {
		if p.Role == RoleInput {
			b.notInjected(&r.Func, p, "no resource and no config provides it", CodeResource)
		}
	}
}

// resourceCycles reports resources that need themselves, once per cycle with all its hops.
func (b *builder) resourceCycles() {
	for _, p := range b.m.Packages {
		var nodes []*Resource
		for _, r := range p.Resources {
			if !r.Broken {
				nodes = append(nodes, r)
			}
		}
		for _, cycle := range cycles(nodes, func(r *Resource) []*Resource {
			var out []*Resource
			for _, u := range r.Resources {
				out = append(out, u.Resource)
			}
			return out
		}) {
			b.reportCycle(p, CodeResourceCycle, "resources need each other", "break it by taking one of them apart", len(cycle), func(i int) (name string, pos token.Pos, how string) {
				r, next := cycle[i], cycle[(i+1)%len(cycle)]
				return r.Key, r.paramPos(next), r.Key + " needs " + next.Key
			})
			for _, r := range cycle {
				r.Broken = true
			}
		}
	}
}

// paramPos returns where r takes other.
func (r *Resource) paramPos(other *Resource) token.Pos {
	i := 0
	if r.Recv != nil {
		if r.Resources[0].Resource == other {
			return r.Recv.Pos
		}
		i = 1
	}
	for _, p := range r.Params {
		if p.Role == RoleResource {
			if r.Resources[i].Resource == other {
				return p.Pos
			}
			i++
		}
	}
	return r.Pos
}
