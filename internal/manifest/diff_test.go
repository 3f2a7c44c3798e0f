package manifest

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// graph makes a manifest from lines "name[=local]: refs". The hash of a node is the sum of what it reaches, so that
// it differs exactly where something below it does, in cycles too. The entry is the node op; it also depends on
// every init, and an init sets the variables that it refers to.
func graph(text string) *Manifest {
	m := &Manifest{}
	local := map[string]string{}
	var also []string
	for line := range strings.Lines(text) {
		head, refs, _ := strings.Cut(strings.TrimSpace(line), ":")
		name, l, _ := strings.Cut(head, "=")
		n := Node{Name: name, Kind: KindFunc, File: name + ".go", Local: sum(l), Refs: strings.Fields(refs)}
		if len(n.Refs) == 0 {
			n.Refs = nil // as a parsed manifest has it
		}
		switch {
		case l == "ignored":
			n.Kind, n.Value = KindIgnored, "it only logs"
		case strings.Contains(name, "init("):
			n.Kind = KindInit
			for _, r := range n.Refs {
				if strings.HasPrefix(r, "var") {
					n.Sets = append(n.Sets, r)
				}
			}
			also = append(also, name)
		case strings.HasPrefix(name, "var"):
			n.Kind = KindVar
		case strings.HasPrefix(name, "rt"):
			n.Kind, n.Implied, n.Refs = KindRuntime, n.Refs, nil
		case strings.HasPrefix(name, "ext"):
			n.Kind = KindExt
		case name == "env" || name == "language" || name == "target" || name == "deps":
			n.Kind = KindEnv
		}
		local[name] = l
		m.Nodes = append(m.Nodes, n)
	}
	for i := range m.Nodes {
		seen := map[string]bool{}
		var code strings.Builder
		var walk func(name string)
		walk = func(name string) {
			code.WriteString("(" + local[name])
			if n := m.node(name); n != nil && !seen[name] {
				seen[name] = true
				for _, r := range slices.Concat(n.Refs, n.Implied) {
					walk(r)
				}
			}
			code.WriteString(")")
		}
		walk(m.Nodes[i].Name)
		m.Nodes[i].Hash = sum(code.String())
	}
	if op := m.node("op"); op != nil {
		v := op.Hash
		if env := m.node("env"); env != nil {
			v = sum(v.Hex() + env.Hash.Hex())
		}
		for _, a := range also {
			v = sum(v.Hex() + m.node(a).Hash.Hex())
		}
		m.Entries = []Entry{{Symbol: "op", Version: v, Node: "op", Also: also}}
	}
	return m
}

