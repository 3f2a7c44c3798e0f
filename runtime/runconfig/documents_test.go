package runconfig

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A documentCase is a document with every problem it has, and none for a good one. What is indented by a tab in text is
// below ops.fetch.config.
type documentCase struct {
	name   string
	text   string
	want   []string
	beyond bool // the JSON Schema cannot tell, and says the opposite
}

// fetch puts fields below ops.fetch.config, beside the required path.
func fetch(fields string) string {
	return "ops:\n  fetch:\n    config:\n      path: a.csv\n      " + fields + "\n"
}

var documentCases = []documentCase{
	{name: "only what is required", text: "ops: {fetch: {config: {path: a.csv}}}"},
	{name: "JSON", text: "{\n\t\"ops\": {\"fetch\": {\"config\": {\"path\": \"a.csv\", \"limit\": 3}}}\n}"},
	{name: "quoted number is text", text: `ops: {fetch: {config: {path: "1"}}}`},
	{name: "a date is text", text: `ops: {fetch: {config: {path: 2024-01-31}}}`},
	{name: "yes is text", text: `ops: {fetch: {config: {path: yes}}}`},
	{name: "block text", text: "ops:\n  fetch:\n    config:\n      path: |\n        a\n        b\n"},
	{name: "tagged text", text: `ops: {fetch: {config: {path: !!str 12}}}`},
	{name: "empty sections", text: "execution:\nresources:\ninputs:\nops: {fetch: {config: {path: a}}, plain: }"},
	{name: "smallest int8", text: fetch("limit: -128")},
	{name: "hexadecimal", text: fetch("limit: 0x1F")},
	{name: "octal", text: fetch("limit: 0o17")},
	{name: "int for a float", text: fetch("ratio: 1")},
	{name: "exponent", text: fetch("ratio: 1e-3")},
	{name: "enum", text: fetch("mode: exact")},
	{name: "duration", text: fetch("wait: 2h45m")},
	{name: "time with a zone", text: fetch("since: 2024-06-01T12:00:00.5+02:00")},
	{name: "list", text: fetch("tags: [a, b]")},
	{name: "empty list", text: fetch("tags: []")},
	{name: "map", text: fetch("weights: {a: 1, b: 65535}")},
	{name: "map with a key env", text: fetch("weights: {env: 1}")},
	{name: "nested struct with defaults", text: fetch("area: {size: 3}")},
	{name: "nullable", text: fetch("fallback: null")},
	{name: "nullable within", text: fetch("area: {size: ~}")},
	{name: "text that reads itself", text: fetch("host: 10.0.0.1")},
	{name: "list of structs", text: fetch("areas: [{name: x}, {}]")},
	{name: "from the environment", text: fetch("limit: {env: LIMIT}")},
	{name: "secret from the environment", text: fetch("token: {env: TOKEN}")},
	{name: "environment in a list", text: fetch("tags: [{env: DATA}]")},
	{name: "alias", text: "ops: {fetch: {config: {path: &p a.csv, area: {name: *p}}}}"},
	{name: "executor", text: "execution: {config: {multi: {max_concurrent: 4}}}\n" + fetch("")},
	{name: "executor by name", text: "execution: {multi: {config: {max_concurrent: 4}}}\n" + fetch("")},
	{name: "executor without settings", text: "execution: {in_process: {}}\n" + fetch("")},
	{name: "resource", text: "resources: {db: {config: {name: x}}}\n" + fetch("")},

	{name: "nothing", text: "", want: []string{
		"run config: ops.fetch.config.path: missing, expected text; set it in a file, or with --set ops.fetch.config.path=..."}},
	{name: "missing below something", text: "ops:\n  fetch:\n    config:\n      limit: 3\n", want: []string{
		"run.yaml:4:7: ops.fetch.config.path: missing, expected text; set it in a file, or with --set ops.fetch.config.path=..."}},
	{name: "unknown root key", text: "opz: {}\n" + fetch(""), want: []string{
		`run.yaml:1:1: opz: unknown key; did you mean "ops"?`}},
	{name: "root key that nothing is near to", text: "schedules: {}\n" + fetch(""), want: []string{
		"run.yaml:1:1: schedules: unknown key; expected execution, inputs, loggers, ops or resources"}},
	{name: "unknown op", text: "ops: {fetsh: {}, fetch: {config: {path: a}}}", want: []string{
		`run.yaml:1:7: ops.fetsh: unknown op, asset or source; did you mean "fetch"?`}},
	{name: "unknown op with nothing near", text: "ops: {zzzzzz: {}, fetch: {config: {path: a}}}", want: []string{
		"run.yaml:1:7: ops.zzzzzz: unknown op, asset or source; ops: fetch, plain"}},
	{name: "unknown key of an op", text: "ops: {fetch: {confg: {}, config: {path: a}}}", want: []string{
		`run.yaml:1:15: ops.fetch.confg: unknown key; did you mean "config"?`}},
	{name: "config of an op without", text: "ops: {plain: {config: {a: 1}}, fetch: {config: {path: a}}}", want: []string{
		"run.yaml:1:15: ops.plain.config: plain takes no config; remove it"}},
	{name: "unknown field", text: fetch("limits: 3"), want: []string{
		`run.yaml:5:7: ops.fetch.config.limits: unknown field; did you mean "limit"?`}},
	{name: "unknown nested field", text: fetch("area: {nam: x}"), want: []string{
		`run.yaml:5:14: ops.fetch.config.area.nam: unknown field; did you mean "name"?`}},
	{name: "unknown field with nothing near", text: fetch("area: {colour: x}"), want: []string{
		"run.yaml:5:14: ops.fetch.config.area.colour: unknown field; fields: deep, name, size"}},
	{name: "number for text", text: "ops: {fetch: {config: {path: 12}}}", want: []string{
		"run.yaml:1:30: ops.fetch.config.path: expected text, found the number 12; quote it"}},
	{name: "boolean for text", text: "ops: {fetch: {config: {path: true}}}", want: []string{
		"run.yaml:1:30: ops.fetch.config.path: expected text, found the boolean true; quote it"}},
	{name: "null for text", text: "ops: {fetch: {config: {path: }}}", want: []string{
		"run.yaml:1:30: ops.fetch.config.path: expected text, found null; give it a value"}},
	{name: "text for an int", text: fetch(`limit: "7"`), want: []string{
		`run.yaml:5:14: ops.fetch.config.limit: expected a whole number, found the text "7"`}},
	{name: "float for an int", text: fetch("limit: 1.0"), beyond: true, want: []string{
		"run.yaml:5:14: ops.fetch.config.limit: expected a whole number, found the number 1.0; write it without a fraction or an exponent"}},
	{name: "leading zero", text: fetch("limit: 010"), want: []string{
		"run.yaml:5:14: ops.fetch.config.limit: expected a whole number, found the number 010; a number does not start with 0; write 0o10 for octal"}},
	{name: "underscores", text: fetch("limit: 1_0"), want: []string{
		`run.yaml:5:14: ops.fetch.config.limit: expected a whole number, found the text "1_0"`}},
	{name: "too large for int8", text: fetch("limit: 128"), want: []string{
		"run.yaml:5:14: ops.fetch.config.limit: expected a whole number from -128 to 127, found 128"}},
	{name: "too large for anything", text: fetch("limit: 99999999999999999999"), want: []string{
		"run.yaml:5:14: ops.fetch.config.limit: expected a whole number from -128 to 127, found 99999999999999999999"}},
	{name: "negative for uint16", text: fetch("weights: {a: -1}"), want: []string{
		"run.yaml:5:20: ops.fetch.config.weights.a: expected a whole number from 0 to 65535, found -1"}},
	{name: "infinite", text: fetch("ratio: .inf"), want: []string{
		"run.yaml:5:14: ops.fetch.config.ratio: expected a finite number, found .inf"}},
	{name: "too large for a float", text: fetch("ratio: 1e999"), beyond: true, want: []string{
		"run.yaml:5:14: ops.fetch.config.ratio: expected a number that 64 bits can hold, found 1e999"}},
	{name: "too large for a float32", text: fetch("area: {deep: 1e39}"), want: []string{
		"run.yaml:5:20: ops.fetch.config.area.deep: expected a number that 32 bits can hold, found 1e39"}},
	{name: "text for a float", text: fetch("ratio: half"), want: []string{
		`run.yaml:5:14: ops.fetch.config.ratio: expected a number, found the text "half"`}},
	{name: "yes for a boolean", text: fetch("verbose: yes"), want: []string{
		`run.yaml:5:16: ops.fetch.config.verbose: expected true or false, found the text "yes"; write true`}},
	{name: "not in the enum", text: fetch("mode: exat"), want: []string{
		`run.yaml:5:13: ops.fetch.config.mode: expected one of fast, exact, found the text "exat"; did you mean "exact"?`}},
	{name: "number for a duration", text: fetch("wait: 90"), want: []string{
		"run.yaml:5:13: ops.fetch.config.wait: expected a duration such as 1m30s, found the number 90; write 90s for seconds"}},
	{name: "bad duration", text: fetch("wait: 90 s"), want: []string{
		`run.yaml:5:13: ops.fetch.config.wait: expected a duration such as 1m30s, found the text "90 s"`}},
	{name: "date for a time", text: fetch("since: 2024-01-31"), want: []string{
		`run.yaml:5:14: ops.fetch.config.since: expected a time such as 2024-01-31T08:00:00Z, found the text "2024-01-31"`}},
	{name: "text for a list", text: fetch("tags: a"), want: []string{
		`run.yaml:5:13: ops.fetch.config.tags: expected a list of texts, found the text "a"`}},
	{name: "wrong element", text: fetch("tags: [a, 2, [b]]"), want: []string{
		"run.yaml:5:17: ops.fetch.config.tags[1]: expected text, found the number 2; quote it",
		"run.yaml:5:20: ops.fetch.config.tags[2]: expected text, found a list"}},
	{name: "variable for a list", text: fetch("tags: {env: DATA}"), want: []string{
		"run.yaml:5:13: ops.fetch.config.tags: expected a list of texts, found a mapping; a variable is a single value: write [{env: DATA}]"}},
	{name: "null for a list", text: fetch("tags: null"), want: []string{
		"run.yaml:5:13: ops.fetch.config.tags: expected a list of texts, found null; leave the key out for its default"}},
	{name: "list for a map", text: fetch("weights: [1]"), want: []string{
		"run.yaml:5:16: ops.fetch.config.weights: expected a mapping of keys to whole numbers, found a list"}},
	{name: "text for a struct", text: fetch("area: seattle"), want: []string{
		`run.yaml:5:13: ops.fetch.config.area: expected a mapping, found the text "seattle"`}},
	{name: "refused by its Go type", text: fetch("host: nowhere"), beyond: true, want: []string{
		`run.yaml:5:13: ops.fetch.config.host: "nowhere" is refused by netip.Addr: ParseAddr("nowhere"): unable to parse IP`}},
	{name: "variable not set", text: fetch("limit: {env: NOPE}"), beyond: true, want: []string{
		`run.yaml:5:14: ops.fetch.config.limit: the environment variable "NOPE" is not set; set it, or write the value instead`}},
	{name: "variable with the wrong type", text: fetch("limit: {env: WORD}"), beyond: true, want: []string{
		`run.yaml:5:14: ops.fetch.config.limit: expected a whole number, found something else in the environment variable "WORD"`}},
	{name: "variable without a name", text: fetch("limit: {env: 3}"), want: []string{
		"run.yaml:5:20: ops.fetch.config.limit.env: expected the name of an environment variable, found the number 3"}},
	{name: "variable without a space", text: fetch("limit: {env:LIMIT}"), want: []string{
		"run.yaml:5:14: ops.fetch.config.limit: expected a whole number, found a mapping; write {env: NAME} with a space after the colon"}},
	{name: "a secret of the wrong type is not shown", text: fetch("token: 8374652"), want: []string{
		"run.yaml:5:14: ops.fetch.config.token: expected text, found a number; quote it"}},
	{name: "a secret list is not shown", text: fetch("token: [hush]"), want: []string{
		"run.yaml:5:14: ops.fetch.config.token: expected text, found a list"}},
	{name: "a redacted secret", text: fetch(`token: "***"`), beyond: true, want: []string{
		"run.yaml:5:14: ops.fetch.config.token: the secret is left out here; write the secret, or {env: NAME}"}},
	{name: "everything at once", text: "ops:\n  fetch:\n    config: {limit: x, ratio: y, nope: 1}\nresources: {nope: }\nexecution: {nope: }\n", want: []string{
		"run.yaml:3:13: ops.fetch.config.path: missing, expected text; set it in a file, or with --set ops.fetch.config.path=...",
		`run.yaml:3:21: ops.fetch.config.limit: expected a whole number, found the text "x"`,
		`run.yaml:3:31: ops.fetch.config.ratio: expected a number, found the text "y"`,
		`run.yaml:3:34: ops.fetch.config.nope: unknown field; did you mean "mode"?`,
		"run.yaml:4:13: resources.nope: unknown resource; resources: db, queue",
		"run.yaml:5:13: execution.nope: unknown key; expected in_process, multi, config"}},
	{name: "optional resource that is wrong", text: "resources: {queue: {config: {nam: x}}}\n" + fetch(""), want: []string{
		`run.yaml:1:30: resources.queue.config.nam: unknown field; did you mean "name"?`}},
	{name: "parameter of a job without", text: "inputs: {cities: [a]}\n" + fetch(""), want: []string{
		"run.yaml:1:10: inputs.cities: unknown parameter; there are no parameters"}},
	{name: "two executors", text: "execution: {config: {in_process: , multi: }}\n" + fetch(""), want: []string{
		"run.yaml:1:36: execution.config.multi: a second executor beside in_process; keep one of them"}},
	{name: "executor twice", text: "execution: {config: {multi: }, multi: }\n" + fetch(""), want: []string{
		"run.yaml:1:13: execution.config: an executor stands here and beside it; keep one of them"}},
	{name: "bad limit", text: "execution: {config: {multi: {max_concurrent: -1}}}\n" + fetch(""), want: []string{
		"run.yaml:1:46: execution.config.multi.max_concurrent: expected a whole number from 0 to 1048576, found -1; 0 means one for each processor"}},
	{name: "settings of in_process", text: "execution: {config: {in_process: {max_concurrent: 1}}}\n" + fetch(""), want: []string{
		"run.yaml:1:35: execution.config.in_process.max_concurrent: unknown key; expected retries"}},
}

