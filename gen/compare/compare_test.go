package compare_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/gen/compare"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

const pkg = "example.com/m/shop"

// side makes a snapshot of things whose code is a text, each reaching the function helper.
func side(name, helper string, things []compare.Thing, code map[string]string, units ...compare.Unit) compare.Snapshot {
	s := compare.Snapshot{Name: name, Things: things, Units: units, Places: map[string]string{pkg + ".helper": "shop/helper.go:3:6"}, Manifest: &manifest.Manifest{}}
	local := sha256.Sum256([]byte(helper))
	s.Manifest.Nodes = append(s.Manifest.Nodes, manifest.Node{Name: pkg + ".helper", Kind: "func", Local: local, Hash: local, File: "shop/helper.go"})
	for _, t := range things {
		if !t.Versioned {
			continue
		}
		n := manifest.Node{Name: t.Symbol, Kind: "func", Local: sha256.Sum256([]byte(code[t.Key]))}
		n.Hash = n.Local
		if strings.Contains(code[t.Key], "helper") {
			n.Refs = []string{pkg + ".helper"}
			n.Hash = sha256.Sum256([]byte(code[t.Key] + helper))
		}
		s.Manifest.Nodes = append(s.Manifest.Nodes, n)
		s.Manifest.Entries = append(s.Manifest.Entries, manifest.Entry{Symbol: t.Symbol, Version: n.Hash, Node: n.Name})
	}
	return s
}

func thing(kind, key string) compare.Thing {
	return compare.Thing{Kind: kind, Key: key, Package: pkg, Symbol: pkg + "." + strings.ToUpper(key[:1]) + key[1:], Versioned: kind != "config" && kind != "job"}
}

func unit(key string, upstream ...string) compare.Unit {
	u := compare.Unit{Package: pkg, Key: key, Symbol: thing("asset", key).Symbol}
	for _, up := range upstream {
		u.Upstream = append(u.Upstream, pkg+"\x00\x00"+up)
		u.Wiring = append(u.Wiring, compare.Fact{Name: up, Value: up})
	}
	return u
}

func keys(runs []compare.Run) (out []string) {
	for _, r := range runs {
		out = append(out, r.Key+": "+strings.Join(r.Reasons, "; "))
	}
	return out
}

func TestCompare(t *testing.T) {
	a, b := thing("asset", "a"), thing("asset", "b")
	code := map[string]string{"a": "helper()", "b": "1"}
	units := []compare.Unit{unit("a"), unit("b", "a")}
	base := side("old", "one", []compare.Thing{a, b}, code, units...)
	pinned, strategic, renamed := a, a, a
	pinned.Pinned, strategic.Strategy, renamed.Symbol = "v1", pkg+".Stamp", pkg+".Other"
	resource := thing("resource", "db")
	withDB := unit("a")
	withDB.Resources = []string{resource.Symbol}
	otherInput := unit("b", "a")
	otherInput.Wiring[0].Value = "c"
	renamedUnit := unit("a")
	renamedUnit.Symbol = renamed.Symbol
	inMode := unit("a")
	inMode.Env = []string{"MODE", "ZONE"}
	signed := a
	signed.Facts = []compare.Fact{{Name: "signature", Value: "func() int"}}
	resigned := a
	resigned.Facts = []compare.Fact{{Name: "signature", Value: "func() string"}}
	stamped := unit("a")
	stamped.Strategy = strategic.Strategy

	for _, tc := range []struct {
		name        string
		old, new    compare.Snapshot
		versions    bool
		changes     []string // change kind key
		runs, maybe []string
	}{
		{"nothing", base, base, false, nil, nil, nil},
		{"a helper", base, side("new", "two", []compare.Thing{a, b}, code, units...), true, []string{"changed asset a"}, []string{"a: code changed"}, []string{"b: below a"}},
		{"added and removed", base, side("new", "one", []compare.Thing{a, thing("asset", "c")}, code, unit("a"), unit("c", "a")), true,
			[]string{"added asset c", "removed asset b"}, []string{"c: new"}, nil},
		{"pinned", side("old", "one", []compare.Thing{pinned, b}, code, units...), side("new", "two", []compare.Thing{pinned, b}, code, units...), false,
			[]string{"changed asset a"}, nil, nil},
		{"another pin", base, side("new", "one", []compare.Thing{pinned, b}, code, units...), true, []string{"changed asset a"}, []string{"a: code changed"}, []string{"b: below a"}},
		{"a strategy decides", side("old", "one", []compare.Thing{strategic, b}, code, stamped, units[1]), side("new", "two", []compare.Thing{strategic, b}, code, stamped, units[1]), false,
			[]string{"changed asset a"}, nil, []string{"a: a strategy gives its version", "b: below a"}},
		{"a resource", side("old", "one", []compare.Thing{a, b, resource}, map[string]string{"a": "1", "b": "1", "db": "helper"}, withDB, units[1]),
			side("new", "two", []compare.Thing{a, b, resource}, map[string]string{"a": "1", "b": "1", "db": "helper"}, withDB, units[1]), true,
			[]string{"changed resource db"}, []string{"a: resource Db changed"}, []string{"b: below a"}},
		{"wiring", base, side("new", "one", []compare.Thing{a, b}, code, unit("a"), otherInput), false, nil, []string{"b: input a: a → c"}, nil},
		{"environment variables", base, side("new", "one", []compare.Thing{a, b}, code, inMode, units[1]), false, nil, []string{"a: other environment variables count: none → MODE, ZONE"}, []string{"b: below a"}},
		{"another name", base, side("new", "one", []compare.Thing{renamed, b}, code, renamedUnit, units[1]), false, []string{"changed asset a"}, nil, nil},
		{"a signature", side("old", "one", []compare.Thing{signed}, code), side("new", "one", []compare.Thing{resigned}, code), false, []string{"changed asset a"}, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := compare.Compare(tc.old, tc.new)
			var changes []string
			for _, x := range c.Changes {
				changes = append(changes, x.Change+" "+x.Kind+" "+x.Key)
			}
			assert.Equal(t, tc.changes, changes)
			assert.Equal(t, tc.versions, c.VersionsChanged)
			assert.Equal(t, tc.runs, keys(c.Runs))
			assert.Equal(t, tc.maybe, keys(c.Maybe))
		})
	}
}

