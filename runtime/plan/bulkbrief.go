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

// fetch begins to read the first page of briefs, where it may help; wait must be called.
func (f *finder) fetch() (wait func()) {
	if f.look == nil || f.node.Op.Partitions == nil || len(f.node.Op.Outputs) > 1 || f.step.IO() != "" {
		return func() {}
	}
	f.first = new(briefs)
	var wg sync.WaitGroup
	wg.Go(func() {
		f.first.page, f.first.ok, f.first.err = f.look.BriefsOf(f.ctx, f.prefix(f.info.op.Key), "", pageOfRecords)
	})
	return wg.Wait
}

// prefix is what the identities of the partitions of an asset begin with.
func (f *finder) prefix(key string) string { return "asset:" + key + "[" }

// brief takes in a page of newest records by their briefs. That is enough where each record is of the very content that its partition has now, which is what mostly is so of most pages; it takes in nothing
// and says no otherwise. after is the last identity of the page, and more is whether there may be another page.
func (f *finder) brief(prefix string, after *string, hint *int) (done, more bool, err error) {
	outputs := f.node.Op.Outputs
	if len(outputs) > 1 || f.step.IO() != "" {
		return false, true, nil
	}
	var b briefs
	if f.first != nil {
		b, f.first = *f.first, nil // of the prefix that is asked for first
	} else {
		b.page, b.ok, b.err = f.look.BriefsOf(f.ctx, prefix, *after, pageOfRecords)
	}
	if b.err != nil || !b.ok {
		return false, true, b.err
	}
	page := b.page
	name, begun := "", *hint
	if len(outputs) == 1 {
		name = outputs[0].Name
	}
	if cap(f.at) < len(page) {
		f.at = make([]int32, len(page))
	}
	at := f.at[:len(page)]
	for i := range page {
		b := &page[i]
		n, ok := f.numberOf(b.Identity[len(prefix):len(b.Identity)-1], hint)
		switch {
		case !ok || f.state[n]&hasLatest != 0:
			at[i] = -1
		case f.content[n].IsZero() || b.Content != f.content[n] || b.Output != name:
			*hint = begun
			return false, true, nil
		default:
			at[i] = int32(n)
		}
	}
	for i := range page {
		if n := at[i]; n >= 0 {
			f.takeBrief(int(n), &page[i])
		}
	}
	if len(page) > 0 {
		*after = page[len(page)-1].Identity
	}
	return true, len(page) == pageOfRecords, nil
}

// takeBrief is take for a brief of what is wanted.
func (f *finder) takeBrief(n int, b *storage.Brief) {
	f.state[n] |= hasLatest | hasContent
	if len(f.node.Op.Outputs) == 0 {
		f.data[0][n] = f.hash.Nothing(b.Content)
		return
	}
	f.data[0][n] = b.Data
}
