package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

var intMap = dag.PartitionMapOf[int]("map[dag.PartitionKey]int", intType)

// gathering lets an input of an op take several partitions.
func gathering(op *dag.Op, input int) *dag.Op {
	op.Inputs[input].Type = intMap
	return op
}

// kinds of partitions that the random graphs are made of: small ones, in two zones, with and without dimensions.
var kindsOfPartitions = []*partition.Definition{
	nil,
	partition.Static("a", "b", "c"),
	partition.Daily("2024-03-20", partition.In("Europe/Berlin"), partition.Until("2024-04-20")),
	partition.Daily("2024-03-25", partition.In("Europe/Berlin"), partition.Until("2024-04-10")),
	partition.Daily("2024-03-01", partition.In("America/New_York"), partition.Until("2024-04-01")),
	partition.Weekly("2024-03-10", partition.In("Europe/Berlin"), partition.Until("2024-04-28")),
	partition.Hourly("2024-03-30", partition.In("Europe/Berlin"), partition.Until("2024-04-01")),
	partition.Monthly("2024-01-01", partition.In("America/New_York"), partition.Until("2024-06-01")),
	partition.Multi(partition.Dim("city", partition.Static("a", "b", "c")), partition.Dim("day", partition.Daily("2024-03-28", partition.In("Europe/Berlin"), partition.Until("2024-04-03")))),
	partition.Multi(partition.Dim("city", partition.Static("a", "b", "c")), partition.Dim("week", partition.Weekly("2024-03-10", partition.In("Europe/Berlin"), partition.Until("2024-04-28")))),
}

// upstreamKeys is which keys of up a partition of down is made from, by going through all of them: what the mappings compute from ranges.
func upstreamKeys(t *testing.T, down, up *partition.Definition, p partition.Point) []string {
	all := func(d *partition.Definition) *partition.Space {
		if d == nil {
			d = whole
		}
		s, err := d.Resolve(sampled)
		require.NoError(t, err)
		return s
	}
	d, u := all(down), all(up)
	var keys []string
	for q := range u.All().Points() {
		if down == nil || related(d, u, p, q) {
			keys = append(keys, u.Key(q))
		}
	}
	return keys
}

// related reports whether q is upstream of p by the natural mapping: windows that overlap, or where neither side has a common time, equal keys of dimensions that are alike.
func related(d, u *partition.Space, p, q partition.Point) bool {
	dw, dTimed := d.Window(p)
	uw, uTimed := u.Window(q)
	overlap := dw.Start.Before(uw.End) && uw.Start.Before(dw.End)
	dims := func(s *partition.Space) bool { return s.Dimensions() != nil }
	city := func(s *partition.Space, p partition.Point) string {
		if dims(s) {
			return s.KeyOf(p, "city")
		}
		return s.Key(p)
	}
	switch {
	case dims(d) && dims(u): // dimensions of one name: the cities, and days with days
		if city(d, p) != city(u, q) {
			return false
		}
		same := slices.Equal(d.Dimensions(), u.Dimensions())
		return !same || overlap
	case dims(d) || dims(u):
		multi, mp, other, op := d, p, u, q
		if dims(u) {
			multi, mp, other, op = u, q, d, p
		}
		if _, timed := other.Window(op); timed {
			return overlap
		}
		return city(multi, mp) == other.Key(op)
	case dTimed && uTimed:
		return overlap
	case !dTimed && !uTimed:
		return d.Key(p) == u.Key(q)
	}
	return true
}

