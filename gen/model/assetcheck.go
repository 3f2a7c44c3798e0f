package model

import (
	"go/token"
	"go/types"
	"slices"

	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// A Check is what a function marked //dag:check says beside how it is computed.
type Check struct {
	Asset    *Asset // nil until it is wired, or where that failed
	Name     string // of the check: its key is ASSET:NAME
	Warn     bool   // severity=warn
	Blocking bool
	Bool     bool // it returns a bool, and no dag.CheckResult
}

const checkHint = "return a bool or a dag.CheckResult, and an error where the check itself can fail"

// checkResults reads what a check returns.
func (b *builder) checkResults(op *Op) {
	if op.Broken {
		return
	}
	vars := op.split()
	if len(vars) == 1 {
		switch t := types.Unalias(vars[0].Type()); {
		case types.Identical(t, types.Typ[types.Bool]):
			op.Check.Bool = true
			return
		case isRuntime(t, "CheckResult"):
			return
		}
	}
	pos, end := op.Pos, op.ident.End()
	if r := op.Node.Type.Results; r != nil {
		pos, end = r.Pos(), r.End()
	}
	why := "a check returns one result, which says whether the asset is as it should be"
	if len(vars) == 0 && op.HasError {
		why = "an error says that the check could not be made, not that the asset did not pass"
	}
	b.report(op.Pkg, CodeCheckResult, pos, end, checkHint, "%s: %s", op.GoName, why)
	op.Broken = true
}

// wireCheck connects the parameters of a check, and finds the asset that it is about.
func (b *builder) wireCheck(op *Op) {
	b.overrides(op)
	subject, ok := b.subject(op)
	if !ok {
		op.Broken = true
		return
	}
	for _, in := range op.Inputs {
		b.wireInput(op, in)
	}
	if subject != nil {
		if subject.From == nil && !op.Broken { // an explicit key, which a parameter may leave to run time
			pos, end := op.span(subject, b)
			b.noCheckedAsset(op, subject.Asset, pos, end)
		}
		op.Check.Asset = subject.From
	}
	if a := op.Check.Asset; a != nil {
		op.Key = CheckKey(a.Key, op.Check.Name)
		op.Partitions = a.Op.Partitions // each partition is checked by itself
		if a.Op.Pkg == op.Pkg {
			b.checks[a.Op] = append(b.checks[a.Op], op)
		}
		if op.Check.Blocking {
			b.blocking[a.Key] = append(b.blocking[a.Key], op)
		}
	}
}

// CheckKey is the key of a check of an asset.
func CheckKey(asset, name string) string { return asset + ":" + name }

// subject finds the parameter that takes the value of the asset; nil for a check that only follows it. ok is false after an error.
func (b *builder) subject(op *Op) (in *Input, ok bool) {
	arg, explicit := op.ann.Arg("asset")
	switch {
	case op.Broken:
		return nil, false
	case !explicit && len(op.Inputs) > 0:
		return op.Inputs[0], true
	case !explicit:
		b.report(op.Pkg, CodeCheckAsset, op.Pos, op.ident.End(), "take the value of the asset as the first parameter, or name the asset with asset=KEY", "%s: it does not say which asset it is about", op.GoName)
		return nil, false
	}
	for _, in := range op.Inputs {
		if in.Asset == arg.Value {
			return in, true
		}
	}
	found := op.Pkg.find(arg.Value, op)
	switch {
	case len(found) == 0:
		if !b.known(op.Pkg, arg.Value) {
			b.noCheckedAsset(op, arg.Value, arg.ValuePos, arg.End)
		}
		return nil, false
	case len(found) > 1:
		d := b.argError(&op.Func, CodeAmbiguousInput, arg, "rename one of them with name=", "%s: %s", op.GoName, several(found, arg.Value))
		for _, a := range found {
			b.relate(d, a.pos(), "%s of package %s", a.what(), a.Op.Pkg.Path)
		}
		return nil, false
	}
	for _, in := range op.Inputs {
		if !in.override && len(op.Pkg.find(in.Asset, op)) == 0 && !b.known(op.Pkg, in.Asset) {
			in.Asset = arg.Value
			return in, true
		}
	}
	op.Check.Asset, op.Deps = found[0], []*Asset{found[0]}
	return nil, true
}

// noCheckedAsset reports a check of something that is no asset in sight.
func (b *builder) noCheckedAsset(op *Op, key string, pos, end token.Position) {
	d := diag.Diagnostic{Code: CodeCheckAsset, Pos: pos, End: end, Hint: "name an asset or a source of this package or of one that it imports", Message: op.GoName + " checks " + key + ", and there is no asset of that key"}
	if near, ok := nearest.Of(key, op.Pkg.assetKeys(op)); ok {
		d.Hint = "did you mean " + near + "?"
		a := op.Pkg.lookup(near)[0]
		b.relate(&d, a.pos(), "%s", a.what())
	}
	for _, q := range op.Pkg.visible {
		for _, o := range q.Ops {
			if o.Key == key && len(o.assets()) == 0 {
				d.Message, d.Hint = op.GoName+" checks "+key+", which is "+article(string(o.Kind)), "only assets and sources are checked: name one, or mark "+o.GoName+" //dag:asset"
				d.Related = []diag.Related{{Pos: b.at(o.Pos), Message: string(o.Kind) + " " + o.Key}}
			}
		}
	}
	op.Pkg.Diagnostics.Add(d)
	op.Broken = true
}

// checkKeys reports checks of one asset that have one name.
func (b *builder) checkKeys() {
	for _, p := range b.m.Packages {
		var all []keyed
		for _, op := range p.Ops {
			if op.Check != nil && op.Check.Asset != nil {
				all = append(all, keyed{op.Key, "check " + op.GoName, p, op.Pos, &op.Func})
			}
		}
		b.uniqueKeys(all)
	}
}

// gates are the blocking checks that op waits for: those of what it is made from or follows. A check does not wait for others of its own asset.
func (b *builder) gates(op *Op) (out []*Op) {
	add := func(key string) {
		if op.Check == nil || op.Check.Asset == nil || op.Check.Asset.Key != key {
			out = append(out, b.blocking[key]...)
		}
	}
	for _, in := range op.Inputs {
		if in.From != nil {
			add(in.From.Key)
		}
	}
	for _, a := range op.Deps {
		add(a.Key)
	}
	return slices.DeleteFunc(out, func(c *Op) bool { return c == op })
}

// findGates sets what each op waits for, once all is wired.
func (b *builder) findGates() {
	for _, p := range b.m.Packages {
		for _, op := range p.Ops {
			op.Gates = b.gates(op)
		}
	}
}

// gatedOps are the ops among which cycles through blocking checks may run: those of other packages too, where p has a blocking check of an asset of theirs.
func (p *Package) gatedOps() []*Op {
	foreign := slices.ContainsFunc(p.Ops, func(op *Op) bool {
		return op.Check != nil && op.Check.Blocking && op.Check.Asset != nil && op.Check.Asset.Op.Pkg != p
	})
	if !foreign {
		return p.Ops
	}
	var all []*Op
	for _, q := range p.visible { // itself first
		all = append(all, q.Ops...)
	}
	return all
}
