package partition

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A Definition says which partitions there are. Make one with [Static], [Hourly], [Daily], [Weekly], [Monthly], [Cron], [Dynamic] or [Multi]; what
// is wrong with it is told by Err and Resolve, so that a package variable can hold it.
type Definition struct {
	kind kind
	err  error

	keys *listing // static
	name string   // dynamic
	time *windows
	dims []Dimension // sorted by name
}

type kind uint8

const (
	kindStatic kind = iota
	kindDynamic
	kindTime
	kindMulti
)

// At is what a definition is resolved with.
type At struct {
	// Now decides which time windows have ended; only those are partitions, where an end offset does not say more.
	Now time.Time
	// Keys returns the keys of the dynamic definition of this name, in the order in which they were added. It may be nil where there is none.
	Keys func(name string) ([]string, error)
}

// Static has the given keys, in this order.
func Static(keys ...string) *Definition {
	d := &Definition{kind: kindStatic}
	var errs []error
	if len(keys) == 0 {
		errs = append(errs, errors.New("static partitions without keys; give at least one"))
	}
	for _, key := range keys {
		errs = append(errs, CheckKey(key))
	}
	var err error
	d.keys, err = newListing(slices.Clone(keys))
	d.err = errors.Join(append(errs, err)...)
	return d
}

// Dynamic has the keys that were added under name to an instance.
func Dynamic(name string) *Definition {
	d := &Definition{kind: kindDynamic, name: name}
	if name == "" {
		d.err = errors.New("dynamic partitions without a name; say which keys of the instance they are")
	}
	return d
}

// A Dimension is one of several ways in which something is partitioned.
type Dimension struct {
	Name string
	Keys *Definition
}

// Dim names a dimension of a [Multi].
func Dim(name string, keys *Definition) Dimension { return Dimension{name, keys} }

// Multi has a partition for each combination of a key of every dimension. Dimensions are ordered by their names, whatever the order in which they are given,
// and keys are written in that order with a bar between: "paris|2024-01-01".
func Multi(dims ...Dimension) *Definition {
	d := &Definition{kind: kindMulti, dims: slices.Clone(dims)}
	slices.SortStableFunc(d.dims, func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) })
	var errs []error
	if len(dims) == 0 {
		errs = append(errs, errors.New("partitions of several dimensions without a dimension; give at least one"))
	}
	for i, dim := range d.dims {
		switch {
		case !dimensionName(dim.Name):
			errs = append(errs, fmt.Errorf("dimension %q: a name has letters, digits and underscores, and begins with no digit", dim.Name))
		case i > 0 && d.dims[i-1].Name == dim.Name:
			errs = append(errs, fmt.Errorf("dimension %q is given twice", dim.Name))
		}
		switch {
		case dim.Keys == nil:
			errs = append(errs, fmt.Errorf("dimension %q has no definition", dim.Name))
		case dim.Keys.kind == kindMulti:
			errs = append(errs, fmt.Errorf("dimension %q has dimensions itself; list them all in one Multi", dim.Name))
		case dim.Keys.err != nil:
			errs = append(errs, fmt.Errorf("dimension %q: %w", dim.Name, dim.Keys.err))
		}
	}
	d.err = errors.Join(errs...)
	return d
}

