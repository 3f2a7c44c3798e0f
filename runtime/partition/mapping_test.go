package partition

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pairs are definitions and a mapping that fits them.
var pairs = map[string]struct {
	down, up *Definition
	mapping  Mapping
}{
	"identity, days":             {Daily("2025-03-01"), Daily("2025-02-20", Until("2025-03-20")), Identity()},
	"identity, earlier":          {Daily("2025-02-01"), Daily("2025-02-20"), Identity()},
	"identity, apart":            {Daily("2025-02-01", Until("2025-02-10")), Daily("2025-03-20"), Identity()},
	"identity, keys":             {Static("a", "b", "c"), Static("c", "a", "x"), Identity()},
	"identity, dimensions":       {Multi(Dim("k", Static("a", "b")), Dim("d", Daily("2025-12-20"))), Multi(Dim("k", Static("b", "c")), Dim("d", Daily("2025-12-24"))), Identity()},
	"weeks of days":              {Weekly("2025-10-01"), Daily("2025-10-10"), Overlapping()},
	"days of weeks":              {Daily("2025-10-10"), Weekly("2025-10-01"), Overlapping()},
	"months of weeks":            {Monthly("2025-01-01", In("Europe/Berlin")), Weekly("2025-02-01", In("America/New_York")), Overlapping()},
	"hours of days":              {Hourly("2025-11-01", In("America/New_York"), Until("2025-11-04")), Daily("2025-10-30", In("America/New_York"), AtHour(5)), Overlapping()},
	"the day before":             {Daily("2025-12-01"), Daily("2025-12-01"), Shifted(-1, -1)},
	"the last seven":             {Daily("2025-11-20"), Daily("2025-12-01"), Shifted(-6, 0)},
	"the next":                   {Daily("2025-11-20", In("Europe/Berlin")), Daily("2025-10-01"), Shifted(1, 2)},
	"days of the last two weeks": {Weekly("2025-08-01"), Daily("2025-07-01"), Shifted(-2, -1)},
	"far away":                   {Daily("2025-12-01"), Daily("2020-01-01"), Shifted(-2000, -1990)},
	"everything":                 {Static("a", "b"), Daily("2025-12-01"), Everything()},
	"last":                       {Static("a", "b"), Daily("2025-12-01"), Last()},
	"specific":                   {Daily("2025-12-01"), Static("a", "b", "c"), Specific("c", "a")},
	"by key":                     {Static("north", "south"), Static("oslo", "rome", "bari", "nowhere"), ByKey(map[string][]string{"oslo": {"north"}, "rome": {"south", "north"}, "bari": {"south"}})},
	"by dimension": {Multi(Dim("week", Weekly("2025-11-01")), Dim("kind", Static("x", "y"))), Multi(Dim("day", Daily("2025-12-01")), Dim("city", Static("a", "b"))),
		ByDimension(Pair{"week", "day", Overlapping()})},
	"one of several": {Daily("2025-12-01"), Multi(Dim("day", Daily("2025-12-03")), Dim("city", Static("a", "b"))), ByDimension(Pair{"", "day", Identity()})},
	"several of one": {Multi(Dim("day", Daily("2025-12-03")), Dim("city", Static("a", "b"))), Daily("2025-12-01"), ByDimension(Pair{"day", "", Shifted(-1, 0)})},
	"function":       {Static("a", "b", "ab"), Static("a", "b", "c"), Func("letters", func(key string) ([]string, error) { return strings.Split(key, ""), nil })},
}

