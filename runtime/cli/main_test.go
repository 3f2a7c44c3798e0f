package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/internal/scripttest"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// The program of the scripts is this test binary under the name shop: a pipeline as dagstergen would generate it, made by hand.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"shop":    func() { Main(shop()) },
		"empty":   func() { Main() },
		"suspect": func() { Main(suspect()) },
		"values":  func() { Main(values()) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("DAGSTERGEN_HOME", e.WorkDir+"/home")
			e.Setenv("NO_COLOR", "")
			e.Setenv("TZ", "UTC")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // or each of a hundred short programs sleeps for a second under -race
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": scripttest.Exits, "interrupt": interrupt, "json": checkJSON, "capture": capture, "await": await, "damage": damage},
	})
}

// source says where the data is.
type source struct {
	Path  string     `json:"path"`
	Limit int        `json:"limit"`
	Token dag.Secret `json:"token"`
}

var sourceConfig = &dag.Config{
	Symbol: "example.com/shop.Source", Description: "Source says where the data is.", Decode: dag.DecodeConfig[source], Encode: dag.EncodeConfig[source],
	Fields: []dag.Field{
		{Name: "path", Kind: dag.FieldString, Default: `"days.csv"`, Description: "Path of the file."},
		{Name: "limit", Kind: dag.FieldInt, Bits: 64, Default: "10"},
		{Name: "token", Kind: dag.FieldString, Secret: true, Default: `"none"`},
	},
}

type printing struct {
	Prefix string `json:"prefix"`
}

var printingConfig = &dag.Config{
	Symbol: "example.com/shop.Printing", Decode: dag.DecodeConfig[printing], Encode: dag.EncodeConfig[printing],
	Fields: []dag.Field{{Name: "prefix", Kind: dag.FieldString, Required: true}},
}

var (
	words  = dag.ImmutableOf[[]string]("[]string")
	number = dag.ImmutableOf[int]("int")
	word   = dag.ImmutableOf[string]("string")
	file   = dag.TypeOf[dag.File]("dag.File")
)

