package execute

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// auditHandler is a user's handler: it keeps lines in a ledger.
type auditHandler struct {
	l     *ledger
	attrs []slog.Attr
	fail  func(r slog.Record) error
}

func (h *auditHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}
func (h *auditHandler) WithGroup(string) slog.Handler { return h }
func (h *auditHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &auditHandler{h.l, append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...), h.fail}
}

func (h *auditHandler) Handle(_ context.Context, r slog.Record) error {
	step := ""
	for _, a := range h.attrs {
		if a.Key == "step" {
			step = a.Value.String()
		}
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "step" {
			step = a.Value.String()
		}
		return true
	})
	h.l.add("[%s:%s]", step, strings.ReplaceAll(r.Message, " ", "_"))
	if h.fail != nil {
		return h.fail(r)
	}
	return nil
}

// logging is a package with an asset that logs, and a handler that takes the resource pool.
func logging(w *world, l *ledger) *auditHandler {
	h := &auditHandler{l: l}
	w.resource(&dag.Resource{Key: "pool", Config: poolSchema()}, func(ctx context.Context, c *dag.Call) (any, func(), error) {
		l.add("+pool")
		return dag.ConfigOf[poolConfig](c).Size, func() { l.add("-pool") }, nil
	})
	w.resource(&dag.Resource{Key: "audit", Type: dag.TypeOf[*auditHandler]("*shop.Audit"), Resources: []dag.ResourceUse{{Name: "pool", Key: "pool"}}},
		func(ctx context.Context, _ *dag.Call) (any, func(), error) {
			l.add("+audit")
			return h, func() { l.add("-audit") }, nil
		})
	w.resource(&dag.Resource{Key: "db"}, func(ctx context.Context, _ *dag.Call) (any, func(), error) {
		log := dag.Log(ctx)
		log.Info("open db")
		return 1, func() { log.Info("close db") }, nil
	})
	a := w.asset("a", nil, nil)
	a.Resources = []dag.ResourceUse{{Name: "db", Key: "db"}}
	a.Invoke = func(ctx context.Context, c *dag.Call) error {
		log := dag.Log(ctx)
		log.Debug("small")
		log.With("k", 1).WithGroup("g").Info("hello", "n", 2)
		log.Warn("careful")
		c.Out[0] = 1
		return nil
	}
	return h
}

