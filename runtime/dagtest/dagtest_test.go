package dagtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/dagtest"
)

// body is what a test would call: it says and asks all there is.
func body(ctx context.Context) (dag.File, error) {
	key, _ := dag.MappingKeyOf(ctx)
	run, ok := dag.RunOf(ctx)
	dag.Log(ctx).With("who", "me").WithGroup("g").Info("asked", "run", dag.RunID(ctx), "job", run.Job, "in", ok, "key", key, "retry", dag.RetryNumber(ctx),
		slog.Group("tags", "step", dag.StepTags(ctx)["size"], "run", dag.RunTags(ctx)["team"]), "op", dag.OpOf(ctx).Key, "config", dag.RunConfig(ctx), "def", dag.JobOf(ctx).Key)
	dag.Log(ctx).Debug("small")
	if err := dag.AddOutputMetadata(ctx, dag.Int("rows", 1)); err != nil {
		return dag.File{}, err
	}
	if err := dag.AddMetadataTo(ctx, "train", dag.Int("rows", 2)); err != nil {
		return dag.File{}, err
	}
	if err := dag.AddOutputMetadata(ctx, dag.Int("rows", 3)); !errors.Is(err, dag.ErrMetadata) {
		return dag.File{}, fmt.Errorf("twice: %w", err)
	}
	if err := errors.Join(dag.SetDataVersion(ctx, "", "v1"), dag.SetDataVersion(ctx, "train", "v2")); err != nil {
		return dag.File{}, err
	}
	if err := dag.SetDataVersion(ctx, "train", "v3"); !errors.Is(err, dag.ErrDataVersion) {
		return dag.File{}, fmt.Errorf("twice: %w", err)
	}
	_ = dag.Expect(ctx, dag.Expectation{Label: "even"})
	return dag.WriteFile(ctx, "a.txt", func(w io.Writer) error { _, err := io.WriteString(w, "hello"); return err })
}

func TestContext(t *testing.T) {
	ctx, said := dagtest.Context(t, dagtest.Step{
		Job: "nightly", MappingKeys: []string{"a", "b"}, RetryNumber: 2, Tags: map[string]string{"size": "small"}, RunTags: map[string]string{"team": "data"},
		RunConfig: "ops: {}", Op: &dag.Op{Key: "fetch"},
	})
	f, err := body(ctx)
	require.NoError(t, err)
	assert.Equal(t, "a.txt", f.Name())
	assert.Equal(t, []dag.File{f}, said.Files())
	lines := said.Lines()
	require.Len(t, lines, 2)
	assert.Equal(t, "INFO asked", lines[0].String())
	assert.Equal(t, map[string]string{
		"who": "me", "g.run": "00000000-0000-7000-8000-000000000000", "g.job": "nightly", "g.in": "true", "g.key": "b", "g.retry": "2",
		"g.tags.step": "small", "g.tags.run": "data", "g.op": "fetch", "g.config": "ops: {}", "g.def": "nightly",
	}, lines[0].Attrs)
	assert.Equal(t, slog.LevelDebug, lines[1].Level)
	assert.Equal(t, []dag.MetadataEntry{dag.Int("rows", 1)}, said.Metadata(""))
	assert.Equal(t, []dag.MetadataEntry{dag.Int("rows", 2)}, said.Metadata("train"))
	assert.Equal(t, []dag.DataVersion{"v1", "v2"}, []dag.DataVersion{said.DataVersion(""), said.DataVersion("train")})
	assert.Equal(t, []dag.Expectation{{Label: "even"}}, said.Expectations())
}

type conn struct{ path string }

