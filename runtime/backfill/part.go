package backfill

import (
	"context"
	"fmt"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A Part is what a backfill computes of one partitions definition: assets, or a job.
type Part struct {
	Name       string // of its first asset; empty where it is the only part
	Selection  string // of assets
	Definition string // the partitions, in words

	Space   *partition.Space
	Chosen  partition.Set // all of the backfill
	Done    partition.Set // computed
	Reused  partition.Set // what was stored is what they would give
	Failed  partition.Set
	Running partition.Set

	definition *partition.Definition
}

// Label names a set of partitions of the part: a key, or ranges.
func (p *Part) Label(set partition.Set) string {
	text := terms(p.Space, set, 3)
	if p.Name == "" {
		return text
	}
	return p.Name + "[" + text + "]"
}

// left is what is neither done nor reused, nor failed where those are left alone.
func (p *Part) left(failedToo bool) partition.Set {
	left := p.Chosen.Minus(p.Done).Minus(p.Reused)
	if !failedToo {
		left = left.Minus(p.Failed)
	}
	return left
}

// take takes in what runs of the part that have ended did, in their order: the last one of a partition counts.
func (p *Part) take(ctx context.Context, inst *instance.Instance, runs []storage.BackfillRun) error {
	var same []partition.Set // of runs that ended in one way, one after the other
	var into *partition.Set
	put := func() {
		if into == nil {
			return
		}
		what := partition.Union(same...).Intersect(p.Chosen)
		for _, set := range []*partition.Set{&p.Done, &p.Reused, &p.Failed} {
			if *set = set.Minus(what); set == into {
				*set = set.Union(what)
			}
		}
		same = same[:0]
	}
	for i := range runs {
		o, err := p.outcomeOf(ctx, inst, &runs[i])
		if err != nil {
			return err
		}
		for _, part := range []struct {
			set partition.Set
			to  *partition.Set
		}{{o.done, &p.Done}, {o.reused, &p.Reused}, {o.failed, &p.Failed}} {
			if part.set.Empty() {
				continue
			}
			if part.to != into {
				put()
				into = part.to
			}
			same = append(same, part.set)
		}
	}
	put()
	return nil
}

// setOf is the partitions of a run: those of its tag that there are.
func (p *Part) setOf(r *storage.BackfillRun) partition.Set {
	set, err := p.Space.Select(r.Tags[plan.TagPartition])
	if err != nil {
		return partition.Set{} // somebody has made a run with this tag by himself
	}
	return set
}

// decode reads sets of all parts, as encode writes them.
func decode(text string, parts []Part, into func(*Part) *partition.Set) (err error) {
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	if len(lines) != len(parts) {
		return fmt.Errorf("its assets had %d partitions definitions, one after the other, and have %d", len(lines), len(parts))
	}
	for i, line := range lines {
		if line == "" {
			continue
		}
		if *into(&parts[i]), err = parts[i].Space.Decode(line); err != nil {
			return err
		}
	}
	return nil
}

// encode writes the sets of all parts, and says how many partitions they have.
func encode(spaces []*partition.Space, sets []partition.Set) (text string, total int) {
	lines := make([]string, len(sets))
	for i, set := range sets {
		if total += set.Len(); !set.Empty() {
			lines[i] = spaces[i].Encode(set)
		}
	}
	if total == 0 {
		return "", 0
	}
	return strings.Join(lines, "\n"), total
}
