package execute

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// inPartition lets what follows be of a partition; empty for none.
func (w *world) inPartition(selection, key string) {
	w.opts = Options{Select: selection}
	if key != "" {
		w.opts.Tags = map[string]string{plan.TagPartition: key}
	}
}

func newest(t *testing.T, w *world, asset string) storage.Record {
	t.Helper()
	records, err := w.inst.Store().AssetRecords(t.Context(), asset, 1)
	require.NoError(t, err)
	require.NotEmpty(t, records)
	return records[0]
}

// More of Dagster's cases of assets, see docs/asset-cases.md.
func TestMoreAssetCases(t *testing.T) {
	t.Run("A11: a data version is that of the data", func(t *testing.T) { // Dagster: a digest of the code version and of the data versions of inputs
		w := newWorld(t)
		w.asset("one", nil, add(7))
		w.asset("two", []string{"one"}, func(in []int) int { return in[0] }).Version = "2"
		w.ok("")
		assert.Equal(t, dataOf(t, w.inst, "one"), dataOf(t, w.inst, "two"))
		w.ops[1].Version = "3"
		w.ok("")
		assert.Equal(t, dataOf(t, w.inst, "one"), dataOf(t, w.inst, "two"), "another code that gives the same")
	})
	t.Run("A19: other code makes each partition stale", func(t *testing.T) {
		w := newWorld(t)
		w.asset("a", nil, add(1)).Partitions = partition.Static("foo", "bar")
		for _, key := range []string{"foo", "bar"} {
			w.inPartition("", key)
			w.ok("")
		}
		w.code["a"] = "edited"
		for _, key := range []string{"foo", "bar"} {
			w.inPartition("", key)
			assert.Contains(t, standings(w.status("")), "=stale", key)
		}
		w.inPartition("", "foo")
		w.ok("")
		assert.Contains(t, standings(w.status("")), "=fresh")
		w.inPartition("", "bar")
		assert.Contains(t, standings(w.status("")), "=stale", "the other one waits")
	})
	t.Run("A33: nobody says what a step was made from but the engine", func(t *testing.T) { // Dagster: a tag of the output wins over the event that was read
		w := newWorld(t)
		w.asset("a", nil, add(1))
		op := w.asset("b", []string{"a"}, nil)
		op.Invoke = func(ctx context.Context, c *dag.Call) error {
			c.Out[0] = c.In[0]
			return dag.AddOutputMetadata(ctx, dag.Text("dagster/input_event_pointer/a", "500"), dag.Text("dagster/input_data_version/a", "foo"))
		}
		w.ok("")
		rec := newest(t, w, "b")
		require.Len(t, rec.Inputs, 1)
		assert.Equal(t, dataOf(t, w.inst, "a"), rec.Inputs[0].DataVersion.String())
		assert.Equal(t, "a=reuse b=reuse", actions(w.ok("")))
	})
	t.Run("A35: what only hands on is traced through", func(t *testing.T) { // Dagster: virtual assets, of which nothing is stored
		w := newWorld(t)
		root := 1
		w.source("s", func() (any, error) { return dag.DataVersion(fmt.Sprint(root)), nil })
		w.asset("table", nil, func([]int) int { return root }).Deps = []string{"s"}
		w.asset("other", nil, add(5))
		w.asset("left", []string{"table"}, func(in []int) int { return in[0] })
		w.asset("right", []string{"table"}, func(in []int) int { return -in[0] })
		w.asset("joined", []string{"left", "right"}, func(in []int) int { return in[0] * in[1] })
		w.asset("aside", []string{"other"}, func(in []int) int { return in[0] })
		w.ok("")
		root = 2
		st := w.status("")
		got := standings(st)
		for _, want := range []string{"table=stale", "left=fresh→stale", "right=fresh→stale", "joined=fresh→stale", "other=fresh", "aside=fresh"} {
			assert.Contains(t, strings.Fields(got), want, got)
		}
		require.Len(t, st.Roots, 1)
		assert.Equal(t, "s", st.Roots[0].Op, "the physical root")
		w.ok("")
		w.code["left"] = "edited"
		assert.Contains(t, strings.Fields(standings(w.status(""))), "left=stale")
		assert.Contains(t, strings.Fields(standings(w.status(""))), "right=fresh")
	})
	t.Run("I9: a partition key with dots", func(t *testing.T) {
		w := newWorld(t)
		op := w.asset("a", nil, nil)
		op.Partitions, op.Outputs[0].Type = partition.Static("0.0-to-1.0", "0.0-to-1.1", "../up"), textType
		op.Invoke = func(ctx context.Context, c *dag.Call) error {
			p, _ := dag.PartitionOf(ctx)
			c.Out[0] = "of " + string(p.Key)
			return nil
		}
		w.inPartition("", "*")
		w.ok("")
		var found []string
		require.NoError(t, filepath.WalkDir(filepath.Join(w.inst.Dir(), "assets"), func(path string, e os.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				found = append(found, string(text))
				assert.Equal(t, ".txt", filepath.Ext(path))
			}
			return err
		}))
		assert.ElementsMatch(t, []string{"of 0.0-to-1.0", "of 0.0-to-1.1", "of ../up"}, found, "a copy for each, and none outside")
	})
	t.Run("P7: an IO manager sees the partition", func(t *testing.T) {
		w := newWorld(t)
		shelf := newShelf()
		withShelf(w, memoShelf{shelf})
		days := partition.Static("mon", "tue")
		a := w.asset("a", nil, add(1))
		a.IO, a.Partitions = "shelf", days
		w.asset("b", []string{"a"}, add(0)).Partitions = days
		w.inPartition("", "mon,tue")
		w.ok("")
		var stored, taken []string
		for _, out := range shelf.outs {
			stored = append(stored, string(out.Partition))
		}
		for _, in := range shelf.ins {
			taken = append(taken, string(in.Upstream.Partition))
		}
		assert.ElementsMatch(t, []string{"mon", "tue"}, stored)
		assert.ElementsMatch(t, []string{"mon", "tue"}, taken)
	})
	t.Run("a source says versions of all its partitions in one call", func(t *testing.T) {
		w := newWorld(t)
		days := partition.Static("mon", "tue", "wed")
		said := dag.DataVersionsByPartition{"mon": "1", "tue": "1"}
		s := w.source("s", func() (any, error) { return dag.DataVersion("1"), nil })
		w.asset("a", nil, add(1)).Deps = []string{"s"}
		s.Partitions, s.Versions, w.ops[1].Partitions = days, true, days
		s.Invoke = func(ctx context.Context, c *dag.Call) error {
			w.called("s")
			_, in := dag.PartitionOf(ctx)
			assert.False(t, in, "it is asked for all")
			c.Out[0] = said
			return nil
		}
		w.inPartition("", "mon...tue")
		res := w.ok("")
		assert.Equal(t, "a=2 s=1", w.takeCalls())
		data := map[string]string{}
		for _, s := range res.Steps {
			data[s.Key] = s.Outputs[0].DataVersion.String()
		}
		assert.NotEqual(t, data["s[mon]"], data["s[tue]"], "each has data of its own, although both say 1")
		said = dag.DataVersionsByPartition{"mon": "1", "tue": "2"}
		assert.Equal(t, "s[mon]=reuse s[tue]=run a[mon]=reuse a[tue]=run", actions(w.ok("")))
		w.inPartition("", "wed")
		assert.ErrorContains(t, w.run("").Err(), "it gave no data version of this partition, of the 2 that it gave")
	})
	t.Run("a file that comes into a folder while a step reads it", func(t *testing.T) {
		w := newWorld(t)
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), []byte("1"), 0o600))
		come := func() {}
		s := w.source("s", func() (any, error) { return dag.OpenDir(dir) })
		s.Outputs[0].Type = dag.TypeOf[dag.Dir]("github.com/dagstergen/dagstergen/runtime/dag.Dir")
		op := w.asset("n", nil, nil)
		op.Inputs = []dag.Input{{Name: "s", Asset: "s", Type: s.Outputs[0].Type}}
		op.Invoke = func(_ context.Context, c *dag.Call) error {
			c.Out[0] = len(dag.In[dag.Dir](c, 0).Entries)
			come()
			return nil
		}
		come = func() { assert.NoError(t, os.WriteFile(filepath.Join(dir, "b"), []byte("2"), 0o600)) }
		w.run("")
		come = func() {}
		assert.Equal(t, "s=run n=run", actions(w.ok("")), "what was made from what changed is not taken for what is there now")
		assert.Equal(t, "s=reuse n=reuse", actions(w.ok("")))
		_, err := os.Stat(filepath.Join(dir, "b"))
		require.NoError(t, err)
	})
}

