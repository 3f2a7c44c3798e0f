package compare

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/manifest"
)

// A Comparison says what differs between two snapshots. It is the JSON form of dagstergen diff; slices are never nil.
type Comparison struct {
	Old             string   `json:"old"`
	New             string   `json:"new"`
	VersionsChanged bool     `json:"versions_changed"` // a version differs, or something with a version was added or removed
	Changes         []Change `json:"changes"`
	Runs            []Run    `json:"runs"`  // steps that run again
	Maybe           []Run    `json:"maybe"` // steps that only have such a step above them: reused where it produces the same data as before
}

// A Change is one declaration that differs.
type Change struct {
	Change         string  `json:"change"` // "changed", "added" or "removed"
	Kind           string  `json:"kind"`   // "op", "asset", "source", "resource", "config", "job" or "strategy"; of binaries, the kind of declaration
	Key            string  `json:"key"`
	Package        string  `json:"package"`
	Symbol         string  `json:"symbol"`
	Position       string  `json:"position,omitempty"` // file:line:col: in the new state, or in the old one of what was removed
	VersionChanged bool    `json:"version_changed"`
	OldVersion     string  `json:"old_version,omitempty"`
	NewVersion     string  `json:"new_version,omitempty"`
	Note           string  `json:"note,omitempty"` // why changed code does not change the version, or may not
	Causes         []Cause `json:"causes"`         // of changed code
	Facts          []Edit  `json:"facts"`          // what else its declaration says differently: signature, config fields, wiring
}

// A Cause is a symbol whose change is the reason for another version.
type Cause struct {
	Change   string   `json:"change"` // "changed", "added" or "removed"
	Kind     string   `json:"kind"`
	Name     string   `json:"name"`
	Position string   `json:"position,omitempty"` // file:line:col, or the file alone; of what was removed, in the old state
	Detail   string   `json:"detail,omitempty"`   // what differs, where a word says it: "v1.2.0 → v1.3.0"
	Path     []string `json:"path"`               // from the symbol to Name
}

