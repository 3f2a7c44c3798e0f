package versionhash

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// kindContents are the digests of packages of other modules: of one, or of all that were needed at one time.
const kindContents cache.Kind = "contents"

// fill gives the nodes among ns that stand for packages of other modules their digests. Reading all of their files takes longer than all else about a run that has little to do, so
// that digests of packages whose files cannot change are kept.
func (g *Graph) fill(ns []int32) {
	var wanted []*summary
	for _, n := range ns {
		if s := g.sums[n]; s.lazy != nil {
			wanted = append(wanted, s)
		}
	}
	if len(wanted) == 0 {
		return
	}
	slices.SortFunc(wanted, func(a, b *summary) int { return strings.Compare(a.key.pkg, b.key.pkg) })
	var pinned []*summary
	keys := map[*summary]canon.Digest{}
	all := canon.New("dagstergen/code/external/all/v1")
	for _, s := range wanted {
		if k, ok := contentsKey(s.lazy); ok {
			pinned = append(pinned, s)
			keys[s] = k
			all.Digest("", k)
		}
	}
	set := func(s *summary, d canon.Digest) { s.core, s.local, s.lazy = d, d, nil }
	const size = len(canon.Digest{})
	together := all.Sum()
	data, ok := g.opts.Cache.Get(kindContents, together)
	if ok = ok && len(data) == size*len(pinned); ok {
		for i, s := range pinned {
			set(s, canon.Digest(data[i*size:]))
		}
	}
	g.eachAtOnce(wanted, func(s *summary) {
		if s.lazy == nil {
			return
		}
		k, isPinned := keys[s]
		if one, ok := g.opts.Cache.Get(kindContents, k); isPinned && ok && len(one) == size {
			set(s, canon.Digest(one))
			return
		}
		set(s, contents(s.lazy))
		if isPinned {
			g.opts.Cache.Put(kindContents, k, s.core[:])
		}
	})
	if !ok && len(pinned) > 0 {
		data = nil
		for _, s := range pinned {
			data = append(data, s.core[:]...)
		}
		g.opts.Cache.Put(kindContents, together, data)
	}
}

// eachAtOnce calls f for several summaries at a time.
func (g *Graph) eachAtOnce(list []*summary, f func(*summary)) {
	var wg sync.WaitGroup
	next := make(chan *summary)
	for range min(len(list), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for s := range next {
				f(s)
			}
		})
	}
	for _, s := range list {
		next <- s
	}
	close(next)
	wg.Wait()
}

// contentsKey is what the digest of a package is kept by; false for one whose files may change.
func contentsKey(p *load.Package) (canon.Digest, bool) {
	if p.Module == nil || p.Module.Sum == "" {
		return canon.Digest{}, false
	}
	e := canon.New("dagstergen/code/external/key/v1")
	e.String("package", p.Path)
	e.String("sum", p.Module.Sum)
	e.String("language", meaning(moduleLanguage(p.Module)))
	for _, files := range [][]string{p.GoFiles, p.OtherFiles, p.EmbedFiles, p.IgnoredFiles} {
		e.List("files", len(files))
		for _, f := range files {
			e.String("", f)
		}
	}
	return e.Sum(), true
}

// contents is the digest of a package of another module: of the files that are compiled into it, by name, whether they lie in the module
// cache, in a vendor folder or elsewhere. Files left out on the declared target count by their tokens.
func contents(p *load.Package) canon.Digest {
	e := canon.New("dagstergen/code/external/v1")
	e.String("package", p.Path)
	if m := meaning(moduleLanguage(p.Module)); m != loopVariables {
		e.String("language", m)
	}
	for _, name := range slices.Sorted(slices.Values(slices.Concat(p.GoFiles, p.OtherFiles, p.EmbedFiles))) {
		data, err := os.ReadFile(filepath.Join(p.Dir, filepath.FromSlash(name)))
		if err != nil || strings.HasSuffix(name, ".go") && load.IsGenerated(data) || name == load.ManifestFile {
			continue // a file that cannot be read is an error of the loader
		}
		e.String("file", name)
		e.Digest("content", canon.Sum(data))
	}
	for _, name := range skippedFiles(p) {
		src, _ := readSource(p, name)
		e.String("skipped", name)
		e.Digest("tokens", manifest.Tokens(src))
	}
	return e.Sum()
}
