package execute

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/dagstergen/dagstergen/internal/mask"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// tellingKey is in the context while handlers are told what happens. Its value is how to warn then: the observer is locked.
type tellingKey struct{}

// tellLoggers lets handlers know what happens to steps, as lines of their own: what starts and ends at DEBUG, what is not as it should be at WARN, failures at ERROR.
func (r *run) tellLoggers(handlers []slog.Handler) {
	if len(handlers) == 0 {
		return
	}
	also := r.show.tell
	if also == nil {
		also = func(Progress) {}
	}
	ctx := context.WithValue(r.ctx, tellingKey{}, func(message string) {
		r.warnEvent("", message)
		also(Progress{Kind: ProgressWarning, Message: message})
	})
	r.show.tell = func(p Progress) {
		also(p)
		level, message, attrs := progressLine(p)
		if message == "" {
			return
		}
		if p.Step != "" {
			attrs = append(attrs, slog.String("step", p.Step))
		}
		for _, h := range handlers {
			logLine(ctx, h, level, message, attrs)
		}
	}
}

func progressLine(p Progress) (level slog.Level, message string, attrs []slog.Attr) {
	seconds := slog.Float64("seconds", p.Elapsed.Seconds())
	switch p.Kind {
	case ProgressPlanned:
		return slog.LevelDebug, "planned", []slog.Attr{slog.Int("steps", p.Total), slog.Int("reused", p.Reused)}
	case ProgressStarted:
		return slog.LevelDebug, "step started", nil
	case ProgressFinished:
		return slog.LevelDebug, "step finished", []slog.Attr{seconds}
	case ProgressReused:
		return slog.LevelDebug, "step reused", nil
	case ProgressFailed:
		attrs = []slog.Attr{slog.Any("error", p.Err), seconds}
		if stack := stackOfStep(p.Err); stack != "" {
			attrs = append(attrs, slog.String("stack", stack))
		}
		return slog.LevelError, "step failed", attrs
	case ProgressRetrying:
		return slog.LevelWarn, "step failed and is tried again: " + p.Message, []slog.Attr{seconds}
	case ProgressSkipped:
		return slog.LevelWarn, "step skipped: " + p.Message, nil
	case ProgressWarning:
		return slog.LevelWarn, p.Message, nil
	}
	return 0, "", nil // the total has changed
}

// stackOfStep is where user code panicked.
func stackOfStep(err error) string {
	var s *StepError
	if errors.As(err, &s) {
		return s.Stack
	}
	return ""
}

// logEnd tells the loggers that every run has how it ended. Those of the user's are cleaned up by then.
func (r *run) logEnd(row *storage.Run) {
	level, message := slog.LevelInfo, "run succeeded"
	switch row.Status {
	case storage.RunFailure:
		level, message = slog.LevelError, "run failed"
	case storage.RunCanceled:
		level, message = slog.LevelWarn, "run was canceled"
	}
	attrs := []slog.Attr{slog.Int("ran", row.Ran), slog.Int("reused", row.Reused), slog.Int("failed", row.Failed), slog.Int("skipped", row.Skipped)}
	if row.Cause != "" {
		attrs = append(attrs, slog.String("cause", row.Cause))
	}
	for _, h := range r.endLoggers {
		logLine(context.WithoutCancel(r.ctx), h, level, message, attrs)
	}
}

func logLine(ctx context.Context, h slog.Handler, level slog.Level, message string, attrs []slog.Attr) {
	if !h.Enabled(ctx, level) {
		return
	}
	record := slog.NewRecord(time.Now(), level, mask.Hide(message), 0)
	record.AddAttrs(attrs...)
	_ = h.Handle(ctx, maskedRecord(record)) // a handler that fails is warned of elsewhere
}
