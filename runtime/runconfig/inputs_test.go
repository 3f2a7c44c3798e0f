package runconfig

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

type city struct {
	Name  string
	Since time.Time `json:"since,omitzero"`
	Links []*tree   `json:"links,omitempty"`
}

// A tree is a recursive type.
type tree struct {
	Name string `json:"name"`
	Next *tree  `json:"next,omitempty"`
}

func jobSchema(params ...dag.JobParam) Schema { return Schema{Inputs: params} }

func TestInputsBecomeGoValues(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data.csv")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	s := jobSchema(
		dag.JobParam{Name: "cities", Type: dag.TypeOf[[]string]("[]string")},
		dag.JobParam{Name: "limit", Type: dag.TypeOf[uint8]("uint8")},
		dag.JobParam{Name: "wait", Type: dag.TypeOf[time.Duration]("time.Duration")},
		dag.JobParam{Name: "home", Type: dag.TypeOf[*city]("*city")},
		dag.JobParam{Name: "by_name", Type: dag.TypeOf[map[string][]float32]("map[string][]float32")},
		dag.JobParam{Name: "pair", Type: dag.TypeOf[[2]int]("[2]int")},
		dag.JobParam{Name: "raw", Type: dag.TypeOf[[]byte]("[]byte")},
		dag.JobParam{Name: "file", Type: dag.TypeOf[dag.File]("dag.File")},
	)
	d, err := Parse("run.yaml", []byte(`inputs:
  cities: [oslo, {env: DATA}]
  limit: 200
  wait: 2s
  home: {Name: x, since: 2024-01-01T00:00:00Z, links: [{name: a, next: {name: b}}]}
  by_name: {a: [1, 2.5]}
  pair: [1, 2]
  raw: aGk=
  file: `+file+"\n"))
	require.NoError(t, err)
	r, err := Resolve(d, s, testEnv)
	require.NoError(t, err)
	f := r.Inputs["file"].(dag.File)
	assert.Equal(t, "data.csv", f.Name())
	delete(r.Inputs, "file")
	assert.Equal(t, map[string]any{
		"cities": []string{"oslo", "from-env.csv"}, "limit": uint8(200), "wait": 2 * time.Second,
		"home":    &city{Name: "x", Since: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Links: []*tree{{Name: "a", Next: &tree{Name: "b"}}}},
		"by_name": map[string][]float32{"a": {1, 2.5}}, "pair": [2]int{1, 2}, "raw": []byte("hi"),
	}, r.Inputs)
	assert.Contains(t, r.Text, "cities:\n    - oslo\n    - env: DATA\n")
	require.NoError(t, compile(t, s).Validate(instance(t, d.root)))
}

func TestSecretInputsAreNotRecorded(t *testing.T) {
	type login struct{ Password dag.Secret }
	s := jobSchema(
		dag.JobParam{Name: "token", Type: dag.TypeOf[dag.Secret]("dag.Secret")},
		dag.JobParam{Name: "other", Type: dag.TypeOf[dag.Secret]("dag.Secret")},
		dag.JobParam{Name: "login", Type: dag.TypeOf[login]("login")},
	)
	r, err := resolveText(t, "inputs: {token: c4n4ry, other: {env: TOKEN}, login: {Password: c4n4ry}}", s)
	require.NoError(t, err)
	assert.Equal(t, "inputs:\n  login: \"***\"\n  other: {env: TOKEN}\n  token: \"***\"\n", r.Text)
	assert.Equal(t, "c4n4ry", r.Inputs["token"].(dag.Secret).Reveal())
	_, err = resolveText(t, "inputs: {token: [c4n4ry], other: 1, login: c4n4ry}", s)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "c4n4ry")
}

