package oracle

import (
	"strings"

	"golang.org/x/tools/go/ssa"
)

// initialisers gives the variables of packages the code that initialises them, and finds what else changes them when a program starts.
func (d *dependence) initialisers() {
	owners := map[ssa.Instruction][]int32{} // instructions of a package's initialiser -> the variables, or what stands for a blank one
	for _, lp := range d.prog.Locals() {
		init := d.ssa.Package(lp.Types).Func("init")
		s := slicer{d: d, owners: owners}
		for _, b := range init.Blocks {
			for _, i := range b.Instrs {
				if store, ok := i.(*ssa.Store); ok {
					if g := global(store.Addr); g != nil && g.Object() != nil {
						s.node, s.seen = d.object(g.Object()), map[ssa.Instruction]bool{}
						s.instruction(store)
					}
				}
			}
		}
		for _, b := range init.Blocks {
			for _, i := range b.Instrs {
				call, ok := i.(*ssa.Call)
				if !ok || len(owners[call]) > 0 || isInitialiser(call) {
					continue
				}
				s.node, s.seen = int32(len(d.nodes)), map[ssa.Instruction]bool{}
				d.nodes = append(d.nodes, node{pkg: d.pkgs[lp.Types], seen: map[int32]bool{}, starts: true})
				s.instruction(call)
			}
		}
	}
	d.rest()
	d.dispatch()
	d.setters(owners)
	for n := range d.nodes {
		if !d.nodes[n].starts {
			continue
		}
		r := d.reach(int32(n), false)
		for m := range d.nodes {
			if !r.in[m] {
				continue
			}
			for _, v := range d.nodes[m].sets {
				if v != int32(n) {
					d.nodes[v].by = append(d.nodes[v].by, int32(n))
				}
			}
		}
	}
}

// isInitialiser holds for the call of another package's initialiser or of a declared init function.
func isInitialiser(c *ssa.Call) bool {
	f := c.Call.StaticCallee()
	return f != nil && (f.Synthetic == "package initializer" || isInit(f))
}

// global is the package variable that an address lies in.
func global(v ssa.Value) *ssa.Global {
	for {
		switch a := v.(type) {
		case *ssa.Global:
			return a
		case *ssa.FieldAddr:
			v = a.X
		case *ssa.IndexAddr:
			v = a.X
		default:
			return nil
		}
	}
}

// A slicer finds the part of a package's initialiser that makes the value of one variable.
type slicer struct {
	d      *dependence
	owners map[ssa.Instruction][]int32
	node   int32
	seen   map[ssa.Instruction]bool
}

func (s *slicer) instruction(i ssa.Instruction) {
	if s.seen[i] {
		return
	}
	s.seen[i] = true
	s.owners[i] = append(s.owners[i], s.node)
	s.d.instruction(s.node, i)
	if _, ok := i.(*ssa.Call); ok {
		s.d.nodes[s.node].starts = true
	}
	var room [8]*ssa.Value
	for _, op := range i.Operands(room[:0]) {
		if fn, ok := (*op).(*ssa.Function); ok && fn.Parent() == i.Parent() {
			s.closure(fn)
		}
		if in, ok := (*op).(ssa.Instruction); ok {
			s.instruction(in)
		}
	}
	// What is filled in after it was made.
	switch v := i.(type) {
	case *ssa.Alloc, *ssa.MakeMap, *ssa.MakeSlice, *ssa.FieldAddr, *ssa.IndexAddr, *ssa.Slice:
		for _, r := range *v.(ssa.Value).Referrers() {
			switch r := r.(type) {
			case *ssa.FieldAddr, *ssa.IndexAddr, *ssa.Slice:
				s.instruction(r)
			case *ssa.Store:
				if r.Addr == v.(ssa.Value) {
					s.instruction(r)
				}
			case *ssa.MapUpdate:
				if r.Map == v.(ssa.Value) {
					s.instruction(r)
				}
			}
		}
	case *ssa.Phi: // the conditions that chose
		for _, b := range v.Block().Preds {
			if n := len(b.Instrs); n > 0 {
				if c, ok := b.Instrs[n-1].(*ssa.If); ok {
					s.instruction(c)
				}
			}
		}
	}
}

// closure says that a function literal stands in the initialiser of the variable.
func (s *slicer) closure(fn *ssa.Function) {
	n := s.d.function(fn)
	if decl := s.d.nodes[s.node].decl; s.d.nodes[n].decl == nil && decl != nil {
		s.d.nodes[n].decl, s.d.nodes[n].pkg = decl, s.d.nodes[s.node].pkg
	}
	for _, a := range fn.AnonFuncs {
		s.closure(a)
	}
}

