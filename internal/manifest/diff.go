package manifest

import (
	"cmp"
	"slices"
	"strings"
)

// What a [Cause] can say of a component.
const (
	Changed = "changed"
	Added   = "added"
	Removed = "removed"
)

// A Cause is one reason why a version differs between two manifests.
type Cause struct {
	Change     string   // Changed, Added or Removed
	Kind, Name string   // of the node
	File       string   // where it stands: in the new manifest, or in the old one for a removed node
	Path       []string // node names from the entry to Name, both included: the shortest such path
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
	d := &differ{old: old.reach(o.Node), new: new.reach(n.Node), seen: map[string]bool{}}
	d.pairInits()
	causes := d.walk(o.Node, n.Node, nil)
	causes = append(causes, d.walk(EnvNode, EnvNode, []string{n.Node})...)
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

// rank orders kinds by how precisely they point at an edit.
func rank(kind string) int {
	switch kind {
	case KindFunc, KindMethod, KindConst, KindVar, KindInit, KindEmbed:
		return 0
	case KindType, KindNative, KindSkipped, KindGen:
		return 1
	case KindRuntime:
		return 2
	case KindExt:
		return 3
	default:
		return 4
	}
}

func changeRank(change string) int {
	return slices.Index([]string{Changed, Added, Removed}, change)
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

// A differ walks two graphs side by side. The nodes of old are known by their names in new.
type differ struct {
	old, new map[string]*Node
	seen     map[string]bool // pairs and reported names
	alias    map[string]string
}

// pairInits gives init functions and blank initialisers of old the names of their likes in new. They have no name of their own, only a file and
// a number, which change when another one is written above or the file is renamed.
func (d *differ) pairInits() {
	group := func(nodes map[string]*Node) map[string][]*Node {
		g := map[string][]*Node{}
		for _, n := range nodes {
			if n.Kind == KindInit {
				pkg, _, _ := strings.Cut(n.Name, "(")
				g[pkg] = append(g[pkg], n)
			}
		}
		for _, list := range g {
			slices.SortFunc(list, func(a, b *Node) int { return cmp.Compare(a.Name, b.Name) })
		}
		return g
	}
	d.alias = map[string]string{}
	news := group(d.new)
	for pkg, olds := range group(d.old) {
		taken := map[string]bool{}
		// Equal in all is the best partner, then equal in itself, then equal in name; of several the one with the same name.
		for _, same := range []func(o, n *Node) bool{
			func(o, n *Node) bool { return o.Hash == n.Hash && o.Name == n.Name },
			func(o, n *Node) bool { return o.Hash == n.Hash },
			func(o, n *Node) bool { return o.Local == n.Local && o.Name == n.Name },
			func(o, n *Node) bool { return o.Local == n.Local },
			func(o, n *Node) bool { return o.Name == n.Name },
		} {
			for _, o := range olds {
				if _, done := d.alias[o.Name]; done {
					continue
				}
				for _, n := range news[pkg] {
					if !taken[n.Name] && same(o, n) {
						taken[n.Name], d.alias[o.Name] = true, n.Name
						break
					}
				}
			}
		}
	}
	aliased := make(map[string]*Node, len(d.old))
	for name, n := range d.old {
		aliased[d.newName(name, n)] = n
	}
	d.old = aliased
}

// newName is the name of a node of old among the nodes of new. An init without a partner keeps a name that no node of new has.
func (d *differ) newName(name string, n *Node) string {
	if a, ok := d.alias[name]; ok {
		return a
	}
	if n != nil && n.Kind == KindInit {
		if _, clash := d.new[name]; clash {
			return name + " (before)"
		}
	}
	return name
}

func (d *differ) oldRefs(n *Node, byOldName map[string]*Node) []string {
	refs := make([]string, len(n.Refs))
	for i, r := range n.Refs {
		refs[i] = d.newName(r, byOldName[r])
	}
	return refs
}

// walk is a breadth-first search over the pairs whose hashes differ.
func (d *differ) walk(oldStart, newStart string, prefix []string) []Cause {
	oldNodes := map[string]*Node{} // by the names of old, to translate refs
	for _, n := range d.old {
		oldNodes[n.Name] = n
	}
	type item struct {
		old, new *Node
		path     []string
	}
	var causes []Cause
	report := func(change string, n *Node, name string, path []string) {
		key := change + "\x00" + name
		if !d.seen[key] {
			d.seen[key] = true
			causes = append(causes, Cause{Change: change, Kind: n.Kind, Name: n.Name, File: n.File, Path: path})
		}
	}
	o, n := d.old[d.newName(oldStart, oldNodes[oldStart])], d.new[newStart]
	if o == nil || n == nil {
		return nil
	}
	queue := []item{{o, n, extend(prefix, n.Name)}}
	for len(queue) > 0 {
		it := queue[0]
		queue = queue[1:]
		if it.old.Hash == it.new.Hash || d.seen[it.new.Name] {
			continue
		}
		d.seen[it.new.Name] = true
		oldRefs := d.oldRefs(it.old, oldNodes)
		explained := it.old.Local != it.new.Local
		if explained {
			report(Changed, it.new, it.new.Name, it.path)
		}
		for _, r := range sortedSet(it.new.Refs) {
			switch {
			case slices.Contains(oldRefs, r):
				queue = append(queue, item{d.old[r], d.new[r], extend(it.path, r)})
			case d.old[r] == nil && d.new[r] != nil:
				report(Added, d.new[r], r, extend(it.path, r))
				explained = explained || !isCode(it.new.Kind)
			}
		}
		for _, r := range sortedSet(oldRefs) {
			if !slices.Contains(it.new.Refs, r) && d.new[r] == nil && d.old[r] != nil {
				report(Removed, d.old[r], r, extend(it.path, d.old[r].Name))
				explained = explained || !isCode(it.new.Kind)
			}
		}
		if !explained && !slices.Equal(oldRefs, it.new.Refs) {
			// The same text refers to something else now: another callee, or the order of two.
			report(Changed, it.new, it.new.Name, it.path)
		}
	}
	return causes
}

// isCode reports whether the references of a kind are what its text names. Those of the others (what initialises a variable, which
// methods a type has) are derived, so that a new one is no change of the node.
func isCode(kind string) bool { return kind == KindFunc || kind == KindMethod || kind == KindType }

func extend(path []string, name string) []string {
	return append(slices.Clip(path), name)
}

func sortedSet(names []string) []string {
	s := slices.Clone(names)
	slices.Sort(s)
	return slices.Compact(s)
}
