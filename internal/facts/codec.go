package facts

import (
	"encoding/binary"
	"errors"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// Append adds an encoding of sorted facts to b. Neighbours share the beginning of their paths.
func Append(b []byte, l []Fact) []byte {
	b = binary.AppendUvarint(b, uint64(len(l)))
	last := ""
	for _, f := range l {
		b = append(b, byte(f.Kind))
		same := 0
		for same < len(last) && same < len(f.Path) && last[same] == f.Path[same] {
			same++
		}
		b = binary.AppendUvarint(b, uint64(same))
		b = binary.AppendUvarint(b, uint64(len(f.Path)-same))
		b = append(b, f.Path[same:]...)
		b = append(b, f.Sum[:]...)
		if f.Kind == Source {
			b = append(b, f.Head[:]...)
		}
		last = f.Path
	}
	return b
}

var errFacts = errors.New("facts: damaged encoding")

// Read reads what Append wrote, and returns what follows it. The memory it takes is bounded by the length of b.
func Read(b []byte) (l []Fact, rest []byte, err error) {
	r := reader{b: b}
	n := r.number()
	if n > uint64(len(b)) {
		return nil, nil, errFacts
	}
	l = make([]Fact, 0, n)
	last := ""
	total := 0
	for range n {
		f := Fact{ID: ID{Kind: Kind(r.take(1)[0])}}
		same, more := r.number(), r.number()
		if same > uint64(len(last)) || f.Kind == 0 || f.Kind >= lastKind {
			r.bad = true
		}
		if r.bad {
			return nil, nil, errFacts
		}
		f.Path = last[:same] + string(r.take(more))
		copy(f.Sum[:], r.take(uint64(len(f.Sum))))
		if f.Kind == Source {
			copy(f.Head[:], r.take(uint64(len(f.Head))))
		}
		if total += len(f.Path); r.bad || total > 200*len(b) {
			return nil, nil, errFacts
		}
		last = f.Path
		l = append(l, f)
	}
	if r.bad {
		return nil, nil, errFacts
	}
	return l, r.b, nil
}

type reader struct {
	b   []byte
	bad bool
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// take returns the next n bytes; at the end there are zeros.
func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return make([]byte, min(n, uint64(len(canon.Digest{}))))
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}
