// Package dagtest helps unit tests of ops, assets and resources: it makes the context of a step, and builds resources. (The role of Dagster's build_op_context.)
//
// A function marked //dag:op is called like any other, with any context: dag.Log, dag.AddOutputMetadata and their kind do nothing there that a test would see. This
// package is for tests that look at what a body says, or that answer what it asks. Config is a parameter: pass a value.
//
// Stage: beside runtime/cli, above execute. Nothing of the runtime imports it.
package dagtest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// TB is what this package needs of a *testing.T.
type TB interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	TempDir() string
	Fatalf(format string, args ...any)
}

// A Step says what a body is told when it asks where it runs. The zero Step is the step "step" of the run of a job "test".
type Step struct {
	RunID       string // "" for 00000000-0000-7000-8000-000000000000
	Job         string // "" for "test"
	Key         string // "" for "step"
	MappingKeys []string
	RetryNumber int
	Tags        map[string]string // of the step
	RunTags     map[string]string
	RunConfig   string // YAML
	Op          *dag.Op
	Partition   *dag.Partition // nil for none
	Selected    []string       // names of the outputs that dag.Selected says yes to; nil for all
}

// A Record is what a body said.
type Record struct {
	mu           sync.Mutex
	lines        []Line
	metadata     map[string][]dag.MetadataEntry
	versions     map[string]dag.DataVersion
	expectations []dag.Expectation
	assets       []dag.LoggedAsset
	files        []dag.File
}

// A Line is a line of dag.Log.
type Line struct {
	Level   slog.Level
	Message string
	Attrs   map[string]string // values as text; of a group "group.name"
}

// String returns "INFO message".
func (l Line) String() string { return l.Level.String() + " " + l.Message }

// Lines returns the lines of dag.Log, in order.
func (r *Record) Lines() []Line {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// Metadata returns what was recorded for an output; "" is that of an op with one output.
func (r *Record) Metadata(output string) []dag.MetadataEntry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.metadata[output])
}

// DataVersion returns what dag.SetDataVersion was told of an output; "" is that of an op with one output.
func (r *Record) DataVersion(output string) dag.DataVersion {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.versions[output]
}

// Expectations returns what dag.Expect was told, in order.
func (r *Record) Expectations() []dag.Expectation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.expectations)
}

// Assets returns what dag.LogMaterialization and dag.LogObservation were told, in order.
func (r *Record) Assets() []dag.LoggedAsset {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.assets)
}

// Files returns the files that dag.WriteFile made, in order. They are gone when the test ends.
func (r *Record) Files() []dag.File {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.files)
}

// Context returns a context for a call of an op, and the record of what the body says with it. It ends with the test.
func Context(t TB, s Step) (context.Context, *Record) {
	t.Helper()
	r := &Record{metadata: map[string][]dag.MetadataEntry{}, versions: map[string]dag.DataVersion{}}
	info := dag.StepInfo{
		RunID: cmp.Or(s.RunID, "00000000-0000-7000-8000-000000000000"), JobKey: cmp.Or(s.Job, "test"), StepKey: cmp.Or(s.Key, "step"),
		RetryNumber: s.RetryNumber, MappingKeys: s.MappingKeys, Tags: s.Tags, Partition: s.Partition,
	}
	info.Run = &dag.RunInfo{ID: info.RunID, Job: info.JobKey, Tags: s.RunTags, Config: s.RunConfig}
	scope := &dag.Scope{
		Info: info, Op: s.Op, Selected: s.Selected, Log: slog.New(&handler{record: r}), AddMetadata: r.addMetadata, SetDataVersion: r.setDataVersion,
		Job: &dag.JobDef{GraphDef: dag.GraphDef{Key: info.JobKey}, Tags: s.RunTags},
		Expect: func(e dag.Expectation) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.expectations = append(r.expectations, e)
		},
	}
	scope.LogAsset = func(e dag.LoggedAsset) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.assets = append(r.assets, e)
	}
	dir, n := "", 0
	scope.NewFile = func(name string, write func(io.Writer) error) (dag.File, error) {
		r.mu.Lock()
		if dir == "" {
			dir = t.TempDir()
		}
		n++
		path := filepath.Join(dir, strconv.Itoa(n)+filepath.Ext(name))
		r.mu.Unlock()
		f, err := dag.WriteTo(path, name, write)
		if err == nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.files = append(r.files, f)
		}
		return f, err
	}
	return dag.WithScope(t.Context(), scope), r
}

// addMetadata holds labels to being used once, as a run does.
func (r *Record) addMetadata(output string, entries []dag.MetadataEntry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range entries {
		if slices.ContainsFunc(r.metadata[output], func(known dag.MetadataEntry) bool { return known.Label == e.Label }) {
			return fmt.Errorf("%w: label %q is used twice for output %q", dag.ErrMetadata, e.Label, output)
		}
		r.metadata[output] = append(r.metadata[output], e)
	}
	return nil
}

// setDataVersion takes one for each output, as a run does.
func (r *Record) setDataVersion(output string, v dag.DataVersion) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.versions[output]; known != "" {
		return fmt.Errorf("%w: output %q has %q already; say one", dag.ErrDataVersion, output, string(known))
	}
	r.versions[output] = v
	return nil
}

// Resource builds a resource as a run would, with all that it takes, and cleans it up when the test ends. config is a run config as YAML: "resources: {db: {config: {path:
// test.db}}}"; "" for defaults. replaced are values in place of resources that it takes, by key.
func Resource[T any](t TB, defs dag.Definitions, key, config string, replaced map[string]any) T {
	t.Helper()
	var none T
	cat, err := plan.NewCatalog(defs)
	if err != nil {
		t.Fatalf("%v", err)
		return none
	}
	var doc *runconfig.Document
	if config != "" {
		if doc, err = runconfig.Parse("config", []byte(config)); err != nil {
			t.Fatalf("%v", err)
			return none
		}
	}
	v, cleanup, err := execute.OpenResource(context.WithoutCancel(t.Context()), cat, key, doc, replaced)
	if err != nil {
		t.Fatalf("%v", err)
		return none
	}
	t.Cleanup(cleanup)
	typed, ok := v.(T)
	if !ok {
		t.Fatalf("resource %q is a %T, and not a %T", key, v, none)
	}
	return typed
}

// handler collects log lines.
type handler struct {
	record *Record
	attrs  []slog.Attr
	groups string // of what follows: "a.b."
}

// Enabled takes every line.
func (h *handler) Enabled(context.Context, slog.Level) bool { return true }

// Handle keeps a line.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	l := Line{Level: r.Level, Message: r.Message, Attrs: map[string]string{}}
	for _, a := range h.attrs {
		put(l.Attrs, "", a)
	}
	r.Attrs(func(a slog.Attr) bool {
		put(l.Attrs, h.groups, a)
		return true
	})
	h.record.mu.Lock()
	defer h.record.mu.Unlock()
	h.record.lines = append(h.record.lines, l)
	return nil
}

func put(into map[string]string, prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() != slog.KindGroup {
		into[prefix+a.Key] = v.String()
		return
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, b := range v.Group() {
		put(into, prefix, b)
	}
}

// WithAttrs returns a handler that adds attrs to every line.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		a.Key = h.groups + a.Key
		c.attrs = append(c.attrs, a)
	}
	return &c
}

// WithGroup returns a handler that puts what follows into a group.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.groups += name + "."
	return &c
}
