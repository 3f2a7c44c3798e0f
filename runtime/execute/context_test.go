package execute

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func TestMetadata(t *testing.T) {
	w := newWorld(t)
	a := w.asset("a", nil, nil)
	var later context.Context
	a.Invoke = func(ctx context.Context, c *dag.Call) error {
		later = ctx
		require.NoError(t, dag.AddOutputMetadata(ctx, dag.Int("rows", 3), dag.Markdown("preview", "|a|")))
		require.NoError(t, dag.AddMetadataTo(ctx, "result", dag.Text("unit", "C")))
		assert.EqualError(t, dag.AddOutputMetadata(ctx, dag.Int("rows", 4)), `output metadata: label "rows" is used twice for output result of step a`)
		assert.EqualError(t, dag.AddMetadataTo(ctx, "rslt", dag.Int("x", 4)), `output metadata: step a has no output "rslt", it has result`)
		c.Out[0] = 1
		return nil
	}
	b := w.asset("b", nil, nil)
	b.Outputs = []dag.Output{{Name: "x", Asset: "x", Type: intType}, {Name: "y", Asset: "y", Type: intType}}
	b.Invoke = func(ctx context.Context, c *dag.Call) error {
		assert.EqualError(t, dag.AddOutputMetadata(ctx, dag.Int("rows", 4)), "output metadata: step b has several outputs; name one of x, y with AddMetadataTo")
		require.NoError(t, dag.AddMetadataTo(ctx, "x", dag.Int("rows", 1)))
		require.NoError(t, dag.AddMetadataTo(ctx, "y", dag.Int("rows", 2)), "a label may be used once for each output")
		c.Out[0], c.Out[1] = 1, 2
		return nil
	}
	c := w.asset("c", nil, nil)
	c.Outputs = nil
	c.Invoke = func(ctx context.Context, _ *dag.Call) error {
		assert.ErrorIs(t, dag.AddOutputMetadata(ctx, dag.Int("rows", 4)), dag.ErrMetadata)
		return nil
	}
	want := []dag.MetadataEntry{dag.Int("rows", 3), dag.Markdown("preview", "|a|"), dag.Text("unit", "C")}
	res := w.ok("")
	assert.Equal(t, want, res.Step("a").Outputs[0].Metadata)
	assert.Equal(t, []dag.MetadataEntry{dag.Int("rows", 2)}, res.Step("b").Outputs[1].Metadata)
	require.ErrorContains(t, dag.AddOutputMetadata(later, dag.Int("late", 1)), "step a has ended")
	res = w.ok("")
	assert.Equal(t, ActionReuse, res.Step("a").Action)
	assert.Equal(t, want, res.Step("a").Outputs[0].Metadata, "it survives reuse")
	js, err := json.Marshal(res)
	require.NoError(t, err)
	assert.Contains(t, string(js), `{"label":"rows","kind":"int","value":3}`)
}

func TestLogLines(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, nil).Invoke = func(ctx context.Context, c *dag.Call) error {
		log := dag.Log(ctx)
		log.Info("reading", "rows", 3, "secret", dag.NewSecret("hunter2"), "err", errBoom)
		log.With("city", "oslo").WithGroup("w").With("unit", "C").Warn("warm", "t", 21.5)
		log.Debug("noise")
		info, ok := dag.StepInfoFrom(ctx)
		assert.True(t, ok)
		assert.Equal(t, "a", info.StepKey)
		c.Out[0] = 1
		return nil
	}
	var console bytes.Buffer
	w.opts.Console = slog.NewTextHandler(&console, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	res := w.ok("")
	events, err := res.EventsOf(t.Context(), "a")
	require.NoError(t, err)
	var lines []storage.Event
	for _, e := range events {
		if e.Type == storage.EventLog {
			lines = append(lines, e)
		}
	}
	require.Len(t, lines, 2)
	assert.Equal(t, "reading", lines[0].Message)
	assert.Equal(t, "INFO", lines[0].Level)
	assert.JSONEq(t, `{"attrs":{"rows":3,"secret":"***","err":"boom"}}`, string(lines[0].Data))
	assert.Equal(t, "WARN", lines[1].Level)
	assert.JSONEq(t, `{"attrs":{"city":"oslo","w":{"unit":"C","t":21.5}}}`, string(lines[1].Data))
	assert.Equal(t, "level=INFO msg=reading rows=3 secret=*** err=boom step=a\nlevel=WARN msg=warm step=a city=oslo w.unit=C w.t=21.5\n", console.String())
}

