package runconfig

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A station stands for the config structs that users write; stationConfig is what dagstergen writes for it.
type station struct {
	Path     string            `json:"path"`
	Limit    int8              `json:"limit"`
	Ratio    float64           `json:"ratio"`
	Mode     string            `json:"mode"`
	Wait     time.Duration     `json:"wait"`
	Since    time.Time         `json:"since"`
	Tags     []string          `json:"tags,omitempty"`
	Weights  map[string]uint16 `json:"weights,omitempty"`
	Area     area              `json:"area"`
	Fallback *area             `json:"fallback"`
	Host     netip.Addr        `json:"host,omitzero"`
	Token    dag.Secret        `json:"token"`
	Verbose  bool              `json:"verbose"`
	Areas    []area            `json:"areas,omitempty"`
	note     string
}

type area struct {
	Name string  `json:"name"`
	Size *int    `json:"size"`
	Deep float32 `json:"deep"`
}

func areaFields() []dag.Field {
	return []dag.Field{
		{Name: "name", Kind: dag.FieldString, Default: `"seattle"`},
		{Name: "size", Kind: dag.FieldInt, Bits: 64, Nullable: true},
		{Name: "deep", Kind: dag.FieldFloat, Bits: 32, Default: "1"},
	}
}

func stationConfig() *dag.Config {
	return &dag.Config{
		Symbol: "example.com/weather.Station", Description: "Station says where the observations come from.",
		Decode: dag.DecodeConfig[station], Encode: dag.EncodeConfig[station],
		Fields: []dag.Field{
			{Name: "path", Kind: dag.FieldString, Required: true, Description: "Path of the raw file."},
			{Name: "limit", Kind: dag.FieldInt, Bits: 8, Default: "10"},
			{Name: "ratio", Kind: dag.FieldFloat, Bits: 64, Default: "0.5"},
			{Name: "mode", Kind: dag.FieldString, Enum: []string{"fast", "exact"}, Default: `"fast"`},
			{Name: "wait", Kind: dag.FieldDuration, Default: `"1m30s"`},
			{Name: "since", Kind: dag.FieldTime, Default: `"2024-01-01T00:00:00Z"`},
			{Name: "tags", Kind: dag.FieldList, Elem: &dag.Field{Kind: dag.FieldString}},
			{Name: "weights", Kind: dag.FieldMap, Elem: &dag.Field{Kind: dag.FieldUint, Bits: 16}},
			{Name: "area", Kind: dag.FieldStruct, Fields: areaFields()},
			{Name: "fallback", Kind: dag.FieldStruct, Nullable: true, Fields: areaFields()},
			{Name: "host", Kind: dag.FieldText},
			{Name: "token", Kind: dag.FieldString, Secret: true, Default: `"none"`},
			{Name: "verbose", Kind: dag.FieldBool, Unversioned: true, Default: "false"},
			{Name: "areas", Kind: dag.FieldList, Elem: &dag.Field{Kind: dag.FieldStruct, Fields: areaFields()}},
		},
	}
}

func fetchSchema() Schema {
	return Schema{Ops: []OpSchema{{Key: "fetch", Config: stationConfig()}, {Key: "plain"}}}
}

func testEnv(name string) (string, bool) {
	v, ok := map[string]string{"TOKEN": "c4n4ry", "LIMIT": "7", "WORD": "ten", "DATA": "from-env.csv"}[name]
	return v, ok
}

func resolveText(t *testing.T, text string, s Schema) (*Resolved, error) {
	t.Helper()
	d, err := Parse("run.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	return Resolve(d, s, testEnv)
}

func TestDefaultsAreApplied(t *testing.T) {
	r, err := resolveText(t, "ops: {fetch: {config: {path: a.csv}}}", fetchSchema())
	require.NoError(t, err)
	got := r.Ops["fetch"].Go.(station)
	assert.Equal(t, "none", got.Token.Reveal())
	got.Token = dag.Secret{}
	assert.Equal(t, station{
		Path: "a.csv", Limit: 10, Ratio: 0.5, Mode: "fast", Wait: 90 * time.Second,
		Since: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Area: area{Name: "seattle", Deep: 1},
	}, got)
	assert.Equal(t, `{"area":{"deep":1.0,"name":"seattle","size":null},"areas":null,"fallback":null,"host":"","limit":10,"mode":"fast",`+
		`"path":"a.csv","ratio":0.5,"since":"2024-01-01T00:00:00Z","tags":null,"wait":"1m30s","weights":null}`, string(r.Ops["fetch"].Canonical))
	assert.Equal(t, `ops:
  fetch:
    config:
      path: a.csv
      limit: 10
      ratio: 0.5
      mode: fast
      wait: 1m30s
      since: "2024-01-01T00:00:00Z"
      area:
        name: seattle
        size: null
        deep: 1.0
      fallback: null
      host: ""
      token: "***"
      verbose: false
`, r.Text)
}

func TestResolvedDocument(t *testing.T) {
	s := jobSchema(
		dag.JobParam{Name: "big", Type: dag.TypeOf[uint64]("uint64")},
		dag.JobParam{Name: "half", Type: dag.TypeOf[float64]("float64")},
		dag.JobParam{Name: "texts", Type: dag.TypeOf[[]*string]("[]*string")},
		dag.JobParam{Name: "on", Type: dag.TypeOf[bool]("bool")},
	)
	s.Ops = []OpSchema{{Key: "fetch", Config: stationConfig(), Default: station{Ratio: math.Inf(-1)}}}
	r, err := resolveText(t, "inputs: {big: 0xffffffffffffffff, half: .5, texts: [a, null], on: true}", s)
	require.NoError(t, err)
	doc := r.Document()
	assert.Equal(t, map[string]any{"big": uint64(math.MaxUint64), "half": 0.5, "texts": []any{"a", nil}, "on": true}, doc["inputs"])
	assert.Equal(t, math.Inf(-1), doc["ops"].(map[string]any)["fetch"].(map[string]any)["config"].(map[string]any)["ratio"])
}
