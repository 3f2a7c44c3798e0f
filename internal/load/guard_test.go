package load

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPanicBecomesAnErrorOfTheLoad(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a\n"), 0o644))
	l := &loader{prog: &Program{Dir: dir}, slots: make(chan struct{}, 1)} // without a file set the parser panics
	w := &work{l: l, p: &Package{Path: "example.com/a", Dir: dir, Local: true, GoFiles: []string{"a.go"}}, ready: make(chan struct{})}
	l.works = []*work{w}
	err := l.run(t.Context())
	assert.ErrorContains(t, err, "load: package example.com/a: panic: ")
	assert.Empty(t, l.slots, "the slot is given back")
	var wg sync.WaitGroup
	w.start(t.Context(), &wg) // a second start does nothing
	wg.Wait()
	<-w.ready
}
