package plan

import (
	"runtime"
	"slices"
	"sync"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// atOnce is how many partitions of several assets are examined side by side.
const atOnce = 20_000

// independent takes assets off the front of a list in plan order of which none is made from another, so that they can be examined side by side. They are few enough for what is known of them to be small.
func independent(order []*parts) (together, rest []*parts) {
	const most = 32
	n, total := 0, 0
	for _, p := range order {
		if total += p.n; n > 0 && (n == most || total > atOnce || slices.ContainsFunc(p.feeds, func(l feed) bool { return l.up != nil && slices.Contains(order[:n], l.up) })) {
			break
		}
		n++
	}
	return order[:n], order[n:]
}

// examine finds out how all partitions of some assets stand; what they take has been examined. Reading and hashing, which is most of the work, is done for several at once.
func (m *statusMaker) examine(together []*parts, x *Bulk) error {
	var finders []*finder
	for _, p := range together {
		f, err := m.begin(p, x)
		if err != nil {
			return err
		}
		if f != nil {
			finders = append(finders, f)
		}
	}
	sideBySide(finders, (*finder).read)
	for _, f := range finders {
		if err := f.settle(); err != nil {
			return err
		}
		m.release(f.scratch)
	}
	return nil
}

// sideBySide calls do with each of some finders, on all processors.
func sideBySide(finders []*finder, do func(*finder)) {
	workers := min(runtime.GOMAXPROCS(0), len(finders))
	if workers < 2 {
		for _, f := range finders {
			do(f)
		}
		return
	}
	var wg sync.WaitGroup
	next := make(chan *finder, len(finders))
	for _, f := range finders {
		next <- f
	}
	close(next)
	for range workers {
		wg.Go(func() {
			for f := range next {
				do(f)
			}
		})
	}
	wg.Wait()
}

// begin makes room for how the partitions of an asset stand, and finds out what they have in common. A source is all done then, and has no finder.
func (m *statusMaker) begin(p *parts, x *Bulk) (*finder, error) {
	p.action, p.now, p.ahead = make([]action8, p.n), make([]freshness8, p.n), make([]freshness8, p.n)
	p.data = make([][]canon.Digest, max(1, len(p.node.Op.Outputs)))
	for i := range p.data {
		p.data[i] = make([]canon.Digest, p.n)
	}
	p.said = &PartitionStatus{Total: p.n, Space: p.space}
	if d := p.node.Op.Partitions; d != nil {
		p.said.Definition = d.String()
	}
	if p.node.Op.Kind == dag.KindSource {
		return nil, m.observed(p, x)
	}
	for i := range p.feeds {
		if err := p.feeds[i].gather(m.hash); err != nil {
			return nil, onePartition("asset %q: %v", p.node.Key, err)
		}
	}
	f := &finder{statusMaker: m, parts: p, why: newPartCauses(p), scratch: m.scratch(p.n)}
	if p.node.Op.Partitions != nil {
		f.encoded = m.encodedOf(p.space)
	}
	return f, f.template()
}

// read reads the briefs of the first page, computes contents, and takes in the page. Nothing that it changes is shared with other finders. Where partitions have configs of their own, the contents wait
// until it is this asset's turn: they may ask the user's code.
func (f *finder) read() {
	wait := f.fetch()
	if !f.configures() {
		f.wrong = f.contents()
	}
	if wait(); f.wrong == nil && f.first != nil && !f.configures() {
		f.begun = new(progress)
		f.wrong = f.brief(f.prefix(f.info.op.Key), f.begun)
	}
}

// settle does the rest, for one finder after the other.
func (f *finder) settle() error {
	if f.wrong == nil && f.configures() {
		f.wrong = f.contents()
	}
	if f.wrong != nil {
		return f.wrong
	}
	if err := f.latest(); err != nil {
		return err
	}
	if err := f.elsewhere(); err != nil {
		return err
	}
	f.judge()
	f.why.tell(f)
	return nil
}
