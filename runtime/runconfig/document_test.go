package runconfig

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

func parse(t *testing.T, text string) *Document {
	t.Helper()
	d, err := Parse("run.yaml", []byte(text))
	require.NoError(t, err)
	return d
}

func TestMerge(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"a: 1", "b: 2", "a: 1\nb: 2\n"},
		{"a: {x: 1, y: [1, 2]}", "a: {y: [3], z: 4}", "a:\n  x: 1\n  \"y\":\n    - 3\n  z: 4\n"},
		{"a: {x: 1}", "a: 5", "a: 5\n"},
		{"a: 5", "a: {x: 1}", "a:\n  x: 1\n"},
		{"a: {x: 1}", "a:", "a:\n  x: 1\n"},
		{"a: {x: 1}", "a: null", "a: null\n"},
		{"a: {env: A}", "a: {env: B}", "a:\n  env: B\n"},
		{"a: {env: A}", "a: {x: 1}", "a:\n  x: 1\n"},
		{"a: {x: 1}", "a: {env: B}", "a:\n  env: B\n"},
		{"", "a: 1", "a: 1\n"},
	} {
		a, b := parse(t, c.a), parse(t, c.b)
		before := shownText(t, a)
		assert.Equal(t, c.want, shownText(t, a.Merge(b)), "%s with %s", c.a, c.b)
		assert.Equal(t, before, shownText(t, a), "the first document is not touched")
	}
	var none *Document
	assert.Equal(t, "a: 1\n", shownText(t, none.Merge(parse(t, "a: 1"))))
	assert.Equal(t, "a: 1\n", shownText(t, parse(t, "a: 1").Merge(none)))
	_, err := Resolve(none.Merge(none), Schema{}, testEnv)
	assert.NoError(t, err)
}

func shownText(t *testing.T, d *Document) string {
	t.Helper()
	r := record{}
	for _, m := range d.root.members {
		r.inputs = append(r.inputs, valMember{m.key, m.value.shown()})
	}
	return strings.ReplaceAll(strings.TrimPrefix(r.yaml(), "inputs:\n  "), "\n  ", "\n")
}

func TestSet(t *testing.T) {
	for _, c := range []struct{ path, value, want string }{
		{"a", "1", "a: 1\n"},
		{"a.b", `"1"`, "a:\n  b: \"1\"\n"},
		{"a.b", "[x, {z: 2}]", "a:\n  b:\n    - x\n    - z: 2\n"},
		{`a."b.c".d`, "true", "a:\n  b.c:\n    d: true\n"},
		{"a", "{env: X}", "a:\n  env: X\n"},
		{"a", "text with spaces", "a: text with spaces\n"},
		{"a", "x: 1", "a:\n  x: 1\n"},
		{"a", "", "a: null\n"},
	} {
		var none *Document
		d, err := none.Set(c.path, c.value)
		require.NoError(t, err, c.path)
		assert.Equal(t, c.want, shownText(t, d))
	}
	d, err := parse(t, "ops: {fetch: {config: {path: a, limit: 3}}}").Set("ops.fetch.config.limit", "many")
	require.NoError(t, err)
	_, err = Resolve(d, fetchSchema(), testEnv)
	assert.Equal(t, []string{`--set ops.fetch.config.limit: expected a whole number, found the text "many"`}, lines(err))
}

func TestSetProblems(t *testing.T) {
	for _, c := range []struct{ path, value, want string }{
		{"a", "[", "--set a: not YAML: did not find expected node content"},
		{"a..b", "1", "--set a..b: the path has an empty key"},
		{"a.", "1", "--set a.: the path has an empty key"},
		{"", "1", "--set : the path has an empty key"},
		{`a."b`, "1", `--set a."b: the path has a quote that does not end`},
		{`a."b"c`, "1", `--set a."b"c: the path needs a dot after the key "b"`},
		{"a[0]", "1", `--set a[0]: the path key "a[0]" has a bracket or a quote; set a list as a whole, as in cities=[a, b], and quote a key as in ops."a[0]".config`},
		{"a", "!!binary x", `--set a: the tag "!!binary" is not allowed; write the value without it`},
		{"a", "\xff", "--set a: not UTF-8 text"},
		{strings.Repeat("a.", 200) + "a", "1", "--set " + strings.Repeat("a.", 200) + "a: the path is deeper than 100 levels"},
	} {
		_, err := parse(t, "").Set(c.path, c.value)
		assert.Equal(t, []string{c.want}, lines(err))
	}
}

