package dag

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHelpersOutsideARun(t *testing.T) {
	ctx := context.Background()
	assert.Same(t, slog.Default(), Log(ctx))
	assert.NoError(t, AddOutputMetadata(ctx, Int("rows", 1)))
	assert.NoError(t, AddMetadataTo(ctx, "train", Int("rows", 1)))
	_, ok := StepInfoFrom(ctx)
	assert.False(t, ok)
}

func TestHelpersInsideARun(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	var outputs []string
	var entries []MetadataEntry
	ctx := WithScope(context.Background(), &Scope{
		Info: StepInfo{RunID: "r", JobKey: "j", StepKey: "s"}, Log: logger,
		AddMetadata: func(output string, e []MetadataEntry) error {
			outputs, entries = append(outputs, output), append(entries, e...)
			return nil
		},
	})
	assert.Same(t, logger, Log(ctx))
	info, ok := StepInfoFrom(ctx)
	assert.True(t, ok)
	assert.Equal(t, StepInfo{RunID: "r", JobKey: "j", StepKey: "s"}, info)
	require.NoError(t, AddOutputMetadata(ctx, Int("rows", 1), Text("note", "n")))
	require.NoError(t, AddMetadataTo(ctx, "train", Bool("ok", true)))
	assert.Equal(t, []string{"", "train"}, outputs)
	assert.Equal(t, []MetadataEntry{Int("rows", 1), Text("note", "n"), Bool("ok", true)}, entries)
}

func TestMetadataEntries(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for _, c := range []struct {
		entry MetadataEntry
		kind  MetadataKind
		value string
	}{
		{Text("l", "a\"b"), "text", `"a\"b"`},
		{Int("l", math.MaxInt64), "int", "9223372036854775807"},
		{Float("l", 0.5), "float", "0.5"},
		{Float("l", math.NaN()), "text", `"NaN"`},
		{Float("l", math.Inf(-1)), "text", `"-Inf"`},
		{Bool("l", true), "bool", "true"},
		{URL("l", "https://example.com"), "url", `"https://example.com"`},
		{Path("l", "/a"), "path", `"/a"`},
		{Markdown("l", "| a |"), "md", `"| a |"`},
		{Timestamp("l", at), "timestamp", `"2026-01-02T03:04:05.000000006Z"`},
		{JSON("l", map[string]int{"a": 1}), "json", `{"a":1}`},
		{JSON("l", nil), "json", "null"},
	} {
		assert.Equal(t, "l", c.entry.Label)
		assert.Equal(t, c.kind, c.entry.Kind, c.value)
		assert.JSONEq(t, c.value, string(c.entry.Value))
	}
	broken := JSON("l", func() {})
	assert.Equal(t, MetadataText, broken.Kind)
	assert.True(t, json.Valid(broken.Value))
	assert.Contains(t, string(broken.Value), "unsupported type")
}

func TestOutputIdentifier(t *testing.T) {
	c := &OutputContext{RunID: "run", StepKey: "fit", Name: "result"}
	assert.Equal(t, []string{"run", "fit", "result"}, c.Identifier())
	c.Version = "sha256:0"
	assert.Equal(t, []string{"versioned_outputs", "sha256:0", "fit", "result"}, c.Identifier())
}

func TestCallValues(t *testing.T) {
	c := &Call{In: []any{1, nil}, Config: "c", Resources: []any{2.5}}
	assert.Equal(t, 1, In[int](c, 0))
	assert.Nil(t, In[error](c, 1), "a nil interface value is the zero value")
	assert.Equal(t, "c", ConfigOf[string](c))
	assert.Equal(t, 2.5, ResourceOf[float64](c, 0))
	assert.Zero(t, OutputAs[int](nil))
	assert.PanicsWithValue(t, "dagstergen: input 0 is a int, not a string; run dagstergen again", func() { In[string](c, 0) })
}

func TestSourceHashIsWhatTheGeneratorComputed(t *testing.T) {
	v, err := SourceHashVersionStrategy{}.OpVersion(OpVersionContext{CodeVersion: "sha256:1"})
	require.NoError(t, err)
	assert.Equal(t, "sha256:1", v)
	v, err = SourceHashVersionStrategy{}.ResourceVersion(ResourceVersionContext{CodeVersion: "sha256:2"})
	require.NoError(t, err)
	assert.Equal(t, "sha256:2", v)
}

func TestSources(t *testing.T) {
	_, ok := Sources("example.com/none")
	assert.False(t, ok)
	files := fstest.MapFS{"a.go": {}}
	assert.True(t, RegisterSources("example.com/some", files))
	got, ok := Sources("example.com/some")
	assert.True(t, ok)
	assert.Equal(t, files, got)
}

func TestKinds(t *testing.T) {
	assert.Equal(t, []string{"op", "asset", "source"}, []string{KindOp.String(), KindAsset.String(), KindSource.String()})
}
