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

// lazyClosure is the code manifest of one symbol in the form in which it is stored beside records. A run has one for each op, and stores each once: so the text is let go when it is taken, and
// made again for who takes it later.
type lazyClosure struct {
	mu     sync.Mutex
	made   bool
	digest canon.Digest
	text   []byte // until it is taken
}

func (l *lazyClosure) sum(c *closures, symbol string) canon.Digest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sumLocked(c, symbol)
}

func (l *lazyClosure) sumLocked(c *closures, symbol string) canon.Digest {
	if !l.made {
		l.text = []byte(c.of(symbol).Text())
		l.digest, l.made = canon.Sum(l.text), true
	}
	return l.digest
}

func (l *lazyClosure) take(c *closures, symbol string) (canon.Digest, []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, text := l.sumLocked(c, symbol), l.text
	if l.text = nil; text == nil {
		text = []byte(c.of(symbol).Text())
	}
	return d, text
}

// ManifestDigest is the digest of the code manifest of a step's op.
func (n *Node) ManifestDigest() canon.Digest {
	return n.info.closure.sum(n.info.pkg.closures, n.Op.Symbol)
}

// OpManifest returns the code manifest of a step's op and its digest: what is stored with a record, so that a later plan can name what changed. Whoever needs the digest alone asks for that.
func (n *Node) OpManifest() (canon.Digest, []byte) {
	return n.info.closure.take(n.info.pkg.closures, n.Op.Symbol)
}
