package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/runtime/execute"
)

// verbosity is how much goes to stderr.
type verbosity int8

const (
	quiet   verbosity = iota - 1 // errors and warnings
	normal                       // and what happens
	verbose                      // and everything else
)

// frame is how often a live screen is redrawn.
const frame = 100 * time.Millisecond

// A screen is stderr while a run goes on: lines that stay, and on a terminal below them a part that is redrawn in place. It is
// safe for concurrent use.
type screen struct {
	w     io.Writer
	look  look
	live  bool // redraw in place
	level verbosity
	now   func() time.Time
	size  func() int // the width now: a person may have changed it; nil where it is fixed

	mu       sync.Mutex
	progress progress
	drawn    int // lines of the part that is redrawn
	stop     chan struct{}
	done     sync.WaitGroup
}

// start begins redrawing; close ends it.
func (s *screen) start() {
	s.progress.started = s.now()
	if !s.live {
		return
	}
	s.stop = make(chan struct{})
	s.done.Go(func() {
		t := time.NewTicker(frame)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				s.mu.Lock()
				s.redraw(nil)
				s.mu.Unlock()
			case <-s.stop:
				return
			}
		}
	})
}

// close removes what is redrawn and leaves the lines that stay.
func (s *screen) close() {
	if s.stop != nil {
		close(s.stop)
		s.done.Wait()
		s.stop = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drawn > 0 {
		_, _ = io.WriteString(s.w, erase(s.drawn))
		s.drawn = 0
	}
}

// observe takes in an event of the run.
func (s *screen) observe(e execute.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress.apply(e, s.now())
	line, worth := s.progress.words.line(e, s.level, s.look)
	if s.live && e.Kind == execute.ProgressFinished && s.level < verbose {
		worth = false // the bar says it
	}
	if worth {
		s.print([]string{line})
	}
}

// note writes lines that stay. They are escaped by the caller.
func (s *screen) note(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.print(lines)
}

// stopping says that a signal was heard, and what another one would do.
func (s *screen) stopping(cause error) {
	var by *interrupted
	if errors.As(cause, &by) && s.level >= normal {
		s.note("stopping: waiting for running steps to end; again to stop at once")
	}
}

func (s *screen) print(lines []string) {
	if s.live && s.stop != nil {
		s.redraw(lines)
		return
	}
	for _, l := range lines {
		fmt.Fprintln(s.w, l)
	}
}

// redraw writes lines above the part that is redrawn, in one write, so that a terminal never shows half of it.
func (s *screen) redraw(above []string) {
	var b strings.Builder
	b.WriteString(erase(s.drawn))
	for _, l := range above {
		b.WriteString(l + "\n")
	}
	if s.size != nil {
		s.look.width = s.size()
	}
	lines := s.progress.live(s.now(), s.look)
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	s.drawn = len(lines)
	_, _ = io.WriteString(s.w, b.String())
}

// erase moves the cursor to the start of the line, n lines up, and clears from there on. The line it is on may have been written to: a
// terminal shows ^C there.
func erase(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", n)
}