func TestCauses(t *testing.T) {
	a := thing("asset", "a")
	c := compare.Compare(side("old", "one", []compare.Thing{a}, map[string]string{"a": "helper"}), side("new", "two", []compare.Thing{a}, map[string]string{"a": "helper"}))
	require.Len(t, c.Changes, 1)
	assert.Equal(t, []compare.Cause{{Change: "changed", Kind: "func", Name: pkg + ".helper", Position: "shop/helper.go:3:6", Path: []string{pkg + ".A", pkg + ".helper"}}}, c.Changes[0].Causes)
	assert.Equal(t, "1 version changes", c.Headline())
}

// What is no declaration, or does not count, is named by what it is.
func TestCausesInWords(t *testing.T) {
	a := thing("asset", "a")
	node := func(name, kind, local, value string) manifest.Node {
		d := sha256.Sum256([]byte(local))
		return manifest.Node{Name: name, Kind: kind, Local: d, Hash: d, Value: value}
	}
	state := func(version string, helper manifest.Node, env ...manifest.Node) compare.Snapshot {
		s := side(version, "same", []compare.Thing{a}, map[string]string{"a": "helper"})
		s.Manifest.Nodes[0], s.Manifest.Entries[0].Version = helper, sha256.Sum256([]byte(version))
		s.Manifest.Nodes = append(s.Manifest.Nodes, manifest.Node{Name: "env", Kind: "env"})
		for _, n := range env {
			s.Manifest.Nodes[2].Refs = append(s.Manifest.Nodes[2].Refs, n.Name)
			s.Manifest.Nodes = append(s.Manifest.Nodes, n)
		}
		return s
	}
	function, ignored := node(pkg+".helper", "func", "one", ""), node(pkg+".helper", "ignored", "it", "it only logs")
	language, next := node("language:example.com/m", "env", "1", "go1.25"), node("language:example.com/m", "env", "2", "go1.26")
	for _, tc := range []struct {
		old, new compare.Snapshot
		want     string
	}{
		{state("1", function), state("2", ignored), "  changed helper is ignored now: it only logs  shop/helper.go:3:6\n    through A → helper\n"},
		{state("1", ignored), state("2", function), "  changed func helper is not ignored any more: it only logs  shop/helper.go:3:6\n"},
		{state("1", ignored), state("2", node(pkg+".helper", "ignored", "another type", "it only logs")), "  changed helper is ignored, and has another type  shop/helper.go:3:6\n"},
		{state("1", function, language), state("2", function, next), "  changed language version of example.com/m go1.25 → go1.26\n    through A → env → language version of example.com/m\n"},
		{state("1", function), state("2", function, node("godebug", "env", "1", "panicnil=1")), "  added GODEBUG of the module now panicnil=1\n"},
		{state("1", function, node("toolchain", "env", "1", "go1.26")), state("2", function), "  removed release of Go was go1.26\n"},
	} {
		var text bytes.Buffer
		require.NoError(t, compare.Compare(tc.old, tc.new).WriteText(&text, false))
		assert.Contains(t, text.String(), tc.want)
	}
}