func TestInputProblems(t *testing.T) {
	s := jobSchema(
		dag.JobParam{Name: "cities", Type: dag.TypeOf[[]string]("[]string")},
		dag.JobParam{Name: "limit", Type: dag.TypeOf[uint8]("uint8")},
		dag.JobParam{Name: "pair", Type: dag.TypeOf[[2]int]("[2]int")},
		dag.JobParam{Name: "home", Type: dag.TypeOf[city]("example.com/x.city")},
		dag.JobParam{Name: "link", Type: dag.TypeOf[url.URL]("net/url.URL")},
		dag.JobParam{Name: "out", Type: dag.TypeOf[chan int]("chan int")},
		dag.JobParam{Name: "file", Type: dag.TypeOf[dag.File]("dag.File")},
		dag.JobParam{Name: "given", Type: dag.TypeOf[int]("int")},
		dag.JobParam{Name: "twice", Type: dag.TypeOf[int]("int")},
	)
	s.Given = []string{"given", "twice"}
	_, err := resolveText(t, `inputs:
  limit: 256
  pair: [1]
  home: {since: now, nam: x}
  out: 1
  file: /no/such/file
  citis: [a]
  twice: 1
`, s)
	assert.Equal(t, []string{
		"run.yaml:2:3: inputs.cities: missing, expected a list of texts; set it in a file, or with --set 'inputs.cities=[...]'",
		"run.yaml:2:3: inputs.link: net/url.URL cannot be given in a run config: url.Userinfo has the unexported field username; run the job from Go",
		"run.yaml:2:10: inputs.limit: expected a whole number from 0 to 255, found 256",
		"run.yaml:3:9: inputs.pair: expected a list of 2, found 1 elements",
		"run.yaml:4:9: inputs.home.Name: missing, expected text; set it in a file, or with --set inputs.home.Name=...",
		`run.yaml:4:17: inputs.home.since: expected a time such as 2024-01-31T08:00:00Z, found the text "now"`,
		`run.yaml:4:22: inputs.home.nam: unknown field; did you mean "Name"?`,
		"run.yaml:5:8: inputs.out: chan int cannot be given in a run config: it holds a chan int; run the job from Go",
		"run.yaml:6:9: inputs.file: the file \"/no/such/file\" cannot be read: no such file or directory; a relative path is looked up from the working folder",
		`run.yaml:7:3: inputs.citis: unknown parameter; did you mean "cities"?`,
		"run.yaml:8:3: inputs.twice: the parameter has a value from Go already; remove one of them",
	}, lines(err))
}

// Dagster writes inputs.x.value; the bare value is the same.
func TestInputsInBothForms(t *testing.T) {
	type box struct {
		Value int `json:"value"`
	}
	s := jobSchema(
		dag.JobParam{Name: "limit", Type: dag.TypeOf[uint8]("uint8")},
		dag.JobParam{Name: "cities", Type: dag.TypeOf[[]string]("[]string")},
		dag.JobParam{Name: "sizes", Type: dag.TypeOf[map[string]int]("map[string]int")},
		dag.JobParam{Name: "home", Type: dag.TypeOf[city]("city")},
		dag.JobParam{Name: "box", Type: dag.TypeOf[box]("box")},
		dag.JobParam{Name: "deep", Type: dag.TypeOf[map[string]map[string]int]("map[string]map[string]int")},
		dag.JobParam{Name: "source", Config: stationConfig()},
	)
	s.Ops = []OpSchema{
		{Key: "fetch", Config: stationConfig(), Param: "source"},
		{Key: "rate", Inputs: []dag.JobParam{{Name: "by", Type: dag.TypeOf[*int]("*int")}, {Name: "box", Type: dag.TypeOf[box]("box")}}},
	}
	want := map[string]any{
		"limit": uint8(3), "cities": []string{"oslo"}, "sizes": map[string]int{"value": 7, "b": 2}, "home": city{Name: "x"}, "box": box{4},
		"deep": map[string]map[string]int{"value": {"a": 1}},
	}
	const bare = "inputs: {limit: 3, cities: [oslo], sizes: {value: 7, b: 2}, home: {Name: x}, box: {value: 4}, deep: {value: {a: 1}}, source: {path: p}}\n" +
		"ops: {rate: {inputs: {by: null, box: {value: 5}}}}"
	const wrapped = "inputs: {limit: {value: 3}, cities: {value: [oslo]}, sizes: {value: {value: 7, b: 2}}, home: {value: {Name: x}}, box: {value: 4}, deep: {value: {a: 1}}, " +
		"source: {value: {path: p}}}\nops: {rate: {inputs: {by: {value: null}, box: {value: 5}}}}"
	for _, text := range []string{bare, wrapped} {
		r, err := resolveText(t, text, s)
		require.NoError(t, err)
		assert.Equal(t, want, r.Inputs)
		assert.Equal(t, "p", r.Ops["fetch"].Go.(station).Path)
		assert.Equal(t, map[string]any{"by": (*int)(nil), "box": box{5}}, r.OpInputs["rate"])
	}
	one, err := resolveText(t, "inputs: {sizes: {value: {env: LIMIT}}, limit: {value: {env: LIMIT}}}", jobSchema(s.Inputs[2], s.Inputs[0]))
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"sizes": map[string]int{"value": 7}, "limit": uint8(7)}, one.Inputs, "a key of a map, and a value")

	broken := s
	broken.Inputs, broken.Ops = s.Inputs[:3], s.Ops[1:]
	checkDocuments(t, s, []documentCase{{name: "bare", text: bare}, {name: "wrapped", text: wrapped}})
	checkDocuments(t, broken, []documentCase{
		{name: "wrong in both forms", text: "inputs: {limit: {value: 300}, cities: {value: [1]}, sizes: {value: {a: x}}}\nops: {rate: {inputs: {by: {value: x}, box: {value: y}}}}", want: []string{
			"run.yaml:1:25: inputs.limit.value: expected a whole number from 0 to 255, found 300",
			"run.yaml:1:48: inputs.cities.value[0]: expected text, found the number 1; quote it",
			`run.yaml:1:72: inputs.sizes.value.a: expected a whole number, found the text "x"`,
			`run.yaml:2:35: ops.rate.inputs.by.value: expected a whole number or null, found the text "x"`,
			`run.yaml:2:52: ops.rate.inputs.box.value: expected a whole number, found the text "y"`}},
		{name: "something beside value", text: "inputs: {limit: {value: 3, unit: m}, cities: [], sizes: {}}\nops: {rate: {inputs: {by: 1, box: {value: 1}}}}", want: []string{
			"run.yaml:1:17: inputs.limit: expected a whole number that is not negative, found a mapping"}},
	})
}

