package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// A feed is where an input or a dep of partitions comes from.
type feed struct {
	name string // as records call it
	from string // the asset that is meant; empty for a value

	// Of what has no partitions:
	plain *standing
	data  canon.Digest // as it is stored now
	known bool         // and will be

	// Of what has: the partition with the same number, or those that a mapping says.
	up      *parts
	down    *partition.Space
	out     int
	mapping *partition.Mapping // nil for the same number
	typ     *dag.Type          // of the input; nil for a dep
	of      []int32            // by number: which of sets it takes
	sets    []taken
}

// taken is the partitions upstream that others are made from.
type taken struct {
	spans []partition.Span
	data  canon.Digest
	known bool
	ahead uint8
}

// connect finds out where the inputs and deps of an asset come from.
func (m *statusMaker) connect(p *parts, byPlace map[int32]*parts) error {
	op := p.node.Op
	add := func(l link, name, key string, t *dag.Type, mapped bool) {
		p.feeds = append(p.feeds, m.feed(p, l, name, key, t, mapped, byPlace))
	}
	for i := range op.Inputs {
		in := &op.Inputs[i]
		if in.Asset == "" {
			_, _, data, err := m.hash.value(in.Type, m.Inputs[p.node.ConfigKey()][in.Name], m.Encode)
			if err != nil {
				return fmt.Errorf("input %s of asset %q: %w", in.Name, op.Key, err)
			}
			p.feeds = append(p.feeds, feed{name: in.Name, data: data, known: true})
			continue
		}
		add(p.info.inputs[i], in.Name, in.Asset, in.Type, in.Mapping != nil || in.Type.Gathers() != nil)
	}
	for i, key := range op.Deps {
		add(p.info.deps[i], "after "+key, key, nil, false)
	}
	return nil
}

// feed is what leads to an asset.
func (m *statusMaker) feed(p *parts, l link, name, key string, t *dag.Type, mapped bool, byPlace map[int32]*parts) feed {
	out := m.Target.Catalog.assetByKey[key].output
	place := m.Target.Graph.homes[l.up]
	f := feed{name: name, from: key, out: max(out, 0)}
	if up := byPlace[place]; up != nil {
		f.up, f.down, f.typ = up, p.space, t
		up.took++
		if mapped || p.space != up.space || up.node.Op.Partitions == nil {
			f.mapping = &l.mapping
		}
		return f
	}
	f.plain = m.unit(place)
	if s := f.plain.last; s != nil {
		read := storedNow{planned{m.builder}}
		f.data = planned{m.builder}.Data(s, int32(out))
		if f.known = !f.data.IsZero(); !f.known {
			f.data = read.Data(s, int32(out))
		}
	}
	return f
}

// gather finds out which partitions are taken and what they are together, once what they are of is examined. Partitions that are made from the same ones share that.
func (l *feed) gather(h *Hasher) error {
	if l.mapping == nil {
		return nil
	}
	l.of = make([]int32, l.down.Len())
	var last partition.Set
	for n, p := range l.down.Numbered(0, l.down.Len()) {
		set, err := l.upstream(p)
		if err != nil {
			return err
		}
		if n == 0 || !set.Equal(last) {
			last = set
			l.sets = append(l.sets, taken{spans: slices.Collect(l.up.space.InNumbers(set))})
			l.together(h, &l.sets[len(l.sets)-1])
		}
		l.of[n] = int32(len(l.sets) - 1)
	}
	return nil
}

func (l *feed) upstream(p partition.Point) (partition.Set, error) {
	if l.up.node.Op.Partitions == nil { // all of it
		return l.up.space.All(), nil
	}
	return l.mapping.Upstream(l.down, l.up.space, partition.Of(p))
}

// together finds out what some partitions are together: as [joiner.from] joins them and [Evaluator.partitions] hashes them.
func (l *feed) together(h *Hasher, t *taken) {
	var numbers []int32
	t.known = true
	complete := true
	for _, span := range t.spans {
		for n := span.From; n < span.To; n++ {
			numbers = append(numbers, int32(n))
			t.known = t.known && l.up.action[n] == reuse8
			complete = complete && !l.up.data[l.out][n].IsZero()
			t.ahead |= aheadBit(l.up.ahead[n])
		}
	}
	single := l.typ.Gathers() == nil
	switch {
	case single && len(numbers) == 1:
		t.data = l.up.data[l.out][numbers[0]]
		return
	case single && l.typ != nil: // it takes one, and there is none, or more: no run can give it that
		t.known, t.ahead = false, t.ahead|aheadBit(missing8)
		return
	case !complete:
		return
	}
	keys := make([]string, 0, len(numbers))
	for _, span := range t.spans {
		for _, p := range l.up.space.Numbered(span.From, span.To) {
			keys = append(keys, l.up.space.Key(p))
		}
	}
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	if !l.typ.Ordered() {
		slices.SortFunc(order, func(a, b int) int { return strings.Compare(keys[a], keys[b]) })
	}
	h.enc.Reset(domainGather)
	h.enc.List("partitions", len(keys))
	for _, i := range order {
		h.enc.Digest(keys[i], l.up.data[l.out][numbers[i]])
	}
	t.data = h.enc.Sum()
}

func aheadBit(f freshness8) uint8 {
	if f == fresh8 {
		return 0
	}
	return 1 << f
}

// at is what a feed gives to the partition with a number: the data as it is stored now, zero for none, and whether a run would give the same.
func (l *feed) at(n int) (data canon.Digest, known bool) {
	switch {
	case l.up == nil:
		return l.data, l.known
	case l.mapping == nil:
		return l.up.data[l.out][n], l.up.action[n] == reuse8
	}
	t := &l.sets[l.of[n]]
	return t.data, t.known
}

// ahead is how what a feed leads to stands, if all is brought up to date: a bit for each state but fresh.
func (l *feed) ahead(n int) uint8 {
	switch {
	case l.plain != nil:
		return aheadBit(freshness8(slices.Index(freshnesses[:], l.plain.ahead)))
	case l.up == nil:
		return 0
	case l.mapping == nil:
		return aheadBit(l.up.ahead[n])
	}
	return l.sets[l.of[n]].ahead
}

// partitions is which partitions it leads to, as records say it: see [Step.InputPartitions].
func (l *feed) partitions(n int) string {
	if l.mapping == nil || l.up.node.Op.Partitions == nil {
		return ""
	}
	set := l.up.space.Numbers(slices.Clone(l.sets[l.of[n]].spans))
	if l.typ.Gathers() == nil && set.Len() == 1 {
		up := l.up.space.Key(set.First(1)[0])
		for _, p := range l.down.Numbered(n, n+1) {
			if l.down.Key(p) == up {
				return ""
			}
		}
		return partition.Quote(up)
	}
	return strings.Join(l.up.space.Terms(set), ",")
}

func (l *feed) standing() *standing {
	if l.up != nil {
		return l.up.u
	}
	return l.plain
}