// setters finds the variables that code changes: by assignment, through a map, or by handing them to a function that changes what its
// parameter leads to.
func (d *dependence) setters(owners map[ssa.Instruction][]int32) {
	changes := map[*ssa.Function][]bool{} // by parameter
	for again := true; again; {
		again = false
		for n := range d.nodes {
			fn := d.nodes[n].fn
			if fn == nil || len(fn.Blocks) == 0 || len(fn.Params) == 0 {
				continue
			}
			if changes[fn] == nil {
				changes[fn] = make([]bool, len(fn.Params))
			}
			for i, p := range fn.Params {
				if !changes[fn][i] && d.written(p, changes, nil) {
					changes[fn][i], again = true, true
				}
			}
		}
	}
	initialiser := map[*ssa.Function]bool{}
	for _, p := range d.ssa.AllPackages() {
		initialiser[p.Func("init")] = true
	}
	for n := range d.nodes {
		fn := d.nodes[n].fn
		if fn == nil {
			continue
		}
		for _, b := range fn.Blocks {
			for _, i := range b.Instrs {
				var room [8]*ssa.Value
				for _, op := range i.Operands(room[:0]) {
					g, ok := (*op).(*ssa.Global)
					if !ok || g.Object() == nil {
						continue
					}
					v := d.object(g.Object())
					if v < 0 {
						continue
					}
					if initialiser[fn] {
						continue
					}
					if d.writtenBy(i, g, changes, map[ssa.Value]bool{}, nil) {
						d.nodes[n].sets = append(d.nodes[n].sets, v)
					}
				}
			}
		}
	}
	for i, nodes := range owners {
		if _, ok := i.(*ssa.Store); ok {
			continue
		}
		var room [8]*ssa.Value
		for _, op := range i.Operands(room[:0]) {
			g, ok := (*op).(*ssa.Global)
			if !ok || g.Object() == nil || d.object(g.Object()) < 0 || !d.writtenBy(i, g, changes, map[ssa.Value]bool{}, calls) {
				continue
			}
			for _, n := range nodes {
				d.nodes[n].sets = append(d.nodes[n].sets, d.object(g.Object()))
			}
		}
	}
}

// calls restricts writes to those by a call.
func calls(i ssa.Instruction) bool { _, ok := i.(ssa.CallInstruction); return ok }

// written reports whether what v leads to is changed by the code around it.
func (d *dependence) written(v ssa.Value, changes map[*ssa.Function][]bool, only func(ssa.Instruction) bool) bool {
	return d.writtenValue(v, changes, map[ssa.Value]bool{}, only)
}

func (d *dependence) writtenValue(v ssa.Value, changes map[*ssa.Function][]bool, seen map[ssa.Value]bool, only func(ssa.Instruction) bool) bool {
	if seen[v] || v.Referrers() == nil {
		return false
	}
	seen[v] = true
	for _, r := range *v.Referrers() {
		if d.writtenBy(r, v, changes, seen, only) {
			return true
		}
	}
	return false
}

// setterNames are methods of other modules' types that keep what they are given.
var setterNames = map[string]bool{"Store": true, "LoadOrStore": true, "Swap": true, "Add": true, "Put": true, "Set": true, "PushBack": true, "PushFront": true}

// writtenBy reports whether instruction i, of which v is an operand, changes what v leads to, or hands it on to something that does.
func (d *dependence) writtenBy(i ssa.Instruction, v ssa.Value, changes map[*ssa.Function][]bool, seen map[ssa.Value]bool, only func(ssa.Instruction) bool) bool {
	if only == nil {
		only = func(ssa.Instruction) bool { return true }
	}
	switch i := i.(type) {
	case *ssa.Store:
		return i.Addr == v && only(i)
	case *ssa.MapUpdate:
		return i.Map == v && only(i)
	case *ssa.Send:
		return i.Chan == v && only(i)
	case *ssa.FieldAddr, *ssa.IndexAddr, *ssa.Field, *ssa.Index, *ssa.UnOp, *ssa.ChangeType, *ssa.Convert, *ssa.Slice, *ssa.Phi, *ssa.TypeAssert,
		*ssa.Extract, *ssa.ChangeInterface:
		return d.writtenValue(i.(ssa.Value), changes, seen, only)
	case ssa.CallInstruction:
		c := i.Common()
		if b, ok := c.Value.(*ssa.Builtin); ok {
			return (b.Name() == "delete" || b.Name() == "copy" || b.Name() == "clear") && len(c.Args) > 0 && c.Args[0] == v
		}
		if c.IsInvoke() {
			return false
		}
		fn := c.StaticCallee()
		if fn == nil {
			return false
		}
		for k, a := range c.Args {
			if a != v {
				continue
			}
			if w := changes[fn]; w != nil && k < len(w) && w[k] {
				return true
			}
			if len(fn.Blocks) == 0 && k == 0 && fn.Signature.Recv() != nil && setterNames[strings.TrimSuffix(fn.Name(), "$bound")] {
				return true
			}
		}
	}
	return false
}
