package plan

import (
	"sync"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// pageOfRecords is how many records are read at once.
const pageOfRecords = 4096

// briefs is a page of them, see [Lookup].
type briefs struct {
	page []storage.Brief
	ok   bool
	err  error
}

// A progress is how far the newest records of an asset are taken in.
type progress struct {
	after string // the last identity that was
	hint  int    // the number of the partition that is expected next, see numberOf
	done  bool   // the last page was, by its briefs
	more  bool   // there may be another one
}

// fetch reads the first page of briefs, where it may help: side by side with what else is done until wait is called, if there is much of that.
func (f *finder) fetch() (wait func()) {
	if f.look == nil || f.node.Op.Partitions == nil || len(f.node.Op.Outputs) > 1 || f.step.IO() != "" {
		return func() {}
	}
	f.first = new(briefs)
	read := func() {
		f.first.page, f.first.ok, f.first.err = f.look.BriefsOf(f.ctx, f.prefix(f.info.op.Key), "", pageOfRecords, f.page)
	}
	if f.n < manyPartitions {
		read()
		return func() {}
	}
	var wg sync.WaitGroup
	wg.Go(read)
	return wg.Wait
}

// prefix is what the identities of the partitions of an asset begin with.
func (f *finder) prefix(key string) string { return "asset:" + key + "[" }

// brief takes in a page of newest records by their briefs. That is enough where each record is of the very content that its partition has now, which is what mostly is so of most pages; it takes in nothing
// and is not done otherwise.
func (f *finder) brief(prefix string, at *progress) error {
	at.done, at.more = false, true
	outputs := f.node.Op.Outputs
	if len(outputs) > 1 || f.step.IO() != "" {
		return nil
	}
	var b briefs
	if f.first != nil {
		b, f.first = *f.first, nil // of the prefix that is asked for first
	} else {
		b.page, b.ok, b.err = f.look.BriefsOf(f.ctx, prefix, at.after, pageOfRecords, f.page)
	}
	if b.err != nil || !b.ok {
		return b.err
	}
	page := b.page
	f.page = page[:0]
	name, hint := "", at.hint
	if len(outputs) == 1 {
		name = outputs[0].Name
	}
	if cap(f.at) < len(page) {
		f.at = make([]int32, len(page))
	}
	numbers := f.at[:len(page)]
	for i := range page {
		b := &page[i]
		n, ok := f.numberOf(b.Identity[len(prefix):len(b.Identity)-1], &hint)
		switch {
		case !ok || f.state[n]&hasLatest != 0:
			numbers[i] = -1
		case f.content[n].IsZero() || b.Content != f.content[n] || b.Output != name:
			return nil
		default:
			numbers[i] = int32(n)
		}
	}
	for i := range page {
		if n := numbers[i]; n >= 0 {
			f.takeBrief(int(n), &page[i])
		}
	}
	if len(page) > 0 {
		at.after = page[len(page)-1].Identity
	}
	at.hint, at.done, at.more = hint, true, len(page) == pageOfRecords
	return nil
}

// takeBrief is take for a brief of what is wanted.
func (f *finder) takeBrief(n int, b *storage.Brief) {
	f.state[n] |= hasLatest | hasContent
	if len(f.node.Op.Outputs) == 0 {
		f.data[0][n] = f.own.Nothing(b.Content)
		return
	}
	f.data[0][n] = b.Data
}
