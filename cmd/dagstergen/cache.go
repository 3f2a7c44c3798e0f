package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/diag"
)

// verifyCache is the variable that makes a call find everything out again and compare it with what is in the cache. It is for tests of the tool itself.
const verifyCache = "DAGSTERGEN_CACHE_VERIFY"

func (t *tool) cacheFlag(f *pflag.FlagSet) {
	f.StringVar(&t.flags.cache, "cache", "", "the `FOLDER` of the cache, or off (default $"+cache.Env+", else dagstergen in the user's cache folder)")
}

// openCache returns the cache of this call, nil where it is off.
func (t *tool) openCache() *cache.Store {
	if t.cacheOpened {
		return t.cache
	}
	t.cacheOpened = true
	setting := t.getenv(cache.Env)
	if t.flags.cache != "" {
		setting = t.flags.cache
	}
	if setting != "" && setting != cache.Off {
		setting = t.inDir(setting)
	}
	t.cache = cache.Open(cache.Dir(setting))
	if t.getenv(verifyCache) != "" {
		t.cache = t.cache.Verifying()
	}
	return t.cache
}

// closeCache ends the work with the cache: what nobody used for long goes. What was found wrong in it is an error of ours.
func (t *tool) closeCache() error {
	wrong := t.cache.Mismatches()
	t.cache.Trim()
	if len(wrong) > 0 {
		return fmt.Errorf("the cache is not what was found out again: %s", strings.Join(wrong, ", "))
	}
	return nil
}

// An outcome is a run of the generator as it is reported.
type outcome struct {
	files []outcomeFile
	diags diag.List
}

// An outcomeFile is a generated file, and what became of it: written, removed or unchanged.
type outcomeFile struct {
	pkg, path, change string
}

// unchanged is the outcome of a run that has nothing to do.
func unchanged(k *gen.Known) outcome {
	o := outcome{diags: k.Diagnostics}
	for _, f := range k.Files {
		o.files = append(o.files, outcomeFile{f.PkgPath, f.Path, "unchanged"})
	}
	return o
}
