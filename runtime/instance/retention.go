package instance

import (
	"slices"
	"time"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A Retention says which stored outputs may go although a version would still find them. Without any limit none may: then only what no record needs is
// removed. The newest record of each asset and of each step of a job stays, but where it takes that to keep MaxSize.
type Retention struct {
	OlderThan time.Duration // records computed longer ago than this; 0: no limit
	Keep      int           // records that stay of each asset and of each step of a job; 0: no limit
	MaxSize   int64         // bytes that all stored outputs may take; 0: no limit
}

// Set reports whether there is any limit.
func (r Retention) Set() bool { return r.OlderThan > 0 || r.Keep > 0 || r.MaxSize > 0 }

// A kept is what a clean-up knows of one record.
type kept struct {
	id       int64
	identity string
	time     time.Time
	usable   bool // a version may find it
	found    bool // likewise, and it was not retired
	latest   bool
	things   []string // what it needs: names of objects, and of inline blobs
}

// retire returns the records that are to be retired, in order. sizes are those of things that are there.
func (r Retention) retire(records []kept, sizes map[string]int64, now time.Time) []int64 {
	out := map[int64]bool{}
	newer := map[string]int{}
	for i := len(records) - 1; i >= 0; i-- {
		k := &records[i]
		if !k.usable {
			if k.found && !k.latest { // it was dropped because it is damaged: nobody will ever load it
				out[k.id] = true
			}
			continue
		}
		newer[k.identity]++
		if k.latest {
			continue
		}
		if r.OlderThan > 0 && now.Sub(k.time) > r.OlderThan || r.Keep > 0 && newer[k.identity] > r.Keep {
			out[k.id] = true
		}
	}
	if r.MaxSize > 0 {
		r.shrink(records, sizes, out)
	}
	ids := make([]int64, 0, len(out))
	for i := range records {
		if out[records[i].id] {
			ids = append(ids, records[i].id)
		}
	}
	return ids
}

// shrink adds to out until what is left takes no more than the limit: the oldest first, and the newest of their kind after all others.
func (r Retention) shrink(records []kept, sizes map[string]int64, out map[int64]bool) {
	users := map[string]int{}
	total := int64(0)
	for i := range records {
		if k := &records[i]; !out[k.id] && (k.usable || k.found) {
			for _, t := range k.things {
				if users[t]++; users[t] == 1 {
					total += sizes[t]
				}
			}
		}
	}
	order := make([]*kept, 0, len(records))
	for i := range records {
		order = append(order, &records[i])
	}
	slices.SortStableFunc(order, func(a, b *kept) int {
		switch {
		case a.latest == b.latest:
			return a.time.Compare(b.time)
		case a.latest:
			return 1
		}
		return -1
	})
	for _, k := range order {
		if total <= r.MaxSize {
			return
		}
		if out[k.id] || !k.usable || len(k.things) == 0 {
			continue
		}
		out[k.id] = true
		for _, t := range k.things {
			if users[t]--; users[t] == 0 {
				total -= sizes[t]
			}
		}
	}
}

// things are the names of what a record needs besides its row: of objects, and of blobs in the store.
func things(objectName func(*storage.Output) string, outs []storage.Output) (names []string) {
	for i := range outs {
		o := &outs[i]
		switch name := objectName(o); {
		case name != "":
			names = append(names, name)
		case o.Inline:
			names = append(names, blobName(o.Blob.Hex()))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func blobName(hex string) string { return "blob " + hex }
