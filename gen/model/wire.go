package model

import (
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// wire connects the parameters of assets and checks to what they name, in the package and its import closure.
func (b *builder) wire() {
	for _, p := range b.m.Packages {
		for _, op := range p.Ops {
			if op.Check != nil {
				b.wireCheck(op)
			}
			if op.Kind != annotations.Asset {
				continue
			}
			b.overrides(op)
			for _, in := range op.Inputs {
				b.wireInput(op, in)
			}
			b.deps(op)
		}
	}
}

// overrides applies in.PARAM=key.
func (b *builder) overrides(op *Op) {
	for _, in := range op.Inputs {
		in.Asset = in.Name
	}
	for _, arg := range op.ann.Args {
		if arg.Param == "" {
			continue
		}
		mapping := strings.HasPrefix(arg.Key, "mapping.")
		i := slices.IndexFunc(op.Inputs, func(in *Input) bool { return in.GoName == arg.Param || in.Name == arg.Param })
		if i >= 0 {
			if in := op.Inputs[i]; mapping {
				in.Mapping = b.mapping(&op.Func, arg)
			} else {
				in.Asset, in.override = arg.Value, true
			}
			continue
		}
		if op.Broken && len(op.Inputs) == 0 {
			continue // its signature could not be read
		}
		var names []string
		for _, in := range op.Inputs {
			names = append(names, in.GoName)
		}
		hint := "it has no data parameters"
		if near, ok := nearest.Of(arg.Param, names); ok {
			hint = "did you mean " + strings.TrimSuffix(arg.Key, arg.Param) + near + "?"
		} else if len(names) > 0 {
			hint = "its data parameters are " + strings.Join(names, ", ")
		}
		what := "has no parameter " + arg.Param
		for _, p := range op.Params {
			if p.GoName == arg.Param && p.Role != RoleInput {
				what = "has a parameter " + arg.Param + ", which is injected and not wired"
			}
		}
		op.Pkg.Diagnostics.Add(diag.Diagnostic{Code: CodeUnknownParam, Pos: arg.Pos, End: arg.End, Message: op.GoName + " " + what, Hint: hint})
		op.Broken = true
	}
}

// lookup returns the assets with this key that p sees.
func (p *Package) lookup(key string) []*Asset {
	var out []*Asset
	for _, q := range p.visible {
		for _, a := range q.assets {
			if a.Key == key && !slices.ContainsFunc(out, func(o *Asset) bool { return o.Op.Pkg == a.Op.Pkg }) { // two in one package are reported with keys
				out = append(out, a)
			}
		}
	}
	return out
}

// known reports whether a broken directive in sight may have declared key.
func (b *builder) known(p *Package, key string) bool {
	for _, q := range p.visible {
		if b.brokenKeys[q][lastPart(key)] {
			return true
		}
	}
	return false
}

// span returns where the key of an input is written: its argument, or the parameter itself.
func (op *Op) span(in *Input, b *builder) (pos, end token.Position) {
	if in.override {
		for _, arg := range op.ann.Args {
			if strings.HasPrefix(arg.Key, "in.") && (arg.Param == in.GoName || arg.Param == in.Name) {
				return arg.ValuePos, arg.End
			}
		}
	}
	return b.at(in.Pos), b.at(in.Pos + token.Pos(len(in.GoName)))
}

func (b *builder) wireInput(op *Op, in *Input) {
	if !in.override && !annotations.ValidName(in.Name) {
		return // reported with the signature
	}
	found := op.Pkg.find(in.Asset, op)
	if len(found) == 0 {
		found = op.itself(op.Pkg, in.Asset)
	}
	pos, end := op.span(in, b)
	switch {
	case len(found) == 0:
		b.unwired(op, in, pos, end)
		return
	case len(found) > 1:
		d := diag.Diagnostic{Code: CodeAmbiguousInput, Pos: pos, End: end, Message: op.GoName + ": " + several(found, in.Asset),
			Hint: "rename one of them with name=, or feed the parameter another with in." + in.GoName + "="}
		for _, a := range found {
			b.relate(&d, a.pos(), "%s of package %s", a.what(), a.Op.Pkg.Path)
		}
		op.Pkg.Diagnostics.Add(d)
		op.Broken = true
		return
	}
	a := found[0]
	in.From, in.Asset = a, a.Key
	switch {
	case a.Op.Broken && a.Output == nil:
		op.Broken = true // what it returns is not known
	case a.Output == nil:
		follow := "deps=" + a.Key
		if op.Check != nil {
			follow = "asset=" + a.Key
		}
		d := diag.Diagnostic{Code: CodeNoValue, Pos: pos, End: end, Message: op.GoName + ": " + a.what() + " returns nothing that parameter " + in.GoName + " could receive",
			Hint: "return a value from " + a.Op.GoName + ", or drop the parameter and follow it with " + follow}
		b.relate(&d, a.pos(), "%s", a.what())
		op.Pkg.Diagnostics.Add(d)
		op.Broken = true
	case Invalid(a.Output.Type) || Invalid(in.Type):
	case !types.Identical(a.Output.Type, in.Type) && GatherElem(in.Type) != nil && types.Identical(a.Output.Type, GatherElem(in.Type)):
		in.Gather = true
	case pointerElem(in.Type) != nil && types.Identical(a.Output.Type, pointerElem(in.Type)) && a.Op.Partitions != nil:
		in.Gather = true // one partition, or none
	case pointerElem(a.Output.Type) != nil && types.Identical(pointerElem(a.Output.Type), in.Type):
		in.Unwrap = true
	case !types.Identical(a.Output.Type, in.Type):
		from := op.Pkg.Types
		d := diag.Diagnostic{Code: CodeInputType, Pos: pos, End: end,
			Message: op.GoName + ": parameter " + in.GoName + " takes " + Short(in.Type, from) + ", but " + a.what() + " makes " + Short(a.Output.Type, from),
			Hint:    "make the types the same, or choose another asset with in." + in.GoName + "="}
		if Short(in.Type, from) == Short(a.Output.Type, from) { // two packages of one name
			d.Message = op.GoName + ": parameter " + in.GoName + " takes " + TypeName(in.Type) + ", but " + a.what() + " makes " + TypeName(a.Output.Type)
		}
		b.relate(&d, a.Output.Pos, "%s is declared here", a.what())
		if in.override {
			b.relate(&d, in.Pos, "parameter %s", in.GoName)
		}
		op.Pkg.Diagnostics.Add(d)
		op.Broken = true
	}
}

func (a *Asset) pos() token.Pos {
	if a.Output != nil && len(a.Op.Outputs) > 1 {
		return a.Output.Pos
	}
	return a.Op.Pos
}

func (a *Asset) what() string { return string(a.Op.Kind) + " " + a.Key }

// unwired handles a parameter for which there is no asset in sight: an explicit key is left to run time, where packages are joined;
// anything else is a mistake.
func (b *builder) unwired(op *Op, in *Input, pos, end token.Position) {
	if in.override && !b.known(op.Pkg, in.Asset) {
		in.Gather = GatherElem(in.Type) != nil // nobody else makes a map or a sequence by partition
		b.inputType(&op.Func, in.Param)
		return
	}
	if b.known(op.Pkg, in.Asset) {
		op.Broken = true // an error was reported where it is declared
		return
	}
	if b.dataProblem(in.Type, op.Pkg.Types) != nil {
		b.inputType(&op.Func, in.Param)
		return
	}
	op.Broken = true
	hint := "annotate a function that makes it with //dag:asset or //dag:source, or name the asset with in." + in.GoName + "=KEY"
	var related []diag.Related
	if near, ok := nearest.Of(in.Asset, op.Pkg.assetKeys(op)); ok {
		hint = "did you mean " + near + "?"
		a := op.Pkg.lookup(near)[0]
		related = append(related, diag.Related{Pos: b.at(a.pos()), Message: a.what()})
	}
	for _, q := range op.Pkg.visible {
		for _, o := range q.Ops {
			if o.Kind == annotations.Op && o.Key == in.Asset {
				hint = o.GoName + " is an op: only assets and sources feed parameters of assets; annotate it with //dag:asset"
				related = []diag.Related{{Pos: b.at(o.Pos), Message: "op " + o.Key}}
			}
		}
	}
	if isRuntime(in.Type, "Partition") || isRuntime(in.Type, "PartitionKey") {
		hint, related = "dag.PartitionOf(ctx) is the partition that is computed; take a context.Context", nil
	}
	op.Pkg.Diagnostics.Add(diag.Diagnostic{Code: CodeUnknownInput, Pos: pos, End: end, Hint: hint, Related: related,
		Message: op.GoName + ": parameter " + in.GoName + " of type " + Short(in.Type, op.Pkg.Types) + " names no asset (" + in.Asset + ")"})
}

// assetKeys are the keys that p sees, those of op left out: nobody means to name himself.
func (p *Package) assetKeys(op *Op) []string {
	var out []string
	for _, q := range p.visible {
		for _, a := range q.assets {
			if a.Op != op {
				out = append(out, a.Key)
			}
		}
	}
	return out
}

// deps resolves deps=.
func (b *builder) deps(op *Op) {
	arg, ok := op.ann.Arg("deps")
	if !ok {
		return
	}
	for _, item := range arg.Items {
		found := op.Pkg.find(item.Text, op)
		switch {
		case len(found) == 1:
			op.Deps = append(op.Deps, found[0])
			continue
		case len(found) > 1:
			d := diag.Diagnostic{Code: CodeAmbiguousInput, Pos: item.Pos, End: item.End, Message: op.GoName + ": " + several(found, item.Text),
				Hint: "rename one of them with name="}
			for _, a := range found {
				b.relate(&d, a.pos(), "%s of package %s", a.what(), a.Op.Pkg.Path)
			}
			op.Pkg.Diagnostics.Add(d)
		case !b.known(op.Pkg, item.Text):
			hint := "name assets of this package or of packages it imports"
			if near, ok := nearest.Of(item.Text, op.Pkg.assetKeys(op)); ok {
				hint = "did you mean " + near + "?"
			}
			op.Pkg.Diagnostics.Add(diag.Diagnostic{Code: CodeUnknownDep, Pos: item.Pos, End: item.End, Hint: hint, Message: op.GoName + ": deps names no asset: " + item.Text})
		}
		op.Broken = true
	}
}

// assetCycles reports assets that need themselves, once per cycle with all its hops.
func (b *builder) assetCycles() {
	for _, p := range b.m.Packages {
		for _, cycle := range cycles(p.gatedOps(), upstream) {
			what, hint := "assets need each other", "break it by leaving out one of these parameters"
			if slices.ContainsFunc(cycle, func(op *Op) bool { return op.Check != nil }) {
				what, hint = "assets and blocking checks need each other", "leave out one of these parameters, or the blocking of a check"
			}
			b.reportCycle(p, CodeAssetCycle, what, hint, len(cycle), func(i int) (string, token.Pos, string) {
				op, next := cycle[i], cycle[(i+1)%len(cycle)]
				for _, in := range op.Inputs {
					if in.From != nil && in.From.Op == next {
						return op.Key, in.Pos, op.Key + " needs " + in.Asset + " (parameter " + in.GoName + ")"
					}
				}
				if next.Check != nil {
					return op.Key, op.Pos, op.Key + " waits for " + next.Key + ", which is blocking"
				}
				return op.Key, op.Pos, op.Key + " follows " + next.Key + " (deps=)"
			})
			for _, op := range cycle {
				op.Broken = true
			}
		}
	}
}

// upstream returns the ops that op needs, by value or by order, and the blocking checks that it waits for.
func upstream(op *Op) []*Op {
	out := slices.Clone(op.Gates)
	for _, in := range op.Inputs {
		if in.From != nil && (in.From.Op != op || op.Partitions == nil) { // of itself it takes other partitions
			out = append(out, in.From.Op)
		}
	}
	for _, a := range op.Deps {
		out = append(out, a.Op)
	}
	return out
}
