package cli

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A summary has other names in JSON than in Go.
type summary struct {
	City string  `json:"city"`
	Mean float64 `json:"mean"`
}

// wider is what summary was in another version of the code.
type wider struct {
	City  string
	Mean  float64
	Extra bool
}

// A drawer is an IO manager that keeps texts in files.
type drawer struct{ dir string }

func (d drawer) path(c *dag.OutputContext) string {
	return filepath.Join(d.dir, strings.ReplaceAll(strings.Join(c.Identifier(), "."), ":", "-"))
}

func (d drawer) HandleOutput(_ context.Context, out *dag.OutputContext, v any) error {
	return os.WriteFile(d.path(out), []byte(v.(string)), 0o600)
}

func (d drawer) LoadInput(_ context.Context, in *dag.InputContext) (any, error) {
	data, err := os.ReadFile(d.path(in.Upstream))
	return string(data), err
}

func (d drawer) HasOutput(_ context.Context, out *dag.OutputContext) (bool, error) {
	_, err := os.Stat(d.path(out))
	return err == nil, nil
}

// values is a pipeline with a value of each sort. $VERSION is the version of all its code, and part of each value; with $WIDE the type of a value is another one, and
// with $GONE one asset is not defined any more.
func values() dag.Definitions {
	v := os.Getenv("VERSION")
	asset := func(key string, t *dag.Type, make func(context.Context) (any, error)) *dag.Op {
		return &dag.Op{Kind: dag.KindAsset, Key: key, Symbol: "example.com/v." + key, Version: v, Outputs: []dag.Output{{Name: "result", Asset: key, Type: t}},
			Invoke: func(ctx context.Context, c *dag.Call) (err error) {
				c.Out[0], err = make(ctx)
				return err
			}}
	}
	constant := func(v any) func(context.Context) (any, error) {
		return func(context.Context) (any, error) { return v, nil }
	}
	table := asset("table", dag.TypeOf[[]summary]("[]example.com/v.summary"), constant([]summary{{"oslo <1>", 1.5}, {v, 2}}))
	if os.Getenv("WIDE") != "" {
		table = asset("table", dag.TypeOf[[]wider]("[]example.com/v.wider"), constant([]wider{}))
	}
	kept := asset("kept", dag.TypeOf[string]("string"), constant("kept "+v))
	kept.IO = "drawer"
	shelf := &dag.Resource{Key: "drawer", Symbol: "example.com/v.Open", Version: "1", Type: dag.TypeOf[drawer]("example.com/v.drawer"), Config: printingConfig,
		Open: func(_ context.Context, c *dag.Call) (any, func(), error) {
			return drawer{dag.ConfigOf[printing](c).Prefix}, nil, nil
		}}
	ops := []*dag.Op{
		{Kind: dag.KindAsset, Key: "alone", Symbol: "example.com/v.alone", Version: v, Invoke: func(context.Context, *dag.Call) error { return nil }},
		asset("blob", dag.TypeOf[[]byte]("[]byte"), constant([]byte("\xff\x00"+strings.Repeat(v, 100_000)))),
		kept,
		asset("odd", dag.TypeOf[[]float64]("[]float64"), constant([]float64{math.NaN(), 1})),
		asset("page", file, func(ctx context.Context) (any, error) {
			return dag.WriteFile(ctx, "page.txt", func(w io.Writer) error {
				_, err := io.WriteString(w, "page "+v+"\n")
				return err
			})
		}),
		table,
		asset("word", word, constant("word "+v)),
	}
	if os.Getenv("GONE") != "" {
		ops = ops[:6]
	}
	return dag.Definitions{Module: "example.com/v", Package: "example.com/v", Proof: dag.ProofNone, Ops: ops, Resources: []*dag.Resource{shelf},
		Manifest: (&manifest.Manifest{Mode: "transitive", Target: "linux/amd64", Language: "go1.26"}).Text()}
}

// A file is replaced as a whole or not at all, and nothing is left beside it.
func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.txt")
	put := func(text string, fail error) error {
		return replaceFile(path, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return errors.Join(err, fail)
		})
	}
	require.NoError(t, put("one", nil))
	require.NoError(t, put("two", nil))
	boom := errors.New("boom")
	require.ErrorIs(t, put("three", boom), boom)
	assert.Equal(t, exitFailure, codeOf(put("three", boom)), "what is not there to write is no failure of the disk")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "two", string(data))

	err = replaceFile(filepath.Join(dir, "none", "x"), func(io.Writer) error { return nil })
	assert.Equal(t, exitStore, codeOf(err))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	err = replaceFile(filepath.Join(dir, "folder"), func(io.Writer) error { return nil })
	assert.Equal(t, exitStore, codeOf(err))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 2)
}
