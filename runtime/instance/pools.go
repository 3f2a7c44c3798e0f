package instance

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/oslock"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// pools bound how many steps that name a pool run at once, in all processes of the instance: a place in a pool is one byte of one file, which is locked by who has it.
// The kernel gives back what a dead process had. As with versions, a map tells the holders of this process apart.
type pools struct {
	root     *os.Root
	dir      string
	limits   map[string]int
	fallback int // of a pool that limits does not name; 0 for no limit

	mu   sync.Mutex
	held map[int64]bool
	file *os.File
}

const (
	poolsFile = "locks/pools"
	// mostPlaces bounds a pool, so that the places of one pool are not those of another.
	mostPlaces = 1 << 16
)

// limit is how many places a pool has; 0 for no end of them.
func (p *pools) limit(name string) int {
	if p == nil {
		return 0
	}
	if n, ok := p.limits[name]; ok {
		return n
	}
	return p.fallback
}

// firstPlace is where the places of a pool begin.
func firstPlace(name string) int64 {
	return position(canon.Sum([]byte("dagstergen/pool/"+name))) &^ (mostPlaces - 1)
}

// try takes a free place of a pool; ok is false where there is none now.
func (p *pools) try(name string) (release func(), ok bool, err error) {
	n := p.limit(name)
	if n == 0 {
		return func() {}, true, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		f, err := p.root.OpenFile(poolsFile, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, false, storage.FileError("open", filepath.Join(p.dir, poolsFile), err)
		}
		p.file = f
	}
	first := firstPlace(name)
	for at := first; at < first+int64(n); at++ {
		if p.held[at] {
			continue
		}
		got, err := oslock.Try(p.file, at)
		if err != nil {
			return nil, false, storage.FileError("lock", filepath.Join(p.dir, poolsFile), err)
		}
		if !got {
			continue
		}
		if p.held == nil {
			p.held = map[int64]bool{}
		}
		p.held[at] = true
		var once sync.Once
		return func() { once.Do(func() { p.release(at) }) }, true, nil
	}
	return nil, false, nil
}

func (p *pools) release(at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = oslock.Release(p.file, at) // fails for a closed file alone, and then nothing is held
	delete(p.held, at)
}

func (p *pools) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}

// TryPool takes a place in a pool, among all processes of the instance, for as long as release is not called. ok is false if all are taken: then the caller tries again
// later. It never waits, so that nobody has to give up anything for it. A pool without a limit has a place for everyone; dagstergen.yaml has the limits.
func (i *Instance) TryPool(name string) (release func(), ok bool, err error) {
	if err := i.writable(); err != nil {
		return nil, false, err
	}
	return i.pools.try(name)
}

// PoolLimit returns how many steps of a pool may run at once; 0 for any number.
func (i *Instance) PoolLimit(name string) int { return i.pools.limit(name) }

// checkPools says what is wrong with the limits of dagstergen.yaml.
func (c *config) checkPools() error {
	p := &c.Concurrency.Pools
	if n := p.DefaultLimit; n != nil && (*n < 1 || *n > mostPlaces) {
		return fmt.Errorf("concurrency.pools.default_limit: want a whole number from 1 to %d, found %d; leave it out for no limit", mostPlaces, *n)
	}
	for _, name := range sortedKeys(p.Limits) {
		if n := p.Limits[name]; n < 1 || n > mostPlaces {
			return fmt.Errorf("concurrency.pools.limits.%s: want a whole number from 1 to %d, found %d", name, mostPlaces, n)
		}
	}
	return nil
}
