package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
)

func TestLiveProgress(t *testing.T) {
	p := progress{words: running, started: at(0)}
	assert.Empty(t, p.live(at(0), look{}), "nothing before there is a plan")
	p.apply(execute.Progress{Kind: execute.ProgressPlanned, Total: 12, Reused: 3}, at(0))
	p.apply(execute.Progress{Kind: execute.ProgressStarted, Step: "a", Total: 12, Reused: 3, Running: 1}, at(0.2))
	p.apply(execute.Progress{Kind: execute.ProgressStarted, Step: "b\x1b[2J", Total: 12, Reused: 3, Running: 2}, at(0.3))
	golden(t, "progress", p.live(at(1.5), look{}))
	golden(t, "progress-color", p.live(at(1.5), look{width: 80, color: true}))
	golden(t, "progress-24", p.live(at(1.5), look{width: 24}))
	p.apply(execute.Progress{Kind: execute.ProgressFinished, Step: "a", Total: 12, Reused: 3, Ran: 1, Running: 1}, at(61))
	p.apply(execute.Progress{Kind: execute.ProgressFailed, Step: "b\x1b[2J", Total: 12, Reused: 3, Ran: 1, Failed: 1}, at(62))
	for i := range 8 {
		p.apply(execute.Progress{Kind: execute.ProgressStarted, Step: fmt.Sprint("c", i), Total: 12, Reused: 3, Ran: 1, Failed: 1, Running: i + 1}, at(63))
	}
	golden(t, "progress-many", p.live(at(64), look{}))
}

func TestProgressLines(t *testing.T) {
	events := []execute.Progress{
		{Kind: execute.ProgressPlanned, Total: 4},
		{Kind: execute.ProgressStarted, Step: "a"},
		{Kind: execute.ProgressFinished, Step: "a", Elapsed: 1234 * time.Millisecond},
		{Kind: execute.ProgressReused, Step: "b"},
		{Kind: execute.ProgressFailed, Step: "c", Err: errors.New("no"), Elapsed: time.Millisecond},
		{Kind: execute.ProgressSkipped, Step: "d", Message: `because "c" failed`},
		{Kind: execute.ProgressWarning, Step: "e", Message: "blob is damaged\x1b[2J"},
		{Kind: execute.ProgressWarning, Message: "of the run"},
	}
	for v, name := range map[verbosity]string{quiet: "lines-quiet", normal: "lines", verbose: "lines-verbose"} {
		var out []string
		for _, e := range events {
			if line, ok := running.line(e, v, look{}); ok {
				out = append(out, line)
			}
		}
		golden(t, name, out)
	}
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0ms", 0: "0.0ms", 1500 * time.Microsecond: "1.5ms", 12 * time.Millisecond: "12ms", 999 * time.Millisecond: "999ms", time.Second: "1.0s",
		59990 * time.Millisecond: "59.9s", 185 * time.Second: "3m05s", 2*time.Hour + 7*time.Minute: "2h07m",
	} {
		assert.Equal(t, want, seconds(d))
	}
}

// What a live screen writes, replayed by a terminal, must leave exactly the lines that stay.
func TestScreenLeavesWhatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		s := &screen{progress: progress{words: running}, w: &b, look: look{width: 80}, live: true, now: time.Now}
		s.start()
		s.observe(execute.Progress{Kind: execute.ProgressPlanned, Total: 2})
		s.observe(execute.Progress{Kind: execute.ProgressStarted, Step: "a", Total: 2, Running: 1})
		time.Sleep(3 * frame)
		s.note("a line that stays")
		s.observe(execute.Progress{Kind: execute.ProgressStarted, Step: "b", Total: 2, Running: 2})
		time.Sleep(2*frame + frame/2)
		synctest.Wait() // for what the clock made it draw
		assert.Equal(t, []string{"a line that stays", "────────────────────  0/2  500ms", "  ▸ a  500ms", "  ▸ b  200ms"}, terminal(b.String()))
		s.observe(execute.Progress{Kind: execute.ProgressFinished, Step: "a", Total: 2, Ran: 1, Running: 1})
		s.observe(execute.Progress{Kind: execute.ProgressFailed, Step: "b", Total: 2, Ran: 1, Failed: 1, Elapsed: 2 * time.Second})
		s.close()
		assert.Equal(t, []string{"a line that stays", "failed  b  2.0s"}, terminal(b.String()))
	})
}

// terminal replays what was written with the only two movements that a screen makes.
func terminal(s string) []string {
	var lines []string
	for s != "" {
		if rest, ok := strings.CutPrefix(s, "\r\x1b["); ok {
			var up int
			fmt.Sscanf(rest, "%dA", &up)
			lines = lines[:len(lines)-up]
			s = rest[strings.Index(rest, "\x1b[J")+len("\x1b[J"):]
			continue
		}
		line, rest, _ := strings.Cut(s, "\n")
		lines, s = append(lines, line), rest
	}
	return lines
}

func TestConsole(t *testing.T) {
	var b bytes.Buffer
	s := &screen{progress: progress{words: running}, w: &b, now: time.Now}
	log := slog.New(newConsole(s)).With("step", "compare")
	log.Info("2015 against 2012\x1b[2J", "days", 38, "token", dag.NewSecret("c4n4ry"), "text", "two words", "empty", "")
	log.WithGroup("g").With("a", 1).Warn("careful", slog.Group("h", "b", 2), slog.Any("err", io.EOF))
	log.Debug("not shown")
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	for i, l := range lines {
		lines[i] = "TIME" + l[len("15:04:05"):]
	}
	golden(t, "console", lines)
	assert.NotContains(t, b.String(), "c4n4ry")

	b.Reset()
	s.level = quiet
	slog.New(newConsole(s)).Info("not shown")
	assert.Empty(t, b.String())
	s.level = verbose
	slog.New(newConsole(s)).Debug("shown")
	assert.Contains(t, b.String(), "DEBUG shown")
}
