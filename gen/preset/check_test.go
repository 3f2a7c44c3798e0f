package preset_test

import (
	"fmt"
	"go/types"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/gen/preset"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// The same config as a user's struct, as the model has it, and as generated code has it: what is checked when one generates is compared with what a run does.
type station struct {
	Path  string              `json:"path"`
	Limit int8                `json:"limit"`
	Count uint16              `json:"count"`
	Ratio float32             `json:"ratio"`
	Mode  string              `json:"mode"`
	Wait  time.Duration       `json:"wait"`
	Since time.Time           `json:"since"`
	On    bool                `json:"on"`
	Tags  []string            `json:"tags"`
	Sizes map[string]int      `json:"sizes"`
	Area  area                `json:"area"`
	Next  *area               `json:"next"`
	Deep  [][]map[string]*int `json:"deep"`
}

type area struct {
	Name string `json:"name"`
}

type bounded struct {
	N     int              `json:"n"`
	Mode  int              `json:"mode"`
	Name  string           `json:"name"`
	Wait  time.Duration    `json:"wait"`
	Ratio float64          `json:"ratio"`
	List  []string         `json:"list"`
	Map   map[string]uint8 `json:"map"`
}

func boundedConfig() *model.Config {
	return &model.Config{Fields: []*model.Field{
		{Name: "n", Kind: "int", Bits: 64, Min: "2", Max: "20"}, {Name: "mode", Kind: "int", Bits: 64, Enum: []string{"1", "2"}}, {Name: "name", Kind: "string", MinLen: 2, MaxLen: 3, Pattern: "^[a-z]+$"},
		{Name: "wait", Kind: "duration", Max: "1m0s"}, {Name: "ratio", Kind: "float", Bits: 64, Min: "0.5", Max: "16"}, {Name: "list", Kind: "list", MinLen: 1, MaxLen: 2, Elem: &model.Field{Kind: "string", Enum: []string{"a", "b"}}},
		{Name: "map", Kind: "map", MaxLen: 1, Elem: &model.Field{Kind: "uint", Bits: 8, Max: "9"}},
	}}
}

func modelConfig() *model.Config {
	areaFields := []*model.Field{{Name: "name", Kind: "string"}}
	number := &model.Field{Kind: "int", Bits: 64, Nullable: true}
	return &model.Config{Fields: []*model.Field{
		{Name: "path", Kind: "string"}, {Name: "limit", Kind: "int", Bits: 8}, {Name: "count", Kind: "uint", Bits: 16}, {Name: "ratio", Kind: "float", Bits: 32},
		{Name: "mode", Kind: "string", Enum: []string{"fast", "exact"}}, {Name: "wait", Kind: "duration"}, {Name: "since", Kind: "time"}, {Name: "on", Kind: "bool"},
		{Name: "tags", Kind: "list", Elem: &model.Field{Kind: "string"}}, {Name: "sizes", Kind: "map", Elem: &model.Field{Kind: "int", Bits: 64}},
		{Name: "area", Kind: "struct", Fields: areaFields}, {Name: "next", Kind: "struct", Nullable: true, Fields: areaFields},
		{Name: "deep", Kind: "list", Elem: &model.Field{Kind: "list", Elem: &model.Field{Kind: "map", Elem: number}}},
	}}
}

func dagConfig() *dag.Config {
	return &dag.Config{Symbol: "example.com/m.Station", Fields: dagFields(modelConfig().Fields), Decode: dag.DecodeConfig[station], Encode: dag.EncodeConfig[station]}
}

func dagFields(fields []*model.Field) []dag.Field {
	var convert func(f *model.Field) dag.Field
	list := func(fs []*model.Field) (out []dag.Field) {
		for _, f := range fs {
			out = append(out, convert(f))
		}
		return out
	}
	convert = func(f *model.Field) dag.Field {
		d := dag.Field{Name: f.Name, Kind: dag.FieldKind(f.Kind), Bits: f.Bits, Nullable: f.Nullable, Enum: f.Enum, Fields: list(f.Fields), Min: f.Min, Max: f.Max, MinLen: f.MinLen, MaxLen: f.MaxLen, Pattern: f.Pattern}
		if f.Elem != nil {
			e := convert(f.Elem)
			d.Elem = &e
		}
		return d
	}
	return list(fields)
}

// job is "func Nightly(cfg Station, names []string, n int, at time.Time)" with a step fetch, and a step load in a graph.
func job() *model.Job {
	fetch := &model.Op{Func: model.Func{Decl: model.Decl{Key: "fetch"}, Config: modelConfig()}}
	load := &model.Op{Func: model.Func{Decl: model.Decl{Key: "load"}}}
	g := &model.Graph{Func: model.Func{Decl: model.Decl{Key: "outer"}}, Configs: []*model.Config{nil, boundedConfig()}, Nodes: []*model.Node{{Key: "load", Op: load}, {Key: "fetch", Op: fetch}}}
	fixed := &model.Graph{Configured: true, Nodes: []*model.Node{{Key: "fetch", Op: fetch}}}
	given := &model.Graph{Configured: true, Configs: []*model.Config{boundedConfig()}, Nodes: []*model.Node{{Key: "outer", Graph: g}}}
	j := &model.Job{Graph: model.Graph{Nodes: []*model.Node{{Key: "fetch", Op: fetch}, {Key: "outer", Graph: g}, {Key: "fixed", Graph: fixed}, {Key: "given", Graph: given}}}}
	named := types.NewNamed(types.NewTypeName(0, types.NewPackage("time", "time"), "Time", nil), types.NewStruct(nil, nil), nil)
	for _, p := range []struct {
		name string
		typ  types.Type
		cfg  *model.Config
	}{{"cfg", types.Typ[types.Int], modelConfig()}, {"names", types.NewSlice(types.Typ[types.String]), nil}, {"n", types.NewPointer(types.Typ[types.Uint8]), nil}, {"at", named, nil}} {
		j.In = append(j.In, &model.Param{Name: p.name, Type: p.typ})
		j.Configs = append(j.Configs, p.cfg)
	}
	return j
}

func schema() runconfig.Schema {
	c := dagConfig()
	b := &dag.Config{Symbol: "example.com/m.Bounded", Fields: dagFields(boundedConfig().Fields), Decode: dag.DecodeConfig[bounded], Encode: dag.EncodeConfig[bounded]}
	return runconfig.Schema{
		Graphs: []runconfig.GraphSchema{{Key: "outer", Config: b, Optional: true}, {Key: "given", Config: b, Optional: true}},
		Ops: []runconfig.OpSchema{{Key: "fixed", Config: c, Optional: true, Fixed: true}, {Key: "given.load", Optional: true}, {Key: "given.fetch", Config: c, Optional: true},
			{Key: "fetch", Config: c, Optional: true}, {Key: "outer.load", Optional: true}, {Key: "outer.fetch", Config: c, Optional: true}},
		Inputs: []dag.JobParam{{Name: "cfg", Config: c, Type: dag.TypeOf[station]("Station")}, {Name: "names", Type: dag.TypeOf[[]string]("[]string")},
			{Name: "n", Type: dag.TypeOf[*uint8]("*uint8")}, {Name: "at", Type: dag.TypeOf[time.Time]("time.Time")}},
		OptionalResources: []*dag.Resource{{Key: "db", Config: c}, {Key: "plain"}},
	}
}

func resources() []*model.Resource {
	return []*model.Resource{
		{Func: model.Func{Decl: model.Decl{Key: "db"}, Config: modelConfig()}}, {Func: model.Func{Decl: model.Decl{Key: "plain"}}},
	}
}

// refused is what a run says of a document, but for what is missing and what only the environment knows.
func refused(text string) []string {
	doc, err := runconfig.Parse("p.yaml", []byte(text))
	if err == nil {
		_, err = runconfig.Resolve(doc, schema(), func(string) (string, bool) { return "", false })
	}
	var out []string
	if problems, ok := err.(runconfig.Problems); ok {
		for _, p := range problems {
			if p.Code != runconfig.CodeMissing && p.Code != runconfig.CodeEnv {
				out = append(out, p.String())
			}
		}
	}
	return out
}

var documents = []string{
	"", "~", "# nothing", "{}", "ops: {fetch: {config: {path: a, limit: 127, count: 0, ratio: 1e3, mode: exact, wait: 1m, since: 2024-01-01T00:00:00Z, on: true}}}",
	"inputs: {names: [a, b], n: 255, at: 2024-01-31T08:00:00Z, cfg: {path: x}}", "inputs: {n: ~}", "resources: {db: {config: {limit: -128}}}",
	"ops: {outer: {ops: {fetch: {config: {tags: [], sizes: {a: 1}, area: {name: x}, next: ~, deep: [[{a: 1, b: ~}]]}}, load: {}}}}", "ops: {fetch: {config: ~}, outer: ~}",
	"ops: {fetch: {config: {path: {env: P}, limit: {env: L}}}}", `{"inputs": {"names": ["a"]}}`, "ops: {fetch: {config: {limit: 0x7f, count: 0o17, ratio: 0x10}}}",
	"inputs: &a {names: [x]}\nops: {fetch: {config: {tags: &t [a]}}, outer: {ops: {fetch: {config: {tags: *t}}}}}", "ops: {fetch: {config: {limit: -0, count: -0, ratio: -0}}}",
	"execution: {config: {multi: {max_concurrent: 4}}}",
	"inputs: {names: {value: [a]}, n: {value: 5}, at: {value: 2024-01-31T08:00:00Z}, cfg: {value: {path: x}}}",
	"ops: {outer: {config: {n: 2, mode: 2, name: abc, wait: 60s, ratio: 16, list: [a, b], map: {x: 9}}}}", "ops: {outer: {config: {n: 0x14, ratio: 0x10, mode: +1}}}",
	"ops: {fixed: {config: ~}, given: {config: {n: 2}, ops: {fetch: {config: {path: a}}}}}",

	"ops: {fixed: {config: {path: a}}}", "ops: {given: {config: {path: a}}}", "ops: {given: {ops: {outer: {}}}}",
	"inputs: {names: {value: a}}", "inputs: {n: {value: {value: 5}}}", "inputs: {cfg: {value: {pat: x}}}", "inputs: {names: {valu: [a]}}",
	"ops: {outer: {config: {n: 1}}}", "ops: {outer: {config: {n: 0x15}}}", "ops: {outer: {config: {mode: 3}}}", "ops: {outer: {config: {name: a}}}", "ops: {outer: {config: {name: a1}}}", "ops: {outer: {config: {name: abcd}}}",
	"ops: {outer: {config: {wait: 61s}}}", "ops: {outer: {config: {ratio: 0.4}}}", "ops: {outer: {config: {ratio: 0x11}}}", "ops: {outer: {config: {list: []}}}", "ops: {outer: {config: {list: [a, b, a]}}}",
	"ops: {outer: {config: {list: [c]}}}", "ops: {outer: {config: {map: {a: 1, b: 2}}}}", "ops: {outer: {config: {map: {a: 10}}}}", "ops: {outer: {config: {m: 1}}}",

	"a", "[]", "1", "x: 1", "ops: 1", "ops: {fetch: 1}", "ops: {fetc: {}}", "ops: {fetch: {conf: {}}}", "ops: {outer: {ops: {load: {config: {a: 1}}}}}",
	"ops: {fetch: {config: {path: 1}}}", "ops: {fetch: {config: {path: ~}}}", "ops: {fetch: {config: {limit: 128}}}", "ops: {fetch: {config: {limit: 1.5}}}", "ops: {fetch: {config: {limit: 010}}}",
	"ops: {fetch: {config: {count: -1}}}", "ops: {fetch: {config: {ratio: 1e39}}}", "ops: {fetch: {config: {ratio: .nan}}}", "ops: {fetch: {config: {ratio: x}}}", "ops: {fetch: {config: {mode: slow}}}",
	"ops: {fetch: {config: {wait: 5}}}", "ops: {fetch: {config: {wait: soon}}}", "ops: {fetch: {config: {since: today}}}", "ops: {fetch: {config: {on: yes}}}", "ops: {fetch: {config: {tags: a}}}",
	"ops: {fetch: {config: {tags: [1]}}}", "ops: {fetch: {config: {sizes: [1]}}}", "ops: {fetch: {config: {sizes: {a: b}}}}", "ops: {fetch: {config: {area: 1}}}", "ops: {fetch: {config: {area: ~}}}",
	"ops: {fetch: {config: {area: {nam: 1}}}}", "ops: {fetch: {config: {deep: [[{a: x}]]}}}", "ops: {fetch: {config: {path: {env: 1}}}}", "ops: {fetch: {config: {path: {file: x}}}}",
	"inputs: {name: 1}", "inputs: {names: 1}", "inputs: {n: 256}", "inputs: {at: 1}", "inputs: {cfg: {a: 1}}", "inputs: []", "resources: {d: {}}", "resources: {db: {confi: 1}}", "resources: {plain: {config: {a: 1}}}",
	"resources: {db: {config: 1}}", "inputs: {names: [a], names: [b]}", "1: 2", "? [a]\n: b", "<<: {}", "inputs: !!map {}", "a: b\n---\nc: d", "a: [", "\xff", "execution: 1", "x: &x [*x]", "inputs: {n: !!int 1}",
}

// A document that is found wrong here is refused by a run, and the other way round.
func TestAgreesWithTheRun(t *testing.T) {
	for _, text := range documents {
		var got []string
		for _, d := range preset.Check("p.yaml", []byte(text), "prod", job(), resources()) {
			got = append(got, d.String())
		}
		want := refused(text)
		assert.Equal(t, len(want) > 0, len(got) > 0, "%q\nhere: %s\nin a run: %s", text, strings.Join(got, "\n"), strings.Join(want, "\n"))
		for i := range min(len(got), len(want)) { // the same place, where both name one in this file
			at, _, ok := strings.Cut(want[i], ": ")
			if ok && strings.Count(at, ":") == 2 && len(got) == len(want) {
				assert.True(t, strings.HasPrefix(got[i], at+":"), "%q\n%s\n%s", text, got[i], want[i])
			}
		}
	}
	big := "inputs: {names: [" + strings.Repeat("a,", 1<<19) + "]}"
	require.NotEmpty(t, preset.Check("p.yaml", []byte(big), "prod", job(), nil))
	require.NotEmpty(t, refused(big))
	deep := "inputs: {names: " + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}"
	require.NotEmpty(t, preset.Check("p.yaml", []byte(deep), "prod", job(), nil))
	require.NotEmpty(t, refused(deep))
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		p := c - 1
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, p, p, p, p, p, p, p, p, p, p)
	}
	require.NotEmpty(t, preset.Check("p.yaml", []byte(bomb), "prod", job(), nil))
}

