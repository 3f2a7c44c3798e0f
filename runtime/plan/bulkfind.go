package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A finder finds out how the partitions of an asset stand.
type finder struct {
	*statusMaker
	*parts
	why *partCauses

	*scratch
	step     *Step              // of no partition: what all of them share
	encoded  *encodedPartitions // nil where there are too many, or none
	newestID int64              // the number of the newest record, where there are no partitions
	first    *briefs            // the first page of them, until it is taken in
	begun    *progress          // how far the first page led, where it was looked at ahead
	wrong    error
}

// scratch is the memory of a finder, which another one gets afterwards.
type scratch struct {
	content []canon.Digest  // of what is stored now; zero where that is not known
	known   []bool          // a run would see the same
	state   []uint8         // what is known of the record
	group   []int32         // how the newest record differs, see partCauses; -1 for none
	at      []int32         // by place in a page of briefs: the number of the partition
	page    []storage.Brief // a page of them
	own     *Hasher         // of this finder alone
}

// scratch returns memory for n partitions.
func (m *statusMaker) scratch(n int) *scratch {
	s := &scratch{own: NewHasher()}
	if last := len(m.free) - 1; last >= 0 {
		s = m.free[last]
		m.free = m.free[:last]
	}
	s.content, s.known, s.state, s.group = cleared(s.content, n), cleared(s.known, n), cleared(s.state, n), cleared(s.group, n)
	for i := range s.group {
		s.group[i] = -1
	}
	return s
}

// release takes memory back, unless it is so much that it would be in the way.
func (m *statusMaker) release(s *scratch) {
	if cap(s.content) <= atOnce {
		m.free = append(m.free, s)
	}
}

