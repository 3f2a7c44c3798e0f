package gen

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/facts"
)

// BenchmarkGenerateUnchanged is how long it takes to see that nothing changed in a module of 120 packages and 5 MB of source, beside the floor: to read the same
// files and hash them, on as many processors.
func BenchmarkGenerateUnchanged(b *testing.B) {
	files := map[string]string{}
	for p := range 120 {
		pkg := fmt.Sprintf("p%03d", p)
		imports := ""
		if p > 0 {
			imports = fmt.Sprintf("import _ \"example.com/m/p%03d\"\n\n", p-1)
		}
		files[pkg+"/a.go"] = "package " + pkg + "\n\n" + imports + "//dag:asset\nfunc Total" + pkg + "() int { return 1 }\n"
		for i := range 8 {
			files[fmt.Sprintf("%s/f%d.go", pkg, i)] = "package " + pkg + "\n" + strings.Repeat(fmt.Sprintf("\nfunc _() int {\n\treturn %d // some text that stands for more\n}\n", i), 90)
		}
	}
	c := stampConfig(b, module(b, files))
	warm(b, c)
	s := NewStamp(c)
	var paths []string
	size := int64(0)
	for id := range s.before {
		if id.Kind == facts.Source || id.Kind == facts.File {
			if info, err := os.Stat(id.Path); err == nil && info.Mode().IsRegular() {
				paths = append(paths, id.Path)
				size += info.Size()
			}
		}
	}
	b.Run("stamp", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			require.NotNil(b, NewStamp(c).Unchanged())
		}
		b.ReportMetric(float64(len(paths)), "files")
	})
	b.Run("floor=read-and-hash", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			var wg sync.WaitGroup
			procs := runtime.GOMAXPROCS(0)
			for p := range procs {
				wg.Go(func() {
					for i := p; i < len(paths); i += procs {
						data, err := os.ReadFile(filepath.Clean(paths[i]))
						if err == nil {
							sha256.Sum256(data)
						}
					}
				})
			}
			wg.Wait()
		}
	})
}
