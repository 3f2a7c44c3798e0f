package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/bench"
)

// The test program is the program of the floors, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "floor" || os.Args[1] == "add" || os.Args[1] == "digest") {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var everyWork = flag.Bool("works", false, "let TestWithoutPython do every work, and not only the one that has all phases: minutes, most of them spent building programs")

// testDriver measures with the smallest sizes.
func testDriver(t *testing.T) *driver {
	d, err := newDriver(true, "python3", "")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(d.root)) })
	d.checkout, d.rounds, d.limit, d.budget, d.log = checkout(t), 2, 5*time.Minute, time.Hour, t.Output()
	return d
}

func checkout(t *testing.T) string {
	t.Helper()
	t.Chdir("../..")
	dir, err := os.Getwd()
	require.NoError(t, err)
	return dir
}

// What needs no Python: our column and the floors do the work that has all phases (or, with -works, every one), and all answers are right.
func TestWithoutPython(t *testing.T) {
	list := works(sizes{steps: 5, elements: 7, parts: 2, mib: 1, partitions: 10})
	row, second := "b", "c2"
	if *everyWork {
		row, second = "a", "c1"
	} else {
		list = slices.DeleteFunc(list, func(w work) bool { return w.key != "wide" })
	}
	all := append(systems()[:2], systems()[9:]...)
	require.Equal(t, []string{"dagstergen", "dagstergen, multiprocess", "plain Go", "SQLite commits", "files and SHA-256", "fork+exec"}, names(all))
	d := testDriver(t)
	d.rounds = 1
	require.NoError(t, d.measure(t.Context(), all, list))
	require.Len(t, d.m.Cells, len(d.m.Rows)*len(all), "every place has a figure or a reason")
	for _, row := range d.m.Rows {
		c := d.m.Cell(row.Key, bench.Ours)
		require.NotNil(t, c, row.Key)
		assert.Len(t, c.Samples, 1, row.Key)
		for i, s := range c.Samples {
			assert.Equal(t, i, s.Round)
			assert.Positive(t, s.Whole)
			assert.GreaterOrEqual(t, s.Whole, s.Seconds, "%s: a part is no longer than the whole", row.Key)
			assert.Positive(t, s.PeakKB)
		}
	}
	assert.Len(t, d.m.Cell(row, "SQLite commits").Samples, 1)
	assert.Contains(t, d.m.Cell(second, "plain Go").Reason, "keeps nothing")
	data, err := d.m.JSON()
	require.NoError(t, err)
	_, err = bench.Parse(data)
	require.NoError(t, err)
}

// A system that gives another answer, or calls what it should have reused, has no figure.
func TestWrongAnswers(t *testing.T) {
	says := func(name, line string) system {
		s := system{name: name, cannot: func(work, string) string { return "" }}
		s.install, s.prepare = systems()[9].install, systems()[9].prepare
		s.command = func(*driver, work, string, string) command {
			return command{args: []string{"sh", "-c", "echo noise; " + line}}
		}
		return s
	}
	d := testDriver(t)
	list := works(sizes{steps: 5, elements: 3, parts: 1, mib: 1})[:1]
	require.NoError(t, d.measure(t.Context(), []system{
		says("right", `echo '{"seconds": 1, "answer": "5", "ran": -1}'`),
		says("wrong", `echo '{"seconds": 1, "answer": "6", "ran": 5}'`),
		says("forgetful", `echo '{"seconds": 1, "answer": "5", "ran": 5}'`),
		says("broken", `echo oh >&2; exit 3`),
		says("silent", `echo nothing`),
	}, list))
	assert.Len(t, d.m.Cell("a", "right").Samples, 2)
	assert.Len(t, d.m.Cell("c1", "right").Samples, 2)
	for row, reasons := range map[string]map[string]string{
		"a":  {"wrong": `wrong answer "6" instead of "5"`, "broken": "oh", "silent": "no report"},
		"c1": {"forgetful": "called 5 functions where 0 were to be called"},
	} {
		for system, reason := range reasons {
			assert.Contains(t, d.m.Cell(row, system).Reason, reason)
			assert.Empty(t, d.m.Cell(row, system).Samples)
		}
	}
}