// Each row of the table of cases names tests that there are.
func TestAssetCasesAreTested(t *testing.T) {
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "asset-cases.md"))
	require.NoError(t, err)
	row := regexp.MustCompile("(?m)^\\| ([API][0-9]+(?:, [API][0-9]+)*) \\|.*\\|([^|]*)\\|$")
	named := regexp.MustCompile("`([a-z0-9/]+): ([^`]+)`")
	cases := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		for id := range strings.SplitSeq(m[1], ", ") {
			assert.False(t, cases[id], "%s stands there twice", id)
			cases[id] = true
		}
		tests := named.FindAllStringSubmatch(m[2], -1)
		if len(tests) == 0 {
			assert.Regexp(t, "^ none: ", m[2], m[1])
		}
		for _, n := range tests {
			dir, test, sub := filepath.Join(root, filepath.FromSlash(n[1])), "", ""
			test, sub, _ = strings.Cut(n[2], "/")
			if script, ok := strings.CutPrefix(n[2], "TestScripts/"); ok {
				_, err := os.Stat(filepath.Join(dir, "testdata", "script", script+".txtar"))
				assert.NoError(t, err, m[1])
				continue
			}
			found := false
			files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
			require.NoError(t, err)
			for _, f := range files {
				text, err := os.ReadFile(f)
				require.NoError(t, err)
				_, body, ok := strings.Cut(string(text), "\nfunc "+test+"(t *testing.T)")
				found = found || ok && (sub == "" || strings.Contains(body, `"`+sub+`"`))
			}
			assert.True(t, found, "%s: no test %s in %s", m[1], n[2], n[1])
		}
	}
	for _, id := range strings.Fields("A1 A3 A5 A7 A9 A11 A13 A15 A17 A18 A19 A21 A23 A25 A27 A29 A31 A33 A35 A37 A39 I1 I3 I5 I7 I9 P1 P3 P5 P7") {
		assert.True(t, cases[id], "%s is missing", id)
	}
}

