package plan

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A region is a loop or a branch whose steps are not known when what is around it is laid out: what it goes over, or its condition, has to be computed
// first. The first region of a plan is the body of the job.
type region struct {
	control Vertex // the value that decides
	frame   *frame // around it; nil once it is expanded
	name    string // of one that is
	site    int32
	up      int32 // the region it stands in
	ord     int32 // and where
	depth   int32

	cells  []Vertex // what it gives: the outputs of its node, then its end where something waits for that
	items  []item   // what it holds, in plan order
	state  regionState
	err    error // why it cannot be expanded while planning
	failed error // why it could not be in the run
}

type regionState uint8

const (
	regionPending regionState = iota
	regionExpanded
	regionFailed
)

// An item is something in a region: a step, a step that is only shown, or a region.
type item struct {
	step   int32 // -1 for none
	region int32 // -1 for none
	shown  *Step // an arm that is not taken
}

// A spread is a collection as the elements of a loop.
type spread struct {
	items   []spreadItem
	named   []string // mapping keys; nil for the index
	numbers bool     // they are the numbers below another one: an element is its own key
}

// A spreadItem is an element: a part of something that was collected, or a value.
type spreadItem struct {
	ref Ref
	val reflect.Value
	key reflect.Value // in a map
}

// over turns what a loop goes over into elements. Without load it gives up, with ok false, where a step would have to be asked.
func (e *Evaluator) over(r Ref, load bool) (s *spread, ok bool, err error) {
	var chain []*value
	for {
		if r = e.flow.follow(r); r.From >= 0 {
			break
		}
		x := e.flow.value(r.From)
		if x.kind != valueAppend && x.kind != valueConcat && x.kind != valueSet {
			break
		}
		chain = append(chain, x)
		r = x.parts[0]
	}
	s = &spread{}
	switch base, known := e.plain(r); {
	case known:
		err = s.take(reflect.ValueOf(base))
	case !load:
		return nil, false, nil
	default:
		var v any
		if v, err = e.Value(r); err == nil {
			err = s.take(reflect.ValueOf(v))
		}
	}
	if err != nil {
		return nil, false, err
	}
	var index *keyIndex
	for i := len(chain) - 1; i >= 0; i-- {
		x := chain[i]
		switch x.kind {
		case valueAppend:
			for _, p := range x.parts[1:] {
				s.items = append(s.items, spreadItem{ref: p})
			}
		case valueConcat:
			for _, p := range x.parts[1:] {
				more, ok, err := e.over(p, load)
				if err != nil || !ok {
					return nil, ok, err
				}
				s.items = append(s.items, more.items...)
			}
		default:
			if index == nil && x.typ.Go.Kind() == reflect.Map {
				index = newKeyIndex(s, x.typ.Go.Key())
			}
			if ok, err := e.setItems(s, index, x, load); err != nil || !ok {
				return nil, ok, err
			}
		}
	}
	if index != nil {
		if err := s.sort(index.typ); err != nil {
			return nil, false, err
		}
	}
	return s, true, nil
}

// plain returns a value that is known without asking a step and that the caller must not change.
func (e *Evaluator) plain(r Ref) (any, bool) {
	if r = e.flow.follow(r); r.From >= 0 || r.none() {
		return nil, false
	}
	x := e.flow.value(r.From)
	if x.kind == valueKnown {
		return x.known, true
	}
	if x.steady {
		if v, err := e.Value(r); err == nil {
			return v, true
		}
	}
	return nil, false
}

// setItems sets elements.
func (e *Evaluator) setItems(s *spread, index *keyIndex, x *value, load bool) (ok bool, err error) {
	for j := 1; j+1 < len(x.parts); j += 2 {
		key, known := e.plain(x.parts[j])
		if !known {
			if !load {
				return false, nil
			}
			if key, err = e.Value(x.parts[j]); err != nil {
				return false, err
			}
		}
		if index != nil {
			index.set(s, valueOf(key, index.typ), x.parts[j+1])
			continue
		}
		i, whole := integer(reflect.ValueOf(key))
		if !whole || i < 0 || i >= int64(len(s.items)) {
			return false, &ValueError{Err: fmt.Errorf("index out of range [%v] with length %d", key, len(s.items))}
		}
		s.items[i] = spreadItem{ref: x.parts[j+1]}
	}
	return true, nil
}

// keyIndex is where the elements of a map stand in a spread.
type keyIndex struct {
	typ reflect.Type
	at  reflect.Value // map from key to int
}

func newKeyIndex(s *spread, key reflect.Type) *keyIndex {
	k := &keyIndex{typ: key, at: reflect.MakeMap(reflect.MapOf(key, reflect.TypeFor[int]()))}
	for i := range s.items {
		k.at.SetMapIndex(s.items[i].key, reflect.ValueOf(i))
	}
	return k
}

func (k *keyIndex) set(s *spread, key reflect.Value, r Ref) {
	if at := k.at.MapIndex(key); at.IsValid() {
		s.items[at.Int()] = spreadItem{ref: r, key: key}
		return
	}
	k.at.SetMapIndex(key, reflect.ValueOf(len(s.items)))
	s.items = append(s.items, spreadItem{ref: r, key: key})
}