func jsonLines(t *testing.T, data []byte) (lines []string) {
	t.Helper()
	for line := range strings.Lines(string(data)) {
		var v struct {
			Level, Msg, Step string
			RunID            string `json:"run_id"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &v), line)
		require.Len(t, v.RunID, 36)
		lines = append(lines, v.Level+" "+v.Step+" "+v.Msg)
	}
	return lines
}

func TestLoggerJSON(t *testing.T) {
	w := newWorld(t)
	logging(w, &ledger{})
	var out, console bytes.Buffer
	w.opts.LogOutput, w.opts.Console = &out, slog.NewTextHandler(&console, nil)
	w.opts.Config = document(t, "loggers: {json: {config: {log_level: DEBUG}}}")
	res := w.ok("")
	assert.Equal(t, []string{"DEBUG  planned", "INFO  open db", "DEBUG a step started", "DEBUG a small", "INFO a hello", "WARN a careful", "DEBUG a step finished", "INFO  close db", "INFO  run succeeded"},
		jsonLines(t, out.Bytes()))
	assert.Contains(t, out.String(), `"k":1,"g":{"n":2}`)
	assert.Empty(t, console.String(), "what is chosen takes its place")
	row, err := w.inst.Store().Run(t.Context(), res.RunID)
	require.NoError(t, err)
	assert.Contains(t, row.Config, "loggers:\n  json:\n    config:\n      log_level: DEBUG\n")

	file := filepath.Join(t.TempDir(), "run.log")
	w.opts.NoMemo = true
	out.Reset()
	for i := range 2 {
		w.opts.Config = document(t, "loggers: {console: {config: {log_level: WARNING}}, json: {config: {path: "+file+"}}}")
		w.ok("")
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Len(t, jsonLines(t, data), 5*(i+1), "lines are appended")
	}
	assert.Empty(t, out.String())
	assert.Equal(t, 2, strings.Count(console.String(), "\n"), console.String())
	assert.Contains(t, console.String(), "msg=careful step=a")

	w.opts.Config = document(t, "loggers: {json: {config: {path: /no/such/folder/x}}}")
	_, err = Run(t.Context(), w.catalog(), "", w.options())
	assert.EqualError(t, err, "loggers.json.config.path: open /no/such/folder/x: no such file or directory")
	assert.Equal(t, 2, ExitCode(nil, err))
}

func TestLoggerConsole(t *testing.T) {
	w := newWorld(t)
	logging(w, &ledger{})
	var out bytes.Buffer
	w.opts.LogOutput = &out
	w.opts.Config = document(t, "loggers: {console: {config: {log_level: DEBUG}}}")
	res := w.ok("")
	assert.Equal(t, 9, strings.Count(out.String(), "\n"), out.String())
	assert.Contains(t, out.String(), "level=DEBUG msg=small step=a")
	events, err := res.Events(t.Context())
	require.NoError(t, err)
	var said []string
	for _, e := range events {
		if e.Type == storage.EventLog {
			said = append(said, e.Level+" "+e.Message)
		}
	}
	assert.Equal(t, []string{"INFO open db", "DEBUG small", "INFO hello", "WARN careful", "INFO close db"}, said, "what a logger takes is kept, too")
}

func TestLoggerOfTheUser(t *testing.T) {
	w := newWorld(t)
	l := &ledger{}
	h := logging(w, l)
	w.opts.Config = document(t, "loggers: {audit: }")
	w.ok("")
	assert.Equal(t, "+pool +audit [:open_db] [a:hello] [a:careful] [:close_db] -audit -pool", l.take(), "made first, cleaned up last")

	w.ok("")
	assert.Equal(t, "+pool +audit -audit -pool", l.take(), "it was asked for")
	w.opts.Config = nil
	w.ok("")
	assert.Empty(t, l.take())

	w.opts.NoMemo = true
	w.opts.Config = document(t, "loggers: {audit: {config: {log_level: WARN}}}\nresources: {pool: {config: {size: 9}}}")
	w.ok("")
	assert.Equal(t, "+pool +audit [a:careful] -audit -pool", l.take())

	t.Run("one that panics or fails", func(t *testing.T) {
		for name, fail := range map[string]func(slog.Record) error{
			"panic: full": func(slog.Record) error { panic("full") }, "boom": func(slog.Record) error { return errBoom },
		} {
			h.fail = fail
			var mu sync.Mutex
			var warnings []string
			w.opts.Observe = func(p Progress) {
				mu.Lock()
				defer mu.Unlock()
				if p.Kind == ProgressWarning {
					warnings = append(warnings, p.Message)
				}
			}
			w.opts.Config = document(t, "loggers: {audit: }")
			w.ok("")
			assert.Equal(t, []string{"logger audit: " + name + "; lines are missing there"}, warnings, "once, and no step fails")
		}
	})
	t.Run("one that cannot be made", func(t *testing.T) {
		before, err := w.inst.Store().Runs(t.Context(), storage.RunFilter{})
		require.NoError(t, err)
		l.take()
		w.resources[1].Open = failToOpen
		_, err = Run(t.Context(), w.catalog(), "", w.options())
		assert.EqualError(t, err, "logger audit: resource audit: boom")
		var re *ResourceError
		require.ErrorAs(t, err, &re)
		assert.Equal(t, "+pool -pool", l.take())
		after, err := w.inst.Store().Runs(t.Context(), storage.RunFilter{})
		require.NoError(t, err)
		assert.Len(t, after, len(before), "there was no run")
		w.resources[1].Open = func(context.Context, *dag.Call) (any, func(), error) { return (*auditHandler)(nil), nil, nil }
		_, err = Run(t.Context(), w.catalog(), "", w.options())
		assert.EqualError(t, err, "resource audit: it gave a nil *shop.Audit, which cannot log")
	})
	t.Run("one that is replaced", func(t *testing.T) {
		other := &ledger{}
		w.opts.Resources = map[string]any{"audit": &auditHandler{l: other}}
		w.ok("")
		assert.Equal(t, "[:open_db] [a:hello] [a:careful] [:close_db]", other.take())
	})
}

func failToOpen(context.Context, *dag.Call) (any, func(), error) { return nil, nil, errBoom }

// A logger hears of what happens to steps, so that a file of lines says why a night failed.
func TestLoggersAreToldWhatHappens(t *testing.T) {
	w := newWorld(t)
	l := &ledger{}
	h := logging(w, l)
	tries := 0
	b := w.asset("b", []string{"a"}, nil)
	b.Retry = &dag.RetryPolicy{MaxRetries: 1}
	b.Invoke = func(context.Context, *dag.Call) error {
		tries++
		return fmt.Errorf("try %d: %w", tries, errBoom)
	}
	w.asset("c", []string{"b"}, add(1))
	var out bytes.Buffer
	w.opts.LogOutput, w.opts.Executor = &out, InProcessExecutor
	w.opts.Config = document(t, "loggers: {json: {config: {log_level: WARNING}}, audit: }")
	require.Error(t, w.run("").Err())
	lines := jsonLines(t, out.Bytes())
	slices.Sort(lines[2:4]) // a failure is told when it is on disk, what is skipped because of it at once
	assert.Equal(t, []string{"WARN a careful", "WARN b step failed and is tried again: try 1: boom; retry 1 of 1", "ERROR b step failed", "WARN c step skipped: upstream b failed", "ERROR  run failed"}, lines)
	assert.Contains(t, out.String(), `"error":"step b: try 2: boom (tried 2 times)"`)
	own := strings.Fields(l.take())
	slices.Sort(own[5:8])
	assert.Equal(t, []string{"+pool", "+audit", "[:open_db]", "[a:hello]", "[a:careful]", "[b:step_failed]", "[b:step_failed_and_is_tried_again:_try_1:_boom;_retry_1_of_1]", "[c:step_skipped:_upstream_b_failed]", "[:close_db]", "-audit", "-pool"}, own)

	// One that fails just then: a warning, as ever, and no lock is waited for.
	h.fail = func(r slog.Record) error {
		if strings.HasPrefix(r.Message, "step failed") {
			panic("full")
		}
		return nil
	}
	var warnings []string
	w.opts.Observe = func(p Progress) {
		if p.Kind == ProgressWarning {
			warnings = append(warnings, p.Message)
		}
	}
	require.Error(t, w.run("").Err())
	assert.Equal(t, []string{"logger audit: panic: full; lines are missing there"}, warnings)
}

// Handlers that write to one place keep their lines whole.
func TestLoggersShareAWriter(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		w.asset(fmt.Sprintf("a%d", i), nil, nil).Invoke = func(ctx context.Context, c *dag.Call) error {
			dag.Log(ctx).Info("hello")
			c.Out[0] = i
			return nil
		}
	}
	var out bytes.Buffer
	w.opts.LogOutput, w.opts.MaxConcurrent = &out, 8
	w.opts.Config = document(t, "loggers: {json: , console: }")
	w.ok("")
	assert.Equal(t, 20, strings.Count(out.String(), "level=INFO msg=hello step=a"))
	assert.Equal(t, 20, strings.Count(out.String(), `"msg":"hello"`))
}
