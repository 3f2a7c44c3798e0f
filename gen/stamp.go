package gen

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/gen/render"
	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/facts"
	"github.com/dagstergen/dagstergen/internal/load"
)

// stampKind is what stamps are kept as.
const stampKind cache.Kind = "stamp"

// A Stamp is what a run without errors leaves in the cache: all that it read, all that it wrote, and what it said. While all of that is still so, the next run has nothing to
// do but say it again, and no go command is asked.
//
// The order of calls is [NewStamp], [Stamp.Unchanged], then [Generate] with the stamp in its Config, and once the disk is as the results say,
// [Stamp.Keep]. All methods work on a nil *Stamp, which knows and keeps nothing.
type Stamp struct {
	store *cache.Store
	key   canon.Digest
	start time.Time

	before map[facts.ID]facts.Observation // what was looked at before the run
	known  *Known                         // of an earlier run, where nothing changed since

	analysis *Analysis // of this run
	partial  bool      // it read more than is looked at
}

// Known is the outcome of an earlier run that is still right: the disk is as Generate's results would be, and the diagnostics are those it would return.
type Known struct {
	Files       []KnownFile // sorted by path
	Diagnostics diag.List   // warnings alone
}

// A KnownFile is a generated file in its place.
type KnownFile struct {
	PkgPath string
	Path    string // absolute
}

// A stamped is what the cache has. Of a run during which something may have changed there are only the facts: the next run looks at them before it begins.
type stamped struct {
	Facts []byte
	Known *Known
}

// NewStamp looks whether anything changed since an earlier run with the same Config. It returns nil where that cannot be known: without a cache in c, or under settings of the
// go command by which an answer of it could change unseen.
func NewStamp(c Config) *Stamp {
	settings, ok := c.Load.Settings()
	if c.Load.Cache == nil || !ok {
		return nil
	}
	own := c
	own.Load, own.Stamp = load.Config{}, nil
	e := canon.New("dagstergen/stamp/v1")
	e.Digest("load", settings)
	e.String("config", fmt.Sprintf("%+v", own))
	s := &Stamp{store: c.Load.Cache, key: e.Sum(), start: time.Now(), before: map[facts.ID]facts.Observation{}}
	data, ok := s.store.Latest(stampKind, s.key)
	if !ok {
		return s
	}
	var old stamped
	if gob.NewDecoder(bytes.NewReader(data)).Decode(&old) != nil {
		return s
	}
	list, rest, err := facts.Read(old.Facts)
	if err != nil || len(rest) > 0 {
		return s
	}
	same := old.Known != nil
	for i, o := range facts.Look(list) {
		s.before[o.ID] = o
		same = same && o.Same(list[i], facts.Content)
	}
	if same {
		s.known = old.Known
	}
	return s
}

// Unchanged returns what is known of an earlier run since which nothing changed, nil where there is none. While the cache is being verified it is always nil.
func (s *Stamp) Unchanged() *Known {
	if s == nil || s.store.IsVerifying() {
		return nil
	}
	return s.known
}

// seen is what was looked at before the run.
func (s *Stamp) seen() map[facts.ID]facts.Observation {
	if s == nil {
		return nil
	}
	return s.before
}

// read remembers what a run was made from.
func (s *Stamp) read(a *Analysis) {
	if s != nil {
		s.analysis = a
	}
}

// readMore says that the run read files that are not looked at again.
func (s *Stamp) readMore() {
	if s != nil {
		s.partial = true
	}
}

// verify compares the outcome of a run with what was known before it.
func (s *Stamp) verify(results []Result, diags diag.List) {
	if s == nil || !s.store.IsVerifying() || s.known == nil {
		return
	}
	now := known(results, diags)
	same := len(results) == len(now.Files) && reflect.DeepEqual(s.known, now)
	for _, r := range results {
		same = same && s.before[output(r.Path)].Sum == canon.Sum(r.Content)
	}
	if !same {
		s.store.Report("that nothing changed in " + s.analysis.Program.Dir)
	}
}

// known is what a run leaves when the disk is as its results say.
func known(results []Result, diags diag.List) *Known {
	k := &Known{}
	for _, r := range results {
		if r.Content != nil {
			k.Files = append(k.Files, KnownFile{r.PkgPath, r.Path})
		}
	}
	for _, d := range diags {
		if len(d.Related) == 0 {
			d.Related = nil // as it comes back from the cache
		}
		k.Diagnostics = append(k.Diagnostics, d)
	}
	return k
}