// A blocking check that cannot be made because something else that it takes has failed lets nothing through.
func TestSkippedBlockingCheck(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	broken := true
	limits := w.asset("limits", nil, nil)
	limits.Invoke = func(_ context.Context, c *dag.Call) error {
		if c.Out[0] = 5; broken {
			return errBoom
		}
		return nil
	}
	check := w.asset("a:below", []string{"a", "limits"}, nil)
	check.Kind, check.Outputs = dag.KindCheck, []dag.Output{dag.CheckOutput}
	check.Check = &dag.CheckDef{Asset: "a", Name: "below", Severity: dag.CheckError, Blocking: true}
	check.Invoke = func(_ context.Context, c *dag.Call) error {
		return dag.GiveCheck(c, dag.CheckResult{Passed: dag.In[int](c, 0) < dag.In[int](c, 1)}, nil)
	}
	w.asset("b", []string{"a"}, add(1))
	w.asset("c", []string{"b"}, add(1))
	res := w.run("")
	require.Error(t, res.Err())
	status := map[string]string{}
	for _, s := range res.Steps {
		status[s.Key] = string(s.Status)
	}
	assert.Equal(t, map[string]string{"a": "success", "limits": "failure", "a:below": "skipped", "b": "skipped", "c": "skipped"}, status)
	broken = false
	w.ok("")
	assert.Equal(t, 2, w.value(w.ok(""), "b"))
}
