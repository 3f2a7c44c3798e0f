package backfill

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/partition"
)

func space(t testing.TB, d *partition.Definition) *partition.Space {
	s, err := d.Resolve(partition.At{Now: time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	return s
}

func TestOrder(t *testing.T) {
	grid := space(t, partition.Multi(partition.Dim("city", partition.Static("oslo", "rome")), partition.Dim("day", days(3))))
	flat := space(t, partition.Multi(partition.Dim("a", partition.Static("x", "y")), partition.Dim("b", partition.Static("p", "q"))))
	for _, tt := range []struct {
		space     *partition.Space
		selection string
		newest    bool
		want      string
	}{
		{space(t, days(4)), "*", false, "[2024-01-01 2024-01-02 2024-01-03 2024-01-04]"},
		{space(t, days(4)), "2024-01-01,2024-01-03...", true, "[2024-01-04 2024-01-03 2024-01-01]"},
		{space(t, partition.Static("b", "a")), "*", true, "[a b]"},
		{grid, "*", false, "[oslo|2024-01-01 rome|2024-01-01 oslo|2024-01-02 rome|2024-01-02 oslo|2024-01-03 rome|2024-01-03]"},
		{grid, "oslo|2024-01-01,city=rome|day=2024-01-01...2024-01-02", true, "[rome|2024-01-02 oslo|2024-01-01 rome|2024-01-01]"},
		{flat, "*", true, "[y|p y|q x|p x|q]"},
	} {
		set, err := tt.space.Select(tt.selection)
		require.NoError(t, err)
		var keys []string
		for p := range walk(tt.space, set, tt.newest) {
			keys = append(keys, tt.space.Key(p))
		}
		assert.Equal(t, tt.want, fmt.Sprint(keys))
	}
}

// The order and the cut of any set are those of a plain list that is sorted and sliced.
func TestChunksAreThoseOfAList(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 4))
	spaces := []*partition.Space{
		space(t, days(31)),
		space(t, partition.Multi(partition.Dim("city", partition.Static("a", "b", "c", "d")), partition.Dim("day", days(7)))),
		space(t, partition.Multi(partition.Dim("day", days(7)), partition.Dim("zone", partition.Static("a", "b", "c")), partition.Dim("x", partition.Static("p", "q")))),
	}
	for range 300 {
		s := spaces[random.IntN(len(spaces))]
		axis, ok := s.TimeAxis()
		require.True(t, ok)
		var list []partition.Point
		for p := range s.All().Points() {
			if random.IntN(3) > 0 {
				list = append(list, p)
			}
		}
		newest, n := random.IntN(2) == 0, random.IntN(6)
		slices.SortFunc(list, func(a, b partition.Point) int {
			if d := a[axis] - b[axis]; d != 0 {
				if newest {
					return -d
				}
				return d
			}
			return slices.Compare(a, b)
		})
		var got []partition.Set
		for set := range chunks(s, partition.Of(list...), newest, n) {
			got = append(got, set)
		}
		want := slices.Collect(slices.Chunk(list, max(n, 1)))
		if n == 0 && len(list) > 0 {
			want = [][]partition.Point{list}
		}
		require.Len(t, got, len(want))
		for i, set := range got {
			require.True(t, set.Equal(partition.Of(want[i]...)), "%v is not %v", set, want[i])
		}
	}
}

// A caller that stops early is not called again.
func TestChunksStop(t *testing.T) {
	for range chunks(space(t, days(31)), space(t, days(31)).All(), true, 2) {
		break
	}
}

// BenchmarkCreate makes backfills of a million partitions.
func BenchmarkCreate(b *testing.B) {
	millions := space(b, partition.Multi(partition.Dim("a", partition.Static(keys(1000)...)), partition.Dim("b", partition.Static(keys(1000)...))))
	for b.Loop() {
		set, err := millions.Select("*")
		require.NoError(b, err)
		require.Equal(b, 1_000_000, set.Len())
		_, err = millions.Decode(millions.Encode(set))
		require.NoError(b, err)
	}
}

func keys(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("k%04d", i)
	}
	return out
}