// unreadable documents have no JSON Schema to compare with.
var unreadableCases = []documentCase{
	{name: "not a mapping", text: "- a", want: []string{
		"run.yaml:1:1: expected a mapping with execution, inputs, loggers, ops or resources, found a list"}},
	{name: "not YAML", text: "ops: [", want: []string{"run.yaml:1:1: not YAML: did not find expected node content"}},
	{name: "tab in YAML", text: "ops:\n\tfetch: x", want: []string{"run.yaml:2:1: not YAML: found character that cannot start any token"}},
	{name: "two documents", text: "ops:\n---\nops:\n", want: []string{
		"run.yaml:2:1: a second document starts here, a run config is one; put it into a file of its own and give both files"}},
	{name: "key twice", text: "ops: {}\nresources: {}\nops: {}\n", want: []string{
		"run.yaml:3:1: ops: the key stands twice, first at line 1; keep one of them"}},
	{name: "key twice, deep", text: fetch("path: b.csv"), want: []string{
		"run.yaml:5:7: ops.fetch.config.path: the key stands twice, first at line 4; keep one of them"}},
	{name: "merge key", text: "a: &a {x: 1}\nb: {<<: *a}", want: []string{
		"run.yaml:2:5: merge keys (<<) are not supported; write the values out, or put them into a file given before this one"}},
	{name: "number as a key", text: "ops: {1: x}", want: []string{"run.yaml:1:7: a key must be text, found number 1; quote it"}},
	{name: "null as a key", text: "ops: {~: x}", want: []string{"run.yaml:1:7: a key must be text, found null; quote it"}},
	{name: "list as a key", text: "? [a]\n: x", want: []string{"run.yaml:1:3: a key must be text"}},
	{name: "binary", text: "ops: !!binary aGk=", want: []string{`run.yaml:1:6: the tag "!!binary" is not allowed; write the value without it`}},
	{name: "own tag", text: "ops: !secret x", want: []string{`run.yaml:1:6: the tag "!secret" is not allowed; write the value without it`}},
	{name: "alias inside itself", text: "ops: &a [*a]", want: []string{"run.yaml:1:10: the alias *a stands inside the value it names"}},
	{name: "unknown alias", text: "ops: *a", want: []string{"run.yaml:1:1: not YAML: unknown anchor 'a' referenced"}},
	{name: "nested deep", text: strings.Repeat("[", 150) + strings.Repeat("]", 150), want: []string{"run.yaml:1:102: nested deeper than 100 levels"}},
	{name: "not UTF-8", text: "ops: \xff", want: []string{"run.yaml:1:6: not UTF-8 text"}},
	{name: "too large", text: strings.Repeat("#", 1<<20+1), want: []string{"run.yaml: 1048577 bytes, a run config has at most 1048576"}},
	{name: "key twice in JSON", text: "{\"ops\": {},\n \"ops\": {}}", want: []string{
		"run.yaml:2:2: ops: the key stands twice, first at line 1; keep one of them"}},
}

