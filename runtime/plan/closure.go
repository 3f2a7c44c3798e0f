package plan

import (
	"slices"
	"strings"
	"sync"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// closures cuts closures out of one manifest. It does what [manifest.Manifest.Closure] does with an index that is made
// once, because a run of thousands of ops cuts one for each.
type closures struct {
	once  sync.Once
	m     *manifest.Manifest
	nodes map[string]*manifest.Node
}

func newClosures(m *manifest.Manifest) *closures { return &closures{m: m} }

func (c *closures) of(symbol string) *manifest.Manifest {
	c.once.Do(func() {
		c.nodes = make(map[string]*manifest.Node, len(c.m.Nodes))
		for i := range c.m.Nodes {
			c.nodes[c.m.Nodes[i].Name] = &c.m.Nodes[i]
		}
	})
	cut := &manifest.Manifest{Mode: c.m.Mode, Target: c.m.Target, Language: c.m.Language}
	i, ok := slices.BinarySearchFunc(c.m.Entries, symbol, func(e manifest.Entry, s string) int { return strings.Compare(e.Symbol, s) })
	if !ok {
		return cut
	}
	cut.Entries = c.m.Entries[i : i+1 : i+1]
	seen := map[string]bool{}
	queue := append([]string{cut.Entries[0].Node, manifest.EnvNode}, cut.Entries[0].Also...)
	for len(queue) > 0 {
		name := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		n := c.nodes[name]
		if n == nil || seen[name] {
			continue
		}
		seen[name] = true
		cut.Nodes = append(cut.Nodes, *n)
		queue = append(queue, n.Refs...)
	}
	slices.SortFunc(cut.Nodes, func(a, b manifest.Node) int { return strings.Compare(a.Name, b.Name) })
	return cut
}

// lazyClosure is the code manifest of one symbol in the form in which it is stored beside records.
type lazyClosure struct {
	once   sync.Once
	digest canon.Digest
	text   []byte
}

func (l *lazyClosure) get(c *closures, symbol string) (canon.Digest, []byte) {
	l.once.Do(func() {
		l.text = []byte(c.of(symbol).Text())
		l.digest = canon.Sum(l.text)
	})
	return l.digest, l.text
}

// OpManifest returns the code manifest of a step's op and its digest: what is stored with a record, so that a later plan can name what changed.
func (n *Node) OpManifest() (canon.Digest, []byte) {
	return n.info.closure.get(n.info.pkg.closures, n.Op.Symbol)
}

// ResourceManifest is [Node.OpManifest] for a resource; the digest is zero for a key that is not known.
func (c *Catalog) ResourceManifest(key string) (canon.Digest, []byte) {
	r := c.resourceByKey[key]
	if r == nil {
		return canon.Digest{}, nil
	}
	return r.closure.get(r.pkg.closures, r.resource.Symbol)
}
