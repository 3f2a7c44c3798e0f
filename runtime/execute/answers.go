package execute

import (
	"errors"
	"fmt"
	"sync"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// An answer is what the function of a source gave.
type answer struct {
	out   []any
	err   error
	stack string
}

// answers holds what sources said that give the data versions of all their partitions at once: they are asked once in a run, whatever it needs of them.
type answers struct {
	mu   sync.Mutex
	said map[*dag.Op]func() answer
}

// of returns what ask gave when it was first asked for op. Others wait for that.
func (a *answers) of(op *dag.Op, ask func() answer) answer {
	a.mu.Lock()
	if a.said == nil {
		a.said = map[*dag.Op]func() answer{}
	}
	if a.said[op] == nil {
		gone := answer{err: errGoexit}
		var once sync.Once
		a.said[op] = func() answer {
			once.Do(func() { gone = ask() }) // stays what it is where the function ends this goroutine
			return gone
		}
	}
	f := a.said[op]
	a.mu.Unlock()
	return f()
}

// versionOf is the data version of one partition.
func versionOf(all dag.DataVersionsByPartition, of *dag.Partition) (dag.DataVersion, error) {
	if of == nil {
		return "", errors.New("it returned data versions of partitions, and has none; run `go generate ./...` again")
	}
	dv, ok := all[of.Key]
	if !ok {
		return "", fmt.Errorf("it gave no data version of this partition, of the %d that it gave", len(all))
	}
	return dv, nil
}