func dimensionName(name string) bool {
	for i, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// CheckKey says what is wrong with a key that somebody chose; nil for nothing. Keys are shown in tables and selected by text, so they have no control characters, no
// "...", which stands for ranges, and no bar, which stands between dimensions.
func CheckKey(key string) error {
	switch {
	case key == "":
		return errors.New("an empty partition key")
	case strings.Contains(key, "..."):
		return fmt.Errorf(`partition key %q has "...", which stands for a range`, key)
	case strings.Contains(key, "|"):
		return fmt.Errorf(`partition key %q has "|", which stands between dimensions`, key)
	case strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("partition key %q has a control character", key)
	}
	return nil
}

// Err returns all that is wrong with the definition itself, or nil.
func (d *Definition) Err() error { return d.err }

// String describes the definition in a few words: "daily from 2024-01-01 in Europe/Berlin".
func (d *Definition) String() string {
	switch d.kind {
	case kindDynamic:
		return "dynamic " + d.name
	case kindTime:
		return d.time.String()
	case kindMulti:
		var parts []string
		for _, dim := range d.dims {
			if dim.Keys == nil {
				parts = append(parts, dim.Name+": none")
				continue
			}
			parts = append(parts, dim.Name+": "+dim.Keys.String())
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprintf("static, %d keys", d.keys.len())
}

// DynamicNames returns the names of the dynamic definitions in it, sorted.
func (d *Definition) DynamicNames() []string {
	var names []string
	switch d.kind {
	case kindDynamic:
		names = append(names, d.name)
	case kindMulti:
		for _, dim := range d.dims {
			names = append(names, dim.Keys.DynamicNames()...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Resolve returns the partitions that there are. The error is the definition's, or that of at.Keys.
func (d *Definition) Resolve(at At) (*Space, error) {
	if d.err != nil {
		return nil, d.err
	}
	dims := d.dims
	if d.kind != kindMulti {
		dims = []Dimension{{Keys: d}}
	}
	s := &Space{multi: d.kind == kindMulti}
	product := 1
	for _, dim := range dims {
		axis, err := dim.Keys.axis(at)
		if err != nil {
			return nil, err
		}
		if n := axis.len(); n > 0 {
			if product > math.MaxInt/n {
				return nil, fmt.Errorf("partitions of %s: more than can be counted", d)
			}
			product *= n
		}
		s.names = append(s.names, dim.Name)
		s.axes = append(s.axes, axis)
	}
	return s, nil
}

func (d *Definition) axis(at At) (axis, error) {
	switch d.kind {
	case kindTime:
		return d.time.resolve(at.Now)
	case kindDynamic:
		if at.Keys == nil {
			return nil, fmt.Errorf("dynamic partitions %s: there is no instance that holds their keys", d.name)
		}
		keys, err := at.Keys(d.name)
		if err != nil {
			return nil, fmt.Errorf("dynamic partitions %s: %w", d.name, err)
		}
		l, err := newListing(keys)
		if err != nil {
			return nil, fmt.Errorf("dynamic partitions %s: %w", d.name, err)
		}
		return l, nil
	}
	return d.keys, nil
}

// Alike reports whether the keys of two definitions mean the same: the same list, the same dynamic name, or windows of one schedule with keys of one format, wherever the first begins; of several dimensions, each by its name.
func Alike(a, b *Definition) bool { return alike(a, b, true) }

// alike is Alike; where written is false, windows are the same however their keys are written.
func alike(a, b *Definition, written bool) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.kind != b.kind {
		return false
	}
	switch a.kind {
	case kindStatic:
		return slices.Equal(a.keys.keys, b.keys.keys)
	case kindDynamic:
		return a.name == b.name
	case kindTime:
		return a.time.sched != nil && b.time.sched != nil && a.time.cadence() == b.time.cadence() && (!written || a.time.layout == b.time.layout)
	}
	return len(a.dims) == len(b.dims) && slices.EqualFunc(a.dims, b.dims, func(x, y Dimension) bool { return x.Name == y.Name && alike(x.Keys, y.Keys, written) })
}

// Earliest returns the one of two definitions that are [Alike] whose windows begin first, along the first dimension where they begin at different times; a where there is none.
func Earliest(a, b *Definition) *Definition {
	if a.kind == kindTime && b.time.start < a.time.start {
		return b
	}
	for i := range a.dims {
		if x, y := a.dims[i].Keys, b.dims[i].Keys; x.kind == kindTime && x.time.start != y.time.start {
			if y.time.start < x.time.start {
				return b
			}
			return a
		}
	}
	return a
}