func TestDiff(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		want     []string
	}{
		"nothing":                     {"op: a\na:", "op: a\na:", nil},
		"the entry itself":            {"op=1:", "op=2:", []string{"changed op"}},
		"below":                       {"op: a\na: b\nb=1:", "op: a\na: b\nb=2:", []string{"changed b via op a b"}},
		"shortest path":               {"op: a b\na: b\nb=1:", "op: a b\na: b\nb=2:", []string{"changed b via op b"}},
		"two causes":                  {"op=1: a\na: b\nb=1:", "op=2: a\na: b\nb=2:", []string{"changed op", "changed b via op a b"}},
		"added":                       {"op=1: a\na=:", "op=2: a n\na=:\nn=n: m\nm=m:", []string{"changed op", "added n via op n"}},
		"removed":                     {"op=1: a n\na=:\nn=n: m\nm=m:", "op=2: a\na=:", []string{"changed op", "removed n via op n"}},
		"other callee":                {"op: a\na=1:\nb=2:\nenv: a b", "op: b\na=1:\nb=2:\nenv: a b", []string{"changed op"}},
		"swapped callees":             {"op: a b\na=1:\nb=2:", "op: b a\na=1:\nb=2:", []string{"changed op"}},
		"cycle":                       {"op: a\na: b\nb: c\nc=1: a", "op: a\na: b\nb: c\nc=2: a", []string{"changed c via op a b c"}},
		"entry in the cycle":          {"op: b\nb=1: op", "op: b\nb=2: op", []string{"changed b via op b"}},
		"not reached":                 {"op: a\na:\nx=1:", "op: a\na:\nx=2:", nil},
		"environment":                 {"op:\nenv: language\nlanguage=1:", "op:\nenv: language\nlanguage=2:", []string{"changed language via op env language"}},
		"other rules":                 {"op=1:\nenv: language target\nlanguage=1:\ntarget=1:", "op=2:\nenv: language target\nlanguage=2:\ntarget=2:", []string{"changed target via op env target"}},
		"other modules another way":   {"op: a\na=1: ext\next=1:\nenv:", "op: a\na=1: x\nx=1:\nenv: deps\ndeps=1:", []string{"changed deps via op env deps"}},
		"and back":                    {"op: a\na=1: x\nx=1:\nenv: deps\ndeps=1:", "op: a\na=1: ext\next=1:\nenv:", []string{"changed deps via op env deps"}},
		"no other module":             {"op: a\na=1:\nenv:", "op: a\na=2:\nenv: deps\ndeps=1:", []string{"changed a via op a"}},
		"new init of a var":           {"op: var\nvar:", "op: var\nvar:\nm.init(a.go)=1: var", []string{"added m.init(a.go) via op var m.init(a.go)"}},
		"new method of a type":        {"op: rt\nrt:", "op: rt\nrt: m\nm=1:", []string{"added m via op rt m"}},
		"first method of a type":      {"op:", "op: rt\nrt: m\nm=1:", []string{"changed op", "added m via op rt m"}},
		"only the type as a value":    {"op: a m\na: rt\nrt: m\nm:", "op: a m\na:\nm:\n", []string{"changed a via op a"}},
		"a name means something else": {"op: q.f\nq.f=1:", "op: r.f\nr.f=2:", []string{"added r.f via op r.f", "removed q.f via op q.f"}},
		"init above another": {
			"op: var\nvar:\nm.init(a.go)=1: var", "op: var\nvar:\nm.init(a.go)=0: var\nm.init(a.go)#2=1: var",
			[]string{"added m.init(a.go) via op var m.init(a.go)"},
		},
		"moved init edits what it calls": {
			"op: var\nvar:\nm.init(a.go)=1: var f\nf=1:", "op: var\nvar:\nm.init(b.go)=1: var f\nf=2:",
			[]string{"changed f via op var m.init(b.go) f"},
		},
		"init edited in place": {
			"op: var\nvar:\nm.init(a.go)=1: var", "op: var\nvar:\nm.init(a.go)=2: var",
			[]string{"changed m.init(a.go) via op var m.init(a.go)"},
		},
		"init that sets nothing known": {"op:\nm.init(a.go)=1:", "op:\nm.init(a.go)=2:", []string{"changed m.init(a.go) via op m.init(a.go)"}},
		"renamed callee, other cause":  {"op: a b\na=1:\nb=1:", "op: c b\nc=1:\nb=2:", []string{"changed b via op b"}},
		"kinds in order": {
			"op: rta var f\nrta=1:\nvar=1:\nf: g\ng=1:\nenv=1:", "op: rta var f\nrta=2:\nvar=2:\nf: g\ng=2:\nenv=2:",
			[]string{"changed var via op var", "changed g via op f g", "changed rta via op rta", "changed env via op env"},
		},
		"renamed and edited": {"op=1: a\na=1:", "op=1: b\nb=2:", []string{"changed op", "added b via op b", "removed a via op a"}},
		"ignored now":        {"op: a\na=1: b\nb=1: c\nc=1:", "op: a\na=ignored:", []string{"changed a via op a"}},
		"not ignored now":    {"op: a\na=ignored:", "op: a\na=1: b\nb=1: c\nc=1:", []string{"changed a via op a"}},
		"a setting more":     {"op:\nenv: target\ntarget=1:", "op:\nenv: language target\nlanguage=1:\ntarget=1:", []string{"added language via op env language"}},
		"what sets it too":   {"op: var\nvar=1:\nm.init(a.go)=1: var", "op: var\nvar=ignored:", []string{"changed var via op var"}},
		"new op":             {"a:", "op:\na:", []string{"added op"}},
		"op gone":            {"op:\na:", "a:", []string{"removed op"}},
	} {
		t.Run(name, func(t *testing.T) {
			o, n := graph(c.old), graph(c.new)
			var got, fromClosures []string
			for _, cause := range Diff(o, n, "op") {
				got = append(got, show(cause))
			}
			assert.Equal(t, c.want, got)
			for _, cause := range Diff(o.Closure("op"), n.Closure("op"), "op") {
				fromClosures = append(fromClosures, show(cause))
			}
			assert.Equal(t, got, fromClosures)
		})
	}
	assert.Nil(t, Diff(&Manifest{}, &Manifest{}, "op"))
}

func show(c Cause) string {
	s := c.Change + " " + c.Name
	if len(c.Path) > 1 {
		s += " via " + strings.Join(c.Path, " ")
	}
	if c.File != "" && c.File != c.Name+".go" {
		s += " in " + c.File
	}
	return s
}

func TestDiffSaysWhatNodesSay(t *testing.T) {
	o, n := graph("op: a\na=1:\nenv=1: language\nlanguage=1:"), graph("op: a\na=ignored:\nenv=1: language\nlanguage=2:")
	o.node("language").Value, n.node("language").Value = "go1.25", "go1.26"
	causes := Diff(o, n, "op")
	if assert.Len(t, causes, 2) {
		assert.Equal(t, []string{KindFunc, KindIgnored, "", "it only logs"}, []string{causes[0].OldKind, causes[0].Kind, causes[0].Was, causes[0].Is})
		assert.Equal(t, []string{"go1.25", "go1.26"}, []string{causes[1].Was, causes[1].Is})
	}
}

// A manifest that was tampered with, so that nothing explains its version, still gives an answer.
func TestDiffWithoutReason(t *testing.T) {
	o, n := graph("op: a\na:"), graph("op: a\na:")
	n.Entries[0].Version = sum("other")
	assert.Equal(t, []Cause{{Change: Changed, Kind: KindFunc, Name: "op", File: "op.go", Path: []string{"op"}}}, Diff(o, n, "op"))
}
