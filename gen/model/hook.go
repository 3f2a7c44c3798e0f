package model

import (
	"go/token"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
)

// A Hook is a function marked //dag:hook.
type Hook struct {
	Func
	On     string // "success", "failure", or empty for both
	Handle string // "AlertHook"
}

const hookHint = "a hook takes a context, a dag.HookContext and resources, and returns an error or nothing"

// hookSignature checks the parameters and results of a hook.
func (b *builder) hookSignature(h *Hook) {
	b.params(&h.Func)
	if h.Broken {
		return
	}
	seen := false
	for _, p := range h.Params {
		switch {
		case p.Role == RoleConfig:
			b.report(h.Pkg, CodeHook, p.Pos, token.NoPos, "take it in a resource", "%s: a hook has no config of its own", h.GoName)
		case p.Role != RoleInput:
			continue
		case !isRuntime(p.Type, "HookContext"):
			d := b.report(h.Pkg, CodeHook, p.Pos, token.NoPos, hookHint, "%s: no resource provides parameter %s of type %s", h.GoName, orBlank(p.GoName), Short(p.Type, h.Pkg.Types))
			b.nearResources(d, h.Pkg, p.Type)
		case seen:
			b.report(h.Pkg, CodeHook, p.Pos, token.NoPos, "keep one of them", "%s takes two dag.HookContext", h.GoName)
		default:
			seen = true
			continue
		}
		h.Broken = true
	}
	results := h.Obj.Signature().Results()
	for i := range results.Len() {
		v := results.At(i)
		if i == 0 && results.Len() == 1 && isError(v.Type()) {
			h.HasError = true
			continue
		}
		b.report(h.Pkg, CodeHook, v.Pos(), varEnd(v), hookHint, "%s: a hook gives no data", h.GoName)
		h.Broken = true
		return
	}
}

// hooks finds what hooks= of f names: by Go function or by key, in the package first.
func (b *builder) hooks(f *Func, r *Running) {
	if r.hooks == nil {
		return
	}
	r.Hooks = b.hooksOf(f, *r.hooks)
}

func (b *builder) hooksOf(f *Func, arg annotations.Arg) []*Hook {
	var out []*Hook
	for _, item := range arg.Items {
		if h := b.hook(f, arg, item); h != nil && !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

func (b *builder) hook(f *Func, arg annotations.Arg, item annotations.Item) *Hook {
	at := arg
	at.ValuePos, at.End = item.Pos, item.End
	h := referred(b, f, at, item.Text, hookReferral)
	if h == nil || h.Broken {
		f.Broken = true
		return nil
	}
	return h
}

// hooks adds what hooks need to the definitions.
func (r *reach) hookList(list []*Hook, n need) {
	for _, h := range list {
		if _, seen := r.hooks[h]; seen {
			continue
		}
		r.hooks[h] = n
		r.injected(&h.Func, "hook "+h.Key)
	}
}

// sortedHooks are the hooks of the definitions by key.
func (r *reach) sortedHooks() []*Hook {
	var out []*Hook
	for h := range r.hooks {
		out = append(out, h)
	}
	slices.SortFunc(out, func(x, y *Hook) int { return strings.Compare(x.Key+"\x00"+x.Symbol, y.Key+"\x00"+y.Symbol) })
	return out
}