func documentSchema() Schema {
	s := fetchSchema()
	named := &dag.Config{Symbol: "example.com/weather.Named", Decode: dag.DecodeConfig[area], Encode: dag.EncodeConfig[area], Fields: areaFields()}
	s.Resources = []*dag.Resource{{Key: "db", Config: named}}
	s.OptionalResources = []*dag.Resource{{Key: "queue", Config: named}}
	return s
}

func TestDocuments(t *testing.T) { checkDocuments(t, documentSchema(), documentCases) }

func checkDocuments(t *testing.T, s Schema, cases []documentCase) {
	sch := compile(t, s)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, err := Parse("run.yaml", []byte(c.text))
			require.NoError(t, err)
			r, err := Resolve(d, s, testEnv)
			assert.Equal(t, c.want, lines(err))
			if err == nil {
				checkRecord(t, s, r)
			}
			bad := sch.Validate(instance(t, d.root))
			assert.Equal(t, (err != nil) != c.beyond, bad != nil, "the JSON Schema: %v", bad)
		})
	}
}

// checkRecord holds a record to its promise: no secret in it, and parsed again it gives the same versions.
func checkRecord(t *testing.T, s Schema, r *Resolved) {
	t.Helper()
	assert.NotContains(t, r.Text, "c4n4ry")
	for _, v := range r.Ops {
		assert.NotContains(t, string(v.Canonical), "c4n4ry")
		assert.NotContains(t, string(v.Canonical), "token")
	}
	d, err := Parse("record.yaml", []byte(strings.ReplaceAll(r.Text, `token: "***"`, "token: xxxx")))
	require.NoError(t, err, r.Text)
	again, err := Resolve(d, s, testEnv)
	require.NoError(t, err, r.Text)
	for key, v := range r.Ops {
		assert.Equal(t, v.Digest, again.Ops[key].Digest, r.Text)
	}
	assert.Equal(t, r.Executor, again.Executor)
	assert.Equal(t, r.MaxConcurrent, again.MaxConcurrent)
}

