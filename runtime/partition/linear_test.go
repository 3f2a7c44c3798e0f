package partition

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	space := func(sizes ...int) *Space {
		var dims []Dimension
		for i, n := range sizes {
			var keys []string
			for k := range n {
				keys = append(keys, string(rune('a'+i))+string(rune('a'+k)))
			}
			dims = append(dims, Dim(string(rune('a'+i)), Static(keys...)))
		}
		s, err := Multi(dims...).Resolve(At{})
		require.NoError(t, err)
		return s
	}
	spaces := []*Space{space(7), space(4, 5), space(5, 1), space(1, 6), space(3, 4, 5), space(2, 1, 3, 2)}
	days, err := Daily("2024-01-01").Resolve(At{Now: time.Date(2024, 1, 20, 0, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	spaces = append(spaces, days)
	for _, s := range spaces {
		i := 0
		for p := range s.All().Points() {
			require.Equal(t, i, s.Number(p))
			i++
		}
		for range 300 {
			in := make([]bool, s.Len())
			for n := range in {
				in[n] = r.IntN(3) > 0
			}
			if r.IntN(10) == 0 {
				for n := range in {
					in[n] = r.IntN(10) > 0
				}
			}
			var spans []Span
			var points []Point
			from := r.IntN(s.Len() + 1)
			var numbered []int
			for n, p := range s.Numbered(from, s.Len()) {
				require.Equal(t, n, s.Number(p))
				numbered = append(numbered, n)
			}
			require.Len(t, numbered, s.Len()-from)
			for n, p := range s.Numbered(0, s.Len()) {
				if !in[n] {
					continue
				}
				points = append(points, slices.Clone(p))
				if k := len(spans); k > 0 && spans[k-1].To == n {
					spans[k-1].To++
				} else {
					spans = append(spans, Span{n, n + 1})
				}
			}
			want := Of(points...)
			given := slices.Clone(spans)
			got := s.Numbers(spans)
			require.True(t, want.Equal(got), "%v", spans)
			require.Equal(t, given, spans, "the argument is left as it is")
			require.Equal(t, spans, slices.Collect(s.InNumbers(got)))
		}
	}
	assert.True(t, days.Numbers(nil).Empty())
	none, err := Dynamic("x").Resolve(At{Keys: func(string) ([]string, error) { return nil, nil }})
	require.NoError(t, err)
	assert.True(t, none.Numbers(nil).Empty())
	for range none.Numbered(0, 5) {
		t.Fatal("there is none")
	}
}
