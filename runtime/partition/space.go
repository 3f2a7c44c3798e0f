package partition

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// A Space is the partitions of a definition at one time. Every partition is a [Point] of it: its number along each axis. A definition that is no [Multi] has one axis.
// Numbers stay the same while time goes on and keys are added at the end.
type Space struct {
	multi bool
	names []string
	axes  []axis
}

// A Point is a partition by its numbers along the axes of a space, in their order.
type Point []int

// An axis is keys that are numbered from 0.
type axis interface {
	len() int
	key(i int) string            // i may be len or more only for time windows
	find(key string) (int, bool) // the number may be len or more only for time windows
	window(i int) (Window, bool) // false where keys are no time windows
	print(n int) string          // identifies the first n keys
}

// Dimensions returns the names of the axes; nil where the definition is no [Multi].
func (s *Space) Dimensions() []string {
	if !s.multi {
		return nil
	}
	return slices.Clone(s.names)
}

// Len counts the partitions.
func (s *Space) Len() int {
	n := 1
	for _, a := range s.axes {
		n *= a.len()
	}
	return n
}

// Key returns how a partition is written: the key of a single axis, or those of all with bars between.
func (s *Space) Key(p Point) string {
	if len(s.axes) == 1 {
		return s.axes[0].key(p[0])
	}
	parts := make([]string, len(s.axes))
	for i, a := range s.axes {
		parts[i] = a.key(p[i])
	}
	return strings.Join(parts, "|")
}

// KeyOf returns the key of a partition along one dimension; empty where there is no such dimension.
func (s *Space) KeyOf(p Point, dim string) string {
	if i := slices.Index(s.names, dim); i >= 0 {
		return s.axes[i].key(p[i])
	}
	return ""
}

// Window returns the time that a partition is about. The second result is false where no axis, or more than one, is by time.
func (s *Space) Window(p Point) (w Window, ok bool) {
	for i, a := range s.axes {
		if one, timed := a.window(p[i]); timed {
			if ok {
				return Window{}, false
			}
			w, ok = one, true
		}
	}
	return w, ok
}

// TimeAxis returns the number of the axis that is by time. The second result is false where no axis is, or more than one.
func (s *Space) TimeAxis() (axis int, ok bool) {
	for i, a := range s.axes {
		if _, timed := a.window(0); timed {
			if ok {
				return 0, false
			}
			axis, ok = i, true
		}
	}
	return axis, ok
}

// Find returns the partition with a key. The error names the nearest key.
func (s *Space) Find(key string) (Point, error) {
	parts := []string{key}
	if s.multi {
		parts = strings.Split(key, "|")
		if len(parts) != len(s.axes) {
			return nil, fmt.Errorf("partition %q has %d of %d dimensions; write %s", key, len(parts), len(s.axes), strings.Join(s.names, "|"))
		}
	}
	p := make(Point, len(parts))
	for i, part := range parts {
		n, err := s.number(i, part)
		if err != nil {
			return nil, err
		}
		p[i] = n
	}
	return p, nil
}

// At returns the partitions whose time window has an instant, along the axes by time, and that have any key along the others.
func (s *Space) At(t time.Time) Set {
	var spans []Span
	for _, a := range s.axes {
		span := Span{0, a.len()}
		if w, ok := a.(*windowAxis); ok {
			i := w.line.before(t.Unix()+1) - w.skip - 1
			span = Span{max(i, 0), min(i+1, a.len())}
		}
		spans = append(spans, span)
	}
	return Box(spans...)
}

// All returns all partitions as a set.
func (s *Space) All() Set {
	spans := make([]Span, len(s.axes))
	for i, a := range s.axes {
		spans[i] = Span{0, a.len()}
	}
	return Box(spans...)
}

// Keys goes through the keys of a set, in the order of the space.
func (s *Space) Keys(set Set) iter.Seq[string] {
	return func(yield func(string) bool) {
		for p := range set.Points() {
			if !yield(s.Key(p)) {
				return
			}
		}
	}
}

// number returns the number of a key along an axis.
func (s *Space) number(i int, key string) (int, error) {
	if n, ok := s.axes[i].find(key); ok && n < s.axes[i].len() {
		return n, nil
	}
	return 0, s.unknown(i, key)
}
