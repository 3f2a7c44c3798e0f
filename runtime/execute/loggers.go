package execute

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// loggerSchemas are the handlers of the user's: the resources that are a slog.Handler, each with all that it takes.
func loggerSchemas(cat *plan.Catalog) []runconfig.LoggerSchema {
	var out []runconfig.LoggerSchema
	for _, res := range cat.Resources() {
		if res.Type == nil || res.Type.Go == nil || !res.Type.Go.Implements(reflect.TypeFor[slog.Handler]()) {
			continue
		}
		l := runconfig.LoggerSchema{Resource: res}
		seen := map[string]bool{res.Key: true}
		var take func(*dag.Resource)
		take = func(r *dag.Resource) {
			for _, u := range r.Resources {
				if needs, ok := cat.Resource(u.Key); ok && !seen[u.Key] {
					seen[u.Key] = true
					l.Needs = append(l.Needs, needs)
					take(needs)
				}
			}
		}
		take(res)
		out = append(out, l)
	}
	return out
}

// openLoggers puts the handlers that run config chose in place of the console.
func (r *run) openLoggers(ctx context.Context) error {
	if len(r.asked.loggers) == 0 {
		return nil
	}
	out := r.opts.LogOutput
	if out == nil {
		out = os.Stderr
	}
	out = &lockedWriter{w: out} // each handler has a lock of its own
	shown := r.opts.Console     // it knows the steps already: who gave it is told what happens, too
	var handlers, told []slog.Handler
	for _, l := range r.asked.loggers {
		h, err := r.logger(ctx, l, out)
		if err != nil {
			return err
		}
		handlers = append(handlers, h)
		if l.Name != runconfig.LoggerConsole || l.Resource != nil || shown == nil {
			told = append(told, h)
		}
		if l.Resource == nil {
			r.endLoggers = append(r.endLoggers, h)
		}
	}
	r.tellLoggers(told)
	if len(handlers) == 1 {
		r.opts.Console = handlers[0]
	} else {
		r.opts.Console = slog.NewMultiHandler(handlers...)
	}
	return nil
}

// closeLogFiles closes what openLoggers opened: after the resources, which may log to their end.
func (r *run) closeLogFiles() {
	for _, f := range r.logFiles {
		_ = f.Close() // every line is written by then
	}
}

func (r *run) logger(ctx context.Context, l runconfig.Logger, out io.Writer) (slog.Handler, error) {
	lowest := &slog.HandlerOptions{Level: slog.Level(-1 << 20)} // the level is held outside
	runID := []slog.Attr{slog.String("run_id", r.id)}
	switch {
	case l.Resource != nil:
		v, err := r.res.get(ctx, l.Name)
		if err != nil {
			return nil, fmt.Errorf("logger %s: %w", l.Name, err)
		}
		h, ok := v.(slog.Handler)
		if !ok || reflect.ValueOf(h).Kind() == reflect.Pointer && reflect.ValueOf(h).IsNil() {
			return nil, &ResourceError{Resource: l.Name, Err: fmt.Errorf("it gave a nil %s, which cannot log", l.Resource.Type.Name)}
		}
		careful := &carefulHandler{Handler: h, fails: &loggerFailure{name: l.Name, warn: r.warn}}
		if l.Level != nil {
			return &leveled{careful.WithAttrs(runID), *l.Level}, nil
		}
		return careful.WithAttrs(runID), nil
	case l.Name == runconfig.LoggerJSON:
		if l.Path != "" {
			f, err := os.OpenFile(l.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			if err != nil {
				return nil, badOption("loggers.json.config.path: %v", err)
			}
			r.logFiles = append(r.logFiles, f)
			out = f
		}
		return &leveled{slog.NewJSONHandler(out, lowest).WithAttrs(runID), levelOr(l.Level, slog.LevelInfo)}, nil
	}
	switch {
	case r.opts.Console == nil:
		return &leveled{slog.NewTextHandler(out, lowest), levelOr(l.Level, slog.LevelInfo)}, nil
	case l.Level != nil:
		return &leveled{r.opts.Console, *l.Level}, nil
	}
	return r.opts.Console, nil
}

// lockedWriter takes one line at a time.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func levelOr(l *slog.Level, otherwise slog.Level) slog.Level { return *cmp.Or(l, &otherwise) }

// leveled takes lines of a level and above, whatever the handler below would take.
type leveled struct {
	slog.Handler
	level slog.Level
}

func (h *leveled) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h *leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &leveled{h.Handler.WithAttrs(attrs), h.level}
}

func (h *leveled) WithGroup(name string) slog.Handler {
	return &leveled{h.Handler.WithGroup(name), h.level}
}

// carefulHandler is a handler of the user's: what goes wrong in it is a warning, and fails no step.
type carefulHandler struct {
	slog.Handler
	fails *loggerFailure
}

// loggerFailure warns of the first failure of a logger: there may be one a line.
type loggerFailure struct {
	name string
	warn func(step, message string)
	said atomic.Bool // not a sync.Once: the warning comes back to the handler that failed
}

func (f *loggerFailure) call(ctx context.Context, do func() error) {
	err, _ := guard(do)
	if err == nil || f.said.Swap(true) {
		return
	}
	message := fmt.Sprintf("logger %s: %v; lines are missing there", f.name, err)
	if warn, telling := ctx.Value(tellingKey{}).(func(string)); telling {
		warn(message)
	} else {
		f.warn("", message)
	}
}

func (h *carefulHandler) Enabled(ctx context.Context, level slog.Level) (ok bool) {
	h.fails.call(ctx, func() error { ok = h.Handler.Enabled(ctx, level); return nil })
	return ok
}

func (h *carefulHandler) Handle(ctx context.Context, r slog.Record) error {
	h.fails.call(ctx, func() error { return h.Handler.Handle(ctx, r) })
	return nil
}

func (h *carefulHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := &carefulHandler{h.Handler, h.fails}
	h.fails.call(context.Background(), func() error { c.Handler = h.Handler.WithAttrs(attrs); return nil })
	return c
}

func (h *carefulHandler) WithGroup(name string) slog.Handler {
	c := &carefulHandler{h.Handler, h.fails}
	h.fails.call(context.Background(), func() error { c.Handler = h.Handler.WithGroup(name); return nil })
	return c
}