// A partition is upstream of another where that is downstream of it, and a set's partitions are those of its points.
func TestMappingsAreInverse(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for name, c := range pairs {
		t.Run(name, func(t *testing.T) {
			down, up := resolve(t, c.down), resolve(t, c.up)
			require.NoError(t, c.mapping.Check(down, up))
			ups := map[string]Set{}
			for d := range down.All().Points() {
				set, err := c.mapping.Upstream(down, up, Of(d))
				require.NoError(t, err)
				require.True(t, set.Minus(up.All()).Empty())
				ups[down.Key(d)] = set
			}
			for u := range up.All().Points() {
				set, err := c.mapping.Downstream(down, up, Of(u))
				require.NoError(t, err)
				require.True(t, set.Minus(down.All()).Empty())
				for d := range down.All().Points() {
					require.Equal(t, ups[down.Key(d)].Has(u), set.Has(d), "%s and %s", down.Key(d), up.Key(u))
				}
			}
			for range 20 {
				lens := make([]int, len(down.axes))
				for i, a := range down.axes {
					lens[i] = a.len()
				}
				set := chance(r, lens)
				var want Set
				for d := range set.Points() {
					want = want.Union(ups[down.Key(d)])
				}
				got, err := c.mapping.Upstream(down, up, set)
				require.NoError(t, err)
				require.True(t, want.Equal(got), "%v", set)
			}
		})
	}
}

// Windows share time exactly where one begins before the other ends.
func TestOverlapIsOfTime(t *testing.T) {
	for name, c := range pairs {
		o, ok := c.mapping.rule.(overlap)
		if !ok || o != (overlap{}) {
			continue
		}
		down, up := resolve(t, c.down), resolve(t, c.up)
		for d := range down.All().Points() {
			set, err := c.mapping.Upstream(down, up, Of(d))
			require.NoError(t, err)
			for u := range up.All().Points() {
				dw, _ := down.Window(d)
				uw, _ := up.Window(u)
				require.Equal(t, dw.Start.Before(uw.End) && uw.Start.Before(dw.End), set.Has(u), "%s: %s and %s", name, down.Key(d), up.Key(u))
			}
		}
	}
}

func upstreamKeys(t *testing.T, m Mapping, down, up *Definition, key string) []string {
	d, u := resolve(t, down), resolve(t, up)
	p, err := d.Find(key)
	require.NoError(t, err)
	set, err := m.Upstream(d, u, Of(p))
	require.NoError(t, err)
	return slices.Collect(u.Keys(set))
}

func TestMappedKeys(t *testing.T) {
	daily := Daily("2025-01-01")
	assert.Equal(t, []string{"2025-06-01", "2025-06-02", "2025-06-03", "2025-06-04", "2025-06-05", "2025-06-06", "2025-06-07"},
		upstreamKeys(t, Overlapping(), Weekly("2025-01-01"), daily, "2025-06-01"))
	assert.Equal(t, []string{"2025-05-31", "2025-06-01"}, upstreamKeys(t, Shifted(-1, 0), daily, daily, "2025-06-01"))
	assert.Equal(t, []string{"2025-01-01"}, upstreamKeys(t, Shifted(-1, 0), daily, daily, "2025-01-01"))
	assert.Equal(t, []string{"2025-12-31"}, upstreamKeys(t, Last(), Static("a"), daily, "a"))
	assert.Equal(t, []string{"a|2025-06-01", "b|2025-06-01"}, upstreamKeys(t, Natural(daily, Multi(Dim("k", Static("a", "b")), Dim("l", daily))), daily,
		Multi(Dim("k", Static("a", "b")), Dim("l", daily)), "2025-06-01"))
}

func TestNaturalMappings(t *testing.T) {
	day, zoned, keys := Daily("2025-01-01"), Daily("2025-01-01", In("Europe/Berlin")), Static("a", "b")
	two := Multi(Dim("day", day), Dim("key", keys))
	for _, c := range []struct {
		down, up *Definition
		want     string
	}{
		{day, day, "identity"},
		{day, Daily("2024-01-01"), "identity"},
		{day, zoned, "overlapping"},
		{Weekly("2025-01-01"), day, "overlapping"},
		{keys, Static("a", "b"), "identity"},
		{keys, Static("b", "a"), "everything"},
		{Dynamic("x"), Dynamic("x"), "identity"},
		{Dynamic("x"), Dynamic("y"), "everything"},
		{keys, day, "everything"},
		{two, Multi(Dim("key", keys), Dim("day", day)), "identity"},
		{two, Multi(Dim("day", Weekly("2025-01-01")), Dim("other", keys)), "by dimension (day from day overlapping)"},
		{two, day, "by dimension (day from  identity)"},
		{keys, two, "by dimension ( from key identity)"},
		{Weekly("2025-01-01"), two, "by dimension ( from day overlapping)"},
		{Static("z"), two, "by dimension ()"},
	} {
		m := Natural(c.down, c.up)
		assert.Equal(t, c.want, m.String(), "%s from %s", c.down, c.up)
		assert.NoError(t, m.Check(resolve(t, c.down), resolve(t, c.up)))
	}
}