// A secret in a file that becomes part of the binary is refused, and not shown.
func TestSecrets(t *testing.T) {
	j := job()
	j.Configs[0].Fields = append(j.Configs[0].Fields, &model.Field{Name: "token", Kind: "string", Secret: true})
	for text, want := range map[string]string{
		"inputs: {cfg: {token: c4n4ry}}":       "p.yaml:1:23: preset prod: inputs.cfg.token: a secret stands in a file that is part of the binary; write {env: NAME} [DAG0518]",
		"inputs: {cfg: {token: 44}}":           "p.yaml:1:23: preset prod: inputs.cfg.token: expected text, found a number; quote it [DAG0518]",
		"inputs: {cfg: {token: {env: TOKEN}}}": "",
	} {
		var got string
		for _, d := range preset.Check("p.yaml", []byte(text), "prod", j, nil) {
			got += d.String()
		}
		assert.Equal(t, want, got)
	}
}

// Whatever a file says, it is read without a panic, and what is found wrong with it is refused by a run as well.
func FuzzCheck(f *testing.F) {
	for _, text := range documents {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := preset.Check("p.yaml", []byte(text), "prod", job(), resources()); len(got) > 0 && !strings.Contains(text, "execution") && !strings.Contains(text, "loggers") {
			require.NotEmpty(t, refused(text), "%q\n%v", text, got)
		}
	})
}
