package partition

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// everyOther is the most that a set of hours can be: a range for each of them.
func everyOther(s *Space) Set {
	var every []Point
	for i := 0; i < s.Len(); i += 2 {
		every = append(every, Point{i})
	}
	return Of(every...)
}

// BenchmarkSetHeap is what a resolved definition and sets of its partitions take of the heap, and how many bytes a set is where it is stored.
func BenchmarkSetHeap(b *testing.B) {
	type made struct {
		space *Space
		sets  []Set // copies, so that what is measured is not lost in the noise
	}
	const copies = 1000
	grid := Multi(Dim("x", Static(numbered(1000)...)), Dim("y", Static(numbered(1000)...)))
	century := Hourly("1926-01-01", In("Europe/Berlin"))
	for _, of := range []struct {
		name   string
		def    *Definition
		holes  func(*Space) Set // what is taken out of all
		copies int
	}{
		{"1000x1000/all but one", grid, func(s *Space) Set { return Of(Point{500, 500}) }, copies},
		{"1000x1000/all but a block and a column", grid, func(s *Space) Set { return Box(Span{0, 400}, Span{10, 20}).Union(Box(Span{100, 1000}, Span{300, 301})) }, copies},
		{"hours of a century/all but one", century, func(s *Space) Set { return Of(Point{4711}) }, copies},
		{"hours of a century/every other one", century, everyOther, 1},
	} {
		b.Run(of.name, func(b *testing.B) {
			for b.Loop() {
				before := heap()
				m := made{space: resolve(b, of.def)}
				resolved := heap() - before
				holes := of.holes(m.space)
				m.sets = make([]Set, of.copies)
				before = heap()
				for i := range m.sets {
					m.sets[i] = m.space.All().Minus(holes)
				}
				each := (heap() - before) / int64(of.copies)
				require.Equal(b, m.space.Len(), m.sets[0].Len()+holes.Len())
				b.ReportMetric(float64(resolved), "B-definition")
				b.ReportMetric(float64(each), "B-set")
				b.ReportMetric(float64(len(m.space.Encode(m.sets[0]))), "B-stored")
				runtime.KeepAlive(m)
			}
		})
	}
}