// take makes the elements of a value: of a slice, an array or a map, or the numbers below an integer.
func (s *spread) take(v reflect.Value) error {
	switch {
	case !v.IsValid():
		return nil
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Array:
		s.items = make([]spreadItem, v.Len())
		for i := range s.items {
			s.items[i] = spreadItem{ref: noRef, val: v.Index(i)}
		}
		return nil
	case v.Kind() == reflect.Map:
		s.items = make([]spreadItem, 0, v.Len())
		for it := v.MapRange(); it.Next(); {
			s.items = append(s.items, spreadItem{ref: noRef, val: it.Value(), key: it.Key()})
		}
		return s.sort(v.Type().Key())
	}
	n, ok := integer(v)
	if !ok {
		return fmt.Errorf("a loop cannot go over a %s", v.Type())
	}
	if n > maxLength {
		return &ValueError{Err: fmt.Errorf("a loop over %d elements is too long", n)}
	}
	s.items, s.numbers = make([]spreadItem, max(0, n)), true
	for i := range s.items {
		x := reflect.New(v.Type()).Elem()
		if x.CanInt() {
			x.SetInt(int64(i))
		} else {
			x.SetUint(uint64(i))
		}
		s.items[i] = spreadItem{ref: noRef, val: x}
	}
	return nil
}

// sort orders the elements of a map by key.
func (s *spread) sort(key reflect.Type) error {
	less, err := ordering(key)
	if err != nil {
		return err
	}
	slices.SortFunc(s.items, func(a, b spreadItem) int { return less(a.key, b.key) })
	return nil
}

// ordering returns how the keys of a map are ordered: numbers by size, text by its bytes, false before true, and all else by how it is
// shown.
func ordering(key reflect.Type) (func(a, b reflect.Value) int, error) {
	sign := func(less, more bool) int {
		switch {
		case less:
			return -1
		case more:
			return 1
		}
		return 0
	}
	switch zero := reflect.Zero(key); {
	case zero.CanInt():
		return func(a, b reflect.Value) int { return sign(a.Int() < b.Int(), a.Int() > b.Int()) }, nil
	case zero.CanUint():
		return func(a, b reflect.Value) int { return sign(a.Uint() < b.Uint(), a.Uint() > b.Uint()) }, nil
	case zero.CanFloat():
		return func(a, b reflect.Value) int { return sign(a.Float() < b.Float(), a.Float() > b.Float()) }, nil
	case key.Kind() == reflect.String:
		return func(a, b reflect.Value) int { return sign(a.String() < b.String(), a.String() > b.String()) }, nil
	case key.Kind() == reflect.Bool:
		return func(a, b reflect.Value) int { return sign(!a.Bool() && b.Bool(), a.Bool() && !b.Bool()) }, nil
	}
	return func(a, b reflect.Value) int {
		return bytes.Compare(fmt.Appendf(nil, "%#v", a.Interface()), fmt.Appendf(nil, "%#v", b.Interface()))
	}, nil
}

// keyText is how a mapping key is written.
func keyText(v reflect.Value) string {
	if !v.IsValid() {
		return "nil"
	}
	switch {
	case v.Kind() == reflect.String:
		return v.String()
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	}
	return fmt.Sprint(v.Interface())
}

// name gives the elements their mapping keys: what a //dag:key says, else the key in a map, else the index.
func (e *Evaluator) name(s *spread, fr *frame, site int32) error {
	m := fr.sc.sites[site].node.Map
	byKey := len(s.items) > 0 && s.items[0].key.IsValid()
	if m.Key == nil && !byKey {
		return nil
	}
	s.named = make([]string, len(s.items))
	seen := make(map[string]int, len(s.items))
	for i := range s.items {
		v := s.items[i].key
		if m.Key != nil {
			got, err := e.keyOf(m.Key, fr, site, s, i)
			if err != nil {
				return err
			}
			v = reflect.ValueOf(got)
		}
		text := keyText(v)
		if first, twice := seen[text]; twice {
			return &ValueError{Err: fmt.Errorf("mapping key %q twice: elements %d and %d; give them a //dag:key that is unique", text, first, i)}
		}
		seen[text] = i
		s.named[i] = text
	}
	return nil
}

// keyOf evaluates a //dag:key for an element. It looks at the element as it is: nobody keeps what it sees.
func (e *Evaluator) keyOf(b *dag.Binding, fr *frame, site int32, s *spread, i int) (any, error) {
	switch {
	case b.Kind == dag.FromElem && b.Node == int(site):
		if it := &s.items[i]; it.ref.none() {
			return it.val.Interface(), nil
		}
		return e.Value(s.items[i].ref)
	case b.Kind == dag.FromKey && b.Node == int(site):
		if k := s.items[i].key; k.IsValid() {
			return k.Interface(), nil
		}
		if s.numbers {
			return s.items[i].val.Interface(), nil
		}
		return i, nil
	case b.Kind == dag.FromLiteral:
		return b.Value, nil
	case b.Kind == dag.FromField || b.Kind == dag.FromParts:
		parts := make([]any, len(b.Parts))
		for k := range b.Parts {
			var err error
			if parts[k], err = e.keyOf(&b.Parts[k], fr, site, s, i); err != nil {
				return nil, err
			}
		}
		var v any
		err := e.guard(b.Name, func() error { v = b.Func(parts); return nil })
		return v, err
	}
	r, ok := fr.lookup(b)
	if !ok {
		return nil, &ValueError{Err: errors.New("a mapping key is made of the element, its key and what the graph is given, and of nothing that is computed")}
	}
	return e.Value(r)
}