// A process that goes on for too long is ended, and those that it started with it.
func TestLimit(t *testing.T) {
	begun := time.Now()
	_, _, err := command{args: []string{"sh", "-c", "sleep 1000; echo"}}.run(t.Context(), 50*time.Millisecond)
	require.ErrorIs(t, err, errLimit)
	assert.Less(t, time.Since(begun), 500*time.Second)

	d := testDriver(t)
	d.limit = 5 * time.Minute
	slow := system{name: "slow", command: func(*driver, work, string, string) command { return command{args: []string{"slow"}} }}
	list := works(quick)
	chain, partitions := list[0], list[3]
	d.failed(slow, chain, 0, err)
	assert.Equal(t, &bench.Cell{Row: "a", System: "slow", Reason: "not done after 5m0s", Over: 300}, d.m.Cell("a", "slow"), "it took at least that")
	d.failed(slow, partitions, 0, err)
	assert.Equal(t, &bench.Cell{Row: "f", System: "slow", Reason: "what it is about was not stored after 5m0s"}, d.m.Cell("f", "slow"), "that says nothing of the row")
	_, _, err = command{args: []string{"sh", "-c", "echo /some/path >&2; echo too deep >&2; exit 3"}}.run(t.Context(), time.Minute)
	require.ErrorContains(t, err, "exit status 3: /some/path | too deep")
	d.failed(slow, chain, 1, err)
	assert.Equal(t, &bench.Cell{Row: "c1", System: "slow", Reason: "it failed: too deep"}, d.m.Cell("c1", "slow"), "paths are for the log")
}

// What has no place for the figures is said before anything is measured.
func TestPage(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	require.ErrorContains(t, run([]string{"-systems", "no system", "-page", page}), "no such file")
	require.NoError(t, os.WriteFile(page, []byte("nothing\n"), 0o600))
	require.ErrorContains(t, run([]string{"-systems", "no system", "-page", page}), page+": the page has no lines")
	require.NoError(t, os.WriteFile(page, []byte(bench.Begin+bench.End), 0o600))
	require.ErrorContains(t, run([]string{"-systems", "no system", "-page", page}), "nothing is left to measure")
}

func TestChosen(t *testing.T) {
	list, all, err := chosen(true, "chain|wide", "^redun$")
	require.NoError(t, err)
	assert.Equal(t, []string{"redun"}, names(all))
	require.Len(t, list, 2)
	assert.Equal(t, 20, list[0].size)
	list, _, err = chosen(false, "", "")
	require.NoError(t, err)
	assert.Equal(t, 1000, list[0].size)
	for _, bad := range [][2]string{{"(", ""}, {"", "("}, {"nothing", ""}} {
		_, _, err := chosen(true, bad[0], bad[1])
		require.Error(t, err)
	}
}

// The functions of the peers are those that we run: the same work, edited in the same place.
func TestSources(t *testing.T) {
	for _, w := range works(sizes{steps: 4, elements: 4, parts: 1, mib: 1}) {
		assert.Contains(t, w.goSource(0), "func main()", w.key)
		if w.key == "wide" {
			assert.NotEqual(t, w.goSource(0), w.goSource(1))
			assert.Contains(t, w.goSource(3), "return 2 + 4")
			assert.Contains(t, w.pythonSource(3), "def s00002(x):\n    count()\n    return x + 4")
			assert.Equal(t, "13", w.answer(3))
			continue
		}
		if w.key == "partitions" {
			assert.Contains(t, w.goSource(3), "group=last\nfunc S00003(s00002 int) int { return s00002 + 4 }", "the last of those that are made from each other")
			assert.Contains(t, w.pythonSource(3), "edited = 3\nedit = 3\n")
			continue
		}
		assert.Equal(t, w.goSource(0), w.goSource(1), w.key)
		assert.Equal(t, w.pythonSource(0), w.pythonSource(1), w.key)
	}
}