// failing notes what a test would be told.
type failing struct {
	*testing.T
	said []string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

type settings struct {
	Path string `json:"path"`
}

func TestResource(t *testing.T) {
	var order []string
	config := &dag.Config{
		Symbol: "m.Settings", Decode: dag.DecodeConfig[settings], Encode: dag.EncodeConfig[settings],
		Fields: []dag.Field{{Name: "path", Kind: dag.FieldString, Default: `"default.db"`}},
	}
	open := func(key string, makes func(c *dag.Call) any) func(context.Context, *dag.Call) (any, func(), error) {
		return func(_ context.Context, c *dag.Call) (any, func(), error) {
			order = append(order, "open "+key)
			return makes(c), func() { order = append(order, "close "+key) }, nil
		}
	}
	defs := dag.Definitions{Module: "m", Package: "m", Proof: dag.ProofNone, Manifest: emptyManifest, Resources: []*dag.Resource{
		{Key: "db", Symbol: "m.DB", Version: "1", Type: dag.TypeOf[*conn]("*m.conn"), Config: config, Open: open("db", func(c *dag.Call) any { return &conn{c.Config.(settings).Path} })},
		{Key: "upper", Symbol: "m.Upper", Version: "1", Type: dag.TypeOf[string]("string"), Resources: []dag.ResourceUse{{Name: "db", Key: "db"}},
			Open: open("upper", func(c *dag.Call) any { return strings.ToUpper(c.Resources[0].(*conn).path) })},
	}}
	t.Run("built and cleaned up", func(t *testing.T) {
		assert.Equal(t, "DEFAULT.DB", dagtest.Resource[string](t, defs, "upper", "", nil))
		assert.Equal(t, "X", dagtest.Resource[string](t, defs, "upper", "resources: {db: {config: {path: x}}}", nil))
		order = nil
		assert.Equal(t, "FAKE", dagtest.Resource[string](t, defs, "upper", "", map[string]any{"db": &conn{"fake"}}))
		assert.Equal(t, []string{"open upper"}, order)
		order = nil
	})
	assert.Equal(t, []string{"close upper", "close upper", "close db", "close upper", "close db"}, order)
	for _, c := range []struct{ key, config, want string }{
		{"dc", "", `no package defines a resource "dc"`},
		{"db", "resources: {db: {config: {pth: x}}}", `did you mean "path"`},
		{"db", "resources: [", "config:1"},
	} {
		f := &failing{T: t}
		dagtest.Resource[*conn](f, defs, c.key, c.config, nil)
		require.Len(t, f.said, 1)
		assert.Contains(t, f.said[0], c.want)
	}
	f := &failing{T: t}
	dagtest.Resource[int](f, defs, "db", "", nil)
	assert.Equal(t, []string{`resource "db" is a *dagtest_test.conn, and not a int`}, f.said)
}

func TestSelected(t *testing.T) {
	ctx, _ := dagtest.Context(t, dagtest.Step{Selected: []string{"b"}})
	assert.False(t, dag.Selected(ctx, "a"))
	assert.True(t, dag.Selected(ctx, "b"))
	op := &dag.Op{Kind: dag.KindAsset, Outputs: []dag.Output{{Name: "a", Asset: "x/a"}, {Name: "b", Asset: "x/b"}}}
	ctx, _ = dagtest.Context(t, dagtest.Step{Selected: []string{"b"}, Op: op})
	assert.Equal(t, []string{"b"}, dag.SelectedOutputs(ctx))
	assert.Equal(t, []string{"x/b"}, dag.SelectedAssets(ctx))
	ctx, _ = dagtest.Context(t, dagtest.Step{Op: op})
	assert.Equal(t, []string{"a", "b"}, dag.SelectedOutputs(ctx))
	assert.True(t, dag.Selected(t.Context(), "a"), "a plain call computes all")
	assert.Nil(t, dag.SelectedOutputs(t.Context()))
}

func TestAssetEvents(t *testing.T) {
	ctx, record := dagtest.Context(t, dagtest.Step{Op: &dag.Op{Kind: dag.KindAsset, Outputs: []dag.Output{{Name: "result", Asset: "own"}}}})
	said := dag.AssetEvent{Partition: "p", DataVersion: "v", Description: "d", Metadata: []dag.MetadataEntry{dag.Int("rows", 1)}}
	require.NoError(t, dag.LogMaterialization(ctx, "warehouse/orders", said))
	require.NoError(t, dag.LogObservation(ctx, "own", dag.AssetEvent{}))
	for _, key := range []string{"", "a\x00b", "\xff"} {
		require.ErrorIs(t, dag.LogObservation(ctx, key, dag.AssetEvent{}), dag.ErrAssetEvent)
	}
	err := dag.LogMaterialization(ctx, "own", said)
	require.ErrorIs(t, err, dag.ErrAssetEvent)
	assert.ErrorContains(t, err, "AddMetadataTo")
	assert.Equal(t, []dag.LoggedAsset{{AssetEvent: said, Asset: "warehouse/orders"}, {Asset: "own", Observed: true}}, record.Assets())
	assert.NoError(t, dag.LogMaterialization(t.Context(), "x", said), "a plain call records nothing")
}
