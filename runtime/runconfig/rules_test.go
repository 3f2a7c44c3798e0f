package runconfig

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// bounded has a field of every kind, each with a rule.
type bounded struct {
	Count  int            `json:"count"`
	Port   uint16         `json:"port"`
	Share  float64        `json:"share"`
	Atom   float32        `json:"atom"`
	Wait   time.Duration  `json:"wait"`
	Pause  time.Duration  `json:"pause"`
	Since  time.Time      `json:"since"`
	Until  time.Time      `json:"until"`
	Code   string         `json:"code"`
	Name   string         `json:"name"`
	Note   string         `json:"note"`
	Bits   int8           `json:"bits"`
	Ratio  float64        `json:"ratio"`
	Modes  []string       `json:"modes"`
	Sizes  map[string]int `json:"sizes"`
	Groups [][]int        `json:"groups"`
	Maybe  *int           `json:"maybe"`
	Token  dag.Secret     `json:"token"`
}

func boundedSchema() Schema {
	ints := func(min, max string) *dag.Field { return &dag.Field{Kind: dag.FieldInt, Bits: 64, Min: min, Max: max} }
	return Schema{Ops: []OpSchema{{Key: "fetch", Config: &dag.Config{
		Symbol: "example.com/weather.Bounded", Decode: dag.DecodeConfig[bounded], Encode: dag.EncodeConfig[bounded],
		Fields: []dag.Field{
			{Name: "count", Kind: dag.FieldInt, Bits: 64, Min: "1", Max: "10", Default: "5"},
			{Name: "port", Kind: dag.FieldUint, Bits: 16, Min: "1024", Default: "8080"},
			{Name: "share", Kind: dag.FieldFloat, Bits: 64, Min: "0", Max: "0.5", Default: "0.5"},
			{Name: "atom", Kind: dag.FieldFloat, Bits: 32, Max: "0.1", Default: "0.1"},
			{Name: "wait", Kind: dag.FieldDuration, Min: "1s", Max: "1h", Default: `"1m"`},
			{Name: "pause", Kind: dag.FieldDuration, Enum: []string{"0s", "1m"}, Default: `"1m"`},
			{Name: "since", Kind: dag.FieldTime, Min: "2024-01-01T00:00:00Z", Default: `"2024-01-01T00:00:00Z"`},
			{Name: "until", Kind: dag.FieldTime, Max: "2024-12-31T00:00:00Z", Default: `"2024-12-31T00:00:00Z"`},
			{Name: "code", Kind: dag.FieldString, MinLen: 3, MaxLen: 3, Pattern: "^[A-Z]+$", Default: `"OSL"`},
			{Name: "name", Kind: dag.FieldString, MinLen: 1, MaxLen: 5, Default: `"a"`},
			{Name: "note", Kind: dag.FieldString, MaxLen: 1, Default: `""`},
			{Name: "bits", Kind: dag.FieldInt, Bits: 8, Enum: []string{"8", "16", "32"}, Default: "8"},
			{Name: "ratio", Kind: dag.FieldFloat, Bits: 64, Enum: []string{"0.5", "1"}, Default: "1"},
			{Name: "modes", Kind: dag.FieldList, MinLen: 1, Elem: &dag.Field{Kind: dag.FieldString, Enum: []string{"fast", "exact"}}, Default: `["fast"]`},
			{Name: "sizes", Kind: dag.FieldMap, MaxLen: 2, Elem: ints("1", ""), Default: "{}"},
			{Name: "groups", Kind: dag.FieldList, MinLen: 1, MaxLen: 2, Elem: &dag.Field{Kind: dag.FieldList, Elem: ints("", "9")}, Default: "[[1]]"},
			{Name: "maybe", Kind: dag.FieldInt, Bits: 64, Nullable: true, Min: "1"},
			{Name: "token", Kind: dag.FieldString, Secret: true, MinLen: 4, Pattern: "^[a-z0-9]+$", Default: `"none"`},
		},
	}}}}
}

func at(fields string) string { return "ops:\n  fetch:\n    config:\n      " + fields + "\n" }