// What is known of partitions before they are asked about: of 25 assets in layers of ten, with 20 partitions each, the last of each pile lacks two.
func TestStanding(t *testing.T) {
	w := work{key: "partitions", size: 25, keys: 20}
	assert.Equal(t, 19, w.editedStep())
	assert.Equal(t, "fresh 494, stale 0, missing 6", w.standing(again))
	assert.Equal(t, "fresh 476, stale 18, missing 6", w.standing(edited))
}

// What Python compiled before an edit is not there after it.
func TestPythonFiles(t *testing.T) {
	dir := t.TempDir()
	compiled := filepath.Join(dir, "__pycache__", "steps.pyc")
	require.NoError(t, os.Mkdir(filepath.Dir(compiled), 0o755))
	require.NoError(t, os.WriteFile(compiled, nil, 0o644))
	w := works(quick)[1]
	require.NoError(t, new(driver).pythonFiles(dir, w, 7))
	assert.NoFileExists(t, compiled)
	text, err := os.ReadFile(filepath.Join(dir, "steps.py"))
	require.NoError(t, err)
	assert.Equal(t, w.pythonSource(7), string(text))
	assert.FileExists(t, filepath.Join(dir, "peer.py"))
}

// Every place that is empty from the start says why.
func TestReasons(t *testing.T) {
	for _, s := range systems() {
		for _, w := range works(quick) {
			for _, p := range w.phases {
				if reason := s.cannot(w, p.name); reason != "" {
					assert.NotContains(t, reason, "\n")
					assert.False(t, strings.HasSuffix(reason, "."), reason)
				}
			}
			if s.cannot(w, again) == "" && w.key != "start" {
				assert.Empty(t, s.cannot(w, first), "%s, %s: what is not there once is not there again", s.name, w.key)
			}
		}
	}
}

// A run that was interrupted goes on where it was: what it measured is not done again, and what is left out now stays.
func TestResume(t *testing.T) {
	d := testDriver(t)
	called := filepath.Join(t.TempDir(), "called")
	says := func(name, version string) system {
		s := system{name: name, cannot: func(work, string) string { return "" }, prepare: systems()[9].prepare}
		s.install = func(context.Context, *driver) (string, error) { return version, nil }
		s.command = func(_ *driver, _ work, phase, _ string) command {
			return command{args: []string{"sh", "-c", "echo " + name + " " + phase + " >> " + called + `; test ` + name + ` != b || exit 3; echo '{"seconds": 1, "answer": "5", "ran": -1}'`}}
		}
		return s
	}
	list := works(sizes{steps: 5, elements: 3, parts: 1, mib: 1})[:1]
	d.rounds, d.saved = 1, filepath.Join(t.TempDir(), "m.json")
	require.NoError(t, d.resume(d.saved), "there is nothing yet")
	require.NoError(t, d.measure(t.Context(), []system{says("a", "1"), says("b", "")}, list))
	assert.FileExists(t, d.saved)
	count := func() map[string]int {
		text, err := os.ReadFile(called)
		require.NoError(t, err)
		n := map[string]int{}
		for line := range strings.Lines(string(text)) {
			n[strings.TrimSpace(line)]++
		}
		return n
	}
	assert.Equal(t, map[string]int{"a first": 1, "a again": 1, "b first": 1}, count())

	next := testDriver(t)
	next.rounds, next.saved = 2, d.saved
	require.NoError(t, next.resume(d.saved))
	require.NoError(t, next.measure(t.Context(), []system{says("a", "1"), says("c", "")}, list))
	assert.Equal(t, map[string]int{"a first": 2, "a again": 2, "b first": 1, "c first": 2, "c again": 2}, count())
	assert.Equal(t, []string{"a", "b", "c"}, slices.Sorted(slices.Values(next.m.Systems)))
	assert.Len(t, next.m.Cell("a", "a").Samples, 2)
	assert.Contains(t, next.m.Cell("a", "b").Reason, "it failed")

	other := testDriver(t)
	require.NoError(t, other.resume(d.saved))
	require.ErrorContains(t, other.measure(t.Context(), []system{says("a", "2")}, list), `a was measured as "1" and is "2" now`)
	other.m.Quick = false
	require.ErrorContains(t, other.resume(d.saved), "other sizes")
}