func TestOutputsThatAreFiles(t *testing.T) {
	w := newWorld(t)
	chart := w.asset("chart", nil, nil)
	chart.Outputs[0].Type = fileType
	text := "<svg/>"
	chart.Invoke = func(ctx context.Context, c *dag.Call) (err error) {
		w.called("chart")
		c.Out[0], err = dag.WriteFile(ctx, "chart.svg", func(out io.Writer) error { _, err := io.WriteString(out, text); return err })
		return err
	}
	reader := w.asset("reader", nil, nil)
	reader.Inputs = []dag.Input{{Name: "chart", Asset: "chart", Type: fileType}}
	reader.Invoke = func(_ context.Context, c *dag.Call) error {
		w.called("reader")
		f := dag.In[dag.File](c, 0)
		assert.Equal(t, "chart.svg", f.Name())
		assert.Equal(t, ".svg", filepath.Ext(f.Path()))
		r, err := f.Open()
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		c.Out[0] = len(b)
		return nil
	}
	res := w.ok("")
	assert.Equal(t, 6, w.value(res, "reader"))
	path := res.Step("chart").Outputs[0].File
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, text, string(b))
	f, err := Value(res, dag.AssetRef[dag.File]{Key: "chart"})
	require.NoError(t, err)
	assert.Equal(t, "chart.svg", f.Name())

	res = w.ok("")
	assert.Equal(t, "chart=reuse reader=reuse", actions(res))
	assert.Equal(t, path, res.Step("chart").Outputs[0].File, "a reused file can be opened too")
	w.code["reader"] = "edited"
	assert.Equal(t, "chart=reuse reader=run", actions(w.ok("")))

	chart.Invoke = func(ctx context.Context, c *dag.Call) (err error) {
		_, err = dag.WriteFile(ctx, "../chart.svg", func(io.Writer) error { return nil })
		return err
	}
	w.code["chart"] = "edited"
	assert.ErrorContains(t, w.run("").Err(), `file name "../chart.svg"`)

	t.Run("of a job", func(t *testing.T) {
		w := newWorld(t)
		chart := w.op("chart", nil, nil)
		chart.Outputs[0].Type = fileType
		chart.Invoke = func(ctx context.Context, c *dag.Call) (err error) {
			c.Out[0], err = dag.WriteFile(ctx, "chart.svg", func(out io.Writer) error { _, err := io.WriteString(out, text); return err })
			return err
		}
		w.job("nightly", []dag.Node{{Key: "chart", Op: chart}}, 0)
		path := w.ok("nightly").Step("chart").Outputs[0].File
		assert.Equal(t, filepath.Join(w.inst.Dir(), "assets", "nightly.chart", "chart.svg"), path, "apart from those of assets")
		assert.FileExists(t, path)
	})

	t.Run("in memory", func(t *testing.T) {
		chart.Invoke = func(ctx context.Context, c *dag.Call) (err error) {
			c.Out[0], err = dag.WriteFile(ctx, "chart.svg", func(out io.Writer) error { _, err := io.WriteString(out, text); return err })
			return err
		}
		res, err := MaterializeToMemory(t.Context(), w.definitions())
		require.NoError(t, err)
		f, err := Value(res, dag.AssetRef[dag.File]{Key: "chart"})
		require.NoError(t, err)
		b, err := os.ReadFile(f.Path())
		require.NoError(t, err)
		assert.Equal(t, text, string(b))
		require.NoError(t, res.Close())
		assert.NoFileExists(t, f.Path())
		require.NoError(t, res.Close(), "twice is harmless")
	})
}