func TestRules(t *testing.T) {
	const path = "run.yaml:4:"
	checkDocuments(t, boundedSchema(), []documentCase{
		{name: "defaults", text: "ops: {fetch: {config: }}"},
		{name: "at the bounds", text: at("{count: 10, port: 1024, share: 0, wait: 1h, pause: 0s, since: 2024-01-01T00:00:00Z, name: abcde, bits: 16, ratio: 0.5}")},
		{name: "the lower bounds", text: at("{count: 1, port: 65535, share: 0.5, wait: 1s, name: ä, note: 日, sizes: {a: 1, b: 2}, groups: [[], [9]]}")},
		{name: "hexadecimal", text: at("{count: 0xA, bits: 0x10}")},
		{name: "another form of an allowed duration", text: at("pause: 60s")},
		{name: "another zone within the bounds", text: at("since: 2024-01-01T02:00:00+02:00")},
		{name: "null has no bounds", text: at("maybe: null")},
		{name: "a bounded number from the environment", text: at("count: {env: LIMIT}")},
		{name: "a secret of the right form", text: at("token: {env: TOKEN}")},

		{name: "too small", text: at("count: 0"), want: []string{path + "14: ops.fetch.config.count: expected a whole number from 1 to 10, found 0"}},
		{name: "too large", text: at("count: 11"), want: []string{path + "14: ops.fetch.config.count: expected a whole number from 1 to 10, found 11"}},
		{name: "too large for its type and its bounds", text: at("count: 99999999999999999999"), want: []string{
			path + "14: ops.fetch.config.count: expected a whole number from 1 to 10, found 99999999999999999999"}},
		{name: "the wrong type tells the bounds", text: at("count: ten"), want: []string{
			path + `14: ops.fetch.config.count: expected a whole number from 1 to 10, found the text "ten"`}},
		{name: "below an only bound", text: at("port: 80"), want: []string{path + "13: ops.fetch.config.port: expected a whole number of at least 1024, found 80"}},
		{name: "negative", text: at("port: -1"), want: []string{path + "13: ops.fetch.config.port: expected a whole number from 0 to 65535, found -1"}},
		{name: "a float too large", text: at("share: 0.51"), want: []string{path + "14: ops.fetch.config.share: expected a number from 0 to 0.5, found 0.51"}},
		{name: "a float32 too large", text: at("atom: 0.11"), want: []string{path + "13: ops.fetch.config.atom: expected a number of at most 0.1, found 0.11"}},
		{name: "too short a duration", text: at("wait: 10ms"), beyond: true, want: []string{
			path + `13: ops.fetch.config.wait: expected a duration from 1s to 1h, found "10ms"`}},
		{name: "a duration that is not allowed", text: at("pause: 2m"), beyond: true, want: []string{
			path + `14: ops.fetch.config.pause: expected one of 0s, 1m, found the text "2m"`}},
		{name: "too early", text: at("since: 2023-12-31T23:59:59Z"), beyond: true, want: []string{
			path + `14: ops.fetch.config.since: expected a time not before 2024-01-01T00:00:00Z, found "2023-12-31T23:59:59Z"`}},
		{name: "too late", text: at("until: 2025-01-01T00:00:00Z"), beyond: true, want: []string{
			path + `14: ops.fetch.config.until: expected a time not after 2024-12-31T00:00:00Z, found "2025-01-01T00:00:00Z"`}},
		{name: "no match", text: at("code: osl"), want: []string{
			path + `13: ops.fetch.config.code: expected text of 3 characters that matches ^[A-Z]+$, found the text "osl"`}},
		{name: "wrong length", text: at("code: OSLO"), want: []string{
			path + "13: ops.fetch.config.code: expected text of 3 characters that matches ^[A-Z]+$, found 4 characters"}},
		{name: "empty", text: at(`name: ""`), want: []string{path + "13: ops.fetch.config.name: expected text of 1 to 5 characters, found 0 characters"}},
		{name: "too long", text: at("note: ab"), want: []string{path + "13: ops.fetch.config.note: expected text of at most 1 character, found 2 characters"}},
		{name: "a number that is not allowed", text: at("bits: 12"), want: []string{path + "13: ops.fetch.config.bits: expected one of 8, 16, 32, found the number 12"}},
		{name: "a number that its type does not hold, of some", text: at("bits: 64000"), want: []string{
			path + "13: ops.fetch.config.bits: expected one of 8, 16, 32, found 64000"}},
		{name: "a float that is not allowed", text: at("ratio: 0.7"), want: []string{path + "14: ops.fetch.config.ratio: expected one of 0.5, 1, found the number 0.7"}},
		{name: "too few elements", text: at("modes: []"), want: []string{path + "14: ops.fetch.config.modes: expected a list of texts with at least 1 element, found 0 elements"}},
		{name: "an element that is not allowed", text: at("modes: [fast, fsat]"), want: []string{
			path + `21: ops.fetch.config.modes[1]: expected one of fast, exact, found the text "fsat"; did you mean "fast"?`}},
		{name: "too many keys", text: at("sizes: {a: 1, b: 1, c: 1}"), want: []string{
			path + "14: ops.fetch.config.sizes: expected a mapping of keys to whole numbers with at most 2 keys, found 3 keys"}},
		{name: "a value too small", text: at("sizes: {a: 0}"), want: []string{path + "18: ops.fetch.config.sizes.a: expected a whole number of at least 1, found 0"}},
		{name: "deep in lists", text: at("groups: [[1], [10]]"), want: []string{path + "22: ops.fetch.config.groups[1][0]: expected a whole number of at most 9, found 10"}},
		{name: "too many elements", text: at("groups: [[], [], []]"), want: []string{
			path + "15: ops.fetch.config.groups: expected a list of lists with 1 to 2 elements, found 3 elements"}},
		{name: "nullable and too small", text: at("maybe: 0"), want: []string{path + "14: ops.fetch.config.maybe: expected a whole number of at least 1 or null, found 0"}},
		{name: "how long a secret is, is not shown", text: at("token: abc"), want: []string{
			path + "14: ops.fetch.config.token: expected text of at least 4 characters that matches ^[a-z0-9]+$, found a text"}},
		{name: "a secret that does not match", text: at("token: ABCDE"), want: []string{
			path + "14: ops.fetch.config.token: expected text of at least 4 characters that matches ^[a-z0-9]+$, found a text"}},
		{name: "a variable out of bounds", text: at("share: {env: LIMIT}"), beyond: true, want: []string{
			path + `14: ops.fetch.config.share: expected a number from 0 to 0.5, found the environment variable "LIMIT"`}},
		{name: "a variable that does not match", text: at("code: {env: WORD}"), beyond: true, want: []string{
			path + `13: ops.fetch.config.code: expected text of 3 characters that matches ^[A-Z]+$, found something else in the environment variable "WORD"`}},
		{name: "several at once", text: at("{count: 0, code: a, modes: [x, fast, y]}"), want: []string{
			path + "15: ops.fetch.config.count: expected a whole number from 1 to 10, found 0",
			path + "24: ops.fetch.config.code: expected text of 3 characters that matches ^[A-Z]+$, found 1 character",
			path + `35: ops.fetch.config.modes[0]: expected one of fast, exact, found the text "x"`,
			path + `44: ops.fetch.config.modes[2]: expected one of fast, exact, found the text "y"`}},
	})
}

// The tags do not bind the code, whose values stand in the record of a run: that record is taken again.
func TestCodeMayPassWhatTheTagsForbid(t *testing.T) {
	s := boundedSchema()
	s.Ops[0].Default = bounded{Count: 99, Code: "x", Modes: []string{"slow"}, Maybe: new(int), Wait: time.Millisecond}
	r, err := resolveText(t, "", s)
	require.NoError(t, err)
	again, err := resolveText(t, r.Text, s)
	require.NoError(t, err, r.Text)
	assert.Equal(t, r.Ops["fetch"].Digest, again.Ops["fetch"].Digest)
	_, err = resolveText(t, at("{count: 98, modes: [slow, slow]}"), s)
	assert.Equal(t, []string{
		"run.yaml:4:15: ops.fetch.config.count: expected a whole number from 1 to 10, found 98",
		`run.yaml:4:27: ops.fetch.config.modes[0]: expected one of fast, exact, found the text "slow"`,
		`run.yaml:4:33: ops.fetch.config.modes[1]: expected one of fast, exact, found the text "slow"`,
	}, lines(err))
}