// What a user's names and values contain stays text in a pull request and on a terminal.
func TestHostileText(t *testing.T) {
	c := compare.Comparison{Old: "a|b", New: "<b>*x*", Changes: []compare.Change{{Change: "changed", Kind: "config", Key: "a`b|c", Package: pkg, VersionChanged: true,
		Facts: []compare.Edit{{Name: "field x", Old: "`|\n\x1b[31m", New: "y"}}}}}
	var md, text bytes.Buffer
	require.NoError(t, c.WriteMarkdown(&md))
	require.NoError(t, c.WriteText(&text, false))
	assert.Contains(t, md.String(), "From a|b to &lt;b>\\*x\\*.\n")
	assert.Contains(t, md.String(), "| its directive | config ``a`b\\|c`` | |\n")
	assert.Contains(t, md.String(), "- config ``a`b|c``, field x: `` `|  [31m `` → `y`\n")
	assert.NotContains(t, md.String()+text.String(), "\x1b")
}

func TestColor(t *testing.T) {
	a := thing("asset", "a")
	c := compare.Compare(side("old", "one", []compare.Thing{a}, nil), side("new", "one", []compare.Thing{a, thing("asset", "b")}, nil))
	var text bytes.Buffer
	require.NoError(t, c.WriteText(&text, true))
	assert.Contains(t, text.String(), "\x1b[32madded  \x1b[0m  asset  \x1b[1mb\x1b[0m")
}

func TestManyCauses(t *testing.T) {
	c := compare.Comparison{Changes: []compare.Change{{Change: "changed", Kind: "op", Key: "a", Package: pkg, VersionChanged: true}}}
	for i := range 12 {
		c.Changes[0].Causes = append(c.Changes[0].Causes, compare.Cause{Change: "changed", Kind: "ext", Name: "example.com/x/y", Detail: fmt.Sprintf("v1.0.0 → v1.%d.0", i)})
	}
	var md, text bytes.Buffer
	require.NoError(t, c.WriteMarkdown(&md))
	require.NoError(t, c.WriteText(&text, false))
	assert.Contains(t, md.String(), "| package `example.com/x/y` v1.0.0 → v1.11.0 | op `a` | |\n")
	assert.Contains(t, text.String(), "  changed package example.com/x/y v1.0.0 → v1.7.0\n  and 4 more; -o json has all\n")
}

// A pull request shows a cause once, with all that it changes, and is cut where it gets long.
func TestCausesOfMany(t *testing.T) {
	var c compare.Comparison
	for i := range 12 {
		own := fmt.Sprintf("%s/p%d", pkg, i%2)
		c.Changes = append(c.Changes, compare.Change{Change: "changed", Kind: "op", Key: fmt.Sprint("op", i), Package: own, VersionChanged: true,
			Causes: []compare.Cause{{Change: "changed", Kind: "func", Name: pkg + "/p1.mean", Position: "p1/mean.go:4:6", Path: []string{own + ".Op", pkg + "/p1.mean"}}}})
		c.Maybe = append(c.Maybe, compare.Run{Key: fmt.Sprint("step", i), Job: []string{"", "nightly"}[i%2], Reasons: []string{"below x"}})
	}
	for i := range 70 {
		c.Changes = append(c.Changes, compare.Change{Change: "added", Kind: "asset", Key: fmt.Sprint("new", i), Package: pkg, VersionChanged: true})
		c.Runs = append(c.Runs, compare.Run{Key: fmt.Sprint("new", i), Reasons: []string{"new"}})
	}
	var md bytes.Buffer
	require.NoError(t, c.WriteMarkdown(&md))
	assert.Contains(t, md.String(), "| func `p1.mean`, p1/mean.go:4 | op `op0` | `Op` → `p1.mean` |\n|  | op `op1` | `Op` → `mean` |\n")
	assert.Contains(t, md.String(), "|  | op `op7` | `Op` → `mean` |\n|  | and 4 more | |\n| added | asset `new0` | |\n")
	assert.Contains(t, md.String(), "| added | asset `new50` | |\n| and 19 more |  | |\n\n")
	assert.Contains(t, md.String(), "- assets: `new0` (new), `new1` (new)")
	assert.Contains(t, md.String(), "- assets: `step0`, `step2`, `step4`, `step6`, `step8`, `step10`\n- job `nightly`: `step1`,")
}
