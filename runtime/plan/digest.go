package plan

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A Reader gives what steps give, as far as that is known at the moment.
type Reader interface {
	// Version returns the version of an output, or, where out is -1, the one that stands for having run; zero where it is not known.
	Version(s *Step, out int32) canon.Digest
	// Data is the same for data versions.
	Data(s *Step, out int32) canon.Digest
	// Load returns an output whose data version is known, as a value that the caller may change. An error that says that a step must run again
	// because what it stored is lost is passed on as it is.
	Load(s *Step, out int32) (any, error)
}

// An Evaluator finds out versions, data versions and values. It is for one goroutine; any number may work on one plan.
type Evaluator struct {
	flow  *flow
	q     *Request
	read  Reader
	hash  *Hasher
	stack []Vertex
	keyed []keyed
}

// keyed is a value that is set at a key.
type keyed struct{ key, value canon.Digest }

// Evaluator returns an evaluator that asks read about steps.
func (p *Plan) Evaluator(read Reader) *Evaluator {
	return &Evaluator{flow: &p.flow, q: &p.builder.Request, read: read, hash: NewHasher()}
}

// Version returns the version of what r leads to; zero where it is not known.
func (e *Evaluator) Version(r Ref) (canon.Digest, error) { return e.digest(r, false) }

// Data returns the data version of what r leads to; zero where it is not known.
func (e *Evaluator) Data(r Ref) (canon.Digest, error) { return e.digest(r, true) }

// digest computes a version, or the truth. It does not recurse: what a loop of thousands carries is a chain of as many values.
func (e *Evaluator) digest(r Ref, truth bool) (canon.Digest, error) {
	r = e.flow.follow(r)
	switch {
	case r.none():
		return canon.Digest{}, nil
	case r.From >= 0:
		return e.leaf(r, truth), nil
	}
	if d, err := e.cached(r.From, truth); err != nil || !d.IsZero() {
		return d, err
	}
	base := len(e.stack)
	defer func() { e.stack = e.stack[:base] }()
	e.stack = append(e.stack, r.From)
	for len(e.stack) > base {
		v := e.stack[len(e.stack)-1]
		d, err := e.cached(v, truth)
		if err == nil && d.IsZero() {
			n := len(e.stack)
			if !e.needs(v, truth) {
				return canon.Digest{}, nil
			}
			if len(e.stack) > n {
				continue
			}
			d, err = e.compute(v, truth)
		}
		if err != nil || d.IsZero() {
			return canon.Digest{}, err
		}
		e.stack = e.stack[:len(e.stack)-1]
	}
	return e.cached(r.From, truth)
}

func (e *Evaluator) leaf(r Ref, truth bool) canon.Digest {
	if truth {
		return e.read.Data(e.flow.step(r.From), r.Out)
	}
	return e.read.Version(e.flow.step(r.From), r.Out)
}

func (e *Evaluator) cached(v Vertex, truth bool) (canon.Digest, error) {
	x := e.flow.value(v)
	e.flow.mu.Lock()
	defer e.flow.mu.Unlock()
	switch {
	case (truth || x.steady) && x.state == resultError:
		return canon.Digest{}, x.err
	case truth:
		return x.data, nil
	}
	return x.version, nil
}

// needs puts what a digest is made of on the stack, as far as it is not known; it reports false where a part cannot be known.
func (e *Evaluator) needs(v Vertex, truth bool) bool {
	need := func(r Ref) bool {
		if r = e.flow.follow(r); r.From >= 0 {
			return !e.leaf(r, truth).IsZero()
		}
		if d, err := e.cached(r.From, truth); err == nil && d.IsZero() {
			e.stack = append(e.stack, r.From)
		}
		return true
	}
	x := e.flow.value(v)
	if x.kind == valueCell && len(x.parts) == 0 || x.kind == valueNothing {
		return false
	}
	for {
		parts := x.parts
		if x.kind == valueSet {
			parts = parts[1:]
		}
		for _, p := range parts {
			if !need(p) {
				return false
			}
		}
		if x.kind != valueSet {
			return true
		}
		base := e.flow.follow(x.parts[0])
		if base.From >= 0 || e.flow.value(base.From).kind != valueSet {
			return need(base)
		}
		x = e.flow.value(base.From)
	}
}

// of is the digest of a part, which is known.
func (e *Evaluator) of(r Ref, truth bool) (canon.Digest, error) {
	if r = e.flow.follow(r); r.From >= 0 {
		return e.leaf(r, truth), nil
	}
	return e.cached(r.From, truth)
}

// compute computes the digest of a value whose parts have theirs, and keeps it.
func (e *Evaluator) compute(v Vertex, truth bool) (d canon.Digest, err error) {
	x := e.flow.value(v)
	switch x.kind {
	case valueKnown:
		_, version, data, err := e.hash.value(x.typ, x.known, e.q.Encode)
		if err != nil {
			return d, err
		}
		e.flow.mu.Lock()
		x.version, x.data = version, data
		e.flow.mu.Unlock()
		return e.cached(v, truth)
	case valueField, valueUnwrap:
		if truth || x.steady {
			_, err = e.evaluate(v)
			if err != nil {
				return d, err
			}
			return e.cached(v, truth)
		}
		d, err = e.project(x)
	case valueMake:
		if truth {
			d, err = e.made(v)
		} else {
			d, err = e.project(x)
		}
	case valueParts:
		d, err = e.composed(x, truth)
	case valueGather:
		d, err = e.partitions(x, truth)
	case valueAppend, valueConcat:
		d, err = e.collected(x, truth)
	case valueSet:
		d, err = e.set(x, truth)
	default:
		err = fmt.Errorf("a value of kind %d has no version", x.kind)
	}
	if err != nil {
		return canon.Digest{}, err
	}
	e.flow.mu.Lock()
	defer e.flow.mu.Unlock()
	if truth {
		x.data = d
	} else {
		x.version = d
	}
	return d, nil
}

