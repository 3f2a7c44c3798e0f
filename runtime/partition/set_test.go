package partition

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A listed set is what a Set is compared with.
type listed map[string]Point

func listing1(s Set) listed {
	out := listed{}
	for p := range s.Points() {
		out[fmt.Sprint(p)] = p
	}
	return out
}

// chance makes sets of a space with few keys, from blocks and from points.
func chance(r *rand.Rand, lens []int) Set {
	var s Set
	for range r.IntN(6) {
		spans := make([]Span, len(lens))
		for i, n := range lens {
			from := r.IntN(n)
			spans[i] = Span{from, from + 1 + r.IntN(n-from)}
			if r.IntN(2) == 0 {
				spans[i].To = from + 1
			}
		}
		if r.IntN(4) == 0 {
			s = s.Minus(Box(spans...))
		} else {
			s = s.Union(Box(spans...))
		}
	}
	return s
}

func TestSetsAgainstLists(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 4000 {
		lens := make([]int, 1+r.IntN(3))
		for i := range lens {
			lens[i] = 1 + r.IntN(7)
		}
		a, b := chance(r, lens), chance(r, lens)
		la, lb := listing1(a), listing1(b)
		union, both, minus := maps.Clone(la), listed{}, maps.Clone(la)
		maps.Copy(union, lb)
		for k, p := range lb {
			if _, ok := la[k]; ok {
				both[k] = p
			}
			delete(minus, k)
		}
		for want, got := range map[*listed]Set{&union: a.Union(b), &both: a.Intersect(b), &minus: a.Minus(b)} {
			require.Equal(t, *want, listing1(got))
			require.Equal(t, len(*want), got.Len())
			require.Equal(t, len(*want) == 0, got.Empty())
			// One content, one form: made from points in any order it is the same.
			points := slices.Collect(maps.Values(*want))
			require.True(t, Of(points...).Equal(got), "%v", points)
			require.Equal(t, Of(points...), got)
		}
		require.Equal(t, maps.Equal(keys(la), keys(lb)), a.Equal(b))
		for range 10 {
			p := make(Point, len(lens))
			for i, n := range lens {
				p[i] = r.IntN(n + 1)
			}
			_, want := la[fmt.Sprint(p)]
			require.Equal(t, want, a.Has(p), "%v", p)
		}
		points := slices.Collect(a.Points())
		require.True(t, slices.IsSortedFunc(points, slices.Compare[Point]))
		require.Equal(t, points[:min(3, len(points))], slices.Concat([]Point{}, a.First(3))[:min(3, len(points))])
		n := 0
		for box := range a.Boxes() {
			size := 1
			for _, span := range box {
				size *= span.To - span.From
			}
			n += size
		}
		require.Equal(t, a.Len(), n)
	}
}

func keys(l listed) map[string]bool {
	out := map[string]bool{}
	for k := range l {
		out[k] = true
	}
	return out
}

func numbered(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("k%04d", i))
	}
	return out
}

func resolve(t testing.TB, d *Definition) *Space {
	s, err := d.Resolve(At{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Keys: func(name string) ([]string, error) { return []string{name + "1", name + "2"}, nil }})
	require.NoError(t, err)
	return s
}