func TestGatheredPartitionsAreThoseOfTheOracle(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 2))
	for range 60 {
		kinds := []*partition.Definition{kindsOfPartitions[1+rng.IntN(len(kindsOfPartitions)-1)], kindsOfPartitions[rng.IntN(len(kindsOfPartitions))], kindsOfPartitions[rng.IntN(len(kindsOfPartitions))]}
		ops := make([]*dag.Op, len(kinds))
		for i, d := range kinds {
			ops[i] = partitioned(asset(string(rune('a'+i))), d)
			for up := range i {
				if in := (dag.Input{Name: ops[up].Key, Asset: ops[up].Key, Type: intType}); rng.IntN(3) > 0 || up == i-1 {
					if kinds[up] != nil {
						in.Type = intMap
					}
					ops[i].Inputs = append(ops[i].Inputs, in)
				}
			}
		}
		name := fmt.Sprint(kinds)
		c := catalog(t, define(t, nil, ops))
		r := request(t, c, "", "")
		var err error
		r.Target, err = r.Target.In("*", sampled)
		require.NoError(t, err, name)
		p := build(t, r, nil)
		total := 0
		for i := range p.Len() {
			s := p.At(i)
			at := slices.Index(ops, s.Op)
			down := kinds[at]
			point := partition.Point{0}
			if down != nil {
				space, err := down.Resolve(sampled)
				require.NoError(t, err)
				point, err = space.Find(string(s.Partition.Key))
				require.NoError(t, err)
			}
			for k, in := range s.Op.Inputs {
				up := kinds[in.Name[0]-'a']
				if up == nil {
					continue
				}
				keys, parts, ok := p.Gathered(s.Inputs[k])
				require.True(t, ok)
				var got []string
				for n, key := range keys {
					got = append(got, string(key))
					assert.Equal(t, dag.PartitionStep(in.Name, key), p.At(int(parts[n].From)).Key)
				}
				require.Equal(t, upstreamKeys(t, down, up, point), got, "%s of %s", s.Key, name)
				total += len(got)
			}
		}
		for i, d := range kinds {
			want := 1
			if d != nil {
				space, err := d.Resolve(sampled)
				require.NoError(t, err)
				want = space.Len()
			}
			count := 0
			for _, node := range r.Target.Graph.Nodes {
				if node.Op == ops[i] {
					count++
				}
			}
			assert.Equal(t, want, count, name)
		}
	}
}

// in returns the keys of the steps that a run of some partitions would have.
func in(t *testing.T, c *Catalog, selection, partitions string) string {
	t.Helper()
	target, err := c.Target("", selection)
	require.NoError(t, err)
	if target, err = target.In(partitions, march); err != nil {
		return err.Error()
	}
	var keys []string
	for _, i := range target.Selected {
		keys = append(keys, target.Graph.Nodes[i].Key)
	}
	return strings.Join(keys, " ")
}

// march is the fifth of March: four days of it have ended, and one week.
func TestAssetsOfOtherPartitionsTakePart(t *testing.T) {
	days, weeks := partition.Daily("2024-02-23"), partition.Weekly("2024-02-18")
	lastTwo := partition.Shifted(-1, 0)
	rolling := partitioned(gathering(asset("rolling", "readings"), 0), days)
	rolling.Inputs[0].Mapping = &lastTwo
	c := catalog(t, define(t, nil, []*dag.Op{
		asset("base"), partitioned(asset("readings", "base"), days), rolling,
		partitioned(gathering(asset("weekly", "readings"), 0), weeks), gathering(asset("total", "weekly"), 0), partitioned(asset("shops"), partition.Static("oslo")),
	}))
	for _, tt := range []struct{ selection, partitions, want string }{
		{"readings,weekly", "2024-02-24", "readings[2024-02-23] readings[2024-02-24] weekly[2024-02-18]"},   // the week takes another day
		{"readings,weekly", "2024-03-04", "readings[2024-03-04]"},                                           // its week has not ended
		{"weekly", "2024-02-18", "weekly[2024-02-18]"},                                                      // the only ones asked
		{"readings,rolling", "2024-03-02", "readings[2024-03-01] readings[2024-03-02] rolling[2024-03-02]"}, // what it is made from
		{"readings,rolling", "2024-02-23", "readings[2024-02-23] rolling[2024-02-23]"},                      // the first
		{"rolling", "2024-03-02...2024-03-03", "rolling[2024-03-02] rolling[2024-03-03]"},                   // alike: the same keys
		{"readings,total", "2024-03-02", "readings[2024-03-02] total"},                                      // what is between is not selected
		{"base,total", "", "base total"},                                                                    // nothing selected has partitions
		{"*total", "2024-02-25", "base readings[2024-02-23] readings[2024-02-24] readings[2024-02-25] readings[2024-02-26] readings[2024-02-27] readings[2024-02-28] readings[2024-02-29] readings[2024-03-01] readings[2024-03-02] weekly[2024-02-18] weekly[2024-02-25] total"},
		{"readings,shops", "2024-03-02", `assets "readings" (daily from 2024-02-23) and "shops" (static, 1 keys) have other partitions, and neither is made from the other; select one of them`},
	} {
		assert.Equal(t, tt.want, in(t, c, tt.selection, tt.partitions), "%s in %s", tt.selection, tt.partitions)
	}
}