// An Edit is a fact that differs. Old or New is empty where there was or is none.
type Edit struct {
	Name string `json:"name"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// A Run is a step that follows from the changes.
type Run struct {
	Package string   `json:"package"`
	Job     string   `json:"job,omitempty"` // empty for assets
	Key     string   `json:"key"`
	Symbol  string   `json:"symbol"`
	Reasons []string `json:"reasons"` // never empty
}

// codeChanged is the reason of a step whose own version is another one.
const codeChanged = "code changed"

// Compare says what differs from old to new.
func Compare(old, new Snapshot) Comparison {
	c := comparer{old: old, new: new, changed: map[string]bool{}, undecided: map[string]bool{}}
	out := Comparison{Old: old.Name, New: new.Name, Changes: []Change{}, Runs: []Run{}, Maybe: []Run{}}
	before := map[string]Thing{}
	for _, t := range old.Things {
		before[t.id()] = t
	}
	for _, t := range new.Things {
		o, ok := before[t.id()]
		delete(before, t.id())
		switch {
		case !ok:
			out.Changes = append(out.Changes, c.alone(manifest.Added, t, new))
		default:
			if change, differs := c.both(o, t); differs {
				out.Changes = append(out.Changes, change)
			}
		}
	}
	for _, t := range old.Things {
		if _, gone := before[t.id()]; gone {
			out.Changes = append(out.Changes, c.alone(manifest.Removed, t, old))
		}
	}
	slices.SortStableFunc(out.Changes, func(x, y Change) int {
		return cmp.Or(cmp.Compare(order(x.Change), order(y.Change)), cmp.Compare(x.Package, y.Package), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Key, y.Key))
	})
	for _, change := range out.Changes {
		out.VersionsChanged = out.VersionsChanged || change.VersionChanged
	}
	c.follow(&out)
	return out
}

func order(change string) int {
	return slices.Index([]string{manifest.Changed, manifest.Added, manifest.Removed}, change)
}

// A comparer is one comparison under way.
type comparer struct {
	old, new  Snapshot
	changed   map[string]bool // symbols of new whose version differs
	undecided map[string]bool // symbols of new whose version a strategy gives, and whose code or strategy differs
}

// alone is the change of what only one side has.
func (c *comparer) alone(change string, t Thing, side Snapshot) Change {
	out := Change{Change: change, Kind: t.Kind, Key: t.Key, Package: t.Package, Symbol: t.Symbol, Position: side.Places[t.Symbol], VersionChanged: t.Versioned,
		Causes: []Cause{}, Facts: []Edit{}}
	version := version(t, side)
	if change == manifest.Added {
		out.NewVersion = version
	} else {
		out.OldVersion = version
	}
	return out
}

// both compares what both sides have.
func (c *comparer) both(o, n Thing) (Change, bool) {
	out := Change{Change: manifest.Changed, Kind: n.Kind, Key: n.Key, Package: n.Package, Symbol: n.Symbol, Position: c.new.Places[n.Symbol],
		OldVersion: version(o, c.old), NewVersion: version(n, c.new), Causes: []Cause{}, Facts: edits(o.Facts, n.Facts)}
	if o.Kind != n.Kind {
		out.Facts = append(out.Facts, Edit{"kind", o.Kind, n.Kind})
	}
	if o.Symbol != n.Symbol {
		out.Facts = append(out.Facts, Edit{"function", o.Symbol, n.Symbol})
	}
	for _, e := range []Edit{{"version", o.Pinned, n.Pinned}, {"strategy", o.Strategy, n.Strategy}} {
		if e.Old != e.New {
			out.Facts = append(out.Facts, e)
		}
	}
	if n.Versioned {
		out.Causes = c.causes(o, n)
		coded := len(out.Causes) > 0 || codeOf(o, c.old) != codeOf(n, c.new)
		switch {
		case n.Strategy != "" || o.Strategy != "":
			if coded || o.Strategy != n.Strategy {
				c.undecided[n.Symbol] = true
				out.Note = "the version is what the strategy " + short(cmp.Or(n.Strategy, o.Strategy), n.Package) + " says when a run is planned"
			}
			out.VersionChanged = o.Strategy != n.Strategy
		case out.OldVersion != out.NewVersion:
			out.VersionChanged = true
			c.changed[n.Symbol] = true
		case coded && n.Pinned != "":
			out.Note = "the code changed, but version=" + n.Pinned + " is what counts"
		}
	}
	return out, out.VersionChanged || len(out.Causes) > 0 || len(out.Facts) > 0
}

// version is what memoization compares, as far as it is known before a run.
func version(t Thing, s Snapshot) string {
	if !t.Versioned {
		return ""
	}
	return cmp.Or(t.Pinned, codeOf(t, s))
}

func (s Snapshot) versionOf(symbol string) string {
	i := slices.IndexFunc(s.Things, func(t Thing) bool { return t.Symbol == symbol })
	if i < 0 {
		return ""
	}
	return version(s.Things[i], s)
}

func codeOf(t Thing, s Snapshot) string {
	if s.Manifest != nil {
		if v, ok := s.Manifest.Version(t.Symbol); ok {
			return v.String()
		}
	}
	return ""
}

// causes asks the manifests, under one name for what was renamed.
func (c *comparer) causes(o, n Thing) []Cause {
	out := []Cause{}
	if c.old.Manifest == nil || c.new.Manifest == nil {
		return out
	}
	before := c.old.Manifest.Closure(o.Symbol)
	for i := range before.Entries {
		before.Entries[i].Symbol = n.Symbol
	}
	for _, d := range manifest.Diff(before, c.new.Manifest.Closure(n.Symbol), n.Symbol) {
		x := Cause{Change: d.Change, Kind: d.Kind, Name: d.Name, Path: d.Path}
		side := c.new
		if d.Change == manifest.Removed {
			side = c.old
		}
		x.Position = cmp.Or(side.Places[d.Name], d.File)
		x.Detail = c.detail(d)
		out = append(out, x)
	}
	return out
}

// detail says in a word what differs of a component beyond its text.
func (c *comparer) detail(d manifest.Cause) string {
	was, is := d.Was, d.Is
	switch {
	case d.Kind == manifest.KindExt:
		if was, is = c.old.Modules[d.Name], c.new.Modules[d.Name]; was == is {
			return ""
		}
	case d.Change == manifest.Changed && d.Kind == manifest.KindIgnored && d.OldKind == manifest.KindIgnored:
		return "is ignored, and has another type"
	case d.Change == manifest.Changed && d.Kind == manifest.KindIgnored:
		return "is ignored now: " + d.Is
	case d.Change == manifest.Changed && d.OldKind == manifest.KindIgnored:
		return "is not ignored any more: " + d.Was
	case d.Kind == manifest.KindIgnored:
		return "is ignored: " + d.Was + d.Is
	}
	switch {
	case was != "" && is != "":
		return was + " → " + is
	case d.Kind != manifest.KindEnv:
		return ""
	case is != "":
		return "now " + is
	case was != "":
		return "was " + was
	}
	return ""
}

// edits pairs facts by name, in the order of new with what is gone at the end.
func edits(old, new []Fact) []Edit {
	out := []Edit{}
	before := map[string]string{}
	for _, f := range old {
		before[f.Name] = f.Value
	}
	for _, f := range new {
		if before[f.Name] != f.Value {
			out = append(out, Edit{f.Name, before[f.Name], f.Value})
		}
		delete(before, f.Name)
	}
	for _, f := range old {
		if value, gone := before[f.Name]; gone {
			out = append(out, Edit{f.Name, value, ""})
		}
	}
	return out
}

// follow finds the steps that run again: first those with a reason of their own, then what lies below them.
func (c *comparer) follow(out *Comparison) {
	before := map[string]Unit{}
	for _, u := range c.old.Units {
		before[u.id()] = u
	}
	byID := map[string]Unit{}
	reasons := map[string][]string{}
	hot := map[string]bool{} // runs, or may run
	maybe := map[string][]string{}
	for _, u := range c.new.Units {
		byID[u.id()] = u
		o, known := before[u.id()]
		sure, unsure := c.reasons(o, known, u)
		reasons[u.id()], maybe[u.id()] = sure, unsure
		hot[u.id()] = len(sure)+len(unsure) > 0
	}
	for spread := true; spread; {
		spread = false
		for _, u := range c.new.Units {
			if !hot[u.id()] && slices.ContainsFunc(u.Upstream, func(id string) bool { return hot[id] }) {
				hot[u.id()], spread = true, true
			}
		}
	}
	units := slices.SortedFunc(slices.Values(c.new.Units), func(x, y Unit) int { return cmp.Compare(x.id(), y.id()) })
	for _, u := range units {
		run := Run{Package: u.Package, Job: u.Job, Key: u.Key, Symbol: u.Symbol}
		switch {
		case len(reasons[u.id()]) > 0:
			run.Reasons = reasons[u.id()]
			out.Runs = append(out.Runs, run)
		case hot[u.id()]:
			run.Reasons = maybe[u.id()]
			for _, id := range u.Upstream {
				if hot[id] {
					run.Reasons = append(run.Reasons, "below "+byID[id].Key)
				}
			}
			out.Maybe = append(out.Maybe, run)
		}
	}
}

// reasons says why a step must run, or may have to, apart from what is above it.
func (c *comparer) reasons(o Unit, known bool, u Unit) (sure, unsure []string) {
	if !known {
		return []string{"new"}, nil
	}
	switch {
	case u.Strategy == "" && o.Strategy == "" && o.Symbol != u.Symbol && c.old.versionOf(o.Symbol) != c.new.versionOf(u.Symbol):
		sure = append(sure, "another function: "+short(o.Symbol, u.Package)+" → "+short(u.Symbol, u.Package))
	case u.Strategy != "" || o.Strategy != "":
		if u.Strategy != o.Strategy || c.changed[u.Strategy] || c.undecided[u.Symbol] || c.changed[u.Symbol] {
			unsure = append(unsure, "a strategy gives its version")
		}
	case c.changed[u.Symbol]:
		sure = append(sure, codeChanged)
	case c.undecided[u.Symbol]:
		unsure = append(unsure, "a strategy gives its version")
	}
	for _, r := range u.Resources {
		name := short(r, u.Package)
		switch {
		case !slices.Contains(o.Resources, r):
			sure = append(sure, "takes the resource "+name)
		case c.changed[r]:
			sure = append(sure, "resource "+name+" changed")
		}
	}
	if !slices.Equal(o.Env, u.Env) {
		sure = append(sure, "other environment variables count: "+names(o.Env)+" → "+names(u.Env))
	}
	for _, e := range edits(o.Wiring, u.Wiring) {
		switch {
		case e.Old == "":
			sure = append(sure, "new input "+e.Name)
		case e.New == "":
			sure = append(sure, "no input "+e.Name+" any more")
		default:
			sure = append(sure, "input "+e.Name+": "+e.Old+" → "+e.New)
		}
	}
	return sure, unsure
}

// names lists names for people.
func names(list []string) string { return cmp.Or(strings.Join(list, ", "), "none") }