// project is the version of a part of something: what it is a part of may still have to be computed.
func (e *Evaluator) project(x *value) (canon.Digest, error) {
	parts, err := e.digests(x.parts, false)
	if err != nil || parts == nil {
		return canon.Digest{}, err
	}
	h := e.hash.enc
	h.Reset(domainProject)
	h.Int("kind", int64(x.kind))
	h.String("path", x.name())
	h.String("type", x.typ.Name)
	h.List("of", len(parts))
	for i := range parts {
		h.Digest("", parts[i])
	}
	return h.Sum(), nil
}

// digests are those of refs; nil where one is not known.
func (e *Evaluator) digests(refs []Ref, truth bool) ([]canon.Digest, error) {
	digests := make([]canon.Digest, len(refs))
	for i, r := range refs {
		var err error
		if digests[i], err = e.of(r, truth); err != nil || digests[i].IsZero() {
			return nil, err
		}
	}
	return digests, nil
}

// composed is the digest of a composite literal, a conversion or a condition.
func (e *Evaluator) composed(x *value, truth bool) (canon.Digest, error) {
	parts, err := e.digests(x.parts, truth)
	if err != nil || parts == nil {
		return canon.Digest{}, err
	}
	h := e.hash.enc
	h.Reset(domainParts)
	h.String("what", x.name())
	h.String("type", x.typ.Name)
	h.List("parts", len(parts))
	for i := range parts {
		h.Digest("", parts[i])
	}
	return h.Sum(), nil
}

// collected is the digest of a list to which something was added: of the list before and each element in turn, so that it does not count how the
// additions were grouped.
func (e *Evaluator) collected(x *value, truth bool) (canon.Digest, error) {
	d, err := e.of(x.parts[0], truth)
	if err != nil || d.IsZero() {
		return canon.Digest{}, err
	}
	domain, h := domainAppend, e.hash.enc
	if x.kind == valueConcat {
		domain = domainConcat
	}
	for _, p := range x.parts[1:] {
		part, err := e.of(p, truth)
		if err != nil || part.IsZero() {
			return canon.Digest{}, err
		}
		h.Reset(domain)
		h.Digest("list", d)
		h.Digest("with", part)
		d = h.Sum()
	}
	return d, nil
}

// set is the digest of a collection in which values were set: of what it was before and what was set, in order. In the truth it is the last value at each
// key, in the order of the keys, where keys can be told apart by their digests.
func (e *Evaluator) set(x *value, truth bool) (canon.Digest, error) {
	e.keyed = e.keyed[:0]
	apart := truth && plainKey(x.typ)
	form := -1
	var base Ref
	for {
		for i := len(x.parts) - 2; i >= 1; i -= 2 { // the last one first
			k, err := e.of(x.parts[i], truth)
			if err != nil || k.IsZero() {
				return canon.Digest{}, err
			}
			v, err := e.of(x.parts[i+1], truth)
			if err != nil || v.IsZero() {
				return canon.Digest{}, err
			}
			e.keyed = append(e.keyed, keyed{k, v})
			f := e.form(x.parts[i])
			apart = apart && f >= 0 && (form < 0 || f == form)
			form = f
		}
		base = e.flow.follow(x.parts[0])
		if base.From >= 0 || e.flow.value(base.From).kind != valueSet {
			break
		}
		x = e.flow.value(base.From)
	}
	before, err := e.of(base, truth)
	if err != nil || before.IsZero() {
		return canon.Digest{}, err
	}
	if apart {
		slices.SortStableFunc(e.keyed, func(a, b keyed) int { return bytes.Compare(a.key[:], b.key[:]) })
		e.keyed = slices.CompactFunc(e.keyed, func(a, b keyed) bool { return a.key == b.key }) // keeps what was set last
	}
	h := e.hash.enc
	h.Reset(domainSet)
	h.Bool("sorted", apart)
	h.Digest("before", before)
	h.List("values", len(e.keyed))
	for i := range e.keyed {
		h.Digest("key", e.keyed[i].key)
		h.Digest("value", e.keyed[i].value)
	}
	return h.Sum(), nil
}

// form says how the data version of a key is made: keys of one form have equal data versions exactly if they are equal. -1 is a form for which that does not
// hold.
func (e *Evaluator) form(r Ref) int {
	if r = e.flow.follow(r); r.From >= 0 {
		return 0 // of the encoding of an output
	}
	switch e.flow.value(r.From).kind {
	case valueKnown, valueField, valueUnwrap:
		return 1 // of a value with its type
	}
	return -1
}

// plainKey reports whether the keys of a collection are equal exactly if their encodings are, which NaN is not.
func plainKey(t *dag.Type) bool {
	if t.Go.Kind() != reflect.Map {
		return true
	}
	switch t.Go.Key().Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128, reflect.Interface, reflect.Struct, reflect.Array, reflect.Pointer:
		return false
	}
	return true
}

// made is the data version of what make gives: its length alone counts.
func (e *Evaluator) made(v Vertex) (canon.Digest, error) {
	x := e.flow.value(v)
	n := 0
	if len(x.parts) > 0 {
		var err error
		if n, err = e.length(x.parts[0]); err != nil {
			return canon.Digest{}, e.failed(v, err)
		}
	}
	h := e.hash.enc
	h.Reset(domainMake)
	h.String("type", x.typ.Name)
	h.Int("length", int64(n))
	return h.Sum(), nil
}

func (x *value) name() string {
	switch {
	case x.kind == valueUnwrap:
		return "*"
	case x.bind != nil:
		return x.bind.Name
	}
	return ""
}
