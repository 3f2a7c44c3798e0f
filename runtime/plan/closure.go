package plan

import (
	"sync"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// closures cuts closures out of one manifest, whose index is made once, because a run of thousands of ops cuts one for each.
type closures struct {
	once  sync.Once
	m     *manifest.Manifest
	index *manifest.Index
}

func newClosures(m *manifest.Manifest) *closures { return &closures{m: m} }

func (c *closures) of(symbol string) *manifest.Manifest {
	c.once.Do(func() { c.index = manifest.NewIndex(c.m) })
	return c.index.Closure(symbol)
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