func TestOneValueOfSeveralPartitions(t *testing.T) {
	keys := func(names ...string) *partition.Definition { return partition.Dynamic(names[0]) }
	named := partition.Func("by name", func(key string) ([]string, error) {
		switch key {
		case "none":
			return nil, nil
		case "two":
			return []string{"x", "y"}, nil
		}
		return []string{"x"}, nil
	})
	down := partitioned(asset("down", "up"), keys("down"))
	down.Inputs[0].Mapping = &named
	c := catalog(t, define(t, nil, []*dag.Op{partitioned(asset("up"), keys("up")), down}))
	at := partition.At{Now: march.Now, Keys: func(name string) ([]string, error) {
		if name == "up" {
			return []string{"x", "y"}, nil
		}
		return []string{"one", "none", "two"}, nil
	}}
	try := func(key string) error {
		target, err := c.Target("", "down")
		require.NoError(t, err)
		_, err = target.In(key, at)
		return err
	}
	require.NoError(t, try("one"))
	assert.EqualError(t, try("none"), `asset "down[none]": its input up has no partition that it is made from (dynamic up, by the mapping by name); leave it out of --partition`)
	assert.EqualError(t, try("two"), `asset "down[two]": its input up is made from 2 partitions, from x to y (by the mapping by name); take them as map[dag.PartitionKey]int or iter.Seq2`)
}

func TestAnAssetOfEarlierPartitionsOfItself(t *testing.T) {
	days := partition.Daily("2024-03-01")
	grid := partition.Multi(partition.Dim("city", partition.Static("oslo", "rome")), partition.Dim("day", days))
	before := dag.PartitionOptOf[int]("*int", intType)
	self := func(key string, d *partition.Definition, typ *dag.Type, m *partition.Mapping) *dag.Op {
		op := partitioned(asset(key, key, "base"), d)
		op.Inputs[0].Type, op.Inputs[0].Mapping = typ, m
		return op
	}
	lastTwo, all, next := partition.Shifted(-2, -1), partition.Everything(), partition.Shifted(1, 1)
	c := catalog(t, define(t, nil, []*dag.Op{asset("base"), self("sum", days, before, nil), self("grid", grid, before, nil), self("two", days, intMap, &lastTwo), self("all", days, intMap, &all), self("next", days, before, &next)}))
	assert.Equal(t, "sum[2024-03-01] sum[2024-03-02] sum[2024-03-03]", in(t, c, "sum", "2024-03-03"), "with all that it is made from")
	assert.Equal(t, `grid["oslo|2024-03-01"] grid["oslo|2024-03-02"]`, in(t, c, "grid", "oslo|2024-03-02"))
	assert.Equal(t, `asset "all": partition 2024-03-01 is made from partition 2024-03-01 of itself (by the mapping everything), which is not an earlier one; choose a mapping to those before`, in(t, c, "all", "2024-03-02"))
	assert.Contains(t, in(t, c, "next", "2024-03-02"), "partition 2024-03-02 is made from partition 2024-03-03 of itself")

	from := func(selection, key string) map[string][]string {
		r := request(t, c, "", selection)
		var err error
		r.Target, err = r.Target.In(key, march)
		require.NoError(t, err)
		p := build(t, r, nil)
		found := map[string][]string{}
		for i := range p.Len() {
			if s := p.At(i); s.Partition != nil {
				keys, parts, ok := p.Gathered(s.Inputs[0])
				require.True(t, ok)
				names := []string{}
				for n := range keys {
					names = append(names, string(keys[n]))
					assert.Less(t, int(parts[n].From), i, "what is earlier comes first")
				}
				found[string(s.Partition.Key)] = names
			}
		}
		return found
	}
	assert.Equal(t, map[string][]string{"2024-03-01": {}, "2024-03-02": {"2024-03-01"}, "2024-03-03": {"2024-03-02"}}, from("*sum", "2024-03-03"))
	assert.Equal(t, map[string][]string{"2024-03-01": {}, "2024-03-02": {"2024-03-01"}, "2024-03-03": {"2024-03-01", "2024-03-02"}, "2024-03-04": {"2024-03-02", "2024-03-03"}}, from("*two", "*"))

	static := partition.Static("a", "b")
	_, err := NewCatalog(define(t, nil, []*dag.Op{asset("base"), self("plain", days, intType, nil), self("keys", static, before, nil), self("several", days, before, &lastTwo)}))
	require.ErrorContains(t, err, `asset "plain": its input plain takes other partitions of the asset itself, and the first has none before it; take it as *int, which is nil then, or as map[dag.PartitionKey]int`)
	require.ErrorContains(t, err, `asset "keys": its input keys takes other partitions of the asset itself (static, 2 keys), which are no windows of time; say which with mapping.keys=`)
	require.ErrorContains(t, err, `asset "several": its input several takes other partitions of the asset itself, several of them (shifted(-2, -1)); take them as map[dag.PartitionKey]int`)
	_, err = NewCatalog(define(t, nil, []*dag.Op{asset("whole", "whole")}))
	require.ErrorContains(t, err, "depend on themselves in a circle")
}

