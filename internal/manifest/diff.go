package manifest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// What a [Cause] can say of a component.
const (
	Changed = "changed"
	Added   = "added"
	Removed = "removed"
	Moved   = "moved" // runs in another order when a program starts
)

// A Cause is one reason why a version differs between two manifests.
type Cause struct {
	Change     string   // Changed, Added, Removed or Moved
	Kind, Name string   // of the node
	File       string   // where it stands: in the new manifest, or in the old one for a removed node
	Path       []string // node names from the entry to Name, both included: the shortest such path

	OldKind string // of the node in the old manifest; what is ignored on one side only has two kinds
	Was, Is string // the values of the node, see [Node.Value]
}

// Diff says why the version of a symbol differs between two manifests: the components that changed themselves, as opposed to those that
// only reach one that did. It is nil where the versions are equal. The order is stable: declarations
// before types before packages and the environment, changed before added before removed, near before far.
//
// Either manifest may be a [Manifest.Closure] of the symbol; the answer is the same.
func Diff(old, new *Manifest, symbol string) []Cause {
	o, n := old.entry(symbol), new.entry(symbol)
	switch {
	case o == nil && n == nil:
		return nil
	case o == nil:
		return []Cause{{Change: Added, Kind: new.kind(n.Node), Name: symbol, File: new.file(n.Node), Path: []string{symbol}}}
	case n == nil:
		return []Cause{{Change: Removed, Kind: old.kind(o.Node), Name: symbol, File: old.file(o.Node), Path: []string{symbol}}}
	case o.Version == n.Version:
		return nil
	}
	d := newDiffer(old, new, o, n)
	if causes := d.rules(); causes != nil {
		return causes
	}
	d.compare()
	causes := d.causes
	if len(causes) == 0 {
		causes = d.moved()
	}
	if len(causes) == 0 {
		// Every difference of a hash has a local one below it, unless the text was made by another program than ours.
		causes = []Cause{{Change: Changed, Kind: new.kind(n.Node), Name: n.Node, File: new.file(n.Node), Path: []string{n.Node}}}
	}
	slices.SortStableFunc(causes, func(a, b Cause) int {
		return cmp.Or(
			cmp.Compare(rank(a.Kind), rank(b.Kind)),
			cmp.Compare(changeRank(a.Change), changeRank(b.Change)),
			cmp.Compare(len(a.Path), len(b.Path)),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return causes
}

// Setting says in words which of the settings that versions share a cause of the kind [KindEnv] is about, without an article.
func (c Cause) Setting() string {
	switch c.Name {
	case Algorithm:
		return "way in which dagstergen computes versions"
	case Mode:
		return "mode"
	case Target:
		return "target"
	case Toolchain:
		return "release of Go"
	case Deps:
		return "way in which modules required directly count"
	case Debug:
		return "GODEBUG of the module"
	}
	if path, ok := strings.CutPrefix(c.Name, Debug+":"); ok {
		return "GODEBUG of program " + path
	}
	if path, ok := strings.CutPrefix(c.Name, Language); ok {
		return "language version of " + path
	}
	return "environment of versions"
}

// rank orders kinds by how precisely they point at an edit.
func rank(kind string) int {
	switch kind {
	case KindFunc, KindMethod, KindConst, KindVar, KindInit, KindEmbed, KindIgnored:
		return 0
	case KindType, KindNative, KindSkipped:
		return 1
	case KindRuntime, KindCodec:
		return 2
	case KindExt:
		return 3
	default:
		return 4
	}
}

func changeRank(change string) int {
	return slices.Index([]string{Changed, Added, Removed, Moved}, change)
}

func (m *Manifest) node(name string) *Node {
	if i, ok := slices.BinarySearchFunc(m.Nodes, name, func(n Node, s string) int { return strings.Compare(n.Name, s) }); ok {
		return &m.Nodes[i]
	}
	if i := slices.IndexFunc(m.Nodes, func(n Node) bool { return n.Name == name }); i >= 0 {
		return &m.Nodes[i]
	}
	return nil
}

func (m *Manifest) kind(name string) string {
	if n := m.node(name); n != nil {
		return n.Kind
	}
	return ""
}

func (m *Manifest) file(name string) string {
	if n := m.node(name); n != nil {
		return n.File
	}
	return ""
}

// A side is one of the two graphs: what an entry reaches, and by which shortest path.
type side struct {
	nodes map[string]*Node
	from  map[string]string // a node and the one before it on the shortest path from the entry
	start string
}

// newSide walks the graph breadth first, names in order, so that the paths are the shortest and always the same ones.
func newSide(m *Manifest, e *Entry) *side {
	s := &side{nodes: NewIndex(m).reach(e), from: map[string]string{e.Node: ""}, start: e.Node}
	setters := map[string][]string{}
	for _, name := range e.Also {
		if n := s.nodes[name]; n != nil {
			for _, v := range n.Sets {
				setters[v] = append(setters[v], name)
			}
		}
	}
	s.spread([]string{e.Node}, setters)
	// What sets state that no node stands for, and the environment, hang on the entry itself.
	for _, name := range slices.Concat(e.Also, []string{EnvNode}) {
		if _, seen := s.from[name]; !seen && s.nodes[name] != nil {
			s.from[name] = e.Node
			s.spread([]string{name}, setters)
		}
	}
	return s
}

func (s *side) spread(queue []string, setters map[string][]string) {
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		n := s.nodes[name]
		if n == nil {
			continue
		}
		for _, next := range sortedSet(slices.Concat(n.Refs, n.Implied, setters[name])) {
			if _, seen := s.from[next]; !seen && s.nodes[next] != nil {
				s.from[next] = name
				queue = append(queue, next)
			}
		}
	}
}

func (s *side) path(name string) []string {
	var p []string
	for n := name; n != ""; n = s.from[n] {
		p = append(p, n)
		if len(p) > len(s.nodes) {
			break // not a path from the entry: a text that was not made by us
		}
	}
	slices.Reverse(p)
	return p
}

// A differ compares two sides.
type differ struct {
	old, new *side
	toNew    map[string]string // nodes of old that have another name in new
	toOld    map[string]string
	causes   []Cause
	entry    [2]*Entry
}

func newDiffer(old, new *Manifest, o, n *Entry) *differ {
	d := &differ{old: newSide(old, o), new: newSide(new, n), toNew: map[string]string{}, toOld: map[string]string{}, entry: [2]*Entry{o, n}}
	d.pairInits()
	d.pairRenamed()
	if o.Node != n.Node {
		d.toNew[o.Node], d.toOld[n.Node] = n.Node, o.Node
	}
	return d
}

// pairInits finds the partner of each init function and blank initialiser. They have no name of their own, only a file and
// a number, which change when another one is written above or the file is renamed.
func (d *differ) pairInits() {
	olds, news := inits(d.old.nodes), inits(d.new.nodes)
	// Equal in all is the best partner, then equal in itself, then equal in name; of several the one with the same name.
	for _, same := range []func(o, n *Node) bool{
		func(o, n *Node) bool { return o.Hash == n.Hash && o.Name == n.Name },
		func(o, n *Node) bool { return o.Hash == n.Hash },
		func(o, n *Node) bool { return o.Local == n.Local && o.Name == n.Name },
		func(o, n *Node) bool { return o.Local == n.Local },
		func(o, n *Node) bool { return o.Name == n.Name },
	} {
		for _, o := range olds {
			for _, n := range news {
				_, oDone := d.toNew[o.Name]
				_, nDone := d.toOld[n.Name]
				if !oDone && !nDone && initPackage(o) == initPackage(n) && same(o, n) {
					d.toNew[o.Name], d.toOld[n.Name] = n.Name, o.Name
				}
			}
		}
	}
	const none = "\x00" // no node has this name: an init without a partner has none by accident of its name either
	for _, o := range olds {
		if _, ok := d.toNew[o.Name]; !ok {
			d.toNew[o.Name] = none
		}
	}
	for _, n := range news {
		if _, ok := d.toOld[n.Name]; !ok {
			d.toOld[n.Name] = none
		}
	}
}

// pairRenamed finds functions that are equal in all but got another name or moved to another package: no cause of anything. The name of a file is.
func (d *differ) pairRenamed() {
	type key struct {
		kind string
		hash canon.Digest
	}
	gone := map[key][]string{}
	for _, name := range sortedKeys(d.old.nodes) {
		if o := d.old.nodes[name]; d.newOf(name) == nil && named(o) {
			gone[key{o.Kind, o.Hash}] = append(gone[key{o.Kind, o.Hash}], name)
		}
	}
	for _, name := range sortedKeys(d.new.nodes) {
		n := d.new.nodes[name]
		if d.oldOf(name) != nil || !named(n) {
			continue
		}
		if l := gone[key{n.Kind, n.Hash}]; len(l) > 0 {
			d.toNew[l[0]], d.toOld[name] = name, l[0]
			gone[key{n.Kind, n.Hash}] = l[1:]
		}
	}
}

// named reports whether a node has a name that does not count by itself.
func named(n *Node) bool { return n.Kind != KindInit && n.Kind != KindEmbed }

func inits(nodes map[string]*Node) []*Node {
	var l []*Node
	for _, n := range nodes {
		if n.Kind == KindInit {
			l = append(l, n)
		}
	}
	slices.SortFunc(l, func(a, b *Node) int { return cmp.Compare(a.Name, b.Name) })
	return l
}

func initPackage(n *Node) string {
	pkg, _, _ := strings.Cut(n.Name, "(")
	return pkg
}

func (d *differ) newOf(old string) *Node {
	if name, ok := d.toNew[old]; ok {
		return d.new.nodes[name]
	}
	return d.new.nodes[old]
}

func (d *differ) oldOf(new string) *Node {
	if name, ok := d.toOld[new]; ok {
		return d.old.nodes[name]
	}
	return d.old.nodes[new]
}

// rules reports that versions were computed in another way: then what differs below is no news of the code.
func (d *differ) rules() []Cause {
	for _, name := range []string{Algorithm, Mode, Target} {
		o, n := d.old.nodes[name], d.new.nodes[name]
		if o != nil && n != nil && o.Kind == KindEnv && o.Hash != n.Hash {
			return []Cause{d.changed(o, n)}
		}
	}
	return d.deps()
}

// deps reports that modules required directly count in another way, where the entry reaches other modules at all. The node is there on one side alone: a manifest
// in which they count like others says nothing of it.
func (d *differ) deps() []Cause {
	o, n := d.old.nodes[Deps], d.new.nodes[Deps]
	c := Cause{Change: Changed, Kind: KindEnv, Name: Deps, OldKind: KindEnv, Was: "packages", Is: "packages"}
	without := d.old
	switch {
	case o == nil && n != nil:
		c.Is, c.Path = n.Value, d.new.path(Deps)
	case o != nil && n == nil:
		c.Was, c.Path, without = o.Value, d.old.path(Deps), d.new
	default:
		return nil
	}
	for _, node := range without.nodes {
		if node.Kind == KindExt {
			return []Cause{c}
		}
	}
	return nil
}

// changed is the cause that a node differs from its partner.
func (d *differ) changed(o, n *Node) Cause {
	return Cause{Change: Changed, Kind: n.Kind, Name: n.Name, File: n.File, Path: d.new.path(n.Name), OldKind: o.Kind, Was: o.Value, Is: n.Value}
}

// compare looks at every pair of nodes whose hashes differ, and at the nodes that only one side has.
func (d *differ) compare() {
	derived := d.unpaired(Added, d.new, d.oldOf)
	derived = append(derived, d.unpaired(Removed, d.old, d.newOf)...)
	for _, name := range sortedKeys(d.new.nodes) {
		n, o := d.new.nodes[name], d.oldOf(name)
		if o != nil && o.Hash != n.Hash && (o.Local != n.Local || n.Kind != KindEnv && d.renamed(o, n)) {
			d.causes = append(d.causes, d.changed(o, n))
		}
	}
	if len(d.causes) == 0 {
		d.causes = derived
	}
}

// moved says that what sets a state when a program starts does so in another order, where nothing else differs: the first init function of a file
// or of its package that stands in another place. What stands in the same place among those of its package moved with its package, or is a variable.
func (d *differ) moved() []Cause {
	olds, news := d.starts(0), d.starts(1)
	place := map[string]int{}
	for i, o := range olds {
		place[o.Name] = i
	}
	for i, n := range news {
		if o := d.oldOf(n.Name); o != nil && n.Kind == KindInit && place[o.Name] != i {
			return []Cause{d.movedTo(o, n)}
		}
	}
	for _, n := range news {
		if o := d.oldOf(n.Name); o != nil {
			return []Cause{d.movedTo(o, n)}
		}
	}
	return nil
}

func (d *differ) movedTo(o, n *Node) Cause {
	c := d.changed(o, n)
	c.Change = Moved
	return c
}

// starts lists what sets state of an entry when a program starts, on one side: the variables by name, then the init functions as they stand.
func (d *differ) starts(i int) []*Node {
	var out []*Node
	for _, name := range d.entry[i].Also {
		if n := [2]*side{d.old, d.new}[i].nodes[name]; n != nil && (n.Kind == KindInit || n.Kind == KindVar) {
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b *Node) int {
		x, _, _ := strings.Cut(a.Name, "#")
		y, _, _ := strings.Cut(b.Name, "#")
		return cmp.Or(-cmp.Compare(a.Kind, b.Kind), cmp.Compare(x, y), cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// unpaired reports the nodes of one side without a partner on the other. Of a group that came together, the one that something
// older refers to is the news; a type as a value is none, but what can be called through it is. Neither is what lies behind something that
// is ignored on the other side: that it is ignored is the news.
func (d *differ) unpaired(change string, s *side, partner func(string) *Node) (derived []Cause) {
	for _, name := range sortedKeys(s.nodes) {
		if partner(name) != nil || name == Deps && s.nodes[name].Kind == KindEnv { // see deps
			continue
		}
		parent := s.from[name]
		for parent != "" && partner(parent) == nil && isDerived(s.nodes[parent].Kind) {
			parent = s.from[parent]
		}
		if parent != "" && (partner(parent) == nil || partner(parent).Kind == KindIgnored && s.nodes[parent].Kind != KindIgnored) {
			continue
		}
		n := s.nodes[name]
		c := Cause{Change: change, Kind: n.Kind, Name: n.Name, File: n.File, Path: s.path(name)}
		if change == Added {
			c.Is = n.Value
		} else {
			c.Was = n.Value
		}
		if isDerived(n.Kind) {
			derived = append(derived, c)
		} else {
			d.causes = append(d.causes, c)
		}
	}
	return derived
}

// renamed reports whether the text of a node names something else than before, in a place where all else is the same: another callee, or
// two of them exchanged. Where something only got another name, or a name means something else now, the text itself is not the cause.
func (d *differ) renamed(o, n *Node) bool {
	if len(o.Refs) != len(n.Refs) {
		return true
	}
	for i := range o.Refs {
		a, b := d.old.nodes[o.Refs[i]], d.new.nodes[n.Refs[i]]
		if a == nil || b == nil {
			return true
		}
		if d.newOf(a.Name) != b && a.Hash != b.Hash && base(a.Name) != base(b.Name) {
			return true
		}
	}
	return false
}

// base is the name that a text has for a node.
func base(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// isDerived reports whether a node stands for no text of its own.
func isDerived(kind string) bool {
	return kind == KindRuntime || kind == KindCodec
}

func sortedSet(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

func sortedKeys(nodes map[string]*Node) []string {
	names := make([]string, 0, len(nodes))
	for n := range nodes {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
