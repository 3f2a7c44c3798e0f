package compare_test

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/gen/compare"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

func manifestOf(keys ...string) *manifest.Manifest {
	var things []compare.Thing
	for _, k := range keys {
		things = append(things, thing("asset", k))
	}
	m := side("", "x", things, nil).Manifest
	m.Mode, m.Target, m.Language = "transitive", "linux/amd64", "go1.26"
	return m
}

func TestFindManifests(t *testing.T) {
	a, b := manifestOf("a"), manifestOf("b", "c")
	ta, tb := a.Text(), b.Text()
	for _, tc := range []struct {
		name, program string
		want          []string
	}{
		{"nothing", "\x7fELF...", nil},
		{"one", "\x00\x01" + ta + "\x00rest", []string{ta}},
		{"several, in order", tb + ta + "x", []string{ta, tb}},
		{"twice the same", ta + "x" + ta, []string{ta}},
		{"the first line alone before it", manifest.FirstLine + "\n" + "words" + ta, []string{ta}},
		{"the lines of the runtime", manifest.FirstLine + manifest.LastLine + "\n" + ta, []string{ta}},
		{"damaged", ta[:200] + "\x00" + ta[201:] + tb, []string{tb}},
		{"cut off", ta[:len(ta)-10], nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, m := range compare.FindManifests([]byte(tc.program)) {
				got = append(got, m.Text())
			}
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestEntries(t *testing.T) {
	all := []*manifest.Manifest{manifestOf("b", "c"), manifestOf("a", "b")}
	entries := compare.Entries(all)
	require.Len(t, entries, 3, "what two manifests say alike is there once")
	assert.Equal(t, pkg, entries[0].Package)
	assert.Equal(t, []string{"A", "B", "C"}, []string{entries[0].Name(), entries[1].Name(), entries[2].Name()})
	assert.Equal(t, "func", entries[0].Kind)
	assert.Equal(t, 1, entries[0].Components)
}

func TestTakeBinary(t *testing.T) {
	before, after := manifestOf("a"), manifestOf("a")
	ext := manifest.Node{Name: "example.com/lib/sub", Kind: manifest.KindExt}
	for i, m := range []*manifest.Manifest{before, after} {
		ext.Local[0] = byte(i + 1)
		ext.Hash = ext.Local
		m.Nodes = append(m.Nodes, ext)
		for j := range m.Nodes {
			if m.Nodes[j].Name == pkg+".A" {
				m.Nodes[j].Implied = []string{ext.Name}
				m.Nodes[j].Hash[0] += byte(i + 1)
				m.Entries[0].Version = m.Nodes[j].Hash
			}
		}
	}
	info := func(version string) *debug.BuildInfo {
		return &debug.BuildInfo{Deps: []*debug.Module{{Path: "example.com/lib", Version: version}, {Path: "example.com/li", Version: "v9.0.0"}}}
	}
	c := compare.Compare(compare.TakeBinary("one", []*manifest.Manifest{before}, info("v1.0.0")), compare.TakeBinary("two", []*manifest.Manifest{after}, info("v1.2.0")))
	require.Len(t, c.Changes, 1)
	assert.True(t, c.VersionsChanged)
	assert.Equal(t, []compare.Cause{{Change: "changed", Kind: "ext", Name: "example.com/lib/sub", Detail: "v1.0.0 → v1.2.0", Path: []string{pkg + ".A", "example.com/lib/sub"}}}, c.Changes[0].Causes)
}

func FuzzFindManifests(f *testing.F) {
	text := manifestOf("a", "b").Text()
	f.Add([]byte(text), 10)
	f.Add([]byte(manifest.FirstLine+"\n\n"+manifest.LastLine+"\n"), 3)
	f.Fuzz(func(t *testing.T, noise []byte, at int) {
		at = min(max(at, 0), len(noise))
		for _, m := range compare.FindManifests(noise) {
			require.Contains(t, string(noise), m.Text())
		}
		program := append(append(append([]byte{}, noise[:at]...), text...), noise[at:]...)
		require.NotEmpty(t, compare.FindManifests(program), "noise hides no manifest")
	})
}
