package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/execute"
)

// mostRunning bounds how many running steps are shown at once.
const mostRunning = 5

// A wording is what the ways of a step to end are called.
type wording struct {
	ran, failed string    // in a line about a step
	counts      [4]string // of steps that ran, were reused, failed, were skipped
}

var (
	running   = wording{"run", "failed", [4]string{"run", "reused", "failed", "skipped"}}
	verifying = wording{"same", "differs", [4]string{"same", "reused", "not the same", "skipped"}}
)

// A progress is what is known of a run while it goes on. It is a value over events and time: nothing here reads a clock or
// writes anything.
type progress struct {
	words   wording
	started time.Time
	last    execute.Progress // of the counts
	running []runningStep    // in the order they started
}

type runningStep struct {
	key   string
	since time.Time
}

// apply takes in one event.
func (p *progress) apply(e execute.Progress, now time.Time) {
	p.last = e
	if e.Step == "" {
		return
	}
	at := slices.IndexFunc(p.running, func(r runningStep) bool { return r.key == e.Step })
	switch {
	case e.Kind == execute.ProgressStarted && at < 0:
		p.running = append(p.running, runningStep{e.Step, now})
	case e.Kind != execute.ProgressStarted && e.Kind != execute.ProgressWarning && at >= 0:
		p.running = slices.Delete(p.running, at, at+1)
	}
}

// live returns the lines of a terminal that is redrawn in place: a bar with counts and time, and the running steps.
func (p *progress) live(now time.Time, l look) []string {
	if p.last.Total == 0 {
		return nil
	}
	counts := p.counts()
	head := fmt.Sprintf("%d/%d  %s  %s", p.last.Done(), p.last.Total, strings.Join(counts, ", "), seconds(now.Sub(p.started)))
	if len(counts) == 0 {
		head = fmt.Sprintf("%d/%d  %s", p.last.Done(), p.last.Total, seconds(now.Sub(p.started)))
	}
	const cells = 20
	if l.width == 0 || l.width > displayWidth(head)+cells+4 {
		full := cells * p.last.Done() / p.last.Total
		head = l.paint(strings.Repeat("━", full), green) + l.paint(strings.Repeat("─", cells-full), dim) + gap + head
	} else {
		head = clip(head, l.width)
	}
	lines := []string{head}
	for i, r := range p.running {
		if i == mostRunning && len(p.running) > mostRunning+1 {
			lines = append(lines, l.paint(fmt.Sprintf("  and %d more", len(p.running)-mostRunning), dim))
			break
		}
		elapsed := seconds(now.Sub(r.since))
		key := escape(r.key)
		if l.width > 0 {
			key = clip(key, max(l.width-len(elapsed)-6, 1))
		}
		lines = append(lines, "  "+l.paint("▸", green)+" "+key+gap+l.paint(elapsed, dim))
	}
	return lines
}

func (p *progress) counts() []string {
	var out []string
	for i, n := range []int{p.last.Ran, p.last.Reused, p.last.Failed, p.last.Skipped} {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, p.words.counts[i]))
		}
	}
	return out
}

// line returns what is written about one event where nothing is redrawn, and whether it is worth a line. More is written
// with verbose; quiet leaves warnings.
func (w wording) line(e execute.Progress, v verbosity, l look) (string, bool) {
	line := func(what string, st style, rest string) string {
		s := l.paint(pad(what, max(6, len(w.failed)), false), st) + gap + escape(e.Step)
		if rest != "" {
			s += gap + rest
		}
		return s
	}
	switch e.Kind {
	case execute.ProgressWarning:
		s := "warning: "
		if e.Step != "" {
			s += escape(e.Step) + ": "
		}
		return l.paint("warning:", yellow) + strings.TrimPrefix(s, "warning:") + escape(e.Message), true
	case execute.ProgressFailed:
		return line(w.failed, red, seconds(e.Elapsed)), v >= normal
	case execute.ProgressFinished:
		return line(w.ran, green, seconds(e.Elapsed)), v >= normal
	case execute.ProgressRetrying:
		return line("retry", yellow, escape(e.Message)), v >= normal
	case execute.ProgressSkipped:
		return line("skip", yellow, escape(e.Message)), v >= normal
	case execute.ProgressReused:
		return line("reuse", dim, ""), v >= verbose
	case execute.ProgressStarted:
		return line("start", plain, ""), v >= verbose
	}
	return "", false
}

// seconds writes a duration for people: 12ms, 1.2s, 3m05s, 2h07m.
func seconds(d time.Duration) string {
	switch {
	case d < 0:
		return "0ms"
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%dms", d/time.Millisecond)
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}