func TestParseSet(t *testing.T) {
	path, value, err := ParseSet(`ops."a=b".config.x=y=z`)
	require.NoError(t, err)
	assert.Equal(t, `ops."a=b".config.x`, path)
	assert.Equal(t, "y=z", value)
	_, _, err = ParseSet("ops.x")
	assert.EqualError(t, err, `--set "ops.x": want path=value, such as ops.fetch.config.limit=10`)
	_, _, err = ParseSet("=1")
	assert.EqualError(t, err, `--set "=1": no path before the =`)
}

func TestFromValue(t *testing.T) {
	d, err := FromValue(map[string]any{"ops": map[string]any{"fetch": map[string]any{"config": map[string]any{"path": "a", "limit": "x"}}}})
	require.NoError(t, err)
	_, err = Resolve(d, fetchSchema(), testEnv)
	assert.Equal(t, []string{`run config: ops.fetch.config.limit: expected a whole number, found the text "x"`}, lines(err))
	_, err = FromValue(make(chan int))
	assert.EqualError(t, err, "run config: not JSON: json: unsupported type: chan int")
	_, err = FromValue([]int{1})
	assert.ErrorContains(t, err, "expected a mapping")
}

func FuzzParse(f *testing.F) {
	for _, c := range documentCases {
		f.Add([]byte(c.text))
	}
	for _, c := range unreadableCases {
		if len(c.text) < 1000 {
			f.Add([]byte(c.text))
		}
	}
	for _, text := range []string{
		at("{count: 11, wait: 1h, pause: 60s, code: OSL, modes: [fast], sizes: {a: 1}, groups: [[9]], token: abcd}"), at("{since: 2024-01-01T02:00:00+02:00, bits: 0x10}"),
		"loggers: {json: {config: {log_level: DEBUG, path: x}}, audit: }\nresources: {pool: {config: {name: p}}}", "inputs: {limit: {value: 3}, cities: {value: [a]}, sizes: {value: {a: 1}}}",
	} {
		f.Add([]byte(text))
	}
	inputs := jobSchema(dag.JobParam{Name: "limit", Type: dag.TypeOf[uint8]("uint8")}, dag.JobParam{Name: "cities", Type: dag.TypeOf[[]string]("[]string")},
		dag.JobParam{Name: "sizes", Type: dag.TypeOf[map[string]int]("map[string]int")})
	schemas := []Schema{documentSchema(), boundedSchema(), loggingSchema(), inputs}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range []string{"run.yaml", "run.json"} {
			d, err := Parse(name, data)
			if err != nil {
				require.NotEmpty(t, err.(Problems))
				continue
			}
			for _, s := range schemas {
				r, err := Resolve(d, s, testEnv)
				if err != nil {
					for _, p := range err.(Problems) {
						require.NotContains(t, p.String(), "\n", "a problem is one line")
					}
					continue
				}
				require.NotContains(t, r.Text, "c4n4ry")
				if !strings.Contains(string(data), "***") {
					checkRecord(t, s, r)
				}
			}
		}
	})
}

func FuzzSet(f *testing.F) {
	f.Add("ops.fetch.config.limit=3")
	f.Add(`ops."a.b".config={env: X}`)
	f.Add("a=[1, 'x', ~]")
	f.Fuzz(func(t *testing.T, arg string) {
		path, value, err := ParseSet(arg)
		if err != nil {
			return
		}
		require.Equal(t, arg, path+"="+value)
		var none *Document
		d, err := none.Set(path, value)
		if err != nil {
			require.NotEmpty(t, err.(Problems))
			return
		}
		keys, err := splitPath(path)
		require.NoError(t, err)
		n := d.root
		for _, k := range keys {
			m, ok := n.member(k)
			require.True(t, ok)
			n = m.value
		}
	})
}