// The log of a run has the same shape wherever it is kept.
func TestEventsOfARun(t *testing.T) {
	logs := map[string][]storage.Event{}
	for _, where := range []string{"on disk", "in memory"} {
		w := newWorld(t)
		w.opts.Executor = InProcessExecutor
		w.source("s", func() (any, error) { return dag.DataVersion("1"), nil })
		w.asset("a", nil, add(1)).Deps = []string{"s"}
		w.asset("b", []string{"a"}, add(1))
		o := w.options()
		if where == "in memory" {
			o.Instance = nil
		}
		res, err := Run(t.Context(), w.catalog(), "", o)
		require.NoError(t, err)
		events, err := res.Events(t.Context())
		require.NoError(t, err)
		logs[where] = events
		var got []string
		for i, e := range events {
			assert.Equal(t, int64(i+1), e.Seq)
			assert.Equal(t, res.RunID, e.RunID)
			assert.False(t, e.Time.IsZero())
			if len(e.Data) > 0 {
				assert.True(t, json.Valid(e.Data), "%s", e.Data)
			}
			got = append(got, strings.TrimSpace(string(e.Type)+" "+e.StepKey))
		}
		assert.Equal(t, []string{
			"RUN_START", "ASSET_OBSERVATION s", "ASSET_MATERIALIZATION_PLANNED a", "ASSET_MATERIALIZATION_PLANNED b",
			"STEP_START a", "STEP_OUTPUT a", "HANDLED_OUTPUT a", "ASSET_MATERIALIZATION a", "STEP_SUCCESS a",
			"STEP_START b", "STEP_INPUT b", "STEP_OUTPUT b", "HANDLED_OUTPUT b", "ASSET_MATERIALIZATION b", "STEP_SUCCESS b",
			"RUN_SUCCESS",
		}, got, where)
		var out struct {
			Output, Version, Type string
			DataVersion           string `json:"data_version"`
		}
		require.NoError(t, json.Unmarshal(events[5].Data, &out))
		assert.Equal(t, "result", out.Output)
		assert.Equal(t, res.Step("a").Outputs[0].Version.String(), out.Version, "the version stands on STEP_OUTPUT")
		assert.Equal(t, res.Step("a").Outputs[0].DataVersion.String(), out.DataVersion)
		require.NoError(t, res.Close())
	}
	for i, e := range logs["on disk"] {
		if e.Type == storage.EventStepSuccess || e.Type == storage.EventRunSuccess { // they have durations
			continue
		}
		assert.Equal(t, string(e.Data), string(logs["in memory"][i].Data), "%s %s", e.Type, e.StepKey)
	}
}

func TestReusedStepsAreOneEvent(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	w.asset("b", []string{"a"}, add(1))
	w.ok("")
	res := w.ok("")
	events, err := res.Events(t.Context())
	require.NoError(t, err)
	require.Len(t, events, 3)
	assert.Equal(t, storage.EventEngine, events[1].Type)
	assert.Equal(t, "reused 2 of 2 steps", events[1].Message)
	assert.JSONEq(t, `{"reused":["a","b"],"records":[1,2]}`, string(events[1].Data), "with what stands for them")
}

func TestJSONStrings(t *testing.T) {
	for _, s := range []string{"", "plain", `quo"te`, `back\slash`, "new\nline", "ünï", "\xff", "\u2028", "\x7f", strings.Repeat("x", 1000)} {
		o := newObject(nil)
		o.str("k", s)
		o.list("l", []string{s, s})
		var back map[string]any
		require.NoError(t, json.Unmarshal(o.end(), &back))
		want := strings.ToValidUTF8(s, "\ufffd")
		assert.Equal(t, want, back["k"])
		assert.Equal(t, []any{want, want}, back["l"])
	}
}
