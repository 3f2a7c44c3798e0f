package load

import (
	"bytes"
	"encoding/gob"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/facts"
)

// listKind is what answers of go list are kept as.
const listKind cache.Kind = "list"

// Margin is how long before a run a file must have changed last for it to be sure that the run read it as it is afterwards, where it was not looked at before
// the run. It is larger than the tick of any file system's clock, and than that clock is usually wrong.
const Margin = 2 * time.Second

// A recall is an attempt to take the answer of go list from the cache. The answer is kept with everything it was made from; it is taken when all of that is still so.
type recall struct {
	store *cache.Store
	key   canon.Digest
	seer  seer
	start time.Time

	before  map[facts.ID]facts.Fact // what was looked at before go list ran
	seen    []facts.Observation     // what the answer was made from
	settled bool                    // seen is what go list saw
	found   []*listedPackage        // the answer, where it is still right
}

// A kept is what the cache has. Of an answer that may have been made while files changed there are only the facts: the next run looks at them before it asks.
type kept struct {
	Facts  []byte
	Listed []*listedPackage
}

// Settings returns a digest of all that decides how the packages of c are found, other than files of modules: what is asked, the go command, its settings. It is
// false where the packages could change by what is not looked at.
func (c Config) Settings() (canon.Digest, bool) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return canon.Digest{}, false
	}
	s, ok := findSettings(c, dir)
	if !ok {
		return canon.Digest{}, false
	}
	return s.key, true
}

// newRecall returns nil where an answer must not be taken from the cache.
func newRecall(c Config, dir string) *recall {
	if c.Cache == nil || c.Passing {
		return nil
	}
	s, ok := findSettings(c, dir)
	if !ok {
		return nil
	}
	r := &recall{store: c.Cache, key: s.key, start: time.Now(), before: map[facts.ID]facts.Fact{}}
	if r.seer.modules, ok = s.moduleFiles(); !ok {
		return nil
	}
	if r.seer.trees, ok = trees(dir, c.Patterns, r.seer.modules.local); !ok {
		return nil
	}
	r.find(c.Seen)
	return r
}

// find looks for the answer, and at everything that it will have to compare with should there be none.
func (r *recall) find(already map[facts.ID]facts.Observation) {
	if data, ok := r.store.Latest(listKind, r.key); ok {
		if old, list, ok := decodeKept(data); ok {
			r.settled = old.Listed != nil
			r.seen = lookUnless(list, already)
			for i, o := range r.seen {
				r.before[o.ID] = o.Fact
				r.settled = r.settled && o.Same(list[i], facts.Listing)
			}
			if r.settled {
				r.found = old.Listed
				return
			}
		}
	}
	first := seer{modules: r.seer.modules, trees: r.seer.trees}
	for _, o := range first.look(r.before) {
		if _, ok := r.before[o.ID]; !ok {
			r.before[o.ID] = o.Fact
		}
	}
}

// lookUnless looks at everything that was not looked at already.
func lookUnless(list []facts.Fact, already map[facts.ID]facts.Observation) []facts.Observation {
	out := make([]facts.Observation, len(list))
	var rest []facts.Fact
	var at []int
	for i, f := range list {
		o, ok := already[f.ID]
		if !ok {
			rest, at = append(rest, f), append(at, i)
		}
		out[i] = o
	}
	for i, o := range facts.Look(rest) {
		out[at[i]] = o
	}
	return out
}

// same reports whether the sources that were parsed are those that the answer in the cache was made from: one may have changed in between.
func (r *recall) same(p *Program) bool {
	seen := map[facts.ID]facts.Fact{}
	for _, o := range r.seen {
		seen[o.ID] = o.Fact
	}
	return eachSource(p, func(id facts.ID, src []byte) bool {
		return seen[id].Sum == canon.Sum(src) || seen[id].Same(facts.OfSource(id.Path, src), facts.Listing)
	})
}

// eachSource calls yield for each Go file of a local package that was read, until that returns false; it reports whether it never did.
func eachSource(p *Program, yield func(facts.ID, []byte) bool) bool {
	for _, lp := range p.Packages {
		for name, src := range lp.Source {
			if !yield(facts.ID{Kind: facts.Source, Path: filepath.Join(lp.Dir, name)}, src) {
				return false
			}
		}
	}
	return true
}

// keep puts an answer of go list into the cache. What it was made from is looked at now, and must be what it was before, or have been left alone for a while.
func (r *recall) keep(p *Program, listed []*listedPackage) {
	if r.store.IsVerifying() && r.found != nil {
		if again, ok := roundTrip(listed); !ok || !reflect.DeepEqual(r.found, again) {
			r.store.Report("the list of packages of " + p.Dir)
		}
	}
	r.settled = true
	r.seer.listed = listed
	r.seen = r.seer.look(r.before)
	now := map[facts.ID]facts.Fact{}
	for _, o := range r.seen {
		now[o.ID] = o.Fact
		if before, ok := r.before[o.ID]; ok {
			r.settled = r.settled && before.Same(o.Fact, facts.Content)
		} else {
			r.settled = r.settled && r.start.Sub(o.Changed) > Margin
		}
	}
	r.settled = r.settled && eachSource(p, func(id facts.ID, src []byte) bool { return now[id].Sum == canon.Sum(src) })
	if !r.settled {
		listed = nil
	}
	list := make([]facts.Fact, 0, len(now))
	for _, o := range r.seen {
		list = append(list, o.Fact)
	}
	if data, ok := encodeKept(kept{facts.Append(nil, facts.Sort(list)), listed}); ok {
		r.store.Replace(listKind, r.key, data)
	}
}

// sound reports whether an answer is one that may be given again: a complaint of the go command may depend on more than is looked at.
func sound(listed []*listedPackage) bool {
	return !slices.ContainsFunc(listed, func(lp *listedPackage) bool { return lp.Error != nil })
}

func encodeKept(k kept) ([]byte, bool) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(k)
	return b.Bytes(), err == nil
}

// decodeKept is strict: what it cannot read is not there.
func decodeKept(data []byte) (kept, []facts.Fact, bool) {
	var k kept
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&k); err != nil {
		return kept{}, nil, false
	}
	list, rest, err := facts.Read(k.Facts)
	return k, list, err == nil && len(rest) == 0
}

// roundTrip is what of an answer comes back from the cache.
func roundTrip(listed []*listedPackage) ([]*listedPackage, bool) {
	data, ok := encodeKept(kept{Listed: listed})
	if !ok {
		return nil, false
	}
	k, _, _ := decodeKept(data)
	return k.Listed, k.Listed != nil
}

// Seen returns what says which packages there are and what belongs to them: every folder and file that the go command had to look at, as it was. It is false
// where that is not known: without a cache, under settings for which it cannot be, or where something changed while the program was loaded.
func (p *Program) Seen() ([]facts.Observation, bool) {
	if p.recall == nil {
		return nil, false
	}
	return p.recall.seen, p.recall.settled
}
