package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// labeled is a catalog of assets with everything that a selection can ask for:
//
//	raw -> clean -> daily -> report
//	          \--> weekly --/
//	alone, and (a key that is a word)
func labeled(t testing.TB) *Catalog {
	raw, clean, daily, weekly, report := source("raw"), asset("clean", "raw"), asset("daily", "clean"), asset("weekly", "clean"), asset("report", "daily", "weekly")
	alone, and := asset("alone"), asset("and")
	clean.Group, daily.Group, weekly.Group = "in", "stats", "stats"
	daily.Tags = map[string]string{"team": "red", "dagster/priority": "3"}
	weekly.Tags = map[string]string{"team": "blue"}
	report.Tags = map[string]string{"team": "red", "note": "two words"}
	report.Kinds, alone.Kinds = []string{"html", "page"}, []string{"csv"}
	report.Owners = []string{"ann@example.com"}
	return catalog(t, define(t, nil, []*dag.Op{raw, clean, daily, weekly, report, alone, and}))
}

// selected are the keys that a selection selects, sorted.
func selected(t testing.TB, c *Catalog, job, selection string) string {
	t.Helper()
	target, err := c.Target(job, selection)
	require.NoError(t, err, selection)
	var keys []string
	for _, i := range target.Selected {
		keys = append(keys, target.Graph.Nodes[i].Key)
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

func TestSelectionExpressions(t *testing.T) {
	c := labeled(t)
	for _, tt := range []struct{ selection, want string }{
		{"daily or weekly", "daily weekly"},
		{"daily, weekly or alone", "alone daily weekly"},
		{"*report and group:stats", "daily weekly"},
		{"*report and not group:stats", "clean raw report"},
		{"not *report", "alone and"},
		{"not not daily", "daily"},
		{"NOT (daily OR weekly) AND clean*", "clean report"},
		{"alone or daily and weekly*", "alone"}, // and binds closer
		{"(alone or daily) and daily*", "daily"},
		{"tag:team", "daily report weekly"},
		{"tag:team=red", "daily report"},
		{"tag:dagster/priority=3", "daily"},
		{`tag:note="two words"`, "report"},
		{`tag:"note"="two words"`, "report"},
		{"group:stats", "daily weekly"},
		{"+group:stats", "clean daily weekly"},
		{"group:stats*", "daily report weekly"},
		{"*tag:team=blue+", "clean raw report weekly"},
		{"kind:html, kind:csv", "alone report"},
		{"owner:ann@example.com", "report"},
		{"+(daily and tag:team=red)", "clean daily"},
		{"(daily or weekly)+", "daily report weekly"},
		{"*( daily )*", "clean daily raw report"},
		{"((daily))", "daily"},
		{"* and not alone", "and clean daily raw report weekly"},
		{"*,daily", "alone and clean daily raw report weekly"},
		{`"and"`, "and"},
		{`"and" or "daily"+`, "and daily report"},
		{"\tdaily\n", "daily"},
		{"clean+ and +report", "daily weekly"},
	} {
		assert.Equal(t, tt.want, selected(t, c, "", tt.selection), tt.selection)
	}
}

func TestSelectionMistakes(t *testing.T) {
	c := labeled(t)
	for _, tt := range []struct{ selection, want string }{
		{"dayly*", `selection "dayly*" matches nothing: no asset "dayly"; did you mean "daily"?`},
		{"*weekly and +dialy", `selection "+dialy" matches nothing: no asset "dialy"; did you mean "daily"?`},
		{"tag:tema", `selection "tag:tema" matches nothing: no asset with the tag "tema"; did you mean "team"?`},
		{"+tag:team=rad", `selection "+tag:team=rad" matches nothing: no asset with the tag "team=rad"; did you mean "team=red"?`},
		{"group:stat", `selection "group:stat" matches nothing: no asset with the group "stat"; did you mean "stats"?`},
		{"kind:nothing_like_it", `selection "kind:nothing_like_it" matches nothing: no asset with the kind "nothing_like_it"`},
		{"tga:team", `selection "tga:team", column 1: there is no "tga:"; did you mean "tag"?; write a key, tag:, group:, kind:, owner:, check: or key:`},
		{"daily and not daily", `selection "daily and not daily" selects nothing: no asset is left`},
		{"not *", `selection "not *" selects nothing: no asset is left`},
		{"daily and", `selection "daily and", column 10: a clause is empty; separate keys with one comma`},
		{"and daily", `selection "and daily", column 1: "and" stands where a key should; write "and" for a key of that name`},
		{"daily weekly", `selection "daily weekly", column 7: and, or, or a comma is missing in front of "weekly"`},
		{"(daily", `selection "(daily", column 1: the parenthesis is not closed`},
		{"daily)", `selection "daily)", column 6: a closing parenthesis has no opening one`},
		{"()", `selection "()", column 2: a key is missing in front of ")"`},
		{"daily,,weekly", `selection "daily,,weekly", column 7: a clause is empty; separate keys with one comma`},
		{",daily", `selection ",daily", column 1: a clause is empty; separate keys with one comma`},
		{"++", `selection "++", column 1: a clause is empty; separate keys with one comma`},
		{"**", `selection "**", column 1: a clause is empty; separate keys with one comma`},
		{"da*ly", `selection "da*ly", column 4: and, or, or a comma is missing in front of "ly"`},
		{"+*daily", `selection "+*daily", column 1: a key is missing in front of "+*daily"`},
		{"tag:", `selection "tag:", column 5: tag: has no name behind it`},
		{`"daily`, `selection "\"daily", column 1: a quote is not closed`},
		{"not", `selection "not", column 4: a clause is empty; separate keys with one comma`},
		{"日本 x", `selection "日本 x", column 4: and, or, or a comma is missing in front of "x"`},
		{"(" + strings.Repeat("(", 600), "it is nested more than 500 deep"},
	} {
		_, err := c.Target("", tt.selection)
		require.ErrorContains(t, err, tt.want, tt.selection)
		var e *Error
		require.ErrorAs(t, err, &e)
	}
	_, err := c.Target("", "one, tag:two or (three and group:four)")
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Len(t, e.Problems, 4, "all that matches nothing, at once")
}

func TestSelectionOfAJob(t *testing.T) {
	red := &dag.Op{Key: "red", Symbol: pkg + ".red", Tags: map[string]string{"team": "red"}}
	last := &dag.Op{Key: "last", Symbol: pkg + ".last"}
	d := define(t, nil, []*dag.Op{red, last})
	d.Jobs = []*dag.JobDef{{GraphDef: dag.GraphDef{Key: "j", Symbol: pkg + ".J", Nodes: []dag.Node{
		{Key: "red", Op: red}, {Key: "red_2", Op: red, After: []int{0}}, {Key: "last", Op: last, After: []int{1}},
	}}}}
	c := catalog(t, d)
	assert.Equal(t, "red red_2", selected(t, c, "j", "tag:team=red"))
	assert.Equal(t, "last", selected(t, c, "j", "not tag:team"))
	_, err := c.Target("j", "group:x")
	require.EqualError(t, err, `selection "group:x" matches nothing: job j has no step with the group "x"; no step has any`)
	_, err = c.Target("j", "lst")
	require.EqualError(t, err, `selection "lst" matches nothing: job j has no step "lst"; did you mean "last"?`)
}

func TestClause(t *testing.T) {
	for key, want := range map[string]string{
		"daily": "daily", "outer.inner": "outer.inner", "and": `"and"`, "Or": `"Or"`, "not": `"not"`, "a b": `"a b"`, "a*": `"a*"`, "+a": `"+a"`, "": `""`,
		`a"b\`: `"a\"b\\"`, "tag:x": `"tag:x"`, "(a)": `"(a)"`, "a,b": `"a,b"`, "*": `"*"`,
	} {
		assert.Equal(t, want, Clause(key))
		e, err := parseSelection(Clause(key))
		require.Nil(t, err)
		assert.Equal(t, exprKey, e.kind)
		assert.Equal(t, key, e.text)
	}
}

func FuzzSelection(f *testing.F) {
	for _, s := range []string{
		"*", "a", "+a+", "*a*", "a,b", "++", "**", ",", "a**", " a , b ", "+*a", "\x00", "clean and not daily", "(daily or weekly)+", "not not a", "tag:team=red*", `"and"`,
		`tag:"note"="two words"`, "group:stats and (", "not", "日本", "a)(", `"\`, "owner:ann@example.com, kind:csv", "*(*)*", "+(+daily)",
	} {
		f.Add(s)
	}
	c := labeled(f)
	f.Fuzz(func(t *testing.T, selection string) {
		target, err := c.Target("", selection)
		if err != nil {
			var e *Error
			require.ErrorAs(t, err, &e)
			require.NotEmpty(t, e.Problems)
			return
		}
		require.NotEmpty(t, target.Selected, "a selection that selects nothing must be an error")
		// What the operators mean does not depend on what they are applied to.
		if strings.TrimSpace(selection) == "" {
			selection = "*"
		}
		whole := "(" + selection + ")"
		want := selected(t, c, "", selection)
		for _, same := range []string{selection, whole, "not not " + whole, whole + " and " + whole, whole + "," + whole, whole + " and *", "not (not " + whole + ")"} {
			require.Equal(t, want, selected(t, c, "", same), same)
		}
		rest, err := c.Target("", "not "+whole)
		if err != nil {
			require.ErrorContains(t, err, "selects nothing")
			require.Len(t, target.Selected, len(target.Graph.Nodes))
			return
		}
		require.Len(t, target.Graph.Nodes, len(target.Selected)+len(rest.Selected))
		require.Equal(t, selected(t, c, "", "*"), selected(t, c, "", whole+" or not "+whole))
		below := selected(t, c, "", whole+"*")
		require.Equal(t, below, selected(t, c, "", "("+whole+"*)*"), "all that is below has nothing more below")
	})
}

func FuzzClause(f *testing.F) {
	for _, s := range []string{"a", "and", `"`, "a b", "\\", "*", "", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, key string) {
		e, err := parseSelection(Clause(key))
		require.Nil(t, err)
		require.Equal(t, exprKey, e.kind)
		require.Equal(t, key, e.text)
	})
}