func TestUnreadableDocuments(t *testing.T) {
	for _, c := range unreadableCases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("run.yaml", []byte(c.text))
			assert.Equal(t, c.want, lines(err))
			assert.IsType(t, Problems{}, err)
		})
	}
}

func TestUnreadableJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"ops": {]}`:   "run.json:1:10: not JSON: invalid character ']' looking for beginning of object key string",
		"{\n\"ops\": {": "run.json:2:8: not JSON: unexpected end of JSON input",
		`{} {}`:         "run.json:1:4: not JSON: invalid character '{' after top-level value",
		`[1]`:           "run.json:1:1: expected a mapping with execution, inputs, loggers, ops or resources, found a list",
		strings.Repeat("[", 1000) + strings.Repeat("]", 1000): "run.json:1:103: nested deeper than 100 levels",
	} {
		_, err := Parse("run.json", []byte(text))
		assert.Equal(t, []string{want}, lines(err))
	}
}

func TestAliasBombIsRefused(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 9; i++ {
		p, q := string(rune('0'+i-1)), string(rune('0'+i))
		b.WriteString("a" + q + ": &a" + q + " [" + strings.Repeat("*a"+p+", ", 8) + "*a" + p + "]\n")
	}
	_, err := Parse("run.yaml", []byte(b.String()))
	require.Error(t, err)
	assert.Contains(t, err.Error(), "more than 100000 values after aliases are followed; write fewer aliases")
}

func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func compile(t *testing.T, s Schema) *jsonschema.Schema {
	t.Helper()
	text, err := JSONSchema("run config", s)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("run.schema.json", doc))
	sch, err := c.Compile("run.schema.json")
	require.NoError(t, err)
	return sch
}

// instance turns a document into what a JSON Schema library validates, without help of this package's JSON writer.
func instance(t *testing.T, n *node) any {
	t.Helper()
	switch n.kind {
	case kindBool:
		return n.bool()
	case kindText, kindOctal:
		return n.text
	case kindInt, kindFloat:
		text := n.text
		switch {
		case strings.HasPrefix(text, "0x"), strings.HasPrefix(text, "0o"):
			n, err := strconv.ParseInt(text, 0, 64)
			require.NoError(t, err)
			text = strconv.FormatInt(n, 10)
		case strings.HasSuffix(text, "inf"):
			return text // JSON has no such number
		}
		return json.Number(text)
	case kindList:
		out := []any{}
		for _, i := range n.items {
			out = append(out, instance(t, i))
		}
		return out
	case kindMap:
		out := map[string]any{}
		for _, m := range n.members {
			out[m.key] = instance(t, m.value)
		}
		return out
	}
	return nil
}