// cleared returns n zero values, in the memory of a slice if it has room.
func cleared[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// The bits of finder.state.
const (
	hasLatest uint8 = 1 << iota
	hasContent
	unfit
	damaged
	gone
)

// template finds out what the steps of all partitions have in common.
func (f *finder) template() error {
	var wrong problems
	s := &Step{Node: f.node, Key: f.node.Key, Place: f.u.place, Action: Run, work: &idle}
	if f.configures() {
		if f.step = s; f.n == 0 {
			return nil
		}
		s.Partition = f.stepOf(0).Partition // each has a config of its own, see workAt
	}
	w, err := f.workOf(s)
	switch {
	case err != nil:
		wrong.add("version", "%v", err)
		return wrong.err()
	case w == nil:
		wrong.add("config", "%s %q has no config value", s.Op.Kind, s.Key)
		return wrong.err()
	}
	s.work = w
	f.step = s
	return f.forced([]*Step{s})
}

// latest reads the newest records, page by page.
func (f *finder) latest() error {
	if f.look == nil {
		return nil
	}
	if f.node.Op.Partitions == nil {
		s := f.stepOf(0)
		found, err := f.newest([]*Step{s})
		if rec := newestOf(s, found); err == nil && rec != nil {
			// It is found by its content, if it is usable.
			f.newestID = rec.ID
			f.take(0, &storage.LatestRecord{Record: *rec})
		}
		return err
	}
	for _, key := range append([]string{f.info.op.Key}, f.node.Op.Was...) {
		if err := f.pages(f.prefix(key)); err != nil {
			return err
		}
	}
	return nil
}

func (f *finder) pages(prefix string) error {
	var at progress
	for {
		if f.begun != nil { // of the prefix that is asked for first
			at, f.begun = *f.begun, nil
		} else if err := f.brief(prefix, &at); err != nil {
			return err
		}
		switch {
		case !at.more:
			return nil
		case at.done:
			continue
		}
		page, err := f.look.LatestOf(f.ctx, prefix, at.after, pageOfRecords)
		if err != nil {
			return err
		}
		var check []Stored
		var numbers []int
		for i := range page {
			r := &page[i]
			at.after = r.Identity
			n, ok := f.numberOf(r.Identity[len(prefix):len(r.Identity)-1], &at.hint)
			if !ok || f.state[n]&hasLatest != 0 {
				continue
			}
			f.take(n, r)
			if f.state[n]&hasContent != 0 && outside(&r.Record) {
				check, numbers = append(check, f.storedAs(n, &r.Record)), append(numbers, n)
			}
		}
		f.check(check, numbers)
		if len(page) < pageOfRecords {
			return nil
		}
	}
}

// numberOf is the number of the partition whose key stands in an identity. Records mostly come in the order of the partitions, so the next one is tried first.
func (f *finder) numberOf(text string, hint *int) (int, bool) {
	key := text
	if strings.HasPrefix(text, `"`) {
		var err error
		if key, err = strconv.Unquote(text); err != nil {
			return 0, false
		}
	}
	for n, p := range f.space.Numbered(*hint, *hint+1) {
		if f.space.Key(p) == key {
			*hint = n + 1
			return n, true
		}
	}
	p, err := f.space.Find(key)
	if err != nil {
		return 0, false // what a definition had before
	}
	n := f.space.Number(p)
	*hint = n + 1
	return n, n < f.n
}

// take notes the newest record of a partition.
func (f *finder) take(n int, r *storage.LatestRecord) {
	f.state[n] |= hasLatest
	f.keep(n, &r.Record)
	if f.content[n].IsZero() || r.Content != f.content[n] {
		f.group[n] = f.why.of(f, n, &r.Record)
		return
	}
	switch {
	case !r.Usable:
		f.state[n] |= gone
		f.group[n] = f.why.of(f, n, &r.Record)
	case Unfit(f.step, &r.Record).Code != "":
		f.unfit(n, Unfit(f.step, &r.Record))
	default:
		f.state[n] |= hasContent
	}
}

// keep notes the data of a record.
func (f *finder) keep(n int, r *storage.Record) {
	if len(f.node.Op.Outputs) == 0 {
		f.data[0][n] = f.own.Nothing(r.Content)
		return
	}
	for k := range f.data {
		f.data[k][n] = canon.Digest{}
		if o := OutputOf(r, f.node.Op.Outputs[k].Name); o != nil {
			f.data[k][n] = o.DataVersion
		}
	}
}

// outside reports whether a part of what a record stands for is not in the store, where it might be damaged.
func outside(r *storage.Record) bool {
	return slices.ContainsFunc(r.Outputs, func(o storage.Output) bool { return !o.Inline || o.IO != "" })
}

// stepOf is the step of the partition with a number, which is its index.
func (p *parts) stepOf(n int) *Step {
	s := &Step{Node: p.node, work: &idle, Place: p.u.place, Index: n, Key: p.node.Key}
	if p.node.Op.Partitions != nil {
		for _, at := range p.space.Numbered(n, n+1) {
			s.Partition = partitionAt(p.space, at)
		}
		s.Key = dag.PartitionStep(p.node.Key, s.Partition.Key)
	}
	s.Identity = "asset:" + s.Key
	return s
}

// storedAs is a record that would stand for a partition.
func (f *finder) storedAs(n int, r *storage.Record) Stored {
	s := f.stepOf(n)
	s.work = f.step.work
	if w, err := f.workAt(n); err == nil {
		s.work = w
	}
	return Stored{s, r}
}

// check finds out whether stored outputs can be loaded.
func (f *finder) check(stored []Stored, at []int) {
	if len(stored) == 0 {
		return
	}
	for i, problem := range f.look.Check(f.ctx, stored) {
		if n := at[i]; problem != "" {
			f.state[n] = f.state[n]&^hasContent | damaged
		}
	}
}

// elsewhere looks for records of the content that are not the newest of their partition, or of another asset.
func (f *finder) elsewhere() error {
	if f.look == nil {
		return nil
	}
	const most = 10_000
	var ask []int32
	for n := range f.n {
		if !f.content[n].IsZero() && f.state[n]&(hasContent|unfit|damaged) == 0 {
			ask = append(ask, int32(n))
		}
	}
	// In their order, look-ups go through an index once.
	slices.SortFunc(ask, func(a, b int32) int { return compareDigests(&f.content[a], &f.content[b]) })
	contents := make([]canon.Digest, 0, min(most, len(ask)))
	for part := range slices.Chunk(ask, most) {
		contents = contents[:0]
		for _, n := range part {
			contents = append(contents, f.content[n])
		}
		found, err := f.look.RecordsByContent(f.ctx, contents)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			continue
		}
		var check []Stored
		var at []int
		for _, i := range part {
			n := int(i)
			r := found[f.content[n]]
			if r == nil {
				continue
			}
			if why := Unfit(f.step, r); why.Code != "" {
				f.unfit(n, why)
				continue
			}
			f.state[n] = f.state[n]&^gone | hasContent
			if outside(r) {
				check, at = append(check, f.storedAs(n, r)), append(at, n)
			}
		}
		f.check(check, at)
		for _, i := range part { // what a run reuses is what those below see
			if n := int(i); f.state[n]&hasContent != 0 && f.known[n] && f.step.forced == nil {
				f.keep(n, found[f.content[n]])
				if f.node.Op.Partitions != nil || found[f.content[n]].ID != f.newestID {
					f.turned = append(f.turned, n)
				}
			}
		}
	}
	return nil
}

// judge settles what becomes of each partition, and how it stands.
func (f *finder) judge() {
	force := f.step.forced != nil
	for n := range f.n {
		st := f.state[n]
		found := st&hasContent != 0
		switch {
		case !f.known[n] && !force:
			f.action[n] = maybe8
		case f.known[n] && !force && found:
			f.action[n] = reuse8
			continue
		}
		switch {
		case found:
		case st&unfit != 0:
			f.now[n] = stale8
		case st&(damaged|gone) != 0, st&hasLatest == 0:
			f.now[n] = missing8
		default:
			f.now[n] = stale8
		}
		f.ahead[n] = f.now[n]
		if f.now[n] == fresh8 {
			for k := range f.feeds {
				if f.feeds[k].ahead(n) != 0 {
					f.ahead[n] = stale8
				}
			}
		}
	}
}