// Keep says that the disk is as the results of Generate want it, and remembers that. After a run with errors, or one during which something changed, there is
// nothing to remember.
func (s *Stamp) Keep(results []Result, diags diag.List) {
	if s == nil || s.analysis == nil || s.partial || diags.HasErrors() {
		return
	}
	seen, settled := s.analysis.Program.Seen()
	if seen == nil {
		return
	}
	list, same, fresh := s.look(seen, results)
	if !same {
		return
	}
	kept := stamped{}
	if settled && !fresh {
		kept.Known = known(results, diags)
	}
	all := make([]facts.Fact, len(list))
	for i, o := range list {
		all[i] = o.Fact
	}
	kept.Facts = facts.Append(nil, facts.Sort(all))
	var b bytes.Buffer
	if gob.NewEncoder(&b).Encode(kept) == nil {
		s.store.Replace(stampKind, s.key, b.Bytes())
	}
}

// look looks again at everything that the run read, and at what it wrote. It is not the same where something is not as the run saw it, but for what the run itself wrote; and
// it is fresh where something changed so short a time before that the run may have seen it otherwise.
func (s *Stamp) look(seen []facts.Observation, results []Result) (now []facts.Observation, same, fresh bool) {
	was := map[facts.ID]facts.Observation{}
	var ids []facts.ID
	for _, o := range seen {
		was[o.ID] = o
		ids = append(ids, o.ID)
	}
	handed := map[facts.ID]canon.Digest{} // what the run still has
	for path, src := range s.analysis.inputs.content {
		handed[facts.ID{Kind: facts.Source, Path: path}] = canon.Sum(src)
	}
	removed := map[facts.ID]bool{}
	for _, r := range results {
		id := output(r.Path)
		ids = append(ids, id)
		handed[id], removed[id] = canon.Sum(r.Content), r.Content == nil
	}
	ids = facts.SortIDs(append(ids, s.more(seen)...))
	hints := make([]facts.Fact, len(ids))
	for i, id := range ids {
		hints[i] = facts.Fact{ID: id}
		if o, ok := was[id]; ok {
			hints[i] = o.Fact
		}
	}
	now, same = facts.Look(hints), true
	for _, o := range now {
		sum, isHanded := handed[o.ID]
		loaded, isLoaded := was[o.ID]
		before, isBefore := s.before[o.ID]
		switch {
		case removed[o.ID]:
			same = same && o.Absent()
		case isHanded:
			same = same && o.Sum == sum
		case isLoaded && loaded.Names != nil:
			same = same && slices.Equal(others(loaded.Names), others(o.Names))
		case isLoaded:
			same = same && loaded.Same(o.Fact, facts.Content)
		case isBefore:
			same = same && before.Same(o.Fact, facts.Content)
		default:
			fresh = fresh || s.start.Sub(o.Changed) <= load.Margin
		}
	}
	return now, same, fresh
}

// more is what the run read beside what packages are listed from: the files that are embedded or declared to count, folders in which such
// files are looked for, and what could be left over from an earlier time.
func (s *Stamp) more(seen []facts.Observation) []facts.ID {
	var ids []facts.ID
	for path := range s.analysis.inputs.stats {
		ids = append(ids, facts.ID{Kind: facts.File, Path: path})
	}
	for _, o := range seen {
		if o.Kind != facts.Names && o.Kind != facts.Tree {
			continue
		}
		for _, entry := range o.Names {
			name := facts.NameOf(entry)
			base := name[strings.LastIndexByte(name, '/')+1:]
			if base == render.ManifestFile || strings.HasSuffix(base, ".go") && (base[0] == '.' || base[0] == '_') {
				ids = append(ids, facts.ID{Kind: facts.File, Path: filepath.Join(o.Path, filepath.FromSlash(name))})
			}
		}
	}
	for _, d := range s.analysis.Model.Decisions {
		for _, p := range d.Files {
			ids = append(ids, load.Embedding(d.Pkg.Dir, p.Glob)...)
		}
	}
	return ids
}

// output is how a generated file is looked at.
func output(path string) facts.ID {
	if strings.HasSuffix(path, ".go") {
		return facts.ID{Kind: facts.Source, Path: path}
	}
	return facts.ID{Kind: facts.File, Path: path}
}

// others leaves out the names that a run of ours adds and removes.
func others(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(entry string) bool {
		name := facts.NameOf(entry)
		return slices.Contains(ours, name[strings.LastIndexByte(name, '/')+1:])
	})
}