// shop is a pipeline with one of everything. $CODE stands for the code of count: another value is an edit. $STALE makes its sources look edited.
func shop() dag.Definitions {
	raw := &dag.Op{Kind: dag.KindSource, Key: "raw", Symbol: "example.com/shop.Raw", Description: "Raw is the file as it is.", Group: "in", Config: sourceConfig,
		Outputs: []dag.Output{{Name: "result", Asset: "raw", Type: file}},
		Invoke: func(_ context.Context, c *dag.Call) (err error) {
			c.Out[0], err = dag.OpenFile(dag.ConfigOf[source](c).Path)
			return err
		}}
	rows := &dag.Op{Kind: dag.KindAsset, Key: "rows", Symbol: "example.com/shop.Rows", Description: "Rows are the lines of the file.", Group: "in",
		Inputs: []dag.Input{{Name: "raw", Type: file, Asset: "raw"}}, Outputs: []dag.Output{{Name: "result", Asset: "rows", Type: words}},
		Invoke: func(ctx context.Context, c *dag.Call) (err error) {
			c.Out[0], err = readRows(ctx, dag.In[dag.File](c, 0))
			return err
		}}
	page := &dag.Op{Kind: dag.KindAsset, Key: "page", Symbol: "example.com/shop.Page", Description: "Page is for people.", Group: "out",
		Inputs: []dag.Input{{Name: "rows", Type: words, Asset: "rows"}}, Outputs: []dag.Output{{Name: "result", Asset: "page", Type: file}},
		Resources: []dag.ResourceUse{{Name: "printer", Key: "printer"}},
		Invoke: func(ctx context.Context, c *dag.Call) (err error) {
			c.Out[0], err = dag.WriteFile(ctx, "page.txt", func(w io.Writer) error {
				_, err := fmt.Fprintln(w, dag.ResourceOf[string](c, 0), dag.In[[]string](c, 0))
				return err
			})
			return err
		}}
	ends := &dag.Op{Kind: dag.KindAsset, Key: "ends", Symbol: "example.com/shop.Ends", Description: "Ends finds the first and the last row.",
		Inputs:  []dag.Input{{Name: "rows", Type: words, Asset: "rows"}},
		Outputs: []dag.Output{{Name: "first", Asset: "first", Type: word}, {Name: "last", Asset: "last", Type: word}},
		Invoke: func(_ context.Context, c *dag.Call) error {
			r := dag.In[[]string](c, 0)
			c.Out[0], c.Out[1] = r[0], r[len(r)-1]
			return nil
		}}
	count := &dag.Op{Key: "count", Symbol: "example.com/shop.Count", Description: "Count counts words.",
		Inputs: []dag.Input{{Name: "words", Type: words}}, Outputs: []dag.Output{{Name: "result", Type: number}},
		Invoke: func(ctx context.Context, c *dag.Call) error {
			n := len(dag.In[[]string](c, 0))
			dag.Log(ctx).Info("counted", "n", n)
			fmt.Println("printed by user code")
			c.Out[0] = n
			return dag.AddOutputMetadata(ctx, dag.Text("answer", fmt.Sprint("there are ", n)))
		}}
	check := &dag.Op{Key: "check", Symbol: "example.com/shop.Check", Description: "Check refuses more than the limit.",
		Inputs: []dag.Input{{Name: "n", Type: number}, {Name: "limit", Type: number}}, Outputs: []dag.Output{{Name: "result", Type: number}},
		Invoke: func(ctx context.Context, c *dag.Call) error {
			n, limit := dag.In[int](c, 0), dag.In[int](c, 1)
			switch {
			case limit == 0:
				panic("limit is nothing")
			case limit == -2: // it does not listen
				if err := os.WriteFile("waiting", nil, 0o600); err != nil {
					return err
				}
				time.Sleep(time.Minute)
			case limit < 0:
				if err := os.WriteFile("waiting", nil, 0o600); err != nil {
					return err
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Minute):
				}
			case n > limit:
				return fmt.Errorf("%d are more than %d\nthat is too many\x1b[2J", n, limit)
			}
			c.Out[0] = n
			return nil
		}}
	nightly := &dag.JobDef{GraphDef: dag.GraphDef{Key: "nightly", Symbol: "example.com/shop.Nightly", Description: "Nightly counts words, and checks them. Every night.",
		Params: []dag.JobParam{{Name: "words", Type: words}, {Name: "limit", Type: number}},
		Nodes: []dag.Node{
			{Key: "count", Op: count, Inputs: []dag.Binding{{Kind: dag.FromParam, Param: 0}}},
			{Key: "check", Op: check, Inputs: []dag.Binding{{Kind: dag.FromNode, Node: 0}, {Kind: dag.FromParam, Param: 1}}},
		},
		Outputs: []dag.JobOutput{{Name: "result", Type: number, From: dag.Binding{Kind: dag.FromNode, Node: 1}}}},
		Tags: map[string]string{"team": "data", "env": "none"}, Metadata: map[string]string{"owner": "me"},
		Presets: []dag.Preset{
			{Name: "prod", Description: "What runs at night. Each night.", File: "config/prod.yaml", Text: "inputs:\n  words: [a, b]\n  limit: 5\n", Tags: map[string]string{"env": "prod"}},
			{Name: "bad", File: "bad.yaml", Text: "inputs:\n  wordz: 1\n"},
		}}
	printer := &dag.Resource{Key: "printer", Symbol: "example.com/shop.Printer", Description: "Printer writes pages.", Type: word, Config: printingConfig,
		Open: func(_ context.Context, c *dag.Call) (any, func(), error) {
			return dag.ConfigOf[printing](c).Prefix, nil, nil
		}}

	d := dag.Definitions{Module: "example.com/shop", Package: "example.com/shop", Proof: dag.ProofNone,
		Ops: []*dag.Op{check, count, ends, page, raw, rows}, Jobs: []*dag.JobDef{nightly}, Resources: []*dag.Resource{printer}}
	m := &manifest.Manifest{Mode: "transitive", Target: "linux/amd64", Language: "go1.26"}
	m.Nodes = []manifest.Node{{Name: manifest.EnvNode, Kind: manifest.KindEnv, Local: canon.Sum([]byte("env")), Hash: canon.Sum([]byte("env"))}}
	for _, s := range []string{"Raw", "Rows", "Page", "Ends", "Count", "Check", "Nightly", "Printer"} {
		code := canon.Sum([]byte(s))
		if s == "Count" {
			code = canon.Sum([]byte(s + os.Getenv("CODE")))
		}
		s = "example.com/shop." + s
		m.Nodes = append(m.Nodes, manifest.Node{Name: s, Kind: manifest.KindFunc, Local: code, Hash: code, File: "shop.go"})
		m.Entries = append(m.Entries, manifest.Entry{Symbol: s, Version: code, Node: s})
	}
	if os.Getenv("STALE") != "" {
		d.Proof = dag.ProofEmbed
		m.Packages = []manifest.SourcePackage{{Path: "example.com/shop", Files: []manifest.SourceFile{{Name: "shop.go", Raw: canon.Sum(nil), Tokens: canon.Sum(nil)}}}}
	}
	d.Manifest = m.Text()
	return d
}

func readRows(ctx context.Context, f dag.File) ([]string, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var rows []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		rows = append(rows, lines.Text())
	}
	if len(rows) == 0 {
		return nil, errors.New("no rows")
	}
	table := "| n | row |\n|---:|---|\n"
	for i, row := range rows {
		table += "| " + strconv.Itoa(i) + " | " + strings.ReplaceAll(row, "|", `\|`) + " |\n"
	}
	return rows, errors.Join(lines.Err(), dag.AddOutputMetadata(ctx, dag.Int("rows", int64(len(rows))), dag.Markdown("preview", table)))
}
