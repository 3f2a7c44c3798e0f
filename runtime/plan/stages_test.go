package plan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// calendar has days that are made from hours outside, weeks of the days, an index of the days that takes their week, and shops beside them.
func calendar(t *testing.T) *Catalog {
	days, weeks := partition.Daily("2024-01-07", partition.Until("2024-02-04")), partition.Weekly("2024-01-07", partition.Until("2024-02-04"))
	hours := partition.Hourly("2024-01-07-00:00", partition.Until("2024-02-04"))
	return catalog(t, define(t, nil, []*dag.Op{
		asset("base"), partitioned(source("file"), hours), partitioned(gathering(asset("readings", "file", "base"), 0), days), partitioned(asset("clean", "readings"), days),
		partitioned(gathering(asset("weekly", "readings"), 0), weeks), partitioned(asset("index", "weekly", "clean"), days), partitioned(asset("late", "index"), days),
		partitioned(asset("shops", "base"), partition.Static("oslo", "rome")), gathering(asset("total", "weekly"), 0), asset("below", "total"), asset("extra", "base"),
	}))
}

func stagesOf(t *testing.T, selection string) *Stages {
	target, err := calendar(t).Target("", selection)
	require.NoError(t, err)
	stages, err := target.Stages()
	require.NoError(t, err)
	return stages
}

func TestStages(t *testing.T) {
	for selection, want := range map[string][]string{
		"*late, shops":             {"base, readings, clean", "base, shops", "weekly", "index, late"},
		"readings, weekly":         {"readings", "weekly"},
		"weekly, index":            {"weekly", "index"},
		"readings, index":          {"readings, index"}, // what stands between them is not computed
		"*weekly":                  {"base, readings", "weekly"},
		"file, base, shops, clean": {"base, shops", "clean"},
		"extra, weekly, clean":     {"clean, extra", "weekly"}, // what has nothing to do with partitions goes with the first
		"*extra, weekly, readings": {"base, readings, extra", "weekly"},
	} {
		var got []string
		for _, s := range stagesOf(t, selection).List {
			got = append(got, s.Selection)
		}
		assert.Equal(t, want, got, selection)
	}
	for _, selection := range []string{"weekly, readings, total", "*below"} {
		target, err := calendar(t).Target("", selection)
		require.NoError(t, err)
		_, err = target.Stages()
		require.ErrorContains(t, err, `asset "total" takes all partitions, and those that are selected are computed one definition after the other; leave it out`, selection)
	}
}

// Assets of one schedule that begin at other times are one stage, which has the partitions of all of them.
func TestStageOfAssetsThatBeginAtOtherTimes(t *testing.T) {
	at := partition.At{Now: time.Date(2024, 2, 4, 0, 0, 0, 0, time.UTC)}
	for _, c := range []struct{ first, second, wrong string }{
		{"2024-01-21", "2024-02-04", ""},
		{"2024-01-21", "2024-01-28", `asset "late" has partitions (daily from 2024-01-21) before or after those of others of its schedule`},
	} {
		weekly := partitioned(gathering(gathering(asset("weekly", "early", "late"), 0), 1), partition.Weekly("2024-01-07", partition.Until("2024-02-04")))
		target, err := catalog(t, define(t, nil, []*dag.Op{
			partitioned(asset("late"), partition.Daily(c.first, partition.Until("2024-02-04"))), partitioned(asset("early"), partition.Daily("2024-01-07", partition.Until(c.second))), weekly,
		})).Target("", "")
		require.NoError(t, err)
		stages, err := target.Stages()
		require.NoError(t, err)
		sets, err := stages.Choose("*", at)
		if c.wrong != "" {
			require.ErrorContains(t, err, c.wrong)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, 28, sets[0].Len())
		sets, err = stages.MadeFrom(sets, at)
		require.NoError(t, err)
		assert.Equal(t, 4, sets[1].Len())
	}
}

// The numbers of partitions that are stored must mean the same when more of them have come to be.
func TestPartitionsOfAStageKeepTheirNumbers(t *testing.T) {
	target, err := catalog(t, define(t, nil, []*dag.Op{
		partitioned(asset("a"), partition.Daily("2024-01-21")), partitioned(asset("b"), partition.Daily("2024-01-07", partition.Until("2024-01-28"))), partitioned(asset("c"), partition.Daily("2024-03-01")),
	})).Target("", "")
	require.NoError(t, err)
	stages, err := target.Stages()
	require.NoError(t, err)
	require.Len(t, stages.List, 1)
	for _, month := range []time.Month{1, 2, 3, 12} {
		spaces, err := stages.Spaces(partition.At{Now: time.Date(2024, month, 28, 0, 0, 0, 0, time.UTC)})
		require.NoError(t, err)
		assert.Equal(t, "2024-01-07", spaces[0].Key(spaces[0].All().First(1)[0]))
	}
}

func TestPartitionsOfStages(t *testing.T) {
	at := partition.At{Now: time.Date(2024, 2, 4, 0, 0, 0, 0, time.UTC)}
	stages := stagesOf(t, "*late")
	spaces, err := stages.Spaces(at)
	require.NoError(t, err)
	words := func(sets []partition.Set) (out []string) {
		for i, set := range sets {
			text := ""
			for _, term := range spaces[i].Terms(set) {
				text += term + " "
			}
			out = append(out, text)
		}
		return out
	}
	for selection, want := range map[string][]string{
		"2024-01-10":    {"2024-01-07...2024-01-13 ", "2024-01-07 ", "2024-01-10 "},
		"...2024-01-14": {"2024-01-07...2024-01-20 ", "2024-01-07...2024-01-14 ", "2024-01-07...2024-01-14 "},
		"*":             {"2024-01-07...2024-02-03 ", "2024-01-07...2024-01-28 ", "2024-01-07...2024-02-03 "},
	} {
		sets, err := stages.Choose(selection, at)
		require.NoError(t, err)
		assert.Equal(t, want, words(sets), selection)
	}
	_, err = stages.Choose("2025-01-10", at)
	require.ErrorContains(t, err, `no partition "2025-01-10"`)

	day, err := spaces[0].Select("2024-01-10")
	require.NoError(t, err)
	week, err := spaces[1].Select("2024-01-21")
	require.NoError(t, err)
	for _, c := range []struct {
		lost []partition.Set
		want []string
	}{
		{[]partition.Set{day, {}, {}}, []string{"", "2024-01-07 ", "2024-01-07...2024-01-13 "}},
		{[]partition.Set{{}, week, {}}, []string{"", "", "2024-01-21...2024-01-27 "}},
		{[]partition.Set{day, week, {}}, []string{"", "2024-01-07 ", "2024-01-07...2024-01-13 2024-01-21...2024-01-27 "}},
		{[]partition.Set{{}, {}, day}, []string{"", "", ""}},
	} {
		sets, err := stages.MadeFrom(c.lost, at)
		require.NoError(t, err)
		assert.Equal(t, c.want, words(sets))
	}
}
