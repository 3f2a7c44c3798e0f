package dagtest_test

import (
	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// emptyManifest is that of a package without code that is versioned.
var emptyManifest = func() string {
	env := canon.Sum([]byte("env"))
	m := &manifest.Manifest{Mode: "transitive", Target: "linux/amd64", Language: "go1.26", Nodes: []manifest.Node{{Name: manifest.EnvNode, Kind: manifest.KindEnv, Local: env, Hash: env}}}
	return m.Text()
}()
