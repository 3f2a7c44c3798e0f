package partition

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// An encoded set is "1;PRINTS;RUNS": the version of the form, what identifies the keys of each axis up to the last one used (so that keys that are added later change
// nothing, and keys that changed are noticed), and the runs: "0-364,370" along the last axis, "0-3(0-9,12),7(4)" with those of the next axis in parentheses.
const encoding = "1"

// ErrOtherKeys is what [Space.Decode] returns for a set that was encoded when the definition had other keys.
var ErrOtherKeys = errors.New("the partitions definition has changed since")

// ErrEncoding is what [Space.Decode] returns for a text that is no encoded set.
var ErrEncoding = errors.New("not an encoded set of partitions")

// Encode returns a text from which Decode makes the set again, also by a later version of the program and with more keys. Equal sets have equal texts.
func (s *Space) Encode(set Set) string {
	var b strings.Builder
	b.WriteString(encoding + ";")
	most := make([]int, len(s.axes))
	set.root.bound(0, most)
	for i, a := range s.axes {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(a.print(most[i]))
	}
	b.WriteByte(';')
	set.root.encode(&b)
	return b.String()
}

func (r *region) encode(b *strings.Builder) {
	if r == nil {
		return
	}
	for i, run := range r.runs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(run.From))
		if run.To > run.From+1 {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(run.To - 1))
		}
		if r.subs != nil {
			b.WriteByte('(')
			r.subs[i].encode(b)
			b.WriteByte(')')
		}
	}
}

// Decode reads what Encode wrote. The error is ErrOtherKeys or ErrEncoding, with what is wrong.
func (s *Space) Decode(text string) (Set, error) {
	version, rest, _ := strings.Cut(text, ";")
	prints, runs, ok := strings.Cut(rest, ";")
	if version != encoding || !ok {
		return Set{}, fmt.Errorf("%w: it begins with %q, not with %q", ErrEncoding, version, encoding+";")
	}
	parts := strings.Split(prints, ",")
	if len(parts) != len(s.axes) {
		return Set{}, fmt.Errorf("%w: it had %d dimensions, not %d", ErrOtherKeys, len(parts), len(s.axes))
	}
	d := decoder{text: runs, axes: s.axes}
	var root *region
	if runs != "" {
		var err error
		if root, err = d.region(0); err != nil {
			return Set{}, fmt.Errorf("%w: %w", ErrEncoding, err)
		}
		if d.at != len(runs) {
			return Set{}, fmt.Errorf("%w: %w", ErrEncoding, d.unexpected())
		}
	}
	most := make([]int, len(s.axes))
	root.bound(0, most)
	for i, a := range s.axes {
		if n := a.len(); most[i] > n {
			return Set{}, fmt.Errorf("%w: it has %d keys%s, not %d", ErrOtherKeys, n, s.ofAxis(i), most[i])
		}
		if a.print(most[i]) != parts[i] {
			return Set{}, fmt.Errorf("%w: other keys%s", ErrOtherKeys, s.ofAxis(i))
		}
	}
	return Set{root}, nil
}

// ofAxis names an axis where there are several.
func (s *Space) ofAxis(i int) string {
	if !s.multi {
		return ""
	}
	return " of " + s.names[i]
}

// A decoder reads runs. It accepts the one form that a region has, and nothing else.
type decoder struct {
	text string
	at   int
	axes []axis
}

func (d *decoder) region(depth int) (*region, error) {
	out := &region{}
	for {
		from, err := d.number()
		if err != nil {
			return nil, err
		}
		to := from
		if d.accept('-') {
			if to, err = d.number(); err != nil {
				return nil, err
			}
			if to <= from {
				return nil, fmt.Errorf("the run %d-%d is none", from, to)
			}
		}
		run := Span{from, to + 1}
		var sub *region
		if depth+1 < len(d.axes) {
			if !d.accept('(') {
				return nil, d.unexpected()
			}
			if sub, err = d.region(depth + 1); err != nil {
				return nil, err
			}
			if !d.accept(')') {
				return nil, d.unexpected()
			}
		}
		if n := len(out.runs); n > 0 && (run.From < out.runs[n-1].To || run.From == out.runs[n-1].To && same(out.sub(n-1), sub)) {
			return nil, fmt.Errorf("the run at %d is not apart from the one before", from)
		}
		out.add(run, sub)
		if !d.accept(',') {
			return out, nil
		}
	}
}

func (d *decoder) number() (int, error) {
	start := d.at
	for d.at < len(d.text) && d.text[d.at] >= '0' && d.text[d.at] <= '9' {
		d.at++
	}
	digits := d.text[start:d.at]
	// Numbers of 18 digits leave room for sums.
	if digits == "" || len(digits) > 18 || digits[0] == '0' && len(digits) > 1 {
		d.at = start
		return 0, d.unexpected()
	}
	return strconv.Atoi(digits)
}

func (d *decoder) accept(c byte) bool {
	if d.at < len(d.text) && d.text[d.at] == c {
		d.at++
		return true
	}
	return false
}

func (d *decoder) unexpected() error {
	if d.at == len(d.text) {
		return errors.New("it ends too early")
	}
	return fmt.Errorf("unexpected %q at byte %d", d.text[d.at], d.at)
}