func TestMappingsThatDoNotFit(t *testing.T) {
	day, keys := Daily("2025-01-01"), Static("alpha", "beta")
	two := Multi(Dim("day", day), Dim("key", keys))
	for _, c := range []struct {
		m        Mapping
		down, up *Definition
		want     string
	}{
		{Mapping{}, day, day, "no partition mapping"},
		{Identity(), day, Weekly("2025-01-01"), "partition mapping identity: the keys are not of one kind; use Overlapping for time windows, or ByKey"},
		{Identity(), day, keys, "not of one kind"},
		{Identity(), two, day, "the two have other dimensions; use ByDimension"},
		{Identity(), two, Multi(Dim("day", keys), Dim("key", keys)), "the keys of day are not of one kind"},
		{Overlapping(), day, keys, "both sides need time windows"},
		{Overlapping(), two, two, "both sides need time windows"},
		{Shifted(1, 0), day, day, "partition mapping shifted(1, 0): the stretch ends before it begins"},
		{Shifted(-2_000_000, 0), day, day, "it is shifted by more than 1000000 windows"},
		{Specific("alpah"), day, keys, `no partition "alpah"; they are alpha...beta; did you mean alpha?`},
		{ByKey(map[string][]string{"alpha": {"x"}, "bet": nil}), keys, keys, `downstream: no partition "x"`},
		{ByKey(map[string][]string{"bet": nil}), keys, keys, "did you mean beta?"},
		{ByDimension(Pair{"day", "", Identity()}, Pair{"day", "key", Everything()}), two, two, `upstream has no dimension ""`},
		{ByDimension(Pair{"day", "day", Identity()}, Pair{"day", "key", Everything()}), two, two, `dimension "day" or "key" is in two pairs`},
		{ByDimension(Pair{"key", "day", Identity()}), two, two, "partition mapping identity: the keys are not of one kind"},
		{ByDimension(Pair{"nope", "day", Identity()}), two, two, `downstream has no dimension "nope"`},
	} {
		down, up := resolve(t, c.down), resolve(t, c.up)
		_, err := c.m.Upstream(down, up, down.All())
		assert.ErrorContains(t, err, c.want)
		_, err = c.m.Downstream(down, up, up.All())
		assert.ErrorContains(t, err, c.want)
	}
	failing := Func("f", func(string) ([]string, error) { return nil, errors.New("no idea") })
	_, err := failing.Upstream(resolve(t, keys), resolve(t, keys), Of(Point{1}))
	assert.EqualError(t, err, `partition "beta": no idea`)
	astray := Func("f", func(string) ([]string, error) { return []string{"gamma"}, nil })
	_, err = astray.Downstream(resolve(t, keys), resolve(t, keys), Of(Point{1}))
	assert.ErrorContains(t, err, `partition "alpha": no partition "gamma"`)
}

// A century of hours is mapped by arithmetic: the time of a call does not depend on how many there are.
func TestMappingsOfCenturies(t *testing.T) {
	at := At{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	hours, err := Hourly("1926-01-01", In("America/New_York")).Resolve(at)
	require.NoError(t, err)
	months, err := Monthly("1926-01-01", In("America/New_York")).Resolve(at)
	require.NoError(t, err)
	allocations := testing.AllocsPerRun(10, func() {
		set, err := Overlapping().Upstream(months, hours, months.All())
		require.NoError(t, err)
		require.Equal(t, 875_856, set.Len())
	})
	assert.Less(t, allocations, 50.0)
}
