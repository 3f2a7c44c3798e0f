package plan

import (
	"math"
	"sync"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A Vertex is a step or a value of a plan: the step with this index, or, where it is negative, the value with the index ^v.
type Vertex int32

// A Ref is where something is taken from: an output of a step, or a value.
type Ref struct {
	From Vertex
	Out  int32 // of a step: the output, or -1 for the order alone
}

// noRef leads nowhere: what it would lead to is no part of the run.
var noRef = Ref{From: math.MinInt32}

func (r Ref) none() bool { return r.From == math.MinInt32 }

// A flow is the graph of a run as far as it is known: steps and the values between them. It only grows: what is in it keeps its index and its address.
//
// Whoever reads the lists may do so beside one that adds to them; edges, regions and where cells lead are guarded by the caller, the results of
// values by mu.
type flow struct {
	steps   Pages[Step]
	values  Pages[value]
	edges   []edge // from 1
	regions Pages[region]
	nothing Ref // the value that leads nowhere; noRef until there is one

	mu sync.Mutex // of the versions, data and results that values keep

	refs    slab[Ref]
	digests slab[canon.Digest]
}

// A slab cuts small slices out of large ones.
type slab[T any] struct {
	free []T
	next int
}

// cut returns n zero values.
func (s *slab[T]) cut(n int) []T {
	if n > len(s.free) {
		s.next = min(max(2*s.next, 16), 4096)
		s.free = make([]T, max(n, s.next))
	}
	c := s.free[:n:n]
	s.free = s.free[n:]
	return c
}

// An edge leads from what is given to who takes it. The edges of one vertex are a list.
type edge struct {
	to    Vertex
	next  int32
	order bool // for the order alone
}

func (f *flow) step(v Vertex) *Step     { return f.steps.At(int(v)) }
func (f *flow) value(v Vertex) *value   { return f.values.At(int(^v)) }
func (f *flow) region(id int32) *region { return f.regions.At(int(id)) }

// connect makes to wait for what r leads to.
func (f *flow) connect(r Ref, to Vertex, order bool) {
	if r.none() {
		return
	}
	if len(f.edges) == 0 {
		f.edges = append(f.edges, edge{})
	}
	first := f.first(r.From)
	f.edges = append(f.edges, edge{to: to, next: *first, order: order})
	*first = int32(len(f.edges) - 1)
}

func (f *flow) first(v Vertex) *int32 {
	if v >= 0 {
		return &f.step(v).down
	}
	return &f.value(v).down
}

// downstream calls yield for each time that something takes from v.
func (f *flow) downstream(v Vertex, yield func(to Vertex, order bool)) {
	for i := *f.first(v); i != 0; i = f.edges[i].next {
		yield(f.edges[i].to, f.edges[i].order)
	}
}

// A valueKind says how a value is made.
type valueKind uint8

const (
	valueKnown   valueKind = iota // known
	valueField                    // Func of the first part
	valueParts                    // Func of the parts
	valueUnwrap                   // what the part points to
	valueAppend                   // the first part with the others at its end
	valueConcat                   // the first part with the elements of the others at its end
	valueSet                      // the first part with values set: index, value, index, value ...
	valueMake                     // empty, or of the length of its part
	valueCell                     // what a region will give; then its part
	valueBarrier                  // nothing, after its parts
	valueControl                  // nothing: what decides about a region
	valueGather                   // several partitions of an asset: the parts
	valueNothing                  // what is no part of the run, in place of what a region gives
)

// A value is something between steps that no step gives as it is: a parameter, the element of a collection, a part of an output, what a loop
// collects.
type value struct {
	kind   valueKind
	steady bool // made of what is known before any step has run
	down   int32
	typ    *dag.Type
	bind   *dag.Binding
	parts  []Ref
	region int32 // of a cell or a control
	result       // guarded by the flow's mu
}

// A result is what is known of a value.
type result struct {
	known   any          // the value itself, which nobody must change
	version canon.Digest // zero where it is not known
	data    canon.Digest
	bytes   []byte // its encoding, in place of known where consumers could change that
	state   resultState
	err     error // why there is none
}

type resultState uint8

const (
	resultNone  resultState = iota
	resultKnown             // known
	resultBytes             // bytes
	resultError             // err
)

// addValue adds a value that is made of parts.
func (f *flow) addValue(v value) Ref {
	at := ^Vertex(f.values.Len())
	*f.values.Add() = v
	for _, r := range v.parts {
		f.connect(r, at, v.kind == valueBarrier)
	}
	return Ref{From: at}
}

// join connects a new step, whose inputs, deps and orders are set.
func (f *flow) join(s *Step) {
	at := Vertex(s.Index)
	for _, r := range s.Inputs {
		f.connect(r, at, false)
	}
	for _, r := range s.Deps {
		f.connect(r, at, false)
	}
	for _, r := range s.After {
		f.connect(r, at, true)
	}
}

// resolve lets a cell lead to what its region gives.
func (f *flow) resolve(cell Vertex, r Ref) {
	if r.none() {
		if f.nothing.none() {
			f.nothing = f.addValue(value{kind: valueNothing})
		}
		r = f.nothing
	}
	c := f.value(cell)
	f.mu.Lock()
	c.parts = f.refs.cut(1)
	c.parts[0] = r
	f.mu.Unlock()
	f.connect(r, cell, false)
}

// follow leads through cells to what they stand for; an unresolved one stands for itself.
func (f *flow) follow(r Ref) Ref {
	for r.From < 0 && !r.none() {
		v := f.value(r.From)
		if v.kind != valueCell {
			return r
		}
		f.mu.Lock()
		parts := v.parts
		f.mu.Unlock()
		if len(parts) == 0 {
			return r
		}
		r = parts[0]
	}
	return r
}