// A million partitions are a few ranges, and the work with them is that of the ranges.
func TestMillionPartitionsAreSmall(t *testing.T) {
	grid := resolve(t, Multi(Dim("x", Static(numbered(1000)...)), Dim("y", Static(numbered(1000)...))))
	century := resolve(t, Hourly("1926-01-01", In("Europe/Berlin")))
	require.Equal(t, 1_000_000, grid.Len())
	require.Equal(t, 876_601, century.Len()) // in Berlin it is one o'clock

	hole := grid.All().Minus(Of(Point{500, 500}))
	assert.Equal(t, 999_999, hole.Len())
	assert.Less(t, len(grid.Encode(hole)), 100)
	rows := grid.All().Minus(Box(Span{0, 400}, Span{10, 20})).Minus(Box(Span{100, 1000}, Span{300, 301}))
	assert.Less(t, len(grid.Encode(rows)), 150)
	assert.Less(t, len(century.Encode(century.All().Minus(Of(Point{4711})))), 60)

	// Half of the hours, every other one, is the worst that a set can be: 16 bytes for each.
	var every []Point
	for i := 0; i < century.Len(); i += 2 {
		every = append(every, Point{i})
	}
	before := heap()
	worst := Of(every...)
	assert.Less(t, heap()-before, int64(len(every)*16*2))
	assert.Equal(t, len(every), worst.Len())
	runtime.KeepAlive(every)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestEncodedSets(t *testing.T) {
	at := func(year int) At {
		return At{Now: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), Keys: func(string) ([]string, error) { return numbered(year - 2000), nil }}
	}
	resolve := func(d *Definition, year int) *Space {
		s, err := d.Resolve(at(year))
		require.NoError(t, err)
		return s
	}
	daily := Daily("2020-01-01")
	both := Multi(Dim("day", daily), Dim("city", Static("rome", "oslo")))
	text := resolve(daily, 2021).Encode(Box(Span{3, 10}).Union(Box(Span{12, 13})))
	assert.Equal(t, "1;"+resolve(daily, 2021).axes[0].print(0)+";3-9,12", text)
	assert.Regexp(t, `^1;\w{16},\w{16};0\(2-4\),1\(3\)$`, resolve(both, 2021).Encode(Box(Span{0, 1}, Span{2, 5}).Union(Of(Point{1, 3}))))

	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		for _, d := range []*Definition{daily, both, Static("a", "b", "c", "d"), Dynamic("x")} {
			s := resolve(d, 2021)
			lens := make([]int, len(s.axes))
			for i, a := range s.axes {
				lens[i] = min(a.len(), 9)
			}
			set := chance(r, lens)
			// More keys later, at the end, change nothing.
			got, err := resolve(d, 2023).Decode(s.Encode(set))
			require.NoError(t, err)
			require.True(t, set.Equal(got))
		}
	}

	for name, c := range map[string]struct {
		from, to *Definition
		year     int
	}{
		"another start":     {daily, Daily("2020-01-02"), 2021},
		"another zone":      {daily, Daily("2020-01-01", In("Europe/Berlin")), 2021},
		"another hour":      {daily, Daily("2020-01-01", AtHour(1)), 2021},
		"fewer windows":     {daily, Daily("2020-01-01", Until("2020-02-01")), 2021},
		"a key between":     {Static("a", "b", "c"), Static("a", "x", "b", "c"), 2021},
		"another dimension": {daily, both, 2021},
	} {
		from := resolve(c.from, 2021)
		_, err := resolve(c.to, c.year).Decode(from.Encode(from.All()))
		assert.ErrorIs(t, err, ErrOtherKeys, name)
	}
	space := resolve(both, 2021)
	good := space.Encode(Of(Point{1, 1}))
	prefix := good[:len(good)-len("1(1)")]
	for _, runs := range []string{"1", "1()", "1(1", "1(1))", "1(2-2)", "1(3-2)", "01(1)", "1(1),1(2)", "2(1),1(1)", "1(1),2(1)", "1(1,2)", "x", "1(1),", "9999999999999999999(1)", "-1(1)"} {
		_, err := space.Decode(prefix + runs)
		assert.ErrorIs(t, err, ErrEncoding, runs)
	}
	for _, text := range []string{"", "1", "2;" + good[2:], "1;" + good[2:20]} { // the last has no runs at all
		_, err := space.Decode(text)
		assert.ErrorIs(t, err, ErrEncoding, text)
	}
}

// What is decoded is encoded as it was, and nothing that is read makes more of it than it says.
func FuzzDecode(f *testing.F) {
	d := Multi(Dim("x", Static(numbered(50)...)), Dim("y", Daily("2020-01-01")))
	space := resolve(f, d)
	f.Add(space.Encode(space.All()))
	f.Add(space.Encode(Set{}))
	f.Add(space.Encode(Of(Point{1, 2}, Point{1, 3}, Point{7, 2}, Point{2, 4})))
	f.Add("1;a,b;1(2-3),4(5)")
	f.Fuzz(func(t *testing.T, text string) {
		set, err := space.Decode(text)
		if err != nil {
			return
		}
		if again := space.Encode(set); again != text {
			t.Fatalf("%q became %q", text, again)
		}
		if !set.Minus(space.All()).Empty() {
			t.Fatalf("%q has partitions that are none", text)
		}
	})
}
