package cli

import (
	"fmt"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// partitions shows which partitions stand how: a line for each state that some are in. Assets whose partitions are all fresh are left out of a long list, unless all are asked for.
func (v *statusView) partitions(l look) []string {
	t := &table{columns: []column{{title: "ASSET"}, {title: "IS"}, {title: "COUNT", right: true}, {title: "PARTITIONS", wrap: true}}}
	for i := range v.Assets {
		s := &v.Assets[i]
		p := s.Partitions
		if p == nil || s.Projected == plan.Fresh && len(v.Assets) > mostReused && !v.all {
			continue
		}
		if p.Total == 0 {
			t.add(text(s.Key), styled("without partitions yet", dim), text("0"), text(""))
		}
		key := s.Key // on its first line
		row := func(what string, st style, some plan.Partitions) {
			if !some.Empty() {
				t.add(text(key), styled(what, st), text(group(int64(some.Len()))), text(ranges(some)))
				key = ""
			}
		}
		for _, f := range []plan.Freshness{plan.Fresh, plan.Stale, plan.Missing} {
			row(string(f), freshnessStyle(f), p.Status[f])
		}
		row("failed", red, p.Failed)
		row("in progress", yellow, p.InProgress)
		if s.Kind != dag.KindSource.String() {
			row("to run", actionStyle(string(plan.Run)), p.Plan[plan.Run])
			row("maybe", actionStyle(string(plan.Maybe)), p.Plan[plan.Maybe])
		}
	}
	if len(t.rows) == 0 {
		return nil
	}
	return append([]string{""}, t.render(l)...)
}

// fewRanges is how many ranges of partitions a line of a status shows.
const fewRanges = 6

func ranges(p plan.Partitions) string {
	terms, more := p.FirstTerms(fewRanges)
	if more > 0 {
		terms = append(terms, fmt.Sprintf("and %s more (-o json has all)", group(int64(more))))
	}
	return strings.Join(terms, ", ")
}

// partitionCounts are sums over all assets with partitions, sources left out of what is to run.
type partitionCounts struct{ total, fresh, stale, missing, run, maybe int }

func (v *statusView) countPartitions() (c partitionCounts) {
	for i := range v.Assets {
		p := v.Assets[i].Partitions
		if p == nil {
			continue
		}
		c.total += p.Total
		c.fresh += p.Status[plan.Fresh].Len()
		c.stale += p.Status[plan.Stale].Len()
		c.missing += p.Status[plan.Missing].Len()
		if v.Assets[i].Kind != dag.KindSource.String() {
			c.run += p.Plan[plan.Run].Len()
			c.maybe += p.Plan[plan.Maybe].Len()
		}
	}
	return c
}
