package gen

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/gen/render"
	"github.com/dagstergen/dagstergen/internal/load"
)

// inputs remembers the files that a program was read from, to find out whether one changed while the generator ran: versions of a mixture
// of two states of a package would be those of neither.
type inputs struct {
	content map[string][]byte    // Go files, by absolute path
	stats   map[string]inputStat // other files that count, such as embedded ones
	folders map[string][]string  // names of the Go files in each local package's folder, ours left out
	ours    map[string][]string  // names of those
}

type inputStat struct {
	size int64
	time time.Time
}

func readInputs(prog *load.Program) *inputs {
	in := &inputs{content: map[string][]byte{}, stats: map[string]inputStat{}, folders: map[string][]string{}, ours: map[string][]string{}}
	for _, lp := range prog.Packages {
		if !lp.Local {
			continue
		}
		for name, src := range lp.Source {
			if !slices.Contains(lp.Generated, name) {
				in.content[filepath.Join(lp.Dir, name)] = src
			}
		}
		for _, name := range slices.Concat(lp.OtherFiles, lp.EmbedFiles) {
			path := filepath.Join(lp.Dir, filepath.FromSlash(name))
			in.stats[path] = statOf(path)
		}
		in.ours[lp.Dir] = append([]string{render.File, render.ProofFile}, lp.Generated...)
		in.folders[lp.Dir] = in.goFiles(lp.Dir)
	}
	return in
}

// watch adds files of a package that were declared to count.
func (in *inputs) watch(lp *load.Package, files []string) {
	for _, name := range files {
		path := filepath.Join(lp.Dir, filepath.FromSlash(name))
		in.stats[path] = statOf(path)
	}
}

func statOf(path string) inputStat {
	info, err := os.Stat(path)
	if err != nil {
		return inputStat{size: -1}
	}
	return inputStat{info.Size(), info.ModTime()}
}

// goFiles lists the Go files of a folder that may belong to its package, other than ours.
func (in *inputs) goFiles(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		name := e.Name()
		if e.Type()&fs.ModeDir == 0 && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && name[0] != '.' && name[0] != '_' && !slices.Contains(in.ours[dir], name) {
			out = append(out, name)
		}
	}
	return out
}

// changed returns the files, or folders, that are not any more what they were, sorted.
func (in *inputs) changed() []string {
	if in == nil {
		return nil
	}
	var out []string
	for path, want := range in.content {
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			out = append(out, path)
		}
	}
	for path, want := range in.stats {
		if statOf(path) != want {
			out = append(out, path)
		}
	}
	for dir, want := range in.folders {
		reported := slices.ContainsFunc(out, func(path string) bool { return filepath.Dir(path) == dir })
		if !reported && !slices.Equal(in.goFiles(dir), want) {
			out = append(out, dir)
		}
	}
	slices.Sort(out)
	return out
}
