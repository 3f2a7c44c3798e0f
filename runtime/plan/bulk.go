package plan

import (
	"context"
	"fmt"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// How all partitions of assets stand is found out asset by asset: what a step and its inputs are is the same for all partitions of an asset, so what differs is kept in arrays by
// the number of a partition, and what is found out about many partitions as spans of numbers. It must say what a plan of each single partition says.

// A Bulk is what a status of all partitions needs besides its plan.
type Bulk struct {
	// At says which partitions there are.
	At partition.At
	// Each says that the plan has a step for each partition. Then nothing else is needed.
	Each bool
	// Observe looks at all partitions of the source at a place: an observation for each number from from up to to, which is not one of them.
	Observe func(ctx context.Context, place int32, space *partition.Space, from, to int) []*Observation
}

// parts is how the partitions of one asset stand, each by its number.
type parts struct {
	u     *standing
	node  *Node
	info  *opInfo
	space *partition.Space
	n     int
	feeds []feed // of its inputs, then of its deps

	action []action8
	now    []freshness8
	ahead  []freshness8
	data   [][]canon.Digest // by output: what is reused, else what is stored now
	took   int              // how many feeds lead here that are not followed yet

	turned []int // reused from a record that is not the newest: what reads what is stored would find another one
	said   *PartitionStatus
}

// action8 and freshness8 are an Action and a Freshness in a byte.
type (
	action8    uint8
	freshness8 uint8
)

const (
	run8 action8 = iota
	reuse8
	maybe8
)

const (
	fresh8 freshness8 = iota
	stale8
	missing8
)

var freshnesses = [...]Freshness{Fresh, Stale, Missing}

// bulk finds out how the partitions of all assets in a target stand that have any.
func (m *statusMaker) bulk(all *Target, x *Bulk) error {
	spaces := resolved{at: x.At}
	byPlace := map[int32]*parts{}
	var order []*parts
	for _, place := range all.Selected {
		n := &all.Graph.Nodes[place]
		if !all.Graph.ofPartitions(place) || n.Op.Check != nil {
			continue
		}
		info := all.Catalog.infoOf(n.Op)
		space, err := spaces.space(info)
		if err != nil {
			return err
		}
		p := &parts{node: n, info: info, space: space, n: space.Len()}
		p.u = m.unit(place)
		p.u.parts = p
		byPlace[place] = p
		order = append(order, p)
	}
	for _, p := range order {
		if err := m.connect(p, byPlace); err != nil {
			return err
		}
	}
	for rest := order; len(rest) > 0; {
		var together []*parts
		together, rest = independent(rest)
		if err := m.examine(together, x); err != nil {
			return err
		}
		for _, p := range together {
			for i := range p.feeds {
				if up := p.feeds[i].up; up != nil {
					if up.took--; up.took == 0 {
						up.drop()
					}
				}
			}
			if p.took == 0 {
				p.drop()
			}
		}
	}
	return nil
}

// onePartition says that only a plan of some partitions tells how they stand.
func onePartition(format string, args ...any) error {
	return &Error{[]Problem{{Code: "partition_needed", Message: fmt.Sprintf(format, args...) + "; say of which partition the status is wanted with --partition KEY"}}}
}

// drop gives back what only those below need.
func (p *parts) drop() { p.action, p.now, p.ahead, p.data = nil, nil, nil, nil }

// observed takes in what a source says of each partition. A part of them at a time is looked at, so that what they say is never all in memory.
func (m *statusMaker) observed(p *parts, x *Bulk) error {
	const most = 10_000
	why := newPartCauses(p)
	for from := 0; from < p.n; from += most {
		to := min(from+most, p.n)
		var unseen []*Step
		for i, o := range x.Observe(m.ctx, p.u.place, p.space, from, to) {
			n := from + i
			if p.action[n] = reuse8; o.Err == nil {
				p.data[0][n] = o.Data
				continue
			}
			p.action[n], p.now[n], p.ahead[n] = run8, missing8, missing8
			why.add(Cause{Code: ReasonSource, Text: "it could not be observed: " + o.Err.Error()}, n)
			unseen = append(unseen, p.stepOf(n))
		}
		latest, err := m.newest(unseen)
		if err != nil {
			return err
		}
		for _, s := range unseen { // those below are compared with what it last was
			if rec := newestOf(s, latest); rec != nil {
				p.data[0][s.Index] = rec.Content
			}
		}
		if err := m.ctx.Err(); err != nil {
			return err
		}
	}
	if len(why.all) > 0 {
		p.u.roots.add(m.rank(p.u))
		p.u.direct = true
	}
	why.sum()
	return nil
}