func TestConfigParametersReachTheirOps(t *testing.T) {
	s := jobSchema(dag.JobParam{Name: "source", Config: stationConfig()})
	s.Ops = []OpSchema{{Key: "fetch", Config: stationConfig(), Param: "source"}, {Key: "fetch_2", Config: stationConfig(), Param: "source"}}

	r, err := resolveText(t, "inputs: {source: {path: a, area: {name: x}}}\nops: {fetch_2: {config: {limit: 3, area: {deep: 4}}}}", s)
	require.NoError(t, err)
	one, two := r.Ops["fetch"].Go.(station), r.Ops["fetch_2"].Go.(station)
	assert.Equal(t, []any{"a", int8(10), "x"}, []any{one.Path, one.Limit, one.Area.Name})
	assert.Equal(t, []any{"a", int8(3), "x", float32(4)}, []any{two.Path, two.Limit, two.Area.Name, two.Area.Deep})

	_, err = resolveText(t, "inputs: {source: {limit: 2}}\nops: {fetch: {config: {path: b}}}", s)
	assert.Equal(t, []string{"run.yaml:1:18: ops.fetch_2.config.path: missing, expected text; set it in a file, or with --set ops.fetch_2.config.path=..."},
		lines(err), "complete for one, not for the other")

	_, err = resolveText(t, "inputs: {source: {limit: x}}", s)
	assert.Equal(t, []string{`run.yaml:1:26: inputs.source.limit: expected a whole number, found the text "x"`}, lines(err), "reported once")
}

func TestWhatIsMissingStandsNowhere(t *testing.T) {
	s := jobSchema(dag.JobParam{Name: "x", Type: dag.TypeOf[int]("int")}, dag.JobParam{Name: "y", Type: dag.TypeOf[int]("int")},
		dag.JobParam{Name: "source", Config: stationConfig()})
	set := func(path, value string) []string {
		d, err := (*Document)(nil).Set(path, value)
		require.NoError(t, err)
		_, err = Resolve(d, s, nil)
		return lines(err)
	}
	assert.Contains(t, set("inputs.x", "3"), "run config: inputs.y: missing, expected a whole number; set it in a file, or with --set inputs.y=...",
		"not at the place of x")
	assert.Contains(t, set("inputs", "{x: 3}"), "--set inputs: inputs.y: missing, expected a whole number; set it in a file, or with --set inputs.y=...",
		"in the mapping that --set gave")
}