// A plan of three years of days, their weeks and a total: the time that it takes, and that it says which partitions were changed.
func TestPlanOfThreeYears(t *testing.T) {
	days := partition.Daily("2021-01-01", partition.In("Europe/Berlin"), partition.Until("2024-01-01"))
	weeks := partition.Weekly("2020-12-27", partition.In("Europe/Berlin"), partition.Until("2024-01-07"))
	mapping := partition.Overlapping()
	ops := func() []*dag.Op {
		weekly := partitioned(gathering(asset("weekly", "daily"), 0), weeks)
		weekly.Inputs[0].Mapping = &mapping
		return []*dag.Op{partitioned(source("file"), days), partitioned(asset("daily", "file"), days), weekly, gathering(asset("total", "daily"), 0)}
	}
	look := newShelf()
	run := func(change func(r *Request), ops []*dag.Op) *Plan {
		r := request(t, catalog(t, define(t, nil, ops)), "", "")
		var err error
		r.Target, err = r.Target.In("*", sampled)
		require.NoError(t, err)
		for _, i := range r.Target.Sources {
			node := &r.Target.Graph.Nodes[i]
			r.Observed[sightOf(i, node.Partition)] = &Observation{Data: canon.Sum([]byte(node.Key)), Text: node.Key}
		}
		if change != nil {
			change(&r)
		}
		return build(t, r, look)
	}
	began := time.Now()
	p := run(nil, ops())
	t.Logf("planned %d steps in %v", p.Len(), time.Since(began))
	assert.Equal(t, 1095+1095+158+1, p.Len())
	look.run(p, func(key string) string { return key })
	runs := func(p *Plan) (keys []string) {
		for _, s := range p.Steps {
			if s.Action != Reuse {
				keys = append(keys, s.Key+"="+string(s.Action))
			}
		}
		return keys
	}
	assert.Empty(t, runs(run(nil, ops())))

	p = run(func(r *Request) {
		for _, i := range r.Target.Sources {
			if r.Target.Graph.Nodes[i].Key == "file[2022-06-15]" {
				r.Observed[sightOf(i, r.Target.Graph.Nodes[i].Partition)] = &Observation{Data: canon.Sum([]byte("new")), Text: "new"}
			}
		}
	}, ops())
	assert.Equal(t, []string{"file[2022-06-15]=run", "daily[2022-06-15]=run", "total=maybe", "weekly[2022-06-12]=maybe"}, runs(p))

	mapping = partition.Shifted(0, 0) // the same by another name changes nothing
	assert.Empty(t, runs(run(nil, ops())))
	mapping = partition.Func("no first day", func(key string) ([]string, error) {
		week, err := time.Parse("2006-01-02", key)
		var keys []string
		for i := range 7 {
			if day := week.AddDate(0, 0, i); !day.Before(time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)) && day.Year() < 2024 && day.Format(time.DateOnly) != "2022-06-12" {
				keys = append(keys, day.Format(time.DateOnly))
			}
		}
		return keys, err
	})
	p = run(nil, ops())
	assert.Equal(t, []string{"weekly[2022-06-12]=run"}, runs(p))
	assert.Equal(t, []string{`input: input daily is made from partitions 2022-06-13...2022-06-18 of "daily" now, from 2022-06-12...2022-06-18 before`}, reasons(p, "weekly[2022-06-12]"))
}
